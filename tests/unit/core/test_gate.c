#include "base/rng.h"
#include "core/gate.h"
#include "test.h"

static struct mcpz_gate gate;
static struct mcpz_gate_config config;
static struct mcpz_gate_verdict verdict;
static mcpz_time now;

static const struct mcpz_id caller = {.bytes = {1, 2, 3}};

static void begin(void)
{
    static _Alignas(16) uint8_t memory[16384];
    struct mcpz_arena arena;

    CHECK(mcpz_gate_bytes(64) <= sizeof(memory));
    memset(memory, 0, sizeof(memory));
    mcpz_arena_init(&arena, memory, mcpz_gate_bytes(64));
    mcpz_gate_init(&gate, &config, 64, 9, &arena);
}

static void set_up(uint32_t hands)
{
    config = (struct mcpz_gate_config){.hands = hands};
    now = MCPZ_SECONDS(1000);
    begin();
    mcpz_gate_provide(&gate, mcpz_text("work"), true, 0);
}

/* What `ask` fills in where the test does not care. */
static struct mcpz_gate_request request(const char *tenant, uint32_t priority)
{
    return (struct mcpz_gate_request){
        .capability = mcpz_text("work"),
        .tenant = mcpz_text(tenant),
        .caller = &caller,
        .priority = priority,
        .deadline_us = now + MCPZ_SECONDS(30),
    };
}

static enum mcpz_gate_word ask_for(uint32_t handle, const struct mcpz_gate_request *wanted)
{
    mcpz_gate_ask(&gate, now, handle, wanted, &verdict);
    CHECK((verdict.word == MCPZ_GATE_REFUSE) == (gate.calls[handle].state == MCPZ_GATE_FREE));
    return verdict.word;
}

static enum mcpz_gate_word ask(uint32_t handle, const char *tenant, uint32_t priority)
{
    const struct mcpz_gate_request wanted = request(tenant, priority);
    return ask_for(handle, &wanted);
}

static uint32_t next(void)
{
    uint32_t handle;
    return mcpz_gate_next(&gate, now, &handle) ? handle : MCPZ_GATE_NOBODY;
}

/* A number of tasks one after another, each taking so long. */
static void learn(unsigned count, mcpz_time took_us)
{
    for (unsigned i = 0; i < count; i++) {
        CHECK_UINT(ask(0, "teacher", 100), MCPZ_GATE_START);
        now += took_us;
        mcpz_gate_end(&gate, now, 0, true);
    }
}

static uint32_t turns_away(const char *tenant)
{
    return mcpz_gate_turns_away(&gate, now, 0, mcpz_text(tenant), &caller);
}

TEST(it_tells_whose_calls_it_would_refuse_and_then_does)
{
    set_up(2);
    for (uint32_t i = 0; i < 3; i++) {
        CHECK_UINT(turns_away("a"), 0);
        CHECK(ask(i, "a", 50) != MCPZ_GATE_REFUSE);
    }
    CHECK_UINT(turns_away("a"), 0); /* there is room in the queue */
    CHECK_UINT(ask(3, "a", 50), MCPZ_GATE_WAIT);
    /* It is full: with what waits only the more important, and who has less of us, changes places.
     */
    const uint32_t class = mcpz_shed_class(50);
    CHECK_UINT(turns_away("a"), class);
    CHECK_UINT(mcpz_gate_turns_away_more(&gate, 0), class);
    CHECK_UINT(turns_away("b"), class + 1);
    CHECK_UINT(ask(4, "a", 50), MCPZ_GATE_REFUSE);
    CHECK_UINT(verdict.refusal.turns_away, class);
    CHECK_UINT(ask(4, "b", 50), MCPZ_GATE_WAIT);
    CHECK(verdict.pushed_out != MCPZ_GATE_NOBODY);
    CHECK_UINT(ask(5, "a", 75), MCPZ_GATE_WAIT);
    mcpz_gate_end(&gate, now, 0, true);
    CHECK_UINT(mcpz_gate_turns_away_more(&gate, 0), 0);
    mcpz_gate_spared(&gate, now, 7);
    CHECK_UINT(gate.counts.spared, 7);
}

/* ---- Starting and waiting ----------------------------------------------------------------- */

TEST(as_many_start_as_there_are_hands_and_the_rest_wait)
{
    set_up(2);
    CHECK_UINT(ask(0, "a", 50), MCPZ_GATE_START);
    CHECK_UINT(ask(1, "a", 50), MCPZ_GATE_START);
    CHECK_UINT(ask(2, "a", 50), MCPZ_GATE_WAIT);
    CHECK(mcpz_gate_waits(&gate, 2));
    CHECK_UINT(next(), MCPZ_GATE_NOBODY);

    mcpz_gate_end(&gate, now, 1, true);
    CHECK_UINT(next(), 2);
    CHECK_UINT(next(), MCPZ_GATE_NOBODY);
    CHECK_UINT(mcpz_gate_running(&gate), 2);
}

TEST(no_more_wait_than_may_run)
{
    set_up(2);
    for (uint32_t i = 0; i < 4; i++) {
        CHECK(ask(i, "a", 50) != MCPZ_GATE_REFUSE);
    }
    CHECK_UINT(ask(4, "a", 50), MCPZ_GATE_REFUSE);
    CHECK_UINT(verdict.refusal.code, MCPZ_CODE_OVERLOADED);
    CHECK(verdict.refusal.retry_after_ms > 0);
    CHECK_UINT(gate.counts.queue_full, 1);
}

TEST(a_burst_is_not_an_overload)
{
    set_up(2);
    config.queue_min = 5;
    mcpz_gate_configure(&gate, &config, now);
    for (uint32_t i = 0; i < 7; i++) {
        CHECK(ask(i, "a", 50) != MCPZ_GATE_REFUSE);
    }
    CHECK_UINT(ask(7, "a", 50), MCPZ_GATE_REFUSE);
}

TEST(where_time_says_nothing_there_is_no_gradient)
{
    set_up(0);
    mcpz_gate_provide(&gate, mcpz_text("work"), false, MCPZ_RUNNING_UNBOUNDED);
    for (uint32_t i = 0; i < 2 * MCPZ_GRADIENT_INIT; i++) {
        CHECK_UINT(ask(i, "a", 50), MCPZ_GATE_START);
    }
}

TEST(without_hands_the_gradient_is_the_limit)
{
    set_up(0);
    for (uint32_t i = 0; i < 20; i++) {
        CHECK_UINT(ask(i, "a", 50), MCPZ_GATE_START);
    }
    CHECK_UINT(ask(20, "a", 50), MCPZ_GATE_WAIT);
}

TEST(a_bound_of_its_own_holds_for_a_lane)
{
    set_up(0);
    mcpz_gate_provide(&gate, mcpz_text("work"), false, 1);
    CHECK_UINT(ask(0, "a", 50), MCPZ_GATE_START);
    CHECK_UINT(ask(1, "a", 50), MCPZ_GATE_WAIT);
    CHECK_UINT(ask(2, "a", 50), MCPZ_GATE_REFUSE);
}

TEST(one_lane_leaves_hands_for_the_others)
{
    set_up(4);
    mcpz_gate_provide(&gate, mcpz_text("other"), true, 0);
    for (uint32_t i = 0; i < 6; i++) {
        CHECK_UINT(ask(i, "a", 50), i < 3 ? MCPZ_GATE_START : MCPZ_GATE_WAIT);
    }
    struct mcpz_gate_request wanted = request("b", 50);
    wanted.capability = mcpz_text("other");
    CHECK_UINT(ask_for(6, &wanted), MCPZ_GATE_START);

    mcpz_gate_withdraw(&gate, mcpz_text("other"));
    mcpz_gate_end(&gate, now, 6, true);
    CHECK_UINT(next(), 3);
}

TEST(the_important_start_first_and_take_the_place_of_others)
{
    set_up(2);
    for (uint32_t i = 0; i < 4; i++) {
        CHECK(ask(i, "a", 25) != MCPZ_GATE_REFUSE);
    }
    CHECK_UINT(ask(4, "b", 100), MCPZ_GATE_WAIT);
    CHECK_UINT(verdict.pushed_out, 3);
    CHECK_UINT(verdict.refusal.code, MCPZ_CODE_OVERLOADED);
    CHECK(verdict.refusal.retry_after_ms > 0);
    CHECK_UINT(gate.calls[3].state, MCPZ_GATE_FREE);

    mcpz_gate_end(&gate, now, 0, true);
    CHECK_UINT(next(), 4);
    mcpz_gate_end(&gate, now, 1, true);
    CHECK_UINT(next(), 2);
}

/* The one that has run longest, of the first 64. */
static uint32_t oldest_running(void)
{
    uint32_t oldest = MCPZ_GATE_NOBODY;

    for (uint32_t i = 0; i < 64; i++) {
        if (gate.calls[i].state == MCPZ_GATE_RUNNING &&
            (oldest == MCPZ_GATE_NOBODY || gate.calls[i].since_us < gate.calls[oldest].since_us)) {
            oldest = i;
        }
    }
    CHECK(oldest != MCPZ_GATE_NOBODY);
    return oldest;
}

/* One tenant fills everything, all the time; the other asks for a fifth of what there is. */
TEST(a_tenant_that_floods_does_not_starve_another)
{
    unsigned refused = 0;
    unsigned served = 0;
    bool quiet[64] = {false};

    set_up(4);
    for (unsigned turn = 0; turn < 2000; turn++) {
        for (uint32_t i = 0; i < 32; i++) {
            if (gate.calls[i].state == MCPZ_GATE_FREE) {
                (void)ask(i, "flood", 50);
                quiet[i] = false;
            }
        }
        if (turn % 5 == 0) {
            uint32_t handle = 32 + turn % 32;
            quiet[handle] = ask(handle, "quiet", 50) != MCPZ_GATE_REFUSE;
            refused += !quiet[handle];
        }
        now += MCPZ_MS(10);
        uint32_t oldest = oldest_running();
        served += quiet[oldest];
        quiet[oldest] = false;
        mcpz_gate_end(&gate, now, oldest, true);
        while (next() != MCPZ_GATE_NOBODY) {
        }
    }
    CHECK_UINT(refused, 0);
    CHECK(served >= 395);
}

/* ---- Rates -------------------------------------------------------------------------------- */

TEST(a_tenant_has_what_its_level_allows_and_is_told_when_to_come_back)
{
    config = (struct mcpz_gate_config){
        .level_default = MCPZ_LEVEL_ONYX,
        .tenants = {{.name = "big", .level = MCPZ_LEVEL_DIAMOND}},
        .tenant_count = 1,
    };
    now = MCPZ_SECONDS(1000);
    begin();
    mcpz_gate_provide(&gate, mcpz_text("work"), false, 0);

    for (int i = 0; i < 51; i++) {
        CHECK_UINT(ask(0, "small", 50), MCPZ_GATE_START);
        mcpz_gate_end(&gate, now, 0, true);
    }
    CHECK_UINT(ask(0, "small", 50), MCPZ_GATE_REFUSE);
    CHECK_UINT(verdict.refusal.code, MCPZ_CODE_RATE_LIMITED);
    CHECK_UINT(verdict.refusal.retry_after_ms, 120);
    CHECK_UINT(gate.counts.rate_limited, 1);
    for (int i = 0; i < 1000; i++) {
        CHECK_UINT(ask(0, "big", 50), MCPZ_GATE_START);
        mcpz_gate_end(&gate, now, 0, true);
    }

    now += MCPZ_MS(120);
    CHECK_UINT(ask(0, "small", 50), MCPZ_GATE_START);
}

TEST(one_server_may_send_so_much_whoever_it_says_it_is_for)
{
    config = (struct mcpz_gate_config){.server_per_second = 100};
    now = MCPZ_SECONDS(1000);
    begin();
    mcpz_gate_provide(&gate, mcpz_text("work"), false, 0);

    char tenant[8];
    for (int i = 0; i < 100; i++) {
        (void)snprintf(tenant, sizeof(tenant), "t%d", i);
        CHECK_UINT(ask(0, tenant, 50), MCPZ_GATE_START);
        mcpz_gate_end(&gate, now, 0, true);
    }
    CHECK_UINT(ask(0, "another", 50), MCPZ_GATE_REFUSE);
    CHECK_UINT(verdict.refusal.code, MCPZ_CODE_RATE_LIMITED);
    CHECK_UINT(verdict.refusal.retry_after_ms, 10);

    const struct mcpz_id other = {.bytes = {9}};
    struct mcpz_gate_request wanted = request("another", 50);
    wanted.caller = &other;
    CHECK_UINT(ask_for(0, &wanted), MCPZ_GATE_START);
}

TEST(our_own_calls_are_held_to_a_rate_only_for_a_tenant)
{
    config = (struct mcpz_gate_config){.server_per_second = 10, .level_default = MCPZ_LEVEL_ONYX};
    now = MCPZ_SECONDS(1000);
    begin();
    mcpz_gate_provide(&gate, mcpz_text("work"), false, 0);
    struct mcpz_gate_request wanted = request("", 50);
    wanted.is_own = true;
    for (int i = 0; i < 1000; i++) {
        CHECK_UINT(ask_for(0, &wanted), MCPZ_GATE_START);
        mcpz_gate_end(&gate, now, 0, true);
    }
    wanted.tenant = mcpz_text("a");
    size_t started = 0;
    for (; started < 1000 && ask_for(0, &wanted) == MCPZ_GATE_START; started++) {
        mcpz_gate_end(&gate, now, 0, true);
    }
    CHECK_UINT(started, mcpz_level_per_minute(MCPZ_LEVEL_ONYX) / 10 + 1); /* a level's burst */
    CHECK_UINT(gate.counts.rate_limited, 1);
    /* Another node without a tenant stands for itself, and is held as one. */
    wanted = request("", 50);
    CHECK_UINT(ask_for(0, &wanted), MCPZ_GATE_START);
    mcpz_gate_end(&gate, now, 0, true);
    for (started = 1; ask_for(0, &wanted) == MCPZ_GATE_START; started++) {
        mcpz_gate_end(&gate, now, 0, true);
    }
    CHECK_UINT(started, 10);
}

TEST(who_was_refused_for_another_reason_has_not_paid)
{
    set_up(1);
    config.level_default = MCPZ_LEVEL_ONYX;
    mcpz_gate_configure(&gate, &config, now);
    CHECK_UINT(ask(0, "a", 50), MCPZ_GATE_START);
    CHECK_UINT(ask(1, "a", 50), MCPZ_GATE_WAIT);
    for (int i = 0; i < 1000; i++) {
        CHECK_UINT(ask(2, "a", 50), MCPZ_GATE_REFUSE);
        CHECK_UINT(verdict.refusal.code, MCPZ_CODE_OVERLOADED);
    }
}

/* ---- Time --------------------------------------------------------------------------------- */

TEST(what_cannot_be_done_in_time_is_refused_at_once)
{
    set_up(2);
    learn(10, MCPZ_MS(200));
    CHECK_UINT(ask(0, "a", 50), MCPZ_GATE_START);

    struct mcpz_gate_request wanted = request("a", 50);
    wanted.deadline_us = now + MCPZ_MS(199);
    CHECK_UINT(ask_for(1, &wanted), MCPZ_GATE_REFUSE);
    CHECK_UINT(verdict.refusal.code, MCPZ_CODE_NO_TIME);
    CHECK(verdict.refusal.retry_after_ms > 0);
    wanted.deadline_us = now + MCPZ_MS(200);
    CHECK_UINT(ask_for(1, &wanted), MCPZ_GATE_START);

    /* Waiting would take 100 ms for each of two hands. */
    wanted.deadline_us = now + MCPZ_MS(299);
    CHECK_UINT(ask_for(2, &wanted), MCPZ_GATE_REFUSE);
    wanted.deadline_us = now + MCPZ_MS(300);
    CHECK_UINT(ask_for(2, &wanted), MCPZ_GATE_WAIT);
}

/* Else one bad hour would make us refuse for ever. */
TEST(an_estimate_that_is_wrong_does_not_stay_so)
{
    set_up(2);
    learn(MCPZ_RECENT_MAX, MCPZ_SECONDS(20));

    for (unsigned i = 0; i < MCPZ_RECENT_MAX; i++) {
        struct mcpz_gate_request wanted = request("a", 50);
        wanted.deadline_us = now + MCPZ_MS(100);
        CHECK_UINT(ask_for(0, &wanted), MCPZ_GATE_START);
        now += MCPZ_MS(10);
        mcpz_gate_end(&gate, now, 0, true);
    }
    CHECK_UINT(mcpz_recent_median(&gate.lanes[0].recent, now), MCPZ_MS(10));
}

TEST(who_has_waited_too_long_is_told_while_there_is_time)
{
    uint32_t handle;
    struct mcpz_gate_refusal refusal;

    set_up(1);
    learn(10, MCPZ_MS(100));
    CHECK_UINT(ask(0, "a", 50), MCPZ_GATE_START);
    struct mcpz_gate_request wanted = request("a", 50);
    wanted.deadline_us = now + MCPZ_MS(1000);
    CHECK_UINT(ask_for(1, &wanted), MCPZ_GATE_WAIT);
    CHECK_UINT(mcpz_gate_deadline(&gate), now + MCPZ_MS(900));

    now += MCPZ_MS(900) - 1;
    CHECK(!mcpz_gate_expire(&gate, now, &handle, &refusal));
    now += 1;
    CHECK(mcpz_gate_expire(&gate, now, &handle, &refusal));
    CHECK_UINT(handle, 1);
    CHECK_UINT(refusal.code, MCPZ_CODE_NO_TIME);
    CHECK(!mcpz_gate_expire(&gate, now, &handle, &refusal));
    CHECK_UINT(mcpz_gate_deadline(&gate), MCPZ_TIME_NEVER);
}

/* ---- Coming and going --------------------------------------------------------------------- */

TEST(what_is_not_offered_is_refused_and_what_was_goes_on)
{
    set_up(1);
    struct mcpz_gate_request wanted = request("a", 50);
    wanted.capability = mcpz_text("play");
    CHECK_UINT(ask_for(0, &wanted), MCPZ_GATE_REFUSE);
    CHECK_UINT(verdict.refusal.code, MCPZ_CODE_NOT_OFFERED);

    CHECK_UINT(ask(0, "a", 50), MCPZ_GATE_START);
    CHECK_UINT(ask(1, "a", 50), MCPZ_GATE_WAIT);
    mcpz_gate_withdraw(&gate, mcpz_text("work"));
    CHECK(!mcpz_gate_knows(&gate, mcpz_text("work")));
    CHECK_UINT(ask(2, "a", 50), MCPZ_GATE_REFUSE);
    mcpz_gate_end(&gate, now, 0, true);
    CHECK_UINT(next(), 1);
    mcpz_gate_end(&gate, now, 1, true);
    CHECK_UINT(gate.lanes[0].name[0], '\0');
    CHECK_UINT(gate.hands_taken, 0);
}

TEST(a_node_that_is_drained_refuses_what_comes_and_does_what_it_has)
{
    set_up(1);
    CHECK_UINT(ask(0, "a", 50), MCPZ_GATE_START);
    CHECK_UINT(ask(1, "a", 50), MCPZ_GATE_WAIT);
    mcpz_gate_drain(&gate, now + MCPZ_SECONDS(3));
    CHECK_UINT(ask(2, "a", 100), MCPZ_GATE_REFUSE);
    CHECK_UINT(verdict.refusal.code, MCPZ_CODE_DRAINING);
    CHECK(verdict.refusal.retry_after_ms >= 3000);
    mcpz_gate_end(&gate, now, 0, true);
    CHECK_UINT(next(), 1);

    mcpz_gate_drain(&gate, 0);
    CHECK_UINT(ask(2, "a", 100), MCPZ_GATE_WAIT);
}

TEST(a_call_that_ends_while_it_waits_leaves_nothing)
{
    set_up(1);
    CHECK_UINT(ask(0, "a", 50), MCPZ_GATE_START);
    CHECK_UINT(ask(1, "a", 50), MCPZ_GATE_WAIT);
    mcpz_gate_end(&gate, now, 1, false);
    mcpz_gate_end(&gate, now, 1, false);
    mcpz_gate_end(&gate, now, 0, false);
    CHECK_UINT(next(), MCPZ_GATE_NOBODY);
    CHECK_UINT(mcpz_tenants_find(&gate.tenants, mcpz_text("a"), now)->under_way, 0);
    CHECK_UINT(gate.lanes[0].waiting, 0);
}

TEST(more_capabilities_than_lanes_are_as_if_not_offered)
{
    char name[16];

    set_up(1);
    for (int i = 0; i < MCPZ_LANES_MAX; i++) {
        (void)snprintf(name, sizeof(name), "c%d", i);
        mcpz_gate_provide(&gate, mcpz_text(name), true, 0);
        CHECK_UINT(mcpz_gate_knows(&gate, mcpz_text(name)), i < MCPZ_LANES_MAX - 1);
    }
    mcpz_gate_provide(&gate, mcpz_text(""), true, 0);
    CHECK(!mcpz_gate_knows(&gate, mcpz_text("")));
}

/* Everything at once: whatever is done, the counts add up and nothing stands still that could
 * run. */
TEST(whatever_happens_the_counts_hold)
{
    static const char *const names[] = {"a", "b", "c"};
    struct mcpz_rng rng;

    set_up(4);
    mcpz_gate_provide(&gate, mcpz_text("other"), false, 3);
    mcpz_rng_init(&rng, 21);
    for (unsigned i = 0; i < 50000; i++) {
        uint32_t handle = mcpz_rng_below(&rng, 64);
        struct mcpz_gate_refusal refusal;
        now += mcpz_rng_below(&rng, MCPZ_MS(5));
        struct mcpz_gate_request wanted =
            request(names[mcpz_rng_below(&rng, 3)], mcpz_rng_below(&rng, 101));
        wanted.capability = mcpz_text(mcpz_rng_below(&rng, 3) == 0 ? "other" : "work");
        wanted.deadline_us = now + mcpz_rng_below(&rng, MCPZ_MS(400));
        if (gate.calls[handle].state == MCPZ_GATE_FREE) {
            (void)ask_for(handle, &wanted);
        } else {
            mcpz_gate_end(&gate, now, handle, mcpz_rng_below(&rng, 4) > 0);
        }
        while (mcpz_gate_expire(&gate, now, &handle, &refusal)) {
        }
        while (next() != MCPZ_GATE_NOBODY) {
        }

        size_t running = 0;
        size_t waiting = 0;
        for (uint32_t j = 0; j < 64; j++) {
            running += gate.calls[j].state == MCPZ_GATE_RUNNING;
            waiting += gate.calls[j].state == MCPZ_GATE_WAITING;
        }
        CHECK_UINT(mcpz_gate_running(&gate), running);
        CHECK_UINT(gate.waiting.count, waiting);
        CHECK_UINT(gate.lanes[0].waiting + gate.lanes[1].waiting, waiting);
        CHECK_UINT(gate.hands_taken, gate.lanes[0].running);
        CHECK(gate.lanes[0].running <= 4);
        CHECK(gate.lanes[1].running <= 3);
    }
    CHECK(gate.counts.waited > 100);
    CHECK(gate.counts.no_time > 100);
    CHECK(gate.counts.pushed_out > 100);
}

TEST_MAIN(RUN(it_tells_whose_calls_it_would_refuse_and_then_does),
          RUN(as_many_start_as_there_are_hands_and_the_rest_wait), RUN(no_more_wait_than_may_run),
          RUN(a_burst_is_not_an_overload), RUN(where_time_says_nothing_there_is_no_gradient),
          RUN(without_hands_the_gradient_is_the_limit), RUN(a_bound_of_its_own_holds_for_a_lane),
          RUN(one_lane_leaves_hands_for_the_others),
          RUN(the_important_start_first_and_take_the_place_of_others),
          RUN(a_tenant_that_floods_does_not_starve_another),
          RUN(a_tenant_has_what_its_level_allows_and_is_told_when_to_come_back),
          RUN(one_server_may_send_so_much_whoever_it_says_it_is_for),
          RUN(our_own_calls_are_held_to_a_rate_only_for_a_tenant),
          RUN(who_was_refused_for_another_reason_has_not_paid),
          RUN(what_cannot_be_done_in_time_is_refused_at_once),
          RUN(an_estimate_that_is_wrong_does_not_stay_so),
          RUN(who_has_waited_too_long_is_told_while_there_is_time),
          RUN(what_is_not_offered_is_refused_and_what_was_goes_on),
          RUN(a_node_that_is_drained_refuses_what_comes_and_does_what_it_has),
          RUN(a_call_that_ends_while_it_waits_leaves_nothing),
          RUN(more_capabilities_than_lanes_are_as_if_not_offered),
          RUN(whatever_happens_the_counts_hold))
