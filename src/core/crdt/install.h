/*
 * Taking in a checkpoint: two states become one, without the deltas between them.
 *
 *   an entry stays if both have it, or if the side that has not has not seen its dot either
 *
 * So what was removed on one side does not come back from the other, and what was written here
 * above the checkpoint stays. Where somebody has contradicted itself that holds as long as it has
 * done so above the checkpoint: its branches stay. If it has done so within, both sides must know
 * the same of it, or we nothing from there on; else the document begins anew (engine/rebase.h).
 *
 * Source: Almeida, Shoker, Baquero, "Delta State Replicated Data Types", section 7.2; docs
 * reference crdt 1.3, 1.5 (G6).
 */

#ifndef CORE_CRDT_INSTALL_H
#define CORE_CRDT_INSTALL_H

#include <mcpz/error.h>

#include "base/attr.h"
#include "core/crdt/document.h"
#include "proto/checkpoint.h"
#include "proto/store.h"

/**
 * Join `checkpoint`, which is in its form (wire/checkpoint.h) and stands before its first entry,
 * into `document`; store what changes. On error nothing was written and `document` is unchanged.
 *
 * The checkpoint was vouched for: nothing in it is doubted.
 *
 * Errors: MCPZ_ENOTFOUND  all of it is here already
 *         MCPZ_ECONFLICT  somebody's delta of one number is another here than there, or here are
 *                         other branches within the checkpoint
 *         MCPZ_EFULL      more actors than MCPZ_ACTORS_MAX
 *         MCPZ_ECORRUPT, MCPZ_EIO
 */
MCPZ_MUST_USE mcpz_error mcpz_install(const struct mcpz_store *store,
                                      struct mcpz_document *document,
                                      const struct mcpz_checkpoint *checkpoint);

#endif
