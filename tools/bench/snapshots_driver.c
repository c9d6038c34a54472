/*
 * What placement, reconciliation and blobs take on this machine, in one process: budgets of
 * reference/crdt.md, sections 3, 4.2, 5 and 8, and beside blobs what their parts take alone.
 *
 *   bench-snapshots DIRECTORY MIB PART ...     of placement, reconcile, blobs
 *
 * Prints one line of JSON for each row: {"row", "value", "unit"}.
 */

#include <fcntl.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <zstd.h>

#include <sodium.h>

#include "base/rng.h"
#include "blob/blobs.h"
#include "blob/fastcdc.h"
#include "core/placement/owners.h"
#include "core/reconcile/iblt_decoder.h"
#include "crypto/identity.h"

#define ZONES 20
#define CHUNK_BYTES 65536
#define MIB 1048576.0

static _Noreturn void die(const char *what)
{
    fprintf(stderr, "bench-snapshots: %s\n", what);
    exit(EXIT_FAILURE);
}

static void *take(size_t bytes)
{
    void *memory = calloc(1, bytes);
    if (memory == NULL) {
        die("out of memory");
    }
    return memory;
}

static double seconds(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void say(const char *row, double value, const char *unit)
{
    printf("{\"row\": \"%s\", \"value\": %.4g, \"unit\": \"%s\"}\n", row, value, unit);
    (void)fflush(stdout);
}

static void say_of(const char *row, size_t count, double value, const char *unit)
{
    char text[128];
    (void)snprintf(text, sizeof(text), "%s %zu", row, count);
    say(text, value, unit);
}

/* ---- Placement ------------------------------------------------------------------------------ */

static int by_id(const void *a, const void *b)
{
    return mcpz_id_compare(&((const struct mcpz_storage_node *)a)->id,
                           &((const struct mcpz_storage_node *)b)->id);
}

static void make_layout(struct mcpz_placement *placement, size_t nodes, struct mcpz_bytes *zones)
{
    static char names[ZONES][4];
    struct mcpz_rng rng;

    mcpz_rng_init(&rng, nodes);
    *placement = (struct mcpz_placement){.version = 1,
                                         .partition_bits = MCPZ_PARTITION_BITS,
                                         .copies = 3,
                                         .zones_apart = 3,
                                         .zones = zones,
                                         .zone_count = ZONES,
                                         .nodes = take(nodes * sizeof(*placement->nodes)),
                                         .node_count = nodes};
    for (size_t i = 0; i < ZONES; i++) {
        (void)snprintf(names[i], sizeof(names[i]), "z%02zu", i);
        zones[i] = mcpz_text(names[i]);
    }
    for (size_t i = 0; i < nodes; i++) {
        for (size_t at = 0; at < MCPZ_ID_BYTES; at++) {
            placement->nodes[i].id.bytes[at] = (uint8_t)mcpz_rng_below(&rng, 256);
        }
        placement->nodes[i].weight = 1;
        placement->nodes[i].state = MCPZ_STORAGE_ACTIVE;
    }
    qsort(placement->nodes, nodes, sizeof(*placement->nodes), by_id);
    for (size_t i = 0; i < nodes; i++) {
        placement->nodes[i].zone = (uint32_t)(i % ZONES);
    }
}

static void *make_table(const struct mcpz_placement *placement, struct mcpz_owners *owners)
{
    const size_t bytes = mcpz_rendezvous_bytes(placement->node_count, ZONES) +
                         mcpz_owners_bytes(MCPZ_PARTITION_BITS, 3);
    struct mcpz_rendezvous rendezvous;
    struct mcpz_arena arena;
    void *memory = take(bytes);

    mcpz_arena_init_zeroed(&arena, memory, bytes);
    mcpz_rendezvous_init(&rendezvous, placement->node_count, ZONES, &arena);
    mcpz_owners_init(owners, MCPZ_PARTITION_BITS, 3, &arena);
    mcpz_rendezvous_set(&rendezvous, placement);
    mcpz_owners_begin(owners, &rendezvous);
    while (!mcpz_owners_build(owners, &rendezvous, 4096)) {
    }
    return memory;
}

static size_t count_moved(const struct mcpz_owners *before, const struct mcpz_owners *after)
{
    size_t moved = 0;

    for (uint32_t partition = 0; partition < after->partition_count; partition++) {
        for (size_t i = 0; i < after->copies; i++) {
            moved +=
                mcpz_owners_has(before, partition, mcpz_owners_of(after, partition)[i]) ? 0 : 1;
        }
    }
    return moved;
}

static void bench_placement(size_t nodes)
{
    struct mcpz_bytes zones[ZONES];
    struct mcpz_placement placement;
    struct mcpz_owners owners;
    struct mcpz_owners later;
    uint32_t *counts = take(nodes * sizeof(*counts));
    uint32_t least = UINT32_MAX;
    uint32_t most = 0;

    make_layout(&placement, nodes, zones);
    const double began = seconds();
    void *memory = make_table(&placement, &owners);
    say_of("table of 65,536 partitions, nodes:", nodes, seconds() - began, "s");
    for (size_t i = 0; i < (size_t)owners.partition_count * 3; i++) {
        counts[owners.rows[i]]++;
    }
    for (size_t i = 0; i < nodes; i++) {
        least = counts[i] < least ? counts[i] : least;
        most = counts[i] > most ? counts[i] : most;
    }
    say_of("  partitions of a node, fewest, nodes:", nodes, least, "");
    say_of("  partitions of a node, most, nodes:", nodes, most, "");
    placement.nodes[nodes / 2].state = MCPZ_STORAGE_LEAVING;
    void *memory_later = make_table(&placement, &later);
    say_of("  moved when one leaves beyond what it had, nodes:", nodes,
           (double)count_moved(&owners, &later) - counts[nodes / 2], "");
    free(memory_later);
    free(memory);
    free(placement.nodes);
    free(counts);
}

/* ---- Reconciliation ------------------------------------------------------------------------- */

static void bench_reconcile(size_t items, size_t differences)
{
    const struct mcpz_siphash_key key = {.low = 1, .high = 2};
    const size_t bytes = 2 * mcpz_iblt_encoder_bytes(MCPZ_IBLT_SYMBOLS_MAX) +
                         mcpz_iblt_decoder_bytes(MCPZ_IBLT_SYMBOLS_MAX);
    struct mcpz_iblt_encoder theirs;
    struct mcpz_iblt_encoder own;
    struct mcpz_iblt_decoder ours;
    struct mcpz_arena arena;
    struct mcpz_rng rng;
    size_t sent = 0;
    char row[128];
    void *memory = take(bytes);

    mcpz_arena_init_zeroed(&arena, memory, bytes);
    mcpz_iblt_encoder_init(&theirs, MCPZ_IBLT_SYMBOLS_MAX, &arena);
    mcpz_iblt_encoder_init(&own, MCPZ_IBLT_SYMBOLS_MAX, &arena);
    mcpz_iblt_decoder_init(&ours, MCPZ_IBLT_SYMBOLS_MAX, &arena);
    mcpz_rng_init(&rng, 3);
    mcpz_iblt_encoder_begin(&theirs, key, MCPZ_IBLT_SYMBOLS_MAX);
    mcpz_iblt_encoder_begin(&own, key, MCPZ_IBLT_SYMBOLS_MAX);
    const double began = seconds();
    for (size_t i = 0; i < items - differences / 2; i++) {
        const uint64_t id = mcpz_rng_next(&rng);
        mcpz_iblt_encoder_add(&theirs, id);
        mcpz_iblt_encoder_add(&own, id);
    }
    for (size_t i = 0; i < differences / 2; i++) {
        mcpz_iblt_encoder_add(&theirs, mcpz_rng_next(&rng));
        mcpz_iblt_encoder_add(&own, mcpz_rng_next(&rng));
    }
    mcpz_iblt_decoder_begin(&ours, &own);
    enum mcpz_iblt_verdict verdict = MCPZ_IBLT_MORE;
    while (verdict == MCPZ_IBLT_MORE) {
        const size_t count = mcpz_iblt_block(sent);
        verdict = mcpz_iblt_decoder_take(&ours, theirs.symbols + sent, count);
        while (verdict == MCPZ_IBLT_BUSY) {
            verdict = mcpz_iblt_decoder_go_on(&ours);
        }
        sent += count;
    }
    if (verdict != MCPZ_IBLT_FOUND || ours.difference_count != differences) {
        die("the differences were not found");
    }
    (void)snprintf(row, sizeof(row), "reconcile %zu items, %zu differences", items, differences);
    say(row, (double)(sent * MCPZ_IBLT_SYMBOL_BYTES), "B");
    (void)snprintf(row, sizeof(row), "  both sides' work, %zu items, %zu", items, differences);
    say(row, (seconds() - began) * 1e3, "ms");
    free(memory);
}

/* ---- Blobs ---------------------------------------------------------------------------------- */

/* Text as agents' states are: it compresses some six times. */
static void fill_text(uint8_t *bytes, size_t length)
{
    struct mcpz_rng rng;
    size_t at = 0;
    char line[128];

    mcpz_rng_init(&rng, 4);
    while (at < length) {
        const int written = snprintf(
            line, sizeof(line), "{\"agent\":\"planner-%u\",\"steps\":%u,\"state\":\"running\"}\n",
            mcpz_rng_below(&rng, 100000), mcpz_rng_below(&rng, 1000000));
        const size_t some = length - at < (size_t)written ? length - at : (size_t)written;
        memcpy(bytes + at, line, some);
        at += some;
    }
}

static double rate(size_t length, double began)
{
    return (double)length / MIB / (seconds() - began);
}

/* What the parts take alone, over chunks of the wanted size. */
static void bench_parts(const uint8_t *bytes, size_t length, const char *what)
{
    static uint8_t out[CHUNK_BYTES * 2];
    static uint8_t key[32];
    static uint8_t nonce[24];
    static uint8_t digest[32];
    uint64_t gear[256];
    struct mcpz_rng rng;
    char row[64];

    mcpz_rng_init(&rng, 5);
    for (size_t i = 0; i < 256; i++) {
        gear[i] = mcpz_rng_next(&rng);
    }
    double began = seconds();
    for (size_t at = 0; at < length;) {
        at += mcpz_fastcdc_cut(gear, &mcpz_chunks_large, mcpz_bytes(bytes + at, length - at));
    }
    (void)snprintf(row, sizeof(row), "  alone: FastCDC, %s", what);
    say(row, rate(length, began), "MiB/s");
    began = seconds();
    for (size_t at = 0; at + CHUNK_BYTES <= length; at += CHUNK_BYTES) {
        (void)crypto_generichash_blake2b(digest, 32, bytes + at, CHUNK_BYTES, key, 32);
    }
    (void)snprintf(row, sizeof(row), "  alone: BLAKE2b, %s", what);
    say(row, rate(length, began), "MiB/s");
    ZSTD_CCtx *compressor = ZSTD_createCCtx();
    began = seconds();
    for (size_t at = 0; at + CHUNK_BYTES <= length; at += CHUNK_BYTES) {
        (void)ZSTD_compressCCtx(compressor, out, sizeof(out), bytes + at, CHUNK_BYTES, 1);
    }
    (void)snprintf(row, sizeof(row), "  alone: zstd -1, %s", what);
    say(row, rate(length, began), "MiB/s");
    (void)ZSTD_freeCCtx(compressor);
    began = seconds();
    for (size_t at = 0; at + CHUNK_BYTES <= length; at += CHUNK_BYTES) {
        unsigned long long sealed;
        (void)crypto_aead_xchacha20poly1305_ietf_encrypt(out, &sealed, bytes + at, CHUNK_BYTES,
                                                         NULL, 0, NULL, nonce, key);
    }
    (void)snprintf(row, sizeof(row), "  alone: XChaCha20-Poly1305, %s", what);
    say(row, rate(length, began), "MiB/s");
}

static void bench_raw_file(const char *directory, const uint8_t *bytes, size_t length)
{
    char path[4096];

    (void)snprintf(path, sizeof(path), "%s/raw", directory);
    const double began = seconds();
    const int file = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
    for (size_t at = 0; file >= 0 && at < length;) {
        const ssize_t written = write(file, bytes + at, length - at);
        if (written <= 0) {
            die("the disk takes no more");
        }
        at += (size_t)written;
    }
    if (file < 0 || fdatasync(file) != 0 || close(file) != 0) {
        die("the directory cannot be written to");
    }
    say("  alone: write and fdatasync", rate(length, began), "MiB/s");
    (void)unlink(path);
}

static void bench_blob(struct mcpz_blobs *blobs, const struct mcpz_tenant_key *key,
                       const uint8_t *bytes, size_t length, const char *what)
{
    static uint8_t piece[1048576];
    struct mcpz_blob_writer *writer = NULL;
    struct mcpz_blob_row kept;
    struct mcpz_id root;
    char row[64];
    struct mcpz_blob_piece read = {.buffer = piece, .capacity = sizeof(piece)};

    double began = seconds();
    if (mcpz_blobs_begin(blobs, mcpz_text("bench"), key, &writer) != MCPZ_OK ||
        mcpz_blob_writer_add(writer, mcpz_bytes(bytes, length)) != MCPZ_OK ||
        mcpz_blob_writer_finish(writer, mcpz_text("bench"), 1, &root) != MCPZ_OK ||
        mcpz_blobs_stat(blobs, &root, &kept) != MCPZ_OK) {
        die("the blob could not be kept");
    }
    (void)snprintf(row, sizeof(row), "blob put, %s", what);
    say(row, rate(length, began), "MiB/s");
    (void)snprintf(row, sizeof(row), "  stored of each byte, %s", what);
    say(row, (double)kept.stored / (double)length, "");
    began = seconds();
    for (; read.offset < length; read.offset += read.length) {
        if (mcpz_blobs_read(blobs, key, &root, &read) != MCPZ_OK || read.length == 0 ||
            memcmp(piece, bytes + read.offset, read.length) != 0) {
            die("the blob could not be read");
        }
    }
    (void)snprintf(row, sizeof(row), "blob get, %s", what);
    say(row, rate(length, began), "MiB/s");
    began = seconds();
    if (mcpz_blobs_begin(blobs, mcpz_text("bench"), key, &writer) != MCPZ_OK ||
        mcpz_blob_writer_add(writer, mcpz_bytes(bytes, length)) != MCPZ_OK ||
        mcpz_blob_writer_finish(writer, mcpz_text("bench"), 1, &root) != MCPZ_OK) {
        die("the blob could not be kept again");
    }
    (void)snprintf(row, sizeof(row), "blob put again, %s", what);
    say(row, rate(length, began), "MiB/s");
}

static void bench_blobs(const char *directory, size_t length)
{
    struct mcpz_lmdb_trouble trouble;
    struct mcpz_blobs *blobs;
    struct mcpz_tenant_key *key;
    uint8_t *bytes = take(length);

    if (mcpz_blobs_open(directory, &blobs, &trouble) != MCPZ_OK) {
        die(trouble.text);
    }
    if (mcpz_tenant_key_create(MCPZ_KEY_OF_BLOBS, mcpz_text("bench"), &key) != MCPZ_OK) {
        die("no key");
    }
    fill_text(bytes, length);
    bench_blob(blobs, key, bytes, length, "text");
    bench_parts(bytes, length, "text");
    mcpz_random(bytes, length);
    bench_blob(blobs, key, bytes, length, "random");
    bench_parts(bytes, length, "random");
    bench_raw_file(directory, bytes, length);
    mcpz_tenant_key_destroy(key);
    mcpz_blobs_close(blobs);
    free(bytes);
}

int main(int argc, char **argv)
{
    const size_t mib = argc > 2 ? strtoul(argv[2], NULL, 10) : 0;

    if (argc < 4 || mib == 0 || mcpz_crypto_init() != MCPZ_OK) {
        die("usage: bench-snapshots DIRECTORY MIB PART ...  of placement, reconcile, blobs");
    }
    for (int i = 3; i < argc; i++) {
        if (strcmp(argv[i], "placement") == 0) {
            bench_placement(1000);
            bench_placement(10000);
            bench_placement(30000);
        } else if (strcmp(argv[i], "reconcile") == 0) {
            bench_reconcile(1000000, 10);
            bench_reconcile(1000000, 1000);
            bench_reconcile(300, 0);
            bench_reconcile(300, 10);
        } else if (strcmp(argv[i], "blobs") == 0) {
            bench_blobs(argv[1], mib << 20);
        } else {
            die("no such part");
        }
    }
    return EXIT_SUCCESS;
}
