#include "engine/persist.h"

#include <assert.h>

#include "crypto/digest.h"
#include "store/schema.h"
#include "wire/records.h"

static_assert(MCPZ_ACTORS_MAX * sizeof(struct mcpz_version) +
                      MCPZ_DELTA_ADDS_MAX * sizeof(struct mcpz_add) +
                      MCPZ_DELTA_REMOVES_MAX * sizeof(struct mcpz_remove) + 64 <=
                  MCPZ_READ_BYTES_MAX,
              "the lists of any delta fit");
static_assert(MCPZ_ACTORS_MAX * (sizeof(struct mcpz_version) + sizeof(struct mcpz_cut)) + 64 <=
                  MCPZ_READ_BYTES_MAX,
              "and those of any document");

/* The arena is used as a ring: what was read long ago makes room. */
static struct mcpz_arena *read_arena(struct mcpz_scratch *scratch)
{
    if (scratch->read_arena.size - scratch->read_arena.used < MCPZ_READ_BYTES_MAX) {
        mcpz_arena_clear(&scratch->read_arena);
    }
    return &scratch->read_arena;
}

static mcpz_error decode(struct mcpz_persist *persist, struct mcpz_bytes value,
                         struct mcpz_record *record)
{
    mcpz_error error = mcpz_record_decode(value, read_arena(persist->scratch), record);
    return error == MCPZ_EFULL ? MCPZ_ECORRUPT : error;
}

/* Where a record lies. */
static void place_of(struct mcpz_persist *persist, const struct mcpz_record *record,
                     struct mcpz_key *place)
{
    if (persist->rest != NULL) {
        mcpz_at_rest_place(persist->rest, record, place);
    } else {
        mcpz_schema_key(record, place);
    }
}

static struct mcpz_bytes slice(const struct mcpz_key *key)
{
    return mcpz_bytes(key->bytes, key->length);
}

/* What lies at `place`, as it was before it was sealed. */
static mcpz_error open_value(struct mcpz_persist *persist, struct mcpz_bytes place,
                             struct mcpz_bytes value, struct mcpz_at_rest_opened *opened)
{
    if (persist->rest != NULL) {
        return mcpz_at_rest_open(persist->rest, place, value, opened);
    }
    *opened = (struct mcpz_at_rest_opened){.key = place, .value = value};
    return MCPZ_OK;
}

static mcpz_error get(void *context, struct mcpz_record *record)
{
    struct mcpz_persist *persist = context;
    struct mcpz_at_rest_opened opened;
    struct mcpz_key place;
    struct mcpz_bytes value;

    place_of(persist, record, &place);
    mcpz_error error = persist->kv.get(persist->kv.context, slice(&place), &value);
    if (error == MCPZ_OK) {
        error = open_value(persist, slice(&place), value, &opened);
    }
    return error != MCPZ_OK ? error : decode(persist, opened.value, record);
}

static void put(void *context, const struct mcpz_record *record)
{
    struct mcpz_persist *persist = context;
    struct mcpz_scratch *scratch = persist->scratch;
    struct mcpz_key place;
    size_t length;

    place_of(persist, record, &place);
    mcpz_error error =
        mcpz_record_encode(record, scratch->encoded, sizeof(scratch->encoded), &length);
    assert(error == MCPZ_OK); /* MCPZ_STORED_BYTES_MAX holds any record */
    struct mcpz_bytes value = mcpz_bytes(scratch->encoded, length);
    if (persist->rest != NULL) {
        mcpz_at_rest_on_put(persist->rest, record, value);
        value = mcpz_at_rest_seal(persist->rest, &persist->kv, record, &place, value);
    }
    persist->kv.put(persist->kv.context, slice(&place), value);
    if (persist->watch != NULL) {
        persist->watch(persist->watch_context, record);
    }
}

/* What lies at `place` is about to go. It is looked up for that, which takes its time. */
static void weigh(struct mcpz_persist *persist, const struct mcpz_record *record,
                  struct mcpz_bytes place)
{
    struct mcpz_bytes value;

    if (persist->removed != NULL &&
        persist->kv.get(persist->kv.context, place, &value) == MCPZ_OK) {
        persist->removed->deltas += record->kind == MCPZ_RECORD_DELTA;
        persist->removed->bytes += place.length + value.length;
    }
}

static void discard(void *context, const struct mcpz_record *record)
{
    struct mcpz_persist *persist = context;
    struct mcpz_key place;

    place_of(persist, record, &place);
    if (persist->rest != NULL) {
        mcpz_at_rest_on_remove(persist->rest, record);
    }
    weigh(persist, record, slice(&place));
    persist->kv.remove(persist->kv.context, slice(&place));
}

/* Take in what was found: key and value. */
static mcpz_error take_in(struct mcpz_persist *persist, const struct mcpz_at_rest_opened *opened,
                          struct mcpz_record *record)
{
    mcpz_error error = mcpz_schema_parse(opened->key, record);
    return error != MCPZ_OK ? error : decode(persist, opened->value, record);
}

/* The next entry of a document in the order of paths, where the disk has another. */
static mcpz_error next_entry(struct mcpz_persist *persist, bool inclusive,
                             struct mcpz_record *record)
{
    struct mcpz_at_rest_opened opened;
    struct mcpz_key key;

    mcpz_schema_key(record, &key);
    mcpz_error error = mcpz_at_rest_next_entry(
        persist->rest, &persist->kv, &record->entry.document,
        mcpz_bytes(key.bytes + MCPZ_AT_REST_HEAD_BYTES, key.length - MCPZ_AT_REST_HEAD_BYTES),
        inclusive, &opened);
    return error != MCPZ_OK ? error : take_in(persist, &opened, record);
}

static void prefix_of(struct mcpz_persist *persist, const struct mcpz_record *record,
                      enum mcpz_scan scan, struct mcpz_key *prefix)
{
    if (persist->rest != NULL) {
        mcpz_at_rest_prefix(persist->rest, record, scan, prefix);
    } else {
        mcpz_schema_prefix(record, scan, prefix);
    }
}

static mcpz_error next(void *context, enum mcpz_scan scan, bool inclusive,
                       struct mcpz_record *record)
{
    struct mcpz_persist *persist = context;
    struct mcpz_at_rest_opened opened;
    struct mcpz_key from;
    struct mcpz_key prefix;
    struct mcpz_bytes value;
    mcpz_error error;

    if (persist->rest != NULL && record->kind == MCPZ_RECORD_ENTRY && scan == MCPZ_SCAN_DOCUMENT) {
        return next_entry(persist, inclusive, record);
    }
    place_of(persist, record, &from);
    prefix_of(persist, record, scan, &prefix);
    struct mcpz_bytes at = slice(&from);
    do {
        error = persist->kv.next(persist->kv.context, at, inclusive, &at, &value);
        if (error != MCPZ_OK) {
            return error;
        }
        if (at.length < prefix.length || memcmp(at.data, prefix.bytes, prefix.length) != 0) {
            return MCPZ_ENOTFOUND;
        }
        inclusive = false;
        error = open_value(persist, at, value, &opened);
    } while (error == MCPZ_ENOTFOUND); /* its key was shredded */
    return error != MCPZ_OK ? error : take_in(persist, &opened, record);
}

/* Is it the one that is just coming in? Who is not signed yet has no proof. */
static bool is_verified(const struct mcpz_persist *persist, const struct mcpz_delta_proof *proof)
{
    static const struct mcpz_batch_name none;
    const struct mcpz_delta_proof *verified = &persist->verified;

    return proof->index == verified->index && proof->first == verified->first &&
           mcpz_batch_name_equal(&proof->batch, &verified->batch) &&
           !mcpz_batch_name_equal(&proof->batch, &none);
}

static void delta_id(void *context, const struct mcpz_delta *delta, struct mcpz_id *id)
{
    struct mcpz_persist *persist = context;
    struct mcpz_scratch *scratch = persist->scratch;

    if (is_verified(persist, &delta->proof)) {
        *id = persist->verified_id;
        return;
    }
    size_t length = mcpz_delta_encode(delta, scratch->encoded, sizeof(scratch->encoded));
    static_assert(MCPZ_DIGEST_BYTES == MCPZ_ID_BYTES, "a digest is an id");
    mcpz_digest(MCPZ_DIGEST_DELTA, mcpz_bytes(scratch->encoded, length), id->bytes);
}

void mcpz_persist_init(struct mcpz_persist *persist, const struct mcpz_kv *kv,
                       struct mcpz_scratch *scratch, struct mcpz_store *store)
{
    *persist = (struct mcpz_persist){.kv = *kv, .scratch = scratch};
    *store = (struct mcpz_store){
        .context = persist,
        .get = get,
        .put = put,
        .remove = discard,
        .next = next,
        .delta_id = delta_id,
    };
}

void mcpz_persist_seal(struct mcpz_persist *persist, struct mcpz_at_rest *rest)
{
    persist->rest = rest;
}

uint64_t mcpz_persist_commit(struct mcpz_persist *persist)
{
    const uint64_t batch = persist->kv.commit(persist->kv.context);

    if (persist->rest != NULL) {
        mcpz_at_rest_end_turn(persist->rest);
    }
    return batch;
}
