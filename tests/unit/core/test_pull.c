/* Getting what a layout gives: from whom, in which order, and when it is all here. */

#include "core/keeping/pull.h"
#include "keeping_world.h"

static struct mcpz_layout_stamp second = {.version = 2, .tag = 1};

/* Another layout, in which each keeps something else, that all have acknowledged. */
static void change_layout(void)
{
    for (size_t i = 0; i < KEEPERS; i++) {
        world.nodes[i].weight = i == 0 ? 3 : 1;
    }
    apply_layout(2);
    for (size_t i = 0; i < KEEPERS; i++) {
        const struct mcpz_layout_tracker tracker = {.node = *keeper(i), .acked = second};
        (void)mcpz_layout_history_merge(&layouts.history, &tracker);
    }
}

static void end_page(size_t from, const struct mcpz_id *after)
{
    static const uint8_t last = 0xff;
    struct mcpz_msg msg = {.kind = MCPZ_MSG_PULLED, .pulled = {.stamp = second, .after = *after}};

    memset(msg.pulled.upto.bytes, last, MCPZ_ID_BYTES);
    hear(from, &msg);
}

static const struct mcpz_id nothing = {{0}};

static size_t asked(size_t other)
{
    return count_sent(other, MCPZ_MSG_PULL, NULL);
}

TEST(all_old_owners_are_gone_through_two_at_a_time)
{
    keeping_set_up();
    for (size_t i = 1; i < KEEPERS; i++) {
        link_with(i);
    }
    change_layout();
    tick(1);
    CHECK_UINT(asked(1) + asked(2) + asked(3), 2);
    CHECK_UINT(asked(1), 1);
    CHECK_UINT(sent(MCPZ_MSG_PULL)->pull.alive_max, 0); /* nothing is at risk */
    end_page(1, &nothing);
    CHECK_UINT(asked(3), 1);
    end_page(2, &nothing);
    CHECK_UINT(keeping.puller.synced.version, 0);
    end_page(3, &nothing);
    CHECK_UINT(keeping.puller.synced.version, 2);
    keeping_tear_down();
}

TEST(a_page_is_asked_for_again_until_nothing_of_it_is_lacking)
{
    keeping_set_up();
    link_with(1);
    change_layout();
    tick(1);
    const struct mcpz_id document = document_with(1, 1);
    const struct mcpz_version version = version_of('w', 2);
    const struct mcpz_pulled_row row = {
        .document = document, .versions = &version, .version_count = 1};
    struct mcpz_msg page = {
        .kind = MCPZ_MSG_PULLED,
        .pulled = {.stamp = second, .upto = document, .rows = &row, .row_count = 1}};
    const struct mcpz_msg *msg = NULL;

    hear(1, &page);
    CHECK_UINT(count_sent(1, MCPZ_MSG_WANT, NULL), 1);
    CHECK_UINT(count_sent(1, MCPZ_MSG_PULL, &msg), 1); /* behind it */
    CHECK(mcpz_id_is_zero(&msg->pull.after));
    keep_document(&document, 2);
    hear(1, &page);
    CHECK_UINT(count_sent(1, MCPZ_MSG_WANT, NULL), 0);
    CHECK_UINT(count_sent(1, MCPZ_MSG_PULL, &msg), 1);
    CHECK(mcpz_id_equal(&msg->pull.after, &document));
    CHECK_UINT(keeping.puller.moved, 1);
    page.pulled.stamp.tag = 9; /* of another layout */
    hear(1, &page);
    CHECK_UINT(count_sent(1, MCPZ_MSG_PULL, NULL), 0);
    keeping_tear_down();
}

/* What failed before: versions that we have say nothing of branches that we have not. */
TEST(who_knows_of_a_cut_has_something_that_we_lack)
{
    keeping_set_up();
    link_with(1);
    change_layout();
    tick(1);
    const struct mcpz_id document = document_with(1, 1);
    const struct mcpz_version version = version_of('w', 2);
    const struct mcpz_cut cut = {
        .actor = version.actor,
        .seq = 3,
        .tips = {{.seq = 3, .head = {{1}}}, {.seq = 3, .head = {{2}}}},
        .tip_count = 2,
    };
    const struct mcpz_pulled_row row = {.document = document,
                                        .versions = &version,
                                        .version_count = 1,
                                        .cuts = &cut,
                                        .cut_count = 1};
    const struct mcpz_msg page = {
        .kind = MCPZ_MSG_PULLED,
        .pulled = {.stamp = second, .upto = document, .rows = &row, .row_count = 1}};

    keep_document(&document, 7); /* further, by one branch */
    hear(1, &page);
    CHECK_UINT(count_sent(1, MCPZ_MSG_WANT, NULL), 1);
    keeping_tear_down();
}

TEST(a_source_tells_of_cuts_and_of_what_is_theirs)
{
    keeping_set_up();
    change_layout();
    const struct mcpz_id shared = document_with(1, 1);
    const struct mcpz_version version = version_of('w', 2);
    const struct mcpz_cut cut = {
        .actor = version.actor,
        .seq = 3,
        .tips = {{.seq = 3, .head = {{1}}}, {.seq = 3, .head = {{2}}}},
        .tip_count = 2,
    };
    const struct mcpz_record record = {.kind = MCPZ_RECORD_DOCUMENT,
                                       .document = {.id = shared,
                                                    .name = mcpz_text("a"),
                                                    .versions = &version,
                                                    .version_count = 1,
                                                    .cuts = &cut,
                                                    .cut_count = 1}};
    store.port.put(store.port.context, &record);
    link_with(1);
    const struct mcpz_msg msg = {.kind = MCPZ_MSG_PULL, .pull = {.stamp = {1, 1}}};
    const struct mcpz_msg *said = NULL;
    hear(1, &msg);
    CHECK_UINT(count_sent(1, MCPZ_MSG_PULLED, &said), 1);
    CHECK_UINT(said->pulled.row_count, 1);
    CHECK_UINT(said->pulled.rows[0].cut_count, 1);
    CHECK_UINT(said->pulled.rows[0].cuts[0].seq, 3);
    keeping_tear_down();
}

TEST(a_page_has_so_many_versions)
{
    struct mcpz_version versions[MCPZ_ACTORS_MAX];

    keeping_set_up();
    change_layout();
    for (size_t i = 0; i < MCPZ_ACTORS_MAX; i++) {
        versions[i] = version_of((uint8_t)(1 + i), 1);
    }
    for (uint8_t i = 0; i < MCPZ_PULLED_MAX; i++) {
        const struct mcpz_record record = {.kind = MCPZ_RECORD_DOCUMENT,
                                           .document = {.id = document_with(1, i),
                                                        .name = mcpz_text("a"),
                                                        .versions = versions,
                                                        .version_count = MCPZ_ACTORS_MAX}};
        store.port.put(store.port.context, &record);
    }
    link_with(1);
    struct mcpz_msg msg = {.kind = MCPZ_MSG_PULL, .pull = {.stamp = {1, 1}}};
    const struct mcpz_msg *said = NULL;
    hear(1, &msg);
    CHECK_UINT(count_sent(1, MCPZ_MSG_PULLED, &said), 1);
    CHECK_UINT(said->pulled.row_count, MCPZ_PULLED_VERSIONS_MAX / MCPZ_ACTORS_MAX);
    msg.pull.after = said->pulled.upto; /* the rest is on the next */
    hear(1, &msg);
    CHECK_UINT(count_sent(1, MCPZ_MSG_PULLED, &said), 1);
    CHECK_UINT(said->pulled.row_count, MCPZ_PULLED_VERSIONS_MAX / MCPZ_ACTORS_MAX);
    CHECK(mcpz_id_compare(&msg.pull.after, &said->pulled.rows[0].document) < 0);
    keeping_tear_down();
}

TEST(what_is_at_risk_comes_first)
{
    keeping_set_up();
    for (size_t i = 1; i < KEEPERS; i++) {
        link_with(i);
    }
    member_of(3)->state = MCPZ_MEMBER_DEAD;
    change_layout();
    tick(1);
    const struct mcpz_msg *msg = NULL;
    CHECK_UINT(count_sent(1, MCPZ_MSG_PULL, &msg), 1);
    CHECK_UINT(msg->pull.alive_max, 2); /* one of three may be down */
    end_page(1, &nothing);
    end_page(2, &nothing);
    CHECK_UINT(keeping.puller.synced.version, 0);
    CHECK_UINT(count_sent(1, MCPZ_MSG_PULL, &msg), 1);
    CHECK_UINT(msg->pull.alive_max, 0); /* and then the rest */
    end_page(1, &nothing);
    end_page(2, &nothing);
    CHECK_UINT(keeping.puller.synced.version, 2); /* one that is down can be borne */
    keeping_tear_down();
}

TEST(more_that_are_down_than_can_be_borne_are_waited_for)
{
    keeping_set_up();
    for (size_t i = 1; i < KEEPERS; i++) {
        link_with(i);
    }
    member_of(2)->state = MCPZ_MEMBER_DEAD;
    member_of(3)->state = MCPZ_MEMBER_DEAD;
    change_layout();
    tick(1);
    for (uint32_t round = 1; round <= 3; round++) {
        const struct mcpz_msg *msg = NULL;
        CHECK_UINT(count_sent(1, MCPZ_MSG_PULL, &msg), 1);
        CHECK_UINT(msg->pull.alive_max, round < 3 ? round : 0);
        end_page(1, &nothing);
    }
    CHECK_UINT(keeping.puller.synced.version, 0);
    CHECK(keeping.puller.rest_until_us > now);
    member_of(2)->state = MCPZ_MEMBER_ALIVE;
    tick(MCPZ_PULL_REST_US);
    CHECK_UINT(asked(1), 1);
    CHECK_UINT(asked(2), 1);
    keeping_tear_down();
}

TEST(who_asks_for_what_is_at_risk_gets_that_alone)
{
    keeping_set_up();
    change_layout();
    link_with(1);
    const struct mcpz_id document = document_with(1, 1);
    keep_document(&document, 1);
    struct mcpz_msg msg = {.kind = MCPZ_MSG_PULL, .pull = {.stamp = second, .alive_max = 2}};
    const struct mcpz_msg *said = NULL;
    struct mcpz_owner_set sets[MCPZ_LAYOUTS_LIVE_MAX];

    (void)mcpz_layout_history_sets(&layouts.history, &document, sets);
    bool is_theirs = false;
    for (size_t i = 0; i < sets[1].count; i++) {
        is_theirs = is_theirs || mcpz_id_equal(&sets[1].nodes[i]->id, keeper(1));
    }
    hear(1, &msg);
    CHECK_UINT(count_sent(1, MCPZ_MSG_PULLED, &said), 1);
    CHECK_UINT(said->pulled.row_count, 0); /* three copies are there */
    for (size_t i = 0; i < sets[0].count; i++) {
        for (size_t n = 2; n < KEEPERS; n++) {
            if (mcpz_id_equal(&sets[0].nodes[i]->id, keeper(n))) {
                member_of(n)->state = MCPZ_MEMBER_DEAD;
            }
        }
    }
    hear(1, &msg);
    CHECK_UINT(count_sent(1, MCPZ_MSG_PULLED, &said), 1);
    CHECK_UINT(said->pulled.row_count, is_theirs ? 1 : 0);
    keeping_tear_down();
}

TEST(how_far_it_is_is_told_by_how_many_ids_are_behind_it)
{
    struct mcpz_pull_progress progress;

    keeping_set_up();
    CHECK(!mcpz_pull_progress(&keeping, &below, now, &progress));
    for (size_t i = 1; i < KEEPERS; i++) {
        link_with(i);
    }
    change_layout();
    tick(1);
    CHECK(mcpz_pull_progress(&keeping, &below, now, &progress));
    CHECK_UINT(progress.version, 2);
    CHECK_UINT(progress.per_mille, 0);
    CHECK(progress.left_us == MCPZ_TIME_NEVER);
    now += MCPZ_SECONDS(10);
    end_page(1, &nothing);
    keeping.puller.moved = 100;
    CHECK(mcpz_pull_progress(&keeping, &below, now, &progress));
    CHECK_UINT(progress.per_mille, 333);
    CHECK_UINT(progress.to_move, 300);
    CHECK_UINT((uint64_t)progress.left_us / 1000000, 20);
    keeping.puller.pulls[0].after.bytes[0] = 0x80; /* another one's half */
    CHECK(mcpz_pull_progress(&keeping, &below, now, &progress));
    CHECK_UINT(progress.per_mille, 500);
    keeping_tear_down();
}

TEST_MAIN(RUN(all_old_owners_are_gone_through_two_at_a_time),
          RUN(a_page_is_asked_for_again_until_nothing_of_it_is_lacking),
          RUN(who_knows_of_a_cut_has_something_that_we_lack),
          RUN(a_source_tells_of_cuts_and_of_what_is_theirs), RUN(a_page_has_so_many_versions),
          RUN(what_is_at_risk_comes_first),
          RUN(more_that_are_down_than_can_be_borne_are_waited_for),
          RUN(who_asks_for_what_is_at_risk_gets_that_alone),
          RUN(how_far_it_is_is_told_by_how_many_ids_are_behind_it))
