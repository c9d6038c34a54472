#include "proto/call_msg.h"
#include "test.h"

TEST(says_which_call_and_which_side)
{
    const struct {
        struct mcpz_msg msg;
        bool from_caller;
    } cases[] = {
        {{.kind = MCPZ_MSG_DATA, .data = {.call = 7, .from_caller = true}}, true},
        {{.kind = MCPZ_MSG_DATA, .data = {.call = 7}}, false},
        {{.kind = MCPZ_MSG_END, .end = {.call = 7, .from_caller = true}}, true},
        {{.kind = MCPZ_MSG_END, .end = {.call = 7}}, false},
        {{.kind = MCPZ_MSG_CREDIT, .credit = {.call = 7, .from_caller = true}}, true},
        {{.kind = MCPZ_MSG_CREDIT, .credit = {.call = 7}}, false},
        {{.kind = MCPZ_MSG_CANCEL, .cancel = {.call = 7}}, true},
        {{.kind = MCPZ_MSG_FAIL, .fail = {.call = 7}}, false},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint64_t call = 0;
        CHECK(mcpz_msg_call(&cases[i].msg, &call) && call == 7);
        CHECK(mcpz_msg_is_from_caller(&cases[i].msg) == cases[i].from_caller);
    }
}

TEST(others_are_about_no_call)
{
    uint64_t call = 7;

    CHECK(!mcpz_msg_call(&(struct mcpz_msg){.kind = MCPZ_MSG_PING}, &call));
    CHECK(!mcpz_msg_is_from_caller(&(struct mcpz_msg){.kind = MCPZ_MSG_PING}));
    CHECK_UINT(call, 7);
}

TEST_MAIN(RUN(says_which_call_and_which_side), RUN(others_are_about_no_call))
