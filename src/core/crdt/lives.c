#include "core/crdt/lives.h"

#include "core/crdt/clock.h"
#include "core/crdt/cuts.h"

uint32_t mcpz_lives_next(uint32_t generation, bool is_lost, struct mcpz_rng *rng)
{
    const uint32_t strides = 1 + mcpz_rng_below(rng, MCPZ_LIVES_AHEAD_MAX);
    const uint32_t ahead = MCPZ_LIVES_STRIDE * strides + (is_lost ? 1 : 0);

    return generation < UINT32_MAX - ahead ? generation + ahead : generation;
}

static bool are_kin(const struct mcpz_actor *a, const struct mcpz_actor *b)
{
    return mcpz_id_equal(&a->node, &b->node) &&
           a->generation % MCPZ_LIVES_STRIDE == b->generation % MCPZ_LIVES_STRIDE;
}

/* Has it written there, before `life`, and does what it writes on count? */
static bool may_go_on(const struct mcpz_document *document, const struct mcpz_actor *kin,
                      const struct mcpz_actor *life)
{
    return are_kin(kin, life) && kin->generation < life->generation &&
           mcpz_cuts_find(document->cuts.cuts, document->cuts.count, kin) == NULL;
}

struct mcpz_actor mcpz_lives_first(const struct mcpz_document *document,
                                   const struct mcpz_actor *life)
{
    const struct mcpz_clock *clock = &document->clock;

    for (size_t i = 0; i < clock->count; i++) { /* sorted: the first is the oldest */
        if (may_go_on(document, &clock->versions[i].actor, life)) {
            return clock->versions[i].actor;
        }
    }
    return *life;
}

struct mcpz_actor mcpz_lives_writer(const struct mcpz_document *document,
                                    const struct mcpz_actor *life)
{
    const struct mcpz_clock *clock = &document->clock;
    struct mcpz_actor writer = *life;

    if (mcpz_clock_find(clock->versions, clock->count, life) != NULL ||
        clock->count + document->cuts.count < MCPZ_LIVES_PLACES) {
        return writer;
    }
    for (size_t i = 0; i < clock->count; i++) {
        if (may_go_on(document, &clock->versions[i].actor, life)) {
            writer = clock->versions[i].actor;
        }
    }
    return writer;
}

struct mcpz_actor mcpz_lives_newest(const struct mcpz_document *document,
                                    const struct mcpz_id *node)
{
    const struct mcpz_clock *clock = &document->clock;
    struct mcpz_actor newest = {.node = *node, .generation = 1};

    for (size_t i = 0; i < clock->count; i++) {
        if (mcpz_id_equal(&clock->versions[i].actor.node, node)) {
            newest = clock->versions[i].actor;
        }
    }
    return newest;
}
