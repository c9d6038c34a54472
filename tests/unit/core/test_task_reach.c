/* Links to those who are to hear of tasks, where only they can begin one. */

#include "tasks_world.h"

#define ASK_US MCPZ_SECONDS(15)

static const struct mcpz_task_id theirs = {.bytes = {7}};

static void link_down(const struct mcpz_id *id)
{
    struct mcpz_event down = {.kind = MCPZ_EVENT_LINK_DOWN, .link = {.peer = *id}};
    (void)mcpz_links_step(&fabric.links, 0, &down, &out);
}

/* A session with it is up. */
static void relay_to(const struct mcpz_id *peer)
{
    static struct mcpz_relay_session session;

    session = (struct mcpz_relay_session){.state = MCPZ_RELAY_UP, .peer = *peer};
    relay = (struct mcpz_relay){.config = {.sessions_max = 1}, .count = 1, .sessions = &session};
}

/* We keep a task for alice, to whom there is no link any more. */
static void keep_for_alice(void)
{
    with_alice();
    relay = (struct mcpz_relay){.count = 0};
    tick(1);
    receive(2, &alice,
            (struct mcpz_msg){.kind = MCPZ_MSG_TASK_KEEP,
                              .task_keep = {.id = theirs,
                                            .body = *body,
                                            .state = {.epoch = 1,
                                                      .revision = 1,
                                                      .owner = alice,
                                                      .backup = self,
                                                      .phase = MCPZ_TASK_QUEUED}}});
    CHECK_UINT(only_action(MCPZ_ACTION_SEND)->send.msg.kind, MCPZ_MSG_TASK_KEPT);
    link_down(&alice);
}

/* The next look at all tasks, at `from` or later. */
static mcpz_time sweep_from(mcpz_time from)
{
    for (mcpz_time now = from; now < from + MCPZ_SECONDS(60); now += MCPZ_MS(10)) {
        tick(now);
        if (count_actions(MCPZ_ACTION_REACH) > 0) {
            return now;
        }
    }
    fail_msg("it is looked at no more");
    return 0;
}

static void check_asked(const struct mcpz_id *peer)
{
    const struct mcpz_action *send = only_action(MCPZ_ACTION_SEND);

    CHECK_UINT(send->send.msg.kind, MCPZ_MSG_TASK_CHECK);
    CHECK_UINT(send->send.peer_count, 1);
    CHECK(mcpz_id_equal(&send->send.peers[0], peer));
}

TEST(who_is_to_hear_is_dialled_and_asked_to_dial_when_there_is_a_session)
{
    keep_for_alice();
    mcpz_time now = sweep_from(3);
    const struct mcpz_action *reach = only_action(MCPZ_ACTION_REACH);
    CHECK(mcpz_id_equal(&reach->reach.peer, &alice));
    CHECK(reach->reach.or_relay);
    CHECK_UINT(count_actions(MCPZ_ACTION_SEND), 0); /* it would reach nobody */
    tell(now + 1, MCPZ_FACT_RELAYED, &bob);         /* for calls */
    CHECK_UINT(count_actions(MCPZ_ACTION_SEND), 0);
    tell(now + 2, MCPZ_FACT_RELAYED, &alice);
    check_asked(&alice);
    fake_store_finish(&store);
}

TEST(over_a_session_that_stands_it_is_asked_at_once_and_not_too_often)
{
    keep_for_alice();
    relay_to(&alice);
    mcpz_time now = sweep_from(3);
    check_asked(&alice);
    receive(now + 1, &bob, (struct mcpz_msg){.kind = MCPZ_MSG_TASK_CHECK}); /* not linked */
    CHECK_UINT(count_actions(MCPZ_ACTION_SEND), 0);
    tell(now + ASK_US - 1, MCPZ_FACT_DEAD, &bob); /* all tasks are looked at soon */
    (void)sweep_from(now + ASK_US);
    check_asked(&alice);
    fake_store_finish(&store);
}

TEST(with_a_link_a_session_that_comes_up_is_no_reason_to_ask)
{
    keep_for_alice();
    mcpz_time now = sweep_from(3);
    link_up(&alice);
    tell(now + 1, MCPZ_FACT_RELAYED, &alice);
    CHECK_UINT(count_actions(MCPZ_ACTION_SEND), 0);
    fake_store_finish(&store);
}

TEST(who_is_asked_dials_if_it_is_a_member_that_asks)
{
    const struct mcpz_msg asks = {.kind = MCPZ_MSG_TASK_CHECK};

    keep_for_alice();
    receive(3, &alice, asks);
    CHECK(mcpz_id_equal(&only_action(MCPZ_ACTION_REACH)->reach.peer, &alice));
    CHECK_UINT(count_actions(MCPZ_ACTION_SEND), 0);
    receive(4, &bob, asks); /* never heard of */
    CHECK_UINT(count_actions(MCPZ_ACTION_REACH), 0);
    member(&alice)->state = MCPZ_MEMBER_DEAD;
    receive(5, &alice, asks);
    CHECK_UINT(count_actions(MCPZ_ACTION_REACH), 0);
    fake_store_finish(&store);
}

TEST_MAIN(RUN(who_is_to_hear_is_dialled_and_asked_to_dial_when_there_is_a_session),
          RUN(over_a_session_that_stands_it_is_asked_at_once_and_not_too_often),
          RUN(with_a_link_a_session_that_comes_up_is_no_reason_to_ask),
          RUN(who_is_asked_dials_if_it_is_a_member_that_asks))
