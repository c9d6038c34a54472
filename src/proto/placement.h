/*
 * Who keeps what: a layout names the nodes that store, and every partition's owners follow from
 * it. Nobody ships the table.
 *
 *   document id --top bits--> partition --layout--> up to `copies` owners, best first
 *
 * A layout is made by an operator, has a version, and names the one it was made from. Layouts have
 * a total order, also where two were made of one version: by version, then by what they say. So
 * such two are simply one after the other, for everybody in the same order.
 *
 * core/placement/ has what follows from a layout, wire/placement_codec.h its bytes.
 *
 * Source: reference/crdt.md, section 4.2.
 */

#ifndef PROTO_PLACEMENT_H
#define PROTO_PLACEMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/bytes.h"
#include "proto/id.h"
#include "proto/limits.h"

#define MCPZ_PARTITION_BITS_MIN 8
#define MCPZ_PARTITION_BITS 16     /* to some 3,000 nodes; beyond, they are unevenly loaded */
#define MCPZ_PARTITION_BITS_MAX 18 /* 79 partitions a node where there are 10,000 */

#define MCPZ_COPIES 3
#define MCPZ_COPIES_MAX 7
#define MCPZ_PLACEMENT_WEIGHT_MAX 64
#define MCPZ_PLACEMENT_NODES_MAX 32768
#define MCPZ_PLACEMENT_ZONES_MAX 1024

#define MCPZ_LAYOUTS_MADE_MAX 4 /* live: no other is made until the oldest is let go */
#define MCPZ_LAYOUTS_LIVE_MAX 8 /* taken from others: some were made twice, by who forgot */

/** Owners of one document in all live layouts, each once. */
#define MCPZ_OWNERS_MAX (MCPZ_LAYOUTS_LIVE_MAX * MCPZ_COPIES_MAX)

enum mcpz_storage_state {
    MCPZ_STORAGE_ACTIVE = 1, /* owns partitions */
    MCPZ_STORAGE_LEAVING,    /* owns none: known, and hands over what it had */
};

struct mcpz_storage_node {
    struct mcpz_id id;
    uint32_t zone;   /* index into the layout's zones */
    uint32_t weight; /* 1 to MCPZ_PLACEMENT_WEIGHT_MAX: its share beside others' */
    uint32_t state;  /* enum mcpz_storage_state */
};

/* Its slices and lists belong to whoever made it. */
struct mcpz_placement {
    uint64_t version; /* from 1 */
    uint32_t partition_bits;
    uint32_t copies;          /* of each document, where there are as many nodes */
    uint32_t zones_apart;     /* so many of the copies are in zones of their own, if possible */
    struct mcpz_id previous;  /* digest of the layout this one was made from; zero: the first */
    struct mcpz_bytes *zones; /* names, ascending */
    size_t zone_count;
    struct mcpz_storage_node *nodes; /* by id, ascending */
    size_t node_count;
};

/* A layout as it is handed on: its bytes, and the signature of who may make one. */
struct mcpz_signed_placement {
    struct mcpz_bytes body;
    struct mcpz_bytes signature;
};

/* A layout's place in their order. Zero: none. */
struct mcpz_layout_stamp {
    uint64_t version;
    uint64_t tag; /* the first bytes of its digest */
};

/* How far a node has come with layouts: core/placement/layout_history.h. */
struct mcpz_layout_tracker {
    struct mcpz_id node;
    struct mcpz_layout_stamp acked;
    struct mcpz_layout_stamp synced;
    struct mcpz_layout_stamp sync_acked;
};

/** Less than, equal to or greater than zero, as `a` is before, at or after `b`. */
static inline int mcpz_layout_stamp_compare(struct mcpz_layout_stamp a, struct mcpz_layout_stamp b)
{
    if (a.version != b.version) {
        return a.version < b.version ? -1 : 1;
    }
    return (a.tag > b.tag) - (a.tag < b.tag);
}

/** The later of two. */
static inline struct mcpz_layout_stamp mcpz_layout_stamp_max(struct mcpz_layout_stamp a,
                                                             struct mcpz_layout_stamp b)
{
    return mcpz_layout_stamp_compare(a, b) < 0 ? b : a;
}

/**
 * Does every member keep this document, whatever the layouts say? So it is with what holds for
 * the whole mesh (http/system_document.h): its ids begin with zeros, as no digest does.
 */
static inline bool mcpz_document_is_everywhere(const struct mcpz_id *document)
{
    uint8_t any = 0;

    for (size_t i = 0; i < 8; i++) {
        any |= document->bytes[i];
    }
    return any == 0;
}

/** The stamp of the layout of that `version` and digest. */
struct mcpz_layout_stamp mcpz_layout_stamp_of(uint64_t version, const struct mcpz_id *digest);

/**
 * Does it hold together: zones and nodes in order and each once, every zone somebody's, every
 * number within its bound, somebody active? What this refuses has no meaning, so nobody writes it
 * and nobody reads it.
 */
bool mcpz_placement_is_valid(const struct mcpz_placement *placement);

#endif
