/*
 * The verbs by families: a table at the end of each verb_*.c, lined up in verbs.c.
 */

#ifndef CLI_VERB_TABLES_H
#define CLI_VERB_TABLES_H

#include <stddef.h>

#include "cli/options.h"
#include "cli/verbs.h"

struct mcpz_verb_table {
    const struct mcpz_verb *verbs;
    size_t count;
};

extern const struct mcpz_verb_table mcpz_agent_verbs;
extern const struct mcpz_verb_table mcpz_apply_verbs;
extern const struct mcpz_verb_table mcpz_backup_verbs;
extern const struct mcpz_verb_table mcpz_bench_verbs;
extern const struct mcpz_verb_table mcpz_blob_verbs;
extern const struct mcpz_verb_table mcpz_config_verbs;
extern const struct mcpz_verb_table mcpz_doctor_verbs;
extern const struct mcpz_verb_table mcpz_drain_verbs;
extern const struct mcpz_verb_table mcpz_durable_verbs;
extern const struct mcpz_verb_table mcpz_events_verbs;
extern const struct mcpz_verb_table mcpz_forks_verbs;
extern const struct mcpz_verb_table mcpz_help_verbs;
extern const struct mcpz_verb_table mcpz_history_verbs;
extern const struct mcpz_verb_table mcpz_key_verbs;
extern const struct mcpz_verb_table mcpz_layout_verbs;
extern const struct mcpz_verb_table mcpz_mcp_verbs;
extern const struct mcpz_verb_table mcpz_mcp_config_verbs;
extern const struct mcpz_verb_table mcpz_mcp_stdio_verbs;
extern const struct mcpz_verb_table mcpz_mesh_verbs;
extern const struct mcpz_verb_table mcpz_pool_verbs;
extern const struct mcpz_verb_table mcpz_restore_verbs;
extern const struct mcpz_verb_table mcpz_revoke_verbs;
extern const struct mcpz_verb_table mcpz_rules_verbs;
extern const struct mcpz_verb_table mcpz_snapshot_verbs;
extern const struct mcpz_verb_table mcpz_status_verbs;
extern const struct mcpz_verb_table mcpz_store_verbs;
extern const struct mcpz_verb_table mcpz_task_verbs;
extern const struct mcpz_verb_table mcpz_token_verbs;
extern const struct mcpz_verb_table mcpz_up_verbs;

#endif
