#include <stdio.h>

#include "cli/ask.h"
#include "cli/checkup.h"
#include "cli/settings.h"
#include "cli/show.h"
#include "cli/verb_tables.h"

#define STATUS_PATIENCE_MS 3000

/* The node's own view. NULL: none runs, or it says nothing. */
static json_t *ask_node(const struct mcpz_invocation *invocation)
{
    const struct mcpz_client_request request = {.method = "GET",
                                                .path = "/v1/status",
                                                .body_file = MCPZ_CLIENT_NO_FILE,
                                                .answer_file = MCPZ_CLIENT_NO_FILE,
                                                .patience_ms = STATUS_PATIENCE_MS};
    struct mcpz_client_answer answer = {0};
    struct mcpz_trouble trouble;
    char path[MCPZ_SOCKET_PATH_BYTES];
    json_t *status = NULL;

    if (mcpz_client_socket(invocation->data, path) == MCPZ_OK &&
        mcpz_client_ask(path, &request, &answer, &trouble) == MCPZ_OK) {
        status = json_loadb(answer.body, (size_t)answer.length, 0, NULL);
        mcpz_client_answer_finish(&answer);
    }
    return status;
}

static void note_node(struct mcpz_checkup *checkup, const json_t *status)
{
    const json_t *health = json_object_get(status, "health");

    if (status == NULL) {
        mcpz_checkup_note(checkup, "node", MCPZ_FINDING_OK, NULL, "none runs on this data");
        return;
    }
    if (json_array_size(health) == 0) {
        mcpz_checkup_note(checkup, "node", MCPZ_FINDING_OK, NULL,
                          "runs, and nothing is wrong with it; %lld alive in its mesh",
                          (long long)json_integer_value(json_object_get(status, "members")));
    }
    for (size_t i = 0; i < json_array_size(health); i++) {
        mcpz_checkup_note(checkup, "node", MCPZ_FINDING_WARN, "`mcpz status` says more", "%s",
                          json_string_value(json_array_get(health, i)));
    }
}

static void show(const struct mcpz_checkup *checkup)
{
    for (size_t i = 0; i < json_array_size(checkup->rows); i++) {
        const json_t *row = json_array_get(checkup->rows, i);
        const char *advice = json_string_value(json_object_get(row, "advice"));

        (void)printf("%-4s  %-16s  %s\n", mcpz_show_text(row, "state"),
                     mcpz_show_text(row, "name"), mcpz_show_text(row, "text"));
        if (advice != NULL) {
            (void)printf("      %-16s  %s\n", "", advice);
        }
    }
}

static void check(const struct mcpz_invocation *invocation, struct mcpz_checkup *checkup)
{
    struct mcpz_config config;
    struct mcpz_trouble trouble;
    json_t *status = ask_node(invocation);

    mcpz_checkup_system(checkup);
    if (mcpz_settings_read(invocation, false, &config, &trouble) != MCPZ_OK) {
        mcpz_checkup_note(checkup, "configuration", MCPZ_FINDING_FAIL,
                          "`mcpz config check` looks for more of them", "%s", trouble.text);
    } else {
        mcpz_checkup_note(checkup, "configuration", MCPZ_FINDING_OK, NULL, "valid");
        mcpz_checkup_store(checkup, &config);
        mcpz_checkup_keys(checkup, &config, status != NULL);
        mcpz_checkup_port(checkup, &config, status != NULL);
        mcpz_checkup_workspaces(checkup, &config);
        mcpz_config_finish(&config);
    }
    note_node(checkup, status);
    json_decref(status);
}

static enum mcpz_exit run_doctor(const struct mcpz_invocation *invocation)
{
    struct mcpz_checkup checkup = {.rows = json_array()};

    check(invocation, &checkup);
    if (invocation->json) {
        json_t *said = json_pack("{s:b, s:O}", "ok", !checkup.failed, "checks", checkup.rows);
        if (said != NULL) {
            mcpz_print_json(said);
            json_decref(said);
        }
    } else {
        show(&checkup);
    }
    json_decref(checkup.rows);
    return checkup.failed ? MCPZ_EXIT_FAILED : MCPZ_EXIT_OK;
}

static const struct mcpz_option doctor_options[] = {
    {"config", '\0', "FILE", "this YAML file (MCPZ_CONFIG, DIR/mcpz.yaml)"},
};

/* clang-format off */
static const struct mcpz_verb verbs[] = {
{
    run_doctor, "doctor", "", 0, 0, "say what this machine can do, and what is wrong",
    "Needs no node; if one runs, its own view is added. Each line is ok, warn or fail, with\n"
    "what to do about it. Exit status 1 if something fails.\n"
    "\n"
    "Examples:\n"
    "  mcpz doctor\n"
    "  mcpz doctor --json | jq '.checks[] | select(.state != \"ok\")'\n",
    MCPZ_OPTIONS(doctor_options)},
};
/* clang-format on */

const struct mcpz_verb_table mcpz_doctor_verbs = {verbs, MCPZ_ARRAY_LEN(verbs)};
