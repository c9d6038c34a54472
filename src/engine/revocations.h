/*
 * Nodes that are gone for good (proto/revocation.h): signed by who holds the mesh's key, judged
 * and kept by everybody, and told to everybody.
 *
 *   a link is admitted:     REVOKED {digest}               ->  if there are any
 *   the digests differ:  <- REVOKED {digest, asks, all}
 *                           REVOKED {all}                  ->
 *   one is new here:        REVOKED {it}                   ->  to all other links
 *
 * Who is revoked gets no link: it is refused, and shown why, so it need not take anybody's word
 * for it. It then closes what it has and dials nobody any more. Its member is told as one that has
 * left, so nobody waits for it. What it has written stays, and goes round as before.
 *
 * A coordinator's certificates are worth nothing once it is revoked, but to those that were met
 * before: it might give out new ones, and say that they are old. They get one from somebody else.
 *
 * There are as many as MCPZ_REVOCATIONS_MAX; of one node the first that comes is kept. Left out:
 * revoking with less than the mesh's key. One who may admit others could shut out all the rest.
 */

#ifndef ENGINE_REVOCATIONS_H
#define ENGINE_REVOCATIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mcpz/error.h>

#include "base/attr.h"
#include "proto/limits.h"
#include "proto/msg.h"
#include "proto/revocation.h"

struct mcpz_engine;
struct mcpz_link_row;

struct mcpz_kept_revocation;

struct mcpz_revocations {
    struct mcpz_kept_revocation *rows[MCPZ_REVOCATIONS_MAX];
    size_t count;
    uint64_t digest; /* of the nodes; 0: there are none */
    bool are_we;     /* we are one of them */
};

/** Start with what the store holds. Errors: MCPZ_ECORRUPT, MCPZ_EIO, MCPZ_ENOMEM */
MCPZ_MUST_USE mcpz_error mcpz_revocations_load(struct mcpz_engine *engine);

/** Forget all; we have left the mesh: in the store as well. */
void mcpz_revocations_clear(struct mcpz_engine *engine);
void mcpz_revocations_start_over(struct mcpz_engine *engine);

/** Write all again, and tell of it: a batch was lost, and with it what was to be told. */
void mcpz_revocations_rewrite(struct mcpz_engine *engine);

/** That `node` is revoked; NULL: it is not. */
const struct mcpz_revocation *mcpz_revocations_find(const struct mcpz_engine *engine,
                                                    const struct mcpz_id *node);

/** A link was admitted: say what we know, if we do. */
void mcpz_revocations_greet(struct mcpz_engine *engine, struct mcpz_link_row *row);

/** Take in what an admitted peer says. */
void mcpz_revocations_hear(struct mcpz_engine *engine, struct mcpz_link_row *row,
                           const struct mcpz_msg_revoked *said);

/** Somebody says that we are revoked, and shows it: believe it if it is so. */
void mcpz_revocations_believe(struct mcpz_engine *engine, const struct mcpz_revocation *proof);

/** What is said to `node`'s face: the text of REFUSE. As long as `capacity` allows. */
void mcpz_revocations_explain(const struct mcpz_revocation *revocation, char *text,
                              size_t capacity);

#endif
