"""Rules for people: set at one node they hold at all, after restarts, and can be explained."""

import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

from mesh import Mesh, until, wait_linked  # noqa: E402


class Rules(unittest.TestCase):
    def setUp(self):
        self.mesh = self.enterContext(Mesh())

    def three(self, *arguments):
        """A asks; B and C do."""
        a = self.mesh.founder("A", *arguments)
        b = self.mesh.joiner(a, "B", "--provide", "who.am=echo -n B")
        c = self.mesh.joiner(a, "C", "--provide", "who.am=echo -n C")
        wait_linked([a, b, c])
        until("A knows of both", lambda: len(self.providers(a)) == 2)
        return a, b, c

    def providers(self, node, kind="who.am"):
        return [p["name"] for p in node.ask("rules", "explain", kind)["providers"]]

    def done_by(self, node):
        return node.ask("task", "run", "who.am", "--timeout", "20s")["result"]

    def test_failover_holds_mesh_wide_and_after_a_restart(self):
        a, b, c = self.three()
        self.assertEqual(a.ask("rules", "list"), [])
        said = a.ask("rules", "set", "who.*", "failover C B")
        self.assertEqual((said["pattern"], said["strategy"], said["source"]),
                         ("who.*", "failover", "mesh"))
        for node in (a, b, c):
            until(f"{node.name} knows the rule",
                  lambda node=node: [r["rule"] for r in node.ask("rules", "list")] == ["failover C B"])
        self.assertEqual(self.providers(a), ["C", "B"])
        for _ in range(5):
            self.assertEqual(self.done_by(a), "C")
        self.assertEqual(a.ask("agent", "list"), [])  # it is no agent of anybody's

        a.kill()
        a.start("--bootstrap", f"wss://{b.address}")
        self.assertEqual(a.status()["router"]["rules"], 1)  # before anybody asks for anything
        wait_linked([a, b, c])
        until("A knows of both again", lambda: len(self.providers(a)) == 2)
        self.assertEqual([r["pattern"] for r in a.ask("rules", "list")], ["who.*"])
        self.assertEqual(self.done_by(a), "C")

        c.kill()
        until("B takes over", lambda: self.done_by(a) == "B")

        b.ask("rules", "remove", "who.*")
        until("A knows that it is gone", lambda: a.ask("rules", "list") == [])

    def test_dedicated_bars_the_others_and_explain_says_why(self):
        a, _, _ = self.three()
        a.ask("rules", "set", "who.am", "dedicated B priority=75")
        until("only B can", lambda: [(p["name"], p["can"], p["bar"]) for p in
                                     a.ask("rules", "explain", "who.am")["providers"]]
              == [("B", True, ""), ("C", False, "rule")])
        for _ in range(5):
            self.assertEqual(self.done_by(a), "B")
        a.ask("rules", "set", "who.am", "dedicated nobody")
        until("nobody can", lambda: not any(p["can"] for p in
                                            a.ask("rules", "explain", "who.am")["providers"]))
        done = a.run("task", "run", "who.am")
        self.assertEqual(done.returncode, 6)
        self.assertIn("a rule lets none of them", done.stderr)
        text = a.run("rules", "explain", "who.am").stdout
        self.assertIn("a rule does not let it", text)

    def test_rules_of_the_configuration_give_way_to_the_meshs(self):
        path = pathlib.Path(self.mesh.directory) / "mcpz.yaml"
        path.write_text("rules:\n- pattern: who.*\n  route: failover B\n")
        a, _, _ = self.three("--config", path)
        self.assertEqual([(r["rule"], r["source"]) for r in a.ask("rules", "list")],
                         [("failover B", "config")])
        self.assertEqual(self.done_by(a), "B")
        self.assertEqual(a.run("rules", "remove", "who.*").returncode, 8)
        a.ask("rules", "set", "who.*", "failover C")
        until("C does it", lambda: self.done_by(a) == "C")
        a.ask("rules", "remove", "who.*")
        until("B does it again", lambda: self.done_by(a) == "B")

    def test_mistakes_are_named(self):
        a = self.mesh.founder("A")
        done = a.run("rules", "set", "x", "fastest")
        self.assertEqual(done.returncode, 2)
        self.assertIn("begins with a strategy", done.stderr)
        done = a.run("rules", "remove", "x")
        self.assertEqual(done.returncode, 6)
        self.assertEqual(a.run("rules", "set", "x").returncode, 2)
        self.assertEqual(a.run("rules", "list").returncode, 0)
        self.assertIn("nobody offers it", a.run("rules", "explain", "x").stderr)
        self.assertIn("isolated role:gpu", a.run("help", "rules", "set").stdout)


if __name__ == "__main__":
    unittest.main(verbosity=2)
