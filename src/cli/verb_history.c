/* mcpz agent history, at, diff, watch: what is written to an agent, and what it was. */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/ask.h"
#include "cli/follow.h"
#include "cli/moment.h"
#include "cli/show.h"
#include "cli/verb_tables.h"

#define QUERY_BYTES 64
#define PATH_BYTES_MAX 4096 /* of a place in a state, as it is shown */

static uint64_t wall_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* Ask about the agent of argument 0; `query` begins with "?", or is empty. */
static enum mcpz_exit ask(const struct mcpz_invocation *invocation, const char *query,
                          json_t **answer)
{
    char path[MCPZ_API_PATH_BYTES];
    enum mcpz_exit status =
        mcpz_api_path(invocation, "/v1/history/", mcpz_argument(invocation, 0), query, path);

    return status != MCPZ_EXIT_OK ? status : mcpz_ask(invocation, "GET", path, NULL, answer);
}

/* What the agent was at the moment that argument `index` says. */
static enum mcpz_exit ask_at(const struct mcpz_invocation *invocation, size_t index,
                             json_t **answer)
{
    const char *text = mcpz_argument(invocation, index);
    char query[QUERY_BYTES];
    uint64_t at_ms;

    if (mcpz_moment_read(text, wall_ms(), &at_ms) != MCPZ_OK) {
        return mcpz_fail_usage(invocation,
                               "%s is no time: write it as 2026-11-30T09:15:00Z, or how long ago, "
                               "as 10m",
                               text);
    }
    (void)snprintf(query, sizeof(query), "?at_ms=%" PRIu64, at_ms);
    return ask(invocation, query, answer);
}

/* ---- history ------------------------------------------------------------------------------ */

static void print_change(char sign, const json_t *change)
{
    json_t *value = json_object_get(change, "value");
    char *text = value != NULL ? json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT) : strdup("");

    (void)printf("  %c ", sign);
    mcpz_print_clean(stdout, mcpz_show_text(change, "path"));
    (void)printf("  %s  ", mcpz_show_text(change, "type"));
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
    char query[QUERY_BYTES] = "";
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
        (void)printf("%s  %s\n", mcpz_show_text(write, "time"),
                     mcpz_json_short_id(write, "writer", writer));
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

/* Put each leaf of `value` into `leaves` under its path, a JSON pointer (RFC 6901). */
static bool flatten(json_t *leaves, const char *path, json_t *value)
{
    const char *key;
    json_t *member;

    if (!json_is_object(value) || (json_object_size(value) == 0 && *path != '\0')) {
        return json_object_set(leaves, path, value) == 0;
    }
    json_object_foreach(value, key, member)
    {
        char below[PATH_BYTES_MAX];
        int length = snprintf(below, sizeof(below), "%s/", path);
        for (const char *at = key; *at != '\0' && (size_t)length + 3 < sizeof(below); at++) {
            bool escaped = *at == '~' || *at == '/';
            if (escaped) {
                below[length++] = '~';
            }
            below[length++] = (char)(!escaped ? *at : (*at == '~' ? '0' : '1'));
        }
        below[length] = '\0';
        if (!flatten(leaves, below, member)) {
            return false;
        }
    }
    return true;
}

/* {"path": P, "before": value, "after": value}, without the one that is not there. */
static json_t *make_difference(const char *path, json_t *before, json_t *after)
{
    return json_pack("{s:s, s:O*, s:O*}", "path", path, "before", before, "after", after);
}

/* An array of what differs; NULL: out of memory. */
static json_t *compare(json_t *before, json_t *after)
{
    json_t *old_leaves = json_object();
    json_t *new_leaves = json_object();
    json_t *differences = json_array();
    const char *path;
    json_t *value;

    if (!flatten(old_leaves, "", before) || !flatten(new_leaves, "", after)) {
        json_decref(differences);
        differences = NULL;
    }
    json_object_foreach(old_leaves, path, value)
    {
        json_t *other = json_object_get(new_leaves, path);
        if (other == NULL || !json_equal(value, other)) {
            (void)json_array_append_new(differences, make_difference(path, value, other));
        }
    }
    json_object_foreach(new_leaves, path, value)
    {
        if (json_object_get(old_leaves, path) == NULL) {
            (void)json_array_append_new(differences, make_difference(path, NULL, value));
        }
    }
    json_decref(old_leaves);
    json_decref(new_leaves);
    return differences;
}

static void print_side(char sign, const json_t *difference, const char *member)
{
    json_t *value = json_object_get(difference, member);
    char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);

    if (text != NULL) {
        (void)printf("%c ", sign);
        mcpz_print_clean(stdout, mcpz_show_text(difference, "path"));
        (void)fputs("  ", stdout);
        mcpz_print_clean(stdout, text);
        (void)putchar('\n');
    }
    free(text);
}

static enum mcpz_exit show_differences(const struct mcpz_invocation *invocation, json_t *before,
                                       json_t *after)
{
    json_t *differences =
        compare(json_object_get(before, "state"), json_object_get(after, "state"));

    if (differences == NULL) {
        return mcpz_fail(invocation, MCPZ_EXIT_FAILED, "failed", "out of memory");
    }
    for (size_t i = 0; i < json_array_size(differences) && !invocation->json; i++) {
        print_side('-', json_array_get(differences, i), "before");
        print_side('+', json_array_get(differences, i), "after");
    }
    if (invocation->json) {
        mcpz_print_json(differences);
    }
    json_decref(differences);
    return MCPZ_EXIT_OK;
}

static enum mcpz_exit run_agent_diff(const struct mcpz_invocation *invocation)
{
    char now[QUERY_BYTES];
    json_t *before = NULL;
    json_t *after = NULL;
    enum mcpz_exit status = ask_at(invocation, 1, &before);

    if (status != MCPZ_EXIT_OK) {
        return status;
    }
    /* Stamps may be ahead of our clock: now is whatever there is. */
    (void)snprintf(now, sizeof(now), "?at_ms=%" PRIu64, wall_ms() + UINT64_C(86400000));
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

    return status != MCPZ_EXIT_OK ? status : mcpz_follow(invocation, path, true, print_write);
}

static const struct mcpz_option history_options[] = {
    {"limit", '\0', "N", "so many writes at most (100)"},
};

/* clang-format off */
static const struct mcpz_verb verbs[] = {
{
    run_agent_history, "agent history", "ID", 1, 1, "show what was written to an agent",
    "Oldest first, the last 100 unless --limit says more: when, by which node, what went (-) and\n"
    "what came (+).\n"
    "\n"
    "Example:\n"
    "  mcpz agent history planner --limit 10\n",
    MCPZ_OPTIONS(history_options)},
{
    run_agent_at, "agent at", "ID TIME", 2, 2, "show what an agent was",
    "TIME is 2026-11-30T09:15:00Z, or how long ago: 10m. What counts are the clocks of those who\n"
    "wrote.\n"
    "\n"
    "Examples:\n"
    "  mcpz agent at planner 10m\n"
    "  mcpz agent at planner 2026-11-30T09:15:00Z\n",
    NULL, 0},
{
    run_agent_diff, "agent diff", "ID TIME [TIME]", 2, 3, "show what has changed since",
    "Between two times, or from one until now: what was (-) and what is (+) at each path.\n"
    "\n"
    "Example:\n"
    "  mcpz agent diff planner 1h\n",
    NULL, 0},
{
    run_agent_watch, "agent watch", "ID", 1, 1, "follow what is written to an agent",
    "Each write as it becomes known here: when, by which node, and where. Ends with Ctrl-C.\n"
    "\n"
    "Example:\n"
    "  mcpz agent watch planner\n",
    NULL, 0},
};
/* clang-format on */

const struct mcpz_verb_table mcpz_history_verbs = {verbs, MCPZ_ARRAY_LEN(verbs)};
