#include "core/crdt/recheck.h"

#include <string.h>

#include "base/clear.h"
#include "core/crdt/document.h"
#include "core/crdt/floor.h"
#include "core/crdt/origin.h"

static_assert(MCPZ_CHECK_MAX <= 64, "a bit for each");

void mcpz_recheck_init(struct mcpz_recheck *recheck)
{
    mcpz_clear(recheck, sizeof(*recheck));
}

/* ---- What is told ------------------------------------------------------------------------- */

void mcpz_recheck_tell(const struct mcpz_sync *sync, bool waits)
{
    struct mcpz_msg msg = {.kind = MCPZ_MSG_HORIZON};
    struct mcpz_horizon_peer *peer = mcpz_horizon_next(sync->horizon, &msg.horizon);

    while (peer != NULL && (waits ? mcpz_mail_message(sync->mail, &peer->id, &msg)
                                  : mcpz_mail_question(sync->mail, &peer->id, &msg))) {
        mcpz_horizon_told(peer);
        peer = mcpz_horizon_next(sync->horizon, &msg.horizon);
    }
}

struct mcpz_horizon_news mcpz_recheck_hear(struct mcpz_recheck *recheck,
                                           const struct mcpz_sync *sync,
                                           const struct mcpz_id *from,
                                           const struct mcpz_msg_horizon *said, uint64_t hlc)
{
    const struct mcpz_horizon_sight sight = {
        .wall_ms = sync->wall_ms, .hlc = hlc, .is_empty = sync->holdings->root.count == 0};
    const struct mcpz_horizon_news news = mcpz_horizon_hear(sync->horizon, from, said, &sight);

    mcpz_recheck_tell(sync, true);
    if (recheck->is_waiting && recheck->phase == MCPZ_RECHECK_RESTS) {
        recheck->due_us = sync->now; /* it may be one that can be asked */
    }
    return news;
}

/* ---- Answering ---------------------------------------------------------------------------- */

static bool keeps(const struct mcpz_scope *scope, const struct mcpz_id *node,
                  const struct mcpz_id *document)
{
    struct mcpz_id owners[MCPZ_OWNERS_MAX];
    const size_t count =
        scope->owners == NULL ? 0 : scope->owners(scope->context, document, owners);

    return count == 0 || mcpz_scope_is_among(owners, count, node);
}

mcpz_error mcpz_recheck_answer(const struct mcpz_sync *sync, const struct mcpz_id *from,
                               const struct mcpz_msg_check *check)
{
    struct mcpz_msg msg = {.kind = MCPZ_MSG_UNKNOWN,
                           .unknown = {.nonce = check->nonce, .wall_ms = sync->wall_ms}};
    struct mcpz_document ours;

    if (sync->holdings->is_off || check->scope != sync->scope->stamp || sync->scope->is_moving ||
        !mcpz_horizon_vouches(sync->horizon)) {
        return MCPZ_OK;
    }
    for (size_t i = 0; i < check->row_count; i++) {
        const struct mcpz_check_row *row = &check->rows[i];
        if (!keeps(sync->scope, &sync->scope->self, &row->document)) {
            return MCPZ_OK;
        }
        mcpz_error error = mcpz_document_load(&sync->holdings->store, &row->document, &ours);
        if (error != MCPZ_OK) {
            return error;
        }
        if (!ours.exists || !mcpz_origin_has_row(&ours, row)) {
            msg.unknown.mask |= UINT64_C(1) << i;
        }
    }
    (void)mcpz_mail_question(sync->mail, from, &msg); /* without room it is asked again */
    return MCPZ_OK;
}

/* ---- Asking ------------------------------------------------------------------------------- */

/* A page that is put together. */
struct page {
    struct mcpz_recheck *recheck;
    const struct mcpz_sync *sync;
    const struct mcpz_id *peer; /* who keeps what is on it; NULL: it is empty */
    struct mcpz_check_row rows[MCPZ_CHECK_MAX];
    uint8_t writers[MCPZ_RECHECK_BYTES + MCPZ_ORIGIN_BYTES_MAX];
    size_t writer_bytes;
};

/* Somebody who can say of `document` whether it was forgotten; NULL: nobody is there. */
static const struct mcpz_id *find_witness(const struct page *page, const struct mcpz_id *document)
{
    const struct mcpz_horizon *horizon = page->sync->horizon;

    for (size_t i = 0; i < horizon->peer_count; i++) {
        const size_t at = (page->recheck->turn + i) % horizon->peer_count;
        const struct mcpz_id *peer = &horizon->peers[at].id;
        if (mcpz_horizon_is_vouched_by(horizon, peer) &&
            keeps(page->sync->scope, peer, document)) {
            return peer;
        }
    }
    return NULL;
}

/* Put `document` on the page. False: it is for another one, or another peer. */
static bool add(struct page *page, const struct mcpz_record_document *document)
{
    struct mcpz_recheck *recheck = page->recheck;

    if (page->peer == NULL) {
        page->peer = find_witness(page, &document->id);
    }
    if (page->peer == NULL || recheck->page_count == MCPZ_CHECK_MAX ||
        page->writer_bytes >= MCPZ_RECHECK_BYTES ||
        !keeps(page->sync->scope, page->peer, &document->id)) {
        return false;
    }
    uint8_t *writers = page->writers + page->writer_bytes;
    const size_t length = mcpz_origin_pack(document, writers);
    page->writer_bytes += length;
    page->rows[recheck->page_count] =
        (struct mcpz_check_row){.document = document->id, .actors = mcpz_bytes(writers, length)};
    recheck->page[recheck->page_count++] = document->id;
    return true;
}

static mcpz_error fill(struct page *page, bool *is_end)
{
    struct mcpz_recheck *recheck = page->recheck;
    const struct mcpz_store *store = &page->sync->holdings->store;
    struct mcpz_record record = {.kind = MCPZ_RECORD_DOCUMENT, .document = {.id = recheck->after}};

    *is_end = false;
    recheck->page_count = 0;
    recheck->upto = recheck->after;
    for (size_t i = 0; i < MCPZ_RECHECK_DOCUMENTS; i++) {
        mcpz_error error = store->next(store->context, MCPZ_SCAN_KIND, false, &record);
        if (error != MCPZ_OK) {
            *is_end = error == MCPZ_ENOTFOUND;
            return *is_end ? MCPZ_OK : error;
        }
        if (!add(page, &record.document)) {
            recheck->unwitnessed = page->peer == NULL ? record.document.id : (struct mcpz_id){{0}};
            return MCPZ_OK;
        }
        recheck->upto = record.document.id;
    }
    return MCPZ_OK;
}

static void wait(struct mcpz_recheck *recheck, mcpz_time now)
{
    recheck->is_waiting = true;
    recheck->due_us = now + MCPZ_RECHECK_AGAIN_US;
}

static void finish(struct mcpz_recheck *recheck, const struct mcpz_sync *sync)
{
    mcpz_horizon_freshen(sync->horizon, recheck->first_ms, sync->wall_ms);
    recheck->horizon_ms = 0;
    recheck->due_us = MCPZ_TIME_NEVER;
    mcpz_recheck_tell(sync, true);
}

static mcpz_error ask(struct mcpz_recheck *recheck, const struct mcpz_sync *sync)
{
    struct page page = {.recheck = recheck, .sync = sync};
    bool is_end;

    mcpz_error error = fill(&page, &is_end);
    if (error != MCPZ_OK) {
        return error;
    }
    if (recheck->page_count == 0) {
        if (is_end) {
            finish(recheck, sync);
        } else {
            wait(recheck, sync->now);
        }
        return MCPZ_OK;
    }
    recheck->nonce = ++recheck->drawn;
    recheck->peer = *page.peer;
    const struct mcpz_msg msg = {.kind = MCPZ_MSG_CHECK,
                                 .check = {.nonce = recheck->nonce,
                                           .scope = sync->scope->stamp,
                                           .rows = page.rows,
                                           .row_count = recheck->page_count}};
    recheck->is_waiting = false;
    if (mcpz_mail_check(sync->mail, &recheck->peer, &msg)) {
        recheck->phase = MCPZ_RECHECK_ASKED;
        recheck->due_us = sync->now + MCPZ_RECHECK_PATIENCE_US;
    } else {
        recheck->due_us = sync->now + MCPZ_RECHECK_PAUSE_US;
    }
    return MCPZ_OK;
}

/* ---- What becomes of it ------------------------------------------------------------------- */

static bool is_below(const struct mcpz_floor *tombstone, const struct mcpz_delta *delta)
{
    const struct mcpz_clock *clock = &tombstone->clock;

    return tombstone->exists &&
           (delta->seq <= mcpz_clock_get(clock->versions, clock->count, &delta->actor) ||
            mcpz_cuts_is_tainted(&tombstone->cuts, &delta->actor, delta->seq));
}

/*
 * Nobody can have forgotten it, or nobody can have had it. Of one that we know to have been
 * deleted that is asked of what lies above: the end that others have forgotten is in it.
 */
static mcpz_error is_to_stay(const struct mcpz_sync *sync, const struct mcpz_id *document,
                             bool *stays)
{
    const struct mcpz_store *store = &sync->holdings->store;
    const struct mcpz_record_horizon *row = &sync->horizon->row;
    struct mcpz_record record = {.kind = MCPZ_RECORD_DELTA,
                                 .delta = {.delta = {.document = *document}}};
    struct mcpz_floor floor;
    struct mcpz_floor tombstone;
    bool is_after = true;
    bool is_alone = true;
    size_t count = 0;

    *stays = false;
    mcpz_error error = mcpz_floor_load(store, document, &floor);
    if (error == MCPZ_OK) {
        error = mcpz_floor_load_tombstone(store, document, &tombstone);
    }
    if (error != MCPZ_OK || (floor.exists && !tombstone.exists)) {
        return error; /* others have signed it */
    }
    error = store->next(store->context, MCPZ_SCAN_DOCUMENT, true, &record);
    while (error == MCPZ_OK && (is_after || is_alone)) {
        const struct mcpz_delta *delta = &record.delta.delta;
        if (!is_below(&tombstone, delta)) {
            is_after = is_after && mcpz_hlc_to_ms(delta->hlc) > row->horizon_ms;
            is_alone = is_alone && delta->hlc > row->told_hlc &&
                       mcpz_id_equal(&delta->actor.node, &sync->scope->self);
            count++;
        }
        error = store->next(store->context, MCPZ_SCAN_DOCUMENT, false, &record);
    }
    *stays = count > 0 && (is_after || is_alone);
    return error == MCPZ_ENOTFOUND ? MCPZ_OK : error;
}

static void go_on(struct mcpz_recheck *recheck, mcpz_time now)
{
    recheck->after = recheck->upto;
    recheck->aside_count = 0;
    recheck->phase = MCPZ_RECHECK_RESTS;
    recheck->due_us = now;
}

mcpz_error mcpz_recheck_take(struct mcpz_recheck *recheck, const struct mcpz_sync *sync,
                             const struct mcpz_id *from, const struct mcpz_msg_unknown *unknown)
{
    const uint64_t all =
        recheck->page_count == 64 ? UINT64_MAX : (UINT64_C(1) << recheck->page_count) - 1;

    if (recheck->phase != MCPZ_RECHECK_ASKED || unknown->nonce != recheck->nonce ||
        !mcpz_id_equal(from, &recheck->peer) || (unknown->mask & ~all) != 0) {
        return MCPZ_EPROTO;
    }
    recheck->aside_count = 0;
    for (size_t i = 0; i < recheck->page_count; i++) {
        bool stays = true;
        if ((unknown->mask >> i & 1) != 0) {
            mcpz_error error = is_to_stay(sync, &recheck->page[i], &stays);
            if (error != MCPZ_OK) {
                return error;
            }
            recheck->kept += stays ? 1 : 0;
        }
        if (!stays) {
            recheck->aside[recheck->aside_count++] = recheck->page[i];
        }
    }
    recheck->checked += recheck->page_count;
    recheck->first_ms = recheck->first_ms == 0 ? unknown->wall_ms : recheck->first_ms;
    if (recheck->aside_count == 0) {
        go_on(recheck, sync->now);
    } else {
        recheck->phase = MCPZ_RECHECK_ASIDE;
        recheck->due_us = MCPZ_TIME_NEVER;
    }
    return MCPZ_OK;
}

void mcpz_recheck_give_way(struct mcpz_recheck *recheck, const struct mcpz_id *document)
{
    if (recheck->phase == MCPZ_RECHECK_RESTS) {
        recheck->phase = MCPZ_RECHECK_ASIDE;
        recheck->aside[0] = *document;
        recheck->aside_count = 1;
        recheck->upto = recheck->after;
        recheck->due_us = MCPZ_TIME_NEVER;
    }
}

void mcpz_recheck_done(struct mcpz_recheck *recheck, size_t count, bool failed, mcpz_time now)
{
    if (recheck->phase != MCPZ_RECHECK_ASIDE) {
        return; /* the horizon has risen meanwhile, and it begins anew */
    }
    recheck->set_aside += count;
    if (!failed) {
        go_on(recheck, now);
        return;
    }
    recheck->phase = MCPZ_RECHECK_RESTS; /* the page is asked for again */
    recheck->aside_count = 0;
    wait(recheck, now);
}

/* ---- In time ------------------------------------------------------------------------------ */

static void begin(struct mcpz_recheck *recheck, uint64_t horizon_ms)
{
    recheck->phase = MCPZ_RECHECK_RESTS;
    recheck->horizon_ms = horizon_ms;
    recheck->first_ms = 0;
    recheck->after = (struct mcpz_id){{0}};
    recheck->aside_count = 0;
    recheck->is_waiting = false;
    recheck->due_us = 0;
}

static bool is_new(const struct mcpz_recheck *recheck, const struct mcpz_horizon *horizon)
{
    return mcpz_horizon_is_stale(horizon) && recheck->horizon_ms != horizon->row.horizon_ms;
}

mcpz_error mcpz_recheck_tick(struct mcpz_recheck *recheck, const struct mcpz_sync *sync)
{
    if (is_new(recheck, sync->horizon)) {
        begin(recheck, sync->horizon->row.horizon_ms);
    }
    if (!mcpz_horizon_is_stale(sync->horizon) || recheck->due_us > sync->now ||
        recheck->phase == MCPZ_RECHECK_ASIDE) {
        return MCPZ_OK;
    }
    if (recheck->phase == MCPZ_RECHECK_ASKED) { /* no answer came */
        recheck->phase = MCPZ_RECHECK_RESTS;
        recheck->turn++;
    }
    mcpz_error error = sync->holdings->is_off ? MCPZ_OK : ask(recheck, sync);
    if (error != MCPZ_OK || sync->holdings->is_off) {
        wait(recheck, sync->now);
    }
    return error;
}

mcpz_time mcpz_recheck_deadline(const struct mcpz_recheck *recheck,
                                const struct mcpz_horizon *horizon)
{
    if (is_new(recheck, horizon)) {
        return 0;
    }
    return mcpz_horizon_is_stale(horizon) ? recheck->due_us : MCPZ_TIME_NEVER;
}
