#include "core/crdt/clock.h"
#include "core/crdt/cuts.h"
#include "core/crdt/lives.h"
#include "test.h"

static struct mcpz_document document;

static struct mcpz_actor actor(uint8_t letter, uint32_t generation)
{
    return (struct mcpz_actor){.node = {{letter}}, .generation = generation};
}

static void has_written(uint8_t letter, uint32_t generation)
{
    const struct mcpz_version version = {actor(letter, generation), 1, {{1}}};
    CHECK(mcpz_clock_advance(&document.clock, &version));
}

static void contradicts_itself(uint8_t letter, uint32_t generation)
{
    const struct mcpz_actor who = actor(letter, generation);
    const struct mcpz_tip tip = {1, {{1}}};

    mcpz_cuts_lower(&document.cuts, &who, 1, &tip);
}

static uint32_t writer(uint32_t generation)
{
    const struct mcpz_actor life = actor('a', generation);
    const struct mcpz_actor found = mcpz_lives_writer(&document, &life);

    CHECK(mcpz_id_equal(&found.node, &life.node));
    return found.generation;
}

static uint32_t first(uint32_t generation)
{
    const struct mcpz_actor life = actor('a', generation);
    return mcpz_lives_first(&document, &life, 0).generation;
}

static uint32_t newest(uint8_t letter)
{
    const struct mcpz_id node = {{letter}};
    return mcpz_lives_newest(&document, &node).generation;
}

static void begin(void)
{
    document = (struct mcpz_document){.exists = true};
}

TEST(lives_that_begin_from_one_store_are_two_and_kin)
{
    struct mcpz_rng one;
    struct mcpz_rng other;

    mcpz_rng_init(&one, 1);
    mcpz_rng_init(&other, 2);
    const uint32_t a = mcpz_lives_next(7, false, &one);
    const uint32_t b = mcpz_lives_next(7, false, &other);
    CHECK(a != b);
    CHECK(a > 7 && b > 7);
    CHECK_UINT(a % MCPZ_LIVES_STRIDE, 7);
    CHECK_UINT(b % MCPZ_LIVES_STRIDE, 7);
    CHECK(a <= 7 + MCPZ_LIVES_STRIDE * MCPZ_LIVES_AHEAD_MAX);
}

TEST(a_life_behind_a_loss_is_no_kin)
{
    struct mcpz_rng rng;

    mcpz_rng_init(&rng, 1);
    CHECK_UINT(mcpz_lives_next(7, true, &rng) % MCPZ_LIVES_STRIDE, 8);
}

TEST(the_last_life_there_can_be_stays)
{
    struct mcpz_rng rng;

    mcpz_rng_init(&rng, 1);
    CHECK_UINT(mcpz_lives_next(UINT32_MAX, false, &rng), UINT32_MAX);
    CHECK_UINT(mcpz_lives_next(UINT32_MAX - MCPZ_LIVES_STRIDE, true, &rng),
               UINT32_MAX - MCPZ_LIVES_STRIDE);
}

TEST(a_new_life_writes_while_there_are_places)
{
    begin();
    CHECK_UINT(writer(257), 257);
    has_written('a', 1);
    for (uint8_t i = 1; i < MCPZ_LIVES_PLACES - 1; i++) {
        has_written((uint8_t)('a' + i), 1);
    }
    CHECK_UINT(writer(257), 257);
    has_written('z', 1);
    CHECK_UINT(writer(257), 1); /* the rest is for nodes that have none */
    has_written('a', 257);
    CHECK_UINT(writer(257), 257);
    CHECK_UINT(writer(513), 257); /* the newest before it */
}

TEST(who_has_lost_something_goes_on_with_nothing_of_before)
{
    begin();
    for (uint8_t i = 0; i < MCPZ_LIVES_PLACES; i++) {
        has_written((uint8_t)('a' + i), 1);
    }
    CHECK_UINT(writer(258), 258);
    CHECK_UINT(first(258), 258);
    CHECK_UINT(first(257), 1);
}

TEST(who_contradicts_itself_is_not_gone_on_with)
{
    begin();
    has_written('a', 1);
    has_written('a', 257);
    CHECK_UINT(first(513), 1);
    contradicts_itself('a', 1);
    CHECK_UINT(first(513), 257);
    contradicts_itself('a', 257);
    CHECK_UINT(first(513), 513);
}

TEST(only_earlier_lives_are_gone_on_with)
{
    begin();
    has_written('a', 257);
    CHECK_UINT(first(1), 1); /* a later one is somebody's whom we do not remember */
    CHECK_UINT(first(257), 257);
}

TEST(the_newest_life_of_another_is_found)
{
    begin();
    CHECK_UINT(newest('b'), 1);
    has_written('b', 3);
    has_written('b', 259);
    has_written('c', 515);
    CHECK_UINT(newest('b'), 259);
}

TEST_MAIN(RUN(lives_that_begin_from_one_store_are_two_and_kin),
          RUN(a_life_behind_a_loss_is_no_kin), RUN(the_last_life_there_can_be_stays),
          RUN(a_new_life_writes_while_there_are_places),
          RUN(who_has_lost_something_goes_on_with_nothing_of_before),
          RUN(who_contradicts_itself_is_not_gone_on_with),
          RUN(only_earlier_lives_are_gone_on_with), RUN(the_newest_life_of_another_is_found))
