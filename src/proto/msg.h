/*
 * The messages nodes exchange, as plain values.
 *
 * This is the vocabulary of the whole program: core decides with these, wire turns them into
 * bytes. Slices and lists in a message are borrowed: of a received one they last until the step
 * returns, of a sent one they lie in the outbox's arena.
 *
 * A new message brings: a struct here, a row in wire/codec.c, a handler, a test with its bytes
 * spelled out, a corpus file.
 */

#ifndef PROTO_MSG_H
#define PROTO_MSG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/bytes.h"
#include "proto/agent.h"
#include "proto/id.h"

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
    MCPZ_MSG_ACK = 7,
    MCPZ_MSG_MEMBER = 8,
    MCPZ_MSG_CAPABILITIES = 9,
    MCPZ_MSG_OPEN = 10,
    MCPZ_MSG_DATA = 11,
    MCPZ_MSG_END = 12,
    MCPZ_MSG_FAIL = 13,
    MCPZ_MSG_CANCEL = 14,
    MCPZ_MSG_CREDIT = 15,
    MCPZ_MSG_DELTA = 16,
    MCPZ_MSG_DIGESTS = 17,
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
    uint32_t code;          /* enum mcpz_code */
    struct mcpz_bytes text; /* for people */
};

/* "My certificate is past two thirds of its life." To a coordinator, on an admitted link. */
struct mcpz_msg_renew {
    uint32_t unused; /* fields may be appended */
};

/* ---- Members ------------------------------------------------------------------------------ */

/* "Are you there?" Answered by an ACK with the same `seq`. */
struct mcpz_msg_ping {
    uint32_t seq;
};

struct mcpz_msg_ack {
    uint32_t seq;
};

/* Order is precedence at equal incarnation: SWIM 4.2. Numbers are on the wire. */
enum mcpz_member_state {
    MCPZ_MEMBER_ALIVE = 1,
    MCPZ_MEMBER_SUSPECT = 2,
    MCPZ_MEMBER_DEAD = 3,
    MCPZ_MEMBER_LEFT = 4,
    MCPZ_MEMBER_STATE_END,
};

/* News about one member. Only the member itself raises `incarnation`. */
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
};

/* All that one node offers, as of its own `version` in this `incarnation`. */
struct mcpz_msg_capabilities {
    struct mcpz_id id;
    uint64_t incarnation;
    uint32_t version;
    const struct mcpz_bytes *names;
    size_t name_count;
};

/* ---- Calls ------------------------------------------------------------------------------------
 * A call has an id its caller chose, unique among the caller's. Messages that go both ways say
 * which side speaks. */

struct mcpz_msg_open {
    uint64_t call;
    struct mcpz_bytes capability;
    uint32_t timeout_ms; /* what is left of the caller's deadline */
    uint32_t attempt;    /* from 1 */
    uint32_t priority;   /* 0 to 100, higher first */
    struct mcpz_bytes tenant;
    struct mcpz_bytes traceparent; /* W3C Trace Context, may be empty */
    struct mcpz_bytes params;      /* JSON, opaque to the mesh */
    bool has_input;                /* DATA and END will follow */
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
};

/* From the provider: the call failed, nothing more comes. */
struct mcpz_msg_fail {
    uint64_t call;
    uint32_t code; /* enum mcpz_code */
    struct mcpz_bytes text;
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

/* ---- Agents ------------------------------------------------------------------------------- */

struct mcpz_msg_delta {
    struct mcpz_delta delta;
};

struct mcpz_digest {
    struct mcpz_id document;
    uint64_t digest; /* of its version vector: core/crdt/clock.h */
};

/*
 * "Of the documents after `after` up to and including `upto`, I hold these, so far along."
 * Sorted by document. What is not named in that range I do not have.
 */
struct mcpz_msg_digests {
    struct mcpz_id after; /* zeros: from the start, and including it */
    struct mcpz_id upto;  /* 0xff...: to the end */
    const struct mcpz_digest *digests;
    size_t digest_count;
};

/* "Of this document I have so much; send what I lack." */
struct mcpz_msg_want {
    struct mcpz_id document;
    const struct mcpz_version *versions; /* sorted by actor */
    size_t version_count;
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
};

/* "This node is new": a random walk from neighbour to neighbour. */
struct mcpz_msg_overlay_forward {
    struct mcpz_id joiner;
    uint32_t ttl; /* hops still to go */
};

/* "Be my neighbour." Answered by ANSWER with the same `seq`. */
struct mcpz_msg_overlay_neighbour {
    uint32_t seq;
    bool high; /* may not be refused: who asks has no neighbour, or was sent by a join */
};

struct mcpz_msg_overlay_answer {
    uint32_t seq;
    bool accepted; /* we hold you for a neighbour from now on */
};

/* "You are not my neighbour", or no longer. */
struct mcpz_msg_overlay_disconnect {
    bool leaving; /* nor may you ask me again */
};

struct mcpz_overlay_entry {
    struct mcpz_id id;
    uint32_t age_s; /* since it was last known to be there */
};

/* "I know these; whom do you know?" A random walk; its last node answers `origin`. */
struct mcpz_msg_overlay_shuffle {
    struct mcpz_id origin;
    uint32_t seq;
    uint32_t ttl; /* hops still to go, this one included */
    const struct mcpz_overlay_entry *entries;
    size_t entry_count;
};

struct mcpz_msg_overlay_shuffled {
    uint32_t seq;
    const struct mcpz_overlay_entry *entries;
    size_t entry_count;
};

struct mcpz_msg {
    enum mcpz_msg_kind kind;
    union {
        struct mcpz_msg_hello hello;
        struct mcpz_msg_join join;
        struct mcpz_msg_admit admit;
        struct mcpz_msg_refuse refuse;
        struct mcpz_msg_renew renew;
        struct mcpz_msg_ping ping;
        struct mcpz_msg_ack ack;
        struct mcpz_msg_member member;
        struct mcpz_msg_capabilities capabilities;
        struct mcpz_msg_open open;
        struct mcpz_msg_data data;
        struct mcpz_msg_end end;
        struct mcpz_msg_fail fail;
        struct mcpz_msg_cancel cancel;
        struct mcpz_msg_credit credit;
        struct mcpz_msg_delta delta;
        struct mcpz_msg_digests digests;
        struct mcpz_msg_want want;
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
    };
};

#endif
