/*
 * Neighbours that are overdue, and what we say of them where many are in doubt at once: one cause
 * is likelier than as many deaths (a host without processors to spare), and it may pass.
 *
 * Who is late is doubted aloud at once, as long as few are. One more of many is only remembered as
 * slow, each observer for itself: to tell all, and all the answer, costs a hundred messages and
 * more for each of them. The links of many are not given up as soon as others (core/fabric.c); so
 * whoever has been overdue for MCPZ_CROWD_SILENCE times as long as loses a link is called silent
 * although its own stands: who gets a processor now and then has been heard by then.
 * For core/members.c only.
 */

#ifndef CORE_OVERDUE_H
#define CORE_OVERDUE_H

#include "core/members.h"

/** A linked member is late: doubt it, or look at it again. */
void mcpz_overdue_note(struct mcpz_members *members, const struct mcpz_links *links,
                       struct mcpz_member *member, mcpz_time now, struct mcpz_outbox *out);

/** Speak of those whose time has come. */
void mcpz_overdue_tick(struct mcpz_members *members, const struct mcpz_links *links, mcpz_time now,
                       struct mcpz_outbox *out);

/** Are many in doubt, or were so lately that links may still be kept for it? */
bool mcpz_overdue_is_crowd(const struct mcpz_members *members, mcpz_time now);

/** For how long somebody is overdue, where many are, before it is called silent. */
mcpz_time mcpz_overdue_silence(const struct mcpz_members *members);

#endif
