"""What is acknowledged is kept; what cannot be kept is not acknowledged."""

import base64
import datetime
import json
import os
import pathlib
import random
import shutil
import signal
import struct
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

from mesh import Local, Mesh, run, until, wait_linked  # noqa: E402


class Store(unittest.TestCase):
    def setUp(self):
        self.mesh = self.enterContext(Mesh())

    def test_a_directory_has_one_holder_and_the_second_is_told_which(self):
        node = self.mesh.founder("A")
        second = run("up", "--data", node.data, "--listen", "127.0.0.1:0")
        self.assertEqual(second.returncode, 1)
        self.assertIn(str(node.process.pid), second.stderr)

    def test_a_damaged_store_is_said_to_be_one(self):
        node = self.mesh.founder("A")
        node.stop()
        data = node.data / "store" / "data.mdb"
        size = data.stat().st_size
        data.write_bytes(os.urandom(size))
        done = run("up", "--data", node.data, "--listen", "127.0.0.1:0")
        self.assertEqual(done.returncode, 1)
        self.assertIn("data.mdb", done.stderr)

    @staticmethod
    def mark(node, kind, agent):
        """How keys of records of that kind begin, of that agent: an entry is 5, a delta 6."""
        row = next(row for row in node.ask("agent", "list") if row["id"] == agent)
        return bytes([kind]) + base64.b32decode(row["document"][2:].upper() + "====")

    @staticmethod
    def keys(content, page):
        """Of a leaf of LMDB, each with where its node begins: not of what lies in its free room, remains of others."""
        flags, lower = struct.unpack_from("<HH", content, page + 10)
        places = struct.unpack_from(f"<{max(lower, 16) // 2 - 8}H", content, page + 16) \
            if flags & 2 and lower <= 4096 else ()
        for at in places:
            if at <= 4088:
                size, = struct.unpack_from("<H", content, page + at + 6)
                yield bytes(content[page + at + 8:page + at + 8 + size]), page + at

    def damage(self, node, marks):
        """Overwrite each leaf of the store with a key that begins so, be it in use or not."""
        data = node.data / "store" / "data.mdb"
        content = bytearray(data.read_bytes())
        pages = 0
        for at in range(2 * 4096, len(content), 4096):
            if any(key.startswith(tuple(marks)) for key, _ in self.keys(content, at)):
                content[at:at + 4096] = b"\xee" * 4096
                pages += 1
        data.write_bytes(content)
        return pages

    def test_a_node_with_a_damaged_store_begins_anew_and_is_filled_by_the_others(self):
        a = self.mesh.founder("A")
        b = self.mesh.joiner(a, "B")
        wait_linked([a, b])
        for i in range(30):
            a.ask("agent", "create", f"agent-{i:02}")
            a.ask("agent", "set", f"agent-{i:02}", "k", '"' + f"value-{i:02} " * 40 + '"')
        until("B has all", lambda: len(b.ask("agent", "list")) == 30
              and all("k" in b.ask("agent", "get", f"agent-{i:02}")["state"] for i in (28, 29)))
        a.stop()
        # What B alone has: a write that nobody else has seen, in a page that stays well.
        b.ask("agent", "create", "own")
        b.ask("agent", "set", "own", "k", "1")
        marks = [self.mark(b, 5, "agent-07"), self.mark(b, 6, "agent-21")]
        b.stop()
        self.assertGreater(self.damage(b, marks), 0)
        b.start()
        self.assertIn("damaged: set aside, and begun anew", b.log())
        self.assertTrue((b.data / "store-damaged-1" / "data.mdb").exists())
        until("B has its own write again",
              lambda: any(row["id"] == "own" for row in b.ask("agent", "list")))
        a.start(listen=a.address)

        def same():
            mine = {row["id"]: row["root"] for row in a.ask("snapshot", "list")}
            theirs = {row["id"]: row["root"] for row in b.ask("snapshot", "list")}
            return mine == theirs and mine
        self.assertEqual(len(until("both have all", same)), 31)
        # It writes as a new writer, and its deltas were merged once and for all.
        b.ask("agent", "set", "own", "k", "2")
        writers = {row["generation"] for row in b.ask("agent", "history", "own")}
        self.assertEqual(len(writers), 2)
        until("what was saved is merged",
              lambda: not (b.data / "store-damaged-1" / "unmerged").exists())

    def test_a_node_that_is_alone_is_repaired_only_when_told(self):
        a = self.mesh.founder("A")
        for i in range(12):
            a.ask("agent", "create", f"agent-{i:02}")
            a.ask("agent", "set", f"agent-{i:02}", "k", '"' + f"value-{i:02} " * 40 + '"')
        marks = [self.mark(a, 5, "agent-03")]
        a.stop()
        self.assertGreater(self.damage(a, marks), 0)
        self.assertEqual(a.run("store", "check").returncode, 1)
        second = run("up", "--data", a.data, "--listen", "127.0.0.1:0")
        self.assertEqual(second.returncode, 1)
        self.assertIn("mcpz store repair", second.stderr)
        self.assertEqual(a.run("store", "repair").returncode, 0)
        a.start()
        until("what was saved is merged", lambda: not list(a.data.glob("*/unmerged")))
        # Entries were lost, and of deltas only those that lay in the same pages.
        names = {row["id"] for row in a.ask("agent", "list")}
        whole = [i for i in range(12) if f"agent-{i:02}" in names
                 and a.ask("agent", "get", f"agent-{i:02}")["state"] == {"k": f"value-{i:02} " * 40}]
        self.assertGreaterEqual(len(whole), 4)
        a.stop()
        self.assertEqual(a.ask("store", "check")["well"], True)
        self.assertIn("nothing was done", a.run("store", "repair").stdout)

    def spoil(self, node, mark):
        """Change the last byte of what lies under the mark: the pages are well, the record is not."""
        data = node.data / "store" / "data.mdb"
        content = bytearray(data.read_bytes())
        for page in range(2 * 4096, len(content), 4096):
            for key, at in self.keys(content, page):
                low, high, flags = struct.unpack_from("<HHH", content, at)
                value = at + 8 + len(key)
                if flags & 1 and value + 8 <= len(content):  # it lies in pages of its own, behind their head
                    value = struct.unpack_from("<Q", content, value)[0] * 4096 + 16
                last = value + (high << 16 | low) - 1
                if key.startswith(mark) and last < len(content):
                    content[last] ^= 1
        data.write_bytes(content)

    def apply(self, node, name, lines):
        path = pathlib.Path(self.mesh.directory) / name
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))
        self.assertEqual(node.run("agent", "apply", path).returncode, 0)

    def overwrite(self, node, count, first=0):
        """That many writes to one key of agent x."""
        self.apply(node, f"overwrite-{first}", [
            {"op": "set", "id": "x", "path": "k", "value": first + i} for i in range(count)])

    @staticmethod
    def reconfigure(nodes, path, text):
        path.write_text(text)
        for node in nodes:
            seen = node.log().count('"reloaded"')
            node.process.send_signal(signal.SIGHUP)
            until(f"{node.name} has read it", lambda node=node, seen=seen: node.log().count('"reloaded"') > seen)

    @staticmethod
    def folded(node, deltas):
        """Wait until so many writes to x are folded at the node; what it says of x."""
        def said():
            agent = node.ask("agent", "get", "x")
            return agent.get("floor", {}).get("deltas", 0) >= deltas and agent
        return until(f"{node.name} has folded", said)

    def test_old_writes_are_folded_and_what_they_came_to_stays(self):
        config = pathlib.Path(self.mesh.directory) / "mcpz.yaml"
        config.write_text("agents: {history: 1h}\n")
        env = {"MCPZ_CONFIG": str(config)}
        a = self.mesh.founder("A", env=env)
        b = self.mesh.joiner(a, "B", env=env)
        wait_linked([a, b])
        # Agents enough that their entries, and what is known of other nodes, lie in different pages.
        others = [f"other-{i}" for i in range(60)]
        self.apply(a, "others", [{"op": "create", "id": name} for name in ["x", *others]] + [
            {"op": "set", "id": name, "path": "k", "value": name * 60} for name in others])
        self.overwrite(a, 100)
        until("B has it", lambda: b.ask("agent", "get", "x")["deltas"] == 101)
        for node in (a, b):
            self.assertNotIn("floor", node.ask("agent", "get", "x"))
        self.reconfigure((a, b), config, "agents: {history: 1s}\n")
        for node in (a, b):
            agent = self.folded(node, 101)
            self.assertEqual((agent["kept"], agent["state"]), (0, {"k": 99}))
            self.assertEqual(set(agent["floor"]["signers"]), {a.id, b.id})
        # One delta of the writer is left of them: the rows are off the disk.
        check = until("rows are gone", lambda: (lambda said: said["deltas"] == 121 and said)(
            a.ask("store", "check")))
        self.assertEqual((check["well"], check["bases"]), (True, 1))

        # The past before is refused in words, at and above it is right.
        floor = agent["floor"]["time_ms"]
        def moment(ms):
            then = datetime.datetime.fromtimestamp(ms // 1000, datetime.timezone.utc)
            return f"{then:%Y-%m-%dT%H:%M:%S}.{ms % 1000:03}Z"
        early = a.run("agent", "at", "x", moment(floor - 1), "--json")
        self.assertEqual(early.returncode, 6)
        self.assertEqual(json.loads(early.stdout)["error"]["code"], "history_folded")
        since = f"{moment(floor + 999)[:19]}Z"
        self.assertIn(f"from {since} on", early.stdout)
        self.assertEqual(agent["floor"]["since"], since)
        self.assertEqual(a.run("agent", "get", "x").stderr,
                         f"note: its history begins at {since}: 101 writes up to then are folded\n")
        counts = a.ask("status")["counters"]
        self.assertGreaterEqual(counts["deltas_folded"], 100)  # all but the writer's last
        self.assertGreater(counts["deltas_folded_bytes"], 100 * 32)
        self.assertEqual(a.run("agent", "diff", "x", "1h").returncode, 6)
        self.assertEqual(a.ask("agent", "at", "x", moment(floor))["state"], {"k": 99})
        self.overwrite(a, 3, first=200)
        writes = a.ask("agent", "history", "x")
        self.assertEqual([101, 3], [writes[0]["folded"], len(writes) - 1])
        self.assertEqual(a.ask("agent", "at", "x", writes[2]["version"])["state"], {"k": 201})
        self.assertEqual(a.run("agent", "restore", "x", "--at", moment(floor - 1)).returncode, 6)
        a.ask("agent", "restore", "x", "--at", moment(floor))
        self.assertEqual(a.ask("agent", "get", "x")["state"], {"k": 99})

        # Who joins is given the base; who is killed has it still.
        c = self.mesh.joiner(a, "C", env=env)
        b.kill()
        b.start(env=env)
        root = a.ask("agent", "get", "x")["root"]
        for node in (b, c):
            agent = until(f"{node.name} has x", lambda node=node: (lambda said: said.get("root") == root and said)(
                json.loads(node.run("agent", "get", "x", "--json").stdout or "{}")))
            self.assertEqual((agent["floor"]["deltas"], agent["kept"]), (101, 4))

        # Whoever is away is waited for until the grace is over, which is when it is cut short. C is given the base.
        c.kill()
        self.overwrite(a, 64, first=300)
        self.assertEqual(a.ask("agent", "get", "x")["floor"]["deltas"], 101)
        self.reconfigure((a, b), config, "agents: {history: 1s, grace: 1s}\n")
        until("A folds without C", lambda: self.overwrite(a, 32, first=400) or
              a.ask("agent", "get", "x")["floor"]["deltas"] > 101)
        agent = a.ask("agent", "get", "x")
        root, folded = agent["root"], agent["floor"]["deltas"]
        self.folded(b, folded)
        c.start(env=env)
        until("all have it", lambda: all(self.folded(node, folded)["root"] == root for node in (b, c)))

        # One that cannot be read any more is fetched again when it is needed.
        mark = self.mark(b, 38, "x")
        b.stop()
        self.spoil(b, mark)
        self.assertIn("kind 38", b.run("store", "check").stderr)
        b.start(env=env)
        until("B has a base again", lambda: b.run("agent", "at", "x", moment(
            b.ask("agent", "get", "x")["floor"]["time_ms"])).returncode == 0)
        self.assertTrue(b.ask("store", "check")["well"])

        # What nobody else is there to give comes out of the damaged store: base, and writes above.
        self.overwrite(a, 3, first=500)
        agent = a.ask("agent", "get", "x")
        root, deltas, folded = agent["root"], agent["deltas"], agent["floor"]["deltas"]
        marks = [self.mark(a, 5, "x")]
        for node in (b, c, a):
            node.stop()
        self.assertGreater(self.damage(a, marks), 0)
        a.start(env=env)
        self.assertIn("damaged: set aside, and begun anew", a.log())
        until("what was saved is merged", lambda: not list(a.data.glob("*/unmerged")))
        agent = a.ask("agent", "get", "x")
        self.assertEqual((agent["root"], agent["floor"]["deltas"] + agent["kept"]), (root, deltas))
        self.assertGreaterEqual(agent["floor"]["deltas"], folded)
        a.ask("agent", "set", "x", "k", "5")
        a.stop()
        self.assertTrue(a.ask("store", "check")["well"])

    def test_kill_9_loses_nothing_that_was_acknowledged(self):
        node = self.mesh.founder("A")
        node.ask("agent", "create", "a")
        for round_ in range(5):
            for i in range(5):
                node.ask("agent", "set", "a", f"k{round_}-{i}", str(i))
            node.kill()
            node.start()
            state = node.ask("agent", "get", "a")["state"]
            self.assertEqual(len(state), 5 * (round_ + 1))

    def test_both_sides_of_a_split_merge_to_the_same_bytes(self):
        a = self.mesh.founder("A")
        b = self.mesh.joiner(a, "B")
        wait_linked([a, b])
        # On both disks: what B shows may not be on its own yet.
        a.ask("agent", "create", "x", "--ack", "all", "--timeout", "60s")
        # Each writes while the other is not there.
        b.kill()
        a.ask("agent", "set", "x", "who", '"a"')
        a.ask("agent", "add", "x", "tags", '"from a"')
        a.ask("agent", "increment", "x", "n", "1")
        a.kill()
        b.start()
        b.ask("agent", "set", "x", "who", '"b"')
        b.ask("agent", "add", "x", "tags", '"from b"')
        b.ask("agent", "increment", "x", "n", "10")
        a.start(listen=a.address)

        def same():
            mine, theirs = a.ask("agent", "get", "x"), b.ask("agent", "get", "x")
            return mine["root"] == theirs["root"] and mine["state"]["n"] == 11 and mine
        merged = until("both have merged", same)
        self.assertEqual(merged["state"]["tags"], ["from a", "from b"])
        self.assertIn(merged["state"]["who"], ("a", "b"))

    def test_what_a_restored_node_writes_is_not_taken_for_what_it_lost(self):
        a = self.mesh.founder("A")
        b = self.mesh.joiner(a, "B")
        wait_linked([a, b])
        a.ask("agent", "create", "x")
        a.ask("agent", "set", "x", "before", "1")
        a.stop()
        kept = a.data.with_name("kept")
        shutil.copytree(a.data, kept)
        a.start(listen=a.address)
        a.ask("agent", "set", "x", "lost", "2")
        until("B has it", lambda: "lost" in b.ask("agent", "get", "x")["state"])
        # Back to the copy, and write before anybody can say what was lost.
        a.stop()
        b.stop()
        shutil.rmtree(a.data)
        shutil.copytree(kept, a.data)
        a.start(listen=a.address)
        a.ask("agent", "set", "x", "after", "3")
        self.assertEqual(a.ask("agent", "get", "x")["state"], {"before": 1, "after": 3})
        b.start()

        def same():
            mine, theirs = a.ask("agent", "get", "x"), b.ask("agent", "get", "x")
            return mine["root"] == theirs["root"] and mine
        merged = until("both have merged", same)
        self.assertEqual(merged["state"], {"before": 1, "lost": 2, "after": 3})
        # A kill is no restore: it goes on as the same writer.
        a.kill()
        a.start(listen=a.address)
        a.ask("agent", "set", "x", "after", "4")
        writers = next(row for row in a.ask("agent", "list") if row["id"] == "x")["versions"]
        self.assertEqual(writers, 2)

    def test_snapshots_travel_in_files(self):
        a = self.mesh.founder("A")
        other = self.mesh.founder("other")
        a.ask("agent", "create", "x")
        a.ask("agent", "set", "x", "deep.down", '{"k": [1, 2.5, null, "ü"]}')
        path = pathlib.Path(self.mesh.directory) / "file"
        self.assertEqual(a.run("snapshot", "export", path).returncode, 0)
        self.assertEqual(other.run("snapshot", "import", path).returncode, 0)
        self.assertEqual(other.ask("agent", "get", "x")["root"], a.ask("agent", "get", "x")["root"])
        again = other.ask("snapshot", "import", path)
        self.assertEqual((again["agents"], again["applied"]), (1, 0))

        # Damage, a cut, another version: each is said, with where it is, and nothing is taken in.
        whole = path.read_bytes()
        third = self.mesh.founder("third")
        damaged = bytearray(whole)
        damaged[len(damaged) // 2] ^= 1
        for file, said in ((bytes(damaged), "damaged, within the part from byte 9"),
                           (whole[:-1], "is cut off"), (whole + b"x", "damaged"),
                           (whole[:8] + b"\x03" + whole[9:], "a version that is not read")):
            path.write_bytes(file)
            done = third.run("snapshot", "import", path)
            self.assertEqual(done.returncode, 1)
            self.assertIn(said, done.stderr)
        done = third.run("snapshot", "import", "-", stdin=bytes(damaged))
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"nothing was changed", done.stderr)
        self.assertEqual(third.ask("agent", "list"), [])
        piped = a.run("snapshot", "export", "--agent", "x", stdin=b"")
        self.assertEqual(third.run("snapshot", "import", "-", stdin=piped.stdout).returncode, 0)
        self.assertEqual(third.ask("agent", "get", "x")["root"], a.ask("agent", "get", "x")["root"])

    def test_blobs_travel_with_the_agents_that_name_them(self):
        a, other = self.mesh.founder("A"), self.mesh.founder("other")
        folder = pathlib.Path(self.mesh.directory)
        content, path, got = random.Random(3).randbytes(1_300_000), folder / "file", folder / "got"
        (folder / "blob").write_bytes(content)
        for agent in ("x", "y"):
            a.ask("agent", "create", agent)
            self.assertEqual(a.run("agent", "set", agent, "map", "--file", folder / "blob").returncode, 0)
        said = a.ask("snapshot", "export", path)
        self.assertEqual((said["blobs"], said["blob_bytes"], said["lost"]), (1, len(content), []))

        # It breaks off within the blob, and goes on there; so it does when the node was killed.
        piece = 524_288
        cut = other.run("snapshot", "import", "-", stdin=path.read_bytes()[:1_200_000])
        self.assertEqual(cut.returncode, 1)
        self.assertIn(b"is cut off", cut.stderr)
        other.kill()
        other.start(listen=other.address)
        other.run("snapshot", "import", "-", stdin=path.read_bytes()[:1_200_000])
        said = other.ask("snapshot", "import", path)
        self.assertEqual((said["blobs_put"], said["blobs_renamed"], said["lost"]), (1, 1, []))
        self.assertEqual(said["blob_bytes"], len(content) - 2 * piece)
        for agent in ("x", "y"):
            self.assertEqual(other.ask("agent", "get", agent)["root"], a.ask("agent", "get", agent)["root"])
            self.assertEqual(other.run("agent", "get", agent, "map", "--file", got).returncode, 0)
            self.assertEqual(got.read_bytes(), content)

        # Where it is called what they call it nothing is to be done; and without blobs it is told.
        said = a.ask("snapshot", "import", path)
        self.assertEqual((said["blobs_known"], said["blob_bytes"], said["lost"]), (1, 0, []))
        third = self.mesh.founder("third")
        named = a.ask("agent", "get", "x")["state"]["map"]["$blob"]
        a.ask("snapshot", "export", path, "--without-blobs")
        self.assertEqual(third.ask("snapshot", "import", path)["lost"], [named])
        other.ask("snapshot", "export", path)
        self.assertEqual(third.ask("snapshot", "import", path)["blobs_put"], 1)
        self.assertEqual(third.run("agent", "get", "y", "map", "--file", got).returncode, 0)
        self.assertEqual(got.read_bytes(), content)

    @staticmethod
    def post(node, verb, body):
        """A write to agent a, without the cost of a process for each of thousands; status and answer."""
        return Local(node).ask("POST", f"/v1/agents/a/{verb}", body)

    @unittest.skipUnless(os.geteuid() == 0, "mounting a small file system wants root")
    def test_a_full_disk_refuses_writes_and_loses_none(self):
        small = pathlib.Path(self.mesh.directory) / "small"
        small.mkdir()
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(small)],
                                 capture_output=True, check=False)
        if mounted.returncode != 0:
            self.skipTest("no file system can be mounted here")
        try:
            node = self.mesh.node("small/A")
            node.log_path = pathlib.Path(self.mesh.directory) / "small.log"
            node.start()
            node.ask("agent", "create", "a")
            written = 0
            while written < 5000:
                status, said = self.post(node, "set", {"path": f"k{written}", "value": "x" * 900})
                if status != 200:
                    break
                written += 1
            self.assertLess(written, 5000)
            self.assertIn("full", said["error"]["message"])
            self.assertEqual(len(node.ask("agent", "get", "a")["state"]), written)
            node.kill()
            node.start()
            self.assertEqual(len(node.ask("agent", "get", "a")["state"]), written)
            # What removes has room of its own; and then others have, too, without a restart.
            for i in range(written):
                status, said = self.post(node, "unset", {"path": f"k{i}"})
                self.assertEqual(status, 200, f"{i}: {said}{node.log()[-2000:]}")
                if self.post(node, "set", {"path": "again", "value": 1})[0] == 200:
                    break
            self.assertEqual(node.ask("agent", "get", "a")["state"]["again"], 1)
            node.kill()
        finally:
            subprocess.run(["umount", "-l", str(small)], check=False)


if __name__ == "__main__":
    unittest.main()
