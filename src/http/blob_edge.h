/* The thread of blobs (blob/blob_thread.h) on the loop. */

#ifndef HTTP_BLOB_EDGE_H
#define HTTP_BLOB_EDGE_H

#include <mcpz/error.h>

#include "base/attr.h"
#include "blob/blob_job.h"
#include "blob/blob_worker.h"

struct ev_loop;
struct mcpz_blob_edge;

/** Nothing runs before the first job. Errors: MCPZ_ENOMEM */
MCPZ_MUST_USE mcpz_error mcpz_blob_edge_create(struct ev_loop *loop,
                                               const struct mcpz_blob_worker_config *config,
                                               struct mcpz_blob_edge **edge);

/** Jobs under way end first. NULL is fine. */
void mcpz_blob_edge_destroy(struct mcpz_blob_edge *edge);

/** Where jobs go, as long as the edge is there. NULL gives NULL. */
const struct mcpz_blob_port *mcpz_blob_edge_port(const struct mcpz_blob_edge *edge);

#endif
