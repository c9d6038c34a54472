/*
 * What both halves of the router know of a backend: core/router/router.c and choice.c share it,
 * and nobody else includes it.
 */

#ifndef CORE_ROUTER_BACKENDS_H
#define CORE_ROUTER_BACKENDS_H

#include "core/router/router.h"

/* Errs this much more than the others: it counts as hotter than hot. */
#define MCPZ_ERRORS_AVERSE (MCPZ_ERRORS_ALL / 8)

/** Its share of errors now: half of it is forgiven every 10 s without a result. */
uint32_t mcpz_backend_errors(const struct mcpz_backend *backend, mcpz_time now);

/** The mean share of errors of all others in its class. */
uint32_t mcpz_backend_others_errors(const struct mcpz_class *class,
                                    const struct mcpz_backend *backend, mcpz_time now);

/** Has it had calls for far too long and ended none, while others of the class ended some? */
bool mcpz_backend_is_stalled(const struct mcpz_class *class, const struct mcpz_backend *backend,
                             mcpz_time now);

/** The pool that holds what it reports. */
struct mcpz_probe_pool *mcpz_backend_pool(struct mcpz_class *class,
                                          const struct mcpz_backend *backend);

#endif
