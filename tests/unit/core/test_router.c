#include "core/router/router.h"
#include "proto/isolation.h"
#include "test.h"

#define START MCPZ_SECONDS(100)
#define NODES 8

static struct mcpz_router router;
static struct mcpz_class *class;
static struct mcpz_candidate nodes[NODES]; /* "a", "b", .. */
static char names[NODES][2];

static void set_up_for(size_t classes_max, size_t backends_max)
{
    static _Alignas(16) uint8_t memory[1 << 20];
    const struct mcpz_router_config config = {
        .classes_max = classes_max, .backends_max = backends_max, .rules_max = 8, .seed = 1};
    struct mcpz_arena arena;

    CHECK(mcpz_router_bytes(&config) <= sizeof(memory));
    mcpz_arena_init(&arena, memory, mcpz_router_bytes(&config));
    mcpz_router_init(&router, &config, &arena);
    for (size_t i = 0; i < NODES; i++) {
        names[i][0] = (char)('a' + i);
        nodes[i] = (struct mcpz_candidate){
            .node = {.id = {{(uint8_t)('a' + i)}}, .name = mcpz_text(names[i])},
            .ring = MCPZ_RING_ZONE,
            .linked = true,
        };
    }
}

/* The first `count` offer "x". */
static void list(size_t count)
{
    mcpz_router_list_begin(&router, class);
    for (size_t i = 0; i < count; i++) {
        mcpz_router_list_add(&router, class, &nodes[i]);
    }
    mcpz_router_list_end(&router, class, START);
}

static void set_up(size_t count)
{
    set_up_for(4, NODES);
    class = mcpz_router_class(&router, START, mcpz_text("x"));
    CHECK(class != NULL);
    list(count);
}

static void set_rule(size_t count, enum mcpz_strategy strategy, const char *targets)
{
    struct mcpz_rule rule = {.pattern = "x", .strategy = strategy, .priority = 75};

    for (size_t i = 0; targets[i] != '\0'; i++) {
        rule.targets[i] = (struct mcpz_rule_target){.text = {targets[i]}, .weight = 1};
        rule.target_count++;
    }
    set_up_for(4, NODES);
    mcpz_router_set_rules(&router, &rule, 1);
    class = mcpz_router_class(&router, START, mcpz_text("x"));
    list(count);
}

static void report(char name, mcpz_time now, uint32_t rif, uint32_t latency_us)
{
    mcpz_router_heard(&router, mcpz_text("x"), &nodes[name - 'a'].node.id, now,
                      &(struct mcpz_load_report){.rif = rif, .latency_us = latency_us});
}

/* The name of who is picked; '-': nobody. */
static char pick_but(mcpz_time now, const char *tried)
{
    struct mcpz_id ids[NODES];
    const size_t count = strlen(tried);

    for (size_t i = 0; i < count; i++) {
        ids[i] = nodes[tried[i] - 'a'].node.id;
    }
    const struct mcpz_pick pick = mcpz_router_pick(
        &router, class, now, &(struct mcpz_wish){.tried = ids, .tried_count = count});
    return pick.verdict == MCPZ_VERDICT_CHOSEN ? (char)class->backends[pick.backend].id.bytes[0]
                                               : '-';
}

static char pick(mcpz_time now)
{
    return pick_but(now, "");
}

static enum mcpz_verdict verdict(mcpz_time now)
{
    return mcpz_router_outlook(&router, class, now, &(struct mcpz_wish){.tried_count = 0}).verdict;
}

/* Of tenant 1 and of this class. */
static struct mcpz_pick pick_of_class(mcpz_time now, uint32_t shed_class)
{
    const struct mcpz_wish wish = {.tenant = 1, .class = shed_class};
    return mcpz_router_pick(&router, class, now, &wish);
}

static void told(char name, mcpz_time now, uint32_t turns_away)
{
    mcpz_router_told(class, &nodes[name - 'a'].node.id, now, 1, turns_away);
}

static struct mcpz_route begin(char name, mcpz_time now)
{
    for (size_t i = 0; i < class->backend_top; i++) {
        if (class->backends[i].id.bytes[0] == (uint8_t)name) {
            mcpz_router_hold(class, now);
            return mcpz_router_begin(&router, class, now, i);
        }
    }
    fail();
    return (struct mcpz_route){0};
}

static void end(const struct mcpz_route *route, mcpz_time now, enum mcpz_call_outcome outcome)
{
    mcpz_router_end(&router, route, now, outcome, MCPZ_SECONDS(7), NULL);
    mcpz_router_release(class);
}

/* A call from `at` that takes so long. */
static void call(char name, mcpz_time at_us, mcpz_time took_us, enum mcpz_call_outcome outcome)
{
    const struct mcpz_route route = begin(name, at_us);
    end(&route, at_us + took_us, outcome);
}

static size_t count_picks(char name, size_t of, mcpz_time now)
{
    size_t count = 0;
    for (size_t i = 0; i < of; i++) {
        count += pick(now) == name;
    }
    return count;
}

/* ---- Who can ------------------------------------------------------------------------------ */

TEST(where_nobody_offers_it_nobody_is_picked)
{
    set_up(0);
    CHECK_UINT(verdict(START), MCPZ_VERDICT_NOBODY);
    CHECK_UINT(pick(START), '-');
}

TEST(who_has_failed_this_call_is_left_out)
{
    set_up(3);
    for (size_t i = 0; i < 20; i++) {
        CHECK_UINT(pick_but(START, "ac"), 'b');
    }
    CHECK_UINT(pick_but(START, "abc"), '-');
    const struct mcpz_pick all = mcpz_router_outlook(
        &router, class, START, &(struct mcpz_wish){.tried = &nodes[0].node.id, .tried_count = 1});
    CHECK_UINT(all.verdict, MCPZ_VERDICT_CHOSEN);
}

TEST(a_suspect_is_picked_only_if_there_is_nobody_else)
{
    set_up(0);
    nodes[0].suspect = true;
    list(2);
    CHECK_UINT(count_picks('b', 50, START), 50);
    list(1);
    CHECK_UINT(pick(START), 'a');
}

TEST(an_open_breaker_lets_nobody_there)
{
    set_up(2);
    for (size_t i = 0; i < MCPZ_BREAKER_FAILURES; i++) {
        call('a', START, 10, MCPZ_OUTCOME_BROKEN);
    }
    CHECK_UINT(count_picks('b', 50, START), 50);
    for (size_t i = 0; i < MCPZ_BREAKER_FAILURES; i++) {
        call('b', START + 5, 10, MCPZ_OUTCOME_BROKEN);
    }
    const struct mcpz_pick none =
        mcpz_router_pick(&router, class, START + 20, &(struct mcpz_wish){.tried_count = 0});
    CHECK_UINT(none.verdict, MCPZ_VERDICT_BROKEN);
    CHECK_UINT(none.retry_at_us, START + 10 + MCPZ_BREAKER_OPEN_US); /* the first of them */
    CHECK_UINT(router.opened, 2);

    mcpz_time then = START + 10 + MCPZ_BREAKER_OPEN_US;
    CHECK_UINT(pick(then), 'a');
    struct mcpz_route trials[MCPZ_BREAKER_TRIALS];
    for (size_t i = 0; i < MCPZ_BREAKER_TRIALS; i++) {
        trials[i] = begin('a', then);
        CHECK(trials[i].trial);
    }
    CHECK_UINT(pick(then), '-');
    for (size_t i = 0; i < MCPZ_BREAKER_TRIALS; i++) {
        end(&trials[i], then, MCPZ_OUTCOME_WELL);
    }
    CHECK_UINT(pick(then), 'a');
    CHECK(!begin('a', then).trial);
}

TEST(who_is_busy_is_left_alone_for_as_long_as_it_says)
{
    set_up(2);
    call('a', START, 0, MCPZ_OUTCOME_BUSY);
    CHECK_UINT(count_picks('b', 50, START), 50);
    call('b', START + 1, 0, MCPZ_OUTCOME_BUSY);
    const struct mcpz_pick none =
        mcpz_router_pick(&router, class, START + 1, &(struct mcpz_wish){.tried_count = 0});
    CHECK_UINT(none.verdict, MCPZ_VERDICT_BUSY);
    CHECK_UINT(none.retry_at_us, START + MCPZ_SECONDS(7));
    CHECK_UINT(pick(START + MCPZ_SECONDS(7)), 'a');
    for (size_t i = 0; i < 20; i++) { /* it is no failure */
        call('a', START + MCPZ_SECONDS(7), 0, MCPZ_OUTCOME_BUSY);
    }
    CHECK_UINT(pick(START + MCPZ_SECONDS(14)), 'a');
}

TEST(a_caller_that_errs_does_not_open_a_breaker)
{
    set_up(1);
    for (size_t i = 0; i < 100; i++) {
        call('a', START, 10, MCPZ_OUTCOME_FAILED);
    }
    CHECK_UINT(pick(START + 10), 'a');
    CHECK_UINT(router.ejected, 0);
}

/* ---- HCL ---------------------------------------------------------------------------------- */

TEST(without_reports_the_one_with_fewest_of_our_calls_is_picked)
{
    set_up(3);
    const struct mcpz_route at_a = begin('a', START);
    const struct mcpz_route at_c = begin('c', START);
    CHECK_UINT(count_picks('b', 50, START), 50);
    end(&at_a, START, MCPZ_OUTCOME_WELL);
    const size_t to_a = count_picks('a', 200, START);
    CHECK(to_a > 50 && to_a < 150); /* by lot */
    end(&at_c, START, MCPZ_OUTCOME_WELL);
}

TEST(of_equals_a_linked_one_is_picked)
{
    set_up(0);
    nodes[0].linked = nodes[2].linked = false;
    list(3);
    CHECK_UINT(count_picks('b', 50, START), 50);
}

TEST(of_cold_ones_the_fastest_is_picked_until_its_load_is_used_up)
{
    set_up(3);
    report('a', START, 2, 900);
    report('b', START, 2, 300);
    report('c', START, 2, 600);
    CHECK_UINT(pick(START), 'b');
    const struct mcpz_route route = begin('b', START); /* 3 in flight: hot */
    CHECK_UINT(pick(START), 'c');
    end(&route, START, MCPZ_OUTCOME_WELL);
}

TEST(our_own_calls_count_although_it_has_not_told_of_them)
{
    set_up(2);
    report('a', START, 0, 100);
    report('b', START, 1, 900);
    const struct mcpz_route first = begin('a', START);
    const struct mcpz_route second = begin('a', START);
    report('a', START + 1, 0, 100); /* sent before ours came */
    report('b', START + 1, 1, 900);
    CHECK_UINT(pick(START + 1), 'b');
    end(&first, START + 1, MCPZ_OUTCOME_WELL);
    end(&second, START + 1, MCPZ_OUTCOME_WELL);
}

TEST(who_takes_far_longer_than_is_usual_seems_to_have_more_in_flight)
{
    set_up(3);
    for (size_t i = 0; i < 50; i++) {
        call('a', START, 1000, MCPZ_OUTCOME_WELL);
        report('b', START + 1000, 1, 1000); /* more than one is hot */
    }
    report('a', START + 1000, 6, 1000);
    report('b', START + 1000, 6, 1000);
    report('c', START + 1000, 3, 2000); /* twice as long is nothing special */
    CHECK_UINT(pick(START + 1000), 'c');
    report('c', START + 1000, 3, 9000);
    CHECK_UINT(count_picks('c', 50, START + 1000), 0);
    report('c', START + 1000, 0, 9000); /* but with so few it is the sooner one after all */
    CHECK_UINT(pick(START + 1000), 'c');
}

TEST(old_reports_are_not_believed)
{
    set_up(2);
    report('a', START, 0, 100);
    report('b', START, 0, 900);
    CHECK_UINT(count_picks('a', 50, START + MCPZ_PROBE_AGE_US), 50);
    const size_t to_a = count_picks('a', 200, START + MCPZ_PROBE_AGE_US + 1);
    CHECK(to_a > 50 && to_a < 150);
}

TEST(who_errs_more_than_the_others_is_picked_last)
{
    set_up(3);
    for (size_t i = 0; i < 9; i++) { /* fails fast, and seems idle for it */
        call('a', START, 10, i % 3 == 0 ? MCPZ_OUTCOME_FAILED : MCPZ_OUTCOME_WELL);
    }
    report('a', START + 10, 0, 10);
    report('b', START + 10, 5, 9000);
    report('c', START + 10, 5, 9000);
    CHECK_UINT(count_picks('a', 50, START + 10), 0);
    report('a', START + MCPZ_SECONDS(60), 0, 10);
    report('b', START + MCPZ_SECONDS(60), 5, 9000);
    report('c', START + MCPZ_SECONDS(60), 5, 9000);
    CHECK_UINT(pick(START + MCPZ_SECONDS(60)), 'a'); /* forgiven */
}

TEST(where_all_err_nobody_is_worse)
{
    set_up(3);
    for (size_t i = 0; i < 20; i++) {
        call('a', START, 10, MCPZ_OUTCOME_FAILED);
        call('b', START, 10, MCPZ_OUTCOME_FAILED);
        call('c', START, 10, MCPZ_OUTCOME_FAILED);
    }
    CHECK_UINT(router.ejected, 0);
    report('a', START + 10, 0, 10);
    report('b', START + 10, 0, 9000);
    report('c', START + 10, 0, 9000);
    CHECK_UINT(pick(START + 10), 'a');
}

TEST(who_errs_far_more_is_ejected_but_not_more_than_three_in_ten)
{
    set_up(NODES);
    for (char name = 'a'; name <= 'd'; name++) { /* 2 of 8 is what may be */
        for (size_t i = 0; i < 20; i++) {
            call('h', START, 10, MCPZ_OUTCOME_WELL);
            call(name, START, 10, MCPZ_OUTCOME_FAILED);
        }
    }
    CHECK_UINT(router.ejected, 2);
    CHECK_UINT(count_picks('a', 100, START + 10), 0);
    CHECK_UINT(count_picks('b', 100, START + 10), 0);
}

TEST(of_two_one_may_be_ejected_and_the_last_never_is)
{
    set_up(2);
    for (size_t i = 0; i < 20; i++) {
        call('a', START, 10, MCPZ_OUTCOME_FAILED);
    }
    CHECK_UINT(router.ejected, 1);
    CHECK_UINT(count_picks('b', 100, START + 10), 100);
    CHECK_UINT(pick_but(START + 10, "b"), 'a'); /* there is nobody else */
    for (size_t i = 0; i < 20; i++) {
        call('b', START, 10, MCPZ_OUTCOME_FAILED);
    }
    CHECK_UINT(router.ejected, 1);
    CHECK_UINT(pick(START + 10), 'b');
}

/* ---- Zones -------------------------------------------------------------------------------- */

static void set_up_zones(void)
{
    set_up(0);
    nodes[2].ring = nodes[3].ring = MCPZ_RING_FAR;
    nodes[2].rtt_us = nodes[3].rtt_us = 40000;
    list(4);
}

TEST(our_zone_comes_first)
{
    set_up_zones();
    CHECK_UINT(count_picks('a', 200, START) + count_picks('b', 200, START) > 0, 1);
    CHECK_UINT(count_picks('c', 200, START) + count_picks('d', 200, START), 0);
    report('a', START, 1, 9000);
    report('b', START, 1, 8000);
    report('c', START, 0, 10);
    report('d', START, 1, 10);
    CHECK_UINT(pick(START), 'b');
}

TEST(what_is_hot_at_home_spills_to_where_it_is_cold)
{
    set_up_zones();
    report('a', START, 9, 9000);
    report('b', START, 9, 8000);
    report('c', START, 0, 900);
    report('d', START, 1, 10);
    CHECK_UINT(pick(START), 'd'); /* theirs: with the way there, 40010 is less than 40900 */
    report('a', START, 0, 9000);  /* half of it is cold */
    CHECK_UINT(pick(START), 'a');
}

TEST(where_everything_is_hot_it_stays_at_home)
{
    set_up_zones();
    for (size_t i = 0; i < MCPZ_RIFS_MAX; i++) {
        report('a', START, 1, 10);
    }
    report('a', START, 9, 9000);
    report('b', START, 8, 8000);
    report('c', START, 5, 10);
    report('d', START, 5, 10);
    CHECK_UINT(pick(START), 'b');
}

TEST(without_anybody_at_home_others_are_picked)
{
    set_up_zones();
    CHECK(pick_but(START, "ab") == 'c' || pick_but(START, "ab") == 'd');
    report('c', START, 0, 10);
    report('d', START, 0, 20);
    CHECK_UINT(pick_but(START, "ab"), 'c');
}

/* ---- Strategies --------------------------------------------------------------------------- */

static void check_order(const char *order)
{
    for (size_t i = 0; order[i] != '\0'; i++) {
        CHECK_UINT(pick(START), order[i]);
    }
}

TEST(round_robin_goes_round)
{
    char seen[6];

    set_rule(3, MCPZ_STRATEGY_ROUND_ROBIN, "");
    for (size_t i = 0; i < 6; i++) {
        seen[i] = pick(START);
    }
    CHECK(seen[0] != seen[1] && seen[1] != seen[2] && seen[0] != seen[2]);
    CHECK(memcmp(seen, seen + 3, 3) == 0 || seen[3] != seen[4]);
    for (size_t i = 0; i < 30; i++) {
        (void)pick(START);
    }
    CHECK_UINT(count_picks('a', 300, START), 100);
}

/* nginx's own example: 5, 1, 1 gives a a b a c a a, the order of b and c aside. */
TEST(weights_say_how_often_and_smoothly)
{
    struct mcpz_rule rule = {.pattern = "x",
                             .strategy = MCPZ_STRATEGY_WEIGHTED,
                             .priority = 50,
                             .targets = {{.text = "a", .weight = 5},
                                         {.text = "b", .weight = 1},
                                         {.text = "c", .weight = 1}},
                             .target_count = 3};
    char seen[8] = {0};

    set_up_for(4, NODES);
    mcpz_router_set_rules(&router, &rule, 1);
    class = mcpz_router_class(&router, START, mcpz_text("x"));
    list(3);
    for (size_t i = 0; i < 7; i++) {
        seen[i] = pick(START);
    }
    CHECK(strcmp(seen, "aabacaa") == 0 || strcmp(seen, "aacabaa") == 0);
    CHECK_UINT(count_picks('a', 700, START), 500);
}

TEST(least_loaded_is_by_what_is_in_flight_whatever_the_latency)
{
    set_rule(3, MCPZ_STRATEGY_LEAST_LOADED, "");
    report('a', START, 2, 10);
    report('b', START, 1, 90000);
    report('c', START, 3, 10);
    check_order("bbb");
    struct mcpz_route routes[2] = {begin('b', START), begin('b', START)};
    const struct mcpz_route third = begin('b', START);
    check_order("aaa");
    end(&routes[0], START, MCPZ_OUTCOME_WELL);
    end(&routes[1], START, MCPZ_OUTCOME_WELL);
    end(&third, START, MCPZ_OUTCOME_WELL);
}

TEST(failover_is_in_the_order_of_the_rule)
{
    set_rule(4, MCPZ_STRATEGY_FAILOVER, "cab");
    CHECK_UINT(count_picks('c', 50, START), 50);
    CHECK_UINT(pick_but(START, "c"), 'a');
    CHECK_UINT(pick_but(START, "ca"), 'b');
    CHECK_UINT(pick_but(START, "cab"), '-'); /* d is not named */
    nodes[2].suspect = true;
    list(4);
    CHECK_UINT(count_picks('a', 50, START), 50);
    nodes[2].suspect = false;
    list(4);
    CHECK_UINT(pick(START), 'c');
}

TEST(dedicated_is_for_those_named_and_nobody_else)
{
    set_rule(4, MCPZ_STRATEGY_DEDICATED, "bc");
    CHECK_UINT(count_picks('a', 100, START) + count_picks('d', 100, START), 0);
    list(1);
    CHECK_UINT(verdict(START), MCPZ_VERDICT_BARRED);
    CHECK_UINT(pick(START), '-');
}

TEST(a_rule_says_priority_and_how_many_at_once)
{
    struct mcpz_rule rule = {.pattern = "x*", .priority = 100, .concurrent_max = 2};

    set_up(1);
    CHECK_UINT(class->priority, MCPZ_RULE_PRIORITY_NORMAL);
    mcpz_router_set_rules(&router, &rule, 1);
    CHECK(mcpz_router_is_stale(&router, class, START));
    list(1);
    CHECK(!mcpz_router_is_stale(&router, class, START));
    CHECK_UINT(class->priority, 100);
    CHECK(mcpz_router_may_hold(class, 100));
    mcpz_router_hold(class, START);
    CHECK(mcpz_router_may_hold(class, 100));
    mcpz_router_hold(class, START);
    CHECK(!mcpz_router_may_hold(class, 100));
    mcpz_router_release(class);
    CHECK(mcpz_router_may_hold(class, 100));
}

/* ---- Bulkheads, hedges, retries ----------------------------------------------------------- */

TEST(however_many_capabilities_are_slow_there_is_room_for_the_next)
{
    size_t room = 256;

    set_up_for(8, 2);
    for (char name = 'a'; name < 'a' + 3; name++) { /* each takes all it can get */
        class = mcpz_router_class(&router, START, mcpz_bytes(&name, 1));
        size_t held = 0;
        while (mcpz_router_may_hold(class, room)) {
            mcpz_router_hold(class, START);
            held++;
            room--;
        }
        CHECK(held > 0);
        CHECK(name > 'a' || (held >= 204 && held <= 206)); /* four fifths */
    }
    CHECK(room > 0);
    CHECK(mcpz_router_may_hold(mcpz_router_class(&router, START, mcpz_text("next")), room));
    CHECK(!mcpz_router_may_hold(mcpz_router_class(&router, START, mcpz_text("next")), 0));
}

TEST(a_hedge_is_sent_after_the_p95_and_not_before_ten_milliseconds)
{
    set_up(2);
    CHECK(mcpz_router_hedge_at(class, START) == MCPZ_TIME_NEVER);
    for (size_t i = 0; i < 100; i++) {
        call('a', START, 500, MCPZ_OUTCOME_WELL);
    }
    CHECK_UINT(mcpz_router_hedge_at(class, START), START + MCPZ_MS(10));
    for (size_t i = 0; i < 100; i++) {
        call('a', START, MCPZ_MS(100), MCPZ_OUTCOME_WELL);
    }
    const mcpz_time at_us = mcpz_router_hedge_at(class, START);
    CHECK(at_us >= START + MCPZ_MS(100) && at_us < START + MCPZ_MS(115));
}

TEST(one_call_in_twenty_may_be_hedged)
{
    size_t hedged = 0;

    set_up(2);
    for (size_t i = 0; i < 1000; i++) {
        call('a', START, 500, MCPZ_OUTCOME_WELL);
        hedged += mcpz_router_may_hedge(&router, class);
    }
    CHECK_UINT(hedged, 50);
    CHECK_UINT(router.hedges, 50);
}

TEST(retries_are_within_the_budget)
{
    size_t retried = 0;

    set_up(2);
    for (size_t i = 0; i < 1000; i++) {
        call('a', START, 500, MCPZ_OUTCOME_WELL);
        retried += mcpz_router_may_retry(&router, class, START);
    }
    CHECK(retried >= 95 && retried <= 105);
    CHECK_UINT(router.retries, retried);
}

/* ---- Stalls ------------------------------------------------------------------------------- */

TEST(who_ends_nothing_while_others_do_is_stalled)
{
    set_up(2);
    for (size_t i = 0; i < 100; i++) {
        call('b', START, 1000, MCPZ_OUTCOME_WELL);
    }
    const mcpz_time begun = START + 2000;
    const struct mcpz_route stuck = begin('a', begun);
    const mcpz_time stalls_at = mcpz_router_stalls_at(&router, &stuck);
    CHECK_UINT(stalls_at, begun + MCPZ_STALL_US_MIN);
    CHECK(!mcpz_router_judge(&router, &stuck, stalls_at)); /* nobody else has ended one since */
    call('b', stalls_at - 1000, 500, MCPZ_OUTCOME_WELL);
    CHECK(!mcpz_router_judge(&router, &stuck, stalls_at - 1));
    CHECK_UINT(count_picks('b', 20, stalls_at), 20);
    CHECK(mcpz_router_judge(&router, &stuck, stalls_at));
    CHECK(mcpz_router_judge(&router, &stuck, stalls_at));
    CHECK_UINT(router.stalls, 1);
    end(&stuck, stalls_at, MCPZ_OUTCOME_BROKEN);
    CHECK_UINT(count_picks('b', 20, stalls_at), 20); /* its breaker is open */
    CHECK_UINT(pick_but(stalls_at, "b"), '-');
}

TEST(who_ends_some_or_gets_on_is_not_stalled)
{
    set_up(2);
    for (size_t i = 0; i < 100; i++) {
        call('b', START, 1000, MCPZ_OUTCOME_WELL);
    }
    const struct mcpz_route slow = begin('a', START + 2000);
    call('a', START + 2000, 150000, MCPZ_OUTCOME_WELL);
    call('b', START + 2000, 200000, MCPZ_OUTCOME_WELL);
    CHECK(!mcpz_router_judge(&router, &slow, START + 2000 + MCPZ_STALL_US_MIN));
    CHECK_UINT(mcpz_router_stalls_at(&router, &slow), START + 152000 + MCPZ_STALL_US_MIN);
    mcpz_router_progressed(&router, &slow, START + 300000);
    CHECK_UINT(mcpz_router_stalls_at(&router, &slow), START + 300000 + MCPZ_STALL_US_MIN);
}

TEST(nobody_is_stalled_before_it_is_known_how_long_calls_take)
{
    set_up(2);
    const struct mcpz_route route = begin('a', START);
    CHECK(mcpz_router_stalls_at(&router, &route) == MCPZ_TIME_NEVER);
    CHECK(!mcpz_router_judge(&router, &route, START + MCPZ_SECONDS(1000)));
}

/* ---- Probes ------------------------------------------------------------------------------- */

TEST(two_are_asked_for_each_call_and_none_twice_before_it_has_answered)
{
    size_t asked[MCPZ_PROBES_PER_CALL];

    set_up(3);
    CHECK_UINT(mcpz_router_probe(&router, class, START, asked), 0); /* no call has earned one */
    mcpz_router_hold(class, START);
    CHECK_UINT(mcpz_router_probe(&router, class, START, asked), 2);
    CHECK(asked[0] != asked[1]);
    mcpz_router_hold(class, START);
    CHECK_UINT(mcpz_router_probe(&router, class, START, asked), 1); /* the third */
    CHECK_UINT(mcpz_router_probe(&router, class, START + MCPZ_SECONDS(1) - 1, asked), 0);
    report('b', START + 10, 0, 1);
    CHECK_UINT(mcpz_router_probe(&router, class, START + 10 + MCPZ_MS(1), asked), 1);
    CHECK_UINT(class->backends[asked[0]].id.bytes[0], 'b');
    mcpz_router_hold(class, START);
    CHECK_UINT(mcpz_router_probe(&router, class, START + MCPZ_SECONDS(2), asked), 2); /* lost */
    CHECK_UINT(router.probes, 6);
}

TEST(what_comes_with_an_answer_saves_a_probe)
{
    const struct mcpz_load_report load = {.rif = 1, .latency_us = 1};
    size_t asked[MCPZ_PROBES_PER_CALL];

    set_up(4);
    const struct mcpz_route route = begin('a', START);
    mcpz_router_end(&router, &route, START, MCPZ_OUTCOME_WELL, 0, &load);
    CHECK_UINT(mcpz_router_probe(&router, class, START, asked), 1);
    CHECK(class->backends[asked[0]].id.bytes[0] != 'a'); /* which has just told */
}

TEST(where_there_is_one_nobody_is_asked)
{
    size_t asked[MCPZ_PROBES_PER_CALL];

    set_up(1);
    mcpz_router_hold(class, START);
    CHECK_UINT(mcpz_router_probe(&router, class, START, asked), 0);
}

TEST(what_others_say_unasked_changes_nothing)
{
    set_up(2);
    mcpz_router_heard(&router, mcpz_text("y"), &nodes[0].node.id, START,
                      &(struct mcpz_load_report){.rif = 1});
    report('h', START, 0, 1); /* offers nothing */
    CHECK_UINT(class->near.count, 0);
}

/* ---- Tables ------------------------------------------------------------------------------- */

TEST(a_list_is_stale_when_something_has_changed_or_it_is_old)
{
    set_up(2);
    CHECK(!mcpz_router_is_stale(&router, class, START + MCPZ_ROUTER_LIST_US - 1));
    CHECK(mcpz_router_is_stale(&router, class, START + MCPZ_ROUTER_LIST_US));
    mcpz_router_changed(&router);
    CHECK(mcpz_router_is_stale(&router, class, START));
}

TEST(who_is_listed_no_more_is_kept_until_its_calls_have_ended)
{
    set_up(3);
    const struct mcpz_route route = begin('c', START);
    list(2);
    CHECK_UINT(pick_but(START, "ab"), '-');
    CHECK_UINT(class->present, 2);
    end(&route, START, MCPZ_OUTCOME_BROKEN);
    CHECK(!class->backends[route.backend].used);
    list(3);
    CHECK_UINT(pick_but(START, "ab"), 'c');
}

TEST(a_class_unused_for_longest_gives_way_and_one_with_calls_does_not)
{
    set_up_for(2, 2);
    struct mcpz_class *one = mcpz_router_class(&router, START, mcpz_text("one"));
    struct mcpz_class *two = mcpz_router_class(&router, START + 1, mcpz_text("two"));
    CHECK(mcpz_router_class(&router, START + 2, mcpz_text("one")) == one);
    CHECK(mcpz_router_class(&router, START + 3, mcpz_text("three")) == two);
    mcpz_router_hold(one, START);
    mcpz_router_hold(two, START);
    CHECK(mcpz_router_class(&router, START + 4, mcpz_text("four")) == NULL);
    mcpz_router_release(one);
    CHECK(mcpz_router_class(&router, START + 4, mcpz_text("four")) == one);
    CHECK_UINT(one->held, 0);
}

TEST(of_too_many_the_nearest_are_kept)
{
    set_up_for(1, 3);
    class = mcpz_router_class(&router, START, mcpz_text("x"));
    for (size_t i = 0; i < 5; i++) {
        nodes[i].ring = i < 3 ? MCPZ_RING_FAR : MCPZ_RING_ZONE;
    }
    list(5);
    CHECK_UINT(class->present, 3);
    CHECK(pick(START) == 'd' || pick(START) == 'e');
    CHECK_UINT(pick_but(START, "d"), 'e');
    CHECK_UINT(pick_but(START, "e"), 'd');
    CHECK(pick_but(START, "de") <= 'c' && pick_but(START, "de") >= 'a');
}

/* ---- For people --------------------------------------------------------------------------- */

TEST(it_is_explained_in_which_order_and_why)
{
    struct mcpz_backend_view views[NODES];

    set_up(0);
    nodes[3].suspect = true;
    nodes[4].ring = MCPZ_RING_FAR;
    list(6);
    report('a', START, 9, 10);
    report('b', START, 1, 900);
    report('c', START, 1, 300);
    report('e', START, 0, 1);
    for (size_t i = 0; i < MCPZ_BREAKER_FAILURES; i++) {
        call('f', START, 0, MCPZ_OUTCOME_BROKEN);
    }
    CHECK_UINT(mcpz_router_explain(&router, class, START, views, NODES), 6);
    const char order[] = "cbaedf";
    for (size_t i = 0; i < 6; i++) {
        CHECK_UINT(views[i].id.bytes[0], order[i]);
    }
    CHECK(!views[0].hot && views[0].known && views[0].latency_us == 300);
    CHECK(views[2].hot);
    CHECK_UINT(views[3].ring, MCPZ_RING_FAR);
    CHECK_UINT(views[4].bar, MCPZ_BAR_SUSPECT);
    CHECK_UINT(views[5].bar, MCPZ_BAR_BREAKER);
    CHECK_UINT(views[5].bar_until_us, START + MCPZ_BREAKER_OPEN_US);
    CHECK_UINT(mcpz_router_explain(&router, class, START, views, 2), 2);
    CHECK_TEXT(mcpz_backend_bar_word(MCPZ_BAR_BREAKER), "breaker");
    CHECK_TEXT(mcpz_ring_word(MCPZ_RING_FAR), "far");
}

TEST(what_would_be_turned_away_is_not_sent_there)
{
    const struct mcpz_wish wish = {.tenant = 1, .class = 5};

    set_up(2);
    told('a', START, 4);
    for (int i = 0; i < 20; i++) {
        const struct mcpz_pick pick = pick_of_class(START + 1, 4);
        CHECK_UINT(pick.verdict, MCPZ_VERDICT_CHOSEN);
        CHECK_UINT(class->backends[pick.backend].id.bytes[0], 'b');
    }
    told('b', START + 10, 5);
    CHECK_UINT(pick_of_class(START + 11, 4).verdict, MCPZ_VERDICT_CHOSEN);
    const struct mcpz_pick none = pick_of_class(START + 11, 5);
    CHECK_UINT(none.verdict, MCPZ_VERDICT_SHED);
    CHECK_UINT(none.retry_at_us, START + MCPZ_SHED_TOLD_US);
    /* Others' calls are another matter, and so are the more important. */
    CHECK_UINT(verdict(START + 11), MCPZ_VERDICT_CHOSEN);
    CHECK_UINT(pick_of_class(START + 11, 3).verdict, MCPZ_VERDICT_CHOSEN);

    /* Who was not sent is told to one of them, once. */
    for (int i = 0; i < 5; i++) {
        mcpz_router_spare(&router, class, &wish);
    }
    CHECK_UINT(router.spared, 5);
    const struct mcpz_route first = begin('a', START + 12);
    const struct mcpz_route second = begin('b', START + 12);
    CHECK_UINT(
        mcpz_router_take_spared(&router, &first) + mcpz_router_take_spared(&router, &second), 5);
    CHECK_UINT(mcpz_router_take_spared(&router, &first), 0);

    /* It is forgotten when it is old, or when it is otherwise. */
    told('a', START + 20, 0);
    CHECK_UINT(pick_of_class(START + 21, 7).verdict, MCPZ_VERDICT_CHOSEN);
    told('a', START + 30, 1);
    CHECK_UINT(pick_of_class(START + 31, 7).verdict, MCPZ_VERDICT_SHED);
    CHECK_UINT(pick_of_class(START + 31 + MCPZ_SHED_TOLD_US, 7).verdict, MCPZ_VERDICT_CHOSEN);
}

TEST(who_is_not_as_isolated_as_it_is_wanted_is_not_asked)
{
    struct mcpz_wish wish = {.isolation = MCPZ_ISOLATION_STRICT};

    set_up_for(4, NODES);
    nodes[0].isolation = MCPZ_ISOLATION_DEGRADED;
    nodes[1].isolation = MCPZ_ISOLATION_STRICT;
    class = mcpz_router_class(&router, START, mcpz_text("x"));
    list(3);
    for (int i = 0; i < 20; i++) {
        const struct mcpz_pick pick = mcpz_router_pick(&router, class, START, &wish);
        CHECK_UINT(pick.verdict, MCPZ_VERDICT_CHOSEN);
        CHECK_UINT(class->backends[pick.backend].id.bytes[0], 'b');
    }
    list(1);
    CHECK_UINT(mcpz_router_pick(&router, class, START, &wish).verdict, MCPZ_VERDICT_LAX);
    wish.isolation = MCPZ_ISOLATION_DEGRADED;
    CHECK_UINT(mcpz_router_pick(&router, class, START, &wish).verdict, MCPZ_VERDICT_CHOSEN);
}

TEST(what_stands_between_calls_and_providers_is_counted)
{
    set_up(3);
    struct mcpz_router_bars bars = mcpz_router_bars(&router, START);
    CHECK_UINT(bars.open + bars.half_open + bars.ejected + bars.stalled, 0);
    for (int i = 0; i < MCPZ_BREAKER_FAILURES; i++) {
        const struct mcpz_route route = begin('a', START);
        end(&route, START, MCPZ_OUTCOME_BROKEN);
    }
    mcpz_router_unreachable(class, &nodes[1].node.id, START);
    bars = mcpz_router_bars(&router, START);
    CHECK_UINT(bars.open, 1);
    CHECK_UINT(bars.ejected, 1);
    CHECK_UINT(router.opened, 1);
    CHECK_UINT(router.trials, 0);
    const mcpz_time later = START + MCPZ_BREAKER_OPEN_US;
    CHECK_UINT(mcpz_router_bars(&router, later).half_open, 1);
    const struct mcpz_route trial = begin('a', later);
    CHECK_UINT(router.trials, 1);
    end(&trial, later, MCPZ_OUTCOME_WELL);
    while (mcpz_router_may_retry(&router, class, later)) {
        CHECK(router.retries < 100);
    }
    CHECK_UINT(router.no_budget, 1);
}

TEST_MAIN(
    RUN(what_would_be_turned_away_is_not_sent_there),
    RUN(who_is_not_as_isolated_as_it_is_wanted_is_not_asked),
    RUN(what_stands_between_calls_and_providers_is_counted),
    RUN(where_nobody_offers_it_nobody_is_picked), RUN(who_has_failed_this_call_is_left_out),
    RUN(a_suspect_is_picked_only_if_there_is_nobody_else), RUN(an_open_breaker_lets_nobody_there),
    RUN(who_is_busy_is_left_alone_for_as_long_as_it_says),
    RUN(a_caller_that_errs_does_not_open_a_breaker),
    RUN(without_reports_the_one_with_fewest_of_our_calls_is_picked),
    RUN(of_equals_a_linked_one_is_picked),
    RUN(of_cold_ones_the_fastest_is_picked_until_its_load_is_used_up),
    RUN(our_own_calls_count_although_it_has_not_told_of_them),
    RUN(who_takes_far_longer_than_is_usual_seems_to_have_more_in_flight),
    RUN(old_reports_are_not_believed), RUN(who_errs_more_than_the_others_is_picked_last),
    RUN(where_all_err_nobody_is_worse),
    RUN(who_errs_far_more_is_ejected_but_not_more_than_three_in_ten),
    RUN(of_two_one_may_be_ejected_and_the_last_never_is), RUN(our_zone_comes_first),
    RUN(what_is_hot_at_home_spills_to_where_it_is_cold),
    RUN(where_everything_is_hot_it_stays_at_home), RUN(without_anybody_at_home_others_are_picked),
    RUN(round_robin_goes_round), RUN(weights_say_how_often_and_smoothly),
    RUN(least_loaded_is_by_what_is_in_flight_whatever_the_latency),
    RUN(failover_is_in_the_order_of_the_rule), RUN(dedicated_is_for_those_named_and_nobody_else),
    RUN(a_rule_says_priority_and_how_many_at_once),
    RUN(however_many_capabilities_are_slow_there_is_room_for_the_next),
    RUN(a_hedge_is_sent_after_the_p95_and_not_before_ten_milliseconds),
    RUN(one_call_in_twenty_may_be_hedged), RUN(retries_are_within_the_budget),
    RUN(who_ends_nothing_while_others_do_is_stalled), RUN(who_ends_some_or_gets_on_is_not_stalled),
    RUN(nobody_is_stalled_before_it_is_known_how_long_calls_take),
    RUN(two_are_asked_for_each_call_and_none_twice_before_it_has_answered),
    RUN(what_comes_with_an_answer_saves_a_probe), RUN(where_there_is_one_nobody_is_asked),
    RUN(what_others_say_unasked_changes_nothing),
    RUN(a_list_is_stale_when_something_has_changed_or_it_is_old),
    RUN(who_is_listed_no_more_is_kept_until_its_calls_have_ended),
    RUN(a_class_unused_for_longest_gives_way_and_one_with_calls_does_not),
    RUN(of_too_many_the_nearest_are_kept), RUN(it_is_explained_in_which_order_and_why))
