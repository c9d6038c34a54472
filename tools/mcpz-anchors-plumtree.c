/*
 * Print table A4: Plumtree's paper beside ours.
 *
 *   mcpz-anchors-plumtree [NODES [SEED]]       defaults: 10000 1
 *
 * Exit status 1 if a number is out of its bounds.
 */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "sim/anchors_plumtree.h"

int main(int argc, char **argv)
{
    struct mcpz_anchors_plumtree_config config = {
        .node_count = argc > 1 ? strtoul(argv[1], NULL, 10) : 10000,
        .cycles = 250,
        .seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 1,
    };
    struct mcpz_plumtree_anchor rows[MCPZ_ANCHORS_PLUMTREE_ROWS];
    int status = EXIT_SUCCESS;

    if (config.node_count < 8 || config.node_count > 1000000 || config.node_count % 2 != 0) {
        (void)fprintf(stderr, "NODES is an even number from 8 to 1000000\n");
        return 2;
    }
    size_t count = mcpz_anchors_plumtree(&config, rows, MCPZ_ANCHORS_PLUMTREE_ROWS);
    (void)printf("%zu nodes, seed %" PRIu64 "\n", config.node_count, config.seed);
    (void)printf("%-5s %-44s %10s %10s %10s %10s\n", "table", "metric", "paper", "low", "high",
                 "ours");
    for (size_t i = 0; i < count; i++) {
        const struct mcpz_plumtree_anchor *row = &rows[i];
        (void)printf("%-5s %-44s %10.2f %10.2f %10.2f %10.2f %s\n", row->table, row->metric,
                     row->paper, row->low, row->high, row->ours, row->ok ? "ok" : "MISSED");
        if (!row->ok) {
            status = EXIT_FAILURE;
        }
    }
    return status;
}
