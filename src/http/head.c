#include "http/head.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <libwebsockets.h>

#include "http/api.h"

static const struct {
    enum lws_token_indexes token; /* where libwebsockets keeps the path */
    enum mcpz_method method;
} methods[] = {
    {WSI_TOKEN_GET_URI, MCPZ_GET},
    {WSI_TOKEN_HEAD_URI, MCPZ_GET},
    {WSI_TOKEN_POST_URI, MCPZ_POST},
    {WSI_TOKEN_DELETE_URI, MCPZ_DELETE},
    {WSI_TOKEN_PUT_URI, MCPZ_METHOD_OTHER},
    {WSI_TOKEN_PATCH_URI, MCPZ_METHOD_OTHER},
    {WSI_TOKEN_OPTIONS_URI, MCPZ_METHOD_OTHER},
};

enum mcpz_method mcpz_head_method(struct lws *wsi, bool *is_head, size_t *path_length)
{
    for (size_t i = 0; i < MCPZ_ARRAY_LEN(methods); i++) {
        int length = lws_hdr_total_length(wsi, methods[i].token);
        if (length > 0) {
            *is_head = methods[i].token == WSI_TOKEN_HEAD_URI;
            *path_length = (size_t)length;
            return methods[i].method;
        }
    }
    *path_length = 0;
    return MCPZ_METHOD_OTHER;
}

/* libwebsockets keeps each parameter for itself, decoded. False: as for mcpz_head_read_url(). */
static bool read_query(struct mcpz_connection *connection)
{
    size_t used = 0;

    for (int i = 0;; i++) {
        size_t room = sizeof(connection->query) - used;
        int wanted = lws_hdr_fragment_length(connection->wsi, WSI_TOKEN_HTTP_URI_ARGS, i);
        if ((size_t)wanted >= room) {
            return false;
        }
        int length = lws_hdr_copy_fragment(connection->wsi, connection->query + used, (int)room,
                                           WSI_TOKEN_HTTP_URI_ARGS, i);
        if (length < 0) {
            connection->query_length = used > 0 ? used - 1 : 0;
            return true;
        }
        if (strlen(connection->query + used) != (size_t)length) {
            return false;
        }
        used += (size_t)length + 1;
    }
}

bool mcpz_head_read_url(struct mcpz_connection *connection, struct mcpz_bytes path,
                        size_t path_length)
{
    if (path.length == 0 || path.length > MCPZ_API_PATH_BYTES_MAX) {
        return false;
    }
    mcpz_bytes_to_text(path, connection->path, sizeof(connection->path));
    return strlen(connection->path) == path_length && read_query(connection);
}

bool mcpz_head_read_last_event(struct mcpz_connection *connection)
{
    static const char name[] = "last-event-id:";
    int length = lws_hdr_custom_length(connection->wsi, name, sizeof(name) - 1);

    connection->last_event[0] = '\0';
    if (length <= 0) {
        return true;
    }
    return length < (int)sizeof(connection->last_event) &&
           lws_hdr_custom_copy(connection->wsi, connection->last_event,
                               sizeof(connection->last_event), name, sizeof(name) - 1) == length;
}

/* What a client of MCP says in its headers. */
static const struct {
    const char *name;
    enum lws_token_indexes token; /* where libwebsockets keeps it; WSI_TOKEN_COUNT: by its name */
} mcp_headers[] = {
    {"accept:", WSI_TOKEN_HTTP_ACCEPT},   {"content-type:", WSI_TOKEN_HTTP_CONTENT_TYPE},
    {"mcp-session-id:", WSI_TOKEN_COUNT}, {"mcp-protocol-version:", WSI_TOKEN_COUNT},
    {"mcp-method:", WSI_TOKEN_COUNT},     {"mcp-name:", WSI_TOKEN_COUNT},
    {"last-event-id:", WSI_TOKEN_COUNT},  {"traceparent:", WSI_TOKEN_COUNT},
    {"mcpz-via:", WSI_TOKEN_COUNT},
};

/* White space around a value is none of it. Source: RFC 9110, section 5.5. */
static int trim(char *value, int length)
{
    const char *space = " \t";
    int start = (int)strspn(value, space);

    while (length > start && strchr(space, value[length - 1]) != NULL) {
        length--;
    }
    memmove(value, value + start, (size_t)(length - start));
    value[length - start] = '\0';
    return length - start;
}

/* The value of a header, with a NUL behind it; -1: it is not there; -2: there is no room. */
static int copy_header(struct lws *wsi, size_t index, char *value, size_t room)
{
    const char *name = mcp_headers[index].name;
    enum lws_token_indexes token = mcp_headers[index].token;
    int name_length = (int)strlen(name);
    int length = token != WSI_TOKEN_COUNT ? lws_hdr_total_length(wsi, token)
                                          : lws_hdr_custom_length(wsi, name, name_length);

    if (length < 0 || (length == 0 && token != WSI_TOKEN_COUNT)) {
        return -1;
    }
    if ((size_t)length >= room) {
        return -2;
    }
    value[0] = '\0';
    int copied = token != WSI_TOKEN_COUNT
                     ? lws_hdr_copy(wsi, value, (int)room, token)
                     : lws_hdr_custom_copy(wsi, value, (int)room, name, name_length);
    return copied >= 0 && strlen(value) == (size_t)copied ? trim(value, copied) : -1;
}

/* Those that tools ask for, as far as they are known. NULL: there is no room. */
static char *read_params(struct mcpz_connection *connection, char *at, const char *end)
{
    const struct mcpz_bytes names =
        mcpz_api_mcp_headers(connection->side->hub->api, &connection->params_version);
    char name[sizeof(connection->headers)];

    for (size_t i = 0; i < names.length; i += strlen((const char *)names.data + i) + 1) {
        /* libwebsockets knows a header with its colon. */
        int length = snprintf(name, sizeof(name), "%s:", (const char *)names.data + i);
        if (end - at <= length) {
            return NULL;
        }
        char *value = at + length;
        int size = lws_hdr_custom_length(connection->wsi, name, length);
        if (size >= end - value) {
            return NULL;
        }
        if (size >= 0 && lws_hdr_custom_copy(connection->wsi, value, (int)(end - value), name,
                                             length) == size) {
            memcpy(at, name, (size_t)length - 1);
            value[-1] = '\0';
            at = value + trim(value, size) + 1;
        }
    }
    return at;
}

bool mcpz_head_read_mcp(struct mcpz_connection *connection)
{
    char *at = connection->headers;
    const char *end = at + sizeof(connection->headers);

    for (size_t i = 0; i < MCPZ_ARRAY_LEN(mcp_headers); i++) {
        size_t name_length = strlen(mcp_headers[i].name) - 1; /* without the colon */
        if ((size_t)(end - at) <= name_length + 1) {
            return false;
        }
        char *value = at + name_length + 1;
        int length = copy_header(connection->wsi, i, value, (size_t)(end - value));
        if (length == -2) {
            return false;
        }
        if (length >= 0) {
            memcpy(at, mcp_headers[i].name, name_length);
            at[name_length] = '\0';
            at = value + length + 1;
        }
    }
    at = read_params(connection, at, end);
    connection->headers_length = at != NULL ? (size_t)(at - connection->headers) : 0;
    return at != NULL;
}

bool mcpz_head_origin_is_ours(struct mcpz_connection *connection)
{
    int length = lws_hdr_total_length(connection->wsi, WSI_TOKEN_ORIGIN);

    if (connection->side->local || length <= 0) {
        return true;
    }
    return length < (int)sizeof(connection->origin) &&
           lws_hdr_copy(connection->wsi, connection->origin, sizeof(connection->origin),
                        WSI_TOKEN_ORIGIN) == length &&
           mcpz_api_origin_is_ours(mcpz_bytes(connection->origin, (size_t)length),
                                   mcpz_text(connection->side->host));
}

bool mcpz_head_peer_is_here(const struct mcpz_connection *connection)
{
    struct mcpz_socket *socket = lws_get_opaque_user_data(connection->wsi);
    char address[64] = "";

    if (!socket->peer_is_known) { /* it stays the same: the system is asked once */
        (void)lws_get_peer_simple(connection->wsi, address, sizeof(address));
        socket->peer_is_known = true;
        socket->peer_is_here = strncmp(address, "127.", 4) == 0 || strcmp(address, "::1") == 0 ||
                               strncmp(address, "::ffff:127.", 11) == 0;
    }
    return socket->peer_is_here;
}

void mcpz_head_read_version(struct mcpz_connection *connection)
{
    char version[16] = "";

    (void)lws_hdr_copy(connection->wsi, version, sizeof(version), WSI_TOKEN_HTTP);
    connection->is_old = strcmp(version, "HTTP/1.0") == 0;
}

/* White space before a colon: some take the header for what it looks like, libwebsockets does not.
 * RFC 9112, section 5.1. */
static bool is_disguised(struct lws *wsi)
{
    static const char *const names[] = {"content-length ", "content-length\t",
                                        "transfer-encoding ", "transfer-encoding\t"};

    for (size_t i = 0; i < MCPZ_ARRAY_LEN(names); i++) {
        char name[32];
        int length = snprintf(name, sizeof(name), "%s:", names[i]);
        if (lws_hdr_custom_length(wsi, name, length) >= 0) {
            return true;
        }
    }
    return false;
}

static enum mcpz_framing read_coding(struct lws *wsi, enum mcpz_method method)
{
    char coding[32];
    char version[16] = "";
    int length = lws_hdr_copy(wsi, coding, sizeof(coding), WSI_TOKEN_HTTP_TRANSFER_ENCODING);

    (void)lws_hdr_copy(wsi, version, sizeof(version), WSI_TOKEN_HTTP);
    if (lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH) > 0 || method != MCPZ_POST ||
        strcmp(version, "HTTP/1.1") != 0) {
        return MCPZ_FRAMING_BAD;
    }
    return length > 0 && strcasecmp(coding, "chunked") == 0 ? MCPZ_FRAMING_CHUNKS
                                                            : MCPZ_FRAMING_UNKNOWN;
}

enum mcpz_framing mcpz_head_read_framing(struct lws *wsi, enum mcpz_method method,
                                         uint64_t *length)
{
    char text[24];
    int chars = lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH);

    *length = 0;
    if (is_disguised(wsi)) {
        return MCPZ_FRAMING_BAD;
    }
    if (lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_TRANSFER_ENCODING) > 0) {
        return read_coding(wsi, method);
    }
    if (chars == 0) {
        return method == MCPZ_GET || method == MCPZ_DELETE ? MCPZ_FRAMING_LENGTH
                                                           : MCPZ_FRAMING_MISSING;
    }
    if (chars > 18 ||
        lws_hdr_copy(wsi, text, sizeof(text), WSI_TOKEN_HTTP_CONTENT_LENGTH) != chars ||
        strspn(text, "0123456789") != (size_t)chars) {
        return MCPZ_FRAMING_BAD;
    }
    *length = strtoull(text, NULL, 10);
    return MCPZ_FRAMING_LENGTH;
}

bool mcpz_head_host_is_ours(const struct mcpz_connection *connection)
{
    char host[300];
    int length = lws_hdr_copy(connection->wsi, host, sizeof(host), WSI_TOKEN_HOST);

    return connection->side->local ||
           (length > 0 && mcpz_api_host_is_ours(mcpz_bytes(host, (size_t)length),
                                                mcpz_text(connection->side->host)));
}
