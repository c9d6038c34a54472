#include "http/agent_owners.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/agent_scope.h"
#include "http/blob_refs.h"
#include "http/forward.h"

#define READ_MS 3000 /* an owner's time to answer, before another is asked */

static const struct mcpz_node *node_of(struct mcpz_exchange *exchange)
{
    return mcpz_engine_node(mcpz_exchange_engine(exchange));
}

/* ---- How many are to have it -------------------------------------------------------------- */

static const char *const ack_words[] = {
    [MCPZ_ACK_ASYNC] = "async",
    [MCPZ_ACK_ONE] = "one",
    [MCPZ_ACK_QUORUM] = "quorum",
    [MCPZ_ACK_ALL] = "all",
};

const char *mcpz_agent_ack_word(enum mcpz_ack_level level)
{
    return ack_words[level];
}

bool mcpz_ack_level_read(struct mcpz_bytes word, enum mcpz_ack_level *level)
{
    for (size_t i = 0; i < MCPZ_ARRAY_LEN(ack_words); i++) {
        if (mcpz_bytes_equal(word, mcpz_text(ack_words[i]))) {
            *level = (enum mcpz_ack_level)i;
            return true;
        }
    }
    return false;
}

bool mcpz_ack_timeout_read(struct mcpz_bytes text, uint32_t *timeout_ms)
{
    uint64_t number = 0;

    if (text.length == 0 || text.length > 7) {
        return false;
    }
    for (size_t i = 0; i < text.length; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            return false;
        }
        number = 10 * number + (uint64_t)(text.data[i] - '0');
    }
    *timeout_ms = (uint32_t)number;
    return number >= 1 && number <= MCPZ_ACK_TIMEOUT_MS_MAX;
}

bool mcpz_agent_ack_read(struct mcpz_exchange *exchange, const struct mcpz_request *request,
                         struct mcpz_event_agent *agent)
{
    struct mcpz_bytes query = request->query;
    struct mcpz_bytes name;
    struct mcpz_bytes value;

    agent->ack = MCPZ_ACK_ASYNC;
    agent->ack_timeout_ms = MCPZ_ACK_TIMEOUT_MS;
    while (mcpz_exchange_parameter(&query, &name, &value)) {
        if (mcpz_bytes_equal(name, mcpz_text("ack"))) {
            if (!mcpz_ack_level_read(value, &agent->ack)) {
                mcpz_exchange_fail(exchange, MCPZ_CODE_BAD_REQUEST,
                                   "\"ack\" is async, one, quorum or all");
                return false;
            }
        } else if (!mcpz_bytes_equal(name, mcpz_text("timeout_ms")) ||
                   !mcpz_ack_timeout_read(value, &agent->ack_timeout_ms)) {
            mcpz_exchange_fail(exchange, MCPZ_CODE_BAD_REQUEST,
                               "a write takes \"ack\" and \"timeout_ms\", a number from 1 to %d",
                               MCPZ_ACK_TIMEOUT_MS_MAX);
            return false;
        }
    }
    return true;
}

bool mcpz_agent_reach_read(struct mcpz_exchange *exchange, const struct mcpz_request *request,
                           enum mcpz_agent_reach *reach, uint32_t *timeout_ms)
{
    static const char *const words[] = {
        [MCPZ_READ_ONE] = "one", [MCPZ_READ_LOCAL] = "local", [MCPZ_READ_QUORUM] = "quorum"};
    struct mcpz_bytes query = request->query;
    struct mcpz_bytes name;
    struct mcpz_bytes value;

    *reach = MCPZ_READ_ONE;
    *timeout_ms = MCPZ_ACK_TIMEOUT_MS;
    while (mcpz_exchange_parameter(&query, &name, &value)) {
        enum mcpz_agent_reach found = 0;
        for (size_t i = MCPZ_READ_ONE; i < MCPZ_ARRAY_LEN(words); i++) {
            found =
                mcpz_bytes_equal(value, mcpz_text(words[i])) ? (enum mcpz_agent_reach)i : found;
        }
        if (mcpz_bytes_equal(name, mcpz_text("read")) && found != 0) {
            *reach = found;
        } else if (!mcpz_bytes_equal(name, mcpz_text("timeout_ms")) ||
                   !mcpz_ack_timeout_read(value, timeout_ms)) {
            mcpz_exchange_fail(exchange, MCPZ_CODE_BAD_REQUEST,
                               "a read takes \"read\", which is local, one or quorum, and "
                               "\"timeout_ms\", a number from 1 to %d",
                               MCPZ_ACK_TIMEOUT_MS_MAX);
            return false;
        }
    }
    return true;
}

/* ---- Where it is -------------------------------------------------------------------------- */

bool mcpz_agents_are_spread(struct mcpz_exchange *exchange)
{
    return mcpz_layouts_any(&node_of(exchange)->layouts);
}

static bool is_among(const struct mcpz_id *nodes, size_t count, const struct mcpz_id *node)
{
    for (size_t i = 0; i < count; i++) {
        if (mcpz_id_equal(&nodes[i], node)) {
            return true;
        }
    }
    return false;
}

bool mcpz_agent_is_kept(struct mcpz_exchange *exchange, const struct mcpz_id *document)
{
    return mcpz_layouts_keeps(&node_of(exchange)->layouts,
                              mcpz_engine_id(mcpz_exchange_engine(exchange)), document);
}

bool mcpz_agent_is_here(struct mcpz_exchange *exchange, const struct mcpz_id *document)
{
    struct mcpz_id readers[MCPZ_OWNERS_MAX];
    const size_t count = mcpz_layouts_readers(&node_of(exchange)->layouts, document, readers);

    return count == 0 || is_among(readers, count, mcpz_engine_id(mcpz_exchange_engine(exchange)));
}

bool mcpz_agents_may_be_elsewhere(struct mcpz_exchange *exchange)
{
    const struct mcpz_node *node = node_of(exchange);

    return exchange->answered_elsewhere == NULL && mcpz_layouts_may_come(&node->layouts) &&
           mcpz_members_alive_count(&node->fabric.members) > 1;
}

size_t mcpz_agent_keepers(struct mcpz_exchange *exchange, const struct mcpz_id *document,
                          struct mcpz_id *nodes)
{
    const size_t count = mcpz_layouts_readers(&node_of(exchange)->layouts, document, nodes);

    if (count > 0 || mcpz_agents_may_be_elsewhere(exchange)) {
        return count;
    }
    nodes[0] = *mcpz_engine_id(mcpz_exchange_engine(exchange)); /* everything is here */
    return 1;
}

/* "PATH?NAME=VALUE\nNAME=VALUE", as http/fellows.c cuts it. False: it is too long. */
static bool write_path(const struct mcpz_exchange *exchange, const struct mcpz_request *request,
                       char path[MCPZ_FORWARD_PATH_BYTES])
{
    struct mcpz_bytes query = request->query;
    struct mcpz_bytes name;
    struct mcpz_bytes value;
    char mark = '?';
    int used = snprintf(path, MCPZ_FORWARD_PATH_BYTES, "%.*s", (int)request->path.length,
                        (const char *)request->path.data);

    while (used < MCPZ_FORWARD_PATH_BYTES && mcpz_exchange_parameter(&query, &name, &value)) {
        used += snprintf(path + used, MCPZ_FORWARD_PATH_BYTES - (size_t)used, "%c%.*s=%.*s", mark,
                         (int)name.length, (const char *)name.data, (int)value.length,
                         (const char *)value.data);
        mark = '\n';
    }
    /* What has these signs in it would be cut elsewhere. */
    return used < MCPZ_FORWARD_PATH_BYTES &&
           mcpz_agent_scope_hand_on(exchange, path, MCPZ_FORWARD_PATH_BYTES) &&
           memchr(request->path.data, '?', request->path.length) == NULL;
}

static const char *method_word(enum mcpz_method method)
{
    return method == MCPZ_POST ? "POST" : method == MCPZ_DELETE ? "DELETE" : "GET";
}

bool mcpz_agent_hand_on(struct mcpz_exchange *exchange, const struct mcpz_agent_request *asked)
{
    struct mcpz_forwarded forwarded = {.method = method_word(asked->request->method),
                                       .find = mcpz_agent_keepers,
                                       .document = asked->document,
                                       .repeatable = asked->repeatable,
                                       .timeout_ms = (uint32_t)asked->ack_timeout_ms + READ_MS,
                                       .what = "those that keep this agent"};

    if (mcpz_agent_is_here(exchange, &asked->document) &&
        !mcpz_agents_may_be_elsewhere(exchange)) {
        return false;
    }
    if (exchange->answered_elsewhere != NULL) {
        if (mcpz_agent_is_kept(exchange, &asked->document)) {
            return false; /* who asks knows another layout; it is written here all the same */
        }
        mcpz_exchange_fail(exchange, MCPZ_CODE_UNAVAILABLE,
                           "this node does not keep that agent any more: ask again");
        return true;
    }
    if (!write_path(exchange, asked->request, forwarded.path)) {
        mcpz_exchange_fail(exchange, MCPZ_CODE_BAD_REQUEST,
                           "this name cannot be handed on to the nodes that keep it: ask one");
        return true;
    }
    if (exchange->input.length > 0) {
        forwarded.body = mcpz_exchange_object(exchange, NULL);
        if (forwarded.body == NULL ||
            !mcpz_blob_refs_may_name(exchange, json_object_get(forwarded.body, "value"))) {
            json_decref(forwarded.body);
            return true; /* answered */
        }
    }
    mcpz_forward(exchange, &forwarded);
    return true;
}
