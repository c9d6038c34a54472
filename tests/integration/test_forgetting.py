"""What was deleted is forgotten, and who was away for longer than that does not bring it back.

Five nodes, of which three stay: one is killed and one is stopped in between (SIGSTOP) until what was
deleted meanwhile is forgotten, and one of those three dies in the midst of it.
"""

import json
import pathlib
import re
import shutil
import signal
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

from mesh import PATIENCE_S, Failed, Local, Mesh, until, wait_linked  # noqa: E402

# The least that leaves a busy machine time to be there within it; and a document is signed at once when it
# has 64 changes, else when it was at rest for ten minutes.
SETTINGS = {"MCPZ_AGENTS_HISTORY": "1s", "MCPZ_AGENTS_GRACE": "20s", "MCPZ_BLOBS_CLEAR_AFTER": "1s"}
CHANGES = 64
CONTENT = bytes(range(256)) * 3000  # of a blob: two pieces of a file
GOING = 130  # agents that are deleted: three rounds of forgetting
FORGOTTEN_S = 4 * PATIENCE_S  # the grace, and some more where somebody dies in the midst of it


def metric(node, name):
    connection = Local(node)
    connection.request("GET", "/metrics")
    text = connection.getresponse().read().decode()
    connection.close()
    return int(re.search(rf"^{name} (\d+)", text, re.MULTILINE)[1])


def start(node):
    """Start it again, where it was."""
    node.start(listen=node.address, env=SETTINGS)


def apply(node, lines):
    said = node.ask("agent", "apply", "-", stdin="".join(json.dumps(line) + "\n" for line in lines))
    if said["failed"] != 0:
        raise Failed(f"{node.name} refused lines: {said}")


def write(node, names, changes=CHANGES - 1):
    apply(node, [{"op": "create", "id": name} for name in names]
          + [{"op": "increment", "id": name, "path": "n", "by": 1}
             for name in names for _ in range(changes - 1)])


def documents(node):
    """The roots of all that is here and not deleted, by document, and how many were deleted."""
    there = {row["document"]: row["root"] for row in node.ask("snapshot", "list")}
    return there, metric(node, "mcpz_documents") - len(there)


def agents(node):
    return {row["id"] for row in node.ask("agent", "list")}


def are_equal(nodes):
    first, *others = [(documents(node), agents(node)) for node in nodes]
    return all(other == first for other in others)


def set_aside(node):
    directory = node.data / "set-aside"
    return sorted(directory.iterdir()) if directory.exists() else []


class Forgetting(unittest.TestCase):
    def setUp(self):
        self.mesh = self.enterContext(Mesh())
        self.going = [f"going{i}" for i in range(GOING)]

    def start_all(self):
        first = self.mesh.founder("A", env=SETTINGS)
        nodes = [first] + [self.mesh.joiner(first, name, env=SETTINGS) for name in "BCDE"]
        wait_linked(nodes)
        write(first, [*self.going, "stays"])
        content = pathlib.Path(self.mesh.directory) / "content"
        content.write_bytes(CONTENT)
        write(nodes[3], ["picture"], CHANGES - 2)
        nodes[3].ask("agent", "set", "picture", "map", "--file", content)
        self.going.append("picture")
        until("all have all", lambda: are_equal(nodes) and agents(first) == {*self.going, "stays"})
        return nodes

    def write_alone(self, node, others):
        """Write where nobody is there to hear of it; a copy of its directory, as it is then."""
        for other in others:
            other.stop()
        node.ask("agent", "create", "mine")
        node.ask("agent", "increment", "stays", "n", "1000")
        node.ask("agent", "increment", "going0", "n", "1000")
        node.stop()
        copy = node.data.with_name("copy")
        shutil.copytree(node.data, copy)
        for other in others:
            start(other)
        wait_linked(others)
        return copy

    def forget(self, nodes):
        """Delete and have it forgotten; the first that forgets some of it dies before it has forgotten all."""
        apply(nodes[0], [{"op": "delete", "id": name} for name in self.going])
        some = until("something is forgotten", lambda: [
            node for node in nodes if metric(node, "mcpz_documents_forgotten_total") > 0], FORGOTTEN_S)[0]
        some.kill()
        start(some)
        until("all is forgotten", lambda: are_equal(nodes) and agents(nodes[0]) == {"stays"}
              and documents(nodes[0])[1] == 0, FORGOTTEN_S)

    def catch_up(self, node, nodes):
        """It is away no more; how many files it has set aside."""
        before = len(set_aside(node))
        until(f"{node.name} has caught up", lambda: not node.status()["forgotten"]["stale"]
              and agents(node) == {"mine", "stays"} and are_equal(nodes), FORGOTTEN_S)
        return len(set_aside(node)) - before

    def test_who_was_away_brings_nothing_back_and_loses_nothing(self):
        nodes = self.start_all()
        stay, (dead, paused) = nodes[:3], nodes[3:]
        copy = self.write_alone(dead, [*stay, paused])
        paused.process.send_signal(signal.SIGSTOP)
        for node in stay:
            until(f"{node.name} misses it", lambda node=node: node.peers()["E"]["state"] == "dead")
        self.forget(stay)

        # What it has written alone is taken in, and of the rest there is a file.
        start(dead)
        self.assertGreater(self.catch_up(dead, [*stay, dead]), 0)
        self.assertEqual(stay[0].ask("agent", "get", "stays")["state"], {"n": 1000 + CHANGES - 2})
        self.assertIn("agents that all others have deleted and forgotten are set aside", dead.log())
        paused.process.send_signal(signal.SIGCONT)
        self.assertGreater(self.catch_up(paused, nodes), 0)

        # One that is put back to what it was then, without knowing.
        dead.stop()
        shutil.rmtree(dead.data)
        shutil.copytree(copy, dead.data)
        start(dead)
        self.assertGreater(self.catch_up(dead, nodes), 0)

        # They can write again, and what was set aside can be brought back by who wants it.
        for node in (dead, paused):
            node.ask("agent", "increment", "mine", "n", "1")
        until("all have it", lambda: are_equal(nodes)
              and stay[0].ask("agent", "get", "mine")["state"] == {"n": 2})
        # Some may keep the blob still: who clears it asks others, less and less often. Which nodes keep a blob is by lot: where none of those did it is lost (exit status 4).
        imported = [stay[0].run("snapshot", "import", file, "--json") for file in set_aside(dead)]
        self.assertTrue(all(done.returncode in (0, 4) for done in imported))
        has_blob = all(done.returncode == 0 for done in imported)
        until("all have it again", lambda: are_equal(nodes)
              and agents(stay[0]) == {*self.going, "stays", "mine"}, FORGOTTEN_S)
        self.assertEqual(stay[0].ask("agent", "get", "going0")["state"], {"n": 1000 + CHANGES - 2})
        blob = stay[0].ask("agent", "get", "picture")["state"]["map"]["$blob"]
        if has_blob:
            self.assertEqual(stay[0].run("blob", "get", blob, "-", stdin=b"").stdout, CONTENT)


if __name__ == "__main__":
    unittest.main()
