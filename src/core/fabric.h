/*
 * The lower half of a node's core: everything it takes to be part of the mesh.
 *
 *   event -> links -> overlay -> plumtree -> members -> (registry, calls, agents: core/node.h)
 *
 * In one step facts rise: what a machine appends as FACT is shown, in the same step, to the
 * machines after it. Requests sink: a BROADCAST becomes GOSSIP to neighbours, a REACH becomes a
 * DIAL or the word that there is a link, heartbeats get what those above know. One sweep each. A
 * machine may look at, never change, a machine below it. This file holds wiring only, and
 * decisions that need more than one machine: through whom to join again when nobody is left, here
 * or in the scopes around us, and whom to ask where the mesh has come apart.
 *
 * All memory is one block whose size the configuration decides, so a simulation holds thousands.
 */

#ifndef CORE_FABRIC_H
#define CORE_FABRIC_H

#include "base/time.h"
#include "core/event.h"
#include "core/links.h"
#include "core/members.h"
#include "core/outbox.h"
#include "core/overlay.h"
#include "core/plumtree.h"
#include "core/timing.h"
#include "core/xbot.h"
#include "proto/packer.h"

struct mcpz_fabric_config {
    struct mcpz_members_config members;
    struct mcpz_node_timing timing; /* zeros: defaults */
    struct mcpz_packer packer;
    uint64_t seed;

    /* Capacities; 0: those of a server. */
    size_t links_max;
    size_t dials_max;
    size_t seeds_max;
    size_t address_bytes;  /* of one address, with its end */
    size_t neighbours_max; /* `max_direct_peers` */
    size_t far_max;        /* of them, of other zones; only with members.zone_only */
    size_t passive_max;
    uint32_t gossip_seen_max;
    uint32_t gossip_cache_max;
    uint32_t gossip_cache_bytes;
    uint32_t gossip_missing_max;
    uint32_t gossip_notices_max;
};

/*
 * What most events need to know of machines they do not concern, as of when those changed last: a
 * TICK that is due for one of them leaves the others alone.
 */
struct mcpz_fabric_view {
    mcpz_time overlay_us; /* when it has something to do, */
    mcpz_time plumtree_us;
    mcpz_time members_us;
    uint32_t paced_us;     /* the round trip that Plumtree's patience was fitted to last */
    uint8_t touched;       /* levels that may have changed since: a bit each */
    bool is_alone;         /* no neighbour, and nobody asked to be one */
    bool has_neighbours;   /* and so ways out of our scope are looked after */
    bool lacks_ways;       /* there is none, */
    bool lacks_scope;      /* or too few neighbours of our own scope */
    bool lacks_candidates; /* for a place that one of our scope may have */
};

/*
 * Here and in each machine what every event looks at comes first, and what few do last: of
 * thousands of simulated nodes none is in the cache when its turn comes.
 */
struct mcpz_fabric {
    struct mcpz_fabric_view view;
    mcpz_time rejoin_at_us;
    mcpz_time rejoin_us;    /* how long to wait after the next attempt */
    mcpz_time bridge_at_us; /* when a neighbour of another scope is asked for next */
    mcpz_time bridge_us;    /* and how soon after that, as long as we lack some of our own */
    bool bridges;           /* the next one linked that is no member is asked */
    struct mcpz_rng rng;
    struct mcpz_packer packer;
    struct mcpz_node_timing timing;
    struct mcpz_links links;
    struct mcpz_overlay overlay;
    struct mcpz_xbot xbot; /* of the overlay's level: changes its views */
    struct mcpz_plumtree plumtree;
    struct mcpz_members members;
    mcpz_time offer_at_us; /* when the overlay hears of a member that it has lost sight of, */
    mcpz_time offer_us;    /* and how soon after that of another */
    uint64_t rejoins;
    uint64_t unreadable; /* broadcasts that were no message we know */
};

/** How large a block mcpz_fabric_init() needs, and how much of it is looked at often. */
size_t mcpz_fabric_bytes(const struct mcpz_fabric_config *config);
size_t mcpz_fabric_often_bytes(const struct mcpz_fabric_config *config);

/**
 * Start alone. `memory`, of mcpz_fabric_bytes(), all zeros and aligned for any type, is borrowed
 * for life.
 */
void mcpz_fabric_init(struct mcpz_fabric *fabric, const struct mcpz_fabric_config *config,
                      void *memory, mcpz_time now);

/**
 * The same, with what is looked at often in a block of its own, of mcpz_fabric_often_bytes(), and
 * the rest in another: of thousands of nodes, those parts then lie side by side.
 */
void mcpz_fabric_init_apart(struct mcpz_fabric *fabric, const struct mcpz_fabric_config *config,
                            void *often, void *seldom, mcpz_time now);

/**
 * Take in one event. False: it is not for machines above: a message from who may not send it.
 * mcpz_fabric_sink() must follow, when those have had their say.
 */
bool mcpz_fabric_step(struct mcpz_fabric *fabric, mcpz_time now, const struct mcpz_event *event,
                      struct mcpz_outbox *out);

/** Carry down what is asked for in `out`, from action `first` on: none of it is left after. */
void mcpz_fabric_sink(struct mcpz_fabric *fabric, mcpz_time now, struct mcpz_outbox *out,
                      size_t first);

mcpz_time mcpz_fabric_deadline(const struct mcpz_fabric *fabric);

#endif
