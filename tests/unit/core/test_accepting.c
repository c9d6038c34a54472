#include "core/accepting.h"
#include "test.h"

static struct mcpz_accepting accepting;

static struct mcpz_accepting_row row_of(uint64_t request)
{
    return (struct mcpz_accepting_row){
        .request = request,
        .id = {{(uint8_t)(request >> 8), (uint8_t)request}},
        .bytes = 100,
        .ask_again_at_us = request,
    };
}

static void add(uint64_t request)
{
    struct mcpz_accepting_row row = row_of(request);
    mcpz_accepting_add(&accepting, &row);
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
    CHECK_UINT(accepting.bytes, 300);
    mcpz_accepting_remove(&accepting, find(2));
    CHECK(find(2) == NULL);
    CHECK_UINT(accepting.count, 3); /* the first still stands before it */
    CHECK_UINT(accepting.bytes, 200);
    CHECK_UINT(mcpz_accepting_deadline(&accepting), 1);
    mcpz_accepting_remove(&accepting, find(1));
    CHECK_UINT(accepting.count, 1);
    CHECK_UINT(mcpz_accepting_deadline(&accepting), 1); /* as it was: looking costs little */
    mcpz_accepting_looked(&accepting, 1);
    CHECK_UINT(mcpz_accepting_deadline(&accepting), 3);
    mcpz_accepting_remove(&accepting, find(3));
    CHECK_UINT(accepting.count, 0);
    CHECK_UINT(accepting.bytes, 0);
    CHECK(mcpz_accepting_deadline(&accepting) == MCPZ_TIME_NEVER);
}

TEST(is_full_at_its_bound_and_goes_round)
{
    mcpz_accepting_init(&accepting);
    for (uint64_t i = 1; i <= MCPZ_ACCEPTING_MAX; i++) {
        CHECK(mcpz_accepting_has_room(&accepting, 100));
        add(i);
    }
    CHECK(!mcpz_accepting_has_room(&accepting, 100));
    mcpz_accepting_remove(&accepting, find(1));
    CHECK(mcpz_accepting_has_room(&accepting, 100));
    add(MCPZ_ACCEPTING_MAX + 1);
    CHECK_UINT(mcpz_accepting_at(&accepting, 0)->request, 2);
    for (uint64_t i = 2; i <= MCPZ_ACCEPTING_MAX + 1; i++) {
        CHECK_UINT(find(i)->request, i); /* wherever the ring begins */
    }
    CHECK(find(1) == NULL);
    CHECK(find(MCPZ_ACCEPTING_MAX + 2) == NULL);
}

TEST(is_full_too_when_what_they_bring_is_too_much)
{
    struct mcpz_accepting_row row = row_of(1);

    mcpz_accepting_init(&accepting);
    CHECK(mcpz_accepting_has_room(&accepting, MCPZ_ACCEPTING_BYTES_MAX));
    CHECK(!mcpz_accepting_has_room(&accepting, MCPZ_ACCEPTING_BYTES_MAX + 1));
    row.bytes = MCPZ_ACCEPTING_BYTES_MAX - 1;
    mcpz_accepting_add(&accepting, &row);
    CHECK(mcpz_accepting_has_room(&accepting, 1));
    CHECK(!mcpz_accepting_has_room(&accepting, 2));
}

TEST(several_may_wait_for_the_same)
{
    struct mcpz_accepting_row first = row_of(1);
    struct mcpz_accepting_row second = row_of(2);

    mcpz_accepting_init(&accepting);
    for (uint64_t i = 1; i <= MCPZ_ACCEPTING_ALSO_MAX; i++) {
        CHECK(mcpz_accepting_add_also(&accepting, i % 2 == 0 ? &second.id : &first.id, i));
    }
    CHECK(!mcpz_accepting_add_also(&accepting, &first.id, 999));
    for (uint64_t i = 1; i <= MCPZ_ACCEPTING_ALSO_MAX; i += 2) {
        CHECK_UINT(mcpz_accepting_take_also(&accepting, &first.id), i);
    }
    CHECK_UINT(mcpz_accepting_take_also(&accepting, &first.id), 0);
    CHECK_UINT(accepting.also_count, MCPZ_ACCEPTING_ALSO_MAX / 2);
    CHECK(mcpz_accepting_add_also(&accepting, &first.id, 999));
    CHECK_UINT(mcpz_accepting_take_also(&accepting, &first.id), 999);
}

/* A step asks for some only: the others are not forgotten for as long again. */
TEST(looks_again_at_once_where_not_all_that_are_due_were_asked)
{
    mcpz_accepting_init(&accepting);
    add(1);
    add(2);
    add(9);
    find(1)->ask_again_at_us = 1002;
    mcpz_accepting_looked(&accepting, 2);
    CHECK_UINT(mcpz_accepting_deadline(&accepting), 2);
    find(2)->ask_again_at_us = 1002;
    mcpz_accepting_looked(&accepting, 2);
    CHECK_UINT(mcpz_accepting_deadline(&accepting), 9);
}

TEST(wakes_those_that_have_nobody_to_ask)
{
    mcpz_accepting_init(&accepting);
    add(100);
    add(200);
    find(100)->backup.bytes[0] = 1;
    mcpz_accepting_wake(&accepting, 5);
    CHECK_UINT(mcpz_accepting_deadline(&accepting), 5);
    CHECK_UINT(find(100)->ask_again_at_us, 100);
    CHECK_UINT(find(200)->ask_again_at_us, 5);
}

TEST_MAIN(RUN(looks_again_at_once_where_not_all_that_are_due_were_asked),
          RUN(wakes_those_that_have_nobody_to_ask), RUN(finds_what_was_added_until_it_is_answered),
          RUN(is_full_at_its_bound_and_goes_round),
          RUN(is_full_too_when_what_they_bring_is_too_much), RUN(several_may_wait_for_the_same))
