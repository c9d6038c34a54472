/*
 * The real store: LMDB, written by a thread of its own.
 *
 * The loop reads through one read transaction, renewed at the first read of a turn and let go at
 * its commit(), with the batches not yet durable laid over it. The store thread takes all batches
 * that wait (up to MCPZ_BATCH_OPERATIONS_MAX operations), commits them with a full sync, and says
 * so through `notify`; a lone batch does not wait for more. The map doubles when it is full, up
 * to `map_bytes_max`: progress() does it, so call progress() whenever `notify` was called. A full
 * map or disk fails the batches (see proto/kv.h) and loses nothing older.
 *
 * A batch for which the queue (MCPZ_STORE_QUEUE_BYTES_MAX) has no room fails as MCPZ_EFULL.
 *
 * A directory is held by one process: a lock file names the holder.
 */

#ifndef STORE_LMDB_H
#define STORE_LMDB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mcpz/error.h>

#include "base/attr.h"
#include "base/durations.h"
#include "proto/kv.h"

#define MCPZ_STORE_FORMAT 4

struct mcpz_lmdb_config {
    const char *directory; /* made (mode 0700) if it is not there */
    size_t map_bytes;      /* first size of the map, at least 64 KiB; grows by doubling */
    size_t map_bytes_max;  /* a file that is larger already is opened all the same */
    const char *witness;   /* where a line is kept in memory (store/witness.h); NULL: nowhere */

    /* Called from the store thread when progress() has news. Must only wake the loop. */
    void (*notify)(void *context);
    void *notify_context;
};

struct mcpz_env;
struct mcpz_lmdb;

/* Why an open failed, for people: what, where, what to do. */
struct mcpz_lmdb_trouble {
    char text[512];
};

/**
 * Open or make the store. On success `*kv` works until mcpz_lmdb_close(). On error `*lmdb` is
 * NULL and `trouble->text` says what is wrong.
 *
 * Errors: MCPZ_ECONFLICT  another process holds the directory: its pid and name are in the text
 *         MCPZ_EVERSION   written by another format version
 *         MCPZ_ECORRUPT   not a store, or damaged
 *         MCPZ_ENOSPACE, MCPZ_EIO, MCPZ_ENOMEM
 */
MCPZ_MUST_USE mcpz_error mcpz_lmdb_open(const struct mcpz_lmdb_config *config,
                                        struct mcpz_lmdb **lmdb, struct mcpz_kv *kv,
                                        struct mcpz_lmdb_trouble *trouble);

/**
 * Write what was handed over, stop the thread, let the directory go. A turn under way is lost.
 * NULL is fine.
 */
void mcpz_lmdb_close(struct mcpz_lmdb *lmdb);

/**
 * Was the store put back, or is it a copy (store/stamp.h)? Then others may have seen writes of
 * ours that are not in it.
 */
bool mcpz_lmdb_is_set_back(const struct mcpz_lmdb *lmdb);

/** Does memory vouch for it (store/witness.h)? If not, it may have been put back unseen. */
bool mcpz_lmdb_is_vouched_for(const struct mcpz_lmdb *lmdb);

/** The environment below it: for store/pin.c. */
const struct mcpz_env *mcpz_lmdb_env(const struct mcpz_lmdb *lmdb);

struct mcpz_lmdb_stats {
    uint64_t commits;
    uint64_t failed_commits;
    uint64_t writes; /* in those that were made */
    uint64_t commit_us_last;
    uint64_t commit_us_max;
    struct mcpz_durations took; /* commits, with their sync */
    uint64_t entries;           /* keys on disk */
    uint64_t used_bytes;        /* by pages that hold records */
    uint64_t map_bytes;
};

/** How it fares. Cheap; from any thread. */
void mcpz_lmdb_stats(struct mcpz_lmdb *lmdb, struct mcpz_lmdb_stats *stats);

#endif
