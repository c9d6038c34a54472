/*
 * The layouts in use, and how far every node has come with each: so that a change of who keeps
 * what loses nothing, while writes go on.
 *
 *   a layout is heard of  ->  live: writes go to a quorum of the owners in EVERY live layout
 *   acked by n      n takes and begins no more writes of who does not know it, none is under way
 *   synced by n     n has what it owns in it (or has handed over what it no longer owns)
 *   sync acked by n n knows that all have synced: it reads from no older one
 *
 *   all acked   -> nodes may begin to sync: what was written before is complete where it was
 *   all synced  -> reads go to its owners
 *   all sync acked -> older layouts are let go
 *
 * What is told of a node is a stamp that only grows, so reports can come twice, late and in any
 * order; merging is the maximum. Live are all layouts from the oldest that is not let go up to
 * the newest known, two of one version included: the stamp orders them, for everybody alike.
 *
 * What a node has reached is told together with the stamps of the layouts it holds live, and who
 * does not know one of those gets it first: or a layout that only some know of would be read from
 * while others do not write to it.
 *
 * "All" are the nodes of all live layouts. A dead one holds everything up, and nothing is lost by
 * waiting: an operator who knows that it will not come back skips it.
 *
 * Sources: Garage, "Layout history and update trackers" (design draft of 2023, and the book's
 * chapter on cluster layouts), whose trackers these are; reference/crdt.md, section 4.1.
 */

#ifndef CORE_PLACEMENT_LAYOUT_HISTORY_H
#define CORE_PLACEMENT_LAYOUT_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mcpz/error.h>

#include "base/arena.h"
#include "base/attr.h"
#include "core/placement/rendezvous.h"
#include "proto/placement.h"

struct mcpz_live_layout {
    struct mcpz_layout_stamp stamp;
    struct mcpz_placement placement; /* in room of our own */
    struct mcpz_rendezvous rendezvous;
    char *names;     /* of its zones */
    uint64_t writes; /* of ours, begun while it was the newest, not ended */
};

struct mcpz_layout_history {
    struct mcpz_id self;
    size_t node_max;
    size_t zone_max;

    struct mcpz_live_layout live[MCPZ_LAYOUTS_LIVE_MAX]; /* by stamp, ascending */
    size_t live_count;

    struct mcpz_layout_tracker *trackers; /* by node, ascending: those of the live layouts */
    size_t tracker_count;

    /* What all of them have reached: the minima. */
    struct mcpz_layout_stamp all_acked;
    struct mcpz_layout_stamp all_synced;
    struct mcpz_layout_stamp all_sync_acked;
};

/* The owners of a partition in one live layout, best first. */
struct mcpz_owner_set {
    struct mcpz_layout_stamp stamp;
    const struct mcpz_storage_node *nodes[MCPZ_COPIES_MAX]; /* until the history changes */
    size_t count;
};

/** How much mcpz_layout_history_init() takes from its arena. */
size_t mcpz_layout_history_bytes(size_t node_max, size_t zone_max);

/** Start with no layout. Room for so many nodes and zones a layout; `arena` has it (asserted). */
void mcpz_layout_history_init(struct mcpz_layout_history *history, const struct mcpz_id *self,
                              size_t node_max, size_t zone_max, struct mcpz_arena *arena);

/**
 * Take in a valid layout (asserted), whose signature was verified. It is copied. One that is known
 * changes nothing.
 *
 * Errors: MCPZ_EUSED  older than all that are live
 *         MCPZ_EFULL  too many are live, or it is larger than we have room for
 */
MCPZ_MUST_USE mcpz_error mcpz_layout_history_add(struct mcpz_layout_history *history,
                                                 const struct mcpz_placement *placement,
                                                 struct mcpz_layout_stamp stamp);

/**
 * The layout of `stamp` is the oldest that others still have live. Is it one that finds no room
 * here, let go of our oldest if that is older, and has no writes under way: everybody had come
 * further. Has it been let go?
 */
bool mcpz_layout_history_make_room(struct mcpz_layout_history *history,
                                   struct mcpz_layout_stamp stamp);

/**
 * Take in what a node has reached, as it said or an operator says of one that is gone. Has
 * anything changed? Of nodes that are in no live layout nothing is kept.
 */
bool mcpz_layout_history_merge(struct mcpz_layout_history *history,
                               const struct mcpz_layout_tracker *tracker);

/**
 * What `node` has reached as far as we know; NULL if it is in no live layout. Ours is what we tell
 * others.
 */
const struct mcpz_layout_tracker *
mcpz_layout_history_tracker(const struct mcpz_layout_history *history, const struct mcpz_id *node);

/** The newest layout; NULL: none is known. */
const struct mcpz_live_layout *
mcpz_layout_history_newest(const struct mcpz_layout_history *history);

/**
 * A write begins: fill in the owners of `document` in every live layout; a quorum of each is
 * needed. Returns how many sets (0: no layout is known; room for MCPZ_LAYOUTS_LIVE_MAX), and in
 * `*stamp` what the write is told with and ended by. No newer layout is acknowledged until then.
 */
size_t mcpz_layout_history_begin_write(struct mcpz_layout_history *history,
                                       const struct mcpz_id *document, struct mcpz_owner_set *sets,
                                       struct mcpz_layout_stamp *stamp);

/** It has ended, one way or the other. */
void mcpz_layout_history_end_write(struct mcpz_layout_history *history,
                                   struct mcpz_layout_stamp stamp);

/** The owners of `document` in every live layout, without a write: as above. */
size_t mcpz_layout_history_sets(const struct mcpz_layout_history *history,
                                const struct mcpz_id *document, struct mcpz_owner_set *sets);

/**
 * Writes are under way that began when the layout of `stamp` was the newest, or none that began
 * before a later one (zeros: none at all). For who counts them elsewhere, instead of
 * begin_write and end_write.
 */
void mcpz_layout_history_hold(struct mcpz_layout_history *history, struct mcpz_layout_stamp stamp);

/** May we take a write of who knows layouts up to `stamp`? False: it must learn of newer ones. */
bool mcpz_layout_history_takes(const struct mcpz_layout_history *history,
                               struct mcpz_layout_stamp stamp);

/**
 * Whom to read `document` from: its owners in the newest layout that all have synced; the oldest
 * live one if none. False: no layout is known.
 */
bool mcpz_layout_history_read_set(const struct mcpz_layout_history *history,
                                  const struct mcpz_id *document, struct mcpz_owner_set *set);

/** The newest layout that we may and have yet to sync; NULL: none. */
const struct mcpz_live_layout *
mcpz_layout_history_to_sync(const struct mcpz_layout_history *history);

/** We have what is ours in the layout of `stamp`, which was to be synced. */
void mcpz_layout_history_synced(struct mcpz_layout_history *history,
                                struct mcpz_layout_stamp stamp);

#endif
