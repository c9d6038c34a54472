/*
 * Sealing: two nodes speak through others, who carry what they cannot read.
 *
 *   first ->   e                   keys from (e, peer), (self, peer)       [payload]
 *   <- answer  e                   keys from (e, e), (self, e)             [payload]
 *   then, both ways: counter, sealed bytes
 *
 * This is the pattern KK of Noise with both static keys made from the node keys: each end knows
 * whom it speaks to, and only that one can answer. Every session has keys of its own, thrown away
 * with it: who learns a node key later cannot open what was said (but the first message's payload,
 * which is only a certificate). What is repeated, reordered, cut or changed is not opened.
 *
 * The first message can be repeated by who has seen it: the answer is of no use to him, but
 * nothing may be believed of a session before something in it has been opened.
 *
 * Source: T. Perrin, The Noise Protocol Framework, revision 34, sections 5 and 7.5, with
 * X25519 (RFC 7748), XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha-03) and, to derive keys, keyed
 * BLAKE2b (RFC 7693) in place of HKDF.
 */

#ifndef CRYPTO_SEAL_H
#define CRYPTO_SEAL_H

#include <stddef.h>
#include <stdint.h>

#include <mcpz/error.h>

#include "base/attr.h"
#include "base/bytes.h"
#include "crypto/identity.h"
#include "proto/id.h"
#include "proto/sealer.h"

#define MCPZ_SEAL_FRESH_BYTES 32

struct mcpz_seal;

/* The two ends, and randomness of this session alone. Borrowed for the call. */
struct mcpz_seal_ends {
    const struct mcpz_identity *self;
    const struct mcpz_id *peer;
    const uint8_t *fresh; /* MCPZ_SEAL_FRESH_BYTES: the secret half of our key e */
};

/* Where bytes are written to. */
struct mcpz_seal_room {
    uint8_t *bytes;
    size_t capacity;
    size_t length; /* out */
};

/**
 * Begin a session: write the first message, with `payload` sealed in it, to `message` (payload and
 * MCPZ_SEAL_GREETING_BYTES). Release `*seal` with mcpz_seal_destroy(); NULL on error.
 *
 * Errors: MCPZ_ENOMEM; MCPZ_EAUTH  the peer's id is no key; MCPZ_EFULL  no room
 */
MCPZ_MUST_USE mcpz_error mcpz_seal_begin(const struct mcpz_seal_ends *ends,
                                         struct mcpz_bytes payload, struct mcpz_seal_room *message,
                                         struct mcpz_seal **seal);

/**
 * Take in a first message and what was sealed in it. mcpz_seal_answer() must follow.
 *
 * Errors: MCPZ_ENOMEM; MCPZ_EAUTH  it is not from that peer, or not for us; MCPZ_EFULL  no room
 */
MCPZ_MUST_USE mcpz_error mcpz_seal_accept(const struct mcpz_seal_ends *ends,
                                          struct mcpz_bytes message,
                                          struct mcpz_seal_room *payload, struct mcpz_seal **seal);

/** Write the answer, with `payload` sealed in it. The session is ready. Errors: MCPZ_EFULL */
MCPZ_MUST_USE mcpz_error mcpz_seal_answer(struct mcpz_seal *seal, struct mcpz_bytes payload,
                                          struct mcpz_seal_room *answer);

/**
 * Take in the answer and what was sealed in it. The session is ready; on error it is as before.
 *
 * Errors: MCPZ_EAUTH  it is not the peer's answer to our message; MCPZ_EFULL  no room
 */
MCPZ_MUST_USE mcpz_error mcpz_seal_finish(struct mcpz_seal *seal, struct mcpz_bytes answer,
                                          struct mcpz_seal_room *payload);

/** Seal `plain`: MCPZ_SEAL_BYTES more than it has. Errors: MCPZ_EFULL  no room */
MCPZ_MUST_USE mcpz_error mcpz_seal_close(struct mcpz_seal *seal, struct mcpz_bytes plain,
                                         struct mcpz_seal_room *sealed);

/**
 * Open what the peer has sealed.
 *
 * Errors: MCPZ_EAUTH  it is not the peer's, or was changed; nothing has happened
 *         MCPZ_EUSED  it was opened before
 *         MCPZ_ESHORT it is the peer's, but something before it has not come: the session is over
 *         MCPZ_EFULL  no room
 */
MCPZ_MUST_USE mcpz_error mcpz_seal_open(struct mcpz_seal *seal, struct mcpz_bytes sealed,
                                        struct mcpz_seal_room *plain);

/** Wipe the keys. NULL is fine. */
void mcpz_seal_destroy(struct mcpz_seal *seal);

#endif
