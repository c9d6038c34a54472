/*
 * Agents that were forgotten by all others while we were away (core/crdt/recheck.h) are put into
 * files of DATA/set-aside before they go, which `mcpz snapshot import` reads.
 *
 *   wanted, some documents -> a file of them that has no name yet, some messages in a turn, ahead
 *     of each agent the blobs that it names (http/export_blobs.h)
 *     -> [thread of blobs: written, synced, renamed] -> they are removed
 *
 * A blob that can be had neither here nor elsewhere is lost, which the file says; those that are
 * here stay until then, though nobody else needs them. What there is no room for stays where it
 * is, and is tried again: nothing is dropped. A file that is too large by itself has room where
 * there is no other.
 */

#ifndef HTTP_SET_ASIDE_H
#define HTTP_SET_ASIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backup/backup_job.h"
#include "base/time.h"
#include "engine/aside.h"
#include "http/agent_export.h"
#include "http/body.h"
#include "http/export_blobs.h"
#include "http/snapshot.h"
#include "proto/limits.h"

#define MCPZ_SET_ASIDE_BYTES_MAX UINT64_C(1073741824) /* of all files there */
#define MCPZ_SET_ASIDE_FREE_BYTES UINT64_C(33554432)  /* of the disk, left for what is written */
#define MCPZ_SET_ASIDE_LOOK_US MCPZ_SECONDS(1)        /* between two looks */
#define MCPZ_SET_ASIDE_AGAIN_US                                                                   \
    MCPZ_SECONDS(60) /* more where blobs found no room, as they are read once more */

struct mcpz_api;
struct mcpz_aside_saving;

/* Zeros: nothing is under way. */
struct mcpz_set_aside {
    bool is_open;                     /* a file is being put together, */
    bool is_whole;                    /* and all is in it */
    struct mcpz_aside_saving *saving; /* it is in the thread, or back; NULL: neither */
    struct mcpz_id documents[MCPZ_CHECK_MAX];
    size_t count;
    size_t next; /* of them, the one that is under way */
    struct mcpz_aside_row rows[MCPZ_CHECK_MAX];
    size_t row_count;               /* of those that are in the file */
    struct mcpz_export_blobs blobs; /* of the document under way, and before it: */
    bool is_opening;
    bool is_waiting;  /* for a piece of one */
    const char *room; /* why there is none for one; NULL: there is */
    struct mcpz_agent_export agent;
    struct mcpz_snapshot_writer writer;
    struct mcpz_body body;
    mcpz_time look_us;
    uint64_t files;      /* made since we run */
    const char *trouble; /* why the last could not be made; NULL: it could */
};

/** Release what is under way. */
void mcpz_set_aside_finish(struct mcpz_set_aside *aside);

/** The same, and nothing is begun any more: the node ends. */
void mcpz_set_aside_end(struct mcpz_set_aside *aside);

/**
 * May agents have to be set aside that name blobs which nobody else needs? Until that is over none
 * of those that are here is let go of.
 */
bool mcpz_set_aside_may_name(struct mcpz_api *api);

/** Go on, if there is anything to do: in the loop, now and then, and again when it says so. */
void mcpz_set_aside_work(struct mcpz_set_aside *aside, struct mcpz_api *api);

#endif
