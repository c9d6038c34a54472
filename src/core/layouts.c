#include "core/layouts.h"

#include <assert.h>
#include <string.h>

#include "base/hash.h"
#include "proto/code.h"

/* One step, for those it is handed down to. */
struct step {
    struct mcpz_layouts *layouts;
    const struct mcpz_overlay *overlay;
    mcpz_time now;
    struct mcpz_outbox *out;
};

/* ---- Memory ------------------------------------------------------------------------------- */

static size_t either(size_t given, size_t otherwise)
{
    return given > 0 ? given : otherwise;
}

static size_t nodes_max(const struct mcpz_layouts_config *config)
{
    return either(config->nodes_max, MCPZ_LAYOUT_NODES_MAX);
}

static size_t zones_max(const struct mcpz_layouts_config *config)
{
    return either(config->zones_max, MCPZ_LAYOUT_ZONES_MAX);
}

/* A node takes some 43 bytes when it is written, a zone 66: wire/placement_codec.h. What is over
 * the bound is refused, whatever it says. */
static size_t bytes_max(const struct mcpz_layouts_config *config)
{
    const size_t bytes = 256 + nodes_max(config) * 44 + zones_max(config) * 68;

    return bytes < MCPZ_LAYOUT_BYTES_MAX ? bytes : MCPZ_LAYOUT_BYTES_MAX;
}

static size_t reading_bytes(const struct mcpz_layouts_config *config)
{
    return mcpz_arena_cost(nodes_max(config), sizeof(struct mcpz_storage_node)) +
           mcpz_arena_cost(zones_max(config), sizeof(struct mcpz_bytes)) + 1024;
}

size_t mcpz_layouts_bytes(const struct mcpz_layouts_config *config)
{
    return mcpz_layout_history_bytes(nodes_max(config), zones_max(config)) +
           MCPZ_LAYOUTS_LIVE_MAX * mcpz_arena_cost(bytes_max(config), 1) +
           mcpz_arena_cost(reading_bytes(config), 1);
}

/* ---- What is known ------------------------------------------------------------------------ */

static bool is_zero(struct mcpz_layout_stamp stamp)
{
    return stamp.version == 0 && stamp.tag == 0;
}

/* Where the bytes of a live layout are; of zeros: where there is room. As many as can be live. */
static struct mcpz_layout_kept *kept_of(struct mcpz_layouts *layouts,
                                        struct mcpz_layout_stamp stamp)
{
    size_t at = 0;

    while (at + 1 < MCPZ_LAYOUTS_LIVE_MAX &&
           mcpz_layout_stamp_compare(layouts->kept[at].stamp, stamp) != 0) {
        at++;
    }
    assert(mcpz_layout_stamp_compare(layouts->kept[at].stamp, stamp) == 0);
    return &layouts->kept[at];
}

static bool is_live(const struct mcpz_layout_history *history, struct mcpz_layout_stamp stamp)
{
    for (size_t i = 0; i < history->live_count; i++) {
        if (mcpz_layout_stamp_compare(history->live[i].stamp, stamp) == 0) {
            return true;
        }
    }
    return false;
}

static struct mcpz_layout_stamp oldest(const struct mcpz_layout_history *history)
{
    return history->live_count > 0 ? history->live[0].stamp : (struct mcpz_layout_stamp){0};
}

/* The same on all machines: numbers, not memory, go into it. */
static uint64_t digest_of(const struct mcpz_layout_history *history)
{
    uint64_t digest = 0;

    for (size_t i = 0; i < history->tracker_count; i++) {
        const struct mcpz_layout_tracker *tracker = &history->trackers[i];
        const struct mcpz_layout_stamp stamps[] = {tracker->acked, tracker->synced,
                                                   tracker->sync_acked};
        digest = mcpz_hash_bytes(mcpz_bytes(tracker->node.bytes, MCPZ_ID_BYTES), digest);
        for (size_t s = 0; s < MCPZ_ARRAY_LEN(stamps); s++) {
            digest = mcpz_hash_mix(digest ^ stamps[s].version);
            digest = mcpz_hash_mix(digest ^ stamps[s].tag);
        }
    }
    return digest;
}

/* ---- Keeping ------------------------------------------------------------------------------ */

static void put_layout(struct mcpz_layouts *layouts, const struct mcpz_layout_kept *kept)
{
    const struct mcpz_record record = {
        .kind = MCPZ_RECORD_LAYOUT,
        .layout = {.stamp = kept->stamp, .bytes = mcpz_bytes(kept->bytes, kept->length)}};

    layouts->store->put(layouts->store->context, &record);
}

static void put_tracker(struct mcpz_layouts *layouts, const struct mcpz_layout_tracker *tracker)
{
    const struct mcpz_record record = {.kind = MCPZ_RECORD_TRACKER,
                                       .tracker = {.tracker = *tracker}};

    layouts->store->put(layouts->store->context, &record);
}

static void remove_layout(struct mcpz_layouts *layouts, struct mcpz_layout_kept *kept)
{
    const struct mcpz_record record = {.kind = MCPZ_RECORD_LAYOUT,
                                       .layout = {.stamp = kept->stamp}};

    layouts->store->remove(layouts->store->context, &record);
    kept->stamp = (struct mcpz_layout_stamp){0};
}

/* Remove the trackers of those that are in no live layout any more. */
static void remove_strangers(struct mcpz_layouts *layouts)
{
    const struct mcpz_store *store = layouts->store;
    struct mcpz_record record = {.kind = MCPZ_RECORD_TRACKER};
    bool inclusive = true;

    while (store->next(store->context, MCPZ_SCAN_KIND, inclusive, &record) == MCPZ_OK) {
        inclusive = false;
        if (mcpz_layout_history_tracker(&layouts->history, &record.tracker.tracker.node) == NULL) {
            store->remove(store->context, &record);
        }
    }
}

void mcpz_layouts_rewrite(struct mcpz_layouts *layouts)
{
    for (size_t i = 0; i < MCPZ_LAYOUTS_LIVE_MAX; i++) {
        if (!is_zero(layouts->kept[i].stamp)) {
            put_layout(layouts, &layouts->kept[i]);
        }
    }
    for (size_t i = 0; i < layouts->history.tracker_count; i++) {
        put_tracker(layouts, &layouts->history.trackers[i]);
    }
}

/* ---- What has changed --------------------------------------------------------------------- */

/* How things were before something was taken in. */
struct before {
    struct mcpz_layout_tracker own;
    size_t live_count;
};

static struct before look(const struct mcpz_layouts *layouts)
{
    const struct mcpz_layout_history *history = &layouts->history;
    const struct mcpz_layout_tracker *own = mcpz_layout_history_tracker(history, &history->self);
    struct before before = {.live_count = history->live_count};

    if (own != NULL) {
        before.own = *own;
    }
    return before;
}

/* The tracker of `node` has risen: keep it, and tell others soon. */
static void note_risen(struct mcpz_layouts *layouts, mcpz_time now, const struct mcpz_id *node)
{
    const struct mcpz_layout_tracker *tracker =
        mcpz_layout_history_tracker(&layouts->history, node);

    if (tracker != NULL) {
        put_tracker(layouts, tracker);
    }
    layouts->tell_at_us = mcpz_time_min(layouts->tell_at_us, now + MCPZ_LAYOUTS_TELL_US);
    for (size_t i = 0; i < layouts->risen_count && i < MCPZ_LAYOUTS_RISEN_MAX; i++) {
        if (mcpz_id_equal(&layouts->risen[i], node)) {
            return;
        }
    }
    if (layouts->risen_count < MCPZ_LAYOUTS_RISEN_MAX) {
        layouts->risen[layouts->risen_count] = *node;
    }
    layouts->risen_count += layouts->risen_count <= MCPZ_LAYOUTS_RISEN_MAX ? 1 : 0;
}

static bool is_same(const struct mcpz_layout_tracker *a, const struct mcpz_layout_tracker *b)
{
    return mcpz_layout_stamp_compare(a->acked, b->acked) == 0 &&
           mcpz_layout_stamp_compare(a->synced, b->synced) == 0 &&
           mcpz_layout_stamp_compare(a->sync_acked, b->sync_acked) == 0;
}

static void tell_fact(struct mcpz_layouts *layouts, enum mcpz_fact_kind kind, uint64_t version,
                      struct mcpz_outbox *out)
{
    mcpz_outbox_fact(
        out,
        &(struct mcpz_fact){.kind = kind, .about = layouts->history.self, .incarnation = version});
}

/* Those that come with a newer layout have nothing to do with it. */
static bool is_in_force(const struct mcpz_layout_history *history)
{
    const struct mcpz_placement *oldest_one = &history->live[0].placement;

    for (size_t i = 0; history->live_count > 0 && i < oldest_one->node_count; i++) {
        const struct mcpz_layout_tracker *tracker =
            mcpz_layout_history_tracker(history, &oldest_one->nodes[i].id);
        if (tracker == NULL ||
            mcpz_layout_stamp_compare(tracker->synced, history->live[0].stamp) < 0) {
            return false;
        }
    }
    return history->live_count > 0;
}

/* Do what follows from a change of the history. */
static void follow(struct mcpz_layouts *layouts, mcpz_time now, const struct before *before,
                   struct mcpz_outbox *out)
{
    const struct mcpz_layout_history *history = &layouts->history;
    const struct mcpz_layout_tracker *own = mcpz_layout_history_tracker(history, &history->self);

    if (own != NULL && !is_same(own, &before->own)) {
        note_risen(layouts, now, &history->self);
    }
    bool has_let_go = false;
    for (size_t i = 0; i < MCPZ_LAYOUTS_LIVE_MAX; i++) {
        struct mcpz_layout_kept *kept = &layouts->kept[i];
        if (!is_zero(kept->stamp) && !is_live(history, kept->stamp)) {
            remove_layout(layouts, kept);
            has_let_go = true;
        }
    }
    if (has_let_go) {
        remove_strangers(layouts);
    }
    const bool settled = mcpz_layouts_are_settled(layouts);
    if (settled && !layouts->settled) {
        tell_fact(layouts, MCPZ_FACT_LAYOUT_SETTLED, oldest(history).version, out);
    }
    layouts->settled = settled;
    layouts->in_force = is_in_force(history);
}

/* ---- Telling ------------------------------------------------------------------------------ */

static void send_layout(struct step *step, const struct mcpz_id *to,
                        const struct mcpz_layout_kept *kept)
{
    const struct mcpz_msg msg = {.kind = MCPZ_MSG_LAYOUT,
                                 .layout = {.bytes = mcpz_bytes(kept->bytes, kept->length)}};

    mcpz_outbox_send(step->out, to, &msg);
    step->out->actions[step->out->count - 1].durable = true; /* as what follows it */
}

/* Say what is live here, with `count` trackers, which last as long as the outbox. */
static void send_state(struct step *step, const struct mcpz_id *to, bool ask,
                       const struct mcpz_layout_tracker *trackers, size_t count)
{
    const struct mcpz_layout_history *history = &step->layouts->history;
    struct mcpz_layout_stamp *live =
        mcpz_arena_take_sure(&step->out->arena, MCPZ_LAYOUTS_LIVE_MAX, sizeof(*live));
    struct mcpz_msg msg = {.kind = MCPZ_MSG_LAYOUT_STATE,
                           .layout_state = {.ask = ask,
                                            .digest = digest_of(history),
                                            .live = live,
                                            .live_count = history->live_count,
                                            .trackers = trackers,
                                            .tracker_count = count}};

    for (size_t i = 0; i < history->live_count; i++) {
        live[i] = history->live[i].stamp;
    }
    mcpz_outbox_send(step->out, to, &msg);
    step->out->actions[step->out->count - 1].durable = true; /* nothing is told that may be lost */
}

/*
 * All trackers, in as many messages as they take: for who differs. They lie in the history, which
 * does not change any more in this step.
 */
static void send_all(struct step *step, const struct mcpz_id *to, bool ask)
{
    const struct mcpz_layout_history *history = &step->layouts->history;
    size_t at = 0;

    do {
        const size_t left = history->tracker_count - at;
        const size_t count =
            left < MCPZ_TRACKERS_PER_MESSAGE_MAX ? left : MCPZ_TRACKERS_PER_MESSAGE_MAX;
        send_state(step, to, ask && count == left, &history->trackers[at], count);
        at += count;
    } while (at < history->tracker_count);
}

/* Tell all neighbours of the trackers that have risen. */
static void tell_risen(struct step *step)
{
    struct mcpz_layouts *layouts = step->layouts;
    const struct mcpz_overlay *overlay = step->overlay;
    struct mcpz_layout_tracker *rows =
        mcpz_arena_take_sure(&step->out->arena, MCPZ_LAYOUTS_RISEN_MAX, sizeof(*rows));
    const bool is_all = layouts->risen_count > MCPZ_LAYOUTS_RISEN_MAX;
    size_t count = 0;

    for (size_t i = 0; !is_all && i < layouts->risen_count; i++) {
        const struct mcpz_layout_tracker *tracker =
            mcpz_layout_history_tracker(&layouts->history, &layouts->risen[i]);
        if (tracker != NULL) {
            rows[count++] = *tracker;
        }
    }
    for (size_t i = 0; i < overlay->active_count; i++) {
        if (is_all) {
            send_all(step, &overlay->active[i].id, false);
        } else if (count > 0) {
            send_state(step, &overlay->active[i].id, false, rows, count);
        }
    }
    layouts->risen_count = 0;
    layouts->tell_at_us = MCPZ_TIME_NEVER;
}

/* Ask whether `to` knows the same. */
static void compare_with(struct step *step, const struct mcpz_id *to)
{
    send_state(step, to, false, NULL, 0);
}

/* ---- Layouts that come in ----------------------------------------------------------------- */

static bool open_layout(struct mcpz_layouts *layouts, struct mcpz_bytes bytes,
                        struct mcpz_placement *placement, struct mcpz_layout_stamp *stamp)
{
    struct mcpz_arena arena;

    mcpz_arena_init(&arena, layouts->reading, layouts->reading_bytes);
    return bytes.length <= layouts->kept_bytes_max &&
           layouts->opener.open(layouts->opener.context, bytes, &arena, placement, stamp);
}

/*
 * Take in a layout, if fewer than so many are live. `*is_new`: it was not known.
 * Errors: MCPZ_EAUTH, MCPZ_EUSED, MCPZ_EFULL
 */
static mcpz_error take(struct mcpz_layouts *layouts, struct mcpz_bytes bytes, size_t live_max,
                       struct mcpz_layout_stamp *stamp, bool *is_new)
{
    struct mcpz_placement placement;

    *is_new = false;
    if (!open_layout(layouts, bytes, &placement, stamp)) {
        return MCPZ_EAUTH;
    }
    if (is_live(&layouts->history, *stamp)) {
        return MCPZ_OK;
    }
    if (layouts->history.live_count >= live_max) {
        return MCPZ_EFULL;
    }
    mcpz_error error = mcpz_layout_history_add(&layouts->history, &placement, *stamp);
    if (error != MCPZ_OK) {
        return error;
    }
    struct mcpz_layout_kept *kept = kept_of(layouts, (struct mcpz_layout_stamp){0});
    kept->stamp = *stamp;
    kept->length = bytes.length;
    memcpy(kept->bytes, bytes.data, bytes.length);
    *is_new = true;
    return MCPZ_OK;
}

/* The same, kept and handed on. From nobody: it was made here. */
static mcpz_error take_in(struct step *step, const struct mcpz_id *from, struct mcpz_bytes bytes)
{
    struct mcpz_layouts *layouts = step->layouts;
    const struct before before = look(layouts);
    struct mcpz_layout_stamp stamp;
    bool is_new;

    mcpz_error error =
        take(layouts, bytes, from == NULL ? MCPZ_LAYOUTS_MADE_MAX : MCPZ_LAYOUTS_LIVE_MAX, &stamp,
             &is_new);
    layouts->layouts_refused += error == MCPZ_EAUTH ? 1 : 0;
    layouts->layouts_too_many += error == MCPZ_EFULL ? 1 : 0;
    if (!is_new) {
        return error;
    }
    const struct mcpz_layout_kept *kept = kept_of(layouts, stamp);
    layouts->layouts_taken++;
    put_layout(layouts, kept);
    tell_fact(layouts, MCPZ_FACT_LAYOUT, stamp.version, step->out);
    follow(layouts, step->now, &before, step->out);
    for (size_t i = 0; i < step->overlay->active_count; i++) {
        const struct mcpz_id *to = &step->overlay->active[i].id;
        if (from == NULL || !mcpz_id_equal(to, from)) {
            send_layout(step, to, kept);
        }
    }
    return MCPZ_OK;
}

static bool names(const struct mcpz_msg_layout_state *state, struct mcpz_layout_stamp stamp)
{
    for (size_t i = 0; i < state->live_count; i++) {
        if (mcpz_layout_stamp_compare(state->live[i], stamp) == 0) {
            return true;
        }
    }
    return false;
}

/* Do they hold one live that we do not know, and that we have not let go? */
static bool know_more(const struct mcpz_layouts *layouts,
                      const struct mcpz_msg_layout_state *state)
{
    const struct mcpz_layout_history *history = &layouts->history;

    for (size_t i = 0; i < state->live_count; i++) {
        if (!is_live(history, state->live[i]) &&
            mcpz_layout_stamp_compare(state->live[i], oldest(history)) > 0) {
            return true;
        }
    }
    return false;
}

/* Send what is live here and not known there; what they have let go does not come back. */
static bool send_missing(struct step *step, const struct mcpz_id *to,
                         const struct mcpz_msg_layout_state *state)
{
    const struct mcpz_layout_history *history = &step->layouts->history;
    bool has_sent = false;

    for (size_t i = 0; i < history->live_count; i++) {
        const struct mcpz_layout_stamp stamp = history->live[i].stamp;
        if (names(state, stamp) ||
            (state->live_count > 0 && mcpz_layout_stamp_compare(stamp, state->live[0]) < 0)) {
            continue;
        }
        send_layout(step, to, kept_of(step->layouts, stamp));
        has_sent = true;
    }
    return has_sent;
}

static void merge(struct step *step, const struct mcpz_msg_layout_state *state)
{
    struct mcpz_layouts *layouts = step->layouts;

    for (size_t i = 0; i < state->tracker_count; i++) {
        const struct before before = look(layouts);
        const struct mcpz_id node = state->trackers[i].node;
        if (mcpz_layout_history_merge(&layouts->history, &state->trackers[i])) {
            note_risen(layouts, step->now, &node);
            follow(layouts, step->now, &before, step->out);
        }
    }
}

/*
 * Their oldest layout is not known here. Where as many are live as can be, it will not be, and
 * nothing of what is said of nodes either: this is who was set back to an older disk, or was
 * skipped, while the mesh went on. Only the oldest goes: the others say who may have what is ours.
 */
static void make_room(struct step *step, struct mcpz_layout_stamp theirs)
{
    struct mcpz_layouts *layouts = step->layouts;
    const struct before before = look(layouts);

    if (mcpz_layout_history_make_room(&layouts->history, theirs)) {
        follow(layouts, step->now, &before, step->out);
    }
}

/*
 * They have let go of layouts that are still live here: so everybody had come as far as their
 * oldest one. Nodes that are in none of theirs are not spoken of any more, and would be waited for
 * here for ever. What we have come to ourselves is ours to say.
 */
static void follow_those_ahead(struct step *step, const struct mcpz_msg_layout_state *state)
{
    struct mcpz_layouts *layouts = step->layouts;
    const struct mcpz_layout_history *history = &layouts->history;
    const struct mcpz_layout_stamp reached =
        state->live_count > 0 ? state->live[0] : (struct mcpz_layout_stamp){0};

    if (mcpz_layout_stamp_compare(oldest(history), reached) >= 0) {
        return;
    }
    if (!is_live(history, reached)) {
        make_room(step, reached);
        return;
    }
    for (size_t i = 0; i < history->tracker_count; i++) {
        const struct before before = look(layouts);
        const struct mcpz_layout_tracker tracker = {.node = history->trackers[i].node,
                                                    .acked = reached,
                                                    .synced = reached,
                                                    .sync_acked = reached};
        if (!mcpz_id_equal(&tracker.node, &history->self) &&
            mcpz_layout_history_merge(&layouts->history, &tracker)) {
            note_risen(layouts, step->now, &tracker.node);
            follow(layouts, step->now, &before, step->out);
            i = SIZE_MAX; /* some may be gone: from the start */
        }
    }
}

/*
 * What they say of nodes is taken only with all the layouts they know: or one that only some know
 * of would be read from while others do not write to it. But what they have let go of may be in
 * the way of the ones we lack: as many are live as can be. Then what they answer is not taken
 * either, and to ask again at once would never end: with the next comparison we do.
 */
static void on_state(struct step *step, const struct mcpz_id *from,
                     const struct mcpz_msg_layout_state *state)
{
    struct mcpz_layouts *layouts = step->layouts;

    if (know_more(layouts, state)) {
        follow_those_ahead(step, state);
        (void)send_missing(step, from, state);
        if (state->tracker_count == 0) {
            send_state(step, from, true, NULL, 0);
        }
        return;
    }
    merge(step, state);
    follow_those_ahead(step, state);
    const bool has_sent = send_missing(step, from, state);
    const bool is_question = state->tracker_count == 0 && !state->ask;
    const bool differs = state->digest != digest_of(&layouts->history);

    if (state->ask || (is_question && (has_sent || differs))) {
        send_all(step, from, is_question && differs);
    }
}

/* ---- From people -------------------------------------------------------------------------- */

static void reply(struct step *step, uint64_t request, uint32_t code, const char *text)
{
    struct mcpz_action *action = mcpz_outbox_append(step->out, MCPZ_ACTION_REPLY);

    action->durable = code == MCPZ_CODE_OK;
    action->reply.request = request;
    action->reply.code = code;
    action->reply.text = mcpz_text(text);
}

static void on_layout(struct step *step, uint64_t request, struct mcpz_bytes bytes)
{
    switch (take_in(step, NULL, bytes)) {
    case MCPZ_OK:
        reply(step, request, MCPZ_CODE_OK, "");
        return;
    case MCPZ_EUSED:
        reply(step, request, MCPZ_CODE_CONFLICT,
              "a newer layout has been applied: look at it, and stage the change again");
        return;
    case MCPZ_EFULL:
        reply(step, request, MCPZ_CODE_LIMIT,
              "earlier changes are still under way: wait until one has settled, or skip a node "
              "that is gone for good");
        return;
    default:
        reply(step, request, MCPZ_CODE_BAD_REQUEST, "not a layout of this mesh");
        return;
    }
}

static void on_skip(struct step *step, uint64_t request, const struct mcpz_id *node)
{
    struct mcpz_layouts *layouts = step->layouts;
    const struct mcpz_live_layout *newest = mcpz_layout_history_newest(&layouts->history);

    if (newest == NULL || mcpz_layout_history_tracker(&layouts->history, node) == NULL) {
        reply(step, request, MCPZ_CODE_NOT_FOUND, "this node is in no layout that is live");
        return;
    }
    const struct before before = look(layouts);
    const struct mcpz_layout_tracker skipped = {.node = *node,
                                                .acked = newest->stamp,
                                                .synced = newest->stamp,
                                                .sync_acked = newest->stamp};
    if (mcpz_layout_history_merge(&layouts->history, &skipped)) {
        note_risen(layouts, step->now, node);
        follow(layouts, step->now, &before, step->out);
    }
    reply(step, request, MCPZ_CODE_OK, "");
}

/* ---- The machine -------------------------------------------------------------------------- */

static void plan_comparison(struct mcpz_layouts *layouts, mcpz_time now)
{
    layouts->compare_at_us =
        now + mcpz_timing_about(&layouts->rng, layouts->timing->anti_entropy_us) + 1;
}

static void on_tick(struct step *step)
{
    struct mcpz_layouts *layouts = step->layouts;
    const struct mcpz_overlay *overlay = step->overlay;

    if (layouts->hear_until_us <= step->now) {
        layouts->hear_until_us = 0; /* nobody tells: there is none */
    }
    if (layouts->tell_at_us <= step->now) {
        tell_risen(step);
    }
    if (layouts->compare_at_us <= step->now) {
        plan_comparison(layouts, step->now);
        if (overlay->active_count > 0 && mcpz_layouts_any(layouts)) {
            const uint32_t lot = mcpz_rng_below(&layouts->rng, (uint32_t)overlay->active_count);
            compare_with(step, &overlay->active[lot].id);
        }
    }
}

static void recall(struct mcpz_layouts *layouts)
{
    const struct mcpz_store *store = layouts->store;
    struct mcpz_record record = {.kind = MCPZ_RECORD_LAYOUT};
    bool inclusive = true;

    while (store->next(store->context, MCPZ_SCAN_KIND, inclusive, &record) == MCPZ_OK) {
        struct mcpz_layout_stamp stamp;
        bool is_new;
        inclusive = false;
        if (take(layouts, record.layout.bytes, MCPZ_LAYOUTS_LIVE_MAX, &stamp, &is_new) !=
            MCPZ_OK) {
            layouts->layouts_refused++;
        }
    }
    record = (struct mcpz_record){.kind = MCPZ_RECORD_TRACKER};
    inclusive = true;
    while (store->next(store->context, MCPZ_SCAN_KIND, inclusive, &record) == MCPZ_OK) {
        inclusive = false;
        (void)mcpz_layout_history_merge(&layouts->history, &record.tracker.tracker);
    }
    /* What has been let go by these was not written any more: a crash came between. */
    for (size_t i = 0; i < MCPZ_LAYOUTS_LIVE_MAX; i++) {
        if (!is_zero(layouts->kept[i].stamp) &&
            !is_live(&layouts->history, layouts->kept[i].stamp)) {
            remove_layout(layouts, &layouts->kept[i]);
        }
    }
    layouts->settled = mcpz_layouts_are_settled(layouts);
    layouts->in_force = is_in_force(&layouts->history);
}

void mcpz_layouts_init(struct mcpz_layouts *layouts, const struct mcpz_layouts_config *config,
                       const struct mcpz_store *store, const struct mcpz_node_timing *timing,
                       struct mcpz_arena *arena, mcpz_time now)
{
    assert(nodes_max(config) <= MCPZ_LAYOUT_NODES_MAX);
    assert(zones_max(config) <= MCPZ_LAYOUT_ZONES_MAX);
    *layouts = (struct mcpz_layouts){.store = store,
                                     .timing = timing,
                                     .opener = config->opener,
                                     .kept_bytes_max = bytes_max(config),
                                     .reading_bytes = reading_bytes(config),
                                     .tell_at_us = MCPZ_TIME_NEVER,
                                     .hear_until_us = now + MCPZ_LAYOUTS_HEAR_US};
    mcpz_layout_history_init(&layouts->history, &config->self, nodes_max(config),
                             zones_max(config), arena);
    for (size_t i = 0; i < MCPZ_LAYOUTS_LIVE_MAX; i++) {
        layouts->kept[i].bytes = mcpz_arena_take_sure(arena, layouts->kept_bytes_max, 1);
    }
    layouts->reading = mcpz_arena_take_sure(arena, layouts->reading_bytes, 1);
    mcpz_rng_init(&layouts->rng, config->seed);
    plan_comparison(layouts, now);
    if (layouts->opener.open != NULL) {
        recall(layouts);
    }
}

static void remove_all(struct mcpz_layouts *layouts, enum mcpz_record_kind kind)
{
    const struct mcpz_store *store = layouts->store;
    struct mcpz_record record = {.kind = kind};

    while (store->next(store->context, MCPZ_SCAN_KIND, true, &record) == MCPZ_OK) {
        store->remove(store->context, &record);
    }
}

void mcpz_layouts_start_over(struct mcpz_layouts *layouts, mcpz_time now)
{
    remove_all(layouts, MCPZ_RECORD_LAYOUT);
    remove_all(layouts, MCPZ_RECORD_TRACKER);
    remove_all(layouts, MCPZ_RECORD_STAGED);
    layouts->hear_until_us = now + MCPZ_LAYOUTS_HEAR_US;
    layouts->history.live_count = 0;
    layouts->history.tracker_count = 0;
    layouts->history.all_acked = (struct mcpz_layout_stamp){0};
    layouts->history.all_synced = (struct mcpz_layout_stamp){0};
    layouts->history.all_sync_acked = (struct mcpz_layout_stamp){0};
    for (size_t i = 0; i < MCPZ_LAYOUTS_LIVE_MAX; i++) {
        layouts->kept[i].stamp = (struct mcpz_layout_stamp){0};
    }
    layouts->risen_count = 0;
    layouts->tell_at_us = MCPZ_TIME_NEVER;
    layouts->settled = false;
    layouts->in_force = false;
}

void mcpz_layouts_step(struct mcpz_layouts *layouts, const struct mcpz_overlay *overlay,
                       mcpz_time now, const struct mcpz_event *event, struct mcpz_outbox *out)
{
    struct step step = {.layouts = layouts, .overlay = overlay, .now = now, .out = out};

    if (layouts->opener.open == NULL) {
        return;
    }
    if (event->kind == MCPZ_EVENT_TICK) {
        on_tick(&step);
    } else if (event->kind == MCPZ_EVENT_RECV) {
        const struct mcpz_msg *msg = event->recv.msg;
        if (msg->kind == MCPZ_MSG_LAYOUT) {
            (void)take_in(&step, &event->recv.from, msg->layout.bytes);
        } else if (msg->kind == MCPZ_MSG_LAYOUT_STATE) {
            layouts->hear_until_us =
                msg->layout_state.live_count == 0 ? 0 : layouts->hear_until_us;
            on_state(&step, &event->recv.from, &msg->layout_state);
        }
    } else if (event->kind == MCPZ_EVENT_FACT) {
        if (event->fact.kind == MCPZ_FACT_LINKED) {
            compare_with(&step, &event->fact.about);
        }
    } else if (event->kind == MCPZ_EVENT_LAYOUT) {
        on_layout(&step, event->layout.request, event->layout.bytes);
    } else if (event->kind == MCPZ_EVENT_LAYOUT_SKIP) {
        on_skip(&step, event->layout.request, &event->layout.node);
    }
}

void mcpz_layouts_hear(struct mcpz_layouts *layouts, mcpz_time now,
                       struct mcpz_layout_stamp oldest_write, struct mcpz_layout_stamp synced,
                       struct mcpz_outbox *out)
{
    const struct before before = look(layouts);

    if (layouts->history.live_count == 0) {
        return;
    }
    mcpz_layout_history_hold(&layouts->history, oldest_write);
    if (!is_zero(synced)) {
        mcpz_layout_history_synced(&layouts->history, synced);
    }
    follow(layouts, now, &before, out);
}

mcpz_time mcpz_layouts_deadline(const struct mcpz_layouts *layouts)
{
    return layouts->opener.open == NULL
               ? MCPZ_TIME_NEVER
               : mcpz_time_min(layouts->compare_at_us, layouts->tell_at_us);
}
