#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/ask.h"
#include "cli/run.h"
#include "cli/show.h"
#include "host/agent_pools.h"

#define COMMAND_BYTES (MCPZ_COMMAND_BYTES_MAX + 1)
#define TIMEOUT_MS_DEFAULT 30000

/* ---- Pools -------------------------------------------------------------------------------- */

/* What stands after the name, as one command for the shell. */
static bool join_command(const struct mcpz_invocation *invocation, char *command)
{
    size_t used = 0;

    for (size_t i = 1; i < invocation->argument_count; i++) {
        int length = snprintf(command + used, COMMAND_BYTES - used, "%s%s", i == 1 ? "" : " ",
                              invocation->arguments[i]);
        if (length < 0 || (size_t)length >= COMMAND_BYTES - used) {
            return false;
        }
        used += (size_t)length;
    }
    return true;
}

static json_t *list_plugins(const struct mcpz_invocation *invocation)
{
    json_t *plugins = json_array();

    for (size_t i = 0; i < invocation->given_count; i++) {
        if (strcmp(invocation->given[i].option->name, "plugin") == 0) {
            (void)json_array_append_new(plugins, json_string(invocation->given[i].value));
        }
    }
    return plugins;
}

static enum mcpz_exit read_size(const struct mcpz_invocation *invocation, json_int_t *size)
{
    const char *text = mcpz_option_value(invocation, "size");
    char *end = NULL;

    *size = 1;
    if (text == NULL) {
        return MCPZ_EXIT_OK;
    }
    *size = strtol(text, &end, 10);
    if (end == text || *end != '\0' || *size < 1 || *size > MCPZ_SERVICE_WORKERS_MAX) {
        return mcpz_fail_usage(invocation, "--size %s is not a number from 1 to %d", text,
                               MCPZ_SERVICE_WORKERS_MAX);
    }
    return MCPZ_EXIT_OK;
}

static enum mcpz_exit ask_and_say(const struct mcpz_invocation *invocation, const char *method,
                                  const char *path, json_t *body, const char *said)
{
    json_t *answer;
    enum mcpz_exit status = mcpz_ask(invocation, method, path, body, &answer);

    if (status == MCPZ_EXIT_OK) {
        if (invocation->json) {
            mcpz_print_json(answer);
        } else {
            (void)fprintf(stderr, "%s\n", said);
        }
        json_decref(answer);
    }
    return status;
}

enum mcpz_exit mcpz_run_pool_create(const struct mcpz_invocation *invocation)
{
    char command[COMMAND_BYTES] = "";
    json_int_t size;
    enum mcpz_exit status = read_size(invocation, &size);

    if (status != MCPZ_EXIT_OK) {
        return status;
    }
    if (!join_command(invocation, command)) {
        return mcpz_fail_usage(invocation, "the command is longer than %d bytes",
                               MCPZ_COMMAND_BYTES_MAX);
    }
    json_t *body =
        json_pack("{s:s, s:s, s:I, s:b, s:o}", "name", invocation->arguments[0], "command",
                  command, "size", size, "warm", mcpz_option_is_given(invocation, "warm"),
                  "plugins", list_plugins(invocation));
    if (body == NULL) {
        return mcpz_fail_usage(invocation, "the name, the command or a plug-in is not UTF-8 text");
    }
    const char *isolation = mcpz_option_value(invocation, "isolation");
    if (isolation != NULL) {
        (void)json_object_set_new(body, "isolation", json_string(isolation));
    }
    return ask_and_say(invocation, "POST", "/v1/pools", body, "made");
}

static mcpz_error add_pool(struct mcpz_table *table, const json_t *pool)
{
    char size[MCPZ_FIELD_BYTES];
    char ready[MCPZ_FIELD_BYTES];
    char leased[MCPZ_FIELD_BYTES];
    const char *const cells[] = {
        mcpz_show_text(pool, "name"),          mcpz_json_field(pool, "size", size),
        mcpz_json_field(pool, "ready", ready), mcpz_json_field(pool, "leased", leased),
        mcpz_show_text(pool, "isolation"),     mcpz_show_text(pool, "command")};
    return mcpz_table_add(table, cells);
}

static enum mcpz_exit show_pools(const json_t *answer)
{
    static const char *const headings[] = {"NAME",   "SIZE",      "READY",
                                           "LEASED", "ISOLATION", "COMMAND"};
    static const struct mcpz_listing listing = {headings, MCPZ_ARRAY_LEN(headings), add_pool,
                                                "no pools; `mcpz pool create` makes one"};

    return mcpz_show_listing(&listing, answer);
}

enum mcpz_exit mcpz_run_pool_list(const struct mcpz_invocation *invocation)
{
    return mcpz_ask_and_show(invocation, "GET", "/v1/pools", show_pools);
}

enum mcpz_exit mcpz_run_pool_remove(const struct mcpz_invocation *invocation)
{
    char path[MCPZ_API_PATH_BYTES];
    enum mcpz_exit status =
        mcpz_api_path(invocation, "/v1/pools/", invocation->arguments[0], "", path);

    return status == MCPZ_EXIT_OK ? ask_and_say(invocation, "DELETE", path, NULL, "removed")
                                  : status;
}

/* ---- Leases ------------------------------------------------------------------------------- */

/* Ask for a lease of `ttl`, at `prefix` ARGUMENT `rest`. */
static enum mcpz_exit ask_lease(const struct mcpz_invocation *invocation, const char *prefix,
                                const char *rest)
{
    char path[MCPZ_API_PATH_BYTES];
    uint64_t ttl_ms;
    json_t *answer;

    enum mcpz_exit status =
        mcpz_option_duration(invocation, "ttl", MCPZ_LEASE_TTL_MS_DEFAULT, &ttl_ms);
    if (status == MCPZ_EXIT_OK) {
        status = mcpz_api_path(invocation, prefix, invocation->arguments[0], rest, path);
    }
    if (status == MCPZ_EXIT_OK) {
        status = mcpz_ask(invocation, "POST", path,
                          json_pack("{s:I}", "ttl_ms", (json_int_t)ttl_ms), &answer);
    }
    if (status == MCPZ_EXIT_OK) {
        if (invocation->json) {
            mcpz_print_json(answer);
        } else {
            (void)printf("%s\n", mcpz_show_text(answer, "lease"));
        }
        json_decref(answer);
    }
    return status;
}

enum mcpz_exit mcpz_run_pool_lease(const struct mcpz_invocation *invocation)
{
    return ask_lease(invocation, "/v1/pools/", "/leases");
}

enum mcpz_exit mcpz_run_pool_renew(const struct mcpz_invocation *invocation)
{
    return ask_lease(invocation, "/v1/leases/", "");
}

enum mcpz_exit mcpz_run_pool_release(const struct mcpz_invocation *invocation)
{
    char path[MCPZ_API_PATH_BYTES];
    enum mcpz_exit status =
        mcpz_api_path(invocation, "/v1/leases/", invocation->arguments[0], "", path);

    return status == MCPZ_EXIT_OK ? ask_and_say(invocation, "DELETE", path, NULL, "released")
                                  : status;
}

/* ---- Executing ---------------------------------------------------------------------------- */

static enum mcpz_exit show_execution(const struct mcpz_invocation *invocation,
                                     const json_t *answer)
{
    const json_t *error = json_object_get(answer, "error");
    const json_t *result = json_object_get(answer, "result");
    const char *code = json_string_value(json_object_get(error, "code"));

    if (invocation->json) {
        mcpz_print_json(answer);
    } else if (code != NULL) {
        (void)fputs("mcpz: ", stderr);
        (void)fprintf(stderr, "%s: ", code);
        mcpz_print_clean(stderr, mcpz_show_text(error, "message"));
        (void)fputc('\n', stderr);
    } else if (json_is_string(result)) {
        (void)printf("%s\n", json_string_value(result));
    } else {
        mcpz_print_json_pretty(result);
    }
    return code != NULL ? mcpz_exit_from_word(code) : MCPZ_EXIT_OK;
}

enum mcpz_exit mcpz_run_pool_execute(const struct mcpz_invocation *invocation)
{
    const char *params = mcpz_option_value(invocation, "params");
    char path[MCPZ_API_PATH_BYTES];
    uint64_t timeout_ms;
    json_t *answer;

    enum mcpz_exit status =
        mcpz_option_duration(invocation, "timeout", TIMEOUT_MS_DEFAULT, &timeout_ms);
    if (status == MCPZ_EXIT_OK) {
        status =
            mcpz_api_path(invocation, "/v1/leases/", invocation->arguments[0], "/execute", path);
    }
    if (status != MCPZ_EXIT_OK) {
        return status;
    }
    json_t *body = json_pack("{s:s, s:I}", "type", invocation->arguments[1], "timeout_ms",
                             (json_int_t)timeout_ms);
    json_t *given =
        params != NULL ? json_loads(params, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, NULL) : NULL;
    if (body == NULL || (params != NULL && given == NULL)) {
        json_decref(body);
        return mcpz_fail_usage(invocation, "--params is not JSON, or TYPE is not UTF-8 text");
    }
    if (given != NULL) {
        (void)json_object_set_new(body, "params", given);
    }
    status = mcpz_ask_patiently(invocation, "POST", path, body, timeout_ms, &answer);
    if (status == MCPZ_EXIT_OK) {
        status = show_execution(invocation, answer);
        json_decref(answer);
    }
    return status;
}
