/*
 * The messages nodes exchange, as plain values.
 *
 * This is the vocabulary of the whole program: core decides with these, wire turns them into
 * bytes. Slices and lists in a message are borrowed: of a received one they last until the step
 * returns, of a sent one they lie in the outbox's arena.
 *
 * A new message brings: a struct here (about documents: in proto/msg_documents.h), a row in
 * wire/codec.c, a handler, a test with its bytes spelled out, a corpus file.
 */

#ifndef PROTO_MSG_H
#define PROTO_MSG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/bytes.h"
#include "proto/id.h"
#include "proto/msg_documents.h"
#include "proto/revocation.h"
#include "proto/task.h"

#define MCPZ_TOKEN_ID_BYTES 16
#define MCPZ_PROOF_BYTES 32
#define MCPZ_NONCE_BYTES 32
#define MCPZ_GOSSIP_ID_BYTES 16

/* First field on the wire. Append, never reuse a number. */
enum mcpz_msg_kind {
    MCPZ_MSG_HELLO = 1,
    MCPZ_MSG_JOIN = 2,
    MCPZ_MSG_ADMIT = 3,
    MCPZ_MSG_REFUSE = 4,
    MCPZ_MSG_RENEW = 5,
    MCPZ_MSG_PING = 6,
    /* 7 was ACK: a heartbeat is answered by the next one. */
    MCPZ_MSG_MEMBER = 8,
    MCPZ_MSG_CAPABILITIES = 9,
    MCPZ_MSG_OPEN = 10,
    MCPZ_MSG_DATA = 11,
    MCPZ_MSG_END = 12,
    MCPZ_MSG_FAIL = 13,
    MCPZ_MSG_CANCEL = 14,
    MCPZ_MSG_CREDIT = 15,
    MCPZ_MSG_DELTA = 16,
    /* 17 was DIGESTS: all of them, page by page. */
    MCPZ_MSG_WANT = 18,
    MCPZ_MSG_OVERLAY_JOIN = 19,
    MCPZ_MSG_OVERLAY_FORWARD = 20,
    MCPZ_MSG_OVERLAY_NEIGHBOUR = 21,
    MCPZ_MSG_OVERLAY_ANSWER = 22,
    MCPZ_MSG_OVERLAY_DISCONNECT = 23,
    MCPZ_MSG_OVERLAY_SHUFFLE = 24,
    MCPZ_MSG_OVERLAY_SHUFFLED = 25,
    MCPZ_MSG_GOSSIP = 26,
    MCPZ_MSG_IHAVE = 27,
    MCPZ_MSG_GRAFT = 28,
    MCPZ_MSG_PRUNE = 29,
    MCPZ_MSG_SUSPECT = 30,
    MCPZ_MSG_DEAD = 31,
    MCPZ_MSG_ADJACENCY = 32,
    MCPZ_MSG_SUMMARY = 33,
    MCPZ_MSG_PROBE = 34,
    MCPZ_MSG_OVERLAY_OPTIMISE = 35,
    MCPZ_MSG_OVERLAY_REPLACE = 36,
    MCPZ_MSG_OVERLAY_SWITCH = 37,
    MCPZ_MSG_OVERLAY_SWITCHED = 38,
    MCPZ_MSG_RELAY = 39,
    MCPZ_MSG_RELAY_TAKEN = 40,
    MCPZ_MSG_LOAD_ASK = 45,
    MCPZ_MSG_LOAD = 46,
    MCPZ_MSG_TASK_KEEP = 50,
    MCPZ_MSG_TASK_MOVED = 51,
    MCPZ_MSG_TASK_KEPT = 52,
    MCPZ_MSG_TASK_LACK = 53,
    MCPZ_MSG_TASK_YIELD = 54,
    MCPZ_MSG_TASK_DROP = 55,
    MCPZ_MSG_TASK_UNABLE = 56,
    MCPZ_MSG_TASK_CHECK = 57,
    MCPZ_MSG_TASK_STANDS = 58,
    MCPZ_MSG_TASK_RENEW = 59,
    MCPZ_MSG_TASK_SUBMIT = 64,
    MCPZ_MSG_TASK_TAKEN = 65,
    MCPZ_MSG_TASK_KEEP_NEW = 66,
    MCPZ_MSG_TASK_KEPT_ALL = 67,
    MCPZ_MSG_BRANCHES = 68,
    MCPZ_MSG_FETCH = 69,
    MCPZ_MSG_BATCH = 70,
    MCPZ_MSG_AUTHOR = 71,
    MCPZ_MSG_FOLD = 72,
    MCPZ_MSG_FOLDED = 73,
    MCPZ_MSG_AGREED = 74,
    MCPZ_MSG_BASE = 75,
    MCPZ_MSG_LAYOUT = 76,
    MCPZ_MSG_LAYOUT_STATE = 77,
    MCPZ_MSG_ACK_ASK = 78,
    MCPZ_MSG_ACK = 79,
    MCPZ_MSG_PULL = 80,
    MCPZ_MSG_PULLED = 81,
    MCPZ_MSG_HANDOVER = 82,
    MCPZ_MSG_HANDED = 83,
    MCPZ_MSG_READ = 84,
    MCPZ_MSG_READING = 85,
    MCPZ_MSG_ROOT = 86,
    MCPZ_MSG_CHANGES_ASK = 87,
    MCPZ_MSG_CHANGES = 88,
    MCPZ_MSG_OFFER = 89,
    MCPZ_MSG_SKETCH_ASK = 90,
    MCPZ_MSG_SKETCH = 91,
    MCPZ_MSG_HORIZON = 111,
    MCPZ_MSG_CHECK = 112,
    MCPZ_MSG_UNKNOWN = 113,
    MCPZ_MSG_FORGET = 115,
    MCPZ_MSG_FORGET_ANSWER = 116,
    MCPZ_MSG_REVOKED = 117,
    MCPZ_MSG_KIND_END,
};

/* ---- Admission: the only messages read before a link is admitted -------------------------- */

/* First on every link, both ways, at once. */
struct mcpz_msg_hello {
    uint32_t version_min;
    uint32_t version_max;
    struct mcpz_id mesh;           /* zero when joining and without a mesh */
    struct mcpz_bytes certificate; /* encoded chain; empty when joining */
    bool joining;                  /* "I have a token for the mesh named above" */
};

/* From a joiner that has verified the other side's certificate against the token's mesh. */
struct mcpz_msg_join {
    struct mcpz_bytes token_id; /* MCPZ_TOKEN_ID_BYTES */
    struct mcpz_bytes proof;    /* MCPZ_PROOF_BYTES: crypto/token.h */
};

/* "You are in; here is your certificate." Also the answer to RENEW. */
struct mcpz_msg_admit {
    struct mcpz_bytes certificate;
};

/* "No." The link is closed after it. */
struct mcpz_msg_refuse {
    uint32_t code;                       /* enum mcpz_code */
    struct mcpz_bytes text;              /* for people */
    const struct mcpz_revocation *proof; /* that the receiver is revoked */
    size_t proof_count;                  /* 0 or 1 */
};

/* "My certificate is past two thirds of its life." To a coordinator, on an admitted link. */
struct mcpz_msg_renew {
    uint32_t unused; /* fields may be appended */
};

/*
 * "These nodes are gone for good." Who asks is sent all there are; so is, with the same question,
 * who names another digest than ours.
 */
struct mcpz_msg_revoked {
    uint64_t digest; /* of all that the sender knows of, these included; 0: not to be compared */
    bool asks;
    const struct mcpz_revocation *rows;
    size_t row_count;
};

/* ---- Members ------------------------------------------------------------------------------ */

/*
 * A heartbeat, on every link, both ways. It acknowledges the other end's: who finds its own echo
 * standing still is not heard (core/links.h).
 */
struct mcpz_msg_ping {
    uint32_t seq;     /* of the sender's heartbeats on this link, from 1 */
    uint32_t echo;    /* the last one heard from the receiver; 0: none yet */
    uint32_t echo_us; /* how long before this was sent */
    uint32_t next_ms; /* the next one comes within this time */
    uint32_t digest;  /* of whom the sender holds for members: core/members.h */
    bool neighbour;   /* the sender holds the receiver for a neighbour: core/overlay.h */
};

/* Order is precedence at equal incarnation: SWIM 4.2. Numbers are on the wire. */
enum mcpz_member_state {
    MCPZ_MEMBER_ALIVE = 1,
    MCPZ_MEMBER_SUSPECT = 2,
    MCPZ_MEMBER_DEAD = 3,
    MCPZ_MEMBER_LEFT = 4,
    MCPZ_MEMBER_STATE_END,
};

/*
 * What a member says of itself: ALIVE, or LEFT. Nobody else can make one, so others hand it on as
 * it is. `signature` is the member's, over the message encoded with an empty signature.
 */
struct mcpz_msg_member {
    struct mcpz_id id;
    uint64_t incarnation;
    uint32_t state; /* enum mcpz_member_state */
    struct mcpz_bytes name;
    struct mcpz_bytes address; /* host:port others may dial; empty: dials out only */
    struct mcpz_bytes region;
    struct mcpz_bytes zone;
    const struct mcpz_bytes *roles;
    size_t role_count;
    struct mcpz_bytes signature; /* MCPZ_SIGNATURE_BYTES, or empty where nobody signs */
};

/* Why somebody holds a member for suspect. Numbers are on the wire. */
enum mcpz_suspicion {
    MCPZ_SUSPICION_LATE = 1,    /* a heartbeat is overdue */
    MCPZ_SUSPICION_SILENT,      /* nothing for so long that the link was given up */
    MCPZ_SUSPICION_CLOSED,      /* the link broke, and redialling has not told more yet */
    MCPZ_SUSPICION_REFUSED,     /* the link broke, and its machine says that nobody listens */
    MCPZ_SUSPICION_PROBE,       /* probes over other members came to nothing */
    MCPZ_SUSPICION_UNREACHABLE, /* no member that is alive says it is its neighbour */
    MCPZ_SUSPICION_RUMOUR,      /* elsewhere it is held for dead */
    MCPZ_SUSPICION_END,
};

/* "I doubt that it is there." Every observer speaks for itself: SWIM 4.2, Lifeguard 4.2. */
struct mcpz_msg_suspect {
    struct mcpz_id about;
    uint64_t incarnation;
    struct mcpz_id observer;
    uint32_t reason; /* enum mcpz_suspicion */
};

/* "It is dead": SWIM's Confirm. Only a greater incarnation, its own, overrides it. */
struct mcpz_msg_dead {
    struct mcpz_id about;
    uint64_t incarnation;
    struct mcpz_id observer; /* who came to that conclusion */
};

/* The first bytes of a node's id: enough to tell members apart where a mistake does no harm. */
struct mcpz_short {
    uint32_t value;
};

static inline struct mcpz_short mcpz_short_of(const struct mcpz_id *id)
{
    return (struct mcpz_short){(uint32_t)id->bytes[0] << 24 | (uint32_t)id->bytes[1] << 16 |
                               (uint32_t)id->bytes[2] << 8 | id->bytes[3]};
}

/* Whom a member has for neighbours, in its own words. */
struct mcpz_msg_adjacency {
    struct mcpz_id id;
    uint64_t incarnation;
    uint32_t version; /* in this incarnation */
    const struct mcpz_short *peers;
    size_t peer_count;
};

struct mcpz_summary_row {
    uint64_t key; /* the first bytes of an id */
    uint64_t incarnation;
    uint32_t version; /* of the adjacency, or of the capabilities */
    bool gone;        /* dead or left */
};

enum mcpz_summary_what { MCPZ_SUMMARY_MEMBERS = 1, MCPZ_SUMMARY_CAPABILITIES };

/* "So far along am I; send what I lack." The answer to one that is not a reply is one that is. */
struct mcpz_msg_summary {
    uint32_t what; /* enum mcpz_summary_what */
    bool reply;
    const struct mcpz_summary_row *rows;
    size_t row_count;
};

enum mcpz_probe_kind {
    MCPZ_PROBE_ASK = 1, /* on its way to the target */
    MCPZ_PROBE_ACK,     /* on its way back: the target was there */
    MCPZ_PROBE_NACK,    /* on its way back: a hop on the path had no link to the next */
};

/* "Are you there?" over links that exist: source-routed from path[0] to the last. */
struct mcpz_msg_probe {
    uint32_t kind; /* enum mcpz_probe_kind */
    uint32_t seq;
    uint32_t at; /* index in `path` of who receives this */
    const struct mcpz_short *path;
    size_t path_count;
};

/* All that one node offers, as of its own `version` in this `incarnation`. */
struct mcpz_msg_capabilities {
    struct mcpz_id id;
    uint64_t incarnation;
    uint32_t version;
    const struct mcpz_bytes *names;
    size_t name_count;
    struct mcpz_bytes
        isolations; /* enum mcpz_isolation, a byte a name; those missing are unsaid */
};

/* ---- Calls ------------------------------------------------------------------------------------
 * A call has an id its caller chose, unique among the caller's. Messages that go both ways say
 * which side speaks. */

struct mcpz_msg_open {
    uint64_t call;
    struct mcpz_bytes capability;
    uint32_t timeout_ms; /* what is left of the caller's deadline */
    uint32_t attempt;    /* from 1 */
    uint32_t priority;   /* 0 to MCPZ_PRIORITY_MAX, higher first */
    struct mcpz_bytes tenant;
    struct mcpz_bytes traceparent;     /* W3C Trace Context, may be empty */
    struct mcpz_bytes params;          /* JSON, opaque to the mesh */
    bool has_input;                    /* DATA and END will follow */
    struct mcpz_bytes idempotency_key; /* done once however often it is asked for; may be empty */
    bool idempotent; /* doing it twice does no harm: it may be tried elsewhere, or hedged */
    bool durable;    /* what comes of it is kept under its key: core/ledger.h */
    struct mcpz_bytes target; /* a node's id: nobody else may do it; empty: whoever can. From a
                               * program to its node; of no meaning between nodes */
    uint32_t spared; /* calls that were not sent since the last, for what was told in turns_away */
    uint32_t isolation; /* enum mcpz_isolation: only if it is done so isolated; 0: however */
    uint32_t levels;    /* of subtasks it may be split into; 0: it may not be */
};

struct mcpz_msg_data {
    uint64_t call;
    bool from_caller;
    struct mcpz_bytes chunk; /* 1 to MCPZ_CHUNK_BYTES_MAX */
};

/* That was all from this side. From the provider: the call succeeded. */
struct mcpz_msg_end {
    uint64_t call;
    bool from_caller;
    struct mcpz_bytes chunk; /* the last of it, as in DATA, which it saves; may be empty */
    uint32_t load; /* of the provider, see LOAD: 1 more than are in flight; 0: not said */
    uint32_t latency_us;
    uint32_t turns_away; /* see LOAD */
    bool plan; /* what was given is no result, but into which subtasks it is to be split */
};

/* From the provider: the call failed, nothing more comes. */
struct mcpz_msg_fail {
    uint64_t call;
    uint32_t code; /* enum mcpz_code */
    struct mcpz_bytes text;
    uint32_t retry_after_ms; /* come back no sooner; 0: unknown */
    uint32_t load;           /* as in END */
    uint32_t latency_us;
    uint32_t turns_away;
};

/* "How much have you to do?" Answered by LOAD if it is offered. */
struct mcpz_msg_load_ask {
    struct mcpz_bytes capability;
};

/* What a provider has to do of one capability: core/load.h. */
struct mcpz_msg_load {
    struct mcpz_bytes capability;
    uint32_t in_flight;
    uint32_t latency_us; /* of those at about as many in flight; 0: unknown */
    uint32_t turns_away; /* calls of this tenant and of this class, or a less important one, would
                          * be refused just now (core/gate/shedder.h); 0: none would */
};

/* From the caller: stop it. */
struct mcpz_msg_cancel {
    uint64_t call;
};

/* "You may send so many bytes more." Each side starts with MCPZ_CALL_WINDOW_BYTES. */
struct mcpz_msg_credit {
    uint64_t call;
    bool from_caller;
    uint32_t bytes;
};

/* ---- Relays -----------------------------------------------------------------------------------
 * Two nodes without a link speak through others: core/relay.h. */

enum mcpz_relay_kind {
    MCPZ_RELAY_GREET = 1, /* the first message of a session */
    MCPZ_RELAY_GREETED,   /* its answer */
    MCPZ_RELAY_SEALED,    /* a message of a call, or nothing: a sign of life */
    MCPZ_RELAY_BROKEN,    /* on its way back: who was at `broken_at` could not hand it on */
};

/* Source-routed from path[0], who says it, to the last, for whom it is. */
struct mcpz_msg_relay {
    uint32_t kind;    /* enum mcpz_relay_kind */
    uint64_t session; /* a lot of who began it */
    uint32_t at;      /* index in `path` of who receives this */
    const struct mcpz_short *path;
    size_t path_count;
    uint32_t broken_at;      /* BROKEN */
    struct mcpz_bytes bytes; /* for nobody between the two to read; BROKEN: that hop's signature */
};

/* "I have taken so many bytes of RELAY off this link": to the hop they came from. */
struct mcpz_msg_relay_taken {
    uint32_t bytes;
};

/* ---- Durable tasks ----------------------------------------------------------------------------
 * core/tasks.h says who sends what when. `life` in a state means nothing to others, and is 0. */

/* From the owner: "Keep this, all of it." Answered with KEPT, YIELD or UNABLE. */
struct mcpz_msg_task_keep {
    struct mcpz_task_id id;
    struct mcpz_task_body body;
    struct mcpz_task_state state;
};

/* A task that was handed in just now. */
struct mcpz_task_new {
    struct mcpz_task_id id;
    struct mcpz_task_body body;
};

/* The same of several that are new: epoch 1, revision 1, queued. Answered with KEPT_ALL, and with
 * YIELD or UNABLE for those of which that is true. */
struct mcpz_msg_task_keep_new {
    const struct mcpz_task_new *tasks; /* MCPZ_TASK_ORDERS_MAX */
    size_t task_count;
};

/* From the owner: "It has come so far." Answered with KEPT, YIELD or LACK. */
struct mcpz_msg_task_moved {
    struct mcpz_task_id id;
    struct mcpz_task_state state;
    struct mcpz_bytes result; /* DONE: what it gave; SPLIT: the plan, unless it was kept before */
};

/* One task, as far along as the sender knows. */
struct mcpz_msg_task_mark {
    struct mcpz_task_id id;
    uint64_t epoch;
    uint64_t revision;
};

/* KEPT of each of them. */
struct mcpz_msg_task_kept_all {
    const struct mcpz_msg_task_mark *marks; /* MCPZ_TASK_ORDERS_MAX */
    size_t mark_count;
};

/* "Not yours: it belongs to this node." The receiver lets it go. */
struct mcpz_msg_task_yield {
    struct mcpz_task_id id;
    uint64_t epoch;
    struct mcpz_id owner;
};

/* From a program to its node: "Have these done." Their numbers count up from `number`. */
struct mcpz_msg_task_submit {
    uint64_t number;
    const struct mcpz_task_order *orders; /* MCPZ_TASK_ORDERS_MAX */
    size_t order_count;
};

/* From the node to a program: what became of some of them, each once. */
struct mcpz_msg_task_taken {
    const struct mcpz_task_taken *rows; /* MCPZ_TASK_ORDERS_MAX */
    size_t row_count;
};

/* From the provider of a call: "I am still at it." */
struct mcpz_msg_task_renew {
    uint64_t call;
};

/* ---- Broadcast: Plumtree (SRDS'07, algorithms 1 to 3) ------------------------------------- */

/* Names one broadcast in the whole mesh. Whoever broadcasts makes it: a hash, or random. */
struct mcpz_gossip_id {
    uint8_t bytes[MCPZ_GOSSIP_ID_BYTES];
};

static inline bool mcpz_gossip_id_equal(const struct mcpz_gossip_id *a,
                                        const struct mcpz_gossip_id *b)
{
    return memcmp(a->bytes, b->bytes, MCPZ_GOSSIP_ID_BYTES) == 0;
}

struct mcpz_msg_gossip {
    struct mcpz_gossip_id id;
    uint32_t round; /* links it has crossed when it arrives, from 1 */
    struct mcpz_bytes payload;
    bool patient;   /* its announcements may wait for others: a mended tree is no hurry */
    bool scattered; /* it began at all neighbours of its source: a second copy says nothing of
                       the tree */
};

struct mcpz_gossip_notice {
    struct mcpz_gossip_id id;
    uint32_t round; /* that its GOSSIP would have had on this link */
    uint32_t bytes; /* of a payload that comes only when pulled; 0: a small one, which is pushed */
};

/* "I have these; ask if you lack one." */
struct mcpz_msg_ihave {
    const struct mcpz_gossip_notice *notices;
    size_t notice_count;
};

/* "From now on send me what comes, and send me this one." */
struct mcpz_msg_graft {
    bool wanted;              /* false: nothing is missing, only the link changes */
    struct mcpz_gossip_id id; /* zeros unless wanted */
    bool pull;                /* only send me this one: the link stays as it is */
};

/* "From now on only announce to me what comes." */
struct mcpz_msg_prune {
    uint32_t unused; /* fields may be appended */
};

/* ---- Overlay ----------------------------------------------------------------------------------
 * HyParView (Leitao, Pereira, Rodrigues, DSN 2007): who is whose neighbour. core/overlay.h */

/* "I am new here: be my neighbour, and tell others." Answered by ANSWER with the same `seq`. */
struct mcpz_msg_overlay_join {
    uint32_t seq;
    uint32_t scope;            /* the sender's, see struct mcpz_overlay_entry */
    struct mcpz_bytes address; /* the sender's */
};

/* "This node is new": a random walk from neighbour to neighbour. */
struct mcpz_msg_overlay_forward {
    struct mcpz_id joiner;
    uint32_t ttl; /* hops still to go */
    uint32_t scope;
    struct mcpz_bytes address;
};

/* "Be my neighbour." Answered by ANSWER with the same `seq`. */
struct mcpz_msg_overlay_neighbour {
    uint32_t seq;
    bool high; /* may not be refused: who asks has no neighbour, or was sent by a join */
    uint32_t scope;
    struct mcpz_bytes address;
};

struct mcpz_msg_overlay_answer {
    uint32_t seq;
    bool accepted; /* we hold you for a neighbour from now on */
    uint32_t scope;
    struct mcpz_bytes address;
};

/* "You are not my neighbour", or no longer. */
struct mcpz_msg_overlay_disconnect {
    bool leaving; /* nor may you ask me again */
};

struct mcpz_overlay_entry {
    struct mcpz_id id;
    uint32_t age_s; /* since it was last known to be there */
    uint32_t scope; /* equal for nodes that hold each other for members: core/overlay.h */
    struct mcpz_bytes address;
};

/* "I know these; whom do you know?" A random walk; its last node answers, back along `path`. */
struct mcpz_msg_overlay_shuffle {
    struct mcpz_id origin;
    uint32_t seq;
    uint32_t ttl; /* hops still to go, this one included */
    const struct mcpz_overlay_entry *entries;
    size_t entry_count;
    const struct mcpz_short *path; /* whom it has passed, the origin first */
    size_t path_count;
};

struct mcpz_msg_overlay_shuffled {
    uint32_t seq;
    const struct mcpz_overlay_entry *entries;
    size_t entry_count;
    const struct mcpz_short *path; /* whom it has yet to pass: the last is next */
    size_t path_count;
};

/* ---- Optimisation -----------------------------------------------------------------------------
 * X-BOT (Leitao, Marques, Pereira, Rodrigues, SRDS 2009): neighbours are exchanged for nearer
 * ones. Each of the three asks is answered by SWITCHED with the same `seq`. core/xbot.h */

/* "Be my neighbour in place of this one: it costs me so much less." */
struct mcpz_msg_overlay_optimise {
    uint32_t seq;
    uint32_t scope;            /* the sender's */
    struct mcpz_bytes address; /* the sender's */
    uint32_t gain_us;          /* round trip to the old one, less that to the receiver */
    struct mcpz_id old;
    uint32_t old_scope;
    struct mcpz_bytes old_address;
};

/* "Take this one for a neighbour instead of me, if it costs you less than that." */
struct mcpz_msg_overlay_replace {
    uint32_t seq;
    struct mcpz_id initiator; /* who gives it away */
    uint32_t limit_us;        /* what is gained elsewhere, and by letting the sender go */
    struct mcpz_id old;
    uint32_t old_scope;
    struct mcpz_bytes old_address;
};

/* "Take me for a neighbour instead of the one who gives you away." */
struct mcpz_msg_overlay_switch {
    uint32_t seq;
    uint32_t scope;            /* the sender's */
    struct mcpz_bytes address; /* the sender's */
    struct mcpz_id initiator;
};

struct mcpz_msg_overlay_switched {
    uint32_t seq;
    bool accepted; /* it is done at this end, and at all behind it */
};

struct mcpz_msg {
    enum mcpz_msg_kind kind;
    union {
        struct mcpz_msg_hello hello;
        struct mcpz_msg_join join;
        struct mcpz_msg_admit admit;
        struct mcpz_msg_refuse refuse;
        struct mcpz_msg_renew renew;
        struct mcpz_msg_revoked revoked;
        struct mcpz_msg_ping ping;
        struct mcpz_msg_member member;
        struct mcpz_msg_suspect suspect;
        struct mcpz_msg_dead dead;
        struct mcpz_msg_adjacency adjacency;
        struct mcpz_msg_summary summary;
        struct mcpz_msg_probe probe;
        struct mcpz_msg_capabilities capabilities;
        struct mcpz_msg_open open;
        struct mcpz_msg_data data;
        struct mcpz_msg_end end;
        struct mcpz_msg_fail fail;
        struct mcpz_msg_cancel cancel;
        struct mcpz_msg_load_ask load_ask;
        struct mcpz_msg_load load;
        struct mcpz_msg_credit credit;
        struct mcpz_msg_task_keep task_keep;
        struct mcpz_msg_task_moved task_moved;
        struct mcpz_msg_task_mark task_mark; /* KEPT, LACK, DROP, UNABLE, CHECK, STANDS */
        struct mcpz_msg_task_yield task_yield;
        struct mcpz_msg_task_renew task_renew;
        struct mcpz_msg_task_submit task_submit;
        struct mcpz_msg_task_taken task_taken;
        struct mcpz_msg_task_keep_new task_keep_new;
        struct mcpz_msg_task_kept_all task_kept_all;
        struct mcpz_msg_delta delta;
        struct mcpz_msg_batch batch;
        struct mcpz_msg_author author;
        struct mcpz_msg_fold fold;
        struct mcpz_msg_forget forget;
        struct mcpz_msg_forget_answer forget_answer;
        struct mcpz_msg_folded folded;
        struct mcpz_msg_agreed agreed;
        struct mcpz_msg_base base;
        struct mcpz_msg_want want;
        struct mcpz_msg_layout layout;
        struct mcpz_msg_layout_state layout_state;
        struct mcpz_msg_ack_ask ack_ask;
        struct mcpz_msg_ack ack;
        struct mcpz_msg_pull pull;
        struct mcpz_msg_pulled pulled;
        struct mcpz_msg_branches branches;
        struct mcpz_msg_fetch fetch;
        struct mcpz_msg_root root;
        struct mcpz_msg_changes_ask changes_ask;
        struct mcpz_msg_changes changes;
        struct mcpz_msg_offer offer;
        struct mcpz_msg_sketch_ask sketch_ask;
        struct mcpz_msg_sketch sketch;
        struct mcpz_msg_horizon horizon;
        struct mcpz_msg_check check;
        struct mcpz_msg_unknown unknown;
        struct mcpz_msg_handover handover;
        struct mcpz_msg_handed handed;
        struct mcpz_msg_read read;
        struct mcpz_msg_reading reading;
        struct mcpz_msg_gossip gossip;
        struct mcpz_msg_ihave ihave;
        struct mcpz_msg_graft graft;
        struct mcpz_msg_prune prune;
        struct mcpz_msg_overlay_join overlay_join;
        struct mcpz_msg_overlay_forward overlay_forward;
        struct mcpz_msg_overlay_neighbour overlay_neighbour;
        struct mcpz_msg_overlay_answer overlay_answer;
        struct mcpz_msg_overlay_disconnect overlay_disconnect;
        struct mcpz_msg_overlay_shuffle overlay_shuffle;
        struct mcpz_msg_overlay_shuffled overlay_shuffled;
        struct mcpz_msg_overlay_optimise overlay_optimise;
        struct mcpz_msg_overlay_replace overlay_replace;
        struct mcpz_msg_overlay_switch overlay_switch;
        struct mcpz_msg_overlay_switched overlay_switched;
        struct mcpz_msg_relay relay;
        struct mcpz_msg_relay_taken relay_taken;
    };
};

#endif
