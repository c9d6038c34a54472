#include "core/plumtree.h"

#include <string.h>

#include "base/hash.h"

#define NO_SLOT MCPZ_PLUMTREE_NEIGHBOURS_MAX
#define STALE_US MCPZ_SECONDS(2) /* we slept when it was to be asked for: it is old by now */

static_assert(MCPZ_PLUMTREE_NEIGHBOURS_MAX <= 32, "a bit each");

size_t mcpz_plumtree_bytes(const struct mcpz_plumtree_config *config)
{
    return mcpz_gossip_cache_bytes(config->seen_max, config->cache_max, config->cache_bytes) +
           mcpz_arena_cost(config->missing_max, sizeof(struct mcpz_plumtree_missing)) +
           mcpz_arena_cost(config->notices_max, sizeof(struct mcpz_plumtree_notice));
}

size_t mcpz_plumtree_often_bytes(const struct mcpz_plumtree_config *config)
{
    return mcpz_gossip_cache_often_bytes(config->seen_max, config->cache_max);
}

void mcpz_plumtree_init_in(struct mcpz_plumtree *tree, const struct mcpz_plumtree_config *config,
                           struct mcpz_arena *arena)
{
    assert(config->seen_max <= MCPZ_PLUMTREE_SEEN_MAX);
    assert(config->cache_max <= MCPZ_PLUMTREE_CACHE_MAX);
    assert(config->payload_bytes_max > 0);
    assert(config->payload_bytes_max <= MCPZ_PLUMTREE_PAYLOAD_BYTES_MAX);
    assert(config->payload_bytes_max <= config->cache_bytes); /* what is pushed can be passed on */
    assert(config->missing_max > 0);
    assert(config->missing_max <= MCPZ_PLUMTREE_MISSING_MAX);
    assert(config->notices_max > 0);
    assert(config->notices_max <= MCPZ_PLUMTREE_IHAVE_MAX);

    *tree = (struct mcpz_plumtree){.config = *config, .announce_at_us = MCPZ_TIME_NEVER};
    if (config->rounds_max == 0) {
        tree->config.rounds_max = MCPZ_PLUMTREE_ROUNDS_MAX;
    }
    mcpz_gossip_cache_init(&tree->cache, arena, config->seen_max, config->cache_max,
                           config->cache_bytes, config->seed);
    tree->missing = mcpz_arena_take_sure(arena, config->missing_max, sizeof(*tree->missing));
    tree->notices = mcpz_arena_take_sure(arena, config->notices_max, sizeof(*tree->notices));
}

void mcpz_plumtree_init(struct mcpz_plumtree *tree, const struct mcpz_plumtree_config *config,
                        void *memory)
{
    struct mcpz_arena arena;

    mcpz_arena_init_zeroed(&arena, memory, mcpz_plumtree_bytes(config));
    mcpz_plumtree_init_in(tree, config, &arena);
}

/* ---- Neighbours --------------------------------------------------------------------------- */

static uint32_t bit(uint32_t slot)
{
    return slot < NO_SLOT ? UINT32_C(1) << slot : 0;
}

static uint32_t slot_of(const struct mcpz_plumtree *tree, const struct mcpz_id *peer)
{
    for (uint32_t slot = 0; slot < NO_SLOT; slot++) {
        if ((tree->used & bit(slot)) != 0 && mcpz_id_equal(&tree->neighbours[slot], peer)) {
            return slot;
        }
    }
    return NO_SLOT;
}

/* Send `msg` to the neighbours in `slots`, if there are any. */
static void send(const struct mcpz_plumtree *tree, uint32_t slots, const struct mcpz_msg *msg,
                 struct mcpz_outbox *out)
{
    struct mcpz_id peers[MCPZ_PLUMTREE_NEIGHBOURS_MAX];
    size_t count = 0;

    for (uint32_t slot = 0; slot < NO_SLOT; slot++) {
        if ((slots & bit(slot)) != 0) {
            peers[count++] = tree->neighbours[slot];
        }
    }
    if (count == 0) {
        return;
    }
    struct mcpz_action *action = mcpz_outbox_append(out, MCPZ_ACTION_SEND);
    struct mcpz_bytes kept = mcpz_outbox_keep(out, mcpz_bytes(peers, count * sizeof(peers[0])));
    action->send.peers = (const struct mcpz_id *)kept.data;
    action->send.peer_count = count;
    action->send.msg = *msg;
}

/* SRDS'07 3.7: a new neighbour is eager. It learns from duplicates whether it is needed. */
static void on_neighbour_up(struct mcpz_plumtree *tree, const struct mcpz_id *peer)
{
    uint32_t slot = slot_of(tree, peer);

    for (uint32_t i = 0; slot == NO_SLOT && i < NO_SLOT; i++) {
        if ((tree->used & bit(i)) == 0) {
            slot = i;
        }
    }
    if (slot == NO_SLOT) {
        tree->dropped++;
        return;
    }
    tree->neighbours[slot] = *peer;
    tree->used |= bit(slot);
    tree->eager |= bit(slot);
}

static void forget_announcer(struct mcpz_plumtree_missing *missing, uint32_t slot)
{
    uint8_t kept = 0;

    for (uint8_t i = 0; i < missing->announcer_count; i++) {
        if (missing->announcers[i] != slot) {
            missing->announcers[kept++] = missing->announcers[i];
        }
    }
    missing->announcer_count = kept;
}

/* What it announced nobody can ask it for. Timers run on: somebody else may announce the same. */
static void on_neighbour_down(struct mcpz_plumtree *tree, const struct mcpz_id *peer)
{
    uint32_t slot = slot_of(tree, peer);

    if (slot == NO_SLOT) {
        return;
    }
    tree->used &= ~bit(slot);
    tree->eager &= ~bit(slot);
    tree->late &= ~bit(slot);
    for (size_t i = 0; i < tree->notice_count; i++) {
        tree->notices[i].to &= ~bit(slot);
    }
    for (size_t i = 0; i < tree->missing_count; i++) {
        forget_announcer(&tree->missing[i], slot);
    }
}

/* ---- Announcing --------------------------------------------------------------------------- */

/* What waits for those that are late goes on waiting. */
static void keep_for_late(struct mcpz_plumtree *tree)
{
    uint32_t kept = 0;

    for (size_t i = 0; i < tree->notice_count; i++) {
        tree->notices[i].to &= tree->late;
        if (tree->notices[i].to != 0) {
            tree->notices[kept++] = tree->notices[i];
        }
    }
    tree->notice_count = kept;
}

/* One IHAVE to each neighbour that something waits for, unless it is late. */
static void announce(struct mcpz_plumtree *tree, struct mcpz_outbox *out)
{
    struct mcpz_gossip_notice notices[MCPZ_PLUMTREE_IHAVE_MAX];

    for (uint32_t slot = 0; slot < NO_SLOT; slot++) {
        size_t count = 0;
        for (size_t i = 0; i < tree->notice_count; i++) {
            if ((tree->notices[i].to & bit(slot) & ~tree->late) != 0) {
                notices[count++] = (struct mcpz_gossip_notice){.id = tree->notices[i].id,
                                                               .round = tree->notices[i].round};
            }
        }
        if (count > 0) {
            struct mcpz_bytes list = mcpz_bytes(notices, count * sizeof(notices[0]));
            struct mcpz_bytes kept = mcpz_outbox_keep(out, list);
            struct mcpz_msg msg = {
                .kind = MCPZ_MSG_IHAVE,
                .ihave = {(const struct mcpz_gossip_notice *)kept.data, count},
            };
            send(tree, bit(slot), &msg, out);
        }
    }
    keep_for_late(tree);
    tree->announce_at_us = MCPZ_TIME_NEVER;
}

/* How long the announcement of a message waits. Nodes have lots of their own. */
static mcpz_time announce_after(const struct mcpz_plumtree *tree,
                                const struct mcpz_msg_gossip *gossip)
{
    mcpz_time wait_us = tree->config.announce_us;

    if (gossip->patient && tree->config.announce_patient_us > wait_us) {
        wait_us = tree->config.announce_patient_us;
    }
    if (!tree->config.announce_by_lot) {
        return wait_us;
    }
    uint64_t name = mcpz_hash_word(gossip->id.bytes);
    return wait_us / 2 + mcpz_hash_mix(name ^ tree->config.seed) % (wait_us + 1);
}

static void queue_notice(struct mcpz_plumtree *tree, mcpz_time now, uint32_t to,
                         const struct mcpz_msg_gossip *gossip, struct mcpz_outbox *out)
{
    if (to == 0) {
        return;
    }
    if (tree->notice_count == tree->config.notices_max) { /* all of it waits for who is late */
        tree->notice_count--;
        memmove(tree->notices, tree->notices + 1, tree->notice_count * sizeof(*tree->notices));
        tree->dropped++;
    }
    /* A patient one goes with what waits already: the least lot of many would be no lot. */
    const bool has_lot = gossip->patient && tree->announce_at_us != MCPZ_TIME_NEVER;
    if ((to & ~tree->late) != 0 && !has_lot) {
        tree->announce_at_us =
            mcpz_time_min(tree->announce_at_us, now + announce_after(tree, gossip));
    }
    tree->notices[tree->notice_count++] =
        (struct mcpz_plumtree_notice){.id = gossip->id, .round = gossip->round, .to = to};
    if (tree->notice_count == tree->config.notices_max || tree->announce_at_us <= now) {
        announce(tree, out);
    }
}

/* Who has it need not be told that we have. */
static void withdraw_notice(struct mcpz_plumtree *tree, const struct mcpz_gossip_id *id,
                            uint32_t slot)
{
    for (size_t i = 0; i < tree->notice_count; i++) {
        if (mcpz_gossip_id_equal(&tree->notices[i].id, id)) {
            tree->notices[i].to &= ~bit(slot);
        }
    }
}

/* Nobody gets it without having asked, so this does not wait for others. */
static void announce_large(const struct mcpz_plumtree *tree, uint32_t to,
                           const struct mcpz_msg_gossip *gossip, struct mcpz_outbox *out)
{
    const struct mcpz_gossip_notice notice = {
        .id = gossip->id, .round = gossip->round, .bytes = (uint32_t)gossip->payload.length};
    struct mcpz_bytes kept = mcpz_outbox_keep(out, mcpz_bytes(&notice, sizeof(notice)));
    const struct mcpz_msg msg = {
        .kind = MCPZ_MSG_IHAVE,
        .ihave = {(const struct mcpz_gossip_notice *)kept.data, 1},
    };

    send(tree, to, &msg, out);
}

/* ---- Payloads ----------------------------------------------------------------------------- */

static bool is_large(const struct mcpz_plumtree *tree, size_t bytes)
{
    return bytes > tree->config.payload_bytes_max;
}

/* Too large for us to hand out. */
static bool is_oversize(const struct mcpz_plumtree *tree, size_t bytes)
{
    return bytes > MCPZ_PLUMTREE_LARGE_BYTES_MAX || bytes > tree->config.cache_bytes;
}

/* Remember a new message and pass it on, `round` links from its source, but not to `except`. */
static void pass_on(struct mcpz_plumtree *tree, mcpz_time now,
                    const struct mcpz_msg_gossip *gossip, uint32_t except, struct mcpz_outbox *out)
{
    const struct mcpz_msg msg = {.kind = MCPZ_MSG_GOSSIP, .gossip = *gossip};

    mcpz_gossip_cache_add(&tree->cache, now, &gossip->id, gossip->round, gossip->payload);
    if (gossip->round > tree->config.rounds_max) {
        return;
    }
    if (is_large(tree, gossip->payload.length)) {
        announce_large(tree, tree->used & ~except, gossip, out);
        return;
    }
    if (tree->voice == MCPZ_PLUMTREE_VOICE_MUTE) {
        return;
    }
    const bool full = tree->voice == MCPZ_PLUMTREE_VOICE_FULL;
    const uint32_t pushed = full ? tree->eager & ~except : 0;
    send(tree, pushed, &msg, out);
    queue_notice(tree, now, tree->used & ~pushed & ~except, gossip, out);
}

static struct mcpz_plumtree_missing *find_missing(struct mcpz_plumtree *tree,
                                                  const struct mcpz_gossip_id *id)
{
    for (size_t i = 0; i < tree->missing_count; i++) {
        if (mcpz_gossip_id_equal(&tree->missing[i].id, id)) {
            return &tree->missing[i];
        }
    }
    return NULL;
}

static void remove_missing(struct mcpz_plumtree *tree, struct mcpz_plumtree_missing *missing)
{
    size_t behind = tree->missing_count - (size_t)(missing - tree->missing) - 1;

    memmove(missing, missing + 1, behind * sizeof(*missing));
    tree->missing_count--;
}

static void send_graft(const struct mcpz_plumtree *tree, uint32_t slot,
                       const struct mcpz_msg_graft *graft, struct mcpz_outbox *out)
{
    send(tree, bit(slot), &(struct mcpz_msg){.kind = MCPZ_MSG_GRAFT, .graft = *graft}, out);
}

static void send_prune(const struct mcpz_id *peer, struct mcpz_outbox *out)
{
    mcpz_outbox_send(out, peer, &(struct mcpz_msg){.kind = MCPZ_MSG_PRUNE});
}

/*
 * SRDS'07 3.8: if somebody announced it much closer to the source than the payload came, take
 * the announcer into the tree in the sender's place. The number of eager links stays.
 */
static void optimise(struct mcpz_plumtree *tree, const struct mcpz_plumtree_missing *missing,
                     uint32_t sender, uint32_t round, struct mcpz_outbox *out)
{
    uint32_t best = NO_SLOT;
    uint32_t best_round = round;

    for (size_t i = 0; i < missing->announcer_count; i++) {
        const uint8_t slot = missing->announcers[i];
        if (missing->rounds[slot] < best_round) {
            best = slot;
            best_round = missing->rounds[slot];
        }
    }
    if (tree->config.optimise_ahead == 0 || best == NO_SLOT || best == sender ||
        round - best_round < tree->config.optimise_ahead) {
        return;
    }
    tree->swaps++;
    send_graft(tree, best, &(struct mcpz_msg_graft){.wanted = false}, out);
    send_prune(&tree->neighbours[sender], out);
    tree->eager |= bit(best);
    tree->eager &= ~bit(sender);
}

static void on_first(struct mcpz_plumtree *tree, mcpz_time now, const struct mcpz_id *from,
                     const struct mcpz_msg_gossip *gossip, struct mcpz_outbox *out)
{
    const uint32_t sender = slot_of(tree, from);
    const bool large = is_large(tree, gossip->payload.length);
    struct mcpz_plumtree_missing *missing = find_missing(tree, &gossip->id);
    struct mcpz_msg_gossip further = *gossip;

    tree->delivered++;
    mcpz_outbox_fact(out, &(struct mcpz_fact){.kind = MCPZ_FACT_GOSSIP_DELIVERED,
                                              .about = *from,
                                              .reason = gossip->round,
                                              .detail = gossip->payload});
    further.round += gossip->round < UINT32_MAX ? 1 : 0;
    pass_on(tree, now, &further, bit(sender), out);
    if (!large && !gossip->scattered) {
        tree->eager |= bit(sender);
    }
    if (missing != NULL) {
        if (!large && sender != NO_SLOT) {
            optimise(tree, missing, sender, gossip->round, out);
        }
        remove_missing(tree, missing);
    }
}

static void on_gossip(struct mcpz_plumtree *tree, mcpz_time now, const struct mcpz_id *from,
                      const struct mcpz_msg_gossip *gossip, struct mcpz_outbox *out)
{
    const bool large = is_large(tree, gossip->payload.length);
    const bool seen = mcpz_gossip_cache_has_seen(&tree->cache, &gossip->id);
    const bool unasked = large && !seen && find_missing(tree, &gossip->id) == NULL;

    if (unasked || is_oversize(tree, gossip->payload.length)) {
        tree->dropped++;
        return;
    }
    if (!seen) {
        on_first(tree, now, from, gossip, out);
        return;
    }
    tree->duplicates++;
    withdraw_notice(tree, &gossip->id, slot_of(tree, from));
    if (!large && !gossip->scattered) {
        tree->eager &= ~bit(slot_of(tree, from));
        send_prune(from, out);
    }
}

/* ---- Repair ------------------------------------------------------------------------------- */

static void note_announcer(struct mcpz_plumtree_missing *missing, uint32_t slot, uint32_t round)
{
    for (size_t i = 0; i < missing->announcer_count; i++) {
        if (missing->announcers[i] == slot) {
            return;
        }
    }
    /* One entry a neighbour, so there is room. */
    assert(missing->announcer_count < MCPZ_PLUMTREE_NEIGHBOURS_MAX);
    missing->announcers[missing->announcer_count++] = (uint8_t)slot;
    missing->rounds[slot] = round;
}

/* A reply that is large takes longer: once more the time for every 4 KiB. */
static mcpz_time patience(const struct mcpz_plumtree *tree,
                          const struct mcpz_plumtree_missing *missing)
{
    return tree->config.next_timeout_us * (1 + missing->bytes / MCPZ_PLUMTREE_PAYLOAD_BYTES_MAX);
}

/*
 * Ask the first announcer; the next is asked if that does not help. False: nobody is left. What is
 * large is asked of one at a time, and without a change to the link.
 */
static bool ask(struct mcpz_plumtree *tree, mcpz_time now, struct mcpz_plumtree_missing *missing,
                struct mcpz_outbox *out)
{
    if (missing->announcer_count == 0) {
        return false;
    }
    const uint32_t slot = missing->announcers[0];
    const bool pull = missing->bytes > 0;

    forget_announcer(missing, slot);
    missing->due_us = now + patience(tree, missing);
    missing->is_idle = false;
    if (pull) {
        tree->pulls++;
    } else {
        tree->grafts++;
        tree->eager |= bit(slot);
    }
    send_graft(tree, slot, &(struct mcpz_msg_graft){true, missing->id, pull}, out);
    return true;
}

/*
 * Nobody is left to ask. What is small can still come later; what is large would then be dropped
 * as unasked, so it gets some time more, in which it is asked of anybody new. False: it had that.
 */
static bool wait_on(const struct mcpz_plumtree *tree, mcpz_time now,
                    struct mcpz_plumtree_missing *missing)
{
    if (missing->bytes == 0 || missing->is_idle) {
        return false;
    }
    missing->is_idle = true;
    missing->due_us = now + tree->config.first_timeout_us;
    return true;
}

static void on_notice(struct mcpz_plumtree *tree, mcpz_time now, uint32_t slot,
                      const struct mcpz_gossip_notice *notice, struct mcpz_outbox *out)
{
    if (mcpz_gossip_cache_has_seen(&tree->cache, &notice->id)) {
        withdraw_notice(tree, &notice->id, slot);
        return;
    }
    if (is_oversize(tree, notice->bytes)) {
        tree->dropped++;
        return;
    }
    struct mcpz_plumtree_missing *missing = find_missing(tree, &notice->id);
    if (missing == NULL) {
        if (tree->missing_count == tree->config.missing_max) {
            tree->dropped++;
            return;
        }
        missing = &tree->missing[tree->missing_count++];
        *missing = (struct mcpz_plumtree_missing){
            .id = notice->id,
            .due_us = now + tree->config.first_timeout_us,
            .bytes = notice->bytes,
            .is_idle = notice->bytes > 0,
        };
    }
    note_announcer(missing, slot, notice->round);
    if (missing->is_idle) {
        bool is_asked = ask(tree, now, missing, out);
        assert(is_asked); /* who just announced it */
    }
}

static void on_ihave(struct mcpz_plumtree *tree, mcpz_time now, const struct mcpz_id *from,
                     const struct mcpz_msg_ihave *ihave, struct mcpz_outbox *out)
{
    uint32_t slot = slot_of(tree, from);

    if (slot == NO_SLOT) {
        tree->dropped++;
        return;
    }
    if (tree->voice == MCPZ_PLUMTREE_VOICE_MUTE) {
        return; /* while we slept: whoever compares with us sends what still counts */
    }
    for (size_t i = 0; i < ihave->notice_count; i++) {
        on_notice(tree, now, slot, &ihave->notices[i], out);
    }
}

static void drop_old(struct mcpz_plumtree *tree, mcpz_time now)
{
    if (tree->config.keep_us > 0 && now > tree->config.keep_us) {
        mcpz_gossip_cache_drop_before(&tree->cache, now - tree->config.keep_us);
    }
}

/* The payload is copied: its place in the cache may go to another one in this very step. */
static void on_graft(struct mcpz_plumtree *tree, mcpz_time now, const struct mcpz_id *from,
                     const struct mcpz_msg_graft *graft, struct mcpz_outbox *out)
{
    uint32_t slot = slot_of(tree, from);
    struct mcpz_msg msg = {.kind = MCPZ_MSG_GOSSIP};

    if (slot == NO_SLOT) {
        tree->dropped++;
        return;
    }
    if (!graft->pull) {
        tree->eager |= bit(slot);
    }
    drop_old(tree, now);
    if (graft->wanted && mcpz_gossip_cache_find(&tree->cache, &graft->id, &msg.gossip)) {
        msg.gossip.payload = mcpz_outbox_keep(out, msg.gossip.payload);
        send(tree, bit(slot), &msg, out);
    }
}

static void on_tick(struct mcpz_plumtree *tree, mcpz_time now, struct mcpz_outbox *out)
{
    drop_old(tree, now); /* on the way: nothing wakes us up for it */
    if (tree->announce_at_us <= now) {
        announce(tree, out);
    }
    for (size_t i = 0; i < tree->missing_count;) {
        struct mcpz_plumtree_missing *missing = &tree->missing[i];
        const bool is_old = now >= missing->due_us + STALE_US;
        if (!is_old && (missing->due_us > now || ask(tree, now, missing, out) ||
                        wait_on(tree, now, missing))) {
            i++;
        } else {
            tree->given_up++;
            remove_missing(tree, missing);
        }
    }
}

/* ---- In ----------------------------------------------------------------------------------- */

static mcpz_error broadcast(struct mcpz_plumtree *tree, mcpz_time now,
                            const struct mcpz_gossip_id *id, struct mcpz_bytes payload,
                            bool patient, struct mcpz_outbox *out)
{
    const struct mcpz_msg_gossip gossip = {.id = *id,
                                           .round = 1,
                                           .payload = payload,
                                           .patient = patient,
                                           .scattered = tree->voice != MCPZ_PLUMTREE_VOICE_FULL};

    if (is_oversize(tree, payload.length)) {
        return MCPZ_EFULL;
    }
    if (mcpz_gossip_cache_has_seen(&tree->cache, id)) {
        return MCPZ_OK;
    }
    struct mcpz_plumtree_missing *missing = find_missing(tree, id);
    if (missing != NULL) {
        remove_missing(tree, missing); /* somebody has made the same */
    }
    /* Our own is news. Who has just woken may be gone again before anybody asks for it, and does
     * not know which of its links are well: it tells everybody. */
    const enum mcpz_plumtree_voice voice = tree->voice;
    const uint32_t eager = tree->eager;
    tree->voice = MCPZ_PLUMTREE_VOICE_FULL;
    tree->eager = voice == MCPZ_PLUMTREE_VOICE_FULL ? eager : tree->used;
    pass_on(tree, now, &gossip, 0, out);
    tree->eager = eager;
    tree->voice = voice;
    return MCPZ_OK;
}

mcpz_error mcpz_plumtree_broadcast(struct mcpz_plumtree *tree, mcpz_time now,
                                   const struct mcpz_gossip_id *id, struct mcpz_bytes payload,
                                   struct mcpz_outbox *out)
{
    return broadcast(tree, now, id, payload, false, out);
}

mcpz_error mcpz_plumtree_broadcast_patiently(struct mcpz_plumtree *tree, mcpz_time now,
                                             const struct mcpz_gossip_id *id,
                                             struct mcpz_bytes payload, struct mcpz_outbox *out)
{
    return broadcast(tree, now, id, payload, true, out);
}

/* It is heard again: soon it is told what has waited for it. */
static void on_prompt(struct mcpz_plumtree *tree, mcpz_time now, uint32_t slot)
{
    tree->late &= ~bit(slot);
    for (size_t i = 0; i < tree->notice_count; i++) {
        if ((tree->notices[i].to & bit(slot)) != 0) {
            tree->announce_at_us =
                mcpz_time_min(tree->announce_at_us, now + tree->config.announce_us);
        }
    }
}

static void on_message(struct mcpz_plumtree *tree, mcpz_time now, const struct mcpz_id *from,
                       const struct mcpz_msg *msg, struct mcpz_outbox *out)
{
    if (msg->kind == MCPZ_MSG_GOSSIP) {
        on_gossip(tree, now, from, &msg->gossip, out);
    } else if (msg->kind == MCPZ_MSG_IHAVE) {
        on_ihave(tree, now, from, &msg->ihave, out);
    } else if (msg->kind == MCPZ_MSG_GRAFT) {
        on_graft(tree, now, from, &msg->graft, out);
    } else if (msg->kind == MCPZ_MSG_PRUNE) {
        tree->eager &= ~bit(slot_of(tree, from));
    }
}

void mcpz_plumtree_step(struct mcpz_plumtree *tree, mcpz_time now, const struct mcpz_event *event,
                        struct mcpz_outbox *out)
{
    if (event->kind == MCPZ_EVENT_RECV) {
        on_message(tree, now, &event->recv.from, event->recv.msg, out);
    } else if (event->kind == MCPZ_EVENT_TICK) {
        on_tick(tree, now, out);
    } else if (event->kind == MCPZ_EVENT_FACT && event->fact.kind == MCPZ_FACT_NEIGHBOUR_UP) {
        on_neighbour_up(tree, &event->fact.about);
    } else if (event->kind == MCPZ_EVENT_FACT && event->fact.kind == MCPZ_FACT_NEIGHBOUR_DOWN) {
        on_neighbour_down(tree, &event->fact.about);
    } else if (event->kind == MCPZ_EVENT_FACT && event->fact.kind == MCPZ_FACT_LATE) {
        const uint32_t late = bit(slot_of(tree, &event->fact.about));
        tree->eager &= ~late;
        tree->late |= late;
    } else if (event->kind == MCPZ_EVENT_FACT && event->fact.kind == MCPZ_FACT_PROMPT) {
        on_prompt(tree, now, slot_of(tree, &event->fact.about));
    }
}

void mcpz_plumtree_pace(struct mcpz_plumtree *tree, mcpz_time rtt_us)
{
    /* Longer ones make no difference, and four times any of these is a number. */
    mcpz_time rtt = mcpz_time_min(rtt_us, MCPZ_PLUMTREE_FIRST_TIMEOUT_MAX_US);
    mcpz_time first = mcpz_time_min(4 * rtt, MCPZ_PLUMTREE_FIRST_TIMEOUT_MAX_US);
    mcpz_time next = rtt + rtt / 2;

    tree->config.first_timeout_us =
        first > MCPZ_PLUMTREE_FIRST_TIMEOUT_MIN_US ? first : MCPZ_PLUMTREE_FIRST_TIMEOUT_MIN_US;
    tree->config.next_timeout_us =
        next > MCPZ_PLUMTREE_NEXT_TIMEOUT_MIN_US ? next : MCPZ_PLUMTREE_NEXT_TIMEOUT_MIN_US;
}

void mcpz_plumtree_speak(struct mcpz_plumtree *tree, enum mcpz_plumtree_voice voice)
{
    tree->voice = voice;
}

mcpz_time mcpz_plumtree_deadline(const struct mcpz_plumtree *tree)
{
    mcpz_time deadline = tree->announce_at_us;

    for (size_t i = 0; i < tree->missing_count; i++) {
        deadline = mcpz_time_min(deadline, tree->missing[i].due_us);
    }
    return deadline;
}

bool mcpz_plumtree_is_eager(const struct mcpz_plumtree *tree, const struct mcpz_id *peer)
{
    return (tree->eager & bit(slot_of(tree, peer))) != 0;
}
