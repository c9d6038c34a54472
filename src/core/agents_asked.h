/*
 * What others ask of our documents, and say of theirs: all messages about documents but those that
 * bring something. For core/agents.c only.
 */

#ifndef CORE_AGENTS_ASKED_H
#define CORE_AGENTS_ASKED_H

#include <stdbool.h>

#include "core/agents_step.h"
#include "proto/id.h"
#include "proto/msg.h"

/**
 * `from` has sent WANT, BRANCHES, FETCH, ROOT to SKETCH, HORIZON, CHECK or UNKNOWN; nothing comes
 * of others. True: what waited for an answer to it may go on.
 */
bool mcpz_agents_asked(struct mcpz_agents_step *step, const struct mcpz_id *from,
                       const struct mcpz_msg *msg);

#endif
