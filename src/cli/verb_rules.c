#include <stdio.h>
#include <string.h>

#include "cli/ask.h"
#include "cli/show.h"
#include "cli/verb_tables.h"

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

static enum mcpz_exit run_rules_list(const struct mcpz_invocation *invocation)
{
    return mcpz_ask_and_show(invocation, "GET", "/v1/rules", show_rules);
}

static enum mcpz_exit run_rules_set(const struct mcpz_invocation *invocation)
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

static enum mcpz_exit run_rules_remove(const struct mcpz_invocation *invocation)
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
static enum mcpz_exit run_rules_explain(const struct mcpz_invocation *invocation)
{
    char path[MCPZ_API_PATH_BYTES];
    enum mcpz_exit status = mcpz_api_path(
        invocation, "/v1/rules/explain?type=", mcpz_argument(invocation, 0), "", path);

    return status != MCPZ_EXIT_OK ? status
                                  : mcpz_ask_and_show(invocation, "GET", path, show_explanation);
}

/* clang-format off */
static const struct mcpz_verb verbs[] = {
{
    run_rules_list, "rules list", "", 0, 0, "list who is to do which tasks",
    "FROM is mesh for rules set with \"mcpz rules set\", config for those of this node's\n"
    "configuration. What no rule matches goes to the least loaded node that offers it.\n"
    "\n"
    "Example:\n"
    "  mcpz rules list\n",
    NULL, 0},
{
    run_rules_set, "rules set", "PATTERN RULE", 2, 2, "say who is to do which tasks",
    "It holds at every node of the mesh, and after restarts. PATTERN is the name of a\n"
    "capability, or its beginning and *; the most specific one holds. RULE is a strategy,\n"
    "whom it is about, and what else is to hold, in one argument:\n"
    "\n"
    "  balanced        the least loaded: what holds without a rule\n"
    "  weighted        in turn, as often as the weights say: big=3 small\n"
    "  round-robin     in turn\n"
    "  least-loaded    the one with the fewest calls under way\n"
    "  failover        the first of those named that can\n"
    "  dedicated       those named, and nobody else\n"
    "  isolated        as dedicated, and those named do nothing else\n"
    "\n"
    "Named are nodes by name or id, role:NAME, zone:NAME; where any are, only these serve.\n"
    "priority=100, 75, 50 or 25 is for tasks that bring none; max=N is how many calls one\n"
    "node may have under way.\n"
    "\n"
    "Examples:\n"
    "  mcpz rules set 'memory.*' 'failover attic cellar'\n"
    "  mcpz rules set render 'weighted big=3 small priority=75'\n"
    "  mcpz rules set 'train.*' 'isolated role:gpu max=10'\n",
    NULL, 0},
{
    run_rules_remove, "rules remove", "PATTERN", 1, 1, "take a rule back",
    "At every node of the mesh. PATTERN is as \"mcpz rules list\" shows it.\n"
    "\n"
    "Example:\n"
    "  mcpz rules remove 'memory.*'\n",
    NULL, 0},
{
    run_rules_explain, "rules explain", "TYPE", 1, 1,
    "show who would do a task of this type, and why",
    "In the order in which this node would choose now, the first first: by the rule that\n"
    "matches, what each says of its load, where it is, and what came of calls to it.\n"
    "\n"
    "Examples:\n"
    "  mcpz rules explain hash.sha256\n"
    "  mcpz rules explain memory.read --json | jq -r '.providers[0].name'\n",
    NULL, 0},
};
/* clang-format on */

const struct mcpz_verb_table mcpz_rules_verbs = {verbs, MCPZ_ARRAY_LEN(verbs)};
