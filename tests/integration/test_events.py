"""`mcpz events` and GET /v1/events: followed, resumed, not read; and the peers by what they are."""

import json
import pathlib
import re
import signal
import socket
import subprocess
import sys
import threading
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

from mesh import MCPZ, PATIENCE_S, Mesh, until, wait_linked  # noqa: E402

KEPT = 1024  # MCPZ_EVENTS_KEPT
STREAMS = 16  # MCPZ_EVENT_STREAMS_MAX


class Follower:
    """`mcpz events` against a node; what it says, line by line."""

    def __init__(self, node, *arguments, verb=("events",)):
        self.process = subprocess.Popen([MCPZ, *verb, "--data", str(node.data), *arguments],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True)
        self.lines = []
        self.thread = threading.Thread(target=self.read)
        self.thread.start()

    def read(self):
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))

    def events(self):
        """Of --json."""
        return [json.loads(line) for line in list(self.lines)]

    def end(self, number=None):
        """Wait for its end, after a signal if there is to be one; exit status and errors."""
        if number is not None:
            self.process.send_signal(number)
        status = self.process.wait(PATIENCE_S)
        self.thread.join()
        errors = self.process.stderr.read()
        self.process.stdout.close()
        self.process.stderr.close()
        return status, errors

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        if self.process.returncode is None:
            self.process.kill()
            self.end()


class Events(unittest.TestCase):
    def setUp(self):
        self.mesh = self.enterContext(Mesh())
        self.a = self.mesh.founder("A")
        self.b = self.mesh.joiner(self.a, "B")
        wait_linked([self.a, self.b])

    def kept(self, *arguments):
        done = self.a.run("events", "--no-follow", "--json", *arguments)
        self.assertEqual(done.returncode, 0, done.stderr)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def open_stream(self, query="", *headers):
        """A client of our own on the node's socket, that has asked and read nothing."""
        client = socket.socket(socket.AF_UNIX)
        self.addCleanup(client.close)
        client.settimeout(PATIENCE_S)
        client.connect(self.a.ready["socket"])
        lines = [f"GET /v1/events{query} HTTP/1.1", "Host: localhost", *headers]
        client.sendall("\r\n".join(lines).encode() + b"\r\n\r\n")
        return client

    def make_events(self, count):
        """Have B change what it offers, again when that is told, until A has told of `count` more things."""
        start = newest = self.kept()[-1]["seq"]
        changes, text = 0, b""
        with self.open_stream(f"?since={start}") as reader:
            while newest - start < count:
                changes += 1
                # Few enough that B's data need not wait; 16 names at once are 32 things to tell.
                names = "".join(f"  - name: cap{changes}x{i}\n    command: cat\n" for i in range(16))
                (self.b.data / "mcpz.yaml").write_text("providers:\n" + names)
                self.b.process.send_signal(signal.SIGHUP)
                before = newest
                while newest == before:
                    piece = reader.recv(65536)
                    self.assertTrue(piece, "the events ended")
                    text += piece
                    told = re.findall(rb"^id: (\d+)\n", text, re.MULTILINE)
                    text = text[text.rfind(b"\n") + 1:]
                    newest = int(told[-1]) if told else newest

    # ---- Following -----------------------------------------------------------------------

    def test_a_peer_that_is_killed_becomes_suspect_and_dead(self):
        with Follower(self.a, "--json") as follower:
            until("what is kept is told", lambda: {"linked", "alive"} <= {e["event"] for e in follower.events()})
            self.b.kill()
            until("B is dead", lambda: "dead" in [e["event"] for e in follower.events()])
            self.assertEqual(follower.end(signal.SIGINT), (0, ""))
        events = follower.events()
        of_b = [event["event"] for event in events if event["node"] == self.b.id]
        self.assertLess(of_b.index("alive"), of_b.index("suspect"))
        self.assertLess(of_b.index("suspect"), of_b.index("dead"))
        self.assertIn("closed", [event.get("reason") for event in events if event["event"] == "unlinked"])
        seqs = [event["seq"] for event in events]
        self.assertEqual(seqs, list(range(seqs[0], seqs[0] + len(seqs))))
        for event in events:
            self.assertRegex(event["time"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
            if event["event"] != "capabilities":  # A offers something itself: to be asked by others
                self.assertEqual(event["name"], "B")
        alive = next(event for event in events if event["event"] == "alive")
        self.assertEqual(alive["address"], self.b.address)
        self.assertGreaterEqual(alive["incarnation"], 1)

    def test_people_get_a_line_of_the_types_they_ask_for(self):
        with Follower(self.a, "--type", "suspect,dead") as follower:
            self.b.kill()
            until("both lines are there", lambda: " dead " in "".join(follower.lines))
            self.assertEqual(follower.end(signal.SIGINT), (0, ""))
        # On a machine that starves it B may have been suspected before.
        self.assertRegex(follower.lines[-2], r"^\d\d:\d\d:\d\d\.\d{3}  suspect         B  \(closed\)$")
        self.assertRegex(follower.lines[-1], r"^\d\d:\d\d:\d\d\.\d{3}  dead            B  \((closed|refused)\)$")

    def test_writes_to_an_agent_are_told_wherever_they_are_made(self):
        self.a.ask("agent", "create", "x")
        self.a.ask("agent", "create", "other")
        until("B has it", lambda: self.b.run("agent", "get", "x").returncode == 0)
        with Follower(self.b, "--json", verb=("agent", "watch", "x")) as follower:
            count = iter(range(1000))

            def told():
                self.a.ask("agent", "set", "x", "k", str(next(count)))
                self.a.ask("agent", "set", "other", "k", "1")
                return follower.lines
            until("the watch stands", told)
            self.b.ask("agent", "add", "x", "tags", '"here"')
            self.a.ask("agent", "unset", "x", "k")
            last = self.a.ask("agent", "history", "x", "--limit", "1")[0]["seq"]
            until("all is told", lambda: follower.events()[-1]["seq"] == last or
                  follower.events()[-2]["seq"] == last)
            self.assertEqual(follower.end(signal.SIGINT), (0, ""))
        told = follower.events()
        self.assertEqual({path for event in told for path in event["paths"]}, {"k", "tags"})
        of_a = [event["seq"] for event in told if event["writer"] == self.a.id]
        self.assertEqual(of_a, list(range(of_a[0], of_a[0] + len(of_a))))  # nothing is left out
        self.assertEqual(len(told), len(of_a) + 1)
        self.assertEqual(self.b.run("agent", "watch", "nobody").returncode, 6)

    def test_a_node_that_stops_is_an_error(self):
        with Follower(self.a, "--json") as follower:
            until("it follows", lambda: follower.lines)
            self.a.stop()
            status, errors = follower.end()
        self.assertEqual(status, 4)
        self.assertIn("mcpz: the node ended the events", errors)
        self.assertEqual(json.loads(follower.lines[-1])["error"]["code"], "unreachable")
        self.assertEqual(self.a.run("events").returncode, 4)

    def test_what_makes_no_sense_is_usage(self):
        for arguments, hint in ((("--type", "dead,gone"), "suspect"), (("--since", "yesterday"), "seq"),
                                (("--follow", "--no-follow"), "--follow")):
            done = self.a.run("events", *arguments)
            self.assertEqual((arguments, done.returncode), (arguments, 2))
            self.assertIn(hint, done.stderr)

    # ---- Going on ------------------------------------------------------------------------

    def test_one_goes_on_where_one_left_off(self):
        def last_word():
            seq = self.kept()[-1]["seq"]
            return seq if self.kept("--since", seq) == [] else None

        last = until("nothing more is told", last_word)
        self.b.kill()
        until("B is dead", lambda: self.kept("--since", last, "--type", "dead"))
        events = self.kept("--since", last)
        self.assertEqual(events[0]["seq"], last + 1)
        with Follower(self.a, "--json", "--since", str(last)) as follower:
            until("it has caught up", lambda: len(follower.lines) >= len(events))
            self.assertEqual(follower.end(signal.SIGINT), (0, ""))
        self.assertEqual(follower.events()[:len(events)], events)

    def test_a_browser_goes_on_with_a_header(self):
        last = self.kept()[-1]
        for header in ("Last-Event-ID", "last-event-id"):
            client = self.open_stream("?since=1", f"{header}: {last['seq'] - 1}")
            text = b""
            while b"\n\n" not in text.partition(b"\r\n\r\n")[2]:
                text += client.recv(65536)
            head, _, rest = text.partition(b"\r\n\r\n")
            self.assertIn(b"content-type: text/event-stream", head)
            first = rest.decode().partition("\n\n")[0]  # others may have come since
            self.assertEqual(first, f"id: {last['seq']}\nevent: {last['event']}\n"
                             f"data: {json.dumps(last, separators=(',', ':'))}")

    def test_a_restart_is_told_to_who_goes_on(self):
        last = self.kept()[-1]["seq"]
        self.a.stop()
        self.a.start()
        until("B is back", lambda: self.kept("--type", "alive"))
        lost, *events = self.kept("--since", last)
        self.assertEqual((lost["event"], lost["count"], lost["reason"]), ("lost", 0, "restarted"))
        self.assertEqual(events[0]["seq"], lost["seq"] + 1)
        self.assertGreater(events[0]["seq"], last)

    # ---- Bounds --------------------------------------------------------------------------

    def test_who_does_not_read_loses_events_not_the_node_its_memory(self):
        first = self.kept()[0]["seq"]
        client = self.open_stream()
        self.make_events(3 * KEPT)
        self.assertEqual(len(self.kept()), KEPT)
        newest = self.kept()[-1]["seq"]

        # Either it is told of the gap, or it was given up for not reading.
        text = b""
        while f"id: {newest}\n".encode() not in text:
            piece = client.recv(65536)
            if not piece:
                break
            text += piece
        self.assertIn(f"id: {first}\n".encode(), text)
        if f"id: {newest}\n".encode() in text:
            self.assertIn(b'"event":"lost"', text)
        self.assertLess(text.count(b"\ndata: "), 3 * KEPT)

        lost = self.kept("--since", first)[0]
        self.assertEqual((lost["event"], lost["reason"]), ("lost", "not_kept"))
        self.assertEqual(lost["count"], lost["seq"] - first)

    def test_followers_leave_room_for_others(self):
        clients = [self.open_stream() for _ in range(STREAMS)]
        for client in clients:
            self.assertTrue(client.recv(12).endswith(b" 200"))
        client = self.open_stream()
        self.assertTrue(client.recv(12).endswith(b" 429"))
        self.assertEqual(self.a.status()["name"], "A")
        clients[0].close()

        def there_is_room():
            with self.open_stream() as further:
                return further.recv(12).endswith(b" 200")

        until("there is room again", there_is_room)

    def test_who_says_more_while_it_follows_is_cut_off(self):
        client = self.open_stream()
        self.assertTrue(client.recv(65536))
        client.sendall(b"GET /v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        try:
            while client.recv(65536):
                pass
        except ConnectionResetError:
            pass  # what it said was not read
        self.assertEqual(self.a.status()["name"], "A")

    # ---- Peers ---------------------------------------------------------------------------

    def test_peers_are_listed_by_what_they_are(self):
        peer, = self.a.ask("peers", "--state", "alive", "--view", "active")
        self.assertEqual((peer["name"], peer["view"], peer["reasons"]), ("B", "active", []))
        self.assertEqual(self.a.ask("peers", "--state", "suspect,dead"), [])
        self.assertEqual(self.a.run("peers").stdout.split()[:7],
                         ["NAME", "ID", "STATE", "VIEW", "RTT", "SINCE", "REASON"])
        self.b.kill()
        until("B is dead", lambda: self.a.ask("peers", "--state", "dead"))
        self.assertEqual(self.a.ask("peers", "--view", "active"), [])
        peer, = self.a.ask("peers", "--view", "none,passive")
        self.assertEqual(peer["state"], "dead")
        for arguments in (("--state", "gone"), ("--view", "")):
            self.assertEqual(self.a.run("peers", *arguments).returncode, 2)


if __name__ == "__main__":
    unittest.main()
