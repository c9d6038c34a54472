/*
 * Asking again for those that are gone, or have been in doubt for long: a mesh that was cut in two
 * finds itself again, and a suspicion that nobody weighs any more ends. And saying of who was lost
 * as we woke what could not be said then. For core/members.c only.
 */

#ifndef CORE_RECALL_H
#define CORE_RECALL_H

#include "core/members.h"

/**
 * A link to a member ended, and we had just woken: nobody was told, as it may have been our fault.
 * It is looked at again when we have been awake for a while.
 */
void mcpz_recall_later(struct mcpz_members *members, struct mcpz_member *member, mcpz_time now);

/** Ask for a link to a member whose address we know. */
void mcpz_recall_reach(const struct mcpz_members *members, const struct mcpz_member *member,
                       struct mcpz_outbox *out);

/** Look at who was lost when we woke; try one of the dead, and one of the suspects, when it is
 * time. */
void mcpz_recall_tick(struct mcpz_members *members, const struct mcpz_links *links, mcpz_time now,
                      struct mcpz_outbox *out);

#endif
