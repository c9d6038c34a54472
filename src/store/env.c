#include "store/env.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "store/check.h"
#include "store/directory.h"
#include "store/group.h"

#define DATA_FILE "data.mdb"
#define FORMAT_KEY "mcpz-format"
#define RECORDS "records"

/* Less than this and a write cut short was cut by a full disk: LMDB only says EIO then. */
#define FREE_BYTES_MIN 1048576

mcpz_error mcpz_env_error(int code)
{
    switch (code) {
    case MDB_SUCCESS:
        return MCPZ_OK;
    case MDB_NOTFOUND:
        return MCPZ_ENOTFOUND;
    case MDB_MAP_FULL:
        return MCPZ_EFULL;
    case MDB_CORRUPTED:
    case MDB_PAGE_NOTFOUND:
    case MDB_INVALID:
    case MDB_INCOMPATIBLE:
    case MDB_BAD_DBI:
    case MDB_MAP_RESIZED: /* by nobody: this process alone holds the directory */
        return MCPZ_ECORRUPT;
    case MDB_VERSION_MISMATCH:
        return MCPZ_EVERSION;
    default:
        return mcpz_directory_error(code);
    }
}

/* ---- Opening ------------------------------------------------------------------------------ */

static size_t page_rounded(size_t bytes)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    return bytes <= SIZE_MAX - page ? (bytes + page - 1) / page * page : bytes / page * page;
}

static mcpz_error explain(struct mcpz_lmdb_trouble *trouble, const char *directory,
                          mcpz_error error, const char *detail)
{
    const char *advice = "";

    if (error == MCPZ_ECORRUPT) {
        advice = ". Restore the directory from a backup, or move it away to start with an empty "
                 "store";
    } else if (error == MCPZ_ENOSPACE || error == MCPZ_EFULL) {
        advice = ". Make room on the disk, or raise the store's limit";
    }
    snprintf(trouble->text, sizeof(trouble->text), "%.200s/" DATA_FILE ": %s: %.100s%s", directory,
             mcpz_strerror(error), detail, advice);
    return error;
}

static mcpz_error format_of(MDB_val value, const char *directory,
                            struct mcpz_lmdb_trouble *trouble)
{
    const uint8_t *bytes = value.mv_data;

    if (value.mv_size != 4) {
        return explain(trouble, directory, MCPZ_ECORRUPT, "its format version is unreadable");
    }
    uint32_t format = (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 |
                      (uint32_t)bytes[2] << 8 | (uint32_t)bytes[3];
    if (format != MCPZ_STORE_FORMAT) {
        snprintf(
            trouble->text, sizeof(trouble->text),
            "%.200s holds a store of format %u; this program reads format %u. Run the version "
            "of mcpz that wrote it, or choose another data directory",
            directory, (unsigned)format, (unsigned)MCPZ_STORE_FORMAT);
        return MCPZ_EVERSION;
    }
    return MCPZ_OK;
}

/* Fill a new environment, or check that this one is ours. */
static mcpz_error open_records(struct mcpz_env *env, MDB_txn *txn, bool fresh,
                               const char *directory, struct mcpz_lmdb_trouble *trouble)
{
    MDB_val key = mcpz_env_val(mcpz_text(FORMAT_KEY));
    MDB_val value;
    MDB_dbi names;

    int failed = mdb_dbi_open(txn, NULL, 0, &names);
    if (failed == MDB_SUCCESS && fresh) {
        const uint8_t format[4] = {0, 0, 0, MCPZ_STORE_FORMAT};
        value = mcpz_env_val(mcpz_bytes(format, sizeof(format)));
        failed = mdb_put(txn, names, &key, &value, 0);
    } else if (failed == MDB_SUCCESS) {
        failed = mdb_get(txn, names, &key, &value);
        if (failed == MDB_NOTFOUND) {
            return explain(trouble, directory, MCPZ_ECORRUPT, "it was not written by mcpz");
        }
    }
    if (failed == MDB_SUCCESS) {
        mcpz_error error = fresh ? MCPZ_OK : format_of(value, directory, trouble);
        if (error != MCPZ_OK) {
            return error;
        }
        failed = mdb_dbi_open(txn, RECORDS, fresh ? MDB_CREATE : 0, &env->records);
    }
    if (failed == MDB_NOTFOUND) {
        return explain(trouble, directory, MCPZ_ECORRUPT, "it has no records");
    }
    return failed == MDB_SUCCESS
               ? MCPZ_OK
               : explain(trouble, directory, mcpz_env_error(failed), mdb_strerror(failed));
}

static int read_fill(const struct mcpz_env *env, MDB_txn *txn, struct mcpz_env_fill *fill)
{
    MDB_stat stat;

    int failed = mdb_stat(txn, env->records, &stat);
    if (failed == MDB_SUCCESS) {
        *fill = (struct mcpz_env_fill){
            .entries = stat.ms_entries,
            .used_bytes = (uint64_t)stat.ms_psize *
                          (stat.ms_branch_pages + stat.ms_leaf_pages + stat.ms_overflow_pages),
        };
    }
    return failed;
}

/* Was the environment made just now, and never got further? */
static bool is_empty(MDB_env *mdb)
{
    MDB_stat stat;
    MDB_envinfo info;

    return mdb_env_stat(mdb, &stat) == MDB_SUCCESS && mdb_env_info(mdb, &info) == MDB_SUCCESS &&
           stat.ms_entries == 0 && info.me_last_txnid == 0;
}

static void open_witness(struct mcpz_env *env, const struct mcpz_lmdb_config *config,
                         uint64_t commits, bool fresh)
{
    const struct mcpz_witnessed store = {.directory = config->directory,
                                         .inode = env->stamp.inode,
                                         .commits = commits,
                                         .is_fresh = fresh};

    env->is_vouched_for = mcpz_witness_open(&env->witness, config->witness, &store);
}

static mcpz_error open_stamp(struct mcpz_env *env, const struct mcpz_lmdb_config *config,
                             bool fresh, struct mcpz_lmdb_trouble *trouble)
{
    const char *directory = config->directory;
    MDB_envinfo info;
    int data;

    int failed = mdb_env_info(env->mdb, &info);
    if (failed == MDB_SUCCESS) {
        failed = mdb_env_get_fd(env->mdb, &data);
    }
    if (failed != MDB_SUCCESS) {
        return explain(trouble, directory, mcpz_env_error(failed), mdb_strerror(failed));
    }
    mcpz_error error =
        mcpz_stamp_open(&env->stamp, directory, data, info.me_last_txnid, fresh, &env->set_back);
    if (error != MCPZ_OK) {
        return explain(trouble, directory, error, "\"" MCPZ_STAMP_FILE "\" cannot be written");
    }
    open_witness(env, config, info.me_last_txnid, fresh);
    return MCPZ_OK;
}

static mcpz_error open_databases(struct mcpz_env *env, const struct mcpz_lmdb_config *config,
                                 struct mcpz_env_fill *fill, struct mcpz_lmdb_trouble *trouble)
{
    const char *directory = config->directory;
    bool fresh = is_empty(env->mdb);
    MDB_txn *txn;

    /* A store that is there is only read: it opens on a full disk, too. */
    int failed = mdb_txn_begin(env->mdb, NULL, fresh ? 0 : MDB_RDONLY, &txn);
    if (failed != MDB_SUCCESS) {
        return explain(trouble, directory, mcpz_env_error(failed), mdb_strerror(failed));
    }
    mcpz_error error = open_records(env, txn, fresh, directory, trouble);
    if (error != MCPZ_OK) {
        mdb_txn_abort(txn);
        return error;
    }
    failed = read_fill(env, txn, fill);
    if (failed != MDB_SUCCESS) {
        mdb_txn_abort(txn);
    } else {
        failed = mdb_txn_commit(txn);
    }
    if (failed != MDB_SUCCESS) {
        return explain(trouble, directory, mcpz_env_error(failed), mdb_strerror(failed));
    }
    error = open_stamp(env, config, fresh, trouble);
    if (error == MCPZ_OK && fresh && mcpz_directory_sync(directory) != MCPZ_OK) {
        return explain(trouble, directory, MCPZ_EIO, "its directory cannot be synced");
    }
    return error;
}

static mcpz_error open_mdb(struct mcpz_env *env, const char *directory,
                           struct mcpz_lmdb_trouble *trouble)
{
    MDB_envinfo info;
    int dead;

    int failed = mdb_env_create(&env->mdb);
    if (failed != MDB_SUCCESS) {
        env->mdb = NULL;
        return explain(trouble, directory, MCPZ_ENOMEM, mdb_strerror(failed));
    }
    if ((failed = mdb_env_set_mapsize(env->mdb, env->map_bytes)) != MDB_SUCCESS ||
        (failed = mdb_env_set_maxdbs(env->mdb, 1)) != MDB_SUCCESS ||
        (failed = mdb_env_open(env->mdb, directory, MDB_NOTLS | MDB_NORDAHEAD, 0600)) !=
            MDB_SUCCESS ||
        (failed = mdb_reader_check(env->mdb, &dead)) != MDB_SUCCESS ||
        (failed = mdb_env_info(env->mdb, &info)) != MDB_SUCCESS) {
        return explain(trouble, directory, mcpz_env_error(failed), mdb_strerror(failed));
    }

    /* LMDB raises it to what the file needs. */
    env->map_bytes = info.me_mapsize;
    if (env->map_bytes_max < env->map_bytes) {
        env->map_bytes_max = env->map_bytes;
    }
    return MCPZ_OK;
}

mcpz_error mcpz_env_open(struct mcpz_env *env, const struct mcpz_lmdb_config *config,
                         struct mcpz_env_fill *fill, struct mcpz_lmdb_trouble *trouble)
{
    char path[PATH_MAX];
    bool there;
    const char *fault;

    assert(config->map_bytes > 0 && config->map_bytes <= config->map_bytes_max);

    *env = (struct mcpz_env){
        .map_bytes = page_rounded(config->map_bytes),
        .map_bytes_max = page_rounded(config->map_bytes_max),
        .stamp = {.file = -1},
        .witness = {.file = -1},
        .reserve = {.file = -1},
    };
    int length = snprintf(path, sizeof(path), "%s/" DATA_FILE, config->directory);
    if (length < 0 || (size_t)length >= sizeof(path)) {
        return explain(trouble, config->directory, MCPZ_EIO, "the path is too long");
    }

    mcpz_error error = mcpz_check_file(path, &there, &fault);
    if (error != MCPZ_OK) {
        return explain(trouble, config->directory, error, fault);
    }
    error = open_mdb(env, config->directory, trouble);
    if (error == MCPZ_OK) {
        error = open_databases(env, config, fill, trouble);
    }
    if (error == MCPZ_EFULL) {
        error = MCPZ_ENOSPACE; /* a new map too small for an empty store */
    }
    if (error != MCPZ_OK) {
        mcpz_env_close(env);
        if (!there) {
            unlink(path); /* a half-made file would look damaged the next time */
        }
    }
    return error;
}

void mcpz_env_close(struct mcpz_env *env)
{
    mcpz_stamp_close(&env->stamp);
    mcpz_witness_close(&env->witness);
    mcpz_reserve_close(&env->reserve);
    if (env->mdb != NULL) {
        mdb_env_close(env->mdb);
        env->mdb = NULL;
    }
}

/* ---- Writing ------------------------------------------------------------------------------ */

/* One of them, where the cursor is or goes. */
static int write_one(MDB_cursor *cursor, const struct mcpz_write *write)
{
    MDB_val key = mcpz_env_val(mcpz_write_key(write));
    MDB_val value = mcpz_env_val(mcpz_write_value(write));

    if (!write->removed) {
        return mdb_cursor_put(cursor, &key, &value, 0);
    }
    const int failed = mdb_cursor_get(cursor, &key, &value, MDB_SET);
    if (failed != MDB_SUCCESS) {
        return failed == MDB_NOTFOUND ? MDB_SUCCESS : failed;
    }
    return mdb_cursor_del(cursor, 0);
}

static int write_group(const struct mcpz_env *env, MDB_txn *txn, const struct mcpz_group *group)
{
    MDB_cursor *cursor;

    int failed = mdb_cursor_open(txn, env->records, &cursor);
    if (failed != MDB_SUCCESS) {
        return failed;
    }
    for (size_t i = 0; i < group->count && failed == MDB_SUCCESS; i++) {
        failed = write_one(cursor, group->rows[i].write);
    }
    mdb_cursor_close(cursor);
    return failed;
}

/* LMDB takes a write that was cut short for an input/output error. Was it for want of room? */
static mcpz_error commit_error(const struct mcpz_env *env, int code)
{
    struct statvfs disk;
    int file;

    if (code == EIO && mdb_env_get_fd(env->mdb, &file) == MDB_SUCCESS &&
        fstatvfs(file, &disk) == 0 && (uint64_t)disk.f_bavail * disk.f_frsize < FREE_BYTES_MIN) {
        return MCPZ_ENOSPACE;
    }
    return mcpz_env_error(code);
}

mcpz_error mcpz_env_write(const struct mcpz_env *env, const struct mcpz_batches *batches,
                          struct mcpz_env_fill *fill)
{
    struct mcpz_group group;
    MDB_txn *txn;

    mcpz_error error = mcpz_group_init(&group, batches);
    if (error != MCPZ_OK) {
        return error;
    }
    int failed = mdb_txn_begin(env->mdb, NULL, 0, &txn);
    if (failed != MDB_SUCCESS) {
        mcpz_group_finish(&group);
        return commit_error(env, failed);
    }
    failed = write_group(env, txn, &group);
    mcpz_group_finish(&group);

    struct mcpz_env_fill filled = {0};
    if (failed == MDB_SUCCESS) {
        failed = read_fill(env, txn, &filled);
    }
    if (failed != MDB_SUCCESS) {
        mdb_txn_abort(txn);
        return commit_error(env, failed);
    }
    size_t commits = mdb_txn_id(txn);
    failed = mdb_txn_commit(txn); /* releases it, whatever comes of it */
    if (failed != MDB_SUCCESS) {
        return commit_error(env, failed);
    }
    mcpz_stamp_note(&env->stamp, commits);
    mcpz_witness_note(&env->witness, commits);
    *fill = filled;
    return MCPZ_OK;
}

mcpz_error mcpz_env_grow(struct mcpz_env *env)
{
    assert(mcpz_env_may_grow(env));

    size_t bytes =
        env->map_bytes > env->map_bytes_max / 2 ? env->map_bytes_max : 2 * env->map_bytes;

    /* LMDB gives up the old map before it takes the new one: try first whether there is room. */
    void *probe = mmap(NULL, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (probe == MAP_FAILED) {
        return MCPZ_ENOMEM;
    }
    munmap(probe, bytes);
    if (mdb_env_set_mapsize(env->mdb, bytes) != MDB_SUCCESS) {
        return MCPZ_ENOMEM;
    }
    env->map_bytes = bytes;
    return MCPZ_OK;
}
