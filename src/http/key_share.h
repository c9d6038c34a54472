/*
 * Tenants' keys for blobs, told by one member to another, over calls (http/fellows.h).
 *
 *   "mcpz.keys?for=n-..."  ->  {"letter": base64}: all there are, sealed for that member alone
 *
 * Each node asks one of the others now and then, and those that it has not asked yet first. So two
 * that made a key for one tenant without having heard of each other come to have both, and use
 * the same for what is new (blob/keyring.h). What was shredded is not taken back. No HTTP client
 * can ask for it; who calls it with another's name gets what only that one can open.
 */

#ifndef HTTP_KEY_SHARE_H
#define HTTP_KEY_SHARE_H

#include <stdbool.h>

#include "base/time.h"
#include "proto/id.h"

#define MCPZ_KEY_SHARE_PATH "mcpz.keys"
#define MCPZ_KEY_SHARE_US MCPZ_SECONDS(30)      /* between two questions */
#define MCPZ_KEY_SHARE_AGAIN_US MCPZ_SECONDS(3) /* where one was not answered */
#define MCPZ_KEY_SHARE_SOON_US MCPZ_MS(500)     /* after a member has come */

struct mcpz_api;
struct mcpz_exchange;
struct mcpz_fact;
struct mcpz_request;

struct mcpz_key_share {
    struct mcpz_exchange *exchange; /* asks; NULL: nothing is under way */
    bool is_over;                   /* it has its answer */
    bool has_last;
    struct mcpz_id last; /* whom it asked last */
    bool has_next;
    struct mcpz_id next; /* whom it asks next: something of it cannot be read */
    mcpz_time ask_us;
};

/** A member has come: ask soon. */
void mcpz_key_share_hear(struct mcpz_key_share *share, const struct mcpz_fact *fact,
                         mcpz_time now);

/** Ask `member` as soon as can be. */
void mcpz_key_share_ask(struct mcpz_key_share *share, const struct mcpz_id *member);

/** Ask if it is time, and take in what was answered. Outside the engine's callbacks. */
void mcpz_key_share_look(struct mcpz_key_share *share, struct mcpz_api *api);

/** End what is under way. */
void mcpz_key_share_finish(struct mcpz_key_share *share);

/** Answer another node. */
void mcpz_key_share_serve(struct mcpz_exchange *exchange, const struct mcpz_request *request);

#endif
