/*
 * What a request of 2026-07-28 must say in its metadata and its headers, before anybody looks at
 * what it wants.
 *
 * Source: Model Context Protocol 2026-07-28, "Transports", standard request headers (SEP-2243);
 * "Base protocol", per-request metadata (SEP-2575).
 */

#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "mcp/face_internal.h"

#define ENCODED_HEAD "=?base64?"
#define ENCODED_TAIL "?="

static const struct mcpz_bytes no_data = {.data = NULL};

/* Is what the header says what the string says? Values that a header cannot hold are encoded. */
static bool says_the_same(struct mcpz_bytes header, struct mcpz_json string)
{
    size_t head = strlen(ENCODED_HEAD);
    size_t tail = strlen(ENCODED_TAIL);

    if (header.length < head + tail || memcmp(header.data, ENCODED_HEAD, head) != 0 ||
        memcmp(header.data + header.length - tail, ENCODED_TAIL, tail) != 0) {
        return mcpz_json_says(string, header);
    }
    const struct mcpz_bytes inner = mcpz_bytes(header.data + head, header.length - head - tail);
    uint8_t *decoded = malloc(inner.length + 1);
    size_t length = 0;
    bool is_same = decoded != NULL &&
                   mcpz_base64_decode(inner, decoded, inner.length, &length) == MCPZ_OK &&
                   mcpz_json_says(string, mcpz_bytes(decoded, length));
    free(decoded);
    return is_same;
}

/* What Mcp-Name repeats; NONE: the method has no such header. */
static struct mcpz_json named_by(const struct mcpz_envelope *request)
{
    static const struct mcpz_json none = {.type = MCPZ_JSON_NONE};

    if (mcpz_envelope_is(request, "tools/call") || mcpz_envelope_is(request, "prompts/get")) {
        return request->name;
    }
    if (mcpz_envelope_is(request, "resources/read")) {
        return request->uri;
    }
    if (mcpz_envelope_is(request, "tasks/get") || mcpz_envelope_is(request, "tasks/update") ||
        mcpz_envelope_is(request, "tasks/cancel")) {
        return request->task_id;
    }
    return none;
}

/* Which header says something else than the body; NULL: none. */
static const char *find_mismatch(const struct mcpz_face_request *headers,
                                 const struct mcpz_envelope *request)
{
    struct mcpz_json name = named_by(request);

    if (!says_the_same(headers->version, request->version)) {
        return "Header mismatch: MCP-Protocol-Version is missing, or not the protocolVersion of "
               "the body";
    }
    if (!says_the_same(headers->method, request->method)) {
        return "Header mismatch: Mcp-Method is missing, or not the method of the body";
    }
    if (name.type == MCPZ_JSON_STRING && !says_the_same(headers->name, name)) {
        return "Header mismatch: Mcp-Name is missing, or not the name, uri or taskId of the body";
    }
    return NULL;
}

static void put_versions(struct mcpz_json_writer *writer, const void *context)
{
    const struct mcpz_envelope *request = context;

    mcpz_json_put_text(writer, "{\"supported\":[\"" MCPZ_FACE_MODERN "\"],\"requested\":");
    mcpz_json_put(writer, request->version.text);
    mcpz_json_put_text(writer, "}");
}

static void refuse_version(struct mcpz_asker *asker, const struct mcpz_envelope *request)
{
    bool is_short = request->version.text.length <= 128;
    struct mcpz_face_text data = mcpz_face_write(put_versions, request);

    mcpz_face_refuse(asker, 400, request->id, MCPZ_MCP_VERSION_UNSUPPORTED,
                     "Unsupported protocol version",
                     data.data != NULL && is_short ? mcpz_bytes(data.data, data.length) : no_data);
    free(data.data);
}

bool mcpz_face_check_modern(struct mcpz_asker *asker, const struct mcpz_envelope *request)
{
    if (request->version.type != MCPZ_JSON_STRING ||
        request->client_capabilities.type != MCPZ_JSON_OBJECT) {
        mcpz_face_refuse(asker, 400, request->id, MCPZ_MCP_INVALID_PARAMS,
                         "Invalid params: _meta must have io.modelcontextprotocol/protocolVersion "
                         "and io.modelcontextprotocol/clientCapabilities",
                         no_data);
        return false;
    }
    const char *mismatch = find_mismatch(&asker->request, request);
    if (mismatch != NULL) {
        mcpz_face_refuse(asker, 400, request->id, MCPZ_MCP_HEADER_MISMATCH, mismatch, no_data);
        return false;
    }
    if (!mcpz_json_says(request->version, mcpz_text(MCPZ_FACE_MODERN))) {
        refuse_version(asker, request);
        return false;
    }
    return true;
}
