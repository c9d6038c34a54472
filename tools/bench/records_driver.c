/*
 * What sealing records costs: the same documents applied into LMDB as they are, and sealed; and
 * how long a node takes to start on them. Budgets of reference/crdt.md, section 8.
 *
 *   bench-records DIRECTORY [--documents N]
 *
 * One delta a document: its name and three fields of some 60 bytes. Turns of 128 documents, as
 * many as are under way at one time as the store takes; the time is until the last is on the disk.
 * Prints one line of JSON for each row: {"row", "value", "unit"}.
 */

#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/agents.h"
#include "core/crdt/document.h"
#include "core/crdt/paths.h"
#include "crypto/identity.h"
#include "engine/engine.h"
#include "engine/persist.h"
#include "store/lmdb.h"
#include "wire/value.h"

#define FIELDS 4
#define TURN_DOCUMENTS 128
#define BEHIND_MAX 16 /* batches not on the disk yet */

static struct mcpz_tenant_key *keys[2]; /* the node's own, the tenant's */

struct bench {
    struct mcpz_lmdb *lmdb;
    struct mcpz_kv kv;
    struct mcpz_scratch *scratch;
    struct mcpz_at_rest *rest;
    struct mcpz_persist persist;
    struct mcpz_store store;
    uint64_t durable;
};

static _Noreturn void die(const char *what)
{
    fprintf(stderr, "%s\n", what);
    exit(EXIT_FAILURE);
}

static double seconds(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void say(const char *row, const char *how, double value, const char *unit)
{
    printf("{\"row\": \"%s, %s\", \"value\": %.6g, \"unit\": \"%s\"}\n", row, how, value, unit);
    (void)fflush(stdout);
}

static mcpz_error lend(void *context, struct mcpz_bytes tenant, struct mcpz_tenant_key **key)
{
    (void)context;
    return mcpz_tenant_key_copy(
        keys[mcpz_bytes_equal(tenant, mcpz_text(MCPZ_TENANT_SYSTEM)) ? 0 : 1], key);
}

static mcpz_error lend_by_id(void *context, const uint8_t *id, struct mcpz_tenant_key **key)
{
    uint8_t own[MCPZ_TENANT_KEY_ID_BYTES];

    (void)context;
    mcpz_tenant_key_id(keys[0], own);
    return mcpz_tenant_key_copy(keys[memcmp(own, id, sizeof(own)) == 0 ? 0 : 1], key);
}

static void ignore(void *context)
{
    (void)context;
}

static void open_bench(struct bench *bench, const char *directory, bool is_sealed)
{
    const struct mcpz_vault_port port = {.lend = lend, .lend_by_id = lend_by_id};
    const struct mcpz_lmdb_config config = {.directory = directory,
                                            .map_bytes = UINT64_C(1) << 28,
                                            .map_bytes_max = UINT64_C(1) << 34,
                                            .notify = ignore};
    struct mcpz_lmdb_trouble trouble;

    *bench = (struct bench){.rest = NULL};
    if (mcpz_lmdb_open(&config, &bench->lmdb, &bench->kv, &trouble) != MCPZ_OK) {
        die(trouble.text);
    }
    if (mcpz_scratch_create(&bench->scratch) != MCPZ_OK ||
        (is_sealed && mcpz_at_rest_create(&port, &bench->rest) != MCPZ_OK)) {
        die("out of memory");
    }
    mcpz_persist_init(&bench->persist, &bench->kv, bench->scratch, &bench->store);
    mcpz_persist_seal(&bench->persist, bench->rest);
}

static void close_bench(struct bench *bench)
{
    mcpz_at_rest_destroy(bench->rest);
    mcpz_lmdb_close(bench->lmdb);
    mcpz_scratch_destroy(bench->scratch);
}

/* Until all batches up to `batch` are on the disk. */
static void await(struct bench *bench, uint64_t batch)
{
    while (bench->durable < batch) {
        const struct mcpz_kv_progress progress = bench->kv.progress(bench->kv.context);
        if (progress.failed != 0) {
            die("the store cannot be written");
        }
        bench->durable = progress.durable;
        (void)sched_yield();
    }
}

static struct mcpz_bytes value_of(uint8_t *room, size_t size, const char *text, bool is_path)
{
    struct mcpz_value_writer writer = mcpz_value_writer(room, size);

    if (is_path) {
        mcpz_value_array(&writer, 1);
    }
    mcpz_value_text(&writer, mcpz_text(text));
    return mcpz_bytes(room, writer.length);
}

static void apply(struct bench *bench, size_t number)
{
    static const char *const names[FIELDS] = {"", "state", "task.current", "memory.last"};
    uint8_t paths[FIELDS][32];
    uint8_t values[FIELDS][80];
    struct mcpz_add adds[FIELDS];
    struct mcpz_document document;
    char text[80];

    (void)snprintf(text, sizeof(text), "agent-%08zu", number);
    for (size_t i = 0; i < FIELDS; i++) {
        adds[i] = (struct mcpz_add){.type = MCPZ_ENTRY_REGISTER,
                                    .path = i == 0 ? mcpz_paths_id
                                                   : value_of(paths[i], 32, names[i], true),
                                    .value = value_of(values[i], 80, text, false)};
        (void)snprintf(text, sizeof(text), "what agent %08zu has had to say of field %zu, at last",
                       number, i);
    }
    struct mcpz_id id;
    struct mcpz_delta delta = {.actor = {.node = {.bytes = {1}}, .generation = 1},
                               .seq = 1,
                               .hlc = mcpz_hlc_of_ms(1000 + number),
                               .adds = adds,
                               .add_count = FIELDS};
    mcpz_engine_document_id(mcpz_bytes(NULL, 0), mcpz_text(text), &delta.document);
    bench->store.delta_id(bench->store.context, &delta, &id);
    if (mcpz_document_load(&bench->store, &delta.document, &document) != MCPZ_OK ||
        !mcpz_document_delta_is_valid(&delta) ||
        mcpz_document_apply(&bench->store, &document, &delta, &id, 1000) != MCPZ_OK) {
        die("a delta was refused");
    }
}

static void bench_apply(const char *directory, size_t count, bool is_sealed)
{
    const char *how = is_sealed ? "sealed" : "plain";
    struct bench bench;
    uint64_t batch = 0;

    open_bench(&bench, directory, is_sealed);
    const double began = seconds();
    for (size_t i = 0; i < count; i++) {
        apply(&bench, i);
        if (i % TURN_DOCUMENTS == TURN_DOCUMENTS - 1 || i + 1 == count) {
            batch = mcpz_persist_commit(&bench.persist);
            await(&bench, batch > BEHIND_MAX ? batch - BEHIND_MAX : 0);
            (void)bench.kv.progress(bench.kv.context);
        }
    }
    await(&bench, batch);
    say("apply into LMDB", how, (double)(count * FIELDS) / (seconds() - began), "/s");
    struct mcpz_lmdb_stats stats;
    mcpz_lmdb_stats(bench.lmdb, &stats);
    say("  on the disk for each document", how, (double)stats.used_bytes / (double)count, "B");
    close_bench(&bench);
}

/* Memory that is this process's alone; what it maps of the store is not. */
static double private_bytes(void)
{
    FILE *file = fopen("/proc/self/smaps_rollup", "re");
    char line[256];
    unsigned long kib = 0;

    while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
        if (sscanf(line, "Anonymous: %lu", &kib) == 1) {
            break;
        }
    }
    if (file == NULL || fclose(file) != 0) {
        die("/proc/self/smaps_rollup cannot be read");
    }
    return (double)kib * 1024;
}

static void bench_start(const char *directory, size_t count, bool is_sealed)
{
    const struct mcpz_node_timing timing = {.anti_entropy_us = MCPZ_SECONDS(10)};
    const struct mcpz_actor actor = {.generation = 1};
    struct mcpz_agents *agents = calloc(1, sizeof(*agents));
    void *memory = calloc(1, mcpz_agents_bytes());
    struct mcpz_arena arena;
    struct bench bench;

    const double before = private_bytes();
    const double began = seconds();
    open_bench(&bench, directory, is_sealed);
    if (agents == NULL || memory == NULL) {
        die("out of memory");
    }
    mcpz_arena_init_zeroed(&arena, memory, mcpz_agents_bytes());
    const struct mcpz_agents_config config = {
        .store = &bench.store, .timing = &timing, .actor = &actor, .seed = 1};
    mcpz_agents_init(agents, &config, 0, &arena);
    say("cold start", is_sealed ? "sealed" : "plain", seconds() - began, "s");
    if (agents->document_count != count) {
        die("not all documents are there");
    }
    (void)mcpz_persist_commit(&bench.persist);
    say("memory then", is_sealed ? "sealed" : "plain", (private_bytes() - before) / (double)count,
        "B");
    close_bench(&bench);
    free(agents);
    free(memory);
}

int main(int argc, char **argv)
{
    const size_t count =
        argc > 3 && strcmp(argv[2], "--documents") == 0 ? strtoul(argv[3], NULL, 10) : 60000;
    char directory[4096];

    if (argc < 2 || count == 0 || mcpz_crypto_init() != MCPZ_OK) {
        die("usage: bench-records DIRECTORY [--documents N]");
    }
    for (size_t i = 0; i < 2; i++) {
        if (mcpz_tenant_key_create(MCPZ_KEY_OF_RECORDS,
                                   mcpz_text(i == 0 ? MCPZ_TENANT_SYSTEM : MCPZ_TENANT_DEFAULT),
                                   &keys[i]) != MCPZ_OK) {
            die("no key");
        }
    }
    for (int sealed = 0; sealed < 2; sealed++) {
        (void)snprintf(directory, sizeof(directory), "%s/records-%d", argv[1], sealed);
        bench_apply(directory, count, sealed == 1);
        bench_start(directory, count, sealed == 1);
    }
    mcpz_tenant_key_destroy(keys[0]);
    mcpz_tenant_key_destroy(keys[1]);
    return EXIT_SUCCESS;
}
