/* How two neighbours find that their tables differ, and mend it: core/compare.h. */

#include "core/compare.h"
#include "members_world.h"

#define BIG 200 /* the id of a peer that is greater than ours */

static void hear_digest(uint8_t from, uint32_t digest)
{
    hear(from, (struct mcpz_msg){.kind = MCPZ_MSG_PING, .ping = {.digest = digest}});
}

static uint32_t another_digest(void)
{
    return mcpz_members_digest(&members) + 1;
}

static size_t count_summaries(void)
{
    return count_said(MCPZ_ACTION_SEND, MCPZ_MSG_SUMMARY);
}

static void hear_summary(uint8_t from, bool reply, const struct mcpz_summary_row *rows,
                         size_t count)
{
    hear(from, (struct mcpz_msg){.kind = MCPZ_MSG_SUMMARY,
                                 .summary = {.what = MCPZ_SUMMARY_MEMBERS,
                                             .reply = reply,
                                             .rows = rows,
                                             .row_count = count}});
}

/* ---- When --------------------------------------------------------------------------------- */

TEST(the_smaller_id_speaks_first_and_at_once_on_a_new_link)
{
    set_up();
    link_up(BIG);
    hear_digest(BIG, another_digest());
    CHECK_UINT(count_summaries(), 1);
    CHECK_UINT(only_action(MCPZ_ACTION_SEND)->send.peers->bytes[0], BIG);
    CHECK(!sent(MCPZ_MSG_SUMMARY)->summary.reply);
    CHECK(tells(MCPZ_FACT_DIFFERS, BIG));
    link_up(9); /* it is the smaller one: it speaks */
    hear_digest(9, another_digest());
    CHECK_UINT(out.count, 0);
}

/* Who was late has slept: what it holds is old, and it would not answer in time. */
TEST(who_does_not_keep_up_is_asked_when_it_does)
{
    set_up();
    link_up(BIG);
    struct mcpz_linked *link = &links.links[links.count - 1];
    CHECK_UINT(link->id.bytes[0], BIG);
    link->tardy = true;
    for (size_t i = 0; i < 10; i++) {
        hear_digest(BIG, another_digest());
        CHECK_UINT(count_summaries(), 0);
    }
    link->tardy = false;
    hear_digest(BIG, another_digest());
    CHECK_UINT(count_summaries(), 1);
}

TEST(the_greater_id_speaks_when_the_smaller_one_does_not)
{
    size_t heard = 0;

    set_up();
    link_up(9);
    do {
        CHECK(heard++ < 20);
        hear_digest(9, another_digest());
    } while (count_summaries() == 0);
    CHECK(heard > 1);
}

TEST(one_that_differs_may_have_crossed_a_broadcast)
{
    set_up();
    link_up(BIG);
    hear_digest(BIG, mcpz_members_digest(&members));
    hear_digest(BIG, another_digest());
    CHECK_UINT(out.count, 0);
    hear_digest(BIG, mcpz_members_digest(&members));
    hear_digest(BIG, another_digest());
    CHECK_UINT(out.count, 0); /* not in a row */
    hear_digest(BIG, another_digest());
    CHECK_UINT(count_summaries(), 1);
}

TEST(while_they_agree_nothing_is_said)
{
    set_up();
    link_up(BIG);
    for (size_t i = 0; i < 10; i++) {
        hear_digest(BIG, mcpz_members_digest(&members));
        CHECK_UINT(out.count, 0);
    }
}

TEST(nobody_is_asked_again_and_again)
{
    size_t count = 0;

    set_up();
    link_up(BIG);
    for (size_t i = 0; i < 100; i++) {
        hear_digest(BIG, another_digest());
        count += count_summaries();
    }
    CHECK_UINT(count, 1);
    hear_summary(BIG, true, NULL, 0);
    now += MCPZ_MS(1500) - 1;
    hear_digest(BIG, another_digest());
    CHECK_UINT(count_summaries(), 0);
    now += 1;
    for (size_t i = 0; i < 10; i++) {
        hear_digest(BIG, another_digest());
        count += count_summaries();
    }
    CHECK_UINT(count, 2);
}

TEST(who_does_not_answer_is_not_asked_again_until_it_is_linked_anew)
{
    size_t count = 0;

    set_up();
    link_up(BIG);
    hear_digest(BIG, another_digest());
    CHECK_UINT(count_summaries(), 1);
    now += MCPZ_SECONDS(30) - 1;
    for (size_t i = 0; i < 10; i++) {
        hear_digest(BIG, another_digest());
        count += count_summaries();
    }
    CHECK_UINT(count, 0);
    link_up(BIG);
    hear_digest(BIG, another_digest());
    CHECK_UINT(count_summaries(), 1);
    now += MCPZ_SECONDS(30); /* for all that, not for ever */
    for (size_t i = 0; i < 10; i++) {
        hear_digest(BIG, another_digest());
        count += count_summaries();
    }
    CHECK_UINT(count, 1);
}

TEST(who_has_just_woken_compares_nothing)
{
    set_up();
    link_up(BIG);
    stand_still();
    for (size_t i = 0; i < 10; i++) {
        hear_digest(BIG, another_digest()); /* it has waited for us: it is old */
        CHECK_UINT(out.count, 0);
    }
    be_awake_for_long();
    hear_digest(BIG, another_digest());
    CHECK_UINT(count_summaries(), 1);
}

TEST(more_peers_than_are_kept_in_mind_do_no_harm)
{
    set_up();
    for (uint8_t i = 0; i < 2 * MCPZ_COMPARISONS_MAX; i++) {
        fact(MCPZ_FACT_LINKED, (uint8_t)(BIG + i % 50), 0);
        hear_digest((uint8_t)(BIG + i % 50), another_digest());
        CHECK_UINT(count_summaries(), 1);
        now += 1;
    }
}

TEST(what_is_held_above_us_is_part_of_it)
{
    set_up();
    uint32_t before = mcpz_members_digest(&members);
    members.other_digest ^= 5;
    CHECK(mcpz_members_digest(&members) != before);
}

/* ---- What --------------------------------------------------------------------------------- */

TEST(a_summary_says_how_far_along_each_row_is)
{
    size_t gone = 0;

    set_up();
    tell_adjacency_of(4, 3, 5, 0, 0);
    hear_all(death(5, 1));
    link_up(BIG);
    hear_digest(BIG, another_digest());
    const struct mcpz_msg_summary *said = &sent(MCPZ_MSG_SUMMARY)->summary;
    CHECK_UINT(said->what, MCPZ_SUMMARY_MEMBERS);
    CHECK_UINT(said->row_count, members.roster.count);
    for (size_t i = 0; i < said->row_count; i++) {
        const struct mcpz_member *row = &members.roster.rows[i];
        CHECK_UINT(said->rows[i].key, mcpz_roster_key(&row->id));
        CHECK_UINT(said->rows[i].incarnation, row->incarnation);
        CHECK_UINT(said->rows[i].version, row->adjacency_version);
        CHECK(said->rows[i].gone == (row == row_of(5)));
        gone += said->rows[i].gone;
    }
    CHECK_UINT(gone, 1);
}

TEST(a_summary_is_answered_with_one_unless_it_is_the_answer)
{
    set_up();
    hear_summary(1, false, NULL, 0);
    CHECK_UINT(count_summaries(), 1);
    CHECK(sent(MCPZ_MSG_SUMMARY)->summary.reply);
    hear_summary(1, true, NULL, 0);
    CHECK_UINT(count_summaries(), 0);
}

TEST(a_summary_of_something_else_is_not_ours)
{
    set_up();
    hear(1, (struct mcpz_msg){.kind = MCPZ_MSG_SUMMARY,
                              .summary = {.what = MCPZ_SUMMARY_CAPABILITIES}});
    CHECK_UINT(out.count, 0);
}

/* What is sent to somebody who says this of 4, of whom we know `ours` at incarnation 5. */
static struct mcpz_msg answer_about(enum mcpz_member_state ours,
                                    const struct mcpz_summary_row *theirs)
{
    struct mcpz_summary_row rows[16];
    size_t count = 0;

    set_up();
    hear_all(news(4, 5, MCPZ_MEMBER_ALIVE));
    if (ours == MCPZ_MEMBER_DEAD) {
        hear_all(death(4, 5));
    } else if (ours == MCPZ_MEMBER_LEFT) {
        hear_all(news(4, 5, MCPZ_MEMBER_LEFT));
    }
    for (size_t i = 0; i < members.roster.count; i++) {
        const struct mcpz_member *row = &members.roster.rows[i];
        if (row != row_of(4)) {
            rows[count++] = (struct mcpz_summary_row){.key = mcpz_roster_key(&row->id),
                                                      .incarnation = row->incarnation,
                                                      .version = row->adjacency_version};
        }
    }
    if (theirs != NULL) {
        rows[count] = *theirs;
        rows[count++].key = mcpz_roster_key(&row_of(4)->id);
    }
    hear_summary(1, true, rows, count);
    CHECK(out.count <= 1);
    return out.count > 0 ? out.actions[0].send.msg : (struct mcpz_msg){.kind = 0};
}

TEST(what_they_lack_is_sent)
{
    const enum mcpz_member_state alive = MCPZ_MEMBER_ALIVE;
    const enum mcpz_member_state dead = MCPZ_MEMBER_DEAD;
    const enum mcpz_member_state left = MCPZ_MEMBER_LEFT;
    const struct {
        enum mcpz_member_state ours;
        uint64_t theirs; /* 0: they do not know it */
        bool gone;
        int answer; /* 0: nothing */
    } table[] = {
        {alive, 0, false, MCPZ_MSG_MEMBER},
        {alive, 4, false, MCPZ_MSG_MEMBER},
        {alive, 4, true, MCPZ_MSG_MEMBER},
        {alive, 5, false, 0},
        {alive, 5, true, 0},
        {alive, 6, false, 0},
        {dead, 0, false, 0},
        {dead, 4, false, MCPZ_MSG_DEAD},
        {dead, 5, false, MCPZ_MSG_DEAD},
        {dead, 6, false, 0},
        {dead, 5, true, 0},
        {left, 0, false, 0},
        {left, 4, false, MCPZ_MSG_MEMBER},
        {left, 5, false, MCPZ_MSG_MEMBER},
        {left, 5, true, 0},
        {left, 6, false, 0},
    };

    for (size_t i = 0; i < MCPZ_ARRAY_LEN(table); i++) {
        const struct mcpz_summary_row row = {.incarnation = table[i].theirs,
                                             .gone = table[i].gone};
        struct mcpz_msg answer = answer_about(table[i].ours, table[i].theirs > 0 ? &row : NULL);
        if ((int)answer.kind != table[i].answer) {
            print_error("row %zu\n", i);
        }
        CHECK_UINT(answer.kind, table[i].answer);
        CHECK(answer.kind != MCPZ_MSG_MEMBER || answer.member.incarnation == 5);
        CHECK(answer.kind != MCPZ_MSG_DEAD || answer.dead.incarnation == 5);
    }
}

TEST(news_of_neighbours_is_compared_too)
{
    struct mcpz_summary_row row = {.incarnation = 1};
    const struct mcpz_id four = node(4);

    row.key = mcpz_roster_key(&four);
    set_up();
    tell_adjacency_of(4, 3, 5, 6, 0);
    for (uint32_t version = 2; version <= 4; version++) {
        row.version = version;
        hear_summary(1, true, &row, 1);
        size_t count = count_said(MCPZ_ACTION_SEND, MCPZ_MSG_ADJACENCY);
        /* Our own row is not in theirs, so ours goes along. */
        CHECK_UINT(count, version < 3 ? 2 : 1);
    }
    row.incarnation = 0; /* who has missed a refutation has missed nothing else by that */
    row.version = 3;
    hear_summary(1, true, &row, 1);
    CHECK_UINT(count_said(MCPZ_ACTION_SEND, MCPZ_MSG_ADJACENCY), 1);
}

TEST(so_much_is_sent_at_once_and_no_more)
{
    const uint16_t count = 2 * MCPZ_ROWS_PER_SUMMARY_MAX;

    set_up_as((struct mcpz_members_config){.rows_max = 1024, .text_bytes = 65536});
    for (uint16_t i = 0; i < count; i++) {
        struct mcpz_msg one = news(0, 1, MCPZ_MEMBER_ALIVE);
        one.member.id.bytes[2] = (uint8_t)(i >> 8);
        one.member.id.bytes[3] = (uint8_t)(1 + i);
        one.member.id.bytes[4] = 9;
        hear_all(one);
    }
    CHECK_UINT(members.roster.count, count + 1);
    hear_summary(1, false, NULL, 0);
    CHECK(count_said(MCPZ_ACTION_SEND, MCPZ_MSG_MEMBER) > 0);
    CHECK(count_said(MCPZ_ACTION_SEND, MCPZ_MSG_MEMBER) <= MCPZ_ROWS_PER_SUMMARY_MAX + 1);
    CHECK_UINT(sent(MCPZ_MSG_SUMMARY)->summary.row_count, count + 1);
}

/* ---- Both ends ---------------------------------------------------------------------------- */

#define TABLES 2

static struct mcpz_members tables[TABLES];

static void set_up_table(size_t at)
{
    static _Alignas(16) uint8_t memory[TABLES][32768];
    const struct mcpz_members_config config = {.id = node((uint8_t)(1 + at)),
                                               .incarnation = 1,
                                               .rows_max = 32,
                                               .text_bytes = 8192,
                                               .suspicions_max = 8};
    struct mcpz_arena arena;

    CHECK(mcpz_members_bytes(&config) <= sizeof(memory[at]));
    mcpz_arena_init(&arena, memory[at], sizeof(memory[at]));
    mcpz_members_init(&tables[at], &config, &timing, &arena, at, now);
}

/* `at` takes in a message from the other, which takes in what `at` has to say to that, and so on
 * to the end. Returns how many messages it took. */
static size_t converse(size_t at, const struct mcpz_msg *msg, bool gossip, size_t depth)
{
    static struct mcpz_outbox boxes[8];
    size_t count = 1;

    CHECK(depth < MCPZ_ARRAY_LEN(boxes)); /* it comes to an end */
    const struct mcpz_event event = {
        .kind = MCPZ_EVENT_RECV,
        .recv = {.from = node((uint8_t)(2 - at)), .msg = msg, .gossip = gossip}};
    mcpz_outbox_init(&boxes[depth]);
    mcpz_members_step(&tables[at], &links, now, &event, &boxes[depth]);
    for (size_t i = 0; i < boxes[depth].count; i++) {
        const struct mcpz_action *action = &boxes[depth].actions[i];
        if (action->kind == MCPZ_ACTION_SEND) {
            count += converse(1 - at, &action->send.msg, false, depth + 1);
        }
    }
    return count;
}

static size_t beat(size_t from)
{
    const struct mcpz_msg ping = {.kind = MCPZ_MSG_PING,
                                  .ping = {.digest = mcpz_members_digest(&tables[from])}};
    return converse(1 - from, &ping, false, 0);
}

static void tell_one(size_t at, const struct mcpz_msg *msg)
{
    (void)converse(at, msg, true, 0);
}

TEST(two_tables_that_differ_become_alike)
{
    struct mcpz_rng rng;

    for (uint64_t seed = 1; seed <= 200; seed++) {
        set_up_as((struct mcpz_members_config){0});
        mcpz_rng_init(&rng, seed);
        for (size_t i = 0; i < TABLES; i++) {
            set_up_table(i);
        }
        for (size_t i = 0; i < 40; i++) { /* each hears some of it */
            const struct mcpz_short peers[] = {name_of(50)};
            uint8_t about = (uint8_t)(10 + mcpz_rng_below(&rng, 12));
            uint64_t incarnation = 1 + mcpz_rng_below(&rng, 3);
            bool left = mcpz_rng_below(&rng, 10) == 0;
            struct mcpz_msg msg =
                news(about, incarnation, left ? MCPZ_MEMBER_LEFT : MCPZ_MEMBER_ALIVE);
            if (mcpz_rng_below(&rng, 3) == 0) {
                msg = (struct mcpz_msg){.kind = MCPZ_MSG_ADJACENCY,
                                        .adjacency = {.id = node(about),
                                                      .incarnation = incarnation,
                                                      .version = 1 + mcpz_rng_below(&rng, 3),
                                                      .peers = peers,
                                                      .peer_count = 1}};
            }
            tell_one(mcpz_rng_below(&rng, TABLES), &msg);
        }
        for (size_t i = 0; i < 10; i++) {
            now += MCPZ_SECONDS(2);
            (void)beat(0);
            (void)beat(1);
        }
        CHECK_UINT(mcpz_members_digest(&tables[0]), mcpz_members_digest(&tables[1]));
        for (size_t i = 0; i < tables[0].roster.count; i++) {
            const struct mcpz_member *row = &tables[0].roster.rows[i];
            const struct mcpz_member *same = mcpz_members_find(&tables[1], &row->id);
            CHECK(mcpz_member_is_gone(row) || same != NULL);
            CHECK(mcpz_member_is_gone(row) || same->incarnation == row->incarnation);
        }
        CHECK_UINT(beat(0), 1); /* there is nothing more to say */
        CHECK_UINT(beat(1), 1);
    }
}

TEST_MAIN(RUN(the_smaller_id_speaks_first_and_at_once_on_a_new_link),
          RUN(who_does_not_keep_up_is_asked_when_it_does),
          RUN(the_greater_id_speaks_when_the_smaller_one_does_not),
          RUN(one_that_differs_may_have_crossed_a_broadcast),
          RUN(while_they_agree_nothing_is_said), RUN(nobody_is_asked_again_and_again),
          RUN(who_does_not_answer_is_not_asked_again_until_it_is_linked_anew),
          RUN(who_has_just_woken_compares_nothing),
          RUN(more_peers_than_are_kept_in_mind_do_no_harm),
          RUN(what_is_held_above_us_is_part_of_it), RUN(a_summary_says_how_far_along_each_row_is),
          RUN(a_summary_is_answered_with_one_unless_it_is_the_answer),
          RUN(a_summary_of_something_else_is_not_ours), RUN(what_they_lack_is_sent),
          RUN(news_of_neighbours_is_compared_too), RUN(so_much_is_sent_at_once_and_no_more),
          RUN(two_tables_that_differ_become_alike))
