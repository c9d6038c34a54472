#include <stdlib.h>

#include "base/rng.h"
#include "crypto/identity.h"
#include "engine/at_rest.h"
#include "engine/engine.h"
#include "engine/persist.h"
#include "store/mem.h"
#include "test.h"
#include "wire/value.h"

#define KEYS_MAX 16

/* A ring in memory: who has a key, and which keys were shredded. */
static struct {
    struct mcpz_tenant_key *keys[KEYS_MAX];
    size_t count;
    bool is_shredded[KEYS_MAX];
    bool is_full;
} ring;

static mcpz_error lend(void *context, struct mcpz_bytes tenant, struct mcpz_tenant_key **key)
{
    (void)context;
    *key = NULL;
    for (size_t i = 0; i < ring.count; i++) {
        if (!ring.is_shredded[i] &&
            mcpz_bytes_equal(mcpz_tenant_key_tenant(ring.keys[i]), tenant)) {
            return mcpz_tenant_key_copy(ring.keys[i], key);
        }
    }
    if (ring.is_full) {
        return MCPZ_EFULL;
    }
    CHECK(ring.count < KEYS_MAX);
    CHECK_UINT(mcpz_tenant_key_create(MCPZ_KEY_OF_RECORDS, tenant, &ring.keys[ring.count]),
               MCPZ_OK);
    return mcpz_tenant_key_copy(ring.keys[ring.count++], key);
}

static mcpz_error lend_by_id(void *context, const uint8_t *id, struct mcpz_tenant_key **key)
{
    uint8_t own[MCPZ_TENANT_KEY_ID_BYTES];

    (void)context;
    for (size_t i = 0; i < ring.count; i++) {
        mcpz_tenant_key_id(ring.keys[i], own);
        if (memcmp(own, id, sizeof(own)) == 0) {
            return ring.is_shredded[i] ? MCPZ_EEXPIRED : mcpz_tenant_key_copy(ring.keys[i], key);
        }
    }
    return MCPZ_ENOTFOUND;
}

static const struct mcpz_vault_port port = {.lend = lend, .lend_by_id = lend_by_id};

/* A store; sealed, if it has a `rest`. */
struct side {
    struct mcpz_mem *mem;
    struct mcpz_kv kv;
    struct mcpz_at_rest *rest;
    struct mcpz_persist persist;
    struct mcpz_store store;
};

static struct mcpz_scratch *scratch;
static struct side plain;
static struct side sealed;

static void open_side(struct side *side, bool is_sealed)
{
    CHECK_UINT(mcpz_mem_create(&side->mem, &side->kv), MCPZ_OK);
    side->rest = NULL;
    if (is_sealed) {
        CHECK_UINT(mcpz_at_rest_create(&port, &side->rest), MCPZ_OK);
    }
    mcpz_persist_init(&side->persist, &side->kv, scratch, &side->store);
    mcpz_persist_seal(&side->persist, side->rest);
}

static void close_side(struct side *side)
{
    mcpz_at_rest_destroy(side->rest);
    mcpz_mem_destroy(side->mem);
}

static int set_up(void **state)
{
    (void)state;
    CHECK_UINT(mcpz_crypto_init(), MCPZ_OK);
    CHECK_UINT(mcpz_scratch_create(&scratch), MCPZ_OK);
    memset(&ring, 0, sizeof(ring));
    open_side(&plain, false);
    open_side(&sealed, true);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    close_side(&plain);
    close_side(&sealed);
    for (size_t i = 0; i < ring.count; i++) {
        mcpz_tenant_key_destroy(ring.keys[i]);
    }
    mcpz_scratch_destroy(scratch);
    return 0;
}

static void end_turn(struct side *side)
{
    const uint64_t batch = mcpz_persist_commit(&side->persist);

    if (batch != 0) {
        mcpz_mem_sync(side->mem, batch);
    }
    (void)side->kv.progress(side->kv.context);
}

static void put(const struct mcpz_record *record)
{
    plain.store.put(plain.store.context, record);
    sealed.store.put(sealed.store.context, record);
}

static void discard(const struct mcpz_record *record)
{
    plain.store.remove(plain.store.context, record);
    sealed.store.remove(sealed.store.context, record);
}

/* ---- Entries -------------------------------------------------------------------------------- */

static uint8_t path_bytes[4][MCPZ_PATH_BYTES_MAX];
static size_t path_turn;

/* A path of `depth` elements, drawn from few. Lasts for three more. */
static struct mcpz_bytes path_of(struct mcpz_rng *rng, uint32_t depth)
{
    static const char *const names[] = {"a", "b", "mark-name", "mark-name-that-is-longer", "zz"};
    struct mcpz_value_writer writer =
        mcpz_value_writer(path_bytes[path_turn++ % 4], MCPZ_PATH_BYTES_MAX);

    mcpz_value_array(&writer, depth);
    for (uint32_t i = 0; i < depth; i++) {
        mcpz_value_text(&writer, mcpz_text(names[mcpz_rng_below(rng, 5)]));
    }
    return mcpz_bytes(writer.buffer, writer.length);
}

static struct mcpz_id document_of(uint64_t number)
{
    return (struct mcpz_id){.bytes = {(uint8_t)number, 7}};
}

static struct mcpz_record entry_of(struct mcpz_rng *rng)
{
    static const uint8_t value[] = "\xa5"
                                   "mark!";
    struct mcpz_record record = {
        .kind = MCPZ_RECORD_ENTRY,
        .entry = {.document = document_of(mcpz_rng_below(rng, 3)),
                  .path = path_of(rng, 1 + (uint32_t)mcpz_rng_below(rng, 3)),
                  .type = 1 + (uint32_t)mcpz_rng_below(rng, 3),
                  .dot = {.actor = {.node = {.bytes = {(uint8_t)mcpz_rng_below(rng, 3)}},
                                    .generation = (uint32_t)mcpz_rng_below(rng, 2)},
                          .seq = 1 + mcpz_rng_below(rng, 40),
                          .index = (uint32_t)mcpz_rng_below(rng, 3)},
                  .hlc = mcpz_rng_next(rng) >> 1,
                  .value = mcpz_bytes(value, sizeof(value) - 1)}};
    return record;
}

static void check_same_entry(const struct mcpz_record *a, const struct mcpz_record *b)
{
    CHECK(mcpz_id_equal(&a->entry.document, &b->entry.document));
    CHECK(mcpz_bytes_equal(a->entry.path, b->entry.path));
    CHECK_UINT(a->entry.type, b->entry.type);
    CHECK(mcpz_actor_compare(&a->entry.dot.actor, &b->entry.dot.actor) == 0);
    CHECK_UINT(a->entry.dot.seq, b->entry.dot.seq);
    CHECK_UINT(a->entry.dot.index, b->entry.dot.index);
    CHECK_UINT(a->entry.hlc, b->entry.hlc);
    CHECK(mcpz_bytes_equal(a->entry.value, b->entry.value));
}

/* Walk both from `from` on: they meet the same. How many that were. */
static size_t check_same_walk(enum mcpz_scan scan, const struct mcpz_record *from)
{
    struct mcpz_record a = *from;
    struct mcpz_record b = *from;
    bool inclusive = true;

    for (size_t count = 0;; count++) {
        mcpz_error first = plain.store.next(plain.store.context, scan, inclusive, &a);
        mcpz_error second = sealed.store.next(sealed.store.context, scan, inclusive, &b);
        CHECK_UINT(first, second);
        if (first != MCPZ_OK) {
            CHECK_UINT(first, MCPZ_ENOTFOUND);
            return count;
        }
        check_same_entry(&a, &b);
        inclusive = false;
    }
}

TEST(sealed_and_plain_stores_tell_the_same)
{
    struct mcpz_rng rng;
    size_t met = 0;

    mcpz_rng_init(&rng, 11);
    for (size_t round = 0; round < 300; round++) {
        struct mcpz_record record = entry_of(&rng);
        switch (mcpz_rng_below(&rng, 8)) {
        case 0:
            end_turn(&plain);
            end_turn(&sealed);
            break;
        case 1:
            record.entry.path = mcpz_bytes(NULL, 0);
            record.entry.type = 0;
            record.entry.dot = (struct mcpz_dot){.seq = 0};
            met += check_same_walk(MCPZ_SCAN_DOCUMENT, &record);
            break;
        case 2:
            record.entry.dot = (struct mcpz_dot){.seq = 0};
            met += check_same_walk(MCPZ_SCAN_PATH, &record);
            met += check_same_walk(MCPZ_SCAN_DOCUMENT, &record); /* from the middle */
            break;
        case 3:
            discard(&record);
            break;
        default:
            put(&record);
            break;
        }
    }
    CHECK(met > 1000);
}

/* As deleting an agent does: what has been met is removed while the walk goes on. */
TEST(a_walk_goes_on_while_what_it_met_is_removed)
{
    struct mcpz_rng rng;
    struct mcpz_record at = {.kind = MCPZ_RECORD_ENTRY, .entry = {.document = document_of(1)}};
    size_t count = 0;

    mcpz_rng_init(&rng, 12);
    for (size_t i = 0; i < 500; i++) {
        struct mcpz_record record = entry_of(&rng);
        record.entry.document = document_of(1);
        record.entry.dot.seq = i + 1;
        put(&record);
    }
    while (sealed.store.next(sealed.store.context, MCPZ_SCAN_DOCUMENT, false, &at) == MCPZ_OK) {
        discard(&at);
        count++;
    }
    CHECK_UINT(count, 500);
    at = (struct mcpz_record){.kind = MCPZ_RECORD_ENTRY, .entry = {.document = document_of(1)}};
    CHECK_UINT(check_same_walk(MCPZ_SCAN_DOCUMENT, &at), 0);
}

/* Merging may bring about more than may be written: the window is filled several times. */
TEST(a_document_that_is_too_large_is_walked_in_order)
{
    struct mcpz_rng rng;
    struct mcpz_record from = {.kind = MCPZ_RECORD_ENTRY, .entry = {.document = document_of(1)}};

    mcpz_rng_init(&rng, 13);
    for (size_t i = 0; i < 2 * MCPZ_WINDOW_ROWS + 10; i++) {
        struct mcpz_record record = entry_of(&rng);
        record.entry.document = document_of(1);
        record.entry.dot.seq = i + 1;
        put(&record);
    }
    CHECK_UINT(check_same_walk(MCPZ_SCAN_DOCUMENT, &from), 2 * MCPZ_WINDOW_ROWS + 10);
}

/* ---- Other records -------------------------------------------------------------------------- */

static struct mcpz_record run_of(const char *tenant, const char *capability, const char *key,
                                 const char *result)
{
    return (struct mcpz_record){.kind = MCPZ_RECORD_RUN,
                                .run = {.tenant = mcpz_text(tenant),
                                        .capability = mcpz_text(capability),
                                        .key = mcpz_text(key),
                                        .done = true,
                                        .result = mcpz_text(result)}};
}

TEST(records_with_names_in_their_keys_are_found_and_walked)
{
    struct mcpz_record record = run_of("mark-acme", "mark.work", "mark-1", "mark-result");
    size_t count = 0;

    put(&record);
    record = run_of("mark-acme", "mark.work", "mark-2", "other");
    put(&record);
    record = run_of("", "mark.work", "mark-1", "third");
    put(&record);

    record = run_of("mark-acme", "mark.work", "mark-1", "");
    CHECK_UINT(sealed.store.get(sealed.store.context, &record), MCPZ_OK);
    CHECK(mcpz_bytes_equal(record.run.result, mcpz_text("mark-result")));
    record = run_of("mark-acme", "mark.work", "mark-3", "");
    CHECK_UINT(sealed.store.get(sealed.store.context, &record), MCPZ_ENOTFOUND);

    record = run_of("", "", "", "");
    while (sealed.store.next(sealed.store.context, MCPZ_SCAN_KIND, false, &record) == MCPZ_OK) {
        CHECK(mcpz_bytes_equal(record.run.capability, mcpz_text("mark.work")));
        count++;
    }
    CHECK_UINT(count, 3);
    record =
        (struct mcpz_record){.kind = MCPZ_RECORD_QUEUE, .queue = {mcpz_text("mark.queue"), true}};
    put(&record);
    record = (struct mcpz_record){.kind = MCPZ_RECORD_QUEUE, .queue = {mcpz_text(""), false}};
    CHECK_UINT(sealed.store.next(sealed.store.context, MCPZ_SCAN_KIND, true, &record), MCPZ_OK);
    CHECK(mcpz_bytes_equal(record.queue.capability, mcpz_text("mark.queue")));
    CHECK(record.queue.paused);
}

static struct mcpz_record task_of(uint8_t number, const char *tenant)
{
    return (struct mcpz_record){.kind = MCPZ_RECORD_TASK,
                                .task = {.id = {.bytes = {number}},
                                         .body = {.capability = mcpz_text("mark.work"),
                                                  .params = mcpz_text("{\"mark\":1}"),
                                                  .input = mcpz_text("mark-input"),
                                                  .tenant = mcpz_text(tenant),
                                                  .attempts_max = 1,
                                                  .backoff_ms = 1,
                                                  .timeout_ms = 1}}};
}

static void put_task(uint8_t number, const char *tenant)
{
    struct mcpz_record record = task_of(number, tenant);

    put(&record);
    record = (struct mcpz_record){
        .kind = MCPZ_RECORD_TASK_RESULT,
        .task_result = {.id = {.bytes = {number}}, .bytes = mcpz_text("mark-result")}};
    put(&record);
    record = (struct mcpz_record){.kind = MCPZ_RECORD_TASK_KEY,
                                  .task_key = {.tenant = mcpz_text(tenant),
                                               .key = mcpz_text("mark-key"),
                                               .id = {.bytes = {number}}}};
    put(&record);
}

static void put_some_of_each(void)
{
    struct mcpz_rng rng;

    mcpz_rng_init(&rng, 14);
    struct mcpz_record record = {.kind = MCPZ_RECORD_DOCUMENT,
                                 .document = {.id = document_of(1),
                                              .name = mcpz_text("mark-agent"),
                                              .tenant = mcpz_text("mark-owner")}};
    put(&record);
    for (size_t i = 0; i < 50; i++) {
        record = entry_of(&rng);
        put(&record);
    }
    const struct mcpz_bytes path = path_of(&rng, 2);
    const struct mcpz_add add = {.type = 1, .path = path, .value = mcpz_bytes("\xa4mark", 5)};
    record = (struct mcpz_record){
        .kind = MCPZ_RECORD_DELTA,
        .delta = {.delta = {.document = document_of(1), .seq = 1, .adds = &add, .add_count = 1}}};
    put(&record);
    record = (struct mcpz_record){
        .kind = MCPZ_RECORD_PEER,
        .peer = {.id = document_of(9), .address = mcpz_text("mark:1"), .name = mcpz_text("mark")}};
    put(&record);
    put_task(1, "mark-acme");
    put_task(2, "");
    record = run_of("mark-acme", "mark.work", "mark-1", "mark-result");
    put(&record);
}

/* How often `text` stands in keys and values of the byte store. */
static size_t marks_in(const struct mcpz_kv *kv, const char *text)
{
    struct mcpz_bytes key = mcpz_bytes(NULL, 0);
    struct mcpz_bytes value;
    size_t count = 0;
    bool inclusive = true;

    while (kv->next(kv->context, key, inclusive, &key, &value) == MCPZ_OK) {
        inclusive = false;
        count += memmem(key.data, key.length, text, strlen(text)) != NULL ? 1 : 0;
        count += memmem(value.data, value.length, text, strlen(text)) != NULL ? 1 : 0;
    }
    return count;
}

TEST(nothing_that_was_written_can_be_read_in_the_byte_store)
{
    put_some_of_each();
    CHECK(marks_in(&plain.kv, "mark") > 60);
    CHECK_UINT(marks_in(&sealed.kv, "mark"), 0);
    end_turn(&sealed);
    CHECK_UINT(marks_in(&sealed.kv, "mark"), 0);
}

/* ---- Keys ----------------------------------------------------------------------------------- */

static void shred(const char *tenant)
{
    for (size_t i = 0; i < ring.count; i++) {
        if (mcpz_bytes_equal(mcpz_tenant_key_tenant(ring.keys[i]), mcpz_text(tenant))) {
            ring.is_shredded[i] = true;
        }
    }
    mcpz_vault_forget(&sealed.rest->vault, mcpz_text(tenant), UINT64_MAX);
}

TEST(what_a_shredded_key_sealed_is_gone_and_nothing_else)
{
    struct mcpz_record record;

    put_some_of_each();
    shred("mark-acme");
    record = task_of(1, "");
    CHECK_UINT(sealed.store.get(sealed.store.context, &record), MCPZ_ENOTFOUND);
    record = (struct mcpz_record){.kind = MCPZ_RECORD_TASK_RESULT,
                                  .task_result = {.id = {.bytes = {1}}}};
    CHECK_UINT(sealed.store.get(sealed.store.context, &record), MCPZ_ENOTFOUND);
    record = run_of("", "", "", "");
    CHECK_UINT(sealed.store.next(sealed.store.context, MCPZ_SCAN_KIND, false, &record),
               MCPZ_ENOTFOUND);
    record = (struct mcpz_record){.kind = MCPZ_RECORD_TASK};
    CHECK_UINT(sealed.store.next(sealed.store.context, MCPZ_SCAN_KIND, false, &record), MCPZ_OK);
    CHECK_UINT(record.task.id.bytes[0], 2); /* walks pass over what is gone */
    record = (struct mcpz_record){.kind = MCPZ_RECORD_TASK_RESULT,
                                  .task_result = {.id = {.bytes = {2}}}};
    CHECK_UINT(sealed.store.get(sealed.store.context, &record), MCPZ_OK);
    put_task(3, "mark-acme"); /* with a new one */
    record = task_of(3, "");
    CHECK_UINT(sealed.store.get(sealed.store.context, &record), MCPZ_OK);
}

TEST(entries_of_a_shredded_key_are_passed_over)
{
    struct mcpz_record from = {.kind = MCPZ_RECORD_ENTRY, .entry = {.document = document_of(1)}};

    put_some_of_each();
    CHECK(check_same_walk(MCPZ_SCAN_DOCUMENT, &from) > 0);
    end_turn(&sealed);
    shred("mark-owner");
    CHECK_UINT(sealed.store.next(sealed.store.context, MCPZ_SCAN_DOCUMENT, true, &from),
               MCPZ_ENOTFOUND);
    from = (struct mcpz_record){.kind = MCPZ_RECORD_ENTRY, .entry = {.document = document_of(2)}};
    CHECK(check_same_walk(MCPZ_SCAN_DOCUMENT, &from) > 0); /* another's */
}

static size_t rows_of(const struct mcpz_kv *kv)
{
    return marks_in(kv, ""); /* each has a key and a value */
}

/* The vault's own of a tenant. */
static struct mcpz_tenant_key *key_of(const char *tenant)
{
    for (size_t i = 0; i < sealed.rest->vault.count; i++) {
        struct mcpz_tenant_key *key = sealed.rest->vault.keys[i];
        if (mcpz_bytes_equal(mcpz_tenant_key_tenant(key), mcpz_text(tenant))) {
            return key;
        }
    }
    CHECK(false);
    return NULL;
}

TEST(what_a_tenant_has_is_cleared_away_when_its_key_goes)
{
    struct mcpz_record listed = {.kind = MCPZ_RECORD_TASK_LISTED,
                                 .task_listed = {.list = MCPZ_TASK_LIST_READY}};

    put_some_of_each();
    const size_t before = rows_of(&sealed.kv);
    put_task(5, "mark-bolt");
    listed.task_listed.id.bytes[0] = 5;
    put(&listed);
    listed.task_listed.id.bytes[0] = 2;
    put(&listed);
    const struct mcpz_at_rest_end end = {.tenant = mcpz_text("mark-bolt"), .at_ms = 100};
    mcpz_tenant_key_set_made_ms(key_of("mark-bolt"), 100);
    CHECK_UINT(mcpz_at_rest_purge(sealed.rest, &sealed.kv, &end), 4);
    CHECK_UINT(rows_of(&sealed.kv), before + 2); /* one that is listed is another's */
    CHECK_UINT(mcpz_at_rest_purge(sealed.rest, &sealed.kv, &end), 0);
    put_task(6, "mark-bolt"); /* with the same key, but it is younger by now */
    mcpz_tenant_key_set_made_ms(key_of("mark-bolt"), 101);
    CHECK_UINT(mcpz_at_rest_purge(sealed.rest, &sealed.kv, &end), 0);
    shred("mark-bolt"); /* and what was shredded before goes with any */
    CHECK_UINT(mcpz_at_rest_purge(sealed.rest, &sealed.kv, &end), 3);
}

TEST(a_tenant_for_which_there_is_no_room_shares_the_nodes_own_key)
{
    struct mcpz_record record;

    ring.is_full = true;
    put_task(1, "mark-acme");
    ring.is_full = false;
    record = task_of(1, "");
    CHECK_UINT(sealed.store.get(sealed.store.context, &record), MCPZ_OK);
    CHECK_UINT(marks_in(&sealed.kv, "mark"), 0);
    CHECK_UINT(ring.count, 1);
}

/* Whatever lies at `key` is replaced by what lies at another, or changed in a bit. */
TEST(what_was_changed_or_moved_on_the_disk_is_noticed)
{
    struct mcpz_record record = task_of(1, "");
    const struct mcpz_kv *kv = &sealed.kv;
    struct mcpz_key key;
    struct mcpz_key other;
    struct mcpz_bytes value;
    static uint8_t copy[MCPZ_SEALED_BYTES_MAX];

    put_task(1, "");
    put_task(2, "");
    mcpz_schema_key(&record, &key);
    CHECK_UINT(kv->get(kv->context, mcpz_bytes(key.bytes, key.length), &value), MCPZ_OK);
    const size_t length = value.length;
    memcpy(copy, value.data, length);
    for (size_t at = 0; at < length; at += 3) {
        copy[at] ^= 4;
        kv->put(kv->context, mcpz_bytes(key.bytes, key.length), mcpz_bytes(copy, length));
        CHECK_UINT(sealed.store.get(sealed.store.context, &record), MCPZ_ECORRUPT);
        copy[at] ^= 4;
    }
    for (size_t cut = 0; cut < length; cut += 7) {
        kv->put(kv->context, mcpz_bytes(key.bytes, key.length), mcpz_bytes(copy, cut));
        CHECK_UINT(sealed.store.get(sealed.store.context, &record), MCPZ_ECORRUPT);
    }
    record = task_of(2, "");
    mcpz_schema_key(&record, &other);
    kv->put(kv->context, mcpz_bytes(other.bytes, other.length), mcpz_bytes(copy, length));
    CHECK_UINT(sealed.store.get(sealed.store.context, &record), MCPZ_ECORRUPT);
}

TEST(system_documents_are_of_no_tenant)
{
    struct mcpz_record record = {.kind = MCPZ_RECORD_DOCUMENT,
                                 .document = {.id = document_of(1),
                                              .name = mcpz_text("rules"),
                                              .tenant = mcpz_text(MCPZ_TENANT_SYSTEM)}};

    put(&record);
    CHECK_UINT(ring.count, 1);
    record.document = (struct mcpz_record_document){.id = document_of(2)};
    put(&record);
    CHECK_UINT(ring.count, 2);
}

/* The id of the key that the record at the place of `record` is sealed with. */
static uint64_t key_at(const struct mcpz_record *record)
{
    struct mcpz_key place;
    struct mcpz_bytes value;
    uint64_t id = 0;

    mcpz_at_rest_place(sealed.rest, record, &place);
    CHECK_UINT(sealed.kv.get(sealed.kv.context, mcpz_bytes(place.bytes, place.length), &value),
               MCPZ_OK);
    memcpy(&id, value.data, sizeof(id));
    return id;
}

TEST(what_hangs_on_a_document_is_sealed_as_it_is)
{
    struct mcpz_record documents[3];
    struct mcpz_record deltas[3];
    struct mcpz_rng rng;

    mcpz_rng_init(&rng, 3);
    for (size_t i = 0; i < 3; i++) {
        documents[i] =
            (struct mcpz_record){.kind = MCPZ_RECORD_DOCUMENT,
                                 .document = {.id = document_of(i),
                                              .tenant = mcpz_text(i == 0   ? ""
                                                                  : i == 1 ? "mark-acme"
                                                                           : "mark-bolt")}};
        put(&documents[i]);
    }
    memset(sealed.rest->documents, 0, sizeof(sealed.rest->documents)); /* as after a start */
    for (size_t i = 0; i < 3; i++) {
        deltas[i] = (struct mcpz_record){
            .kind = MCPZ_RECORD_DELTA, .delta = {.delta = {.document = document_of(i), .seq = 1}}};
        put(&deltas[i]);
        CHECK_UINT(key_at(&deltas[i]), key_at(&documents[i]));
    }
    for (size_t i = 0; i < 20; i++) {
        const struct mcpz_record entry = entry_of(&rng);
        const struct mcpz_record of = {.kind = MCPZ_RECORD_DOCUMENT,
                                       .document = {.id = entry.entry.document}};
        put(&entry);
        CHECK_UINT(key_at(&entry), key_at(&of));
    }
    CHECK(key_at(&documents[0]) != key_at(&documents[1]));
    CHECK(key_at(&documents[1]) != key_at(&documents[2]));
}

TEST(documents_of_a_tenant_that_ended_are_found_one_by_one)
{
    const struct mcpz_at_rest_end end = {.tenant = mcpz_text("mark-acme"), .at_ms = UINT64_MAX};
    struct mcpz_id document = {{0}};

    for (size_t i = 0; i < 8; i++) {
        const struct mcpz_record record = {
            .kind = MCPZ_RECORD_DOCUMENT,
            .document = {.id = document_of(i),
                         .tenant = mcpz_text(i % 3 == 0 ? "mark-acme" : "mark-bolt")}};
        put(&record);
    }
    for (size_t i = 0; i < 8; i += 3) {
        const struct mcpz_id expected = document_of(i);
        CHECK(mcpz_at_rest_next_ended(sealed.rest, &sealed.kv, &end, i == 0, &document));
        CHECK(mcpz_id_equal(&document, &expected));
    }
    CHECK(!mcpz_at_rest_next_ended(sealed.rest, &sealed.kv, &end, false, &document));
}

/* ---- Memory --------------------------------------------------------------------------------- */

TEST(what_was_opened_lasts_until_as_much_more_was)
{
    struct mcpz_turn_memory memory = {.count = 0};
    uint8_t *first = mcpz_turn_memory_take(&memory, 10);

    CHECK(first != NULL);
    memset(first, 1, 10);
    for (size_t i = 1; i < MCPZ_TURN_MEMORY_BLOCKS_MAX; i++) {
        uint8_t *next = mcpz_turn_memory_take(&memory, MCPZ_TURN_MEMORY_BLOCK_BYTES);
        CHECK(next != NULL);
        memset(next, 2, MCPZ_TURN_MEMORY_BLOCK_BYTES);
    }
    CHECK_UINT(first[9], 1);
    CHECK(mcpz_turn_memory_take(&memory, MCPZ_TURN_MEMORY_BLOCK_BYTES) == first);
    mcpz_turn_memory_clear(&memory);
    CHECK_UINT(memory.count, 1);
    mcpz_turn_memory_finish(&memory);
}

#define RUN_IN(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

TEST_MAIN(RUN_IN(sealed_and_plain_stores_tell_the_same),
          RUN_IN(a_walk_goes_on_while_what_it_met_is_removed),
          RUN_IN(a_document_that_is_too_large_is_walked_in_order),
          RUN_IN(records_with_names_in_their_keys_are_found_and_walked),
          RUN_IN(nothing_that_was_written_can_be_read_in_the_byte_store),
          RUN_IN(what_a_shredded_key_sealed_is_gone_and_nothing_else),
          RUN_IN(entries_of_a_shredded_key_are_passed_over),
          RUN_IN(what_a_tenant_has_is_cleared_away_when_its_key_goes),
          RUN_IN(a_tenant_for_which_there_is_no_room_shares_the_nodes_own_key),
          RUN_IN(what_was_changed_or_moved_on_the_disk_is_noticed),
          RUN_IN(system_documents_are_of_no_tenant),
          RUN_IN(what_hangs_on_a_document_is_sealed_as_it_is),
          RUN_IN(documents_of_a_tenant_that_ended_are_found_one_by_one),
          RUN(what_was_opened_lasts_until_as_much_more_was))
