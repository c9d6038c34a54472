#include "engine/ended.h"

#include <assert.h>

#include "core/crdt/naming.h"
#include "engine/at_rest.h"
#include "engine/internal.h"

/* Was what `tenant` had at that time shredded? */
static bool is_over(const struct mcpz_engine *engine, struct mcpz_bytes tenant, uint64_t at_ms)
{
    return engine->rest != NULL && at_ms <= mcpz_vault_ended_ms(&engine->rest->vault, tenant);
}

bool mcpz_ended_delta(struct mcpz_engine *engine, const struct mcpz_delta *delta)
{
    struct mcpz_naming naming;

    for (size_t i = 0; i < delta->add_count; i++) {
        if (mcpz_naming_is_one(&delta->adds[i]) &&
            mcpz_naming_read(delta->adds[i].value, &naming) &&
            is_over(engine, naming.tenant, mcpz_hlc_to_ms(delta->hlc))) {
            engine->counters.refused_ended++;
            return true;
        }
    }
    return false;
}

static bool is_task_over(struct mcpz_engine *engine, const struct mcpz_task_body *body)
{
    const bool is_ended = is_over(engine, body->tenant, body->created_ms);

    engine->counters.refused_ended += is_ended ? 1 : 0;
    return is_ended;
}

bool mcpz_ended_message(struct mcpz_engine *engine, const struct mcpz_msg *msg)
{
    if (msg->kind == MCPZ_MSG_TASK_KEEP) {
        return is_task_over(engine, &msg->task_keep.body);
    }
    if (msg->kind == MCPZ_MSG_TASK_KEEP_NEW) {
        for (size_t i = 0; i < msg->task_keep_new.task_count; i++) {
            if (is_task_over(engine, &msg->task_keep_new.tasks[i].body)) {
                return true; /* of the others each is told again, as this was not answered */
            }
        }
    }
    return false;
}

/* Documents go as those do that others keep: what is told of them stays right. */
static size_t forget_documents(struct mcpz_engine *engine, const struct mcpz_at_rest_end *end)
{
    struct mcpz_id document = {{0}};
    size_t count = 0;

    while (
        mcpz_at_rest_next_ended(engine->rest, &engine->persist.kv, end, count == 0, &document)) {
        mcpz_agents_forget(&engine->node.agents, &document);
        count++;
    }
    return count;
}

void mcpz_engine_shred(struct mcpz_engine *engine, struct mcpz_bytes tenant, uint64_t at_ms)
{
    const struct mcpz_at_rest_end end = {.tenant = tenant, .at_ms = at_ms};
    assert(engine->in_turn && !engine->stepping);

    if (engine->rest == NULL) {
        return;
    }
    const size_t documents = forget_documents(engine, &end);
    if (mcpz_at_rest_purge(engine->rest, &engine->persist.kv, &end) > 0 || documents > 0) {
        mcpz_agents_recount(&engine->node.agents, engine->now);
        mcpz_tasks_recover(&engine->node.tasks);
    }
}
