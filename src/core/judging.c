#include "core/judging.h"

#include "core/compare.h"
#include "core/overdue.h"

#define LOST_ENOUGH 3 /* observers who have lost a member, and they are all it has */
#define CROWD_LOST_ENOUGH                                                                         \
    1                    /* who have called one of many silent, until all say that they wait      \
                          */
#define REFUSED_ENOUGH 2 /* observers whose redial was refused */
#define SOON_US MCPZ_MS(100)
#define JUDGE_AGAIN_US MCPZ_MS(500)
#define ALLOWANCE_US (MCPZ_SECONDS(60) / MCPZ_SUSPECTS_PER_MINUTE)

/* ---- Rows --------------------------------------------------------------------------------- */

void mcpz_judging_tell(const struct mcpz_members *members, const struct mcpz_member *member,
                       enum mcpz_fact_kind kind, struct mcpz_outbox *out)
{
    struct mcpz_bytes address = mcpz_roster_address(&members->roster, member);

    mcpz_outbox_fact(out, &(struct mcpz_fact){
                              .kind = kind,
                              .about = member->id,
                              .incarnation = member->incarnation,
                              .reason = kind == MCPZ_FACT_ALIVE ? 0 : member->reason,
                              .detail = mcpz_outbox_keep(out, address),
                          });
}

static void close_case(struct mcpz_members *members, struct mcpz_member *member)
{
    if (member->suspicion != 0) {
        mcpz_suspicions_close(&members->suspicions, member->suspicion);
        member->suspicion = 0;
    }
}

void mcpz_judging_set_state(struct mcpz_members *members, struct mcpz_member *member,
                            enum mcpz_member_state state, mcpz_time now)
{
    if (now >= member->since_us + MCPZ_FLAPS_US) {
        member->flaps = 0; /* it has been well, or away, for long */
    }
    if (member->state != (uint8_t)state) {
        member->since_us = now;
    }
    member->state = (uint8_t)state;
    if (state != MCPZ_MEMBER_SUSPECT) {
        close_case(members, member);
    }
    if (state == MCPZ_MEMBER_ALIVE) {
        member->reason = 0;
        member->unreached = 0;
    }
    mcpz_roster_changed(&members->roster);
}

void mcpz_judging_note_flap(struct mcpz_member *member, mcpz_time now)
{
    bool was_doubted = member->state == MCPZ_MEMBER_SUSPECT || member->state == MCPZ_MEMBER_DEAD;

    if (was_doubted && now < member->since_us + MCPZ_FLAPS_US && member->flaps < UINT8_MAX) {
        member->flaps++;
    }
}

void mcpz_judging_note_slow(struct mcpz_member *member, mcpz_time now)
{
    if (mcpz_members_flaps(member, now) == 0) {
        member->flaps = 1;
        member->since_us = now;
    }
}

/* ---- Judging ------------------------------------------------------------------------------ */

/*
 * A node that has lost all its neighbours cannot tell who died: it judges nobody (DESIGN 5). With
 * a single other member there is nothing to tell apart.
 */
static bool is_cut_off(const struct mcpz_members *members)
{
    return members->neighbour_count == 0 && mcpz_roster_alive_count(&members->roster) > 2;
}

bool mcpz_judging_is_heard(const struct mcpz_links *links, const struct mcpz_member *member)
{
    const struct mcpz_linked *link = mcpz_links_find(links, &member->id);
    return link != NULL && !link->late;
}

/* Does a member count another among its neighbours? */
static bool has_neighbour(const struct mcpz_members *members, const struct mcpz_member *row,
                          struct mcpz_short name)
{
    const struct mcpz_short *peers = mcpz_roster_adjacency(&members->roster, row);

    for (size_t i = 0; i < row->adjacency_count; i++) {
        if (peers[i].value == name.value) {
            return true;
        }
    }
    return false;
}

/* Does somebody who is alive, and has not said otherwise, count it among its neighbours? */
static bool has_support(const struct mcpz_members *members, const struct mcpz_member *member,
                        const struct mcpz_suspicion_case *suspicion)
{
    const struct mcpz_roster *roster = &members->roster;
    const struct mcpz_short name = mcpz_short_of(&member->id);

    for (size_t i = 1; i < roster->count; i++) {
        const struct mcpz_member *row = &roster->rows[i];
        if (row->state == MCPZ_MEMBER_ALIVE && row != member &&
            !mcpz_suspicion_is_by(suspicion, roster->names[i]) &&
            has_neighbour(members, row, name)) {
            return true;
        }
    }
    return false;
}

/* How many could have seen that it is gone: its neighbours, as far as it has told. Those that are
 * gone themselves see nothing: many may go at once. */
static size_t possible_observers(const struct mcpz_members *members,
                                 const struct mcpz_member *member)
{
    const struct mcpz_short *peers = mcpz_roster_adjacency(&members->roster, member);
    size_t count = 0;

    for (size_t i = 0; i < member->adjacency_count; i++) {
        const struct mcpz_member *observer = mcpz_roster_find_short(&members->roster, peers[i]);
        count += observer == NULL || !mcpz_member_is_gone(observer);
    }
    return count > 0 ? count : 1;
}

static mcpz_time grace_end(const struct mcpz_members *members, const struct mcpz_links *links,
                           const struct mcpz_member *member,
                           const struct mcpz_suspicion_case *suspicion)
{
    const mcpz_time grace_us =
        mcpz_suspicion_grace(mcpz_roster_alive_count(&members->roster), suspicion->observer_count,
                             possible_observers(members, member), members->timing->suspect_us) *
        (links->health + 1);
    const mcpz_time least_us =
        mcpz_members_doubts_many(members) ? mcpz_overdue_silence(members) : 0;

    return suspicion->first_us + (grace_us > least_us ? grace_us : least_us);
}

static bool have_enough_lost_it(const struct mcpz_members *members,
                                const struct mcpz_member *member,
                                const struct mcpz_suspicion_case *suspicion, mcpz_time now)
{
    const size_t possible = possible_observers(members, member);
    const size_t wanted = possible < LOST_ENOUGH ? possible : LOST_ENOUGH;
    const size_t lost = mcpz_suspicion_count_lost(suspicion);

    return lost >= wanted || (lost >= CROWD_LOST_ENOUGH && suspicion->observer_count >= wanted &&
                              mcpz_overdue_is_crowd(members, now));
}

/* The rules of members.h, for who is suspect. */
static bool is_convicted(const struct mcpz_members *members, const struct mcpz_links *links,
                         const struct mcpz_member *member,
                         const struct mcpz_suspicion_case *suspicion, mcpz_time now)
{
    if (is_cut_off(members) || mcpz_judging_is_heard(links, member)) {
        return false;
    }
    size_t possible = possible_observers(members, member);
    size_t refused_enough = possible < REFUSED_ENOUGH ? possible : REFUSED_ENOUGH;
    if (mcpz_suspicion_count(suspicion, MCPZ_SUSPICION_REFUSED) >= refused_enough) {
        return true;
    }
    bool early = have_enough_lost_it(members, member, suspicion, now) &&
                 now >= suspicion->first_us + members->timing->early_us;
    bool late = now >= grace_end(members, links, member, suspicion);

    return (early || late) && !has_support(members, member, suspicion);
}

void mcpz_judging_bury(struct mcpz_members *members, struct mcpz_member *member, mcpz_time now,
                       struct mcpz_outbox *out)
{
    mcpz_judging_set_state(members, member, MCPZ_MEMBER_DEAD, now);
    mcpz_judging_tell(members, member, MCPZ_FACT_DEAD, out);
    /* It may have been an observer of others. */
    mcpz_suspicions_look_at(&members->suspicions, now + SOON_US);
}

/* When a suspect is to be judged again. What has not convicted it by then may do so later. */
static mcpz_time look_again(const struct mcpz_members *members, const struct mcpz_links *links,
                            const struct mcpz_member *member,
                            const struct mcpz_suspicion_case *suspicion, mcpz_time now)
{
    mcpz_time at = grace_end(members, links, member, suspicion);

    if (have_enough_lost_it(members, member, suspicion, now)) {
        at = mcpz_time_min(at, suspicion->first_us + members->timing->early_us);
    }
    return at > now ? at : now + JUDGE_AGAIN_US;
}

static void judge(struct mcpz_members *members, const struct mcpz_links *links,
                  struct mcpz_member *member, mcpz_time now, struct mcpz_outbox *out)
{
    struct mcpz_suspicion_case *suspicion =
        mcpz_suspicions_get(&members->suspicions, member->suspicion);

    if (suspicion == NULL) {
        return;
    }
    if (!is_convicted(members, links, member, suspicion, now)) {
        suspicion->look_us = look_again(members, links, member, suspicion, now);
        if (now >= grace_end(members, links, member, suspicion) && !is_cut_off(members) &&
            mcpz_suspicion_count_lost(suspicion) == 0) {
            mcpz_judging_note_flap(member, now);
            mcpz_judging_set_state(members, member, MCPZ_MEMBER_ALIVE,
                                   now); /* somebody vouches for it */
            mcpz_judging_tell(members, member, MCPZ_FACT_ALIVE, out);
        }
        return;
    }
    mcpz_judging_bury(members, member, now, out);
    struct mcpz_msg death = mcpz_death_of(&members->roster, member);
    mcpz_outbox_broadcast(out, NULL, &death);
}

/* ---- Suspecting --------------------------------------------------------------------------- */

/* Weigh what an observer says of a member that is not gone. False: it is nothing new. */
static bool weigh(struct mcpz_members *members, struct mcpz_member *member,
                  struct mcpz_short observer, enum mcpz_suspicion reason, mcpz_time now,
                  struct mcpz_outbox *out)
{
    if (member->suspicion == 0) {
        member->suspicion = mcpz_suspicions_open(&members->suspicions, now);
        if (member->suspicion == 0) {
            members->dropped++;
            return false;
        }
    }
    struct mcpz_suspicion_case *suspicion =
        mcpz_suspicions_get(&members->suspicions, member->suspicion);
    if (!mcpz_suspicion_add(suspicion, observer, reason)) {
        return false;
    }
    bool is_new = member->state != MCPZ_MEMBER_SUSPECT;
    member->reason = (uint8_t)reason;
    if (is_new) {
        mcpz_judging_set_state(members, member, MCPZ_MEMBER_SUSPECT, now);
        mcpz_judging_tell(members, member, MCPZ_FACT_SUSPECT, out);
        members->crowd_us = mcpz_members_doubts_many(members) ? now : members->crowd_us;
    }
    return true;
}

/* Lessons.md row 2: one sick node must not be able to make everybody refute. */
static bool may_suspect(struct mcpz_members *members, mcpz_time now)
{
    mcpz_time filled = (now - members->allowance_at_us) / ALLOWANCE_US;

    if (filled > 0) {
        members->allowance_at_us += filled * ALLOWANCE_US;
        uint64_t sum = members->allowance + filled;
        members->allowance =
            (uint32_t)(sum < MCPZ_SUSPECTS_PER_MINUTE ? sum : MCPZ_SUSPECTS_PER_MINUTE);
    }
    if (members->allowance == 0) {
        members->spared++;
        return false;
    }
    members->allowance--;
    return true;
}

/* Have so many lost it that who only waits for it must say so, lest its silence speaks for it? */
static bool is_lost_to_others(const struct mcpz_members *members,
                              const struct mcpz_suspicion_case *suspicion, mcpz_time now)
{
    const size_t enough = mcpz_overdue_is_crowd(members, now) ? CROWD_LOST_ENOUGH : LOST_ENOUGH;

    return mcpz_suspicion_count_lost(suspicion) >= enough;
}

/*
 * Does it matter to the others that we say so too? That it is lost, until as many have said so as
 * a conviction takes. That it is late, from then on: they must not wait for us to lose it as well,
 * who may be more patient, or not well ourselves.
 */
static bool adds_weight(const struct mcpz_members *members, const struct mcpz_member *member,
                        enum mcpz_suspicion reason, mcpz_time now)
{
    const struct mcpz_suspicion_case *suspicion =
        mcpz_suspicions_get(&members->suspicions, member->suspicion);

    if (reason == MCPZ_SUSPICION_REFUSED) {
        return mcpz_suspicion_count(suspicion, reason) <= REFUSED_ENOUGH;
    }
    if (reason == MCPZ_SUSPICION_SILENT || reason == MCPZ_SUSPICION_CLOSED) {
        return mcpz_suspicion_count_lost(suspicion) <= LOST_ENOUGH;
    }
    return reason == MCPZ_SUSPICION_LATE && is_lost_to_others(members, suspicion, now) &&
           has_neighbour(members, mcpz_members_self(members), mcpz_short_of(&member->id));
}

static struct mcpz_msg doubt_of(const struct mcpz_members *members,
                                const struct mcpz_member *member, enum mcpz_suspicion reason)
{
    return (struct mcpz_msg){
        .kind = MCPZ_MSG_SUSPECT,
        .suspect = {.about = member->id,
                    .incarnation = member->incarnation,
                    .observer = mcpz_members_self(members)->id,
                    .reason = (uint32_t)reason},
    };
}

/* What may well pass is not said of who is slow; nor, far from it, of anybody after a crowd. */
static bool is_spared(const struct mcpz_members *members, const struct mcpz_member *member,
                      enum mcpz_suspicion reason, mcpz_time now)
{
    if (reason == MCPZ_SUSPICION_PROBE && members->crowd_us != 0 &&
        now < members->crowd_us + MCPZ_FLAPS_US) {
        return true;
    }
    return (reason == MCPZ_SUSPICION_LATE || reason == MCPZ_SUSPICION_PROBE) &&
           mcpz_members_flaps(member, now) > 0;
}

void mcpz_judging_accuse(struct mcpz_members *members, const struct mcpz_links *links,
                         struct mcpz_member *member, enum mcpz_suspicion reason, mcpz_time now,
                         struct mcpz_outbox *out)
{
    if (members->leaving || mcpz_member_is_gone(member) || is_cut_off(members) ||
        mcpz_links_have_just_woken(links, now)) {
        members->spared++;
        return;
    }
    bool is_new = member->state != MCPZ_MEMBER_SUSPECT;
    if (is_new && is_spared(members, member, reason, now)) {
        return;
    }
    if ((is_new && !may_suspect(members, now)) ||
        !weigh(members, member, mcpz_short_of(&mcpz_members_self(members)->id), reason, now,
               out)) {
        return;
    }
    const struct mcpz_msg msg = doubt_of(members, member, reason);
    if (is_new || adds_weight(members, member, reason, now)) {
        mcpz_outbox_broadcast(out, NULL, &msg);
        mcpz_suspicions_get(&members->suspicions, member->suspicion)->is_told = true;
    } else if (reason == MCPZ_SUSPICION_SILENT || reason == MCPZ_SUSPICION_CLOSED) {
        /* Enough have said so; that we do not vouch for it any more must be heard all the same. */
        members->adjacency_at_us = mcpz_time_min(members->adjacency_at_us, now + SOON_US);
    }
    if (mcpz_links_find(links, &member->id) != NULL) {
        mcpz_outbox_send(out, &member->id, &msg); /* Lifeguard's buddy system */
    }
    judge(members, links, member, now, out);
}

void mcpz_judging_add_doubt(const struct mcpz_members *members, const struct mcpz_member *member,
                            mcpz_time now, struct mcpz_outbox *out)
{
    struct mcpz_suspicion_case *suspicion =
        mcpz_suspicions_get(&members->suspicions, member->suspicion);

    if (suspicion != NULL && !suspicion->is_told && !members->leaving &&
        mcpz_suspicion_is_by(suspicion, mcpz_short_of(&mcpz_members_self(members)->id)) &&
        adds_weight(members, member, MCPZ_SUSPICION_LATE, now)) {
        const struct mcpz_msg msg = doubt_of(members, member, MCPZ_SUSPICION_LATE);
        mcpz_outbox_broadcast(out, NULL, &msg);
        suspicion->is_told = true;
    }
}

void mcpz_judging_hear(struct mcpz_members *members, const struct mcpz_links *links,
                       struct mcpz_member *member, const struct mcpz_msg_suspect *news,
                       mcpz_time now, struct mcpz_outbox *out)
{
    const struct mcpz_short observer = mcpz_short_of(&news->observer);

    if (weigh(members, member, observer, (enum mcpz_suspicion)news->reason, now, out)) {
        mcpz_judging_add_doubt(members, member, now, out);
        judge(members, links, member, now, out);
    }
}

void mcpz_judging_ask_back(const struct mcpz_members *members, const struct mcpz_member *member,
                           struct mcpz_outbox *out)
{
    const struct mcpz_msg msg = doubt_of(members, member, MCPZ_SUSPICION_RUMOUR);

    mcpz_outbox_send(out, &member->id, &msg);
}

void mcpz_judging_ask_all(const struct mcpz_members *members, const struct mcpz_member *member,
                          struct mcpz_outbox *out)
{
    const struct mcpz_msg msg = doubt_of(members, member, MCPZ_SUSPICION_RUMOUR);

    mcpz_outbox_broadcast(out, NULL, &msg);
}

void mcpz_judging_tick(struct mcpz_members *members, const struct mcpz_links *links, mcpz_time now,
                       struct mcpz_outbox *out)
{
    for (size_t i = 1; i < members->roster.count && members->suspicions.count > 0; i++) {
        struct mcpz_member *row = &members->roster.rows[i];
        if (row->suspicion != 0 &&
            mcpz_suspicions_get(&members->suspicions, row->suspicion)->look_us <= now) {
            judge(members, links, row, now, out);
        }
    }
}
