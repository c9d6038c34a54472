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

/*
 * The forms that messages are full of, read without making an item of them: a number in its
 * shortest form, a boolean, a text below 32 bytes, bytes below 256, an array below 16. False, and
 * nothing is read, if the next item is not in that form: then mcpz_reader_next() says what it is.
 */

/* Big-endian. */
static inline uint64_t mcpz_reader_number(const uint8_t *bytes, size_t width)
{
    uint64_t number = 0;

    for (size_t i = 0; i < width; i++) {
        number = number << 8 | bytes[i];
    }
    return number;
}

static inline bool mcpz_reader_take_number(struct mcpz_reader *reader, uint64_t *number)
{
    const struct mcpz_bytes left = reader->left;
    uint64_t read;
    size_t width;

    if (reader->error != MCPZ_OK || left.length == 0) {
        return false;
    }
    const uint8_t first = left.data[0];
    if (first <= 0x7f) {
        *number = first;
        reader->left = mcpz_bytes(left.data + 1, left.length - 1);
        return true;
    }
    if (first == 0xcf && left.length > 8) {
        read = mcpz_reader_number(left.data + 1, 8);
        width = read > UINT32_MAX ? 8 : 0;
    } else if (first == 0xce && left.length > 4) {
        read = mcpz_reader_number(left.data + 1, 4);
        width = read > UINT16_MAX ? 4 : 0;
    } else if (first == 0xcd && left.length > 2) {
        read = mcpz_reader_number(left.data + 1, 2);
        width = read > UINT8_MAX ? 2 : 0;
    } else if (first == 0xcc && left.length > 1) {
        read = left.data[1];
        width = read > 0x7f ? 1 : 0;
    } else {
        return false;
    }
    if (width == 0) {
        return false; /* a shorter form would have done */
    }
    *number = read;
    reader->left = mcpz_bytes(left.data + 1 + width, left.length - 1 - width);
    return true;
}

static inline bool mcpz_reader_take_bool(struct mcpz_reader *reader, bool *boolean)
{
    if (reader->error != MCPZ_OK || reader->left.length == 0 ||
        (reader->left.data[0] & 0xfeU) != 0xc2) {
        return false;
    }
    *boolean = reader->left.data[0] == 0xc3;
    reader->left = mcpz_bytes(reader->left.data + 1, reader->left.length - 1);
    return true;
}

static inline bool mcpz_reader_take_short(struct mcpz_reader *reader, bool is_text,
                                          struct mcpz_bytes *run)
{
    const struct mcpz_bytes left = reader->left;
    const size_t header = is_text ? 1 : 2;

    if (reader->error != MCPZ_OK || left.length < header ||
        (is_text ? (left.data[0] & 0xe0U) != 0xa0 : left.data[0] != 0xc4)) {
        return false;
    }
    const size_t length = is_text ? left.data[0] & 0x1fU : left.data[1];
    if (length > left.length - header) {
        return false;
    }
    *run = mcpz_bytes(left.data + header, length);
    reader->left = mcpz_bytes(left.data + header + length, left.length - header - length);
    return true;
}

/* The head of an array of 15 at most; each takes a byte at least. */
static inline bool mcpz_reader_take_array(struct mcpz_reader *reader, size_t *count)
{
    const struct mcpz_bytes left = reader->left;

    if (reader->error != MCPZ_OK || left.length == 0 || (left.data[0] & 0xf0U) != 0x90) {
        return false;
    }
    const size_t read = left.data[0] & 0x0fU;
    if (read > left.length - 1) {
        return false;
    }
    *count = read;
    reader->left = mcpz_bytes(left.data + 1, left.length - 1);
    return true;
}

/**
 * Read past one whole value, contents included. Errors as above, and MCPZ_EPROTO if it nests
 * deeper than MCPZ_MSG_DEPTH_MAX.
 */
MCPZ_MUST_USE mcpz_error mcpz_reader_skip(struct mcpz_reader *reader);

#endif
