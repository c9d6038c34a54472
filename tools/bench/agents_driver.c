/*
 * What agents' documents cost, budgets of reference/crdt.md, section 8: two nodes in one process,
 * who sign, send, verify, apply and keep as nodes do.
 *
 *   bench-agents DIRECTORY PART ...     of apply, wire, checkpoint, merge, hot
 *
 * Prints one line of JSON for each row: {"row", "value", "unit"}.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <lmdb.h>

#include "agents_pair.h"
#include "crypto/digest.h"
#include "engine/checkpoint.h"

#define DELTAS 100000
#define DELTAS_ALONE 10000 /* one signature each */
#define DOCUMENTS 1000
#define TURNS_A_PULL 64
#define RAW_PUTS_A_COMMIT 4096

#define MERGE_DOCUMENTS 25
#define MERGE_ENTRIES 4000 /* of each, of MCPZ_ENTRIES_MAX */
#define MERGE_EDITS 10000  /* of each side */

#define HOT_KEYS 100
#define HOT_WRITES 100000

#define TURN_DELTAS 256

static const char *directory;

static void say_of(const char *row, const char *where, size_t number, double value,
                   const char *unit)
{
    char text[128];

    (void)snprintf(text, sizeof(text), "%s %s, %zu", row, where, number);
    bench_say(text, value, unit);
}

/* ---- Applying --------------------------------------------------------------------------------
 */

/* What an agent says of itself: some 30 bytes, never the same. */
static void write_field(struct bench_pair *pair, size_t document, size_t field, size_t number)
{
    char key[32];
    char text[64];

    (void)snprintf(key, sizeof(key), "field-%04zu", field);
    (void)snprintf(text, sizeof(text), "step %zu of %zu", number, number * 7);
    bench_set(pair, &pair->author, document, key, text);
}

static void create_all(struct bench_pair *pair, size_t count)
{
    struct bench_frames frames = {.length = 0};

    for (size_t i = 0; i < count; i++) {
        bench_create(pair, &pair->author, i);
        if (i % TURN_DELTAS == TURN_DELTAS - 1 || i + 1 == count) {
            bench_leave(&pair->author);
            bench_pull(&pair->author, &frames);
        }
    }
    bench_hand_over(pair, &frames, &pair->keeper);
    bench_settle(&pair->keeper);
    free(frames.bytes);
}

/* One entry a delta, `batch` deltas a signature, no field twice. */
static double write_all(struct bench_pair *pair, size_t deltas, size_t batch,
                        struct bench_frames *frames)
{
    const double began = bench_seconds();

    for (size_t i = 0; i < deltas; i++) {
        write_field(pair, i % DOCUMENTS, i / DOCUMENTS, i);
        if (i % batch == batch - 1 || i + 1 == deltas) {
            bench_leave(&pair->author);
        }
        if (i % (batch * TURNS_A_PULL) == 0 || i + 1 == deltas) {
            bench_pull(&pair->author, frames);
        }
    }
    return (double)deltas / (bench_seconds() - began);
}

static void raw_must(int failed, const char *what)
{
    if (failed != 0) {
        (void)fprintf(stderr, "%s: %s\n", what, mdb_strerror(failed));
        exit(EXIT_FAILURE);
    }
}

static MDB_env *open_raw(const char *name, MDB_dbi *records)
{
    char path[4096];
    MDB_env *env;
    MDB_txn *txn;

    (void)snprintf(path, sizeof(path), "%s/%s", directory, name);
    if (mkdir(path, 0700) != 0) {
        bench_die(path);
    }
    raw_must(mdb_env_create(&env), "create");
    raw_must(mdb_env_set_mapsize(env, UINT64_C(1) << 34), "map");
    raw_must(mdb_env_open(env, path, MDB_NOTLS | MDB_NORDAHEAD, 0600), path);
    raw_must(mdb_txn_begin(env, NULL, 0, &txn), "begin");
    raw_must(mdb_dbi_open(txn, NULL, 0, records), "open");
    raw_must(mdb_txn_commit(txn), "commit");
    return env;
}

/* The very rows that the keeper wrote, with a commit, and a sync, for so many or more. */
static double replay(const struct bench_tape *tape, const char *name)
{
    MDB_dbi records;
    MDB_env *env = open_raw(name, &records);
    MDB_txn *txn;
    size_t in_one = 0;
    const double began = bench_seconds();

    raw_must(mdb_txn_begin(env, NULL, 0, &txn), "begin");
    for (size_t at = 0; at < tape->length;) {
        uint32_t lengths[2];
        const char what = (char)tape->bytes[at];
        memcpy(lengths, tape->bytes + at + 1, sizeof(lengths));
        uint8_t *bytes = tape->bytes + at + 1 + sizeof(lengths);
        MDB_val key = {.mv_size = lengths[0], .mv_data = bytes};
        MDB_val value = {.mv_size = lengths[1], .mv_data = bytes + lengths[0]};
        if (what == BENCH_TAPE_PUT) {
            raw_must(mdb_put(txn, records, &key, &value, 0), "put");
        } else if (what == BENCH_TAPE_REMOVE) {
            const int failed = mdb_del(txn, records, &key, NULL);
            raw_must(failed == MDB_NOTFOUND ? 0 : failed, "remove");
        }
        in_one += what != BENCH_TAPE_COMMIT;
        at += 1 + sizeof(lengths) + lengths[0] + lengths[1];
        if (in_one >= RAW_PUTS_A_COMMIT || at == tape->length) {
            raw_must(mdb_txn_commit(txn), "commit");
            if (at < tape->length) {
                raw_must(mdb_txn_begin(env, NULL, 0, &txn), "begin");
            }
            in_one = 0;
        }
    }
    const double took = bench_seconds() - began;
    mdb_env_close(env);
    return took;
}

/* One row an entry, of as many bytes as its delta has on the wire: what a map on the disk does. */
static double put_raw(size_t count, size_t bytes, const char *name)
{
    static uint8_t zeros[4096];
    MDB_dbi records;
    MDB_env *env = open_raw(name, &records);
    MDB_txn *txn = NULL;
    const double began = bench_seconds();

    for (size_t i = 0; i < count; i++) {
        uint8_t key[MCPZ_ID_BYTES + 12];
        const struct mcpz_id document = bench_document(i % DOCUMENTS);
        memcpy(key, document.bytes, MCPZ_ID_BYTES);
        (void)snprintf((char *)key + MCPZ_ID_BYTES, 12, "field-%04zu", i / DOCUMENTS);
        MDB_val name_val = {.mv_size = MCPZ_ID_BYTES + 10, .mv_data = key};
        MDB_val value = {.mv_size = bytes > name_val.mv_size ? bytes - name_val.mv_size : 1,
                         .mv_data = zeros};
        if (txn == NULL) {
            raw_must(mdb_txn_begin(env, NULL, 0, &txn), "begin");
        }
        raw_must(mdb_put(txn, records, &name_val, &value, 0), "put");
        if (i % RAW_PUTS_A_COMMIT == RAW_PUTS_A_COMMIT - 1 || i + 1 == count) {
            raw_must(mdb_txn_commit(txn), "commit");
            txn = NULL;
        }
    }
    const double took = bench_seconds() - began;
    mdb_env_close(env);
    return took;
}

static void say_raw(const struct bench_tape *tape, size_t deltas, size_t bytes)
{
    bench_say("rows of an entry", (double)tape->puts / (double)deltas, "");
    bench_say("bytes of those rows", (double)tape->length / (double)deltas, "B");
    bench_say("raw LMDB: the same rows", (double)deltas / replay(tape, "raw-rows"), "/s");
    bench_say("raw LMDB: one row an entry", (double)deltas / put_raw(deltas, bytes, "raw-one"),
              "/s");
}

static void apply(size_t batch, bool is_kept)
{
    const size_t deltas = batch == 1 ? DELTAS_ALONE : DELTAS;
    const char *where = is_kept ? "into LMDB" : "in memory";
    struct bench_frames frames = {.length = 0};
    struct bench_tape tape = {.length = 0};
    struct bench_pair pair;
    char path[4096];

    (void)snprintf(path, sizeof(path), "%s/keeper-%zu", directory, batch);
    bench_pair_open(&pair, is_kept ? path : NULL);
    create_all(&pair, DOCUMENTS);
    const double written = write_all(&pair, deltas, batch, &frames);
    const double began = bench_seconds();
    bench_hand_over(&pair, &frames, &pair.keeper);
    bench_settle(&pair.keeper);
    say_of("apply", where, batch, (double)deltas / (bench_seconds() - began), "/s");
    if (mcpz_engine_node(pair.keeper.engine)->agents.deltas_merged != deltas + DOCUMENTS) {
        bench_die("not all deltas were applied");
    }
    if (!is_kept) {
        say_of("write and sign", where, batch, written, "/s");
        say_of("bytes on the wire", "new entry", batch, (double)frames.length / (double)deltas,
               "B");
    }
    bench_pair_close(&pair);
    if (is_kept && batch == TURN_DELTAS) { /* the same again, and what it writes is noted */
        bench_pair_open(&pair, NULL);
        create_all(&pair, DOCUMENTS);
        bench_frames_clear(&frames);
        (void)write_all(&pair, deltas, batch, &frames);
        pair.keeper.tape = &tape;
        bench_hand_over(&pair, &frames, &pair.keeper);
        bench_pair_close(&pair);
        say_raw(&tape, deltas, frames.length / deltas);
        free(tape.bytes);
    }
    free(frames.bytes);
}

static void bench_apply(void)
{
    static const size_t batches[] = {1, 16, TURN_DELTAS};

    for (int is_kept = 0; is_kept < 2; is_kept++) {
        for (size_t i = 0; i < sizeof(batches) / sizeof(batches[0]); i++) {
            apply(batches[i], is_kept == 1);
        }
    }
}

/* ---- On the wire -----------------------------------------------------------------------------
 */

/* Of fields that have a value already: each delta takes one entry out, and puts one in. */
static void bench_wire(void)
{
    struct bench_frames frames = {.length = 0};
    struct bench_pair pair;

    bench_pair_open(&pair, NULL);
    create_all(&pair, 16);
    for (size_t round = 0; round < 3; round++) {
        bench_frames_clear(&frames);
        for (size_t i = 0; i < 16; i++) {
            write_field(&pair, i, 0, round * 1000 + i);
        }
        bench_leave(&pair.author);
        bench_pull(&pair.author, &frames);
        bench_hand_over(&pair, &frames, &pair.keeper);
    }
    bench_say("one entry replaced, on the wire", (double)frames.length / 16, "B");
    bench_pair_close(&pair);
    free(frames.bytes);
}

/* ---- Checkpoints -----------------------------------------------------------------------------
 */

struct sink {
    struct mcpz_digest_state digest;
    size_t length;
};

static mcpz_error add(void *context, struct mcpz_bytes bytes)
{
    struct sink *sink = context;

    sink->length += bytes.length;
    return MCPZ_OK;
}

static size_t encode(struct bench_pair *pair, struct bench_side *side, size_t number)
{
    struct sink sink = {.length = 0};
    const struct mcpz_checkpoint_sink to = {.context = &sink, .add = add};
    const struct mcpz_id document = bench_document(number);
    const struct mcpz_store *store = mcpz_engine_store(bench_enter(pair, side));

    if (mcpz_checkpoint_write(store, &document, &to) != MCPZ_OK) {
        bench_die("no checkpoint");
    }
    bench_leave(side);
    return sink.length;
}

static size_t encode_all(struct bench_pair *pair, struct bench_side *side, size_t count)
{
    size_t length = 0;

    for (size_t i = 0; i < count; i++) {
        length += encode(pair, side, i);
    }
    return length;
}

/* MERGE_DOCUMENTS of MERGE_ENTRIES, at both. */
static void fill(struct bench_pair *pair)
{
    struct bench_frames frames = {.length = 0};
    const size_t total = (size_t)MERGE_DOCUMENTS * MERGE_ENTRIES;

    create_all(pair, MERGE_DOCUMENTS);
    for (size_t i = 0; i < total; i++) {
        write_field(pair, i / MERGE_ENTRIES, i % MERGE_ENTRIES, i);
        if (i % TURN_DELTAS == TURN_DELTAS - 1 || i + 1 == total) {
            bench_leave(&pair->author);
            bench_pull(&pair->author, &frames);
            bench_hand_over(pair, &frames, &pair->keeper);
            bench_frames_clear(&frames);
        }
    }
    bench_settle(&pair->keeper);
    free(frames.bytes);
}

static void say_checkpoint(struct bench_pair *pair, struct bench_side *side, const char *where)
{
    const double began = bench_seconds();
    const size_t length = encode_all(pair, side, MERGE_DOCUMENTS);

    say_of("checkpoints encoded", where, (size_t)MERGE_DOCUMENTS * MERGE_ENTRIES,
           (double)length / 1e6 / (bench_seconds() - began), "MB/s");
}

/* Beyond path and value, as canonical MessagePack has them. */
static double overhead(size_t length)
{
    char text[64];
    size_t bare = 0;

    for (size_t i = 0; i < (size_t)MERGE_DOCUMENTS * MERGE_ENTRIES; i++) {
        bare += 12 + 1 + (size_t)snprintf(text, sizeof(text), "step %zu of %zu", i, i * 7);
    }
    return (double)(length - bare) / (MERGE_DOCUMENTS * MERGE_ENTRIES);
}

static void bench_checkpoint(void)
{
    struct bench_pair pair;
    char path[4096];

    (void)snprintf(path, sizeof(path), "%s/checkpoint", directory);
    bench_pair_open(&pair, path);
    fill(&pair);
    say_checkpoint(&pair, &pair.author, "from memory");
    say_checkpoint(&pair, &pair.keeper, "from LMDB");
    bench_say("overhead of a live entry, encoded",
              overhead(encode_all(&pair, &pair.author, MERGE_DOCUMENTS)), "B");
    bench_pair_close(&pair);
}

/* ---- Merging ---------------------------------------------------------------------------------
 */

/* Edits of `side`, spread over all fields, that the other does not see yet. */
static void edit(struct bench_pair *pair, struct bench_side *side, size_t first,
                 struct bench_frames *frames)
{
    char key[32];
    char text[64];

    for (size_t i = 0; i < MERGE_EDITS; i++) {
        const size_t at = first + i * 10;
        (void)snprintf(key, sizeof(key), "field-%04zu", at % MERGE_ENTRIES);
        (void)snprintf(text, sizeof(text), "edit %zu of %zu", at, at * 7);
        bench_set(pair, side, at / MERGE_ENTRIES, key, text);
        if (i % TURN_DELTAS == TURN_DELTAS - 1 || i + 1 == MERGE_EDITS) {
            bench_leave(side);
            bench_settle(side); /* what is not on the disk is told to nobody */
            bench_pull(side, frames);
        }
    }
}

static double take_in(struct bench_pair *pair, const struct bench_frames *frames,
                      struct bench_side *side)
{
    const double began = bench_seconds();

    bench_hand_over(pair, frames, side);
    bench_settle(side);
    return (bench_seconds() - began) * 1e3;
}

static void check_equal(struct bench_pair *pair)
{
    uint8_t ours[MCPZ_DIGEST_BYTES];
    uint8_t theirs[MCPZ_DIGEST_BYTES];

    for (size_t i = 0; i < MERGE_DOCUMENTS; i++) {
        const struct mcpz_id document = bench_document(i);
        if (mcpz_engine_root(bench_enter(pair, &pair->author), &document, ours) != MCPZ_OK ||
            mcpz_engine_root(bench_enter(pair, &pair->keeper), &document, theirs) != MCPZ_OK ||
            memcmp(ours, theirs, sizeof(ours)) != 0) {
            bench_die("they did not become equal");
        }
        bench_leave(&pair->author);
        bench_leave(&pair->keeper);
    }
}

static void merge(bool is_kept)
{
    const char *where = is_kept ? "into LMDB" : "in memory";
    struct bench_frames of_author = {.length = 0};
    struct bench_frames of_keeper = {.length = 0};
    struct bench_pair pair;
    char path[4096];

    (void)snprintf(path, sizeof(path), "%s/merge", directory);
    bench_pair_open(&pair, is_kept ? path : NULL);
    fill(&pair);
    edit(&pair, &pair.author, 0, &of_author);
    edit(&pair, &pair.keeper, 5, &of_keeper); /* other fields of the same documents */
    say_of("merge concurrent edits", where, MERGE_EDITS, take_in(&pair, &of_author, &pair.keeper),
           "ms");
    (void)take_in(&pair, &of_keeper, &pair.author);
    if (!is_kept) {
        bench_say("bytes of those edits", (double)of_author.length, "B");
        bench_say("all documents, encoded",
                  (double)encode_all(&pair, &pair.author, MERGE_DOCUMENTS), "B");
    }
    check_equal(&pair);
    bench_pair_close(&pair);
    free(of_author.bytes);
    free(of_keeper.bytes);
}

/* ---- What is written again and again ---------------------------------------------------------
 */

/* As counters and heartbeats are: a short name, a number. */
static void beat(struct bench_pair *pair, size_t number)
{
    static uint32_t chance; /* the peers draw the same: crdt_peers/peers.mjs */
    char key[16];
    char text[16];

    chance = (chance * 69069 + 12345) & 0x7fffffff;
    (void)snprintf(key, sizeof(key), "hot-%u", (chance >> 16) % HOT_KEYS);
    (void)snprintf(text, sizeof(text), "%zu", number);
    bench_set(pair, &pair->author, 0, key, text);
}

/* Rows of the document that are kept beside its entries. */
static size_t count_deltas(struct bench_pair *pair, struct bench_side *side)
{
    const struct mcpz_store *store = mcpz_engine_store(bench_enter(pair, side));
    struct mcpz_record record = {.kind = MCPZ_RECORD_DELTA,
                                 .delta = {.delta = {.document = bench_document(0)}}};
    size_t count = 0;

    while (store->next(store->context, MCPZ_SCAN_DOCUMENT, count == 0, &record) == MCPZ_OK) {
        count++;
    }
    bench_leave(side);
    return count;
}

static void beat_often(struct bench_pair *pair)
{
    struct bench_frames frames = {.length = 0};

    create_all(pair, 1);
    for (size_t i = 0; i < HOT_WRITES; i++) {
        beat(pair, i);
        if (i % TURN_DELTAS == TURN_DELTAS - 1 || i + 1 == HOT_WRITES) {
            bench_leave(&pair->author);
            bench_pull(&pair->author, &frames);
            bench_hand_over(pair, &frames, &pair->keeper);
            bench_frames_clear(&frames);
        }
    }
    free(frames.bytes);
}

/* All of them lie there before the first is folded: nothing would be larger. */
static void bench_hot(void)
{
    struct mcpz_lmdb_stats stats;
    struct bench_pair pair;
    char path[4096];

    (void)snprintf(path, sizeof(path), "%s/hot", directory);
    bench_pair_open_folding(&pair, path);
    beat_often(&pair);
    bench_settle(&pair.keeper);
    bench_say("hot document, encoded", (double)encode(&pair, &pair.keeper, 0), "B");
    mcpz_lmdb_stats(pair.keeper.lmdb, &stats);
    bench_say("store of the hot document, before folding", (double)stats.used_bytes, "B");
    pair.keeper.slowest_s = 0;
    bench_pass(&pair, 2400); /* some of them a second */
    bench_settle(&pair.keeper);
    mcpz_lmdb_stats(pair.keeper.lmdb, &stats);
    bench_say("slowest turn of folding", pair.keeper.slowest_s * 1e3, "ms");
    bench_say("deltas kept of the hot document", (double)count_deltas(&pair, &pair.keeper), "");
    bench_say("store of the hot document, folded", (double)stats.used_bytes, "B");
    bench_pair_close(&pair);
}

int main(int argc, char **argv)
{
    if (argc < 3 || mcpz_crypto_init() != MCPZ_OK) {
        (void)fprintf(stderr, "usage: bench-agents DIRECTORY PART ...  of apply, wire, "
                              "checkpoint, merge, hot\n");
        return 2;
    }
    directory = argv[1];
    for (int i = 2; i < argc; i++) {
        if (strcmp(argv[i], "apply") == 0) {
            bench_apply();
        } else if (strcmp(argv[i], "wire") == 0) {
            bench_wire();
        } else if (strcmp(argv[i], "checkpoint") == 0) {
            bench_checkpoint();
        } else if (strcmp(argv[i], "merge") == 0) {
            merge(false);
            merge(true);
        } else if (strcmp(argv[i], "hot") == 0) {
            bench_hot();
        } else {
            bench_die("no such part");
        }
    }
    return EXIT_SUCCESS;
}
