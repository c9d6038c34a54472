/*
 * The port through which the core turns a message into bytes and back: what is broadcast travels,
 * and is kept, as bytes. The engine lends the wire's codec to it.
 */

#ifndef PROTO_PACKER_H
#define PROTO_PACKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/bytes.h"
#include "proto/msg.h"

struct mcpz_packer {
    /* How many bytes `msg` takes in `buffer`; 0: it does not fit. */
    size_t (*pack)(const struct mcpz_msg *msg, uint8_t *buffer, size_t capacity);

    /* Slices of `msg` point into `bytes`, lists into `arena`. False: it is no valid message. */
    bool (*unpack)(struct mcpz_bytes bytes, struct mcpz_arena *arena, struct mcpz_msg *msg);
};

#endif
