"""`mcpz mcp`: having MCP servers hosted at one node, and using them at another."""

import json
import pathlib
import shlex
import subprocess
import sys
import unittest

SUPPORT = pathlib.Path(__file__).resolve().parents[1] / "support"
sys.path.insert(0, str(SUPPORT))

from mesh import MCPZ, PATIENCE_S, Mesh, run, until  # noqa: E402


class McpVerbs(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.mesh = cls.enterClassContext(Mesh())
        cls.host = cls.mesh.founder("host")
        cls.user = cls.mesh.joiner(cls.host, "user", "--api", "none")

    def add(self, name, *options, era="modern"):
        # What comes behind -- is the server's, so --data stands before it.
        return run("mcp", "add", "--data", self.host.data, *options, name, "--", sys.executable,
                   SUPPORT / "mcp_server.py", "mark-" + name, era)

    def names(self, node, *arguments):
        return [row["name"] for row in node.ask("mcp", *arguments)]

    def row(self, node, name):
        return next(row for row in node.ask("mcp", "list") if row["name"] == name)

    def test_a_server_is_added_used_elsewhere_and_removed(self):
        self.assertEqual(self.add("small", "--env", "WORD=hush").returncode, 0)
        until("the other node shows its tools", lambda: "echo" in self.names(self.user, "tools"))
        self.assertIn("small", self.names(self.user, "list"))
        self.assertEqual(self.row(self.user, "small")["nodes"], ["host"])
        self.assertEqual(self.row(self.host, "small")["here"]["state"], "ready")
        self.assertIn("echo", self.user.run("mcp", "tools", "--server", "small").stdout)
        said = self.user.ask("mcp", "inspect", "small")
        self.assertIn("echo", [tool["name"] for tool in said["tools"]])

        done = self.user.run("mcp", "call", "echo", "--params", '{"text": "h\u00e4llo"}')
        self.assertEqual((done.returncode, done.stdout), (0, "h\u00e4llo\n"), done.stderr)
        done = self.user.run("mcp", "call", "env", "--params", '{"names": ["WORD"]}',
                             "--server", "small")
        self.assertIn("hush", done.stdout)
        self.assertNotIn("hush", json.dumps(self.host.ask("mcp", "list")))

        self.assertEqual(self.host.run("mcp", "remove", "small").returncode, 0)
        until("the other node shows it no more", lambda: "small" not in self.names(self.user, "list"))

    def speak(self, *messages):
        """What comes of them, one after the other's answer, at `mcpz mcp stdio` of the other node."""
        process = subprocess.Popen([MCPZ, "mcp", "stdio", "--data", self.user.data, "--server", "io"],
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        answers = []
        with process:
            for message in messages:
                process.stdin.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
                process.stdin.flush()
                while "id" in message:
                    said = json.loads(process.stdout.readline())
                    if said.get("method") == "elicitation/create":
                        answer = {"jsonrpc": "2.0", "id": said["id"],
                                  "result": {"action": "accept", "content": {"name": "ann"}}}
                        process.stdin.write(json.dumps(answer) + "\n")
                        process.stdin.flush()
                    elif said.get("id") == message["id"]:
                        answers.append(said)
                        break
            process.stdin.close()
            self.assertEqual(process.wait(PATIENCE_S), 0)
        return answers

    def test_clients_on_standard_input_are_served(self):
        self.assertEqual(self.add("io", era="legacy").returncode, 0)
        until("the other node knows what it can",
              lambda: self.user.run("mcp", "tools", "--server", "io").returncode == 0)
        first, tools, echo, asked = self.speak(
            {"id": 1, "method": "initialize",
             "params": {"protocolVersion": "2025-11-25", "capabilities": {"elicitation": {}},
                        "clientInfo": {"name": "t", "version": "1"}}},
            {"method": "notifications/initialized"},
            {"id": "b", "method": "tools/list"},
            {"id": 3, "method": "tools/call",
             "params": {"name": "echo", "arguments": {"text": "two\nlines"}}},
            {"id": 4, "method": "tools/call", "params": {"name": "ask", "arguments": {}}})
        self.assertEqual(first["result"]["protocolVersion"], "2025-11-25")
        self.assertIn("echo", [tool["name"] for tool in tools["result"]["tools"]])
        self.assertEqual(echo["result"]["content"][0]["text"], "two\nlines")
        self.assertIn("ann", json.dumps(asked["result"]))
        self.assertEqual(self.host.run("mcp", "remove", "io").returncode, 0)
        until("it is gone", lambda: "io" not in self.names(self.user, "list"))

    def test_who_asks_for_a_server_that_is_not_there_is_told(self):
        done = run("mcp", "stdio", "--data", self.user.data, "--server", "nobody",
                   stdin='{"jsonrpc":"2.0","id":7,"method":"initialize","params":{"protocolVersion":'
                         '"2025-11-25","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}\n')
        said = json.loads(done.stdout)
        self.assertEqual((done.returncode, said["id"]), (0, 7))
        self.assertIn("no MCP server of that name", said["error"]["message"])

    def config(self, node, *arguments):
        done = node.run("mcp", "config", *arguments)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout, done.stderr

    def test_what_clients_are_told_works(self):
        out, where = self.config(self.user, "--client", "claude")
        self.assertIn("claude_desktop_config.json", where)
        server = json.loads(out)["mcpServers"]["mesh"]
        asked = '{"jsonrpc":"2.0","id":1,"method":"ping"}\n'
        said = subprocess.run([server["command"], *server["args"]], input=asked, capture_output=True, text=True,
                              cwd="/", timeout=60)
        self.assertEqual(json.loads(said.stdout)["id"], 1)

        # The other has no port: as a command, unless HTTP is insisted on.
        self.assertIn("command", json.loads(self.config(self.user, "--client", "cursor")[0])["mcpServers"]["mesh"])
        done = self.user.run("mcp", "config", "--http")
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("use --stdio", done.stderr)

    def test_clients_of_http_are_told_the_port_that_is_listened_on(self):
        with Mesh() as mesh:
            node = mesh.founder("A", "--api", "127.0.0.1:0", env={"MCP_API_KEYS": "k3y"})
            url = node.ready["api"] + "/mcp"
            server = json.loads(self.config(node, "--client", "vscode")[0])["servers"]["mesh"]
            self.assertEqual((server["type"], server["url"]), ("http", url))
            server = json.loads(self.config(node, "--client", "cursor", "--server", "x", "--name", "y")[0])
            self.assertEqual(server["mcpServers"]["y"]["url"], url + "/x")
            out, where = self.config(node, "--client", "claude", "--http")
            self.assertEqual(shlex.split(out), ["claude", "mcp", "add", "--transport", "http", "mesh", url,
                                                "--header", "Authorization: Bearer $MCPZ_API_KEY"])
            self.assertIn("MCPZ_API_KEY", where)
            said = node.ask("mcp", "config", "--client", "generic")
            self.assertEqual((said["transport"], said["paste"]["mcpServers"]["mesh"]["url"]), ("http", url))
            self.assertNotIn("k3y", json.dumps(said) + out)

    def test_mistakes_are_told(self):
        for words, status, said in (
                (("call", "nothing"), 1, "Unknown tool"),
                (("call", "echo", "--params", "[1]"), 2, "is no JSON object"),
                (("call", "echo", "--server", "nobody"), 6, "no MCP server of that name"),
                (("inspect", "nobody"), 6, "no MCP server of that name"),
                (("remove", "nobody"), 6, "no server nobody was added here"),
                (("config", "--client", "emacs"), 2, "is none of claude, cursor, vscode, generic"),
                (("config", "--http", "--stdio"), 2, "not both"),
                (("add", "x", "--env", "WORD", "true"), 2, "is not NAME=VALUE"),
                (("add", "x", "--isolation", "perfect", "true"), 2, "must be strict")):
            done = self.user.run("mcp", *words)
            self.assertEqual(done.returncode, status, (words, done.stderr))
            self.assertIn(said, done.stderr)


if __name__ == "__main__":
    unittest.main()
