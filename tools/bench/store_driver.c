/*
 * What the disk and LMDB allow: records of durable tasks written to two stores, one after the
 * other, as an owner and its backup write them, and nothing else. No network, no engine.
 *
 *   bench-store DIRECTORY [--count N] [--batch N]
 *
 * A batch of tasks is one transaction in each store, synced before the next begins: that is what
 * "acknowledged" means. Prints one line of JSON.
 */

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include <lmdb.h>

#define MAP_BYTES (UINT64_C(1) << 34)
#define KEY_BYTES 17   /* kind, and a task's id: rising */
#define BODY_BYTES 190 /* with 128 B of parameters */
#define STATE_BYTES 130
#define PLACE_BYTES 34

struct store {
    MDB_env *env;
    MDB_dbi records;
    int copies; /* rows of one task */
};

static _Noreturn void die(const char *what, int code)
{
    fprintf(stderr, "%s: %s\n", what, mdb_strerror(code));
    exit(EXIT_FAILURE);
}

static void open_store(struct store *store, const char *directory, const char *name, int copies)
{
    char path[4096];
    MDB_txn *txn;

    (void)snprintf(path, sizeof(path), "%s/%s", directory, name);
    if (mkdir(path, 0700) != 0) {
        die(path, errno);
    }
    store->copies = copies;
    int failed = mdb_env_create(&store->env);
    failed = failed == 0 ? mdb_env_set_mapsize(store->env, MAP_BYTES) : failed;
    failed =
        failed == 0 ? mdb_env_open(store->env, path, MDB_NOTLS | MDB_NORDAHEAD, 0600) : failed;
    failed = failed == 0 ? mdb_txn_begin(store->env, NULL, 0, &txn) : failed;
    failed = failed == 0 ? mdb_dbi_open(txn, NULL, 0, &store->records) : failed;
    failed = failed == 0 ? mdb_txn_commit(txn) : failed;
    if (failed != 0) {
        die(path, failed);
    }
}

static void put(const struct store *store, MDB_txn *txn, char kind, uint64_t number, size_t length)
{
    static uint8_t zeros[BODY_BYTES];
    uint8_t key[PLACE_BYTES] = {(uint8_t)kind};
    size_t key_length = kind == 'l' ? PLACE_BYTES : KEY_BYTES;
    MDB_val value = {.mv_size = length, .mv_data = zeros};
    MDB_val name = {.mv_size = key_length, .mv_data = key};

    for (size_t i = 0; i < 8; i++) {
        key[key_length - 9 - i] = (uint8_t)(number >> 8 * i);
    }
    int failed = mdb_put(txn, store->records, &name, &value, 0);
    if (failed != 0) {
        die("put", failed);
    }
}

static void write_batch(const struct store *store, uint64_t first, size_t count)
{
    MDB_txn *txn;
    int failed = mdb_txn_begin(store->env, NULL, 0, &txn);

    if (failed != 0) {
        die("begin", failed);
    }
    for (uint64_t number = first; number < first + count; number++) {
        put(store, txn, 'b', number, BODY_BYTES);
        put(store, txn, 's', number, STATE_BYTES);
        if (store->copies == 3) {
            put(store, txn, 'l', number, 1);
        }
    }
    failed = mdb_txn_commit(txn);
    if (failed != 0) {
        die("commit", failed);
    }
}

static double now_s(clockid_t clock)
{
    struct timespec now;

    (void)clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
    struct store owner;
    struct store backup;
    size_t count = 200000;
    size_t batch = 2048;

    if (argc < 2) {
        fprintf(stderr, "usage: bench-store DIRECTORY [--count N] [--batch N]\n");
        return 2;
    }
    for (int i = 2; i + 1 < argc; i += 2) {
        size_t *number = strcmp(argv[i], "--count") == 0 ? &count : &batch;
        *number = strtoul(argv[i + 1], NULL, 10);
    }
    open_store(&owner, argv[1], "owner", 3);
    open_store(&backup, argv[1], "backup", 2);
    double begun_s = now_s(CLOCK_MONOTONIC);
    for (size_t at = 0; at < count; at += batch) {
        size_t size = count - at < batch ? count - at : batch;
        write_batch(&owner, at, size);
        write_batch(&backup, at, size);
    }
    double took_s = now_s(CLOCK_MONOTONIC) - begun_s;
    printf("{\"count\":%zu,\"batch\":%zu,\"seconds\":%.6f,\"cpu_s\":%.6f,\"per_second\":%.1f}\n",
           count, batch, took_s, now_s(CLOCK_PROCESS_CPUTIME_ID), (double)count / took_s);
    mdb_env_close(owner.env);
    mdb_env_close(backup.env);
    return EXIT_SUCCESS;
}
