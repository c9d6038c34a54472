/* Reads of what a quorum of owners has: whom they wait for, what they fetch, whom they repair. */

#include "core/keeping/reads.h"
#include "keeping_world.h"

/* The other two owners of the document that is read. */
static size_t others[2];
static struct mcpz_id document;

static void set_up(uint64_t seq)
{
    size_t count = 0;

    keeping_set_up();
    document = document_with(1, 1);
    keep_document(&document, seq);
    for (size_t i = 1; i < KEEPERS; i++) {
        if (mcpz_layouts_keeps(&layouts, keeper(i), &document)) {
            CHECK(count < 2);
            others[count++] = i;
        }
    }
    CHECK_UINT(count, 2);
}

static void read_it(uint64_t request)
{
    step((struct mcpz_event){
        .kind = MCPZ_EVENT_AGENT_READ,
        .agent = {.request = request, .document = document, .ack_timeout_ms = 2000}});
}

/* One says how far along it is: so many writes of the actor, and so many of another one. */
static void say(size_t from, uint64_t nonce, uint64_t seq, uint64_t other_seq)
{
    const struct mcpz_version versions[] = {version_of('v', other_seq), version_of('w', seq)};
    const size_t skip = other_seq == 0 ? 1 : 0;
    const struct mcpz_msg msg = {.kind = MCPZ_MSG_READING,
                                 .reading = {.nonce = nonce,
                                             .document = document,
                                             .versions = versions + skip,
                                             .version_count = 2 - skip}};

    hear(from, &msg);
}

TEST(two_of_three_that_have_the_same_are_enough)
{
    set_up(3);
    link_with(others[0]);
    read_it(7);
    const struct mcpz_msg *msg = NULL;
    CHECK_UINT(count_sent(others[0], MCPZ_MSG_READ, &msg), 1);
    CHECK_UINT(msg->read.nonce, 7);
    CHECK_UINT(count_actions(MCPZ_ACTION_REACH), 1); /* the other one */
    CHECK_UINT(count_actions(MCPZ_ACTION_REPLY), 0);
    say(others[0], 7, 3, 0);
    const struct mcpz_action *reply = only_action(MCPZ_ACTION_REPLY);
    CHECK_UINT(reply->reply.request, 7);
    CHECK_UINT(reply->reply.code, MCPZ_CODE_OK);
    CHECK_UINT(reply->reply.copies, 2);
    CHECK_UINT(reply->reply.copies_wanted, 2);
    CHECK(reply->durable);
    CHECK_UINT(count_actions(MCPZ_ACTION_SEND), 0); /* nobody is behind */
    CHECK_UINT(keeping.reads.count, 0);
    keeping_tear_down();
}

TEST(what_another_has_is_fetched_before_it_counts)
{
    set_up(3);
    link_with(others[0]);
    read_it(7);
    say(others[0], 7, 4, 0);
    CHECK_UINT(count_actions(MCPZ_ACTION_REPLY), 0);
    CHECK_UINT(count_sent(others[0], MCPZ_MSG_WANT, NULL), 1);
    CHECK_UINT(count_sent(others[0], MCPZ_MSG_READ, NULL), 1); /* behind it */
    CHECK(out.actions[out.count - 1].send.msg.kind == MCPZ_MSG_READ);
    keep_document(&document, 4); /* it has come */
    say(others[0], 7, 4, 0);
    CHECK_UINT(only_action(MCPZ_ACTION_REPLY)->reply.code, MCPZ_CODE_OK);
    keeping_tear_down();
}

TEST(who_is_behind_is_offered_what_it_lacks)
{
    set_up(3);
    link_with(others[0]);
    read_it(7);
    say(others[0], 7, 2, 0);
    CHECK_UINT(only_action(MCPZ_ACTION_REPLY)->reply.code, MCPZ_CODE_OK);
    const struct mcpz_msg *msg = NULL;
    CHECK_UINT(count_sent(others[0], MCPZ_MSG_HANDOVER, &msg), 1);
    CHECK_UINT(msg->handover.versions[0].seq, 3);
    CHECK_UINT(keeping.reads.repairs, 1);
    keeping_tear_down();
}

TEST(an_answer_of_before_says_nothing)
{
    set_up(3);
    link_with(others[0]);
    read_it(7);
    say(others[0], 6, 3, 0);
    say(others[0], 0, 3, 0);
    CHECK_UINT(keeping.reads.count, 1);
    size_t stranger = 1;
    while (stranger == others[0] || stranger == others[1]) {
        stranger++;
    }
    say(stranger, 7, 3, 0); /* nor does one that does not keep it */
    CHECK_UINT(keeping.reads.count, 1);
    say(others[0], 7, 3, 0);
    CHECK_UINT(keeping.reads.count, 0);
    keeping_tear_down();
}

TEST(one_owner_is_counted_once)
{
    set_up(3);
    world.placement.copies = 4;
    world.placement.version = 2;
    apply_layout(2);
    sync_all_of(2); /* all four, three are a quorum */
    link_with(1);
    link_with(2);
    read_it(7);
    say(1, 7, 3, 0);
    say(1, 7, 3, 0);
    CHECK_UINT(keeping.reads.count, 1);
    say(2, 7, 3, 0);
    CHECK_UINT(only_action(MCPZ_ACTION_REPLY)->reply.copies, 3);
    keeping_tear_down();
}

TEST(who_is_silent_is_asked_again_until_the_time_is_over)
{
    set_up(3);
    link_with(others[0]);
    read_it(7);
    tick(MCPZ_READ_AGAIN_US);
    CHECK_UINT(count_sent(others[0], MCPZ_MSG_READ, NULL), 1);
    link_with(others[1]);
    tick(MCPZ_READ_AGAIN_US);
    CHECK_UINT(count_sent(others[1], MCPZ_MSG_READ, NULL), 1);
    tick(MCPZ_SECONDS(2));
    const struct mcpz_action *reply = only_action(MCPZ_ACTION_REPLY);
    CHECK_UINT(reply->reply.code, MCPZ_CODE_TIMEOUT);
    CHECK_UINT(reply->reply.copies, 1);
    CHECK_UINT(reply->reply.copies_wanted, 2);
    CHECK_UINT(keeping.reads.late, 1);
    say(others[0], 7, 3, 0);
    CHECK_UINT(count_actions(MCPZ_ACTION_REPLY), 0);
    keeping_tear_down();
}

TEST(one_that_asks_for_ever_is_not_answered_for_ever)
{
    set_up(3);
    link_with(others[0]);
    read_it(7);
    for (int i = 0; i < MCPZ_READ_QUICK_MAX; i++) {
        say(others[0], 7, 4, 0);
        CHECK_UINT(count_sent(others[0], MCPZ_MSG_WANT, NULL), 1);
    }
    say(others[0], 7, 4, 0);
    CHECK_UINT(count_sent(others[0], MCPZ_MSG_WANT, NULL), 0);
    keeping_tear_down();
}

TEST(so_many_reads_wait_at_one_time)
{
    set_up(3);
    for (uint64_t i = 1; i <= MCPZ_READS_MAX; i++) {
        read_it(i);
        CHECK_UINT(count_actions(MCPZ_ACTION_REPLY), 0);
    }
    read_it(1000);
    CHECK_UINT(only_action(MCPZ_ACTION_REPLY)->reply.code, MCPZ_CODE_BUSY);
    CHECK_UINT(keeping.reads.too_many, 1);
    keeping_tear_down();
}

TEST(an_owner_says_how_far_along_it_is_and_nobody_else_does)
{
    set_up(3);
    const struct mcpz_id foreign = document_of_others(1);
    struct mcpz_msg msg = {.kind = MCPZ_MSG_READ, .read = {.nonce = 9, .document = document}};
    const struct mcpz_msg *said = NULL;
    link_with(1);
    hear(1, &msg);
    CHECK_UINT(count_sent(1, MCPZ_MSG_READING, &said), 1);
    CHECK_UINT(said->reading.nonce, 9);
    CHECK_UINT(said->reading.version_count, 1);
    CHECK_UINT(said->reading.versions[0].seq, 3);
    keep_document(&foreign, 5);
    msg.read.document = foreign;
    hear(1, &msg);
    CHECK_UINT(count_sent(1, MCPZ_MSG_READING, NULL), 0);
    keeping_tear_down();
}

TEST(another_layout_has_other_owners)
{
    set_up(3);
    for (size_t i = 1; i < KEEPERS; i++) {
        link_with(i);
    }
    read_it(7);
    world.placement.copies = 1;
    apply_layout(2);
    sync_all_of(2);
    const struct mcpz_id *owner = NULL;
    struct mcpz_id owners[MCPZ_OWNERS_MAX];
    CHECK_UINT(mcpz_layouts_readers(&layouts, &document, owners), 1);
    owner = &owners[0];
    step((struct mcpz_event){.kind = MCPZ_EVENT_FACT, .fact = {.kind = MCPZ_FACT_LAYOUT}});
    for (size_t i = 1; i < KEEPERS; i++) {
        if (mcpz_id_equal(keeper(i), owner)) {
            CHECK_UINT(count_sent(i, MCPZ_MSG_READ, NULL), 1);
            say(i, 7, 3, 0);
        }
    }
    CHECK_UINT(keeping.reads.count, 0);
    keeping_tear_down();
}

/* Of a life that is over nothing is taken in: nobody says that it has what was written as it. */
TEST(what_a_closed_life_writes_is_not_vouched_for)
{
    for (int is_closed = 0; is_closed < 2; is_closed++) {
        set_up(3 | (is_closed ? MCPZ_SEQ_CLOSED : 0));
        link_with(others[0]);
        const struct mcpz_msg msg = {.kind = MCPZ_MSG_ACK_ASK,
                                     .ack_ask = {.document = document,
                                                 .actor = version_of('w', 1).actor,
                                                 .seq = 3,
                                                 .stamp = {.version = 1, .tag = 1}}};
        const struct mcpz_msg *answer = NULL;
        hear(others[0], &msg);
        CHECK_UINT(count_sent(others[0], MCPZ_MSG_ACK, &answer), is_closed ? 0 : 1);
        keeping_tear_down();
    }
}

TEST_MAIN(RUN(what_a_closed_life_writes_is_not_vouched_for),
          RUN(two_of_three_that_have_the_same_are_enough),
          RUN(what_another_has_is_fetched_before_it_counts),
          RUN(who_is_behind_is_offered_what_it_lacks), RUN(an_answer_of_before_says_nothing),
          RUN(one_owner_is_counted_once), RUN(who_is_silent_is_asked_again_until_the_time_is_over),
          RUN(one_that_asks_for_ever_is_not_answered_for_ever),
          RUN(so_many_reads_wait_at_one_time),
          RUN(an_owner_says_how_far_along_it_is_and_nobody_else_does),
          RUN(another_layout_has_other_owners))
