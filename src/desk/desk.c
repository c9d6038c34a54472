#include "desk/desk.h"

#include <assert.h>
#include <stdlib.h>

#include "desk/desk_internal.h"
#include "proto/call_msg.h"
#include "proto/code.h"

/* ---- Ports -------------------------------------------------------------------------------- */

void mcpz_desk_send(struct mcpz_desk *desk, struct mcpz_program *program,
                    const struct mcpz_msg *msg)
{
    (void)desk;
    program->visitor.send(program->visitor.context, msg);
}

void mcpz_desk_say(struct mcpz_desk *desk, struct mcpz_event *event)
{
    desk->ports.say(desk->ports.context, event);
}

/* ---- Making one --------------------------------------------------------------------------- */

static mcpz_error make_indices(struct mcpz_desk *desk)
{
    size_t size = 2 * mcpz_index_bytes(MCPZ_DESK_CALLS_MAX);
    struct mcpz_arena arena;

    if (desk->memory != NULL) {
        return MCPZ_OK;
    }
    desk->memory = calloc(1, size);
    if (desk->memory == NULL) {
        return MCPZ_ENOMEM;
    }
    mcpz_arena_init_zeroed(&arena, desk->memory, size);
    mcpz_index_init(&desk->by_request, MCPZ_DESK_CALLS_MAX, 0, &arena);
    mcpz_index_init(&desk->by_run, MCPZ_DESK_CALLS_MAX, 0, &arena);
    return MCPZ_OK;
}

mcpz_error mcpz_desk_create(const struct mcpz_desk_ports *ports, struct mcpz_offers *offers,
                            uint64_t seed, struct mcpz_desk **desk)
{
    struct mcpz_desk *made = calloc(1, sizeof(*made));

    *desk = NULL;
    if (made == NULL) {
        return MCPZ_ENOMEM;
    }
    made->ports = *ports;
    made->offers = offers;
    made->seed = seed;
    made->calls = calloc(MCPZ_DESK_CALLS_MAX, sizeof(made->calls[0]));
    made->runs = calloc(MCPZ_DESK_CALLS_MAX, sizeof(made->runs[0]));
    if (made->calls == NULL || made->runs == NULL) {
        mcpz_desk_destroy(made);
        return MCPZ_ENOMEM;
    }
    made->free_call = MCPZ_DESK_NONE;
    made->free_run = MCPZ_DESK_NONE;
    made->dirty_call = MCPZ_DESK_NONE;
    *desk = made;
    return MCPZ_OK;
}

static void free_program(struct mcpz_program *program)
{
    free(program->names);
    free(program->calls_memory);
    *program = (struct mcpz_program){.desk = NULL};
}

void mcpz_desk_destroy(struct mcpz_desk *desk)
{
    if (desk == NULL) {
        return;
    }
    if (desk->calls != NULL) {
        mcpz_desk_calls_finish(desk);
    }
    for (size_t i = 0; i < MCPZ_PROGRAMS_MAX; i++) {
        free_program(&desk->programs[i]);
    }
    free(desk->calls);
    free(desk->runs);
    free(desk->memory);
    free(desk);
}

/* ---- Programs ----------------------------------------------------------------------------- */

static struct mcpz_program *find_free(struct mcpz_desk *desk)
{
    for (size_t i = 0; i < MCPZ_PROGRAMS_MAX; i++) {
        if (desk->programs[i].desk == NULL) {
            return &desk->programs[i];
        }
    }
    return NULL;
}

mcpz_error mcpz_desk_enter(struct mcpz_desk *desk, const struct mcpz_desk_visitor *visitor,
                           struct mcpz_program **program)
{
    struct mcpz_program *made = find_free(desk);
    size_t size = mcpz_index_bytes(MCPZ_PROGRAM_CALLS_MAX);
    struct mcpz_arena arena;

    if (made == NULL) {
        return MCPZ_EFULL;
    }
    made->calls_memory = make_indices(desk) == MCPZ_OK ? calloc(1, size) : NULL;
    if (made->calls_memory == NULL) {
        return MCPZ_ENOMEM;
    }
    mcpz_arena_init_zeroed(&arena, made->calls_memory, size);
    mcpz_index_init(&made->calls, MCPZ_PROGRAM_CALLS_MAX, 0, &arena);
    made->desk = desk;
    made->visitor = *visitor;
    desk->program_count++;
    desk->stats.programs += !visitor->is_node;
    *program = made;
    mcpz_desk_send(desk, made,
                   &(struct mcpz_msg){.kind = MCPZ_MSG_HELLO,
                                      .hello = {.version_min = MCPZ_PROTOCOL_MIN,
                                                .version_max = MCPZ_PROTOCOL_MAX}});
    return MCPZ_OK;
}

void mcpz_desk_leave(struct mcpz_desk *desk, struct mcpz_program *program)
{
    assert(program->desk == desk);

    mcpz_desk_offer_nothing(desk, program); /* before its runs fail: it gets no new ones */
    mcpz_desk_calls_leave(desk, program);
    mcpz_desk_runs_leave(desk, program);
    mcpz_desk_tasks_leave(desk, program);
    assert(program->call_count == 0 && program->run_count == 0);
    desk->program_count--;
    desk->stats.programs -= !program->visitor.is_node;
    free_program(program);
}

/* ---- Messages ----------------------------------------------------------------------------- */

static mcpz_error greet(struct mcpz_program *program, const struct mcpz_msg_hello *hello)
{
    if (hello->version_min > MCPZ_PROTOCOL_MAX || hello->version_max < MCPZ_PROTOCOL_MIN) {
        return MCPZ_EVERSION;
    }
    program->greeted = true;
    return MCPZ_OK;
}

/* Who speaks: the program as a caller, or as a provider? */
static mcpz_error take_call(struct mcpz_desk *desk, struct mcpz_program *program,
                            const struct mcpz_msg *msg)
{
    uint64_t call;

    if (msg->kind == MCPZ_MSG_OPEN) {
        return mcpz_desk_open(desk, program, &msg->open);
    }
    if (!mcpz_msg_call(msg, &call)) {
        return MCPZ_EPROTO;
    }
    return mcpz_msg_is_from_caller(msg) ? mcpz_desk_demand(desk, program, msg)
                                        : mcpz_desk_answer(desk, program, msg);
}

static mcpz_error take(struct mcpz_desk *desk, struct mcpz_program *program,
                       const struct mcpz_msg *msg)
{
    if (msg->kind == MCPZ_MSG_HELLO) {
        return greet(program, &msg->hello);
    }
    if (!program->greeted) {
        return MCPZ_EPROTO;
    }
    if (msg->kind == MCPZ_MSG_CAPABILITIES) {
        return mcpz_desk_offer(desk, program, &msg->capabilities);
    }
    if (msg->kind == MCPZ_MSG_TASK_SUBMIT) {
        return mcpz_desk_submit(desk, program, &msg->task_submit);
    }
    return take_call(desk, program, msg);
}

static uint32_t code_of(mcpz_error error)
{
    switch (error) {
    case MCPZ_ECONFLICT:
        return MCPZ_CODE_CONFLICT;
    case MCPZ_EFULL:
        return MCPZ_CODE_LIMIT;
    case MCPZ_EVERSION:
        return MCPZ_CODE_VERSION;
    default:
        return MCPZ_CODE_BAD_REQUEST;
    }
}

static const char *text_of(mcpz_error error)
{
    switch (error) {
    case MCPZ_ECONFLICT:
        return "this node offers a capability of that name already, by a command";
    case MCPZ_EFULL:
        return "this node offers as many capabilities as one may";
    case MCPZ_EVERSION:
        return "this node does not speak a version of the protocol that the program does";
    default:
        return "that is not what a program may say here";
    }
}

static mcpz_error refuse(struct mcpz_desk *desk, struct mcpz_program *program, mcpz_error error)
{
    if (error != MCPZ_OK) {
        desk->stats.refused++;
        mcpz_desk_send(desk, program,
                       &(struct mcpz_msg){
                           .kind = MCPZ_MSG_REFUSE,
                           .refuse = {.code = code_of(error), .text = mcpz_text(text_of(error))}});
    }
    return error;
}

mcpz_error mcpz_desk_take(struct mcpz_desk *desk, struct mcpz_program *program,
                          const struct mcpz_msg *msg)
{
    assert(program->desk == desk);

    return refuse(desk, program, take(desk, program, msg));
}

mcpz_error mcpz_desk_message(struct mcpz_desk *desk, struct mcpz_program *program,
                             struct mcpz_bytes message)
{
    struct mcpz_arena arena;
    struct mcpz_msg msg;

    assert(program->desk == desk);
    mcpz_arena_init(&arena, desk->arena, sizeof(desk->arena));
    mcpz_error error = mcpz_msg_decode(message, &arena, &msg);
    return refuse(desk, program, error == MCPZ_OK ? take(desk, program, &msg) : error);
}

/* ---- Actions ------------------------------------------------------------------------------ */

void mcpz_desk_act(struct mcpz_desk *desk, const struct mcpz_action *action)
{
    switch ((int)action->kind) {
    case MCPZ_ACTION_TASK_PULL:
    case MCPZ_ACTION_TASK_RETRY:
    case MCPZ_ACTION_TASK_OUTPUT:
    case MCPZ_ACTION_TASK_DONE:
        mcpz_desk_calls_act(desk, action);
        break;
    case MCPZ_ACTION_RUN_START:
    case MCPZ_ACTION_RUN_INPUT:
    case MCPZ_ACTION_RUN_INPUT_END:
    case MCPZ_ACTION_RUN_PULL:
    case MCPZ_ACTION_RUN_STOP:
    case MCPZ_ACTION_RUN_GO:
        mcpz_desk_runs_act(desk, action);
        break;
    case MCPZ_ACTION_REPLY:
    case MCPZ_ACTION_TAKEN:
        mcpz_desk_tasks_act(desk, action);
        break;
    default:
        break; /* not for this edge */
    }
}

void mcpz_desk_work(struct mcpz_desk *desk)
{
    mcpz_desk_runs_work(desk);
    mcpz_desk_calls_work(desk);
}

const struct mcpz_desk_stats *mcpz_desk_stats(const struct mcpz_desk *desk)
{
    return &desk->stats;
}
