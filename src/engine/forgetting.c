#include "engine/forgetting.h"

#include <assert.h>

#include "core/crdt/clock.h"
#include "core/crdt/document.h"
#include "core/crdt/horizon.h"
#include "core/layouts.h"
#include "engine/collecting.h"
#include "engine/internal.h"

static_assert(MCPZ_FORGET_ROWS_MAX <= 64, "an answer has a bit for each");
static_assert(MCPZ_FORGET_ROWS_MAX <= MCPZ_FORGOTTEN_MAX, "all of a round can be remembered");

/* ---- Whether a document may go ------------------------------------------------------------ */

/* All must have signed by then, for a store that lacks the tombstone to be held back. */
static uint64_t signed_before_ms(const struct mcpz_engine *engine, uint64_t horizon_ms)
{
    const uint64_t clocks_ms = engine->grace_ms / MCPZ_FORGET_CLOCKS;

    return horizon_ms > clocks_ms ? horizon_ms - clocks_ms : 0;
}

/* Is one layout at most live, and has everybody had what is theirs for as long? Who did not have
 * it when the tombstone was signed may still keep what it has not handed over. */
static bool is_settled(struct mcpz_engine *engine, uint64_t horizon_ms)
{
    const struct mcpz_layouts *layouts = &engine->node.layouts;
    struct mcpz_record record = {.kind = MCPZ_RECORD_SETTLED};

    if (!mcpz_layouts_any(layouts)) {
        return !mcpz_layouts_may_come(layouts);
    }
    return mcpz_layouts_are_settled(layouts) &&
           engine->store.get(engine->store.context, &record) == MCPZ_OK &&
           mcpz_layout_stamp_compare(record.settled.stamp, layouts->history.live[0].stamp) == 0 &&
           record.settled.since_ms <= signed_before_ms(engine, horizon_ms);
}

static bool is_same_place(const struct mcpz_clock *clock, const struct mcpz_agreed *agreed)
{
    bool is_same = clock->count == agreed->version_count;

    for (size_t i = 0; i < clock->count && is_same; i++) {
        const struct mcpz_version *a = &clock->versions[i];
        const struct mcpz_version *b = &agreed->versions[i];
        is_same = mcpz_actor_compare(&a->actor, &b->actor) == 0 && a->seq == b->seq &&
                  mcpz_head_equal(&a->head, &b->head);
    }
    return is_same;
}

static bool has_evidence(struct mcpz_engine *engine, const struct mcpz_id *document)
{
    struct mcpz_record record = {.kind = MCPZ_RECORD_FORK, .fork = {.document = *document}};

    return engine->store.next(engine->store.context, MCPZ_SCAN_DOCUMENT, true, &record) !=
           MCPZ_ENOTFOUND;
}

static bool is_tombstone(const struct mcpz_document *document)
{
    return document->exists && document->deleted && document->cuts.count == 0;
}

/* Is it a tombstone that all had signed by then, and nothing else of it here? `*root`: of that. */
static bool is_all_over(struct mcpz_engine *engine, const struct mcpz_id *id, uint64_t horizon_ms,
                        struct mcpz_id *root)
{
    struct mcpz_record record = {.kind = MCPZ_RECORD_FLOOR, .floor = {.document = *id}};
    const struct mcpz_record_floor *floor = &record.floor;
    struct mcpz_document document;

    if (mcpz_document_load(&engine->store, id, &document) != MCPZ_OK || !is_tombstone(&document) ||
        engine->store.get(engine->store.context, &record) != MCPZ_OK) {
        return false;
    }
    const uint64_t signed_ms = floor->agreed_ms != 0 ? floor->agreed_ms : floor->folded_ms;
    const bool is_over = floor->swept && signed_ms <= signed_before_ms(engine, horizon_ms) &&
                         is_same_place(&document.clock, &floor->agreed);
    *root = floor->agreed.root;
    return is_over && !mcpz_collecting_waits(engine, id) && !has_evidence(engine, id);
}

/* Those who answer need not be linked with each other: who asks hears all of them. */
static bool are_all_there(struct mcpz_engine *engine, const struct mcpz_id *document,
                          struct mcpz_keepers *keepers)
{
    mcpz_keepers_find(engine, document, keepers);
    return keepers->is_complete && keepers->count + 1 >= MCPZ_KEEPERS_MIN;
}

/*
 * May anything be forgotten for that horizon? Each says for itself that it would not be stale by
 * then; what it was heard to say of that before may be older than a horizon that has just risen.
 */
static bool may_forget(struct mcpz_engine *engine, uint64_t horizon_ms)
{
    return engine->forgetting.is_on && engine->history_ms != MCPZ_HISTORY_ALL &&
           horizon_ms <= mcpz_horizon_of(engine->wall_ms, engine->grace_ms) &&
           is_settled(engine, horizon_ms);
}

static bool is_among(const struct mcpz_keepers *keepers, const struct mcpz_id *node)
{
    for (size_t i = 0; i < keepers->count; i++) {
        if (mcpz_id_equal(&keepers->others[i], node)) {
            return true;
        }
    }
    return false;
}

/* Would we forget what `from`, who keeps it too, would? */
static bool would_forget(struct mcpz_engine *engine, const struct mcpz_id *from,
                         const struct mcpz_forget_row *row, uint64_t horizon_ms)
{
    struct mcpz_keepers keepers;
    struct mcpz_id root;

    return is_all_over(engine, &row->document, horizon_ms, &root) &&
           mcpz_id_equal(&root, &row->root) && are_all_there(engine, &row->document, &keepers) &&
           (from == NULL ? keepers.are_linked : is_among(&keepers, from));
}

/* ---- Forgetting --------------------------------------------------------------------------- */

static void forget(struct mcpz_engine *engine, const struct mcpz_id *document)
{
    struct mcpz_removed removed = {0};

    engine->persist.removed = &removed;
    mcpz_agents_forget_deleted(&engine->node.agents, document, engine->now);
    engine->persist.removed = NULL;
    engine->counters.documents_forgotten++;
    engine->counters.documents_forgotten_bytes += removed.bytes;
}

/* Those of `rows` that we still would, in the batch of this turn. Bits of what went. */
static uint64_t forget_rows(struct mcpz_engine *engine, const struct mcpz_id *from,
                            const struct mcpz_msg_forget *said, uint64_t among)
{
    uint64_t gone = 0;

    for (size_t i = 0; i < said->row_count; i++) {
        if ((among >> i & 1) == 0 ||
            !would_forget(engine, from, &said->rows[i], said->horizon_ms)) {
            continue;
        }
        if (gone == 0 && !mcpz_agents_raise(&engine->node.agents, said->horizon_ms)) {
            break;
        }
        forget(engine, &said->rows[i].document);
        gone |= UINT64_C(1) << i;
    }
    mcpz_engine_keep_self(engine); /* with the rows, or a restart would use names again */
    return gone;
}

/* ---- Hearing ------------------------------------------------------------------------------ */

static bool has_room(const struct mcpz_engine *engine, size_t count)
{
    return mcpz_forgotten_room(&engine->node.agents.forgotten, engine->now) >= count;
}

static uint64_t judge(struct mcpz_engine *engine, const struct mcpz_id *from,
                      const struct mcpz_msg_forget *asked)
{
    uint64_t agreed = 0;

    for (size_t i = 0; i < asked->row_count; i++) {
        if (would_forget(engine, from, &asked->rows[i], asked->horizon_ms)) {
            agreed |= UINT64_C(1) << i;
        }
    }
    return agreed;
}

void mcpz_forgetting_asked(struct mcpz_engine *engine, const struct mcpz_id *from,
                           const struct mcpz_msg_forget *asked)
{
    struct mcpz_link_row *row = mcpz_link_rows_to(engine, from);
    const bool may = may_forget(engine, asked->horizon_ms) && has_room(engine, asked->row_count);

    if (asked->is_agreed) {
        if (may) {
            (void)forget_rows(engine, from, asked, UINT64_MAX);
        }
        return;
    }
    const struct mcpz_msg msg = {
        .kind = MCPZ_MSG_FORGET_ANSWER,
        .forget_answer = {.nonce = asked->nonce, .agreed = may ? judge(engine, from, asked) : 0},
    };
    if (row != NULL) {
        mcpz_link_rows_send(engine, row, &msg);
    }
}

static size_t count_bits(uint64_t bits)
{
    size_t count = 0;

    for (; bits != 0; bits &= bits - 1) {
        count++;
    }
    return count;
}

/* What went here may go at the others, once that is on our disk. */
static void tell_all(struct mcpz_engine *engine, const struct mcpz_forget_round *round,
                     uint64_t gone)
{
    struct mcpz_forget_row rows[MCPZ_FORGET_ROWS_MAX];
    struct mcpz_link_set route = {.count = 0};
    struct mcpz_msg msg = {
        .kind = MCPZ_MSG_FORGET,
        .forget = {.nonce = round->nonce,
                   .horizon_ms = round->horizon_ms,
                   .is_agreed = true,
                   .rows = rows},
    };

    for (size_t i = 0; i < round->row_count; i++) {
        if ((gone >> i & 1) != 0) {
            rows[msg.forget.row_count++] = round->rows[i];
        }
    }
    for (size_t i = 0; i < round->keepers.count; i++) {
        const struct mcpz_link_row *row = mcpz_link_rows_to(engine, &round->keepers.others[i]);
        if (row != NULL) {
            route.links[route.count++] = row->id;
        }
    }
    if (gone != 0) {
        mcpz_outbound_hold(engine, &msg, &route);
    }
}

/* All have answered. */
static void conclude(struct mcpz_engine *engine)
{
    struct mcpz_forget_round *round = &engine->forgetting.round;
    const struct mcpz_msg_forget said = {
        .horizon_ms = round->horizon_ms, .rows = round->rows, .row_count = round->row_count};
    uint64_t gone = 0;

    if (may_forget(engine, round->horizon_ms)) {
        gone = forget_rows(engine, NULL, &said, round->agreed);
    }
    tell_all(engine, round, gone);
    engine->counters.forgets_given_up += round->row_count - count_bits(gone);
    round->nonce = 0;
    engine->forgetting.next_us = engine->now + MCPZ_FORGET_PAUSE_US;
}

void mcpz_forgetting_answered(struct mcpz_engine *engine, const struct mcpz_id *from,
                              const struct mcpz_msg_forget_answer *answer)
{
    struct mcpz_forget_round *round = &engine->forgetting.round;

    if (round->nonce == 0 || answer->nonce != round->nonce) {
        return; /* too late */
    }
    for (size_t i = 0; i < round->keepers.count; i++) {
        if (mcpz_id_equal(&round->keepers.others[i], from) && !round->has_answered[i]) {
            round->has_answered[i] = true;
            round->answer_count++;
            round->agreed &= answer->agreed;
        }
    }
    if (round->answer_count == round->keepers.count) {
        conclude(engine);
    }
}

/* ---- Asking ------------------------------------------------------------------------------- */

/* Of all who keep a document the one with the smallest id asks. */
static bool is_first(const struct mcpz_engine *engine, const struct mcpz_keepers *keepers)
{
    const struct mcpz_id *self = mcpz_identity_id(engine->identity);

    for (size_t i = 0; i < keepers->count; i++) {
        if (mcpz_id_compare(&keepers->others[i], self) < 0) {
            return false;
        }
    }
    return true;
}

/* Are they linking, and to be waited for? Those that cannot are passed by, in this walk. */
static bool are_meeting(struct mcpz_engine *engine, const struct mcpz_keepers *keepers)
{
    struct mcpz_forgetting *forgetting = &engine->forgetting;

    if (!mcpz_keepers_are_same(keepers, &forgetting->met)) {
        forgetting->met = *keepers;
        forgetting->met_us = engine->now;
        mcpz_keepers_meet(engine, keepers);
    }
    return engine->now < forgetting->met_us + MCPZ_KEEPERS_MEET_US;
}

/*
 * Put it into the round, if it may go. False: not into this one, as its keepers are others, or
 * still linking.
 */
static bool gather(struct mcpz_engine *engine, const struct mcpz_id *document)
{
    struct mcpz_forgetting *forgetting = &engine->forgetting;
    struct mcpz_forget_round *round = &forgetting->round;
    struct mcpz_keepers keepers;
    struct mcpz_id root;

    if (!is_all_over(engine, document, forgetting->horizon_ms, &root) ||
        !are_all_there(engine, document, &keepers) || !is_first(engine, &keepers)) {
        return true;
    }
    if (round->row_count > 0 && !mcpz_keepers_are_same(&keepers, &round->keepers)) {
        return false;
    }
    if (!keepers.are_linked) {
        return !are_meeting(engine, &keepers);
    }
    forgetting->met.count = 0;
    round->keepers = keepers;
    round->rows[round->row_count++] =
        (struct mcpz_forget_row){.document = *document, .root = root};
    return true;
}

static void ask(struct mcpz_engine *engine)
{
    struct mcpz_forgetting *forgetting = &engine->forgetting;
    struct mcpz_forget_round *round = &forgetting->round;

    forgetting->nonce =
        forgetting->nonce < engine->wall_ms ? engine->wall_ms : forgetting->nonce + 1;
    round->nonce = forgetting->nonce;
    round->agreed = UINT64_MAX;
    round->answer_count = 0;
    round->until_us = engine->now + MCPZ_FORGET_PATIENCE_US;
    forgetting->next_us = round->until_us;
    const struct mcpz_msg msg = {
        .kind = MCPZ_MSG_FORGET,
        .forget = {.nonce = round->nonce,
                   .horizon_ms = round->horizon_ms,
                   .rows = round->rows,
                   .row_count = round->row_count},
    };
    for (size_t i = 0; i < round->keepers.count; i++) {
        struct mcpz_link_row *row = mcpz_link_rows_to(engine, &round->keepers.others[i]);
        round->has_answered[i] = false;
        if (row != NULL) {
            mcpz_link_rows_send(engine, row, &msg);
        }
    }
}

/* ---- Where nobody else is ----------------------------------------------------------------- */

/* Is there any row of that kind but our own? */
static bool has_others(struct mcpz_engine *engine, enum mcpz_record_kind kind)
{
    const struct mcpz_id *self = mcpz_identity_id(engine->identity);
    struct mcpz_record record = {.kind = kind};
    bool is_ours = true;
    mcpz_error error = MCPZ_OK;

    for (size_t i = 0; i < 2 && error == MCPZ_OK && is_ours; i++) {
        error = engine->store.next(engine->store.context, MCPZ_SCAN_KIND, i == 0, &record);
        is_ours = error != MCPZ_OK ||
                  (kind == MCPZ_RECORD_AUTHOR && mcpz_id_equal(&record.author.id, self));
    }
    return !is_ours || (error != MCPZ_OK && error != MCPZ_ENOTFOUND);
}

/* Has nobody else ever had what is here? */
static bool has_met_nobody(struct mcpz_engine *engine)
{
    return engine->node.fabric.links.count == 0 &&
           mcpz_members_alive_count(&engine->node.fabric.members) == 1 &&
           !mcpz_layouts_any(&engine->node.layouts) && !has_others(engine, MCPZ_RECORD_PEER) &&
           !has_others(engine, MCPZ_RECORD_CURSOR) && !has_others(engine, MCPZ_RECORD_AUTHOR);
}

/* Forget it if it was deleted before. Returns how many rows of deltas went, about. */
static uint64_t forget_alone(struct mcpz_engine *engine, const struct mcpz_id *id)
{
    const uint64_t before_ms = signed_before_ms(engine, engine->forgetting.horizon_ms);
    struct mcpz_document document;

    if (mcpz_document_load(&engine->store, id, &document) != MCPZ_OK || !is_tombstone(&document) ||
        has_evidence(engine, id)) {
        return 0;
    }
    const uint64_t deltas = mcpz_clock_deltas(document.clock.versions, document.clock.count);
    const uint64_t written_ms = mcpz_hlc_to_ms(document.hlc);
    if (deltas > MCPZ_FORGET_ALONE_DELTAS || written_ms > before_ms ||
        written_ms + engine->history_ms > engine->wall_ms) {
        return 0;
    }
    forget(engine, id);
    mcpz_engine_keep_self(engine);
    return deltas;
}

/* ---- Time --------------------------------------------------------------------------------- */

static void end_walk(struct mcpz_engine *engine)
{
    struct mcpz_forgetting *forgetting = &engine->forgetting;

    forgetting->done_ms = forgetting->horizon_ms;
    forgetting->horizon_ms = 0;
}

/* Look at some documents. True: that were all there are. */
static bool look_at_some(struct mcpz_engine *engine)
{
    struct mcpz_forgetting *forgetting = &engine->forgetting;
    struct mcpz_record record = {.kind = MCPZ_RECORD_DOCUMENT,
                                 .document = {.id = forgetting->after}};
    const bool is_alone = has_met_nobody(engine);
    uint64_t deltas = 0;

    for (size_t i = 0; i < MCPZ_FORGET_WALK && deltas < MCPZ_FORGET_ALONE_DELTAS &&
                       forgetting->round.row_count < MCPZ_FORGET_ROWS_MAX;
         i++) {
        if (engine->store.next(engine->store.context, MCPZ_SCAN_KIND, false, &record) != MCPZ_OK) {
            return true; /* also if it cannot be read: another time */
        }
        const struct mcpz_id id = record.document.id;
        if (record.document.deleted && is_alone) {
            deltas += forget_alone(engine, &id);
        } else if (record.document.deleted && !gather(engine, &id)) {
            return false;
        }
        forgetting->after = id;
    }
    return false;
}

static void walk(struct mcpz_engine *engine)
{
    struct mcpz_forgetting *forgetting = &engine->forgetting;

    if (!may_forget(engine, forgetting->horizon_ms)) {
        forgetting->horizon_ms = 0;
        forgetting->next_us = engine->now + MCPZ_FORGET_LOOK_US;
        return;
    }
    forgetting->next_us = engine->now + MCPZ_FORGET_PAUSE_US;
    if (!has_room(engine, MCPZ_FORGET_WALK)) {
        return;
    }
    forgetting->round.row_count = 0;
    forgetting->round.horizon_ms = forgetting->horizon_ms;
    const bool is_done = look_at_some(engine);
    if (is_done) {
        end_walk(engine);
    }
    if (forgetting->round.row_count > 0) {
        ask(engine);
    }
}

/* Since when has the layout that is the only one been it? Layouts themselves have no time. */
static void note_settled(struct mcpz_engine *engine)
{
    const struct mcpz_layouts *layouts = &engine->node.layouts;
    struct mcpz_record record = {.kind = MCPZ_RECORD_SETTLED};

    if (!mcpz_layouts_are_settled(layouts)) {
        return;
    }
    const struct mcpz_layout_stamp stamp = layouts->history.live[0].stamp;
    if (engine->store.get(engine->store.context, &record) == MCPZ_OK &&
        mcpz_layout_stamp_compare(record.settled.stamp, stamp) == 0) {
        return;
    }
    record.settled = (struct mcpz_record_settled){.stamp = stamp, .since_ms = engine->wall_ms};
    engine->store.put(engine->store.context, &record);
}

static void look(struct mcpz_engine *engine)
{
    struct mcpz_forgetting *forgetting = &engine->forgetting;
    const uint64_t horizon_ms = mcpz_horizon_of(engine->wall_ms, engine->grace_ms);

    note_settled(engine);
    if (horizon_ms == 0 || horizon_ms == forgetting->done_ms || !may_forget(engine, horizon_ms)) {
        forgetting->next_us = engine->now + MCPZ_FORGET_LOOK_US;
        return;
    }
    forgetting->horizon_ms = horizon_ms;
    forgetting->after = (struct mcpz_id){{0}};
    forgetting->met.count = 0;
    forgetting->next_us = engine->now + MCPZ_FORGET_PAUSE_US;
}

void mcpz_forgetting_tick(struct mcpz_engine *engine)
{
    struct mcpz_forgetting *forgetting = &engine->forgetting;

    if (!forgetting->is_on || engine->now < forgetting->next_us) {
        return;
    }
    if (forgetting->next_us == 0) {
        forgetting->next_us = engine->now + MCPZ_FORGET_FIRST_US;
        return;
    }
    if (forgetting->round.nonce != 0) { /* somebody does not answer: another time */
        engine->counters.forgets_given_up += forgetting->round.row_count;
        forgetting->round.nonce = 0;
    }
    if (forgetting->horizon_ms == 0) {
        look(engine);
    } else {
        walk(engine);
    }
}

mcpz_time mcpz_forgetting_deadline(const struct mcpz_engine *engine)
{
    return engine->forgetting.is_on ? engine->forgetting.next_us : MCPZ_TIME_NEVER;
}
