/*
 * How a session of a relay begins, and begins again: a way that has not failed yet, a greeting on
 * it, and what is answered to one.
 *
 * For core/relay.c only.
 */

#ifndef CORE_RELAY_GREETING_H
#define CORE_RELAY_GREETING_H

#include "core/relay/sessions.h"

/** No way of this session may go from here to there, until one has led to its peer. */
void mcpz_greeting_avoid(struct mcpz_relay_session *session, struct mcpz_short from,
                         struct mcpz_short to);

/** It cannot be now. It may be soon, when members have told of each other; or it ends. */
void mcpz_greeting_wait(struct mcpz_relay_turn *turn, struct mcpz_relay_session *session);

/** Has its peer greeted us just now? Then we greet it not: what it says next is in its session. */
bool mcpz_greeting_is_coming(const struct mcpz_relay_session *session, mcpz_time now);

/** Wait for what its peer says in the session that it has greeted us for. */
void mcpz_greeting_expect(struct mcpz_relay_session *session);

/** Greet its peer on another way; where there is none, as mcpz_greeting_wait(). */
void mcpz_greeting_begin(struct mcpz_relay_turn *turn, struct mcpz_relay_session *session);

/** Its way is broken. Who began it finds another one; the other end has to let go. */
void mcpz_greeting_mend(struct mcpz_relay_turn *turn, struct mcpz_relay_session *session);

/** Answer a greeting of another's. */
void mcpz_greeting_answer(struct mcpz_relay_turn *turn, const struct mcpz_msg_relay *message);

#endif
