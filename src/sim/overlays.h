/*
 * Thousands of overlay machines in a world of cycles: no engines, no delays, no losses.
 *
 * A cycle moves the clock one shuffle on, ticks every machine and delivers, in order, all that
 * follows until nothing is under way. This is the world of the paper's experiments (PeerSim's
 * cycle-based simulation), so what is measured here may be held against the paper's numbers.
 */

#ifndef SIM_OVERLAYS_H
#define SIM_OVERLAYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/overlay.h"

struct mcpz_overlays;

/** Make `count` machines with the paper's parameters that know nobody. Out of memory: aborts. */
struct mcpz_overlays *mcpz_overlays_create(size_t count, uint64_t seed);

/** What was made with the same `count`: the same nodes in the same state. */
void mcpz_overlays_copy(struct mcpz_overlays *to, const struct mcpz_overlays *from);

void mcpz_overlays_destroy(struct mcpz_overlays *world);

/** Let a node join through another, and deliver all that follows. */
void mcpz_overlays_join(struct mcpz_overlays *world, size_t node, size_t contact);

void mcpz_overlays_cycle(struct mcpz_overlays *world);

/** Crash `percent` of the nodes at once, chosen by lot. Nobody notices yet. */
void mcpz_overlays_crash(struct mcpz_overlays *world, size_t percent);

/** Every node finds its links to crashed neighbours gone, and repairs its view. */
void mcpz_overlays_detect(struct mcpz_overlays *world);

size_t mcpz_overlays_count(const struct mcpz_overlays *world);
bool mcpz_overlays_is_alive(const struct mcpz_overlays *world, size_t node);
const struct mcpz_overlay *mcpz_overlays_machine(const struct mcpz_overlays *world, size_t node);

/** Which node an id names. */
size_t mcpz_overlays_index(const struct mcpz_id *id);

#endif
