/*
 * Who offers which capability.
 *
 * A node says all that it offers in one message with a version of its own, which is broadcast.
 * Where a neighbour's heartbeat shows that it holds something else, the two compare versions, and
 * send the lists that the other lacks. Rows of nodes that are dead or left are not offered to
 * anybody, and give way to others.
 */

#ifndef CORE_REGISTRY_H
#define CORE_REGISTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/time.h"
#include "core/event.h"
#include "core/outbox.h"
#include "proto/id.h"
#include "proto/isolation.h"
#include "proto/limits.h"

#define MCPZ_CAPABILITIES_MAX 3072 /* rows, over all nodes */

/* How far one node's list has come. */
struct mcpz_offerer {
    struct mcpz_id id;
    uint64_t incarnation;
    uint32_t version;
    bool up; /* alive or suspect */
};

struct mcpz_offer {
    uint32_t offerer;  /* index */
    uint8_t isolation; /* enum mcpz_isolation */
    char name[MCPZ_CAPABILITY_BYTES_MAX + 1];
};

struct mcpz_registry {
    struct mcpz_offerer offerers[MCPZ_MEMBERS_MAX]; /* the first is ourselves */
    size_t offerer_count;
    struct mcpz_offer offers[MCPZ_CAPABILITIES_MAX];
    size_t offer_count;
    uint32_t digest;
    bool hidden;      /* others are told that we offer nothing */
    uint64_t dropped; /* offers there was no room for */
};

/** Start with ourselves offering nothing. */
void mcpz_registry_init(struct mcpz_registry *registry, const struct mcpz_id *self,
                        uint64_t incarnation);

/** Forget what others offer. */
void mcpz_registry_start_over(struct mcpz_registry *registry, uint64_t incarnation);

/**
 * Take in one event. Handles PROVIDE, WITHDRAW, DRAIN, RESUME, RECV of CAPABILITIES and SUMMARY,
 * facts of members and DIFFERS.
 */
void mcpz_registry_step(struct mcpz_registry *registry, mcpz_time now,
                        const struct mcpz_event *event, struct mcpz_outbox *out);

/** Registries that hold the same lists of those that are up have the same digest. */
uint32_t mcpz_registry_digest(const struct mcpz_registry *registry);

/** Does `id`, which is up, offer `name`? What we hide we do not. */
bool mcpz_registry_offers(const struct mcpz_registry *registry, const struct mcpz_id *id,
                          struct mcpz_bytes name);

/** How isolated is what we offer under `name`, hidden or not? UNSAID if we do not. */
enum mcpz_isolation mcpz_registry_isolation(const struct mcpz_registry *registry,
                                            struct mcpz_bytes name);

/** Do we offer anything, hidden or not? */
bool mcpz_registry_offers_any(const struct mcpz_registry *registry);

/**
 * The first offer of `name` by a node that is up, at index `from` or later; NULL: no more. Walk
 * by passing the index after the one returned (`offer - registry->offers + 1`).
 */
const struct mcpz_offer *mcpz_registry_find(const struct mcpz_registry *registry,
                                            struct mcpz_bytes name, size_t from);

#endif
