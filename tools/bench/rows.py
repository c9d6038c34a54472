"""What the benchmarks beside this file have in common: rows, and what a process has used."""

import json
import os
import pathlib
import platform
import socket
import statistics
import sys
import typing


class Metric(typing.NamedTuple):
    """A row. Without a goal it is only told."""
    unit: str
    goal: float | None
    relation: str
    is_ratio: bool  # is it the ratio to the peer that counts?
    what: str
    ours: str = ""  # what of ours is measured; the row's own name, where nothing is said
    peer: str = ""


def say(text):
    print(text, file=sys.stderr, flush=True)


def processor_s(pid):
    """Time on a processor, of all threads."""
    return sum(int((thread / "schedstat").read_text(encoding="ascii").split()[0])
               for thread in pathlib.Path(f"/proc/{pid}/task").iterdir()) / 1e9


def resident_mib(pid):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


# ---- The result ------------------------------------------------------------------------------


def is_met(metric, judged):
    if metric.goal is None:
        return True
    if judged is None:
        return False
    return judged <= metric.goal if metric.relation == "<=" else judged >= metric.goal


def make_rows(metrics, runs):
    rows = []
    for name, metric in metrics.items():
        key = metric.peer or name
        mine = statistics.median(ours[metric.ours or name] for ours, _ in runs)
        theirs = [peer[key] for _, peer in runs if key in peer]
        peer = statistics.median(theirs) if theirs else None
        ratio = mine / peer if peer else None
        rows.append({"metric": name, "what": metric.what, "unit": metric.unit, "ours": mine,
                     "peer": peer, "ratio": ratio, "goal": metric.goal,
                     "goal_is_ratio": metric.is_ratio,
                     "ok": is_met(metric, ratio if metric.is_ratio else mine)})
    return rows


# Of a row: has it a goal, and is that met?
VERDICTS = {(True, True): "ok", (True, False): "MISSED", (False, True): ""}


def show(rows):
    print(f"{'':25}{'ours':>12}{'peer':>12}{'ratio':>8}  goal")
    for row in rows:
        peer = f"{row['peer']:,.1f}" if row["peer"] is not None else "-"
        ratio = f"{row['ratio']:.2f}" if row["ratio"] is not None else "-"
        goal = "-" if row["goal"] is None else (
            f"{row['goal']:,g}{' x peer' if row['goal_is_ratio'] else ''}")
        print(f"{row['metric']:25}{row['ours']:>12,.1f}{peer:>12}{ratio:>8}  {goal:14}"
              f"{VERDICTS[row['goal'] is not None, row['ok']]:8}{row['unit']}: {row['what']}")


def finish(metrics, runs, path):
    """Show the medians of all runs; to `path` they go as JSON, "-" is stdout."""
    rows = make_rows(metrics, runs)
    show(rows)
    if path:
        result = {"ok": all(row["ok"] for row in rows), "machine": platform.platform(),
                  "processors": os.cpu_count(), "rows": rows,
                  "runs": [{"ours": ours, "peer": peer} for ours, peer in runs]}
        text = json.dumps(result, indent=1) + "\n"
        if path == "-":
            print(text, end="")
        else:
            pathlib.Path(path).write_text(text, encoding="utf-8")
