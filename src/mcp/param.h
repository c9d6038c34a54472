/*
 * Arguments of a tool that are repeated in headers, so that what stands between a client and a
 * server can act on them without reading the body: "x-mcp-header": "Region" at a property of the
 * tool's inputSchema has its value said as Mcp-Param-Region, too. Whoever knows the tool refuses
 * a request whose header says something else.
 *
 * Strings are as they are, or =?base64?...?= where a header could not hold them; numbers decimal,
 * compared by value; booleans "true" and "false". What is null or not there needs no header.
 *
 * Source: Model Context Protocol 2026-07-28, "Transports", custom headers (SEP-2243).
 */

#ifndef MCP_PARAM_H
#define MCP_PARAM_H

#include <stdbool.h>
#include <stddef.h>

#include "base/bytes.h"
#include "wire/json.h"

#define MCPZ_PARAM_PREFIX "mcp-param-"
#define MCPZ_PARAM_DEPTH_MAX 8   /* properties within properties */
#define MCPZ_PARAM_NAME_CHARS 64 /* of what stands behind the prefix */
#define MCPZ_PARAM_VALUE_BYTES 4096

/* Where a header says which argument. */
struct mcpz_param {
    char header[sizeof(MCPZ_PARAM_PREFIX) + MCPZ_PARAM_NAME_CHARS]; /* in small letters */
    struct mcpz_json path[MCPZ_PARAM_DEPTH_MAX];                    /* names of properties */
    size_t depth;
    bool is_typed; /* string, integer or boolean, as it must be */
};

/**
 * Visit the headers that a checked inputSchema declares. What is declared elsewhere than along
 * `properties`, or is no name of a header, makes the tool's definition wrong and is passed over.
 */
void mcpz_param_walk(struct mcpz_json schema,
                     void (*visit)(void *context, const struct mcpz_param *param), void *context);

/**
 * Is all that the schema declares as it must be: along `properties`, of a string, an integer or a
 * boolean, and under names of headers that are not there twice? Else clients that make requests
 * over HTTP do not use the tool.
 */
bool mcpz_param_is_sound(struct mcpz_json schema);

/**
 * Put `text`, which has all of a checked inputSchema in it or none, with its declarations under
 * another name: for clients that would have to refuse the tool, though it can be called without
 * them.
 */
void mcpz_param_put_undeclared(struct mcpz_json_writer *writer, struct mcpz_bytes text,
                               struct mcpz_json schema);

/** The argument that the header repeats; NONE: it is not there. */
struct mcpz_json mcpz_param_value(const struct mcpz_param *param, struct mcpz_json arguments);

/**
 * Does the header (without data: it is not there) say what the argument says? An argument that is
 * not there, null, an object or an array, needs none.
 */
bool mcpz_param_agrees(struct mcpz_bytes header, struct mcpz_json argument);

/** Is what the header says what the string says? As of all headers that repeat one. */
bool mcpz_header_says(struct mcpz_bytes header, struct mcpz_json string);

#endif
