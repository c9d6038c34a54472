#include <fcntl.h>

#include "blob/secret_file.h"
#include "scratch.h"

static struct scratch scratch;
static char path[600];

static void set_up(void)
{
    scratch_make(&scratch);
    snprintf(path, sizeof(path), "%s/secret", scratch.path);
}

static mcpz_error read_back(const char *expected)
{
    uint8_t bytes[16];
    size_t length = 0;

    mcpz_error error = mcpz_secret_file_read(path, bytes, sizeof(bytes), &length);
    CHECK(error != MCPZ_OK || expected == NULL ||
          mcpz_bytes_equal(mcpz_bytes(bytes, length), mcpz_text(expected)));
    return error;
}

TEST(what_is_written_is_read_and_nobody_elses)
{
    struct stat status;

    set_up();
    CHECK_UINT(read_back(NULL), MCPZ_ENOTFOUND);
    CHECK_UINT(mcpz_secret_file_write(scratch.path, path, mcpz_text("first")), MCPZ_OK);
    CHECK_UINT(read_back("first"), MCPZ_OK);
    CHECK(stat(path, &status) == 0);
    CHECK_UINT(status.st_mode & 0777, 0600);
    CHECK_UINT(mcpz_secret_file_write(scratch.path, path, mcpz_text("2")), MCPZ_OK);
    CHECK_UINT(read_back("2"), MCPZ_OK);
    scratch_remove(&scratch);
}

TEST(what_others_may_read_is_refused)
{
    static const mode_t modes[] = {0640, 0604, 0620, 0602, 0610};

    set_up();
    CHECK_UINT(mcpz_secret_file_write(scratch.path, path, mcpz_text("x")), MCPZ_OK);
    for (size_t i = 0; i < 5; i++) {
        CHECK(chmod(path, modes[i]) == 0);
        CHECK_UINT(read_back(NULL), MCPZ_EAUTH);
    }
    CHECK(chmod(path, 0400) == 0);
    CHECK_UINT(read_back("x"), MCPZ_OK);
    scratch_remove(&scratch);
}

TEST(what_is_longer_is_refused_and_links_are_not_followed)
{
    char link_path[700];

    set_up();
    CHECK_UINT(mcpz_secret_file_write(scratch.path, path, mcpz_text("12345678901234567")),
               MCPZ_OK);
    CHECK_UINT(read_back(NULL), MCPZ_EFULL);
    snprintf(link_path, sizeof(link_path), "%s.moved", path);
    CHECK(rename(path, link_path) == 0);
    CHECK(symlink(link_path, path) == 0);
    CHECK_UINT(read_back(NULL), MCPZ_EIO);
    scratch_remove(&scratch);
}

/* A name that is held open beside shows what became of the old contents. */
TEST(what_it_held_is_overwritten)
{
    char kept[16] = "";

    set_up();
    CHECK_UINT(mcpz_secret_file_write(scratch.path, path, mcpz_text("sesame")), MCPZ_OK);
    const int old = open(path, O_RDONLY | O_CLOEXEC);
    CHECK(old >= 0);
    CHECK_UINT(mcpz_secret_file_write(scratch.path, path, mcpz_text("new")), MCPZ_OK);
    CHECK_UINT(pread(old, kept, 6, 0), 6);
    CHECK(memcmp(kept, "\0\0\0\0\0\0", 6) == 0);
    CHECK(close(old) == 0);

    const int gone = open(path, O_RDONLY | O_CLOEXEC);
    CHECK(gone >= 0);
    mcpz_secret_file_wipe(path);
    mcpz_secret_file_wipe(path);
    CHECK_UINT(pread(gone, kept, 3, 0), 3);
    CHECK(memcmp(kept, "\0\0\0", 3) == 0);
    CHECK(close(gone) == 0);
    CHECK_UINT(read_back(NULL), MCPZ_ENOTFOUND);
    scratch_remove(&scratch);
}

TEST(where_nothing_can_be_written_nothing_changes)
{
    set_up();
    CHECK_UINT(mcpz_secret_file_write(scratch.path, path, mcpz_text("old")), MCPZ_OK);
    char blocked[700];
    snprintf(blocked, sizeof(blocked), "%s.tmp", path);
    CHECK(mkdir(blocked, 0700) == 0);
    CHECK_UINT(mcpz_secret_file_write(scratch.path, path, mcpz_text("new")), MCPZ_EIO);
    CHECK_UINT(read_back("old"), MCPZ_OK);
    scratch_remove(&scratch);
}

TEST_MAIN(RUN(what_is_written_is_read_and_nobody_elses), RUN(what_others_may_read_is_refused),
          RUN(what_is_longer_is_refused_and_links_are_not_followed),
          RUN(what_it_held_is_overwritten), RUN(where_nothing_can_be_written_nothing_changes))
