#include "engine/internal.h"
#include "engine/revocations.h"
#include "pair.h"
#include "wire/codec.h"
#include "wire/credentials.h"
#include "wire/frame.h"

static const struct mcpz_id *id_of(const struct side *side)
{
    return mcpz_engine_id(side->engine);
}

static mcpz_error revoke(struct side *by, const struct mcpz_id *node, const char *reason)
{
    const mcpz_error error = mcpz_engine_revoke(enter(by), 7, node, mcpz_text(reason));

    leave(by);
    return error;
}

static struct mcpz_id stranger(uint8_t number)
{
    return (struct mcpz_id){{number, 9}};
}

static const struct mcpz_counters *counters_of(const struct side *side)
{
    return mcpz_engine_counters(side->engine);
}

static bool has_met(struct side *side, const struct mcpz_id *node)
{
    struct mcpz_record record = {.kind = MCPZ_RECORD_PEER, .peer = {.id = *node}};
    const struct mcpz_store *store = mcpz_engine_store(enter(side));
    const bool met = store->get(store->context, &record) == MCPZ_OK;

    leave(side);
    return met;
}

/* As the one who holds the mesh's key would sign it, or anybody else. */
static struct mcpz_revocation signed_by(const struct mcpz_identity *key,
                                        const struct mcpz_id *node, uint8_t *signature)
{
    static const char words[] = "mcpz revocation: ";
    struct mcpz_revocation made = {.node = *node, .at_ms = 5};
    uint8_t said[1024];
    size_t length;

    memcpy(said, words, sizeof(words) - 1);
    CHECK_UINT(mcpz_revocation_body_encode(&made, said + sizeof(words) - 1,
                                           sizeof(said) - sizeof(words), &length),
               MCPZ_OK);
    mcpz_identity_sign(key, mcpz_bytes(said, sizeof(words) - 1 + length), signature);
    made.signature = mcpz_bytes(signature, MCPZ_SIGNATURE_BYTES);
    return made;
}

/* The other says that to the founder. */
static void say(const struct mcpz_msg *msg)
{
    struct mcpz_framer *framer;
    uint8_t bytes[MCPZ_MSG_BYTES_MAX];
    size_t length;

    CHECK_UINT(mcpz_msg_encode(msg, bytes, sizeof(bytes), &length), MCPZ_OK);
    CHECK_UINT(mcpz_framer_create(&framer), MCPZ_OK);
    mcpz_framer_begin(framer);
    CHECK(mcpz_framer_add(framer, mcpz_bytes(bytes, length)));
    CHECK_UINT(mcpz_engine_frame(enter(&founder), founder.link,
                                 mcpz_framer_finish(framer, MCPZ_COMPRESS_NOTHING)),
               MCPZ_OK);
    leave(&founder);
    mcpz_framer_destroy(framer);
}

TEST(who_is_revoked_loses_its_link_and_is_told_why)
{
    make_mesh();
    CHECK(has_met(&founder, id_of(&other)));
    CHECK_UINT(revoke(&founder, id_of(&other), "stolen"), MCPZ_OK);
    CHECK_UINT(founder.reply_code, MCPZ_CODE_OK);
    CHECK(founder.closed);
    CHECK_UINT(link_count(&founder), 0);
    CHECK(!has_met(&founder, id_of(&other)));
    CHECK_UINT(
        mcpz_members_find(&mcpz_engine_node(founder.engine)->fabric.members, id_of(&other))->state,
        MCPZ_MEMBER_LEFT);

    talk();
    CHECK_UINT(link_count(&other), 0);
    const struct mcpz_revocation *said = mcpz_engine_revoked(other.engine, id_of(&other));
    CHECK(said != NULL);
    CHECK_BYTES(said->reason, "stolen", 6);
    CHECK_BYTES(said->name, "side", 4);
    CHECK_BYTES(said->by_name, "side", 4);
    CHECK(mcpz_id_equal(&said->by, id_of(&founder)));
    CHECK_UINT(said->at_ms, WALL_MS);
    free_pair();
}

TEST(who_is_revoked_dials_nobody_any_more)
{
    make_mesh();
    CHECK_UINT(revoke(&founder, id_of(&other), ""), MCPZ_OK);
    talk();
    other.dials = 0;
    pass_time(MCPZ_SECONDS(120));
    CHECK_UINT(other.dials, 0);
    restart_side(&other); /* also after a restart: it knows */
    CHECK(mcpz_engine_revoked(other.engine, id_of(&other)) != NULL);
    CHECK_UINT(other.dials, 0);
    free_pair();
}

TEST(who_was_away_is_refused_and_shown_why)
{
    make_mesh();
    mcpz_engine_link_closed(enter(&founder), founder.link);
    leave(&founder);
    CHECK_UINT(revoke(&founder, id_of(&other), "lost"), MCPZ_OK);
    restart_side(&founder); /* it is kept */
    talk();
    CHECK_UINT(counters_of(&founder)->refused_revoked, 1);
    CHECK_UINT(link_count(&founder), 0);
    CHECK(founder.closed && other.closed);
    CHECK(mcpz_engine_revoked(other.engine, id_of(&other)) != NULL);
    CHECK_UINT(link_count(&other), 0);
    free_pair();
}

TEST(who_was_met_before_the_last_start_has_a_name)
{
    make_mesh();
    mcpz_engine_link_closed(enter(&founder), founder.link);
    leave(&founder);
    mcpz_engine_destroy(founder.engine);
    start_side(&founder, "founder:1");
    CHECK_UINT(revoke(&founder, id_of(&other), ""), MCPZ_OK);
    CHECK_BYTES(mcpz_engine_revoked(founder.engine, id_of(&other))->name, "side", 4);
    CHECK(!has_met(&founder, id_of(&other)));
    free_pair();
}

TEST(no_token_lets_in_who_is_revoked)
{
    make_mesh();
    CHECK_UINT(revoke(&founder, id_of(&other), "lost"), MCPZ_OK);
    talk();
    mcpz_engine_leave(enter(&other), 1);
    leave(&other);
    CHECK_UINT(mcpz_engine_revoked_count(other.engine), 0); /* of a mesh it is not in any more */
    const struct mcpz_join_token token = make_token(1000, 5, "");
    join_with(&token);
    CHECK_UINT(other.reply_code, MCPZ_CODE_REVOKED);
    assert_string_equal(other.reply_text, "this node was revoked (lost): it needs a new identity");
    CHECK_UINT(link_count(&founder), 0);
    free_pair();
}

TEST(only_the_mesh_s_key_revokes)
{
    const struct mcpz_id gone = stranger(1);
    uint8_t signature[MCPZ_SIGNATURE_BYTES];

    make_mesh();
    CHECK_UINT(revoke(&other, &gone, ""), MCPZ_EAUTH);
    CHECK_UINT(revoke(&founder, id_of(&founder), ""), MCPZ_ECONFLICT);
    CHECK_UINT(revoke(&founder, &gone, "\xff"), MCPZ_EPROTO);
    const struct mcpz_revocation forged = signed_by(other.identity, &gone, signature);
    say(&(struct mcpz_msg){.kind = MCPZ_MSG_REVOKED, .revoked = {0, false, &forged, 1}});
    CHECK_UINT(counters_of(&founder)->refused_revocation, 1);
    CHECK_UINT(mcpz_engine_revoked_count(founder.engine), 0);
    CHECK_UINT(link_count(&founder), 1);

    const struct mcpz_revocation real = signed_by(founder.authority, &gone, signature);
    struct mcpz_revocation changed = real;
    changed.at_ms++;
    say(&(struct mcpz_msg){.kind = MCPZ_MSG_REVOKED, .revoked = {0, false, &changed, 1}});
    CHECK_UINT(counters_of(&founder)->refused_revocation, 2);
    say(&(struct mcpz_msg){.kind = MCPZ_MSG_REVOKED, .revoked = {0, false, &real, 1}});
    CHECK_UINT(mcpz_engine_revoked_count(founder.engine), 1);
    CHECK_UINT(revoke(&founder, &gone, ""), MCPZ_EUSED); /* the first that came is kept */
    free_pair();
}

TEST(a_refusal_without_proof_is_nobody_s_end)
{
    uint8_t signature[MCPZ_SIGNATURE_BYTES];

    make_mesh();
    const struct mcpz_revocation forged = signed_by(other.identity, id_of(&founder), signature);
    say(&(struct mcpz_msg){.kind = MCPZ_MSG_REFUSE,
                           .refuse = {MCPZ_CODE_REVOKED, mcpz_text("you"), &forged, 1}});
    CHECK_UINT(mcpz_engine_revoked_count(founder.engine), 0);
    mcpz_engine_link_closed(enter(&founder), founder.link);
    mcpz_engine_link_closed(enter(&other), other.link);
    leave(&founder);
    leave(&other);
    connect_pair();
    talk();
    CHECK_UINT(link_count(&founder), 1);
    free_pair();
}

TEST(both_hear_what_the_other_knows)
{
    uint8_t signature[MCPZ_SIGNATURE_BYTES];
    const size_t many = MCPZ_REVOCATIONS_PER_MESSAGE_MAX + 1;

    make_mesh();
    mcpz_engine_link_closed(enter(&founder), founder.link);
    mcpz_engine_link_closed(enter(&other), other.link);
    leave(&founder);
    leave(&other);
    for (size_t i = 0; i < many; i++) {
        const struct mcpz_id gone = stranger((uint8_t)(10 + i));
        CHECK_UINT(revoke(&founder, &gone, "old"), MCPZ_OK);
    }
    const struct mcpz_id lone = stranger(3);
    const struct mcpz_revocation made = signed_by(founder.authority, &lone, signature);
    other.engine->mesh = *mcpz_identity_id(founder.authority);
    mcpz_revocations_hear(enter(&other), &other.engine->links[0],
                          &(struct mcpz_msg_revoked){.rows = &made, .row_count = 1});
    leave(&other);
    CHECK_UINT(mcpz_engine_revoked_count(other.engine), 1);
    connect_pair();
    talk();
    CHECK_UINT(mcpz_engine_revoked_count(founder.engine), many + 1);
    CHECK_UINT(mcpz_engine_revoked_count(other.engine), many + 1);
    CHECK_UINT(founder.engine->revocations.digest, other.engine->revocations.digest);
    CHECK_UINT(link_count(&founder), 1);

    const uint64_t sent = mcpz_engine_sent(founder.engine, MCPZ_MSG_REVOKED)->messages;
    restart_side(&other); /* who knows the same says no more than that */
    talk();
    CHECK_UINT(mcpz_engine_revoked_count(other.engine), many + 1);
    CHECK_UINT(mcpz_engine_sent(founder.engine, MCPZ_MSG_REVOKED)->messages, sent + 1);
    free_pair();
}

TEST(there_are_only_so_many)
{
    make_mesh();
    for (size_t i = 0; i < MCPZ_REVOCATIONS_MAX; i++) {
        const struct mcpz_id gone = {{(uint8_t)i, (uint8_t)(i >> 8), 9}};
        CHECK_UINT(mcpz_engine_revoke(enter(&founder), 7, &gone, mcpz_text("")), MCPZ_OK);
        leave(&founder);
    }
    const struct mcpz_id last = stranger(200);
    CHECK_UINT(revoke(&founder, &last, ""), MCPZ_EFULL);
    CHECK_UINT(mcpz_engine_revoked_count(founder.engine), MCPZ_REVOCATIONS_MAX);
    talk();
    CHECK_UINT(mcpz_engine_revoked_count(other.engine), MCPZ_REVOCATIONS_MAX);
    free_pair();
}

TEST(what_a_full_disk_did_not_take_is_written_and_told_again)
{
    const struct mcpz_id gone = stranger(1);
    const struct mcpz_record met = {.kind = MCPZ_RECORD_PEER,
                                    .peer = {.id = gone, .address = mcpz_text("gone:1")}};

    make_mesh();
    const struct mcpz_store *store = mcpz_engine_store(enter(&founder));
    store->put(store->context, &met);
    leave(&founder);
    CHECK(has_met(&founder, &gone));
    founder.disk_is_held = true;
    CHECK_UINT(revoke(&founder, &gone, ""), MCPZ_OK);
    mcpz_mem_fail(founder.mem, MCPZ_ENOSPACE);
    mcpz_engine_store_progress(founder.engine);
    CHECK_UINT(founder.reply_code, MCPZ_CODE_STORE_FAILED);
    talk();
    CHECK_UINT(mcpz_engine_revoked_count(other.engine), 0);
    founder.disk_is_held = false;
    pass_time(MCPZ_SECONDS(2));
    CHECK_UINT(mcpz_engine_revoked_count(other.engine), 1);
    restart_side(&founder);
    CHECK_UINT(mcpz_engine_revoked_count(founder.engine), 1);
    CHECK(!has_met(&founder, &gone)); /* or it would be waited for */
    free_pair();
}

/* What it knows differs, and what it would ask is lost with its own batch. */
TEST(who_could_not_ask_for_a_full_disk_asks_later)
{
    const struct mcpz_id gone = stranger(1);
    const struct mcpz_record met = {.kind = MCPZ_RECORD_PEER, .peer = {.id = stranger(2)}};

    make_mesh();
    founder.disk_is_held = true;
    CHECK_UINT(revoke(&founder, &gone, ""), MCPZ_OK);
    mcpz_mem_fail(founder.mem, MCPZ_ENOSPACE);
    mcpz_engine_store_progress(founder.engine);
    founder.disk_is_held = false;
    other.disk_is_held = true;
    const struct mcpz_store *store = mcpz_engine_store(enter(&other));
    store->put(store->context, &met); /* anything */
    leave(&other);
    pass_time(MCPZ_SECONDS(2));
    mcpz_mem_fail(other.mem, MCPZ_ENOSPACE);
    mcpz_engine_store_progress(other.engine);
    talk();
    CHECK_UINT(mcpz_engine_revoked_count(other.engine), 0);
    other.disk_is_held = false;
    pass_time(MCPZ_SECONDS(2));
    CHECK_UINT(mcpz_engine_revoked_count(other.engine), 1);
    free_pair();
}

/* The other may admit, and is revoked: what it has signed lets in only who was met. */
TEST(certificates_of_a_revoked_coordinator_are_good_for_those_we_have_met)
{
    static const uint8_t binding[MCPZ_BINDING_BYTES] = {7};

    for (int met = 0; met < 2; met++) {
        make_pair(0);
        struct mcpz_identity *thief = identity_of(5);
        struct mcpz_identity *coordinator = identity_of(6);
        struct mcpz_certificate leaf = {.mesh = *mcpz_engine_mesh(founder.engine),
                                        .node = *mcpz_identity_id(coordinator),
                                        .not_before_ms = WALL_MS,
                                        .not_after_ms = WALL_MS + 10000,
                                        .roles = {mcpz_text(MCPZ_ROLE_COORDINATOR)},
                                        .role_count = 1};
        struct mcpz_certificate_bytes own;
        struct mcpz_certificate_bytes chain;
        CHECK_UINT(mcpz_certificate_issue(founder.authority, mcpz_bytes(NULL, 0), &leaf, &own),
                   MCPZ_OK);
        leaf.node = *mcpz_identity_id(thief);
        leaf.role_count = 0;
        CHECK_UINT(
            mcpz_certificate_issue(coordinator, mcpz_certificate_slice(&own), &leaf, &chain),
            MCPZ_OK);
        if (met == 1) {
            const struct mcpz_record record = {
                .kind = MCPZ_RECORD_PEER,
                .peer = {.id = *mcpz_identity_id(thief), .address = mcpz_text("h:1")}};
            const struct mcpz_store *store = mcpz_engine_store(enter(&founder));
            store->put(store->context, &record);
            leave(&founder);
        }
        CHECK_UINT(revoke(&founder, mcpz_identity_id(coordinator), ""), MCPZ_OK);
        CHECK_UINT(mcpz_engine_link_opened(enter(&founder), mcpz_identity_id(thief), binding,
                                           mcpz_bytes(NULL, 0), &founder.link),
                   MCPZ_OK);
        leave(&founder);
        say(&(struct mcpz_msg){.kind = MCPZ_MSG_HELLO,
                               .hello = {MCPZ_PROTOCOL_MIN, MCPZ_PROTOCOL_MAX,
                                         *mcpz_engine_mesh(founder.engine),
                                         mcpz_certificate_slice(&chain), false}});
        CHECK_UINT(link_count(&founder), (size_t)met);
        CHECK_UINT(counters_of(&founder)->refused_certificate, met == 0 ? 1 : 0);
        mcpz_identity_destroy(thief);
        mcpz_identity_destroy(coordinator);
        free_pair();
    }
}

TEST_MAIN(RUN(who_is_revoked_loses_its_link_and_is_told_why),
          RUN(who_is_revoked_dials_nobody_any_more), RUN(who_was_away_is_refused_and_shown_why),
          RUN(who_was_met_before_the_last_start_has_a_name), RUN(no_token_lets_in_who_is_revoked),
          RUN(only_the_mesh_s_key_revokes), RUN(a_refusal_without_proof_is_nobody_s_end),
          RUN(both_hear_what_the_other_knows), RUN(there_are_only_so_many),
          RUN(what_a_full_disk_did_not_take_is_written_and_told_again),
          RUN(who_could_not_ask_for_a_full_disk_asks_later),
          RUN(certificates_of_a_revoked_coordinator_are_good_for_those_we_have_met))
