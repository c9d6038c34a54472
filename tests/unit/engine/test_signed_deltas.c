/* Deltas between two nodes: signed, or not at all. */

#include "authors.h"
#include "engine/internal.h"
#include "engine/root.h"
#include "pair.h"
#include "wire/codec.h"
#include "wire/records.h"

static struct mcpz_id document_of(const char *name)
{
    struct mcpz_id document;

    mcpz_engine_document_id(mcpz_bytes(NULL, 0), mcpz_text(name), &document);
    return document;
}

static void create(struct side *side, const char *name)
{
    struct mcpz_event event = {
        .kind = MCPZ_EVENT_AGENT_WRITE,
        .agent = {.request = 1,
                  .op = MCPZ_AGENT_CREATE,
                  .document = document_of(name),
                  .name = mcpz_text(name)},
    };

    side->reply_code = UINT32_MAX;
    mcpz_engine_event(enter(side), &event);
}

static bool has(struct side *side, const char *name, uint8_t *root)
{
    const struct mcpz_id document = document_of(name);

    enter(side);
    mcpz_error error = mcpz_engine_root(side->engine, &document, root);
    leave(side);
    return error == MCPZ_OK;
}

/* Another node, as far as what was verified goes: both of this test share a scratch. */
static void forget_verified(void)
{
    memset(&scratch->verified, 0, sizeof(scratch->verified));
}

TEST(what_one_writes_the_other_verifies)
{
    uint8_t mine[MCPZ_DIGEST_BYTES];
    uint8_t theirs[MCPZ_DIGEST_BYTES];

    make_mesh();
    create(&founder, "x");
    leave(&founder);
    forget_verified();
    talk();
    CHECK(has(&founder, "x", mine) && has(&other, "x", theirs));
    CHECK(memcmp(mine, theirs, sizeof(mine)) == 0);
    CHECK_UINT(founder.engine->counters.signatures_made, 1);
    CHECK_UINT(other.engine->counters.signatures_verified, 1);
    free_pair();
}

static void set(struct side *side, const char *name, const char *value)
{
    struct mcpz_event event = {
        .kind = MCPZ_EVENT_AGENT_WRITE,
        .agent = {.request = 1,
                  .op = MCPZ_AGENT_SET,
                  .document = document_of(name),
                  .path = mcpz_bytes("\x91\xa5state", 7),
                  .value = mcpz_text(value)},
    };
    mcpz_engine_event(enter(side), &event);
}

TEST(writes_of_one_turn_share_a_signature)
{
    uint8_t root[MCPZ_DIGEST_BYTES];
    char name[16];

    make_mesh();
    for (int i = 0; i < 16; i++) {
        (void)snprintf(name, sizeof(name), "agent-%d", i);
        create(&founder, name);
    }
    leave(&founder);
    CHECK_UINT(founder.engine->counters.signatures_made, 1);
    CHECK_UINT(founder.engine->sent[MCPZ_MSG_BATCH].messages, 1);
    forget_verified();
    talk();
    CHECK_UINT(other.engine->counters.signatures_verified, 1);
    CHECK(has(&other, "agent-15", root));
    free_pair();
}

/* crdt 8: what replaces one entry takes 160 bytes at most, its share of the signature included. */
TEST(a_delta_of_one_entry_is_small_on_the_wire)
{
    char name[16];
    char value[8];

    make_mesh();
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 16; i++) {
            (void)snprintf(name, sizeof(name), "agent-%d", i);
            if (round == 0) {
                create(&founder, name);
                continue;
            }
            (void)snprintf(value, sizeof(value), "\xa5%d-%d.%d", round, i / 10, i % 10);
            set(&founder, name, value);
        }
        leave(&founder);
        if (round < 2) {
            talk();
        }
    }
    const struct mcpz_bytes frame = mcpz_engine_pull(founder.engine, founder.link);
    print_message("%zu bytes on the wire for each of 16 deltas\n", frame.length / 16);
    CHECK(frame.length <= 16 * 160);
    free_pair();
}

/* What a peer that is of the mesh says, whole; the turn goes on. */
static mcpz_error say_within(const struct mcpz_msg *msg)
{
    static uint8_t frame[MCPZ_FRAME_BYTES_MAX];
    size_t length = 0;

    frame[0] = 0;
    CHECK_UINT(mcpz_msg_encode(msg, frame + 1, sizeof(frame) - 1, &length), MCPZ_OK);
    return mcpz_engine_frame(enter(&founder), founder.link, mcpz_bytes(frame, length + 1));
}

static mcpz_error say(const struct mcpz_msg *msg)
{
    mcpz_error error = say_within(msg);
    leave(&founder);
    return error;
}

/* What is sent of a batch costs its opening, however little of it that is. */
TEST(a_turn_has_enough_when_it_is_to_open_so_many_batches)
{
    struct mcpz_msg want = {.kind = MCPZ_MSG_WANT};
    char name[16];

    make_mesh();
    for (int i = 0; i < MCPZ_OUTGOING_BATCHES_ENOUGH; i++) {
        (void)snprintf(name, sizeof(name), "agent-%d", i);
        create(&founder, name);
        leave(&founder);
    }
    for (int i = 0; i < MCPZ_OUTGOING_BATCHES_ENOUGH; i++) {
        CHECK(!mcpz_engine_is_laden(founder.engine));
        (void)snprintf(name, sizeof(name), "agent-%d", i);
        want.want.document = document_of(name);
        CHECK_UINT(say_within(&want), MCPZ_OK);
        CHECK_UINT(say_within(&want), MCPZ_OK); /* of the same batch */
    }
    CHECK(mcpz_engine_is_laden(founder.engine));
    CHECK(!mcpz_engine_is_laden(other.engine));
    leave(&founder);
    CHECK(!mcpz_engine_is_laden(founder.engine));
    free_pair();
}

/* ---- What the other might sign, if it were no mcpz ---------------------------------------- */

static struct mcpz_add register_add = {
    .type = MCPZ_ENTRY_REGISTER,
    .path = {.data = (const uint8_t *)"\x91\xa1k", .length = 3},
    .value = {.data = (const uint8_t *)"\x07", .length = 1},
};

static struct mcpz_delta first_delta_of(const struct mcpz_identity *author)
{
    return (struct mcpz_delta){
        .document = document_of("x"),
        .actor = {.node = *mcpz_identity_id(author), .generation = 1},
        .seq = 1,
        .hlc = mcpz_hlc_of_ms(WALL_MS),
        .adds = &register_add,
        .add_count = 1,
    };
}

TEST(an_unsigned_delta_ends_the_link_and_changes_nothing)
{
    uint8_t root[MCPZ_DIGEST_BYTES];

    make_mesh();
    const struct mcpz_msg msg = {.kind = MCPZ_MSG_DELTA,
                                 .delta = {.delta = first_delta_of(other.identity)}};
    CHECK_UINT(say(&msg), MCPZ_EAUTH);
    CHECK_UINT(founder.engine->counters.refused_unsigned, 1);
    CHECK_UINT(link_count(&founder), 0);
    CHECK(!has(&founder, "x", root));
    free_pair();
}

static mcpz_error take(const struct mcpz_msg *msg)
{
    enter(&founder);
    mcpz_error error =
        mcpz_incoming_batch(founder.engine, mcpz_identity_id(other.identity), &msg->batch);
    leave(&founder);
    return error;
}

TEST(every_changed_byte_is_refused)
{
    static uint8_t bytes[MCPZ_DELTA_BYTES_MAX];
    uint8_t root[MCPZ_DIGEST_BYTES];
    uint8_t signature[MCPZ_SIGNATURE_BYTES];

    make_mesh();
    const struct mcpz_delta delta = first_delta_of(other.identity);
    struct mcpz_msg msg = sign(other.identity, &delta, bytes);
    for (size_t i = 0; i < msg.batch.deltas[0].length; i++) {
        bytes[i] ^= 1; /* another document, author, stamp, path, value ... */
        CHECK_UINT(take(&msg), MCPZ_EAUTH);
        bytes[i] ^= 1;
    }
    memcpy(signature, msg.batch.part.seal.signature.data, sizeof(signature));
    msg.batch.part.seal.signature = mcpz_bytes(signature, sizeof(signature));
    signature[9] ^= 1;
    CHECK_UINT(take(&msg), MCPZ_EAUTH);
    signature[9] ^= 1;
    CHECK(!has(&founder, "x", root));
    CHECK_UINT(take(&msg), MCPZ_OK);
    CHECK(has(&founder, "x", root));
    free_pair();
}

/* What is signed by a member, and still not to be: judged by the core, as before. */
TEST(a_forged_context_changes_nothing)
{
    static uint8_t bytes[MCPZ_DELTA_BYTES_MAX];
    uint8_t before[MCPZ_DIGEST_BYTES];
    uint8_t after[MCPZ_DIGEST_BYTES];
    const struct mcpz_version inflated = {
        .actor = {.node = {{1}}, .generation = 1}, .seq = 900, .head = {{1}}};
    const struct mcpz_remove unseen = {
        .type = MCPZ_ENTRY_REGISTER,
        .path = register_add.path,
        .dot = {.actor = {.node = {{1}}, .generation = 1}, .seq = 901},
    };

    make_mesh();
    create(&founder, "x");
    leave(&founder);
    CHECK(has(&founder, "x", before));
    struct mcpz_delta delta = first_delta_of(other.identity);
    delta.versions = &inflated;
    delta.version_count = 1;
    struct mcpz_msg msg = sign(other.identity, &delta, bytes);
    CHECK_UINT(take(&msg), MCPZ_OK);
    CHECK(has(&founder, "x", after) && memcmp(before, after, sizeof(before)) == 0);

    delta.removes = &unseen;
    delta.remove_count = 1;
    msg = sign(other.identity, &delta, bytes);
    CHECK_UINT(take(&msg), MCPZ_OK);
    CHECK(has(&founder, "x", after) && memcmp(before, after, sizeof(before)) == 0);
    CHECK_UINT(founder.engine->node.agents.deltas_refused, 1);
    free_pair();
}

TEST(a_replayed_delta_changes_nothing)
{
    static uint8_t bytes[MCPZ_DELTA_BYTES_MAX];
    uint8_t before[MCPZ_DIGEST_BYTES];
    uint8_t after[MCPZ_DIGEST_BYTES];

    make_mesh();
    const struct mcpz_delta delta = first_delta_of(other.identity);
    const struct mcpz_msg msg = sign(other.identity, &delta, bytes);
    CHECK_UINT(take(&msg), MCPZ_OK);
    CHECK(has(&founder, "x", before));
    CHECK_UINT(take(&msg), MCPZ_OK);
    CHECK(has(&founder, "x", after) && memcmp(before, after, sizeof(before)) == 0);
    CHECK_UINT(founder.engine->node.agents.deltas_duplicate, 1);
    free_pair();
}

TEST(a_delta_of_another_than_who_signed_is_refused)
{
    static uint8_t bytes[MCPZ_DELTA_BYTES_MAX];
    uint8_t root[MCPZ_DIGEST_BYTES];

    make_mesh();
    struct mcpz_delta delta = first_delta_of(other.identity);
    struct mcpz_msg msg = sign(other.identity, &delta, bytes);
    delta.actor.generation = 2; /* its own name, a later life */
    struct mcpz_merkle_digest leaf;
    struct mcpz_batch_made made;
    const struct mcpz_bytes slice =
        mcpz_bytes(bytes, mcpz_delta_encode(&delta, bytes, sizeof(bytes)));
    mcpz_batch_leaf(slice, &leaf);
    mcpz_batch_sign(other.identity, &msg.batch.part.seal.author, &leaf, 1, &scratch->verified,
                    &made);
    msg.batch.deltas = &slice;
    msg.batch.part.seal.signature = mcpz_bytes(made.signature, sizeof(made.signature));
    CHECK_UINT(take(&msg), MCPZ_EPROTO);
    CHECK(!has(&founder, "x", root));
    free_pair();
}

/* ---- Authors ------------------------------------------------------------------------------ */

TEST(nobody_unknown_gets_in_however_well_it_signs)
{
    static uint8_t bytes[MCPZ_DELTA_BYTES_MAX];
    uint8_t root[MCPZ_DIGEST_BYTES];

    make_mesh();
    struct mcpz_identity *stranger = identity_of(77);
    const struct mcpz_delta delta = first_delta_of(stranger);
    const struct mcpz_msg msg = sign(stranger, &delta, bytes);
    const uint64_t asked = founder.engine->sent[MCPZ_MSG_AUTHOR].messages;
    CHECK_UINT(say(&msg), MCPZ_OK); /* the peer may not know better */
    CHECK_UINT(founder.engine->counters.deltas_of_unknown, 1);
    CHECK_UINT(founder.engine->sent[MCPZ_MSG_AUTHOR].messages, asked + 1);
    CHECK(!has(&founder, "x", root));
    CHECK_UINT(link_count(&founder), 1);

    /* A certificate that is none of this mesh is. */
    const struct mcpz_certificate_bytes forged = certify(stranger, stranger);
    const struct mcpz_msg introduction = author_msg(stranger, &forged);
    CHECK_UINT(say(&introduction), MCPZ_EAUTH);
    CHECK_UINT(founder.engine->counters.refused_author, 1);
    CHECK_UINT(link_count(&founder), 0);
    CHECK(!has(&founder, "x", root));
    mcpz_identity_destroy(stranger);
    free_pair();
}

TEST(an_author_that_is_gone_is_told_of_with_what_it_wrote)
{
    static uint8_t bytes[MCPZ_DELTA_BYTES_MAX];
    uint8_t root[MCPZ_DIGEST_BYTES];

    make_mesh();
    struct mcpz_identity *gone = identity_of(78);
    const struct mcpz_certificate_bytes certificate = certify(founder.authority, gone);
    const struct mcpz_msg introduction = author_msg(gone, &certificate);
    const struct mcpz_delta delta = first_delta_of(gone);
    const struct mcpz_msg msg = sign(gone, &delta, bytes);
    CHECK_UINT(say(&introduction), MCPZ_OK);
    CHECK_UINT(say(&msg), MCPZ_OK);
    CHECK(has(&founder, "x", root));

    /* The other, on a new link, lacks both. */
    mcpz_engine_link_closed(enter(&founder), founder.link);
    leave(&founder);
    mcpz_engine_link_closed(enter(&other), other.link);
    leave(&other);
    connect_pair();
    talk();
    for (int i = 0; i < 40 && !has(&other, "x", root); i++) {
        tick_both();
        talk();
    }
    CHECK(has(&other, "x", root));
    CHECK_UINT(other.engine->counters.deltas_of_unknown, 0);
    mcpz_identity_destroy(gone);
    free_pair();
}

TEST(who_asks_for_an_author_is_told)
{
    make_mesh();
    const struct mcpz_msg asks = {.kind = MCPZ_MSG_AUTHOR,
                                  .author = {.author = *mcpz_identity_id(founder.identity)}};
    const uint64_t told = founder.engine->sent[MCPZ_MSG_AUTHOR].messages;
    CHECK_UINT(say(&asks), MCPZ_OK);
    CHECK_UINT(founder.engine->sent[MCPZ_MSG_AUTHOR].messages, told + 1);

    struct mcpz_msg unknown = asks;
    unknown.author.author.bytes[0] ^= 1;
    CHECK_UINT(say(&unknown), MCPZ_OK);
    CHECK_UINT(founder.engine->sent[MCPZ_MSG_AUTHOR].messages, told + 1);
    free_pair();
}

/* ---- Files -------------------------------------------------------------------------------- */

static struct mcpz_bytes prove(const char *name, uint8_t *buffer, size_t capacity)
{
    const struct mcpz_store *store = mcpz_engine_store(enter(&founder));
    struct mcpz_record record = {.kind = MCPZ_RECORD_DELTA,
                                 .delta = {.delta = {.document = document_of(name)}}};
    size_t length = 0;

    CHECK_UINT(store->next(store->context, MCPZ_SCAN_DOCUMENT, true, &record), MCPZ_OK);
    CHECK_UINT(mcpz_engine_prove(founder.engine, &record.delta.delta, buffer, capacity, &length),
               MCPZ_OK);
    leave(&founder);
    return mcpz_bytes(buffer, length);
}

static mcpz_error import(struct side *side, uint64_t request, struct mcpz_bytes message)
{
    side->reply_code = UINT32_MAX;
    struct mcpz_import file = {.base = NULL};
    mcpz_error error = mcpz_engine_import(enter(side), &file, request, message);
    leave(side);
    return error;
}

/* The message that shows that the founder is of its mesh. */
static struct mcpz_bytes show_founder(uint8_t *buffer, size_t capacity)
{
    size_t length = 0;

    enter(&founder);
    CHECK_UINT(mcpz_engine_show_author(founder.engine, mcpz_identity_id(founder.identity), buffer,
                                       capacity, &length),
               MCPZ_OK);
    leave(&founder);
    return mcpz_bytes(buffer, length);
}

/* A delta leaves by file and comes into another mesh, where who may admit certifies its author. */
TEST(a_file_brings_deltas_and_authors_of_another_mesh)
{
    static uint8_t delta_bytes[MCPZ_MSG_BYTES_MAX];
    static uint8_t author_bytes[MCPZ_MSG_BYTES_MAX];
    uint8_t root[MCPZ_DIGEST_BYTES];

    make_pair(5); /* each in a mesh of its own */
    create(&founder, "x");
    create(&founder, "y");
    leave(&founder);
    const struct mcpz_bytes delta = prove("x", delta_bytes, sizeof(delta_bytes));
    const struct mcpz_bytes author = show_founder(author_bytes, sizeof(author_bytes));

    CHECK_UINT(import(&other, 0, delta), MCPZ_OK);    /* well signed */
    CHECK_UINT(import(&other, 7, delta), MCPZ_EAUTH); /* by whom? */
    CHECK_UINT(import(&other, 0, author), MCPZ_EUSED);
    CHECK_UINT(import(&other, 7, delta), MCPZ_EAUTH); /* that was a look, and no more */
    CHECK_UINT(import(&other, 8, author), MCPZ_EUSED);
    CHECK_UINT(import(&other, 9, delta), MCPZ_OK);
    CHECK_UINT(other.reply_code, MCPZ_CODE_OK);
    CHECK(has(&other, "x", root));
    CHECK_UINT(import(&other, 10, delta), MCPZ_EUSED); /* it is here */
    delta_bytes[delta.length - 1] ^= 1;
    CHECK(import(&other, 0, delta) != MCPZ_OK);
    free_pair();
}

TEST(who_may_admit_nobody_takes_no_file_of_another_mesh)
{
    static uint8_t author_bytes[MCPZ_MSG_BYTES_MAX];
    size_t length = 0;

    make_mesh();
    struct mcpz_identity *far_key = identity_of(80);
    struct mcpz_identity *far_node = identity_of(81);
    const struct mcpz_certificate_bytes certificate = certify(far_key, far_node);
    const struct mcpz_msg msg = author_msg(far_node, &certificate);
    CHECK_UINT(mcpz_msg_encode(&msg, author_bytes, sizeof(author_bytes), &length), MCPZ_OK);
    CHECK_UINT(import(&other, 7, mcpz_bytes(author_bytes, length)), MCPZ_ECONFLICT);
    CHECK_UINT(import(&founder, 7, mcpz_bytes(author_bytes, length)), MCPZ_EUSED);
    mcpz_identity_destroy(far_key);
    mcpz_identity_destroy(far_node);
    free_pair();
}

TEST_MAIN(RUN(what_one_writes_the_other_verifies), RUN(writes_of_one_turn_share_a_signature),
          RUN(a_delta_of_one_entry_is_small_on_the_wire),
          RUN(a_turn_has_enough_when_it_is_to_open_so_many_batches),
          RUN(an_unsigned_delta_ends_the_link_and_changes_nothing),
          RUN(every_changed_byte_is_refused), RUN(a_forged_context_changes_nothing),
          RUN(a_replayed_delta_changes_nothing),
          RUN(a_delta_of_another_than_who_signed_is_refused),
          RUN(nobody_unknown_gets_in_however_well_it_signs),
          RUN(an_author_that_is_gone_is_told_of_with_what_it_wrote),
          RUN(who_asks_for_an_author_is_told),
          RUN(a_file_brings_deltas_and_authors_of_another_mesh),
          RUN(who_may_admit_nobody_takes_no_file_of_another_mesh))
