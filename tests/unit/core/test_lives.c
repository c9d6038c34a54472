#include "core/crdt/clock.h"
#include "core/crdt/cuts.h"
#include "core/crdt/lives.h"
#include "fake_store.h"
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
    for (int i = 0; i < 1000; i++) {
        CHECK(mcpz_lives_next(7, true, &rng) % MCPZ_LIVES_STRIDE != 7);
    }
}

TEST(lives_behind_two_losses_of_one_store_are_no_kin)
{
    struct mcpz_rng one;
    struct mcpz_rng other;

    mcpz_rng_init(&one, 1);
    mcpz_rng_init(&other, 2);
    const uint32_t a = mcpz_lives_next(7, true, &one);
    const uint32_t b = mcpz_lives_next(7, true, &other);
    CHECK(a % MCPZ_LIVES_STRIDE != b % MCPZ_LIVES_STRIDE);
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

/* Closing makes room: it may take one of the places that nobody begins with. */
TEST(who_closes_lives_takes_a_place_where_there_are_hardly_any)
{
    const struct mcpz_actor life = actor('z', 257);

    begin();
    for (uint32_t i = 1; i <= MCPZ_ACTORS_MAX; i++) {
        CHECK(mcpz_lives_may_close(&document, &life) == (i > MCPZ_LIVES_PLACES));
        CHECK(mcpz_document_admits(&document, &life) == (i <= MCPZ_WRITERS_MAX));
        has_written('a', i);
    }
    CHECK(!mcpz_lives_may_close(&document, &life));
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

/* ---- Closing ------------------------------------------------------------------------------ */

static struct fake_store store;
static const struct mcpz_id node = {{'a'}};

/* Versions of `a`, in as many lives as there are numbers; 0 ends them. */
static size_t lives_of(const uint64_t *seqs, struct mcpz_version *versions)
{
    size_t count = 0;

    for (; seqs[count] != 0; count++) {
        versions[count] = (struct mcpz_version){
            actor('a', 1 + MCPZ_LIVES_STRIDE * (uint32_t)count), seqs[count], {{1}}};
        versions[count].head.bytes[0] = (uint8_t)seqs[count];
    }
    return count;
}

/* Up to which life may be closed what stands at `here`, where all have signed `agreed`? */
static uint32_t closable(const uint64_t *here, const uint64_t *agreed)
{
    struct mcpz_version versions[8];
    const struct mcpz_record floor = {
        .kind = MCPZ_RECORD_FLOOR,
        .floor = {.document = {{7}},
                  .agreed = {.versions = versions, .version_count = lives_of(agreed, versions)}},
    };
    uint32_t upto;

    begin();
    document.id = floor.floor.document;
    store.port.put(store.port.context, &floor);
    document.clock.count = lives_of(here, document.clock.versions);
    CHECK_UINT(mcpz_lives_closable(&store.port, &document, &node, &upto), MCPZ_OK);
    fake_store_end_turn(&store);
    return upto;
}

TEST(lives_are_closed_as_far_as_all_have_signed_where_they_stand)
{
    fake_store_init(&store);
    const uint64_t here[] = {2, 3, 4, 5, 0};
    CHECK_UINT(closable(here, here), 513);
    CHECK_UINT(closable(here, (const uint64_t[]){2, 3, 4, 0}), 257); /* the last may go on */
    CHECK_UINT(closable(here, (const uint64_t[]){2, 3, 0}), 0);      /* no room is made */
    CHECK_UINT(closable(here, (const uint64_t[]){2, 3, 3, 5, 0}), 257);
    CHECK_UINT(closable(here, (const uint64_t[]){1, 3, 4, 5, 0}), 0);
    CHECK_UINT(closable((const uint64_t[]){2, 3 | MCPZ_SEQ_CLOSED, 4, 5, 0}, here), 513);
    fake_store_finish(&store);
}

TEST(lives_hurry_where_many_can_be_closed)
{
    struct mcpz_version versions[MCPZ_LIVES_MANY + 2];
    bool many;

    fake_store_init(&store);
    for (size_t i = 0; i < MCPZ_LIVES_MANY + 2; i++) {
        versions[i] = (struct mcpz_version){actor('a', 1 + (uint32_t)i), 1, {{1}}};
    }
    CHECK_UINT(mcpz_lives_are_many(&store.port, &node, versions, MCPZ_LIVES_MANY, &many), MCPZ_OK);
    CHECK(!many);
    CHECK_UINT(mcpz_lives_are_many(&store.port, &node, versions, MCPZ_LIVES_MANY + 1, &many),
               MCPZ_OK);
    CHECK(many);
    /* The third has rights: those from there on stay open. */
    const struct mcpz_record row = {.kind = MCPZ_RECORD_ENTRY,
                                    .entry = {.document = node,
                                              .path = mcpz_text("\x91\xa1"
                                                                "b"),
                                              .type = MCPZ_ENTRY_BOUNDED,
                                              .dot = {actor('a', 3), 1, 0},
                                              .value = mcpz_text("\x94\x01\x00\x90\x90")}};
    store.port.put(store.port.context, &row);
    CHECK_UINT(mcpz_lives_are_many(&store.port, &node, versions, MCPZ_LIVES_MANY + 1, &many),
               MCPZ_OK);
    CHECK(!many);
    fake_store_finish(&store);
}

/* One that is named as open stands between it and the closing. Found by storm 8157. */
TEST(what_who_closes_never_saw_of_a_life_is_late)
{
    const struct mcpz_version seen[] = {
        {actor('a', 2), 3, {{1}}},
        {actor('a', 5), 2 | MCPZ_SEQ_CLOSED, {{1}}},
    };
    const struct mcpz_delta delta = {.actor = actor('a', 6), .versions = seen, .version_count = 2};
    const struct mcpz_dot dot = {actor('a', 1), 1, 0};

    begin();
    contradicts_itself('a', 1);
    CHECK(mcpz_lives_goes_with_cuts(&document, &delta, &seen[1]));
    CHECK(mcpz_lives_is_late(&delta, &seen[1], &dot));
}

TEST_MAIN(RUN(what_who_closes_never_saw_of_a_life_is_late),
          RUN(lives_are_closed_as_far_as_all_have_signed_where_they_stand),
          RUN(lives_hurry_where_many_can_be_closed),
          RUN(lives_that_begin_from_one_store_are_two_and_kin),
          RUN(a_life_behind_a_loss_is_no_kin),
          RUN(lives_behind_two_losses_of_one_store_are_no_kin),
          RUN(the_last_life_there_can_be_stays), RUN(a_new_life_writes_while_there_are_places),
          RUN(who_closes_lives_takes_a_place_where_there_are_hardly_any),
          RUN(who_has_lost_something_goes_on_with_nothing_of_before),
          RUN(who_contradicts_itself_is_not_gone_on_with),
          RUN(only_earlier_lives_are_gone_on_with), RUN(the_newest_life_of_another_is_found))
