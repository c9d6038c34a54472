"""Five real nodes and a layout that moves, files put, named and removed everywhere, kill -9 at random.

  soak_blobs.py [SECONDS [SEED]]      120 seconds and a seed of its own unless told otherwise

No blob that a quorum had is lost, none that was removed comes back; when all are removed their room is free again at
all nodes, and `store check` has nothing to say. Prints the seed, and what was done.
"""

import json
import pathlib
import random
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

from mesh import Failed, Local, Mesh, until, wait_linked  # noqa: E402

NODES = 5
WRITERS = 3
ENV = {"MCPZ_BLOBS_CLEAR_AFTER": "5s"}  # what nobody needs goes in seconds
PATIENCE_S = 240
ROOM_BYTES = 65_536  # of blocks, at each node, when nothing is kept any more
NOT_FOUND = 6


class Writer(threading.Thread):
    """Puts files, names them in an agent of its own, and removes them; knows what must and may be there."""

    def __init__(self, number, seed, nodes, folder):
        super().__init__(daemon=True)
        self.number = number
        self.chance = random.Random(f"{seed}/{number}")
        self.nodes = nodes
        self.path = folder / f"writer-{number}"
        self.over = False
        self.kept = {}      # blob: content
        self.removed = set()
        self.named = []     # contents that the agent may name: the last that was acknowledged, and later ones
        self.counts = {"put": 0, "removed": 0, "named": 0, "refused": 0}
        self.error = None

    def content(self):
        length = self.chance.choice((10, 3_000, 40_000, 300_000, 2_000_000))
        return self.chance.randbytes(length)

    def count(self, what, done):
        self.counts[what if done else "refused"] += 1
        return done

    def put(self, node):
        content = self.content()
        self.path.write_bytes(content)
        said = node.run("blob", "put", self.path, "--ack", "quorum", "--timeout", "20s", "--json")
        if self.count("put", said.returncode == 0):
            self.kept[json.loads(said.stdout)["blob"]] = content

    def remove(self, node):
        blob = self.chance.choice(sorted(self.kept))
        content = self.kept.pop(blob)
        said = node.run("blob", "remove", blob)
        if self.count("removed", said.returncode == 0):
            self.removed.add(blob)
        elif said.returncode == NOT_FOUND:
            self.kept[blob] = content  # that node has not heard of it yet; what else went wrong may have been done

    def name(self, node):
        content = self.content()
        self.path.write_bytes(content)
        agent = f"agent-{self.number}"
        said = node.run("agent", "set", agent, "file", "--file", self.path, "--ack", "quorum", "--timeout", "20s")
        self.named = ([] if self.count("named", said.returncode == 0) else self.named) + [content]

    def run(self):
        try:
            while not self.over:
                node = self.chance.choice(self.nodes)
                dice = self.chance.random()
                if node.process.poll() is not None:
                    time.sleep(0.05)
                elif dice < 0.2:
                    self.name(node)
                elif dice < 0.5 and len(self.kept) > 3:
                    self.remove(node)
                else:
                    self.put(node)
        except Exception as error:
            self.error = error


class Storm:
    """Kills, starts and layouts, while writers write."""

    def __init__(self, chance, nodes):
        self.chance = chance
        self.nodes = nodes
        self.down = None
        self.kills = 0
        self.layouts = 0

    def kill(self):
        self.down = self.chance.choice(self.nodes)
        self.down.kill()
        self.kills += 1

    def start(self):
        if self.down is not None:
            self.down.start(listen=self.down.address, env=ENV)
            self.down = None

    def move(self):
        """Other nodes keep what there is: three of the five."""
        founder = self.nodes[0]
        if self.down is founder:
            return
        chosen = self.chance.sample(self.nodes, 3)
        founder.run("layout", "revert")
        founder.run("layout", "stage", *(node.id for node in chosen), "--copies", "2")
        founder.run("layout", "stage", *(node.id for node in self.nodes if node not in chosen), "--remove")
        self.layouts += founder.run("layout", "apply").returncode == 0

    def rage(self, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            dice = self.chance.random()
            if dice < 0.25:
                self.start()
            elif dice < 0.4 and self.down is None:
                self.kill()
            elif dice < 0.44:
                self.move()
            time.sleep(self.chance.random())
        self.start()


def forget(node, blob, ref):
    """Whatever it was put for: what an agent was to name and never did would stay for an hour."""
    Local(node).ask("DELETE", f"/v1/blobs/{blob}?ref={ref}")


def listed(node, *options):
    return {row["blob"] for row in node.ask("blob", "list", *options)}


def got(node, path, *arguments):
    """What it says, or None."""
    return path.read_bytes() if node.run(*arguments, path).returncode == 0 else None


def check(nodes, writers, path):
    """All that must be there is, and nothing that must not."""
    for writer in writers:
        for number, (blob, content) in enumerate(writer.kept.items()):
            node = nodes[number % len(nodes)]
            until(f"{blob} is read at {node.name}",
                  lambda node=node, blob=blob, content=content: got(node, path, "blob", "get", blob) == content,
                  PATIENCE_S)
        agent = f"agent-{writer.number}"
        if writer.named:
            until(f"what {agent} names is read",
                  lambda writer=writer, agent=agent:
                  got(nodes[1], path, "agent", "get", agent, "file", "--file") in writer.named, PATIENCE_S)
        until("what was removed is gone",
              lambda writer=writer: not any(writer.removed & listed(node) for node in nodes), PATIENCE_S)


def taken(node):
    return sum(path.stat().st_blocks * 512 for path in (node.data / "blobs").glob("pack-*"))


def clear(nodes, writers):
    """Nothing is needed any more: all room is free again."""
    for writer in writers:
        nodes[0].run("agent", "delete", f"agent-{writer.number}")

    def is_empty():
        left = set().union(*(listed(node) | listed(node, "--here") for node in nodes))
        for blob in left:
            for ref in ("put", "brief"):
                forget(nodes[0], blob, ref)
        return not left
    until("nobody has a blob", is_empty, PATIENCE_S)
    until("their room is free", lambda: all(taken(node) <= ROOM_BYTES for node in nodes), PATIENCE_S)


def main():
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 120
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else time.time_ns() % 1_000_000
    print(f"seed {seed}", flush=True)
    with Mesh() as mesh:
        folder = pathlib.Path(mesh.directory)
        first = mesh.founder("n0", env=ENV)
        nodes = [first] + [mesh.joiner(first, f"n{number}", env=ENV) for number in range(1, NODES)]
        wait_linked(nodes)
        first.ask("layout", "stage", *(node.id for node in nodes[:3]), "--copies", "2")
        first.ask("layout", "apply", "--wait")
        for number in range(WRITERS):
            first.ask("agent", "create", f"agent-{number}", "--ack", "all", "--timeout", "30s")
        writers = [Writer(number, seed, nodes, folder) for number in range(WRITERS)]
        for writer in writers:
            writer.start()
        storm = Storm(random.Random(seed), nodes)
        storm.rage(seconds)
        for writer in writers:
            writer.over = True
        for writer in writers:
            writer.join()
            if writer.error is not None:
                raise writer.error
        done = {what: sum(writer.counts[what] for writer in writers) for what in writers[0].counts}
        print(f"{storm.kills} kills, {storm.layouts} layouts, {done}", flush=True)
        healed = time.monotonic()
        try:
            check(nodes, writers, folder / "got")
            print(f"all is there {time.monotonic() - healed:.0f} s after the last start", flush=True)
            clear(nodes, writers)
            print(f"nothing is left after {time.monotonic() - healed:.0f} s", flush=True)
        except Failed as failure:
            raise Failed(f"seed {seed}: {failure}; room: { {node.name: taken(node) for node in nodes} }") from None
        for node in nodes:
            node.stop()
            said = node.run("store", "check")
            if said.returncode != 0:
                raise Failed(f"seed {seed}: {said.stderr}")


if __name__ == "__main__":
    main()
