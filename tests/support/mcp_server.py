#!/usr/bin/env python3
"""A small MCP server on stdio, of either era, that misbehaves as it is told. Standard library only.

usage: mcp_server.py MARK legacy|modern [exit-early] [silent] [garbage] [deaf] [bare]

exit-early  ends when it is asked anything before initialize
silent      answers nothing before initialize
garbage     prints what is no message to stdout, between messages
deaf        ends neither with its stdin nor with SIGTERM
bare        leaves the line end of its last message out, and ends
"""

import json
import os
import signal
import subprocess
import sys
import time

MARK, ERA, *HOW = sys.argv[1:]
META = "io.modelcontextprotocol/"
TOOLS = ["echo", "crash", "hang", "big", "endless", "pid", "spawn", "env", "ask", "slow"]
INFO = {"name": "small", "version": "1"}


def write(text):
    sys.stdout.write(text)
    sys.stdout.flush()


def say(message):
    if "garbage" in HOW:
        write("this is no message\n{\"jsonrpc\":\n\n")
    write(json.dumps(message, separators=(",", ":")) + ("" if "bare" in HOW else "\n"))
    if "bare" in HOW and message.get("result", {}).get("content"):
        os._exit(0)
    if "bare" in HOW:
        write("\n")


def text(value):
    return {"content": [{"type": "text", "text": value}]}


def ask(request):
    """Ask the client of the call, as its era does, and give its answer."""
    question = {"method": "elicitation/create", "params": {"message": "name?", "requestedSchema": {
        "type": "object", "properties": {"name": {"type": "string"}}}}}
    if ERA == "modern":
        answers = request["params"].get("inputResponses")
        if answers is None:
            return {"resultType": "input_required", "inputRequests": {"who": question}}
        return text("hello " + answers["who"]["content"]["name"])
    say({"jsonrpc": "2.0", "id": "ask", **question})
    answer = json.loads(sys.stdin.readline())
    assert answer["id"] == "ask", answer
    return text("hello " + answer["result"]["content"]["name"])


def call(request):
    name = request["params"]["name"]
    arguments = request["params"].get("arguments", {})
    if name == "echo":
        return text(arguments.get("text", ""))
    if name == "crash":
        os.kill(os.getpid(), signal.SIGKILL)
    if name == "hang":
        while True:
            time.sleep(60)
    if name == "big":
        return text("x" * arguments["bytes"])
    if name == "endless":
        while True:
            write("y" * 65536)
    if name == "pid":
        return text(str(os.getpid()))
    if name == "spawn":  # what it starts leaves its session and its parent
        subprocess.Popen(["sh", "-c", "setsid sh -c 'trap \"\" TERM; sleep 1000; exit' %s &" % MARK],
                         stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                         stderr=subprocess.DEVNULL).wait()
        return text("spawned")
    if name == "env":
        return text(json.dumps({**{k: os.environ.get(k) for k in arguments["names"]},
                                "cwd": os.getcwd()}))
    if name == "slow":
        token = request["params"]["_meta"]["progressToken"]
        for progress in range(3):
            say({"jsonrpc": "2.0", "method": "notifications/progress",
                 "params": {"progressToken": token, "progress": progress}})
        return text("done")
    return ask(request)


def answer(request):
    method = request["method"]
    if method == "tools/list":
        return {"tools": [{"name": tool, "inputSchema": {"type": "object"}} for tool in TOOLS]}
    if method == "tools/call":
        return call(request)
    if ERA == "legacy" and method == "initialize":
        return {"protocolVersion": request["params"]["protocolVersion"],
                "capabilities": {"tools": {"listChanged": True}}, "serverInfo": INFO}
    if ERA == "modern" and method == "server/discover":
        return {"supportedVersions": ["2026-07-28"], "capabilities": {"tools": {}}}
    if ERA == "modern" and method == "subscriptions/listen":
        return None  # goes on
    raise KeyError(method)


def main():
    begun = ERA == "modern"
    if "deaf" in HOW:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    while True:
        line = sys.stdin.readline()
        if not line:
            if "deaf" not in HOW:
                return
            time.sleep(60)
            continue
        request = json.loads(line)
        if "id" not in request or "method" not in request:
            continue
        begun = begun or request["method"] == "initialize"
        if not begun and "exit-early" in HOW:
            sys.exit("initialize comes first")
        if not begun and "silent" in HOW:
            continue
        try:
            result = answer(request)
        except KeyError:
            say({"jsonrpc": "2.0", "id": request["id"],
                 "error": {"code": -32601, "message": "Method not found"}})
            continue
        if result is not None:
            if ERA == "modern":
                result = {"resultType": "complete", "_meta": {META + "serverInfo": INFO}, **result}
            say({"jsonrpc": "2.0", "id": request["id"], "result": result})


main()
