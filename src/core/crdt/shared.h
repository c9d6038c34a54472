/*
 * What we and each peer both keep, in a nutshell: a root per partition, kept with every write, and
 * from them a root per peer.
 *
 *   a document comes, changes, goes  ->  the root of its partition, and those of the peers that
 *                                        keep it as we do
 *   a peer is linked, or who keeps what has changed  ->  its root is summed up anew, over the
 *                                        partitions that both keep: MCPZ_SHARED_SLICE a step
 *
 * So two nodes with the same documents in what they share have the same root of it, however much
 * more each holds, and see so by one number. No document is read for that. A partition that has
 * no document takes no memory: its place is not touched.
 *
 * Layouts that divide finer than by MCPZ_SHARED_BITS are not gone by: nobody's root is known then.
 *
 * Source: reference/crdt.md, 3.3 and 3.4.
 */

#ifndef CORE_CRDT_SHARED_H
#define CORE_CRDT_SHARED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "core/crdt/scope.h"
#include "core/reconcile/root_tag.h"
#include "proto/id.h"
#include "proto/limits.h"
#include "proto/placement.h"

#define MCPZ_SHARED_BITS MCPZ_PARTITION_BITS
#define MCPZ_SHARED_SLOTS (UINT32_C(1) << MCPZ_SHARED_BITS)
#define MCPZ_SHARED_SLICE 512 /* partitions summed up in a step: a millisecond of 1,024 nodes */

/* A peer we are linked to. */
struct mcpz_shared_peer {
    struct mcpz_id id;
    struct mcpz_partition_root root; /* over the partitions below `summed`, and everybody's */
    uint32_t summed;
};

struct mcpz_shared {
    struct mcpz_scope scope;
    struct mcpz_partition_root *slots;     /* by partition; zeros where nothing ever was */
    struct mcpz_partition_root everywhere; /* of documents that everybody keeps */
    bool is_touched;                       /* some of that is not zero */
    struct mcpz_shared_peer peers[MCPZ_LINKS_MAX];
    size_t peer_count;
};

/** How much mcpz_shared_init() takes from its arena. */
size_t mcpz_shared_bytes(void);

/** Start with no documents and no peers. `arena` has room (asserted), and its memory is zeros. */
void mcpz_shared_init(struct mcpz_shared *shared, struct mcpz_arena *arena);

/** There are no documents: they are counted anew. */
void mcpz_shared_clear(struct mcpz_shared *shared);

/** Go by `scope` from now on. If its stamp is another, all roots of peers are to be summed up. */
void mcpz_shared_follow(struct mcpz_shared *shared, const struct mcpz_scope *scope);

/** `document` has this keyed digest now; or one that had it, and was added, has it no more. */
void mcpz_shared_add(struct mcpz_shared *shared, const struct mcpz_id *document,
                     const struct mcpz_id *digest);
void mcpz_shared_remove(struct mcpz_shared *shared, const struct mcpz_id *document,
                        const struct mcpz_id *digest);

/** Know the root of what we share with `peer`, of MCPZ_LINKS_MAX at most; or no more. */
void mcpz_shared_link(struct mcpz_shared *shared, const struct mcpz_id *peer);
void mcpz_shared_unlink(struct mcpz_shared *shared, const struct mcpz_id *peer);

/** Is there anything to sum up? */
bool mcpz_shared_is_behind(const struct mcpz_shared *shared);

/** Sum up MCPZ_SHARED_SLICE partitions more. */
void mcpz_shared_run(struct mcpz_shared *shared);

/** The root of what we share with `peer`; NULL: it is not known, or not yet. */
const struct mcpz_partition_root *mcpz_shared_root(const struct mcpz_shared *shared,
                                                   const struct mcpz_id *peer);

#endif
