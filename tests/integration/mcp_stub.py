"""The smallest MCP server over stdio that has one tool, for tests that want many of them. Run with
`python3 -I -S`; the tool is called as the first argument says."""

import json
import sys

RESULTS = {
    "initialize": {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}},
                   "serverInfo": {"name": "stub", "version": "1"}},
    "tools/list": {"tools": [{"name": sys.argv[1], "inputSchema": {"type": "object"}}]},
    "tools/call": {"content": [{"type": "text", "text": sys.argv[1]}]},
    "ping": {},
}

for line in sys.stdin:
    message = json.loads(line)
    if "id" not in message:
        continue
    answer = {"jsonrpc": "2.0", "id": message["id"]}
    if message["method"] in RESULTS:
        answer["result"] = RESULTS[message["method"]]
    else:
        answer["error"] = {"code": -32601, "message": "Method not found"}
    print(json.dumps(answer), flush=True)
