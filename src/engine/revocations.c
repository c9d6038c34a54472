#include "engine/revocations.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"
#include "engine/internal.h"
#include "wire/credentials.h"

#define TEXT_BYTES (2 * MCPZ_NAME_BYTES_MAX + MCPZ_REVOCATION_REASON_BYTES_MAX)

/* By itself, as what points into it would not move with it. */
struct mcpz_kept_revocation {
    struct mcpz_revocation said;
    uint8_t bytes[TEXT_BYTES + MCPZ_SIGNATURE_BYTES];
    size_t used;
};

/* ---- What is signed ----------------------------------------------------------------------- */

/* Nothing else that the mesh's key signs begins so. */
static const char words[] = "mcpz revocation: ";
#define WORDS_BYTES (sizeof(words) - 1)

struct statement {
    uint8_t bytes[WORDS_BYTES + 2 * MCPZ_ID_BYTES + TEXT_BYTES + 32];
    size_t length;
};

static mcpz_error state(const struct mcpz_revocation *revocation, struct statement *said)
{
    size_t length = 0;

    memcpy(said->bytes, words, WORDS_BYTES);
    mcpz_error error = mcpz_revocation_body_encode(revocation, said->bytes + WORDS_BYTES,
                                                   sizeof(said->bytes) - WORDS_BYTES, &length);
    said->length = WORDS_BYTES + length;
    return error;
}

static bool is_signed(const struct mcpz_engine *engine, const struct mcpz_revocation *revocation)
{
    struct statement said;

    return state(revocation, &said) == MCPZ_OK &&
           mcpz_signature_verify(&engine->mesh, mcpz_bytes(said.bytes, said.length),
                                 revocation->signature) == MCPZ_OK;
}

/* ---- The table ---------------------------------------------------------------------------- */

const struct mcpz_revocation *mcpz_revocations_find(const struct mcpz_engine *engine,
                                                    const struct mcpz_id *node)
{
    const struct mcpz_revocations *all = &engine->revocations;

    for (size_t i = 0; i < all->count; i++) {
        if (mcpz_id_equal(&all->rows[i]->said.node, node)) {
            return &all->rows[i]->said;
        }
    }
    return NULL;
}

static struct mcpz_bytes copy(struct mcpz_kept_revocation *kept, struct mcpz_bytes from)
{
    uint8_t *to = kept->bytes + kept->used;

    assert(from.length <= sizeof(kept->bytes) - kept->used);
    if (from.length > 0) {
        memcpy(to, from.data, from.length);
    }
    kept->used += from.length;
    return mcpz_bytes(to, from.length);
}

static bool is_self(const struct mcpz_engine *engine, const struct mcpz_id *node)
{
    return mcpz_id_equal(node, mcpz_identity_id(engine->identity));
}

static mcpz_error keep(struct mcpz_engine *engine, const struct mcpz_revocation *revocation)
{
    struct mcpz_revocations *all = &engine->revocations;

    struct mcpz_kept_revocation *kept = calloc(1, sizeof(*kept));
    if (kept == NULL) {
        return MCPZ_ENOMEM;
    }
    kept->said = *revocation;
    kept->said.name = copy(kept, revocation->name);
    kept->said.by_name = copy(kept, revocation->by_name);
    kept->said.reason = copy(kept, revocation->reason);
    kept->said.signature = copy(kept, revocation->signature);
    all->rows[all->count++] = kept;
    all->digest ^=
        mcpz_hash_mix(mcpz_hash_bytes(mcpz_bytes(kept->said.node.bytes, MCPZ_ID_BYTES), 1));
    all->are_we = all->are_we || is_self(engine, &kept->said.node);
    return MCPZ_OK;
}

/* Who is revoked is none of those we have met: nobody waits for it. */
static void put(struct mcpz_engine *engine, const struct mcpz_revocation *revocation)
{
    const struct mcpz_record record = {.kind = MCPZ_RECORD_REVOKED,
                                       .revoked = {.revocation = *revocation}};
    const struct mcpz_record met = {.kind = MCPZ_RECORD_PEER, .peer = {.id = revocation->node}};

    engine->store.put(engine->store.context, &record);
    engine->store.remove(engine->store.context, &met);
}

/* What was read from disk is judged like what came from a peer. */
mcpz_error mcpz_revocations_load(struct mcpz_engine *engine)
{
    struct mcpz_record record = {.kind = MCPZ_RECORD_REVOKED};
    mcpz_error error = MCPZ_OK;

    for (size_t i = 0; i < MCPZ_REVOCATIONS_MAX && error == MCPZ_OK; i++) {
        error = engine->store.next(engine->store.context, MCPZ_SCAN_KIND, i == 0, &record);
        if (error == MCPZ_OK && is_signed(engine, &record.revoked.revocation)) {
            error = keep(engine, &record.revoked.revocation);
        }
    }
    return error == MCPZ_ENOTFOUND ? MCPZ_OK : error;
}

void mcpz_revocations_clear(struct mcpz_engine *engine)
{
    for (size_t i = 0; i < engine->revocations.count; i++) {
        free(engine->revocations.rows[i]);
    }
    engine->revocations.count = 0;
    engine->revocations.digest = 0;
    engine->revocations.are_we = false;
}

void mcpz_revocations_start_over(struct mcpz_engine *engine)
{
    for (size_t i = 0; i < engine->revocations.count; i++) {
        const struct mcpz_record record = {
            .kind = MCPZ_RECORD_REVOKED,
            .revoked = {.revocation = engine->revocations.rows[i]->said}};
        engine->store.remove(engine->store.context, &record);
    }
    mcpz_revocations_clear(engine);
}

/* ---- Telling ------------------------------------------------------------------------------ */

static void send(struct mcpz_engine *engine, const struct mcpz_link_set *route,
                 const struct mcpz_msg_revoked *said)
{
    const struct mcpz_msg msg = {.kind = MCPZ_MSG_REVOKED, .revoked = *said};

    mcpz_outbound_hold(engine, &msg, route); /* nothing is told that may be lost */
}

static void send_all(struct mcpz_engine *engine, struct mcpz_link_row *row, bool asks)
{
    const struct mcpz_revocations *all = &engine->revocations;
    const struct mcpz_link_set route = {.links = {row->id}, .count = 1};
    struct mcpz_revocation rows[MCPZ_REVOCATIONS_PER_MESSAGE_MAX];
    size_t at = 0;

    do {
        size_t count = 0;
        while (at < all->count && count < MCPZ_REVOCATIONS_PER_MESSAGE_MAX) {
            rows[count++] = all->rows[at++]->said;
        }
        const bool is_last = at == all->count;
        send(engine, &route,
             &(struct mcpz_msg_revoked){.digest = asks && is_last ? all->digest : 0,
                                        .asks = asks && is_last,
                                        .rows = rows,
                                        .row_count = count});
    } while (at < all->count);
}

void mcpz_revocations_greet(struct mcpz_engine *engine, struct mcpz_link_row *row)
{
    const struct mcpz_link_set route = {.links = {row->id}, .count = 1};

    if (engine->revocations.count > 0) {
        send(engine, &route, &(struct mcpz_msg_revoked){.digest = engine->revocations.digest});
    }
}

/* All links but those to `except`; NULL: all. */
static struct mcpz_link_set links_but(const struct mcpz_engine *engine,
                                      const struct mcpz_id *except)
{
    struct mcpz_link_set route = {.count = 0};

    for (size_t i = 0; i < MCPZ_CONNECTED_MAX && route.count < MCPZ_LINKS_MAX; i++) {
        const struct mcpz_link_row *row = &engine->links[i];
        if (row->id != 0 && row->state == MCPZ_LINK_ADMITTED &&
            (except == NULL || !mcpz_id_equal(&row->peer, except))) {
            route.links[route.count++] = row->id;
        }
    }
    return route;
}

static void tell_others(struct mcpz_engine *engine, const struct mcpz_id *from,
                        const struct mcpz_revocation *revocation)
{
    const struct mcpz_link_set route = links_but(engine, from);

    if (route.count > 0) {
        send(engine, &route, &(struct mcpz_msg_revoked){.rows = revocation, .row_count = 1});
    }
}

void mcpz_revocations_rewrite(struct mcpz_engine *engine)
{
    const struct mcpz_revocations *all = &engine->revocations;
    const struct mcpz_link_set route = links_but(engine, NULL);

    for (size_t i = 0; i < all->count; i++) {
        put(engine, &all->rows[i]->said);
    }
    if (route.count > 0) { /* what was to be told, or asked, was lost with the batch */
        send(engine, &route,
             &(struct mcpz_msg_revoked){.digest = all->digest, .asks = all->count == 0});
    }
}

/* ---- What follows ------------------------------------------------------------------------- */

void mcpz_revocations_explain(const struct mcpz_revocation *revocation, char *text,
                              size_t capacity)
{
    char reason[MCPZ_REVOCATION_REASON_BYTES_MAX + 1];

    mcpz_bytes_to_text(revocation->reason, reason, sizeof(reason));
    const bool has_reason = reason[0] != '\0';
    (void)snprintf(text, capacity, "this node was revoked%s%s%s: it needs a new identity",
                   has_reason ? " (" : "", reason, has_reason ? ")" : "");
}

/* All links to it, or all there are if it is us. */
static void close_links(struct mcpz_engine *engine, const struct mcpz_revocation *revocation)
{
    const bool are_we = is_self(engine, &revocation->node);

    for (size_t i = 0; i < MCPZ_CONNECTED_MAX; i++) {
        struct mcpz_link_row *row = &engine->links[i];
        if (row->id == 0) {
            continue;
        }
        if (are_we) {
            mcpz_link_rows_close(engine, row, MCPZ_DOWN_LEFT, "this node was revoked");
        } else if (mcpz_id_equal(&row->peer, &revocation->node)) {
            mcpz_admission_refuse_revoked(engine, row, revocation);
        }
    }
}

static void follow(struct mcpz_engine *engine, const struct mcpz_id *from,
                   const struct mcpz_revocation *revocation)
{
    struct mcpz_event event = {
        .kind = MCPZ_EVENT_REVOKED,
        .revoked = {.node = revocation->node, .reason = revocation->reason}};

    put(engine, revocation);
    engine->counters.revocations_taken++;
    tell_others(engine, from, revocation);
    close_links(engine, revocation);
    mcpz_engine_dispatch(engine, &event);
    mcpz_admission_review(engine);
}

/* Errors: MCPZ_EUSED  it is known; MCPZ_EFULL, MCPZ_EAUTH, MCPZ_ENOMEM */
static mcpz_error judge(struct mcpz_engine *engine, const struct mcpz_revocation *revocation)
{
    if (mcpz_revocations_find(engine, &revocation->node) != NULL) {
        return MCPZ_EUSED;
    }
    if (!is_signed(engine, revocation)) {
        engine->counters.refused_revocation++;
        return MCPZ_EAUTH;
    }
    if (engine->revocations.count == MCPZ_REVOCATIONS_MAX) {
        engine->counters.refused_revocation++;
        return MCPZ_EFULL;
    }
    return keep(engine, revocation);
}

/* What is said lies where a step writes: so all of it is kept before anything follows. */
void mcpz_revocations_hear(struct mcpz_engine *engine, struct mcpz_link_row *row,
                           const struct mcpz_msg_revoked *said)
{
    const struct mcpz_id from = row->peer;
    const size_t known = engine->revocations.count;
    const uint64_t digest = said->digest;
    const bool asks = said->asks;

    for (size_t i = 0; i < said->row_count; i++) {
        (void)judge(engine, &said->rows[i]); /* counted */
    }
    const size_t count = engine->revocations.count;
    if (asks) {
        send_all(engine, row, false);
    } else if (digest != 0 && digest != engine->revocations.digest) {
        send_all(engine, row, true);
    }
    for (size_t i = known; i < count; i++) {
        follow(engine, &from, &engine->revocations.rows[i]->said);
    }
}

void mcpz_revocations_believe(struct mcpz_engine *engine, const struct mcpz_revocation *proof)
{
    if (is_self(engine, &proof->node) && !mcpz_id_is_zero(&engine->mesh) &&
        judge(engine, proof) == MCPZ_OK) {
        follow(engine, NULL, &engine->revocations.rows[engine->revocations.count - 1]->said);
    }
}

/* ---- For people --------------------------------------------------------------------------- */

/* As it calls itself, or did when it was heard of last. Lasts for this turn. */
static struct mcpz_bytes name_of(const struct mcpz_engine *engine, const struct mcpz_id *node)
{
    const struct mcpz_members *members = &engine->node.fabric.members;
    const struct mcpz_member *member = mcpz_members_find(members, node);
    struct mcpz_record met = {.kind = MCPZ_RECORD_PEER, .peer = {.id = *node}};

    if (member != NULL) {
        return mcpz_roster_name(&members->roster, member);
    }
    return engine->store.get(engine->store.context, &met) == MCPZ_OK ? met.peer.name
                                                                     : mcpz_bytes(NULL, 0);
}

mcpz_error mcpz_engine_revoke(struct mcpz_engine *engine, uint64_t request,
                              const struct mcpz_id *node, struct mcpz_bytes reason)
{
    const struct mcpz_id *self = mcpz_identity_id(engine->identity);
    uint8_t signature[MCPZ_SIGNATURE_BYTES];
    struct mcpz_revocation made = {
        .node = *node,
        .name = name_of(engine, node),
        .by = *self,
        .by_name = name_of(engine, self),
        .at_ms = engine->wall_ms,
        .reason = reason,
        .signature = mcpz_bytes(signature, sizeof(signature)),
    };
    struct statement said;

    assert(engine->in_turn);
    assert(reason.length <= MCPZ_REVOCATION_REASON_BYTES_MAX);
    if (!mcpz_engine_holds_mesh_key(engine)) {
        return MCPZ_EAUTH;
    }
    if (is_self(engine, node)) {
        return MCPZ_ECONFLICT;
    }
    mcpz_error error = state(&made, &said);
    if (error != MCPZ_OK) {
        return error;
    }
    mcpz_identity_sign(engine->authority, mcpz_bytes(said.bytes, said.length), signature);
    error = judge(engine, &made);
    if (error == MCPZ_OK) {
        follow(engine, NULL, &engine->revocations.rows[engine->revocations.count - 1]->said);
        mcpz_outbound_reply(engine, request, MCPZ_CODE_OK, "");
    }
    return error;
}

size_t mcpz_engine_revoked_count(const struct mcpz_engine *engine)
{
    return engine->revocations.count;
}

const struct mcpz_revocation *mcpz_engine_revoked_at(const struct mcpz_engine *engine, size_t at)
{
    assert(at < engine->revocations.count);
    return &engine->revocations.rows[at]->said;
}

const struct mcpz_revocation *mcpz_engine_revoked(const struct mcpz_engine *engine,
                                                  const struct mcpz_id *node)
{
    return mcpz_revocations_find(engine, node);
}
