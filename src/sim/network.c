/* Connections: in order, nothing lost while they stand, stalled while they are cut. */

#include <assert.h>
#include <stdio.h>

#include "crypto/proof.h"
#include "sim/internal.h"

#define DIAL_TIMEOUT_US MCPZ_SECONDS(3)
#define STALL_STEP_US MCPZ_MS(100) /* how often a stalled connection is looked at */

static mcpz_time draw_delay(struct mcpz_sim *sim, size_t a, size_t b)
{
    mcpz_time span = sim->config.delay_max_us - sim->config.delay_min_us;
    mcpz_time extra_us = b < MCPZ_SIM_NODES_MAX ? sim->slow_us[a][b] : 0; /* else it is nobody */

    return sim->config.delay_min_us + mcpz_rng_below(&sim->rng, (uint32_t)span + 1) + extra_us;
}

/* What says something to an end of a wire, now: never there before what was said earlier. */
static struct mcpz_happening towards(struct mcpz_sim *sim, size_t index, size_t end)
{
    struct mcpz_wire *wire = &sim->wires[index];
    mcpz_time arrival = sim->now + draw_delay(sim, wire->ends[0], wire->ends[1]);

    if (arrival < wire->last_arrival_us[end]) {
        arrival = wire->last_arrival_us[end];
    }
    wire->last_arrival_us[end] = arrival;
    return (struct mcpz_happening){
        .at_us = arrival,
        .node = wire->ends[end],
        .life = sim->nodes[wire->ends[end]].life,
        .wire = index,
        .serial = wire->serial,
        .number = wire->sent[end]++,
    };
}

static void send_frame(struct mcpz_sim *sim, size_t index, size_t end, struct mcpz_bytes frame)
{
    struct mcpz_happening happening = towards(sim, index, 1 - end);

    happening.kind = MCPZ_HAPPENS_FRAME;
    happening.frame = mcpz_sim_must(malloc(frame.length));
    happening.length = frame.length;
    memcpy(happening.frame, frame.data, frame.length);
    if (sim->watch.read != NULL) {
        const struct mcpz_wire *wire = &sim->wires[index];
        sim->watch.read(sim->watch.context, wire->ends[end], wire->ends[1 - end], frame);
    }
    mcpz_agenda_add(&sim->agenda, &happening);
}

static size_t end_of(const struct mcpz_wire *wire, size_t node)
{
    return wire->ends[0] == node ? 0 : 1;
}

void mcpz_network_send(struct mcpz_sim *sim, size_t index)
{
    const struct mcpz_sim_node *node = &sim->nodes[index];

    for (size_t i = 0; i < node->wire_count; i++) {
        struct mcpz_wire *wire = &sim->wires[node->wires[i]];
        size_t end = end_of(wire, index);
        mcpz_link link = wire->links[end];
        while (wire->open && link != 0 && mcpz_engine_has_frames(node->engine, link)) {
            send_frame(sim, node->wires[i], end, mcpz_engine_pull(node->engine, link));
        }
    }
}

/* ---- Ends --------------------------------------------------------------------------------- */

/* This end has no more to do with the wire. */
static void let_go(struct mcpz_sim *sim, size_t index, size_t end)
{
    struct mcpz_sim_node *node = &sim->nodes[sim->wires[index].ends[end]];
    size_t kept = 0;

    for (size_t i = 0; i < node->wire_count; i++) {
        node->wires[kept] = node->wires[i];
        kept += node->wires[i] != index;
    }
    node->wire_count = kept;
    sim->wires[index].links[end] = 0;
    sim->wires[index].held[end] = false;
}

void mcpz_network_close(struct mcpz_sim *sim, size_t index)
{
    sim->wires[index].open = false;
    for (size_t end = 0; end < 2; end++) {
        struct mcpz_happening happening = towards(sim, index, end);
        happening.kind = MCPZ_HAPPENS_CLOSED;
        mcpz_agenda_add(&sim->agenda, &happening);
    }
}

void mcpz_network_close_asked(struct mcpz_sim *sim, size_t node)
{
    for (size_t i = 0; i < sim->nodes[node].wire_count; i++) {
        size_t index = sim->nodes[node].wires[i];
        const struct mcpz_wire *wire = &sim->wires[index];
        if (wire->open && wire->closing[end_of(wire, node)]) {
            mcpz_network_close(sim, index);
        }
    }
}

void mcpz_network_drop(struct mcpz_sim *sim, size_t node)
{
    while (sim->nodes[node].wire_count > 0) {
        size_t index = sim->nodes[node].wires[0];
        if (sim->wires[index].open) {
            mcpz_network_close(sim, index);
        }
        let_go(sim, index, end_of(&sim->wires[index], node));
    }
}

/* ---- Making connections ------------------------------------------------------------------- */

void mcpz_network_dial(struct mcpz_sim *sim, size_t index, size_t to)
{
    mcpz_agenda_add(&sim->agenda, &(struct mcpz_happening){
                                      .at_us = sim->now + 2 * draw_delay(sim, index, to),
                                      .kind = MCPZ_HAPPENS_DIAL,
                                      .node = index,
                                      .life = sim->nodes[index].life,
                                      .wire = to,
                                  });
}

static size_t free_wire(const struct mcpz_sim *sim)
{
    for (size_t i = 0; i < MCPZ_WIRES_MAX; i++) {
        const struct mcpz_wire *wire = &sim->wires[i];
        if (!wire->open && !wire->held[0] && !wire->held[1]) {
            return i;
        }
    }
    return MCPZ_WIRES_MAX;
}

/* Tell one end of its connection. An engine that has too many has it closed. */
static void open_end(struct mcpz_sim *sim, size_t index, size_t end, struct mcpz_bytes dialled)
{
    struct mcpz_wire *wire = &sim->wires[index];
    size_t node = wire->ends[end];
    const struct mcpz_id *peer = mcpz_identity_id(sim->nodes[wire->ends[1 - end]].identity);
    uint8_t binding[MCPZ_BINDING_BYTES] = {0};

    const uint64_t serial = htole64(wire->serial);
    memcpy(binding, &serial, sizeof(serial));
    mcpz_error error = mcpz_engine_link_opened(mcpz_sim_enter(sim, node), peer, binding, dialled,
                                               &wire->links[end]);
    if (error != MCPZ_OK) {
        wire->closing[end] = true;
        if (dialled.length > 0) {
            mcpz_engine_dial_failed(sim->nodes[node].engine, dialled, false);
        }
    }
    mcpz_sim_leave(sim, node);
}

static void fail_dial(struct mcpz_sim *sim, size_t from, size_t to, bool refused)
{
    char address[48];

    (void)snprintf(address, sizeof(address), "node%zu:8765", to);
    mcpz_engine_dial_failed(mcpz_sim_enter(sim, from), mcpz_text(address), refused);
    mcpz_sim_leave(sim, from);
}

static void connect_nodes(struct mcpz_sim *sim, size_t from, size_t to)
{
    char address[48];
    size_t index = free_wire(sim);
    size_t ends[2] = {from, to};

    if (index == MCPZ_WIRES_MAX || sim->nodes[from].wire_count == MCPZ_NODE_WIRES_MAX ||
        sim->nodes[to].wire_count == MCPZ_NODE_WIRES_MAX) {
        fail_dial(sim, from, to, false);
        return;
    }
    sim->wires[index] = (struct mcpz_wire){
        .open = true,
        .held = {true, true},
        .serial = sim->next_serial++,
        .ends = {from, to},
    };
    for (size_t end = 0; end < 2; end++) {
        struct mcpz_sim_node *node = &sim->nodes[ends[end]];
        node->wires[node->wire_count++] = index;
    }
    (void)snprintf(address, sizeof(address), "node%zu:8765", to);
    open_end(sim, index, 0, mcpz_text(address));
    open_end(sim, index, 1, mcpz_bytes(NULL, 0));
}

void mcpz_network_on_dial(struct mcpz_sim *sim, const struct mcpz_happening *dial)
{
    size_t to = dial->wire;
    bool refused =
        to >= sim->config.node_count || to == dial->node || sim->nodes[to].engine == NULL;

    bool answers =
        !refused && !sim->cut[dial->node][to] && sim->nodes[to].paused_until_us <= sim->now;

    if (answers) {
        connect_nodes(sim, dial->node, to);
    } else if (refused || dial->number != 0) {
        fail_dial(sim, dial->node, to, refused);
    } else {
        struct mcpz_happening later = *dial;
        later.at_us += DIAL_TIMEOUT_US;
        later.number = 1; /* nobody answered; the dialler notices after its patience */
        mcpz_agenda_add(&sim->agenda, &later);
    }
}

/* ---- Arrivals ----------------------------------------------------------------------------- */

/*
 * Put off what cannot be taken in yet: its node is paused, the wire is stalled, or something that
 * was sent earlier is still waiting. An end that closes does not wait for the other.
 */
static bool has_to_wait(struct mcpz_sim *sim, struct mcpz_wire *wire, size_t end,
                        struct mcpz_happening *arrival)
{
    mcpz_time paused_until_us = sim->nodes[arrival->node].paused_until_us;
    mcpz_time held_until_us = wire->held_until_us[end];
    bool is_paused = paused_until_us > sim->now;
    bool is_early = arrival->number > wire->arrived[end];
    bool is_stalled = sim->cut[wire->ends[0]][wire->ends[1]];
    bool hurries = arrival->kind == MCPZ_HAPPENS_CLOSED && wire->closing[end];

    if (!is_paused && (hurries || (!is_early && !is_stalled))) {
        return false;
    }
    if (is_paused) {
        held_until_us = paused_until_us;
    } else if (!is_early) {
        held_until_us = sim->now + STALL_STEP_US;
    } else if (held_until_us < sim->now) {
        held_until_us = sim->now;
    }
    wire->held_until_us[end] = held_until_us;
    mcpz_sim_put_off(sim, arrival, held_until_us);
    return true;
}

static mcpz_error hand_over(struct mcpz_sim *sim, struct mcpz_wire *wire, size_t end,
                            struct mcpz_bytes frame)
{
    size_t index = wire->ends[end];
    mcpz_error error = mcpz_engine_frame(mcpz_sim_enter(sim, index), wire->links[end], frame);

    if (error != MCPZ_OK) {
        wire->closing[end] = true;
    }
    mcpz_sim_leave(sim, index);
    return error;
}

void mcpz_network_on_frame(struct mcpz_sim *sim, struct mcpz_happening *arrival)
{
    struct mcpz_wire *wire = &sim->wires[arrival->wire];
    size_t end = end_of(wire, arrival->node);
    bool is_known = wire->serial == arrival->serial && wire->links[end] != 0;

    if (is_known && !has_to_wait(sim, wire, end, arrival)) {
        wire->arrived[end] = arrival->number + 1;
        (void)hand_over(sim, wire, end, mcpz_bytes(arrival->frame, arrival->length));
    }
}

void mcpz_network_on_closed(struct mcpz_sim *sim, struct mcpz_happening *closed)
{
    struct mcpz_wire *wire = &sim->wires[closed->wire];
    size_t end = end_of(wire, closed->node);
    mcpz_link link = wire->links[end];

    if (wire->serial != closed->serial || has_to_wait(sim, wire, end, closed)) {
        return;
    }
    let_go(sim, closed->wire, end);
    if (link != 0) {
        mcpz_engine_link_closed(mcpz_sim_enter(sim, closed->node), link);
        mcpz_sim_leave(sim, closed->node);
    }
}

mcpz_error mcpz_sim_inject(struct mcpz_sim *sim, size_t from, size_t to, struct mcpz_bytes frame)
{
    const struct mcpz_sim_node *node = &sim->nodes[to];

    for (size_t i = 0; i < node->wire_count; i++) {
        struct mcpz_wire *wire = &sim->wires[node->wires[i]];
        size_t end = end_of(wire, to);
        if (wire->open && wire->ends[1 - end] == from && wire->links[end] != 0) {
            return hand_over(sim, wire, end, frame);
        }
    }
    return MCPZ_ENOTFOUND;
}
