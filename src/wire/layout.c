#include "wire/layout.h"

#include <assert.h>
#include <string.h>

static bool is_within(uint64_t number, const struct mcpz_field *field)
{
    return number >= field->min && number <= field->max;
}

/* Are the `index`-th item and the one before it as they should be? */
static bool is_ordered(const struct mcpz_field *field, const uint8_t *items, size_t index)
{
    const uint8_t *item = items + index * field->item->size;
    return field->ascends == NULL || index == 0 || field->ascends(item - field->item->size, item);
}

/* ---- Writing: recursive as deep as the tables nest ---------------------------------------- */

static void write_items(struct mcpz_value_writer *writer, const struct mcpz_field *field,
                        const uint8_t *items, size_t count)
{
    assert(is_within(count, field));

    mcpz_value_array(writer, (uint32_t)count);
    for (size_t i = 0; i < count; i++) {
        assert(is_ordered(field, items, i));
        mcpz_layout_write(writer, field->item, items + i * field->item->size);
    }
}

static void write_number(struct mcpz_value_writer *writer, const struct mcpz_field *field,
                         uint64_t number)
{
    assert(is_within(number, field));
    mcpz_value_uint(writer, number);
}

static void write_run(struct mcpz_value_writer *writer, const struct mcpz_field *field,
                      struct mcpz_bytes run)
{
    assert(is_within(run.length, field));
    if (field->type == MCPZ_FIELD_TEXT) {
        mcpz_value_text(writer, run);
    } else {
        mcpz_value_bin(writer, run);
    }
}

static void write_field(struct mcpz_value_writer *writer, const struct mcpz_field *field,
                        const uint8_t *base)
{
    const void *place = base + field->offset;
    const void *count = base + field->count_offset;
    const uint8_t *items;

    switch (field->type) {
    case MCPZ_FIELD_U32:
        write_number(writer, field, *(const uint32_t *)place);
        return;
    case MCPZ_FIELD_U64:
        write_number(writer, field, *(const uint64_t *)place);
        return;
    case MCPZ_FIELD_BOOL:
        mcpz_value_bool(writer, *(const bool *)place);
        return;
    case MCPZ_FIELD_FIXED:
        mcpz_value_bin(writer, mcpz_bytes(place, (size_t)field->max));
        return;
    case MCPZ_FIELD_BYTES:
    case MCPZ_FIELD_TEXT:
        write_run(writer, field, *(const struct mcpz_bytes *)place);
        return;
    case MCPZ_FIELD_STRUCT:
        mcpz_layout_write(writer, field->item, place);
        return;
    case MCPZ_FIELD_LIST:
        memcpy(&items, place, sizeof(items)); /* a pointer to whatever the items are */
        write_items(writer, field, items, *(const size_t *)count);
        return;
    case MCPZ_FIELD_INLINE:
        write_items(writer, field, place, *(const size_t *)count);
        return;
    }
    assert(false);
}

void mcpz_layout_write(struct mcpz_value_writer *writer, const struct mcpz_layout *layout,
                       const void *base)
{
    if (layout->field_count != 1) {
        mcpz_value_array(writer, (uint32_t)layout->field_count);
    }
    mcpz_layout_write_fields(writer, layout, base);
}

void mcpz_layout_write_fields(struct mcpz_value_writer *writer, const struct mcpz_layout *layout,
                              const void *base)
{
    for (size_t i = 0; i < layout->field_count; i++) {
        write_field(writer, &layout->fields[i], base);
    }
}

/* ---- Reading ------------------------------------------------------------------------------ */

mcpz_error mcpz_layout_expect(struct mcpz_layout_source *source, enum mcpz_item_type type,
                              struct mcpz_item *item)
{
    mcpz_error error = mcpz_reader_next(&source->reader, item);
    if (error != MCPZ_OK) {
        return error == MCPZ_ENOTFOUND ? MCPZ_ESHORT : error;
    }
    return item->type == type && item->canonical ? MCPZ_OK : MCPZ_EPROTO;
}

/* The head of an array. */
static mcpz_error expect_array(struct mcpz_layout_source *source, size_t *count)
{
    struct mcpz_item item;

    if (mcpz_reader_take_array(&source->reader, count)) {
        return MCPZ_OK;
    }
    mcpz_error error = mcpz_layout_expect(source, MCPZ_ITEM_ARRAY, &item);
    if (error == MCPZ_OK) {
        *count = item.count;
    }
    return error;
}

static mcpz_error read_number(struct mcpz_layout_source *source, const struct mcpz_field *field,
                              uint64_t *number)
{
    uint64_t read;

    if (!mcpz_reader_take_number(&source->reader, &read)) {
        struct mcpz_item item;
        mcpz_error error = mcpz_layout_expect(source, MCPZ_ITEM_UINT, &item);
        if (error != MCPZ_OK) {
            return error;
        }
        read = item.uint;
    }
    if (!is_within(read, field)) {
        return MCPZ_EPROTO;
    }
    *number = read;
    return MCPZ_OK;
}

static mcpz_error read_u32(struct mcpz_layout_source *source, const struct mcpz_field *field,
                           uint32_t *number)
{
    uint64_t wide;
    mcpz_error error = read_number(source, field, &wide);
    if (error == MCPZ_OK) {
        assert(wide <= UINT32_MAX); /* the table says so */
        *number = (uint32_t)wide;
    }
    return error;
}

static mcpz_error read_bool(struct mcpz_layout_source *source, bool *boolean)
{
    struct mcpz_item item;

    if (mcpz_reader_take_bool(&source->reader, boolean)) {
        return MCPZ_OK;
    }
    mcpz_error error = mcpz_layout_expect(source, MCPZ_ITEM_BOOL, &item);
    if (error == MCPZ_OK) {
        *boolean = item.boolean;
    }
    return error;
}

static mcpz_error read_fixed(struct mcpz_layout_source *source, const struct mcpz_field *field,
                             uint8_t *bytes)
{
    struct mcpz_bytes run;

    if (!mcpz_reader_take_short(&source->reader, false, &run)) {
        struct mcpz_item item;
        mcpz_error error = mcpz_layout_expect(source, MCPZ_ITEM_BIN, &item);
        if (error != MCPZ_OK) {
            return error;
        }
        run = item.bytes;
    }
    if (run.length != field->max) {
        return MCPZ_EPROTO;
    }
    memcpy(bytes, run.data, run.length);
    return MCPZ_OK;
}

static mcpz_error read_run(struct mcpz_layout_source *source, const struct mcpz_field *field,
                           struct mcpz_bytes *run)
{
    bool is_text = field->type == MCPZ_FIELD_TEXT;
    struct mcpz_bytes read;

    if (!mcpz_reader_take_short(&source->reader, is_text, &read)) {
        struct mcpz_item item;
        mcpz_error error =
            mcpz_layout_expect(source, is_text ? MCPZ_ITEM_TEXT : MCPZ_ITEM_BIN, &item);
        if (error != MCPZ_OK) {
            return error;
        }
        read = item.bytes;
    }
    if (!is_within(read.length, field) || (is_text && !mcpz_bytes_is_utf8(read)) ||
        (field->check != NULL && field->check(read) != MCPZ_OK)) {
        return MCPZ_EPROTO;
    }
    *run = read;
    return MCPZ_OK;
}

/* Read the header of a list; nothing is sized by what it says before that is within bounds. */
static mcpz_error read_count(struct mcpz_layout_source *source, const struct mcpz_field *field,
                             size_t *count)
{
    size_t read;
    mcpz_error error = expect_array(source, &read);
    if (error != MCPZ_OK) {
        return error;
    }
    if (!is_within(read, field)) {
        return MCPZ_EPROTO;
    }
    *count = read;
    return MCPZ_OK;
}

static mcpz_error read_items(struct mcpz_layout_source *source, const struct mcpz_field *field,
                             uint8_t *items, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        mcpz_error error = mcpz_layout_read(source, field->item, items + i * field->item->size);
        if (error != MCPZ_OK) {
            return error;
        }
        if (!is_ordered(field, items, i)) {
            return MCPZ_EPROTO;
        }
    }
    return MCPZ_OK;
}

static mcpz_error read_list(struct mcpz_layout_source *source, const struct mcpz_field *field,
                            void *place, size_t *count)
{
    mcpz_error error = read_count(source, field, count);
    if (error != MCPZ_OK) {
        return error;
    }

    uint8_t *items = NULL;
    if (*count > 0) {
        assert(source->arena != NULL);
        items = mcpz_arena_take(source->arena, *count, field->item->size);
        if (items == NULL) {
            return MCPZ_EFULL;
        }
    }
    memcpy(place, &items, sizeof(items)); /* a pointer to whatever the items are */
    return read_items(source, field, items, *count);
}

static mcpz_error read_inline(struct mcpz_layout_source *source, const struct mcpz_field *field,
                              void *place, size_t *count)
{
    mcpz_error error = read_count(source, field, count);
    return error != MCPZ_OK ? error : read_items(source, field, place, *count);
}

static mcpz_error read_field(struct mcpz_layout_source *source, const struct mcpz_field *field,
                             uint8_t *base)
{
    void *place = base + field->offset;
    void *count = base + field->count_offset;

    switch (field->type) {
    case MCPZ_FIELD_U32:
        return read_u32(source, field, place);
    case MCPZ_FIELD_U64:
        return read_number(source, field, place);
    case MCPZ_FIELD_BOOL:
        return read_bool(source, place);
    case MCPZ_FIELD_FIXED:
        return read_fixed(source, field, place);
    case MCPZ_FIELD_BYTES:
    case MCPZ_FIELD_TEXT:
        return read_run(source, field, place);
    case MCPZ_FIELD_STRUCT:
        return mcpz_layout_read(source, field->item, place);
    case MCPZ_FIELD_LIST:
        return read_list(source, field, place, count);
    case MCPZ_FIELD_INLINE:
        return read_inline(source, field, place, count);
    }
    assert(false);
    return MCPZ_EPROTO;
}

/* What a sender does not know yet. */
static mcpz_error read_absent(const struct mcpz_field *field, uint8_t *base)
{
    void *place = base + field->offset;

    if (!field->since) {
        return MCPZ_EPROTO;
    }
    switch (field->type) {
    case MCPZ_FIELD_U32:
        *(uint32_t *)place = 0;
        return MCPZ_OK;
    case MCPZ_FIELD_U64:
        *(uint64_t *)place = 0;
        return MCPZ_OK;
    case MCPZ_FIELD_BOOL:
        *(bool *)place = false;
        return MCPZ_OK;
    case MCPZ_FIELD_BYTES:
    case MCPZ_FIELD_TEXT:
        *(struct mcpz_bytes *)place = mcpz_bytes(NULL, 0);
        return MCPZ_OK;
    case MCPZ_FIELD_LIST:
    case MCPZ_FIELD_INLINE:
        *(size_t *)(void *)(base + field->count_offset) = 0;
        return MCPZ_OK;
    case MCPZ_FIELD_FIXED:
    case MCPZ_FIELD_STRUCT:
        break;
    }
    assert(false);
    return MCPZ_EPROTO;
}

mcpz_error mcpz_layout_read(struct mcpz_layout_source *source, const struct mcpz_layout *layout,
                            void *base)
{
    if (layout->field_count == 1) {
        return mcpz_layout_read_fields(source, layout, 1, base);
    }

    size_t count;
    mcpz_error error = expect_array(source, &count);
    return error != MCPZ_OK ? error : mcpz_layout_read_fields(source, layout, count, base);
}

mcpz_error mcpz_layout_read_fields(struct mcpz_layout_source *source,
                                   const struct mcpz_layout *layout, size_t count, void *base)
{
    mcpz_error error = source->is_exact && count != layout->field_count ? MCPZ_EPROTO : MCPZ_OK;

    for (size_t i = 0; i < layout->field_count && error == MCPZ_OK; i++) {
        error = i < count ? read_field(source, &layout->fields[i], base)
                          : read_absent(&layout->fields[i], base);
    }
    for (size_t i = layout->field_count; i < count && error == MCPZ_OK; i++) {
        error = mcpz_reader_skip(&source->reader);
    }
    return error == MCPZ_ENOTFOUND ? MCPZ_ESHORT : error;
}

/* ---- With a tag --------------------------------------------------------------------------- */

mcpz_error mcpz_layout_write_tagged(const struct mcpz_layout *layout, uint32_t tag,
                                    const void *base, uint8_t *buffer, size_t capacity,
                                    size_t *length)
{
    struct mcpz_value_writer writer = mcpz_value_writer(buffer, capacity);

    mcpz_value_array(&writer, (uint32_t)(1 + layout->field_count));
    mcpz_value_uint(&writer, tag);
    mcpz_layout_write_fields(&writer, layout, base);
    if (writer.error == MCPZ_OK) {
        *length = writer.length;
    }
    return writer.error;
}

mcpz_error mcpz_layout_read_tag(struct mcpz_layout_source *source, uint64_t *tag, size_t *count)
{
    struct mcpz_item item;
    size_t read;

    mcpz_error error = expect_array(source, &read);
    if (error != MCPZ_OK) {
        return error;
    }
    if (read == 0) {
        return MCPZ_EPROTO;
    }
    *count = read - 1;
    error = mcpz_layout_expect(source, MCPZ_ITEM_UINT, &item);
    if (error == MCPZ_OK) {
        *tag = item.uint;
    }
    return error;
}
