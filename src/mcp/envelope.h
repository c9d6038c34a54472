/*
 * A message of the Model Context Protocol as it lies in its text: what kind it is, and where the
 * members are that decide who gets it. Everything else stays as it was said.
 *
 *   request       {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {...}}
 *   notification  {"jsonrpc": "2.0", "method": "notifications/progress", "params": {...}}
 *   response      {"jsonrpc": "2.0", "id": 1, "result": {...}}
 *   error         {"jsonrpc": "2.0", "id": 1, "error": {"code": -32601, "message": "..."}}
 *
 * A message is changed by splicing: other bytes for some of its own, the rest byte for byte. So
 * nothing is lost that we do not know of.
 *
 * Source: JSON-RPC 2.0; Model Context Protocol 2024-11-05 to 2026-07-28, "Base protocol".
 */

#ifndef MCP_ENVELOPE_H
#define MCP_ENVELOPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mcpz/error.h>

#include "base/attr.h"
#include "base/bytes.h"
#include "proto/limits.h"
#include "wire/json.h"

#define MCPZ_MCP_ID_BYTES_MAX 256 /* of an id as written: tables of calls keep them */

/* Error codes of JSON-RPC, section 5.1, and of the protocol. */
enum mcpz_mcp_code {
    MCPZ_MCP_PARSE_ERROR = -32700,
    MCPZ_MCP_INVALID_REQUEST = -32600,
    MCPZ_MCP_METHOD_NOT_FOUND = -32601,
    MCPZ_MCP_INVALID_PARAMS = -32602,
    MCPZ_MCP_INTERNAL_ERROR = -32603,
    MCPZ_MCP_UNREACHABLE = -32000,         /* ours: the mesh could not do it; `data` says why */
    MCPZ_MCP_SESSION_UNKNOWN = -32001,     /* as the SDKs say it */
    MCPZ_MCP_RESOURCE_NOT_FOUND = -32002,  /* until 2025-11-25 */
    MCPZ_MCP_HEADER_MISMATCH = -32020,     /* 2026-07-28 */
    MCPZ_MCP_CAPABILITY_MISSING = -32021,  /* 2026-07-28 */
    MCPZ_MCP_VERSION_UNSUPPORTED = -32022, /* 2026-07-28 */
    MCPZ_MCP_URL_ELICITATION_REQUIRED = -32042 /* 2025-11-25 */
};

enum mcpz_envelope_kind {
    MCPZ_ENVELOPE_REQUEST = 1,
    MCPZ_ENVELOPE_NOTIFICATION,
    MCPZ_ENVELOPE_RESPONSE,
    MCPZ_ENVELOPE_ERROR,
};

/* Spans of the message; NONE where it has no such member. */
struct mcpz_envelope {
    enum mcpz_envelope_kind kind;
    struct mcpz_json whole;  /* the object, without space around it */
    struct mcpz_json id;     /* a string or a number; of an error also null or NONE */
    struct mcpz_json method; /* a string */
    struct mcpz_json params; /* an object */
    struct mcpz_json result; /* an object */
    struct mcpz_json error;  /* an object */
    struct mcpz_json meta;   /* `_meta` of params or of the result: an object */

    /* Of params. */
    struct mcpz_json name;          /* tools/call, prompts/get */
    struct mcpz_json uri;           /* resources/read, subscribe, unsubscribe, notifications/... */
    struct mcpz_json cursor;        /* lists */
    struct mcpz_json ref;           /* completion/complete */
    struct mcpz_json level;         /* logging/setLevel, notifications/message */
    struct mcpz_json task_id;       /* tasks/... */
    struct mcpz_json protocol;      /* `protocolVersion` of initialize */
    struct mcpz_json request_id;    /* notifications/cancelled: whose */
    struct mcpz_json request_state; /* 2026-07-28, multi-round-trip requests */
    struct mcpz_json input_responses; /* likewise */
    struct mcpz_json progress_token;  /* of `_meta`; of notifications/progress its own */

    /* Of `_meta` in params: 2026-07-28, per-request metadata. */
    struct mcpz_json version;             /* io.modelcontextprotocol/protocolVersion */
    struct mcpz_json client_capabilities; /* io.modelcontextprotocol/clientCapabilities */
    struct mcpz_json client_info;         /* io.modelcontextprotocol/clientInfo */
    struct mcpz_json log_level;           /* io.modelcontextprotocol/logLevel */
    struct mcpz_json subscription_id;     /* io.modelcontextprotocol/subscriptionId */
    struct mcpz_json related_task;        /* `taskId` of io.modelcontextprotocol/related-task */
    struct mcpz_json traceparent;
};

/**
 * Read one message. On error `envelope->id` is still set if there is one, for the answer.
 *
 * Errors: MCPZ_EPROTO        it is not JSON
 *         MCPZ_EUNSUPPORTED  it is, but no message of JSON-RPC 2.0 as the protocol uses it
 *         MCPZ_ECONFLICT     a name is there twice where we look
 *         MCPZ_EFULL         too large, too deep, too many members, or an id that is too long
 */
MCPZ_MUST_USE mcpz_error mcpz_envelope_read(struct mcpz_bytes text,
                                            struct mcpz_envelope *envelope);

/** As above, of a value that was checked already: one of a batch. */
MCPZ_MUST_USE mcpz_error mcpz_envelope_take(struct mcpz_json value,
                                            struct mcpz_envelope *envelope);

/** The code and the words with which a message is answered that could not be read. */
enum mcpz_mcp_code mcpz_envelope_code_of(mcpz_error error);
const char *mcpz_envelope_text_of(mcpz_error error);

/** Has it that method? */
bool mcpz_envelope_is(const struct mcpz_envelope *envelope, const char *method);

/* ---- Changing ----------------------------------------------------------------------------- */

/* `with` instead of `at`, which is a span of the text; an empty span inserts. */
struct mcpz_splice {
    struct mcpz_bytes at;
    struct mcpz_bytes with;
};

/** Put `text` with its `splices`, which are in its order and do not overlap (asserted). */
void mcpz_splice(struct mcpz_json_writer *writer, struct mcpz_bytes text,
                 const struct mcpz_splice *splices, size_t count);

/** Where members can be put into an object that was checked: the empty span behind its brace. */
struct mcpz_bytes mcpz_splice_inside(struct mcpz_json object);

/** Has the object no members? Then what is put in needs no comma behind it. */
bool mcpz_splice_is_empty(struct mcpz_json object);

/** The member of that name, with the comma that is too much without it; empty: there is none. */
struct mcpz_bytes mcpz_splice_member(struct mcpz_json object, const char *name);

/** Put checked text as a line of its own, without its end: line ends become spaces. */
void mcpz_envelope_put_line(struct mcpz_json_writer *writer, struct mcpz_bytes text);

/* ---- Writing ------------------------------------------------------------------------------ */

/** Put a response: `result` is JSON. An id that is NONE is written as null. */
void mcpz_envelope_put_result(struct mcpz_json_writer *writer, struct mcpz_json id,
                              struct mcpz_bytes result);

/** Put an error response: `data` is JSON; empty: none. */
void mcpz_envelope_put_error(struct mcpz_json_writer *writer, struct mcpz_json id,
                             enum mcpz_mcp_code code, struct mcpz_bytes message,
                             struct mcpz_bytes data);

#endif
