/*
 * Thousands of nodes in one thread: the lower half of the core that ships (core/fabric.h), its
 * messages as bytes of the real codec, a virtual clock, and a network and machines that fail.
 *
 * What sim.h has and a fleet has not: engines, stores, TLS, calls and agents.
 *
 * Links are TCP as seen from above: in order and nothing lost while they stand. What the network
 * loses comes late, and all behind it; what is cut off waits, and goes on when the cut ends; a
 * process that dies is noticed (RST), a machine that vanishes is not.
 *
 * Everything is drawn from one seed, by a stream for each purpose and node: a run is a function of
 * its configuration and what was asked for, to the last event (mcpz_fleet_hash()).
 */

#ifndef SIM_FLEET_H
#define SIM_FLEET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/time.h"
#include "core/fabric.h"
#include "sim/fleet_sometimes.h"
#include "sim/schedule.h"

#define MCPZ_FLEET_NODES_MAX 100000
#define MCPZ_FLEET_FLAT_MAX 1000 /* of one scope */
#define MCPZ_FLEET_CUTS_MAX 8

struct mcpz_fleet_config {
    size_t node_count;
    size_t zone_size; /* 0: one scope for all, to MCPZ_FLEET_FLAT_MAX nodes */
    uint64_t seed;
    uint32_t loss_ppm;       /* of frames: late by a retransmission */
    size_t identity_count;   /* that will ever be, at least node_count; 0: node_count */
    uint32_t latency_max_us; /* of a pair in different zones, one way; 0: 60 ms */
    mcpz_time optimise_us;   /* between a node's looks for nearer neighbours; 0: 30 s */
};

/* What happened, how often. */
#define MCPZ_FLEET_COUNTERS(X)                                                                    \
    X(EVENTS, "events")     /* cores took in */                                                   \
    X(MESSAGES, "messages") /* sent over links */                                                 \
    X(BYTES, "bytes")       /* of them, with framing */                                           \
    X(GOSSIP_BYTES, "gossip_bytes")                                                               \
    X(PING_BYTES, "ping_bytes")                                                                   \
    X(OVERLAY_BYTES, "overlay_bytes")                                                             \
    X(SUMMARY_BYTES, "summary_bytes") /* comparisons, and rows sent because of them */            \
    X(PROBE_BYTES, "probe_bytes")                                                                 \
    X(UNDELIVERED, "undelivered") /* no link to their peer */                                     \
    X(DIALS, "dials")                                                                             \
    X(DIALS_REFUSED, "dials_refused")                                                             \
    X(DIALS_UNANSWERED, "dials_unanswered")                                                       \
    X(DUPLICATES, "duplicates") /* second connections of a pair */                                \
    X(LINKED, "linked")                                                                           \
    X(UNLINKED, "unlinked")                                                                       \
    X(WENT_SILENT, "went_silent") /* links given up because nothing was heard */                  \
    X(ONE_WAY, "one_way")         /* because the other end did not hear us */                     \
    X(LATE, "late")               /* heartbeats */                                                \
    X(PROMPT, "prompt")                                                                           \
    X(SUSPECTED, "suspected")                                                                     \
    X(REFUTED, "refuted")                                                                         \
    X(BURIED, "buried")                 /* a view came to hold a member for dead */               \
    X(BURIED_LIVE, "buried_live")       /* of them, though its process ran */                     \
    X(CONVICTED_LIVE, "convicted_live") /* live nodes, once for each incarnation */               \
    X(BURIED_STEADY, "buried_steady")   /* and both were well and connected for 30 s */           \
    X(BURIED_HEARD, "buried_heard")     /* by somebody who heard it over a link of its own */     \
    X(PROBES_FAILED, "probes_failed")                                                             \
    X(DIFFERED, "differed") /* tables, so that they were compared */                              \
    X(UNREACHABLE, "unreachable")                                                                 \
    X(HELD, "held") /* frames that had to wait for a cut to end */                                \
    X(RETRANSMITTED, "retransmitted")                                                             \
    X(PAYLOADS, "payloads")   /* of broadcasts, sent */                                           \
    X(DELIVERED, "delivered") /* of them new where they came */                                   \
    X(PAUSED, "paused")                                                                           \
    X(KILLED, "killed")                                                                           \
    X(VANISHED, "vanished")                                                                       \
    X(STARTED, "started")                                                                         \
    X(BROKEN, "broken") /* connections reset by the network */                                    \
    X(MUTED, "muted")   /* connections that carry nothing in one direction */                     \
    X(CUTS, "cuts")

enum mcpz_fleet_counter {
#define X(name, word) MCPZ_FLEET_##name,
    MCPZ_FLEET_COUNTERS(X)
#undef X
        MCPZ_FLEET_COUNTERS_END,
};

const char *mcpz_fleet_counter_word(enum mcpz_fleet_counter counter);

struct mcpz_fleet;

/** Make all nodes, none of them started. Never NULL: aborts without memory. */
struct mcpz_fleet *mcpz_fleet_create(const struct mcpz_fleet_config *config);
void mcpz_fleet_destroy(struct mcpz_fleet *fleet);

/* ---- What a script does ------------------------------------------------------------------- */

/** Let time pass until `at_us`, and everything that is due. */
void mcpz_fleet_run_until(struct mcpz_fleet *fleet, mcpz_time at_us);

/**
 * Start a node that does not run, one incarnation further than ever before. It knows one contact
 * of its zone and one of another.
 */
void mcpz_fleet_start(struct mcpz_fleet *fleet, size_t index);

/** Before starting it: the node is another one from now on, never seen before. */
void mcpz_fleet_replace(struct mcpz_fleet *fleet, size_t index);

/** Is there one left that was never seen? */
bool mcpz_fleet_can_replace(const struct mcpz_fleet *fleet);

/** kill -9: its kernel closes its connections, refuses new ones. */
void mcpz_fleet_kill(struct mcpz_fleet *fleet, size_t index);

/** Pull the plug: nobody answers any more. */
void mcpz_fleet_vanish(struct mcpz_fleet *fleet, size_t index);

/** SIGTERM: it says goodbye to everybody. Kill it a while later. */
void mcpz_fleet_leave(struct mcpz_fleet *fleet, size_t index);

/** It neither hears nor ticks for so long, then takes in all that came. */
void mcpz_fleet_pause(struct mcpz_fleet *fleet, size_t index, mcpz_time for_us);

/** Is it paused now? Another pause would make a longer one of it. */
bool mcpz_fleet_is_paused(const struct mcpz_fleet *fleet, size_t index);

/* A cut has two sides; a node may be on both. What goes from the first to the second waits. */
enum mcpz_fleet_side {
    MCPZ_FLEET_SIDE_NONE,
    MCPZ_FLEET_SIDE_A,
    MCPZ_FLEET_SIDE_B,
    MCPZ_FLEET_SIDE_BOTH
};

void mcpz_fleet_set_side(struct mcpz_fleet *fleet, size_t cut, size_t node,
                         enum mcpz_fleet_side side);
void mcpz_fleet_cut(struct mcpz_fleet *fleet, size_t cut, bool on, bool both_ways);

/** One connection of the node, by lot, is reset; or carries nothing any more in one direction,
 * until mcpz_fleet_heal(). */
void mcpz_fleet_break_link(struct mcpz_fleet *fleet, size_t node);
void mcpz_fleet_mute_link(struct mcpz_fleet *fleet, size_t node);

/** From now on so much of what the node sends comes late, beside what is late anyway. */
void mcpz_fleet_set_loss(struct mcpz_fleet *fleet, size_t node, uint32_t loss_ppm);

/**
 * Show from now on what views come to hold: `watch` is told, while time passes, of every fact
 * SUSPECT, ALIVE, DEAD and LEFT of the core of node `viewer` about node `about`. NULL: no more.
 */
void mcpz_fleet_watch(struct mcpz_fleet *fleet,
                      void (*watch)(void *context, size_t viewer, size_t about,
                                    const struct mcpz_fact *fact),
                      void *context);

/**
 * Show from now on what is done to the fleet by the functions above: `note` is told of each as a
 * line of a schedule, without its time. NULL: no more.
 */
void mcpz_fleet_take_down(struct mcpz_fleet *fleet,
                          void (*note)(void *context, const struct mcpz_schedule_line *line),
                          void *context);

/** A running node broadcasts something that no other broadcast says; one at a time. */
void mcpz_fleet_broadcast(struct mcpz_fleet *fleet, size_t index);

/** End all cuts, mutes, pauses and losses. Nodes that do not run stay so. */
void mcpz_fleet_heal(struct mcpz_fleet *fleet);

/* ---- Looking ------------------------------------------------------------------------------ */

mcpz_time mcpz_fleet_now(const struct mcpz_fleet *fleet);
size_t mcpz_fleet_count(const struct mcpz_fleet *fleet);
size_t mcpz_fleet_running(const struct mcpz_fleet *fleet);
uint64_t mcpz_fleet_counted(const struct mcpz_fleet *fleet, enum mcpz_fleet_counter counter);

/** What has come about so far, and how often: fill in `sometimes` (MCPZ_FLEET_SOMETIMES_END). */
void mcpz_fleet_count_sometimes(const struct mcpz_fleet *fleet, uint64_t *sometimes);

/** The core of a node, NULL if it does not run. */
const struct mcpz_fabric *mcpz_fleet_fabric(const struct mcpz_fleet *fleet, size_t node);

/** Of all events and actions so far. */
uint64_t mcpz_fleet_hash(const struct mcpz_fleet *fleet);

/** All memory taken for the run, by a node. */
size_t mcpz_fleet_bytes_per_node(const struct mcpz_fleet *fleet);

#endif
