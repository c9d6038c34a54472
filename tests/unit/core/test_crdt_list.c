/* Lists: where elements stand, and what there is room for. */

#include "core/crdt/list.h"
#include "test.h"

#define INSERTS 400

static struct mcpz_bytes bytes_of(const struct mcpz_list_key *key)
{
    return mcpz_bytes(key->bytes, key->length);
}

/* Is `key` one that entries may have? */
static bool is_valid(const struct mcpz_list_key *key)
{
    struct mcpz_parts parts = mcpz_list_write_item(bytes_of(key), 1, mcpz_text("\x01"));
    struct mcpz_list_item item;

    return !parts.is_full && mcpz_list_read_item(mcpz_parts_bytes(&parts), &item) &&
           mcpz_bytes_equal(item.key, bytes_of(key)) && item.id == 1;
}

TEST(a_key_lies_between_its_neighbours)
{
    struct mcpz_list_key keys[INSERTS];
    struct mcpz_rng rng;
    size_t count = 0;

    mcpz_rng_init(&rng, 7);
    while (count < INSERTS) {
        size_t at = mcpz_rng_below(&rng, (uint32_t)count + 1);
        struct mcpz_bytes before = at > 0 ? bytes_of(&keys[at - 1]) : mcpz_bytes(NULL, 0);
        struct mcpz_bytes after = at < count ? bytes_of(&keys[at]) : mcpz_bytes(NULL, 0);
        struct mcpz_list_key key;

        CHECK(mcpz_list_key_between(before, after, &rng, &key));
        CHECK(is_valid(&key));
        CHECK(mcpz_bytes_compare(before, bytes_of(&key)) < 0);
        CHECK(at == count || mcpz_bytes_compare(bytes_of(&key), after) < 0);
        memmove(&keys[at + 1], &keys[at], (count - at) * sizeof(keys[0]));
        keys[at] = key;
        count++;
    }
}

TEST(keys_at_either_end_stay_short)
{
    struct mcpz_list_key first;
    struct mcpz_list_key last;
    struct mcpz_rng rng;

    mcpz_rng_init(&rng, 7);
    CHECK(mcpz_list_key_between(mcpz_bytes(NULL, 0), mcpz_bytes(NULL, 0), &rng, &first));
    last = first;
    for (size_t i = 0; i < 10000; i++) {
        struct mcpz_list_key key;
        CHECK(mcpz_list_key_between(bytes_of(&last), mcpz_bytes(NULL, 0), &rng, &key));
        last = key;
        CHECK(mcpz_list_key_between(mcpz_bytes(NULL, 0), bytes_of(&first), &rng, &key));
        first = key;
        CHECK_UINT(first.length, MCPZ_LIST_DIGIT_BYTES);
        CHECK_UINT(last.length, MCPZ_LIST_DIGIT_BYTES);
    }
}

TEST(neighbours_that_are_too_close_have_no_room)
{
    struct mcpz_list_key before = mcpz_list_key_spread(0);
    struct mcpz_list_key after = mcpz_list_key_spread(1);
    struct mcpz_list_key key;
    struct mcpz_rng rng;
    size_t inserts = 0;

    mcpz_rng_init(&rng, 7);
    while (mcpz_list_key_between(bytes_of(&before), bytes_of(&after), &rng, &key)) {
        CHECK(key.length <= MCPZ_LIST_KEY_BYTES_MAX);
        after = key; /* always at the same place */
        CHECK(++inserts < 100000);
    }
    CHECK(inserts > 100);
}

TEST(adjacent_digits_leave_room_below)
{
    static const uint8_t low[] = {0, 0, 0, 7};
    static const uint8_t high[] = {0, 0, 0, 8};
    struct mcpz_list_key key;
    struct mcpz_rng rng;

    mcpz_rng_init(&rng, 7);
    CHECK(mcpz_list_key_between(mcpz_bytes(low, 4), mcpz_bytes(high, 4), &rng, &key));
    CHECK_UINT(key.length, 8);
    CHECK(memcmp(key.bytes, low, 4) == 0);
    CHECK(is_valid(&key));
}

TEST(all_of_a_spread_list_have_their_order)
{
    for (size_t i = 0; i + 1 < MCPZ_LIST_ITEMS_MAX; i++) {
        struct mcpz_list_key key = mcpz_list_key_spread(i);
        struct mcpz_list_key next = mcpz_list_key_spread(i + 1);
        CHECK(is_valid(&key));
        CHECK(mcpz_bytes_compare(bytes_of(&key), bytes_of(&next)) < 0);
    }
}

TEST(ids_differ_with_their_dots)
{
    struct mcpz_id document = {{1}};
    struct mcpz_dot dot = {.actor = {{{2}}, 1}, .seq = 1};
    int64_t id = mcpz_list_id(&document, &dot);

    CHECK(id > 0);
    CHECK(mcpz_list_id(&document, &dot) == id);
    dot.index = 1;
    CHECK(mcpz_list_id(&document, &dot) != id);
    dot = (struct mcpz_dot){.actor = {{{2}}, 2}, .seq = 1};
    CHECK(mcpz_list_id(&document, &dot) != id);
}

TEST_MAIN(RUN(a_key_lies_between_its_neighbours), RUN(keys_at_either_end_stay_short),
          RUN(neighbours_that_are_too_close_have_no_room), RUN(adjacent_digits_leave_room_below),
          RUN(all_of_a_spread_list_have_their_order), RUN(ids_differ_with_their_dots))
