"""An MCP server over stdio for tests (2025-11-25), standard library only.

Tools: echo {text}; far {text}, the same, with Mcp-Param-Text; progress: two notifications, then a result; ask: asks its client with
elicitation/create and tells the answer; wait: says one line to the file named by MCP_SEEN, and
answers when it is cancelled, never otherwise.
"""

import json
import os
import sys
import threading

TOOLS = [{"name": name, "inputSchema": {"type": "object"}, "x-unknown": [1, {"deep": None}]}
         for name in ("echo", "progress", "ask", "wait")]
TOOLS.append({"name": "far", "inputSchema": {"type": "object", "properties": {
    "text": {"type": "string", "x-mcp-header": "Text"}}}})
lock = threading.Lock()


def say(message):
    with lock:
        sys.stdout.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
        sys.stdout.flush()


def seen(text):
    with open(os.environ["MCP_SEEN"], "a", encoding="utf-8") as file:
        file.write(text + "\n")


def call(request):
    params = request["params"]
    token = params.get("_meta", {}).get("progressToken")
    text = params.get("arguments", {}).get("text", "")
    if params["name"] == "wait":
        seen("waiting")
        return
    if params["name"] == "ask":
        say({"id": f"ask-{request['id']}", "method": "elicitation/create",
             "params": {"message": "who?", "requestedSchema": {"type": "object", "properties": {}}}})
        return
    if params["name"] == "progress":
        for done in (1, 2):
            say({"method": "notifications/progress",
                 "params": {"progressToken": token, "progress": done, "total": 2}})
    say({"id": request["id"], "result": {"content": [{"type": "text", "text": text}]}})


def hear(message):
    method = message.get("method")
    if method is None:  # an answer to `ask`
        request = message["id"].removeprefix("ask-")
        say({"id": int(request) if request.isdigit() else request,
             "result": {"content": [{"type": "text", "text": message["result"]["action"]}]}})
    elif method == "initialize":
        say({"id": message["id"], "result": {
            "protocolVersion": "2025-11-25", "capabilities": {"tools": {"listChanged": True}},
            "serverInfo": {"name": "test", "version": "1"}, "instructions": "for tests"}})
    elif method == "tools/list":
        say({"id": message["id"], "result": {"tools": TOOLS}})
    elif method == "tools/call":
        call(message)
    elif method == "notifications/cancelled":
        seen("cancelled")
    elif method == "ping":
        say({"id": message["id"], "result": {}})
    elif "id" in message:
        say({"id": message["id"], "error": {"code": -32601, "message": "Method not found"}})


for line in sys.stdin:
    hear(json.loads(line))
