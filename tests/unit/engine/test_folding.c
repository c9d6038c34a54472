/* Two replicas that agree on what a document is, or notice that they cannot. */

#include "engine/folding.h"
#include "engine/internal.h"
#include "pair.h"

/* A mesh of two that are neighbours. */
static void make_neighbours(void)
{
    make_mesh();
    pass_time(MCPZ_SECONDS(4));
}

static struct mcpz_id document(void)
{
    struct mcpz_id id;

    mcpz_engine_document_id(mcpz_bytes(NULL, 0), mcpz_text("x"), &id);
    return id;
}

static void write_to(struct side *side, enum mcpz_agent_op op)
{
    struct mcpz_event event = {
        .kind = MCPZ_EVENT_AGENT_WRITE,
        .agent = {.request = 1,
                  .op = op,
                  .document = document(),
                  .name = mcpz_text("x"),
                  .path = mcpz_bytes("\x91\xa1k", 3),
                  .value = mcpz_text("\x07")},
    };

    side->reply_code = UINT32_MAX;
    mcpz_engine_event(enter(side), &event);
    leave(side);
    CHECK_UINT(side->reply_code, MCPZ_CODE_OK);
}

/* An agent to which so many deltas were written. */
static void write_many(struct side *side, size_t count)
{
    write_to(side, MCPZ_AGENT_CREATE);
    for (size_t i = 1; i < count; i++) {
        write_to(side, MCPZ_AGENT_SET);
        talk();
    }
}

/* Who has signed second, where two have: what was read ends with the turn. */
static struct mcpz_id second_signer;

static bool is_agreed(struct side *side, struct mcpz_record *record)
{
    const struct mcpz_store *store = mcpz_engine_store(enter(side));

    *record = (struct mcpz_record){.kind = MCPZ_RECORD_CHECKPOINT,
                                   .checkpoint = {.document = document()}};
    mcpz_error error = store->get(store->context, record);
    if (error == MCPZ_OK && record->checkpoint.signature_count == 2) {
        second_signer = record->checkpoint.signatures[1].signer;
    }
    leave(side);
    return error == MCPZ_OK;
}

TEST(a_majority_is_that_of_five_where_there_are_more)
{
    CHECK_UINT(mcpz_folding_quorum(1), 1);
    CHECK_UINT(mcpz_folding_quorum(2), 2);
    CHECK_UINT(mcpz_folding_quorum(3), 2);
    CHECK_UINT(mcpz_folding_quorum(4), 3);
    CHECK_UINT(mcpz_folding_quorum(5), 3);
    CHECK_UINT(mcpz_folding_quorum(1000), 3);
}

TEST(what_both_have_seen_is_signed_by_both)
{
    struct mcpz_record record;

    make_neighbours();
    write_many(&founder, MCPZ_FOLD_DELTAS);
    CHECK(!is_agreed(&founder, &record));
    pass_time(MCPZ_SECONDS(3));
    CHECK(is_agreed(&founder, &record));
    CHECK_UINT(record.checkpoint.deltas, MCPZ_FOLD_DELTAS);
    CHECK_UINT(record.checkpoint.signature_count, 2);
    CHECK(mcpz_id_equal(&second_signer, mcpz_identity_id(other.identity)));
    CHECK_UINT(founder.engine->counters.checkpoints_agreed, 1);
    CHECK_UINT(founder.engine->counters.checkpoints_diverged, 0);

    /* Nothing new: nobody is asked again. */
    const uint64_t asked = founder.engine->sent[MCPZ_MSG_FOLD].messages;
    pass_time(MCPZ_SECONDS(10));
    CHECK_UINT(founder.engine->sent[MCPZ_MSG_FOLD].messages, asked);
    free_pair();
}

TEST(fewer_are_agreed_on_once_they_rest)
{
    struct mcpz_record record;

    make_neighbours();
    write_many(&founder, 3);
    pass_time(MCPZ_SECONDS(5));
    CHECK(!is_agreed(&founder, &record));
    wall_ms += MCPZ_FOLD_IDLE_MS;
    pass_time(MCPZ_SECONDS(3));
    CHECK(is_agreed(&founder, &record));
    CHECK_UINT(record.checkpoint.deltas, 3);
    free_pair();
}

/* Thousands that rest must not make an idle mesh busy. */
TEST(documents_at_rest_are_asked_about_one_by_one)
{
    make_neighbours();
    for (int i = 0; i < 20; i++) {
        char name[8];
        (void)snprintf(name, sizeof(name), "a%d", i);
        struct mcpz_event event = {
            .kind = MCPZ_EVENT_AGENT_WRITE,
            .agent = {.request = 1, .op = MCPZ_AGENT_CREATE, .name = mcpz_text(name)},
        };
        mcpz_engine_document_id(mcpz_bytes(NULL, 0), mcpz_text(name), &event.agent.document);
        mcpz_engine_event(enter(&founder), &event);
        leave(&founder);
    }
    talk();
    wall_ms += MCPZ_FOLD_IDLE_MS;
    pass_time(10 * MCPZ_FOLD_REST_US);
    CHECK(founder.engine->sent[MCPZ_MSG_FOLD].messages >= 8);
    CHECK(founder.engine->sent[MCPZ_MSG_FOLD].messages <= 11);
    free_pair();
}

/* The other answers for itself what it has seen; who has seen something else signs nothing. */
TEST(who_has_seen_something_else_does_not_sign)
{
    struct mcpz_record record;

    make_neighbours();
    write_many(&founder, MCPZ_FOLD_DELTAS);
    struct mcpz_msg_fold fold = {.document = document(), .state = {{1}}, .root = {{2}}};
    enter(&other);
    mcpz_folding_asked(other.engine, mcpz_identity_id(founder.identity), &fold);
    fold.document.bytes[0] ^= 1;
    mcpz_folding_asked(other.engine, mcpz_identity_id(founder.identity), &fold);
    leave(&other);
    talk();
    CHECK_UINT(other.engine->counters.checkpoints_diverged, 0);
    CHECK(!is_agreed(&founder, &record));
    free_pair();
}

/* A replica whose store has lost an entry: the same deltas, and something else came of them. */
TEST(the_same_seen_and_something_else_held_is_an_alarm)
{
    struct mcpz_record record = {
        .kind = MCPZ_RECORD_ENTRY,
        .entry = {.document = document(), .path = mcpz_bytes("\x91\xa1k", 3)}};

    make_neighbours();
    write_many(&founder, MCPZ_FOLD_DELTAS);
    const struct mcpz_store *store = mcpz_engine_store(enter(&other));
    CHECK_UINT(store->next(store->context, MCPZ_SCAN_PATH, true, &record), MCPZ_OK);
    record.entry.value = mcpz_text("\x08");
    store->put(store->context, &record);
    leave(&other);
    pass_time(MCPZ_SECONDS(3));
    CHECK(other.engine->counters.checkpoints_diverged > 0);
    CHECK(founder.engine->counters.checkpoints_diverged > 0);
    CHECK(!is_agreed(&founder, &record));
    CHECK_UINT(link_count(&founder), 1);
    free_pair();
}

TEST(a_forged_answer_ends_the_link)
{
    static const uint8_t zeros[MCPZ_SIGNATURE_BYTES];
    struct mcpz_record record;

    make_neighbours();
    write_many(&founder, MCPZ_FOLD_DELTAS);
    now += MCPZ_FOLD_PERIOD_US;
    mcpz_engine_tick(enter(&founder));
    leave(&founder);
    const struct mcpz_fold *fold = &founder.engine->folding.folds[0];
    CHECK_UINT(fold->asked_count, 1);
    const struct mcpz_msg_folded forged = {
        .document = fold->said.document,
        .state = fold->said.state,
        .verdict = MCPZ_FOLD_SAME,
        .signature = mcpz_bytes(zeros, sizeof(zeros)),
    };
    enter(&founder);
    CHECK_UINT(mcpz_folding_answered(founder.engine, mcpz_identity_id(other.identity), &forged),
               MCPZ_EAUTH);
    leave(&founder);
    talk(); /* the honest answer comes too late for that round */
    CHECK(!is_agreed(&founder, &record));
    free_pair();
}

TEST(who_is_alone_agrees_with_itself)
{
    struct mcpz_record record;

    make_pair(0);
    write_many(&founder, MCPZ_FOLD_DELTAS);
    for (int i = 0; i < 3; i++) {
        now += MCPZ_FOLD_PERIOD_US;
        mcpz_engine_tick(enter(&founder));
        leave(&founder);
    }
    CHECK(is_agreed(&founder, &record));
    CHECK_UINT(record.checkpoint.signature_count, 1);
    free_pair();
}

TEST_MAIN(RUN(a_majority_is_that_of_five_where_there_are_more),
          RUN(what_both_have_seen_is_signed_by_both), RUN(fewer_are_agreed_on_once_they_rest),
          RUN(documents_at_rest_are_asked_about_one_by_one),
          RUN(who_has_seen_something_else_does_not_sign),
          RUN(the_same_seen_and_something_else_held_is_an_alarm),
          RUN(a_forged_answer_ends_the_link), RUN(who_is_alone_agrees_with_itself))
