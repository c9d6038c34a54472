"""What agents' documents mean, without a store, a wire or an order of arrival.

A document is a set of deltas, and its state a function of that set:

    R  = all that any delta removes
    E  = what deltas add, but for what is in R
    vv = for each actor, its greatest delta

`Model` is that, for one replica, with the rules by which a delta is let into the set. `spec_*` say
what people see from the history of writes alone (who had seen what), without looking at dots: a
write that forgets to remove what it replaces converges all the same, and only they notice.
"""
import hashlib
from functools import cached_property

from packed import pack, unpack

REGISTER, SET, COUNTER, MULTI, FENCED, FLAG, BOUNDED, LIST, MAP = range(1, 10)
LIFE = pack(["$", "life"])
NAME = pack(["$", "id"])
ACTORS_MAX = 64
RANKS = {"provisioning": 0, "active": 0, "idle": 0, "maintenance": 0, "decommissioned": 1,
         "deleted": 2}
AHEAD_MS_MAX = 30000


class Delta:
    """One message DELTA, taken apart. An actor is (first byte of its node, generation)."""

    KIND = 16

    def __init__(self, message):
        (kind, document, actor, self.seq, self.prev, self.hlc, versions, adds,
         removes) = unpack(message)
        assert kind == Delta.KIND, kind
        self.message = message
        self.document = document
        self.actor = actor_of(actor)
        self.past = {actor_of(who): (seq, bytes(head)) for who, seq, head in versions}
        self.adds = [(kind, bytes(path), bytes(value)) for kind, path, value in adds]
        self.removes = [(kind, bytes(path), (*actor_of(who), seq, index))
                        for kind, path, (who, seq, index) in removes]

    def encode(self):
        """The one form of it: what came in, or a test has changed something."""
        return pack([Delta.KIND, *self.fields()])

    def fields(self):
        past = [[wire_actor(who), seq, head] for who, (seq, head) in sorted(self.past.items())]
        return [self.document, wire_actor(self.actor), self.seq, self.prev, self.hlc, past,
                [[kind, path, value] for kind, path, value in self.adds],
                [[kind, path, [wire_actor(dot[:2]), dot[2], dot[3]]]
                 for kind, path, dot in self.removes]]

    @cached_property
    def head(self):
        """What others name it by: the front of the hash over all its fields."""
        return hashlib.blake2b(pack(self.fields()), digest_size=32,
                               person=b"mcpz-delta----v1").digest()[:16]

    def __repr__(self):
        return f"{self.actor}.{self.seq}"


def actor_of(wire):
    node, generation = wire
    return node[0], generation


def wire_actor(actor):
    return [bytes([actor[0]] * 32), actor[1]]


CLOSED = 1 << 63  # in a seq: this life of its node and all before it are over
STRIDE = 256  # from one life to the next of the same line


def reached(versions, actor):
    """How far a vector has seen `actor`: all there ever is of it, where it is closed."""
    closed = any(seq >= CLOSED and other[0] == actor[0] and actor[1] <= other[1]
                 for other, seq in versions.items())
    return CLOSED * 2 if closed else versions.get(actor, 0)


def covers(versions, others):
    return all(reached(versions, actor) >= seq for actor, seq in others.items())


def close(versions, deltas):
    """One place for all lives that their own node has closed."""
    for delta in deltas:
        for actor, (seq, _) in delta.past.items():
            if seq >= CLOSED and actor[0] == delta.actor[0] and reached(versions, actor) < CLOSED:
                for life in [life for life in versions if life[0] == actor[0] and life[1] <= actor[1]]:
                    del versions[life]
                versions[actor] = seq


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
    close(versions, deltas)
    return entries, versions


class Model:
    """The set of one replica, and what it would do."""

    def __init__(self, node, wall_ms):
        self.actor = (node, 1)
        self.wall_ms = wall_ms
        self.have = {}  # by (actor, seq)
        self.clock = 0  # greatest stamp given out or taken in
        self.known = None  # state of so many deltas
        self.floor = {}  # by actor: deltas up to here are folded
        self.stable = None  # likewise, what all have signed and is not folded yet

    def state(self):
        if self.known is None or self.known[0] != len(self.have):
            self.known = len(self.have), state_of(self.have.values())
        return self.known[1]

    def versions(self):
        return self.state()[1]

    def hlc(self):
        return max((delta.hlc for delta in self.have.values()), default=0)

    # ---- What comes from others

    def is_ahead(self, hlc):
        return (hlc >> 16) > self.wall_ms + AHEAD_MS_MAX

    def judge(self, delta):
        versions = self.versions()
        if delta.seq <= reached(versions, delta.actor):
            return "duplicate"
        if self.is_ahead(delta.hlc):
            return "ahead"
        if versions.get(delta.actor, 0) != delta.seq - 1:
            return "early"
        for actor, (seq, _) in delta.past.items():
            is_act = seq >= CLOSED and actor[0] == delta.actor[0]
            if reached(versions, actor) < (seq - CLOSED if is_act else seq):
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

    # ---- Folding: what it knows stays the same, and is kept in another way

    def is_settled(self, actor, seq):
        """Have all signed what there was of that actor, so far?"""
        return seq <= max(reached(self.floor, actor), reached(self.stable or {}, actor))

    def is_folded_at(self, end):
        """Is what was stamped before `end` not all there is any more?"""
        return any(self.have[actor, seq].hlc >= end for actor, seq in self.folded())

    def folded(self):
        return [key for key in self.have if key[1] <= reached(self.floor, key[0])]

    def rows(self):
        """How many deltas are kept, once what is folded is gone: of that, each open actor's last."""
        return len(self.have) - len(self.folded()) + sum(seq < CLOSED for seq in self.floor.values())

    def raise_floor(self, floor):
        self.floor = dict(floor)
        if self.stable and covers(floor, self.stable):
            self.stable = None

    def take_base(self, other):
        """Join the deltas below `other`'s floor, whatever their stamps are."""
        for key in other.folded():
            self.have[key] = other.have[key]
        if not self.is_ahead(self.hlc()):
            self.clock = max(self.clock, self.hlc())
        self.raise_floor(other.floor)

    def past(self, end):
        """What it was when all stamps were below `end`; None: it was not there."""
        then = Model(self.actor[0], self.wall_ms)
        then.have = {key: delta for key, delta in self.have.items() if delta.hlc < end}
        return then if then.is_live() else None

    def is_closed_with(self, delta):
        chain = [(delta.actor, delta.seq - 1, delta.prev)] if delta.seq > 1 else []
        chain += [(actor, seq % CLOSED, head) for actor, (seq, head) in delta.past.items()]
        return all((actor, seq) in self.have for actor, upto, _ in chain
                   for seq in range(1, upto + 1)) and all(
                       self.have[actor, upto].head == head for actor, upto, head in chain)

    # ---- Lives

    def actor_is_closed(self, actor):
        return reached(self.versions(), actor) >= CLOSED

    def oldest_with_rights(self, node):
        """The first of its lives that has rights of a bounded counter, or had them from somebody."""
        lives = []
        for dot, (_, kind, _, value) in self.state()[0].items():
            if kind == BOUNDED:
                row = unpack(value)
                lives += [dot[1]] if dot[0] == node else []
                lives += [int.from_bytes(name[32:], "big") for shares in row[2:]
                          for name, _ in shares if name[0] == node]
        return min(lives, default=None)

    def kin(self, actor):
        """Lives that `actor` may go on with."""
        return [life for life, seq in sorted(self.versions().items())
                if life[0] == actor[0] and life[1] < actor[1] and seq < CLOSED and
                life[1] % STRIDE == actor[1] % STRIDE]

    def spender(self, actor):
        """Whose rights are those of `actor`."""
        oldest = self.oldest_with_rights(actor[0])
        lives = [life for life in self.kin(actor) if oldest is not None and life[1] >= oldest]
        return lives[0] if lives else actor

    def writer(self, word):
        return self.spender(self.actor) if word in ("grant", "spend") else self.actor

    def closable(self):
        """Up to which life of its own it may close them; None: that would make no room."""
        node, floor = self.actor[0], self.floor
        newest = max((life[1] for life in floor if life[0] == node), default=0)
        oldest = self.oldest_with_rights(node)
        places, upto = 0, None
        if self.actor not in self.versions():
            return None
        for life, seq in sorted(self.versions().items()):
            if life[0] != node:
                continue
            if seq < CLOSED:
                if (oldest is not None and life[1] >= oldest) or floor.get(life) != seq or \
                        life[1] >= newest:
                    break
                upto = life
            places += 1
        return upto if places >= 2 else None

    # ---- What is written here: (adds, removes) of the delta it must make, or why not

    def tick(self):
        stamp = self.wall_ms << 16
        if self.clock >= stamp and not self.is_ahead(self.clock):
            stamp = self.clock + 1
        return max(stamp, self.hlc() + 1)

    def life(self):
        """(epoch, rank, what it is); None: there never was one."""
        shown = latest(self.state()[0], LIFE, FENCED)
        return None if shown is None else unpack(shown)

    def is_live(self):
        return self.life() is not None and self.life()[2] != "deleted"

    def observed(self, path, kind, value=None, actor=None):
        entries = self.state()[0]
        return sorted(dot for dot, entry in entries.items()
                      if entry[0] == path and entry[1] == kind and
                      (value is None or entry[3] == value) and (actor is None or dot[:2] == actor))

    def plan(self, op, path, value, more):
        """What `op` does: a text why not, or (adds, dots removed)."""
        if op == "create":
            return self.plan_create()
        if not self.is_live():
            return "no agent"
        plans = {"delete": self.plan_delete, "unset": self.plan_unset, "add": self.plan_add,
                 "remove": self.plan_remove, "increment": self.plan_increment,
                 "fence": self.plan_fence, "life": self.plan_life, "disable": self.plan_disable,
                 "grant": self.plan_row, "spend": self.plan_row, "push": self.plan_insert,
                 "insert": self.plan_insert, "move": self.plan_move, "drop": self.plan_drop}
        if op in plans:
            return plans[op](path, value, {**more, "op": op})
        kind, value = {"set": (REGISTER, value), "keep": (MULTI, value),
                       "enable": (FLAG, pack(True)), "map": (MAP, pack(None))}[op]
        return [(kind, path, value)], self.observed(path, kind)

    def plan_create(self):
        if self.is_live():
            return "exists"
        epoch = self.life()[0] if self.life() else 0
        adds = [(FENCED, LIFE, pack([epoch + 1, 0, "active"]))]
        if latest(self.state()[0], NAME) is None:
            adds.append((REGISTER, NAME, pack("agent")))
        return adds, self.observed(LIFE, FENCED)

    def plan_delete(self, _path, _value, _more):
        entries = self.state()[0]
        return ([(FENCED, LIFE, pack([self.life()[0], RANKS["deleted"], "deleted"]))],
                [dot for dot, entry in entries.items() if entry[0] != NAME])

    def plan_life(self, _path, _value, more):
        epoch, rank, _ = self.life()
        if rank > RANKS[more["state"]]:
            return "decommissioned"
        life = pack([epoch, RANKS[more["state"]], more["state"]])
        return [(FENCED, LIFE, life)], self.observed(LIFE, FENCED)

    def plan_fence(self, path, value, more):
        shown = latest(self.state()[0], path, FENCED)
        if shown is not None and unpack(shown)[0] > more["epoch"]:
            return "an epoch that is over"
        fenced = b"\x93" + pack(more["epoch"]) + pack(more["rank"]) + value
        return [(FENCED, path, fenced)], self.observed(path, FENCED)

    def plan_disable(self, path, _value, _more):
        dots = self.observed(path, FLAG)
        return ([], dots) if dots else "nothing there"

    def plan_unset(self, path, _value, _more):
        prefix = unpack(path)
        dots = [dot for dot, entry in self.state()[0].items()
                if unpack(entry[0])[:len(prefix)] == prefix]
        return ([], dots) if dots else "nothing there"

    def plan_add(self, path, value, _more):
        return [(SET, path, value)], self.observed(path, SET, value)

    def plan_remove(self, path, value, _more):
        dots = self.observed(path, SET, value)
        return ([], dots) if dots else "nothing there"

    def plan_increment(self, path, _value, more):
        dots = self.observed(path, COUNTER, actor=self.actor)
        entries = self.state()[0]
        total = sum(unpack(entries[dot][3]) for dot in dots) + more["amount"]
        if not -(1 << 63) <= total < 1 << 63:
            return "too large"
        return [(COUNTER, path, pack(total))], dots


    # ---- Bounded counters

    def own_row(self, path):
        """Granted, used, given and taken of this actor, all it was given taken over."""
        own, rows = self.writer("grant"), rows_of(self.state()[0], path)
        granted, used, given, taken = rows.get(own, (0, 0, {}, {}))
        given, taken = dict(given), dict(taken)
        for actor, row in rows.items():
            if actor != own and row[2].get(own, 0) > taken.get(actor, 0):
                taken[actor] = row[2][own]
        return [granted, used, given, taken]

    def plan_row(self, path, _value, more):
        row, amount = self.own_row(path), more["amount"]
        rights = rights_of(row)
        to = more.get("to", 0)
        if more["op"] == "grant" and to not in (0, self.actor[0]):
            if amount > rights:
                return "not ours to give"
            generations = [actor[1] for actor in self.versions() if actor[0] == to]
            actor = self.spender((to, max(generations, default=1)))
            row[2][actor] = row[2].get(actor, 0) + amount
        elif more["op"] == "grant":
            row[0] += amount
        elif amount > rights:
            return "not ours to spend"
        else:
            row[1] += amount
        lists = [[[actor_bytes(actor), share] for actor, share in sorted(shares.items())]
                 for shares in row[2:]]
        value = pack([row[0], row[1], *lists])
        return [(BOUNDED, path, value)], self.observed(path, BOUNDED, actor=self.writer("grant"))

    # ---- Lists

    def items(self, path):
        return items_of(self.state()[0], path)

    def plan_insert(self, path, value, more):
        items = self.items(path)
        index = len(items) if more["op"] == "push" else more["index"]
        if index > len(items):
            return "too short"
        return [(LIST, path, Place(items, index, None, value))], []

    def plan_move(self, path, _value, more):
        items = self.items(path)
        if max(more["index"], more["to_index"]) >= len(items):
            return "too short"
        moved = items.pop(more["index"])
        place = Place(items, more["to_index"], moved[1], moved[2])
        return [(LIST, path, place)], self.dots_of_item(path, moved[1])

    def plan_drop(self, path, _value, more):
        items = self.items(path)
        if more["index"] >= len(items):
            return "too short"
        return [], self.dots_of_item(path, items[more["index"]][1])

    def dots_of_item(self, path, number):
        return [dot for dot, entry in self.state()[0].items()
                if entry[:2] == (path, LIST) and unpack(entry[3])[1] == number]


class Place:
    """The value of an element of a list: equal to all that stand where it must."""

    def __init__(self, items, index, number, value):
        self.after = items[index - 1][0] if index > 0 else b""
        self.before = items[index][0] if index < len(items) else None
        self.number, self.value = number, value
        self.others = {item[1] for item in items}

    def __eq__(self, packed):
        key, number, value = unpack(packed)
        return (self.after < key and (self.before is None or key < self.before) and
                pack(value) == self.value and len(key) % 4 == 0 and
                (number == self.number or self.number is None and number not in self.others))

    def __repr__(self):
        return f"Place({self.after.hex()}..{self.before and self.before.hex()}, {self.value})"


def items_of(entries, path):
    """[(key, id, packed value)] in their order; of each id the latest."""
    found = {}
    for dot, entry in entries.items():
        if entry[:2] == (path, LIST):
            key, number, value = unpack(entry[3])
            mine = (entry[2], dot, bytes(key), pack(value))
            found[number] = max(found.get(number, mine), mine)
    placed = sorted((key, dot, number, value) for number, (_, dot, key, value) in found.items())
    return [(key, number, value) for key, _, number, value in placed]


def actor_bytes(actor):
    return bytes([actor[0]] * 32) + actor[1].to_bytes(4, "big")


def rows_of(entries, path):
    """{actor: (granted, used, given, taken)} of a bounded counter."""
    def shares(packed):
        return {(who[0], int.from_bytes(who[32:], "big")): share for who, share in packed}
    rows = {}
    for dot, entry in entries.items():
        if entry[:2] == (path, BOUNDED):
            granted, used, given, taken = unpack(entry[3])
            rows[dot[:2]] = (granted, used, shares(given), shares(taken))
    return rows


def rights_of(row):
    return row[0] + sum(row[3].values()) - row[1] - sum(row[2].values())


def bounded_value(entries, path):
    rows = rows_of(entries, path)
    under_way = 0
    for actor, row in rows.items():
        for to, share in row[2].items():
            taken = rows[to][3].get(actor, 0) if to in rows else 0
            under_way += max(0, share - taken)
    return sum(rights_of(row) for row in rows.values()) + under_way


def latest(entries, path, kind=REGISTER):
    """The value of the register that is shown at `path`; None: there is none."""
    found = [(*(unpack(entry[3])[:2] if kind == FENCED else ()), entry[2], dot, entry[3])
             for dot, entry in entries.items() if entry[0] == path and entry[1] == kind]
    return max(found)[-1] if found else None


# ---- What is shown ------------------------------------------------------------------------------

WORDS = {REGISTER: "register", SET: "set", COUNTER: "counter", MULTI: "multi", FENCED: "fenced",
         FLAG: "flag", BOUNDED: "bounded", LIST: "list", MAP: "object"}
PRECEDENCE = ["object", "register", "fenced", "multi", "set", "list", "counter", "bounded", "flag"]


def value_of(entries, path, kind):
    """What people see of one type at one path."""
    found = {dot: entry[3] for dot, entry in entries.items() if entry[:2] == (path, kind)}
    if kind == REGISTER:
        return unpack(latest(entries, path))
    if kind == FENCED:
        return unpack(latest(entries, path, FENCED))[2]
    if kind == SET:
        return [unpack(value) for value in sorted(set(found.values()))]
    if kind == MULTI:
        values = [unpack(found[dot]) for dot in sorted(found)]
        return values[0] if len(values) == 1 else {"$values": values}
    if kind == LIST:
        return [unpack(value) for _, _, value in items_of(entries, path)]
    if kind == BOUNDED:
        return bounded_value(entries, path)
    if kind in (FLAG, MAP):
        return True if kind == FLAG else {}
    total = sum(unpack(value) for value in found.values())
    return max(-(1 << 63), min((1 << 63) - 1, total))


def view_of(entries):
    """(state, {path: (shown, hidden types, types with concurrent values)}) as the API shows them."""
    leaves, counts = {}, {}
    for path, kind, _, _ in entries.values():
        if not str(unpack(path)[0]).startswith("$"):
            leaves.setdefault(path, set()).add(kind)
            counts[path, kind] = counts.get((path, kind), 0) + 1
    state, conflicts = {}, {}
    for path in sorted(leaves):
        elements = [item if isinstance(item, str) else f"[{item}]" for item in unpack(path)]
        is_object = any(unpack(other)[:len(elements)] == unpack(path) and other != path
                        for other in leaves)
        words = [WORDS[kind] for kind in leaves[path]]
        words = sorted({*words, "object"} if is_object else words, key=PRECEDENCE.index)
        concurrent = {WORDS[kind] for kind in leaves[path] & {REGISTER, MULTI, FENCED}
                      if counts[path, kind] > 1}
        if len(words) > 1 or concurrent:
            conflicts[path] = (words[0], set(words[1:]), concurrent)
        at = state
        for element in elements[:-1]:
            at = at.setdefault(element, {})
        if words[0] == "object":
            at.setdefault(elements[-1], {})
        else:
            at[elements[-1]] = value_of(entries, path, kind_of(words[0]))
    return state, conflicts


def kind_of(word):
    return next(kind for kind, text in WORDS.items() if text == word)


# ---- What the history says ----------------------------------------------------------------------

class Op:
    """One write that was accepted: what was asked, and what its author had seen."""

    def __init__(self, word, path, value, more, delta):
        self.word, self.path, self.value, self.more = word, path, value, more
        self.actor, self.seq, self.hlc = delta.actor, delta.seq, delta.hlc
        self.seen = {actor: seq for actor, (seq, _) in delta.past.items()}
        self.seen[self.actor] = self.seq - 1
        self.item = None  # of a list: (id, key, value)
        if delta.adds and delta.adds[0][0] == LIST:
            key, number, item = unpack(delta.adds[0][2])
            self.item = (number, bytes(key), pack(item))

    def saw(self, other):
        return other is not self and reached(self.seen, other.actor) >= other.seq


# What replaces what, at one path.
GROUPS = {"set": "set", "keep": "keep", "fence": "fence", "enable": "flag", "disable": "flag",
          "map": "map"}


def takes_out(later, op):
    """Does `later`, which has seen `op`, take out what that added?"""
    if later.word == "delete":
        return True
    if later.word == "unset":
        prefix = unpack(later.path)
        return op.path is not None and unpack(op.path)[:len(prefix)] == prefix
    if later.path != op.path:
        return False
    if later.word in ("add", "remove"):
        return op.word == "add" and op.value == later.value
    if later.word == "increment":
        return op.word == "increment" and op.actor == later.actor
    if later.word in ("move", "drop"):
        return op.item is not None and op.item[0] == later.more["number"]
    return later.word in GROUPS and GROUPS[later.word] == GROUPS.get(op.word)


def survives(op, ops):
    return not any(later.saw(op) and takes_out(later, op) for later in ops)


def spec_values(ops):
    """{(path, type): value} that anybody who has seen all of `ops` must see."""
    shown = {}
    for op in (op for op in ops if survives(op, ops)):
        if op.word in ("set", "keep", "fence"):
            kind = {"set": REGISTER, "keep": MULTI, "fence": FENCED}[op.word]
            rank = (op.more["epoch"], op.more["rank"]) if op.word == "fence" else ()
            shown.setdefault((op.path, kind), []).append(
                (*rank, op.hlc, op.actor, op.seq, op.value))
        elif op.word == "add":
            shown.setdefault((op.path, SET), set()).add(op.value)
        elif op.word == "enable":
            shown[op.path, FLAG] = True
        elif op.word == "map":
            shown[op.path, MAP] = {}
        elif op.word == "increment":
            shown[op.path, COUNTER] = shown.get((op.path, COUNTER), 0) + own_sum(op, ops)
        elif op.item is not None:
            mine = (op.hlc, op.actor, op.seq, op.item)
            items = shown.setdefault((op.path, LIST), {})
            items[op.item[0]] = max(items.get(op.item[0], mine), mine)
        elif op.word in ("grant", "spend"):
            shown[op.path, BOUNDED] = None
    for path in {path for path, kind in shown if kind == BOUNDED}:
        shown[path, BOUNDED] = spec_bounded(path, ops)
    return {key: spec_value(key[1], value) for key, value in shown.items()}


def spec_bounded(path, ops):
    """What was granted and not spent; None: some of it was taken out, and it depends."""
    touching = [op for op in ops if op.path == path and op.word in ("grant", "spend")]
    if any(later.word == "delete" or
           later.word == "unset" and path[1:].startswith(later.path[1:]) for later in ops):
        return None
    return sum(op.more["amount"] * (-1 if op.word == "spend" else op.more.get("to", 0) in
                                    (0, op.actor[0])) for op in touching)


def own_sum(op, ops):
    """Of one actor, up to `op`: all it had added that nobody whom it had seen took out."""
    before = [other for other in ops if other.word == "increment" and other.path == op.path and
              other.actor == op.actor and op.saw(other)]
    seen = [other for other in ops if op.saw(other)]
    return op.more["amount"] + sum(own_sum(other, ops) for other in before
                                   if survives(other, seen))


def spec_value(kind, value):
    if kind in (REGISTER, FENCED):
        return unpack(max(value)[-1])
    if kind == MULTI:
        values = [unpack(one[-1]) for one in sorted(value, key=lambda one: one[1:3])]
        return values[0] if len(values) == 1 else {"$values": values}
    if kind == SET:
        return [unpack(item) for item in sorted(value)]
    if kind == LIST:
        placed = sorted((item[1], actor, seq, item[2]) for _, actor, seq, item in value.values())
        return [unpack(item) for _, _, _, item in placed]
    return value
