/*
 * What outlives the process, as plain values: the rows of the store.
 *
 * The first fields of each record are its key (store/schema.h turns them into bytes that sort as
 * listed); the rest is its value, encoded by the same table-driven codec as messages. Slices of a
 * record that was read are borrowed until the turn ends.
 */

#ifndef PROTO_RECORD_H
#define PROTO_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "proto/agent.h"
#include "proto/batch.h"
#include "proto/checkpoint.h"
#include "proto/id.h"
#include "proto/msg.h"
#include "proto/placement.h"
#include "proto/revocation.h"
#include "proto/task.h"

/* Also the first byte of the key. Append, never reuse a number. */
enum mcpz_record_kind {
    MCPZ_RECORD_SELF = 1,
    MCPZ_RECORD_TOKEN = 2,
    MCPZ_RECORD_PEER = 3,
    MCPZ_RECORD_DOCUMENT = 4,
    MCPZ_RECORD_ENTRY = 5,
    MCPZ_RECORD_DELTA = 6,
    MCPZ_RECORD_TASK = 7,
    MCPZ_RECORD_TASK_STATE = 8,
    MCPZ_RECORD_TASK_LISTED = 9,
    MCPZ_RECORD_TASK_KEY = 10,
    MCPZ_RECORD_TASK_RESULT = 11,
    MCPZ_RECORD_QUEUE = 12,
    MCPZ_RECORD_RUN = 13,
    MCPZ_RECORD_TASK_PLAN = 14,
    MCPZ_RECORD_FORK = 15,
    MCPZ_RECORD_BATCH = 17,
    MCPZ_RECORD_AUTHOR = 18,
    MCPZ_RECORD_CHECKPOINT = 19,
    MCPZ_RECORD_LAYOUT = 20,
    MCPZ_RECORD_TRACKER = 21,
    MCPZ_RECORD_STAGED = 22,
    MCPZ_RECORD_HINT = 23,
    MCPZ_RECORD_CHANGE = 25,
    MCPZ_RECORD_CHANGES = 26,
    MCPZ_RECORD_CURSOR = 27,
    MCPZ_RECORD_BLOB_DOCUMENT = 28,
    MCPZ_RECORD_FLOOR = 37,
    MCPZ_RECORD_BASE = 38,
    MCPZ_RECORD_STABLE = 39,
    MCPZ_RECORD_HORIZON = 44,
    MCPZ_RECORD_SETTLED = 45,
    MCPZ_RECORD_REVOKED = 46,
    MCPZ_RECORD_KIND_END,
};

/* What this node must know of itself after a restart. One row. */
struct mcpz_record_self {
    struct mcpz_id mesh;
    struct mcpz_bytes certificate; /* encoded chain */
    uint64_t incarnation;          /* of the membership protocol: none used is above it */
    uint32_t generation;           /* of the agents' actor: see struct mcpz_actor */
};

/* A join token we gave out. Key: id. The secret itself is not kept. */
struct mcpz_record_token {
    uint8_t id[MCPZ_TOKEN_ID_BYTES];
    struct mcpz_bytes key; /* MCPZ_PROOF_BYTES, made from the secret: crypto/token.h */
    uint64_t created_ms;   /* wall clock */
    uint64_t expires_ms;
    uint32_t uses_max;
    uint32_t uses_spent;
    struct mcpz_bytes role; /* may be empty */
    bool revoked;
    struct mcpz_id last; /* whom it let in last: asking again costs no use */
};

/* A member we have met: where to dial it when all links are gone. Key: id. */
struct mcpz_record_peer {
    struct mcpz_id id;
    struct mcpz_bytes address;
    struct mcpz_bytes name;
};

/* One agent. Key: id. */
struct mcpz_record_document {
    struct mcpz_id id;
    struct mcpz_bytes name; /* what people call it; empty until its first delta is here */
    bool deleted;
    uint64_t hlc;                        /* greatest stamp seen in it */
    uint32_t entry_count;                /* live */
    const struct mcpz_version *versions; /* sorted by actor */
    size_t version_count;
    const struct mcpz_cut *cuts; /* sorted by actor */
    size_t cut_count;
    uint64_t change; /* which of this store's changes was its last: core/crdt/holdings.h */
    struct mcpz_bytes tenant; /* whose it is, for ever; empty: the default one's */
};

/* Key: document, path, type, dot; so a scan meets entries in canonical order. */
struct mcpz_record_entry {
    struct mcpz_id document;
    struct mcpz_bytes path;
    uint32_t type;
    struct mcpz_dot dot;
    uint64_t hlc;
    struct mcpz_bytes value;
};

/* Key: document, actor, seq, head. An actor that contradicts itself has several of one seq. */
struct mcpz_record_delta {
    struct mcpz_delta delta;
    struct mcpz_head head; /* of this delta */
};

/*
 * Evidence that an actor has contradicted itself in a document: two deltas of one place, the first
 * such place there is. Both are kept (DELTA), with what was signed. Or `other` does not follow
 * `one`, which all have signed, and is of the next place. Key: document, actor.
 */
struct mcpz_record_fork {
    struct mcpz_id document;
    struct mcpz_actor actor;
    uint64_t seq;
    struct mcpz_id one; /* what was here */
    struct mcpz_id other;
    uint64_t one_hlc;
    uint64_t other_hlc;
    uint64_t noticed_ms; /* by our wall clock */
};

/* What a durable task is. Key: id. */
struct mcpz_record_task {
    struct mcpz_task_id id;
    struct mcpz_task_body body;
};

/* What has become of it. Key: id. */
struct mcpz_record_task_state {
    struct mcpz_task_id id;
    struct mcpz_task_state state;
};

/* Numbers are on disk. */
enum mcpz_task_list {
    MCPZ_TASK_LIST_READY = 1, /* group: the queue; order: 100 less the priority */
    MCPZ_TASK_LIST_LATER,     /* order: when it is due, wall clock */
    MCPZ_TASK_LIST_ENDED,     /* done or cancelled; order: when, wall clock */
    MCPZ_TASK_LIST_DEAD,      /* order: when, wall clock */
    MCPZ_TASK_LIST_LONE,      /* ours, and not known to be kept by another node */
    MCPZ_TASK_LIST_PART,      /* subtasks that are over; group: the parent; order: their part */
    MCPZ_TASK_LIST_END,
};

/* A place in a list, and no more. Key: all of it. */
struct mcpz_record_task_listed {
    uint32_t list;  /* enum mcpz_task_list */
    uint64_t group; /* 0 where a list has one only */
    uint64_t order;
    struct mcpz_task_id id;
};

/* Which task an idempotency key stands for. Key: tenant, key. */
struct mcpz_record_task_key {
    struct mcpz_bytes tenant;
    struct mcpz_bytes key;
    struct mcpz_task_id id;
};

/* What a task gave. Key: id. */
struct mcpz_record_task_result {
    struct mcpz_task_id id;
    struct mcpz_bytes bytes;
};

/* What a task was split into. Key: id. */
struct mcpz_record_task_plan {
    struct mcpz_task_id id;
    struct mcpz_task_plan plan;
};

/* What people have said of a queue. Key: capability. */
struct mcpz_record_queue {
    struct mcpz_bytes capability;
    bool paused;
};

/* What a provider has done under a key: core/ledger.h. Key: tenant, capability, key. */
struct mcpz_record_run {
    struct mcpz_bytes tenant;
    struct mcpz_bytes capability;
    struct mcpz_bytes key;
    bool done; /* false: it was under way */
    uint64_t ended_ms;
    struct mcpz_bytes result;
    bool plan; /* the result says into which subtasks it is to be split */
};

/*
 * A part of a signed batch, as long as one of its deltas is kept: what shows that they are their
 * author's. Key: name, first.
 */
struct mcpz_record_batch {
    struct mcpz_batch_name name;
    struct mcpz_batch_part part; /* `first` is of the key */
    struct mcpz_bytes leaves;    /* ids of its deltas, MCPZ_BATCH_DIGEST_BYTES each */
    uint32_t kept;               /* rows of deltas that refer to it; maybe more than there are */
};

/* Somebody who has written, and is of the mesh; or was. Key: id. */
struct mcpz_record_author {
    struct mcpz_id id;
    struct mcpz_id mesh;
    struct mcpz_bytes certificate; /* encoded chain */
};

/* A layout that is live. Key: stamp. */
struct mcpz_record_layout {
    struct mcpz_layout_stamp stamp;
    struct mcpz_bytes bytes; /* as its maker signed it */
};

/* How far a node of a live layout has come, as far as we know. Key: node. */
struct mcpz_record_tracker {
    struct mcpz_layout_tracker tracker;
};

/* The layout that is being put together here, not signed yet. One row. */
struct mcpz_record_staged {
    struct mcpz_bytes body; /* wire/placement_codec.h */
};

/* A document of which an owner could not be told, to be offered when it is back. Key: all but
 * `bytes`, so that those of one owner lie together, oldest first. */
struct mcpz_record_hint {
    struct mcpz_id owner;
    uint64_t since_ms; /* wall clock */
    struct mcpz_id document;
    uint64_t bytes; /* of the write, about */
};

/* What replicas of a document last agreed that it is. Key: document. */
struct mcpz_record_checkpoint {
    struct mcpz_id document;
    struct mcpz_id state; /* what they had seen */
    struct mcpz_id root;  /* what it came to */
    uint64_t deltas;      /* how many that was, of all writers */
    uint64_t folded_ms;   /* wall clock */
    const struct mcpz_cosignature *signatures;
    size_t signature_count;
};

/* What a change of this store was of. Key: seq. A document has one, of its last change. */
struct mcpz_record_change {
    uint64_t seq; /* from 1, rising */
    struct mcpz_id document;
};

/* Of all changes of this store. One row. */
struct mcpz_record_changes {
    uint64_t epoch; /* names this numbering */
    uint64_t floor; /* so far numbers were given out, if no CHANGE says more */
};

/* How much of a peer's changes we have. Key: peer. */
struct mcpz_record_cursor {
    struct mcpz_id peer;
    uint64_t epoch; /* of its numbering */
    uint64_t scope; /* of which layout that is true; 0: there is none */
    uint64_t seq;
    uint64_t wall_ms; /* when we came so far */
};

/* There is a document of that id, and it is about a blob: so those are found among all others.
 * Key: document. */
struct mcpz_record_blob_document {
    struct mcpz_id document;
};

/*
 * So far the deltas of a document are gone: what they came to is its base (core/crdt/floor.h).
 * Key: document.
 */
struct mcpz_record_floor {
    struct mcpz_id document;
    struct mcpz_agreed agreed;
    uint64_t byte_count; /* of the base, a checkpoint */
    uint64_t folded_ms;  /* wall clock */
    bool swept;          /* no row of what is below is left, but for the last of each actor */
    uint64_t agreed_ms; /* wall clock: when all had signed; 0: not known, so not after folded_ms */
    bool is_deleted;    /* there it is known to be */
};

/* A piece of a base. Key: document, index. */
struct mcpz_record_base {
    struct mcpz_id document;
    uint32_t index;
    struct mcpz_bytes bytes; /* MCPZ_BASE_PIECE_BYTES but for the last */
};

/* A place that all keepers have signed, to be the floor when it is old enough. Key: document. */
struct mcpz_record_stable {
    struct mcpz_id document;
    struct mcpz_agreed agreed;
    uint64_t agreed_ms; /* wall clock; 0: long enough ago */
    bool is_deleted;    /* there it is known to be */
};

/* What has been forgotten in this mesh, and whether we may know of it: core/crdt/horizon.h. One
 * row. Times are of wall clocks. */
struct mcpz_record_horizon {
    uint64_t horizon_ms; /* whoever was here last before it may hold what was forgotten; 0: nothing
                            ever was */
    uint64_t fresh_ms;   /* until then others know that we were here */
    uint64_t told_hlc;   /* what we wrote up to it others may have; MCPZ_HORIZON_TOLD_ALL: all */
    uint64_t since_ms;   /* since then we keep what others keep */
    bool is_whole;       /* we had all that one who had all had */
};

/* Since when only this layout is live, and all that it names have what is theirs. One row. */
struct mcpz_record_settled {
    struct mcpz_layout_stamp stamp;
    uint64_t since_ms; /* wall clock */
};

/* A node of this mesh that is gone for good. Key: node. */
struct mcpz_record_revoked {
    struct mcpz_revocation revocation;
};

struct mcpz_record {
    enum mcpz_record_kind kind;
    union {
        struct mcpz_record_self self;
        struct mcpz_record_token token;
        struct mcpz_record_peer peer;
        struct mcpz_record_document document;
        struct mcpz_record_entry entry;
        struct mcpz_record_delta delta;
        struct mcpz_record_fork fork;
        struct mcpz_record_task task;
        struct mcpz_record_task_state task_state;
        struct mcpz_record_task_listed task_listed;
        struct mcpz_record_task_key task_key;
        struct mcpz_record_task_result task_result;
        struct mcpz_record_task_plan task_plan;
        struct mcpz_record_queue queue;
        struct mcpz_record_run run;
        struct mcpz_record_batch batch;
        struct mcpz_record_author author;
        struct mcpz_record_checkpoint checkpoint;
        struct mcpz_record_layout layout;
        struct mcpz_record_tracker tracker;
        struct mcpz_record_staged staged;
        struct mcpz_record_hint hint;
        struct mcpz_record_change change;
        struct mcpz_record_changes changes;
        struct mcpz_record_cursor cursor;
        struct mcpz_record_blob_document blob_document;
        struct mcpz_record_floor floor;
        struct mcpz_record_base base;
        struct mcpz_record_stable stable;
        struct mcpz_record_horizon horizon;
        struct mcpz_record_settled settled;
        struct mcpz_record_revoked revoked;
    };
};

#endif
