"""Blobs at a real node: put, got, in parts, after kills, and nothing readable on its disk; and at four."""

import os
import pathlib
import random
import subprocess
import sys
import unittest

SUPPORT = pathlib.Path(__file__).resolve().parents[1] / "support"
sys.path.insert(0, str(SUPPORT))

from mesh import MCPZ, Mesh, until, wait_linked  # noqa: E402

SECRET = b"the quick brown fox keeps a secret"


def files_of(directory):
    for root, _, names in os.walk(directory):
        for name in names:
            path = pathlib.Path(root) / name
            if path.is_file():
                yield path


class Blobs(unittest.TestCase):
    def setUp(self):
        self.mesh = self.enterContext(Mesh())
        self.node = self.mesh.founder()
        self.folder = pathlib.Path(self.mesh.directory) / "files"
        self.folder.mkdir()

    def file(self, name, content):
        path = self.folder / name
        path.write_bytes(content)
        return str(path)

    def put(self, path, *options):
        return self.node.ask("blob", "put", path, *options)

    def get(self, blob, *options):
        path = self.folder / "got"
        self.node.ask("blob", "get", blob, path, *options)
        return path.read_bytes()

    def mixed(self, length, seed):
        """Half random, half text, with the secret here and there."""
        some = random.Random(seed)
        parts = []
        size = 0
        while size < length:
            part = some.randbytes(5000) if some.random() < 0.5 else SECRET + b" said once more. " * 300
            parts.append(part)
            size += len(part)
        return b"".join(parts)[:length]

    def test_what_is_put_is_got_in_whole_and_in_parts(self):
        for length in (0, 1, 100_000, 1 << 20, 5_000_001):
            content = self.mixed(length, length)
            said = self.put(self.file("in", content))
            self.assertEqual(said["size"], length)
            self.assertEqual(self.get(said["blob"]), content)
            self.assertEqual(self.get(said["blob"], "--range", "1000-1999"), content[1000:2000])
            self.assertEqual(self.get(said["blob"], "--range=-700"), content[-700:] if length else b"")
            self.assertEqual(self.put(self.file("in", content))["blob"], said["blob"])
        self.assertEqual(len(self.node.ask("blob", "list")), 5)

    def test_no_plain_text_lies_on_the_disk(self):
        self.put(self.file("in", self.mixed(6_000_000, 1)))
        self.put(self.file("in", SECRET), "--tenant", "acme")
        seen = 0
        for path in files_of(self.node.data):
            self.assertNotIn(SECRET, path.read_bytes(), path)
            seen += path.stat().st_size
        self.assertGreater(seen, 1_000_000)
        for path in files_of(pathlib.Path(self.node.data) / "keys"):
            self.assertEqual(path.stat().st_mode & 0o777, 0o600)

    def test_what_was_acknowledged_survives_a_kill(self):
        first = self.mixed(3_000_000, 2)
        blob = self.put(self.file("in", first))["blob"]
        large = self.file("large", random.Random(3).randbytes(40_000_000))
        putting = subprocess.Popen([MCPZ, "blob", "put", large, "--data", str(self.node.data)],
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        packs = pathlib.Path(self.node.data) / "blobs"
        until("some of it is on the disk", lambda: sum(p.stat().st_size for p in packs.glob("pack-*")) > 8_000_000)
        self.node.kill()
        putting.wait()
        self.node.start()
        self.assertEqual(self.get(blob), first)
        self.assertEqual(self.put(large)["size"], 40_000_000)

    def test_what_is_removed_while_its_taker_is_away_is_not_put_anew(self):
        owner, slow = (self.mesh.joiner(self.node, name) for name in "BC")
        nodes = [self.node, owner, slow]
        wait_linked(nodes)
        self.node.ask("layout", "stage", "B", "C", "--copies", "2")
        self.node.ask("layout", "apply")
        until("it holds", lambda: all(node.ask("layout", "show")["settled"] for node in nodes))
        slow.kill()  # it is to have a copy, so the first goes on placing it
        blob = self.put(self.file("in", SECRET), "--ack", "one")["blob"]
        self.assertIn(slow.id, self.node.ask("blob", "stat", blob)["missing"])
        self.node.kill()
        owner.ask("blob", "remove", blob)
        self.node.start()
        wait_linked([self.node, owner])
        slow.start()
        until("it is gone everywhere", lambda: not any(node.ask("blob", "list", "--here") for node in nodes))

    def pack(self):
        return pathlib.Path(self.node.data) / "blobs" / "pack-00000001"

    def damage(self, offset):
        """Bytes there are others from here on, while no node runs."""
        self.node.stop()
        with open(self.pack(), "r+b") as file:
            file.seek(offset)
            some = file.read(64)
            file.seek(offset)
            file.write(bytes(byte ^ 0x55 for byte in some))

    def test_what_is_damaged_is_named_and_mended_by_putting_it_again(self):
        content = random.Random(6).randbytes(300_000)
        whole = self.file("in", content)
        blob = self.put(whole)["blob"]
        for seen in (False, True):  # whether it was noticed before
            self.damage(self.pack().stat().st_size - 200_000)
            said = self.node.run("store", "check")
            self.assertEqual(said.returncode, 1)
            self.assertIn(blob, said.stderr)
            self.node.start()
            if seen:
                self.assertNotEqual(self.node.run("blob", "get", blob, "-").returncode, 0)
                until("it is told", lambda: self.node.ask("store", "check")["partial_blob"] == blob)
            self.assertEqual(self.put(whole)["blob"], blob)
            self.assertEqual(self.get(blob), content)
            said = self.node.ask("store", "check")
            self.assertEqual((said["well"], said["partial_blobs"]), (True, 0))
        with open(self.pack(), "r+b") as file:  # a hole, as of a disk that lost what was written
            file.truncate(0)
            file.truncate(1_000_000)
        self.node.stop()
        self.assertIn(blob, self.node.run("store", "check").stderr)

    def test_what_is_damaged_is_mended_by_importing_it_again(self):
        content = random.Random(7).randbytes(300_000)
        self.node.ask("agent", "create", "planner")
        self.node.ask("agent", "set", "planner", "map", "--file", self.file("in", content))
        exported = str(self.folder / "exported")
        self.node.ask("snapshot", "export", exported)
        self.damage(100_000)
        self.node.start()
        self.assertEqual(self.node.ask("snapshot", "import", exported)["blobs_put"], 1)
        self.assertEqual(self.get(self.node.ask("agent", "get", "planner")["state"]["map"]["$blob"]), content)
        self.assertEqual(self.node.ask("snapshot", "import", exported)["blobs_known"], 1)

    def test_keys_are_changed_and_shredded(self):
        content = self.mixed(200_000, 4)
        blob = self.put(self.file("in", content), "--tenant", "acme")["blob"]
        kept = self.put(self.file("in", content))["blob"]
        self.assertNotEqual(blob, kept)
        before = self.node.ask("key", "list")
        self.assertEqual(sorted(before["tenants"]), ["acme", "default"])
        self.assertEqual(before["source"], "file")
        self.assertNotIn("token", before)
        after = self.node.ask("key", "rotate")
        self.assertNotEqual(before["node_key"], after["node_key"])
        self.assertEqual(self.get(blob, "--tenant", "acme"), content)
        self.node.ask("key", "shred", "acme")
        self.assertEqual(self.node.run("blob", "get", blob, "-", "--tenant", "acme").returncode, 6)
        self.assertEqual(self.get(kept), content)
        self.node.ask("blob", "remove", kept)
        self.assertEqual(self.node.run("blob", "remove", kept).returncode, 6)


class Copies(unittest.TestCase):
    """Four nodes, three copies: one is lost, one is damaged, and both come back by themselves."""

    def setUp(self):
        self.mesh = self.enterContext(Mesh())
        env = {"MCPZ_BLOBS_REPAIR_AFTER": "1s"}
        founder = self.mesh.founder(env=env)
        self.nodes = [founder] + [self.mesh.joiner(founder, name, env=env) for name in "BCD"]
        wait_linked(self.nodes)
        self.folder = pathlib.Path(self.mesh.directory) / "files"
        self.folder.mkdir()

    def test_copies_come_back(self):
        content = random.Random(5).randbytes(3_000_000) + SECRET * 20_000
        whole = self.folder / "in"
        whole.write_bytes(content)
        taker, *others = self.nodes
        said = taker.ask("blob", "put", str(whole), "--ack", "quorum", "--timeout", "30s")
        blob = said["blob"]
        self.assertGreaterEqual(said["copies"], 2)

        # From any node, kept there or not, in whole and in parts.
        until("three have it", lambda: self.copies(others[0], blob) == 3)
        for node in others:
            self.assertEqual(self.get(node, blob), content)
            self.assertEqual(self.get(node, blob, "--range", "2999990-3000009"), content[2_999_990:3_000_010])

        # Who has taken it is lost: another makes a copy.
        taker.kill()
        for node in others:
            self.assertEqual(self.get(node, blob), content)
        until("three have it again", lambda: self.copies(others[0], blob) == 3)

        # A chunk of it is damaged on the disk of one: it is read all the same, and mended.
        damaged = others[1]
        damaged.kill()
        pack = pathlib.Path(damaged.data) / "blobs" / "pack-00000001"
        with open(pack, "r+b") as file:
            file.seek(1_000_000)
            byte = file.read(1)
            file.seek(1_000_000)
            file.write(bytes([byte[0] ^ 1]))
        size = pack.stat().st_size
        damaged.start(env={"MCPZ_BLOBS_REPAIR_AFTER": "1s"})
        until("it is read", lambda: damaged.run("blob", "get", blob, self.folder / "got").returncode == 0)
        self.assertEqual((self.folder / "got").read_bytes(), content)
        until("the chunk is kept anew", lambda: pack.stat().st_size > size)
        until("three have it all", lambda: self.copies(others[0], blob) == 3)

    def test_what_is_removed_goes_everywhere(self):
        whole = self.folder / "in"
        whole.write_bytes(SECRET * 1000)
        blob = self.nodes[1].ask("blob", "put", str(whole), "--ack", "all", "--timeout", "30s")["blob"]
        self.nodes[2].ask("blob", "remove", blob)
        until("nobody lists it", lambda: not any(node.ask("blob", "list", "--here") for node in self.nodes))

    def test_an_agent_names_a_file(self):
        whole = self.folder / "in"
        whole.write_bytes(SECRET * 3000)
        writer, reader = self.nodes[1], self.nodes[3]
        writer.ask("agent", "create", "planner")
        writer.ask("agent", "set", "planner", "maps.north", "--file", str(whole), "--ack", "quorum", "--timeout", "30s")
        until("it is known there", lambda: reader.run("agent", "get", "planner", "maps.north", "--file",
                                                      self.folder / "got").returncode == 0)
        self.assertEqual((self.folder / "got").read_bytes(), whole.read_bytes())
        named = reader.ask("agent", "get", "planner")["state"]["maps"]["north"]
        self.assertEqual(named["size"], whole.stat().st_size)
        # It is for the agent that it was put, and so nobody else needs it; nor does the agent once it names another,
        # until it is as it was.
        self.assertEqual(reader.run("blob", "remove", named["$blob"]).returncode, 6)
        self.assertEqual(self.get(writer, named["$blob"]), whole.read_bytes())
        version = writer.ask("agent", "history", "planner")[-1]["version"]
        writer.ask("agent", "set", "planner", "maps.north", "1")
        writer.ask("agent", "restore", "planner", "--at", version)
        self.assertEqual(writer.ask("agent", "get", "planner")["state"]["maps"]["north"], named)
        self.assertEqual(writer.run("agent", "set", "planner", "x",
                                    '{"$blob": "b-' + "a" * 52 + '", "size": 1, "tenant": "default"}').returncode, 6)

    def copies(self, node, blob):
        said = node.ask("blob", "stat", blob)
        self.assertEqual(said["copies"], len(set(said["nodes"])))
        return said["copies"]

    def get(self, node, blob, *options):
        path = self.folder / "got"
        node.ask("blob", "get", blob, path, *options)
        return path.read_bytes()


class Cleared(unittest.TestCase):
    """What no agent names any more goes by itself, and its room with it: in seconds, as the nodes are told."""

    def test_room_is_free_again_at_all_nodes(self):
        mesh = self.enterContext(Mesh())
        env = {"MCPZ_BLOBS_CLEAR_AFTER": "3s"}
        a = mesh.founder(env=env)
        nodes = [a] + [mesh.joiner(a, name, env=env) for name in "BC"]
        wait_linked(nodes)
        contents = {}
        for number, agent in enumerate(("planner", "keeper")):
            contents[agent] = random.Random(number).randbytes(4_000_000)
            path = pathlib.Path(mesh.directory) / agent
            path.write_bytes(contents[agent])
            a.ask("agent", "create", agent)
            a.ask("agent", "set", agent, "map", "--file", str(path), "--ack", "all", "--timeout", "60s")
        blobs = {agent: a.ask("agent", "get", agent)["state"]["map"]["$blob"] for agent in contents}

        def taken(node):
            return sum(path.stat().st_blocks * 512 for path in (pathlib.Path(node.data) / "blobs").glob("pack-*"))
        for node in nodes:
            self.assertGreater(taken(node), 8_000_000)
        listed = {row["blob"]: row for row in nodes[1].ask("blob", "list")}
        self.assertEqual(sorted(listed), sorted(blobs.values()))
        self.assertEqual({(row["copies"], len(row["wanted"]), len(row["missing"])) for row in listed.values()},
                         {(3, 3, 0)})

        nodes[2].ask("agent", "delete", "planner")
        until("nobody lists it", lambda: all(
            [row["blob"] for row in node.ask("blob", "list", "--here")] == [blobs["keeper"]] for node in nodes))
        until("its room is free", lambda: all(taken(node) < 5_000_000 for node in nodes))
        self.assertEqual(a.run("blob", "get", blobs["planner"], "-").returncode, 6)
        got = pathlib.Path(mesh.directory) / "got"
        for node in nodes:
            node.ask("blob", "get", blobs["keeper"], got)
            self.assertEqual(got.read_bytes(), contents["keeper"])


if __name__ == "__main__":
    unittest.main()
