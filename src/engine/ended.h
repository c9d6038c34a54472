/*
 * Tenants whose keys were shredded: what they had here is removed, and what comes of it too late,
 * from a node that has not heard of it, is not taken in.
 *
 * Until when a tenant was shredded is a time. A document is of before if the delta that names it
 * is stamped so: without that one nothing of it can be applied, so it need not be asked of others.
 * Who does not have it yet, like who has it no more, goes on without it (core/crdt/entropy.h).
 */

#ifndef ENGINE_ENDED_H
#define ENGINE_ENDED_H

#include <stdbool.h>

#include "proto/agent.h"
#include "proto/msg.h"

struct mcpz_engine;

/** Does `delta` begin a document of a tenant that was shredded afterwards? Counted. */
bool mcpz_ended_delta(struct mcpz_engine *engine, const struct mcpz_delta *delta);

/** Does `msg` bring a copy of such a task? Counted. */
bool mcpz_ended_message(struct mcpz_engine *engine, const struct mcpz_msg *msg);

#endif
