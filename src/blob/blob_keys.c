#include "blob/blob_keys.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RELEASED_MAX 1024 /* blobs whose key was lost, until that is on the disk */

bool mcpz_blob_row_is_of(const struct mcpz_blob_row *row, const char *tenant)
{
    return mcpz_bytes_equal(mcpz_bytes(row->tenant, row->tenant_length), mcpz_text(tenant));
}

/* What the node itself needs is under a name that begins so. */
bool mcpz_blob_keys_are_ours(struct mcpz_bytes tenant)
{
    static const char prefix[] = "mcpz.";

    return tenant.length >= sizeof(prefix) - 1 &&
           memcmp(tenant.data, prefix, sizeof(prefix) - 1) == 0;
}

mcpz_error mcpz_blob_keys_list(struct mcpz_keyring *keyring, struct mcpz_blob_job *job)
{
    const size_t count = mcpz_keyring_count(keyring);

    job->names = calloc(count + 1, MCPZ_TENANT_BYTES_MAX + 1);
    if (job->names == NULL) {
        return MCPZ_ENOMEM;
    }
    for (size_t i = 0; i < count; i++) {
        const struct mcpz_bytes tenant = mcpz_keyring_tenant(keyring, i);
        if (!mcpz_blob_keys_are_ours(tenant)) {
            mcpz_bytes_to_text(tenant,
                               job->names + job->name_count++ * (MCPZ_TENANT_BYTES_MAX + 1),
                               MCPZ_TENANT_BYTES_MAX + 1);
        }
    }
    mcpz_keyring_node_key_id(keyring, job->node_key_id);
    mcpz_keyring_whereabouts(keyring, &job->node_key_at);
    return MCPZ_OK;
}

mcpz_error mcpz_blob_keys_show(struct mcpz_keyring *keyring, struct mcpz_blob_job *job)
{
    job->bytes = malloc(MCPZ_KEYRING_SHOWN_BYTES_MAX);
    if (job->bytes == NULL) {
        return MCPZ_ENOMEM;
    }
    job->length = mcpz_keyring_show(keyring, job->bytes, MCPZ_KEYRING_SHOWN_BYTES_MAX);
    return MCPZ_OK;
}

mcpz_error mcpz_blob_keys_rotate(struct mcpz_keyring *keyring, struct mcpz_blob_job *job)
{
    mcpz_error error = mcpz_keyring_rotate(keyring);

    if (error == MCPZ_EUNSUPPORTED) {
        (void)snprintf(job->text, sizeof(job->text),
                       "the node key comes from the environment: start the node with the new one "
                       "in MCPZ_NODE_KEY and this one in MCPZ_NODE_KEY_OLD");
    }
    mcpz_keyring_node_key_id(keyring, job->node_key_id);
    return error;
}

/* Can it be read with the key that its tenant has now? */
static bool is_readable(struct mcpz_keyring *keyring, struct mcpz_blobs *blobs,
                        const struct mcpz_id *id, const struct mcpz_blob_job *job)
{
    const struct mcpz_tenant_key *key = mcpz_keyring_find(keyring, mcpz_text(job->tenant));
    uint8_t byte;
    struct mcpz_blob_piece piece = {.buffer = &byte, .capacity = 1};

    while (key != NULL && mcpz_blobs_read(blobs, key, id, &piece) != MCPZ_OK) {
        key = mcpz_keyring_next(keyring, mcpz_text(job->tenant), key);
    }
    return key != NULL;
}

mcpz_error mcpz_blob_drop(struct mcpz_blobs *blobs, const struct mcpz_id *id,
                          struct mcpz_bytes holder, uint64_t now_ms)
{
    const mcpz_error error = mcpz_blobs_release(blobs, id, holder, now_ms);

    return error == MCPZ_ENOTFOUND ? MCPZ_OK : error;
}

/* Whoever holds it. */
static mcpz_error let_go(struct mcpz_blobs *blobs, const struct mcpz_id *id, uint64_t now_ms)
{
    static const char *const holders[] = {MCPZ_BLOB_HOLDER, MCPZ_BLOB_BRIEF_HOLDER,
                                          MCPZ_BLOB_COPY_HOLDER};
    mcpz_error error = MCPZ_OK;

    for (size_t i = 0; i < MCPZ_ARRAY_LEN(holders) && error == MCPZ_OK; i++) {
        error = mcpz_blob_drop(blobs, id, mcpz_text(holders[i]), now_ms);
    }
    return error;
}

/* Nobody can read those any more that the lost key sealed: their room is given back. */
mcpz_error mcpz_blob_keys_release_lost(struct mcpz_keyring *keyring, struct mcpz_blobs *blobs,
                                       const struct mcpz_blob_job *job)
{
    struct mcpz_id at = {{0}};
    struct mcpz_blob_row row;
    size_t count = 0;
    mcpz_error error;

    while ((error = mcpz_blobs_next(blobs, &at, &at)) == MCPZ_OK) {
        error = mcpz_blobs_stat(blobs, &at, &row);
        if (error == MCPZ_OK && mcpz_blob_row_is_of(&row, job->tenant) &&
            !is_readable(keyring, blobs, &at, job)) {
            error = let_go(blobs, &at, job->now_ms);
            count++;
        }
        if (error == MCPZ_OK && count == RELEASED_MAX) {
            count = 0;
            error = mcpz_blobs_rest(blobs);
        }
        if (error != MCPZ_OK && error != MCPZ_ENOTFOUND) {
            return error;
        }
    }
    return error == MCPZ_ENOTFOUND ? MCPZ_OK : error;
}
