#include "engine/signed_layout.h"

#include "crypto/digest.h"
#include "proto/cert.h"
#include "wire/placement_codec.h"

static_assert(MCPZ_DIGEST_BYTES == MCPZ_ID_BYTES, "a digest is a name");

void mcpz_layout_digest(struct mcpz_bytes body, struct mcpz_id *digest)
{
    mcpz_digest(MCPZ_DIGEST_LAYOUT, body, digest->bytes);
}

static mcpz_error sign(const struct mcpz_identity *mesh_key,
                       const struct mcpz_placement *placement, struct mcpz_arena *arena,
                       uint8_t *signature, struct mcpz_bytes *body)
{
    const size_t room = MCPZ_PLACEMENT_BYTES(placement->node_count, placement->zone_count);
    struct mcpz_id digest;
    size_t length = 0;

    uint8_t *bytes = mcpz_arena_take(arena, room, 1);
    if (bytes == NULL) {
        return MCPZ_EFULL;
    }
    mcpz_error error = mcpz_placement_encode(placement, bytes, room, &length);
    if (error != MCPZ_OK) {
        return error;
    }
    *body = mcpz_bytes(bytes, length);
    mcpz_layout_digest(*body, &digest);
    mcpz_identity_sign(mesh_key, mcpz_bytes(digest.bytes, MCPZ_ID_BYTES), signature);
    return MCPZ_OK;
}

mcpz_error mcpz_signed_layout_make(const struct mcpz_identity *mesh_key,
                                   const struct mcpz_placement *placement,
                                   struct mcpz_arena *arena, uint8_t *buffer, size_t capacity,
                                   size_t *length)
{
    const size_t arena_used = arena->used;
    uint8_t signature[MCPZ_SIGNATURE_BYTES] = {0};
    struct mcpz_signed_placement made = {.signature = mcpz_bytes(signature, sizeof(signature))};

    mcpz_error error = sign(mesh_key, placement, arena, signature, &made.body);
    if (error == MCPZ_OK) {
        error = mcpz_signed_placement_encode(&made, buffer, capacity, length);
    }
    mcpz_arena_rewind(arena, arena_used);
    return error;
}

mcpz_error mcpz_signed_layout_open(struct mcpz_bytes bytes, const struct mcpz_id *mesh,
                                   struct mcpz_arena *arena, struct mcpz_opened_layout *opened)
{
    struct mcpz_opened_layout result;
    struct mcpz_signed_placement apart;

    mcpz_error error = mcpz_signed_placement_decode(bytes, &apart);
    if (error != MCPZ_OK) {
        return error;
    }
    mcpz_layout_digest(apart.body, &result.digest);
    error = mcpz_signature_verify(mesh, mcpz_bytes(result.digest.bytes, MCPZ_ID_BYTES),
                                  apart.signature);
    if (error == MCPZ_OK) {
        error = mcpz_placement_decode(apart.body, arena, &result.placement);
    }
    if (error != MCPZ_OK) {
        return error;
    }
    result.stamp = mcpz_layout_stamp_of(result.placement.version, &result.digest);
    *opened = result;
    return MCPZ_OK;
}
