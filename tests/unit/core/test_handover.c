/* Letting go of what is others' by now: not before all of them have it. */

#include "core/keeping/handover.h"
#include "keeping_world.h"

static struct mcpz_id document;

static void set_up(void)
{
    keeping_set_up();
    document = document_of_others(1);
    keep_document(&document, 3);
    for (size_t i = 1; i < KEEPERS; i++) {
        link_with(i);
    }
    keeping.handover = (struct mcpz_handover){.walk_at_us = 0}; /* as if nothing had been seen */
}

static void hand(size_t from, uint64_t digest)
{
    const struct mcpz_msg msg = {.kind = MCPZ_MSG_HANDED,
                                 .handed = {.document = document, .digest = digest}};

    hear(from, &msg);
}

TEST(it_goes_when_each_owner_has_it)
{
    set_up();
    tick(1);
    for (size_t i = 1; i < KEEPERS; i++) {
        CHECK_UINT(count_sent(i, MCPZ_MSG_HANDOVER, NULL), 1);
    }
    const uint64_t digest = sent(MCPZ_MSG_HANDOVER)->handover.digest;
    hand(1, digest);
    hand(1, digest);
    hand(2, digest);
    CHECK_UINT(keeping.handover.gone_count, 0);
    hand(3, digest + 1); /* it has another state */
    CHECK_UINT(keeping.handover.gone_count, 0);
    hand(3, digest);
    CHECK_UINT(keeping.handover.gone_count, 1);
    CHECK(mcpz_id_equal(&keeping.handover.gone[0], &document));
    keeping_tear_down();
}

TEST(what_has_changed_meanwhile_stays)
{
    set_up();
    tick(1);
    const uint64_t digest = sent(MCPZ_MSG_HANDOVER)->handover.digest;
    hand(1, digest);
    hand(2, digest);
    keep_document(&document, 4);
    hand(3, digest);
    CHECK_UINT(keeping.handover.gone_count, 0);
    keeping_tear_down();
}

TEST(what_is_ours_again_stays)
{
    set_up();
    tick(1);
    const uint64_t digest = sent(MCPZ_MSG_HANDOVER)->handover.digest;
    hand(1, digest);
    hand(2, digest);
    world.placement.copies = 4;
    apply_layout(2);
    hand(3, digest);
    CHECK_UINT(keeping.handover.gone_count, 0);
    keeping_tear_down();
}

TEST(who_lacks_something_is_offered_it_behind_the_deltas)
{
    set_up();
    tick(1);
    const struct mcpz_msg want = {.kind = MCPZ_MSG_WANT, .want = {.document = document}};
    hear(2, &want);
    CHECK_UINT(count_sent(2, MCPZ_MSG_HANDOVER, NULL), 1);
    CHECK_UINT(count_actions(MCPZ_ACTION_SEND), 1);
    hand(2, digest_of(&document));
    hear(2, &want); /* it has said that it has it */
    CHECK_UINT(count_actions(MCPZ_ACTION_SEND), 0);
    keeping_tear_down();
}

/* An owner's side. */
static void offer(size_t from, const struct mcpz_id *ours, uint64_t seq,
                  const struct mcpz_cut *cuts, size_t cut_count)
{
    const struct mcpz_version version = version_of('w', seq);
    const struct mcpz_msg msg = {.kind = MCPZ_MSG_HANDOVER,
                                 .handover = {.document = *ours,
                                              .digest = 77,
                                              .versions = &version,
                                              .version_count = 1,
                                              .cuts = cuts,
                                              .cut_count = cut_count}};

    hear(from, &msg);
}

TEST(an_owner_says_that_it_has_it_only_if_it_has)
{
    keeping_set_up();
    const struct mcpz_id ours = document_with(1, 1);
    const struct mcpz_msg *msg = NULL;
    keep_document(&ours, 3);
    link_with(1);
    offer(1, &ours, 3, NULL, 0);
    CHECK_UINT(count_sent(1, MCPZ_MSG_HANDED, &msg), 1);
    CHECK_UINT(msg->handed.digest, 77);
    CHECK(out.actions[0].durable);
    offer(1, &ours, 4, NULL, 0);
    CHECK_UINT(count_sent(1, MCPZ_MSG_HANDED, NULL), 0);
    CHECK_UINT(count_sent(1, MCPZ_MSG_WANT, NULL), 1);
    const struct mcpz_id foreign = document_of_others(1);
    keep_document(&foreign, 3);
    offer(1, &foreign, 3, NULL, 0); /* we would let go of it ourselves */
    CHECK_UINT(count_sent(1, MCPZ_MSG_HANDED, NULL), 0);
    keeping_tear_down();
}

/* What failed before: the offer said nothing of cuts, and so nobody asked for them. */
TEST(a_cut_is_not_left_behind_with_who_lets_go)
{
    keeping_set_up();
    const struct mcpz_id ours = document_with(1, 1);
    const struct mcpz_cut cut = {
        .actor = {.node = {{'w'}}, .generation = 1},
        .seq = 3,
        .tips = {{.seq = 3, .head = {{1}}}, {.seq = 3, .head = {{2}}}},
        .tip_count = 2,
    };
    keep_document(&ours, 7);
    link_with(1);
    offer(1, &ours, 2, &cut, 1);
    CHECK_UINT(count_sent(1, MCPZ_MSG_HANDED, NULL), 0);
    CHECK_UINT(count_sent(1, MCPZ_MSG_WANT, NULL), 1);
    keeping_tear_down();
}

TEST_MAIN(RUN(it_goes_when_each_owner_has_it), RUN(what_has_changed_meanwhile_stays),
          RUN(what_is_ours_again_stays), RUN(who_lacks_something_is_offered_it_behind_the_deltas),
          RUN(an_owner_says_that_it_has_it_only_if_it_has),
          RUN(a_cut_is_not_left_behind_with_who_lets_go))
