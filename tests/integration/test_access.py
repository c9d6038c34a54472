"""The API over TCP: what it asks clients to show, and what it leaves to who runs the node."""

import base64
import hashlib
import hmac
import http.client
import json
import pathlib
import sys
import threading
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

from mesh import PATIENCE_S, Local, Mesh, until  # noqa: E402

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
        cls.mesh = cls.enterClassContext(Mesh())
        cls.client = Client(cls.mesh.founder("A", "--api", "127.0.0.1:0", "--provide", "cat=cat"))

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
        cls.mesh = cls.enterClassContext(Mesh())
        keys = {"MCP_API_KEYS": "k3y,other", "MCPZ_JWT_SECRET": SECRET, "MCPZ_JWT_AUDIENCE": "mesh"}
        cls.client = Client(cls.mesh.founder("A", "--api", "127.0.0.1:0", env=keys))

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


class Tenants(unittest.TestCase):
    """A key or a token with a tenant opens what is that tenant's."""

    @classmethod
    def setUpClass(cls):
        cls.mesh = cls.enterClassContext(Mesh())
        keys = {"MCP_API_KEYS": "k3y,of-acme=acme", "MCPZ_JWT_SECRET": SECRET}
        provided = "tenant=printf %s \"$MCPZ_TENANT\""
        cls.node = cls.mesh.founder("A", "--api", "127.0.0.1:0", "--provide", provided, env=keys)
        cls.client = Client(cls.node)
        soon = int(time.time()) + 600
        cls.shown = {
            "the token of acme": {"Authorization": "Bearer " + token(exp=soon, sub="ann", tenant="acme")},
            "the key of acme": {"X_API_Key": "of-acme"},
            "the token of other": {"Authorization": "Bearer " + token(exp=soon, tenant="other")},
            "a key": {"X_API_Key": "k3y"},
        }

    def ask(self, who, method, path, body=None, **headers):
        body = json.dumps(body) if isinstance(body, dict) else body
        status, _, text = self.client.ask(method, path, body, **self.shown[who], **headers)
        return status, text

    def task(self, who, **more):
        status, text = self.ask(who, "POST", "/v1/tasks", {"type": "tenant", **more})
        return json.loads(text)["result"] if status == 200 else (status, json.loads(text)["error"]["code"])

    def test_a_task_is_done_for_the_tenant_of_who_asks(self):
        self.assertEqual(self.task("the token of acme"), "acme")
        self.assertEqual(self.task("the key of acme", tenant="acme"), "acme")
        self.assertEqual(self.task("the token of other"), "other")
        self.assertEqual(self.task("a key"), "")
        self.assertEqual(self.task("a key", tenant="acme"), "acme")

    def test_nobody_names_another_tenant(self):
        self.assertEqual(self.task("the token of acme", tenant="other"), (403, "denied"))
        self.assertEqual(self.task("the key of acme", tenant="other"), (403, "denied"))
        status, text = self.ask("the token of acme", "POST", "/v1/tasks", {"type": "tenant", "tenant": "other"})
        self.assertIn('is for the tenant "acme"', json.loads(text)["error"]["message"])
        lines = self.ask("the key of acme", "POST", "/v1/tasks/submit", '{"type":"tenant","tenant":"other"}\n')[1]
        self.assertEqual(json.loads(lines)["error"]["code"], "denied")

    def test_durable_tasks_are_their_tenants(self):
        task = json.loads(self.ask("the token of acme", "POST", "/v1/tasks/submit", '{"type":"tenant"}\n')[1])["id"]
        done = json.loads(self.ask("the key of acme", "POST", f"/v1/tasks/{task}/wait", {})[1])
        self.assertEqual((done["tenant"], done["result"]), ("acme", "acme"))
        for who, there in (("the token of acme", True), ("the token of other", False), ("a key", True)):
            self.assertEqual(self.ask(who, "GET", f"/v1/tasks/{task}")[0], 200 if there else 404, who)
            listed = [row["id"] for row in json.loads(self.ask(who, "GET", "/v1/tasks")[1])]
            self.assertEqual(task in listed, there, who)
        self.assertEqual(self.ask("the token of other", "POST", f"/v1/tasks/{task}/purge")[0], 404)
        self.assertEqual(self.ask("the token of other", "GET", "/v1/tasks?tenant=acme")[0], 403)

    def test_agents_are_their_tenants(self):
        def named(who, path="/v1/agents"):
            return sorted((row["id"], row["tenant"]) for row in json.loads(self.ask(who, "GET", path)[1]))

        for who in ("the token of acme", "the token of other", "a key"):
            self.assertEqual(self.ask(who, "POST", "/v1/agents", {"id": "planner"})[0], 201)
            write = {"path": "goal", "value": who}
            self.assertEqual(self.ask(who, "POST", "/v1/agents/planner/set", write)[0], 200)
        for who in ("the token of acme", "the token of other", "a key"):
            self.assertEqual(json.loads(self.ask(who, "GET", "/v1/agents/planner")[1])["state"], {"goal": who})
        lines = '{"op":"create","id":"second"}\n{"op":"set","id":"planner","path":"n","value":1}\n'
        self.assertEqual(json.loads(self.ask("the key of acme", "POST", "/v1/apply", lines)[1])["applied"], 2)
        acme, other = [("planner", "acme"), ("second", "acme")], [("planner", "other")]
        for path in ("/v1/agents", "/v1/snapshots"):
            self.assertEqual(named("the key of acme", path), acme)
            self.assertEqual(named("the token of other", path), other)
            self.assertEqual(named("a key", path + "?tenant=other"), other)
            self.assertLess(set(acme + other + [("planner", "default")]),
                            set(named("a key", path) + [("", "")]))
        self.assertEqual(json.loads(self.ask("a key", "GET", "/v1/agents/planner?tenant=acme")[1])["state"]["n"], 1)
        self.assertEqual(self.ask("the token of other", "GET", "/v1/agents/second")[0], 404)
        self.assertEqual(self.ask("the token of other", "GET", "/v1/history/second")[0], 404)
        self.assertEqual(self.ask("the token of other", "GET", "/v1/watch/second")[0], 404)
        self.assertEqual(self.ask("the token of other", "DELETE", "/v1/agents/second")[0], 404)
        for path in ("/v1/agents", "/v1/agents/planner", "/v1/history/planner", "/v1/snapshots/export"):
            self.assertEqual(self.ask("the token of other", "GET", path + "?tenant=acme")[0], 403, path)
        history = json.loads(self.ask("the key of acme", "GET", "/v1/history/planner?limit=1")[1])
        self.assertEqual(len(history), 1)
        self.assertEqual(json.loads(self.ask("the token of acme", "GET", "/v1/forks")[1]), [])
        status, text = self.ask("the key of acme", "GET", "/v1/agents?tenant=mcpz.system")
        self.assertEqual(status, 400, text)
        status, file = self.ask("the token of other", "GET", "/v1/snapshots/export")
        self.assertEqual(status, 200)
        self.assertIn(b"the token of other", file)
        self.assertNotIn(b"the token of acme", file)
        self.assertEqual(self.ask("the token of other", "POST", "/v1/snapshots/import", file)[0], 403)

    def test_what_is_nobodys_alone_takes_a_key_without_a_tenant(self):
        for path in ("/v1/status", "/v1/config", "/v1/tokens", "/v1/peers", "/v1/work?capability=x", "/v1/runs"):
            status, text = self.ask("the token of acme", "GET", path)
            self.assertEqual((path, status), (path, 403))
            self.assertIn("not for one tenant alone", json.loads(text)["error"]["message"])
        self.assertEqual(self.ask("a key", "GET", "/v1/status")[0], 200)

    def test_calls_of_mcp_are_made_for_the_tenant_too(self):
        # A program that plays the host of an MCP server sees for whom it is called.
        work = Local(self.node)
        work.request("GET", "/v1/work?capability=mcp%2Fx&capability=mcp.about%2Fx%2F0011223344556677&concurrency=8")
        lines = work.getresponse()
        tenants = []

        def serve():
            for line in iter(lines.readline, b""):
                if not line.strip():
                    continue
                task = json.loads(line)
                if task["type"].startswith("mcp.about/"):
                    said = {"name": "x", "era": "modern", "supportedVersions": ["2026-07-28"],
                            "serverInfo": {"name": "x", "version": "1"}, "capabilities": {"tools": {}},
                            "tools": [{"name": "t", "inputSchema": {"type": "object"}}],
                            "resources": [], "resourceTemplates": [], "prompts": [], "stateless": True}
                else:
                    tenants.append(task["tenant"])
                    said = {"jsonrpc": "2.0", "id": json.loads(task["input"])["id"],
                            "result": {"resultType": "complete", "content": []}}
                answer = Local(self.node)
                answer.request("POST", f"/v1/work/{task['task']}", json.dumps(said) + "\n")
                answer.getresponse().read()
                answer.close()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        call = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {
            "name": "t", "arguments": {}, "_meta": {"io.modelcontextprotocol/protocolVersion": "2026-07-28",
                                                    "io.modelcontextprotocol/clientCapabilities": {}}}}
        headers = {"Content_Type": "application/json", "MCP_Protocol_Version": "2026-07-28",
                   "Mcp_Method": "tools/call", "Mcp_Name": "t"}
        until("the server is known", lambda: self.ask("a key", "POST", "/mcp/x", call, **headers)[0] == 200)
        tenants.clear()
        for who in ("the token of acme", "the key of acme", "the token of other", "a key"):
            for path in ("/mcp/x", "/mcp"):
                status, text = self.ask(who, "POST", path, call, **headers)
                self.assertEqual(status, 200, text)
        self.assertEqual(tenants, ["acme"] * 4 + ["other"] * 2 + [None] * 2)
        work.close()


if __name__ == "__main__":
    unittest.main()
