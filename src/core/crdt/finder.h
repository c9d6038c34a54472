/*
 * Finds the entries of one document that a write has to do with: what a node that writes now has
 * observed. One walk through the store; what it finds may be removed between two steps of it.
 */

#ifndef CORE_CRDT_FINDER_H
#define CORE_CRDT_FINDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mcpz/error.h>

#include "base/attr.h"
#include "base/bytes.h"
#include "core/crdt/paths.h"
#include "proto/agent.h"
#include "proto/store.h"

enum mcpz_finder_range {
    MCPZ_FIND_AT = 1, /* entries of one type at `path` */
    MCPZ_FIND_BELOW,  /* all entries at `path` and below */
    MCPZ_FIND_ALL,    /* all of the document but its name */
};

struct mcpz_finder_query {
    enum mcpz_finder_range range;
    struct mcpz_id document;
    struct mcpz_bytes path;         /* AT, BELOW: valid */
    uint32_t type;                  /* AT */
    struct mcpz_bytes value;        /* AT: only entries with this value; empty: any */
    const struct mcpz_actor *owner; /* AT: only this actor's; NULL: anybody's */
    int64_t item;                   /* AT, of a list: only this element's; 0: any */
};

struct mcpz_finder {
    const struct mcpz_store *store;
    struct mcpz_finder_query query;
    size_t depth; /* BELOW: of the paths walked now */
    struct mcpz_record at;
    size_t prefix_length;
    uint8_t prefix[MCPZ_PATH_BYTES_MAX + MCPZ_PATHS_HEADER_BYTES_MAX];
};

/** Start in front of the first. What `query` points to is borrowed. */
void mcpz_finder_init(struct mcpz_finder *finder, const struct mcpz_store *store,
                      const struct mcpz_finder_query *query);

/**
 * The next entry, borrowed until the turn ends.
 *
 * Errors: MCPZ_ENOTFOUND  no more; MCPZ_ECORRUPT, MCPZ_EIO
 */
MCPZ_MUST_USE mcpz_error mcpz_finder_next(struct mcpz_finder *finder,
                                          struct mcpz_record_entry *entry);

#endif
