#include <stdio.h>

#include "cli/ask.h"
#include "cli/help.h"
#include "cli/show.h"
#include "cli/verb_tables.h"
#include "proto/limits.h"

static enum mcpz_exit run_version(const struct mcpz_invocation *invocation)
{
    if (!invocation->json) {
        (void)printf("mcpz %s (mesh protocol %d to %d)\n", MCPZ_VERSION, MCPZ_PROTOCOL_MIN,
                     MCPZ_PROTOCOL_MAX);
        return MCPZ_EXIT_OK;
    }
    json_t *version = json_pack("{s:s, s:i, s:i}", "version", MCPZ_VERSION, "protocol_min",
                                MCPZ_PROTOCOL_MIN, "protocol_max", MCPZ_PROTOCOL_MAX);
    if (version != NULL) {
        mcpz_print_json(version);
        json_decref(version);
    }
    return MCPZ_EXIT_OK;
}

static json_t *options_as_json(const struct mcpz_option *options, size_t count)
{
    json_t *list = json_array();

    for (size_t i = 0; i < count; i++) {
        const char letter[] = {options[i].letter, '\0'};
        (void)json_array_append_new(list, json_pack("{s:s, s:s, s:s?, s:s}", "name",
                                                    options[i].name, "letter", letter, "value",
                                                    options[i].value, "help", options[i].help));
    }
    return list;
}

static json_t *verb_as_json(const struct mcpz_verb *verb)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:o}", "name", verb->name, "arguments", verb->arguments,
                     "line", verb->line, "help", verb->help, "options",
                     options_as_json(verb->options, verb->option_count));
}

static void print_table_as_json(void)
{
    json_t *rows = json_array();
    const struct mcpz_verb *verb = NULL;

    for (size_t i = 0; (verb = mcpz_verb_at(i)) != NULL; i++) {
        (void)json_array_append_new(rows, verb_as_json(verb));
    }
    json_t *all = json_pack("{s:o, s:o}", "verbs", rows, "options",
                            options_as_json(mcpz_common_options, MCPZ_COMMON_OPTION_COUNT));
    if (all != NULL) {
        mcpz_print_json(all);
        json_decref(all);
    }
}

static enum mcpz_exit run_help(const struct mcpz_invocation *invocation)
{
    const char *first = mcpz_argument(invocation, 0);
    const char *second = mcpz_argument(invocation, 1);

    if (invocation->json) {
        print_table_as_json();
        return MCPZ_EXIT_OK;
    }
    if (first == NULL) {
        mcpz_help_overview(stdout);
        return MCPZ_EXIT_OK;
    }
    const struct mcpz_verb *verb = mcpz_verb_find(first, second);
    if (verb != NULL) {
        mcpz_help_verb(stdout, verb);
        return MCPZ_EXIT_OK;
    }
    if (second == NULL && mcpz_verb_is_family(first)) {
        mcpz_help_family(stdout, first);
        return MCPZ_EXIT_OK;
    }
    return mcpz_fail_usage(invocation, "there is no verb \"%s%s%s\"", first,
                           second != NULL ? " " : "", second != NULL ? second : "");
}

/* clang-format off */
static const struct mcpz_verb verbs[] = {
{
    run_version, "version", "", 0, 0, "show the version of this program",
    "\n"
    "Example:\n"
    "  mcpz version --json\n",
    NULL, 0},
{
    run_help, "help", "[VERB]", 0, MCPZ_VERB_WORDS_MAX, "show help for a verb",
    "With --json, the whole table of verbs and options.\n"
    "\n"
    "Example:\n"
    "  mcpz help token create\n",
    NULL, 0},
};
/* clang-format on */

const struct mcpz_verb_table mcpz_help_verbs = {verbs, MCPZ_ARRAY_LEN(verbs)};
