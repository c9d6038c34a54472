#include "core/relay/carrier.h"

#include <assert.h>

size_t mcpz_carrier_bytes(size_t links_max)
{
    return mcpz_arena_cost(links_max, sizeof(struct mcpz_carrier_flight));
}

void mcpz_carrier_init(struct mcpz_carrier *carrier, const struct mcpz_id *self, size_t links_max,
                       struct mcpz_arena *arena)
{
    *carrier = (struct mcpz_carrier){
        .self = mcpz_short_of(self),
        .flights = mcpz_arena_take_sure(arena, links_max, sizeof(struct mcpz_carrier_flight)),
        .max = links_max,
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

void mcpz_carrier_taken(struct mcpz_carrier *carrier, const struct mcpz_id *from, uint32_t bytes)
{
    struct mcpz_carrier_flight *flight = find(carrier, from);

    if (flight != NULL) {
        flight->flying -= bytes < flight->flying ? bytes : flight->flying;
    }
}

void mcpz_carrier_forget(struct mcpz_carrier *carrier, const struct mcpz_id *peer)
{
    struct mcpz_carrier_flight *flight = find(carrier, peer);

    if (flight != NULL) {
        *flight = carrier->flights[--carrier->count];
    }
}

static void note_taken(struct mcpz_carrier *carrier, const struct mcpz_id *from, uint32_t cost,
                       struct mcpz_outbox *out)
{
    struct mcpz_carrier_flight *flight = flight_of(carrier, from);

    flight->owed += cost;
    if (flight->owed >= MCPZ_RELAY_OWED_BYTES_MAX) {
        mcpz_outbox_send(out, from,
                         &(struct mcpz_msg){.kind = MCPZ_MSG_RELAY_TAKEN,
                                            .relay_taken = {.bytes = flight->owed}});
        flight->owed = 0;
    }
}

/* ---- Handing on --------------------------------------------------------------------------- */

bool mcpz_carrier_send(struct mcpz_carrier *carrier, const struct mcpz_links *links,
                       const struct mcpz_msg_relay *relay, struct mcpz_outbox *out)
{
    assert(relay->at < relay->path_count);
    const struct mcpz_linked *link = mcpz_links_find_short(links, relay->path[relay->at]);

    if (link == NULL) {
        return false;
    }
    struct mcpz_carrier_flight *flight = flight_of(carrier, &link->id);
    /* What goes back makes something end: it is small, and goes in any case. */
    if (relay->kind != MCPZ_RELAY_BROKEN &&
        flight->flying + cost_of(relay) > MCPZ_RELAY_FLIGHT_BYTES_MAX) {
        return false;
    }
    if (flight->flying <= MCPZ_RELAY_FLIGHT_BYTES_MAX) {
        flight->flying += cost_of(relay);
    }
    mcpz_outbox_send(out, &link->id, &(struct mcpz_msg){.kind = MCPZ_MSG_RELAY, .relay = *relay});
    return true;
}

void mcpz_carrier_turn_back(struct mcpz_carrier *carrier, const struct mcpz_links *links,
                            const struct mcpz_msg_relay *relay, struct mcpz_outbox *out)
{
    struct mcpz_msg_relay back = *relay;
    assert(relay->at > 0);

    carrier->turned_back++;
    back.kind = MCPZ_RELAY_BROKEN;
    back.broken_at = relay->at;
    back.at = relay->at - 1;
    back.bytes = mcpz_bytes(NULL, 0);
    (void)mcpz_carrier_send(carrier, links, &back, out);
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

bool mcpz_carrier_take(struct mcpz_carrier *carrier, const struct mcpz_links *links,
                       const struct mcpz_id *from, const struct mcpz_msg_relay *relay,
                       struct mcpz_outbox *out)
{
    const bool is_back = relay->kind == MCPZ_RELAY_BROKEN;
    struct mcpz_msg_relay onward = *relay;

    note_taken(carrier, from, cost_of(relay), out);
    if (!is_sensible(carrier, from, relay)) {
        carrier->refused++;
        return false;
    }
    if (is_back ? relay->at == 0 : relay->at + 1 == relay->path_count) {
        return true;
    }
    carrier->carried++;
    onward.at = is_back ? relay->at - 1 : relay->at + 1;
    if (!mcpz_carrier_send(carrier, links, &onward, out) && !is_back) {
        mcpz_carrier_turn_back(carrier, links, relay, out);
    }
    return false;
}
