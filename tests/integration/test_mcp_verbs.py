"""`mcpz mcp`: having MCP servers hosted at one node, and using them at another."""

import json
import pathlib
import sys
import unittest

SUPPORT = pathlib.Path(__file__).resolve().parents[1] / "support"
sys.path.insert(0, str(SUPPORT))

from mesh import Mesh, run, until  # noqa: E402


class McpVerbs(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.mesh = Mesh()
        cls.host = cls.mesh.founder("host")
        cls.user = cls.mesh.joiner(cls.host, "user")

    @classmethod
    def tearDownClass(cls):
        cls.mesh.__exit__(None, None, None)

    def add(self, name, *options, era="modern"):
        # What comes behind -- is the server's, so --data stands before it.
        return run("mcp", "add", "--data", self.host.data, *options, name, "--", sys.executable,
                   SUPPORT / "mcp_server.py", "mark-" + name, era)

    def names(self, node, *arguments):
        return [row["name"] for row in node.ask("mcp", *arguments)]

    def test_a_server_is_added_used_elsewhere_and_removed(self):
        self.assertEqual(self.add("small", "--env", "WORD=hush").returncode, 0)
        until("the other node shows its tools", lambda: "echo" in self.names(self.user, "tools"))
        self.assertEqual(self.names(self.user, "list"), ["small"])
        self.assertEqual(self.user.ask("mcp", "list")[0]["nodes"], ["host"])
        self.assertEqual(self.host.ask("mcp", "list")[0]["here"]["state"], "ready")
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
        until("the other node shows it no more", lambda: self.names(self.user, "list") == [])

    def test_mistakes_are_told(self):
        for words, status, said in (
                (("call", "nothing"), 1, "Unknown tool"),
                (("call", "echo", "--params", "[1]"), 2, "is no JSON object"),
                (("call", "echo", "--server", "nobody"), 6, "no MCP server of that name"),
                (("inspect", "nobody"), 6, "no MCP server of that name"),
                (("remove", "nobody"), 6, "no server nobody was added here"),
                (("add", "x", "--env", "WORD", "true"), 2, "is not NAME=VALUE"),
                (("add", "x", "--isolation", "perfect", "true"), 2, "must be strict")):
            done = self.user.run("mcp", *words)
            self.assertEqual(done.returncode, status, (words, done.stderr))
            self.assertIn(said, done.stderr)


if __name__ == "__main__":
    unittest.main()
