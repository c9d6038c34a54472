#include "core/crdt/horizon.h"

#include <assert.h>

#include "base/clear.h"

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static struct mcpz_horizon_peer *find(struct mcpz_horizon *horizon, const struct mcpz_id *id)
{
    for (size_t i = 0; i < horizon->peer_count; i++) {
        if (mcpz_id_equal(&horizon->peers[i].id, id)) {
            return &horizon->peers[i];
        }
    }
    return NULL;
}

static const struct mcpz_horizon_peer *look(const struct mcpz_horizon *horizon,
                                            const struct mcpz_id *id)
{
    for (size_t i = 0; i < horizon->peer_count; i++) {
        if (mcpz_id_equal(&horizon->peers[i].id, id)) {
            return &horizon->peers[i];
        }
    }
    return NULL;
}

static void keep(struct mcpz_horizon *horizon)
{
    const struct mcpz_record record = {.kind = MCPZ_RECORD_HORIZON, .horizon = horizon->row};

    horizon->kept_ms = horizon->row.fresh_ms;
    horizon->is_lost = false;
    horizon->store->put(horizon->store->context, &record);
}

static void tell_all(struct mcpz_horizon *horizon)
{
    for (size_t i = 0; i < horizon->peer_count; i++) {
        horizon->peers[i].owes = true;
    }
}

/* ---- What is so --------------------------------------------------------------------------- */

uint64_t mcpz_horizon_of(uint64_t wall_ms, uint64_t grace_ms)
{
    const uint64_t part = grace_ms / MCPZ_HORIZON_STEPS;
    const uint64_t step = part > 0 ? least(part, MCPZ_HORIZON_STEP_MS_MAX) : 1;

    return wall_ms > grace_ms ? (wall_ms - grace_ms) / step * step : 0;
}

static bool is_behind(const struct mcpz_horizon *horizon, uint64_t fresh_ms)
{
    return fresh_ms < horizon->row.horizon_ms;
}

bool mcpz_horizon_is_stale(const struct mcpz_horizon *horizon)
{
    return is_behind(horizon, horizon->row.fresh_ms);
}

bool mcpz_horizon_holds(const struct mcpz_horizon *horizon, const struct mcpz_id *peer)
{
    if (horizon->row.horizon_ms == 0) {
        return false;
    }
    const struct mcpz_horizon_peer *found = look(horizon, peer);
    return found == NULL || !found->is_heard || is_behind(horizon, found->fresh_ms);
}

bool mcpz_horizon_is_said_stale(const struct mcpz_horizon *horizon, const struct mcpz_id *peer)
{
    const struct mcpz_horizon_peer *found = look(horizon, peer);

    return found != NULL && found->is_heard && is_behind(horizon, found->fresh_ms);
}

bool mcpz_horizon_is_begun_after(const struct mcpz_horizon *horizon,
                                 const struct mcpz_delta *delta)
{
    return delta->seq == 1 && delta->version_count == 0 &&
           mcpz_hlc_to_ms(delta->hlc) > horizon->row.horizon_ms;
}

/* Who came after the horizon may lack what is older, until it had all that one who has all has. */
bool mcpz_horizon_vouches(const struct mcpz_horizon *horizon)
{
    const struct mcpz_record_horizon *row = &horizon->row;

    return !mcpz_horizon_is_stale(horizon) &&
           (row->is_whole || (row->since_ms > 0 && row->since_ms < row->horizon_ms));
}

bool mcpz_horizon_is_vouched_by(const struct mcpz_horizon *horizon, const struct mcpz_id *peer)
{
    const struct mcpz_horizon_peer *found = look(horizon, peer);

    return found != NULL && found->is_heard && found->is_whole &&
           !is_behind(horizon, found->fresh_ms);
}

/* ---- What others may have ----------------------------------------------------------------- */

/* Not one that we know to have been away for long. */
static bool is_of_now(const struct mcpz_horizon *horizon, uint64_t fresh_ms, uint64_t wall_ms)
{
    return fresh_ms == 0 || fresh_ms + horizon->grace_ms >= wall_ms;
}

/*
 * What we write from now on others may have, and delete: it is in the store before any of it goes
 * out. While all who are linked have been away for long, nobody who counts has it.
 */
static void note_told(struct mcpz_horizon *horizon)
{
    if (horizon->row.told_hlc != MCPZ_HORIZON_TOLD_ALL && !mcpz_horizon_is_stale(horizon)) {
        horizon->row.told_hlc = MCPZ_HORIZON_TOLD_ALL;
        keep(horizon);
    }
}

/* What we write from now on nobody has. True: the row has changed. */
static bool end_told(struct mcpz_horizon *horizon, uint64_t hlc)
{
    if (horizon->row.told_hlc != MCPZ_HORIZON_TOLD_ALL) {
        return false;
    }
    horizon->row.told_hlc = hlc;
    return true;
}

/* ---- Changes ------------------------------------------------------------------------------ */

void mcpz_horizon_init(struct mcpz_horizon *horizon, const struct mcpz_store *store,
                       uint64_t grace_ms)
{
    mcpz_clear(horizon, sizeof(*horizon));
    horizon->store = store;
    horizon->grace_ms = grace_ms > 0 ? grace_ms : MCPZ_GRACE_MS_DEFAULT;
}

mcpz_error mcpz_horizon_load(struct mcpz_horizon *horizon, uint64_t hlc)
{
    struct mcpz_record record = {.kind = MCPZ_RECORD_HORIZON};
    const uint64_t told_hlc = horizon->row.told_hlc;
    const mcpz_error error = horizon->store->get(horizon->store->context, &record);

    if (error != MCPZ_OK && error != MCPZ_ENOTFOUND) {
        return error;
    }
    horizon->row = error == MCPZ_OK ? record.horizon : (struct mcpz_record_horizon){0};
    horizon->kept_ms = horizon->row.fresh_ms;
    if (horizon->is_read) {
        /* To write it at once would fail as well while a disk is full, and we be back here. */
        horizon->is_lost = horizon->row.told_hlc != told_hlc;
        horizon->row.told_hlc = told_hlc;
    } else if (end_told(horizon, hlc)) {
        keep(horizon);
    }
    horizon->is_read = true;
    return MCPZ_OK;
}

void mcpz_horizon_rewrite(struct mcpz_horizon *horizon)
{
    if (horizon->is_lost) {
        keep(horizon);
    }
}

bool mcpz_horizon_raise(struct mcpz_horizon *horizon, uint64_t horizon_ms)
{
    if (horizon->row.fresh_ms < horizon_ms || mcpz_horizon_is_stale(horizon)) {
        return false;
    }
    if (horizon_ms > horizon->row.horizon_ms) {
        horizon->row.horizon_ms = horizon_ms;
        horizon->rises++;
        keep(horizon);
        tell_all(horizon);
    }
    return true;
}

void mcpz_horizon_linked(struct mcpz_horizon *horizon, const struct mcpz_id *peer,
                         uint64_t wall_ms)
{
    struct mcpz_horizon_peer *found = find(horizon, peer);

    if (found == NULL) {
        if (horizon->peer_count == MCPZ_HORIZON_PEERS_MAX) {
            return; /* as many as there can be links and sessions: it is held back */
        }
        found = &horizon->peers[horizon->peer_count++];
    }
    *found = (struct mcpz_horizon_peer){
        .id = *peer, .owes = horizon->row.horizon_ms > 0 || horizon->row.fresh_ms > 0};
    if (horizon->row.since_ms == 0) {
        horizon->row.since_ms = wall_ms;
        keep(horizon);
    }
    if (is_of_now(horizon, horizon->row.fresh_ms, wall_ms)) {
        note_told(horizon);
    }
}

void mcpz_horizon_unlinked(struct mcpz_horizon *horizon, const struct mcpz_id *peer, uint64_t hlc)
{
    struct mcpz_horizon_peer *found = find(horizon, peer);

    if (found == NULL) {
        return;
    }
    *found = horizon->peers[--horizon->peer_count];
    if (horizon->peer_count == 0 && end_told(horizon, hlc)) {
        keep(horizon);
    }
}

/* Would it have to be forgotten by a clock that is far ahead of ours? */
static bool is_ahead(const struct mcpz_horizon *horizon, uint64_t horizon_ms, uint64_t wall_ms)
{
    return horizon_ms > 0 && horizon_ms + horizon->grace_ms / 2 > wall_ms;
}

static bool adopt(struct mcpz_horizon *horizon, uint64_t horizon_ms,
                  const struct mcpz_horizon_sight *sight)
{
    if (horizon_ms <= horizon->row.horizon_ms) {
        return false;
    }
    horizon->row.horizon_ms = horizon_ms;
    horizon->rises++;
    if (mcpz_horizon_is_stale(horizon)) {
        (void)end_told(horizon, sight->hlc);
    }
    tell_all(horizon); /* also who said it: it has to know how fresh we are by now */
    return true;
}

/* Have others said that they had all we had, since we came or came back? */
static bool is_settled(const struct mcpz_horizon *horizon)
{
    return horizon->row.fresh_ms > horizon->row.since_ms;
}

/*
 * Before that, those who are here with us may all have come through one that is cut off from all
 * others. Where nobody was ever fresh it has to begin with somebody.
 */
static bool may_make(const struct mcpz_horizon *horizon)
{
    return horizon->row.fresh_ms == 0 || is_settled(horizon);
}

/*
 * Who has nothing can bring nothing back; but what it will have comes from `peer`. Who has been
 * here all along, and has nothing as it was forgotten, or as nobody has begun anything, is none of
 * those: others make it fresh, and it knows that what it does not know was forgotten.
 */
static bool inherit(struct mcpz_horizon *horizon, const struct mcpz_horizon_peer *peer,
                    const struct mcpz_horizon_sight *sight)
{
    const uint64_t fresh_ms = least(peer->fresh_ms, sight->wall_ms);
    const bool was_stale = mcpz_horizon_is_stale(horizon);

    if (!sight->is_empty || fresh_ms <= horizon->row.fresh_ms ||
        (is_settled(horizon) && !was_stale)) {
        return false;
    }
    horizon->row.since_ms = sight->wall_ms;
    horizon->row.fresh_ms = fresh_ms;
    horizon->row.is_whole = false;
    if (was_stale) {
        tell_all(horizon);
    }
    return was_stale;
}

/*
 * `peer` has all that we have. Where it had that before we were there it says nothing: whoever is
 * first to see a link asks before the other sees it. If all were made fresh by that, nobody would
 * be settled, nor ever make anybody so.
 */
static void move_fresh(struct mcpz_horizon *horizon, const struct mcpz_horizon_peer *peer,
                       uint64_t had_ms, uint64_t wall_ms)
{
    const uint64_t fresh_ms = least(had_ms, wall_ms);

    if (horizon->is_majority && !mcpz_horizon_is_stale(horizon) &&
        !is_behind(horizon, peer->fresh_ms) && fresh_ms > horizon->row.fresh_ms &&
        fresh_ms > horizon->row.since_ms) {
        horizon->row.fresh_ms = fresh_ms;
    }
}

struct mcpz_horizon_news mcpz_horizon_hear(struct mcpz_horizon *horizon,
                                           const struct mcpz_id *peer,
                                           const struct mcpz_msg_horizon *said,
                                           const struct mcpz_horizon_sight *sight)
{
    struct mcpz_horizon_peer *found = find(horizon, peer);
    struct mcpz_horizon_news news = {0};

    if (found == NULL || is_ahead(horizon, said->horizon_ms, sight->wall_ms)) {
        news.is_invalid = true;
        horizon->refused++;
        return news;
    }
    const bool was_held = mcpz_horizon_holds(horizon, peer);
    found->is_heard = true;
    found->is_whole = said->is_whole;
    found->fresh_ms = said->fresh_ms;
    /* It has not heard ours, or has lost it with a batch. */
    found->owes = found->owes || said->horizon_ms < horizon->row.horizon_ms;
    news.has_risen = adopt(horizon, said->horizon_ms, sight);
    bool is_changed = inherit(horizon, found, sight) || news.has_risen;
    if (said->had_ms > 0) {
        move_fresh(horizon, found, said->had_ms, sight->wall_ms);
    }
    is_changed =
        is_changed ||
        horizon->row.fresh_ms - horizon->kept_ms >=
            least(MCPZ_HORIZON_HAD_AGAIN_MS, horizon->grace_ms / MCPZ_HORIZON_STEPS) / 2 + 1;
    if (is_changed) {
        keep(horizon);
    }
    if (is_of_now(horizon, horizon->row.fresh_ms, sight->wall_ms) ||
        is_of_now(horizon, found->fresh_ms, sight->wall_ms)) {
        note_told(horizon);
    }
    news.is_lifted = was_held && !mcpz_horizon_holds(horizon, peer);
    return news;
}

void mcpz_horizon_is_equal(struct mcpz_horizon *horizon, const struct mcpz_id *peer)
{
    const struct mcpz_horizon_peer *found = look(horizon, peer);

    if (found != NULL && found->is_heard && found->is_whole && !horizon->row.is_whole &&
        !mcpz_horizon_is_stale(horizon) && !mcpz_horizon_holds(horizon, peer)) {
        horizon->row.is_whole = true;
        keep(horizon);
        tell_all(horizon);
    }
}

void mcpz_horizon_had(struct mcpz_horizon *horizon, const struct mcpz_id *peer, uint64_t asked_ms)
{
    struct mcpz_horizon_peer *found = find(horizon, peer);
    const uint64_t again_ms =
        least(MCPZ_HORIZON_HAD_AGAIN_MS, horizon->grace_ms / MCPZ_HORIZON_STEPS);

    if (found != NULL && !mcpz_horizon_is_stale(horizon) && !mcpz_horizon_holds(horizon, peer) &&
        (asked_ms >= found->said_ms + again_ms || asked_ms < found->said_ms)) {
        found->owes = true;
        found->had_ms = asked_ms;
    }
}

void mcpz_horizon_freshen(struct mcpz_horizon *horizon, uint64_t fresh_ms, uint64_t wall_ms)
{
    const uint64_t until_ms = least(fresh_ms, wall_ms);
    const uint64_t horizon_ms = horizon->row.horizon_ms;

    horizon->row.fresh_ms = until_ms > horizon_ms ? until_ms : horizon_ms;
    horizon->row.since_ms = wall_ms;
    horizon->row.is_whole = false;
    if (horizon->peer_count > 0) {
        horizon->row.told_hlc = MCPZ_HORIZON_TOLD_ALL;
    }
    keep(horizon);
    tell_all(horizon);
}

/* ---- What is told ------------------------------------------------------------------------- */

/*
 * Freshness is made where a majority is there, by who is no newcomer, and only passed on
 * elsewhere.
 */
static uint64_t had_at(const struct mcpz_horizon *horizon, const struct mcpz_horizon_peer *peer)
{
    if (peer->had_ms == 0 || mcpz_horizon_is_stale(horizon)) {
        return 0;
    }
    return horizon->is_majority && may_make(horizon) ? peer->had_ms
                                                     : least(peer->had_ms, horizon->row.fresh_ms);
}

struct mcpz_horizon_peer *mcpz_horizon_next(struct mcpz_horizon *horizon,
                                            struct mcpz_msg_horizon *said)
{
    for (size_t i = 0; i < horizon->peer_count; i++) {
        struct mcpz_horizon_peer *peer = &horizon->peers[i];
        if (peer->owes) {
            *said = (struct mcpz_msg_horizon){
                .horizon_ms = horizon->row.horizon_ms,
                .fresh_ms = horizon->row.fresh_ms,
                .is_whole = mcpz_horizon_vouches(horizon),
                .had_ms = had_at(horizon, peer),
            };
            return peer;
        }
    }
    return NULL;
}

bool mcpz_horizon_owes(const struct mcpz_horizon *horizon)
{
    for (size_t i = 0; i < horizon->peer_count; i++) {
        if (horizon->peers[i].owes) {
            return true;
        }
    }
    return false;
}

void mcpz_horizon_told(struct mcpz_horizon_peer *peer)
{
    assert(peer->owes);
    peer->owes = false;
    peer->said_ms = peer->had_ms > 0 ? peer->had_ms : peer->said_ms;
    peer->had_ms = 0;
}
