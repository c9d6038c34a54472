/*
 * Plumtree held against its paper: table A4.
 *
 * The core's machine, one a node, on a random graph in which every node has five neighbours (the
 * paper's HyParView views of that size; here the graph is drawn, so that broadcast is measured
 * apart from the overlay). Every message takes one hop of virtual time. As in the paper, the
 * views are still filling while the first broadcasts run: mean degree 4.03 in cycle 0, 4.90 in
 * cycle 1, 5 from cycle 50 on. One broadcast a cycle, from one sender (s-s) or from a random one
 * each time (m-s); Opt swaps links at a lead of 3 (s-s) or 7 (m-s).
 *
 *   RMR = payload messages / (n - 1) - 1: what is received in vain, relative to what is needed
 *   LDH = the most links that one broadcast crossed
 *
 * Source: Leitao, Pereira, Rodrigues, SRDS 2007, section 4.
 */

#ifndef SIM_ANCHORS_PLUMTREE_H
#define SIM_ANCHORS_PLUMTREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One line of the table: what the paper has, where ours must lie, and ours. */
struct mcpz_plumtree_anchor {
    const char *table; /* "A4" */
    char metric[64];
    double paper;
    double low; /* ours must lie from here */
    double high;
    double ours;
    bool ok;
};

#define MCPZ_ANCHORS_PLUMTREE_ROWS 45

struct mcpz_anchors_plumtree_config {
    size_t node_count; /* even, from 8; the paper's: 10,000 */
    size_t cycles;     /* from 101; the paper's: 250 */
    uint64_t seed;
};

/**
 * Run all five experiments and fill in `rows`. Identities are checked for `node_count`, the
 * paper's numbers are for 10,000. Returns the number of rows: MCPZ_ANCHORS_PLUMTREE_ROWS, which
 * `rows_max` must allow (asserted). Aborts when memory is out.
 */
size_t mcpz_anchors_plumtree(const struct mcpz_anchors_plumtree_config *config,
                             struct mcpz_plumtree_anchor *rows, size_t rows_max);

#endif
