#include "base/rng.h"
#include "core.h"
#include "core/calls/table.h"

#define MAX 16
#define SEED 77

static _Alignas(16) uint8_t memory[8192];
static struct mcpz_call_table table;

static void set_up(size_t max)
{
    struct mcpz_arena arena;

    CHECK(mcpz_call_table_bytes(max) <= sizeof(memory));
    mcpz_arena_init(&arena, memory, mcpz_call_table_bytes(max));
    mcpz_call_table_init(&table, max, SEED, &arena);
}

TEST(gives_out_each_slot_once_and_then_none)
{
    set_up(2);
    CHECK_UINT(mcpz_call_table_take(&table, 10), 0);
    CHECK_UINT(mcpz_call_table_take(&table, 5), 1);
    CHECK(mcpz_call_table_take(&table, 1) == MCPZ_CALL_NONE);
    CHECK_UINT(mcpz_call_table_deadline(&table), 5);
    mcpz_call_table_give_back(&table, 1);
    CHECK_UINT(mcpz_call_table_deadline(&table), 10);
    CHECK_UINT(mcpz_call_table_take(&table, 7), 1);
    CHECK_UINT(table.count, 2);
}

TEST(knows_who_is_with_a_peer)
{
    set_up(MAX);
    for (uint32_t i = 0; i < 4; i++) {
        (void)mcpz_call_table_take(&table, 1);
        CHECK(mcpz_call_table_join(&table, i, i == 2 ? &bob : &alice));
    }
    const struct mcpz_call_peer *peer = mcpz_call_table_peer(&table, &alice);
    CHECK_UINT(peer->calls.count, 3);
    CHECK_UINT(peer->calls.first, 0);
    CHECK_UINT(mcpz_call_table_next(&table, 0), 1);
    CHECK_UINT(mcpz_call_table_next(&table, 1), 3);
    CHECK(mcpz_call_table_next(&table, 3) == MCPZ_CALL_NONE);

    mcpz_call_table_part(&table, 2);
    CHECK(mcpz_call_table_peer(&table, &bob) == NULL);
    CHECK(mcpz_call_table_join(&table, 2, &alice));
    CHECK_UINT(mcpz_call_table_peer(&table, &alice)->calls.count, 4);
    mcpz_call_table_give_back(&table, 0);
    CHECK_UINT(mcpz_call_table_peer(&table, &alice)->calls.first, 1);
}

TEST(the_doomed_come_in_order_and_each_once)
{
    enum mcpz_call_fate fate;
    uint32_t slot;

    set_up(MAX);
    for (uint32_t i = 0; i < 3; i++) {
        (void)mcpz_call_table_take(&table, 100);
    }
    CHECK(!mcpz_call_table_next_doomed(&table, &slot, &fate));
    mcpz_call_table_doom(&table, 2, MCPZ_CALL_FATE_LOST, 50);
    mcpz_call_table_doom(&table, 0, MCPZ_CALL_FATE_REPLACED, 60);
    mcpz_call_table_doom(&table, 2, MCPZ_CALL_FATE_REACHED, 60); /* the first reason stays */
    mcpz_call_table_doom(&table, 1, MCPZ_CALL_FATE_LOST, 70);
    CHECK_UINT(mcpz_call_table_deadline(&table), 50);
    mcpz_call_table_give_back(&table, 1); /* ended otherwise */
    CHECK(mcpz_call_table_next_doomed(&table, &slot, &fate));
    CHECK(slot == 2 && fate == MCPZ_CALL_FATE_LOST);
    CHECK(mcpz_call_table_next_doomed(&table, &slot, &fate));
    CHECK(slot == 0 && fate == MCPZ_CALL_FATE_REPLACED);
    CHECK(!mcpz_call_table_next_doomed(&table, &slot, &fate));
    CHECK_UINT(mcpz_call_table_deadline(&table), 100);
}

TEST(two_peers_whose_ids_begin_alike_are_not_mixed_up)
{
    struct mcpz_id twin = alice;

    twin.bytes[MCPZ_ID_BYTES - 1] ^= 1;
    set_up(MAX);
    (void)mcpz_call_table_take(&table, 1);
    (void)mcpz_call_table_take(&table, 1);
    CHECK(mcpz_call_table_join(&table, 0, &alice));
    CHECK(!mcpz_call_table_join(&table, 1, &twin));
    CHECK(mcpz_call_table_peer(&table, &twin) == NULL);
    mcpz_call_table_give_back(&table, 0);
    CHECK(mcpz_call_table_join(&table, 1, &twin));
    CHECK(mcpz_call_table_peer(&table, &alice) == NULL);
}

/* Any order of everything, against arrays that are looked through. */
TEST(agrees_with_looking_at_all_slots)
{
    struct {
        bool taken;
        uint8_t peer; /* 0: nobody */
        enum mcpz_call_fate fate;
    } plain[MAX] = {0};
    struct mcpz_rng rng;
    size_t taken = 0;

    mcpz_rng_init(&rng, 9);
    set_up(MAX);
    for (size_t i = 0; i < 50000; i++) {
        uint32_t at = mcpz_rng_below(&rng, MAX);
        uint8_t who = (uint8_t)(1 + mcpz_rng_below(&rng, 3));
        const struct mcpz_id id = {.bytes = {who}};
        uint32_t lot = mcpz_rng_below(&rng, 5);
        if (lot == 0 && taken < MAX) {
            at = mcpz_call_table_take(&table, i);
            CHECK(!plain[at].taken);
            plain[at].taken = true;
            taken++;
        } else if (lot == 1 && plain[at].taken) {
            mcpz_call_table_give_back(&table, at);
            plain[at].taken = false;
            plain[at].peer = 0;
            plain[at].fate = MCPZ_CALL_FATE_NONE;
            taken--;
        } else if (lot == 2 && plain[at].taken && plain[at].peer == 0) {
            CHECK(mcpz_call_table_join(&table, at, &id));
            plain[at].peer = who;
        } else if (lot == 3 && plain[at].taken && plain[at].fate == MCPZ_CALL_FATE_NONE) {
            mcpz_call_table_doom(&table, at, MCPZ_CALL_FATE_LOST, i);
            plain[at].fate = MCPZ_CALL_FATE_LOST;
        } else if (lot == 4 && plain[at].taken) {
            mcpz_call_table_part(&table, at);
            plain[at].peer = 0;
            plain[at].fate = MCPZ_CALL_FATE_NONE;
        }
        size_t with = 0;
        size_t doomed = 0;
        for (size_t j = 0; j < MAX; j++) {
            with += plain[j].peer == who;
            doomed += plain[j].fate != MCPZ_CALL_FATE_NONE;
        }
        const struct mcpz_call_peer *peer = mcpz_call_table_peer(&table, &id);
        CHECK_UINT(peer != NULL ? peer->calls.count : 0, with);
        CHECK_UINT(table.doomed.count, doomed);
        CHECK_UINT(table.count, taken);
        CHECK_UINT(table.deadlines.count, taken);
    }
}

TEST_MAIN(RUN(gives_out_each_slot_once_and_then_none), RUN(knows_who_is_with_a_peer),
          RUN(the_doomed_come_in_order_and_each_once),
          RUN(two_peers_whose_ids_begin_alike_are_not_mixed_up),
          RUN(agrees_with_looking_at_all_slots))
