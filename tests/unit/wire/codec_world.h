/* What the tests of the codec share: room for one message, written and read. */

#ifndef CODEC_WORLD_H
#define CODEC_WORLD_H

#include <stdalign.h>

#include "test.h"
#include "wire/codec.h"
#include "wire/value.h"

static uint8_t buffer[MCPZ_MSG_BYTES_MAX];
static alignas(max_align_t) uint8_t memory[MCPZ_MSG_ARENA_BYTES];
static struct mcpz_arena arena;

static inline struct mcpz_bytes encode(const struct mcpz_msg *msg)
{
    size_t length = 0;
    CHECK_UINT(mcpz_msg_encode(msg, buffer, sizeof(buffer), &length), MCPZ_OK);
    return mcpz_bytes(buffer, length);
}

static inline mcpz_error decode_into(struct mcpz_bytes bytes, struct mcpz_msg *msg)
{
    mcpz_arena_init(&arena, memory, sizeof(memory));
    return mcpz_msg_decode(bytes, &arena, msg);
}

static inline mcpz_error decode(struct mcpz_bytes bytes)
{
    struct mcpz_msg msg;
    mcpz_error error = decode_into(bytes, &msg);
    if (error != MCPZ_OK) {
        CHECK_UINT(arena.used, 0);
    }
    return error;
}

#endif
