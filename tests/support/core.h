/* What the tests of core machines share: ids, an outbox, and ways to look into it. */

#ifndef TEST_CORE_H
#define TEST_CORE_H

#include "core/node.h"
#include "core/outbox.h"
#include "test.h"

static const struct mcpz_id self = {.bytes = {'s'}};
static const struct mcpz_id alice = {.bytes = {'a'}};
static const struct mcpz_id bob = {.bytes = {'b'}};

static struct mcpz_outbox out;

/* A fabric for a few nodes, in a quarter of a mebibyte. */
static inline struct mcpz_fabric_config small_fabric(const struct mcpz_id *id,
                                                     const struct mcpz_packer *packer)
{
    return (struct mcpz_fabric_config){
        .members = {.id = *id,
                    .incarnation = 1,
                    .name = "",
                    .address = "",
                    .region = "",
                    .zone = "",
                    .rows_max = 8,
                    .text_bytes = 2048,
                    .suspicions_max = 4},
        .packer = *packer,
        .links_max = 4,
        .dials_max = 2,
        .seeds_max = 1,
        .gossip_seen_max = 16,
        .gossip_cache_max = 4,
        .gossip_cache_bytes = 1024,
        .gossip_missing_max = 4,
        .gossip_notices_max = 4,
    };
}

/* The first action of `kind` at index `*at` or later; `*at` moves behind it. NULL: none. */
static inline const struct mcpz_action *next_action(enum mcpz_action_kind kind, size_t *at)
{
    while (*at < out.count) {
        const struct mcpz_action *action = &out.actions[(*at)++];
        if (action->kind == kind) {
            return action;
        }
    }
    return NULL;
}

static inline size_t count_actions(enum mcpz_action_kind kind)
{
    size_t at = 0;
    size_t count = 0;
    while (next_action(kind, &at) != NULL) {
        count++;
    }
    return count;
}

static inline const struct mcpz_action *only_action(enum mcpz_action_kind kind)
{
    size_t at = 0;
    CHECK_UINT(count_actions(kind), 1);
    const struct mcpz_action *action = next_action(kind, &at);
    if (action == NULL) {
        abort(); /* CHECK_UINT has not returned, but the compiler cannot know */
    }
    return action;
}

/* The first message of `kind` in a SEND or BROADCAST, which must be there. */
static inline const struct mcpz_msg *sent(enum mcpz_msg_kind kind)
{
    for (size_t i = 0; i < out.count; i++) {
        const struct mcpz_action *action = &out.actions[i];
        bool sends = action->kind == MCPZ_ACTION_SEND || action->kind == MCPZ_ACTION_BROADCAST;
        if (sends && action->send.msg.kind == kind) {
            return &action->send.msg;
        }
    }
    print_error("nothing of kind %d was sent\n", (int)kind);
    _fail(__FILE__, __LINE__);
    abort();
}

static inline bool has_fact(enum mcpz_fact_kind kind, const struct mcpz_id *about)
{
    size_t at = 0;
    const struct mcpz_action *action;
    while ((action = next_action(MCPZ_ACTION_FACT, &at)) != NULL) {
        if (action->fact.kind == kind && mcpz_id_equal(&action->fact.about, about)) {
            return true;
        }
    }
    return false;
}

#endif
