#include "exec/job.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define CPU_SLACK_SECONDS 2
/* stderr of a task that is over holds what a pipe holds: 64 KiB, at most 1 MiB if it was grown. */
#define DRAIN_READS_MAX (1048576 / MCPZ_CHUNK_BYTES_MAX + 1)

/* ---- Saying things to the engine ---------------------------------------------------------- */

static void deliver(struct mcpz_job *job, struct mcpz_event *event)
{
    event->run.run = job->id;
    mcpz_engine_event(mcpz_loop_enter(job->site->loop), event);
}

static struct ev_loop *loop_of(const struct mcpz_job *job)
{
    return mcpz_loop_ev(job->site->loop);
}

/* Watchers stop before their descriptors are closed. */
static void close_watched(struct mcpz_job *job, ev_io *watcher, int *fd)
{
    ev_io_stop(loop_of(job), watcher);
    mcpz_child_close(fd);
}

/* From now on only the keeper's end is waited for. */
static void hush(struct mcpz_job *job)
{
    job->told = true;
    close_watched(job, &job->on_input, &job->child.input);
    close_watched(job, &job->on_output, &job->child.output);
    close_watched(job, &job->on_errors, &job->child.errors);
    close_watched(job, &job->on_plan, &job->child.plan);
    ev_timer_stop(loop_of(job), &job->on_timeout);
    mcpz_child_stop(&job->child);
}

/* The last word about a job. Hushed first: the engine may answer with a STOP at once. */
static void tell_failure(struct mcpz_job *job, uint32_t code, struct mcpz_bytes text)
{
    struct mcpz_event event = {
        .kind = MCPZ_EVENT_RUN_FAIL,
        .run = {.code = code, .text = text},
    };
    hush(job);
    deliver(job, &event);
}

static void give_credit(struct mcpz_job *job)
{
    uint32_t credit = job->told ? 0 : mcpz_run_take_credit(&job->run);
    if (credit > 0) {
        struct mcpz_event event = {.kind = MCPZ_EVENT_RUN_CREDIT, .run = {.credit = credit}};
        deliver(job, &event);
    }
}

static void drain_errors(struct mcpz_job *job)
{
    for (int i = 0; i < DRAIN_READS_MAX && job->child.errors >= 0; i++) {
        ssize_t got = read(job->child.errors, job->site->buffer, sizeof(job->site->buffer));
        if (got <= 0) {
            return;
        }
        mcpz_run_errors(&job->run, mcpz_bytes(job->site->buffer, (size_t)got));
    }
}

/* Read what it says on MCPZ_PLAN_FD: one byte more than a plan may have tells that it has too
 * many; what is behind that is thrown away. False: there is no more now. */
static bool read_plan(struct mcpz_job *job)
{
    size_t room = MCPZ_PLAN_BYTES_MAX + 1 - job->plan_length;
    ssize_t got =
        read(job->child.plan, room > 0 ? job->plan + job->plan_length : job->site->buffer,
             room > 0 ? room : sizeof(job->site->buffer));

    if (got > 0 && room > 0) {
        job->plan_length += (size_t)got;
    }
    return got > 0;
}

/* A plan, and nothing else: true if that is how it ended. */
static bool tell_plan(struct mcpz_job *job)
{
    struct mcpz_event event = {
        .kind = MCPZ_EVENT_RUN_END,
        .run = {.chunk = mcpz_bytes(job->plan, job->plan_length), .plan = true},
    };

    for (int i = 0; i < DRAIN_READS_MAX && job->child.plan >= 0 && read_plan(job); i++) {
    }
    event.run.chunk.length = job->plan_length;
    if (job->plan_length == 0) {
        return false;
    }
    if (job->plan_length > MCPZ_PLAN_BYTES_MAX) {
        tell_failure(job, MCPZ_CODE_TOO_LARGE,
                     mcpz_text("its plan of subtasks is larger than 32 KiB"));
    } else if (job->run.output_total > 0) {
        tell_failure(job, MCPZ_CODE_PROVIDER_FAILED,
                     mcpz_text("it gave a plan of subtasks and a result: it can be only one"));
    } else {
        job->site->stats.ended++;
        hush(job);
        deliver(job, &event);
    }
    return true;
}

static void tell_verdict(struct mcpz_job *job)
{
    struct mcpz_pool_stats *stats = &job->site->stats;
    struct mcpz_run_text text;

    if (job->trouble != MCPZ_CODE_OK) {
        stats->not_started += job->trouble == MCPZ_CODE_START_FAILED;
        tell_failure(job, job->trouble, mcpz_text(job->trouble_text));
        return;
    }

    drain_errors(job);
    enum mcpz_code code = mcpz_run_verdict(&job->run, job->wait_status, &text);
    if (code != MCPZ_CODE_OK) {
        stats->failed += code == MCPZ_CODE_PROVIDER_FAILED;
        stats->crashed += code == MCPZ_CODE_PROVIDER_CRASHED;
        tell_failure(job, code, mcpz_bytes(text.text, text.length));
        return;
    }

    if (tell_plan(job)) {
        return;
    }
    struct mcpz_event event = {.kind = MCPZ_EVENT_RUN_END};
    stats->ended++;
    hush(job);
    deliver(job, &event);
}

/*
 * Has all output been handed over? When nobody is left to write, what the pipe holds is all there
 * is; end of file says the same, but cannot be read without credit.
 */
static bool output_is_over(const struct mcpz_job *job)
{
    int waiting = 0;
    return job->child.output < 0 || ioctl(job->child.output, FIONREAD, &waiting) < 0 ||
           waiting == 0;
}

/* The last thing every way in does: the job may not exist after it. */
static void settle(struct mcpz_job *job)
{
    if (!job->told && job->ended && output_is_over(job)) {
        tell_verdict(job);
    }
    if (job->told && job->child.keeper == 0) {
        job->site->over(job->site->context, job);
    }
}

/* ---- Moving bytes ------------------------------------------------------------------------- */

static void watch_input(struct mcpz_job *job)
{
    if (job->child.input < 0) {
        return;
    }
    if (mcpz_run_input_is_over(&job->run)) {
        close_watched(job, &job->on_input, &job->child.input);
    } else if (mcpz_run_input_next(&job->run).length > 0) {
        ev_io_start(loop_of(job), &job->on_input);
    } else {
        ev_io_stop(loop_of(job), &job->on_input);
    }
}

static void watch_output(struct mcpz_job *job)
{
    if (job->child.output < 0) {
        return;
    }
    if (mcpz_run_output_room(&job->run) > 0) {
        ev_io_start(loop_of(job), &job->on_output);
    } else {
        ev_io_stop(loop_of(job), &job->on_output);
    }
}

static bool is_passing(int error)
{
    return error == EAGAIN || error == EINTR;
}

static void on_input(struct ev_loop *loop, ev_io *watcher, int events)
{
    (void)loop;
    (void)events;
    struct mcpz_job *job = watcher->data;
    struct mcpz_bytes bytes = mcpz_run_input_next(&job->run);

    if (bytes.length > 0) {
        ssize_t written = write(job->child.input, bytes.data, bytes.length);
        if (written >= 0) {
            mcpz_run_input_written(&job->run, (size_t)written);
        } else if (!is_passing(errno)) {
            mcpz_run_input_refuse(&job->run);
        }
    }
    give_credit(job);
    watch_input(job);
    settle(job);
}

static void take_output(struct mcpz_job *job, size_t length)
{
    if (mcpz_run_output(&job->run, length) != MCPZ_RUN_FITS) {
        char text[MCPZ_JOB_TEXT_BYTES];
        (void)snprintf(text, sizeof(text), "the result is larger than %d bytes",
                       MCPZ_OUTPUT_BYTES_MAX);
        job->site->stats.stopped++;
        tell_failure(job, MCPZ_CODE_TOO_LARGE, mcpz_text(text));
        return;
    }

    struct mcpz_event event = {
        .kind = MCPZ_EVENT_RUN_OUTPUT,
        .run = {.chunk = mcpz_bytes(job->site->buffer, length)},
    };
    deliver(job, &event);
}

static void on_output(struct ev_loop *loop, ev_io *watcher, int events)
{
    (void)loop;
    (void)events;
    struct mcpz_job *job = watcher->data;
    size_t room = mcpz_run_output_room(&job->run);

    if (room > 0) {
        ssize_t got = read(job->child.output, job->site->buffer, room);
        if (got > 0) {
            take_output(job, (size_t)got);
        } else if (got == 0 || !is_passing(errno)) {
            close_watched(job, &job->on_output, &job->child.output);
        }
    }
    watch_output(job);
    settle(job);
}

static void on_errors(struct ev_loop *loop, ev_io *watcher, int events)
{
    (void)loop;
    (void)events;
    struct mcpz_job *job = watcher->data;

    ssize_t got = read(job->child.errors, job->site->buffer, sizeof(job->site->buffer));
    if (got > 0) {
        mcpz_run_errors(&job->run, mcpz_bytes(job->site->buffer, (size_t)got));
    } else if (got == 0 || !is_passing(errno)) {
        close_watched(job, &job->on_errors, &job->child.errors);
    }
}

static void on_plan(struct ev_loop *loop, ev_io *watcher, int events)
{
    (void)loop;
    (void)events;
    struct mcpz_job *job = watcher->data;

    if (!read_plan(job) && !is_passing(errno)) {
        close_watched(job, &job->on_plan, &job->child.plan);
    }
}

static void on_timeout(struct ev_loop *loop, ev_timer *timer, int events)
{
    (void)loop;
    (void)events;
    struct mcpz_job *job = timer->data;
    char text[MCPZ_JOB_TEXT_BYTES];

    (void)snprintf(text, sizeof(text), "no result within %u ms%s", job->timeout_ms,
                   job->started ? "" : ": it was still waiting for its turn");
    mcpz_job_fail(job, MCPZ_CODE_TIMEOUT, text);
}

/* ---- The keeper's news -------------------------------------------------------------------- */

static void note_trouble(struct mcpz_job *job, enum mcpz_code code, const char *what,
                         const char *why)
{
    if (job->trouble == MCPZ_CODE_OK) {
        job->trouble = code;
        (void)snprintf(job->trouble_text, sizeof(job->trouble_text), "%s%s", what, why);
    }
}

static void note_limit(struct mcpz_job *job, enum mcpz_limit limit)
{
    if (limit != MCPZ_LIMIT_NONE && job->trouble == MCPZ_CODE_OK) {
        job->trouble = MCPZ_CODE_LIMIT;
        mcpz_limit_show(limit, &job->limits, job->capability, job->trouble_text,
                        sizeof(job->trouble_text));
    }
}

static void on_report(struct mcpz_job *job, const struct mcpz_keeper_report *report)
{
    char what[MCPZ_JOB_TEXT_BYTES];

    switch (report->kind) {
    case MCPZ_KEEPER_STARTED:
        return;
    case MCPZ_KEEPER_FAILED:
        (void)snprintf(what, sizeof(what),
                       "cannot start the command: %s: ", mcpz_child_stage_word(report->stage));
        note_trouble(job, MCPZ_CODE_START_FAILED, what, strerror(report->number));
        return;
    case MCPZ_KEEPER_ENDED:
        job->ended = true;
        job->wait_status = report->number;
        job->site->stats.stragglers += report->stragglers;
        job->site->stats.limited += report->limit != MCPZ_LIMIT_NONE;
        note_limit(job, report->limit);
        if (report->pid == 0) {
            note_trouble(job, MCPZ_CODE_START_FAILED, "cannot start the command", "");
        }
        return;
    }
}

/* The keeper is gone. If it was killed, its duties are ours. */
static void on_gone(struct mcpz_job *job)
{
    ev_io_stop(loop_of(job), &job->on_status);
    if (!job->told && !job->ended) {
        note_trouble(job, MCPZ_CODE_INTERNAL, "the process that kept the task was killed", "");
        tell_verdict(job);
    }

    /* Output its caller has not taken yet stays readable; all else is closed. */
    int output = job->child.output;
    int errors = job->child.errors;
    int plan = job->child.plan;
    job->child.output = -1;
    job->child.errors = -1;
    job->child.plan = -1;
    ev_io_stop(loop_of(job), &job->on_input);
    mcpz_child_finish(&job->child);
    /* The keeper did this, or was killed. Which, its wait status cannot tell: see child.c. */
    (void)mcpz_workspace_remove(job->site->launch.root, job->workspace);
    job->child.output = output;
    job->child.errors = errors;
    job->child.plan = plan;
}

static bool take_news(struct mcpz_job *job)
{
    struct mcpz_keeper_report report;

    switch (mcpz_child_read(&job->child, &report)) {
    case MCPZ_CHILD_NOTHING:
        return false;
    case MCPZ_CHILD_REPORT:
        on_report(job, &report);
        return true;
    case MCPZ_CHILD_GONE:
        on_gone(job);
        return false;
    }
    return false;
}

static void on_status(struct ev_loop *loop, ev_io *watcher, int events)
{
    (void)loop;
    (void)events;
    struct mcpz_job *job = watcher->data;

    (void)take_news(job);
    settle(job);
}

/* ---- Starting ----------------------------------------------------------------------------- */

static bool say_levels(struct mcpz_environment *environment, const struct mcpz_job *job)
{
    return job->levels == 0 ||
           (mcpz_environment_add_number(environment, "MCPZ_PLAN_FD", MCPZ_PLAN_FD) &&
            mcpz_environment_add_number(environment, "MCPZ_PLAN_LEVELS", job->levels));
}

static bool environment_make(struct mcpz_environment *environment, const struct mcpz_job *job)
{
    return say_levels(environment, job) &&
           mcpz_environment_add(environment, "MCPZ_TASK_TYPE", job->capability) &&
           mcpz_environment_add(environment, "MCPZ_PARAMS", job->params) &&
           mcpz_environment_add(environment, "MCPZ_CALLER", job->caller) &&
           mcpz_environment_add_number(environment, "MCPZ_DEADLINE_MS", job->deadline_wall_ms) &&
           mcpz_environment_add_number(environment, "MCPZ_PRIORITY", job->priority) &&
           mcpz_environment_add(environment, "MCPZ_TENANT", job->tenant) &&
           mcpz_environment_add(environment, "MCPZ_TRACEPARENT", job->traceparent) &&
           mcpz_environment_add(environment, "MCPZ_IDEMPOTENCY_KEY", job->idempotency_key) &&
           mcpz_environment_add_number(environment, "MCPZ_IDEMPOTENT", job->idempotent);
}

/*
 * A second net under the timeout: a process that computes on all processors until its time is
 * over stays below it.
 */
static uint32_t cpu_seconds(const struct mcpz_job *job, bool fenced)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    uint32_t seconds = job->timeout_ms / 1000 + CPU_SLACK_SECONDS;

    if (fenced) {
        uint32_t most = job->limits.seconds + CPU_SLACK_SECONDS;
        return (most < seconds ? most : seconds) * ((job->limits.cpu_milli + 999) / 1000);
    }
    return processors > 1 && processors < 4096 ? seconds * (uint32_t)processors : seconds;
}

static void watch(struct mcpz_job *job)
{
    ev_io_set(&job->on_input, job->child.input, EV_WRITE);
    ev_io_set(&job->on_output, job->child.output, EV_READ);
    ev_io_set(&job->on_errors, job->child.errors, EV_READ);
    ev_io_set(&job->on_status, job->child.status, EV_READ);
    if (job->child.plan >= 0) {
        ev_io_set(&job->on_plan, job->child.plan, EV_READ);
        ev_io_start(loop_of(job), &job->on_plan);
    }
    ev_io_start(loop_of(job), &job->on_errors);
    ev_io_start(loop_of(job), &job->on_status);
    watch_input(job);
    watch_output(job);
}

static void fail_start(struct mcpz_job *job, const char *what)
{
    char text[MCPZ_JOB_TEXT_BYTES];

    (void)snprintf(text, sizeof(text), "%s: %s", what, strerror(errno));
    job->site->stats.not_started++;
    mcpz_job_fail(job, MCPZ_CODE_START_FAILED, text);
}

void mcpz_job_start(struct mcpz_job *job, const struct mcpz_provision *provision)
{
    assert(!job->started && !job->told);

    job->limits = provision->provider.limits;
    const bool fenced = provision->isolation != MCPZ_ISOLATION_NONE;
    const struct mcpz_launch launch = {
        .provision = provision,
        .cpu_seconds_max = cpu_seconds(job, fenced),
        .plans = job->levels > 0,
    };
    struct mcpz_environment environment = {.count = 0};
    const char *what = "cannot make the environment";
    mcpz_error error = MCPZ_ENOMEM;
    errno = ENOMEM;
    if (environment_make(&environment, job)) {
        error = mcpz_launch(&job->site->launch, &launch, &environment, job->workspace, &job->child,
                            &what);
    }
    int cause = errno;
    mcpz_environment_finish(&environment);
    errno = cause;
    if (error != MCPZ_OK) {
        fail_start(job, what);
        return;
    }
    job->started = true;
    job->site->stats.started++;
    watch(job);
}

/* ---- From the engine, and the life of a job ----------------------------------------------- */

bool mcpz_job_input(struct mcpz_job *job, struct mcpz_bytes chunk)
{
    if (job->told) {
        return false;
    }
    switch (mcpz_run_input(&job->run, chunk)) {
    case MCPZ_RUN_FITS:
        watch_input(job);
        return job->run.input_refused;
    case MCPZ_RUN_OVER_WINDOW:
        note_trouble(job, MCPZ_CODE_BAD_REQUEST, "more input came than was asked for", "");
        return true;
    case MCPZ_RUN_OVER_LIMIT:
        note_trouble(job, MCPZ_CODE_TOO_LARGE, "the input is larger than a task may have", "");
        return true;
    }
    return false;
}

void mcpz_job_input_end(struct mcpz_job *job)
{
    if (!job->told) {
        mcpz_run_input_end(&job->run);
        watch_input(job);
    }
}

void mcpz_job_pull(struct mcpz_job *job, uint32_t credit)
{
    if (!job->told) {
        mcpz_run_pull(&job->run, credit);
        watch_output(job);
    }
}

void mcpz_job_stop(struct mcpz_job *job)
{
    if (!job->told) {
        job->site->stats.stopped += job->started;
        hush(job);
    }
}

void mcpz_job_fail(struct mcpz_job *job, enum mcpz_code code, const char *text)
{
    if (!job->told) {
        job->site->stats.stopped += job->started;
        tell_failure(job, code, mcpz_text(text));
    }
    settle(job);
}

void mcpz_job_poll(struct mcpz_job *job)
{
    if (!job->told && job->trouble != MCPZ_CODE_OK && job->trouble != MCPZ_CODE_START_FAILED) {
        mcpz_job_fail(job, job->trouble, job->trouble_text);
        return;
    }
    give_credit(job);
    settle(job);
}

bool mcpz_job_reap(struct mcpz_job *job)
{
    assert(job->told);

    while (job->child.keeper > 0 && take_news(job)) {
    }
    return job->child.keeper == 0;
}

/* What the process finds in its environment, and hands on with calls of its own. */
static void copy_labels(struct mcpz_job *job, const struct mcpz_action_run *start)
{
    job->deadline_wall_ms = mcpz_clock_wall_ms() + start->timeout_ms;
    job->priority = start->priority;
    job->idempotent = start->idempotent;
    job->held = start->held;
    mcpz_bytes_to_text(start->tenant, job->tenant, sizeof(job->tenant));
    mcpz_bytes_to_text(start->traceparent, job->traceparent, sizeof(job->traceparent));
    mcpz_bytes_to_text(start->idempotency_key, job->idempotency_key, sizeof(job->idempotency_key));
}

/* Its clock starts; the rest is watched when there is something. */
static void ready_watchers(struct mcpz_job *job)
{
    ev_io_init(&job->on_input, on_input, -1, EV_WRITE);
    ev_io_init(&job->on_output, on_output, -1, EV_READ);
    ev_io_init(&job->on_errors, on_errors, -1, EV_READ);
    ev_io_init(&job->on_status, on_status, -1, EV_READ);
    ev_io_init(&job->on_plan, on_plan, -1, EV_READ);
    job->on_plan.data = job;
    ev_timer_init(&job->on_timeout, on_timeout, job->timeout_ms / 1000.0, 0.0);
    job->on_input.data = job;
    job->on_output.data = job;
    job->on_errors.data = job;
    job->on_status.data = job;
    job->on_timeout.data = job;
    ev_timer_start(loop_of(job), &job->on_timeout);
}

mcpz_error mcpz_job_create(struct mcpz_job_site *site, const struct mcpz_action_run *start,
                           struct mcpz_job **job)
{
    assert(start->params.length <= MCPZ_PARAMS_BYTES_MAX);
    assert(start->capability.length <= MCPZ_CAPABILITY_BYTES_MAX);

    *job = NULL;
    struct mcpz_job *new_job = calloc(1, sizeof(*new_job));
    if (new_job == NULL) {
        return MCPZ_ENOMEM;
    }
    const size_t input_bytes = start->has_input ? MCPZ_CALL_WINDOW_BYTES : start->params.length;
    new_job->site = site;
    new_job->id = start->run;
    new_job->timeout_ms = start->timeout_ms;
    new_job->levels = start->levels;
    new_job->plan = start->levels > 0 ? malloc(MCPZ_PLAN_BYTES_MAX + 1) : NULL;
    new_job->params = malloc(start->params.length + 1);
    new_job->input = malloc(input_bytes + 1);
    if (new_job->params == NULL || new_job->input == NULL ||
        (start->levels > 0 && new_job->plan == NULL)) {
        goto fail;
    }

    mcpz_bytes_to_text(start->capability, new_job->capability, sizeof(new_job->capability));
    mcpz_bytes_to_text(start->params, new_job->params, start->params.length + 1);
    mcpz_id_to_text(&start->caller, 'n', new_job->caller);
    copy_labels(new_job, start);
    if (start->has_input) {
        mcpz_run_init(&new_job->run, new_job->input, input_bytes);
    } else {
        memcpy(new_job->input, new_job->params, input_bytes);
        mcpz_run_init_whole(&new_job->run, new_job->input, input_bytes);
    }
    mcpz_child_init(&new_job->child);

    ready_watchers(new_job);
    *job = new_job;
    return MCPZ_OK;

fail:
    free(new_job->params);
    free(new_job->input);
    free(new_job->plan);
    free(new_job);
    return MCPZ_ENOMEM;
}

void mcpz_job_destroy(struct mcpz_job *job)
{
    if (job == NULL) {
        return;
    }
    assert(job->child.keeper == 0);

    hush(job);
    free(job->params);
    free(job->input);
    free(job->plan);
    free(job);
}

void mcpz_job_abandon(struct mcpz_job *job)
{
    close_watched(job, &job->on_status, &job->child.status);
    job->child.keeper = 0;
    mcpz_job_destroy(job);
}
