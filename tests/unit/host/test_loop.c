/* Who may speak when: on the fake engine and store of the net tests. */

#include <signal.h>
#include <sys/resource.h>

#include <ev.h>

#include "../net/fake_engine.h"
#include "host/loop.h"
#include "test.h"

static struct mcpz_loop *loop;
static struct mcpz_engine *engine;

static int set_up(void **state)
{
    const struct mcpz_loop_config config = {.store = {.directory = NULL}};
    struct mcpz_engine_config engine_config = {.name = "test"};
    struct mcpz_lmdb_trouble trouble;

    (void)state;
    CHECK(mcpz_loop_create(&config, &loop, &trouble) == MCPZ_OK);
    CHECK(mcpz_loop_engine(loop) == NULL);
    CHECK(mcpz_loop_start(loop, &engine_config) == MCPZ_OK);
    engine = mcpz_loop_engine(loop);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    mcpz_loop_destroy(loop);
    return 0;
}

static void turn_once(void)
{
    ev_run(mcpz_loop_ev(loop), EVRUN_NOWAIT);
}

/* ---- The turn ----------------------------------------------------------------------------- */

TEST(a_turn_is_opened_once_and_closed_before_the_loop_sleeps)
{
    CHECK(mcpz_loop_enter(loop) == engine);
    CHECK(mcpz_loop_enter(loop) == engine);
    CHECK_UINT(engine->turns, 1);
    CHECK(engine->in_turn);
    turn_once();
    CHECK(!engine->in_turn);
    turn_once();
    CHECK_UINT(engine->turns, 1);
}

static bool has_ticked(const void *context)
{
    (void)context;
    return engine->ticks == 1;
}

TEST(the_engine_is_called_when_its_deadline_is_there)
{
    engine->deadline = mcpz_clock_now() + 1000;
    (void)mcpz_loop_enter(loop);
    CHECK(fake_turn_until(has_ticked, NULL));
    turn_once();
    CHECK(!engine->in_turn);
    CHECK_UINT(engine->turns, 2);
}

TEST(a_deadline_long_past_is_met_at_once)
{
    engine->deadline = 0;
    (void)mcpz_loop_enter(loop);
    CHECK(fake_turn_until(has_ticked, NULL));
}

static bool has_progressed(const void *context)
{
    (void)context;
    return engine->progresses > 0;
}

TEST(news_of_the_store_are_taken_in_outside_a_turn)
{
    (void)mcpz_loop_enter(loop);
    fake_store_notify();
    CHECK(fake_turn_until(has_progressed, NULL));
    CHECK_UINT(engine->turns, 1);
}

/* ---- Listening ---------------------------------------------------------------------------- */

struct heard {
    size_t actions;
    size_t wakes;
    size_t closes;
    mcpz_link link;
    const char *why;
};

static void on_action(void *context, const struct mcpz_action *action)
{
    struct heard *heard = context;

    CHECK(action->kind == MCPZ_ACTION_DIAL);
    heard->actions++;
}

static void on_wake(void *context, mcpz_link link)
{
    struct heard *heard = context;

    heard->wakes++;
    heard->link = link;
}

static void on_close(void *context, mcpz_link link, const char *why)
{
    struct heard *heard = context;

    heard->closes++;
    heard->link = link;
    heard->why = why;
}

TEST(every_listener_hears_every_action)
{
    struct heard heard[MCPZ_LOOP_LISTENERS_MAX] = {{.actions = 0}};

    for (size_t i = 0; i < MCPZ_LOOP_LISTENERS_MAX; i++) {
        mcpz_loop_listen(loop, on_action, &heard[i]);
    }
    fake_dial(loop, "h:1", NULL);
    fake_dial(loop, "h:2", NULL);
    for (size_t i = 0; i < MCPZ_LOOP_LISTENERS_MAX; i++) {
        CHECK_UINT(heard[i].actions, 2);
    }
}

TEST(links_are_asked_for_where_they_are)
{
    struct heard heard = {.actions = 0};

    /* Nobody carries links yet: then nothing happens. */
    engine->ports.wake(engine->ports.context, 7);
    engine->ports.close(engine->ports.context, 7, "early");
    mcpz_loop_set_links(
        loop, &(struct mcpz_link_ports){.context = &heard, .wake = on_wake, .close = on_close});
    engine->ports.wake(engine->ports.context, 7);
    CHECK_UINT(heard.wakes, 1);
    CHECK_UINT(heard.link, 7);
    engine->ports.close(engine->ports.context, 8, "late");
    CHECK_UINT(heard.closes, 1);
    CHECK_UINT(heard.link, 8);
    CHECK_TEXT(heard.why, "late");
}

/* ---- Putting off -------------------------------------------------------------------------- */

struct later {
    struct mcpz_deferred deferred;
    struct mcpz_deferred *also; /* put off while it runs */
    char letter;
};

static char order[32];
static size_t order_length;

static void on_later(void *context)
{
    struct later *later = context;

    order[order_length++] = later->letter;
    order[order_length] = '\0';
    (void)mcpz_loop_enter(loop);
    if (later->also != NULL) {
        struct mcpz_deferred *also = later->also;
        later->also = NULL;
        mcpz_loop_defer(loop, also);
    }
}

static struct later make_later(char letter)
{
    return (struct later){.deferred = {.run = on_later}, .letter = letter};
}

static void forget_order(void)
{
    order_length = 0;
    order[0] = '\0';
}

static bool has_run(const void *context)
{
    return order_length >= *(const size_t *)context;
}

TEST(what_is_put_off_runs_in_order_and_once)
{
    struct later x = make_later('x');
    struct later y = make_later('y');
    const size_t two = 2;

    forget_order();
    x.deferred.context = &x;
    y.deferred.context = &y;
    mcpz_loop_defer(loop, &x.deferred);
    mcpz_loop_defer(loop, &y.deferred);
    mcpz_loop_defer(loop, &x.deferred);
    CHECK_TEXT(order, "");
    CHECK(fake_turn_until(has_run, &two));
    turn_once();
    turn_once();
    CHECK_TEXT(order, "xy");
    CHECK(!engine->in_turn);
}

TEST(what_is_put_off_again_runs_in_a_turn_of_its_own)
{
    struct later x = make_later('x');
    struct later y = make_later('y');
    const size_t three = 3;
    const size_t turns = engine->turns;

    forget_order();
    x.deferred.context = &x;
    y.deferred.context = &y;
    x.also = &x.deferred;
    mcpz_loop_defer(loop, &x.deferred);
    mcpz_loop_defer(loop, &y.deferred);
    CHECK(fake_turn_until(has_run, &three));
    CHECK_TEXT(order, "xyx");
    CHECK_UINT(engine->turns - turns, 2);
}

static void on_again(void *context)
{
    (void)mcpz_loop_enter(loop);
    mcpz_loop_defer(loop, context);
}

TEST(what_puts_itself_off_for_ever_keeps_nobody_from_being_heard)
{
    struct mcpz_deferred again = {.run = on_again, .context = &again};

    mcpz_loop_defer(loop, &again);
    fake_store_notify();
    CHECK(fake_turn_until(has_progressed, NULL));
    mcpz_loop_undefer(loop, &again);
}

struct labour {
    struct mcpz_deferred deferred;
    size_t times;
};

/* Longer than what is put off may take in one trip of the loop. */
static void on_labour(void *context)
{
    struct labour *labour = context;
    const mcpz_time until_us = mcpz_clock_now() + MCPZ_MS(2);

    (void)mcpz_loop_enter(loop);
    labour->times++;
    while (mcpz_clock_now() < until_us) {
    }
    mcpz_loop_defer(loop, &labour->deferred);
}

TEST(what_takes_long_and_is_put_off_again_waits_for_another_trip)
{
    struct labour labour = {.deferred = {.run = on_labour, .context = &labour}};

    turn_once();
    mcpz_loop_defer(loop, &labour.deferred);
    turn_once();
    CHECK_UINT(labour.times, 1);
    turn_once();
    CHECK_UINT(labour.times, 2);
    mcpz_loop_undefer(loop, &labour.deferred);
}

TEST(what_is_taken_back_does_not_run)
{
    struct later all[] = {make_later('a'), make_later('b'), make_later('c'), make_later('d')};
    const size_t two = 2;

    forget_order();
    for (size_t i = 0; i < 4; i++) {
        all[i].deferred.context = &all[i];
        mcpz_loop_undefer(loop, &all[i].deferred);
        mcpz_loop_defer(loop, &all[i].deferred);
    }
    mcpz_loop_undefer(loop, &all[1].deferred);
    mcpz_loop_undefer(loop, &all[3].deferred);
    mcpz_loop_defer(loop, &all[1].deferred);
    mcpz_loop_undefer(loop, &all[0].deferred);
    CHECK(fake_turn_until(has_run, &two));
    turn_once();
    CHECK_TEXT(order, "cb");
}

/* ---- Running and ending ------------------------------------------------------------------- */

static void on_raise(struct ev_loop *ev, ev_timer *watcher, int events)
{
    const int *number = watcher->data;

    (void)ev;
    (void)events;
    (void)mcpz_loop_enter(loop);
    CHECK(raise(*number) == 0);
}

static void on_reload(void *context)
{
    size_t *count = context;

    ++*count;
    CHECK(raise(SIGTERM) == 0);
}

static size_t run_with_signal(int number)
{
    ev_timer timer;
    size_t reloads = 0;

    ev_timer_init(&timer, on_raise, 0., 0.);
    timer.data = &number;
    ev_timer_start(mcpz_loop_ev(loop), &timer);
    mcpz_loop_run(loop, on_reload, &reloads);
    CHECK(!engine->in_turn);
    return reloads;
}

TEST(stops_when_told_to)
{
    CHECK_UINT(run_with_signal(SIGTERM), 0);
    CHECK_UINT(run_with_signal(SIGINT), 0);
    mcpz_loop_stop(loop);
    mcpz_loop_run(loop, NULL, NULL);
}

TEST(reloads_when_told_to)
{
    CHECK_UINT(run_with_signal(SIGHUP), 1);
}

TEST(a_broken_pipe_is_no_reason_to_die)
{
    CHECK(raise(SIGPIPE) == 0);
}

TEST(may_have_as_many_descriptors_as_the_system_allows)
{
    struct rlimit limit;

    CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0);
    CHECK(limit.rlim_cur == limit.rlim_max || limit.rlim_cur == 65536);
}

static void on_end(void *context)
{
    struct later *later = context;

    order[order_length++] = later->letter;
    order[order_length] = '\0';
}

TEST(ends_are_called_the_last_one_first)
{
    struct later x = make_later('x');
    struct later y = make_later('y');

    forget_order();
    mcpz_loop_at_end(loop, on_end, &x);
    mcpz_loop_at_end(loop, on_end, &y);
    mcpz_loop_destroy(loop);
    CHECK_TEXT(order, "yx");
    mcpz_loop_destroy(NULL);
    set_up(NULL);
}

#define WITH_LOOP(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

TEST_MAIN(WITH_LOOP(a_turn_is_opened_once_and_closed_before_the_loop_sleeps),
          WITH_LOOP(the_engine_is_called_when_its_deadline_is_there),
          WITH_LOOP(a_deadline_long_past_is_met_at_once),
          WITH_LOOP(news_of_the_store_are_taken_in_outside_a_turn),
          WITH_LOOP(every_listener_hears_every_action),
          WITH_LOOP(links_are_asked_for_where_they_are),
          WITH_LOOP(what_is_put_off_runs_in_order_and_once),
          WITH_LOOP(what_is_put_off_again_runs_in_a_turn_of_its_own),
          WITH_LOOP(what_puts_itself_off_for_ever_keeps_nobody_from_being_heard),
          WITH_LOOP(what_takes_long_and_is_put_off_again_waits_for_another_trip),
          WITH_LOOP(what_is_taken_back_does_not_run), WITH_LOOP(stops_when_told_to),
          WITH_LOOP(reloads_when_told_to), WITH_LOOP(a_broken_pipe_is_no_reason_to_die),
          WITH_LOOP(may_have_as_many_descriptors_as_the_system_allows),
          WITH_LOOP(ends_are_called_the_last_one_first))
