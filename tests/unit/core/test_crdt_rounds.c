#include "core/crdt/clock.h"
#include "core/crdt/rounds.h"
#include "fake_store.h"
#include "test.h"

static const struct mcpz_id ann = {{'a'}};
static const struct mcpz_id bob = {{'b'}};

static struct fake_store store;
static struct mcpz_rounds rounds;
static struct mcpz_outbox out;
static mcpz_time now;

static struct mcpz_id document(uint32_t i)
{
    struct mcpz_id id = {{0x10, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i}};
    return id;
}

/* A store of so many documents, no round under way. */
static void set_up(uint32_t document_count)
{
    const struct mcpz_version version = {{{{1}}, 1}, 1, {{1}}};

    fake_store_finish(&store);
    fake_store_init(&store);
    rounds = (struct mcpz_rounds){.count = 0};
    now = MCPZ_SECONDS(5);
    mcpz_outbox_init(&out);
    for (uint32_t i = 0; i < document_count; i++) {
        struct mcpz_record record = {
            .kind = MCPZ_RECORD_DOCUMENT,
            .document = {.id = document(i), .versions = &version, .version_count = 1},
        };
        store.port.put(store.port.context, &record);
    }
}

/* Go to the deadline and do what is due. */
static void run(void)
{
    struct mcpz_mail mail;

    now = mcpz_rounds_deadline(&rounds) > now ? mcpz_rounds_deadline(&rounds) : now;
    mcpz_outbox_clear(&out);
    mcpz_mail_init(&mail, &out);
    CHECK_UINT(mcpz_rounds_run(&rounds, &store.port, now, &mail), MCPZ_OK);
}

static const struct mcpz_msg_digests *page(size_t index)
{
    CHECK(index < out.count);
    CHECK_UINT(out.actions[index].send.msg.kind, MCPZ_MSG_DIGESTS);
    return &out.actions[index].send.msg.digests;
}

static bool is_end(const struct mcpz_id *id)
{
    struct mcpz_id end;
    memset(&end, 0xff, sizeof(end));
    return mcpz_id_equal(id, &end);
}

TEST(tells_everything_page_by_page)
{
    set_up(MCPZ_ROUND_FAST_PAGES * 256 + 1);
    mcpz_rounds_start(&rounds, &ann, now);
    CHECK_UINT(mcpz_rounds_deadline(&rounds), now);

    run();
    CHECK_UINT(out.count, MCPZ_ROUND_FAST_PAGES);
    CHECK(mcpz_id_is_zero(&page(0)->after));
    for (size_t i = 0; i < MCPZ_ROUND_FAST_PAGES; i++) {
        CHECK_UINT(page(i)->digest_count, 256);
        CHECK(mcpz_id_equal(&page(i)->upto, &page(i)->digests[255].document));
        CHECK(i == 0 || mcpz_id_equal(&page(i)->after, &page(i - 1)->upto));
    }
    CHECK_UINT(mcpz_rounds_deadline(&rounds), now + MCPZ_ROUND_FAST_PAUSE_US);

    run();
    CHECK_UINT(out.count, 1);
    CHECK_UINT(page(0)->digest_count, 1);
    CHECK(is_end(&page(0)->upto));
    CHECK_UINT(mcpz_rounds_deadline(&rounds), now + MCPZ_ROUND_LINGER_US);
    run();
    CHECK_UINT(out.count, 0);
    CHECK_UINT(rounds.count, 0);
    CHECK_UINT(mcpz_rounds_deadline(&rounds), MCPZ_TIME_NEVER);
}

TEST(says_that_it_has_nothing)
{
    set_up(0);
    mcpz_rounds_start(&rounds, &ann, now);
    run();
    CHECK_UINT(out.count, 1);
    CHECK_UINT(page(0)->digest_count, 0);
    CHECK(mcpz_id_is_zero(&page(0)->after) && is_end(&page(0)->upto));
}

TEST(a_full_last_page_is_followed_by_an_empty_one)
{
    set_up(256);
    mcpz_rounds_start(&rounds, &ann, now);
    run();
    CHECK_UINT(out.count, 2);
    CHECK(!is_end(&page(0)->upto));
    CHECK_UINT(page(1)->digest_count, 0);
    CHECK(is_end(&page(1)->upto));
}

TEST(a_question_takes_it_back_and_slows_it_down)
{
    struct mcpz_id asked = document(100);

    set_up(3000);
    mcpz_rounds_start(&rounds, &ann, now);
    run();
    mcpz_rounds_asked(&rounds, &ann, &asked, 100000, now);
    CHECK_UINT(mcpz_rounds_deadline(&rounds),
               now + MCPZ_ROUND_FAST_PAUSE_US + 100000 / MCPZ_ROUND_BYTES_PER_US);

    for (uint32_t i = 0; i < MCPZ_ROUND_SLOW_PAGES; i++) {
        run();
        CHECK_UINT(out.count, 1);
        CHECK_UINT(page(0)->digest_count, MCPZ_ROUND_SLOW_DIGESTS);
        struct mcpz_id first = document(100 + i * MCPZ_ROUND_SLOW_DIGESTS);
        CHECK(mcpz_id_equal(&page(0)->digests[0].document, &first));
        CHECK_UINT(mcpz_rounds_deadline(&rounds), now + MCPZ_ROUND_SLOW_PAUSE_US);
    }
    run(); /* nobody asked: fast again */
    CHECK_UINT(out.count, MCPZ_ROUND_FAST_PAGES);
    CHECK_UINT(page(0)->digest_count, 256);
}

TEST(a_question_while_slow_keeps_it_slow_where_it_is)
{
    struct mcpz_id first = document(100);
    struct mcpz_id second = document(90);

    set_up(3000);
    mcpz_rounds_start(&rounds, &ann, now);
    run();
    mcpz_rounds_asked(&rounds, &ann, &first, 0, now);
    for (uint32_t i = 0; i < MCPZ_ROUND_SLOW_PAGES + 3; i++) {
        run();
        CHECK_UINT(out.count, 1);
        struct mcpz_id expected = document(100 + i * MCPZ_ROUND_SLOW_DIGESTS);
        CHECK(mcpz_id_equal(&page(0)->digests[0].document, &expected));
        mcpz_rounds_asked(&rounds, &ann, &second, 0, now);
    }
}

TEST(never_goes_back_twice_to_the_same_place)
{
    struct mcpz_id asked = document(5);
    struct mcpz_id further = document(6);

    set_up(10);
    mcpz_rounds_start(&rounds, &ann, now);
    run();
    mcpz_rounds_asked(&rounds, &ann, &asked, 0, now);
    CHECK_UINT(mcpz_rounds_deadline(&rounds), now);
    run();
    CHECK_UINT(out.count, 1);
    CHECK_UINT(page(0)->digest_count, 5);

    mcpz_rounds_asked(&rounds, &ann, &asked, 0, now);
    CHECK_UINT(mcpz_rounds_deadline(&rounds), now + MCPZ_ROUND_LINGER_US);
    mcpz_rounds_asked(&rounds, &ann, &further, 0, now);
    CHECK_UINT(mcpz_rounds_deadline(&rounds), now);
    run();
    CHECK_UINT(page(0)->digest_count, 4);
    mcpz_rounds_asked(&rounds, &bob, &further, 0, now); /* no round with bob */
    run();
    CHECK_UINT(rounds.count, 0);
}

TEST(starting_again_does_not_disturb_what_is_going_out)
{
    set_up(3000);
    mcpz_rounds_start(&rounds, &ann, now);
    run();
    mcpz_rounds_start(&rounds, &ann, now);
    run();
    CHECK(!mcpz_id_is_zero(&page(0)->after));

    set_up(1);
    mcpz_rounds_start(&rounds, &ann, now);
    run();
    mcpz_rounds_start(&rounds, &ann, now); /* all told: begin anew */
    run();
    CHECK_UINT(page(0)->digest_count, 1);
    CHECK_UINT(rounds.count, 1);
}

TEST(takes_turns_among_as_many_neighbours_as_there_are_links)
{
    set_up(3000);
    for (uint8_t i = 0; i <= MCPZ_LINKS_MAX; i++) {
        struct mcpz_id peer = {{i, 1}};
        mcpz_rounds_start(&rounds, &peer, now);
    }
    CHECK_UINT(rounds.count, MCPZ_LINKS_MAX);
    for (uint8_t i = 0; i < MCPZ_LINKS_MAX; i++) {
        struct mcpz_id peer = {{i, 1}};
        run();
        CHECK_UINT(out.count, MCPZ_ROUND_FAST_PAGES);
        CHECK(mcpz_id_equal(&out.actions[0].send.peers[0], &peer));
    }
    struct mcpz_id gone = {{3, 1}};
    mcpz_rounds_stop(&rounds, &gone);
    mcpz_rounds_stop(&rounds, &gone);
    CHECK_UINT(rounds.count, MCPZ_LINKS_MAX - 1);
}

TEST(what_finds_no_room_goes_out_later)
{
    struct mcpz_mail mail;

    set_up(10);
    mcpz_rounds_start(&rounds, &ann, now);
    mcpz_mail_init(&mail, &out);
    mail.action_count = MCPZ_MAIL_ACTIONS_MAX;
    CHECK_UINT(mcpz_rounds_run(&rounds, &store.port, now, &mail), MCPZ_OK);
    CHECK_UINT(out.count, 0);
    CHECK_UINT(mcpz_rounds_deadline(&rounds), now + MCPZ_ROUND_FAST_PAUSE_US);
    run();
    CHECK_UINT(page(0)->digest_count, 10);
    fake_store_finish(&store);
}

TEST_MAIN(RUN(tells_everything_page_by_page), RUN(says_that_it_has_nothing),
          RUN(a_full_last_page_is_followed_by_an_empty_one),
          RUN(a_question_takes_it_back_and_slows_it_down),
          RUN(a_question_while_slow_keeps_it_slow_where_it_is),
          RUN(never_goes_back_twice_to_the_same_place),
          RUN(starting_again_does_not_disturb_what_is_going_out),
          RUN(takes_turns_among_as_many_neighbours_as_there_are_links),
          RUN(what_finds_no_room_goes_out_later))
