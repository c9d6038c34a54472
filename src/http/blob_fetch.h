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

struct mcpz_blob_fetch {
    enum mcpz_blob_ask ask;       /* READ or TAKE */
    struct mcpz_blob_about about; /* READ: root and tenant only */
    uint64_t offset;              /* READ: */
    size_t length;
    const struct mcpz_id *hint; /* who has it; NULL: nobody in particular */

    /* READ: it went well. TAKE: it is whole; the exchange is to be answered. */
    void (*answer)(struct mcpz_exchange *exchange, struct mcpz_blob_job *job);
};

/** Fetch it for `exchange`, which waits; what goes wrong is answered. */
void mcpz_blob_fetch(struct mcpz_exchange *exchange, const struct mcpz_blob_fetch *asked);

/** How far a TAKE has come, in bytes of the blob. */
uint64_t mcpz_blob_fetch_offset(const struct mcpz_exchange *exchange);

/** Is it a TAKE that waits because too much was copied of late? mcpz_exchange_again() goes on. */
bool mcpz_blob_fetch_is_held(const struct mcpz_exchange *exchange);

/** Another node has told what keys it has, or has not answered: go on with what waits for one. */
void mcpz_blob_fetch_keys_came(struct mcpz_api *api);

#endif
