#include "http/blob_doubts.h"
#include "test.h"

static struct mcpz_blob_doubts doubts;

static int set_up(void **state)
{
    (void)state;
    doubts = (struct mcpz_blob_doubts){.rows = {{.used = false}}};
    return 0;
}

static bool note(uint8_t document, bool is_named, mcpz_time now)
{
    const struct mcpz_blob_seen seen = {
        .root = {{7}}, .document = {{document}}, .is_named = is_named};

    return mcpz_blob_doubts_note(&doubts, &seen, now);
}

TEST(a_reference_goes_when_it_was_missing_for_long_enough)
{
    CHECK(!note(1, false, 1000));
    CHECK(!note(1, false, 1000 + MCPZ_BLOB_DOUBT_US - 1));
    CHECK(!note(2, false, 1000 + MCPZ_BLOB_DOUBT_US));
    CHECK(note(1, false, 1000 + MCPZ_BLOB_DOUBT_US));
    CHECK(!note(1, false, 1001 + MCPZ_BLOB_DOUBT_US)); /* anew */
}

TEST(one_that_is_found_is_not_doubted_any_more)
{
    CHECK(!note(1, false, 1000));
    CHECK(!note(1, true, 2000));
    CHECK(!note(1, false, 1000 + MCPZ_BLOB_DOUBT_US));
    CHECK(note(1, false, 1000 + 2 * MCPZ_BLOB_DOUBT_US));
}

TEST(how_long_it_takes_can_be_said)
{
    doubts.patience_us = 500;
    CHECK(!note(1, false, 1000));
    CHECK(!note(1, false, 1499));
    CHECK(note(1, false, 1500));
    CHECK(!note(0, false, 1000));
    CHECK(!note(0, false, 1500)); /* but not of what is to be named in a moment */
}

TEST(what_there_is_no_room_for_stays)
{
    for (uint8_t i = 1; i <= MCPZ_BLOB_DOUBTS_MAX; i++) {
        CHECK(!note(i, false, 0));
    }
    CHECK(!note(200, false, 0));
    CHECK(!note(200, false, MCPZ_BLOB_DOUBT_US));
    CHECK(note(5, false, MCPZ_BLOB_DOUBT_US)); /* makes room */
    CHECK(!note(200, false, MCPZ_BLOB_DOUBT_US));
    CHECK(note(200, false, 2 * MCPZ_BLOB_DOUBT_US));
}

TEST(what_is_to_be_named_in_a_moment_has_more_time)
{
    CHECK(!note(0, false, 1000));
    CHECK(!note(0, false, 1000 + MCPZ_BLOB_DOUBT_BRIEF_US / 2));
    CHECK(!note(0, false, 1000 + MCPZ_BLOB_DOUBT_BRIEF_US - 1));
    CHECK(note(0, false, 1000 + MCPZ_BLOB_DOUBT_BRIEF_US));
}

TEST(what_nobody_looks_at_any_more_makes_room)
{
    for (uint8_t i = 1; i <= MCPZ_BLOB_DOUBTS_MAX; i++) {
        CHECK(!note(i, false, 1000));
    }
    CHECK(!note(200, false, 1000 + MCPZ_BLOB_DOUBT_IDLE_US));
    CHECK(note(200, false, 1000 + MCPZ_BLOB_DOUBT_IDLE_US + MCPZ_BLOB_DOUBT_US));
    /* Nor is one believed that was doubted so long ago. */
    CHECK(!note(5, false, 1000 + MCPZ_BLOB_DOUBT_IDLE_US));
    CHECK(note(5, false, 1000 + MCPZ_BLOB_DOUBT_IDLE_US + MCPZ_BLOB_DOUBT_US));
}

#define RUN_IN(name) cmocka_unit_test_setup(name, set_up)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RUN_IN(a_reference_goes_when_it_was_missing_for_long_enough),
        RUN_IN(one_that_is_found_is_not_doubted_any_more),
        RUN_IN(how_long_it_takes_can_be_said),
        RUN_IN(what_there_is_no_room_for_stays),
        RUN_IN(what_is_to_be_named_in_a_moment_has_more_time),
        RUN_IN(what_nobody_looks_at_any_more_makes_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
