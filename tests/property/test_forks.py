#!/usr/bin/env python3
"""Random histories in which writers contradict themselves, in C and in a model side by side.

    test_forks.py HISTORIES [FIRST_SEED]

Deltas are made by replicas as ever, and by a forger who has the keys of some of them: rivals of what
they have signed, and what follows such rivals. A replica's state is held against the function of the
set of deltas it has (P8, P9), and what becomes of each delta against the rules (V4, V5, V7); who has
seen the same holds the same bytes (P7); in the end all have seen all, in orders of their own, and are
equal (P6, P15), and two that have seen different branches become equal by asking each other (P12, P15).
The first line of a failure is the command that replays its seed.
"""
import random

from crdt_model import FENCED, LIFE, NAME, REGISTER, SET, Delta, latest
from packed import pack, unpack
from test_crdt import WALL_MS, Shell, change, run_histories

BRANCHES_MAX = 4
PATHS = [["k"], ["m"], ["s"]]


def state_of(deltas):
    """Of a set of deltas: (entries, versions, cuts). A cut is (seq, tips), or, of an actor with more
    than BRANCHES_MAX branches, (seq, [(how many deltas, the sum of their heads)]). Who has signed two
    deltas of one place is cut there, and who has followed one that is not there (it does not count, as
    all have signed another: test_fold_forks.py) where it did."""
    places, heads = {}, {delta.head for delta in deltas}
    for delta in deltas:
        places.setdefault((delta.actor, delta.seq), set()).add(delta.head)
    cuts = {}
    for (actor, seq), rivals in places.items():
        if len(rivals) > 1:
            cuts[actor] = min(seq, cuts.get(actor, seq))
    for delta in deltas:
        if delta.seq > 1 and delta.prev not in heads:
            cuts[delta.actor] = min(delta.seq, cuts.get(delta.actor, delta.seq))
    removed = {(dot, kind, path) for delta in deltas for kind, path, dot in delta.removes}
    followed = {delta.prev for delta in deltas}
    entries, versions, tips = {}, {}, {}
    for delta in deltas:
        if delta.seq >= cuts.get(delta.actor, 1 << 64):
            if delta.head not in followed:
                tips.setdefault(delta.actor, []).append((delta.seq, delta.head))
            continue
        if versions.get(delta.actor, (0,))[0] < delta.seq:
            versions[delta.actor] = (delta.seq, delta.head)
        for index, (kind, path, value) in enumerate(delta.adds):
            dot = (*delta.actor, delta.seq, index)
            if (dot, kind, path) not in removed:
                entries[dot] = (path, kind, delta.hlc, value)
    return entries, versions, {actor: (seq, shown_tips(actor, seq, tips[actor], deltas))
                               for actor, seq in cuts.items()}


def shown_tips(actor, seq, tips, deltas):
    if len(tips) <= BRANCHES_MAX:
        return sorted(tips)
    heads = [int.from_bytes(delta.head, "big") for delta in deltas
             if delta.actor == actor and delta.seq >= seq]
    return [(len(heads), (sum(heads) % (1 << 128)).to_bytes(16, "big"))]


class Replica:
    def __init__(self, shell, name, node):
        self.shell, self.name = shell, name
        self.have = {}  # by head
        shell.ask("new", name, node=node, wall_ms=WALL_MS)

    def ask(self, verb, **more):
        return self.shell.ask(verb, self.name, **more)

    def root(self):
        return self.ask("root")["root"]

    def is_settled(self, actor, seq):
        """Have all signed what there is of it: see test_fold_forks.py."""
        return False

    def find(self, actor, seq, head):
        """(is it here, the delta if it is looked at)"""
        return head in self.have, self.have.get(head)

    def judge(self, delta):
        if delta.head in self.have or self.is_settled(delta.actor, delta.seq):
            return "duplicate"
        is_whole, before = self.find(delta.actor, delta.seq - 1, delta.prev)
        if delta.seq > 1 and not is_whole:
            return "early"
        past = before.past if before else {}
        if before and (before.hlc >= delta.hlc or not all(
                delta.past.get(actor, (0, b""))[0] >= seq and
                (delta.past[actor][0] > seq or delta.past[actor][1] == head)
                for actor, (seq, head) in past.items())):
            return "refused"
        found = [self.find(actor, *seen) for actor, seen in delta.past.items()
                 if past.get(actor) != seen]
        if any(other and other.hlc >= delta.hlc for _, other in found):
            return "refused"
        return "merged" if all(is_here for is_here, _ in found) else "early"

    def receive(self, *deltas):
        """Take them in, one after the other; the rules say beforehand what will become of each."""
        requests, expected = [], []
        for delta in deltas:
            fate = self.judge(delta)
            requests.append({"verb": "apply", "replica": self.name, "bytes": delta.message.hex()})
            if fate == "merged":
                self.have[delta.head] = delta
                requests.append({"verb": "state", "replica": self.name})
            expected.append((delta, fate, self.expected() if fate == "merged" else None))
        answers = iter(self.shell.ask_all(requests))
        for delta, fate, state in expected:
            answer = next(answers)
            assert answer["fate"] == fate, (self.name, delta, answer, fate)
            if fate == "merged":
                self.check_state(next(answers), state)

    def take(self, delta):
        self.have[delta.head] = delta
        self.check()

    def check(self):
        self.check_state(self.ask("state"), self.expected())

    def expected(self):
        """What "state" is to say now: (entries, versions, cuts, greatest stamp)."""
        deltas = self.have.values()
        return *state_of(deltas), max((delta.hlc for delta in deltas), default=0)

    def check_state(self, state, expected):
        entries, versions, cuts, hlc = expected
        found = {tuple(dot): (bytes.fromhex(path), kind, hlc, bytes.fromhex(value))
                 for path, kind, dot, hlc, value in state.get("entries", [])}
        assert found == entries, (self.name, found, entries)
        heads = [bytes.fromhex(head) for head in state.get("heads", [])]
        assert {tuple(actor): (seq, head) for (actor, seq), head
                in zip(state.get("versions", []), heads)} == versions, (state, versions)
        assert {tuple(actor): (seq, [(at, bytes.fromhex(head)) for at, head in tips])
                for actor, seq, _, tips in state.get("cuts", [])} == cuts, (state["cuts"], cuts)
        shown = latest(entries, LIFE, FENCED)
        assert state.get("deleted", False) == (shown is not None and
                                               unpack(shown)[2] == "deleted"), (state, entries)
        name = latest(entries, NAME)
        assert state.get("name", "") == ("" if name is None else unpack(name)), (state, name)
        assert state.get("count", 0) == len(entries)
        assert state.get("hlc", 0) == hlc

    def write(self, rng):
        """A delta that its own writer, at least, must be able to take in."""
        op = rng.choice(["set", "set", "add", "remove", "unset", "create", "delete"])
        path = None if op in ("create", "delete") else rng.choice(PATHS)
        answer = self.ask("op", op=op, path=path, value=rng.randrange(3))
        if answer["code"] != 0:
            return None
        (message,) = answer["sent"]
        delta = Delta(bytes.fromhex(message))
        assert self.judge(delta) == "merged", (self.name, delta, self.judge(delta))
        self.take(delta)
        return delta


class History:
    KIND = Replica

    def __init__(self, shell, seed):
        self.rng = random.Random(seed)
        self.shell = shell
        shell.ask("clear")
        self.replicas = [self.KIND(shell, "ABC"[i], i + 1) for i in range(self.rng.randint(2, 3))]
        self.deltas = {}  # by head

    def add(self, delta):
        if delta is not None:
            self.deltas[delta.head] = delta

    def forge(self):
        """A rival of a delta that is there, or one that follows one that does not count."""
        rng = self.rng
        victim = rng.choice(list(self.deltas.values()))
        adds = [(rng.choice([REGISTER, SET]), pack(rng.choice(PATHS)), pack(rng.randrange(99)))]
        removes = victim.removes if rng.random() < 0.5 else victim.removes[1:]
        if rng.random() < 0.6:
            message = change(victim, adds=adds, removes=removes, hlc=victim.hlc + rng.randint(0, 1))
        else:
            message = change(victim, adds=adds, removes=self.removable(victim), seq=victim.seq + 1,
                             prev=victim.head, hlc=victim.hlc + rng.randint(1, 5))
        self.add(Delta(message))

    def crowd(self):
        """So many rivals of one delta that they are told apart no more; each removes what it may."""
        victim = self.rng.choice(list(self.deltas.values()))
        for number in range(self.rng.randint(BRANCHES_MAX, 3 * BRANCHES_MAX)):
            adds = [(REGISTER, pack(self.rng.choice(PATHS)), pack(1000 + number))]
            self.add(Delta(change(victim, adds=adds, removes=self.removable(victim), seq=victim.seq + 1,
                                  prev=victim.head, hlc=victim.hlc + self.rng.randint(1, 5))))

    def removable(self, delta):
        """Something that whoever follows `delta` has seen."""
        seen = {**{actor: seq for actor, (seq, _) in delta.past.items()}, delta.actor: delta.seq}
        found = [(kind, path, (*other.actor, other.seq, index)) for other in self.deltas.values()
                 if other.seq <= seen.get(other.actor, 0)
                 for index, (kind, path, _) in enumerate(other.adds)]
        dots = {dot: (kind, path, dot) for kind, path, dot in found}
        removes = self.rng.sample(list(dots.values()), min(len(dots), self.rng.randint(0, 2)))
        if removes and self.rng.random() < 0.2:  # what is not there under that path stays
            kind, _, dot = removes[0]
            removes[0] = (kind, pack(["nowhere"]), dot)
        return removes

    def lie(self):
        """What no one may take, whatever they have: V5 and V7."""
        rng = self.rng
        victims = [delta for delta in self.deltas.values() if delta.past]
        if not victims:
            return
        victim = rng.choice(victims)
        actor, (seq, _) = rng.choice(list(victim.past.items()))
        forgeries = [change(victim, seq=victim.seq + 1, prev=victim.head, hlc=victim.hlc),
                     change(victim, seq=victim.seq + 1, prev=victim.head, hlc=victim.hlc + 1,
                            removes=[], past={who: seen for who, seen in victim.past.items()
                                              if who != actor}),
                     change(victim, seq=victim.seq + 1, prev=victim.head, hlc=victim.hlc + 1,
                            removes=[], past={**victim.past, actor: (seq, b"x" * 16)})]
        later = [other for other in self.deltas.values() if other.hlc > victim.hlc and
                 other.actor != victim.actor and
                 other.seq > victim.past.get(other.actor, (0,))[0]]
        for other in later[:1]:  # it has seen what was stamped after it
            message = change(victim, seq=victim.seq + 1, prev=victim.head, hlc=victim.hlc + 1,
                             removes=[], past={**victim.past,
                                               other.actor: (other.seq, other.head)})
            for replica in self.replicas:
                if victim.head in replica.have and other.head in replica.have:
                    assert replica.ask("apply", bytes=message.hex())["fate"] == "refused", other
        for message in forgeries:
            for replica in self.replicas:
                if victim.head in replica.have:
                    before = replica.root()
                    assert replica.ask("apply", bytes=message.hex())["fate"] == "refused", victim
                    assert replica.root() == before

    def gossip(self):
        told = {}
        for delta in self.rng.sample(list(self.deltas.values()),
                                     min(len(self.deltas), self.rng.randint(1, 8))):
            told.setdefault(self.rng.choice(self.replicas), []).append(delta)
        for replica, deltas in told.items():
            replica.receive(*deltas)

    def step(self):
        chance = self.rng.random()
        if chance < 0.5:
            self.add(self.rng.choice(self.replicas).write(self.rng))
        elif chance < 0.62 and self.deltas:
            if self.rng.random() < 0.06:
                self.crowd()
            else:
                self.forge()
        elif chance < 0.66:
            self.lie()
        elif self.deltas:
            self.gossip()

    def comparable(self):
        return self.replicas

    def check_same(self):
        """Who says the same of versions, heads and cuts holds the same bytes, and nobody else (P7)."""
        roots, keys = {}, {}
        for replica in self.comparable():
            state, root = replica.ask("state"), replica.root()
            key = repr((state.get("versions"), state.get("heads"), state.get("cuts")))
            assert roots.setdefault(key, root) == root, key
            assert keys.setdefault(root, key) == key, (key, keys[root])

    def talk(self, one, other):
        """Two replicas ask each other, and nobody else, until nothing more is said."""
        for _ in range(60):
            letters = [(other, one.ask("want")["bytes"]), (one, other.ask("want")["bytes"])]
            for _ in range(2000):
                if not letters:
                    break
                to, message = letters.pop(0)
                sender = one if to is other else other
                answer = to.ask("apply", bytes=message)
                if bytes.fromhex(message)[1] == Delta.KIND and answer["fate"] == "merged":
                    delta = Delta(bytes.fromhex(message))
                    to.have[delta.head] = delta
                letters += [(sender, sent) for sent in answer["sent"]
                            if bytes.fromhex(sent)[1] != Delta.KIND or
                            bytes.fromhex(message)[1:2] != bytes([Delta.KIND])]
            else:
                raise AssertionError("they never fall silent")
            if one.root() == other.root():
                break
        one.check()
        other.check()
        assert one.have.keys() == other.have.keys(), (sorted(map(repr, one.have.values())),
                                                      sorted(map(repr, other.have.values())))
        assert one.root() == other.root()

    def spread(self):
        for replica in self.replicas:
            while True:
                before = len(replica.have)
                replica.receive(*self.rng.sample(list(self.deltas.values()), len(self.deltas)))
                if len(replica.have) == before:
                    break
        assert len({replica.root() for replica in self.replicas}) == 1

    def run(self):
        self.add(self.replicas[0].write_first())
        for _ in range(self.rng.randint(5, 50)):
            self.step()
            if self.rng.random() < 0.2:
                self.check_same()
        if self.rng.random() < 0.7:
            self.talk(*self.replicas[:2])
            self.check_same()
        self.spread()


def write_first(replica):
    answer = replica.ask("op", op="create")
    delta = Delta(bytes.fromhex(answer["sent"][0]))
    replica.take(delta)
    return delta


Replica.write_first = write_first


if __name__ == "__main__":
    run_histories(History, 200, "histories with forks")
