/*
 * Bodies of requests: the first byte picks the route, the second what the engine makes of it, the
 * rest is the body. Whatever comes, there is one answer, and nothing is left over.
 */

#include <assert.h>

#include "fake_engine.h"
#include "wire/value.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static const struct {
    enum mcpz_method method;
    const char *path;
} routes[] = {
    {MCPZ_POST, "/v1/tasks"},
    {MCPZ_POST, "/v1/agents"},
    {MCPZ_POST, "/v1/agents/a/set"},
    {MCPZ_POST, "/v1/agents/a/unset"},
    {MCPZ_POST, "/v1/agents/a/add"},
    {MCPZ_POST, "/v1/agents/a/remove"},
    {MCPZ_POST, "/v1/agents/a/increment"},
    {MCPZ_POST, "/v1/snapshots/import"},
    {MCPZ_POST, "/v1/tokens"},
    {MCPZ_POST, "/v1/join"},
    {MCPZ_POST, "/v1/leave"},
};

/* What a provider of this task gives back: the body, as the result. */
static void act_task(uint8_t fate, struct mcpz_bytes body)
{
    struct mcpz_action_task task = {.request = world.engine.requests, .credit = 40000};

    fake_task(MCPZ_ACTION_TASK_PULL, &task);
    if ((fate & 1) != 0) {
        fake_task(MCPZ_ACTION_TASK_RETRY, &task);
        fake_task(MCPZ_ACTION_TASK_PULL, &task);
    }
    task.chunk = body;
    fake_task(MCPZ_ACTION_TASK_OUTPUT, &task);
    task.code = (fate & 2) != 0 ? 3 : 0;
    task.text = body;
    fake_task(MCPZ_ACTION_TASK_DONE, &task);
}

/* Writes that were let through must be canonical. */
static void check_events(void)
{
    for (size_t i = 0; i < world.engine.event_count; i++) {
        const struct mcpz_event *event = &world.engine.events[i];
        if (event->kind == MCPZ_EVENT_AGENT_WRITE && event->agent.path.length > 0) {
            assert(mcpz_path_check(event->agent.path) == MCPZ_OK);
        }
        if (event->kind == MCPZ_EVENT_AGENT_WRITE && event->agent.value.length > 0) {
            assert(mcpz_value_check(event->agent.value) == MCPZ_OK);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    static bool begun;

    if (length < 2) {
        return 0;
    }
    if (!begun) {
        fake_begin();
        begun = true;
    }
    world.engine.event_count = 0;
    world.answer_count = 0;
    mcpz_arena_clear(&world.engine.arena);

    struct mcpz_bytes body = mcpz_bytes(bytes + 2, length - 2);
    size_t route = bytes[0] % (sizeof(routes) / sizeof(routes[0]));
    struct mcpz_exchange *exchange =
        fake_ask_bytes(routes[route].method, routes[route].path, body);
    fake_turn();
    if (fake_status(exchange) == 0 && route == 0) {
        act_task(bytes[1], body);
    }
    while (fake_status(exchange) == 0 && (bytes[1] & 4) == 0) {
        size_t before = world.engine.event_count;
        for (uint64_t i = 0; i < 64; i++) { /* all that an import may have handed in */
            fake_reply(world.engine.requests - i, 0, "");
        }
        if (world.engine.event_count == before && fake_status(exchange) == 0) {
            break;
        }
    }
    assert((bytes[1] & 4) != 0 || fake_status(exchange) != 0);
    assert(world.answer_count <= 1);
    check_events();
    mcpz_api_close(exchange);
    return 0;
}
