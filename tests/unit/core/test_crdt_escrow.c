/* Bounded counters: what a row may say. */

#include "core/crdt/escrow.h"
#include "test.h"

static struct mcpz_actor actor_of(uint8_t byte)
{
    return (struct mcpz_actor){.node = {{byte}}, .generation = 1};
}

/* A row with as many partners as there can be, each way. */
static struct mcpz_escrow_row full_row(int64_t amount)
{
    struct mcpz_escrow_row row = {.granted = amount, .used = amount};

    for (uint8_t i = 0; i < MCPZ_ESCROW_PARTNERS_MAX; i++) {
        struct mcpz_actor actor = actor_of((uint8_t)(20 - i));
        CHECK(mcpz_escrow_set_share(&row.given, &actor, amount));
        CHECK(mcpz_escrow_set_share(&row.taken, &actor, amount));
    }
    return row;
}

TEST(a_row_reads_back_as_it_was)
{
    struct mcpz_escrow_row row = full_row(INT64_MAX / 11);
    struct mcpz_parts parts = mcpz_escrow_write(&row);
    struct mcpz_escrow_row read;
    struct mcpz_actor actor = actor_of(20);

    CHECK(!parts.is_full);
    CHECK(mcpz_escrow_read(mcpz_parts_bytes(&parts), &read));
    CHECK(read.granted == row.granted && read.used == row.used);
    CHECK_UINT(read.given.count, MCPZ_ESCROW_PARTNERS_MAX);
    CHECK(mcpz_escrow_share_of(&read.taken, &actor) == INT64_MAX / 11);
    CHECK(mcpz_escrow_rights(&read) == 0);

    for (size_t length = 0; length < parts.length; length++) {
        CHECK(!mcpz_escrow_read(mcpz_bytes(parts.bytes, length), &read));
    }
}

TEST(there_is_no_room_for_one_partner_more)
{
    struct mcpz_escrow_row row = full_row(1);
    struct mcpz_actor actor = actor_of(99);

    CHECK(!mcpz_escrow_set_share(&row.given, &actor, 1));
    actor = actor_of(20);
    CHECK(mcpz_escrow_set_share(&row.given, &actor, 7));
    CHECK(mcpz_escrow_share_of(&row.given, &actor) == 7);
}

TEST(more_than_there_was_is_no_row)
{
    struct mcpz_escrow_row row = {.granted = 5, .used = 3};
    struct mcpz_actor actor = actor_of(7);
    struct mcpz_escrow_row read;
    struct mcpz_parts parts;

    CHECK(mcpz_escrow_set_share(&row.given, &actor, 2));
    parts = mcpz_escrow_write(&row);
    CHECK(mcpz_escrow_read(mcpz_parts_bytes(&parts), &read));
    CHECK(mcpz_escrow_set_share(&row.given, &actor, 3));
    parts = mcpz_escrow_write(&row);
    CHECK(!mcpz_escrow_read(mcpz_parts_bytes(&parts), &read));

    /* What was taken over counts. */
    CHECK(mcpz_escrow_set_share(&row.taken, &actor, 1));
    parts = mcpz_escrow_write(&row);
    CHECK(mcpz_escrow_read(mcpz_parts_bytes(&parts), &read));
    CHECK(mcpz_escrow_rights(&read) == 0);
}

TEST(sums_over_64_bits_are_no_row)
{
    struct mcpz_escrow_row row = {.granted = INT64_MAX};
    struct mcpz_actor actor = actor_of(7);
    struct mcpz_escrow_row read;

    CHECK(mcpz_escrow_set_share(&row.taken, &actor, 1));
    struct mcpz_parts parts = mcpz_escrow_write(&row);
    CHECK(!mcpz_escrow_read(mcpz_parts_bytes(&parts), &read));
}

TEST(partners_are_sorted_and_each_is_there_once)
{
    struct mcpz_escrow_row row = {.granted = 9};
    struct mcpz_escrow_row read;

    row.given.count = 2;
    row.given.shares[0] = (struct mcpz_escrow_share){actor_of(1), 1};
    row.given.shares[1] = (struct mcpz_escrow_share){actor_of(2), 1};
    struct mcpz_parts parts = mcpz_escrow_write(&row);
    CHECK(mcpz_escrow_read(mcpz_parts_bytes(&parts), &read));
    row.given.shares[0].actor = actor_of(2);
    parts = mcpz_escrow_write(&row);
    CHECK(!mcpz_escrow_read(mcpz_parts_bytes(&parts), &read));
    row.given.shares[0].actor = actor_of(3);
    parts = mcpz_escrow_write(&row);
    CHECK(!mcpz_escrow_read(mcpz_parts_bytes(&parts), &read));
    row.given.shares[0] = (struct mcpz_escrow_share){actor_of(1), 0};
    parts = mcpz_escrow_write(&row);
    CHECK(!mcpz_escrow_read(mcpz_parts_bytes(&parts), &read));
}

TEST_MAIN(RUN(a_row_reads_back_as_it_was), RUN(there_is_no_room_for_one_partner_more),
          RUN(more_than_there_was_is_no_row), RUN(sums_over_64_bits_are_no_row),
          RUN(partners_are_sorted_and_each_is_there_once))
