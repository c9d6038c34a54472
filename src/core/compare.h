/*
 * Comparing tables of members: what a broadcast missed (a link that came or went at the wrong
 * moment, a cut that healed).
 *
 * Heartbeats carry a digest. Where two differ for two in a row, or at once on a new link, the one
 * with the smaller id says how far along each of its rows is; the other sends what that lacks, and
 * says the same of itself. Rows taken in are rows their members made: no news comes of it. Only of
 * who is dead elsewhere we begin to ask (core/members.c).
 */

#ifndef CORE_COMPARE_H
#define CORE_COMPARE_H

#include "core/members.h"

/** A link is new: what its first heartbeat says counts. */
void mcpz_compare_linked(struct mcpz_members *members, const struct mcpz_id *peer);

/** Are tables alike by this digest, and was nothing amiss before? Then all is said. */
bool mcpz_compare_has_nothing_to_say(struct mcpz_members *members, uint32_t digest);

/** A heartbeat has come. */
void mcpz_compare_ping(struct mcpz_members *members, mcpz_time now, const struct mcpz_id *peer,
                       uint32_t digest, struct mcpz_outbox *out);

/** A SUMMARY of members has come: send what it lacks, and answer it. */
void mcpz_compare_summary(struct mcpz_members *members, const struct mcpz_id *peer,
                          const struct mcpz_msg_summary *summary, struct mcpz_outbox *out);

/** The row as the message its member made of itself; texts are borrowed from the table. */
struct mcpz_msg mcpz_news_of(const struct mcpz_roster *roster, const struct mcpz_member *member,
                             struct mcpz_outbox *out);

/** What the row says of its neighbours, as a message; borrowed from the table. */
struct mcpz_msg mcpz_adjacency_of(const struct mcpz_roster *roster,
                                  const struct mcpz_member *member);

/** That a member is dead, in our own words. */
struct mcpz_msg mcpz_death_of(const struct mcpz_roster *roster, const struct mcpz_member *member);

#endif
