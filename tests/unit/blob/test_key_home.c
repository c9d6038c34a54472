#include "blob/key_care.h"
#include "blob/keyring.h"
#include "crypto/identity.h"
#include "soft_token.h"

#define KEY_A "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static struct scratch scratch;
static char directory[600];
static struct mcpz_token_config token;
static struct mcpz_keyring_config config;
static struct mcpz_keyring *ring;
static struct mcpz_key_trouble trouble;
static struct mcpz_key_care care;

static int set_up(void **state)
{
    (void)state;
    CHECK_UINT(mcpz_crypto_init(), MCPZ_OK);
    scratch_make(&scratch);
    token = soft_token_begin(&scratch);
    snprintf(directory, sizeof(directory), "%s/keys", scratch.path);
    config = (struct mcpz_keyring_config){.directory = directory, .key.token = &token};
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    mcpz_keyring_close(ring);
    ring = NULL;
    scratch_remove(&scratch);
    return 0;
}

static mcpz_error reopen(void)
{
    mcpz_keyring_close(ring);
    return mcpz_keyring_open(&config, &ring, &trouble);
}

static void close_ring(void)
{
    mcpz_keyring_close(ring);
    ring = NULL;
}

static const char *file(const char *name)
{
    static char path[2][700];
    static unsigned turn;

    turn ^= 1;
    snprintf(path[turn], sizeof(path[turn]), "%s/%s", directory, name);
    return path[turn];
}

static bool is_there(const char *name)
{
    return access(file(name), F_OK) == 0;
}

static void copy(const char *from, const char *to)
{
    uint8_t bytes[4096];
    FILE *opened = fopen(file(from), "rbe");

    CHECK(opened != NULL);
    const size_t length = fread(bytes, 1, sizeof(bytes), opened);
    CHECK(fclose(opened) == 0);
    opened = fopen(file(to), "wbe");
    CHECK(opened != NULL && fwrite(bytes, 1, length, opened) == length && fclose(opened) == 0);
    CHECK(chmod(file(to), 0600) == 0);
}

/* What the key of a tenant makes of a text: tells keys apart. */
static struct mcpz_id mark(void)
{
    const struct mcpz_tenant_key *key = NULL;
    struct mcpz_id id;

    CHECK_UINT(mcpz_keyring_obtain(ring, mcpz_text("acme"), &key), MCPZ_OK);
    mcpz_tenant_key_chunk_id(key, 1, mcpz_text("mark"), &id);
    return id;
}

static void check_mark(const struct mcpz_id *expected)
{
    const struct mcpz_id now = mark();
    CHECK(mcpz_id_equal(&now, expected));
}

TEST(keys_are_there_after_a_restart_and_no_node_key_is_on_the_disk)
{
    struct mcpz_key_whereabouts at;

    CHECK_UINT(reopen(), MCPZ_OK);
    const struct mcpz_id a = mark();
    CHECK(is_there("node.key.token") && !is_there("node.key"));
    CHECK_UINT(reopen(), MCPZ_OK);
    check_mark(&a);
    /* Which key it is, and in which token, can be told. */
    mcpz_keyring_whereabouts(ring, &at);
    CHECK_UINT(at.place, MCPZ_KEY_IN_TOKEN);
    CHECK_TEXT(at.token.token, "attic");
    CHECK_TEXT(at.token.object, MCPZ_TOKEN_OBJECT_DEFAULT);
    CHECK(at.token.serial[0] != '\0');
}

/* Neither asks the token: it is not even there. */
TEST(a_node_key_is_changed_and_shredded_without_the_token)
{
    char away[SCRATCH_FILE_PATH_BYTES];
    char here[SCRATCH_FILE_PATH_BYTES];

    CHECK_UINT(reopen(), MCPZ_OK);
    const struct mcpz_id a = mark();
    CHECK(rename(scratch_path(&scratch, "tokens", here), scratch_path(&scratch, "away", away)) ==
          0);
    copy("node.key.token", "before");
    CHECK_UINT(mcpz_keyring_rotate(ring), MCPZ_OK);
    copy("node.key.token", "after");
    CHECK(rename(away, here) == 0);
    CHECK_UINT(reopen(), MCPZ_OK);
    check_mark(&a);

    /* The one before fits no ring any more, and is told before a PIN is tried. */
    copy("before", "node.key.token");
    CHECK(setenv("TEST_PIN", "000000", 1) == 0);
    CHECK_UINT(reopen(), MCPZ_EAUTH);
    CHECK(strstr(trouble.text, "PIN") == NULL);
    CHECK(setenv("TEST_PIN", SOFT_PIN, 1) == 0);

    /* As after a crash between ring and node key. */
    copy("after", "node.key.token.new");
    CHECK_UINT(reopen(), MCPZ_OK);
    check_mark(&a);
    CHECK(!is_there("node.key.token.new"));
    CHECK_UINT(mcpz_keyring_shred(ring, mcpz_text("acme"), 0, 0), MCPZ_OK);
    CHECK_UINT(reopen(), MCPZ_OK);
    CHECK_UINT(mcpz_keyring_count(ring), 0);
}

TEST(a_file_that_was_changed_is_told)
{
    FILE *opened;

    CHECK_UINT(reopen(), MCPZ_OK);
    (void)mark();
    copy("node.key.token", "saved");
    opened = fopen(file("node.key.token"), "r+be");
    CHECK(opened != NULL && fseek(opened, -1, SEEK_END) == 0 && fputc('x', opened) == 'x');
    CHECK(fclose(opened) == 0);
    CHECK_UINT(reopen(), MCPZ_EAUTH);
    CHECK(strstr(trouble.text, "was changed") != NULL);
    CHECK(truncate(file("node.key.token"), 100) == 0);
    CHECK_UINT(reopen(), MCPZ_ECORRUPT);
    CHECK(strstr(trouble.text, "damaged") != NULL);
    CHECK(chmod(file("saved"), 0640) == 0);
    CHECK(rename(file("saved"), file("node.key.token")) == 0);
    CHECK_UINT(reopen(), MCPZ_EAUTH);
    CHECK(chmod(file("node.key.token"), 0600) == 0);
    CHECK_UINT(reopen(), MCPZ_OK);
}

TEST(what_a_token_keeps_is_not_made_anew_elsewhere)
{
    CHECK_UINT(reopen(), MCPZ_OK);
    (void)mark();
    config.key.token = NULL;
    CHECK_UINT(reopen(), MCPZ_ENOTFOUND);
    CHECK(strstr(trouble.text, "keys.source: pkcs11") != NULL);
    CHECK(!is_there("node.key"));
    config.key.token = &token;
    token.token = "cellar"; /* not there */
    CHECK_UINT(reopen(), MCPZ_ENOTFOUND);
    CHECK(is_there("node.key.token"));
}

static mcpz_error move(bool to_token)
{
    close_ring();
    const struct mcpz_key_source any = {.text = config.key.text, .token = &token};
    return mcpz_key_care_move(directory, &any, to_token, &care);
}

TEST(a_node_key_moves_into_a_token_and_back)
{
    config.key.token = NULL;
    CHECK_UINT(move(true), MCPZ_ENOTFOUND); /* there are no keys yet */
    CHECK_UINT(reopen(), MCPZ_OK);
    const struct mcpz_id a = mark();
    CHECK_UINT(move(true), MCPZ_OK);
    CHECK(!is_there("node.key") && is_there("node.key.token"));
    CHECK_UINT(move(true), MCPZ_OK); /* it is there */
    config.key.token = &token;
    CHECK_UINT(reopen(), MCPZ_OK);
    check_mark(&a);
    CHECK_UINT(move(false), MCPZ_OK);
    CHECK(is_there("node.key") && !is_there("node.key.token"));
    CHECK_UINT(reopen(), MCPZ_ENOTFOUND);
    CHECK(strstr(trouble.text, "key move") != NULL);
    config.key.token = NULL;
    CHECK_UINT(reopen(), MCPZ_OK);
    check_mark(&a);
}

TEST(a_move_that_was_cut_short_is_ended)
{
    config.key.token = NULL;
    CHECK_UINT(reopen(), MCPZ_OK);
    const struct mcpz_id a = mark();
    copy("node.key", "saved");
    CHECK_UINT(move(true), MCPZ_OK);
    copy("saved", "node.key"); /* as if it had not been removed yet */
    copy("node.key.token", "saved.token");
    config.key.token = &token;
    CHECK_UINT(reopen(), MCPZ_OK);
    check_mark(&a);
    CHECK(!is_there("node.key"));
    CHECK_UINT(move(false), MCPZ_OK);
    copy("saved.token", "node.key.token");
    config.key.token = NULL;
    CHECK_UINT(reopen(), MCPZ_OK);
    check_mark(&a);
    CHECK(!is_there("node.key.token"));
}

TEST(another_key_at_the_new_place_is_left_there)
{
    FILE *opened;

    CHECK_UINT(reopen(), MCPZ_OK);
    const struct mcpz_id a = mark();
    opened = fopen(file("node.key"), "we"); /* of a backup, perhaps */
    CHECK(opened != NULL && fputs(KEY_A "\n", opened) >= 0 && fclose(opened) == 0);
    CHECK(chmod(file("node.key"), 0600) == 0);
    CHECK_UINT(move(false), MCPZ_EAUTH);
    CHECK_UINT(reopen(), MCPZ_OK);
    check_mark(&a);
    CHECK(is_there("node.key"));
}

TEST(a_key_comes_from_the_environment)
{
    config.key = (struct mcpz_key_source){.text = KEY_A};
    CHECK_UINT(reopen(), MCPZ_OK);
    const struct mcpz_id a = mark();
    CHECK_UINT(move(true), MCPZ_OK);
    config.key = (struct mcpz_key_source){.token = &token};
    CHECK_UINT(reopen(), MCPZ_OK);
    check_mark(&a);

    /* Or, as any other, named as the one before: it is replaced. */
    CHECK_UINT(move(false), MCPZ_OK);
    config.key = (struct mcpz_key_source){.text_old = KEY_A};
    CHECK(unlink(file("node.key")) == 0);
    CHECK_UINT(reopen(), MCPZ_OK);
    check_mark(&a);
    CHECK(is_there("node.key"));
    config.key = (struct mcpz_key_source){.text = NULL};
    CHECK_UINT(reopen(), MCPZ_OK);
    check_mark(&a);
}

TEST(a_token_makes_a_new_key)
{
    const struct mcpz_key_source source = {.token = &token};

    CHECK_UINT(reopen(), MCPZ_OK);
    const struct mcpz_id a = mark();
    close_ring();
    copy("node.key.token", "saved");
    CHECK_UINT(mcpz_key_care_rewrap(directory, &source, false, &care), MCPZ_OK);
    CHECK_UINT(reopen(), MCPZ_OK);
    check_mark(&a);
    copy("saved", "node.key.token"); /* the old one is there still */
    CHECK_UINT(reopen(), MCPZ_OK);
    close_ring();
    CHECK_UINT(mcpz_key_care_rewrap(directory, &source, true, &care), MCPZ_OK);
    CHECK_UINT(reopen(), MCPZ_OK);
    check_mark(&a);
    copy("saved", "node.key.token"); /* it is not any more */
    CHECK_UINT(reopen(), MCPZ_ENOTFOUND);
}

TEST(who_looks_sees_where_it_is)
{
    CHECK_UINT(mcpz_key_care_look(directory, &config.key, &care), MCPZ_OK);
    CHECK(!care.has_ring && care.place == MCPZ_KEY_IN_TOKEN);
    CHECK(!is_there("node.key.token"));
    CHECK_UINT(reopen(), MCPZ_OK);
    (void)mark();
    CHECK(setenv("TEST_PIN", "000000", 1) == 0); /* not tried */
    CHECK_UINT(mcpz_key_care_look(directory, &config.key, &care), MCPZ_OK);
    CHECK(care.has_ring);
    CHECK_TEXT(care.token.token, "attic");
    config.key.token = NULL;
    CHECK_UINT(mcpz_key_care_look(directory, &config.key, &care), MCPZ_ENOTFOUND);
    config.key.text = KEY_A;
    CHECK_UINT(mcpz_key_care_look(directory, &config.key, &care), MCPZ_EAUTH);
}

#define RUN_IN(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RUN_IN(keys_are_there_after_a_restart_and_no_node_key_is_on_the_disk),
        RUN_IN(a_node_key_is_changed_and_shredded_without_the_token),
        RUN_IN(a_file_that_was_changed_is_told),
        RUN_IN(what_a_token_keeps_is_not_made_anew_elsewhere),
        RUN_IN(a_node_key_moves_into_a_token_and_back),
        RUN_IN(a_move_that_was_cut_short_is_ended),
        RUN_IN(another_key_at_the_new_place_is_left_there),
        RUN_IN(a_key_comes_from_the_environment),
        RUN_IN(a_token_makes_a_new_key),
        RUN_IN(who_looks_sees_where_it_is),
    };

    return soft_token_is_there() ? cmocka_run_group_tests(tests, NULL, NULL) : SOFT_SKIPPED;
}
