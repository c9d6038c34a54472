/*
 * A backup or a check of a store that is in use, in a thread of its own.
 *
 *   pins -> [thread: read at the rate that was asked for -> a pipe, or a file] -> notify
 *
 * To a file: written under another name, synced, given its name; then older ones of the same
 * directory are removed but for the last `keep`.
 */

#ifndef BACKUP_BACKUP_JOB_H
#define BACKUP_BACKUP_JOB_H

#include <stdbool.h>
#include <stdint.h>

#include <mcpz/error.h>

#include "backup/backup_file.h"
#include "backup/data_check.h"
#include "base/attr.h"
#include "store/pin.h"

#define MCPZ_SNAPSHOTS_DIRECTORY "snapshots" /* in the data directory: automatic ones */
#define MCPZ_SET_ASIDE_DIRECTORY "set-aside" /* in it, too: agents that others had forgotten */
#define MCPZ_SNAPSHOT_PREFIX "snapshot-"
#define MCPZ_SNAPSHOT_SUFFIX ".mcpzbackup"
#define MCPZ_BACKUP_PATH_BYTES 4096

enum mcpz_backup_kind { MCPZ_BACKUP_TO_PIPE = 1, MCPZ_BACKUP_TO_FILE, MCPZ_BACKUP_CHECK };

struct mcpz_backup_order {
    enum mcpz_backup_kind kind;
    const char *directory;  /* the data; copied */
    struct mcpz_pin *store; /* taken */
    struct mcpz_pin *blobs; /* taken; NULL: there are none */
    int file;               /* TO_PIPE: what it is written to; taken */
    const char *path;       /* TO_FILE: its name in the end; copied */
    uint32_t keep;          /* TO_FILE: so many; 0: all */
    uint64_t rate;          /* bytes a second; 0: as fast as it goes */
    bool with_node_key;     /* else what tenants' keys are wrapped with is left out */
    struct mcpz_keyring
        *keyring; /* CHECK: to open records with; borrowed; NULL: what lies there */
    struct mcpz_backup_head head;

    /* Called in the thread; must only wake the loop. Bytes were written, or it has ended. */
    void (*notify)(void *context);
    void *context;
};

struct mcpz_backup_job;

/** Start. What it takes is taken on error, too. Errors: MCPZ_ENOMEM */
MCPZ_MUST_USE mcpz_error mcpz_backup_start(const struct mcpz_backup_order *order,
                                           struct mcpz_backup_job **job);

/** Make it end soon, wait for that, and free it. NULL is fine. */
void mcpz_backup_finish(struct mcpz_backup_job *job);

/* How far it is. */
struct mcpz_backup_state {
    uint64_t done; /* bytes */
    uint64_t all;  /* 0: not known yet */
    bool ended;
    mcpz_error error; /* once it has ended, and so is what follows */
    char trouble[512];
    struct mcpz_data_report report; /* of a check */
};

void mcpz_backup_state(struct mcpz_backup_job *job, struct mcpz_backup_state *state);

/**
 * Write what is in `directory` to `sink`, in this thread: what a job does, and what is done where
 * no node runs. The node key, without which nothing in it can be read, goes along only if that is
 * asked for. `trouble` has 512 bytes.
 */
MCPZ_MUST_USE mcpz_error mcpz_backup_directory(const char *directory,
                                               const struct mcpz_data_pins *pins,
                                               bool with_node_key, struct mcpz_backup_head *head,
                                               const struct mcpz_backup_sink *sink, char *trouble);

#endif
