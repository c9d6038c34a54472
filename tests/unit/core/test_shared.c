#include "core/crdt/shared.h"
#include "test.h"

/* Who keeps a partition: three of five, by its number; and so many more by the next layout. */
static uint32_t turn;
static size_t asked;
static void *memory;
static struct mcpz_shared shared;
static struct mcpz_scope scope;

static struct mcpz_id node(uint32_t number)
{
    return (struct mcpz_id){{'n', (uint8_t)number}};
}

static size_t owners(void *context, const struct mcpz_id *document, struct mcpz_id *ids)
{
    const uint32_t slot = (uint32_t)document->bytes[0] << 8 | document->bytes[1];

    (void)context;
    asked++;
    if (mcpz_document_is_everywhere(document)) {
        return 0;
    }
    for (uint32_t i = 0; i < 3; i++) {
        ids[i] = node((slot + turn + i) % 5);
    }
    return 3;
}

static struct mcpz_id document(uint32_t slot, uint8_t number)
{
    return (struct mcpz_id){{(uint8_t)(slot >> 8), (uint8_t)slot, [7] = 1, [31] = number}};
}

static struct mcpz_id digest(uint32_t number)
{
    struct mcpz_id id;

    memset(id.bytes, 0xff, sizeof(id.bytes)); /* so that sums carry */
    id.bytes[3] = (uint8_t)number;
    id.bytes[31] = (uint8_t)(number >> 8);
    return id;
}

/* We are node 0. */
static void set_up(void)
{
    struct mcpz_arena arena;

    free(memory);
    memory = calloc(1, mcpz_shared_bytes());
    CHECK(memory != NULL);
    mcpz_arena_init_zeroed(&arena, memory, mcpz_shared_bytes());
    mcpz_shared_init(&shared, &arena);
    CHECK_UINT(arena.used, arena.size);
    turn = 0;
    scope = (struct mcpz_scope){.self = node(0), .stamp = 7, .bits = 16, .owners = owners};
    mcpz_shared_follow(&shared, &scope);
}

static void add(uint32_t slot, uint8_t number, uint32_t state)
{
    const struct mcpz_id id = document(slot, number);
    const struct mcpz_id what = digest(state);

    mcpz_shared_add(&shared, &id, &what);
}

static void discard(uint32_t slot, uint8_t number, uint32_t state)
{
    const struct mcpz_id id = document(slot, number);
    const struct mcpz_id what = digest(state);

    mcpz_shared_remove(&shared, &id, &what);
}

static void link_to(uint32_t number)
{
    const struct mcpz_id id = node(number);

    mcpz_shared_link(&shared, &id);
}

static void sum_up_all(void)
{
    for (size_t i = 0; mcpz_shared_is_behind(&shared); i++) {
        CHECK(i <= MCPZ_SHARED_SLOTS / MCPZ_SHARED_SLICE * 2);
        mcpz_shared_run(&shared);
    }
}

/* The root with a peer is known, and comes to the same as if it were summed up from the start. */
static const struct mcpz_partition_root *root(uint32_t number)
{
    const struct mcpz_id id = node(number);
    const struct mcpz_partition_root *found = mcpz_shared_root(&shared, &id);

    CHECK(found != NULL);
    const struct mcpz_partition_root before = *found;
    mcpz_shared_unlink(&shared, &id);
    CHECK(mcpz_shared_root(&shared, &id) == NULL);
    mcpz_shared_link(&shared, &id);
    sum_up_all();
    found = mcpz_shared_root(&shared, &id);
    CHECK(found != NULL && mcpz_partition_root_equal(found, &before));
    return found;
}

TEST(a_root_is_of_what_both_keep)
{
    set_up();
    link_to(1);
    link_to(2);
    add(0, 1, 1); /* 0 1 2 */
    add(3, 1, 2); /* 3 4 0 */
    add(4, 1, 3); /* 4 0 1 */
    add(1, 1, 4); /* 1 2 3: not ours, though it is here */
    sum_up_all();
    CHECK_UINT(root(1)->count, 2);
    CHECK_UINT(root(2)->count, 1);

    struct mcpz_partition_root expected = {.count = 0};
    const struct mcpz_id what = digest(1);
    mcpz_partition_root_add(&expected, &what);
    CHECK(mcpz_partition_root_equal(root(2), &expected));
}

TEST(it_follows_each_write)
{
    set_up();
    link_to(1);
    sum_up_all();
    add(0, 1, 1);
    add(0, 2, 2);
    add(65535, 1, 3); /* 65535 is 0 of five: ours and 1's */
    CHECK_UINT(root(1)->count, 3);
    discard(0, 1, 1);
    add(0, 1, 4);
    CHECK_UINT(root(1)->count, 3);
    add(1, 1, 9); /* not ours */
    add(3, 1, 9); /* not theirs */
    CHECK_UINT(root(1)->count, 3);
    discard(0, 1, 4);
    discard(0, 2, 2);
    discard(65535, 1, 3);
    const struct mcpz_partition_root none = {.count = 0};
    CHECK(mcpz_partition_root_equal(root(1), &none));
}

/* Before, at and behind the place where summing up stands. */
TEST(writes_while_it_is_summed_up_are_counted_once)
{
    set_up();
    add(0, 1, 1);
    add(MCPZ_SHARED_SLICE + 3, 1, 2); /* 515 is 0 of five */
    link_to(1);
    mcpz_shared_run(&shared);
    CHECK(mcpz_shared_is_behind(&shared));
    const struct mcpz_id id = node(1);
    CHECK(mcpz_shared_root(&shared, &id) == NULL); /* not half of it */
    add(5, 1, 3);
    add(510, 1, 4);
    add(MCPZ_SHARED_SLICE + 3, 2, 5);
    discard(0, 1, 1);
    discard(MCPZ_SHARED_SLICE + 3, 1, 2);
    link_to(2); /* from the start, and then both together */
    sum_up_all();
    CHECK_UINT(root(1)->count, 3);
    CHECK_UINT(root(2)->count, 3);
}

TEST(what_everybody_keeps_is_in_all_roots)
{
    const struct mcpz_id everywhere = {{[31] = 1}};
    const struct mcpz_id what = digest(5);

    set_up();
    link_to(1);
    mcpz_shared_run(&shared);
    mcpz_shared_add(&shared, &everywhere, &what);
    link_to(2);
    add(0, 1, 1); /* the same partition, and not everybody's */
    sum_up_all();
    link_to(3);
    sum_up_all();
    CHECK_UINT(root(1)->count, 2);
    CHECK_UINT(root(2)->count, 2);
    CHECK_UINT(root(3)->count, 1);
    mcpz_shared_remove(&shared, &everywhere, &what);
    CHECK_UINT(root(3)->count, 0);
    CHECK_UINT(root(1)->count, 1);
}

TEST(another_layout_is_summed_up_anew)
{
    set_up();
    link_to(1);
    add(0, 1, 1); /* 0 1 2, and by the next one 1 2 3 */
    add(4, 1, 2); /* 4 0 1, and by the next one 0 1 2 */
    add(3, 1, 3); /* 3 4 0, and by the next one 4 0 1 */
    sum_up_all();
    CHECK_UINT(root(1)->count, 2);
    mcpz_shared_follow(&shared, &scope); /* the same: nothing to do */
    CHECK(!mcpz_shared_is_behind(&shared));

    turn = 1;
    scope.stamp = 8;
    mcpz_shared_follow(&shared, &scope);
    CHECK(mcpz_shared_is_behind(&shared));
    sum_up_all();
    CHECK_UINT(root(1)->count, 2);
    discard(0, 1, 1); /* not ours any more */
    CHECK_UINT(root(1)->count, 2);
    discard(3, 1, 3);
    CHECK_UINT(root(1)->count, 1);
}

TEST(without_a_layout_or_with_one_too_fine_nothing_is_known)
{
    const struct mcpz_id id = node(1);

    set_up();
    link_to(1);
    add(0, 1, 1);
    scope.bits = MCPZ_SHARED_BITS + 1;
    scope.stamp = 8;
    mcpz_shared_follow(&shared, &scope);
    CHECK(!mcpz_shared_is_behind(&shared));
    mcpz_shared_run(&shared);
    CHECK(mcpz_shared_root(&shared, &id) == NULL);

    scope = (struct mcpz_scope){.self = node(0)};
    mcpz_shared_follow(&shared, &scope);
    asked = 0;
    add(5, 1, 2);
    CHECK_UINT(asked, 0);
    CHECK(mcpz_shared_root(&shared, &id) == NULL);
    CHECK(!mcpz_shared_is_behind(&shared));

    /* What was written meanwhile is there when there is one. */
    scope = (struct mcpz_scope){.self = node(0), .stamp = 9, .bits = 8, .owners = owners};
    mcpz_shared_follow(&shared, &scope);
    sum_up_all();
    CHECK_UINT(root(1)->count, 2);
}

TEST(nobody_is_asked_for_owners_of_empty_partitions)
{
    set_up();
    link_to(1);
    add(0, 1, 1);
    asked = 0;
    sum_up_all();
    CHECK_UINT(asked, 1);
}

TEST(counting_anew_begins_with_nothing)
{
    const struct mcpz_id everywhere = {{[31] = 1}};
    const struct mcpz_id what = digest(5);

    set_up();
    link_to(1);
    add(0, 1, 1);
    add(40000, 1, 2);
    mcpz_shared_add(&shared, &everywhere, &what);
    sum_up_all();
    mcpz_shared_clear(&shared);
    CHECK(mcpz_shared_is_behind(&shared));
    add(0, 1, 1);
    sum_up_all();
    CHECK_UINT(root(1)->count, 1);
    for (size_t i = 0; i < mcpz_shared_bytes() / sizeof(struct mcpz_partition_root); i++) {
        CHECK_UINT(shared.slots[i].count, i == 0 ? 1 : 0);
    }
}

TEST(as_many_peers_as_there_are_links)
{
    set_up();
    for (uint32_t i = 0; i < MCPZ_LINKS_MAX + 1; i++) {
        link_to(i + 1);
    }
    CHECK_UINT(shared.peer_count, MCPZ_LINKS_MAX);
    link_to(1); /* known */
    CHECK_UINT(shared.peer_count, MCPZ_LINKS_MAX);
    sum_up_all();
    const struct mcpz_id beyond = node(MCPZ_LINKS_MAX + 1);
    CHECK(mcpz_shared_root(&shared, &beyond) == NULL);
    mcpz_shared_unlink(&shared, &beyond);
    CHECK_UINT(shared.peer_count, MCPZ_LINKS_MAX);
    free(memory);
}

TEST_MAIN(RUN(a_root_is_of_what_both_keep), RUN(it_follows_each_write),
          RUN(writes_while_it_is_summed_up_are_counted_once),
          RUN(what_everybody_keeps_is_in_all_roots), RUN(another_layout_is_summed_up_anew),
          RUN(without_a_layout_or_with_one_too_fine_nothing_is_known),
          RUN(nobody_is_asked_for_owners_of_empty_partitions),
          RUN(counting_anew_begins_with_nothing), RUN(as_many_peers_as_there_are_links))
