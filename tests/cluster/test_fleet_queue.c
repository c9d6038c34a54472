/* The calendar of a fleet, beside a list that is searched from end to end. */

#include <stdlib.h>

#include "base/rng.h"
#include "sim/fleet_queue.h"
#include "test.h"

#define MODEL_MAX 4096

/* What ought to be in the queue. */
struct model {
    struct mcpz_fleet_due dues[MODEL_MAX];
    size_t count;
    uint64_t next_order;
};

static void add(struct mcpz_fleet_queue *queue, struct model *model, mcpz_time at_us)
{
    const struct mcpz_fleet_due due = {.at_us = at_us,
                                       .order = model->next_order++,
                                       .index = (uint32_t)model->next_order,
                                       .kind = MCPZ_DUE_TICK};

    CHECK(model->count < MODEL_MAX);
    model->dues[model->count++] = due;
    mcpz_fleet_queue_add(queue, &due);
}

/* The earliest; of equals the one put in first. NULL: nothing is due until then. */
static struct mcpz_fleet_due *earliest(struct model *model, mcpz_time until_us)
{
    struct mcpz_fleet_due *found = NULL;

    for (size_t i = 0; i < model->count; i++) {
        struct mcpz_fleet_due *due = &model->dues[i];
        if (due->at_us <= until_us &&
            (found == NULL || due->at_us < found->at_us ||
             (due->at_us == found->at_us && due->order < found->order))) {
            found = due;
        }
    }
    return found;
}

/* Take one of both. False: nothing is due until then, in either. */
static bool take(struct mcpz_fleet_queue *queue, struct model *model, mcpz_time until_us,
                 mcpz_time *at_us)
{
    struct mcpz_fleet_due taken;
    struct mcpz_fleet_due *expected = earliest(model, until_us);
    const struct mcpz_fleet_due *next = mcpz_fleet_queue_peek(queue, 0);

    if (next != NULL && expected != NULL) { /* what it says is to come does come */
        CHECK_UINT(next->order, expected->order);
    }
    CHECK(mcpz_fleet_queue_take(queue, until_us, &taken) == (expected != NULL));
    if (expected == NULL) {
        return false;
    }
    CHECK_UINT(taken.order, expected->order);
    CHECK_UINT(taken.at_us, expected->at_us);
    CHECK_UINT(taken.index, expected->index);
    *at_us = taken.at_us;
    *expected = model->dues[--model->count];
    return true;
}

/* From the next microsecond to far beyond all slots, each doubling as likely as the last. */
static mcpz_time draw(struct mcpz_rng *rng)
{
    return mcpz_rng_next(rng) & ((UINT64_C(1) << mcpz_rng_below(rng, 32)) - 1);
}

TEST(all_is_taken_in_order_of_time_and_then_as_it_was_put_in)
{
    for (uint64_t seed = 1; seed <= SEEDS_OF(20); seed++) {
        static struct model model;
        struct mcpz_fleet_queue queue;
        struct mcpz_rng rng;
        mcpz_time now = 0;

        model = (struct model){0};
        mcpz_rng_init(&rng, seed);
        mcpz_fleet_queue_init(&queue);
        for (size_t i = 0; i < 3000; i++) {
            for (uint32_t adds = mcpz_rng_below(&rng, 3); adds > 0 && model.count < 300; adds--) {
                add(&queue, &model, now + draw(&rng));
            }
            const mcpz_time until_us = now + draw(&rng);
            uint32_t takes = mcpz_rng_below(&rng, 4);
            while (takes > 0 && take(&queue, &model, until_us, &now)) {
                takes--;
            }
            now = takes > 0 ? until_us : now; /* nothing is left until then */
        }
        while (take(&queue, &model, MCPZ_TIME_NEVER - 1, &now)) {
        }
        CHECK_UINT(model.count, 0);
        mcpz_fleet_queue_finish(&queue);
    }
}

TEST(many_at_one_time_come_as_they_were_put_in)
{
    static struct model model;
    struct mcpz_fleet_queue queue;
    mcpz_time now = 0;

    mcpz_fleet_queue_init(&queue);
    for (size_t i = 0; i < 200; i++) {
        add(&queue, &model, 5);
        add(&queue, &model, MCPZ_SECONDS(7));
        add(&queue, &model, MCPZ_SECONDS(7000));
    }
    while (take(&queue, &model, MCPZ_SECONDS(7000), &now)) {
    }
    CHECK_UINT(now, MCPZ_SECONDS(7000));
    CHECK_UINT(model.count, 0);
    mcpz_fleet_queue_finish(&queue);
}

TEST(what_is_due_at_the_last_moment_is_taken_and_what_is_due_after_is_not)
{
    static struct model model;
    struct mcpz_fleet_queue queue;
    mcpz_time now = 0;

    mcpz_fleet_queue_init(&queue);
    for (unsigned bit = 0; bit < 40; bit++) { /* the ends of slots among them */
        const mcpz_time at_us = UINT64_C(1) << bit;
        add(&queue, &model, at_us);
        CHECK(!take(&queue, &model, at_us - 1, &now));
        CHECK(take(&queue, &model, at_us, &now));
        CHECK(!take(&queue, &model, at_us, &now));
    }
    mcpz_fleet_queue_finish(&queue);
}

TEST(parcels_are_of_the_size_asked_for_and_used_again)
{
    struct mcpz_fleet_queue queue;

    mcpz_fleet_queue_init(&queue);
    struct mcpz_parcel *small = mcpz_parcel_take(&queue, MCPZ_PARCEL_DATA, 1);
    struct mcpz_parcel *large =
        mcpz_parcel_take(&queue, MCPZ_PARCEL_DATA, MCPZ_SLABS_MOST_BYTES - sizeof(*large));
    memset(large->bytes, 0xff, large->length);
    const size_t bytes = mcpz_fleet_queue_bytes(&queue);
    mcpz_parcel_give(&queue, small);
    mcpz_parcel_give(&queue, large);
    CHECK(mcpz_parcel_take(&queue, MCPZ_PARCEL_CLOSED, 0) == small);
    CHECK_UINT(small->length, 0);
    CHECK(mcpz_parcel_take(&queue, MCPZ_PARCEL_DATA, 60000) == large);
    CHECK_UINT(mcpz_fleet_queue_bytes(&queue), bytes);
    mcpz_fleet_queue_finish(&queue);
}

TEST_MAIN(RUN(all_is_taken_in_order_of_time_and_then_as_it_was_put_in),
          RUN(many_at_one_time_come_as_they_were_put_in),
          RUN(what_is_due_at_the_last_moment_is_taken_and_what_is_due_after_is_not),
          RUN(parcels_are_of_the_size_asked_for_and_used_again))
