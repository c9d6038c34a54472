#include "engine/collecting.h"

#include <assert.h>
#include <stdlib.h>

#include "core/crdt/document.h"
#include "core/crdt/floor.h"
#include "core/crdt/lives.h"
#include "crypto/digest.h"
#include "engine/base.h"
#include "engine/internal.h"
#include "engine/refill.h"
#include "engine/remake.h"

/* A document that is made anew as it was. */
struct mcpz_collect_job {
    struct mcpz_id document;
    struct mcpz_id root; /* of what was signed: what this is about */
    struct mcpz_remake remake;
};

/* ---- What is known ------------------------------------------------------------------------ */

static bool find_stable(struct mcpz_engine *engine, const struct mcpz_id *document,
                        struct mcpz_record *record)
{
    *record = (struct mcpz_record){.kind = MCPZ_RECORD_STABLE, .stable = {.document = *document}};
    return engine->store.get(engine->store.context, record) == MCPZ_OK;
}

static void drop_stable(struct mcpz_engine *engine, const struct mcpz_id *document)
{
    const struct mcpz_record record = {.kind = MCPZ_RECORD_STABLE,
                                       .stable = {.document = *document}};

    engine->store.remove(engine->store.context, &record);
}

bool mcpz_collecting_waits(struct mcpz_engine *engine, const struct mcpz_id *document)
{
    struct mcpz_record record;

    return find_stable(engine, document, &record);
}

uint64_t mcpz_collecting_tail(struct mcpz_engine *engine, const struct mcpz_id *document,
                              const struct mcpz_clock *clock, const struct mcpz_cuts *cuts)
{
    struct mcpz_floor floor;

    if (mcpz_floor_load(&engine->store, document, &floor) != MCPZ_OK) {
        return 0;
    }
    const uint64_t void_count = mcpz_cuts_deltas(cuts->cuts, cuts->count);
    const uint64_t void_below = mcpz_cuts_deltas(floor.cuts.cuts, floor.cuts.count);
    return mcpz_clock_above(clock, floor.clock.versions, floor.clock.count) +
           (void_count > void_below ? void_count - void_below : 0);
}

/* Does `document` hold all of it, and no other branches begin within? */
static bool is_held(const struct mcpz_document *document, const struct mcpz_agreed *agreed)
{
    const struct mcpz_seen below = mcpz_seen_in(agreed);
    const struct mcpz_seen held = mcpz_seen_of(&document->clock, &document->cuts);

    return document->exists && mcpz_floor_is_held(&below, &held);
}

/* All have signed `root`, and there is nobody who might have something else. */
static void note_whole(struct mcpz_collecting *collecting, const struct mcpz_id *root)
{
    collecting->whole[collecting->whole_next] = *root;
    collecting->whole_next = (collecting->whole_next + 1) % MCPZ_COLLECT_WHOLE;
}

/* Is it above our floor, and does it stand in what we `held`? */
static bool is_news(struct mcpz_engine *engine, const struct mcpz_id *document,
                    const struct mcpz_agreed *agreed, struct mcpz_document *held)
{
    const struct mcpz_seen seen = mcpz_seen_in(agreed);
    struct mcpz_floor floor;

    if (mcpz_collecting_waits(engine, document) ||
        mcpz_document_load(&engine->store, document, held) != MCPZ_OK ||
        mcpz_floor_load(&engine->store, document, &floor) != MCPZ_OK ||
        !mcpz_floor_is_reached(&floor, &seen)) {
        return false;
    }
    if (!is_held(held, agreed)) {
        return false; /* a branch within was found since it was signed: engine/rebase.h */
    }
    const struct mcpz_seen below = mcpz_seen_of(&floor.clock, &floor.cuts);
    return !floor.exists || !mcpz_floor_is_held(&seen, &below);
}

bool mcpz_collecting_is_news(struct mcpz_engine *engine, const struct mcpz_id *document,
                             const struct mcpz_agreed *agreed)
{
    struct mcpz_document held;

    return is_news(engine, document, agreed, &held);
}

/* Note what is to be the floor. False: it is no news. */
static bool note_stable(struct mcpz_engine *engine, const struct mcpz_id *document,
                        const struct mcpz_agreed *agreed, uint64_t agreed_ms)
{
    struct mcpz_record record = {
        .kind = MCPZ_RECORD_STABLE,
        .stable = {.document = *document, .agreed = *agreed, .agreed_ms = agreed_ms},
    };
    const struct mcpz_seen seen = mcpz_seen_in(agreed);
    struct mcpz_document held;

    if (!is_news(engine, document, agreed, &held)) {
        return false;
    }
    /* Only just there, or it may have been deleted above. */
    const struct mcpz_seen all = mcpz_seen_of(&held.clock, &held.cuts);
    record.stable.is_deleted = held.deleted && mcpz_floor_is_held(&all, &seen);
    engine->store.put(engine->store.context, &record);
    return true;
}

void mcpz_collecting_agreed(struct mcpz_engine *engine, const struct mcpz_id *document,
                            const struct mcpz_agreed *agreed)
{
    if (!note_stable(engine, document, agreed, engine->wall_ms)) {
        return;
    }
    if (mcpz_lives_superseded(agreed->versions, agreed->version_count) > 0 &&
        mcpz_keepers_nobody_is_away(engine)) {
        note_whole(&engine->collecting, &agreed->root);
    }
    mcpz_collecting_consider(engine, document);
}

void mcpz_collecting_was_agreed(struct mcpz_engine *engine, const struct mcpz_id *document,
                                const struct mcpz_agreed *agreed)
{
    if (note_stable(engine, document, agreed, 0)) {
        mcpz_collecting_consider(engine, document);
    }
}

/* ---- Raising the floor -------------------------------------------------------------------- */

static void end_job(struct mcpz_engine *engine)
{
    struct mcpz_collect_job *job = engine->collecting.job;

    if (job != NULL) {
        mcpz_remake_finish(&job->remake);
        free(job);
    }
    engine->collecting.job = NULL;
}

static void wake(struct mcpz_engine *engine)
{
    engine->collecting.next_us = engine->now + MCPZ_COLLECT_PAUSE_US;
}

/* What was signed of the document of the job, if it still stands, and can be the floor. */
static mcpz_error find_target(struct mcpz_engine *engine, const struct mcpz_id *document,
                              struct mcpz_record *record)
{
    struct mcpz_document held;

    if (!find_stable(engine, document, record)) {
        return MCPZ_ENOTFOUND;
    }
    if (!mcpz_floor_is_valid(&record->stable.agreed)) {
        return MCPZ_ECORRUPT;
    }
    mcpz_error error = mcpz_document_load(&engine->store, document, &held);
    if (error == MCPZ_OK && !is_held(&held, &record->stable.agreed)) {
        drop_stable(engine, document);
        error = MCPZ_ENOTFOUND;
    }
    return error;
}

static bool is_whole(struct mcpz_engine *engine, const struct mcpz_id *document)
{
    struct mcpz_record record = {.kind = MCPZ_RECORD_FLOOR, .floor = {.document = *document}};
    bool found = false;

    if (engine->store.get(engine->store.context, &record) != MCPZ_OK) {
        return false;
    }
    for (size_t i = 0; i < MCPZ_COLLECT_WHOLE && !found; i++) {
        found = mcpz_id_equal(&engine->collecting.whole[i], &record.floor.agreed.root);
    }
    return found;
}

/* Are there lives of ours to be closed? What exactly, the core finds out. */
static void consider_closing(struct mcpz_engine *engine, const struct mcpz_id *id)
{
    struct mcpz_document document;
    uint32_t upto = 0;

    if (!is_whole(engine, id) || mcpz_document_load(&engine->store, id, &document) != MCPZ_OK ||
        mcpz_lives_closable(&engine->store, &document, mcpz_identity_id(engine->identity),
                            &upto) != MCPZ_OK ||
        upto == 0) {
        return;
    }
    engine->collecting.closable = *id;
    wake(engine);
}

static void raise_floor(struct mcpz_engine *engine, struct mcpz_bytes base,
                        const struct mcpz_record_stable *stable, bool is_deleted)
{
    const struct mcpz_record_floor floor = {
        .document = stable->document,
        .agreed = stable->agreed,
        .byte_count = base.length,
        .folded_ms = engine->wall_ms,
        .agreed_ms = stable->agreed_ms,
        .is_deleted = is_deleted,
    };
    const struct mcpz_fact fact = {.kind = MCPZ_FACT_AGENT_FOLDED, .about = floor.document};
    const struct mcpz_action action = {.kind = MCPZ_ACTION_FACT, .fact = fact};

    if (mcpz_base_put(&engine->store, &floor, base) != MCPZ_OK) {
        return; /* what cannot be read was counted; it is tried again */
    }
    engine->counters.floors_raised++;
    engine->ports.act(engine->ports.context, &action);
    mcpz_collecting_raised(engine, &floor.document);
    consider_closing(engine, &floor.document);
}

static bool is_deleted_in(const struct mcpz_store *made, const struct mcpz_id *id)
{
    struct mcpz_document document;

    return mcpz_document_load(made, id, &document) == MCPZ_OK && document.deleted;
}

/* All of it is made anew: is it what was signed? */
static void finish_job(struct mcpz_engine *engine)
{
    struct mcpz_collect_job *job = engine->collecting.job;
    const struct mcpz_store *made = mcpz_replay_store(job->remake.replay);
    uint8_t *base = NULL;
    size_t length = 0;
    struct mcpz_record record;
    struct mcpz_id root;

    if (find_target(engine, &job->document, &record) != MCPZ_OK ||
        !mcpz_id_equal(&record.stable.agreed.root, &job->root)) {
        return;
    }
    mcpz_error error = mcpz_base_make(made, &job->document, &base, &length);
    if (error == MCPZ_EFULL) {
        drop_stable(engine, &job->document); /* too large to be sent: all of it is kept */
    } else if (error != MCPZ_OK) {
        engine->counters.floors_failed++;
    } else {
        mcpz_digest(MCPZ_DIGEST_ROOT, mcpz_bytes(base, length), root.bytes);
        if (mcpz_id_equal(&root, &job->root)) {
            raise_floor(engine, mcpz_bytes(base, length), &record.stable,
                        is_deleted_in(made, &job->document));
        } else {
            mcpz_folding_alarm(engine, &job->document);
            drop_stable(engine, &job->document);
        }
    }
    free(base);
}

static void run_job(struct mcpz_engine *engine)
{
    struct mcpz_collect_job *job = engine->collecting.job;
    mcpz_error error = MCPZ_OK;

    for (size_t i = 0; i < MCPZ_COLLECT_DELTAS && error == MCPZ_OK; i++) {
        error = mcpz_remake_next(&job->remake, &engine->store);
    }
    if (error == MCPZ_OK) {
        mcpz_replay_rest(job->remake.replay);
        wake(engine);
        return;
    }
    if (error == MCPZ_ENOTFOUND) {
        finish_job(engine);
    } else {
        engine->counters.floors_failed++;
    }
    end_job(engine);
}

static mcpz_error begin_job(struct mcpz_engine *engine, const struct mcpz_record_stable *stable)
{
    struct mcpz_collect_job *job = calloc(1, sizeof(*job));

    if (job == NULL) {
        return MCPZ_ENOMEM;
    }
    engine->collecting.job = job;
    job->document = stable->document;
    job->root = stable->agreed.root;
    return mcpz_remake_init(&job->remake, &engine->store, &job->document, &stable->agreed);
}

bool mcpz_collecting_hurries(struct mcpz_engine *engine, const struct mcpz_id *document,
                             const struct mcpz_version *versions, size_t count)
{
    bool many = false;

    return mcpz_lives_are_many(&engine->store, document, versions, count, &many) == MCPZ_OK &&
           many && mcpz_keepers_nobody_is_away(engine);
}

static bool is_old_enough(struct mcpz_engine *engine, const struct mcpz_record_stable *stable)
{
    struct mcpz_document document;

    if (engine->history_ms == MCPZ_HISTORY_ALL) {
        return false;
    }
    if (stable->agreed_ms + engine->history_ms <= engine->wall_ms) {
        return true;
    }
    if (mcpz_document_load(&engine->store, &stable->document, &document) != MCPZ_OK) {
        return false;
    }
    const struct mcpz_clock *clock = &document.clock;
    const struct mcpz_agreed *agreed = &stable->agreed;
    return mcpz_collecting_tail(engine, &stable->document, clock, &document.cuts) >=
               MCPZ_HISTORY_DELTAS_MAX ||
           mcpz_collecting_hurries(engine, &document.id, clock->versions, clock->count) ||
           mcpz_collecting_hurries(engine, &document.id, agreed->versions, agreed->version_count);
}

/* ---- Rows that go ------------------------------------------------------------------------- */

void mcpz_collecting_raised(struct mcpz_engine *engine, const struct mcpz_id *document)
{
    struct mcpz_collecting *collecting = &engine->collecting;

    for (size_t i = 0; i < collecting->sweep_count; i++) {
        if (mcpz_id_equal(&collecting->sweeps[i], document)) {
            return;
        }
    }
    if (collecting->sweep_count < MCPZ_COLLECT_SWEEPS) { /* others are found when looked at */
        collecting->sweeps[collecting->sweep_count++] = *document;
        wake(engine);
    }
}

static void sweep(struct mcpz_engine *engine)
{
    struct mcpz_collecting *collecting = &engine->collecting;
    struct mcpz_removed removed = {0};
    bool is_done = true;

    if (collecting->sweep_count == 0) {
        return;
    }
    engine->persist.removed = &removed;
    mcpz_error error =
        mcpz_floor_sweep(&engine->store, &collecting->sweeps[collecting->sweep_count - 1],
                         MCPZ_COLLECT_ROWS, &is_done);
    engine->persist.removed = NULL;
    engine->counters.deltas_folded += removed.deltas;
    engine->counters.deltas_folded_bytes += removed.bytes;
    if (error != MCPZ_OK || is_done) {
        engine->counters.floors_failed += error != MCPZ_OK;
        collecting->sweep_count--;
    }
    if (collecting->sweep_count > 0) {
        wake(engine);
    }
}

/* ---- Looking on --------------------------------------------------------------------------- */

/* Are there rows that are to go? One whose floor cannot be read is looked after. */
static bool has_rows_to_go(struct mcpz_engine *engine, const struct mcpz_id *document)
{
    struct mcpz_record record = {.kind = MCPZ_RECORD_FLOOR, .floor = {.document = *document}};

    const mcpz_error error = engine->store.get(engine->store.context, &record);
    if (error == MCPZ_ECORRUPT) {
        mcpz_refill_ask(engine, document);
    }
    return error == MCPZ_OK && !record.floor.swept;
}

/* One is made anew at a time; those that are found meanwhile follow it. */
static void wait_for_turn(struct mcpz_collecting *collecting, const struct mcpz_id *document)
{
    bool is_waiting = mcpz_id_equal(&collecting->job->document, document);

    for (size_t i = 0; i < collecting->waiting_count && !is_waiting; i++) {
        is_waiting = mcpz_id_equal(&collecting->waiting[i], document);
    }
    if (!is_waiting && collecting->waiting_count < MCPZ_COLLECT_WAITING) {
        collecting->waiting[collecting->waiting_count++] = *document;
    }
}

static void follow_up(struct mcpz_engine *engine)
{
    struct mcpz_collecting *collecting = &engine->collecting;

    while (collecting->job == NULL && collecting->waiting_count > 0) {
        const struct mcpz_id document = collecting->waiting[--collecting->waiting_count];
        mcpz_collecting_consider(engine, &document);
    }
}

void mcpz_collecting_consider(struct mcpz_engine *engine, const struct mcpz_id *document)
{
    struct mcpz_record record;

    if (has_rows_to_go(engine, document)) {
        mcpz_collecting_raised(engine, document);
    }
    consider_closing(engine, document);
    if (!find_stable(engine, document, &record) || !is_old_enough(engine, &record.stable) ||
        find_target(engine, document, &record) != MCPZ_OK) {
        return;
    }
    if (engine->collecting.job != NULL) {
        wait_for_turn(&engine->collecting, document);
        return;
    }
    const mcpz_error error = begin_job(engine, &record.stable);
    if (error != MCPZ_OK) {
        engine->counters.floors_failed++;
        end_job(engine);
    }
    if (error == MCPZ_ECORRUPT) {
        mcpz_refill_ask(engine, document);
    }
    if (error != MCPZ_OK) {
        return;
    }
    wake(engine);
}

/* What the floor says of our earlier lives there is all there ever was. */
static void close_lives(struct mcpz_engine *engine)
{
    struct mcpz_event event = {.kind = MCPZ_EVENT_AGENT_CLOSE,
                               .closable = engine->collecting.closable};

    if (!mcpz_id_is_zero(&event.closable)) {
        mcpz_engine_dispatch(engine, &event);
    }
    engine->collecting.closable = (struct mcpz_id){{0}};
}

void mcpz_collecting_tick(struct mcpz_engine *engine)
{
    struct mcpz_collecting *collecting = &engine->collecting;

    if (engine->now < collecting->next_us) {
        return;
    }
    collecting->next_us = MCPZ_TIME_NEVER;
    close_lives(engine);
    if (collecting->job != NULL) {
        run_job(engine);
    }
    follow_up(engine);
    sweep(engine);
}

mcpz_time mcpz_collecting_deadline(const struct mcpz_engine *engine)
{
    return engine->collecting.next_us;
}

void mcpz_collecting_clear(struct mcpz_engine *engine)
{
    end_job(engine);
    engine->collecting.sweep_count = 0;
    engine->collecting.waiting_count = 0;
    engine->collecting.closable = (struct mcpz_id){{0}};
    engine->collecting.next_us = MCPZ_TIME_NEVER;
}
