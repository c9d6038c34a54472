/*
 * What it costs to find out what differs, in bytes of real messages: issue 6 and
 * reference/crdt.md, section 8. The same for every compiler: to the byte.
 * tools/bench/entropy_driver.c shows a million documents, and how long it takes.
 */

#include "core/placement/rendezvous.h"
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
        pair_write(pair, i % 2, 5 + i * 777, 9);
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

/* Three of five: both of ours, one of them, or none. */
static size_t owners(void *context, const struct mcpz_id *document, struct mcpz_id *ids)
{
    const uint32_t slot = mcpz_partition_of(document, 16);

    (void)context;
    for (uint32_t i = 0; i < 3; i++) {
        memset(ids[i].bytes, (int)('A' + (slot + i) % 5), MCPZ_ID_BYTES);
    }
    return 3;
}

static const struct mcpz_scope layout = {.stamp = 5, .bits = 16, .owners = owners};

/* Half of the documents differ, and none of those that both keep. */
TEST(who_shares_some_and_agrees_on_them_says_as_little)
{
    struct pair *pair = pair_make(60000, 0);
    size_t different = 0;

    for (uint64_t i = 0; i < 60000; i++) {
        const struct mcpz_id id = pair_document(i);
        const size_t first = mcpz_partition_of(&id, 16) % 5;
        if (first == 1 || first == 2) { /* B keeps it, and not A */
            pair_write(pair, 1, i, 9);
            different++;
        }
    }
    CHECK(different > 20000 && !pair_is_equal(pair));
    pair_follow(pair, 0, &layout);
    pair_follow(pair, 1, &layout);
    pair_link(pair);
    pair_run(pair, MCPZ_SECONDS(3600));
    size_t bytes = 0;
    for (size_t i = 0; i < MCPZ_MSG_KIND_END; i++) {
        bytes += pair->bytes[i];
    }
    CHECK_UINT(bytes, pair->bytes[MCPZ_MSG_ROOT]);
    CHECK(bytes / 3600 < 30);
    CHECK_UINT(pair->sides[0].entropy.roots_unequal, 0);
    CHECK(pair->sides[0].entropy.roots_equal > 300);

    /* And what they share is found out: it takes one page. */
    for (uint64_t i = 0; i < 60000; i++) {
        const struct mcpz_id id = pair_document(i);
        if (mcpz_partition_of(&id, 16) % 5 == 0) {
            pair_forget_counts(pair);
            pair_write(pair, 1, i, 9);
            pair_run(pair, MCPZ_SECONDS(30));
            const struct pair_side *other = &pair->sides[0];
            CHECK_UINT(other->rows[pair_find(other, &id)].version.seq, 9);
            CHECK_UINT(pair->messages[MCPZ_MSG_WANT], 1);
            CHECK(pair_naming(pair) < 200);
            break;
        }
    }
    pair_free(pair);
}

TEST_MAIN(RUN(ten_differences_are_found_within_a_kilobyte), RUN(a_thousand_are_found_within_sixty),
          RUN(what_changed_since_is_all_that_is_told), RUN(who_is_equal_says_hardly_anything),
          RUN(who_shares_some_and_agrees_on_them_says_as_little))
