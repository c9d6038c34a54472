/*
 * Feed any bytes to the decoder of storage layouts. What it accepts is valid, what would be
 * written, and no longer than is said; what it refuses leaves nothing behind.
 */

#include <stdlib.h>
#include <string.h>

#include "wire/placement_codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

#define INPUT_MAX 65536

static uint8_t copy[INPUT_MAX];
static uint8_t again[INPUT_MAX];
static _Alignas(16) uint8_t memory[3 * INPUT_MAX + 1024];

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct mcpz_placement placement;
    struct mcpz_arena arena;
    size_t written;

    if (length == 0 || length > INPUT_MAX) {
        return 0;
    }
    memcpy(copy, bytes, length);
    mcpz_arena_init(&arena, memory, 3 * length + 1024);
    if (mcpz_placement_decode(mcpz_bytes(copy, length), &arena, &placement) != MCPZ_OK) {
        if (arena.used != 0) {
            abort();
        }
        return 0;
    }
    if (!mcpz_placement_is_valid(&placement) ||
        mcpz_placement_encode(&placement, again, sizeof(again), &written) != MCPZ_OK ||
        !mcpz_bytes_equal(mcpz_bytes(bytes, length), mcpz_bytes(again, written)) ||
        written > MCPZ_PLACEMENT_BYTES(placement.node_count, placement.zone_count)) {
        abort();
    }
    return 0;
}
