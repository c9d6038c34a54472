/*
 * Layouts of the storage (proto/placement.h) as they are handed on: made by whoever holds the
 * mesh's key, and judged by everybody.
 *
 * What is signed is the digest of the layout's bytes, which is also its name: the layout that is
 * made from it says so, and two of one version are ordered by it. A certificate's signature is
 * over longer bytes, so neither can pass for the other.
 *
 * Left out: layouts by several operators together (t of m); a mesh has one key.
 */

#ifndef ENGINE_SIGNED_LAYOUT_H
#define ENGINE_SIGNED_LAYOUT_H

#include <stddef.h>
#include <stdint.h>

#include <mcpz/error.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/bytes.h"
#include "crypto/identity.h"
#include "proto/placement.h"

/** The name of a layout, from its bytes as wire/placement_codec.h writes them. */
void mcpz_layout_digest(struct mcpz_bytes body, struct mcpz_id *digest);

/**
 * Sign a valid layout (asserted) with the mesh's key and write it to `buffer`. `arena` holds its
 * bytes meanwhile, and is as before when this returns.
 *
 * Errors: MCPZ_EFULL  `buffer`, or the arena, is too small
 */
MCPZ_MUST_USE mcpz_error mcpz_signed_layout_make(const struct mcpz_identity *mesh_key,
                                                 const struct mcpz_placement *placement,
                                                 struct mcpz_arena *arena, uint8_t *buffer,
                                                 size_t capacity, size_t *length);

/* What is known of a layout that was opened. Names point into the bytes it came from. */
struct mcpz_opened_layout {
    struct mcpz_placement placement; /* lists in the arena */
    struct mcpz_id digest;
    struct mcpz_layout_stamp stamp;
};

/**
 * Open what somebody handed on, if the key called `mesh` has signed it. The signature is looked at
 * before what it signs. On error `*opened` is unchanged, and the arena as before.
 *
 * Errors: MCPZ_ESHORT, MCPZ_EPROTO  no signed layout, or no valid one
 *         MCPZ_EAUTH  not signed by that mesh; MCPZ_EFULL  the arena is too small
 */
MCPZ_MUST_USE mcpz_error mcpz_signed_layout_open(struct mcpz_bytes bytes,
                                                 const struct mcpz_id *mesh,
                                                 struct mcpz_arena *arena,
                                                 struct mcpz_opened_layout *opened);

#endif
