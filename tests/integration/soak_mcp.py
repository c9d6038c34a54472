"""Sessions of MCP that are opened and dropped, and calls without end: memory stays as it was.

    soak_mcp.py [SESSIONS [CALLS]]      10,000 sessions, a million calls

Clients come to one node, the servers are at another. Half of the sessions are ended, as the
protocol asks; the others are just not heard of any more, as most clients do. Calls are made by
MCPZ_BENCH_MCP (tools/bench/mcp_driver.c), sixteen at a time.
"""

import http.client
import json
import os
import pathlib
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

from mesh import Mesh, descendants, until  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
DRIVER = os.environ.get("MCPZ_BENCH_MCP", str(ROOT / "build/tools/bench-mcp"))
SESSIONS = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
CALLS = int(sys.argv[2]) if len(sys.argv) > 2 else 1_000_000
RSS_MAX = 20_000_000
GROWTH_MAX = 1_500_000
os.environ.pop("MALLOC_PERTURB_", None)  # it writes to memory that a node only reserves
IS_PLAIN = os.environ.get("MCPZ_SANITIZED", "") == ""  # sanitizers keep what is freed
OWN_EVERY = 100  # sessions: one of so many calls a server that has a process for each


class Client:
    """Streamable HTTP over one connection that is kept."""

    def __init__(self, node):
        self.connection = http.client.HTTPConnection(node.ready["api"].removeprefix("http://"), timeout=120)

    def ask(self, verb, session=None, **message):
        headers = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
        if session is not None:
            headers["Mcp-Session-Id"] = session
        body = json.dumps({"jsonrpc": "2.0", **message}) if message else None
        self.connection.request(verb, "/mcp", body=body, headers=headers)
        answer = self.connection.getresponse()
        text = answer.read().decode()
        assert answer.status in (200, 202, 204), f"{answer.status} {text}"
        return answer.headers, text

    def begin(self):
        """A session's id."""
        headers, _ = self.ask("POST", id=0, method="initialize", params={
            "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "soak", "version": "1"}})
        session = headers["mcp-session-id"]
        self.ask("POST", session, method="notifications/initialized")
        return session

    def call(self, session, tool):
        _, text = self.ask("POST", session, id=1, method="tools/call",
                           params={"name": tool, "arguments": {"message": "soak"}})
        assert '"text":"soak"' in text, text


class Soak(unittest.TestCase):
    def setUp(self):
        self.mesh = Mesh()
        self.addCleanup(self.finish)
        config = pathlib.Path(self.mesh.directory) / "servers.json"
        config.write_text(json.dumps({"mcp": {"servers": {
            "common": {"command": DRIVER, "args": ["serve", "stdio", "echo"], "stateless": True},
            "own": {"command": DRIVER, "args": ["serve", "stdio", "own-echo"], "idle": "1s"}}}}))
        self.front = self.mesh.founder("front", "--api", "127.0.0.1:0")
        self.back = self.mesh.joiner(self.front, "back", "--config", config)
        for name in ("common", "own"):
            until(f"{name} is seen", lambda name=name: any(
                row["name"].startswith(f"mcp.about/{name}/") for row in self.front.ask("capabilities")))

    def finish(self):
        for node in self.mesh.nodes:
            node.stop()
        self.mesh.__exit__(*sys.exc_info())

    def rss(self):
        return [node.status()["rss_bytes"] for node in (self.front, self.back)]

    def check(self, what, before):
        after = self.rss()
        told = ", ".join(f"{name} {old / 1e6:.2f} -> {new / 1e6:.2f} MB"
                         for name, old, new in zip(("front", "back"), before, after))
        print(f"{what}: {told}", flush=True)
        if IS_PLAIN:
            for old, new in zip(before, after):
                self.assertLess(new - old, GROWTH_MAX, told)
                self.assertLessEqual(new, RSS_MAX, told)

    def drop(self, count):
        """Open so many sessions, and drop them in either way."""
        client = Client(self.front)
        for i in range(count):
            session = client.begin()
            client.call(session, "own-echo" if i % OWN_EVERY == 0 else "echo")
            if i % 2 == 0:
                client.ask("DELETE", session)
        client.connection.close()

    def test_sessions_that_are_dropped_leave_nothing(self):
        self.drop(SESSIONS)  # as many as are kept, for those that may come back, and more
        before = self.rss()
        self.drop(SESSIONS)
        self.check(f"{SESSIONS} sessions", before)
        until("their processes are gone", lambda: 1 == sum(
            "own-echo" in command for command in descendants(self.back.process.pid).values()))

    def drive(self, count):
        done = subprocess.run([DRIVER, "call", self.front.ready["api"] + "/mcp", "own-echo",
                               "--in-flight", "16", "--count", str(count)],
                              capture_output=True, text=True, timeout=3600, check=False)
        result = json.loads(done.stdout)
        # On a machine that starves them the nodes may lose each other for a moment, and say so.
        self.assertLessEqual(result["failed"], count // 1000, done.stdout + done.stderr)
        return result

    def test_calls_without_end_take_no_memory(self):
        self.drive(CALLS // 10)
        before = self.rss()
        result = self.drive(CALLS)
        self.check(f"{CALLS} calls, {result['failed']} failed, {result['per_second']:.0f}/s", before)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
