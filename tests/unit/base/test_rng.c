#include "base/rng.h"
#include "test.h"

/* The first numbers of the reference implementation for this seed. */
TEST(gives_the_numbers_of_splitmix64)
{
    struct mcpz_rng rng;
    mcpz_rng_init(&rng, 1234567);

    CHECK_UINT(mcpz_rng_next(&rng), UINT64_C(6457827717110365317));
    CHECK_UINT(mcpz_rng_next(&rng), UINT64_C(3203168211198807973));
    CHECK_UINT(mcpz_rng_next(&rng), UINT64_C(9817491932198370423));
    CHECK_UINT(mcpz_rng_next(&rng), UINT64_C(4593380528125082431));
    CHECK_UINT(mcpz_rng_next(&rng), UINT64_C(16408922859458223821));
}

TEST(same_seed_same_numbers)
{
    struct mcpz_rng one;
    struct mcpz_rng two;
    mcpz_rng_init(&one, 42);
    mcpz_rng_init(&two, 42);

    for (int i = 0; i < 100; i++) {
        CHECK_UINT(mcpz_rng_next(&one), mcpz_rng_next(&two));
    }
}

TEST(stays_below_the_bound_and_reaches_all_below_it)
{
    struct mcpz_rng rng;
    unsigned seen = 0;
    mcpz_rng_init(&rng, 1);

    for (int i = 0; i < 1000; i++) {
        uint32_t number = mcpz_rng_below(&rng, 5);
        CHECK(number < 5);
        seen |= 1U << number;
    }
    CHECK_UINT(seen, 0x1f);
    CHECK_UINT(mcpz_rng_below(&rng, 1), 0);
    CHECK(mcpz_rng_below(&rng, UINT32_MAX) < UINT32_MAX);
}

TEST_MAIN(RUN(gives_the_numbers_of_splitmix64), RUN(same_seed_same_numbers),
          RUN(stays_below_the_bound_and_reaches_all_below_it))
