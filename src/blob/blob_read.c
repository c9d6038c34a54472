#include <string.h>

#include "blob/blobs_parts.h"
#include "crypto/digest.h"

/* The next parent of `child` that may be in a blob, or that we have not come to yet. */
struct climb {
    struct mcpz_id id;
    struct mcpz_id parent; /* the one looked at last; zeros: none */
};

void mcpz_blobs_lose_chunk(struct mcpz_blobs *blobs, const struct mcpz_id *id)
{
    struct climb path[MCPZ_MANIFEST_LEVELS_MAX + 1] = {{.id = *id}};
    struct mcpz_blob_row row;
    size_t depth = 1;

    mcpz_shelf_remove_chunk(blobs->shelf, id);
    mcpz_blobs_forget_lists(blobs);
    blobs->room.is_lost = true;
    while (depth > 0) {
        struct climb *at = &path[depth - 1];
        if (mcpz_shelf_next_parent(blobs->shelf, &at->id, &at->parent, &at->parent) == MCPZ_OK) {
            if (depth < MCPZ_MANIFEST_LEVELS_MAX + 1) {
                path[depth++] = (struct climb){.id = at->parent};
            }
            continue;
        }
        if (mcpz_shelf_blob(blobs->shelf, &at->id, &row) == MCPZ_OK) {
            mcpz_shelf_mark_partial(blobs->shelf, &at->id);
        }
        depth--;
    }
}

mcpz_error mcpz_blobs_read_stored(struct mcpz_blobs *blobs, const struct mcpz_id *id,
                                  struct mcpz_chunk_row *row)
{
    struct mcpz_id digest;

    mcpz_error error = mcpz_shelf_chunk(blobs->shelf, id, row);
    if (error == MCPZ_OK &&
        (row->place.length > sizeof(blobs->stored) || row->plain_length > sizeof(blobs->plain))) {
        error = MCPZ_ECORRUPT;
    }
    if (error == MCPZ_OK) {
        error = mcpz_packs_read(blobs->packs, id, &row->place, blobs->stored);
    }
    if (error == MCPZ_OK) {
        mcpz_digest(MCPZ_DIGEST_SEALED, mcpz_bytes(blobs->stored, row->place.length),
                    digest.bytes);
        if (!mcpz_id_equal(&digest, &row->sealed)) {
            mcpz_packs_drop(blobs->packs, &row->place); /* its head says that it is its own room */
            error = MCPZ_ECORRUPT;
        }
    }
    if (error == MCPZ_ECORRUPT) {
        mcpz_blobs_lose_chunk(blobs, id);
        return MCPZ_ENOTFOUND;
    }
    return error;
}

static void note_lack(struct mcpz_blob_lack *lack, const struct mcpz_id *id)
{
    if (lack != NULL && lack->count < MCPZ_BLOB_LACK_MAX) {
        lack->ids[lack->count++] = *id;
    }
}

/* One that another node has lent us. */
static mcpz_error open_lent(struct mcpz_blobs *blobs, const struct mcpz_tenant_key *key,
                            const struct mcpz_id *id, size_t *length)
{
    struct mcpz_chunk_letter letter;

    mcpz_error error = mcpz_lent_chunks_find(blobs->lent, id, &letter);
    if (error != MCPZ_OK) {
        return error;
    }
    *length = letter.plain_length;
    return mcpz_chunk_open(blobs->press, key, id, letter.stored, blobs->plain, *length);
}

/* Open a chunk into blobs->plain; `*length` is how long it is. MCPZ_ENOTFOUND: it is lacking. */
static mcpz_error open_chunk(struct mcpz_blobs *blobs, const struct mcpz_tenant_key *key,
                             const struct mcpz_id *id, struct mcpz_blob_lack *lack, size_t *length)
{
    struct mcpz_chunk_row row;

    mcpz_error error = mcpz_blobs_read_stored(blobs, id, &row);
    if (error == MCPZ_OK) {
        *length = row.plain_length;
        return mcpz_chunk_open(blobs->press, key, id, mcpz_bytes(blobs->stored, row.place.length),
                               blobs->plain, *length);
    }
    if (error == MCPZ_ENOTFOUND) {
        error = open_lent(blobs, key, id, length);
    }
    if (error == MCPZ_ENOTFOUND) {
        note_lack(lack, id);
    }
    return error;
}

void mcpz_blobs_forget_lists(struct mcpz_blobs *blobs)
{
    for (size_t i = 0; i < MCPZ_MANIFEST_LEVELS_MAX; i++) {
        blobs->cache[i].is_there = false;
    }
}

mcpz_error mcpz_blobs_find_list(struct mcpz_blobs *blobs, const struct mcpz_tenant_key *key,
                                const struct mcpz_id *id, struct mcpz_blob_lack *lack,
                                const struct mcpz_manifest **list)
{
    size_t length = 0;

    for (size_t i = 0; i < MCPZ_MANIFEST_LEVELS_MAX; i++) {
        if (blobs->cache[i].is_there && mcpz_id_equal(&blobs->cache[i].id, id)) {
            *list = &blobs->cache[i].list;
            return MCPZ_OK;
        }
    }
    mcpz_error error = open_chunk(blobs, key, id, lack, &length);
    if (error == MCPZ_OK &&
        mcpz_manifest_decode(mcpz_bytes(blobs->plain, length), &blobs->read) != MCPZ_OK) {
        error = MCPZ_ECORRUPT;
    }
    if (error == MCPZ_OK) {
        struct mcpz_blob_cached_list *place = &blobs->cache[blobs->read.level];
        *place = (struct mcpz_blob_cached_list){.is_there = true, .id = *id, .list = blobs->read};
        *list = &place->list;
    }
    return error;
}

/* The chunk that byte `offset` is in: its list, which entry of it, and where it begins. */
struct leaf {
    bool is_kept; /* lists that are only lent are lacking */
    const struct mcpz_manifest *list;
    size_t at;
    uint64_t begins;
};

static bool is_kept(struct mcpz_blobs *blobs, const struct mcpz_id *id)
{
    struct mcpz_chunk_row row;

    return mcpz_shelf_chunk(blobs->shelf, id, &row) == MCPZ_OK;
}

static mcpz_error find_leaf(struct mcpz_blobs *blobs, const struct mcpz_tenant_key *key,
                            const struct mcpz_id *root, uint64_t offset,
                            struct mcpz_blob_lack *lack, struct leaf *leaf)
{
    int level = MCPZ_MANIFEST_LEVELS_MAX;
    struct mcpz_id id = *root;

    leaf->begins = 0;
    while (level > 0) {
        if (leaf->is_kept && !is_kept(blobs, &id)) {
            note_lack(lack, &id);
            return MCPZ_ENOTFOUND;
        }
        mcpz_error error = mcpz_blobs_find_list(blobs, key, &id, lack, &leaf->list);
        if (error != MCPZ_OK) {
            return error;
        }
        if (leaf->list->level >= level ||
            offset - leaf->begins >= mcpz_manifest_bytes(leaf->list)) {
            return MCPZ_ECORRUPT;
        }
        uint64_t before;
        leaf->at = mcpz_manifest_find(leaf->list, offset - leaf->begins, &before);
        leaf->begins += before;
        id = leaf->list->entries[leaf->at].id;
        level = leaf->list->level;
    }
    return MCPZ_OK;
}

/* A piece that is being read: `wanted` bytes, of which what comes next is at `next`. */
struct reading {
    struct mcpz_blobs *blobs;
    const struct mcpz_tenant_key *key;
    struct mcpz_blob_piece *piece;
    size_t wanted;
};

/* Copy what one chunk has of what is still wanted, unless something before it is lacking. */
static mcpz_error read_some(const struct reading *reading, const struct mcpz_id *root,
                            size_t *done)
{
    struct mcpz_blobs *blobs = reading->blobs;
    struct mcpz_blob_piece *piece = reading->piece;
    const uint64_t offset = piece->offset + *done;
    struct leaf leaf = {.is_kept = false};
    size_t chunk = 0;

    mcpz_error error = find_leaf(blobs, reading->key, root, offset, piece->lack, &leaf);
    if (error != MCPZ_OK) {
        return error;
    }
    const struct mcpz_manifest_entry entry = leaf.list->entries[leaf.at];
    const size_t skipped = (size_t)(offset - leaf.begins);
    const size_t left = reading->wanted - *done;
    const size_t some = entry.bytes - skipped < left ? (size_t)entry.bytes - skipped : left;
    error = open_chunk(blobs, reading->key, &entry.id, piece->lack, &chunk);
    if (error == MCPZ_ENOTFOUND && piece->lack != NULL) {
        *done += some; /* see what else is lacking */
        return MCPZ_OK;
    }
    if (error == MCPZ_OK && chunk != entry.bytes) {
        error = MCPZ_ECORRUPT;
    }
    if (error == MCPZ_OK) {
        memcpy(piece->buffer + *done, blobs->plain + skipped, some);
        *done += some;
    }
    return error;
}

static mcpz_error read_piece(const struct reading *reading, const struct mcpz_id *root)
{
    struct mcpz_blob_piece *piece = reading->piece;
    mcpz_error error = MCPZ_OK;
    size_t done = 0;

    while (error == MCPZ_OK && done < reading->wanted &&
           (piece->lack == NULL || piece->lack->count < MCPZ_BLOB_LACK_MAX)) {
        error = read_some(reading, root, &done);
    }
    if (piece->lack != NULL && piece->lack->count > 0) {
        return error == MCPZ_OK || error == MCPZ_ENOTFOUND ? MCPZ_ENOTFOUND : error;
    }
    piece->length = error == MCPZ_OK ? done : 0;
    return error == MCPZ_ENOTFOUND ? MCPZ_ECORRUPT : error;
}

mcpz_error mcpz_blobs_read(struct mcpz_blobs *blobs, const struct mcpz_tenant_key *key,
                           const struct mcpz_id *root, struct mcpz_blob_piece *piece)
{
    const struct mcpz_manifest *list = NULL;
    struct mcpz_blob_row row;
    mcpz_error error;

    piece->length = 0;
    if (piece->lack != NULL) {
        piece->lack->count = 0;
        error = mcpz_blobs_find_list(blobs, key, root, piece->lack, &list);
        row.size = error == MCPZ_OK ? mcpz_manifest_bytes(list) : 0;
    } else {
        error = mcpz_shelf_blob(blobs->shelf, root, &row);
    }
    if (error != MCPZ_OK) {
        return error;
    }
    const uint64_t left = piece->offset < row.size ? row.size - piece->offset : 0;
    const struct reading reading = {.blobs = blobs,
                                    .key = key,
                                    .piece = piece,
                                    .wanted =
                                        left < piece->capacity ? (size_t)left : piece->capacity};
    return read_piece(&reading, root);
}

/* ---- Walking, for who copies ---------------------------------------------------------------- */

/* Add what is lacking of one list from entry `leaf->at` on. Where is the first that lacks? */
static mcpz_error look_at_leaf(struct mcpz_blobs *blobs, const struct leaf *leaf,
                               struct mcpz_blob_lack *lack, uint64_t *offset)
{
    uint64_t at = leaf->begins;

    for (size_t i = leaf->at; i < leaf->list->count; i++) {
        struct mcpz_chunk_row row;
        mcpz_error error = mcpz_shelf_chunk(blobs->shelf, &leaf->list->entries[i].id, &row);
        if (error == MCPZ_ENOTFOUND && lack->count < MCPZ_BLOB_LACK_MAX) {
            note_lack(lack, &leaf->list->entries[i].id);
        } else if (error != MCPZ_OK) {
            return error;
        }
        at += leaf->list->entries[i].bytes;
        if (lack->count == 0) {
            *offset = at; /* all before it is here */
        }
    }
    return MCPZ_OK;
}

mcpz_error mcpz_blobs_look(struct mcpz_blobs *blobs, const struct mcpz_tenant_key *key,
                           const struct mcpz_id *root, uint64_t *offset,
                           struct mcpz_blob_lack *lack)
{
    const struct mcpz_manifest *list = NULL;

    lack->count = 0;
    if (!is_kept(blobs, root)) {
        note_lack(lack, root);
        return MCPZ_ENOTFOUND;
    }
    mcpz_error error = mcpz_blobs_find_list(blobs, key, root, lack, &list);
    const uint64_t size = error == MCPZ_OK ? mcpz_manifest_bytes(list) : 0;
    uint64_t at = *offset;
    for (size_t i = 0; i < MCPZ_BLOB_LOOK_LISTS_MAX && error == MCPZ_OK && at < size; i++) {
        struct leaf leaf = {.is_kept = true};
        error = find_leaf(blobs, key, root, at, lack, &leaf);
        if (error == MCPZ_OK) {
            at = leaf.begins;
            for (size_t entry = leaf.at; entry < leaf.list->count; entry++) {
                at += leaf.list->entries[entry].bytes;
            }
            error = look_at_leaf(blobs, &leaf, lack, offset);
        }
        if (lack->count == MCPZ_BLOB_LACK_MAX) {
            break;
        }
    }
    if (lack->count > 0 || error == MCPZ_ENOTFOUND) {
        return MCPZ_ENOTFOUND;
    }
    return error == MCPZ_OK && *offset < size ? MCPZ_EFULL : error;
}
