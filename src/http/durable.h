/* What the routes of durable tasks share: how one is shown, and how it is named. */

#ifndef HTTP_DURABLE_H
#define HTTP_DURABLE_H

#include <jansson.h>
#include <stdbool.h>

#include "base/attr.h"
#include "base/bytes.h"
#include "engine/engine.h"
#include "proto/task.h"

/**
 * One task as JSON; `whole`: with parameters, history and result. NULL: this node does not know
 * it, or the store failed. Within a turn.
 */
json_t *mcpz_durable_show(struct mcpz_engine *engine, const struct mcpz_task_id *id, bool whole);

/** What a phase is called: "queued", "done", ... */
const char *mcpz_durable_phase_word(uint32_t phase);

#endif
