/*
 * JSON where a tree would be too much: is it well-formed, which members has it, what do its
 * strings say. Nothing is built, nothing recurses; values are slices of the text.
 *
 * The text may come from anybody: all is bounded by its length, nesting by MCPZ_JSON_DEPTH_MAX.
 *
 * Source: RFC 8259.
 */

#ifndef BASE_JSON_H
#define BASE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

#define MCPZ_JSON_DEPTH_MAX 64

/** Is `text` one JSON value, with space around it perhaps, and UTF-8? */
bool mcpz_json_is_value(struct mcpz_bytes text);

/**
 * The same, where `may_be` also says yes to each number and each string (keys included, quotes and
 * escapes as written), which are well-formed.
 */
bool mcpz_json_is_value_where(struct mcpz_bytes text, bool (*may_be)(struct mcpz_bytes scalar));

/** What four hexadecimal digits, as behind "\u", say. In well-formed text they are there. */
uint32_t mcpz_json_unit(const uint8_t *digits);

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

#define MCPZ_JSON_ESCAPE_CHARS 6

/** How this byte must be written in a string. Returns how many characters; 0: as it is. */
size_t mcpz_json_escape_byte(uint8_t byte, char escape[MCPZ_JSON_ESCAPE_CHARS]);

/** How many bytes mcpz_json_escape() writes at most, quotes included. */
#define MCPZ_JSON_ESCAPED_BYTES(length) (MCPZ_JSON_ESCAPE_CHARS * (length) + 2)

/** Write `text`, which is UTF-8, as a string with its quotes. Returns its length. */
size_t mcpz_json_escape(struct mcpz_bytes text, char *string);

#endif
