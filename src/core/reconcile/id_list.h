/*
 * Where two sets have little in common, or a comparison by symbols (iblt.h) led nowhere: the peer
 * sends all its ids, ascending, in as many pieces as it takes, and we walk along with ours.
 */

#ifndef CORE_RECONCILE_ID_LIST_H
#define CORE_RECONCILE_ID_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

#define MCPZ_ID_LIST_ID_BYTES 8 /* big-endian */

/* Both lists so far. */
struct mcpz_id_list {
    const uint64_t *ours; /* ascending, each once; borrowed while we walk */
    size_t our_count;
    size_t at; /* in ours */
    bool began;
    uint64_t last; /* of theirs */
};

/* What is found of a piece: at most as many of theirs as it has, and any number of ours. */
struct mcpz_id_list_found {
    void *context;
    void (*note)(void *context, uint64_t id, bool is_theirs);
};

/** Start at the beginning of both. */
void mcpz_id_list_begin(struct mcpz_id_list *list, const uint64_t *ours, size_t our_count);

/**
 * Take in the next ids of the peer, and say which only one of us has. False, and the comparison is
 * over: they are not whole, or do not ascend.
 */
bool mcpz_id_list_take(struct mcpz_id_list *list, struct mcpz_bytes piece,
                       const struct mcpz_id_list_found *found);

/** The peer has no more: the rest of ours is ours alone. */
void mcpz_id_list_end(struct mcpz_id_list *list, const struct mcpz_id_list_found *found);

#endif
