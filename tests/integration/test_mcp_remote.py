"""MCP servers that run elsewhere, hosted by real nodes: of either era, called by clients of either
era, well and badly behaved, killed and back again."""

import json
import os
import pathlib
import queue
import signal
import subprocess
import sys
import threading
import unittest

SUPPORT = pathlib.Path(__file__).resolve().parents[1] / "support"
sys.path.insert(0, str(SUPPORT))

from mcp_call import Client  # noqa: E402
from mesh import LOOPBACK, MCPZ, PATIENCE_S, Failed, Mesh, run, until, wait_linked  # noqa: E402

ELICITS = {"capabilities": {"elicitation": {}}, "clientInfo": {"name": "test", "version": "1"}}
ERAS = ("legacy", "modern")


def text_of(result):
    return result["content"][0]["text"]


def answer_name(_question):
    return {"result": {"action": "accept", "content": {"name": "Ada"}}}


class Server:
    """One tests/support/mcp_http_server.py, and the requests that it was made."""

    def __init__(self, era, **options):
        self.era, self.options = era, {"host": LOOPBACK, **options}
        self.start()

    def start(self):
        words = [f"{name}={value}" for name, value in self.options.items()]
        self.process = subprocess.Popen(
            [sys.executable, str(SUPPORT / "mcp_http_server.py"), self.era, *words],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        self.port = self.options["port"] = int(self.process.stdout.readline())
        self.requests = queue.Queue()
        self.reader = threading.Thread(target=self.read, args=[self.process], daemon=True)
        self.reader.start()
        return self

    def read(self, process):
        for line in process.stdout:
            self.requests.put(json.loads(line))
        process.stdout.close()

    def until(self, what, condition):
        """The next request for which that holds."""
        try:
            while True:
                request = self.requests.get(timeout=PATIENCE_S)
                if condition(request):
                    return request
        except queue.Empty:
            raise Failed("never asked: " + what) from None

    @property
    def url(self):
        scheme = "https" if "cert" in self.options else "http"
        return f"{scheme}://{LOOPBACK}:{self.port}/mcp"

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.reader.join()


class McpRemote(unittest.TestCase):
    """A hosts what runs elsewhere; B calls."""

    @classmethod
    def setUpClass(cls):
        cls.servers = []
        cls.mesh = cls.enterClassContext(Mesh())
        cls.secret = pathlib.Path(cls.mesh.directory) / "secret"
        cls.secret.write_text("first\n")
        cls.a = cls.mesh.founder("A", "--api", "127.0.0.1:0", env={"REMOTE_TOKEN": "t0ken"})
        cls.b = cls.mesh.joiner(cls.a, "B", "--api", "127.0.0.1:0")
        wait_linked([cls.a, cls.b])
        cls.shared = {era: cls.host(era, Server(era)) for era in ERAS}

    @classmethod
    def tearDownClass(cls):
        for node in cls.mesh.nodes:
            node.stop()
        for server in cls.servers:
            if server.process.poll() is None:
                server.kill()

    # ---- Helpers ---------------------------------------------------------------------------

    @classmethod
    def add(cls, name, url, *options):
        done = cls.a.run("mcp", "add", name, "--url", url, *options)
        assert done.returncode == 0, done.stderr

    @classmethod
    def host(cls, name, server, *options):
        cls.servers.append(server)
        cls.add(name, server.url, *options)
        cls.wait(name)
        until(f"{name} is offered", lambda: f"mcp/{name}" in [
            row["name"] for row in cls.b.ask("capabilities")] or None)
        return server

    @classmethod
    def row(cls, name):
        return next((row["here"] for row in cls.a.ask("mcp", "list") if row["name"] == name), None)

    @classmethod
    def wait(cls, name, state="ready", trouble=""):
        return until(f"{name} is {state} {trouble}", lambda: (lambda row: row if (
            row and row["state"] == state and trouble in (row["trouble"] or "")) else None)(
                cls.row(name)))

    def remove(self, name):
        self.assertEqual(self.a.run("mcp", "remove", name).returncode, 0)

    def client(self, server, era, **more):
        session = os.urandom(16).hex() if era == "legacy" else None
        return Client(MCPZ, str(self.b.data), server, era=era, session=session,
                      **{"client": ELICITS, **more})

    # ---- What works ------------------------------------------------------------------------

    def test_calls_of_either_era(self):
        for server in ERAS:
            for era in ERAS:
                with self.subTest(server=server, client=era):
                    client = self.client(server, era)
                    self.assertEqual(text_of(client.tool("echo", {"text": "é\n\u2028"})),
                                     "é\n\u2028")
                    self.assertIn("echo", [tool["name"] for tool
                                           in client.result("tools/list")["tools"]])
                    heard = client.ask("tools/call", {"name": "slow", "arguments": {}},
                                       progressToken="mine")
                    self.assertEqual([(line["params"]["progress"], line["params"]["progressToken"])
                                      for line in heard[:-1]],
                                     [(0, "mine"), (1, "mine"), (2, "mine")])
                    self.assertEqual(text_of(client.tool("near")), "moved")

    def test_a_server_asks_either_client(self):
        for server in ERAS:
            client = self.client(server, "legacy")
            self.assertEqual(text_of(client.tool("ask", {}, answer_name)), "hello Ada")
            client = self.client(server, "modern")
            asked = client.tool("ask")
            self.assertEqual(asked["resultType"], "input_required")
            answers = {key: answer_name(None)["result"] for key in asked["inputRequests"]}
            again = {"name": "ask", "arguments": {}, "inputResponses": answers}
            if "requestState" in asked:
                again["requestState"] = asked["requestState"]
            self.assertEqual(text_of(client.result("tools/call", again)), "hello Ada")

    def test_a_session_of_a_client_is_one_of_the_server(self):
        server = self.shared["legacy"]
        first, second = self.client("legacy", "legacy"), self.client("legacy", "legacy")
        names = []
        for client in (first, first, second):
            names.append(text_of(client.tool("header", {"name": "Mcp-Session-Id"})))
        self.assertEqual((names[0] == names[1], names[0] == names[2]), (True, False))
        first.call(kind="end").end()
        server.until("a session is over", lambda request: request["verb"] == "DELETE")
        again = text_of(first.tool("header", {"name": "Mcp-Session-Id"}))
        self.assertNotEqual(again, names[0])

    def test_a_modern_request_says_in_its_head_what_it_is(self):
        client = self.client("modern", "modern")
        for name, value in (("Mcp-Method", "tools/call"), ("Mcp-Name", "header"),
                            ("MCP-Protocol-Version", "2026-07-28"), ("Mcp-Session-Id", "None")):
            self.assertEqual(text_of(client.tool("header", {"name": name})), value)
        for era, region in (("modern", "é"), ("legacy", "west")):
            said = text_of(self.client("modern", era).tool(
                "header", {"name": "Mcp-Param-Region", "region": region}))
            self.assertEqual(said, {"é": "=?base64?w6k=?="}.get(region, region))

    def test_a_tool_that_is_wrong_about_headers_is_none(self):
        names = [tool["name"] for tool in self.b.ask("mcp", "tools")]
        self.assertIn("echo", names)
        self.assertFalse([name for name in names if "wrong" in name])
        self.assertIn("a tool is left out", self.a.log())
        error = self.client("modern", "modern").error("tools/call", {"name": "wrong", "arguments": {"a": "x"}})
        self.assertIn("x-mcp-header", error["message"])

    def test_a_stream_that_breaks_is_asked_on_for(self):
        client = self.client("legacy", "legacy")
        self.assertEqual(text_of(client.tool("resume")), "resumed")

    def test_much_comes_whole_and_in_order(self):
        """More than the queues on the way hold: whoever speaks is held back meanwhile."""
        for era in ERAS:
            client = self.client("legacy", era, level="info")
            heard = client.ask("tools/call", {"name": "flood",
                                              "arguments": {"count": 1500, "bytes": 16384}})
            self.assertEqual([line["params"]["data"][0] for line in heard[:-1]], list(range(1500)))
            self.assertEqual(text_of(heard[-1]["result"]), "done")

    # ---- What fails alone ------------------------------------------------------------------

    def test_failures_say_why(self):
        for server in ERAS:
            client = self.client(server, "modern" if server == "modern" else "legacy")
            cases = [
                ({"name": "cut", "arguments": {}}, "the connection ended before the answer"),
                ({"name": "page", "arguments": {}}, "answered with text/html instead of JSON"),
                ({"name": "big", "arguments": {}}, "more than 8 MiB"),
                ({"name": "away", "arguments": {}}, "307: it redirects to http://localhost.exampl"),
                ({"name": "status", "arguments": {"status": 403}}, "403: it does not allow that"),
                ({"name": "status", "arguments": {"status": 500}}, "500: it has a fault: because"),
            ]
            for params, words in cases:
                with self.subTest(server=server, **params):
                    error = client.error("tools/call", params)
                    self.assertIn(words, error["message"])
                    self.assertEqual(error["data"]["server"], server)
            self.assertEqual(text_of(client.tool("echo", {"text": "well"})), "well")

    def test_who_is_busy_says_when_to_come_back(self):
        server = self.host("busy", Server("modern"))
        error = self.client("busy", "modern").error("tools/call", {"name": "busy", "arguments": {}})
        self.assertEqual((error["data"]["code"], error["data"]["retryAfterMs"]), ("busy", 7000))
        self.assertIn("429: it asks to come back in 7 s: slow down", error["message"])
        server.kill()
        self.wait("busy", "down", "left alone")
        self.remove("busy")

    # ---- What concerns all -----------------------------------------------------------------

    def test_secrets_are_looked_up_and_not_shown(self):
        server = Server("legacy", secret="Bearer second")
        self.servers.append(server)
        self.add("locked", server.url, "--header", f"Authorization: Bearer file:{self.secret}")
        self.wait("locked", "down", '401: it wants other authorization')
        self.assertIn("WWW-Authenticate: Bearer realm=", self.row("locked")["trouble"])
        self.secret.write_text("second\n")
        self.wait("locked")
        self.remove("locked")
        self.add("missing", server.url, "--header", "X: env:NOT_THERE")
        self.wait("missing", "down", "the header X: the variable NOT_THERE is not set")
        self.remove("missing")
        server.kill()
        server = Server("modern", secret="Bearer t0ken")
        self.host("locked", server, "--header", "Authorization: Bearer env:REMOTE_TOKEN",
                  "--header", "X-Plain: pl4in")
        shown = json.dumps(self.a.ask("mcp", "list"))
        self.assertIn("env:REMOTE_TOKEN", shown)
        self.assertNotIn("pl4in", shown + self.a.log())
        self.assertNotIn("t0ken", shown + self.a.log())
        self.assertEqual(
            text_of(self.client("locked", "modern").tool("header", {"name": "X-Plain"})), "pl4in")
        self.remove("locked")

    def test_who_is_not_there_is_told(self):
        gone = Server("legacy")
        gone.kill()
        for name, url, words in (
                ("refused", gone.url, f"cannot connect to http://{LOOPBACK}"),
                ("nowhere", "http://no.such.host.invalid/mcp", "Could not resolve host"),
                ("plain", self.shared["legacy"].url.replace("http:", "https:"), "cannot connect"),
                ("lost", self.a.ready["api"] + "/nothing", "404")):
            self.add(name, url)
            self.wait(name, "down", words)
            self.remove(name)

    def test_a_certificate_is_verified(self):
        directory = pathlib.Path(self.mesh.directory)
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
             f"/CN={LOOPBACK}", "-addext", f"subjectAltName=IP:{LOOPBACK}", "-keyout", "key.pem",
             "-out", "ca.pem"], cwd=directory, check=True, capture_output=True)
        both = directory / "both.pem"
        both.write_text((directory / "key.pem").read_text() + (directory / "ca.pem").read_text())
        server = Server("modern", cert=both)
        self.servers.append(server)
        self.add("stranger", server.url)
        self.wait("stranger", "down", "SSL certificate problem")
        self.remove("stranger")
        self.host("friend", server, "--ca", directory / "ca.pem")
        self.assertEqual(text_of(self.client("friend", "legacy").tool("echo", {"text": "x"})), "x")
        self.remove("friend")

    def test_a_server_that_is_killed_and_comes_back(self):
        for era in ERAS:
            name = "mortal-" + era
            server = self.host(name, Server(era))
            client = self.client(name, era)
            self.assertEqual(text_of(client.tool("where")), str(server.process.pid))
            call = client.call()
            call.say(client.message("tools/call", {"name": "hang", "arguments": {}}))
            self.assertEqual(call.node(), self.a.id)
            server.until("the call has come",
                         lambda request: request.get("method") == "tools/call")
            server.kill()
            line = call.hear()
            why = line["error"]["message"] if line else call.failure()
            self.assertRegex(why, "connection|cannot connect|ended before it answered")
            if line:
                call.end()
            self.wait(name, "down", "cannot connect")
            server.start()
            self.wait(name)
            self.assertEqual(text_of(client.tool("where")), str(server.process.pid))
            self.remove(name)

    def test_a_server_may_come_back_as_another(self):
        server = self.host("changing", Server("legacy"))
        self.assertEqual(self.row("changing")["era"], "legacy")
        for era in ("modern", "legacy"):
            server.kill()
            self.wait("changing", "down")
            server.era = era
            server.start()
            until("it is known for what it is", lambda era=era: (
                self.row("changing")["era"], self.row("changing")["state"]) == (era, "ready"))
            for client in ERAS:
                self.assertEqual(text_of(self.client("changing", client).tool("where")),
                                 str(server.process.pid))
        self.remove("changing")

    def test_a_forgotten_session_is_begun_anew(self):
        self.host("forgetful", Server("legacy"))
        client = self.client("forgetful", "legacy")
        before = text_of(client.tool("header", {"name": "Mcp-Session-Id"}))
        self.assertEqual(text_of(client.tool("forget")), "who?")
        call = client.call()
        call.say(client.message("tools/call", {"name": "echo", "arguments": {"text": "x"}}))
        self.assertIn("forgotten the session", call.failure())
        after = text_of(client.tool("header", {"name": "Mcp-Session-Id"}))
        self.assertNotEqual(before, after)
        self.remove("forgetful")

    def test_what_was_added_is_hosted_after_a_restart(self):
        server = Server("modern", secret="Bearer t0ken")
        self.servers.append(server)
        with Mesh() as mesh:
            node = mesh.founder("C", env={"REMOTE_TOKEN": "t0ken"})
            done = node.run("mcp", "add", "far", "--url", server.url, "--header",
                            "Authorization: Bearer env:REMOTE_TOKEN")
            self.assertEqual(done.returncode, 0, done.stderr)
            ready = lambda: [row["here"]["state"] for row in node.ask("mcp", "list")] == ["ready"]
            until("it is ready", ready)
            node.stop()
            node.start(env={"REMOTE_TOKEN": "t0ken"})
            until("it is ready again", ready)
            node.stop()

    def test_another_mesh_is_a_server(self):
        with Mesh() as mesh:
            far = mesh.founder("C", "--api", "127.0.0.1:0")
            done = run("mcp", "add", "small", "--shared", "--data", far.data, "--",
                       sys.executable, SUPPORT / "mcp_server.py", "mark", "legacy")
            self.assertEqual(done.returncode, 0, done.stderr)
            until("it is ready there",
                  lambda: [row["here"]["state"] for row in far.ask("mcp", "list")] == ["ready"])
            for name, path in (("whole", "/mcp"), ("part", "/mcp/small")):
                self.add(name, far.ready["api"] + path)
                self.wait(name)
                until("its tools are seen", lambda name=name: "echo" in [
                    tool["name"] for tool in self.client(name, "legacy").result("tools/list")["tools"]])
                for era in ERAS:
                    client = self.client(name, era)
                    self.assertEqual(text_of(client.tool("echo", {"text": "far"})), "far")
                self.remove(name)
            far.stop()

    def test_two_meshes_may_host_each_other(self):
        def tools(node):
            return sorted(tool["name"] for tool in node.ask("mcp", "tools"))

        with Mesh() as left, Mesh() as right:
            ends = {"left": left.founder("L", "--api", "127.0.0.1:0"),
                    "right": right.founder("R", "--api", "127.0.0.1:0")}
            for name, node in ends.items():
                done = run("mcp", "add", name, "--shared", "--data", node.data, "--",
                           sys.executable, SUPPORT / "mcp_server.py", "mark", "legacy")
                self.assertEqual(done.returncode, 0, done.stderr)
                until("it has its tools", lambda node=node: tools(node))
            own = len(tools(ends["left"]))
            for times in (1, 2):  # the second time there is more that the other could pass back
                for name, other in (("left", "right"), ("right", "left")):
                    node = ends[name]
                    done = node.run("mcp", "add", f"mesh{times}", "--url",
                                    ends[other].ready["api"] + "/mcp")
                    self.assertEqual(done.returncode, 0, done.stderr)
                    until("the other's are here", lambda node=node: len(tools(node)) > times * own)
                    self.assertEqual(len(tools(node)), (times + 1) * own, tools(node))
            for name, node in ends.items():  # nor is what one listens to listened to in turn
                calls = {row["name"]: row["here"]["calls"] for row in node.ask("mcp", "list")}
                self.assertGreater(calls[name], 0, calls)
                self.assertEqual((calls["mesh1"], calls["mesh2"]), (0, 0), calls)
            for node in ends.values():
                node.stop()

    def test_a_mesh_does_not_host_itself(self):
        for name, node in (("self", self.a), ("neighbour", self.b)):
            self.add(name, node.ready["api"] + "/mcp")
            self.wait(name, "down", "508: it would go round without end: a node of this mesh would host")
            self.remove(name)


if __name__ == "__main__":
    unittest.main(verbosity=2)
