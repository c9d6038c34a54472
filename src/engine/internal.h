/* The engine from the inside: for the files of engine/ only. */

#ifndef ENGINE_INTERNAL_H
#define ENGINE_INTERNAL_H

#include "crypto/proof.h"
#include "crypto/seal.h"
#include "engine/certificate.h"
#include "engine/collecting.h"
#include "engine/engine.h"
#include "engine/folding.h"
#include "engine/forgetting.h"
#include "engine/lane.h"
#include "engine/late.h"
#include "engine/letters.h"
#include "engine/persist.h"
#include "engine/revocations.h"
#include "engine/scratch.h"
#include "engine/transfers.h"
#include "proto/code.h"

#define MCPZ_ADMIT_WITHIN_US MCPZ_SECONDS(10)
#define MCPZ_CONTROL_LANE_BYTES_MAX 1048576
#define MCPZ_DATA_LANE_BYTES_MAX 16777216
#define MCPZ_HELD_BYTES_MAX 67108864 /* frames and replies that wait for the disk */
#define MCPZ_INCARNATIONS_KEPT 1024  /* ahead of their use, one write for all of them */
#define MCPZ_RENEW_AGAIN_US MCPZ_SECONDS(60)
#define MCPZ_TOLD_AUTHORS_MAX 512 /* a link remembers; others are told again */

/* ---- Links -------------------------------------------------------------------------------- */

/*
 *            HELLO, certificate valid
 *   GREETING -------------------------------------------------------> ADMITTED
 *      |  HELLO says joining             JOIN proves the token            ^
 *      +----------> AWAIT_JOIN ------------------------> ADMITTING -------+  its record is durable
 *      |  we join: HELLO shows the token's mesh       ADMIT               |
 *      +----------> AWAIT_ADMIT ------------------------------------------+
 */
enum mcpz_link_state {
    MCPZ_LINK_GREETING = 1,
    MCPZ_LINK_AWAIT_JOIN,
    MCPZ_LINK_ADMITTING,
    MCPZ_LINK_AWAIT_ADMIT,
    MCPZ_LINK_ADMITTED,
    MCPZ_LINK_RELAYED,    /* no link: a session through others (engine/letters.h) */
    MCPZ_LINK_GIVING_WAY, /* another link to the peer stays: what it said before it knows that is
                             heard, if it is said once only; nothing more is sent */
    MCPZ_LINK_CLOSING,    /* the host was told; what still comes is not looked at */
};

#define MCPZ_WHY_DUPLICATE "another link to the same node stays"

struct mcpz_link_row {
    mcpz_link id; /* 0: free */
    enum mcpz_link_state state;
    struct mcpz_id peer;
    uint8_t binding[MCPZ_BINDING_BYTES];
    char dialled[MCPZ_ADDRESS_BYTES_MAX + 1]; /* "": they dialled us */
    bool offered_token;                       /* our HELLO said joining */
    bool peer_is_ready;    /* it has said what only an admitted peer says: it admitted us */
    mcpz_time admit_by_us; /* MCPZ_TIME_NEVER once admitted; GIVING_WAY: when it is closed */
    enum mcpz_link_down_reason down_reason;    /* not 0: the core is still to be told */
    struct mcpz_certificate_bytes certificate; /* the peer's, once admitted */
    uint64_t *told; /* authors it was told of: marks, MCPZ_TOLD_AUTHORS_MAX; NULL: none yet */
    struct mcpz_lane control;
    struct mcpz_lane data;

    /* Of one that is RELAYED. */
    size_t letter_at; /* so much of the first message in `data` was sent */
    bool is_short;    /* something found no room in `data` since it was empty */
    uint8_t *partial; /* what has come of a message, of MCPZ_MSG_BYTES_MAX; NULL: nothing */
    size_t partial_length;
    enum mcpz_letters_gap gap; /* before what comes next */
    bool skips;                /* until a message ends: what came before it is not here */
};

/* ---- What waits for the disk -------------------------------------------------------------- */

struct mcpz_held {
    struct mcpz_held *next;
    uint64_t batch;                 /* 0: of the turn under way */
    enum mcpz_action_kind kind;     /* SEND, REPLY or TAKEN */
    uint32_t msg_kind;              /* SEND: what is to be sent */
    bool admits;                    /* SEND of ADMIT: with it the link becomes admitted */
    struct mcpz_action_reply reply; /* REPLY: its text lies behind the links */
    size_t link_count;
    size_t length;     /* of the bytes behind the links: message, text or rows */
    mcpz_link links[]; /* SEND: to these */
};

/* ---- Sessions through others -------------------------------------------------------------- */

#define MCPZ_SEALED_MAX (2 * MCPZ_RELAY_SESSIONS_MAX) /* two of each: see core/relay.h */

struct mcpz_sealed {
    struct mcpz_id peer;
    struct mcpz_seal *seal; /* NULL: none */
};

/* ---- The engine --------------------------------------------------------------------------- */

/* The token we are joining with. */
struct mcpz_pending_join {
    bool active;
    uint64_t request;
    struct mcpz_id mesh;
    uint8_t token_id[MCPZ_TOKEN_ID_BYTES];
    uint8_t key[MCPZ_PROOF_BYTES];
    uint64_t expires_ms;
};

struct mcpz_engine {
    struct mcpz_engine_ports ports;
    const struct mcpz_identity *identity;
    const struct mcpz_identity *authority;
    struct mcpz_scratch *scratch;
    struct mcpz_persist persist;
    struct mcpz_at_rest *rest; /* NULL: records are not sealed */
    struct mcpz_store store;
    struct mcpz_counters counters;
    mcpz_time now;
    uint64_t wall_ms;
    bool in_turn;
    struct mcpz_kv_progress progress; /* as last told */
    uint64_t last_batch;
    mcpz_time full_until_us; /* lately a batch found no room */
    mcpz_time save_again_us; /* a batch failed: what we must know of ourselves is written again */
    bool stepping;           /* a port that calls back would walk into its own outbox */

    struct mcpz_node_config node_config; /* its texts point into `texts` */
    struct {
        char name[MCPZ_NAME_BYTES_MAX + 1];
        char address[MCPZ_ADDRESS_BYTES_MAX + 1];
        char region[MCPZ_NAME_BYTES_MAX + 1];
        char zone[MCPZ_NAME_BYTES_MAX + 1];
        char roles[MCPZ_ROLES_MAX][MCPZ_NAME_BYTES_MAX + 1];
    } texts;
    struct mcpz_node node;
    void *node_memory;            /* of the core */
    uint64_t incarnation_ceiling; /* to be kept: the next start goes on above it */
    uint64_t incarnation_kept;    /* the ceiling on the disk: above it nothing is said */
    uint64_t self_batch;          /* writes the ceiling; 0: it is done; UNSETTLED until it ends */

    struct mcpz_id mesh; /* zeros: none */
    struct mcpz_certificate_bytes certificate;
    uint64_t certificate_end_ms;
    uint64_t certificate_renew_ms; /* two thirds of its life */
    mcpz_time renew_again_us;
    uint64_t next_serial;
    struct mcpz_pending_join join;
    struct mcpz_revocations revocations;

    struct mcpz_link_row links[MCPZ_CONNECTED_MAX];
    struct mcpz_link_row relayed[MCPZ_RELAY_SESSIONS_MAX]; /* RELAYED: one for each session */
    bool has_fallen; /* a link's down_reason is set: the core is still to be told */
    mcpz_link next_link;
    uint64_t next_request;

    struct mcpz_engine_sent sent[MCPZ_MSG_KIND_END]; /* by kind */
    struct mcpz_lane loopback;                       /* what we send to ourselves */
    struct mcpz_lane letters; /* pieces that have come through others in this turn */
    bool hears_letter;        /* what is shown to the core has come so */
    struct mcpz_held *held_first;
    struct mcpz_held *held_last;
    struct mcpz_held *held_unsettled; /* the first of the turn under way; NULL: none */
    size_t held_bytes;

    struct mcpz_folding folding;
    uint64_t fold_deltas;
    uint64_t grace_ms;
    uint64_t history_ms;
    mcpz_time refill_us; /* no base is asked for again before: engine/refill.h */
    struct mcpz_collecting collecting;
    struct mcpz_transfers transfers;
    struct mcpz_late late;
    struct mcpz_forgetting forgetting;

    struct mcpz_sealed sealed[MCPZ_SEALED_MAX];

    /* What mcpz_engine_token_create() shows. */
    uint8_t token_id[MCPZ_TOKEN_ID_BYTES];
    uint8_t token_secret[MCPZ_SECRET_BYTES];
};

/* engine.c */

/** Step the core with `event`, carry out what it asks, then what followed from that. */
void mcpz_engine_dispatch(struct mcpz_engine *engine, struct mcpz_event *event);
/** Deal with what came up while actions were carried out. Nothing, if that is still going on. */
void mcpz_engine_follow_up(struct mcpz_engine *engine);
/** Write it if it has changed. Whoever makes us another life outside of a step calls this. */
void mcpz_engine_keep_self(struct mcpz_engine *engine);
/** Write what this node must know of itself after a restart. */
void mcpz_engine_save_self(struct mcpz_engine *engine);

/** Only step and carry out. */
void mcpz_engine_step(struct mcpz_engine *engine, struct mcpz_event *event);

/* inbound.c */

/** The kind of an encoded message without reading the rest: [kind, ...]. 0: it has none. */
uint32_t mcpz_inbound_kind(struct mcpz_bytes message);

/** Step with the first message we sent to ourselves. False: there is none. */
bool mcpz_inbound_loopback(struct mcpz_engine *engine);
/**
 * Take in one encoded message of `row`.
 *
 * Errors: MCPZ_EAUTH, and those of the codec: it is not what the peer may say here
 */
MCPZ_MUST_USE mcpz_error mcpz_inbound_message(struct mcpz_engine *engine,
                                              struct mcpz_link_row *row,
                                              struct mcpz_bytes message);

/* links.c */

struct mcpz_link_row *mcpz_link_rows_find(struct mcpz_engine *engine, mcpz_link link);
/** The admitted link to `peer`, NULL if there is none. */
struct mcpz_link_row *mcpz_link_rows_of(struct mcpz_engine *engine, const struct mcpz_id *peer);
/** The same; where there is none a session with it through others: for what letters carry. */
struct mcpz_link_row *mcpz_link_rows_to(struct mcpz_engine *engine, const struct mcpz_id *peer);
/**
 * The connection is gone, or is not worth another word: forget it, tell the core. (Not yet, if
 * the peer closed it and another of the same peer is being admitted.)
 */
void mcpz_link_rows_lose(struct mcpz_engine *engine, struct mcpz_link_row *row,
                         enum mcpz_link_down_reason reason);
/** Let out what is queued, close, forget; the core hears LINK_DOWN if it knew the link. */
void mcpz_link_rows_close(struct mcpz_engine *engine, struct mcpz_link_row *row,
                          enum mcpz_link_down_reason reason, const char *why);
/** Queue an encoded message. A link that cannot take more is closed: the reason it returns. */
void mcpz_link_rows_push(struct mcpz_engine *engine, struct mcpz_link_row *row, uint32_t kind,
                         struct mcpz_bytes message);
/** Encode and queue. */
void mcpz_link_rows_send(struct mcpz_engine *engine, struct mcpz_link_row *row,
                         const struct mcpz_msg *msg);
/** The link has proved itself: settle duplicates, tell the core. */
void mcpz_link_rows_admit(struct mcpz_engine *engine, struct mcpz_link_row *row);
/** What had to wait may be said now. */
void mcpz_link_rows_wake_all(struct mcpz_engine *engine);

/* admission.c */

/** Send our HELLO. */
void mcpz_admission_greet(struct mcpz_engine *engine, struct mcpz_link_row *row);
/** May a message of this kind be decoded in the link's state? */
bool mcpz_admission_expects(const struct mcpz_link_row *row, uint32_t kind);
/** Handle HELLO .. RENEW. Who is refused is told, and its link closed. */
void mcpz_admission_message(struct mcpz_engine *engine, struct mcpz_link_row *row,
                            const struct mcpz_msg *msg);
/** Tell a peer that it is revoked, show it, and close. */
void mcpz_admission_refuse_revoked(struct mcpz_engine *engine, struct mcpz_link_row *row,
                                   const struct mcpz_revocation *revocation);
/** Somebody was revoked: if our certificate is by it, ask for another one. */
void mcpz_admission_review(struct mcpz_engine *engine);
/** Close links that did not prove themselves in time; renew our certificate. */
void mcpz_admission_tick(struct mcpz_engine *engine);
mcpz_time mcpz_admission_deadline(const struct mcpz_engine *engine);
/** Take on the mesh and certificate of `encoded`, already judged. */
void mcpz_admission_adopt(struct mcpz_engine *engine, const struct mcpz_id *mesh,
                          struct mcpz_bytes encoded);
/** Make our own certificate: we hold the mesh's key. */
MCPZ_MUST_USE mcpz_error mcpz_admission_found(struct mcpz_engine *engine);
/** Answer the join under way, if there is one, and forget its token. */
void mcpz_admission_end_join(struct mcpz_engine *engine, uint32_t code, const char *text);

/**
 * Make a certificate of this mesh for the author of what was written elsewhere. It was never
 * valid, so it lets nobody in: it only says that what `author` has signed may be here. We may
 * admit others. Errors: as mcpz_certificate_issue()
 */
MCPZ_MUST_USE mcpz_error mcpz_admission_certify_past(struct mcpz_engine *engine,
                                                     const struct mcpz_id *author,
                                                     struct mcpz_certificate_bytes *encoded);

/* signing.c */

/** Look at what is put down: the engine's watch over its store. */
void mcpz_signing_note(void *context, const struct mcpz_record *record);
/** Sign what the turn has written so far. */
void mcpz_signing_sign(struct mcpz_engine *engine);
/** Queue a copy of `delta` for these links, until mcpz_outgoing_flush(). */
void mcpz_outgoing_add(struct mcpz_engine *engine, const mcpz_link *links, size_t count,
                       const struct mcpz_delta *delta);
/** Sign, pack, and hold what is queued until this turn's writes are on disk. */
void mcpz_outgoing_flush(struct mcpz_engine *engine);

/* authors.c */

/** The certificate that shows that `author` may write here. Borrowed until the turn ends. */
bool mcpz_authors_find(struct mcpz_engine *engine, const struct mcpz_id *author,
                       struct mcpz_bytes *certificate);
/** Tell those links of `author` that were not told, ahead of its deltas. False: it is unknown. */
bool mcpz_authors_tell(struct mcpz_engine *engine, const struct mcpz_id *author,
                       const struct mcpz_link_set *route);
/** Ask `peer` who `author` is. */
void mcpz_authors_ask(struct mcpz_engine *engine, const struct mcpz_id *peer,
                      const struct mcpz_id *author);
/** Take in, or answer, an AUTHOR. Errors: MCPZ_EAUTH  what it shows is not valid */
MCPZ_MUST_USE mcpz_error mcpz_authors_take(struct mcpz_engine *engine, struct mcpz_link_row *row,
                                           const struct mcpz_msg_author *said);
/**
 * Judge the AUTHOR of a file; with `keeps`, keep it. One of another mesh is certified for ours.
 *
 * Errors: MCPZ_ESHORT, MCPZ_EPROTO, MCPZ_EAUTH  not valid in its own mesh either
 *         MCPZ_ECONFLICT  of another mesh, and we may admit nobody
 */
MCPZ_MUST_USE mcpz_error mcpz_authors_import(struct mcpz_engine *engine,
                                             const struct mcpz_msg_author *said, bool keeps);

/* incoming.c */

/** Are its deltas as their author signed them? Errors: MCPZ_EAUTH, MCPZ_EPROTO */
MCPZ_MUST_USE mcpz_error mcpz_incoming_verify(struct mcpz_engine *engine,
                                              const struct mcpz_msg_batch *batch);

/** Is it of the document that it names, if any, and of a tenant whose it may be? Counted. */
bool mcpz_incoming_is_welcome(struct mcpz_engine *engine, const struct mcpz_delta *delta);

/**
 * Verify what `from` (NULL: a file) sent, and show its deltas to the core. What nobody can be
 * named for is asked about, and left.
 *
 * Errors: MCPZ_EAUTH, MCPZ_EPROTO, MCPZ_ESHORT  forged or changed, or no deltas of one author
 */
MCPZ_MUST_USE mcpz_error mcpz_incoming_batch(struct mcpz_engine *engine,
                                             const struct mcpz_id *from,
                                             const struct mcpz_msg_batch *batch);

/* folding.c */

/** A document was put down: is it due? */
void mcpz_folding_note(struct mcpz_engine *engine, const struct mcpz_record_document *document);
/** Answer FOLD. */
void mcpz_folding_asked(struct mcpz_engine *engine, const struct mcpz_id *from,
                        const struct mcpz_msg_fold *asked);
/** Take in FOLDED. Errors: MCPZ_EAUTH  its signature is not its sender's */
MCPZ_MUST_USE mcpz_error mcpz_folding_answered(struct mcpz_engine *engine,
                                               const struct mcpz_id *from,
                                               const struct mcpz_msg_folded *answer);
/** Two nodes cannot be right of `document`: count it, and say so. */
void mcpz_folding_alarm(struct mcpz_engine *engine, const struct mcpz_id *document);
/** Ask about what is due. */
void mcpz_folding_tick(struct mcpz_engine *engine);
mcpz_time mcpz_folding_deadline(const struct mcpz_engine *engine);

/* sealing.c */

/** The port through which the core has its sessions through others sealed. */
struct mcpz_sealer mcpz_sealing_port(struct mcpz_engine *engine);
/** Wipe the keys of all sessions. */
void mcpz_sealing_clear(struct mcpz_engine *engine);

/* layouts.c */

/** The port through which the core has layouts read and their signatures judged. */
struct mcpz_layout_opener mcpz_layouts_port(struct mcpz_engine *engine);

/* outbound.c */

/** Carry out one action of the core. */
void mcpz_outbound_action(struct mcpz_engine *engine, const struct mcpz_action *action);
/** Hold a message until this turn's writes are on disk, then send it along `route`. */
void mcpz_outbound_hold(struct mcpz_engine *engine, const struct mcpz_msg *msg,
                        const struct mcpz_link_set *route);
/** Hold a message until this turn's writes are on disk, then send it to `row`. */
void mcpz_outbound_hold_admit(struct mcpz_engine *engine, struct mcpz_link_row *row,
                              const struct mcpz_msg *msg);
/** Answer a request once this turn's writes are on disk. */
void mcpz_outbound_reply(struct mcpz_engine *engine, uint64_t request, uint32_t code,
                         const char *text);
/** Give what this turn holds its batch. */
void mcpz_outbound_settle(struct mcpz_engine *engine, uint64_t batch);
/** Let out what is durable, undo what will never be. */
void mcpz_outbound_release(struct mcpz_engine *engine);
/** Is something held whose turn has not ended? */
bool mcpz_outbound_is_unsettled(const struct mcpz_engine *engine);
void mcpz_outbound_clear(struct mcpz_engine *engine);

#endif
