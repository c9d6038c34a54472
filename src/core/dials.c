#include "core/dials.h"

#include <assert.h>

#define PATIENCE_US MCPZ_MS(MCPZ_CONNECT_TIMEOUT_MS)

size_t mcpz_dials_bytes(const struct mcpz_dials_config *config)
{
    return mcpz_arena_cost(config->nodes_max, sizeof(struct mcpz_dialling)) +
           mcpz_arena_cost(config->seeds_max, sizeof(struct mcpz_seed)) +
           (config->nodes_max + config->seeds_max) * mcpz_arena_cost(config->address_bytes, 1);
}

void mcpz_dials_init(struct mcpz_dials *dials, const struct mcpz_dials_config *config,
                     const struct mcpz_node_timing *timing, struct mcpz_arena *arena)
{
    assert(config->nodes_max > 0 && config->nodes_max <= MCPZ_REACHING_MAX);
    assert(config->seeds_max > 0 && config->seeds_max <= MCPZ_SEEDS_MAX);

    *dials = (struct mcpz_dials){
        .timing = timing,
        .config = *config,
        .nodes = mcpz_arena_take_sure(arena, config->nodes_max, sizeof(struct mcpz_dialling)),
        .seeds = mcpz_arena_take_sure(arena, config->seeds_max, sizeof(struct mcpz_seed)),
    };
    for (size_t i = 0; i < config->nodes_max; i++) {
        dials->nodes[i].address = mcpz_arena_take_sure(arena, config->address_bytes, 1);
    }
    for (size_t i = 0; i < config->seeds_max; i++) {
        dials->seeds[i].address = mcpz_arena_take_sure(arena, config->address_bytes, 1);
    }
}

static void dial(struct mcpz_bytes address, const struct mcpz_id *expected,
                 struct mcpz_outbox *out)
{
    struct mcpz_action *action = mcpz_outbox_append(out, MCPZ_ACTION_DIAL);
    action->dial.address = mcpz_outbox_keep(out, address);
    if (expected != NULL) {
        action->dial.expected = *expected;
    }
}

/* ---- Nodes -------------------------------------------------------------------------------- */

static void tell_unreachable(const struct mcpz_id *peer, enum mcpz_unreachable reason,
                             struct mcpz_outbox *out)
{
    mcpz_outbox_fact(out, &(struct mcpz_fact){.kind = MCPZ_FACT_UNREACHABLE,
                                              .about = *peer,
                                              .reason = (uint32_t)reason});
}

void mcpz_dials_reach(struct mcpz_dials *dials, mcpz_time now, const struct mcpz_id *peer,
                      struct mcpz_bytes address, struct mcpz_outbox *out)
{
    for (size_t i = 0; i < dials->node_count; i++) {
        if (mcpz_id_equal(&dials->nodes[i].peer, peer)) {
            return;
        }
    }
    if (dials->leaving || address.length == 0 || address.length >= dials->config.address_bytes) {
        tell_unreachable(peer, MCPZ_UNREACHABLE_NO_ADDRESS, out);
        return;
    }
    if (dials->node_count == dials->config.nodes_max) {
        dials->dropped++;
        tell_unreachable(peer, MCPZ_UNREACHABLE_BUSY, out);
        return;
    }
    struct mcpz_dialling *dialling = &dials->nodes[dials->node_count++];
    dialling->peer = *peer;
    dialling->until_us = now + PATIENCE_US;
    mcpz_bytes_to_text(address, dialling->address, dials->config.address_bytes);
    dial(address, peer, out);
}

static void forget(struct mcpz_dials *dials, struct mcpz_dialling *one)
{
    struct mcpz_dialling last = dials->nodes[--dials->node_count];
    dials->nodes[dials->node_count] = *one; /* its text stays in the table */
    *one = last;
}

static void fail(struct mcpz_dials *dials, struct mcpz_dialling *one, enum mcpz_unreachable reason,
                 struct mcpz_outbox *out)
{
    const struct mcpz_id peer = one->peer;

    forget(dials, one);
    tell_unreachable(&peer, reason, out);
}

void mcpz_dials_linked(struct mcpz_dials *dials, const struct mcpz_id *peer,
                       struct mcpz_bytes address)
{
    for (size_t i = dials->node_count; i > 0; i--) {
        if (mcpz_id_equal(&dials->nodes[i - 1].peer, peer)) {
            forget(dials, &dials->nodes[i - 1]);
        }
    }
    for (size_t i = 0; i < dials->seed_count; i++) {
        if (mcpz_bytes_equal(mcpz_text(dials->seeds[i].address), address)) {
            dials->stranger_count -= mcpz_id_is_zero(&dials->seeds[i].peer);
            dials->seeds[i].peer = *peer;
        }
    }
}

void mcpz_dials_failed(struct mcpz_dials *dials, struct mcpz_bytes address, bool refused,
                       struct mcpz_outbox *out)
{
    for (size_t i = dials->node_count; i > 0; i--) {
        struct mcpz_dialling *one = &dials->nodes[i - 1];
        if (mcpz_bytes_equal(mcpz_text(one->address), address)) {
            fail(dials, one, refused ? MCPZ_UNREACHABLE_REFUSED : MCPZ_UNREACHABLE_SILENT, out);
        }
    }
}

/* ---- Seeds -------------------------------------------------------------------------------- */

/* Somewhere in the first `most_us`. */
static mcpz_time jitter(struct mcpz_rng *rng, mcpz_time most_us)
{
    return mcpz_rng_below(rng, (uint32_t)most_us + 1);
}

void mcpz_dials_add_seed(struct mcpz_dials *dials, mcpz_time now, struct mcpz_bytes address)
{
    for (size_t i = 0; i < dials->seed_count; i++) {
        if (mcpz_bytes_equal(mcpz_text(dials->seeds[i].address), address)) {
            return;
        }
    }
    if (dials->seed_count == dials->config.seeds_max ||
        address.length >= dials->config.address_bytes) {
        dials->dropped++;
        return;
    }
    struct mcpz_seed *seed = &dials->seeds[dials->seed_count++];
    seed->dial_at_us = now;
    seed->redial_us = dials->timing->redial_min_us;
    seed->peer = (struct mcpz_id){0};
    dials->stranger_count++;
    mcpz_bytes_to_text(address, seed->address, dials->config.address_bytes);
}

void mcpz_dials_wake_seeds(struct mcpz_dials *dials, mcpz_time now, struct mcpz_rng *rng)
{
    for (size_t i = 0; i < dials->seed_count; i++) {
        dials->seeds[i].redial_us = dials->timing->redial_min_us;
        dials->seeds[i].dial_at_us = now + jitter(rng, dials->timing->redial_min_us);
    }
}

const struct mcpz_seed *mcpz_dials_next_seed(struct mcpz_dials *dials, struct mcpz_rng *rng)
{
    if (dials->seed_count == 0 || dials->leaving) {
        return NULL;
    }
    if (dials->seed_turn == 0) {
        dials->seed_turn = 1 + mcpz_rng_below(rng, (uint32_t)dials->seed_count);
    }
    return &dials->seeds[dials->seed_turn++ % dials->seed_count];
}

void mcpz_dials_dial_seed(const struct mcpz_seed *seed, struct mcpz_outbox *out)
{
    dial(mcpz_text(seed->address), NULL, out);
}

/* Wait, and wait longer next time: half of it by lot (jittered exponential backoff). */
static mcpz_time back_off(const struct mcpz_dials *dials, mcpz_time *redial_us, mcpz_time now,
                          struct mcpz_rng *rng)
{
    mcpz_time wait = *redial_us / 2 + jitter(rng, *redial_us / 2);

    *redial_us = mcpz_time_min(*redial_us * 2, dials->timing->redial_max_us);
    return now + wait;
}

/* A seed is wanted until it has answered once, and again whenever nobody else is left. */
static bool is_wanted(const struct mcpz_dials *dials, const struct mcpz_seed *seed, bool alone)
{
    return !dials->leaving && (alone || mcpz_id_is_zero(&seed->peer));
}

/* Is any? Mostly none is, and nobody need look at them. */
static bool are_wanted(const struct mcpz_dials *dials, bool alone)
{
    return !dials->leaving && (alone || dials->stranger_count > 0);
}

/* ---- Time --------------------------------------------------------------------------------- */

void mcpz_dials_tick(struct mcpz_dials *dials, mcpz_time now, bool alone, struct mcpz_rng *rng,
                     struct mcpz_outbox *out)
{
    for (size_t i = dials->node_count; i > 0; i--) {
        if (dials->nodes[i - 1].until_us <= now) {
            fail(dials, &dials->nodes[i - 1], MCPZ_UNREACHABLE_SILENT, out);
        }
    }
    for (size_t i = 0; i < dials->seed_count && are_wanted(dials, alone); i++) {
        struct mcpz_seed *seed = &dials->seeds[i];
        if (seed->dial_at_us <= now && is_wanted(dials, seed, alone)) {
            mcpz_dials_dial_seed(seed, out);
            seed->dial_at_us = back_off(dials, &seed->redial_us, now, rng);
        }
    }
}

mcpz_time mcpz_dials_deadline(const struct mcpz_dials *dials, bool alone)
{
    mcpz_time deadline = MCPZ_TIME_NEVER;

    for (size_t i = 0; i < dials->node_count; i++) {
        deadline = mcpz_time_min(deadline, dials->nodes[i].until_us);
    }
    for (size_t i = 0; i < dials->seed_count && are_wanted(dials, alone); i++) {
        if (is_wanted(dials, &dials->seeds[i], alone)) {
            deadline = mcpz_time_min(deadline, dials->seeds[i].dial_at_us);
        }
    }
    return deadline;
}
