#include "core/keeping/pull.h"

#include <assert.h>
#include <string.h>

#include "core/crdt/document.h"
#include "core/crdt/held.h"
#include "core/keeping/along.h"
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

/* The next source by id, after `last`. False: there is none left. */
static bool next_source(const struct mcpz_keeping_below *below, const struct mcpz_puller *puller,
                        struct mcpz_id last, struct mcpz_id *source)
{
    const struct mcpz_layout_history *history = &below->layouts->history;
    const struct mcpz_roster *roster = &below->fabric->members.roster;
    const bool is_first = is_same(history->live[0].stamp, puller->stamp);
    bool found = false;

    for (size_t i = 0; !is_first && i < history->live_count; i++) {
        const struct mcpz_placement *placement = &history->live[i].placement;
        if (mcpz_layout_stamp_compare(history->live[i].stamp, puller->stamp) >= 0) {
            break;
        }
        for (size_t n = 0; n < placement->node_count; n++) {
            consider(source, &found, &placement->nodes[n].id, &last);
        }
    }
    for (size_t i = 0; is_first && i < roster->count; i++) {
        if (!mcpz_member_is_gone(&roster->rows[i])) {
            consider(source, &found, &roster->rows[i].id, &last);
        }
    }
    return found;
}

/* Copies of the older layout that has fewest; 0: there is none. */
static uint32_t copies_before(const struct mcpz_keeping_step *step)
{
    const struct mcpz_layout_history *history = &step->below->layouts->history;
    uint32_t copies = 0;

    for (size_t i = 0; i < history->live_count; i++) {
        const uint32_t count = history->live[i].placement.copies;
        if (mcpz_layout_stamp_compare(history->live[i].stamp, step->keeping->puller.stamp) < 0 &&
            (copies == 0 || count < copies)) {
            copies = count;
        }
    }
    return copies;
}

/* So many sources may be down, and still every partition has a quorum among the others. */
static size_t bearable(const struct mcpz_keeping_step *step)
{
    const uint32_t copies = copies_before(step);

    return ((copies > 0 ? copies : MCPZ_COPIES_MAX) - 1) / 2;
}

/* With how many living copies to begin: where as many old owners as are down may be of one. */
static uint32_t first_round(const struct mcpz_keeping_step *step)
{
    const uint32_t copies = copies_before(step);
    struct mcpz_id source = {{0}};
    uint32_t down = 0;

    while (copies > 1 && down < copies &&
           next_source(step->below, &step->keeping->puller, source, &source)) {
        down +=
            mcpz_id_equal(&source, &step->keeping->self) || mcpz_keeping_is_there(step, &source)
                ? 0
                : 1;
    }
    if (copies <= 1 || down == 0) {
        return 0;
    }
    return down >= copies - 1 ? 1 : copies - down;
}

/* ---- Asking ------------------------------------------------------------------------------- */

static void ask(struct mcpz_keeping_step *step, struct mcpz_pulling *pull)
{
    const struct mcpz_msg msg = {.kind = MCPZ_MSG_PULL,
                                 .pull = {.stamp = step->keeping->puller.stamp,
                                          .after = pull->after,
                                          .alive_max = step->keeping->puller.alive_max}};
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

    while (next_source(step->below, puller, puller->last, &source)) {
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

/* Go through all sources, for documents with so many living copies. */
static void start_round(struct mcpz_puller *puller, uint32_t alive_max)
{
    puller->last = (struct mcpz_id){{0}};
    puller->all_begun = false;
    puller->alive_max = alive_max;
    puller->down = 0;
    puller->done = 0;
    puller->rest_until_us = 0;
    for (size_t i = 0; i < MCPZ_PULLS_MAX; i++) {
        puller->pulls[i].used = false;
    }
}

static void start(struct mcpz_keeping_step *step, struct mcpz_layout_stamp stamp)
{
    struct mcpz_puller *puller = &step->keeping->puller;

    puller->stamp = stamp;
    puller->begun_us = step->now;
    puller->moved = 0;
    start_round(puller, is_zero(stamp) ? 0 : first_round(step));
}

/* All sources were gone through: is that enough? */
static void conclude(struct mcpz_keeping_step *step)
{
    struct mcpz_puller *puller = &step->keeping->puller;

    if (puller->alive_max > 0) {
        const uint32_t next = puller->alive_max + 1;
        start_round(puller, next < copies_before(step) ? next : 0);
        return;
    }
    if (puller->down > bearable(step)) {
        start_round(puller, first_round(step)); /* from the start, when they are back */
        puller->rest_until_us = step->now + MCPZ_PULL_REST_US;
        return;
    }
    puller->synced = puller->stamp;
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
        puller->again_us = step->now; /* there may be another round */
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
    bool is_busy = false;
    for (size_t i = 0; i < MCPZ_PULLS_MAX; i++) {
        if (puller->pulls[i].used) {
            deadline = mcpz_time_min(deadline, puller->pulls[i].again_us);
            is_busy = true;
        }
    }
    if (puller->rest_until_us > 0) {
        deadline = puller->rest_until_us;
    } else if (!is_busy && !puller->all_begun) {
        deadline = puller->again_us; /* the next round */
    }
    return deadline;
}

/* ---- What a source says ------------------------------------------------------------------- */

static bool is_in(const struct mcpz_owner_set *set, const struct mcpz_id *node)
{
    for (size_t i = 0; i < set->count; i++) {
        if (mcpz_id_equal(&set->nodes[i]->id, node)) {
            return true;
        }
    }
    return false;
}

/* How many of its owners are there, in the older layout in which they are fewest. */
static uint32_t count_alive(const struct mcpz_keeping_step *step,
                            const struct mcpz_owner_set *sets, size_t count,
                            struct mcpz_layout_stamp stamp)
{
    uint32_t fewest = UINT32_MAX;

    for (size_t i = 0; i < count && mcpz_layout_stamp_compare(sets[i].stamp, stamp) < 0; i++) {
        uint32_t alive = 0;
        for (size_t n = 0; n < sets[i].count; n++) {
            const struct mcpz_id *id = &sets[i].nodes[n]->id;
            alive +=
                mcpz_id_equal(id, &step->keeping->self) || mcpz_keeping_is_there(step, id) ? 1 : 0;
        }
        fewest = alive < fewest ? alive : fewest;
    }
    return fewest;
}

/* Is `document` among what `from` asks for: its own in that layout, and as much at risk? */
static bool is_asked_for(const struct mcpz_keeping_step *step, const struct mcpz_id *from,
                         const struct mcpz_msg_pull *pull, const struct mcpz_id *document)
{
    struct mcpz_owner_set sets[MCPZ_LAYOUTS_LIVE_MAX];
    const size_t count = mcpz_layout_history_sets(&step->below->layouts->history, document, sets);
    bool is_theirs = false;

    if (mcpz_document_is_everywhere(document)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        is_theirs = is_theirs || (is_same(sets[i].stamp, pull->stamp) && is_in(&sets[i], from));
    }
    return is_theirs && (pull->alive_max == 0 ||
                         count_alive(step, sets, count, pull->stamp) <= pull->alive_max);
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

struct page_size {
    size_t versions;
    size_t cuts;
};

/* Put a document on the page. False: it has no room for it. */
static bool keep_row(struct mcpz_outbox *out, const struct mcpz_record_document *document,
                     struct mcpz_pulled_row *rows, struct mcpz_msg_pulled *page,
                     struct page_size *size)
{
    struct mcpz_along along;

    if (page->row_count == MCPZ_PULLED_MAX ||
        size->versions + document->version_count > MCPZ_PULLED_VERSIONS_MAX ||
        size->cuts + document->cut_count > MCPZ_ACTORS_MAX ||
        !mcpz_along_keep(out, document, &along)) {
        return false;
    }
    size->versions += document->version_count;
    size->cuts += document->cut_count;
    rows[page->row_count++] = (struct mcpz_pulled_row){.document = document->id,
                                                       .versions = along.versions,
                                                       .version_count = along.version_count,
                                                       .cuts = along.cuts,
                                                       .cut_count = along.cut_count};
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
    struct page_size size = {.versions = 0};

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
        if (is_asked_for(step, from, pull, &id) &&
            !keep_row(step->out, &record.document, rows, &msg.pulled, &size)) {
            break; /* the next page begins there */
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

/* Ask for what of the page is lacking. Returns of how many documents. */
static uint64_t want(struct mcpz_keeping_step *step, const struct mcpz_id *from,
                     const struct mcpz_msg_pulled *page)
{
    const struct mcpz_horizon *horizon = &step->below->agents->horizon;
    uint64_t lacking = 0;

    for (size_t i = 0; i < page->row_count; i++) {
        const struct mcpz_pulled_row *row = &page->rows[i];
        const struct mcpz_along along = {.document = row->document,
                                         .versions = row->versions,
                                         .version_count = row->version_count,
                                         .cuts = row->cuts,
                                         .cut_count = row->cut_count};
        struct mcpz_document document;
        if (!mcpz_along_is_valid(&along)) {
            continue; /* nothing that anybody could have */
        }
        if (!mcpz_along_load(step, &row->document, &document)) {
            lacking++;
            continue;
        }
        if (!mcpz_along_lacks(step, &document, &along)) {
            continue;
        }
        lacking +=
            mcpz_held_for_now(horizon, from, &document, row->versions, row->version_count) ? 0 : 1;
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
        puller->moved += pull->tries == 0 ? lacking : 0;
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
        puller->done++;
        mcpz_pull_run(step);
    } else {
        ask(step, pull);
    }
}

/* ---- How far it is ------------------------------------------------------------------------- */

/* The share of all ids that lies up to `id`, of 1000. */
static uint32_t share_up_to(const struct mcpz_id *id)
{
    return (uint32_t)((((uint32_t)id->bytes[0] << 16 | (uint32_t)id->bytes[1] << 8 |
                        (uint32_t)id->bytes[2]) *
                       UINT64_C(1000)) >>
                      24);
}

/* Sources that are there. */
static size_t count_sources(const struct mcpz_keeping *keeping,
                            const struct mcpz_keeping_below *below)
{
    struct mcpz_id source = {{0}};
    size_t count = 0;

    while (next_source(below, &keeping->puller, source, &source)) {
        const struct mcpz_member *member = mcpz_members_find(&below->fabric->members, &source);
        count += !mcpz_id_equal(&source, &keeping->self) && member != NULL &&
                         !mcpz_member_is_gone(member)
                     ? 1
                     : 0;
    }
    return count;
}

bool mcpz_pull_progress(const struct mcpz_keeping *keeping, const struct mcpz_keeping_below *below,
                        mcpz_time now, struct mcpz_pull_progress *progress)
{
    const struct mcpz_puller *puller = &keeping->puller;

    if (is_zero(puller->stamp)) {
        return false;
    }
    const size_t sources = count_sources(keeping, below);
    uint64_t share = (uint64_t)puller->done * 1000;
    for (size_t i = 0; i < MCPZ_PULLS_MAX; i++) {
        share += puller->pulls[i].used ? share_up_to(&puller->pulls[i].after) : 0;
    }
    share = sources == 0 ? 0 : share / sources;
    share = puller->alive_max > 0 ? 0 : share > 1000 ? 1000 : share;
    *progress = (struct mcpz_pull_progress){.version = puller->stamp.version,
                                            .moved = puller->moved,
                                            .per_mille = (uint32_t)share,
                                            .took_us = now - puller->begun_us,
                                            .left_us = MCPZ_TIME_NEVER};
    if (share > 0) {
        progress->to_move = puller->moved * 1000 / share;
        progress->left_us = progress->took_us * (1000 - (mcpz_time)share) / (mcpz_time)share;
    }
    return true;
}
