#include <stdio.h>

#include "cli/ask.h"
#include "cli/settings.h"
#include "cli/show.h"
#include "cli/verb_tables.h"
#include "host/config.h"

#define PATH_BYTES 4096

static enum mcpz_exit refuse(const struct mcpz_invocation *invocation, mcpz_error error,
                             const struct mcpz_trouble *trouble)
{
    return mcpz_fail(invocation, error == MCPZ_ENOMEM ? MCPZ_EXIT_FAILED : MCPZ_EXIT_CONFIG,
                     "config", trouble->text);
}

static enum mcpz_exit run_config_check(const struct mcpz_invocation *invocation)
{
    struct mcpz_config config;
    struct mcpz_trouble trouble;
    char path[PATH_BYTES];
    bool has_file = mcpz_settings_file(invocation, path, sizeof(path));

    mcpz_error error = mcpz_settings_read(invocation, false, &config, &trouble);
    if (error != MCPZ_OK) {
        return refuse(invocation, error, &trouble);
    }
    mcpz_config_finish(&config);
    if (invocation->json) {
        json_t *said = json_pack("{s:b, s:s?}", "valid", 1, "file", has_file ? path : NULL);
        if (said != NULL) {
            mcpz_print_json(said);
            json_decref(said);
        }
    } else if (has_file) {
        (void)printf("%s: valid\n", path);
    } else {
        (void)printf("valid: there is no file, all is default or from the environment\n");
    }
    return MCPZ_EXIT_OK;
}

static void collect(void *context, const char *key, const char *value, const char *origin)
{
    json_t *rows = (json_t *)context;

    (void)json_array_append_new(
        rows, json_pack("{s:s, s:s?, s:s}", "key", key, "value", value, "origin", origin));
}

static mcpz_error add_setting(struct mcpz_table *table, const json_t *row)
{
    /* The last is left out by a table of two columns. */
    const char *const cells[] = {mcpz_show_text(row, "key"), mcpz_show_text(row, "value"),
                                 mcpz_show_text(row, "origin")};

    return mcpz_table_add(table, cells);
}

static enum mcpz_exit run_config_show(const struct mcpz_invocation *invocation)
{
    static const char *const headings[] = {"KEY", "VALUE", "ORIGIN"};
    const struct mcpz_listing listing = {
        headings, mcpz_option_is_given(invocation, "origin") ? 3 : 2, add_setting, ""};
    struct mcpz_config config;
    struct mcpz_trouble trouble;
    enum mcpz_exit status = MCPZ_EXIT_OK;

    mcpz_error error = mcpz_settings_read(invocation, false, &config, &trouble);
    if (error != MCPZ_OK) {
        return refuse(invocation, error, &trouble);
    }
    json_t *rows = json_array();
    mcpz_config_walk(&config, collect, rows);
    if (invocation->json) {
        mcpz_print_json(rows);
    } else {
        status = mcpz_show_listing(&listing, rows);
    }
    json_decref(rows);
    mcpz_config_finish(&config);
    return status;
}

static const struct mcpz_option config_options[] = {
    {"config", '\0', "FILE", "this YAML file (MCPZ_CONFIG, DIR/mcpz.yaml)"},
};

static const struct mcpz_option config_show_options[] = {
    {"config", '\0', "FILE", "this YAML file (MCPZ_CONFIG, DIR/mcpz.yaml)"},
    {"origin", '\0', NULL, "say for each value where it came from"},
};

/* clang-format off */
static const struct mcpz_verb verbs[] = {
{
    run_config_check, "config check", "", 0, 0, "check the configuration",
    "Needs no node. Exit status 3 and FILE:LINE on standard error if it is no good.\n"
    "\n"
    "Example:\n"
    "  mcpz config check --config mcpz.yaml\n",
    MCPZ_OPTIONS(config_options)},
{
    run_config_show, "config show", "", 0, 0, "show what a node would be told",
    "Needs no node. The environment goes over the file, the file over the defaults.\n"
    "Secrets are not shown.\n"
    "\n"
    "Example:\n"
    "  mcpz config show --origin\n",
    MCPZ_OPTIONS(config_show_options)},
};
/* clang-format on */

const struct mcpz_verb_table mcpz_config_verbs = {verbs, MCPZ_ARRAY_LEN(verbs)};
