#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/ask.h"
#include "cli/show.h"
#include "cli/task_options.h"
#include "cli/task_stream.h"
#include "cli/verb_tables.h"
#include "host/service.h"
#include "proto/code.h"

#define TASK_TYPE "application/vnd.mcpz.task"

/* ---- What goes in ------------------------------------------------------------------------- */

static int open_input(const char *path)
{
    return strcmp(path, "-") == 0 ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
}

/* The first line of the body: the header with its end. NULL: no memory. */
static char *make_line(const json_t *header)
{
    char *line = json_dumps(header, JSON_COMPACT);
    size_t length = line != NULL ? strlen(line) : 0;
    char *ended = line != NULL ? (char *)realloc(line, length + 2) : NULL;

    if (ended == NULL) {
        free(line);
        return NULL;
    }
    memcpy(ended + length, "\n", 2);
    return ended;
}

/* ---- What comes out ----------------------------------------------------------------------- */

static enum mcpz_exit show(const struct mcpz_invocation *invocation,
                           const struct mcpz_client_answer *raw)
{
    json_t *answer;
    enum mcpz_exit status = mcpz_answer_parse(invocation, raw, &answer);

    if (status != MCPZ_EXIT_OK) {
        return status;
    }
    mcpz_print_json(answer);
    if (strcmp(mcpz_show_text(answer, "state"), "done") != 0) {
        /* Failed tasks come with HTTP status 200: the question was answered. */
        const json_t *error = json_object_get(answer, "error");
        status = mcpz_exit_from_word(mcpz_show_text(error, "code"));
        status = status == MCPZ_EXIT_OK ? MCPZ_EXIT_FAILED : status;
    }
    json_decref(answer);
    return status;
}

/* ---- The verb ----------------------------------------------------------------------------- */

/* One document answers the whole question: the node gathers the result. */
static enum mcpz_exit ask(const struct mcpz_invocation *invocation, const json_t *header,
                          int input, uint64_t timeout_ms)
{
    char *line = make_line(header);
    if (line == NULL) {
        return mcpz_fail(invocation, MCPZ_EXIT_FAILED, mcpz_code_word(MCPZ_CODE_INTERNAL),
                         "out of memory");
    }
    struct mcpz_client_request request = {
        .method = "POST",
        .path = "/v1/tasks",
        .type = TASK_TYPE,
        .body = mcpz_text(line),
        .body_file = input,
        .answer_file = MCPZ_CLIENT_NO_FILE,
        .patience_ms = (uint32_t)timeout_ms + MCPZ_PATIENCE_SLACK_MS,
    };
    struct mcpz_client_answer answer;
    enum mcpz_exit status = mcpz_ask_raw(invocation, &request, &answer);

    if (status == MCPZ_EXIT_OK) {
        status = show(invocation, &answer);
    }
    mcpz_client_answer_finish(&answer);
    free(line);
    return status;
}

static enum mcpz_exit add_isolation(const struct mcpz_invocation *invocation, json_t *header)
{
    const char *isolation = mcpz_option_value(invocation, "isolation");

    if (isolation == NULL) {
        return MCPZ_EXIT_OK;
    }
    const char *word = mcpz_isolation_word(mcpz_isolation_from_word(isolation));
    if (*word == '\0') {
        return mcpz_fail_usage(invocation, "--isolation %s: strict, degraded or none", isolation);
    }
    (void)json_object_set_new(header, "isolation", json_string(word));
    return MCPZ_EXIT_OK;
}

static enum mcpz_exit run_task_run(const struct mcpz_invocation *invocation)
{
    const char *input_path = mcpz_option_value(invocation, "input");
    int input = MCPZ_CLIENT_NO_FILE;
    uint64_t timeout_ms;
    json_t *header;

    enum mcpz_exit status = mcpz_task_options_read(invocation, &timeout_ms, &header);
    if (status == MCPZ_EXIT_OK) {
        status = add_isolation(invocation, header);
    }
    if (status != MCPZ_EXIT_OK) {
        json_decref(header);
        return status;
    }
    if (input_path != NULL) {
        input = open_input(input_path);
        if (input < 0) {
            json_decref(header);
            return mcpz_fail_usage(invocation, "--input: cannot open %s: %s", input_path,
                                   strerror(errno));
        }
    }
    (void)json_object_set_new(header, "has_input", json_boolean(input_path != NULL));
    status = invocation->json ? ask(invocation, header, input, timeout_ms)
                              : mcpz_task_stream(invocation, header, input);
    json_decref(header);
    if (input > STDIN_FILENO) {
        (void)close(input);
    }
    return status;
}

static const struct mcpz_option task_run_options[] = {
    {"input", '\0', "FILE", "bytes for the task's standard input; - is ours"},
    {"isolation", '\0', "HOW",
     "only where it is done so isolated: strict, or degraded and better"},
    MCPZ_TASK_OPTIONS};

/* clang-format off */
static const struct mcpz_verb verbs[] = {
{
    run_task_run, "task run", "TYPE", 1, 1, "have a task done by a node that can",
    "The result goes to standard output as it is and as it comes, also while input is read;\n"
    "errors go to standard error.\n"
    "With --json: state, provider, result, error, elapsed_ms, attempts. Ctrl-C cancels.\n"
    "Said within a task, it inherits what is left of that one's time, its priority, tenant\n"
    "and trace (MCPZ_DEADLINE_MS, MCPZ_PRIORITY, MCPZ_TENANT, MCPZ_TRACEPARENT).\n"
    "\n"
    "Examples:\n"
    "  mcpz task run hash.sha256 --input photo.jpg\n"
    "  mcpz task run text.words --params '{\"text\": \"one two\"}' --timeout 5s\n"
    "  tar c src | mcpz task run build --input - --json\n",
    MCPZ_OPTIONS(task_run_options)},
};
/* clang-format on */

const struct mcpz_verb_table mcpz_task_verbs = {verbs, MCPZ_ARRAY_LEN(verbs)};
