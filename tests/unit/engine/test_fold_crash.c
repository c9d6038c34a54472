/* Folding is several steps, on several disks: what is lost between any two of them is no delta. */

#include "fold_pair.h"

/* Both wrote to it, and it is about to be folded. */
static void make_due(void)
{
    make_neighbours(&no_history);
    write_many(&founder, MCPZ_FOLD_DELTAS / 2);
    for (size_t i = 0; i < MCPZ_FOLD_DELTAS / 2; i++) {
        write_to(&other, MCPZ_AGENT_SET, "\x91\xa1m", (uint8_t)i);
        talk();
    }
}

/* One frame goes over, or half a second by. */
static void step(void)
{
    if (!hand_over(&founder, &other) && !hand_over(&other, &founder)) {
        tick_both();
    }
}

static bool is_folded(struct side *side)
{
    return count_rows(side, MCPZ_RECORD_FLOOR) == 1 && count_rows(side, MCPZ_RECORD_DELTA) == 2;
}

static void check_folded_in_the_end(const struct mcpz_id *root)
{
    for (int i = 0; i < 400 && !(is_folded(&founder) && is_folded(&other)); i++) {
        wall_ms += i == 100 ? MCPZ_FOLD_IDLE_MS : 0; /* who had it on its list has forgotten */
        tick_both();
        talk();
    }
    CHECK(is_folded(&founder) && is_folded(&other));
    check_same_root();
    const struct mcpz_id now_root = root_of(&founder);
    CHECK(mcpz_id_equal(&now_root, root));
    CHECK_UINT(founder.engine->counters.checkpoints_diverged, 0);
    CHECK_UINT(other.engine->counters.checkpoints_diverged, 0);
}

/* How many steps it takes. */
static size_t count_steps(void)
{
    size_t steps = 0;

    make_due();
    while (!is_folded(&founder) || !is_folded(&other)) {
        step();
        steps++;
        CHECK(steps < 1000);
    }
    free_pair();
    return steps;
}

/* Between signature, agreement, floor and dropping: a crash that finds each turn on the disk. */
TEST(who_crashes_between_any_two_steps_goes_on_with_folding)
{
    const size_t steps = count_steps();

    for (size_t at = 0; at < 2 * steps; at++) {
        make_due();
        const struct mcpz_id root = root_of(&founder);
        for (size_t i = 0; i < at / 2; i++) {
            step();
        }
        restart_side(at % 2 == 0 ? &founder : &other);
        check_folded_in_the_end(&root);
        free_pair();
    }
}

/* The last turns are not on the disk, or only the first of them are. */
TEST(a_torn_write_in_mid_fold_loses_nothing)
{
    const size_t steps = count_steps();

    for (size_t at = 0; at < 4 * steps; at++) {
        struct side *side = at % 2 == 0 ? &founder : &other;
        make_due();
        const struct mcpz_id root = root_of(&founder);
        for (size_t i = 0; i < at / 4; i++) {
            step();
        }
        side->disk_is_held = true;
        for (size_t i = 0; i < 6; i++) {
            step();
        }
        (void)mcpz_mem_tear(side->mem, at / 2 % 2 == 0 ? 1 : 3);
        restart_side(side);
        check_folded_in_the_end(&root);
        free_pair();
    }
}

/* The disk takes nothing for a while: what was to be the floor is it later. */
TEST(a_full_disk_in_mid_fold_loses_nothing)
{
    const size_t steps = count_steps();

    for (size_t at = 0; at < 2 * steps; at++) {
        struct side *side = at % 2 == 0 ? &founder : &other;
        make_due();
        const struct mcpz_id root = root_of(&founder);
        for (size_t i = 0; i < at / 2; i++) {
            step();
        }
        side->disk_is_held = true;
        for (size_t i = 0; i < 6; i++) {
            step();
        }
        mcpz_mem_fail(side->mem, MCPZ_ENOSPACE);
        mcpz_engine_store_progress(side->engine);
        side->disk_is_held = false;
        check_folded_in_the_end(&root);
        free_pair();
    }
}

/* ---- Transfers ---------------------------------------------------------------------------- */

static void make_folded_at_the_founder(struct mcpz_id *root)
{
    make_due();
    *root = root_of(&founder);
    check_folded_in_the_end(root);
    lose_document(&other);
}

static bool is_asking(void)
{
    return other.engine->transfers.under_way[0] != NULL;
}

/* Whoever asks for a base holds its pieces in memory: it asks again. So does who was asked. */
TEST(a_crash_in_mid_transfer_begins_it_anew)
{
    for (size_t at = 0; at < 12; at++) {
        struct mcpz_id root;
        make_folded_at_the_founder(&root);
        while (!is_asking()) {
            step();
        }
        for (size_t i = 0; i < at / 2; i++) {
            step();
        }
        restart_side(at % 2 == 0 ? &founder : &other);
        check_folded_in_the_end(&root);
        free_pair();
    }
}

TEST(a_full_disk_in_mid_transfer_begins_it_anew)
{
    struct mcpz_id root;

    make_folded_at_the_founder(&root);
    other.disk_is_held = true;
    for (int i = 0; i < 200 && other.engine->counters.bases_installed == 0; i++) {
        step();
    }
    CHECK_UINT(other.engine->counters.bases_installed, 1);
    CHECK(!mcpz_engine_is_full(other.engine));
    mcpz_mem_fail(other.mem, MCPZ_ENOSPACE);
    mcpz_engine_store_progress(other.engine);
    other.disk_is_held = false;
    CHECK(mcpz_engine_is_full(other.engine));
    CHECK_UINT(count_rows(&other, MCPZ_RECORD_FLOOR), 0);
    CHECK_UINT(count_rows(&other, MCPZ_RECORD_DOCUMENT), 0);
    CHECK_UINT(count_rows(&other, MCPZ_RECORD_BASE), 0);
    check_folded_in_the_end(&root);
    CHECK_UINT(other.engine->counters.bases_installed, 2);
    for (int i = 0; i < 100; i++) { /* 50 seconds */
        tick_both();
    }
    CHECK(!mcpz_engine_is_full(other.engine));
    free_pair();
}

TEST_MAIN(RUN(who_crashes_between_any_two_steps_goes_on_with_folding),
          RUN(a_torn_write_in_mid_fold_loses_nothing), RUN(a_full_disk_in_mid_fold_loses_nothing),
          RUN(a_crash_in_mid_transfer_begins_it_anew),
          RUN(a_full_disk_in_mid_transfer_begins_it_anew))
