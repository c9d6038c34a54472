/* The root of a document: one hash over its checkpoint, equal exactly where its state is. */

#ifndef ENGINE_ROOT_H
#define ENGINE_ROOT_H

#include <stdint.h>

#include <mcpz/error.h>

#include "base/attr.h"
#include "crypto/digest.h"
#include "proto/id.h"
#include "proto/store.h"

/**
 * Write the root of `document` as `store` has it to `root`, MCPZ_DIGEST_BYTES. Within a turn.
 *
 * Errors: MCPZ_ENOTFOUND  no such document; MCPZ_ECORRUPT, MCPZ_EIO
 */
MCPZ_MUST_USE mcpz_error mcpz_root_of(const struct mcpz_store *store,
                                      const struct mcpz_id *document, uint8_t *root);

#endif
