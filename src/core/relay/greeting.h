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

/**
 * Greet its peer on another way; where there is none, as mcpz_greeting_wait(). Who has greeted us
 * a moment ago is waited for instead.
 */
void mcpz_greeting_begin(struct mcpz_relay_turn *turn, struct mcpz_relay_session *session);

/** Its way is broken. Who began it finds another one; the other end has to let go. */
void mcpz_greeting_mend(struct mcpz_relay_turn *turn, struct mcpz_relay_session *session);

/** Answer a greeting of another's. */
void mcpz_greeting_answer(struct mcpz_relay_turn *turn, const struct mcpz_msg_relay *message);

#endif
