#include "core/placement/layout_history.h"
#include "placement_world.h"

#define NODES 6
#define ROOM 8

/* Nodes that each keep a history, and hear of the others' trackers when the test says so. */
static struct mcpz_layout_history histories[NODES];
static _Alignas(16) uint8_t memory[NODES][1 << 16];
static struct world world;

static const struct mcpz_id document = {{0x42, 0x17}};

static void set_up(void)
{
    world_make(&world, NODES, 3);
    for (size_t i = 0; i < NODES; i++) {
        struct mcpz_arena arena;
        CHECK(mcpz_layout_history_bytes(ROOM, 4) <= sizeof(memory[i]));
        mcpz_arena_init(&arena, memory[i], mcpz_layout_history_bytes(ROOM, 4));
        mcpz_layout_history_init(&histories[i], &world.nodes[i].id, ROOM, 4, &arena);
        CHECK_UINT(arena.used, arena.size);
    }
}

static struct mcpz_layout_stamp stamp(uint64_t version, uint64_t tag)
{
    return (struct mcpz_layout_stamp){.version = version, .tag = tag};
}

/* A layout in which `leaver` (NODES: nobody) has left. */
static mcpz_error tell(size_t node, struct mcpz_layout_stamp at, size_t leaver)
{
    world.placement.version = at.version;
    for (size_t i = 0; i < NODES; i++) {
        world.nodes[i].state = i == leaver ? MCPZ_STORAGE_LEAVING : MCPZ_STORAGE_ACTIVE;
    }
    return mcpz_layout_history_add(&histories[node], &world.placement, at);
}

static void tell_all(struct mcpz_layout_stamp at, size_t leaver)
{
    for (size_t i = 0; i < NODES; i++) {
        CHECK_UINT(tell(i, at, leaver), MCPZ_OK);
    }
}

/* Everybody hears what everybody knows, once. */
static void gossip(void)
{
    for (size_t to = 0; to < NODES; to++) {
        for (size_t from = 0; from < NODES; from++) {
            for (size_t i = 0; i < histories[from].tracker_count; i++) {
                (void)mcpz_layout_history_merge(&histories[to], &histories[from].trackers[i]);
            }
        }
    }
}

static void sync_all(void)
{
    for (size_t i = 0; i < NODES; i++) {
        const struct mcpz_live_layout *live = mcpz_layout_history_to_sync(&histories[i]);
        if (live != NULL) {
            mcpz_layout_history_synced(&histories[i], live->stamp);
        }
    }
}

static uint64_t read_version(size_t node)
{
    struct mcpz_owner_set set;
    CHECK(mcpz_layout_history_read_set(&histories[node], &document, &set));
    return set.stamp.version;
}

static size_t write_sets(size_t node)
{
    struct mcpz_owner_set sets[MCPZ_LAYOUTS_LIVE_MAX];
    struct mcpz_layout_stamp at;
    size_t count = mcpz_layout_history_begin_write(&histories[node], &document, sets, &at);
    if (count > 0) {
        mcpz_layout_history_end_write(&histories[node], at);
    }
    return count;
}

static void settle_first(void)
{
    set_up();
    tell_all(stamp(1, 9), NODES);
    gossip();
    sync_all();
    gossip();
    gossip();
}

TEST(without_a_layout_nothing_is_kept_anywhere)
{
    struct mcpz_owner_set set;

    set_up();
    CHECK(mcpz_layout_history_newest(&histories[0]) == NULL);
    CHECK(!mcpz_layout_history_read_set(&histories[0], &document, &set));
    CHECK_UINT(write_sets(0), 0);
    CHECK(!mcpz_layout_history_takes(&histories[0], stamp(1, 1)));
}

TEST(the_first_layout_is_read_and_written_at_once)
{
    set_up();
    tell_all(stamp(1, 9), NODES);
    CHECK_UINT(read_version(0), 1);
    CHECK_UINT(write_sets(0), 1);
}

TEST(a_change_goes_through_its_three_stages)
{
    settle_first();
    tell_all(stamp(2, 1), 0);

    CHECK_UINT(write_sets(0), 2);
    CHECK(mcpz_layout_history_to_sync(&histories[0]) == NULL); /* not all have acked */
    gossip();
    CHECK_UINT(mcpz_layout_history_to_sync(&histories[0])->stamp.version, 2);
    CHECK_UINT(read_version(0), 1);
    sync_all();
    CHECK(mcpz_layout_history_to_sync(&histories[0]) == NULL);
    CHECK_UINT(read_version(0), 1); /* it only knows of itself */
    gossip();
    CHECK_UINT(read_version(0), 2);
    gossip();
    CHECK_UINT(histories[0].live_count, 1);
    CHECK_UINT(write_sets(0), 1);
}

TEST(one_that_has_not_synced_keeps_reads_where_they_were)
{
    settle_first();
    tell_all(stamp(2, 1), 0);
    gossip();
    for (size_t i = 0; i < NODES - 1; i++) {
        mcpz_layout_history_synced(&histories[i], stamp(2, 1));
    }
    gossip();
    gossip();
    CHECK_UINT(read_version(2), 1);
    CHECK_UINT(write_sets(2), 2);
    mcpz_layout_history_synced(&histories[NODES - 1], stamp(2, 1));
    gossip();
    CHECK_UINT(read_version(2), 2);
}

TEST(a_write_under_way_holds_back_what_would_lose_it)
{
    struct mcpz_owner_set sets[MCPZ_LAYOUTS_LIVE_MAX];
    struct mcpz_layout_stamp began;

    settle_first();
    CHECK_UINT(mcpz_layout_history_begin_write(&histories[3], &document, sets, &began), 1);
    tell_all(stamp(2, 1), 0);
    gossip();
    CHECK(mcpz_layout_history_to_sync(&histories[0]) == NULL);
    mcpz_layout_history_end_write(&histories[3], began);
    gossip();
    CHECK(mcpz_layout_history_to_sync(&histories[0]) != NULL);
}

TEST(who_has_acked_takes_no_write_of_who_does_not_know)
{
    settle_first();
    CHECK(mcpz_layout_history_takes(&histories[0], stamp(1, 9)));
    CHECK_UINT(tell(0, stamp(2, 1), 0), MCPZ_OK);
    CHECK(!mcpz_layout_history_takes(&histories[0], stamp(1, 9)));
    CHECK(mcpz_layout_history_takes(&histories[0], stamp(2, 1)));
    CHECK(mcpz_layout_history_takes(&histories[0], stamp(3, 0)));
}

TEST(nothing_is_synced_before_all_have_acked)
{
    settle_first();
    CHECK_UINT(tell(0, stamp(2, 1), 0), MCPZ_OK);
    mcpz_layout_history_synced(&histories[0], stamp(2, 1));
    CHECK_UINT(mcpz_layout_history_tracker(&histories[0], &world.nodes[0].id)->synced.version, 1);
}

/* Two operators make a version 2 each: half the nodes hear of one, half of the other first. */
TEST(two_layouts_of_one_version_are_one_after_the_other)
{
    settle_first();
    for (size_t i = 0; i < NODES; i++) {
        CHECK_UINT(tell(i, i % 2 == 0 ? stamp(2, 7) : stamp(2, 8), i % 2), MCPZ_OK);
    }
    for (size_t i = 0; i < NODES; i++) {
        CHECK_UINT(tell(i, i % 2 == 0 ? stamp(2, 8) : stamp(2, 7), 1 - i % 2), MCPZ_OK);
        CHECK_UINT(mcpz_layout_history_newest(&histories[i])->stamp.tag, 8);
        CHECK_UINT(write_sets(i), 3);
    }
    for (size_t round = 0; round < 4; round++) {
        gossip();
        sync_all();
    }
    gossip();
    for (size_t i = 0; i < NODES; i++) {
        CHECK_UINT(histories[i].live_count, 1);
        CHECK_UINT(mcpz_layout_history_newest(&histories[i])->stamp.tag, 8);
    }
}

TEST(a_dead_node_is_skipped_by_who_knows_that_it_is)
{
    settle_first();
    for (size_t i = 0; i < NODES - 1; i++) {
        CHECK_UINT(tell(i, stamp(2, 1), NODES - 1), MCPZ_OK);
    }
    gossip();
    CHECK(mcpz_layout_history_to_sync(&histories[0]) == NULL);
    const struct mcpz_layout_tracker skip = {.node = world.nodes[NODES - 1].id,
                                             .acked = stamp(2, 1),
                                             .synced = stamp(2, 1),
                                             .sync_acked = stamp(2, 1)};
    CHECK(mcpz_layout_history_merge(&histories[0], &skip));
    CHECK(!mcpz_layout_history_merge(&histories[0], &skip));
    gossip();
    sync_all();
    gossip();
    gossip();
    CHECK_UINT(histories[0].live_count, 1);
    CHECK_UINT(read_version(0), 2);
}

TEST(what_is_known_changes_nothing_and_what_is_older_is_refused)
{
    settle_first();
    CHECK_UINT(tell(0, stamp(1, 9), 2), MCPZ_OK);
    CHECK_UINT(histories[0].live_count, 1);
    CHECK_UINT(tell(0, stamp(1, 8), 2), MCPZ_EUSED);
    CHECK_UINT(histories[0].live_count, 1);
}

TEST(so_many_layouts_are_live_and_no_more)
{
    settle_first();
    for (uint64_t version = 2; version <= MCPZ_LAYOUTS_LIVE_MAX; version++) {
        CHECK_UINT(tell(0, stamp(version, 1), 0), MCPZ_OK);
    }
    CHECK_UINT(tell(0, stamp(MCPZ_LAYOUTS_LIVE_MAX + 1, 1), 0), MCPZ_EFULL);
    CHECK_UINT(write_sets(0), MCPZ_LAYOUTS_LIVE_MAX);
}

TEST(larger_ones_than_there_is_room_for_are_refused)
{
    static struct world large;

    set_up();
    world_make(&large, ROOM, 4);
    CHECK_UINT(mcpz_layout_history_add(&histories[0], &large.placement, stamp(1, 1)), MCPZ_OK);
    world_make(&large, ROOM + 1, 4);
    large.placement.version = 2;
    CHECK_UINT(mcpz_layout_history_add(&histories[0], &large.placement, stamp(2, 1)), MCPZ_EFULL);
    world_make(&large, ROOM, 5);
    large.placement.version = 2;
    CHECK_UINT(mcpz_layout_history_add(&histories[0], &large.placement, stamp(2, 1)), MCPZ_EFULL);
}

TEST(nothing_is_kept_of_strangers)
{
    const struct mcpz_layout_tracker stranger = {.node = {{9}}, .acked = {.version = 5}};

    settle_first();
    CHECK(!mcpz_layout_history_merge(&histories[0], &stranger));
    CHECK_UINT(histories[0].tracker_count, NODES);
}

TEST(a_layout_is_copied)
{
    struct mcpz_owner_set before;
    struct mcpz_owner_set after;

    settle_first();
    CHECK(mcpz_layout_history_read_set(&histories[0], &document, &before));
    const struct mcpz_id owner = before.nodes[0]->id;
    memset(world.nodes, 0, sizeof(world.nodes));
    memset(world.names, 0, sizeof(world.names));
    CHECK(mcpz_layout_history_read_set(&histories[0], &document, &after));
    CHECK(mcpz_id_equal(&after.nodes[0]->id, &owner));
    CHECK_UINT(histories[0].live[0].placement.zones[2].data[2], '2');
}

static uint64_t newest[NODES];

/* One node hears of a layout, or of how far another has come, or has synced. */
static void do_something(struct mcpz_rng *rng)
{
    const size_t node = mcpz_rng_below(rng, NODES);
    const size_t other = mcpz_rng_below(rng, NODES);
    const uint32_t what = mcpz_rng_below(rng, 40);
    const struct mcpz_live_layout *live = mcpz_layout_history_to_sync(&histories[node]);

    if (what < 2 && newest[node] < 6) {
        newest[node] +=
            tell(node, stamp(newest[node] + 1, 1), newest[node] % NODES) == MCPZ_OK ? 1 : 0;
    } else if (what < 30 && newest[node] >= newest[other]) {
        (void)mcpz_layout_history_merge(
            &histories[node],
            mcpz_layout_history_tracker(&histories[other], &world.nodes[other].id));
    } else if (live != NULL) {
        mcpz_layout_history_synced(&histories[node], live->stamp);
    }
}

/* Whoever reads, reads from a layout that everybody knows, and writes to. */
static void check_reads(void)
{
    for (size_t i = 0; i < NODES; i++) {
        const uint64_t read = read_version(i);
        for (size_t j = 0; j < NODES; j++) {
            CHECK(histories[j].live[0].stamp.version <= read);
            CHECK(newest[j] >= read);
        }
    }
}

TEST(whatever_is_read_from_is_written_to_by_all)
{
    struct mcpz_rng rng;
    size_t changes = 0;

    for (uint64_t seed = 0; seed < 100; seed++) {
        settle_first();
        mcpz_rng_init(&rng, seed);
        for (size_t i = 0; i < NODES; i++) {
            newest[i] = 1;
        }
        for (size_t step = 0; step < 1000; step++) {
            do_something(&rng);
            check_reads();
        }
        changes += read_version(0) - 1;
    }
    CHECK(changes > 100);
}

/* Node 5 is in the first layout only, and says nothing once it knows that all have synced the
 * second. */
TEST(who_was_in_none_but_what_is_let_go_holds_nothing_up)
{
    set_up();
    struct mcpz_layout_history *history = &histories[0];

    CHECK_UINT(tell(0, stamp(1, 1), NODES), MCPZ_OK);
    world.placement.node_count = NODES - 1;
    CHECK_UINT(tell(0, stamp(2, 1), NODES), MCPZ_OK);
    CHECK_UINT(tell(0, stamp(3, 1), NODES), MCPZ_OK);
    for (size_t i = 0; i < NODES; i++) {
        const struct mcpz_layout_stamp reached = i == NODES - 1 ? stamp(2, 1) : stamp(3, 1);
        const struct mcpz_layout_tracker tracker = {
            .node = world.nodes[i].id, .acked = reached, .synced = reached, .sync_acked = reached};
        (void)mcpz_layout_history_merge(history, &tracker);
    }
    CHECK_UINT(history->live_count, 1);
    CHECK_UINT(history->live[0].stamp.version, 3);
    CHECK_UINT(history->tracker_count, NODES - 1);
    world.placement.node_count = NODES;
}

TEST_MAIN(RUN(who_was_in_none_but_what_is_let_go_holds_nothing_up),
          RUN(without_a_layout_nothing_is_kept_anywhere),
          RUN(the_first_layout_is_read_and_written_at_once),
          RUN(a_change_goes_through_its_three_stages),
          RUN(one_that_has_not_synced_keeps_reads_where_they_were),
          RUN(a_write_under_way_holds_back_what_would_lose_it),
          RUN(who_has_acked_takes_no_write_of_who_does_not_know),
          RUN(nothing_is_synced_before_all_have_acked),
          RUN(two_layouts_of_one_version_are_one_after_the_other),
          RUN(a_dead_node_is_skipped_by_who_knows_that_it_is),
          RUN(what_is_known_changes_nothing_and_what_is_older_is_refused),
          RUN(so_many_layouts_are_live_and_no_more),
          RUN(larger_ones_than_there_is_room_for_are_refused), RUN(nothing_is_kept_of_strangers),
          RUN(a_layout_is_copied), RUN(whatever_is_read_from_is_written_to_by_all))
