/*
 * Something to be done with blobs or keys, as it goes to their thread and comes back. Or with
 * neither, where it has to wait for the disk.
 *
 * Who makes one owns it before and after; in between it is the thread's. `bytes`, `rows` and
 * `names` are freed with it: mcpz_blob_job_finish().
 */

#ifndef BLOB_BLOB_JOB_H
#define BLOB_BLOB_JOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mcpz/error.h>

#include "blob/blobs.h"
#include "blob/key_home.h"
#include "proto/limits.h"
#include "store/pin.h"

#define MCPZ_BLOB_PART_BYTES_MAX 1048576 /* of one upload's part, or of what is read at once */
#define MCPZ_BLOB_LIST_MAX 100           /* blobs in one answer */
#define MCPZ_BLOB_TAKE_MAX 32            /* blobs that are taken in, or looked at, together */
#define MCPZ_BLOB_JOB_TEXT_BYTES 512
/* Hold what was put here, for good or for what is to name it in a moment, until it is written down
 * who needs it. */
#define MCPZ_BLOB_HOLDER "local"
#define MCPZ_BLOB_BRIEF_HOLDER "brief"
/* Holds what this node is one of those to keep, or others are to have that do not yet. */
#define MCPZ_BLOB_COPY_HOLDER "copies"

enum mcpz_blob_ask {
    MCPZ_BLOB_BEGIN = 1,  /* tenant -> upload */
    MCPZ_BLOB_ADD,        /* upload, offset, bytes -> offset */
    MCPZ_BLOB_FINISH,     /* upload, holder -> id, row */
    MCPZ_BLOB_ABORT,      /* upload */
    MCPZ_BLOB_STAT,       /* id -> row */
    MCPZ_BLOB_READ,       /* id, offset, length -> bytes, length; or lack: to be lent first */
    MCPZ_BLOB_LIST,       /* id: after which -> rows, row_count */
    MCPZ_BLOB_RELEASE,    /* id, holder */
    MCPZ_BLOB_KEYS,       /* -> names, name_count; node_key_id, node_key_at */
    MCPZ_BLOB_ROTATE,     /* -> node_key_id */
    MCPZ_BLOB_SHRED,      /* tenant, at_ms (0: now, all of it) -> at_ms */
    MCPZ_BLOB_SHOW_KEYS,  /* -> bytes, length: plain */
    MCPZ_BLOB_ADOPT_KEYS, /* bytes, length */
    MCPZ_BLOB_PIN,        /* -> pin, of the index: whoever asked destroys it */
    MCPZ_BLOB_LOOK,       /* id -> row, state; or the ids of row_count rows -> those */
    MCPZ_BLOB_HOLD,       /* id, holder */
    MCPZ_BLOB_DROP,       /* id, holder: it does not hold it, if it did */
    MCPZ_BLOB_KEEP,       /* id, holder: what that holds is a copy from now on */
    MCPZ_BLOB_TAKE,       /* tenant, holder, takings, lack and bytes: what was asked for and has
                           * come -> takings, lack: of all of them, length: so many chunks of use */
    MCPZ_BLOB_LEND,       /* tenant, lack, bytes: as above -> length: so many chunks can be read */
    MCPZ_BLOB_SHOW,       /* lack -> bytes, length: those of them that are here */
    MCPZ_BLOB_ERRAND,     /* run: something else that waits for the disk */
};

/* What is here of a blob, and why. */
struct mcpz_blob_state {
    bool is_whole; /* here, and nothing is known to be lacking */
    bool is_put;   /* held by MCPZ_BLOB_HOLDER, */
    bool is_brief; /* by MCPZ_BLOB_BRIEF_HOLDER, */
    bool is_copy;  /* by MCPZ_BLOB_COPY_HOLDER */
};

/* Whoever holds it. */
static inline bool mcpz_blob_is_held(const struct mcpz_blob_state *state)
{
    return state->is_put || state->is_brief || state->is_copy;
}

struct mcpz_blob_listed {
    struct mcpz_id id;
    struct mcpz_blob_row row;
    struct mcpz_blob_state state;
};

/* A blob that is taken in. */
struct mcpz_blob_taking {
    struct mcpz_id id;
    struct mcpz_blob_row row; /* but for the tenant, which is the job's */
    uint64_t offset;          /* what comes before it is here */
    bool is_whole;
    mcpz_error error; /* it cannot be: it is no use to go on with it */
};

struct mcpz_blob_job {
    struct mcpz_blob_job *next;
    enum mcpz_blob_ask ask;
    char tenant[MCPZ_TENANT_BYTES_MAX + 1]; /* whose it must be; LIST: "" for all */
    uint64_t now_ms;
    uint64_t upload;
    struct mcpz_id id;
    uint64_t offset;
    size_t length;
    uint64_t at_ms;
    uint8_t *bytes;
    const char *holder;               /* static; NULL: MCPZ_BLOB_HOLDER */
    struct mcpz_blob_lack lack;       /* chunks that are asked for */
    struct mcpz_blob_taking *takings; /* TAKE: at most MCPZ_BLOB_TAKE_MAX; stay whose they are */
    size_t taking_count;

    /* What came of it. */
    mcpz_error error;
    char text[MCPZ_BLOB_JOB_TEXT_BYTES]; /* why, where the error alone does not say; else "" */
    struct mcpz_blob_row row;
    struct mcpz_blob_state state;
    struct mcpz_blob_listed *rows;
    size_t row_count;
    char *names; /* name_count of MCPZ_TENANT_BYTES_MAX + 1 each */
    size_t name_count;
    uint8_t node_key_id[MCPZ_NODE_KEY_ID_BYTES];
    struct mcpz_key_whereabouts node_key_at;
    struct mcpz_pin *pin;

    void (*run)(struct mcpz_blob_job *job); /* ERRAND: called in the thread */

    /* Called where mcpz_blob_thread_progress() is, once it is done. */
    void (*done)(struct mcpz_blob_job *job);
    void *owner;
};

/** Free what belongs to it. */
void mcpz_blob_job_finish(struct mcpz_blob_job *job);

/* Where jobs go. */
struct mcpz_blob_port {
    void *context;
    /* False: too many wait; the job is still the caller's. */
    bool (*submit)(void *context, struct mcpz_blob_job *job);

    /* How many blobs there are, as of the last job. */
    struct mcpz_blob_totals (*totals)(void *context);
};

#endif
