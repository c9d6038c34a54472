/* What `mcpz doctor` looks at: this machine, without a node. Each finding says what to do. */

#ifndef CLI_CHECKUP_H
#define CLI_CHECKUP_H

#include <jansson.h>
#include <stdbool.h>

#include "base/attr.h"
#include "host/config.h"

enum mcpz_finding { MCPZ_FINDING_OK, MCPZ_FINDING_WARN, MCPZ_FINDING_FAIL };

/* Findings so far: {"name", "state": "ok|warn|fail", "text", "advice" (null if ok)}. */
struct mcpz_checkup {
    json_t *rows;
    bool failed;
};

/** Add one finding. `advice` may be NULL. */
void mcpz_checkup_note(struct mcpz_checkup *checkup, const char *name, enum mcpz_finding finding,
                       const char *advice, const char *format, ...) MCPZ_PRINTF(5, 6);

/** Descriptors, locked memory, clock. */
void mcpz_checkup_system(struct mcpz_checkup *checkup);

/** What workspaces are closed off with, and what providers get of it. */
void mcpz_checkup_workspaces(struct mcpz_checkup *checkup, const struct mcpz_config *config);

/** The data directory and its disk. */
void mcpz_checkup_store(struct mcpz_checkup *checkup, const struct mcpz_config *config);

/**
 * Where the node key is, and whether it can be had from there: without trying a PIN. `node_runs`:
 * it had it, from an environment that may be another.
 */
void mcpz_checkup_keys(struct mcpz_checkup *checkup, const struct mcpz_config *config,
                       bool node_runs);

/** The port. `node_runs`: then it is in use by right. */
void mcpz_checkup_port(struct mcpz_checkup *checkup, const struct mcpz_config *config,
                       bool node_runs);

#endif
