#include "core/crdt/holdings.h"

#include <endian.h>
#include <string.h>

#include "base/clear.h"
#include "base/hash.h"
#include "core/crdt/document.h"

/* ---- Digests ------------------------------------------------------------------------------ */

static const struct mcpz_siphash_key first_key = {.low = UINT64_C(0x6d63707a20726f6f),
                                                  .high = UINT64_C(0x7420312020202020)};
static const struct mcpz_siphash_key second_key = {.low = UINT64_C(0x6d63707a20726f6f),
                                                   .high = UINT64_C(0x7420322020202020)};

/* 256 bits of a document's state: a wide hash, and two more of that. */
static struct mcpz_id digest_of(const struct mcpz_record_document *document)
{
    uint64_t hash[2];
    struct mcpz_id digest;

    mcpz_document_hash_wide(first_key, document, hash);
    const uint64_t words[MCPZ_ROOT_WORDS] = {
        htobe64(hash[0]),
        htobe64(hash[1]),
        htobe64(mcpz_siphash_number(first_key, hash[0] + hash[1])),
        htobe64(mcpz_siphash_number(second_key, hash[0] ^ hash[1])),
    };

    memcpy(digest.bytes, words, sizeof(words));
    return digest;
}

/* ---- The store ---------------------------------------------------------------------------- */

static void note(struct mcpz_holdings *holdings, const struct mcpz_record_document *document)
{
    holdings->last = (struct mcpz_holding){
        .id = document->id,
        .is_known = true,
        .is_there = true,
        .change = document->change,
        .digest = digest_of(document),
    };
}

static void note_absent(struct mcpz_holdings *holdings, const struct mcpz_id *id)
{
    holdings->last = (struct mcpz_holding){.id = *id, .is_known = true};
}

/* Is `last` of it? Nobody writes documents but through here, so it still holds. */
static bool is_last_known(const struct mcpz_holdings *holdings, const struct mcpz_id *id)
{
    return holdings->last.is_known && mcpz_id_equal(&holdings->last.id, id);
}

static mcpz_error get(void *context, struct mcpz_record *record)
{
    struct mcpz_holdings *holdings = context;
    mcpz_error error = holdings->below->get(holdings->below->context, record);

    if (record->kind == MCPZ_RECORD_DOCUMENT && error == MCPZ_OK) {
        if (!is_last_known(holdings, &record->document.id) || !holdings->last.is_there) {
            note(holdings, &record->document);
        }
    } else if (record->kind == MCPZ_RECORD_DOCUMENT && error == MCPZ_ENOTFOUND) {
        note_absent(holdings, &record->document.id);
    }
    return error;
}

static mcpz_error next(void *context, enum mcpz_scan scan, bool inclusive,
                       struct mcpz_record *record)
{
    const struct mcpz_store *below = ((struct mcpz_holdings *)context)->below;

    return below->next(below->context, scan, inclusive, record);
}

static void delta_id(void *context, const struct mcpz_delta *delta, struct mcpz_id *id)
{
    const struct mcpz_store *below = ((struct mcpz_holdings *)context)->below;

    below->delta_id(below->context, delta, id);
}

/* See to it that `last` is of `id`. */
static void find_out(struct mcpz_holdings *holdings, const struct mcpz_id *id)
{
    struct mcpz_record record = {.kind = MCPZ_RECORD_DOCUMENT, .document = {.id = *id}};

    if (is_last_known(holdings, id)) {
        return;
    }
    mcpz_error error = get(holdings, &record);
    if (error != MCPZ_OK && error != MCPZ_ENOTFOUND) {
        holdings->is_off = true;
        note_absent(holdings, id);
    }
}

static void keep_epoch(struct mcpz_holdings *holdings, uint64_t floor)
{
    const struct mcpz_record record = {
        .kind = MCPZ_RECORD_CHANGES,
        .changes = {.epoch = holdings->epoch, .floor = floor},
    };

    holdings->below->put(holdings->below->context, &record);
    holdings->is_kept = true;
}

/* Take out of the roots what `last` is of. */
static void take_out(struct mcpz_holdings *holdings)
{
    if (holdings->last.is_there) {
        mcpz_partition_root_remove(&holdings->root, &holdings->last.digest);
        mcpz_shared_remove(&holdings->shared, &holdings->last.id, &holdings->last.digest);
    }
}

/* And out of the changes. */
static void remove_change(struct mcpz_holdings *holdings)
{
    const struct mcpz_record change = {
        .kind = MCPZ_RECORD_CHANGE,
        .change = {.seq = holdings->last.change},
    };

    if (holdings->last.is_there) {
        holdings->below->remove(holdings->below->context, &change);
    }
}

/* `last`, if it is of a blob, is there from now on, or not any more. */
static void list_blob(struct mcpz_holdings *holdings, bool is_there)
{
    const struct mcpz_store *below = holdings->below;
    const struct mcpz_record listed = {.kind = MCPZ_RECORD_BLOB_DOCUMENT,
                                       .blob_document = {.document = holdings->last.id}};

    if (holdings->last.is_there == is_there || !mcpz_id_is_of_blob(&holdings->last.id)) {
        return;
    }
    if (is_there) {
        below->put(below->context, &listed);
        holdings->blob_count++;
    } else {
        below->remove(below->context, &listed);
        holdings->blob_count--;
    }
}

/* The document that `last` is of changes: to the end of the changes with it. */
static void move_to_end(struct mcpz_holdings *holdings)
{
    const bool is_last = holdings->last.is_there && holdings->last.change == holdings->seq;

    if (is_last && holdings->seq > holdings->told_seq) {
        return; /* it is there, and nobody has seen it there as it was */
    }
    remove_change(holdings);
    const struct mcpz_record change = {
        .kind = MCPZ_RECORD_CHANGE,
        .change = {.seq = ++holdings->seq, .document = holdings->last.id},
    };
    holdings->below->put(holdings->below->context, &change);
}

static void add_to_roots(struct mcpz_holdings *holdings, const struct mcpz_id *document,
                         const struct mcpz_id *digest)
{
    mcpz_partition_root_add(&holdings->root, digest);
    mcpz_shared_add(&holdings->shared, document, digest);
}

static void put_document(struct mcpz_holdings *holdings,
                         const struct mcpz_record_document *document)
{
    struct mcpz_record record = {.kind = MCPZ_RECORD_DOCUMENT, .document = *document};

    holdings->writes++;
    find_out(holdings, &document->id);
    list_blob(holdings, true);
    take_out(holdings);
    move_to_end(holdings);
    record.document.change = holdings->seq;
    holdings->below->put(holdings->below->context, &record);
    if (!holdings->is_kept) {
        keep_epoch(holdings, holdings->seq);
    }
    note(holdings, &record.document);
    add_to_roots(holdings, &document->id, &holdings->last.digest);
}

static void put(void *context, const struct mcpz_record *record)
{
    struct mcpz_holdings *holdings = context;

    if (record->kind == MCPZ_RECORD_DOCUMENT) {
        put_document(holdings, &record->document);
    } else {
        holdings->below->put(holdings->below->context, record);
    }
}

static void discard(void *context, const struct mcpz_record *record)
{
    struct mcpz_holdings *holdings = context;

    if (record->kind == MCPZ_RECORD_DOCUMENT) {
        holdings->writes++;
        find_out(holdings, &record->document.id);
        list_blob(holdings, false);
        take_out(holdings);
        remove_change(holdings);
        note_absent(holdings, &record->document.id);
        keep_epoch(holdings, holdings->seq); /* its number is not given out again */
    }
    holdings->below->remove(holdings->below->context, record);
}

/* ---- Counting ----------------------------------------------------------------------------- */

size_t mcpz_holdings_bytes(void)
{
    return mcpz_shared_bytes();
}

void mcpz_holdings_init(struct mcpz_holdings *holdings, const struct mcpz_store *below,
                        uint64_t epoch, struct mcpz_arena *arena)
{
    mcpz_clear(holdings, sizeof(*holdings));
    holdings->below = below;
    holdings->epoch = epoch;
    mcpz_shared_init(&holdings->shared, arena);
    holdings->store = (struct mcpz_store){
        .context = holdings,
        .get = get,
        .put = put,
        .remove = discard,
        .next = next,
        .delta_id = delta_id,
    };
}

mcpz_error mcpz_holdings_begin(struct mcpz_holdings *holdings)
{
    struct mcpz_record record = {.kind = MCPZ_RECORD_CHANGES};

    holdings->root = (struct mcpz_partition_root){.count = 0};
    mcpz_shared_clear(&holdings->shared);
    holdings->blob_count = 0;
    holdings->counted_seq = 0;
    holdings->is_kept = false;
    holdings->is_off = false;
    holdings->last.is_known = false;
    holdings->writes++;
    mcpz_error error = holdings->below->get(holdings->below->context, &record);
    if (error == MCPZ_OK) {
        holdings->epoch = record.changes.epoch;
        holdings->counted_seq = record.changes.floor;
        holdings->is_kept = true;
    } else if (error != MCPZ_ENOTFOUND) {
        holdings->is_off = true;
        return error;
    }
    return MCPZ_OK;
}

void mcpz_holdings_count(struct mcpz_holdings *holdings,
                         const struct mcpz_record_document *document)
{
    const struct mcpz_id digest = digest_of(document);

    add_to_roots(holdings, &document->id, &digest);
    holdings->blob_count += mcpz_id_is_of_blob(&document->id) ? 1 : 0;
    if (document->change > holdings->counted_seq) {
        holdings->counted_seq = document->change;
    }
}

void mcpz_holdings_end(struct mcpz_holdings *holdings)
{
    if (holdings->seq > holdings->counted_seq) {
        holdings->is_kept = false; /* with the next document */
    } else {
        holdings->seq = holdings->counted_seq;
    }
    holdings->told_seq = holdings->seq;
}

uint64_t mcpz_holdings_tell(struct mcpz_holdings *holdings)
{
    holdings->told_seq = holdings->seq;
    return holdings->seq;
}

uint64_t mcpz_holdings_epoch(const struct mcpz_holdings *holdings, uint32_t generation)
{
    return mcpz_hash_mix(holdings->epoch ^ mcpz_hash_mix(generation)) | 1;
}
