#include "http/blob_targets.h"
#include "test.h"

#define MEMBERS 40

static struct mcpz_member rows[MEMBERS];
static struct mcpz_roster roster = {.rows = rows, .count = MEMBERS};

static int set_up(void **state)
{
    (void)state;
    for (size_t i = 0; i < MEMBERS; i++) {
        rows[i] = (struct mcpz_member){.id = {{(uint8_t)i, 7}}, .state = MCPZ_MEMBER_ALIVE};
    }
    roster.count = MEMBERS;
    return 0;
}

static size_t best_of(uint8_t root, struct mcpz_id *best)
{
    const struct mcpz_id id = {{root, 1}};
    return mcpz_blob_best_members(&roster, &id, 1000, 100, best, 3);
}

static bool has(const struct mcpz_id *ids, const struct mcpz_id *id)
{
    return mcpz_id_equal(&ids[0], id) || mcpz_id_equal(&ids[1], id) || mcpz_id_equal(&ids[2], id);
}

TEST(three_members_are_chosen_whatever_their_order)
{
    struct mcpz_id best[3];
    struct mcpz_id again[3];

    for (uint8_t root = 0; root < 50; root++) {
        CHECK_UINT(best_of(root, best), 3);
        CHECK(!mcpz_id_equal(&best[0], &best[1]) && !mcpz_id_equal(&best[1], &best[2]) &&
              !mcpz_id_equal(&best[0], &best[2]));
        for (size_t i = 0; i < MEMBERS / 2; i++) {
            const struct mcpz_member row = rows[i];
            rows[i] = rows[MEMBERS - 1 - i];
            rows[MEMBERS - 1 - i] = row;
        }
        CHECK_UINT(best_of(root, again), 3);
        CHECK(memcmp(best, again, sizeof(best)) == 0);
    }
    roster.count = 2;
    CHECK_UINT(best_of(1, best), 2);
}

TEST(who_leaves_moves_its_own_share_only)
{
    struct mcpz_id before[3];
    struct mcpz_id after[3];
    size_t moved = 0;

    for (int root = 0; root < 200; root++) {
        CHECK_UINT(best_of((uint8_t)root, before), 3);
        rows[11].state = MCPZ_MEMBER_LEFT;
        CHECK_UINT(best_of((uint8_t)root, after), 3);
        rows[11].state = MCPZ_MEMBER_ALIVE;
        CHECK(!has(after, &rows[11].id));
        for (size_t i = 0; i < 3; i++) {
            const bool is_it = mcpz_id_equal(&before[i], &rows[11].id);
            CHECK(is_it || has(after, &before[i]));
            moved += is_it ? 1 : 0;
        }
    }
    CHECK(moved > 3 && moved < 40); /* 15 of 200 */
}

TEST(the_dead_are_mourned_for_a_while)
{
    struct mcpz_id before[3];
    struct mcpz_id after[3];

    CHECK_UINT(best_of(1, before), 3);
    struct mcpz_member *member = NULL;
    for (size_t i = 0; i < MEMBERS; i++) {
        member = mcpz_id_equal(&rows[i].id, &before[1]) ? &rows[i] : member;
    }
    member->state = MCPZ_MEMBER_DEAD;
    member->since_us = 901;
    CHECK_UINT(best_of(1, after), 3);
    CHECK(memcmp(before, after, sizeof(before)) == 0);
    member->since_us = 900;
    CHECK_UINT(best_of(1, after), 3);
    CHECK(!has(after, &before[1]));
    member->state = MCPZ_MEMBER_SUSPECT;
    CHECK_UINT(best_of(1, after), 3);
    CHECK(memcmp(before, after, sizeof(before)) == 0);
}

#define RUN_IN(name) cmocka_unit_test_setup(name, set_up)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RUN_IN(three_members_are_chosen_whatever_their_order),
        RUN_IN(who_leaves_moves_its_own_share_only),
        RUN_IN(the_dead_are_mourned_for_a_while),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
