#include "fake_loop.h"

#include <signal.h>

#include <ev.h>

#include "test.h"

/* The edges know neither from inside; here they are one. */
struct mcpz_loop {
    struct ev_loop *ev;
    mcpz_listener listener;
    void *context;
    struct fake *fake;
    bool in_action;
};

static struct mcpz_loop the_loop;

static void act(const struct mcpz_action *action)
{
    bool outer = the_loop.in_action;

    the_loop.in_action = true;
    the_loop.listener(the_loop.context, action);
    the_loop.in_action = outer;
}

static void act_run(enum mcpz_action_kind kind, struct mcpz_action_run run)
{
    struct mcpz_action action = {.kind = kind, .run = run};
    act(&action);
}

/* ---- What the host floor would be --------------------------------------------------------- */

void mcpz_loop_listen(struct mcpz_loop *loop, mcpz_listener listener, void *context)
{
    loop->listener = listener;
    loop->context = context;
}

struct mcpz_engine *mcpz_loop_enter(struct mcpz_loop *loop)
{
    CHECK(!loop->in_action); /* a listener may not call the engine */
    return (struct mcpz_engine *)(void *)loop;
}

struct ev_loop *mcpz_loop_ev(struct mcpz_loop *loop)
{
    return loop->ev;
}

/* ---- What the core would do --------------------------------------------------------------- */

uint64_t fake_hash(uint64_t hash, const uint8_t *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        hash = (hash ^ bytes[i]) * UINT64_C(0x100000001b3);
    }
    return hash;
}

/* As much as the window allows. */
static void feed(struct fake_run *run)
{
    while (!run->over && !run->stopped && run->input_open && run->input != NULL) {
        size_t left = run->input_bytes - run->input_sent;
        if (left == 0) {
            run->input_open = false;
            act_run(MCPZ_ACTION_RUN_INPUT_END, (struct mcpz_action_run){.run = run->id});
            return;
        }
        size_t step = left < run->input_step ? left : run->input_step;
        if (run->input_sent + step > run->input_allowed) {
            return;
        }
        struct mcpz_bytes chunk = mcpz_bytes(run->input + run->input_sent, step);
        run->input_sent += step;
        act_run(MCPZ_ACTION_RUN_INPUT, (struct mcpz_action_run){.run = run->id, .chunk = chunk});
    }
}

static void on_output(struct fake_run *run, struct mcpz_bytes chunk)
{
    CHECK(chunk.length > 0 && chunk.length <= MCPZ_CHUNK_BYTES_MAX);
    CHECK(run->output_bytes + chunk.length <= run->output_allowed);

    if (run->output_bytes < sizeof(run->output)) {
        size_t room = sizeof(run->output) - run->output_bytes;
        memcpy(run->output + run->output_bytes, chunk.data,
               chunk.length < room ? chunk.length : room);
    }
    run->output_hash = fake_hash(run->output_hash, chunk.data, chunk.length);
    run->output_bytes += chunk.length;
    if (run->stops_at_output) {
        run->stopped = true;
        act_run(MCPZ_ACTION_RUN_STOP, (struct mcpz_action_run){.run = run->id});
    } else if (run->pull > 0 && run->output_bytes == run->output_allowed) {
        run->output_allowed += run->pull;
        act_run(MCPZ_ACTION_RUN_PULL,
                (struct mcpz_action_run){.run = run->id, .credit = run->pull});
    }
}

static void on_over(struct fake *fake, struct fake_run *run, const struct mcpz_event_run *event)
{
    run->over = true;
    run->code = event->code;
    mcpz_bytes_to_text(event->text, run->text, sizeof(run->text));
    CHECK(event->text.length <= MCPZ_MESSAGE_BYTES_MAX);
    CHECK(mcpz_bytes_is_utf8(event->text));
    fake->over_count++;
}

void mcpz_engine_event(struct mcpz_engine *engine, struct mcpz_event *event)
{
    struct fake *fake = ((struct mcpz_loop *)(void *)engine)->fake;

    if (event->kind == MCPZ_EVENT_PROVIDE || event->kind == MCPZ_EVENT_WITHDRAW) {
        fake->provided += event->kind == MCPZ_EVENT_PROVIDE;
        fake->isolation = event->provide.isolation;
        fake->withdrawn += event->kind == MCPZ_EVENT_WITHDRAW;
        return;
    }

    CHECK(event->run.run > 0 && event->run.run <= fake->run_count);
    struct fake_run *run = &fake->runs[event->run.run - 1];
    CHECK(!run->over && !run->stopped);
    switch ((int)event->kind) {
    case MCPZ_EVENT_RUN_CREDIT:
        run->credit_bytes += event->run.credit;
        run->input_allowed += event->run.credit;
        CHECK(run->credit_bytes <= run->input_sent);
        feed(run);
        break;
    case MCPZ_EVENT_RUN_OUTPUT:
        on_output(run, event->run.chunk);
        break;
    case MCPZ_EVENT_RUN_END:
        CHECK_UINT(event->run.code, MCPZ_CODE_OK);
        if (event->run.chunk.length > 0) {
            on_output(run, event->run.chunk);
        }
        run->plan = event->run.plan;
        on_over(fake, run, &event->run);
        break;
    case MCPZ_EVENT_RUN_FAIL:
        CHECK(event->run.code > MCPZ_CODE_OK && event->run.code < MCPZ_CODE_END);
        CHECK(event->run.text.length > 0);
        on_over(fake, run, &event->run);
        break;
    default:
        _fail(__FILE__, __LINE__); /* not an event of a provider */
    }
}

/* ---- For tests ---------------------------------------------------------------------------- */

void fake_init(struct fake *fake)
{
    (void)signal(SIGPIPE, SIG_IGN);
    *fake = (struct fake){.loop = &the_loop};
    fake->runs = calloc(FAKE_RUNS_MAX, sizeof(*fake->runs));
    CHECK(fake->runs != NULL);
    the_loop = (struct mcpz_loop){.ev = ev_default_loop(EVFLAG_AUTO), .fake = fake};
    CHECK(the_loop.ev != NULL);
}

void fake_finish(struct fake *fake)
{
    ev_loop_destroy(the_loop.ev);
    free(fake->runs);
}

static struct fake_run *start(struct fake *fake, struct mcpz_action_run action)
{
    CHECK(fake->run_count < FAKE_RUNS_MAX);

    struct fake_run *run = &fake->runs[fake->run_count++];
    run->id = (uint32_t)fake->run_count;
    run->pull = MCPZ_CALL_WINDOW_BYTES;
    run->input_step = MCPZ_CHUNK_BYTES_MAX;
    run->output_allowed = MCPZ_CALL_WINDOW_BYTES;
    run->input_allowed = MCPZ_CALL_WINDOW_BYTES;
    run->output_hash = FAKE_HASH_START;
    run->input_open = action.has_input;
    action.run = run->id;
    memset(action.caller.bytes, 7, sizeof(action.caller.bytes));
    act_run(MCPZ_ACTION_RUN_START, action);
    return run;
}

struct fake_run *fake_start_labelled(struct fake *fake, struct mcpz_action_run action)
{
    return start(fake, action);
}

struct fake_run *fake_start(struct fake *fake, const char *capability, const char *params,
                            uint32_t timeout_ms)
{
    return start(fake, (struct mcpz_action_run){.capability = mcpz_text(capability),
                                                .params = mcpz_text(params),
                                                .timeout_ms = timeout_ms});
}

struct fake_run *fake_start_input(struct fake *fake, const char *capability, const void *input,
                                  size_t length, uint32_t timeout_ms)
{
    struct fake_run *run =
        start(fake, (struct mcpz_action_run){.capability = mcpz_text(capability),
                                             .params = mcpz_text("{}"),
                                             .has_input = true,
                                             .timeout_ms = timeout_ms});
    run->input = input;
    run->input_bytes = length;
    feed(run);
    return run;
}

struct fake_run *fake_start_params(struct fake *fake, const char *capability,
                                   struct mcpz_bytes params)
{
    return start(fake, (struct mcpz_action_run){.capability = mcpz_text(capability),
                                                .params = params,
                                                .timeout_ms = 50000});
}

void fake_stop(struct fake *fake, struct fake_run *run)
{
    (void)fake;
    run->stopped = true;
    act_run(MCPZ_ACTION_RUN_STOP, (struct mcpz_action_run){.run = run->id});
}

void fake_pull(struct fake *fake, struct fake_run *run, uint32_t credit)
{
    (void)fake;
    run->output_allowed += credit;
    act_run(MCPZ_ACTION_RUN_PULL, (struct mcpz_action_run){.run = run->id, .credit = credit});
}

void fake_input(struct fake *fake, struct fake_run *run, const void *bytes, size_t length)
{
    (void)fake;
    run->input_sent += length;
    act_run(MCPZ_ACTION_RUN_INPUT,
            (struct mcpz_action_run){.run = run->id, .chunk = mcpz_bytes(bytes, length)});
}

void fake_input_end(struct fake *fake, struct fake_run *run)
{
    (void)fake;
    run->input_open = false;
    act_run(MCPZ_ACTION_RUN_INPUT_END, (struct mcpz_action_run){.run = run->id});
}

void fake_turn(struct fake *fake)
{
    (void)ev_run(fake->loop->ev, EVRUN_ONCE);
}

void fake_after_fork(struct fake *fake)
{
    ev_loop_fork(fake->loop->ev);
}

static void on_deadline(struct ev_loop *loop, ev_timer *timer, int events)
{
    (void)loop;
    (void)events;
    *(bool *)timer->data = true;
}

bool fake_turn_until(struct fake *fake, const size_t *what, size_t value)
{
    bool late = false;
    ev_timer deadline;

    ev_timer_init(&deadline, on_deadline, FAKE_DEADLINE_S, 0.0);
    deadline.data = &late;
    ev_timer_start(fake->loop->ev, &deadline);
    while (*what != value && !late) {
        fake_turn(fake);
    }
    ev_timer_stop(fake->loop->ev, &deadline);
    return *what == value;
}

bool fake_turn_until_over(struct fake *fake, const struct fake_run *run)
{
    while (!run->over) {
        if (!fake_turn_until(fake, &fake->over_count, fake->over_count + 1)) {
            return false;
        }
    }
    return true;
}
