"""Durable tasks of a mesh, looked at and ended from any node of it, whoever owns them."""

import pathlib
import sys
import threading
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

from mesh import Mesh, until, wait_linked  # noqa: E402


class Anywhere(unittest.TestCase):
    def setUp(self):
        self.mesh = self.enterContext(Mesh())
        self.a = self.mesh.founder("A")
        self.b = self.mesh.joiner(self.a, "B")
        self.c = self.mesh.joiner(self.a, "C", "--provide", "upper=tr a-z A-Z")
        self.nodes = [self.a, self.b, self.c]
        wait_linked(self.nodes)

    def submit(self, node, kind="nobody.does.this"):
        return node.ask("task", "submit", kind, "--copies", "2")["id"]

    def ids(self, node, *options):
        return [row["id"] for row in node.ask("task", "list", *options)]

    def reach(self, node, *arguments):
        """Until nodes know of one another's offers, which takes a moment after they start."""
        return until(f"{node.name} is answered", lambda: node.run(*arguments).returncode == 0)

    def status(self, node, task):
        self.reach(node, "task", "status", task)
        return node.ask("task", "status", task)

    def node_of(self, text):
        return next(node for node in self.nodes if node.status()["node"] == text)

    def bystander(self, task):
        """A node that neither owns it nor keeps a copy."""
        seen = self.status(self.a, task)
        return next(node for node in self.nodes
                    if node.status()["node"] not in (seen["owner"], seen["backup"]))

    def test_any_node_says_how_it_is_and_lists_it_once(self):
        task = self.submit(self.a)
        other = self.bystander(task)
        self.assertEqual(self.ids(other, "--here"), [])
        self.assertEqual(self.status(other, task)["state"], "queued")
        for node in self.nodes:
            self.assertEqual(self.ids(node), [task])
            self.assertEqual(self.ids(node, "--state", "done"), [])
            self.assertEqual(self.ids(node, "--type", "nobody.does.this", "--state", "queued"), [task])
        self.assertEqual(self.b.run("task", "status", "t-" + 32 * "7").returncode, 6)

    def test_any_node_waits_and_has_the_result(self):
        task = self.a.ask("task", "submit", "upper", "--input", "-", "--copies", "2", stdin="paint it")["id"]
        other = self.bystander(task)
        done = other.run("task", "wait", task, "--timeout", "60s")
        self.assertEqual((done.returncode, done.stdout), (0, "PAINT IT"), done.stderr)

    def test_any_node_cancels(self):
        task = self.submit(self.a)
        other = self.bystander(task)
        waiting = []
        waiter = threading.Thread(
            target=lambda: waiting.append(other.run("task", "wait", task, "--timeout", "60s")))
        waiter.start()
        self.reach(other, "task", "status", task)
        self.assertEqual(other.run("task", "cancel", task).returncode, 0)
        waiter.join()
        self.assertNotEqual(waiting[0].returncode, 0)
        self.assertIn("cancelled", waiting[0].stderr)
        self.assertEqual(self.status(self.a, task)["state"], "cancelled")
        self.assertEqual(other.run("task", "cancel", task).returncode, 8)  # it is over already

    def test_where_its_owner_is_dead_its_backup_is_found(self):
        task = self.submit(self.a)
        other = self.bystander(task)
        owner = self.status(self.a, task)["owner"]
        self.assertEqual(owner, self.a.status()["node"])
        self.a.kill()
        self.nodes.remove(self.a)
        self.assertIn(self.status(other, task)["state"], ("queued", "running"))
        self.assertEqual(other.run("task", "cancel", task).returncode, 0)
        seen = self.status(other, task)
        self.assertEqual(seen["state"], "cancelled")
        self.assertNotEqual(seen["owner"], owner)

    def test_dead_letters_of_the_mesh_are_replayed_from_any_node(self):
        task = self.a.ask("task", "submit", "nobody.does.this", "--ttl", "1ms", "--copies", "2")["id"]
        other = self.bystander(task)
        until("it is given up", lambda: [row["id"] for row in other.ask("dlq", "list")] == [task])
        self.assertEqual(other.run("dlq", "purge", "--all").stdout, "1\n")
        until("it is forgotten", lambda: other.run("task", "status", task).returncode == 6)

    def paused(self, node):
        return {row["type"]: row["paused"] for row in node.ask("queue", "list")}

    def test_a_queue_is_paused_at_all_nodes_and_stays_so_over_restarts(self):
        self.assertEqual(self.b.run("queue", "pause", "upper").returncode, 0)
        for node in self.nodes:
            until("it is paused there", lambda node=node: self.paused(node) == {"upper": True})
        self.b.kill()
        self.b.start(listen=self.b.address)
        wait_linked(self.nodes)
        self.assertEqual(self.paused(self.b), {"upper": True})
        task = self.a.ask("task", "submit", "upper", "--params", "1", "--copies", "2")["id"]
        self.assertEqual(self.c.run("queue", "resume", "upper").returncode, 0)
        done = self.a.run("task", "wait", task, "--timeout", "60s")
        self.assertEqual(done.returncode, 0, done.stderr)
        for node in self.nodes:
            until("it goes on there", lambda node=node: self.paused(node) == {"upper": False})

    def waiting(self, node):
        return {row["type"]: row["waiting"] for row in node.ask("queue", "list")}

    def test_queues_are_those_of_the_mesh(self):
        for node in self.nodes:
            for _ in range(2):
                node.ask("task", "submit", "nobody.does.this", "--copies", "2")
        for node in self.nodes:
            until("it counts all that waits", lambda node=node: self.waiting(node) == {"nobody.does.this": 6})

    def test_what_nodes_ask_of_one_another_is_in_no_list(self):
        self.assertEqual([row["name"] for row in self.a.ask("capabilities")], ["upper"])
        self.assertEqual(self.a.status()["capabilities"], 1)
        self.assertEqual(self.a.run("rules", "set", "*", "dedicated A").returncode, 0)
        task = self.submit(self.b)
        self.assertEqual(self.status(self.bystander(task), task)["state"], "queued")


if __name__ == "__main__":
    unittest.main()
