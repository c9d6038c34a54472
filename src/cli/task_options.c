#include "cli/task_options.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/ask.h"
#include "host/loop.h"
#include "proto/limits.h"
#include "proto/traceparent.h"

#define TIMEOUT_DEFAULT_MS 30000

/* ---- Parameters --------------------------------------------------------------------------- */

/* JSON text from a file or standard input. */
static enum mcpz_exit load_params(const struct mcpz_invocation *invocation, const char *path,
                                  char *text)
{
    int file = strcmp(path, "-") == 0 ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    size_t length = 0;
    ssize_t got = file < 0 ? -1 : 1;

    while (got > 0 && length <= MCPZ_PARAMS_BYTES_MAX) {
        got = read(file, text + length, MCPZ_PARAMS_BYTES_MAX + 1 - length);
        length += got > 0 ? (size_t)got : 0;
    }
    int why = errno;
    if (file > STDIN_FILENO) {
        (void)close(file);
    }
    if (got < 0) {
        return mcpz_fail_usage(invocation, "--params: cannot read %s: %s", path, strerror(why));
    }
    if (length > MCPZ_PARAMS_BYTES_MAX) {
        return mcpz_fail_usage(invocation,
                               "--params: more than %d bytes; larger data goes in"
                               " with --input",
                               MCPZ_PARAMS_BYTES_MAX);
    }
    text[length] = '\0';
    return MCPZ_EXIT_OK;
}

/* `*params` is NULL if there are none. */
static enum mcpz_exit read_params(const struct mcpz_invocation *invocation, json_t **params)
{
    const char *given = mcpz_option_value(invocation, "params");
    char loaded[MCPZ_PARAMS_BYTES_MAX + 1];
    json_error_t why;

    *params = NULL;
    if (given == NULL) {
        return MCPZ_EXIT_OK;
    }
    if (*given == '@' || strcmp(given, "-") == 0) {
        const char *input = mcpz_option_value(invocation, "input");
        if (*given == '-' && input != NULL && strcmp(input, "-") == 0) {
            return mcpz_fail_usage(invocation, "--params and --input cannot both be -");
        }
        enum mcpz_exit status = load_params(invocation, *given == '@' ? given + 1 : given, loaded);
        if (status != MCPZ_EXIT_OK) {
            return status;
        }
        given = loaded;
    }
    *params = json_loads(given, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &why);
    if (*params == NULL) {
        return mcpz_fail_usage(invocation, "--params is not JSON: %s at line %d, column %d",
                               why.text, why.line, why.column);
    }
    return MCPZ_EXIT_OK;
}

/* ---- Time --------------------------------------------------------------------------------- */

/* A whole number in the environment. False: it is not set, or is none. */
static bool inherit_number(const char *name, uint64_t *number)
{
    const char *text = getenv(name);
    char *end = NULL;

    if (text == NULL || *text < '0' || *text > '9') {
        return false;
    }
    errno = 0;
    unsigned long long read = strtoull(text, &end, 10);
    *number = read;
    return errno == 0 && *end == '\0';
}

/* What is left of the time of the task that asks, if we are part of one. */
static enum mcpz_exit read_timeout(const struct mcpz_invocation *invocation, uint64_t *timeout_ms)
{
    const bool is_given = mcpz_option_is_given(invocation, "timeout");
    uint64_t deadline_ms;

    enum mcpz_exit status =
        mcpz_option_duration(invocation, "timeout", TIMEOUT_DEFAULT_MS, timeout_ms);
    if (status != MCPZ_EXIT_OK) {
        return status;
    }
    if (*timeout_ms > MCPZ_CALL_TIMEOUT_MS_MAX) {
        return mcpz_fail_usage(invocation, "--timeout: a task may take %d ms at most",
                               MCPZ_CALL_TIMEOUT_MS_MAX);
    }
    if (!inherit_number("MCPZ_DEADLINE_MS", &deadline_ms)) {
        return MCPZ_EXIT_OK;
    }
    uint64_t now_ms = mcpz_clock_wall_ms();
    if (deadline_ms <= now_ms) {
        return mcpz_fail(invocation, mcpz_exit_from_word(mcpz_code_word(MCPZ_CODE_TIMEOUT)),
                         mcpz_code_word(MCPZ_CODE_TIMEOUT),
                         "the time of the task that asks for this one is over"
                         " (MCPZ_DEADLINE_MS)");
    }
    uint64_t left_ms = deadline_ms - now_ms;
    if (left_ms > MCPZ_CALL_TIMEOUT_MS_MAX) {
        left_ms = MCPZ_CALL_TIMEOUT_MS_MAX;
    }
    *timeout_ms = is_given && *timeout_ms < left_ms ? *timeout_ms : left_ms;
    return MCPZ_EXIT_OK;
}

/* ---- Labels ------------------------------------------------------------------------------- */

static enum mcpz_exit add_priority(const struct mcpz_invocation *invocation, json_t *header)
{
    const char *text = mcpz_option_value(invocation, "priority");
    uint64_t priority = MCPZ_PRIORITY_DEFAULT;

    if (text == NULL) {
        (void)inherit_number("MCPZ_PRIORITY", &priority);
        priority = priority <= MCPZ_PRIORITY_MAX ? priority : MCPZ_PRIORITY_DEFAULT;
    } else {
        char *end = NULL;
        errno = 0;
        priority = *text >= '0' && *text <= '9' ? strtoull(text, &end, 10) : UINT64_MAX;
        if (priority > MCPZ_PRIORITY_MAX || errno != 0 || *end != '\0') {
            return mcpz_fail_usage(invocation, "--priority %s is no whole number from 0 to %d",
                                   text, MCPZ_PRIORITY_MAX);
        }
    }
    (void)json_object_set_new(header, "priority", json_integer((json_int_t)priority));
    return MCPZ_EXIT_OK;
}

/* A label that may be inherited (`variable` not NULL). An inherited one that is no use is left
 * out: whoever runs the command did not choose it. */
static enum mcpz_exit add_label(const struct mcpz_invocation *invocation, json_t *header,
                                const char *option, const char *key, const char *variable)
{
    const char *given = mcpz_option_value(invocation, option);
    const char *text = given;

    if (text == NULL && variable != NULL) {
        text = getenv(variable);
        text = text != NULL && *text != '\0' ? text : NULL;
    }
    if (text == NULL) {
        return MCPZ_EXIT_OK;
    }
    bool is_trace = strcmp(key, "traceparent") == 0;
    if (is_trace && !mcpz_traceparent_is_valid(mcpz_text(text))) {
        return given == NULL
                   ? MCPZ_EXIT_OK
                   : mcpz_fail_usage(invocation,
                                     "--traceparent %s is none: 00-<32 hex digits>-<16>-<2>,"
                                     " lower case",
                                     text);
    }
    json_t *value = json_string(text);
    if (value == NULL) {
        return mcpz_fail_usage(invocation, "--%s: not UTF-8 text", option);
    }
    (void)json_object_set_new(header, key, value);
    return MCPZ_EXIT_OK;
}

static enum mcpz_exit add_labels(const struct mcpz_invocation *invocation, json_t *header)
{
    static const struct {
        const char *option;
        const char *key;
        const char *variable;
    } labels[] = {
        {"tenant", "tenant", "MCPZ_TENANT"},
        {"traceparent", "traceparent", "MCPZ_TRACEPARENT"},
        {"idempotency-key", "idempotency_key", NULL},
    };
    enum mcpz_exit status = add_priority(invocation, header);

    for (size_t i = 0; i < MCPZ_ARRAY_LEN(labels) && status == MCPZ_EXIT_OK; i++) {
        status =
            add_label(invocation, header, labels[i].option, labels[i].key, labels[i].variable);
    }
    if (mcpz_option_is_given(invocation, "idempotent")) {
        (void)json_object_set_new(header, "idempotent", json_true());
    }
    return status;
}

/* ---- All of it ---------------------------------------------------------------------------- */

enum mcpz_exit mcpz_task_options_read(const struct mcpz_invocation *invocation,
                                      uint64_t *timeout_ms, json_t **header)
{
    json_t *params = NULL;

    *header = NULL;
    enum mcpz_exit status = read_timeout(invocation, timeout_ms);
    if (status == MCPZ_EXIT_OK) {
        status = read_params(invocation, &params);
    }
    if (status != MCPZ_EXIT_OK) {
        return status;
    }
    json_t *made = json_pack("{s:s, s:o*, s:I}", "type", mcpz_argument(invocation, 0), "params",
                             params, "timeout_ms", (json_int_t)*timeout_ms);
    if (made == NULL) {
        return mcpz_fail_usage(invocation, "the task's type is not UTF-8 text");
    }
    status = add_labels(invocation, made);
    if (status == MCPZ_EXIT_OK) {
        *header = made;
    } else {
        json_decref(made);
    }
    return status;
}
