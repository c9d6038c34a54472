/* How a node, a mesh and a document are named. */

#ifndef PROTO_ID_H
#define PROTO_ID_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <mcpz/error.h>

#include "base/attr.h"
#include "base/bytes.h"

#define MCPZ_ID_BYTES 32

/* "n-" and 52 characters of base32, and the terminator. */
#define MCPZ_ID_TEXT_BYTES 55

/* Letters of the base32 people see where they are unambiguous. */
#define MCPZ_ID_SHORT_CHARS 8

/*
 * A node's Ed25519 public key; or a mesh's; or the hash that names a document. Passed by value or
 * by pointer, compared with mcpz_id_equal().
 */
struct mcpz_id {
    uint8_t bytes[MCPZ_ID_BYTES];
};

static inline bool mcpz_id_equal(const struct mcpz_id *a, const struct mcpz_id *b)
{
    return memcmp(a->bytes, b->bytes, MCPZ_ID_BYTES) == 0;
}

/* A total order, the same on every machine. */
static inline int mcpz_id_compare(const struct mcpz_id *a, const struct mcpz_id *b)
{
    return memcmp(a->bytes, b->bytes, MCPZ_ID_BYTES);
}

bool mcpz_id_is_zero(const struct mcpz_id *id);

/**
 * Write `id` as text: `prefix` ('n' node, 'm' mesh, 'd' document), '-', base32.
 *
 * `text` has room for MCPZ_ID_TEXT_BYTES.
 */
void mcpz_id_to_text(const struct mcpz_id *id, char prefix, char *text);

/**
 * Read the text form. Errors: MCPZ_EPROTO  not `prefix`, '-' and 52 canonical base32 characters
 */
MCPZ_MUST_USE mcpz_error mcpz_id_from_text(struct mcpz_bytes text, char prefix,
                                           struct mcpz_id *id);

#define MCPZ_BLOB_MARK "mcpzblob"
#define MCPZ_BLOB_MARK_BYTES 8

/** Does the id of a document end in MCPZ_BLOB_MARK: is it about a blob, and no agent's? */
bool mcpz_id_is_of_blob(const struct mcpz_id *document);

#endif
