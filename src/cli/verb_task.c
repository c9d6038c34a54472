#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/base64.h"
#include "cli/ask.h"
#include "cli/run.h"
#include "cli/show.h"
#include "cli/spool.h"
#include "cli/task_options.h"
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

static enum mcpz_exit fail_write(const struct mcpz_invocation *invocation)
{
    struct mcpz_trouble trouble;

    mcpz_trouble_say(&trouble, "cannot write the result: %s", strerror(errno));
    return mcpz_fail_error(invocation, MCPZ_EIO, &trouble);
}

static enum mcpz_exit write_result(const struct mcpz_invocation *invocation, const char *bytes,
                                   size_t length)
{
    if (mcpz_write_all(STDOUT_FILENO, bytes, length) != MCPZ_OK) {
        return fail_write(invocation);
    }
    /* A prompt does not belong on the last line of a result. */
    if (isatty(STDOUT_FILENO) == 1 && length > 0 && bytes[length - 1] != '\n') {
        (void)fputc('\n', stdout);
    }
    return MCPZ_EXIT_OK;
}

static enum mcpz_exit write_base64(const struct mcpz_invocation *invocation, const char *text,
                                   size_t length)
{
    uint8_t *bytes = (uint8_t *)malloc(MCPZ_BASE64_DECODED_MAX(length) + 1);
    size_t decoded = 0;

    if (bytes == NULL ||
        mcpz_base64_decode(mcpz_bytes(text, length), bytes, MCPZ_BASE64_DECODED_MAX(length),
                           &decoded) != MCPZ_OK) {
        free(bytes);
        return mcpz_fail(invocation, MCPZ_EXIT_FAILED, mcpz_code_word(MCPZ_CODE_INTERNAL),
                         "the result cannot be read: it is not base64");
    }
    enum mcpz_exit status = write_result(invocation, (const char *)bytes, decoded);
    free(bytes);
    return status;
}

static enum mcpz_exit show_done(const struct mcpz_invocation *invocation, const json_t *answer)
{
    const json_t *result = json_object_get(answer, "result");
    const char *encoding = mcpz_show_text(answer, "result_encoding");
    const char *text = json_string_value(result);

    if (text != NULL && strcmp(encoding, "text") == 0) {
        return write_result(invocation, text, json_string_length(result));
    }
    if (text != NULL && strcmp(encoding, "base64") == 0) {
        return write_base64(invocation, text, json_string_length(result));
    }
    if (result != NULL) {
        mcpz_print_json_pretty(result);
    }
    return MCPZ_EXIT_OK;
}

/* Failed tasks come with HTTP status 200: the question was answered. */
static enum mcpz_exit show_failed(const struct mcpz_invocation *invocation, const json_t *answer)
{
    const json_t *error = json_object_get(answer, "error");
    const char *code = mcpz_show_text(error, "code");
    const char *provider = json_string_value(json_object_get(answer, "provider"));
    json_int_t retry_after_ms = json_integer_value(json_object_get(error, "retry_after_ms"));
    enum mcpz_exit status = mcpz_exit_from_word(code);

    if (!invocation->json) {
        (void)fprintf(stderr, "mcpz: task failed: %s: ", code);
        mcpz_print_clean(stderr, mcpz_show_text(error, "message"));
        (void)fprintf(stderr, "%s%s%s", provider != NULL ? " (on " : "",
                      provider != NULL ? provider : "", provider != NULL ? ")" : "");
        if (retry_after_ms > 0) {
            (void)fprintf(stderr, "; try again in %" JSON_INTEGER_FORMAT " ms", retry_after_ms);
        }
        (void)fputc('\n', stderr);
    }
    return status == MCPZ_EXIT_OK ? MCPZ_EXIT_FAILED : status;
}

static enum mcpz_exit show(const struct mcpz_invocation *invocation,
                           const struct mcpz_client_answer *raw)
{
    json_t *answer;
    enum mcpz_exit status = mcpz_answer_parse(invocation, raw, &answer);

    if (status != MCPZ_EXIT_OK) {
        return status;
    }
    bool is_done = strcmp(mcpz_show_text(answer, "state"), "done") == 0;
    if (invocation->json) {
        mcpz_print_json(answer);
    }
    if (!is_done) {
        status = show_failed(invocation, answer);
    } else if (!invocation->json) {
        status = show_done(invocation, answer);
    }
    json_decref(answer);
    return status;
}

/* ---- The verb ----------------------------------------------------------------------------- */

static enum mcpz_exit ask(const struct mcpz_invocation *invocation, char *header, int input,
                          uint64_t timeout_ms)
{
    struct mcpz_client_request request = {
        .method = "POST",
        .path = "/v1/tasks",
        .type = TASK_TYPE,
        .body = mcpz_text(header),
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
    return status;
}

enum mcpz_exit mcpz_run_task_run(const struct mcpz_invocation *invocation)
{
    const char *input_path = mcpz_option_value(invocation, "input");
    int input = MCPZ_CLIENT_NO_FILE;
    uint64_t timeout_ms;
    json_t *header;

    enum mcpz_exit status = mcpz_task_options_read(invocation, &timeout_ms, &header);
    if (status != MCPZ_EXIT_OK) {
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
    char *line = make_line(header);
    json_decref(header);
    status = line != NULL ? ask(invocation, line, input, timeout_ms)
                          : mcpz_fail(invocation, MCPZ_EXIT_FAILED,
                                      mcpz_code_word(MCPZ_CODE_INTERNAL), "out of memory");
    free(line);
    if (input > STDIN_FILENO) {
        (void)close(input);
    }
    return status;
}
