#include "core/links.h"

#include <assert.h>
#include <string.h>

#define GRACE_MIN_US MCPZ_MS(250) /* overdue is late after this at the earliest */
#define GRACE_MAX_US MCPZ_SECONDS(10)
#define ANSWER_US MCPZ_MS(100) /* who answers waits so long for what it answers */
#define BEAT_CHOICES 3         /* moments for a heartbeat, */
#define BEAT_STEPS 20          /* so many of them in an interval */
#define LAG_US MCPZ_MS(250)    /* we stood still if a deadline came so much too late */
#define WAKING_US MCPZ_SECONDS(1)
#define LONG_SLEEP_US MCPZ_SECONDS(2) /* what was said before is old to everybody else */
#define CATCHING_UP_US MCPZ_MS(100)   /* what has waited is taken in meanwhile */
#define PATIENCE_MAX_US MCPZ_SECONDS(30)
#define PATIENCE_FADES 8 /* of what is learnt, one in so many with a heartbeat that is in time */
#define HISTORY_US MCPZ_SECONDS(600) /* for so long an ended link counts */
#define CROWD_WINDOW_US MCPZ_SECONDS(2)
#define GOSSIP_BYTES_PER_SECOND 65536
#define GOSSIP_BURST_BYTES 1048576
#define GOSSIP_OVERHEAD_BYTES 64 /* what a message costs beside its payload */

static_assert(MCPZ_LINKS_MAX * 3 + MCPZ_REACHING_MAX + MCPZ_SEEDS_MAX < MCPZ_OUTBOX_MAX / 4,
              "a tick beats, drops and dials all there are at most");

/* ---- Memory ------------------------------------------------------------------------------- */

static struct mcpz_dials_config dials_config(const struct mcpz_links_config *config)
{
    return (struct mcpz_dials_config){.nodes_max = config->dials_max,
                                      .seeds_max = config->seeds_max,
                                      .address_bytes = config->address_bytes};
}

size_t mcpz_links_often_bytes(const struct mcpz_links_config *config)
{
    return mcpz_arena_cost(config->links_max, sizeof(struct mcpz_link_pulse)) +
           mcpz_arena_cost(config->links_max, sizeof(struct mcpz_linked));
}

size_t mcpz_links_bytes(const struct mcpz_links_config *config)
{
    const struct mcpz_dials_config dials = dials_config(config);

    return mcpz_links_often_bytes(config) + mcpz_dials_bytes(&dials);
}

void mcpz_links_init(struct mcpz_links *links, const struct mcpz_links_config *config,
                     const struct mcpz_node_timing *timing, struct mcpz_arena *arena,
                     mcpz_time now)
{
    const struct mcpz_dials_config dials = dials_config(config);

    assert(config->links_max > 0 && config->links_max <= MCPZ_LINKS_MAX);

    /* First of all: every event looks at them. */
    struct mcpz_link_pulse *pulses =
        mcpz_arena_take_often(arena, config->links_max, sizeof(*pulses));
    *links = (struct mcpz_links){
        .timing = timing,
        .config = *config,
        .pulses = pulses,
        .links = mcpz_arena_take_often(arena, config->links_max, sizeof(struct mcpz_linked)),
        .expected_us = MCPZ_TIME_NEVER,
        .due_us = MCPZ_TIME_NEVER,
        .crowd_us = now,
    };
    mcpz_rng_init(&links->rng, config->seed);
    mcpz_dials_init(&links->dials, &dials, timing, arena);
}

/* A link proves itself before it is trusted for longer. */
static mcpz_time beat_first(const struct mcpz_links *links)
{
    return links->timing->heartbeat_us / 4;
}

/* ---- Finding ------------------------------------------------------------------------------ */

const struct mcpz_linked *mcpz_links_find(const struct mcpz_links *links,
                                          const struct mcpz_id *peer)
{
    const uint32_t name = mcpz_short_of(peer).value;

    for (size_t i = 0; i < links->count; i++) {
        if (links->pulses[i].name.value == name && mcpz_id_equal(&links->links[i].id, peer)) {
            return &links->links[i];
        }
    }
    return NULL;
}

static struct mcpz_linked *find(struct mcpz_links *links, const struct mcpz_id *peer)
{
    const struct mcpz_linked *link = mcpz_links_find(links, peer);

    return link != NULL ? &links->links[link - links->links] : NULL;
}

const struct mcpz_linked *mcpz_links_find_short(const struct mcpz_links *links,
                                                struct mcpz_short name)
{
    for (size_t i = 0; i < links->count; i++) {
        if (links->pulses[i].name.value == name.value) {
            return &links->links[i];
        }
    }
    return NULL;
}

/* Somewhere in the first `most_us`. */
static mcpz_time jitter(struct mcpz_links *links, mcpz_time most_us)
{
    return mcpz_rng_below(&links->rng, (uint32_t)most_us + 1);
}

static void tell(enum mcpz_fact_kind kind, const struct mcpz_id *about, uint32_t reason,
                 struct mcpz_outbox *out)
{
    mcpz_outbox_fact(out, &(struct mcpz_fact){.kind = kind, .about = *about, .reason = reason});
}

/* ---- What a link waits for ---------------------------------------------------------------- */

static mcpz_time interval_max(const struct mcpz_links *links, const struct mcpz_linked *link)
{
    return link->wanted ? links->timing->heartbeat_us : links->timing->pool_heartbeat_us;
}

/* Its acknowledgements stand still although we speak: a few of ours must have been heard. */
static mcpz_time deaf_after(const struct mcpz_links *links, const struct mcpz_linked *link)
{
    return 2 * interval_max(links, link) + (mcpz_time)link->promised_us + GRACE_MIN_US;
}

static mcpz_time idle_after(const struct mcpz_links *links, const struct mcpz_linked *link)
{
    return link->used ? links->timing->idle_us : links->timing->unused_us;
}

/* A link has changed. */
static void refresh(struct mcpz_links *links, const struct mcpz_linked *link)
{
    struct mcpz_link_pulse *pulse = &links->pulses[link - links->links];

    pulse->name = mcpz_short_of(&link->id);
    pulse->rtt_us = link->wanted ? link->rtt_us : 0;
    pulse->due_us =
        mcpz_time_min(link->beat_at_us, link->late ? link->silent_at_us : link->late_at_us);
    if (!link->wanted) {
        pulse->due_us = mcpz_time_min(pulse->due_us, link->used_us + idle_after(links, link));
    }
    /* Once it may be deaf, every tick looks at it: that also depends on how we are. */
    pulse->judge_us = link->deaf ? 0
                                 : mcpz_time_min(mcpz_time_min(pulse->due_us, link->silent_at_us),
                                                 link->echoed_at_us + deaf_after(links, link));
}

/* ---- Health ------------------------------------------------------------------------------- */

void mcpz_links_feel(struct mcpz_links *links, int by)
{
    if (by > 0 && links->health < MCPZ_HEALTH_MAX) {
        links->health++;
    } else if (by < 0 && links->health > 0) {
        links->health--;
    }
}

/* The link's own deviation, at least a little, stretched by how we are. */
static mcpz_time grace(const struct mcpz_links *links, const struct mcpz_linked *link)
{
    mcpz_time own = 4 * (mcpz_time)link->late_by_us;

    own = own > GRACE_MIN_US ? own : GRACE_MIN_US;
    return mcpz_time_min(own, GRACE_MAX_US) * (links->health + 1);
}

static void await(struct mcpz_links *links, struct mcpz_linked *link, mcpz_time now)
{
    mcpz_time due = now + link->promised_us;

    link->late_at_us = due + grace(links, link);
    link->silent_at_us = now + link->patience_us * (mcpz_time)(links->health + 1);
    if (link->silent_at_us <= link->late_at_us) {
        link->silent_at_us = link->late_at_us + link->promised_us;
    }
}

/*
 * A deadline came much too late: it was us who stood still. Whatever seems overdue now has had no
 * chance to be heard.
 */
static void notice_lag(struct mcpz_links *links, mcpz_time now)
{
    if (links->expected_us == MCPZ_TIME_NEVER || now < links->expected_us + LAG_US) {
        return;
    }
    links->lags++;
    links->awake_us = now;
    links->slept_us = now - links->expected_us;
    links->crowd_us = now; /* that nobody is late now says nothing for us */
    mcpz_links_feel(links, 1);
    for (size_t i = 0; i < links->count; i++) {
        struct mcpz_linked *link = &links->links[i];
        link->echoed_at_us = now;
        if (!link->late) {
            await(links, link, now);
        } else {
            link->silent_at_us = now + link->patience_us;
        }
        refresh(links, link);
    }
}

/* Most of our links late at once: it is more likely us than all of them (Lifeguard 4.1). Of one or
 * two that cannot be told; but who has so few gets well again as others do. */
static void notice_crowd(struct mcpz_links *links, mcpz_time now)
{
    if (now < links->crowd_us + CROWD_WINDOW_US) {
        return;
    }
    links->crowd_us = now;
    mcpz_links_feel(links, links->count >= 3 && 2 * links->late_count > links->count ? 1 : -1);
}

/* ---- Links -------------------------------------------------------------------------------- */

static void unlink_peer(const struct mcpz_id *peer, enum mcpz_link_down_reason reason,
                        struct mcpz_outbox *out)
{
    struct mcpz_action *action = mcpz_outbox_append(out, MCPZ_ACTION_UNLINK);
    action->unlink.peer = *peer;
    action->unlink.reason = reason;
}

/* The place of a peer's history: its own, or that of whoever was heard of least lately. */
static struct mcpz_link_history *history_of(struct mcpz_links *links, const struct mcpz_id *peer)
{
    const struct mcpz_short name = mcpz_short_of(peer);
    struct mcpz_link_history *oldest = &links->history[0];

    for (size_t i = 0; i < MCPZ_LINK_HISTORIES; i++) {
        struct mcpz_link_history *one = &links->history[i];
        if (one->patience_us != 0 && one->peer.value == name.value) {
            return one;
        }
        if (one->at_us < oldest->at_us) {
            oldest = one;
        }
    }
    *oldest = (struct mcpz_link_history){.peer = name};
    return oldest;
}

/* Who was given up for its silence gets twice as much patience the next time. */
static void remember(struct mcpz_links *links, const struct mcpz_linked *link, bool silent,
                     mcpz_time now)
{
    uint64_t patience = (uint64_t)link->patience_us * (silent ? 2 : 1);

    if (!silent && link->patience_us <= links->timing->link_silent_us) {
        return; /* nothing was learnt */
    }
    struct mcpz_link_history *history = history_of(links, &link->id);
    history->patience_us = (uint32_t)mcpz_time_min(patience, PATIENCE_MAX_US);
    history->late_by_us = link->late_by_us;
    if (silent && history->late_by_us < link->promised_us / 2) {
        history->late_by_us = link->promised_us / 2;
    }
    history->at_us = now;
}

static void recall(struct mcpz_links *links, struct mcpz_linked *link, mcpz_time now)
{
    const struct mcpz_short name = mcpz_short_of(&link->id);

    for (size_t i = 0; i < MCPZ_LINK_HISTORIES; i++) {
        const struct mcpz_link_history *one = &links->history[i];
        if (one->patience_us != 0 && one->peer.value == name.value &&
            now < one->at_us + HISTORY_US) {
            link->patience_us = one->patience_us;
            link->late_by_us = one->late_by_us;
        }
    }
}

static void drop(struct mcpz_links *links, struct mcpz_linked *link,
                 enum mcpz_link_down_reason reason, mcpz_time now, struct mcpz_outbox *out)
{
    const struct mcpz_id id = link->id;

    remember(links, link, reason == MCPZ_DOWN_SILENT, now);
    links->late_count -= link->late;
    *link = links->links[--links->count];
    links->pulses[link - links->links] = links->pulses[links->count];
    tell(MCPZ_FACT_UNLINKED, &id, (uint32_t)reason, out);
    if (links->count == 0) {
        mcpz_dials_wake_seeds(&links->dials, now, &links->rng);
    }
}

static void give_up(struct mcpz_links *links, struct mcpz_linked *link,
                    enum mcpz_link_down_reason reason, mcpz_time now, struct mcpz_outbox *out)
{
    unlink_peer(&link->id, reason, out);
    drop(links, link, reason, now, out);
}

/* The link whose loss costs least. NULL: all are wanted. */
static struct mcpz_linked *least_used(struct mcpz_links *links)
{
    struct mcpz_linked *least = NULL;

    for (size_t i = 0; i < links->count; i++) {
        struct mcpz_linked *link = &links->links[i];
        if (!link->wanted && (least == NULL || link->used_us < least->used_us)) {
            least = link;
        }
    }
    return least;
}

static void on_link_up(struct mcpz_links *links, mcpz_time now, const struct mcpz_event *event,
                       struct mcpz_outbox *out)
{
    const struct mcpz_id *peer = &event->link.peer;
    struct mcpz_linked *link = find(links, peer);

    mcpz_dials_linked(&links->dials, peer, event->link.address);
    if (link == NULL && links->count == links->config.links_max) {
        struct mcpz_linked *least = least_used(links);
        if (least == NULL) {
            unlink_peer(peer, MCPZ_DOWN_FULL, out);
            return;
        }
        give_up(links, least, MCPZ_DOWN_FULL, now, out);
    }
    bool wanted = link != NULL && link->wanted; /* one connection took another's place */
    if (link == NULL) {
        link = &links->links[links->count++];
    } else {
        links->late_count -= link->late;
    }
    *link = (struct mcpz_linked){
        .id = *peer,
        .heard_us = now,
        .used_us = now,
        .beat_at_us = now,
        .echoed_at_us = now,
        .budget_at_us = now,
        .budget_bytes = GOSSIP_BURST_BYTES,
        .interval_us = (uint32_t)(beat_first(links)),
        .promised_us = (uint32_t)links->timing->heartbeat_us,
        .patience_us = (uint32_t)links->timing->link_silent_us,
        .dialled = event->link.dialled,
        .wanted = wanted,
    };
    recall(links, link, now);
    await(links, link, now);
    refresh(links, link);
    tell(MCPZ_FACT_LINKED, peer, 0, out);
}

void mcpz_links_want(struct mcpz_links *links, mcpz_time now, const struct mcpz_id *peer,
                     bool wanted)
{
    struct mcpz_linked *link = find(links, peer);

    if (link != NULL && link->wanted != wanted) {
        link->wanted = wanted;
        link->used_us = now;
        link->interval_us = (uint32_t)(beat_first(links));
        link->beat_at_us = now; /* the other end learns what we think of it */
        refresh(links, link);
        links->due_us = now;
    }
}

void mcpz_links_bear(struct mcpz_links *links, const struct mcpz_id *peer, mcpz_time patience_us)
{
    struct mcpz_linked *link = find(links, peer);
    const mcpz_time most = mcpz_time_min(patience_us, PATIENCE_MAX_US);

    if (link != NULL && link->patience_us < most) {
        link->patience_us = (uint32_t)most;
        await(links, link, link->heard_us);
    }
}

bool mcpz_links_is_overdue(const struct mcpz_linked *link, mcpz_time now)
{
    return now > link->heard_us + link->promised_us + GRACE_MIN_US;
}

bool mcpz_links_have_just_woken(const struct mcpz_links *links, mcpz_time now)
{
    return links->lags > 0 && now < links->awake_us + WAKING_US;
}

bool mcpz_links_hear_the_past(const struct mcpz_links *links, mcpz_time now)
{
    return links->lags > 0 && links->slept_us >= LONG_SLEEP_US &&
           now < links->awake_us + CATCHING_UP_US;
}

/* ---- Dialling ----------------------------------------------------------------------------- */

void mcpz_links_reach(struct mcpz_links *links, mcpz_time now, const struct mcpz_id *peer,
                      struct mcpz_bytes address, struct mcpz_outbox *out)
{
    mcpz_dials_reach(&links->dials, now, peer, address, out);
    links->due_us =
        mcpz_time_min(links->due_us, mcpz_dials_deadline(&links->dials, links->count == 0));
}

const struct mcpz_linked *mcpz_links_dial_seed(struct mcpz_links *links, struct mcpz_outbox *out)
{
    const struct mcpz_seed *seed = mcpz_dials_next_seed(&links->dials, &links->rng);
    const struct mcpz_linked *link = seed != NULL ? mcpz_links_find(links, &seed->peer) : NULL;

    if (seed != NULL && link == NULL) {
        mcpz_dials_dial_seed(seed, out);
    }
    return link;
}

/* ---- Heartbeats --------------------------------------------------------------------------- */

/* How far `at_us` is from the heartbeats on our other links, in turns of `turn_us`. */
static mcpz_time distance(const struct mcpz_links *links, const struct mcpz_linked *link,
                          mcpz_time at_us, mcpz_time turn_us)
{
    mcpz_time least_us = turn_us;

    for (size_t i = 0; i < links->count; i++) {
        const struct mcpz_linked *other = &links->links[i];
        if (other == link || !other->wanted) {
            continue;
        }
        const mcpz_time next_us =
            other->dialled ? other->beat_at_us : other->heard_seq_us + other->promised_us;
        const mcpz_time apart_us = (at_us > next_us ? at_us - next_us : next_us - at_us) % turn_us;
        least_us = mcpz_time_min(least_us, mcpz_time_min(apart_us, turn_us - apart_us));
    }
    return least_us;
}

/*
 * When we beat next on a link that we dialled: a tenth or so before it must be, at the moment that
 * is furthest from our other links' (DESYNC: Degesys, Rose, Patel, Nagpal, IPSN 2007). So our
 * neighbours hear us one by one, and the first that misses us does so soon.
 */
static mcpz_time choose_beat(struct mcpz_links *links, const struct mcpz_linked *link,
                             mcpz_time now, mcpz_time wait_us)
{
    const mcpz_time step_us = wait_us / BEAT_STEPS;
    mcpz_time best_us = 0;
    mcpz_time furthest_us = 0;

    for (mcpz_time i = 0; i < BEAT_CHOICES; i++) {
        const mcpz_time at_us = now + wait_us - i * step_us - jitter(links, step_us);
        const mcpz_time apart_us = distance(links, link, at_us, wait_us);
        if (i == 0 || apart_us > furthest_us) {
            best_us = at_us;
            furthest_us = apart_us;
        }
    }
    return best_us;
}

/*
 * One end begins, the other answers: always the same one, so that TCP's acknowledgement of what
 * began it rides along with the answer (a kernel learns who answers, and delays for that only).
 * The one that answers speaks by itself when the other is late.
 */
static mcpz_time next_beat(struct mcpz_links *links, const struct mcpz_linked *link, mcpz_time now,
                           mcpz_time wait_us)
{
    if (link->dialled) {
        return choose_beat(links, link, now, wait_us);
    }
    return now + mcpz_time_min(wait_us, link->promised_us + ANSWER_US);
}

static void beat(struct mcpz_links *links, struct mcpz_linked *link, mcpz_time now,
                 struct mcpz_outbox *out)
{
    const mcpz_time most = interval_max(links, link);
    const mcpz_time wait = mcpz_time_min(link->interval_us, most);

    link->before_us = link->sent_us;
    link->sent_us = now;
    link->beat_at_us = next_beat(links, link, now, wait);
    link->interval_us = (uint32_t)mcpz_time_min(wait + wait / 4, most);
    struct mcpz_msg ping = {
        .kind = MCPZ_MSG_PING,
        .ping =
            {
                .seq = ++link->seq,
                .echo = link->heard_seq,
                .echo_us = link->heard_seq > 0
                               ? (uint32_t)mcpz_time_min(now - link->heard_seq_us, UINT32_MAX)
                               : 0,
                .next_ms = (uint32_t)((link->beat_at_us - now + 999) / 1000),
            },
    };
    mcpz_outbox_send(out, &link->id, &ping);
}

/*
 * Who was silent for so long and came back may be so again, the longer the later it was; with
 * every heartbeat that comes in time that is less likely. Who was never late is not borne with at
 * all.
 */
static void learn_patience(const struct mcpz_links *links, struct mcpz_linked *link, mcpz_time now,
                           uint32_t late_by)
{
    const mcpz_time least = links->timing->link_silent_us;
    mcpz_time borne = now - link->heard_us + 2 * (mcpz_time)late_by;

    if (late_by > 0 && borne > link->patience_us) {
        link->patience_us = (uint32_t)mcpz_time_min(borne, PATIENCE_MAX_US);
    } else if (late_by == 0 && link->patience_us > least) {
        link->patience_us -= (uint32_t)(link->patience_us - least) / PATIENCE_FADES;
    }
}

/* RFC 6298, section 2, on the lateness: up by a quarter of what is new, down by a sixteenth. */
static void learn_lateness(const struct mcpz_links *links, struct mcpz_linked *link, mcpz_time now)
{
    mcpz_time due = link->heard_us + link->promised_us;
    uint32_t late_by = now > due ? (uint32_t)mcpz_time_min(now - due, GRACE_MAX_US) : 0;

    if (late_by > link->late_by_us) {
        link->late_by_us += (late_by - link->late_by_us) / 4;
    } else {
        link->late_by_us -= (link->late_by_us - late_by) / 16;
    }
    link->tardy = late_by > GRACE_MIN_US;
    learn_patience(links, link, now, late_by);
}

static void learn_rtt(struct mcpz_linked *link, mcpz_time now, const struct mcpz_msg_ping *ping)
{
    mcpz_time sent = ping->echo == link->seq       ? link->sent_us
                     : ping->echo + 1 == link->seq ? link->before_us
                                                   : 0;
    if (sent == 0 || ping->echo == 0 || now < sent + ping->echo_us) {
        return;
    }
    uint32_t sample = (uint32_t)mcpz_time_min(now - sent - ping->echo_us, UINT32_MAX);
    sample = sample > 0 ? sample : 1;
    if (link->rtt_min_us == 0 || sample < link->rtt_min_us) {
        link->rtt_min_us = sample;
    }
    link->rtt_us =
        link->rtt_us == 0 ? sample : (uint32_t)(((uint64_t)link->rtt_us * 7 + sample) / 8);
}

/* One of the two has just stood still: the time measures that and not the way. */
static bool says_nothing_of_the_way(const struct mcpz_links *links, const struct mcpz_linked *link,
                                    mcpz_time now)
{
    const bool is_late = now > link->heard_seq_us + link->promised_us + GRACE_MIN_US;

    return mcpz_links_have_just_woken(links, now) || (link->heard_seq > 0 && is_late);
}

static void on_ping(const struct mcpz_links *links, struct mcpz_linked *link, mcpz_time now,
                    const struct mcpz_msg_ping *ping)
{
    if (link->heard_seq > 0) {
        learn_lateness(links, link, now);
    }
    if (!says_nothing_of_the_way(links, link, now)) {
        learn_rtt(link, now, ping);
    }
    if (ping->echo != link->echoed && ping->echo <= link->seq) {
        link->echoed = ping->echo;
        link->echoed_at_us = now;
        link->deaf = false;
    }
    link->heard_seq = ping->seq;
    link->heard_seq_us = now;
    link->promised_us = (uint32_t)mcpz_time_min(MCPZ_MS(ping->next_ms), MCPZ_SECONDS(60));
    if (link->sent_us + link->interval_us / 2 <= now) {
        link->beat_at_us =
            now; /* as good now as later, and TCP's own acknowledgement rides along */
    }
}

/* ---- What comes over a link --------------------------------------------------------------- */

static bool is_gossip(enum mcpz_msg_kind kind)
{
    return kind >= MCPZ_MSG_GOSSIP && kind <= MCPZ_MSG_PRUNE;
}

static bool is_use(enum mcpz_msg_kind kind)
{
    return (kind >= MCPZ_MSG_OPEN && kind <= MCPZ_MSG_CREDIT) || kind == MCPZ_MSG_RELAY ||
           (kind >= MCPZ_MSG_ACK_ASK && kind <= MCPZ_MSG_READING);
}

/* While documents are told of the link stays, and is closed soon after. */
static bool is_of_documents(enum mcpz_msg_kind kind)
{
    return kind == MCPZ_MSG_DELTA || kind == MCPZ_MSG_WANT ||
           (kind >= MCPZ_MSG_BRANCHES && kind <= MCPZ_MSG_BASE) ||
           (kind >= MCPZ_MSG_ROOT && kind <= MCPZ_MSG_SKETCH);
}

/* A token bucket: what is over it is dropped. Anti-entropy makes good what was worth it. */
static bool is_within_budget(struct mcpz_links *links, struct mcpz_linked *link, mcpz_time now,
                             const struct mcpz_msg *msg)
{
    uint32_t cost = GOSSIP_OVERHEAD_BYTES;
    mcpz_time waited_us = mcpz_time_min(now - link->budget_at_us, MCPZ_SECONDS(60));
    uint64_t filled = link->budget_bytes + waited_us * GOSSIP_BYTES_PER_SECOND / MCPZ_SECONDS(1);

    if (msg->kind == MCPZ_MSG_GOSSIP) {
        cost += (uint32_t)msg->gossip.payload.length;
    }
    link->budget_at_us = now;
    link->budget_bytes = (uint32_t)(filled < GOSSIP_BURST_BYTES ? filled : GOSSIP_BURST_BYTES);
    if (cost > link->budget_bytes) {
        links->over_budget++;
        return false;
    }
    link->budget_bytes -= cost;
    return true;
}

static bool on_message(struct mcpz_links *links, mcpz_time now, const struct mcpz_id *from,
                       const struct mcpz_msg *msg, struct mcpz_outbox *out)
{
    struct mcpz_linked *link = find(links, from);

    if (link == NULL) {
        return mcpz_id_equal(from, &links->config.self); /* we talk to ourselves without a link */
    }
    if (msg->kind == MCPZ_MSG_PING) {
        on_ping(links, link, now, &msg->ping);
    }
    link->heard_us = now;
    if (is_use(msg->kind) || is_of_documents(msg->kind)) {
        link->used_us = now;
        link->used |= is_use(msg->kind);
    }
    if (link->late) {
        link->late = false;
        links->late_count--;
        tell(MCPZ_FACT_PROMPT, from, 0, out);
    }
    await(links, link, now);
    refresh(links, link);
    return !is_gossip(msg->kind) || (!link->deaf && is_within_budget(links, link, now, msg));
}

/* ---- Time --------------------------------------------------------------------------------- */

/* False: the link is gone. */
static bool judge(struct mcpz_links *links, struct mcpz_linked *link, mcpz_time now,
                  struct mcpz_outbox *out)
{
    if (link->silent_at_us <= now) {
        give_up(links, link, MCPZ_DOWN_SILENT, now, out);
        return false;
    }
    if (!link->wanted && link->used_us + idle_after(links, link) <= now) {
        give_up(links, link, MCPZ_DOWN_FULL, now, out);
        return false;
    }
    mcpz_time unheard = now - link->echoed_at_us;
    mcpz_time deaf_after_us = deaf_after(links, link) * (links->health + 1);
    if (unheard >= deaf_after_us + link->patience_us) {
        links->one_way++;
        give_up(links, link, MCPZ_DOWN_ONE_WAY, now, out);
        return false;
    }
    link->deaf = unheard >= deaf_after_us;
    if (!link->late && link->late_at_us <= now) {
        link->late = true; /* to ask more often would not wake it: what we say waits for it */
        links->late_count++;
        tell(MCPZ_FACT_LATE, &link->id, 0, out);
    }
    return true;
}

static void on_tick(struct mcpz_links *links, mcpz_time now, struct mcpz_outbox *out)
{
    for (size_t i = links->count; i > 0; i--) {
        struct mcpz_linked *link = &links->links[i - 1];
        if (links->pulses[i - 1].judge_us > now || !judge(links, link, now, out)) {
            continue;
        }
        if (link->beat_at_us <= now) {
            beat(links, link, now, out);
        }
        refresh(links, link);
    }
    notice_crowd(links, now);
    mcpz_dials_tick(&links->dials, now, links->count == 0, &links->rng, out);
}

static mcpz_time find_deadline(const struct mcpz_links *links)
{
    mcpz_time deadline = mcpz_dials_deadline(&links->dials, links->count == 0);

    for (size_t i = 0; i < links->count; i++) {
        deadline = mcpz_time_min(deadline, links->pulses[i].due_us);
    }
    return deadline;
}

bool mcpz_links_step(struct mcpz_links *links, mcpz_time now, const struct mcpz_event *event,
                     struct mcpz_outbox *out)
{
    bool goes_on = true;

    notice_lag(links, now);
    if (event->kind == MCPZ_EVENT_TICK) {
        on_tick(links, now, out);
    } else if (event->kind == MCPZ_EVENT_RECV) {
        goes_on = on_message(links, now, &event->recv.from, event->recv.msg, out);
    } else if (event->kind == MCPZ_EVENT_LINK_UP) {
        on_link_up(links, now, event, out);
    } else if (event->kind == MCPZ_EVENT_LINK_DOWN) {
        struct mcpz_linked *link = find(links, &event->link.peer);
        if (link != NULL) {
            drop(links, link, event->link.reason, now, out);
        }
    } else if (event->kind == MCPZ_EVENT_DIAL_FAILED) {
        mcpz_dials_failed(&links->dials, event->seed.address, event->seed.refused, out);
    } else if (event->kind == MCPZ_EVENT_SEED) {
        mcpz_dials_add_seed(&links->dials, now, event->seed.address);
    } else if (event->kind == MCPZ_EVENT_LEAVE) {
        links->dials.leaving = true;
    }
    links->expected_us = links->due_us = find_deadline(links);
    return goes_on;
}

mcpz_time mcpz_links_deadline(const struct mcpz_links *links)
{
    return links->due_us;
}
