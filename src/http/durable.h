/* What the routes of durable tasks share: how one is shown, and how it is named. */

#ifndef HTTP_DURABLE_H
#define HTTP_DURABLE_H

#include <jansson.h>
#include <stdbool.h>

#include "base/attr.h"
#include "base/bytes.h"
#include "engine/engine.h"
#include "proto/task.h"

#define MCPZ_TASK_ID_TEXT_BYTES (2 + 2 * MCPZ_TASK_ID_BYTES + 1)

/** "t-" and 32 hex digits. `text` has MCPZ_TASK_ID_TEXT_BYTES. */
void mcpz_durable_id_to_text(const struct mcpz_task_id *id, char *text);

/** False: it is no such text. */
MCPZ_MUST_USE bool mcpz_durable_id_from_text(struct mcpz_bytes text, struct mcpz_task_id *id);

/**
 * One task as JSON; `whole`: with parameters, history and result. NULL: this node does not know
 * it, or the store failed. Within a turn.
 */
json_t *mcpz_durable_show(struct mcpz_engine *engine, const struct mcpz_task_id *id, bool whole);

/** What a phase is called: "queued", "done", ... */
const char *mcpz_durable_phase_word(uint32_t phase);

#endif
