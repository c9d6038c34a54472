/* Held against a table of all entries there are. */

#include "base/rng.h"
#include "engine/window.h"
#include "test.h"

#define ENTRIES (MCPZ_WINDOW_ROWS + 600) /* more than it holds */

static const struct mcpz_id document = {.bytes = {5}};
static char texts[ENTRIES][32]; /* behind the head */
static bool is_there[ENTRIES];
static struct mcpz_window window;
static struct mcpz_rng rng;

static struct mcpz_bytes key_of(size_t index)
{
    (void)snprintf(texts[index], sizeof(texts[index]), "a path %05zu", index);
    return mcpz_text(texts[index]);
}

/* Keys with a head, and of each its value. */
static struct mcpz_window_entry entry_of(size_t index)
{
    static uint8_t keys[ENTRIES][MCPZ_WINDOW_HEAD_BYTES + 32];
    const struct mcpz_bytes tail = key_of(index);

    memcpy(keys[index] + MCPZ_WINDOW_HEAD_BYTES, tail.data, tail.length);
    return (struct mcpz_window_entry){
        .key = mcpz_bytes(keys[index], MCPZ_WINDOW_HEAD_BYTES + tail.length), .value = tail};
}

static void gather(size_t count, size_t from)
{
    CHECK_UINT(
        mcpz_window_begin(&window, &document, from == 0 ? mcpz_bytes(NULL, 0) : key_of(from)),
        MCPZ_OK);
    for (size_t i = 0; i < count; i++) {
        const size_t index = i * 7919 % count; /* each once, in no order */
        if (is_there[index]) {
            const struct mcpz_window_entry entry = entry_of(index);
            mcpz_window_offer(&window, &entry);
        }
    }
    mcpz_window_end(&window);
}

/* The first that is there from `index` on, as the table has it; `end`: none. */
static size_t following(size_t index, size_t end)
{
    while (index < end && !is_there[index]) {
        index++;
    }
    return index;
}

static void check(size_t index, bool inclusive, size_t end)
{
    const struct mcpz_window_entry *entry = mcpz_window_seek(&window, key_of(index), inclusive);
    const size_t expected = following(inclusive ? index : index + 1, end);

    CHECK((entry == NULL) == (expected == end));
    CHECK(entry == NULL || mcpz_bytes_equal(entry->value, key_of(expected)));
}

static void fill(size_t count)
{
    mcpz_rng_init(&rng, 3);
    for (size_t i = 0; i < ENTRIES; i++) {
        is_there[i] = i < count;
    }
}

TEST(shows_a_document_in_order)
{
    fill(500);
    CHECK(!mcpz_window_shows(&window, &document, key_of(0)));
    gather(500, 0);
    CHECK(window.is_whole);
    CHECK(mcpz_window_shows(&window, &document, key_of(0)));
    CHECK(!mcpz_window_shows(&window, &(struct mcpz_id){{6}}, key_of(0)));
    for (size_t i = 0; i < 500; i++) {
        check(i, true, 500);
        check(i, false, 500);
    }
    mcpz_window_finish(&window);
}

TEST(what_is_put_and_removed_meanwhile_is_seen)
{
    fill(300);
    gather(300, 0);
    for (size_t i = 0; i < 3000; i++) {
        const size_t index = mcpz_rng_below(&rng, 600);
        const struct mcpz_window_entry entry = entry_of(index);
        is_there[index] = mcpz_rng_below(&rng, 2) == 0;
        if (is_there[index]) {
            mcpz_window_put(&window, &entry);
        } else {
            mcpz_window_remove(&window, entry.key);
        }
        check(mcpz_rng_below(&rng, 600), true, 600);
        check(mcpz_rng_below(&rng, 600), false, 600);
    }
    mcpz_window_finish(&window);
}

TEST(of_more_than_it_holds_it_keeps_the_first)
{
    fill(ENTRIES);
    gather(ENTRIES, 0);
    CHECK(!window.is_whole);
    CHECK_UINT(window.count, MCPZ_WINDOW_ROWS);
    for (size_t i = 0; i < MCPZ_WINDOW_ROWS; i += 5) {
        check(i, true, ENTRIES);
    }
    CHECK(mcpz_window_seek(&window, key_of(MCPZ_WINDOW_ROWS - 1), false) == NULL);

    gather(ENTRIES, MCPZ_WINDOW_ROWS - 1); /* and then the rest */
    CHECK(window.is_whole);
    CHECK(!mcpz_window_shows(&window, &document, key_of(0)));
    for (size_t i = MCPZ_WINDOW_ROWS; i < ENTRIES; i++) {
        check(i, true, ENTRIES);
    }
    mcpz_window_finish(&window);
}

TEST(one_too_many_and_it_is_gathered_again)
{
    fill(MCPZ_WINDOW_ROWS);
    is_there[10] = false;
    gather(MCPZ_WINDOW_ROWS, 0);
    struct mcpz_window_entry entry = entry_of(10);
    mcpz_window_put(&window, &entry);
    is_there[10] = true;
    check(10, true, MCPZ_WINDOW_ROWS);
    entry = entry_of(MCPZ_WINDOW_ROWS);
    mcpz_window_put(&window, &entry);
    CHECK(!mcpz_window_shows(&window, &document, key_of(0)));
    mcpz_window_finish(&window);
}

TEST_MAIN(RUN(shows_a_document_in_order), RUN(what_is_put_and_removed_meanwhile_is_seen),
          RUN(of_more_than_it_holds_it_keeps_the_first),
          RUN(one_too_many_and_it_is_gathered_again))
