/* What owners that are away have missed: kept within bounds, told when they are back. */

#include "core/keeping/hints.h"
#include "keeping_world.h"

static void note(size_t other, const struct mcpz_id *document, size_t bytes)
{
    struct mcpz_keeping_step made = begin_step();

    mcpz_hints_note(&made, keeper(other), document, bytes);
    fake_store_end_turn(&store);
}

static void hand(size_t from, const struct mcpz_id *document, uint64_t digest)
{
    const struct mcpz_msg msg = {.kind = MCPZ_MSG_HANDED,
                                 .handed = {.document = *document, .digest = digest}};

    hear(from, &msg);
}

TEST(a_hint_is_offered_when_its_owner_is_back_and_goes_when_that_has_it)
{
    keeping_set_up();
    const struct mcpz_id document = document_with(1, 1);
    const struct mcpz_msg *msg = NULL;
    keep_document(&document, 3);
    note(1, &document, 100);
    CHECK_UINT(keeping.hints.count, 1);
    CHECK_UINT(fake_store_count(&store, MCPZ_RECORD_HINT), 1);
    tick(MCPZ_SECONDS(5));
    CHECK_UINT(count_sent(1, MCPZ_MSG_HANDOVER, NULL), 0);

    link_with(1);
    CHECK_UINT(count_sent(1, MCPZ_MSG_HANDOVER, &msg), 1);
    CHECK_UINT(msg->handover.versions[0].seq, 3);
    CHECK_UINT(msg->handover.digest, digest_of(&document));
    hand(1, &document, digest_of(&document) + 1); /* of another state */
    CHECK_UINT(keeping.hints.count, 1);
    hand(2, &document, digest_of(&document)); /* who has not missed it */
    CHECK_UINT(keeping.hints.count, 1);
    hand(1, &document, digest_of(&document));
    CHECK_UINT(keeping.hints.count, 0);
    CHECK_UINT(keeping.hints.delivered, 1);
    CHECK_UINT(fake_store_count(&store, MCPZ_RECORD_HINT), 0);
    keeping_tear_down();
}

TEST(a_hint_is_offered_behind_the_deltas_that_were_asked_for)
{
    keeping_set_up();
    const struct mcpz_id document = document_with(1, 1);
    const struct mcpz_msg want = {.kind = MCPZ_MSG_WANT, .want = {.document = document}};
    keep_document(&document, 3);
    note(1, &document, 100);
    link_with(1);
    for (int i = 0; i < MCPZ_HINT_QUICK_MAX; i++) {
        hear(1, &want);
        CHECK_UINT(count_sent(1, MCPZ_MSG_HANDOVER, NULL), 1);
    }
    hear(1, &want); /* it asks and asks, and nothing comes of it */
    CHECK_UINT(count_sent(1, MCPZ_MSG_HANDOVER, NULL), 0);
    tick(MCPZ_HINT_AGAIN_US);
    CHECK_UINT(count_sent(1, MCPZ_MSG_HANDOVER, NULL), 1);
    hear(2, &want);
    CHECK_UINT(count_sent(2, MCPZ_MSG_HANDOVER, NULL), 0);
    keeping_tear_down();
}

TEST(hints_are_there_after_a_restart_and_told_oldest_first)
{
    keeping_set_up();
    const struct mcpz_id late = document_with(1, 1);
    const struct mcpz_id early = document_with(1, 2);
    keep_document(&late, 1);
    keep_document(&early, 1);
    note(1, &early, 10);
    wall_ms += 1000;
    note(1, &late, 20);
    mcpz_keeping_init(&keeping, keeper(0), &store.port, 1);
    const struct mcpz_hinted *hinted = mcpz_hints_find(&keeping.hints, keeper(1));
    CHECK(hinted != NULL);
    CHECK_UINT(hinted->count, 2);
    CHECK_UINT(hinted->bytes, 30);
    CHECK_UINT(hinted->oldest_ms, wall_ms - 1000);

    link_with(1);
    CHECK_UINT(count_sent(1, MCPZ_MSG_HANDOVER, NULL), 2);
    CHECK(mcpz_id_equal(&sent(MCPZ_MSG_HANDOVER)->handover.document, &early));
    keeping_tear_down();
}

TEST(further_writes_to_a_document_are_within_its_hint)
{
    keeping_set_up();
    const struct mcpz_id document = document_with(1, 1);
    keep_document(&document, 1);
    for (int i = 0; i < 10; i++) {
        note(1, &document, 100);
        wall_ms += 5;
    }
    note(2, &document, 100); /* another owner has one of its own */
    CHECK_UINT(keeping.hints.count, 2);
    CHECK_UINT(fake_store_count(&store, MCPZ_RECORD_HINT), 2);

    link_with(1);
    hand(1, &document, digest_of(&document));
    unlink_from(1);
    note(1, &document, 100); /* that one is over: this is new */
    CHECK_UINT(mcpz_hints_find(&keeping.hints, keeper(1))->count, 1);
    keeping_tear_down();
}

TEST(what_one_owner_misses_is_bounded)
{
    keeping_set_up();
    const struct mcpz_id first = document_with(1, 1);
    const struct mcpz_id second = document_with(1, 2);
    note(1, &first, MCPZ_HINT_BYTES_MAX - 1);
    note(1, &second, 2);
    CHECK_UINT(keeping.hints.count, 1);
    CHECK_UINT(keeping.hints.refused, 1);
    note(1, &second, 1);
    CHECK_UINT(keeping.hints.count, 2);
    note(2, &first, 2); /* of another one there may be as many */
    CHECK_UINT(keeping.hints.count, 3);
    keeping_tear_down();
}

TEST(so_many_owners_have_hints_at_one_time)
{
    keeping_set_up();
    const struct mcpz_id document = document_with(1, 1);
    for (size_t i = 0; i <= MCPZ_HINT_OWNERS_MAX; i++) {
        const struct mcpz_id owner = {{'o', (uint8_t)i}};
        struct mcpz_keeping_step made = begin_step();
        mcpz_hints_note(&made, &owner, &document, 1);
    }
    CHECK_UINT(keeping.hints.count, MCPZ_HINT_OWNERS_MAX);
    CHECK_UINT(keeping.hints.refused, 1);
    keeping_tear_down();
}

/* Found by seed 557: a hint whose removal never reached a full disk is there again, and one that
 * was not counted could not be removed. */
TEST(what_a_failed_batch_brings_back_is_counted_and_told_again)
{
    keeping_set_up();
    const struct mcpz_id document = document_with(1, 1);
    keep_document(&document, 1);
    note(1, &document, 10);
    struct mcpz_record record = *fake_store_at(&store, MCPZ_RECORD_HINT, 0);
    link_with(1);
    hand(1, &document, digest_of(&document));
    CHECK_UINT(keeping.hints.count, 0);

    store.port.put(store.port.context, &record);
    mcpz_keeping_recover(&keeping, now);
    CHECK_UINT(keeping.hints.count, 1);
    CHECK_UINT(keeping.hints.delivered, 1);
    tick(MCPZ_HINT_AGAIN_US);
    CHECK_UINT(count_sent(1, MCPZ_MSG_HANDOVER, NULL), 1);
    hand(1, &document, digest_of(&document));
    CHECK_UINT(keeping.hints.count, 0);
    CHECK_UINT(fake_store_count(&store, MCPZ_RECORD_HINT), 0);

    /* And one that was never written is not there. */
    note(1, &document, 10);
    record = *fake_store_at(&store, MCPZ_RECORD_HINT, 0);
    store.port.remove(store.port.context, &record);
    mcpz_keeping_recover(&keeping, now);
    CHECK_UINT(keeping.hints.count, 0);
    keeping_tear_down();
}

/* Of a full disk no write may follow from the one before that has failed. */
TEST(what_is_too_old_and_could_not_be_removed_is_left_for_a_while)
{
    keeping_set_up();
    const struct mcpz_id old = document_with(1, 1);
    keep_document(&old, 1);
    note(1, &old, 10);
    struct mcpz_record record = *fake_store_at(&store, MCPZ_RECORD_HINT, 0);
    tick(MCPZ_MS((mcpz_time)MCPZ_HINT_AGE_MS));
    CHECK_UINT(keeping.hints.expired, 1);

    store.port.put(store.port.context, &record);
    mcpz_keeping_recover(&keeping, now);
    tick(0);
    tick(MCPZ_HINT_LOOK_US - 1);
    CHECK_UINT(fake_store_count(&store, MCPZ_RECORD_HINT), 1);
    tick(1);
    CHECK_UINT(fake_store_count(&store, MCPZ_RECORD_HINT), 0);
    keeping_tear_down();
}

TEST(a_hint_goes_when_it_is_too_old)
{
    keeping_set_up();
    const struct mcpz_id old = document_with(1, 1);
    const struct mcpz_id young = document_with(1, 2);
    keep_document(&old, 1);
    keep_document(&young, 1);
    note(1, &old, 10);
    tick(MCPZ_SECONDS(3600));
    note(1, &young, 10);
    tick(MCPZ_MS((mcpz_time)MCPZ_HINT_AGE_MS) - MCPZ_SECONDS(3600) - 1000);
    CHECK_UINT(keeping.hints.count, 2);
    tick(MCPZ_HINT_LOOK_US);
    CHECK_UINT(keeping.hints.count, 1);
    CHECK_UINT(keeping.hints.expired, 1);
    const struct mcpz_record *left = fake_store_at(&store, MCPZ_RECORD_HINT, 0);
    CHECK(mcpz_id_equal(&left->hint.document, &young));
    keeping_tear_down();
}

TEST(who_does_not_answer_is_left_alone_for_a_while)
{
    keeping_set_up();
    const struct mcpz_id document = document_with(1, 1);
    keep_document(&document, 1);
    note(1, &document, 10);
    link_with(1);
    for (int i = 1; i < MCPZ_HINT_TRIES_MAX; i++) {
        tick(MCPZ_HINT_AGAIN_US);
        CHECK_UINT(count_sent(1, MCPZ_MSG_HANDOVER, NULL), 1);
    }
    tick(MCPZ_HINT_AGAIN_US);
    CHECK_UINT(count_sent(1, MCPZ_MSG_HANDOVER, NULL), 0);
    tick(MCPZ_HINT_REST_US - MCPZ_HINT_AGAIN_US);
    CHECK_UINT(count_sent(1, MCPZ_MSG_HANDOVER, NULL), 0);
    tick(2 * MCPZ_HINT_AGAIN_US);
    tick(MCPZ_HINT_AGAIN_US);
    CHECK(count_sent(1, MCPZ_MSG_HANDOVER, NULL) > 0);
    CHECK_UINT(keeping.hints.count, 1);
    keeping_tear_down();
}

TEST(who_owns_it_no_more_is_not_told)
{
    keeping_set_up();
    const struct mcpz_id document = document_with(1, 1);
    size_t stranger = 1;
    while (mcpz_layouts_keeps(&layouts, keeper(stranger), &document)) {
        stranger++;
    }
    keep_document(&document, 1);
    note(stranger, &document, 10);
    note(1, &(struct mcpz_id){{9, 9, 9, 9, 9, 9, 9, 9, 9}}, 10); /* nor of what is not here */
    link_with(stranger);
    link_with(1);
    CHECK_UINT(count_sent(stranger, MCPZ_MSG_HANDOVER, NULL), 0);
    CHECK_UINT(count_sent(1, MCPZ_MSG_HANDOVER, NULL), 0);
    CHECK_UINT(keeping.hints.count, 0);
    CHECK_UINT(fake_store_count(&store, MCPZ_RECORD_HINT), 0);
    keeping_tear_down();
}

/* What failed before: they stayed for three hours, and it was said that it would be told. */
TEST(hints_of_who_was_taken_out_go)
{
    keeping_set_up();
    const struct mcpz_id document = document_with(3, 1);
    keep_document(&document, 1);
    note(3, &document, 10);
    note(1, &document, 10);
    tick(MCPZ_HINT_LOOK_US);
    CHECK_UINT(keeping.hints.count, 2);
    world.placement.node_count = 3;
    apply_layout(2);
    tick(MCPZ_HINT_LOOK_US); /* it may have to hand over what it has */
    CHECK_UINT(keeping.hints.count, 2);
    sync_all_of(2);
    tick(MCPZ_HINT_LOOK_US);
    CHECK_UINT(keeping.hints.count, 1);
    CHECK(mcpz_hints_find(&keeping.hints, keeper(1)) != NULL);
    CHECK_UINT(fake_store_count(&store, MCPZ_RECORD_HINT), 1);
    keeping_tear_down();
}

static bool is_first_revoked(void *context, const struct mcpz_id *node)
{
    (void)context;
    return mcpz_id_equal(node, keeper(1));
}

TEST(hints_of_who_is_revoked_go_and_none_are_made)
{
    keeping_set_up();
    const struct mcpz_id document = document_with(3, 1);
    const struct mcpz_id other = document_with(3, 2);
    keep_document(&document, 1);
    note(1, &document, 10);
    note(3, &document, 10);
    fabric.members.notary.is_revoked = is_first_revoked;
    note(1, &other, 10);
    CHECK_UINT(keeping.hints.count, 2);
    tick(MCPZ_HINT_LOOK_US);
    CHECK_UINT(keeping.hints.count, 1);
    CHECK(mcpz_hints_find(&keeping.hints, keeper(3)) != NULL);
    CHECK_UINT(fake_store_count(&store, MCPZ_RECORD_HINT), 1);
    fabric.members.notary.is_revoked = NULL;
    keeping_tear_down();
}

TEST(so_many_are_offered_at_one_time)
{
    keeping_set_up();
    struct mcpz_id documents[MCPZ_HINTS_AT_ONCE + 4];
    for (size_t i = 0; i < MCPZ_ARRAY_LEN(documents); i++) {
        documents[i] = document_with(1, (uint8_t)i);
        keep_document(&documents[i], 1);
        note(1, &documents[i], 1);
        wall_ms++;
    }
    link_with(1);
    CHECK_UINT(count_sent(1, MCPZ_MSG_HANDOVER, NULL), MCPZ_HINTS_AT_ONCE);
    hand(1, &documents[0], digest_of(&documents[0]));
    tick(MCPZ_HINT_PAUSE_US);
    CHECK_UINT(count_sent(1, MCPZ_MSG_HANDOVER, NULL), 1);
    CHECK(mcpz_id_equal(&sent(MCPZ_MSG_HANDOVER)->handover.document,
                        &documents[MCPZ_HINTS_AT_ONCE]));
    keeping_tear_down();
}

TEST_MAIN(RUN(a_hint_is_offered_when_its_owner_is_back_and_goes_when_that_has_it),
          RUN(a_hint_is_offered_behind_the_deltas_that_were_asked_for),
          RUN(hints_are_there_after_a_restart_and_told_oldest_first),
          RUN(further_writes_to_a_document_are_within_its_hint),
          RUN(what_one_owner_misses_is_bounded), RUN(so_many_owners_have_hints_at_one_time),
          RUN(what_a_failed_batch_brings_back_is_counted_and_told_again),
          RUN(what_is_too_old_and_could_not_be_removed_is_left_for_a_while),
          RUN(a_hint_goes_when_it_is_too_old), RUN(who_does_not_answer_is_left_alone_for_a_while),
          RUN(who_owns_it_no_more_is_not_told), RUN(hints_of_who_was_taken_out_go),
          RUN(hints_of_who_is_revoked_go_and_none_are_made), RUN(so_many_are_offered_at_one_time))
