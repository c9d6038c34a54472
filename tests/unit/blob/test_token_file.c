#include "blob/token_file.h"
#include "crypto/identity.h"
#include "test.h"

static struct mcpz_node_key *secret;
static struct mcpz_node_key *key;
static struct mcpz_token_file file;

static int set_up(void **state)
{
    uint8_t bytes[MCPZ_NODE_KEY_BYTES];

    (void)state;
    CHECK_UINT(mcpz_crypto_init(), MCPZ_OK);
    memset(bytes, 1, sizeof(bytes));
    CHECK_UINT(mcpz_node_key_create(bytes, &secret), MCPZ_OK);
    memset(bytes, 2, sizeof(bytes));
    CHECK_UINT(mcpz_node_key_create(bytes, &key), MCPZ_OK);
    file = (struct mcpz_token_file){
        .scheme = MCPZ_TOKEN_AES_CBC,
        .key = {.token = "at", .serial = "7", .object = "mc", .id = {9, 8}, .id_length = 2},
        .wrapped_length = 3,
        .wrapped = {0xa, 0xb, 0xc}};
    mcpz_token_file_seal(&file, secret, key);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    mcpz_node_key_destroy(secret);
    mcpz_node_key_destroy(key);
    return 0;
}

TEST(its_bytes_are_these)
{
    static const uint8_t after_id[] = {2, 'a', 't', 1, '7', 2,   'm', 'c',
                                       2, 9,   8,   0, 3,   0xa, 0xb, 0xc};
    uint8_t bytes[MCPZ_TOKEN_FILE_BYTES_MAX];
    uint8_t id[MCPZ_NODE_KEY_ID_BYTES];
    const size_t length = mcpz_token_file_write(&file, bytes);

    mcpz_node_key_id(key, id);
    CHECK_UINT(length, 10 + sizeof(id) + sizeof(after_id) + MCPZ_WRAPPED_KEY_BYTES);
    CHECK(memcmp(bytes, "mcpztokn\x01\x02", 10) == 0);
    CHECK(memcmp(bytes + 10, id, sizeof(id)) == 0);
    CHECK(memcmp(bytes + 10 + sizeof(id), after_id, sizeof(after_id)) == 0);
    CHECK(memcmp(bytes + length - MCPZ_WRAPPED_KEY_BYTES, file.sealed, MCPZ_WRAPPED_KEY_BYTES) ==
          0);
}

TEST(what_was_sealed_is_opened)
{
    uint8_t bytes[MCPZ_TOKEN_FILE_BYTES_MAX];
    uint8_t was[MCPZ_NODE_KEY_BYTES];
    uint8_t is[MCPZ_NODE_KEY_BYTES];
    struct mcpz_token_file again;
    struct mcpz_node_key *opened = NULL;

    const size_t length = mcpz_token_file_write(&file, bytes);
    CHECK_UINT(mcpz_token_file_read(mcpz_bytes(bytes, length), &again), MCPZ_OK);
    CHECK_UINT(mcpz_token_file_open(&again, secret, &opened), MCPZ_OK);
    mcpz_node_key_show(key, was);
    mcpz_node_key_show(opened, is);
    CHECK(memcmp(was, is, sizeof(was)) == 0);
    mcpz_node_key_destroy(opened);
    CHECK_UINT(mcpz_token_file_open(&again, key, &opened), MCPZ_EAUTH);
    CHECK(opened == NULL);
}

TEST(a_file_that_is_cut_or_longer_is_none)
{
    uint8_t bytes[MCPZ_TOKEN_FILE_BYTES_MAX + 1];
    struct mcpz_token_file again;
    const size_t length = mcpz_token_file_write(&file, bytes);

    for (size_t cut = 0; cut < length; cut++) {
        CHECK_UINT(mcpz_token_file_read(mcpz_bytes(bytes, cut), &again), MCPZ_ECORRUPT);
    }
    bytes[length] = 0;
    CHECK_UINT(mcpz_token_file_read(mcpz_bytes(bytes, length + 1), &again), MCPZ_ECORRUPT);
    bytes[8] = 2;
    CHECK_UINT(mcpz_token_file_read(mcpz_bytes(bytes, length), &again), MCPZ_EVERSION);
}

/* Any bit: the file is none, or does not open. */
TEST(nothing_of_it_can_be_changed)
{
    uint8_t bytes[MCPZ_TOKEN_FILE_BYTES_MAX];
    struct mcpz_token_file again;
    struct mcpz_node_key *opened;
    const size_t length = mcpz_token_file_write(&file, bytes);

    for (size_t bit = 0; bit < 8 * length; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1U << bit % 8);
        if (mcpz_token_file_read(mcpz_bytes(bytes, length), &again) == MCPZ_OK) {
            CHECK_UINT(mcpz_token_file_open(&again, secret, &opened), MCPZ_EAUTH);
        }
        bytes[bit / 8] ^= (uint8_t)(1U << bit % 8);
    }
    CHECK_UINT(mcpz_token_file_read(mcpz_bytes(bytes, length), &again), MCPZ_OK);
}

TEST(the_largest_one_fits)
{
    uint8_t bytes[MCPZ_TOKEN_FILE_BYTES_MAX + 8];
    struct mcpz_token_file again;

    memset(file.key.token, 't', MCPZ_PKCS11_TOKEN_BYTES_MAX);
    memset(file.key.serial, 's', MCPZ_PKCS11_MODEL_BYTES_MAX);
    memset(file.key.object, 'o', MCPZ_PKCS11_OBJECT_BYTES_MAX);
    file.key.id_length = MCPZ_PKCS11_ID_BYTES_MAX;
    file.wrapped_length = MCPZ_TOKEN_WRAPPED_BYTES_MAX;
    mcpz_token_file_seal(&file, secret, key);
    const size_t length = mcpz_token_file_write(&file, bytes);
    CHECK_UINT(length, MCPZ_TOKEN_FILE_BYTES_MAX);
    CHECK_UINT(mcpz_token_file_read(mcpz_bytes(bytes, length), &again), MCPZ_OK);
    const size_t at = 10 + MCPZ_NODE_KEY_ID_BYTES;
    bytes[at] = MCPZ_PKCS11_TOKEN_BYTES_MAX + 1;
    CHECK_UINT(mcpz_token_file_read(mcpz_bytes(bytes, length), &again), MCPZ_ECORRUPT);
    bytes[at] = MCPZ_PKCS11_TOKEN_BYTES_MAX;
    bytes[at + 1] = '\n'; /* nothing that is shown to people */
    CHECK_UINT(mcpz_token_file_read(mcpz_bytes(bytes, length), &again), MCPZ_ECORRUPT);
}

#define RUN_IN(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

TEST_MAIN(RUN_IN(its_bytes_are_these), RUN_IN(what_was_sealed_is_opened),
          RUN_IN(a_file_that_is_cut_or_longer_is_none), RUN_IN(nothing_of_it_can_be_changed),
          RUN_IN(the_largest_one_fits))
