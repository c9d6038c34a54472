#include "backup/backup_restore.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backup/backup_job.h"
#include "blob/secret_file.h"
#include "crypto/identity.h"
#include "store/directory.h"

#define COPY_BYTES 262144
#define STAGE ".restore"
#define KEPT_PREFIX "before-restore-"
#define KEYS "keys"
#define KEY_FILE_BYTES_MAX 1048576

static mcpz_error fail(struct mcpz_restore *restore, const char *what, const char *where)
{
    const int number = errno;

    (void)snprintf(restore->trouble, sizeof(restore->trouble), "cannot %s %.300s: %s", what, where,
                   strerror(number));
    return mcpz_directory_error(number);
}

/* ---- What is there ------------------------------------------------------------------------ */

/* What may lie in a directory that nobody uses yet. */
static bool is_indifferent(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || strcmp(name, STAGE) == 0 ||
           strcmp(name, "mcpz.yaml") == 0 || strcmp(name, MCPZ_SNAPSHOTS_DIRECTORY) == 0 ||
           strcmp(name, MCPZ_SET_ASIDE_DIRECTORY) == 0 ||
           strncmp(name, KEPT_PREFIX, sizeof(KEPT_PREFIX) - 1) == 0;
}

/* Call `visit` with each that is not; its error ends it. */
static mcpz_error walk(struct mcpz_restore *restore, const char *path,
                       mcpz_error (*visit)(struct mcpz_restore *restore, const char *name))
{
    const struct dirent *entry;
    mcpz_error error = MCPZ_OK;
    DIR *opened = opendir(path);

    if (opened == NULL) {
        return fail(restore, "read", path);
    }
    while (error == MCPZ_OK && (entry = readdir(opened)) != NULL) {
        if (!is_indifferent(entry->d_name)) {
            error = visit(restore, entry->d_name);
        }
    }
    (void)closedir(opened);
    return error;
}

static mcpz_error refuse_entry(struct mcpz_restore *restore, const char *name)
{
    if (strcmp(name, KEYS) == 0) {
        return MCPZ_OK; /* they are waited for */
    }
    (void)snprintf(restore->trouble, sizeof(restore->trouble),
                   "%.300s is not empty (%.60s is in it): name another with --data, or put what "
                   "is there away with --force",
                   restore->directory, name);
    return MCPZ_ECONFLICT;
}

static mcpz_error put_away(struct mcpz_restore *restore, const char *name)
{
    char from[PATH_MAX];
    char to[PATH_MAX];

    (void)snprintf(from, sizeof(from), "%s/%s", restore->directory, name);
    (void)snprintf(to, sizeof(to), "%s/%s/%s", restore->directory, restore->kept, name);
    return rename(from, to) == 0 ? MCPZ_OK : fail(restore, "put away", from);
}

/* Nobody runs on it, and nobody starts meanwhile: *lock is to be closed; -1: there is no store. */
static mcpz_error lock_store(struct mcpz_restore *restore, int *lock)
{
    char path[PATH_MAX];
    struct mcpz_lmdb_trouble trouble = {.text = ""};
    struct stat status;

    *lock = -1;
    (void)snprintf(path, sizeof(path), "%s/store", restore->directory);
    if (stat(path, &status) != 0) {
        return MCPZ_OK;
    }
    mcpz_error error = mcpz_directory_open(path, lock, &trouble);
    if (error != MCPZ_OK) {
        (void)snprintf(restore->trouble, sizeof(restore->trouble), "%s", trouble.text);
    }
    return error;
}

/* ---- Reading it in ------------------------------------------------------------------------ */

static mcpz_error make_parents(struct mcpz_restore *restore, char *path, size_t from)
{
    for (char *slash = strchr(path + from, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(path, 0700) != 0 && errno != EEXIST) {
            return fail(restore, "make", path);
        }
        *slash = '/';
    }
    return MCPZ_OK;
}

static mcpz_error write_all(struct mcpz_restore *restore, int file, const uint8_t *bytes,
                            size_t length, const char *path)
{
    for (size_t done = 0; done < length;) {
        ssize_t more = write(file, bytes + done, length - done);
        if (more < 0 && errno != EINTR) {
            return fail(restore, "write", path);
        }
        done += more > 0 ? (size_t)more : 0;
    }
    return MCPZ_OK;
}

static mcpz_error say_backup(struct mcpz_restore *restore, mcpz_error error, uint64_t at)
{
    struct mcpz_data_set set = {0};

    mcpz_backup_explain(&set, error, at);
    (void)snprintf(restore->trouble, sizeof(restore->trouble),
                   "the backup cannot be restored: %.300s; nothing was changed", set.trouble);
    return error;
}

static mcpz_error copy_file(struct mcpz_restore *restore, struct mcpz_backup_reader *reader,
                            uint8_t *buffer, int file, const char *path)
{
    size_t length = 1;
    mcpz_error error = MCPZ_OK;

    while (length > 0 && error == MCPZ_OK) {
        error = mcpz_backup_read(reader, buffer, COPY_BYTES, &length);
        if (error != MCPZ_OK) {
            return say_backup(restore, error, reader->at);
        }
        error = write_all(restore, file, buffer, length, path);
        if (restore->progress != NULL) {
            restore->progress(restore->context, reader->at, reader->head.bytes);
        }
    }
    return error == MCPZ_OK && fsync(file) != 0 ? fail(restore, "write", path) : error;
}

static mcpz_error stage_file(struct mcpz_restore *restore, struct mcpz_backup_reader *reader,
                             const struct mcpz_backup_entry *entry, uint8_t *buffer)
{
    char path[PATH_MAX];
    const int from = snprintf(path, sizeof(path), "%s/" STAGE "/", restore->directory);
    const int length =
        snprintf(path, sizeof(path), "%s/" STAGE "/%s", restore->directory, entry->name);

    if (length < 0 || (size_t)length >= sizeof(path)) {
        errno = ENAMETOOLONG;
        return fail(restore, "write", restore->directory);
    }
    mcpz_error error = make_parents(restore, path, (size_t)from);
    if (error != MCPZ_OK) {
        return error;
    }
    int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
                    entry->mode & 0700 ? entry->mode & 0777 : 0600);
    if (file < 0) {
        return fail(restore, "make", path);
    }
    error = copy_file(restore, reader, buffer, file, path);
    (void)close(file);
    return error;
}

static mcpz_error stage_all(struct mcpz_restore *restore)
{
    struct mcpz_backup_reader reader;
    struct mcpz_backup_entry entry;
    uint8_t *buffer = malloc(COPY_BYTES);

    mcpz_error error = buffer != NULL ? mcpz_backup_open(&reader, restore->file) : MCPZ_ENOMEM;
    if (error != MCPZ_OK) {
        free(buffer);
        return say_backup(restore, error, 0);
    }
    while (error == MCPZ_OK) {
        error = mcpz_backup_next(&reader, &entry);
        if (error == MCPZ_OK) {
            error = stage_file(restore, &reader, &entry, buffer);
        } else if (error != MCPZ_ENOTFOUND) {
            error = say_backup(restore, error, reader.at);
        }
    }
    free(buffer);
    restore->head = reader.head;
    return error == MCPZ_ENOTFOUND ? MCPZ_OK : error;
}

/* ---- Keys --------------------------------------------------------------------------------- */

/* Keys that are here take the place of the backup's. `*found`: one was. */
static mcpz_error bring_key(struct mcpz_restore *restore, const char *stage, const char *name,
                            bool *found)
{
    char from[PATH_MAX];
    char to[PATH_MAX + 32];
    char keys[PATH_MAX + 16];
    size_t length = 0;
    uint8_t *bytes = malloc(KEY_FILE_BYTES_MAX);

    (void)snprintf(from, sizeof(from), "%s/%s", restore->directory, name);
    (void)snprintf(to, sizeof(to), "%s/%s", stage, name);
    (void)snprintf(keys, sizeof(keys), "%s/" KEYS, stage);
    mcpz_error error = bytes != NULL
                           ? mcpz_secret_file_read(from, bytes, KEY_FILE_BYTES_MAX, &length)
                           : MCPZ_ENOMEM;
    *found = error == MCPZ_OK;
    if (error == MCPZ_OK) {
        error = mcpz_directory_make(keys);
    }
    if (error == MCPZ_OK) {
        error = mcpz_secret_file_write(keys, to, mcpz_bytes(bytes, length));
    }
    if (bytes != NULL) {
        mcpz_wipe(bytes, KEY_FILE_BYTES_MAX);
    }
    free(bytes);
    if (error != MCPZ_OK && error != MCPZ_ENOTFOUND) {
        (void)snprintf(restore->trouble, sizeof(restore->trouble), "cannot use %.300s: %s%s", from,
                       mcpz_strerror(error),
                       error == MCPZ_EAUTH ? " (its mode must be 0600, and it yours)" : "");
        return error;
    }
    return MCPZ_OK;
}

static mcpz_error say_keys(struct mcpz_restore *restore, bool is_own_ring)
{
    static const char what[] = "put it there as " MCPZ_DATA_NODE_KEY " (mode 0600), or into "
                               "MCPZ_NODE_KEY; nothing was changed";

    if (restore->report.keys == MCPZ_DATA_KEYS_MISSING) {
        (void)snprintf(
            restore->trouble, sizeof(restore->trouble),
            "the backup does not hold the node key that its keys were wrapped with, nor "
            "does %.200s: %s",
            restore->directory, what);
        return MCPZ_ENOTFOUND;
    }
    (void)snprintf(restore->trouble, sizeof(restore->trouble),
                   "the node key is not the one that the ring in %.200s was wrapped with: %s",
                   is_own_ring ? restore->directory : "the backup", what);
    return MCPZ_EAUTH;
}

static mcpz_error check_set(struct mcpz_restore *restore, const struct mcpz_data_set *set,
                            bool is_own_ring)
{
    mcpz_error error = mcpz_data_check(set, restore->key, &restore->report);

    if (error != MCPZ_OK) {
        (void)snprintf(
            restore->trouble, sizeof(restore->trouble),
            "the backup is whole, but what it was made of was damaged%s: %.300s; nothing "
            "was changed",
            is_own_ring ? ", or the ring that is here is another node's" : "",
            restore->report.trouble);
        return error;
    }
    const bool is_opened = restore->report.keys == MCPZ_DATA_KEYS_FIT ||
                           restore->report.keys == MCPZ_DATA_KEYS_NONE ||
                           mcpz_data_has_envelope(set);
    return is_opened ? MCPZ_OK : say_keys(restore, is_own_ring);
}

static mcpz_error check_staged(struct mcpz_restore *restore, const char *stage)
{
    struct mcpz_data_set set = {0};
    bool is_own_ring = false;
    bool is_own_key = false;
    bool is_own_envelope = false;

    mcpz_error error = bring_key(restore, stage, MCPZ_DATA_RING, &is_own_ring);
    if (error == MCPZ_OK) {
        error = bring_key(restore, stage, MCPZ_DATA_NODE_KEY, &is_own_key);
    }
    if (error == MCPZ_OK) {
        error = bring_key(restore, stage, MCPZ_DATA_TOKEN_KEY, &is_own_envelope);
    }
    if (error != MCPZ_OK) {
        return error;
    }
    error = mcpz_data_set_open(&set, stage, NULL);
    if (error != MCPZ_OK) {
        (void)snprintf(restore->trouble, sizeof(restore->trouble),
                       "the backup cannot be restored: %.300s; nothing was changed", set.trouble);
    } else {
        error = check_set(restore, &set, is_own_ring);
    }
    mcpz_data_set_finish(&set);
    return error;
}

/* ---- Moving it in ------------------------------------------------------------------------- */

/* Keys that were here are in the stage as well by now. */
static void clear_keys(const char *path)
{
    static const char *const names[] = {"ring",         "ring.tmp",       "node.key",
                                        "node.key.new", "node.key.token", "node.key.token.new"};
    char file[PATH_MAX + 32];

    for (size_t i = 0; i < MCPZ_ARRAY_LEN(names); i++) {
        (void)snprintf(file, sizeof(file), "%s/%s", path, names[i]);
        mcpz_secret_file_wipe(file);
    }
    (void)rmdir(path);
}

static mcpz_error move_in(struct mcpz_restore *restore, const char *name)
{
    char from[PATH_MAX];
    char to[PATH_MAX];

    (void)snprintf(from, sizeof(from), "%s/" STAGE "/%s", restore->directory, name);
    (void)snprintf(to, sizeof(to), "%s/%s", restore->directory, name);
    if (strcmp(name, KEYS) == 0) {
        clear_keys(to);
    }
    return rename(from, to) == 0 ? MCPZ_OK : fail(restore, "move into place", to);
}

/* The store last: a directory without one is not taken for a node. */
static mcpz_error move_all(struct mcpz_restore *restore, const char *stage)
{
    char store[PATH_MAX + 16];
    char aside[PATH_MAX + 16];

    (void)snprintf(store, sizeof(store), "%s/store", stage);
    (void)snprintf(aside, sizeof(aside), "%s/" STAGE ".store", restore->directory);
    if (rename(store, aside) != 0) {
        return fail(restore, "move", store);
    }
    mcpz_error error = walk(restore, stage, move_in);
    (void)snprintf(store, sizeof(store), "%s/store", restore->directory);
    if (error == MCPZ_OK && rename(aside, store) != 0) {
        error = fail(restore, "move into place", store);
    }
    if (error == MCPZ_OK && mcpz_directory_sync(restore->directory) != MCPZ_OK) {
        error = fail(restore, "sync", restore->directory);
    }
    return error;
}

static mcpz_error make_way(struct mcpz_restore *restore)
{
    char path[PATH_MAX];

    if (!restore->force || walk(restore, restore->directory, refuse_entry) == MCPZ_OK) {
        return MCPZ_OK;
    }
    restore->trouble[0] = '\0';
    for (unsigned i = 1; i < 10000; i++) {
        (void)snprintf(restore->kept, sizeof(restore->kept), KEPT_PREFIX "%u", i);
        (void)snprintf(path, sizeof(path), "%s/%s", restore->directory, restore->kept);
        if (mkdir(path, 0700) == 0) {
            return walk(restore, restore->directory, put_away);
        }
        if (errno != EEXIST) {
            break;
        }
    }
    return fail(restore, "make", path);
}

static void remove_stage(const char *stage)
{
    static const char *const places[] = {"store", "keys", "blobs/index", "blobs", ""};
    char path[PATH_MAX + 16];

    for (size_t i = 0; i < MCPZ_ARRAY_LEN(places); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", stage, places[i]);
        const struct dirent *entry;
        DIR *opened = opendir(path);
        while (opened != NULL && (entry = readdir(opened)) != NULL) {
            char file[PATH_MAX + 512];
            (void)snprintf(file, sizeof(file), "%s/%s", path, entry->d_name);
            if (strcmp(places[i], KEYS) == 0 && entry->d_name[0] != '.') {
                mcpz_secret_file_wipe(file);
            }
            (void)unlink(file);
        }
        if (opened != NULL) {
            (void)closedir(opened);
        }
        (void)rmdir(path);
    }
}

static mcpz_error restore_into(struct mcpz_restore *restore, const char *stage)
{
    if (!restore->force) {
        mcpz_error error = walk(restore, restore->directory, refuse_entry);
        if (error != MCPZ_OK) {
            return error;
        }
    }
    remove_stage(stage); /* of a restore that was interrupted */
    if (mkdir(stage, 0700) != 0) {
        return fail(restore, "make", stage);
    }
    mcpz_error error = stage_all(restore);
    if (error == MCPZ_OK) {
        error = check_staged(restore, stage);
    }
    if (error == MCPZ_OK) {
        error = make_way(restore);
    }
    if (error == MCPZ_OK) {
        error = move_all(restore, stage);
    }
    remove_stage(stage);
    return error;
}

mcpz_error mcpz_restore_run(struct mcpz_restore *restore)
{
    char stage[PATH_MAX];
    int lock = -1;

    restore->trouble[0] = '\0';
    restore->kept[0] = '\0';
    const int length = snprintf(stage, sizeof(stage), "%s/" STAGE, restore->directory);
    if (length < 0 || (size_t)length + MCPZ_DATA_NAME_BYTES_MAX + 64 >= sizeof(stage)) {
        errno = ENAMETOOLONG;
        return fail(restore, "use", "the directory");
    }
    if (mcpz_directory_make(restore->directory) != MCPZ_OK) {
        return fail(restore, "make", restore->directory);
    }
    mcpz_error error = lock_store(restore, &lock);
    if (error == MCPZ_OK) {
        error = restore_into(restore, stage);
    }
    if (lock >= 0) {
        mcpz_directory_close(lock);
    }
    return error;
}
