#include "core/accepting.h"
#include "test.h"

static struct mcpz_accepting accepting;

static struct mcpz_accepting_row row_of(uint64_t request)
{
    return (struct mcpz_accepting_row){
        .request = request,
        .id = {{(uint8_t)(request >> 8), (uint8_t)request}},
        .ask_again_at_us = request,
    };
}

static void add(uint64_t request)
{
    struct mcpz_accepting_row row = row_of(request);
    CHECK(mcpz_accepting_add(&accepting, &row));
}

static struct mcpz_accepting_row *find(uint64_t request)
{
    struct mcpz_accepting_row row = row_of(request);
    return mcpz_accepting_find(&accepting, &row.id);
}

TEST(finds_what_was_added_until_it_is_answered)
{
    mcpz_accepting_init(&accepting);
    add(1);
    add(2);
    add(3);
    CHECK_UINT(find(2)->request, 2);
    mcpz_accepting_remove(&accepting, find(2));
    CHECK(find(2) == NULL);
    CHECK_UINT(accepting.count, 3); /* the first still stands before it */
    CHECK_UINT(mcpz_accepting_deadline(&accepting), 1);
    mcpz_accepting_remove(&accepting, find(1));
    CHECK_UINT(accepting.count, 1);
    CHECK_UINT(mcpz_accepting_deadline(&accepting), 3);
    mcpz_accepting_remove(&accepting, find(3));
    CHECK_UINT(accepting.count, 0);
    CHECK(mcpz_accepting_deadline(&accepting) == MCPZ_TIME_NEVER);
}

TEST(is_full_at_its_bound_and_goes_round)
{
    struct mcpz_accepting_row one_more = row_of(MCPZ_ACCEPTING_MAX + 1);

    mcpz_accepting_init(&accepting);
    for (uint64_t i = 1; i <= MCPZ_ACCEPTING_MAX; i++) {
        add(i);
    }
    CHECK(!mcpz_accepting_add(&accepting, &one_more));
    mcpz_accepting_remove(&accepting, find(1));
    CHECK(mcpz_accepting_add(&accepting, &one_more));
    CHECK_UINT(find(MCPZ_ACCEPTING_MAX + 1)->request, MCPZ_ACCEPTING_MAX + 1);
    CHECK_UINT(mcpz_accepting_at(&accepting, 0)->request, 2);
}

TEST_MAIN(RUN(finds_what_was_added_until_it_is_answered), RUN(is_full_at_its_bound_and_goes_round))
