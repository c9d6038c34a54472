#include "crypto/identity.h"
#include "crypto/tenant_key.h"
#include "test.h"

static struct mcpz_node_key *node_key;
static struct mcpz_node_key *other_key;
static struct mcpz_tenant_key *key;

static int set_up(void **state)
{
    static const uint8_t bytes[MCPZ_NODE_KEY_BYTES] = {1};
    static const uint8_t others[MCPZ_NODE_KEY_BYTES] = {2};

    (void)state;
    CHECK_UINT(mcpz_crypto_init(), MCPZ_OK);
    CHECK_UINT(mcpz_node_key_create(bytes, &node_key), MCPZ_OK);
    CHECK_UINT(mcpz_node_key_create(others, &other_key), MCPZ_OK);
    CHECK_UINT(mcpz_tenant_key_create(MCPZ_KEY_OF_BLOBS, mcpz_text("acme"), &key), MCPZ_OK);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    mcpz_tenant_key_destroy(key);
    mcpz_node_key_destroy(other_key);
    mcpz_node_key_destroy(node_key);
    return 0;
}

static struct mcpz_id chunk_id(const struct mcpz_tenant_key *of, uint8_t kind, const char *plain)
{
    struct mcpz_id id;
    mcpz_tenant_key_chunk_id(of, kind, mcpz_text(plain), &id);
    return id;
}

TEST(a_wrapped_key_is_the_same_key)
{
    uint8_t wrapped[MCPZ_WRAPPED_KEY_BYTES];
    struct mcpz_tenant_key *again;

    mcpz_tenant_key_wrap(key, node_key, wrapped);
    CHECK_UINT(
        mcpz_tenant_key_unwrap(node_key, MCPZ_KEY_OF_BLOBS, mcpz_text("acme"), wrapped, &again),
        MCPZ_OK);
    const struct mcpz_id a = chunk_id(key, 1, "x");
    const struct mcpz_id b = chunk_id(again, 1, "x");
    CHECK(mcpz_id_equal(&a, &b));
    mcpz_tenant_key_destroy(again);
}

TEST(wrapping_never_looks_the_same)
{
    uint8_t first[MCPZ_WRAPPED_KEY_BYTES];
    uint8_t second[MCPZ_WRAPPED_KEY_BYTES];

    mcpz_tenant_key_wrap(key, node_key, first);
    mcpz_tenant_key_wrap(key, node_key, second);
    CHECK(memcmp(first, second, 24) != 0);
    CHECK(memcmp(first + 24, second + 24, MCPZ_WRAPPED_KEY_BYTES - 24) != 0);
}

TEST(it_opens_with_its_node_key_and_for_its_tenant_only)
{
    uint8_t wrapped[MCPZ_WRAPPED_KEY_BYTES];
    struct mcpz_tenant_key *again = key;

    mcpz_tenant_key_wrap(key, node_key, wrapped);
    CHECK_UINT(
        mcpz_tenant_key_unwrap(other_key, MCPZ_KEY_OF_BLOBS, mcpz_text("acme"), wrapped, &again),
        MCPZ_EAUTH);
    CHECK(again == NULL);
    CHECK_UINT(
        mcpz_tenant_key_unwrap(node_key, MCPZ_KEY_OF_BLOBS, mcpz_text("acm"), wrapped, &again),
        MCPZ_EAUTH);
    for (size_t i = 0; i < sizeof(wrapped); i++) {
        wrapped[i] ^= 0x10;
        CHECK_UINT(mcpz_tenant_key_unwrap(node_key, MCPZ_KEY_OF_BLOBS, mcpz_text("acme"), wrapped,
                                          &again),
                   MCPZ_EAUTH);
        wrapped[i] ^= 0x10;
    }
}

TEST(ids_are_of_content_kind_and_tenant)
{
    struct mcpz_tenant_key *other;
    const struct mcpz_id id = chunk_id(key, 1, "x");
    const struct mcpz_id same = chunk_id(key, 1, "x");
    const struct mcpz_id kind = chunk_id(key, 2, "x");
    const struct mcpz_id content = chunk_id(key, 1, "y");

    CHECK_UINT(mcpz_tenant_key_create(MCPZ_KEY_OF_BLOBS, mcpz_text("acme"), &other), MCPZ_OK);
    const struct mcpz_id tenant = chunk_id(other, 1, "x");
    CHECK(mcpz_id_equal(&id, &same));
    CHECK(!mcpz_id_equal(&id, &kind) && !mcpz_id_equal(&id, &content) &&
          !mcpz_id_equal(&id, &tenant));
    mcpz_tenant_key_destroy(other);
}

TEST(a_chunk_opens_as_what_it_was_sealed_as)
{
    const struct mcpz_id id = chunk_id(key, 1, "hello");
    const struct mcpz_id other = chunk_id(key, 1, "hallo");
    uint8_t sealed[5 + MCPZ_CHUNK_SEAL_BYTES];
    uint8_t again[sizeof(sealed)];
    uint8_t body[5];
    const struct mcpz_bytes whole = mcpz_bytes(sealed, sizeof(sealed));

    mcpz_tenant_key_seal(key, &id, 1, mcpz_text("hello"), sealed);
    CHECK_UINT(mcpz_tenant_key_open(key, &id, 1, whole, body), MCPZ_OK);
    CHECK(memcmp(body, "hello", 5) == 0);
    mcpz_tenant_key_seal(key, &id, 1, mcpz_text("hello"), again); /* the same at any node */
    CHECK(memcmp(sealed, again, sizeof(sealed)) == 0);
    mcpz_tenant_key_seal(key, &id, 1, mcpz_text("hellp"), again); /* no nonce is used twice */
    CHECK(memcmp(sealed, again, 24) != 0);
    CHECK_UINT(mcpz_tenant_key_open(key, &id, 2, whole, body), MCPZ_EAUTH);
    CHECK_UINT(mcpz_tenant_key_open(key, &other, 1, whole, body), MCPZ_EAUTH);
    for (size_t length = 0; length < sizeof(sealed); length++) {
        CHECK_UINT(mcpz_tenant_key_open(key, &id, 1, mcpz_bytes(sealed, length), body),
                   MCPZ_EAUTH);
        sealed[length] ^= 1;
        CHECK_UINT(mcpz_tenant_key_open(key, &id, 1, whole, body), MCPZ_EAUTH);
        sealed[length] ^= 1;
    }
}

TEST(gears_are_the_tenants_own)
{
    static uint64_t gear[MCPZ_GEAR_WORDS];
    static uint64_t others[MCPZ_GEAR_WORDS];
    struct mcpz_tenant_key *other;

    CHECK_UINT(mcpz_tenant_key_create(MCPZ_KEY_OF_BLOBS, mcpz_text("acme"), &other), MCPZ_OK);
    mcpz_tenant_key_gear(key, gear);
    mcpz_tenant_key_gear(other, others);
    CHECK(memcmp(gear, others, sizeof(gear)) != 0);
    mcpz_tenant_key_gear(key, others);
    CHECK(memcmp(gear, others, sizeof(gear)) == 0);
    mcpz_tenant_key_destroy(other);
}

TEST(node_keys_have_names_that_tell_nothing)
{
    uint8_t name[MCPZ_NODE_KEY_ID_BYTES];
    uint8_t other[MCPZ_NODE_KEY_ID_BYTES];

    mcpz_node_key_id(node_key, name);
    mcpz_node_key_id(other_key, other);
    CHECK(memcmp(name, other, sizeof(name)) != 0);
    mcpz_node_key_id(node_key, other);
    CHECK(memcmp(name, other, sizeof(name)) == 0);
}

static mcpz_error open_record(const struct mcpz_tenant_key *with, const char *place,
                              const uint8_t *sealed, size_t length, uint8_t *plain)
{
    return mcpz_tenant_key_open_record(with, mcpz_text(place), mcpz_bytes(sealed, length), plain);
}

TEST(a_record_opens_where_it_was_sealed_and_nowhere_else)
{
    static const char text[] = "what was written";
    uint8_t sealed[sizeof(text) + MCPZ_RECORD_SEAL_BYTES];
    uint8_t again[sizeof(sealed)];
    uint8_t plain[sizeof(text)];
    uint8_t id[MCPZ_TENANT_KEY_ID_BYTES];
    struct mcpz_tenant_key *other;

    CHECK_UINT(mcpz_tenant_key_create(MCPZ_KEY_OF_RECORDS, mcpz_text("acme"), &other), MCPZ_OK);
    mcpz_tenant_key_seal_record(key, mcpz_text("here"), mcpz_bytes(text, sizeof(text)), sealed);
    mcpz_tenant_key_id(key, id);
    CHECK(memcmp(sealed, id, sizeof(id)) == 0);
    CHECK(memmem(sealed, sizeof(sealed), "written", 7) == NULL);
    CHECK_UINT(open_record(key, "here", sealed, sizeof(sealed), plain), MCPZ_OK);
    CHECK(memcmp(plain, text, sizeof(text)) == 0);
    CHECK_UINT(open_record(key, "her", sealed, sizeof(sealed), plain), MCPZ_EAUTH);
    CHECK_UINT(open_record(other, "here", sealed, sizeof(sealed), plain), MCPZ_EAUTH);
    for (size_t i = 0; i < sizeof(sealed); i++) {
        CHECK_UINT(open_record(key, "here", sealed, i, plain), MCPZ_EAUTH);
        sealed[i] ^= 0x10;
        CHECK_UINT(open_record(key, "here", sealed, sizeof(sealed), plain), MCPZ_EAUTH);
        sealed[i] ^= 0x10;
    }
    /* The same again looks the same; elsewhere it does not. */
    mcpz_tenant_key_seal_record(key, mcpz_text("here"), mcpz_bytes(text, sizeof(text)), again);
    CHECK(memcmp(sealed, again, sizeof(sealed)) == 0);
    mcpz_tenant_key_seal_record(key, mcpz_text("there"), mcpz_bytes(text, sizeof(text)), again);
    CHECK(memcmp(sealed + sizeof(id), again + sizeof(id), 24) != 0);
    CHECK(memcmp(sealed + sizeof(id) + 24, again + sizeof(id) + 24, sizeof(text)) != 0);
    mcpz_tenant_key_destroy(other);
}

TEST(tokens_are_of_name_kind_and_key)
{
    uint8_t a[MCPZ_RECORD_TOKEN_BYTES];
    uint8_t b[MCPZ_RECORD_TOKEN_BYTES];
    struct mcpz_tenant_key *copy;
    struct mcpz_tenant_key *other;

    CHECK_UINT(mcpz_tenant_key_copy(key, &copy), MCPZ_OK);
    CHECK_UINT(mcpz_tenant_key_create(MCPZ_KEY_OF_BLOBS, mcpz_text("acme"), &other), MCPZ_OK);
    mcpz_tenant_key_token(key, 1, mcpz_text("name"), a);
    mcpz_tenant_key_token(copy, 1, mcpz_text("name"), b);
    CHECK(memcmp(a, b, sizeof(a)) == 0);
    mcpz_tenant_key_token(key, 2, mcpz_text("name"), b);
    CHECK(memcmp(a, b, sizeof(a)) != 0);
    mcpz_tenant_key_token(key, 1, mcpz_text("names"), b);
    CHECK(memcmp(a, b, sizeof(a)) != 0);
    mcpz_tenant_key_token(other, 1, mcpz_text("name"), b);
    CHECK(memcmp(a, b, sizeof(a)) != 0);
    mcpz_tenant_key_destroy(copy);
    mcpz_tenant_key_destroy(other);
}

TEST(a_key_that_was_shown_is_made_again)
{
    uint8_t bytes[MCPZ_NODE_KEY_BYTES];
    uint8_t id[MCPZ_TENANT_KEY_ID_BYTES];
    uint8_t other_id[MCPZ_TENANT_KEY_ID_BYTES];
    struct mcpz_tenant_key *again;

    mcpz_tenant_key_show(key, bytes);
    mcpz_tenant_key_id(key, id);
    CHECK_UINT(mcpz_tenant_key_restore(MCPZ_KEY_OF_BLOBS, mcpz_text("acme"), bytes, &again),
               MCPZ_OK);
    mcpz_tenant_key_id(again, other_id);
    CHECK(memcmp(id, other_id, sizeof(id)) == 0);
    CHECK_UINT(mcpz_tenant_key_made_ms(again), 0);
    mcpz_tenant_key_destroy(again);
    CHECK_UINT(mcpz_tenant_key_restore(MCPZ_KEY_OF_RECORDS, mcpz_text("acme"), bytes, &again),
               MCPZ_OK);
    mcpz_tenant_key_id(again, other_id);
    CHECK(memcmp(id, other_id, sizeof(id)) != 0); /* another use is another key */
    mcpz_tenant_key_destroy(again);
}

#define RUN_IN(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RUN_IN(a_wrapped_key_is_the_same_key),
        RUN_IN(wrapping_never_looks_the_same),
        RUN_IN(it_opens_with_its_node_key_and_for_its_tenant_only),
        RUN_IN(ids_are_of_content_kind_and_tenant),
        RUN_IN(a_chunk_opens_as_what_it_was_sealed_as),
        RUN_IN(gears_are_the_tenants_own),
        RUN_IN(node_keys_have_names_that_tell_nothing),
        RUN_IN(a_record_opens_where_it_was_sealed_and_nowhere_else),
        RUN_IN(tokens_are_of_name_kind_and_key),
        RUN_IN(a_key_that_was_shown_is_made_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
