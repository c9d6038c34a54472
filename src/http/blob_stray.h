/*
 * Copies that are here, and of which nothing says that anybody needs them.
 *
 *   a put tells those who are to keep a blob to fetch it while it is written down who needs it. If
 *   the node that was to write it down dies for good in between, its document never comes
 *
 *   no document here says so, and it is held as a copy only, and not being put
 *     ->  "mcpz.blobs/stat" of all others that are to keep it
 *   somebody knows who needs it, or holds it for whoever put it  ->  it stays
 *   all say that they know of nobody       ->  it is doubted, and goes after a while
 * (blob_doubts.h) somebody cannot be asked, or nobody is to be  ->  nothing is known
 *
 * It must not go when it is about to be needed. Who puts one holds it for that until it is on a
 * disk who needs it (blob_places.h), so these are the races, and what becomes of them:
 *
 *   - Who put it is asked, and still holds it for that: it stays.
 *   - Who put it is not asked, or was away. It goes on asking us to keep it, every two minutes at
 *     least while it runs and when it comes back, and each time it is doubted anew. What was let
 *     go of is held again if it is here still, for ten minutes, and else fetched again.
 *   - It is written down while we ask: the document is looked at again before it goes. If that
 *     comes later it is news, and as above. What was told to be needed is on the disk of one of
 *     those who are asked: who was acknowledged a copy was told by one that had that, too.
 *   - We are asked to keep it while we let go: whoever asked before made it doubted anew, and so
 *     stopped that; for whoever asks after, it is held again. Jobs are done in turn.
 *   - The layout changes: those of all layouts that are in force are asked, and who may not have
 *     heard of the last one says that it does not know.
 *   - Our records were lost, and come back from others: they are those who are asked. Who knows of
 *     no other node lets go of nothing.
 *
 * One is asked about at a time.
 */

#ifndef HTTP_BLOB_STRAY_H
#define HTTP_BLOB_STRAY_H

#include <stdbool.h>

#include "blob/blob_job.h"
#include "http/exchange.h"

#define MCPZ_BLOB_STRAY_ASKED_MIN 3 /* members, where fewer are to keep it */

struct mcpz_api;

/** Is it one, as it is here? What was seen in a list a moment ago is `listed`. */
bool mcpz_blob_stray_is(struct mcpz_api *api, const struct mcpz_blob_listed *listed);

/** Ask about it. None is being asked about (asserted). */
void mcpz_blob_stray_begin(struct mcpz_api *api, const struct mcpz_id *root);

/** Draw the conclusion if all have answered. True: answers are still waited for. */
bool mcpz_blob_stray_look(struct mcpz_api *api);

/** Forget the one that is asked about. */
void mcpz_blob_stray_finish(struct mcpz_api *api);

/** Somebody is to need it: it is no stray now, and has not been. */
void mcpz_blob_stray_claimed(struct mcpz_api *api, const struct mcpz_id *root);

/** What another node is told: "yes", we know who needs the blob or hold it for whoever put it (as
 * `state` says), "no", or "unknown". */
const char *mcpz_blob_stray_word(struct mcpz_exchange *exchange, const struct mcpz_id *root,
                                 const struct mcpz_blob_state *state);

#endif
