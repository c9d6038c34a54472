/*
 * Checkpoints to bytes and back, in the one form there is:
 *
 *   [version, document, tenant, hlc, [[actor, seq, head] ...], [cut ...], [entry ...]]
 *   entry = [path, type, actor, seq, index, hlc, value]
 *
 * Versions are sorted by actor; an entry names its actor by the place in that list, so that it
 * costs a byte or two; where that place closes lives, its generation is the last item. Entries are
 * sorted by path, type, actor, seq and index, each once. Forms
 * are those of messages (wire/codec.h), but that nothing from the future is skipped.
 */

#ifndef WIRE_CHECKPOINT_H
#define WIRE_CHECKPOINT_H

#include <stddef.h>
#include <stdint.h>

#include <mcpz/error.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/bytes.h"
#include "proto/checkpoint.h"
#include "proto/limits.h"
#include "proto/record.h"
#include "wire/reader.h"

#define MCPZ_CHECKPOINT_VERSION 2
#define MCPZ_CHECKPOINT_HEAD_BYTES_MAX                                                            \
    (64 + 2 + MCPZ_TENANT_BYTES_MAX +                                                             \
     MCPZ_ACTORS_MAX * (MCPZ_VERSION_BYTES + 56 + MCPZ_BRANCHES_MAX * 28))
#define MCPZ_CHECKPOINT_ENTRY_BYTES_MAX (MCPZ_PATH_BYTES_MAX + MCPZ_VALUE_BYTES_MAX + 48)

/** Write the head; entries follow it. Room: MCPZ_CHECKPOINT_HEAD_BYTES_MAX. Returns its length. */
size_t mcpz_checkpoint_head_encode(const struct mcpz_checkpoint_head *head, uint8_t *buffer);

/**
 * Write one entry, whose actor is among the versions of `head` (asserted). Room:
 * MCPZ_CHECKPOINT_ENTRY_BYTES_MAX. Returns its length.
 */
size_t mcpz_checkpoint_entry_encode(const struct mcpz_checkpoint_head *head,
                                    const struct mcpz_record_entry *entry, uint8_t *buffer);

/* Reading, one entry at a time. */
struct mcpz_checkpoint_reader {
    struct mcpz_checkpoint checkpoint; /* its `next` reads on */
    struct mcpz_bytes left;
    uint32_t entries_left;
    struct mcpz_record_entry last; /* the one before; no path: none */
};

/**
 * Begin to read `bytes`, which are borrowed; versions go to `arena`.
 *
 * Errors: MCPZ_ESHORT, MCPZ_EPROTO  they do not begin a checkpoint; MCPZ_EFULL  the arena
 */
MCPZ_MUST_USE mcpz_error mcpz_checkpoint_open(struct mcpz_checkpoint_reader *reader,
                                              struct mcpz_bytes bytes, struct mcpz_arena *arena);

/**
 * Read all of it, to see that it is whole and in its form; afterwards the reader stands before the
 * first entry again.
 *
 * Errors: MCPZ_ESHORT, MCPZ_EPROTO
 */
MCPZ_MUST_USE mcpz_error mcpz_checkpoint_check(struct mcpz_checkpoint_reader *reader);

#endif
