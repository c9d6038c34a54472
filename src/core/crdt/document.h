/*
 * One document: what its deltas leave behind, kept in the store.
 *
 * A delta takes out the entries it names and puts in its own. It may only name what its causal
 * past holds, and is applied only after that past; so whatever the order of arrival, the same
 * deltas leave the same entries. Losing registers are not dropped by merging (that would depend
 * on the order): the next write, which has seen them, takes them out.
 *
 * An actor that contradicts itself gets a cut (core/crdt/cuts.h): its entries from there on go,
 * what its deltas remove stays removed, and they are kept as branches, so that others who built on
 * one of them can be followed. The state is a function of the set of deltas, however many branches
 * there are; but of one place no more than MCPZ_RIVALS_MAX deltas are taken in. An actor with
 * more, which signs ever more of them on purpose, can make nodes differ in what they hold it to
 * have deleted: it had to be trusted with deleting anyway, it is named in FORK at all of them, and
 * no entry of anybody else is lost or kept apart in any other way.
 *
 * Source: DSON (PVLDB 2022), section 4; docs reference crdt 1.3, 1.4.
 */

#ifndef CORE_CRDT_DOCUMENT_H
#define CORE_CRDT_DOCUMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mcpz/error.h>

#include "base/attr.h"
#include "base/siphash.h"
#include "core/crdt/clock.h"
#include "core/crdt/cuts.h"
#include "proto/agent.h"
#include "proto/store.h"

/*
 * What the fenced register at mcpz_paths_life holds, as text, in the order of R-AGENT-1. An agent
 * that is made anew begins an epoch; within one, the end has the last word, whatever others write
 * at the same time.
 */
#define MCPZ_LIFE_PROVISIONING "provisioning"
#define MCPZ_LIFE_ACTIVE "active"
#define MCPZ_LIFE_IDLE "idle"
#define MCPZ_LIFE_MAINTENANCE "maintenance"
#define MCPZ_LIFE_DECOMMISSIONED "decommissioned"
#define MCPZ_LIFE_DELETED "deleted"

/* A document's record, in memory for a step. */
struct mcpz_document {
    struct mcpz_id id;
    bool exists; /* at least one delta of it is here */
    bool deleted;
    struct mcpz_bytes name;   /* borrowed until the step ends */
    struct mcpz_bytes tenant; /* likewise; it never changes once it is known (naming.h) */
    uint64_t hlc;             /* greatest stamp in it */
    uint32_t entry_count;
    struct mcpz_clock clock; /* an actor with a cut is right before it, or not in here */
    struct mcpz_cuts cuts;
};

/**
 * What names the state of a document exactly: its id and what it has seen, hashed under `key`.
 * Equal for equal states, hardly ever for others.
 */
uint64_t mcpz_document_hash(struct mcpz_siphash_key key,
                            const struct mcpz_record_document *record);

/** 128 bits of it. */
void mcpz_document_hash_wide(struct mcpz_siphash_key key,
                             const struct mcpz_record_document *record, uint64_t words[2]);

/** mcpz_document_hash() under a key that all nodes have: what they tell each other of a document.
 */
uint64_t mcpz_document_digest(const struct mcpz_record_document *record);
uint64_t mcpz_document_digest_of(const struct mcpz_document *document);

/** The document as a record, whose lists are the document's. */
struct mcpz_record_document mcpz_document_record(const struct mcpz_document *document);

/**
 * Copy a document: of its lists what is in them, as there is room for many more, and all of that
 * would be several times what a delta touches otherwise.
 */
void mcpz_document_copy(struct mcpz_document *to, const struct mcpz_document *from);

/**
 * Read the record of `id`. One that is not there is an empty document.
 *
 * Errors: MCPZ_ECORRUPT, MCPZ_EIO
 */
MCPZ_MUST_USE mcpz_error mcpz_document_load(const struct mcpz_store *store,
                                            const struct mcpz_id *id,
                                            struct mcpz_document *document);

/** Write the record of `document`. */
void mcpz_document_store(const struct mcpz_store *store, const struct mcpz_document *document);
/**
 * The same from a record that was read.
 *
 * Errors: MCPZ_ECORRUPT
 */
MCPZ_MUST_USE mcpz_error mcpz_document_open(const struct mcpz_record_document *record,
                                            struct mcpz_document *document);

/** Is it there and not deleted? */
static inline bool mcpz_document_is_live(const struct mcpz_document *document)
{
    return document->exists && !document->deleted;
}

/**
 * May `actor`, which is us, write to it: has it already, or is there a place left? So many begin,
 * MCPZ_WRITERS_MAX; what others began while they were apart is taken in up to MCPZ_ACTORS_MAX.
 */
bool mcpz_document_admits(const struct mcpz_document *document, const struct mcpz_actor *actor);

/** Is there a place for what `actor` has written, or has it one? */
bool mcpz_document_has_place(const struct mcpz_document *document, const struct mcpz_actor *actor);

/** Are those in it, with those that are cut at their very first delta, no more than may be? */
bool mcpz_document_has_places(const struct mcpz_document *document);

/**
 * Read the delta of `actor` with this seq; where it has contradicted itself, the one with the
 * smallest head.
 *
 * Errors: MCPZ_ENOTFOUND, MCPZ_ECORRUPT, MCPZ_EIO
 */
MCPZ_MUST_USE mcpz_error mcpz_document_find_delta(const struct mcpz_store *store,
                                                  const struct mcpz_id *document,
                                                  const struct mcpz_actor *actor, uint64_t seq,
                                                  struct mcpz_record *record);

/**
 * May this delta exist? Depends on the delta alone, so every node says the same: within limits,
 * paths and values of each type canonical, versions a vector of others, `prev` there unless it is
 * the first, every removed dot within what it has seen and named once.
 */
bool mcpz_document_delta_is_valid(const struct mcpz_delta *delta);

/**
 * Apply a valid delta whose causal past (core/crdt/past.h), and not itself, is in the document;
 * store it, what it changes, and the document's record. `wall_ms` is noted if it contradicts
 * another (FORK). On error nothing was written and `document` is unchanged (but for entries of an
 * actor that contradicts itself, if the store cannot be read half way).
 *
 * Neither MCPZ_ENTRIES_MAX nor anything else that writers keep to is asked here: to refuse what
 * others have written would keep nodes apart for ever.
 *
 * Errors: MCPZ_EFULL  one actor too many: MCPZ_ACTORS_MAX
 *         MCPZ_ECORRUPT, MCPZ_EIO
 */
MCPZ_MUST_USE mcpz_error mcpz_document_apply(const struct mcpz_store *store,
                                             struct mcpz_document *document,
                                             const struct mcpz_delta *delta,
                                             const struct mcpz_id *delta_id, uint64_t wall_ms);

#endif
