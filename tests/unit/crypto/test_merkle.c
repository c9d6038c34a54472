#include "crypto/merkle.h"
#include "hex.h"
#include "test.h"

static struct mcpz_merkle_digest leaves[MCPZ_MERKLE_LEAVES_MAX];

static void make_leaves(void)
{
    for (size_t i = 0; i < MCPZ_MERKLE_LEAVES_MAX; i++) {
        leaves[i] = (struct mcpz_merkle_digest){{(uint8_t)i, (uint8_t)(i >> 8)}};
    }
}

static struct mcpz_merkle_run whole(uint32_t count)
{
    make_leaves();
    return (struct mcpz_merkle_run){.tree_count = count, .count = count, .leaves = leaves};
}

static struct mcpz_merkle_digest root_of(uint32_t count)
{
    const struct mcpz_merkle_run run = whole(count);
    struct mcpz_merkle_digest root;

    CHECK_UINT(mcpz_merkle_root(&run, &root), MCPZ_OK);
    return root;
}

static bool is_equal(const struct mcpz_merkle_digest *a, const struct mcpz_merkle_digest *b)
{
    return memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

/* Known answers: hashlib.blake2b(left + right, digest_size=32, person=b"mcpz-merkle---v1"). */
TEST(agrees_with_another_implementation)
{
    static const struct {
        uint32_t count;
        const char *root;
    } known[] = {
        {1, "0000000000000000000000000000000000000000000000000000000000000000"},
        {2, "2514af71e3541c8139a8d3e793d6bca80a5c9ccf80d67ae598b5a5b8a593dbbd"},
        {5, "a42480ac906adbc1cffedd6b2934566b0bc618ec66059c7f4f64a3e3170fae25"},
        {1024, "5afa6380d4c580025ab79446d48a48426ae46c4b8ebfd679fc2751bb295d32b4"},
    };

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        const struct mcpz_merkle_digest root = root_of(known[i].count);
        CHECK_TEXT(to_hex(root.bytes, sizeof(root.bytes)), known[i].root);
    }
}

/* What the part of `run` is said to be, with room for what lies beside it. */
static struct mcpz_merkle_run part_of(const struct mcpz_merkle_run *run, uint32_t first,
                                      uint32_t count, struct mcpz_merkle_digest *beside)
{
    struct mcpz_merkle_run part = {
        .tree_count = run->tree_count,
        .first = first,
        .count = count,
        .leaves = run->leaves + (first - run->first),
        .beside = beside,
    };

    CHECK_UINT(mcpz_merkle_beside(run, first, count, beside, &part.beside_count), MCPZ_OK);
    CHECK(part.beside_count <= MCPZ_MERKLE_BESIDE_MAX);
    return part;
}

TEST(shows_each_run_of_each_small_tree)
{
    struct mcpz_merkle_digest beside[MCPZ_MERKLE_BESIDE_MAX];
    struct mcpz_merkle_digest found;

    for (uint32_t count = 1; count <= 33; count++) {
        const struct mcpz_merkle_digest root = root_of(count);
        const struct mcpz_merkle_run tree = whole(count);
        for (uint32_t first = 0; first < count; first++) {
            for (uint32_t length = 1; length <= count - first; length++) {
                const struct mcpz_merkle_run part = part_of(&tree, first, length, beside);
                CHECK_UINT(mcpz_merkle_root(&part, &found), MCPZ_OK);
                CHECK(is_equal(&found, &root));
            }
        }
    }
}

TEST(shows_parts_of_a_part)
{
    struct mcpz_merkle_digest beside[MCPZ_MERKLE_BESIDE_MAX];
    struct mcpz_merkle_digest less[MCPZ_MERKLE_BESIDE_MAX];
    struct mcpz_merkle_digest found;
    const struct mcpz_merkle_run tree = whole(1001);
    const struct mcpz_merkle_digest root = root_of(1001);

    const struct mcpz_merkle_run part = part_of(&tree, 333, 333, beside);
    for (uint32_t first = 333; first < 666; first++) {
        const struct mcpz_merkle_run single = part_of(&part, first, 1, less);
        CHECK_UINT(mcpz_merkle_root(&single, &found), MCPZ_OK);
        CHECK(is_equal(&found, &root));
        CHECK(single.beside_count <= 10);
    }
}

TEST(the_middle_of_the_largest_tree_takes_two_digests_a_level)
{
    struct mcpz_merkle_digest beside[MCPZ_MERKLE_BESIDE_MAX];
    const struct mcpz_merkle_run tree = whole(MCPZ_MERKLE_LEAVES_MAX);

    CHECK_UINT(part_of(&tree, 1, MCPZ_MERKLE_LEAVES_MAX - 2, beside).beside_count, 2);
    CHECK_UINT(part_of(&tree, 511, 2, beside).beside_count, 18);
    CHECK_UINT(part_of(&tree, 0, MCPZ_MERKLE_LEAVES_MAX, beside).beside_count, 0);
}

TEST(refuses_what_is_no_run_of_the_tree)
{
    struct mcpz_merkle_digest beside[MCPZ_MERKLE_BESIDE_MAX];
    struct mcpz_merkle_digest root;
    size_t count;
    const struct mcpz_merkle_run tree = whole(16);
    const struct mcpz_merkle_run good = part_of(&tree, 3, 2, beside);
    struct mcpz_merkle_run bad = good;

    bad.beside_count--;
    CHECK_UINT(mcpz_merkle_root(&bad, &root), MCPZ_EPROTO);
    bad.beside_count += 2;
    CHECK_UINT(mcpz_merkle_root(&bad, &root), MCPZ_EPROTO);

    const struct {
        uint32_t tree_count;
        uint32_t first;
        uint32_t count;
    } shapes[] = {{0, 0, 1},   {16, 0, 0},   {16, 16, 1},
                  {16, 3, 14}, {1025, 0, 1}, {16, UINT32_MAX, 2}};
    for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
        bad = good;
        bad.tree_count = shapes[i].tree_count;
        bad.first = shapes[i].first;
        bad.count = shapes[i].count;
        CHECK_UINT(mcpz_merkle_root(&bad, &root), MCPZ_EPROTO);
    }
    CHECK_UINT(mcpz_merkle_beside(&good, 2, 1, beside, &count), MCPZ_EPROTO);
    CHECK_UINT(mcpz_merkle_beside(&good, 3, 3, beside, &count), MCPZ_EPROTO);
    CHECK_UINT(mcpz_merkle_beside(&good, 5, 1, beside, &count), MCPZ_EPROTO);
    CHECK_UINT(mcpz_merkle_beside(&good, 3, 0, beside, &count), MCPZ_EPROTO);
}

/* Two leaves' parent, said to be a leaf of a smaller tree: the root would be the same. */
TEST(a_node_is_no_leaf_where_the_count_is_known)
{
    const struct mcpz_merkle_digest root = root_of(4);
    struct mcpz_merkle_digest nodes[2];
    struct mcpz_merkle_digest found;
    struct mcpz_merkle_run half = whole(2);

    CHECK_UINT(mcpz_merkle_root(&half, &nodes[0]), MCPZ_OK);
    half.leaves = leaves + 2;
    CHECK_UINT(mcpz_merkle_root(&half, &nodes[1]), MCPZ_OK);
    const struct mcpz_merkle_run forged = {.tree_count = 2, .count = 2, .leaves = nodes};
    CHECK_UINT(mcpz_merkle_root(&forged, &found), MCPZ_OK);
    CHECK(is_equal(&found, &root)); /* which is why the count is signed, and leaves are ids */
    const struct mcpz_merkle_run honest = {.tree_count = 4, .count = 2, .leaves = nodes};
    CHECK_UINT(mcpz_merkle_root(&honest, &found), MCPZ_EPROTO);
}

TEST_MAIN(RUN(agrees_with_another_implementation), RUN(shows_each_run_of_each_small_tree),
          RUN(shows_parts_of_a_part),
          RUN(the_middle_of_the_largest_tree_takes_two_digests_a_level),
          RUN(refuses_what_is_no_run_of_the_tree), RUN(a_node_is_no_leaf_where_the_count_is_known))
