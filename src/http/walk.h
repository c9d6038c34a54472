/* Going over all agents, a slice a turn: there may be MCPZ_AGENTS_MAX of them. */

#ifndef HTTP_WALK_H
#define HTTP_WALK_H

#include <stdbool.h>

#include <mcpz/error.h>

#include "base/attr.h"
#include "proto/record.h"
#include "proto/store.h"

/* Where the walk is. Zeros: before the first. */
struct mcpz_walk {
    struct mcpz_id at;
    bool started;
    bool with_deleted; /* those that are deleted are met as well */
};

/**
 * Read the next document that is not deleted (unless told otherwise). What `record` points to
 * lasts until the turn ends, its version vector until the next read.
 *
 * Errors: MCPZ_ENOTFOUND  there is none; MCPZ_ECORRUPT, MCPZ_EIO
 */
MCPZ_MUST_USE mcpz_error mcpz_walk_next(struct mcpz_walk *walk, const struct mcpz_store *store,
                                        struct mcpz_record *record);

/** Read the document `id`. Errors: as above; deleted is MCPZ_ENOTFOUND. */
MCPZ_MUST_USE mcpz_error mcpz_walk_find(const struct mcpz_store *store, const struct mcpz_id *id,
                                        struct mcpz_record *record);

#endif
