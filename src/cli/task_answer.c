#include "cli/task_answer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/base64.h"
#include "cli/ask.h"
#include "cli/show.h"
#include "cli/spool.h"
#include "proto/code.h"

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

enum mcpz_exit mcpz_task_answer_show(const struct mcpz_invocation *invocation,
                                     const json_t *answer)
{
    bool is_done = strcmp(mcpz_show_text(answer, "state"), "done") == 0;

    if (invocation->json) {
        mcpz_print_json(answer);
    }
    if (!is_done) {
        return show_failed(invocation, answer);
    }
    return invocation->json ? MCPZ_EXIT_OK : show_done(invocation, answer);
}
