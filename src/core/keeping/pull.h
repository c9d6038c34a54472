/*
 * Getting what is ours in a layout that all have acknowledged: from each who may have had it.
 *
 *   PULL {layout, after}  ->
 *                         <-  PULLED {after, upto, documents of ours, how far along each is}
 *   WANT of each we lack  ->
 *                         <-  deltas
 *   PULL again, behind the WANTs, until nothing of the page is lacking; then the next page
 *
 * Sources are the nodes of older live layouts; where there is none, as with the first layout ever,
 * all members. At most two are asked at a time. A source that is down is left out as long as the
 * others make up a quorum of every partition with it; one that was skipped does not count. When
 * all have been gone through, what is ours is here: everything that was acknowledged before the
 * layout was is with a quorum of the old owners, and what came after is sent to us as well.
 *
 * What is at risk comes first. Where old owners are down, all sources are gone through for the
 * documents of which one living copy is left, then for those with two, and so on, and for all of
 * them at the end. A source counts the copies by whom it knows to be there.
 *
 * How far it is can be told since ids of documents are spread evenly: the share of ids that has
 * been gone through is about the share of documents.
 *
 * What is asked again and again and does not come (a delta that is refused here) holds it up, and
 * is asked for ever more slowly. What may have been forgotten (core/crdt/held.h) does not: who has
 * it is to have that looked through, by owners who have come over.
 *
 * Source: reference/crdt.md, 4.2 (membership change); Garage, "Layout history".
 */

#ifndef CORE_KEEPING_PULL_H
#define CORE_KEEPING_PULL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/time.h"
#include "proto/id.h"
#include "proto/msg.h"
#include "proto/placement.h"

#define MCPZ_PULLS_MAX 2                   /* sources asked at a time, for a page each */
#define MCPZ_PULL_AGAIN_US MCPZ_SECONDS(1) /* no answer, or nothing came of it */
#define MCPZ_PULL_REST_US MCPZ_SECONDS(2)  /* before sources that were down are tried again */
#define MCPZ_PULL_SCAN_MAX 512             /* documents that a source looks at for one PULL */

struct mcpz_keeping;
struct mcpz_keeping_below;
struct mcpz_keeping_step;

/* What we are getting from one source. */
struct mcpz_pulling {
    bool used;
    struct mcpz_id source;
    struct mcpz_id after; /* up to here nothing is lacking */
    uint32_t tries;       /* of this page without progress */
    uint64_t lacking;     /* of it, as of the last try */
    mcpz_time again_us;
};

struct mcpz_puller {
    struct mcpz_layout_stamp stamp; /* of the layout that is being synced; zeros: none is */
    struct mcpz_id last;            /* the source that was begun with last: they go by id */
    bool all_begun;
    uint32_t alive_max; /* documents with so many living copies at most; 0: all, the last round */
    size_t down;        /* sources left out this time */
    size_t done;        /* sources gone through in the last round */
    mcpz_time begun_us;
    uint64_t moved; /* documents that were lacking, or behind */
    mcpz_time rest_until_us;
    mcpz_time again_us; /* with the next round */
    struct mcpz_pulling pulls[MCPZ_PULLS_MAX];
    struct mcpz_layout_stamp synced;

    uint64_t pages;
    uint64_t documents_lacked;
    uint64_t synced_count;
};

/* How far it is. */
struct mcpz_pull_progress {
    uint64_t version;   /* of the layout */
    uint64_t moved;     /* documents */
    uint64_t to_move;   /* about, those that are moved included; 0: not known yet */
    uint32_t per_mille; /* of all there is to go through */
    mcpz_time took_us;
    mcpz_time left_us; /* about; MCPZ_TIME_NEVER: not known yet */
};

/** False: nothing is being synced. */
bool mcpz_pull_progress(const struct mcpz_keeping *keeping, const struct mcpz_keeping_below *below,
                        mcpz_time now, struct mcpz_pull_progress *progress);

/** See what is to be synced, and go on with it. */
void mcpz_pull_run(struct mcpz_keeping_step *step);

/** There is a link now. It is closed again if nothing is said: a source on it is asked at once. */
void mcpz_pull_on_linked(struct mcpz_keeping_step *step, const struct mcpz_id *peer);

/** A source is asked. */
void mcpz_pull_on_pull(struct mcpz_keeping_step *step, const struct mcpz_id *from,
                       const struct mcpz_msg_pull *pull);

/** It has answered. */
void mcpz_pull_on_pulled(struct mcpz_keeping_step *step, const struct mcpz_id *from,
                         const struct mcpz_msg_pulled *page);

mcpz_time mcpz_pull_deadline(const struct mcpz_puller *puller);

#endif
