/* A request of our own to the API, for an exchange that waits for the answer. */

#ifndef HTTP_INNER_H
#define HTTP_INNER_H

#include <stdbool.h>

#include "base/bytes.h"
#include "http/api.h"
#include "http/exchange.h"

/* What is asked. Answers are to stay in memory: read them with mcpz_body_in_memory(). */
struct mcpz_inner_request {
    enum mcpz_method method;
    const char *path;
    struct mcpz_bytes query; /* "name=value", with a NUL between two */
    struct mcpz_bytes body;  /* copied */
};

/**
 * Ask; `exchange` works again when the answer is there, also if that is at once. `*inner`, closed
 * with mcpz_api_close() once it was read, is NULL before. False: too much is under way.
 */
MCPZ_MUST_USE bool mcpz_inner_ask(struct mcpz_exchange *exchange, struct mcpz_exchange **inner,
                                  const struct mcpz_inner_request *asked);

/** As above, but without a request: for what is asked by a function. */
MCPZ_MUST_USE bool mcpz_inner_open(struct mcpz_exchange *exchange, struct mcpz_exchange **inner);

/** May `exchange` ask several at a time? Not where that leaves too few to others. */
bool mcpz_inner_has_room(const struct mcpz_exchange *exchange);

#endif
