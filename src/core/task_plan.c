#include "core/task_plan.h"

#include "base/decimal.h"
#include "base/hash.h"

/* They sort beside their parent: it is as old as they are, for all that looks at ids. */
struct mcpz_task_id mcpz_task_part_id(const struct mcpz_task_id *parent, uint64_t salt,
                                      uint32_t part)
{
    const struct mcpz_bytes whole = mcpz_bytes(parent->bytes, MCPZ_TASK_ID_BYTES);
    uint64_t chance = mcpz_hash_bytes(whole, mcpz_hash_mix(salt + part));
    struct mcpz_task_id id = *parent;

    for (size_t i = 0; i < 8; i++) {
        id.bytes[8 + i] = (uint8_t)(chance >> 8 * i);
    }
    return id;
}

uint32_t mcpz_task_part_weight(const struct mcpz_task_plan *plan, uint32_t part)
{
    uint32_t weight = 0;

    if (4 * ((size_t)part + 1) > plan->weights.length) {
        return 1000;
    }
    for (size_t i = 0; i < 4; i++) {
        weight = weight << 8 | plan->weights.data[4 * part + i];
    }
    return weight <= MCPZ_WEIGHT_MAX ? weight : MCPZ_WEIGHT_MAX;
}

struct mcpz_bytes mcpz_plan_weights(const struct mcpz_plan *plan,
                                    uint8_t room[MCPZ_PLAN_WEIGHTS_BYTES])
{
    for (size_t i = 0; i < plan->head.count; i++) {
        for (size_t j = 0; j < 4; j++) {
            room[4 * i + j] = (uint8_t)(plan->items[i].weight >> 8 * (3 - j));
        }
    }
    return mcpz_bytes(room, 4 * (size_t)plan->head.count);
}
