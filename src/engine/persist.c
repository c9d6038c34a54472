#include "engine/persist.h"

#include <assert.h>

#include "crypto/digest.h"
#include "store/schema.h"
#include "wire/records.h"

static_assert(MCPZ_ACTORS_MAX * sizeof(struct mcpz_version) +
                      MCPZ_DELTA_ADDS_MAX * sizeof(struct mcpz_add) +
                      MCPZ_DELTA_REMOVES_MAX * sizeof(struct mcpz_remove) + 64 <=
                  MCPZ_READ_BYTES_MAX,
              "the lists of any record fit");
static_assert(MCPZ_READS_KEPT >= 2 * MCPZ_ACTORS_MAX, "a merge over all actors fits");

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

static mcpz_error get(void *context, struct mcpz_record *record)
{
    struct mcpz_persist *persist = context;
    struct mcpz_key key;
    struct mcpz_bytes value;

    mcpz_schema_key(record, &key);
    mcpz_error error =
        persist->kv.get(persist->kv.context, mcpz_bytes(key.bytes, key.length), &value);
    return error != MCPZ_OK ? error : decode(persist, value, record);
}

static void put(void *context, const struct mcpz_record *record)
{
    struct mcpz_persist *persist = context;
    struct mcpz_scratch *scratch = persist->scratch;
    struct mcpz_key key;
    size_t length;

    mcpz_schema_key(record, &key);
    mcpz_error error =
        mcpz_record_encode(record, scratch->encoded, sizeof(scratch->encoded), &length);
    assert(error == MCPZ_OK); /* MCPZ_STORED_BYTES_MAX holds any record */
    persist->kv.put(persist->kv.context, mcpz_bytes(key.bytes, key.length),
                    mcpz_bytes(scratch->encoded, length));
    if (persist->watch != NULL) {
        persist->watch(persist->watch_context, record);
    }
}

static void discard(void *context, const struct mcpz_record *record)
{
    struct mcpz_persist *persist = context;
    struct mcpz_key key;

    mcpz_schema_key(record, &key);
    persist->kv.remove(persist->kv.context, mcpz_bytes(key.bytes, key.length));
}

static mcpz_error next(void *context, enum mcpz_scan scan, bool inclusive,
                       struct mcpz_record *record)
{
    struct mcpz_persist *persist = context;
    struct mcpz_key from;
    struct mcpz_key prefix;
    struct mcpz_bytes key;
    struct mcpz_bytes value;

    mcpz_schema_key(record, &from);
    mcpz_schema_prefix(record, scan, &prefix);
    mcpz_error error = persist->kv.next(persist->kv.context, mcpz_bytes(from.bytes, from.length),
                                        inclusive, &key, &value);
    if (error != MCPZ_OK) {
        return error;
    }
    if (key.length < prefix.length || memcmp(key.data, prefix.bytes, prefix.length) != 0) {
        return MCPZ_ENOTFOUND;
    }
    error = mcpz_schema_parse(key, record);
    return error != MCPZ_OK ? error : decode(persist, value, record);
}

static void delta_id(void *context, const struct mcpz_delta *delta, struct mcpz_id *id)
{
    struct mcpz_persist *persist = context;
    struct mcpz_scratch *scratch = persist->scratch;
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
