#include "blob/chunk.h"
#include "blob_world.h"
#include "crypto/identity.h"

static struct mcpz_chunk_press *press;
static struct mcpz_tenant_key *key;
static uint8_t plain[MCPZ_CHUNK_PLAIN_BYTES_MAX];
static uint8_t again[MCPZ_CHUNK_PLAIN_BYTES_MAX];
static uint8_t stored[MCPZ_CHUNK_STORED_BYTES_MAX];
static const struct mcpz_id id = {{5}};

static int set_up(void **state)
{
    (void)state;
    CHECK_UINT(mcpz_crypto_init(), MCPZ_OK);
    CHECK_UINT(mcpz_chunk_press_create(&press), MCPZ_OK);
    CHECK_UINT(mcpz_tenant_key_create(MCPZ_KEY_OF_BLOBS, mcpz_text("acme"), &key), MCPZ_OK);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    mcpz_tenant_key_destroy(key);
    mcpz_chunk_press_destroy(press);
    return 0;
}

static void round_trip(size_t length)
{
    const size_t kept = mcpz_chunk_close(press, key, &id, mcpz_bytes(plain, length), stored);

    CHECK(kept <= MCPZ_CHUNK_STORED_BYTES_MAX);
    memset(again, 0xee, sizeof(again));
    CHECK_UINT(mcpz_chunk_open(press, key, &id, mcpz_bytes(stored, kept), again, length), MCPZ_OK);
    CHECK(memcmp(plain, again, length) == 0);
}

TEST(chunks_of_any_length_come_back)
{
    static const size_t lengths[] = {0, 1, 59, 60, 61, 4096, 65536, MCPZ_CHUNK_PLAIN_BYTES_MAX};

    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        random_bytes(i, plain, lengths[i]);
        round_trip(lengths[i]);
        wordy_bytes(i, plain, lengths[i]);
        round_trip(lengths[i]);
        memset(plain, 0, lengths[i]);
        round_trip(lengths[i]);
    }
}

TEST(what_compresses_is_compressed_and_what_does_not_is_not)
{
    wordy_bytes(1, plain, 65536);
    CHECK(mcpz_chunk_close(press, key, &id, mcpz_bytes(plain, 65536), stored) < 65536 / 4);
    CHECK_UINT(stored[0], MCPZ_CHUNK_ZSTD);
    random_bytes(1, plain, 65536);
    CHECK_UINT(mcpz_chunk_close(press, key, &id, mcpz_bytes(plain, 65536), stored),
               1 + MCPZ_CHUNK_SEAL_BYTES + 66560);
    CHECK_UINT(stored[0], MCPZ_CHUNK_PLAIN);
}

TEST(lengths_are_of_few_classes)
{
    CHECK_UINT(mcpz_chunk_padded(1), 64);
    CHECK_UINT(mcpz_chunk_padded(64), 64);
    CHECK_UINT(mcpz_chunk_padded(65), 128);
    CHECK_UINT(mcpz_chunk_padded(4096), 4096);
    CHECK_UINT(mcpz_chunk_padded(4097), 4352);
    CHECK_UINT(mcpz_chunk_padded(65536), 65536);
    CHECK_UINT(mcpz_chunk_padded(65537), 66560);
}

TEST(nothing_of_it_can_be_read)
{
    wordy_bytes(1, plain, 65536);
    for (int compressible = 0; compressible < 2; compressible++) {
        const size_t kept = mcpz_chunk_close(press, key, &id, mcpz_bytes(plain, 65536), stored);
        CHECK(memmem(stored, kept, plain, 16) == NULL);
        random_bytes(1, plain, 65536);
    }
}

TEST(another_length_than_it_has_is_refused)
{
    wordy_bytes(1, plain, 5000);
    const size_t kept = mcpz_chunk_close(press, key, &id, mcpz_bytes(plain, 5000), stored);
    const struct mcpz_bytes whole = mcpz_bytes(stored, kept);
    CHECK_UINT(mcpz_chunk_open(press, key, &id, whole, again, 4999), MCPZ_ECORRUPT);
    CHECK_UINT(mcpz_chunk_open(press, key, &id, whole, again, 5001), MCPZ_ECORRUPT);
    CHECK_UINT(mcpz_chunk_open(press, key, &id, whole, again, 0), MCPZ_ECORRUPT);
    random_bytes(1, plain, 5000);
    const size_t random_kept = mcpz_chunk_close(press, key, &id, mcpz_bytes(plain, 5000), stored);
    CHECK_UINT(mcpz_chunk_open(press, key, &id, mcpz_bytes(stored, random_kept), again, 4999),
               MCPZ_ECORRUPT);
}

/* A megabyte of zeros in a few bytes, sealed by who has the key: no more than was asked for. */
TEST(what_would_become_too_long_is_refused)
{
    memset(plain, 0, sizeof(plain));
    const size_t kept =
        mcpz_chunk_close(press, key, &id, mcpz_bytes(plain, sizeof(plain)), stored);
    CHECK(kept < 1024);
    memset(again, 0xee, sizeof(again));
    CHECK_UINT(mcpz_chunk_open(press, key, &id, mcpz_bytes(stored, kept), again, 4096),
               MCPZ_ECORRUPT);
    CHECK_UINT(again[4096], 0xee);
}

/* A body with `head` as its length and one byte of padding that is not what we pad to. */
static size_t seal_body(uint8_t codec, uint32_t head, size_t length)
{
    uint8_t body[256] = {(uint8_t)head, (uint8_t)(head >> 8), (uint8_t)(head >> 16),
                         (uint8_t)(head >> 24)};
    stored[0] = codec;
    mcpz_tenant_key_seal(key, &id, codec, mcpz_bytes(body, length), stored + 1);
    return 1 + MCPZ_CHUNK_SEAL_BYTES + length;
}

static mcpz_error open_as(size_t kept, size_t length)
{
    return mcpz_chunk_open(press, key, &id, mcpz_bytes(stored, kept), again, length);
}

TEST(what_is_sealed_but_not_as_it_is_made_is_refused)
{
    CHECK_UINT(open_as(seal_body(MCPZ_CHUNK_PLAIN, 60, 64), 60), MCPZ_OK);
    CHECK_UINT(open_as(seal_body(MCPZ_CHUNK_PLAIN, 61, 64), 61), MCPZ_ECORRUPT);
    CHECK_UINT(open_as(seal_body(MCPZ_CHUNK_PLAIN, UINT32_MAX, 64), 60), MCPZ_ECORRUPT);
    CHECK_UINT(open_as(seal_body(MCPZ_CHUNK_PLAIN, 60, 128), 60), MCPZ_ECORRUPT);
    CHECK_UINT(open_as(seal_body(MCPZ_CHUNK_PLAIN, 60, 65), 60), MCPZ_ECORRUPT);
    CHECK_UINT(open_as(seal_body(3, 60, 64), 60), MCPZ_ECORRUPT);
    CHECK_UINT(open_as(seal_body(MCPZ_CHUNK_ZSTD, 60, 64), 60), MCPZ_ECORRUPT);
    CHECK_UINT(open_as(seal_body(MCPZ_CHUNK_PLAIN, 0, 3), 0), MCPZ_EAUTH);
}

TEST(what_was_changed_is_refused)
{
    wordy_bytes(1, plain, 1000);
    const size_t kept = mcpz_chunk_close(press, key, &id, mcpz_bytes(plain, 1000), stored);
    for (size_t i = 0; i < kept; i++) {
        stored[i] ^= 0x40;
        CHECK_UINT(open_as(kept, 1000), MCPZ_EAUTH);
        stored[i] ^= 0x40;
        CHECK(open_as(i, 1000) != MCPZ_OK);
    }
    CHECK_UINT(open_as(kept, 1000), MCPZ_OK);
}

#define RUN_IN(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RUN_IN(chunks_of_any_length_come_back),
        RUN_IN(what_compresses_is_compressed_and_what_does_not_is_not),
        RUN_IN(lengths_are_of_few_classes),
        RUN_IN(nothing_of_it_can_be_read),
        RUN_IN(another_length_than_it_has_is_refused),
        RUN_IN(what_would_become_too_long_is_refused),
        RUN_IN(what_is_sealed_but_not_as_it_is_made_is_refused),
        RUN_IN(what_was_changed_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
