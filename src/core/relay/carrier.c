#include "core/relay/carrier.h"

#include <assert.h>

/* What a hop signs: session, where it broke, the way. */
#define WORDS_MAX (sizeof(uint64_t) + 2 + sizeof(uint32_t) * MCPZ_OVERLAY_WALK_MAX)

size_t mcpz_carrier_bytes(size_t links_max)
{
    return mcpz_arena_cost(links_max, sizeof(struct mcpz_carrier_flight));
}

void mcpz_carrier_init(struct mcpz_carrier *carrier, const struct mcpz_id *self,
                       const struct mcpz_sealer *sealer, size_t links_max,
                       struct mcpz_arena *arena)
{
    *carrier = (struct mcpz_carrier){
        .self = mcpz_short_of(self),
        .flights = mcpz_arena_take_sure(arena, links_max, sizeof(struct mcpz_carrier_flight)),
        .max = links_max,
        .sealer = sealer,
    };
}

/* ---- On its way --------------------------------------------------------------------------- */

static struct mcpz_carrier_flight *find(struct mcpz_carrier *carrier, const struct mcpz_id *peer)
{
    for (size_t i = 0; i < carrier->count; i++) {
        if (mcpz_id_equal(&carrier->flights[i].peer, peer)) {
            return &carrier->flights[i];
        }
    }
    return NULL;
}

/* The flight of a linked peer. There is room for all links, and who is not linked is forgotten. */
static struct mcpz_carrier_flight *flight_of(struct mcpz_carrier *carrier,
                                             const struct mcpz_id *peer)
{
    struct mcpz_carrier_flight *flight = find(carrier, peer);

    if (flight == NULL) {
        assert(carrier->count < carrier->max);
        flight = &carrier->flights[carrier->count++];
        *flight = (struct mcpz_carrier_flight){.peer = *peer};
    }
    return flight;
}

static uint32_t cost_of(const struct mcpz_msg_relay *relay)
{
    return (uint32_t)relay->bytes.length + MCPZ_RELAY_OVERHEAD_BYTES;
}

/* Is its link to us the only one that it tells of, or is it ours? Then no way goes round it. */
static bool is_sole(const struct mcpz_carrier *carrier, const struct mcpz_carrier_sight *sight,
                    const struct mcpz_id *peer)
{
    if (sight->links->count == 1) {
        return true;
    }
    const struct mcpz_member *row = mcpz_roster_find(sight->roster, peer);
    if (row == NULL || row->adjacency_version == 0 || row->adjacency_count > 1) {
        return false;
    }
    return row->adjacency_count == 0 ||
           mcpz_roster_adjacency(sight->roster, row)->value == carrier->self.value;
}

static mcpz_time stall_at(const struct mcpz_carrier *carrier,
                          const struct mcpz_carrier_sight *sight, const struct mcpz_id *peer)
{
    const mcpz_time stall_us =
        is_sole(carrier, sight, peer) ? MCPZ_RELAY_STALL_SOLE_US : MCPZ_RELAY_STALL_US;

    return sight->now + stall_us * (sight->links->health + 1);
}

static bool is_overdue(const struct mcpz_carrier_flight *flight, mcpz_time now)
{
    return !flight->stalled && flight->flying > 0 && flight->stalls_us <= now;
}

/* Who has stood still itself has not read yet what was taken meanwhile. */
static bool has_stalled(const struct mcpz_carrier_flight *flight,
                        const struct mcpz_carrier_sight *sight)
{
    return flight->stalled || (is_overdue(flight, sight->now) &&
                               !mcpz_links_have_just_woken(sight->links, sight->now));
}

void mcpz_carrier_taken(struct mcpz_carrier *carrier, const struct mcpz_carrier_sight *sight,
                        const struct mcpz_id *from, uint32_t bytes)
{
    struct mcpz_carrier_flight *flight = find(carrier, from);

    if (flight != NULL && bytes > 0) {
        flight->flying -= bytes < flight->flying ? bytes : flight->flying;
        flight->stalls_us = stall_at(carrier, sight, from);
        flight->stalled = false;
    }
}

void mcpz_carrier_forget(struct mcpz_carrier *carrier, const struct mcpz_id *peer)
{
    struct mcpz_carrier_flight *flight = find(carrier, peer);

    if (flight != NULL) {
        *flight = carrier->flights[--carrier->count];
    }
}

static void tell_taken(struct mcpz_carrier_flight *flight, struct mcpz_outbox *out)
{
    mcpz_outbox_send(
        out, &flight->peer,
        &(struct mcpz_msg){.kind = MCPZ_MSG_RELAY_TAKEN, .relay_taken = {.bytes = flight->owed}});
    flight->owed = 0;
}

static void note_taken(struct mcpz_carrier *carrier, mcpz_time now, const struct mcpz_id *from,
                       uint32_t cost, struct mcpz_outbox *out)
{
    struct mcpz_carrier_flight *flight = flight_of(carrier, from);

    flight->tell_us = flight->owed == 0 ? now + MCPZ_RELAY_OWED_US : flight->tell_us;
    flight->owed += cost;
    if (flight->owed >= MCPZ_RELAY_OWED_BYTES_MAX) {
        tell_taken(flight, out);
    }
}

/* ---- Signing ------------------------------------------------------------------------------ */

static void put(uint8_t *words, size_t *length, uint64_t value, size_t bytes)
{
    for (size_t i = bytes; i > 0; i--) {
        words[(*length)++] = (uint8_t)(value >> (8 * (i - 1)));
    }
}

static struct mcpz_bytes words_of(const struct mcpz_msg_relay *back, uint8_t words[WORDS_MAX])
{
    size_t length = 0;
    assert(back->path_count <= MCPZ_OVERLAY_WALK_MAX);

    put(words, &length, back->session, sizeof(back->session));
    put(words, &length, back->broken_at, 1);
    put(words, &length, back->path_count, 1);
    for (size_t i = 0; i < back->path_count; i++) {
        put(words, &length, back->path[i].value, sizeof(back->path[i].value));
    }
    return mcpz_bytes(words, length);
}

static bool is_within_budget(struct mcpz_carrier *carrier, mcpz_time now)
{
    if (now >= carrier->vouched_us + MCPZ_SECONDS(1)) {
        carrier->vouched_us = now;
        carrier->vouched = 0;
    }
    return carrier->vouched++ < MCPZ_RELAY_VOUCHED_PER_S_MAX;
}

/* Put our name to it. False: it cannot be now, and unsigned it is worth nothing. */
static bool vouch(struct mcpz_carrier *carrier, mcpz_time now, struct mcpz_msg_relay *back,
                  struct mcpz_outbox *out)
{
    uint8_t words[WORDS_MAX];

    back->bytes = mcpz_bytes(NULL, 0);
    if (carrier->sealer == NULL || carrier->sealer->vouch == NULL) {
        return true;
    }
    uint8_t *signature = mcpz_arena_take(&out->arena, MCPZ_VOUCH_BYTES, 1);
    if (signature == NULL || !is_within_budget(carrier, now)) {
        return false;
    }
    carrier->sealer->vouch(carrier->sealer->context, words_of(back, words), signature);
    back->bytes = mcpz_bytes(signature, MCPZ_VOUCH_BYTES);
    return true;
}

bool mcpz_carrier_is_vouched(const struct mcpz_carrier *carrier, const struct mcpz_id *who,
                             const struct mcpz_msg_relay *back)
{
    uint8_t words[WORDS_MAX];

    if (carrier->sealer == NULL || carrier->sealer->is_vouched == NULL) {
        return true;
    }
    return back->bytes.length == MCPZ_VOUCH_BYTES &&
           carrier->sealer->is_vouched(carrier->sealer->context, who, words_of(back, words),
                                       back->bytes.data);
}

/* ---- Handing on --------------------------------------------------------------------------- */

bool mcpz_carrier_send(struct mcpz_carrier *carrier, const struct mcpz_carrier_sight *sight,
                       const struct mcpz_msg_relay *relay, struct mcpz_outbox *out)
{
    assert(relay->at < relay->path_count);
    const struct mcpz_linked *link = mcpz_links_find_short(sight->links, relay->path[relay->at]);

    if (link == NULL) {
        return false;
    }
    struct mcpz_carrier_flight *flight = flight_of(carrier, &link->id);
    /* What goes back makes something end: it is small, and goes in any case. */
    if (relay->kind != MCPZ_RELAY_BROKEN &&
        (has_stalled(flight, sight) ||
         flight->flying + cost_of(relay) > MCPZ_RELAY_FLIGHT_BYTES_MAX)) {
        return false;
    }
    flight->stalls_us =
        flight->flying == 0 ? stall_at(carrier, sight, &link->id) : flight->stalls_us;
    if (flight->flying <= MCPZ_RELAY_FLIGHT_BYTES_MAX) {
        flight->flying += cost_of(relay);
    }
    mcpz_outbox_send(out, &link->id, &(struct mcpz_msg){.kind = MCPZ_MSG_RELAY, .relay = *relay});
    return true;
}

void mcpz_carrier_turn_back(struct mcpz_carrier *carrier, const struct mcpz_carrier_sight *sight,
                            const struct mcpz_msg_relay *relay, struct mcpz_outbox *out)
{
    struct mcpz_msg_relay back = *relay;
    assert(relay->at > 0);

    carrier->turned_back++;
    back.kind = MCPZ_RELAY_BROKEN;
    back.broken_at = relay->at;
    back.at = relay->at - 1;
    if (vouch(carrier, sight->now, &back, out)) {
        (void)mcpz_carrier_send(carrier, sight, &back, out);
    }
}

/* Does it come from whom it should, does it stand where we are, and are we in it only once? */
static bool is_sensible(const struct mcpz_carrier *carrier, const struct mcpz_id *from,
                        const struct mcpz_msg_relay *relay)
{
    const bool is_back = relay->kind == MCPZ_RELAY_BROKEN;
    size_t times = 0;

    if (relay->path_count < 2 || relay->at >= relay->path_count ||
        (is_back ? relay->at + 1 >= relay->path_count : relay->at == 0) ||
        (is_back && (relay->broken_at <= relay->at || relay->broken_at >= relay->path_count)) ||
        relay->path[relay->at].value != carrier->self.value) {
        return false;
    }
    for (size_t i = 0; i < relay->path_count; i++) {
        times += relay->path[i].value == carrier->self.value;
    }
    return times == 1 &&
           relay->path[is_back ? relay->at + 1 : relay->at - 1].value == mcpz_short_of(from).value;
}

bool mcpz_carrier_take(struct mcpz_carrier *carrier, const struct mcpz_carrier_sight *sight,
                       const struct mcpz_id *from, const struct mcpz_msg_relay *relay,
                       struct mcpz_outbox *out)
{
    const bool is_back = relay->kind == MCPZ_RELAY_BROKEN;
    struct mcpz_msg_relay onward = *relay;

    note_taken(carrier, sight->now, from, cost_of(relay), out);
    if (!is_sensible(carrier, from, relay)) {
        carrier->refused++;
        return false;
    }
    if (is_back ? relay->at == 0 : relay->at + 1 == relay->path_count) {
        return true;
    }
    carrier->carried++;
    onward.at = is_back ? relay->at - 1 : relay->at + 1;
    if (!mcpz_carrier_send(carrier, sight, &onward, out) && !is_back) {
        mcpz_carrier_turn_back(carrier, sight, relay, out);
    }
    return false;
}

/* ---- Time --------------------------------------------------------------------------------- */

void mcpz_carrier_tick(struct mcpz_carrier *carrier, const struct mcpz_carrier_sight *sight,
                       struct mcpz_outbox *out)
{
    for (size_t i = 0; i < carrier->count; i++) {
        struct mcpz_carrier_flight *flight = &carrier->flights[i];
        if (flight->owed > 0 && flight->tell_us <= sight->now) {
            tell_taken(flight, out);
        }
        if (flight->stalled && flight->again_us <= sight->now) {
            flight->stalled = false;
            flight->flying = 0;
        }
        if (is_overdue(flight, sight->now) && !has_stalled(flight, sight)) {
            flight->stalls_us = stall_at(carrier, sight, &flight->peer);
        }
    }
}

bool mcpz_carrier_next_stalled(struct mcpz_carrier *carrier,
                               const struct mcpz_carrier_sight *sight, struct mcpz_id *peer)
{
    for (size_t i = 0; i < carrier->count; i++) {
        struct mcpz_carrier_flight *flight = &carrier->flights[i];
        if (!flight->stalled && has_stalled(flight, sight)) {
            flight->stalled = true;
            flight->again_us = sight->now + MCPZ_RELAY_AGAIN_US;
            carrier->stalls++;
            *peer = flight->peer;
            return true;
        }
    }
    return false;
}

mcpz_time mcpz_carrier_deadline(const struct mcpz_carrier *carrier)
{
    mcpz_time deadline = MCPZ_TIME_NEVER;

    for (size_t i = 0; i < carrier->count; i++) {
        const struct mcpz_carrier_flight *flight = &carrier->flights[i];
        if (flight->flying > 0 && !flight->stalled) {
            deadline = mcpz_time_min(deadline, flight->stalls_us);
        }
        if (flight->stalled) {
            deadline = mcpz_time_min(deadline, flight->again_us);
        }
        if (flight->owed > 0) {
            deadline = mcpz_time_min(deadline, flight->tell_us);
        }
    }
    return deadline;
}
