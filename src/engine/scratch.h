/* What one thread's engines share because none needs it between two calls. */

#ifndef ENGINE_SCRATCH_H
#define ENGINE_SCRATCH_H

#include <stdint.h>

#include "base/arena.h"
#include "core/outbox.h"
#include "engine/outgoing.h"
#include "engine/verified.h"
#include "proto/limits.h"
#include "wire/frame.h"

/* Lists of a decoded message. */
#define MCPZ_DECODE_ARENA_BYTES 131072

/* Lists of records that were read: they last until MCPZ_READS_KEPT more have been read, or the
 * turn ends. */
#define MCPZ_READ_BYTES_MAX 16384             /* lists of one record */
#define MCPZ_READS_KEPT (2 * MCPZ_ACTORS_MAX) /* a merge over all actors fits */
#define MCPZ_READ_ARENA_BYTES ((MCPZ_READS_KEPT + 1) * MCPZ_READ_BYTES_MAX)

static_assert(MCPZ_MSG_BYTES_MAX >= MCPZ_STORED_BYTES_MAX, "one buffer encodes both");

struct mcpz_scratch {
    struct mcpz_outbox outbox;
    struct mcpz_framer *framer;
    struct mcpz_arena decode_arena;
    struct mcpz_arena read_arena;
    uint8_t encoded[MCPZ_MSG_BYTES_MAX];
    struct mcpz_verified verified;
    struct mcpz_outgoing outgoing;
    struct mcpz_incoming incoming;
    struct mcpz_bytes packed[MCPZ_OUTGOING_DELTAS_MAX]; /* of the BATCH that is put together */
    _Alignas(16) uint8_t decode_memory[MCPZ_DECODE_ARENA_BYTES];
    _Alignas(16) uint8_t read_memory[MCPZ_READ_ARENA_BYTES];
};

#endif
