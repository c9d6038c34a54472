#include "store/compact.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <lmdb.h>

#include "store/check.h"
#include "store/directory.h"
#include "store/env.h"
#include "store/stamp.h"

#define MAP_BYTES 1048576 /* LMDB raises it to what the file needs */

struct compaction {
    const char *directory;
    char data[PATH_MAX];
    char copy[PATH_MAX];
    struct mcpz_env env;
    struct mcpz_lmdb_trouble *trouble;
};

static mcpz_error fail(const struct compaction *compaction, mcpz_error error, const char *what,
                       const char *why)
{
    snprintf(compaction->trouble->text, sizeof(compaction->trouble->text),
             "cannot compact %.200s: %s: %s; the store is as it was", compaction->directory, what,
             why);
    return error;
}

static uint64_t size_of(const char *path)
{
    struct stat status;

    return stat(path, &status) == 0 ? (uint64_t)status.st_size : 0;
}

static mcpz_error copy(const struct compaction *compaction)
{
    int file = open(compaction->copy, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (file < 0) {
        return fail(compaction, mcpz_directory_error(errno), "its copy", strerror(errno));
    }
    int failed = mdb_env_copyfd2(compaction->env.mdb, file, MDB_CP_COMPACT);
    if (failed == MDB_SUCCESS && fsync(file) != 0) {
        failed = errno;
    }
    close(file);
    if (failed != MDB_SUCCESS) {
        return fail(compaction, mcpz_env_error(failed), "its copy", mdb_strerror(failed));
    }
    return MCPZ_OK;
}

static mcpz_error check_copy(const struct compaction *compaction, uint64_t entries,
                             uint64_t *commits)
{
    struct mcpz_check_report report = {0};
    const char *fault = "it has other records";

    int file = open(compaction->copy, O_RDONLY | O_CLOEXEC);
    if (file < 0) {
        return fail(compaction, MCPZ_EIO, "its copy", strerror(errno));
    }
    const struct mcpz_file_part part = {.file = file, .bytes = size_of(compaction->copy)};
    const struct mcpz_pages pages = mcpz_pages_of_file(&part);
    mcpz_error error = mcpz_check_pages(&pages, NULL, &report, &fault);
    close(file);
    if (error == MCPZ_OK && report.records != entries) {
        error = MCPZ_ECORRUPT;
    }
    *commits = report.commits;
    return error == MCPZ_OK ? MCPZ_OK : fail(compaction, error, "its copy is no good", fault);
}

static void vouch_for_copy(const struct compaction *compaction, uint64_t inode, uint64_t commits)
{
    const struct mcpz_witnessed store = {
        .directory = compaction->directory, .inode = inode, .commits = commits, .is_fresh = true};
    struct mcpz_witness witness;

    (void)mcpz_witness_open(&witness, mcpz_witness_place(), &store);
    mcpz_witness_close(&witness);
}

/* The new file is the old store: what its stamp said is said of it. */
static mcpz_error stamp_copy(const struct compaction *compaction, uint64_t commits)
{
    struct mcpz_stamp stamp;
    bool set_back;

    int file = open(compaction->data, O_RDONLY | O_CLOEXEC);
    if (file < 0) {
        return MCPZ_EIO;
    }
    mcpz_error error =
        mcpz_stamp_open(&stamp, compaction->directory, file, commits, true, &set_back);
    if (error == MCPZ_OK && compaction->env.is_vouched_for) {
        vouch_for_copy(compaction, stamp.inode, commits);
    }
    mcpz_stamp_close(&stamp);
    close(file);
    return error;
}

static mcpz_error swap(const struct compaction *compaction, uint64_t commits)
{
    if (rename(compaction->copy, compaction->data) != 0) {
        return fail(compaction, MCPZ_EIO, "its copy", strerror(errno));
    }
    /* One that was set back stays so until it is opened to be written to. */
    if (!compaction->env.set_back && stamp_copy(compaction, commits) != MCPZ_OK) {
        return MCPZ_OK; /* more careful than it had to be */
    }
    return mcpz_directory_sync(compaction->directory);
}

static mcpz_error run(struct compaction *compaction, struct mcpz_compacted *compacted)
{
    const struct mcpz_lmdb_config config = {.directory = compaction->directory,
                                            .map_bytes = MAP_BYTES,
                                            .map_bytes_max = SIZE_MAX / 2,
                                            .witness = mcpz_witness_place()};
    struct mcpz_env_fill fill = {0};
    uint64_t commits = 0;

    mcpz_error error = mcpz_env_open(&compaction->env, &config, &fill, compaction->trouble);
    if (error != MCPZ_OK) {
        return error;
    }
    compacted->before = size_of(compaction->data);
    error = copy(compaction);
    mcpz_env_close(&compaction->env);
    if (error == MCPZ_OK) {
        error = check_copy(compaction, fill.entries, &commits);
    }
    if (error == MCPZ_OK) {
        error = swap(compaction, commits);
    }
    if (error != MCPZ_OK) {
        (void)unlink(compaction->copy);
    }
    compacted->after = size_of(compaction->data);
    return error;
}

mcpz_error mcpz_store_compact(const char *directory, struct mcpz_compacted *compacted,
                              struct mcpz_lmdb_trouble *trouble)
{
    struct compaction compaction = {
        .directory = directory,
        .trouble = trouble,
        .env = {.stamp = {.file = -1}, .witness = {.file = -1}, .reserve = {.file = -1}}};
    int lock;

    *compacted = (struct mcpz_compacted){0};
    trouble->text[0] = '\0';
    int length = snprintf(compaction.data, sizeof(compaction.data), "%s/data.mdb", directory);
    if (length < 0 || (size_t)length + sizeof(".compact") > sizeof(compaction.data)) {
        return fail(&compaction, MCPZ_EIO, "its path", "too long");
    }
    (void)snprintf(compaction.copy, sizeof(compaction.copy), "%.4080s.compact", compaction.data);
    if (access(compaction.data, F_OK) != 0) {
        snprintf(trouble->text, sizeof(trouble->text), "there is no store in %.300s", directory);
        return MCPZ_ENOTFOUND;
    }
    mcpz_error error = mcpz_directory_open(directory, &lock, trouble);
    if (error != MCPZ_OK) {
        return error;
    }
    error = run(&compaction, compacted);
    mcpz_directory_close(lock);
    return error;
}
