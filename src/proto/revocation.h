/*
 * That a node is gone for good: said once, by who holds the mesh's key, and true for ever.
 *
 * It is of a node's id, which is its key, and so of all certificates that it has or will have. The
 * machine comes back with another key or not at all. wire/credentials.h has what is signed,
 * engine/revocations.h signs, judges and hands on.
 */

#ifndef PROTO_REVOCATION_H
#define PROTO_REVOCATION_H

#include <stdint.h>

#include "base/bytes.h"
#include "proto/id.h"

struct mcpz_revocation {
    struct mcpz_id node;
    struct mcpz_bytes name;      /* what it was called; for people, as all texts here */
    struct mcpz_id by;           /* the node where it was signed, */
    struct mcpz_bytes by_name;   /* and what that was called */
    uint64_t at_ms;              /* by the wall clock there */
    struct mcpz_bytes reason;    /* at most MCPZ_REVOCATION_REASON_BYTES_MAX; may be empty */
    struct mcpz_bytes signature; /* of the mesh's key, over the fields above */
};

#endif
