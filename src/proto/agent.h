/*
 * Agents as data: dots, entries, deltas.
 *
 * An agent's snapshot is a document: a flat store of dotted entries and a version vector. A
 * delta is what one write adds and removes. State is what all deltas together leave behind, in
 * whatever order they come, as long as each follows its causal past.
 *
 * Source: Almeida, Shoker, Baquero, "Delta State Replicated Data Types" (JPDC 2018), section 7
 * (dot stores); Rinberg et al., "DSON" (PVLDB 2022), section 4.
 */

#ifndef PROTO_AGENT_H
#define PROTO_AGENT_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/bytes.h"
#include "proto/id.h"
#include "proto/limits.h"

/* Tenants that everybody knows. Others are as who asks is called (http/bearer.h). */
#define MCPZ_TENANT_BLOBS "mcpz.blobs"   /* documents of blobs: http/blob_book.h */
#define MCPZ_TENANT_SYSTEM "mcpz.system" /* what is the node's or the mesh's */
#define MCPZ_TENANT_DEFAULT "default"    /* of who names none; in documents "" stands for it */

/*
 * Who writes: a node, and which life of its memory. `generation` moves on when the node finds
 * that its store lost writes others have seen, so that no dot is ever given out twice.
 */
struct mcpz_actor {
    struct mcpz_id node;
    uint32_t generation;
};

/* The `index`-th add of an actor's `seq`-th delta to one document. `seq` counts from 1, no gaps.
 */
struct mcpz_dot {
    struct mcpz_actor actor;
    uint64_t seq;
    uint32_t index; /* below MCPZ_DELTA_ADDS_MAX */
};

#define MCPZ_HEAD_BYTES 16

/* Which delta: the first bytes of its id (proto/store.h). Zeros: none. */
struct mcpz_head {
    uint8_t bytes[MCPZ_HEAD_BYTES];
};

/* One actor's place in a version vector: all its deltas up to `seq` are in, and `head` is the
 * last of them. */
struct mcpz_version {
    struct mcpz_actor actor;
    uint64_t seq;
    struct mcpz_head head;
};

/*
 * In the seq of a version: its actor and all earlier lives of that node are closed. Nothing of
 * them is ever to come; so one place in a vector stands for all of them (core/crdt/lives.h).
 */
#define MCPZ_SEQ_CLOSED (UINT64_C(1) << 63)

static inline bool mcpz_version_closes(const struct mcpz_version *version)
{
    return version->seq >= MCPZ_SEQ_CLOSED;
}

/* One delta of an actor that may have several of a seq. As a tip: the last one of a branch. */
struct mcpz_tip {
    uint64_t seq;
    struct mcpz_head head;
};

/*
 * An actor that has signed two different deltas of one place, or has followed another one than all
 * have signed. What it added from the first such place on does not count, in its version vector it
 * stands right before it, and the deltas from there on are kept as branches. Removes count, as
 * they would have if it had just deleted.
 *
 * Source: docs reference crdt 1.3; Almeida, Shapiro, "The Blocklace" (arXiv 2402.08068).
 */
struct mcpz_cut {
    struct mcpz_actor actor;
    uint64_t seq; /* the first place with two deltas */
    bool overrun; /* more branches than MCPZ_BRANCHES_MAX: none are told apart any more */
    /* By seq, head. If overrun one, that stands for all: how many deltas there are from the first
     * place on, and the sum of their heads, mod 2^128. */
    struct mcpz_tip tips[MCPZ_BRANCHES_MAX];
    size_t tip_count;
};

/* What an entry takes part in. Numbers are on disk and on the wire. */
enum mcpz_entry_type {
    MCPZ_ENTRY_REGISTER = 1, /* last writer wins among concurrent writes */
    MCPZ_ENTRY_SET = 2,      /* one element of an add-wins set */
    MCPZ_ENTRY_COUNTER = 3,  /* one actor's sum, a signed 64-bit integer */
    MCPZ_ENTRY_MULTI = 4,    /* a register that keeps all concurrent writes */
    MCPZ_ENTRY_FENCED = 5,   /* a register of epochs: core/crdt/shown.h */
    MCPZ_ENTRY_FLAG = 6,     /* true, as long as there is one: enabling wins */
    MCPZ_ENTRY_BOUNDED = 7,  /* one actor's row of an escrow: core/crdt/escrow.h */
    MCPZ_ENTRY_LIST = 8,     /* an element of a list, and where it stands: core/crdt/list.h */
    MCPZ_ENTRY_MAP = 9,      /* nil: there is a map here, also if nothing is in it */
    MCPZ_ENTRY_END,
};

/* What a delta puts in. Its dot is (actor, seq, position in the list). */
struct mcpz_add {
    uint32_t type;           /* enum mcpz_entry_type */
    struct mcpz_bytes path;  /* canonical MessagePack array of strings and numbers */
    struct mcpz_bytes value; /* canonical MessagePack */
};

/* What a delta takes out: a dot its author had seen, and where that entry lies. */
struct mcpz_remove {
    uint32_t type;
    struct mcpz_bytes path;
    struct mcpz_dot dot;
};

#define MCPZ_BATCH_NAME_BYTES 16

/* Which signed batch: a digest of what its author signed. */
struct mcpz_batch_name {
    uint8_t bytes[MCPZ_BATCH_NAME_BYTES];
};

static inline bool mcpz_batch_name_equal(const struct mcpz_batch_name *a,
                                         const struct mcpz_batch_name *b)
{
    return memcmp(a->bytes, b->bytes, MCPZ_BATCH_NAME_BYTES) == 0;
}

/*
 * Where a delta's signature lies: the record of a part of a batch, and which delta of the batch it
 * is. The engine's own: whoever copies a delta takes it along, and looks no further. Zeros: it was
 * written here in this turn, and is not signed yet.
 */
struct mcpz_delta_proof {
    struct mcpz_batch_name batch;
    uint32_t first; /* of the part */
    uint32_t index; /* of the delta */
};

struct mcpz_delta {
    struct mcpz_id document;
    struct mcpz_actor actor;
    uint64_t seq;
    struct mcpz_head prev; /* the author's own delta before it; zeros for the first */
    uint64_t hlc;          /* 48 bits of milliseconds, 16 of count */
    const struct mcpz_version *versions; /* what it has seen of others, sorted by actor */
    size_t version_count;
    const struct mcpz_add *adds;
    size_t add_count;
    const struct mcpz_remove *removes;
    size_t remove_count;
    struct mcpz_delta_proof proof; /* no part of what its id is a hash of */
};

static inline int mcpz_actor_compare(const struct mcpz_actor *a, const struct mcpz_actor *b)
{
    int order = mcpz_id_compare(&a->node, &b->node);
    if (order != 0 || a->generation == b->generation) {
        return order;
    }
    return a->generation < b->generation ? -1 : 1;
}

static inline bool mcpz_head_equal(const struct mcpz_head *a, const struct mcpz_head *b)
{
    return memcmp(a->bytes, b->bytes, MCPZ_HEAD_BYTES) == 0;
}

static inline bool mcpz_head_is_zero(const struct mcpz_head *head)
{
    static const struct mcpz_head zero;
    return mcpz_head_equal(head, &zero);
}

/* By seq, then head. */
static inline int mcpz_tip_compare(const struct mcpz_tip *a, const struct mcpz_tip *b)
{
    if (a->seq != b->seq) {
        return a->seq < b->seq ? -1 : 1;
    }
    return memcmp(a->head.bytes, b->head.bytes, MCPZ_HEAD_BYTES);
}

/* The head that names the delta with this id. */
static inline struct mcpz_head mcpz_head_of(const struct mcpz_id *id)
{
    struct mcpz_head head;
    static_assert(MCPZ_HEAD_BYTES <= MCPZ_ID_BYTES, "a head is the front of an id");
    memcpy(head.bytes, id->bytes, MCPZ_HEAD_BYTES);
    return head;
}

/* ---- Hybrid logical clock ----------------------------------------------------------------------
 * Source: Kulkarni et al., "Logical Physical Clocks" (OPODIS 2014), section 3. */

#define MCPZ_HLC_COUNT_BITS 16

static inline uint64_t mcpz_hlc_of_ms(uint64_t wall_ms)
{
    return wall_ms << MCPZ_HLC_COUNT_BITS;
}

static inline uint64_t mcpz_hlc_to_ms(uint64_t hlc)
{
    return hlc >> MCPZ_HLC_COUNT_BITS;
}

#endif
