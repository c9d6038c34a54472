/* A document that is forgotten here, with all that was kept of it: others have it. */

#ifndef CORE_CRDT_FORGET_H
#define CORE_CRDT_FORGET_H

#include <mcpz/error.h>

#include "base/attr.h"
#include "proto/id.h"
#include "proto/store.h"

/**
 * Remove what the store holds of `document`, in this turn: half a document would be none.
 *
 * Errors: MCPZ_ECORRUPT, MCPZ_EIO  some of it may be gone
 */
MCPZ_MUST_USE mcpz_error mcpz_document_forget(const struct mcpz_store *store,
                                              const struct mcpz_id *document);

#endif
