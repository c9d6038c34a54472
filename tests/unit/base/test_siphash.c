#include "base/siphash.h"
#include "test.h"

static uint8_t input[64];

static struct mcpz_siphash_key set_up(void)
{
    for (size_t i = 0; i < sizeof(input); i++) {
        input[i] = (uint8_t)i;
    }
    return mcpz_siphash_key(input);
}

/* Of the length's input 00 01 02 ... under the key 00 ... 0f: the paper's appendix A, its authors'
 * program, and libsodium's. */
TEST(hashes_are_those_of_the_paper)
{
    const struct mcpz_siphash_key key = set_up();

    CHECK_UINT(key.low, UINT64_C(0x0706050403020100));
    CHECK_UINT(key.high, UINT64_C(0x0f0e0d0c0b0a0908));
    CHECK_UINT(mcpz_siphash(key, mcpz_bytes(input, 15)), UINT64_C(0xa129ca6149be45e5));
    CHECK_UINT(mcpz_siphash(key, mcpz_bytes(NULL, 0)), UINT64_C(0x726fdb47dd0e0e31));
    CHECK_UINT(mcpz_siphash(key, mcpz_bytes(input, 1)), UINT64_C(0x74f839c593dc67fd));
    CHECK_UINT(mcpz_siphash(key, mcpz_bytes(input, 7)), UINT64_C(0xab0200f58b01d137));
    CHECK_UINT(mcpz_siphash(key, mcpz_bytes(input, 8)), UINT64_C(0x93f5f5799a932462));
    CHECK_UINT(mcpz_siphash(key, mcpz_bytes(input, 16)), UINT64_C(0x3f2acc7f57c29bdb));
    CHECK_UINT(mcpz_siphash(key, mcpz_bytes(input, 63)), UINT64_C(0x958a324ceb064572));
}

TEST(a_number_is_its_bytes)
{
    const struct mcpz_siphash_key key = set_up();

    CHECK_UINT(mcpz_siphash_number(key, UINT64_C(0x0706050403020100)),
               mcpz_siphash(key, mcpz_bytes(input, 8)));
}

/* The authors' program says these as bytes; words are little-endian there. */
TEST(wide_ones_are_those_of_the_program)
{
    const struct mcpz_siphash_key key = set_up();
    uint64_t words[2];

    mcpz_siphash_wide(key, mcpz_bytes(NULL, 0), words);
    CHECK_UINT(words[0], UINT64_C(0xe6a825ba047f81a3));
    CHECK_UINT(words[1], UINT64_C(0x930255c71472f66d));
    mcpz_siphash_wide(key, mcpz_bytes(input, 1), words);
    CHECK_UINT(words[0], UINT64_C(0x44af996bd8c187da));
    CHECK_UINT(words[1], UINT64_C(0x45fc229b11597634));
}

TEST_MAIN(RUN(hashes_are_those_of_the_paper), RUN(a_number_is_its_bytes),
          RUN(wide_ones_are_those_of_the_program))
