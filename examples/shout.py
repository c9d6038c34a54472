#!/usr/bin/env python3
"""A long-lived worker: one process for many tasks, a line of JSON each way.

  providers:
    - name: text.shout
      command: /opt/mcpz/shout.py     # where a task may read: see "Workspaces" in README.md
      mode: worker
      workers: 2
      plugins: [exclaim]
"""

import json
import sys


def say(**line):
    print(json.dumps(line), flush=True)


hello = json.loads(sys.stdin.readline())
mark = "!" if "exclaim" in hello["plugins"] else ""
say(ready=True)  # after whatever takes long: models, connections, caches

for line in sys.stdin:
    task = json.loads(line)
    if task.get("cancel"):
        continue
    try:
        say(id=task["id"], result=(task["params"] or {})["text"].upper() + mark)
    except Exception as error:  # the task fails; the worker goes on
        say(id=task["id"], error=f"{type(error).__name__}: {error}")
