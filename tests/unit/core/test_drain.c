#include "core.h"
#include "core/drain.h"

static struct mcpz_drain drain;
static struct mcpz_links links;
static struct mcpz_linked rows[2];
static struct mcpz_calls calls;
static struct mcpz_drain_sight sight;

#define DIGEST 7

static void set_up(size_t link_count)
{
    mcpz_outbox_init(&out);
    mcpz_drain_init(&drain, &self);
    calls = (struct mcpz_calls){.provider = {.table = {.count = 0}}};
    rows[0] = (struct mcpz_linked){.id = alice};
    rows[1] = (struct mcpz_linked){.id = bob};
    links = (struct mcpz_links){.links = rows, .count = link_count};
    sight = (struct mcpz_drain_sight){
        .links = &links, .calls = &calls, .digest = DIGEST, .offers = true};
}

static void step(mcpz_time now, struct mcpz_event event)
{
    mcpz_outbox_clear(&out);
    mcpz_drain_step(&drain, &sight, now, &event, &out);
}

static void order(mcpz_time now, uint64_t request)
{
    step(now, (struct mcpz_event){
                  .kind = MCPZ_EVENT_DRAIN,
                  .drain = {.request = request, .timeout_ms = 10000, .announce_ms = 1000},
              });
}

static void tick(mcpz_time now)
{
    step(now, (struct mcpz_event){.kind = MCPZ_EVENT_TICK});
}

static void ping(mcpz_time now, const struct mcpz_id *from, uint32_t digest)
{
    const struct mcpz_msg msg = {.kind = MCPZ_MSG_PING, .ping = {.digest = digest}};
    step(now, (struct mcpz_event){.kind = MCPZ_EVENT_RECV, .recv = {.from = *from, .msg = &msg}});
}

TEST(it_is_drained_when_all_know_and_nothing_runs)
{
    set_up(2);
    order(5, 42);
    CHECK_UINT(drain.state, MCPZ_DRAIN_ANNOUNCING);
    ping(6, &alice, DIGEST);
    ping(7, &alice, DIGEST);
    CHECK_UINT(mcpz_drain_known(&drain, &links), 1);
    CHECK_UINT(drain.state, MCPZ_DRAIN_ANNOUNCING);
    calls.provider.table.count = 1;
    ping(8, &bob, DIGEST);
    CHECK_UINT(drain.state, MCPZ_DRAIN_FINISHING);
    tick(9);
    CHECK_UINT(out.count, 0);
    calls.provider.table.count = 0;
    calls.caller.table.count = 1; /* somebody here waits for a task done elsewhere */
    tick(10);
    CHECK_UINT(drain.state, MCPZ_DRAIN_FINISHING);
    calls.caller.table.count = 0;
    tick(11);
    CHECK_UINT(drain.state, MCPZ_DRAIN_DONE);
    CHECK(has_fact(MCPZ_FACT_DRAINED, &self));
    CHECK_UINT(only_action(MCPZ_ACTION_REPLY)->reply.request, 42);
    CHECK_UINT(only_action(MCPZ_ACTION_REPLY)->reply.code, MCPZ_CODE_OK);
    tick(12);
    CHECK_UINT(out.count, 0); /* it is said once */
}

TEST(whoever_holds_something_else_for_true_does_not_know)
{
    set_up(1);
    order(5, 0);
    ping(6, &alice, DIGEST + 1);
    CHECK_UINT(drain.state, MCPZ_DRAIN_ANNOUNCING);
    CHECK_UINT(mcpz_drain_deadline(&drain), 5 + MCPZ_MS(1000));
    tick(4 + MCPZ_MS(1000));
    CHECK_UINT(drain.state, MCPZ_DRAIN_ANNOUNCING);
    tick(5 + MCPZ_MS(1000));
    CHECK_UINT(drain.state, MCPZ_DRAIN_DONE);
}

TEST(who_has_gone_need_not_know)
{
    set_up(2);
    order(5, 0);
    ping(6, &alice, DIGEST);
    links.count = 1;
    tick(7);
    CHECK_UINT(drain.state, MCPZ_DRAIN_DONE);
}

TEST(where_nobody_misses_anything_nobody_is_waited_for)
{
    set_up(0);
    order(5, 0);
    CHECK(mcpz_drain_deadline(&drain) <= 5);
    tick(5);
    CHECK_UINT(drain.state, MCPZ_DRAIN_DONE);

    set_up(2);
    sight.offers = false;
    order(5, 0);
    tick(5);
    CHECK_UINT(drain.state, MCPZ_DRAIN_DONE);
}

TEST(what_does_not_end_is_not_waited_for_longer_than_asked)
{
    set_up(0);
    calls.provider.table.count = 1;
    order(5, 42);
    tick(6);
    CHECK_UINT(mcpz_drain_deadline(&drain), 5 + MCPZ_SECONDS(10));
    tick(4 + MCPZ_SECONDS(10));
    CHECK_UINT(drain.state, MCPZ_DRAIN_FINISHING);
    tick(5 + MCPZ_SECONDS(10));
    CHECK_UINT(drain.state, MCPZ_DRAIN_DONE);
    CHECK_UINT(only_action(MCPZ_ACTION_REPLY)->reply.code, MCPZ_CODE_TIMEOUT);
    CHECK_UINT(mcpz_drain_deadline(&drain), MCPZ_TIME_NEVER);
}

TEST(it_can_be_taken_back_and_whoever_waits_is_told)
{
    set_up(0);
    calls.provider.table.count = 1;
    order(5, 42);
    tick(6);
    step(7, (struct mcpz_event){.kind = MCPZ_EVENT_RESUME});
    CHECK_UINT(drain.state, MCPZ_DRAIN_NONE);
    CHECK_UINT(only_action(MCPZ_ACTION_REPLY)->reply.code, MCPZ_CODE_CANCELLED);
    CHECK_UINT(mcpz_drain_deadline(&drain), MCPZ_TIME_NEVER);
}

TEST(said_again_it_goes_by_what_was_said_last)
{
    set_up(0);
    calls.provider.table.count = 1;
    order(5, 42);
    order(MCPZ_SECONDS(5), 43);
    CHECK_UINT(only_action(MCPZ_ACTION_REPLY)->reply.request, 42);
    CHECK_UINT(only_action(MCPZ_ACTION_REPLY)->reply.code, MCPZ_CODE_CANCELLED);
    tick(MCPZ_SECONDS(5));
    CHECK_UINT(mcpz_drain_deadline(&drain), MCPZ_SECONDS(15));
}

TEST(each_state_has_a_word)
{
    CHECK_TEXT(mcpz_drain_word(MCPZ_DRAIN_NONE), "serving");
    CHECK_TEXT(mcpz_drain_word(MCPZ_DRAIN_ANNOUNCING), "announcing");
    CHECK_TEXT(mcpz_drain_word(MCPZ_DRAIN_FINISHING), "finishing");
    CHECK_TEXT(mcpz_drain_word(MCPZ_DRAIN_DONE), "drained");
}

TEST_MAIN(RUN(it_is_drained_when_all_know_and_nothing_runs),
          RUN(whoever_holds_something_else_for_true_does_not_know),
          RUN(who_has_gone_need_not_know), RUN(where_nobody_misses_anything_nobody_is_waited_for),
          RUN(what_does_not_end_is_not_waited_for_longer_than_asked),
          RUN(it_can_be_taken_back_and_whoever_waits_is_told),
          RUN(said_again_it_goes_by_what_was_said_last), RUN(each_state_has_a_word))
