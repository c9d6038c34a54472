#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/ask.h"
#include "cli/run.h"
#include "cli/show.h"

/* ---- Writing ------------------------------------------------------------------------------ */

static enum mcpz_exit show_written(const struct mcpz_invocation *invocation, const char *method,
                                   const char *path, json_t *body, const char *what)
{
    json_t *answer;

    if (body == NULL && *method == 'P') {
        return mcpz_fail_usage(invocation, "an argument is not UTF-8 text");
    }
    enum mcpz_exit status = mcpz_ask(invocation, method, path, body, &answer);
    if (status != MCPZ_EXIT_OK) {
        return status;
    }
    if (invocation->json) {
        mcpz_print_json(answer);
    } else {
        (void)printf("%s %s\n", what, mcpz_show_text(answer, "id"));
    }
    json_decref(answer);
    return MCPZ_EXIT_OK;
}

enum mcpz_exit mcpz_run_agent_create(const struct mcpz_invocation *invocation)
{
    json_t *body = json_pack("{s:s}", "id", mcpz_argument(invocation, 0));

    return show_written(invocation, "POST", "/v1/agents", body, "created");
}

enum mcpz_exit mcpz_run_agent_delete(const struct mcpz_invocation *invocation)
{
    char path[MCPZ_API_PATH_BYTES];
    enum mcpz_exit status =
        mcpz_api_path(invocation, "/v1/agents/", mcpz_argument(invocation, 0), "", path);

    return status != MCPZ_EXIT_OK ? status
                                  : show_written(invocation, "DELETE", path, NULL, "deleted");
}

/* ID PATH and what `extra` (its reference is taken; NULL: nothing) is under `key`. */
static enum mcpz_exit write_at(const struct mcpz_invocation *invocation, const char *verb,
                               const char *key, json_t *extra)
{
    char path[MCPZ_API_PATH_BYTES];
    enum mcpz_exit status =
        mcpz_api_path(invocation, "/v1/agents/", mcpz_argument(invocation, 0), verb, path);

    if (status != MCPZ_EXIT_OK) {
        json_decref(extra);
        return status;
    }
    json_t *body = json_pack("{s:s, s:o*}", "path", mcpz_argument(invocation, 1), key, extra);
    return show_written(invocation, "POST", path, body, "updated");
}

static enum mcpz_exit write_value(const struct mcpz_invocation *invocation, const char *verb)
{
    const char *text = mcpz_argument(invocation, 2);
    json_error_t why;
    json_t *value =
        json_loads(text, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &why);

    if (value == NULL) {
        return mcpz_fail_usage(invocation,
                               "%s is not JSON (%s); a text is written with its quotes: "
                               "'\"text\"'",
                               text, why.text);
    }
    return write_at(invocation, verb, "value", value);
}

enum mcpz_exit mcpz_run_agent_set(const struct mcpz_invocation *invocation)
{
    return write_value(invocation, "/set");
}

enum mcpz_exit mcpz_run_agent_add(const struct mcpz_invocation *invocation)
{
    return write_value(invocation, "/add");
}

enum mcpz_exit mcpz_run_agent_remove(const struct mcpz_invocation *invocation)
{
    return write_value(invocation, "/remove");
}

enum mcpz_exit mcpz_run_agent_unset(const struct mcpz_invocation *invocation)
{
    return write_at(invocation, "/unset", "value", NULL);
}

enum mcpz_exit mcpz_run_agent_increment(const struct mcpz_invocation *invocation)
{
    const char *text = mcpz_argument(invocation, 2);
    char *end;

    errno = 0;
    long long amount = strtoll(text, &end, 10);
    if (end == text || *end != '\0' || errno != 0) {
        return mcpz_fail_usage(invocation, "%s is not a whole number of 64 bits", text);
    }
    return write_at(invocation, "/increment", "by", json_integer(amount));
}

/* ---- Reading ------------------------------------------------------------------------------ */

static mcpz_error add_agent(struct mcpz_table *table, const json_t *agent)
{
    char entries[MCPZ_FIELD_BYTES];
    char versions[MCPZ_FIELD_BYTES];
    char document[MCPZ_FIELD_BYTES];
    const char *const cells[] = {mcpz_show_text(agent, "id"),
                                 mcpz_json_field(agent, "entries", entries),
                                 mcpz_json_field(agent, "versions", versions),
                                 mcpz_json_short_id(agent, "document", document)};

    return mcpz_table_add(table, cells);
}

static enum mcpz_exit show_agents(const json_t *answer)
{
    static const char *const headings[] = {"ID", "ENTRIES", "WRITERS", "DOCUMENT"};
    static const struct mcpz_listing listing = {headings, MCPZ_ARRAY_LEN(headings), add_agent,
                                                "no agents; `mcpz agent create ID` makes one"};

    return mcpz_show_listing(&listing, answer);
}

enum mcpz_exit mcpz_run_agent_list(const struct mcpz_invocation *invocation)
{
    return mcpz_ask_and_show(invocation, "GET", "/v1/agents", show_agents);
}

static void note_conflict(const json_t *conflict)
{
    const json_t *hidden = json_object_get(conflict, "hidden");

    (void)fputs("note: at ", stderr);
    mcpz_print_clean(stderr, mcpz_show_text(conflict, "path"));
    (void)fprintf(stderr, " the %s is shown, hidden:", mcpz_show_text(conflict, "shown"));
    for (size_t i = 0; i < json_array_size(hidden); i++) {
        const char *type = json_string_value(json_array_get(hidden, i));
        (void)fprintf(stderr, " %s", type != NULL ? type : "?");
    }
    (void)fputc('\n', stderr);
}

static enum mcpz_exit show_agent(const json_t *answer)
{
    const json_t *state = json_object_get(answer, "state");
    const json_t *conflicts = json_object_get(answer, "conflicts");

    if (state != NULL) {
        mcpz_print_json_pretty(state);
    }
    for (size_t i = 0; i < json_array_size(conflicts); i++) {
        note_conflict(json_array_get(conflicts, i));
    }
    return MCPZ_EXIT_OK;
}

enum mcpz_exit mcpz_run_agent_get(const struct mcpz_invocation *invocation)
{
    char path[MCPZ_API_PATH_BYTES];
    enum mcpz_exit status =
        mcpz_api_path(invocation, "/v1/agents/", mcpz_argument(invocation, 0), "", path);

    return status != MCPZ_EXIT_OK ? status
                                  : mcpz_ask_and_show(invocation, "GET", path, show_agent);
}
