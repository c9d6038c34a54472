/* Connections: in order, nothing lost while they stand, stalled while they are cut. */

#include <assert.h>
#include <stdio.h>

#include "crypto/proof.h"
#include "sim/internal.h"

#define DIAL_TIMEOUT_US MCPZ_SECONDS(3)

static mcpz_time draw_delay(struct mcpz_sim *sim)
{
    mcpz_time span = sim->config.delay_max_us - sim->config.delay_min_us;
    return sim->config.delay_min_us + mcpz_rng_below(&sim->rng, (uint32_t)span + 1);
}

/* When something sent now reaches that end: never before what was sent earlier. */
static mcpz_time arrival_at(struct mcpz_sim *sim, struct mcpz_wire *wire, size_t end)
{
    mcpz_time arrival = sim->now + draw_delay(sim);

    if (arrival < wire->last_arrival_us[end]) {
        arrival = wire->last_arrival_us[end];
    }
    wire->last_arrival_us[end] = arrival;
    return arrival;
}

static void send_frame(struct mcpz_sim *sim, size_t index, size_t end, struct mcpz_bytes frame)
{
    struct mcpz_wire *wire = &sim->wires[index];
    size_t other = wire->ends[1 - end];
    struct mcpz_happening happening = {
        .at_us = arrival_at(sim, wire, 1 - end),
        .kind = MCPZ_HAPPENS_FRAME,
        .node = other,
        .life = sim->nodes[other].life,
        .wire = index,
        .frame = mcpz_sim_must(malloc(frame.length)),
        .length = frame.length,
    };

    memcpy(happening.frame, frame.data, frame.length);
    mcpz_agenda_add(&sim->agenda, &happening);
}

void mcpz_network_send(struct mcpz_sim *sim, size_t index)
{
    struct mcpz_engine *engine = sim->nodes[index].engine;

    for (size_t i = 0; i < 2 * sim->wire_count; i++) {
        struct mcpz_wire *wire = &sim->wires[i / 2];
        mcpz_link link = wire->links[i % 2];
        while (wire->open && wire->ends[i % 2] == index && link != 0 &&
               mcpz_engine_has_frames(engine, link)) {
            send_frame(sim, i / 2, i % 2, mcpz_engine_pull(engine, link));
        }
    }
}

void mcpz_network_close(struct mcpz_sim *sim, size_t index)
{
    struct mcpz_wire *wire = &sim->wires[index];

    wire->open = false;
    for (size_t end = 0; end < 2; end++) {
        mcpz_agenda_add(&sim->agenda, &(struct mcpz_happening){
                                          .at_us = arrival_at(sim, wire, end),
                                          .kind = MCPZ_HAPPENS_CLOSED,
                                          .node = wire->ends[end],
                                          .life = sim->nodes[wire->ends[end]].life,
                                          .wire = index,
                                      });
    }
}

void mcpz_network_dial(struct mcpz_sim *sim, size_t index, size_t to)
{
    mcpz_agenda_add(&sim->agenda, &(struct mcpz_happening){
                                      .at_us = sim->now + 2 * draw_delay(sim),
                                      .kind = MCPZ_HAPPENS_DIAL,
                                      .node = index,
                                      .life = sim->nodes[index].life,
                                      .wire = to,
                                  });
}

static void connect_nodes(struct mcpz_sim *sim, size_t from, size_t to)
{
    char address[48];
    uint8_t binding[MCPZ_BINDING_BYTES] = {0};
    size_t index = sim->wire_count++;
    assert(index < MCPZ_WIRES_MAX);
    struct mcpz_wire *wire = &sim->wires[index];
    *wire = (struct mcpz_wire){.open = true, .ends = {from, to}};

    memcpy(binding, &index, sizeof(index));
    (void)snprintf(address, sizeof(address), "node%zu:8765", to);
    mcpz_error error = mcpz_engine_link_opened(mcpz_sim_enter(sim, from),
                                               mcpz_identity_id(sim->nodes[to].identity), binding,
                                               mcpz_text(address), &wire->links[0]);
    assert(error == MCPZ_OK);
    mcpz_sim_leave(sim, from);
    error = mcpz_engine_link_opened(mcpz_sim_enter(sim, to),
                                    mcpz_identity_id(sim->nodes[from].identity), binding,
                                    mcpz_bytes(NULL, 0), &wire->links[1]);
    assert(error == MCPZ_OK);
    mcpz_sim_leave(sim, to);
}

void mcpz_network_on_dial(struct mcpz_sim *sim, const struct mcpz_happening *dial)
{
    size_t to = dial->wire;
    bool refused =
        to >= sim->config.node_count || to == dial->node || sim->nodes[to].engine == NULL;

    if (!refused && !sim->cut[dial->node][to]) {
        connect_nodes(sim, dial->node, to);
        return;
    }
    if (!refused && dial->number == 0) {
        struct mcpz_happening later = *dial;
        later.at_us += DIAL_TIMEOUT_US;
        later.number = 1; /* nobody answered; the dialler notices after its patience */
        mcpz_agenda_add(&sim->agenda, &later);
        return;
    }
    char address[48];
    (void)snprintf(address, sizeof(address), "node%zu:8765", to);
    mcpz_engine_dial_failed(mcpz_sim_enter(sim, dial->node), mcpz_text(address));
    mcpz_sim_leave(sim, dial->node);
}

/* Which end of the wire is this node's; a stalled wire's happenings wait. */
static bool is_stalled(const struct mcpz_sim *sim, const struct mcpz_wire *wire)
{
    return sim->cut[wire->ends[0]][wire->ends[1]];
}

static void postpone(struct mcpz_sim *sim, struct mcpz_happening *happening)
{
    happening->at_us = sim->now + MCPZ_MS(100);
    mcpz_agenda_add(&sim->agenda, happening);
    happening->frame = NULL;
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
    size_t end = wire->ends[0] == arrival->node ? 0 : 1;

    if (is_stalled(sim, wire)) {
        postpone(sim, arrival);
        return;
    }
    if (wire->links[end] != 0) {
        (void)hand_over(sim, wire, end, mcpz_bytes(arrival->frame, arrival->length));
    }
}

void mcpz_network_on_closed(struct mcpz_sim *sim, struct mcpz_happening *closed)
{
    struct mcpz_wire *wire = &sim->wires[closed->wire];
    size_t end = wire->ends[0] == closed->node ? 0 : 1;

    if (is_stalled(sim, wire) && !wire->closing[end]) {
        postpone(sim, closed);
        return;
    }
    if (wire->links[end] != 0) {
        mcpz_engine_link_closed(mcpz_sim_enter(sim, closed->node), wire->links[end]);
        wire->links[end] = 0;
        mcpz_sim_leave(sim, closed->node);
    }
}

mcpz_error mcpz_sim_inject(struct mcpz_sim *sim, size_t from, size_t to, struct mcpz_bytes frame)
{
    for (size_t i = 0; i < sim->wire_count; i++) {
        struct mcpz_wire *wire = &sim->wires[i];
        for (size_t end = 0; end < 2; end++) {
            if (wire->open && wire->ends[end] == to && wire->ends[1 - end] == from &&
                wire->links[end] != 0) {
                return hand_over(sim, wire, end, frame);
            }
        }
    }
    return MCPZ_ENOTFOUND;
}
