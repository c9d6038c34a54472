/*
 * What is said to a client whose request is not taken in: in one piece, and then its connection
 * ends. And headers that all answers are made of.
 */

#ifndef HTTP_REFUSAL_H
#define HTTP_REFUSAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "http/connection.h"
#include "proto/code.h"

#define MCPZ_ANSWER_HEAD_BYTES 2048 /* of an answer's headers */

/**
 * Answer with an error whose words, `text`, need no escaping in JSON. -1: for libwebsockets, which
 * ends the connection then.
 */
int mcpz_refuse(struct mcpz_connection *connection, unsigned status, enum mcpz_code code,
                const char *text);

/** Tell a page of ours what it may ask; the same -1. Source: Fetch, "CORS-preflight request". */
int mcpz_answer_preflight(struct mcpz_connection *connection);

/** A header, by its name in small letters with its colon. False: there is no room. */
MCPZ_MUST_USE bool mcpz_add_header(struct lws *wsi, const char *name, const char *value,
                                   uint8_t **at, uint8_t *end);

/** What lets a page that may ask also read the answer. Source: Fetch, "CORS protocol". */
MCPZ_MUST_USE bool mcpz_add_origin(const struct mcpz_connection *connection, uint8_t **at,
                                   uint8_t *end);

#endif
