/*
 * The API of other nodes, over calls: what one does not know, another may.
 *
 *   ask("GET", "/v1/tasks/ID")  ->  a call of "mcpz.node.n-...", which that node provides
 *                               ->  an exchange of its own API there
 *   status and body             <-  END
 *
 * Each node offers one capability of that kind, which names it: so calls find it as they find
 * any other, over links and through others. It stands in no list for people, and no rule is for
 * it. Only what is said of tasks, agents, layouts and blobs can be asked for so. Who holds the
 * mesh's key offers one more, by which those are found who make layouts; and who has no room on
 * its disk another, so that everybody can say who it is.
 *
 * We are a program at our own desk (desk/desk.h): messages come within the engine's turn and are
 * noted; what is to be said goes out in mcpz_fellows_work().
 */

#ifndef HTTP_FELLOWS_H
#define HTTP_FELLOWS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "http/body.h"
#include "proto/id.h"
#include "proto/msg.h"

#define MCPZ_FELLOW_PREFIX "mcpz.node."
#define MCPZ_FELLOW_LAYOUTS "mcpz.node.layouts" /* offered where the mesh's key is */
#define MCPZ_FELLOW_FULL "mcpz.node.full"       /* offered where the disk is full */
#define MCPZ_LAYOUT_PATH "/v1/layout"
#define MCPZ_FELLOW_ASKS_MAX 128  /* under way at one time */
#define MCPZ_FELLOW_SERVED_MAX 16 /* for others */

struct mcpz_api;
struct mcpz_exchange;
struct mcpz_program;

/* Something asked of another node. */
struct mcpz_fellow_ask {
    struct mcpz_exchange *exchange; /* who asks; NULL: free */
    struct mcpz_id node;
    uint64_t call;
    uint32_t owed; /* bytes of the answer not given credit for yet */
    bool over;
    uint32_t code; /* of a call that failed; 0: `said` is the answer */
    struct mcpz_body said;
};

/* Something another node asks of us. */
struct mcpz_fellow_served {
    struct mcpz_exchange *exchange; /* NULL: not begun, or `state` FREE */
    bool used;
    bool cancelled;
    uint64_t run;
    struct mcpz_body params; /* what is asked, until it is begun */
    size_t room;             /* bytes of the answer that may go */
    uint64_t at;             /* so many have gone */
};

struct mcpz_fellows {
    struct mcpz_program *program; /* NULL: we are not at the desk */
    bool is_busy;                 /* something is to be said */
    bool makes_layouts;           /* as we have offered */
    bool is_full;
    uint64_t next_call;
    struct mcpz_fellow_ask asks[MCPZ_FELLOW_ASKS_MAX];
    struct mcpz_fellow_served served[MCPZ_FELLOW_SERVED_MAX];
    uint64_t refused[MCPZ_FELLOW_SERVED_MAX]; /* there was no room for */
    size_t refused_count;
};

/** Is that a name of ours, which people need not see? */
bool mcpz_fellows_is_name(const char *capability);

/** Come to the desk, if there is one and we are not there; now and then. */
void mcpz_fellows_tick(struct mcpz_api *api);

/** Say what is to be said. Outside engine callbacks. */
void mcpz_fellows_work(struct mcpz_api *api);

/** Leave the desk. */
void mcpz_fellows_finish(struct mcpz_api *api);

/**
 * Ask `node`: `exchange` works again when there is an answer. `json` is the request's body, or an
 * array of its lines; NULL: none. Not within the engine's turn. False: too much is asked already,
 * or the node is no member.
 */
bool mcpz_fellows_ask(struct mcpz_exchange *exchange, const struct mcpz_id *node,
                      const char *method, const char *path, const json_t *json,
                      uint32_t timeout_ms);

/**
 * Ask all members that are not gone for `path`, from row `*next` of the roster on, 1 at first: as
 * many as may be asked at one time. Call it again when answers were taken, until none is waited
 * for.
 */
void mcpz_fellows_ask_members(struct mcpz_exchange *exchange, size_t *next, const char *path,
                              uint32_t timeout_ms);

/**
 * Take the next answer for `exchange`: who gave it, the HTTP status (0: the call failed, and
 * `exchange->fellow_code` says how) and what was said, the caller's, or NULL. False: none is
 * there; `*waiting` is how many are still to come.
 */
bool mcpz_fellows_take(struct mcpz_exchange *exchange, struct mcpz_id *node, unsigned *status,
                       json_t **json, size_t *waiting);

/**
 * The same of an answer that is no JSON: `*bytes` (NULL: none) are `*length`, the caller's to
 * free.
 */
bool mcpz_fellows_take_bytes(struct mcpz_exchange *exchange, struct mcpz_id *node,
                             unsigned *status, uint8_t **bytes, size_t *length, size_t *waiting);

/** `exchange` wants no answer any more: its calls are cancelled. */
void mcpz_fellows_forget(struct mcpz_exchange *exchange);

#endif
