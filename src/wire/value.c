#include "wire/value.h"

#include <assert.h>
#include <endian.h>
#include <math.h>
#include <string.h>

#include <msgpack.h>

#include "proto/limits.h"
#include "wire/reader.h"
#include "wire/shape.h"

/* ---- Checking ----------------------------------------------------------------------------- */

#define SAFE_INTEGER_END 9007199254740992.0 /* 2^53: from here on a double skips integers */

/* Has it the value of an integer of 53 bits? Minus zero has: that of 0. */
static bool is_integer(double number)
{
    return number > -SAFE_INTEGER_END && number < SAFE_INTEGER_END &&
           !((double)(int64_t)number < number) && !((double)(int64_t)number > number);
}

/* The bytes of an ext, its type first. */
static bool read_blob(struct mcpz_bytes bytes, struct mcpz_blob_ref *ref)
{
    const size_t head = 1 + MCPZ_ID_BYTES + sizeof(ref->size);

    if (bytes.length <= head || bytes.length > head + MCPZ_TENANT_BYTES_MAX ||
        bytes.data[0] != MCPZ_VALUE_BLOB) {
        return false;
    }
    memcpy(ref->root.bytes, bytes.data + 1, MCPZ_ID_BYTES);
    memcpy(&ref->size, bytes.data + 1 + MCPZ_ID_BYTES, sizeof(ref->size));
    ref->size = be64toh(ref->size);
    ref->tenant = mcpz_bytes(bytes.data + head, bytes.length - head);
    return ref->size <= INT64_MAX && mcpz_bytes_is_utf8(ref->tenant);
}

static bool is_canonical(const struct mcpz_item *item, size_t depth)
{
    struct mcpz_blob_ref unused;

    if (!item->canonical) {
        return false;
    }
    switch (item->type) {
    case MCPZ_ITEM_NIL:
    case MCPZ_ITEM_BOOL:
    case MCPZ_ITEM_UINT:
    case MCPZ_ITEM_INT:
    case MCPZ_ITEM_BIN:
    case MCPZ_ITEM_ARRAY:
    case MCPZ_ITEM_MAP:
        return true;
    case MCPZ_ITEM_FLOAT:
        return isfinite(item->real) && !is_integer(item->real);
    case MCPZ_ITEM_TEXT:
        return mcpz_bytes_is_utf8(item->bytes);
    case MCPZ_ITEM_EXT:
        return depth == 0 && read_blob(item->bytes, &unused);
    }
    assert(false);
    return false;
}

/* A container we are in. */
struct level {
    uint64_t left; /* values still to come; keys count */
    bool is_map;
    struct mcpz_bytes key; /* map: the last one; no data before the first */
};

static struct level level_of(const struct mcpz_item *item)
{
    bool is_map = item->type == MCPZ_ITEM_MAP;
    return (struct level){.left = is_map ? 2 * (uint64_t)item->count : item->count,
                          .is_map = is_map};
}

/* Count `item` off; as a key it must be a text, and come after the last one. */
static bool admits(struct level *level, const struct mcpz_item *item)
{
    bool is_key = level->is_map && level->left % 2 == 0;

    level->left--;
    if (!is_key) {
        return true;
    }
    if (item->type != MCPZ_ITEM_TEXT ||
        (level->key.data != NULL && mcpz_bytes_compare(level->key, item->bytes) >= 0)) {
        return false;
    }
    level->key = item->bytes;
    return true;
}

/* A single short text or number, as most are? Others are looked at more closely. */
static bool is_plain_value(struct mcpz_bytes bytes)
{
    struct mcpz_reader reader = mcpz_reader(bytes);
    struct mcpz_bytes text;
    uint64_t number;

    return (mcpz_reader_take_number(&reader, &number) ||
            (mcpz_reader_take_short(&reader, true, &text) && mcpz_bytes_is_utf8(text))) &&
           reader.left.length == 0;
}

mcpz_error mcpz_value_check(struct mcpz_bytes bytes)
{
    if (is_plain_value(bytes)) {
        return MCPZ_OK;
    }
    if (bytes.length > MCPZ_VALUE_BYTES_MAX) {
        return MCPZ_EFULL;
    }
    mcpz_error error = mcpz_shape_check(bytes);
    if (error != MCPZ_OK) {
        return error;
    }

    /* From here on every header is true and nothing is too deep. */
    struct level levels[MCPZ_MSG_DEPTH_MAX];
    size_t depth = 0;
    struct mcpz_reader reader = mcpz_reader(bytes);
    struct mcpz_item item;
    while (mcpz_reader_next(&reader, &item) == MCPZ_OK) {
        while (depth > 0 && levels[depth - 1].left == 0) {
            depth--;
        }
        if (!is_canonical(&item, depth) || (depth > 0 && !admits(&levels[depth - 1], &item))) {
            return MCPZ_EPROTO;
        }
        if (item.type == MCPZ_ITEM_ARRAY || item.type == MCPZ_ITEM_MAP) {
            assert(depth < MCPZ_MSG_DEPTH_MAX);
            levels[depth++] = level_of(&item);
        }
    }
    assert(reader.error == MCPZ_ENOTFOUND);
    return MCPZ_OK;
}

/* The same of a path's elements. */
static bool is_plain_path(struct mcpz_bytes bytes)
{
    struct mcpz_reader reader = mcpz_reader(bytes);
    struct mcpz_bytes text;
    uint64_t number;
    size_t count;

    if (bytes.length > MCPZ_PATH_BYTES_MAX || !mcpz_reader_take_array(&reader, &count) ||
        count == 0 || count > MCPZ_PATH_DEPTH_MAX) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        const bool is_text = mcpz_reader_take_short(&reader, true, &text);
        if (is_text ? !mcpz_bytes_is_utf8(text) : !mcpz_reader_take_number(&reader, &number)) {
            return false;
        }
    }
    return reader.left.length == 0;
}

mcpz_error mcpz_path_check(struct mcpz_bytes bytes)
{
    if (is_plain_path(bytes)) {
        return MCPZ_OK;
    }
    if (bytes.length > MCPZ_PATH_BYTES_MAX) {
        return MCPZ_EFULL;
    }
    mcpz_error error = mcpz_shape_check(bytes);
    if (error != MCPZ_OK) {
        return error;
    }

    struct mcpz_reader reader = mcpz_reader(bytes);
    struct mcpz_item item;
    error = mcpz_reader_next(&reader, &item);
    if (error != MCPZ_OK || item.type != MCPZ_ITEM_ARRAY || !item.canonical || item.count == 0 ||
        item.count > MCPZ_PATH_DEPTH_MAX) {
        return MCPZ_EPROTO;
    }
    while (mcpz_reader_next(&reader, &item) == MCPZ_OK) {
        if ((item.type != MCPZ_ITEM_TEXT && item.type != MCPZ_ITEM_UINT) ||
            !is_canonical(&item, 1)) {
            return MCPZ_EPROTO;
        }
    }
    return MCPZ_OK;
}

/* ---- Writing ------------------------------------------------------------------------------ */

/* Room for so many bytes. NULL: there is none, or there was an error before. */
static uint8_t *take_room(struct mcpz_value_writer *writer, size_t length)
{
    if (writer->error == MCPZ_OK && length > writer->capacity - writer->length) {
        writer->error = MCPZ_EFULL;
    }
    if (writer->error != MCPZ_OK) {
        return NULL;
    }
    uint8_t *room = writer->buffer + writer->length;
    writer->length += length;
    return room;
}

/* A value of one byte: what messages and records are full of. */
static void put_byte(struct mcpz_value_writer *writer, unsigned byte)
{
    uint8_t *room = take_room(writer, 1);

    if (room != NULL) {
        *room = (uint8_t)byte;
    }
}

/* Bytes behind a head of one byte, or of two. */
static void put_short(struct mcpz_value_writer *writer, unsigned head, size_t head_bytes,
                      struct mcpz_bytes bytes)
{
    uint8_t *room = take_room(writer, head_bytes + bytes.length);

    if (room == NULL) {
        return;
    }
    room[0] = (uint8_t)head;
    room[head_bytes - 1] = head_bytes > 1 ? (uint8_t)bytes.length : room[0];
    if (bytes.length > 0) {
        memcpy(room + head_bytes, bytes.data, bytes.length);
    }
}

/* What msgpack-c's packer writes longer forms through. It stops at the first non-zero answer. */
static int append(void *context, const char *bytes, size_t length)
{
    uint8_t *room = take_room(context, length);

    if (room == NULL) {
        return -1;
    }
    if (length > 0) {
        memcpy(room, bytes, length);
    }
    return 0;
}

static msgpack_packer packer_to(struct mcpz_value_writer *writer)
{
    return (msgpack_packer){.data = writer, .callback = append};
}

void mcpz_value_nil(struct mcpz_value_writer *writer)
{
    msgpack_packer packer = packer_to(writer);
    (void)msgpack_pack_nil(&packer);
}

void mcpz_value_bool(struct mcpz_value_writer *writer, bool boolean)
{
    put_byte(writer, boolean ? 0xc3 : 0xc2);
}

void mcpz_value_uint(struct mcpz_value_writer *writer, uint64_t number)
{
    msgpack_packer packer = packer_to(writer);

    if (number <= 0x7f) {
        put_byte(writer, (unsigned)number);
        return;
    }
    (void)msgpack_pack_uint64(&packer, number);
}

void mcpz_value_int(struct mcpz_value_writer *writer, int64_t number)
{
    msgpack_packer packer = packer_to(writer);
    (void)msgpack_pack_int64(&packer, number);
}

void mcpz_value_float(struct mcpz_value_writer *writer, double number)
{
    msgpack_packer packer = packer_to(writer);

    if (is_integer(number)) {
        (void)msgpack_pack_int64(&packer, (int64_t)number);
    } else if (isfinite(number)) {
        (void)msgpack_pack_double(&packer, number);
    } else if (writer->error == MCPZ_OK) {
        writer->error = MCPZ_EPROTO;
    }
}

void mcpz_value_text(struct mcpz_value_writer *writer, struct mcpz_bytes text)
{
    msgpack_packer packer = packer_to(writer);

    if (writer->error == MCPZ_OK && !mcpz_bytes_is_utf8(text)) {
        writer->error = MCPZ_EPROTO;
    }
    if (text.length <= 0x1f) {
        put_short(writer, 0xa0 | (unsigned)text.length, 1, text);
        return;
    }
    (void)msgpack_pack_str(&packer, text.length);
    (void)msgpack_pack_str_body(&packer, text.data, text.length);
}

void mcpz_value_bin(struct mcpz_value_writer *writer, struct mcpz_bytes bytes)
{
    msgpack_packer packer = packer_to(writer);

    if (bytes.length <= UINT8_MAX) {
        put_short(writer, 0xc4, 2, bytes);
        return;
    }
    (void)msgpack_pack_bin(&packer, bytes.length);
    (void)msgpack_pack_bin_body(&packer, bytes.data, bytes.length);
}

void mcpz_value_array(struct mcpz_value_writer *writer, uint32_t count)
{
    msgpack_packer packer = packer_to(writer);

    if (count <= 0x0f) {
        put_byte(writer, 0x90 | count);
        return;
    }
    (void)msgpack_pack_array(&packer, count);
}

void mcpz_value_map(struct mcpz_value_writer *writer, uint32_t pair_count)
{
    msgpack_packer packer = packer_to(writer);
    (void)msgpack_pack_map(&packer, pair_count);
}

void mcpz_value_blob(struct mcpz_value_writer *writer, const struct mcpz_blob_ref *ref)
{
    const size_t head = MCPZ_ID_BYTES + sizeof(ref->size);
    uint8_t bytes[MCPZ_ID_BYTES + sizeof(ref->size) + MCPZ_TENANT_BYTES_MAX];
    const uint64_t size = htobe64(ref->size);

    if (ref->tenant.length == 0 || ref->tenant.length > MCPZ_TENANT_BYTES_MAX ||
        !mcpz_bytes_is_utf8(ref->tenant) || ref->size > INT64_MAX) {
        writer->error = writer->error == MCPZ_OK ? MCPZ_EPROTO : writer->error;
        return;
    }
    memcpy(bytes, ref->root.bytes, MCPZ_ID_BYTES);
    memcpy(bytes + MCPZ_ID_BYTES, &size, sizeof(size));
    memcpy(bytes + head, ref->tenant.data, ref->tenant.length);
    msgpack_packer packer = packer_to(writer);
    (void)msgpack_pack_ext_with_body(&packer, bytes, head + ref->tenant.length, MCPZ_VALUE_BLOB);
}

bool mcpz_value_read_blob(struct mcpz_bytes value, struct mcpz_blob_ref *ref)
{
    struct mcpz_reader reader = mcpz_reader(value);
    struct mcpz_item item;

    return mcpz_reader_next(&reader, &item) == MCPZ_OK && item.type == MCPZ_ITEM_EXT &&
           item.canonical && reader.left.length == 0 && read_blob(item.bytes, ref);
}
