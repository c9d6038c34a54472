#include "cli/ask.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/duration.h"
#include "cli/interrupt.h"
#include "cli/show.h"
#include "proto/code.h"

/* ---- Failing ------------------------------------------------------------------------------ */

enum mcpz_exit mcpz_fail(const struct mcpz_invocation *invocation, enum mcpz_exit status,
                         const char *code, const char *message)
{
    (void)fputs("mcpz: ", stderr);
    mcpz_print_clean(stderr, message);
    (void)fputc('\n', stderr);
    if (invocation->json) {
        json_t *object = json_pack("{s:{s:s, s:s}}", "error", "code", code, "message", message);
        if (object != NULL) {
            mcpz_print_json(object);
            json_decref(object);
        }
    }
    return status;
}

enum mcpz_exit mcpz_fail_usage(const struct mcpz_invocation *invocation, const char *format, ...)
{
    char text[MCPZ_TROUBLE_BYTES];
    struct mcpz_trouble trouble;
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    mcpz_trouble_say(&trouble, "%s; see \"mcpz help %s\"", text, invocation->verb->name);
    return mcpz_fail(invocation, MCPZ_EXIT_USAGE, mcpz_code_word(MCPZ_CODE_BAD_REQUEST),
                     trouble.text);
}

enum mcpz_exit mcpz_fail_error(const struct mcpz_invocation *invocation, mcpz_error error,
                               const struct mcpz_trouble *trouble)
{
    if (mcpz_interrupt_came()) {
        return mcpz_fail(invocation, MCPZ_EXIT_INTERRUPTED, mcpz_code_word(MCPZ_CODE_CANCELLED),
                         "interrupted");
    }
    if (error == MCPZ_ETIMEOUT) {
        return mcpz_fail(invocation, MCPZ_EXIT_TIMEOUT, mcpz_code_word(MCPZ_CODE_TIMEOUT),
                         trouble->text);
    }
    if (error == MCPZ_EAUTH) {
        return mcpz_fail(invocation, MCPZ_EXIT_DENIED, mcpz_code_word(MCPZ_CODE_DENIED),
                         trouble->text);
    }
    if (error == MCPZ_ECONFIG) {
        return mcpz_fail(invocation, MCPZ_EXIT_CONFIG, "config", trouble->text);
    }
    return mcpz_fail(
        invocation, MCPZ_EXIT_FAILED,
        mcpz_code_word(error == MCPZ_EFULL ? MCPZ_CODE_TOO_LARGE : MCPZ_CODE_INTERNAL),
        trouble->text);
}

enum mcpz_exit mcpz_fail_unreachable(const struct mcpz_invocation *invocation)
{
    struct mcpz_trouble trouble;

    mcpz_trouble_say(&trouble, "no node is running on %s: start one with `mcpz up --data %s`",
                     invocation->data, invocation->data);
    return mcpz_fail(invocation, MCPZ_EXIT_UNREACHABLE, "unreachable", trouble.text);
}

/* A request that is too large is no good; a result that is would be a failure. */
static enum mcpz_exit status_of(const char *code)
{
    return strcmp(code, mcpz_code_word(MCPZ_CODE_TOO_LARGE)) == 0 ? MCPZ_EXIT_USAGE
                                                                  : mcpz_exit_from_word(code);
}

/* The node answered, but not with 2xx. */
static enum mcpz_exit fail_answered(const struct mcpz_invocation *invocation,
                                    const struct mcpz_client_answer *answer)
{
    json_t *json =
        answer->body != NULL ? json_loadb(answer->body, (size_t)answer->length, 0, NULL) : NULL;
    const json_t *error = json_object_get(json, "error");
    const char *code = json_string_value(json_object_get(error, "code"));
    const char *message = json_string_value(json_object_get(error, "message"));
    struct mcpz_trouble trouble;
    enum mcpz_exit status;

    if (code == NULL && json_is_integer(json_object_get(error, "code"))) {
        code = answer->status == 404 ? "not_found" : "mcp"; /* an error of JSON-RPC */
    }

    if (code != NULL && message != NULL) {
        status = mcpz_fail(invocation, status_of(code), code, message);
    } else {
        mcpz_trouble_say(&trouble, "the node answered with HTTP status %u", answer->status);
        status = mcpz_fail(invocation, MCPZ_EXIT_FAILED, mcpz_code_word(MCPZ_CODE_INTERNAL),
                           trouble.text);
    }
    json_decref(json);
    return status;
}

/* ---- Asking ------------------------------------------------------------------------------- */

enum mcpz_exit mcpz_ask_raw(const struct mcpz_invocation *invocation,
                            const struct mcpz_client_request *request,
                            struct mcpz_client_answer *answer)
{
    char path[MCPZ_SOCKET_PATH_BYTES];
    struct mcpz_trouble trouble;

    *answer = (struct mcpz_client_answer){0};
    mcpz_interrupt_catch();
    mcpz_error error = mcpz_client_socket(invocation->data, path);
    if (error == MCPZ_OK) {
        error = mcpz_client_ask(path, request, answer, &trouble);
    }
    if (error == MCPZ_ENOTFOUND) {
        return mcpz_fail_unreachable(invocation);
    }
    if (error != MCPZ_OK && request->take != NULL && mcpz_interrupt_came()) {
        return MCPZ_EXIT_OK;
    }
    if (error != MCPZ_OK) {
        return mcpz_fail_error(invocation, error, &trouble);
    }
    if (answer->status / 100 != 2) {
        enum mcpz_exit status = fail_answered(invocation, answer);
        mcpz_client_answer_finish(answer);
        return status;
    }
    return MCPZ_EXIT_OK;
}

void mcpz_ask_quietly(const struct mcpz_invocation *invocation, const char *method,
                      const char *path)
{
    char socket[MCPZ_SOCKET_PATH_BYTES];
    struct mcpz_client_answer answer = {0};
    struct mcpz_trouble trouble;
    const struct mcpz_client_request request = {.method = method,
                                                .path = path,
                                                .body_file = MCPZ_CLIENT_NO_FILE,
                                                .answer_file = MCPZ_CLIENT_NO_FILE,
                                                .patience_ms = MCPZ_PATIENCE_MS};

    if (mcpz_client_socket(invocation->data, socket) == MCPZ_OK &&
        mcpz_client_ask(socket, &request, &answer, &trouble) == MCPZ_OK) {
        mcpz_client_answer_finish(&answer);
    }
}

enum mcpz_exit mcpz_answer_parse(const struct mcpz_invocation *invocation,
                                 const struct mcpz_client_answer *answer, json_t **json)
{
    json_error_t why = {0};
    struct mcpz_trouble trouble;

    *json = json_loadb(answer->body != NULL ? answer->body : "", (size_t)answer->length,
                       JSON_ALLOW_NUL, &why);
    if (*json != NULL) {
        return MCPZ_EXIT_OK;
    }
    mcpz_trouble_say(&trouble, "the node's answer is not JSON: %s at byte %d", why.text,
                     why.position);
    return mcpz_fail(invocation, MCPZ_EXIT_FAILED, mcpz_code_word(MCPZ_CODE_INTERNAL),
                     trouble.text);
}

/* Ask with JSON and get JSON. `body` may be NULL, and is taken. */
static enum mcpz_exit ask_json(const struct mcpz_invocation *invocation,
                               struct mcpz_client_request *request, json_t *body, json_t **answer)
{
    struct mcpz_client_answer raw;
    char *text = NULL;

    *answer = NULL;
    if (body != NULL) {
        text = json_dumps(body, JSON_COMPACT);
        json_decref(body);
        if (text == NULL) {
            return mcpz_fail(invocation, MCPZ_EXIT_FAILED, mcpz_code_word(MCPZ_CODE_INTERNAL),
                             "out of memory");
        }
        request->type = "application/json";
        request->body = mcpz_text(text);
    }
    enum mcpz_exit status = mcpz_ask_raw(invocation, request, &raw);
    if (status == MCPZ_EXIT_OK) {
        status = mcpz_answer_parse(invocation, &raw, answer);
    }
    mcpz_client_answer_finish(&raw);
    free(text);
    return status;
}

enum mcpz_exit mcpz_ask_patiently(const struct mcpz_invocation *invocation, const char *method,
                                  const char *path, json_t *body, uint64_t wait_ms,
                                  json_t **answer)
{
    const uint64_t patience_ms = wait_ms + MCPZ_PATIENCE_SLACK_MS;
    struct mcpz_client_request request = {
        .method = method,
        .path = path,
        .body_file = MCPZ_CLIENT_NO_FILE,
        .answer_file = MCPZ_CLIENT_NO_FILE,
        .patience_ms = patience_ms < INT32_MAX ? (uint32_t)patience_ms : INT32_MAX,
    };

    return ask_json(invocation, &request, body, answer);
}

enum mcpz_exit mcpz_ask_with(const struct mcpz_invocation *invocation, const char *headers,
                             const char *path, json_t *body, json_t **answer)
{
    struct mcpz_client_request request = {
        .method = "POST",
        .path = path,
        .headers = headers,
        .body_file = MCPZ_CLIENT_NO_FILE,
        .answer_file = MCPZ_CLIENT_NO_FILE,
        .patience_ms = MCPZ_PATIENCE_MS + MCPZ_PATIENCE_SLACK_MS,
    };

    return ask_json(invocation, &request, body, answer);
}

enum mcpz_exit mcpz_ask(const struct mcpz_invocation *invocation, const char *method,
                        const char *path, json_t *body, json_t **answer)
{
    return mcpz_ask_patiently(invocation, method, path, body, MCPZ_PATIENCE_MS, answer);
}

enum mcpz_exit mcpz_ask_and_show(const struct mcpz_invocation *invocation, const char *method,
                                 const char *path, enum mcpz_exit (*show)(const json_t *answer))
{
    json_t *answer;
    enum mcpz_exit status = mcpz_ask(invocation, method, path, NULL, &answer);

    if (status != MCPZ_EXIT_OK) {
        return status;
    }
    if (invocation->json) {
        mcpz_print_json(answer);
    } else {
        status = show(answer);
    }
    json_decref(answer);
    return status;
}

/* ---- Small things verbs need -------------------------------------------------------------- */

enum mcpz_exit mcpz_api_path(const struct mcpz_invocation *invocation, const char *prefix,
                             const char *id, const char *rest, char *path)
{
    char escaped[MCPZ_API_PATH_BYTES / 2];

    if (*id == '\0' || mcpz_client_escape(id, escaped, sizeof(escaped)) != MCPZ_OK) {
        return mcpz_fail_usage(invocation, "an ID has 1 to %d bytes", MCPZ_AGENT_NAME_BYTES_MAX);
    }
    (void)snprintf(path, MCPZ_API_PATH_BYTES, "%s%s%s", prefix, escaped, rest);
    return MCPZ_EXIT_OK;
}

enum mcpz_exit mcpz_api_path_tenant(const struct mcpz_invocation *invocation, char *path)
{
    const char *tenant = mcpz_option_value(invocation, "tenant");
    const size_t length = strlen(path);
    char escaped[MCPZ_API_PATH_BYTES / 2];

    if (tenant == NULL) {
        return MCPZ_EXIT_OK;
    }
    if (*tenant == '\0' || strlen(tenant) > MCPZ_TENANT_BYTES_MAX ||
        mcpz_client_escape(tenant, escaped, sizeof(escaped)) != MCPZ_OK) {
        return mcpz_fail_usage(invocation, "a tenant's name has 1 to %d bytes",
                               MCPZ_TENANT_BYTES_MAX);
    }
    const int more = snprintf(path + length, MCPZ_API_PATH_BYTES - length, "%ctenant=%s",
                              strchr(path, '?') != NULL ? '&' : '?', escaped);
    return more >= 0 && (size_t)more < MCPZ_API_PATH_BYTES - length
               ? MCPZ_EXIT_OK
               : mcpz_fail_usage(invocation, "the agent's id is too long");
}

enum mcpz_exit mcpz_option_duration(const struct mcpz_invocation *invocation, const char *name,
                                    uint64_t otherwise, uint64_t *ms)
{
    const char *text = mcpz_option_value(invocation, name);

    *ms = otherwise;
    if (text == NULL || mcpz_duration_read(text, ms) == MCPZ_OK) {
        return MCPZ_EXIT_OK;
    }
    return mcpz_fail_usage(invocation,
                           "--%s %s is no length of time: a whole number and ms, s, m, h or d",
                           name, text);
}

#define ACK_TIMEOUT_MS 5000 /* the node's own default */

enum mcpz_exit mcpz_option_ack(const struct mcpz_invocation *invocation, const char **level,
                               uint64_t *timeout_ms)
{
    static const char *const levels[] = {"async", "one", "quorum", "all"};
    const char *said = mcpz_option_value(invocation, "ack");
    bool is_level = said == NULL;

    *timeout_ms = 0;
    *level = said;
    for (size_t i = 0; i < MCPZ_ARRAY_LEN(levels) && !is_level; i++) {
        is_level = strcmp(levels[i], said) == 0;
    }
    if (!is_level) {
        return mcpz_fail_usage(invocation, "--ack %s is not async, one, quorum or all", said);
    }
    return mcpz_option_duration(invocation, "timeout", ACK_TIMEOUT_MS, timeout_ms);
}

enum mcpz_exit mcpz_api_path_ack(const struct mcpz_invocation *invocation, const char *path,
                                 char whole[MCPZ_API_PATH_BYTES], uint64_t *wait_ms)
{
    const char *level = NULL;
    const enum mcpz_exit status = mcpz_option_ack(invocation, &level, wait_ms);

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
    return mcpz_api_path_tenant(invocation, whole);
}
