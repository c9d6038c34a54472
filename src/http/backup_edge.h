/*
 * Copies and checks of the data, for the API: pins what is in use, runs the thread
 * (backup/backup_job.h), and tells in the loop how far it is.
 *
 *   begin -> pin the store -> have the index of blobs pinned by its thread -> start -> changed ...
 */

#ifndef HTTP_BACKUP_EDGE_H
#define HTTP_BACKUP_EDGE_H

#include <mcpz/error.h>

#include "base/attr.h"
#include "blob/blob_job.h"
#include "host/loop.h"
#include "http/backup_port.h"

struct mcpz_backup_edge;

/** `directory` is copied; `keyring` is borrowed; it and `blobs` may be NULL. Errors: MCPZ_ENOMEM
 */
MCPZ_MUST_USE mcpz_error mcpz_backup_edge_create(struct mcpz_loop *loop, const char *directory,
                                                 struct mcpz_keyring *keyring,
                                                 const struct mcpz_blob_port *blobs,
                                                 struct mcpz_backup_edge **edge);

/** Before the blobs' edge and the store. NULL is fine. */
void mcpz_backup_edge_destroy(struct mcpz_backup_edge *edge);

const struct mcpz_backup_port *mcpz_backup_edge_port(const struct mcpz_backup_edge *edge);

#endif
