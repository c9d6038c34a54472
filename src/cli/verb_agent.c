#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/ask.h"
#include "cli/blob_files.h"
#include "cli/show.h"
#include "cli/verb_tables.h"

/* ---- Writing ------------------------------------------------------------------------------ */

#define READ_TIMEOUT_MS 5000 /* the node's own default */

static enum mcpz_exit show_written(const struct mcpz_invocation *invocation, const char *method,
                                   const char *path, json_t *body, const char *what)
{
    json_t *answer;

    char whole[MCPZ_API_PATH_BYTES];
    uint64_t wait_ms;

    if (body == NULL && *method == 'P') {
        return mcpz_fail_usage(invocation, "an argument is not UTF-8 text");
    }
    enum mcpz_exit status = mcpz_api_path_ack(invocation, path, whole, &wait_ms);
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

static enum mcpz_exit run_agent_create(const struct mcpz_invocation *invocation)
{
    json_t *body = json_pack("{s:s}", "id", mcpz_argument(invocation, 0));

    return show_written(invocation, "POST", "/v1/agents", body, "created");
}

static enum mcpz_exit run_agent_delete(const struct mcpz_invocation *invocation)
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

static enum mcpz_exit run_agent_set(const struct mcpz_invocation *invocation)
{
    const char *file = mcpz_option_value(invocation, "file");
    enum mcpz_exit status;

    if ((file == NULL) == (mcpz_argument(invocation, 2) == NULL)) {
        return mcpz_fail_usage(invocation, "say a value as JSON, or --file FILE");
    }
    if (file == NULL) {
        return write_value(invocation, "/set");
    }
    json_t *value = NULL;
    status = mcpz_blob_put_brief(invocation, file, &value);
    if (value != NULL) {
        status = write_at(invocation, "/set", "value", json_incref(value));
        mcpz_blob_end_brief(invocation, value);
        json_decref(value);
    }
    return status;
}

static enum mcpz_exit run_agent_keep(const struct mcpz_invocation *invocation)
{
    return write_value(invocation, "/keep");
}

static enum mcpz_exit run_agent_add(const struct mcpz_invocation *invocation)
{
    return write_value(invocation, "/add");
}

static enum mcpz_exit run_agent_remove(const struct mcpz_invocation *invocation)
{
    return write_value(invocation, "/remove");
}

static enum mcpz_exit run_agent_push(const struct mcpz_invocation *invocation)
{
    return write_value(invocation, "/push");
}

static enum mcpz_exit run_agent_unset(const struct mcpz_invocation *invocation)
{
    return write_at(invocation, "/unset", "value", NULL);
}

static enum mcpz_exit run_agent_enable(const struct mcpz_invocation *invocation)
{
    return write_at(invocation, "/enable", "value", NULL);
}

static enum mcpz_exit run_agent_disable(const struct mcpz_invocation *invocation)
{
    return write_at(invocation, "/disable", "value", NULL);
}

static enum mcpz_exit run_agent_map(const struct mcpz_invocation *invocation)
{
    return write_at(invocation, "/map", "value", NULL);
}

static enum mcpz_exit run_agent_increment(const struct mcpz_invocation *invocation)
{
    return write_number(invocation, "/increment", "by");
}

static enum mcpz_exit run_agent_spend(const struct mcpz_invocation *invocation)
{
    return write_number(invocation, "/spend", "amount");
}

static enum mcpz_exit run_agent_drop(const struct mcpz_invocation *invocation)
{
    return write_number(invocation, "/drop", "index");
}

static enum mcpz_exit run_agent_grant(const struct mcpz_invocation *invocation)
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

static enum mcpz_exit run_agent_insert(const struct mcpz_invocation *invocation)
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

static enum mcpz_exit run_agent_move(const struct mcpz_invocation *invocation)
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

static enum mcpz_exit run_agent_fence(const struct mcpz_invocation *invocation)
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

static enum mcpz_exit run_agent_life(const struct mcpz_invocation *invocation)
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
    const char *const cells[] = {mcpz_show_text(agent, "id"), mcpz_show_text(agent, "tenant"),
                                 mcpz_json_field(agent, "entries", entries),
                                 mcpz_json_field(agent, "versions", versions),
                                 mcpz_json_short_id(agent, "document", document)};

    return mcpz_table_add(table, cells);
}

static enum mcpz_exit show_agents(const json_t *answer)
{
    static const char *const headings[] = {"ID", "TENANT", "ENTRIES", "WRITERS", "DOCUMENT"};
    static const struct mcpz_listing listing = {headings, MCPZ_ARRAY_LEN(headings), add_agent,
                                                "no agents; `mcpz agent create ID` makes one"};

    return mcpz_show_listing(&listing, answer);
}

static enum mcpz_exit run_agent_list(const struct mcpz_invocation *invocation)
{
    char path[MCPZ_API_PATH_BYTES] = "/v1/agents";
    enum mcpz_exit status = mcpz_api_path_tenant(invocation, path);

    return status != MCPZ_EXIT_OK ? status
                                  : mcpz_ask_and_show(invocation, "GET", path, show_agents);
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

/* How far back history, at and diff go. */
static void note_floor(const json_t *floor)
{
    if (floor != NULL) {
        (void)fprintf(stderr,
                      "note: its history begins at %s: %lld writes up to then are folded\n",
                      mcpz_show_text(floor, "since"),
                      (long long)json_integer_value(json_object_get(floor, "deltas")));
    }
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
    note_floor(json_object_get(answer, "floor"));
    return MCPZ_EXIT_OK;
}

/* `path` with what --read and --timeout say, and how long that may take. Tells why not. */
static enum mcpz_exit add_read(const struct mcpz_invocation *invocation, char *path,
                               uint64_t *wait_ms)
{
    static const char *const reaches[] = {"local", "one", "quorum"};
    const char *reach = mcpz_option_value(invocation, "read");
    const size_t used = strlen(path);
    bool is_reach = reach == NULL;

    *wait_ms = 0;
    for (size_t i = 0; i < MCPZ_ARRAY_LEN(reaches) && !is_reach; i++) {
        is_reach = strcmp(reaches[i], reach) == 0;
    }
    if (!is_reach) {
        return mcpz_fail_usage(invocation, "--read %s is not local, one or quorum", reach);
    }
    const enum mcpz_exit status =
        mcpz_option_duration(invocation, "timeout", READ_TIMEOUT_MS, wait_ms);
    if (status == MCPZ_EXIT_OK && reach != NULL &&
        snprintf(path + used, MCPZ_API_PATH_BYTES - used, "%cread=%s&timeout_ms=%" PRIu64,
                 strchr(path, '?') != NULL ? '&' : '?', reach,
                 *wait_ms) >= (int)(MCPZ_API_PATH_BYTES - used)) {
        return mcpz_fail_usage(invocation, "the agent's id is too long");
    }
    return status;
}

/* "/v1/agents/ID" of argument 0, and of whom. */
static enum mcpz_exit agent_path(const struct mcpz_invocation *invocation,
                                 char path[MCPZ_API_PATH_BYTES])
{
    enum mcpz_exit status =
        mcpz_api_path(invocation, "/v1/agents/", mcpz_argument(invocation, 0), "", path);

    return status != MCPZ_EXIT_OK ? status : mcpz_api_path_tenant(invocation, path);
}

/* Element number `word` of a list, counted from 0; NULL: there is none. */
static const json_t *find_in_list(const json_t *list, const char *word, size_t length)
{
    char *end;
    const unsigned long long index = strtoull(word, &end, 10);

    return length > 0 && end == word + length ? json_array_get(list, (size_t)index) : NULL;
}

/* What stands at `path` ("a.b.c" or "/a/b"), borrowed; NULL: nothing. */
static const json_t *find_at(const json_t *state, const char *path)
{
    const char separator = path[0] == '/' ? '/' : '.';

    path += separator == '/' ? 1 : 0;
    while (state != NULL && *path != '\0') {
        const size_t length = strcspn(path, separator == '/' ? "/" : ".");
        state = json_is_array(state) ? find_in_list(state, path, length)
                                     : json_object_getn(state, path, length);
        path += length + (path[length] != '\0' ? 1 : 0);
    }
    return state;
}

/* Write the blob that stands at a path of the agent to a file. */
static enum mcpz_exit get_file(const struct mcpz_invocation *invocation, const json_t *answer)
{
    const json_t *value = find_at(json_object_get(answer, "state"), mcpz_argument(invocation, 1));
    const struct mcpz_blob_wish wish = {.blob = json_string_value(json_object_get(value, "$blob")),
                                        .tenant =
                                            json_string_value(json_object_get(value, "tenant")),
                                        .path = mcpz_option_value(invocation, "file")};

    if (wish.blob == NULL) {
        return mcpz_fail(invocation, MCPZ_EXIT_NOT_FOUND, "not_found",
                         "there is no file at that path");
    }
    return mcpz_blob_get_file(invocation, &wish);
}

/* Print what stands at a path of the agent. */
static enum mcpz_exit show_value(const struct mcpz_invocation *invocation, const json_t *answer)
{
    const char *path = mcpz_argument(invocation, 1);
    const json_t *value = find_at(json_object_get(answer, "state"), path);
    const json_t *conflict;
    size_t i;

    if (value == NULL) {
        return mcpz_fail(invocation, MCPZ_EXIT_NOT_FOUND, "not_found",
                         "nothing stands at that path");
    }
    if (invocation->json) {
        mcpz_print_json(value);
        return MCPZ_EXIT_OK;
    }
    mcpz_print_json_pretty(value);
    json_array_foreach(json_object_get(answer, "conflicts"), i, conflict)
    {
        if (strcmp(mcpz_show_text(conflict, "path"), path) == 0) {
            note_conflict(conflict);
        }
    }
    return MCPZ_EXIT_OK;
}

static enum mcpz_exit run_agent_get(const struct mcpz_invocation *invocation)
{
    const bool wants_file = mcpz_option_is_given(invocation, "file");
    char path[MCPZ_API_PATH_BYTES];
    uint64_t wait_ms = 0;
    json_t *answer;

    if (wants_file && mcpz_argument(invocation, 1) == NULL) {
        return mcpz_fail_usage(invocation, "--file wants the PATH where the agent names the file");
    }
    enum mcpz_exit status = agent_path(invocation, path);
    if (status == MCPZ_EXIT_OK) {
        status = add_read(invocation, path, &wait_ms);
    }
    if (status == MCPZ_EXIT_OK) {
        status = mcpz_ask_patiently(invocation, "GET", path, NULL, wait_ms, &answer);
    }
    if (status != MCPZ_EXIT_OK) {
        return status;
    }
    if (wants_file) {
        status = get_file(invocation, answer);
    } else if (mcpz_argument(invocation, 1) != NULL) {
        status = show_value(invocation, answer);
    } else if (invocation->json) {
        mcpz_print_json(answer);
    } else {
        status = show_agent(answer);
    }
    json_decref(answer);
    return status;
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

static enum mcpz_exit run_agent_conflicts(const struct mcpz_invocation *invocation)
{
    char path[MCPZ_API_PATH_BYTES];
    json_t *answer;
    enum mcpz_exit status = agent_path(invocation, path);

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

static const struct mcpz_option agent_read_options[] = {
    {"read", '\0', "WHOSE", "local, what this node has; one that keeps it (default); or quorum"},
    {"timeout", '\0', "TIME", "for a quorum to answer: then the status is 5 (5s)"},
    {"file", '\0', "FILE", "where the file goes that stands at PATH; - is standard output"},
    MCPZ_TENANT_OPTION,
};

static const struct mcpz_option agent_set_options[] = {
    {"file", '\0', "FILE", "not JSON: the file is kept as a blob, and named; - is the input"},
    {"ack", '\0', "LEVEL", "on how many disks it is to be: async (one), one, quorum or all"},
    {"timeout", '\0', "TIME", "for that: then the status is 5, and the write stays (5s)"},
    MCPZ_TENANT_OPTION,
};

static const struct mcpz_option agent_write_options[] = {
    {"ack", '\0', "LEVEL", "on how many disks it is to be: async (one), one, quorum or all"},
    {"timeout", '\0', "TIME", "for that: then the status is 5, and the write stays (5s)"},
    MCPZ_TENANT_OPTION,
};

static const struct mcpz_option agent_options[] = {MCPZ_TENANT_OPTION};

static const struct mcpz_option agent_list_options[] = {
    {"tenant", '\0', "NAME", "only of this one (all)"},
};

/* clang-format off */
static const struct mcpz_verb verbs[] = {
{
    run_agent_create, "agent create", "ID", 1, 1, "make an agent",
    "Its state is kept by every node of the mesh, or by those of the layout. Fails if it\n"
    "exists. It is its tenant's from then on: sealed under that one's key, and gone with it.\n"
    "\n"
    "Examples:\n"
    "  mcpz agent create planner\n"
    "  mcpz agent create planner --tenant acme\n",
    MCPZ_OPTIONS(agent_write_options)},
{
    run_agent_list, "agent list", "", 0, 0, "list the agents",
    "\n"
    "Example:\n"
    "  mcpz agent list\n",
    MCPZ_OPTIONS(agent_list_options)},
{
    run_agent_get, "agent get", "ID [PATH]", 1, 2, "show an agent's state, or what is at a path of it",
    "Beside it stands where it holds more than is shown (mcpz agent conflicts), and since when\n"
    "there is history where older writes were folded (agents.history).\n"
    "With --json also its root hash: two nodes with the same root hold the same state.\n"
    "Where a layout says who keeps it, one of those is asked. A quorum has all that writes with\n"
    "--ack quorum have promised; who turns out to be behind is brought up to date.\n"
    "\n"
    "Examples:\n"
    "  mcpz agent get planner\n"
    "  mcpz agent get planner goal\n"
    "  mcpz agent get planner --read quorum\n"
    "  mcpz agent get planner map --file map.png\n",
    MCPZ_OPTIONS(agent_read_options)},
{
    run_agent_set, "agent set", "ID PATH [JSON]", 2, 3, "write a value, or name a file",
    "PATH is \"a.b.c\", or a JSON pointer \"/a/b.c\" for names with dots. Of writes made at\n"
    "the same time on both sides of a split mesh, the last one stays. A file becomes a blob\n"
    "(mcpz blob), which is kept as long as an agent names it.\n"
    "\n"
    "Examples:\n"
    "  mcpz agent set planner goal '\"paint the fence\"'\n"
    "  mcpz agent set planner limits.money 20\n"
    "  mcpz agent set planner map --file map.png\n",
    MCPZ_OPTIONS(agent_set_options)},
{
    run_agent_unset, "agent unset", "ID PATH", 2, 2, "remove all at and below a path",
    "Values, sets and counters alike.\n"
    "\n"
    "Example:\n"
    "  mcpz agent unset planner limits\n",
    MCPZ_OPTIONS(agent_write_options)},
{
    run_agent_add, "agent add", "ID PATH JSON", 3, 3, "put an element into a set",
    "An element added on one side of a split mesh while it is removed on the other stays.\n"
    "\n"
    "Example:\n"
    "  mcpz agent add planner tags '\"garden\"'\n",
    MCPZ_OPTIONS(agent_write_options)},
{
    run_agent_remove, "agent remove", "ID PATH JSON", 3, 3,
    "take an element out of a set",
    "\n"
    "Example:\n"
    "  mcpz agent remove planner tags '\"garden\"'\n",
    MCPZ_OPTIONS(agent_write_options)},
{
    run_agent_increment, "agent increment", "ID PATH N", 3, 3, "add to a counter",
    "N is a whole number, also a negative one. Increments made anywhere all count.\n"
    "\n"
    "Examples:\n"
    "  mcpz agent increment planner steps 1\n"
    "  mcpz agent increment planner steps -3\n",
    MCPZ_OPTIONS(agent_write_options)},
{
    run_agent_keep, "agent keep", "ID PATH JSON", 3, 3, "write a value beside those of others",
    "Of values written at the same time on both sides of a split mesh, all stay, and are shown as\n"
    "{\"$values\": [...]}; the next write, which has seen them, replaces them.\n"
    "\n"
    "Example:\n"
    "  mcpz agent keep planner mood '\"calm\"'\n",
    MCPZ_OPTIONS(agent_write_options)},
{
    run_agent_fence, "agent fence", "ID PATH EPOCH JSON [RANK]", 4, 5, "write a value that a stale writer cannot undo",
    "The greatest EPOCH wins, then the greatest RANK (0 to 255, 0 if it is not given), then the last\n"
    "write. An epoch that is over is refused, here and after a split; \"mcpz agent history\" shows\n"
    "which there is. A new owner takes the next one.\n"
    "\n"
    "Example:\n"
    "  mcpz agent fence planner owner 7 '\"n-...\"'\n",
    MCPZ_OPTIONS(agent_write_options)},
{
    run_agent_life, "agent life", "ID STATE", 2, 2, "say where an agent is in its life",
    "STATE is provisioning, active, idle, maintenance or decommissioned, which has the last word.\n"
    "\n"
    "Example:\n"
    "  mcpz agent life planner idle\n",
    MCPZ_OPTIONS(agent_write_options)},
{
    run_agent_enable, "agent enable", "ID PATH", 2, 2, "set a flag",
    "A flag enabled on one side of a split mesh while it is disabled on the other stays.\n"
    "\n"
    "Example:\n"
    "  mcpz agent enable planner flags.careful\n",
    MCPZ_OPTIONS(agent_write_options)},
{
    run_agent_disable, "agent disable", "ID PATH", 2, 2, "remove a flag",
    "\n"
    "Example:\n"
    "  mcpz agent disable planner flags.careful\n",
    MCPZ_OPTIONS(agent_write_options)},
{
    run_agent_grant, "agent grant", "ID PATH N [NODE]", 3, 4, "make a budget larger, or give some of it away",
    "A budget is spent on any node without asking others, and never more than there is. N more can\n"
    "be spent at this node; with NODE (a name, or an id), N of what can be spent here can be spent\n"
    "there instead.\n"
    "\n"
    "Examples:\n"
    "  mcpz agent grant planner budget 100\n"
    "  mcpz agent grant planner budget 40 attic\n",
    MCPZ_OPTIONS(agent_write_options)},
{
    run_agent_spend, "agent spend", "ID PATH N", 3, 3, "spend some of a budget",
    "Fails if so much is not to be spent at this node.\n"
    "\n"
    "Example:\n"
    "  mcpz agent spend planner budget 25\n",
    MCPZ_OPTIONS(agent_write_options)},
{
    run_agent_push, "agent push", "ID PATH JSON", 3, 3, "put an element behind a list",
    "\n"
    "Example:\n"
    "  mcpz agent push planner steps '\"buy paint\"'\n",
    MCPZ_OPTIONS(agent_write_options)},
{
    run_agent_insert, "agent insert", "ID PATH INDEX JSON", 4, 4, "put an element into a list",
    "INDEX is where it then stands, from 0, as this node sees the list.\n"
    "\n"
    "Example:\n"
    "  mcpz agent insert planner steps 0 '\"get up\"'\n",
    MCPZ_OPTIONS(agent_write_options)},
{
    run_agent_move, "agent move", "ID PATH FROM TO", 4, 4, "move an element of a list",
    "\n"
    "Example:\n"
    "  mcpz agent move planner steps 2 0\n",
    MCPZ_OPTIONS(agent_write_options)},
{
    run_agent_drop, "agent drop", "ID PATH INDEX", 3, 3, "take an element out of a list",
    "\n"
    "Example:\n"
    "  mcpz agent drop planner steps 1\n",
    MCPZ_OPTIONS(agent_write_options)},
{
    run_agent_map, "agent map", "ID PATH", 2, 2, "make an empty map",
    "A map is there as long as something is in it; this one is there without.\n"
    "\n"
    "Example:\n"
    "  mcpz agent map planner notes\n",
    MCPZ_OPTIONS(agent_write_options)},
{
    run_agent_conflicts, "agent conflicts", "ID", 1, 1, "show what an agent holds and does not show",
    "Where one path holds several types, or several values written at the same time.\n"
    "\n"
    "Example:\n"
    "  mcpz agent conflicts planner\n",
    MCPZ_OPTIONS(agent_options)},
{
    run_agent_delete, "agent delete", "ID", 1, 1, "delete an agent everywhere",
    "\n"
    "Example:\n"
    "  mcpz agent delete planner\n",
    MCPZ_OPTIONS(agent_write_options)},
};
/* clang-format on */

const struct mcpz_verb_table mcpz_agent_verbs = {verbs, MCPZ_ARRAY_LEN(verbs)};
