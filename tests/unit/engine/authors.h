/* Authors that are no engine: what they sign, and who says that they may. */

#ifndef TEST_AUTHORS_H
#define TEST_AUTHORS_H

#include "engine/batch.h"
#include "engine/certificate.h"
#include "engine/internal.h"
#include "test.h"
#include "wire/records.h"

/* A BATCH of `delta` alone; its bytes are at `bytes`, MCPZ_DELTA_BYTES_MAX. */
static inline struct mcpz_msg sign(const struct mcpz_identity *author,
                                   const struct mcpz_delta *delta, uint8_t *bytes)
{
    static struct mcpz_verified ours;
    static struct mcpz_bytes slice;
    static struct mcpz_batch_made made;
    struct mcpz_merkle_digest leaf;

    slice = mcpz_bytes(bytes, mcpz_delta_encode(delta, bytes, MCPZ_DELTA_BYTES_MAX));
    mcpz_batch_leaf(slice, &leaf);
    mcpz_batch_sign(author, &delta->actor, &leaf, 1, &ours, &made);
    return (struct mcpz_msg){
        .kind = MCPZ_MSG_BATCH,
        .batch = {.part = {.seal = {.author = delta->actor,
                                    .count = 1,
                                    .signature =
                                        mcpz_bytes(made.signature, sizeof(made.signature))}},
                  .deltas = &slice,
                  .delta_count = 1},
    };
}

/* crdt P16: whatever is not its author's leaves everything as it is. */
/* Who is of the mesh because `authority` says so. */
static inline struct mcpz_certificate_bytes certify(const struct mcpz_identity *authority,
                                                    const struct mcpz_identity *node)
{
    struct mcpz_certificate_bytes encoded;
    struct mcpz_certificate leaf = {.mesh = *mcpz_identity_id(authority),
                                    .node = *mcpz_identity_id(node),
                                    .not_before_ms = 1,
                                    .not_after_ms = 2}; /* long ago */

    CHECK_UINT(mcpz_certificate_issue(authority, mcpz_bytes(NULL, 0), &leaf, &encoded), MCPZ_OK);
    return encoded;
}

static inline struct mcpz_msg author_msg(const struct mcpz_identity *author,
                                         const struct mcpz_certificate_bytes *certificate)
{
    return (struct mcpz_msg){
        .kind = MCPZ_MSG_AUTHOR,
        .author = {.author = *mcpz_identity_id(author),
                   .certificate = mcpz_certificate_slice(certificate)},
    };
}

#endif
