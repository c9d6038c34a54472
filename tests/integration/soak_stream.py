"""A gigabyte there and back between two nodes, in flat memory, and nobody is late for it."""

import hashlib
import json
import os
import pathlib
import subprocess
import sys
import threading
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

from mesh import MCPZ, Mesh, until  # noqa: E402

LENGTH = int(os.environ.get("MCPZ_STREAM_BYTES", 1 << 30))
PIECE = 1 << 20


def feed(pipe, sent):
    """Write LENGTH bytes that do not compress; what was written goes into the digest `sent`."""
    for _ in range(LENGTH // PIECE):
        piece = os.urandom(PIECE)
        sent.update(piece)
        pipe.write(piece)
    pipe.close()


class Stream(unittest.TestCase):
    def test_a_gigabyte_streams_in_flat_memory(self):
        with Mesh() as mesh:
            a = mesh.founder("A")
            b = mesh.joiner(a, "B", "--provide", "cat=cat")
            until("A knows of it", lambda: a.ask("capabilities"))
            a.run("task", "run", "cat", "--input", "-", stdin=os.urandom(4 << 20))
            before = [node.status()["rss_bytes"] for node in (a, b)]
            most = list(before)
            client = subprocess.Popen(
                [MCPZ, "task", "run", "cat", "--input", "-", "--timeout", "30m", "--data",
                 str(a.data)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            sent = hashlib.sha256()
            received = hashlib.sha256()
            feeder = threading.Thread(target=feed, args=(client.stdin, sent))
            feeder.start()
            length = 0
            while piece := client.stdout.read(PIECE):
                received.update(piece)
                length += len(piece)
                if length % (64 * PIECE) < PIECE:
                    now = [node.status()["rss_bytes"] for node in (a, b)]
                    most = [max(pair) for pair in zip(most, now)]
            feeder.join()
            client.stdout.close()
            self.assertEqual((client.wait(), length), (0, LENGTH))
            self.assertEqual(received.digest(), sent.digest())
            for node, old, new in zip("AB", before, most):
                print(f"{node}: {old / 1e6:.1f} MB before, {new / 1e6:.1f} MB at most")
                self.assertLess(new - old, 24_000_000)
            # Heartbeats do not wait behind what streams: nobody was in doubt.
            kinds = [event["event"] for node in (a, b)
                     for event in map(json.loads, node.run(
                         "events", "--no-follow", "--json").stdout.splitlines())]
            self.assertNotIn("suspect", kinds)


if __name__ == "__main__":
    unittest.main(verbosity=2)
