/* What tests of the desk start from: ports that note what they are given. */

#ifndef DESK_WORLD_H
#define DESK_WORLD_H

#include "desk/desk.h"
#include "proto/code.h"
#include "test.h"
#include "wire/codec.h"

#define NOTED_MAX 64

/* What was sent to whom, and what the engine was told; copies of the bytes in it. */
struct noted {
    void *owner; /* NULL: the engine */
    struct mcpz_msg msg;
    struct mcpz_event event;
    char text[256];
    size_t length;
};

static struct mcpz_desk *desk;
static struct mcpz_offers offers;
static struct noted noted[NOTED_MAX];
static size_t noted_count;
static uint64_t next_request;
static size_t wanted_later;
static int owner_a;
static int owner_b;

static inline struct noted *note(void *owner, struct mcpz_bytes bytes)
{
    CHECK(noted_count < NOTED_MAX);
    struct noted *made = &noted[noted_count++];
    *made = (struct noted){.owner = owner, .length = bytes.length};
    if (bytes.length > 0) {
        memcpy(made->text, bytes.data,
               bytes.length < sizeof(made->text) ? bytes.length : sizeof(made->text));
    }
    return made;
}

static inline uint64_t give_request(void *context, size_t count)
{
    uint64_t first = next_request + 1;

    (void)context;
    next_request += count;
    return first;
}

static inline struct mcpz_bytes bytes_of_event(const struct mcpz_event *event)
{
    switch (event->kind) {
    case MCPZ_EVENT_TASK_START:
        return event->task.capability;
    case MCPZ_EVENT_TASK_INPUT:
        return event->task.chunk;
    case MCPZ_EVENT_RUN_OUTPUT:
    case MCPZ_EVENT_RUN_END:
        return event->run.chunk;
    case MCPZ_EVENT_RUN_FAIL:
        return event->run.text;
    case MCPZ_EVENT_PROVIDE:
    case MCPZ_EVENT_WITHDRAW:
        return event->provide.name;
    default:
        return mcpz_bytes(NULL, 0);
    }
}

static inline void hear(void *context, struct mcpz_event *event)
{
    (void)context;
    note(NULL, bytes_of_event(event))->event = *event;
}

static inline struct mcpz_bytes bytes_of_msg(const struct mcpz_msg *msg)
{
    switch ((int)msg->kind) {
    case MCPZ_MSG_OPEN:
        return msg->open.capability;
    case MCPZ_MSG_DATA:
        return msg->data.chunk;
    case MCPZ_MSG_END:
        return msg->end.chunk;
    case MCPZ_MSG_FAIL:
        return msg->fail.text;
    case MCPZ_MSG_REFUSE:
        return msg->refuse.text;
    default:
        return mcpz_bytes(NULL, 0);
    }
}

static inline void deliver(void *context, const struct mcpz_msg *msg)
{
    note(context, bytes_of_msg(msg))->msg = *msg;
}

static inline void want_later(void *context)
{
    (void)context;
    wanted_later++;
}

static inline int set_up(void **state)
{
    const struct mcpz_desk_ports ports = {
        .next_request = give_request, .say = hear, .later = want_later};

    (void)state;
    offers = (struct mcpz_offers){.count = 0};
    noted_count = 0;
    next_request = 100;
    wanted_later = 0;
    return mcpz_desk_create(&ports, &offers, 1, &desk) == MCPZ_OK ? 0 : -1;
}

static inline int tear_down(void **state)
{
    (void)state;
    mcpz_desk_destroy(desk);
    return 0;
}

/* ---- Speaking ----------------------------------------------------------------------------- */

static inline mcpz_error say(struct mcpz_program *program, struct mcpz_msg msg)
{
    static uint8_t buffer[MCPZ_MSG_BYTES_MAX];
    size_t length;

    noted_count = 0;
    CHECK(mcpz_msg_encode(&msg, buffer, sizeof(buffer), &length) == MCPZ_OK);
    return mcpz_desk_message(desk, program, mcpz_bytes(buffer, length));
}

static inline mcpz_error come(void *owner, struct mcpz_program **program)
{
    const struct mcpz_desk_visitor visitor = {.context = owner, .send = deliver};

    return mcpz_desk_enter(desk, &visitor, program);
}

static inline struct mcpz_program *enter(void *owner)
{
    struct mcpz_program *program;

    CHECK(come(owner, &program) == MCPZ_OK);
    CHECK(say(program, (struct mcpz_msg){.kind = MCPZ_MSG_HELLO,
                                         .hello = {.version_min = MCPZ_PROTOCOL_MIN,
                                                   .version_max = MCPZ_PROTOCOL_MAX}}) == MCPZ_OK);
    return program;
}

static inline mcpz_error offer(struct mcpz_program *program, const char *name)
{
    struct mcpz_bytes names[] = {mcpz_text(name)};

    return say(program,
               (struct mcpz_msg){.kind = MCPZ_MSG_CAPABILITIES,
                                 .capabilities = {.names = names, .name_count = *name != '\0'}});
}

static inline mcpz_error open_call(struct mcpz_program *program, uint64_t call, bool has_input)
{
    return say(program, (struct mcpz_msg){.kind = MCPZ_MSG_OPEN,
                                          .open = {.call = call,
                                                   .capability = mcpz_text("x"),
                                                   .timeout_ms = 1000,
                                                   .attempt = 1,
                                                   .has_input = has_input}});
}

static inline mcpz_error send_data(struct mcpz_program *program, uint64_t call, bool from_caller,
                                   struct mcpz_bytes chunk)
{
    return say(program, (struct mcpz_msg){
                            .kind = MCPZ_MSG_DATA,
                            .data = {.call = call, .from_caller = from_caller, .chunk = chunk}});
}

static inline mcpz_error send_end(struct mcpz_program *program, uint64_t call, bool from_caller)
{
    return say(program, (struct mcpz_msg){.kind = MCPZ_MSG_END,
                                          .end = {.call = call, .from_caller = from_caller}});
}

static inline void act_task(enum mcpz_action_kind kind, struct mcpz_action_task task)
{
    noted_count = 0;
    mcpz_desk_act(desk, &(struct mcpz_action){.kind = kind, .task = task});
}

static inline void act_run(enum mcpz_action_kind kind, struct mcpz_action_run run)
{
    noted_count = 0;
    mcpz_desk_act(desk, &(struct mcpz_action){.kind = kind, .run = run});
}

static inline void work(void)
{
    noted_count = 0;
    mcpz_desk_work(desk);
}

/* ---- Looking ------------------------------------------------------------------------------ */

/* The one thing that was noted. */
static inline const struct noted *only(void)
{
    CHECK_UINT(noted_count, 1);
    return &noted[0];
}

static inline const struct mcpz_event *told(enum mcpz_event_kind kind)
{
    CHECK(only()->owner == NULL);
    CHECK_UINT(only()->event.kind, kind);
    return &only()->event;
}

static inline const struct mcpz_msg *sent_to(void *owner, enum mcpz_msg_kind kind)
{
    CHECK(only()->owner == owner);
    CHECK_UINT(only()->msg.kind, kind);
    return &only()->msg;
}

#endif
