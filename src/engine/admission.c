/*
 * Who gets in: HELLO, the join token, certificates. See the states in internal.h.
 *
 * What a node that is not of the mesh can make us do is here in full: read one HELLO, and one
 * JOIN if it asked for it.
 */

#include <assert.h>
#include <stdio.h>

#include "engine/internal.h"

/* ---- Sending ------------------------------------------------------------------------------ */

void mcpz_admission_greet(struct mcpz_engine *engine, struct mcpz_link_row *row)
{
    row->offered_token = engine->join.active && row->dialled[0] != '\0';

    struct mcpz_msg hello = {
        .kind = MCPZ_MSG_HELLO,
        .hello =
            {
                .version_min = MCPZ_PROTOCOL_MIN,
                .version_max = MCPZ_PROTOCOL_MAX,
                .mesh = row->offered_token ? engine->join.mesh : engine->mesh,
                .certificate = row->offered_token ? mcpz_bytes(NULL, 0)
                                                  : mcpz_certificate_slice(&engine->certificate),
                .joining = row->offered_token,
            },
    };
    mcpz_link_rows_send(engine, row, &hello);
}

/* Say why, and close when that is sent. */
static void refuse(struct mcpz_engine *engine, struct mcpz_link_row *row, uint64_t *counter,
                   uint32_t code, const char *text)
{
    (*counter)++;
    mcpz_link_rows_send(engine, row,
                        &(struct mcpz_msg){
                            .kind = MCPZ_MSG_REFUSE,
                            .refuse = {.code = code, .text = mcpz_text(text)},
                        });
    mcpz_link_rows_close(engine, row, MCPZ_DOWN_PROTOCOL, text);
}

void mcpz_admission_refuse_revoked(struct mcpz_engine *engine, struct mcpz_link_row *row,
                                   const struct mcpz_revocation *revocation)
{
    char text[MCPZ_REVOCATION_REASON_BYTES_MAX + 128];

    mcpz_revocations_explain(revocation, text, sizeof(text));
    engine->counters.refused_revoked++;
    mcpz_link_rows_send(engine, row,
                        &(struct mcpz_msg){
                            .kind = MCPZ_MSG_REFUSE,
                            .refuse = {.code = MCPZ_CODE_REVOKED,
                                       .text = mcpz_text(text),
                                       .proof = revocation,
                                       .proof_count = 1},
                        });
    mcpz_link_rows_close(engine, row, MCPZ_DOWN_LEFT, "it was revoked");
}

/* ---- HELLO -------------------------------------------------------------------------------- */

static uint32_t code_of(mcpz_error error)
{
    return error == MCPZ_ENOTFOUND ? MCPZ_CODE_WRONG_MESH : MCPZ_CODE_BAD_CERTIFICATE;
}

static const char *text_of(mcpz_error error)
{
    switch (error) {
    case MCPZ_ENOTFOUND:
        return "the certificate is of another mesh";
    case MCPZ_EEXPIRED:
        return "the certificate is out of its time: check both clocks, or join again";
    case MCPZ_EAUTH:
        return "the certificate is not signed by this mesh, or is not this node's";
    default:
        return "the certificate cannot be read";
    }
}

/* We have a token: is this the mesh it is for? Only then does it hear of the token. */
static void offer_token(struct mcpz_engine *engine, struct mcpz_link_row *row,
                        const struct mcpz_msg_hello *hello)
{
    uint8_t proof[MCPZ_PROOF_BYTES];

    mcpz_error error = mcpz_certificate_verify(hello->certificate, &engine->join.mesh, &row->peer,
                                               engine->wall_ms, NULL);
    if (error != MCPZ_OK) {
        uint64_t *counter = error == MCPZ_ENOTFOUND ? &engine->counters.refused_mesh
                                                    : &engine->counters.refused_certificate;
        if (error == MCPZ_ENOTFOUND) {
            mcpz_admission_end_join(engine, MCPZ_CODE_WRONG_MESH,
                                    "the node at the token's address is of another mesh");
        }
        refuse(engine, row, counter, code_of(error), text_of(error));
        return;
    }
    for (size_t i = 0; i < MCPZ_CONNECTED_MAX; i++) {
        if (engine->links[i].id != 0 && engine->links[i].state == MCPZ_LINK_AWAIT_ADMIT) {
            /* One door at a time, or the token is spent twice. */
            mcpz_link_rows_close(engine, row, MCPZ_DOWN_DUPLICATE, "joining by another link");
            return;
        }
    }
    mcpz_proof_make(engine->join.key, row->binding, mcpz_identity_id(engine->identity), &row->peer,
                    proof);
    row->state = MCPZ_LINK_AWAIT_ADMIT;
    row->certificate.length = hello->certificate.length;
    memcpy(row->certificate.bytes, hello->certificate.data, hello->certificate.length);
    mcpz_link_rows_send(
        engine, row,
        &(struct mcpz_msg){
            .kind = MCPZ_MSG_JOIN,
            .join =
                {
                    .token_id = mcpz_bytes(engine->join.token_id, sizeof(engine->join.token_id)),
                    .proof = mcpz_bytes(proof, sizeof(proof)),
                },
        });
}

/*
 * Was the certificate given out by a coordinator that is revoked? Whoever stole its key may go on
 * giving them out, with any date: so they are good only for those we have met.
 */
static bool is_from_revoked(struct mcpz_engine *engine, const struct mcpz_certificate *leaf)
{
    struct mcpz_record met = {.kind = MCPZ_RECORD_PEER, .peer = {.id = leaf->node}};

    return mcpz_revocations_find(engine, &leaf->issuer) != NULL &&
           engine->store.get(engine->store.context, &met) != MCPZ_OK;
}

static void on_hello(struct mcpz_engine *engine, struct mcpz_link_row *row,
                     const struct mcpz_msg_hello *hello)
{
    struct mcpz_counters *counters = &engine->counters;

    if (hello->version_min > MCPZ_PROTOCOL_MAX || hello->version_max < MCPZ_PROTOCOL_MIN ||
        hello->version_min > hello->version_max) {
        refuse(engine, row, &counters->refused_version, MCPZ_CODE_VERSION,
               "no protocol version in common: update the older node");
        return;
    }
    if (row->offered_token && engine->join.active) {
        offer_token(engine, row, hello);
        return;
    }
    if (mcpz_id_is_zero(&engine->mesh)) {
        refuse(engine, row, &counters->refused_mesh, MCPZ_CODE_WRONG_MESH,
               "this node is in no mesh");
        return;
    }
    if (!mcpz_id_equal(&hello->mesh, &engine->mesh)) {
        refuse(engine, row, &counters->refused_mesh, MCPZ_CODE_WRONG_MESH,
               "this node is of another mesh");
        return;
    }
    const struct mcpz_revocation *revocation = mcpz_revocations_find(engine, &row->peer);
    if (revocation != NULL) {
        mcpz_admission_refuse_revoked(engine, row, revocation);
        return;
    }
    if (hello->joining) {
        if (!mcpz_engine_may_admit(engine)) {
            refuse(engine, row, &counters->refused_token_unknown, MCPZ_CODE_TOKEN_UNKNOWN,
                   "this node admits nobody: dial the node that made the token");
            return;
        }
        row->state = MCPZ_LINK_AWAIT_JOIN;
        return;
    }
    struct mcpz_certificate leaf;
    mcpz_error error = mcpz_certificate_verify(hello->certificate, &engine->mesh, &row->peer,
                                               engine->wall_ms, &leaf);
    if (error != MCPZ_OK) {
        refuse(engine, row, &counters->refused_certificate, code_of(error), text_of(error));
        return;
    }
    if (is_from_revoked(engine, &leaf)) {
        refuse(engine, row, &counters->refused_certificate, MCPZ_CODE_BAD_CERTIFICATE,
               "the certificate is by a node that was revoked: join again");
        return;
    }
    row->certificate.length = hello->certificate.length;
    memcpy(row->certificate.bytes, hello->certificate.data, hello->certificate.length);
    mcpz_link_rows_admit(engine, row);
}

/* ---- JOIN --------------------------------------------------------------------------------- */

static mcpz_error sign_leaf(struct mcpz_engine *engine, struct mcpz_certificate *leaf,
                            struct mcpz_certificate_bytes *encoded)
{
    bool as_mesh = engine->authority != NULL &&
                   mcpz_id_equal(mcpz_identity_id(engine->authority), &engine->mesh);

    return mcpz_certificate_issue(as_mesh ? engine->authority : engine->identity,
                                  as_mesh ? mcpz_bytes(NULL, 0)
                                          : mcpz_certificate_slice(&engine->certificate),
                                  leaf, encoded);
}

static uint64_t next_serial(struct mcpz_engine *engine)
{
    return engine->wall_ms << 16 | (engine->next_serial++ & 0xffff);
}

mcpz_error mcpz_admission_certify_past(struct mcpz_engine *engine, const struct mcpz_id *author,
                                       struct mcpz_certificate_bytes *encoded)
{
    struct mcpz_certificate leaf = {
        .mesh = engine->mesh,
        .node = *author,
        .serial = next_serial(engine),
        .not_after_ms = 1, /* 1970: nobody is let in with it */
    };
    return sign_leaf(engine, &leaf, encoded);
}

static mcpz_error issue(struct mcpz_engine *engine, const struct mcpz_id *node,
                        const struct mcpz_bytes *roles, size_t role_count,
                        struct mcpz_certificate_bytes *encoded)
{
    struct mcpz_certificate leaf = {
        .mesh = engine->mesh,
        .node = *node,
        .serial = next_serial(engine),
        .not_before_ms = engine->wall_ms,
        .not_after_ms = engine->wall_ms + MCPZ_CERTIFICATE_LIFE_MS,
        .role_count = role_count < MCPZ_ROLES_MAX ? role_count : MCPZ_ROLES_MAX,
    };

    for (size_t i = 0; i < leaf.role_count; i++) {
        leaf.roles[i] = roles[i];
    }
    return sign_leaf(engine, &leaf, encoded);
}

/* Who does not know the secret learns only that. Then: expired, then used up. */
static bool check_token(struct mcpz_engine *engine, struct mcpz_link_row *row,
                        const struct mcpz_msg_join *join, struct mcpz_record *record)
{
    struct mcpz_counters *counters = &engine->counters;

    *record = (struct mcpz_record){.kind = MCPZ_RECORD_TOKEN};
    memcpy(record->token.id, join->token_id.data, MCPZ_TOKEN_ID_BYTES);
    if (engine->store.get(engine->store.context, record) != MCPZ_OK) {
        refuse(engine, row, &counters->refused_token_unknown, MCPZ_CODE_TOKEN_UNKNOWN,
               "this node did not make the token");
        return false;
    }
    const struct mcpz_record_token *token = &record->token;
    if (mcpz_proof_check(token->key.data, row->binding, &row->peer,
                         mcpz_identity_id(engine->identity), join->proof) != MCPZ_OK) {
        refuse(engine, row, &counters->refused_token_proof, MCPZ_CODE_TOKEN_WRONG,
               "the token's secret is not right");
        return false;
    }
    if (engine->wall_ms >= token->expires_ms) {
        refuse(engine, row, &counters->refused_token_expired, MCPZ_CODE_TOKEN_EXPIRED,
               "the token has expired: make a new one with `mcpz token create`");
        return false;
    }
    bool again = mcpz_id_equal(&token->last, &row->peer);
    if (token->revoked || (token->uses_spent >= token->uses_max && !again)) {
        refuse(engine, row, &counters->refused_token_used, MCPZ_CODE_TOKEN_USED,
               token->revoked ? "the token was revoked: make a new one with `mcpz token create`"
                              : "the token is used up: make a new one with `mcpz token create`");
        return false;
    }
    return true;
}

static void on_join(struct mcpz_engine *engine, struct mcpz_link_row *row,
                    const struct mcpz_msg_join *join)
{
    struct mcpz_record record;
    if (!check_token(engine, row, join, &record)) {
        return;
    }
    size_t role_count = record.token.role.length > 0 ? 1 : 0;
    mcpz_error error =
        issue(engine, &row->peer, &record.token.role, role_count, &row->certificate);
    if (error != MCPZ_OK) {
        refuse(engine, row, &engine->counters.refused_certificate, MCPZ_CODE_INTERNAL,
               "this node could not make a certificate");
        return;
    }
    /* Whoever lost our answer asks again: that is no second use. */
    record.token.uses_spent += !mcpz_id_equal(&record.token.last, &row->peer);
    record.token.last = row->peer;
    engine->store.put(engine->store.context, &record);
    engine->counters.joins_admitted++;

    /* The use is on disk before the certificate is out, or a crash would give it back. */
    row->state = MCPZ_LINK_ADMITTING;
    mcpz_outbound_hold_admit(engine, row,
                             &(struct mcpz_msg){
                                 .kind = MCPZ_MSG_ADMIT,
                                 .admit = {mcpz_certificate_slice(&row->certificate)},
                             });
}

/* ---- ADMIT, REFUSE, RENEW ----------------------------------------------------------------- */

void mcpz_admission_adopt(struct mcpz_engine *engine, const struct mcpz_id *mesh,
                          struct mcpz_bytes encoded)
{
    struct mcpz_certificate leaf;
    assert(encoded.length <= sizeof(engine->certificate.bytes));

    engine->mesh = *mesh;
    memmove(engine->certificate.bytes, encoded.data, encoded.length);
    engine->certificate.length = encoded.length;
    engine->certificate_end_ms = 0;
    engine->certificate_renew_ms = UINT64_MAX;
    if (mcpz_certificate_verify(mcpz_certificate_slice(&engine->certificate), mesh,
                                mcpz_identity_id(engine->identity), engine->wall_ms,
                                &leaf) == MCPZ_OK) {
        uint64_t life = leaf.not_after_ms - leaf.not_before_ms;
        engine->certificate_end_ms = leaf.not_after_ms;
        engine->certificate_renew_ms = leaf.not_before_ms + life / 3 * 2;
    }
    mcpz_engine_save_self(engine);
}

mcpz_error mcpz_admission_found(struct mcpz_engine *engine)
{
    struct mcpz_certificate_bytes encoded;
    struct mcpz_bytes role = mcpz_text(MCPZ_ROLE_COORDINATOR);

    engine->mesh = *mcpz_identity_id(engine->authority);
    mcpz_error error = issue(engine, mcpz_identity_id(engine->identity), &role, 1, &encoded);
    if (error == MCPZ_OK) {
        mcpz_admission_adopt(engine, mcpz_identity_id(engine->authority),
                             mcpz_certificate_slice(&encoded));
    }
    return error;
}

void mcpz_admission_end_join(struct mcpz_engine *engine, uint32_t code, const char *text)
{
    if (!engine->join.active) {
        return;
    }
    uint64_t request = engine->join.request;
    mcpz_wipe(&engine->join, sizeof(engine->join));
    engine->join = (struct mcpz_pending_join){0};
    mcpz_outbound_reply(engine, request, code, text);
}

static void on_admit(struct mcpz_engine *engine, struct mcpz_link_row *row,
                     const struct mcpz_msg_admit *admit)
{
    bool joining = row->state == MCPZ_LINK_AWAIT_ADMIT;
    struct mcpz_id mesh = joining ? engine->join.mesh : engine->mesh;

    mcpz_error error = mcpz_certificate_verify(
        admit->certificate, &mesh, mcpz_identity_id(engine->identity), engine->wall_ms, NULL);
    if (error != MCPZ_OK) {
        mcpz_admission_end_join(engine, code_of(error), text_of(error));
        refuse(engine, row, &engine->counters.refused_certificate, code_of(error), text_of(error));
        return;
    }
    mcpz_admission_adopt(engine, &mesh, admit->certificate);
    if (joining) {
        mcpz_admission_end_join(engine, MCPZ_CODE_OK, "");
        mcpz_link_rows_admit(engine, row);
    }
}

static void on_refuse(struct mcpz_engine *engine, struct mcpz_link_row *row,
                      const struct mcpz_msg_refuse *no)
{
    const enum mcpz_link_down_reason reason =
        no->code == MCPZ_CODE_LIMIT ? MCPZ_DOWN_FULL : MCPZ_DOWN_PROTOCOL;
    char text[512];
    mcpz_bytes_to_text(no->text, text, sizeof(text));

    if (row->state == MCPZ_LINK_AWAIT_ADMIT || row->offered_token) {
        mcpz_admission_end_join(engine, no->code, text);
    }
    if (no->proof_count > 0) {
        mcpz_revocations_believe(engine, no->proof); /* first: what it says lies in our scratch */
    }
    /* A member that has links enough says so; that is no sign of its death. */
    mcpz_link_rows_close(engine, row, reason, text);
}

void mcpz_admission_review(struct mcpz_engine *engine)
{
    struct mcpz_certificate leaf;

    if (mcpz_certificate_verify(mcpz_certificate_slice(&engine->certificate), &engine->mesh,
                                mcpz_identity_id(engine->identity), engine->wall_ms,
                                &leaf) == MCPZ_OK &&
        mcpz_revocations_find(engine, &leaf.issuer) != NULL) {
        engine->certificate_renew_ms = 0;
    }
}

/* A member asks for a fresh certificate: the same roles, more time. */
static void on_renew(struct mcpz_engine *engine, struct mcpz_link_row *row)
{
    struct mcpz_certificate leaf;
    struct mcpz_certificate_bytes fresh;

    if (!mcpz_engine_may_admit(engine) ||
        mcpz_certificate_verify(mcpz_certificate_slice(&row->certificate), &engine->mesh,
                                &row->peer, engine->wall_ms, &leaf) != MCPZ_OK ||
        issue(engine, &row->peer, leaf.roles, leaf.role_count, &fresh) != MCPZ_OK) {
        return;
    }
    row->certificate = fresh;
    mcpz_link_rows_send(
        engine, row,
        &(struct mcpz_msg){.kind = MCPZ_MSG_ADMIT, .admit = {mcpz_certificate_slice(&fresh)}});
}

bool mcpz_admission_expects(const struct mcpz_link_row *row, uint32_t kind)
{
    switch (row->state) {
    case MCPZ_LINK_GREETING:
        return kind == MCPZ_MSG_HELLO || kind == MCPZ_MSG_REFUSE;
    case MCPZ_LINK_AWAIT_JOIN:
        return kind == MCPZ_MSG_JOIN || kind == MCPZ_MSG_REFUSE;
    case MCPZ_LINK_AWAIT_ADMIT:
        return kind == MCPZ_MSG_ADMIT || kind == MCPZ_MSG_REFUSE;
    case MCPZ_LINK_ADMITTING:
    case MCPZ_LINK_CLOSING:
        return false;
    case MCPZ_LINK_ADMITTED:
    case MCPZ_LINK_GIVING_WAY:
        return kind >= MCPZ_MSG_ADMIT;
    case MCPZ_LINK_RELAYED:
        return mcpz_letters_carry(kind);
    }
    return false;
}

void mcpz_admission_message(struct mcpz_engine *engine, struct mcpz_link_row *row,
                            const struct mcpz_msg *msg)
{
    if (msg->kind == MCPZ_MSG_HELLO) {
        on_hello(engine, row, &msg->hello);
    } else if (msg->kind == MCPZ_MSG_JOIN) {
        on_join(engine, row, &msg->join);
    } else if (msg->kind == MCPZ_MSG_ADMIT) {
        on_admit(engine, row, &msg->admit);
    } else if (msg->kind == MCPZ_MSG_REFUSE) {
        on_refuse(engine, row, &msg->refuse);
    } else if (msg->kind == MCPZ_MSG_RENEW) {
        on_renew(engine, row);
    }
}

/* ---- Time --------------------------------------------------------------------------------- */

static void renew(struct mcpz_engine *engine)
{
    if (engine->wall_ms < engine->certificate_renew_ms || engine->now < engine->renew_again_us ||
        mcpz_id_is_zero(&engine->mesh)) {
        return;
    }
    engine->renew_again_us = engine->now + MCPZ_RENEW_AGAIN_US;
    if (engine->authority != NULL &&
        mcpz_id_equal(mcpz_identity_id(engine->authority), &engine->mesh)) {
        if (mcpz_admission_found(engine) == MCPZ_OK) {
            return;
        }
    }
    for (size_t i = 0; i < MCPZ_CONNECTED_MAX; i++) {
        struct mcpz_link_row *row = &engine->links[i];
        if (row->id != 0 && row->state == MCPZ_LINK_ADMITTED) {
            mcpz_link_rows_send(engine, row, &(struct mcpz_msg){.kind = MCPZ_MSG_RENEW});
        }
    }
}

void mcpz_admission_tick(struct mcpz_engine *engine)
{
    for (size_t i = 0; i < MCPZ_CONNECTED_MAX; i++) {
        struct mcpz_link_row *row = &engine->links[i];
        if (row->id == 0 || row->admit_by_us > engine->now) {
            continue;
        }
        if (row->state == MCPZ_LINK_GIVING_WAY) {
            mcpz_link_rows_close(engine, row, MCPZ_DOWN_DUPLICATE, MCPZ_WHY_DUPLICATE);
        } else {
            engine->counters.links_unadmitted++;
            mcpz_link_rows_close(engine, row, MCPZ_DOWN_PROTOCOL, "not admitted in time");
        }
    }
    renew(engine);
}

mcpz_time mcpz_admission_deadline(const struct mcpz_engine *engine)
{
    mcpz_time deadline = MCPZ_TIME_NEVER;
    for (size_t i = 0; i < MCPZ_CONNECTED_MAX; i++) {
        if (engine->links[i].id != 0) {
            deadline = mcpz_time_min(deadline, engine->links[i].admit_by_us);
        }
    }
    return deadline;
}
