/*
 * Whom we work for: what each has had of us, in a table of fixed size.
 *
 * A row holds the arrival time of its rate limit, and its place in the fair queue. Only a row that
 * says no more than a fresh one would, with nothing under way and a limit at rest, gives way to
 * another: so nobody gets rid of a limit by making us forget. Where a set has no such row, those
 * that are new share one row, and its limit, until there is. Rows of tenants that were configured
 * stay.
 *
 * Names are kept as 128 bits of a hash under a seed of the node's own: who does not know the seed
 * cannot choose names that fall together.
 */

#ifndef CORE_TENANTS_H
#define CORE_TENANTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/time.h"
#include "core/gate/gcra.h"
#include "proto/id.h"
#include "proto/level.h"
#include "proto/limits.h"

#define MCPZ_TENANT_SETS 32
#define MCPZ_TENANT_WAYS 8 /* rows in a set, beside the one that is shared */

static_assert((MCPZ_TENANT_SETS & (MCPZ_TENANT_SETS - 1)) == 0, "sets are picked by a mask");

struct mcpz_tenant {
    uint64_t name[2];   /* zeros: free, or the row that is shared */
    uint8_t level;      /* enum mcpz_level */
    bool pinned;        /* configured */
    uint16_t under_way; /* calls that wait or run */
    mcpz_time tat;      /* see gcra.h */
    uint64_t tag;       /* where its last call stands in the queue, see waiting.h */
};

struct mcpz_tenants {
    uint64_t seed;
    uint8_t level_default;
    struct mcpz_tenant rows[MCPZ_TENANT_SETS][MCPZ_TENANT_WAYS + 1]; /* the last is shared */
    struct mcpz_tenant pinned[MCPZ_TENANTS_MAX];
    size_t pinned_count;
    uint64_t shared; /* times that a newcomer found no row of its own */
};

void mcpz_tenants_init(struct mcpz_tenants *tenants, enum mcpz_level level_default, uint64_t seed);

/** All have the level of those that are not configured; what they have had stays. */
void mcpz_tenants_unpin(struct mcpz_tenants *tenants, enum mcpz_level level_default);

/** A tenant has this level, and a row of its own. False: MCPZ_TENANTS_MAX have. */
bool mcpz_tenants_pin(struct mcpz_tenants *tenants, struct mcpz_bytes name, enum mcpz_level level,
                      mcpz_time now);

/**
 * The row of `name`, which may be anything; never NULL. It is there as long as a call of it is
 * under way, and no longer than to the next time that one is looked up if not.
 */
struct mcpz_tenant *mcpz_tenants_find(struct mcpz_tenants *tenants, struct mcpz_bytes name,
                                      mcpz_time now);

/** The same for a node that stands for itself. No text has its name. */
struct mcpz_tenant *mcpz_tenants_find_node(struct mcpz_tenants *tenants, const struct mcpz_id *id,
                                           mcpz_time now);

/** What a level allows: a tenth of a minute's calls may come at once. */
struct mcpz_rate mcpz_tenant_rate(const struct mcpz_tenant *tenant);

#endif
