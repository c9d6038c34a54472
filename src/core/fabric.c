#include "core/fabric.h"

#include <assert.h>

#include "base/hash.h"
#include "core/fabric_config.h"
#include "core/fabric_view.h"

#define REJOIN_MAX_US MCPZ_SECONDS(5)
#define BRIDGE_US MCPZ_SECONDS(30) /* between two new ways out of a scope, of all its members */
#define BRIDGE_MISSING_US MCPZ_SECONDS(5) /* of one that has none */
#define OFFER_US MCPZ_SECONDS(5) /* between two members that the overlay hears of, at least */

/* ---- Beginning ---------------------------------------------------------------------------- */

size_t mcpz_fabric_bytes(const struct mcpz_fabric_config *config)
{
    const struct mcpz_links_config links = mcpz_fabric_links_config(config);
    const struct mcpz_overlay_config overlay = mcpz_fabric_overlay_config(config);
    const struct mcpz_xbot_config xbot = mcpz_fabric_xbot_config(config);
    const struct mcpz_plumtree_config plumtree = mcpz_fabric_plumtree_config(config);
    const struct mcpz_members_config members = mcpz_fabric_members_config(config);

    return mcpz_links_bytes(&links) + mcpz_overlay_bytes(&overlay) + mcpz_xbot_bytes(&xbot) +
           mcpz_plumtree_bytes(&plumtree) + mcpz_members_bytes(&members);
}

size_t mcpz_fabric_often_bytes(const struct mcpz_fabric_config *config)
{
    const struct mcpz_links_config links = mcpz_fabric_links_config(config);
    const struct mcpz_plumtree_config plumtree = mcpz_fabric_plumtree_config(config);
    const struct mcpz_members_config members = mcpz_fabric_members_config(config);

    return mcpz_links_often_bytes(&links) + mcpz_plumtree_often_bytes(&plumtree) +
           mcpz_members_often_bytes(&members);
}

void mcpz_fabric_init(struct mcpz_fabric *fabric, const struct mcpz_fabric_config *config,
                      void *memory, mcpz_time now)
{
    mcpz_fabric_init_apart(fabric, config, memory,
                           (uint8_t *)memory + mcpz_fabric_often_bytes(config), now);
}

void mcpz_fabric_init_apart(struct mcpz_fabric *fabric, const struct mcpz_fabric_config *config,
                            void *often, void *seldom, mcpz_time now)
{
    const struct mcpz_links_config links = mcpz_fabric_links_config(config);
    const struct mcpz_overlay_config overlay = mcpz_fabric_overlay_config(config);
    const struct mcpz_xbot_config xbot = mcpz_fabric_xbot_config(config);
    const struct mcpz_plumtree_config plumtree = mcpz_fabric_plumtree_config(config);
    const struct mcpz_members_config members = mcpz_fabric_members_config(config);
    const size_t often_bytes = mcpz_fabric_often_bytes(config);
    struct mcpz_arena arena;
    struct mcpz_arena front;

    mcpz_arena_init_zeroed(&front, often, often_bytes);
    mcpz_arena_init_zeroed(&arena, seldom, mcpz_fabric_bytes(config) - often_bytes);
    arena.often = &front;
    *fabric = (struct mcpz_fabric){
        .timing = mcpz_timing_or_default(&config->timing),
        .packer = config->packer,
    };
    fabric->rejoin_at_us = now;
    fabric->rejoin_us = fabric->timing.redial_min_us;
    fabric->bridge_at_us = now + BRIDGE_US;
    fabric->bridge_us = BRIDGE_MISSING_US;
    fabric->offer_at_us = now + OFFER_US;
    fabric->offer_us = OFFER_US;
    mcpz_rng_init(&fabric->rng, mcpz_fabric_seed(config, "mesh"));
    mcpz_links_init(&fabric->links, &links, &fabric->timing, &arena, now);
    mcpz_overlay_init(&fabric->overlay, &config->members.id, &overlay, &arena,
                      mcpz_fabric_seed(config, "overlay"), now);
    mcpz_xbot_init(&fabric->xbot, &xbot, &arena, mcpz_fabric_seed(config, "xbot"), now);
    mcpz_plumtree_init_in(&fabric->plumtree, &plumtree, &arena);
    mcpz_members_init(&fabric->members, &members, &fabric->timing, &arena,
                      mcpz_fabric_seed(config, "members"), now);
    fabric->view.touched = UINT8_MAX;
    mcpz_fabric_view_look(fabric);
}

/* ---- Facts rise --------------------------------------------------------------------------- */

static void rise(struct mcpz_fabric *fabric, mcpz_time now, struct mcpz_outbox *out, size_t first,
                 enum mcpz_fabric_level from);

static uint32_t rtt_of(const void *context, const struct mcpz_id *peer)
{
    const struct mcpz_linked *link = mcpz_links_find(context, peer);
    return link != NULL ? link->rtt_min_us : 0;
}

/* The overlay, and what changes its views after it. */
static void hand_overlay(struct mcpz_fabric *fabric, mcpz_time now, const struct mcpz_event *event,
                         struct mcpz_outbox *out)
{
    const struct mcpz_xbot_rtts rtts = {.context = &fabric->links, .of = rtt_of};

    mcpz_fabric_view_touch(&fabric->view, MCPZ_FABRIC_OVERLAY);
    mcpz_overlay_step(&fabric->overlay, now, event, out);
    mcpz_xbot_step(&fabric->xbot, &fabric->overlay, &rtts, now, event, out);
}

static void step_overlay(struct mcpz_fabric *fabric, mcpz_time now, enum mcpz_event_kind kind,
                         const struct mcpz_fact *fact, struct mcpz_outbox *out)
{
    struct mcpz_event event = {
        .kind = kind,
        .link = {.peer = fact->about, .reason = (enum mcpz_link_down_reason)fact->reason},
    };
    hand_overlay(fabric, now, &event, out);
}

/* Who is slow is not given up as soon as others. */
static void bear(struct mcpz_fabric *fabric, mcpz_time now, const struct mcpz_member *member)
{
    uint32_t flaps = member != NULL ? mcpz_members_flaps(member, now) : 0;

    if (flaps > 0) {
        mcpz_links_bear(&fabric->links, &member->id,
                        fabric->timing.link_silent_us * (1 + 2 * (mcpz_time)flaps));
    }
}

/*
 * Many are in doubt at once: one cause is likelier than so many deaths (a host without processors
 * to spare, a switch), and it may pass. Until it has, their links are not given up: new links and
 * neighbours for all of them, and the old ones back again, is a storm of its own.
 */
static void bear_crowd(struct mcpz_fabric *fabric)
{
    if (!mcpz_members_doubts_many(&fabric->members)) {
        return;
    }
    for (size_t i = 0; i < fabric->links.count; i++) {
        const struct mcpz_id *peer = &fabric->links.links[i].id;
        const struct mcpz_member *member = mcpz_members_find(&fabric->members, peer);
        const bool is_late = fabric->links.links[i].late;
        if (member != NULL && (is_late || member->state == MCPZ_MEMBER_SUSPECT)) {
            mcpz_links_bear(&fabric->links, peer,
                            MCPZ_CROWD_PATIENCE * fabric->timing.link_silent_us);
        }
    }
}

/* Without one, nothing is heard of our own scope. */
static bool has_near_neighbour(const struct mcpz_overlay *overlay)
{
    return overlay->active_count > (overlay->config.far_max == 0 ? 0 : overlay->far_count);
}

static void court(struct mcpz_fabric *fabric, mcpz_time now, const struct mcpz_id *peer,
                  struct mcpz_outbox *out)
{
    mcpz_fabric_view_touch(&fabric->view, MCPZ_FABRIC_OVERLAY);
    mcpz_overlay_court(&fabric->overlay, now, peer, out);
}

/* A link is new. Who has no neighbour joins through it. Who had the peer for dead wants it for a
 * neighbour: the two may be all that connects two parts of the mesh. */
static void greet(struct mcpz_fabric *fabric, mcpz_time now, const struct mcpz_fact *fact,
                  struct mcpz_outbox *out)
{
    const struct mcpz_member *member = mcpz_members_find(&fabric->members, &fact->about);

    bear(fabric, now, member);
    step_overlay(fabric, now, MCPZ_EVENT_LINK_UP, fact, out);
    if (!has_near_neighbour(&fabric->overlay) && fabric->overlay.ask_count == 0) {
        step_overlay(fabric, now, MCPZ_EVENT_CONTACT, fact, out);
    } else if (member != NULL && member->state == MCPZ_MEMBER_DEAD) {
        court(fabric, now, &fact->about, out);
    } else if (fabric->bridges && member == NULL) {
        fabric->bridges = false;
        court(fabric, now, &fact->about, out);
    }
}

/* A heartbeat says whether the other end holds us for its neighbour. If both agree, as they nearly
 * always do, nothing changes and nothing is asked for. */
static void show_ping(struct mcpz_fabric *fabric, mcpz_time now, const struct mcpz_event *event,
                      struct mcpz_outbox *out)
{
    const size_t first = out->count;

    mcpz_overlay_step(&fabric->overlay, now, event, out);
    if (out->count > first) {
        mcpz_fabric_view_touch(&fabric->view, MCPZ_FABRIC_OVERLAY);
    }
}

static void show_overlay(struct mcpz_fabric *fabric, mcpz_time now, const struct mcpz_event *event,
                         struct mcpz_outbox *out)
{
    const struct mcpz_fact *fact = &event->fact;

    if (event->kind == MCPZ_EVENT_RECV) {
        const enum mcpz_msg_kind kind = event->recv.msg->kind;
        if (kind == MCPZ_MSG_PING) {
            show_ping(fabric, now, event, out);
        } else if (mcpz_overlay_takes(kind) || mcpz_xbot_takes(kind)) {
            hand_overlay(fabric, now, event, out);
        }
    } else if (event->kind != MCPZ_EVENT_FACT) {
        bool is_raw = event->kind == MCPZ_EVENT_LINK_UP || event->kind == MCPZ_EVENT_LINK_DOWN;
        if (!is_raw) { /* of links it hears what the machine below makes of them */
            hand_overlay(fabric, now, event, out);
        }
    } else if (fact->kind == MCPZ_FACT_LINKED) {
        greet(fabric, now, fact, out);
    } else if (fact->kind == MCPZ_FACT_UNLINKED) {
        step_overlay(fabric, now, MCPZ_EVENT_LINK_DOWN, fact, out);
    } else if (fact->kind == MCPZ_FACT_UNREACHABLE) {
        step_overlay(fabric, now, MCPZ_EVENT_UNREACHABLE, fact, out);
    }
}

static bool may_be_broadcast(enum mcpz_msg_kind kind)
{
    return kind == MCPZ_MSG_MEMBER || kind == MCPZ_MSG_SUSPECT || kind == MCPZ_MSG_DEAD ||
           kind == MCPZ_MSG_ADJACENCY || kind == MCPZ_MSG_CAPABILITIES;
}

static bool is_ping(const struct mcpz_event *event)
{
    return event->kind == MCPZ_EVENT_RECV && event->recv.msg->kind == MCPZ_MSG_PING;
}

static void show_members(struct mcpz_fabric *fabric, mcpz_time now, const struct mcpz_event *event,
                         struct mcpz_outbox *out)
{
    struct mcpz_msg msg;

    if (!is_ping(event)) { /* what follows from those waits for nothing */
        mcpz_fabric_view_touch(&fabric->view, MCPZ_FABRIC_MEMBERS);
    }
    if (event->kind != MCPZ_EVENT_FACT || event->fact.kind != MCPZ_FACT_GOSSIP_DELIVERED) {
        mcpz_members_step(&fabric->members, &fabric->links, now, event, out);
        return;
    }
    if (!fabric->packer.unpack(event->fact.detail, &out->arena, &msg) ||
        !may_be_broadcast(msg.kind)) {
        fabric->unreadable++;
        return;
    }
    struct mcpz_event delivered = {
        .kind = MCPZ_EVENT_RECV,
        .wall_ms = event->wall_ms,
        .recv = {.from = event->fact.about, .msg = &msg, .gossip = true},
    };
    mcpz_members_step(&fabric->members, &fabric->links, now, &delivered, out);
}

/* Broadcasts go to neighbours of our scope only. */
static bool is_for_plumtree(const struct mcpz_event *event)
{
    if (event->kind == MCPZ_EVENT_RECV) {
        return mcpz_plumtree_takes(event->recv.msg->kind);
    }
    return event->kind != MCPZ_EVENT_FACT || event->fact.kind != MCPZ_FACT_NEIGHBOUR_UP ||
           event->fact.reason == 0;
}

static void show(struct mcpz_fabric *fabric, mcpz_time now, enum mcpz_fabric_level level,
                 const struct mcpz_event *event, struct mcpz_outbox *out)
{
    const size_t first = out->count;

    if (level == MCPZ_FABRIC_OVERLAY) {
        show_overlay(fabric, now, event, out);
    } else if (level == MCPZ_FABRIC_PLUMTREE) {
        if (is_for_plumtree(event)) {
            mcpz_fabric_view_touch(&fabric->view, MCPZ_FABRIC_PLUMTREE);
            mcpz_plumtree_step(&fabric->plumtree, now, event, out);
        }
    } else {
        show_members(fabric, now, event, out);
    }
    rise(fabric, now, out, first, level);
}

/* Show what `from` has stated since action `first` to the machines after it. */
static void rise(struct mcpz_fabric *fabric, mcpz_time now, struct mcpz_outbox *out, size_t first,
                 enum mcpz_fabric_level from)
{
    const size_t end = out->count;

    for (size_t i = first; i < end; i++) {
        if (out->actions[i].kind != MCPZ_ACTION_FACT) {
            continue;
        }
        const struct mcpz_event rising = {.kind = MCPZ_EVENT_FACT, .fact = out->actions[i].fact};
        for (enum mcpz_fabric_level level = from + 1; level < MCPZ_FABRIC_ABOVE; level++) {
            show(fabric, now, level, &rising, out);
        }
    }
}

/* ---- Joining again ------------------------------------------------------------------------ */

static bool is_alone(const struct mcpz_fabric *fabric)
{
    return fabric->view.is_alone && !fabric->links.dials.leaving;
}

static void ask_link(struct mcpz_fabric *fabric, mcpz_time now, struct mcpz_outbox *out)
{
    uint32_t lot = mcpz_rng_below(&fabric->rng, (uint32_t)fabric->links.count);
    const struct mcpz_event contact = {
        .kind = MCPZ_EVENT_CONTACT,
        .link = {.peer = fabric->links.links[lot].id},
    };
    show(fabric, now, MCPZ_FABRIC_OVERLAY, &contact, out);
}

/* One that can be dialled, by lot. NULL: none fits. */
static const struct mcpz_member *draw_member(struct mcpz_fabric *fabric,
                                             bool (*fits)(const struct mcpz_fabric *fabric,
                                                          const struct mcpz_member *member))
{
    const struct mcpz_roster *roster = &fabric->members.roster;
    const struct mcpz_member *chosen = NULL;
    uint32_t fit = 0;

    for (size_t i = 1; i < roster->count; i++) {
        const struct mcpz_member *row = &roster->rows[i];
        if (fits(fabric, row) && mcpz_roster_address(roster, row).length > 0 &&
            mcpz_rng_below(&fabric->rng, ++fit) == 0) {
            chosen = row;
        }
    }
    return chosen;
}

static bool may_be_there(const struct mcpz_fabric *fabric, const struct mcpz_member *member)
{
    (void)fabric;
    return member->state != MCPZ_MEMBER_LEFT;
}

static void reach_somebody(struct mcpz_fabric *fabric, mcpz_time now, struct mcpz_outbox *out)
{
    const struct mcpz_member *chosen = draw_member(fabric, may_be_there);

    if (chosen != NULL) {
        mcpz_links_reach(&fabric->links, now, &chosen->id,
                         mcpz_roster_address(&fabric->members.roster, chosen), out);
    }
}

/* No neighbour, nobody asked: through a link that stands, or somebody we know of. Seeds are tried
 * by the links themselves. */
static void rejoin(struct mcpz_fabric *fabric, mcpz_time now, struct mcpz_outbox *out)
{
    if (!is_alone(fabric)) {
        fabric->rejoin_us = fabric->timing.redial_min_us;
        fabric->rejoin_at_us = now + fabric->rejoin_us;
        return;
    }
    if (fabric->rejoin_at_us > now) {
        return;
    }
    fabric->rejoins++;
    fabric->rejoin_at_us = now + fabric->rejoin_us / 2 +
                           mcpz_rng_below(&fabric->rng, (uint32_t)fabric->rejoin_us / 2 + 1);
    fabric->rejoin_us = mcpz_time_min(2 * fabric->rejoin_us, REJOIN_MAX_US);
    if (fabric->links.count > 0) {
        ask_link(fabric, now, out);
    } else {
        reach_somebody(fabric, now, out);
    }
}

/* ---- Members that are in neither view ------------------------------------------------------ */

static bool is_out_of_sight(const struct mcpz_fabric *fabric, const struct mcpz_member *member)
{
    return member->state == MCPZ_MEMBER_ALIVE &&
           !mcpz_overlay_is_neighbour(&fabric->overlay, &member->id) &&
           !mcpz_passive_has(&fabric->overlay.passive, &member->id);
}

static void learn(struct mcpz_fabric *fabric, mcpz_time now, const struct mcpz_id *id,
                  struct mcpz_bytes address, struct mcpz_outbox *out)
{
    const struct mcpz_overlay_entry entry = {
        .id = *id, .scope = fabric->overlay.where.scope, .address = address};
    const size_t first = out->count;

    mcpz_fabric_view_touch(&fabric->view, MCPZ_FABRIC_OVERLAY);
    mcpz_overlay_learn(&fabric->overlay, now, &entry, out);
    rise(fabric, now, out, first, MCPZ_FABRIC_OVERLAY);
}

/*
 * In a small mesh passive views are empty, since all are neighbours: whom an ask did not reach is
 * in neither view then, and a shuffle would bring it back by chance. The table of members has it.
 * Somebody who cannot be reached at all is asked ever less often.
 */
static void offer(struct mcpz_fabric *fabric, mcpz_time now, struct mcpz_outbox *out)
{
    if (!fabric->view.lacks_candidates || !fabric->view.has_neighbours ||
        fabric->offer_at_us > now) {
        return;
    }
    const struct mcpz_member *lost = draw_member(fabric, is_out_of_sight);
    fabric->offer_at_us = now + OFFER_US;
    if (lost != NULL) {
        fabric->offer_at_us = now + mcpz_timing_about(&fabric->rng, fabric->offer_us);
        fabric->offer_us = mcpz_time_min(2 * fabric->offer_us, fabric->timing.redial_max_us);
        learn(fabric, now, &lost->id, mcpz_roster_address(&fabric->members.roster, lost), out);
    }
}

/* Who can be reached has changed: what was tried in vain says little of it. */
static void offer_soon(struct mcpz_fabric *fabric, mcpz_time now)
{
    fabric->offer_us = OFFER_US;
    fabric->offer_at_us = mcpz_time_min(fabric->offer_at_us, now + OFFER_US);
}

/* Repair of the tree waits for the slowest neighbour, and no longer. */
static void pace_gossip(struct mcpz_fabric *fabric)
{
    uint32_t slowest_us = 0;

    for (size_t i = 0; i < fabric->links.count; i++) {
        if (fabric->links.pulses[i].rtt_us > slowest_us) {
            slowest_us = fabric->links.pulses[i].rtt_us;
        }
    }
    if (slowest_us != fabric->view.paced_us) {
        fabric->view.paced_us = slowest_us;
        mcpz_plumtree_pace(&fabric->plumtree, slowest_us);
    }
}

/* ---- Ways out of our scope, and into it --------------------------------------------------- */

/* How long until a seed is asked again. Who lacks some of its own scope, which may have no more,
 * waits twice as long each time, up to what others wait. */
static mcpz_time bridge_wait(struct mcpz_fabric *fabric)
{
    const mcpz_time usual_us = BRIDGE_US * mcpz_members_alive_count(&fabric->members);

    if (!mcpz_fabric_view_lacks_scope(&fabric->overlay)) {
        fabric->bridge_us = BRIDGE_MISSING_US;
        return usual_us;
    }
    const mcpz_time wait_us = mcpz_time_min(fabric->bridge_us, usual_us);
    fabric->bridge_us = 2 * wait_us;
    return wait_us;
}

/*
 * Views of other scopes are few and come from neighbours: scopes that only know of each other
 * would stay among themselves for ever, and what a cut has parted would not meet again. So one of
 * our scope, by lot, asks a seed anew now and then; who has no way out does so at once. And so
 * does who has hardly anybody of its own scope: where all join at once, a few may be put out by
 * those that come after them before they know any other, and find neighbours elsewhere.
 */
static void bridge(struct mcpz_fabric *fabric, mcpz_time now, struct mcpz_outbox *out)
{
    const mcpz_time missing_at_us = now + BRIDGE_MISSING_US;

    if (!fabric->view.has_neighbours || fabric->overlay.config.far_max == 0) {
        return;
    }
    if (fabric->bridge_at_us > missing_at_us &&
        (fabric->view.lacks_ways ||
         (fabric->bridge_us == BRIDGE_MISSING_US && fabric->view.lacks_scope))) {
        fabric->bridge_at_us =
            missing_at_us - mcpz_rng_below(&fabric->rng, (uint32_t)BRIDGE_MISSING_US / 2);
    }
    if (fabric->bridge_at_us > now) {
        return;
    }
    const mcpz_time wait_us = bridge_wait(fabric);
    fabric->bridge_at_us =
        now + wait_us / 2 + mcpz_rng_below(&fabric->rng, (uint32_t)(wait_us / 1000)) * MCPZ_MS(1);
    const struct mcpz_linked *link = mcpz_links_dial_seed(&fabric->links, out);
    fabric->bridges = link == NULL;
    if (link != NULL && mcpz_members_find(&fabric->members, &link->id) == NULL) {
        court(fabric, now, &link->id, out);
    }
}

/*
 * Neighbours that are all each other's do not miss anybody, and nobody in a table that is right
 * looks wrong: but no broadcast gets in or out. Only the map of who has whom shows it.
 */
static void mend(struct mcpz_fabric *fabric, mcpz_time now, struct mcpz_outbox *out)
{
    const struct mcpz_member *lost = mcpz_members_take_lost(&fabric->members);

    if (lost != NULL && lost->state == MCPZ_MEMBER_ALIVE) {
        court(fabric, now, &lost->id, out);
    }
}

/* ---- Requests sink ------------------------------------------------------------------------ */

/* To all neighbours but one: what is too much for Plumtree, and passed on by who is above. */
static void flood(const struct mcpz_fabric *fabric, struct mcpz_outbox *out,
                  struct mcpz_action *action)
{
    const struct mcpz_overlay *overlay = &fabric->overlay;
    struct mcpz_id *peers = mcpz_arena_take(&out->arena, overlay->active_count, sizeof(*peers));
    size_t count = 0;

    assert(peers != NULL);
    for (size_t i = 0; i < overlay->active_count; i++) {
        if (!mcpz_id_equal(&overlay->active[i].id, &action->send.except)) {
            peers[count++] = overlay->active[i].id;
        }
    }
    action->kind = MCPZ_ACTION_SEND;
    action->send.peers = peers;
    action->send.peer_count = count;
}

static struct mcpz_gossip_id id_of(uint64_t first, uint64_t second)
{
    struct mcpz_gossip_id id;

    for (size_t i = 0; i < sizeof(uint64_t); i++) {
        id.bytes[i] = (uint8_t)(first >> 8 * i);
        id.bytes[sizeof(uint64_t) + i] = (uint8_t)(second >> 8 * i);
    }
    return id;
}

/*
 * What has a version is called by its content: several nodes that hand on the same news make one
 * broadcast. A suspicion may be said again in the same words, so each is a new one.
 */
static struct mcpz_gossip_id gossip_id(struct mcpz_fabric *fabric, const struct mcpz_msg *msg,
                                       struct mcpz_bytes payload)
{
    struct mcpz_bytes said = payload;

    if (msg->kind == MCPZ_MSG_SUSPECT) {
        uint64_t lot = mcpz_rng_next(&fabric->rng);
        return id_of(lot, mcpz_rng_next(&fabric->rng));
    }
    if (msg->kind == MCPZ_MSG_DEAD) { /* whoever says it */
        said = mcpz_bytes(msg->dead.about.bytes, MCPZ_ID_BYTES);
        return id_of(mcpz_hash_bytes(said, msg->dead.incarnation), (uint64_t)msg->kind);
    }
    return id_of(mcpz_hash_bytes(said, 1), mcpz_hash_bytes(said, 2));
}

/*
 * What people wait for, and who is in doubt: where the tree is broken, soon all the same. But not
 * one more of many.
 */
static bool is_alarm(const struct mcpz_fabric *fabric, enum mcpz_msg_kind kind)
{
    return kind == MCPZ_MSG_DEAD || kind == MCPZ_MSG_CAPABILITIES ||
           (kind == MCPZ_MSG_SUSPECT && !mcpz_members_doubts_many(&fabric->members));
}

static void broadcast(struct mcpz_fabric *fabric, mcpz_time now, struct mcpz_outbox *out,
                      struct mcpz_action *action)
{
    uint8_t buffer[MCPZ_PLUMTREE_LARGE_BYTES_MAX];

    assert(may_be_broadcast(action->send.msg.kind));
    size_t length = fabric->packer.pack(&action->send.msg, buffer, sizeof(buffer));
    struct mcpz_bytes payload = mcpz_outbox_keep(out, mcpz_bytes(buffer, length));
    const struct mcpz_gossip_id id = gossip_id(fabric, &action->send.msg, payload);

    const bool alarms = is_alarm(fabric, action->send.msg.kind);

    mcpz_fabric_view_touch(&fabric->view, MCPZ_FABRIC_PLUMTREE);
    action->kind = MCPZ_ACTION_NONE;
    mcpz_error error = MCPZ_EFULL;
    if (length > 0 && alarms) {
        error = mcpz_plumtree_broadcast(&fabric->plumtree, now, &id, payload, out);
    } else if (length > 0) {
        error = mcpz_plumtree_broadcast_patiently(&fabric->plumtree, now, &id, payload, out);
    }
    fabric->unreadable += error != MCPZ_OK;
}

static void sink_reach(struct mcpz_fabric *fabric, mcpz_time now, struct mcpz_outbox *out,
                       struct mcpz_action *action)
{
    const struct mcpz_id peer = action->reach.peer;
    struct mcpz_bytes address = action->reach.address;
    const struct mcpz_member *member = mcpz_members_find(&fabric->members, &peer);
    const size_t first = out->count;

    action->kind = MCPZ_ACTION_NONE;
    if (mcpz_links_find(&fabric->links, &peer) != NULL) {
        const struct mcpz_event up = {.kind = MCPZ_EVENT_LINK_UP, .link = {.peer = peer}};
        mcpz_fabric_view_touch(&fabric->view, MCPZ_FABRIC_OVERLAY);
        mcpz_overlay_step(&fabric->overlay, now, &up, out);
        rise(fabric, now, out, first, MCPZ_FABRIC_OVERLAY);
        return;
    }
    if (address.length == 0 && member != NULL) {
        address = mcpz_roster_address(&fabric->members.roster, member);
    }
    mcpz_links_reach(&fabric->links, now, &peer, address, out);
    rise(fabric, now, out, first, MCPZ_FABRIC_LINKS);
}

/* What machines below do about a fact stated above them. */
static void sink_fact(struct mcpz_fabric *fabric, mcpz_time now, struct mcpz_outbox *out,
                      const struct mcpz_fact *fact)
{
    if (fact->kind == MCPZ_FACT_NEIGHBOUR_UP || fact->kind == MCPZ_FACT_NEIGHBOUR_DOWN) {
        mcpz_links_want(&fabric->links, now, &fact->about, fact->kind == MCPZ_FACT_NEIGHBOUR_UP);
        offer_soon(fabric, now);
    } else if (fact->kind == MCPZ_FACT_ALIVE) {
        bear(fabric, now, mcpz_members_find(&fabric->members, &fact->about));
        learn(fabric, now, &fact->about, fact->detail, out);
    } else if (fact->kind == MCPZ_FACT_SUSPECT || fact->kind == MCPZ_FACT_LATE) {
        bear_crowd(fabric);
    } else if (fact->kind == MCPZ_FACT_DEAD || fact->kind == MCPZ_FACT_LEFT) {
        mcpz_fabric_view_touch(&fabric->view, MCPZ_FABRIC_OVERLAY);
        mcpz_overlay_forget(&fabric->overlay, &fact->about);
    } else if (fact->kind == MCPZ_FACT_REFUTED) {
        mcpz_links_feel(&fabric->links, 1);
    } else if (fact->kind == MCPZ_FACT_PROBED) {
        mcpz_links_feel(&fabric->links, fact->reason == 0 ? -1 : 1);
    }
}

/* A heartbeat says what those above know. */
static void complete(struct mcpz_fabric *fabric, struct mcpz_action *action)
{
    struct mcpz_msg_ping *ping = &action->send.msg.ping;

    ping->digest = mcpz_members_digest(&fabric->members);
    ping->neighbour = mcpz_overlay_is_neighbour(&fabric->overlay, &action->send.peers[0]);
}

void mcpz_fabric_sink(struct mcpz_fabric *fabric, mcpz_time now, struct mcpz_outbox *out,
                      size_t first)
{
    for (size_t i = first; i < out->count; i++) { /* what sinks appends more */
        struct mcpz_action *action = &out->actions[i];
        if (action->kind == MCPZ_ACTION_SEND && action->send.msg.kind == MCPZ_MSG_PING) {
            complete(fabric, action);
        } else if (action->kind == MCPZ_ACTION_BROADCAST &&
                   action->send.msg.kind == MCPZ_MSG_DELTA) {
            flood(fabric, out, action);
        } else if (action->kind == MCPZ_ACTION_BROADCAST) {
            broadcast(fabric, now, out, action);
        } else if (action->kind == MCPZ_ACTION_REACH) {
            sink_reach(fabric, now, out, action);
        } else if (action->kind == MCPZ_ACTION_FACT) {
            const struct mcpz_fact fact = action->fact;
            sink_fact(fabric, now, out, &fact);
        }
    }
    mcpz_fabric_view_look(fabric);
}

/* ---- The step ----------------------------------------------------------------------------- */

/* Goodbyes go out while there still are neighbours to take them: from the top down. */
static void leave(struct mcpz_fabric *fabric, mcpz_time now, const struct mcpz_event *event,
                  struct mcpz_outbox *out)
{
    const size_t first = out->count;

    mcpz_fabric_view_touch(&fabric->view, MCPZ_FABRIC_MEMBERS);
    mcpz_members_step(&fabric->members, &fabric->links, now, event, out);
    mcpz_fabric_sink(fabric, now, out, first);
    show(fabric, now, MCPZ_FABRIC_OVERLAY, event, out);
    (void)mcpz_links_step(&fabric->links, now, event, out);
}

static enum mcpz_plumtree_voice voice(const struct mcpz_links *links, mcpz_time now)
{
    return mcpz_links_hear_the_past(links, now)     ? MCPZ_PLUMTREE_VOICE_MUTE
           : mcpz_links_have_just_woken(links, now) ? MCPZ_PLUMTREE_VOICE_HUSHED
                                                    : MCPZ_PLUMTREE_VOICE_FULL;
}

/* To a machine whose deadline has not come yet, a TICK says nothing. */
static void tick(struct mcpz_fabric *fabric, mcpz_time now, const struct mcpz_event *event,
                 struct mcpz_outbox *out)
{
    bool is_due = false;

    for (enum mcpz_fabric_level level = MCPZ_FABRIC_OVERLAY; level < MCPZ_FABRIC_ABOVE; level++) {
        is_due = mcpz_fabric_view_due(&fabric->view, level) <= now;
        if (is_due) {
            show(fabric, now, level, event, out);
        }
    }
    pace_gossip(fabric);
    mcpz_fabric_view_look(fabric);
    rejoin(fabric, now, out);
    bridge(fabric, now, out);
    offer(fabric, now, out);
    if (is_due) { /* for the members: they may have looked at the map */
        mend(fabric, now, out);
    }
}

bool mcpz_fabric_step(struct mcpz_fabric *fabric, mcpz_time now, const struct mcpz_event *event,
                      struct mcpz_outbox *out)
{
    const size_t first = out->count;

    if (event->kind == MCPZ_EVENT_LEAVE) {
        leave(fabric, now, event, out);
        return true;
    }
    bool goes_on = mcpz_links_step(&fabric->links, now, event, out);
    mcpz_plumtree_speak(&fabric->plumtree, voice(&fabric->links, now));
    rise(fabric, now, out, first, MCPZ_FABRIC_LINKS);
    if (!goes_on || mcpz_event_is_of_calls(event)) {
        return goes_on;
    }
    if (event->kind == MCPZ_EVENT_TICK) {
        tick(fabric, now, event, out);
        return true;
    }
    for (enum mcpz_fabric_level level = MCPZ_FABRIC_OVERLAY; level < MCPZ_FABRIC_ABOVE; level++) {
        show(fabric, now, level, event, out);
    }
    return true;
}

mcpz_time mcpz_fabric_deadline(const struct mcpz_fabric *fabric)
{
    const struct mcpz_fabric_view *view = &fabric->view;
    mcpz_time deadline = mcpz_links_deadline(&fabric->links);

    assert(view->touched == 0); /* mcpz_fabric_sink() has been called */
    deadline = mcpz_time_min(deadline, view->overlay_us);
    deadline = mcpz_time_min(deadline, view->plumtree_us);
    deadline = mcpz_time_min(deadline, view->members_us);
    return is_alone(fabric) ? mcpz_time_min(deadline, fabric->rejoin_at_us) : deadline;
}
