/*
 * Checkpoints as data: all that a document is at one moment, without how it came to be.
 *
 * What its deltas have left behind: whom it has seen how far, and the entries that live. Two nodes
 * that have seen the same make the same checkpoint, byte for byte (wire/checkpoint.h); its digest
 * is the document's root.
 *
 * Source: docs reference crdt 1.5.
 */

#ifndef PROTO_CHECKPOINT_H
#define PROTO_CHECKPOINT_H

#include <stddef.h>
#include <stdint.h>

#include <mcpz/error.h>

#include "proto/agent.h"
#include "proto/id.h"

/* What comes before the entries. Lists are borrowed. */
struct mcpz_checkpoint_head {
    struct mcpz_id document;
    struct mcpz_bytes tenant; /* whose it is; empty: the default one's */
    uint64_t hlc;             /* greatest stamp of all that is in it */
    const struct mcpz_version *versions;
    size_t version_count;
    const struct mcpz_cut *cuts; /* who has contradicted itself, and how */
    size_t cut_count;
    uint32_t entry_count;
};

/* What somebody says who is asked whether it has come to the same. Numbers are on the wire. */
enum mcpz_fold_verdict {
    MCPZ_FOLD_SAME = 1,  /* the same deltas have left the same: signed */
    MCPZ_FOLD_ELSEWHERE, /* it has seen other deltas: no matter, another time */
    MCPZ_FOLD_ABSENT,    /* it does not keep the document */
    MCPZ_FOLD_DIVERGED,  /* the same deltas have left something else: one of both is broken */
    MCPZ_FOLD_VERDICT_END,
};

#define MCPZ_COSIGNATURES_MAX 16

/* One replica's word for a checkpoint. */
struct mcpz_cosignature {
    struct mcpz_id signer;
    uint8_t signature[64];
};

/*
 * A place in the past of a document that all who keep it have signed: what they had seen, and what
 * it came to. Lists are borrowed.
 */
struct mcpz_agreed {
    struct mcpz_bytes tenant; /* as in its checkpoint */
    uint64_t hlc;             /* greatest stamp in it */
    const struct mcpz_version *versions;
    size_t version_count;
    struct mcpz_id root;
    uint32_t replicas; /* how many there were; each of them has signed */
    const struct mcpz_cosignature *signatures;
    size_t signature_count;
    const struct mcpz_cut *cuts; /* who had contradicted itself: nothing of it is to come */
    size_t cut_count;
};

#define MCPZ_BASE_PIECE_BYTES 32768 /* of a checkpoint, in one record and in one message */
#define MCPZ_BASE_BYTES_MAX (64 * MCPZ_BASE_PIECE_BYTES)
#define MCPZ_BASE_ANSWER_BYTES_MAX                                                                \
    (MCPZ_MSG_BYTES_MAX - 512) /* a piece, or a BATCH of one delta */

struct mcpz_record_entry;

/* A checkpoint that was read: its head, and its entries one by one, in their order. */
struct mcpz_checkpoint {
    struct mcpz_checkpoint_head head;
    void *context; /* handed to next */

    /* Read the next entry; what it points to lasts as long as the checkpoint's bytes. Errors:
     * MCPZ_ENOTFOUND  that was the last */
    mcpz_error (*next)(void *context, struct mcpz_record_entry *entry);
};

#endif
