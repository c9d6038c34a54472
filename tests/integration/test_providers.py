"""What a provider may do to a node: nothing worse than fail its task."""

import base64
import json
import os
import pathlib
import signal
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

from mesh import MCPZ, Mesh, until  # noqa: E402


def processes_with(word):
    """Pids of processes that were given M=`word` in their environment."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            if word.encode() in (entry / "environ").read_bytes():
                found.append(int(entry.name))
        except OSError:
            continue
    return found


class Providers(unittest.TestCase):
    def setUp(self):
        self.mesh = self.enterContext(Mesh())
        self.marker = f"mcpz-test-{os.getpid()}-{id(self)}"

    def offer(self, **commands):
        provides = []
        for name, command in commands.items():
            provides += ["--provide", f"{name}={command}"]
        return self.mesh.founder("A", *provides)

    def task(self, node, kind, *arguments):
        done = node.run("task", "run", kind, *arguments, "--json")
        return done.returncode, json.loads(done.stdout)

    def test_binary_survives_byte_for_byte(self):
        node = self.offer(cat="cat")
        data = bytes(range(256)) * 4096 + os.urandom(9_000_000)
        path = pathlib.Path(self.mesh.directory) / "in"
        path.write_bytes(data)
        code, answer = self.task(node, "cat", "--input", path)
        self.assertEqual((code, answer["state"], answer["result_encoding"]), (0, "done", "base64"))
        self.assertEqual(base64.b64decode(answer["result"]), data)

    def test_raw_output_without_json_is_the_result_itself(self):
        node = self.offer(cat="cat")
        data = os.urandom(100_000)
        done = node.run("task", "run", "cat", "--input", "-", stdin=data)
        self.assertEqual((done.returncode, done.stdout), (0, data))

    def test_what_the_caller_says_of_a_task_reaches_its_process(self):
        node = self.offer(show="echo $MCPZ_PRIORITY $MCPZ_TENANT $MCPZ_TRACEPARENT"
                               " $MCPZ_IDEMPOTENCY_KEY $MCPZ_IDEMPOTENT")
        trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
        done = node.run("task", "run", "show", "--priority", "70", "--tenant", "acme",
                        "--traceparent", trace, "--idempotency-key", "k-1", "--idempotent")
        self.assertEqual((done.returncode, done.stdout), (0, f"70 acme {trace} k-1 1\n"))
        done = node.run("task", "run", "show")
        self.assertEqual((done.returncode, done.stdout.split()), (0, ["50", "0"]))

    def test_a_task_done_for_another_inherits_what_is_said_of_that_one(self):
        inner = f"{MCPZ} task run inner --data {pathlib.Path(self.mesh.directory) / 'A'}"
        # A task reaches its own node only if its provider may open local sockets.
        data = pathlib.Path(self.mesh.directory) / "A"
        data.mkdir()
        (data / "mcpz.yaml").write_text(
            "providers:\n"
            # The memory is for sanitizers, which reserve most of what there is.
            "  - {name: outer, sockets: true, limits: {memory: 16TiB},"
            f" command: '{inner}; echo $MCPZ_DEADLINE_MS'}}\n")
        node = self.offer(inner="echo $MCPZ_PRIORITY $MCPZ_TENANT $MCPZ_DEADLINE_MS")
        done = node.run("task", "run", "outer", "--priority", "9", "--tenant", "acme",
                        "--timeout", "50s")
        self.assertEqual(done.returncode, 0, done.stderr)
        priority, tenant, inner_deadline, outer_deadline = done.stdout.split()
        self.assertEqual((priority, tenant), ("9", "acme"))
        # The inner one was given what was left of the outer one's time: to a rounding, the same.
        self.assertLess(abs(int(inner_deadline) - int(outer_deadline)), 5000)

    def test_a_task_whose_time_is_over_asks_for_no_other(self):
        node = self.offer(echo="echo")
        done = node.run("task", "run", "echo", env={"MCPZ_DEADLINE_MS": "1"})
        self.assertEqual(done.returncode, 5)
        self.assertIn("MCPZ_DEADLINE_MS", done.stderr)

    def test_exit_status_and_last_words_are_told(self):
        node = self.offer(fail="echo it broke >&2; exit 3")
        code, answer = self.task(node, "fail")
        self.assertEqual((code, answer["state"]), (1, "failed"))
        self.assertEqual(answer["error"]["code"], "provider_failed")
        self.assertIn("3", answer["error"]["message"])
        self.assertIn("it broke", answer["error"]["message"])

    def test_a_crash_is_told(self):
        node = self.offer(crash="kill -SEGV $$")
        code, answer = self.task(node, "crash")
        self.assertEqual((code, answer["error"]["code"]), (1, "provider_crashed"))

    def test_one_that_hangs_runs_out_of_time_and_is_gone(self):
        node = self.offer(hang=f"M={self.marker} sleep 1000")
        code, answer = self.task(node, "hang", "--timeout", "1s")
        self.assertEqual((code, answer["error"]["code"]), (5, "timeout"))
        until("the process is gone", lambda: not processes_with(self.marker))

    def test_one_that_prints_without_end_is_stopped(self):
        node = self.offer(flood=f"M={self.marker} yes")
        before = node.status()["rss_bytes"]
        code, answer = self.task(node, "flood", "--timeout", "60s")
        self.assertEqual((code, answer["error"]["code"]), (1, "too_large"))
        until("the process is gone", lambda: not processes_with(self.marker))
        # The result's limit is 10 MB: what lies between is that and the allocator's own.
        self.assertLess(node.status()["rss_bytes"] - before, 64_000_000)

    def test_errors_without_end_cost_nothing(self):
        node = self.offer(noise="head -c 300000000 /dev/zero >&2; echo done")
        code, answer = self.task(node, "noise", "--timeout", "60s")
        self.assertEqual((code, answer["state"]), (0, "done"))

    def test_grandchildren_do_not_outlive_their_task(self):
        node = self.offer(spawn=f"export M={self.marker}; setsid sleep 1000 & "
                                "(setsid sleep 1000 &); echo spawned")
        code, answer = self.task(node, "spawn")
        self.assertEqual((code, answer["result"].strip()), (0, "spawned"))
        until("the grandchildren are gone", lambda: not processes_with(self.marker))

    def test_nothing_outlives_a_node_that_is_killed(self):
        node = self.offer(hang=f"M={self.marker} setsid sleep 1000")
        client = subprocess.Popen([MCPZ, "task", "run", "hang", "--data", str(node.data)],
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until("the process runs", lambda: processes_with(self.marker))
        node.kill()
        until("the process is gone", lambda: not processes_with(self.marker))
        client.wait()

    def test_input_and_result_stream_at_the_same_time(self):
        node = self.offer(cat="cat")
        client = subprocess.Popen(
            [MCPZ, "task", "run", "cat", "--input", "-", "--data", str(node.data)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        for line in (b"one\n", b"two\n"):
            client.stdin.write(line)
            client.stdin.flush()
            # It has come back although the input has not ended: nobody waits for the whole of it.
            self.assertEqual(client.stdout.readline(), line)
        client.stdin.close()
        self.assertEqual((client.stdout.read(), client.wait()), (b"", 0))
        client.stdout.close()

    def test_an_interrupt_reaches_the_process(self):
        node = self.offer(hang=f"echo on; M={self.marker} sleep 1000")
        client = subprocess.Popen([MCPZ, "task", "run", "hang", "--data", str(node.data)],
                                  stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.assertEqual(client.stdout.readline(), b"on\n")
        until("the process runs", lambda: processes_with(self.marker))
        client.send_signal(signal.SIGINT)
        self.assertEqual(client.wait(), 130)
        client.stdout.close()
        until("the process is gone", lambda: not processes_with(self.marker))

    def test_a_failure_is_told_with_what_came_before_it(self):
        node = self.offer(half="echo half; echo it broke >&2; exit 3")
        done = node.run("task", "run", "half")
        self.assertEqual((done.returncode, done.stdout), (1, "half\n"))
        self.assertIn("provider_failed", done.stderr)
        self.assertIn("it broke", done.stderr)

    def test_a_node_that_calls_and_is_killed_stops_what_it_asked_for(self):
        a = self.offer(hang=f"M={self.marker} sleep 1000")
        b = self.mesh.joiner(a, "B")
        until("B knows of it", lambda: b.ask("capabilities"))
        client = subprocess.Popen([MCPZ, "task", "run", "hang", "--data", str(b.data)],
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until("the process runs", lambda: processes_with(self.marker))
        b.kill()
        until("the process is gone", lambda: not processes_with(self.marker))
        client.wait()

    def test_a_caller_that_goes_away_stops_its_task(self):
        node = self.offer(hang=f"M={self.marker} sleep 1000")
        client = subprocess.Popen([MCPZ, "task", "run", "hang", "--data", str(node.data)],
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until("the process runs", lambda: processes_with(self.marker))
        client.kill()
        client.wait()
        until("the process is gone", lambda: not processes_with(self.marker))

    def test_nobody_offers_it(self):
        node = self.offer(cat="cat")
        code, answer = self.task(node, "dog")
        self.assertEqual((code, answer["error"]["code"]), (6, "no_provider"))


if __name__ == "__main__":
    unittest.main()
