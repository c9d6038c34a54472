"""How tools of two servers that call theirs alike are called at a node, as its configuration says."""

import pathlib
import signal
import sys
import unittest

SUPPORT = pathlib.Path(__file__).resolve().parents[1] / "support"
sys.path.insert(0, str(SUPPORT))

from mesh import Mesh, until  # noqa: E402

SERVER = pathlib.Path(__file__).resolve().parent / "mcp_server.py"
TOOLS = {"echo", "progress", "ask", "wait", "far"}


def prefixed(server):
    return {f"{server}_{tool}" for tool in TOOLS}


class McpNames(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.mesh = cls.enterClassContext(Mesh())
        cls.mesh.__enter__()
        servers = {name: {"command": sys.executable, "args": [str(SERVER)]} for name in ("one", "two")}
        cls.other = cls.mesh.founder("other", "--config", cls.configure("other", servers=servers))
        cls.front = cls.mesh.joiner(cls.other, "front", "--config", cls.configure("front"))
        cls.await_tools(cls.other, TOOLS | prefixed("two"))

    @classmethod
    def configure(cls, node, **mcp):
        path = pathlib.Path(cls.mesh.directory) / f"{node}.yaml"
        path.write_text(f"mcp: {mcp}\n")
        return path

    @classmethod
    def await_tools(cls, node, names):
        until(f"{node.name} shows {sorted(names)}",
              lambda: {tool["name"] for tool in node.ask("mcp", "tools")} == names)

    def names(self, **names):
        self.configure("front", names=names)
        self.front.process.send_signal(signal.SIGHUP)

    def test_tools_are_called_as_the_node_is_told(self):
        self.await_tools(self.front, TOOLS | prefixed("two"))
        self.names(prefix="always")
        self.await_tools(self.front, prefixed("one") | prefixed("two"))
        self.assertEqual(self.front.run("mcp", "call", "one_echo", "--params", '{"text": "a"}').stdout, "a\n")

        self.names(prefix="never")
        self.await_tools(self.front, TOOLS)
        told = until("what is left out is told", lambda: [
            line for line in self.front.log().splitlines() if "left out of /mcp" in line])
        self.assertIn("two", told[0])
        shown = self.front.run("mcp", "tools").stdout.splitlines()
        self.assertEqual(len([line for line in shown if "left out" in line and "--server two" in line]), len(TOOLS))

        self.names(prefix="never", aliases={"one/echo": "first", "two.ask": "asking"})
        self.await_tools(self.front, TOOLS | {"first", "asking"})  # echo is that of two now
        self.assertEqual(self.front.run("mcp", "call", "first", "--params", '{"text": "b"}').stdout, "b\n")

        self.names(aliases={"two/echo": "mine"})
        self.await_tools(self.front, TOOLS | {"mine"} | prefixed("two") - {"two_echo"})
        self.await_tools(self.other, TOOLS | prefixed("two"))  # sees what it has seen before

        self.assertEqual(self.front.stop(), 0)
        self.front.start("--config", pathlib.Path(self.mesh.directory) / "front.yaml")
        self.await_tools(self.front, TOOLS | {"mine"} | prefixed("two") - {"two_echo"})

    def test_a_wrong_alias_is_told_with_its_place(self):
        path = self.configure("wrong", names={"aliases": {"one/echo": "no spaces"}})
        done = self.front.run("config", "check", "--config", path)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn(f"{path}:1: mcp.names.aliases: a name has 1 to 64 letters", done.stderr + done.stdout)


if __name__ == "__main__":
    unittest.main()
