/*
 * Lists: elements that know where they stand.
 *
 *   entry value   [key, id, value]
 *
 * A key is a fraction in digits of four bytes; between any two there is room for another. An id is
 * made from the dot of the element's first entry and stays when it moves: a move is a new entry of
 * the same id. Of entries of one id, made by concurrent moves, the latest counts. Elements are
 * sorted by key, then dot. Runs inserted at one place on both sides of a split may interleave.
 *
 * Source: docs reference crdt 1.3 (list, list positions).
 */

#ifndef CORE_CRDT_LIST_H
#define CORE_CRDT_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mcpz/error.h>

#include "base/attr.h"
#include "base/rng.h"
#include "core/crdt/parts.h"
#include "proto/agent.h"
#include "proto/limits.h"
#include "proto/store.h"

#define MCPZ_LIST_DIGIT_BYTES 4
#define MCPZ_LIST_STRIDE 65536 /* a neighbour's key is at most so far away, at random */

struct mcpz_list_item {
    struct mcpz_bytes key;   /* borrowed until the turn ends */
    struct mcpz_bytes value; /* the same */
    int64_t id;
    uint64_t hlc;
    struct mcpz_dot dot;
};

struct mcpz_list {
    struct mcpz_list_item items[MCPZ_LIST_ITEMS_MAX];
    size_t count;
};

/** Where an element is to stand. */
struct mcpz_list_key {
    uint8_t bytes[MCPZ_LIST_KEY_BYTES_MAX];
    size_t length;
};

/** Take an entry's value apart. False: it is none of a list. */
MCPZ_MUST_USE bool mcpz_list_read_item(struct mcpz_bytes bytes, struct mcpz_list_item *item);

/** Put one together. */
struct mcpz_parts mcpz_list_write_item(struct mcpz_bytes key, int64_t id, struct mcpz_bytes value);

/** The id of an element whose first entry has this dot; never 0. */
int64_t mcpz_list_id(const struct mcpz_id *document, const struct mcpz_dot *dot);

/**
 * The elements at `path` in their order.
 *
 * Errors: MCPZ_EFULL  there are more entries than MCPZ_LIST_ITEMS_MAX; the first are in `list`
 *         MCPZ_ECORRUPT, MCPZ_EIO
 */
MCPZ_MUST_USE mcpz_error mcpz_list_load(const struct mcpz_store *store,
                                        const struct mcpz_id *document, struct mcpz_bytes path,
                                        struct mcpz_list *list);

/**
 * A key between two others, either of which may be empty: the beginning, the end. False: they are
 * so close that it would be longer than MCPZ_LIST_KEY_BYTES_MAX.
 */
MCPZ_MUST_USE bool mcpz_list_key_between(struct mcpz_bytes before, struct mcpz_bytes after,
                                         struct mcpz_rng *rng, struct mcpz_list_key *key);

/** The key of the `index`-th element of a list whose elements all get new ones. */
struct mcpz_list_key mcpz_list_key_spread(size_t index);

#endif
