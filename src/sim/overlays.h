/*
 * Thousands of overlay machines in a world of cycles: no engines, no delays, no losses.
 *
 * A cycle moves the clock one shuffle on, ticks every machine and delivers, in order, all that
 * follows until nothing is under way. This is the world of the paper's experiments (PeerSim's
 * cycle-based simulation), so what is measured here may be held against the paper's numbers.
 *
 * Nodes may also be laid out on a plane, and exchange neighbours for nearer ones (core/xbot.h).
 * Round trips are then known at once, and still nothing takes time but the machines' own waits.
 */

#ifndef SIM_OVERLAYS_H
#define SIM_OVERLAYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/overlay.h"
#include "core/xbot.h"

struct mcpz_overlays;

/** Make `count` machines with the paper's parameters that know nobody. Out of memory: aborts. */
struct mcpz_overlays *mcpz_overlays_create(size_t count, uint64_t seed);

/** The same with other parameters; addresses and scopes are not kept. */
struct mcpz_overlays *mcpz_overlays_create_as(size_t count, uint64_t seed,
                                              const struct mcpz_overlay_config *config);

/**
 * Lay the nodes out by lot on a square whose side is `side_us` of round trip, and let them
 * exchange neighbours from now on. Once only.
 */
void mcpz_overlays_optimise(struct mcpz_overlays *world, uint32_t side_us,
                            const struct mcpz_xbot_config *config);

/** What was made with the same `count`: the same nodes in the same state. Not on a plane. */
void mcpz_overlays_copy(struct mcpz_overlays *to, const struct mcpz_overlays *from);

void mcpz_overlays_destroy(struct mcpz_overlays *world);

/** Let a node join through another, and deliver all that follows. */
void mcpz_overlays_join(struct mcpz_overlays *world, size_t node, size_t contact);

void mcpz_overlays_cycle(struct mcpz_overlays *world);

/** Let time pass, in steps of a second: each machine is ticked when it says so. */
void mcpz_overlays_run(struct mcpz_overlays *world, mcpz_time for_us);

/** Crash `percent` of the nodes at once, chosen by lot. Nobody notices yet. */
void mcpz_overlays_crash(struct mcpz_overlays *world, size_t percent);

/** Every node finds its links to crashed neighbours gone, and repairs its view. */
void mcpz_overlays_detect(struct mcpz_overlays *world);

size_t mcpz_overlays_count(const struct mcpz_overlays *world);
bool mcpz_overlays_is_alive(const struct mcpz_overlays *world, size_t node);
const struct mcpz_overlay *mcpz_overlays_machine(const struct mcpz_overlays *world, size_t node);

/** NULL: they are not on a plane. */
const struct mcpz_xbot *mcpz_overlays_xbot(const struct mcpz_overlays *world, size_t node);

/** The round trip between two nodes on the plane, at least 1. */
uint32_t mcpz_overlays_rtt_us(const struct mcpz_overlays *world, size_t a, size_t b);

/** Which node an id names. */
size_t mcpz_overlays_index(const struct mcpz_id *id);

#endif
