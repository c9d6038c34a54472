#include <stdio.h>
#include <string.h>

#include "cli/ask.h"
#include "cli/run.h"
#include "cli/show.h"

static mcpz_error add_rule(struct mcpz_table *table, const json_t *rule)
{
    const char *const cells[] = {mcpz_show_text(rule, "pattern"), mcpz_show_text(rule, "rule"),
                                 mcpz_show_text(rule, "source")};

    return mcpz_table_add(table, cells);
}

static enum mcpz_exit show_rules(const json_t *answer)
{
    static const char *const headings[] = {"PATTERN", "RULE", "FROM"};
    static const struct mcpz_listing listing = {
        headings, MCPZ_ARRAY_LEN(headings), add_rule,
        "no rules: every call goes to the least loaded; `mcpz rules set` makes one"};

    return mcpz_show_listing(&listing, answer);
}

enum mcpz_exit mcpz_run_rules_list(const struct mcpz_invocation *invocation)
{
    return mcpz_ask_and_show(invocation, "GET", "/v1/rules", show_rules);
}

enum mcpz_exit mcpz_run_rules_set(const struct mcpz_invocation *invocation)
{
    json_t *answer;
    json_t *body = json_pack("{s:s, s:s}", "pattern", mcpz_argument(invocation, 0), "rule",
                             mcpz_argument(invocation, 1));

    if (body == NULL) {
        return mcpz_fail_usage(invocation, "PATTERN and RULE must be UTF-8 text");
    }
    enum mcpz_exit status = mcpz_ask(invocation, "POST", "/v1/rules", body, &answer);
    if (status != MCPZ_EXIT_OK) {
        return status;
    }
    if (invocation->json) {
        mcpz_print_json(answer);
    } else {
        (void)printf("%s: %s\n", mcpz_show_text(answer, "pattern"),
                     mcpz_show_text(answer, "rule"));
    }
    json_decref(answer);
    return MCPZ_EXIT_OK;
}

static enum mcpz_exit show_removed(const json_t *answer)
{
    (void)printf("removed %s\n", mcpz_show_text(answer, "pattern"));
    return MCPZ_EXIT_OK;
}

enum mcpz_exit mcpz_run_rules_remove(const struct mcpz_invocation *invocation)
{
    char path[MCPZ_API_PATH_BYTES];
    enum mcpz_exit status =
        mcpz_api_path(invocation, "/v1/rules/", mcpz_argument(invocation, 0), "", path);

    return status != MCPZ_EXIT_OK ? status
                                  : mcpz_ask_and_show(invocation, "DELETE", path, show_removed);
}

/* ---- explain ------------------------------------------------------------------------------ */

static void show_load(const json_t *provider, char *text)
{
    const json_t *load = json_object_get(provider, "load");
    const json_t *latency = json_object_get(load, "latency_ms");

    if (!json_is_object(load)) {
        (void)snprintf(text, MCPZ_FIELD_BYTES, "-");
    } else if (json_is_real(latency)) {
        (void)snprintf(text, MCPZ_FIELD_BYTES, "%" JSON_INTEGER_FORMAT " under way, %.1f ms",
                       json_integer_value(json_object_get(load, "in_flight")),
                       json_real_value(latency));
    } else {
        (void)snprintf(text, MCPZ_FIELD_BYTES, "%" JSON_INTEGER_FORMAT " under way",
                       json_integer_value(json_object_get(load, "in_flight")));
    }
}

static mcpz_error add_provider(struct mcpz_table *table, const json_t *provider)
{
    char node[MCPZ_FIELD_BYTES];
    char load[MCPZ_FIELD_BYTES];
    const char *short_id = mcpz_json_short_id(provider, "node", node);

    show_load(provider, load);
    const char *const cells[] = {json_is_true(json_object_get(provider, "can")) ? "yes" : "no",
                                 short_id != NULL ? short_id : "-",
                                 mcpz_show_text(provider, "name"),
                                 mcpz_show_text(provider, "where"),
                                 load,
                                 mcpz_show_text(provider, "breaker"),
                                 mcpz_show_text(provider, "why")};
    return mcpz_table_add(table, cells);
}

static enum mcpz_exit show_explanation(const json_t *answer)
{
    static const char *const headings[] = {
        "CAN", "NODE", "NAME", "WHERE", "LOAD", "BREAKER", "WHY NOT, OR NOT FIRST"};
    static const struct mcpz_listing listing = {headings, MCPZ_ARRAY_LEN(headings), add_provider,
                                                "nobody offers it: `mcpz capabilities`"};
    const json_t *rule = json_object_get(answer, "rule");

    if (json_is_object(rule)) {
        (void)printf("%s: %s (%s)\n\n", mcpz_show_text(rule, "pattern"),
                     mcpz_show_text(rule, "rule"), mcpz_show_text(rule, "source"));
    } else {
        (void)printf("no rule matches: balanced\n\n");
    }
    return mcpz_show_listing(&listing, json_object_get(answer, "providers"));
}

/* "/v1/rules/explain?type=" and the type, percent-encoded. */
enum mcpz_exit mcpz_run_rules_explain(const struct mcpz_invocation *invocation)
{
    char path[MCPZ_API_PATH_BYTES];
    enum mcpz_exit status = mcpz_api_path(
        invocation, "/v1/rules/explain?type=", mcpz_argument(invocation, 0), "", path);

    return status != MCPZ_EXIT_OK ? status
                                  : mcpz_ask_and_show(invocation, "GET", path, show_explanation);
}
