#include "core.h"
#include "core/members.h"
#include "core/route.h"

#define NODES 24

static struct mcpz_roster roster;
static struct mcpz_route_map map;
static struct mcpz_short path[MCPZ_OVERLAY_WALK_MAX];
static _Alignas(16) uint8_t memory[32768];

static struct mcpz_id id_of(size_t number)
{
    return (struct mcpz_id){.bytes = {(uint8_t)(number + 1), 1}};
}

static struct mcpz_short name_of(size_t number)
{
    const struct mcpz_id id = id_of(number);
    return mcpz_short_of(&id);
}

/* Node 0 is ourselves; nobody has neighbours. */
static void set_up(size_t count)
{
    const struct mcpz_roster_config config = {.rows_max = NODES, .text_bytes = 16};
    struct mcpz_arena arena;

    mcpz_arena_init(&arena, memory, sizeof(memory));
    mcpz_roster_init(&roster, &config, &arena);
    for (size_t i = 0; i < count; i++) {
        const struct mcpz_id id = id_of(i);
        mcpz_roster_add(&roster, &id)->state = MCPZ_MEMBER_ALIVE;
    }
}

static void tell(size_t from, size_t to)
{
    struct mcpz_member *row = &roster.rows[from];

    mcpz_roster_adjacency(&roster, row)[row->adjacency_count++] = name_of(to);
}

static void join(size_t a, size_t b)
{
    tell(a, b);
    tell(b, a);
}

static bool draw(size_t target, uint32_t turn, const struct mcpz_route_step *avoid, size_t count)
{
    const struct mcpz_route_walk walk = {
        .now = MCPZ_SECONDS(1), .turn = turn, .avoid = avoid, .avoid_count = count};

    mcpz_route_draw(&map, &roster, &walk);
    return mcpz_route_leads_to(&map, (uint16_t)target);
}

TEST(finds_a_shortest_way)
{
    set_up(5);
    join(0, 1);
    join(1, 2);
    join(2, 3);
    join(3, 4);
    join(1, 4);
    CHECK(draw(4, 0, NULL, 0));
    CHECK_UINT(mcpz_route_trace(&map, &roster, 4, path), 3);
    CHECK(path[0].value == name_of(0).value && path[1].value == name_of(1).value &&
          path[2].value == name_of(4).value);
    CHECK(mcpz_route_is_next(&map, 1) && !mcpz_route_is_next(&map, 2));
    CHECK(!mcpz_route_leads_to(&map, 0) && !mcpz_route_is_next(&map, 0));
}

TEST(another_turn_finds_another_way)
{
    bool seen[3] = {false};

    set_up(4);
    join(0, 1);
    join(0, 2);
    join(1, 3);
    join(2, 3);
    for (uint32_t turn = 0; turn < 2; turn++) {
        CHECK(draw(3, turn, NULL, 0));
        CHECK_UINT(mcpz_route_trace(&map, &roster, 3, path), 3);
        seen[path[1].value == name_of(1).value ? 1 : 2] = true;
    }
    CHECK(seen[1] && seen[2]);
}

TEST(steps_to_avoid_are_not_taken)
{
    const struct mcpz_route_step one = {.from = name_of(1), .to = name_of(3)};
    const struct mcpz_route_step both[] = {one, {.from = name_of(2), .to = name_of(3)}};

    set_up(4);
    join(0, 1);
    join(0, 2);
    join(1, 3);
    join(2, 3);
    for (uint32_t turn = 0; turn < 4; turn++) {
        CHECK(draw(3, turn, &one, 1));
        (void)mcpz_route_trace(&map, &roster, 3, path);
        CHECK(path[1].value == name_of(2).value);
        CHECK(!draw(3, turn, both, 2));
    }
}

TEST(no_way_leads_over_who_is_not_alive)
{
    set_up(3);
    join(0, 1);
    join(1, 2);
    roster.rows[1].state = MCPZ_MEMBER_SUSPECT;
    CHECK(!draw(2, 0, NULL, 0));
    roster.rows[1].state = MCPZ_MEMBER_ALIVE;
    roster.rows[2].state = MCPZ_MEMBER_DEAD;
    CHECK(!draw(2, 0, NULL, 0));
}

TEST(names_nobody_has_lead_nowhere)
{
    set_up(2);
    tell(0, 20);
    CHECK(!draw(1, 0, NULL, 0));
}

TEST(a_way_has_so_many_hops_and_no_more)
{
    set_up(MCPZ_OVERLAY_WALK_MAX + 1);
    for (size_t i = 0; i < MCPZ_OVERLAY_WALK_MAX; i++) {
        join(i, i + 1);
    }
    CHECK(draw(MCPZ_OVERLAY_WALK_MAX, 0, NULL, 0));
    CHECK_UINT(mcpz_route_trace(&map, &roster, MCPZ_OVERLAY_WALK_MAX, path), 0);
    CHECK_UINT(mcpz_route_trace(&map, &roster, MCPZ_OVERLAY_WALK_MAX - 1, path),
               MCPZ_OVERLAY_WALK_MAX);
}

TEST_MAIN(RUN(finds_a_shortest_way), RUN(another_turn_finds_another_way),
          RUN(steps_to_avoid_are_not_taken), RUN(no_way_leads_over_who_is_not_alive),
          RUN(names_nobody_has_lead_nowhere), RUN(a_way_has_so_many_hops_and_no_more))
