/*
 * Feed any bytes to the reader of MessagePack. Where the shape is sound, msgpack-c must see the
 * same value; where the value is canonical, writing what was read must give the same bytes.
 */

#include <stdlib.h>
#include <string.h>

#include <msgpack.h>

#include "proto/limits.h"
#include "wire/reader.h"
#include "wire/shape.h"
#include "wire/value.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static void require(bool condition)
{
    if (!condition) {
        abort();
    }
}

static void require_same_bytes(struct mcpz_bytes ours, const char *theirs, uint32_t length)
{
    require(mcpz_bytes_equal(ours, mcpz_bytes(theirs, length)));
}

/* Doubles are compared by bits: one that is not a number does not equal itself. */
static uint64_t bits_of(double number)
{
    uint64_t bits;
    memcpy(&bits, &number, sizeof(bits));
    return bits;
}

/* One item against msgpack-c's object for it; contents of containers are compared by the caller.
 */
static void compare_item(const struct mcpz_item *item, const msgpack_object *object)
{
    switch (item->type) {
    case MCPZ_ITEM_NIL:
        require(object->type == MSGPACK_OBJECT_NIL);
        return;
    case MCPZ_ITEM_BOOL:
        require(object->type == MSGPACK_OBJECT_BOOLEAN && object->via.boolean == item->boolean);
        return;
    case MCPZ_ITEM_UINT:
        require(object->type == MSGPACK_OBJECT_POSITIVE_INTEGER && object->via.u64 == item->uint);
        return;
    case MCPZ_ITEM_INT:
        require(object->type == MSGPACK_OBJECT_NEGATIVE_INTEGER && object->via.i64 == item->sint);
        return;
    case MCPZ_ITEM_FLOAT:
        require(object->type == MSGPACK_OBJECT_FLOAT32 || object->type == MSGPACK_OBJECT_FLOAT64);
        require(bits_of(object->via.f64) == bits_of(item->real));
        return;
    case MCPZ_ITEM_TEXT:
        require(object->type == MSGPACK_OBJECT_STR);
        require_same_bytes(item->bytes, object->via.str.ptr, object->via.str.size);
        return;
    case MCPZ_ITEM_BIN:
        require(object->type == MSGPACK_OBJECT_BIN);
        require_same_bytes(item->bytes, object->via.bin.ptr, object->via.bin.size);
        return;
    case MCPZ_ITEM_ARRAY:
        require(object->type == MSGPACK_OBJECT_ARRAY && object->via.array.size == item->count);
        return;
    case MCPZ_ITEM_MAP:
        require(object->type == MSGPACK_OBJECT_MAP && object->via.map.size == item->count);
        return;
    case MCPZ_ITEM_EXT:
        require(object->type == MSGPACK_OBJECT_EXT);
        require(item->bytes.data[0] == (uint8_t)object->via.ext.type);
        require_same_bytes(mcpz_bytes(item->bytes.data + 1, item->bytes.length - 1),
                           object->via.ext.ptr, object->via.ext.size);
        return;
    }
    abort();
}

/* Recursive as deep as a value may be. */
static void compare(struct mcpz_reader *reader, const msgpack_object *object)
{
    struct mcpz_item item;

    require(mcpz_reader_next(reader, &item) == MCPZ_OK);
    compare_item(&item, object);
    if (item.type == MCPZ_ITEM_ARRAY) {
        for (uint32_t i = 0; i < item.count; i++) {
            compare(reader, &object->via.array.ptr[i]);
        }
    }
    if (item.type == MCPZ_ITEM_MAP) {
        for (uint32_t i = 0; i < item.count; i++) {
            compare(reader, &object->via.map.ptr[i].key);
            compare(reader, &object->via.map.ptr[i].val);
        }
    }
}

static void compare_with_msgpack_c(struct mcpz_bytes bytes)
{
    struct mcpz_reader reader = mcpz_reader(bytes);
    msgpack_unpacked unpacked;
    size_t offset = 0;

    msgpack_unpacked_init(&unpacked);
    require(msgpack_unpack_next(&unpacked, (const char *)bytes.data, bytes.length, &offset) ==
            MSGPACK_UNPACK_SUCCESS);
    require(offset == bytes.length);
    compare(&reader, &unpacked.data);
    msgpack_unpacked_destroy(&unpacked);
}

static void write_item(struct mcpz_value_writer *writer, const struct mcpz_item *item)
{
    switch (item->type) {
    case MCPZ_ITEM_NIL:
        mcpz_value_nil(writer);
        return;
    case MCPZ_ITEM_BOOL:
        mcpz_value_bool(writer, item->boolean);
        return;
    case MCPZ_ITEM_UINT:
        mcpz_value_uint(writer, item->uint);
        return;
    case MCPZ_ITEM_INT:
        mcpz_value_int(writer, item->sint);
        return;
    case MCPZ_ITEM_FLOAT:
        mcpz_value_float(writer, item->real);
        return;
    case MCPZ_ITEM_TEXT:
        mcpz_value_text(writer, item->bytes);
        return;
    case MCPZ_ITEM_BIN:
        mcpz_value_bin(writer, item->bytes);
        return;
    case MCPZ_ITEM_ARRAY:
        mcpz_value_array(writer, item->count);
        return;
    case MCPZ_ITEM_MAP:
        mcpz_value_map(writer, item->count);
        return;
    case MCPZ_ITEM_EXT:
        break;
    }
    abort();
}

static void write_again(struct mcpz_bytes bytes)
{
    uint8_t buffer[MCPZ_VALUE_BYTES_MAX];
    struct mcpz_value_writer writer = mcpz_value_writer(buffer, sizeof(buffer));
    struct mcpz_reader reader = mcpz_reader(bytes);
    struct mcpz_blob_ref blob;
    struct mcpz_item item;

    if (mcpz_value_read_blob(bytes, &blob)) {
        mcpz_value_blob(&writer, &blob);
        reader.left = mcpz_bytes(NULL, 0);
    }
    while (mcpz_reader_next(&reader, &item) == MCPZ_OK) {
        write_item(&writer, &item);
    }
    require(writer.error == MCPZ_OK);
    require(mcpz_bytes_equal(bytes, mcpz_bytes(buffer, writer.length)));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    const struct mcpz_bytes input = mcpz_bytes(bytes, length);

    bool is_sound = mcpz_shape_check(input) == MCPZ_OK;
    bool is_value = mcpz_value_check(input) == MCPZ_OK;
    bool is_path = mcpz_path_check(input) == MCPZ_OK;
    require(is_sound || (!is_value && !is_path));
    require(is_value || !is_path); /* a path is a value too */
    if (is_sound) {
        compare_with_msgpack_c(input);
    }
    if (is_value) {
        write_again(input);
    }
    return 0;
}
