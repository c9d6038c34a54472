/*
 * The words of the command line: every verb, its arguments and options, and its help.
 *
 * This one table drives parsing (options.h), help (help.h) and the choice of what to run
 * (mcpz.c). A new verb is an entry here and a function in run.h.
 */

#ifndef CLI_VERBS_H
#define CLI_VERBS_H

#include <stdbool.h>
#include <stddef.h>

#define MCPZ_VERB_WORDS_MAX 2
#define MCPZ_VERB_ARGUMENTS_MAX 32 /* of a command, after a pool's name */

enum mcpz_verb_id {
    MCPZ_VERB_UP,
    MCPZ_VERB_JOIN,
    MCPZ_VERB_LEAVE,
    MCPZ_VERB_DRAIN,
    MCPZ_VERB_TOKEN_CREATE,
    MCPZ_VERB_TOKEN_LIST,
    MCPZ_VERB_TOKEN_REVOKE,
    MCPZ_VERB_TOKEN_INSPECT,
    MCPZ_VERB_STATUS,
    MCPZ_VERB_PEERS,
    MCPZ_VERB_EVENTS,
    MCPZ_VERB_CAPABILITIES,
    MCPZ_VERB_RULES_LIST,
    MCPZ_VERB_RULES_SET,
    MCPZ_VERB_RULES_REMOVE,
    MCPZ_VERB_RULES_EXPLAIN,
    MCPZ_VERB_LAYOUT_SHOW,
    MCPZ_VERB_LAYOUT_STAGE,
    MCPZ_VERB_LAYOUT_PLAN,
    MCPZ_VERB_LAYOUT_APPLY,
    MCPZ_VERB_LAYOUT_REVERT,
    MCPZ_VERB_LAYOUT_SKIP,
    MCPZ_VERB_TASK_RUN,
    MCPZ_VERB_POOL_CREATE,
    MCPZ_VERB_POOL_LIST,
    MCPZ_VERB_POOL_LEASE,
    MCPZ_VERB_POOL_RENEW,
    MCPZ_VERB_POOL_EXECUTE,
    MCPZ_VERB_POOL_RELEASE,
    MCPZ_VERB_POOL_REMOVE,
    MCPZ_VERB_TASK_SUBMIT,
    MCPZ_VERB_TASK_STATUS,
    MCPZ_VERB_TASK_WAIT,
    MCPZ_VERB_TASK_CANCEL,
    MCPZ_VERB_TASK_LIST,
    MCPZ_VERB_TASK_RUNS,
    MCPZ_VERB_QUEUE_LIST,
    MCPZ_VERB_QUEUE_PAUSE,
    MCPZ_VERB_QUEUE_RESUME,
    MCPZ_VERB_DLQ_LIST,
    MCPZ_VERB_DLQ_SHOW,
    MCPZ_VERB_DLQ_REPLAY,
    MCPZ_VERB_DLQ_PURGE,
    MCPZ_VERB_MCP_LIST,
    MCPZ_VERB_MCP_ADD,
    MCPZ_VERB_MCP_REMOVE,
    MCPZ_VERB_MCP_TOOLS,
    MCPZ_VERB_MCP_CALL,
    MCPZ_VERB_MCP_INSPECT,
    MCPZ_VERB_MCP_STDIO,
    MCPZ_VERB_MCP_CONFIG,
    MCPZ_VERB_AGENT_CREATE,
    MCPZ_VERB_AGENT_LIST,
    MCPZ_VERB_AGENT_GET,
    MCPZ_VERB_AGENT_SET,
    MCPZ_VERB_AGENT_UNSET,
    MCPZ_VERB_AGENT_ADD,
    MCPZ_VERB_AGENT_REMOVE,
    MCPZ_VERB_AGENT_INCREMENT,
    MCPZ_VERB_AGENT_KEEP,
    MCPZ_VERB_AGENT_FENCE,
    MCPZ_VERB_AGENT_LIFE,
    MCPZ_VERB_AGENT_ENABLE,
    MCPZ_VERB_AGENT_DISABLE,
    MCPZ_VERB_AGENT_GRANT,
    MCPZ_VERB_AGENT_SPEND,
    MCPZ_VERB_AGENT_PUSH,
    MCPZ_VERB_AGENT_INSERT,
    MCPZ_VERB_AGENT_MOVE,
    MCPZ_VERB_AGENT_DROP,
    MCPZ_VERB_AGENT_MAP,
    MCPZ_VERB_AGENT_CONFLICTS,
    MCPZ_VERB_AGENT_FORKS,
    MCPZ_VERB_AGENT_HISTORY,
    MCPZ_VERB_AGENT_AT,
    MCPZ_VERB_AGENT_DIFF,
    MCPZ_VERB_AGENT_WATCH,
    MCPZ_VERB_AGENT_DELETE,
    MCPZ_VERB_AGENT_APPLY,
    MCPZ_VERB_SNAPSHOT_LIST,
    MCPZ_VERB_SNAPSHOT_EXPORT,
    MCPZ_VERB_SNAPSHOT_IMPORT,
    MCPZ_VERB_BACKUP_CREATE,
    MCPZ_VERB_BACKUP_VERIFY,
    MCPZ_VERB_BACKUP_RESTORE,
    MCPZ_VERB_BACKUP_LIST,
    MCPZ_VERB_STORE_CHECK,
    MCPZ_VERB_STORE_COMPACT,
    MCPZ_VERB_STORE_REPAIR,
    MCPZ_VERB_BLOB_PUT,
    MCPZ_VERB_BLOB_GET,
    MCPZ_VERB_BLOB_STAT,
    MCPZ_VERB_BLOB_LIST,
    MCPZ_VERB_BLOB_REMOVE,
    MCPZ_VERB_KEY_LIST,
    MCPZ_VERB_KEY_ROTATE,
    MCPZ_VERB_KEY_SHRED,
    MCPZ_VERB_BENCH,
    MCPZ_VERB_DOCTOR,
    MCPZ_VERB_CONFIG_CHECK,
    MCPZ_VERB_CONFIG_SHOW,
    MCPZ_VERB_VERSION,
    MCPZ_VERB_HELP,
    MCPZ_VERB_COUNT,
};

/* An option of one name has one letter and takes a value, or not, wherever it appears. */
struct mcpz_option {
    const char *name;  /* without dashes */
    char letter;       /* '\0': only the long form */
    const char *value; /* what it takes, as help calls it; NULL: nothing */
    const char *help;
};

struct mcpz_verb {
    enum mcpz_verb_id id;
    const char *name;      /* one or two words */
    const char *arguments; /* as help shows them; "" for none */
    size_t argument_min;
    size_t argument_max;
    const char *line;                  /* one line for the overview, no final stop */
    const char *help;                  /* the rest: prose and examples, ends with a newline */
    const struct mcpz_option *options; /* besides those every verb has */
    size_t option_count;
};

/* In the order in which help lists them; the id is the index. */
extern const struct mcpz_verb mcpz_verbs[MCPZ_VERB_COUNT];

/* What every verb takes: --data, --json, --help. */
#define MCPZ_COMMON_OPTION_COUNT 3
extern const struct mcpz_option mcpz_common_options[MCPZ_COMMON_OPTION_COUNT];

/** The verb called `first` or `first second`; NULL if there is none. `second` may be NULL. */
const struct mcpz_verb *mcpz_verb_find(const char *first, const char *second);

/** Is `word` the first of several two-word verbs ("token")? */
bool mcpz_verb_is_family(const char *word);

/** The option of `verb` with this name (long) or letter; NULL if it does not take one. */
const struct mcpz_option *mcpz_verb_option(const struct mcpz_verb *verb, const char *name);
const struct mcpz_option *mcpz_verb_letter(const struct mcpz_verb *verb, char letter);

#endif
