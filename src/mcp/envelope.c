#include "mcp/envelope.h"

#include <assert.h>

#define META(name) "io.modelcontextprotocol/" name

/* ---- Reading ------------------------------------------------------------------------------ */

enum top { TOP_JSONRPC, TOP_ID, TOP_METHOD, TOP_PARAMS, TOP_RESULT, TOP_ERROR, TOP_COUNT };

static const char *const top_names[TOP_COUNT] = {
    [TOP_JSONRPC] = "jsonrpc", [TOP_ID] = "id",         [TOP_METHOD] = "method",
    [TOP_PARAMS] = "params",   [TOP_RESULT] = "result", [TOP_ERROR] = "error",
};

enum param {
    PARAM_META,
    PARAM_NAME,
    PARAM_URI,
    PARAM_CURSOR,
    PARAM_REF,
    PARAM_LEVEL,
    PARAM_TASK_ID,
    PARAM_PROTOCOL,
    PARAM_REQUEST_ID,
    PARAM_REQUEST_STATE,
    PARAM_INPUT_RESPONSES,
    PARAM_PROGRESS_TOKEN,
    PARAM_COUNT,
};

static const char *const param_names[PARAM_COUNT] = {
    [PARAM_META] = "_meta",
    [PARAM_NAME] = "name",
    [PARAM_URI] = "uri",
    [PARAM_CURSOR] = "cursor",
    [PARAM_REF] = "ref",
    [PARAM_LEVEL] = "level",
    [PARAM_TASK_ID] = "taskId",
    [PARAM_PROTOCOL] = "protocolVersion",
    [PARAM_REQUEST_ID] = "requestId",
    [PARAM_REQUEST_STATE] = "requestState",
    [PARAM_INPUT_RESPONSES] = "inputResponses",
    [PARAM_PROGRESS_TOKEN] = "progressToken",
};

enum meta {
    META_PROGRESS_TOKEN,
    META_VERSION,
    META_CLIENT_CAPABILITIES,
    META_CLIENT_INFO,
    META_LOG_LEVEL,
    META_SUBSCRIPTION_ID,
    META_RELATED_TASK,
    META_TRACEPARENT,
    META_COUNT,
};

static const char *const meta_names[META_COUNT] = {
    [META_PROGRESS_TOKEN] = "progressToken",
    [META_VERSION] = META("protocolVersion"),
    [META_CLIENT_CAPABILITIES] = META("clientCapabilities"),
    [META_CLIENT_INFO] = META("clientInfo"),
    [META_LOG_LEVEL] = META("logLevel"),
    [META_SUBSCRIPTION_ID] = META("subscriptionId"),
    [META_RELATED_TASK] = META("related-task"),
    [META_TRACEPARENT] = "traceparent",
};

static mcpz_error read_meta(struct mcpz_json meta, struct mcpz_envelope *envelope)
{
    static const char *const task_names[] = {"taskId"};
    struct mcpz_json found[META_COUNT];

    if (meta.type != MCPZ_JSON_NONE && meta.type != MCPZ_JSON_OBJECT) {
        return MCPZ_EUNSUPPORTED;
    }
    mcpz_error error = mcpz_json_pick(meta, meta_names, META_COUNT, found);
    if (error != MCPZ_OK) {
        return error;
    }
    envelope->meta = meta;
    if (found[META_PROGRESS_TOKEN].type != MCPZ_JSON_NONE) {
        envelope->progress_token = found[META_PROGRESS_TOKEN];
    }
    envelope->version = found[META_VERSION];
    envelope->client_capabilities = found[META_CLIENT_CAPABILITIES];
    envelope->client_info = found[META_CLIENT_INFO];
    envelope->log_level = found[META_LOG_LEVEL];
    envelope->subscription_id = found[META_SUBSCRIPTION_ID];
    envelope->traceparent = found[META_TRACEPARENT];
    return mcpz_json_pick(found[META_RELATED_TASK], task_names, 1, &envelope->related_task);
}

static mcpz_error read_params(struct mcpz_json params, struct mcpz_envelope *envelope)
{
    struct mcpz_json found[PARAM_COUNT];

    if (params.type != MCPZ_JSON_NONE && params.type != MCPZ_JSON_OBJECT) {
        return MCPZ_EUNSUPPORTED; /* by position: JSON-RPC has that, the protocol does not */
    }
    mcpz_error error = mcpz_json_pick(params, param_names, PARAM_COUNT, found);
    if (error != MCPZ_OK) {
        return error;
    }
    envelope->params = params;
    envelope->name = found[PARAM_NAME];
    envelope->uri = found[PARAM_URI];
    envelope->cursor = found[PARAM_CURSOR];
    envelope->ref = found[PARAM_REF];
    envelope->level = found[PARAM_LEVEL];
    envelope->task_id = found[PARAM_TASK_ID];
    envelope->protocol = found[PARAM_PROTOCOL];
    envelope->request_id = found[PARAM_REQUEST_ID];
    envelope->request_state = found[PARAM_REQUEST_STATE];
    envelope->input_responses = found[PARAM_INPUT_RESPONSES];
    envelope->progress_token = found[PARAM_PROGRESS_TOKEN];
    return read_meta(found[PARAM_META], envelope);
}

static mcpz_error read_result(struct mcpz_json result, struct mcpz_envelope *envelope)
{
    static const char *const names[] = {"_meta"};
    struct mcpz_json meta;

    if (result.type != MCPZ_JSON_OBJECT) {
        return MCPZ_EUNSUPPORTED;
    }
    mcpz_error error = mcpz_json_pick(result, names, 1, &meta);
    if (error != MCPZ_OK) {
        return error;
    }
    envelope->result = result;
    return read_meta(meta, envelope);
}

static bool is_id(struct mcpz_json id)
{
    return id.type == MCPZ_JSON_STRING || id.type == MCPZ_JSON_NUMBER;
}

static mcpz_error read_method(const struct mcpz_json *found, struct mcpz_envelope *envelope)
{
    if (found[TOP_METHOD].type != MCPZ_JSON_STRING || found[TOP_RESULT].type != MCPZ_JSON_NONE ||
        found[TOP_ERROR].type != MCPZ_JSON_NONE) {
        return MCPZ_EUNSUPPORTED;
    }
    envelope->method = found[TOP_METHOD];
    if (found[TOP_ID].type == MCPZ_JSON_NONE) {
        envelope->kind = MCPZ_ENVELOPE_NOTIFICATION;
    } else if (is_id(found[TOP_ID])) {
        envelope->kind = MCPZ_ENVELOPE_REQUEST;
    } else {
        return MCPZ_EUNSUPPORTED;
    }
    return read_params(found[TOP_PARAMS], envelope);
}

static mcpz_error read_answer(const struct mcpz_json *found, struct mcpz_envelope *envelope)
{
    if (found[TOP_RESULT].type != MCPZ_JSON_NONE && found[TOP_ERROR].type == MCPZ_JSON_NONE) {
        envelope->kind = MCPZ_ENVELOPE_RESPONSE;
        return is_id(found[TOP_ID]) ? read_result(found[TOP_RESULT], envelope) : MCPZ_EUNSUPPORTED;
    }
    /* An error may be about something whose id could not be read. */
    if (found[TOP_ERROR].type == MCPZ_JSON_OBJECT && found[TOP_RESULT].type == MCPZ_JSON_NONE) {
        envelope->kind = MCPZ_ENVELOPE_ERROR;
        envelope->error = found[TOP_ERROR];
        return is_id(found[TOP_ID]) || found[TOP_ID].type == MCPZ_JSON_NULL ||
                       found[TOP_ID].type == MCPZ_JSON_NONE
                   ? MCPZ_OK
                   : MCPZ_EUNSUPPORTED;
    }
    return MCPZ_EUNSUPPORTED;
}

mcpz_error mcpz_envelope_take(struct mcpz_json value, struct mcpz_envelope *envelope)
{
    struct mcpz_json found[TOP_COUNT];

    *envelope = (struct mcpz_envelope){.whole = value};
    if (value.type != MCPZ_JSON_OBJECT) {
        return MCPZ_EUNSUPPORTED;
    }
    mcpz_error error = mcpz_json_pick(value, top_names, TOP_COUNT, found);
    if (error != MCPZ_OK) {
        return error;
    }
    if (found[TOP_ID].text.length > MCPZ_MCP_ID_BYTES_MAX) {
        return MCPZ_EFULL;
    }
    if (is_id(found[TOP_ID])) {
        envelope->id = found[TOP_ID];
    }
    if (!mcpz_json_says(found[TOP_JSONRPC], mcpz_text("2.0"))) {
        return MCPZ_EUNSUPPORTED;
    }
    return found[TOP_METHOD].type != MCPZ_JSON_NONE ? read_method(found, envelope)
                                                    : read_answer(found, envelope);
}

mcpz_error mcpz_envelope_read(struct mcpz_bytes text, struct mcpz_envelope *envelope)
{
    *envelope = (struct mcpz_envelope){.kind = 0};
    if (text.length > MCPZ_MCP_MESSAGE_BYTES_MAX) {
        return MCPZ_EFULL;
    }
    mcpz_error error = mcpz_json_check(text, MCPZ_JSON_GRAMMAR);
    return error == MCPZ_OK ? mcpz_envelope_take(mcpz_json_value(text), envelope) : error;
}

enum mcpz_mcp_code mcpz_envelope_code_of(mcpz_error error)
{
    return error == MCPZ_EPROTO ? MCPZ_MCP_PARSE_ERROR : MCPZ_MCP_INVALID_REQUEST;
}

const char *mcpz_envelope_text_of(mcpz_error error)
{
    switch ((int)error) {
    case MCPZ_EPROTO:
        return "Parse error: the message is not JSON in UTF-8";
    case MCPZ_ECONFLICT:
        return "Invalid request: a member is there twice";
    case MCPZ_EFULL:
        return "Invalid request: the message is over 8 MiB, nests deeper than 64, has more than "
               "256 members in one of its outer objects, or an id over 256 bytes";
    default:
        return "Invalid request: not a JSON-RPC 2.0 message as the Model Context Protocol has "
               "them";
    }
}

bool mcpz_envelope_is(const struct mcpz_envelope *envelope, const char *method)
{
    return mcpz_json_says(envelope->method, mcpz_text(method));
}

/* ---- Changing ----------------------------------------------------------------------------- */

void mcpz_splice(struct mcpz_json_writer *writer, struct mcpz_bytes text,
                 const struct mcpz_splice *splices, size_t count)
{
    const uint8_t *at = text.data;
    const uint8_t *end = text.data + text.length;

    for (size_t i = 0; i < count; i++) {
        assert(splices[i].at.data >= at);
        assert(splices[i].at.data + splices[i].at.length <= end);
        mcpz_json_put(writer, mcpz_bytes(at, (size_t)(splices[i].at.data - at)));
        mcpz_json_put(writer, splices[i].with);
        at = splices[i].at.data + splices[i].at.length;
    }
    mcpz_json_put(writer, mcpz_bytes(at, (size_t)(end - at)));
}

struct mcpz_bytes mcpz_splice_inside(struct mcpz_json object)
{
    assert(object.type == MCPZ_JSON_OBJECT);
    return mcpz_bytes(object.text.data + 1, 0);
}

bool mcpz_splice_is_empty(struct mcpz_json object)
{
    struct mcpz_json_walk walk = mcpz_json_walk(object);
    struct mcpz_json name;
    struct mcpz_json value;

    return !mcpz_json_next_member(&walk, &name, &value);
}

struct mcpz_bytes mcpz_splice_member(struct mcpz_json object, const char *name)
{
    struct mcpz_json_walk walk = mcpz_json_walk(object);
    const uint8_t *from = NULL; /* the end of the member before */
    struct mcpz_json key;
    struct mcpz_json value;

    while (mcpz_json_next_member(&walk, &key, &value)) {
        const uint8_t *end = value.text.data + value.text.length;
        if (!mcpz_json_says(key, mcpz_text(name))) {
            from = end;
            continue;
        }
        const uint8_t *start = from != NULL ? from : key.text.data;
        if (from == NULL && mcpz_json_next_member(&walk, &key, &value)) {
            end = key.text.data;
        }
        return mcpz_bytes(start, (size_t)(end - start));
    }
    return mcpz_bytes(NULL, 0);
}

void mcpz_envelope_put_line(struct mcpz_json_writer *writer, struct mcpz_bytes text)
{
    size_t start = 0;

    for (size_t i = 0; i < text.length; i++) {
        if (text.data[i] == '\n' || text.data[i] == '\r') {
            mcpz_json_put(writer, mcpz_bytes(text.data + start, i - start));
            mcpz_json_put_text(writer, " ");
            start = i + 1;
        }
    }
    if (start < text.length) {
        mcpz_json_put(writer, mcpz_bytes(text.data + start, text.length - start));
    }
}

/* ---- Writing ------------------------------------------------------------------------------ */

static void put_head(struct mcpz_json_writer *writer, struct mcpz_json id)
{
    mcpz_json_put_text(writer, "{\"jsonrpc\":\"2.0\",\"id\":");
    mcpz_json_put(writer, id.type == MCPZ_JSON_NONE ? mcpz_text("null") : id.text);
}

void mcpz_envelope_put_result(struct mcpz_json_writer *writer, struct mcpz_json id,
                              struct mcpz_bytes result)
{
    put_head(writer, id);
    mcpz_json_put_text(writer, ",\"result\":");
    mcpz_json_put(writer, result);
    mcpz_json_put_text(writer, "}");
}

void mcpz_envelope_put_error(struct mcpz_json_writer *writer, struct mcpz_json id,
                             enum mcpz_mcp_code code, struct mcpz_bytes message,
                             struct mcpz_bytes data)
{
    put_head(writer, id);
    mcpz_json_put_text(writer, ",\"error\":{\"code\":");
    mcpz_json_put_integer(writer, code);
    mcpz_json_put_text(writer, ",\"message\":");
    mcpz_json_put_string(writer, message);
    if (data.length > 0) {
        mcpz_json_put_text(writer, ",\"data\":");
        mcpz_json_put(writer, data);
    }
    mcpz_json_put_text(writer, "}}");
}
