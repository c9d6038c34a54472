#include "http/export_blobs.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "blob/blob_job.h"
#include "blob/manifest.h"
#include "http/exchange.h"
#include "http/inner.h"

static_assert(MCPZ_SNAPSHOT_PIECE_BYTES + 1 <= MCPZ_BLOB_PART_BYTES_MAX,
              "a piece and a byte more are read at once");

void mcpz_export_blobs_init(struct mcpz_export_blobs *blobs, struct mcpz_exchange *exchange)
{
    *blobs = (struct mcpz_export_blobs){.exchange = exchange};
    mcpz_id_set_init(&blobs->seen, MCPZ_EXPORT_BLOBS_MAX);
}

static void close_asked(struct mcpz_export_blobs *blobs)
{
    if (blobs->asked != NULL) {
        mcpz_api_close(blobs->asked);
        blobs->asked = NULL;
    }
}

void mcpz_export_blobs_finish(struct mcpz_export_blobs *blobs)
{
    close_asked(blobs);
    mcpz_id_set_finish(&blobs->seen);
}

void mcpz_export_blobs_of(struct mcpz_export_blobs *blobs, const struct mcpz_id *document)
{
    assert(!blobs->is_walking);
    assert(!blobs->is_reading);

    mcpz_blob_names_begin(&blobs->names, document);
    blobs->is_walking = true;
}

mcpz_error mcpz_export_blobs_bring(struct mcpz_export_blobs *blobs,
                                   const struct mcpz_blob_ref *named)
{
    assert(!blobs->is_reading);

    const mcpz_error error = mcpz_id_set_add(&blobs->seen, &named->root);
    if (error != MCPZ_OK) {
        return error == MCPZ_EUSED ? MCPZ_OK : error;
    }
    blobs->blob = (struct mcpz_snapshot_blob){.root = named->root, .size = named->size};
    mcpz_bytes_to_text(named->tenant, blobs->blob.tenant, sizeof(blobs->blob.tenant));
    if (strlen(blobs->blob.tenant) != named->tenant.length) {
        (void)snprintf(blobs->blob.tenant, sizeof(blobs->blob.tenant),
                       "?"); /* of no tenant there can be: it is lost */
    }
    blobs->is_reading = true;
    blobs->tries = 0;
    return MCPZ_OK;
}

/* ---- Reading one -------------------------------------------------------------------------- */

/* An agent may name what is another tenant's, which is not for who exports this one's, and what
 * there cannot be. */
static bool may_read(const struct mcpz_export_blobs *blobs)
{
    const char *tenant = blobs->exchange->tenant;

    return (tenant[0] == '\0' || strcmp(tenant, blobs->blob.tenant) == 0) &&
           blobs->blob.size <= MCPZ_BLOB_BYTES_MAX;
}

/* So much of it the next piece is to be. */
static size_t piece_bytes(const struct mcpz_snapshot_blob *blob)
{
    const uint64_t left = blob->size - blob->offset;

    return left < MCPZ_SNAPSHOT_PIECE_BYTES ? (size_t)left : MCPZ_SNAPSHOT_PIECE_BYTES;
}

static bool is_last(const struct mcpz_snapshot_blob *blob)
{
    return blob->offset + piece_bytes(blob) == blob->size;
}

/* With the last piece comes a byte more, if the blob is longer than its name says. */
static enum mcpz_export_blobs_step ask(struct mcpz_export_blobs *blobs)
{
    const struct mcpz_snapshot_blob *blob = &blobs->blob;
    char name[MCPZ_ID_TEXT_BYTES];
    char path[MCPZ_ID_TEXT_BYTES + 32];
    char query[MCPZ_TENANT_BYTES_MAX + 96];

    mcpz_id_to_text(&blob->root, 'b', name);
    (void)snprintf(path, sizeof(path), "/v1/blobs/%s/data", name);
    const int length =
        snprintf(query, sizeof(query), "tenant=%s%coffset=%" PRIu64 "%clength=%zu", blob->tenant,
                 '\0', blob->offset, '\0', piece_bytes(blob) + (is_last(blob) ? 1 : 0));
    const struct mcpz_inner_request asked = {
        .method = MCPZ_GET, .path = path, .query = mcpz_bytes(query, (size_t)length)};
    blobs->tries++;
    return mcpz_inner_ask(blobs->exchange, &blobs->asked, &asked) ? MCPZ_EXPORT_BLOBS_WAITS
                                                                  : MCPZ_EXPORT_BLOBS_GOES_ON;
}

static void lose(struct mcpz_export_blobs *blobs, struct mcpz_snapshot_writer *writer)
{
    close_asked(blobs);
    mcpz_snapshot_lose(writer, &blobs->blob);
    blobs->is_reading = false;
}

static void take_piece(struct mcpz_export_blobs *blobs, struct mcpz_snapshot_writer *writer,
                       struct mcpz_bytes bytes)
{
    struct mcpz_snapshot_blob *blob = &blobs->blob;

    if (bytes.length != piece_bytes(blob)) {
        lose(blobs, writer); /* it is shorter or longer than its name says */
        return;
    }
    mcpz_snapshot_add_piece(writer, blob, bytes);
    close_asked(blobs);
    blob->offset += bytes.length;
    blobs->is_reading = blob->offset < blob->size;
    blobs->tries = 0;
}

static enum mcpz_export_blobs_step read_on(struct mcpz_export_blobs *blobs,
                                           struct mcpz_snapshot_writer *writer)
{
    const struct mcpz_response *response =
        blobs->asked != NULL ? mcpz_api_response(blobs->asked) : NULL;

    if (blobs->asked != NULL && response == NULL) {
        return MCPZ_EXPORT_BLOBS_WAITS;
    }
    if (response != NULL && response->status == 200) {
        take_piece(blobs, writer, mcpz_body_in_memory(&response->body));
        return MCPZ_EXPORT_BLOBS_GOES_ON;
    }
    if (!may_read(blobs) ||
        (response != NULL && response->status != mcpz_api_status_of(MCPZ_CODE_BUSY)) ||
        blobs->tries == MCPZ_EXPORT_BLOB_TRIES) {
        lose(blobs, writer);
        return MCPZ_EXPORT_BLOBS_GOES_ON;
    }
    close_asked(blobs);
    return ask(blobs);
}

/* ---- All of them -------------------------------------------------------------------------- */

/* The next name of the document. */
static enum mcpz_export_blobs_step walk_on(struct mcpz_export_blobs *blobs)
{
    const struct mcpz_store *store = mcpz_engine_store(mcpz_exchange_engine(blobs->exchange));
    struct mcpz_blob_ref named;
    mcpz_error error = mcpz_blob_names_next(&blobs->names, store, &named);

    if (error == MCPZ_OK) {
        error = mcpz_export_blobs_bring(blobs, &named);
    }
    if (error == MCPZ_EFULL) {
        return MCPZ_EXPORT_BLOBS_TOO_MANY;
    }
    blobs->is_walking = error != MCPZ_ENOTFOUND;
    return error == MCPZ_OK || error == MCPZ_ETIMEOUT || error == MCPZ_ENOTFOUND
               ? MCPZ_EXPORT_BLOBS_GOES_ON
               : MCPZ_EXPORT_BLOBS_FAILED;
}

enum mcpz_export_blobs_step mcpz_export_blobs_work(struct mcpz_export_blobs *blobs,
                                                   struct mcpz_snapshot_writer *writer)
{
    if (blobs->is_reading) {
        return read_on(blobs, writer);
    }
    return blobs->is_walking ? walk_on(blobs) : MCPZ_EXPORT_BLOBS_DONE;
}
