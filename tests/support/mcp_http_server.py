#!/usr/bin/env python3
"""A small MCP server over Streamable HTTP, of either era, that misbehaves as it is told. Standard
library only. Prints its port, and then a line of JSON for each request that it is made.

usage: mcp_http_server.py legacy|modern [port=N] [secret=VALUE] [cert=FILE]

port=N        that one, instead of a free one
secret=VALUE  401 unless Authorization is that
cert=FILE     TLS, with certificate and key in FILE

Tools: echo, slow (progress, on a stream), hang (until the process is gone), ask (elicitation),
resume (the stream breaks, and is asked on for), cut (it breaks), busy (429), page (HTML),
big (9 MB), away (a redirection to another host), near (one within this host), flood (much, and
then the response), forget (the session is), header (what a header of the request said), status (its argument), where (its process).
"""

import http.server
import json
import os
import ssl
import sys
import threading
import uuid

ERA, *HOW = sys.argv[1:]
OPTIONS = dict(word.split("=", 1) for word in HOW)
META = "io.modelcontextprotocol/"
TOOLS = ["echo", "slow", "hang", "ask", "resume", "cut", "busy", "page", "big", "away", "near",
         "flood", "forget", "header", "status", "where"]
INFO = {"name": "small", "version": "1"}
LOCK = threading.Lock()
SESSIONS = {}  # id: {"streams": [Queue-like lists], "answers": {id: Event and answer}}


def text(value):
    return {"content": [{"type": "text", "text": value}]}


class Session:
    def __init__(self):
        self.changed = threading.Condition()
        self.outside = []  # messages for the stream of the session
        self.broken = {}   # event id: what follows it
        self.answers = {}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def note(self, **what):
        with LOCK:
            print(json.dumps({"verb": self.command, **what}), flush=True)

    def answer(self, status, body=b"", kind="application/json", **headers):
        if not isinstance(body, bytes):
            body = json.dumps(body).encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        if body:
            self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def stream(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True

    def event(self, message=None, name=None):
        head = f"id: {name}\nretry: 50\n" if name else ""
        body = json.dumps(message) if message else ""
        self.wfile.write(f"{head}data: {body}\n\n".encode())
        self.wfile.flush()

    def allowed(self):
        self.session = SESSIONS.get(self.headers.get("Mcp-Session-Id"))
        wanted = OPTIONS.get("secret")
        if wanted and self.headers.get("Authorization") != wanted:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.answer(401, {"error": "invalid_token"}, WWW_Authenticate='Bearer realm="small"')
            return False
        return True

    # ---- GET, DELETE -----------------------------------------------------------------------

    def do_GET(self):
        if not self.allowed():
            return
        if ERA == "modern":
            self.answer(405)
            return
        if self.session is None:
            self.answer(404)
            return
        last = self.headers.get("Last-Event-ID")
        self.note(last=last)
        self.stream()
        if last in self.session.broken:
            self.event(self.session.broken.pop(last), "after")
            return
        while True:
            with self.session.changed:
                self.session.changed.wait_for(lambda: self.session.outside, 3600)
                message = self.session.outside.pop(0)
            if message is None:
                return
            self.event(message, "outside")

    def do_DELETE(self):
        if self.allowed():
            gone = SESSIONS.pop(self.headers.get("Mcp-Session-Id"), None)
            self.note(gone=gone is not None)
            self.answer(204 if gone else 404)

    # ---- POST ------------------------------------------------------------------------------

    def do_POST(self):
        if not self.allowed():
            return
        body = self.rfile.read(int(self.headers["Content-Length"]))
        message = json.loads(body)
        self.note(method=message.get("method"),
                  headers={name: self.headers.get(name) for name in (
                      "MCP-Protocol-Version", "Mcp-Method", "Mcp-Name", "Mcp-Session-Id",
                      "Mcp-Param-Region")})
        if ERA == "legacy" and message.get("method") != "initialize" and self.session is None:
            known = self.headers.get("Mcp-Session-Id")
            self.answer(404 if known else 400,
                        {"jsonrpc": "2.0", "id": None,
                         "error": {"code": -32000, "message": "no session"}})
            return
        if "method" not in message:
            with self.session.changed:
                self.session.answers[message["id"]] = message
                self.session.changed.notify_all()
            self.answer(202)
        elif "id" not in message:
            self.answer(202)
        else:
            self.request_(message)

    def result(self, message, result):
        if ERA == "modern":
            result = {"resultType": "complete", "_meta": {META + "serverInfo": INFO}, **result}
        return {"jsonrpc": "2.0", "id": message["id"], "result": result}

    def request_(self, message):
        method = message["method"]
        if method == "tools/call":
            self.tool(message)
        elif method == "tools/list":
            schema = {"type": "object", "properties": {
                "region": {"type": "string", "x-mcp-header": "Region"}}}
            wrong = {"type": "object", "properties": {"a": {"type": "string", "x-mcp-header": "a b"}}}
            self.answer(200, self.result(message, {
                "tools": [{"name": tool, "inputSchema": schema} for tool in TOOLS]
                         + [{"name": "wrong", "inputSchema": wrong}] * (ERA == "modern"),
                **({"ttlMs": 0, "cacheScope": "private"} if ERA == "modern" else {})}))
        elif ERA == "legacy" and method == "initialize":
            name = uuid.uuid4().hex
            SESSIONS[name] = Session()
            self.answer(200, self.result(message, {
                "protocolVersion": message["params"]["protocolVersion"],
                "capabilities": {"tools": {"listChanged": True}, "logging": {}},
                "serverInfo": INFO}), Mcp_Session_Id=name)
        elif ERA == "legacy" and method in ("ping", "logging/setLevel"):
            self.answer(200, self.result(message, {}))
        elif ERA == "modern" and method == "server/discover":
            self.answer(200, self.result(message, {"supportedVersions": ["2026-07-28"],
                                                   "capabilities": {"tools": {}}}))
        elif ERA == "modern" and method == "subscriptions/listen":
            self.stream()
            self.event({"jsonrpc": "2.0", "method": "notifications/subscriptions/acknowledged",
                        "params": {"_meta": {META + "subscriptionId": message["id"]},
                                   "notifications": {}}})
            threading.Event().wait()
        else:
            self.answer(404 if ERA == "modern" else 200, {
                "jsonrpc": "2.0", "id": message["id"],
                "error": {"code": -32601, "message": "Method not found"}})

    def ask(self, message):
        """Ask the client of the call, as its era does."""
        question = {"method": "elicitation/create", "params": {
            "message": "name?", "requestedSchema": {
                "type": "object", "properties": {"name": {"type": "string"}}}}}
        if ERA == "modern":
            answers = message["params"].get("inputResponses")
            self.answer(200, self.result(message, text("hello " + answers["who"]["content"]["name"])
                                         if answers else {"resultType": "input_required",
                                                          "inputRequests": {"who": question}}))
            return
        name = uuid.uuid4().hex
        self.stream()
        self.event({"jsonrpc": "2.0", "id": name, **question})
        with self.session.changed:
            self.session.changed.wait_for(lambda: name in self.session.answers, 60)
            answer = self.session.answers[name]
        self.event(self.result(message, text("hello " + answer["result"]["content"]["name"])))

    def slow(self, message):
        token = message["params"]["_meta"]["progressToken"]
        self.stream()
        for progress in range(3):
            self.event({"jsonrpc": "2.0", "method": "notifications/progress",
                        "params": {"progressToken": token, "progress": progress}})
        self.event(self.result(message, text("done")))

    def tool(self, message):
        params = message["params"]
        name, arguments = params["name"], params.get("arguments", {})
        if name == "echo":
            self.answer(200, self.result(message, text(arguments.get("text", ""))))
        elif name == "where":
            self.answer(200, self.result(message, text(str(os.getpid()))))
        elif name == "header":
            self.answer(200, self.result(message, text(str(self.headers.get(arguments["name"])))))
        elif name == "slow":
            self.slow(message)
        elif name == "ask":
            self.ask(message)
        elif name == "hang":
            threading.Event().wait()
        elif name == "resume":
            self.stream()
            self.session.broken["before"] = self.result(message, text("resumed"))
            self.event(None, "before")
        elif name == "cut":
            self.stream()
            self.event({"jsonrpc": "2.0", "method": "notifications/message",
                        "params": {"level": "info", "data": "half"}})
        elif name == "busy":
            self.answer(429, b"slow down", "text/plain", Retry_After="7")
        elif name == "page":
            self.answer(200, b"<html>welcome</html>", "text/html")
        elif name == "big":
            self.answer(200, self.result(message, text("x" * 9_000_000)))
        elif name == "away":
            self.answer(307, Location="http://localhost.example/mcp")
        elif name == "near":
            if self.path == "/elsewhere":
                self.answer(200, self.result(message, text("moved")))
            else:
                self.answer(307, Location="/elsewhere")
        elif name == "flood":
            self.stream()
            for number in range(arguments["count"]):
                self.event({"jsonrpc": "2.0", "method": "notifications/message", "params": {
                    "level": "info", "data": [number, "x" * arguments["bytes"]]}})
            self.event(self.result(message, text("done")))
        elif name == "forget":
            SESSIONS.clear()
            self.answer(200, self.result(message, text("who?")))
        else:
            self.answer(arguments["status"], b"because", "text/plain")


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 64

    def handle_error(self, *_):
        pass  # clients hang up


def main():
    server = Server((OPTIONS.get("host", "127.0.0.1"), int(OPTIONS.get("port", 0))), Handler)
    if "cert" in OPTIONS:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(OPTIONS["cert"])
        server.socket = context.wrap_socket(server.socket, server_side=True)
    print(server.server_address[1], flush=True)
    server.serve_forever()


main()
