"""Clients of MCP at one node, a server at another: over HTTP, as a client sees it."""

import http.client
import json
import os
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))

from mesh import Mesh, until  # noqa: E402

SERVER = pathlib.Path(__file__).resolve().parent / "mcp_server.py"
META = {"io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {"elicitation": {}}}
BOTH = "application/json, text/event-stream"


def configure(mesh, names, seen):
    path = pathlib.Path(mesh.directory) / f"{'-'.join(names)}.yaml"
    lines = ["mcp:", "  servers:"]
    for name in names:
        lines += [f"    {name}:", f"      command: {sys.executable}", f"      args: [{SERVER}]",
                  "      env:", f"        MCP_SEEN: {seen}"]
    path.write_text("\n".join(lines) + "\n")
    return path


class Stream:
    """An answer that is a stream of events, read one at a time."""

    def __init__(self, connection, response):
        self.connection = connection
        self.response = response
        self.last_id = None

    def event(self):
        """The next event's data, as JSON or ""; None at the end."""
        data = None
        while True:
            line = self.response.readline()
            if not line:
                return None
            line = line.decode().rstrip("\n")
            if line.startswith("id: "):
                self.last_id = line[4:]
            elif line.startswith("data:"):
                data = line[5:].strip()
            elif line == "" and data is not None:
                return json.loads(data) if data else ""

    def message(self):
        event = self.event()
        while event == "":
            event = self.event()
        return event

    def close(self):
        self.connection.close()


class Client:
    """What a client of one path says."""

    def __init__(self, node, path="/mcp"):
        self.address = node.ready["api"].removeprefix("http://")
        self.path = path
        self.session = None
        self.last = 0

    def ask(self, verb, body=None, **headers):
        """Status, headers and either a Stream or the text of the answer."""
        connection = http.client.HTTPConnection(self.address, timeout=60)
        said = {"Content-Type": "application/json", "Accept": BOTH}
        if self.session is not None:
            said["Mcp-Session-Id"] = self.session
        said.update({name.replace("_", "-"): value for name, value in headers.items()})
        connection.request(verb, self.path, body=body, headers=said)
        response = connection.getresponse()
        if response.headers.get("content-type") == "text/event-stream":
            return response.status, response.headers, Stream(connection, response)
        text = response.read().decode()
        connection.close()
        return response.status, response.headers, text

    def initialize(self, **capabilities):
        status, headers, text = self.ask("POST", json.dumps({
            "jsonrpc": "2.0", "id": 0, "method": "initialize",
            "params": {"protocolVersion": "2025-11-25", "capabilities": capabilities,
                       "clientInfo": {"name": "test", "version": "1"}}}))
        assert status == 200, text
        self.session = headers["mcp-session-id"]
        return json.loads(text)["result"]

    def request(self, method, **params):
        self.last += 1
        return self.ask("POST", json.dumps({"jsonrpc": "2.0", "id": self.last, "method": method,
                                            "params": params}))

    def call(self, name, **arguments):
        return self.request("tools/call", name=name, arguments=arguments, _meta={"progressToken": "p"})

    def modern(self, method, more=None, **params):
        self.last += 1
        headers = {"MCP_Protocol_Version": "2026-07-28", "Mcp_Method": method, **(more or {})}
        if "name" in params:
            headers["Mcp_Name"] = params["name"]
        return self.ask("POST", json.dumps({"jsonrpc": "2.0", "id": self.last, "method": method,
                                            "params": {**params, "_meta": META}}), **headers)

    def answer(self, method, **params):
        """The response, whichever way it comes."""
        _, _, said = self.request(method, **params)
        if isinstance(said, str):
            return json.loads(said)
        message = said.message()
        while "method" in message:
            message = said.message()
        said.close()
        return message


class McpFace(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.mesh = cls.enterClassContext(Mesh())
        cls.mesh.__enter__()
        cls.seen = pathlib.Path(cls.mesh.directory) / "seen"
        cls.front = cls.mesh.founder("front", "--api", "127.0.0.1:0")
        cls.back = cls.mesh.joiner(cls.front, "back", "--config",
                                   configure(cls.mesh, ["one"], cls.seen))
        until("the server is seen", lambda: cls.sees("one"))

    @classmethod
    def sees(cls, name):
        return any(row["name"].startswith(f"mcp.about/{name}/") for row in cls.front.ask("capabilities"))

    def saw(self, word):
        return self.seen.exists() and word in self.seen.read_text()

    def setUp(self):
        if self.seen.exists():
            os.truncate(self.seen, 0)
        self.client = Client(self.front)

    def test_tools_of_another_node_are_listed_and_called(self):
        self.assertEqual(self.client.initialize()["serverInfo"]["name"], "mcp-zero")
        tools = self.client.answer("tools/list")["result"]["tools"]
        self.assertEqual([tool["name"] for tool in tools][:4], ["echo", "progress", "ask", "wait"])
        self.assertEqual(tools[0]["x-unknown"], [1, {"deep": None}])
        text = "Grüße \N{EARTH GLOBE EUROPE-AFRICA} " + "x" * 200000
        said = self.client.answer("tools/call", name="echo", arguments={"text": text})
        self.assertEqual(said["result"]["content"][0]["text"], text)
        self.assertEqual(self.client.answer("tools/call", name="none")["error"]["code"], -32602)

    def test_one_server_is_seen_as_it_is(self):
        client = Client(self.front, "/mcp/one")
        said = client.initialize()
        self.assertEqual((said["serverInfo"]["name"], said["instructions"]), ("test", "for tests"))
        self.assertEqual(client.answer("resources/list")["error"]["code"], -32601)
        status, _, _ = Client(self.front, "/mcp/nobody").request("ping")
        self.assertEqual(status, 404)

    def test_progress_comes_on_the_stream_of_its_call(self):
        self.client.initialize()
        _, _, stream = self.client.call("progress", text="done")
        messages = [stream.message() for _ in range(3)]
        self.assertEqual([m["params"]["progress"] for m in messages[:2]], [1, 2])
        self.assertEqual(messages[0]["params"]["progressToken"], "p")
        self.assertEqual(messages[2]["result"]["content"][0]["text"], "done")
        self.assertIsNone(stream.event())

    def test_a_server_can_ask_its_client(self):
        self.client.initialize(elicitation={})
        _, _, stream = self.client.call("ask")
        question = stream.message()
        self.assertEqual(question["method"], "elicitation/create")
        status, _, _ = self.client.ask("POST", json.dumps({
            "jsonrpc": "2.0", "id": question["id"], "result": {"action": "accept"}}))
        self.assertEqual(status, 202)
        self.assertEqual(stream.message()["result"]["content"][0]["text"], "accept")

    def test_a_stream_that_was_lost_is_read_on(self):
        self.client.initialize(elicitation={})
        _, _, stream = self.client.call("ask")
        question = stream.message()
        stream.close()
        self.client.ask("POST", json.dumps({
            "jsonrpc": "2.0", "id": question["id"], "result": {"action": "decline"}}))
        _, _, again = self.client.ask("GET", Last_Event_ID=stream.last_id)
        self.assertEqual(again.message()["result"]["content"][0]["text"], "decline")
        self.assertIsNone(again.event())

    def test_what_is_cancelled_is_cancelled_at_the_server(self):
        self.client.initialize()
        _, _, stream = self.client.call("wait")  # becomes a stream, as it takes so long
        until("it waits", lambda: self.saw("waiting"))
        self.client.ask("POST", json.dumps({
            "jsonrpc": "2.0", "method": "notifications/cancelled",
            "params": {"requestId": self.client.last}}))
        until("it is cancelled", lambda: self.saw("cancelled"))
        self.assertIsNone(stream.message())

    def test_a_modern_client_that_hangs_up_has_cancelled(self):
        connection = http.client.HTTPConnection(self.client.address, timeout=60)
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call",
                           "params": {"name": "wait", "arguments": {}, "_meta": META}})
        connection.request("POST", "/mcp", body=body, headers={
            "Content-Type": "application/json", "Accept": BOTH, "Mcp-Method": "tools/call",
            "MCP-Protocol-Version": "2026-07-28", "Mcp-Name": "wait"})
        until("it waits", lambda: self.saw("waiting"))
        connection.close()
        until("it is cancelled", lambda: self.saw("cancelled"))

    def test_a_modern_client_answers_a_legacy_server(self):
        status, _, text = self.client.modern("tools/call", name="ask", arguments={})
        said = json.loads(text)["result"]
        self.assertEqual((status, said["resultType"]), (200, "input_required"))
        key = next(iter(said["inputRequests"]))
        _, _, text = self.client.modern("tools/call", name="ask", arguments={},
                                        requestState=said["requestState"],
                                        inputResponses={key: {"action": "accept"}})
        self.assertEqual(json.loads(text)["result"]["content"][0]["text"], "accept")

    def test_an_argument_in_a_header_is_held_against_the_body(self):
        client = Client(self.front)
        self.assertEqual(client.modern("tools/list")[0], 200)
        for headers, text, status in (({}, "here", 400), ({"Mcp_Param_Text": "there"}, "here", 400),
                                      ({"Mcp_Param_Text": "here"}, "here", 200),
                                      ({"mcp_param_text": " =?base64?w6k=?= "}, "\u00e9", 200),
                                      ({"Mcp_Param_Text": "=?base64?w6k?="}, "\u00e9", 400)):
            with self.subTest(headers=headers, text=text):
                said, _, answer = client.modern("tools/call", headers, name="far",
                                                arguments={"text": text})
                self.assertEqual(said, status, answer)
                if status == 400:
                    self.assertEqual(json.loads(answer)["error"]["code"], -32020)
                else:
                    self.assertEqual(json.loads(answer)["result"]["content"][0]["text"], text)

    def test_strangers_are_refused(self):
        for headers in ({"Host": "evil.example.com"}, {"Origin": "http://evil.example.com"},
                        {"Origin": "null"}):
            status, _, _ = self.client.ask("POST", "{}", **headers)
            self.assertEqual(status, 403, headers)
        status, headers, _ = self.client.ask("POST", "{}", Origin="http://localhost:3000")
        self.assertEqual((status, headers["access-control-allow-origin"]),
                         (400, "http://localhost:3000"))
        status, headers, _ = self.client.ask("OPTIONS", Origin="http://localhost:3000")
        self.assertEqual(status, 204)
        self.assertIn("Mcp-Session-Id", headers["access-control-allow-headers"])

    def test_bodies_have_a_length_and_a_bound(self):
        status, _, text = self.client.ask("POST", iter([b"{}"]), Transfer_Encoding="chunked")
        self.assertEqual(status, 400)  # it is in no chunks
        self.assertIn("comes in chunks, and does not", text)
        connection = http.client.HTTPConnection(self.client.address, timeout=60)
        said = [b'{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25",',
                b'"capabilities":{},"clientInfo":{"name":"t","version":"1"}}}']
        headers = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
        connection.request("POST", "/mcp", iter(said), headers, encode_chunked=True)
        answer = connection.getresponse()
        self.assertEqual((answer.status, json.loads(answer.read())["id"]), (200, 1))
        connection.close()
        connection = http.client.HTTPConnection(self.client.address, timeout=60)
        connection.putrequest("POST", "/mcp")
        connection.putheader("Content-Length", str(8 * 1024 * 1024 + 1))
        connection.endheaders()
        self.assertEqual(connection.getresponse().status, 413)
        connection.close()

    def test_a_message_of_megabytes_goes_there_and_back(self):
        self.client.initialize()
        text = "m" * (4 * 1024 * 1024)
        said = self.client.answer("tools/call", name="echo", arguments={"text": text})
        self.assertEqual(len(said["result"]["content"][0]["text"]), len(text))

    def test_hundreds_of_clients_are_served_at_once(self):
        self.client.initialize()
        streams = []
        for _ in range(200):
            other = Client(self.front)
            other.initialize()
            streams.append(other.ask("GET")[2])
        self.assertEqual(self.client.answer("ping")["result"], {})
        for stream in streams:
            stream.close()

    def test_a_lost_node_fails_the_call_and_the_list_follows(self):
        """Another server, at a node of its own, which is killed in the middle of a call."""
        self.client.initialize()
        _, _, news = self.client.ask("GET")
        lost = self.mesh.joiner(self.front, "lost", "--config",
                                configure(self.mesh, ["other"], self.seen))
        until("it is seen", lambda: self.sees("other"))
        self.assertEqual(news.message()["method"], "notifications/tools/list_changed")
        names = [tool["name"] for tool in self.client.answer("tools/list")["result"]["tools"]]
        self.assertEqual(names[5:], ["other_echo", "other_progress", "other_ask", "other_wait",
                                     "other_far"])
        _, _, stream = self.client.call("other_wait")
        until("it waits", lambda: self.saw("waiting"))
        lost.kill()
        error = stream.message()["error"]
        self.assertEqual((error["data"]["code"], error["data"]["server"], error["data"]["node"]),
                         ("provider_lost", "other", lost.id))
        self.assertEqual(self.client.answer("tools/call", name="echo")["result"]["content"][0]["text"],
                         "")
        news.close()


if __name__ == "__main__":
    unittest.main()
