#include "embed/keys.h"
#include "scratch.h"
#include "test.h"

/* 32 bytes of zero and one, and their line. */
static const uint8_t seed[MCPZ_KEY_BYTES] = {[31] = 1};
static const char line[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaq\n";

static struct scratch scratch;
static uint8_t loaded[MCPZ_KEY_BYTES];
static struct mcpz_trouble trouble;

static int make(void **state)
{
    (void)state;
    scratch_make(&scratch);
    memset(loaded, 0xee, sizeof(loaded));
    return 0;
}

static int clean(void **state)
{
    (void)state;
    scratch_remove(&scratch);
    return 0;
}

static mcpz_error load(void)
{
    return mcpz_key_load(scratch.path, "identity.key", loaded, &trouble);
}

static void refuses_content(const char *text, size_t length)
{
    scratch_write(&scratch, "identity.key", text, length, 0600);
    CHECK_UINT(load(), MCPZ_ECORRUPT);
    CHECK(strstr(trouble.text, "identity.key is damaged") != NULL);
}

TEST(says_that_there_is_none)
{
    (void)state;
    CHECK_UINT(load(), MCPZ_ENOTFOUND);
}

TEST(loads_what_it_stored)
{
    char path[SCRATCH_FILE_PATH_BYTES];
    struct stat facts;

    (void)state;
    CHECK_UINT(mcpz_key_store(scratch.path, "identity.key", seed, &trouble), MCPZ_OK);
    CHECK_UINT(load(), MCPZ_OK);
    CHECK(memcmp(loaded, seed, sizeof(seed)) == 0);
    CHECK(stat(scratch_path(&scratch, "identity.key", path), &facts) == 0);
    CHECK_UINT(facts.st_mode & 07777, 0600);
    CHECK_UINT(facts.st_size, sizeof(line) - 1);
}

TEST(leaves_nothing_else_behind)
{
    char path[SCRATCH_FILE_PATH_BYTES];

    (void)state;
    CHECK_UINT(mcpz_key_store(scratch.path, "identity.key", seed, &trouble), MCPZ_OK);
    CHECK(unlink(scratch_path(&scratch, "identity.key", path)) == 0);
    CHECK(rmdir(scratch.path) == 0); /* fails unless it is empty */
    CHECK(mkdir(scratch.path, 0700) == 0);
}

TEST(reads_a_line_with_and_without_its_end)
{
    (void)state;
    scratch_write(&scratch, "identity.key", line, sizeof(line) - 1, 0600);
    CHECK_UINT(load(), MCPZ_OK);
    CHECK(memcmp(loaded, seed, sizeof(seed)) == 0);
    scratch_write(&scratch, "identity.key", line, sizeof(line) - 2, 0400);
    CHECK_UINT(load(), MCPZ_OK);
}

TEST(refuses_a_key_others_may_use)
{
    static const mode_t modes[] = {0640, 0604, 0620, 0602, 0601, 0610, 0666};

    (void)state;
    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
        scratch_write(&scratch, "identity.key", line, sizeof(line) - 1, modes[i]);
        CHECK_UINT(load(), MCPZ_EAUTH);
        CHECK(strstr(trouble.text, "chmod 600") != NULL);
    }
    CHECK_UINT(loaded[0], 0xee);
}

TEST(refuses_every_truncation)
{
    (void)state;
    for (size_t length = 0; length < sizeof(line) - 2; length++) {
        refuses_content(line, length);
    }
}

TEST(refuses_what_is_not_one_line)
{
    (void)state;
    refuses_content("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaq\n\n", 54);
    refuses_content("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaqa", 53);
    refuses_content("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaar\n", 53); /* spare bits */
    refuses_content("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAQ\n", 53);
    refuses_content("aaaaaaaaaaaaaaaaaaaaaaaaaaa\0aaaaaaaaaaaaaaaaaaaaaaaq\n", 53);
}

TEST(refuses_a_directory_in_its_place)
{
    char path[SCRATCH_FILE_PATH_BYTES];

    (void)state;
    CHECK(mkdir(scratch_path(&scratch, "identity.key", path), 0700) == 0);
    CHECK_UINT(load(), MCPZ_ECORRUPT);
}

TEST(a_pipe_in_its_place_does_not_hang)
{
    char path[SCRATCH_FILE_PATH_BYTES];

    (void)state;
    CHECK(mkfifo(scratch_path(&scratch, "identity.key", path), 0600) == 0);
    CHECK_UINT(load(), MCPZ_ECORRUPT);
}

TEST(says_which_directory_cannot_be_written)
{
    (void)state;
    CHECK_UINT(mcpz_key_store("/nonexistent", "identity.key", seed, &trouble), MCPZ_EIO);
    CHECK(strstr(trouble.text, "/nonexistent/identity.key") != NULL);
}

TEST(replaces_an_older_key)
{
    static const uint8_t other[MCPZ_KEY_BYTES] = {[0] = 7};

    (void)state;
    CHECK_UINT(mcpz_key_store(scratch.path, "mesh.key", seed, &trouble), MCPZ_OK);
    CHECK_UINT(mcpz_key_store(scratch.path, "mesh.key", other, &trouble), MCPZ_OK);
    CHECK_UINT(mcpz_key_load(scratch.path, "mesh.key", loaded, &trouble), MCPZ_OK);
    CHECK(memcmp(loaded, other, sizeof(other)) == 0);
}

#define FRESH(name) cmocka_unit_test_setup_teardown(name, make, clean)

TEST_MAIN(FRESH(says_that_there_is_none), FRESH(loads_what_it_stored),
          FRESH(leaves_nothing_else_behind), FRESH(reads_a_line_with_and_without_its_end),
          FRESH(refuses_a_key_others_may_use), FRESH(refuses_every_truncation),
          FRESH(refuses_what_is_not_one_line), FRESH(refuses_a_directory_in_its_place),
          FRESH(a_pipe_in_its_place_does_not_hang), FRESH(says_which_directory_cannot_be_written),
          FRESH(replaces_an_older_key))
