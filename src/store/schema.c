#include "store/schema.h"

#include <assert.h>
#include <endian.h>
#include <string.h>

/* What follows the path in the key of an entry: type, node, generation, seq, index. */
#define ENTRY_TAIL_BYTES (1 + MCPZ_ID_BYTES + 4 + 8 + 2)

#define LISTED_BYTES (1 + 8 + 8 + MCPZ_TASK_ID_BYTES)

static_assert(MCPZ_RECORD_KIND_END <= 256, "a kind is one byte");
static_assert(MCPZ_TENANT_BYTES_MAX <= UINT8_MAX, "the length of a tenant is one byte");

/* ---- Writing ------------------------------------------------------------------------------ */

static inline void add_bytes(struct mcpz_key *key, struct mcpz_bytes bytes)
{
    assert(bytes.length <= sizeof(key->bytes) - key->length);

    if (bytes.length > 0) {
        memcpy(key->bytes + key->length, bytes.data, bytes.length);
    }
    key->length += bytes.length;
}

/* Inline: of a width that the compiler knows. */
static inline void add_number(struct mcpz_key *key, uint64_t number, size_t width)
{
    assert(width >= 1 && width <= sizeof(number));
    assert(width == sizeof(number) || number >> 8 * width == 0);

    const uint64_t big = htobe64(number << 8 * (sizeof(number) - width));
    add_bytes(key, mcpz_bytes(&big, width));
}

static void add_id(struct mcpz_key *key, const struct mcpz_id *id)
{
    add_bytes(key, mcpz_bytes(id->bytes, MCPZ_ID_BYTES));
}

static void add_actor(struct mcpz_key *key, const struct mcpz_actor *actor)
{
    add_id(key, &actor->node);
    add_number(key, actor->generation, 4);
}

static void add_path(struct mcpz_key *key, struct mcpz_bytes path)
{
    assert(path.length <= MCPZ_PATH_BYTES_MAX);

    add_bytes(key, path);
}

static void add_task_id(struct mcpz_key *key, const struct mcpz_task_id *id)
{
    add_bytes(key, mcpz_bytes(id->bytes, MCPZ_TASK_ID_BYTES));
}

static void add_listed(struct mcpz_key *key, const struct mcpz_record_task_listed *listed)
{
    add_number(key, listed->list, 1);
    add_number(key, listed->group, 8);
    add_number(key, listed->order, 8);
    add_task_id(key, &listed->id);
}

static void add_text(struct mcpz_key *key, struct mcpz_bytes text)
{
    add_number(key, text.length, 1);
    add_bytes(key, text);
}

static void add_task_key(struct mcpz_key *key, const struct mcpz_record_task_key *task_key)
{
    add_text(key, task_key->tenant);
    add_bytes(key, task_key->key);
}

static void add_entry(struct mcpz_key *key, const struct mcpz_record_entry *entry)
{
    add_id(key, &entry->document);
    add_path(key, entry->path);
    add_number(key, entry->type, 1);
    add_actor(key, &entry->dot.actor);
    add_number(key, entry->dot.seq, 8);
    add_number(key, entry->dot.index, 2);
}

/* What makes up the key of one that is about durable tasks. */
static void add_of_tasks(struct mcpz_key *key, const struct mcpz_record *record)
{
    switch (record->kind) {
    case MCPZ_RECORD_TASK:
        add_task_id(key, &record->task.id);
        break;
    case MCPZ_RECORD_TASK_STATE:
        add_task_id(key, &record->task_state.id);
        break;
    case MCPZ_RECORD_TASK_LISTED:
        add_listed(key, &record->task_listed);
        break;
    case MCPZ_RECORD_TASK_KEY:
        add_task_key(key, &record->task_key);
        break;
    case MCPZ_RECORD_TASK_RESULT:
        add_task_id(key, &record->task_result.id);
        break;
    case MCPZ_RECORD_TASK_PLAN:
        add_task_id(key, &record->task_plan.id);
        break;
    case MCPZ_RECORD_QUEUE:
        add_bytes(key, record->queue.capability);
        break;
    case MCPZ_RECORD_RUN:
        add_text(key, record->run.tenant);
        add_text(key, record->run.capability);
        add_bytes(key, record->run.key);
        break;
    default:
        assert(false);
    }
}

static void add_of_document(struct mcpz_key *key, const struct mcpz_record *record)
{
    switch (record->kind) {
    case MCPZ_RECORD_DOCUMENT:
        add_id(key, &record->document.id);
        break;
    case MCPZ_RECORD_ENTRY:
        add_entry(key, &record->entry);
        break;
    case MCPZ_RECORD_DELTA:
        add_id(key, &record->delta.delta.document);
        add_actor(key, &record->delta.delta.actor);
        add_number(key, record->delta.delta.seq, 8);
        add_bytes(key, mcpz_bytes(record->delta.head.bytes, MCPZ_HEAD_BYTES));
        break;
    case MCPZ_RECORD_FORK:
        add_id(key, &record->fork.document);
        add_actor(key, &record->fork.actor);
        break;
    case MCPZ_RECORD_CHECKPOINT:
        add_id(key, &record->checkpoint.document);
        break;
    case MCPZ_RECORD_FLOOR:
        add_id(key, &record->floor.document);
        break;
    case MCPZ_RECORD_BASE:
        add_id(key, &record->base.document);
        add_number(key, record->base.index, 4);
        break;
    case MCPZ_RECORD_STABLE:
        add_id(key, &record->stable.document);
        break;
    default:
        assert(false);
    }
}

/* The node or document that a record of such a kind is found by. */
static const struct mcpz_id *id_of(const struct mcpz_record *record)
{
    switch (record->kind) {
    case MCPZ_RECORD_PEER:
        return &record->peer.id;
    case MCPZ_RECORD_AUTHOR:
        return &record->author.id;
    case MCPZ_RECORD_TRACKER:
        return &record->tracker.tracker.node;
    case MCPZ_RECORD_CURSOR:
        return &record->cursor.peer;
    case MCPZ_RECORD_REVOKED:
        return &record->revoked.revocation.node;
    default:
        assert(record->kind == MCPZ_RECORD_BLOB_DOCUMENT);
        return &record->blob_document.document;
    }
}

void mcpz_schema_key(const struct mcpz_record *record, struct mcpz_key *key)
{
    key->length = 0;
    add_number(key, record->kind, 1);

    switch (record->kind) {
    case MCPZ_RECORD_SELF:
    case MCPZ_RECORD_STAGED:
    case MCPZ_RECORD_CHANGES:
    case MCPZ_RECORD_HORIZON:
    case MCPZ_RECORD_SETTLED:
        return; /* there is one */
    case MCPZ_RECORD_TOKEN:
        add_bytes(key, mcpz_bytes(record->token.id, MCPZ_TOKEN_ID_BYTES));
        return;
    case MCPZ_RECORD_PEER:
    case MCPZ_RECORD_AUTHOR:
    case MCPZ_RECORD_TRACKER:
    case MCPZ_RECORD_CURSOR:
    case MCPZ_RECORD_REVOKED:
    case MCPZ_RECORD_BLOB_DOCUMENT:
        add_id(key, id_of(record));
        return;
    case MCPZ_RECORD_DOCUMENT:
    case MCPZ_RECORD_ENTRY:
    case MCPZ_RECORD_DELTA:
    case MCPZ_RECORD_FORK:
    case MCPZ_RECORD_CHECKPOINT:
    case MCPZ_RECORD_FLOOR:
    case MCPZ_RECORD_BASE:
    case MCPZ_RECORD_STABLE:
        add_of_document(key, record);
        return;
    case MCPZ_RECORD_TASK:
    case MCPZ_RECORD_TASK_STATE:
    case MCPZ_RECORD_TASK_LISTED:
    case MCPZ_RECORD_TASK_KEY:
    case MCPZ_RECORD_TASK_RESULT:
    case MCPZ_RECORD_TASK_PLAN:
    case MCPZ_RECORD_QUEUE:
    case MCPZ_RECORD_RUN:
        add_of_tasks(key, record);
        return;
    case MCPZ_RECORD_BATCH:
        add_bytes(key, mcpz_bytes(record->batch.name.bytes, MCPZ_BATCH_NAME_BYTES));
        add_number(key, record->batch.part.first, 4);
        return;
    case MCPZ_RECORD_LAYOUT:
        add_number(key, record->layout.stamp.version, 8);
        add_number(key, record->layout.stamp.tag, 8);
        return;
    case MCPZ_RECORD_HINT:
        add_id(key, &record->hint.owner);
        add_number(key, record->hint.since_ms, 8);
        add_id(key, &record->hint.document);
        return;
    case MCPZ_RECORD_CHANGE:
        add_number(key, record->change.seq, 8);
        return;
    case MCPZ_RECORD_KIND_END:
        break;
    }
    assert(false);
}

void mcpz_schema_prefix(const struct mcpz_record *record, enum mcpz_scan scan,
                        struct mcpz_key *prefix)
{
    bool entry = record->kind == MCPZ_RECORD_ENTRY;
    bool delta = record->kind == MCPZ_RECORD_DELTA;
    bool fork = record->kind == MCPZ_RECORD_FORK;
    bool base = record->kind == MCPZ_RECORD_BASE;

    prefix->length = 0;
    add_number(prefix, record->kind, 1);

    switch (scan) {
    case MCPZ_SCAN_KIND:
        return;
    case MCPZ_SCAN_DOCUMENT:
        assert(entry || delta || fork || base);
        add_id(prefix, entry  ? &record->entry.document
                       : fork ? &record->fork.document
                       : base ? &record->base.document
                              : &record->delta.delta.document);
        return;
    case MCPZ_SCAN_PATH:
        assert(entry);
        add_id(prefix, &record->entry.document);
        add_path(prefix, record->entry.path);
        return;
    case MCPZ_SCAN_ACTOR:
    case MCPZ_SCAN_SEQ:
        assert(delta);
        add_id(prefix, &record->delta.delta.document);
        add_actor(prefix, &record->delta.delta.actor);
        if (scan == MCPZ_SCAN_SEQ) {
            add_number(prefix, record->delta.delta.seq, 8);
        }
        return;
    case MCPZ_SCAN_LIST:
    case MCPZ_SCAN_GROUP:
        assert(record->kind == MCPZ_RECORD_TASK_LISTED);
        add_number(prefix, record->task_listed.list, 1);
        if (scan == MCPZ_SCAN_GROUP) {
            add_number(prefix, record->task_listed.group, 8);
        }
        return;
    }
    assert(false);
}

/* ---- Reading ------------------------------------------------------------------------------ */

/* What is left of a key. The caller has checked that there is enough. */
static struct mcpz_bytes take_bytes(struct mcpz_bytes *left, size_t length)
{
    assert(length <= left->length);

    struct mcpz_bytes bytes = mcpz_bytes(left->data, length);
    *left = mcpz_bytes(left->data + length, left->length - length);
    return bytes;
}

static uint64_t take_number(struct mcpz_bytes *left, size_t width)
{
    struct mcpz_bytes bytes = take_bytes(left, width);
    uint64_t number = 0;

    for (size_t i = 0; i < width; i++) {
        number = number << 8 | bytes.data[i];
    }
    return number;
}

static void take_id(struct mcpz_bytes *left, struct mcpz_id *id)
{
    memcpy(id->bytes, take_bytes(left, MCPZ_ID_BYTES).data, MCPZ_ID_BYTES);
}

static void take_actor(struct mcpz_bytes *left, struct mcpz_actor *actor)
{
    take_id(left, &actor->node);
    actor->generation = (uint32_t)take_number(left, 4);
}

/*
 * Bytes of one element of a path, head included; 0 if it is nothing a path may hold. Whether the
 * bytes are there, the caller sees.
 *
 * Source: MessagePack specification, "Formats".
 */
static size_t element_bytes(struct mcpz_bytes left)
{
    uint8_t head = left.data[0];

    if (head <= 0x7f || head >= 0xe0) { /* small integers, positive and negative */
        return 1;
    }
    if (head >= 0xa0 && head <= 0xbf) { /* short text */
        return 1 + (head & 0x1fU);
    }
    if (head >= 0xcc && head <= 0xcf) { /* unsigned, 8 to 64 bits */
        return 1 + ((size_t)1 << (head - 0xcc));
    }
    if (head >= 0xd0 && head <= 0xd3) { /* signed, 8 to 64 bits */
        return 1 + ((size_t)1 << (head - 0xd0));
    }
    if (head == 0xd9 && left.length >= 2) { /* text up to 255 bytes */
        return 2 + (size_t)left.data[1];
    }
    if (head == 0xda && left.length >= 3) { /* text beyond */
        return 3 + ((size_t)left.data[1] << 8 | left.data[2]);
    }
    return 0;
}

/* Does a path end just where `bytes` do? That is what tells it from the rest of a key. */
static bool is_path(struct mcpz_bytes bytes)
{
    if (bytes.length < 1 || bytes.length > MCPZ_PATH_BYTES_MAX) {
        return false;
    }

    uint64_t head = take_number(&bytes, 1);
    size_t count = head & 0x0fU;
    if (head == 0xdc && bytes.length >= 2) {
        count = (size_t)take_number(&bytes, 2);
    } else if (head < 0x90 || head > 0x9f) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        size_t length = bytes.length > 0 ? element_bytes(bytes) : 0;
        if (length == 0 || length > bytes.length) {
            return false;
        }
        take_bytes(&bytes, length);
    }
    return bytes.length == 0;
}

static mcpz_error parse_entry(struct mcpz_bytes left, struct mcpz_record_entry *entry)
{
    if (left.length < MCPZ_ID_BYTES + ENTRY_TAIL_BYTES) {
        return MCPZ_ECORRUPT;
    }
    take_id(&left, &entry->document);
    entry->path = take_bytes(&left, left.length - ENTRY_TAIL_BYTES);
    if (!is_path(entry->path)) {
        return MCPZ_ECORRUPT;
    }
    entry->type = (uint32_t)take_number(&left, 1);
    take_actor(&left, &entry->dot.actor);
    entry->dot.seq = take_number(&left, 8);
    entry->dot.index = (uint32_t)take_number(&left, 2);
    return MCPZ_OK;
}

static mcpz_error parse_delta(struct mcpz_bytes left, struct mcpz_record_delta *record)
{
    struct mcpz_delta *delta = &record->delta;

    if (left.length != MCPZ_ID_BYTES + MCPZ_ID_BYTES + 4 + 8 + MCPZ_HEAD_BYTES) {
        return MCPZ_ECORRUPT;
    }
    take_id(&left, &delta->document);
    take_actor(&left, &delta->actor);
    delta->seq = take_number(&left, 8);
    memcpy(record->head.bytes, take_bytes(&left, MCPZ_HEAD_BYTES).data, MCPZ_HEAD_BYTES);
    return MCPZ_OK;
}

static mcpz_error parse_fork(struct mcpz_bytes left, struct mcpz_record_fork *fork)
{
    if (left.length != MCPZ_ID_BYTES + MCPZ_ID_BYTES + 4) {
        return MCPZ_ECORRUPT;
    }
    take_id(&left, &fork->document);
    take_actor(&left, &fork->actor);
    return MCPZ_OK;
}

static mcpz_error parse_id(struct mcpz_bytes left, struct mcpz_id *id)
{
    if (left.length != MCPZ_ID_BYTES) {
        return MCPZ_ECORRUPT;
    }
    take_id(&left, id);
    return MCPZ_OK;
}

static mcpz_error parse_token(struct mcpz_bytes left, struct mcpz_record_token *token)
{
    if (left.length != MCPZ_TOKEN_ID_BYTES) {
        return MCPZ_ECORRUPT;
    }
    memcpy(token->id, left.data, MCPZ_TOKEN_ID_BYTES);
    return MCPZ_OK;
}

static mcpz_error parse_task_id(struct mcpz_bytes left, struct mcpz_task_id *id)
{
    if (left.length != MCPZ_TASK_ID_BYTES) {
        return MCPZ_ECORRUPT;
    }
    memcpy(id->bytes, left.data, MCPZ_TASK_ID_BYTES);
    return MCPZ_OK;
}

static mcpz_error parse_listed(struct mcpz_bytes left, struct mcpz_record_task_listed *listed)
{
    if (left.length != LISTED_BYTES) {
        return MCPZ_ECORRUPT;
    }
    listed->list = (uint32_t)take_number(&left, 1);
    listed->group = take_number(&left, 8);
    listed->order = take_number(&left, 8);
    if (listed->list == 0 || listed->list >= MCPZ_TASK_LIST_END) {
        return MCPZ_ECORRUPT;
    }
    return parse_task_id(left, &listed->id);
}

/* A text with its length before it. False: it is not all there, or longer than `bytes_max`. */
static bool take_text(struct mcpz_bytes *left, size_t bytes_max, struct mcpz_bytes *text)
{
    size_t length = left->length > 0 ? left->data[0] : SIZE_MAX;

    if (length > bytes_max || left->length - 1 < length) {
        return false;
    }
    (void)take_bytes(left, 1);
    *text = take_bytes(left, length);
    return true;
}

static bool is_idempotency_key(struct mcpz_bytes left)
{
    return left.length > 0 && left.length <= MCPZ_IDEMPOTENCY_KEY_BYTES_MAX;
}

static mcpz_error parse_task_key(struct mcpz_bytes left, struct mcpz_record_task_key *task_key)
{
    if (!take_text(&left, MCPZ_TENANT_BYTES_MAX, &task_key->tenant) || !is_idempotency_key(left)) {
        return MCPZ_ECORRUPT;
    }
    task_key->key = left;
    return MCPZ_OK;
}

static mcpz_error parse_run(struct mcpz_bytes left, struct mcpz_record_run *run)
{
    if (!take_text(&left, MCPZ_TENANT_BYTES_MAX, &run->tenant) ||
        !take_text(&left, MCPZ_CAPABILITY_BYTES_MAX, &run->capability) ||
        run->capability.length == 0 || !is_idempotency_key(left)) {
        return MCPZ_ECORRUPT;
    }
    run->key = left;
    return MCPZ_OK;
}

static mcpz_error parse_queue(struct mcpz_bytes left, struct mcpz_record_queue *queue)
{
    if (left.length < 1 || left.length > MCPZ_CAPABILITY_BYTES_MAX) {
        return MCPZ_ECORRUPT;
    }
    queue->capability = left;
    return MCPZ_OK;
}

static mcpz_error parse_batch(struct mcpz_bytes left, struct mcpz_record_batch *batch)
{
    if (left.length != MCPZ_BATCH_NAME_BYTES + 4) {
        return MCPZ_ECORRUPT;
    }
    memcpy(batch->name.bytes, take_bytes(&left, MCPZ_BATCH_NAME_BYTES).data,
           MCPZ_BATCH_NAME_BYTES);
    batch->part.first = (uint32_t)take_number(&left, 4);
    return MCPZ_OK;
}

static mcpz_error parse_stamp(struct mcpz_bytes left, struct mcpz_layout_stamp *stamp)
{
    if (left.length != 16) {
        return MCPZ_ECORRUPT;
    }
    stamp->version = take_number(&left, 8);
    stamp->tag = take_number(&left, 8);
    return MCPZ_OK;
}

static mcpz_error parse_hint(struct mcpz_bytes left, struct mcpz_record_hint *hint)
{
    if (left.length != 2 * MCPZ_ID_BYTES + 8) {
        return MCPZ_ECORRUPT;
    }
    memcpy(hint->owner.bytes, take_bytes(&left, MCPZ_ID_BYTES).data, MCPZ_ID_BYTES);
    hint->since_ms = take_number(&left, 8);
    memcpy(hint->document.bytes, take_bytes(&left, MCPZ_ID_BYTES).data, MCPZ_ID_BYTES);
    return MCPZ_OK;
}

static mcpz_error parse_change(struct mcpz_bytes left, struct mcpz_record_change *change)
{
    if (left.length != 8) {
        return MCPZ_ECORRUPT;
    }
    change->seq = take_number(&left, 8);
    return MCPZ_OK;
}

static mcpz_error parse_base(struct mcpz_bytes left, struct mcpz_record_base *base)
{
    if (left.length != MCPZ_ID_BYTES + 4) {
        return MCPZ_ECORRUPT;
    }
    take_id(&left, &base->document);
    base->index = (uint32_t)take_number(&left, 4);
    return MCPZ_OK;
}

static mcpz_error parse_rest(struct mcpz_bytes left, struct mcpz_record *record)
{
    switch (record->kind) {
    case MCPZ_RECORD_SELF:
    case MCPZ_RECORD_CHANGES:
    case MCPZ_RECORD_HORIZON:
        return left.length == 0 ? MCPZ_OK : MCPZ_ECORRUPT;
    case MCPZ_RECORD_TOKEN:
        return parse_token(left, &record->token);
    case MCPZ_RECORD_PEER:
        return parse_id(left, &record->peer.id);
    case MCPZ_RECORD_DOCUMENT:
        return parse_id(left, &record->document.id);
    case MCPZ_RECORD_ENTRY:
        return parse_entry(left, &record->entry);
    case MCPZ_RECORD_DELTA:
        return parse_delta(left, &record->delta);
    case MCPZ_RECORD_FORK:
        return parse_fork(left, &record->fork);
    case MCPZ_RECORD_TASK:
        return parse_task_id(left, &record->task.id);
    case MCPZ_RECORD_TASK_STATE:
        return parse_task_id(left, &record->task_state.id);
    case MCPZ_RECORD_TASK_LISTED:
        return parse_listed(left, &record->task_listed);
    case MCPZ_RECORD_TASK_KEY:
        return parse_task_key(left, &record->task_key);
    case MCPZ_RECORD_TASK_RESULT:
        return parse_task_id(left, &record->task_result.id);
    case MCPZ_RECORD_TASK_PLAN:
        return parse_task_id(left, &record->task_plan.id);
    case MCPZ_RECORD_QUEUE:
        return parse_queue(left, &record->queue);
    case MCPZ_RECORD_RUN:
        return parse_run(left, &record->run);
    case MCPZ_RECORD_BATCH:
        return parse_batch(left, &record->batch);
    case MCPZ_RECORD_AUTHOR:
        return parse_id(left, &record->author.id);
    case MCPZ_RECORD_CHECKPOINT:
        return parse_id(left, &record->checkpoint.document);
    case MCPZ_RECORD_LAYOUT:
        return parse_stamp(left, &record->layout.stamp);
    case MCPZ_RECORD_TRACKER:
        return parse_id(left, &record->tracker.tracker.node);
    case MCPZ_RECORD_STAGED:
    case MCPZ_RECORD_SETTLED:
        return left.length == 0 ? MCPZ_OK : MCPZ_ECORRUPT;
    case MCPZ_RECORD_HINT:
        return parse_hint(left, &record->hint);
    case MCPZ_RECORD_CHANGE:
        return parse_change(left, &record->change);
    case MCPZ_RECORD_CURSOR:
        return parse_id(left, &record->cursor.peer);
    case MCPZ_RECORD_REVOKED:
        return parse_id(left, &record->revoked.revocation.node);
    case MCPZ_RECORD_BLOB_DOCUMENT:
        return parse_id(left, &record->blob_document.document);
    case MCPZ_RECORD_FLOOR:
        return parse_id(left, &record->floor.document);
    case MCPZ_RECORD_BASE:
        return parse_base(left, &record->base);
    case MCPZ_RECORD_STABLE:
        return parse_id(left, &record->stable.document);
    case MCPZ_RECORD_KIND_END:
        break;
    }
    return MCPZ_ECORRUPT;
}

mcpz_error mcpz_schema_parse(struct mcpz_bytes key, struct mcpz_record *record)
{
    struct mcpz_record parsed;

    if (key.length < 1 || key.length > MCPZ_KEY_BYTES_MAX) {
        return MCPZ_ECORRUPT;
    }
    memset(&parsed, 0, sizeof(parsed));
    parsed.kind = (enum mcpz_record_kind)take_number(&key, 1);
    mcpz_error error = parse_rest(key, &parsed);
    if (error == MCPZ_OK) {
        *record = parsed;
    }
    return error;
}

/* ---- Sealed --------------------------------------------------------------------------------- */

size_t mcpz_schema_names_at(uint8_t kind)
{
    switch (kind) {
    case MCPZ_RECORD_ENTRY:
        return 1 + MCPZ_ID_BYTES;
    case MCPZ_RECORD_TASK_KEY:
    case MCPZ_RECORD_QUEUE:
    case MCPZ_RECORD_RUN:
        return 1;
    default:
        return 0;
    }
}

bool mcpz_schema_is_place(struct mcpz_bytes key)
{
    struct mcpz_record record;

    const size_t at = key.length > 0 ? mcpz_schema_names_at(key.data[0]) : 0;
    if (at == 0) {
        return mcpz_schema_parse(key, &record) == MCPZ_OK;
    }
    return key.length == at + MCPZ_SCHEMA_TOKEN_BYTES +
                             (key.data[0] == MCPZ_RECORD_ENTRY ? ENTRY_TAIL_BYTES : 0);
}
