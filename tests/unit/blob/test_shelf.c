#include "blob/shelf.h"
#include "scratch.h"

static struct scratch scratch;
static struct mcpz_shelf *shelf;
static struct mcpz_lmdb_trouble trouble;

static const struct mcpz_id a = {{1}};
static const struct mcpz_id b = {{2}};
static const struct mcpz_id c = {{2, 1}};
static const struct mcpz_id none = {{0}};

static void set_up(void)
{
    scratch_make(&scratch);
    CHECK_UINT(mcpz_shelf_open(scratch.path, &shelf, &trouble), MCPZ_OK);
}

static void tear_down(void)
{
    mcpz_shelf_close(shelf);
    scratch_remove(&scratch);
}

static void reopen(void)
{
    mcpz_shelf_close(shelf);
    CHECK_UINT(mcpz_shelf_open(scratch.path, &shelf, &trouble), MCPZ_OK);
}

TEST(chunks_are_kept)
{
    const struct mcpz_chunk_row row = {
        .place = {.pack = 3, .length = 77, .offset = UINT64_C(1) << 33},
        .plain_length = 9000,
        .sealed = {{8, 7}},
    };
    struct mcpz_chunk_row found;
    struct mcpz_id next;

    set_up();
    CHECK_UINT(mcpz_shelf_chunk(shelf, &a, &found), MCPZ_ENOTFOUND);
    mcpz_shelf_put_chunk(shelf, &a, &row);
    mcpz_shelf_put_chunk(shelf, &b, &row);
    CHECK_UINT(mcpz_shelf_flush(shelf), MCPZ_OK);
    reopen();
    CHECK_UINT(mcpz_shelf_chunk(shelf, &a, &found), MCPZ_OK);
    CHECK_UINT(found.place.pack, 3);
    CHECK_UINT(found.place.length, 77);
    CHECK_UINT(found.place.offset, UINT64_C(1) << 33);
    CHECK_UINT(found.plain_length, 9000);
    CHECK(mcpz_id_equal(&found.sealed, &row.sealed));
    CHECK_UINT(mcpz_shelf_next_chunk(shelf, &none, &next), MCPZ_OK);
    CHECK(mcpz_id_equal(&next, &a));
    CHECK_UINT(mcpz_shelf_next_chunk(shelf, &a, &next), MCPZ_OK);
    CHECK(mcpz_id_equal(&next, &b));
    CHECK_UINT(mcpz_shelf_next_chunk(shelf, &b, &next), MCPZ_ENOTFOUND);
    mcpz_shelf_remove_chunk(shelf, &a);
    CHECK_UINT(mcpz_shelf_chunk(shelf, &a, &found), MCPZ_ENOTFOUND);
    tear_down();
}

TEST(blobs_are_kept)
{
    const struct mcpz_blob_row row = {.size = UINT64_C(1) << 40,
                                      .chunks = 2,
                                      .stored = 3,
                                      .made_ms = 4,
                                      .tenant = "acme",
                                      .tenant_length = 4};
    struct mcpz_blob_row found;
    struct mcpz_id next;

    set_up();
    mcpz_shelf_put_blob(shelf, &b, &row);
    CHECK_UINT(mcpz_shelf_flush(shelf), MCPZ_OK);
    CHECK_UINT(mcpz_shelf_blob(shelf, &b, &found), MCPZ_OK);
    CHECK(found.size == row.size && found.chunks == 2 && found.stored == 3 && found.made_ms == 4);
    CHECK(mcpz_bytes_equal(mcpz_bytes(found.tenant, found.tenant_length), mcpz_text("acme")));
    CHECK_UINT(mcpz_shelf_next_blob(shelf, &none, &next), MCPZ_OK);
    CHECK(mcpz_id_equal(&next, &b));
    mcpz_shelf_remove_blob(shelf, &b);
    CHECK_UINT(mcpz_shelf_blob(shelf, &b, &found), MCPZ_ENOTFOUND);
    tear_down();
}

static bool is_needed(const struct mcpz_id *id)
{
    bool needed;
    CHECK_UINT(mcpz_shelf_is_needed(shelf, id, &needed), MCPZ_OK);
    return needed;
}

TEST(needed_is_what_is_held_or_listed)
{
    struct mcpz_id child;

    set_up();
    CHECK(!is_needed(&b));
    mcpz_shelf_link(shelf, &a, &b);
    mcpz_shelf_link(shelf, &a, &b); /* sets count nothing */
    CHECK(is_needed(&b) && !is_needed(&a) && !is_needed(&c));
    CHECK_UINT(mcpz_shelf_first_child(shelf, &a, &child), MCPZ_OK);
    CHECK(mcpz_id_equal(&child, &b));
    mcpz_shelf_unlink(shelf, &a, &b);
    CHECK(!is_needed(&b));
    CHECK_UINT(mcpz_shelf_first_child(shelf, &a, &child), MCPZ_ENOTFOUND);

    mcpz_shelf_hold(shelf, &b, mcpz_text("me"));
    mcpz_shelf_hold(shelf, &b, mcpz_bytes(NULL, 0)); /* nobody in particular */
    CHECK(is_needed(&b));
    CHECK_UINT(mcpz_shelf_holds(shelf, &b, mcpz_text("me")), MCPZ_OK);
    CHECK_UINT(mcpz_shelf_holds(shelf, &b, mcpz_text("m")), MCPZ_ENOTFOUND);
    mcpz_shelf_let_go(shelf, &b, mcpz_text("me"));
    CHECK(is_needed(&b));
    mcpz_shelf_let_go(shelf, &b, mcpz_bytes(NULL, 0));
    CHECK(!is_needed(&b));
    tear_down();
}

TEST(doubts_come_in_the_order_they_are_due)
{
    struct mcpz_id id;
    uint64_t due;

    set_up();
    CHECK_UINT(mcpz_shelf_first_doubt(shelf, &due, &id), MCPZ_ENOTFOUND);
    mcpz_shelf_doubt(shelf, 300, &a);
    mcpz_shelf_doubt(shelf, 20, &b);
    CHECK_UINT(mcpz_shelf_first_doubt(shelf, &due, &id), MCPZ_OK);
    CHECK_UINT(due, 20);
    CHECK(mcpz_id_equal(&id, &b));
    mcpz_shelf_settle(shelf, 20, &b);
    CHECK_UINT(mcpz_shelf_first_doubt(shelf, &due, &id), MCPZ_OK);
    CHECK_UINT(due, 300);
    tear_down();
}

TEST(nothing_of_one_table_is_in_another)
{
    struct mcpz_id found;
    struct mcpz_blob_row row;

    set_up();
    mcpz_shelf_hold(shelf, &a, mcpz_text("x"));
    mcpz_shelf_link(shelf, &a, &b);
    mcpz_shelf_doubt(shelf, 1, &a);
    CHECK_UINT(mcpz_shelf_next_chunk(shelf, &none, &found), MCPZ_ENOTFOUND);
    CHECK_UINT(mcpz_shelf_next_blob(shelf, &none, &found), MCPZ_ENOTFOUND);
    CHECK_UINT(mcpz_shelf_blob(shelf, &a, &row), MCPZ_ENOTFOUND);
    tear_down();
}

static void check_totals(uint64_t blobs, uint64_t bytes)
{
    struct mcpz_blob_totals totals = {.blobs = 99};

    CHECK_UINT(mcpz_shelf_totals(shelf, &totals), MCPZ_OK);
    CHECK_UINT(totals.blobs, blobs);
    CHECK_UINT(totals.bytes, bytes);
}

TEST(how_many_there_are_is_known)
{
    set_up();
    mcpz_shelf_put_blob(shelf, &a, &(struct mcpz_blob_row){.size = 5});
    check_totals(1, 5); /* counted */
    mcpz_shelf_put_blob(shelf, &b, &(struct mcpz_blob_row){.size = 70});
    check_totals(2, 75);
    mcpz_shelf_put_blob(shelf, &b, &(struct mcpz_blob_row){.size = 8});
    check_totals(2, 13);
    mcpz_shelf_remove_blob(shelf, &a);
    mcpz_shelf_remove_blob(shelf, &a);
    check_totals(1, 8);
    CHECK_UINT(mcpz_shelf_flush(shelf), MCPZ_OK);
    reopen();
    mcpz_shelf_put_blob(shelf, &c, &(struct mcpz_blob_row){.size = 1});
    check_totals(2, 9);
    tear_down();
}

TEST_MAIN(RUN(chunks_are_kept), RUN(how_many_there_are_is_known), RUN(blobs_are_kept),
          RUN(needed_is_what_is_held_or_listed), RUN(doubts_come_in_the_order_they_are_due),
          RUN(nothing_of_one_table_is_in_another))
