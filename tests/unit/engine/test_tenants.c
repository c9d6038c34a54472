/* Documents of tenants between two nodes that seal what they keep, and one of whom is shredded. */

#include "core/crdt/naming.h"
#include "core/crdt/paths.h"
#include "engine/batch.h"
#include "engine/ended.h"
#include "engine/internal.h"
#include "rings.h"
#include "wire/records.h"

static void make_sealed_mesh(void)
{
    seal_both();
    make_mesh();
}

static void free_sealed_mesh(void)
{
    free_pair();
    free_rings();
}

static struct mcpz_id document_of(const char *tenant, const char *name)
{
    struct mcpz_id document;

    mcpz_engine_document_id(mcpz_text(tenant), mcpz_text(name), &document);
    return document;
}

static void create(struct side *side, const char *tenant, const char *name)
{
    struct mcpz_event event = {
        .kind = MCPZ_EVENT_AGENT_WRITE,
        .agent = {.request = 1,
                  .op = MCPZ_AGENT_CREATE,
                  .document = document_of(tenant, name),
                  .tenant = mcpz_text(tenant),
                  .name = mcpz_text(name)},
    };

    side->reply_code = UINT32_MAX;
    mcpz_engine_event(enter(side), &event);
    leave(side);
    CHECK_UINT(side->reply_code, MCPZ_CODE_OK);
}

static bool has(struct side *side, const char *tenant, const char *name)
{
    const struct mcpz_id document = document_of(tenant, name);
    uint8_t root[MCPZ_DIGEST_BYTES];

    enter(side);
    mcpz_error error = mcpz_engine_root(side->engine, &document, root);
    leave(side);
    return error == MCPZ_OK;
}

/* Let some seconds go by, in which they compare what they have. */
static void compare(void)
{
    pass_time(MCPZ_SECONDS(20));
}

static void shred(struct side *side, const char *tenant, uint64_t at_ms)
{
    struct ring *ring = &rings[side == &founder ? 0 : 1];

    (void)snprintf(ring->ended, sizeof(ring->ended), "%s", tenant);
    ring->ended_ms = at_ms;
    mcpz_engine_shred(enter(side), mcpz_text(tenant), at_ms);
    leave(side);
}

/* ---- What is called as it is not ---------------------------------------------------------- */

/* Whether the founder takes in the first delta of `document`, named so by the other. */
static bool is_taken(const struct mcpz_id *document, struct mcpz_bytes value)
{
    static uint8_t bytes[MCPZ_DELTA_BYTES_MAX];
    const struct mcpz_add add = {
        .type = MCPZ_ENTRY_REGISTER, .path = mcpz_paths_id, .value = value};
    const struct mcpz_delta delta = {
        .document = *document,
        .actor = {.node = *mcpz_identity_id(other.identity), .generation = 1},
        .seq = 1,
        .hlc = mcpz_hlc_of_ms(WALL_MS),
        .adds = &add,
        .add_count = 1,
    };
    struct mcpz_batch_made made;
    struct mcpz_merkle_digest leaf;
    const struct mcpz_bytes slice =
        mcpz_bytes(bytes, mcpz_delta_encode(&delta, bytes, sizeof(bytes)));

    mcpz_batch_leaf(slice, &leaf);
    mcpz_batch_sign(other.identity, &delta.actor, &leaf, 1, &scratch->verified, &made);
    const struct mcpz_msg_batch batch = {
        .part = {.seal = {.author = delta.actor,
                          .count = 1,
                          .signature = mcpz_bytes(made.signature, sizeof(made.signature))}},
        .deltas = &slice,
        .delta_count = 1,
    };
    enter(&founder);
    CHECK_UINT(mcpz_incoming_batch(founder.engine, mcpz_identity_id(other.identity), &batch),
               MCPZ_OK);
    leave(&founder);
    return founder.engine->node.agents.deltas_merged > 0;
}

TEST(nobody_gives_a_document_to_another_tenant)
{
    static const struct {
        const char *tenant; /* what its id is made of */
        const char *value;  /* what it says */
        bool is_taken;
    } cases[] = {
        {"", "\xa1x", true},
        {"", "\xa1y", false},
        {"",
         "\x92\xa4"
         "acme\xa1x",
         false},
        {"acme",
         "\x92\xa4"
         "acme\xa1x",
         true},
        {"acme", "\xa1x", false},
        {"acme",
         "\x92\xa4"
         "bolt\xa1x",
         false},
        {"acme",
         "\x92\xa4"
         "acme\xa1y",
         false},
        {"default",
         "\x92\xa7"
         "default\xa1x",
         false},
        {MCPZ_TENANT_SYSTEM, "\x92\xab" MCPZ_TENANT_SYSTEM "\xa1x", false},
    };

    for (size_t i = 0; i < MCPZ_ARRAY_LEN(cases); i++) {
        const struct mcpz_id document = document_of(cases[i].tenant, "x");
        make_mesh();
        CHECK_UINT(is_taken(&document, mcpz_text(cases[i].value)), cases[i].is_taken);
        CHECK_UINT(founder.engine->counters.refused_naming, cases[i].is_taken ? 0 : 1);
        free_pair();
    }
}

TEST(documents_of_the_mesh_itself_have_names_of_their_own)
{
    struct mcpz_id document;

    make_mesh();
    mcpz_engine_system_document_id(mcpz_text("rules"), &document);
    CHECK(is_taken(&document, mcpz_text("\x92\xab" MCPZ_TENANT_SYSTEM "\xa5rules")));
    free_pair();
}

TEST(tenants_have_agents_of_one_name)
{
    make_mesh();
    create(&founder, "", "x");
    create(&founder, "acme", "x");
    create(&founder, "bolt", "x");
    talk();
    CHECK(has(&other, "", "x") && has(&other, "acme", "x") && has(&other, "bolt", "x"));
    struct mcpz_record record = {.kind = MCPZ_RECORD_DOCUMENT,
                                 .document = {.id = document_of("bolt", "x")}};
    enter(&other);
    const struct mcpz_store *store = mcpz_engine_store(other.engine);
    CHECK_UINT(store->get(store->context, &record), MCPZ_OK);
    CHECK_BYTES(record.document.tenant, "bolt", 4);
    CHECK_BYTES(record.document.name, "x", 1);
    leave(&other);
    free_pair();
}

/* ---- Shredding ---------------------------------------------------------------------------- */

static const struct mcpz_partition_root *root_of(const struct side *side)
{
    return &side->engine->node.agents.entropy.holdings.root;
}

TEST(what_was_shredded_is_not_taken_back_and_others_go_on)
{
    make_sealed_mesh();
    create(&founder, "acme", "x");
    create(&founder, "acme", "y");
    create(&founder, "bolt", "x");
    compare();
    CHECK(has(&other, "acme", "x") && has(&other, "acme", "y") && has(&other, "bolt", "x"));

    const uint64_t at_ms = wall_ms;
    shred(&other, "acme", at_ms);
    CHECK(!has(&other, "acme", "x") && !has(&other, "acme", "y") && has(&other, "bolt", "x"));
    CHECK_UINT(other.engine->node.agents.document_count, 1);
    compare(); /* the founder has not heard of it: it offers them, and they are refused */
    CHECK(!has(&other, "acme", "x") && !has(&other, "acme", "y"));
    CHECK(other.engine->counters.refused_ended > 0);
    CHECK(has(&founder, "acme", "x"));
    CHECK_UINT(link_count(&other), 1);

    shred(&founder, "acme", at_ms);
    CHECK(!has(&founder, "acme", "x") && has(&founder, "bolt", "x"));
    CHECK(memcmp(root_of(&founder), root_of(&other), sizeof(*root_of(&other))) == 0);
    const uint64_t refused = other.engine->counters.refused_ended;
    const uint64_t wants = other.engine->sent[MCPZ_MSG_WANT].messages;
    compare();
    CHECK_UINT(other.engine->counters.refused_ended, refused);
    CHECK_UINT(other.engine->sent[MCPZ_MSG_WANT].messages, wants);
    CHECK_UINT(founder.engine->node.agents.store_failures, 0);
    CHECK_UINT(other.engine->node.agents.store_failures, 0);
    free_sealed_mesh();
}

TEST(a_tenant_may_begin_anew)
{
    make_sealed_mesh();
    create(&founder, "acme", "x");
    compare();
    shred(&founder, "acme", wall_ms);
    shred(&other, "acme", wall_ms);
    compare();
    create(&other, "acme", "x"); /* of the same name, even */
    compare();
    CHECK(has(&founder, "acme", "x") && has(&other, "acme", "x"));
    free_sealed_mesh();
}

TEST(a_copy_of_a_task_that_comes_after_its_tenant_ended_is_refused)
{
    struct mcpz_task_new tasks[2] = {
        {.body = {.tenant = mcpz_text("bolt"), .created_ms = WALL_MS}},
        {.body = {.tenant = mcpz_text("acme"), .created_ms = WALL_MS}},
    };
    struct mcpz_msg one = {.kind = MCPZ_MSG_TASK_KEEP, .task_keep = {.body = tasks[1].body}};
    const struct mcpz_msg many = {.kind = MCPZ_MSG_TASK_KEEP_NEW,
                                  .task_keep_new = {.tasks = tasks, .task_count = 2}};

    make_sealed_mesh();
    CHECK(!mcpz_ended_message(founder.engine, &one));
    CHECK(!mcpz_ended_message(founder.engine, &many));
    shred(&founder, "acme", WALL_MS);
    CHECK(mcpz_ended_message(founder.engine, &one));
    CHECK(mcpz_ended_message(founder.engine, &many));
    CHECK_UINT(founder.engine->counters.refused_ended, 2);
    tasks[1].body.created_ms = WALL_MS + 1; /* later */
    one.task_keep.body = tasks[1].body;
    CHECK(!mcpz_ended_message(founder.engine, &one));
    CHECK(!mcpz_ended_message(founder.engine, &many));
    free_sealed_mesh();
}

TEST_MAIN(RUN(nobody_gives_a_document_to_another_tenant),
          RUN(documents_of_the_mesh_itself_have_names_of_their_own),
          RUN(tenants_have_agents_of_one_name),
          RUN(what_was_shredded_is_not_taken_back_and_others_go_on), RUN(a_tenant_may_begin_anew),
          RUN(a_copy_of_a_task_that_comes_after_its_tenant_ended_is_refused))
