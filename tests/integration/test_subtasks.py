"""Tasks that are split, by real processes: commands, workers, programs; and kill -9 in the midst of it."""

import json
import os
import pathlib
import random
import sys
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

from mesh import Failed, Local, Mesh, until, wait_linked  # noqa: E402

EXAMPLES = pathlib.Path(__file__).resolve().parents[2] / "examples" / "subtasks"
COUNT = ["--provide", f"words.count={EXAMPLES}/words", "--provide", f"words.sum={EXAMPLES}/sum"]


def check(is_so, what):
    if not is_so:
        raise Failed(what)


def submit(node, kind, params, *options):
    return node.run("task", "submit", kind, "--params", json.dumps(params), *options).stdout.split()[0]


def result_of(node, task):
    return json.loads(node.run("task", "wait", task, "--json").stdout)["result"]


def lines_of(directory, count=1000):
    path = pathlib.Path(directory) / "lines"
    path.write_text("".join(f"{i} one two\n" for i in range(count)))
    path.chmod(0o644)
    return str(path)


def plans_of_a_command(mesh):
    """A tree of halves, down to where they are short enough."""
    node = mesh.founder("A", "--isolation", "none", *COUNT)
    task = submit(node, "words.count", {"file": lines_of(mesh.directory)})
    check(result_of(node, task) == 3000, "the words of all lines")
    status = node.ask("task", "status", task)
    check(status["aggregate"] == "parallel" and len(status["subtasks"]) == 3, "two halves and their sum")
    check(status["subtasks"][0]["name"] == "first half", "a subtask has the name its plan gives it")
    check(status["subtasks"][2]["reduces"], "the last one reduces")
    check(status["subtasks"][0]["subtasks"][1]["state"] == "done", "the tree goes on")
    shown = node.run("task", "status", task).stdout
    check("1.1.2" in shown and "words.sum, reduces" in shown, f"the tree in words: {shown}")
    child = status["subtasks"][0]["id"]
    check(node.ask("task", "status", child)["parent"] == task, "a subtask knows its parent")
    # Not submitted: the provider sees that it may not split, and counts by itself.
    run = node.run("task", "run", "words.count", "--params", json.dumps({"file": lines_of(mesh.directory)}))
    check(run.stdout.strip() == "3000", "it is not split where it may not be")


def refusals(mesh):
    """A plan and a result, a plan that is none, one that is too long; a failure that is seen from above."""
    node = mesh.founder(
        "A", "--isolation", "none",
        "--provide", 'both=echo out; echo "{}" >&3',
        "--provide", "none=echo nonsense >&3",
        "--provide", "long=head -c 40000 /dev/zero | tr '\\0' ' ' >&3",
        "--provide", "fails=echo broken >&2; exit 3",
        "--provide", 'split=printf %s "$MCPZ_PARAMS" >&3',
        "--provide", 'echo=printf %s "$MCPZ_PARAMS"',
        "--provide", "vain=test -z \"$MCPZ_PLAN_FD\" && ! echo x 2>/dev/null >&3 && echo none")
    for kind, code in (("both", "provider_failed"), ("none", "bad_request"), ("long", "too_large")):
        task = submit(node, kind, {}, "--attempts", "1")
        node.run("task", "wait", task)
        status = node.ask("task", "status", task)
        check(status["state"] == "dead" and status["error"]["code"] == code, f"{kind}: {status['error']}")
    task = submit(node, "split", {"subtasks": [{"type": "echo", "params": 1}, {"type": "fails"}]})
    node.run("task", "wait", task)
    error = node.ask("task", "status", task)["error"]
    check(error["code"] == "subtask_failed" and "subtask 2 (fails)" in error["message"] and
          "broken" in error["message"], f"why it failed: {error}")
    task = submit(node, "split", {"subtasks": [{"type": "echo", "params": 1}, {"type": "fails"}],
                                  "on_failure": "partial"})
    check(result_of(node, task) == [1, None], "what may fail is null")
    partial = task
    task = submit(node, "split", {"subtasks": [{"type": "echo", "params": 2},
                                               {"type": "echo", "params": 4, "weight": 3}],
                                  "aggregate": "weighted"})
    check(result_of(node, task) == 3.5, "a weighted mean")
    dead = node.ask("dlq", "list")
    check(any(row["parent"] for row in dead), "a dead subtask names its parent")
    check(node.run("dlq", "purge", "--all").returncode == 0, "all dead letters go, with what is below them")
    until("only what a task that is done could do without is left",
          lambda: [row["parent"] for row in node.ask("dlq", "list")] == [partial])
    check(node.run("task", "run", "vain").stdout == "none\n", "no plan where there can be none")


def cancelling(mesh):
    """Cancelled at the root, stopped at the leaf."""
    node = mesh.founder("A", "--isolation", "none", "--provide", 'split=printf %s "$MCPZ_PARAMS" >&3',
                        "--provide", "slow=echo begun >&2; sleep 1000")
    task = submit(node, "split", {"subtasks": [{"type": "split", "params": {"subtasks": [{"type": "slow"}]}}]})
    until("the leaf runs", lambda: any(row["type"] == "slow" and row["state"] == "running"
                                       for row in node.ask("task", "list")))
    check(node.run("task", "cancel", task).returncode == 0, "it is cancelled")
    until("all of it is", lambda: {row["state"] for row in node.ask("task", "list")} == {"cancelled"})
    until("its process is gone", lambda: node.ask("doctor") is not None and
          not any(row["running"] for row in node.ask("queue", "list")))


WORKER = """
import json, sys
for line in sys.stdin:
    said = json.loads(line)
    if "hello" in said:
        print(json.dumps({"ready": True}), flush=True)
    elif "cancel" not in said:
        n = said["params"]
        if n > 1 and said.get("levels", 0) > 0:
            plan = {"subtasks": [{"type": "add", "params": n // 2}, {"type": "add", "params": n - n // 2}],
                    "aggregate": "weighted"}
            print(json.dumps({"id": said["id"], "plan": plan}), flush=True)
        else:
            print(json.dumps({"id": said["id"], "result": n}), flush=True)
"""


def plans_of_a_worker(mesh):
    """A long-lived process says a plan in a line: halves of 8, and the mean of the halves."""
    script = pathlib.Path(mesh.directory) / "worker.py"
    script.write_text(WORKER)
    config = pathlib.Path(mesh.directory) / "mcpz.yaml"
    config.write_text("providers:\n  - name: add\n    isolation: none\n    mode: worker\n    workers: 2\n"
                      f"    command: {sys.executable} {script}\n")
    node = mesh.founder("A", "--config", str(config))
    mean = result_of(node, submit(node, "add", 8))
    check(mean == 1, f"the mean of eight ones: {mean}")


def plans_over_http(mesh):
    """A program that leases work answers with POST /v1/work/TASK/split."""
    node = mesh.founder("A", "--isolation", "none", "--provide", 'echo=printf %s "$MCPZ_PARAMS"')
    stream = Local(node)
    stream.request("GET", "/v1/work?capability=mine")
    answer = stream.getresponse()

    def serve():
        for line in answer:
            if not line.strip():
                continue
            said = json.loads(line)
            plan = {"subtasks": [{"type": "echo", "params": said["levels"]}]}
            _, split = Local(node).ask("POST", f"/v1/work/{said['task']}/split", plan)
            check(split["state"] == "split", "it is split")
            return

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    check(result_of(node, submit(node, "mine", {})) == [5], "five levels may be below it")
    thread.join()
    stream.close()


def kills(mesh):
    """Whoever is killed: the tree is done once, and its root's owner or backup tells the result."""
    chance = random.Random(os.environ.get("MCPZ_TEST_SEED", "7"))
    journal = pathlib.Path(mesh.directory) / "journal"
    journal.touch()
    provide = ["--isolation", "none", "--provide", 'split=sleep 0.1; printf %s "$MCPZ_PARAMS" >&3', "--provide",
               f'leaf=sleep 0.2; echo "$MCPZ_IDEMPOTENCY_KEY" >> {journal}; printf %s "$MCPZ_PARAMS"']
    first = mesh.founder("n0", *provide)
    nodes = [first] + [mesh.joiner(first, f"n{i}", *provide) for i in range(1, 4)]
    wait_linked(nodes)
    inner = {"subtasks": [{"type": "leaf", "params": i} for i in range(4)]}
    plan = {"subtasks": [{"type": "split", "params": inner} for _ in range(3)]}
    tasks = [submit(chance.choice(nodes), "split", plan, "--attempts", "100", "--backoff", "200ms")
             for _ in range(4)]
    for _ in range(8):
        node = chance.choice(nodes)
        node.kill()
        node.start(*provide, listen=node.address)
        wait_linked(nodes)

    def done():
        states = {}
        for node in nodes:
            for row in node.ask("task", "list", "--limit", "10000"):
                if row["state"] != "moved":
                    states.setdefault(row["id"], {})[node.name] = row["state"]
        check(all(task in states for task in tasks), "a root is lost")
        return all(set(at.values()) == {"done"} for at in states.values()) and states

    states = until("all trees are done everywhere", done, 240)
    for task in tasks:
        teller = next(node for node in nodes if states[task].get(node.name) == "done")
        check(result_of(teller, task) == [list(range(4))] * 3, "the result of a tree")
    ledger = [run["idempotency_key"] for node in nodes for run in node.ask("task", "runs")]
    twice = {key for key in ledger if ledger.count(key) > 1}
    check(not twice, f"done by two nodes: {twice}")
    check(len([key for key in set(ledger) if key.startswith("t-")]) == 4 * (3 + 12), "each part was done")


def main():
    for test in (plans_of_a_command, refusals, cancelling, plans_of_a_worker, plans_over_http, kills):
        with Mesh() as mesh:
            test(mesh)
        print(f"ok: {test.__name__}")


if __name__ == "__main__":
    main()
