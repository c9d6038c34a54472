/* References of agents that are none any more: who is asked, and what it takes to let one go. */

#include "fake_blobs.h"
#include "fake_layout.h"
#include "http/blob_review.h"
#include "http/exchange.h"

static struct mcpz_blob_about about;
static char ref[MCPZ_ID_TEXT_BYTES];
static struct mcpz_id agent;

/* A layout of one copy each: the blob is ours, and its agent `keeper`'s. */
static void begin(char keeper)
{
    fake_blobs_begin();
    fake_layout_begin();
    for (uint8_t number = 1;; number++) {
        about = fake_blob_about(number);
        if (mcpz_blob_keeper_is_ours(world.api, &about.root)) {
            break;
        }
    }
    for (uint8_t number = 1;; number++) {
        struct mcpz_id owners[MCPZ_OWNERS_MAX];
        agent = (struct mcpz_id){{number, number}};
        CHECK_UINT(mcpz_layouts_owners(&world.engine.node.layouts, &agent, owners), 1);
        if (owners[0].bytes[0] == (uint8_t)keeper) {
            break;
        }
    }
    mcpz_id_to_text(&agent, 'd', ref);
    (void)fake_blob_add(&about.root, (struct mcpz_blob_state){.is_whole = true, .is_copy = true});
    const char *const refs[] = {"put", ref, NULL};
    fake_blob_book(&about, refs);
}

static void end(void)
{
    fake_blobs_end();
    fake_layout_end();
}

static size_t removed(void)
{
    return fake_writes(MCPZ_AGENT_REMOVE, ref);
}

/* Time for another look goes by. */
static void later(void)
{
    fake_blobs_tick(MCPZ_BLOB_SCAN_US);
}

static void say(const char *word)
{
    char json[64];

    (void)snprintf(json, sizeof(json), "{\"said\":[\"%s\"]}", word);
    fake_fellow_says(fake_ask_count - 1, 200, json);
    fake_blobs_turn();
}

TEST(one_that_its_keeper_denies_twice_goes)
{
    begin('b');
    fake_blobs_turn();
    CHECK_UINT(fake_ask_count, 1);
    CHECK_UINT(fake_asks[0].node.bytes[0], 'b');
    CHECK_TEXT(fake_asks[0].path, "mcpz.blobs/names");
    CHECK(strstr(fake_asks[0].body, ref) != NULL);
    say("no");
    CHECK_UINT(removed(), 0);
    later();
    CHECK_UINT(fake_ask_count, 2);
    say("no");
    CHECK_UINT(removed(), 1);
    CHECK_UINT(world.api->blobs.counts.references_dropped, 1);
    CHECK_UINT(fake_writes(MCPZ_AGENT_REMOVE, "put"), 0);
    end();
}

TEST(one_that_is_named_or_may_be_stays)
{
    static const char *const words[] = {"yes", "unknown", "maybe"};

    for (size_t i = 0; i < MCPZ_ARRAY_LEN(words); i++) {
        begin('b');
        fake_blobs_turn();
        say("no");
        later();
        say(words[i]);
        CHECK_UINT(removed(), 0);
        later();
        say(words[i]);
        CHECK_UINT(removed(), 0);
        end();
    }
}

TEST(who_does_not_answer_has_not_denied_it)
{
    begin('c');
    fake_blobs_turn();
    say("no");
    later();
    fake_fellow_fails(1, MCPZ_CODE_TIMEOUT);
    fake_blobs_turn();
    CHECK_UINT(removed(), 0);
    later();
    fake_fellow_says(2, 404, "{}");
    fake_blobs_turn();
    CHECK_UINT(removed(), 0);
    end();
}

TEST(who_is_gone_is_not_asked_and_has_not_denied_it)
{
    begin('b');
    struct mcpz_roster *roster = &world.engine.node.fabric.members.roster;
    const struct mcpz_id b = {{'b'}};
    struct mcpz_member *member = mcpz_roster_find(roster, &b);

    member->state = MCPZ_MEMBER_DEAD;
    fake_blobs_turn();
    later();
    later();
    CHECK_UINT(fake_ask_count, 0);
    CHECK_UINT(removed(), 0);
    end();
}

TEST(what_is_kept_here_is_looked_at_here)
{
    begin('s');
    fake_blob_named(&agent, &about);
    fake_blobs_turn();
    later();
    later();
    CHECK_UINT(fake_ask_count, 0);
    CHECK_UINT(removed(), 0);

    /* It is not the blob's that it names. */
    end();
    begin('s');
    const struct mcpz_blob_about other = fake_blob_about(250);
    fake_blob_named(&agent, &other);
    fake_blobs_turn();
    CHECK_UINT(removed(), 0);
    later();
    CHECK_UINT(removed(), 1);
    CHECK_UINT(fake_ask_count, 0);
    end();
}

TEST(what_was_put_for_an_agent_that_never_came_goes_after_an_hour)
{
    static const char *const brief[] = {"brief", NULL};

    begin('s');
    fake_blob_book(&about, brief);
    fake_blob_named(&agent, &about);
    fake_blobs_turn();
    for (mcpz_time at = 0; at + MCPZ_BLOB_SCAN_US < MCPZ_BLOB_DOUBT_BRIEF_US;
         at += MCPZ_BLOB_SCAN_US) {
        CHECK_UINT(fake_writes(MCPZ_AGENT_REMOVE, "brief"), 0);
        later();
    }
    later();
    CHECK_UINT(fake_writes(MCPZ_AGENT_REMOVE, "brief"), 1);
    CHECK_UINT(removed(), 0);
    end();
}

/* Another node asks. */
static const char *asked(const struct mcpz_id *document)
{
    static char said[256];
    char id[MCPZ_ID_TEXT_BYTES];
    char text[MCPZ_ID_TEXT_BYTES];
    struct mcpz_exchange *exchange = NULL;

    mcpz_id_to_text(&about.root, 'b', id);
    mcpz_id_to_text(document, 'd', text);
    json_t *body = json_pack("{s:s, s:[s]}", "blob", id, "refs", text);
    CHECK_UINT(mcpz_api_open(world.api, NULL, &exchange), MCPZ_OK);
    mcpz_blob_review_serve(exchange, body);
    json_decref(body);
    CHECK_UINT(fake_status(exchange), 200);
    (void)snprintf(said, sizeof(said), "%s", fake_text(exchange));
    mcpz_api_close(exchange);
    return said;
}

TEST(others_are_told_what_is_known_here)
{
    begin('s');
    CHECK_TEXT(asked(&agent), "{\"said\":[\"no\"]}\n");
    fake_blob_named(&agent, &about);
    CHECK_TEXT(asked(&agent), "{\"said\":[\"yes\"]}\n");
    end();
    begin('b');
    CHECK_TEXT(asked(&agent), "{\"said\":[\"unknown\"]}\n"); /* B's */
    end();
}

TEST_MAIN(RUN(one_that_its_keeper_denies_twice_goes), RUN(one_that_is_named_or_may_be_stays),
          RUN(who_does_not_answer_has_not_denied_it),
          RUN(who_is_gone_is_not_asked_and_has_not_denied_it),
          RUN(what_is_kept_here_is_looked_at_here),
          RUN(what_was_put_for_an_agent_that_never_came_goes_after_an_hour),
          RUN(others_are_told_what_is_known_here))
