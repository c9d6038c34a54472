/*
 * JSON as text, where a tree would be too much: is it JSON, and how is a string written.
 *
 * A result of 10 MiB is checked in place and passed on as it is; as a tree it could take twenty
 * times its size.
 */

#ifndef HTTP_JSONTEXT_H
#define HTTP_JSONTEXT_H

#include <stdbool.h>
#include <stddef.h>

#include <mcpz/error.h>

#include "base/attr.h"
#include "base/bytes.h"
#include "http/body.h"

/** Is this one JSON value that any reader can take (wire/json.h)? */
bool mcpz_jsontext_is_value(struct mcpz_bytes text);

/** Make `text` UTF-8 by putting "?" in place of each byte that is not. */
void mcpz_jsontext_clean(char *text);

/** Append `text` (UTF-8) as a JSON string, quotes included. */
void mcpz_jsontext_append_string(struct mcpz_body *body, struct mcpz_bytes text);

/** Append `bytes` as base64 in quotes. Source: RFC 4648 section 4. */
void mcpz_jsontext_append_base64(struct mcpz_body *body, struct mcpz_bytes bytes);

/**
 * Append the result of a task as JSON, as a string or as base64: the first that it is. Returns
 * which: "json", "text" or "base64".
 */
const char *mcpz_jsontext_append_result(struct mcpz_body *body, struct mcpz_bytes result);

#endif
