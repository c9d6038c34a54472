"""Five real nodes, writers that want a quorum, kill -9 at random: no acknowledged write is lost.

  soak_snapshots.py [KILLS [SEED]]      300 kills and a seed of its own unless told otherwise

Every writer adds numbered elements to agents of its own, at any node that is up, and counts as acknowledged what
was answered with 200 under ?ack=quorum. Two nodes may be down at a time. On the way a disk is full for a
while (where a small file system can be mounted, in memory: 2 MiB more for every kill), and a node is put back to
a backup of the beginning. In the end all are up, and every node must have every acknowledged element and the same
roots.

MCPZ_SOAK_KEEP names a directory that gets all of the nodes' where something was lost.

Prints the seed, what came of it, how many acknowledged writes were lost (RPO) and for how long nobody's write was
acknowledged at most (RTO).
"""

import contextlib
import http.client
import os
import pathlib
import random
import shutil
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

from mesh import Failed, Local, Mesh, run, until, wait_linked  # noqa: E402

NODES = 5
DOWN_MAX = 2
WRITERS = 4
PER_AGENT = 400         # elements of one agent
KILL, START = 0.3, 0.7  # chances, one a round
ROUND_S = 0.15
# Nothing is deleted, so the small disk grows with the run: some 1.3 KiB for a write, and 300 writes from one kill to
# the next; no quicker machine makes more than RATE allows.
RATE = 250              # writes a second, of one writer
DISK_MIB = 96           # and for every kill
DISK_MIB_PER_KILL = 2
FULL = 0.05             # of a disk is left at most where it is full
PATIENCE_S = 240


def ask(node, method, path, body=None, timeout=20):
    """Status and answer; OSError where there is no node."""
    return Local(node, timeout).ask(method, path, body)


class Writer(threading.Thread):
    """Adds elements until told to stop; what it was promised is in `promised`: agent -> number -> by whom, when."""

    def __init__(self, name, storm, seed):
        super().__init__(daemon=True)
        self.name = name
        self.storm = storm
        self.chance = random.Random(seed)
        self.promised = {}
        self.refused = 0
        self.number = 0

    def write(self, agent):
        node = self.chance.choice(self.storm.up())
        try:
            if agent not in self.promised:
                status, answer = ask(node, "POST", "/v1/agents?ack=quorum", {"id": agent})
                # It may be there already: made by a write that was not answered.
                if status not in (200, 201, 409):
                    raise OSError(answer)
                self.promised[agent] = {}
            status, answer = ask(node, "POST", f"/v1/agents/{agent}/add?ack=quorum",
                                 {"path": "log", "value": self.number})
        except (OSError, http.client.HTTPException, ValueError):
            status = 0
        if status == 200:
            self.promised[agent][self.number] = f"{node.name} at {self.storm.time()}"
            self.storm.acknowledged()
        else:
            self.refused += 1
            time.sleep(0.02)
        self.number += 1

    def run(self):
        due = time.monotonic()
        while not self.storm.over:
            self.write(f"{self.name}-{self.number // PER_AGENT}")
            due = max(due + 1 / RATE, time.monotonic())
            time.sleep(max(0, due - time.monotonic()))


class Storm:
    def __init__(self, mesh, kills, seed):
        self.mesh = mesh
        self.planned = kills
        self.chance = random.Random(seed)
        self.nodes = []
        self.down = []
        self.kills = 0
        self.over = False
        self.last = None      # when a write was last acknowledged
        self.longest_s = 0.0  # without one
        self.lock = threading.Lock()
        self.writers = [Writer(f"w{i}", self, seed * 100 + i) for i in range(WRITERS)]
        self.notes = []
        self.disk = None      # a small one
        self.began = time.monotonic()
        self.events = []      # what was done to nodes, and when

    def time(self):
        return f"{time.monotonic() - self.began:.2f} s"

    def note(self, event):
        self.events.append(f"{self.time()} {event}")

    def acknowledged(self):
        with self.lock:
            now = time.monotonic()
            if self.last is not None:
                self.longest_s = max(self.longest_s, now - self.last)
            self.last = now

    def up(self):
        return [node for node in self.nodes if node not in self.down]

    def start(self):
        first = self.mesh.founder("n0")
        self.nodes = [first]
        for i in range(1, NODES):
            if i == NODES - 1:
                self.mount(pathlib.Path(self.mesh.directory) / f"n{i}")
            self.nodes.append(self.mesh.joiner(first, f"n{i}"))
        wait_linked(self.nodes)

    # ---- Disks

    def mount(self, path):
        path.mkdir(mode=0o700)
        size = DISK_MIB + DISK_MIB_PER_KILL * self.planned
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}m,mode=700", "mcpz-soak", str(path)],
                              capture_output=True, check=False) if os.geteuid() == 0 else None
        if done is not None and done.returncode == 0:
            self.disk = path
        else:
            self.notes.append("no disk was filled: a small one cannot be mounted here")

    def unmount(self):
        if self.disk is not None:
            subprocess.run(["umount", "-l", str(self.disk)], check=False)

    def fill(self):
        if self.disk is None:
            return
        ballast = self.disk / "ballast"
        with contextlib.suppress(OSError), open(ballast, "wb", buffering=0) as file:
            while True:
                file.write(bytes(65536))
        self.ballast = ballast
        self.notes.append("a disk was full for a while")

    def empty(self):
        if self.disk is not None:
            self.ballast.unlink()

    # ---- Nodes

    def kill(self):
        node = self.chance.choice(self.up())
        self.down.append(node)
        self.note(f"kill {node.name}")
        node.kill()
        self.kills += 1

    def revive(self):
        node = self.down[0]
        self.note(f"start {node.name}")
        node.start(listen=node.address)
        self.note(f"{node.name} is ready")
        self.down.pop(0)

    def put_back(self, node, backup):
        """The node as it was when `backup` was made."""
        self.down.append(node)
        self.note(f"put {node.name} back")
        node.kill()
        self.kills += 1
        shutil.rmtree(node.data)
        done = run("backup", "restore", backup, "--data", node.data)
        if done.returncode != 0:
            raise Failed(f"the backup cannot be restored: {done.stderr}")
        self.notes.append(f"{node.name} was put back to a backup of the beginning")

    def rounds(self, kills):
        """Kill and start until so many were killed."""
        while self.kills < kills:
            dice = self.chance.random()
            if dice < KILL and len(self.down) < DOWN_MAX:
                self.kill()
            elif dice < START and self.down:
                self.revive()
            time.sleep(self.chance.random() * 2 * ROUND_S)

    def all_up(self):
        while self.down:
            self.revive()

    def check_room(self):
        """Nobody can have what there is no room for: not worth waiting for."""
        for node in self.nodes:
            disk = shutil.disk_usage(node.data)
            full = [problem for problem in ask(node, "GET", "/health")[1]["problems"] if "is full" in problem]
            if full and disk.free < FULL * disk.total:
                raise Failed(f"{node.name}: {full[0]}; {disk.free >> 20} of {disk.total >> 20} MiB are left")

    def run(self):
        kills = self.planned
        backup = pathlib.Path(self.mesh.directory) / "old.mcpzbackup"
        for writer in self.writers:
            writer.start()
        until("something is written", lambda: all(writer.promised for writer in self.writers))
        self.note("backup of n1")
        self.nodes[1].ask("backup", "create", str(backup), "--with-node-key")
        self.rounds(kills // 3)
        self.all_up()
        self.fill()
        self.rounds(kills // 3 + max(kills // 30, 1))
        self.empty()
        self.rounds(2 * kills // 3)
        self.all_up()
        self.put_back(self.nodes[1], backup)
        self.rounds(kills)
        self.all_up()
        self.over = True
        for writer in self.writers:
            writer.join()

    # ---- What has become of it

    def lacking(self, node):
        """Acknowledged elements that are not there."""
        lost = []
        for writer in self.writers:
            for agent, numbers in writer.promised.items():
                status, answer = ask(node, "GET", f"/v1/agents/{agent}")
                there = set(answer["state"].get("log", [])) if status == 200 else set()
                lost += [f"{agent}: {number}, by {numbers[number]}" for number in sorted(numbers.keys() - there)]
        return lost

    def roots(self, node):
        status, answer = ask(node, "GET", "/v1/snapshots")
        return {agent["id"]: agent["root"] for agent in answer} if status == 200 else None

    def agree(self):
        self.check_room()
        roots = [self.roots(node) for node in self.nodes]
        return all(root is not None and root == roots[0] for root in roots)

    def check(self):
        acknowledged = sum(len(numbers) for writer in self.writers for numbers in writer.promised.values())
        refused = sum(writer.refused for writer in self.writers)
        healed = time.monotonic()
        until("all nodes have the same roots", self.agree, patience=PATIENCE_S)
        print(f"the same roots {time.monotonic() - healed:.1f} s after the last start", flush=True)
        lost = {node.name: self.lacking(node) for node in self.nodes}
        for note in self.notes:
            print(note)
        print(f"{self.kills} kills; {acknowledged} writes acknowledged by a quorum, {refused} not; "
              f"lost (RPO): {max(map(len, lost.values()))}; without any acknowledged write for {self.longest_s:.2f} s at most (RTO)")
        if any(lost.values()):
            print(*self.events, sep="\n")
            if "MCPZ_SOAK_KEEP" in os.environ:
                shutil.copytree(self.mesh.directory, os.environ["MCPZ_SOAK_KEEP"], ignore=shutil.ignore_patterns("*.sock"))
            raise Failed(f"acknowledged writes are lost: {lost}")
        if acknowledged == 0:
            raise Failed("nothing was ever acknowledged")


def main():
    kills = int(sys.argv[1]) if len(sys.argv) > 1 else 300
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else time.time_ns() % 1_000_000
    print(f"seed {seed}", flush=True)
    with Mesh() as mesh:
        storm = Storm(mesh, kills, seed)
        try:
            storm.start()
            storm.run()
            storm.check()
        finally:
            storm.over = True
            storm.unmount()


if __name__ == "__main__":
    main()
