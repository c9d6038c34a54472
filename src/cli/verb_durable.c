/* Durable tasks: submit, status, wait, cancel, list; their queues; their dead letters. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/base64.h"
#include "cli/ask.h"
#include "cli/show.h"
#include "cli/spool.h"
#include "cli/task_answer.h"
#include "cli/task_options.h"
#include "cli/verb_tables.h"
#include "proto/code.h"
#include "proto/limits.h"

#define SUBMIT_PATH "/v1/tasks/submit"
#define WAIT_DEFAULT_MS 3600000

/* ---- Submitting --------------------------------------------------------------------------- */

/* Add a whole number of an option, if it was given. */
static enum mcpz_exit add_number(const struct mcpz_invocation *invocation, const char *option,
                                 const char *key, json_t *task)
{
    const char *text = mcpz_option_value(invocation, option);
    char *end = NULL;

    if (text == NULL) {
        return MCPZ_EXIT_OK;
    }
    errno = 0;
    long long number = strtoll(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || number < 0) {
        return mcpz_fail_usage(invocation, "--%s: \"%s\" is not a whole number", option, text);
    }
    (void)json_object_set_new(task, key, json_integer(number));
    return MCPZ_EXIT_OK;
}

static enum mcpz_exit add_duration(const struct mcpz_invocation *invocation, const char *option,
                                   const char *key, json_t *task)
{
    uint64_t ms = 0;
    enum mcpz_exit status = mcpz_option_duration(invocation, option, 0, &ms);

    if (status == MCPZ_EXIT_OK && mcpz_option_value(invocation, option) != NULL) {
        (void)json_object_set_new(task, key, json_integer((json_int_t)ms));
    }
    return status;
}

static enum mcpz_exit add_input(const struct mcpz_invocation *invocation, json_t *task)
{
    const char *path = mcpz_option_value(invocation, "input");
    uint8_t bytes[MCPZ_TASK_BYTES_MAX + 1];
    char text[MCPZ_BASE64_CHARS(MCPZ_TASK_BYTES_MAX) + 1];
    size_t length = 0;

    if (path == NULL) {
        return MCPZ_EXIT_OK;
    }
    FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "rb");
    if (file == NULL) {
        return mcpz_fail_usage(invocation, "--input: cannot open %s: %s", path, strerror(errno));
    }
    length = fread(bytes, 1, sizeof(bytes), file);
    if (file != stdin) {
        (void)fclose(file);
    }
    if (length > MCPZ_TASK_BYTES_MAX) {
        return mcpz_fail(invocation, MCPZ_EXIT_FAILED, mcpz_code_word(MCPZ_CODE_TOO_LARGE),
                         "--input: a durable task keeps 32 KiB at most; say where it lies, or use "
                         "`mcpz task run`");
    }
    mcpz_base64_encode(mcpz_bytes(bytes, length), text);
    (void)json_object_set_new(task, "input_base64", json_string(text));
    return MCPZ_EXIT_OK;
}

static enum mcpz_exit make_task(const struct mcpz_invocation *invocation, json_t **task)
{
    uint64_t timeout_ms = 0;
    enum mcpz_exit status = mcpz_task_options_read(invocation, &timeout_ms, task);

    if (status != MCPZ_EXIT_OK) {
        return status;
    }
    status = add_number(invocation, "attempts", "attempts", *task);
    if (status == MCPZ_EXIT_OK) {
        status = add_number(invocation, "copies", "copies", *task);
    }
    if (status == MCPZ_EXIT_OK) {
        status = add_duration(invocation, "backoff", "backoff_ms", *task);
    }
    if (status == MCPZ_EXIT_OK) {
        status = add_duration(invocation, "ttl", "ttl_ms", *task);
    }
    if (status == MCPZ_EXIT_OK) {
        status = add_input(invocation, *task);
    }
    if (mcpz_option_is_given(invocation, "retry-failed")) {
        (void)json_object_set_new(*task, "retry_failed", json_true());
    }
    if (status != MCPZ_EXIT_OK) {
        json_decref(*task);
        *task = NULL;
    }
    return status;
}

static enum mcpz_exit show_taken(const struct mcpz_invocation *invocation, const json_t *answer)
{
    const json_t *error = json_object_get(answer, "error");

    if (error != NULL) {
        const char *code = mcpz_show_text(error, "code");
        return mcpz_fail(invocation, mcpz_exit_from_word(code), code,
                         mcpz_show_text(error, "message"));
    }
    if (invocation->json) {
        mcpz_print_json(answer);
        return MCPZ_EXIT_OK;
    }
    (void)printf("%s\n", mcpz_show_text(answer, "id"));
    if (json_integer_value(json_object_get(answer, "copies")) < 2) {
        (void)fputs("mcpz: only this node has it on disk: there is no other one in the mesh\n",
                    stderr);
    }
    return MCPZ_EXIT_OK;
}

/* Lines in, lines out, as they are. */
static enum mcpz_exit submit_batch(const struct mcpz_invocation *invocation, const char *path)
{
    int file = strcmp(path, "-") == 0 ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) {
        return mcpz_fail_usage(invocation, "--batch: cannot open %s: %s", path, strerror(errno));
    }
    struct mcpz_client_request request = {
        .method = "POST",
        .path = SUBMIT_PATH,
        .type = "application/x-ndjson",
        .body_file = file,
        .answer_file = MCPZ_CLIENT_NO_FILE,
        .patience_ms = 2 * MCPZ_PATIENCE_MS + MCPZ_PATIENCE_SLACK_MS,
    };
    struct mcpz_client_answer answer;
    enum mcpz_exit status = mcpz_ask_raw(invocation, &request, &answer);
    if (status == MCPZ_EXIT_OK) {
        bool failed = strncmp(answer.body, "{\"error\"", 8) == 0 ||
                      strstr(answer.body, "\n{\"error\"") != NULL;
        (void)!mcpz_write_all(STDOUT_FILENO, answer.body, answer.length);
        status = failed ? MCPZ_EXIT_FAILED : MCPZ_EXIT_OK;
    }
    mcpz_client_answer_finish(&answer);
    if (file > STDIN_FILENO) {
        (void)close(file);
    }
    return status;
}

static enum mcpz_exit run_task_submit(const struct mcpz_invocation *invocation)
{
    const char *batch = mcpz_option_value(invocation, "batch");
    json_t *task = NULL;
    json_t *answer;

    if (batch != NULL) {
        return mcpz_argument(invocation, 0) == NULL
                   ? submit_batch(invocation, batch)
                   : mcpz_fail_usage(invocation, "with --batch each line says its own type");
    }
    if (mcpz_argument(invocation, 0) == NULL) {
        return mcpz_fail_usage(invocation, "a task's type is missing");
    }
    enum mcpz_exit status = make_task(invocation, &task);
    if (status == MCPZ_EXIT_OK) {
        status = mcpz_ask(invocation, "POST", SUBMIT_PATH, task, &answer);
    }
    if (status == MCPZ_EXIT_OK) {
        status = show_taken(invocation, answer);
        json_decref(answer);
    }
    return status;
}

/* ---- One task ----------------------------------------------------------------------------- */

static void show_attempt(const json_t *attempt)
{
    const json_t *error = json_object_get(attempt, "error");
    char number[MCPZ_FIELD_BYTES];
    char line[MCPZ_FIELD_BYTES];

    (void)snprintf(line, sizeof(line), "%s  %s: %s (%s)", mcpz_show_text(attempt, "at"),
                   mcpz_show_text(error, "code"), mcpz_show_text(error, "message"),
                   mcpz_show_text(attempt, "provider"));
    char heading[MCPZ_FIELD_BYTES];
    (void)snprintf(heading, sizeof(heading), "attempt %s",
                   mcpz_json_field(attempt, "attempt", number));
    mcpz_print_field(heading, line);
}

/* The number of a subtask within its tree: "2.1.3". */
struct place {
    char text[4 * (MCPZ_SUBTASK_LEVELS_MAX + 1)];
};

static void show_subtasks(const json_t *rows, const struct place *above, size_t level);

static void show_subtask(const json_t *row, const struct place *above, size_t level)
{
    const json_t *error = json_object_get(row, "error");
    const char *name = json_string_value(json_object_get(row, "name"));
    struct place place;

    (void)snprintf(place.text, sizeof(place.text), "%.*s%s%u", 3 * MCPZ_SUBTASK_LEVELS_MAX,
                   above->text, above->text[0] != '\0' ? "." : "",
                   (unsigned)json_integer_value(json_object_get(row, "part")) % 100);
    (void)printf("%*s%-8s %-9s ", (int)(2 * level), "", place.text, mcpz_show_text(row, "state"));
    mcpz_print_clean(stdout, mcpz_show_text(row, "type"));
    if (name != NULL) {
        (void)fputs(" (", stdout);
        mcpz_print_clean(stdout, name);
        (void)fputc(')', stdout);
    }
    (void)printf("%s  %s", json_is_true(json_object_get(row, "reduces")) ? ", reduces" : "",
                 mcpz_show_text(row, "id"));
    if (json_is_object(error)) {
        (void)printf("  %s: ", mcpz_show_text(error, "code"));
        mcpz_print_clean(stdout, mcpz_show_text(error, "message"));
    }
    (void)fputc('\n', stdout);
    show_subtasks(json_object_get(row, "subtasks"), &place, level + 1);
}

/* The node shows no more than five levels. */
static void show_subtasks(const json_t *rows, const struct place *above, size_t level)
{
    for (size_t i = 0; i < json_array_size(rows) && level <= MCPZ_SUBTASK_LEVELS_MAX; i++) {
        show_subtask(json_array_get(rows, i), above, level);
    }
}

static enum mcpz_exit show_task(const json_t *answer)
{
    static const char *const keys[] = {"id",    "state",  "type",     "priority", "tenant",
                                       "owner", "backup", "provider", "attempts", "created",
                                       "due",   "ended",  "parent",   "root",     "aggregate"};
    const json_t *error = json_object_get(answer, "error");
    const json_t *history = json_object_get(answer, "history");
    char room[MCPZ_FIELD_BYTES];

    for (size_t i = 0; i < MCPZ_ARRAY_LEN(keys); i++) {
        mcpz_print_field(keys[i], mcpz_json_field(answer, keys[i], room));
    }
    if (json_is_object(error)) {
        mcpz_print_field("code", mcpz_show_text(error, "code"));
        mcpz_print_field("message", mcpz_show_text(error, "message"));
    }
    for (size_t i = 0; i < json_array_size(history); i++) {
        show_attempt(json_array_get(history, i));
    }
    show_subtasks(json_object_get(answer, "subtasks"), &(struct place){.text = ""}, 1);
    if (json_is_true(json_object_get(answer, "subtasks_cut"))) {
        (void)puts("  ... and more: ask for the status of a subtask");
    }
    return MCPZ_EXIT_OK;
}

static enum mcpz_exit ask_about(const struct mcpz_invocation *invocation, const char *method,
                                const char *rest, enum mcpz_exit (*show)(const json_t *answer))
{
    char path[MCPZ_API_PATH_BYTES];
    enum mcpz_exit status =
        mcpz_api_path(invocation, "/v1/tasks/", mcpz_argument(invocation, 0), rest, path);

    return status != MCPZ_EXIT_OK ? status : mcpz_ask_and_show(invocation, method, path, show);
}

static enum mcpz_exit run_task_status(const struct mcpz_invocation *invocation)
{
    return ask_about(invocation, "GET", "", show_task);
}

static enum mcpz_exit show_cancelled(const json_t *answer)
{
    (void)printf("cancelled %s\n", mcpz_show_text(answer, "id"));
    return MCPZ_EXIT_OK;
}

static enum mcpz_exit run_task_cancel(const struct mcpz_invocation *invocation)
{
    return ask_about(invocation, "DELETE", "", show_cancelled);
}

static enum mcpz_exit run_task_wait(const struct mcpz_invocation *invocation)
{
    char path[MCPZ_API_PATH_BYTES];
    uint64_t timeout_ms = 0;
    json_t *answer;
    enum mcpz_exit status =
        mcpz_option_duration(invocation, "timeout", WAIT_DEFAULT_MS, &timeout_ms);

    if (status == MCPZ_EXIT_OK) {
        status =
            mcpz_api_path(invocation, "/v1/tasks/", mcpz_argument(invocation, 0), "/wait", path);
    }
    if (status == MCPZ_EXIT_OK) {
        status = mcpz_ask_patiently(invocation, "POST", path,
                                    json_pack("{s:I}", "timeout_ms", (json_int_t)timeout_ms),
                                    timeout_ms, &answer);
    }
    if (status == MCPZ_EXIT_OK) {
        status = mcpz_task_answer_show(invocation, answer);
        json_decref(answer);
    }
    return status;
}

/* ---- Lists -------------------------------------------------------------------------------- */

static mcpz_error add_task(struct mcpz_table *table, const json_t *row)
{
    char priority[MCPZ_FIELD_BYTES];
    char attempts[MCPZ_FIELD_BYTES];
    const json_t *error = json_object_get(row, "error");
    const char *cells[] = {mcpz_show_text(row, "id"),
                           mcpz_show_text(row, "state"),
                           mcpz_show_text(row, "type"),
                           mcpz_json_field(row, "priority", priority),
                           mcpz_json_field(row, "attempts", attempts),
                           mcpz_show_text(row, "created"),
                           json_is_object(error) ? mcpz_show_text(error, "code") : "-",
                           mcpz_show_text(row, "parent")};
    return mcpz_table_add(table, cells);
}

static const char *const task_headings[] = {"ID",       "STATE",   "TYPE",  "PRIORITY",
                                            "ATTEMPTS", "CREATED", "ERROR", "PARENT"};

static enum mcpz_exit show_tasks(const json_t *answer)
{
    static const struct mcpz_listing listing = {task_headings, MCPZ_ARRAY_LEN(task_headings),
                                                add_task, "no such tasks"};
    return mcpz_show_listing(&listing, answer);
}

/* "/v1/tasks?state=S&type=T&limit=N" of what was said. */
static enum mcpz_exit list_tasks(const struct mcpz_invocation *invocation, const char *state)
{
    const char *type = mcpz_option_value(invocation, "type");
    const char *limit = mcpz_option_value(invocation, "limit");
    char escaped[3 * MCPZ_CAPABILITY_BYTES_MAX + 1] = "";
    char path[MCPZ_API_PATH_BYTES];

    if (type != NULL && mcpz_client_escape(type, escaped, sizeof(escaped)) != MCPZ_OK) {
        return mcpz_fail_usage(invocation, "--type: no type has so long a name");
    }
    if (limit != NULL && strspn(limit, "0123456789") != strlen(limit)) {
        return mcpz_fail_usage(invocation, "--limit: \"%s\" is not a whole number", limit);
    }
    (void)snprintf(path, sizeof(path), "/v1/tasks?limit=%s%s%s%s%s%s",
                   limit != NULL ? limit : "100",
                   mcpz_option_is_given(invocation, "here") ? "&here=true" : "",
                   state != NULL ? "&state=" : "", state != NULL ? state : "",
                   type != NULL ? "&type=" : "", escaped);
    return mcpz_ask_and_show(invocation, "GET", path, show_tasks);
}

static enum mcpz_exit run_task_list(const struct mcpz_invocation *invocation)
{
    static const char *const states[] = {"queued", "running",   "split", "done",
                                         "dead",   "cancelled", "moved"};
    const char *state = mcpz_option_value(invocation, "state");
    bool known = state == NULL;

    for (size_t i = 0; i < MCPZ_ARRAY_LEN(states) && !known; i++) {
        known = strcmp(state, states[i]) == 0;
    }
    return known
               ? list_tasks(invocation, state)
               : mcpz_fail_usage(invocation,
                                 "--state: one of queued, running, split, done, dead, cancelled, "
                                 "moved");
}

static mcpz_error add_run(struct mcpz_table *table, const json_t *row)
{
    const char *cells[] = {mcpz_show_text(row, "idempotency_key"), mcpz_show_text(row, "type"),
                           mcpz_show_text(row, "tenant"), mcpz_show_text(row, "ended")};
    return mcpz_table_add(table, cells);
}

static enum mcpz_exit show_runs(const json_t *answer)
{
    static const char *const headings[] = {"KEY", "TYPE", "TENANT", "ENDED"};
    static const struct mcpz_listing listing = {headings, MCPZ_ARRAY_LEN(headings), add_run,
                                                "nothing was done here under a key"};
    return mcpz_show_listing(&listing, answer);
}

static enum mcpz_exit run_task_runs(const struct mcpz_invocation *invocation)
{
    return mcpz_ask_and_show(invocation, "GET", "/v1/runs", show_runs);
}

/* ---- Queues ------------------------------------------------------------------------------- */

static mcpz_error add_queue(struct mcpz_table *table, const json_t *row)
{
    char waiting[MCPZ_FIELD_BYTES];
    char running[MCPZ_FIELD_BYTES];
    const char *cells[] = {mcpz_show_text(row, "type"),
                           json_is_true(json_object_get(row, "paused")) ? "paused" : "open",
                           mcpz_json_field(row, "waiting", waiting),
                           mcpz_json_field(row, "running", running)};
    return mcpz_table_add(table, cells);
}

static enum mcpz_exit show_queues(const json_t *answer)
{
    static const char *const headings[] = {"TYPE", "STATE", "WAITING", "RUNNING"};
    static const struct mcpz_listing listing = {headings, MCPZ_ARRAY_LEN(headings), add_queue,
                                                "no queues: nobody has submitted anything here"};
    return mcpz_show_listing(&listing, answer);
}

static enum mcpz_exit run_queue_list(const struct mcpz_invocation *invocation)
{
    return mcpz_ask_and_show(invocation, "GET", "/v1/queues", show_queues);
}

static enum mcpz_exit set_paused(const struct mcpz_invocation *invocation, bool paused)
{
    char path[MCPZ_API_PATH_BYTES];
    json_t *answer;
    enum mcpz_exit status =
        mcpz_api_path(invocation, "/v1/queues/", mcpz_argument(invocation, 0), "", path);

    if (status == MCPZ_EXIT_OK) {
        status = mcpz_ask(invocation, "POST", path, json_pack("{s:b}", "paused", paused ? 1 : 0),
                          &answer);
    }
    if (status == MCPZ_EXIT_OK) {
        if (invocation->json) {
            mcpz_print_json(answer);
        } else {
            (void)printf("%s %s\n", paused ? "paused" : "resumed", mcpz_argument(invocation, 0));
        }
        json_decref(answer);
    }
    return status;
}

static enum mcpz_exit run_queue_pause(const struct mcpz_invocation *invocation)
{
    return set_paused(invocation, true);
}

static enum mcpz_exit run_queue_resume(const struct mcpz_invocation *invocation)
{
    return set_paused(invocation, false);
}

/* ---- Dead letters ------------------------------------------------------------------------- */

static enum mcpz_exit run_dlq_list(const struct mcpz_invocation *invocation)
{
    return list_tasks(invocation, "dead");
}

static enum mcpz_exit run_dlq_show(const struct mcpz_invocation *invocation)
{
    return ask_about(invocation, "GET", "", show_task);
}

static enum mcpz_exit show_replayed(const json_t *answer)
{
    (void)printf("queued again %s\n", mcpz_show_text(answer, "id"));
    return MCPZ_EXIT_OK;
}

static enum mcpz_exit show_purged(const json_t *answer)
{
    (void)printf("purged %s\n", mcpz_show_text(answer, "id"));
    return MCPZ_EXIT_OK;
}

/* One that is named, or every one there is. */
static enum mcpz_exit each_dead(const struct mcpz_invocation *invocation, const char *rest,
                                enum mcpz_exit (*show)(const json_t *answer))
{
    char path[MCPZ_API_PATH_BYTES];
    json_t *list;
    size_t done = 0;

    if (mcpz_argument(invocation, 0) != NULL) {
        return ask_about(invocation, "POST", rest, show);
    }
    if (!mcpz_option_is_given(invocation, "all")) {
        return mcpz_fail_usage(invocation, "name a task, or say --all");
    }
    enum mcpz_exit status =
        mcpz_ask(invocation, "GET", "/v1/tasks?state=dead&limit=10000", NULL, &list);
    for (size_t i = 0; status == MCPZ_EXIT_OK && i < json_array_size(list); i++) {
        const json_t *row = json_array_get(list, i);
        json_t *answer;
        if (json_is_string(json_object_get(row, "parent"))) {
            continue; /* a subtask goes with its root */
        }
        status = mcpz_api_path(invocation, "/v1/tasks/", mcpz_show_text(row, "id"), rest, path);
        if (status == MCPZ_EXIT_OK) {
            status = mcpz_ask(invocation, "POST", path, NULL, &answer);
        }
        if (status == MCPZ_EXIT_OK) {
            json_decref(answer);
            done++;
        }
    }
    if (status == MCPZ_EXIT_OK) {
        (void)printf(invocation->json ? "{\"count\":%zu}\n" : "%zu\n", done);
        json_decref(list);
    }
    return status;
}

static enum mcpz_exit run_dlq_replay(const struct mcpz_invocation *invocation)
{
    return each_dead(invocation, "/replay", show_replayed);
}

static enum mcpz_exit run_dlq_purge(const struct mcpz_invocation *invocation)
{
    return each_dead(invocation, "/purge", show_purged);
}

static const struct mcpz_option task_submit_options[] = {
    MCPZ_TASK_OPTIONS{"input", '\0', "FILE",
                      "bytes for its standard input, 32 KiB at most; - is ours"},
    {"attempts", '\0', "N", "how often it may fail before it is a dead letter (5)"},
    {"backoff", '\0', "TIME", "before the second attempt, at most; doubles (1s)"},
    {"ttl", '\0', "TIME", "do not begin it any more after that (24h)"},
    {"copies", '\0', "N", "2: refuse it unless another node has it on disk, too"},
    {"retry-failed", '\0', NULL, "try again also what the provider says has failed"},
    {"batch", '\0', "FILE", "one task a line, as JSON; - is standard input"},
};

static const struct mcpz_option task_wait_options[] = {
    {"timeout", '\0', "TIME", "wait no longer, e.g. 30s, 5m; 1h is the default"},
};

static const struct mcpz_option task_list_options[] = {
    {"state", '\0', "STATE",
     "only tasks that are so: queued, running, done, dead, cancelled, moved"},
    {"type", '\0', "TYPE", "only tasks of this type"},
    {"limit", '\0', "N", "at most so many (100)"},
    {"here", '\0', NULL, "what this node knows, and ask no other"},
};

static const struct mcpz_option dlq_list_options[] = {
    {"type", '\0', "TYPE", "only tasks of this type"},
    {"limit", '\0', "N", "at most so many (100)"},
    {"here", '\0', NULL, "what this node knows, and ask no other"},
};

static const struct mcpz_option dlq_all_options[] = {
    {"all", '\0', NULL, "every dead letter of the mesh"},
};

/* clang-format off */
static const struct mcpz_verb verbs[] = {
{
    run_task_submit, "task submit", "[TYPE]", 0, 1, "have a task done without waiting for it",
    "Prints the task's id when it is on disk here and at one more node: from then on it is\n"
    "done, or ends up as a dead letter, whoever crashes. Without another node it says so.\n"
    "With --idempotency-key the same key is the same task, and it is done once.\n"
    "\n"
    "A provider may split such a task, by giving a plan of subtasks instead of a result:\n"
    "it writes JSON like {\"subtasks\": [{\"type\": \"a\"}, {\"type\": \"b\"}]} to the descriptor\n"
    "MCPZ_PLAN_FD. README.md has the rest, examples/subtasks a task that does so.\n"
    "\n"
    "Examples:\n"
    "  mcpz task submit report.monthly --params '{\"month\": \"2026-10\"}'\n"
    "  mcpz task submit charge --params @order.json --idempotency-key order-4711\n"
    "  mcpz task submit --batch tasks.ndjson\n",
    MCPZ_OPTIONS(task_submit_options)},
{
    run_task_status, "task status", "ID", 1, 1, "show what has become of a submitted task",
    "Wherever in the mesh it is: any node finds its owner, or who keeps a copy.\n"
    "Of one that was split also what was made of it, all the way down.\n"
    "\n"
    "Example:\n"
    "  mcpz task status t-019a...\n",
    NULL, 0},
{
    run_task_wait, "task wait", "ID", 1, 1, "wait until a submitted task is over",
    "Then as `task run`: the result on standard output, or why there is none.\n"
    "\n"
    "Example:\n"
    "  mcpz task wait t-019a... --timeout 5m\n",
    MCPZ_OPTIONS(task_wait_options)},
{
    run_task_cancel, "task cancel", "ID", 1, 1, "stop a submitted task",
    "Also where it is being done. Any node finds its owner, who does it; where that one is gone,\n"
    "as soon as another one has taken over. All that is below one that was split goes too.\n"
    "\n"
    "Example:\n"
    "  mcpz task cancel t-019a...\n",
    NULL, 0},
{
    run_task_list, "task list", "", 0, 0, "list the submitted tasks of the mesh",
    "The oldest first, as their owners say, or who keeps a copy where an owner does not answer.\n"
    "What is over is kept for an hour, unless tasks.retention_seconds says otherwise.\n"
    "\n"
    "Examples:\n"
    "  mcpz task list --state queued\n"
    "  mcpz task list --type charge --json\n",
    MCPZ_OPTIONS(task_list_options)},
{
    run_task_runs, "task runs", "", 0, 0, "list what this node has done under keys",
    "As a provider, of submitted tasks with an idempotency key: who asks again for one of these\n"
    "is told what came of it, and nothing is done. Kept for an hour.\n"
    "\n"
    "Example:\n"
    "  mcpz task runs\n",
    NULL, 0},
{
    run_queue_list, "queue list", "", 0, 0, "list the queues of submitted tasks",
    "One for each type of task that was submitted, with what waits and runs at all nodes that\n"
    "can be asked.\n"
    "\n"
    "Example:\n"
    "  mcpz queue list\n",
    NULL, 0},
{
    run_queue_pause, "queue pause", "TYPE", 1, 1, "begin no more tasks of a queue",
    "At all nodes of the mesh, also over restarts; what is under way goes on.\n"
    "\n"
    "Example:\n"
    "  mcpz queue pause charge\n",
    NULL, 0},
{
    run_queue_resume, "queue resume", "TYPE", 1, 1, "go on with a queue that was paused",
    "\n"
    "Example:\n"
    "  mcpz queue resume charge\n",
    NULL, 0},
{
    run_dlq_list, "dlq list", "", 0, 0, "list the tasks that were given up",
    "Dead letters: no attempt was left, or none would have ended otherwise.\n"
    "\n"
    "Example:\n"
    "  mcpz dlq list\n",
    MCPZ_OPTIONS(dlq_list_options)},
{
    run_dlq_show, "dlq show", "ID", 1, 1, "show why a task was given up",
    "With the history of its attempts.\n"
    "\n"
    "Example:\n"
    "  mcpz dlq show t-019a...\n",
    NULL, 0},
{
    run_dlq_replay, "dlq replay", "[ID]", 0, 1, "try a task that was given up again",
    "With as many attempts and as much time as it had at first.\n"
    "\n"
    "Examples:\n"
    "  mcpz dlq replay t-019a...\n"
    "  mcpz dlq replay --all\n",
    MCPZ_OPTIONS(dlq_all_options)},
{
    run_dlq_purge, "dlq purge", "[ID]", 0, 1, "forget a task that was given up",
    "\n"
    "Examples:\n"
    "  mcpz dlq purge t-019a...\n"
    "  mcpz dlq purge --all\n",
    MCPZ_OPTIONS(dlq_all_options)},
};
/* clang-format on */

const struct mcpz_verb_table mcpz_durable_verbs = {verbs, MCPZ_ARRAY_LEN(verbs)};
