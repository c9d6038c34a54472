#include "exec/worker.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "exec/crew.h"
#include "wire/json.h"

#define READS_MAX 64   /* of what is left in a pipe when its process is gone: 2 MiB */
#define SHOWN_BYTES 80 /* of a line that is no good */
#define STDERR_BYTES 4096

static struct ev_loop *loop_of(const struct mcpz_worker *worker)
{
    return mcpz_loop_ev(worker->crew->site->loop);
}

static const struct mcpz_service *service_of(const struct mcpz_worker *worker)
{
    return &worker->crew->provision.provider;
}

static void close_watched(struct mcpz_worker *worker, ev_io *watcher, int *fd)
{
    ev_io_stop(loop_of(worker), watcher);
    mcpz_child_close(fd);
}

/* ---- Its hands ---------------------------------------------------------------------------- */

static size_t hand_of(const struct mcpz_worker *worker, const struct mcpz_errand *errand)
{
    for (size_t i = 0; i < service_of(worker)->concurrency; i++) {
        if (worker->hands[i].errand == errand) {
            return i;
        }
    }
    return MCPZ_SERVICE_CONCURRENCY_MAX;
}

static struct mcpz_errand *errand_called(const struct mcpz_worker *worker, uint64_t id)
{
    for (size_t i = 0; i < service_of(worker)->concurrency; i++) {
        if (worker->hands[i].errand != NULL && worker->hands[i].id == id) {
            return worker->hands[i].errand;
        }
    }
    return NULL;
}

size_t mcpz_worker_busy(const struct mcpz_worker *worker)
{
    size_t count = 0;
    for (size_t i = 0; i < service_of(worker)->concurrency; i++) {
        count += worker->hands[i].errand != NULL;
    }
    return count;
}

bool mcpz_worker_has_room(const struct mcpz_worker *worker)
{
    return worker->state == MCPZ_WORKER_IDLE &&
           mcpz_worker_busy(worker) < service_of(worker)->concurrency;
}

static void fail_all(struct mcpz_worker *worker, uint32_t code, struct mcpz_bytes text)
{
    for (size_t i = 0; i < service_of(worker)->concurrency; i++) {
        if (worker->hands[i].errand != NULL) {
            mcpz_errand_fail(worker->hands[i].errand, code, text);
        }
    }
}

/* ---- Its end ------------------------------------------------------------------------------ */

/* What went wrong, and how its tasks end. The last words on stderr are in it. */
static uint32_t find_trouble(struct mcpz_worker *worker)
{
    struct mcpz_run_text text;

    if (worker->limit != MCPZ_LIMIT_NONE) {
        mcpz_limit_show(worker->limit, &service_of(worker)->limits, service_of(worker)->name,
                        worker->trouble, sizeof(worker->trouble));
        return MCPZ_CODE_LIMIT;
    }
    if (worker->trouble[0] != '\0') {
        return MCPZ_CODE_PROVIDER_FAILED;
    }
    uint32_t code = mcpz_run_verdict(&worker->words, worker->wait_status, &text);
    if (code == MCPZ_CODE_OK) {
        (void)snprintf(worker->trouble, sizeof(worker->trouble), "the worker ended by itself");
        return MCPZ_CODE_PROVIDER_FAILED;
    }
    (void)snprintf(worker->trouble, sizeof(worker->trouble), "the worker: %.*s",
                   (int)(text.length < 480 ? text.length : 480), text.text);
    return MCPZ_CODE_PROVIDER_CRASHED;
}

static void become_absent(struct mcpz_worker *worker)
{
    struct mcpz_crew *crew = worker->crew;
    const uint64_t lease = worker->lease;
    uint32_t failures = 0;

    for (size_t i = 0; i < service_of(worker)->concurrency; i++) {
        if (worker->hands[i].errand != NULL) {
            worker->hands[i].errand->over = true;
            mcpz_crew_bury(crew, worker->hands[i].errand);
        }
    }
    if (worker->trouble[0] != '\0') {
        failures = worker->failures + 1;
        crew->site->stats.workers_failed++;
        if (!worker->was_ready) {
            mcpz_crew_tell_not_started(crew, worker->trouble);
        }
    }
    crew->site->stats.workers_ready -= worker->state == MCPZ_WORKER_IDLE;
    free(worker->lines);
    free(worker->orders);
    mcpz_worker_init(worker, crew);
    worker->lease = lease;
    worker->failures = failures;
    worker->not_before_us = mcpz_clock_now() + MCPZ_MS(mcpz_crew_backoff_ms(failures));
    mcpz_crew_kick(crew);
}

static bool is_gone(const struct mcpz_worker *worker)
{
    return worker->child.keeper == 0 && worker->state != MCPZ_WORKER_ABSENT;
}

static void drain(struct mcpz_worker *worker);

/* The last thing every watcher does. What it said last may still wait for a slower caller. */
static void settle(struct mcpz_worker *worker)
{
    if (!is_gone(worker)) {
        return;
    }
    drain(worker);
    if (worker->speaking != NULL) {
        return;
    }
    close_watched(worker, &worker->on_output, &worker->child.output);
    /* One that was asked to go, and had nothing in hand, did nothing wrong. */
    bool asked = worker->state == MCPZ_WORKER_STOPPING && worker->trouble[0] == '\0' &&
                 worker->limit == MCPZ_LIMIT_NONE;
    if (!asked) {
        uint32_t code = find_trouble(worker);
        fail_all(worker, code, mcpz_text(worker->trouble));
    } else {
        fail_all(worker, MCPZ_CODE_CANCELLED, mcpz_text("its worker was ended"));
    }
    become_absent(worker);
}

void mcpz_worker_stop(struct mcpz_worker *worker, const char *trouble)
{
    if (worker->state == MCPZ_WORKER_ABSENT) {
        return;
    }
    if (worker->trouble[0] == '\0') {
        (void)snprintf(worker->trouble, sizeof(worker->trouble), "%s", trouble);
    }
    worker->crew->site->stats.workers_ready -= worker->state == MCPZ_WORKER_IDLE;
    worker->state = MCPZ_WORKER_STOPPING;
    ev_timer_stop(loop_of(worker), &worker->on_late);
    close_watched(worker, &worker->on_input, &worker->child.input);
    mcpz_child_stop(&worker->child);
}

/* ---- What it says ------------------------------------------------------------------------- */

/* Nobody can be sure of what it says next. */
static void refuse_line(struct mcpz_worker *worker, const uint8_t *line, size_t length)
{
    char trouble[MCPZ_ERRAND_TEXT_BYTES];
    char shown[SHOWN_BYTES + 1];
    size_t cut = length < SHOWN_BYTES ? length : SHOWN_BYTES;

    for (size_t i = 0; i < cut; i++) {
        shown[i] = (char)(line[i] >= ' ' && line[i] < 0x7f ? line[i] : '?');
    }
    shown[cut] = '\0';
    (void)snprintf(trouble, sizeof(trouble),
                   "the worker said what is not a line of its protocol: %s%s", shown,
                   cut < length ? "..." : "");
    mcpz_worker_stop(worker, trouble);
}

static void on_ready(struct mcpz_worker *worker)
{
    worker->was_ready = true;
    if (worker->state == MCPZ_WORKER_STARTING) {
        worker->state = MCPZ_WORKER_IDLE;
        worker->crew->site->stats.workers_ready++;
        ev_timer_stop(loop_of(worker), &worker->on_late);
    }
}

static void on_not_ready(struct mcpz_worker *worker, struct mcpz_bytes why)
{
    char trouble[MCPZ_ERRAND_TEXT_BYTES];

    (void)snprintf(trouble, sizeof(trouble), "the worker is not ready: %.*s",
                   (int)(why.length < 256 ? why.length : 256), (const char *)why.data);
    mcpz_worker_stop(worker, trouble);
}

static void finish_task(struct mcpz_worker *worker, struct mcpz_errand *errand)
{
    mcpz_errand_end(errand, worker->speech_splits);
    worker->tasks_done++;
    worker->failures = 0;
}

/* Hand over what it said last, as far as its caller takes it. False: some is left. */
static bool speak(struct mcpz_worker *worker)
{
    struct mcpz_errand *errand = worker->speaking;
    if (errand == NULL) {
        return true;
    }
    size_t done = mcpz_errand_output(errand, worker->speech);
    worker->speech.data += done;
    worker->speech.length -= done;
    if (worker->speech.length > 0) {
        return false;
    }
    worker->speaking = NULL;
    if (worker->speech_ends) {
        finish_task(worker, errand);
    }
    return true;
}

/* Some of a result, or all that is left of it, or a plan. */
static void hear(struct mcpz_worker *worker, struct mcpz_errand *errand,
                 const struct mcpz_worker_line *said)
{
    const bool splits = said->says == MCPZ_WORKER_PLAN;
    const char *why = splits ? mcpz_errand_refuse_plan(errand, said->value.length) : NULL;

    if (why != NULL) {
        mcpz_errand_fail(errand, MCPZ_CODE_PROVIDER_FAILED, mcpz_text(why));
        worker->tasks_done++;
        worker->failures = 0;
        return;
    }
    worker->speaking = errand;
    worker->speech = said->value;
    worker->speech_ends = splits || said->says == MCPZ_WORKER_RESULT;
    worker->speech_splits = splits;
}

static void take_line(struct mcpz_worker *worker, uint8_t *line, size_t length)
{
    const struct mcpz_worker_line said = mcpz_worker_line_read(line, length);
    struct mcpz_errand *errand =
        said.says >= MCPZ_WORKER_PROGRESS ? errand_called(worker, said.id) : NULL;

    if (said.says == MCPZ_WORKER_NONSENSE) {
        refuse_line(worker, line, length);
    } else if (said.says == MCPZ_WORKER_READY) {
        on_ready(worker);
    } else if (said.says == MCPZ_WORKER_NOT_READY) {
        on_not_ready(worker, said.value);
    } else if (errand == NULL || said.says == MCPZ_WORKER_PROGRESS) {
        return; /* of a task that nobody waits for any more; or a sign of life */
    } else if (said.says == MCPZ_WORKER_ERROR) {
        mcpz_errand_fail(errand, MCPZ_CODE_PROVIDER_FAILED,
                         mcpz_bytes(said.value.data, said.value.length < MCPZ_MESSAGE_BYTES_MAX
                                                         ? said.value.length
                                                         : 0));
        worker->tasks_done++;
        worker->failures = 0;
    } else {
        hear(worker, errand, &said);
    }
}

/* Read lines until there is none, or one has to wait. */
static void take_lines(struct mcpz_worker *worker)
{
    while (speak(worker) && worker->trouble[0] == '\0') {
        uint8_t *start = worker->lines + worker->line_start;
        size_t there = worker->line_end - worker->line_start;
        uint8_t *end = there > 0 ? memchr(start, '\n', there) : NULL;
        if (end == NULL) {
            break;
        }
        worker->line_start += (size_t)(end - start) + 1;
        if (end > start) {
            take_line(worker, start, (size_t)(end - start));
        }
    }
    if (worker->speaking == NULL && worker->line_start > 0) {
        worker->line_end -= worker->line_start;
        memmove(worker->lines, worker->lines + worker->line_start, worker->line_end);
        worker->line_start = 0;
    }
}

static bool lines_are_full(const struct mcpz_worker *worker)
{
    return worker->line_end == MCPZ_WORKER_LINE_BYTES_MAX;
}

static void watch_output(struct mcpz_worker *worker)
{
    if (worker->child.output < 0) {
        return;
    }
    if (worker->speaking == NULL) {
        ev_io_start(loop_of(worker), &worker->on_output);
    } else {
        ev_io_stop(loop_of(worker), &worker->on_output);
    }
}

/* False: there is no more for now. */
static bool read_output(struct mcpz_worker *worker)
{
    if (worker->child.output < 0 || worker->speaking != NULL) {
        return false;
    }
    if (lines_are_full(worker)) {
        refuse_line(worker, worker->lines, worker->line_end);
        close_watched(worker, &worker->on_output, &worker->child.output);
        return false;
    }
    ssize_t got = read(worker->child.output, worker->lines + worker->line_end,
                       MCPZ_WORKER_LINE_BYTES_MAX - worker->line_end);
    if (got > 0) {
        worker->line_end += (size_t)got;
        take_lines(worker);
        return true;
    }
    if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
        close_watched(worker, &worker->on_output, &worker->child.output);
    }
    return false;
}

static void on_output(struct ev_loop *loop, ev_io *watcher, int events)
{
    (void)loop;
    (void)events;
    struct mcpz_worker *worker = watcher->data;

    (void)read_output(worker);
    watch_output(worker);
    mcpz_crew_kick(worker->crew);
    settle(worker);
}

void mcpz_worker_resume(struct mcpz_worker *worker)
{
    if (worker->state == MCPZ_WORKER_ABSENT) {
        return;
    }
    take_lines(worker); /* also those behind what a dropped task was to say */
    if (is_gone(worker)) {
        settle(worker);
    } else {
        watch_output(worker);
    }
}

/* ---- What it is told ---------------------------------------------------------------------- */

/* Append a line. `line` becomes the worker's if nothing else waits; else it is copied. */
static bool order(struct mcpz_worker *worker, char *line, size_t length)
{
    size_t left = worker->orders_length - worker->orders_at;

    if (left > 0) {
        char *joined = malloc(left + length);
        if (joined == NULL) {
            free(line);
            return false;
        }
        memcpy(joined, worker->orders + worker->orders_at, left);
        memcpy(joined + left, line, length);
        free(line);
        line = joined;
        length += left;
    }
    free(worker->orders);
    worker->orders = line;
    worker->orders_at = 0;
    worker->orders_length = length;
    if (worker->child.input >= 0) {
        ev_io_start(loop_of(worker), &worker->on_input);
    }
    return true;
}

static void on_input(struct ev_loop *loop, ev_io *watcher, int events)
{
    (void)events;
    struct mcpz_worker *worker = watcher->data;
    size_t left = worker->orders_length - worker->orders_at;

    if (left > 0) {
        ssize_t written = write(worker->child.input, worker->orders + worker->orders_at, left);
        if (written >= 0) {
            worker->orders_at += (size_t)written;
        } else if (errno != EAGAIN && errno != EINTR) {
            /* It has ended, and its status will tell more; or it lives on deaf, until the time of
             * its task is over. */
            ev_io_stop(loop, &worker->on_input);
            mcpz_child_close(&worker->child.input);
            return;
        }
    }
    if (worker->orders_at == worker->orders_length) {
        ev_io_stop(loop, &worker->on_input);
    }
}

bool mcpz_worker_give(struct mcpz_worker *worker, struct mcpz_errand *errand)
{
    size_t hand = hand_of(worker, NULL);
    size_t length = 0;

    assert(mcpz_worker_has_room(worker) && hand < MCPZ_SERVICE_CONCURRENCY_MAX);
    char *line = mcpz_errand_line(errand, worker->next_id, &length);
    if (line == NULL || !order(worker, line, length)) {
        return false;
    }
    worker->hands[hand].errand = errand;
    worker->hands[hand].id = worker->next_id++;
    errand->worker = worker;
    return true;
}

/* Others' tasks in the same hands may be tried elsewhere: it was not their fault. */
static void give_up_others(struct mcpz_worker *worker)
{
    fail_all(worker, MCPZ_CODE_PROVIDER_LOST,
             mcpz_text("its worker was ended for another task of it that hung"));
}

void mcpz_worker_drop(struct mcpz_worker *worker, struct mcpz_errand *errand, bool hangs)
{
    size_t hand = hand_of(worker, errand);
    assert(hand < MCPZ_SERVICE_CONCURRENCY_MAX);

    uint64_t id = worker->hands[hand].id;
    worker->hands[hand].errand = NULL;
    errand->worker = NULL;
    mcpz_crew_bury(worker->crew, errand);
    if (worker->speaking == errand) {
        worker->speaking = NULL;
        watch_output(worker); /* what it has said already is read with what it says next */
    }
    if (worker->state == MCPZ_WORKER_STOPPING || !errand->dropped) {
        return;
    }
    if (hangs || service_of(worker)->concurrency == 1) {
        give_up_others(worker);
        mcpz_worker_stop(worker, hangs ? "it hung" : "");
        return;
    }
    char *line = malloc(64);
    if (line == NULL || !order(worker, line, mcpz_worker_line_cancel(id, line))) {
        mcpz_worker_stop(worker, "");
    }
}

/* ---- Its process -------------------------------------------------------------------------- */

static void read_errors(struct mcpz_worker *worker)
{
    uint8_t bytes[STDERR_BYTES];

    ssize_t got = read(worker->child.errors, bytes, sizeof(bytes));
    if (got > 0) {
        mcpz_run_errors(&worker->words, mcpz_bytes(bytes, (size_t)got));
    } else if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
        close_watched(worker, &worker->on_errors, &worker->child.errors);
    }
}

static void on_errors(struct ev_loop *loop, ev_io *watcher, int events)
{
    (void)loop;
    (void)events;
    read_errors(watcher->data);
}

/* What its pipes still hold is the last of it. */
static void drain(struct mcpz_worker *worker)
{
    take_lines(worker);
    for (int i = 0; i < READS_MAX && read_output(worker); i++) {
    }
}

static void read_all_errors(struct mcpz_worker *worker)
{
    uint64_t before;

    do {
        before = worker->words.tail_total;
        if (worker->child.errors >= 0) {
            read_errors(worker);
        }
    } while (worker->words.tail_total != before);
}

static void stop_watching(struct mcpz_worker *worker)
{
    ev_io_stop(loop_of(worker), &worker->on_input);
    ev_io_stop(loop_of(worker), &worker->on_output);
    ev_io_stop(loop_of(worker), &worker->on_errors);
    ev_io_stop(loop_of(worker), &worker->on_status);
    ev_timer_stop(loop_of(worker), &worker->on_late);
}

static void take_report(struct mcpz_worker *worker, const struct mcpz_keeper_report *report)
{
    if (report->kind == MCPZ_KEEPER_FAILED) {
        (void)snprintf(worker->trouble, sizeof(worker->trouble), "cannot start the worker: %s: %s",
                       mcpz_child_stage_word(report->stage), strerror(report->number));
        worker->crew->site->stats.not_started++;
    } else if (report->kind == MCPZ_KEEPER_ENDED) {
        worker->ended = true;
        worker->wait_status = report->number;
        worker->limit = report->limit;
        worker->crew->site->stats.stragglers += report->stragglers;
        worker->crew->site->stats.limited += report->limit != MCPZ_LIMIT_NONE;
    }
}

static void become_gone(struct mcpz_worker *worker)
{
    /* Output that its callers have not taken yet stays readable; all else is closed. */
    int output = worker->child.output;
    read_all_errors(worker);
    stop_watching(worker);
    worker->child.output = -1;
    mcpz_child_finish(&worker->child);
    worker->child.output = output;
    (void)mcpz_workspace_remove(worker->crew->site->launch.root, worker->workspace);
}

static bool take_news(struct mcpz_worker *worker)
{
    struct mcpz_keeper_report report;

    switch (mcpz_child_read(&worker->child, &report)) {
    case MCPZ_CHILD_NOTHING:
        return false;
    case MCPZ_CHILD_REPORT:
        take_report(worker, &report);
        return true;
    case MCPZ_CHILD_GONE:
        become_gone(worker);
        return false;
    }
    return false;
}

static void on_status(struct ev_loop *loop, ev_io *watcher, int events)
{
    (void)loop;
    (void)events;
    struct mcpz_worker *worker = watcher->data;

    (void)take_news(worker);
    settle(worker);
}

static void on_late(struct ev_loop *loop, ev_timer *timer, int events)
{
    (void)loop;
    (void)events;
    mcpz_worker_stop(timer->data, "the worker did not become ready within 30 s");
}

void mcpz_worker_init(struct mcpz_worker *worker, struct mcpz_crew *crew)
{
    *worker = (struct mcpz_worker){.crew = crew, .next_id = 1};
    mcpz_child_init(&worker->child);
    mcpz_run_init_whole(&worker->words, (uint8_t *)worker->workspace, 0);
    ev_io_init(&worker->on_input, on_input, -1, EV_WRITE);
    ev_io_init(&worker->on_output, on_output, -1, EV_READ);
    ev_io_init(&worker->on_errors, on_errors, -1, EV_READ);
    ev_io_init(&worker->on_status, on_status, -1, EV_READ);
    ev_timer_init(&worker->on_late, on_late, MCPZ_WORKER_READY_MS / 1000.0, 0.0);
    worker->on_input.data = worker;
    worker->on_output.data = worker;
    worker->on_errors.data = worker;
    worker->on_status.data = worker;
    worker->on_late.data = worker;
}

static void watch(struct mcpz_worker *worker)
{
    ev_io_set(&worker->on_input, worker->child.input, EV_WRITE);
    ev_io_set(&worker->on_output, worker->child.output, EV_READ);
    ev_io_set(&worker->on_errors, worker->child.errors, EV_READ);
    ev_io_set(&worker->on_status, worker->child.status, EV_READ);
    ev_io_start(loop_of(worker), &worker->on_input);
    ev_io_start(loop_of(worker), &worker->on_output);
    ev_io_start(loop_of(worker), &worker->on_errors);
    ev_io_start(loop_of(worker), &worker->on_status);
    ev_timer_start(loop_of(worker), &worker->on_late);
}

static char *make_hello(const struct mcpz_worker *worker, size_t *length)
{
    const struct mcpz_service *service = service_of(worker);
    size_t bytes = 128 + MCPZ_JSON_ESCAPED_BYTES(strlen(service->name));

    for (size_t i = 0; i < service->plugin_count; i++) {
        bytes += 1 + MCPZ_JSON_ESCAPED_BYTES(strlen(service->plugins[i]));
    }
    char *line = malloc(bytes);
    if (line != NULL) {
        *length =
            mcpz_worker_line_hello(service->name, service->plugins, service->plugin_count, line);
    }
    return line;
}

void mcpz_worker_start(struct mcpz_worker *worker)
{
    const struct mcpz_launch launch = {.provision = &worker->crew->provision, .endless = true};
    struct mcpz_environment environment = {.count = 0};
    const char *what = "out of memory";
    size_t length = 0;

    assert(worker->state == MCPZ_WORKER_ABSENT);
    worker->state = MCPZ_WORKER_STARTING;
    worker->started_us = mcpz_clock_now();
    worker->lines = malloc(MCPZ_WORKER_LINE_BYTES_MAX);
    char *hello = make_hello(worker, &length);
    mcpz_error error = MCPZ_ENOMEM;
    if (worker->lines != NULL && hello != NULL &&
        mcpz_environment_add(&environment, "MCPZ_TASK_TYPE", service_of(worker)->name)) {
        error = mcpz_launch(&worker->crew->site->launch, &launch, &environment, worker->workspace,
                            &worker->child, &what);
    }
    int cause = errno;
    mcpz_environment_finish(&environment);
    if (error != MCPZ_OK) {
        free(hello);
        (void)snprintf(worker->trouble, sizeof(worker->trouble), "%s: %s", what, strerror(cause));
        worker->crew->site->stats.not_started++;
        settle(worker);
        return;
    }
    worker->crew->site->stats.workers_started++;
    watch(worker);
    if (!order(worker, hello, length)) {
        mcpz_worker_stop(worker, "out of memory");
    }
}

bool mcpz_worker_reap(struct mcpz_worker *worker)
{
    while (worker->child.keeper > 0 && take_news(worker)) {
    }
    if (is_gone(worker)) {
        worker->speaking = NULL;
        mcpz_child_close(&worker->child.output);
        become_absent(worker);
    }
    return worker->state == MCPZ_WORKER_ABSENT;
}

void mcpz_worker_abandon(struct mcpz_worker *worker)
{
    if (worker->state == MCPZ_WORKER_ABSENT) {
        return;
    }
    stop_watching(worker);
    worker->child.keeper = 0;
    worker->child.command = 0;
    mcpz_child_finish(&worker->child);
    worker->speaking = NULL;
    become_absent(worker);
}
