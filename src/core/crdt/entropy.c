#include "core/crdt/entropy.h"

#include <assert.h>
#include <string.h>

#include "base/clear.h"
#include "base/hash.h"
#include "core/crdt/changes.h"
#include "core/crdt/shared.h"
#include "core/timing.h"

static_assert(MCPZ_PULL_WANTS_MAX + MCPZ_DIGESTS_PER_MESSAGE_MAX <= MCPZ_WANTS_MAX,
              "what a page names can be asked for");

/* ---- Peers -------------------------------------------------------------------------------- */

static struct mcpz_entropy_peer *find(struct mcpz_entropy *entropy, const struct mcpz_id *id)
{
    for (size_t i = 0; i < entropy->peer_count; i++) {
        if (mcpz_id_equal(&entropy->peers[i].id, id)) {
            return &entropy->peers[i];
        }
    }
    return NULL;
}

static const struct mcpz_scope *scope_of(const struct mcpz_entropy *entropy)
{
    return &entropy->holdings.shared.scope;
}

/* A number that others cannot guess. Never 0. */
static uint64_t draw(struct mcpz_entropy *entropy)
{
    return mcpz_siphash_number(entropy->secret, ++entropy->drawn) | 1;
}

static void recall_cursor(const struct mcpz_entropy *entropy, struct mcpz_entropy_peer *peer)
{
    const struct mcpz_store *below = entropy->holdings.below;
    struct mcpz_record record = {.kind = MCPZ_RECORD_CURSOR, .cursor = {.peer = peer->id}};

    /* One that cannot be read is none: then more is compared. */
    peer->has_cursor = below->get(below->context, &record) == MCPZ_OK &&
                       record.cursor.scope == scope_of(entropy)->stamp;
    if (peer->has_cursor) {
        peer->epoch = record.cursor.epoch;
        peer->seq = record.cursor.seq;
        peer->kept_seq = record.cursor.seq;
        peer->kept_ms = record.cursor.wall_ms;
    }
}

static void move_cursor(struct mcpz_entropy *entropy, const struct mcpz_sync *sync,
                        struct mcpz_entropy_peer *peer, uint64_t epoch, uint64_t seq,
                        uint64_t step)
{
    if (mcpz_horizon_holds(sync->horizon, &peer->id)) {
        return; /* we do not take all that it has */
    }
    const bool is_new = !peer->has_cursor || peer->epoch != epoch;
    const bool is_further = is_new || seq > peer->seq;
    const bool is_old = sync->wall_ms >= peer->kept_ms + MCPZ_ENTROPY_CURSOR_AGAIN_MS;
    const struct mcpz_record record = {
        .kind = MCPZ_RECORD_CURSOR,
        .cursor = {.peer = peer->id,
                   .epoch = epoch,
                   .scope = scope_of(entropy)->stamp,
                   .seq = is_further ? seq : peer->seq,
                   .wall_ms = sync->wall_ms},
    };

    if (is_further) {
        peer->has_cursor = true;
        peer->epoch = epoch;
        peer->seq = seq;
    }
    /* Also one that stands still says how lately we had all: who is away is waited for by that. */
    const bool is_far = is_new || peer->seq - peer->kept_seq >= step;
    if (peer->seq > 0 && (is_old || (is_further && is_far))) {
        peer->kept_seq = peer->seq;
        peer->kept_ms = sync->wall_ms;
        entropy->holdings.below->put(entropy->holdings.below->context, &record);
    }
}

static void compare_at(struct mcpz_entropy_peer *peer, mcpz_time at)
{
    peer->root_at_us = mcpz_time_min(peer->root_at_us, at);
}

static bool is_bulk_under_way(const struct mcpz_entropy *entropy)
{
    for (size_t i = 0; i < entropy->peer_count; i++) {
        if (entropy->peers[i].pull != MCPZ_PULL_NONE && entropy->peers[i].pull_bulk) {
            return true;
        }
    }
    return false;
}

/* Reading from `peer` is over. Those that waited for it compare. */
static void end_pull(struct mcpz_entropy *entropy, struct mcpz_entropy_peer *peer, mcpz_time now)
{
    const bool was_bulk = peer->pull != MCPZ_PULL_NONE && peer->pull_bulk;

    peer->pull = MCPZ_PULL_NONE;
    peer->pull_void = false;
    for (size_t i = 0; i < entropy->peer_count && was_bulk; i++) {
        if (entropy->peers[i].is_late) {
            entropy->peers[i].is_late = false;
            compare_at(&entropy->peers[i], now);
        }
    }
}

/* ---- Roots -------------------------------------------------------------------------------- */

/*
 * The root of what we and a linked peer both keep. Where we cannot tell, of all that we hold: then
 * roots differ, and changes are read instead.
 */
static const struct mcpz_partition_root *root_of(const struct mcpz_entropy *entropy,
                                                 const struct mcpz_id *peer)
{
    const struct mcpz_partition_root *shared = mcpz_shared_root(&entropy->holdings.shared, peer);

    return shared != NULL ? shared : &entropy->holdings.root;
}

static uint64_t tag_of(const struct mcpz_partition_root *root, uint64_t nonce)
{
    const struct mcpz_siphash_key key = {.low = nonce, .high = UINT64_C(0x726f6f7420746167)};

    return mcpz_partition_root_tag(root, key);
}

static bool send_root(const struct mcpz_entropy *entropy, const struct mcpz_sync *sync,
                      const struct mcpz_entropy_peer *to, uint64_t nonce, bool answer)
{
    const struct mcpz_partition_root *root = root_of(entropy, &to->id);
    const struct mcpz_msg msg = {
        .kind = MCPZ_MSG_ROOT,
        .root = {.scope = scope_of(entropy)->stamp,
                 .nonce = nonce,
                 .tag = tag_of(root, nonce),
                 .count = root->count,
                 .epoch = sync->epoch,
                 .seq = mcpz_holdings_tell(sync->holdings),
                 .seen_epoch = to->has_cursor ? to->epoch : 0,
                 .seen = to->has_cursor ? to->seq : 0,
                 .answer = answer},
    };

    return mcpz_mail_message(sync->mail, &to->id, &msg);
}

static void ask_root(struct mcpz_entropy *entropy, const struct mcpz_sync *sync,
                     struct mcpz_entropy_peer *peer)
{
    const uint64_t nonce = draw(entropy);

    peer->root_at_us = MCPZ_TIME_NEVER;
    if (send_root(entropy, sync, peer, nonce, false)) {
        peer->nonce = nonce;
        peer->asked_ms = sync->wall_ms;
    }
}

/* ---- Sketches ----------------------------------------------------------------------------- */

/* A hundredth of our time at most, and less where there is nothing to find. */
static mcpz_time pause_of(const struct mcpz_entropy *entropy)
{
    const mcpz_time sweep_us = entropy->holdings.root.count * 2;

    return entropy->period_us + mcpz_time_min(100 * sweep_us, MCPZ_ENTROPY_PAUSE_MAX_US / 2);
}

static void start_sketch(struct mcpz_entropy *entropy, const struct mcpz_sync *sync,
                         struct mcpz_entropy_peer *peer)
{
    const bool is_ours = mcpz_id_compare(&entropy->self, &peer->id) < 0;

    if (!is_ours || entropy->asker.sketch.phase != MCPZ_SKETCH_IDLE) {
        return;
    }
    const uint64_t nonce = draw(entropy);
    const uint64_t session = draw(entropy);
    const struct mcpz_sketch_start start = {
        .session = session,
        .nonce = nonce,
        .ours = root_of(entropy, &peer->id)->count,
        .theirs = peer->count,
    };
    if (mcpz_sketch_asker_start(&entropy->asker, sync, &peer->id, &start)) {
        entropy->sketches++;
    }
}

static void pause_sketches(struct mcpz_entropy *entropy, struct mcpz_entropy_peer *peer,
                           bool was_useful, mcpz_time now)
{
    const mcpz_time least = pause_of(entropy);

    peer->sketch_at_us = now + (peer->sketch_pause_us > least ? peer->sketch_pause_us : least);
    peer->sketch_pause_us =
        was_useful ? 0 : mcpz_time_min(2 * (peer->sketch_at_us - now), MCPZ_ENTROPY_PAUSE_MAX_US);
}

/* ---- Reading changes ---------------------------------------------------------------------- */

static void ask_changes(const struct mcpz_sync *sync, struct mcpz_entropy_peer *peer)
{
    const struct mcpz_msg msg = {
        .kind = MCPZ_MSG_CHANGES_ASK,
        .changes_ask = {.epoch = peer->pull_epoch, .since = peer->pull_seq},
    };

    /* Faster than the disk, but not far ahead of it. */
    const bool waits = peer->pull_pages % MCPZ_PULL_AHEAD == MCPZ_PULL_AHEAD - 1;
    if (waits ? mcpz_mail_message(sync->mail, &peer->id, &msg)
              : mcpz_mail_question(sync->mail, &peer->id, &msg)) {
        peer->pull_pages++;
        peer->pull = MCPZ_PULL_ASKED;
        peer->pull_asked_ms = sync->wall_ms;
        peer->pull_until_us = sync->now + MCPZ_PULL_PATIENCE_US;
    }
}

static void start_pull(struct mcpz_entropy *entropy, const struct mcpz_sync *sync,
                       struct mcpz_entropy_peer *peer, uint64_t epoch, uint64_t since)
{
    const bool is_bulk = since == 0 && peer->count > MCPZ_PULL_BULK;

    if (is_bulk && is_bulk_under_way(entropy)) {
        peer->is_late = true;
        return;
    }
    entropy->pulls++;
    peer->pull_bulk = is_bulk;
    peer->pull_last = false;
    peer->pull_found = false;
    peer->pull_void = false;
    peer->pull_pages = 0;
    peer->pull_epoch = epoch;
    peer->pull_seq = since;
    ask_changes(sync, peer);
}

static void finish_pull(struct mcpz_entropy *entropy, const struct mcpz_sync *sync,
                        struct mcpz_entropy_peer *peer)
{
    move_cursor(entropy, sync, peer, peer->pull_epoch, peer->pull_seq,
                peer->pull_found ? 1 : MCPZ_ENTROPY_CURSOR_STEP);
    mcpz_horizon_had(sync->horizon, &peer->id, peer->pull_asked_ms);
    end_pull(entropy, peer, sync->now);
    if (peer->pull_found) {
        compare_at(peer, sync->now + MCPZ_ENTROPY_AGAIN_US);
    }
}

/* A page is here. Ask for the next one, if most of what it named has come. */
static void go_on_pulling(struct mcpz_entropy *entropy, const struct mcpz_sync *sync,
                          struct mcpz_entropy_peer *peer)
{
    const size_t waiting = mcpz_wanted_of(sync->wanted, sync->now, &peer->id);

    if (peer->pull_last) {
        if (waiting == 0) {
            finish_pull(entropy, sync, peer);
        }
    } else if (waiting <= MCPZ_PULL_WANTS_MAX &&
               mcpz_wanted_room(sync->wanted, sync->now) >= MCPZ_DIGESTS_PER_MESSAGE_MAX) {
        ask_changes(sync, peer);
    }
}

static mcpz_error on_changes_ask(struct mcpz_entropy *entropy, const struct mcpz_sync *sync,
                                 const struct mcpz_id *from,
                                 const struct mcpz_msg_changes_ask *ask)
{
    struct mcpz_changes_page page = {.upto = ask->since, .last = true};
    struct mcpz_entropy_peer *peer = find(entropy, from);
    const bool is_ours = ask->epoch == sync->epoch && ask->since <= entropy->holdings.seq;

    if (is_ours) {
        mcpz_error error = mcpz_changes_read(sync, from, ask->since, &page);
        if (error != MCPZ_OK) {
            return error;
        }
    }
    if (peer != NULL) {
        peer->reads_until_us = page.last ? 0 : sync->now + MCPZ_PULL_PATIENCE_US;
    }
    /* A number beyond ours is of another past, whatever its epoch's name. */
    const struct mcpz_msg msg = {
        .kind = MCPZ_MSG_CHANGES,
        .changes = {.epoch = is_ours ? sync->epoch : 0,
                    .since = ask->since,
                    .upto = page.upto,
                    .last = page.last,
                    .digests = page.digests,
                    .digest_count = page.count},
    };
    (void)mcpz_mail_message(sync->mail, from, &msg); /* without room it is asked for again */
    return MCPZ_OK;
}

/* Look at each document of a page. `*cut`: some found no room; they are told once more. */
static mcpz_error look_at(const struct mcpz_sync *sync, struct mcpz_entropy_peer *peer,
                          const struct mcpz_msg_changes *page, bool *cut)
{
    struct mcpz_catchup catchup = mcpz_sync_catchup(sync, &peer->id);

    *cut = false;
    for (size_t i = 0; i < page->digest_count && !*cut; i++) {
        enum mcpz_want_answer answer;
        mcpz_error error = mcpz_catchup_look(&catchup, &page->digests[i], &answer);
        if (error != MCPZ_OK) {
            return error;
        }
        *cut = answer == MCPZ_WANT_NO_ROOM;
        peer->pull_found |= answer == MCPZ_WANT_ASK;
    }
    return MCPZ_OK;
}

static mcpz_error on_changes(struct mcpz_entropy *entropy, const struct mcpz_sync *sync,
                             struct mcpz_entropy_peer *peer, const struct mcpz_msg_changes *page)
{
    bool cut;

    if (peer->pull != MCPZ_PULL_ASKED || page->since != peer->pull_seq ||
        page->upto < page->since || (page->upto == page->since && !page->last)) {
        return MCPZ_EPROTO;
    }
    if (page->epoch != peer->pull_epoch || peer->pull_void) {
        peer->has_cursor &= peer->pull_void;
        end_pull(entropy, peer, sync->now);
        compare_at(peer, sync->now + MCPZ_ENTROPY_AGAIN_US);
        return MCPZ_OK;
    }
    mcpz_error error = look_at(sync, peer, page, &cut);
    if (error != MCPZ_OK) {
        end_pull(entropy, peer, sync->now);
        return error;
    }
    peer->pull = MCPZ_PULL_HELD;
    if (!cut) {
        peer->pull_seq = page->upto;
        peer->pull_last = page->last;
    }
    go_on_pulling(entropy, sync, peer);
    return MCPZ_OK;
}

/* ---- Comparing ---------------------------------------------------------------------------- */

/* Are we and a peer of so many documents so far apart, or so small, that naming all is best? */
static bool is_best_named(uint64_t ours, uint64_t theirs)
{
    const uint64_t more = ours > theirs ? ours : theirs;
    const uint64_t less = ours > theirs ? theirs : ours;

    return more <= MCPZ_ENTROPY_SMALL || less < more / 2;
}

/* Tags differ. */
static void on_difference(struct mcpz_entropy *entropy, const struct mcpz_sync *sync,
                          struct mcpz_entropy_peer *peer, const struct mcpz_msg_root *root)
{
    const bool has_cursor =
        peer->has_cursor && peer->epoch == root->epoch && peer->seq <= root->seq;
    const bool has_theirs = has_cursor && peer->seq == root->seq;
    const bool follows_us = root->seen_epoch == sync->epoch && root->seen <= entropy->holdings.seq;
    const bool has_ours = follows_us && root->seen == entropy->holdings.seq;
    const bool is_named = is_best_named(root_of(entropy, &peer->id)->count, root->count);

    if (has_cursor && !has_theirs) {
        start_pull(entropy, sync, peer, root->epoch, peer->seq);
    } else if (!has_cursor && is_named && root->count > 0) {
        start_pull(entropy, sync, peer, root->epoch, 0);
    }
    const bool is_all_read = has_theirs && (has_ours || (!follows_us && !is_named));
    const bool is_unknown = !has_cursor && !is_named;
    const bool is_known = is_all_read || is_unknown;
    const bool is_reading = peer->reads_until_us > sync->now;
    if (!is_reading && (is_known || peer->unequal >= MCPZ_ENTROPY_UNEQUAL_MAX) &&
        peer->sketch_at_us <= sync->now) {
        peer->is_blind = !is_known;
        start_sketch(entropy, sync, peer);
    }
}

static void judge(struct mcpz_entropy *entropy, const struct mcpz_sync *sync,
                  struct mcpz_entropy_peer *peer, const struct mcpz_msg_root *root)
{
    const struct mcpz_partition_root *ours = root_of(entropy, &peer->id);

    peer->count = root->count;
    if (root->tag == tag_of(ours, root->nonce) && root->count == ours->count) {
        entropy->roots_equal++;
        peer->unequal = 0;
        peer->sketch_pause_us = 0;
        move_cursor(entropy, sync, peer, root->epoch, root->seq, MCPZ_ENTROPY_CURSOR_STEP);
        if (root->scope == 0) {
            mcpz_horizon_is_equal(sync->horizon, &peer->id);
        }
        if (root->answer) {
            mcpz_horizon_had(sync->horizon, &peer->id, peer->asked_ms);
        }
        return;
    }
    entropy->roots_unequal++;
    peer->unequal++;
    if (peer->pull == MCPZ_PULL_NONE && !mcpz_sketch_is_with(&entropy->asker.sketch, &peer->id) &&
        !mcpz_sketch_is_with(&entropy->teller.sketch, &peer->id)) {
        on_difference(entropy, sync, peer, root);
    }
}

static mcpz_error on_root(struct mcpz_entropy *entropy, const struct mcpz_sync *sync,
                          struct mcpz_entropy_peer *peer, const struct mcpz_msg_root *root)
{
    if (root->answer && (peer->nonce == 0 || root->nonce != peer->nonce)) {
        return MCPZ_EPROTO;
    }
    if (mcpz_shared_is_behind(&entropy->holdings.shared)) {
        compare_at(peer, sync->now); /* we ask once we know */
        return MCPZ_OK;
    }
    if (root->answer) {
        peer->nonce = 0;
    } else {
        (void)send_root(entropy, sync, peer, root->nonce, true);
    }
    if (root->scope == scope_of(entropy)->stamp) {
        judge(entropy, sync, peer, root);
    }
    return MCPZ_OK;
}

/* ---- What becomes of sketches ------------------------------------------------------------- */

static void on_fate(struct mcpz_entropy *entropy, const struct mcpz_sync *sync,
                    const struct mcpz_sketch *sketch, enum mcpz_sketch_fate fate, size_t found)
{
    struct mcpz_entropy_peer *peer = find(entropy, &sketch->peer);

    if (fate == MCPZ_SKETCH_GOES_ON || fate == MCPZ_SKETCH_INVALID) {
        return;
    }
    entropy->sketches_failed += fate == MCPZ_SKETCH_DONE ? 0 : 1;
    entropy->sketched_differences += found;
    if (peer == NULL) {
        return;
    }
    peer->unequal = 0;
    pause_sketches(entropy, peer, found > 0 && !peer->is_blind, sync->now);
    if (fate == MCPZ_SKETCH_DONE && sketch->scope != scope_of(entropy)->stamp) {
        compare_at(peer, sync->now + MCPZ_ENTROPY_AGAIN_US);
    } else if (fate == MCPZ_SKETCH_DONE) {
        move_cursor(entropy, sync, peer, sketch->epoch, sketch->seq, 1);
        if (found > 0) {
            compare_at(peer, sync->now + MCPZ_ENTROPY_AGAIN_US);
        }
    } else if (fate == MCPZ_SKETCH_USELESS && peer->pull == MCPZ_PULL_NONE) {
        start_pull(entropy, sync, peer, sketch->epoch, 0);
    }
}

static mcpz_error error_of(enum mcpz_sketch_fate fate)
{
    return fate == MCPZ_SKETCH_INVALID ? MCPZ_EPROTO : MCPZ_OK;
}

static mcpz_error take_as_asker(struct mcpz_entropy *entropy, const struct mcpz_sync *sync,
                                const struct mcpz_id *from, const struct mcpz_msg *msg)
{
    const enum mcpz_sketch_fate fate = mcpz_sketch_asker_take(&entropy->asker, sync, from, msg);

    on_fate(entropy, sync, &entropy->asker.sketch, fate, entropy->asker.found);
    return error_of(fate);
}

static mcpz_error take_as_teller(struct mcpz_entropy *entropy, const struct mcpz_sync *sync,
                                 const struct mcpz_id *from, const struct mcpz_msg_sketch_ask *ask)
{
    const enum mcpz_sketch_fate fate =
        mcpz_sketch_teller_take(&entropy->teller, sync, from, ask, draw(entropy));

    on_fate(entropy, sync, &entropy->teller.sketch, fate, 0);
    return error_of(fate);
}

static void go_on_sketching(struct mcpz_entropy *entropy, const struct mcpz_sync *sync)
{
    on_fate(entropy, sync, &entropy->asker.sketch, mcpz_sketch_asker_go_on(&entropy->asker, sync),
            entropy->asker.found);
    on_fate(entropy, sync, &entropy->teller.sketch,
            mcpz_sketch_teller_go_on(&entropy->teller, sync), 0);
}

/* Rows that belong to no sketch: deltas came before them, and there are more. */
static mcpz_error on_offer(const struct mcpz_sync *sync, const struct mcpz_id *from,
                           const struct mcpz_msg_offer *offer)
{
    struct mcpz_catchup catchup = mcpz_sync_catchup(sync, from);

    for (size_t i = 0; i < offer->digest_count; i++) {
        enum mcpz_want_answer answer;
        mcpz_error error = mcpz_catchup_look(&catchup, &offer->digests[i], &answer);
        if (error != MCPZ_OK) {
            return error;
        }
    }
    return MCPZ_OK;
}

/* ---- The whole ---------------------------------------------------------------------------- */

size_t mcpz_entropy_bytes(void)
{
    return mcpz_holdings_bytes() + mcpz_sketch_asker_bytes() + mcpz_sketch_teller_bytes();
}

static void plan_comparison(struct mcpz_entropy *entropy, mcpz_time now)
{
    entropy->compare_at_us = now + mcpz_timing_about(&entropy->rng, entropy->period_us) + 1;
}

void mcpz_entropy_init(struct mcpz_entropy *entropy, const struct mcpz_entropy_config *config,
                       mcpz_time now, struct mcpz_arena *arena)
{
    mcpz_clear(entropy, sizeof(*entropy));
    entropy->self = *config->self;
    entropy->period_us = config->period_us;
    mcpz_rng_init(&entropy->rng, config->seed);
    entropy->secret.low = mcpz_rng_next(&entropy->rng);
    entropy->secret.high = mcpz_rng_next(&entropy->rng);
    mcpz_holdings_init(&entropy->holdings, config->store, draw(entropy), arena);
    mcpz_sketch_asker_init(&entropy->asker, arena);
    mcpz_sketch_teller_init(&entropy->teller, arena);
    plan_comparison(entropy, now);
    entropy->full_at_us = now + mcpz_timing_about(&entropy->rng, MCPZ_ENTROPY_FULL_US);
}

void mcpz_entropy_start_over(struct mcpz_entropy *entropy, mcpz_time now)
{
    entropy->asker.sketch.phase = MCPZ_SKETCH_IDLE;
    entropy->teller.sketch.phase = MCPZ_SKETCH_IDLE;
    for (size_t i = 0; i < entropy->peer_count; i++) {
        entropy->peers[i] = (struct mcpz_entropy_peer){.id = entropy->peers[i].id,
                                                       .root_at_us = now + MCPZ_ENTROPY_AGAIN_US};
        recall_cursor(entropy, &entropy->peers[i]);
    }
}

void mcpz_entropy_follow(struct mcpz_entropy *entropy, const struct mcpz_scope *scope,
                         mcpz_time now)
{
    const bool is_another = scope_of(entropy)->stamp != scope->stamp;

    mcpz_shared_follow(&entropy->holdings.shared, scope);
    for (size_t i = 0; i < entropy->peer_count && is_another; i++) {
        struct mcpz_entropy_peer *peer = &entropy->peers[i];
        recall_cursor(entropy, peer);
        if (peer->pull == MCPZ_PULL_ASKED) {
            peer->pull_void = true;
        } else {
            end_pull(entropy, peer, now);
        }
    }
}

void mcpz_entropy_linked(struct mcpz_entropy *entropy, const struct mcpz_sync *sync,
                         const struct mcpz_id *id)
{
    mcpz_entropy_unlinked(entropy, sync, id); /* what was under way on the last one is lost */
    if (entropy->peer_count == MCPZ_LINKS_MAX) {
        return; /* as many as there can be links */
    }
    struct mcpz_entropy_peer *peer = &entropy->peers[entropy->peer_count++];
    *peer = (struct mcpz_entropy_peer){.id = *id, .root_at_us = sync->now};
    recall_cursor(entropy, peer);
    mcpz_shared_link(&entropy->holdings.shared, id);
}

void mcpz_entropy_unlinked(struct mcpz_entropy *entropy, const struct mcpz_sync *sync,
                           const struct mcpz_id *id)
{
    struct mcpz_entropy_peer *peer = find(entropy, id);

    if (peer == NULL) {
        return;
    }
    mcpz_wanted_gone(sync->wanted, id);
    if (mcpz_sketch_is_with(&entropy->asker.sketch, id)) {
        entropy->asker.sketch.phase = MCPZ_SKETCH_IDLE;
    }
    if (mcpz_sketch_is_with(&entropy->teller.sketch, id)) {
        entropy->teller.sketch.phase = MCPZ_SKETCH_IDLE;
    }
    end_pull(entropy, peer, sync->now);
    mcpz_shared_unlink(&entropy->holdings.shared, id);
    *peer = entropy->peers[--entropy->peer_count];
}

void mcpz_entropy_read_anew(struct mcpz_entropy *entropy, const struct mcpz_id *id, mcpz_time now)
{
    struct mcpz_entropy_peer *peer = find(entropy, id);

    if (peer != NULL) {
        peer->has_cursor = false;
        peer->sketch_at_us = now;
        peer->sketch_pause_us = 0;
        compare_at(peer, now);
    }
}

void mcpz_entropy_compare(struct mcpz_entropy *entropy, const struct mcpz_id *peer, mcpz_time now)
{
    struct mcpz_entropy_peer *found = find(entropy, peer);

    if (found != NULL) {
        compare_at(found, now);
    }
}

mcpz_error mcpz_entropy_take(struct mcpz_entropy *entropy, const struct mcpz_sync *sync,
                             const struct mcpz_id *from, const struct mcpz_msg *msg)
{
    struct mcpz_entropy_peer *peer = find(entropy, from);

    if (entropy->holdings.is_off) {
        return MCPZ_OK; /* until we know what we have */
    }
    if (msg->kind == MCPZ_MSG_OFFER && msg->offer.session == 0) {
        return on_offer(sync, from, &msg->offer);
    }
    if (msg->kind == MCPZ_MSG_CHANGES_ASK) {
        return on_changes_ask(entropy, sync, from, &msg->changes_ask);
    }
    if (msg->kind == MCPZ_MSG_SKETCH_ASK) {
        return take_as_teller(entropy, sync, from, &msg->sketch_ask);
    }
    if (msg->kind == MCPZ_MSG_SKETCH || msg->kind == MCPZ_MSG_OFFER) {
        return take_as_asker(entropy, sync, from, msg);
    }
    if (peer == NULL) {
        return MCPZ_OK; /* more links than we keep account of */
    }
    return msg->kind == MCPZ_MSG_ROOT ? on_root(entropy, sync, peer, &msg->root)
                                      : on_changes(entropy, sync, peer, &msg->changes);
}

void mcpz_entropy_go_on(struct mcpz_entropy *entropy, const struct mcpz_sync *sync)
{
    for (size_t i = 0; i < entropy->peer_count; i++) {
        if (entropy->peers[i].pull == MCPZ_PULL_HELD) {
            go_on_pulling(entropy, sync, &entropy->peers[i]);
        }
    }
    go_on_sketching(entropy, sync);
}

static void compare_by_lot(struct mcpz_entropy *entropy, const struct mcpz_sync *sync,
                           const struct mcpz_overlay *overlay)
{
    plan_comparison(entropy, sync->now);
    if (overlay->active_count > 0) {
        const uint32_t lot = mcpz_rng_below(&entropy->rng, (uint32_t)overlay->active_count);
        mcpz_entropy_compare(entropy, &overlay->active[lot].id, sync->now);
    }
}

/* The comparison that nobody can prepare for. Who has no neighbour to ask is asked by others. */
static void sketch_by_lot(struct mcpz_entropy *entropy, const struct mcpz_sync *sync)
{
    entropy->full_at_us = sync->now + mcpz_timing_about(&entropy->rng, MCPZ_ENTROPY_FULL_US);
    for (size_t i = 0; i < entropy->peer_count; i++) {
        const uint32_t lot = mcpz_rng_below(&entropy->rng, (uint32_t)entropy->peer_count);
        struct mcpz_entropy_peer *peer = &entropy->peers[lot];
        if (mcpz_id_compare(&entropy->self, &peer->id) < 0) {
            start_sketch(entropy, sync, peer);
            return;
        }
    }
}

static void forget_old_cursors(struct mcpz_entropy *entropy, uint64_t wall_ms)
{
    const struct mcpz_store *below = entropy->holdings.below;
    struct mcpz_record record = {.kind = MCPZ_RECORD_CURSOR};

    for (size_t i = 0; i < MCPZ_MEMBERS_MAX; i++) {
        if (below->next(below->context, MCPZ_SCAN_KIND, false, &record) != MCPZ_OK) {
            return;
        }
        if (record.cursor.wall_ms + MCPZ_ENTROPY_CURSOR_AGE_MS < wall_ms &&
            find(entropy, &record.cursor.peer) == NULL) {
            below->remove(below->context, &record);
        }
    }
}

static void sum_up(struct mcpz_entropy *entropy, mcpz_time now)
{
    if (entropy->sum_at_us <= now && mcpz_shared_is_behind(&entropy->holdings.shared)) {
        mcpz_shared_run(&entropy->holdings.shared);
        entropy->sum_at_us = now + MCPZ_ENTROPY_SUM_PAUSE_US;
    }
}

static void run_peer(struct mcpz_entropy *entropy, const struct mcpz_sync *sync,
                     struct mcpz_entropy_peer *peer)
{
    if (peer->pull == MCPZ_PULL_ASKED && peer->pull_until_us <= sync->now) {
        end_pull(entropy, peer, sync->now);
    }
    if (peer->root_at_us <= sync->now && !mcpz_shared_is_behind(&entropy->holdings.shared)) {
        ask_root(entropy, sync, peer);
    }
}

void mcpz_entropy_tick(struct mcpz_entropy *entropy, const struct mcpz_sync *sync,
                       const struct mcpz_overlay *overlay)
{
    mcpz_wanted_expire(sync->wanted, sync->now); /* or the deadline stays where they ended */
    if (entropy->compare_at_us <= sync->now) {
        compare_by_lot(entropy, sync, overlay);
    }
    if (entropy->full_at_us <= sync->now) {
        sketch_by_lot(entropy, sync);
        forget_old_cursors(entropy, sync->wall_ms);
    }
    sum_up(entropy, sync->now);
    for (size_t i = 0; i < entropy->peer_count; i++) {
        run_peer(entropy, sync, &entropy->peers[i]);
    }
    mcpz_entropy_go_on(entropy, sync);
}

mcpz_time mcpz_entropy_deadline(const struct mcpz_entropy *entropy,
                                const struct mcpz_wanted *wanted)
{
    mcpz_time deadline = mcpz_time_min(entropy->compare_at_us, entropy->full_at_us);
    const bool is_behind = mcpz_shared_is_behind(&entropy->holdings.shared);
    bool is_held = entropy->asker.sketch.phase == MCPZ_SKETCH_HELD;

    deadline = is_behind ? mcpz_time_min(deadline, entropy->sum_at_us) : deadline;
    for (size_t i = 0; i < entropy->peer_count; i++) {
        const struct mcpz_entropy_peer *peer = &entropy->peers[i];
        deadline = is_behind ? deadline : mcpz_time_min(deadline, peer->root_at_us);
        if (peer->pull == MCPZ_PULL_ASKED) {
            deadline = mcpz_time_min(deadline, peer->pull_until_us);
        }
        is_held |= peer->pull == MCPZ_PULL_HELD;
    }
    if (is_held) {
        deadline = mcpz_time_min(deadline, mcpz_wanted_deadline(wanted));
    }
    deadline = mcpz_time_min(deadline, mcpz_sketch_deadline(&entropy->asker.sketch));
    return mcpz_time_min(deadline, mcpz_sketch_deadline(&entropy->teller.sketch));
}
