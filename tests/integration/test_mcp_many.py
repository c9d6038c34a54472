"""Many MCP servers at one node, and a node that goes while clients listen to its servers."""

import json
import pathlib
import sys
import unittest
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))

from mesh import Mesh, until  # noqa: E402
from test_mcp_face import Client, configure  # noqa: E402

STUB = pathlib.Path(__file__).resolve().parent / "mcp_stub.py"
COUNT = 60


def calls_under_way(node):
    """Of the servers that this node hosts."""
    with urllib.request.urlopen(node.ready["api"] + "/v1/mcp/servers", timeout=60) as answer:
        return sum(row["calls"] for row in json.load(answer))


class Many(unittest.TestCase):
    def setUp(self):
        self.mesh = self.enterContext(Mesh())

    def test_sixty_servers_are_described_and_called(self):
        config = pathlib.Path(self.mesh.directory) / "many.yaml"
        config.write_text(json.dumps({"mcp": {"servers": {
            f"s{i}": {"command": sys.executable, "args": ["-I", "-S", str(STUB), f"tool{i}"],
                      "shared": True} for i in range(COUNT)}}}))
        front = self.mesh.founder("front", "--api", "127.0.0.1:0")
        self.mesh.joiner(front, "back", "--config", config)
        until("all are seen", lambda: sum(
            row["name"].startswith("mcp.about/") for row in front.ask("capabilities")) == COUNT)
        client = Client(front)
        client.initialize()
        tools = client.answer("tools/list")["result"]["tools"]
        self.assertEqual({tool["name"] for tool in tools}, {f"tool{i}" for i in range(COUNT)})
        for i in range(COUNT):
            result = client.answer("tools/call", name=f"tool{i}", arguments={})["result"]
            self.assertEqual(result["content"][0]["text"], f"tool{i}")

    def names(self, node):
        client = Client(node)
        client.initialize()
        return sorted(tool["name"] for tool in client.answer("tools/list")["result"]["tools"])

    def stub(self, name):
        """The configuration of a server with the one tool `same`."""
        config = pathlib.Path(self.mesh.directory) / f"{name}.yaml"
        config.write_text(json.dumps({"mcp": {"servers": {
            name: {"command": sys.executable, "args": ["-I", "-S", str(STUB), "same"]}}}}))
        return config

    def test_who_came_first_keeps_its_name_at_all_nodes_and_after_a_restart(self):
        front = self.mesh.founder("front", "--api", "127.0.0.1:0")
        self.mesh.joiner(front, "late", "--config", self.stub("zeta"))
        until("it is seen", lambda: self.names(front) == ["same"])
        self.mesh.joiner(front, "early", "--config", self.stub("alpha"))
        until("both are seen", lambda: self.names(front) == ["alpha_same", "same"])
        other = self.mesh.joiner(front, "other", "--api", "127.0.0.1:0")
        # Seen together, they would be named in the order of the alphabet.
        until("they have the same names there", lambda: self.names(other) == ["alpha_same", "same"])
        front.stop()
        front.start("--api", "127.0.0.1:0")
        until("they have kept them", lambda: self.names(front) == ["alpha_same", "same"])
        client = Client(front)
        client.initialize()
        self.assertEqual(client.answer("tools/call", name="same", arguments={})["result"]["content"],
                         [{"type": "text", "text": "same"}])

    def test_a_drain_does_not_wait_for_who_only_listens(self):
        seen = pathlib.Path(self.mesh.directory) / "seen"
        front = self.mesh.founder("front", "--api", "127.0.0.1:0")
        config = configure(self.mesh, ["one"], seen)
        first = self.mesh.joiner(front, "first", "--config", config, "--api", "127.0.0.1:0")
        until("it is seen", lambda: any(
            row["name"].startswith("mcp.about/one/") for row in front.ask("capabilities")))
        client = Client(front)
        client.initialize()
        self.assertEqual(client.answer("tools/call", name="echo",
                                       arguments={"text": "a"})["result"]["content"][0]["text"], "a")
        status, _, stream = client.ask("GET")
        self.assertEqual(status, 200)
        until("its host is listened to", lambda: calls_under_way(first) > 0)
        second = self.mesh.joiner(front, "second", "--config", config,
                                  "--api", "127.0.0.1:0")
        until("both are seen", lambda: any(
            row["name"] == "mcp/one" and len(row["providers"]) == 2
            for row in front.ask("capabilities")))
        drained = first.ask("drain", "--timeout", "300s", timeout=120)
        self.assertEqual(drained["state"], "drained")
        self.assertEqual(first.process.wait(60), 0)
        until("the other one is listened to", lambda: calls_under_way(second) > 0)
        self.assertEqual(client.answer("tools/call", name="echo",
                                       arguments={"text": "b"})["result"]["content"][0]["text"], "b")
        stream.close()


if __name__ == "__main__":
    unittest.main(verbosity=2)
