/* What programs ask of the mesh. */

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "desk/desk_internal.h"
#include "proto/call_msg.h"
#include "proto/code.h"
#include "proto/isolation.h"
#include "proto/traceparent.h"

/* Sent input is kept up to a window, so that it can be said again; as much may be on its way. */
#define INPUT_BYTES_MAX (2 * (size_t)MCPZ_CALL_WINDOW_BYTES)
#define INPUT_BYTES_FIRST 4096

static void forget_sent(struct mcpz_desk_call *call)
{
    free(call->kept);
    call->kept = NULL;
}

void mcpz_desk_calls_finish(struct mcpz_desk *desk)
{
    for (uint32_t i = 0; i < desk->fresh_call; i++) {
        forget_sent(&desk->calls[i]);
        free(desk->calls[i].input);
    }
}

static struct mcpz_desk_call *find_call(const struct mcpz_desk *desk,
                                        const struct mcpz_program *program, uint64_t call)
{
    uint32_t slot;

    return mcpz_index_get(&program->calls, call, &slot) ? &desk->calls[slot] : NULL;
}

static void touch(struct mcpz_desk *desk, struct mcpz_desk_call *call)
{
    if (!call->dirty) {
        call->dirty = true;
        call->next = desk->dirty_call;
        desk->dirty_call = (uint32_t)(call - desk->calls);
        desk->ports.later(desk->ports.context);
    }
}

/* A slot in the list of the dirty ones is not free before mcpz_desk_calls_work() has seen it. */
static void free_call(struct mcpz_desk *desk, struct mcpz_desk_call *call)
{
    bool dirty = call->dirty;
    uint32_t next = call->next;

    (void)mcpz_index_remove(&call->program->calls, call->call);
    (void)mcpz_index_remove(&desk->by_request, call->request);
    call->program->call_count--;
    desk->stats.calls--;
    forget_sent(call);
    free(call->input);
    *call = (struct mcpz_desk_call){.dirty = dirty, .next = next};
    if (!dirty) {
        call->next = desk->free_call;
        desk->free_call = (uint32_t)(call - desk->calls);
    }
}

static void send_fail(struct mcpz_desk *desk, struct mcpz_program *program,
                      const struct mcpz_msg_fail *fail)
{
    mcpz_desk_send(desk, program, &(struct mcpz_msg){.kind = MCPZ_MSG_FAIL, .fail = *fail});
}

/* A free slot, which stays free until it is used. MCPZ_DESK_NONE: there is none. */
static uint32_t find_free(const struct mcpz_desk *desk)
{
    if (desk->free_call != MCPZ_DESK_NONE) {
        return desk->free_call;
    }
    return desk->fresh_call < MCPZ_DESK_CALLS_MAX ? desk->fresh_call : MCPZ_DESK_NONE;
}

static void use(struct mcpz_desk *desk, uint32_t slot)
{
    if (slot == desk->free_call) {
        desk->free_call = desk->calls[slot].next;
    } else {
        desk->fresh_call++;
    }
    desk->calls[slot].next = MCPZ_DESK_NONE;
}

/* ---- What a program says ------------------------------------------------------------------ */

static struct mcpz_bytes keep(uint8_t **at, struct mcpz_bytes bytes)
{
    struct mcpz_bytes kept = mcpz_bytes(*at, bytes.length);

    if (bytes.length > 0) {
        memcpy(*at, bytes.data, bytes.length);
        *at += bytes.length;
    }
    return kept;
}

/* Copy what the message points to into one block of the call's. */
static bool keep_open(struct mcpz_desk_call *call, const struct mcpz_msg_open *open)
{
    assert(call != NULL);
    size_t size = open->capability.length + open->tenant.length + open->traceparent.length +
                  open->idempotency_key.length + open->params.length + open->target.length;
    uint8_t *at = malloc(size);

    if (at == NULL) {
        return false;
    }
    call->kept = at;
    call->open = *open;
    call->open.capability = keep(&at, open->capability);
    call->open.tenant = keep(&at, open->tenant);
    call->open.traceparent = keep(&at, open->traceparent);
    call->open.idempotency_key = keep(&at, open->idempotency_key);
    call->open.params = keep(&at, open->params);
    call->open.target = keep(&at, open->target);
    return true;
}

/* The engine may be done with the call before this returns: the slot is not to be used after. */
static void start(struct mcpz_desk *desk, struct mcpz_desk_call *call)
{
    const struct mcpz_msg_open *open = &call->open;
    struct mcpz_event event = {
        .kind = MCPZ_EVENT_TASK_START,
        .task = {.request = call->request,
                 .capability = open->capability,
                 .params = open->params,
                 .has_input = open->has_input,
                 .timeout_ms = open->timeout_ms,
                 .priority = open->priority,
                 .tenant = open->tenant,
                 .traceparent = open->traceparent,
                 .idempotency_key = open->idempotency_key,
                 .idempotent = open->idempotent,
                 .isolation = open->isolation < MCPZ_ISOLATION_END ? (uint8_t)open->isolation
                                                                   : MCPZ_ISOLATION_STRICT},
    };

    if (open->target.length > 0) {
        memcpy(event.task.only.bytes, open->target.data, MCPZ_ID_BYTES);
    }

    call->retry = false;
    call->credit = 0;
    call->input_sent = 0;
    call->end_said = !open->has_input;
    mcpz_desk_say(desk, &event);
}

/* What is wrong with what is asked for; NULL: nothing. */
static const char *fault_of(const struct mcpz_msg_open *open)
{
    if (open->capability.length == 0) {
        return "the name of a capability is missing";
    }
    if (open->timeout_ms > MCPZ_CALL_TIMEOUT_MS_MAX) {
        return "no call may take longer than an hour";
    }
    if (open->traceparent.length > 0 && !mcpz_traceparent_is_valid(open->traceparent)) {
        return "that is no traceparent (W3C Trace Context, section 3.2)";
    }
    if (open->target.length != 0 && open->target.length != MCPZ_ID_BYTES) {
        return "the target is not the id of a node";
    }
    return NULL;
}

static void refuse(struct mcpz_desk *desk, struct mcpz_program *program, uint64_t call,
                   uint32_t code, const char *text)
{
    send_fail(desk, program,
              &(struct mcpz_msg_fail){.call = call, .code = code, .text = mcpz_text(text)});
}

mcpz_error mcpz_desk_open(struct mcpz_desk *desk, struct mcpz_program *program,
                          const struct mcpz_msg_open *open)
{
    const char *fault = fault_of(open);

    if (find_call(desk, program, open->call) != NULL) {
        return MCPZ_EPROTO;
    }
    if (fault != NULL) {
        refuse(desk, program, open->call, MCPZ_CODE_BAD_REQUEST, fault);
        return MCPZ_OK;
    }
    uint32_t slot = find_free(desk);
    if (program->call_count == MCPZ_PROGRAM_CALLS_MAX || slot == MCPZ_DESK_NONE) {
        refuse(desk, program, open->call, MCPZ_CODE_BUSY,
               "too many calls of programs are under way at this node");
        return MCPZ_OK;
    }
    struct mcpz_desk_call *call = &desk->calls[slot];
    if (!keep_open(call, open)) {
        refuse(desk, program, open->call, MCPZ_CODE_BUSY, "out of memory");
        return MCPZ_OK;
    }
    use(desk, slot);
    call->program = program;
    call->call = open->call;
    call->request = desk->ports.next_request(desk->ports.context, 1);
    call->open.timeout_ms = open->timeout_ms > 0 ? open->timeout_ms : MCPZ_DESK_TIMEOUT_MS;
    mcpz_index_put(&program->calls, call->call, slot);
    mcpz_index_put(&desk->by_request, call->request, slot);
    program->call_count++;
    desk->stats.calls++;
    desk->stats.calls_total++;
    start(desk, call);
    return MCPZ_OK;
}

/* ---- Input -------------------------------------------------------------------------------- */

static bool make_room(struct mcpz_desk_call *call, size_t needed)
{
    size_t capacity = call->input_capacity > 0 ? call->input_capacity : INPUT_BYTES_FIRST;

    assert(needed <= INPUT_BYTES_MAX);
    while (capacity < needed) {
        capacity *= 2;
    }
    if (capacity == call->input_capacity) {
        return true;
    }
    uint8_t *input = realloc(call->input, capacity);
    if (input == NULL) {
        return false;
    }
    call->input = input;
    call->input_capacity = capacity;
    return true;
}

/* Let go of what was sent and cannot, or need not, be said again. */
static void trim(struct mcpz_desk_call *call)
{
    size_t sent = (size_t)(call->input_sent - call->input_dropped);

    if (sent == 0 || (call->kept != NULL && call->input_length <= MCPZ_CALL_WINDOW_BYTES)) {
        return;
    }
    memmove(call->input, call->input + sent, call->input_length - sent);
    call->input_length -= sent;
    call->input_dropped += sent;
}

/* Is the slot still of this call, and may input go out for it? What is said can change that. */
static bool may_send(const struct mcpz_desk_call *call, uint64_t request)
{
    return call->program != NULL && call->request == request && !call->retry;
}

static void tell_credit(struct mcpz_desk *desk, struct mcpz_desk_call *call)
{
    uint64_t more = call->input_sent - call->input_most;

    if (call->input_sent > call->input_most) {
        call->input_most = call->input_sent;
        mcpz_desk_send(
            desk, call->program,
            &(struct mcpz_msg){.kind = MCPZ_MSG_CREDIT,
                               .credit = {.call = call->call, .bytes = (uint32_t)more}});
    }
}

static void push_input(struct mcpz_desk *desk, struct mcpz_desk_call *call)
{
    const uint64_t request = call->request;

    while (may_send(call, request) && !call->end_said) {
        size_t at = (size_t)(call->input_sent - call->input_dropped);
        size_t left = call->input_length - at;
        size_t size = left < call->credit ? left : call->credit;
        struct mcpz_event event = {.task = {.request = request}};
        if (left == 0 && call->input_ended) {
            event.kind = MCPZ_EVENT_TASK_INPUT_END;
            call->end_said = true;
        } else if (size > 0) {
            size = size < MCPZ_CHUNK_BYTES_MAX ? size : MCPZ_CHUNK_BYTES_MAX;
            event.kind = MCPZ_EVENT_TASK_INPUT;
            event.task.chunk = mcpz_bytes(call->input + at, size);
            call->input_sent += size;
            call->credit -= (uint32_t)size;
        } else {
            break;
        }
        mcpz_desk_say(desk, &event);
    }
    if (may_send(call, request)) {
        tell_credit(desk, call);
        trim(call);
    }
}

static mcpz_error take_input(struct mcpz_desk *desk, struct mcpz_desk_call *call,
                             struct mcpz_bytes chunk)
{
    uint64_t received = call->input_dropped + call->input_length;

    if (!call->open.has_input || call->input_ended ||
        received + chunk.length - call->input_most > MCPZ_CALL_WINDOW_BYTES) {
        return MCPZ_EPROTO;
    }
    if (!make_room(call, call->input_length + chunk.length)) {
        return MCPZ_ENOMEM;
    }
    memcpy(call->input + call->input_length, chunk.data, chunk.length);
    call->input_length += chunk.length;
    push_input(desk, call);
    return MCPZ_OK;
}

/* ---- Credit and the end ------------------------------------------------------------------- */

static mcpz_error take_credit(struct mcpz_desk *desk, struct mcpz_desk_call *call, uint32_t bytes)
{
    if (bytes > call->output_owed) {
        return MCPZ_EPROTO;
    }
    call->output_owed -= bytes;
    struct mcpz_event event = {.kind = MCPZ_EVENT_TASK_CREDIT,
                               .task = {.request = call->request, .credit = bytes}};
    mcpz_desk_say(desk, &event);
    return MCPZ_OK;
}

static void cancel(struct mcpz_desk *desk, struct mcpz_desk_call *call)
{
    struct mcpz_event event = {.kind = MCPZ_EVENT_TASK_CANCEL, .task = {.request = call->request}};

    free_call(desk, call);
    mcpz_desk_say(desk, &event);
}

mcpz_error mcpz_desk_demand(struct mcpz_desk *desk, struct mcpz_program *program,
                            const struct mcpz_msg *msg)
{
    uint64_t number = 0;
    struct mcpz_desk_call *call =
        mcpz_msg_call(msg, &number) ? find_call(desk, program, number) : NULL;

    if (call == NULL) {
        return MCPZ_OK; /* it has ended meanwhile */
    }
    if (msg->kind == MCPZ_MSG_DATA) {
        return take_input(desk, call, msg->data.chunk);
    }
    if (msg->kind == MCPZ_MSG_CREDIT) {
        return take_credit(desk, call, msg->credit.bytes);
    }
    if (msg->kind == MCPZ_MSG_CANCEL) {
        cancel(desk, call);
        return MCPZ_OK;
    }
    if (!call->open.has_input || call->input_ended) {
        return MCPZ_EPROTO;
    }
    uint64_t request = call->request;
    if (msg->end.chunk.length > 0) {
        mcpz_error error = take_input(desk, call, msg->end.chunk);
        if (error != MCPZ_OK || call->program == NULL || call->request != request) {
            return error;
        }
    }
    call->input_ended = true;
    push_input(desk, call);
    return MCPZ_OK;
}

/* ---- What the engine says ----------------------------------------------------------------- */

static void finish(struct mcpz_desk *desk, struct mcpz_desk_call *call,
                   const struct mcpz_action_task *done)
{
    struct mcpz_program *program = call->program;
    uint64_t number = call->call;

    free_call(desk, call);
    if (done->code == MCPZ_CODE_OK) {
        mcpz_desk_send(desk, program,
                       &(struct mcpz_msg){.kind = MCPZ_MSG_END,
                                          .end = {.call = number, .chunk = done->chunk}});
        return;
    }
    send_fail(desk, program,
              &(struct mcpz_msg_fail){.call = number,
                                      .code = done->code,
                                      .text = done->text,
                                      .retry_after_ms = done->retry_after_ms});
}

void mcpz_desk_calls_act(struct mcpz_desk *desk, const struct mcpz_action *action)
{
    uint32_t slot;

    if (!mcpz_index_get(&desk->by_request, action->task.request, &slot)) {
        return; /* another edge's, or given up */
    }
    struct mcpz_desk_call *call = &desk->calls[slot];
    if (action->kind == MCPZ_ACTION_TASK_PULL) {
        call->credit += action->task.credit;
        touch(desk, call);
    } else if (action->kind == MCPZ_ACTION_TASK_RETRY) {
        call->retry = true;
        touch(desk, call);
    } else if (action->kind == MCPZ_ACTION_TASK_OUTPUT) {
        forget_sent(call); /* too late for another provider */
        call->output_owed += (uint32_t)action->task.chunk.length;
        mcpz_desk_send(
            desk, call->program,
            &(struct mcpz_msg){.kind = MCPZ_MSG_DATA,
                               .data = {.call = call->call, .chunk = action->task.chunk}});
    } else {
        finish(desk, call, &action->task);
    }
}

/* Say it all again, if it is all there. */
static void retry(struct mcpz_desk *desk, struct mcpz_desk_call *call)
{
    if (call->kept != NULL && call->input_dropped == 0) {
        start(desk, call);
        return;
    }
    refuse(desk, call->program, call->call, MCPZ_CODE_PROVIDER_LOST,
           "the provider is lost, and more input has been sent than is kept to be said again");
    cancel(desk, call);
}

void mcpz_desk_calls_work(struct mcpz_desk *desk)
{
    uint32_t slot = desk->dirty_call;

    /* What is touched from here on is for the next time. */
    desk->dirty_call = MCPZ_DESK_NONE;
    while (slot != MCPZ_DESK_NONE) {
        struct mcpz_desk_call *call = &desk->calls[slot];
        slot = call->next;
        call->dirty = false;
        call->next = MCPZ_DESK_NONE;
        if (call->program == NULL) {
            call->next = desk->free_call;
            desk->free_call = (uint32_t)(call - desk->calls);
        } else if (call->retry) {
            retry(desk, call);
        } else {
            push_input(desk, call);
        }
    }
}

void mcpz_desk_calls_leave(struct mcpz_desk *desk, struct mcpz_program *program)
{
    for (size_t i = 0; i < MCPZ_DESK_CALLS_MAX && program->call_count > 0; i++) {
        if (desk->calls[i].program == program) {
            cancel(desk, &desk->calls[i]);
        }
    }
}
