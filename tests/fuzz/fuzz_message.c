/*
 * Feed any bytes to the decoder of messages. What it accepts, the encoder must write, and what
 * the encoder writes must come back as itself.
 */

#include <stdalign.h>
#include <stdlib.h>

#include "proto/limits.h"
#include "wire/codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static alignas(max_align_t) uint8_t memory[MCPZ_MSG_ARENA_BYTES];

static mcpz_error decode(struct mcpz_bytes bytes, struct mcpz_msg *msg)
{
    struct mcpz_arena arena;
    mcpz_arena_init(&arena, memory, sizeof(memory));
    mcpz_error error = mcpz_msg_decode(bytes, &arena, msg);
    if (error == MCPZ_EFULL) {
        abort(); /* the arena is large enough for any message */
    }
    return error;
}

static struct mcpz_bytes encode(const struct mcpz_msg *msg, uint8_t *buffer)
{
    size_t length;
    if (mcpz_msg_encode(msg, buffer, MCPZ_MSG_BYTES_MAX, &length) != MCPZ_OK) {
        abort();
    }
    return mcpz_bytes(buffer, length);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    static uint8_t buffers[2][MCPZ_MSG_BYTES_MAX];
    struct mcpz_msg msg;

    if (decode(mcpz_bytes(bytes, length), &msg) != MCPZ_OK) {
        return 0;
    }
    struct mcpz_bytes first = encode(&msg, buffers[0]);
    if (decode(first, &msg) != MCPZ_OK || !mcpz_bytes_equal(first, encode(&msg, buffers[1]))) {
        abort();
    }
    return 0;
}
