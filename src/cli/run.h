/*
 * What runs when a verb is said: one function a verb, its family's file named after it. Each
 * tells its own failures and returns the exit status.
 */

#ifndef CLI_RUN_H
#define CLI_RUN_H

#include "cli/exit.h"
#include "cli/options.h"

/* verb_up.c */
enum mcpz_exit mcpz_run_up(const struct mcpz_invocation *invocation);

/* verb_mesh.c */
enum mcpz_exit mcpz_run_join(const struct mcpz_invocation *invocation);
enum mcpz_exit mcpz_run_leave(const struct mcpz_invocation *invocation);
enum mcpz_exit mcpz_run_drain(const struct mcpz_invocation *invocation);
enum mcpz_exit mcpz_run_peers(const struct mcpz_invocation *invocation);
enum mcpz_exit mcpz_run_capabilities(const struct mcpz_invocation *invocation);

/* verb_events.c */
enum mcpz_exit mcpz_run_events(const struct mcpz_invocation *invocation);

/* verb_status.c */
enum mcpz_exit mcpz_run_status(const struct mcpz_invocation *invocation);

/* verb_token.c */
enum mcpz_exit mcpz_run_token_create(const struct mcpz_invocation *invocation);
enum mcpz_exit mcpz_run_token_list(const struct mcpz_invocation *invocation);
enum mcpz_exit mcpz_run_token_revoke(const struct mcpz_invocation *invocation);
enum mcpz_exit mcpz_run_token_inspect(const struct mcpz_invocation *invocation);

/* verb_layout.c */
enum mcpz_exit mcpz_run_layout_show(const struct mcpz_invocation *invocation);
enum mcpz_exit mcpz_run_layout_stage(const struct mcpz_invocation *invocation);
enum mcpz_exit mcpz_run_layout_plan(const struct mcpz_invocation *invocation);
enum mcpz_exit mcpz_run_layout_apply(const struct mcpz_invocation *invocation);
enum mcpz_exit mcpz_run_layout_revert(const struct mcpz_invocation *invocation);
enum mcpz_exit mcpz_run_layout_skip(const struct mcpz_invocation *invocation);

/* verb_rules.c */
enum mcpz_exit mcpz_run_rules_list(const struct mcpz_invocation *invocation);
enum mcpz_exit mcpz_run_rules_set(const struct mcpz_invocation *invocation);
enum mcpz_exit mcpz_run_rules_remove(const struct mcpz_invocation *invocation);
enum mcpz_exit mcpz_run_rules_explain(const struct mcpz_invocation *invocation);

/* verb_task.c */
enum mcpz_exit mcpz_run_task_run(const struct mcpz_invocation *invocation);

/* verb_pool.c */
enum mcpz_exit mcpz_run_pool_create(const struct mcpz_invocation *invocation);
enum mcpz_exit mcpz_run_pool_list(const struct mcpz_invocation *invocation);
enum mcpz_exit mcpz_run_pool_lease(const struct mcpz_invocation *invocation);
enum mcpz_exit mcpz_run_pool_renew(const struct mcpz_invocation *invocation);
enum mcpz_exit mcpz_run_pool_execute(const struct mcpz_invocation *invocation);
enum mcpz_exit mcpz_run_pool_release(const struct mcpz_invocation *invocation);
enum mcpz_exit mcpz_run_pool_remove(const struct mcpz_invocation *invocation);

/* verb_durable.c */
enum mcpz_exit mcpz_run_task_submit(const struct mcpz_invocation *invocation);
enum mcpz_exit mcpz_run_task_status(const struct mcpz_invocation *invocation);
enum mcpz_exit mcpz_run_task_wait(const struct mcpz_invocation *invocation);
enum mcpz_exit mcpz_run_task_cancel(const struct mcpz_invocation *invocation);
enum mcpz_exit mcpz_run_task_list(const struct mcpz_invocation *invocation);
enum mcpz_exit mcpz_run_task_runs(const struct mcpz_invocation *invocation);
enum mcpz_exit mcpz_run_queue_list(const struct mcpz_invocation *invocation);
enum mcpz_exit mcpz_run_queue_pause(const struct mcpz_invocation *invocation);
enum mcpz_exit mcpz_run_queue_resume(const struct mcpz_invocation *invocation);
enum mcpz_exit mcpz_run_dlq_list(const struct mcpz_invocation *invocation);
enum mcpz_exit mcpz_run_dlq_show(const struct mcpz_invocation *invocation);
enum mcpz_exit mcpz_run_dlq_replay(const struct mcpz_invocation *invocation);
enum mcpz_exit mcpz_run_dlq_purge(const struct mcpz_invocation *invocation);

/* verb_mcp.c */
enum mcpz_exit mcpz_run_mcp_list(const struct mcpz_invocation *invocation);
enum mcpz_exit mcpz_run_mcp_add(const struct mcpz_invocation *invocation);
enum mcpz_exit mcpz_run_mcp_remove(const struct mcpz_invocation *invocation);
enum mcpz_exit mcpz_run_mcp_tools(const struct mcpz_invocation *invocation);
enum mcpz_exit mcpz_run_mcp_call(const struct mcpz_invocation *invocation);
enum mcpz_exit mcpz_run_mcp_inspect(const struct mcpz_invocation *invocation);

/* verb_mcp_stdio.c */
enum mcpz_exit mcpz_run_mcp_stdio(const struct mcpz_invocation *invocation);

/* verb_mcp_config.c */
enum mcpz_exit mcpz_run_mcp_config(const struct mcpz_invocation *invocation);

/* verb_agent.c */
enum mcpz_exit mcpz_run_agent_create(const struct mcpz_invocation *invocation);
enum mcpz_exit mcpz_run_agent_list(const struct mcpz_invocation *invocation);
enum mcpz_exit mcpz_run_agent_get(const struct mcpz_invocation *invocation);
enum mcpz_exit mcpz_run_agent_set(const struct mcpz_invocation *invocation);
enum mcpz_exit mcpz_run_agent_unset(const struct mcpz_invocation *invocation);
enum mcpz_exit mcpz_run_agent_add(const struct mcpz_invocation *invocation);
enum mcpz_exit mcpz_run_agent_remove(const struct mcpz_invocation *invocation);
enum mcpz_exit mcpz_run_agent_increment(const struct mcpz_invocation *invocation);
enum mcpz_exit mcpz_run_agent_keep(const struct mcpz_invocation *invocation);
enum mcpz_exit mcpz_run_agent_fence(const struct mcpz_invocation *invocation);
enum mcpz_exit mcpz_run_agent_life(const struct mcpz_invocation *invocation);
enum mcpz_exit mcpz_run_agent_enable(const struct mcpz_invocation *invocation);
enum mcpz_exit mcpz_run_agent_disable(const struct mcpz_invocation *invocation);
enum mcpz_exit mcpz_run_agent_grant(const struct mcpz_invocation *invocation);
enum mcpz_exit mcpz_run_agent_spend(const struct mcpz_invocation *invocation);
enum mcpz_exit mcpz_run_agent_push(const struct mcpz_invocation *invocation);
enum mcpz_exit mcpz_run_agent_insert(const struct mcpz_invocation *invocation);
enum mcpz_exit mcpz_run_agent_move(const struct mcpz_invocation *invocation);
enum mcpz_exit mcpz_run_agent_drop(const struct mcpz_invocation *invocation);
enum mcpz_exit mcpz_run_agent_map(const struct mcpz_invocation *invocation);
enum mcpz_exit mcpz_run_agent_conflicts(const struct mcpz_invocation *invocation);
enum mcpz_exit mcpz_run_agent_forks(const struct mcpz_invocation *invocation);
enum mcpz_exit mcpz_run_agent_delete(const struct mcpz_invocation *invocation);

/* verb_history.c */
enum mcpz_exit mcpz_run_agent_history(const struct mcpz_invocation *invocation);
enum mcpz_exit mcpz_run_agent_at(const struct mcpz_invocation *invocation);
enum mcpz_exit mcpz_run_agent_diff(const struct mcpz_invocation *invocation);
enum mcpz_exit mcpz_run_agent_watch(const struct mcpz_invocation *invocation);

/* verb_apply.c */
enum mcpz_exit mcpz_run_agent_apply(const struct mcpz_invocation *invocation);

/* verb_snapshot.c */
enum mcpz_exit mcpz_run_snapshot_list(const struct mcpz_invocation *invocation);
enum mcpz_exit mcpz_run_snapshot_export(const struct mcpz_invocation *invocation);
enum mcpz_exit mcpz_run_snapshot_import(const struct mcpz_invocation *invocation);

/* verb_backup.c */
enum mcpz_exit mcpz_run_backup_create(const struct mcpz_invocation *invocation);
enum mcpz_exit mcpz_run_backup_verify(const struct mcpz_invocation *invocation);
enum mcpz_exit mcpz_run_backup_restore(const struct mcpz_invocation *invocation);
enum mcpz_exit mcpz_run_backup_list(const struct mcpz_invocation *invocation);

/* verb_store.c */
enum mcpz_exit mcpz_run_store_check(const struct mcpz_invocation *invocation);
enum mcpz_exit mcpz_run_store_compact(const struct mcpz_invocation *invocation);
enum mcpz_exit mcpz_run_store_repair(const struct mcpz_invocation *invocation);

/* verb_blob.c */
enum mcpz_exit mcpz_run_blob_put(const struct mcpz_invocation *invocation);
enum mcpz_exit mcpz_run_blob_get(const struct mcpz_invocation *invocation);
enum mcpz_exit mcpz_run_blob_stat(const struct mcpz_invocation *invocation);
enum mcpz_exit mcpz_run_blob_list(const struct mcpz_invocation *invocation);
enum mcpz_exit mcpz_run_blob_remove(const struct mcpz_invocation *invocation);
enum mcpz_exit mcpz_run_key_list(const struct mcpz_invocation *invocation);
enum mcpz_exit mcpz_run_key_rotate(const struct mcpz_invocation *invocation);
enum mcpz_exit mcpz_run_key_shred(const struct mcpz_invocation *invocation);

/* verb_bench.c */
enum mcpz_exit mcpz_run_bench(const struct mcpz_invocation *invocation);

/* verb_doctor.c */
enum mcpz_exit mcpz_run_doctor(const struct mcpz_invocation *invocation);

/* verb_config.c */
enum mcpz_exit mcpz_run_config_check(const struct mcpz_invocation *invocation);
enum mcpz_exit mcpz_run_config_show(const struct mcpz_invocation *invocation);

/* verb_help.c */
enum mcpz_exit mcpz_run_version(const struct mcpz_invocation *invocation);
enum mcpz_exit mcpz_run_help(const struct mcpz_invocation *invocation);

#endif
