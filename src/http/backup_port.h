/* How the API has the data copied or checked: in another thread, one order at a time. */

#ifndef HTTP_BACKUP_PORT_H
#define HTTP_BACKUP_PORT_H

#include <stdint.h>

#include <mcpz/error.h>

#include "backup/backup_job.h"

/* An order, in its owner's memory. */
struct mcpz_backup_ticket {
    enum mcpz_backup_kind kind;
    int file;         /* TO_PIPE: taken, also when it cannot begin */
    const char *path; /* TO_FILE */
    uint32_t keep;
    uint64_t rate;
    bool with_node_key;

    /* In the loop: bytes were written, or it has ended: look at the state. */
    void (*changed)(struct mcpz_backup_ticket *ticket, const struct mcpz_backup_state *state);
    void *owner;
};

struct mcpz_backup_port {
    void *context;

    /* Errors: MCPZ_ECONFLICT  another order is under way; MCPZ_EFULL, MCPZ_EIO, MCPZ_ENOMEM */
    mcpz_error (*begin)(void *context, struct mcpz_backup_ticket *ticket);

    /* End it, done or not; `changed` is not called any more. */
    void (*end)(void *context, struct mcpz_backup_ticket *ticket);
};

#endif
