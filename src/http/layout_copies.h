/*
 * Of how many partitions there are how many copies: nodes that can be reached, are to keep the
 * partition by a live layout, and have come so far as to have it. Counted a part at a time.
 *
 * What is counted is what nodes say of themselves. An owner that has just missed a write counts:
 * that is a matter of seconds, and of hints.
 */

#ifndef HTTP_LAYOUT_COPIES_H
#define HTTP_LAYOUT_COPIES_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "http/exchange.h"
#include "proto/placement.h"

#define MCPZ_LAYOUT_COPIES_SLICE 4096 /* nodes looked at in one turn: 2 ms; or one partition */

/* Zeros: nothing is counted yet. */
struct mcpz_layout_copies {
    struct mcpz_layout_stamp stamp; /* of the newest layout: of another it is begun anew */
    uint32_t next;                  /* partition */
    uint32_t
        counts[MCPZ_COPIES_MAX + 1]; /* partitions, by copies; more than wanted count as that */
};

/** Go on for a slice. Is it done? It is at once where there is no layout in force. */
bool mcpz_layout_copies_work(struct mcpz_exchange *exchange, struct mcpz_layout_copies *copies);

/**
 * Member "replication": what was counted, and for whom it waits; null where no layout is in force,
 * as every node keeps everything.
 */
void mcpz_layout_show_copies(struct mcpz_exchange *exchange,
                             const struct mcpz_layout_copies *copies, json_t *json);

#endif
