"""Programs on a node's machine that speak its messages: the examples in C, and some that misbehave."""

import json
import os
import pathlib
import socket
import struct
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

from mesh import MCPZ, Mesh, PATIENCE_S, run, until  # noqa: E402

UPPER = os.environ["MCPZ_EXAMPLE_UPPER"]
ASK = os.environ["MCPZ_EXAMPLE_ASK"]
EMBED = os.environ["MCPZ_EXAMPLE_EMBED"]
HAND_IN = os.environ["MCPZ_EXAMPLE_HAND_IN"]
HELLO = b"\x96\x01\x01\x01\xc4\x20" + bytes(32) + b"\xc4\x00\xc2"


def framed(message):
    return struct.pack(">I", len(message)) + message


class Programs(unittest.TestCase):
    def setUp(self):
        self.mesh = self.enterContext(Mesh())
        self.started = []
        self.a = self.mesh.founder("A", "--provide", "cat=cat")
        self.b = self.mesh.joiner(self.a, "B")

    def tearDown(self):
        for process in self.started:
            process.kill()
            process.wait()

    def offers(self, node, name="text.upper"):
        return name in {row["name"] for row in node.ask("capabilities")}

    def upper(self, node):
        process = subprocess.Popen([UPPER, node.data], stderr=subprocess.DEVNULL)
        self.started.append(process)
        return process

    def upper_known(self, node):
        process = self.upper(node)
        until("A knows of it", lambda: self.offers(self.a))
        return process

    def asked(self, node, capability, data):
        return subprocess.run([ASK, capability, node.data], input=data, capture_output=True,
                              timeout=PATIENCE_S, check=False)

    def counters(self, node):
        return node.status()["counters"]

    def test_a_program_does_what_another_node_asks(self):
        self.upper_known(self.b)
        done = self.asked(self.a, "text.upper", b"paint the fence\n")
        self.assertEqual((done.returncode, done.stdout), (0, b"PAINT THE FENCE\n"), done.stderr)
        done = self.a.run("task", "run", "text.upper", "--input", "-", stdin="and the door")
        self.assertEqual(done.stdout, "AND THE DOOR", done.stderr)

    def test_a_program_calls_a_command(self):
        until("B knows of it", lambda: self.offers(self.b, "cat"))
        done = self.asked(self.b, "cat", b"x" * 1000)
        self.assertEqual((done.returncode, done.stdout), (0, b"x" * 1000), done.stderr)

    def test_streams_pass_whole_both_ways(self):
        self.upper_known(self.b)
        data = os.urandom(1 << 20).hex().encode() * 4
        done = self.asked(self.a, "text.upper", data)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stdout, data.upper())

    def test_a_program_hands_in_more_tasks_than_may_wait(self):
        lines = b"".join(b'{"number":%d}\n' % number for number in range(20_000))
        done = subprocess.run([HAND_IN, "nobody.does.this", self.b.data], input=lines, capture_output=True,
                              timeout=PATIENCE_S, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        self.assertEqual(len(set(done.stdout.split())), 20_000)
        some = self.b.ask("task", "status", done.stdout.split()[-1].decode())
        self.assertIsNotNone(some["backup"])

    def test_an_empty_input_has_an_empty_result(self):
        self.upper_known(self.b)
        done = self.asked(self.a, "text.upper", b"")
        self.assertEqual((done.returncode, done.stdout), (0, b""), done.stderr)

    def test_what_nobody_offers_is_said_to_be_so(self):
        done = self.asked(self.a, "no.such", b"x")
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"no_provider", done.stderr)

    def test_a_program_that_goes_takes_its_offer_along(self):
        program = self.upper_known(self.b)
        program.kill()
        program.wait()
        until("it is withdrawn", lambda: not self.offers(self.a))

    def test_what_a_killed_program_was_doing_fails(self):
        program = self.upper_known(self.b)
        caller = subprocess.Popen([ASK, "text.upper", self.a.data], stdin=subprocess.PIPE,
                                  stderr=subprocess.PIPE)
        self.started.append(caller)
        caller.stdin.write(b"x" * 100_000)
        caller.stdin.flush()
        until("the program has it", lambda: self.counters(self.b).get("local_runs", 0) >= 1)
        program.kill()
        caller.stdin.close()
        self.assertEqual(caller.wait(PATIENCE_S), 1)
        self.assertIn(b"provider_lost", caller.stderr.read())
        caller.stderr.close()

    def test_two_programs_share_the_work(self):
        first, second = self.upper_known(self.b), self.upper(self.b)
        until("both are there", lambda: self.counters(self.b)["local_programs"] == 2)
        first.kill()
        first.wait()
        until("one is gone", lambda: self.counters(self.b)["local_programs"] == 1)
        done = self.asked(self.a, "text.upper", b"still here")
        self.assertEqual(done.stdout, b"STILL HERE", done.stderr)
        self.assertIsNone(second.poll())

    def test_what_a_command_does_no_program_may_offer(self):
        with self.connect(self.a) as talk:
            talk.sendall(framed(HELLO) + framed(b"\x95\x09\xc4\x20" + bytes(32) + b"\x00\x01\x91\xa3cat"))
            self.assertIn(b"by a command", self.read_all(talk))
        done = self.asked(self.a, "cat", b"as before")
        self.assertEqual(done.stdout, b"as before", done.stderr)

    # ---- A node inside a program --------------------------------------------------------------

    def embedded(self, *capability):
        """A program with a node inside, which joins A's mesh; its data directory."""
        token = self.a.ask("token", "create", "--ttl", "1h", "--uses", "1")["token"]
        data = pathlib.Path(self.mesh.directory) / "embedded"
        process = subprocess.Popen([EMBED, data, token, *capability], stdout=subprocess.PIPE,
                                   stderr=subprocess.DEVNULL)
        self.started.append(process)
        return process, data

    def test_a_node_inside_a_program_serves_others(self):
        process, data = self.embedded()
        until("A knows of it", lambda: self.offers(self.a, "text.shout"))
        done = self.a.run("task", "run", "text.shout", "--params", '"whisper"')
        self.assertEqual(done.stdout, '"WHISPER"', done.stderr)
        said = json.loads(run("status", "--json", "--data", data).stdout)
        self.assertEqual(said["members"], 3)
        self.assertEqual(said["counters"]["local_programs"], 1)
        process.terminate()
        self.assertEqual(process.wait(PATIENCE_S), 0)
        process.stdout.close()
        until("it has left", lambda: not self.offers(self.a, "text.shout"))

    def test_a_node_inside_a_program_asks_others(self):
        process, _ = self.embedded("cat")  # A's
        self.assertEqual([process.stdout.readline() for _ in range(2)],
                         [b'"hello from inside"\n', b"ok\n"])
        process.stdout.close()

    # ---- The benchmark -------------------------------------------------------------------------

    def check_bench(self, done, operations):
        self.assertEqual(done.returncode, 0, done.stderr)
        result = json.loads(done.stdout)
        self.assertEqual((result["operations"], result["failed"], result["errors"]),
                         (operations, 0, {}))
        self.assertLessEqual(result["latency_ms"]["p50"], result["latency_ms"]["max"])
        return result

    def test_the_benchmark_starts_a_mesh_where_there_is_no_node(self):
        nothing = pathlib.Path(self.mesh.directory) / "nothing"
        other_name = pathlib.Path(MCPZ).with_name("mcp-zero-benchmark")
        done = subprocess.run([other_name, "--agents=10", "--operations=200", "--concurrent=20",
                               "--json", "--data", nothing], capture_output=True, text=True,
                              env={**os.environ, "TMPDIR": self.mesh.directory},
                              timeout=PATIENCE_S, check=False)
        result = self.check_bench(done, 200)
        self.assertEqual(result["concurrent"], 10)  # nobody acts twice at a time
        self.assertGreater(result["resources"]["nodes_cpu_s"], 0)
        self.assertEqual(list(pathlib.Path(self.mesh.directory).glob("mcpz-bench-*")), [])

    def test_the_benchmark_measures_the_node_that_runs(self):
        result = self.check_bench(self.a.run("bench", "--operations", "100", "--json"), 100)
        self.assertIsNone(result["resources"]["nodes_cpu_s"])
        until("its offer is gone again", lambda: not self.offers(self.a, "bench.echo"))

    def test_a_number_of_operations_that_is_none_is_usage(self):
        for number in ("0", "-1", "many", ""):
            self.assertEqual(self.a.run("bench", "--operations=" + number).returncode, 2)

    # ---- Those that misbehave ------------------------------------------------------------------

    def connect(self, node):
        talk = socket.socket(socket.AF_UNIX)
        talk.settimeout(PATIENCE_S)
        talk.connect(str(node.data / "mcpz.calls.sock"))
        return talk

    def read_all(self, talk):
        """Everything until the node hangs up."""
        said = b""
        while True:
            try:
                piece = talk.recv(65536)
            except ConnectionResetError:
                return said
            if not piece:
                return said
            said += piece

    def test_who_does_not_say_hello_is_turned_away(self):
        with self.connect(self.a) as talk:
            talk.sendall(framed(b"\x92\x0e\x01"))
            self.assertIn(b"not what a program may say", self.read_all(talk))

    def test_garbage_is_turned_away_and_costs_nothing_else(self):
        for garbage in (b"GET / HTTP/1.1\r\n\r\n", b"\xff" * 100_000, framed(b"\xdf\xff\xff\xff\x7e"),
                        framed(HELLO) + framed(b"\xc1"), b"\0\0\0\0"):
            with self.connect(self.a) as talk:
                try:
                    talk.sendall(garbage)
                except (BrokenPipeError, ConnectionResetError):
                    pass
                self.read_all(talk)
        self.assertGreaterEqual(self.counters(self.a)["local_refused"], 2)
        self.assertEqual(self.asked(self.a, "cat", b"fine").stdout, b"fine")

    def test_a_call_cut_off_in_the_middle_leaves_nothing(self):
        self.upper_known(self.b)
        caller = subprocess.Popen([ASK, "text.upper", self.a.data], stdin=subprocess.PIPE)
        self.started.append(caller)
        caller.stdin.write(b"x" * 100_000)
        caller.stdin.flush()
        until("it runs", lambda: self.counters(self.b).get("local_runs", 0) >= 1)
        caller.kill()
        caller.stdin.close()
        until("it is forgotten", lambda: self.a.status()["tasks"]["running"] == 0)
        self.assertEqual(self.asked(self.a, "text.upper", b"next").stdout, b"NEXT")


if __name__ == "__main__":
    unittest.main()
