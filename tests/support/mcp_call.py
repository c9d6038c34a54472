"""Calls of hosted MCP servers as a face makes them: lines over `mcpz task run` (src/mcp/host.h)."""

import json
import queue
import subprocess
import threading

PATIENCE = 30
MODERN = "2026-07-28"
META = "io.modelcontextprotocol/"


class Call:
    """One mesh call of `mcp/NAME`; lines go both ways."""

    def __init__(self, mcpz, data, name, kind="request", era="legacy", version="2025-11-25",
                 session=None, client=None, level=None, tenant=None, timeout="60s"):
        params = {"v": 1, "kind": kind, "era": era, "version": version, "session": session,
                  "client": client or {"capabilities": {}}, "level": level}
        command = [mcpz, "task", "run", "mcp/" + name, "--data", data, "--timeout", timeout,
                   "--params", json.dumps(params), "--input", "-"]
        if tenant:
            command += ["--tenant", tenant]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE)
        self.lines = queue.Queue()
        self.errors = []
        self.over = False
        self.readers = [threading.Thread(target=self._read, daemon=True),
                        threading.Thread(target=self._read_errors, daemon=True)]
        for reader in self.readers:
            reader.start()

    def _read(self):
        for line in self.process.stdout:
            self.lines.put(json.loads(line))
        self.lines.put(None)

    def _read_errors(self):
        for line in self.process.stderr:
            self.errors.append(line.decode(errors="replace"))

    def say(self, message):
        raw = message if isinstance(message, bytes) else json.dumps(message).encode()
        try:
            self.process.stdin.write(raw + b"\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass  # it is over: failure() says why
        return self

    def hear(self):
        """The next line; None: it is over."""
        line = None if self.over else self.lines.get(timeout=PATIENCE)
        self.over = line is None
        return line

    def node(self):
        """Line 0: who answers. None: nobody does, see failure()."""
        line = self.hear()
        return line and line["mcpz"]["node"]

    def end(self):
        """Say no more, and hear the rest."""
        try:
            self.process.stdin.close()
        except BrokenPipeError:
            pass  # it was over before all was said
        rest = []
        while (line := self.hear()) is not None:
            rest.append(line)
        self._close()
        return rest

    def failure(self):
        """Why it failed; "": it did not."""
        self.end()
        return "".join(self.errors) if self.process.returncode else ""

    def cancel(self):
        self.process.terminate()
        self.process.stdin.close()
        self._close()

    def _close(self):
        self.process.wait(PATIENCE)
        for reader in self.readers:
            reader.join(PATIENCE)
        self.process.stdout.close()
        self.process.stderr.close()


class Client:
    """A client of one server, of one era."""

    def __init__(self, mcpz, data, name, era="legacy", **more):
        self.mcpz, self.data, self.name, self.era, self.more = mcpz, data, name, era, more
        self.next_id = 0

    def call(self, **more):
        return Call(self.mcpz, self.data, self.name, era=self.era,
                    version=MODERN if self.era == "modern" else "2025-11-25",
                    **{**self.more, **more})

    def message(self, method, params=None, **meta):
        self.next_id += 1
        params = dict(params or {})
        if self.era == "modern":
            client = self.more.get("client") or {"capabilities": {}}
            meta = {META + "protocolVersion": MODERN,
                    META + "clientCapabilities": client["capabilities"],
                    META + "clientInfo": {"name": "test", "version": "1"}, **meta}
            if self.more.get("level"):
                meta[META + "logLevel"] = self.more["level"]
        if meta:
            params["_meta"] = meta
        return {"jsonrpc": "2.0", "id": "c%d" % self.next_id, "method": method, "params": params}

    def ask(self, method, params=None, answer=None, **meta):
        """All lines but the first up to the response; `answer` answers what the server asks."""
        call = self.call()
        request = self.message(method, params, **meta)
        call.say(request)
        assert call.node(), call.failure()
        heard = []
        while (line := call.hear()) is not None:
            heard.append(line)
            if "method" in line and "id" in line:
                call.say({"jsonrpc": "2.0", "id": line["id"], **answer(line)})
        assert call.failure() == "", call.failure()
        assert heard[-1]["id"] == request["id"], heard
        return heard

    def result(self, method, params=None, answer=None, **meta):
        last = self.ask(method, params, answer, **meta)[-1]
        assert "result" in last, last
        return last["result"]

    def error(self, method, params=None, **meta):
        return self.ask(method, params, **meta)[-1]["error"]

    def tool(self, name, arguments=None, answer=None, **meta):
        return self.result("tools/call", {"name": name, "arguments": arguments or {}}, answer,
                           **meta)
