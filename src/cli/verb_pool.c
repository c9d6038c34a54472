#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/ask.h"
#include "cli/show.h"
#include "cli/verb_tables.h"
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

static enum mcpz_exit run_pool_create(const struct mcpz_invocation *invocation)
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

static enum mcpz_exit run_pool_list(const struct mcpz_invocation *invocation)
{
    return mcpz_ask_and_show(invocation, "GET", "/v1/pools", show_pools);
}

static enum mcpz_exit run_pool_remove(const struct mcpz_invocation *invocation)
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

static enum mcpz_exit run_pool_lease(const struct mcpz_invocation *invocation)
{
    return ask_lease(invocation, "/v1/pools/", "/leases");
}

static enum mcpz_exit run_pool_renew(const struct mcpz_invocation *invocation)
{
    return ask_lease(invocation, "/v1/leases/", "");
}

static enum mcpz_exit run_pool_release(const struct mcpz_invocation *invocation)
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

static enum mcpz_exit run_pool_execute(const struct mcpz_invocation *invocation)
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

static const struct mcpz_option pool_create_options[] = {
    {"size", '\0', "N", "how many workers (1)"},
    {"plugin", '\0', "NAME", "told to each worker before its first task; may be repeated"},
    {"warm", '\0', NULL, "start them now, not when they are leased"},
    {"isolation", '\0', "HOW", "strict, degraded (the default), none"},
};

static const struct mcpz_option pool_lease_options[] = {
    {"ttl", '\0', "TIME", "when the lease ends unless it is renewed, e.g. 30s, 1m (the default)"},
};

static const struct mcpz_option pool_execute_options[] = {
    {"params", '\0', "JSON", "parameters"},
    {"timeout", '\0', "TIME", "give up after so long, e.g. 500ms, 30s (the default), 5m"},
};

/* clang-format off */
static const struct mcpz_verb verbs[] = {
{
    run_pool_create, "pool create", "NAME -- COMMAND", 2, MCPZ_VERB_ARGUMENTS_MAX,
    "keep workers ready for programs of this machine",
    "COMMAND is run by the shell and speaks lines of JSON, as a provider in mode worker does\n"
    "(README, \"Workers\"). The pool is gone when the node ends; those under \"pools\" in the\n"
    "configuration are made again at each start.\n"
    "\n"
    "Example:\n"
    "  mcpz pool create shouts --size 4 --plugin exclaim --warm -- /opt/shout.py\n",
    MCPZ_OPTIONS(pool_create_options)},
{
    run_pool_list, "pool list", "", 0, 0, "list this node's agent pools",
    "\n"
    "Example:\n"
    "  mcpz pool list\n",
    NULL, 0},
{
    run_pool_lease, "pool lease", "NAME", 1, 1, "have a worker of a pool to oneself",
    "Prints the lease. When it ends, given back or not renewed, its worker goes with all it\n"
    "had, and a fresh one takes its place.\n"
    "\n"
    "Example:\n"
    "  lease=$(mcpz pool lease shouts --ttl 5m)\n",
    MCPZ_OPTIONS(pool_lease_options)},
{
    run_pool_renew, "pool renew", "LEASE", 1, 1, "let a lease go on",
    "It ends --ttl from now.\n"
    "\n"
    "Example:\n"
    "  mcpz pool renew $lease --ttl 5m\n",
    MCPZ_OPTIONS(pool_lease_options)},
{
    run_pool_execute, "pool execute", "LEASE TYPE", 2, 2,
    "have the leased worker do something",
    "The result goes to standard output, errors to standard error.\n"
    "\n"
    "Example:\n"
    "  mcpz pool execute $lease text.shout --params '{\"text\": \"hello\"}'\n",
    MCPZ_OPTIONS(pool_execute_options)},
{
    run_pool_release, "pool release", "LEASE", 1, 1, "give a leased worker back",
    "\n"
    "Example:\n"
    "  mcpz pool release $lease\n",
    NULL, 0},
{
    run_pool_remove, "pool remove", "NAME", 1, 1, "end a pool and its leases",
    "\n"
    "Example:\n"
    "  mcpz pool remove shouts\n",
    NULL, 0},
};
/* clang-format on */

const struct mcpz_verb_table mcpz_pool_verbs = {verbs, MCPZ_ARRAY_LEN(verbs)};
