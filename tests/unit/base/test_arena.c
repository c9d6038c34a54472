#include <stdalign.h>

#include "base/arena.h"
#include "test.h"

static alignas(max_align_t) uint8_t memory[256];
static struct mcpz_arena arena;

static void set_up(void)
{
    memset(memory, 0xaa, sizeof(memory));
    mcpz_arena_init(&arena, memory, sizeof(memory));
}

TEST(gives_zeroed_aligned_room_front_to_back)
{
    set_up();
    const uint8_t *first = mcpz_arena_take(&arena, 3, 1);
    const uint8_t *second = mcpz_arena_take(&arena, 1, 5);

    CHECK(first == memory);
    CHECK(second > first);
    CHECK_UINT((uintptr_t)second % alignof(max_align_t), 0);
    CHECK(memcmp(first, "\0\0\0", 3) == 0);
    CHECK(memcmp(second, "\0\0\0\0\0", 5) == 0);
}

TEST(gives_all_it_has_and_not_a_byte_more)
{
    set_up();
    CHECK(mcpz_arena_take(&arena, sizeof(memory) + 1, 1) == NULL);
    CHECK(mcpz_arena_take(&arena, 1, sizeof(memory) + 1) == NULL);
    CHECK_UINT(arena.used, 0);
    CHECK(mcpz_arena_take(&arena, sizeof(memory), 1) == memory);
    CHECK(mcpz_arena_take(&arena, 1, 1) == NULL);
}

TEST(refuses_a_product_that_wraps_around)
{
    set_up();
    CHECK(mcpz_arena_take(&arena, SIZE_MAX / 2 + 2, 2) == NULL);
    CHECK(mcpz_arena_take(&arena, SIZE_MAX, 1) == NULL);
    CHECK_UINT(arena.used, 0);
}

TEST(refuses_what_only_fits_without_rounding)
{
    set_up();
    arena.size = 100;
    CHECK(mcpz_arena_take(&arena, 96, 1) != NULL);
    CHECK(mcpz_arena_take(&arena, 4, 1) == NULL);
}

TEST(nothing_of_something_takes_no_room)
{
    set_up();
    CHECK(mcpz_arena_take(&arena, 0, 8) != NULL);
    CHECK_UINT(arena.used, 0);
}

TEST(clear_takes_everything_back)
{
    set_up();
    CHECK(mcpz_arena_take(&arena, sizeof(memory), 1) != NULL);
    mcpz_arena_clear(&arena);
    CHECK(mcpz_arena_take(&arena, sizeof(memory), 1) == memory);
}

TEST(copies_bytes)
{
    struct mcpz_bytes copy;
    set_up();
    CHECK(mcpz_arena_copy(&arena, mcpz_text("hello"), &copy));
    CHECK_BYTES(copy, "hello", 5);
    CHECK(copy.data == memory);
}

TEST(copies_nothing_from_nowhere)
{
    struct mcpz_bytes copy = mcpz_text("x");
    set_up();
    CHECK(mcpz_arena_copy(&arena, mcpz_bytes(NULL, 0), &copy));
    CHECK_UINT(copy.length, 0);
}

TEST(refuses_a_copy_without_room)
{
    struct mcpz_bytes copy = mcpz_text("x");
    set_up();
    arena.size = 16;
    CHECK(!mcpz_arena_copy(&arena, mcpz_text("seventeen letters"), &copy));
    CHECK_BYTES(copy, "x", 1);
}

TEST(zeroed_memory_is_not_written_to_before_it_was_given_out)
{
    memset(memory, 0, sizeof(memory));
    mcpz_arena_init_zeroed(&arena, memory, sizeof(memory));
    memory[10] = 7; /* nobody else's business: it shows that the arena does not look */
    uint8_t *first = mcpz_arena_take(&arena, 32, 1);
    CHECK_UINT(first[10], 7);

    memset(first, 0xaa, 32);
    mcpz_arena_clear(&arena);
    memory[40] = 7;
    first = mcpz_arena_take(&arena, 64, 1);
    CHECK_UINT(first[10], 0);
    CHECK_UINT(first[31], 0);
    CHECK_UINT(first[40], 7);
}

TEST(what_is_looked_at_often_lies_together_if_there_is_a_place_for_it)
{
    static alignas(max_align_t) uint8_t room[32];
    struct mcpz_arena often;

    set_up();
    CHECK(mcpz_arena_take_often(&arena, 1, 16) == memory);
    mcpz_arena_init(&often, room, sizeof(room));
    arena.often = &often;
    CHECK(mcpz_arena_take_often(&arena, 1, 16) == room);
    CHECK(mcpz_arena_take_often(&arena, 2, 8) == room + 16);
    CHECK(mcpz_arena_take_sure(&arena, 1, 16) == memory + 16);
}

TEST_MAIN(RUN(what_is_looked_at_often_lies_together_if_there_is_a_place_for_it),
          RUN(gives_zeroed_aligned_room_front_to_back), RUN(gives_all_it_has_and_not_a_byte_more),
          RUN(refuses_a_product_that_wraps_around), RUN(refuses_what_only_fits_without_rounding),
          RUN(nothing_of_something_takes_no_room), RUN(clear_takes_everything_back),
          RUN(zeroed_memory_is_not_written_to_before_it_was_given_out), RUN(copies_bytes),
          RUN(copies_nothing_from_nowhere), RUN(refuses_a_copy_without_room))
