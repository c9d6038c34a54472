/*
 * Whether a store is still the one it was: a line beside data.mdb that says where that file lay,
 * and how far it had come.
 *
 *   "1 MACHINE INODE COMMITS\n"
 *
 * A file put back from a backup, copied to another disk or another machine lies elsewhere; one put
 * back in place has come less far. Either way it may have lost writes that others have seen, and
 * what it writes from then on must not pass for those.
 *
 * The line is written after each commit, not synced: a power cut leaves one that is older, never
 * one that promises more than is on disk. It is left as it was until the first commit, so that
 * what has to be written because of it is on disk before it is forgotten. Not seen: a file and
 * its stamp put back together, in place; a whole disk set back. Memory does (store/witness.h).
 *
 * Source: docs reference crdt 1.6; Riak issue riak_kv 679.
 */

#ifndef STORE_STAMP_H
#define STORE_STAMP_H

#include <stdbool.h>
#include <stdint.h>

#include <mcpz/error.h>

#include "base/attr.h"

#define MCPZ_STAMP_FILE "mcpz.stamp"
#define MCPZ_STAMP_MACHINE_CHARS 32 /* of /etc/machine-id */

struct mcpz_stamp {
    int file; /* -1: none is kept */
    uint64_t inode;
    char machine[MCPZ_STAMP_MACHINE_CHARS + 1];
};

/**
 * Hold the store in `directory`, whose file `data` is open and which has seen `commits`, against
 * its stamp. `*set_back`: it was put back, or is elsewhere. A store that is `fresh` is neither.
 *
 * Errors: MCPZ_EIO  the stamp can be neither read nor made; `stamp->file` is then -1
 */
MCPZ_MUST_USE mcpz_error mcpz_stamp_open(struct mcpz_stamp *stamp, const char *directory, int data,
                                         uint64_t commits, bool fresh, bool *set_back);

/** The store has seen `commits`, all of them on disk. What cannot be written is not. */
void mcpz_stamp_note(const struct mcpz_stamp *stamp, uint64_t commits);

void mcpz_stamp_close(struct mcpz_stamp *stamp);

#endif
