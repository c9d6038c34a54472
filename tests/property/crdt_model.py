"""What agents' documents mean, without a store, a wire or an order of arrival.

A document is a set of deltas, and its state a function of that set:

    R  = all that any delta removes
    E  = what deltas add, but for what is in R
    vv = for each actor, its greatest delta

`Model` is that, for one replica, with the rules by which a delta is let into the set. `spec_*` say
what people see from the history of writes alone (who had seen what), without looking at dots: a
write that forgets to remove what it replaces converges all the same, and only they notice.
"""
from packed import pack, unpack

REGISTER, SET, COUNTER = 1, 2, 3
LIFE = pack(["$", "life"])
NAME = pack(["$", "id"])
ADDS_MAX, REMOVES_MAX, ACTORS_MAX = 16, 64, 32
AHEAD_MS_MAX = 30000


class Delta:
    """One message DELTA, taken apart. An actor is (first byte of its node, generation)."""

    KIND = 16

    def __init__(self, message):
        kind, document, actor, self.seq, self.hlc, versions, adds, removes = unpack(message)
        assert kind == Delta.KIND, kind
        self.message = message
        self.document = document
        self.actor = actor_of(actor)
        self.past = {actor_of(who): seq for who, seq in versions}
        self.adds = [(kind, bytes(path), bytes(value)) for kind, path, value in adds]
        self.removes = [(kind, bytes(path), (*actor_of(who), seq, index))
                        for kind, path, (who, seq, index) in removes]

    def encode(self):
        """The one form of it: what came in, or a test has changed something."""
        past = [[wire_actor(who), seq] for who, seq in sorted(self.past.items())]
        return pack([Delta.KIND, self.document, wire_actor(self.actor), self.seq, self.hlc, past,
                     [[kind, path, value] for kind, path, value in self.adds],
                     [[kind, path, [wire_actor(dot[:2]), dot[2], dot[3]]]
                      for kind, path, dot in self.removes]])

    def __repr__(self):
        return f"{self.actor}.{self.seq}"


def actor_of(wire):
    node, generation = wire
    return node[0], generation


def wire_actor(actor):
    return [bytes([actor[0]] * 32), actor[1]]


def state_of(deltas):
    """(entries by dot, version vector): the function of the set."""
    removed = {dot for delta in deltas for _, _, dot in delta.removes}
    entries, versions = {}, {}
    for delta in deltas:
        versions[delta.actor] = max(versions.get(delta.actor, 0), delta.seq)
        for index, (kind, path, value) in enumerate(delta.adds):
            dot = (*delta.actor, delta.seq, index)
            if dot not in removed:
                entries[dot] = (path, kind, delta.hlc, value)
    return entries, versions


class Model:
    """The set of one replica, and what it would do."""

    def __init__(self, node, wall_ms):
        self.actor = (node, 1)
        self.wall_ms = wall_ms
        self.have = {}  # by (actor, seq)
        self.clock = 0  # greatest stamp given out or taken in

    def state(self):
        return state_of(self.have.values())

    def versions(self):
        return self.state()[1]

    def hlc(self):
        return max((delta.hlc for delta in self.have.values()), default=0)

    # ---- What comes from others

    def is_ahead(self, hlc):
        return (hlc >> 16) > self.wall_ms + AHEAD_MS_MAX

    def judge(self, delta):
        versions = self.versions()
        if delta.seq <= versions.get(delta.actor, 0):
            return "duplicate"
        if self.is_ahead(delta.hlc):
            return "ahead"
        if any(versions.get(actor, 0) < seq for actor, seq in delta.past.items()):
            return "early"
        return "merged"

    def receive(self, delta):
        fate = self.judge(delta)
        if fate == "merged":
            self.take(delta)
        return fate

    def take(self, delta):
        assert self.is_closed_with(delta), delta
        self.have[delta.actor, delta.seq] = delta
        if not self.is_ahead(delta.hlc):
            self.clock = max(self.clock, delta.hlc)

    def is_closed_with(self, delta):
        return all((actor, seq) in self.have
                   for actor, upto in delta.past.items() for seq in range(1, upto + 1))

    # ---- What is written here: (adds, removes) of the delta it must make, or why not

    def tick(self):
        stamp = self.wall_ms << 16
        if self.clock >= stamp and not self.is_ahead(self.clock):
            stamp = self.clock + 1
        return max(stamp, self.hlc() + 1)

    def is_live(self):
        shown = latest(self.state()[0], LIFE)
        return shown is not None and unpack(shown) == "active"

    def observed(self, path, kind, value=None, actor=None):
        entries = self.state()[0]
        return sorted(dot for dot, entry in entries.items()
                      if entry[0] == path and entry[1] == kind and
                      (value is None or entry[3] == value) and (actor is None or dot[:2] == actor))

    def plan(self, op, path, value, amount):
        """What `op` does: a text why not, or (adds, dots removed)."""
        if op == "create":
            if self.is_live():
                return "exists"
            adds = [(REGISTER, LIFE, pack("active"))]
            if latest(self.state()[0], NAME) is None:
                adds.append((REGISTER, NAME, pack("agent")))
            return adds, self.observed(LIFE, REGISTER)
        if not self.is_live():
            return "no agent"
        plans = {"delete": self.plan_delete, "set": self.plan_set, "unset": self.plan_unset,
                 "add": self.plan_add, "remove": self.plan_remove,
                 "increment": self.plan_increment}
        return plans[op](path, value, amount)

    def plan_delete(self, _path, _value, _amount):
        entries = self.state()[0]
        return ([(REGISTER, LIFE, pack("deleted"))],
                [dot for dot, entry in entries.items() if entry[0] != NAME])

    def plan_set(self, path, value, _amount):
        return [(REGISTER, path, value)], self.observed(path, REGISTER)

    def plan_unset(self, path, _value, _amount):
        prefix = unpack(path)
        dots = [dot for dot, entry in self.state()[0].items()
                if unpack(entry[0])[:len(prefix)] == prefix]
        return ([], dots) if dots else "nothing there"

    def plan_add(self, path, value, _amount):
        return [(SET, path, value)], self.observed(path, SET, value)

    def plan_remove(self, path, value, _amount):
        dots = self.observed(path, SET, value)
        return ([], dots) if dots else "nothing there"

    def plan_increment(self, path, _value, amount):
        dots = self.observed(path, COUNTER, actor=self.actor)
        entries = self.state()[0]
        total = sum(unpack(entries[dot][3]) for dot in dots) + amount
        if not -(1 << 63) <= total < 1 << 63:
            return "too large"
        return [(COUNTER, path, pack(total))], dots


def latest(entries, path, kind=REGISTER):
    """The value of the register that is shown at `path`; None: there is none."""
    found = [(entry[2], dot, entry[3]) for dot, entry in entries.items()
             if entry[0] == path and entry[1] == kind]
    return max(found)[2] if found else None


# ---- What is shown ------------------------------------------------------------------------------

WORDS = {REGISTER: "register", SET: "set", COUNTER: "counter"}
PRECEDENCE = ["object", "register", "set", "counter"]


def value_of(entries, path, kind):
    """What people see of one type at one path."""
    found = {dot: entry[3] for dot, entry in entries.items() if entry[:2] == (path, kind)}
    if kind == REGISTER:
        return unpack(latest(entries, path))
    if kind == SET:
        return [unpack(value) for value in sorted(set(found.values()))]
    total = sum(unpack(value) for value in found.values())
    return max(-(1 << 63), min((1 << 63) - 1, total))


def view_of(entries):
    """(state, conflicts) as the API shows them."""
    leaves = {}
    for path, kind, _, _ in entries.values():
        if not str(unpack(path)[0]).startswith("$"):
            leaves.setdefault(path, set()).add(kind)
    state, conflicts = {}, {}
    for path in sorted(leaves):
        elements = [str(item) if isinstance(item, str) else f"[{item}]" for item in unpack(path)]
        is_object = any(unpack(other)[:len(elements)] == unpack(path) and other != path
                        for other in leaves)
        words = ["object"] * is_object + [WORDS[kind] for kind in leaves[path]]
        words.sort(key=PRECEDENCE.index)
        if len(words) > 1:
            conflicts[path] = (words[0], words[1:])
        if is_object:
            continue
        at = state
        for element in elements[:-1]:
            at = at.setdefault(element, {})
        at[elements[-1]] = value_of(entries, path, kind_of(words[0]))
    return state, conflicts


def kind_of(word):
    return next(kind for kind, text in WORDS.items() if text == word)


# ---- What the history says ----------------------------------------------------------------------

class Op:
    """One write that was accepted: what was asked, and what its author had seen."""

    def __init__(self, word, path, value, amount, delta):
        self.word, self.path, self.value, self.amount = word, path, value, amount
        self.actor, self.seq, self.seen, self.hlc = delta.actor, delta.seq, delta.past, delta.hlc

    def saw(self, other):
        return other is not self and self.seen.get(other.actor, 0) >= other.seq


def takes_out(later, op):
    """Does `later`, which has seen `op`, take out what that added?"""
    if later.word == "delete":
        return True
    if later.word == "unset":
        prefix = unpack(later.path)
        return unpack(op.path)[:len(prefix)] == prefix
    if later.path != op.path:
        return False
    if later.word in ("add", "remove"):
        return op.word == "add" and op.value == later.value
    if later.word == "increment":
        return op.word == "increment" and op.actor == later.actor
    return later.word == "set" and op.word == "set"


def survives(op, ops):
    return not any(later.saw(op) and takes_out(later, op) for later in ops)


def spec_values(ops):
    """{(path, type): value} that anybody who has seen all of `ops` must see."""
    shown = {}
    for op in ops:
        if op.word == "set" and survives(op, ops):
            best = shown.get((op.path, REGISTER))
            mine = (op.hlc, op.actor, op.seq, op.value)
            shown[op.path, REGISTER] = max(best, mine) if best else mine
        elif op.word == "add" and survives(op, ops):
            shown.setdefault((op.path, SET), set()).add(op.value)
        elif op.word == "increment" and survives(op, ops):
            total = shown.get((op.path, COUNTER), 0)
            shown[op.path, COUNTER] = total + own_sum(op, ops)
    return {key: spec_value(key[1], value) for key, value in shown.items()}


def own_sum(op, ops):
    """Of one actor, up to `op`: all it had added that nobody whom it had seen took out."""
    before = [other for other in ops if other.word == "increment" and other.path == op.path and
              other.actor == op.actor and op.saw(other)]
    seen = [other for other in ops if op.saw(other)]
    return op.amount + sum(own_sum(other, ops) for other in before if survives(other, seen))


def spec_value(kind, value):
    if kind == REGISTER:
        return unpack(value[3])
    if kind == SET:
        return [unpack(item) for item in sorted(value)]
    return value
