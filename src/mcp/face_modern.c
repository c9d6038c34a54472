/*
 * What a request of 2026-07-28 must say in its metadata and its headers, before anybody looks at
 * what it wants.
 *
 * Source: Model Context Protocol 2026-07-28, "Transports", standard request headers (SEP-2243);
 * "Base protocol", per-request metadata (SEP-2575).
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mcp/face_internal.h"
#include "mcp/param.h"

static const struct mcpz_bytes no_data = {.data = NULL};

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

    if (!mcpz_header_says(headers->version, request->version)) {
        return "Header mismatch: MCP-Protocol-Version is missing, or not the protocolVersion of "
               "the body";
    }
    if (!mcpz_header_says(headers->method, request->method)) {
        return "Header mismatch: Mcp-Method is missing, or not the method of the body";
    }
    if (name.type == MCPZ_JSON_STRING && !mcpz_header_says(headers->name, name)) {
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

/* ---- Custom headers ----------------------------------------------------------------------- */

struct comparison {
    const struct mcpz_face_request *headers;
    struct mcpz_json arguments;
    char mismatch[sizeof(((struct mcpz_param *)NULL)->header)]; /* "": none */
};

static void compare(void *context, const struct mcpz_param *param)
{
    struct comparison *comparison = context;

    if (comparison->mismatch[0] == '\0' &&
        !mcpz_param_agrees(mcpz_bytes_find_pair(comparison->headers->headers, param->header),
                           mcpz_param_value(param, comparison->arguments))) {
        memcpy(comparison->mismatch, param->header, sizeof(comparison->mismatch));
    }
}

bool mcpz_face_check_params(struct mcpz_asker *asker, const struct mcpz_envelope *request,
                            const struct mcpz_catalogue_item *tool)
{
    static const char *const schema_name[] = {"inputSchema"};
    static const char *const arguments_name[] = {"arguments"};
    struct comparison comparison = {.headers = &asker->request};
    struct mcpz_json schema;
    char message[sizeof(comparison.mismatch) + 96];

    /* Headers that were not known when the request's were read have not been read. */
    if (!asker->is_modern || tool == NULL || !tool->has_params ||
        asker->request.params_version != asker->face->catalogue.params_version ||
        mcpz_json_pick(tool->whole, schema_name, 1, &schema) != MCPZ_OK ||
        mcpz_json_pick(request->params, arguments_name, 1, &comparison.arguments) != MCPZ_OK) {
        return true;
    }
    mcpz_param_walk(schema, compare, &comparison);
    if (comparison.mismatch[0] == '\0') {
        return true;
    }
    (void)snprintf(message, sizeof(message),
                   "Header mismatch: %s is missing, or does not say what the argument says",
                   comparison.mismatch);
    mcpz_face_error(asker, request->id, MCPZ_MCP_HEADER_MISMATCH, message, no_data);
    return false;
}
