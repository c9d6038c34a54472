#!/usr/bin/env python3
"""Agents that are made to read as they did, after random histories of writes of all types.

    test_restore.py HISTORIES [FIRST_SEED]

Whoever restores reads what was read then, writes nothing if that is so already, and can take it back
in the same way; others who are shown the writes read it, too, and what they have written meanwhile is
merged as with any other write. The first line of a failure is the command that replays it.
"""
import random

from crdt_model import Delta
from packed import pack, unpack
from test_crdt import BLOB, LIVES, PATHS, VALUES, WALL_MS, WHOLE, WORDS, Shell, run_histories

OK, NOT_FOUND = 0, 11
CREATED = {"create": 0, "delete": 1.5}  # more often than there


class History:
    def __init__(self, shell, seed):
        self.rng = random.Random(seed)
        self.shell = shell
        shell.ask("clear")
        self.names = "ABC"[:self.rng.randint(1, 3)]
        self.wall_ms = WALL_MS
        self.sent = {name: [] for name in self.names}  # deltas, by who wrote them
        self.shown = {name: set() for name in self.names}
        for number, name in enumerate(self.names):
            shell.ask("new", name, node=number + 1, wall_ms=self.wall_ms)

    # ---- Writing and showing

    def take(self, name, answer):
        deltas = [message for message in answer.get("sent", [])
                  if bytes.fromhex(message)[1] == Delta.KIND]
        self.sent[name] += deltas
        self.shown[name].update(deltas)
        return deltas

    def op(self, name, word, **more):
        self.wall_ms += self.rng.randint(1, 20)
        self.shell.ask("clock", name, wall_ms=self.wall_ms + self.rng.choice([0, 0, 3, 500]))
        answer = self.shell.ask("op", name, op=word, **more)
        return self.take(name, answer)

    def write(self, name):
        rng = self.rng
        often = {word: CREATED.get(word, share) for word, (share, _) in WORDS.items()}
        word = rng.choices(list(often), list(often.values()))[0]
        path = WORDS[word][1] if WORDS[word][1] and rng.random() < 0.8 else rng.choice(PATHS)
        more = {"path": path, "value": rng.choice(VALUES + [BLOB] * (word in WHOLE)), "amount": rng.choice([1, 2, 3, 7]),
                "to": rng.randint(0, 3), "epoch": rng.randint(0, 4), "rank": rng.choice([0, 1, 255]),
                "index": rng.randint(0, 3), "to_index": rng.randint(0, 3),
                "state": rng.choice(LIVES + ["decommissioned"])}
        if word != "life":
            del more["state"]
        return self.op(name, word, **more)

    def show(self, to, count=None):
        """Show `to` the writes of all others, in their order: some of them, or all."""
        for name in self.names:
            for message in self.sent[name][:count]:
                if message not in self.shown[to]:
                    fate = self.shell.ask("apply", to, bytes=message)["fate"]
                    if fate in ("merged", "duplicate"):
                        self.shown[to].add(message)

    def spread(self):
        everything = {message for name in self.names for message in self.sent[name]}
        self.wall_ms += 1000
        for name in self.names:
            self.shell.ask("clock", name, wall_ms=self.wall_ms)
        for _ in range(200):
            for name in self.names:
                self.show(name)
            if all(self.shown[name] == everything for name in self.names):
                return
        raise AssertionError("what was written does not spread")

    def view(self, name, **at):
        return self.shell.ask("view", name, **at)["state"]

    def restore(self, name, **at):
        self.wall_ms += 1
        self.shell.ask("clock", name, wall_ms=self.wall_ms)
        answer = self.shell.ask("restore", name, **at)
        return answer["code"], self.take(name, answer)

    def roots(self):
        return {self.shell.ask("root", name)["root"] for name in self.names}

    # ---- What must hold

    def check_restore(self, name, **at):
        """It reads as it did, and a second time nothing is written."""
        then = self.view(name, **at)
        before = self.shell.ask("state", name)
        code, deltas = self.restore(name, **at)
        if then is None:
            assert code == NOT_FOUND and not deltas, (code, deltas)
            assert self.shell.ask("state", name) == before
            return None
        assert code == OK, code
        assert self.view(name) == then, (self.view(name), then)
        assert self.restore(name, **at) == (OK, [])
        return then

    def check_undone(self, name):
        """A restore is a write: what was before it can be had again."""
        deltas = [Delta(bytes.fromhex(message)) for message in self.shown[name]]
        latest = max(delta.hlc for delta in deltas)
        last = [delta for delta in deltas if delta.hlc == latest]
        if len(last) > 1:
            return  # stamped alike: none of them is the last
        before, version = self.view(name), f"v-{last[0].head.hex()}"
        deleted = self.view(name, at=version) is None
        self.check_restore(name, at_ms=self.rng.randint(WALL_MS, self.wall_ms))
        if not deleted:
            assert self.check_restore(name, at=version) == before

    def run(self):
        rng = self.rng
        self.op(self.names[0], "create")
        self.spread()
        for _ in range(rng.randint(5, 50)):
            name = rng.choice(self.names)
            self.write(name)
            if rng.random() < 0.3:
                self.show(rng.choice(self.names), rng.randint(1, 60))
        self.spread()
        assert len(self.roots()) == 1

        # Alone: all read what was read then.
        name = rng.choice(self.names)
        then = self.check_restore(name, at_ms=rng.randint(WALL_MS, self.wall_ms))
        self.spread()
        assert len(self.roots()) == 1
        if then is not None:
            assert all(self.view(other) == then for other in self.names)
        self.check_undone(name)
        self.spread()

        # Beside others: all read the same.
        for other in self.names:
            if rng.random() < 0.5:
                self.check_restore(other, at_ms=rng.randint(WALL_MS, self.wall_ms))
            else:
                self.write(other)
        self.spread()
        assert len(self.roots()) == 1


def check_large(shell):
    """More than fits one delta, at once: a set, a list, registers; and what came later goes."""
    shell.ask("clear")
    shell.ask("new", "A", node=1, wall_ms=WALL_MS)
    shell.ask("op", "A", op="create")

    def write(wall_ms, numbers):
        shell.ask("clock", "A", wall_ms=wall_ms)
        for number in numbers:
            for op, path in (("add", ["s"]), ("push", ["q"]), ("set", ["r", f"k{number}"])):
                assert shell.ask("op", "A", op=op, path=path, value=number)["code"] == OK

    write(WALL_MS + 10, range(100))
    then = shell.ask("view", "A")["state"]
    shell.ask("clock", "A", wall_ms=WALL_MS + 20)
    for path in (["s"], ["q"], ["r"]):
        assert shell.ask("op", "A", op="unset", path=path)["code"] == OK
    write(WALL_MS + 30, range(50, 150))
    shell.ask("clock", "A", wall_ms=WALL_MS + 40)
    assert shell.ask("restore", "A", at_ms=WALL_MS + 10)["code"] == OK
    assert shell.ask("view", "A")["state"] == then


class Pair:
    """Two replicas that show each other all they write, unless they are told not to."""

    def __init__(self, shell):
        self.shell = shell
        self.wall_ms = WALL_MS
        shell.ask("clear")
        for number, name in enumerate("AB"):
            shell.ask("new", name, node=number + 1, wall_ms=WALL_MS)
        self.write("A", op="create")

    def ask(self, verb, name, **more):
        self.wall_ms += 10
        for other in "AB":
            self.shell.ask("clock", other, wall_ms=self.wall_ms)
        answer = self.shell.ask(verb, name, **more)
        assert answer["code"] == OK, answer
        return answer["sent"]

    def carry(self, name, messages):
        for message in messages:
            self.shell.ask("apply", "B" if name == "A" else "A", bytes=message)

    def write(self, name, **more):
        self.carry(name, self.ask("op", name, **more))

    def restore(self, name, at_ms):
        self.carry(name, self.ask("restore", name, at_ms=at_ms))

    def views(self):
        assert self.shell.ask("root", "A") == self.shell.ask("root", "B")
        return [self.shell.ask("view", name)["state"] for name in "AB"]


def check_budget_of_another(shell):
    """What another was granted since cannot be spent here: the budget begins anew."""
    pair = Pair(shell)
    pair.write("A", op="grant", path=["b"], amount=2)
    then = pair.wall_ms
    pair.write("B", op="grant", path=["b"], amount=5)
    pair.restore("A", then)
    assert pair.views() == [{"b": 2}] * 2, pair.views()
    pair.write("A", op="spend", path=["b"], amount=2)
    assert pair.views() == [{"b": 0}] * 2, pair.views()


def check_deleted_meanwhile(shell):
    """Who brings an agent back has the last word over who deletes what was there before."""
    pair = Pair(shell)
    pair.write("A", op="set", path=["k"], value=1)
    then = pair.wall_ms
    unseen = pair.ask("op", "B", op="delete")
    pair.carry("A", pair.ask("op", "A", op="delete"))
    pair.restore("A", then)
    pair.carry("B", unseen)
    assert pair.views() == [{"k": 1}] * 2, pair.views()
    assert shell.ask("op", "B", op="set", path=["k"], value=2)["code"] == OK  # it is there


def check_list_of_one_place(shell):
    """Elements that were put at one and the same place are in the order they had."""
    pair = Pair(shell)
    pushed = Delta(bytes.fromhex(pair.ask("op", "A", op="push", path=["q"], value="a")[0]))
    key = unpack(pushed.adds[0][2])[0]
    beside = Delta(bytes.fromhex(pair.ask("op", "B", op="push", path=["q"], value="b")[0]))
    kind, path, value = beside.adds[0]
    pair = Pair(shell)
    pair.write("A", op="push", path=["q"], value="a")
    beside.adds = [(kind, path, pack([key, *unpack(value)[1:]]))]
    for name in "AB":
        shell.ask("apply", name, bytes=beside.encode().hex())
    pair.wall_ms += 100  # behind its stamp
    then, order = pair.wall_ms, pair.views()
    for name in "AB":
        for index in (0, 1):
            pair.write(name, op="drop", path=["q"], index=index)
            pair.restore(name, then)
            assert pair.views() == order, (name, index, order)


def check_counted_meanwhile(shell):
    """A counter goes back by the difference: what was counted elsewhere meanwhile counts."""
    pair = Pair(shell)
    pair.write("A", op="increment", path=["c"], amount=5)
    pair.write("B", op="increment", path=["c"], amount=2)
    then = pair.wall_ms
    pair.write("B", op="increment", path=["c"], amount=100)
    unseen = pair.ask("op", "B", op="increment", path=["c"], amount=30)
    pair.restore("A", then)
    assert shell.ask("view", "A")["state"] == {"c": 7}
    pair.carry("B", unseen)
    assert pair.views() == [{"c": 37}] * 2, pair.views()


def check_stale_writer(shell):
    """Who is overtaken stays so: what is restored is in the epoch that has begun since."""
    pair = Pair(shell)
    pair.write("A", op="fence", path=["f"], epoch=1, value="old")
    then = pair.wall_ms
    pair.ask("op", "A", op="fence", path=["f"], epoch=2, value="new")
    shown = pair.ask("restore", "A", at_ms=then)
    stale = pair.ask("op", "B", op="fence", path=["f"], epoch=1, rank=9, value="stale")
    pair.carry("B", stale)
    assert shown and shell.ask("view", "A")["state"] == {"f": "old"}


if __name__ == "__main__":
    run_histories(History, 60, "histories",
                  check_large, check_budget_of_another, check_deleted_meanwhile,
                  check_list_of_one_place, check_stale_writer, check_counted_meanwhile)
