/* /v1/pools, /v1/leases: agent pools (host/agent_pools.h), for programs of this machine. */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/exchange.h"
#include "http/jsontext.h"

#define POOLS_PREFIX "/v1/pools/"
#define LEASES_PREFIX "/v1/leases/"
#define LEASES_SUFFIX "/leases"
#define EXECUTE_SUFFIX "/execute"
#define LEASE_CHARS 16
#define TIMEOUT_MS_DEFAULT 30000
#define GRACE_US MCPZ_SECONDS(10) /* the pool keeps the time; this is for when it does not */
#define WHY_BYTES 512

static const struct mcpz_integer_rule ttl_rule = {
    "ttl_ms", MCPZ_LEASE_TTL_MS_MIN, MCPZ_LEASE_TTL_MS_MAX, MCPZ_LEASE_TTL_MS_DEFAULT};

/* NULL: answered, there are none here. */
static const struct mcpz_agent_pools_port *port_of(struct mcpz_exchange *exchange)
{
    const struct mcpz_agent_pools_port *port = exchange->api->ports.pools;

    if (port == NULL) {
        mcpz_exchange_fail(exchange, MCPZ_CODE_NOT_FOUND, "this node has no agent pools");
    }
    return port;
}

/* ---- Pools -------------------------------------------------------------------------------- */

static void visit_row(void *context, const struct mcpz_agent_pool_row *row)
{
    const struct mcpz_service *service = row->service;
    json_t *plugins = json_array();

    for (size_t i = 0; i < service->plugin_count; i++) {
        (void)json_array_append_new(plugins,
                                    mcpz_exchange_show_text(mcpz_text(service->plugins[i])));
    }
    json_t *json =
        json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:b, s:s}", "name", service->name, "size",
                  (json_int_t)service->workers, "ready", (json_int_t)row->ready, "starting",
                  (json_int_t)row->starting, "busy", (json_int_t)row->busy, "leased",
                  (json_int_t)row->leased, "warm", service->warm, "isolation", row->isolation);
    (void)json_object_set_new(json, "plugins", plugins);
    (void)json_object_set_new(json, "command",
                              mcpz_exchange_show_text(mcpz_text(service->command)));
    (void)json_array_append_new(context, json);
}

void mcpz_api_get_pools(struct mcpz_exchange *exchange, const struct mcpz_request *request)
{
    const struct mcpz_agent_pools_port *port = port_of(exchange);
    json_t *json = NULL;

    (void)request;
    if (port != NULL) {
        json = json_array();
        port->list(port->context, visit_row, json);
        mcpz_exchange_answer(exchange, 200, json);
    }
}

/* One member of the wish, if it is there. Text, number or truth: the service checks what it is. */
static mcpz_error put_member(struct mcpz_service *service, enum mcpz_service_key key,
                             const json_t *value, char *why)
{
    char number[24];

    if (json_is_integer(value)) {
        (void)snprintf(number, sizeof(number), "%" JSON_INTEGER_FORMAT, json_integer_value(value));
        return mcpz_service_put(service, key, number, why, WHY_BYTES);
    }
    if (json_is_boolean(value)) {
        return mcpz_service_put(service, key, json_is_true(value) ? "true" : "false", why,
                                WHY_BYTES);
    }
    if (json_is_string(value)) {
        return mcpz_service_put(service, key, json_string_value(value), why, WHY_BYTES);
    }
    (void)snprintf(why, WHY_BYTES, "is neither text nor number nor true nor false");
    return MCPZ_ECONFIG;
}

static mcpz_error put_members(struct mcpz_service *service, const json_t *object, char *why)
{
    static const struct {
        const char *name;
        enum mcpz_service_key key;
    } members[] = {
        {"size", MCPZ_SERVICE_WORKERS},        {"warm", MCPZ_SERVICE_WARM},
        {"isolation", MCPZ_SERVICE_ISOLATION}, {"network", MCPZ_SERVICE_NETWORK},
        {"sockets", MCPZ_SERVICE_SOCKETS},     {"cpu", MCPZ_SERVICE_CPU},
        {"memory", MCPZ_SERVICE_MEMORY},       {"disk", MCPZ_SERVICE_DISK},
        {"processes", MCPZ_SERVICE_PROCESSES}, {"time", MCPZ_SERVICE_TIME},
    };
    mcpz_error error = MCPZ_OK;
    const json_t *plugins = json_object_get(object, "plugins");

    for (size_t i = 0; i < MCPZ_ARRAY_LEN(members) && error == MCPZ_OK; i++) {
        const json_t *value = json_object_get(object, members[i].name);
        if (value != NULL) {
            error = put_member(service, members[i].key, value, why);
        }
    }
    for (size_t i = 0; i < json_array_size(plugins) && error == MCPZ_OK; i++) {
        error = put_member(service, MCPZ_SERVICE_PLUGIN, json_array_get(plugins, i), why);
    }
    return error;
}

/* A name is one word, like a capability's. */
static bool is_name(const char *name)
{
    return name != NULL && *name != '\0' && strlen(name) <= MCPZ_CAPABILITY_BYTES_MAX &&
           strpbrk(name, " ,=\"/\n\t") == NULL;
}

static void create_pool(struct mcpz_exchange *exchange, const struct mcpz_agent_pools_port *port,
                        const json_t *object)
{
    const char *name = json_string_value(json_object_get(object, "name"));
    const char *command = json_string_value(json_object_get(object, "command"));
    struct mcpz_service service;
    char why[WHY_BYTES] = "";

    if (!is_name(name) || command == NULL || *command == '\0' ||
        strlen(command) > MCPZ_COMMAND_BYTES_MAX) {
        mcpz_exchange_fail(exchange, MCPZ_CODE_BAD_REQUEST,
                           "\"name\" must be one word of at most %d bytes, \"command\" a command "
                           "of at most %d",
                           MCPZ_CAPABILITY_BYTES_MAX, MCPZ_COMMAND_BYTES_MAX);
        return;
    }
    mcpz_service_init(&service);
    service.is_worker = true;
    service.isolation = MCPZ_ISOLATION_DEGRADED;
    service.name = strdup(name);
    service.command = strdup(command);
    mcpz_error error = service.name != NULL && service.command != NULL ? MCPZ_OK : MCPZ_ENOMEM;
    error = error == MCPZ_OK ? put_members(&service, object, why) : error;
    error = error == MCPZ_OK ? port->create(port->context, &service) : error;
    if (error == MCPZ_OK) {
        mcpz_exchange_answer(
            exchange, 201,
            json_pack("{s:s, s:I}", "name", name, "size", (json_int_t)service.workers));
    } else if (error == MCPZ_ECONFIG) {
        mcpz_exchange_fail(exchange, MCPZ_CODE_BAD_REQUEST, "%s", why);
    } else if (error == MCPZ_ECONFLICT) {
        mcpz_exchange_fail(exchange, MCPZ_CODE_CONFLICT, "there is a pool \"%s\" already", name);
    } else {
        mcpz_exchange_fail_error(exchange, error, "making the pool");
    }
    mcpz_service_finish(&service);
}

void mcpz_api_post_pools(struct mcpz_exchange *exchange, const struct mcpz_request *request)
{
    static const char *const allowed[] = {"name",    "command", "size",      "plugins",   "warm",
                                          "network", "sockets", "cpu",       "isolation", "memory",
                                          "disk",    "time",    "processes", NULL};
    const struct mcpz_agent_pools_port *port = port_of(exchange);
    json_t *object = port != NULL ? mcpz_exchange_object(exchange, allowed) : NULL;

    (void)request;
    if (object != NULL) {
        create_pool(exchange, port, object);
        json_decref(object);
    }
}

void mcpz_api_delete_pool(struct mcpz_exchange *exchange, const struct mcpz_request *request)
{
    const struct mcpz_agent_pools_port *port = port_of(exchange);
    struct mcpz_bytes name = mcpz_exchange_path_rest(request->path, POOLS_PREFIX);

    if (port == NULL) {
        return;
    }
    if (port->remove(port->context, name) != MCPZ_OK) {
        mcpz_exchange_fail(exchange, MCPZ_CODE_NOT_FOUND,
                           "there is no such pool: `mcpz pool list` shows them");
        return;
    }
    mcpz_exchange_answer(exchange, 200,
                         json_pack("{s:o}", "removed", mcpz_exchange_show_text(name)));
}

/* ---- Leases ------------------------------------------------------------------------------- */

static bool read_lease(struct mcpz_bytes text, uint64_t *lease)
{
    char digits[LEASE_CHARS + 1];
    char *end = NULL;

    if (text.length != LEASE_CHARS) {
        return false;
    }
    mcpz_bytes_to_text(text, digits, sizeof(digits));
    *lease = strtoull(digits, &end, 16);
    return *end == '\0' && strspn(digits, "0123456789abcdef") == LEASE_CHARS && *lease != 0;
}

/* Cut `suffix` off. False: it does not end so. */
static bool cut(struct mcpz_bytes *text, const char *suffix)
{
    size_t length = strlen(suffix);

    if (text->length <= length ||
        memcmp(text->data + text->length - length, suffix, length) != 0) {
        return false;
    }
    text->length -= length;
    return true;
}

static void fail_lease(struct mcpz_exchange *exchange)
{
    mcpz_exchange_fail(
        exchange, MCPZ_CODE_NOT_FOUND,
        "there is no such lease, or it has ended: `mcpz pool lease NAME` gives one");
}

/* The body's ttl_ms. False: answered. */
static bool read_ttl(struct mcpz_exchange *exchange, json_int_t *ttl_ms)
{
    static const char *const allowed[] = {"ttl_ms", NULL};
    json_t *object = mcpz_exchange_object(exchange, allowed);

    if (object == NULL) {
        return false;
    }
    bool good = mcpz_exchange_integer(exchange, object, &ttl_rule, ttl_ms);
    json_decref(object);
    return good;
}

static void answer_lease(struct mcpz_exchange *exchange, unsigned status, uint64_t lease,
                         json_int_t ttl_ms)
{
    const struct mcpz_api_ports *ports = &exchange->api->ports;
    char text[LEASE_CHARS + 1];

    (void)snprintf(text, sizeof(text), "%016" PRIx64, lease);
    mcpz_exchange_answer(
        exchange, status,
        json_pack("{s:s, s:I, s:o}", "lease", text, "ttl_ms", ttl_ms, "expires",
                  mcpz_exchange_show_time(ports->wall_ms(ports->context) + (uint64_t)ttl_ms)));
}

void mcpz_api_post_pool(struct mcpz_exchange *exchange, const struct mcpz_request *request)
{
    const struct mcpz_agent_pools_port *port = port_of(exchange);
    struct mcpz_bytes name = mcpz_exchange_path_rest(request->path, POOLS_PREFIX);
    json_int_t ttl_ms = 0;
    uint64_t lease = 0;

    if (port == NULL) {
        return;
    }
    if (!cut(&name, LEASES_SUFFIX)) {
        mcpz_exchange_fail(exchange, MCPZ_CODE_NOT_FOUND,
                           "POST goes to " POOLS_PREFIX "NAME" LEASES_SUFFIX);
        return;
    }
    if (!read_ttl(exchange, &ttl_ms)) {
        return;
    }
    mcpz_error error = port->lease(port->context, name, (uint64_t)ttl_ms, &lease);
    if (error == MCPZ_OK) {
        answer_lease(exchange, 201, lease, ttl_ms);
    } else if (error == MCPZ_EFULL) {
        mcpz_exchange_fail(exchange, MCPZ_CODE_BUSY, "all workers of this pool are leased");
    } else {
        mcpz_exchange_fail(exchange, MCPZ_CODE_NOT_FOUND,
                           "there is no such pool: `mcpz pool list` shows them");
    }
}

void mcpz_api_delete_lease(struct mcpz_exchange *exchange, const struct mcpz_request *request)
{
    const struct mcpz_agent_pools_port *port = port_of(exchange);
    uint64_t lease;

    if (port == NULL) {
        return;
    }
    if (!read_lease(mcpz_exchange_path_rest(request->path, LEASES_PREFIX), &lease) ||
        port->release(port->context, lease) != MCPZ_OK) {
        fail_lease(exchange);
        return;
    }
    char text[LEASE_CHARS + 1];
    (void)snprintf(text, sizeof(text), "%016" PRIx64, lease);
    mcpz_exchange_answer(exchange, 200, json_pack("{s:s}", "released", text));
}

/* ---- Executing ---------------------------------------------------------------------------- */

struct execution {
    uint32_t id; /* 0: over */
    uint32_t code;
    bool over;
    mcpz_time started_us;
    uint8_t *output;
    size_t output_length;
    char text[MCPZ_MESSAGE_BYTES_MAX + 1];
};

static void hear_output(void *context, struct mcpz_bytes chunk)
{
    struct mcpz_exchange *exchange = context;
    struct execution *execution = exchange->state;

    /* Within MCPZ_RESULT_BYTES_MAX: the pool sees to that. */
    uint8_t *output = realloc(execution->output, execution->output_length + chunk.length);
    if (output == NULL) {
        execution->code = MCPZ_CODE_INTERNAL;
        return;
    }
    memcpy(output + execution->output_length, chunk.data, chunk.length);
    execution->output = output;
    execution->output_length += chunk.length;
}

static void hear_over(void *context, uint32_t code, struct mcpz_bytes text)
{
    struct mcpz_exchange *exchange = context;
    struct execution *execution = exchange->state;

    execution->over = true;
    execution->id = 0;
    if (execution->code == MCPZ_CODE_OK) {
        execution->code = code;
        mcpz_bytes_to_text(text, execution->text, sizeof(execution->text));
    }
    mcpz_exchange_again(exchange);
}

static void answer_execution(struct mcpz_exchange *exchange)
{
    struct execution *execution = exchange->state;
    struct mcpz_body *body = &exchange->response.body;
    const struct mcpz_api_ports *ports = &exchange->api->ports;
    uint64_t elapsed_ms = (ports->now(ports->context) - execution->started_us) / MCPZ_MS(1);
    const char *encoding = NULL;

    mcpz_body_text(body, execution->code == MCPZ_CODE_OK ? "{\"state\":\"done\",\"result\":"
                                                         : "{\"state\":\"failed\",\"result\":");
    if (execution->code == MCPZ_CODE_OK) {
        encoding = mcpz_jsontext_append_result(
            body, mcpz_bytes(execution->output, execution->output_length));
    } else {
        mcpz_body_text(body, "null");
    }
    mcpz_body_text(body, ",\"result_encoding\":");
    mcpz_body_append_json(body, encoding != NULL ? json_string(encoding) : json_null(), true);
    mcpz_body_text(body, ",\"error\":");
    mcpz_jsontext_clean(execution->text);
    mcpz_body_append_json(body,
                          execution->code == MCPZ_CODE_OK
                              ? json_null()
                              : json_pack("{s:s, s:s}", "code", mcpz_code_word(execution->code),
                                          "message", execution->text),
                          true);
    mcpz_body_text(body, ",\"elapsed_ms\":");
    mcpz_body_append_json(body, json_integer((json_int_t)elapsed_ms), true);
    mcpz_body_text(body, "}\n");
    mcpz_exchange_send(exchange, 200, "application/json");
}

static void work_execution(struct mcpz_exchange *exchange)
{
    if (((struct execution *)exchange->state)->over) {
        answer_execution(exchange);
    }
}

static void finish_execution(struct mcpz_exchange *exchange)
{
    struct execution *execution = exchange->state;
    const struct mcpz_agent_pools_port *port = exchange->api->ports.pools;

    if (execution->id != 0) {
        port->cancel(port->context, execution->id);
    }
    free(execution->output);
    free(execution);
}

static void start_execution(struct mcpz_exchange *exchange,
                            const struct mcpz_agent_pools_port *port,
                            struct mcpz_agent_pool_order *order)
{
    static const struct mcpz_exchange_kind kind = {.work = work_execution,
                                                   .finish = finish_execution};
    struct execution *execution = calloc(1, sizeof(*execution));

    if (execution == NULL) {
        mcpz_exchange_fail_error(exchange, MCPZ_ENOMEM, "starting it");
        return;
    }
    order->ears = (struct mcpz_agent_pool_ears){
        .context = exchange, .output = hear_output, .over = hear_over};
    mcpz_error error = port->execute(port->context, order, &execution->id);
    if (error != MCPZ_OK) {
        free(execution);
        if (error == MCPZ_ENOTFOUND) {
            fail_lease(exchange);
        } else {
            mcpz_exchange_fail_error(exchange, error, "starting it");
        }
        return;
    }
    const struct mcpz_api_ports *ports = &exchange->api->ports;
    execution->started_us = ports->now(ports->context);
    mcpz_exchange_wait(exchange, &kind, execution);
    exchange->deadline_us = execution->started_us + MCPZ_MS(order->timeout_ms) + GRACE_US;
}

static void read_order(struct mcpz_exchange *exchange, const struct mcpz_agent_pools_port *port,
                       uint64_t lease)
{
    static const char *const allowed[] = {"type", "params", "timeout_ms", NULL};
    static const struct mcpz_integer_rule rule = {"timeout_ms", 1, MCPZ_CALL_TIMEOUT_MS_MAX,
                                                  TIMEOUT_MS_DEFAULT};
    json_t *object = mcpz_exchange_object(exchange, allowed);
    json_int_t timeout_ms = 0;

    if (object == NULL || !mcpz_exchange_integer(exchange, object, &rule, &timeout_ms)) {
        json_decref(object);
        return;
    }
    const json_t *type = json_object_get(object, "type");
    const json_t *given = json_object_get(object, "params");
    char *params = given != NULL ? json_dumps(given, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
    if (!json_is_string(type)) {
        mcpz_exchange_fail(exchange, MCPZ_CODE_BAD_REQUEST, "\"type\" must say what to do");
    } else {
        struct mcpz_agent_pool_order order = {
            .lease = lease,
            .type = mcpz_exchange_text_of(type),
            .params = params != NULL ? mcpz_text(params) : mcpz_bytes(NULL, 0),
            .timeout_ms = (uint32_t)timeout_ms,
        };
        start_execution(exchange, port, &order);
    }
    free(params);
    json_decref(object);
}

void mcpz_api_post_lease(struct mcpz_exchange *exchange, const struct mcpz_request *request)
{
    const struct mcpz_agent_pools_port *port = port_of(exchange);
    struct mcpz_bytes text = mcpz_exchange_path_rest(request->path, LEASES_PREFIX);
    json_int_t ttl_ms = 0;
    uint64_t lease;

    if (port == NULL) {
        return;
    }
    bool executes = cut(&text, EXECUTE_SUFFIX);
    if (!read_lease(text, &lease)) {
        fail_lease(exchange);
        return;
    }
    if (executes) {
        read_order(exchange, port, lease);
        return;
    }
    if (!read_ttl(exchange, &ttl_ms)) {
        return;
    }
    if (port->renew(port->context, lease, (uint64_t)ttl_ms) != MCPZ_OK) {
        fail_lease(exchange);
        return;
    }
    answer_lease(exchange, 200, lease, ttl_ms);
}
