#include "wire/reader.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "proto/limits.h"

/* A first byte from 0xc0 to 0xdf. All others say their value or count themselves. */
struct format {
    uint8_t type;      /* enum mcpz_item_type; 0: no value starts so */
    uint8_t width;     /* bytes of the number or count that follows */
    uint64_t smallest; /* number or count that needs this form; negative ones by magnitude */
};

static const struct format formats[32] = {
    [0x00] = {MCPZ_ITEM_NIL, 0, 0},
    [0x02] = {MCPZ_ITEM_BOOL, 0, 0},
    [0x03] = {MCPZ_ITEM_BOOL, 0, 0},
    [0x04] = {MCPZ_ITEM_BIN, 1, 0},
    [0x05] = {MCPZ_ITEM_BIN, 2, 0x100},
    [0x06] = {MCPZ_ITEM_BIN, 4, 0x10000},
    [0x07] = {MCPZ_ITEM_EXT, 1, 0},
    [0x08] = {MCPZ_ITEM_EXT, 2, 0x100},
    [0x09] = {MCPZ_ITEM_EXT, 4, 0x10000},
    [0x0a] = {MCPZ_ITEM_FLOAT, 4, 0},
    [0x0b] = {MCPZ_ITEM_FLOAT, 8, 0},
    [0x0c] = {MCPZ_ITEM_UINT, 1, 0x80},
    [0x0d] = {MCPZ_ITEM_UINT, 2, 0x100},
    [0x0e] = {MCPZ_ITEM_UINT, 4, 0x10000},
    [0x0f] = {MCPZ_ITEM_UINT, 8, 0x100000000},
    [0x10] = {MCPZ_ITEM_INT, 1, 0x21},
    [0x11] = {MCPZ_ITEM_INT, 2, 0x81},
    [0x12] = {MCPZ_ITEM_INT, 4, 0x8001},
    [0x13] = {MCPZ_ITEM_INT, 8, 0x80000001},
    [0x14] = {MCPZ_ITEM_EXT, 0, 1}, /* fixext: `smallest` is its one length */
    [0x15] = {MCPZ_ITEM_EXT, 0, 2},
    [0x16] = {MCPZ_ITEM_EXT, 0, 4},
    [0x17] = {MCPZ_ITEM_EXT, 0, 8},
    [0x18] = {MCPZ_ITEM_EXT, 0, 16},
    [0x19] = {MCPZ_ITEM_TEXT, 1, 0x20},
    [0x1a] = {MCPZ_ITEM_TEXT, 2, 0x100},
    [0x1b] = {MCPZ_ITEM_TEXT, 4, 0x10000},
    [0x1c] = {MCPZ_ITEM_ARRAY, 2, 0x10},
    [0x1d] = {MCPZ_ITEM_ARRAY, 4, 0x10000},
    [0x1e] = {MCPZ_ITEM_MAP, 2, 0x10},
    [0x1f] = {MCPZ_ITEM_MAP, 4, 0x10000},
};

/* Take a big-endian number of `width` bytes. */
static bool take_number(struct mcpz_bytes *left, unsigned width, uint64_t *number)
{
    if (width > left->length) {
        return false;
    }
    uint64_t result = 0;
    for (unsigned i = 0; i < width; i++) {
        result = result << 8 | left->data[i];
    }
    *left = mcpz_bytes(left->data + width, left->length - width);
    *number = result;
    return true;
}

static mcpz_error take_run(struct mcpz_bytes *left, uint64_t length, struct mcpz_bytes *run)
{
    if (length > left->length) {
        return MCPZ_ESHORT;
    }
    *run = mcpz_bytes(left->data, (size_t)length);
    *left = mcpz_bytes(left->data + length, left->length - (size_t)length);
    return MCPZ_OK;
}

/* Every value takes a byte at least, so a count above what is left is a lie. */
static mcpz_error take_count(const struct mcpz_bytes *left, uint64_t count, struct mcpz_item *item)
{
    uint64_t values = item->type == MCPZ_ITEM_MAP ? 2 * count : count;
    if (values > left->length) {
        return MCPZ_ESHORT;
    }
    item->count = (uint32_t)count;
    return MCPZ_OK;
}

static void set_negative(struct mcpz_item *item, int64_t number, uint64_t smallest)
{
    item->type = MCPZ_ITEM_INT;
    item->sint = number;
    item->canonical = 0 - (uint64_t)number >= smallest;
}

/* A signed form may hold any number; canonical ones are negative there. */
static void set_signed(struct mcpz_item *item, uint64_t bits, const struct format *format)
{
    assert(format->width > 0);

    unsigned shift = 64 - 8 * (unsigned)format->width;
    int64_t number = (int64_t)(bits << shift) >> shift;

    if (number < 0) {
        set_negative(item, number, format->smallest);
        return;
    }
    item->type = MCPZ_ITEM_UINT;
    item->uint = (uint64_t)number;
    item->canonical = false;
}

static void set_float(struct mcpz_item *item, uint64_t bits, unsigned width)
{
    if (width == sizeof(double)) {
        memcpy(&item->real, &bits, sizeof(item->real));
    } else {
        uint32_t narrow_bits = (uint32_t)bits;
        float narrow;
        memcpy(&narrow, &narrow_bits, sizeof(narrow));
        item->real = (double)narrow;
    }
    item->canonical = width == sizeof(double) && !isnan(item->real);
}

static bool has_fixed_form(uint64_t ext_length)
{
    return ext_length <= 16 && ext_length != 0 && (ext_length & (ext_length - 1)) == 0;
}

static mcpz_error read_ext(struct mcpz_bytes *left, uint64_t count, const struct format *format,
                           struct mcpz_item *item)
{
    if (format->width == 0) {
        count = format->smallest;
    } else if (has_fixed_form(count)) {
        item->canonical = false;
    }
    return take_run(left, count + 1, &item->bytes); /* the type byte and what it describes */
}

static mcpz_error read_long_form(uint8_t first, struct mcpz_bytes *left, struct mcpz_item *item)
{
    const struct format *format = &formats[first - 0xc0];
    uint64_t number;

    if (format->type == 0) {
        return MCPZ_EPROTO;
    }
    if (!take_number(left, format->width, &number)) {
        return MCPZ_ESHORT;
    }
    item->type = (enum mcpz_item_type)format->type;
    item->canonical = format->width == 0 || number >= format->smallest;

    switch (item->type) {
    case MCPZ_ITEM_NIL:
        return MCPZ_OK;
    case MCPZ_ITEM_BOOL:
        item->boolean = first == 0xc3;
        return MCPZ_OK;
    case MCPZ_ITEM_UINT:
        item->uint = number;
        return MCPZ_OK;
    case MCPZ_ITEM_INT:
        set_signed(item, number, format);
        return MCPZ_OK;
    case MCPZ_ITEM_FLOAT:
        set_float(item, number, format->width);
        return MCPZ_OK;
    case MCPZ_ITEM_TEXT:
    case MCPZ_ITEM_BIN:
        return take_run(left, number, &item->bytes);
    case MCPZ_ITEM_ARRAY:
    case MCPZ_ITEM_MAP:
        return take_count(left, number, item);
    case MCPZ_ITEM_EXT:
        return read_ext(left, number, format, item);
    }
    assert(false);
    return MCPZ_EPROTO;
}

/* Source: MessagePack specification, section "Formats". */
static mcpz_error read_item(struct mcpz_bytes *left, struct mcpz_item *item)
{
    uint8_t first = left->data[0];
    *left = mcpz_bytes(left->data + 1, left->length - 1);

    item->canonical = true;
    if (first <= 0x7f) {
        item->type = MCPZ_ITEM_UINT;
        item->uint = first;
        return MCPZ_OK;
    }
    if (first <= 0x8f) {
        item->type = MCPZ_ITEM_MAP;
        return take_count(left, first & 0x0fU, item);
    }
    if (first <= 0x9f) {
        item->type = MCPZ_ITEM_ARRAY;
        return take_count(left, first & 0x0fU, item);
    }
    if (first <= 0xbf) {
        item->type = MCPZ_ITEM_TEXT;
        return take_run(left, first & 0x1fU, &item->bytes);
    }
    if (first <= 0xdf) {
        return read_long_form(first, left, item);
    }
    set_negative(item, (int8_t)first, 1);
    return MCPZ_OK;
}

mcpz_error mcpz_reader_next(struct mcpz_reader *reader, struct mcpz_item *item)
{
    if (reader->error == MCPZ_OK) {
        reader->error = reader->left.length == 0 ? MCPZ_ENOTFOUND : read_item(&reader->left, item);
    }
    return reader->error;
}

static mcpz_error fail(struct mcpz_reader *reader, mcpz_error error)
{
    reader->error = error;
    return error;
}

/* Take `size` bytes off. */
static mcpz_error step_over(struct mcpz_bytes *left, size_t size)
{
    if (size > left->length) {
        return MCPZ_ESHORT;
    }
    *left = mcpz_bytes(left->data + size, left->length - size);
    return MCPZ_OK;
}

/*
 * Read past one item as read_item() does, without making anything of it: of the forms that
 * messages are full of. `*inside` is how many values it holds.
 */
static mcpz_error skip_item(struct mcpz_bytes *left, uint64_t *inside)
{
    const uint8_t first = left->data[0];
    struct mcpz_item item;

    *inside = 0;
    if (first <= 0x7f || first >= 0xe0 || first == 0xc0 || first == 0xc2 || first == 0xc3) {
        return step_over(left, 1);
    }
    if (first >= 0xa0 && first <= 0xbf) {
        return step_over(left, 1 + (first & 0x1fU));
    }
    if (first == 0xc4 && left->length > 1) {
        return step_over(left, 2 + (size_t)left->data[1]);
    }
    if (first >= 0xcc && first <= 0xcf) {
        return step_over(left, 1 + ((size_t)1 << (first - 0xcc)));
    }
    mcpz_error error = read_item(left, &item);
    if (error == MCPZ_OK && item.type == MCPZ_ITEM_ARRAY) {
        *inside = item.count;
    } else if (error == MCPZ_OK && item.type == MCPZ_ITEM_MAP) {
        *inside = 2 * (uint64_t)item.count;
    }
    return error;
}

/* An array or a map, even one that is empty. */
static bool is_container(uint8_t first)
{
    return (first >= 0x80 && first <= 0x9f) || (first >= 0xdc && first <= 0xdf);
}

/* How long an item is that begins so, where its first byte alone says it: what messages are full
 * of. 0: it does not. */
/* clang-format off */
static const uint8_t plain_bytes[256] = {
    [0x00 ... 0x7f] = 1, /* small integers */
    [0xa0] = 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, /* texts of up to 31 bytes */
    17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32,
    [0xc0] = 1, /* nil */
    [0xc2] = 1, 1, /* booleans */
    [0xcc] = 2, 3, 5, 9, /* unsigned integers */
    [0xe0 ... 0xff] = 1, /* small negative integers */
};
/* clang-format on */

/* Step over as many as `count` items of which the first byte says it all, one after the other.
 * Returns how many. What does not fit is left: it is found out about in the ordinary way. */
static uint64_t skip_plain(struct mcpz_bytes *left, uint64_t count)
{
    const uint8_t *at = left->data;
    const uint8_t *end = at + left->length;
    uint64_t done = 0;

    while (done < count && at < end) {
        const size_t size = plain_bytes[*at];
        if (size == 0 || size > (size_t)(end - at)) {
            break;
        }
        at += size;
        done++;
    }
    *left = mcpz_bytes(at, (size_t)(end - at));
    return done;
}

mcpz_error mcpz_reader_skip(struct mcpz_reader *reader)
{
    uint64_t open[MCPZ_MSG_DEPTH_MAX]; /* values still to come in each container we are in */
    size_t depth = 0;
    uint64_t promised = 0; /* the sum of these */

    if (reader->error != MCPZ_OK) {
        return reader->error;
    }
    do {
        uint64_t inside;
        if (reader->left.length == 0) {
            return fail(reader, depth > 0 ? MCPZ_ESHORT : MCPZ_ENOTFOUND);
        }
        const bool opens = is_container(reader->left.data[0]);
        mcpz_error error = skip_item(&reader->left, &inside);
        if (error != MCPZ_OK) {
            return fail(reader, error);
        }
        if (depth > 0) {
            open[depth - 1]--;
            promised--;
        }
        if (opens) {
            if (depth == MCPZ_MSG_DEPTH_MAX) {
                return fail(reader, MCPZ_EPROTO);
            }
            open[depth++] = inside;
            promised += inside;
        }
        if (depth > 0) {
            const uint64_t plain = skip_plain(&reader->left, open[depth - 1]);
            open[depth - 1] -= plain;
            promised -= plain;
        }
        if (promised > reader->left.length) {
            return fail(reader, MCPZ_ESHORT);
        }
        while (depth > 0 && open[depth - 1] == 0) {
            depth--;
        }
    } while (depth > 0);
    return MCPZ_OK;
}
