/*
 * A data directory made of a backup.
 *
 *   read into DIR/.restore -> every digest right? -> every page and record well? -> moved into DIR
 *
 * A ring in DIR/keys is used instead of the backup's, so what was shredded since stays shredded.
 * The node key is the one given, or in DIR/keys, or in the backup; without one that fits nothing
 * is restored, as the node could not start.
 *
 * Until the last step DIR is as it was. No stamp is restored (store/stamp.h): so the node knows
 * that it was set back, and writes as a new writer.
 */

#ifndef BACKUP_BACKUP_RESTORE_H
#define BACKUP_BACKUP_RESTORE_H

#include <stdbool.h>

#include <mcpz/error.h>

#include "backup/backup_file.h"
#include "backup/data_check.h"
#include "base/attr.h"

struct mcpz_restore {
    int file;                          /* the backup, from its beginning; may be a pipe */
    const char *directory;             /* of the node; is made if it is not there */
    bool force;                        /* put away what is in it */
    const struct mcpz_key_source *key; /* where the node key is; NULL: only in files */
    /* How far it is; NULL. */
    void (*progress)(void *context, uint64_t done, uint64_t all);
    void *context;

    struct mcpz_backup_head head; /* out, and so is what follows */
    struct mcpz_data_report report;
    char kept[64];     /* "": nothing was put away; else the name of where it is now, in DIR */
    char trouble[512]; /* why it failed */
};

/**
 * Restore. On error the directory is as it was, unless the trouble says otherwise.
 *
 * Errors: MCPZ_ECONFLICT  the directory is not empty, or a node runs on it
 *         MCPZ_ENOTFOUND  the node key is missing; MCPZ_EAUTH  it is another
 *         MCPZ_EPROTO, MCPZ_EVERSION, MCPZ_ESHORT, MCPZ_ECORRUPT  the backup is no good
 *         MCPZ_ENOSPACE, MCPZ_EIO, MCPZ_ENOMEM
 */
MCPZ_MUST_USE mcpz_error mcpz_restore_run(struct mcpz_restore *restore);

#endif
