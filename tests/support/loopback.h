/*
 * A mesh of one node, for tests of what speaks over calls: what one program asks for, another one
 * does. It acts at once, within what was said, as an engine does.
 */

#ifndef LOOPBACK_H
#define LOOPBACK_H

#include "desk/desk.h"
#include "mcp/lines.h"
#include "proto/code.h"
#include "test.h"

#define LOOPBACK_LINES_MAX 4

static struct mcpz_desk *desk;
static struct mcpz_offers offers;
static uint64_t last_request;
static struct mcpz_event_task last_start; /* as it was said; its slices are gone */
static bool desk_wants_work;
static struct mcpz_lines *all_lines[LOOPBACK_LINES_MAX];
static bool lines_want_work[LOOPBACK_LINES_MAX];

static inline uint64_t give_request(void *context, size_t count)
{
    (void)context;
    last_request += count;
    return last_request - count + 1;
}

static inline void act_run(enum mcpz_action_kind kind, struct mcpz_action_run run)
{
    mcpz_desk_act(desk, &(struct mcpz_action){.kind = kind, .run = run});
}

static inline void act_task(enum mcpz_action_kind kind, struct mcpz_action_task task)
{
    mcpz_desk_act(desk, &(struct mcpz_action){.kind = kind, .task = task});
}

static inline void start_run(const struct mcpz_event_task *task)
{
    last_start = *task;
    if (mcpz_offers_edge(&offers, task->capability) == NULL) {
        act_task(MCPZ_ACTION_TASK_DONE,
                 (struct mcpz_action_task){.request = task->request,
                                           .code = MCPZ_CODE_NO_PROVIDER,
                                           .text = mcpz_text("nobody offers it")});
        return;
    }
    act_run(MCPZ_ACTION_RUN_START, (struct mcpz_action_run){.run = (uint32_t)task->request,
                                                            .capability = task->capability,
                                                            .params = task->params,
                                                            .has_input = task->has_input,
                                                            .timeout_ms = task->timeout_ms,
                                                            .priority = task->priority,
                                                            .tenant = task->tenant,
                                                            .traceparent = task->traceparent});
    act_task(MCPZ_ACTION_TASK_PULL, (struct mcpz_action_task){.request = task->request,
                                                              .credit = MCPZ_CALL_WINDOW_BYTES});
}

static inline void hear_task(const struct mcpz_event *event)
{
    const struct mcpz_event_task *task = &event->task;
    const uint32_t run = (uint32_t)task->request;

    if (event->kind == MCPZ_EVENT_TASK_START) {
        start_run(task);
    } else if (event->kind == MCPZ_EVENT_TASK_INPUT) {
        act_run(MCPZ_ACTION_RUN_INPUT, (struct mcpz_action_run){.run = run, .chunk = task->chunk});
    } else if (event->kind == MCPZ_EVENT_TASK_INPUT_END) {
        act_run(MCPZ_ACTION_RUN_INPUT_END, (struct mcpz_action_run){.run = run});
    } else if (event->kind == MCPZ_EVENT_TASK_CREDIT) {
        act_run(MCPZ_ACTION_RUN_PULL,
                (struct mcpz_action_run){.run = run, .credit = task->credit});
    } else if (event->kind == MCPZ_EVENT_TASK_CANCEL) {
        act_run(MCPZ_ACTION_RUN_STOP, (struct mcpz_action_run){.run = run});
    }
}

static inline void hear_event(void *context, struct mcpz_event *event)
{
    const struct mcpz_event_run *run = &event->run;

    (void)context;
    if (event->kind == MCPZ_EVENT_RUN_OUTPUT) {
        act_task(MCPZ_ACTION_TASK_OUTPUT,
                 (struct mcpz_action_task){.request = run->run, .chunk = run->chunk});
    } else if (event->kind == MCPZ_EVENT_RUN_CREDIT) {
        act_task(MCPZ_ACTION_TASK_PULL,
                 (struct mcpz_action_task){.request = run->run, .credit = run->credit});
    } else if (event->kind == MCPZ_EVENT_RUN_END || event->kind == MCPZ_EVENT_RUN_FAIL) {
        act_task(MCPZ_ACTION_TASK_DONE,
                 (struct mcpz_action_task){.request = run->run,
                                           .chunk = run->chunk,
                                           .code = run->code,
                                           .text = run->text,
                                           .retry_after_ms = run->retry_after_ms});
    } else {
        hear_task(event);
    }
}

static inline void want_desk(void *context)
{
    (void)context;
    desk_wants_work = true;
}

static inline void want_lines(void *context)
{
    *(bool *)context = true;
}

static inline void loopback_set_up(void)
{
    const struct mcpz_desk_ports ports = {
        .next_request = give_request, .say = hear_event, .later = want_desk};

    offers = (struct mcpz_offers){.count = 0};
    last_request = 0;
    memset(all_lines, 0, sizeof(all_lines));
    CHECK(mcpz_desk_create(&ports, &offers, 1, &desk) == MCPZ_OK);
}

/* Program number `index`. */
static inline struct mcpz_lines *
loopback_lines(size_t index, void (*on_open)(void *context, struct mcpz_line_stream *stream,
                                             const struct mcpz_msg_open *open))
{
    const struct mcpz_lines_config config = {
        .desk = desk, .context = &lines_want_work[index], .later = want_lines, .on_open = on_open};

    CHECK(mcpz_lines_create(&config, &all_lines[index]) == MCPZ_OK);
    return all_lines[index];
}

/* Until nobody has anything left to do. */
static inline void loopback_run(void)
{
    bool any;

    do {
        any = desk_wants_work;
        desk_wants_work = false;
        mcpz_desk_work(desk);
        for (size_t i = 0; i < LOOPBACK_LINES_MAX; i++) {
            if (lines_want_work[i] && all_lines[i] != NULL) {
                lines_want_work[i] = false;
                any = true;
                mcpz_lines_work(all_lines[i]);
            }
        }
    } while (any);
}

static inline void loopback_tear_down(void)
{
    for (size_t i = 0; i < LOOPBACK_LINES_MAX; i++) {
        mcpz_lines_destroy(all_lines[i]);
        all_lines[i] = NULL;
    }
    mcpz_desk_work(desk);
    CHECK_UINT(mcpz_desk_stats(desk)->calls, 0);
    CHECK_UINT(mcpz_desk_stats(desk)->runs, 0);
    mcpz_desk_destroy(desk);
}

#endif
