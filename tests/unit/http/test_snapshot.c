/* Snapshot files: written, read, exported, imported, and every way they can be damaged. */

#include "crypto/identity.h"
#include "fake_agents.h"
#include "http/snapshot.h"
#include "proto/code.h"
#include "wire/codec.h"
#include "wire/records.h"

static const struct mcpz_actor alice = {.node = {.bytes = {'a'}}, .generation = 1};
static const struct mcpz_actor bob = {.node = {.bytes = {'b'}}, .generation = 1};

#define NO_BLOBS                                                                                  \
    "\"blobs\":0,\"blobs_lost\":0,\"lost\":[],\"blobs_put\":0,\"blobs_known\":0,"                 \
    "\"blobs_renamed\":0,\"blob_bytes\":0"

static struct mcpz_snapshot_writer writer;
static struct mcpz_snapshot_reader reader;

/* ---- The file ----------------------------------------------------------------------------- */

static uint8_t message[MCPZ_MSG_BYTES_MAX];

static void add_author(const struct mcpz_id *author)
{
    size_t length = 0;

    CHECK_UINT(mcpz_engine_show_author(NULL, author, message, sizeof(message), &length), MCPZ_OK);
    mcpz_snapshot_add(&writer, mcpz_bytes(message, length));
}

static void add_delta(const struct mcpz_delta *delta)
{
    size_t length = 0;

    CHECK_UINT(mcpz_engine_prove(NULL, delta, message, sizeof(message), &length), MCPZ_OK);
    mcpz_snapshot_add(&writer, mcpz_bytes(message, length));
}

/* Read a message, and, if it is a BATCH, its delta. */
static mcpz_error read_next(struct mcpz_msg *msg, struct mcpz_delta *delta)
{
    static _Alignas(16) uint8_t memory[MCPZ_MSG_ARENA_BYTES + MCPZ_DELTA_ARENA_BYTES];
    struct mcpz_arena arena;
    struct mcpz_bytes bytes;

    mcpz_error error = mcpz_snapshot_next(&reader, &bytes);
    if (error != MCPZ_OK) {
        return error;
    }
    mcpz_arena_init(&arena, memory, sizeof(memory));
    error = mcpz_msg_decode(bytes, &arena, msg);
    if (error == MCPZ_OK && msg->kind == MCPZ_MSG_BATCH) {
        error = mcpz_delta_decode(msg->batch.deltas[0], &arena, delta);
    }
    return error == MCPZ_OK ? MCPZ_OK : MCPZ_ECORRUPT;
}

static void check_author(const struct mcpz_id *author)
{
    struct mcpz_msg msg;
    struct mcpz_delta delta;

    CHECK_UINT(read_next(&msg, &delta), MCPZ_OK);
    CHECK_UINT(msg.kind, MCPZ_MSG_AUTHOR);
    CHECK(mcpz_id_equal(&msg.author.author, author));
}

static void write_file(struct mcpz_body *body, size_t count)
{
    const struct mcpz_id document = {.bytes = {'d'}};

    mcpz_body_init(body, "/tmp");
    mcpz_snapshot_begin(&writer, body);
    add_author(&alice.node);
    for (size_t i = 1; i <= count; i++) {
        const struct mcpz_record record = fake_delta_of(&document, &alice, i, 100 + i);
        add_delta(&record.delta.delta);
    }
    mcpz_snapshot_end(&writer);
    CHECK_UINT(body->error, MCPZ_OK);
}

/* Read all of it: MCPZ_ENOTFOUND if it is sound. */
static mcpz_error read_file(const struct mcpz_body *body, size_t *count)
{
    struct mcpz_msg msg;
    struct mcpz_delta delta;

    *count = 0;
    mcpz_error error = mcpz_snapshot_open(&reader, body, false);
    while (error == MCPZ_OK) {
        error = read_next(&msg, &delta);
        *count += error == MCPZ_OK && msg.kind == MCPZ_MSG_BATCH ? 1 : 0;
    }
    return error;
}

static mcpz_error read_bytes(const uint8_t *bytes, size_t length)
{
    struct mcpz_body body;
    size_t count = 0;

    mcpz_body_init(&body, "/tmp");
    mcpz_body_append(&body, mcpz_bytes(bytes, length));
    mcpz_error error = read_file(&body, &count);
    mcpz_body_finish(&body);
    return error;
}

TEST(a_file_that_passes_by_is_followed_to_its_end)
{
    static uint8_t bytes[65536];
    struct mcpz_snapshot_tap tap;
    struct mcpz_body body;

    CHECK_UINT(mcpz_crypto_init(), MCPZ_OK);
    write_file(&body, 3);
    const size_t length = (size_t)body.length;
    CHECK(length < sizeof(bytes));
    CHECK_UINT(mcpz_body_read_all(&body, 0, bytes, length), MCPZ_OK);
    mcpz_body_finish(&body);
    for (size_t step = 1; step <= length; step += step < 50 ? 1 : 97) {
        mcpz_snapshot_tap_begin(&tap);
        for (size_t at = 0; at < length; at += step) {
            CHECK(!mcpz_snapshot_tap_is_whole(&tap));
            mcpz_snapshot_tap_add(&tap,
                                  mcpz_bytes(bytes + at, length - at < step ? length - at : step));
        }
        CHECK(mcpz_snapshot_tap_is_whole(&tap));
        CHECK_UINT(tap.items, 4); /* an author, and what it wrote */
        CHECK_UINT(tap.parts, 2);
        CHECK_UINT(tap.total.messages, 4);
        CHECK_UINT(tap.bytes, length);
    }
    mcpz_snapshot_tap_add(&tap, mcpz_text("x"));
    CHECK(!mcpz_snapshot_tap_is_whole(&tap));
    for (size_t at = 0; at < length; at++) { /* any byte that is another */
        bytes[at] ^= 1;
        mcpz_snapshot_tap_begin(&tap);
        mcpz_snapshot_tap_add(&tap, mcpz_bytes(bytes, length));
        CHECK(!mcpz_snapshot_tap_is_whole(&tap));
        bytes[at] ^= 1;
    }
}

TEST(a_file_reads_back_as_it_was_written)
{
    struct mcpz_body body;
    struct mcpz_msg msg;
    struct mcpz_delta delta;
    size_t count = 0;

    write_file(&body, 3);
    CHECK_UINT(read_file(&body, &count), MCPZ_ENOTFOUND);
    CHECK_UINT(count, 3);
    CHECK_UINT(mcpz_snapshot_open(&reader, &body, false), MCPZ_OK);
    check_author(&alice.node);
    CHECK_UINT(read_next(&msg, &delta), MCPZ_OK);
    CHECK_UINT(delta.seq, 1);
    CHECK_UINT(delta.hlc, 101);
    CHECK(mcpz_actor_compare(&delta.actor, &alice) == 0);
    CHECK_UINT(delta.add_count, 1);
    mcpz_body_finish(&body);
    write_file(&body, 0);
    CHECK_UINT(read_file(&body, &count), MCPZ_ENOTFOUND);
    mcpz_body_finish(&body);
}

TEST(every_truncation_is_short)
{
    struct mcpz_body body;

    write_file(&body, 2);
    struct mcpz_bytes bytes = mcpz_body_in_memory(&body);
    for (size_t i = 0; i < bytes.length; i++) {
        CHECK_UINT(read_bytes(bytes.data, i), MCPZ_ESHORT);
    }
    mcpz_body_finish(&body);
}

TEST(every_changed_byte_is_noticed)
{
    struct mcpz_body body;

    write_file(&body, 2);
    struct mcpz_bytes bytes = mcpz_body_in_memory(&body);
    for (size_t i = 0; i < bytes.length; i++) {
        uint8_t *at = body.memory + i;
        *at ^= 0x01;
        mcpz_error error = read_bytes(bytes.data, bytes.length);
        CHECK(error != MCPZ_OK);
        CHECK(error != MCPZ_ENOTFOUND);
        *at ^= 0x01;
    }
    mcpz_body_finish(&body);
}

TEST(what_is_wrong_has_its_error)
{
    struct mcpz_body body;

    write_file(&body, 1);
    body.memory[0] = 'X';
    CHECK_UINT(read_bytes(body.memory, (size_t)body.length), MCPZ_EPROTO);
    body.memory[0] = 'M';
    body.memory[8] = 1;
    CHECK_UINT(read_bytes(body.memory, (size_t)body.length), MCPZ_EVERSION);
    body.memory[8] = 3; /* an older one */
    CHECK_UINT(read_bytes(body.memory, (size_t)body.length), MCPZ_EVERSION);
    body.memory[8] = MCPZ_SNAPSHOT_VERSION;
    body.memory[18] = 0xff; /* a part of four gigabytes */
    CHECK_UINT(read_bytes(body.memory, (size_t)body.length), MCPZ_ECORRUPT);
    body.memory[18] = 0;
    mcpz_body_text(&body, "x");
    CHECK_UINT(read_bytes(body.memory, (size_t)body.length), MCPZ_ECORRUPT);
    mcpz_body_finish(&body);
}

/* ---- Exporting ---------------------------------------------------------------------------- */

/* All of an answer, as a client reads it that takes little at a time. */
static struct mcpz_body *pulled(struct mcpz_exchange *exchange)
{
    static struct mcpz_body body;
    uint8_t bytes[MCPZ_PULL_BYTES_MIN];
    const struct mcpz_response *response = mcpz_api_response(exchange);

    CHECK(response != NULL && response->streams);
    mcpz_body_finish(&body);
    mcpz_body_init(&body, "/tmp");
    for (size_t idle = 0; !response->ended && idle < 100;) {
        const size_t length = mcpz_api_pull(exchange, bytes, sizeof(bytes));
        mcpz_body_append(&body, mcpz_bytes(bytes, length));
        idle = length == 0 ? idle + 1 : 0;
        fake_turn();
    }
    CHECK(response->ended);
    return &body;
}

TEST(an_export_is_in_causal_order)
{
    const struct mcpz_version versions[] = {{.actor = alice, .seq = 2}, {.actor = bob, .seq = 2}};
    static const uint64_t expected[] = {10, 20, 30, 40};
    struct mcpz_id document;
    struct mcpz_msg msg;
    struct mcpz_delta delta;

    fake_begin();
    fake_put_document("x", &document, versions, 2);
    fake_put_delta(&document, &alice, 1, 10);
    fake_put_delta(&document, &bob, 1, 20);
    fake_put_delta(&document, &bob, 2, 30);
    fake_put_delta(&document, &alice, 2, 40);
    fake_put_delta(&document, &alice, 3, 15); /* not in the version vector: left out */
    struct mcpz_exchange *exchange = fake_ask(MCPZ_GET, "/v1/snapshots/export?agent=x", NULL);
    fake_turn();
    CHECK_UINT(fake_status(exchange), 200);
    CHECK_UINT(mcpz_snapshot_open(&reader, pulled(exchange), false), MCPZ_OK);
    for (size_t i = 0; i < 4; i++) {
        if (i < 2) { /* once each, ahead of what they wrote */
            check_author(i == 0 ? &alice.node : &bob.node);
        }
        CHECK_UINT(read_next(&msg, &delta), MCPZ_OK);
        CHECK_UINT(msg.kind, MCPZ_MSG_BATCH);
        CHECK_UINT(delta.hlc, expected[i]);
    }
    CHECK_UINT(read_next(&msg, &delta), MCPZ_ENOTFOUND);
    mcpz_api_close(exchange);
    fake_end();
}

TEST(an_export_of_many_deltas_takes_many_turns)
{
    const struct mcpz_version version = {.actor = alice, .seq = 500};
    struct mcpz_id document;
    size_t count = 0;

    fake_begin();
    fake_put_document("x", &document, &version, 1);
    for (uint64_t i = 1; i <= 500; i++) {
        fake_put_delta(&document, &alice, i, i);
    }
    struct mcpz_exchange *exchange = fake_ask(MCPZ_GET, "/v1/snapshots/export", NULL);
    CHECK_UINT(fake_status(exchange), 0);
    fake_turn();
    CHECK_UINT(fake_status(exchange), 200);
    CHECK_UINT(read_file(pulled(exchange), &count), MCPZ_ENOTFOUND);
    CHECK_UINT(count, 500);
    mcpz_api_close(exchange);
    fake_end();
}

/* Alice has written twice, which was folded, and once above; bob has signed, too. */
static void put_folded(struct mcpz_id *document, uint8_t root)
{
    const struct mcpz_version now = {.actor = alice, .seq = 3};
    const struct mcpz_version then = {.actor = alice, .seq = 2};
    const struct mcpz_cosignature signatures[] = {{.signer = alice.node}, {.signer = bob.node}};
    struct mcpz_store *store = &world.engine.store;

    fake_put_document("x", document, &now, 1);
    const struct mcpz_record floor = {
        .kind = MCPZ_RECORD_FLOOR,
        .floor = {.document = *document,
                  .agreed = {.hlc = 20,
                             .versions = &then,
                             .version_count = 1,
                             .root = {.bytes = {root}},
                             .replicas = 2,
                             .signatures = signatures,
                             .signature_count = 2},
                  .byte_count = 100},
    };
    store->put(store->context, &floor);
    fake_put_delta(document, &alice, 2, 20); /* the last one below is kept */
    fake_put_delta(document, &alice, 3, 30);
}

TEST(an_export_begins_with_what_was_folded)
{
    static const enum mcpz_msg_kind kinds[] = {MCPZ_MSG_AGREED, MCPZ_MSG_BASE, MCPZ_MSG_BASE};
    struct mcpz_id document;
    struct mcpz_msg msg;
    struct mcpz_delta delta;

    fake_begin();
    put_folded(&document, 1);
    struct mcpz_exchange *exchange = fake_ask(MCPZ_GET, "/v1/snapshots/export?agent=x", NULL);
    fake_turn();
    CHECK_UINT(fake_status(exchange), 200);
    CHECK_UINT(mcpz_snapshot_open(&reader, pulled(exchange), false), MCPZ_OK);
    check_author(&alice.node);
    check_author(&bob.node);
    for (size_t i = 0; i < MCPZ_ARRAY_LEN(kinds); i++) {
        CHECK_UINT(read_next(&msg, &delta), MCPZ_OK);
        CHECK_UINT(msg.kind, kinds[i]);
    }
    CHECK_UINT(read_next(&msg, &delta), MCPZ_OK);
    CHECK_UINT(msg.kind, MCPZ_MSG_BATCH);
    CHECK_UINT(delta.seq, 3);
    CHECK_UINT(read_next(&msg, &delta), MCPZ_ENOTFOUND);
    mcpz_api_close(exchange);
    fake_end();
}

/* Of one document so much that it takes several parts; returns how many deltas that is. */
static uint64_t put_large(struct mcpz_id *document)
{
    static uint8_t bytes[1000];
    const struct mcpz_version version = {.actor = alice, .seq = 480};
    const struct mcpz_add add = {
        .type = MCPZ_ENTRY_REGISTER,
        .path = mcpz_bytes("\x91\xa1"
                           "a",
                           3),
        .value = mcpz_bytes(bytes, sizeof(bytes)),
    };
    struct mcpz_store *store = &world.engine.store;

    bytes[0] = 0xc5; /* a bin of so many bytes */
    bytes[1] = (sizeof(bytes) - 3) >> 8;
    bytes[2] = (sizeof(bytes) - 3) & 0xff;
    fake_put_document("x", document, &version, 1);
    for (uint64_t i = 1; i <= version.seq; i++) {
        struct mcpz_record record = fake_delta_of(document, &alice, i, i);
        record.delta.delta.adds = &add;
        store->put(store->context, &record);
    }
    return version.seq;
}

/* A document behind `other` in the order of ids. */
static void put_behind(const struct mcpz_id *other, struct mcpz_id *document)
{
    const struct mcpz_version version = {.actor = bob, .seq = 1};
    char name[16];

    for (int i = 0;; i++) {
        (void)snprintf(name, sizeof(name), "y%d", i);
        mcpz_engine_document_id(mcpz_bytes(NULL, 0), mcpz_text(name), document);
        if (mcpz_id_compare(document, other) > 0) {
            break;
        }
    }
    fake_put_document(name, document, &version, 1);
}

TEST(an_export_is_made_while_it_is_read)
{
    struct mcpz_snapshot_tap tap;
    struct mcpz_id large;
    struct mcpz_id late;
    size_t count = 0;

    fake_begin();
    const uint64_t deltas = put_large(&large);
    struct mcpz_exchange *exchange = fake_ask(MCPZ_GET, "/v1/snapshots/export", NULL);
    fake_turn();
    CHECK_UINT(fake_status(exchange), 200);
    put_behind(&large, &late); /* nothing was read yet: its turn is to come */
    fake_put_delta(&late, &bob, 1, 10);
    struct mcpz_body *body = pulled(exchange);
    CHECK_UINT(read_file(body, &count), MCPZ_ENOTFOUND);
    CHECK_UINT(count, deltas + 1);
    mcpz_snapshot_tap_begin(&tap);
    mcpz_snapshot_tap_add(&tap, mcpz_body_in_memory(body));
    CHECK(mcpz_snapshot_tap_is_whole(&tap));
    CHECK_UINT(tap.total.agents, 2);
    CHECK(tap.parts >= 3);
    mcpz_api_close(exchange);
    fake_end();
}

TEST(an_export_that_breaks_off_says_why)
{
    struct mcpz_snapshot_tap tap;
    struct mcpz_id large;
    struct mcpz_id broken;

    fake_begin();
    (void)put_large(&large);
    put_behind(&large, &broken); /* and no delta */
    struct mcpz_exchange *exchange = fake_ask(MCPZ_GET, "/v1/snapshots/export", NULL);
    fake_turn();
    mcpz_snapshot_tap_begin(&tap);
    mcpz_snapshot_tap_add(&tap, mcpz_body_in_memory(pulled(exchange)));
    CHECK(!mcpz_snapshot_tap_is_whole(&tap));
    CHECK(strstr(tap.reason, "reading the agents"));
    CHECK_UINT(read_file(pulled(exchange), &(size_t){0}), MCPZ_ESHORT);
    mcpz_api_close(exchange);
    fake_end();
}

TEST(an_agent_that_is_folded_meanwhile_is_begun_anew)
{
    struct mcpz_id document;
    struct mcpz_id root = {.bytes = {0}};
    struct mcpz_msg msg;
    struct mcpz_delta delta;
    size_t agreed = 0;

    fake_begin();
    (void)put_large(&document);
    struct mcpz_exchange *exchange = fake_ask(MCPZ_GET, "/v1/snapshots/export", NULL);
    fake_turn();
    for (uint64_t seq = 1; seq <= 480; seq++) { /* what is below the floor goes */
        struct mcpz_store *store = &world.engine.store;
        const struct mcpz_record record = fake_delta_of(&document, &alice, seq, seq);
        store->remove(store->context, &record);
    }
    put_folded(&document, 7);
    struct mcpz_body *body = pulled(exchange);
    CHECK_UINT(mcpz_snapshot_open(&reader, body, false), MCPZ_OK);
    while (read_next(&msg, &delta) == MCPZ_OK) {
        if (msg.kind == MCPZ_MSG_AGREED) {
            agreed++;
            root = msg.agreed.agreed.root;
        }
    }
    CHECK_UINT(agreed, 1);
    CHECK_UINT(root.bytes[0], 7);
    CHECK_UINT(delta.seq, 3); /* what lies above it came behind it */
    mcpz_api_close(exchange);
    fake_end();
}

static unsigned export_status(const char *path)
{
    struct mcpz_exchange *exchange = fake_ask(MCPZ_GET, path, NULL);
    fake_turn();
    unsigned status = fake_status(exchange);
    mcpz_api_close(exchange);
    return status;
}

TEST(an_export_that_cannot_be_says_why)
{
    const struct mcpz_version version = {.actor = alice, .seq = 1};
    struct mcpz_id document;

    fake_begin();
    CHECK_UINT(export_status("/v1/snapshots/export?agent=none"), 404);
    CHECK_UINT(export_status("/v1/snapshots/export?agent="), 400);
    CHECK_UINT(export_status("/v1/snapshots/export?what=x"), 400);
    fake_put_document("x", &document, &version, 1); /* and no delta: the store is damaged */
    CHECK_UINT(export_status("/v1/snapshots/export"), 507);
    fake_end();
}

/* ---- Importing ---------------------------------------------------------------------------- */

static struct mcpz_exchange *import_with(size_t deltas, const char *query)
{
    char path[128];
    struct mcpz_body body;

    snprintf(path, sizeof(path), "/v1/snapshots/import%s%s", *query != '\0' ? "?" : "", query);
    write_file(&body, deltas);
    struct mcpz_exchange *exchange = fake_ask_bytes(MCPZ_POST, path, mcpz_body_in_memory(&body));
    mcpz_body_finish(&body);
    fake_turn();
    return exchange;
}

static struct mcpz_exchange *import(size_t deltas)
{
    return import_with(deltas, "");
}

TEST(an_import_hands_in_delta_by_delta)
{
    fake_begin();
    struct mcpz_exchange *exchange = import(3);
    CHECK_UINT(world.engine.event_count, 3);
    CHECK_UINT(fake_status(exchange), 0);
    for (uint64_t request = 1; request <= 3; request++) {
        fake_reply(request, MCPZ_CODE_OK, "");
    }
    CHECK_UINT(fake_status(exchange), 200);
    CHECK_TEXT(fake_text(exchange),
               "{\"deltas\":3,\"applied\":3,\"bases\":0,\"bases_applied\":0," NO_BLOBS "}\n");
    mcpz_api_close(exchange);
    fake_end();
}

TEST(an_import_does_not_run_ahead_of_the_disk)
{
    fake_begin();
    struct mcpz_exchange *exchange = import(100);
    CHECK_UINT(world.engine.event_count, 64);
    for (uint64_t request = 1; request <= 100; request++) {
        fake_reply(request, MCPZ_CODE_OK, "");
    }
    CHECK_TEXT(fake_text(exchange), "{\"deltas\":100,\"applied\":100,\"bases\":0,\"bases_"
                                    "applied\":0," NO_BLOBS "}\n");
    mcpz_api_close(exchange);
    fake_end();
}

/* A file as an export makes it, of what was folded. */
static struct mcpz_exchange *import_folded(size_t cut_off)
{
    struct mcpz_id document;
    struct mcpz_bytes message_bytes;
    struct mcpz_body body;

    put_folded(&document, 1);
    struct mcpz_exchange *exchange = fake_ask(MCPZ_GET, "/v1/snapshots/export", NULL);
    fake_turn();
    CHECK_UINT(mcpz_snapshot_open(&reader, pulled(exchange), false), MCPZ_OK);
    mcpz_body_init(&body, "/tmp");
    mcpz_snapshot_begin(&writer, &body);
    for (size_t i = 0; i < 6 - cut_off; i++) {
        CHECK_UINT(mcpz_snapshot_next(&reader, &message_bytes), MCPZ_OK);
        mcpz_snapshot_add(&writer, message_bytes);
    }
    mcpz_snapshot_end(&writer);
    mcpz_api_close(exchange);
    exchange = fake_ask_bytes(MCPZ_POST, "/v1/snapshots/import", mcpz_body_in_memory(&body));
    mcpz_body_finish(&body);
    fake_turn();
    return exchange;
}

TEST(a_base_is_handed_in_when_it_is_whole)
{
    fake_begin();
    struct mcpz_exchange *exchange = import_folded(0);
    CHECK_UINT(world.engine.event_count, 2);
    fake_reply(1, MCPZ_CODE_OK, "");
    fake_reply(2, MCPZ_CODE_OK, "");
    CHECK_TEXT(fake_text(exchange),
               "{\"deltas\":1,\"applied\":1,\"bases\":1,\"bases_applied\":1," NO_BLOBS "}\n");
    mcpz_api_close(exchange);
    exchange = import_folded(2); /* not all of its base */
    CHECK_UINT(fake_status(exchange), 400);
    CHECK_UINT(world.engine.event_count, 2);
    mcpz_api_close(exchange);
    world.engine.base_error = MCPZ_EUNSUPPORTED;
    exchange = import_folded(0);
    CHECK_UINT(fake_status(exchange), 409);
    CHECK(strstr(fake_text(exchange), "folded here in another way"));
    CHECK_UINT(world.engine.event_count, 2);
    mcpz_api_close(exchange);
    fake_end();
}

TEST(what_is_here_is_not_imported_again)
{
    fake_begin();
    world.engine.imports_here = 2;
    struct mcpz_exchange *exchange = import(3);
    CHECK_UINT(world.engine.event_count, 1);
    fake_reply(1, MCPZ_CODE_OK, "");
    CHECK_TEXT(fake_text(exchange),
               "{\"deltas\":3,\"applied\":1,\"bases\":0,\"bases_applied\":0," NO_BLOBS "}\n");
    mcpz_api_close(exchange);
    fake_end();
}

/* The parts of a file come in one by one, each as the file's head with a part behind it. */
TEST(a_file_comes_in_part_by_part)
{
    static uint8_t part[2 * MCPZ_SNAPSHOT_PART_BYTES];
    struct mcpz_snapshot_tap tap;
    struct mcpz_id document;
    uint64_t deltas = 0;

    fake_begin();
    (void)put_large(&document);
    struct mcpz_exchange *exchange = fake_ask(MCPZ_GET, "/v1/snapshots/export", NULL);
    fake_turn();
    const struct mcpz_bytes file = mcpz_body_in_memory(pulled(exchange));
    mcpz_api_close(exchange);
    mcpz_snapshot_tap_begin(&tap);
    memcpy(part, file.data, MCPZ_SNAPSHOT_HEAD_BYTES);
    while (mcpz_snapshot_tap_wants(&tap) > 0) {
        const uint32_t parts = tap.parts;
        const uint64_t begins = tap.part_at;
        mcpz_snapshot_tap_add(&tap,
                              mcpz_bytes(file.data + tap.bytes, mcpz_snapshot_tap_wants(&tap)));
        if (tap.parts == parts || mcpz_snapshot_tap_is_whole(&tap)) {
            continue;
        }
        const size_t length = (size_t)(tap.bytes - begins);
        memcpy(part + MCPZ_SNAPSHOT_HEAD_BYTES, file.data + begins, length);
        part[MCPZ_SNAPSHOT_HEAD_BYTES + length - 1] ^= 1; /* damaged */
        const struct mcpz_bytes body = mcpz_bytes(part, MCPZ_SNAPSHOT_HEAD_BYTES + length);
        exchange = fake_ask_bytes(MCPZ_POST, "/v1/snapshots/import?parts=some&at=1000000", body);
        fake_turn();
        CHECK_UINT(fake_status(exchange), 400);
        CHECK(strstr(fake_text(exchange), "damaged, found before byte 1"));
        mcpz_api_close(exchange);
        part[MCPZ_SNAPSHOT_HEAD_BYTES + length - 1] ^= 1;
        exchange = fake_ask_bytes(MCPZ_POST, "/v1/snapshots/import?parts=some", body);
        fake_turn();
        for (; deltas < world.engine.event_count; deltas++) {
            fake_reply(deltas + 1, MCPZ_CODE_OK, "");
        }
        CHECK_UINT(fake_status(exchange), 200);
        mcpz_api_close(exchange);
        exchange = fake_ask_bytes(MCPZ_POST, "/v1/snapshots/import", body); /* not all of it */
        fake_turn();
        CHECK_UINT(fake_status(exchange), 400);
        mcpz_api_close(exchange);
    }
    CHECK(mcpz_snapshot_tap_is_whole(&tap));
    CHECK(tap.parts >= 3);
    CHECK_UINT(deltas, 480);
    fake_end();
}

TEST(a_forged_or_foreign_file_changes_nothing)
{
    fake_begin();
    world.engine.import_error = MCPZ_EAUTH;
    struct mcpz_exchange *exchange = import(2);
    CHECK_UINT(fake_status(exchange), 400);
    CHECK(strstr(fake_text(exchange), "damaged or forged"));
    mcpz_api_close(exchange);
    world.engine.import_error = MCPZ_ECONFLICT;
    exchange = import(2);
    CHECK(strstr(fake_text(exchange), "at a node that may admit others; nothing was changed"));
    CHECK_UINT(world.engine.event_count, 0);
    mcpz_api_close(exchange);
    fake_end();
}

TEST(a_lenient_import_goes_on_behind_what_is_refused)
{
    fake_begin();
    struct mcpz_exchange *exchange = import_with(3, "lenient=1");
    fake_reply(1, MCPZ_CODE_OK, "");
    fake_reply(2, MCPZ_CODE_CONFLICT, "its past is not here");
    fake_reply(3, MCPZ_CODE_OK, "");
    CHECK_TEXT(fake_text(exchange),
               "{\"deltas\":3,\"applied\":2,\"bases\":0,\"bases_applied\":0," NO_BLOBS
               ",\"refused\":1}\n");
    mcpz_api_close(exchange);
    exchange = import_with(1, "lenient=2");
    CHECK_UINT(fake_status(exchange), 400);
    mcpz_api_close(exchange);
    fake_end();
}

TEST(an_agent_that_may_go_on_in_the_next_part_is_named)
{
    const struct mcpz_id document = {.bytes = {'d'}};
    char expected[MCPZ_ID_TEXT_BYTES + 16];
    char query[MCPZ_ID_TEXT_BYTES + 16];
    char text[MCPZ_ID_TEXT_BYTES];

    fake_begin();
    mcpz_id_to_text(&document, 'd', text);
    (void)snprintf(expected, sizeof(expected), "\"open\":\"%s\"", text);
    (void)snprintf(query, sizeof(query), "claim=%s", text);
    struct mcpz_exchange *exchange = import_with(1, "defer=1");
    fake_reply(1, MCPZ_CODE_OK, "");
    CHECK_UINT(fake_status(exchange), 200);
    CHECK(strstr(fake_text(exchange), expected) != NULL);
    mcpz_api_close(exchange);
    exchange = import_with(1, query); /* not for later any more */
    fake_reply(2, MCPZ_CODE_OK, "");
    CHECK_UINT(fake_status(exchange), 200);
    CHECK(strstr(fake_text(exchange), "\"open\"") == NULL);
    mcpz_api_close(exchange);
    exchange = import_with(1, "claim=agent");
    CHECK_UINT(fake_status(exchange), 400);
    mcpz_api_close(exchange);
    fake_end();
}

TEST(a_refused_delta_stops_the_import)
{
    fake_begin();
    struct mcpz_exchange *exchange = import(2);
    fake_reply(1, MCPZ_CODE_OK, "");
    fake_reply(2, MCPZ_CODE_LIMIT, "too many actors");
    CHECK_UINT(fake_status(exchange), 429);
    CHECK(strstr(fake_text(exchange), "1 of 2 deltas were applied"));
    CHECK(strstr(fake_text(exchange), "too many actors"));
    mcpz_api_close(exchange);
    fake_end();
}

TEST(nothing_of_a_damaged_file_is_applied)
{
    struct mcpz_body body;

    fake_begin();
    write_file(&body, 100);
    body.memory[body.length - 1] ^= 1;
    struct mcpz_exchange *exchange =
        fake_ask_bytes(MCPZ_POST, "/v1/snapshots/import", mcpz_body_in_memory(&body));
    fake_turn();
    CHECK_UINT(fake_status(exchange), 400);
    CHECK(strstr(fake_text(exchange), "nothing was changed"));
    CHECK_UINT(world.engine.event_count, 0);
    mcpz_api_close(exchange);
    mcpz_body_finish(&body);
    exchange = fake_ask(MCPZ_POST, "/v1/snapshots/import", NULL);
    CHECK_UINT(fake_status(exchange), 400);
    mcpz_api_close(exchange);
    fake_end();
}

TEST_MAIN(RUN(a_file_that_passes_by_is_followed_to_its_end),
          RUN(a_file_reads_back_as_it_was_written), RUN(every_truncation_is_short),
          RUN(every_changed_byte_is_noticed), RUN(what_is_wrong_has_its_error),
          RUN(an_export_is_in_causal_order), RUN(an_export_begins_with_what_was_folded),
          RUN(an_export_is_made_while_it_is_read), RUN(an_export_that_breaks_off_says_why),
          RUN(an_agent_that_is_folded_meanwhile_is_begun_anew),
          RUN(an_export_of_many_deltas_takes_many_turns), RUN(an_export_that_cannot_be_says_why),
          RUN(an_import_hands_in_delta_by_delta), RUN(an_import_does_not_run_ahead_of_the_disk),
          RUN(a_base_is_handed_in_when_it_is_whole), RUN(a_file_comes_in_part_by_part),
          RUN(what_is_here_is_not_imported_again), RUN(a_forged_or_foreign_file_changes_nothing),
          RUN(a_lenient_import_goes_on_behind_what_is_refused),
          RUN(an_agent_that_may_go_on_in_the_next_part_is_named),
          RUN(a_refused_delta_stops_the_import), RUN(nothing_of_a_damaged_file_is_applied))
