#include "http/inner.h"

#include <assert.h>

static void wake(void *context)
{
    mcpz_exchange_again(context);
}

bool mcpz_inner_open(struct mcpz_exchange *exchange, struct mcpz_exchange **inner)
{
    assert(*inner == NULL);

    if (mcpz_api_open(exchange->api, NULL, inner) != MCPZ_OK) {
        *inner = NULL;
        return false;
    }
    mcpz_api_answer_to(*inner, wake, exchange);
    return true;
}

bool mcpz_inner_has_room(const struct mcpz_exchange *exchange)
{
    return exchange->api->open_count < MCPZ_EXCHANGES_MAX / 2;
}

bool mcpz_inner_ask(struct mcpz_exchange *exchange, struct mcpz_exchange **inner,
                    const struct mcpz_inner_request *asked)
{
    struct mcpz_body body;

    if (!mcpz_inner_open(exchange, inner)) {
        return false;
    }
    mcpz_api_body_init(exchange->api, &body);
    mcpz_body_append(&body, asked->body);
    const struct mcpz_request request = {.method = asked->method,
                                         .path = mcpz_text(asked->path),
                                         .query = asked->query,
                                         .access = MCPZ_ACCESS_ALL,
                                         .body = &body};
    mcpz_api_ask(*inner, &request);
    mcpz_body_finish(&body);
    return true;
}
