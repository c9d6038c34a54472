/*
 * Layouts of the storage on their way through the mesh: which are live, how far everybody has come
 * with them, and who keeps a document by that.
 *
 *   LAYOUT event (signed here), or a neighbour's LAYOUT   ->  verified, kept, handed on
 *   a neighbour is linked, or a comparison is due:  LAYOUT_STATE {live, digest of trackers}  ->
 *   <-  LAYOUT            each that the other side lacks
 *   <-  LAYOUT_STATE      all trackers, where the digests differ
 *   a tracker has risen:  LAYOUT_STATE {it}  ->  to all neighbours, some 100 ms later
 *
 * A layout is opaque here: whoever runs us reads it and looks at the signature (struct
 * mcpz_layout_opener). Trackers are taken on anybody's word, and so nothing that cannot be mended
 * may follow from them alone: who lets a document go asks its owners for it.
 *
 * Without any layout every member keeps every document. Who knows none says so when a link
 * begins, and is silent otherwise: so who has come knows after the first link whether there is
 * one.
 *
 * What those above have to do with layouts, writes under way and what has been synced, comes in
 * by mcpz_layouts_hear(). Left out: layouts of more nodes than one message names
 * (MCPZ_LAYOUT_NODES_MAX).
 */

#ifndef CORE_LAYOUTS_H
#define CORE_LAYOUTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/rng.h"
#include "base/time.h"
#include "core/event.h"
#include "core/outbox.h"
#include "core/overlay.h"
#include "core/placement/layout_history.h"
#include "core/timing.h"
#include "proto/limits.h"
#include "proto/placement.h"
#include "proto/store.h"

#define MCPZ_LAYOUTS_TELL_US MCPZ_MS(100)    /* trackers that rise meanwhile are told together */
#define MCPZ_LAYOUTS_HEAR_US MCPZ_SECONDS(3) /* who has come hears by then what there is */
#define MCPZ_LAYOUTS_RISEN_MAX 64            /* told one by one; more: all of them */

/* How a signed layout is read: by whoever knows the mesh's key. */
struct mcpz_layout_opener {
    void *context;

    /*
     * Read it, if who may make layouts has signed it. Names point into `bytes`, lists lie in
     * `arena`. False: it is none, or there is no room for it.
     */
    bool (*open)(void *context, struct mcpz_bytes bytes, struct mcpz_arena *arena,
                 struct mcpz_placement *placement, struct mcpz_layout_stamp *stamp);
};

struct mcpz_layouts_config {
    struct mcpz_id self;
    struct mcpz_layout_opener opener;
    size_t nodes_max; /* in a layout; 0: MCPZ_LAYOUT_NODES_MAX */
    size_t zones_max; /* 0: MCPZ_LAYOUT_ZONES_MAX */
    uint64_t seed;
};

/* The bytes of a live layout. */
struct mcpz_layout_kept {
    struct mcpz_layout_stamp stamp; /* zeros: free */
    uint8_t *bytes;
    size_t length;
};

struct mcpz_layouts {
    const struct mcpz_store *store;
    const struct mcpz_node_timing *timing;
    struct mcpz_layout_opener opener;
    struct mcpz_layout_history history;
    struct mcpz_layout_kept kept[MCPZ_LAYOUTS_LIVE_MAX];
    size_t kept_bytes_max;
    void *reading; /* where lists of a layout lie that is being looked at */
    size_t reading_bytes;
    struct mcpz_rng rng;
    mcpz_time compare_at_us;
    mcpz_time tell_at_us;                         /* MCPZ_TIME_NEVER: nothing is to be told */
    struct mcpz_id risen[MCPZ_LAYOUTS_RISEN_MAX]; /* whose trackers are to be told */
    size_t risen_count;                           /* beyond the array: all of them */
    mcpz_time hear_until_us;                      /* one may come that we know nothing of */
    bool settled;                                 /* as last told */
    bool in_force;                                /* see mcpz_layouts_are_in_force() */

    uint64_t layouts_taken;
    uint64_t layouts_refused;  /* not signed by who may, or not readable */
    uint64_t layouts_too_many; /* live at once, or too large */
    uint64_t messages_refused;
};

/** How much mcpz_layouts_init() takes from its arena. */
size_t mcpz_layouts_bytes(const struct mcpz_layouts_config *config);

/** Start with what `store` holds. `store` and `timing` are borrowed; `arena` has room. */
void mcpz_layouts_init(struct mcpz_layouts *layouts, const struct mcpz_layouts_config *config,
                       const struct mcpz_store *store, const struct mcpz_node_timing *timing,
                       struct mcpz_arena *arena, mcpz_time now);

/** We are in another mesh: forget all layouts, in the store as well. */
void mcpz_layouts_start_over(struct mcpz_layouts *layouts, mcpz_time now);

/** Write everything that is known again: a batch was lost. Not within a step. */
void mcpz_layouts_rewrite(struct mcpz_layouts *layouts);

/**
 * Take in one event. Handles LAYOUT, LAYOUT_SKIP; RECV of LAYOUT and LAYOUT_STATE; the fact
 * LINKED; TICK. Tells LAYOUT and LAYOUT_SETTLED.
 *
 * A LAYOUT is answered with CONFLICT if a newer one is known, LIMIT if too many are live;
 * LAYOUT_SKIP with NOT_FOUND if the node is in no live layout.
 */
void mcpz_layouts_step(struct mcpz_layouts *layouts, const struct mcpz_overlay *overlay,
                       mcpz_time now, const struct mcpz_event *event, struct mcpz_outbox *out);

/**
 * What those above know: under which layout the oldest write began that is under way (zeros:
 * none), and up to which one we have what is ours.
 */
void mcpz_layouts_hear(struct mcpz_layouts *layouts, mcpz_time now,
                       struct mcpz_layout_stamp oldest_write, struct mcpz_layout_stamp synced,
                       struct mcpz_outbox *out);

mcpz_time mcpz_layouts_deadline(const struct mcpz_layouts *layouts);

/* ---- Looking ------------------------------------------------------------------------------ */

/** Is any layout known? If not, every member keeps everything. */
bool mcpz_layouts_any(const struct mcpz_layouts *layouts);

/**
 * Is none known because nobody has said yet whether there is one? No longer than
 * MCPZ_LAYOUTS_HEAR_US after a start.
 */
bool mcpz_layouts_may_come(const struct mcpz_layouts *layouts);

/** Is one live only, and has everybody what is theirs in it? */
bool mcpz_layouts_are_settled(const struct mcpz_layouts *layouts);

/**
 * Have all that the oldest live layout names what is theirs in it? Until then, as it is with the
 * first layout of a mesh, everybody goes on keeping everything, and who reads reads at home.
 */
bool mcpz_layouts_are_in_force(const struct mcpz_layouts *layouts);

/** Is `node` to keep `document`: an owner in some live layout, or none is in force? */
bool mcpz_layouts_keeps(const struct mcpz_layouts *layouts, const struct mcpz_id *node,
                        const struct mcpz_id *document);

/** Names what mcpz_layouts_keeps() goes by; 0: nothing, no layout is in force. */
uint64_t mcpz_layouts_stamp(const struct mcpz_layouts *layouts);

/** Are there several layouts, or one that not all have synced: does somebody lack what is its? */
bool mcpz_layouts_are_moving(const struct mcpz_layouts *layouts);

/** How many bits of a document's id say who keeps it, in the live layout that divides finest. */
uint32_t mcpz_layouts_partition_bits(const struct mcpz_layouts *layouts);

/**
 * All owners of `document` in live layouts, each once: those of the oldest first, best first.
 * Returns how many, 0 if everybody keeps it: no layout is in force. `owners` has room for
 * MCPZ_OWNERS_MAX.
 */
size_t mcpz_layouts_owners(const struct mcpz_layouts *layouts, const struct mcpz_id *document,
                           struct mcpz_id *owners);

/** Whom to ask for `document`, best first: mcpz_layout_history_read_set(). As above. */
size_t mcpz_layouts_readers(const struct mcpz_layouts *layouts, const struct mcpz_id *document,
                            struct mcpz_id *readers);

#endif
