/* The two values the core writes itself, in canonical MessagePack: an integer and a text. */

#ifndef CORE_CRDT_NUMBER_H
#define CORE_CRDT_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/bytes.h"

#define MCPZ_NUMBER_BYTES_MAX 9
#define MCPZ_NUMBER_TEXT_MAX 255 /* bytes of a text, without its header of 1 or 2 */

/** Write `number` in its shortest form to `buffer`; returns how many bytes. */
size_t mcpz_number_encode(int64_t number, uint8_t buffer[MCPZ_NUMBER_BYTES_MAX]);

/** Read an integer. False: not one, not in its shortest form, or over int64_t. */
MCPZ_MUST_USE bool mcpz_number_decode(struct mcpz_bytes bytes, int64_t *number);

/** Write a text of up to MCPZ_NUMBER_TEXT_MAX bytes to `buffer`; returns how many bytes. */
size_t mcpz_number_text_encode(struct mcpz_bytes text, uint8_t buffer[MCPZ_NUMBER_TEXT_MAX + 2]);

/** The text in `bytes`, pointing into it. False: not a text that the above would write. */
MCPZ_MUST_USE bool mcpz_number_text_decode(struct mcpz_bytes bytes, struct mcpz_bytes *text);

#endif
