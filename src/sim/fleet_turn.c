#include <assert.h>
#include <string.h>

#include "base/attr.h"
#include "base/hash.h"
#include "sim/fleet_internal.h"
#include "wire/codec.h"

#define CACHE_LINE_BYTES 64
#define KIND_AT 1        /* of a message, behind the head of its array */
#define GOSSIP_ID_AT 4   /* of a broadcast, behind that and the head of its bytes */
#define PULSES_BYTES 192 /* of its links: they lie first in a fabric's block */
#define AHEAD_NODE 6     /* events before its own that a node's record is fetched, */
#define AHEAD_CORE 4     /* what of its core most events look at, */
#define AHEAD_LINK 1     /* and its link */
#define STEADY_US MCPZ_SECONDS(30)

/* ---- The trace ---------------------------------------------------------------------------- */

static void note(struct mcpz_fleet *fleet, uint64_t what)
{
    fleet->hash = mcpz_hash_mix(fleet->hash ^ what);
}

static void note_bytes(struct mcpz_fleet *fleet, struct mcpz_bytes bytes)
{
    uint64_t word;

    for (size_t i = 0; i + sizeof(word) <= bytes.length; i += sizeof(word)) {
        fleet->hash =
            (fleet->hash ^ mcpz_hash_word(bytes.data + i)) * UINT64_C(0x9e3779b97f4a7c15);
        fleet->hash ^= fleet->hash >> 29;
    }
    word = bytes.length;
    for (size_t i = bytes.length / sizeof(word) * sizeof(word); i < bytes.length; i++) {
        word = word << 8 | bytes.data[i];
    }
    note(fleet, word);
}

/* ---- What cores ask for ------------------------------------------------------------------- */

static enum mcpz_fleet_counter bytes_counter(enum mcpz_msg_kind kind)
{
    if (kind == MCPZ_MSG_PING) {
        return MCPZ_FLEET_PING_BYTES;
    }
    if (kind >= MCPZ_MSG_GOSSIP && kind <= MCPZ_MSG_PRUNE) {
        return MCPZ_FLEET_GOSSIP_BYTES;
    }
    if (kind >= MCPZ_MSG_OVERLAY_JOIN && kind <= MCPZ_MSG_OVERLAY_SHUFFLED) {
        return MCPZ_FLEET_OVERLAY_BYTES;
    }
    return kind == MCPZ_MSG_PROBE ? MCPZ_FLEET_PROBE_BYTES : MCPZ_FLEET_SUMMARY_BYTES;
}

static void send(struct mcpz_fleet *fleet, uint32_t node, const struct mcpz_action_send *asked)
{
    uint8_t *buffer = fleet->scratch;
    size_t length = 0;
    mcpz_error error = mcpz_msg_encode(&asked->msg, buffer, MCPZ_MSG_BYTES_MAX, &length);

    assert(error == MCPZ_OK);
    note_bytes(fleet, mcpz_bytes(buffer, length));
    for (size_t i = 0; i < asked->peer_count; i++) {
        uint32_t identity = mcpz_fleet_identity_of(&asked->peers[i]);
        note(fleet, identity);
        fleet->counters[MCPZ_FLEET_MESSAGES]++;
        fleet->counters[MCPZ_FLEET_BYTES] += length + MCPZ_FLEET_FRAMING_BYTES;
        fleet->counters[bytes_counter(asked->msg.kind)] += length + MCPZ_FLEET_FRAMING_BYTES;
        fleet->counters[MCPZ_FLEET_PAYLOADS] += asked->msg.kind == MCPZ_MSG_GOSSIP;
        mcpz_fleet_network_send(fleet, node, identity, mcpz_bytes(buffer, length));
    }
}

bool mcpz_fleet_is_steady(const struct mcpz_fleet *fleet, const struct mcpz_fleet_node *node)
{
    return node->fabric != NULL && node->paused_until_us <= fleet->now &&
           node->loss_ppm <= MCPZ_FLEET_LOSS_OF_THE_WELL_PPM &&
           !mcpz_fleet_network_has_mute(fleet, node) &&
           ((node->sides[0] | node->sides[1]) & fleet->cuts) == 0 &&
           fleet->now >= node->well_since_us + STEADY_US;
}

static void note_burial(struct mcpz_fleet *fleet, uint32_t by, const struct mcpz_fact *fact)
{
    uint32_t about = fleet->node_of[mcpz_fleet_identity_of(&fact->about)];
    const struct mcpz_linked *link =
        mcpz_links_find(&fleet->nodes[by].fabric->links, &fact->about);

    fleet->nodes[by].buries = true;
    fleet->counters[MCPZ_FLEET_BURIED]++;
    fleet->counters[MCPZ_FLEET_BURIED_HEARD] += link != NULL && !link->late;
    if (about == MCPZ_FLEET_NOBODY || fleet->nodes[about].fabric == NULL) {
        return;
    }
    struct mcpz_fleet_node *node = &fleet->nodes[about];
    if (fact->incarnation < mcpz_members_self(&node->fabric->members)->incarnation) {
        return; /* an earlier life of it, or what it has refuted already */
    }
    fleet->counters[MCPZ_FLEET_BURIED_LIVE]++;
    if (node->convicted < fact->incarnation) {
        node->convicted = fact->incarnation;
        fleet->counters[MCPZ_FLEET_CONVICTED_LIVE]++;
    }
    fleet->counters[MCPZ_FLEET_BURIED_STEADY] +=
        mcpz_fleet_is_steady(fleet, node) && mcpz_fleet_is_steady(fleet, &fleet->nodes[by]);
}

static void show_opinion(struct mcpz_fleet *fleet, uint32_t node, const struct mcpz_fact *fact)
{
    const uint32_t about = fleet->node_of[mcpz_fleet_identity_of(&fact->about)];

    if (about != MCPZ_FLEET_NOBODY) {
        fleet->watch(fleet->watch_context, node, about, fact);
    }
}

static void note_fact(struct mcpz_fleet *fleet, uint32_t node, const struct mcpz_fact *fact)
{
    static const uint8_t counters[MCPZ_FACT_KIND_END] = {
        [MCPZ_FACT_LINKED] = MCPZ_FLEET_LINKED,
        [MCPZ_FACT_UNLINKED] = MCPZ_FLEET_UNLINKED,
        [MCPZ_FACT_SUSPECT] = MCPZ_FLEET_SUSPECTED,
        [MCPZ_FACT_REFUTED] = MCPZ_FLEET_REFUTED,
        [MCPZ_FACT_LATE] = MCPZ_FLEET_LATE,
        [MCPZ_FACT_PROMPT] = MCPZ_FLEET_PROMPT,
        [MCPZ_FACT_UNREACHABLE] = MCPZ_FLEET_UNREACHABLE,
        [MCPZ_FACT_DIFFERS] = MCPZ_FLEET_DIFFERED,
    };

    note(fleet, (uint64_t)fact->kind << 32 | mcpz_fleet_identity_of(&fact->about));
    mcpz_fleet_sometimes_fact(fleet->sometimes, fact);
    if (counters[fact->kind] != 0) {
        fleet->counters[counters[fact->kind]]++;
    }
    if (fleet->watch != NULL && fact->kind >= MCPZ_FACT_ALIVE && fact->kind <= MCPZ_FACT_LEFT) {
        show_opinion(fleet, node, fact);
    }
    if (fact->kind == MCPZ_FACT_DEAD) {
        note_burial(fleet, node, fact);
    } else if (fact->kind == MCPZ_FACT_GOSSIP_DELIVERED) {
        fleet->counters[MCPZ_FLEET_DELIVERED]++;
        fleet->nodes[node].is_told |=
            mcpz_bytes_equal(fact->detail, mcpz_bytes(fleet->probe.bytes, fleet->probe.length));
    } else if (fact->kind == MCPZ_FACT_PROBED) {
        fleet->counters[MCPZ_FLEET_PROBES_FAILED] += fact->reason != 0;
    } else if (fact->kind == MCPZ_FACT_UNLINKED) {
        fleet->counters[MCPZ_FLEET_WENT_SILENT] += fact->reason == MCPZ_DOWN_SILENT;
        fleet->counters[MCPZ_FLEET_ONE_WAY] += fact->reason == MCPZ_DOWN_ONE_WAY;
    }
}

static void carry_out(struct mcpz_fleet *fleet, uint32_t node, const struct mcpz_action *action)
{
    if (action->kind == MCPZ_ACTION_SEND) {
        send(fleet, node, &action->send);
    } else if (action->kind == MCPZ_ACTION_DIAL) {
        uint32_t identity = mcpz_fleet_identity_at(action->dial.address);
        note(fleet, UINT64_C(1) << 40 | identity);
        mcpz_fleet_network_dial(fleet, node, identity);
    } else if (action->kind == MCPZ_ACTION_UNLINK) {
        uint32_t identity = mcpz_fleet_identity_of(&action->unlink.peer);
        note(fleet, UINT64_C(2) << 40 | identity);
        mcpz_fleet_network_unlink(fleet, node, identity, action->unlink.reason);
    } else if (action->kind == MCPZ_ACTION_FACT) {
        note_fact(fleet, node, &action->fact);
    }
}

/* ---- Steps -------------------------------------------------------------------------------- */

void mcpz_fleet_plan_tick(struct mcpz_fleet *fleet, uint32_t index)
{
    struct mcpz_fleet_node *node = &fleet->nodes[index];

    if (node->due_us < node->tick_at_us) {
        node->tick_at_us = node->due_us;
        mcpz_fleet_queue_add(&fleet->queue, &(struct mcpz_fleet_due){.at_us = node->due_us,
                                                                     .kind = MCPZ_DUE_TICK,
                                                                     .index = index});
    }
}

/* What is in the outbox sinks, and is done. */
static void end_step(struct mcpz_fleet *fleet, uint32_t index)
{
    struct mcpz_fleet_node *node = &fleet->nodes[index];
    struct mcpz_outbox *out = fleet->out;

    mcpz_fabric_sink(node->fabric, fleet->now, out, 0);
    for (size_t i = 0; i < out->count; i++) {
        carry_out(fleet, index, &out->actions[i]);
    }
    mcpz_time deadline = mcpz_fabric_deadline(node->fabric);
    node->due_us = deadline > fleet->now ? deadline : fleet->now + 1;
    mcpz_fleet_plan_tick(fleet, index);
}

void mcpz_fleet_step(struct mcpz_fleet *fleet, uint32_t index, const struct mcpz_event *event)
{
    note(fleet, fleet->now << 20 | (uint64_t)event->kind << 56 | index);
    fleet->counters[MCPZ_FLEET_EVENTS]++;
    mcpz_outbox_clear(fleet->out);
    (void)mcpz_fabric_step(fleet->nodes[index].fabric, fleet->now, event, fleet->out);
    end_step(fleet, index);
}

/* As a machine above the fabric would: by an action that sinks. */
void mcpz_fleet_broadcast(struct mcpz_fleet *fleet, size_t index)
{
    struct mcpz_fleet_probe *probe = &fleet->probe;
    struct mcpz_fleet_node *node = &fleet->nodes[index];
    const struct mcpz_msg msg = {
        .kind = MCPZ_MSG_CAPABILITIES,
        .capabilities = {.id = node->id,
                         .incarnation = node->incarnation,
                         .version = ++probe->number},
    };

    assert(node->fabric != NULL);
    probe->zone = node->zone;
    probe->length = fleet->core.packer.pack(&msg, probe->bytes, sizeof(probe->bytes));
    assert(probe->length > 0);
    for (size_t i = 0; i < fleet->config.node_count; i++) {
        fleet->nodes[i].is_told = i == index;
    }
    mcpz_outbox_clear(fleet->out);
    mcpz_outbox_broadcast(fleet->out, NULL, &msg);
    end_step(fleet, (uint32_t)index);
}

static void tick(struct mcpz_fleet *fleet, uint32_t index)
{
    static const struct mcpz_event event = {.kind = MCPZ_EVENT_TICK};
    struct mcpz_fleet_node *node = &fleet->nodes[index];

    if (node->tick_at_us != fleet->now) {
        return; /* another was due earlier, and has been */
    }
    node->tick_at_us = MCPZ_TIME_NEVER;
    if (node->fabric == NULL || node->paused_until_us > fleet->now) {
        return;
    }
    if (node->due_us > fleet->now) { /* it has moved meanwhile */
        mcpz_fleet_plan_tick(fleet, index);
        return;
    }
    mcpz_fleet_step(fleet, index, &event);
}

/* Whether its loop looks at the clock or at its sockets first is decided by lot. */
void mcpz_fleet_resume(struct mcpz_fleet *fleet, uint32_t index)
{
    static const struct mcpz_event event = {.kind = MCPZ_EVENT_TICK};
    struct mcpz_fleet_node *node = &fleet->nodes[index];

    if (node->fabric == NULL || node->paused_until_us > fleet->now) {
        return; /* another pause has begun */
    }
    node->well_since_us = fleet->now;
    bool clock_first = mcpz_rng_below(&node->rng, 2) == 0;
    if (clock_first && node->due_us <= fleet->now) {
        mcpz_fleet_step(fleet, index, &event);
    }
    mcpz_fleet_network_catch_up(fleet, index);
    if (node->due_us <= fleet->now) {
        mcpz_fleet_step(fleet, index, &event);
    }
    mcpz_fleet_plan_tick(fleet, index);
}

/* ---- Ahead -------------------------------------------------------------------------------- */

/* What of a core events look at. */
struct part {
    size_t from;
    size_t to;
};

#define FROM(first, behind)                                                                       \
    {                                                                                             \
        offsetof(struct mcpz_fabric, first), offsetof(struct mcpz_fabric, behind)                 \
    }

static const struct part always[] = {
    FROM(view, timing.unused_us),
    FROM(links, links.dials.seeds),
    FROM(members.roster.rows, members.adjacency_at_us),
    {MCPZ_FLEET_CORE_BYTES, MCPZ_FLEET_CORE_BYTES + PULSES_BYTES},
};
static const struct part heartbeats[] = {FROM(overlay, overlay.modest)};
static const struct part broadcasts[] = {FROM(plumtree, plumtree.delivered)};

/* The cache lines of `bytes` from `start` on, soon. */
static inline __attribute__((always_inline)) void fetch(const void *start, size_t bytes)
{
    const uint8_t *first = (const uint8_t *)start;
    const size_t before = (uintptr_t)start & (CACHE_LINE_BYTES - 1);

    for (size_t at = 0; at < before + bytes; at += CACHE_LINE_BYTES) {
        __builtin_prefetch(first - before + at);
    }
}

static inline __attribute__((always_inline)) void
fetch_parts(const uint8_t *core, const struct part *parts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        fetch(core + parts[i].from, parts[i].to - parts[i].from);
    }
}

static inline __attribute__((always_inline)) const struct mcpz_fleet_due *
look(const struct mcpz_fleet *fleet, size_t ahead)
{
    const struct mcpz_fleet_due *due = mcpz_fleet_queue_peek(&fleet->queue, ahead);

    return due != NULL && due->kind != MCPZ_DUE_RELEASE ? due : NULL;
}

static inline __attribute__((always_inline)) bool is_gossip(const struct mcpz_parcel *parcel)
{
    return parcel->kind == MCPZ_PARCEL_DATA && parcel->bytes[KIND_AT] == MCPZ_MSG_GOSSIP;
}

static inline __attribute__((always_inline)) void fetch_node(const struct mcpz_fleet *fleet)
{
    const struct mcpz_fleet_due *due = look(fleet, AHEAD_NODE);

    if (due == NULL) {
        return;
    }
    fetch(&fleet->nodes[due->index], offsetof(struct mcpz_fleet_node, inbox));
    if (due->parcel != NULL) {
        fetch(due->parcel, 2 * CACHE_LINE_BYTES);
    }
}

static inline __attribute__((always_inline)) void fetch_core(const struct mcpz_fleet *fleet)
{
    const struct mcpz_fleet_due *due = look(fleet, AHEAD_CORE);

    if (due == NULL) {
        return;
    }
    const uint8_t *core = fleet->memory + due->index * fleet->core_bytes;
    fetch_parts(core, always, MCPZ_ARRAY_LEN(always));
    if (due->parcel == NULL || due->parcel->kind >= MCPZ_PARCEL_DIAL) {
        fetch_parts(core, heartbeats, MCPZ_ARRAY_LEN(heartbeats));
        return;
    }
    fetch(&fleet->wires[due->parcel->at], sizeof(struct mcpz_fleet_wire));
    if (is_gossip(due->parcel)) {
        fetch_parts(core, broadcasts, MCPZ_ARRAY_LEN(broadcasts));
        fetch(core + fleet->at.names, fleet->config.zone_size * sizeof(struct mcpz_short));
        fetch(core + fleet->at.buckets, fleet->core.gossip_seen_max);
    } else {
        fetch_parts(core, heartbeats, MCPZ_ARRAY_LEN(heartbeats));
    }
}

/* That a heartbeat will go over. Its place in the list says which, but not yet in the cache. */
static inline __attribute__((always_inline)) void
fetch_wire(const struct mcpz_fleet *fleet, uint32_t index, struct mcpz_short name)
{
    const struct mcpz_fleet_node *node = &fleet->nodes[index];

    for (size_t i = 0; i < node->wire_count; i++) {
        if (mcpz_fleet_short(node->peers[i]).value == name.value) {
            fetch(&fleet->wires[node->wires[i]], sizeof(struct mcpz_fleet_wire));
        }
    }
}

/* Of the machines that a TICK is due for. */
static void fetch_due(const struct mcpz_fabric *fabric, mcpz_time at_us)
{
    if (fabric->view.overlay_us <= at_us) {
        fetch(&fabric->overlay, offsetof(struct mcpz_overlay, config));
        fetch(&fabric->xbot, offsetof(struct mcpz_xbot, config));
    }
    if (fabric->view.plumtree_us <= at_us) {
        fetch(&fabric->plumtree, offsetof(struct mcpz_plumtree, delivered));
        fetch(fabric->plumtree.notices,
              fabric->plumtree.notice_count * sizeof(*fabric->plumtree.notices));
    }
    if (fabric->view.members_us <= at_us) {
        fetch(&fabric->members, offsetof(struct mcpz_members, notary));
    }
}

/* The neighbour of a name, for a heartbeat from it or to it. */
static inline __attribute__((always_inline)) void fetch_neighbour(const struct mcpz_fabric *fabric,
                                                                  struct mcpz_short name)
{
    for (size_t i = 0; i < fabric->overlay.active_count; i++) {
        if (fabric->overlay.names[i].value == name.value) {
            fetch(&fabric->overlay.active[i], sizeof(fabric->overlay.active[i]));
        }
    }
}

/* Whom a message comes from, and what it names. */
static void fetch_peer(const struct mcpz_fabric *fabric, const struct mcpz_parcel *parcel,
                       struct mcpz_short name)
{
    const struct mcpz_linked *link = mcpz_links_find_short(&fabric->links, name);
    struct mcpz_gossip_id id;

    if (link != NULL) {
        fetch(link, sizeof(*link));
    }
    if (is_gossip(parcel) && parcel->length >= GOSSIP_ID_AT + sizeof(id)) {
        memcpy(&id, parcel->bytes + GOSSIP_ID_AT, sizeof(id));
        mcpz_gossip_cache_expect(&fabric->plumtree.cache, &id);
    }
    if (parcel->bytes[KIND_AT] == MCPZ_MSG_PING) {
        fetch_neighbour(fabric, name);
    }
}

/* The link that something comes over, or that a TICK is due for. */
static inline __attribute__((always_inline)) void fetch_link(const struct mcpz_fleet *fleet)
{
    const struct mcpz_fleet_due *due = look(fleet, AHEAD_LINK);
    const struct mcpz_fabric *fabric = due != NULL ? fleet->nodes[due->index].fabric : NULL;

    if (fabric == NULL) {
        return;
    }
    if (due->parcel == NULL) {
        const struct mcpz_links *links = &fabric->links;
        for (size_t i = 0; i < links->count; i++) {
            if (links->pulses[i].due_us <= due->at_us) {
                fetch(&links->links[i], sizeof(struct mcpz_linked));
                fetch_wire(fleet, due->index, links->pulses[i].name);
                fetch_neighbour(fabric, links->pulses[i].name);
            }
        }
        fetch_due(fabric, due->at_us);
    } else if (due->parcel->kind == MCPZ_PARCEL_DATA) {
        const struct mcpz_fleet_wire *wire = &fleet->wires[due->parcel->at];
        fetch_peer(fabric, due->parcel, mcpz_fleet_short(wire->identities[1 - due->parcel->end]));
    }
}

void mcpz_fleet_run_until(struct mcpz_fleet *fleet, mcpz_time at_us)
{
    struct mcpz_fleet_due due;

    assert(at_us >= fleet->now);
    while (mcpz_fleet_queue_take(&fleet->queue, at_us, &due)) {
        assert(due.at_us >= fleet->now);
        fleet->now = due.at_us;
        /* Every event is at another node, whose memory nobody has looked at for long: it is
         * fetched while others are taken in, first what says where the rest lies. */
        fetch_node(fleet);
        fetch_core(fleet);
        fetch_link(fleet);
        if (due.kind == MCPZ_DUE_TICK) {
            tick(fleet, due.index);
        } else if (due.kind == MCPZ_DUE_PARCEL) {
            mcpz_fleet_network_arrive(fleet, due.parcel);
        } else if (due.kind == MCPZ_DUE_RESUME) {
            mcpz_fleet_resume(fleet, due.index);
        } else {
            mcpz_fleet_network_release(fleet, due.index / 2, (uint8_t)(due.index % 2));
        }
    }
    fleet->now = at_us;
}
