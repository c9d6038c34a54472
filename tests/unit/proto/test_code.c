#include "proto/code.h"
#include "test.h"

TEST(every_code_has_its_number_and_word)
{
    CHECK_TEXT(mcpz_code_word(MCPZ_CODE_OK), "ok");
#define X(name, number, word, retryable)                                                          \
    CHECK_UINT(MCPZ_CODE_##name, number);                                                         \
    CHECK_TEXT(mcpz_code_word(number), word);                                                     \
    CHECK(mcpz_code_is_retryable(number) == (retryable));
    MCPZ_CODES(X)
#undef X
}

TEST(no_two_codes_share_a_word)
{
    for (uint32_t i = 0; i < MCPZ_CODE_END; i++) {
        for (uint32_t j = 0; j < i; j++) {
            CHECK(strcmp(mcpz_code_word(i), mcpz_code_word(j)) != 0);
        }
    }
}

TEST(codes_from_the_future_are_unknown_and_final)
{
    CHECK_TEXT(mcpz_code_word(MCPZ_CODE_END), "unknown");
    CHECK_TEXT(mcpz_code_word(UINT32_MAX), "unknown");
    CHECK(!mcpz_code_is_retryable(MCPZ_CODE_END));
    CHECK(!mcpz_code_is_retryable(UINT32_MAX));
    CHECK(!mcpz_code_is_retryable(MCPZ_CODE_OK));
}

/* Trying again elsewhere must not run what may have run already. */
TEST(a_provider_that_ran_or_may_still_run_is_not_replaced)
{
    CHECK(mcpz_code_is_retryable(MCPZ_CODE_PROVIDER_LOST));
    CHECK(mcpz_code_is_retryable(MCPZ_CODE_BUSY));
    CHECK(!mcpz_code_is_retryable(MCPZ_CODE_PROVIDER_FAILED));
    CHECK(!mcpz_code_is_retryable(MCPZ_CODE_TIMEOUT));
}

TEST_MAIN(RUN(every_code_has_its_number_and_word), RUN(no_two_codes_share_a_word),
          RUN(codes_from_the_future_are_unknown_and_final),
          RUN(a_provider_that_ran_or_may_still_run_is_not_replaced))
