#include "blob/blobs_parts.h"
#include "crypto/digest.h"

mcpz_error mcpz_blobs_expect(struct mcpz_blobs *blobs, const struct mcpz_id *root,
                             const struct mcpz_blob_row *row, struct mcpz_bytes holder)
{
    struct mcpz_blob_row known;

    mcpz_error error = mcpz_shelf_blob(blobs->shelf, root, &known);
    if (error == MCPZ_ENOTFOUND) {
        mcpz_shelf_put_blob(blobs->shelf, root, row);
        mcpz_shelf_mark_partial(blobs->shelf, root);
    } else if (error != MCPZ_OK) {
        return error;
    }
    mcpz_shelf_hold(blobs->shelf, root, holder);
    return mcpz_blobs_flush_soon(blobs);
}

mcpz_error mcpz_blobs_complete(struct mcpz_blobs *blobs, const struct mcpz_id *root)
{
    mcpz_shelf_mark_whole(blobs->shelf, root);
    blobs->unflushed = 0;
    return mcpz_blobs_flush_soon(blobs);
}

bool mcpz_blobs_is_whole(struct mcpz_blobs *blobs, const struct mcpz_id *root)
{
    struct mcpz_blob_row row;
    bool is_partial = true;

    return mcpz_shelf_blob(blobs->shelf, root, &row) == MCPZ_OK &&
           mcpz_shelf_is_partial(blobs->shelf, root, &is_partial) == MCPZ_OK && !is_partial;
}

bool mcpz_blobs_holds(struct mcpz_blobs *blobs, const struct mcpz_id *root,
                      struct mcpz_bytes holder)
{
    return mcpz_shelf_holds(blobs->shelf, root, holder) == MCPZ_OK;
}

mcpz_error mcpz_blobs_show(struct mcpz_blobs *blobs, const struct mcpz_id *id,
                           struct mcpz_chunk_letter *letter)
{
    struct mcpz_chunk_row row;

    mcpz_error error = mcpz_blobs_read_stored(blobs, id, &row);
    if (error == MCPZ_OK) {
        *letter =
            (struct mcpz_chunk_letter){.id = *id,
                                       .plain_length = row.plain_length,
                                       .stored = mcpz_bytes(blobs->stored, row.place.length)};
    }
    return error;
}

/* ---- Taking in what another node sent ------------------------------------------------------- */

/* Is what was opened into blobs->plain what the id says? `*is_list`: it is in blobs->read. */
static mcpz_error verify(struct mcpz_blobs *blobs, const struct mcpz_tenant_key *key,
                         const struct mcpz_chunk_letter *letter, bool *is_list)
{
    const struct mcpz_bytes plain = mcpz_bytes(blobs->plain, letter->plain_length);
    struct mcpz_id id;

    *is_list = false;
    mcpz_tenant_key_chunk_id(key, MCPZ_CHUNK_DATA, plain, &id);
    if (mcpz_id_equal(&id, &letter->id)) {
        return MCPZ_OK;
    }
    mcpz_tenant_key_chunk_id(key, MCPZ_CHUNK_LIST, plain, &id);
    if (!mcpz_id_equal(&id, &letter->id)) {
        return MCPZ_EPROTO;
    }
    *is_list = true;
    return mcpz_manifest_decode(plain, &blobs->read);
}

static mcpz_error keep_letter(struct mcpz_blobs *blobs, const struct mcpz_chunk_letter *letter)
{
    struct mcpz_chunk_row row = {.plain_length = letter->plain_length};

    mcpz_error error = mcpz_packs_append(blobs->packs, &letter->id, letter->stored, &row.place);
    if (error != MCPZ_OK) {
        return error;
    }
    mcpz_digest(MCPZ_DIGEST_SEALED, letter->stored, row.sealed.bytes);
    mcpz_shelf_put_chunk(blobs->shelf, &letter->id, &row);
    blobs->unflushed += letter->stored.length;
    if (blobs->unflushed >= MCPZ_BLOB_FLUSH_BYTES) {
        blobs->unflushed = 0;
        error = mcpz_blobs_flush(blobs);
    }
    return error;
}

mcpz_error mcpz_blobs_give(struct mcpz_blobs *blobs, const struct mcpz_tenant_key *key,
                           const struct mcpz_chunk_letter *letter, bool is_lent)
{
    struct mcpz_chunk_row row;
    bool is_list = false;

    mcpz_error error = mcpz_chunk_open(blobs->press, key, &letter->id, letter->stored,
                                       blobs->plain, letter->plain_length);
    if (error == MCPZ_OK) {
        error = verify(blobs, key, letter, &is_list);
    }
    if (error != MCPZ_OK) {
        return error;
    }
    if (is_lent) {
        return mcpz_lent_chunks_put(blobs->lent, letter);
    }
    /* A list that is here needs what it lists, so none of that is cleared away. */
    for (size_t i = 0; is_list && i < blobs->read.count; i++) {
        mcpz_shelf_link(blobs->shelf, &letter->id, &blobs->read.entries[i].id);
    }
    error = mcpz_shelf_chunk(blobs->shelf, &letter->id, &row);
    return error == MCPZ_ENOTFOUND ? keep_letter(blobs, letter) : error;
}

void mcpz_blobs_forget_lent(struct mcpz_blobs *blobs)
{
    mcpz_lent_chunks_clear(blobs->lent);
}

/* ---- Reading through ------------------------------------------------------------------------ */

bool mcpz_blobs_scrub(struct mcpz_blobs *blobs, size_t bytes)
{
    size_t done = 0;

    while (done < bytes) {
        struct mcpz_chunk_row row;
        struct mcpz_id id;
        if (mcpz_shelf_next_chunk(blobs->shelf, &blobs->scrubbed, &id) != MCPZ_OK) {
            blobs->scrubbed = (struct mcpz_id){{0}};
            return false;
        }
        blobs->scrubbed = id;
        if (mcpz_blobs_read_stored(blobs, &id, &row) == MCPZ_OK) {
            done += row.place.length;
        }
    }
    return true;
}
