"""Five real nodes and a layout: changes of it, and a kill -9 of who keeps agents, lose no acknowledged write.

Blobs too: each lies with the owners of its document, and a line of `agent apply` may name one.
"""

import json
import os
import pathlib
import random
import subprocess
import sys
import threading
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

from mesh import Failed, Mesh, until, wait_linked  # noqa: E402

AGENTS = [f"agent-{number}" for number in range(6)]


class Writer(threading.Thread):
    """Adds numbers to agents, in turn at nodes that run; keeps those that a quorum has on disk."""

    def __init__(self, nodes):
        super().__init__(daemon=True)
        self.nodes = nodes
        self.over = False
        self.promised = []
        self.refused = 0

    def run(self):
        number = 0
        while not self.over:
            agent = AGENTS[number % len(AGENTS)]
            node = self.nodes[number % len(self.nodes)]
            said = node.run("agent", "add", agent, "log", str(number), "--ack", "quorum", "--json")
            if said.returncode == 0:
                self.promised.append((agent, number))
            else:
                self.refused += 1
            number += 1


class SmallDisk:
    """A file system of a few megabytes, until it grows."""

    def __init__(self, path):
        self.path = path
        self.path.mkdir()
        self.mounted = self.mount("size=3m")

    def mount(self, options):
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(self.path)],
                              capture_output=True, check=False)
        return done.returncode == 0

    def grow(self):
        if not self.mount("remount,size=256m"):
            raise Failed("the file system cannot grow")

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        subprocess.run(["umount", "-l", str(self.path)], capture_output=True, check=False)


class Layout(unittest.TestCase):
    def settled(self, nodes, version):
        def holds():
            said = [node.ask("layout", "show") for node in nodes]
            return all(one["layout"] and one["layout"]["version"] == version and one["settled"] for one in said)
        until(f"version {version} has settled", holds)

    def whole(self, node, blob):
        """Have all who are to keep it a copy, and nobody else? Whom, then."""
        said = node.ask("blob", "stat", blob)
        self.assertEqual(len(said["wanted"]), 3)
        return said["wanted"] if not said["missing"] and sorted(said["nodes"]) == sorted(said["wanted"]) else None

    def got(self, node, blob, *options):
        path = self.folder / "got"
        node.ask("blob", "get", blob, path, *options)
        return path.read_bytes()

    def blob_of(self, taker, node):
        """Put files until one is to be kept by `node`: it, and its blob."""
        for number in range(64):
            path = self.folder / f"of-{number}"
            path.write_text(f"nothing but {number}")
            blob = taker.ask("blob", "put", path)["blob"]
            if node.id in taker.ask("blob", "stat", blob)["wanted"]:
                return path, blob
        self.fail("no blob is that node's")

    def test_no_acknowledged_write_is_lost(self):
        with Mesh() as mesh:
            a = mesh.founder("A")
            b, c, d, e = (mesh.joiner(a, name) for name in "BCDE")
            nodes = [a, b, c, d, e]
            wait_linked(nodes)
            b.ask("layout", "stage", "A", "B", "C", "D")
            self.assertEqual(e.ask("layout", "apply")["applied"]["version"], 1)
            self.settled(nodes, 1)
            # Whoever keeps each agent gets its lines, from a node that keeps none; and the blobs that they name.
            self.folder = pathlib.Path(mesh.directory)
            content = random.Random(7).randbytes(1_500_000)
            (self.folder / "map.bin").write_bytes(content)
            lines = [{"op": "create", "id": agent} for agent in AGENTS]
            lines += [{"op": "increment", "id": agent, "path": "n", "by": by} for by in (1, 2, 3) for agent in AGENTS]
            lines += [{"op": "set", "id": agent, "path": "map", "file": "map.bin"} for agent in AGENTS]
            fleet = pathlib.Path(mesh.directory) / "fleet.ndjson"
            fleet.write_text("".join(json.dumps(line) + "\n" for line in lines))
            said = e.ask("agent", "apply", str(fleet), "--ack", "all", "--timeout", "60s")
            self.assertEqual((said["applied"], said["failed"]), (len(lines), 0))
            self.assertEqual([e.ask("agent", "get", agent)["state"]["n"] for agent in AGENTS], [6] * len(AGENTS))
            named = b.ask("agent", "get", AGENTS[0])["state"]["map"]["$blob"]
            until("it has its copies", lambda: self.whole(e, named))
            for node in nodes:
                self.assertEqual(self.got(node, named, "--range", "1048570-1048585"), content[1_048_570:1_048_586])
            self.assertEqual(self.got(e, named), content)

            writer = Writer([a, c, e])
            writer.start()
            until("it writes", lambda: len(writer.promised) > 10)
            a.ask("layout", "stage", "E")
            a.ask("layout", "stage", "B", "--remove")
            a.ask("layout", "apply", "--wait", "--timeout", "60s")
            self.assertEqual(b.ask("blob", "stat", named)["missing"], [])  # it waits for blobs, too
            self.settled(nodes, 2)
            keepers = until("blobs have moved", lambda: self.whole(b, named))
            self.assertNotIn(b.id, keepers)
            self.assertEqual(b.ask("blob", "list", "--here"), [])
            written = len(writer.promised)
            d.kill()
            path, of_d = self.blob_of(b, d)  # put only now: else D may have it already
            # What a dead node was to have it has not, whatever others have.
            self.assertEqual(b.ask("blob", "put", path, "--ack", "quorum", "--timeout", "30s")["copies"], 2)
            self.assertEqual(b.run("blob", "put", path, "--ack", "all", "--timeout", "1s").returncode, 5)
            self.assertEqual(self.got(c, of_d), path.read_bytes())
            self.assertEqual(self.got(b, named), content)
            until("it goes on writing", lambda: len(writer.promised) > written + 10)
            until("what D misses is noted", lambda: any(
                row["name"] == "D" for node in (a, c, e) for row in node.ask("layout", "show")["hints"]))
            # Three of the four that keep agents are left: about a quarter of what has three copies has all.
            copies = b.ask("layout", "show")["replication"]
            self.assertTrue(45000 < copies["missing"] < 53000, copies)
            self.assertEqual(([row["copies"] for row in copies["partitions"]], copies["without_quorum"]), ([2, 3], 0))
            self.assertEqual([(row["name"], row["for"]) for row in copies["waiting"]], [("D", "return")])
            self.assertIn("when D (dead) is back", b.run("layout", "show").stdout)
            self.assertIn("fewer copies", json.dumps(b.ask("status")["health"]))
            writer.over = True
            writer.join()
            d.start()

            # D has just come: what it has by itself is old, a quorum's is not.
            for agent in AGENTS:
                promised = {number for one, number in writer.promised if one == agent}
                for node in nodes:
                    said = node.ask("agent", "get", agent, "--read", "quorum", "--timeout", "30s")
                    self.assertLessEqual(promised, set(said["state"]["log"]), f"{agent} at {node.name}")
                    self.assertGreaterEqual(said["copies"], 2)
            until("D has its copy", lambda: self.whole(b, of_d))
            until("D has been told", lambda: not any(node.ask("layout", "show")["hints"] for node in nodes))
            self.assertEqual([row["id"] for row in b.ask("agent", "list")], AGENTS)
            # Who has just come waits until it has heard whom to ask.
            f = mesh.joiner(a, "F")
            self.assertEqual([row["id"] for row in f.ask("agent", "list")], AGENTS)
            until("each is kept three times", lambda: sum(
                node.ask("status")["agents"] for node in nodes) == 3 * len(AGENTS))
            self.assertEqual(b.ask("status")["agents"], 0)

            # B keeps nothing and exports everything, or says what it could not have.
            file = self.folder / "all"
            said = b.ask("snapshot", "export", file)
            self.assertEqual((said["agents"], said["missing"], said["blobs"], said["lost"]), (len(AGENTS), [], 1, []))
            self.assertEqual(said["blob_bytes"], len(content))  # once, though all of them name it
            one = b.run("snapshot", "export", "--agent", AGENTS[0], stdin=b"")
            self.assertEqual(b.run("snapshot", "export", "--agent", "none", self.folder / "none").returncode, 6)
            other = mesh.founder("other")
            owner = mesh.joiner(other, "owner")
            other.ask("layout", "stage", "owner", "--copies", "1")
            other.ask("layout", "apply")
            self.settled([other, owner], 1)
            self.assertEqual(other.run("snapshot", "import", "-", stdin=one.stdout).returncode, 0)
            self.assertEqual([row["id"] for row in other.ask("agent", "list")], AGENTS[:1])
            said = other.ask("snapshot", "import", file)
            self.assertEqual((said["agents"], said["blobs_known"], said["lost"]), (len(AGENTS), 1, []))
            self.assertEqual(self.got(other, named), content)
            # In that mesh it goes by another id, too, and lies with the one that keeps everything there.
            until("its owner has it, alone", lambda: other.ask("blob", "list", "--here") == []
                  and len(owner.ask("blob", "list", "--here")) == 1)
            said = other.ask("snapshot", "export", self.folder / "again")
            self.assertEqual((said["agents"], said["blobs"], said["blob_bytes"], said["lost"]),
                             (len(AGENTS), 1, len(content), []))
            said = a.ask("snapshot", "import", file)  # their blob is here
            self.assertEqual((said["blobs"], said["blobs_known"], said["lost"]), (len(AGENTS), 1, []))
            for agent in AGENTS:
                self.assertEqual(other.ask("agent", "get", agent)["root"], b.ask("agent", "get", agent)["root"])
            for node in (c, d, e):
                node.kill()
            done = b.run("snapshot", "export", file, "--json")
            self.assertEqual(done.returncode, 4, done.stderr)
            self.assertIn("nobody who keeps them answered", done.stderr)
            self.assertTrue(json.loads(done.stdout)["missing"])

    def test_owners_behind_nat_keep_agents_together(self):
        with Mesh() as mesh:
            a = mesh.founder("A")
            b, c = (mesh.joiner(a, name, listen="none") for name in "BC")
            wait_linked([a, b, c])
            self.assertEqual(a.run("agent", "create", "old").returncode, 0)
            a.ask("layout", "stage", "B", "C", "--copies", "2")
            a.ask("layout", "apply")
            self.settled([a, b, c], 1)
            a.ask("agent", "create", "new", "--ack", "all", "--timeout", "30s")
            for number in range(10):
                node = (a, b, c)[number % 3]
                said = node.ask("agent", "add", "new", "log", str(number), "--ack", "all", "--timeout", "30s")
                self.assertEqual(said["copies"], 2)
            c.kill()
            self.assertEqual(b.run("agent", "add", "new", "log", "10", "--ack", "all", "--timeout", "1s").returncode, 5)
            b.ask("agent", "add", "old", "log", "11", "--ack", "one", "--timeout", "60s")
            c.start(listen="none")
            for agent, numbers in (("new", list(range(11))), ("old", [11])):
                until(f"C has what it missed of {agent}", lambda agent=agent, numbers=numbers: sorted(
                    c.ask("agent", "get", agent)["state"].get("log", [])) == numbers)
            for agent in ("old", "new"):
                self.assertEqual(*(node.ask("agent", "get", agent)["root"] for node in (b, c)))
            self.assertEqual(a.status()["agents"], 0)
            self.assertEqual([node.status()["links"] for node in (b, c)], [1, 1])
            self.assertGreater(b.status()["relay"]["letters_heard"], 0)

    @unittest.skipUnless(os.geteuid() == 0, "mounting a small file system wants root")
    def test_who_has_no_room_is_named_and_waited_for(self):
        with Mesh() as mesh, SmallDisk(pathlib.Path(mesh.directory) / "small") as disk:
            if not disk.mounted:
                self.skipTest("no file system can be mounted here")
            a = mesh.founder("A")
            b = mesh.joiner(a, "B")
            d = mesh.node("small/D")
            d.name, d.log_path = "D", pathlib.Path(mesh.directory) / "D.log"
            d.start("--bootstrap", f"wss://{a.address}", "--join", a.ask("token", "create")["token"])
            nodes = [a, b, d]
            wait_linked(nodes)
            a.ask("layout", "stage", "A", "B", "--copies", "2")
            a.ask("layout", "apply")
            self.settled(nodes, 1)
            lines = [{"op": "create", "id": agent} for agent in AGENTS]
            lines += [{"op": "set", "id": agent, "path": f"k{number}", "value": "x" * 900}
                      for number in range(500) for agent in AGENTS]
            fleet = pathlib.Path(mesh.directory) / "fleet.ndjson"
            fleet.write_text("".join(json.dumps(line) + "\n" for line in lines))
            self.assertEqual(a.ask("agent", "apply", str(fleet))["applied"], len(lines))

            a.ask("layout", "stage", "D", "--copies", "3")
            a.ask("layout", "apply")

            def waits():
                rows = {row["name"]: row for row in b.ask("layout", "show")["waiting"]}
                return "D" in rows and rows["D"]["full"]
            until("D is waited for, and has no room", waits)
            said = b.ask("layout", "show")
            self.assertFalse(said["settled"])
            self.assertEqual([row["name"] for row in said["layout"]["nodes"] if row["full"]], ["D"])
            self.assertIn("(D, disk full): sync", b.run("layout", "show").stdout)
            self.assertIn("no room on the disk of D", "".join(b.status()["health"]))
            self.assertIn("no room on the disk of D", b.run("doctor").stdout)
            self.assertIn("is full", "".join(d.status()["health"]))
            self.assertEqual(b.ask("agent", "add", AGENTS[0], "log", "1", "--ack", "quorum", "--timeout", "60s")["copies"], 2)

            disk.grow()
            self.settled(nodes, 2)
            self.assertEqual(d.ask("agent", "get", AGENTS[0])["state"]["log"], [1])
            for agent in AGENTS:
                self.assertEqual(*(node.ask("agent", "get", agent)["root"] for node in (b, d)))


if __name__ == "__main__":
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    unittest.main()
