"""A node that is drained is not missed: nothing that was asked for fails."""

import json
import pathlib
import signal
import subprocess
import sys
import threading
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

from mesh import MCPZ, PATIENCE_S, Mesh, until  # noqa: E402


class Load:
    """Tasks from a node, several at a time, one after another, until it is told to stop."""

    def __init__(self, node, at_once=4):
        self.node = node
        self.stopped = threading.Event()
        self.done = []
        self.failed = []
        self.threads = [threading.Thread(target=self.work, args=(i,)) for i in range(at_once)]
        for thread in self.threads:
            thread.start()

    def work(self, worker):
        number = 0
        while not self.stopped.is_set():
            number += 1
            said = json.dumps({"worker": worker, "number": number})
            done = self.node.run("task", "run", "echo", "--params", said, "--timeout", "30s",
                                 "--json")
            answer = json.loads(done.stdout)
            if done.returncode == 0 and answer["result"] == json.loads(said):
                self.done.append(answer["provider"])
            else:
                self.failed.append((done.returncode, done.stdout, done.stderr))

    def stop(self):
        self.stopped.set()
        for thread in self.threads:
            thread.join()


class Drain(unittest.TestCase):
    def setUp(self):
        self.mesh = self.enterContext(Mesh())

    def three_and_one(self):
        """Three that offer `echo`, which takes its time, and one that asks. Once some output has
        come, a task is not tried elsewhere: whoever loses its provider then fails."""
        provide = ("--provide", "echo=dd bs=1 count=1 2>/dev/null; sleep 0.2; cat")
        asker = self.mesh.founder("asker")
        providers = [self.mesh.joiner(asker, name, *provide) for name in ("A", "B", "C")]
        for node in (asker, *providers):
            until(f"{node.name} sees all three", lambda node=node: any(
                row["name"] == "echo" and len(row["providers"]) == 3
                for row in node.ask("capabilities")))
        return asker, providers

    def test_no_task_fails_while_a_provider_is_drained(self):
        asker, (first, second, third) = self.three_and_one()
        load = Load(asker)
        try:
            until("all three have done some",
                  lambda: {first.id, second.id, third.id} <= set(load.done))
            drained = first.ask("drain", "--timeout", "60s")
            self.assertEqual(drained["state"], "drained")
            self.assertEqual(first.process.wait(60), 0)
            before = len(load.done)
            until("the others go on", lambda: len(load.done) > before + 20)
            self.assertNotIn(first.id, load.done[before + 8:])
        finally:
            load.stop()
        self.assertEqual(load.failed, [])

    def test_sigterm_under_load_loses_nothing(self):
        asker, (first, second, third) = self.three_and_one()
        load = Load(asker)
        try:
            until("all three have done some",
                  lambda: {first.id, second.id, third.id} <= set(load.done))
            self.assertEqual(first.stop(), 0)
            before = len(load.done)
            until("the others go on", lambda: len(load.done) > before + 20)
        finally:
            load.stop()
        self.assertEqual(load.failed, [])

    def task_until_told(self, node):
        """A task that runs until its input ends, which tell() says."""
        return subprocess.Popen([MCPZ, "task", "run", "slow", "--input", "-", "--timeout", f"{PATIENCE_S:.0f}s",
                                 "--data", str(node.data)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def tell(self, task):
        out, _ = task.communicate("1")
        return out, task.returncode

    def test_what_runs_is_finished_and_what_comes_is_refused(self):
        node = self.mesh.founder("A", "--provide", "slow=cat", "--provide", "echo=cat")
        slow = self.task_until_told(node)
        until("it runs", lambda: node.status()["gate"]["running"] == 1)
        ended = {}
        drain = threading.Thread(target=lambda: ended.update(node.ask("drain", "--timeout", "60s")))
        drain.start()
        until("it is being drained", lambda: node.status()["drain"]["state"] == "finishing")
        refused = node.run("task", "run", "echo", "--json")
        self.assertEqual(json.loads(refused.stdout)["error"]["code"], "no_provider")
        self.assertIn("finishing", node.run("status").stdout)
        self.assertEqual(self.tell(slow), ("1", 0))
        drain.join()
        self.assertEqual(ended["state"], "drained")
        self.assertEqual(node.process.wait(60), 0)

    def test_a_drain_can_be_taken_back(self):
        node = self.mesh.founder("A", "--provide", "slow=cat", "--provide", "echo=cat")
        self.assertEqual(node.run("drain", "--cancel").returncode, 8)
        slow = self.task_until_told(node)
        until("it runs", lambda: node.status()["gate"]["running"] == 1)
        outcome = []
        drain = threading.Thread(target=lambda: outcome.append(node.run("drain", "--timeout", "60s", "--json")))
        drain.start()
        until("it is being drained", lambda: node.status()["drain"]["state"] == "finishing")
        self.assertEqual(node.ask("drain", "--cancel")["state"], "serving")
        drain.join()
        self.assertEqual(json.loads(outcome[0].stdout)["error"]["code"], "cancelled")
        self.assertEqual(self.tell(slow), ("1", 0))
        self.assertEqual(node.ask("task", "run", "echo", "--params", "7")["result"], 7)
        self.assertIsNone(node.process.poll())

    def test_what_takes_too_long_does_not_hold_it_up(self):
        node = self.mesh.founder("A", "--provide", "slow=sleep 1000")
        thread = threading.Thread(target=lambda: node.run("task", "run", "slow", "--timeout", "1h"))
        thread.start()
        until("it runs", lambda: node.status()["gate"]["running"] == 1)
        done = node.run("drain", "--timeout", "500ms", "--json")
        self.assertEqual(json.loads(done.stdout)["error"]["code"], "timeout")
        self.assertEqual(done.returncode, 5)
        self.assertEqual(node.process.wait(60), 0)
        thread.join()

    def test_a_second_sigterm_stops_at_once(self):
        node = self.mesh.founder("A", "--provide", "slow=sleep 1000",
                                 env={"MCPZ_STOP_SECONDS": "3600"})
        thread = threading.Thread(target=lambda: node.run("task", "run", "slow", "--timeout", "1h"))
        thread.start()
        until("it runs", lambda: node.status()["gate"]["running"] == 1)
        node.process.send_signal(signal.SIGTERM)
        until("it waits for what runs", lambda: node.status()["drain"]["state"] == "finishing")
        node.process.send_signal(signal.SIGTERM)
        self.assertEqual(node.process.wait(60), 0)
        thread.join()


if __name__ == "__main__":
    unittest.main()
