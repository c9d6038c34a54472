#include "core/outbox.h"

#include <assert.h>

void mcpz_outbox_init(struct mcpz_outbox *out)
{
    out->count = 0;
    mcpz_arena_init(&out->arena, out->memory, sizeof(out->memory));
}

void mcpz_outbox_clear(struct mcpz_outbox *out)
{
    out->count = 0;
    mcpz_arena_clear(&out->arena);
}

struct mcpz_action *mcpz_outbox_append(struct mcpz_outbox *out, enum mcpz_action_kind kind)
{
    assert(out->count < MCPZ_OUTBOX_MAX);

    struct mcpz_action *action = &out->actions[out->count++];
    *action = (struct mcpz_action){.kind = kind};
    return action;
}

struct mcpz_bytes mcpz_outbox_keep(struct mcpz_outbox *out, struct mcpz_bytes bytes)
{
    struct mcpz_bytes copy;
    bool fits = mcpz_arena_copy(&out->arena, bytes, &copy);

    assert(fits);
    return copy;
}

void mcpz_outbox_send(struct mcpz_outbox *out, const struct mcpz_id *to,
                      const struct mcpz_msg *msg)
{
    struct mcpz_action *action = mcpz_outbox_append(out, MCPZ_ACTION_SEND);

    action->send.peers =
        (const struct mcpz_id *)mcpz_outbox_keep(out, mcpz_bytes(to, sizeof(*to))).data;
    action->send.peer_count = 1;
    action->send.msg = *msg;
}

void mcpz_outbox_broadcast(struct mcpz_outbox *out, const struct mcpz_id *except,
                           const struct mcpz_msg *msg)
{
    struct mcpz_action *action = mcpz_outbox_append(out, MCPZ_ACTION_BROADCAST);

    action->send.msg = *msg;
    if (except != NULL) {
        action->send.except = *except;
    }
}

void mcpz_outbox_fact(struct mcpz_outbox *out, const struct mcpz_fact *fact)
{
    mcpz_outbox_append(out, MCPZ_ACTION_FACT)->fact = *fact;
}
