"""Work as a stream over the API's socket: the example, and all that can happen to a lease."""

import base64
import json
import os
import pathlib
import subprocess
import sys
import threading
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

from mesh import Local, Mesh, PATIENCE_S, ROOT, until  # noqa: E402


class Lease:
    """A stream of work, and answers to it."""

    def __init__(self, node, query):
        self.node = node
        self.connection = Local(node)
        self.connection.request("GET", "/v1/work?" + query)
        self.answer = self.connection.getresponse()

    def next(self):
        """The next line that says something."""
        while True:
            line = self.answer.readline()
            if not line:
                raise EOFError
            if line.strip():
                return json.loads(line)

    def post(self, path, body):
        connection = Local(self.node)
        connection.request("POST", "/v1/work/" + path, body)
        answer = connection.getresponse()
        status, said = answer.status, json.loads(answer.read())
        connection.close()
        return status, said

    def close(self):
        self.answer.close()
        self.connection.close()


class Work(unittest.TestCase):
    def setUp(self):
        self.mesh = self.enterContext(Mesh())
        self.a = self.mesh.founder("A", "--provide", "cat=cat")
        self.b = self.mesh.joiner(self.a, "B")
        self.leases = []
        self.started = []

    def tearDown(self):
        for lease in self.leases:
            lease.close()
        for process in self.started:
            process.kill()
            process.communicate()

    def lease(self, node, query):
        lease = Lease(node, query)
        self.leases.append(lease)
        return lease

    def offered(self, name):
        return name in {row["name"] for row in self.a.ask("capabilities")}

    def taken_in(self, name):
        """How many tasks B has of this capability, those included that wait."""
        return sum(lane["running"] + lane["waiting"] for lane in self.b.status()["gate"]["lanes"]
                   if lane["capability"] == name)

    def lease_known(self, node, name, more=""):
        lease = self.lease(node, f"capability={name}{more}")
        self.assertEqual(lease.answer.status, 200)
        until("it is offered", lambda: self.offered(name))
        return lease

    def task(self, *arguments, stdin=None):
        """A task of A's, under way."""
        process = subprocess.Popen(
            [os.environ["MCPZ"], "task", "run", *arguments, "--data", self.a.data, "--json"],
            stdin=subprocess.PIPE if stdin is not None else subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.started.append(process)
        if stdin is not None:
            process.stdin.write(stdin)
            process.stdin.close()
            process.stdin = None
        return process

    def outcome(self, process):
        out, _ = process.communicate(timeout=PATIENCE_S)
        return json.loads(out)

    def test_the_example_does_tasks(self):
        self.started.append(subprocess.Popen([sys.executable, ROOT / "examples/work.py", self.b.data],
                                             stderr=subprocess.PIPE))
        until("it is offered", lambda: self.offered("text.reverse"))
        for text in ("a man a plan", "", "pan\u00e0"):
            done = self.a.run("task", "run", "text.reverse", "--input", "-", stdin=text)
            self.assertEqual((done.returncode, done.stdout), (0, text[::-1]), done.stderr)

    def test_a_task_comes_with_all_that_was_said_of_it(self):
        lease = self.lease_known(self.b, "x")
        trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
        process = self.task("x", "--params", '{"n": 1}', "--priority", "75", "--tenant", "t",
                            "--traceparent", trace, "--idempotency-key", "k")
        task = lease.next()
        self.assertEqual((task["type"], task["params"], task["input"], task["priority"]),
                         ("x", {"n": 1}, None, 75))
        self.assertEqual((task["tenant"], task["traceparent"], task["idempotency_key"]),
                         ("t", trace, "k"))
        self.assertGreater(task["timeout_ms"], 0)
        self.assertEqual(lease.post(task["task"], b'{"done": true}'), (200, {"state": "done"}))
        self.assertEqual(self.outcome(process)["result"], {"done": True})

    def test_bytes_go_both_ways(self):
        lease = self.lease_known(self.b, "x")
        data = os.urandom(700_000)
        process = self.task("x", "--input", "-", stdin=data)
        task = lease.next()
        self.assertEqual(base64.b64decode(task["input_base64"]), data)
        result = os.urandom(3_000_000)
        self.assertEqual(lease.post(task["task"], result)[0], 200)
        self.assertEqual(base64.b64decode(self.outcome(process)["result"]), result)

    def test_an_input_too_large_for_a_line_fails_in_words(self):
        self.lease_known(self.b, "x")
        outcome = self.outcome(self.task("x", "--input", "-", stdin=b"x" * 1_500_000))
        self.assertEqual(outcome["error"]["code"], "too_large")

    def test_a_failure_comes_back_in_its_words(self):
        lease = self.lease_known(self.b, "x")
        process = self.task("x")
        task = lease.next()
        self.assertEqual(lease.post(task["task"] + "/fail", b'{"message": "no paint"}')[0], 200)
        error = self.outcome(process)["error"]
        self.assertEqual((error["code"], error["message"]), ("provider_failed", "no paint"))

    def test_one_in_hand_at_a_time_unless_more_are_asked_for(self):
        lease = self.lease_known(self.b, "x")
        first = self.task("x", "--params", "1")
        one = lease.next()
        second = self.task("x", "--params", "2")
        until("it is on its way", lambda: self.taken_in("x") == 2)
        self.assertEqual(lease.post(one["task"], b"1")[0], 200)
        two = lease.next()
        self.assertEqual((one["params"], two["params"]), (1, 2))
        self.assertEqual(lease.post(two["task"], b"2")[0], 200)
        self.assertEqual((self.outcome(first)["result"], self.outcome(second)["result"]), (1, 2))

    def test_two_in_hand(self):
        lease = self.lease_known(self.b, "x", "&concurrency=2")
        tasks = [self.task("x", "--params", str(i)) for i in range(2)]
        lines = [lease.next(), lease.next()]
        for line in reversed(lines):
            self.assertEqual(lease.post(line["task"], str(line["params"]).encode())[0], 200)
        self.assertEqual([self.outcome(task)["result"] for task in tasks], [0, 1])

    def test_a_lease_that_ends_takes_its_tasks_and_its_offer_along(self):
        lease = self.lease_known(self.b, "x")
        process = self.task("x")
        lease.next()
        lease.close()
        self.assertEqual(self.outcome(process)["error"]["code"], "provider_lost")
        until("it is withdrawn", lambda: not self.offered("x"))

    def test_a_cancelled_task_is_said_to_be_so_and_cannot_be_answered(self):
        lease = self.lease_known(self.b, "x")
        process = self.task("x")
        task = lease.next()
        process.kill()
        self.assertEqual(lease.next(), {"task": task["task"], "cancelled": True})
        self.assertEqual(lease.post(task["task"], b"late")[0], 404)

    def test_a_task_out_of_time_is_cancelled(self):
        lease = self.lease_known(self.b, "x")

        def cancelled():
            """Where its time was over before it came to the lease it says nothing there: the next one does."""
            nonlocal wait_ms
            wait_ms *= 2
            self.assertEqual(self.outcome(self.task("x", "--timeout", f"{wait_ms}ms"))["error"]["code"], "timeout")
            last = self.task("x", "--params", '"last"')
            said = [lease.next()]
            while said[-1].get("params") != "last":
                said.append(lease.next())
            self.assertEqual(lease.post(said[-1]["task"], b"1")[0], 200)
            self.assertEqual(self.outcome(last)["state"], "done")
            return said[:-1]
        wait_ms = 150
        task, end = until("one has come in time", cancelled)
        self.assertEqual(end, {"task": task["task"], "cancelled": True})

    def test_nobody_else_s_tasks_can_be_answered(self):
        lease = self.lease_known(self.b, "x")
        for path in ("1", "0", "99999999999999999999", "x", "", "1/no"):
            self.assertEqual(lease.post(path, b"")[0], 404, path)

    def test_what_cannot_be_asked_for(self):
        for query, status in (("", 400), ("capability=", 400), ("concurrency=0&capability=x", 400),
                              ("capability=x&concurrency=65", 400), ("capability=x&other=1", 400),
                              ("&".join(f"capability=c{i}" for i in range(17)), 400),
                              ("capability=" + "x" * 129, 400)):
            lease = self.lease(self.b, query)
            self.assertEqual(lease.answer.status, status, query)

    def test_what_a_command_does_cannot_be_leased(self):
        self.assertEqual(self.lease(self.a, "capability=cat").answer.status, 409)
        done = self.a.run("task", "run", "cat", "--input", "-", stdin="as before")
        self.assertEqual(done.stdout, "as before")

    def test_two_leases_share_the_work(self):
        leases = [self.lease_known(self.b, "x"), self.lease(self.b, "capability=x")]
        tasks = [self.task("x") for _ in range(2)]
        seen = []

        def serve(lease):
            line = lease.next()
            seen.append(lease)
            lease.post(line["task"], b"1")

        threads = [threading.Thread(target=serve, args=(lease,)) for lease in leases]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(PATIENCE_S)
        self.assertEqual([self.outcome(task)["state"] for task in tasks], ["done", "done"])
        self.assertEqual(set(map(id, seen)), set(map(id, leases)))


if __name__ == "__main__":
    unittest.main()
