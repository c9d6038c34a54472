/*
 * What a node that keeps agents tells one that exports them (http/export_elsewhere.h), a page at a
 * time, over calls (http/fellows.h). Nothing is remembered between two pages.
 *
 *   {"tenant", "after"}           which agents there are behind `after`, in the order of ids:
 *                                 u8 1 if those are the last, ids
 *   {"documents", "skip", "state"}  what they are made of, without the first `skip` messages of
 * the first one, if that is as `state` says it was: u32 documents that are said whole, u32
 * messages that are said of the next by now, u64 its state, u8 1 if it is not here, (u32 length,
 * message)*
 *
 * A document's messages come behind the blobs that it names: values, with MCPZ_EXPORT_NAME in
 * their length.
 *
 * Integers are big-endian. "tenant" as people say it; without it everybody's.
 */

#ifndef HTTP_EXPORT_SERVE_H
#define HTTP_EXPORT_SERVE_H

#include <assert.h>
#include <stdint.h>

#include "proto/limits.h"

struct mcpz_exchange;
struct mcpz_request;

#define MCPZ_EXPORT_SERVE_PATH "mcpz.export"
#define MCPZ_EXPORT_IDS_MAX 4096       /* on a page */
#define MCPZ_EXPORT_DOCUMENTS_MAX 64   /* asked for at once */
#define MCPZ_EXPORT_PAGE_BYTES 786432  /* a page that is as long is ended; stays in memory */
#define MCPZ_EXPORT_PAGE_HEAD_BYTES 17 /* of documents */
#define MCPZ_EXPORT_NAME 0x80000000U   /* in a length: it is the name of a blob (wire/value.h) */
#define MCPZ_EXPORT_NAME_BYTES_MAX 128 /* such a value */

static_assert(MCPZ_ENTRIES_MAX * (MCPZ_EXPORT_NAME_BYTES_MAX + 4) < MCPZ_EXPORT_PAGE_BYTES,
              "all names of a document are on a page, and something more");

/** Answer another node. */
void mcpz_export_serve(struct mcpz_exchange *exchange, const struct mcpz_request *request);

#endif
