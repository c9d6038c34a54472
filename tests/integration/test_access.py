"""The API over TCP: what it asks clients to show, and what it leaves to who runs the node."""

import base64
import hashlib
import hmac
import http.client
import json
import pathlib
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

from mesh import PATIENCE_S, Mesh  # noqa: E402

SECRET = "a secret that has thirty-two bytes"


def token(**claims):
    """A JSON Web Token with HS256, as any library makes it."""
    def pack(data):
        return base64.urlsafe_b64encode(data).rstrip(b"=")

    signed = pack(b'{"alg":"HS256","typ":"JWT"}') + b"." + pack(json.dumps(claims).encode())
    mac = hmac.new(SECRET.encode(), signed, hashlib.sha256).digest()
    return (signed + b"." + pack(mac)).decode()


class Client:
    def __init__(self, node):
        self.address = node.ready["api"].removeprefix("http://")

    def ask(self, method, path, body=None, **headers):
        connection = http.client.HTTPConnection(self.address, timeout=PATIENCE_S)
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        return answer.status, dict(answer.getheaders()), text


class Open(unittest.TestCase):
    """No keys: this machine may use the node."""

    @classmethod
    def setUpClass(cls):
        cls.mesh = Mesh()
        cls.client = Client(cls.mesh.founder("A", "--api", "127.0.0.1:0", "--provide", "cat=cat"))

    @classmethod
    def tearDownClass(cls):
        cls.mesh.__exit__(None, None, None)

    def test_the_api_of_the_socket_is_there(self):
        self.assertEqual(json.loads(self.client.ask("GET", "/v1/status")[2])["name"], "A")
        self.assertEqual(json.loads(self.client.ask("GET", "/v1/peers")[2]), [])
        self.assertIn(b"mcpz_links 0", self.client.ask("GET", "/metrics")[2])

    def test_a_task_is_done(self):
        status, _, body = self.client.ask("POST", "/v1/tasks", '{"type":"cat"}\nhello')
        self.assertEqual(status, 200, body)
        self.assertIn(b"hello", body)

    def test_what_the_node_goes_by_is_for_who_runs_it(self):
        for method, path in (("POST", "/v1/tokens"), ("GET", "/v1/tokens"), ("POST", "/v1/leave"),
                             ("POST", "/v1/mcp/servers"), ("GET", "/v1/config")):
            status, _, body = self.client.ask(method, path, "{}" if method == "POST" else None)
            self.assertEqual(status, 403, path)
            self.assertIn("use the Unix socket", json.loads(body)["error"]["message"])

    def test_pages_of_others_are_refused(self):
        self.assertEqual(self.client.ask("GET", "/v1/status", Host="evil.example")[0], 403)
        self.assertEqual(self.client.ask("GET", "/v1/status", Origin="http://evil.example")[0], 403)


class Guarded(unittest.TestCase):
    """With keys and tokens, one must be shown."""

    @classmethod
    def setUpClass(cls):
        cls.mesh = Mesh()
        keys = {"MCP_API_KEYS": "k3y,other", "MCPZ_JWT_SECRET": SECRET, "MCPZ_JWT_AUDIENCE": "mesh"}
        cls.client = Client(cls.mesh.founder("A", "--api", "127.0.0.1:0", env=keys))

    @classmethod
    def tearDownClass(cls):
        cls.mesh.__exit__(None, None, None)

    def status(self, path="/v1/status", **headers):
        return self.client.ask("GET", path, **headers)[0]

    def test_nothing_is_said_without_one(self):
        for path in ("/v1/status", "/v1/nothing", "/metrics", "/mcp"):
            status, headers, body = self.client.ask("GET", path)
            self.assertEqual(status, 401, path)
            self.assertEqual(headers["www-authenticate"], 'Bearer realm="mcpz"')
            json.loads(body)

    def test_anybody_may_see_that_it_is_well(self):
        for path in ("/health", "/livez", "/readyz"):
            self.assertEqual(self.status(path), 200, path)

    def test_a_key_opens_everything(self):
        self.assertEqual(self.status(Authorization="Bearer k3y"), 200)
        self.assertEqual(self.status(X_API_Key="other"), 200)
        self.assertEqual(self.status("/v1/tokens", X_API_Key="other"), 200)
        self.assertEqual(self.status(Authorization="Bearer k3y2"), 401)
        self.assertEqual(self.status(X_API_Key="k3y,other"), 401)

    def test_a_token_opens_it_for_its_time(self):
        soon = int(time.time()) + 600
        self.assertEqual(self.status(Authorization="Bearer " + token(exp=soon, aud="mesh")), 200)
        for wrong in (token(exp=soon), token(aud="mesh"), token(exp=soon - 1200, aud="mesh")):
            self.assertEqual(self.status(Authorization="Bearer " + wrong), 401)

    def test_a_long_header_costs_nothing(self):
        self.assertIn(self.status(Authorization="Bearer " + "x" * 8000), (401, 431))
        self.assertEqual(self.status(X_API_Key="other"), 200)


if __name__ == "__main__":
    unittest.main()
