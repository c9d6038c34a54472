"""Five real nodes take and do durable tasks, kill -9 at random: none is lost, none with a key done twice.

  soak_tasks.py [KILLS [SEED]]      200 kills and a seed of its own unless told otherwise

A task writes a line when it begins and one when it ends, and gives its number back. Whoever is killed is
started again after a while; two may be down at a time. Prints the seed and what came of it.

What counts as done twice is that two nodes say that they have done the same key. That a process comes to its
last line more than once is counted apart: its node may be killed between that line and the disk, and then
it was not done, as far as anybody can know (MCPZ_IDEMPOTENCY_KEY is there for its process to see that).
"""

import collections
import json
import pathlib
import random
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

from mesh import Failed, Mesh, until, wait_linked  # noqa: E402

NODES = 5
DOWN_MAX = 2
KILL, START = 0.2, 0.5  # chances, one a round
BATCH = 8

# The provider is started with the path of its journal and its node's name.
WORK = ('read n; echo "begin $n $MCPZ_IDEMPOTENCY_KEY {name}" >> {journal}; sleep 0.{tenths}; '
        'echo "end $n $MCPZ_IDEMPOTENCY_KEY {name}" >> {journal}; echo "$n"')


class Storm:
    def __init__(self, mesh, chance):
        self.mesh = mesh
        self.chance = chance
        self.journal = pathlib.Path(mesh.directory) / "journal"
        self.journal.touch()
        self.nodes = []
        self.down = []
        self.kills = 0
        self.tasks = {}  # id: (number, key)
        self.number = 0
        self.refused = 0

    def provide(self, name):
        return "work=" + WORK.format(name=name, journal=self.journal, tenths=self.chance.randrange(5))

    def start(self):
        first = self.mesh.founder("n0", "--provide", self.provide("n0"))
        self.nodes = [first] + [self.mesh.joiner(first, f"n{i}", "--provide", self.provide(f"n{i}"))
                                for i in range(1, NODES)]
        wait_linked(self.nodes)

    def up(self):
        return [node for node in self.nodes if node not in self.down]

    def kill(self):
        node = self.chance.choice(self.up())
        node.kill()
        self.down.append(node)
        self.kills += 1

    def revive(self):
        node = self.down.pop(0)
        node.start("--provide", self.provide(node.name), listen=node.address)

    def submit(self):
        """A few tasks at some node, two in three with a key. What it does not answer is not accepted."""
        node = self.chance.choice(self.up())
        lines, said = [], []
        for _ in range(self.chance.randrange(1, BATCH)):
            self.number += 1
            key = f"k{self.number}" if self.number % 3 else None
            task = {"type": "work", "params": self.number, "attempts": 100, "backoff_ms": 200}
            lines.append(json.dumps(task | ({"idempotency_key": key} if key else {})))
            said.append((self.number, key))
        answers = node.run("task", "submit", "--batch", "-", stdin="\n".join(lines)).stdout.splitlines()
        for (number, key), answer in zip(said, answers):
            answer = json.loads(answer)
            if "id" in answer:
                self.tasks[answer["id"]] = (number, key)
            else:
                self.refused += 1

    def run(self, kills):
        while self.kills < kills:
            dice = self.chance.random()
            if dice < KILL and len(self.down) < DOWN_MAX:
                self.kill()
            elif dice < START and self.down:
                self.revive()
            else:
                self.submit()
        while self.down:
            self.revive()

    def listed(self):
        """What all nodes together know: states by id, and results' owners."""
        states = collections.defaultdict(set)
        for node in self.nodes:
            for task in node.ask("task", "list", "--here", "--limit", "10000"):
                if task["state"] != "moved":
                    states[task["id"]].add(task["state"])
        return states

    def over(self):
        """Is everything that was accepted over, at everybody who knows it?"""
        states = self.listed()
        missing = [task for task in self.tasks if task not in states]
        if missing:
            raise Failed(f"{len(missing)} accepted tasks are lost: {missing[:5]}")
        open_ = [task for task in self.tasks if states[task] & {"queued", "running"}]
        return not open_ and states

    def check(self, states):
        ends = collections.Counter(" ".join(line.split()[:3]) for line in
                                   self.journal.read_text().splitlines() if line.startswith("end"))
        done = collections.Counter()
        for node in self.nodes:
            done.update(run["idempotency_key"] for run in node.ask("task", "runs"))
        twice = [key for key, count in done.items() if count > 1]
        if twice:
            raise Failed(f"done by two nodes: {twice[:5]}")
        finals = collections.Counter(min(states[task] - {"queued"}) for task in self.tasks)
        undone = [task for task, (_, key) in self.tasks.items()
                  if key and states[task] == {"done"} and key not in done]
        if undone:
            raise Failed(f"said to be done, and nobody did it: {undone[:5]}")
        keyed_again = sum(1 for line, count in ends.items() if len(line.split()) == 3 and
                          line.split()[2].startswith("k") and count > 1)
        unkeyed_again = sum(1 for line, count in ends.items() if count > 1) - keyed_again
        print(f"{self.kills} kills; {len(self.tasks)} accepted, {self.refused} refused; ended as {dict(finals)}; "
              f"{len(done)} keys done, none by two nodes; came to their last line more than once: "
              f"{keyed_again} with a key, {unkeyed_again} without")


def main():
    kills = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else time.time_ns() % 1_000_000
    print(f"seed {seed}", flush=True)
    with Mesh() as mesh:
        storm = Storm(mesh, random.Random(seed))
        storm.start()
        storm.run(kills)
        healed = time.monotonic()
        states = until("all that was accepted is over", storm.over, patience=240)
        print(f"over {time.monotonic() - healed:.1f} s after the last start", flush=True)
        storm.check(states)


if __name__ == "__main__":
    main()
