/*
 * Beginning a document anew with a checkpoint: for who holds another branch within it.
 *
 *   take what is ours above  ->  forget the document  ->  (install, floor)  ->  put back
 *
 * Somebody contradicted itself, and all keepers but us had signed the one branch before they saw
 * the other; or we had, and saw the other before we heard that all have. What they signed counts:
 * the state is the checkpoint, and what is here above it comes in again as if it came by itself.
 * What was found out of the contradiction (FORK) stays. So it is done with our own base, or with
 * nothing, where something came of a life when it was over: without that (engine/late.h).
 *
 * All of it is in the batch of one turn, so that a crash finds the document as it was or as it is.
 *
 * Source: docs reference crdt 1.5, G2, G6.
 */

#ifndef ENGINE_REBASE_H
#define ENGINE_REBASE_H

#include <stddef.h>
#include <stdint.h>

#include <mcpz/error.h>

#include "base/attr.h"
#include "engine/engine.h"
#include "proto/checkpoint.h"
#include "proto/id.h"

/* What is taken along at most, as BATCHes. With more above it the document is left as it is. */
#define MCPZ_REBASE_BYTES_MAX 8388608

struct mcpz_rebase;

/**
 * Take what is here of `document` above `agreed`, in the order of its causes, with what shows that
 * it is its authors', and forget the document. Within a turn. Release with mcpz_rebase_destroy().
 * What `closer` (NULL: nobody) says is not of the lives that it closes is left behind.
 *
 * Errors: MCPZ_EFULL  there is more than MCPZ_REBASE_BYTES_MAX; MCPZ_ENOMEM
 *         MCPZ_ENOTFOUND, MCPZ_ECORRUPT, MCPZ_EIO
 * Nothing was changed then, and `*rebase` is NULL.
 */
MCPZ_MUST_USE mcpz_error mcpz_rebase_begin(struct mcpz_engine *engine,
                                           const struct mcpz_id *document,
                                           const struct mcpz_agreed *agreed,
                                           const struct mcpz_delta *closer,
                                           struct mcpz_rebase **rebase);

/** The checkpoint is in, and is the floor: let what was taken along come in, from nobody. */
void mcpz_rebase_put_back(struct mcpz_engine *engine, const struct mcpz_rebase *rebase);

/** NULL is fine. */
void mcpz_rebase_destroy(struct mcpz_rebase *rebase);

#endif
