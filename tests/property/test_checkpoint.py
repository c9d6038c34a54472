#!/usr/bin/env python3
"""Random histories in which replicas take in each other's checkpoints instead of the deltas below.

    test_checkpoint.py HISTORIES [FIRST_SEED]

A checkpoint stands for the set of deltas it was made of. So whoever installs one must be the model's
function of both sets together (P11, P19), make the same checkpoint as who has seen the same (P7, P17),
and be moved by no delta that comes late (P11). The first line of a failure is the command that replays
its seed.
"""

from test_crdt import WALL_MS, History, Shell, run_histories


def check_form(replica, checkpoint, rng):
    """Nothing but the one form is taken, and what is not changes nothing (P17)."""
    before = replica.ask("state")
    for _ in range(6):
        changed = bytearray(checkpoint)
        at = rng.randrange(len(changed))
        kind = rng.randrange(3)
        if kind == 0:
            del changed[at:]
        elif kind == 1:
            changed.append(rng.randrange(256))
        else:
            changed[0] += 1  # a field more than there are
            changed.append(0)
        fate = replica.ask("install", bytes=bytes(changed).hex())["fate"]
        assert fate == "malformed", (fate, kind, at)
    assert replica.ask("state") == before


class Checkpoints(History):
    def __init__(self, shell, seed):
        super().__init__(shell, seed)
        self.folded = set()  # replicas that lack deltas below a checkpoint

    def checkpoint(self, replica):
        answer = replica.ask("checkpoint")["bytes"]
        return None if answer is None else bytes.fromhex(answer)

    def install(self):
        source, target = self.rng.sample(self.replicas, 2)
        checkpoint = self.checkpoint(source)
        if checkpoint is None:
            return
        check_form(target, checkpoint, self.rng)
        more = sorted((delta for key, delta in source.model.have.items()
                       if key not in target.model.have), key=lambda delta: delta.hlc)
        fate = target.ask("install", bytes=checkpoint.hex())["fate"]
        assert fate == ("merged" if more else "duplicate"), (fate, len(more))
        for delta in more:
            target.model.take(delta)
        if more:
            self.folded.add(target.name)
        target.check()
        if target.model.have.keys() == source.model.have.keys():
            assert self.checkpoint(target) == checkpoint

    def fold_all(self):
        """Who took in a checkpoint that is no base lacks what would be folded: see test_crdt.py."""

    def step(self):
        chance = self.rng.random()
        if chance < 0.15:
            self.install()
        elif chance < 0.25 and self.deltas:
            self.crash(self.rng.choice(self.replicas))
        else:
            replica = self.rng.choice(self.replicas)
            if chance < 0.65:
                self.write(replica)
            elif self.deltas:
                self.gossip()

    def run(self):
        super().run()
        # All have seen all, some of it through others' checkpoints: one more changes nothing.
        checkpoints = {self.checkpoint(replica) for replica in self.replicas}
        assert len(checkpoints) == 1, "same deltas, other bytes"
        self.shell.ask("new", "Z", node=9, wall_ms=WALL_MS)
        assert self.shell.ask("install", "Z", bytes=checkpoints.pop().hex())["fate"] == "merged"
        assert self.shell.ask("root", "Z")["root"] == self.replicas[0].root()
        for delta in self.rng.sample(self.deltas, len(self.deltas)):
            self.shell.ask("apply", "Z", bytes=delta.message.hex())
        assert self.shell.ask("root", "Z")["root"] == self.replicas[0].root()


def check_size(shell):
    """What was overwritten takes no room, however often it was (P18): crdt 8, hot keys."""
    shell.ask("clear")
    shell.ask("new", "A", node=1, wall_ms=WALL_MS)
    shell.ask("op", "A", op="create")
    sizes = []
    for number in range(30):
        for key in range(100):
            shell.ask("op", "A", op="set", path=[f"k{key}"], value=1000 + number)
        sizes.append(len(shell.ask("checkpoint", "A")["bytes"]) // 2)
    assert sizes[-1] <= 4096, sizes[-1]
    assert sizes[-1] - sizes[2] <= 300, sizes  # numbers grew by a byte or two


if __name__ == "__main__":
    run_histories(Checkpoints, 200, "histories with checkpoints", check_size)
