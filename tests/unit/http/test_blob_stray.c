/* Copies of which nothing says that anybody needs them: who is asked, and what it takes to let one
 * go. */

#include "fake_blobs.h"
#include "fake_layout.h"
#include "http/blob_stray.h"
#include "http/exchange.h"

static struct mcpz_blob_about about;

/* Without a layout: three are to keep it, and we are one of them. */
static struct fake_blob *begin(struct mcpz_blob_state state)
{
    fake_blobs_begin();
    for (uint8_t number = 1;; number++) {
        about = fake_blob_about(number);
        if (mcpz_blob_keeper_is_ours(world.api, &about.root)) {
            return fake_blob_add(&about.root, state);
        }
    }
}

static const struct mcpz_blob_state copy = {.is_whole = true, .is_copy = true};

static void later(void)
{
    fake_blobs_tick(MCPZ_BLOB_SCAN_US);
}

static size_t count_asked(void)
{
    size_t count = 0;

    for (size_t i = 0; i < fake_ask_count; i++) {
        count += strncmp(fake_asks[i].path, "mcpz.blobs/stat", 15) == 0 ? 1 : 0;
    }
    return count;
}

/* All who are asked say that. Returns how many they are. */
static size_t say(const char *json)
{
    size_t count = 0;

    for (size_t i = 0; i < fake_ask_count; i++) {
        if (fake_asks[i].exchange != NULL && !fake_asks[i].over) {
            fake_fellow_says(i, 200, json);
            count++;
        }
    }
    fake_blobs_turn();
    return count;
}

#define NO "{\"needed\":\"no\"}"

TEST(one_that_nobody_knows_of_goes_when_that_was_said_twice)
{
    const struct fake_blob *blob = begin(copy);

    fake_blobs_turn();
    CHECK(say(NO) >= 2);
    CHECK(blob->state.is_copy);
    later();
    CHECK(say(NO) >= 2);
    CHECK(!blob->state.is_copy);
    CHECK_UINT(world.api->blobs.counts.strays_dropped, 1);
    later();
    CHECK_UINT(say(NO), 0);
    fake_blobs_end();
}

TEST(while_agents_may_have_to_be_set_aside_that_name_it_it_is_none)
{
    const struct fake_blob *blob = begin(copy);

    fake_blobs_turn();
    CHECK(say(NO) >= 2);
    world.engine.node.agents.horizon.row.horizon_ms = 1; /* we were away */
    later();
    (void)say(NO);
    CHECK(blob->state.is_copy);
    later();
    CHECK_UINT(say(NO), 0);
    CHECK(blob->state.is_copy);
    fake_blobs_end();
}

/* What never came whole is not fetched for ever, either. */
TEST(one_of_which_something_is_lacking_goes_too)
{
    const struct fake_blob *blob = begin((struct mcpz_blob_state){.is_copy = true});

    for (size_t i = 0; i < 40 && blob->state.is_copy; i++) {
        later();
        while (say(NO) > 0) {
        }
    }
    CHECK(!blob->state.is_copy);
    const size_t before = fake_ask_count;
    later();
    CHECK_UINT(fake_ask_count, before);
    fake_blobs_end();
}

TEST(one_that_may_be_needed_stays)
{
    static const char *const words[] = {"{\"needed\":\"yes\"}", "{\"needed\":\"unknown\"}", "{}"};

    for (size_t i = 0; i < MCPZ_ARRAY_LEN(words); i++) {
        const struct fake_blob *blob = begin(copy);
        fake_blobs_turn();
        (void)say(NO);
        for (size_t n = 0; n < 3; n++) {
            later();
            fake_fellow_says(fake_ask_count - 1, 200, words[i]);
            fake_blobs_turn();
            (void)say(NO);
            CHECK(blob->state.is_copy);
        }
        fake_blobs_end();
    }
}

TEST(who_does_not_answer_has_not_said_no)
{
    const struct fake_blob *blob = begin(copy);

    fake_blobs_turn();
    (void)say(NO);
    for (size_t n = 0; n < 3; n++) {
        later();
        fake_fellow_fails(fake_ask_count - 1, MCPZ_CODE_TIMEOUT);
        fake_blobs_turn();
        (void)say(NO);
        CHECK(blob->state.is_copy);
    }
    fake_blobs_end();
}

TEST(where_one_is_gone_nobody_is_asked)
{
    const struct fake_blob *blob = begin(copy);
    struct mcpz_ack_wait wait = {0};

    world.api->ports.blobs_mourned_us = MCPZ_SECONDS(9999); /* it is to keep it all the same */
    mcpz_blob_keeper_targets(world.api, &about.root, &wait);
    for (size_t i = 0; i < wait.owner_count; i++) {
        struct mcpz_member *member =
            mcpz_roster_find(&world.engine.node.fabric.members.roster, &wait.owners[i].node);
        if (member != NULL && !mcpz_id_equal(&member->id, mcpz_engine_id(&world.engine))) {
            member->state = MCPZ_MEMBER_DEAD;
            break;
        }
    }
    fake_blobs_turn();
    CHECK_UINT(count_asked(), 0);
    CHECK(blob->state.is_copy);
    fake_blobs_end();
}

TEST(what_was_put_here_or_is_known_is_none)
{
    static const char *const put[] = {"put", NULL};
    static const struct mcpz_blob_state states[] = {
        {.is_whole = true, .is_copy = true, .is_put = true},
        {.is_whole = true, .is_copy = true, .is_brief = true}};

    for (size_t i = 0; i < MCPZ_ARRAY_LEN(states); i++) {
        (void)begin(states[i]);
        fake_blobs_turn();
        CHECK_UINT(count_asked(), 0);
        fake_blobs_end();
    }
    (void)begin(copy);
    fake_blob_book(&about, put);
    fake_blobs_turn();
    CHECK_UINT(count_asked(), 0);
    fake_blobs_end();
}

/* It was told in between that somebody is to need it. */
TEST(one_that_is_to_be_kept_is_doubted_anew)
{
    const struct fake_blob *blob = begin(copy);

    fake_blobs_turn();
    (void)say(NO);
    mcpz_blob_stray_claimed(world.api, &about.root);
    later();
    (void)say(NO);
    CHECK(blob->state.is_copy);
    later();
    (void)say(NO);
    CHECK(!blob->state.is_copy);
    fake_blobs_end();
}

/* Its document came while the others were asked. */
TEST(what_is_known_by_then_stays)
{
    static const char *const put[] = {"put", NULL};
    const struct fake_blob *blob = begin(copy);

    fake_blobs_turn();
    (void)say(NO);
    later();
    fake_blob_book(&about, put);
    (void)say(NO);
    CHECK(blob->state.is_copy);
    fake_blobs_end();
}

TEST_MAIN(RUN(while_agents_may_have_to_be_set_aside_that_name_it_it_is_none),
          RUN(one_that_nobody_knows_of_goes_when_that_was_said_twice),
          RUN(one_of_which_something_is_lacking_goes_too), RUN(one_that_may_be_needed_stays),
          RUN(who_does_not_answer_has_not_said_no), RUN(where_one_is_gone_nobody_is_asked),
          RUN(what_was_put_here_or_is_known_is_none), RUN(one_that_is_to_be_kept_is_doubted_anew),
          RUN(what_is_known_by_then_stays))
