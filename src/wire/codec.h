/*
 * Messages to bytes and back.
 *
 * The table in codec.c is the wire format, that in records.c the disk format; credentials.c has
 * certificates and tokens. All are MessagePack in its canonical form: shortest integer and length
 * forms, arrays for structs (no maps), bin for bytes and ids, str (UTF-8) for text, no floats. A
 * list is an array of its items; an item of several fields is an array of them.
 *
 * Readers refuse what is missing, of the wrong type, over its bound, or not canonical, skip fields
 * beyond those they know, and take those that were appended since (SINCE) for 0, false or empty
 * where they are missing. Version vectors and digests must be sorted, paths and values be
 * what wire/value.h accepts, states and types be known. What readers return points into the bytes
 * that were read and into the arena; on error they give back what they took from it.
 */

#ifndef WIRE_CODEC_H
#define WIRE_CODEC_H

#include <stddef.h>
#include <stdint.h>

#include <mcpz/error.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/bytes.h"
#include "proto/msg.h"

/* An arena of this size (aligned) has room for the lists of any one message or record. */
#define MCPZ_MSG_ARENA_BYTES 32768

/**
 * Write `msg` to `buffer` as [kind, field, ...]. On success `*length` is the number of bytes,
 * at most MCPZ_MSG_BYTES_MAX.
 *
 * Every field of `msg` must be within its bound and every sorted list sorted (asserted): limits
 * are kept where values are made. On error `buffer` holds garbage.
 *
 * Errors: MCPZ_EFULL   `capacity` is too small
 *         MCPZ_EPROTO  a text is not UTF-8: no peer would take it
 */
MCPZ_MUST_USE mcpz_error mcpz_msg_encode(const struct mcpz_msg *msg, uint8_t *buffer,
                                         size_t capacity, size_t *length);

/**
 * Read one message from bytes of an untrusted peer. Lists are laid out in `arena`; slices point
 * into `bytes`. On error `*msg` is unchanged.
 *
 * Errors: MCPZ_ESHORT  the bytes end inside a value, or a header promises more than is there
 *         MCPZ_EPROTO  not an array, unknown kind, missing field, wrong type, over a bound, out of
 *                      order, not canonical, text that is not UTF-8, nested too deep, bytes left
 *                      over, or more than MCPZ_MSG_BYTES_MAX
 *         MCPZ_EFULL   the arena is too small for its lists
 */
MCPZ_MUST_USE mcpz_error mcpz_msg_decode(struct mcpz_bytes bytes, struct mcpz_arena *arena,
                                         struct mcpz_msg *msg);

/**
 * As mcpz_msg_decode(), of bytes whose shape was checked and behind which nothing follows: by
 * mcpz_framer_next(), or since we have encoded them. On error `*msg` is garbage; of it, only the
 * member of its kind is written.
 */
MCPZ_MUST_USE mcpz_error mcpz_msg_decode_shaped(struct mcpz_bytes bytes, struct mcpz_arena *arena,
                                                struct mcpz_msg *msg);

/** The lower-case name of a message kind, "?" for one we do not know. For logs. */
const char *mcpz_msg_name(uint32_t kind);

#endif
