/* Held against a table of all keys there are, where nothing can go wrong. */

#include "base/rng.h"
#include "store/sorted.h"
#include "test.h"

#define KEYS 3000

static struct mcpz_sorted sorted;
static struct mcpz_write *writes[KEYS]; /* by their keys' order; NULL: not linked */
static struct mcpz_rng rng;

/* Half of them differ in their first bytes, half only behind those; some begin as others do. */
static struct mcpz_bytes key_of(size_t index)
{
    static char text[64];

    if (index < KEYS / 2) {
        (void)snprintf(text, sizeof(text), index % 2 == 0 ? "%04zu" : "%04zu.", index / 2);
    } else {
        (void)snprintf(text, sizeof(text), "the same for all of them %05zu", index);
    }
    return mcpz_text(text);
}

static struct mcpz_write *make(size_t index)
{
    struct mcpz_write *write = mcpz_write_create(key_of(index), mcpz_text("x"));

    CHECK(write != NULL && mcpz_sorted_make_room(&sorted));
    return write;
}

static void link_one(size_t index)
{
    struct mcpz_write *write = make(index);
    struct mcpz_write *old = mcpz_sorted_link(&sorted, write);

    CHECK(old == writes[index]);
    mcpz_write_destroy(old);
    writes[index] = write;
}

static void unlink_one(size_t index)
{
    struct mcpz_write *other = make(index);

    CHECK(!mcpz_sorted_unlink(&sorted, other)); /* that one is not in it */
    mcpz_write_destroy(other);
    CHECK(mcpz_sorted_find(&sorted, key_of(index)) == writes[index]);
    if (writes[index] != NULL) {
        CHECK(mcpz_sorted_unlink(&sorted, writes[index]));
        mcpz_write_destroy(writes[index]);
        writes[index] = NULL;
    }
}

/* All of them, from the first key that is not before `from`. */
static void check_from(size_t from, bool inclusive)
{
    struct mcpz_sorted_place place = mcpz_sorted_seek(&sorted, key_of(from), inclusive);

    for (size_t i = inclusive ? from : from + 1; i < KEYS; i++) {
        if (writes[i] != NULL) {
            CHECK(mcpz_sorted_at(&sorted, &place) == writes[i]);
            mcpz_sorted_next(&sorted, &place);
        }
    }
    CHECK(mcpz_sorted_at(&sorted, &place) == NULL);
}

static void check_all(void)
{
    struct mcpz_sorted_place place = mcpz_sorted_seek(&sorted, mcpz_bytes(NULL, 0), true);
    size_t first = 0;

    while (first < KEYS && writes[first] == NULL) {
        first++;
    }
    CHECK(mcpz_sorted_at(&sorted, &place) == (first < KEYS ? writes[first] : NULL));
    for (size_t i = 0; i < KEYS; i += 7) {
        CHECK(mcpz_sorted_find(&sorted, key_of(i)) == writes[i]);
    }
    check_from(mcpz_rng_below(&rng, KEYS), true);
    check_from(mcpz_rng_below(&rng, KEYS), false);
    check_from(0, true);
}

static void finish(void)
{
    for (size_t i = 0; i < KEYS; i++) {
        mcpz_write_destroy(writes[i]);
        writes[i] = NULL;
    }
    mcpz_sorted_finish(&sorted);
}

TEST(holds_what_was_linked_in_the_order_of_keys)
{
    mcpz_rng_init(&rng, 7);
    check_all();
    for (size_t i = 0; i < 20000; i++) {
        /* It grows, and shrinks again until it is empty. */
        const uint32_t grows = i < 10000 ? 80 : 20;
        const size_t index = mcpz_rng_below(&rng, KEYS);
        if (mcpz_rng_below(&rng, 100) < grows) {
            link_one(index);
        } else {
            unlink_one(index);
        }
        if (i % 500 == 0) {
            check_all();
        }
    }
    for (size_t i = 0; i < KEYS; i++) {
        unlink_one(i);
    }
    check_all();
    CHECK_UINT(sorted.count, 0);
    finish();
}

TEST(keys_that_rise_or_fall_fill_it_as_well)
{
    mcpz_rng_init(&rng, 8);
    for (size_t i = 0; i < KEYS; i++) {
        link_one(i);
    }
    check_all();
    CHECK(sorted.count <= KEYS / MCPZ_SORTED_ROWS_MAX + 1); /* full leaves */
    for (size_t i = KEYS; i > 0; i--) {
        unlink_one(i - 1);
    }
    CHECK_UINT(sorted.count, 0);
    for (size_t i = KEYS; i > 0; i--) {
        link_one(i - 1);
    }
    check_all();
    mcpz_sorted_clear(&sorted);
    CHECK(mcpz_sorted_find(&sorted, key_of(5)) == NULL);
    finish();
}

TEST(leaves_that_run_dry_are_put_together)
{
    mcpz_rng_init(&rng, 9);
    for (size_t i = 0; i < KEYS; i++) {
        link_one(i);
    }
    for (size_t i = 0; i < KEYS; i++) {
        if (i % 50 != 0) {
            unlink_one(i);
        }
    }
    check_all();
    CHECK(sorted.count <= KEYS / 50 / (MCPZ_SORTED_ROWS_MAX / 4) + 1);
    finish();
}

/* Where it looks first is where the last was found, and that has moved on or is gone. */
TEST(a_guess_that_was_overtaken_leads_nowhere_else)
{
    for (size_t i = KEYS / 2; i < KEYS; i++) {
        link_one(i);
    }
    for (size_t i = KEYS / 2; i + 100 < KEYS; i += 100) {
        CHECK(mcpz_sorted_find(&sorted, key_of(i + 50)) == writes[i + 50]);
        for (size_t j = i; j < i + 99; j++) { /* leaves before it, it, and most behind it */
            unlink_one(j);
        }
        CHECK(mcpz_sorted_find(&sorted, key_of(i + 50)) == NULL);
        CHECK(mcpz_sorted_find(&sorted, key_of(i + 99)) == writes[i + 99]);
        check_from(i + 50, true);
    }
    finish();
    CHECK(mcpz_sorted_find(&sorted, key_of(KEYS - 1)) == NULL); /* and there are no leaves */
}

/* As documents' rows are: many bytes that tell documents apart, then what tells rows apart. */
static struct mcpz_bytes row_of(size_t document, size_t row)
{
    static char text[64];

    (void)snprintf(text, sizeof(text), "%c is what this document is called: row %04zu",
                   (char)('a' + document), row);
    return mcpz_text(text);
}

TEST(leaves_come_to_hold_one_document_each)
{
    enum { DOCUMENTS = 20, ROWS = 100 };
    size_t of_one = 0;

    for (size_t row = 0; row < ROWS; row++) {
        for (size_t document = 0; document < DOCUMENTS; document++) {
            struct mcpz_write *write = mcpz_write_create(row_of(document, row), mcpz_text("x"));
            CHECK(write != NULL && mcpz_sorted_make_room(&sorted));
            CHECK(mcpz_sorted_link(&sorted, write) == NULL);
        }
    }
    for (size_t i = 0; i < sorted.count; i++) {
        of_one += sorted.branches[i].leaf->shared > strlen("a is what") ? 1 : 0;
    }
    CHECK(of_one >= sorted.count * 9 / 10);
    mcpz_sorted_destroy(&sorted);
    CHECK_UINT(sorted.count, 0);
}

TEST(keys_may_begin_alike_for_longer_than_a_leaf_says)
{
    enum { LONG = MCPZ_SORTED_SHARED_MAX + 40 };
    uint8_t key[LONG];

    memset(key, 'k', sizeof(key));
    for (size_t i = 0; i < 256; i++) {
        key[LONG - 1] = (uint8_t)(i * 37); /* each once, in no order */
        struct mcpz_write *write = mcpz_write_create(mcpz_bytes(key, sizeof(key)), mcpz_text("x"));
        CHECK(write != NULL && mcpz_sorted_make_room(&sorted));
        CHECK(mcpz_sorted_link(&sorted, write) == NULL);
    }
    struct mcpz_sorted_place place = {.branch = 0};
    for (size_t i = 0; i < 256; i++) {
        const struct mcpz_write *write = mcpz_sorted_at(&sorted, &place);
        CHECK(write != NULL && write->bytes[LONG - 1] == i);
        CHECK(mcpz_sorted_find(&sorted, mcpz_write_key(write)) == write);
        CHECK(sorted.branches[place.branch].leaf->shared == MCPZ_SORTED_SHARED_MAX);
        mcpz_sorted_next(&sorted, &place);
    }
    CHECK(mcpz_sorted_at(&sorted, &place) == NULL);
    mcpz_sorted_destroy(&sorted);
}

TEST_MAIN(RUN(holds_what_was_linked_in_the_order_of_keys),
          RUN(keys_that_rise_or_fall_fill_it_as_well), RUN(leaves_that_run_dry_are_put_together),
          RUN(a_guess_that_was_overtaken_leads_nowhere_else),
          RUN(leaves_come_to_hold_one_document_each),
          RUN(keys_may_begin_alike_for_longer_than_a_leaf_says))
