/*
 * The node's secret keys on disk: one line of base32 each, readable by their owner alone.
 *
 * DATA/identity.key is the node, DATA/mesh.key the mesh it made. Whoever has the bytes is the
 * node: a file others can read is refused, not used.
 */

#ifndef EMBED_KEYS_H
#define EMBED_KEYS_H

#include <stdint.h>

#include <mcpz/error.h>

#include "base/attr.h"
#include "embed/trouble.h"

#define MCPZ_KEY_BYTES 32
#define MCPZ_KEY_IDENTITY "identity.key"
#define MCPZ_KEY_MESH "mesh.key"

/**
 * Read DIRECTORY/NAME to `seed` (MCPZ_KEY_BYTES; the caller wipes it).
 *
 * Errors: MCPZ_ENOTFOUND  it is not there; all others are told in `trouble`
 *         MCPZ_EAUTH      others than its owner may read or write it
 *         MCPZ_ECORRUPT   it is not such a line
 *         MCPZ_EIO
 */
MCPZ_MUST_USE mcpz_error mcpz_key_load(const char *directory, const char *name, uint8_t *seed,
                                       struct mcpz_trouble *trouble);

/**
 * Write `seed` to DIRECTORY/NAME, mode 0600. It is on disk when this returns; after a crash it is
 * there whole, or not at all. Replaces.
 *
 * Errors: MCPZ_ENOSPACE, MCPZ_EIO
 */
MCPZ_MUST_USE mcpz_error mcpz_key_store(const char *directory, const char *name,
                                        const uint8_t *seed, struct mcpz_trouble *trouble);

#endif
