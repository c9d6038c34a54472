/*
 * Membership certificates: giving them out and judging them.
 *
 * Valid is a chain whose leaf names this mesh and this node, within its time, signed by the
 * mesh's key; or by a coordinator whose own certificate, second in the chain, has that role and
 * is signed by the mesh's key. The order of the checks: form, mesh, node, time, signatures.
 */

#ifndef ENGINE_CERTIFICATE_H
#define ENGINE_CERTIFICATE_H

#include <stdint.h>

#include <mcpz/error.h>

#include "base/attr.h"
#include "base/bytes.h"
#include "crypto/identity.h"
#include "proto/cert.h"

/* Clocks of two machines may differ by so much before a fresh certificate looks unborn. */
#define MCPZ_CERTIFICATE_SKEW_MS 300000

/** An encoded chain, kept by value. */
struct mcpz_certificate_bytes {
    uint8_t bytes[MCPZ_CERTIFICATE_BYTES_MAX];
    size_t length;
};

static inline struct mcpz_bytes mcpz_certificate_slice(const struct mcpz_certificate_bytes *kept)
{
    return mcpz_bytes(kept->bytes, kept->length);
}

/**
 * Sign `leaf` (its issuer and signature are filled in) and write the chain to `*encoded`.
 *
 * `signer` is the mesh's key, or a coordinator's with `own` its own chain (empty for the mesh).
 *
 * Errors: MCPZ_EFULL  it does not fit MCPZ_CERTIFICATE_BYTES_MAX
 *         MCPZ_EAUTH  `own` is itself signed by a coordinator: the chain would be too long
 */
MCPZ_MUST_USE mcpz_error mcpz_certificate_issue(const struct mcpz_identity *signer,
                                                struct mcpz_bytes own,
                                                struct mcpz_certificate *leaf,
                                                struct mcpz_certificate_bytes *encoded);

/**
 * Judge an encoded chain shown by `node`. On success `*leaf` (may be NULL) points into `encoded`.
 *
 * Errors: MCPZ_EPROTO, MCPZ_ESHORT  not a canonical chain
 *         MCPZ_ENOTFOUND  of another mesh
 *         MCPZ_EAUTH      of another node, or not signed by who may
 *         MCPZ_EEXPIRED   out of its time
 */
MCPZ_MUST_USE mcpz_error mcpz_certificate_verify(struct mcpz_bytes encoded,
                                                 const struct mcpz_id *mesh,
                                                 const struct mcpz_id *node, uint64_t wall_ms,
                                                 struct mcpz_certificate *leaf);

/**
 * Judge a chain that shows whose an author's deltas are: as above, whatever the time. What
 * depended on the hour would be valid for one node and not for another.
 *
 * Errors: as above, but for MCPZ_EEXPIRED
 */
MCPZ_MUST_USE mcpz_error mcpz_certificate_verify_author(struct mcpz_bytes encoded,
                                                        const struct mcpz_id *mesh,
                                                        const struct mcpz_id *author);

bool mcpz_certificate_has_role(const struct mcpz_certificate *certificate, const char *role);

#endif
