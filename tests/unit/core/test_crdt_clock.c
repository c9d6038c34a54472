#include "core/crdt/clock.h"
#include "test.h"

static struct mcpz_actor actor(uint8_t letter, uint32_t generation)
{
    return (struct mcpz_actor){.node = {{letter}}, .generation = generation};
}

static void advance(struct mcpz_clock *clock, uint8_t letter, uint32_t generation, uint64_t seq)
{
    const struct mcpz_version version = {actor(letter, generation), seq, {{(uint8_t)seq}}};
    CHECK(mcpz_clock_advance(clock, &version));
}

static uint64_t get(const struct mcpz_clock *clock, uint8_t letter, uint32_t generation)
{
    struct mcpz_actor who = actor(letter, generation);
    return mcpz_clock_get(clock->versions, clock->count, &who);
}

TEST(keeps_actors_sorted_and_never_goes_back)
{
    struct mcpz_clock clock = {.count = 0};

    advance(&clock, 'b', 2, 5);
    advance(&clock, 'a', 1, 1);
    advance(&clock, 'b', 1, 7);
    advance(&clock, 'b', 2, 3);

    CHECK(mcpz_clock_is_valid(clock.versions, clock.count));
    CHECK_UINT(clock.count, 3);
    CHECK_UINT(get(&clock, 'a', 1), 1);
    CHECK_UINT(get(&clock, 'b', 1), 7);
    CHECK_UINT(get(&clock, 'b', 2), 5);
    CHECK_UINT(get(&clock, 'b', 3), 0);
    CHECK_UINT(get(&clock, 'c', 1), 0);
}

TEST(holds_so_many_actors_and_no_more)
{
    struct mcpz_clock clock = {.count = 0};

    for (uint32_t i = 0; i < MCPZ_ACTORS_MAX; i++) {
        advance(&clock, 'x', i, 1);
    }
    const struct mcpz_version one_more = {actor('x', MCPZ_ACTORS_MAX), 1, {{1}}};
    CHECK(!mcpz_clock_advance(&clock, &one_more));
    CHECK_UINT(clock.count, MCPZ_ACTORS_MAX);
    advance(&clock, 'x', 5, 2); /* one that is in may move */
    CHECK(mcpz_clock_is_valid(clock.versions, MCPZ_ACTORS_MAX));
    CHECK(!mcpz_clock_is_valid(clock.versions, MCPZ_ACTORS_MAX + 1));
}

TEST(knows_what_is_no_vector)
{
    const struct mcpz_version twice[] = {{actor('a', 1), 1, {{1}}}, {actor('a', 1), 2, {{1}}}};
    const struct mcpz_version unsorted[] = {{actor('b', 1), 1, {{1}}}, {actor('a', 1), 2, {{1}}}};
    const struct mcpz_version zero[] = {{actor('a', 1), 0, {{1}}}};

    CHECK(!mcpz_clock_is_valid(twice, 2));
    CHECK(!mcpz_clock_is_valid(unsorted, 2));
    CHECK(!mcpz_clock_is_valid(zero, 1));
    CHECK(mcpz_clock_is_valid(twice, 1));
    CHECK(mcpz_clock_is_valid(NULL, 0));
}

TEST(covers_what_it_has_seen)
{
    struct mcpz_clock a = {.count = 0};
    struct mcpz_clock b = {.count = 0};

    advance(&a, 'a', 1, 2);
    advance(&a, 'c', 1, 4);
    CHECK(mcpz_clock_covers(&a, b.versions, b.count));
    CHECK(!mcpz_clock_covers(&b, a.versions, a.count));
    advance(&b, 'c', 1, 4);
    CHECK(mcpz_clock_covers(&a, b.versions, b.count));
    advance(&b, 'c', 1, 5);
    CHECK(!mcpz_clock_covers(&a, b.versions, b.count));
    advance(&a, 'c', 1, 5);
    advance(&b, 'b', 1, 1); /* between those of a */
    CHECK(!mcpz_clock_covers(&a, b.versions, b.count));
    CHECK(mcpz_clock_covers(&a, a.versions, a.count));
}

TEST(one_place_stands_for_all_lives_that_are_closed)
{
    struct mcpz_clock clock = {.count = 0};
    struct mcpz_clock other;

    advance(&clock, 'a', 9, 1);
    advance(&clock, 'b', 1, 4);
    advance(&clock, 'b', 257, 2);
    advance(&clock, 'b', 513, 7);
    other = clock;
    advance(&clock, 'b', 257, 2 | MCPZ_SEQ_CLOSED);
    CHECK(mcpz_clock_is_valid(clock.versions, clock.count));
    CHECK_UINT(clock.count, 3);
    CHECK_UINT(get(&clock, 'b', 1), UINT64_MAX);
    CHECK_UINT(get(&clock, 'b', 2), UINT64_MAX); /* also one that was never heard of */
    CHECK_UINT(get(&clock, 'b', 257), UINT64_MAX);
    CHECK_UINT(get(&clock, 'b', 258), 0);
    CHECK_UINT(get(&clock, 'b', 513), 7);
    CHECK_UINT(get(&clock, 'a', 1), 0);
    CHECK_UINT(get(&clock, 'c', 1), 0);
    CHECK_UINT(mcpz_clock_deltas(clock.versions, clock.count), 1 + 2 + 7);
    CHECK(mcpz_clock_covers(&clock, other.versions, other.count));
    CHECK(!mcpz_clock_covers(&other, clock.versions, clock.count));

    /* Above what was before: nothing is, however much less it says. */
    CHECK_UINT(mcpz_clock_above(&clock, NULL, 0), 1 + 7);
    CHECK_UINT(mcpz_clock_above(&clock, other.versions, other.count), 0);
    CHECK_UINT(mcpz_clock_above(&other, clock.versions, clock.count), 0);
    CHECK_UINT(mcpz_clock_above(&clock, clock.versions, 1), 7);

    advance(&clock, 'b', 1, 99); /* nothing more comes in */
    CHECK_UINT(clock.count, 3);
    const struct mcpz_actor closed = actor('b', 257);
    mcpz_clock_forget(&clock, &closed);
    CHECK_UINT(clock.count, 3);

    other = clock;
    advance(&other, 'b', 513, 1 | MCPZ_SEQ_CLOSED); /* its number is less */
    CHECK_UINT(other.count, 2);
    CHECK(mcpz_clock_covers(&other, clock.versions, clock.count));
    CHECK(!mcpz_clock_covers(&clock, other.versions, other.count));
    advance(&other, 'b', 257, 2 | MCPZ_SEQ_CLOSED); /* never back */
    CHECK_UINT(other.count, 2);
    CHECK_UINT(get(&other, 'b', 513), UINT64_MAX);

    /* Of two that close the same lives the one that has seen less counts, whichever was first. */
    other = clock;
    advance(&other, 'b', 257, 1 | MCPZ_SEQ_CLOSED);
    CHECK(mcpz_clock_covers(&other, clock.versions, clock.count));
    CHECK(!mcpz_clock_covers(&clock, other.versions, other.count));
    advance(&clock, 'b', 257, 1 | MCPZ_SEQ_CLOSED);
    advance(&clock, 'b', 257, 2 | MCPZ_SEQ_CLOSED);
    CHECK(mcpz_clock_covers(&clock, other.versions, other.count));
    CHECK_UINT(clock.versions[1].seq, 1 | MCPZ_SEQ_CLOSED);

    const struct mcpz_version nothing = {actor('b', 1), MCPZ_SEQ_CLOSED, {{1}}};
    CHECK(!mcpz_clock_is_valid(&nothing, 1));
}

TEST(stamps_rise_whatever_the_wall_clock_does)
{
    uint64_t hlc = 0;

    uint64_t first = mcpz_clock_tick(&hlc, 1000, 0);
    CHECK_UINT(first, mcpz_hlc_of_ms(1000));
    CHECK_UINT(mcpz_clock_tick(&hlc, 1000, 0), first + 1);
    CHECK_UINT(mcpz_clock_tick(&hlc, 900, 0), first + 2); /* set back a little */
    CHECK_UINT(mcpz_clock_tick(&hlc, 2000, 0), mcpz_hlc_of_ms(2000));
    CHECK_UINT(mcpz_clock_tick(&hlc, 2000, mcpz_hlc_of_ms(3000)), mcpz_hlc_of_ms(3000) + 1);
    CHECK_UINT(hlc, mcpz_hlc_of_ms(3000) + 1);
}

TEST(a_full_count_runs_over_into_the_milliseconds)
{
    uint64_t hlc = mcpz_hlc_of_ms(1000) + 0xffff;

    CHECK_UINT(mcpz_clock_tick(&hlc, 1000, 0), mcpz_hlc_of_ms(1001));
}

TEST(a_clock_that_was_far_ahead_does_not_spoil_later_stamps)
{
    const uint64_t wall_ms = 1000000;
    uint64_t hlc = mcpz_hlc_of_ms(wall_ms + MCPZ_CLOCK_AHEAD_MS_MAX);

    CHECK_UINT(mcpz_clock_tick(&hlc, wall_ms, 0),
               mcpz_hlc_of_ms(wall_ms + MCPZ_CLOCK_AHEAD_MS_MAX) + 1);
    hlc = mcpz_hlc_of_ms(wall_ms + MCPZ_CLOCK_AHEAD_MS_MAX + 1);
    CHECK_UINT(mcpz_clock_tick(&hlc, wall_ms, 0), mcpz_hlc_of_ms(wall_ms));
}

TEST(others_move_us_but_not_far_ahead)
{
    const uint64_t wall_ms = 1000000;
    const uint64_t edge = mcpz_hlc_of_ms(wall_ms + MCPZ_CLOCK_AHEAD_MS_MAX) + 0xffff;
    uint64_t hlc = mcpz_hlc_of_ms(wall_ms);

    mcpz_clock_observe(&hlc, wall_ms, edge + 1);
    CHECK_UINT(hlc, mcpz_hlc_of_ms(wall_ms));
    CHECK(mcpz_clock_is_ahead(edge + 1, wall_ms));
    CHECK(!mcpz_clock_is_ahead(edge, wall_ms));
    mcpz_clock_observe(&hlc, wall_ms, edge);
    CHECK_UINT(hlc, edge);
    mcpz_clock_observe(&hlc, wall_ms, 7);
    CHECK_UINT(hlc, edge);
}

TEST_MAIN(RUN(keeps_actors_sorted_and_never_goes_back), RUN(holds_so_many_actors_and_no_more),
          RUN(knows_what_is_no_vector), RUN(covers_what_it_has_seen),
          RUN(one_place_stands_for_all_lives_that_are_closed),
          RUN(stamps_rise_whatever_the_wall_clock_does),
          RUN(a_full_count_runs_over_into_the_milliseconds),
          RUN(a_clock_that_was_far_ahead_does_not_spoil_later_stamps),
          RUN(others_move_us_but_not_far_ahead))
