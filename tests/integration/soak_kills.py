"""Five real nodes, writers everywhere, kill -9 at random: nothing acknowledged is ever lost.

  soak_kills.py [SECONDS [SEED]]      120 seconds and a seed of its own unless told otherwise

Prints the seed, what was killed and written, and how soon all were equal afterwards.
"""

import pathlib
import random
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

from mesh import Failed, Mesh, until, wait_linked  # noqa: E402

NODES = 5
KILL, START = 0.12, 0.35  # chances, one a round


def start(node, **options):
    node.start("--provide", "cat=cat", **options)


def storm(chance, nodes, seconds):
    """Kill, start and write until the time is over; what was acknowledged."""
    down = None
    kills = tried = 0
    increments = 0
    elements = set()
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        dice = chance.random()
        if dice < KILL and down is None:
            down = chance.choice(nodes)
            down.kill()
            kills += 1
        elif dice < START and down is not None:
            start(down, listen=down.address)
            down = None
        else:
            node = chance.choice([node for node in nodes if node is not down])
            tried += 1
            increments += node.run("agent", "increment", "x", "hits", "1").returncode == 0
            if tried <= 3000 and node.run("agent", "add", "x", "seen", str(tried)).returncode == 0:
                elements.add(tried)
    if down is not None:
        start(down, listen=down.address)
    return kills, tried, increments, elements


def main():
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 120
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else time.time_ns() % 1_000_000
    print(f"seed {seed}", flush=True)
    with Mesh() as mesh:
        first = mesh.founder("n0", "--provide", "cat=cat")
        nodes = [first] + [mesh.joiner(first, f"n{i}", "--provide", "cat=cat")
                           for i in range(1, NODES)]
        wait_linked(nodes)
        first.ask("agent", "create", "x")
        for node in nodes:
            until("it is everywhere", lambda node=node: node.run("agent", "get", "x").returncode == 0)

        kills, tried, increments, elements = storm(random.Random(seed), nodes, seconds)
        healed = time.monotonic()

        def equal():
            got = [node.ask("agent", "get", "x") for node in nodes]
            return len({one["root"] for one in got}) == 1 and got[0]["state"]
        state = until("all are equal", equal)
        print(f"{kills} kills, {increments} of {tried} increments acknowledged, counted {state['hits']}; "
              f"equal {time.monotonic() - healed:.1f} s after the last start")
        # One that was written but not acknowledged before the kill may be there as well.
        if not increments <= state["hits"] <= tried or not elements <= set(state["seen"]):
            raise Failed(f"seed {seed}: acknowledged writes are missing")


if __name__ == "__main__":
    main()
