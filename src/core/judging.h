/*
 * From suspicion to conviction: what is done with hints that a member is gone, by the rules of
 * members.h. For core/members.c and core/recall.c only, which take in what is heard and seen.
 */

#ifndef CORE_JUDGING_H
#define CORE_JUDGING_H

#include "core/members.h"

#define MCPZ_FLAPS_US MCPZ_SECONDS(60) /* who was doubted and there is slow for so long */

/** State a fact about a member: its state, or that we refuted. */
void mcpz_judging_tell(const struct mcpz_members *members, const struct mcpz_member *member,
                       enum mcpz_fact_kind kind, struct mcpz_outbox *out);

/** A member is in a state from now on. Closes its case unless that is SUSPECT; tells nothing. */
void mcpz_judging_set_state(struct mcpz_members *members, struct mcpz_member *member,
                            enum mcpz_member_state state, mcpz_time now);

/** Before it is called alive: it was doubted, and is there. How often, lately? */
void mcpz_judging_note_flap(struct mcpz_member *member, mcpz_time now);

/** It is late, as many are, and we do not say so: it is slow as if we had, and it had answered. */
void mcpz_judging_note_slow(struct mcpz_member *member, mcpz_time now);

/** Is a member linked, and not late? */
bool mcpz_judging_is_heard(const struct mcpz_links *links, const struct mcpz_member *member);

/** A member is dead: tell it, but no peer. */
void mcpz_judging_bury(struct mcpz_members *members, struct mcpz_member *member, mcpz_time now,
                       struct mcpz_outbox *out);

/** Say that we doubt a member, to everybody and to itself, and judge it. */
void mcpz_judging_accuse(struct mcpz_members *members, const struct mcpz_links *links,
                         struct mcpz_member *member, enum mcpz_suspicion reason, mcpz_time now,
                         struct mcpz_outbox *out);

/** Weigh what another observer says of a member that is not gone, and judge it. */
void mcpz_judging_hear(struct mcpz_members *members, const struct mcpz_links *links,
                       struct mcpz_member *member, const struct mcpz_msg_suspect *news,
                       mcpz_time now, struct mcpz_outbox *out);

/** If we wait for a member that enough have lost, say so to all: they need not wait for us. */
void mcpz_judging_add_doubt(const struct mcpz_members *members, const struct mcpz_member *member,
                            mcpz_time now, struct mcpz_outbox *out);

/** Tell a linked member what is said of it, so that it can answer. */
void mcpz_judging_ask_back(const struct mcpz_members *members, const struct mcpz_member *member,
                           struct mcpz_outbox *out);

/** Tell a member through all others, which learn that it is in doubt: it answers to all of them.
 */
void mcpz_judging_ask_all(const struct mcpz_members *members, const struct mcpz_member *member,
                          struct mcpz_outbox *out);

/** Judge all whose time has come. */
void mcpz_judging_tick(struct mcpz_members *members, const struct mcpz_links *links, mcpz_time now,
                       struct mcpz_outbox *out);

#endif
