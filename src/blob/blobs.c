#include "blob/blobs.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "blob/blobs_parts.h"
#include "blob/fastcdc.h"
#include "crypto/digest.h"
#include "store/directory.h"

/* All of a small blob, or what is left of a large one and a chunk of it more. */
#define BUFFER_BYTES (MCPZ_CHUNKED_SMALL_BYTES + MCPZ_CHUNK_PLAIN_BYTES_MAX)
#define PATH_BYTES_MAX 4096

struct mcpz_blob_writer {
    struct mcpz_blobs *blobs;
    const struct mcpz_tenant_key *key;
    const struct mcpz_chunk_sizes *sizes; /* NULL: not known yet */
    uint64_t failures;                    /* of the blobs, when it began */
    uint64_t length;
    uint64_t unflushed; /* bytes in packs */
    struct mcpz_blob_row row;
    uint64_t gear[MCPZ_GEAR_WORDS];
    struct mcpz_manifest lists[MCPZ_MANIFEST_LEVELS_MAX]; /* being filled */
    size_t filled;                                        /* of the buffer */
    uint8_t buffer[BUFFER_BYTES];
};

/* ---- Opening -------------------------------------------------------------------------------- */

static mcpz_error open_parts(struct mcpz_blobs *blobs, const char *directory,
                             struct mcpz_lmdb_trouble *trouble)
{
    char index[PATH_BYTES_MAX + 8];

    if (strlen(directory) >= PATH_BYTES_MAX) {
        return MCPZ_EIO;
    }
    (void)snprintf(index, sizeof(index), "%s/index", directory);
    mcpz_error error = mcpz_directory_make(directory);
    if (error == MCPZ_OK) {
        error = mcpz_shelf_open(index, &blobs->shelf, trouble);
    }
    if (error == MCPZ_OK) {
        error = mcpz_packs_open(directory, &blobs->packs);
    }
    if (error == MCPZ_OK) {
        error = mcpz_lent_chunks_create(&blobs->lent);
    }
    return error == MCPZ_OK ? mcpz_chunk_press_create(&blobs->press) : error;
}

mcpz_error mcpz_blobs_open(const char *directory, struct mcpz_blobs **blobs,
                           struct mcpz_lmdb_trouble *trouble)
{
    struct mcpz_blobs *made = calloc(1, sizeof(*made));

    *blobs = NULL;
    trouble->text[0] = '\0';
    if (made == NULL) {
        return MCPZ_ENOMEM;
    }
    made->may_have_strays = true;
    made->room.is_lost = true;
    made->grace_ms = MCPZ_BLOB_GRACE_MS;
    mcpz_error error = open_parts(made, directory, trouble);
    if (error != MCPZ_OK) {
        if (trouble->text[0] == '\0') {
            (void)snprintf(trouble->text, sizeof(trouble->text), "blobs in %.300s: %s", directory,
                           mcpz_strerror(error));
        }
        mcpz_blobs_close(made);
        return error;
    }
    *blobs = made;
    return MCPZ_OK;
}

void mcpz_blobs_set_grace(struct mcpz_blobs *blobs, uint64_t grace_ms)
{
    blobs->grace_ms = grace_ms;
}

void mcpz_blobs_close(struct mcpz_blobs *blobs)
{
    if (blobs != NULL) {
        assert(blobs->writers == 0);
        mcpz_chunk_press_destroy(blobs->press);
        mcpz_lent_chunks_destroy(blobs->lent);
        mcpz_packs_close(blobs->packs);
        mcpz_shelf_close(blobs->shelf);
        explicit_bzero(blobs->plain, sizeof(blobs->plain));
        free(blobs);
    }
}

/* From the beginning. */
static void look_for_strays(struct mcpz_blobs *blobs)
{
    blobs->may_have_strays = true;
    blobs->room.is_lost = true;
    blobs->swept = (struct mcpz_id){{0}};
}

mcpz_error mcpz_blobs_flush(struct mcpz_blobs *blobs)
{
    mcpz_error error = mcpz_packs_sync(blobs->packs);
    const mcpz_error shelf_error = mcpz_shelf_flush(blobs->shelf);

    error = error != MCPZ_OK ? error : shelf_error;
    if (error != MCPZ_OK) {
        blobs->failures++;
        look_for_strays(blobs);
    }
    return error;
}

mcpz_error mcpz_blobs_flush_soon(struct mcpz_blobs *blobs)
{
    if (!blobs->puts_off) {
        return mcpz_blobs_flush(blobs);
    }
    if (!blobs->is_due) {
        blobs->is_due = true;
        blobs->failures_then = blobs->failures;
    }
    return MCPZ_OK;
}

void mcpz_blobs_put_off(struct mcpz_blobs *blobs)
{
    blobs->puts_off = true;
}

bool mcpz_blobs_is_due(const struct mcpz_blobs *blobs)
{
    return blobs->is_due;
}

mcpz_error mcpz_blobs_settle(struct mcpz_blobs *blobs)
{
    mcpz_error error = MCPZ_OK;

    blobs->puts_off = false;
    if (blobs->is_due) {
        blobs->is_due = false;
        error = mcpz_blobs_flush(blobs);
        /* One that failed in between has undone what was done before it. */
        error = error == MCPZ_OK && blobs->failures != blobs->failures_then ? MCPZ_EIO : error;
    }
    return error;
}

/* ---- Writing -------------------------------------------------------------------------------- */

mcpz_error mcpz_blobs_begin(struct mcpz_blobs *blobs, struct mcpz_bytes tenant,
                            const struct mcpz_tenant_key *key, struct mcpz_blob_writer **writer)
{
    struct mcpz_blob_writer *made = calloc(1, sizeof(*made));

    assert(tenant.length <= MCPZ_TENANT_BYTES_MAX);
    *writer = NULL;
    if (made == NULL) {
        return MCPZ_ENOMEM;
    }
    made->blobs = blobs;
    made->key = key;
    made->failures = blobs->failures;
    made->row.tenant_length = tenant.length;
    memcpy(made->row.tenant, tenant.data, tenant.length);
    mcpz_tenant_key_gear(key, made->gear);
    for (uint8_t level = 0; level < MCPZ_MANIFEST_LEVELS_MAX; level++) {
        made->lists[level].level = level;
    }
    blobs->writers++;
    *writer = made;
    return MCPZ_OK;
}

static void destroy_writer(struct mcpz_blob_writer *writer)
{
    writer->blobs->writers--;
    explicit_bzero(writer, sizeof(*writer));
    free(writer);
}

/* Compress, seal and append a chunk that is not there yet. */
static mcpz_error add_chunk(struct mcpz_blob_writer *writer, const struct mcpz_id *id,
                            struct mcpz_bytes plain, struct mcpz_chunk_row *row)
{
    struct mcpz_blobs *blobs = writer->blobs;

    const size_t length = mcpz_chunk_close(blobs->press, writer->key, id, plain, blobs->stored);
    const struct mcpz_bytes stored = mcpz_bytes(blobs->stored, length);
    mcpz_error error = mcpz_packs_append(blobs->packs, id, stored, &row->place);
    if (error != MCPZ_OK) {
        return error;
    }
    row->plain_length = (uint32_t)plain.length;
    mcpz_digest(MCPZ_DIGEST_SEALED, stored, row->sealed.bytes);
    mcpz_shelf_put_chunk(blobs->shelf, id, row);
    writer->row.stored += length;
    writer->unflushed += length;
    return MCPZ_OK;
}

/* Have a chunk kept, and make the entry that lists it. What is there already is read: it may be
 * all that there is of it, and damaged, and then it is written anew. */
static mcpz_error keep(struct mcpz_blob_writer *writer, enum mcpz_chunk_kind kind,
                       struct mcpz_bytes plain, struct mcpz_manifest_entry *entry)
{
    struct mcpz_chunk_row row;

    mcpz_tenant_key_chunk_id(writer->key, (uint8_t)kind, plain, &entry->id);
    mcpz_error error = mcpz_blobs_read_stored(writer->blobs, &entry->id, &row);
    if (error == MCPZ_ENOTFOUND) {
        error = add_chunk(writer, &entry->id, plain, &row);
    }
    if (error == MCPZ_OK) {
        entry->sealed = row.sealed;
    }
    if (error == MCPZ_OK && writer->unflushed >= MCPZ_BLOB_FLUSH_BYTES) {
        writer->unflushed = 0;
        error = mcpz_blobs_flush(writer->blobs);
    }
    return error;
}

/* Close the list of `level`, which has entries or is that of an empty blob. */
static mcpz_error close_list(struct mcpz_blob_writer *writer, size_t level,
                             struct mcpz_manifest_entry *entry)
{
    struct mcpz_manifest *list = &writer->lists[level];
    uint8_t bytes[MCPZ_MANIFEST_BYTES_MAX];

    const size_t length = mcpz_manifest_encode(list, bytes);
    mcpz_error error = keep(writer, MCPZ_CHUNK_LIST, mcpz_bytes(bytes, length), entry);
    if (error != MCPZ_OK) {
        return error;
    }
    entry->bytes = mcpz_manifest_bytes(list);
    for (size_t i = 0; i < list->count; i++) {
        mcpz_shelf_link(writer->blobs->shelf, &entry->id, &list->entries[i].id);
    }
    list->count = 0;
    return MCPZ_OK;
}

/* Add an entry at `level`; a full list is closed first, and is an entry of the level above. */
static mcpz_error list_entry(struct mcpz_blob_writer *writer, size_t level,
                             struct mcpz_manifest_entry entry)
{
    while (level < MCPZ_MANIFEST_LEVELS_MAX) {
        struct mcpz_manifest *list = &writer->lists[level];
        struct mcpz_manifest_entry closed;
        if (list->count < MCPZ_MANIFEST_ENTRIES_MAX) {
            list->entries[list->count++] = entry;
            return MCPZ_OK;
        }
        mcpz_error error = close_list(writer, level, &closed);
        if (error != MCPZ_OK) {
            return error;
        }
        list->entries[list->count++] = entry;
        entry = closed;
        level++;
    }
    return MCPZ_EFULL;
}

/* The first `length` bytes of the buffer are a chunk. */
static mcpz_error take_chunk(struct mcpz_blob_writer *writer, const uint8_t *bytes, size_t length)
{
    struct mcpz_manifest_entry entry;

    mcpz_error error = keep(writer, MCPZ_CHUNK_DATA, mcpz_bytes(bytes, length), &entry);
    if (error != MCPZ_OK) {
        return error;
    }
    entry.bytes = length;
    writer->row.chunks++;
    return list_entry(writer, 0, entry);
}

/* Cut what is in the buffer, as long as more than `least` bytes are. */
static mcpz_error cut(struct mcpz_blob_writer *writer, size_t least)
{
    mcpz_error error = MCPZ_OK;
    size_t at = 0;

    while (error == MCPZ_OK && writer->filled - at > least) {
        const struct mcpz_bytes left = mcpz_bytes(writer->buffer + at, writer->filled - at);
        const size_t length = mcpz_fastcdc_cut(writer->gear, writer->sizes, left);
        error = take_chunk(writer, left.data, length);
        at += length;
    }
    writer->filled -= at;
    memmove(writer->buffer, writer->buffer + at, writer->filled);
    return error;
}

mcpz_error mcpz_blob_writer_add(struct mcpz_blob_writer *writer, struct mcpz_bytes bytes)
{
    mcpz_error error = MCPZ_OK;

    if (bytes.length > MCPZ_BLOB_BYTES_MAX - writer->length) {
        return MCPZ_EFULL;
    }
    while (error == MCPZ_OK && bytes.length > 0) {
        const size_t room = sizeof(writer->buffer) - writer->filled;
        const size_t some = bytes.length < room ? bytes.length : room;
        memcpy(writer->buffer + writer->filled, bytes.data, some);
        writer->filled += some;
        writer->length += some;
        bytes = mcpz_bytes(bytes.data + some, bytes.length - some);
        if (writer->length > MCPZ_CHUNKED_SMALL_BYTES) {
            writer->sizes = &mcpz_chunks_large;
            error = cut(writer, writer->sizes->max);
        }
    }
    return error;
}

uint64_t mcpz_blob_writer_length(const struct mcpz_blob_writer *writer)
{
    return writer->length;
}

/* Close all lists, from the bottom to the one that holds all. */
static mcpz_error close_lists(struct mcpz_blob_writer *writer, struct mcpz_id *root)
{
    size_t top = MCPZ_MANIFEST_LEVELS_MAX - 1;
    mcpz_error error = MCPZ_OK;

    while (top > 0 && writer->lists[top].count == 0) {
        top--;
    }
    for (size_t level = 0; error == MCPZ_OK; level++) {
        struct mcpz_manifest_entry entry;
        error = close_list(writer, level, &entry);
        if (error == MCPZ_OK && level == top) {
            *root = entry.id;
            break;
        }
        if (error == MCPZ_OK) {
            error = list_entry(writer, level + 1, entry);
            while (top + 1 < MCPZ_MANIFEST_LEVELS_MAX && writer->lists[top + 1].count > 0) {
                top++;
            }
        }
    }
    return error;
}

static mcpz_error finish(struct mcpz_blob_writer *writer, struct mcpz_bytes holder,
                         struct mcpz_id *root)
{
    struct mcpz_blobs *blobs = writer->blobs;
    struct mcpz_blob_row known;

    if (writer->sizes == NULL) {
        writer->sizes = &mcpz_chunks_small;
    }
    mcpz_error error = cut(writer, 0);
    if (error == MCPZ_OK) {
        error = close_lists(writer, root);
    }
    if (error != MCPZ_OK) {
        return error;
    }
    writer->row.size = writer->length;
    error = mcpz_shelf_blob(blobs->shelf, root, &known);
    if (error == MCPZ_ENOTFOUND) {
        mcpz_shelf_put_blob(blobs->shelf, root, &writer->row);
        error = MCPZ_OK;
    }
    if (error == MCPZ_OK) {
        mcpz_shelf_hold(blobs->shelf, root, holder);
        mcpz_shelf_mark_whole(blobs->shelf, root);
        error = mcpz_blobs_flush_soon(blobs);
    }
    /* A flush that failed on the way has undone what was written before it. */
    return error == MCPZ_OK && writer->failures != blobs->failures ? MCPZ_EIO : error;
}

mcpz_error mcpz_blob_writer_finish(struct mcpz_blob_writer *writer, struct mcpz_bytes holder,
                                   uint64_t now_ms, struct mcpz_id *root)
{
    struct mcpz_id made;

    writer->row.made_ms = now_ms;
    mcpz_error error = finish(writer, holder, &made);
    if (error == MCPZ_OK) {
        *root = made;
        destroy_writer(writer);
    } else {
        mcpz_blob_writer_abort(writer);
    }
    return error;
}

void mcpz_blob_writer_abort(struct mcpz_blob_writer *writer)
{
    if (writer != NULL) {
        look_for_strays(writer->blobs);
        destroy_writer(writer);
    }
}

/* ---- Reading -------------------------------------------------------------------------------- */

mcpz_error mcpz_blobs_pin(struct mcpz_blobs *blobs, struct mcpz_pin **pin)
{
    return mcpz_shelf_pin(blobs->shelf, pin);
}

mcpz_error mcpz_blobs_stat(struct mcpz_blobs *blobs, const struct mcpz_id *root,
                           struct mcpz_blob_row *row)
{
    return mcpz_shelf_blob(blobs->shelf, root, row);
}

mcpz_error mcpz_blobs_totals(struct mcpz_blobs *blobs, struct mcpz_blob_totals *totals)
{
    return mcpz_shelf_totals(blobs->shelf, totals);
}

mcpz_error mcpz_blobs_next(struct mcpz_blobs *blobs, const struct mcpz_id *after,
                           struct mcpz_id *root)
{
    return mcpz_shelf_next_blob(blobs->shelf, after, root);
}

/* ---- Holding and clearing away -------------------------------------------------------------- */

mcpz_error mcpz_blobs_hold(struct mcpz_blobs *blobs, const struct mcpz_id *root,
                           struct mcpz_bytes holder)
{
    struct mcpz_blob_row row;

    mcpz_error error = mcpz_shelf_blob(blobs->shelf, root, &row);
    if (error == MCPZ_OK) {
        mcpz_shelf_hold(blobs->shelf, root, holder);
        error = mcpz_blobs_flush_soon(blobs);
    }
    return error;
}

mcpz_error mcpz_blobs_hold_as(struct mcpz_blobs *blobs, const struct mcpz_id *root,
                              struct mcpz_bytes holder, struct mcpz_bytes other)
{
    mcpz_error error = mcpz_shelf_holds(blobs->shelf, root, holder);
    if (error == MCPZ_OK) {
        mcpz_shelf_hold(blobs->shelf, root, other);
        mcpz_shelf_let_go(blobs->shelf, root, holder);
        error = mcpz_blobs_flush_soon(blobs);
    }
    return error;
}

mcpz_error mcpz_blobs_release(struct mcpz_blobs *blobs, const struct mcpz_id *root,
                              struct mcpz_bytes holder, uint64_t now_ms)
{
    mcpz_error error = mcpz_shelf_holds(blobs->shelf, root, holder);
    if (error == MCPZ_OK) {
        mcpz_shelf_let_go(blobs->shelf, root, holder);
        mcpz_shelf_doubt(blobs->shelf, now_ms + blobs->grace_ms, root);
        error = mcpz_blobs_flush_soon(blobs);
    }
    return error;
}

/* Nothing needs `id`: what it lists may be needed by nothing either, and it goes. */
static mcpz_error remove_chunk(struct mcpz_blobs *blobs, const struct mcpz_id *id)
{
    struct mcpz_chunk_row row;
    struct mcpz_id child;

    mcpz_error error = mcpz_shelf_first_child(blobs->shelf, id, &child);
    while (error == MCPZ_OK) {
        mcpz_shelf_unlink(blobs->shelf, id, &child);
        mcpz_shelf_doubt(blobs->shelf, 0, &child);
        error = mcpz_shelf_first_child(blobs->shelf, id, &child);
    }
    if (error != MCPZ_ENOTFOUND) {
        return error;
    }
    error = mcpz_shelf_chunk(blobs->shelf, id, &row);
    if (error != MCPZ_OK && error != MCPZ_ENOTFOUND) {
        return error;
    }
    mcpz_shelf_remove_blob(blobs->shelf, id); /* also of one whose root never came */
    mcpz_blobs_forget_lists(blobs);
    if (error == MCPZ_OK) {
        mcpz_shelf_remove_chunk(blobs->shelf, id);
        blobs->dropped[blobs->dropped_count++] = row.place;
    }
    return MCPZ_OK;
}

/* Look at what is due first. MCPZ_ENOTFOUND: nothing is. */
static mcpz_error settle_one(struct mcpz_blobs *blobs, uint64_t now_ms, size_t *removed)
{
    struct mcpz_id id;
    uint64_t due_ms;
    bool is_needed;

    mcpz_error error = mcpz_shelf_first_doubt(blobs->shelf, &due_ms, &id);
    if (error == MCPZ_OK && due_ms > now_ms) {
        error = MCPZ_ENOTFOUND;
    }
    if (error == MCPZ_OK) {
        error = mcpz_shelf_is_needed(blobs->shelf, &id, &is_needed);
    }
    if (error != MCPZ_OK) {
        return error;
    }
    mcpz_shelf_settle(blobs->shelf, due_ms, &id);
    if (is_needed) {
        return MCPZ_OK;
    }
    *removed += 1;
    return remove_chunk(blobs, &id);
}

/* Look at one chunk more for whether anything needs it. MCPZ_ENOTFOUND: that were all. */
static mcpz_error sweep_one(struct mcpz_blobs *blobs)
{
    struct mcpz_id id;
    bool is_needed;

    mcpz_error error = mcpz_shelf_next_chunk(blobs->shelf, &blobs->swept, &id);
    if (error == MCPZ_OK) {
        error = mcpz_shelf_is_needed(blobs->shelf, &id, &is_needed);
    }
    if (error == MCPZ_ENOTFOUND) {
        blobs->may_have_strays = false;
        blobs->swept = (struct mcpz_id){{0}};
    }
    if (error != MCPZ_OK) {
        return error;
    }
    blobs->swept = id;
    struct mcpz_blob_row row;
    if (!is_needed && mcpz_shelf_blob(blobs->shelf, &id, &row) == MCPZ_ENOTFOUND) {
        mcpz_shelf_doubt(blobs->shelf, 0, &id);
    }
    return MCPZ_OK;
}

mcpz_error mcpz_blobs_collect(struct mcpz_blobs *blobs, uint64_t now_ms, size_t most,
                              size_t *removed, bool *more)
{
    mcpz_error error = MCPZ_OK;

    *removed = 0;
    *more = false;
    assert(most <= MCPZ_COLLECT_MAX);
    if (blobs->writers > 0) {
        return MCPZ_OK;
    }
    blobs->dropped_count = 0;
    for (size_t i = 0; i < most && error == MCPZ_OK; i++) {
        error = settle_one(blobs, now_ms, removed);
        if (error == MCPZ_ENOTFOUND && blobs->may_have_strays) {
            error = sweep_one(blobs);
        }
    }
    *more = error == MCPZ_OK;
    if (error == MCPZ_OK || error == MCPZ_ENOTFOUND) {
        error = mcpz_blobs_flush(blobs);
    }
    /* The index forgets first: what a crash leaves in between is lost room, no lost chunk. */
    for (size_t i = 0; i < blobs->dropped_count && error == MCPZ_OK; i++) {
        mcpz_packs_drop(blobs->packs, &blobs->dropped[i]);
    }
    blobs->room.is_lost |= blobs->dropped_count > 0;
    return error;
}

mcpz_error mcpz_blobs_rest(struct mcpz_blobs *blobs)
{
    return mcpz_blobs_flush(blobs);
}
