/*
 * What is lacking of a blob, got from the nodes that have it.
 *
 *   READ or TAKE (blob/blob_job.h)  ->  lack  ->  "mcpz.blobs/chunks" of a source  ->  LEND or
 * TAKE
 *                     ^-------------------------------------------------------------------+
 *
 * READ lends chunks to itself and writes nothing down; TAKE keeps them. One source is asked at a
 * time, and the next where it fails, has none of it, or sends what is not what was asked for: also
 * in the middle of a blob. Every chunk is verified by its tag and its id.
 *
 * Small blobs are taken together: what all of them lack is asked for at once, and they share the
 * waits for the disk. One that cannot be had holds up none of the others.
 */

#ifndef HTTP_BLOB_FETCH_H
#define HTTP_BLOB_FETCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "blob/blob_job.h"
#include "http/blob_book.h"
#include "http/exchange.h"

#define MCPZ_BLOB_ASK_MS 10000 /* a source's time for up to a megabyte */

/* What is read. */
struct mcpz_blob_fetch {
    struct mcpz_id root;
    char tenant[MCPZ_TENANT_BYTES_MAX + 1];
    uint64_t offset;
    size_t length;
    void (*answer)(struct mcpz_exchange *exchange, struct mcpz_blob_job *job); /* it went well */
};

/* What is taken in. */
struct mcpz_blob_take {
    const struct mcpz_blob_about *abouts; /* of one tenant; borrowed for the call */
    size_t count;                         /* at most MCPZ_BLOB_TAKE_MAX */
    const struct mcpz_id *hint;           /* who has them; NULL: nobody in particular */
};

/** Read it for `exchange`, which waits; what goes wrong is answered. */
void mcpz_blob_fetch(struct mcpz_exchange *exchange, const struct mcpz_blob_fetch *asked);

/** Take them in for `exchange`, which waits: it is answered when all are whole that can be. */
void mcpz_blob_take(struct mcpz_exchange *exchange, const struct mcpz_blob_take *asked);

/** How far has `exchange` come with a blob that it takes in? Also once it was answered. In bytes
 * of the blob, from its start. */
uint64_t mcpz_blob_take_offset(const struct mcpz_exchange *exchange, const struct mcpz_id *root,
                               bool *is_whole);

/** Is it a TAKE that waits because too much was copied of late? mcpz_exchange_again() goes on. */
bool mcpz_blob_take_is_held(const struct mcpz_exchange *exchange);

/** Another node has told what keys it has, or has not answered: go on with what waits for one. */
void mcpz_blob_fetch_keys_came(struct mcpz_api *api);

#endif
