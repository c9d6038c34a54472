/* What only the real store can show: files, full disks, other processes, being killed. */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/wait.h>

#include <lmdb.h>

#include "base/attr.h"
#include "disk.h"
#include "proto/limits.h"
#include "scratch.h"
#include "store/directory.h"
#include "store/lmdb.h"
#include "test.h"

#define KIB 1024
#define MIB 1048576

static uint8_t block[MCPZ_STORED_BYTES_MAX];

static struct mcpz_bytes block_of(size_t length)
{
    return mcpz_bytes(block, length);
}

static void numbered(char *key, size_t capacity, unsigned number)
{
    snprintf(key, capacity, "key-%08u", number);
}

static bool holds(struct disk *disk, const char *key)
{
    struct mcpz_bytes value;
    mcpz_error error = disk->kv.get(disk->kv.context, mcpz_text(key), &value);
    disk_commit(disk);
    CHECK(error == MCPZ_OK || error == MCPZ_ENOTFOUND);
    return error == MCPZ_OK;
}

static struct mcpz_lmdb_stats stats_of(struct disk *disk)
{
    struct mcpz_lmdb_stats stats;
    mcpz_lmdb_stats(disk->lmdb, &stats);
    return stats;
}

/* ---- Files -------------------------------------------------------------------------------- */

static unsigned mode_of(const char *directory, const char *name)
{
    char path[2048];
    struct stat status;

    snprintf(path, sizeof(path), "%s/%s", directory, name);
    CHECK_UINT(stat(path, &status), 0);
    return status.st_mode & 0777;
}

TEST(makes_its_directory_and_lets_nobody_else_in)
{
    struct scratch scratch;
    struct disk disk;
    char path[1024];

    scratch_make(&scratch);
    snprintf(path, sizeof(path), "%s/a/b/c", scratch.path);
    disk_init(&disk, path, 64 * KIB, MIB);
    CHECK_UINT(disk_open(&disk), MCPZ_OK);
    CHECK_TEXT(disk.trouble.text, "");
    CHECK_UINT(mode_of(path, "."), 0700);
    CHECK_UINT(mode_of(path, "data.mdb"), 0600);
    CHECK_UINT(mode_of(path, "lock.mdb"), 0600);
    CHECK_UINT(mode_of(path, "mcpz.lock"), 0600);
    disk_close(&disk);
    scratch_remove(&scratch);
}

TEST(shows_no_keys_of_its_own)
{
    struct scratch scratch;
    struct disk disk;

    scratch_make(&scratch);
    disk_init(&disk, scratch.path, 64 * KIB, MIB);
    CHECK_UINT(disk_open(&disk), MCPZ_OK);
    CHECK_UINT(disk_count(&disk), 0);
    CHECK(!holds(&disk, "mcpz-format"));
    CHECK(!holds(&disk, "records"));

    /* Nor are its names taken. */
    disk_put(&disk, "mcpz-format", mcpz_text("mine"));
    disk_put(&disk, "records", mcpz_text("mine"));
    CHECK_UINT(disk_wait(&disk, disk_commit(&disk)).error, MCPZ_OK);
    disk_close(&disk);
    CHECK_UINT(disk_open(&disk), MCPZ_OK);
    CHECK_UINT(disk_count(&disk), 2);
    disk_close(&disk);
    scratch_remove(&scratch);
}

TEST(says_why_a_directory_cannot_be_made)
{
    struct scratch scratch;
    struct disk disk;
    char path[5000];

    scratch_make(&scratch);
    snprintf(path, sizeof(path), "%s/file", scratch.path);
    close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    disk_init(&disk, path, 64 * KIB, MIB);
    CHECK_UINT(disk_open(&disk), MCPZ_EIO);
    CHECK(disk.lmdb == NULL);
    CHECK(strstr(disk.trouble.text, path) != NULL);

    snprintf(path, sizeof(path), "%s/file/below", scratch.path);
    CHECK_UINT(disk_open(&disk), MCPZ_EIO);
    CHECK(strstr(disk.trouble.text, "Not a directory") != NULL);

    memset(path, 'x', sizeof(path));
    path[sizeof(path) - 1] = '\0';
    CHECK_UINT(disk_open(&disk), MCPZ_EIO);
    CHECK(strstr(disk.trouble.text, "too long") != NULL);
    scratch_remove(&scratch);
}

TEST(closes_what_was_never_opened)
{
    mcpz_lmdb_close(NULL);
}

/* ---- Room --------------------------------------------------------------------------------- */

/* Write `count` blocks in batches of ten, without waiting in between. */
static uint64_t write_blocks(struct disk *disk, unsigned count)
{
    uint64_t batch = 0;
    char key[32];

    for (unsigned i = 0; i < count; i++) {
        numbered(key, sizeof(key), i);
        disk_put(disk, key, block_of(4000));
        if (i % 10 == 9) {
            batch = disk_commit(disk);
        }
    }
    return batch;
}

static void check_stats_of_500_blocks(struct mcpz_lmdb_stats stats)
{
    CHECK_UINT(stats.entries, 500);
    CHECK_UINT(stats.failed_commits, 0);
    CHECK(stats.commits > 0);
    CHECK(stats.writes >= stats.commits);
    CHECK(stats.used_bytes >= 500 * 4000);
    CHECK(stats.map_bytes > stats.used_bytes);
    CHECK(stats.map_bytes <= 16 * MIB);
    CHECK(stats.commit_us_max >= stats.commit_us_last);
}

TEST(the_map_grows_while_writing)
{
    struct scratch scratch;
    struct disk disk;

    scratch_make(&scratch);
    disk_init(&disk, scratch.path, 64 * KIB, 16 * MIB);
    CHECK_UINT(disk_open(&disk), MCPZ_OK);
    CHECK_UINT(stats_of(&disk).map_bytes, 64 * KIB);

    struct mcpz_kv_progress progress = disk_wait(&disk, write_blocks(&disk, 500));
    CHECK_UINT(progress.error, MCPZ_OK);
    CHECK_UINT(disk_count(&disk), 500);
    check_stats_of_500_blocks(stats_of(&disk));
    disk_close(&disk);

    /* The first size is too small for the file by now. */
    CHECK_UINT(disk_open(&disk), MCPZ_OK);
    CHECK_UINT(disk_count(&disk), 500);
    CHECK_UINT(stats_of(&disk).entries, 500);
    disk_close(&disk);
    scratch_remove(&scratch);
}

TEST(closing_writes_what_was_handed_over_and_makes_room_for_it)
{
    struct scratch scratch;
    struct disk disk;

    scratch_make(&scratch);
    disk_init(&disk, scratch.path, 64 * KIB, 16 * MIB);
    CHECK_UINT(disk_open(&disk), MCPZ_OK);
    write_blocks(&disk, 500);
    disk_put(&disk, "of the turn", mcpz_text("is lost"));
    disk_close(&disk);

    CHECK_UINT(disk_open(&disk), MCPZ_OK);
    CHECK_UINT(disk_count(&disk), 500);
    disk_close(&disk);
    scratch_remove(&scratch);
}

/* Fill the store to its last page, with ever smaller values. Returns how many keys it holds. */
static size_t fill_up(struct disk *disk, mcpz_error expected)
{
    size_t count = 0;
    unsigned number = 0;

    for (size_t length = 4000; length > 0; length /= 8) {
        struct mcpz_kv_progress progress;
        do {
            char key[32];
            numbered(key, sizeof(key), number++);
            disk_put(disk, key, block_of(length));
            progress = disk_wait(disk, disk_commit(disk));
            count += progress.error == MCPZ_OK;
        } while (progress.error == MCPZ_OK);
        CHECK_UINT(progress.error, expected);
        CHECK_UINT(progress.failed, number);
    }
    return count;
}

/* A full store keeps what it has, lets go of what it shall, and takes new things after that. */
static void check_full_store(struct disk *disk, mcpz_error expected)
{
    size_t count = fill_up(disk, expected);
    CHECK(count > 10);
    CHECK_UINT(disk_count(disk), count);
    CHECK(stats_of(disk).failed_commits > 0);

    char key[32];
    for (unsigned i = 0; i < 10; i++) {
        numbered(key, sizeof(key), i);
        disk->kv.remove(disk->kv.context, mcpz_text(key));
        CHECK_UINT(disk_wait(disk, disk_commit(disk)).error, MCPZ_OK);
    }
    CHECK_UINT(disk_count(disk), count - 10);
    disk_put(disk, "again", block_of(4000));
    CHECK_UINT(disk_wait(disk, disk_commit(disk)).error, MCPZ_OK);
    CHECK_UINT(disk_count(disk), count - 9);

    disk_close(disk);
    CHECK_UINT(disk_open(disk), MCPZ_OK);
    CHECK_UINT(disk_count(disk), count - 9);
    disk_close(disk);
}

TEST(a_full_map_refuses_and_recovers)
{
    struct scratch scratch;
    struct disk disk;

    scratch_make(&scratch);
    disk_init(&disk, scratch.path, 64 * KIB, 512 * KIB);
    CHECK_UINT(disk_open(&disk), MCPZ_OK);
    check_full_store(&disk, MCPZ_ENOSPACE);
    scratch_remove(&scratch);
}

/* In a process of its own, with a file system of one megabyte that only it can see. */
static int with_a_tiny_disk(const char *directory)
{
    struct disk disk;

    if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("tmpfs", directory, "tmpfs", 0, "size=1m") != 0) {
        return 77;
    }
    disk_init(&disk, directory, 64 * KIB, 64 * MIB);
    CHECK_UINT(disk_open(&disk), MCPZ_OK);
    check_full_store(&disk, MCPZ_ENOSPACE);
    return 0;
}

/* Run `part` in a child; returns its exit status, 1 if a check in it failed. */
static int in_a_child(int (*part)(const char *directory), const char *directory)
{
    int status;

    fflush(NULL);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        _exit(part(directory));
    }
    CHECK_UINT(waitpid(child, &status, 0), child);
    CHECK(WIFEXITED(status));
    return WEXITSTATUS(status);
}

TEST(a_full_disk_refuses_and_recovers)
{
    struct scratch scratch;

    scratch_make(&scratch);
    int status = in_a_child(with_a_tiny_disk, scratch.path);
    scratch_remove(&scratch);
    if (status == 77) {
        print_message("skipped: mounting a small file system is not allowed here\n");
        skip();
    }
    CHECK_UINT(status, 0);
}

TEST(a_batch_that_fits_alone_is_not_failed_by_its_company)
{
    struct scratch scratch;
    struct disk disk;

    scratch_make(&scratch);
    disk_init(&disk, scratch.path, 64 * KIB, MIB);
    CHECK_UINT(disk_open(&disk), MCPZ_OK);
    for (int round = 0; round < 20; round++) {
        disk_put(&disk, "small", mcpz_text("fits"));
        uint64_t small = disk_commit(&disk);
        for (unsigned i = 0; i < 40; i++) {
            char key[32];
            numbered(key, sizeof(key), i);
            disk_put(&disk, key, block_of(MCPZ_STORED_BYTES_MAX));
        }
        uint64_t big = disk_commit(&disk);
        struct mcpz_kv_progress progress = disk_wait(&disk, big);
        CHECK_UINT(progress.error, MCPZ_ENOSPACE);
        CHECK_UINT(progress.durable, small);
        CHECK_UINT(progress.failed, big);
    }
    CHECK_UINT(disk_count(&disk), 1);
    disk_close(&disk);
    scratch_remove(&scratch);
}

TEST(a_map_too_small_for_an_empty_store_leaves_nothing_behind)
{
    struct scratch scratch;
    struct disk disk;

    scratch_make(&scratch);
    disk_init(&disk, scratch.path, 8 * KIB, 8 * KIB);
    CHECK_UINT(disk_open(&disk), MCPZ_ENOSPACE);
    CHECK(strstr(disk.trouble.text, "Make room") != NULL);
    disk.config.map_bytes_max = MIB;
    disk.config.map_bytes = 64 * KIB;
    CHECK_UINT(disk_open(&disk), MCPZ_OK);
    disk_close(&disk);
    scratch_remove(&scratch);
}

/* ---- Other processes ---------------------------------------------------------------------- */

/* A child that opens the store, writes one byte to `out`, and holds it until it is killed. */
static pid_t fork_holder(const char *directory, int out)
{
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        struct disk disk;
        disk_init(&disk, directory, 64 * KIB, MIB);
        if (disk_open(&disk) != MCPZ_OK || write(out, "x", 1) != 1) {
            _exit(1);
        }
        for (;;) {
            pause();
        }
    }
    return child;
}

static void kill_and_reap(pid_t child)
{
    CHECK_UINT(kill(child, SIGKILL), 0);
    CHECK_UINT(waitpid(child, NULL, 0), child);
}

TEST(names_the_process_that_holds_the_directory)
{
    struct scratch scratch;
    struct disk disk;
    int ends[2];
    char byte;
    char expected[64];

    scratch_make(&scratch);
    CHECK_UINT(pipe2(ends, O_CLOEXEC), 0);
    pid_t child = fork_holder(scratch.path, ends[1]);
    CHECK(child > 0);
    CHECK_UINT(read(ends[0], &byte, 1), 1);

    disk_init(&disk, scratch.path, 64 * KIB, MIB);
    CHECK_UINT(disk_open(&disk), MCPZ_ECONFLICT);
    CHECK(disk.lmdb == NULL);
    snprintf(expected, sizeof(expected), "in use by process %ld (test_lmdb)", (long)child);
    CHECK(strstr(disk.trouble.text, expected) != NULL);
    CHECK(strstr(disk.trouble.text, scratch.path) != NULL);
    CHECK(strstr(disk.trouble.text, "stop it, or choose another") != NULL);

    /* The lock ends with its holder. */
    kill_and_reap(child);
    CHECK_UINT(disk_open(&disk), MCPZ_OK);
    disk_close(&disk);
    close(ends[0]);
    close(ends[1]);
    scratch_remove(&scratch);
}

/* Has this process a lock file open? It may be gone. */
static bool tries_to_lock(pid_t process)
{
    char path[64];
    char target[PATH_MAX];
    bool tries = false;

    snprintf(path, sizeof(path), "/proc/%ld/fd", (long)process);
    DIR *files = opendir(path);
    for (struct dirent *file = files != NULL ? readdir(files) : NULL; file != NULL && !tries;
         file = readdir(files)) {
        ssize_t length = readlinkat(dirfd(files), file->d_name, target, sizeof(target) - 1);
        target[length > 0 ? length : 0] = '\0';
        tries = strstr(target, "/" MCPZ_STORE_LOCK_FILE) != NULL;
    }
    if (files != NULL) {
        closedir(files);
    }
    return tries;
}

/* The lock passes on to what its holder forks, until that becomes another program. */
TEST(a_child_of_a_holder_that_was_killed_is_waited_for)
{
    struct scratch scratch;
    struct disk disk;
    int ends[2];
    char byte;
    const pid_t test = getpid();

    scratch_make(&scratch);
    CHECK_UINT(pipe2(ends, O_CLOEXEC), 0);
    fflush(NULL);
    pid_t holder = fork();
    if (holder == 0) {
        disk_init(&disk, scratch.path, 64 * KIB, MIB);
        if (disk_open(&disk) != MCPZ_OK) {
            _exit(1);
        }
        pid_t child = fork();
        while (child == 0 && kill(test, 0) == 0) {
            if (tries_to_lock(test)) {
                _exit(0);
            }
            sched_yield();
        }
        (void)!write(ends[1], "x", 1);
        for (;;) {
            pause();
        }
    }
    CHECK_UINT(read(ends[0], &byte, 1), 1);
    kill_and_reap(holder);
    disk_init(&disk, scratch.path, 64 * KIB, MIB);
    CHECK_UINT(disk_open(&disk), MCPZ_OK);
    disk_close(&disk);
    close(ends[0]);
    close(ends[1]);
    scratch_remove(&scratch);
}

TEST(one_process_cannot_hold_it_twice)
{
    struct scratch scratch;
    struct disk disk;
    struct disk again;

    scratch_make(&scratch);
    disk_init(&disk, scratch.path, 64 * KIB, MIB);
    disk_init(&again, scratch.path, 64 * KIB, MIB);
    CHECK_UINT(disk_open(&disk), MCPZ_OK);
    CHECK_UINT(disk_open(&again), MCPZ_ECONFLICT);
    disk_close(&disk);
    CHECK_UINT(disk_open(&again), MCPZ_OK);
    disk_close(&again);
    scratch_remove(&scratch);
}

/* Write batches without end, and say which are durable. Batch n holds key n. */
static void write_until_killed(const char *directory, int out)
{
    struct disk disk;
    unsigned number = 0;
    uint64_t told = 0;

    disk_init(&disk, directory, 64 * KIB, 64 * MIB);
    if (disk_open(&disk) != MCPZ_OK) {
        _exit(1);
    }
    for (;;) {
        char key[32];
        numbered(key, sizeof(key), ++number);
        disk_put(&disk, key, block_of(200));
        uint64_t batch = disk_commit(&disk);
        struct mcpz_kv_progress progress = disk_wait(&disk, batch > 3 ? batch - 3 : 0);
        if (progress.error != MCPZ_OK) {
            _exit(1);
        }
        if (progress.durable > told && write(out, &progress.durable, 8) != 8) {
            _exit(1);
        }
        told = progress.durable;
    }
}

TEST(keeps_what_it_called_durable_when_it_is_killed)
{
    struct scratch scratch;
    struct disk disk;
    int ends[2];

    scratch_make(&scratch);
    CHECK_UINT(pipe2(ends, O_CLOEXEC), 0);
    fflush(NULL);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        write_until_killed(scratch.path, ends[1]);
    }
    close(ends[1]);

    uint64_t durable = 0;
    for (int i = 0; i < 40; i++) {
        CHECK_UINT(read(ends[0], &durable, 8), 8);
    }
    kill_and_reap(child);
    while (read(ends[0], &durable, 8) == 8) { /* said before it died */
    }
    close(ends[0]);

    disk_init(&disk, scratch.path, 64 * KIB, 64 * MIB);
    CHECK_UINT(disk_open(&disk), MCPZ_OK);
    CHECK(durable >= 40);
    for (unsigned i = 1; i <= durable; i++) {
        char key[32];
        numbered(key, sizeof(key), i);
        CHECK(holds(&disk, key));
    }
    disk_close(&disk);
    scratch_remove(&scratch);
}

/* ---- Format ------------------------------------------------------------------------------- */

/* Write to the main database of an environment, past our store. */
static void write_raw(const char *directory, const char *key, const void *value, size_t length)
{
    MDB_env *env;
    MDB_txn *txn;
    MDB_dbi dbi;
    char *name = strdup(key);
    uint8_t *copy = malloc(length + 1);
    memcpy(copy, value, length);
    MDB_val k = {.mv_size = strlen(key), .mv_data = name};
    MDB_val v = {.mv_size = length, .mv_data = copy};

    CHECK_UINT(mdb_env_create(&env), 0);
    CHECK_UINT(mdb_env_open(env, directory, 0, 0600), 0);
    CHECK_UINT(mdb_txn_begin(env, NULL, 0, &txn), 0);
    CHECK_UINT(mdb_dbi_open(txn, NULL, 0, &dbi), 0);
    CHECK_UINT(mdb_put(txn, dbi, &k, &v, 0), 0);
    CHECK_UINT(mdb_txn_commit(txn), 0);
    mdb_env_close(env);
    free(copy);
    free(name);
}

static void check_refused(struct disk *disk, mcpz_error error, const char *text)
{
    CHECK_UINT(disk_open(disk), error);
    CHECK(disk->lmdb == NULL);
    if (strstr(disk->trouble.text, text) == NULL) {
        CHECK_TEXT(disk->trouble.text, text);
    }
}

TEST(refuses_a_store_of_another_format)
{
    struct scratch scratch;
    struct disk disk;

    scratch_make(&scratch);
    disk_init(&disk, scratch.path, 64 * KIB, MIB);
    CHECK_UINT(disk_open(&disk), MCPZ_OK);
    disk_close(&disk);

    write_raw(scratch.path, "mcpz-format", "\x00\x00\x00\x01", 4);
    check_refused(&disk, MCPZ_EVERSION, "format 1; this program reads format 4");
    write_raw(scratch.path, "mcpz-format", "\x00\x00\x00\x05", 4);
    check_refused(&disk, MCPZ_EVERSION, "format 5; this program reads format 4");
    write_raw(scratch.path, "mcpz-format", "\x00\x00\x01", 3);
    check_refused(&disk, MCPZ_ECORRUPT, "format version is unreadable");
    write_raw(scratch.path, "mcpz-format", "\x00\x00\x00\x04", 4);
    CHECK_UINT(disk_open(&disk), MCPZ_OK);
    disk_close(&disk);
    scratch_remove(&scratch);
}

TEST(refuses_the_environment_of_somebody_else)
{
    struct scratch scratch;
    struct disk disk;

    scratch_make(&scratch);
    write_raw(scratch.path, "a key", "a value", 7);
    disk_init(&disk, scratch.path, 64 * KIB, MIB);
    check_refused(&disk, MCPZ_ECORRUPT, "not written by mcpz");
    write_raw(scratch.path, "mcpz-format", "\x00\x00\x00\x04", 4);
    check_refused(&disk, MCPZ_ECORRUPT, "has no records");
    scratch_remove(&scratch);
}

TEST_MAIN(RUN(makes_its_directory_and_lets_nobody_else_in), RUN(shows_no_keys_of_its_own),
          RUN(says_why_a_directory_cannot_be_made), RUN(closes_what_was_never_opened),
          RUN(the_map_grows_while_writing),
          RUN(closing_writes_what_was_handed_over_and_makes_room_for_it),
          RUN(a_full_map_refuses_and_recovers), RUN(a_full_disk_refuses_and_recovers),
          RUN(a_batch_that_fits_alone_is_not_failed_by_its_company),
          RUN(a_map_too_small_for_an_empty_store_leaves_nothing_behind),
          RUN(names_the_process_that_holds_the_directory),
          RUN(a_child_of_a_holder_that_was_killed_is_waited_for),
          RUN(one_process_cannot_hold_it_twice),
          RUN(keeps_what_it_called_durable_when_it_is_killed),
          RUN(refuses_a_store_of_another_format), RUN(refuses_the_environment_of_somebody_else))
