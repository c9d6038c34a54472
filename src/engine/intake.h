/*
 * A base that comes in, over a link or from a file: gathered in memory, installed when whole.
 *
 *   AGREED  ->  init; BASE, BASE ...  ->  take, until it is whole  ->  check or install  -> finish
 *
 * Behind the pieces come the last deltas below the floor, one of each actor (engine/transfers.h).
 * All of it is held against what was signed, whoever it comes from; that the signers are of the
 * mesh is for the caller to ask (engine/agreement.h).
 */

#ifndef ENGINE_INTAKE_H
#define ENGINE_INTAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mcpz/error.h>

#include "base/attr.h"
#include "engine/engine.h"
#include "proto/checkpoint.h"
#include "proto/id.h"
#include "proto/msg.h"

#define MCPZ_INTAKE_HEADS_BYTES_MAX 524288 /* of the last deltas, together */
#define MCPZ_INTAKE_ARENA_BYTES 16384      /* lists of a checkpoint's head */

static_assert(MCPZ_ACTORS_MAX * (sizeof(struct mcpz_version) + sizeof(struct mcpz_cut)) + 64 <=
                  MCPZ_INTAKE_ARENA_BYTES,
              "they fit");

struct mcpz_intake {
    struct mcpz_id document;

    /* What was signed. */
    struct mcpz_agreed agreed;
    struct mcpz_version versions[MCPZ_ACTORS_MAX];
    struct mcpz_cut cuts[MCPZ_ACTORS_MAX];
    struct mcpz_cosignature signatures[MCPZ_COSIGNATURES_MAX];
    uint8_t tenant[MCPZ_TENANT_BYTES_MAX];

    uint32_t index; /* of the BASE that comes next */
    uint64_t byte_count;
    uint64_t bytes_here;
    uint8_t *bytes;

    /* Last deltas of actors: encoded BATCHes. */
    uint8_t *heads[MCPZ_ACTORS_MAX];
    size_t head_lengths[MCPZ_ACTORS_MAX]; /* 0: there is none */
    size_t head_count;
    size_t heads_bytes;

    _Alignas(16) uint8_t arena_memory[MCPZ_INTAKE_ARENA_BYTES];
};

/* What a checkpoint is to us. */
enum mcpz_intake_news {
    MCPZ_INTAKE_NONE,   /* all of it is here */
    MCPZ_INTAKE_MORE,   /* it brings something, and goes together with what is here */
    MCPZ_INTAKE_BEHIND, /* the same, but what is here may be the beginning of another branch */
    MCPZ_INTAKE_BRANCH, /* here is another branch within it */
    MCPZ_INTAKE_BESIDE, /* our own floor is neither below nor above */
};

/** Say what `agreed` of the document `id` is. Errors: MCPZ_ECORRUPT, MCPZ_EIO */
MCPZ_MUST_USE mcpz_error mcpz_intake_judge(struct mcpz_engine *engine, const struct mcpz_id *id,
                                           const struct mcpz_agreed *agreed,
                                           enum mcpz_intake_news *news);

/**
 * Make room for what `said` tells of, which is copied. Release with mcpz_intake_finish().
 *
 * Errors: MCPZ_EPROTO  it tells of no bytes; MCPZ_ENOMEM. Nothing is to be released then
 */
MCPZ_MUST_USE mcpz_error mcpz_intake_init(struct mcpz_intake *intake,
                                          const struct mcpz_msg_agreed *said);

void mcpz_intake_finish(struct mcpz_intake *intake);

/**
 * Take what BASE number `intake->index` brings. It must not be whole yet (asserted).
 *
 * Errors: MCPZ_EPROTO  a piece of another length
 */
MCPZ_MUST_USE mcpz_error mcpz_intake_take(struct mcpz_intake *intake, struct mcpz_bytes bytes);

bool mcpz_intake_is_whole(const struct mcpz_intake *intake);

/**
 * Is it what was signed: in its form, and of just those deltas, the last of each signed by its
 * author?
 *
 * Errors: MCPZ_EPROTO, MCPZ_ESHORT, MCPZ_EAUTH
 */
MCPZ_MUST_USE mcpz_error mcpz_intake_check(struct mcpz_engine *engine, struct mcpz_intake *intake);

/* Where it comes from. */
struct mcpz_intake_source {
    const struct mcpz_id *from; /* is asked for what lies above it; NULL: a file, nobody is */
    uint64_t request;           /* of a file: it ends with REPLY, unless with an error; 0: not */
};

/**
 * Check it, install it, make it our floor: in the batch of this turn. Where another branch is here
 * and it came over a link, the document is begun anew with it (engine/rebase.h).
 *
 * Errors: MCPZ_ENOTFOUND  all of it is here
 *         MCPZ_ECONFLICT  it does not go together with what is here, or was not taken
 *         MCPZ_EEXPIRED   it is not of the document that it names, or its tenant was shredded
 * since as mcpz_intake_check(); MCPZ_ECORRUPT, MCPZ_EIO
 */
MCPZ_MUST_USE mcpz_error mcpz_intake_install(struct mcpz_engine *engine,
                                             struct mcpz_intake *intake,
                                             const struct mcpz_intake_source *source);

/**
 * Begin its document anew with it, which is our own base, without what `closer` says is not of the
 * lives that it closes.
 *
 * Errors: MCPZ_ECONFLICT, MCPZ_ECORRUPT, MCPZ_EIO; MCPZ_EFULL, MCPZ_ENOMEM  nothing was changed
 */
MCPZ_MUST_USE mcpz_error mcpz_intake_begin_anew(struct mcpz_engine *engine,
                                                struct mcpz_intake *intake,
                                                const struct mcpz_delta *closer);

#endif
