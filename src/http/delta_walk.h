/*
 * All deltas of one document above its floor, the past of each before it; those of writers that
 * contradict themselves on all their branches, since others may have built on them
 * (core/crdt/branches.h).
 *
 * What is written while the walk is under way is left out.
 */

#ifndef HTTP_DELTA_WALK_H
#define HTTP_DELTA_WALK_H

#include <stddef.h>
#include <stdint.h>

#include <mcpz/error.h>

#include "base/attr.h"
#include "core/crdt/branches.h"
#include "core/crdt/floor.h"
#include "proto/limits.h"
#include "proto/record.h"
#include "proto/store.h"

struct mcpz_delta_walk {
    struct mcpz_branches branches;
    struct mcpz_floor floor; /* where it began */
    uint64_t left;
    size_t cursor_count; /* 0: at the end */
};

/**
 * Start in front of the first delta of `document`, as its record has it.
 *
 * Errors: MCPZ_ECORRUPT  every delta above the floor is kept, and one is not there; MCPZ_EIO
 */
MCPZ_MUST_USE mcpz_error mcpz_delta_walk_start(struct mcpz_delta_walk *walk,
                                               const struct mcpz_store *store,
                                               const struct mcpz_record_document *document);

/** How many deltas that count are to come. */
uint64_t mcpz_delta_walk_left(const struct mcpz_delta_walk *walk);

/**
 * Read the next delta. What it points to lasts until the turn ends, its lists until the next read.
 *
 * Errors: MCPZ_ENOTFOUND  that was the last; as above
 */
MCPZ_MUST_USE mcpz_error mcpz_delta_walk_next(struct mcpz_delta_walk *walk,
                                              const struct mcpz_store *store,
                                              struct mcpz_record *record);

#endif
