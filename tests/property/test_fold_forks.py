#!/usr/bin/env python3
"""Random histories in which documents are folded though writers contradict themselves, in C and in a
model side by side.

    test_fold_forks.py HISTORIES [FIRST_SEED]

What all keepers have signed is a set of deltas. Of what is below it, and of all that those did who are
cut in it, nothing else counts any more, whoever has it and whenever it comes; else a document is the
function of the set of deltas as ever. Keepers hear of it at once, later or never, and go on taking in
what comes until then; who holds something else in its place begins anew with the base, and keeps what
it has above. In the end all are equal (P6, P11, P15, P19), two places that were signed are never apart,
and nothing is left of what does not count (P18). The first line of a failure replays its seed.
"""
from crdt_model import Delta
from test_crdt import run_histories
from test_forks import WALL_MS, History, Replica, state_of


class Agreed:
    """A place that all have signed."""

    def __init__(self, have):
        self.have = dict(have)
        self.entries, self.versions, self.cuts = state_of(self.have.values())

    def settles(self, actor, seq):
        return seq <= self.versions.get(actor, (0,))[0] or actor in self.cuts

    def part(self, have):
        """What of `have` lies in its place."""
        return {head for head, delta in have.items() if self.settles(delta.actor, delta.seq)}

    def is_held(self, have):
        return self.part(have) == self.have.keys()

    def clashes(self, have):
        """Is there more or less of who is cut in it, from there on, than all had, and not nothing?"""
        for actor, (seq, _) in self.cuts.items():
            theirs, ours = ({head for head, delta in deltas.items()
                             if delta.actor == actor and delta.seq >= seq}
                            for deltas in (self.have, have))
            if ours and ours != theirs:
                return True
        return False


NOTHING = Agreed({})


class Folding(Replica):
    def __init__(self, shell, name, node):
        super().__init__(shell, name, node)
        self.floor, self.stable, self.pending = NOTHING, None, []

    def is_settled(self, actor, seq):
        return any(place.settles(actor, seq) for place in (self.floor, self.stable or NOTHING))

    def row(self, head):
        """The delta, if its row is kept: none below the floor is, but for the last of each."""
        delta = self.have.get(head)
        if delta is None or not self.floor.settles(delta.actor, delta.seq):
            return delta
        return delta if self.floor.versions.get(delta.actor, (0, b""))[1] == head else None

    def find(self, actor, seq, head):
        return head in self.have or self.is_settled(actor, seq), self.row(head)

    # ---- Folding

    def has_new_cuts(self):
        return any(not self.is_settled(actor, seq) for actor, (seq, _) in state_of(self.have.values())[2].items())

    def hear(self, place, agreed):
        """All have signed, it hears: of it there is nothing else, if it holds just that."""
        if self.stable is None and place.is_held(self.have) and self.floor.is_held(place.have) and \
                not place.is_held(self.floor.have):
            self.ask("hear", agreed=agreed)
            self.stable = place

    def fold(self):
        before, raised = self.root(), self.stable is not None
        answer = self.ask("fold")
        assert answer["raised"] == raised, (self.name, answer)
        if raised:
            self.floor, self.stable = self.stable, None
        above = [delta for delta in self.have.values()
                 if not self.floor.settles(delta.actor, delta.seq)]
        assert answer["rows"] == len(above) + len(self.floor.versions), (answer, above)
        assert self.root() == before
        self.check()

    def take_base(self, other):
        place, base = other.floor, other.ask("base")
        if place.is_held(self.have):
            assert self.ask("take", base=base)["fate"] == "duplicate"
            return
        assert self.floor.is_held(place.have), "what was signed is apart"
        clashes = place.clashes(self.have)
        is_anew = clashes or not place.part(self.have) <= place.have.keys()
        if clashes:
            assert self.ask("take", base=base)["fate"] == "refused"
        above = {head: delta for head, delta in self.have.items()
                 if not place.settles(delta.actor, delta.seq)}
        assert self.ask("take", base=base, anew=is_anew)["fate"] == "merged"
        self.floor = place
        if self.stable is not None and self.stable.is_held(place.have):
            self.stable = None
        if is_anew:
            self.stable, self.have = None, dict(place.have)
            self.receive(*sorted(above.values(), key=lambda delta: delta.hlc))
        self.have = {**place.have, **above}
        self.check()

    def needs_base(self, other):
        """Does it lack what `other` has no rows of, or hold what must not be there?"""
        if not self.floor.is_held(other.floor.have) and other.floor.is_held(self.floor.have):
            return False
        return not other.floor.is_held(self.have)

    def catch_up(self, other):
        if other.stable is not None and not other.stable.part(self.have) <= other.stable.have.keys():
            other.fold()  # somebody holds another branch within: it is not waited for its time
        if self.needs_base(other):
            self.take_base(other)
        self.receive(*sorted((delta for head, delta in other.have.items() if other.row(head)),
                             key=lambda delta: delta.hlc))


class Folds(History):
    KIND = Folding

    def __init__(self, shell, seed):
        super().__init__(shell, seed)
        self.away, self.agreed = set(), []

    def lie(self):
        """What was folded is not looked at any more: test_forks.py has those."""

    def present(self):
        return [replica for replica in self.replicas if replica.name not in self.away]

    def agree(self):
        keepers = self.present()
        if 2 * len(keepers) <= len(self.replicas):
            return
        for one in keepers * 2:
            for other in keepers:
                if one is not other and self.rng.random() < 0.9:
                    one.catch_up(other)
        proposer = self.rng.choice(keepers)
        place = Agreed(proposer.have)
        if not place.have or any(other.have.keys() != place.have.keys() for other in keepers):
            return
        if self.away and any(replica.has_new_cuts() for replica in keepers):
            return
        said = [replica.ask("agree", later=True) for replica in keepers]
        assert len({answer["agreed"] for answer in said}) == 1
        proposer.hear(place, said[0]["agreed"])
        if proposer.stable is not place:
            return
        for other in self.agreed:
            assert other.is_held(place.have) or place.is_held(other.have), "apart"
        self.agreed.append(place)
        for replica in keepers:
            chance = self.rng.random()
            if replica is not proposer and chance < 0.5:
                replica.hear(place, said[0]["agreed"])
            elif replica is not proposer and chance < 0.85:
                replica.pending.append((place, said[0]["agreed"]))

    def gossip(self):
        told = {}
        for delta in self.rng.sample(list(self.deltas.values()),
                                     min(len(self.deltas), self.rng.randint(1, 8))):
            told.setdefault(self.rng.choice(self.present()), []).append(delta)
        for replica, deltas in told.items():
            replica.receive(*deltas)

    def step(self):
        chance, replica = self.rng.random(), self.rng.choice(self.replicas)
        if chance < 0.12:
            self.agree()
        elif chance < 0.2:
            replica.fold()
        elif chance < 0.27 and replica.pending:
            replica.hear(*replica.pending.pop(self.rng.randrange(len(replica.pending))))
        elif chance < 0.32:
            self.away ^= {replica.name}
            if not self.present():
                self.away.clear()
        elif chance < 0.38 and len(self.present()) > 1:
            one, other = self.rng.sample(self.present(), 2)
            one.catch_up(other)
        else:
            super().step()

    def talk(self, one, other):
        """See spread(): deltas alone do not always do where something is folded."""

    def spread(self):
        self.away.clear()
        for _ in range(len(self.replicas)):
            for one in self.replicas:
                for other in self.replicas:
                    if one is not other:
                        one.catch_up(other)
            for replica in self.replicas:
                deltas = list(self.deltas.values())
                while True:
                    before = len(replica.have)
                    replica.receive(*self.rng.sample(deltas, len(deltas)))
                    if len(replica.have) == before:
                        break
        assert len({replica.root() for replica in self.replicas}) == 1
        self.fold_all()

    def fold_all(self):
        """Nothing is left but a base and the last delta of each writer, and whoever comes has all."""
        for _ in range(3):
            self.agree()
            for replica in self.replicas:
                while replica.pending:
                    replica.hear(*replica.pending.pop(0))
                replica.fold()
        source = self.rng.choice(self.replicas)
        newcomer = Folding(self.shell, "Z", 9)
        newcomer.catch_up(source)
        newcomer.receive(*self.rng.sample(list(self.deltas.values()), len(self.deltas)))
        assert newcomer.root() == source.root()


if __name__ == "__main__":
    run_histories(Folds, 200, "histories with forks that are folded")
