#include "http/task_header.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "host/service.h"
#include "proto/traceparent.h"

#define TIMEOUT_MS_DEFAULT 30000

/* All of these: false means that the exchange was answered with what is wrong. */

static bool read_params(struct mcpz_exchange *exchange, struct mcpz_task_header *header,
                        const json_t *params)
{
    if (params == NULL) {
        return true;
    }
    header->params = json_dumps(params, JSON_COMPACT | JSON_ENCODE_ANY);
    if (header->params == NULL) {
        mcpz_exchange_fail_error(exchange, MCPZ_ENOMEM, "reading \"params\"");
        return false;
    }
    if (strlen(header->params) > MCPZ_PARAMS_BYTES_MAX) {
        mcpz_exchange_fail(exchange, MCPZ_CODE_TOO_LARGE,
                           "\"params\" has more than %d bytes: hand large things in as the input",
                           MCPZ_PARAMS_BYTES_MAX);
        return false;
    }
    return true;
}

static bool read_type(struct mcpz_exchange *exchange, struct mcpz_task_header *header,
                      const json_t *type)
{
    struct mcpz_bytes text = mcpz_exchange_text_of(type);

    if (!json_is_string(type) || text.length == 0 || text.length > MCPZ_CAPABILITY_BYTES_MAX) {
        mcpz_exchange_fail(exchange, MCPZ_CODE_BAD_REQUEST,
                           "\"type\" must be given: a capability's name, at most %d bytes",
                           MCPZ_CAPABILITY_BYTES_MAX);
        return false;
    }
    mcpz_bytes_to_text(text, header->type, sizeof(header->type));
    return true;
}

static bool has_control_characters(struct mcpz_bytes text)
{
    for (size_t i = 0; i < text.length; i++) {
        if (text.data[i] < ' ' || text.data[i] == 0x7f) {
            return true;
        }
    }
    return false;
}

/* A member that may be absent: one line of at most `capacity` - 1 bytes. */
static bool read_line(struct mcpz_exchange *exchange, const json_t *object, const char *key,
                      char *line, size_t capacity)
{
    const json_t *member = json_object_get(object, key);
    struct mcpz_bytes text = mcpz_exchange_text_of(member);

    if (member == NULL) {
        return true;
    }
    if (!json_is_string(member) || text.length == 0 || text.length >= capacity ||
        has_control_characters(text)) {
        mcpz_exchange_fail(exchange, MCPZ_CODE_BAD_REQUEST,
                           "\"%s\" must be a text of one line, 1 to %zu bytes", key, capacity - 1);
        return false;
    }
    mcpz_bytes_to_text(text, line, capacity);
    return true;
}

/* The tenant of who asks is no matter of choice. */
static bool read_tenant(struct mcpz_exchange *exchange, const json_t *object,
                        struct mcpz_task_header *header)
{
    static_assert(sizeof(header->tenant) == sizeof(exchange->tenant), "the one fits the other");

    if (!read_line(exchange, object, "tenant", header->tenant, sizeof(header->tenant)) ||
        !mcpz_exchange_may_name(exchange, header->tenant)) {
        return false;
    }
    if (exchange->tenant[0] != '\0' && mcpz_fellows_is_name(header->type)) {
        mcpz_exchange_fail(exchange, MCPZ_CODE_DENIED,
                           "what nodes ask each other is not for one tenant alone");
        return false;
    }
    if (exchange->tenant[0] != '\0') {
        memcpy(header->tenant, exchange->tenant, sizeof(header->tenant));
    }
    return true;
}

static bool read_traceparent(struct mcpz_exchange *exchange, const json_t *object,
                             struct mcpz_task_header *header)
{
    if (!read_line(exchange, object, "traceparent", header->traceparent,
                   sizeof(header->traceparent))) {
        return false;
    }
    if (header->traceparent[0] != '\0' &&
        !mcpz_traceparent_is_valid(mcpz_text(header->traceparent))) {
        mcpz_exchange_fail(exchange, MCPZ_CODE_BAD_REQUEST,
                           "\"traceparent\" must be as in W3C Trace Context: "
                           "00-<32 hex digits>-<16>-<2>, lower case");
        return false;
    }
    return true;
}

static bool read_idempotence(struct mcpz_exchange *exchange, const json_t *object,
                             struct mcpz_task_header *header)
{
    const json_t *idempotent = json_object_get(object, "idempotent");

    if (!read_line(exchange, object, "idempotency_key", header->idempotency_key,
                   sizeof(header->idempotency_key))) {
        return false;
    }
    if (idempotent != NULL && !json_is_boolean(idempotent)) {
        mcpz_exchange_fail(exchange, MCPZ_CODE_BAD_REQUEST,
                           "\"idempotent\" must be true or false");
        return false;
    }
    header->idempotent =
        idempotent != NULL ? json_is_true(idempotent) : header->idempotency_key[0] != '\0';
    return true;
}

static bool read_isolation(struct mcpz_exchange *exchange, const json_t *object,
                           struct mcpz_task_header *header)
{
    const json_t *isolation = json_object_get(object, "isolation");
    const char *word = json_string_value(isolation);

    header->isolation = word != NULL ? (uint8_t)mcpz_isolation_from_word(word) : 0;
    if (isolation != NULL && header->isolation == MCPZ_ISOLATION_UNSAID) {
        mcpz_exchange_fail(exchange, MCPZ_CODE_BAD_REQUEST,
                           "\"isolation\" must be \"strict\", \"degraded\" or \"none\"");
        return false;
    }
    return true;
}

bool mcpz_task_header_read(struct mcpz_exchange *exchange, const json_t *object,
                           struct mcpz_task_header *header)
{
    static const struct mcpz_integer_rule timeout_rule = {
        "timeout_ms", 1, MCPZ_CALL_TIMEOUT_MS_MAX, TIMEOUT_MS_DEFAULT};
    static const struct mcpz_integer_rule priority_rule = {"priority", 0, MCPZ_PRIORITY_MAX,
                                                           MCPZ_PRIORITY_DEFAULT};
    json_int_t timeout_ms = 0;
    json_int_t priority = 0;

    if (!read_type(exchange, header, json_object_get(object, "type")) ||
        !read_params(exchange, header, json_object_get(object, "params")) ||
        !mcpz_exchange_integer(exchange, object, &timeout_rule, &timeout_ms) ||
        !mcpz_exchange_integer(exchange, object, &priority_rule, &priority) ||
        !read_tenant(exchange, object, header) || !read_traceparent(exchange, object, header) ||
        !read_idempotence(exchange, object, header) || !read_isolation(exchange, object, header)) {
        return false;
    }
    header->timeout_ms = (uint32_t)timeout_ms;
    header->priority = (uint32_t)priority;
    return true;
}

void mcpz_task_header_finish(struct mcpz_task_header *header)
{
    free(header->params);
    header->params = NULL;
}

struct mcpz_event_task mcpz_task_header_start(const struct mcpz_task_header *header)
{
    return (struct mcpz_event_task){
        .capability = mcpz_text(header->type),
        .params = mcpz_text(header->params != NULL ? header->params : ""),
        .timeout_ms = header->timeout_ms,
        .priority = header->priority,
        .tenant = mcpz_text(header->tenant),
        .traceparent = mcpz_text(header->traceparent),
        .idempotency_key = mcpz_text(header->idempotency_key),
        .idempotent = header->idempotent,
        .isolation = header->isolation,
    };
}
