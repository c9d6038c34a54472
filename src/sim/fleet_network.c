#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "sim/fleet_internal.h"
#include "wire/codec.h"

#define NEAR_MIN_US 200 /* one way, in one zone */
#define NEAR_MAX_US 2000
#define FAR_MIN_US 5000
#define RETRANSMIT_US MCPZ_MS(200) /* Linux's least; it doubles */
#define RETRANSMIT_DOUBLINGS_MAX 6
#define RELEASE_MAX_US MCPZ_SECONDS(2) /* a cut is over: until TCP tries again */
#define SYN_US MCPZ_SECONDS(1)         /* unanswered: again after 1, 2 and 4 s; given up after 8 */
#define SYN_ATTEMPTS_MAX 4
#define HANDSHAKE_LATENCIES 5 /* TCP, TLS, WebSocket, HELLO: from the SYN's arrival on */
#define MILLION 1000000
#define WIRES_AT_START 8 /* a node: memory that nobody has written to is not taken yet */

/* ---- Time on the way ---------------------------------------------------------------------- */

uint32_t mcpz_fleet_network_latency(const struct mcpz_fleet *fleet, uint32_t a, uint32_t b)
{
    const uint64_t least = a < b ? a : b;
    const uint64_t most = a < b ? b : a;
    const uint32_t lot =
        (uint32_t)(mcpz_hash_mix(fleet->config.seed ^ mcpz_hash_mix(least << 32 | most)) >> 33);

    return fleet->nodes[a].zone == fleet->nodes[b].zone
               ? NEAR_MIN_US + lot % (NEAR_MAX_US - NEAR_MIN_US)
               : FAR_MIN_US + lot % (fleet->config.latency_max_us - FAR_MIN_US);
}

/* A quarter of the latency more by lot, and what retransmissions take. */
static mcpz_time draw_delay(struct mcpz_fleet *fleet, uint32_t from, uint32_t latency_us)
{
    struct mcpz_fleet_node *node = &fleet->nodes[from];
    const uint64_t loss_ppm = (uint64_t)fleet->config.loss_ppm + node->loss_ppm;
    const uint64_t lot = mcpz_rng_next(&node->rng);
    mcpz_time delay_us = latency_us + (lot & 0xffff) * latency_us / 4 / 0x10000;

    if (loss_ppm == 0 || (lot >> 32) * MILLION >> 32 >= loss_ppm) {
        return delay_us;
    }
    mcpz_time wait_us = RETRANSMIT_US;
    for (size_t i = 0; i < RETRANSMIT_DOUBLINGS_MAX; i++) {
        fleet->counters[MCPZ_FLEET_RETRANSMITTED]++;
        delay_us += wait_us;
        wait_us *= 2;
        if (mcpz_rng_below(&node->rng, MILLION) >= loss_ppm) {
            break;
        }
    }
    return delay_us;
}

bool mcpz_fleet_network_is_blocked(const struct mcpz_fleet *fleet, uint32_t from, uint32_t to)
{
    const struct mcpz_fleet_node *a = &fleet->nodes[from];
    const struct mcpz_fleet_node *b = &fleet->nodes[to];

    return fleet->cuts != 0 &&
           (fleet->cuts &
            ((a->sides[0] & b->sides[1]) | (fleet->both_ways & a->sides[1] & b->sides[0]))) != 0;
}

/* At `node` something is to arrive. */
static void plan(struct mcpz_fleet *fleet, mcpz_time at_us, uint32_t node,
                 struct mcpz_parcel *parcel)
{
    mcpz_fleet_queue_add(&fleet->queue, &(struct mcpz_fleet_due){.at_us = at_us,
                                                                 .kind = MCPZ_DUE_PARCEL,
                                                                 .index = node,
                                                                 .parcel = parcel});
}

/* ---- Wires -------------------------------------------------------------------------------- */

static void *grow(void *memory, size_t count, size_t capacity, size_t size)
{
    void *grown = mcpz_slabs_take_huge(capacity * size);

    if (memory != NULL) {
        memcpy(grown, memory, count * size);
        free(memory);
    }
    return grown;
}

static uint32_t take_wire(struct mcpz_fleet *fleet)
{
    if (fleet->free_wire_count > 0) {
        return fleet->free_wires[--fleet->free_wire_count];
    }
    if (fleet->wire_count == fleet->wire_capacity) {
        fleet->wire_capacity =
            2 * fleet->wire_capacity + WIRES_AT_START * fleet->config.node_count;
        fleet->wires =
            grow(fleet->wires, fleet->wire_count, fleet->wire_capacity, sizeof(*fleet->wires));
        fleet->free_wires = grow(fleet->free_wires, fleet->wire_count, fleet->wire_capacity,
                                 sizeof(*fleet->free_wires));
    }
    return (uint32_t)fleet->wire_count++;
}

static void free_if_done(struct mcpz_fleet *fleet, uint32_t index)
{
    const struct mcpz_fleet_wire *wire = &fleet->wires[index];

    if (!wire->open[0] && !wire->open[1] && wire->under_way == 0) {
        fleet->free_wires[fleet->free_wire_count++] = index;
    }
}

static void give_back(struct mcpz_fleet *fleet, struct mcpz_parcel *parcel)
{
    const uint32_t index = parcel->at;

    mcpz_parcel_give(&fleet->queue, parcel);
    fleet->wires[index].under_way--;
    free_if_done(fleet, index);
}

/* Those that wait are a ring, known by the last, whose next is the first. */
static void append(struct mcpz_parcel **last, struct mcpz_parcel *parcel)
{
    if (*last == NULL) {
        parcel->next = parcel;
    } else {
        parcel->next = (*last)->next;
        (*last)->next = parcel;
    }
    *last = parcel;
}

static struct mcpz_parcel *pop(struct mcpz_parcel **last)
{
    struct mcpz_parcel *first = (*last)->next;

    if (first == *last) {
        *last = NULL;
    } else {
        (*last)->next = first->next;
    }
    return first;
}

static uint8_t end_of(const struct mcpz_fleet_wire *wire, uint32_t node)
{
    return wire->ends[0] == node ? 0 : 1;
}

/* The wire from `node` to `peer` whose near end is open; MCPZ_FLEET_NOBODY: there is none. */
static uint32_t find_wire(const struct mcpz_fleet *fleet, uint32_t index, uint32_t peer,
                          bool is_up)
{
    const struct mcpz_fleet_node *node = &fleet->nodes[index];

    for (size_t i = 0; i < node->wire_count; i++) {
        const struct mcpz_fleet_wire *wire = &fleet->wires[node->wires[i]];
        if (node->peers[i] == peer && (!is_up || wire->up[end_of(wire, index)])) {
            return node->wires[i];
        }
    }
    return MCPZ_FLEET_NOBODY;
}

/* This end's machine has nothing to do with it any more. */
static void let_go(struct mcpz_fleet *fleet, uint32_t index, uint8_t end)
{
    struct mcpz_fleet_wire *wire = &fleet->wires[index];
    struct mcpz_fleet_node *node = &fleet->nodes[wire->ends[end]];
    size_t at = 0;

    assert(wire->open[end]);
    if (wire->mute[0] || wire->mute[1]) {
        node->well_since_us = fleet->now; /* it was not, as long as this one was its link */
    }
    while (node->wires[at] != index) {
        at++;
    }
    node->wire_count--;
    node->wires[at] = node->wires[node->wire_count];
    node->peers[at] = node->peers[node->wire_count];
    wire->open[end] = wire->up[end] = false;
    free_if_done(fleet, index);
}

/* Put a parcel on its way to one end, behind all that is. */
static void put(struct mcpz_fleet *fleet, uint32_t index, uint8_t end, struct mcpz_parcel *parcel)
{
    struct mcpz_fleet_wire *wire = &fleet->wires[index];
    mcpz_time at_us = fleet->now + draw_delay(fleet, wire->ends[1 - end], wire->latency_us);

    if (at_us < wire->last_us[end]) {
        at_us = wire->last_us[end];
    }
    wire->last_us[end] = at_us;
    wire->under_way++;
    parcel->at = index;
    parcel->end = end;
    plan(fleet, at_us, wire->ends[end], parcel);
}

static void put_closed(struct mcpz_fleet *fleet, uint32_t index, uint8_t end,
                       enum mcpz_link_down_reason reason)
{
    struct mcpz_parcel *parcel = mcpz_parcel_take(&fleet->queue, MCPZ_PARCEL_CLOSED, 0);

    parcel->reason = (uint8_t)reason;
    put(fleet, index, end, parcel);
}

/* One end closes; the other hears of it. */
static void close_end(struct mcpz_fleet *fleet, uint32_t index, uint8_t end,
                      enum mcpz_link_down_reason reason)
{
    if (fleet->wires[index].open[1 - end]) {
        put_closed(fleet, index, 1 - end, reason);
    }
    let_go(fleet, index, end);
}

/* ---- What cores ask for ------------------------------------------------------------------- */

void mcpz_fleet_network_send(struct mcpz_fleet *fleet, uint32_t node, uint32_t peer,
                             struct mcpz_bytes bytes)
{
    const uint32_t index = find_wire(fleet, node, peer, true);

    if (index == MCPZ_FLEET_NOBODY) {
        fleet->counters[MCPZ_FLEET_UNDELIVERED]++;
        return;
    }
    struct mcpz_parcel *parcel = mcpz_parcel_take(&fleet->queue, MCPZ_PARCEL_DATA, bytes.length);
    memcpy(parcel->bytes, bytes.data, bytes.length);
    put(fleet, index, 1 - end_of(&fleet->wires[index], node), parcel);
}

void mcpz_fleet_network_unlink(struct mcpz_fleet *fleet, uint32_t node, uint32_t peer,
                               enum mcpz_link_down_reason reason)
{
    const uint32_t index = find_wire(fleet, node, peer, true);
    const bool is_polite = reason == MCPZ_DOWN_FULL || reason == MCPZ_DOWN_LEFT;

    if (index != MCPZ_FLEET_NOBODY) {
        close_end(fleet, index, end_of(&fleet->wires[index], node),
                  is_polite ? reason : MCPZ_DOWN_CLOSED);
    }
}

void mcpz_fleet_network_drop(struct mcpz_fleet *fleet, uint32_t index, bool silently)
{
    struct mcpz_fleet_node *node = &fleet->nodes[index];

    while (node->inbox != NULL) {
        give_back(fleet, pop(&node->inbox));
    }
    while (node->wire_count > 0) {
        const uint32_t wire = node->wires[0];
        const uint8_t end = end_of(&fleet->wires[wire], index);
        if (silently) {
            let_go(fleet, wire, end);
        } else {
            close_end(fleet, wire, end, MCPZ_DOWN_CLOSED);
        }
    }
}

void mcpz_fleet_network_reset(struct mcpz_fleet *fleet, uint32_t index)
{
    put_closed(fleet, index, 0, MCPZ_DOWN_CLOSED);
    put_closed(fleet, index, 1, MCPZ_DOWN_CLOSED);
}

/* ---- Dialling ----------------------------------------------------------------------------- */

void mcpz_fleet_network_dial(struct mcpz_fleet *fleet, uint32_t node, uint32_t identity)
{
    struct mcpz_parcel *dial = mcpz_parcel_take(&fleet->queue, MCPZ_PARCEL_DIAL, 0);
    const uint32_t to =
        identity < fleet->config.identity_count ? fleet->node_of[identity] : MCPZ_FLEET_NOBODY;

    fleet->counters[MCPZ_FLEET_DIALS]++;
    dial->at = node;
    dial->life = fleet->nodes[node].life;
    dial->to = identity;
    plan(fleet,
         fleet->now +
             (to == MCPZ_FLEET_NOBODY ? FAR_MIN_US : mcpz_fleet_network_latency(fleet, node, to)),
         node, dial);
}

static void fail(struct mcpz_fleet *fleet, struct mcpz_parcel *dial, mcpz_time after_us,
                 bool refused)
{
    fleet->counters[refused ? MCPZ_FLEET_DIALS_REFUSED : MCPZ_FLEET_DIALS_UNANSWERED]++;
    dial->kind = MCPZ_PARCEL_FAILED;
    dial->reason = refused;
    plan(fleet, fleet->now + after_us, dial->at, dial);
}

/* Nobody answers: the kernel asks again, after twice as long. */
static void dial_again(struct mcpz_fleet *fleet, struct mcpz_parcel *dial)
{
    const mcpz_time wait_us = SYN_US << dial->attempt;

    if (++dial->attempt == SYN_ATTEMPTS_MAX) {
        fail(fleet, dial, wait_us, false);
    } else {
        plan(fleet, fleet->now + wait_us, dial->at, dial);
    }
}

static bool is_void(const struct mcpz_fleet *fleet, const struct mcpz_parcel *dial)
{
    const struct mcpz_fleet_node *node = &fleet->nodes[dial->at];
    return node->fabric == NULL || node->life != dial->life;
}

/* Is there a way to and fro, and somebody awake? */
static bool is_reachable(const struct mcpz_fleet *fleet, uint32_t from, uint32_t to)
{
    const struct mcpz_fleet_node *node = &fleet->nodes[to];

    return !node->vanished && node->paused_until_us <= fleet->now &&
           !mcpz_fleet_network_is_blocked(fleet, from, to) &&
           !mcpz_fleet_network_is_blocked(fleet, to, from);
}

static void on_dial(struct mcpz_fleet *fleet, struct mcpz_parcel *dial)
{
    const uint32_t to =
        dial->to < fleet->config.identity_count ? fleet->node_of[dial->to] : MCPZ_FLEET_NOBODY;

    if (to == MCPZ_FLEET_NOBODY || to == dial->at) {
        fail(fleet, dial, FAR_MIN_US, to == MCPZ_FLEET_NOBODY);
        return;
    }
    const uint32_t latency_us = mcpz_fleet_network_latency(fleet, dial->at, to);
    if (!is_reachable(fleet, dial->at, to)) {
        dial_again(fleet, dial);
    } else if (fleet->nodes[to].fabric == NULL) {
        fail(fleet, dial, latency_us, true);
    } else {
        dial->kind = MCPZ_PARCEL_CONNECT;
        plan(fleet, fleet->now + HANDSHAKE_LATENCIES * latency_us, dial->at, dial);
    }
}

/*
 * Two of the same pair: of those dialled by the same end the newer is kept, else the one that the
 * smaller id dialled (engine/links.c). What one end has let go of already does not count.
 */
static bool is_newer_kept(struct mcpz_fleet *fleet, uint32_t from, uint32_t to)
{
    const uint32_t older = find_wire(fleet, to, fleet->nodes[from].identity, false);

    if (older == MCPZ_FLEET_NOBODY) {
        return true;
    }
    struct mcpz_fleet_wire *wire = &fleet->wires[older];
    const bool is_whole = wire->open[0] && wire->open[1];
    const bool kept = !is_whole || wire->identities[0] == fleet->nodes[from].identity ||
                      mcpz_id_compare(&fleet->nodes[from].id, &fleet->nodes[to].id) < 0;

    fleet->counters[MCPZ_FLEET_DUPLICATES]++;
    if (kept) { /* the cores hear of the newer only */
        for (uint8_t end = 0; end < 2; end++) {
            if (fleet->wires[older].open[end]) {
                let_go(fleet, older, end);
            }
        }
    }
    return kept;
}

static void join_list(struct mcpz_fleet *fleet, uint32_t index, uint32_t wire, uint32_t peer)
{
    struct mcpz_fleet_node *node = &fleet->nodes[index];

    node->wires[node->wire_count] = wire;
    node->peers[node->wire_count++] = peer;
}

static void connect_nodes(struct mcpz_fleet *fleet, uint32_t from, uint32_t to)
{
    const uint32_t wire = take_wire(fleet);

    fleet->wires[wire] = (struct mcpz_fleet_wire){
        .ends = {from, to},
        .identities = {fleet->nodes[from].identity, fleet->nodes[to].identity},
        .latency_us = mcpz_fleet_network_latency(fleet, from, to),
        .open = {true, true},
        .under_way = 1,
    };
    join_list(fleet, from, wire, fleet->nodes[to].identity);
    join_list(fleet, to, wire, fleet->nodes[from].identity);
    put(fleet, wire, 0, mcpz_parcel_take(&fleet->queue, MCPZ_PARCEL_UP, 0));
    struct mcpz_parcel *up = mcpz_parcel_take(&fleet->queue, MCPZ_PARCEL_UP, 0);
    up->at = wire;
    up->end = 1;
    mcpz_fleet_network_arrive(fleet, up);
}

static void on_connect(struct mcpz_fleet *fleet, struct mcpz_parcel *dial)
{
    const uint32_t from = dial->at;
    const uint32_t to = fleet->node_of[dial->to];

    if (to == MCPZ_FLEET_NOBODY || fleet->nodes[to].fabric == NULL ||
        !is_reachable(fleet, from, to) || !is_newer_kept(fleet, from, to) ||
        fleet->nodes[from].wire_count == MCPZ_FLEET_NODE_WIRES_MAX ||
        fleet->nodes[to].wire_count == MCPZ_FLEET_NODE_WIRES_MAX) {
        fail(fleet, dial, 0, false);
        return;
    }
    mcpz_parcel_give(&fleet->queue, dial);
    connect_nodes(fleet, from, to);
}

static void on_failed(struct mcpz_fleet *fleet, struct mcpz_parcel *dial)
{
    char text[16];
    const struct mcpz_event event = {
        .kind = MCPZ_EVENT_DIAL_FAILED,
        .seed = {.address = mcpz_fleet_address(dial->to, text), .refused = dial->reason != 0},
    };
    const uint32_t node = dial->at;

    if (fleet->nodes[node].paused_until_us > fleet->now) {
        plan(fleet, fleet->nodes[node].paused_until_us, node, dial);
        return;
    }
    mcpz_parcel_give(&fleet->queue, dial);
    mcpz_fleet_step(fleet, node, &event);
}

/* ---- Arrivals ----------------------------------------------------------------------------- */

static void on_data(struct mcpz_fleet *fleet, const struct mcpz_parcel *parcel)
{
    const struct mcpz_fleet_wire *wire = &fleet->wires[parcel->at];
    const uint32_t node = wire->ends[parcel->end];
    struct mcpz_msg msg;

    mcpz_arena_clear(&fleet->arena);
    mcpz_error error =
        mcpz_msg_decode(mcpz_bytes(parcel->bytes, parcel->length), &fleet->arena, &msg);
    assert(error == MCPZ_OK);
    const struct mcpz_event event = {
        .kind = MCPZ_EVENT_RECV,
        .recv = {.from = mcpz_fleet_id(wire->identities[1 - parcel->end]), .msg = &msg}};
    mcpz_fleet_step(fleet, node, &event);
}

static void on_up(struct mcpz_fleet *fleet, const struct mcpz_parcel *parcel)
{
    struct mcpz_fleet_wire *wire = &fleet->wires[parcel->at];
    const bool dialled = parcel->end == 0;
    char text[16];
    struct mcpz_event event = {
        .kind = MCPZ_EVENT_LINK_UP,
        .link = {.peer = mcpz_fleet_id(wire->identities[1 - parcel->end]), .dialled = dialled}};

    if (dialled) {
        event.link.address = mcpz_fleet_address(wire->identities[1], text);
    }
    wire->up[parcel->end] = true;
    mcpz_fleet_step(fleet, wire->ends[parcel->end], &event);
}

static void on_closed(struct mcpz_fleet *fleet, const struct mcpz_parcel *parcel)
{
    const struct mcpz_fleet_wire *wire = &fleet->wires[parcel->at];
    const uint32_t node = wire->ends[parcel->end];
    const bool was_up = wire->up[parcel->end];
    const struct mcpz_event event = {
        .kind = MCPZ_EVENT_LINK_DOWN,
        .link = {.peer = mcpz_fleet_id(wire->identities[1 - parcel->end]),
                 .reason = (enum mcpz_link_down_reason)parcel->reason},
    };

    let_go(fleet, parcel->at, parcel->end);
    if (was_up) {
        mcpz_fleet_step(fleet, node, &event);
    }
}

/* A machine that has no such connection (any more) says so, if it is there. */
static void bounce(struct mcpz_fleet *fleet, const struct mcpz_parcel *parcel)
{
    const struct mcpz_fleet_wire *wire = &fleet->wires[parcel->at];
    const uint8_t sender = 1 - parcel->end;

    if (parcel->kind == MCPZ_PARCEL_DATA && wire->open[sender] &&
        !fleet->nodes[wire->ends[parcel->end]].vanished) {
        put_closed(fleet, parcel->at, sender, MCPZ_DOWN_CLOSED);
    }
}

static void take_in(struct mcpz_fleet *fleet, struct mcpz_parcel *parcel)
{
    const struct mcpz_fleet_wire *wire = &fleet->wires[parcel->at];

    if (!wire->open[parcel->end]) {
        bounce(fleet, parcel);
    } else if (parcel->kind == MCPZ_PARCEL_UP) {
        on_up(fleet, parcel);
    } else if (parcel->kind == MCPZ_PARCEL_CLOSED) {
        on_closed(fleet, parcel);
    } else if (wire->up[parcel->end]) {
        on_data(fleet, parcel);
    }
    give_back(fleet, parcel);
}

static void hand_over(struct mcpz_fleet *fleet, struct mcpz_parcel *parcel)
{
    const struct mcpz_fleet_wire *wire = &fleet->wires[parcel->at];
    struct mcpz_fleet_node *node = &fleet->nodes[wire->ends[parcel->end]];

    if (wire->open[parcel->end] && node->paused_until_us > fleet->now) {
        append(&node->inbox, parcel);
    } else {
        take_in(fleet, parcel);
    }
}

static bool must_wait(const struct mcpz_fleet *fleet, const struct mcpz_fleet_wire *wire,
                      uint8_t end)
{
    return wire->mute[end] ||
           mcpz_fleet_network_is_blocked(fleet, wire->ends[1 - end], wire->ends[end]);
}

void mcpz_fleet_network_arrive(struct mcpz_fleet *fleet, struct mcpz_parcel *parcel)
{
    if (parcel->kind >= MCPZ_PARCEL_DIAL) {
        if (is_void(fleet, parcel)) {
            mcpz_parcel_give(&fleet->queue, parcel);
        } else if (parcel->kind == MCPZ_PARCEL_DIAL) {
            on_dial(fleet, parcel);
        } else if (parcel->kind == MCPZ_PARCEL_CONNECT) {
            on_connect(fleet, parcel);
        } else {
            on_failed(fleet, parcel);
        }
        return;
    }
    struct mcpz_fleet_wire *wire = &fleet->wires[parcel->at];
    const uint8_t end = parcel->end;
    if (wire->held[end] != NULL || must_wait(fleet, wire, end)) {
        fleet->counters[MCPZ_FLEET_HELD]++;
        append(&wire->held[end], parcel);
        return;
    }
    hand_over(fleet, parcel);
}

void mcpz_fleet_network_release(struct mcpz_fleet *fleet, uint32_t index, uint8_t end)
{
    while (index < fleet->wire_count && fleet->wires[index].held[end] != NULL &&
           !must_wait(fleet, &fleet->wires[index], end)) {
        hand_over(fleet, pop(&fleet->wires[index].held[end]));
    }
}

bool mcpz_fleet_network_has_mute(const struct mcpz_fleet *fleet,
                                 const struct mcpz_fleet_node *node)
{
    for (size_t i = 0; i < node->wire_count; i++) {
        const struct mcpz_fleet_wire *wire = &fleet->wires[node->wires[i]];
        if (wire->mute[0] || wire->mute[1]) {
            return true;
        }
    }
    return false;
}

void mcpz_fleet_network_unmute(struct mcpz_fleet *fleet, uint32_t index)
{
    struct mcpz_fleet_wire *wire = &fleet->wires[index];

    for (size_t end = 0; end < 2 && (wire->mute[0] || wire->mute[1]); end++) {
        if (wire->open[end]) {
            fleet->nodes[wire->ends[end]].well_since_us = fleet->now;
        }
    }
    wire->mute[0] = wire->mute[1] = false;
}

void mcpz_fleet_network_catch_up(struct mcpz_fleet *fleet, uint32_t index)
{
    struct mcpz_fleet_node *node = &fleet->nodes[index];

    while (node->inbox != NULL && node->fabric != NULL) {
        take_in(fleet, pop(&node->inbox));
    }
}

void mcpz_fleet_network_resume(struct mcpz_fleet *fleet)
{
    for (uint32_t i = 0; i < fleet->wire_count; i++) {
        for (uint8_t end = 0; end < 2; end++) {
            struct mcpz_fleet_wire *wire = &fleet->wires[i];
            if (wire->held[end] == NULL || must_wait(fleet, wire, end)) {
                continue;
            }
            mcpz_fleet_queue_add(
                &fleet->queue, &(struct mcpz_fleet_due){
                                   .at_us = fleet->now + 1 +
                                            mcpz_rng_below(&fleet->rng, (uint32_t)RELEASE_MAX_US),
                                   .kind = MCPZ_DUE_RELEASE,
                                   .index = 2 * i + end,
                               });
        }
    }
}
