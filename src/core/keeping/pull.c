#include "core/keeping/pull.h"

#include <assert.h>
#include <string.h>

#include "core/crdt/clock.h"
#include "core/crdt/document.h"
#include "core/keeping/step.h"

static const struct mcpz_id last_id = {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};

static bool is_zero(struct mcpz_layout_stamp stamp)
{
    return stamp.version == 0 && stamp.tag == 0;
}

static bool is_same(struct mcpz_layout_stamp a, struct mcpz_layout_stamp b)
{
    return mcpz_layout_stamp_compare(a, b) == 0;
}

/* ---- Sources ------------------------------------------------------------------------------ */

/* Was it said of it that it will not come back? */
static bool is_skipped(const struct mcpz_keeping_step *step, const struct mcpz_id *node)
{
    const struct mcpz_layout_tracker *tracker =
        mcpz_layout_history_tracker(&step->below->layouts->history, node);

    return tracker != NULL && !mcpz_keeping_is_there(step, node) &&
           mcpz_layout_stamp_compare(step->keeping->puller.stamp, tracker->synced) <= 0;
}

/* The smaller of `*best` and `id`, of those after `last`. */
static void consider(struct mcpz_id *best, bool *found, const struct mcpz_id *id,
                     const struct mcpz_id *last)
{
    if (mcpz_id_compare(id, last) > 0 && (!*found || mcpz_id_compare(id, best) < 0)) {
        *best = *id;
        *found = true;
    }
}

/* The next source by id. False: there is none left. */
static bool next_source(const struct mcpz_keeping_step *step, struct mcpz_id *source)
{
    const struct mcpz_layout_history *history = &step->below->layouts->history;
    const struct mcpz_roster *roster = &step->below->fabric->members.roster;
    const struct mcpz_puller *puller = &step->keeping->puller;
    const bool is_first = is_same(history->live[0].stamp, puller->stamp);
    bool found = false;

    for (size_t i = 0; !is_first && i < history->live_count; i++) {
        const struct mcpz_placement *placement = &history->live[i].placement;
        if (mcpz_layout_stamp_compare(history->live[i].stamp, puller->stamp) >= 0) {
            break;
        }
        for (size_t n = 0; n < placement->node_count; n++) {
            consider(source, &found, &placement->nodes[n].id, &puller->last);
        }
    }
    for (size_t i = 0; is_first && i < roster->count; i++) {
        if (!mcpz_member_is_gone(&roster->rows[i])) {
            consider(source, &found, &roster->rows[i].id, &puller->last);
        }
    }
    return found;
}

/* So many sources may be down, and still every partition has a quorum among the others. */
static size_t bearable(const struct mcpz_keeping_step *step)
{
    const struct mcpz_layout_history *history = &step->below->layouts->history;
    uint32_t copies = MCPZ_COPIES_MAX;

    for (size_t i = 0; i < history->live_count; i++) {
        if (mcpz_layout_stamp_compare(history->live[i].stamp, step->keeping->puller.stamp) < 0 &&
            history->live[i].placement.copies < copies) {
            copies = history->live[i].placement.copies;
        }
    }
    return (copies - 1) / 2;
}

/* ---- Asking ------------------------------------------------------------------------------- */

static void ask(struct mcpz_keeping_step *step, struct mcpz_pulling *pull)
{
    const struct mcpz_msg msg = {
        .kind = MCPZ_MSG_PULL,
        .pull = {.stamp = step->keeping->puller.stamp, .after = pull->after}};
    const mcpz_time wait = MCPZ_PULL_AGAIN_US << (pull->tries < 5 ? pull->tries : 5);

    pull->again_us = step->now + wait;
    if (!mcpz_keeping_is_linked(step, &pull->source)) {
        mcpz_keeping_reach(step, &pull->source);
        return;
    }
    mcpz_outbox_send(step->out, &pull->source, &msg);
}

/* Begin with the next source, if there is one. */
static void begin_next(struct mcpz_keeping_step *step, struct mcpz_pulling *pull)
{
    struct mcpz_puller *puller = &step->keeping->puller;
    struct mcpz_id source;

    while (next_source(step, &source)) {
        puller->last = source;
        if (mcpz_id_equal(&source, &step->keeping->self) || is_skipped(step, &source)) {
            continue;
        }
        if (!mcpz_keeping_is_there(step, &source)) {
            puller->down++;
            continue;
        }
        *pull = (struct mcpz_pulling){.used = true, .source = source};
        ask(step, pull);
        return;
    }
    puller->all_begun = true;
}

static void start(struct mcpz_keeping_step *step, struct mcpz_layout_stamp stamp)
{
    struct mcpz_puller *puller = &step->keeping->puller;

    puller->stamp = stamp;
    puller->last = (struct mcpz_id){{0}};
    puller->all_begun = false;
    puller->down = 0;
    puller->rest_until_us = 0;
    for (size_t i = 0; i < MCPZ_PULLS_MAX; i++) {
        puller->pulls[i].used = false;
    }
}

/* All sources were gone through: is that enough? */
static void conclude(struct mcpz_keeping_step *step)
{
    struct mcpz_puller *puller = &step->keeping->puller;
    const struct mcpz_layout_stamp stamp = puller->stamp;

    if (puller->down > bearable(step)) {
        start(step, stamp); /* from the start, when they are back */
        puller->rest_until_us = step->now + MCPZ_PULL_REST_US;
        return;
    }
    puller->synced = stamp;
    puller->synced_count++;
    start(step, (struct mcpz_layout_stamp){0});
}

/* A source that goes away while it is asked counts as one that is down. */
static void give_up_gone(struct mcpz_keeping_step *step, struct mcpz_pulling *pull)
{
    if (pull->used && !mcpz_keeping_is_there(step, &pull->source)) {
        pull->used = false;
        step->keeping->puller.down += is_skipped(step, &pull->source) ? 0 : 1;
    }
}

void mcpz_pull_run(struct mcpz_keeping_step *step)
{
    struct mcpz_puller *puller = &step->keeping->puller;
    const struct mcpz_live_layout *live =
        mcpz_layout_history_to_sync(&step->below->layouts->history);
    const struct mcpz_layout_stamp wanted =
        live != NULL ? live->stamp : (struct mcpz_layout_stamp){0};
    bool is_busy = false;

    if (!is_same(wanted, puller->stamp)) {
        start(step, wanted);
    }
    if (live == NULL || puller->rest_until_us > step->now) {
        return;
    }
    puller->rest_until_us = 0;
    for (size_t i = 0; i < MCPZ_PULLS_MAX; i++) {
        struct mcpz_pulling *pull = &puller->pulls[i];
        give_up_gone(step, pull);
        if (!pull->used && !puller->all_begun) {
            begin_next(step, pull);
        } else if (pull->used && pull->again_us <= step->now) {
            pull->tries++;
            ask(step, pull);
        }
        is_busy = is_busy || pull->used;
    }
    if (!is_busy && puller->all_begun) {
        conclude(step);
    }
}

static struct mcpz_pulling *find(struct mcpz_puller *puller, const struct mcpz_id *source)
{
    for (size_t i = 0; i < MCPZ_PULLS_MAX; i++) {
        if (puller->pulls[i].used && mcpz_id_equal(&puller->pulls[i].source, source)) {
            return &puller->pulls[i];
        }
    }
    return NULL;
}

void mcpz_pull_on_linked(struct mcpz_keeping_step *step, const struct mcpz_id *peer)
{
    struct mcpz_pulling *pull = find(&step->keeping->puller, peer);

    if (pull != NULL) {
        pull->again_us = step->now;
    }
}

mcpz_time mcpz_pull_deadline(const struct mcpz_puller *puller)
{
    mcpz_time deadline = MCPZ_TIME_NEVER;

    if (is_zero(puller->stamp)) {
        return deadline;
    }
    if (puller->rest_until_us > 0) {
        deadline = puller->rest_until_us;
    }
    for (size_t i = 0; i < MCPZ_PULLS_MAX; i++) {
        if (puller->pulls[i].used) {
            deadline = mcpz_time_min(deadline, puller->pulls[i].again_us);
        }
    }
    return deadline;
}

/* ---- What a source says ------------------------------------------------------------------- */

/* Does `node` own `document` in the layout of that stamp? */
static bool owns_in(const struct mcpz_keeping_step *step, struct mcpz_layout_stamp stamp,
                    const struct mcpz_id *node, const struct mcpz_id *document)
{
    struct mcpz_owner_set sets[MCPZ_LAYOUTS_LIVE_MAX];
    const size_t count = mcpz_layout_history_sets(&step->below->layouts->history, document, sets);

    for (size_t i = 0; i < count; i++) {
        if (!is_same(sets[i].stamp, stamp)) {
            continue;
        }
        for (size_t n = 0; n < sets[i].count; n++) {
            if (mcpz_id_equal(&sets[i].nodes[n]->id, node)) {
                return true;
            }
        }
    }
    return false;
}

static bool knows(const struct mcpz_keeping_step *step, struct mcpz_layout_stamp stamp)
{
    const struct mcpz_layout_history *history = &step->below->layouts->history;

    for (size_t i = 0; i < history->live_count; i++) {
        if (is_same(history->live[i].stamp, stamp)) {
            return true;
        }
    }
    return false;
}

/* A row in room that lasts as long as the outbox. False: there is none. */
static bool keep_row(struct mcpz_outbox *out, const struct mcpz_record_document *document,
                     struct mcpz_pulled_row *row)
{
    struct mcpz_version *versions =
        mcpz_arena_take(&out->arena, document->version_count, sizeof(*versions));

    if (versions == NULL) {
        return false;
    }
    for (size_t i = 0; i < document->version_count; i++) {
        versions[i] = document->versions[i];
    }
    *row = (struct mcpz_pulled_row){
        .document = document->id, .versions = versions, .version_count = document->version_count};
    return true;
}

void mcpz_pull_on_pull(struct mcpz_keeping_step *step, const struct mcpz_id *from,
                       const struct mcpz_msg_pull *pull)
{
    const struct mcpz_store *store = step->keeping->store;
    struct mcpz_record record = {.kind = MCPZ_RECORD_DOCUMENT, .document = {.id = pull->after}};
    struct mcpz_pulled_row *rows =
        mcpz_arena_take(&step->out->arena, MCPZ_PULLED_MAX, sizeof(*rows));
    struct mcpz_msg msg = {.kind = MCPZ_MSG_PULLED,
                           .pulled = {.stamp = pull->stamp, .after = pull->after, .rows = rows}};
    mcpz_error error = MCPZ_OK;

    if (rows == NULL || !knows(step, pull->stamp)) {
        return; /* it hears of layouts from others, and asks again */
    }
    msg.pulled.upto = pull->after;
    for (size_t i = 0; i < MCPZ_PULL_SCAN_MAX; i++) {
        error = store->next(store->context, MCPZ_SCAN_KIND, false, &record);
        if (error != MCPZ_OK) {
            break;
        }
        const struct mcpz_id id = record.document.id;
        if (!mcpz_document_is_everywhere(&id) && owns_in(step, pull->stamp, from, &id)) {
            if (msg.pulled.row_count == MCPZ_PULLED_MAX ||
                !keep_row(step->out, &record.document, &rows[msg.pulled.row_count])) {
                break; /* the next page begins there */
            }
            msg.pulled.row_count++;
        }
        msg.pulled.upto = id;
    }
    if (error != MCPZ_OK && error != MCPZ_ENOTFOUND) {
        step->keeping->store_failures++;
        return;
    }
    if (error == MCPZ_ENOTFOUND) {
        msg.pulled.upto = last_id;
    }
    mcpz_outbox_send(step->out, from, &msg);
    step->out->actions[step->out->count - 1].durable = true; /* behind the deltas before it */
}

/* ---- What we make of it ------------------------------------------------------------------- */

/* Have we all that the source has? Heads may differ, where an author contradicts itself: that is
 * for those who compare. */
static bool covers(const struct mcpz_document *document, const struct mcpz_pulled_row *row)
{
    const struct mcpz_clock *clock = &document->clock;

    for (size_t i = 0; i < row->version_count; i++) {
        if (mcpz_clock_get(clock->versions, clock->count, &row->versions[i].actor) <
            row->versions[i].seq) {
            return false;
        }
    }
    return true;
}

/* Ask for what of the page is lacking. Returns of how many documents. */
static uint64_t want(struct mcpz_keeping_step *step, const struct mcpz_id *from,
                     const struct mcpz_msg_pulled *page)
{
    uint64_t lacking = 0;

    for (size_t i = 0; i < page->row_count; i++) {
        struct mcpz_document document;
        if (mcpz_document_load(step->keeping->store, &page->rows[i].document, &document) !=
            MCPZ_OK) {
            step->keeping->store_failures++;
            lacking++;
            continue;
        }
        if (covers(&document, &page->rows[i])) {
            continue;
        }
        lacking++;
        /* One that finds no room is asked for with the next try. */
        (void)mcpz_mail_want(&step->mail, from, &document);
    }
    return lacking;
}

void mcpz_pull_on_pulled(struct mcpz_keeping_step *step, const struct mcpz_id *from,
                         const struct mcpz_msg_pulled *page)
{
    struct mcpz_puller *puller = &step->keeping->puller;
    struct mcpz_pulling *pull = find(puller, from);

    if (pull == NULL || !is_same(page->stamp, puller->stamp) ||
        !mcpz_id_equal(&page->after, &pull->after) ||
        mcpz_id_compare(&page->upto, &page->after) < 0) {
        return; /* of before */
    }
    puller->pages++;
    const uint64_t lacking = want(step, from, page);
    if (lacking > 0) {
        const bool progresses = pull->tries == 0 || lacking < pull->lacking;
        puller->documents_lacked += pull->tries == 0 ? lacking : 0;
        pull->lacking = lacking;
        pull->tries = progresses ? 1 : pull->tries + 1;
        if (progresses) {
            ask(step, pull); /* behind the WANTs */
        } else {
            pull->again_us = step->now + MCPZ_PULL_AGAIN_US;
        }
        return;
    }
    if (mcpz_id_equal(&page->upto, &page->after)) {
        pull->again_us = step->now + MCPZ_PULL_AGAIN_US; /* it had no room to say anything */
        return;
    }
    pull->tries = 0;
    pull->after = page->upto;
    if (mcpz_id_equal(&page->upto, &last_id)) {
        pull->used = false;
        mcpz_pull_run(step);
    } else {
        ask(step, pull);
    }
}
