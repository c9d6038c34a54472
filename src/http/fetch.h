/*
 * Requests of HTTP that this node makes: libcurl in the loop.
 *
 *   begin -> on_head -> on_body ... -> on_end
 *         <- pause, abort
 *
 * HTTP/1.1 and, over TLS, HTTP/2; certificates are verified. Proxies of the environment are
 * heeded (https_proxy, no_proxy), as other programs do. A redirection is followed within the same
 * origin only, so that no header goes to anybody else. Nothing is decompressed: answers are
 * asked for as they are.
 *
 * Nothing here is called within the engine's turn, and nothing calls back from within a call.
 */

#ifndef HTTP_FETCH_H
#define HTTP_FETCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mcpz/error.h>

#include "base/attr.h"
#include "base/bytes.h"
#include "host/loop.h"

#define MCPZ_FETCH_HEADERS_MAX 64
#define MCPZ_FETCH_HEADER_BYTES_MAX 65536 /* of an answer's head */
#define MCPZ_FETCH_VALUE_BYTES_MAX 2048   /* of one of its fields that we look at */
#define MCPZ_FETCH_HELD_BYTES_MAX 262144  /* heard, while its owner does not listen */
#define MCPZ_FETCH_REDIRECTS_MAX 3
#define MCPZ_FETCH_CONNECT_MS 10000
#define MCPZ_FETCH_SILENCE_MS 30000 /* of what was sent, without acknowledgement: it is gone */

struct mcpz_fetch;
struct mcpz_fetches;

/* All but the body is needed for the call only. */
struct mcpz_fetch_ask {
    const char *method; /* GET, POST or DELETE */
    const char *url;
    const char *ca;             /* a file of certificates; NULL: those that the system trusts */
    const char *const *headers; /* "Name: value" */
    size_t header_count;
    struct mcpz_bytes body; /* of POST; borrowed until the end */
    bool repeatable;        /* may reach the server twice, if a connection was half gone */
};

/* Texts are never NULL; "": without. */
struct mcpz_fetch_head {
    unsigned status;
    const char *content_type;
    const char *session;      /* Mcp-Session-Id */
    const char *authenticate; /* WWW-Authenticate */
    const char *location;     /* of a redirection that is not followed */
    uint32_t retry_after_s;
};

struct mcpz_fetch_ports {
    void *context;
    void (*on_head)(void *context, const struct mcpz_fetch_head *head);
    void (*on_body)(void *context, struct mcpz_bytes bytes);

    /* It is over, and gone. `why`: NULL if all went well; `reached`: there was a connection. */
    void (*on_end)(void *context, const char *why, bool reached);
};

/** Errors: MCPZ_EUNSUPPORTED  there is no libcurl here; MCPZ_EIO  it is not usable; MCPZ_ENOMEM */
MCPZ_MUST_USE mcpz_error mcpz_fetches_create(struct mcpz_loop *loop,
                                             struct mcpz_fetches **fetches);

/** Abort all. NULL is fine. */
void mcpz_fetches_destroy(struct mcpz_fetches *fetches);

/** Go on without the loop until all are over, or for so long. */
void mcpz_fetches_drive(struct mcpz_fetches *fetches, int patience_ms);

/** Errors: MCPZ_ENOMEM */
MCPZ_MUST_USE mcpz_error mcpz_fetch_begin(struct mcpz_fetches *fetches,
                                          const struct mcpz_fetch_ask *ask,
                                          const struct mcpz_fetch_ports *ports,
                                          struct mcpz_fetch **fetch);

/** Let go of it: nothing more is told. */
void mcpz_fetch_abort(struct mcpz_fetch *fetch);

/** Tell nothing of it for now, or go on. */
void mcpz_fetch_pause(struct mcpz_fetch *fetch, bool paused);

#endif
