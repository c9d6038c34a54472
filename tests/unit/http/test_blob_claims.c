/* Blobs that a whole state names are claimed before it is written. */

#include "fake_blobs.h"
#include "fake_layout.h"
#include "http/blob_claims.h"
#include "http/exchange.h"
#include "wire/value.h"

static const struct mcpz_id agent = {{7, 7}};
static struct mcpz_blob_claims claims;
static bool is_over;

static void work(struct mcpz_exchange *exchange)
{
    is_over |= mcpz_blob_claims_go_on(&claims, exchange, &world.engine.store);
}

static const struct mcpz_exchange_kind kind = {.work = work};

/* A blob whose document `node` keeps, not among the first `skip`. */
static struct mcpz_blob_about blob_of(char node, int skip)
{
    for (uint8_t number = 1;; number++) {
        const struct mcpz_blob_about about = fake_blob_about(number);
        struct mcpz_ack_wait wait = {0};
        mcpz_blob_keeper_targets(world.api, &about.root, &wait);
        if (wait.owners[0].node.bytes[0] == (uint8_t)node && skip-- == 0) {
            return about;
        }
    }
}

static struct mcpz_exchange *begin(void)
{
    struct mcpz_exchange *exchange = NULL;

    is_over = false;
    mcpz_blob_claims_begin(&claims, &agent);
    CHECK_UINT(mcpz_api_open(world.api, NULL, &exchange), MCPZ_OK);
    mcpz_exchange_wait(exchange, &kind, &claims);
    mcpz_exchange_again(exchange);
    fake_turn();
    return exchange;
}

static void end(struct mcpz_exchange *exchange)
{
    mcpz_blob_claims_finish(&claims);
    mcpz_api_close(exchange);
    fake_blobs_end();
    fake_layout_end();
}

static void set_up(void)
{
    fake_blobs_begin();
    fake_layout_begin();
}

static size_t check_question(char node, const char *ref)
{
    const size_t index = fake_question(0, node, "mcpz.blobs/refer");

    CHECK(strstr(fake_asks[index].body, ref) != NULL);
    return index;
}

TEST(each_is_claimed_where_what_is_known_of_it_is_kept)
{
    static const char *const put[] = {"put", NULL};
    char text[MCPZ_ID_TEXT_BYTES];

    set_up();
    const struct mcpz_blob_about ours = blob_of('s', 0);
    const struct mcpz_blob_about theirs = blob_of('b', 0);
    const struct mcpz_blob_about gone = blob_of('c', 0);
    fake_blob_book(&ours, put);
    fake_blob_named(&agent, &ours);
    fake_blob_named(&agent, &theirs);
    fake_blob_named(&agent, &gone);
    mcpz_id_to_text(&agent, 'd', text);
    struct mcpz_exchange *exchange = begin();

    /* All at once: so they share the wait for disks. */
    CHECK_UINT(fake_writes(MCPZ_AGENT_ADD, text), 1);
    CHECK_UINT(fake_ask_count, 2);
    check_question('b', text);
    const size_t of_c = check_question('c', text);
    fake_fellow_says(of_c, 404, "{}");
    fake_fellow_says(1 - of_c, 200, "{\"written\":true}");
    CHECK(!is_over);
    fake_reply(world.engine.events[world.engine.event_count - 1].agent.request, MCPZ_CODE_OK, "");
    fake_turn();
    CHECK(is_over && fake_status(exchange) == 0);
    CHECK(claims.claimed == 2 && claims.lost == 1);
    end(exchange);
}

TEST(where_much_is_asked_one_is_claimed_at_a_time)
{
    struct mcpz_exchange *others[MCPZ_EXCHANGES_MAX / 2];

    set_up();
    const struct mcpz_blob_about first = blob_of('b', 0);
    const struct mcpz_blob_about second = blob_of('c', 0);
    fake_blob_named(&agent, &first);
    fake_blob_named(&agent, &second);
    for (size_t i = 0; i < MCPZ_ARRAY_LEN(others); i++) {
        CHECK_UINT(mcpz_api_open(world.api, NULL, &others[i]), MCPZ_OK);
    }
    struct mcpz_exchange *exchange = begin();

    CHECK_UINT(fake_ask_count, 1);
    fake_fellow_says(0, 200, "{\"written\":true}");
    CHECK_UINT(fake_ask_count, 2);
    CHECK(!is_over);
    fake_fellow_says(1, 200, "{\"written\":true}");
    CHECK(is_over);
    CHECK_UINT(claims.claimed, 2);
    for (size_t i = 0; i < MCPZ_ARRAY_LEN(others); i++) {
        mcpz_api_close(others[i]);
    }
    end(exchange);
}

TEST(what_only_we_should_know_and_do_not_is_lost)
{
    set_up();
    const struct mcpz_blob_about ours = blob_of('s', 0); /* and there is nothing of it here */
    fake_blob_named(&agent, &ours);
    struct mcpz_exchange *exchange = begin();

    CHECK(is_over); /* nobody else keeps it */
    CHECK_UINT(claims.lost, 1);
    end(exchange);
}

TEST(one_that_has_not_heard_of_it_is_followed_by_the_next)
{
    layout_copies = 3;
    set_up();
    const struct mcpz_blob_about about = fake_blob_about(1); /* nor have we */
    fake_blob_named(&agent, &about);
    struct mcpz_exchange *exchange = begin();

    CHECK_UINT(fake_ask_count, 1);
    fake_fellow_says(0, 404, "{}");
    CHECK_UINT(fake_ask_count, 2);
    CHECK(!mcpz_id_equal(&fake_asks[0].node, &fake_asks[1].node));
    fake_fellow_says(1, 200, "{\"written\":true}");
    CHECK(is_over);
    CHECK_UINT(claims.claimed, 1);
    layout_copies = 1;
    end(exchange);
}

TEST(where_nobody_can_be_asked_nothing_is_written)
{
    set_up();
    const struct mcpz_blob_about theirs = blob_of('b', 0);
    fake_blob_named(&agent, &theirs);
    struct mcpz_exchange *exchange = begin();

    fake_fellow_fails(0, MCPZ_CODE_TIMEOUT);
    CHECK(!is_over);
    CHECK_UINT(fake_status(exchange), 503);
    end(exchange);
}

TEST(a_state_of_many_entries_is_read_in_slices)
{
    uint8_t path[4] = {0x91, 0xcd};
    struct mcpz_record record = {.kind = MCPZ_RECORD_ENTRY,
                                 .entry = {.document = agent,
                                           .type = MCPZ_ENTRY_REGISTER,
                                           .dot = {.actor = {{{1}}, 1}, .seq = 1},
                                           .value = mcpz_text("\x01")}};

    set_up();
    for (int number = 256; number < 256 + 2 * MCPZ_BLOB_NAMES_SLICE + 5; number++) {
        path[2] = (uint8_t)(number >> 8);
        path[3] = (uint8_t)number;
        record.entry.path = mcpz_bytes(path, sizeof(path));
        world.engine.store.put(world.engine.store.context, &record);
    }
    mcpz_blob_claims_begin(&claims, &agent);
    struct mcpz_exchange *exchange = NULL;
    CHECK_UINT(mcpz_api_open(world.api, NULL, &exchange), MCPZ_OK);
    mcpz_exchange_wait(exchange, &kind, &claims);
    CHECK(!mcpz_blob_claims_go_on(&claims, exchange, &world.engine.store));
    CHECK(!mcpz_blob_claims_go_on(&claims, exchange, &world.engine.store));
    CHECK(mcpz_blob_claims_go_on(&claims, exchange, &world.engine.store));
    end(exchange);
}

TEST_MAIN(RUN(each_is_claimed_where_what_is_known_of_it_is_kept),
          RUN(where_much_is_asked_one_is_claimed_at_a_time),
          RUN(what_only_we_should_know_and_do_not_is_lost),
          RUN(one_that_has_not_heard_of_it_is_followed_by_the_next),
          RUN(where_nobody_can_be_asked_nothing_is_written),
          RUN(a_state_of_many_entries_is_read_in_slices))
