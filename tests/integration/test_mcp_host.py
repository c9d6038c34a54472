"""MCP servers that misbehave, hosted by real nodes: nothing worse than failed calls comes of it."""

import json
import os
import pathlib
import signal
import stat
import sys
import unittest

SUPPORT = pathlib.Path(__file__).resolve().parents[1] / "support"
sys.path.insert(0, str(SUPPORT))

from mcp_call import Client  # noqa: E402
from mesh import MCPZ, Local, Mesh, run, until, wait_linked  # noqa: E402

ELICITS = {"capabilities": {"elicitation": {}}, "clientInfo": {"name": "test", "version": "1"}}


def answer_name(_question):
    return {"result": {"action": "accept", "content": {"name": "Ada"}}}


def text_of(result):
    return result["content"][0]["text"]


class McpHost(unittest.TestCase):
    def setUp(self):
        self.mesh = self.enterContext(Mesh())
        self.mark = f"mcp-mark-{os.getpid()}-{id(self)}"

    def tearDown(self):
        for node in self.mesh.nodes:
            node.stop()
        left = until("no process of a server is left", lambda: not self.processes() or None,
                     patience=30)
        self.assertTrue(left)

    # ---- Helpers ---------------------------------------------------------------------------

    def processes(self, word=""):
        """Pids of servers, and of what they started, with `word` in their command."""
        found = []
        for entry in pathlib.Path("/proc").iterdir():
            if not entry.name.isdigit() or int(entry.name) == os.getpid():
                continue
            try:
                command = (entry / "cmdline").read_bytes().decode(errors="replace")
                state = (entry / "stat").read_text().rsplit(")", 1)[1].split()[0]
            except OSError:
                continue
            if self.mark in command and word in command and state != "Z":
                found.append(int(entry.name))
        return found

    def server(self, era, *how, **more):
        return {"command": sys.executable,
                "args": [str(SUPPORT / "mcp_server.py"), self.mark, era, *how], **more}

    def config(self, servers, name="a.yaml"):
        path = pathlib.Path(self.mesh.directory) / name
        path.write_text(json.dumps({"mcp": {"servers": servers}}))
        return path

    def host(self, **servers):
        """A node with these servers, all of them ready."""
        node = self.mesh.founder("A", "--config", self.config(servers))
        for name in servers:
            self.await_server(node, name)
        return node

    def await_server(self, node, name, there=True):
        until(f"{name} is {'' if there else 'not '}offered",
              lambda: (f"mcp/{name}" in self.offered(node)) == there or None)

    def offered(self, node):
        return [row["name"] for row in node.ask("capabilities")]

    def client(self, node, name, session="a", era="legacy", **more):
        session = session * 32 if era == "legacy" else None
        return Client(MCPZ, str(node.data), name, era=era, session=session, **more)

    def failing(self, client, name, arguments=None):
        """Call a tool, and give what the call failed with."""
        call = client.call()
        call.say(client.message("tools/call", {"name": name, "arguments": arguments or {}}))
        failure = call.failure()
        self.assertNotEqual(failure, "")
        return failure

    # ---- Starting --------------------------------------------------------------------------

    def test_servers_of_either_era_however_they_greet(self):
        node = self.host(
            plain=self.server("legacy"), early=self.server("legacy", "exit-early"),
            silent=self.server("legacy", "silent"), garbage=self.server("legacy", "garbage"),
            modern=self.server("modern"), messy=self.server("modern", "garbage"))
        for name in ("plain", "early", "silent", "garbage", "modern", "messy"):
            for era in ("legacy", "modern"):
                client = self.client(node, name, era=era, client=ELICITS)
                self.assertEqual(text_of(client.tool("echo", {"text": "é\n\u2028"})), "é\n\u2028")
                self.assertEqual(len(client.result("tools/list")["tools"]), 10)

    def test_a_server_that_cannot_start_hides_no_other(self):
        servers = {"good": self.server("legacy"), "absent": {"command": "/nowhere/to/be/found"},
                   "fails": {"command": "sh", "args": ["-c", "echo broken >&2; exit 3"]}}
        node = self.mesh.founder("A", "--config", self.config(servers))
        self.await_server(node, "good")
        until("it is said why", lambda: "exit status 3: broken" in node.log())
        until("also of the other", lambda: "exit status 127" in node.log())
        offered = self.offered(node)
        self.assertNotIn("mcp/absent", offered)
        self.assertNotIn("mcp/fails", offered)
        self.assertEqual(text_of(self.client(node, "good").tool("echo", {"text": "x"})), "x")

    def test_a_mistake_in_the_configuration_is_told_with_its_place(self):
        path = pathlib.Path(self.mesh.directory) / "b.yaml"
        path.write_text("mcp:\n  servers:\n    files:\n      comand: npx\n")
        done = run("config", "check", "--config", path)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn(f'{path}:4: mcp.servers.files: unknown key "comand": did you mean "command"?',
                      done.stderr + done.stdout)

    def test_what_a_server_finds_around_it(self):
        directory = pathlib.Path(self.mesh.directory) / "it's here"
        directory.mkdir()
        node = self.host(plain=self.server("legacy", env={"TOKEN": "a b'c", "HOME": "/tmp"},
                                           cwd=str(directory)),
                         fenced=self.server("legacy", isolation="degraded",
                                            read=[str(SUPPORT), sys.prefix, sys.base_prefix]))
        names = {"names": ["TOKEN", "HOME", "MCPZ_DATA"]}
        seen = json.loads(text_of(self.client(node, "plain").tool("env", names)))
        self.assertEqual(seen, {"TOKEN": "a b'c", "HOME": "/tmp", "MCPZ_DATA": None,
                                "cwd": str(directory)})
        seen = json.loads(text_of(self.client(node, "fenced").tool("env", names)))
        self.assertEqual(seen["HOME"], seen["cwd"])
        self.assertIn(str(node.data), seen["cwd"])

    # ---- Failing ---------------------------------------------------------------------------

    def test_a_process_that_dies_fails_its_call_and_another_takes_its_place(self):
        node = self.host(x=self.server("legacy"), m=self.server("modern"))
        for name, era in (("x", "legacy"), ("m", "modern"), ("m", "legacy")):
            client = self.client(node, name, era=era)
            self.assertIn(f"the server {name} ended before it answered: killed by signal 9",
                          self.failing(client, "crash"))
            self.await_server(node, name)
            self.assertEqual(text_of(client.tool("echo", {"text": "again"})), "again")

    def test_what_somebody_kills_comes_back(self):
        node = self.host(x=self.server("legacy", shared=True))
        client = self.client(node, "x")
        before = text_of(client.tool("pid"))
        os.kill(int(before), signal.SIGKILL)
        until("another process answers", lambda: self.attempt(client) not in (None, before) or None)

    def attempt(self, client):
        """Who answers; None: nobody."""
        call = client.call().say(client.message("tools/call", {"name": "pid", "arguments": {}}))
        lines = call.end()
        return text_of(lines[-1]["result"]) if lines and "result" in lines[-1] else None

    def test_a_call_that_hangs_ends_in_its_time_and_with_its_session(self):
        node = self.host(x=self.server("legacy"))
        client = self.client(node, "x", timeout="1s")
        self.assertIn("timeout", self.failing(client, "hang"))
        client.call(kind="end").end()
        until("only the describer is left",
              lambda: len(self.processes("mcp_server.py")) == 1 or None)

    def test_one_call_that_hangs_is_none_of_anothers_business(self):
        node = self.host(x=self.server("legacy"))
        hanging = self.client(node, "x", session="b")
        call = hanging.call().say(hanging.message("tools/call", {"name": "hang"}))
        self.assertTrue(call.node())
        for i in range(3):
            self.assertEqual(text_of(self.client(node, "x").tool("echo", {"text": str(i)})), str(i))
        call.cancel()

    def test_a_message_without_an_end_ends_the_process(self):
        node = self.host(x=self.server("legacy"))
        client = self.client(node, "x")
        self.assertIn("a line of more than 8 MiB", self.failing(client, "endless"))
        self.assertEqual(text_of(client.tool("echo", {"text": "x"})), "x")

    def test_a_message_of_seven_megabytes_passes(self):
        node = self.host(x=self.server("legacy"))
        client = self.client(node, "x")
        self.assertEqual(len(text_of(client.tool("big", {"bytes": 7_000_000}))), 7_000_000)
        self.assertEqual(text_of(client.tool("echo", {"text": "z" * 2_000_000})), "z" * 2_000_000)

    def test_a_last_line_needs_no_end(self):
        node = self.host(x=self.server("legacy", "bare"))
        client = self.client(node, "x")
        self.assertEqual(text_of(client.tool("echo", {"text": "x"})), "x")
        self.assertEqual(text_of(client.tool("echo", {"text": "y"})), "y")

    # ---- Ending ----------------------------------------------------------------------------

    def test_nothing_that_a_server_started_outlives_it(self):
        node = self.host(x=self.server("legacy", "deaf"))
        client = self.client(node, "x")
        self.assertEqual(text_of(client.tool("spawn")), "spawned")
        until("it has a child", lambda: self.processes("sleep"))
        client.call(kind="end").end()
        until("neither is there any more", lambda: not self.processes("sleep") or None)
        until("only the describer is", lambda: len(self.processes("mcp_server.py")) == 1 or None)

    def test_a_node_that_is_killed_leaves_no_process(self):
        node = self.host(x=self.server("legacy", "deaf"), m=self.server("modern", "deaf"))
        self.assertEqual(text_of(self.client(node, "x").tool("spawn")), "spawned")
        self.assertEqual(text_of(self.client(node, "m").tool("spawn")), "spawned")
        self.assertGreaterEqual(len(self.processes()), 5)
        node.kill()
        until("none is left", lambda: not self.processes() or None)

    def test_many_sessions_leave_nothing(self):
        node = self.host(x=self.server("legacy", replicas=2))
        for i in range(20):
            client = Client(MCPZ, str(node.data), "x", session="%032x" % i)
            self.assertEqual(text_of(client.tool("echo", {"text": str(i)})), str(i))
            client.call(kind="end").end()
        until("only the describer is left", lambda: len(self.processes()) == 1 or None)

    # ---- Across ----------------------------------------------------------------------------

    def test_questions_cross_eras_and_nodes(self):
        a = self.host(x=self.server("legacy"), m=self.server("modern"))
        b = self.mesh.joiner(a, "B")
        wait_linked([a, b])
        for name in ("x", "m"):
            self.await_server(b, name)
            client = self.client(b, name, client=ELICITS)
            self.assertEqual(text_of(client.tool("ask", {}, answer_name)), "hello Ada")
            heard = client.ask("tools/call", {"name": "slow"}, progressToken="mine")
            self.assertEqual([line["params"]["progressToken"] for line in heard[:-1]],
                             ["mine"] * 3)
            client = self.client(b, name, era="modern", client=ELICITS)
            required = client.tool("ask")
            self.assertEqual(required["resultType"], "input_required")
            answers = {key: answer_name(question)["result"]
                       for key, question in required["inputRequests"].items()}
            again = {"name": "ask", "arguments": {}, "inputResponses": answers}
            if "requestState" in required:
                again["requestState"] = required["requestState"]
            self.assertEqual(text_of(client.result("tools/call", again)), "hello Ada")

    def test_a_host_that_dies_fails_its_calls(self):
        a = self.host(x=self.server("legacy"))
        b = self.mesh.joiner(a, "B")
        wait_linked([a, b])
        self.await_server(b, "x")
        client = self.client(b, "x")
        call = client.call().say(client.message("tools/call", {"name": "hang"}))
        self.assertEqual(call.node(), a.id)
        a.kill()
        self.assertIn("provider", call.failure())

    # ---- Changing --------------------------------------------------------------------------

    def test_a_changed_configuration_is_taken_over_at_once(self):
        node = self.host(x=self.server("legacy"), gone=self.server("legacy"))
        pid = text_of(self.client(node, "x").tool("pid"))
        self.config({"x": self.server("legacy"), "fresh": self.server("modern")})
        node.process.send_signal(signal.SIGHUP)
        self.await_server(node, "fresh")
        self.await_server(node, "gone", there=False)
        self.assertEqual(text_of(self.client(node, "x").tool("pid")), pid)
        self.config({"x": self.server("legacy", "garbage")})
        node.process.send_signal(signal.SIGHUP)
        until("it is another process", lambda: self.attempt(self.client(node, "x")) not in
              (None, pid) or None)

    def test_what_is_added_while_it_runs_is_kept(self):
        servers = self.config({"fixed": self.server("legacy")})
        node = self.mesh.founder("A", "--config", servers)
        self.await_server(node, "fixed")
        wanted = {"name": "more", **self.server("legacy", env={"TOKEN": "secret"})}
        status, answer = Local(node).ask("POST", "/v1/mcp/servers", wanted)
        self.assertEqual((status, answer["name"]), (201, "more"), answer)
        self.await_server(node, "more")
        self.assertEqual(text_of(self.client(node, "more").tool("echo", {"text": "x"})), "x")
        status, answer = Local(node).ask("GET", "/v1/mcp/servers")
        self.assertEqual([(row["name"], row["state"]) for row in answer],
                         [("fixed", "ready"), ("more", "ready")])
        self.assertNotIn("secret", json.dumps(answer))
        status, answer = Local(node).ask("GET", "/v1/mcp/servers/more")
        self.assertEqual(len(answer["description"]["tools"]), 10)
        kept = node.data / "mcp-servers.json"
        self.assertEqual(stat.S_IMODE(kept.stat().st_mode), 0o600)
        self.assertEqual(Local(node).ask("POST", "/v1/mcp/servers", {**wanted, "name": "fixed"})[0],
                         409)
        status, answer = Local(node).ask("POST", "/v1/mcp/servers", {"name": "bad", "comand": "x"})
        self.assertEqual(status, 400)
        self.assertIn('did you mean "command"', answer["error"]["message"])
        self.assertEqual(Local(node).ask("DELETE", "/v1/mcp/servers/fixed")[0], 409)

        node.kill()
        node.start("--config", servers)
        self.await_server(node, "more")
        names = {"names": ["TOKEN"]}
        seen = json.loads(text_of(self.client(node, "more").tool("env", names)))
        self.assertEqual(seen["TOKEN"], "secret")
        self.assertEqual(Local(node).ask("DELETE", "/v1/mcp/servers/more")[0], 200)
        self.await_server(node, "more", there=False)
        node.stop()
        node.start("--config", servers)
        self.await_server(node, "fixed")
        self.assertNotIn("mcp/more", self.offered(node))


if __name__ == "__main__":
    unittest.main(verbosity=2)
