"""Who is revoked is not waited for, and does not come back."""

import json
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

from mesh import Mesh, until, wait_linked  # noqa: E402


class Revoke(unittest.TestCase):
    def setUp(self):
        self.mesh = self.enterContext(Mesh())

    def write(self, node, value):
        return node.run("agent", "set", "diary", "page", value, "--ack", "all", "--timeout", "2s")

    def test_who_died_for_good_is_no_copy_and_is_told_so_when_it_comes_back(self):
        founder = self.mesh.founder("founder")
        kept = self.mesh.joiner(founder, "kept")
        lost = self.mesh.joiner(founder, "lost")
        wait_linked([founder, kept, lost])
        founder.ask("agent", "create", "diary")
        self.assertEqual(self.write(founder, '"one"').returncode, 0)
        lost.kill()
        self.assertEqual(self.write(founder, '"two"').returncode, 5)  # in time, but not on three disks

        unsure = founder.run("revoke", "lost")
        self.assertEqual(unsure.returncode, 2)
        self.assertIn("--yes", unsure.stderr)
        self.assertEqual(founder.run("revoke", "last", "--yes").returncode, 6)
        self.assertIn("did you mean lost", founder.run("revoke", "last", "--yes").stderr)
        self.assertEqual(founder.run("revoke", "founder", "--yes").returncode, 8)
        self.assertEqual(kept.run("revoke", "lost", "--yes").returncode, 7)
        made = founder.ask("revoke", "lost", "--reason", "left in a taxi", "--yes")
        self.assertEqual((made["node"], made["name"], made["in_layout"]), (lost.id, "lost", False))
        self.assertEqual(founder.run("revoke", "lost", "--yes").returncode, 8)
        self.assertEqual(founder.peers()["lost"]["state"], "revoked")
        row, = until("the other one hears of it", lambda: kept.ask("revocations"))
        self.assertEqual((row["node"], row["by_name"], row["reason"]), (lost.id, "founder", "left in a taxi"))
        self.assertEqual(self.write(founder, '"three"').returncode, 0)
        self.assertIn("revoked", [event["event"] for event in self.events(kept)])
        self.assertIn("left in a taxi", kept.log())

        lost.start("--bootstrap", f"wss://{founder.address}")
        problem = until("it is told why", lambda: [text for text in lost.status()["health"] if "revoked" in text])
        self.assertIn("by founder at ", problem[0])
        self.assertIn("left in a taxi", problem[0])
        self.assertEqual(lost.status()["members"], 1)
        token = founder.ask("token", "create", "--ttl", "1h", "--uses", "1")["token"]
        self.assertEqual(lost.run("join", token).returncode, 7)
        lost.stop()
        lost.start()  # it knows, whoever it can reach
        self.assertIn("revoked", lost.status()["health"][0])
        lost.ask("leave")
        refused = lost.run("join", token)
        self.assertEqual(refused.returncode, 7)
        self.assertIn("left in a taxi", refused.stderr)

        anew = self.mesh.joiner(founder, "anew")
        wait_linked([founder, kept, anew])
        self.assertEqual(self.write(founder, '"four"').returncode, 0)

    def events(self, node):
        return [json.loads(line) for line in node.run("events", "--no-follow", "--json").stdout.splitlines()]


if __name__ == "__main__":
    unittest.main()
