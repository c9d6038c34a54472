#!/usr/bin/env python3
"""Random histories of replicas, in C and in the model side by side.

    test_crdt.py HISTORIES [FIRST_SEED]

Each seed is one history: a few replicas write, are shown each other's deltas (late, twice, in any
order), are killed and lose what was not durable; after each step the replica that moved must be the
model's function of the set of deltas it holds. In the end all have seen all, and what is shown is
what the history of writes says. The first line of a failure is the command that replays it.
"""
import json
import os
import random
import subprocess
import sys

from crdt_model import (ACTORS_MAX, BOUNDED, CLOSED, FENCED, LIFE, REGISTER, STRIDE, Delta, Model, Op,
                        actor_bytes, bounded_value, covers, rights_of, rows_of, spec_values, value_of,
                        view_of)
from packed import pack, unpack

WALL_MS = 1700000000000
PATHS = [["k"], ["m"], ["m", "x"], ["m", "x", 7], ["s"], ["c"], ["l"] * 16]
# What is written, how often, and where most of it goes.
WORDS = {"create": (2, None), "set": (8, None), "add": (6, ["s"]), "remove": (3, ["s"]),
         "increment": (6, ["c"]), "unset": (1.5, None), "delete": (0.3, None),
         "keep": (5, ["v"]), "fence": (4, ["f"]), "life": (1.5, None), "enable": (3, ["e"]),
         "disable": (2, ["e"]), "grant": (5, ["b"]), "spend": (5, ["b"]), "push": (4, ["q"]),
         "insert": (4, ["q"]), "move": (3, ["q"]), "drop": (2, ["q"]), "map": (1, ["m"])}
LIVES = ["provisioning", "active", "idle", "maintenance"]
PIPE_BYTES = 32768  # fits into a pipe: who writes it need not wait for who reads
BLOB = {"$blob": "b-" + "a" * 52, "size": 1 << 40, "tenant": "acme"}
VALUES = [0, 1, "z", [], {"a": None}, -7.5, "text of more than thirty-one bytes, to be sure"]
WHOLE = ("set", "keep", "add", "remove")  # what may name a blob


class Shell:
    """The C side: one process for all histories."""

    def __init__(self, program):
        self.process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True)

    def ask(self, verb, replica=None, **more):
        request = {"verb": verb, **({"replica": replica} if replica else {}), **more}
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, f"the shell ended at {request}"
        return json.loads(line)

    def ask_all(self, requests):
        """The answers to all of them. They are said before any is read: waking takes the time."""
        answers = []
        lines = [json.dumps(request) + "\n" for request in requests]
        while lines:
            count, size = 0, 0
            while count < len(lines) and (count == 0 or size + len(lines[count]) <= PIPE_BYTES):
                size += len(lines[count])
                count += 1
            self.process.stdin.write("".join(lines[:count]))
            self.process.stdin.flush()
            answers += [json.loads(self.process.stdout.readline()) for _ in range(count)]
            del lines[:count]
        return answers

    def close(self):
        self.process.stdin.close()
        assert self.process.wait() == 0


class Replica:
    """One replica, in C and in the model."""

    def __init__(self, shell, name, node, wall_ms):
        self.shell, self.name = shell, name
        self.model = Model(node, wall_ms)
        self.known = set()  # dots that were ever here
        self.covered = set()  # of them: that went
        self.shown = {}
        shell.ask("new", name, node=node, wall_ms=wall_ms)

    def ask(self, verb, **more):
        return self.shell.ask(verb, self.name, **more)

    def root(self):
        return self.ask("root")["root"]

    def set_clock(self, wall_ms):
        self.model.wall_ms = wall_ms
        self.ask("clock", wall_ms=wall_ms)

    def check(self):
        """Incremental is the function of the set (P8), which is causally closed (P9, in take())."""
        self.known |= {dot for delta in self.model.have.values() for dot in dots_of(delta)}
        self.check_state(self.ask("state"), self.expected())

    def expected(self):
        """What "state" is to say now."""
        return *self.model.state(), self.model.hlc()

    def check_state(self, state, expected):
        entries, versions, hlc = expected
        found = {tuple(dot): (bytes.fromhex(path), kind, hlc, bytes.fromhex(value))
                 for path, kind, dot, hlc, value in state.get("entries", [])}
        assert found == entries, (self.name, found, entries)
        assert {tuple(actor): seq % (1 << 64) for actor, seq in state.get("versions", [])} == versions
        assert state.get("count", 0) == len(entries), (state["count"], len(entries))
        assert state.get("hlc", 0) == hlc
        self.check_monotone(entries, versions)
        self.check_bounded(entries)

    def check_monotone(self, entries, versions):
        """The vector only grows, and what has gone does not come back (P4)."""
        assert covers(versions, self.shown)
        assert not self.covered & set(entries), self.covered & set(entries)
        self.covered = self.known - set(entries)
        self.shown = versions

    def check_bounded(self, entries):
        """Nobody has spent more than there was, whatever was seen of it so far (P13)."""
        for path in {entry[0] for entry in entries.values() if entry[1] == BOUNDED}:
            assert all(rights_of(row) >= 0 for row in rows_of(entries, path).values())
            assert bounded_value(entries, path) >= 0

    # ---- Writing

    def write(self, word, path, value, more, unsynced=False):
        """(Op or None, Delta or None). What C says must be what the model would say."""
        packed = {"path": pack(path) if path else None, "value": pack(value)}
        plan = self.model.plan(word, packed["path"], packed["value"], more)
        if word in ("move", "drop") and not isinstance(plan, str):
            more = {**more, "number": self.model.items(packed["path"])[more["index"]][1]}
        answer = self.ask("op", op=word, path=path, value=value, unsynced=unsynced, **more)
        if isinstance(plan, str):
            assert answer["code"] != 0 and not answer["sent"], (word, path, plan, answer)
            return None, None
        assert answer["code"] == 0, (word, path, answer)
        assert len(answer["sent"]) == 1, answer
        delta = self.made(bytes.fromhex(answer["sent"][0]), plan, self.model.writer(word))
        if unsynced:
            return None, None
        self.model.take(delta)
        self.check()
        return Op(word, packed["path"], packed["value"], more, delta), delta

    def made(self, message, plan, actor, closes=None):
        """Is it the delta the model would make?"""
        delta = Delta(message)
        adds, removes = plan
        versions = self.model.versions()
        assert delta.encode() == message  # one form only (P17)
        assert delta.actor == actor
        assert delta.seq == versions.get(delta.actor, 0) + 1
        past = {actor: (seq | CLOSED * (actor == closes),
                        self.model.have[actor, seq % CLOSED].head)
                for actor, seq in versions.items() if actor != delta.actor}
        assert delta.past == past, (delta.past, past)
        own = self.model.have.get((delta.actor, delta.seq - 1))
        assert delta.prev == (own.head if own else bytes(16))
        assert delta.hlc == self.model.tick(), (delta.hlc, self.model.tick())
        assert delta.adds == adds, (delta.adds, adds)
        assert sorted(dot for _, _, dot in delta.removes) == sorted(removes)
        entries = self.model.state()[0]
        for kind, path, dot in delta.removes:
            assert entries[dot][:2] == (path, kind)
        self.model.clock = delta.hlc
        return delta

    def close_lives(self):
        """Earlier lives of its own that are over: the delta that closes them, or None (G3)."""
        upto = self.model.closable()
        answer = self.ask("close")
        if upto is None:
            assert not answer["sent"], answer
            return None
        assert len(answer["sent"]) == 1, (upto, answer)
        places = len(self.model.versions())
        delta = self.made(bytes.fromhex(answer["sent"][0]), ([], []), self.model.actor, upto)
        self.model.take(delta)
        self.check()
        assert len(self.model.versions()) < places
        return delta

    def start_anew(self):
        """It starts from a store that nothing vouches for: as a new life, of the same line."""
        self.model.actor = (self.model.actor[0], self.model.actor[1] + STRIDE)
        answer = self.ask("restart", how="anew")
        assert answer["generation"] == self.model.actor[1], answer
        self.model.clock = self.model.hlc()

    # ---- Taking in

    def receive(self, *deltas):
        """Take them in, one after the other; the model says beforehand what will become of each."""
        requests, expected = [], []
        for delta in deltas:
            fate = self.model.receive(delta)
            expected.append((delta, fate, self.expected()))
            requests.append({"verb": "apply", "replica": self.name, "bytes": delta.message.hex()})
            if fate == "merged":
                requests.append({"verb": "state", "replica": self.name})
        answers = iter(self.shell.ask_all(requests))
        for delta, fate, state in expected:
            answer = next(answers)
            assert answer["fate"] == fate, (self.name, delta, answer, fate)
            if fate == "merged":
                # What is new is passed on as it came.
                assert delta.message.hex() in answer["sent"]
                self.known |= dots_of(delta)
                self.check_state(next(answers), state)

    def refuse(self, forged):
        """(what, message) of each: it is turned away, and nothing changes (P16)."""
        look = {"verb": "state", "replica": self.name}
        requests = [look]
        for _, message in forged:
            requests += [{"verb": "apply", "replica": self.name, "bytes": message.hex()}, look]
        before, *answers = self.shell.ask_all(requests)
        for (what, message), answer, after in zip(forged, answers[::2], answers[1::2]):
            # Of what all have signed there is no other: it comes too late, whatever it is.
            late = ("duplicate",) if self.is_settled(message) else ()
            assert answer["fate"] in ("malformed", "refused", *late), (what, answer, message)
            assert after == before, what

    def is_settled(self, message):
        try:
            delta = Delta(message)
        except (AssertionError, IndexError, TypeError, ValueError):
            return False
        return self.model.is_settled(delta.actor, delta.seq)

    def catch_up(self, other):
        """Take from `other` what is lacking, as it answers a WANT: state and all (P12)."""
        for _ in range(1000):
            lacking = [delta for key, delta in other.model.have.items()
                       if key not in self.model.have and not self.model.is_ahead(delta.hlc)]
            if not lacking:
                return
            answer = other.ask("delta", bytes=self.ask("want")["bytes"])
            before = len(self.model.have)
            if answer.get("base"):
                self.take_base(other)
                continue
            sent = [bytes.fromhex(message) for message in answer["sent"]]
            self.receive(*(Delta(message) for message in sent if message[1] == Delta.KIND))
            if len(self.model.have) == before:
                return  # what comes next is stamped too far ahead
        raise AssertionError("it never ends")

    # ---- Folding

    def take_base(self, other):
        """What it lacks of `other` is folded: join that, and keep what was written here (P11, P19)."""
        fate = self.ask("take", base=other.ask("base"))["fate"]
        assert fate == "merged", (self.name, other.name, fate)
        self.model.take_base(other.model)
        self.check()

    def fold(self, rows=0, crashes=False):
        """Let deltas go: nothing that is seen changes, and no more is kept than must be (P18, P19)."""
        stable, before = self.model.stable, self.root()
        answer = self.ask("fold", rows=rows, unsynced=crashes)
        assert answer["raised"] == (stable is not None), (self.name, answer)
        if stable is not None and not crashes:
            self.model.raise_floor(stable)
        if rows == 0 and not crashes:
            assert answer["rows"] == self.model.rows(), (answer, self.model.rows())
        assert self.root() == before

    def refuse_rival(self, rng):
        """Of a delta that all have signed there is no other: who signs one is too late (P11, P16)."""
        settled = [delta for delta in self.model.have.values()
                   if self.model.is_settled(delta.actor, delta.seq)]
        if settled:
            delta, before = rng.choice(settled), self.root()
            rival = change(delta, hlc=delta.hlc + 1)
            fate = self.ask("apply", bytes=rival.hex())["fate"]
            assert fate == "duplicate", (self.name, delta, fate, self.model.floor, self.model.stable)
            assert self.root() == before

    def check_past(self, at_ms):
        """What it was then; or that this is folded (crdt 1.5)."""
        end = at_ms + 1 << 16
        view = self.ask("view", at_ms=at_ms)
        then = self.model.past(end)
        assert view["folded"] == self.model.is_folded_at(end), (self.name, at_ms, view)
        if not view["folded"]:
            assert view["state"] == (view_of(then.state()[0])[0] if then else None), (at_ms, view)


def dots_of(delta):
    return {(*delta.actor, delta.seq, index) for index in range(len(delta.adds))}


# ---- Forgeries ----------------------------------------------------------------------------------

def change(delta, **more):
    """A copy of `delta` with some members replaced."""
    copy = Delta(delta.message)
    for name, value in more.items():
        setattr(copy, name, value)
    return copy.encode()


def forgeries(delta, rng):
    """Bytes that nobody may take, made from a delta that all would: (what, message)."""
    past, seq = delta.past, delta.seq
    unseen = (*delta.actor, seq + rng.randint(0, 3), 0)
    yield "a dot nobody can have seen", change(
        delta, removes=[*delta.removes[:60], (REGISTER, LIFE, unseen)])
    yield "a dot of an actor that is not in its past", change(
        delta, removes=[*delta.removes[:60], (REGISTER, LIFE, (250, 1, 1, 0))])
    yield "its own past named twice", change(delta, past={**past, delta.actor: (seq, bytes(16))})
    yield "a second without a first", change(delta, seq=seq + 1, prev=bytes(16))
    yield "a first with one before it", change(delta, seq=1, prev=b"x" * 16)
    yield "no number in a counter", change(delta, adds=[(3, pack(["c"]), pack("x"))])
    yield "no epoch", change(delta, adds=[(FENCED, pack(["f"]), pack([-1, 0, 1]))])
    yield "more spent than there was", change(
        delta, adds=[(BOUNDED, pack(["b"]), pack([1, 2, [], []]))])
    yield "taken from somebody it has not seen", change(
        delta, adds=[(BOUNDED, pack(["b"]), pack([0, 0, [], [[actor_bytes((77, 1)), 1]]]))])
    for other in (actor for actor in past if actor != delta.actor):
        yield "somebody else's row replaced", change(
            delta, adds=[(3, pack(["c"]), pack(1))], removes=[(3, pack(["c"]), (*other, 1, 0))])
    yield "a place with no room before it", change(
        delta, adds=[(8, pack(["q"]), pack([bytes(4), 1, 1]))])
    yield "a type that is none", change(delta, adds=[(99, pack(["c"]), pack("x"))])
    yield "type 0", change(delta, adds=[(0, pack(["c"]), pack("x"))])
    yield "a path too deep", change(delta, adds=[(1, pack(["c"] * 17), pack("x"))])
    yield "a path of nothing", change(delta, adds=[(1, pack([]), pack("x"))])
    yield "a path of a negative number", change(delta, adds=[(1, pack([-1]), pack("x"))])
    yield "a value of nothing", change(delta, adds=[(1, pack(["c"]), b"")])
    yield "a number in a longer form", change(delta, adds=[(1, pack(["c"]), b"\xcc\x01")])
    yield "a text that is not UTF-8", change(delta, adds=[(1, pack(["c"]), b"\xa1\xff")])
    yield "keys out of order", change(delta, adds=[(1, pack(["c"]), b"\x82\xa1b\x01\xa1a\x01")])
    yield "a key twice", change(delta, adds=[(1, pack(["c"]), b"\x82\xa1a\x01\xa1a\x02")])
    yield "too many adds", change(delta, adds=[(1, pack(["c"]), pack(1))] * 17)
    yield "too many actors", change(
        delta, past={**past, **{(200 - i, 1): (1, bytes(16)) for i in range(ACTORS_MAX + 1)}})
    if delta.removes:
        yield "one dot twice", change(delta, removes=[*delta.removes[:60], delta.removes[0]])
    yield "no document", change(delta, document=bytes(32))
    yield "bytes behind it", delta.message + b"\x00"
    yield "its last byte missing", delta.message[:-1]


# ---- One history --------------------------------------------------------------------------------

class History:
    def __init__(self, shell, seed):
        self.rng = random.Random(seed)
        self.shell = shell
        shell.ask("clear")
        count = self.rng.randint(2, 4)
        self.replicas = [Replica(shell, "ABCD"[i], i + 1, WALL_MS + self.rng.randint(-500, 500))
                         for i in range(count)]
        self.ops = []
        self.deltas = []

    def write(self, replica, unsynced=False):
        rng = self.rng
        word = rng.choices(list(WORDS), [often for often, _ in WORDS.values()])[0]
        path, value = rng.choice(PATHS), rng.choice(VALUES + [BLOB] * (word in WHOLE))
        if WORDS[word][1] is not None and rng.random() < 0.8:
            path = WORDS[word][1]
        if word in ("create", "delete", "life"):
            path = None
        more = {"amount": rng.choice([1, 5, -3, 1000, 1 << 40])}
        if word in ("grant", "spend"):
            more = {"amount": rng.choice([1, 2, 3, 7]), "to": rng.choice([0, 0, 1, 2, 3])}
        elif word == "fence":
            more = {"epoch": rng.randint(0, 4), "rank": rng.choice([0, 0, 1, 255])}
        elif word == "life":
            more = {"state": rng.choice(LIVES) if rng.random() < 0.9 else "decommissioned"}
        elif word in ("insert", "move", "drop"):
            more = {"index": rng.randint(0, 3), "to_index": rng.randint(0, 3)}
        op, delta = replica.write(word, path, value, more, unsynced)
        if op is not None:
            self.ops.append(op)
            self.deltas.append(delta)

    def gossip(self):
        for _ in range(self.rng.randint(1, 5)):
            replica = self.rng.choice(self.replicas)
            replica.receive(*self.rng.sample(self.deltas, min(len(self.deltas),
                                                              self.rng.randint(1, 8))))

    def crash(self, replica):
        """Write, and lose it: nobody was told."""
        if self.rng.random() < 0.3:
            replica.start_anew()
        elif self.rng.random() < 0.5:
            self.write(replica, unsynced=True)
            replica.ask("restart", how="crash")
        else:
            replica.ask("restart", how="kill")
        replica.model.clock = replica.model.hlc()
        replica.check()

    def move_clock(self, replica):
        by = self.rng.choice([10, 1000, 29000, -86400000, 86400000, -5000])
        replica.set_clock(replica.model.wall_ms + by)

    def agree(self, away=0):
        """Those who keep it have all seen the same, and sign that; gives them, if they did."""
        keepers = self.rng.sample(self.replicas, len(self.replicas) - away)
        for replica in keepers * 2:
            replica.catch_up(self.rng.choice([other for other in keepers if other != replica]))
        models = [replica.model for replica in keepers]
        if any(model.have.keys() != models[0].have.keys() for model in models[1:]):
            return []
        versions = models[0].versions()
        roots = set()
        for replica in keepers:
            if replica.model.stable is None and versions != replica.model.floor:
                roots.add(replica.ask("agree")["root"])
                replica.model.stable = versions
        assert len(roots) <= 1, roots
        return keepers

    def agree_and_fold(self):
        """Some fold at once, some later; who was away for longer than the grace comes back to a base."""
        away = len(self.replicas) > 2 and self.rng.random() < 0.7
        keepers = self.agree(away)
        folded = [replica for replica in keepers if self.rng.random() < 0.7]
        for replica in folded:
            self.fold(replica)
            # Nobody is away, and has something else of it.
            if not away and replica.model.floor == replica.model.versions():
                delta = replica.close_lives()
                self.deltas += [delta] if delta is not None else []
        late = [replica for replica in self.replicas if replica not in keepers]
        if folded and late and self.rng.random() < 0.7:
            late[0].catch_up(folded[0])

    def fold(self, replica):
        crashes = self.rng.random() < 0.2
        replica.fold(self.rng.choice([0, 0, 1, 3]), crashes)
        if crashes:
            replica.ask("restart", how="crash")
            replica.model.clock = replica.model.hlc()
        replica.check()
        replica.refuse_rival(self.rng)
        deltas = list(replica.model.have.values())
        replica.check_past((self.rng.choice(deltas).hlc >> 16) + self.rng.choice([-1, 0, 1])
                           if deltas else WALL_MS)

    def step(self):
        replica = self.rng.choice(self.replicas)
        chance = self.rng.random()
        if chance < 0.5:
            self.write(replica)
        elif chance < 0.8 and self.deltas:
            self.gossip()
        elif chance < 0.85:
            replica.catch_up(self.rng.choice(self.replicas))
        elif chance < 0.9:
            self.crash(replica)
        elif chance < 0.93:
            self.move_clock(replica)
        elif chance < 0.95 and self.deltas:
            replica.refuse(list(forgeries(self.rng.choice(self.deltas), self.rng)))
        elif chance < 0.98:
            self.agree_and_fold()
        else:
            self.fold(replica)

    def spread(self):
        """All see all, each in an order of its own, and some of it twice (P1, P2, P3, P6)."""
        latest = max((delta.hlc >> 16 for delta in self.deltas), default=0)
        for replica in self.replicas:
            replica.set_clock(max(latest, WALL_MS))
            while len(replica.model.have) < len(self.deltas):
                replica.receive(*self.rng.sample(self.deltas, len(self.deltas)))
        for replica in self.replicas:
            before = replica.root()
            replica.receive(*self.rng.sample(self.deltas, len(self.deltas)))
            assert replica.root() == before
        roots = {replica.root() for replica in self.replicas}
        assert len(roots) == 1, roots

    def check_shown(self):
        """What people see is what the history says (P10, P13, P14)."""
        replica = self.replicas[0]
        entries = replica.model.state()[0]
        shown = {(path, kind): value_of(entries, path, kind)
                 for path, kind, _, _ in entries.values() if not unpack(path)[0] == "$"}
        expected = spec_values(self.ops)
        for key in (key for key, value in expected.items() if value is None):
            expected[key] = shown[key]  # it depends
        assert shown == expected, (shown, expected)
        state, conflicts = view_of(entries)
        view = replica.ask("view")
        assert view["state"] == state, (view["state"], state)
        found = sorted((conflict["shown"], sorted(conflict["hidden"]),
                        sorted(conflict.get("concurrent", {}))) for conflict in view["conflicts"])
        assert found == sorted((shown, sorted(hidden), sorted(concurrent))
                               for shown, hidden, concurrent in conflicts.values())

    def check_same_versions(self):
        """Who has seen the same holds the same bytes (P7)."""
        roots = {}
        answers = self.shell.ask_all([{"verb": "root", "replica": replica.name}
                                      for replica in self.replicas])
        for replica, answer in zip(self.replicas, answers):
            key = tuple(sorted(replica.model.versions().items()))
            assert roots.setdefault(key, answer["root"]) == answer["root"]

    def run(self):
        self.ops_of_first()
        for _ in range(self.rng.randint(5, 60)):
            self.step()
            if self.rng.random() < 0.2:
                self.check_same_versions()
        self.spread()
        self.check_shown()
        if self.rng.random() < 0.2:
            self.fold_all()

    def fold_all(self):
        """Nothing is left but a base and the last delta of each writer, and whoever comes has all (P11, P18)."""
        for _ in range(2):  # what was signed before is in the way of what is now
            assert len(self.agree()) == len(self.replicas)
            for replica in self.replicas:
                replica.fold()
        source = self.rng.choice(self.replicas)
        assert source.model.rows() == sum(seq < CLOSED for seq in source.model.versions().values())
        newcomer = Replica(self.shell, "Z", 9, source.model.wall_ms)
        newcomer.catch_up(source)
        newcomer.receive(*self.rng.sample(self.deltas, len(self.deltas)))
        assert newcomer.root() == source.root()
        newcomer.fold()  # it goes on from the base that it was given
        _, delta = newcomer.write("set", ["k"], 1, {}) if newcomer.model.is_live() else (None, None)
        if delta is not None:
            source.receive(delta)
            assert newcomer.root() == source.root()

    def ops_of_first(self):
        op, delta = self.replicas[0].write("create", None, None, {})
        self.ops.append(op)
        self.deltas.append(delta)


def check_crowded_list(shell):
    """So much is put at one place that all elements must be given new ones; nothing is lost."""
    shell.ask("clear")
    for name, node in (("A", 1), ("B", 2)):
        shell.ask("new", name, node=node, wall_ms=WALL_MS)
    sent = list(shell.ask("op", "A", op="create")["sent"])
    expected = []
    for number in range(600):
        index = min(1, len(expected))
        expected.insert(index, number)
        answer = shell.ask("op", "A", op="insert", path=["q"], value=number, index=index)
        assert answer["code"] == 0, answer
        sent += [message for message in answer["sent"] if bytes.fromhex(message)[1] == Delta.KIND]
    assert len(sent) > 1 + 600, "nothing was ever given a new place"
    for message in sent:
        shell.ask("apply", "B", bytes=message)
    for _ in range(100):  # what did not fit into a step is asked for
        for message in shell.ask("delta", "A", bytes=shell.ask("want", "B")["bytes"])["sent"]:
            shell.ask("apply", "B", bytes=message)
    for name in "AB":
        assert shell.ask("view", name)["state"] == {"q": expected}
    assert shell.ask("root", "A") == shell.ask("root", "B")


def check_moves_that_meet(shell):
    """One element, moved on both sides of a split: it is there once, where the later stamp says."""
    shell.ask("clear")
    shell.ask("new", "A", node=1, wall_ms=WALL_MS + 1000)
    shell.ask("new", "B", node=2, wall_ms=WALL_MS)

    def write(at, to, **more):
        answer = shell.ask("op", at, path=["q"], **more)
        assert answer["code"] == 0, answer
        return [(to, message) for message in answer["sent"]]

    def carry(letters):
        for to, message in letters:
            assert shell.ask("apply", to, bytes=message)["fate"] == "merged"

    def shown():
        views = [shell.ask("view", name)["state"]["q"] for name in "AB"]
        assert views[0] == views[1], views
        return views[0]

    carry(write("A", "B", op="create"))
    for number in range(3):
        carry(write("A", "B", op="push", value=number))
    shell.ask("clock", "A", wall_ms=WALL_MS + 5000)
    carry(write("A", "B", op="move", index=0, to_index=2) +
          write("B", "A", op="move", index=0, to_index=1))
    assert shown() == [1, 2, 0], shown()
    carry(write("B", "A", op="drop", index=2))
    assert shown() == [1, 2], shown()


def check_false_gifts(shell):
    """Nobody takes more than was given, and what was given long ago and is gone was (V8)."""
    shell.ask("clear")
    for name, node in (("A", 1), ("B", 2), ("C", 3)):
        shell.ask("new", name, node=node, wall_ms=WALL_MS)

    def write(name, op, **more):
        (message,) = shell.ask("op", name, op=op, path=["b"], **more)["sent"]
        for other in "BC" if name == "A" else "":  # of what B does nobody hears yet
            assert shell.ask("apply", other, bytes=message)["fate"] == "merged"
        return Delta(bytes.fromhex(message))

    (created,) = shell.ask("op", "A", op="create")["sent"]
    for name in "BC":
        shell.ask("apply", name, bytes=created)
    write("A", "grant", amount=5)
    write("A", "grant", amount=3, to=2)
    spent = write("B", "spend", amount=2)
    ((kind, path, value),) = spent.adds
    granted, used, given, ((giver, amount),) = unpack(value)
    assert (granted, used, given, amount) == (0, 2, [], 3)

    def taking(giver, amount):
        row = pack([granted, used, given, [[giver, amount]]])
        return change(spent, adds=[(kind, path, row)])

    write("A", "unset")  # their rows are gone, and were there
    before = shell.ask("root", "C")
    for forged in (taking(giver, 4), taking(actor_bytes((3, 1)), 3), taking(giver, 1 << 40)):
        assert shell.ask("apply", "C", bytes=forged.hex())["fate"] == "refused"
    assert shell.ask("root", "C") == before
    for name in "AC":
        assert shell.ask("apply", name, bytes=spent.message.hex())["fate"] == "merged"
    assert shell.ask("root", "C") == shell.ask("root", "A") == shell.ask("root", "B")


def run_histories(history, usual, words, *checks):
    """Hold the checks once, then a history for each seed; the first line of a failure replays it."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else usual
    first = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    program = os.environ["MCPZ_CRDT_SHELL"]
    shell = Shell(program)
    for check in checks:
        check(shell)
    for seed in range(first, first + count):
        try:
            history(shell, seed).run()
        except (AssertionError, KeyError, OSError):
            print(f"FAILED: MCPZ_CRDT_SHELL={program} {sys.argv[0]} 1 {seed}", file=sys.stderr)
            raise
    shell.ask("clear")
    shell.close()
    print(f"{count} {words} hold, seeds {first} to {first + count - 1}")


if __name__ == "__main__":
    run_histories(History, 300, "histories", check_crowded_list, check_moves_that_meet, check_false_gifts)
