/*
 * Certificates and join tokens to bytes and back, and what is signed of a revocation. Forms and
 * bounds are those of messages (wire/codec.h), but that nothing from the future is skipped in a
 * certificate: all of it is signed.
 */

#ifndef WIRE_CREDENTIALS_H
#define WIRE_CREDENTIALS_H

#include <stddef.h>
#include <stdint.h>

#include <mcpz/error.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/bytes.h"
#include "proto/cert.h"

/**
 * Write the part of `certificate` that its signature covers: all fields but the signature.
 * Bounds are asserted as for messages.
 *
 * Errors: MCPZ_EFULL; MCPZ_EPROTO  a text is not UTF-8
 */
MCPZ_MUST_USE mcpz_error mcpz_certificate_body_encode(const struct mcpz_certificate *certificate,
                                                      uint8_t *buffer, size_t capacity,
                                                      size_t *length);

/** Write what the signature of `revocation` covers: all fields but itself. As above. */
MCPZ_MUST_USE mcpz_error mcpz_revocation_body_encode(const struct mcpz_revocation *revocation,
                                                     uint8_t *buffer, size_t capacity,
                                                     size_t *length);

/** Write a chain, signatures included: [[body, signature], ...]. As above. */
MCPZ_MUST_USE mcpz_error mcpz_certificate_chain_encode(const struct mcpz_certificate_chain *chain,
                                                       uint8_t *buffer, size_t capacity,
                                                       size_t *length);

/**
 * Read a chain of 1 to MCPZ_CHAIN_MAX certificates. Only the canonical encoding is accepted:
 * what the reader would write differently is refused, not normalised. Signatures are not checked
 * here. Slices point into `bytes`. On error `*chain` is unchanged.
 *
 * Errors: MCPZ_ESHORT, MCPZ_EPROTO as for messages.
 */
MCPZ_MUST_USE mcpz_error mcpz_certificate_chain_decode(struct mcpz_bytes bytes,
                                                       struct mcpz_certificate_chain *chain);

/**
 * Write a token as text: MCPZ_TOKEN_PREFIX and base32 of its encoding, with a terminator.
 *
 * Bounds are asserted as for messages. On error `text` is unchanged.
 *
 * Errors: MCPZ_EFULL  `capacity` is too small; MCPZ_EPROTO  a text is not UTF-8
 */
MCPZ_MUST_USE mcpz_error mcpz_token_to_text(const struct mcpz_join_token *token, char *text,
                                            size_t capacity);

/**
 * Read a token somebody typed or pasted (white space around it is dropped). Slices of the result
 * lie in `arena`; give it MCPZ_TOKEN_TEXT_BYTES_MAX for any token. On error `*token` is unchanged.
 *
 * Errors: MCPZ_EPROTO, MCPZ_ESHORT  not a token; MCPZ_EVERSION  a token of another version
 *         (prefix "mcpz" and another number); MCPZ_EFULL  too long, or the arena too small
 */
MCPZ_MUST_USE mcpz_error mcpz_token_from_text(struct mcpz_bytes text, struct mcpz_arena *arena,
                                              struct mcpz_join_token *token);

#endif
