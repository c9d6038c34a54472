#include "blob/keyring.h"
#include "crypto/identity.h"
#include "scratch.h"

#define KEY_A "00112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF"
#define KEY_B "10112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static struct scratch scratch;
static struct mcpz_keyring_config config;
static struct mcpz_keyring *ring;
static struct mcpz_key_trouble trouble;

static int set_up(void **state)
{
    (void)state;
    CHECK_UINT(mcpz_crypto_init(), MCPZ_OK);
    scratch_make(&scratch);
    static char directory[600];
    snprintf(directory, sizeof(directory), "%s/keys", scratch.path);
    config = (struct mcpz_keyring_config){.directory = directory};
    CHECK_UINT(mcpz_keyring_open(&config, &ring, &trouble), MCPZ_OK);
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

static const char *file(const char *name)
{
    static char path[700];
    snprintf(path, sizeof(path), "%s/%s", config.directory, name);
    return path;
}

/* What the key of `tenant` makes of a text: tells keys apart. */
static struct mcpz_id mark_of(const char *tenant)
{
    const struct mcpz_tenant_key *key = NULL;
    struct mcpz_id id;
    CHECK_UINT(mcpz_keyring_obtain(ring, mcpz_text(tenant), &key), MCPZ_OK);
    CHECK(key == mcpz_keyring_find(ring, mcpz_text(tenant)));
    mcpz_tenant_key_chunk_id(key, 1, mcpz_text("mark"), &id);
    return id;
}

static enum mcpz_key_place place(void)
{
    struct mcpz_key_whereabouts at;

    mcpz_keyring_whereabouts(ring, &at);
    CHECK(at.token.token[0] == '\0');
    return at.place;
}

static void check_mark(const char *tenant, const struct mcpz_id *expected, bool is_same)
{
    const struct mcpz_id now = mark_of(tenant);
    CHECK(mcpz_id_equal(&now, expected) == is_same);
}

/* Does any file of the directory hold these bytes? */
static bool holds(const void *bytes, size_t length)
{
    static const char *const names[] = {"node.key", "node.key.new", "ring", "ring.tmp"};
    static uint8_t content[65536];
    bool found = false;

    for (size_t i = 0; i < 4; i++) {
        FILE *opened = fopen(file(names[i]), "rbe");
        if (opened != NULL) {
            const size_t got = fread(content, 1, sizeof(content), opened);
            found = found || memmem(content, got, bytes, length) != NULL;
            CHECK(fclose(opened) == 0);
        }
    }
    return found;
}

TEST(keys_are_there_after_a_restart)
{
    const struct mcpz_id a = mark_of("acme");
    const struct mcpz_id b = mark_of("bolt");

    CHECK(!mcpz_id_equal(&a, &b));
    CHECK_UINT(reopen(), MCPZ_OK);
    CHECK_UINT(mcpz_keyring_count(ring), 2);
    CHECK(mcpz_bytes_equal(mcpz_keyring_tenant(ring, 1), mcpz_text("bolt")));
    check_mark("acme", &a, true);
    check_mark("bolt", &b, true);
    CHECK(mcpz_keyring_find(ring, mcpz_text("zoom")) == NULL);
}

TEST(a_new_node_key_changes_no_tenants_key)
{
    uint8_t before[MCPZ_NODE_KEY_ID_BYTES];
    uint8_t after[MCPZ_NODE_KEY_ID_BYTES];
    const struct mcpz_id a = mark_of("acme");

    mcpz_keyring_node_key_id(ring, before);
    CHECK_UINT(mcpz_keyring_rotate(ring), MCPZ_OK);
    mcpz_keyring_node_key_id(ring, after);
    CHECK(memcmp(before, after, sizeof(before)) != 0);
    check_mark("acme", &a, true);
    CHECK_UINT(reopen(), MCPZ_OK);
    mcpz_keyring_node_key_id(ring, before);
    CHECK(memcmp(before, after, sizeof(before)) == 0);
    check_mark("acme", &a, true);
    CHECK(access(file("node.key.new"), F_OK) != 0);
}

TEST(a_shredded_key_is_gone_for_good)
{
    uint8_t before[MCPZ_NODE_KEY_ID_BYTES];
    uint8_t after[MCPZ_NODE_KEY_ID_BYTES];
    const struct mcpz_id a = mark_of("acme");
    const struct mcpz_id b = mark_of("bolt");

    mcpz_keyring_node_key_id(ring, before);
    CHECK_UINT(mcpz_keyring_shred(ring, mcpz_text("acme"), 0, 0), MCPZ_OK);
    CHECK_UINT(mcpz_keyring_shred(ring, mcpz_text("acme"), 0, 0), MCPZ_ENOTFOUND);
    CHECK(mcpz_keyring_find(ring, mcpz_text("acme")) == NULL);
    CHECK(holds("acme", 4) && holds("bolt", 4)); /* that it ended is remembered */
    mcpz_keyring_node_key_id(ring, after);
    CHECK(memcmp(before, after, sizeof(before)) != 0);
    CHECK_UINT(reopen(), MCPZ_OK);
    CHECK_UINT(mcpz_keyring_count(ring), 1);
    check_mark("bolt", &b, true);
    check_mark("acme", &a, false); /* a new one */
}

/* Of records: the loop's own copies. */
TEST(keys_of_records_are_lent_and_known_by_their_ids)
{
    uint8_t id[MCPZ_TENANT_KEY_ID_BYTES];
    uint8_t other_id[MCPZ_TENANT_KEY_ID_BYTES];
    struct mcpz_tenant_key *lent;

    (void)mark_of("acme");
    CHECK_UINT(mcpz_keyring_lend(ring, mcpz_text("acme"), &lent), MCPZ_OK);
    mcpz_tenant_key_id(lent, id);
    mcpz_tenant_key_id(mcpz_keyring_find(ring, mcpz_text("acme")), other_id);
    CHECK(memcmp(id, other_id, sizeof(id)) != 0); /* blobs have another */
    mcpz_tenant_key_destroy(lent);
    CHECK_UINT(mcpz_keyring_count(ring), 1);
    CHECK_UINT(reopen(), MCPZ_OK);
    CHECK_UINT(mcpz_keyring_lend_by_id(ring, id, &lent), MCPZ_OK);
    CHECK(mcpz_bytes_equal(mcpz_tenant_key_tenant(lent), mcpz_text("acme")));
    mcpz_tenant_key_destroy(lent);
    id[0] ^= 1;
    CHECK_UINT(mcpz_keyring_lend_by_id(ring, id, &lent), MCPZ_ENOTFOUND);
    id[0] ^= 1;
    CHECK_UINT(mcpz_keyring_shred(ring, mcpz_text("acme"), 0, 0), MCPZ_OK);
    CHECK_UINT(mcpz_keyring_count(ring), 0);
    CHECK_UINT(mcpz_keyring_lend_by_id(ring, id, &lent), MCPZ_EEXPIRED);
    CHECK_UINT(reopen(), MCPZ_OK);
    CHECK_UINT(mcpz_keyring_lend_by_id(ring, id, &lent), MCPZ_EEXPIRED);
    CHECK_UINT(mcpz_keyring_lend_by_id(ring, other_id, &lent), MCPZ_EEXPIRED);
    CHECK_UINT(mcpz_keyring_lend(ring, mcpz_bytes("", 0), &lent), MCPZ_EPROTO);
}

/* As others say it: what is younger stays, and nothing that ended begins again. */
TEST(an_end_takes_what_was_made_until_then)
{
    struct mcpz_keyring_end end;
    struct mcpz_tenant_key *lent;

    CHECK_UINT(mcpz_keyring_end_of(ring, mcpz_text("acme")), 0);
    CHECK_UINT(mcpz_keyring_shred(ring, mcpz_text("acme"), 5, 0), MCPZ_OK); /* it has no key */
    CHECK_UINT(mcpz_keyring_end_of(ring, mcpz_text("acme")), 5);
    const struct mcpz_id a = mark_of("acme");
    CHECK_UINT(mcpz_keyring_lend(ring, mcpz_text("acme"), &lent), MCPZ_OK);
    const uint64_t made_ms = mcpz_tenant_key_made_ms(lent);
    mcpz_tenant_key_destroy(lent);
    CHECK(made_ms > 5);
    CHECK_UINT(mcpz_keyring_shred(ring, mcpz_text("acme"), 4, 0),
               MCPZ_OK); /* it is known better */
    CHECK_UINT(mcpz_keyring_shred(ring, mcpz_text("acme"), 7, 0), MCPZ_OK);
    check_mark("acme", &a, true);
    CHECK_UINT(reopen(), MCPZ_OK);
    CHECK(mcpz_keyring_end(ring, 0, &end) && !mcpz_keyring_end(ring, 1, &end));
    CHECK_UINT(end.at_ms, 7);
    CHECK(mcpz_bytes_equal(mcpz_bytes(end.tenant, end.tenant_length), mcpz_text("acme")));
    check_mark("acme", &a, true);

    /* An end that lies ahead of our clock: what is made afterwards is younger all the same. */
    const uint64_t ahead_ms = made_ms + 86400000;
    CHECK_UINT(mcpz_keyring_shred(ring, mcpz_text("acme"), ahead_ms, 0), MCPZ_OK);
    CHECK(mcpz_keyring_find(ring, mcpz_text("acme")) == NULL);
    check_mark("acme", &a, false);
    CHECK_UINT(mcpz_keyring_lend(ring, mcpz_text("acme"), &lent), MCPZ_OK);
    CHECK_UINT(mcpz_tenant_key_made_ms(lent), ahead_ms + 1);
    mcpz_tenant_key_destroy(lent);
    CHECK_UINT(mcpz_keyring_shred(ring, mcpz_text("acme"), ahead_ms, 0), MCPZ_OK);
    CHECK(mcpz_keyring_find(ring, mcpz_text("acme")) != NULL);
    CHECK_UINT(mcpz_keyring_shred(ring, mcpz_text("acme"), 0, 0), MCPZ_OK);
    CHECK(mcpz_keyring_end_of(ring, mcpz_text("acme")) > ahead_ms);

    /* And one that is not to be before what others have stamped. */
    const uint64_t stamped_ms = ahead_ms + 86400000;
    CHECK_UINT(mcpz_keyring_shred(ring, mcpz_text("acme"), 0, stamped_ms), MCPZ_ENOTFOUND);
    check_mark("acme", &a, false);
    CHECK_UINT(mcpz_keyring_shred(ring, mcpz_text("acme"), 0, stamped_ms), MCPZ_OK);
    CHECK_UINT(mcpz_keyring_end_of(ring, mcpz_text("acme")), stamped_ms);
}

/* Another node's ring, by what it shows. */
static size_t shown_of_other(const char *tenant, uint64_t made_ms, uint8_t *bytes)
{
    struct mcpz_tenant_key *key;

    CHECK_UINT(mcpz_tenant_key_create(MCPZ_KEY_OF_BLOBS, mcpz_text(tenant), &key), MCPZ_OK);
    for (size_t i = 0; i < 8; i++) {
        bytes[i] = (uint8_t)(made_ms >> (56 - 8 * i));
    }
    mcpz_tenant_key_show(key, bytes + 8);
    bytes[8 + MCPZ_NODE_KEY_BYTES] = (uint8_t)strlen(tenant);
    memcpy(bytes + 9 + MCPZ_NODE_KEY_BYTES, tenant, strlen(tenant));
    mcpz_tenant_key_destroy(key);
    return 9 + MCPZ_NODE_KEY_BYTES + strlen(tenant);
}

TEST(of_two_keys_that_were_made_apart_all_use_the_same)
{
    static uint8_t ours[4096];
    static uint8_t theirs[4096];
    uint8_t first[MCPZ_TENANT_KEY_ID_BYTES];
    uint8_t second[MCPZ_TENANT_KEY_ID_BYTES];

    (void)mark_of("acme");
    const size_t our_length = mcpz_keyring_show(ring, ours, sizeof(ours));
    CHECK_UINT(our_length, 9 + MCPZ_NODE_KEY_BYTES + 4);
    const size_t length = shown_of_other("acme", UINT64_C(1) << 50, theirs);
    CHECK_UINT(mcpz_keyring_adopt(ring, mcpz_bytes(theirs, length)), MCPZ_OK);
    CHECK_UINT(mcpz_keyring_adopt(ring, mcpz_bytes(theirs, length)), MCPZ_OK); /* again */
    CHECK_UINT(mcpz_keyring_count(ring), 1);
    const struct mcpz_tenant_key *key = mcpz_keyring_find(ring, mcpz_text("acme"));
    mcpz_tenant_key_id(key, first);
    key = mcpz_keyring_next(ring, mcpz_text("acme"), key);
    CHECK(key != NULL);
    mcpz_tenant_key_id(key, second);
    CHECK(memcmp(first, second, sizeof(first)) < 0);
    CHECK(mcpz_keyring_next(ring, mcpz_text("acme"), key) == NULL);
    CHECK_UINT(reopen(), MCPZ_OK);
    mcpz_tenant_key_id(mcpz_keyring_find(ring, mcpz_text("acme")), second);
    CHECK(memcmp(first, second, sizeof(first)) == 0);

    /* What has ended is not taken back; nor is what is no key. */
    CHECK_UINT(mcpz_keyring_shred(ring, mcpz_text("acme"), 0, 0), MCPZ_OK);
    CHECK_UINT(mcpz_keyring_adopt(ring, mcpz_bytes(ours, our_length)), MCPZ_OK);
    CHECK_UINT(mcpz_keyring_adopt(ring, mcpz_bytes(theirs, length)), MCPZ_OK);
    CHECK(mcpz_keyring_find(ring, mcpz_text("acme")) == NULL);
    for (size_t cut = 1; cut < length; cut++) {
        CHECK_UINT(mcpz_keyring_adopt(ring, mcpz_bytes(theirs, cut)), MCPZ_EPROTO);
    }
    CHECK_UINT(mcpz_keyring_count(ring), 0);
}

/* The ring is wrapped with the new node key, but that has not taken the old one's place. */
TEST(a_rotation_that_was_cut_short_is_finished)
{
    char old[700];
    const struct mcpz_id a = mark_of("acme");

    snprintf(old, sizeof(old), "%s/saved", scratch.path);
    CHECK(link(file("node.key"), old) == 0);
    CHECK_UINT(mcpz_keyring_rotate(ring), MCPZ_OK);
    char fresh[700];
    snprintf(fresh, sizeof(fresh), "%s", file("node.key.new"));
    CHECK(rename(file("node.key"), fresh) == 0);
    CHECK(rename(old, file("node.key")) == 0);
    FILE *opened = fopen(file("node.key"), "we"); /* its contents were overwritten */
    CHECK(opened != NULL && fputs(KEY_A "\n", opened) >= 0 && fclose(opened) == 0);
    CHECK_UINT(reopen(), MCPZ_OK);
    check_mark("acme", &a, true);
    CHECK(access(file("node.key.new"), F_OK) != 0);
    CHECK_UINT(reopen(), MCPZ_OK);
    check_mark("acme", &a, true);
}

/* It was cut short before: the new key fits nothing. */
TEST(a_node_key_that_fits_nothing_is_dropped)
{
    const struct mcpz_id a = mark_of("acme");
    FILE *opened = fopen(file("node.key.new"), "we");

    CHECK(opened != NULL && fputs(KEY_A "\n", opened) >= 0 && fclose(opened) == 0);
    CHECK(chmod(file("node.key.new"), 0600) == 0);
    CHECK_UINT(reopen(), MCPZ_OK);
    check_mark("acme", &a, true);
    CHECK(access(file("node.key.new"), F_OK) != 0);
}

TEST(the_environment_gives_the_node_key)
{
    const struct mcpz_id a = mark_of("acme");
    char old[MCPZ_NODE_KEY_TEXT_CHARS + 1] = "";
    FILE *opened = fopen(file("node.key"), "re");

    CHECK(opened != NULL && fread(old, 1, MCPZ_NODE_KEY_TEXT_CHARS, opened) > 0);
    CHECK(fclose(opened) == 0);
    CHECK_UINT(place(), MCPZ_KEY_IN_FILE);
    config.key.text = KEY_A;
    CHECK_UINT(reopen(), MCPZ_EAUTH);
    CHECK(strstr(trouble.text, "MCPZ_NODE_KEY_OLD") != NULL);
    config.key.text_old = old;
    CHECK_UINT(reopen(), MCPZ_OK);
    CHECK_UINT(place(), MCPZ_KEY_IN_ENVIRONMENT);
    check_mark("acme", &a, true);
    CHECK(access(file("node.key"), F_OK) != 0); /* not on the disk any more */
    config.key.text_old = KEY_A;
    config.key.text = KEY_B;
    CHECK_UINT(reopen(), MCPZ_OK);
    config.key.text_old = NULL;
    CHECK_UINT(reopen(), MCPZ_OK);
    check_mark("acme", &a, true);
    CHECK_UINT(mcpz_keyring_rotate(ring), MCPZ_EUNSUPPORTED);
    CHECK_UINT(mcpz_keyring_shred(ring, mcpz_text("acme"), 0, 0), MCPZ_OK);
    CHECK_UINT(reopen(), MCPZ_OK);
    CHECK_UINT(mcpz_keyring_count(ring), 0);
}

TEST(a_node_key_is_64_digits)
{
    config.key.text = "0011";
    CHECK_UINT(reopen(), MCPZ_EPROTO);
    config.key.text = KEY_A "0";
    CHECK_UINT(reopen(), MCPZ_EPROTO);
    config.key.text = "g0112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
    CHECK_UINT(reopen(), MCPZ_EPROTO);
}

TEST(who_can_be_overlooked_is_refused)
{
    CHECK(chmod(file("node.key"), 0640) == 0);
    CHECK_UINT(reopen(), MCPZ_EAUTH);
    CHECK(strstr(trouble.text, "0600") != NULL);
    CHECK(chmod(file("node.key"), 0600) == 0);
    CHECK_UINT(reopen(), MCPZ_OK);
    (void)mark_of("acme");
    CHECK(chmod(file("ring"), 0604) == 0);
    CHECK_UINT(reopen(), MCPZ_EAUTH);
}

TEST(a_ring_without_its_node_key_is_not_opened)
{
    (void)mark_of("acme");
    CHECK(unlink(file("node.key")) == 0);
    CHECK_UINT(reopen(), MCPZ_ENOTFOUND);
    CHECK(access(file("node.key"), F_OK) != 0);
}

TEST(every_byte_of_a_ring_counts)
{
    static uint8_t content[4096];

    (void)mark_of("acme");
    FILE *opened = fopen(file("ring"), "rbe");
    CHECK(opened != NULL);
    const size_t length = fread(content, 1, sizeof(content), opened);
    CHECK(fclose(opened) == 0);
    for (size_t i = 0; i <= length; i++) {
        const size_t cut = i % 2 == 0 ? length : i; /* changed here, or cut off here */
        if (i < length) {
            content[i] ^= 1;
        }
        opened = fopen(file("ring"), "wbe");
        CHECK(opened != NULL && fwrite(content, 1, cut, opened) == cut && fclose(opened) == 0);
        if (i < length) {
            content[i] ^= 1;
            CHECK(reopen() != MCPZ_OK);
        }
    }
    opened = fopen(file("ring"), "wbe");
    CHECK(opened != NULL && fwrite(content, 1, length, opened) == length && fclose(opened) == 0);
    CHECK_UINT(reopen(), MCPZ_OK);
}

TEST(names_have_a_length)
{
    static char name[MCPZ_TENANT_BYTES_MAX + 1];
    const struct mcpz_tenant_key *key;

    memset(name, 'x', sizeof(name));
    CHECK_UINT(mcpz_keyring_obtain(ring, mcpz_bytes(name, 0), &key), MCPZ_EPROTO);
    CHECK_UINT(mcpz_keyring_obtain(ring, mcpz_bytes(name, MCPZ_TENANT_BYTES_MAX + 1), &key),
               MCPZ_EPROTO);
    CHECK_UINT(mcpz_keyring_obtain(ring, mcpz_bytes(name, MCPZ_TENANT_BYTES_MAX), &key), MCPZ_OK);
    CHECK_UINT(reopen(), MCPZ_OK);
    CHECK(mcpz_keyring_find(ring, mcpz_bytes(name, MCPZ_TENANT_BYTES_MAX)) != NULL);
}

#define RUN_IN(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RUN_IN(keys_are_there_after_a_restart),
        RUN_IN(a_new_node_key_changes_no_tenants_key),
        RUN_IN(a_shredded_key_is_gone_for_good),
        RUN_IN(keys_of_records_are_lent_and_known_by_their_ids),
        RUN_IN(an_end_takes_what_was_made_until_then),
        RUN_IN(of_two_keys_that_were_made_apart_all_use_the_same),
        RUN_IN(a_rotation_that_was_cut_short_is_finished),
        RUN_IN(a_node_key_that_fits_nothing_is_dropped),
        RUN_IN(the_environment_gives_the_node_key),
        RUN_IN(a_node_key_is_64_digits),
        RUN_IN(who_can_be_overlooked_is_refused),
        RUN_IN(a_ring_without_its_node_key_is_not_opened),
        RUN_IN(every_byte_of_a_ring_counts),
        RUN_IN(names_have_a_length),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
