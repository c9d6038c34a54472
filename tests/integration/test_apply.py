"""Many writes to agents from one file: in batches, at a rate, and on from where it was interrupted."""

import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

from mesh import MCPZ, Local, Mesh, until  # noqa: E402


class Apply(unittest.TestCase):
    def setUp(self):
        self.mesh = self.enterContext(Mesh())
        self.node = self.mesh.founder("A")
        self.file = pathlib.Path(self.mesh.directory) / "fleet.ndjson"

    def write(self, lines):
        self.file.write_text("".join(line if isinstance(line, str) else json.dumps(line) + "\n" for line in lines))

    def metrics(self):
        connection = Local(self.node)
        connection.request("GET", "/metrics")
        text = connection.getresponse().read().decode()
        connection.close()
        return text

    def test_thousands_are_done_in_few_commits(self):
        self.write([{"op": "create", "id": f"a{i}"} for i in range(3000)]
                   + [{"op": "set", "id": f"a{i}", "path": "n", "value": i} for i in range(0, 3000, 3)])
        metrics = self.metrics()
        self.assertIn('mcpz_loop_busy_seconds_bucket{le="0.005000"}', metrics)
        self.assertIn('mcpz_store_commit_duration_seconds_count', metrics)
        before = self.node.status()["store"]["commits"]
        said = self.node.ask("agent", "apply", self.file)
        self.assertEqual((said["applied"], said["failed"], said["lines"]), (4000, 0, 4000))
        self.assertLess(self.node.status()["store"]["commits"] - before, 400)
        written = re.search(r"^mcpz_store_writes_total (\d+)", self.metrics(), re.MULTILINE)
        self.assertGreater(int(written[1]), 2 * 4000)
        self.assertEqual(len(self.node.ask("agent", "list")), 3000)
        self.assertEqual(self.node.ask("agent", "get", "a2997")["state"], {"n": 2997})
        # Acknowledged is on the disk.
        self.node.kill()
        self.node.start()
        self.assertEqual(len(self.node.ask("agent", "list")), 3000)

    def test_what_is_refused_is_told_by_line_and_the_rest_is_done(self):
        self.write([{"op": "create", "id": "a"}, "\n", {"op": "create", "id": "a"}, "nonsense\n",
                    {"op": "set", "id": "nobody", "path": "x", "value": 1},
                    {"op": "set", "id": "a", "path": "x", "valve": 1},
                    {"op": "increment", "id": "a", "path": "n", "by": 5}])
        done = self.node.run("agent", "apply", self.file, "--batch", 3)
        self.assertEqual(done.returncode, 1)
        for number, word in ((3, "conflict"), (4, "bad_request"), (5, "not_found"), (6, "bad_request")):
            self.assertIn(f"{self.file}:{number}: {word}", done.stderr)
        self.assertEqual(self.node.ask("agent", "get", "a")["state"], {"n": 5})
        self.assertEqual(self.node.run("agent", "apply", self.file, "--batch", 0).returncode, 2)
        self.assertEqual(self.node.run("agent", "apply", "/nonexistent").returncode, 2)
        piped = self.node.run("agent", "apply", "-", "--json", stdin='{"op": "create", "id": "b"}')
        self.assertEqual(json.loads(piped.stdout)["applied"], 1)

    def test_of_many_that_are_refused_some_are_told_and_how_many_there_are(self):
        self.write([{"op": "create"} for _ in range(1500)])
        done = self.node.run("agent", "apply", self.file, "--batch", 50)
        self.assertEqual(done.stderr.count('no "id" is given'), 20)
        self.assertIn("and 1480 more", done.stderr)
        done = self.node.run("agent", "apply", self.file, "--batch", 50, "--again", "--json")
        told = json.loads(done.stdout)
        self.assertEqual((told["failed"], len(told["errors"])), (1500, 1000))

    def test_the_same_command_goes_on_where_it_was_interrupted(self):
        self.write([{"op": "create", "id": f"a{i}"} for i in range(2000)])
        note = pathlib.Path(f"{self.file}.applied")
        command = [MCPZ, "agent", "apply", str(self.file), "--data", str(self.node.data), "--batch", "10"]
        first = subprocess.Popen([*command, "--rate", "200"], stdout=subprocess.DEVNULL,
                                 stderr=subprocess.DEVNULL, env=os.environ)
        until("some are done", note.exists)
        first.send_signal(signal.SIGINT)
        self.assertEqual(first.wait(), 130)
        done = int(note.read_text().split()[1])
        self.assertGreater(done, 0)
        self.assertLess(done, 2000)
        kept = note.read_text()
        said = self.node.ask("agent", "apply", self.file, "--tenant", "acme")  # nothing is done for it
        self.assertEqual((said["skipped"], said["applied"]), (0, 2000))
        note.write_text(kept)
        said = self.node.ask("agent", "apply", self.file)
        self.assertEqual((said["skipped"], said["failed"]), (done, 0))
        self.assertEqual(len(self.node.ask("agent", "list", "--tenant", "default")), 2000)
        self.assertFalse(note.exists())


if __name__ == "__main__":
    unittest.main()
