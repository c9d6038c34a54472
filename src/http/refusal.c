#include "http/refusal.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include <libwebsockets.h>

bool mcpz_add_header(struct lws *wsi, const char *name, const char *value, uint8_t **at,
                     uint8_t *end)
{
    return lws_add_http_header_by_name(wsi, (const uint8_t *)name, (const uint8_t *)value,
                                       (int)strlen(value), at, end) == 0;
}

int mcpz_refuse(struct mcpz_connection *connection, unsigned status, enum mcpz_code code,
                const char *text)
{
    uint8_t *start = connection->side->hub->out + LWS_PRE;
    uint8_t *at = start;
    uint8_t *end = start + MCPZ_ANSWER_HEAD_BYTES;
    char body[512];
    struct lws *wsi = connection->wsi;

    int length = snprintf(body, sizeof(body), "{\"error\":{\"code\":\"%s\",\"message\":\"%s\"}}\n",
                          mcpz_code_word(code), text);
    assert(length > 0 && (size_t)length < sizeof(body));
    if (lws_add_http_header_status(wsi, status, &at, end) == 0 &&
        lws_add_http_header_by_token(wsi, WSI_TOKEN_HTTP_CONTENT_TYPE,
                                     (const uint8_t *)"application/json", 16, &at, end) == 0 &&
        lws_add_http_header_by_token(wsi, WSI_TOKEN_CONNECTION, (const uint8_t *)"close", 5, &at,
                                     end) == 0 &&
        (status != 401 ||
         mcpz_add_header(wsi, "www-authenticate:", "Bearer realm=\"mcpz\"", &at, end)) &&
        ((status != 429 && status != 503) ||
         mcpz_add_header(wsi, "retry-after:", "1", &at, end)) &&
        lws_add_http_header_content_length(wsi, (lws_filepos_t)length, &at, end) == 0 &&
        lws_finalize_write_http_header(wsi, start, &at, end) == 0) {
        memcpy(start, body, (size_t)length);
        (void)lws_write(wsi, start, (size_t)length, LWS_WRITE_HTTP_FINAL);
    }
    return -1;
}

bool mcpz_add_origin(const struct mcpz_connection *connection, uint8_t **at, uint8_t *end)
{
    struct lws *wsi = connection->wsi;

    return connection->origin[0] == '\0' ||
           (mcpz_add_header(wsi, "access-control-allow-origin:", connection->origin, at, end) &&
            mcpz_add_header(wsi, "access-control-expose-headers:", "Mcp-Session-Id", at, end) &&
            mcpz_add_header(wsi, "vary:", "Origin", at, end));
}

int mcpz_answer_preflight(struct mcpz_connection *connection)
{
    uint8_t *start = connection->side->hub->out + LWS_PRE;
    uint8_t *at = start;
    uint8_t *end = start + MCPZ_ANSWER_HEAD_BYTES;
    struct lws *wsi = connection->wsi;

    if (lws_add_http_header_status(wsi, 204, &at, end) == 0 &&
        mcpz_add_origin(connection, &at, end) &&
        mcpz_add_header(wsi, "access-control-allow-methods:", "GET, POST, DELETE", &at, end) &&
        mcpz_add_header(
            wsi, "access-control-allow-headers:",
            "Accept, Authorization, Content-Type, Last-Event-ID, MCP-Protocol-Version, "
            "Mcp-Method, Mcp-Name, Mcp-Session-Id, traceparent",
            &at, end) &&
        mcpz_add_header(wsi, "access-control-max-age:", "600", &at, end) &&
        mcpz_add_header(wsi, "connection:", "close", &at, end) &&
        lws_finalize_write_http_header(wsi, start, &at, end) != 0) {
        return -1; /* as it would end anyway */
    }
    return -1;
}
