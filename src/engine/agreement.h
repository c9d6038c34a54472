/*
 * What the keepers of a document sign of it, and who they are.
 *
 * Keepers are its owners in all live layouts. Without a layout all members are. All must have
 * signed before anything is dropped (crdt 1.5, G2), also those that are away, unless we have not
 * heard of them within the grace; and they must be a majority of all there have been, or of the
 * owners in each live layout, so that of two parts of a mesh one at most goes on without the
 * other. How many they are is in what they sign.
 */

#ifndef ENGINE_AGREEMENT_H
#define ENGINE_AGREEMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mcpz/error.h>

#include "base/attr.h"
#include "base/bytes.h"
#include "base/time.h"
#include "engine/engine.h"
#include "proto/checkpoint.h"
#include "proto/id.h"

/* The fewest that may drop what a document was made of: nobody is left to ask where there is one.
 */
#define MCPZ_KEEPERS_MIN 2
#define MCPZ_KEEPERS_MEET_US MCPZ_SECONDS(5) /* by then they are linked, or cannot be */

struct mcpz_keepers {
    struct mcpz_id others[MCPZ_COSIGNATURES_MAX - 1]; /* but ourselves */
    size_t count;
    bool is_complete; /* nobody is away, and they are no more than can sign */
    bool are_linked;
};

/** Find who keeps `document` beside us. `is_complete` false: also if we do not keep it. */
void mcpz_keepers_find(struct mcpz_engine *engine, const struct mcpz_id *document,
                       struct mcpz_keepers *keepers);

/** Have those be asked for links who have none, or for sessions (MCPZ_EVENT_MEET). */
void mcpz_keepers_meet(struct mcpz_engine *engine, const struct mcpz_keepers *keepers);

/** Are they the same? */
bool mcpz_keepers_are_same(const struct mcpz_keepers *a, const struct mcpz_keepers *b);

/** Is everybody there whom we have met: but who said goodbye, longer ago than the grace? */
bool mcpz_keepers_nobody_is_away(struct mcpz_engine *engine);

/* What is signed: the document, what was seen, what it came to, and how many keep it. */
struct mcpz_agreement {
    struct mcpz_id document;
    struct mcpz_id state;
    struct mcpz_id root;
    uint32_t replicas; /* 0: nothing is to be dropped for it */
};

/** What `agreed` says of `document`, as it is signed. */
struct mcpz_agreement mcpz_agreement_of(const struct mcpz_id *document,
                                        const struct mcpz_agreed *agreed);

/** Sign it. `signature`: MCPZ_SIGNATURE_BYTES. */
void mcpz_agreement_sign(const struct mcpz_engine *engine, const struct mcpz_agreement *agreement,
                         uint8_t *signature);

/** Has `signer` signed it? Errors: MCPZ_EAUTH, MCPZ_EPROTO */
MCPZ_MUST_USE mcpz_error mcpz_agreement_verify(const struct mcpz_id *signer,
                                               const struct mcpz_agreement *agreement,
                                               struct mcpz_bytes signature);

/**
 * Have as many signed `agreed` as it says there were, whoever they are?
 *
 * Errors: MCPZ_EPROTO, MCPZ_EAUTH, MCPZ_ENOTFOUND (too few)  as below
 */
MCPZ_MUST_USE mcpz_error mcpz_agreement_is_signed(const struct mcpz_id *document,
                                                  const struct mcpz_agreed *agreed);

/**
 * Have as many members signed `agreed` as they say there were? How many keep it now says nothing
 * of how many did then, so two who lie together can make one up: f is 1. With `from` (NULL: a
 * file) those it knows are asked who we do not know.
 *
 * Errors: MCPZ_EPROTO     not a vector, or not that many different signers
 *         MCPZ_EAUTH      forged
 *         MCPZ_ENOTFOUND  a signer is not known; or there are too few
 */
MCPZ_MUST_USE mcpz_error mcpz_agreement_check(struct mcpz_engine *engine,
                                              const struct mcpz_id *from,
                                              const struct mcpz_id *document,
                                              const struct mcpz_agreed *agreed);

#endif
