"""The public MCP conformance suites against one node, while another hosts the fixture on stdio.

    test_conformance.py [--leg v016|legacy|modern]... [--one] [--remote]

Node A serves /mcp, node B, across a real WSS link, runs conf-legacy.mjs or conf-modern.mjs:
fixtures that pass their suites completely when they are asked directly. --one asks /mcp/fixture
instead of /mcp; with --remote the fixture runs by itself, over HTTP, and B hosts its url. The
suites and SDKs come from npm, into MCPZ_CONFORMANCE (build/conformance); where that is not to be
had, the test is skipped.
"""

import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "support"))

from fixture import Fixture  # noqa: E402
from mesh import ROOT, Failed, Mesh, until  # noqa: E402

SKIPPED = 77  # to meson
PLACE = pathlib.Path(os.environ.get("MCPZ_CONFORMANCE", str(ROOT / "build/conformance")))
SUITE_1 = "node_modules/@modelcontextprotocol/conformance/dist/index.js"
SUITE_2 = "node_modules/conf2/dist/index.js"
UNSCORED = "tasks-"  # what their names begin with
LEG_S = 600  # of one leg, at most

# Leg: the fixture, the suite and its arguments, and how many checks must pass at least: some make
# checks of what does not always happen. No more than UNSCORED may fail: the suite does not count
# them either, since the fixture has no tasks.
LEGS = {
    "v016": ("conf-legacy.mjs", SUITE_1, ["--suite", "all"], 44),
    "legacy": ("conf-legacy.mjs", SUITE_2, ["--requirements", "2025-11-25"], 84),
    "modern": ("conf-modern.mjs", SUITE_2, ["--requirements", "2026-07-28"], 164),
}


def install():
    """The suites and fixtures, in PLACE, by setup.sh. False: they cannot be had."""
    if shutil.which("npm") is None or shutil.which("node") is None:
        print("skipped: there is no npm on this machine")
        return False
    setup = HERE / "setup.sh"
    mark = PLACE / "installed"
    if not mark.exists() or mark.read_text() != setup.read_text():
        done = subprocess.run([setup, PLACE], capture_output=True, text=True, timeout=900, check=False)
        if done.returncode != 0:
            print(f"skipped: npm cannot install the suites: {done.stderr.strip()[-400:]}")
            return False
        mark.write_text(setup.read_text())
    for fixture in ("conf-legacy.mjs", "conf-modern.mjs"):
        shutil.copy(HERE / fixture, PLACE / fixture)
    return True


def configure(mesh, fixture, url):
    """A configuration that hosts the fixture, with nothing else than what is the default. `url`:
    where it runs; None: nowhere yet."""
    path = pathlib.Path(mesh.directory) / f"{fixture}.yaml"
    path.write_text(
        "mcp:\n  servers:\n    fixture:\n" + (f"      url: {url}\n" if url else
        f"      command: {shutil.which('node')}\n"
        f"      args: [{PLACE / fixture}, stdio]\n"
        f"      cwd: {PLACE}\n"))
    return path


def sees_fixture(node):
    return any(row["name"].startswith("mcp.about/fixture/") for row in node.ask("capabilities"))


def run_leg(url, name, out):
    """Run one leg; what is wrong, as text. Empty: nothing."""
    _, suite, arguments, wanted = LEGS[name]
    node = PLACE / "node_modules/node/bin/node"
    try:
        done = subprocess.run([node, suite, "server", "--url", url, *arguments, "-o", out], cwd=PLACE,
                              capture_output=True, text=True, timeout=LEG_S, check=False)
    except subprocess.TimeoutExpired as late:
        said = (late.stdout or b"").decode(errors="replace")
        return f"{name}: not done within {LEG_S} s; its last words:\n{said[-2000:]}"
    total = re.search(r"^Total: (\d+) passed, (\d+) failed", done.stdout, re.M)
    failed = re.findall(r"^✗ ([^:]*):", done.stdout, re.M)
    print(f"{name}: exit {done.returncode}, {total.group(0) if total else 'no total'}"
          f"{', failed: ' + ' '.join(failed) if failed else ''}", flush=True)
    if done.returncode != 0 or total is None:
        return f"{name}: exit {done.returncode}\n{done.stdout[-4000:]}{done.stderr[-2000:]}"
    if wrong := [check for check in failed if not check.startswith(UNSCORED)]:
        return f"{name}: failed: {' '.join(wrong)}\n{done.stdout[-4000:]}"
    if int(total.group(1)) < wanted:
        return f"{name}: {total.group(1)} checks passed, and not {wanted}"
    return ""


def run_leg_in_time(url, name, out):
    """The same. Where a check only exists if an answer takes longer than the node waits before it
    sends its client away (a twentieth of a second), a machine that stalls may miss it: once more."""
    trouble = ""
    for attempt in range(3):
        trouble = run_leg(url, name, out.with_name(f"{out.name}-{attempt}"))
        if "and not" not in trouble:
            break
    return trouble


def start_pair(mesh, fixture, url):
    """Node A, which serves clients, and node B, which hosts the fixture."""
    front = mesh.node(f"front-{fixture}").start("--api", "127.0.0.1:0")
    back = mesh.joiner(front, f"back-{fixture}", "--config", configure(mesh, fixture, url))
    until("the fixture is seen", lambda: sees_fixture(front))
    return front, back


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--leg", action="append", choices=sorted(LEGS))
    parser.add_argument("--one", action="store_true", help="ask /mcp/fixture instead of /mcp")
    parser.add_argument("--remote", action="store_true", help="the fixture runs by itself")
    options = parser.parse_args()
    if not install():
        return SKIPPED
    trouble = []
    for fixture in ("conf-legacy.mjs", "conf-modern.mjs"):
        legs = [leg for leg in (options.leg or LEGS) if LEGS[leg][0] == fixture]
        if not legs:
            continue
        remote = Fixture(PLACE / "node_modules/node/bin/node", PLACE / fixture) if options.remote else None
        with Mesh() as mesh:
            front, back = start_pair(mesh, fixture, remote.url if remote else None)
            url = front.ready["api"] + ("/mcp/fixture" if options.one else "/mcp")
            for leg in legs:
                trouble.append(run_leg_in_time(url, leg, pathlib.Path(mesh.directory) / leg))
            for node in (front, back):
                if node.process.poll() is not None:
                    raise Failed(f"{node.name} has ended:\n{node.log()}")
        if remote:
            remote.stop()
    trouble = [text for text in trouble if text]
    print("\n".join(trouble))
    return 1 if trouble else 0


if __name__ == "__main__":
    sys.exit(main())
