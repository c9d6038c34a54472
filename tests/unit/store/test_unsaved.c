/* The bounds of the queue, which the stores only show in megabytes. */

#include <stdio.h>

#include "store/unsaved.h"
#include "test.h"

#define BYTES_MAX 100000

static mcpz_error nothing_get(void *context, struct mcpz_bytes key, struct mcpz_bytes *value)
{
    (void)context;
    (void)key;
    (void)value;
    return MCPZ_ENOTFOUND;
}

static mcpz_error nothing_next(void *context, struct mcpz_bytes after, bool inclusive,
                               struct mcpz_bytes *key, struct mcpz_bytes *value)
{
    (void)context;
    (void)after;
    (void)inclusive;
    (void)key;
    (void)value;
    return MCPZ_ENOTFOUND;
}

static mcpz_error broken_get(void *context, struct mcpz_bytes key, struct mcpz_bytes *value)
{
    (void)nothing_get(context, key, value);
    return MCPZ_EIO;
}

static mcpz_error broken_next(void *context, struct mcpz_bytes after, bool inclusive,
                              struct mcpz_bytes *key, struct mcpz_bytes *value)
{
    (void)nothing_next(context, after, inclusive, key, value);
    return MCPZ_ECORRUPT;
}

static void set_up(struct mcpz_unsaved *unsaved)
{
    const struct mcpz_below below = {.get = nothing_get, .next = nothing_next};
    mcpz_unsaved_init(unsaved, &below, BYTES_MAX);
}

/* Write until exactly so many are unsaved: `bytes`. */
static void fill_to(struct mcpz_unsaved *unsaved, size_t bytes)
{
    static const uint8_t zeros[2000];
    char key[32];

    while (unsaved->bytes < bytes) {
        snprintf(key, sizeof(key), "fill-%06zu", unsaved->bytes);
        size_t least = mcpz_write_bytes(mcpz_text(key), mcpz_bytes(NULL, 0));
        size_t left = bytes - unsaved->bytes;
        CHECK(left >= least);
        size_t value = left < 2000 ? left - least : 1000;
        mcpz_unsaved_put(unsaved, mcpz_text(key), mcpz_bytes(zeros, value));
    }
    CHECK_UINT(unsaved->bytes, bytes);
}

static bool has(struct mcpz_unsaved *unsaved, const char *key)
{
    struct mcpz_bytes value;
    return mcpz_unsaved_get(unsaved, mcpz_text(key), &value) == MCPZ_OK;
}

static void check_told(struct mcpz_kv_progress progress, uint64_t durable, uint64_t failed,
                       mcpz_error error)
{
    CHECK_UINT(progress.durable, durable);
    CHECK_UINT(progress.failed, failed);
    CHECK_UINT(progress.error, error);
}

TEST(takes_a_turn_that_fills_the_queue_to_its_bound)
{
    struct mcpz_unsaved unsaved;
    struct mcpz_batch *batch;

    set_up(&unsaved);
    fill_to(&unsaved, BYTES_MAX);
    CHECK_UINT(mcpz_unsaved_commit(&unsaved, &batch), 1);
    CHECK(batch != NULL);
    check_told(mcpz_unsaved_progress(&unsaved, 0, MCPZ_OK), 0, 0, MCPZ_OK);
    mcpz_unsaved_settle(&unsaved, batch);
    CHECK_UINT(unsaved.bytes, 0);
    CHECK(unsaved.sorted.count == 0);
    mcpz_batch_destroy(batch);
    mcpz_unsaved_finish(&unsaved);
}

TEST(dooms_a_turn_that_goes_one_byte_beyond)
{
    struct mcpz_unsaved unsaved;
    struct mcpz_batch *batch;

    set_up(&unsaved);
    fill_to(&unsaved, BYTES_MAX + 1);
    CHECK_UINT(mcpz_unsaved_commit(&unsaved, &batch), 1);
    CHECK(batch == NULL);
    CHECK(unsaved.sorted.count > 0); /* to be read until it is told */
    check_told(mcpz_unsaved_progress(&unsaved, 0, MCPZ_OK), 0, 1, MCPZ_EFULL);
    CHECK(unsaved.sorted.count == 0);
    CHECK_UINT(unsaved.bytes, 0);
    mcpz_unsaved_finish(&unsaved);
}

TEST(counts_what_waits_as_well_as_the_turn)
{
    struct mcpz_unsaved unsaved;
    struct mcpz_batch *first;
    struct mcpz_batch *batch;

    set_up(&unsaved);
    fill_to(&unsaved, BYTES_MAX / 2);
    CHECK_UINT(mcpz_unsaved_commit(&unsaved, &first), 1);
    CHECK(first != NULL);
    fill_to(&unsaved, BYTES_MAX + 1);
    CHECK_UINT(mcpz_unsaved_commit(&unsaved, &batch), 2);
    CHECK(batch == NULL);
    mcpz_unsaved_put(&unsaved, mcpz_text("after"), mcpz_text("x"));
    CHECK_UINT(mcpz_unsaved_commit(&unsaved, &batch), 3);
    CHECK(batch == NULL);

    /* Told only when all before it is on disk. */
    check_told(mcpz_unsaved_progress(&unsaved, 0, MCPZ_OK), 0, 0, MCPZ_OK);
    CHECK(has(&unsaved, "after"));
    mcpz_unsaved_settle(&unsaved, first);
    mcpz_batch_destroy(first);
    check_told(mcpz_unsaved_progress(&unsaved, 1, MCPZ_OK), 1, 3, MCPZ_EFULL);
    CHECK(!has(&unsaved, "after"));

    /* And then it goes on. */
    mcpz_unsaved_put(&unsaved, mcpz_text("later"), mcpz_text("x"));
    CHECK_UINT(mcpz_unsaved_commit(&unsaved, &batch), 4);
    CHECK(batch != NULL);
    mcpz_unsaved_settle(&unsaved, batch);
    mcpz_batch_destroy(batch);
    check_told(mcpz_unsaved_progress(&unsaved, 4, MCPZ_OK), 4, 0, MCPZ_OK);
    mcpz_unsaved_finish(&unsaved);
}

TEST(a_failure_on_disk_takes_doomed_turns_along)
{
    struct mcpz_unsaved unsaved;
    struct mcpz_batch *first;
    struct mcpz_batch *batch;

    set_up(&unsaved);
    mcpz_unsaved_put(&unsaved, mcpz_text("a"), mcpz_text("x"));
    CHECK_UINT(mcpz_unsaved_commit(&unsaved, &first), 1);
    fill_to(&unsaved, BYTES_MAX + 1);
    CHECK_UINT(mcpz_unsaved_commit(&unsaved, &batch), 2);
    check_told(mcpz_unsaved_progress(&unsaved, 0, MCPZ_ENOSPACE), 0, 2, MCPZ_ENOSPACE);
    mcpz_batch_destroy(first);
    check_told(mcpz_unsaved_progress(&unsaved, 0, MCPZ_OK), 0, 0, MCPZ_OK);
    mcpz_unsaved_finish(&unsaved);
}

TEST(never_holds_more_than_twice_its_bound)
{
    struct mcpz_unsaved unsaved;
    struct mcpz_batch *batch;

    set_up(&unsaved);
    fill_to(&unsaved, 2 * (size_t)BYTES_MAX);
    CHECK_UINT(unsaved.turn_error, MCPZ_OK);
    mcpz_unsaved_put(&unsaved, mcpz_text("x"), mcpz_text(""));
    CHECK_UINT(unsaved.bytes, 2 * BYTES_MAX);
    CHECK_UINT(unsaved.turn_error, MCPZ_EFULL);
    CHECK(!has(&unsaved, "x"));
    CHECK_UINT(mcpz_unsaved_commit(&unsaved, &batch), 1);

    /* A turn of which nothing could be kept has a number too. */
    mcpz_unsaved_put(&unsaved, mcpz_text("x"), mcpz_text(""));
    CHECK_UINT(mcpz_unsaved_commit(&unsaved, &batch), 2);
    CHECK(batch == NULL);
    check_told(mcpz_unsaved_progress(&unsaved, 0, MCPZ_OK), 0, 2, MCPZ_EFULL);
    mcpz_unsaved_finish(&unsaved);
}

TEST(the_disk_gets_only_the_last_write_of_a_turn_to_a_key)
{
    struct mcpz_unsaved unsaved;
    struct mcpz_batch *first;
    struct mcpz_batch *second;

    set_up(&unsaved);
    mcpz_unsaved_put(&unsaved, mcpz_text("a"), mcpz_text("1"));
    mcpz_unsaved_put(&unsaved, mcpz_text("a"), mcpz_text("2"));
    CHECK_UINT(mcpz_unsaved_commit(&unsaved, &first), 1);
    mcpz_unsaved_remove(&unsaved, mcpz_text("a"));
    CHECK_UINT(mcpz_unsaved_commit(&unsaved, &second), 2);

    CHECK_UINT(first->count, 2);
    CHECK(first->first->replaced);
    CHECK(!first->last->replaced); /* replaced by another batch: that one may yet fail */
    CHECK(second->first->removed);

    mcpz_unsaved_settle(&unsaved, first);
    mcpz_batch_destroy(first);
    CHECK(!has(&unsaved, "a"));
    mcpz_unsaved_settle(&unsaved, second);
    mcpz_batch_destroy(second);
    CHECK(unsaved.sorted.count == 0);
    mcpz_unsaved_finish(&unsaved);
}

TEST(hands_on_what_is_wrong_below)
{
    const struct mcpz_below below = {.get = broken_get, .next = broken_next};
    struct mcpz_unsaved unsaved;
    struct mcpz_bytes key;
    struct mcpz_bytes value;

    mcpz_unsaved_init(&unsaved, &below, BYTES_MAX);
    mcpz_unsaved_put(&unsaved, mcpz_text("a"), mcpz_text("1"));
    CHECK_UINT(mcpz_unsaved_get(&unsaved, mcpz_text("a"), &value), MCPZ_OK);
    CHECK_UINT(mcpz_unsaved_get(&unsaved, mcpz_text("b"), &value), MCPZ_EIO);
    CHECK_UINT(mcpz_unsaved_next(&unsaved, mcpz_text(""), false, &key, &value), MCPZ_ECORRUPT);
    mcpz_unsaved_finish(&unsaved);
}

TEST(a_turn_that_is_not_committed_is_forgotten)
{
    struct mcpz_unsaved unsaved;

    set_up(&unsaved);
    mcpz_unsaved_put(&unsaved, mcpz_text("a"), mcpz_text("1"));
    mcpz_unsaved_clear(&unsaved);
    CHECK(!has(&unsaved, "a"));
    struct mcpz_batch *batch;
    CHECK_UINT(mcpz_unsaved_commit(&unsaved, &batch), 0);
    mcpz_unsaved_finish(&unsaved);
}

TEST_MAIN(RUN(takes_a_turn_that_fills_the_queue_to_its_bound),
          RUN(dooms_a_turn_that_goes_one_byte_beyond), RUN(counts_what_waits_as_well_as_the_turn),
          RUN(a_failure_on_disk_takes_doomed_turns_along),
          RUN(never_holds_more_than_twice_its_bound),
          RUN(the_disk_gets_only_the_last_write_of_a_turn_to_a_key),
          RUN(hands_on_what_is_wrong_below), RUN(a_turn_that_is_not_committed_is_forgotten))
