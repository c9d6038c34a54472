/* The program: what was typed, looked up in the table of verbs, run. */

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/ask.h"
#include "cli/help.h"
#include "cli/options.h"
#include "cli/run.h"
#include "proto/code.h"

static enum mcpz_exit (*const runs[MCPZ_VERB_COUNT])(const struct mcpz_invocation *) = {
    [MCPZ_VERB_UP] = mcpz_run_up,
    [MCPZ_VERB_JOIN] = mcpz_run_join,
    [MCPZ_VERB_LEAVE] = mcpz_run_leave,
    [MCPZ_VERB_DRAIN] = mcpz_run_drain,
    [MCPZ_VERB_TOKEN_CREATE] = mcpz_run_token_create,
    [MCPZ_VERB_TOKEN_LIST] = mcpz_run_token_list,
    [MCPZ_VERB_TOKEN_REVOKE] = mcpz_run_token_revoke,
    [MCPZ_VERB_TOKEN_INSPECT] = mcpz_run_token_inspect,
    [MCPZ_VERB_STATUS] = mcpz_run_status,
    [MCPZ_VERB_PEERS] = mcpz_run_peers,
    [MCPZ_VERB_EVENTS] = mcpz_run_events,
    [MCPZ_VERB_CAPABILITIES] = mcpz_run_capabilities,
    [MCPZ_VERB_RULES_LIST] = mcpz_run_rules_list,
    [MCPZ_VERB_RULES_SET] = mcpz_run_rules_set,
    [MCPZ_VERB_RULES_REMOVE] = mcpz_run_rules_remove,
    [MCPZ_VERB_RULES_EXPLAIN] = mcpz_run_rules_explain,
    [MCPZ_VERB_LAYOUT_SHOW] = mcpz_run_layout_show,
    [MCPZ_VERB_LAYOUT_STAGE] = mcpz_run_layout_stage,
    [MCPZ_VERB_LAYOUT_PLAN] = mcpz_run_layout_plan,
    [MCPZ_VERB_LAYOUT_APPLY] = mcpz_run_layout_apply,
    [MCPZ_VERB_LAYOUT_REVERT] = mcpz_run_layout_revert,
    [MCPZ_VERB_LAYOUT_SKIP] = mcpz_run_layout_skip,
    [MCPZ_VERB_TASK_RUN] = mcpz_run_task_run,
    [MCPZ_VERB_POOL_CREATE] = mcpz_run_pool_create,
    [MCPZ_VERB_POOL_LIST] = mcpz_run_pool_list,
    [MCPZ_VERB_POOL_LEASE] = mcpz_run_pool_lease,
    [MCPZ_VERB_POOL_RENEW] = mcpz_run_pool_renew,
    [MCPZ_VERB_POOL_EXECUTE] = mcpz_run_pool_execute,
    [MCPZ_VERB_POOL_RELEASE] = mcpz_run_pool_release,
    [MCPZ_VERB_POOL_REMOVE] = mcpz_run_pool_remove,
    [MCPZ_VERB_TASK_SUBMIT] = mcpz_run_task_submit,
    [MCPZ_VERB_TASK_STATUS] = mcpz_run_task_status,
    [MCPZ_VERB_TASK_WAIT] = mcpz_run_task_wait,
    [MCPZ_VERB_TASK_CANCEL] = mcpz_run_task_cancel,
    [MCPZ_VERB_TASK_LIST] = mcpz_run_task_list,
    [MCPZ_VERB_TASK_RUNS] = mcpz_run_task_runs,
    [MCPZ_VERB_QUEUE_LIST] = mcpz_run_queue_list,
    [MCPZ_VERB_QUEUE_PAUSE] = mcpz_run_queue_pause,
    [MCPZ_VERB_QUEUE_RESUME] = mcpz_run_queue_resume,
    [MCPZ_VERB_DLQ_LIST] = mcpz_run_dlq_list,
    [MCPZ_VERB_DLQ_SHOW] = mcpz_run_dlq_show,
    [MCPZ_VERB_DLQ_REPLAY] = mcpz_run_dlq_replay,
    [MCPZ_VERB_DLQ_PURGE] = mcpz_run_dlq_purge,
    [MCPZ_VERB_MCP_LIST] = mcpz_run_mcp_list,
    [MCPZ_VERB_MCP_ADD] = mcpz_run_mcp_add,
    [MCPZ_VERB_MCP_REMOVE] = mcpz_run_mcp_remove,
    [MCPZ_VERB_MCP_TOOLS] = mcpz_run_mcp_tools,
    [MCPZ_VERB_MCP_CALL] = mcpz_run_mcp_call,
    [MCPZ_VERB_MCP_INSPECT] = mcpz_run_mcp_inspect,
    [MCPZ_VERB_MCP_STDIO] = mcpz_run_mcp_stdio,
    [MCPZ_VERB_MCP_CONFIG] = mcpz_run_mcp_config,
    [MCPZ_VERB_AGENT_CREATE] = mcpz_run_agent_create,
    [MCPZ_VERB_AGENT_LIST] = mcpz_run_agent_list,
    [MCPZ_VERB_AGENT_GET] = mcpz_run_agent_get,
    [MCPZ_VERB_AGENT_SET] = mcpz_run_agent_set,
    [MCPZ_VERB_AGENT_UNSET] = mcpz_run_agent_unset,
    [MCPZ_VERB_AGENT_ADD] = mcpz_run_agent_add,
    [MCPZ_VERB_AGENT_REMOVE] = mcpz_run_agent_remove,
    [MCPZ_VERB_AGENT_INCREMENT] = mcpz_run_agent_increment,
    [MCPZ_VERB_AGENT_KEEP] = mcpz_run_agent_keep,
    [MCPZ_VERB_AGENT_FENCE] = mcpz_run_agent_fence,
    [MCPZ_VERB_AGENT_LIFE] = mcpz_run_agent_life,
    [MCPZ_VERB_AGENT_ENABLE] = mcpz_run_agent_enable,
    [MCPZ_VERB_AGENT_DISABLE] = mcpz_run_agent_disable,
    [MCPZ_VERB_AGENT_GRANT] = mcpz_run_agent_grant,
    [MCPZ_VERB_AGENT_SPEND] = mcpz_run_agent_spend,
    [MCPZ_VERB_AGENT_PUSH] = mcpz_run_agent_push,
    [MCPZ_VERB_AGENT_INSERT] = mcpz_run_agent_insert,
    [MCPZ_VERB_AGENT_MOVE] = mcpz_run_agent_move,
    [MCPZ_VERB_AGENT_DROP] = mcpz_run_agent_drop,
    [MCPZ_VERB_AGENT_MAP] = mcpz_run_agent_map,
    [MCPZ_VERB_AGENT_CONFLICTS] = mcpz_run_agent_conflicts,
    [MCPZ_VERB_AGENT_FORKS] = mcpz_run_agent_forks,
    [MCPZ_VERB_AGENT_HISTORY] = mcpz_run_agent_history,
    [MCPZ_VERB_AGENT_AT] = mcpz_run_agent_at,
    [MCPZ_VERB_AGENT_DIFF] = mcpz_run_agent_diff,
    [MCPZ_VERB_AGENT_WATCH] = mcpz_run_agent_watch,
    [MCPZ_VERB_AGENT_DELETE] = mcpz_run_agent_delete,
    [MCPZ_VERB_AGENT_APPLY] = mcpz_run_agent_apply,
    [MCPZ_VERB_SNAPSHOT_LIST] = mcpz_run_snapshot_list,
    [MCPZ_VERB_SNAPSHOT_EXPORT] = mcpz_run_snapshot_export,
    [MCPZ_VERB_SNAPSHOT_IMPORT] = mcpz_run_snapshot_import,
    [MCPZ_VERB_BACKUP_CREATE] = mcpz_run_backup_create,
    [MCPZ_VERB_BACKUP_VERIFY] = mcpz_run_backup_verify,
    [MCPZ_VERB_BACKUP_RESTORE] = mcpz_run_backup_restore,
    [MCPZ_VERB_BACKUP_LIST] = mcpz_run_backup_list,
    [MCPZ_VERB_STORE_CHECK] = mcpz_run_store_check,
    [MCPZ_VERB_STORE_COMPACT] = mcpz_run_store_compact,
    [MCPZ_VERB_STORE_REPAIR] = mcpz_run_store_repair,
    [MCPZ_VERB_BLOB_PUT] = mcpz_run_blob_put,
    [MCPZ_VERB_BLOB_GET] = mcpz_run_blob_get,
    [MCPZ_VERB_BLOB_STAT] = mcpz_run_blob_stat,
    [MCPZ_VERB_BLOB_LIST] = mcpz_run_blob_list,
    [MCPZ_VERB_BLOB_REMOVE] = mcpz_run_blob_remove,
    [MCPZ_VERB_KEY_LIST] = mcpz_run_key_list,
    [MCPZ_VERB_KEY_ROTATE] = mcpz_run_key_rotate,
    [MCPZ_VERB_KEY_SHRED] = mcpz_run_key_shred,
    [MCPZ_VERB_BENCH] = mcpz_run_bench,
    [MCPZ_VERB_DOCTOR] = mcpz_run_doctor,
    [MCPZ_VERB_CONFIG_CHECK] = mcpz_run_config_check,
    [MCPZ_VERB_CONFIG_SHOW] = mcpz_run_config_show,
    [MCPZ_VERB_VERSION] = mcpz_run_version,
    [MCPZ_VERB_HELP] = mcpz_run_help,
};

/* Help asked for is data; help shown because something is missing is talk, and a usage error. */
static enum mcpz_exit show_help(const struct mcpz_invocation *invocation)
{
    FILE *out = invocation->help ? stdout : stderr;

    if (invocation->verb != NULL) {
        mcpz_help_verb(out, invocation->verb);
    } else if (invocation->family != NULL) {
        mcpz_help_family(out, invocation->family);
    } else {
        mcpz_help_overview(out);
    }
    return invocation->help ? MCPZ_EXIT_OK : MCPZ_EXIT_USAGE;
}

static enum mcpz_exit run(const struct mcpz_invocation *invocation)
{
    enum mcpz_exit status = invocation->help || invocation->verb == NULL
                                ? show_help(invocation)
                                : runs[invocation->verb->id](invocation);

    /* A full disk behind a redirection shows only here. */
    if ((fflush(stdout) != 0 || ferror(stdout) != 0) && status == MCPZ_EXIT_OK) {
        (void)fputs("mcpz: cannot write to standard output\n", stderr);
        return MCPZ_EXIT_FAILED;
    }
    return status;
}

/* Under its other name it is one verb. */
static char **with_verb(int *argc, char **argv)
{
    static char *words[MCPZ_GIVEN_MAX * 2 + MCPZ_WORDS_MAX];
    static char verb[] = "bench";
    const char *slash = argv[0] != NULL ? strrchr(argv[0], '/') : NULL;
    const char *name = slash != NULL ? slash + 1 : argv[0];

    if (name == NULL || strcmp(name, "mcp-zero-benchmark") != 0 ||
        *argc + 2 > (int)MCPZ_ARRAY_LEN(words)) {
        return argv;
    }
    words[0] = argv[0];
    words[1] = verb;
    memcpy(words + 2, argv + 1, (size_t)*argc * sizeof(argv[0])); /* with the NULL at its end */
    *argc += 1;
    return words;
}

int main(int argc, char **argv)
{
    static struct mcpz_invocation invocation; /* too large for a stack frame one would like */
    struct mcpz_trouble trouble;

    argv = with_verb(&argc, argv);
    if (mcpz_options_read(argc, argv, &invocation, &trouble) != MCPZ_OK) {
        return (int)mcpz_fail(&invocation, MCPZ_EXIT_USAGE, mcpz_code_word(MCPZ_CODE_BAD_REQUEST),
                              trouble.text);
    }
    return (int)run(&invocation);
}
