#include "cli/exit.h"
#include "proto/code.h"
#include "test.h"

TEST(every_documented_word_has_its_status)
{
    (void)state;
    CHECK_UINT(mcpz_exit_from_word("ok"), 0);
    CHECK_UINT(mcpz_exit_from_word("bad_request"), 2);
    CHECK_UINT(mcpz_exit_from_word("timeout"), 5);
    CHECK_UINT(mcpz_exit_from_word("not_found"), 6);
    CHECK_UINT(mcpz_exit_from_word("shredded"), 6);
    CHECK_UINT(mcpz_exit_from_word("history_folded"), 6);
    CHECK_UINT(mcpz_exit_from_word("revoked"), 7);
    CHECK_UINT(mcpz_exit_from_word("no_provider"), 6);
    CHECK_UINT(mcpz_exit_from_word("denied"), 7);
    CHECK_UINT(mcpz_exit_from_word("token_unknown"), 7);
    CHECK_UINT(mcpz_exit_from_word("token_expired"), 7);
    CHECK_UINT(mcpz_exit_from_word("token_used"), 7);
    CHECK_UINT(mcpz_exit_from_word("token_wrong"), 7);
    CHECK_UINT(mcpz_exit_from_word("wrong_mesh"), 7);
    CHECK_UINT(mcpz_exit_from_word("conflict"), 8);
}

TEST(every_other_failure_is_one)
{
    (void)state;
    CHECK_UINT(mcpz_exit_from_word("provider_crashed"), 1);
    CHECK_UINT(mcpz_exit_from_word("store_failed"), 1);
    CHECK_UINT(mcpz_exit_from_word("internal"), 1);
    CHECK_UINT(mcpz_exit_from_word("a word from the future"), 1);
    CHECK_UINT(mcpz_exit_from_word(""), 1);
}

TEST(no_failure_looks_like_success)
{
    (void)state;
    for (uint32_t code = 1; code < MCPZ_CODE_END; code++) {
        CHECK(mcpz_exit_from_word(mcpz_code_word(code)) != MCPZ_EXIT_OK);
    }
}

TEST_MAIN(RUN(every_documented_word_has_its_status), RUN(every_other_failure_is_one),
          RUN(no_failure_looks_like_success))
