#!/usr/bin/env python3
"""A small MCP server of 2026-07-28 on stdio whose tools are tasks. Standard library only.

A task moves on whenever it is asked for: "working", then what it asks, if it does, then its end.

ask    asks for a name, and greets it
fail   fails with an error of JSON-RPC
only   is done as a task, or not at all
now    is answered at once, whoever calls
stuck  works until it is cancelled
"""

import json
import secrets
import sys

META = "io.modelcontextprotocol/"
TASKS = META + "tasks"
TOOLS = ["ask", "fail", "only", "now", "stuck"]
QUESTION = {"method": "elicitation/create", "params": {"message": "name?", "requestedSchema": {
    "type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}}}

tasks = {}


class Refused(Exception):
    def __init__(self, code, message, data=None):
        super().__init__(message)
        self.error = {"code": code, "message": message, **({"data": data} if data else {})}


def text(value):
    return {"content": [{"type": "text", "text": value}]}


def knows_tasks(request):
    said = request["params"]["_meta"][META + "clientCapabilities"]
    return TASKS in said.get("extensions", {})


def need_tasks(request):
    if not knows_tasks(request):
        raise Refused(-32021, "Missing required client capability",
                      {"requiredCapabilities": {"extensions": {TASKS: {}}}})


def call(request):
    name = request["params"]["name"]
    if name == "now" or (name != "only" and not knows_tasks(request)):
        return {"resultType": "complete", **text("at once")}
    need_tasks(request)
    task = {"taskId": secrets.token_hex(16), "status": "working", "createdAt": "2026-07-28T00:00:00Z",
            "lastUpdatedAt": "2026-07-28T00:00:00Z", "ttlMs": 60000, "pollIntervalMs": 50}
    tasks[task["taskId"]] = {"shown": task, "tool": name, "looks": 0, "name": None}
    return {"resultType": "task", **task}


def move_on(task):
    shown = task["shown"]
    task["looks"] += 1
    if shown["status"] not in ("working", "input_required") or task["looks"] == 1 or task["tool"] == "stuck":
        return
    if task["tool"] == "fail":
        shown.update(status="failed", error={"code": -32603, "message": "it has failed"})
    elif task["tool"] == "ask" and task["name"] is None:
        shown.update(status="input_required", inputRequests={"who": QUESTION})
    else:
        shown.pop("inputRequests", None)
        shown.update(status="completed", result=text(f"hello {task['name']}" if task["name"] else "done"))


def reach(request):
    need_tasks(request)
    task = tasks.get(request["params"]["taskId"])
    if task is None:
        raise Refused(-32602, "Failed to retrieve task: Task not found")
    method = request["method"]
    if method == "tasks/get":
        move_on(task)
        return {"resultType": "complete", **task["shown"]}
    if method == "tasks/update" and "who" in request["params"]["inputResponses"]:
        task["name"] = request["params"]["inputResponses"]["who"]["content"]["name"]
    if method == "tasks/cancel":
        task["shown"]["status"] = "cancelled"
    return {"resultType": "complete"}


def answer(request):
    method = request["method"]
    if method == "server/discover":
        return {"resultType": "complete", "supportedVersions": ["2026-07-28"], "ttlMs": 0, "cacheScope": "private",
                "capabilities": {"tools": {}, "extensions": {TASKS: {}}},
                "_meta": {META + "serverInfo": {"name": "makers", "version": "1"}}}
    if method == "tools/list":
        return {"resultType": "complete", "ttlMs": 0, "cacheScope": "private",
                "tools": [{"name": tool, "inputSchema": {"type": "object"}} for tool in TOOLS]}
    if method == "tools/call":
        return call(request)
    if method in ("tasks/get", "tasks/update", "tasks/cancel"):
        return reach(request)
    if method == "subscriptions/listen":
        return None  # goes on
    raise Refused(-32601, "Method not found")


def main():
    for line in sys.stdin:
        request = json.loads(line)
        if "id" not in request or "method" not in request:
            continue
        said = {"jsonrpc": "2.0", "id": request["id"]}
        try:
            said["result"] = answer(request)
        except Refused as refused:
            said["error"] = refused.error
        if said.get("result", True) is not None:
            print(json.dumps(said), flush=True)


main()
