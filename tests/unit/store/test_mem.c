/* What only the store in memory can do: be as slow as it is told, and crash. */

#include "store/mem.h"
#include "test.h"

static struct mcpz_mem *mem;
static struct mcpz_kv kv;

static void set_up(void)
{
    CHECK_UINT(mcpz_mem_create(&mem, &kv), MCPZ_OK);
    CHECK_UINT(mcpz_mem_newest(mem), 0);
}

static uint64_t write_one(const char *key, const char *value)
{
    kv.put(kv.context, mcpz_text(key), mcpz_text(value));
    return kv.commit(kv.context);
}

static bool holds(const char *key, const char *value)
{
    struct mcpz_bytes found;
    mcpz_error error = kv.get(kv.context, mcpz_text(key), &found);
    bool same = error == MCPZ_OK && mcpz_bytes_equal(found, mcpz_text(value));
    kv.commit(kv.context);
    return same;
}

static void check_told(uint64_t durable, uint64_t failed, mcpz_error error)
{
    struct mcpz_kv_progress progress = kv.progress(kv.context);
    CHECK_UINT(progress.durable, durable);
    CHECK_UINT(progress.failed, failed);
    CHECK_UINT(progress.error, error);
}

TEST(nothing_is_durable_until_it_is_told_so)
{
    set_up();
    write_one("a", "1");
    write_one("b", "1");
    write_one("c", "1");
    CHECK_UINT(mcpz_mem_newest(mem), 3);
    check_told(0, 0, MCPZ_OK);
    mcpz_mem_sync(mem, 2);
    check_told(2, 0, MCPZ_OK);
    mcpz_mem_sync(mem, 1); /* what is durable stays so */
    check_told(2, 0, MCPZ_OK);
    mcpz_mem_sync(mem, 99);
    check_told(3, 0, MCPZ_OK);
    mcpz_mem_destroy(mem);
}

TEST(a_crash_loses_what_is_not_durable_and_says_nothing_of_it)
{
    set_up();
    write_one("a", "1");
    write_one("a", "2");
    write_one("b", "1");
    mcpz_mem_sync(mem, 1);
    kv.put(kv.context, mcpz_text("c"), mcpz_text("of the turn"));
    mcpz_mem_crash(mem);

    check_told(1, 0, MCPZ_OK);
    CHECK(holds("a", "1"));
    CHECK(!holds("b", "1"));
    CHECK(!holds("c", "of the turn"));
    mcpz_mem_destroy(mem);
}

TEST(a_torn_write_keeps_whole_batches_from_the_oldest_on)
{
    static const char *const values[] = {"1", "2", "3", "4"};

    for (uint32_t keep = 0; keep <= 4; keep++) {
        set_up();
        mcpz_mem_sync(mem, write_one("a", "1"));
        for (size_t i = 1; i <= 3; i++) {
            kv.put(kv.context, mcpz_text("twin"), mcpz_text(values[i]));
            write_one("a", values[i]);
        }
        kv.put(kv.context, mcpz_text("b"), mcpz_text("of the turn"));
        CHECK(mcpz_mem_tear(mem, keep) == (keep == 1 || keep == 2));

        uint32_t kept = keep < 3 ? keep : 3;
        CHECK(holds("a", values[kept]));
        CHECK(holds("twin", values[kept]) == (kept > 0));
        CHECK(!holds("b", "of the turn"));
        check_told(1 + kept, 0, MCPZ_OK);
        mcpz_mem_destroy(mem);
    }
}

/* Of one key, a batch each; NULL: removed. */
static const char *const life[] = {"1", "2", NULL, "3", NULL, NULL, "4"};
#define LIFE (sizeof(life) / sizeof(life[0]))

static void live(void)
{
    for (size_t i = 0; i < LIFE; i++) {
        kv.put(kv.context, mcpz_text("twice"), mcpz_text("of this turn, and not the last"));
        kv.remove(kv.context, mcpz_text("twice"));
        if (life[i] == NULL) {
            kv.remove(kv.context, mcpz_text("a"));
            (void)kv.commit(kv.context);
        } else {
            (void)write_one("a", life[i]);
        }
    }
}

static bool is_as_after(size_t batches)
{
    const char *value = batches > 0 ? life[batches - 1] : NULL;
    struct mcpz_bytes found;
    const bool is_there = kv.get(kv.context, mcpz_text("a"), &found) == MCPZ_OK;
    const bool is_so =
        value == NULL ? !is_there : is_there && mcpz_bytes_equal(found, mcpz_text(value));
    (void)kv.commit(kv.context);
    return is_so && !holds("twice", "of this turn, and not the last");
}

TEST(a_crash_goes_back_to_what_was_durable_of_a_key_however_often_it_was_written)
{
    for (size_t durable = 0; durable <= LIFE; durable++) {
        set_up();
        (void)write_one("0", "before it");
        mcpz_mem_sync(mem, 1);
        live();
        mcpz_mem_sync(mem, 1 + durable);
        if (durable % 2 == 0) {
            check_told(1 + durable, 0, MCPZ_OK);
            CHECK(is_as_after(LIFE)); /* the newest, durable or not */
        }
        mcpz_mem_back_up(mem);
        mcpz_mem_crash(mem);
        CHECK(is_as_after(durable));
        CHECK(holds("0", "before it"));

        live();
        mcpz_mem_fail(mem, MCPZ_ENOSPACE);
        check_told(1 + durable, 1 + 2 * LIFE, MCPZ_ENOSPACE);
        CHECK(is_as_after(durable));

        live();
        mcpz_mem_sync(mem, mcpz_mem_newest(mem));
        CHECK(mcpz_mem_restore(mem));
        CHECK(is_as_after(durable));
        mcpz_mem_destroy(mem);
    }
}

TEST(a_torn_write_keeps_nothing_that_had_failed)
{
    set_up();
    CHECK(!mcpz_mem_tear(mem, 1)); /* there is nothing */
    write_one("a", "1");
    write_one("a", "2");
    mcpz_mem_fail(mem, MCPZ_ENOSPACE);
    CHECK(!mcpz_mem_tear(mem, 1));
    CHECK(!holds("a", "1"));
    check_told(0, 0, MCPZ_OK);
    mcpz_mem_destroy(mem);
}

TEST(the_count_of_batches_goes_on_after_a_crash)
{
    set_up();
    write_one("a", "1");
    write_one("a", "2");
    mcpz_mem_crash(mem);
    CHECK_UINT(mcpz_mem_newest(mem), 2);
    CHECK_UINT(write_one("b", "1"), 3);
    mcpz_mem_sync(mem, 3);
    check_told(3, 0, MCPZ_OK);
    CHECK(!holds("a", "2"));
    CHECK(holds("b", "1"));
    mcpz_mem_destroy(mem);
}

TEST(a_crash_forgets_a_failure_not_yet_told)
{
    set_up();
    write_one("a", "1");
    mcpz_mem_fail(mem, MCPZ_ENOSPACE);
    mcpz_mem_crash(mem);
    check_told(0, 0, MCPZ_OK);
    mcpz_mem_destroy(mem);
}

TEST(what_was_synced_before_a_crash_survives_untold)
{
    set_up();
    write_one("a", "1");
    kv.remove(kv.context, mcpz_text("gone"));
    kv.commit(kv.context);
    mcpz_mem_sync(mem, 2);
    mcpz_mem_crash(mem);
    CHECK(holds("a", "1"));
    check_told(2, 0, MCPZ_OK);
    mcpz_mem_destroy(mem);
}

TEST(a_failure_leaves_what_is_durable)
{
    set_up();
    write_one("a", "1");
    write_one("a", "2");
    mcpz_mem_sync(mem, 1);
    mcpz_mem_fail(mem, MCPZ_EIO);
    check_told(1, 2, MCPZ_EIO);
    CHECK(holds("a", "1"));
    mcpz_mem_destroy(mem);
}

TEST(a_failure_takes_what_comes_before_it_is_told)
{
    set_up();
    write_one("a", "1");
    mcpz_mem_fail(mem, MCPZ_ENOSPACE);
    write_one("b", "1"); /* made from what will not be */
    mcpz_mem_sync(mem, 2);
    check_told(0, 2, MCPZ_ENOSPACE);
    CHECK(!holds("b", "1"));
    CHECK_UINT(write_one("b", "2"), 3);
    mcpz_mem_sync(mem, 3);
    check_told(3, 0, MCPZ_OK);
    mcpz_mem_destroy(mem);
}

TEST(nothing_fails_when_all_is_durable)
{
    set_up();
    mcpz_mem_fail(mem, MCPZ_ENOSPACE);
    check_told(0, 0, MCPZ_OK);
    uint64_t batch = write_one("a", "1");
    mcpz_mem_sync(mem, batch);
    mcpz_mem_fail(mem, MCPZ_ENOSPACE);
    check_told(1, 0, MCPZ_OK);
    CHECK(holds("a", "1"));
    mcpz_mem_destroy(mem);
}

TEST(removals_reach_the_disk)
{
    set_up();
    write_one("a", "1");
    write_one("a", "2");
    kv.remove(kv.context, mcpz_text("a"));
    mcpz_mem_sync(mem, kv.commit(kv.context));
    check_told(3, 0, MCPZ_OK);
    mcpz_mem_crash(mem);
    CHECK(!holds("a", "1"));
    mcpz_mem_destroy(mem);
    mcpz_mem_destroy(NULL);
}

TEST(a_disk_that_is_restored_is_as_it_was_when_it_was_backed_up)
{
    set_up();
    CHECK(!mcpz_mem_restore(mem)); /* it never was */
    write_one("a", "1");
    write_one("b", "1");
    mcpz_mem_sync(mem, 1);
    mcpz_mem_back_up(mem); /* "b" is not durable */
    CHECK(mcpz_mem_has_backup(mem));
    mcpz_mem_sync(mem, 2);
    write_one("a", "2");
    mcpz_mem_sync(mem, 3);
    check_told(3, 0, MCPZ_OK);
    for (size_t i = 0; i < 2; i++) { /* as often as one likes */
        CHECK(mcpz_mem_restore(mem));
        CHECK(holds("a", "1"));
        CHECK(!holds("b", "1"));
        write_one("a", "3");
        mcpz_mem_sync(mem, mcpz_mem_newest(mem));
    }
    mcpz_mem_destroy(mem);
}

TEST_MAIN(RUN(nothing_is_durable_until_it_is_told_so),
          RUN(a_crash_loses_what_is_not_durable_and_says_nothing_of_it),
          RUN(a_torn_write_keeps_whole_batches_from_the_oldest_on),
          RUN(a_crash_goes_back_to_what_was_durable_of_a_key_however_often_it_was_written),
          RUN(a_torn_write_keeps_nothing_that_had_failed),
          RUN(the_count_of_batches_goes_on_after_a_crash),
          RUN(a_crash_forgets_a_failure_not_yet_told),
          RUN(what_was_synced_before_a_crash_survives_untold),
          RUN(a_failure_leaves_what_is_durable), RUN(a_failure_takes_what_comes_before_it_is_told),
          RUN(nothing_fails_when_all_is_durable), RUN(removals_reach_the_disk),
          RUN(a_disk_that_is_restored_is_as_it_was_when_it_was_backed_up))
