"""The local API on its socket: what clients may say, what others may try."""

import contextlib
import http.client
import json
import os
import pathlib
import shutil
import select
import socket
import subprocess
import sys
import threading
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

from mesh import PATIENCE_S, Mesh, until  # noqa: E402


class Http(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.mesh = cls.enterClassContext(Mesh())
        cls.node = cls.mesh.founder("A", "--provide", "cat=cat")
        cls.path = cls.node.ready["socket"]

    def tearDown(self):
        # Whatever a test has said, the node goes on.
        self.assertEqual(self.node.status()["name"], "A")

    def connect(self):
        client = socket.socket(socket.AF_UNIX)
        client.settimeout(PATIENCE_S)
        client.connect(self.path)
        return client

    def say(self, data, ends=True):
        """Send bytes, and give all that comes until the node closes. `ends`: say that it was all."""
        with self.connect() as client:
            try:
                client.sendall(data)
                if ends:
                    client.shutdown(socket.SHUT_WR)
            except OSError:
                pass
            answer = b""
            while True:
                try:
                    piece = client.recv(65536)
                except ConnectionError:
                    break
                if not piece:
                    break
                answer += piece
        return answer

    def ask(self, method, path, body=None, *headers):
        """One request; status, headers and body of the answer."""
        lines = [f"{method} {path} HTTP/1.1", "Host: localhost", "Connection: close", *headers]
        if body is not None:
            lines.append(f"Content-Length: {len(body)}")
        answer = self.say("\r\n".join(lines).encode() + b"\r\n\r\n" + (body or b""), ends=False)
        head, _, rest = answer.partition(b"\r\n\r\n")
        status = int(head.split()[1])
        fields = dict(line.split(b": ", 1) for line in head.split(b"\r\n")[1:] if b": " in line)
        return status, {name.lower(): value for name, value in fields.items()}, rest

    def test_the_socket_is_ours_alone(self):
        self.assertEqual(os.stat(self.path).st_mode & 0o777, 0o600)

    def test_an_unknown_route_is_said_to_be_one(self):
        status, _, body = self.ask("GET", "/v1/nothing")
        self.assertEqual((status, json.loads(body)["error"]["code"]), (404, "not_found"))

    def test_a_wrong_method_names_the_right_ones(self):
        status, headers, body = self.ask("DELETE", "/v1/status")
        self.assertEqual((status, headers[b"allow"]), (405, b"GET, HEAD"))
        json.loads(body)

    def test_health_is_told(self):
        self.assertEqual(self.ask("GET", "/livez")[0], 200)
        self.assertEqual(self.ask("GET", "/readyz")[0], 200)
        self.assertEqual(json.loads(self.ask("GET", "/health")[2])["status"], "ok")

    def test_a_body_that_is_not_json_is_refused(self):
        for body in (b"", b"{", b"[]", b'{"id": 1}', b'{"id":"a","id":"b"}', b"\xff\xfe",
                     b'{"id":' + b"[" * 5000 + b"]" * 5000 + b"}"):
            status, _, answer = self.ask("POST", "/v1/agents", body)
            self.assertEqual((body[:20], status), (body[:20], 400))
            json.loads(answer)

    def post_chunked(self, path, *chunks, headers=(), last=b"0\r\n\r\n"):
        """Status and body of the answer to a body in chunks."""
        head = [f"POST {path} HTTP/1.1", "Host: x", "Transfer-Encoding: chunked", *headers]
        body = b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks)
        return self.status_of(self.say("\r\n".join(head).encode() + b"\r\n\r\n" + body + last, ends=False))

    def status_of(self, answer):
        head, _, body = answer.partition(b"\r\n\r\n")
        return int(head.split()[1]), body

    def test_a_body_may_come_in_chunks(self):
        status, body = self.post_chunked("/v1/tasks", b'{"type":', b'"cat"}\nhel', b"lo")
        self.assertEqual((status, json.loads(body)["result"]), (200, "hello"))
        status, body = self.post_chunked("/v1/tasks", b'{"type":"cat"}\n', b"x" * 3_000_000)
        self.assertEqual((status, len(json.loads(body)["result"])), (200, 3_000_000))
        status, _ = self.post_chunked("/v1/agents", b'{"id":"in-chunks"}', last=b"0;a=b\r\nX: y\r\n\r\n")
        self.assertEqual(status, 201)
        self.assertEqual(self.post_chunked("/v1/agents")[0], 400)  # none at all

    def test_a_client_that_expects_to_be_asked_for_chunks_is_asked(self):
        with self.connect() as client:
            client.sendall(b"POST /v1/tasks HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
                           b"Expect: 100-continue\r\n\r\n")
            self.assertEqual(client.recv(100), b"HTTP/1.1 100 Continue\r\n\r\n")
            client.sendall(b'e\r\n{"type":"cat"}\r\n3\r\n\nhi\r\n0\r\n\r\n')
            self.assertIn(b"200 OK", client.recv(65536))

    def test_chunks_are_bounded_as_other_bodies_are(self):
        self.assertEqual(self.post_chunked("/v1/agents", b"x" * 65536)[0], 400)
        status, body = self.post_chunked("/v1/agents", b"x" * 65536, b"x")
        self.assertEqual((status, json.loads(body)["error"]["code"]), (413, "too_large"))
        status, _ = self.post_chunked("/v1/agents", last=b"ffffffffffff\r\n" + b"x" * 70000)
        self.assertEqual(status, 413)
        self.assertEqual(self.post_chunked("/v1/agents", last=b"0\r\n" + b"A: b\r\n" * 1000 + b"\r\n")[0], 400)

    def test_chunks_that_are_none_are_refused(self):
        for body in (b"5\r\nhello", b"hello\r\n", b"5\nhello\n0\n\n", b"5\r\nhello0\r\n\r\n", b"-1\r\n", b"0x5\r\n",
                     b"5 \x00\r\n"):
            self.assertEqual(self.post_chunked("/v1/agents", last=body + b"\r\nzz\r\n")[0], 400, body)

    def test_nothing_is_smuggled_in(self):
        hidden = b"POST /v1/agents HTTP/1.1\r\nHost: x\r\nContent-Length: 16\r\n\r\n{\"id\":\"smuggle\"}"
        for headers, status in (
                (b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", 400),
                (b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", 400),
                (b"Content-Length: 0\r\nContent-Length: 5\r\n", 400),
                (b"Content-Length: 5, 5\r\n", 400),
                (b"Content-Length: +5\r\n", 400),
                (b"Content-Length : 5\r\n", 400),
                (b"Transfer-Encoding : chunked\r\n", 400),
                (b"Transfer-Encoding: gzip, chunked\r\n", 501),
                (b"Transfer-Encoding: chunked, chunked\r\n", 501),
                (b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", 501),
                (b"Transfer-Encoding: xchunked\r\n", 501)):
            answer = self.say(b"POST /v1/tasks HTTP/1.1\r\nHost: x\r\n" + headers + b"\r\n0\r\n\r\n" + hidden)
            self.assertEqual((headers, self.status_of(answer)[0]), (headers, status))
            self.assertEqual(answer.count(b"content-length: "), 1, answer)
        for line in (b"GET /livez HTTP/1.1", b"DELETE /v1/agents/x HTTP/1.1", b"POST /v1/tasks HTTP/1.0",
                     b"PUT /v1/tasks HTTP/1.1"):
            answer = self.say(line + b"\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + hidden)
            self.assertEqual((line, self.status_of(answer)[0]), (line, 400))
            self.assertEqual(answer.count(b"content-length: "), 1, answer)
        # What follows the last chunk is nobody's request: the connection ends there.
        for gap in (b"", b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"):
            answer = self.say(b"POST /v1/tasks HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
                              b'f\r\n{"type":"cat"}\n\r\n0\r\n\r\n' + gap + hidden, ends=False)
            self.assertEqual((self.status_of(answer)[0], answer.count(b"content-length: ")), (200, 1))
            self.assertIn(b"connection: close", answer)
        self.assertNotIn("smuggle", [row["id"] for row in self.node.ask("agent", "list")])

    def test_a_length_that_is_none_is_refused(self):
        for length in (b"-1", b"abc", b"9" * 30, b"0x10"):
            answer = self.say(b"POST /v1/agents HTTP/1.1\r\nHost: x\r\nContent-Length: " + length + b"\r\n\r\n{}")
            self.assertFalse(answer.startswith(b"HTTP/1.1 2"), answer[:80])

    def test_a_body_too_long_is_refused_before_it_is_sent(self):
        answer = self.say(b"POST /v1/tasks HTTP/1.1\r\nHost: x\r\nContent-Length: 3000000000\r\n\r\n")
        self.assertTrue(answer.startswith(b"HTTP/1.1 413"), answer[:80])

    def dribble(self, start):
        """Send a beginning, then a byte now and then, until the node has enough of it. What it said."""
        with self.connect() as client:
            client.sendall(start)
            client.settimeout(0.2)
            said = b""
            while True:
                try:
                    piece = client.recv(65536)
                    if not piece:
                        return said
                    said += piece
                except TimeoutError:
                    pass
                except ConnectionError:
                    return said
                try:
                    client.sendall(b"a")
                except OSError:
                    client.settimeout(PATIENCE_S)

    def test_who_dribbles_is_cut_off(self):
        starts = {b"POST /v1/tasks HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n": b"HTTP/1.1 408 ",
                  b"POST /v1/tasks HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nfffff\r\n": b"HTTP/1.1 408 ",
                  b"GET /livez HTTP/1.1\r\nHost: x\r\nX: ": b"",
                  b"GET /": b""}
        said = {}
        threads = [threading.Thread(target=lambda start=start: said.update({start: self.dribble(start)}))
                   for start in starts]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for start, expected in starts.items():
            self.assertEqual(said[start][:len(expected) or None], expected)
            if expected:
                self.assertEqual(json.loads(self.status_of(said[start])[1])["error"]["code"], "timeout")

    def test_headers_without_end_are_cut_off(self):
        answer = self.say(b"GET /v1/status HTTP/1.1\r\nHost: x\r\n" + b"X-Long: " + b"a" * 100_000 + b"\r\n\r\n")
        self.assertFalse(answer.startswith(b"HTTP/1.1 2"), answer[:80])

    def test_upgrades_are_refused(self):
        for protocol in (b"websocket", b"h2c", b"other"):
            answer = self.say(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: " + protocol +
                              b"\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n")
            self.assertNotIn(b" 101 ", answer[:40])

    def test_garbage_is_cut_off(self):
        for _ in range(20):
            self.say(os.urandom(4096))

    def test_half_a_request_costs_nothing(self):
        before = len(os.listdir(f"/proc/{self.node.process.pid}/fd"))
        for _ in range(30):
            with self.connect() as client:
                client.sendall(b"POST /v1/tasks HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf")
        until("the sockets are closed",
              lambda: len(os.listdir(f"/proc/{self.node.process.pid}/fd")) <= before)

    def test_two_requests_at_once_are_answered_in_turn(self):
        request = b"GET /v1/nothing HTTP/1.1\r\nHost: x\r\n\r\n"
        last = b"GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        answer = self.say(request + last)
        self.assertLess(answer.index(b" 404 "), answer.index(b" 200 "))

    def test_more_connections_than_there_may_be_are_turned_away(self):
        clients = []
        for _ in range(200):
            try:
                clients.append(self.connect())
            except OSError:
                break
        for client in clients:
            client.close()
        until("there is room again", lambda: self.node.run("status").returncode == 0)

    def test_metrics_are_what_monitoring_reads(self):
        status, headers, body = self.ask("GET", "/metrics")
        self.assertEqual(status, 200)
        self.assertIn(b"\nmcpz_links 0\n", body)
        self.assertIn(b'\nmcpz_members{state="alive"} 1\n', body)
        lint = shutil.which("promtool")
        if lint is None:
            self.skipTest("promtool (Debian: prometheus) is not here to check the rest")
        checked = subprocess.run([lint, "check", "metrics"], input=body, capture_output=True)
        self.assertEqual((checked.returncode, checked.stdout + checked.stderr), (0, b""))


class Crowd(unittest.TestCase):
    """As many requests as may be, all of which wait."""

    def test_who_waits_takes_nobody_the_sight(self):
        with Mesh() as mesh:
            node = mesh.founder("A", "--api", "127.0.0.1:0", "--provide", "slow=sleep 600")
            address = node.ready["api"].removeprefix("http://")

            def ask(method, path, body=None):
                connection = http.client.HTTPConnection(address, timeout=PATIENCE_S)
                connection.request(method, path, body)
                return connection

            def wait():
                return ask("POST", "/v1/tasks", '{"type":"slow","timeout_ms":600000}')

            def all_wait():
                for connection in select.select([c.sock for c in waiting], [], [], 0)[0]:
                    at = next(i for i, c in enumerate(waiting) if c.sock is connection)
                    waiting[at].close()  # a node that is busy may have refused it
                    waiting[at] = wait()
                return node.status()["tasks"]["running"] == 64

            waiting = [wait() for _ in range(64)]
            until("all of them wait", all_wait)
            refused = ask("POST", "/v1/tasks", '{"type":"slow"}').getresponse()
            self.assertEqual((refused.status, refused.getheader("Retry-After")), (429, "1"))
            self.assertEqual(json.loads(refused.read())["error"]["code"], "busy")
            for path in ("/livez", "/readyz", "/health", "/metrics"):
                self.assertEqual(ask("GET", path).getresponse().status, 200, path)
            for connection in waiting:
                connection.close()

    def test_headers_of_mcp_have_their_bound(self):
        with Mesh() as mesh:
            node = mesh.founder("A", "--api", "127.0.0.1:0")
            connection = http.client.HTTPConnection(node.ready["api"].removeprefix("http://"), timeout=PATIENCE_S)
            connection.request("POST", "/mcp", "{}", {"Mcp-Session-Id": "x" * 5000, "Content-Type": "application/json"})
            answer = connection.getresponse()
            self.assertEqual((answer.status, json.loads(answer.read())["error"]["code"]), (431, "too_large"))


class Heads(unittest.TestCase):
    """Heads of requests that are too large, too slow or none, over TCP: each is told."""

    @classmethod
    def setUpClass(cls):
        cls.mesh = cls.enterClassContext(Mesh())
        cls.node = cls.mesh.founder("A", "--api", "127.0.0.1:0")
        host, port = cls.node.ready["api"].removeprefix("http://").split(":")
        cls.address = (host, int(port))

    def say(self, text):
        client = socket.create_connection(self.address, timeout=PATIENCE_S)
        self.addCleanup(client.close)
        client.sendall(text)
        return client

    def hear(self, client):
        """All it is told, until the end: status and code."""
        said = b""
        while piece := client.recv(65536):
            said += piece
        head, _, body = said.partition(b"\r\n\r\n")
        return (int(head.split()[1]), json.loads(body)["error"]["code"]) if said else None

    def test_a_head_that_is_too_large(self):
        for size in (20_000, 2_000_000):  # also one that is still being said
            client = socket.create_connection(self.address, timeout=PATIENCE_S)
            self.addCleanup(client.close)
            with contextlib.suppress(ConnectionError):
                client.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\nX: " + size * b"x")
            self.assertEqual(self.hear(client), (431, "too_large"))
        largest = b"GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nX-Long: "
        client = self.say(largest + (16384 - len(largest) - 4) * b"x" + b"\r\n\r\n")
        self.assertEqual(client.recv(65536)[:13], b"HTTP/1.1 200 ")
        many = b"GET /livez HTTP/1.1\r\nHost: localhost\r\n" + b"".join(b"x-a%d:\r\n" % i for i in range(1500))
        self.assertEqual(self.say(many + b"\r\n").recv(65536)[:13], b"HTTP/1.1 200 ")

    def test_what_is_no_head(self):
        for text in (b"\x16\x03\x01\x02\x00\x01", b"hello\r\n", b"GET /\r\n\r\n", b"GET /livez HTTP/1.1 x\r\n"):
            with self.subTest(text=text):
                self.assertEqual(self.hear(self.say(text)), (400, "bad_request"))
        self.assertEqual(self.hear(self.say(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")), (505, "bad_request"))

    def test_a_head_that_comes_in_pieces(self):
        client = self.say(b"")
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in b"\r\n\nGET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n":
            client.sendall(bytes([byte]))
        self.assertEqual(client.recv(65536)[:13], b"HTTP/1.1 200 ")

    def test_a_head_that_does_not_come(self):
        slow = [self.say(b"POST /mcp HTTP/1.1\r\nHost: localhost\r\nX: ") for _ in range(64)]
        silent = self.say(b"")
        gone = self.say(b"GET /li")
        gone.close()
        # Nobody else waits for them.
        client = self.say(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
        self.assertTrue(client.recv(65536).startswith(b"HTTP/1.1 200 "))
        for client in slow:
            self.assertEqual(self.hear(client), (408, "timeout"))
        self.assertIsNone(self.hear(silent))  # who has said nothing is told nothing


class Bounds(unittest.TestCase):
    """What is configured for this: few connections, and little patience with idle ones."""

    def setUp(self):
        self.mesh = self.enterContext(Mesh())

    def start(self, **env):
        self.node = self.mesh.founder("A", env=env)

    def connect(self):
        client = socket.socket(socket.AF_UNIX)
        client.settimeout(PATIENCE_S)
        client.connect(self.node.ready["socket"])
        return client

    def answer(self, client):
        """The answer to a small request, or its head."""
        client.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
        return client.recv(65536)

    def test_too_many_connections_are_told_to_come_back(self):
        self.start(MCPZ_API_CONNECTIONS="8")
        clients = [self.connect() for _ in range(8)]
        for client in clients:  # held by half a request each
            client.sendall(b"GET /livez HTTP/1.1\r\n")
        late = self.connect()
        head, _, body = self.answer(late).partition(b"\r\n\r\n")
        self.assertTrue(head.startswith(b"HTTP/1.1 503 "), head)
        self.assertIn(b"\r\nretry-after: 1\r\n", head)
        self.assertEqual(json.loads(body or late.recv(65536))["error"]["code"], "overloaded")
        self.assertEqual(late.recv(100), b"")
        for client in clients:
            client.close()
        until("there is room again", lambda: self.node.run("status").returncode == 0)

    def test_an_idle_connection_is_closed(self):
        self.start(MCPZ_API_IDLE_SECONDS="1")

        def answered():
            """How often, until it was closed: who is slow to ask again may find that it is."""
            with self.connect() as client, contextlib.suppress(ConnectionError):
                for times in range(3):
                    if not self.answer(client).startswith(b"HTTP/1.1 200 "):
                        return times
                return 3 if client.recv(100) == b"" else None
        until("it is kept for three requests and then closed", lambda: answered() == 3)


if __name__ == "__main__":
    unittest.main()
