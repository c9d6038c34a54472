#include "base/rng.h"
#include "engine/lane.h"
#include "test.h"

#define MANY 200

static struct mcpz_lane lane;
static uint8_t bytes[3 * MCPZ_LANE_BLOCK_BYTES];

/* `length` bytes that say by their first two which they are. */
static mcpz_error push(size_t number, size_t length, size_t bytes_max)
{
    bytes[0] = (uint8_t)(number >> 8);
    bytes[1] = (uint8_t)number;
    return mcpz_lane_push(&lane, mcpz_bytes(bytes, length), bytes_max);
}

static void check_first(size_t number, size_t length)
{
    struct mcpz_bytes first;

    CHECK(mcpz_lane_first(&lane, &first));
    CHECK_UINT(first.length, length);
    CHECK_UINT((size_t)first.data[0] << 8 | first.data[1], number);
}

TEST(what_came_first_is_first)
{
    struct mcpz_rng rng;
    size_t lengths[MANY];
    size_t first = 0;
    size_t next = 0;
    size_t held = 0;

    mcpz_rng_init(&rng, 1);
    while (first < MANY) {
        if (next < MANY && mcpz_rng_below(&rng, 3) > 0) {
            lengths[next] = 2 + mcpz_rng_below(&rng, next % 10 == 0 ? sizeof(bytes) - 2 : 600);
            CHECK_UINT(push(next, lengths[next], SIZE_MAX), MCPZ_OK);
            held += lengths[next++];
        } else if (first < next) {
            check_first(first, lengths[first]);
            mcpz_lane_drop(&lane);
            held -= lengths[first++];
        }
        CHECK_UINT(lane.bytes, held);
        CHECK_UINT(mcpz_lane_is_empty(&lane), first == next);
    }
}

TEST(takes_what_is_within_its_bound)
{
    CHECK_UINT(push(1, 100, 100), MCPZ_OK);
    CHECK_UINT(push(2, 2, 101), MCPZ_EFULL);
    CHECK_UINT(push(3, 2, 102), MCPZ_OK);
    CHECK_UINT(lane.bytes, 102);
    mcpz_lane_drop(&lane);
    check_first(3, 2);
    mcpz_lane_clear(&lane);
    CHECK(mcpz_lane_is_empty(&lane));
    CHECK_UINT(lane.bytes, 0);
}

/* As while one that was sent to ourselves is looked at, and says more to ourselves. */
TEST(the_first_stays_where_it_is_while_more_come)
{
    struct mcpz_bytes first;

    CHECK_UINT(push(0x4142, 2, SIZE_MAX), MCPZ_OK);
    CHECK(mcpz_lane_first(&lane, &first));
    for (size_t i = 0; i < MANY; i++) {
        CHECK_UINT(push(i, 100, SIZE_MAX), MCPZ_OK);
    }
    CHECK_BYTES(first, "AB", 2);
    mcpz_lane_clear(&lane);
}

TEST_MAIN(RUN(what_came_first_is_first), RUN(takes_what_is_within_its_bound),
          RUN(the_first_stays_where_it_is_while_more_come))
