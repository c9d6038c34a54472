/*
 * An LMDB environment with our records in it.
 *
 *   main database      "mcpz-format" -> format version, u32 big-endian
 *   database "records" the kv store's keys and values, nothing else
 *
 * The map starts at `map_bytes` and doubles up to `map_bytes_max`: mcpz_env_grow(). LMDB moves it
 * then, so nobody may read or write meanwhile.
 */

#ifndef STORE_ENV_H
#define STORE_ENV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <lmdb.h>

#include <mcpz/error.h>

#include "base/attr.h"
#include "base/bytes.h"
#include "store/batch.h"
#include "store/lmdb.h"
#include "store/reserve.h"
#include "store/stamp.h"
#include "store/witness.h"

struct mcpz_env {
    MDB_env *mdb;
    MDB_dbi records;
    size_t map_bytes;
    size_t map_bytes_max;
    struct mcpz_stamp stamp;
    bool set_back; /* see store/stamp.h */
    struct mcpz_witness witness;
    bool is_vouched_for; /* see store/witness.h */
    struct mcpz_reserve reserve;
};

/* How much is in it. */
struct mcpz_env_fill {
    uint64_t entries;
    uint64_t used_bytes; /* of pages that hold records */
};

/**
 * Open or make the environment in a directory that this process holds. Errors as
 * mcpz_lmdb_open(), but for MCPZ_ECONFLICT; `env->mdb` is then NULL.
 */
MCPZ_MUST_USE mcpz_error mcpz_env_open(struct mcpz_env *env, const struct mcpz_lmdb_config *config,
                                       struct mcpz_env_fill *fill,
                                       struct mcpz_lmdb_trouble *trouble);
void mcpz_env_close(struct mcpz_env *env);

/**
 * Write batches in one transaction and sync. On error nothing of them is there.
 *
 * Errors: MCPZ_EFULL  the map is full
 *         MCPZ_ENOSPACE, MCPZ_EIO, MCPZ_ENOMEM, MCPZ_ECORRUPT
 */
MCPZ_MUST_USE mcpz_error mcpz_env_write(const struct mcpz_env *env,
                                        const struct mcpz_batches *batches,
                                        struct mcpz_env_fill *fill);

/** May the map still grow? */
static inline bool mcpz_env_may_grow(const struct mcpz_env *env)
{
    return env->map_bytes < env->map_bytes_max;
}

/**
 * Double the map, up to its bound. No transaction may be live.
 *
 * Errors: MCPZ_ENOMEM  no room in the address space; the map is as it was
 */
MCPZ_MUST_USE mcpz_error mcpz_env_grow(struct mcpz_env *env);

/* For LMDB to read. It does not write through it, but its type does not say so. */
static inline MDB_val mcpz_env_val(struct mcpz_bytes bytes)
{
    MDB_val val = {.mv_size = bytes.length};
    memcpy(&val.mv_data, &bytes.data, sizeof(val.mv_data));
    return val;
}

/** What LMDB's answer is among our errors. */
mcpz_error mcpz_env_error(int code);

#endif
