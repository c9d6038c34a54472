/*
 * What an HTTP client may do, by where it asks from and what it shows. Pure.
 *
 *   over the Unix socket        everything: the file's mode says who gets there
 *   /health, /livez, /readyz    anybody may look: a balancer has no key
 *   keys or tokens configured   who shows one may do everything, who shows none nothing. One with
 *                               a tenant: what is that tenant's, tasks and MCP
 *   none configured             from this machine: all but what makes the node run commands, lets
 *                               others in, or changes what the mesh goes by. From elsewhere:
 * nothing
 *
 * The fourth is not everything, because others who are logged in on this machine can connect to
 * its loopback too, and are not who runs the node.
 */

#ifndef HTTP_ACCESS_H
#define HTTP_ACCESS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "http/bearer.h"

enum mcpz_access {
    MCPZ_ACCESS_NONE,
    MCPZ_ACCESS_LOOK,   /* at whether it is well */
    MCPZ_ACCESS_TENANT, /* have tasks done, see those of one's own, meet MCP servers */
    MCPZ_ACCESS_USE,    /* whatever needs no trust */
    MCPZ_ACCESS_ALL,
};

/* How somebody comes. All borrowed. */
struct mcpz_approach {
    bool local;     /* over the Unix socket */
    bool from_here; /* over TCP, from this machine */
    struct mcpz_bytes path;
    struct mcpz_bytes authorization; /* the header; empty: none */
    struct mcpz_bytes api_key;       /* the header X-API-Key; empty: none */
    uint64_t wall_ms;
};

struct mcpz_admission {
    enum mcpz_access access;
    unsigned status;  /* with NONE: 401 or 403 */
    const char *text; /* why, and what to do; static */
    struct mcpz_bearer_who who;
};

/** Decide. `bearer` without keys, signers and secret: none are configured. */
struct mcpz_admission mcpz_access_decide(const struct mcpz_bearer *bearer,
                                         const struct mcpz_approach *approach);

/** Are keys or tokens configured? */
bool mcpz_access_is_guarded(const struct mcpz_bearer *bearer);

#endif
