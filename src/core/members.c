#include "core/members.h"

#include <assert.h>

/* One row goes out per known member when a link comes up; a tick can bury or dial every member,
 * ping every neighbour, dial every seed and tell one neighbour all. */
static_assert(MCPZ_OUTBOX_MAX >= 5 * MCPZ_MEMBERS_MAX + 2 * MCPZ_LINKS_MAX + MCPZ_SEEDS_MAX,
              "one step must fit the outbox");

/* Where there are more members than links: with so many, we do not press those that are full; and
 * a full node takes one in so many members that press it. */
#define LINKS_ENOUGH (MCPZ_LINKS_MAX / 2)
#define TAKEN_ONE_IN 4

/* ---- Rows --------------------------------------------------------------------------------- */

static struct mcpz_member *find_member(struct mcpz_members *members, const struct mcpz_id *id)
{
    const struct mcpz_member *found = mcpz_members_find(members, id);
    return found != NULL ? &members->members[found - members->members] : NULL;
}

static struct mcpz_neighbour *find_neighbour(struct mcpz_members *members,
                                             const struct mcpz_id *id)
{
    const struct mcpz_neighbour *found = mcpz_members_neighbour(members, id);
    return found != NULL ? &members->neighbours[found - members->neighbours] : NULL;
}

static bool is_gone(const struct mcpz_member *member)
{
    return member->state == MCPZ_MEMBER_DEAD || member->state == MCPZ_MEMBER_LEFT;
}

static bool is_linked(const struct mcpz_members *members, const struct mcpz_member *member)
{
    return mcpz_members_neighbour(members, &member->id) != NULL;
}

/* Somewhere in the first `most_us`, so that nodes that saw the same thing do not act at once. */
static mcpz_time jitter(struct mcpz_members *members, mcpz_time most_us)
{
    return mcpz_rng_below(&members->rng, (uint32_t)most_us + 1);
}

/* ---- News --------------------------------------------------------------------------------- */

/*
 * The row as a message. Its texts stay in the row: rows move only in forget_the_dead() and
 * take_row(), which come before any message is made in their step.
 */
static struct mcpz_msg news_of(const struct mcpz_member *member, struct mcpz_outbox *out)
{
    struct mcpz_bytes *roles = NULL;
    if (member->role_count > 0) {
        roles = mcpz_arena_take(&out->arena, member->role_count, sizeof(*roles));
        assert(roles != NULL);
    }
    for (size_t i = 0; i < member->role_count; i++) {
        roles[i] = mcpz_text(member->roles[i]);
    }
    return (struct mcpz_msg){
        .kind = MCPZ_MSG_MEMBER,
        .member =
            {
                .id = member->id,
                .incarnation = member->incarnation,
                .state = (uint32_t)member->state,
                .name = mcpz_text(member->name),
                .address = mcpz_text(member->address),
                .region = mcpz_text(member->region),
                .zone = mcpz_text(member->zone),
                .roles = roles,
                .role_count = member->role_count,
            },
    };
}

static void spread(const struct mcpz_member *member, const struct mcpz_id *except,
                   struct mcpz_outbox *out)
{
    struct mcpz_msg news = news_of(member, out);
    mcpz_outbox_broadcast(out, except, &news);
}

static void tell_all_rows(const struct mcpz_members *members, const struct mcpz_id *peer,
                          struct mcpz_outbox *out)
{
    for (size_t i = 0; i < members->member_count; i++) {
        struct mcpz_msg news = news_of(&members->members[i], out);
        mcpz_outbox_send(out, peer, &news);
    }
}

static void tell(const struct mcpz_member *member, enum mcpz_fact_kind kind,
                 struct mcpz_outbox *out)
{
    mcpz_outbox_fact(out, &(struct mcpz_fact){
                              .kind = kind,
                              .about = member->id,
                              .incarnation = member->incarnation,
                              .detail = mcpz_text(member->address),
                          });
}

static enum mcpz_fact_kind fact_of(enum mcpz_member_state state)
{
    switch (state) {
    case MCPZ_MEMBER_ALIVE:
        return MCPZ_FACT_ALIVE;
    case MCPZ_MEMBER_SUSPECT:
        return MCPZ_FACT_SUSPECT;
    case MCPZ_MEMBER_LEFT:
        return MCPZ_FACT_LEFT;
    case MCPZ_MEMBER_DEAD:
    case MCPZ_MEMBER_STATE_END:
        break;
    }
    return MCPZ_FACT_DEAD;
}

static void set_state(struct mcpz_members *members, struct mcpz_member *member,
                      enum mcpz_member_state state, mcpz_time now)
{
    if (member->state != state) {
        member->since_us = now;
    }
    member->state = state;
    member->suspect_until_us = state == MCPZ_MEMBER_SUSPECT && !is_linked(members, member)
                                   ? now + members->timing->suspect_us
                                   : MCPZ_TIME_NEVER;
}

/* ---- Dialling ----------------------------------------------------------------------------- */

/* Both ends of a missing link want it: the one with the greater id gives the other a start. */
static void dial_soon(struct mcpz_members *members, struct mcpz_member *member, mcpz_time now)
{
    if (member->address[0] == '\0' || member->state == MCPZ_MEMBER_LEFT ||
        is_linked(members, member)) {
        member->dial_at_us = MCPZ_TIME_NEVER;
        return;
    }
    mcpz_time head_start = mcpz_id_compare(&members->members[0].id, &member->id) > 0
                               ? members->timing->redial_min_us
                               : 0;
    member->redial_us = members->timing->redial_min_us;
    member->dial_at_us = now + head_start + jitter(members, members->timing->redial_min_us);
}

/* Wait, and wait longer next time: half of it by lot (jittered exponential backoff). */
static mcpz_time back_off(struct mcpz_members *members, mcpz_time *redial_us, mcpz_time now)
{
    mcpz_time wait = *redial_us / 2 + jitter(members, *redial_us / 2);

    *redial_us = mcpz_time_min(*redial_us * 2, members->timing->redial_max_us);
    return now + wait;
}

static void dial(const char *address, const struct mcpz_id *expected, struct mcpz_outbox *out)
{
    struct mcpz_action *action = mcpz_outbox_append(out, MCPZ_ACTION_DIAL);
    action->dial.address = mcpz_text(address);
    if (expected != NULL) {
        action->dial.expected = *expected;
    }
}

static void dial_members(struct mcpz_members *members, mcpz_time now, struct mcpz_outbox *out)
{
    if (members->leaving || members->neighbour_count == MCPZ_LINKS_MAX) {
        return;
    }
    for (size_t i = 1; i < members->member_count; i++) {
        struct mcpz_member *member = &members->members[i];
        if (member->dial_at_us <= now) {
            if (!member->has_enough || members->neighbour_count < LINKS_ENOUGH) {
                dial(member->address, &member->id, out);
            }
            member->dial_at_us = back_off(members, &member->redial_us, now);
        }
    }
}

/* A seed is wanted until it has answered once, and again whenever nobody else is left. */
static bool is_seed_wanted(struct mcpz_members *members, const struct mcpz_seed *seed)
{
    if (mcpz_id_is_zero(&seed->peer)) {
        return true;
    }
    return members->neighbour_count == 0;
}

static void dial_seeds(struct mcpz_members *members, mcpz_time now, struct mcpz_outbox *out)
{
    for (size_t i = 0; i < members->seed_count && !members->leaving; i++) {
        struct mcpz_seed *seed = &members->seeds[i];
        if (seed->dial_at_us <= now && is_seed_wanted(members, seed)) {
            dial(seed->address, NULL, out);
            seed->dial_at_us = back_off(members, &seed->redial_us, now);
        }
    }
}

static void wake_seeds(struct mcpz_members *members, mcpz_time now)
{
    for (size_t i = 0; i < members->seed_count; i++) {
        members->seeds[i].redial_us = members->timing->redial_min_us;
        members->seeds[i].dial_at_us = now + jitter(members, members->timing->redial_min_us);
    }
}

static void on_seed(struct mcpz_members *members, mcpz_time now, struct mcpz_bytes address)
{
    for (size_t i = 0; i < members->seed_count; i++) {
        if (mcpz_bytes_equal(mcpz_text(members->seeds[i].address), address)) {
            return;
        }
    }
    if (members->seed_count == MCPZ_SEEDS_MAX || address.length > MCPZ_ADDRESS_BYTES_MAX) {
        members->dropped++;
        return;
    }
    struct mcpz_seed *seed = &members->seeds[members->seed_count++];
    *seed = (struct mcpz_seed){.dial_at_us = now, .redial_us = members->timing->redial_min_us};
    mcpz_bytes_to_text(address, seed->address, sizeof(seed->address));
}

/* ---- Suspicion ---------------------------------------------------------------------------- */

static void suspect(struct mcpz_members *members, struct mcpz_member *member, mcpz_time now,
                    struct mcpz_outbox *out)
{
    set_state(members, member, MCPZ_MEMBER_SUSPECT, now);
    tell(member, MCPZ_FACT_SUSPECT, out);
    spread(member, NULL, out);
}

/*
 * A node that has lost all its links cannot tell who died: it judges nobody (DESIGN 5). With a
 * single other member there is nothing to tell apart.
 */
static bool is_cut_off(const struct mcpz_members *members)
{
    return members->neighbour_count == 0 && mcpz_members_alive_count(members) > 2;
}

static void bury_silent_suspects(struct mcpz_members *members, mcpz_time now,
                                 struct mcpz_outbox *out)
{
    for (size_t i = 1; i < members->member_count; i++) {
        struct mcpz_member *member = &members->members[i];
        if (member->suspect_until_us > now) {
            continue;
        }
        if (is_cut_off(members)) {
            member->suspect_until_us = now + members->timing->suspect_us;
            continue;
        }
        set_state(members, member, MCPZ_MEMBER_DEAD, now);
        tell(member, MCPZ_FACT_DEAD, out);
        spread(member, NULL, out);
    }
}

static void forget_the_dead(struct mcpz_members *members, mcpz_time now)
{
    for (size_t i = members->member_count; i > 1; i--) {
        struct mcpz_member *member = &members->members[i - 1];
        if (is_gone(member) && !is_linked(members, member) &&
            now - member->since_us >= members->timing->forget_us) {
            *member = members->members[--members->member_count];
        }
    }
}

/* ---- Links -------------------------------------------------------------------------------- */

static void drop_neighbour(struct mcpz_members *members, struct mcpz_neighbour *neighbour,
                           enum mcpz_link_down_reason reason, mcpz_time now,
                           struct mcpz_outbox *out)
{
    struct mcpz_id id = neighbour->id;
    *neighbour = members->neighbours[--members->neighbour_count];

    mcpz_outbox_fact(
        out,
        &(struct mcpz_fact){.kind = MCPZ_FACT_UNLINKED, .about = id, .reason = (uint32_t)reason});
    if (members->neighbour_count == 0) {
        wake_seeds(members, now);
    }
    struct mcpz_member *member = find_member(members, &id);
    if (member == NULL) {
        return;
    }
    if (reason == MCPZ_DOWN_FULL) {
        /* It lives, and has links enough: no hint of anything, and no hurry to try again. */
        member->has_enough = true;
        member->redial_us = members->timing->redial_max_us;
        member->dial_at_us = back_off(members, &member->redial_us, now);
        return;
    }
    if (member->state == MCPZ_MEMBER_ALIVE) {
        suspect(members, member, now, out);
    } else {
        set_state(members, member, member->state, now);
    }
    dial_soon(members, member, now);
}

static void unlink_full(const struct mcpz_id *peer, struct mcpz_outbox *out)
{
    struct mcpz_action *action = mcpz_outbox_append(out, MCPZ_ACTION_UNLINK);
    action->unlink.peer = *peer;
    action->unlink.reason = MCPZ_DOWN_FULL;
}

/*
 * A newcomer is always taken in, or it would hear of nobody; a member, which asks only while it
 * has few links, once in a while. For it goes whoever has been linked longest and so has found
 * others. Source: HyParView (DSN 2007), section 4.3: JOIN and NEIGHBOR of high priority evict.
 */
static bool make_room(struct mcpz_members *members, const struct mcpz_id *peer, mcpz_time now,
                      struct mcpz_outbox *out)
{
    if (find_member(members, peer) != NULL && mcpz_rng_below(&members->rng, TAKEN_ONE_IN) != 0) {
        unlink_full(peer, out);
        return false;
    }
    struct mcpz_neighbour *oldest = &members->neighbours[0];
    for (size_t i = 1; i < members->neighbour_count; i++) {
        if (members->neighbours[i].up_us < oldest->up_us) {
            oldest = &members->neighbours[i];
        }
    }
    unlink_full(&oldest->id, out);
    drop_neighbour(members, oldest, MCPZ_DOWN_FULL, now, out);
    return true;
}

static void on_link_up(struct mcpz_members *members, mcpz_time now, const struct mcpz_event *event,
                       struct mcpz_outbox *out)
{
    const struct mcpz_id *peer = &event->link.peer;
    struct mcpz_neighbour *neighbour = find_neighbour(members, peer);

    if (neighbour == NULL && members->neighbour_count == MCPZ_LINKS_MAX &&
        !make_room(members, peer, now, out)) {
        return;
    }
    if (neighbour == NULL) {
        neighbour = &members->neighbours[members->neighbour_count++];
    }
    *neighbour = (struct mcpz_neighbour){
        .id = *peer,
        .up_us = now,
        .heard_us = now,
        .ping_at_us = now,
        .pinged_us = MCPZ_TIME_NEVER,
        .dialled = event->link.dialled,
    };
    for (size_t i = 0; i < members->seed_count; i++) {
        if (mcpz_bytes_equal(mcpz_text(members->seeds[i].address), event->link.address)) {
            members->seeds[i].peer = *peer;
        }
    }
    struct mcpz_member *member = find_member(members, peer);
    if (member != NULL) {
        member->dial_at_us = MCPZ_TIME_NEVER;
        member->suspect_until_us = MCPZ_TIME_NEVER;
        member->has_enough = false;
    }

    mcpz_outbox_fact(out, &(struct mcpz_fact){.kind = MCPZ_FACT_LINKED, .about = *peer});
    tell_all_rows(members, peer, out);
}

/* Anti-entropy: what a flood has missed. */
static void compare_rows(struct mcpz_members *members, mcpz_time now, struct mcpz_outbox *out)
{
    if (members->compare_at_us > now || members->neighbour_count == 0) {
        return;
    }
    size_t chosen = mcpz_rng_below(&members->rng, (uint32_t)members->neighbour_count);
    tell_all_rows(members, &members->neighbours[chosen].id, out);
    members->compare_at_us = now + members->timing->anti_entropy_us;
}

static void check_neighbours(struct mcpz_members *members, mcpz_time now, struct mcpz_outbox *out)
{
    for (size_t i = members->neighbour_count; i > 0; i--) {
        struct mcpz_neighbour *neighbour = &members->neighbours[i - 1];
        if (now - neighbour->heard_us >= members->timing->link_silent_us) {
            struct mcpz_action *action = mcpz_outbox_append(out, MCPZ_ACTION_UNLINK);
            action->unlink.peer = neighbour->id;
            action->unlink.reason = MCPZ_DOWN_SILENT;
            drop_neighbour(members, neighbour, MCPZ_DOWN_SILENT, now, out);
            continue;
        }
        if (neighbour->ping_at_us <= now) {
            struct mcpz_msg ping = {.kind = MCPZ_MSG_PING, .ping = {.seq = ++neighbour->ping_seq}};
            neighbour->ping_at_us = now + members->timing->heartbeat_us;
            neighbour->pinged_us = now;
            mcpz_outbox_send(out, &neighbour->id, &ping);
        }
    }
}

/* ---- Messages ----------------------------------------------------------------------------- */

/* A row for a member we did not know: a free one, or that of whoever is gone longest. */
static struct mcpz_member *take_row(struct mcpz_members *members)
{
    if (members->member_count < MCPZ_MEMBERS_MAX) {
        return &members->members[members->member_count++];
    }
    struct mcpz_member *oldest = NULL;
    for (size_t i = 1; i < members->member_count; i++) {
        struct mcpz_member *member = &members->members[i];
        if (is_gone(member) && (oldest == NULL || member->since_us < oldest->since_us)) {
            oldest = member;
        }
    }
    return oldest;
}

static void adopt(struct mcpz_members *members, struct mcpz_member *member,
                  const struct mcpz_msg_member *news, mcpz_time now)
{
    member->incarnation = news->incarnation;
    mcpz_bytes_to_text(news->name, member->name, sizeof(member->name));
    mcpz_bytes_to_text(news->address, member->address, sizeof(member->address));
    mcpz_bytes_to_text(news->region, member->region, sizeof(member->region));
    mcpz_bytes_to_text(news->zone, member->zone, sizeof(member->zone));
    member->role_count = news->role_count < MCPZ_ROLES_MAX ? news->role_count : MCPZ_ROLES_MAX;
    for (size_t i = 0; i < member->role_count; i++) {
        mcpz_bytes_to_text(news->roles[i], member->roles[i], sizeof(member->roles[i]));
    }
    set_state(members, member, (enum mcpz_member_state)news->state, now);
}

/* Somebody doubts us: say otherwise with a higher incarnation, which only we may raise (4.2). */
static void refute(struct mcpz_members *members, const struct mcpz_msg_member *news,
                   struct mcpz_outbox *out)
{
    struct mcpz_member *self = &members->members[0];
    bool doubted = news->incarnation > self->incarnation ||
                   (news->incarnation == self->incarnation && news->state != MCPZ_MEMBER_ALIVE);

    if (!doubted || members->leaving || news->incarnation == UINT64_MAX) {
        return;
    }
    self->incarnation = news->incarnation + 1;
    tell(self, MCPZ_FACT_REFUTED, out);
    spread(self, NULL, out);
}

static bool is_news(const struct mcpz_member *member, const struct mcpz_msg_member *news)
{
    if (news->incarnation != member->incarnation) {
        return news->incarnation > member->incarnation;
    }
    return news->state > (uint32_t)member->state;
}

static void on_news(struct mcpz_members *members, mcpz_time now, const struct mcpz_id *from,
                    const struct mcpz_msg *msg, struct mcpz_outbox *out)
{
    const struct mcpz_msg_member *news = &msg->member;
    bool gone = news->state == MCPZ_MEMBER_DEAD || news->state == MCPZ_MEMBER_LEFT;

    if (mcpz_id_equal(&news->id, &members->members[0].id)) {
        refute(members, news, out);
        return;
    }
    struct mcpz_member *member = find_member(members, &news->id);
    /* Unknown and gone: nothing to bury; and a row would keep the dead going round. */
    if (member == NULL ? gone : !is_news(member, news)) {
        return;
    }
    if (news->state != MCPZ_MEMBER_ALIVE && news->state != MCPZ_MEMBER_LEFT &&
        !mcpz_id_equal(from, &news->id) && find_neighbour(members, &news->id) != NULL) {
        /* We hear it: let it answer for itself instead of believing them. */
        mcpz_outbox_send(out, &news->id, msg);
        return;
    }
    if (member == NULL) {
        member = take_row(members);
        if (member == NULL) {
            members->dropped++;
            return;
        }
        *member = (struct mcpz_member){.id = news->id,
                                       .since_us = now,
                                       .suspect_until_us = MCPZ_TIME_NEVER,
                                       .dial_at_us = MCPZ_TIME_NEVER};
    }

    enum mcpz_member_state before = member->state;
    adopt(members, member, news, now);
    if (before != member->state) {
        tell(member, fact_of(member->state), out);
    }
    dial_soon(members, member, now);
    spread(member, from, out);
}

static void on_ack(struct mcpz_neighbour *neighbour, mcpz_time now, uint32_t seq)
{
    if (seq != neighbour->ping_seq || neighbour->pinged_us == MCPZ_TIME_NEVER) {
        return;
    }
    uint32_t sample = (uint32_t)mcpz_time_min(now - neighbour->pinged_us, UINT32_MAX);
    /* Smoothed by an eighth: RFC 6298 section 2. */
    neighbour->rtt_us = neighbour->rtt_us == 0
                            ? (sample > 0 ? sample : 1)
                            : (uint32_t)(((uint64_t)neighbour->rtt_us * 7 + sample) / 8);
    neighbour->pinged_us = MCPZ_TIME_NEVER;
}

static void on_message(struct mcpz_members *members, mcpz_time now, const struct mcpz_id *from,
                       const struct mcpz_msg *msg, struct mcpz_outbox *out)
{
    struct mcpz_neighbour *neighbour = find_neighbour(members, from);
    if (neighbour == NULL) {
        return;
    }
    neighbour->heard_us = now;

    if (msg->kind == MCPZ_MSG_PING) {
        struct mcpz_msg ack = {.kind = MCPZ_MSG_ACK, .ack = {.seq = msg->ping.seq}};
        mcpz_outbox_send(out, from, &ack);
    } else if (msg->kind == MCPZ_MSG_ACK) {
        on_ack(neighbour, now, msg->ack.seq);
    } else if (msg->kind == MCPZ_MSG_MEMBER) {
        on_news(members, now, from, msg, out);
    }
}

static void on_leave(struct mcpz_members *members, mcpz_time now, struct mcpz_outbox *out)
{
    members->leaving = true;
    set_state(members, &members->members[0], MCPZ_MEMBER_LEFT, now);
    spread(&members->members[0], NULL, out);
}

static void on_tick(struct mcpz_members *members, mcpz_time now, struct mcpz_outbox *out)
{
    forget_the_dead(members, now); /* first: it moves rows */
    check_neighbours(members, now, out);
    bury_silent_suspects(members, now, out);
    dial_members(members, now, out);
    dial_seeds(members, now, out);
    compare_rows(members, now, out);
}

/* ---- The machine -------------------------------------------------------------------------- */

void mcpz_members_init(struct mcpz_members *members, const struct mcpz_members_config *config,
                       const struct mcpz_node_timing *timing, uint64_t seed, mcpz_time now)
{
    assert(config->role_count <= MCPZ_ROLES_MAX);
    assert(timing->redial_min_us > 0 && timing->redial_max_us <= UINT32_MAX);

    *members = (struct mcpz_members){.timing = timing, .member_count = 1};
    mcpz_rng_init(&members->rng, seed);
    members->compare_at_us =
        now + timing->anti_entropy_us / 2 + jitter(members, timing->anti_entropy_us / 2);

    struct mcpz_member *self = &members->members[0];
    self->id = config->id;
    self->incarnation = config->incarnation;
    self->state = MCPZ_MEMBER_ALIVE;
    self->since_us = now;
    self->suspect_until_us = MCPZ_TIME_NEVER;
    self->dial_at_us = MCPZ_TIME_NEVER;
    mcpz_bytes_to_text(mcpz_text(config->name), self->name, sizeof(self->name));
    mcpz_bytes_to_text(mcpz_text(config->address), self->address, sizeof(self->address));
    mcpz_bytes_to_text(mcpz_text(config->region), self->region, sizeof(self->region));
    mcpz_bytes_to_text(mcpz_text(config->zone), self->zone, sizeof(self->zone));
    self->role_count = config->role_count;
    for (size_t i = 0; i < config->role_count; i++) {
        mcpz_bytes_to_text(mcpz_text(config->roles[i]), self->roles[i], sizeof(self->roles[i]));
    }
}

void mcpz_members_step(struct mcpz_members *members, mcpz_time now, const struct mcpz_event *event,
                       struct mcpz_outbox *out)
{
    assert(members->member_count >= 1);

    if (event->kind == MCPZ_EVENT_TICK) {
        on_tick(members, now, out);
    } else if (event->kind == MCPZ_EVENT_RECV) {
        on_message(members, now, &event->recv.from, event->recv.msg, out);
    } else if (event->kind == MCPZ_EVENT_LINK_UP) {
        on_link_up(members, now, event, out);
    } else if (event->kind == MCPZ_EVENT_LINK_DOWN) {
        struct mcpz_neighbour *neighbour = find_neighbour(members, &event->link.peer);
        if (neighbour != NULL) {
            drop_neighbour(members, neighbour, event->link.reason, now, out);
        }
    } else if (event->kind == MCPZ_EVENT_SEED) {
        on_seed(members, now, event->seed.address);
    } else if (event->kind == MCPZ_EVENT_LEAVE) {
        on_leave(members, now, out);
    }

    assert(members->neighbour_count <= MCPZ_LINKS_MAX);
}

void mcpz_members_sink(const struct mcpz_members *members, struct mcpz_outbox *out, size_t first)
{
    for (size_t i = first; i < out->count; i++) {
        struct mcpz_action *action = &out->actions[i];
        if (action->kind != MCPZ_ACTION_BROADCAST) {
            continue;
        }
        struct mcpz_id *peers =
            mcpz_arena_take(&out->arena, members->neighbour_count, sizeof(*peers));
        assert(peers != NULL);
        size_t count = 0;
        for (size_t j = 0; j < members->neighbour_count; j++) {
            if (!mcpz_id_equal(&members->neighbours[j].id, &action->send.except)) {
                peers[count++] = members->neighbours[j].id;
            }
        }
        action->kind = MCPZ_ACTION_SEND;
        action->send.peers = peers;
        action->send.peer_count = count;
    }
}

mcpz_time mcpz_members_deadline(const struct mcpz_members *members)
{
    const struct mcpz_node_timing *timing = members->timing;
    bool may_dial = !members->leaving && members->neighbour_count < MCPZ_LINKS_MAX;
    mcpz_time deadline = members->neighbour_count > 0 ? members->compare_at_us : MCPZ_TIME_NEVER;

    for (size_t i = 0; i < members->neighbour_count; i++) {
        const struct mcpz_neighbour *neighbour = &members->neighbours[i];
        deadline = mcpz_time_min(deadline, neighbour->ping_at_us);
        deadline = mcpz_time_min(deadline, neighbour->heard_us + timing->link_silent_us);
    }
    for (size_t i = 1; i < members->member_count; i++) {
        const struct mcpz_member *member = &members->members[i];
        deadline = mcpz_time_min(deadline, member->suspect_until_us);
        if (may_dial) {
            deadline = mcpz_time_min(deadline, member->dial_at_us);
        }
    }
    for (size_t i = 0; i < members->seed_count && !members->leaving; i++) {
        const struct mcpz_seed *seed = &members->seeds[i];
        if (members->neighbour_count == 0 || mcpz_id_is_zero(&seed->peer)) {
            deadline = mcpz_time_min(deadline, seed->dial_at_us);
        }
    }
    return deadline;
}

const struct mcpz_member *mcpz_members_find(const struct mcpz_members *members,
                                            const struct mcpz_id *id)
{
    for (size_t i = 0; i < members->member_count; i++) {
        if (mcpz_id_equal(&members->members[i].id, id)) {
            return &members->members[i];
        }
    }
    return NULL;
}

const struct mcpz_neighbour *mcpz_members_neighbour(const struct mcpz_members *members,
                                                    const struct mcpz_id *id)
{
    for (size_t i = 0; i < members->neighbour_count; i++) {
        if (mcpz_id_equal(&members->neighbours[i].id, id)) {
            return &members->neighbours[i];
        }
    }
    return NULL;
}

size_t mcpz_members_alive_count(const struct mcpz_members *members)
{
    size_t count = 0;
    for (size_t i = 0; i < members->member_count; i++) {
        count += !is_gone(&members->members[i]);
    }
    return count;
}
