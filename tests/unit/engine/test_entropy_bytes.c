/*
 * What it costs to find out what differs, in bytes of real messages: issue 6 and
 * reference/crdt.md, section 8. The same for every compiler: to the byte.
 * tools/bench/entropy_driver.c shows a million documents, and how long it takes.
 */

#include "entropy_pair.h"
#include "test.h"

#define DOCUMENTS 100000
#define EXACT_TEN 834 /* bytes of a sketch; a change of it is a change of the protocol */
#define EXACT_THOUSAND 55039

/* Compare with `differences` documents that differ; none of the two has ever seen the other. */
static struct pair *compare(size_t differences)
{
    struct pair *pair = pair_make(DOCUMENTS, DOCUMENTS / differences);

    CHECK(!pair_is_equal(pair));
    pair_link(pair);
    pair_run(pair, MCPZ_SECONDS(5));
    CHECK(pair_is_equal(pair));
    CHECK_UINT(pair->messages[MCPZ_MSG_CHANGES_ASK], 0);
    return pair;
}

TEST(ten_differences_are_found_within_a_kilobyte)
{
    struct pair *pair = compare(10);

    /* Ten documents are twenty differences: each as it is here, and as it is there. */
    CHECK_UINT(pair->bytes[MCPZ_MSG_SKETCH] + pair->bytes[MCPZ_MSG_SKETCH_ASK], EXACT_TEN);
    CHECK(pair->bytes[MCPZ_MSG_SKETCH] + pair->bytes[MCPZ_MSG_SKETCH_ASK] <= 1000);
    pair_free(pair);
}

TEST(a_thousand_are_found_within_sixty)
{
    struct pair *pair = compare(1000);

    CHECK_UINT(pair->bytes[MCPZ_MSG_SKETCH] + pair->bytes[MCPZ_MSG_SKETCH_ASK], EXACT_THOUSAND);
    CHECK(pair_comparing(pair) <= 60000);
    pair_free(pair);
}

/* The second time each knows what it has seen: only what is new is named. */
TEST(what_changed_since_is_all_that_is_told)
{
    struct pair *pair = compare(10);

    pair_run(pair, MCPZ_SECONDS(60));
    pair_forget_counts(pair);
    for (uint64_t i = 0; i < 10; i++) {
        const struct pair_row row = pair_row(5 + i * 777, 9);
        const struct mcpz_record record = {
            .kind = MCPZ_RECORD_DOCUMENT,
            .document = {.id = row.id, .versions = &row.version, .version_count = 1}};
        struct mcpz_entropy *entropy = &pair->sides[i % 2].entropy;
        entropy->holdings.store.put(&entropy->holdings, &record);
    }
    pair_run(pair, MCPZ_SECONDS(30));
    CHECK(pair_is_equal(pair));
    CHECK_UINT(pair->messages[MCPZ_MSG_SKETCH_ASK], 0);
    CHECK(pair_naming(pair) + pair->bytes[MCPZ_MSG_CHANGES_ASK] < 2000);
    pair_free(pair);
}

TEST(who_is_equal_says_hardly_anything)
{
    struct pair *pair = pair_make(DOCUMENTS, 0);

    pair_link(pair);
    pair_run(pair, MCPZ_SECONDS(3600));
    size_t bytes = 0;
    for (size_t i = 0; i < MCPZ_MSG_KIND_END; i++) {
        bytes += pair->bytes[i];
    }
    CHECK_UINT(bytes, pair->bytes[MCPZ_MSG_ROOT]);
    CHECK(bytes / 3600 < 30); /* of both nodes, a second; 2,000 of each are allowed */
    pair_free(pair);
}

TEST_MAIN(RUN(ten_differences_are_found_within_a_kilobyte), RUN(a_thousand_are_found_within_sixty),
          RUN(what_changed_since_is_all_that_is_told), RUN(who_is_equal_says_hardly_anything))
