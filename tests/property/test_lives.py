#!/usr/bin/env python3
"""Random histories of nodes that start anew again and again, and close the lives that are over (G3).

    test_lives.py HISTORIES [FIRST_SEED]

As in test_crdt.py; but nodes come back as new lives, some of them with an older store, and keepers
agree more often. However many lives
there were, each node takes few places of a vector, whoever was away gets on with who was there, what
comes of a closed life is nothing new, and the document is the model's function of all that was written.
The first line of a failure is the command that replays its seed.
"""
import copy

from test_crdt import CLOSED, STRIDE, History, Shell, Replica, WALL_MS, run_histories

closed_count = 0
set_back_count = 0


class Lives(History):
    def __init__(self, shell, seed):
        super().__init__(shell, seed)
        self.whole = []  # vectors that all have signed
        self.backups = {}  # by replica: what was known when its store was kept aside
        self.newest = {}  # by replica: the last life it ever had

    def step(self):
        chance = self.rng.random()
        replica = self.rng.choice(self.replicas)
        if chance < 0.25:
            replica = self.rng.choice([self.replicas[0], replica])  # one has a bad power supply
            replica.start_anew()
            self.write(replica)
        elif chance < 0.28:
            replica.ask("backup")
            self.backups[replica.name] = copy.copy(replica.model), set(replica.known)
            self.backups[replica.name][0].have = dict(replica.model.have)
        elif chance < 0.31:
            self.set_back(replica)
        elif chance < 0.4:
            self.agree_all_and_close()
        elif chance < 0.5:
            self.close(self.rng.choice([self.replicas[0], replica]))
        else:
            super().step()

    def set_back(self, replica):
        """
        Its store is an older one, and it knows: it is a life that none of its lives was, and of
        another line, so it goes on with the rights of none of them.
        """
        global set_back_count
        if replica.name not in self.backups:
            return
        model, known = self.backups[replica.name]
        newest = max(replica.model.actor[1], self.newest.get(replica.name, 0)) + STRIDE + 1
        self.newest[replica.name] = newest
        wall_ms, node = replica.model.wall_ms, replica.model.actor[0]
        replica.ask("restart", how="restore")
        replica.model = copy.copy(model)
        replica.model.have, replica.model.wall_ms = dict(model.have), wall_ms
        answer = replica.ask("restart", how="anew", generation=newest)
        assert answer["generation"] == newest, (answer, newest)
        replica.model.actor = (node, newest)
        replica.model.clock = replica.model.hlc()
        replica.known, replica.covered, replica.shown = set(known), set(), {}
        set_back_count += 1
        replica.check()
        # What was on that disk alone is lost: who closes lives waits for who could have some of it.
        kept = {key for other in self.replicas for key in other.model.have}
        self.deltas = [delta for delta in self.deltas if (delta.actor, delta.seq) in kept]
        self.ops = [op for op in self.ops if (op.actor, op.seq) in kept]
        self.write(replica)

    def close(self, replica):
        """Close what is over by a floor that all have signed, whatever was written since."""
        global closed_count
        if replica.model.floor and replica.model.floor in self.whole:
            delta = replica.close_lives()
            closed_count += delta is not None
            self.deltas += [delta] if delta is not None else []

    def agree_all_and_close(self):
        """All have signed; some fold, and close what is over. Others hear of it some time."""
        keepers = self.agree()
        self.whole += [keepers[0].model.versions()] if keepers else []
        # Who keeps history for longer has all deltas of lives that are closed.
        for replica in self.rng.sample(keepers, self.rng.randint(0, len(keepers))):
            replica.fold(self.rng.choice([0, 0, 2]))
            self.close(replica)

    def run(self):
        super().run()
        replica = self.rng.choice(self.replicas)
        newcomer = Replica(self.shell, "Y", 8, replica.model.wall_ms)
        newcomer.catch_up(replica)
        if newcomer.model.have.keys() == replica.model.have.keys():
            assert newcomer.root() == replica.root()
        for delta in self.rng.sample(self.deltas, min(len(self.deltas), 20)):
            if not replica.model.actor_is_closed(delta.actor):
                continue
            before = replica.root()
            replica.receive(delta)
            assert replica.root() == before


def check_many_lives(shell):
    """A node that comes back as 200 lives writes with each, and never takes many places (P18)."""
    shell.ask("clear")
    a, b = (Replica(shell, name, node, WALL_MS) for name, node in (("A", 1), ("B", 2)))
    _, delta = a.write("create", None, None, {})
    b.receive(delta)
    places, closed = 0, 0
    for number in range(200):
        a.start_anew()
        _, delta = a.write("add", ["s"], number, {})
        b.receive(delta)
        places = max(places, len(a.model.versions()))
        if number % 3 == 2:
            for replica in (a, b):
                replica.ask("agree")
                replica.model.stable = replica.model.versions()
                replica.fold()
            delta = a.close_lives()
            assert delta is not None
            b.receive(delta)
            closed += 1
    assert places <= 6 and closed == 66, (places, closed)
    assert a.root() == b.root()
    assert len(a.ask("view")["state"]["s"]) == 200
    late = Replica(shell, "C", 3, WALL_MS)
    late.catch_up(a)
    assert late.root() == a.root()


def check_lives_above_the_floor(shell):
    """Who keeps all deltas hands on those of closed lives as well, to whoever comes (P11, P19)."""
    shell.ask("clear")
    a, b = (Replica(shell, name, node, WALL_MS) for name, node in (("A", 1), ("B", 2)))
    _, delta = a.write("create", None, None, {})
    b.receive(delta)
    for number in range(3):
        a.start_anew()
        _, delta = a.write("add", ["s"], number, {})
        b.receive(delta)
    for replica in (a, b):
        replica.ask("agree")
        replica.model.stable = replica.model.versions()
    a.fold()
    b.receive(a.close_lives())
    assert len(b.model.versions()) == 2 and b.model.rows() == 5
    late = Replica(shell, "C", 3, WALL_MS)
    late.catch_up(b)
    assert late.root() == a.root() == b.root()
    assert late.model.rows() == 5
    b.check_past(WALL_MS)
    b.fold()
    assert b.root() == a.root()


if __name__ == "__main__":
    run_histories(Lives, 100, "histories of many lives", check_many_lives, check_lives_above_the_floor)
    print(f"lives were closed {closed_count} times, stores set back {set_back_count} times")
