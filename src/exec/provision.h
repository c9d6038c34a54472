/*
 * A capability this node offers, as the pool keeps it: what the configuration says, and what
 * follows from that.
 */

#ifndef EXEC_PROVISION_H
#define EXEC_PROVISION_H

#include <stddef.h>

#include <mcpz/error.h>

#include "base/attr.h"
#include "host/service.h"

#define MCPZ_PROVISION_NAMED_MAX 16

struct mcpz_provision {
    struct mcpz_service provider;
    enum mcpz_isolation isolation;         /* what it really is, on this machine */
    char *named[MCPZ_PROVISION_NAMED_MAX]; /* files and programs that it names: it may read and run
                                              them */
    size_t named_count;
};

/** Copies `provider`. Errors: MCPZ_ENOMEM */
MCPZ_MUST_USE mcpz_error mcpz_provision_init(struct mcpz_provision *provision,
                                             const struct mcpz_service *provider,
                                             enum mcpz_isolation isolation);
void mcpz_provision_finish(struct mcpz_provision *provision);

#endif
