/*
 * The owners of all partitions, as a table: made a part at a time, so that no step takes long, in
 * memory that was laid out before. For who walks what a node keeps; the owners of one partition
 * are found without it (rendezvous.h).
 */

#ifndef CORE_PLACEMENT_OWNERS_H
#define CORE_PLACEMENT_OWNERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "core/placement/rendezvous.h"

#define MCPZ_OWNER_NONE UINT16_MAX /* fewer nodes than copies */

struct mcpz_owners {
    uint16_t *rows; /* per partition: `copies` indexes into the layout's nodes, best first */
    size_t room;    /* of them */
    uint32_t partition_count;
    uint32_t copies;
    uint32_t built; /* partitions that are in the table */
};

/** How much mcpz_owners_init() takes from its arena. */
size_t mcpz_owners_bytes(uint32_t partition_bits, uint32_t copies);

/** Lay out room for so many partitions of so many copies. `arena` has room (asserted). */
void mcpz_owners_init(struct mcpz_owners *owners, uint32_t partition_bits, uint32_t copies,
                      struct mcpz_arena *arena);

/** Begin the table of a layout, which fits (asserted). Nothing is in it yet. */
void mcpz_owners_begin(struct mcpz_owners *owners, const struct mcpz_rendezvous *rendezvous);

/** Fill in up to `most` partitions more. Is the table complete? */
bool mcpz_owners_build(struct mcpz_owners *owners, const struct mcpz_rendezvous *rendezvous,
                       uint32_t most);

/** The row of a partition that is in the table (asserted). */
const uint16_t *mcpz_owners_of(const struct mcpz_owners *owners, uint32_t partition);

/** Does `node` own `partition`, which is in the table? */
bool mcpz_owners_has(const struct mcpz_owners *owners, uint32_t partition, uint16_t node);

/** The first partition of `node` from `from` on; the number of partitions if there is none. */
uint32_t mcpz_owners_next(const struct mcpz_owners *owners, uint32_t from, uint16_t node);

#endif
