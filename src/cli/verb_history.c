/* mcpz agent history, at, diff, watch: what is written to an agent, and what it was. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/agent_past.h"
#include "cli/ask.h"
#include "cli/follow.h"
#include "cli/show.h"
#include "cli/verb_tables.h"

#define VERSION_CHARS_SHOWN 14 /* of a write's name: enough to tell it from others */

/* Ask about the agent of argument 0; `query` begins with "?", or is empty. */
static enum mcpz_exit ask(const struct mcpz_invocation *invocation, const char *query,
                          json_t **answer)
{
    char path[MCPZ_API_PATH_BYTES];
    enum mcpz_exit status =
        mcpz_api_path(invocation, "/v1/history/", mcpz_argument(invocation, 0), query, path);

    if (status == MCPZ_EXIT_OK) {
        status = mcpz_api_path_tenant(invocation, path);
    }
    return status != MCPZ_EXIT_OK ? status : mcpz_ask(invocation, "GET", path, NULL, answer);
}

/* What the agent was at the moment that argument `index` says. */
static enum mcpz_exit ask_at(const struct mcpz_invocation *invocation, size_t index,
                             json_t **answer)
{
    struct mcpz_agent_moment moment;
    char query[MCPZ_AGENT_QUERY_BYTES];
    enum mcpz_exit status =
        mcpz_agent_moment_read(invocation, mcpz_argument(invocation, index), &moment);

    if (status != MCPZ_EXIT_OK) {
        return status;
    }
    mcpz_agent_moment_query(&moment, query);
    return ask(invocation, query, answer);
}

/* ---- history ------------------------------------------------------------------------------ */

static void print_change(char sign, const json_t *change)
{
    json_t *value = json_object_get(change, "value");
    const json_t *epoch = json_object_get(change, "epoch");
    char *text = value != NULL ? json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT) : strdup("");

    (void)printf("  %c ", sign);
    mcpz_print_clean(stdout, mcpz_show_text(change, "path"));
    (void)printf("  %s  ", mcpz_show_text(change, "type"));
    if (epoch != NULL) {
        (void)printf("epoch %lld rank %lld  ", (long long)json_integer_value(epoch),
                     (long long)json_integer_value(json_object_get(change, "rank")));
    }
    mcpz_print_clean(stdout, text != NULL ? text : "?");
    (void)putchar('\n');
    free(text);
}

static void print_changes(char sign, const json_t *changes)
{
    for (size_t i = 0; i < json_array_size(changes); i++) {
        print_change(sign, json_array_get(changes, i));
    }
}

static enum mcpz_exit run_agent_history(const struct mcpz_invocation *invocation)
{
    const char *limit = mcpz_option_value(invocation, "limit");
    char query[MCPZ_AGENT_QUERY_BYTES] = "";
    json_t *answer = NULL;

    if (limit != NULL) {
        char *end;
        unsigned long number = strtoul(limit, &end, 10);
        if (*limit < '1' || *limit > '9' || *end != '\0' || number > 10000) {
            return mcpz_fail_usage(invocation, "--limit is 1 to 10000, not %s", limit);
        }
        (void)snprintf(query, sizeof(query), "?limit=%lu", number);
    }
    enum mcpz_exit status = ask(invocation, query, &answer);
    if (status != MCPZ_EXIT_OK) {
        return status;
    }
    for (size_t i = 0; i < json_array_size(answer) && !invocation->json; i++) {
        const json_t *write = json_array_get(answer, i);
        char writer[MCPZ_FIELD_BYTES];
        const json_t *folded = json_object_get(write, "folded");
        if (folded != NULL) {
            (void)printf("%s  %lld writes up to here were folded into a checkpoint: what it was "
                         "before cannot be read any more\n",
                         mcpz_show_text(write, "time"), (long long)json_integer_value(folded));
            continue;
        }
        (void)printf("%s  %s  %.*s\n", mcpz_show_text(write, "time"),
                     mcpz_json_short_id(write, "writer", writer), VERSION_CHARS_SHOWN,
                     mcpz_show_text(write, "version"));
        print_changes('-', json_object_get(write, "removed"));
        print_changes('+', json_object_get(write, "added"));
    }
    if (invocation->json) {
        mcpz_print_json(answer);
    }
    json_decref(answer);
    return MCPZ_EXIT_OK;
}

/* ---- at ----------------------------------------------------------------------------------- */

static enum mcpz_exit run_agent_at(const struct mcpz_invocation *invocation)
{
    json_t *answer = NULL;
    enum mcpz_exit status = ask_at(invocation, 1, &answer);

    if (status != MCPZ_EXIT_OK) {
        return status;
    }
    if (invocation->json) {
        mcpz_print_json(answer);
    } else {
        mcpz_print_json_pretty(json_object_get(answer, "state"));
    }
    json_decref(answer);
    return MCPZ_EXIT_OK;
}

/* ---- diff --------------------------------------------------------------------------------- */

static enum mcpz_exit show_differences(const struct mcpz_invocation *invocation, json_t *before,
                                       json_t *after)
{
    json_t *differences =
        mcpz_agent_compare(json_object_get(before, "state"), json_object_get(after, "state"));

    if (differences == NULL) {
        return mcpz_fail(invocation, MCPZ_EXIT_FAILED, "failed", "out of memory");
    }
    if (invocation->json) {
        mcpz_print_json(differences);
    } else {
        mcpz_agent_print_differences(differences);
    }
    json_decref(differences);
    return MCPZ_EXIT_OK;
}

static enum mcpz_exit run_agent_diff(const struct mcpz_invocation *invocation)
{
    char now[MCPZ_AGENT_QUERY_BYTES];
    json_t *before = NULL;
    json_t *after = NULL;
    enum mcpz_exit status = ask_at(invocation, 1, &before);

    if (status != MCPZ_EXIT_OK) {
        return status;
    }
    const struct mcpz_agent_moment whatever = mcpz_agent_moment_now();
    mcpz_agent_moment_query(&whatever, now);
    status = invocation->argument_count > 2 ? ask_at(invocation, 2, &after)
                                            : ask(invocation, now, &after);
    if (status == MCPZ_EXIT_OK) {
        status = show_differences(invocation, before, after);
        json_decref(after);
    }
    json_decref(before);
    return status;
}

/* ---- watch -------------------------------------------------------------------------------- */

static void print_write(const json_t *write)
{
    const json_t *paths = json_object_get(write, "paths");
    const json_int_t more = json_integer_value(json_object_get(write, "more"));
    char writer[MCPZ_FIELD_BYTES];

    (void)printf("%s  %s ", mcpz_show_text(write, "time"),
                 mcpz_json_short_id(write, "writer", writer));
    for (size_t i = 0; i < json_array_size(paths); i++) {
        const char *path = json_string_value(json_array_get(paths, i));
        (void)putchar(' ');
        mcpz_print_clean(stdout, path != NULL ? path : "?");
    }
    if (more > 0) {
        (void)printf(" and %lld more", (long long)more);
    }
    (void)putchar('\n');
}

static enum mcpz_exit run_agent_watch(const struct mcpz_invocation *invocation)
{
    char path[MCPZ_API_PATH_BYTES];
    enum mcpz_exit status =
        mcpz_api_path(invocation, "/v1/watch/", mcpz_argument(invocation, 0), "", path);

    if (status == MCPZ_EXIT_OK) {
        status = mcpz_api_path_tenant(invocation, path);
    }
    return status != MCPZ_EXIT_OK ? status : mcpz_follow(invocation, path, true, print_write);
}

static const struct mcpz_option history_options[] = {
    {"limit", '\0', "N", "so many writes at most (100)"},
    MCPZ_TENANT_OPTION,
};

static const struct mcpz_option tenant_options[] = {MCPZ_TENANT_OPTION};

/* clang-format off */
static const struct mcpz_verb verbs[] = {
{
    run_agent_history, "agent history", "ID", 1, 1, "show what was written to an agent",
    "Oldest first, the last 100 unless --limit says more: when, by which node, the name of the\n"
    "write (v-...), what went (-) and what came (+).\n"
    "\n"
    "Example:\n"
    "  mcpz agent history planner --limit 10\n",
    MCPZ_OPTIONS(history_options)},
{
    run_agent_at, "agent at", "ID TIME", 2, 2, "show what an agent was",
    "TIME is 2026-11-30T09:15:00Z, or how long ago: 10m, or the name of a write, v-..., as\n"
    "\"mcpz agent history\" shows it: what it was right after that. What counts are the clocks of\n"
    "those who wrote.\n"
    "\n"
    "Examples:\n"
    "  mcpz agent at planner 10m\n"
    "  mcpz agent at planner 2026-11-30T09:15:00Z\n",
    MCPZ_OPTIONS(tenant_options)},
{
    run_agent_diff, "agent diff", "ID TIME [TIME]", 2, 3, "show what has changed since",
    "Between two times, or from one until now: what was (-) and what is (+) at each path. TIME is\n"
    "as for \"mcpz agent at\".\n"
    "\n"
    "Example:\n"
    "  mcpz agent diff planner 1h\n",
    MCPZ_OPTIONS(tenant_options)},
{
    run_agent_watch, "agent watch", "ID", 1, 1, "follow what is written to an agent",
    "Each write as it becomes known here: when, by which node, and where. Ends with Ctrl-C.\n"
    "\n"
    "Example:\n"
    "  mcpz agent watch planner\n",
    MCPZ_OPTIONS(tenant_options)},
};
/* clang-format on */

const struct mcpz_verb_table mcpz_history_verbs = {verbs, MCPZ_ARRAY_LEN(verbs)};
