/*
 * The sessions of a relay: a bounded table, the numbers of their keys, and what is told of them.
 *
 * For core/relay.c and core/relay/ only.
 */

#ifndef CORE_RELAY_SESSIONS_H
#define CORE_RELAY_SESSIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "core/relay.h"

/* A step, from the inside. */
struct mcpz_relay_turn {
    struct mcpz_relay *relay;
    const struct mcpz_fabric *fabric;
    mcpz_time now;
    struct mcpz_outbox *out;
};

#define MCPZ_RELAY_SILENT_US MCPZ_SECONDS(7) /* nothing heard for so long: the way is broken */
#define MCPZ_RELAY_WAY_US MCPZ_SECONDS(6)    /* members tell of new neighbours within so long */

/** What a hop looks at in this step. */
struct mcpz_carrier_sight mcpz_sessions_sight(const struct mcpz_relay_turn *turn);

/** Our number for a session's keys: of those in use, or of its newest greeting (`next`). */
uint32_t mcpz_sessions_keys(const struct mcpz_relay *relay,
                            const struct mcpz_relay_session *session, bool next);
void mcpz_sessions_forget_keys(struct mcpz_relay *relay, const struct mcpz_relay_session *session,
                               bool next);

/** The session with this peer, or NULL. */
struct mcpz_relay_session *mcpz_sessions_find(struct mcpz_relay *relay,
                                              const struct mcpz_id *peer);

/** The session of this number, with a peer of this short name, or NULL. */
struct mcpz_relay_session *mcpz_sessions_find_short(struct mcpz_relay *relay,
                                                    struct mcpz_short name, uint64_t number);

/** A free place, or that of who is least missed, which is told. NULL: all are needed. */
struct mcpz_relay_session *mcpz_sessions_take(struct mcpz_relay *relay, const struct mcpz_id *peer,
                                              mcpz_time now, struct mcpz_outbox *out);

/** Let go of one that no call needs. */
void mcpz_sessions_let_go(struct mcpz_relay *relay, struct mcpz_relay_session *session,
                          struct mcpz_outbox *out);

/** Let go of it, and say nothing. */
void mcpz_sessions_release(struct mcpz_relay *relay, struct mcpz_relay_session *session);

void mcpz_sessions_tell(enum mcpz_fact_kind kind, const struct mcpz_id *about, uint32_t reason,
                        struct mcpz_outbox *out);

/** It is over: calls that count on it are told, and those that wait for it. */
void mcpz_sessions_end(struct mcpz_relay *relay, struct mcpz_relay_session *session,
                       struct mcpz_outbox *out);
void mcpz_sessions_end_all(struct mcpz_relay *relay, struct mcpz_outbox *out);

/** Send bytes to the other end of `way`. False: they cannot be sent. */
bool mcpz_sessions_send(struct mcpz_relay_turn *turn, const struct mcpz_relay_way *way,
                        enum mcpz_relay_kind kind, struct mcpz_bytes bytes);

/** Answer what came and is not for us to take. */
void mcpz_sessions_turn_back(struct mcpz_relay_turn *turn, const struct mcpz_msg_relay *message);

#endif
