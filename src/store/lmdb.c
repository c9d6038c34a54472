#include "store/lmdb.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include <lmdb.h>

#include "proto/limits.h"
#include "store/directory.h"
#include "store/env.h"
#include "store/unsaved.h"
#include "store/writer.h"

struct mcpz_lmdb {
    int lock; /* of the directory; -1: not held */
    struct mcpz_env env;
    struct mcpz_unsaved unsaved;
    struct mcpz_writer writer;
    MDB_txn *reader;
    MDB_cursor *cursor; /* of `reader` */
    bool in_turn;       /* something was asked or written since the last commit */
    bool reading;       /* `reader` is live */
};

/* ---- What is on disk ---------------------------------------------------------------------- */

static mcpz_error begin_reading(struct mcpz_lmdb *lmdb)
{
    if (lmdb->reading) {
        return MCPZ_OK;
    }
    int failed = mdb_txn_renew(lmdb->reader);
    if (failed != MDB_SUCCESS) {
        return mcpz_env_error(failed);
    }
    failed = mdb_cursor_renew(lmdb->reader, lmdb->cursor);
    if (failed != MDB_SUCCESS) {
        mdb_txn_reset(lmdb->reader);
        return mcpz_env_error(failed);
    }
    lmdb->reading = true;
    return MCPZ_OK;
}

static void end_reading(struct mcpz_lmdb *lmdb)
{
    if (lmdb->reading) {
        mdb_txn_reset(lmdb->reader);
        lmdb->reading = false;
    }
}

static struct mcpz_bytes bytes_of(MDB_val val)
{
    return mcpz_bytes(val.mv_data, val.mv_size);
}

static mcpz_error disk_get(void *context, struct mcpz_bytes key, struct mcpz_bytes *value)
{
    struct mcpz_lmdb *lmdb = context;
    MDB_val wanted = mcpz_env_val(key);
    MDB_val found;

    mcpz_error error = begin_reading(lmdb);
    if (error != MCPZ_OK) {
        return error;
    }
    int failed = mdb_get(lmdb->reader, lmdb->env.records, &wanted, &found);
    if (failed != MDB_SUCCESS) {
        return mcpz_env_error(failed);
    }
    *value = bytes_of(found);
    return MCPZ_OK;
}

static mcpz_error disk_next(void *context, struct mcpz_bytes after, bool inclusive,
                            struct mcpz_bytes *key, struct mcpz_bytes *value)
{
    struct mcpz_lmdb *lmdb = context;
    MDB_val found_key = mcpz_env_val(after);
    MDB_val found;

    mcpz_error error = begin_reading(lmdb);
    if (error != MCPZ_OK) {
        return error;
    }
    /* LMDB has no empty keys, and refuses to look for one. */
    int failed = mdb_cursor_get(lmdb->cursor, &found_key, &found,
                                after.length == 0 ? MDB_FIRST : MDB_SET_RANGE);
    if (failed == MDB_SUCCESS && !inclusive && mcpz_bytes_equal(bytes_of(found_key), after)) {
        failed = mdb_cursor_get(lmdb->cursor, &found_key, &found, MDB_NEXT);
    }
    if (failed != MDB_SUCCESS) {
        return mcpz_env_error(failed);
    }
    int order = mcpz_bytes_compare(bytes_of(found_key), after);
    if (order < 0 || (order == 0 && !inclusive)) {
        return MCPZ_ECORRUPT; /* a walk must come to an end, whatever the disk does to its keys */
    }
    *key = bytes_of(found_key);
    *value = bytes_of(found);
    return MCPZ_OK;
}

/* ---- The store ---------------------------------------------------------------------------- */

static mcpz_error lmdb_get(void *context, struct mcpz_bytes key, struct mcpz_bytes *value)
{
    struct mcpz_lmdb *lmdb = context;
    lmdb->in_turn = true;
    return mcpz_unsaved_get(&lmdb->unsaved, key, value);
}

static mcpz_error lmdb_next(void *context, struct mcpz_bytes after, bool inclusive,
                            struct mcpz_bytes *key, struct mcpz_bytes *value)
{
    struct mcpz_lmdb *lmdb = context;
    lmdb->in_turn = true;
    return mcpz_unsaved_next(&lmdb->unsaved, after, inclusive, key, value);
}

static void lmdb_put(void *context, struct mcpz_bytes key, struct mcpz_bytes value)
{
    struct mcpz_lmdb *lmdb = context;
    lmdb->in_turn = true;
    mcpz_unsaved_put(&lmdb->unsaved, key, value);
}

static void lmdb_remove(void *context, struct mcpz_bytes key)
{
    struct mcpz_lmdb *lmdb = context;
    lmdb->in_turn = true;
    mcpz_unsaved_remove(&lmdb->unsaved, key);
}

static uint64_t lmdb_commit(void *context)
{
    struct mcpz_lmdb *lmdb = context;
    struct mcpz_batch *batch;

    end_reading(lmdb);
    lmdb->in_turn = false;
    uint64_t number = mcpz_unsaved_commit(&lmdb->unsaved, &batch);
    if (batch != NULL) {
        mcpz_writer_give(&lmdb->writer, batch);
    }
    return number;
}

static struct mcpz_kv_progress lmdb_progress(void *context)
{
    struct mcpz_lmdb *lmdb = context;
    struct mcpz_writer_news news;
    struct mcpz_batch *batch;

    assert(!lmdb->in_turn);
    assert(!lmdb->reading);
    mcpz_writer_take(&lmdb->writer, &news);
    while ((batch = mcpz_batches_take(&news.done)) != NULL) {
        mcpz_unsaved_settle(&lmdb->unsaved, batch);
        mcpz_batch_destroy(batch);
    }

    struct mcpz_kv_progress progress =
        mcpz_unsaved_progress(&lmdb->unsaved, news.durable, news.error);
    mcpz_batches_destroy(&news.stale);
    return progress;
}

/* ---- Opening ------------------------------------------------------------------------------ */

static mcpz_error open_reader(struct mcpz_lmdb *lmdb)
{
    int failed = mdb_txn_begin(lmdb->env.mdb, NULL, MDB_RDONLY, &lmdb->reader);
    if (failed != MDB_SUCCESS) {
        lmdb->reader = NULL;
        return mcpz_env_error(failed);
    }
    failed = mdb_cursor_open(lmdb->reader, lmdb->env.records, &lmdb->cursor);
    if (failed != MDB_SUCCESS) {
        lmdb->cursor = NULL;
        return mcpz_env_error(failed);
    }
    mdb_txn_reset(lmdb->reader);
    return MCPZ_OK;
}

static void release(struct mcpz_lmdb *lmdb)
{
    if (lmdb->cursor != NULL) {
        mdb_cursor_close(lmdb->cursor);
    }
    if (lmdb->reader != NULL) {
        mdb_txn_abort(lmdb->reader);
    }
    mcpz_env_close(&lmdb->env);
    if (lmdb->lock >= 0) {
        mcpz_directory_close(lmdb->lock);
    }
    free(lmdb);
}

static mcpz_error open_parts(struct mcpz_lmdb *lmdb, const struct mcpz_lmdb_config *config,
                             struct mcpz_lmdb_trouble *trouble)
{
    struct mcpz_env_fill fill;

    mcpz_error error = mcpz_directory_open(config->directory, &lmdb->lock, trouble);
    if (error != MCPZ_OK) {
        return error;
    }
    error = mcpz_env_open(&lmdb->env, config, &fill, trouble);
    if (error != MCPZ_OK) {
        return error;
    }
    error = open_reader(lmdb);
    if (error == MCPZ_OK) {
        mcpz_reserve_open(&lmdb->env.reserve, config->directory);
        error = mcpz_writer_start(&lmdb->writer, &lmdb->env, &fill, config);
    }
    if (error != MCPZ_OK) {
        snprintf(trouble->text, sizeof(trouble->text), "cannot start the store in %.300s: %s",
                 config->directory, mcpz_strerror(error));
    }
    return error;
}

mcpz_error mcpz_lmdb_open(const struct mcpz_lmdb_config *config, struct mcpz_lmdb **lmdb,
                          struct mcpz_kv *kv, struct mcpz_lmdb_trouble *trouble)
{
    *lmdb = NULL;
    trouble->text[0] = '\0';

    struct mcpz_lmdb *made = malloc(sizeof(*made));
    if (made == NULL) {
        snprintf(trouble->text, sizeof(trouble->text), "%s", mcpz_strerror(MCPZ_ENOMEM));
        return MCPZ_ENOMEM;
    }
    *made =
        (struct mcpz_lmdb){.lock = -1, .env = {.stamp = {.file = -1}, .reserve = {.file = -1}}};
    mcpz_error error = open_parts(made, config, trouble);
    if (error != MCPZ_OK) {
        release(made);
        return error;
    }

    const struct mcpz_below below = {.context = made, .get = disk_get, .next = disk_next};
    mcpz_unsaved_init(&made->unsaved, &below, MCPZ_STORE_QUEUE_BYTES_MAX);
    *kv = (struct mcpz_kv){
        .context = made,
        .get = lmdb_get,
        .next = lmdb_next,
        .put = lmdb_put,
        .remove = lmdb_remove,
        .commit = lmdb_commit,
        .progress = lmdb_progress,
    };
    *lmdb = made;
    return MCPZ_OK;
}

void mcpz_lmdb_close(struct mcpz_lmdb *lmdb)
{
    if (lmdb == NULL) {
        return;
    }
    end_reading(lmdb);
    mcpz_writer_stop(&lmdb->writer);
    mcpz_unsaved_finish(&lmdb->unsaved);
    release(lmdb);
}

bool mcpz_lmdb_is_set_back(const struct mcpz_lmdb *lmdb)
{
    return lmdb->env.set_back;
}

bool mcpz_lmdb_is_vouched_for(const struct mcpz_lmdb *lmdb)
{
    return lmdb->env.is_vouched_for;
}

void mcpz_lmdb_stats(struct mcpz_lmdb *lmdb, struct mcpz_lmdb_stats *stats)
{
    mcpz_writer_stats(&lmdb->writer, stats);
}

const struct mcpz_env *mcpz_lmdb_env(const struct mcpz_lmdb *lmdb)
{
    return &lmdb->env;
}
