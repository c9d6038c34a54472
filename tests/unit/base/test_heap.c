#include "base/heap.h"
#include "base/rng.h"
#include "test.h"

#define MAX 64

static _Alignas(16) uint8_t memory[4096];

static struct mcpz_heap make(size_t max)
{
    struct mcpz_arena arena;
    struct mcpz_heap heap;

    CHECK(mcpz_heap_bytes(max) <= sizeof(memory));
    mcpz_arena_init(&arena, memory, mcpz_heap_bytes(max));
    mcpz_heap_init(&heap, max, &arena);
    return heap;
}

TEST(is_due_when_its_first_is)
{
    struct mcpz_heap heap = make(4);
    uint32_t item = 9;

    CHECK(mcpz_heap_deadline(&heap) == MCPZ_TIME_NEVER);
    CHECK(!mcpz_heap_due(&heap, MCPZ_TIME_NEVER, &item));
    CHECK_UINT(item, 9);
    mcpz_heap_put(&heap, 1, 20);
    mcpz_heap_put(&heap, 3, 10);
    CHECK_UINT(mcpz_heap_deadline(&heap), 10);
    CHECK(!mcpz_heap_due(&heap, 9, &item));
    CHECK(mcpz_heap_due(&heap, 10, &item));
    CHECK_UINT(item, 3);
    CHECK_UINT(heap.count, 2);
}

TEST(a_thing_is_in_once_and_can_be_moved)
{
    struct mcpz_heap heap = make(4);
    uint32_t item;

    mcpz_heap_put(&heap, 0, 10);
    mcpz_heap_put(&heap, 1, 20);
    mcpz_heap_put(&heap, 0, 30);
    CHECK_UINT(heap.count, 2);
    CHECK(mcpz_heap_due(&heap, 30, &item));
    CHECK_UINT(item, 1);
    mcpz_heap_put(&heap, 0, 5);
    CHECK(mcpz_heap_due(&heap, 30, &item));
    CHECK_UINT(item, 0);
}

TEST(what_is_not_in_can_be_taken_out)
{
    struct mcpz_heap heap = make(1);

    mcpz_heap_remove(&heap, 0);
    CHECK_UINT(heap.count, 0);
    mcpz_heap_put(&heap, 0, 1);
    mcpz_heap_remove(&heap, 0);
    mcpz_heap_remove(&heap, 0);
    CHECK(mcpz_heap_deadline(&heap) == MCPZ_TIME_NEVER);
}

/* Against an array that is looked through. */
TEST(agrees_with_looking_at_all_of_them)
{
    struct mcpz_heap heap = make(MAX);
    mcpz_time plain[MAX];
    struct mcpz_rng rng;

    mcpz_rng_init(&rng, 5);
    for (size_t i = 0; i < MAX; i++) {
        plain[i] = MCPZ_TIME_NEVER;
    }
    for (size_t i = 0; i < 100000; i++) {
        uint32_t item = mcpz_rng_below(&rng, MAX);
        if (mcpz_rng_below(&rng, 3) == 0) {
            mcpz_heap_remove(&heap, item);
            plain[item] = MCPZ_TIME_NEVER;
        } else {
            plain[item] = mcpz_rng_below(&rng, 1000);
            mcpz_heap_put(&heap, item, plain[item]);
        }
        mcpz_time first = MCPZ_TIME_NEVER;
        size_t count = 0;
        for (size_t j = 0; j < MAX; j++) {
            first = mcpz_time_min(first, plain[j]);
            count += plain[j] != MCPZ_TIME_NEVER;
        }
        CHECK_UINT(heap.count, count);
        CHECK(mcpz_heap_deadline(&heap) == first);
        if (mcpz_heap_due(&heap, 2000, &item)) {
            CHECK_UINT(plain[item], first);
        }
    }
}

TEST_MAIN(RUN(is_due_when_its_first_is), RUN(a_thing_is_in_once_and_can_be_moved),
          RUN(what_is_not_in_can_be_taken_out), RUN(agrees_with_looking_at_all_of_them))
