"""A running node's data as one file, and a node made of it again."""

import pathlib
import shutil
import sys
import threading
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

from mesh import Mesh, run, until, wait_linked  # noqa: E402


class Backup(unittest.TestCase):
    def setUp(self):
        self.mesh = self.enterContext(Mesh())
        self.place = pathlib.Path(self.mesh.directory)

    def test_a_node_is_backed_up_while_it_is_written_to_and_comes_back_as_a_new_writer(self):
        a = self.mesh.founder("A")
        b = self.mesh.joiner(a, "B")
        wait_linked([a, b])
        blob = self.place / "blob"
        blob.write_bytes(bytes(range(256)) * 4000)
        name = a.run("blob", "put", blob).stdout.strip()
        a.ask("agent", "create", "x")
        a.ask("agent", "set", "x", "before", "1")
        over = threading.Event()

        def write():
            number = 0
            while not over.is_set():
                a.ask("agent", "set", "x", "busy", str(number))
                number += 1

        writer = threading.Thread(target=write)
        writer.start()
        try:
            made = [a.ask("backup", "create", self.place / f"backup{i}") for i in range(3)]
        finally:
            over.set()
            writer.join()
        self.assertLessEqual(made[0]["commits"], made[2]["commits"])
        backup = self.place / "backup2"
        self.assertEqual(backup.stat().st_mode & 0o777, 0o600)
        checked = run("backup", "verify", backup, "--json")
        self.assertEqual((checked.returncode, checked.stderr), (0, ""))
        self.assertEqual(a.id, made[2]["node"])

        a.ask("agent", "set", "x", "lost", "2")
        until("B has it", lambda: "lost" in b.ask("agent", "get", "x")["state"])
        a.stop()
        b.stop()
        key = (a.data / "keys" / "node.key").read_text()
        self.assertNotIn(key.strip().encode(), backup.read_bytes())
        shutil.rmtree(a.data)
        refused = a.run("backup", "restore", backup)
        self.assertEqual(refused.returncode, 1)
        self.assertIn("does not hold the node key", refused.stderr)
        self.assertEqual(list(a.data.iterdir()), [])
        restored = a.run("backup", "restore", backup, env={"MCPZ_NODE_KEY": key.strip()})
        self.assertEqual(restored.returncode, 0, restored.stderr)
        (a.data / "keys" / "node.key").write_text(key)
        (a.data / "keys" / "node.key").chmod(0o600)
        a.start(listen=a.address)
        self.assertIn("restored or copied", a.log())
        out = self.place / "out"
        self.assertEqual(a.run("blob", "get", name, out).returncode, 0)
        self.assertEqual(out.read_bytes(), blob.read_bytes())
        a.ask("agent", "set", "x", "after", "3")
        b.start()

        def same():
            mine, theirs = a.ask("agent", "get", "x"), b.ask("agent", "get", "x")
            return mine["root"] == theirs["root"] and mine
        state = until("both have merged", same)["state"]
        self.assertEqual((state["before"], state["lost"], state["after"]), (1, 2, 3))
        writers = {row["generation"] for row in a.ask("agent", "history", "x")
                   if row["writer"] == a.id}
        self.assertEqual(len(writers), 2)

        # A whole disk that is put back, keys, stamp and all: nothing on it tells.
        a.stop()
        files = [a.data / "store" / name for name in ("data.mdb", "mcpz.stamp")]
        disk = [path.read_bytes() for path in files]
        a.start(listen=a.address)
        a.ask("agent", "set", "x", "gone", "4")
        until("B has it", lambda: "gone" in b.ask("agent", "get", "x")["state"])
        a.stop()
        b.stop()
        for path, content in zip(files, disk):
            path.write_bytes(content)
        a.start(listen=a.address)
        self.assertIn("has started anew, or its disk was put back", a.log())
        a.ask("agent", "set", "x", "new", "5")
        b.start()
        state = until("both have merged", same)["state"]
        self.assertEqual((state["gone"], state["new"]), (4, 5))
        self.assertEqual(a.ask("agent", "forks"), [])

    def test_a_backup_that_is_no_good_is_refused_and_so_is_a_directory_in_use(self):
        a = self.mesh.founder("A")
        a.ask("agent", "create", "x")
        self.assertEqual(a.run("backup", "create", self.place).returncode, 0)
        backup = next(self.place.glob("*.mcpzbackup"))
        self.assertEqual([row["file"] for row in run("backup", "list", self.place).stdout and
                          a.ask("backup", "list", self.place)], [str(backup)])
        to = self.place / "to"
        whole = backup.read_bytes()
        bad = self.place / "bad"
        for content, word in ((whole[:-1], "cut off"), (whole[:5000], "cut off"),
                              (whole[:9000] + bytes([whole[9000] ^ 1]) + whole[9001:], "damaged"),
                              (b"nonsense", "not a backup")):
            bad.write_bytes(content)
            for verb in (("verify",), ("restore", "--data", to)):
                done = run("backup", verb[0], bad, *verb[1:])
                self.assertEqual(done.returncode, 1, verb)
                self.assertIn(word, done.stderr)
            self.assertEqual(list(to.iterdir()), [])
        done = a.run("backup", "restore", backup, "--force")
        self.assertEqual(done.returncode, 8)
        self.assertIn("in use", done.stderr)
        a.stop()
        self.assertEqual(a.run("backup", "restore", backup).returncode, 8)
        # Where no node runs it is made without one; and read from a pipe.
        piped = a.run("backup", "create", self.place / "cold", "--json")
        self.assertEqual(piped.returncode, 0, piped.stderr)
        self.assertIn(a.id, piped.stdout)
        with_key = a.run("backup", "create", self.place / "with", "--with-node-key")
        self.assertEqual(with_key.returncode, 0, with_key.stderr)
        done = run("backup", "restore", "-", "--data", to, stdin=(self.place / "with").read_bytes())
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(run("backup", "verify", self.place / "nowhere").returncode, 2)

    def test_a_node_makes_backups_by_itself_and_says_when_it_cannot(self):
        a = self.mesh.node("A")
        a.start(env={"MCPZ_SNAPSHOTS_EVERY": "1s", "MCPZ_SNAPSHOTS_KEEP": "2"})
        a.ask("agent", "create", "x")
        kept = a.data / "snapshots"
        first = until("there is one", lambda: kept.exists() and sorted(kept.glob("*.mcpzbackup")))[0]
        until("the first gives way", lambda: not first.exists())
        until("two are kept", lambda: len(list(kept.glob("*.mcpzbackup"))) == 2)

        def verified():
            newest = sorted(kept.glob("*.mcpzbackup"))[-1]
            done = run("backup", "verify", newest)
            # Others come meanwhile, so that it may be gone before it was read: then the next is looked at.
            self.assertTrue(done.returncode == 0 or not newest.exists(), done.stderr)
            return done.returncode == 0
        until("the newest is well", verified)
        until("two are listed", lambda: len(a.ask("backup", "list")) == 2)
        # Where they are to go is no directory any more.
        shutil.rmtree(kept)
        kept.write_text("in the way")
        until("it says so", lambda: "snapshot_failed" in a.run("events", "--no-follow").stdout)
        until("so does its health", lambda: "automatic snapshot failed" in a.run("status").stdout)

    def test_a_store_is_checked_while_it_is_used_and_compacted_while_it_is_not(self):
        a = self.mesh.founder("A")
        a.ask("agent", "create", "x")
        for i in range(20):
            a.ask("agent", "set", "x", f"k{i}", '"' + "v" * 900 + '"')
        report = a.ask("store", "check")
        self.assertTrue(report["well"])
        self.assertEqual(report["documents"], 1)
        self.assertEqual(a.run("store", "compact").returncode, 8)
        a.ask("agent", "delete", "x")
        a.stop()
        self.assertEqual(a.ask("store", "check")["well"], True)
        sizes = a.ask("store", "compact")
        self.assertLess(sizes["after_bytes"], sizes["before_bytes"])
        a.start()
        self.assertNotIn("restored or copied", a.log())
        a.stop()
        # A value that its codec does not take: found with its file named.
        data = a.data / "store" / "data.mdb"
        content = bytearray(data.read_bytes())
        # It is sealed, so one bit is enough: of what lies at the end of each leaf that is full.
        for page in range(2, len(content) // 4096):
            end = (page + 1) * 4096
            if content[page * 4096 + 10] & 2 and len(set(content[end - 800:end])) > 200:
                content[end - 6] ^= 1
        data.write_bytes(content)
        done = a.run("store", "check")
        self.assertEqual(done.returncode, 1)
        self.assertIn("store/data.mdb", done.stderr)


if __name__ == "__main__":
    unittest.main()
