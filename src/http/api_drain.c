/* /v1/drain: going without being missed, and staying after all. */

#include "http/api_gate.h"
#include "http/exchange.h"
#include "mcp/host.h"

#define TIMEOUT_MS_DEFAULT 30000
#define TIMEOUT_MS_MAX 3600000
#define ANNOUNCE_MS_MAX 5000 /* of it, for the others to know */
#define SLACK_US MCPZ_SECONDS(2)

json_t *mcpz_api_show_drain(const struct mcpz_node *node)
{
    const struct mcpz_drain *drain = &node->drain;
    const struct mcpz_calls *calls = &node->calls;

    return json_pack("{s:s, s:I, s:I, s:I, s:I}", "state", mcpz_drain_word(drain->state), "links",
                     (json_int_t)node->fabric.links.count, "know",
                     (json_int_t)mcpz_drain_known(drain, &node->fabric.links), "runs",
                     (json_int_t)calls->provider.table.count, "tasks",
                     (json_int_t)calls->caller.table.count);
}

void mcpz_api_get_drain(struct mcpz_exchange *exchange, const struct mcpz_request *request)
{
    (void)request;
    mcpz_exchange_answer(exchange, 200,
                         mcpz_api_show_drain(mcpz_engine_node(mcpz_exchange_engine(exchange))));
}

void mcpz_api_drain(struct mcpz_exchange *exchange, const struct mcpz_request *request)
{
    static const char *const allowed[] = {"timeout_ms", NULL};
    static const struct mcpz_integer_rule rule = {"timeout_ms", 1, TIMEOUT_MS_MAX,
                                                  TIMEOUT_MS_DEFAULT};
    json_int_t timeout_ms;
    json_t *object = mcpz_exchange_object(exchange, allowed);

    (void)request;
    if (object == NULL) {
        return;
    }
    bool valid = mcpz_exchange_integer(exchange, object, &rule, &timeout_ms);
    json_decref(object);
    if (!valid) {
        return;
    }
    uint64_t name = mcpz_exchange_await_reply(
        exchange, 200, json_pack("{s:s}", "state", mcpz_drain_word(MCPZ_DRAIN_DONE)));
    if (name == 0) {
        return;
    }
    mcpz_exchange_expire_in(exchange, MCPZ_MS(timeout_ms) + SLACK_US,
                            "the node has not said that it is drained");
    struct mcpz_event drain = {
        .kind = MCPZ_EVENT_DRAIN,
        .drain = {.request = name,
                  .timeout_ms = (uint32_t)timeout_ms,
                  .announce_ms = timeout_ms / 2 < ANNOUNCE_MS_MAX ? (uint32_t)timeout_ms / 2
                                                                  : ANNOUNCE_MS_MAX},
    };
    mcpz_engine_event(mcpz_exchange_engine(exchange), &drain);
    const struct mcpz_mcp_hosting_port *hosting = exchange->api->ports.hosting;
    if (hosting != NULL) { /* whoever only listens would be waited for */
        hosting->dismiss(hosting->context);
    }
}

void mcpz_api_resume(struct mcpz_exchange *exchange, const struct mcpz_request *request)
{
    struct mcpz_event resume = {.kind = MCPZ_EVENT_RESUME};
    struct mcpz_engine *engine = mcpz_exchange_engine(exchange);

    (void)request;
    if (mcpz_engine_node(engine)->drain.state == MCPZ_DRAIN_NONE) {
        mcpz_exchange_fail(exchange, MCPZ_CODE_CONFLICT, "this node is not being drained");
        return;
    }
    if (mcpz_engine_node(engine)->drain.state == MCPZ_DRAIN_DONE) {
        mcpz_exchange_fail(exchange, MCPZ_CODE_CONFLICT,
                           "too late: this node is drained, and ends");
        return;
    }
    mcpz_engine_event(engine, &resume);
    mcpz_exchange_answer(exchange, 200, mcpz_api_show_drain(mcpz_engine_node(engine)));
}
