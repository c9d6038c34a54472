/*
 * What this node does of itself so that each blob is where it is to be (blob_targets.h).
 *
 *   a blob's document says that it is needed, and it is to be here   ->  want: fetch it
 *   ... that nobody needs it                                         ->  let go of it
 *   a blob was put here, or is here and is to be elsewhere           ->  place: have those keep it
 *                                                       all have it  ->  let go of it
 *   nothing says that it is needed, nor that it is not   ->  the others are asked (blob_stray.h)
 *
 * What was put is held for whoever put it until it is on a disk who that is, and as a copy from
 * then on: so what is removed while a node is away is not put anew when that comes back.
 *
 * Documents and blobs are gone through when members or layouts change, and every ten minutes; a
 * document that changes is looked at soon. What is let go of is cleared away ten minutes later
 * (blob/blobs.h). `blobs.clear_after` says another time than ten minutes for both. A chunk that
 * turns out to be damaged makes its blob one that is not whole here, so it is fetched like one
 * that never was.
 *
 * Two blobs are fetched at a time, or two times up to 24 small ones, and 64 MiB a second. As many
 * are remembered as there is room for: going through them waits until there is more.
 */

#ifndef HTTP_BLOB_KEEPER_H
#define HTTP_BLOB_KEEPER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/time.h"
#include "blob/blob_job.h"
#include "core/fact.h"
#include "core/keeping/acks.h"
#include "http/blob_book.h"
#include "http/blob_doubts.h"
#include "http/survey.h"

#define MCPZ_BLOB_WANTS_MAX 64
#define MCPZ_BLOB_PLACES_MAX 48
#define MCPZ_BLOB_WAITERS_MAX 8 /* of one blob */
#define MCPZ_BLOB_NEWS_MAX 32
#define MCPZ_BLOB_FETCHES_MAX 2      /* at a time; */
#define MCPZ_BLOB_SMALL_BYTES 262144 /* blobs up to this are fetched together, */
#define MCPZ_BLOB_TOGETHER_MAX 24    /* so many at a time, where it went well so far */
#define MCPZ_BLOB_PUSHES_MAX 8       /* half of what a node answers at a time (fellows.h) */
#define MCPZ_BLOB_COPY_BYTES_PER_SECOND 67108864
#define MCPZ_BLOB_SCAN_US MCPZ_SECONDS(600)
#define MCPZ_BLOB_SCAN_SOON_US MCPZ_SECONDS(1)
#define MCPZ_BLOB_RETRY_US MCPZ_SECONDS(2)       /* after a failure; doubles, */
#define MCPZ_BLOB_RETRY_US_MAX MCPZ_SECONDS(120) /* up to this */
#define MCPZ_BLOB_POLL_US MCPZ_MS(50)            /* is it there? Less often each time, */
#define MCPZ_BLOB_POLL_US_MAX MCPZ_SECONDS(1)    /* down to this; */
/* so long after it came on last: then down to every MCPZ_BLOB_RETRY_US_MAX, and it gives way to
 * others. */
#define MCPZ_BLOB_EAGER_US MCPZ_SECONDS(60)
#define MCPZ_BLOB_WANT_PATIENCE 3 /* failures; then it gives way to others */
#define MCPZ_BLOB_WANT_TRIES 8    /* for one of which nothing says here that it is needed */

struct mcpz_api;
struct mcpz_exchange;

/* A blob that is to be here. */
struct mcpz_blob_want {
    bool used;
    struct mcpz_blob_about about;
    bool has_from;
    struct mcpz_id from; /* who said so, and has it */
    mcpz_time try_us;
    mcpz_time wait_us;              /* after the next failure */
    unsigned failed;                /* in a row */
    struct mcpz_exchange *exchange; /* fetches it, and others; NULL: not now */
    bool is_over;                   /* that has its answer */
};

/* A blob that others are to have, who are asked until all do. */
struct mcpz_blob_place {
    bool used;
    const char
        *ref; /* static: it was put here, and this is to be written down; NULL: it was not */
    uint64_t writing;  /* the request that writes it down; 0: none is under way */
    bool is_said;      /* that is on disk, or was seen: if it no longer is, it was taken back */
    bool is_kept;      /* so it is held as a copy, and not for `ref` any more; */
    bool is_keeping;   /* that is under way, */
    bool is_held_anew; /* for what was put before it was put anew */
    mcpz_time keep_us; /* when it is tried again */
    bool is_over;      /* all have it, or nobody needs it */
    bool is_to_drop;   /* so it need not be held here any more: the place stays until it is not, */
    bool is_dropping;  /* which is under way */
    struct mcpz_exchange *waiters[MCPZ_BLOB_WAITERS_MAX]; /* requests that look at this one */
    struct mcpz_blob_about about;
    struct mcpz_ack_wait wait; /* who is to have it, and who does */
    uint64_t progress;         /* bytes that have been fetched, of all */
    uint64_t farthest;         /* that it has been */
    mcpz_time came_us;         /* it came on last */
    mcpz_time ask_us;
    mcpz_time wait_us;         /* until they are asked again */
    struct mcpz_survey survey; /* of them */
    size_t denied;             /* by so many of them: nobody needs it, as far as they know */
    bool was_said;             /* when that was asked */
    bool is_void;              /* it was put anew since: answers to it say nothing */
};

struct mcpz_blob_check;  /* what is here of some blobs is being looked at */
struct mcpz_blob_review; /* who needs a blob is being asked: http/blob_review.h */
struct mcpz_blob_stray;  /* whether anybody does: http/blob_stray.h */

/* What was done since the start. */
#define MCPZ_BLOB_COUNTS(X)                                                                       \
    X(fetched, "blobs copied from other nodes")                                                   \
    X(fetches_failed, "tries to copy a blob that failed")                                         \
    X(chunks_served, "questions of other nodes for chunks that were answered")                    \
    X(bytes_served, "bytes of chunks sent to other nodes")                                        \
    X(read_through, "pieces of blobs read from other nodes")                                      \
    X(handed_over, "blobs let go of as all that are to have them do")                             \
    X(unneeded, "blobs let go of as nobody needs them")                                           \
    X(placings_put_off, "blobs whose other keepers were not asked on for now, as others waited")  \
    X(fetches_put_off,                                                                            \
      "blobs that were not asked for for now, as nobody has them and others wait")                \
    X(wants_given_up, "blobs that nobody has and nothing says are needed, not asked for on")      \
    X(strays_dropped,                                                                             \
      "blobs let go of as all that are to have them know of nobody who needs them")               \
    X(references_dropped, "references of agents that were none any more")

struct mcpz_blob_counts {
#define X(name, help) uint64_t name;
    MCPZ_BLOB_COUNTS(X)
#undef X
};

struct mcpz_blob_keeper {
    struct mcpz_blob_want wants[MCPZ_BLOB_WANTS_MAX];
    struct mcpz_blob_place places[MCPZ_BLOB_PLACES_MAX];
    struct mcpz_id news[MCPZ_BLOB_NEWS_MAX]; /* documents that have changed */
    size_t news_count;
    struct mcpz_blob_check *check;   /* NULL: none */
    struct mcpz_blob_review *review; /* NULL: none */
    struct mcpz_blob_stray *stray;   /* NULL: none */
    size_t reviewed;                 /* so many blobs' references were looked at */
    struct mcpz_id walked;           /* over documents of blobs */
    bool is_walking;
    struct mcpz_id listed; /* over blobs */
    bool is_listing;
    bool is_changed;  /* who is to have what, since they were gone through */
    bool is_covering; /* that is what they are being gone through for */
    struct mcpz_blob_doubts doubts;
    mcpz_time scan_us;
    mcpz_time mourn_us; /* somebody has died: scan again then */
    int64_t budget;     /* bytes that may be copied now */
    mcpz_time budget_us;
    struct mcpz_blob_counts counts;
};

void mcpz_blob_keeper_init(struct mcpz_blob_keeper *keeper);

/** Members, layouts and documents change. Within the engine's callbacks. */
bool mcpz_blob_keeper_hear(struct mcpz_blob_keeper *keeper, const struct mcpz_fact *fact,
                           mcpz_time now, mcpz_time mourned_us);

/** A blob's document has changed: look at it soon. */
void mcpz_blob_keeper_news(struct mcpz_blob_keeper *keeper, const struct mcpz_id *document);

/** Do what is due. Outside the engine's callbacks. */
void mcpz_blob_keeper_look(struct mcpz_blob_keeper *keeper, struct mcpz_api *api);

/** End what is under way. */
void mcpz_blob_keeper_finish(struct mcpz_api *api);

/** Who is to have the blob: mcpz_blob_targets(). */
void mcpz_blob_keeper_targets(struct mcpz_api *api, const struct mcpz_id *root,
                              struct mcpz_ack_wait *wait);

/** The blob is to be here, and `from` has it (NULL: somebody). `*offset` (NULL: not asked for) is
 * how far that has come. */
void mcpz_blob_keeper_want(struct mcpz_blob_keeper *keeper, const struct mcpz_blob_about *about,
                           const struct mcpz_id *from, uint64_t *offset);

/** It is not asked for any more, unless something says that it is needed. */
void mcpz_blob_keeper_unwant(struct mcpz_blob_keeper *keeper, const struct mcpz_id *root);

/** Have others keep a blob that was put here, for `ref` (static). NULL: too many are being placed;
 * it is placed later. */
struct mcpz_blob_place *
mcpz_blob_keeper_place(struct mcpz_api *api, const struct mcpz_blob_about *about, const char *ref);

/** Would that give one now? */
bool mcpz_blob_keeper_has_place(struct mcpz_api *api);

/** Whoever put it for `ref` does not need it any more: stop having others keep it, and hold it no
 * longer for that. Was it being placed so, for that tenant? */
bool mcpz_blob_keeper_unplace(struct mcpz_api *api, const struct mcpz_id *root, const char *tenant,
                              const char *ref);

/** How many blobs are to be here and are not, and how many copies of those being placed others
 * lack. */
void mcpz_blob_keeper_missing(const struct mcpz_blob_keeper *keeper, uint64_t *here,
                              uint64_t *elsewhere);

/* What is still to be done of itself. */
struct mcpz_blob_keeper_left {
    size_t to_fetch;
    size_t to_hand_over; /* that are here, and not yet with all that are to have them */
    bool is_looking;     /* there may be more */
};

/** Since documents or who is to have what changed: how far is it? */
void mcpz_blob_keeper_left(const struct mcpz_blob_keeper *keeper,
                           struct mcpz_blob_keeper_left *left);

/** Is this node one of those that are to have it? */
bool mcpz_blob_keeper_is_ours(struct mcpz_api *api, const struct mcpz_id *root);

/** Have `exchange` work when something of it has changed, until it leaves; the place stays so
 * long. False: too many do. */
bool mcpz_blob_place_join(struct mcpz_blob_place *place, struct mcpz_exchange *exchange);
void mcpz_blob_place_leave(struct mcpz_blob_place *place, const struct mcpz_exchange *exchange);

/** May more be copied now? And: so much was. */
bool mcpz_blob_keeper_may_copy(const struct mcpz_blob_keeper *keeper);
void mcpz_blob_keeper_copied(struct mcpz_blob_keeper *keeper, size_t bytes);

#endif
