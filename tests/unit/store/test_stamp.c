/* Whether a store is still the one it was: copies, files put back, and what is neither. */

#include <dirent.h>
#include <fcntl.h>

#include "disk.h"
#include "scratch.h"
#include "store/stamp.h"
#include "test.h"

#define KIB 1024

static void path_in(char *path, size_t capacity, const char *directory, const char *name)
{
    snprintf(path, capacity, "%s/%s", directory, name);
}

/* Copy a file over another, which stays where it is. */
static void copy(const char *from_directory, const char *to_directory, const char *name)
{
    char from[1024];
    char to[1024];
    uint8_t block[4096];
    ssize_t length;

    path_in(from, sizeof(from), from_directory, name);
    path_in(to, sizeof(to), to_directory, name);
    int source = open(from, O_RDONLY | O_CLOEXEC);
    int sink = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    CHECK(source >= 0 && sink >= 0);
    while ((length = read(source, block, sizeof(block))) > 0) {
        CHECK(write(sink, block, (size_t)length) == length);
    }
    close(source);
    close(sink);
}

static void write_one(struct disk *disk, const char *key)
{
    disk_put(disk, key, mcpz_text("value"));
    CHECK(disk_wait(disk, disk_commit(disk)).error == MCPZ_OK);
}

/* What a store says of itself when it is opened. */
struct opened {
    bool is_set_back;
    bool is_vouched_for;
};

/* Open, look, and write once if asked to. */
static struct opened open_once(struct disk *disk, const char *key)
{
    CHECK_UINT(disk_open(disk), MCPZ_OK);
    const struct opened opened = {.is_set_back = mcpz_lmdb_is_set_back(disk->lmdb),
                                  .is_vouched_for = mcpz_lmdb_is_vouched_for(disk->lmdb)};
    if (key != NULL) {
        write_one(disk, key);
    }
    disk_close(disk);
    return opened;
}

static bool opens_set_back(struct disk *disk, const char *key)
{
    return open_once(disk, key).is_set_back;
}

TEST(a_store_that_was_left_alone_is_the_one_it_was)
{
    struct scratch directory;
    struct disk disk;

    scratch_make(&directory);
    disk_init(&disk, directory.path, 256 * KIB, 256 * KIB);
    CHECK(!opens_set_back(&disk, NULL)); /* new, and nothing in it */
    CHECK(!opens_set_back(&disk, NULL));
    CHECK(!opens_set_back(&disk, "a"));
    CHECK(!opens_set_back(&disk, "b"));
    CHECK(!opens_set_back(&disk, NULL));
    scratch_remove(&directory);
}

TEST(a_file_put_back_in_place_is_noticed_until_something_is_written)
{
    struct scratch directory;
    struct scratch backup;
    struct disk disk;

    scratch_make(&directory);
    scratch_make(&backup);
    disk_init(&disk, directory.path, 256 * KIB, 256 * KIB);
    CHECK(!opens_set_back(&disk, "a"));
    copy(directory.path, backup.path, "data.mdb");
    CHECK(!opens_set_back(&disk, "b"));
    copy(backup.path, directory.path, "data.mdb");
    CHECK(opens_set_back(&disk, NULL));
    CHECK(opens_set_back(&disk, "c")); /* still: what must be written because of it was not */
    CHECK(!opens_set_back(&disk, NULL));
    scratch_remove(&directory);
    scratch_remove(&backup);
}

TEST(a_copy_is_noticed_although_its_stamp_was_copied_with_it)
{
    struct scratch directory;
    struct scratch other;
    struct disk disk;

    scratch_make(&directory);
    scratch_make(&other);
    disk_init(&disk, directory.path, 256 * KIB, 256 * KIB);
    CHECK(!opens_set_back(&disk, "a"));
    copy(directory.path, other.path, "data.mdb");
    copy(directory.path, other.path, MCPZ_STAMP_FILE);
    CHECK(!opens_set_back(&disk, NULL)); /* what was copied is as it was */
    disk_init(&disk, other.path, 256 * KIB, 256 * KIB);
    CHECK(opens_set_back(&disk, "b"));
    CHECK(!opens_set_back(&disk, NULL));
    scratch_remove(&directory);
    scratch_remove(&other);
}

TEST(a_stamp_that_is_lost_or_makes_no_sense_is_no_proof)
{
    static const char *const lines[] = {"", "\n", "2 - 1 1\n", "nonsense", "1 - 1 1\n"};

    for (size_t i = 0; i < MCPZ_ARRAY_LEN(lines); i++) {
        struct scratch directory;
        char path[1024];
        struct disk disk;

        scratch_make(&directory);
        disk_init(&disk, directory.path, 256 * KIB, 256 * KIB);
        CHECK(!opens_set_back(&disk, "a"));
        path_in(path, sizeof(path), directory.path, MCPZ_STAMP_FILE);
        int file = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
        CHECK(write(file, lines[i], strlen(lines[i])) == (ssize_t)strlen(lines[i]));
        close(file);
        CHECK(opens_set_back(&disk, "b"));
        CHECK(!opens_set_back(&disk, NULL));
        scratch_remove(&directory);
    }
}

TEST(a_stamp_that_is_older_than_the_store_is_one)
{
    struct scratch directory;
    struct scratch kept;
    struct disk disk;

    scratch_make(&directory);
    scratch_make(&kept);
    disk_init(&disk, directory.path, 256 * KIB, 256 * KIB);
    CHECK(!opens_set_back(&disk, "a"));
    copy(directory.path, kept.path, MCPZ_STAMP_FILE);
    CHECK(!opens_set_back(&disk, "b"));
    copy(kept.path, directory.path, MCPZ_STAMP_FILE); /* as a power cut may leave it */
    CHECK(!opens_set_back(&disk, NULL));
    scratch_remove(&directory);
    scratch_remove(&kept);
}

/* What is put back with the disk: all that lies in the store's directory. */
static void put_back(const struct scratch *backup, const struct scratch *directory)
{
    copy(backup->path, directory->path, "data.mdb");
    copy(backup->path, directory->path, MCPZ_STAMP_FILE);
}

static bool opens_vouched_for(struct disk *disk, const char *key)
{
    const struct opened opened = open_once(disk, key);

    CHECK(!opened.is_set_back);
    return opened.is_vouched_for;
}

TEST(a_disk_put_back_whole_is_not_vouched_for_until_something_is_written)
{
    struct scratch directory;
    struct scratch backup;
    struct scratch memory;
    struct disk disk;

    scratch_make(&directory);
    scratch_make(&backup);
    scratch_make(&memory);
    disk_init(&disk, directory.path, 256 * KIB, 256 * KIB);
    disk.config.witness = memory.path;
    CHECK(opens_vouched_for(&disk, NULL)); /* new, and nothing in it */
    CHECK(opens_vouched_for(&disk, "a"));
    copy(directory.path, backup.path, "data.mdb");
    copy(directory.path, backup.path, MCPZ_STAMP_FILE);
    CHECK(opens_vouched_for(&disk, "b"));
    CHECK(opens_vouched_for(&disk, "c"));
    put_back(&backup, &directory);
    CHECK(!opens_vouched_for(&disk, NULL));
    CHECK(!opens_vouched_for(&disk, "d")); /* still: what must be written because of it was not */
    CHECK(opens_vouched_for(&disk, NULL));
    scratch_remove(&directory);
    scratch_remove(&backup);
    scratch_remove(&memory);
}

TEST(a_machine_that_has_started_anew_vouches_for_nothing)
{
    struct scratch directory;
    struct scratch memory;
    struct disk disk;

    scratch_make(&directory);
    scratch_make(&memory);
    disk_init(&disk, directory.path, 256 * KIB, 256 * KIB);
    disk.config.witness = memory.path;
    CHECK(opens_vouched_for(&disk, "a"));
    scratch_remove(&memory);
    scratch_make(&memory); /* as empty as memory is */
    CHECK(!opens_vouched_for(&disk, "b"));
    CHECK(opens_vouched_for(&disk, NULL));
    scratch_remove(&directory);
    scratch_remove(&memory);
}

/* A store that was on another machine meanwhile may have been put back to any time. */
TEST(a_line_that_is_far_behind_vouches_for_nothing)
{
    struct scratch directory;
    struct scratch memory;
    struct disk disk;

    scratch_make(&directory);
    scratch_make(&memory);
    disk_init(&disk, directory.path, 256 * KIB, 256 * KIB);
    disk.config.witness = memory.path;
    CHECK(opens_vouched_for(&disk, "a"));
    disk.config.witness = NULL;
    CHECK(opens_vouched_for(&disk, "b")); /* killed before its line was written, as it were */
    disk.config.witness = memory.path;
    CHECK(opens_vouched_for(&disk, NULL));
    disk.config.witness = NULL;
    CHECK(opens_vouched_for(&disk, "c"));
    disk.config.witness = memory.path;
    CHECK(!opens_vouched_for(&disk, NULL));
    scratch_remove(&directory);
    scratch_remove(&memory);
}

static void list_lines(const struct scratch *memory, char *path, size_t capacity)
{
    snprintf(path, capacity, "%s/mcpz-%u", memory->path, (unsigned)geteuid());
}

static size_t count_lines(const struct scratch *memory)
{
    char path[1024];
    size_t count = 0;

    list_lines(memory, path, sizeof(path));
    DIR *directory = opendir(path);
    CHECK(directory != NULL);
    for (const struct dirent *entry = readdir(directory); entry != NULL;
         entry = readdir(directory)) {
        count += entry->d_name[0] != '.';
    }
    closedir(directory);
    return count;
}

TEST(lines_of_stores_that_are_no_more_are_removed)
{
    struct scratch directory;
    struct scratch other;
    struct scratch memory;
    struct disk disk;

    scratch_make(&directory);
    scratch_make(&other);
    scratch_make(&memory);
    disk_init(&disk, directory.path, 256 * KIB, 256 * KIB);
    disk.config.witness = memory.path;
    CHECK(opens_vouched_for(&disk, "a"));
    scratch_remove(&directory);
    CHECK_UINT(count_lines(&memory), 1);
    disk_init(&disk, other.path, 256 * KIB, 256 * KIB);
    disk.config.witness = memory.path;
    CHECK(opens_vouched_for(&disk, "a"));
    CHECK_UINT(count_lines(&memory), 1);
    scratch_remove(&other);
    scratch_remove(&memory);
}

TEST(where_others_may_write_no_line_is_kept)
{
    struct scratch directory;
    struct scratch memory;
    struct disk disk;
    char path[1024];

    scratch_make(&directory);
    scratch_make(&memory);
    list_lines(&memory, path, sizeof(path));
    CHECK(mkdir(path, 0700) == 0 && chmod(path, 0777) == 0);
    disk_init(&disk, directory.path, 256 * KIB, 256 * KIB);
    disk.config.witness = memory.path;
    CHECK(opens_vouched_for(&disk, "a")); /* as if there were no memory to ask */
    CHECK_UINT(count_lines(&memory), 0);
    scratch_remove(&directory);
    scratch_remove(&memory);
}

TEST_MAIN(RUN(a_store_that_was_left_alone_is_the_one_it_was),
          RUN(a_file_put_back_in_place_is_noticed_until_something_is_written),
          RUN(a_copy_is_noticed_although_its_stamp_was_copied_with_it),
          RUN(a_stamp_that_is_lost_or_makes_no_sense_is_no_proof),
          RUN(a_stamp_that_is_older_than_the_store_is_one),
          RUN(a_disk_put_back_whole_is_not_vouched_for_until_something_is_written),
          RUN(a_machine_that_has_started_anew_vouches_for_nothing),
          RUN(a_line_that_is_far_behind_vouches_for_nothing),
          RUN(lines_of_stores_that_are_no_more_are_removed),
          RUN(where_others_may_write_no_line_is_kept))
