/*
 * What an agent was: its writes up to a moment, done again in a store in memory.
 *
 * Stamps grow along causality, so those up to a time are a past that somebody could have seen.
 * Or up to one write, by its name: those that `mcpz agent history` lists before it, and itself.
 */

#ifndef HTTP_REWIND_H
#define HTTP_REWIND_H

#include <stdbool.h>
#include <stdint.h>

#include <mcpz/error.h>

#include "base/attr.h"
#include "engine/replay.h"
#include "http/delta_walk.h"

/* The name of a write is "v-" and the head of its delta in hexadecimal, or enough of that. */
#define MCPZ_VERSION_DIGITS_MIN 8
#define MCPZ_VERSION_DIGITS_MAX (2 * MCPZ_HEAD_BYTES)
#define MCPZ_VERSION_CHARS (2 + MCPZ_VERSION_DIGITS_MAX + 1)

/** Where a past ends. */
struct mcpz_rewind_until {
    uint64_t hlc_end;                     /* no stamp from here on; UINT64_MAX: whatever it is */
    char digits[MCPZ_VERSION_DIGITS_MAX]; /* of the name of the last write */
    size_t digit_count;                   /* 0: none is named */
};

/** All that was stamped at that time of the wall clock, or before. False: it is none. */
MCPZ_MUST_USE bool mcpz_rewind_at_ms(uint64_t wall_ms, struct mcpz_rewind_until *until);

/** Up to the write of this name. False: it is no name. */
MCPZ_MUST_USE bool mcpz_rewind_at_version(struct mcpz_bytes name, struct mcpz_rewind_until *until);

/** Write the name of the write whose delta has this head. */
void mcpz_rewind_name(const struct mcpz_head *head, char name[MCPZ_VERSION_CHARS]);

/* Zeroed, it can be finished. */
struct mcpz_rewind {
    struct mcpz_rewind_until until;
    struct mcpz_id document;
    struct mcpz_delta_walk deltas;
    size_t found; /* writes that are named so */
    struct mcpz_replay *replay;
    struct mcpz_store store; /* the past, as far as it was done again; its reads last as it does */
};

/**
 * Start in front of the first write of `document` above its floor, as its record has it. `rewind`
 * stays where it is until it is finished.
 *
 * Errors: MCPZ_EEXPIRED  what was written until then was folded, and is not kept any more
 *         MCPZ_ENOMEM, MCPZ_ECORRUPT, MCPZ_EIO
 */
MCPZ_MUST_USE mcpz_error mcpz_rewind_start(struct mcpz_rewind *rewind,
                                           const struct mcpz_store *store,
                                           const struct mcpz_record_document *document,
                                           const struct mcpz_rewind_until *until);

/**
 * Do up to `count` more writes again. MCPZ_OK: there may be more.
 *
 * Errors: MCPZ_ENOTFOUND   that was all: `store` is the past; or, where `found` is not 1, there is
 *                          no such write (0), or the name is short for several
 *         MCPZ_ECORRUPT, MCPZ_EIO, MCPZ_EFULL
 */
MCPZ_MUST_USE mcpz_error mcpz_rewind_step(struct mcpz_rewind *rewind,
                                          const struct mcpz_store *store, size_t count);

/** Forget it. */
void mcpz_rewind_finish(struct mcpz_rewind *rewind);

#endif
