#include "exec/errand.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/loop.h"

mcpz_error mcpz_errand_create(const struct mcpz_errand_port *port,
                              const struct mcpz_action_run *start, struct mcpz_errand **errand)
{
    assert(start->params.length <= MCPZ_PARAMS_BYTES_MAX);
    assert(start->capability.length <= MCPZ_CAPABILITY_BYTES_MAX);

    *errand = NULL;
    struct mcpz_errand *made = calloc(1, sizeof(*made));
    if (made == NULL) {
        return MCPZ_ENOMEM;
    }
    made->params = malloc(start->params.length + 1);
    if (made->params == NULL) {
        free(made);
        return MCPZ_ENOMEM;
    }
    made->port = port;
    made->id = start->run;
    made->has_input = start->has_input;
    made->timeout_ms = start->timeout_ms;
    made->priority = start->priority;
    made->levels = start->levels;
    made->deadline_wall_ms = mcpz_clock_wall_ms() + start->timeout_ms;
    if (start->params.length > 0) {
        memcpy(made->params, start->params.data, start->params.length);
    }
    made->params_length = start->params.length;
    mcpz_bytes_to_text(start->capability, made->capability, sizeof(made->capability));
    mcpz_bytes_to_text(start->tenant, made->tenant, sizeof(made->tenant));
    mcpz_bytes_to_text(start->traceparent, made->traceparent, sizeof(made->traceparent));
    mcpz_bytes_to_text(start->idempotency_key, made->idempotency_key,
                       sizeof(made->idempotency_key));
    mcpz_id_to_text(&start->caller, 'n', made->caller);
    mcpz_run_init_whole(&made->run, made->params, 0);
    *errand = made;
    return MCPZ_OK;
}

void mcpz_errand_destroy(struct mcpz_errand *errand)
{
    if (errand == NULL) {
        return;
    }
    assert(!ev_is_active(&errand->on_timeout));

    free(errand->params);
    free(errand->input);
    free(errand);
}

static void note_trouble(struct mcpz_errand *errand, enum mcpz_code code, const char *text)
{
    if (errand->trouble == MCPZ_CODE_OK) {
        errand->trouble = code;
        errand->trouble_text = text;
    }
}

void mcpz_errand_input(struct mcpz_errand *errand, struct mcpz_bytes chunk)
{
    if (errand->over || errand->trouble != MCPZ_CODE_OK || chunk.length == 0) {
        return;
    }
    if (errand->input_ended) {
        note_trouble(errand, MCPZ_CODE_BAD_REQUEST, "more input came than was asked for");
        return;
    }
    if (chunk.length > MCPZ_ERRAND_INPUT_BYTES_MAX - errand->input_length) {
        note_trouble(errand, MCPZ_CODE_TOO_LARGE,
                     "the input is larger than the 256 KiB a task of a worker may have");
        return;
    }
    if (errand->input == NULL) {
        errand->input = malloc(MCPZ_ERRAND_INPUT_BYTES_MAX);
        if (errand->input == NULL) {
            note_trouble(errand, MCPZ_CODE_BUSY, "out of memory");
            return;
        }
    }
    memcpy(errand->input + errand->input_length, chunk.data, chunk.length);
    errand->input_length += chunk.length;
    errand->credit_owed += (uint32_t)chunk.length;
}

bool mcpz_errand_is_whole(const struct mcpz_errand *errand)
{
    return !errand->has_input || errand->input_ended;
}

char *mcpz_errand_line(const struct mcpz_errand *errand, uint64_t id, size_t *length)
{
    const struct mcpz_worker_task task = {
        .id = id,
        .type = errand->capability,
        .params = mcpz_bytes(errand->params, errand->params_length),
        .input = mcpz_bytes(errand->input, errand->input_length),
        .has_input = errand->has_input,
        .caller = errand->caller,
        .tenant = errand->tenant,
        .traceparent = errand->traceparent,
        .idempotency_key = errand->idempotency_key,
        .deadline_wall_ms = errand->deadline_wall_ms,
        .priority = errand->priority,
        .levels = errand->levels,
    };

    char *line = malloc(mcpz_worker_line_task_bytes(&task));
    if (line != NULL) {
        *length = mcpz_worker_line_task(&task, line);
    }
    return line;
}

void mcpz_errand_give_credit(struct mcpz_errand *errand)
{
    uint32_t credit = errand->over ? 0 : errand->credit_owed;

    errand->credit_owed = 0;
    if (credit > 0 && !errand->input_ended) {
        errand->port->credit(errand->port->context, errand->id, credit);
    }
}

void mcpz_errand_end(struct mcpz_errand *errand, bool plan)
{
    if (!errand->over) {
        errand->over = true;
        errand->port->end(errand->port->context, errand->id, plan);
    }
}

const char *mcpz_errand_refuse_plan(const struct mcpz_errand *errand, size_t length)
{
    if (errand->levels == 0) {
        return "it gave a plan of subtasks, but this task cannot be split";
    }
    if (errand->run.output_total > 0) {
        return "it gave a plan of subtasks behind some of a result";
    }
    return length > MCPZ_PLAN_BYTES_MAX ? "its plan of subtasks is larger than 32 KiB" : NULL;
}

void mcpz_errand_fail(struct mcpz_errand *errand, uint32_t code, struct mcpz_bytes text)
{
    if (!errand->over) {
        errand->over = true;
        errand->port->fail(errand->port->context, errand->id, code, text);
    }
}

size_t mcpz_errand_output(struct mcpz_errand *errand, struct mcpz_bytes bytes)
{
    size_t done = 0;

    while (done < bytes.length && !errand->over) {
        size_t room = mcpz_run_output_room(&errand->run);
        size_t length = bytes.length - done < room ? bytes.length - done : room;
        if (length == 0) {
            break;
        }
        if (mcpz_run_output(&errand->run, length) != MCPZ_RUN_FITS) {
            char text[MCPZ_ERRAND_TEXT_BYTES];
            (void)snprintf(text, sizeof(text), "the result is larger than %d bytes",
                           MCPZ_RESULT_BYTES_MAX);
            errand->dropped = true;
            mcpz_errand_fail(errand, MCPZ_CODE_TOO_LARGE, mcpz_text(text));
            break;
        }
        errand->port->output(errand->port->context, errand->id,
                             mcpz_bytes(bytes.data + done, length));
        done += length;
    }
    return errand->over ? bytes.length : done;
}
