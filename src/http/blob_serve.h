/*
 * What nodes ask each other about blobs, over calls (http/fellows.h). No HTTP client can.
 *
 *   POST mcpz.blobs/chunks  {"chunks": ["c-...", ...]}  ->  those that are here (chunk_letter.h)
 *   GET  mcpz.blobs/stat?blob=b-...                     ->  what is here of it, and whether it
 *                                                           is needed (blob_stray.h)
 *   POST mcpz.blobs/keep    {blob, tenant, size, chunks, made_ms, from, ref, write, said}
 *                           ->  200 it is whole here, and on the disk, and `ref` is written down
 *                               202 that is to come: ask again
 *                               404 nobody needs it any more; or `ref` does not, though it was
 *                                   `said` somewhere that it does: or it is not known here yet
 *   POST mcpz.blobs/forget  {blob, tenant, ref}         ->  200 `ref` does not need it any more
 *   POST mcpz.blobs/refer   {blob, tenant, size, ref}   ->  200 `ref` needs it: http/blob_refs.h
 *   GET  mcpz.blobs/alias?blob=b-...                    ->  which one it stands for: blob_book.h
 *   POST mcpz.blobs/names   {blob, refs}                ->  which of these agents name it:
 *                                                           http/blob_review.h
 *
 * Who keeps a blob fetches it from whoever says that it has it: so nothing is sent that is there.
 */

#ifndef HTTP_BLOB_SERVE_H
#define HTTP_BLOB_SERVE_H

#include <jansson.h>

#include "http/blob_book.h"

struct mcpz_exchange;
struct mcpz_request;

#define MCPZ_BLOB_SERVE_PATH "mcpz.blobs"

/** Answer another node. */
void mcpz_blob_serve(struct mcpz_exchange *exchange, const struct mcpz_request *request);

/* What `keep` is told. */
struct mcpz_blob_keep {
    struct mcpz_blob_about about;
    struct mcpz_id from; /* who has it */
    const char *ref;     /* who needs it; NULL: that was written down before */
    bool writes;         /* write that down; else another node does, */
    bool is_said;        /* or has done so: one that is not written down was taken back */
};

/** As JSON, the caller's. NULL: out of memory. */
json_t *mcpz_blob_show_keep(const struct mcpz_blob_keep *keep);

/** Have it written down that `ref` does not need a blob of `tenant` any more, here or at a node
 * that keeps it, and answer. */
void mcpz_blob_forget(struct mcpz_exchange *exchange, const struct mcpz_id *root,
                      const char *tenant, const char *ref);

#endif
