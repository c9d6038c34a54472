/*
 * A bounded pull reader over MessagePack bytes: nothing is copied, nothing allocated.
 *
 *   struct mcpz_reader reader = mcpz_reader(bytes);
 *   struct mcpz_item item;
 *   while ((error = mcpz_reader_next(&reader, &item)) == MCPZ_OK) ...
 *
 * Values come in document order; an array or map item is followed by its contents (a map's: key,
 * value, key, value ...). Errors stick: after one, every further call returns it.
 */

#ifndef WIRE_READER_H
#define WIRE_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mcpz/error.h>

#include "base/attr.h"
#include "base/bytes.h"

enum mcpz_item_type {
    MCPZ_ITEM_NIL = 1,
    MCPZ_ITEM_BOOL,
    MCPZ_ITEM_UINT, /* non-negative integers */
    MCPZ_ITEM_INT,  /* negative integers */
    MCPZ_ITEM_FLOAT,
    MCPZ_ITEM_TEXT,
    MCPZ_ITEM_BIN,
    MCPZ_ITEM_ARRAY,
    MCPZ_ITEM_MAP,
    MCPZ_ITEM_EXT,
};

struct mcpz_item {
    enum mcpz_item_type type;
    bool canonical; /* written in the shortest form for its value (floats: as 64 bits, no NaN) */
    union {
        bool boolean;
        uint64_t uint;
        int64_t sint;
        double real;
        struct mcpz_bytes bytes; /* TEXT, BIN, EXT (its type byte first): into what is read */
        uint32_t count;          /* ARRAY: items; MAP: pairs. Never more than could be there. */
    };
};

struct mcpz_reader {
    struct mcpz_bytes left;
    mcpz_error error;
};

static inline struct mcpz_reader mcpz_reader(struct mcpz_bytes bytes)
{
    return (struct mcpz_reader){.left = bytes};
}

/**
 * Read one item. Errors: MCPZ_ENOTFOUND  no bytes are left; MCPZ_ESHORT; MCPZ_EPROTO.
 */
MCPZ_MUST_USE mcpz_error mcpz_reader_next(struct mcpz_reader *reader, struct mcpz_item *item);

/**
 * Read past one whole value, contents included. Errors as above, and MCPZ_EPROTO if it nests
 * deeper than MCPZ_MSG_DEPTH_MAX.
 */
MCPZ_MUST_USE mcpz_error mcpz_reader_skip(struct mcpz_reader *reader);

#endif
