/*
 * Layouts of the storage to bytes and back: [version, partition bits, copies, zones apart,
 * previous, [zone ...], [[id, zone, weight, state] ...]]. Forms are those of messages
 * (wire/codec.h), but that nothing from the future is skipped: a layout's digest names it, and is
 * what its makers sign.
 */

#ifndef WIRE_PLACEMENT_CODEC_H
#define WIRE_PLACEMENT_CODEC_H

#include <stddef.h>
#include <stdint.h>

#include <mcpz/error.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/bytes.h"
#include "proto/cert.h"
#include "proto/placement.h"

#define MCPZ_PLACEMENT_NODE_BYTES_MAX 43 /* of one node */
#define MCPZ_PLACEMENT_ZONE_BYTES_MAX (MCPZ_NAME_BYTES_MAX + 2)

/** Room for a layout of so many nodes and zones. */
#define MCPZ_PLACEMENT_BYTES(nodes, zones)                                                        \
    (64 + (nodes)*MCPZ_PLACEMENT_NODE_BYTES_MAX + (zones)*MCPZ_PLACEMENT_ZONE_BYTES_MAX)
#define MCPZ_PLACEMENT_BYTES_MAX                                                                  \
    MCPZ_PLACEMENT_BYTES(MCPZ_PLACEMENT_NODES_MAX, MCPZ_PLACEMENT_ZONES_MAX)

/** Write a valid layout (asserted). Errors: MCPZ_EFULL  `capacity` is too small */
MCPZ_MUST_USE mcpz_error mcpz_placement_encode(const struct mcpz_placement *placement,
                                               uint8_t *buffer, size_t capacity, size_t *length);

/**
 * Read a layout. Only the bytes that mcpz_placement_encode() writes of a valid one are accepted;
 * others are refused, not normalised. Names point into `bytes`, lists lie in `arena`, which on
 * error is as before, and `*placement` too.
 *
 * Errors: MCPZ_ESHORT, MCPZ_EPROTO  not such bytes; MCPZ_EFULL  the arena is too small: give it
 *         three times the length of the bytes, and 1 KiB
 */
MCPZ_MUST_USE mcpz_error mcpz_placement_decode(struct mcpz_bytes bytes, struct mcpz_arena *arena,
                                               struct mcpz_placement *placement);

/** Room for a signed layout whose body has so many bytes. */
#define MCPZ_SIGNED_PLACEMENT_BYTES(body) ((body) + MCPZ_SIGNATURE_BYTES + 8)

/**
 * Write [body, signature]. The body is 1 to MCPZ_PLACEMENT_BYTES_MAX bytes, the signature
 * MCPZ_SIGNATURE_BYTES (asserted). Errors: MCPZ_EFULL  `capacity` is too small
 */
MCPZ_MUST_USE mcpz_error
mcpz_signed_placement_encode(const struct mcpz_signed_placement *signed_placement, uint8_t *buffer,
                             size_t capacity, size_t *length);

/**
 * Read them apart, in the one form there is; slices point into `bytes`. Neither the body nor the
 * signature is looked at. On error `*signed_placement` is unchanged.
 *
 * Errors: MCPZ_ESHORT, MCPZ_EPROTO
 */
MCPZ_MUST_USE mcpz_error mcpz_signed_placement_decode(
    struct mcpz_bytes bytes, struct mcpz_signed_placement *signed_placement);

#endif
