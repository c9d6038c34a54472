"""What a provider does not take on: rates, keys, and what status says of it."""

import json
import pathlib
import signal
import sys
import threading
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

from mesh import Mesh, until  # noqa: E402


class Gate(unittest.TestCase):
    def setUp(self):
        self.mesh = self.enterContext(Mesh())

    def configured(self, text):
        """A node with this configuration, which offers `now`: another answer each time."""
        self.config = pathlib.Path(self.mesh.directory) / "mcpz.yaml"
        self.config.write_text(text)
        return self.mesh.founder("A", "--config", self.config, "--provide", "now=date +%s%N",
                                 "--provide", "slow=sleep 1000")

    def task(self, node, *arguments):
        done = node.run("task", "run", "now", *arguments, "--json")
        return json.loads(done.stdout)

    def test_a_tenant_is_held_to_its_level_until_a_reload_says_otherwise(self):
        node = self.configured("tenants:\n  - {name: acme, level: onyx}\n")
        ended = []
        lock = threading.Lock()

        def ask():
            while len(ended) < 120:
                answer = self.task(node, "--tenant", "acme")
                with lock:
                    ended.append(answer)

        threads = [threading.Thread(target=ask) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        refused = [answer["error"] for answer in ended if answer.get("error")]
        counted = node.status()["gate"]["counts"]["rate_limited"]
        if refused:  # on a very slow machine nobody asks so often
            self.assertEqual({error["code"] for error in refused}, {"rate_limited"})
            self.assertTrue(all(0 < error["retry_after_ms"] <= 120 for error in refused))
        self.assertEqual(counted, len(refused))
        self.assertEqual(self.task(node, "--tenant", "other")["state"], "done")

        self.config.write_text("tenants:\n  - {name: acme, level: none}\n")
        node.process.send_signal(signal.SIGHUP)
        until("the level is gone", lambda: "reloaded" in node.log())
        for _ in range(20):
            self.assertEqual(self.task(node, "--tenant", "acme")["state"], "done")

    def test_a_key_is_answered_once(self):
        node = self.configured("name: A\n")
        first = self.task(node, "--idempotency-key", "k")["result"]
        self.assertEqual(self.task(node, "--idempotency-key", "k")["result"], first)
        self.assertNotEqual(self.task(node, "--idempotency-key", "other")["result"], first)
        self.assertNotEqual(self.task(node)["result"], first)
        other = self.task(node, "--idempotency-key", "k", "--params", "[1]")
        self.assertEqual(other["error"]["code"], "conflict")
        self.assertEqual(node.status()["gate"]["keys_repeated"], 1)

    def test_status_shows_lanes_and_what_waits(self):
        node = self.configured("workspaces: {max: 4}\n")
        threads = [threading.Thread(target=lambda: node.run("task", "run", "slow", "--timeout", "1h"))
                   for _ in range(5)]
        for thread in threads:
            thread.start()
        try:
            # Of four hands one is for the other capability.
            gate = until("three run and two wait", lambda: (
                lambda gate: gate if (gate["running"], gate["waiting"]) == (3, 2) else None)(
                    node.status()["gate"]))
            self.assertEqual((gate["hands"], gate["hands_taken"]), (4, 3))
            lanes = {lane["capability"]: lane for lane in gate["lanes"]}
            self.assertEqual(lanes["slow"]["limit"], 3)
            self.assertEqual((lanes["slow"]["running"], lanes["slow"]["waiting"]), (3, 2))
            self.assertEqual(self.task(node)["state"], "done")
        finally:
            node.kill()
            for thread in threads:
                thread.join()

    def test_config_check_names_what_is_wrong(self):
        path = pathlib.Path(self.mesh.directory) / "bad.yaml"
        path.write_text("tenants:\n  - name: acme\n    level: gold\n")
        node = self.mesh.node("B")
        done = node.run("config", "check", "--config", path)
        self.assertEqual(done.returncode, 3)
        self.assertIn("bad.yaml:2: tenants: \"gold\" must be none, diamond", done.stderr)


if __name__ == "__main__":
    unittest.main()
