/*
 * Writes sorted by key: leaves of rows, and a list of the leaves. It owns no writes.
 *
 *   leaves  [front, leaf] [front, leaf] ...
 *              |             |
 *   rows    [front, write] [front, write] ...     MCPZ_SORTED_ROWS_MAX of them at most
 *
 * A search goes through two arrays of numbers, the fronts of keys, and looks at a key itself only
 * where fronts are equal: memory that is not in the cache is what a search takes, and a list or a
 * tree of single writes has it all over. Moving rows to make room costs less than one such look.
 * Keys that lie together begin alike (a document's all do), so a leaf leaves out what all of its
 * keys begin with: the fronts of its rows are of what follows, where they differ. It has those
 * first bytes itself: no key need be looked at for them.
 *
 * What is searched for is mostly near what was searched for before (a row is read, then written; a
 * delta changes rows of each kind), so the leaf where that was is tried first. A leaf shows
 * whether a key is between its first and its last: a guess that was overtaken costs a look, and
 * nothing else.
 */

#ifndef STORE_SORTED_H
#define STORE_SORTED_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "store/batch.h"

#define MCPZ_SORTED_ROWS_MAX 48
#define MCPZ_SORTED_GUESSES 8      /* of keys by their first byte, which is a kind of record */
#define MCPZ_SORTED_SHARED_MAX 112 /* a document's deltas of one writer: 76 */

struct mcpz_sorted_row {
    uint64_t front; /* of the write's key, behind what the leaf leaves out */
    struct mcpz_write *write;
};

struct mcpz_sorted_leaf {
    uint32_t count;  /* never 0 */
    uint32_t shared; /* so many bytes are the same at the beginning of all its keys: these */
    uint8_t beginning[MCPZ_SORTED_SHARED_MAX];
    struct mcpz_sorted_row rows[MCPZ_SORTED_ROWS_MAX];
};

static_assert(sizeof(struct mcpz_sorted_leaf) < 1000, "malloc() tidies up before it gives more");

struct mcpz_sorted_branch {
    uint64_t front; /* of the leaf's first key */
    struct mcpz_sorted_leaf *leaf;
};

/* Zeroed, it is empty. */
struct mcpz_sorted {
    struct mcpz_sorted_branch *branches;
    size_t count;
    size_t room;
    struct mcpz_sorted_leaf *spare; /* for the next one that is full; may be NULL */
    size_t guesses[MCPZ_SORTED_GUESSES];
};

/* A write among them. */
struct mcpz_sorted_place {
    size_t branch;
    size_t row;
};

/** Forget all writes. */
void mcpz_sorted_clear(struct mcpz_sorted *sorted);

/** The same, and let go of the memory. */
void mcpz_sorted_finish(struct mcpz_sorted *sorted);

/** The same, and let go of the writes as well. */
void mcpz_sorted_destroy(struct mcpz_sorted *sorted);

/** See to it that one more can be linked. False: there is no memory. */
MCPZ_MUST_USE bool mcpz_sorted_make_room(struct mcpz_sorted *sorted);

/**
 * Link `write` in; there is room (asserted). Returns the one with the same key, which is no longer
 * linked, or NULL.
 */
struct mcpz_write *mcpz_sorted_link(struct mcpz_sorted *sorted, struct mcpz_write *write);

/** Take `write` out, if it is the one linked under its key. Returns whether it was. */
bool mcpz_sorted_unlink(struct mcpz_sorted *sorted, const struct mcpz_write *write);

/** The write under `key`, or NULL. */
struct mcpz_write *mcpz_sorted_find(struct mcpz_sorted *sorted, struct mcpz_bytes key);

/** Where the first write is whose key is greater than `after` (or equal, with `inclusive`). */
struct mcpz_sorted_place mcpz_sorted_seek(struct mcpz_sorted *sorted, struct mcpz_bytes after,
                                          bool inclusive);

/** The write that is there; NULL: behind the last. A place holds until the next change. */
static inline struct mcpz_write *mcpz_sorted_at(const struct mcpz_sorted *sorted,
                                                const struct mcpz_sorted_place *place)
{
    return place->branch < sorted->count
               ? sorted->branches[place->branch].leaf->rows[place->row].write
               : NULL;
}

/** Go on to the next; there is one at `place`. */
static inline void mcpz_sorted_next(const struct mcpz_sorted *sorted,
                                    struct mcpz_sorted_place *place)
{
    if (++place->row == sorted->branches[place->branch].leaf->count) {
        place->row = 0;
        place->branch++;
    }
}

#endif
