#include "core/recall.h"

#include "core/judging.h"
#include "core/route.h"

#define RECONNECT_EASES_US MCPZ_SECONDS(60)
#define RECONNECT_EASES_MAX 30
#define LONG_SUSPECT_US MCPZ_SECONDS(5)
#define TOO_LONG_SUSPECT_US MCPZ_SECONDS(15)
#define LOOK_US MCPZ_SECONDS(1) /* after we woke: a link may have been made anew by then */
/* Of `unreached`: it is to be looked at, however often it was not reached before. */
#define LOST_AS_WE_WOKE UINT8_MAX

void mcpz_recall_reach(const struct mcpz_members *members, const struct mcpz_member *member,
                       struct mcpz_outbox *out)
{
    struct mcpz_bytes address = mcpz_roster_address(&members->roster, member);

    if (address.length > 0 && !members->leaving) {
        struct mcpz_action *action = mcpz_outbox_append(out, MCPZ_ACTION_REACH);
        action->reach.peer = member->id;
        action->reach.address = mcpz_outbox_keep(out, address);
    }
}

/* ---- Who was lost as we woke -------------------------------------------------------------- */

void mcpz_recall_later(struct mcpz_members *members, struct mcpz_member *member, mcpz_time now)
{
    if (member->state == MCPZ_MEMBER_ALIVE) {
        member->unreached = LOST_AS_WE_WOKE;
        members->look_at_us = mcpz_time_min(members->look_at_us, now + LOOK_US);
    }
}

/*
 * Others may have a link to it, and see what becomes of it; where nobody has, nobody but us will
 * ever say that it is lost: of two nodes the one that stood still when the other died would hold
 * it for alive for ever.
 */
static void look_again(struct mcpz_members *members, const struct mcpz_links *links, mcpz_time now,
                       struct mcpz_outbox *out)
{
    const struct mcpz_route_walk walk = {.now = now};
    struct mcpz_route_map map;

    if (members->look_at_us > now) {
        return;
    }
    members->look_at_us = MCPZ_TIME_NEVER;
    mcpz_route_draw(&map, &members->roster, &walk);
    for (size_t i = 1; i < members->roster.count; i++) {
        struct mcpz_member *row = &members->roster.rows[i];
        if (row->unreached != LOST_AS_WE_WOKE) {
            continue;
        }
        row->unreached = 0;
        if (mcpz_links_have_just_woken(links, now)) {
            mcpz_recall_later(members, row, now);
        } else if (row->state == MCPZ_MEMBER_ALIVE && mcpz_links_find(links, &row->id) == NULL &&
                   !mcpz_route_leads_to(&map, (uint16_t)i)) {
            mcpz_judging_accuse(members, links, row, MCPZ_SUSPICION_UNREACHABLE, now, out);
            mcpz_recall_reach(members, row, out);
        }
    }
}

/* ---- Who is gone, or in doubt ------------------------------------------------------------- */

static bool has_address(const struct mcpz_members *members, const struct mcpz_member *member)
{
    return mcpz_roster_address(&members->roster, member).length > 0;
}

/* One of those in a state since `before_us`, by lot. NULL: there is none. The dead can only be
 * dialled. */
static const struct mcpz_member *pick(struct mcpz_members *members, enum mcpz_member_state state,
                                      mcpz_time before_us, uint32_t *count)
{
    const struct mcpz_roster *roster = &members->roster;
    const struct mcpz_member *chosen = NULL;

    *count = 0;
    for (size_t i = 1; i < roster->count; i++) {
        const struct mcpz_member *row = &roster->rows[i];
        if (row->state == (uint8_t)state && row->since_us <= before_us &&
            (state != MCPZ_MEMBER_DEAD || has_address(members, row)) &&
            mcpz_rng_below(&members->rng, ++*count) == 0) {
            chosen = row;
        }
    }
    return chosen;
}

/* Who is linked is asked whether it lives; so is who has become so, by on_linked(). */
static void ask_or_reach(const struct mcpz_members *members, const struct mcpz_links *links,
                         const struct mcpz_member *member, struct mcpz_outbox *out)
{
    if (mcpz_links_find(links, &member->id) != NULL) {
        mcpz_judging_ask_back(members, member, out);
    } else {
        mcpz_recall_reach(members, member, out);
    }
}

/*
 * Somebody gone, by lot. All nodes together try each of them about once in reconnect_us at first,
 * and ever less often: a machine that was taken away costs next to nothing. Each draws anew every
 * time: if all began to wait for their turn when somebody is buried, all would try at once, and
 * then nobody for long.
 */
static void reconnect(struct mcpz_members *members, const struct mcpz_links *links, mcpz_time now,
                      struct mcpz_outbox *out)
{
    const mcpz_time wait = members->timing->reconnect_us;
    uint32_t dead;

    if (members->reconnect_at_us > now) {
        return;
    }
    members->reconnect_at_us = now + wait / 2 + mcpz_rng_below(&members->rng, (uint32_t)wait + 1);
    const struct mcpz_member *chosen = mcpz_roster_has_dead(&members->roster)
                                           ? pick(members, MCPZ_MEMBER_DEAD, now, &dead)
                                           : NULL;
    if (chosen == NULL) {
        return;
    }
    const mcpz_time eased = 1 + (now - chosen->since_us) / RECONNECT_EASES_US;
    const size_t share = mcpz_roster_alive_count(&members->roster) / dead;
    const mcpz_time turns = (share > 1 ? share : 1) * mcpz_time_min(eased, RECONNECT_EASES_MAX);
    if (mcpz_rng_below(&members->rng, (uint32_t)turns) == 0) {
        ask_or_reach(members, links, chosen, out);
    }
}

/*
 * Nobody can dial it: it is asked as it was told first, through all others. What was said then may
 * have been lost, and a suspicion that somebody else speaks against does not end by itself. Who
 * knows it by hearsay may be the only one as well: by lot, and the likelier the longer it lasts.
 */
static void ask_through_all(struct mcpz_members *members, const struct mcpz_member *member,
                            bool is_ours, mcpz_time now, struct mcpz_outbox *out)
{
    const mcpz_time turns = (now - member->since_us) / TOO_LONG_SUSPECT_US;

    if (turns == 0 || members->neighbour_count == 0 || members->leaving) {
        return;
    }
    const mcpz_time share = mcpz_roster_alive_count(&members->roster) / turns;
    if (is_ours || mcpz_rng_below(&members->rng, (uint32_t)(share > 1 ? share : 1)) == 0) {
        mcpz_judging_ask_all(members, member, out);
    }
}

/*
 * Who is suspect for so long may not know: what was said of it in a cut never got there, and
 * tables that differ in a suspicion only are not compared. It may be ours alone: we ask it. Of
 * those that know it by hearsay, all together dial it about once in reconnect_us; but who still
 * doubts it after long may be the only one.
 */
static void ask_suspects(struct mcpz_members *members, const struct mcpz_links *links,
                         mcpz_time now, struct mcpz_outbox *out)
{
    const mcpz_time wait = members->timing->reconnect_us;
    uint32_t count;

    if (members->suspicions.count == 0 || members->ask_at_us > now) {
        return;
    }
    members->ask_at_us = now + wait / 2 + mcpz_rng_below(&members->rng, (uint32_t)wait + 1);
    const mcpz_time before_us = now > LONG_SUSPECT_US ? now - LONG_SUSPECT_US : 0;
    const struct mcpz_member *chosen = pick(members, MCPZ_MEMBER_SUSPECT, before_us, &count);
    if (chosen == NULL) {
        return;
    }
    const size_t alive = mcpz_roster_alive_count(&members->roster);
    const bool is_linked = mcpz_links_find(links, &chosen->id) != NULL;
    const bool is_ours = mcpz_suspicion_is_by(mcpz_members_suspicion(members, chosen),
                                              mcpz_short_of(&mcpz_members_self(members)->id));
    const bool is_long = now >= chosen->since_us + TOO_LONG_SUSPECT_US;
    if (!is_linked && !has_address(members, chosen)) {
        ask_through_all(members, chosen, is_ours, now, out);
    } else if (is_linked || is_ours || is_long ||
               mcpz_rng_below(&members->rng, (uint32_t)alive) < count) {
        ask_or_reach(members, links, chosen, out);
    }
}

void mcpz_recall_tick(struct mcpz_members *members, const struct mcpz_links *links, mcpz_time now,
                      struct mcpz_outbox *out)
{
    look_again(members, links, now, out);
    reconnect(members, links, now, out);
    ask_suspects(members, links, now, out);
}
