/*
 * Writes, and the batches they travel in.
 *
 * One allocation per write, key and value included, so that what a read borrows does not move:
 * it goes with its batch, between two turns. The store thread only reads `next`, key, value and
 * the two flags, which do not change once the batch is handed over; the links are the loop's.
 */

#ifndef STORE_BATCH_H
#define STORE_BATCH_H

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mcpz/error.h>

#include "base/bytes.h"

struct mcpz_batch;

/* A key and what becomes of it. */
struct mcpz_write {
    struct mcpz_write *next;        /* in its batch, in the order they were made */
    const struct mcpz_batch *batch; /* it is in; NULL: durable, where that stays in memory */
    struct mcpz_write *older; /* store/unsaved.h: what it came in place of, if that stays there */
    uint32_t value_length;
    uint16_t key_length;
    bool removed;    /* the key goes; there is no value */
    bool replaced;   /* by a later write of the same batch: need not reach the disk */
    uint8_t bytes[]; /* key, value: with what is above, mostly one line of the cache more */
};

/* What one turn wrote. */
struct mcpz_batch {
    struct mcpz_batch *next;
    struct mcpz_write *first;
    struct mcpz_write *last;
    size_t count; /* of writes */
    size_t bytes; /* of memory */
    uint64_t number;
};

/* Batches in the order they were made. */
struct mcpz_batches {
    struct mcpz_batch *first;
    struct mcpz_batch *last;
};

static inline struct mcpz_bytes mcpz_write_key(const struct mcpz_write *write)
{
    return mcpz_bytes(write->bytes, write->key_length);
}

static inline struct mcpz_bytes mcpz_write_value(const struct mcpz_write *write)
{
    return mcpz_bytes(write->bytes + write->key_length, write->value_length);
}

/** The first eight bytes of a key as a number: where those of two keys differ, they order them. */
static inline uint64_t mcpz_write_front(struct mcpz_bytes key)
{
    uint64_t front = 0;

    if (key.length >= sizeof(front)) { /* of a length that the compiler knows */
        memcpy(&front, key.data, sizeof(front));
    } else if (key.length > 0) {
        memcpy(&front, key.data, key.length);
    }
    return be64toh(front);
}

/** What a write takes, in bytes: mcpz_write_create(), and its place among the sorted. */
size_t mcpz_write_bytes(struct mcpz_bytes key, struct mcpz_bytes value);

/** Copy key and value. NULL if there is no memory. */
struct mcpz_write *mcpz_write_create(struct mcpz_bytes key, struct mcpz_bytes value);
void mcpz_write_destroy(struct mcpz_write *write);

/** Empty. NULL if there is no memory. */
struct mcpz_batch *mcpz_batch_create(uint64_t number);

/** With its writes. NULL is fine. */
void mcpz_batch_destroy(struct mcpz_batch *batch);

/** Append; the batch owns `write`, which is `bytes` big. */
void mcpz_batch_add(struct mcpz_batch *batch, struct mcpz_write *write, size_t bytes);

void mcpz_batches_append(struct mcpz_batches *batches, struct mcpz_batch *batch);

/** Move all of `more` to the end of `batches`. */
void mcpz_batches_join(struct mcpz_batches *batches, struct mcpz_batches *more);

/** Take the oldest off. NULL if there is none. */
struct mcpz_batch *mcpz_batches_take(struct mcpz_batches *batches);

void mcpz_batches_destroy(struct mcpz_batches *batches);

#endif
