#include "http/document.h"

#include <assert.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "http/jsontext.h"
#include "wire/reader.h"
#include "wire/value.h"

/* ---- Paths -------------------------------------------------------------------------------- */

/* Undo "~1" and "~0" (RFC 6901 section 4) into `plain`, which has room for `element`. */
static mcpz_error unescape(struct mcpz_bytes element, uint8_t *plain, size_t *length)
{
    size_t done = 0;

    for (size_t i = 0; i < element.length; i++) {
        uint8_t character = element.data[i];
        if (character == '~') {
            i++;
            if (i == element.length || (element.data[i] != '0' && element.data[i] != '1')) {
                return MCPZ_EPROTO;
            }
            character = element.data[i] == '0' ? '~' : '/';
        }
        plain[done++] = character;
    }
    *length = done;
    return MCPZ_OK;
}

/* Split the first element off `*left`. */
static struct mcpz_bytes split(struct mcpz_bytes *left, uint8_t separator)
{
    const uint8_t *found = memchr(left->data, separator, left->length);
    size_t length = found != NULL ? (size_t)(found - left->data) : left->length;
    struct mcpz_bytes element = mcpz_bytes(left->data, length);
    size_t used = found != NULL ? length + 1 : length;

    *left = mcpz_bytes(left->data + used, left->length - used);
    return element;
}

static mcpz_error write_elements(struct mcpz_value_writer *writer, struct mcpz_bytes text,
                                 uint8_t separator, uint32_t count)
{
    uint8_t plain[MCPZ_PATH_BYTES_MAX * 2];

    for (uint32_t i = 0; i < count; i++) {
        struct mcpz_bytes element = split(&text, separator);
        if (element.length > sizeof(plain)) {
            return MCPZ_EFULL;
        }
        if (separator == '/') {
            size_t length = 0;
            mcpz_error error = unescape(element, plain, &length);
            if (error != MCPZ_OK) {
                return error;
            }
            element = mcpz_bytes(plain, length);
        }
        if (element.length == 0) {
            return MCPZ_EPROTO;
        }
        if (i == 0 && element.data[0] == '$') {
            return MCPZ_EAUTH;
        }
        mcpz_value_text(writer, element);
    }
    return writer->error;
}

mcpz_error mcpz_path_from_text(struct mcpz_bytes text, struct mcpz_path *path)
{
    if (text.length == 0 || !mcpz_bytes_is_utf8(text) ||
        memchr(text.data, 0, text.length) != NULL) {
        return MCPZ_EPROTO;
    }
    uint8_t separator = text.data[0] == '/' ? '/' : '.';
    if (separator == '/') {
        text = mcpz_bytes(text.data + 1, text.length - 1);
    }

    size_t count = 1;
    for (size_t i = 0; i < text.length; i++) {
        count += text.data[i] == separator ? 1 : 0;
    }
    if (count > MCPZ_PATH_DEPTH_MAX) {
        return MCPZ_EFULL;
    }

    struct mcpz_path result;
    struct mcpz_value_writer writer = mcpz_value_writer(result.bytes, sizeof(result.bytes));
    mcpz_value_array(&writer, (uint32_t)count);
    mcpz_error error = write_elements(&writer, text, separator, (uint32_t)count);
    if (error != MCPZ_OK) {
        return error;
    }
    memcpy(path->bytes, result.bytes, writer.length);
    path->length = writer.length;
    return MCPZ_OK;
}

struct mcpz_bytes mcpz_path_element_key(const struct mcpz_item *item, char *number)
{
    if (item->type == MCPZ_ITEM_TEXT) {
        return item->bytes;
    }
    assert(item->type == MCPZ_ITEM_UINT);
    (void)snprintf(number, MCPZ_PATH_NUMBER_CHARS, "[%llu]", (unsigned long long)item->uint);
    return mcpz_text(number);
}

static bool reads_back_dotted(struct mcpz_bytes path)
{
    struct mcpz_reader reader = mcpz_reader(path);
    struct mcpz_item item;
    bool first = true;

    if (mcpz_reader_next(&reader, &item) != MCPZ_OK) {
        return false;
    }
    while (mcpz_reader_next(&reader, &item) == MCPZ_OK) {
        if (item.type != MCPZ_ITEM_TEXT || item.bytes.length == 0 ||
            memchr(item.bytes.data, '.', item.bytes.length) != NULL ||
            (first && item.bytes.data[0] == '/')) {
            return false;
        }
        first = false;
    }
    return true;
}

json_t *mcpz_path_to_json(struct mcpz_bytes path)
{
    char text[2 * MCPZ_PATH_BYTES_MAX + MCPZ_PATH_NUMBER_CHARS * MCPZ_PATH_DEPTH_MAX];
    bool dotted = reads_back_dotted(path);
    struct mcpz_reader reader = mcpz_reader(path);
    struct mcpz_item item;
    size_t length = 0;

    assert(path.length <= MCPZ_PATH_BYTES_MAX);
    if (mcpz_reader_next(&reader, &item) != MCPZ_OK) {
        return json_string("");
    }
    while (mcpz_reader_next(&reader, &item) == MCPZ_OK) {
        char number[MCPZ_PATH_NUMBER_CHARS];
        struct mcpz_bytes key = mcpz_path_element_key(&item, number);
        if (!dotted || length > 0) {
            text[length++] = dotted ? '.' : '/';
        }
        for (size_t i = 0; i < key.length; i++) {
            uint8_t character = key.data[i];
            bool escape = !dotted && (character == '~' || character == '/');
            if (escape) {
                text[length++] = '~';
                character = character == '~' ? '0' : '1';
            }
            text[length++] = (char)character;
        }
    }
    return json_stringn(text, length);
}

/* ---- Values from JSON --------------------------------------------------------------------- */

#define MAP_PAIRS_MAX (MCPZ_VALUE_BYTES_MAX / 2) /* a pair takes two bytes at least */

static mcpz_error write_json(struct mcpz_value_writer *writer, json_t *json, unsigned depth);

struct pair {
    struct mcpz_bytes key;
    json_t *value;
};

static int compare_pairs(const void *a, const void *b)
{
    const struct pair *left = a;
    const struct pair *right = b;
    return mcpz_bytes_compare(left->key, right->key);
}

static mcpz_error write_object(struct mcpz_value_writer *writer, json_t *object, unsigned depth)
{
    size_t count = json_object_size(object);
    size_t used = 0;
    mcpz_error error = MCPZ_OK;

    if (count > MAP_PAIRS_MAX) {
        return MCPZ_EFULL;
    }
    struct pair *pairs = calloc(count + 1, sizeof(*pairs));
    if (pairs == NULL) {
        return MCPZ_ENOMEM;
    }
    for (void *at = json_object_iter(object); at != NULL; at = json_object_iter_next(object, at)) {
        assert(used < count);
        pairs[used++] = (struct pair){
            .key = mcpz_bytes(json_object_iter_key(at), json_object_iter_key_len(at)),
            .value = json_object_iter_value(at),
        };
    }
    qsort(pairs, count, sizeof(*pairs), compare_pairs);

    mcpz_value_map(writer, (uint32_t)count);
    for (size_t i = 0; i < count && error == MCPZ_OK; i++) {
        mcpz_value_text(writer, pairs[i].key);
        error = write_json(writer, pairs[i].value, depth);
    }
    free(pairs);
    return error;
}

static mcpz_error write_base64(struct mcpz_value_writer *writer, struct mcpz_bytes text)
{
    uint8_t bytes[MCPZ_VALUE_BYTES_MAX];
    size_t length = 0;

    mcpz_error error = mcpz_base64_decode(text, bytes, sizeof(bytes), &length);
    if (error == MCPZ_OK) {
        mcpz_value_bin(writer, mcpz_bytes(bytes, length));
    }
    return error;
}

static mcpz_error write_uint(struct mcpz_value_writer *writer, struct mcpz_bytes text)
{
    uint64_t number = 0;

    if (text.length == 0 || (text.length > 1 && text.data[0] == '0')) {
        return MCPZ_EPROTO;
    }
    for (size_t i = 0; i < text.length; i++) {
        if (text.data[i] < '0' || text.data[i] > '9' ||
            __builtin_mul_overflow(number, 10, &number) ||
            __builtin_add_overflow(number, text.data[i] - '0', &number)) {
            return MCPZ_EPROTO;
        }
    }
    mcpz_value_uint(writer, number);
    return MCPZ_OK;
}

/* {"$blob": ID, "size": N, "tenant": NAME}, as a whole value only. */
static mcpz_error write_blob(struct mcpz_value_writer *writer, json_t *object, unsigned depth)
{
    const json_t *root = json_object_get(object, "$blob");
    const json_t *size = json_object_get(object, "size");
    const json_t *tenant = json_object_get(object, "tenant");
    struct mcpz_blob_ref ref;

    if (depth > 0 || json_object_size(object) != 3 || !json_is_string(root) ||
        !json_is_integer(size) || json_integer_value(size) < 0 || !json_is_string(tenant) ||
        mcpz_id_from_text(mcpz_bytes(json_string_value(root), json_string_length(root)), 'b',
                          &ref.root) != MCPZ_OK) {
        return MCPZ_EPROTO;
    }
    ref.size = (uint64_t)json_integer_value(size);
    ref.tenant = mcpz_bytes(json_string_value(tenant), json_string_length(tenant));
    mcpz_value_blob(writer, &ref);
    return MCPZ_OK; /* errors stick to the writer */
}

/* Objects that stand for something JSON lacks. MCPZ_ENOTFOUND: an ordinary one. */
static mcpz_error write_special(struct mcpz_value_writer *writer, json_t *object, unsigned depth)
{
    if (json_object_get(object, "$blob") != NULL) {
        return write_blob(writer, object, depth);
    }
    if (json_object_size(object) != 1) {
        return MCPZ_ENOTFOUND;
    }
    const char *key = json_object_iter_key(json_object_iter(object));
    json_t *value = json_object_iter_value(json_object_iter(object));
    bool is_base64 = strcmp(key, "$base64") == 0;
    if (!is_base64 && strcmp(key, "$uint") != 0) {
        return MCPZ_ENOTFOUND;
    }
    if (!json_is_string(value)) {
        return MCPZ_EPROTO;
    }
    struct mcpz_bytes text = mcpz_bytes(json_string_value(value), json_string_length(value));
    return is_base64 ? write_base64(writer, text) : write_uint(writer, text);
}

static mcpz_error write_array(struct mcpz_value_writer *writer, json_t *array, unsigned depth)
{
    size_t count = json_array_size(array);
    mcpz_error error = MCPZ_OK;

    if (count > MCPZ_VALUE_BYTES_MAX) {
        return MCPZ_EFULL;
    }
    mcpz_value_array(writer, (uint32_t)count);
    for (size_t i = 0; i < count && error == MCPZ_OK; i++) {
        error = write_json(writer, json_array_get(array, i), depth);
    }
    return error;
}

static mcpz_error write_container(struct mcpz_value_writer *writer, json_t *json, unsigned depth)
{
    if (json_is_object(json)) {
        mcpz_error error = write_special(writer, json, depth);
        if (error != MCPZ_ENOTFOUND) {
            return error;
        }
    }
    if (depth == MCPZ_MSG_DEPTH_MAX) {
        return MCPZ_EPROTO;
    }
    return json_is_object(json) ? write_object(writer, json, depth + 1)
                                : write_array(writer, json, depth + 1);
}

/* Recursion ends at MCPZ_MSG_DEPTH_MAX. `depth` is that of containers around `json`. */
static mcpz_error write_json(struct mcpz_value_writer *writer, json_t *json, unsigned depth)
{
    mcpz_error error = MCPZ_OK;

    switch (json_typeof(json)) {
    case JSON_NULL:
        mcpz_value_nil(writer);
        break;
    case JSON_TRUE:
    case JSON_FALSE:
        mcpz_value_bool(writer, json_is_true(json));
        break;
    case JSON_INTEGER:
        mcpz_value_int(writer, json_integer_value(json));
        break;
    case JSON_REAL:
        mcpz_value_float(writer, json_real_value(json));
        break;
    case JSON_STRING:
        mcpz_value_text(writer, mcpz_bytes(json_string_value(json), json_string_length(json)));
        break;
    case JSON_ARRAY:
    case JSON_OBJECT:
        error = write_container(writer, json, depth);
        break;
    }
    return error != MCPZ_OK ? error : writer->error;
}

mcpz_error mcpz_value_from_json(json_t *json, struct mcpz_value *value)
{
    struct mcpz_value result;
    struct mcpz_value_writer writer = mcpz_value_writer(result.bytes, sizeof(result.bytes));

    mcpz_error error = write_json(&writer, json, 0);
    if (error != MCPZ_OK) {
        return error;
    }
    memcpy(value->bytes, result.bytes, writer.length);
    value->length = writer.length;
    return MCPZ_OK;
}

/* ---- Values to JSON ----------------------------------------------------------------------- */

static json_t *read_value(struct mcpz_reader *reader);

static json_t *show_uint(uint64_t number)
{
    char text[24];

    if (number <= INT64_MAX) {
        return json_integer((json_int_t)number);
    }
    (void)snprintf(text, sizeof(text), "%llu", (unsigned long long)number);
    return json_pack("{s:s}", "$uint", text);
}

static json_t *show_bin(struct mcpz_bytes bytes)
{
    char text[MCPZ_BASE64_CHARS(MCPZ_VALUE_BYTES_MAX) + 1];

    assert(bytes.length <= MCPZ_VALUE_BYTES_MAX);
    mcpz_base64_encode(bytes, text);
    return json_pack("{s:s}", "$base64", text);
}

static json_t *show_blob(const struct mcpz_blob_ref *ref)
{
    char root[MCPZ_ID_TEXT_BYTES];

    mcpz_id_to_text(&ref->root, 'b', root);
    return json_pack("{s:s, s:I, s:s%}", "$blob", root, "size", (json_int_t)ref->size, "tenant",
                     (const char *)ref->tenant.data, ref->tenant.length);
}

static json_t *read_array(struct mcpz_reader *reader, uint32_t count)
{
    json_t *array = json_array();

    for (uint32_t i = 0; i < count && array != NULL; i++) {
        if (json_array_append_new(array, read_value(reader)) != 0) {
            json_decref(array);
            return NULL;
        }
    }
    return array;
}

static json_t *read_map(struct mcpz_reader *reader, uint32_t count)
{
    json_t *object = json_object();

    for (uint32_t i = 0; i < count && object != NULL; i++) {
        struct mcpz_item key;
        if (mcpz_reader_next(reader, &key) != MCPZ_OK ||
            json_object_setn_new(object, (const char *)key.bytes.data, key.bytes.length,
                                 read_value(reader)) != 0) {
            json_decref(object);
            return NULL;
        }
    }
    return object;
}

/* The value was checked: it is canonical and no deeper than MCPZ_MSG_DEPTH_MAX. */
static json_t *read_value(struct mcpz_reader *reader)
{
    struct mcpz_item item;

    if (mcpz_reader_next(reader, &item) != MCPZ_OK) {
        return NULL;
    }
    switch (item.type) {
    case MCPZ_ITEM_NIL:
        return json_null();
    case MCPZ_ITEM_BOOL:
        return json_boolean(item.boolean);
    case MCPZ_ITEM_UINT:
        return show_uint(item.uint);
    case MCPZ_ITEM_INT:
        return json_integer(item.sint);
    case MCPZ_ITEM_FLOAT:
        return json_real(item.real);
    case MCPZ_ITEM_TEXT:
        return json_stringn((const char *)item.bytes.data, item.bytes.length);
    case MCPZ_ITEM_BIN:
        return show_bin(item.bytes);
    case MCPZ_ITEM_ARRAY:
        return read_array(reader, item.count);
    case MCPZ_ITEM_MAP:
        return read_map(reader, item.count);
    case MCPZ_ITEM_EXT:
        break;
    }
    return NULL;
}

mcpz_error mcpz_value_to_json(struct mcpz_bytes value, json_t **json)
{
    if (mcpz_value_check(value) != MCPZ_OK) {
        return MCPZ_ECORRUPT;
    }
    struct mcpz_reader reader = mcpz_reader(value);
    struct mcpz_blob_ref ref;
    json_t *result = mcpz_value_read_blob(value, &ref) ? show_blob(&ref) : read_value(&reader);
    if (result == NULL) {
        return MCPZ_ENOMEM;
    }
    *json = result;
    return MCPZ_OK;
}
