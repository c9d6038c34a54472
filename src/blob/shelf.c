#include "blob/shelf.h"

#include <assert.h>
#include <endian.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define MAP_BYTES 1048576
#define MAP_BYTES_MAX ((size_t)1 << 36) /* 500 million chunks */
#define CHUNK_ROW_BYTES (4 + 8 + 4 + 4 + MCPZ_ID_BYTES)
#define BLOB_ROW_HEAD_BYTES (4 * 8)

enum table {
    CHUNKS = 'c',
    LISTED = 'k',
    NEEDED = 'r',
    HELD = 'h',
    BLOBS = 'b',
    PARTIAL = 'p',
    DOUBTED = 'z'
};

struct key {
    uint8_t bytes[1 + 2 * MCPZ_ID_BYTES + MCPZ_HOLDER_BYTES_MAX];
    size_t length;
};

static_assert(1 + 2 * MCPZ_ID_BYTES + MCPZ_HOLDER_BYTES_MAX <= MCPZ_KEY_BYTES_MAX, "keys fit");

struct mcpz_shelf {
    struct mcpz_lmdb *lmdb;
    struct mcpz_kv kv;
    pthread_mutex_t mutex;
    pthread_cond_t news; /* the store thread has some */
    bool has_news;
    bool is_counted; /* `totals` are right */
    struct mcpz_blob_totals totals;
};

/* ---- The store ------------------------------------------------------------------------------ */

/* From the store thread. */
static void on_news(void *context)
{
    struct mcpz_shelf *shelf = context;

    (void)pthread_mutex_lock(&shelf->mutex);
    shelf->has_news = true;
    (void)pthread_cond_signal(&shelf->news);
    (void)pthread_mutex_unlock(&shelf->mutex);
}

static void await_news(struct mcpz_shelf *shelf)
{
    (void)pthread_mutex_lock(&shelf->mutex);
    while (!shelf->has_news) {
        (void)pthread_cond_wait(&shelf->news, &shelf->mutex);
    }
    shelf->has_news = false;
    (void)pthread_mutex_unlock(&shelf->mutex);
}

mcpz_error mcpz_shelf_open(const char *directory, struct mcpz_shelf **shelf,
                           struct mcpz_lmdb_trouble *trouble)
{
    struct mcpz_shelf *made = calloc(1, sizeof(*made));

    *shelf = NULL;
    if (made == NULL || pthread_mutex_init(&made->mutex, NULL) != 0) {
        free(made);
        return MCPZ_ENOMEM;
    }
    (void)pthread_cond_init(&made->news, NULL);
    const struct mcpz_lmdb_config config = {.directory = directory,
                                            .map_bytes = MAP_BYTES,
                                            .map_bytes_max = MAP_BYTES_MAX,
                                            .notify = on_news,
                                            .notify_context = made};
    mcpz_error error = mcpz_lmdb_open(&config, &made->lmdb, &made->kv, trouble);
    if (error != MCPZ_OK) {
        mcpz_shelf_close(made);
        return error;
    }
    *shelf = made;
    return MCPZ_OK;
}

void mcpz_shelf_close(struct mcpz_shelf *shelf)
{
    if (shelf != NULL) {
        mcpz_lmdb_close(shelf->lmdb);
        (void)pthread_cond_destroy(&shelf->news);
        (void)pthread_mutex_destroy(&shelf->mutex);
        free(shelf);
    }
}

mcpz_error mcpz_shelf_pin(struct mcpz_shelf *shelf, struct mcpz_pin **pin)
{
    return mcpz_pin_create(shelf->lmdb, pin);
}

mcpz_error mcpz_shelf_flush(struct mcpz_shelf *shelf)
{
    const uint64_t batch = shelf->kv.commit(shelf->kv.context);

    while (batch != 0) {
        const struct mcpz_kv_progress progress = shelf->kv.progress(shelf->kv.context);
        if (progress.durable >= batch) {
            break;
        }
        if (progress.failed >= batch) {
            shelf->is_counted = false; /* blobs may have come or gone with it */
            return progress.error;
        }
        await_news(shelf);
    }
    return MCPZ_OK;
}

/* ---- Keys ----------------------------------------------------------------------------------- */

static void add(struct key *key, const void *bytes, size_t length)
{
    assert(length <= sizeof(key->bytes) - key->length);
    if (length > 0) {
        memcpy(key->bytes + key->length, bytes, length);
    }
    key->length += length;
}

static struct key key_of(enum table table, const struct mcpz_id *id)
{
    struct key key = {.bytes = {(uint8_t)table}, .length = 1};

    add(&key, id->bytes, MCPZ_ID_BYTES);
    return key;
}

static struct key key_of_two(enum table table, const struct mcpz_id *a, const struct mcpz_id *b)
{
    struct key key = key_of(table, a);

    add(&key, b->bytes, MCPZ_ID_BYTES);
    return key;
}

static struct key key_of_holder(const struct mcpz_id *root, struct mcpz_bytes holder)
{
    struct key key = key_of(HELD, root);

    assert(holder.length <= MCPZ_HOLDER_BYTES_MAX);
    add(&key, holder.data, holder.length);
    return key;
}

static struct key key_of_doubt(uint64_t due_ms, const struct mcpz_id *id)
{
    struct key key = {.bytes = {DOUBTED}, .length = 1};
    const uint64_t due = htobe64(due_ms);

    add(&key, &due, sizeof(due));
    add(&key, id->bytes, MCPZ_ID_BYTES);
    return key;
}

static struct mcpz_bytes bytes_of(const struct key *key)
{
    return mcpz_bytes(key->bytes, key->length);
}

static void put(struct mcpz_shelf *shelf, struct key key, struct mcpz_bytes value)
{
    shelf->kv.put(shelf->kv.context, bytes_of(&key), value);
}

static void drop(struct mcpz_shelf *shelf, struct key key)
{
    shelf->kv.remove(shelf->kv.context, bytes_of(&key));
}

/* The first key after `from` (or it, if `inclusive`) that begins with the first `common` of it. */
static mcpz_error first_after(struct mcpz_shelf *shelf, const struct key *from, bool inclusive,
                              size_t common, struct mcpz_bytes *found)
{
    struct mcpz_bytes value;

    mcpz_error error = shelf->kv.next(shelf->kv.context, bytes_of(from), inclusive, found, &value);
    if (error == MCPZ_OK &&
        (found->length < common || memcmp(found->data, from->bytes, common) != 0)) {
        return MCPZ_ENOTFOUND;
    }
    return error;
}

/* Of a table whose keys are ids. */
static mcpz_error next_id(struct mcpz_shelf *shelf, enum table table, const struct mcpz_id *after,
                          struct mcpz_id *id)
{
    const struct key from = key_of(table, after);
    struct mcpz_bytes found;

    mcpz_error error = first_after(shelf, &from, false, 1, &found);
    if (error != MCPZ_OK) {
        return error;
    }
    if (found.length != 1 + MCPZ_ID_BYTES) {
        return MCPZ_ECORRUPT;
    }
    memcpy(id->bytes, found.data + 1, MCPZ_ID_BYTES);
    return MCPZ_OK;
}

/* ---- Rows ----------------------------------------------------------------------------------- */

static uint8_t *write_u32(uint8_t *at, uint32_t number)
{
    number = htobe32(number);
    memcpy(at, &number, sizeof(number));
    return at + sizeof(number);
}

static uint8_t *write_u64(uint8_t *at, uint64_t number)
{
    number = htobe64(number);
    memcpy(at, &number, sizeof(number));
    return at + sizeof(number);
}

static uint32_t read_u32(const uint8_t *at)
{
    uint32_t number;
    memcpy(&number, at, sizeof(number));
    return be32toh(number);
}

static uint64_t read_u64(const uint8_t *at)
{
    uint64_t number;
    memcpy(&number, at, sizeof(number));
    return be64toh(number);
}

static mcpz_error read_chunk_row(struct mcpz_bytes value, struct mcpz_chunk_row *row)
{
    if (value.length != CHUNK_ROW_BYTES) {
        return MCPZ_ECORRUPT;
    }
    row->place = (struct mcpz_pack_place){.pack = read_u32(value.data),
                                          .offset = read_u64(value.data + 4),
                                          .length = read_u32(value.data + 12)};
    row->plain_length = read_u32(value.data + 16);
    memcpy(row->sealed.bytes, value.data + 20, MCPZ_ID_BYTES);
    return MCPZ_OK;
}

mcpz_error mcpz_shelf_chunk(struct mcpz_shelf *shelf, const struct mcpz_id *id,
                            struct mcpz_chunk_row *row)
{
    const struct key key = key_of(CHUNKS, id);
    struct mcpz_bytes value;

    mcpz_error error = shelf->kv.get(shelf->kv.context, bytes_of(&key), &value);
    if (error != MCPZ_OK) {
        return error;
    }
    return read_chunk_row(value, row);
}

static enum mcpz_shelved_kind kind_of(uint8_t table)
{
    switch (table) {
    case CHUNKS:
        return MCPZ_SHELVED_CHUNK;
    case NEEDED:
        return MCPZ_SHELVED_NEED;
    case HELD:
        return MCPZ_SHELVED_HELD;
    case PARTIAL:
        return MCPZ_SHELVED_LACK;
    default:
        return MCPZ_SHELVED_OTHER;
    }
}

mcpz_error mcpz_shelf_parse(struct mcpz_bytes key, struct mcpz_bytes value,
                            struct mcpz_shelved *row)
{
    const uint8_t table = key.length > 0 ? key.data[0] : 0;
    const bool has_rest = table == HELD; /* who holds it */
    const size_t ids = table == NEEDED                                        ? 2
                       : table == CHUNKS || table == PARTIAL || table == HELD ? 1
                                                                              : 0;
    const size_t length = 1 + ids * MCPZ_ID_BYTES;

    *row = (struct mcpz_shelved){.kind = kind_of(table)};
    if (table == 0 || strchr("ckrhbpz", table) == NULL ||
        (ids > 0 && (key.length < length || (key.length > length && !has_rest)))) {
        return MCPZ_ECORRUPT;
    }
    if (ids > 0) {
        memcpy(row->id.bytes, key.data + 1, MCPZ_ID_BYTES);
    }
    if (ids > 1) {
        memcpy(row->parent.bytes, key.data + 1 + MCPZ_ID_BYTES, MCPZ_ID_BYTES);
    }
    return table == CHUNKS ? read_chunk_row(value, &row->chunk) : MCPZ_OK;
}

void mcpz_shelf_put_chunk(struct mcpz_shelf *shelf, const struct mcpz_id *id,
                          const struct mcpz_chunk_row *row)
{
    uint8_t value[CHUNK_ROW_BYTES];
    uint8_t *at = write_u32(value, row->place.pack);

    at = write_u64(at, row->place.offset);
    at = write_u32(at, row->place.length);
    at = write_u32(at, row->plain_length);
    memcpy(at, row->sealed.bytes, MCPZ_ID_BYTES);
    put(shelf, key_of(CHUNKS, id), mcpz_bytes(value, sizeof(value)));
}

void mcpz_shelf_remove_chunk(struct mcpz_shelf *shelf, const struct mcpz_id *id)
{
    drop(shelf, key_of(CHUNKS, id));
}

mcpz_error mcpz_shelf_next_chunk(struct mcpz_shelf *shelf, const struct mcpz_id *after,
                                 struct mcpz_id *id)
{
    return next_id(shelf, CHUNKS, after, id);
}

mcpz_error mcpz_shelf_blob(struct mcpz_shelf *shelf, const struct mcpz_id *root,
                           struct mcpz_blob_row *row)
{
    const struct key key = key_of(BLOBS, root);
    struct mcpz_bytes value;

    mcpz_error error = shelf->kv.get(shelf->kv.context, bytes_of(&key), &value);
    if (error != MCPZ_OK) {
        return error;
    }
    if (value.length < BLOB_ROW_HEAD_BYTES ||
        value.length > BLOB_ROW_HEAD_BYTES + MCPZ_TENANT_BYTES_MAX) {
        return MCPZ_ECORRUPT;
    }
    *row = (struct mcpz_blob_row){.size = read_u64(value.data),
                                  .chunks = read_u64(value.data + 8),
                                  .stored = read_u64(value.data + 16),
                                  .made_ms = read_u64(value.data + 24),
                                  .tenant_length = value.length - BLOB_ROW_HEAD_BYTES};
    memcpy(row->tenant, value.data + BLOB_ROW_HEAD_BYTES, row->tenant_length);
    return MCPZ_OK;
}

/* It is not there any more, or was another. */
static void uncount(struct mcpz_shelf *shelf, const struct mcpz_id *root)
{
    struct mcpz_blob_row row;

    if (shelf->is_counted && mcpz_shelf_blob(shelf, root, &row) == MCPZ_OK) {
        shelf->totals.blobs--;
        shelf->totals.bytes -= row.size;
    }
}

void mcpz_shelf_put_blob(struct mcpz_shelf *shelf, const struct mcpz_id *root,
                         const struct mcpz_blob_row *row)
{
    uncount(shelf, root);
    shelf->totals.blobs++;
    shelf->totals.bytes += row->size;
    uint8_t value[BLOB_ROW_HEAD_BYTES + MCPZ_TENANT_BYTES_MAX];
    uint8_t *at = write_u64(value, row->size);

    at = write_u64(at, row->chunks);
    at = write_u64(at, row->stored);
    at = write_u64(at, row->made_ms);
    memcpy(at, row->tenant, row->tenant_length);
    put(shelf, key_of(BLOBS, root), mcpz_bytes(value, BLOB_ROW_HEAD_BYTES + row->tenant_length));
}

void mcpz_shelf_remove_blob(struct mcpz_shelf *shelf, const struct mcpz_id *root)
{
    uncount(shelf, root);
    drop(shelf, key_of(BLOBS, root));
    drop(shelf, key_of(PARTIAL, root));
}

void mcpz_shelf_mark_partial(struct mcpz_shelf *shelf, const struct mcpz_id *root)
{
    put(shelf, key_of(PARTIAL, root), mcpz_bytes(NULL, 0));
}

void mcpz_shelf_mark_whole(struct mcpz_shelf *shelf, const struct mcpz_id *root)
{
    drop(shelf, key_of(PARTIAL, root));
}

mcpz_error mcpz_shelf_is_partial(struct mcpz_shelf *shelf, const struct mcpz_id *root,
                                 bool *partial)
{
    const struct key key = key_of(PARTIAL, root);
    struct mcpz_bytes value;

    mcpz_error error = shelf->kv.get(shelf->kv.context, bytes_of(&key), &value);
    if (error == MCPZ_OK || error == MCPZ_ENOTFOUND) {
        *partial = error == MCPZ_OK;
        return MCPZ_OK;
    }
    return error;
}

mcpz_error mcpz_shelf_next_blob(struct mcpz_shelf *shelf, const struct mcpz_id *after,
                                struct mcpz_id *root)
{
    return next_id(shelf, BLOBS, after, root);
}

mcpz_error mcpz_shelf_totals(struct mcpz_shelf *shelf, struct mcpz_blob_totals *totals)
{
    struct mcpz_blob_totals counted = {.blobs = 0};
    struct mcpz_id root = {{0}};
    mcpz_error error = MCPZ_OK;

    while (!shelf->is_counted && error == MCPZ_OK) {
        struct mcpz_blob_row row;
        error = mcpz_shelf_next_blob(shelf, &root, &root);
        if (error == MCPZ_OK) {
            error = mcpz_shelf_blob(shelf, &root, &row);
        }
        if (error == MCPZ_OK) {
            counted.blobs++;
            counted.bytes += row.size;
        }
    }
    if (error == MCPZ_ENOTFOUND) { /* that were all */
        shelf->totals = counted;
        shelf->is_counted = true;
        error = MCPZ_OK;
    }
    if (error == MCPZ_OK) {
        *totals = shelf->totals;
    }
    return error;
}

/* ---- References ----------------------------------------------------------------------------- */

void mcpz_shelf_link(struct mcpz_shelf *shelf, const struct mcpz_id *parent,
                     const struct mcpz_id *child)
{
    put(shelf, key_of_two(LISTED, parent, child), mcpz_bytes(NULL, 0));
    put(shelf, key_of_two(NEEDED, child, parent), mcpz_bytes(NULL, 0));
}

void mcpz_shelf_unlink(struct mcpz_shelf *shelf, const struct mcpz_id *parent,
                       const struct mcpz_id *child)
{
    drop(shelf, key_of_two(LISTED, parent, child));
    drop(shelf, key_of_two(NEEDED, child, parent));
}

/* The second id of the first key after (`first`, `after`). */
static mcpz_error next_second(struct mcpz_shelf *shelf, enum table table,
                              const struct mcpz_id *first, const struct mcpz_id *after,
                              struct mcpz_id *second)
{
    const struct key from = key_of_two(table, first, after);
    const size_t common = 1 + MCPZ_ID_BYTES;
    struct mcpz_bytes found;

    mcpz_error error = first_after(shelf, &from, false, common, &found);
    if (error != MCPZ_OK) {
        return error;
    }
    if (found.length != common + MCPZ_ID_BYTES) {
        return MCPZ_ECORRUPT;
    }
    memcpy(second->bytes, found.data + common, MCPZ_ID_BYTES);
    return MCPZ_OK;
}

mcpz_error mcpz_shelf_first_child(struct mcpz_shelf *shelf, const struct mcpz_id *parent,
                                  struct mcpz_id *child)
{
    return next_second(shelf, LISTED, parent, &(struct mcpz_id){{0}}, child);
}

mcpz_error mcpz_shelf_next_parent(struct mcpz_shelf *shelf, const struct mcpz_id *child,
                                  const struct mcpz_id *after, struct mcpz_id *parent)
{
    return next_second(shelf, NEEDED, child, after, parent);
}

void mcpz_shelf_hold(struct mcpz_shelf *shelf, const struct mcpz_id *root,
                     struct mcpz_bytes holder)
{
    put(shelf, key_of_holder(root, holder), mcpz_bytes(NULL, 0));
}

void mcpz_shelf_let_go(struct mcpz_shelf *shelf, const struct mcpz_id *root,
                       struct mcpz_bytes holder)
{
    drop(shelf, key_of_holder(root, holder));
}

mcpz_error mcpz_shelf_holds(struct mcpz_shelf *shelf, const struct mcpz_id *root,
                            struct mcpz_bytes holder)
{
    const struct key key = key_of_holder(root, holder);
    struct mcpz_bytes value;

    return shelf->kv.get(shelf->kv.context, bytes_of(&key), &value);
}

mcpz_error mcpz_shelf_is_needed(struct mcpz_shelf *shelf, const struct mcpz_id *id, bool *needed)
{
    static const enum table tables[] = {HELD, NEEDED};

    *needed = false;
    for (size_t i = 0; i < 2 && !*needed; i++) {
        const struct key from = key_of(tables[i], id);
        struct mcpz_bytes found;
        mcpz_error error = first_after(shelf, &from, true, from.length, &found);
        if (error != MCPZ_OK && error != MCPZ_ENOTFOUND) {
            return error;
        }
        *needed = error == MCPZ_OK;
    }
    return MCPZ_OK;
}

/* ---- Doubts --------------------------------------------------------------------------------- */

void mcpz_shelf_doubt(struct mcpz_shelf *shelf, uint64_t due_ms, const struct mcpz_id *id)
{
    put(shelf, key_of_doubt(due_ms, id), mcpz_bytes(NULL, 0));
}

void mcpz_shelf_settle(struct mcpz_shelf *shelf, uint64_t due_ms, const struct mcpz_id *id)
{
    drop(shelf, key_of_doubt(due_ms, id));
}

mcpz_error mcpz_shelf_first_doubt(struct mcpz_shelf *shelf, uint64_t *due_ms, struct mcpz_id *id)
{
    const struct key from = {.bytes = {DOUBTED}, .length = 1};
    struct mcpz_bytes found;

    mcpz_error error = first_after(shelf, &from, true, 1, &found);
    if (error != MCPZ_OK) {
        return error;
    }
    if (found.length != 1 + 8 + MCPZ_ID_BYTES) {
        return MCPZ_ECORRUPT;
    }
    *due_ms = read_u64(found.data + 1);
    memcpy(id->bytes, found.data + 9, MCPZ_ID_BYTES);
    return MCPZ_OK;
}
