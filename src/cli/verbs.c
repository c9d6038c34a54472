#include "cli/verbs.h"

#include <string.h>

#include "base/attr.h"
#include "cli/verb_tables.h"

const struct mcpz_option mcpz_common_options[MCPZ_COMMON_OPTION_COUNT] = {
    {"data", '\0', "DIR", "where the node keeps its data and its socket (MCPZ_DATA, ./var)"},
    {"json", '\0', NULL, "write one JSON document to standard output"},
    {"help", 'h', NULL, "show this help"},
};

/* In the order in which help lists them. */
/* clang-format off */
static const struct mcpz_verb_table *const tables[] = {
    &mcpz_up_verbs,
    &mcpz_mesh_verbs,
    &mcpz_revoke_verbs,
    &mcpz_drain_verbs,
    &mcpz_token_verbs,
    &mcpz_status_verbs,
    &mcpz_events_verbs,
    &mcpz_rules_verbs,
    &mcpz_layout_verbs,
    &mcpz_task_verbs,
    &mcpz_durable_verbs,
    &mcpz_pool_verbs,
    &mcpz_mcp_verbs,
    &mcpz_mcp_stdio_verbs,
    &mcpz_mcp_config_verbs,
    &mcpz_agent_verbs,
    &mcpz_forks_verbs,
    &mcpz_history_verbs,
    &mcpz_restore_verbs,
    &mcpz_apply_verbs,
    &mcpz_snapshot_verbs,
    &mcpz_backup_verbs,
    &mcpz_store_verbs,
    &mcpz_blob_verbs,
    &mcpz_key_verbs,
    &mcpz_bench_verbs,
    &mcpz_doctor_verbs,
    &mcpz_config_verbs,
    &mcpz_help_verbs,
};
/* clang-format on */

/* Is `name` exactly `first`, or `first second`? */
static bool is_called(const char *name, const char *first, const char *second)
{
    size_t length = strlen(first);

    if (strncmp(name, first, length) != 0) {
        return false;
    }
    if (name[length] == '\0') {
        return true;
    }
    return name[length] == ' ' && second != NULL && strcmp(name + length + 1, second) == 0;
}

const struct mcpz_verb *mcpz_verb_at(size_t index)
{
    for (size_t i = 0; i < MCPZ_ARRAY_LEN(tables); i++) {
        if (index < tables[i]->count) {
            return &tables[i]->verbs[index];
        }
        index -= tables[i]->count;
    }
    return NULL;
}

const struct mcpz_verb *mcpz_verb_find(const char *first, const char *second)
{
    const struct mcpz_verb *verb = NULL;

    for (size_t i = 0; (verb = mcpz_verb_at(i)) != NULL; i++) {
        if (is_called(verb->name, first, second)) {
            break;
        }
    }
    return verb;
}

bool mcpz_verb_is_family(const char *word)
{
    size_t length = strlen(word);
    const struct mcpz_verb *verb = NULL;

    for (size_t i = 0; (verb = mcpz_verb_at(i)) != NULL; i++) {
        if (strncmp(verb->name, word, length) == 0 && verb->name[length] == ' ') {
            return true;
        }
    }
    return false;
}

const struct mcpz_option *mcpz_verb_option(const struct mcpz_verb *verb, const char *name)
{
    for (size_t i = 0; i < MCPZ_COMMON_OPTION_COUNT; i++) {
        if (strcmp(mcpz_common_options[i].name, name) == 0) {
            return &mcpz_common_options[i];
        }
    }
    for (size_t i = 0; i < verb->option_count; i++) {
        if (strcmp(verb->options[i].name, name) == 0) {
            return &verb->options[i];
        }
    }
    return NULL;
}

const struct mcpz_option *mcpz_verb_letter(const struct mcpz_verb *verb, char letter)
{
    for (size_t i = 0; i < MCPZ_COMMON_OPTION_COUNT; i++) {
        if (mcpz_common_options[i].letter == letter) {
            return &mcpz_common_options[i];
        }
    }
    for (size_t i = 0; i < verb->option_count; i++) {
        if (verb->options[i].letter == letter) {
            return &verb->options[i];
        }
    }
    return NULL;
}
