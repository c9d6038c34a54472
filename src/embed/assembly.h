/*
 * All parts of a running node, made in order and taken apart in reverse. Wiring only.
 *
 *   store, loop, keys, ring -> pool, peers, server, local -> engine -> bootstrap, join, providers
 */

#ifndef EMBED_ASSEMBLY_H
#define EMBED_ASSEMBLY_H

#include <stdbool.h>
#include <stdint.h>

#include <mcpz/error.h>

#include "base/attr.h"
#include "base/time.h"
#include "embed/trouble.h"
#include "host/config.h"
#include "host/offers.h"
#include "host/socket_path.h"
#include "proto/id.h"
#include "proto/limits.h"

struct mcpz_deferred;
struct mcpz_hosting;
struct mcpz_identity;
struct mcpz_keyring;
struct mcpz_local;
struct mcpz_loop;
struct mcpz_peers;
struct mcpz_pool;
struct mcpz_reception;
struct mcpz_repair;
struct mcpz_server;

#define MCPZ_ASSEMBLY_PATH_BYTES 4096
#define MCPZ_ASSEMBLY_TOKEN_BYTES 1024
#define MCPZ_INVITATION_MS 3600000

struct mcpz_assembly {
    const struct mcpz_config *config;
    struct mcpz_trouble *trouble;

    char data[MCPZ_ASSEMBLY_PATH_BYTES]; /* absolute */
    char socket[MCPZ_SOCKET_PATH_BYTES_MAX];
    char address[MCPZ_ADDRESS_BYTES_MAX + 1]; /* what others dial; "": nothing */
    bool is_local;   /* listens on loopback: no other machine can reach it */
    bool is_guessed; /* the address is one of this machine's, nobody configured it */

    struct mcpz_identity *identity;
    struct mcpz_identity *authority;
    struct mcpz_keyring *keyring;
    struct mcpz_loop *loop;
    struct mcpz_pool *pool;
    struct mcpz_peers *peers;
    struct mcpz_server *server;
    struct mcpz_reception *reception;
    struct mcpz_hosting *hosting;
    struct mcpz_local *local;
    struct mcpz_offers offers;  /* which of the edges does what */
    struct mcpz_repair *repair; /* of the store, before this start; NULL: it was well */
    char unmerged[64];          /* the store that was set aside, whose deltas are being merged */

    mcpz_time started;
    char invitation[MCPZ_ASSEMBLY_TOKEN_BYTES]; /* a join token's text; "": none was made */
    uint64_t invite_request;                    /* 0: it is not being made */
    struct mcpz_deferred *invited;              /* run when it is, or cannot be */
    uint64_t join_request;                      /* 0: not joining */
    struct mcpz_id join_mesh;
    uint32_t code; /* enum mcpz_code: why it stopped by itself; `trouble` says more */
};

/**
 * Make a node of `config` and set it to work; mcpz_loop_run() on its loop does the rest. Both
 * arguments are borrowed for its life. Release with mcpz_assembly_finish(), also on error.
 *
 * Errors: MCPZ_ECONFIG, and those of its parts; `trouble` says what, and what to do
 */
MCPZ_MUST_USE mcpz_error mcpz_assembly_init(struct mcpz_assembly *assembly,
                                            const struct mcpz_config *config,
                                            struct mcpz_trouble *trouble);

/**
 * Make a join token for one machine, and have `then` run once it is kept: its text is in
 * `assembly->invitation`, or that is empty because this node may not admit or the store failed.
 */
void mcpz_assembly_invite(struct mcpz_assembly *assembly, struct mcpz_deferred *then);

/**
 * Keep history of agents as long as the configuration says by now, and wait so long for nodes that
 * are away. Where the loop may be entered.
 */
void mcpz_assembly_keep(const struct mcpz_assembly *assembly);

/**
 * End the process when what is under way has ended, at the latest after the configuration's
 * `stop_seconds`. So does any other drain.
 */
void mcpz_assembly_stop(struct mcpz_assembly *assembly);

void mcpz_assembly_finish(struct mcpz_assembly *assembly);

#endif
