"""The OpenAPI document is true: each operation is asked for at real nodes, and what is said held against it."""

import http.client
import json
import os
import pathlib
import sys
import threading
import unittest
from urllib.parse import quote

SUPPORT = pathlib.Path(__file__).resolve().parents[1] / "support"
sys.path.insert(0, str(SUPPORT))

try:
    import jsonschema  # noqa: F401
except ImportError:
    print("python3-jsonschema is not here: see tools/packages")
    sys.exit(77)

from mesh import PATIENCE_S, ROOT, Local, Mesh, until  # noqa: E402
from openapi import Document, lines_of  # noqa: E402

KEY = "k3y-for-tests"
ACME = "k3y-of-acme"
ACCEPT = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
MODERN = {"MCP-Protocol-Version": "2026-07-28", **ACCEPT}
META = {"io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {}}


class Api:
    """A node's API. What is sent and what comes back is held against the document."""

    document = None
    succeeded = set()  # operations

    def __init__(self, node, tcp=False, key=None):
        self.node, self.tcp, self.key = node, tcp, key

    def connection(self):
        if self.tcp:
            return http.client.HTTPConnection(self.node.ready["api"].removeprefix("http://"), timeout=PATIENCE_S)
        return Local(self.node)

    def begin(self, name, body=None, headers=None, query="", **names):
        """Ask; the connection and the answer, of which nothing was read."""
        method, path, _ = self.document.operations[name]
        for key, value in names.items():
            path = path.replace("{" + key + "}", quote(value, safe=""))
        headers = dict(headers or {})
        if self.key:
            headers["X-API-Key"] = self.key
        connection = self.connection()
        try:
            connection.request(method.upper(), path + query, body, headers)
        except (BrokenPipeError, ConnectionResetError):
            pass  # it was refused before all of it was sent
        return connection, connection.getresponse()

    def ask(self, name, body=None, status=200, wrong=False, **more):
        """Ask, and give what is said. `wrong`: the body is none that the document lets pass."""
        if isinstance(body, (dict, list)):
            assert self.document.takes(name, body) != wrong, f"{name} with {body}"
            body = json.dumps(body)
        connection, answer = self.begin(name, body, **more)
        text = answer.read()
        connection.close()
        headers = {key.lower(): value for key, value in answer.getheaders()}
        if answer.status != status:
            raise AssertionError(f"{name} answered {answer.status}, not {status}: {text[:500]!r}")
        self.document.check_answer(name, answer.status, headers, text)
        if answer.status < 300:
            self.succeeded.add(name)
        if headers.get("content-type", "").startswith("application/json"):
            return json.loads(text)
        return text

    def submit(self, **order):
        self.document.check({"$ref": "#/components/schemas/TaskOrder"}, order, "an order")
        taken = list(lines_of(self.ask("submitTasks", json.dumps(order) + "\n").decode()))
        assert len(taken) == 1 and "id" in taken[0], taken
        return taken[0]["id"]


class Work:
    """A program that takes tasks over HTTP."""

    def __init__(self, api, query):
        self.api = api
        self.connection, self.answer = api.begin("takeWork", query=query)
        assert self.answer.status == 200
        api.succeeded.add("takeWork")

    def next(self):
        content = self.api.document.response_of("takeWork", 200)["content"]["application/x-ndjson"]
        while True:
            line = self.answer.readline()
            if not line:
                raise EOFError
            if line.strip():
                said = json.loads(line)
                self.api.document.check(content["x-item-schema"], said, "a line of work")
                return said

    def close(self):
        self.answer.close()
        self.connection.close()


class OpenApi(unittest.TestCase):
    """Two nodes; A has an MCP server and is asked over its socket, and over TCP."""

    @classmethod
    def setUpClass(cls):
        cls.mesh = cls.enterClassContext(Mesh())
        cls.a = cls.mesh.founder("A", "--api", "127.0.0.1:0", "--provide", "cat=cat", "--provide", "no=false")
        cls.b = cls.mesh.joiner(cls.a, "B", "--provide", "slow=sleep 600", "--provide", "far=cat")
        cls.api, cls.other = Api(cls.a), Api(cls.b)
        connection = Local(cls.a)
        connection.request("GET", "/v1/openapi.json")
        Api.document = Document(json.loads(connection.getresponse().read()))
        connection.close()
        until("what B offers is known", lambda: {"far", "slow"} <= {
            row["name"] for row in cls.api.ask("listCapabilities")})

    def in_background(self, *arguments, **more):
        """Ask meanwhile; what joins with it gives what was said."""
        said = []
        thread = threading.Thread(target=lambda: said.append(self.api.ask(*arguments, **more)))
        thread.start()

        def join():
            thread.join(PATIENCE_S)
            self.assertTrue(said)
            return said[0]
        return join

    # ---- The node --------------------------------------------------------------------------

    def test_the_document_is_one(self):
        self.api.document.check_schemas()
        said = self.api.ask("getOpenApi")
        self.assertEqual(said["info"]["version"], self.a.status()["version"])

    def test_the_node_says_how_it_is(self):
        self.assertEqual(self.api.ask("getStatus")["name"], "A")
        self.assertEqual([peer["name"] for peer in self.api.ask("listPeers") if peer["state"] == "alive"], ["B"])
        self.assertIn("mesh.listen", [row["key"] for row in self.api.ask("getConfig")])
        self.assertEqual(self.api.ask("getHealth")["problems"], [])
        self.assertEqual(self.api.ask("getReadyz")["ready"], True)
        self.assertEqual(self.api.ask("getLivez"), b"ok\n")
        self.assertIn(b"mcpz_links 1", self.api.ask("getMetrics"))

    def test_events_are_told(self):
        self.assertIn(b"event: alive", self.api.ask("followEvents", query="?follow=0"))
        self.api.ask("followEvents", query="?follow=0&event=linked,dead")
        self.assertIn(b"event: lost", self.api.ask("followEvents", query="?follow=0&since=1"))
        self.api.ask("followEvents", query="?event=nothing", status=400)
        connection, answer = self.api.begin("followEvents")
        self.assertEqual(answer.getheader("content-type").split(";")[0], "text/event-stream")
        connection.close()

    # ---- Tasks -----------------------------------------------------------------------------

    def test_a_task_is_done_or_fails(self):
        for kind, header, said in (("far", {}, b"hello"), ("cat", {"has_input": True, "tenant": "t"}, b"\xff\x00")):
            header = {"type": kind, "timeout_ms": 20000, "idempotency_key": "k", **header}
            self.api.document.check({"$ref": "#/components/schemas/TaskHeader"}, header, "a header")
            done = self.api.ask("runTask", json.dumps(header).encode() + b"\n" + said)
            self.assertEqual(done["state"], "done", done)
        self.assertEqual(done["result_encoding"], "base64")
        self.assertEqual(self.api.ask("runTask", {"type": "no"})["error"]["code"], "provider_failed")
        self.assertEqual(self.api.ask("runTask", {"type": "nobody"})["error"]["code"], "no_provider")
        self.api.ask("runTask", {"type": "cat", "colour": "red"}, status=400, wrong=True)
        self.api.ask("runTask", {"type": "cat", "priority": 101}, status=400, wrong=True)
        self.api.ask("runTask", {}, status=400, wrong=True)

    def test_a_durable_task_has_a_life(self):
        task = self.api.submit(type="far", input="hello", params={"a": 1}, copies=2, priority=70, tenant="t",
                               idempotency_key="k-1")
        done = self.api.ask("waitForTask", {"timeout_ms": 20000}, task=task)
        self.assertEqual((done["state"], done["result"]), ("done", "hello"))
        self.assertEqual(self.other.ask("getTask", task=task)["id"], task)
        self.assertEqual([row["idempotency_key"] for row in self.other.ask("listRuns")], ["k-1"])
        self.assertIn(task, [row["id"] for row in self.api.ask("listTasks", query="?state=done&limit=50")])
        self.api.ask("listTasks", query="?limit=0", status=400)
        self.api.ask("purgeTask", task=task)
        self.api.ask("getTask", task=task, status=404)
        self.api.ask("getTask", task="t-none", status=400)
        refused = self.api.ask("submitTasks", '{"type":"far","attempts":0}\n{"type":')
        self.assertEqual([row["error"]["code"] for row in lines_of(refused.decode())], ["bad_request"] * 2)

    def test_a_dead_task_is_replayed(self):
        task = self.api.submit(type="no", attempts=1)
        dead = self.api.ask("waitForTask", {}, task=task)
        self.assertEqual((dead["state"], dead["history"][0]["error"]["code"]), ("dead", "provider_failed"))
        self.api.ask("replayTask", task=task)
        until("it died again", lambda: self.api.ask("getTask", task=task)["state"] == "dead")
        self.api.ask("purgeTask", task=task)

    def test_a_queue_is_paused(self):
        self.assertTrue(self.api.ask("pauseQueue", {"paused": True}, type="slow")["paused"])
        task = self.api.submit(type="slow")
        self.assertIn(True, [row["paused"] for row in self.api.ask("listQueues") if row["type"] == "slow"])
        self.api.ask("waitForTask", {"timeout_ms": 1}, task=task, status=504)
        self.api.ask("cancelTask", task=task)
        self.api.ask("replayTask", task=task, status=409)
        self.api.ask("pauseQueue", {"paused": False}, type="slow")
        self.api.ask("pauseQueue", {"paused": "no"}, type="slow", status=400, wrong=True)

    def test_work_is_taken_and_answered(self):
        work = Work(self.api, "?capability=w.one&capability=w.two&concurrency=4")
        until("it is offered", lambda: "w.one" in [row["name"] for row in self.api.ask("listCapabilities")])
        done = self.in_background("runTask", b'{"type":"w.one","params":[1]}\n\xffbytes')
        task = work.next()
        self.assertEqual((task["type"], task["params"], "input" in task), ("w.one", [1], False))
        self.api.ask("answerWork", '{"x": 1}', work=task["task"])
        self.assertEqual(done()["result"], {"x": 1})
        self.api.ask("answerWork", "again", work=task["task"], status=404)

        failed = self.in_background("runTask", {"type": "w.two"})
        self.api.ask("failWork", {"message": "no ink"}, work=work.next()["task"])
        self.assertEqual(failed()["error"]["message"], "no ink")

        connection = self.api.connection()
        connection.request("POST", "/v1/tasks", '{"type":"w.two"}')
        task = work.next()
        connection.close()
        self.assertEqual(work.next(), {"task": task["task"], "cancelled": True})

        whole = self.api.submit(type="w.one")
        task = work.next()
        self.assertGreater(task["levels"], 0)
        parts = [{"type": "cat", "input": "1"}, {"type": "far", "input": "4", "id": "b", "weight": 2}]
        self.api.ask("splitWork", {"subtasks": parts, "aggregate": "weighted"}, work=task["task"])
        done = self.api.ask("waitForTask", {"timeout_ms": 30000}, task=whole)
        self.assertEqual((done["state"], done["result"], len(done["subtasks"])), ("done", 3, 2), done)
        self.api.ask("takeWork", query="?capability=cat", status=409)
        self.api.ask("takeWork", status=400)
        work.close()

    # ---- Agents ----------------------------------------------------------------------------

    def test_an_agent_is_written(self):
        name = {"agent": "garden/planner"}
        self.assertEqual(self.api.ask("createAgent", {"id": "garden/planner"}, status=201)["id"], "garden/planner")
        self.api.ask("createAgent", {"id": "garden/planner"}, status=409)
        self.api.ask("createAgent", {"id": 1}, status=400, wrong=True)
        self.api.ask("setAgentEntry", {"path": "a.b", "value": {"$base64": "AA=="}}, **name)
        self.api.ask("setAgentEntry", {"path": "a.c", "value": 1}, **name)
        self.api.ask("addAgentEntry", {"path": "tags", "value": "x"}, **name)
        self.api.ask("addAgentEntry", {"path": "tags", "value": "y"}, **name)
        self.api.ask("removeAgentEntry", {"path": "tags", "value": "y"}, **name)
        self.api.ask("incrementAgentEntry", {"path": "steps", "by": -3}, **name)
        self.api.ask("incrementAgentEntry", {"path": "a.c"}, **name)  # beside what is set there
        self.api.ask("unsetAgentEntry", {"path": "a.b"}, **name)
        self.api.ask("unsetAgentEntry", {"path": "a.b", "value": 1}, status=400, wrong=True, **name)
        for operation, body in (
                ("keepAgentEntry", {"path": "t.kept", "value": [1]}),
                ("fenceAgentEntry", {"path": "t.owner", "value": "n", "fence": {"epoch": 2, "rank": 255}}),
                ("changeAgentLife", {"state": "idle"}), ("enableAgentFlag", {"path": "t.on"}),
                ("grantAgentBudget", {"path": "t.budget", "amount": 10}), ("spendAgentBudget", {"path": "t.budget", "amount": 3}),
                ("grantAgentBudget", {"path": "t.budget", "amount": 2, "to": self.b.ask("status")["node"]}),
                ("pushAgentItem", {"path": "t.list", "value": 1}), ("insertAgentItem", {"path": "t.list", "value": 0, "index": 0}),
                ("pushAgentItem", {"path": "t.list", "value": 2}), ("moveAgentItem", {"path": "t.list", "index": 2, "to_index": 0}),
                ("dropAgentItem", {"path": "t.list", "index": 1}), ("mapAgentEntry", {"path": "t.map"})):
            self.api.ask(operation, body, **name)
        self.assertEqual(self.api.ask("getAgent", **name)["state"]["t"],
                         {"kept": [1], "owner": "n", "on": True, "budget": 7, "list": [2, 1], "map": {}})
        self.api.ask("fenceAgentEntry", {"path": "t.owner", "value": "o", "fence": {"epoch": 1}}, status=409, **name)
        self.api.ask("fenceAgentEntry", {"path": "t.owner", "value": "o", "fence": {}}, status=400, wrong=True, **name)
        self.api.ask("spendAgentBudget", {"path": "t.budget", "amount": 6}, status=409, **name)
        self.api.ask("spendAgentBudget", {"path": "t.budget"}, status=400, wrong=True, **name)
        self.api.ask("changeAgentLife", {"state": "deleted"}, status=400, wrong=True, **name)
        self.api.ask("changeAgentLife", {}, status=400, wrong=True, **name)
        self.api.ask("dropAgentItem", {"path": "t.list", "index": 2}, status=404, **name)
        self.api.ask("disableAgentFlag", {"path": "t.on"}, **name)
        self.api.ask("disableAgentFlag", {"path": "t.on"}, status=404, **name)
        self.api.ask("unsetAgentEntry", {"path": "t"}, **name)
        writes = self.api.ask("getAgentHistory", query="?limit=2", **name)
        self.assertEqual([len(writes), writes[1]["added"], len(writes[1]["removed"])], [2, [], 6])
        until = f"?at_ms={writes[0]['time_ms']}"
        self.assertIn("t", self.api.ask("getAgentHistory", query=until, **name)["state"])
        self.api.ask("getAgentHistory", query="?at_ms=1", status=404, **name)
        self.api.ask("getAgentHistory", query="?limit=0", status=400, **name)
        self.api.ask("getAgentHistory", query="?nothing=1", status=400, **name)
        then = {"at": writes[0]["version"]}
        self.api.ask("getAgentHistory", query=f"?at={then['at']}", **name)
        self.api.ask("getAgentHistory", query="?at=v-1", status=400, **name)
        self.assertIn("t", self.api.ask("restoreAgent", {**then, "dry_run": True}, **name)["after"])
        self.assertNotIn("t", self.api.ask("restoreAgent", {"at_ms": 1, "absent_ok": True}, **name))
        self.api.ask("restoreAgent", {"at_ms": 1}, status=404, **name)
        self.api.ask("restoreAgent", {"at": "v-00000000"}, status=404, **name)
        self.api.ask("restoreAgent", {**then, "at_ms": 1}, status=400, wrong=True, **name)
        self.api.ask("restoreAgent", then, **name)
        self.api.ask("unsetAgentEntry", {"path": "t"}, **name)
        connection, answer = self.api.begin("watchAgent", **name)
        self.assertEqual(answer.getheader("content-type").split(";")[0], "text/event-stream")
        self.assertEqual(answer.read(4), b": \n\n")
        self.api.ask("addAgentEntry", {"path": "tags", "value": "x"}, **name)
        self.assertEqual([answer.readline(), answer.read(6)], [b"event: write\n", b"data: "])
        news = json.loads(answer.readline())
        self.api.document.check({"$ref": "#/components/schemas/AgentNews"}, news, "watchAgent")
        self.assertEqual([news["paths"], news["more"]], [["tags"], 0])
        connection.close()
        self.api.succeeded.add("watchAgent")
        self.api.ask("watchAgent", agent="nobody", status=404)
        agent = self.api.ask("getAgent", **name)
        self.assertEqual(agent["state"], {"a": {"c": 1}, "tags": ["x"], "steps": -3})
        self.assertEqual(agent["conflicts"], [{"path": "a.c", "shown": "register", "hidden": ["counter"],
                                               "values": {"counter": 1}}])
        self.assertEqual([row["id"] for row in self.api.ask("listAgents")], ["garden/planner"])
        self.assertTrue(self.api.ask("listAgents", query="?deleted=true&here=true"))
        roots = {row["id"]: row["root"] for row in self.api.ask("listSnapshots")}
        self.assertEqual(roots["garden/planner"], agent["root"])
        exported = self.api.ask("exportSnapshot", query="?agent=garden%2Fplanner")
        self.assertEqual(self.api.ask("importSnapshot", exported)["applied"], 0)
        self.api.ask("importSnapshot", b"nonsense", status=400)
        self.api.ask("exportSnapshot", query="?agent=nobody", status=404)
        applied = self.api.ask("applyWrites", b'{"op": "create", "id": "many"}\n\nnonsense\n')
        self.assertEqual((applied["applied"], applied["errors"][0]["line"]), (1, 3))
        self.api.ask("deleteAgent", agent="many")
        self.assertTrue(self.api.ask("makeBackup", query="?rate=900000000").startswith(b"mcpzbackup"))
        self.api.ask("makeBackup", query="?rate=x", status=400)
        self.assertTrue(self.api.ask("checkStore")["well"])
        self.api.ask("deleteAgent", **name)
        self.api.ask("getAgent", status=404, **name)
        self.api.ask("getAgent", agent="x" * 129, status=400)

    # ---- What holds for the mesh -----------------------------------------------------------

    def test_layouts_are_staged_and_applied(self):
        self.api.ask("planLayout", status=409)
        self.api.ask("applyLayout", status=409)
        self.api.ask("stageLayout", {"auto": True}, status=404)
        self.api.ask("stageLayout", {"nodes": [{"node": "nobody"}]}, status=404)
        self.api.ask("stageLayout", {"nodes": [{"node": "A", "weight": 65}]}, status=400, wrong=True)
        staged = self.api.ask("stageLayout", {"nodes": [{"node": "A"}, {"node": "B", "zone": "z"}]})["staged"]
        self.assertEqual((staged["version"], staged["copies"], len(staged["nodes"])), (1, 3, 2))
        self.assertIn("copies", self.api.ask("planLayout")["impossible"])
        self.api.ask("applyLayout", status=409)
        self.api.ask("revertLayout")
        self.api.ask("stageLayout", {"nodes": [{"node": "A"}, {"node": "B"}], "copies": 2})
        plan = self.api.ask("planLayout")
        self.assertEqual((plan["before"], plan["moved"]), (None, 2 * 65536))
        self.assertEqual([row["partitions"] for row in plan["after"]["nodes"]], [65536, 65536])
        self.assertEqual(self.api.ask("getLayout")["layout"], None)
        self.api.ask("applyLayout")
        self.assertEqual(self.api.ask("getLayout")["layout"]["version"], 1)
        self.api.ask("skipNode", {"node": "B"}, status=409)
        self.api.ask("skipNode", {"node": "nobody"}, status=404)

    def test_rules_are_set_and_explained(self):
        rule = self.api.ask("setRule", {"pattern": "far*", "rule": "weighted B=3 role:x priority=75"})
        self.assertEqual((rule["strategy"], rule["targets"][0]["weight"]), ("weighted", 3))
        until("it is listed", lambda: "far*" in [row["pattern"] for row in self.api.ask("listRules")])
        until("it holds", lambda: self.api.ask("explainRules", query="?type=far")["rule"] is not None)
        self.api.ask("runTask", b'{"type":"far"}\nx')
        self.assertEqual(self.api.ask("explainRules", query="?type=far")["providers"][0]["name"], "B")
        self.api.ask("explainRules", query="?type=nobody")
        self.api.ask("explainRules", status=400)
        self.api.ask("setRule", {"pattern": "x", "rule": "best"}, status=400)
        self.api.ask("removeRule", pattern="far*")
        until("it is gone", lambda: not self.api.ask("listRules"))
        self.api.ask("removeRule", pattern="far*", status=404)

    def test_a_blob_comes_in_parts_and_goes(self):
        octets = {"Content-Type": "application/octet-stream"}
        upload = self.api.ask("beginUpload", status=201)["upload"]
        self.api.ask("addPart", b"x" * 1000, upload=upload, query="?offset=0", headers=octets)
        self.api.ask("addPart", b"y" * 10, upload=upload, query="?offset=1001", headers=octets, status=409)
        received = self.api.ask("addPart", b"y" * 10, upload=upload, query="?offset=1000", headers=octets)["received"]
        self.assertEqual(received, 1010)
        blob = self.api.ask("finishUpload", upload=upload, status=201)["blob"]
        self.api.ask("finishUpload", upload=upload, status=404)
        self.assertEqual(self.api.ask("getBlob", blob=blob)["size"], 1010)
        self.assertIn(blob, [row["blob"] for row in self.api.ask("listBlobs")])
        self.assertEqual(self.api.ask("listBlobs", query="?tenant=another"), [])
        self.api.ask("getBlob", blob=blob, query="?tenant=another", status=404)
        self.assertEqual(self.api.ask("readBlob", blob=blob, query="?offset=998&length=4"), b"xxyy")
        self.api.ask("readBlob", blob=blob, query="?length=1048577", status=400)
        self.api.ask("removeBlob", blob=blob)
        self.api.ask("forgetUpload", upload=self.api.ask("beginUpload", status=201)["upload"])
        self.api.ask("forgetUpload", upload="0" * 16, status=404)

    def test_keys_are_changed_and_shredded(self):
        self.api.ask("beginUpload", query="?tenant=gone", status=201)
        before = self.api.ask("listKeys")
        self.assertIn("gone", before["tenants"])
        self.assertNotEqual(self.api.ask("rotateKeys")["node_key"], before["node_key"])
        self.api.ask("shredKey", tenant="gone")
        self.assertNotIn("gone", self.api.ask("listKeys")["tenants"])
        self.api.ask("shredKey", tenant="gone", status=404)

    def test_tokens_are_made_and_revoked(self):
        token = self.api.ask("createToken", {"uses": 2, "ttl_ms": 60000, "role": "compute"}, status=201)
        self.api.ask("createToken", {"uses": 0}, status=400, wrong=True)
        self.assertIn(token["id"], [row["id"] for row in self.api.ask("listTokens")])
        self.api.ask("revokeToken", token=token["id"])
        self.api.ask("revokeToken", token="0" * 32, status=404)
        self.api.ask("revokeToken", token="none", status=400)

    def test_a_node_is_shut_out_for_good(self):
        gone = self.mesh.joiner(self.a, "gone")
        gone.kill()
        self.api.ask("revokeNode", {"reason": "nobody"}, status=400, wrong=True)
        self.api.ask("revokeNode", {"node": "nobody"}, status=404)
        made = self.api.ask("revokeNode", {"node": gone.id, "reason": "test"}, status=201)
        self.assertFalse(made.pop("in_layout"))
        self.assertEqual(self.api.ask("listRevocations"), [made])
        self.api.ask("revokeNode", {"node": "gone"}, status=409)
        self.assertIn("revoked", [peer["state"] for peer in self.api.ask("listPeers")])

    def test_nobody_has_contradicted_itself(self):
        self.assertEqual(self.api.ask("listForks"), [])

    # ---- Pools -----------------------------------------------------------------------------

    def test_a_worker_is_leased(self):
        worker = f"exec {sys.executable} {ROOT / 'examples/shout.py'}"
        pool = {"name": "shouts", "command": worker, "size": 1, "warm": True, "isolation": "none"}
        self.api.ask("createPool", pool, status=201)
        self.api.ask("createPool", pool, status=409)
        self.api.ask("createPool", {"name": "two words", "command": "x"}, status=400, wrong=True)
        until("it is ready", lambda: self.api.ask("listPools")[0]["ready"] == 1)
        lease = self.api.ask("leaseWorker", {"ttl_ms": 60000}, pool="shouts", status=201)["lease"]
        self.api.ask("leaseWorker", {}, pool="shouts", status=429)
        self.api.ask("leaseWorker", {}, pool="none", status=404)
        done = self.api.ask("execute", {"type": "text.shout", "params": {"text": "hi"}}, lease=lease)
        self.assertEqual((done["state"], done["error"]), ("done", None), done)
        self.api.ask("renewLease", {}, lease=lease)
        self.assertEqual(self.api.ask("releaseLease", lease=lease), {"released": lease})
        self.api.ask("releaseLease", lease=lease, status=404)
        self.assertEqual(self.api.ask("removePool", pool="shouts"), {"removed": "shouts"})
        self.api.ask("removePool", pool="shouts", status=404)

    # ---- MCP -------------------------------------------------------------------------------

    def test_an_mcp_server_is_hosted_and_met(self):
        server = {"name": "echo", "command": sys.executable, "args": [str(SUPPORT / "mcp_server.py"), "x", "legacy"],
                  "env": {"SECRET": "s3cret"}, "shared": True}
        added = self.api.ask("addMcpServer", server, status=201)
        self.assertNotIn("s3cret", json.dumps(added))
        self.api.ask("addMcpServer", {"name": "echo", "command": "x", "colour": 1}, status=400, wrong=True)
        self.api.ask("addMcpServer", {"name": "far", "url": "http://127.0.0.1:1/mcp", "headers": {"X-A": "b"}}, status=201)
        until("it is down", lambda: self.api.ask("getMcpServer", server="far")["trouble"])
        self.api.ask("removeMcpServer", server="far")
        until("it is ready", lambda: self.api.ask("getMcpServer", server="echo")["description"])
        self.assertEqual([row["state"] for row in self.api.ask("listMcpServers")], ["ready"])
        self.api.ask("getMcpServer", server="none", status=404)
        for suffix, names in (("Mesh", {}), ("Server", {"server": "echo"})):
            self.meet_legacy(suffix, names)
            self.meet_modern(suffix, names)
            self.refused(suffix, names)
        self.api.ask("removeMcpServer", server="echo")
        self.api.ask("removeMcpServer", server="echo", status=404)

    def test_an_mcp_server_may_be_elsewhere_but_not_here(self):
        own = self.a.ready["api"] + "/mcp"
        server = {"name": "self", "url": own + "?key=s3cret", "headers": {"X-Key": "s3cret"}}
        added = self.api.ask("addMcpServer", server, status=201)
        self.assertEqual((added["config"]["url"], added["config"]["headers"]),
                         (own + "?(set)", {"X-Key": "(set)"}))
        trouble = until("it is refused", lambda: self.api.ask("getMcpServer", server="self")["trouble"])
        self.assertIn("508: it would go round without end: a node of this mesh would host what the mesh has", trouble)
        self.api.ask("addMcpServer", {**server, "command": "x"}, status=400, wrong=True)
        self.api.ask("removeMcpServer", server="self")

    def meet_legacy(self, suffix, names):
        hello = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
            "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}}
        connection, answer = self.api.begin(f"callMcp{suffix}", json.dumps(hello), headers=ACCEPT, **names)
        session = {"Mcp-Session-Id": answer.getheader("Mcp-Session-Id"), "MCP-Protocol-Version": "2025-11-25"}
        self.api.document.check_answer(f"callMcp{suffix}", answer.status,
                                       {k.lower(): v for k, v in answer.getheaders()}, answer.read())
        connection.close()
        said = {"jsonrpc": "2.0", "method": "notifications/initialized"}
        self.api.ask(f"callMcp{suffix}", said, status=202, headers=ACCEPT | session, **names)
        tools = {"jsonrpc": "2.0", "id": 2, "method": "tools/list"}
        listed = self.api.ask(f"callMcp{suffix}", tools, headers=ACCEPT | session, **names)
        self.assertIn("echo", str(listed))  # JSON; a stream from a slow node
        connection, answer = self.api.begin(f"followMcp{suffix}", headers=session, **names)
        self.assertEqual((answer.status, answer.getheader("Content-Type")), (200, "text/event-stream"))
        self.api.succeeded.add(f"followMcp{suffix}")
        connection.close()
        self.api.ask(f"endMcp{suffix}", status=204, headers=session, **names)
        self.api.ask(f"endMcp{suffix}", status=404, headers=session, **names)

    def meet_modern(self, suffix, names):
        for tool in ("echo", "slow"):  # which tells its progress
            call = {"jsonrpc": "2.0", "id": "a", "method": "tools/call",
                    "params": {"name": tool, "arguments": {"text": "hi"}, "_meta": {**META, "progressToken": "p"}}}
            headers = {"Mcp-Method": "tools/call", "Mcp-Name": tool, **MODERN}
            self.api.ask(f"callMcp{suffix}", call, headers=headers, **names)
        headers["Mcp-Name"] = "other"
        self.api.ask(f"callMcp{suffix}", call, status=400, headers=headers, **names)
        self.api.ask(f"followMcp{suffix}", status=405, headers=MODERN, **names)

    def refused(self, suffix, names):
        self.api.ask(f"callMcp{suffix}", "{", status=400, headers=ACCEPT, **names)
        self.api.ask(f"callMcp{suffix}", "{}", status=415, headers={"Content-Type": "text/plain"}, **names)
        self.api.ask(f"callMcp{suffix}", "{}", status=406, headers={**ACCEPT, "Accept": "text/html"}, **names)
        self.api.ask(f"mayMcp{suffix}", status=204, headers={"Origin": "http://localhost:3000"}, **names)

    # ---- Who may ---------------------------------------------------------------------------

    def every_operation(self, api):
        """Ask for each with names of nothing, and give (operation, its answer's status)."""
        dummies = {"task": "t-" + "0" * 32, "work": "1", "agent": "nobody", "type": "nothing", "pattern": "nothing",
                   "token": "0" * 32, "pool": "nothing", "lease": "0" * 15 + "1", "server": "nothing",
                   "blob": "b-" + "a" * 52, "upload": "0" * 16, "tenant": "nothing"}
        for name, (method, _, _) in api.document.operations.items():
            connection, answer = api.begin(name, '{"nothing":0}' if method == "post" else None, **dummies)
            headers = {key.lower(): value for key, value in answer.getheaders()}
            body = answer.read() if answer.status >= 300 else None  # others may be streams
            connection.close()
            if body is not None:
                api.document.check_answer(name, answer.status, headers, body)
            yield name, answer.status

    def test_without_keys_this_machine_may_use_the_node(self):
        for name, status in self.every_operation(Api(self.a, tcp=True)):
            access = self.api.document.operations[name][2]["x-mcpz-access"]
            self.assertEqual(status == 403, access in ("all", "own"), f"{name} ({access}) answered {status}")

    def test_with_keys_one_must_be_shown(self):
        with Mesh() as mesh:
            node = mesh.founder("K", "--api", "127.0.0.1:0", env={"MCP_API_KEYS": f"{KEY},{ACME}=acme"})
            for name, status in self.every_operation(Api(node, tcp=True)):
                access = self.api.document.operations[name][2]["x-mcpz-access"]
                self.assertEqual(status == 401, access != "look", f"{name} ({access}) answered {status}")
            for name in ("getStatus", "getConfig", "listTokens", "getHealth"):
                Api(node, tcp=True, key=KEY).ask(name)
            for name, status in self.every_operation(Api(node, tcp=True, key=ACME)):
                access = self.api.document.operations[name][2]["x-mcpz-access"]
                self.assertEqual(status == 403, access in ("use", "all"), f"{name} ({access}) answered {status}")

    # ---- How anything is refused -----------------------------------------------------------

    def test_errors_are_of_one_shape(self):
        paths = {path: item for path, item in self.api.document.document["paths"].items() if "mcp" != path[1:4]}
        for path in paths:
            connection = self.api.connection()
            connection.request("PUT", path.replace("{", "").replace("}", ""))
            answer = connection.getresponse()
            said = json.loads(answer.read())
            connection.close()
            self.assertEqual((answer.status, said["error"]["code"]), (405, "bad_request"), path)
            self.api.document.check({"$ref": "#/components/schemas/Error"}, said, path)
            self.assertTrue(answer.getheader("Allow"), path)
        self.api.ask("createAgent", '{"id":"' + "x" * 70000 + '"}', status=413)
        self.api.ask("getStatus", query="?" + "x" * 1100, status=414)
        Api(self.a, tcp=True).ask("getHealth", status=403, headers={"Host": "evil.example"})

    # ---- Coming and going: last, for it is B that goes ---------------------------------------

    def test_zz_a_node_leaves_joins_and_drains(self):
        self.assertEqual(self.other.ask("getDrain")["state"], "serving")
        self.other.ask("resume", status=409)
        running = self.in_background("runTask", {"type": "slow"})
        until("it runs", lambda: self.other.ask("getDrain")["runs"] == 1)
        drained = threading.Thread(target=lambda: self.other.ask("drain", {"timeout_ms": 60000}, status=502))
        drained.start()
        until("it goes", lambda: self.other.ask("getDrain")["state"] != "serving")
        self.other.ask("resume")
        drained.join(PATIENCE_S)

        self.other.ask("leave", {})
        self.assertEqual(self.other.ask("getReadyz", status=503)["ready"], False)
        self.other.ask("leave", {}, status=409)
        self.assertEqual(running()["state"], "failed")
        token = self.api.ask("createToken", {}, status=201)["token"]
        self.assertEqual(self.other.ask("join", {"token": token})["mesh"], self.api.ask("getStatus")["mesh"])
        self.other.ask("join", {"token": token}, status=409)
        self.other.ask("join", {"token": "nonsense"}, status=400, wrong=True)
        until("it is a member again", lambda: "B" in self.a.peers())
        self.other.ask("drain", {"timeout_ms": 20000})
        until("it is gone", lambda: {peer["name"]: peer["state"] for peer in self.api.ask("listPeers")}["B"] != "alive")
        self.api.ask("skipNode", {"node": "B"})

    def test_zzz_each_operation_was_seen_to_succeed(self):
        if len(sys.argv) > 1:
            self.skipTest("not all of them were run")
        self.assertEqual(set(self.api.document.operations) - self.api.succeeded, set())


if __name__ == "__main__":
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    unittest.main()
