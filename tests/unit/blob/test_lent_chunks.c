#include "blob/chunk.h"
#include "blob/lent_chunks.h"
#include "blob_world.h"

static uint8_t stored[MCPZ_CHUNK_STORED_BYTES_MAX];
static struct mcpz_lent_chunks *lent;

static int set_up(void **state)
{
    (void)state;
    CHECK_UINT(mcpz_lent_chunks_create(&lent), MCPZ_OK);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    mcpz_lent_chunks_destroy(lent);
    return 0;
}

static void put(uint32_t number, size_t length)
{
    struct mcpz_chunk_letter letter = {.plain_length = number,
                                       .stored = mcpz_bytes(stored, length)};
    memcpy(letter.id.bytes, &number, sizeof(number));
    random_bytes(number, stored, length);
    CHECK_UINT(mcpz_lent_chunks_put(lent, &letter), MCPZ_OK);
}

static bool has(uint32_t number, size_t length)
{
    struct mcpz_chunk_letter letter;
    struct mcpz_id id = {{0}};

    memcpy(id.bytes, &number, sizeof(number));
    if (mcpz_lent_chunks_find(lent, &id, &letter) != MCPZ_OK) {
        return false;
    }
    random_bytes(number, stored, length);
    CHECK_UINT(letter.plain_length, number);
    CHECK(mcpz_bytes_equal(letter.stored, mcpz_bytes(stored, length)));
    return true;
}

TEST(what_is_lent_is_a_copy_and_is_found)
{
    put(1, 100);
    put(2, 200);
    memset(stored, 0, sizeof(stored));
    CHECK(has(1, 100));
    CHECK(has(2, 200));
    CHECK(!has(3, 100));
    mcpz_lent_chunks_clear(lent);
    CHECK(!has(1, 100));
}

TEST(the_oldest_gives_way_by_number)
{
    for (uint32_t i = 0; i <= MCPZ_LENT_CHUNKS_MAX; i++) {
        put(i, 10);
    }
    CHECK(!has(0, 10));
    CHECK(has(1, 10));
    put(1, 10); /* it is there: nothing gives way */
    CHECK(has(2, 10));
    CHECK(has(MCPZ_LENT_CHUNKS_MAX, 10));
}

TEST(the_oldest_gives_way_by_bytes)
{
    const uint32_t most = MCPZ_LENT_BYTES_MAX / MCPZ_CHUNK_STORED_BYTES_MAX;

    for (uint32_t i = 0; i < most; i++) {
        put(i, MCPZ_CHUNK_STORED_BYTES_MAX);
    }
    CHECK(has(0, MCPZ_CHUNK_STORED_BYTES_MAX));
    put(most, MCPZ_CHUNK_STORED_BYTES_MAX);
    CHECK(!has(0, MCPZ_CHUNK_STORED_BYTES_MAX));
    CHECK(has(1, MCPZ_CHUNK_STORED_BYTES_MAX));
}

#define RUN_IN(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RUN_IN(what_is_lent_is_a_copy_and_is_found),
        RUN_IN(the_oldest_gives_way_by_number),
        RUN_IN(the_oldest_gives_way_by_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
