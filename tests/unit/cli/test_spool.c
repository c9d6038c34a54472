#include <fcntl.h>

#include "cli/spool.h"
#include "scratch.h"
#include "test.h"

static struct scratch scratch;
static struct mcpz_trouble trouble;

static int make(void **state)
{
    (void)state;
    scratch_make(&scratch);
    return 0;
}

static int clean(void **state)
{
    (void)state;
    scratch_remove(&scratch);
    return 0;
}

static int open_file(const char *text)
{
    char path[SCRATCH_FILE_PATH_BYTES];

    scratch_write(&scratch, "input", text, strlen(text), 0600);
    int file = open(scratch_path(&scratch, "input", path), O_RDONLY | O_CLOEXEC);
    CHECK(file >= 0);
    return file;
}

/* The read end of a pipe that holds `text` and has been closed. */
static int open_pipe(const char *text)
{
    int ends[2];

    CHECK(pipe(ends) == 0);
    CHECK(mcpz_write_all(ends[1], text, strlen(text)) == MCPZ_OK);
    CHECK(close(ends[1]) == 0);
    return ends[0];
}

TEST(a_file_stays_as_it_is)
{
    int file = open_file("hello");
    int spooled = -1;
    uint64_t length = 0;

    (void)state;
    CHECK_UINT(mcpz_spool(file, 5, &spooled, &length, &trouble), MCPZ_OK);
    CHECK(spooled == file);
    CHECK_UINT(length, 5);
    CHECK(close(file) == 0);
}

TEST(a_file_counts_from_its_position)
{
    int file = open_file("hello");
    int spooled = -1;
    uint64_t length = 0;

    (void)state;
    CHECK(lseek(file, 2, SEEK_SET) == 2);
    CHECK_UINT(mcpz_spool(file, 3, &spooled, &length, &trouble), MCPZ_OK);
    CHECK_UINT(length, 3);
    CHECK(lseek(file, 9, SEEK_SET) == 9);
    CHECK_UINT(mcpz_spool(file, 3, &spooled, &length, &trouble), MCPZ_OK);
    CHECK_UINT(length, 0);
    CHECK(close(file) == 0);
}

TEST(a_pipe_is_read_to_its_end)
{
    int ends = open_pipe("hello");
    int spooled = -1;
    uint64_t length = 0;
    char bytes[8];

    (void)state;
    CHECK_UINT(mcpz_spool(ends, 5, &spooled, &length, &trouble), MCPZ_OK);
    CHECK(spooled != ends);
    CHECK_UINT(length, 5);
    CHECK(read(spooled, bytes, sizeof(bytes)) == 5);
    CHECK(memcmp(bytes, "hello", 5) == 0);
    CHECK(close(spooled) == 0);
    CHECK(close(ends) == 0);
}

TEST(more_than_the_most_is_refused)
{
    int file = open_file("hello");
    int ends = open_pipe("hello");
    int spooled = -1;
    uint64_t length = 77;

    (void)state;
    CHECK_UINT(mcpz_spool(file, 4, &spooled, &length, &trouble), MCPZ_EFULL);
    CHECK_UINT(mcpz_spool(ends, 4, &spooled, &length, &trouble), MCPZ_EFULL);
    CHECK(strstr(trouble.text, "longer than 4 bytes") != NULL);
    CHECK_UINT(length, 77);
    CHECK(close(file) == 0);
    CHECK(close(ends) == 0);
}

TEST(a_directory_cannot_be_read)
{
    int file = open(scratch.path, O_RDONLY | O_CLOEXEC);
    int spooled = -1;
    uint64_t length = 0;

    (void)state;
    CHECK(file >= 0);
    CHECK_UINT(mcpz_spool(file, 4, &spooled, &length, &trouble), MCPZ_EIO);
    CHECK(close(file) == 0);
}

TEST(says_where_it_could_not_keep_the_input)
{
    int ends = open_pipe("hello");
    int spooled = -1;
    uint64_t length = 0;

    (void)state;
    (void)setenv("TMPDIR", "/nonexistent", 1);
    CHECK_UINT(mcpz_spool(ends, 5, &spooled, &length, &trouble), MCPZ_EIO);
    CHECK(strstr(trouble.text, "/nonexistent") != NULL);
    (void)unsetenv("TMPDIR");
    CHECK(close(ends) == 0);
}

TEST(a_full_disk_has_its_own_error)
{
    int file = open("/dev/full", O_WRONLY | O_CLOEXEC);

    (void)state;
    CHECK(file >= 0);
    CHECK_UINT(mcpz_write_all(file, "x", 1), MCPZ_ENOSPACE);
    CHECK(close(file) == 0);
    CHECK_UINT(mcpz_write_all(file, "x", 1), MCPZ_EIO);
}

#define FRESH(name) cmocka_unit_test_setup_teardown(name, make, clean)

TEST_MAIN(FRESH(a_file_stays_as_it_is), FRESH(a_file_counts_from_its_position),
          FRESH(a_pipe_is_read_to_its_end), FRESH(more_than_the_most_is_refused),
          FRESH(a_directory_cannot_be_read), FRESH(says_where_it_could_not_keep_the_input),
          FRESH(a_full_disk_has_its_own_error))
