"""The mesh as a client of a scenario of the conformance suite, which starts a server and this:

    mesh_client.py URL      with MCP_CONFORMANCE_SCENARIO, ..._PROTOCOL_VERSION and ..._CONTEXT

A node hosts the server at URL (`url` in mcp.servers), and the scenario is driven through
/mcp/there, so that all the suite sees is what the hosting side says to a server: the requests of
this client with what it makes of them. Of what the client itself would have to do there is as
little as can be: it lists, calls every tool, and answers what it is asked with defaults.
"""

import base64
import concurrent.futures
import json
import os
import pathlib
import re
import sys
import urllib.error
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "support"))

from mesh import Mesh, until  # noqa: E402

MODERN = "2026-07-28"
META = "io.modelcontextprotocol/"
CAPABILITIES = {"sampling": {}, "elicitation": {"form": {"applyDefaults": True}}, "roots": {}}
INFO = {"name": "mesh-client", "version": "1"}
PATIENCE_S = 20
TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, section 5.6.2


def answer_to(method, params):
    """What this client says when it is asked something."""
    if method == "elicitation/create":
        properties = params.get("requestedSchema", {}).get("properties", {})
        content = {name: value["default"] if "default" in value else "text" if value.get("type") == "string" else True
                   for name, value in properties.items()}
        return {"action": "accept", "content": content}
    if method == "sampling/createMessage":
        return {"role": "assistant", "model": "none", "content": {"type": "text", "text": "said"}}
    return {"roots": [{"uri": "file:///tmp", "name": "tmp"}]}


class Client:
    """A client of either era, of one path."""

    def __init__(self, url, is_modern):
        self.url = url
        self.is_modern = is_modern
        self.session = None
        self.last = 0

    def post(self, message, **headers):
        """All messages of the answer, as they come."""
        said = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream", **headers}
        if self.session is not None:
            said["Mcp-Session-Id"] = self.session
        request = urllib.request.Request(self.url, json.dumps(message).encode(), said)
        try:
            answer = urllib.request.urlopen(request, timeout=PATIENCE_S)
        except urllib.error.HTTPError as error:
            answer = error
        with answer:
            self.session = answer.headers.get("mcp-session-id") or self.session
            if answer.headers.get("content-type") != "text/event-stream":
                text = answer.read()
                if text:
                    yield json.loads(text)
                return
            for line in answer:
                if line.startswith(b"data:") and line[5:].strip():
                    yield json.loads(line[5:])

    def begin(self):
        if self.is_modern:
            return self.ask("server/discover")
        result = self.ask("initialize", {"protocolVersion": "2025-11-25", "capabilities": CAPABILITIES, "clientInfo": INFO})
        list(self.post({"jsonrpc": "2.0", "method": "notifications/initialized"}))
        return result

    def ask(self, method, params=None, more=None):
        """The response's result; None: it is an error."""
        params = dict(params or {})
        headers = dict(more or {})
        self.last += 1
        if self.is_modern:
            params["_meta"] = {META + "protocolVersion": MODERN, META + "clientCapabilities": CAPABILITIES,
                               META + "clientInfo": INFO}
            headers.update({"MCP-Protocol-Version": MODERN, "Mcp-Method": method})
            for key in ("name", "uri"):
                if key in params:
                    headers["Mcp-Name"] = params[key]
        message = {"jsonrpc": "2.0", "id": self.last, "method": method, "params": params}
        for said in self.post(message, **headers):
            if "method" in said and "id" in said:
                list(self.post({"jsonrpc": "2.0", "id": said["id"],
                                "result": answer_to(said["method"], said.get("params", {}))}))
            elif "result" in said:
                return said["result"]
            elif "error" in said:
                print(f"{method} {params.get('name', '')}: {said['error']}", file=sys.stderr)
        return None

    def ask_all(self, method, params, more=None):
        """The same; what input it requires is given."""
        result = self.ask(method, params, more)
        while result is not None and result.get("resultType") == "input_required":
            again = {**params, "inputResponses": {
                key: answer_to(asked["method"], asked.get("params", {}))
                for key, asked in result.get("inputRequests", {}).items()}}
            if "requestState" in result:
                again["requestState"] = result["requestState"]
            result = self.ask(method, again, more)
        return result


def header_value(value):
    """As a header says it: SEP-2243."""
    if isinstance(value, bool):
        return "true" if value else "false"
    text = str(value)
    if text != text.strip() or any(not 32 <= ord(one) < 127 for one in text) or text.startswith("=?base64?"):
        return f"=?base64?{base64.b64encode(text.encode()).decode()}?="
    return text


def headers_for(tool, arguments):
    properties = tool.get("inputSchema", {}).get("properties", {})
    return {f"Mcp-Param-{properties[name]['x-mcp-header']}": header_value(value)
            for name, value in arguments.items()
            if value is not None and isinstance(properties.get(name), dict)
            and TOKEN.fullmatch(str(properties[name].get("x-mcp-header", "")))}


def arguments_for(tool):
    """Something for each argument that is required."""
    schema = tool.get("inputSchema", {})
    samples = {"number": 5, "integer": 5, "boolean": True, "array": [], "object": {}}
    return {name: samples.get(schema.get("properties", {}).get(name, {}).get("type"), "text")
            for name in schema.get("required", [])}


def drive(client, scenario, context):
    client.begin()
    tools = (client.ask("tools/list") or {}).get("tools", [])
    by_name = {tool["name"]: tool for tool in tools}
    calls = context.get("toolCalls") or [{"name": tool["name"], "arguments": arguments_for(tool)} for tool in tools]
    if scenario == "json-schema-2020-12-preservation":
        focal, echo = [tool for tool in tools if "$schema" in tool["inputSchema"]], \
            [tool for tool in tools if "schema" in tool["inputSchema"].get("properties", {})]
        calls = [{"name": echo[0]["name"], "arguments": {"schema": focal[0]["inputSchema"]}}]

    def call(one):
        return client.ask_all("tools/call", one, headers_for(by_name.get(one["name"], {}), one["arguments"]))

    with concurrent.futures.ThreadPoolExecutor(len(calls) or 1) as pool:
        list(pool.map(call, calls))
    for method, key, name in (("resources/list", "resources", "uri"), ("prompts/list", "prompts", "name")):
        for item in (client.ask(method) or {}).get(key, []):
            client.ask_all(method.replace("/list", "/read" if key == "resources" else "/get"), {name: item[name]})


def main():
    scenario = os.environ["MCP_CONFORMANCE_SCENARIO"]
    is_modern = os.environ.get("MCP_CONFORMANCE_PROTOCOL_VERSION") == MODERN
    context = json.loads(os.environ.get("MCP_CONFORMANCE_CONTEXT", "{}"))
    with Mesh() as mesh:
        config = pathlib.Path(mesh.directory) / "there.yaml"
        config.write_text(json.dumps({"mcp": {"servers": {"there": {"url": sys.argv[-1]}}}}))
        node = mesh.founder("host", "--api", "127.0.0.1:0", "--config", config)
        until("the server is described", lambda: any(
            row["name"].startswith("mcp.about/there/") for row in node.ask("capabilities")), PATIENCE_S)
        drive(Client(node.ready["api"] + "/mcp/there", is_modern), scenario, context)
        node.stop()


if __name__ == "__main__":
    main()
