/*
 * Three nodes of one mesh, each a process of its own, for a benchmark: made in a temporary
 * directory on loopback, gone when it is over.
 */

#ifndef CLI_BENCH_MESH_H
#define CLI_BENCH_MESH_H

#include <sys/types.h>

#include <mcpz/error.h>

#include "base/attr.h"
#include "embed/trouble.h"

#define MCPZ_BENCH_NODES 3
#define MCPZ_BENCH_PATH_BYTES 256

struct mcpz_bench_node {
    pid_t pid; /* 0: none */
    char data[MCPZ_BENCH_PATH_BYTES];
};

struct mcpz_bench_mesh {
    char directory[MCPZ_BENCH_PATH_BYTES]; /* "": none */
    struct mcpz_bench_node nodes[MCPZ_BENCH_NODES];
    double cpu_s; /* of all nodes, once it is over */
    long rss_kib_max;
};

/**
 * Start them, each when the one before is ready. Release with mcpz_bench_mesh_stop(), also on
 * error.
 *
 * Errors: MCPZ_EIO  a process or directory could not be made, or a node did not start
 */
MCPZ_MUST_USE mcpz_error mcpz_bench_mesh_start(struct mcpz_bench_mesh *mesh,
                                               struct mcpz_trouble *trouble);

/** Stop them, note what they used, remove what they wrote. */
void mcpz_bench_mesh_stop(struct mcpz_bench_mesh *mesh);

#endif
