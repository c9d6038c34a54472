/* GET /v1/openapi.json. */

#include "http/exchange.h"
#include "http/openapi.h"

void mcpz_api_get_openapi(struct mcpz_exchange *exchange, const struct mcpz_request *request)
{
    (void)request;
    mcpz_body_append(&exchange->response.body, mcpz_openapi_document());
    mcpz_exchange_send(exchange, 200, "application/json");
}
