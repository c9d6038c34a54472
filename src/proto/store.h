/*
 * The store as the core sees it: records in, records out, inside the turn.
 *
 * The core states what is to be kept; whether and when that is on disk is told to whoever waits
 * for it (see `durable` in core/outbox.h). Reads see the writes of the same turn. Implemented by
 * engine/persist.c over a byte store (proto/kv.h); a unit test brings a table of its own.
 */

#ifndef PROTO_STORE_H
#define PROTO_STORE_H

#include <stdbool.h>

#include <mcpz/error.h>

#include "proto/record.h"

/* How much of a record's key a scan holds fixed. */
enum mcpz_scan {
    MCPZ_SCAN_KIND = 1, /* all records of the kind */
    MCPZ_SCAN_DOCUMENT, /* ENTRY, DELTA, FORK, BASE: of one document */
    MCPZ_SCAN_PATH,     /* ENTRY: of one document and path */
    MCPZ_SCAN_ACTOR,    /* DELTA: of one document and actor */
    MCPZ_SCAN_SEQ,      /* DELTA: of one document, actor and seq */
    MCPZ_SCAN_LIST,     /* TASK_LISTED: of one list */
    MCPZ_SCAN_GROUP,    /* TASK_LISTED: of one list and group */
};

struct mcpz_store {
    void *context; /* handed to each */

    /*
     * Fill in the value of the record whose kind and key fields are set.
     *
     * Errors: MCPZ_ENOTFOUND  there is none (value fields are untouched)
     *         MCPZ_ECORRUPT   what is there cannot be read
     *         MCPZ_EIO        the store failed
     */
    mcpz_error (*get)(void *context, struct mcpz_record *record);

    /* Write, replacing what has the same key. Slices are copied. */
    void (*put)(void *context, const struct mcpz_record *record);

    /* Remove the record with this key, if there is one. */
    void (*remove)(void *context, const struct mcpz_record *record);

    /*
     * Read the record with the smallest key greater than that of `*record` (or equal to it, with
     * `inclusive`) that still shares with it what `scan` says, and leave it in `*record`. Walk by
     * calling again. Writing between the calls is allowed.
     *
     * Errors: MCPZ_ENOTFOUND  there is none; MCPZ_ECORRUPT, MCPZ_EIO as above
     */
    mcpz_error (*next)(void *context, enum mcpz_scan scan, bool inclusive,
                       struct mcpz_record *record);

    /*
     * Write the id of a delta that is within its bounds: a hash over its canonical encoding, so
     * that two deltas that differ in anything have two ids. What its author's next delta names as
     * `prev`, contexts name as heads, and authors sign.
     */
    void (*delta_id)(void *context, const struct mcpz_delta *delta, struct mcpz_id *id);
};

#endif
