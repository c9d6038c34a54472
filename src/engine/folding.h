/*
 * Agreeing with the neighbours on what a document is: checkpoints that several have signed.
 *
 *   64 deltas more, or none for ten minutes:  FOLD {document, state, root}  -> all neighbours
 *   <- FOLDED  SAME, signed        the same deltas have left the same: kept, if enough say so
 *              ELSEWHERE, ABSENT   it has seen something else, or keeps no such document
 *              DIVERGED            the same deltas have left something else: an alarm on both
 *                                  sides
 *
 * The state of a document names the deltas it has seen; the root is what they came to. They are
 * agreed on where all neighbours that keep the document have seen the same and enough of them say
 * the same: a majority of the live members, or of five if there are more. Where writing goes on
 * all the time that takes a moment of calm, and is tried again.
 *
 * Keepers that are no neighbours are asked for links first, or sessions (MCPZ_EVENT_MEET).
 *
 * What is agreed on is a proof that replicas are alike, and the alarm where they are not. If all
 * who keep the document are asked and have signed, it may become its floor: engine/collecting.h.
 * Where somebody has contradicted itself since the last one, nobody may be away: who is may have
 * heard that all had signed before they saw that, and then that counts.
 *
 * Source: docs reference crdt 1.5.
 */

#ifndef ENGINE_FOLDING_H
#define ENGINE_FOLDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/time.h"
#include "core/crdt/clock.h"
#include "core/overlay.h"
#include "engine/agreement.h"
#include "engine/checkpoint.h"
#include "proto/checkpoint.h"
#include "proto/id.h"

#define MCPZ_FOLD_DELTAS 64 /* since the last time: crdt 1.5, G1 */
#define MCPZ_FOLD_IDLE_MS 600000
#define MCPZ_FOLDS_MAX 8       /* under way at once */
#define MCPZ_FOLDS_WAITING 256 /* documents that are due; others are found again by the sweep */
#define MCPZ_FOLD_SWEEP 16     /* documents looked at in a period, whether they are due */
#define MCPZ_FOLD_COSIGNERS 5  /* of more replicas a majority of so many will do */
#define MCPZ_FOLD_ASKED_MAX 16 /* neighbours */
#define MCPZ_FOLD_PERIOD_US MCPZ_SECONDS(1)
#define MCPZ_FOLD_REST_US                                                                         \
    MCPZ_SECONDS(4) /* from one document at rest to the next: idle is idle                        \
                     */
#define MCPZ_FOLD_PATIENCE_US MCPZ_SECONDS(5)
#define MCPZ_FOLD_MEET_US                                                                         \
    MCPZ_SECONDS(10) /* from one document whose keepers are to meet to the next */

/* One document that neighbours were asked about. */
struct mcpz_fold {
    struct mcpz_agreement said;
    struct mcpz_clock clock;
    struct mcpz_cuts cuts;
    uint64_t hlc;
    uint8_t tenant[MCPZ_TENANT_BYTES_MAX];
    size_t tenant_length;
    uint64_t deltas;
    mcpz_time until_us; /* 0: free */
    struct mcpz_id asked[MCPZ_FOLD_ASKED_MAX];
    bool has_answered[MCPZ_FOLD_ASKED_MAX];
    size_t asked_count;
    size_t answer_count;
    struct mcpz_cosignature signatures[MCPZ_COSIGNATURES_MAX]; /* ours first */
    size_t signature_count;
};

struct mcpz_folding {
    struct mcpz_fold folds[MCPZ_FOLDS_MAX];
    struct mcpz_id waiting[MCPZ_FOLDS_WAITING];
    size_t waiting_count;
    struct mcpz_id swept; /* up to here */
    mcpz_time rest_us;    /* no other document at rest is looked for before */
    mcpz_time next_us;    /* 0: not begun */
    struct mcpz_id met;   /* whose keepers were asked for links */
    mcpz_time met_us;     /* when; 0: never */
};

/** How many must have signed where `alive` members live, ourselves among them. */
size_t mcpz_folding_quorum(size_t alive);

#endif
