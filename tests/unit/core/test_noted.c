#include "core.h"
#include "core/noted.h"

#define ROWS 2

static struct mcpz_noted rows[ROWS];

static struct mcpz_id id_of(uint8_t number)
{
    return (struct mcpz_id){.bytes = {number, 1}};
}

static bool holds(mcpz_time now, uint8_t number)
{
    const struct mcpz_id id = id_of(number);
    return mcpz_noted_holds(rows, ROWS, now, &id);
}

static void add(uint8_t number, mcpz_time until_us)
{
    const struct mcpz_id id = id_of(number);
    mcpz_noted_add(rows, ROWS, &id, until_us);
}

TEST(holds_until_its_time_is_over)
{
    memset(rows, 0, sizeof(rows));
    CHECK(!holds(0, 1));
    add(1, 10);
    CHECK(holds(0, 1));
    CHECK(holds(9, 1));
    CHECK(!holds(10, 1));
    CHECK(!holds(0, 2));
}

TEST(the_same_node_has_one_row)
{
    memset(rows, 0, sizeof(rows));
    add(1, 10);
    add(2, 20);
    add(1, 30);
    CHECK(holds(19, 2)); /* it was not pushed out */
    CHECK(holds(29, 1));
    add(1, 5); /* also back */
    CHECK(!holds(5, 1));
}

TEST(of_too_many_the_one_whose_time_is_over_first_is_forgotten)
{
    memset(rows, 0, sizeof(rows));
    add(1, 30);
    add(2, 20);
    add(3, 40);
    CHECK(holds(0, 1));
    CHECK(!holds(0, 2));
    CHECK(holds(0, 3));
}

TEST_MAIN(RUN(holds_until_its_time_is_over), RUN(the_same_node_has_one_row),
          RUN(of_too_many_the_one_whose_time_is_over_first_is_forgotten))
