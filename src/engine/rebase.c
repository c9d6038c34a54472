#include "engine/rebase.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core/crdt/branches.h"
#include "core/crdt/document.h"
#include "core/crdt/lives.h"
#include "engine/internal.h"
#include "wire/codec.h"

struct mcpz_rebase {
    struct mcpz_record_fork forks[MCPZ_ACTORS_MAX];
    size_t fork_count;

    /* Encoded BATCHes of one delta each, behind their lengths. */
    uint8_t *bytes;
    size_t length;
    size_t capacity;

    struct mcpz_id document;
    struct mcpz_version ours; /* the last that we wrote to it as who we are; seq 0: nothing */
    bool is_void;             /* that does not count: we had contradicted ourselves */
    bool has_left;            /* what was left behind may be in the past of what was not */

    uint8_t batch[MCPZ_MSG_BYTES_MAX]; /* the one at hand */
};

void mcpz_rebase_destroy(struct mcpz_rebase *rebase)
{
    if (rebase != NULL) {
        free(rebase->bytes);
        free(rebase);
    }
}

/* ---- Taking along ------------------------------------------------------------------------- */

static mcpz_error make_room(struct mcpz_rebase *rebase, size_t needed)
{
    if (needed > MCPZ_REBASE_BYTES_MAX) {
        return MCPZ_EFULL;
    }
    if (needed <= rebase->capacity) {
        return MCPZ_OK;
    }
    uint8_t *grown = realloc(rebase->bytes, 2 * needed);
    if (grown == NULL) {
        return MCPZ_ENOMEM;
    }
    rebase->bytes = grown;
    rebase->capacity = 2 * needed;
    return MCPZ_OK;
}

static mcpz_error take(struct mcpz_engine *engine, struct mcpz_rebase *rebase,
                       const struct mcpz_delta *delta)
{
    size_t length = 0;

    mcpz_error error =
        mcpz_engine_prove(engine, delta, rebase->batch, sizeof(rebase->batch), &length);
    const uint32_t counted = (uint32_t)length;
    if (error == MCPZ_OK) {
        error = make_room(rebase, rebase->length + sizeof(counted) + length);
    }
    if (error != MCPZ_OK) {
        return error;
    }
    memcpy(rebase->bytes + rebase->length, &counted, sizeof(counted));
    memcpy(rebase->bytes + rebase->length + sizeof(counted), rebase->batch, length);
    rebase->length += sizeof(counted) + length;
    return MCPZ_OK;
}

static bool is_cut_in(const struct mcpz_agreed *agreed, const struct mcpz_actor *actor)
{
    return mcpz_cuts_find(agreed->cuts, agreed->cut_count, actor) != NULL;
}

static bool is_in(const struct mcpz_agreed *agreed, const struct mcpz_actor *actor)
{
    return mcpz_clock_find(agreed->versions, agreed->version_count, actor) != NULL ||
           is_cut_in(agreed, actor);
}

/* Who follows: those that were signed from where they were, the others from their first delta. */
static mcpz_error line_up(struct mcpz_engine *engine, const struct mcpz_document *document,
                          const struct mcpz_agreed *agreed, struct mcpz_branches *walk)
{
    static const struct mcpz_tip start = {.seq = 0};
    const struct mcpz_clock *clock = &document->clock;
    const struct mcpz_cuts *cuts = &document->cuts;
    mcpz_error error = MCPZ_OK;

    mcpz_branches_init(walk, document);
    for (size_t i = 0; i < agreed->version_count && error == MCPZ_OK; i++) {
        const struct mcpz_version *last = &agreed->versions[i];
        if (!mcpz_clock_is_closed(clock->versions, clock->count, &last->actor) &&
            !is_cut_in(agreed, &last->actor)) {
            error = mcpz_branches_follow_signed(walk, &engine->store, last);
        }
    }
    for (size_t i = 0; i < clock->count && error == MCPZ_OK; i++) {
        const struct mcpz_actor *actor = &clock->versions[i].actor;
        if (mcpz_version_closes(&clock->versions[i])) {
            error = mcpz_branches_follow_closed(walk, &engine->store, &clock->versions[i],
                                                agreed->versions, agreed->version_count);
        } else if (!is_in(agreed, actor)) {
            error = mcpz_branches_follow(walk, &engine->store, actor, &start);
        }
    }
    for (size_t i = 0; i < cuts->count && error == MCPZ_OK; i++) {
        const struct mcpz_actor *actor = &cuts->cuts[i].actor;
        if (mcpz_clock_find(clock->versions, clock->count, actor) == NULL &&
            !is_in(agreed, actor)) {
            error = mcpz_branches_follow(walk, &engine->store, actor, &start);
        }
    }
    return error;
}

/* Is it of a life that `closer` closes without it? */
static bool is_left_behind(const struct mcpz_delta *delta, const struct mcpz_delta *closer)
{
    const struct mcpz_version *closing = closer != NULL ? mcpz_lives_closing(closer) : NULL;
    const struct mcpz_dot dot = {.actor = delta->actor, .seq = delta->seq};

    return closing != NULL && mcpz_lives_is_late(closer, closing, &dot);
}

static mcpz_error take_deltas(struct mcpz_engine *engine, struct mcpz_rebase *rebase,
                              const struct mcpz_document *document,
                              const struct mcpz_agreed *agreed, const struct mcpz_delta *closer)
{
    struct mcpz_branches walk;
    struct mcpz_record record;

    mcpz_signing_sign(engine); /* what this turn wrote */
    mcpz_error error = line_up(engine, document, agreed, &walk);
    while (error == MCPZ_OK) {
        error = mcpz_branches_next(&walk, &engine->store, &record);
        if (error == MCPZ_ENOTFOUND) {
            return MCPZ_OK;
        }
        if (error == MCPZ_OK && !is_left_behind(&record.delta.delta, closer)) {
            error = take(engine, rebase, &record.delta.delta);
        }
    }
    return error;
}

static mcpz_error take_forks(struct mcpz_engine *engine, const struct mcpz_id *document,
                             struct mcpz_rebase *rebase)
{
    struct mcpz_record record = {.kind = MCPZ_RECORD_FORK, .fork = {.document = *document}};
    mcpz_error error =
        engine->store.next(engine->store.context, MCPZ_SCAN_DOCUMENT, true, &record);

    while (error == MCPZ_OK && rebase->fork_count < MCPZ_ARRAY_LEN(rebase->forks)) {
        rebase->forks[rebase->fork_count++] = record.fork;
        error = engine->store.next(engine->store.context, MCPZ_SCAN_DOCUMENT, false, &record);
    }
    return error == MCPZ_ENOTFOUND ? MCPZ_OK : error;
}

/* What is in `document` of who we were when it was taken along. */
static struct mcpz_version find_ours(const struct mcpz_document *document,
                                     const struct mcpz_actor *life, bool *is_void)
{
    const struct mcpz_clock *clock = &document->clock;
    const struct mcpz_version *last = mcpz_clock_find(clock->versions, clock->count, life);
    struct mcpz_actor behind;

    *is_void = mcpz_lives_is_void(document, life, &behind);
    return last != NULL ? *last : (struct mcpz_version){.actor = *life};
}

mcpz_error mcpz_rebase_begin(struct mcpz_engine *engine, const struct mcpz_id *document,
                             const struct mcpz_agreed *agreed, const struct mcpz_delta *closer,
                             struct mcpz_rebase **rebase)
{
    struct mcpz_rebase *made = calloc(1, sizeof(*made));
    struct mcpz_document held;

    *rebase = NULL;
    if (made == NULL) {
        return MCPZ_ENOMEM;
    }
    mcpz_error error = mcpz_document_load(&engine->store, document, &held);
    if (error == MCPZ_OK) {
        error = take_deltas(engine, made, &held, agreed, closer);
    }
    if (error == MCPZ_OK) {
        error = take_forks(engine, document, made);
    }
    if (error != MCPZ_OK) {
        mcpz_rebase_destroy(made);
        return error;
    }
    made->document = *document;
    made->has_left = closer != NULL;
    engine->counters.bases_begun_without += closer != NULL;
    made->ours = find_ours(&held, &engine->node.agents.actor, &made->is_void);
    mcpz_agents_forget(&engine->node.agents, document);
    *rebase = made;
    return MCPZ_OK;
}

/* ---- Putting back ------------------------------------------------------------------------- */

/*
 * Where all that we wrote is here again, and nothing else of us, no name can be used twice: we go
 * on as who we were, with the rights of counters that are ours.
 */
static void go_on(struct mcpz_engine *engine, const struct mcpz_rebase *rebase)
{
    struct mcpz_document held;
    bool is_void;

    if (rebase->is_void ||
        mcpz_document_load(&engine->store, &rebase->document, &held) != MCPZ_OK) {
        return;
    }
    const struct mcpz_version now = find_ours(&held, &rebase->ours.actor, &is_void);
    if (!is_void && now.seq == rebase->ours.seq &&
        mcpz_head_equal(&now.head, &rebase->ours.head)) {
        mcpz_agents_go_on(&engine->node.agents, rebase->ours.actor.generation);
    }
}

static void let_in(struct mcpz_engine *engine, const struct mcpz_rebase *rebase)
{
    size_t at = 0;

    while (at < rebase->length) {
        struct mcpz_msg msg;
        uint32_t length;
        memcpy(&length, rebase->bytes + at, sizeof(length));
        const struct mcpz_bytes batch = mcpz_bytes(rebase->bytes + at + sizeof(length), length);
        at += sizeof(length) + length;
        mcpz_arena_clear(&engine->scratch->decode_arena);
        mcpz_error error = mcpz_msg_decode(batch, &engine->scratch->decode_arena, &msg);
        assert(error == MCPZ_OK && msg.kind == MCPZ_MSG_BATCH); /* we have just encoded it */
        error = mcpz_incoming_batch(engine, NULL, &msg.batch);
        engine->counters.rebase_lost += error != MCPZ_OK;
    }
}

void mcpz_rebase_put_back(struct mcpz_engine *engine, const struct mcpz_rebase *rebase)
{
    for (size_t i = 0; i < rebase->fork_count; i++) {
        const struct mcpz_record record = {.kind = MCPZ_RECORD_FORK, .fork = rebase->forks[i]};
        engine->store.put(engine->store.context, &record);
    }
    let_in(engine, rebase);
    if (rebase->has_left) {
        let_in(engine, rebase); /* their lives are closed now: nothing of them is missed */
    }
    go_on(engine, rebase);
}
