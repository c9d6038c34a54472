/*
 * Of the messages nodes exchange, those about documents: what was written, who keeps it, what two
 * nodes have, and what was forgotten. They are a part of proto/msg.h, which is included for them.
 */

#ifndef PROTO_MSG_DOCUMENTS_H
#define PROTO_MSG_DOCUMENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "proto/agent.h"
#include "proto/batch.h"
#include "proto/checkpoint.h"
#include "proto/id.h"
#include "proto/placement.h"

/* ---- What was written --------------------------------------------------------------------- */

/* Between core and engine. Over a link deltas go in a BATCH, and one without is refused. */
struct mcpz_msg_delta {
    struct mcpz_delta delta;
};

/* "This node has written these deltas, and signed them." Side by side in the batch. */
struct mcpz_msg_batch {
    struct mcpz_batch_part part;
    const struct mcpz_bytes *deltas; /* each in its canonical bytes: wire/records.h */
    size_t delta_count;              /* 1 to MCPZ_BATCH_DELTAS_MAX */
};

/*
 * "The author of what follows is of the mesh." It may be long gone, so its certificate may have
 * run out. An empty one asks: "I do not know this author."
 */
struct mcpz_msg_author {
    struct mcpz_id author;
    struct mcpz_bytes certificate; /* encoded chain */
};

/* "Of this document I have seen this, and it comes to that. You too?" Digests: engine/folding.h */
struct mcpz_msg_fold {
    struct mcpz_id document;
    struct mcpz_id state;
    struct mcpz_id root;
    uint32_t replicas; /* who keep it, ourselves among them */
};

/* The answer. */
struct mcpz_msg_folded {
    struct mcpz_id document;
    struct mcpz_id state;
    uint32_t verdict;            /* enum mcpz_fold_verdict */
    struct mcpz_bytes signature; /* SAME: MCPZ_SIGNATURE_BYTES; else empty */
};

/*
 * "All who keep this document have signed this." With a size: "what you lack lies below it, and
 * its deltas are gone: this is what they came to, in so many bytes; ask for them."
 */
struct mcpz_msg_agreed {
    struct mcpz_id document;
    struct mcpz_agreed agreed;
    uint64_t byte_count; /* of the checkpoint; 0: it is only said */
};

/*
 * A piece of a checkpoint that AGREED has told of, or a question for one. Behind the pieces come
 * the last delta of each actor that is in it, each as an encoded BATCH; empty: it is not to be
 * had.
 */
struct mcpz_msg_base {
    struct mcpz_id document;
    struct mcpz_id root;
    uint32_t index;
    bool is_answer;
    struct mcpz_bytes bytes; /* of an answer */
};

/* A deleted document, and what all keepers have signed that it came to. */
struct mcpz_forget_row {
    struct mcpz_id document;
    struct mcpz_id root;
};

/* "Would you forget these, as I would?" And then: "all would, so do." */
struct mcpz_msg_forget {
    uint64_t nonce;
    uint64_t horizon_ms; /* that is raised with it: core/crdt/horizon.h */
    bool is_agreed;
    const struct mcpz_forget_row *rows;
    size_t row_count;
};

/* "Of those I would forget these." */
struct mcpz_msg_forget_answer {
    uint64_t nonce;
    uint64_t agreed; /* a bit each, of the first the lowest */
};

/* How far along a document is. */
struct mcpz_digest {
    struct mcpz_id document;
    uint64_t digest; /* of its state: core/crdt/document.h */
};

/* "Of this document I have so much; send what I lack." */
struct mcpz_msg_want {
    struct mcpz_id document;
    const struct mcpz_version *versions; /* sorted by actor */
    size_t version_count;
    const struct mcpz_cut *cuts; /* sorted by actor */
    size_t cut_count;
};

/*
 * "Of this actor's deltas from seq `from` up to and including `upto` I hold these." For actors
 * that contradict themselves: core/crdt/branches.h
 */
struct mcpz_msg_branches {
    struct mcpz_id document;
    struct mcpz_actor actor;
    bool sparse; /* only some of them: to find out where we part */
    uint64_t from;
    uint64_t upto;              /* UINT64_MAX: to the last */
    const struct mcpz_tip *ids; /* by seq, head; all there are, unless sparse */
    size_t id_count;
};

/* "Send me these of this actor's deltas, and then tell which you hold from `next` on (0: don't)."
 */
struct mcpz_msg_fetch {
    struct mcpz_id document;
    struct mcpz_actor actor;
    const struct mcpz_tip *ids;
    size_t id_count;
    uint64_t next;
};

/* ---- Who keeps what ------------------------------------------------------------------------
 * core/layouts.h says who tells whom of layouts, and when. */

/* A layout as its maker signed it: wire/placement_codec.h. */
struct mcpz_msg_layout {
    struct mcpz_bytes bytes;
};

/*
 * "These layouts are live here, and so far has everybody come." Without trackers it is a question
 * whether the other side knows the same; with `ask` it wants all that the receiver has.
 */
struct mcpz_msg_layout_state {
    bool ask;
    uint64_t digest;                      /* of all trackers the sender knows */
    const struct mcpz_layout_stamp *live; /* ascending, MCPZ_LAYOUTS_LIVE_MAX */
    size_t live_count;
    const struct mcpz_layout_tracker *trackers; /* MCPZ_TRACKERS_PER_MESSAGE_MAX */
    size_t tracker_count;
};

/* "Say when you have this delta of mine, and those before it, on disk." */
struct mcpz_msg_ack_ask {
    struct mcpz_id document;
    struct mcpz_actor actor;
    uint64_t seq;
    struct mcpz_layout_stamp stamp; /* of the newest layout I know; zeros: none */
};

/* "I have." */
struct mcpz_msg_ack {
    struct mcpz_id document;
    struct mcpz_actor actor;
    uint64_t seq;
};

/* "Which documents after `after` do you have that are mine in this layout?" */
struct mcpz_msg_pull {
    struct mcpz_layout_stamp stamp;
    struct mcpz_id after; /* zeros: from the start */
    uint32_t alive_max;   /* only those that so many who had them are left of, at most; 0: all */
};

struct mcpz_pulled_row {
    struct mcpz_id document;
    const struct mcpz_version *versions; /* sorted by actor; in all rows together */
    size_t version_count;                /* MCPZ_PULLED_VERSIONS_MAX at most */
    const struct mcpz_cut *cuts; /* sorted by actor; MCPZ_ACTORS_MAX in all rows together */
    size_t cut_count;
};

/* "These, so far along." All there are after `after` up to and including `upto`. */
struct mcpz_msg_pulled {
    struct mcpz_layout_stamp stamp;
    struct mcpz_id after;
    struct mcpz_id upto; /* 0xff...: to the end */
    const struct mcpz_pulled_row *rows;
    size_t row_count;
};

/* ---- Comparing documents: core/crdt/entropy.h --------------------------------------------- */

/*
 * "All I hold of what is ours in common comes to this." Asks for the same, unless it is the
 * answer. `epoch` names the sender's numbering of its changes, `seq` the last of them.
 */
struct mcpz_msg_root {
    uint64_t scope; /* of which layout; 0: there is none */
    uint64_t nonce; /* who asks makes it, the answer repeats it */
    uint64_t tag;   /* of the documents, keyed with the nonce: core/reconcile/root_tag.h */
    uint64_t count; /* of the documents */
    uint64_t epoch;
    uint64_t seq;
    uint64_t seen_epoch; /* and so far the sender has the changes of the receiver */
    uint64_t seen;
    bool answer;
};

/* "What has changed after number `since`?" */
struct mcpz_msg_changes_ask {
    uint64_t epoch;
    uint64_t since;
};

/* "Up to number `upto` this." A document is named once, by its last change. */
struct mcpz_msg_changes {
    uint64_t epoch; /* another one than was asked for: that numbering has ended */
    uint64_t since;
    uint64_t upto;
    bool last; /* there is nothing after it */
    const struct mcpz_digest *digests;
    size_t digest_count;
};

/* "I have these." Of a sketch, or (0) by itself: behind deltas of which there are more. */
struct mcpz_msg_offer {
    uint64_t session;
    bool last; /* of a sketch */
    const struct mcpz_digest *digests;
    size_t digest_count;
};

/* Numbers are on the wire. */
enum mcpz_sketch_step {
    MCPZ_SKETCH_START = 1, /* "let us compare by `count` symbols": nonce, epoch, seq */
    MCPZ_SKETCH_MORE,      /* "`count` symbols from `first` on" */
    MCPZ_SKETCH_FOUND,     /* "these ids are yours only": ids */
    MCPZ_SKETCH_TAKEN,     /* "I have taken that OFFER in, go on" */
    MCPZ_SKETCH_GIVE_UP,   /* "that leads nowhere: I read all your changes, do the same" */
    MCPZ_SKETCH_STOP,      /* "never mind": it has changed who keeps what */
    MCPZ_SKETCH_STEP_END,
};

/* From who decodes: core/crdt/sketch.h. */
struct mcpz_msg_sketch_ask {
    uint64_t session;
    uint32_t step; /* enum mcpz_sketch_step; fields that it does not name are 0 */
    uint32_t first;
    uint32_t count;
    uint64_t nonce; /* half of the session's key */
    uint64_t epoch;
    uint64_t seq;
    struct mcpz_bytes ids; /* MCPZ_SKETCH_ID_BYTES each, ascending */
};

/* From who encodes: that it does, or symbols. */
struct mcpz_msg_sketch {
    uint64_t session;
    bool busy;      /* not now, or no longer */
    uint32_t first; /* of the symbols */
    uint64_t nonce; /* START: the other half */
    uint64_t epoch; /* START: of its changes, and how many it had made by then */
    uint64_t seq;
    struct mcpz_bytes symbols; /* core/reconcile/iblt.h */
};

/* "I would let go of this document of yours: have you got that much of it on disk?" */
struct mcpz_msg_handover {
    struct mcpz_id document;
    uint64_t digest;                     /* of the sender's own, to be said back */
    const struct mcpz_version *versions; /* sorted by actor */
    size_t version_count;
    const struct mcpz_cut *cuts; /* sorted by actor */
    size_t cut_count;
};

/* "I have." */
struct mcpz_msg_handed {
    struct mcpz_id document;
    uint64_t digest;
};

/* "How far along are you with this document?" The answer repeats the nonce: it is of after it. */
struct mcpz_msg_read {
    uint64_t nonce;
    struct mcpz_id document;
};

/* "So far." */
struct mcpz_msg_reading {
    uint64_t nonce;
    struct mcpz_id document;
    const struct mcpz_version *versions; /* sorted by actor */
    size_t version_count;
    const struct mcpz_cut *cuts; /* sorted by actor */
    size_t cut_count;
};

/* ---- Who may know of what was forgotten: core/crdt/horizon.h ------------------------------ */

/* Before all else that is said of documents. Times are of wall clocks. */
struct mcpz_msg_horizon {
    uint64_t
        horizon_ms;    /* "who was here last before it may hold what was forgotten"; 0: nothing */
    uint64_t fresh_ms; /* "I was here last then" */
    bool is_whole;     /* "and have what there is: what I do not know was forgotten" */
    uint64_t had_ms;   /* "now I have all that you have"; 0: that is not said */
};

/* A document, and who has written to it: MCPZ_CHECK_ACTOR_BYTES each, ascending. The first eight
 * bytes of the node's id, its life in four, big-endian, and 1 if that closes those before. */
struct mcpz_check_row {
    struct mcpz_id document;
    struct mcpz_bytes actors;
};

/* "Which of these do you not know at all, or know as another of that id, by other writers?" */
struct mcpz_msg_check {
    uint64_t nonce;
    uint64_t scope; /* of which layout; 0: there is none */
    const struct mcpz_check_row *rows;
    size_t row_count;
};

/* "These." */
struct mcpz_msg_unknown {
    uint64_t nonce; /* of what was asked */
    uint64_t mask;  /* bit i: the i-th */
    uint64_t wall_ms;
};

#endif
