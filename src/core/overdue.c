#include "core/overdue.h"

#include "core/judging.h"

#define LOOK_AGAIN_US MCPZ_MS(500)

mcpz_time mcpz_overdue_silence(const struct mcpz_members *members)
{
    return members->timing->link_silent_us * MCPZ_CROWD_SILENCE_TENTHS / 10;
}

bool mcpz_overdue_is_crowd(const struct mcpz_members *members, mcpz_time now)
{
    return mcpz_members_doubts_many(members) ||
           (members->crowd_us != 0 &&
            now < members->crowd_us + MCPZ_CROWD_PATIENCE * members->timing->link_silent_us);
}

static void look_at(struct mcpz_members *members, mcpz_time at_us)
{
    members->overdue_at_us = mcpz_time_min(members->overdue_at_us, at_us);
}

static mcpz_time silent_at(const struct mcpz_members *members, const struct mcpz_linked *link)
{
    return link->heard_us + link->promised_us + mcpz_overdue_silence(members);
}

/* It is late. In a crowd its link stands for longer than it takes to tell. */
static void wait_for(struct mcpz_members *members, const struct mcpz_links *links,
                     const struct mcpz_linked *link, struct mcpz_member *member, mcpz_time now,
                     struct mcpz_outbox *out)
{
    const mcpz_time silent_at_us = silent_at(members, link);

    /* Once: whoever answers for itself is not asked again over a link that says nothing. */
    const bool is_due = silent_at_us <= now && silent_at_us > members->overdue_seen_us;
    if (is_due && mcpz_overdue_is_crowd(members, now)) {
        mcpz_judging_accuse(members, links, member, MCPZ_SUSPICION_SILENT, now, out);
    }
    mcpz_judging_add_doubt(members, member, now, out);
    look_at(members, now < silent_at_us ? mcpz_time_min(silent_at_us, now + LOOK_AGAIN_US)
                                        : now + LOOK_AGAIN_US);
}

/* It is late. What we have to say of it is said, or looked at later. */
static void consider(struct mcpz_members *members, const struct mcpz_links *links,
                     const struct mcpz_linked *link, struct mcpz_member *member, mcpz_time now,
                     struct mcpz_outbox *out)
{
    members->crowd_us = mcpz_members_doubts_many(members) ? now : members->crowd_us;
    if (member->state == MCPZ_MEMBER_ALIVE && mcpz_overdue_is_crowd(members, now) &&
        now < silent_at(members, link)) {
        mcpz_judging_note_slow(member, now);
        look_at(members, mcpz_time_min(silent_at(members, link), now + LOOK_AGAIN_US));
        return;
    }
    mcpz_judging_accuse(members, links, member, MCPZ_SUSPICION_LATE, now, out);
    wait_for(members, links, link, member, now, out);
}

void mcpz_overdue_note(struct mcpz_members *members, const struct mcpz_links *links,
                       struct mcpz_member *member, mcpz_time now, struct mcpz_outbox *out)
{
    const struct mcpz_linked *link = mcpz_links_find(links, &member->id);

    if (link != NULL && !mcpz_member_is_gone(member)) {
        consider(members, links, link, member, now, out);
    }
}

void mcpz_overdue_tick(struct mcpz_members *members, const struct mcpz_links *links, mcpz_time now,
                       struct mcpz_outbox *out)
{
    if (members->overdue_at_us > now) {
        return;
    }
    members->overdue_at_us = MCPZ_TIME_NEVER;
    for (size_t i = 0; i < links->count; i++) {
        const struct mcpz_linked *link = &links->links[i];
        struct mcpz_member *member =
            link->late ? mcpz_roster_find(&members->roster, &link->id) : NULL;
        if (member != NULL && !mcpz_member_is_gone(member)) {
            consider(members, links, link, member, now, out);
        }
    }
    members->overdue_seen_us = now;
}
