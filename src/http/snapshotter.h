/*
 * Backups that the node makes by itself, in DATA/snapshots: one when there is none, then one every
 * so often; older ones than the last few are removed. Names begin with their time, so the newest
 * says when the next is due, also after a restart.
 */

#ifndef HTTP_SNAPSHOTTER_H
#define HTTP_SNAPSHOTTER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "http/backup_port.h"

#define MCPZ_SNAPSHOT_RETRY_MS 60000 /* after one that failed, at the latest */
#define MCPZ_SNAPSHOT_RATE 67108864  /* bytes a second: nobody waits for it */

struct mcpz_snapshotter {
    const struct mcpz_backup_port *port; /* NULL: it makes none */
    const char *directory;               /* the data */
    uint64_t every_ms;
    uint32_t keep;
    uint64_t due_ms; /* wall clock; 0: it has not looked yet */
    struct mcpz_backup_ticket ticket;
    char path[MCPZ_BACKUP_PATH_BYTES];
    bool is_running;
    bool has_ended;
    mcpz_error error;
    char trouble[512]; /* of the last; "": it was made, or there was none yet */
    uint64_t made;
    uint64_t failed;
};

/** `port` and `directory` are borrowed; 0 seconds: it makes none. */
void mcpz_snapshotter_init(struct mcpz_snapshotter *snapshotter,
                           const struct mcpz_backup_port *port, const char *directory,
                           uint32_t every_seconds, uint32_t keep);
void mcpz_snapshotter_finish(struct mcpz_snapshotter *snapshotter);

/** A few times a second, in the loop. True: one has just failed. */
MCPZ_MUST_USE bool mcpz_snapshotter_tick(struct mcpz_snapshotter *snapshotter, uint64_t wall_ms);

/** Why the last one failed; NULL: it did not. */
const char *mcpz_snapshotter_trouble(const struct mcpz_snapshotter *snapshotter);

#endif
