/*
 * Feed any bytes as a delta. It has one form: what is read is written as just the same bytes, or
 * two ids would be of one delta.
 */

#include <stdalign.h>
#include <stddef.h>
#include <stdlib.h>

#include "proto/limits.h"
#include "wire/records.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    static alignas(max_align_t) uint8_t memory[MCPZ_DELTA_ARENA_BYTES];
    static uint8_t buffer[MCPZ_STORED_BYTES_MAX];
    const struct mcpz_bytes given = mcpz_bytes(bytes, length);
    struct mcpz_arena arena;
    struct mcpz_delta delta;

    mcpz_arena_init(&arena, memory, sizeof(memory));
    mcpz_error error = mcpz_delta_decode(given, &arena, &delta);
    if (error == MCPZ_EFULL) {
        abort(); /* the arena is large enough for any */
    }
    if (error == MCPZ_OK) {
        const size_t written = mcpz_delta_encode(&delta, buffer, sizeof(buffer));
        if (!mcpz_bytes_equal(given, mcpz_bytes(buffer, written))) {
            abort();
        }
    }
    return 0;
}
