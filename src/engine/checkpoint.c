#include "engine/checkpoint.h"

#include <string.h>

#include "crypto/digest.h"
#include "wire/checkpoint.h"

/* The head's lists outlive the entries that are read after it. */
struct kept_head {
    struct mcpz_checkpoint_head head;
    struct mcpz_version versions[MCPZ_ACTORS_MAX];
    struct mcpz_cut cuts[MCPZ_ACTORS_MAX];
    uint8_t tenant[MCPZ_TENANT_BYTES_MAX];
};

static mcpz_error read_head(const struct mcpz_store *store, const struct mcpz_id *document,
                            struct kept_head *kept)
{
    struct mcpz_record record = {.kind = MCPZ_RECORD_DOCUMENT, .document = {.id = *document}};

    mcpz_error error = store->get(store->context, &record);
    if (error != MCPZ_OK) {
        return error;
    }
    if (record.document.version_count > MCPZ_ACTORS_MAX ||
        record.document.cut_count > MCPZ_ACTORS_MAX ||
        record.document.tenant.length > sizeof(kept->tenant)) {
        return MCPZ_ECORRUPT;
    }
    for (size_t i = 0; i < record.document.version_count; i++) {
        kept->versions[i] = record.document.versions[i];
    }
    for (size_t i = 0; i < record.document.cut_count; i++) {
        kept->cuts[i] = record.document.cuts[i];
    }
    if (record.document.tenant.length > 0) {
        memcpy(kept->tenant, record.document.tenant.data, record.document.tenant.length);
    }
    kept->head = (struct mcpz_checkpoint_head){
        .document = *document,
        .tenant = mcpz_bytes(kept->tenant, record.document.tenant.length),
        .hlc = record.document.hlc,
        .versions = kept->versions,
        .version_count = record.document.version_count,
        .cuts = kept->cuts,
        .cut_count = record.document.cut_count,
        .entry_count = record.document.entry_count,
    };
    return MCPZ_OK;
}

void mcpz_checkpoint_state_digest(const struct mcpz_checkpoint_head *head, struct mcpz_id *digest)
{
    uint8_t bytes[MCPZ_CHECKPOINT_HEAD_BYTES_MAX];
    struct mcpz_checkpoint_head bare = *head;

    bare.entry_count = 0; /* that follows from the rest, or something is wrong */
    const size_t length = mcpz_checkpoint_head_encode(&bare, bytes);
    mcpz_digest(MCPZ_DIGEST_STATE, mcpz_bytes(bytes, length), digest->bytes);
}

mcpz_error mcpz_checkpoint_state_of(const struct mcpz_store *store, const struct mcpz_id *document,
                                    struct mcpz_checkpoint_state *state)
{
    struct kept_head kept;

    mcpz_error error = read_head(store, document, &kept);
    if (error != MCPZ_OK) {
        return error;
    }
    mcpz_checkpoint_state_digest(&kept.head, &state->digest);
    memcpy(state->tenant, kept.tenant, sizeof(state->tenant));
    state->tenant_length = kept.head.tenant.length;
    if (!mcpz_clock_is_valid(kept.versions, kept.head.version_count) ||
        !mcpz_cuts_is_valid(kept.cuts, kept.head.cut_count)) {
        return MCPZ_ECORRUPT;
    }
    mcpz_clock_set(&state->clock, kept.versions, kept.head.version_count);
    mcpz_cuts_set(&state->cuts, kept.cuts, kept.head.cut_count);
    state->hlc = kept.head.hlc;
    state->deltas = mcpz_clock_deltas(kept.versions, kept.head.version_count) +
                    mcpz_cuts_deltas(kept.cuts, kept.head.cut_count);
    return MCPZ_OK;
}

/* Whose dots there are the record of the document says; a store that is damaged may not. */
static bool is_known(const struct mcpz_checkpoint_head *head, const struct mcpz_actor *actor)
{
    return mcpz_clock_find(head->versions, head->version_count, actor) != NULL;
}

static mcpz_error write_entry(const struct mcpz_checkpoint_head *head,
                              const struct mcpz_record_entry *entry,
                              const struct mcpz_checkpoint_sink *sink)
{
    uint8_t bytes[MCPZ_CHECKPOINT_ENTRY_BYTES_MAX];

    if (!is_known(head, &entry->dot.actor)) {
        return MCPZ_ECORRUPT;
    }
    const size_t length = mcpz_checkpoint_entry_encode(head, entry, bytes);
    return sink->add(sink->context, mcpz_bytes(bytes, length));
}

mcpz_error mcpz_checkpoint_write(const struct mcpz_store *store, const struct mcpz_id *document,
                                 const struct mcpz_checkpoint_sink *sink)
{
    uint8_t bytes[MCPZ_CHECKPOINT_HEAD_BYTES_MAX];
    struct mcpz_record record = {.kind = MCPZ_RECORD_ENTRY, .entry = {.document = *document}};
    struct kept_head kept;
    uint32_t count = 0;

    mcpz_error error = read_head(store, document, &kept);
    if (error != MCPZ_OK) {
        return error;
    }
    const size_t length = mcpz_checkpoint_head_encode(&kept.head, bytes);
    error = sink->add(sink->context, mcpz_bytes(bytes, length));
    while (error == MCPZ_OK) {
        error = store->next(store->context, MCPZ_SCAN_DOCUMENT, count == 0, &record);
        if (error == MCPZ_OK) {
            error = write_entry(&kept.head, &record.entry, sink);
            count++;
        } else if (error == MCPZ_ENOTFOUND) {
            return count == kept.head.entry_count ? MCPZ_OK : MCPZ_ECORRUPT;
        }
    }
    return error;
}
