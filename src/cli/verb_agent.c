#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/ask.h"
#include "cli/run.h"
#include "cli/show.h"

/* ---- Writing ------------------------------------------------------------------------------ */

#define ACK_TIMEOUT_MS 5000 /* the node's own default */

/* `path` with what --ack and --timeout say, and how long that may take. Tells why not. */
static enum mcpz_exit add_ack(const struct mcpz_invocation *invocation, const char *path,
                              char whole[MCPZ_API_PATH_BYTES], uint64_t *wait_ms)
{
    static const char *const levels[] = {"async", "one", "quorum", "all"};
    const char *level = mcpz_option_value(invocation, "ack");
    bool is_level = level == NULL;

    *wait_ms = 0;
    for (size_t i = 0; i < MCPZ_ARRAY_LEN(levels) && !is_level; i++) {
        is_level = strcmp(levels[i], level) == 0;
    }
    if (!is_level) {
        return mcpz_fail_usage(invocation, "--ack %s is not async, one, quorum or all", level);
    }
    const enum mcpz_exit status =
        mcpz_option_duration(invocation, "timeout", ACK_TIMEOUT_MS, wait_ms);
    if (status != MCPZ_EXIT_OK) {
        return status;
    }
    if (snprintf(whole, MCPZ_API_PATH_BYTES, "%s?ack=%s&timeout_ms=%" PRIu64, path,
                 level != NULL ? level : "async", *wait_ms) >= MCPZ_API_PATH_BYTES) {
        return mcpz_fail_usage(invocation, "the agent's id is too long");
    }
    if (level == NULL) {
        (void)snprintf(whole, MCPZ_API_PATH_BYTES, "%s", path);
    }
    return MCPZ_EXIT_OK;
}

static enum mcpz_exit show_written(const struct mcpz_invocation *invocation, const char *method,
                                   const char *path, json_t *body, const char *what)
{
    json_t *answer;

    char whole[MCPZ_API_PATH_BYTES];
    uint64_t wait_ms;

    if (body == NULL && *method == 'P') {
        return mcpz_fail_usage(invocation, "an argument is not UTF-8 text");
    }
    enum mcpz_exit status = add_ack(invocation, path, whole, &wait_ms);
    if (status != MCPZ_EXIT_OK) {
        json_decref(body);
        return status;
    }
    status = mcpz_ask_patiently(invocation, method, whole, body, wait_ms, &answer);
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

/* Send `body`, whose reference is taken, to one agent. NULL: an argument is no text. */
static enum mcpz_exit write_agent(const struct mcpz_invocation *invocation, const char *verb,
                                  json_t *body)
{
    char path[MCPZ_API_PATH_BYTES];
    enum mcpz_exit status =
        mcpz_api_path(invocation, "/v1/agents/", mcpz_argument(invocation, 0), verb, path);

    if (status != MCPZ_EXIT_OK) {
        json_decref(body);
        return status;
    }
    return show_written(invocation, "POST", path, body, "updated");
}

/* ID PATH and what `extra` (its reference is taken; NULL: nothing) is under `key`. */
static enum mcpz_exit write_at(const struct mcpz_invocation *invocation, const char *verb,
                               const char *key, json_t *extra)
{
    return write_agent(invocation, verb,
                       json_pack("{s:s, s:o*}", "path", mcpz_argument(invocation, 1), key, extra));
}

/* Argument `index` as JSON, which the caller releases. NULL: told why not, `*status` says how. */
static json_t *json_argument(const struct mcpz_invocation *invocation, size_t index,
                             enum mcpz_exit *status)
{
    const char *text = mcpz_argument(invocation, index);
    json_error_t why;
    json_t *value =
        json_loads(text, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &why);

    *status = MCPZ_EXIT_OK;
    if (value == NULL) {
        *status = mcpz_fail_usage(invocation,
                                  "%s is not JSON (%s); a text is written with its quotes: "
                                  "'\"text\"'",
                                  text, why.text);
    }
    return value;
}

/* Argument `index` as a whole number. */
static enum mcpz_exit number_argument(const struct mcpz_invocation *invocation, size_t index,
                                      long long *number)
{
    const char *text = mcpz_argument(invocation, index);
    char *end;

    errno = 0;
    *number = strtoll(text, &end, 10);
    if (end == text || *end != '\0' || errno != 0) {
        return mcpz_fail_usage(invocation, "%s is not a whole number of 64 bits", text);
    }
    return MCPZ_EXIT_OK;
}

static enum mcpz_exit write_value(const struct mcpz_invocation *invocation, const char *verb)
{
    enum mcpz_exit status;
    json_t *value = json_argument(invocation, 2, &status);

    return value == NULL ? status : write_at(invocation, verb, "value", value);
}

static enum mcpz_exit write_number(const struct mcpz_invocation *invocation, const char *verb,
                                   const char *key)
{
    long long number;
    enum mcpz_exit status = number_argument(invocation, 2, &number);

    return status != MCPZ_EXIT_OK ? status : write_at(invocation, verb, key, json_integer(number));
}

enum mcpz_exit mcpz_run_agent_set(const struct mcpz_invocation *invocation)
{
    return write_value(invocation, "/set");
}

enum mcpz_exit mcpz_run_agent_keep(const struct mcpz_invocation *invocation)
{
    return write_value(invocation, "/keep");
}

enum mcpz_exit mcpz_run_agent_add(const struct mcpz_invocation *invocation)
{
    return write_value(invocation, "/add");
}

enum mcpz_exit mcpz_run_agent_remove(const struct mcpz_invocation *invocation)
{
    return write_value(invocation, "/remove");
}

enum mcpz_exit mcpz_run_agent_push(const struct mcpz_invocation *invocation)
{
    return write_value(invocation, "/push");
}

enum mcpz_exit mcpz_run_agent_unset(const struct mcpz_invocation *invocation)
{
    return write_at(invocation, "/unset", "value", NULL);
}

enum mcpz_exit mcpz_run_agent_enable(const struct mcpz_invocation *invocation)
{
    return write_at(invocation, "/enable", "value", NULL);
}

enum mcpz_exit mcpz_run_agent_disable(const struct mcpz_invocation *invocation)
{
    return write_at(invocation, "/disable", "value", NULL);
}

enum mcpz_exit mcpz_run_agent_map(const struct mcpz_invocation *invocation)
{
    return write_at(invocation, "/map", "value", NULL);
}

enum mcpz_exit mcpz_run_agent_increment(const struct mcpz_invocation *invocation)
{
    return write_number(invocation, "/increment", "by");
}

enum mcpz_exit mcpz_run_agent_spend(const struct mcpz_invocation *invocation)
{
    return write_number(invocation, "/spend", "amount");
}

enum mcpz_exit mcpz_run_agent_drop(const struct mcpz_invocation *invocation)
{
    return write_number(invocation, "/drop", "index");
}

enum mcpz_exit mcpz_run_agent_grant(const struct mcpz_invocation *invocation)
{
    const char *to = invocation->argument_count > 3 ? mcpz_argument(invocation, 3) : NULL;
    long long amount;
    enum mcpz_exit status = number_argument(invocation, 2, &amount);

    if (status != MCPZ_EXIT_OK) {
        return status;
    }
    return write_agent(invocation, "/grant",
                       json_pack("{s:s, s:I, s:s*}", "path", mcpz_argument(invocation, 1),
                                 "amount", (json_int_t)amount, "to", to));
}

enum mcpz_exit mcpz_run_agent_insert(const struct mcpz_invocation *invocation)
{
    long long index;
    enum mcpz_exit status = number_argument(invocation, 2, &index);
    json_t *value = status == MCPZ_EXIT_OK ? json_argument(invocation, 3, &status) : NULL;

    if (value == NULL) {
        return status;
    }
    return write_agent(invocation, "/insert",
                       json_pack("{s:s, s:I, s:o}", "path", mcpz_argument(invocation, 1), "index",
                                 (json_int_t)index, "value", value));
}

enum mcpz_exit mcpz_run_agent_move(const struct mcpz_invocation *invocation)
{
    long long from;
    long long to;
    enum mcpz_exit status = number_argument(invocation, 2, &from);

    if (status == MCPZ_EXIT_OK) {
        status = number_argument(invocation, 3, &to);
    }
    if (status != MCPZ_EXIT_OK) {
        return status;
    }
    return write_agent(invocation, "/move",
                       json_pack("{s:s, s:I, s:I}", "path", mcpz_argument(invocation, 1), "index",
                                 (json_int_t)from, "to_index", (json_int_t)to));
}

enum mcpz_exit mcpz_run_agent_fence(const struct mcpz_invocation *invocation)
{
    long long epoch;
    long long rank = 0;
    enum mcpz_exit status = number_argument(invocation, 2, &epoch);

    if (status == MCPZ_EXIT_OK && invocation->argument_count > 4) {
        status = number_argument(invocation, 4, &rank);
    }
    json_t *value = status == MCPZ_EXIT_OK ? json_argument(invocation, 3, &status) : NULL;
    if (value == NULL) {
        return status;
    }
    return write_agent(invocation, "/fence",
                       json_pack("{s:s, s:{s:I, s:I}, s:o}", "path", mcpz_argument(invocation, 1),
                                 "fence", "epoch", (json_int_t)epoch, "rank", (json_int_t)rank,
                                 "value", value));
}

enum mcpz_exit mcpz_run_agent_life(const struct mcpz_invocation *invocation)
{
    return write_agent(invocation, "/life",
                       json_pack("{s:s}", "state", mcpz_argument(invocation, 1)));
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

static void note_words(const char *what, const json_t *words)
{
    if (json_array_size(words) > 0) {
        (void)fprintf(stderr, "%s", what);
    }
    for (size_t i = 0; i < json_array_size(words); i++) {
        const char *word = json_string_value(json_array_get(words, i));
        (void)fprintf(stderr, " %s", word != NULL ? word : "?");
    }
}

static void note_conflict(const json_t *conflict)
{
    (void)fputs("note: at ", stderr);
    mcpz_print_clean(stderr, mcpz_show_text(conflict, "path"));
    (void)fprintf(stderr, " the %s is shown", mcpz_show_text(conflict, "shown"));
    note_words(", hidden:", json_object_get(conflict, "hidden"));
    if (json_object_size(json_object_get(conflict, "concurrent")) > 0) {
        (void)fputs(", of several written at the same time", stderr);
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

/* One line for each thing that is not shown: PATH, its type, its value. */
static void print_beside(const json_t *conflict, const char *member, const char *shown)
{
    json_t *values = json_object_get(conflict, member);
    const char *word;
    json_t *value;

    json_object_foreach(values, word, value)
    {
        char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
        mcpz_print_clean(stdout, mcpz_show_text(conflict, "path"));
        (void)printf("  %s %s  ", shown, word);
        mcpz_print_clean(stdout, text != NULL ? text : "?");
        (void)putchar('\n');
        free(text);
    }
}

static enum mcpz_exit show_conflicts(const json_t *answer)
{
    const json_t *conflicts = json_object_get(answer, "conflicts");

    for (size_t i = 0; i < json_array_size(conflicts); i++) {
        const json_t *conflict = json_array_get(conflicts, i);
        print_beside(conflict, "values", "hidden");
        print_beside(conflict, "concurrent", "concurrent");
    }
    if (json_array_size(conflicts) == 0) {
        (void)fputs("nothing is hidden\n", stderr);
    }
    return MCPZ_EXIT_OK;
}

enum mcpz_exit mcpz_run_agent_conflicts(const struct mcpz_invocation *invocation)
{
    char path[MCPZ_API_PATH_BYTES];
    json_t *answer;
    enum mcpz_exit status =
        mcpz_api_path(invocation, "/v1/agents/", mcpz_argument(invocation, 0), "", path);

    if (status == MCPZ_EXIT_OK) {
        status = mcpz_ask(invocation, "GET", path, NULL, &answer);
    }
    if (status != MCPZ_EXIT_OK) {
        return status;
    }
    if (invocation->json) {
        mcpz_print_json(json_object_get(answer, "conflicts"));
    } else {
        status = show_conflicts(answer);
    }
    json_decref(answer);
    return status;
}

/* Is it about this agent, by name or document? NULL: any. */
static bool is_about(const json_t *fork, const char *agent)
{
    return agent == NULL || strcmp(mcpz_show_text(fork, "id"), agent) == 0 ||
           strcmp(mcpz_show_text(fork, "document"), agent) == 0;
}

static json_t *forks_of(const json_t *answer, const char *agent)
{
    json_t *found = json_array();

    for (size_t i = 0; i < json_array_size(answer); i++) {
        json_t *fork = json_array_get(answer, i);
        if (is_about(fork, agent)) {
            (void)json_array_append(found, fork);
        }
    }
    return found;
}

/* One line each: AGENT WRITER GENERATION, from which write on, when it was noticed. */
static void show_forks(const json_t *forks)
{
    for (size_t i = 0; i < json_array_size(forks); i++) {
        const json_t *fork = json_array_get(forks, i);
        bool is_named = json_is_string(json_object_get(fork, "id"));
        mcpz_print_clean(stdout, mcpz_show_text(fork, is_named ? "id" : "document"));
        (void)printf("  %s generation %" JSON_INTEGER_FORMAT " from write %" JSON_INTEGER_FORMAT
                     " on  noticed %s%s\n",
                     mcpz_show_text(fork, "writer"),
                     json_integer_value(json_object_get(fork, "generation")),
                     json_integer_value(json_object_get(fork, "seq")),
                     mcpz_show_text(fork, "noticed"),
                     json_is_true(json_object_get(fork, "ours")) ? "  (this node)" : "");
    }
    if (json_array_size(forks) == 0) {
        (void)fputs("nobody has contradicted itself\n", stderr);
    }
}

enum mcpz_exit mcpz_run_agent_forks(const struct mcpz_invocation *invocation)
{
    const char *agent = invocation->argument_count > 0 ? mcpz_argument(invocation, 0) : NULL;
    json_t *answer;
    enum mcpz_exit status = mcpz_ask(invocation, "GET", "/v1/forks", NULL, &answer);

    if (status != MCPZ_EXIT_OK) {
        return status;
    }
    json_t *forks = forks_of(answer, agent);
    if (invocation->json) {
        mcpz_print_json(forks);
    } else {
        show_forks(forks);
    }
    json_decref(forks);
    json_decref(answer);
    return MCPZ_EXIT_OK;
}
