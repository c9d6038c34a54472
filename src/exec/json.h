/*
 * JSON as far as lines between the node and a worker need it: is it well-formed, which members
 * has it, what do its strings say. Nothing is built; values are slices of the text.
 *
 * The text comes from a program that may be anything: all is bounded by its length, nesting by
 * MCPZ_JSON_DEPTH_MAX.
 *
 * Source: RFC 8259.
 */

#ifndef EXEC_JSON_H
#define EXEC_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

#define MCPZ_JSON_DEPTH_MAX 64

/** Is `text` one JSON value, with space around it perhaps, and UTF-8? */
bool mcpz_json_is_value(struct mcpz_bytes text);

/**
 * The member after `*at` of a well-formed object; start with 0. Key and value as written, the key
 * without its quotes. False: there are no more, or it is no object.
 */
bool mcpz_json_next_member(struct mcpz_bytes object, size_t *at, struct mcpz_bytes *key,
                           struct mcpz_bytes *value);

/**
 * Read a well-formed string in place of itself: `text` begins and ends with its quotes. Returns
 * how many bytes it has then, from `text` on: always fewer. Half a surrogate pair becomes U+FFFD.
 */
size_t mcpz_json_unescape(uint8_t *text, size_t length);

/** How many bytes mcpz_json_escape() writes at most, quotes included. */
#define MCPZ_JSON_ESCAPED_BYTES(length) (6 * (length) + 2)

/** Write `text`, which is UTF-8, as a string with its quotes. Returns its length. */
size_t mcpz_json_escape(struct mcpz_bytes text, char *string);

#endif
