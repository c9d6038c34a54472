#include "wire/placement_codec.h"

#include <assert.h>

#include "wire/rows.h"
#include "wire/shape.h"

#define S struct mcpz_storage_node
static const struct mcpz_field node_fields[] = {
    {ID(S, id)},
    {U32_IN(S, zone, 0, MCPZ_PLACEMENT_ZONES_MAX - 1)},
    {U32_IN(S, weight, 1, MCPZ_PLACEMENT_WEIGHT_MAX)},
    {U32_IN(S, state, MCPZ_STORAGE_ACTIVE, MCPZ_STORAGE_LEAVING)},
};
static const struct mcpz_layout node_layout = LAYOUT(S, node_fields);
#undef S

#define S struct mcpz_placement
static const struct mcpz_field placement_fields[] = {
    {U64_FROM(S, version, 1)},
    {U32_IN(S, partition_bits, MCPZ_PARTITION_BITS_MIN, MCPZ_PARTITION_BITS_MAX)},
    {U32_IN(S, copies, 1, MCPZ_COPIES_MAX)},
    {U32_IN(S, zones_apart, 1, MCPZ_COPIES_MAX)},
    {ID(S, previous)},
    {LIST(S, zones, zone_count, mcpz_name_layout, MCPZ_PLACEMENT_ZONES_MAX)},
    {LIST(S, nodes, node_count, node_layout, MCPZ_PLACEMENT_NODES_MAX)},
};
static const struct mcpz_layout placement_layout = LAYOUT(S, placement_fields);
#undef S

#define S struct mcpz_signed_placement
static const struct mcpz_field signed_fields[] = {
    {BYTES(S, body, 1, MCPZ_PLACEMENT_BYTES_MAX)},
    {BYTES(S, signature, MCPZ_SIGNATURE_BYTES, MCPZ_SIGNATURE_BYTES)},
};
static const struct mcpz_layout signed_layout = LAYOUT(S, signed_fields);
#undef S

/* The shortest node is 38 bytes and the shortest zone, which is some node's, one. */
static_assert(sizeof(struct mcpz_storage_node) + sizeof(struct mcpz_bytes) <= 2 * 39,
              "lists take at most twice the bytes they come from");

mcpz_error mcpz_placement_encode(const struct mcpz_placement *placement, uint8_t *buffer,
                                 size_t capacity, size_t *length)
{
    struct mcpz_value_writer writer = mcpz_value_writer(buffer, capacity);

    assert(mcpz_placement_is_valid(placement));
    mcpz_layout_write(&writer, &placement_layout, placement);
    if (writer.error == MCPZ_OK) {
        *length = writer.length;
    }
    return writer.error;
}

/* Is what it says written in just these bytes, with nothing that was skipped? */
static mcpz_error check_canonical(struct mcpz_bytes bytes, struct mcpz_arena *arena,
                                  const struct mcpz_placement *placement)
{
    const size_t arena_used = arena->used;
    size_t length = 0;

    uint8_t *again = mcpz_arena_take(arena, bytes.length, 1);
    if (again == NULL) {
        return MCPZ_EFULL;
    }
    mcpz_error error = mcpz_placement_encode(placement, again, bytes.length, &length);
    const bool is_same = error == MCPZ_OK && mcpz_bytes_equal(bytes, mcpz_bytes(again, length));
    mcpz_arena_rewind(arena, arena_used);
    return is_same ? MCPZ_OK : MCPZ_EPROTO;
}

static mcpz_error read_placement(struct mcpz_bytes bytes, struct mcpz_arena *arena,
                                 struct mcpz_placement *placement)
{
    struct mcpz_layout_source source = {.reader = mcpz_reader(bytes), .arena = arena};

    if (bytes.length > MCPZ_PLACEMENT_BYTES_MAX) {
        return MCPZ_EPROTO;
    }
    mcpz_error error = mcpz_shape_check(bytes);
    if (error == MCPZ_OK) {
        error = mcpz_layout_read(&source, &placement_layout, placement);
    }
    if (error == MCPZ_OK && !mcpz_placement_is_valid(placement)) {
        error = MCPZ_EPROTO;
    }
    return error != MCPZ_OK ? error : check_canonical(bytes, arena, placement);
}

mcpz_error mcpz_placement_decode(struct mcpz_bytes bytes, struct mcpz_arena *arena,
                                 struct mcpz_placement *placement)
{
    struct mcpz_placement result = {0};
    const size_t arena_used = arena->used;

    mcpz_error error = read_placement(bytes, arena, &result);
    if (error != MCPZ_OK) {
        mcpz_arena_rewind(arena, arena_used);
        return error;
    }
    *placement = result;
    return MCPZ_OK;
}

mcpz_error mcpz_signed_placement_encode(const struct mcpz_signed_placement *signed_placement,
                                        uint8_t *buffer, size_t capacity, size_t *length)
{
    struct mcpz_value_writer writer = mcpz_value_writer(buffer, capacity);

    mcpz_layout_write(&writer, &signed_layout, signed_placement);
    if (writer.error == MCPZ_OK) {
        *length = writer.length;
    }
    return writer.error;
}

/* What bytes take with the header of their length (MessagePack specification, "bin format"). */
static size_t framed(size_t length)
{
    return length + (length <= UINT8_MAX ? 2 : length <= UINT16_MAX ? 3 : 5);
}

mcpz_error mcpz_signed_placement_decode(struct mcpz_bytes bytes,
                                        struct mcpz_signed_placement *signed_placement)
{
    struct mcpz_layout_source source = {.reader = mcpz_reader(bytes)};
    struct mcpz_signed_placement result;

    mcpz_error error = mcpz_shape_check(bytes);
    if (error == MCPZ_OK) {
        error = mcpz_layout_read(&source, &signed_layout, &result);
    }
    if (error != MCPZ_OK) {
        return error;
    }
    /* Each in its shortest form; anything more is a field that was skipped. */
    if (bytes.length != 1 + framed(result.body.length) + framed(result.signature.length)) {
        return MCPZ_EPROTO;
    }
    *signed_placement = result;
    return MCPZ_OK;
}
