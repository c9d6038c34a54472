/*
 * Two programs say anything at all to a desk, while an engine of sorts does what engines do:
 *
 *   { step u8, length u8, message of that many bytes }*
 *
 * The low bit of a step says which program speaks; the rest, what the engine does then. Whatever
 * they say, neither sends or is sent more than its windows allow, and nothing is left of them.
 */

#include <stdlib.h>

#include "desk/desk.h"
#include "proto/code.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

#define RUNS 4

static struct mcpz_desk *desk;
static uint64_t last_request;
static size_t input_allowed; /* of the last request */
static size_t output_allowed[RUNS];
static bool run_open[RUNS];
static uint64_t submitted; /* the first request of the last ones handed in */
static size_t submitted_count;

static void must(bool holds)
{
    if (!holds) {
        abort();
    }
}

static uint64_t next_request(void *context, size_t count)
{
    (void)context;
    input_allowed = 0;
    last_request += count;
    return last_request - count + 1;
}

static void say(void *context, struct mcpz_event *event)
{
    (void)context;
    if (event->kind == MCPZ_EVENT_TASK_INPUT && event->task.request == last_request) {
        must(event->task.chunk.length <= input_allowed);
        input_allowed -= event->task.chunk.length;
    } else if (event->kind == MCPZ_EVENT_TASK_START && event->task.request == last_request) {
        must(event->task.timeout_ms > 0 && event->task.timeout_ms <= MCPZ_CALL_TIMEOUT_MS_MAX);
        input_allowed = 0;
    } else if (event->kind == MCPZ_EVENT_DURABLE_SUBMIT) {
        must(event->durable.order_count > 0 && event->durable.order_count <= MCPZ_TASK_ORDERS_MAX);
        submitted = event->durable.request;
        submitted_count = event->durable.order_count;
    } else if (event->kind == MCPZ_EVENT_RUN_OUTPUT || event->kind == MCPZ_EVENT_RUN_END ||
               event->kind == MCPZ_EVENT_RUN_FAIL) {
        must(event->run.run < RUNS && run_open[event->run.run]);
        must(event->run.chunk.length <= output_allowed[event->run.run]);
        output_allowed[event->run.run] -= event->run.chunk.length;
        run_open[event->run.run] = event->kind == MCPZ_EVENT_RUN_OUTPUT;
    }
}

static void drop(void *context, const struct mcpz_msg *msg)
{
    (void)context, (void)msg;
}

static void later(void *context)
{
    (void)context;
}

static void act_task(enum mcpz_action_kind kind, struct mcpz_action_task task)
{
    task.request = last_request;
    mcpz_desk_act(desk, &(struct mcpz_action){.kind = kind, .task = task});
}

static void act_run(enum mcpz_action_kind kind, struct mcpz_action_run run)
{
    mcpz_desk_act(desk, &(struct mcpz_action){.kind = kind, .run = run});
}

/* All but the first are taken together, and that fails. */
static void answer_submitted(void)
{
    struct mcpz_task_taken rows[MCPZ_TASK_ORDERS_MAX];
    struct mcpz_action taken = {.kind = MCPZ_ACTION_TAKEN};

    for (size_t i = 1; i < submitted_count; i++) {
        rows[i - 1] = (struct mcpz_task_taken){.number = submitted + i, .copies = 2};
    }
    taken.taken.rows = rows;
    taken.taken.count = submitted_count > 0 ? submitted_count - 1 : 0;
    mcpz_desk_act(desk, &taken);
    mcpz_desk_act(desk, &(struct mcpz_action){.kind = MCPZ_ACTION_REPLY,
                                              .reply = {.request = submitted,
                                                        .code = MCPZ_CODE_BUSY,
                                                        .text = mcpz_text("busy")}});
}

static void engine_does(uint8_t what)
{
    uint32_t run = what % RUNS;

    switch (what / RUNS % 8) {
    case 0:
        input_allowed += 100;
        act_task(MCPZ_ACTION_TASK_PULL, (struct mcpz_action_task){.credit = 100});
        break;
    case 1:
        act_task(MCPZ_ACTION_TASK_RETRY, (struct mcpz_action_task){.credit = 0});
        break;
    case 2:
        act_task(MCPZ_ACTION_TASK_OUTPUT, (struct mcpz_action_task){.chunk = mcpz_text("out")});
        break;
    case 3:
        act_task(MCPZ_ACTION_TASK_DONE, (struct mcpz_action_task){.code = run});
        break;
    case 4:
        if (!run_open[run] && mcpz_desk_stats(desk)->runs < RUNS) {
            run_open[run] = true;
            output_allowed[run] = MCPZ_CALL_WINDOW_BYTES;
            act_run(MCPZ_ACTION_RUN_START,
                    (struct mcpz_action_run){.run = run, .capability = mcpz_text("x")});
        }
        break;
    case 5:
        if (run_open[run]) {
            act_run(MCPZ_ACTION_RUN_INPUT,
                    (struct mcpz_action_run){.run = run, .chunk = mcpz_text("in")});
        }
        break;
    case 6:
        act_run(MCPZ_ACTION_RUN_STOP, (struct mcpz_action_run){.run = run});
        run_open[run] = false;
        break;
    default:
        mcpz_desk_work(desk);
        answer_submitted();
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    static struct mcpz_offers offers;
    const struct mcpz_desk_ports ports = {
        .next_request = next_request, .say = say, .later = later};
    const struct mcpz_desk_visitor visitor = {.send = drop};
    struct mcpz_program *programs[2] = {NULL, NULL};

    offers = (struct mcpz_offers){.count = 0};
    for (size_t i = 0; i < RUNS; i++) {
        run_open[i] = false;
    }
    must(mcpz_desk_create(&ports, &offers, 1, &desk) == MCPZ_OK);
    while (length >= 2) {
        struct mcpz_program **program = &programs[bytes[0] & 1];
        size_t size = bytes[1] < length - 2 ? bytes[1] : length - 2;
        if (*program == NULL) {
            must(mcpz_desk_enter(desk, &visitor, program) == MCPZ_OK);
        }
        if (size > 0 &&
            mcpz_desk_message(desk, *program, mcpz_bytes(bytes + 2, size)) != MCPZ_OK) {
            mcpz_desk_leave(desk, *program);
            *program = NULL;
        }
        engine_does(bytes[0] >> 1);
        bytes += 2 + size;
        length -= 2 + size;
    }
    for (size_t i = 0; i < 2; i++) {
        if (programs[i] != NULL) {
            mcpz_desk_leave(desk, programs[i]);
        }
    }
    mcpz_desk_work(desk);
    must(mcpz_desk_stats(desk)->calls == 0 && mcpz_desk_stats(desk)->programs == 0);
    must(mcpz_desk_stats(desk)->runs == 0 && offers.count == 0);
    mcpz_desk_destroy(desk);
    return 0;
}
