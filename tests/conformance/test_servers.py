"""Real MCP servers on four real nodes, used from a fifth with the official SDKs.

filesystem, memory, sequential-thinking and everything (npm), each at a node of its own, over WSS;
clients of SDK v1, v2 and v2 in the modern era, over /mcp, /mcp/NAME and `mcpz mcp stdio`. Then
servers that come and go, and kill -9 in the middle of a call. Wants npm: see setup.sh.
"""

import json
import os
import pathlib
import queue
import shutil
import signal
import subprocess
import sys
import threading
import unittest
import urllib.error
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "support"))

from mesh import MCPZ, PATIENCE_S, Failed, Mesh, descendants, run, until, wait_linked  # noqa: E402
from test_conformance import PLACE, SKIPPED, install  # noqa: E402

PACKAGES = {"files": "server-filesystem", "memory": "server-memory",
            "thinking": "server-sequential-thinking", "everything": "server-everything"}
KINDS = ("v1", "v2", "modern")
CLIENT = "servers-client.mjs"
# Of the suite, about tasks. Not tasks-required-task-error: who knows of no tasks is not refused here, but waits for
# the result; nor tasks-mrtr-composition: a server of 2025-11-25 cannot ask before it makes a task.
SCENARIOS = ("tasks-lifecycle", "tasks-capability-negotiation", "tasks-wire-fields", "tasks-request-state-removal",
             "tasks-mrtr-input", "tasks-request-headers", "tasks-dispatch-and-envelope")
RUN_S = 180
NODE = PLACE / "node_modules/node/bin/node"


def marked(mark):
    """Processes anywhere whose environment or command has `mark` in it, but us."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            is_marked = mark.encode() in (entry / "environ").read_bytes() + (entry / "cmdline").read_bytes()
            state = (entry / "stat").read_text().rsplit(")", 1)[1].split()[0]
        except OSError:
            continue
        if is_marked and state != "Z":
            found.append(int(entry.name))
    return found


class Talk:
    """A client that goes on: lines of JSON in and out."""

    def __init__(self, *arguments):
        self.process = subprocess.Popen([NODE, CLIENT, *arguments], cwd=PLACE, text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.said = queue.Queue()
        self.seen = []
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.process.stdout:
            self.said.put(json.loads(line))
        self.said.put(None)

    def say(self, text):
        self.process.stdin.write(text + "\n")
        self.process.stdin.flush()

    def call(self, name, **arguments):
        self.say(json.dumps({"name": name, "args": arguments}))
        return self.hear(f"an answer of {name}", lambda said: "tools" not in said)

    def hear(self, what, condition):
        """The next thing it says for which `condition` is true."""
        while True:
            try:
                said = self.said.get(timeout=PATIENCE_S)
            except queue.Empty:
                raise Failed(f"not heard within {PATIENCE_S:.0f} s: {what}; last: {self.seen[-3:]}") from None
            if said is None:
                raise Failed(f"the client ended; waited for {what}; last: {self.seen[-3:]}")
            self.seen.append(said)
            if condition(said):
                return said

    def close(self):
        self.process.stdin.close()
        self.process.wait(PATIENCE_S)
        self.process.stdout.close()


class Base(unittest.TestCase):
    """A node that clients come to, and one for each of some servers."""

    packages = PACKAGES

    def begin(self, names):
        shutil.copy(HERE / CLIENT, PLACE / CLIENT)
        self.mesh = Mesh()
        self.mark = f"mcpz-servers-{os.getpid()}-{id(self)}"
        self.directory = pathlib.Path(self.mesh.directory)
        self.front = self.mesh.founder("front", "--api", "127.0.0.1:0")
        self.nodes = {name: self.start_host(name) for name in names}
        wait_linked(self.mesh.nodes)
        for name in names:
            self.await_server(name)

    def end(self):
        """Stop all nodes: then nothing is left of what they had started."""
        trouble = []
        for node in self.mesh.nodes:
            node.stop()
        try:
            until("no process of a server is left", lambda: not marked(self.mark))
        except Failed as failed:
            trouble.append(f"{failed}: {marked(self.mark)}")
        self.mesh.__exit__(None, None, None)
        assert not trouble, trouble

    # ---- Helpers -----------------------------------------------------------------------------

    def server(self, name, package=None):
        files = self.directory / f"{name}-files"
        files.mkdir(exist_ok=True)
        script = PLACE / "node_modules/@modelcontextprotocol" / (package or self.packages[name]) / "dist/index.js"
        return {"command": str(NODE), "args": [str(script), *([str(files)] if "file" in str(script) else [])],
                "cwd": str(PLACE), "env": {"MARK": self.mark,
                                           "MEMORY_FILE_PATH": str(files / "memory.jsonl")}}

    def start_host(self, name):
        config = self.directory / f"{name}.json"
        config.write_text(json.dumps({"mcp": {"servers": {name: self.server(name)}}}))
        return self.mesh.joiner(self.front, f"host-{name}", "--config", config)

    def await_server(self, name):
        until(f"{name} is seen", lambda: any(
            row["name"].startswith(f"mcp.about/{name}/") for row in self.front.ask("capabilities")))

    def url(self, path=""):
        return self.front.ready["api"] + "/mcp" + path

    def stdio(self, *more):
        return ["stdio", MCPZ, "mcp", "stdio", "--data", str(self.front.data), *more]

    def use(self, kind, what, *transport):
        done = subprocess.run([NODE, CLIENT, kind, what, *transport], cwd=PLACE, capture_output=True,
                              text=True, timeout=RUN_S, check=False)
        logs = "" if done.returncode == 0 else "\n".join(
            f"--- log of {node.name}\n{node.log()[-3000:]}" for node in self.mesh.nodes)
        self.assertEqual(done.returncode, 0, f"{kind} {what} {transport}:\n{done.stdout}{done.stderr}{logs}")
        used = [json.loads(line)["used"] for line in done.stdout.splitlines()]
        self.assertEqual(used, list(PACKAGES) if what == "all" else what.split(","))

    def talk(self, *arguments):
        talk = Talk(*arguments)
        self.addCleanup(talk.close)
        return talk


class Used(Base):
    """All four, by clients of all kinds, on all ways."""

    @classmethod
    def setUpClass(cls):
        cls.shared = Base()
        cls.shared.begin(PACKAGES)

    @classmethod
    def tearDownClass(cls):
        cls.shared.end()

    def setUp(self):
        for name in ("mesh", "mark", "directory", "front", "nodes"):
            setattr(self, name, getattr(self.shared, name))

    def test_all_of_the_mesh_over_http(self):
        for kind in KINDS:
            with self.subTest(kind=kind):
                self.use(kind, "all", "http", self.url())

    def test_one_by_one_over_http(self):
        for kind in KINDS:
            for name in PACKAGES:
                with self.subTest(kind=kind, server=name):
                    self.use(kind, name, "http", self.url(f"/{name}"))

    def test_all_of_the_mesh_over_stdio(self):
        for kind in KINDS:
            with self.subTest(kind=kind):
                self.use(kind, "all", *self.stdio())

    def test_one_over_stdio(self):
        for kind in KINDS:
            with self.subTest(kind=kind):
                self.use(kind, "everything", *self.stdio("--server", "everything"))

    def test_a_second_one_with_the_same_tools_comes_and_goes(self):
        ways = {**{kind: ("http", self.url()) for kind in KINDS}, "v1 stdio": self.stdio()}
        talks = {way: self.talk(way.split()[0], "watch", *where) for way, where in ways.items()}
        for talk in talks.values():
            tools = talk.hear("tools", lambda said: "tools" in said)["tools"]
            self.assertIn("write_file", tools)
            self.assertNotIn("vault_write_file", tools)
        vault = self.server("vault", "server-filesystem")
        host = self.nodes["memory"]
        added = run("mcp", "add", "vault", "--data", host.data, "--env", f"MARK={self.mark}", "--",
                    vault["command"], *vault["args"])
        self.assertEqual(added.returncode, 0, added.stderr)
        for way, talk in talks.items():
            with self.subTest(way=way):
                tools = talk.hear("the vault's tools", lambda said: "vault_write_file" in said.get("tools", ()))["tools"]
                self.assertIn("write_file", tools)
                path = self.directory / "vault-files" / f"{way.replace(' ', '-')}.txt"
                self.assertFalse(talk.call("vault_write_file", path=str(path), content=way)["isError"])
                self.assertEqual(path.read_text(), way)
                self.assertTrue(talk.call("write_file", path=str(path), content="!")["isError"])
        host.ask("mcp", "remove", "vault")
        for way, talk in talks.items():
            with self.subTest(way=way):
                tools = talk.hear("it to be gone", lambda said: "tools" in said
                                  and "vault_write_file" not in said["tools"])["tools"]
                self.assertIn("write_file", tools)
        until("its processes are gone", lambda: not any(
            "server-filesystem" in command for command in descendants(host.process.pid).values()))


class Tasks(Base):
    """Tasks of both revisions, by clients of both, at /mcp."""

    packages = {"again": "server-everything", "everything": "server-everything"}

    @classmethod
    def setUpClass(cls):
        cls.shared = cls()
        cls.shared.begin(cls.packages)
        # A server that makes tasks in the later revision, at two nodes: a task is at one of them.
        command = str(HERE.parent / "support/mcp_task_server.py")
        for name in ("everything", "again"):
            done = run("mcp", "add", "makers", "--data", cls.shared.nodes[name].data,
                       "--env", f"MARK={cls.shared.mark}", "--", "/usr/bin/python3", command)
            assert done.returncode == 0, done.stderr
        shutil.copy(HERE / "conf-tasks.mjs", PLACE / "conf-tasks.mjs")
        done = run("mcp", "add", "suite", "--data", cls.shared.nodes["again"].data, "--cwd", PLACE,
                   "--env", f"MARK={cls.shared.mark}", "--", NODE, PLACE / "conf-tasks.mjs")
        assert done.returncode == 0, done.stderr
        cls.shared.await_server("suite")
        until("both are seen", lambda: [len(row["providers"]) for row in cls.shared.front.ask("capabilities")
                                        if row["name"] == "mcp/makers"] == [2])

    @classmethod
    def tearDownClass(cls):
        cls.shared.end()

    def setUp(self):
        for name in ("mesh", "mark", "directory", "front", "nodes"):
            setattr(self, name, getattr(self.shared, name))

    def use_tasks(self, what):
        done = subprocess.run([NODE, CLIENT, "v1", what, "http", self.url()], cwd=PLACE, capture_output=True,
                              text=True, timeout=RUN_S, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""), done.stdout)

    def test_they_are_told_apart(self):
        self.use_tasks("tasks")

    def test_a_client_of_2025_11_25_has_tasks_of_a_server_of_2026_07_28(self):
        self.use_tasks("tasks-across")

    def ask(self, method, params, extensions=True):
        """One request of 2026-07-28; its result, or error."""
        meta = "io.modelcontextprotocol/"
        capabilities = {"elicitation": {}, **({"extensions": {meta + "tasks": {}}} if extensions else {})}
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": {**params, "_meta": {
            meta + "protocolVersion": "2026-07-28", meta + "clientCapabilities": capabilities}}}
        name = params.get("name") or params.get("taskId")
        request = urllib.request.Request(self.url(), json.dumps(body).encode(), {
            "Content-Type": "application/json", "Accept": "application/json, text/event-stream",
            "MCP-Protocol-Version": "2026-07-28", "Mcp-Method": method, **({"Mcp-Name": name} if name else {})})
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
                text = answer.read().decode()
        except urllib.error.HTTPError as error:
            text = error.read().decode()
        said = json.loads(text[text.rindex("data: ") + 6:] if text.startswith(("data:", ":")) else text)
        return said.get("result") or said["error"]

    def await_status(self, task, status):
        def see():
            said = self.ask("tasks/get", {"taskId": task})
            self.assertIn(said.get("status"), (status, "working", "input_required"), said)
            return said if said["status"] == status else None
        return until(f"the task is {status}", see)

    def test_a_client_of_2026_07_28_has_tasks_of_a_server_of_2025_11_25(self):
        made = self.ask("tools/call", {"name": "simulate-research-query",
                                       "arguments": {"topic": "python", "ambiguous": True}})
        self.assertEqual(made["resultType"], "task", made)
        task = made["taskId"]
        asked = self.await_status(task, "input_required")["inputRequests"]
        self.assertEqual([question["method"] for question in asked.values()], ["elicitation/create"])
        answers = {key: {"action": "accept", "content": {"interpretation": "snakes"}} for key in asked}
        self.assertEqual(self.ask("tasks/update", {"taskId": task, "inputResponses": answers})["resultType"],
                         "complete")
        self.assertIn("snakes", self.await_status(task, "completed")["result"]["content"][0]["text"])
        # Its id says where it is; nobody else has it.
        server, node, own = task.split(":")
        self.assertIn(server, self.packages)
        self.assertEqual(self.ask("tasks/get", {"taskId": f"{server}:{node}:{own[::-1]}"})["code"], -32602)
        self.assertEqual(self.ask("tasks/get", {"taskId": task}, extensions=False)["code"], -32021)
        # Who knows of no tasks waits for the result.
        said = self.ask("tools/call", {"name": "simulate-research-query", "arguments": {"topic": "x"}}, False)
        self.assertIn("Research Report: x", said["content"][0]["text"])
        made = self.ask("tools/call", {"name": "simulate-research-query", "arguments": {"topic": "y"}})
        self.ask("tasks/cancel", {"taskId": made["taskId"]})
        self.await_status(made["taskId"], "cancelled")

    def test_the_scenarios_of_the_suite_across_the_eras(self):
        """Its client is of 2026-07-28, the server of 2025-11-25: two nodes stand between."""
        for scenario in SCENARIOS:
            with self.subTest(scenario=scenario):
                out = self.directory / "out"
                done = subprocess.run([NODE, "node_modules/conf2/dist/index.js", "server", "--url", self.url("/suite"),
                                       "--scenario", scenario, "-o", out], cwd=PLACE, capture_output=True, text=True,
                                      timeout=RUN_S, check=False)
                self.assertEqual(done.returncode, 0, done.stdout[-3000:] + done.stderr[-1000:])

    def test_a_task_is_found_at_the_node_where_it_is(self):
        nodes = set()
        for _ in range(12):
            made = self.ask("tools/call", {"name": "ask"})
            nodes.add(made["taskId"].split(":")[1])
            asked = self.await_status(made["taskId"], "input_required")["inputRequests"]
            self.ask("tasks/update", {"taskId": made["taskId"], "inputResponses": {
                key: {"action": "accept", "content": {"name": "you"}} for key in asked}})
            done = self.await_status(made["taskId"], "completed")
            self.assertEqual(done["result"]["content"][0]["text"], "hello you")
        self.assertLessEqual(nodes, {node.id for node in self.nodes.values()})
        self.assertIn("io.modelcontextprotocol/tasks",
                      self.ask("server/discover", {})["capabilities"]["extensions"])


class Killed(Base):
    """kill -9, in the middle of calls."""

    def setUp(self):
        self.begin(["everything", "memory"])
        self.addCleanup(self.end)

    def begin_slow(self, kind):
        talk = self.talk(kind, "slow", "http", self.url())
        talk.hear("progress", lambda said: "progress" in said)
        return talk

    def fails_clearly(self, talk):
        """The call has ended with an error of JSON-RPC that says what happened."""
        said = talk.hear("an error", lambda said: "error" in said)
        self.assertEqual(said["code"], -32000, said)
        self.assertIn("everything", said["error"])
        self.assertEqual(said["data"]["server"], "everything", said)
        return said["data"]["code"]

    def await_answer(self, talk):
        """It works again: until then it is told why not."""
        def is_answered():
            talk.say("again")
            said = talk.hear("an answer", lambda said: "progress" not in said)
            return said.get("text") == "Echo: again"
        try:
            until("the next call works", is_answered)
        except Failed as failed:
            raise Failed(f"{failed}; last: {talk.seen[-3:]}") from None

    def test_a_server_that_is_killed_in_the_middle_of_a_call(self):
        node = self.nodes["everything"]
        talks = [self.begin_slow(kind) for kind in KINDS]
        before = {pid for pid, command in descendants(node.process.pid).items()
                  if "server-everything" in command}
        self.assertGreater(len(before), len(KINDS))  # the describer too
        for pid in before:
            os.kill(pid, signal.SIGKILL)
        for talk in talks:
            self.assertEqual(self.fails_clearly(talk), "provider_crashed")
        for talk in talks:
            self.await_answer(talk)
        self.assertFalse(before & set(descendants(node.process.pid)))
        self.await_server("everything")

    def test_a_node_that_is_killed_in_the_middle_of_calls(self):
        node = self.nodes["everything"]
        talks = [self.begin_slow(kind) for kind in KINDS]
        below = list(descendants(node.process.pid))
        self.assertTrue(below)
        node.kill()
        for talk in talks:
            self.assertEqual(self.fails_clearly(talk), "provider_lost")
        until("nothing of what it had started is left", lambda: not [
            pid for pid in below if pathlib.Path(f"/proc/{pid}").exists()
            and pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"])
        self.use("v1", "memory", "http", self.url("/memory"))  # the others know nothing of it
        node.start("--config", self.directory / "everything.json", listen=node.address)
        for talk in talks:
            self.await_answer(talk)


if __name__ == "__main__":
    if not install():
        sys.exit(SKIPPED)
    unittest.main()
