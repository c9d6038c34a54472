/*
 * Values of records to bytes and back: the table in records.c is the disk format. Forms and bounds
 * are those of messages (wire/codec.h); keys are made in store/schema.h.
 */

#ifndef WIRE_RECORDS_H
#define WIRE_RECORDS_H

#include <stddef.h>
#include <stdint.h>

#include <mcpz/error.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/bytes.h"
#include "proto/record.h"

#define MCPZ_RECORD_VERSION 1

#define MCPZ_DELTA_ARENA_BYTES 16384 /* for the lists of any one delta */

/** Write the value fields of `record` as [version, field, ...]. As mcpz_msg_encode(). */
MCPZ_MUST_USE mcpz_error mcpz_record_encode(const struct mcpz_record *record, uint8_t *buffer,
                                            size_t capacity, size_t *length);

/**
 * Fill in the value fields of `*record`, whose kind and key fields are set. On error it is
 * unchanged.
 *
 * Errors: MCPZ_ECORRUPT  the bytes are not such a value; MCPZ_EFULL  the arena is too small
 */
MCPZ_MUST_USE mcpz_error mcpz_record_decode(struct mcpz_bytes bytes, struct mcpz_arena *arena,
                                            struct mcpz_record *record);

/**
 * Write `delta`, which is within its bounds, as the array of all its fields: the bytes that its id
 * is a hash of. MCPZ_STORED_BYTES_MAX holds any. The result is its length.
 */
size_t mcpz_delta_encode(const struct mcpz_delta *delta, uint8_t *buffer, size_t capacity);

/**
 * Read what mcpz_delta_encode() writes, and nothing else: other forms of the same delta would be
 * other bytes under its id. Lists lie in `arena`, which on error is as before, and `*delta` too.
 *
 * Errors: MCPZ_ESHORT, MCPZ_EPROTO  not such bytes; MCPZ_EFULL  the arena is too small: give it
 *         MCPZ_DELTA_ARENA_BYTES
 */
MCPZ_MUST_USE mcpz_error mcpz_delta_decode(struct mcpz_bytes bytes, struct mcpz_arena *arena,
                                           struct mcpz_delta *delta);

#endif
