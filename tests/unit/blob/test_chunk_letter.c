#include "blob/chunk.h"
#include "blob/chunk_letter.h"
#include "blob_world.h"

static uint8_t stored[MCPZ_CHUNK_STORED_BYTES_MAX + 1];
static uint8_t bytes[3 * (MCPZ_CHUNK_LETTER_HEAD_BYTES + MCPZ_CHUNK_STORED_BYTES_MAX + 1)];

static struct mcpz_chunk_letter make(uint8_t id, uint32_t plain_length, size_t length)
{
    random_bytes(id, stored, length);
    return (struct mcpz_chunk_letter){
        .id = {{id}}, .plain_length = plain_length, .stored = mcpz_bytes(stored, length)};
}

TEST(letters_stand_one_behind_the_other)
{
    struct mcpz_chunk_letter first = make(1, 7, 40);
    size_t length = mcpz_chunk_letter_write(&first, bytes);
    CHECK_UINT(length, 80);
    static const uint8_t numbers[] = {0, 0, 0, 7, 0, 0, 0, 40};
    CHECK(memcmp(bytes + 32, numbers, sizeof(numbers)) == 0);
    struct mcpz_chunk_letter second =
        make(2, MCPZ_CHUNK_PLAIN_BYTES_MAX, MCPZ_CHUNK_STORED_BYTES_MAX);
    length += mcpz_chunk_letter_write(&second, bytes + length);

    struct mcpz_bytes rest = mcpz_bytes(bytes, length);
    struct mcpz_chunk_letter read;
    CHECK_UINT(mcpz_chunk_letter_next(&rest, &read), MCPZ_OK);
    CHECK_UINT(read.id.bytes[0], 1);
    CHECK_UINT(read.plain_length, 7);
    CHECK_UINT(read.stored.length, 40);
    CHECK_UINT(mcpz_chunk_letter_next(&rest, &read), MCPZ_OK);
    CHECK_UINT(read.plain_length, MCPZ_CHUNK_PLAIN_BYTES_MAX);
    CHECK(mcpz_bytes_equal(read.stored, second.stored));
    CHECK_UINT(mcpz_chunk_letter_next(&rest, &read), MCPZ_ENOTFOUND);
}

TEST(what_is_cut_off_or_too_long_is_none)
{
    struct mcpz_chunk_letter letter = make(1, 7, 40);
    struct mcpz_chunk_letter read;

    const size_t length = mcpz_chunk_letter_write(&letter, bytes);
    for (size_t i = 1; i < length; i++) {
        struct mcpz_bytes rest = mcpz_bytes(bytes, i);
        CHECK_UINT(mcpz_chunk_letter_next(&rest, &read), MCPZ_EPROTO);
        CHECK_UINT(rest.length, i);
    }
    letter = make(1, MCPZ_CHUNK_PLAIN_BYTES_MAX + 1, 40);
    struct mcpz_bytes rest = mcpz_bytes(bytes, mcpz_chunk_letter_write(&letter, bytes));
    CHECK_UINT(mcpz_chunk_letter_next(&rest, &read), MCPZ_EPROTO);
    letter = make(1, 7, MCPZ_CHUNK_STORED_BYTES_MAX + 1);
    rest = mcpz_bytes(bytes, mcpz_chunk_letter_write(&letter, bytes));
    CHECK_UINT(mcpz_chunk_letter_next(&rest, &read), MCPZ_EPROTO);
    letter = make(1, 7, 0);
    rest = mcpz_bytes(bytes, mcpz_chunk_letter_write(&letter, bytes));
    CHECK_UINT(mcpz_chunk_letter_next(&rest, &read), MCPZ_EPROTO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(letters_stand_one_behind_the_other),
        cmocka_unit_test(what_is_cut_off_or_too_long_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
