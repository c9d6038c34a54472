#!/usr/bin/env python3
"""A provider with the standard library only: takes text.reverse from the node, task by task."""
import http.client, json, socket, sys  # noqa: E401

SOCKET = (sys.argv[1] if len(sys.argv) > 1 else "./var") + "/mcpz.sock"


class Node(http.client.HTTPConnection):
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(SOCKET)


work = Node("node")  # the stream of tasks is the lease: while it stands, text.reverse is offered
work.request("GET", "/v1/work?capability=text.reverse")
for line in work.getresponse():
    task = json.loads(line) if line.strip() else {}  # an empty line: nothing now
    if "type" in task:  # else it says that a task was cancelled
        answer = Node("node")
        answer.request("POST", f"/v1/work/{task['task']}", (task["input"] or "")[::-1].encode())
        answer.getresponse().read()
