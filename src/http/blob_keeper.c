#include "http/blob_keeper.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "http/blob_fetch.h"
#include "http/blob_places.h"
#include "http/blob_review.h"
#include "http/blob_stray.h"
#include "http/blob_targets.h"
#include "http/exchange.h"

void mcpz_blob_keeper_targets(struct mcpz_api *api, const struct mcpz_id *root,
                              struct mcpz_ack_wait *wait)
{
    mcpz_blob_targets(mcpz_api_engine(api), root, mcpz_api_now(api), api->ports.blobs_mourned_us,
                      wait);
}

bool mcpz_blob_keeper_is_ours(struct mcpz_api *api, const struct mcpz_id *root)
{
    struct mcpz_ack_wait wait = {0};

    mcpz_blob_keeper_targets(api, root, &wait);
    return mcpz_blob_targets_has(&wait, mcpz_engine_id(mcpz_api_engine(api)));
}

/* ---- How much may be copied ----------------------------------------------------------------- */

bool mcpz_blob_keeper_may_copy(const struct mcpz_blob_keeper *keeper)
{
    return keeper->budget > 0;
}

void mcpz_blob_keeper_copied(struct mcpz_blob_keeper *keeper, size_t bytes)
{
    keeper->budget -= (int64_t)bytes;
}

/* As much as may be copied in a second gathers, and no more. */
static void fill_budget(struct mcpz_blob_keeper *keeper, mcpz_time now)
{
    const mcpz_time passed = now - keeper->budget_us;
    const int64_t most = MCPZ_BLOB_COPY_BYTES_PER_SECOND;

    keeper->budget_us = now;
    keeper->budget += passed < MCPZ_SECONDS(1) ? most * (int64_t)passed / 1000000 : most;
    keeper->budget = keeper->budget < most ? keeper->budget : most;
}

/* ---- What is to be here --------------------------------------------------------------------- */

static struct mcpz_blob_want *find_want(struct mcpz_blob_keeper *keeper,
                                        const struct mcpz_id *root)
{
    for (size_t i = 0; i < MCPZ_BLOB_WANTS_MAX; i++) {
        struct mcpz_blob_want *want = &keeper->wants[i];
        if (want->used && mcpz_id_equal(&want->about.root, root)) {
            return want;
        }
    }
    return NULL;
}

static bool gives_way(const struct mcpz_blob_want *want)
{
    return want->exchange == NULL && want->failed >= MCPZ_BLOB_WANT_PATIENCE;
}

/* For so many more there is room. */
static size_t count_want_room(const struct mcpz_blob_keeper *keeper)
{
    size_t count = 0;

    for (size_t i = 0; i < MCPZ_BLOB_WANTS_MAX; i++) {
        count += !keeper->wants[i].used || gives_way(&keeper->wants[i]) ? 1 : 0;
    }
    return count;
}

/* One that is free, or that nobody has had for a while: it is found again when all are gone
 * through. NULL: none is. */
static struct mcpz_blob_want *find_want_room(struct mcpz_blob_keeper *keeper)
{
    struct mcpz_blob_want *room = NULL;

    for (size_t i = 0; i < MCPZ_BLOB_WANTS_MAX; i++) {
        struct mcpz_blob_want *want = &keeper->wants[i];
        if (!want->used) {
            return want;
        }
        if (gives_way(want) && (room == NULL || want->failed > room->failed)) {
            room = want;
        }
    }
    return room;
}

void mcpz_blob_keeper_want(struct mcpz_blob_keeper *keeper, const struct mcpz_blob_about *about,
                           const struct mcpz_id *from, uint64_t *offset)
{
    struct mcpz_blob_want *want = find_want(keeper, &about->root);

    if (want == NULL) {
        want = find_want_room(keeper);
        if (want == NULL) {
            return; /* it is found again */
        }
        keeper->counts.fetches_put_off += want->used ? 1 : 0;
        *want =
            (struct mcpz_blob_want){.used = true, .about = *about, .wait_us = MCPZ_BLOB_RETRY_US};
    }
    if (from != NULL && !want->has_from) {
        want->has_from = true;
        want->from = *from;
        want->try_us = 0; /* somebody has it */
    }
    if (offset != NULL) {
        bool is_whole;
        *offset = want->exchange != NULL
                      ? mcpz_blob_take_offset(want->exchange, &about->root, &is_whole)
                      : 0;
    }
}

void mcpz_blob_keeper_unwant(struct mcpz_blob_keeper *keeper, const struct mcpz_id *root)
{
    struct mcpz_blob_want *want = find_want(keeper, root);

    if (want != NULL && want->exchange == NULL) {
        want->used = false;
    } else if (want != NULL) {
        want->failed = MCPZ_BLOB_WANT_TRIES; /* unless that goes well, it was the last */
    }
}

static void on_fetched(struct mcpz_exchange *exchange)
{
    struct mcpz_blob_keeper *keeper = &exchange->api->blobs;

    for (size_t i = 0; i < MCPZ_BLOB_WANTS_MAX; i++) {
        struct mcpz_blob_want *want = &keeper->wants[i];
        want->is_over |= want->used && want->exchange == exchange;
    }
    mcpz_api_stir(exchange->api);
}

/* Is it still to be fetched? Who has it says so again and again, as long as it is. */
static bool is_still_wanted(struct mcpz_api *api, const struct mcpz_blob_want *want)
{
    struct mcpz_blob_entry entry;
    struct mcpz_id document;

    mcpz_blob_book_id(&want->about.root, &document);
    const mcpz_error error =
        mcpz_blob_book_read(mcpz_engine_store(mcpz_api_engine(api)), &document, &entry);
    if (want->has_from) {
        return true;
    }
    return error == MCPZ_OK ? entry.ref_count > 0
                            : error != MCPZ_ENOTFOUND || want->failed < MCPZ_BLOB_WANT_TRIES;
}

/* May it be fetched together with `first`? What went wrong once is fetched alone. */
static bool goes_with(const struct mcpz_blob_want *want, const struct mcpz_blob_want *first,
                      mcpz_time now)
{
    return want->used && want->exchange == NULL && now >= want->try_us && want->failed == 0 &&
           first->failed == 0 && want->about.size <= MCPZ_BLOB_SMALL_BYTES &&
           first->about.size <= MCPZ_BLOB_SMALL_BYTES && want->has_from == first->has_from &&
           (!want->has_from || mcpz_id_equal(&want->from, &first->from)) &&
           strcmp(want->about.tenant, first->about.tenant) == 0;
}

/* Fetch it, and those behind it that go with it. */
static void begin_fetch(struct mcpz_api *api, struct mcpz_blob_want *first)
{
    struct mcpz_blob_about abouts[MCPZ_BLOB_TOGETHER_MAX] = {first->about};
    const struct mcpz_blob_want *end = &api->blobs.wants[MCPZ_BLOB_WANTS_MAX];
    struct mcpz_exchange *exchange = NULL;
    size_t count = 1;

    if (mcpz_api_open(api, NULL, &exchange) != MCPZ_OK) {
        return;
    }
    exchange->answered_elsewhere = on_fetched;
    first->exchange = exchange; /* the answer may come at once */
    for (struct mcpz_blob_want *want = first + 1; want < end && count < MCPZ_BLOB_TOGETHER_MAX;
         want++) {
        if (goes_with(want, first, mcpz_api_now(api)) && is_still_wanted(api, want)) {
            want->exchange = exchange;
            abouts[count++] = want->about;
        }
    }
    mcpz_blob_take(exchange,
                   &(struct mcpz_blob_take){.abouts = abouts,
                                            .count = count,
                                            .hint = first->has_from ? &first->from : NULL});
}

void mcpz_blob_look_again(struct mcpz_api *api, const struct mcpz_id *root)
{
    struct mcpz_id document;

    mcpz_blob_book_id(root, &document);
    mcpz_blob_keeper_news(&api->blobs, &document);
    mcpz_api_stir(api);
}

void mcpz_blob_on_held(struct mcpz_api *api, struct mcpz_blob_job *job)
{
    if (job->error == MCPZ_OK) {
        mcpz_blob_look_again(api, &job->id);
    }
}

static void end_want(struct mcpz_api *api, struct mcpz_blob_want *want)
{
    bool is_whole;

    (void)mcpz_blob_take_offset(want->exchange, &want->about.root, &is_whole);
    want->exchange = NULL;
    want->is_over = false;
    if (is_whole) {
        api->blobs.counts.fetched++;
        want->used = false;
        mcpz_blob_look_again(api, &want->about.root);
        return;
    }
    api->blobs.counts.fetches_failed++;
    want->failed++;
    want->has_from = false; /* it says so again, if it still has it */
    want->try_us = mcpz_api_now(api) + want->wait_us;
    want->wait_us = want->wait_us < MCPZ_BLOB_RETRY_US_MAX ? 2 * want->wait_us : want->wait_us;
}

/* All that were fetched together are over at once. */
static void end_fetch(struct mcpz_api *api, struct mcpz_exchange *exchange)
{
    for (size_t i = 0; i < MCPZ_BLOB_WANTS_MAX; i++) {
        struct mcpz_blob_want *want = &api->blobs.wants[i];
        if (want->used && want->exchange == exchange) {
            end_want(api, want);
        }
    }
    mcpz_api_close(exchange);
}

/* How many are under way? Those that are over are ended. */
static size_t count_fetches(struct mcpz_api *api)
{
    const struct mcpz_exchange *seen[MCPZ_BLOB_FETCHES_MAX];
    size_t count = 0;

    for (size_t i = 0; i < MCPZ_BLOB_WANTS_MAX; i++) {
        const struct mcpz_blob_want *want = &api->blobs.wants[i];
        size_t at = 0;
        if (want->used && want->is_over) {
            end_fetch(api, want->exchange);
        }
        if (!want->used || want->exchange == NULL) {
            continue;
        }
        while (at < count && seen[at] != want->exchange) {
            at++;
        }
        if (at == count) {
            seen[count++] = want->exchange;
        }
    }
    return count;
}

static void look_at_wants(struct mcpz_api *api)
{
    struct mcpz_blob_keeper *keeper = &api->blobs;
    const mcpz_time now = mcpz_api_now(api);
    size_t under_way = count_fetches(api);

    for (size_t i = 0; i < MCPZ_BLOB_WANTS_MAX; i++) {
        struct mcpz_blob_want *want = &keeper->wants[i];
        if (want->used && want->exchange != NULL && mcpz_blob_keeper_may_copy(keeper) &&
            mcpz_blob_take_is_held(want->exchange)) {
            mcpz_exchange_again(want->exchange);
        }
    }
    for (size_t i = 0; i < MCPZ_BLOB_WANTS_MAX && under_way < MCPZ_BLOB_FETCHES_MAX; i++) {
        struct mcpz_blob_want *want = &keeper->wants[i];
        if (!want->used || want->exchange != NULL || now < want->try_us) {
            continue;
        }
        if (is_still_wanted(api, want)) {
            begin_fetch(api, want);
            under_way++;
        } else {
            want->used = false; /* what has come of it is let go of with its document */
            keeper->counts.wants_given_up++;
        }
    }
}

/* ---- Going through documents and blobs ------------------------------------------------------ */

/* What is here of some blobs, or a page of those that are, is being looked at. */
struct mcpz_blob_check {
    struct mcpz_blob_job job;
    struct mcpz_api *api; /* NULL: the keeper is gone */
    size_t settled;       /* so many of them */
    bool is_done;
};

static void on_checked(struct mcpz_blob_job *job)
{
    struct mcpz_blob_check *check = job->owner;

    check->is_done = true;
    if (check->api == NULL) {
        mcpz_blob_job_finish(job);
        free(check);
    } else {
        mcpz_api_stir(check->api);
    }
}

/* Something could not be done: it is found when all is gone through again. */
static void scan_soon(struct mcpz_api *api)
{
    const mcpz_time soon = mcpz_api_now(api) + MCPZ_BLOB_SCAN_SOON_US;

    api->blobs.scan_us = mcpz_time_min(api->blobs.scan_us, soon);
}

/* LIST from `after` on, or LOOK at `rows` (taken). */
static void begin_check(struct mcpz_api *api, const struct mcpz_blob_job *job)
{
    const struct mcpz_blob_port *port = api->ports.blobs;
    struct mcpz_blob_check *check = calloc(1, sizeof(*check));

    if (check == NULL) {
        free(job->rows);
        return;
    }
    check->api = api;
    check->job = *job;
    check->job.done = on_checked;
    check->job.owner = check;
    if (!port->submit(port->context, &check->job)) {
        mcpz_blob_job_finish(&check->job);
        free(check);
        scan_soon(api); /* it may have been news, which come once */
        return;
    }
    api->blobs.check = check;
}

/* There is no data of one that stands for another, which its reference keeps as long as it has
 * some of its own. */
static void settle_alias(struct mcpz_api *api, const struct mcpz_blob_entry *entry)
{
    if (!mcpz_blob_keeper_is_ours(api, &entry->about.root)) {
        return;
    }
    if (entry->ref_count == 0) {
        mcpz_blob_book_unalias(mcpz_api_engine(api), entry);
    } else {
        mcpz_blob_review_begin(api, &entry->about.root);
    }
}

/* What follows from what the document says and what is here. */
static void settle(struct mcpz_api *api, const struct mcpz_blob_entry *entry,
                   const struct mcpz_blob_state *state)
{
    const struct mcpz_blob_about *about = &entry->about;

    if (entry->is_alias && !state->is_whole) {
        settle_alias(api, entry);
        return;
    }
    if (entry->ref_count == 0) {
        if (state->is_copy && !mcpz_set_aside_may_name(api)) {
            mcpz_blob_let_go(api, &about->root, MCPZ_BLOB_COPY_HOLDER);
            api->blobs.counts.unneeded++;
        }
        return;
    }
    if (!mcpz_blob_keeper_is_ours(api, &about->root)) {
        return;
    }
    mcpz_blob_review_begin(api, &about->root);
    if (!state->is_whole) {
        mcpz_blob_keeper_want(&api->blobs, about, NULL, NULL);
    } else if (!state->is_copy) {
        (void)mcpz_blob_errand(api, MCPZ_BLOB_HOLD, &about->root, MCPZ_BLOB_COPY_HOLDER,
                               mcpz_blob_on_held);
    }
}

/* Go on with those that were looked at, as long as there is room for what may follow and nobody is
 * asked for it. Their documents are read now, as they may say something else than when the look
 * was begun. True: that were all. */
static bool settle_looked(struct mcpz_api *api, struct mcpz_blob_check *check)
{
    struct mcpz_blob_keeper *keeper = &api->blobs;

    while (check->settled < check->job.row_count && keeper->review == NULL &&
           count_want_room(keeper) > 0) {
        const struct mcpz_blob_listed *looked = &check->job.rows[check->settled++];
        struct mcpz_blob_entry entry;
        struct mcpz_id document;
        mcpz_blob_book_id(&looked->id, &document);
        if (check->job.error == MCPZ_OK &&
            mcpz_blob_book_read(mcpz_engine_store(mcpz_api_engine(api)), &document, &entry) ==
                MCPZ_OK) {
            settle(api, &entry, &looked->state);
        }
    }
    return check->settled == check->job.row_count;
}

static void about_of(const struct mcpz_blob_listed *listed, struct mcpz_blob_about *about)
{
    *about = (struct mcpz_blob_about){.root = listed->id,
                                      .size = listed->row.size,
                                      .chunks = listed->row.chunks,
                                      .made_ms = listed->row.made_ms};
    mcpz_bytes_to_text(mcpz_bytes(listed->row.tenant, listed->row.tenant_length), about->tenant,
                       sizeof(about->tenant));
}

/* Others are to have what was put here, and what is here though it is theirs. */
static void settle_whole(struct mcpz_api *api, const struct mcpz_blob_about *about,
                         const struct mcpz_blob_state *state)
{
    if (state->is_put) {
        mcpz_blob_places_found(api, about, MCPZ_BLOB_REF_PUT);
    }
    if (state->is_brief) {
        mcpz_blob_places_found(api, about, MCPZ_BLOB_REF_BRIEF);
    }
    if (state->is_copy && !mcpz_blob_keeper_is_ours(api, &about->root)) {
        mcpz_blob_places_found(api, about, NULL);
    }
}

/* What is lacking is fetched; or, where that is another's to keep by now, it is let go of once
 * those have it, or know that nobody needs it. */
static void settle_partial(struct mcpz_api *api, const struct mcpz_blob_about *about,
                           const struct mcpz_blob_state *state)
{
    if (!mcpz_blob_is_held(state)) {
        return;
    }
    if (mcpz_blob_keeper_is_ours(api, &about->root)) {
        mcpz_blob_keeper_want(&api->blobs, about, NULL, NULL);
    } else if (state->is_copy) {
        mcpz_blob_places_found(api, about, NULL);
    }
}

/* Else blobs are listed on once there is. */
static bool has_list_room(struct mcpz_api *api)
{
    return find_want_room(&api->blobs) != NULL && mcpz_blob_keeper_has_place(api);
}

/* What follows from a page of blobs that are here, as far as there is room for it, and until
 * others are asked about one of them. */
static void settle_page(struct mcpz_api *api, const struct mcpz_blob_job *job)
{
    struct mcpz_blob_keeper *keeper = &api->blobs;

    for (size_t i = 0; i < job->row_count; i++) {
        if (!has_list_room(api) || keeper->stray != NULL) {
            return;
        }
        const struct mcpz_blob_listed *listed = &job->rows[i];
        struct mcpz_blob_about about;
        about_of(listed, &about);
        if (listed->state.is_whole) {
            settle_whole(api, &about, &listed->state);
        } else {
            settle_partial(api, &about, &listed->state);
        }
        if (mcpz_blob_stray_is(api, listed)) {
            mcpz_blob_stray_begin(api, &listed->id);
        }
        keeper->listed = listed->id;
    }
    keeper->is_listing = job->error == MCPZ_OK && job->row_count == MCPZ_BLOB_LIST_MAX;
}

/* Go on with what was looked at. */
static void end_check(struct mcpz_api *api)
{
    struct mcpz_blob_check *check = api->blobs.check;

    if (check->job.ask == MCPZ_BLOB_LIST) {
        settle_page(api, &check->job);
    } else if (!settle_looked(api, check)) {
        return;
    }
    api->blobs.check = NULL;
    mcpz_blob_job_finish(&check->job);
    free(check);
    mcpz_api_stir(api);
}

/* Which blob is the document of? False: it says nothing yet. */
static bool root_of(struct mcpz_api *api, const struct mcpz_id *document, struct mcpz_id *root)
{
    struct mcpz_blob_entry entry;

    if (mcpz_blob_book_read(mcpz_engine_store(mcpz_api_engine(api)), document, &entry) !=
        MCPZ_OK) {
        return false;
    }
    *root = entry.about.root;
    return true;
}

/* The next document of a blob: they have a list of their own, however many agents there are. */
static bool walk_on(struct mcpz_api *api, struct mcpz_id *document)
{
    struct mcpz_blob_keeper *keeper = &api->blobs;
    const struct mcpz_store *store = mcpz_engine_store(mcpz_api_engine(api));
    struct mcpz_record record = {.kind = MCPZ_RECORD_BLOB_DOCUMENT,
                                 .blob_document = {.document = keeper->walked}};

    keeper->is_walking = store->next(store->context, MCPZ_SCAN_KIND, false, &record) == MCPZ_OK;
    if (keeper->is_walking) {
        keeper->walked = record.blob_document.document;
        *document = keeper->walked;
    }
    return keeper->is_walking;
}

/* The next document that is to be looked at: one of which there are news, or else the one whose
 * turn it is. */
static bool next_document(struct mcpz_api *api, bool walks, struct mcpz_id *document)
{
    struct mcpz_blob_keeper *keeper = &api->blobs;

    if (!walks && keeper->news_count > 0) {
        *document = keeper->news[--keeper->news_count];
        return true;
    }
    return walks && keeper->is_walking && walk_on(api, document);
}

/* Look at what is here of some blobs of which there are news, or (`walks`) whose turn it is. */
static void check_some(struct mcpz_api *api, bool walks)
{
    const size_t room = count_want_room(&api->blobs);
    const size_t most = room < MCPZ_BLOB_TAKE_MAX ? room : MCPZ_BLOB_TAKE_MAX;
    struct mcpz_blob_job job = {.ask = MCPZ_BLOB_LOOK, .rows = calloc(most, sizeof(*job.rows))};
    struct mcpz_id document;

    if (job.rows == NULL) {
        return;
    }
    for (size_t i = 0; i < most && next_document(api, walks, &document); i++) {
        job.row_count += root_of(api, &document, &job.rows[job.row_count].id) ? 1 : 0;
    }
    if (job.row_count > 0) {
        begin_check(api, &job);
    } else {
        free(job.rows);
        mcpz_api_stir(api);
    }
}

static void begin_scan(struct mcpz_api *api, mcpz_time now)
{
    struct mcpz_blob_keeper *keeper = &api->blobs;
    const mcpz_time pause_us = api->ports.blobs_scan_us;

    keeper->scan_us = now + (pause_us != 0 ? pause_us : MCPZ_BLOB_SCAN_US);
    keeper->doubts.patience_us = pause_us / 2;
    keeper->walked = (struct mcpz_id){{0}};
    keeper->is_walking = true;
    keeper->listed = (struct mcpz_id){{0}};
    keeper->is_listing = true;
    keeper->is_covering = keeper->is_changed;
    keeper->is_changed = false;
}

static void look_at_scan(struct mcpz_api *api)
{
    struct mcpz_blob_keeper *keeper = &api->blobs;
    const mcpz_time now = mcpz_api_now(api);
    const bool is_reviewing = mcpz_blob_review_look(api);
    const bool is_asking = mcpz_blob_stray_look(api);

    if (keeper->check != NULL && keeper->check->is_done) {
        end_check(api);
    }
    if (now >= keeper->mourn_us) {
        keeper->mourn_us = MCPZ_TIME_NEVER;
        keeper->scan_us = now;
    }
    if (now >= keeper->scan_us && !keeper->is_walking && !keeper->is_listing) {
        begin_scan(api, now);
    }
    if (keeper->check != NULL || is_reviewing || keeper->review != NULL) {
        return;
    }
    const bool has_room = count_want_room(keeper) > 0;
    if (keeper->news_count > 0 && has_room) {
        check_some(api, false);
    } else if (keeper->is_listing && !is_asking && has_list_room(api)) {
        begin_check(api, &(struct mcpz_blob_job){.ask = MCPZ_BLOB_LIST, .id = keeper->listed});
    } else if (keeper->is_walking && has_room) {
        check_some(api, true);
    }
    keeper->is_covering &= keeper->is_walking || keeper->is_listing;
}

/* ---- Its life ------------------------------------------------------------------------------- */

void mcpz_blob_keeper_init(struct mcpz_blob_keeper *keeper)
{
    *keeper = (struct mcpz_blob_keeper){.mourn_us = MCPZ_TIME_NEVER};
}

static bool is_of_members(enum mcpz_fact_kind kind)
{
    return kind == MCPZ_FACT_ALIVE || kind == MCPZ_FACT_DEAD || kind == MCPZ_FACT_LEFT ||
           kind == MCPZ_FACT_LAYOUT || kind == MCPZ_FACT_LAYOUT_SETTLED;
}

void mcpz_blob_keeper_news(struct mcpz_blob_keeper *keeper, const struct mcpz_id *document)
{
    for (size_t i = 0; i < keeper->news_count; i++) {
        if (mcpz_id_equal(&keeper->news[i], document)) {
            return;
        }
    }
    if (keeper->news_count < MCPZ_BLOB_NEWS_MAX) {
        keeper->news[keeper->news_count++] = *document;
    } else {
        keeper->scan_us = 0;
        keeper->is_changed = true;
    }
}

bool mcpz_blob_keeper_hear(struct mcpz_blob_keeper *keeper, const struct mcpz_fact *fact,
                           mcpz_time now, mcpz_time mourned_us)
{
    const mcpz_time soon = now + MCPZ_BLOB_SCAN_SOON_US;

    if (is_of_members(fact->kind)) {
        keeper->is_changed = true;
        keeper->scan_us = keeper->scan_us < soon ? keeper->scan_us : soon;
        if (fact->kind == MCPZ_FACT_DEAD) {
            keeper->mourn_us = soon + mourned_us;
        } else {
            mcpz_blob_places_hurry(keeper);
        }
        return false;
    }
    if (fact->kind == MCPZ_FACT_AGENT_MERGED && mcpz_blob_book_is(&fact->about)) {
        mcpz_blob_keeper_news(keeper, &fact->about);
        return true;
    }
    return false;
}

void mcpz_blob_keeper_left(const struct mcpz_blob_keeper *keeper,
                           struct mcpz_blob_keeper_left *left)
{
    *left = (struct mcpz_blob_keeper_left){
        .is_looking = keeper->is_changed || keeper->is_covering || keeper->news_count > 0};
    for (size_t i = 0; i < MCPZ_BLOB_WANTS_MAX; i++) {
        left->to_fetch += keeper->wants[i].used ? 1 : 0;
    }
    for (size_t i = 0; i < MCPZ_BLOB_PLACES_MAX; i++) {
        const struct mcpz_blob_place *place = &keeper->places[i];
        left->to_hand_over += place->used && !place->is_over && place->ref == NULL ? 1 : 0;
    }
}

void mcpz_blob_keeper_look(struct mcpz_blob_keeper *keeper, struct mcpz_api *api)
{
    if (api->ports.blobs == NULL) {
        return;
    }
    fill_budget(keeper, mcpz_api_now(api));
    look_at_scan(api);
    look_at_wants(api);
    mcpz_blob_places_look(api);
}

void mcpz_blob_keeper_finish(struct mcpz_api *api)
{
    struct mcpz_blob_keeper *keeper = &api->blobs;

    for (size_t i = 0; i < MCPZ_BLOB_WANTS_MAX; i++) {
        if (keeper->wants[i].used && keeper->wants[i].exchange != NULL) {
            mcpz_api_close(keeper->wants[i].exchange);
        }
    }
    for (size_t i = 0; i < MCPZ_BLOB_PLACES_MAX; i++) {
        mcpz_survey_close(&keeper->places[i].survey);
    }
    if (keeper->check != NULL) {
        keeper->check->api = NULL;
        if (keeper->check->is_done) {
            mcpz_blob_job_finish(&keeper->check->job);
            free(keeper->check);
        }
    }
    mcpz_blob_review_finish(api);
    mcpz_blob_stray_finish(api);
    mcpz_blob_keeper_init(keeper);
    keeper->scan_us = MCPZ_TIME_NEVER;
}
