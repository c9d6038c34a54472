/*
 * Agents that other nodes keep, for an export: asked for page by page (http/export_serve.h), while
 * it is read.
 *
 *   ids of all that keep agents, a page of each -> merged, in order -> some documents
 *     -> what they are made of, of one that has them; of the next one that has them if it fails
 *
 * In the end it is looked at whether all has been heard of: each partition by one at least of
 * those that are read. What could not be had is told with the partitions it is in.
 */

#ifndef HTTP_EXPORT_ELSEWHERE_H
#define HTTP_EXPORT_ELSEWHERE_H

#include "http/exchange.h"
#include "http/snapshot.h"
#include "wire/value.h"

struct mcpz_elsewhere;

enum mcpz_elsewhere_step {
    MCPZ_ELSEWHERE_GOES_ON = 1, /* to be called again, in another turn */
    MCPZ_ELSEWHERE_NAMES,       /* mcpz_elsewhere_named(): to be written before it goes on */
    MCPZ_ELSEWHERE_WAITS,       /* `exchange` works again when there is an answer */
    MCPZ_ELSEWHERE_OVER,
    MCPZ_ELSEWHERE_ABSENT, /* of one document: nobody has it */
    MCPZ_ELSEWHERE_FAILED, /* out of memory */
};

/**
 * Begin, for the tenants that `exchange` asks for, or for `document` only (NULL: all). Release
 * with mcpz_elsewhere_destroy().
 *
 * NULL: out of memory.
 */
struct mcpz_elsewhere *mcpz_elsewhere_create(struct mcpz_exchange *exchange,
                                             const struct mcpz_id *document);

/** Cancels what is asked. NULL is fine. */
void mcpz_elsewhere_destroy(struct mcpz_elsewhere *elsewhere);

/** Go on, and write what has come. Not within the engine's turn of others. */
enum mcpz_elsewhere_step mcpz_elsewhere_work(struct mcpz_elsewhere *elsewhere,
                                             struct mcpz_snapshot_writer *writer);

/** The blob that the documents name whose messages come next; `tenant` is borrowed until work. */
void mcpz_elsewhere_named(const struct mcpz_elsewhere *elsewhere, struct mcpz_blob_ref *named);

#endif
