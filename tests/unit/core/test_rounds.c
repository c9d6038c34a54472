/* Co-owners that are no neighbours: each has its turn, and nobody else. */

#include "core/keeping/rounds.h"
#include "keeping_world.h"

#define TURN_US (MCPZ_ROUND_PERIODS * MCPZ_SECONDS(15) * 6 / 5 + 1)

static void set_up(void)
{
    keeping_set_up();
    for (size_t i = 1; i < KEEPERS; i++) {
        const struct mcpz_id document = document_with(i, (uint8_t)i);
        keep_document(&document, 1);
    }
    keeping.handover = (struct mcpz_handover){.walk_at_us = 0};
    tick(1);
}

/* Who was to be reached in the last step; KEEPERS: nobody. */
static size_t reached(void)
{
    size_t node = KEEPERS;

    for (size_t i = 0; i < out.count; i++) {
        for (size_t n = 0; out.actions[i].kind == MCPZ_ACTION_REACH && n < KEEPERS; n++) {
            if (mcpz_id_equal(&out.actions[i].reach.peer, keeper(n))) {
                CHECK_UINT(node, KEEPERS);
                CHECK(out.actions[i].reach.or_relay);
                node = n;
            }
        }
    }
    return node;
}

static size_t next_turn(void)
{
    tick(TURN_US);
    return reached();
}

TEST(nobody_has_a_second_turn_before_all_have_had_one)
{
    bool differs = false;
    size_t first = 0;

    set_up();
    for (size_t round = 0; round < 20; round++) {
        bool had[KEEPERS] = {false};
        for (size_t i = 1; i < KEEPERS; i++) {
            const size_t node = next_turn();
            CHECK(node > 0 && node < KEEPERS && !had[node]);
            had[node] = true;
            first = i == 1 && round == 0 ? node : first;
            differs = differs || (i == 1 && node != first);
        }
    }
    CHECK(differs); /* the order is another each round */
    CHECK_UINT(keeping.rounds.turns, 20 * (KEEPERS - 1));
    keeping_tear_down();
}

TEST(a_turn_comes_at_its_time)
{
    set_up();
    CHECK_UINT(reached(), KEEPERS);
    CHECK(keeping.rounds.turn_at_us >= now + MCPZ_SECONDS(24));
    CHECK(keeping.rounds.turn_at_us <= now + MCPZ_SECONDS(36) + 1);
    CHECK(mcpz_keeping_deadline(&keeping) <= keeping.rounds.turn_at_us);
    now = keeping.rounds.turn_at_us - 1;
    tick(0);
    CHECK_UINT(reached(), KEEPERS);
    tick(1);
    CHECK(reached() < KEEPERS);
    tick(0);
    CHECK_UINT(reached(), KEEPERS);
    keeping_tear_down();
}

TEST(who_is_linked_is_compared_with)
{
    set_up();
    for (size_t i = 1; i < KEEPERS; i++) {
        link_with(i);
    }
    CHECK_UINT(next_turn(), KEEPERS);
    CHECK(!mcpz_id_is_zero(&keeping.rounds.linked));
    tick(1);
    CHECK(mcpz_id_is_zero(&keeping.rounds.linked)); /* once */
    keeping_tear_down();
}

TEST(who_is_a_neighbour_or_gone_has_no_turn)
{
    set_up();
    fabric.overlay.names[0] = mcpz_short_of(keeper(1));
    fabric.overlay.active[0] = (struct mcpz_overlay_neighbour){.id = *keeper(1)};
    fabric.overlay.active_count = 1;
    member_of(2)->state = MCPZ_MEMBER_DEAD;
    for (size_t i = 0; i < 5; i++) {
        CHECK_UINT(next_turn(), 3);
    }
    member_of(3)->state = MCPZ_MEMBER_DEAD;
    CHECK_UINT(next_turn(), KEEPERS);
    CHECK_UINT(keeping.rounds.turns, 5);
    keeping_tear_down();
}

TEST(without_a_layout_nobody_has_a_turn)
{
    set_up();
    layouts.in_force = false;
    CHECK_UINT(next_turn(), KEEPERS);
    CHECK(mcpz_rounds_deadline(&keeping.rounds) == MCPZ_TIME_NEVER);
    layouts.in_force = true;
    tick(1);
    CHECK_UINT(reached(), KEEPERS); /* not all at once, when it comes into force */
    CHECK(next_turn() < KEEPERS);
    keeping_tear_down();
}

TEST(with_whom_nothing_is_shared_has_no_turn)
{
    keeping_set_up();
    world.placement.copies = 2;
    apply_layout(2);
    sync_all_of(2);
    CHECK_UINT(layouts.history.live_count, 1);
    const struct mcpz_id shared = document_with(2, 9);
    const struct mcpz_id other = document_of_others(4); /* here, but to be handed over */
    keep_document(&shared, 1);
    keep_document(&other, 1);
    tick(1);
    for (size_t i = 0; i < 5; i++) {
        keeping.handover = (struct mcpz_handover){.walk_at_us = MCPZ_TIME_NEVER};
        CHECK_UINT(next_turn(), 2);
    }
    keeping_tear_down();
}

/* More documents than are looked at for one turn: all are, in the end. */
TEST(each_turn_looks_at_others)
{
    keeping_set_up();
    world.placement.copies = 2;
    apply_layout(2);
    sync_all_of(2);
    const struct mcpz_id rare = document_with(3, 255);
    size_t turns = 0;

    keep_document(&rare, 1);
    for (unsigned n = 0; n < 3 * MCPZ_ROUND_SCAN_MAX;) {
        const struct mcpz_id id = document_with(1, (uint8_t)(n % 200));
        struct mcpz_id next = id;
        next.bytes[30] = (uint8_t)(n / 200); /* of the same partition */
        keep_document(&next, 1);
        n++;
    }
    keeping.handover = (struct mcpz_handover){.walk_at_us = MCPZ_TIME_NEVER};
    tick(1);
    while (next_turn() != 3) {
        CHECK(++turns < 8);
    }
    keeping_tear_down();
}

TEST_MAIN(RUN(nobody_has_a_second_turn_before_all_have_had_one), RUN(a_turn_comes_at_its_time),
          RUN(who_is_linked_is_compared_with), RUN(who_is_a_neighbour_or_gone_has_no_turn),
          RUN(without_a_layout_nobody_has_a_turn), RUN(with_whom_nothing_is_shared_has_no_turn),
          RUN(each_turn_looks_at_others))
