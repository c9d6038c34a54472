"""The fixture servers of the public conformance suites, made with the official SDKs, hosted by a
node and called across the mesh by clients of either era. Wants setup.sh to have run."""

import json
import os
import pathlib
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "support"))

from fixture import Fixture  # noqa: E402
from mcp_call import MODERN, Client  # noqa: E402
from mesh import MCPZ, Mesh, until, wait_linked  # noqa: E402

DIRECTORY = pathlib.Path(os.environ.get("MCPZ_CONFORMANCE", ROOT / "build" / "conformance"))
NODE = DIRECTORY / "node_modules" / "node" / "bin" / "node"
CAN_ALL = {"capabilities": {"sampling": {}, "elicitation": {}, "roots": {"listChanged": True}},
           "clientInfo": {"name": "test", "version": "1"}}
SERVER_INFO = "io.modelcontextprotocol/serverInfo"


def answer(question):
    """What a client that can do all answers."""
    method = question["method"]
    if method == "sampling/createMessage":
        content = {"type": "text", "text": "Paris"}
        return {"result": {"role": "assistant", "content": content, "model": "m"}}
    if method == "roots/list":
        return {"result": {"roots": [{"uri": "file:///x", "name": "x"}]}}
    assert method == "elicitation/create", question
    properties = question["params"]["requestedSchema"]["properties"]
    return {"result": {"action": "accept", "content": {name: "v" for name in properties}}}


def text_of(result):
    return result["content"][0]["text"]


class Hosting(unittest.TestCase):
    """A hosts both fixtures, B calls them."""

    @classmethod
    def setUpClass(cls):
        cls.mesh = Mesh()
        config = pathlib.Path(cls.mesh.directory) / "a.yaml"
        config.write_text(json.dumps({"mcp": {"servers": {
            era: cls.server(era) for era in ("legacy", "modern")}}}))
        cls.a = cls.mesh.founder("A", "--config", config)
        cls.b = cls.mesh.joiner(cls.a, "B")
        wait_linked([cls.a, cls.b])
        for era in ("legacy", "modern"):
            until(f"{era} is offered",
                  lambda era=era: f"mcp/{era}" in [row["name"] for row in cls.b.ask("capabilities")]
                  or None)

    @classmethod
    def server(cls, era):
        return {"command": str(NODE), "args": [str(DIRECTORY / f"conf-{era}.mjs"), "stdio"],
                "cwd": str(DIRECTORY)}

    @classmethod
    def tearDownClass(cls):
        for node in cls.mesh.nodes:
            node.stop()
        cls.mesh.__exit__(None, None, None)

    def client(self, server, era, **more):
        session = "%032x" % id(self) if era == "legacy" else None
        return Client(MCPZ, str(self.b.data), server, era=era, session=session,
                      **{"client": CAN_ALL, **more})

    def ask_twice(self, client, method, params):
        """As a modern client: until nothing more is required."""
        result = client.result(method, params)
        while result["resultType"] == "input_required":
            answers = {key: answer(question)["result"]
                       for key, question in result["inputRequests"].items()}
            again = {**params, "inputResponses": answers}
            if "requestState" in result:
                again["requestState"] = result["requestState"]
            result = client.result(method, again)
        return result

    def test_what_all_servers_have_in_every_combination(self):
        for server in ("legacy", "modern"):
            for era in ("legacy", "modern"):
                with self.subTest(server=server, client=era):
                    client = self.client(server, era)
                    tools = client.result("tools/list")["tools"]
                    self.assertIn("json_schema_2020_12_tool", [tool["name"] for tool in tools])
                    schema = [tool["inputSchema"] for tool in tools
                              if tool["name"] == "json_schema_2020_12_tool"][0]
                    self.assertEqual(schema["$defs"]["address"]["$anchor"], "addressDef")
                    self.assertEqual(text_of(client.tool("test_simple_text")),
                                     "This is a simple text response for testing.")
                    self.assertTrue(client.tool("test_error_handling")["isError"])
                    read = client.result("resources/read", {"uri": "test://static-binary"})
                    self.assertIn("blob", read["contents"][0])
                    read = client.result("resources/read", {"uri": "test://template/7/data"})
                    self.assertIn('"id":"7"', read["contents"][0]["text"])
                    prompt = client.result("prompts/get", {
                        "name": "test_prompt_with_arguments",
                        "arguments": {"arg1": "a", "arg2": "b"}})
                    self.assertIn("arg1='a'", prompt["messages"][0]["content"]["text"])
                    found = client.result("completion/complete", {
                        "ref": {"type": "ref/prompt", "name": "test_prompt_with_arguments"},
                        "argument": {"name": "arg1", "value": "par"}})
                    self.assertIn("paris", found["completion"]["values"])
                    heard = client.ask("tools/call", {"name": "test_tool_with_progress",
                                                      "arguments": {}}, progressToken="mine")
                    self.assertEqual([(line["params"]["progress"], line["params"]["progressToken"])
                                      for line in heard[:-1]],
                                     [(0, "mine"), (50, "mine"), (100, "mine")])
                    logging = self.client(server, era, level="info")
                    heard = logging.ask("tools/call", {"name": "test_tool_with_logging",
                                                       "arguments": {}})
                    self.assertEqual([line["method"] for line in heard[:-1]],
                                     ["notifications/message"] * 3)
                    code = client.error("resources/read", {"uri": "test://none"})["code"]
                    self.assertEqual(code, -32002 if (server, era) == ("legacy", "legacy")
                                     else -32602)
                    if era == "modern":
                        found = client.result("server/discover")
                        self.assertEqual(found["supportedVersions"], [MODERN])
                        self.assertIn(SERVER_INFO, found["_meta"])
                        result = client.result("tools/list")
                        self.assertEqual((result["resultType"], result["ttlMs"] >= 0),
                                         ("complete", True))
                    else:
                        self.assertEqual(client.result("ping"), {})
                        begun = client.result("initialize", {})
                        self.assertEqual(begun["protocolVersion"], "2025-11-25")

    def test_a_legacy_server_asks_either_client(self):
        for name, arguments, words in (
                ("test_sampling", {"prompt": "?"}, "LLM response: Paris"),
                ("test_elicitation", {"message": "?"}, '"username":"v"')):
            legacy = self.client("legacy", "legacy")
            modern = self.client("legacy", "modern")
            self.assertIn(words, text_of(legacy.tool(name, arguments, answer)))
            result = self.ask_twice(modern, "tools/call", {"name": name, "arguments": arguments})
            self.assertIn(words, text_of(result))

    def test_a_modern_server_asks_either_client(self):
        for name, words in (("elicitation", "Hello, v!"), ("sampling", "Paris"),
                            ("list_roots", "file:///x"), ("request_state", "state-ok"),
                            ("multiple_inputs", "all inputs received"),
                            ("multi_round", "done v v")):
            name = "test_input_required_result_" + name
            legacy = self.client("modern", "legacy")
            modern = self.client("modern", "modern")
            self.assertIn(words, text_of(legacy.tool(name, {}, answer)))
            result = self.ask_twice(modern, "tools/call", {"name": name, "arguments": {}})
            self.assertIn(words, text_of(result))
        error = self.client("modern", "modern", client={"capabilities": {}}).error(
            "tools/call", {"name": "test_missing_capability", "arguments": {}})
        self.assertEqual(error["code"], -32021)

    def test_changes_reach_who_listens(self):
        client = self.client("modern", "legacy")
        listener = client.call(kind="listen")
        self.assertEqual(listener.node(), self.a.id)
        self.assertEqual(client.result("resources/subscribe", {"uri": "test://watched-resource"}),
                         {})
        client.tool("test_trigger_tool_change")
        self.assertEqual(listener.hear()["method"], "notifications/tools/list_changed")
        client.call(kind="end").end()
        self.assertEqual(listener.end(), [])
        modern = self.client("modern", "modern")
        call = modern.call()
        request = modern.message("subscriptions/listen",
                                 {"notifications": {"promptsListChanged": True}})
        call.say(request)
        self.assertEqual(call.node(), self.a.id)
        tag = "io.modelcontextprotocol/subscriptionId"
        heard = call.hear()
        self.assertEqual((heard["method"], heard["params"]["_meta"][tag]),
                         ("notifications/subscriptions/acknowledged", request["id"]))
        modern.tool("test_trigger_prompt_change")
        heard = call.hear()
        self.assertEqual((heard["method"], heard["params"]["_meta"][tag]),
                         ("notifications/prompts/list_changed", request["id"]))
        call.cancel()


class RemoteHosting(Hosting):
    """The same, where the fixtures run elsewhere, over Streamable HTTP."""

    @classmethod
    def setUpClass(cls):
        cls.fixtures = []
        super().setUpClass()

    @classmethod
    def server(cls, era):
        fixture = Fixture(NODE, DIRECTORY / f"conf-{era}.mjs")
        cls.fixtures.append(fixture)
        return {"url": fixture.url}

    @classmethod
    def tearDownClass(cls):
        super().tearDownClass()
        for fixture in cls.fixtures:
            fixture.stop()


if __name__ == "__main__":
    if not NODE.exists():
        print(f"not installed: run {ROOT}/tests/conformance/setup.sh {DIRECTORY}")
        sys.exit(77)
    unittest.main(verbosity=2)
