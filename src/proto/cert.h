/*
 * Membership and invitation as data: certificates and join tokens.
 *
 * A certificate says: this node is of this mesh. It is signed by the mesh's own key, or by a
 * coordinator whose certificate, signed by the mesh's key, travels with it. wire/credentials.h has
 * its bytes, engine/certificate.h issues and verifies.
 */

#ifndef PROTO_CERT_H
#define PROTO_CERT_H

#include <stdint.h>

#include "base/bytes.h"
#include "proto/id.h"
#include "proto/limits.h"
#include "proto/msg.h"

#define MCPZ_SIGNATURE_BYTES 64
#define MCPZ_CHAIN_MAX 2 /* leaf first, then the coordinator that signed it */

#define MCPZ_ROLE_COORDINATOR "coordinator" /* may admit others */

#define MCPZ_CERTIFICATE_LIFE_MS (UINT64_C(90) * 24 * 3600 * 1000)

struct mcpz_certificate {
    struct mcpz_id mesh;
    struct mcpz_id node;
    struct mcpz_id issuer; /* the mesh itself, or a coordinator */
    uint64_t serial;
    uint64_t not_before_ms; /* wall clock, since 1970 */
    uint64_t not_after_ms;
    struct mcpz_bytes zone;   /* may be empty: any */
    struct mcpz_bytes tenant; /* may be empty: the default tenant */
    struct mcpz_bytes roles[MCPZ_ROLES_MAX];
    size_t role_count;
    struct mcpz_bytes signature; /* MCPZ_SIGNATURE_BYTES over the fields above */
};

struct mcpz_certificate_chain {
    struct mcpz_certificate certificates[MCPZ_CHAIN_MAX];
    size_t count; /* 1 or 2 */
};

/* What "mcpz1-..." holds. */
struct mcpz_join_token {
    struct mcpz_id mesh;
    struct mcpz_bytes id;     /* MCPZ_TOKEN_ID_BYTES: names the token, no secret */
    struct mcpz_bytes secret; /* MCPZ_SECRET_BYTES: never sent over a link */
    uint64_t expires_ms;      /* wall clock */
    uint32_t uses;
    struct mcpz_bytes role; /* what the joiner will be certified for; may be empty */
    struct mcpz_bytes addresses[MCPZ_SEEDS_MAX]; /* host:port of nodes that know the token */
    size_t address_count;
};

#define MCPZ_SECRET_BYTES 32
#define MCPZ_TOKEN_PREFIX "mcpz1-"
#define MCPZ_TOKEN_TEXT_BYTES_MAX 8192

#endif
