/* What a node works on for others, what it refuses, and why: a part of its status. */

#ifndef HTTP_API_GATE_H
#define HTTP_API_GATE_H

#include <jansson.h>

#include "base/time.h"
#include "core/node.h"

/** The gate and its lanes, as JSON; NULL without memory. */
json_t *mcpz_api_show_gate(const struct mcpz_provider *provider, mcpz_time now);

/** What has come of choosing providers, and what stands between now; as above. */
json_t *mcpz_api_show_router(const struct mcpz_caller *caller, mcpz_time now);

/** How far it is with going: core/drain.h. */
json_t *mcpz_api_show_drain(const struct mcpz_node *node);

#endif
