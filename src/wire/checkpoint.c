#include "wire/checkpoint.h"

#include <assert.h>
#include <string.h>

#include "wire/rows.h"
#include "wire/shape.h"

/* ---- The form ----------------------------------------------------------------------------- */

#define HEAD_FIELDS 6 /* and the version before them, and the entries behind */

#define S struct mcpz_checkpoint_head
static const struct mcpz_field head_fields[HEAD_FIELDS - 1] = {
    {ID(S, document)},
    {TEXT(S, tenant, MCPZ_TENANT_BYTES_MAX)},
    {U64(S, hlc)},
    {VERSIONS(S, versions, version_count)},
    {CUTS(S, cuts, cut_count)},
};
static const struct mcpz_layout head_layout = LAYOUT(S, head_fields);
#undef S

/* An entry as it is written. */
struct row {
    struct mcpz_bytes path;
    uint32_t type;
    uint32_t actor;
    uint64_t seq;
    uint32_t index;
    uint64_t hlc;
    struct mcpz_bytes value;
    uint32_t generation; /* written where `actor` closes lives: which of them */
};

#define ROW_FIELDS 7

#define S struct row
static const struct mcpz_field row_fields[] = {
    {PATH(S, path)},
    {U32_IN(S, type, MCPZ_ENTRY_REGISTER, MCPZ_ENTRY_END - 1)},
    {U32_IN(S, actor, 0, MCPZ_ACTORS_MAX - 1)},
    {U64_FROM(S, seq, 1)},
    {U32_IN(S, index, 0, MCPZ_DELTA_ADDS_MAX - 1)},
    {U64(S, hlc)},
    {VALUE(S, value)},
    {U32(S, generation), SINCE},
};
#undef S
static const struct mcpz_layout closed_row_layout = {
    .size = sizeof(struct row), .fields = row_fields, .field_count = ROW_FIELDS + 1};
static const struct mcpz_layout row_layout = {
    .size = sizeof(struct row), .fields = row_fields, .field_count = ROW_FIELDS};

/* The form of entries whose actor has place `at`. */
static const struct mcpz_layout *layout_at(const struct mcpz_checkpoint_head *head, uint32_t at)
{
    return mcpz_version_closes(&head->versions[at]) ? &closed_row_layout : &row_layout;
}

static void write_head(struct mcpz_value_writer *writer, const struct mcpz_checkpoint_head *head)
{
    mcpz_value_array(writer, HEAD_FIELDS + 1);
    mcpz_value_uint(writer, MCPZ_CHECKPOINT_VERSION);
    mcpz_layout_write_fields(writer, &head_layout, head);
    mcpz_value_array(writer, head->entry_count);
}

size_t mcpz_checkpoint_head_encode(const struct mcpz_checkpoint_head *head, uint8_t *buffer)
{
    struct mcpz_value_writer writer = mcpz_value_writer(buffer, MCPZ_CHECKPOINT_HEAD_BYTES_MAX);

    write_head(&writer, head);
    assert(writer.error == MCPZ_OK);
    return writer.length;
}

static bool is_place_of(const struct mcpz_version *version, const struct mcpz_actor *actor)
{
    return mcpz_version_closes(version) ? mcpz_id_equal(&version->actor.node, &actor->node) &&
                                              actor->generation <= version->actor.generation
                                        : mcpz_actor_compare(&version->actor, actor) == 0;
}

static uint32_t place_of(const struct mcpz_checkpoint_head *head, const struct mcpz_actor *actor)
{
    uint32_t at = 0;

    while (at < head->version_count && !is_place_of(&head->versions[at], actor)) {
        at++;
    }
    assert(at < head->version_count);
    return at;
}

size_t mcpz_checkpoint_entry_encode(const struct mcpz_checkpoint_head *head,
                                    const struct mcpz_record_entry *entry, uint8_t *buffer)
{
    struct mcpz_value_writer writer = mcpz_value_writer(buffer, MCPZ_CHECKPOINT_ENTRY_BYTES_MAX);
    const struct row row = {
        .path = entry->path,
        .type = entry->type,
        .actor = place_of(head, &entry->dot.actor),
        .seq = entry->dot.seq,
        .index = entry->dot.index,
        .hlc = entry->hlc,
        .value = entry->value,
        .generation = entry->dot.actor.generation,
    };

    mcpz_layout_write(&writer, layout_at(head, row.actor), &row);
    assert(writer.error == MCPZ_OK);
    return writer.length;
}

/* ---- Reading ------------------------------------------------------------------------------ */

/* Read an array's header, in its shortest form. */
static mcpz_error read_count(struct mcpz_layout_source *source, uint32_t *count)
{
    struct mcpz_item item;
    mcpz_error error = mcpz_layout_expect(source, MCPZ_ITEM_ARRAY, &item);

    if (error == MCPZ_OK) {
        *count = item.count;
    }
    return error;
}

static mcpz_error read_head(struct mcpz_layout_source *source, struct mcpz_checkpoint_head *head)
{
    struct mcpz_item version;
    uint32_t count = 0;

    mcpz_error error = read_count(source, &count);
    if (error == MCPZ_OK) {
        error = mcpz_layout_expect(source, MCPZ_ITEM_UINT, &version);
    }
    if (error != MCPZ_OK) {
        return error;
    }
    if (count != HEAD_FIELDS + 1 || version.uint != MCPZ_CHECKPOINT_VERSION) {
        return MCPZ_EPROTO;
    }
    error = mcpz_layout_read_fields(source, &head_layout, HEAD_FIELDS - 1, head);
    return error != MCPZ_OK ? error : read_count(source, &head->entry_count);
}

static bool versions_count(const struct mcpz_checkpoint_head *head)
{
    for (size_t i = 0; i < head->version_count; i++) {
        if (head->versions[i].seq == 0) {
            return false;
        }
    }
    return !mcpz_id_is_zero(&head->document);
}

/* In what is skipped of the future there could be anything: what was read is written again. */
static bool is_head_in_form(const struct mcpz_checkpoint_head *head, struct mcpz_bytes bytes)
{
    uint8_t again[MCPZ_CHECKPOINT_HEAD_BYTES_MAX];
    const size_t length = mcpz_checkpoint_head_encode(head, again);

    return length <= bytes.length && memcmp(again, bytes.data, length) == 0;
}

static int compare(const struct mcpz_record_entry *a, const struct mcpz_record_entry *b)
{
    const size_t shorter = a->path.length < b->path.length ? a->path.length : b->path.length;
    int order = memcmp(a->path.data, b->path.data, shorter);

    if (order == 0 && a->path.length != b->path.length) {
        order = a->path.length < b->path.length ? -1 : 1;
    }
    if (order == 0 && a->type != b->type) {
        order = a->type < b->type ? -1 : 1;
    }
    if (order == 0) {
        order = mcpz_actor_compare(&a->dot.actor, &b->dot.actor);
    }
    if (order == 0 && a->dot.seq != b->dot.seq) {
        order = a->dot.seq < b->dot.seq ? -1 : 1;
    }
    if (order == 0 && a->dot.index != b->dot.index) {
        order = a->dot.index < b->dot.index ? -1 : 1;
    }
    return order;
}

static mcpz_error read_row(struct mcpz_checkpoint_reader *reader, struct row *row)
{
    struct mcpz_layout_source source = {.reader = mcpz_reader(reader->left)};
    uint8_t again[MCPZ_CHECKPOINT_ENTRY_BYTES_MAX];
    struct mcpz_value_writer writer = mcpz_value_writer(again, sizeof(again));
    const size_t before = reader->left.length;

    mcpz_error error = mcpz_layout_read(&source, &closed_row_layout, row);
    if (error != MCPZ_OK) {
        return error;
    }
    if (row->actor >= reader->checkpoint.head.version_count) {
        return MCPZ_EPROTO;
    }
    const size_t length = before - source.reader.left.length;
    mcpz_layout_write(&writer, layout_at(&reader->checkpoint.head, row->actor), row);
    if (writer.length != length || memcmp(again, reader->left.data, length) != 0) {
        return MCPZ_EPROTO;
    }
    reader->left = source.reader.left;
    return MCPZ_OK;
}

static mcpz_error next_entry(void *context, struct mcpz_record_entry *entry)
{
    struct mcpz_checkpoint_reader *reader = context;
    const struct mcpz_checkpoint_head *head = &reader->checkpoint.head;
    struct row row;

    if (reader->entries_left == 0) {
        return reader->left.length == 0 ? MCPZ_ENOTFOUND : MCPZ_EPROTO;
    }
    mcpz_error error = read_row(reader, &row);
    if (error != MCPZ_OK) {
        return error;
    }
    const struct mcpz_version *version = &head->versions[row.actor];
    struct mcpz_actor actor = version->actor;
    if (mcpz_version_closes(version)) {
        actor.generation = row.generation;
    }
    if (!is_place_of(version, &actor) || row.seq > version->seq || row.hlc > head->hlc) {
        return MCPZ_EPROTO;
    }
    const struct mcpz_record_entry read = {
        .document = head->document,
        .path = row.path,
        .type = row.type,
        .dot = {actor, row.seq, row.index},
        .hlc = row.hlc,
        .value = row.value,
    };
    if (reader->last.path.length > 0 && compare(&reader->last, &read) >= 0) {
        return MCPZ_EPROTO;
    }
    reader->entries_left--;
    reader->last = read;
    *entry = read;
    return MCPZ_OK;
}

mcpz_error mcpz_checkpoint_open(struct mcpz_checkpoint_reader *reader, struct mcpz_bytes bytes,
                                struct mcpz_arena *arena)
{
    struct mcpz_layout_source source = {.reader = mcpz_reader(bytes), .arena = arena};
    struct mcpz_checkpoint_head head = {.entry_count = 0};
    const size_t arena_used = arena->used;

    mcpz_error error = mcpz_shape_check(bytes);
    if (error == MCPZ_OK) {
        error = read_head(&source, &head);
    }
    if (error == MCPZ_OK && (!versions_count(&head) || !is_head_in_form(&head, bytes))) {
        error = MCPZ_EPROTO;
    }
    if (error != MCPZ_OK) {
        mcpz_arena_rewind(arena, arena_used);
        return error;
    }
    *reader = (struct mcpz_checkpoint_reader){
        .checkpoint = {.head = head, .context = reader, .next = next_entry},
        .left = source.reader.left,
        .entries_left = head.entry_count,
    };
    return MCPZ_OK;
}

mcpz_error mcpz_checkpoint_check(struct mcpz_checkpoint_reader *reader)
{
    struct mcpz_record_entry entry;
    const struct mcpz_bytes left = reader->left;
    mcpz_error error = MCPZ_OK;

    while (error == MCPZ_OK) {
        error = next_entry(reader, &entry);
    }
    reader->left = left;
    reader->entries_left = reader->checkpoint.head.entry_count;
    reader->last = (struct mcpz_record_entry){.type = 0};
    return error == MCPZ_ENOTFOUND ? MCPZ_OK : error;
}
