/* What this node asks several others for itself: who is heard, and when it is over. */

#include "fake_fellows.h"
#include "http/survey.h"

#define NODES 3

static struct mcpz_id nodes[NODES];
static unsigned heard[NODES]; /* the status of each; they say which they are */
static size_t heard_count;
static struct mcpz_survey survey;

static void hear(struct mcpz_survey *asked, const struct mcpz_id *node, unsigned status,
                 const json_t *said)
{
    CHECK(asked == &survey && asked->owner == nodes);
    CHECK_UINT((said == NULL), (status == 0));
    for (size_t i = 0; i < NODES; i++) {
        heard[i] = mcpz_id_equal(node, &nodes[i]) ? status : heard[i];
    }
    heard_count++;
}

static size_t ask(void)
{
    json_t *body = json_pack("{s:s}", "blob", "b-1");
    const size_t asked = mcpz_survey_ask(
        &survey, nodes, NODES,
        &(struct mcpz_question){
            .method = "POST", .path = "mcpz.what", .body = body, .timeout_ms = 1000});

    json_decref(body);
    return asked;
}

static void begin(void)
{
    fake_fellows_begin();
    fake_begin();
    for (size_t i = 0; i < NODES; i++) {
        nodes[i] = (struct mcpz_id){.bytes = {(uint8_t)(i + 1)}};
        heard[i] = 1;
    }
    heard_count = 0;
    survey = (struct mcpz_survey){.owner = nodes, .hear = hear};
    CHECK(mcpz_survey_open(&survey, world.api));
}

static void end(void)
{
    mcpz_survey_close(&survey);
    CHECK(survey.exchange == NULL);
    fake_end();
    fake_fellows_end();
}

TEST(it_is_over_when_all_have_answered_or_failed)
{
    begin();
    CHECK_UINT(ask(), NODES);
    CHECK_TEXT(fake_asks[2].method, "POST");
    CHECK_TEXT(fake_asks[2].path, "mcpz.what");
    CHECK_TEXT(fake_asks[2].body, "{\"blob\":\"b-1\"}");
    fake_turn();
    fake_fellow_says(1, 200, "{}");
    fake_fellow_fails(0, MCPZ_CODE_TIMEOUT);
    CHECK(!survey.is_over);
    fake_fellow_says(2, 404, "{}");
    CHECK(survey.is_over);
    CHECK_UINT(heard[0], 0);
    CHECK_UINT(heard[1], 200);
    CHECK_UINT(heard[2], 404);
    end();
}

TEST(who_there_was_no_room_to_ask_is_not_heard)
{
    begin();
    fake_asks_at_once = 2;
    CHECK_UINT(ask(), 2);
    fake_fellow_says(0, 200, "{}");
    fake_fellow_says(1, 200, "{}");
    CHECK(survey.is_over);
    CHECK_UINT(heard_count, 2);
    CHECK_UINT(heard[2], 1);
    end();
}

TEST(one_of_whom_nobody_is_asked_is_over_in_the_next_turn)
{
    begin();
    CHECK(!survey.is_over);
    fake_turn();
    CHECK(survey.is_over);
    end();
}

/* However late: calls end by themselves. */
TEST(it_has_no_time_of_its_own)
{
    begin();
    (void)ask();
    fake_tick(MCPZ_SECONDS(3600));
    CHECK(!survey.is_over);
    CHECK_UINT(heard_count, 0);
    end();
}

TEST(what_comes_when_it_is_closed_is_not_heard)
{
    begin();
    (void)ask();
    mcpz_survey_close(&survey);
    CHECK(fake_asks[0].exchange == NULL);
    mcpz_survey_close(&survey);
    CHECK(mcpz_survey_open(&survey, world.api));
    CHECK(!survey.is_over);
    fake_turn();
    CHECK_UINT(heard_count, 0);
    end();
}

TEST(there_are_so_many_exchanges_and_no_more)
{
    static struct mcpz_survey many[MCPZ_EXCHANGES_MAX];

    begin();
    for (size_t i = 0; i < MCPZ_EXCHANGES_MAX; i++) {
        many[i] = (struct mcpz_survey){.hear = hear};
        CHECK(mcpz_survey_open(&many[i], world.api) == (i + 1 < MCPZ_EXCHANGES_MAX));
    }
    for (size_t i = 0; i < MCPZ_EXCHANGES_MAX; i++) {
        mcpz_survey_close(&many[i]);
    }
    end();
}

TEST_MAIN(RUN(it_is_over_when_all_have_answered_or_failed),
          RUN(who_there_was_no_room_to_ask_is_not_heard),
          RUN(one_of_whom_nobody_is_asked_is_over_in_the_next_turn),
          RUN(it_has_no_time_of_its_own), RUN(what_comes_when_it_is_closed_is_not_heard),
          RUN(there_are_so_many_exchanges_and_no_more))
