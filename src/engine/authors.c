/*
 * Authors of deltas: who may have written what comes in, long after they are gone.
 *
 * A certificate that has run out lets nobody in, but still shows whose deltas its node's are: what
 * depended on the hour would be valid here and not there. It is told over a link before the first
 * delta of its author, and kept with that.
 */

#include <stdlib.h>

#include "engine/internal.h"
#include "wire/codec.h"
#include "wire/credentials.h"

/* ---- What is known ------------------------------------------------------------------------ */

static void keep(struct mcpz_engine *engine, const struct mcpz_id *author,
                 struct mcpz_bytes certificate)
{
    const struct mcpz_record record = {
        .kind = MCPZ_RECORD_AUTHOR,
        .author = {.id = *author, .mesh = engine->mesh, .certificate = certificate},
    };
    engine->store.put(engine->store.context, &record);
}

/* The certificate with which a linked peer was admitted. */
static bool find_linked(struct mcpz_engine *engine, const struct mcpz_id *author,
                        struct mcpz_bytes *certificate)
{
    const struct mcpz_link_row *row = mcpz_link_rows_of(engine, author);

    if (row == NULL || row->certificate.length == 0) {
        return false;
    }
    *certificate = mcpz_certificate_slice(&row->certificate);
    keep(engine, author, *certificate);
    return true;
}

bool mcpz_authors_find(struct mcpz_engine *engine, const struct mcpz_id *author,
                       struct mcpz_bytes *certificate)
{
    struct mcpz_record record = {.kind = MCPZ_RECORD_AUTHOR, .author = {.id = *author}};

    if (mcpz_id_equal(author, mcpz_identity_id(engine->identity))) {
        *certificate = mcpz_certificate_slice(&engine->certificate);
        return true;
    }
    if (engine->store.get(engine->store.context, &record) == MCPZ_OK &&
        mcpz_id_equal(&record.author.mesh, &engine->mesh)) {
        *certificate = record.author.certificate;
        return true;
    }
    return find_linked(engine, author, certificate);
}

/* ---- Telling ------------------------------------------------------------------------------ */

static uint64_t mark_of(const struct mcpz_id *author)
{
    uint64_t mark;

    memcpy(&mark, author->bytes, sizeof(mark));
    return mark;
}

static uint64_t *place_of(const struct mcpz_link_row *row, uint64_t mark)
{
    return &row->told[mark % MCPZ_TOLD_AUTHORS_MAX];
}

/* Were they told, and not displaced since? Who has the author's own link knows it. */
static bool was_told(const struct mcpz_link_row *row, const struct mcpz_id *author)
{
    const uint64_t mark = mark_of(author);

    return mcpz_id_equal(&row->peer, author) ||
           (row->told != NULL && *place_of(row, mark) == mark);
}

static void note_told(struct mcpz_link_row *row, const struct mcpz_id *author)
{
    const uint64_t mark = mark_of(author);

    if (row->told == NULL) {
        row->told = calloc(MCPZ_TOLD_AUTHORS_MAX, sizeof(*row->told));
    }
    if (row->told != NULL) {
        *place_of(row, mark) = mark;
    }
}

bool mcpz_authors_tell(struct mcpz_engine *engine, const struct mcpz_id *author,
                       const struct mcpz_link_set *route)
{
    struct mcpz_msg msg = {.kind = MCPZ_MSG_AUTHOR, .author = {.author = *author}};

    const bool is_ours = mcpz_id_equal(author, mcpz_identity_id(engine->identity));
    if (!mcpz_authors_find(engine, author, &msg.author.certificate)) {
        return false;
    }
    for (size_t i = 0; i < route->count; i++) {
        struct mcpz_link_row *row = mcpz_link_rows_find(engine, route->links[i]);
        const bool has_seen = is_ours && row != NULL && row->state != MCPZ_LINK_RELAYED;
        if (row != NULL && !has_seen && !was_told(row, author)) { /* on a link it is shown first */
            const struct mcpz_link_set single = {.links = {row->id}, .count = 1};
            mcpz_outbound_hold(engine, &msg, &single);
            note_told(row, author);
        }
    }
    return true;
}

/* ---- Hearing ------------------------------------------------------------------------------ */

void mcpz_authors_ask(struct mcpz_engine *engine, const struct mcpz_id *peer,
                      const struct mcpz_id *author)
{
    struct mcpz_link_row *row = mcpz_link_rows_to(engine, peer);

    if (row != NULL) {
        mcpz_link_rows_send(
            engine, row,
            &(struct mcpz_msg){.kind = MCPZ_MSG_AUTHOR, .author = {.author = *author}});
    }
}

static bool is_of_mesh(struct mcpz_engine *engine, const struct mcpz_id *mesh,
                       const struct mcpz_msg_author *said)
{
    struct mcpz_verified *verified = &engine->scratch->verified;
    const struct mcpz_verified_claim claim = {
        .signer = mcpz_bytes(mesh->bytes, MCPZ_ID_BYTES),
        .said = mcpz_bytes(said->author.bytes, MCPZ_ID_BYTES),
        .signature = said->certificate,
    };

    if (mcpz_verified_find(verified, &claim)) {
        return true;
    }
    if (mcpz_certificate_verify_author(said->certificate, mesh, &said->author) != MCPZ_OK) {
        return false;
    }
    mcpz_verified_add(verified, &claim);
    return true;
}

mcpz_error mcpz_authors_take(struct mcpz_engine *engine, struct mcpz_link_row *row,
                             const struct mcpz_msg_author *said)
{
    struct mcpz_msg answer = {.kind = MCPZ_MSG_AUTHOR, .author = {.author = said->author}};
    struct mcpz_bytes *known = &answer.author.certificate;

    const bool is_known = mcpz_authors_find(engine, &said->author, known);
    if (said->certificate.length == 0) {
        if (is_known && known->length > 0) {
            mcpz_link_rows_send(engine, row, &answer);
        }
        return MCPZ_OK;
    }
    if (is_known) {
        return MCPZ_OK;
    }
    if (!is_of_mesh(engine, &engine->mesh, said)) {
        engine->counters.refused_author++;
        return MCPZ_EAUTH;
    }
    keep(engine, &said->author, said->certificate);
    return MCPZ_OK;
}

/* ---- From files --------------------------------------------------------------------------- */

/* Certify somebody of another mesh, out of time: good for what it has written, and no more. */
static mcpz_error adopt(struct mcpz_engine *engine, const struct mcpz_id *author)
{
    struct mcpz_certificate_bytes encoded;

    if (!mcpz_engine_may_admit(engine)) {
        return MCPZ_EAUTH;
    }
    mcpz_error error = mcpz_admission_certify_past(engine, author, &encoded);
    if (error == MCPZ_OK) {
        keep(engine, author, mcpz_certificate_slice(&encoded));
    }
    return error;
}

mcpz_error mcpz_authors_import(struct mcpz_engine *engine, const struct mcpz_msg_author *said,
                               bool keeps)
{
    struct mcpz_certificate_chain chain;
    struct mcpz_bytes known;

    if (mcpz_authors_find(engine, &said->author, &known)) {
        return MCPZ_OK;
    }
    mcpz_error error = mcpz_certificate_chain_decode(said->certificate, &chain);
    if (error != MCPZ_OK) {
        return error;
    }
    const struct mcpz_id mesh = chain.certificates[0].mesh;
    if (!is_of_mesh(engine, &mesh, said)) {
        return MCPZ_EAUTH;
    }
    const bool is_foreign = !mcpz_id_equal(&mesh, &engine->mesh);
    if (is_foreign && !mcpz_engine_may_admit(engine)) {
        return MCPZ_ECONFLICT;
    }
    if (keeps && is_foreign) {
        return adopt(engine, &said->author);
    }
    if (keeps) {
        keep(engine, &said->author, said->certificate);
    }
    return MCPZ_OK;
}

mcpz_error mcpz_engine_show_author(struct mcpz_engine *engine, const struct mcpz_id *author,
                                   uint8_t *buffer, size_t capacity, size_t *length)
{
    struct mcpz_msg msg = {.kind = MCPZ_MSG_AUTHOR, .author = {.author = *author}};

    if (!mcpz_authors_find(engine, author, &msg.author.certificate) ||
        msg.author.certificate.length == 0) {
        return MCPZ_ENOTFOUND;
    }
    return mcpz_msg_encode(&msg, buffer, capacity, length);
}
