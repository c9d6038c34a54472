"""The client leg of the public conformance suite against the hosting side: the suite starts a server
over HTTP, a node hosts it, and mesh_client.py drives the scenario through /mcp/NAME.

The scenarios of authorization are not run: the hosting side takes a token from its configuration,
and knows no OAuth.
"""

import os
import re
import subprocess
import sys
import tempfile

from test_conformance import HERE, PLACE, SKIPPED, SUITE_2, install

# Revision, scenario, and how many checks must pass.
SCENARIOS = (
    ("2025-11-25", "initialize", 2),
    ("2025-11-25", "tools_call", 2),
    ("2025-11-25", "elicitation-sep1034-client-defaults", 5),
    ("2025-11-25", "sse-retry", 3),
    ("2025-11-25", "json-schema-2020-12-preservation", 9),
    ("2026-07-28", "tools_call", 2),
    ("2026-07-28", "request-metadata", 8),
    ("2026-07-28", "sep-2322-client-request-state", 5),
    ("2026-07-28", "http-standard-headers", 11),
    ("2026-07-28", "http-custom-headers", 18),
    ("2026-07-28", "http-invalid-tool-headers", 12),
    ("2026-07-28", "json-schema-ref-no-deref", 1),
    ("2026-07-28", "json-schema-2020-12-preservation", 9),
)


def run(revision, scenario, wanted, out):
    """Run one; what is wrong, as text. Empty: nothing."""
    node = PLACE / "node_modules/node/bin/node"
    done = subprocess.run(
        [node, SUITE_2, "client", "--command", f"{sys.executable} {HERE / 'mesh_client.py'}", "--scenario", scenario,
         "--spec-version", revision, "--timeout", "120000", "-o", out],
        cwd=PLACE, capture_output=True, text=True, timeout=300, check=False, env=os.environ)
    passed = re.search(r"^Passed: (\d+)/(\d+), (\d+) failed, (\d+) warnings", done.stdout + done.stderr, re.M)
    said = passed.group(0) if passed else "no count"
    print(f"{revision} {scenario}: exit {done.returncode}, {said}", flush=True)
    if done.returncode != 0 or passed is None or passed.group(1) != str(wanted) or passed.group(4) != "0":
        return f"{revision} {scenario}: {said}, and not {wanted}\n{done.stdout[-3000:]}{done.stderr[-1000:]}"
    return ""


def main():
    if not install():
        return SKIPPED
    with tempfile.TemporaryDirectory(prefix="mcpz-client-leg-") as out:
        trouble = [run(*scenario, out) for scenario in SCENARIOS]
    trouble = [text for text in trouble if text]
    print("\n".join(trouble))
    return 1 if trouble else 0


if __name__ == "__main__":
    sys.exit(main())
