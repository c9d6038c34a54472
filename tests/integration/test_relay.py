"""Nodes that cannot be dialled call each other through one that can, which learns nothing of it."""

import array
import os
import pathlib
import signal
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

from mesh import MCPZ, PATIENCE_S, Mesh, until  # noqa: E402


SHADOW_BYTES = 1 << 32  # what is larger is a sanitizer's own: it holds no copy of anything
PAGE_BYTES = os.sysconf("SC_PAGESIZE")
IN_MEMORY = 0b11 << 62  # of an entry of pagemap: the page is there, or swapped out


def pages_in_memory(pagemap, start, end):
    """Of a span of addresses what has ever been written to, as spans: a sanitizer maps much more."""
    pagemap.seek(start // PAGE_BYTES * 8)
    entries = array.array("Q", pagemap.read((end - start) // PAGE_BYTES * 8))
    first = None
    for i, entry in enumerate([*entries, 0]):
        if entry & IN_MEMORY and first is None:
            first = i
        elif not entry & IN_MEMORY and first is not None:
            yield start + first * PAGE_BYTES, start + i * PAGE_BYTES
            first = None


def memory_holds(pid, needle):
    """Does the text stand anywhere in the memory of a process that it can write to?"""
    with open(f"/proc/{pid}/maps", encoding="ascii") as maps, \
            open(f"/proc/{pid}/pagemap", "rb", buffering=0) as pagemap, \
            open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for line in maps:
            span, rights = line.split()[:2]
            if not rights.startswith("rw"):
                continue
            start, end = (int(part, 16) for part in span.split("-"))
            if end - start > SHADOW_BYTES:
                continue
            for first, last in pages_in_memory(pagemap, start, end):
                try:
                    memory.seek(first)
                    if needle in memory.read(last - first):
                        return True
                except OSError:
                    continue  # guard pages, and what is not to be read
    return False


class Relay(unittest.TestCase):
    def setUp(self):
        self.mesh = self.enterContext(Mesh())
        self.relay = self.mesh.founder("relay")
        self.provider = self.mesh.joiner(
            self.relay, "provider", "--provide", "cat=cat",
            "--provide", f"hang=echo on; M={self.marker()} sleep 1000", listen="none")
        self.caller = self.mesh.joiner(self.relay, "caller", listen="none")
        until("the caller knows of it", lambda: len(self.caller.ask("capabilities")) == 2)

    def marker(self):
        return f"mcpz-relay-{os.getpid()}-{id(self)}"

    def processes(self):
        found = []
        for entry in pathlib.Path("/proc").iterdir():
            try:
                if entry.name.isdigit() and self.marker().encode() in (entry / "environ").read_bytes():
                    found.append(int(entry.name))
            except OSError:
                continue
        return found

    def linked(self, node):
        """With how many a node is linked."""
        return node.status()["links"]

    def test_a_call_crosses_who_cannot_read_it(self):
        self.assertEqual([self.linked(node) for node in (self.caller, self.provider)], [1, 1])
        secret = os.urandom(24).hex()
        # Held open: while it streams the secret is on its way, again and again.
        client = subprocess.Popen(
            [MCPZ, "task", "run", "cat", "--input", "-", "--timeout", f"{PATIENCE_S:.0f}s",
             "--data", str(self.caller.data)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        found = {"relay": 0, "caller": 0}
        for _ in range(20):
            client.stdin.write(secret.encode() + b"\n")
            client.stdin.flush()
            self.assertEqual(client.stdout.readline(), secret.encode() + b"\n")
            found["relay"] += memory_holds(self.relay.process.pid, secret.encode())
            found["caller"] += memory_holds(self.caller.process.pid, secret.encode())
        client.stdin.close()
        self.assertEqual((client.stdout.read(), client.wait()), (b"", 0))
        client.stdout.close()
        # The search finds what is there: the caller's node has had it in its hands.
        self.assertGreater(found["caller"], 0)
        self.assertEqual(found["relay"], 0)
        self.assertGreater(self.relay.status()["relay"]["carried"], 40)
        self.assertEqual(self.caller.status()["relay"]["sessions"], 1)
        sent = self.relay.status()["sent"]
        self.assertGreater(sent["relay"]["messages"], 40)
        self.assertNotIn("data", sent)
        self.assertEqual([self.linked(node) for node in (self.caller, self.provider)], [1, 1])

    def test_much_crosses_whole(self):
        data = os.urandom(20_000_000)
        # Of the call's own 30 s a starved machine needs more, and nothing here is about them.
        done = self.caller.run("task", "run", "cat", "--input", "-", "--timeout",
                               f"{PATIENCE_S:.0f}s", stdin=data, timeout=2 * PATIENCE_S)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stdout, data)

    def test_an_interrupt_crosses(self):
        client = subprocess.Popen([MCPZ, "task", "run", "hang", "--data", str(self.caller.data)],
                                  stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.assertEqual(client.stdout.readline(), b"on\n")
        until("the process runs", self.processes)
        client.send_signal(signal.SIGINT)
        self.assertEqual(client.wait(), 130)
        client.stdout.close()
        until("the process is gone", lambda: not self.processes())

    def test_a_dead_caller_is_noticed_across(self):
        client = subprocess.Popen([MCPZ, "task", "run", "hang", "--data", str(self.caller.data)],
                                  stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.assertEqual(client.stdout.readline(), b"on\n")
        self.caller.kill()
        until("the process is gone", lambda: not self.processes())
        client.wait()
        client.stdout.close()


if __name__ == "__main__":
    unittest.main(verbosity=2)
