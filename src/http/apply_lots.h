/*
 * Lines of POST /v1/apply about agents that other nodes keep, on their way to those.
 *
 *   a line  ->  the lot of the node that is to be asked for it
 *   a lot   ->  POST /v1/apply there, so many lines at a time (http/fellows.h)
 *           <-  how many were done, and which were refused
 *
 * Lines of one agent stay in order: while one is on its way those behind it go to the same lot.
 * Where a node cannot have begun, its lines go to the next that keeps each of them; where nobody
 * is there they wait a while, as other requests do (http/forward.h). A line that may have been
 * done is handed in again only if that does no harm, and told as unknown otherwise.
 *
 * Who hands lines in sees before that there is room, and so nothing is held that cannot go on.
 */

#ifndef HTTP_APPLY_LOTS_H
#define HTTP_APPLY_LOTS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/time.h"
#include "http/exchange.h"
#include "http/forward.h"
#include "proto/id.h"

#define MCPZ_LOTS_MAX 16         /* nodes that are handed lines at one time */
#define MCPZ_LOT_LINES_MAX 128   /* waiting for one */
#define MCPZ_LOT_BATCH_MAX 64    /* lines in one request */
#define MCPZ_LOT_BYTES_MAX 24576 /* of them together; one line goes whatever it has */
#define MCPZ_LOT_TRIES_MAX 3     /* of a line that nodes say is not theirs */
#define MCPZ_LOTS_AVOIDED_MAX 16
#define MCPZ_LOTS_AVOID_US MCPZ_SECONDS(1) /* who did not answer is asked last until then */

static_assert(MCPZ_LOT_BYTES_MAX + MCPZ_LOT_BATCH_MAX + 512 < MCPZ_PARAMS_BYTES_MAX,
              "a batch fits a call");

struct mcpz_lot_line {
    struct mcpz_id document;
    json_t *object; /* ours */
    size_t bytes;   /* as text */
    uint32_t number;
    uint32_t tries;
    bool repeatable;
};

struct mcpz_lot {
    struct mcpz_id node;        /* zeros: to be found for each line */
    mcpz_time patient_until_us; /* for somebody to be there, then */
    struct mcpz_lot_line lines[MCPZ_LOT_LINES_MAX];
    size_t count; /* 0: the lot is free */
    size_t sent;  /* so many of the first are under way */
};

/* Who hears what became of lines. `code` is OK for one that was done. */
struct mcpz_lots_teller {
    void *context;
    void (*tell)(void *context, uint32_t number, const char *code, const char *text);
};

struct mcpz_lots {
    struct mcpz_lots_teller teller;
    char path[MCPZ_FORWARD_PATH_BYTES]; /* with what is asked of each write */
    uint32_t timeout_ms;                /* of a request */
    struct mcpz_lot lots[MCPZ_LOTS_MAX];
    struct mcpz_id avoided[MCPZ_LOTS_AVOIDED_MAX]; /* did not answer a moment ago */
    size_t avoided_count;
    mcpz_time avoid_until_us;
    size_t taken; /* lines, ever */
    size_t count; /* lines, now */
};

/** Is a line about `document` on its way? Those behind it are to follow it. */
bool mcpz_lots_hold(const struct mcpz_lots *lots, const struct mcpz_id *document);

/** Is there room for any line? */
bool mcpz_lots_have_room(const struct mcpz_lots *lots);

/** Take a line in; there is room. Its `object` is borrowed. */
void mcpz_lots_take(struct mcpz_exchange *exchange, struct mcpz_lots *lots,
                    const struct mcpz_lot_line *line);

/** Take what nodes have answered, and hand on what can be. */
void mcpz_lots_work(struct mcpz_exchange *exchange, struct mcpz_lots *lots);

/** When to work again, if nothing is answered before; MCPZ_TIME_NEVER: not. */
mcpz_time mcpz_lots_deadline(const struct mcpz_exchange *exchange, const struct mcpz_lots *lots);

/** Forget all lines; calls are cancelled. */
void mcpz_lots_finish(struct mcpz_exchange *exchange, struct mcpz_lots *lots);

#endif
