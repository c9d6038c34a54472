/*
 * A store for tests of the core: a sorted table of records. Keeps the promise that what was read
 * is good until the turn ends, and no longer: what is replaced is freed at the end of the turn.
 */

#ifndef FAKE_STORE_H
#define FAKE_STORE_H

#include <stdbool.h>
#include <stddef.h>

#include "proto/store.h"

struct fake_row;

struct fake_store {
    struct mcpz_store port;
    struct fake_row **rows; /* sorted by key */
    size_t count;
    size_t capacity;
    struct fake_row *gone; /* replaced or removed in this turn */
    size_t writes;         /* puts and removes so far */
    size_t reads_left;     /* then every read fails with `error`, if that is set */
    mcpz_error error;
};

void fake_store_init(struct fake_store *store);
void fake_store_finish(struct fake_store *store);

/* The port's delta_id, for deltas that a test makes itself. */
void fake_store_delta_id(void *context, const struct mcpz_delta *delta, struct mcpz_id *id);

/* Frees what was replaced. */
void fake_store_end_turn(struct fake_store *store);

/* Make `to`, which is empty, equal to `from`. */
void fake_store_copy(struct fake_store *to, const struct fake_store *from);

/* From now on `reads` reads succeed, then all fail with `error`. MCPZ_OK: all succeed. */
void fake_store_fail_after(struct fake_store *store, size_t reads, mcpz_error error);

/* Are all records, deltas included, equal to the byte, but for who changed what when? */
bool fake_store_equal(const struct fake_store *a, const struct fake_store *b);

size_t fake_store_count(const struct fake_store *store, enum mcpz_record_kind kind);

/* The `index`-th record of a kind; must exist. */
const struct mcpz_record *fake_store_at(const struct fake_store *store, enum mcpz_record_kind kind,
                                        size_t index);

#endif
