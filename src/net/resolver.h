/*
 * Host names to addresses without stopping the loop: c-ares on libev.
 *
 * Nothing is taken and nothing is read before the first name: most nodes dial numbers.
 */

#ifndef NET_RESOLVER_H
#define NET_RESOLVER_H

#include <stddef.h>

#include <mcpz/error.h>

#include "base/attr.h"

#define MCPZ_RESOLVED_MAX 4         /* addresses of a name that are tried */
#define MCPZ_RESOLVED_TEXT_BYTES 64 /* a numeric address, with its scope */
#define MCPZ_RESOLVER_SOCKETS_MAX 16

struct ev_loop;
struct mcpz_resolver;

struct mcpz_resolved {
    char texts[MCPZ_RESOLVED_MAX][MCPZ_RESOLVED_TEXT_BYTES]; /* numeric */
    size_t count;                                            /* 0: no such name, or no answer */
    size_t known; /* all it has, with those that are not tried */
};

/* Called once for each name asked for, maybe before mcpz_resolver_ask() returns. */
typedef void (*mcpz_resolver_answer)(void *context, const struct mcpz_resolved *resolved);

/** Errors: MCPZ_ENOMEM; `*resolver` is then NULL. */
MCPZ_MUST_USE mcpz_error mcpz_resolver_create(struct ev_loop *ev, struct mcpz_resolver **resolver);

/** Answers what is still asked, with nothing. NULL is fine. */
void mcpz_resolver_destroy(struct mcpz_resolver *resolver);

void mcpz_resolver_ask(struct mcpz_resolver *resolver, const char *host,
                       mcpz_resolver_answer answer, void *context);

#endif
