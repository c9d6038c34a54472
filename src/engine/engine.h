/*
 * The pipe: frames, requests and ticks in at one end, frames and actions out at the other.
 *
 *   frame -> open -> shape -> decode -> event -> core step -> actions -> encode -> frame
 *
 * Whoever turns the crank (host/ with real time, sim/ with virtual time) opens a turn, hands in
 * what is ready, and closes the turn: then its writes go to the store as one batch, and frames
 * and replies that promise nothing are let out. Those that promise durability are held until
 * their batch is on disk. The engine calls back through its ports; a port may not call the
 * engine. It knows no sockets and no clock.
 */

#ifndef ENGINE_ENGINE_H
#define ENGINE_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mcpz/error.h>

#include "base/attr.h"
#include "base/time.h"
#include "core/event.h"
#include "core/node.h"
#include "core/outbox.h"
#include "crypto/identity.h"
#include "engine/counters.h"
#include "proto/cert.h"
#include "proto/id.h"
#include "proto/kv.h"

/* The engine's name for a connection. Never reused while a process lives. 0: none. */
typedef uint64_t mcpz_link;

/* How the engine reaches the world. What ports are given is borrowed until they return. */
struct mcpz_engine_ports {
    void *context; /* handed to each */

    /* There are bytes to send: call mcpz_engine_pull() when the connection can take them. */
    void (*wake)(void *context, mcpz_link link);

    /*
     * Send what is waiting, then close. `why` is a few words for the log and the close frame. The
     * host still owes mcpz_engine_link_closed(), when the connection is gone.
     */
    void (*close)(void *context, mcpz_link link, const char *why);

    /* Carry out DIAL, FACT, REPLY, TASK_* and RUN_* actions. SEND never gets here. */
    void (*act)(void *context, const struct mcpz_action *action);
};

struct mcpz_seal_room;  /* crypto/seal.h */
struct mcpz_vault_port; /* engine/vault.h */

struct mcpz_scratch; /* what one thread's engines share: outbox, decode arena, framer */

/** Errors: MCPZ_ENOMEM; `*scratch` is then NULL. */
MCPZ_MUST_USE mcpz_error mcpz_scratch_create(struct mcpz_scratch **scratch);
void mcpz_scratch_destroy(struct mcpz_scratch *scratch);

/* May `kv` lack writes of ours that others have seen? */
enum mcpz_past_of_store {
    MCPZ_STORE_VOUCHED_FOR, /* no */
    MCPZ_STORE_UNVOUCHED,   /* nothing says that it does, or that it does not */
    MCPZ_STORE_SET_BACK,    /* it was put back, or is a copy */
};

struct mcpz_engine_config {
    const struct mcpz_identity *identity; /* borrowed */
    const struct mcpz_identity
        *authority; /* the mesh's key, if we hold it; borrowed, may be NULL */
    struct mcpz_kv kv;
    const struct mcpz_vault_port
        *vault; /* keys that records are sealed with; NULL: they are not */
    enum mcpz_past_of_store past;
    struct mcpz_scratch *scratch; /* borrowed */
    uint64_t seed;                /* for every choice left to chance */

    /* Texts are copied. */
    const char *name;
    const char *address; /* host:port others may dial; "": none */
    const char *region;
    const char *zone;
    const char *roles[MCPZ_ROLES_MAX];
    size_t role_count;

    struct mcpz_node_timing timing; /* zeros: defaults */
    size_t neighbours_max;          /* 0: six */
    size_t relayed_max;             /* peers called through others; 0: MCPZ_RELAY_SESSIONS_MAX */
    size_t layout_nodes_max;        /* in a layout of the storage; 0: MCPZ_LAYOUT_NODES_MAX */
    uint64_t fold_deltas;           /* so many more, and replicas agree anew; 0: 64 */
    const uint64_t *history_ms;     /* how long deltas are kept; NULL: for ever */
    uint64_t grace_ms;              /* who is away longer is not waited for; 0: ten days */
    bool forgets;                   /* what was deleted goes in the end, with all others' */
    size_t calls_max;               /* we make, and serve, at one time; 0: MCPZ_CALLS_MAX */
    const struct mcpz_gate_config
        *gate; /* whom we work for; borrowed for the making; may be NULL */
};

struct mcpz_engine;

/**
 * Make an engine from its configuration and what its store remembers: its certificate, its
 * incarnation (which moves on), the peers it has met. Where its store is not vouched for its actor
 * generation moves on as well (core/crdt/lives.h), and is on disk before anything is sent: crdt
 * 1.6. A node without a certificate makes
 * a mesh of its own if it holds an authority key; it must join one otherwise.
 *
 * Does a turn of its own. Release with mcpz_engine_destroy().
 *
 * Errors: MCPZ_ENOMEM; MCPZ_ECORRUPT, MCPZ_EIO  the store, or what its keys open; `*engine` is
 *         then NULL.
 */
MCPZ_MUST_USE mcpz_error mcpz_engine_create(const struct mcpz_engine_config *config,
                                            const struct mcpz_engine_ports *ports, mcpz_time now,
                                            uint64_t wall_ms, struct mcpz_engine **engine);

/** NULL is fine. */
void mcpz_engine_destroy(struct mcpz_engine *engine);

/**
 * Keep history so long from now on, and wait so long for who is away: as the configuration says
 * it. What is gone does not come back.
 */
void mcpz_engine_keep(struct mcpz_engine *engine, const uint64_t *history_ms, uint64_t grace_ms);

/* ---- The turn ----------------------------------------------------------------------------- */

/** Open a turn at `now`. Harmless if one is open: time then moves on within it. */
void mcpz_engine_turn_begin(struct mcpz_engine *engine, mcpz_time now, uint64_t wall_ms);

/** Has this turn so much to look up and send already that what has come should wait for the next?
 */
bool mcpz_engine_is_laden(const struct mcpz_engine *engine);

/**
 * Close the turn: commit, let out what may go. Returns the number of the batch handed to the
 * store, 0 if there was none.
 */
uint64_t mcpz_engine_turn_end(struct mcpz_engine *engine);

/** Take in what the disk has done: lets out what waited for it. Outside a turn. */
void mcpz_engine_store_progress(struct mcpz_engine *engine);

/** Do what is due. Within a turn. */
void mcpz_engine_tick(struct mcpz_engine *engine);

/** When the next tick is due, MCPZ_TIME_NEVER if none is. Ask again after every turn. */
mcpz_time mcpz_engine_deadline(const struct mcpz_engine *engine);

/* ---- Links: within a turn ----------------------------------------------------------------- */

/**
 * A connection stands; TLS has proved that `peer` is at the other end.
 *
 * `binding` (MCPZ_BINDING_BYTES) is the connection's channel binding, the same at both ends.
 * `dialled` is the address if we made the connection, empty if the peer did.
 *
 * Errors: MCPZ_EFULL  too many connections: close it
 */
MCPZ_MUST_USE mcpz_error mcpz_engine_link_opened(struct mcpz_engine *engine,
                                                 const struct mcpz_id *peer,
                                                 const uint8_t *binding, struct mcpz_bytes dialled,
                                                 mcpz_link *link);

/**
 * Take in one frame. On error the link is to be closed at once: the engine has already forgotten
 * it and counted why. (Who is refused politely gets a message first: ports.close.)
 *
 * Errors: those of mcpz_framer_open() and mcpz_msg_decode(); MCPZ_EAUTH  a message that may not
 *         come before admission
 */
MCPZ_MUST_USE mcpz_error mcpz_engine_frame(struct mcpz_engine *engine, mcpz_link link,
                                           struct mcpz_bytes frame);

/** The connection is gone. Unknown links are ignored. */
void mcpz_engine_link_closed(struct mcpz_engine *engine, mcpz_link link);

/** A DIAL came to nothing. `refused`: its machine said that nobody listens there. */
void mcpz_engine_dial_failed(struct mcpz_engine *engine, struct mcpz_bytes address, bool refused);

/**
 * The next frame to send on `link`: control before data, as many messages as fit. Empty if
 * nothing waits. The bytes are valid until the next call of any engine of the same scratch, and
 * may be changed in place. Callable outside a turn.
 */
struct mcpz_bytes mcpz_engine_pull(struct mcpz_engine *engine, mcpz_link link);

/** Would mcpz_engine_pull() have something? What may not be said yet, it does not have. */
bool mcpz_engine_has_frames(const struct mcpz_engine *engine, mcpz_link link);

/** Is our incarnation on the disk? Nothing is pulled before; then the links are woken. */
bool mcpz_engine_may_speak(const struct mcpz_engine *engine);

/* ---- Requests: within a turn -------------------------------------------------------------- */

/**
 * Hand in an event of the edges: SEED, LEAVE, PROVIDE, WITHDRAW, LIMITS, TASK_*, RUN_*, AGENT_*.
 * `event->wall_ms` is filled in.
 */
void mcpz_engine_event(struct mcpz_engine *engine, struct mcpz_event *event);

/** A request name no other has had. Never 0. */
uint64_t mcpz_engine_next_request(struct mcpz_engine *engine);

/** Names for `count` of them: the first, the others count up from it. */
uint64_t mcpz_engine_next_requests(struct mcpz_engine *engine, size_t count);

/**
 * Join the mesh of `token`: seeds are its addresses; links we dial offer the token until one is
 * admitted. Ends with REPLY under `request`: code 0, or why the mesh said no; no REPLY as long as
 * nobody answers.
 *
 * Errors: MCPZ_ECONFLICT  we are in that mesh, or in another with members other than us
 *         MCPZ_EEXPIRED   the token is past its time
 */
MCPZ_MUST_USE mcpz_error mcpz_engine_join(struct mcpz_engine *engine, uint64_t request,
                                          const struct mcpz_join_token *token);

/**
 * Say goodbye, forget the mesh. The node is then without one until it joins or is restarted (it
 * makes a mesh of its own then). Agents stay in the store. Ends with REPLY under `request`.
 */
void mcpz_engine_leave(struct mcpz_engine *engine, uint64_t request);

/**
 * Make a token, stored before it is shown: ends with REPLY under `request`. `*token`'s slices
 * point into the engine and last until its next call.
 *
 * Errors: MCPZ_EAUTH  we may not admit (neither the mesh's key nor the role coordinator)
 *         MCPZ_EFULL  MCPZ_TOKENS_MAX are out; MCPZ_ENOTFOUND  no address others could dial
 */
MCPZ_MUST_USE mcpz_error mcpz_engine_token_create(struct mcpz_engine *engine, uint64_t request,
                                                  uint64_t ttl_ms, uint32_t uses,
                                                  struct mcpz_bytes role,
                                                  struct mcpz_join_token *token);

/** Revoke by id (MCPZ_TOKEN_ID_BYTES). Ends with REPLY. Errors: MCPZ_ENOTFOUND */
MCPZ_MUST_USE mcpz_error mcpz_engine_token_revoke(struct mcpz_engine *engine, uint64_t request,
                                                  struct mcpz_bytes id);

/* A file that is taken in, message by message. Zeros: none has come. */
struct mcpz_import {
    struct mcpz_intake *base; /* that is coming in pieces; NULL: none is */
    uint64_t bases;           /* that were whole */
    struct mcpz_id document;  /* of the last delta or base that was taken in, or was here */
};

/** Forget what is not whole of it. May be called again, and of zeros. */
void mcpz_import_finish(struct mcpz_import *import);

/**
 * Take in one message of an exported file: BATCH of one delta, AUTHOR, AGREED with the BASEs
 * behind it. With `request` 0 it is only judged, and nothing changes. Otherwise a delta ends with
 * REPLY under `request`, as of an AGENT_IMPORT, and so does the last message of a base.
 *
 * Errors: MCPZ_EUSED  nothing came of it, as it should be: an author, a delta or a base that is
 *                     here, part of a base
 *         MCPZ_ESHORT, MCPZ_EPROTO  no such message, or not now
 *         MCPZ_EAUTH      a signature does not fit, or the author is not known
 *         MCPZ_ECONFLICT  an author of another mesh, and we may admit nobody to this one
 *         MCPZ_EUNSUPPORTED  a base that does not go together with what was folded here
 *         MCPZ_EEXPIRED   of a document that it does not name, or of a tenant that was shredded
 *         MCPZ_ENOMEM, MCPZ_ECORRUPT, MCPZ_EIO
 */
MCPZ_MUST_USE mcpz_error mcpz_engine_import(struct mcpz_engine *engine, struct mcpz_import *import,
                                            uint64_t request, struct mcpz_bytes message);

/**
 * Write the message that shows that `delta`, as the store has it, is its author's: BATCH.
 * MCPZ_MSG_BYTES_MAX holds any.
 *
 * Errors: MCPZ_ENOTFOUND  its signature is not known; MCPZ_EFULL; MCPZ_ECORRUPT, MCPZ_EIO
 */
MCPZ_MUST_USE mcpz_error mcpz_engine_prove(struct mcpz_engine *engine,
                                           const struct mcpz_delta *delta, uint8_t *buffer,
                                           size_t capacity, size_t *length);

/**
 * Write the message that shows that `author` is of the mesh: AUTHOR. As above.
 *
 * Errors: MCPZ_ENOTFOUND  it is not known; MCPZ_EFULL
 */
MCPZ_MUST_USE mcpz_error mcpz_engine_show_author(struct mcpz_engine *engine,
                                                 const struct mcpz_id *author, uint8_t *buffer,
                                                 size_t capacity, size_t *length);

/** A message of those that bring the base of a document. */
struct mcpz_base_part {
    struct mcpz_id document;
    struct mcpz_id root; /* of its floor */
    uint32_t index;      /* 0 is AGREED, BASE after BASE follows */
};

/**
 * Write this part of a base. As above.
 *
 * Errors: MCPZ_ENOTFOUND  `root` has been replaced, or that was the last
 *         MCPZ_EFULL; MCPZ_ECORRUPT, MCPZ_EIO
 */
MCPZ_MUST_USE mcpz_error mcpz_engine_show_base(struct mcpz_engine *engine,
                                               const struct mcpz_base_part *part, uint8_t *buffer,
                                               size_t capacity, size_t *length);

/**
 * What `document` was folded to could not be read: have it fetched again from who keeps it. Within
 * a turn. Harmless where nothing is wrong with it.
 */
void mcpz_engine_refill(struct mcpz_engine *engine, const struct mcpz_id *document);

/** Has something that was to be written found no room on the disk a moment ago? */
bool mcpz_engine_is_full(const struct mcpz_engine *engine);

/** Do we hold the mesh's key, which signs layouts? */
bool mcpz_engine_holds_mesh_key(const struct mcpz_engine *engine);

/**
 * Sign a valid layout (asserted) and have it hold: proto/placement.h. Ends with REPLY under
 * `request`; what was staged is forgotten if it was taken.
 *
 * Errors: MCPZ_EAUTH  we do not hold the mesh's key; MCPZ_EFULL  it is too large; MCPZ_ENOMEM
 */
MCPZ_MUST_USE mcpz_error mcpz_engine_layout_apply(struct mcpz_engine *engine, uint64_t request,
                                                  const struct mcpz_placement *placement);

/**
 * Keep a valid layout (asserted) that is being put together; NULL: forget it. Ends with REPLY
 * under `request`.
 *
 * Errors: MCPZ_EFULL  it is too large; MCPZ_ENOMEM
 */
MCPZ_MUST_USE mcpz_error mcpz_engine_layout_stage(struct mcpz_engine *engine, uint64_t request,
                                                  const struct mcpz_placement *placement);

/**
 * Say that `node` is gone for good: engine/revocations.h. `reason` is UTF-8 of at most
 * MCPZ_REVOCATION_REASON_BYTES_MAX (asserted). Ends with REPLY under `request`.
 *
 * Errors: MCPZ_EAUTH  we do not hold the mesh's key; MCPZ_ECONFLICT  it is us; MCPZ_EUSED  that is
 *         known already; MCPZ_EFULL  MCPZ_REVOCATIONS_MAX are; MCPZ_EPROTO  not UTF-8; MCPZ_ENOMEM
 */
MCPZ_MUST_USE mcpz_error mcpz_engine_revoke(struct mcpz_engine *engine, uint64_t request,
                                            const struct mcpz_id *node, struct mcpz_bytes reason);

/**
 * The keys of `tenant` that were made until `at_ms` were shredded: what they sealed here is
 * cleared away, tasks with it. Nothing happens where records are not sealed. Takes as long as a
 * walk over the store.
 */
void mcpz_engine_shred(struct mcpz_engine *engine, struct mcpz_bytes tenant, uint64_t at_ms);

/**
 * Seal `plain` for `peer` alone, in one message (crypto/seal.h) of MCPZ_SEAL_GREETING_BYTES more.
 *
 * Errors: MCPZ_EAUTH  `peer` is no node's id; MCPZ_EFULL, MCPZ_ENOMEM
 */
MCPZ_MUST_USE mcpz_error mcpz_engine_seal_letter(struct mcpz_engine *engine,
                                                 const struct mcpz_id *peer,
                                                 struct mcpz_bytes plain,
                                                 struct mcpz_seal_room *letter);

/** Open what `peer` has sealed for us. Errors: MCPZ_EAUTH  it has not; MCPZ_EFULL, MCPZ_ENOMEM */
MCPZ_MUST_USE mcpz_error mcpz_engine_open_letter(struct mcpz_engine *engine,
                                                 const struct mcpz_id *peer,
                                                 struct mcpz_bytes letter,
                                                 struct mcpz_seal_room *plain);

/* ---- Looking: any time, no effect --------------------------------------------------------- */

/** Where the next call of a capability would go, and why: core/calls.h. */
void mcpz_engine_explain(struct mcpz_engine *engine, struct mcpz_bytes capability,
                         struct mcpz_explanation *explanation);

/** The core's state: members, capabilities, calls. */
const struct mcpz_node *mcpz_engine_node(const struct mcpz_engine *engine);
const struct mcpz_counters *mcpz_engine_counters(const struct mcpz_engine *engine);

/* Messages of one kind that were put on their way. */
struct mcpz_engine_sent {
    uint64_t messages;
    uint64_t bytes; /* encoded; without framing */
};

const struct mcpz_engine_sent *mcpz_engine_sent(const struct mcpz_engine *engine,
                                                enum mcpz_msg_kind kind);

const struct mcpz_id *mcpz_engine_id(const struct mcpz_engine *engine);
/** The mesh we are in; zeros: none. */
const struct mcpz_id *mcpz_engine_mesh(const struct mcpz_engine *engine);
/** Wall clock at which our certificate ends; 0 without one. */
uint64_t mcpz_engine_certificate_end_ms(const struct mcpz_engine *engine);
bool mcpz_engine_may_admit(const struct mcpz_engine *engine);
/** Are we waiting to be admitted? */
bool mcpz_engine_is_joining(const struct mcpz_engine *engine);

/** Nodes that are gone for good. Borrowed until we leave the mesh. */
size_t mcpz_engine_revoked_count(const struct mcpz_engine *engine);
const struct mcpz_revocation *mcpz_engine_revoked_at(const struct mcpz_engine *engine, size_t at);
/** That `node` is one of them; NULL: it is not. */
const struct mcpz_revocation *mcpz_engine_revoked(const struct mcpz_engine *engine,
                                                  const struct mcpz_id *node);

/** Read records, typed. Within a turn; slices last until it ends. */
const struct mcpz_store *mcpz_engine_store(struct mcpz_engine *engine);

/**
 * The root of a document: BLAKE2b-256 over its canonical state. Equal exactly where state is.
 * Within a turn. Errors: MCPZ_ENOTFOUND, MCPZ_ECORRUPT, MCPZ_EIO
 */
MCPZ_MUST_USE mcpz_error mcpz_engine_root(struct mcpz_engine *engine,
                                          const struct mcpz_id *document, uint8_t *root);

/** The document that an agent of `tenant` ("": the default one) lives in. */
void mcpz_engine_document_id(struct mcpz_bytes tenant, struct mcpz_bytes name,
                             struct mcpz_id *document);

/** The document of the blob of that name ("b-..."), of the tenant MCPZ_TENANT_BLOBS. */
void mcpz_engine_blob_document_id(struct mcpz_bytes name, struct mcpz_id *document);

/** A document of the mesh itself, of the tenant MCPZ_TENANT_SYSTEM. */
void mcpz_engine_system_document_id(struct mcpz_bytes name, struct mcpz_id *document);

/** Is the document that `delta` is of called as it says, if it says so? crdt/naming.h */
bool mcpz_delta_names_its_document(const struct mcpz_delta *delta);

#endif
