/*
 * Values of several parts that the core makes and reads itself: canonical MessagePack arrays of
 * numbers, bytes and texts. What whole values look like is wire/value.h's; here only what is in
 * front.
 */

#ifndef CORE_CRDT_PARTS_H
#define CORE_CRDT_PARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/bytes.h"
#include "proto/limits.h"

#define MCPZ_PARTS_MAX 15        /* of one array */
#define MCPZ_PARTS_BIN_MAX 255   /* bytes of one part */
#define MCPZ_PARTS_HEAD_BYTES 32 /* of a value beside what it carries: fence, place in a list */

/* Each takes one part off the front of `*rest`. False: something else is there. */
MCPZ_MUST_USE bool mcpz_parts_take_array(struct mcpz_bytes *rest, size_t *count);
MCPZ_MUST_USE bool mcpz_parts_take_number(struct mcpz_bytes *rest, int64_t *number);
MCPZ_MUST_USE bool mcpz_parts_take_bin(struct mcpz_bytes *rest, struct mcpz_bytes *bytes);
MCPZ_MUST_USE bool mcpz_parts_take_text(struct mcpz_bytes *rest, struct mcpz_bytes *text);

/* A value being written: what does not fit is noticed, not written. */
struct mcpz_parts {
    uint8_t bytes[MCPZ_VALUE_BYTES_MAX];
    size_t length;
    bool is_full;
};

void mcpz_parts_put_array(struct mcpz_parts *parts, size_t count);
void mcpz_parts_put_number(struct mcpz_parts *parts, int64_t number);
void mcpz_parts_put_bin(struct mcpz_parts *parts, struct mcpz_bytes bytes);
void mcpz_parts_put_text(struct mcpz_parts *parts, struct mcpz_bytes text);

/** Put a whole value, as it is. */
void mcpz_parts_put_value(struct mcpz_parts *parts, struct mcpz_bytes value);

static inline struct mcpz_bytes mcpz_parts_bytes(const struct mcpz_parts *parts)
{
    return mcpz_bytes(parts->bytes, parts->length);
}

#endif
