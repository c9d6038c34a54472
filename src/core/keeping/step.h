/* One step of keeping, for its parts only. */

#ifndef CORE_KEEPING_STEP_H
#define CORE_KEEPING_STEP_H

#include "core/crdt/mail.h"
#include "core/keeping.h"

struct mcpz_keeping_step {
    struct mcpz_keeping *keeping;
    const struct mcpz_keeping_below *below;
    mcpz_time now;
    uint64_t wall_ms; /* 0: not known */
    struct mcpz_outbox *out;
    struct mcpz_mail mail;
};

/** Does what is sent to it go out: is there a link, or a session through others? */
static inline bool mcpz_keeping_is_linked(const struct mcpz_keeping_step *step,
                                          const struct mcpz_id *node)
{
    const struct mcpz_relay *relay = step->below->relay;

    return mcpz_links_find(&step->below->fabric->links, node) != NULL ||
           (relay != NULL && mcpz_relay_reaches(relay, node));
}

/**
 * How many copies there are to be of what everybody keeps, as there is no layout: as many as there
 * are members, up to MCPZ_COPIES_WITHOUT_LAYOUT. Those that are away count, and those that were
 * met before the last start and have not been heard of since: of one that is alone a quorum would
 * be itself, and what it has promised is lost with its disk.
 */
uint32_t mcpz_keeping_copies(const struct mcpz_keeping_step *step);

/** Is it a member that has not gone? */
static inline bool mcpz_keeping_is_there(const struct mcpz_keeping_step *step,
                                         const struct mcpz_id *node)
{
    return mcpz_roster_is_there(&step->below->fabric->members.roster, node);
}

/** May it miss what is sent to it: is there no link, or is it suspected? */
static inline bool mcpz_keeping_may_miss(const struct mcpz_keeping_step *step,
                                         const struct mcpz_id *node)
{
    const struct mcpz_member *member = mcpz_members_find(&step->below->fabric->members, node);

    return !mcpz_keeping_is_linked(step, node) || member == NULL ||
           member->state != MCPZ_MEMBER_ALIVE;
}

/** Have a link to who is there and not linked; a session through others, if there cannot be one.
 */
static inline void mcpz_keeping_reach(struct mcpz_keeping_step *step, const struct mcpz_id *node)
{
    if (!mcpz_keeping_is_linked(step, node) && mcpz_keeping_is_there(step, node)) {
        struct mcpz_action *reach = mcpz_outbox_append(step->out, MCPZ_ACTION_REACH);
        reach->reach.peer = *node;
        reach->reach.or_relay = true;
    }
}

#endif
