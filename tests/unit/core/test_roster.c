#include "base/attr.h"
#include "core/roster.h"
#include "proto/cert.h"
#include "test.h"

static struct mcpz_roster roster;
static struct mcpz_roster other;

static struct mcpz_id node(uint8_t number)
{
    return (struct mcpz_id){.bytes = {number, 1, 2, 3, 4, 5, 6, 7, number}};
}

static void make(struct mcpz_roster *made, size_t rows_max, size_t text_bytes, uint8_t *memory,
                 size_t size)
{
    const struct mcpz_roster_config config = {.rows_max = rows_max, .text_bytes = text_bytes};
    struct mcpz_arena arena;

    CHECK(mcpz_roster_bytes(&config) <= size);
    mcpz_arena_init(&arena, memory, mcpz_roster_bytes(&config));
    mcpz_roster_init(made, &config, &arena);
}

static void set_up(size_t rows_max, size_t text_bytes)
{
    static _Alignas(16) uint8_t memory[65536];
    static _Alignas(16) uint8_t more[65536];

    make(&roster, rows_max, text_bytes, memory, sizeof(memory));
    make(&other, rows_max, text_bytes, more, sizeof(more));
}

static struct mcpz_member *add(struct mcpz_roster *to, uint8_t number)
{
    const struct mcpz_id id = node(number);
    struct mcpz_member *row = mcpz_roster_add(to, &id);

    if (row != NULL) {
        row->state = MCPZ_MEMBER_ALIVE;
        row->incarnation = number;
    }
    return row;
}

static struct mcpz_member *find(uint8_t number)
{
    const struct mcpz_id id = node(number);
    return mcpz_roster_find(&roster, &id);
}

/* ---- Rows --------------------------------------------------------------------------------- */

TEST(rows_are_found_by_id_and_by_its_first_bytes)
{
    set_up(8, 1024);
    for (uint8_t i = 1; i <= 5; i++) {
        CHECK(add(&roster, i) != NULL);
    }
    for (uint8_t i = 1; i <= 5; i++) {
        const struct mcpz_id id = node(i);
        CHECK(find(i) == &roster.rows[i - 1]);
        CHECK(mcpz_roster_find_short(&roster, mcpz_short_of(&id)) == find(i));
    }
    const struct mcpz_id nobody = node(9);
    CHECK(find(9) == NULL);
    CHECK(mcpz_roster_find_short(&roster, mcpz_short_of(&nobody)) == NULL);
}

TEST(ids_that_begin_alike_are_told_apart)
{
    struct mcpz_id twin = node(1);

    set_up(8, 1024);
    twin.bytes[20] = 1;
    CHECK(add(&roster, 1) != NULL);
    CHECK(mcpz_roster_find(&roster, &twin) == NULL);
    struct mcpz_member *second = mcpz_roster_add(&roster, &twin);
    CHECK(mcpz_roster_find(&roster, &twin) == second);
    CHECK(find(1) == &roster.rows[0]);
}

TEST(a_table_takes_as_many_as_it_has_rows)
{
    set_up(3, 1024);
    for (uint8_t i = 1; i <= 3; i++) {
        CHECK(add(&roster, i) != NULL);
    }
    CHECK(add(&roster, 4) == NULL);
    CHECK_UINT(roster.count, 3);
    mcpz_roster_remove(&roster, find(2));
    CHECK(add(&roster, 4) != NULL);
    CHECK_UINT(mcpz_roster_alive_count(&roster), 3);
}

TEST(the_last_row_takes_the_place_of_one_removed)
{
    set_up(8, 1024);
    for (uint8_t i = 1; i <= 4; i++) {
        CHECK(add(&roster, i) != NULL);
    }
    mcpz_roster_remove(&roster, find(2));
    CHECK(find(2) == NULL);
    CHECK(find(4) == &roster.rows[1]);
    CHECK_UINT(find(4)->incarnation, 4);
    const struct mcpz_id id = node(4);
    CHECK(mcpz_roster_find_short(&roster, mcpz_short_of(&id)) == find(4));
    mcpz_roster_remove(&roster, find(3)); /* itself the last */
    CHECK(find(3) == NULL);
    CHECK_UINT(roster.count, 2);
    mcpz_roster_clear(&roster);
    CHECK(find(1) == NULL);
}

TEST(the_gone_are_not_counted)
{
    set_up(8, 1024);
    for (uint8_t i = 1; i <= 4; i++) {
        CHECK(add(&roster, i) != NULL);
    }
    find(2)->state = MCPZ_MEMBER_SUSPECT;
    find(3)->state = MCPZ_MEMBER_DEAD;
    find(4)->state = MCPZ_MEMBER_LEFT;
    CHECK_UINT(mcpz_roster_alive_count(&roster), 2);
}

/* ---- Texts -------------------------------------------------------------------------------- */

/* A text that says who it is of: `length` times the same letter. */
static struct mcpz_bytes letters(uint8_t number, size_t length)
{
    static char texts[26][MCPZ_ADDRESS_BYTES_MAX];

    memset(texts[number], 'a' + number, sizeof(texts[number]));
    return mcpz_bytes(texts[number], length);
}

static mcpz_error describe(uint8_t number, size_t length)
{
    const struct mcpz_msg_member news = {.name = letters(number, 1),
                                         .address = letters(number, length)};
    return mcpz_roster_describe(&roster, find(number), &news);
}

static void check_address(uint8_t number, size_t length)
{
    struct mcpz_bytes address = mcpz_roster_address(&roster, find(number));

    CHECK_BYTES(address, letters(number, length).data, length);
    CHECK_BYTES(mcpz_roster_name(&roster, find(number)), letters(number, 1).data, 1);
}

static void check_round_trip(const struct mcpz_msg_member *news)
{
    struct mcpz_bytes roles[MCPZ_ROLES_MAX];

    CHECK(mcpz_roster_describe(&roster, find(1), news) == MCPZ_OK);
    struct mcpz_msg_member read = mcpz_roster_read(&roster, find(1), roles);
    CHECK(mcpz_bytes_equal(read.name, news->name));
    CHECK(mcpz_bytes_equal(read.address, news->address));
    CHECK(mcpz_bytes_equal(read.region, news->region));
    CHECK(mcpz_bytes_equal(read.zone, news->zone));
    CHECK(mcpz_bytes_equal(read.signature, news->signature));
    CHECK_UINT(read.role_count, news->role_count);
    for (size_t i = 0; i < news->role_count; i++) {
        CHECK(mcpz_bytes_equal(read.roles[i], news->roles[i]));
    }
    CHECK(mcpz_bytes_equal(mcpz_roster_address(&roster, find(1)), news->address));
    CHECK(mcpz_bytes_equal(mcpz_roster_name(&roster, find(1)), news->name));
}

TEST(what_a_member_says_is_read_as_it_was_said)
{
    static const uint8_t signature[MCPZ_SIGNATURE_BYTES] = {0, 1, 0, 255};
    struct mcpz_bytes longest[MCPZ_ROLES_MAX];
    const struct mcpz_bytes one = mcpz_text("x");

    for (uint8_t i = 0; i < MCPZ_ROLES_MAX; i++) {
        longest[i] = letters((uint8_t)(10 + i), MCPZ_NAME_BYTES_MAX);
    }
    const struct mcpz_msg_member most = {
        .name = letters(1, MCPZ_NAME_BYTES_MAX),
        .address = letters(2, MCPZ_ADDRESS_BYTES_MAX),
        .region = letters(3, MCPZ_NAME_BYTES_MAX),
        .zone = letters(4, MCPZ_NAME_BYTES_MAX),
        .roles = longest,
        .role_count = MCPZ_ROLES_MAX,
        .signature = mcpz_bytes(signature, sizeof(signature)),
    };
    const struct mcpz_msg_member nothing = {.role_count = 0};
    const struct mcpz_msg_member zone_only = {.zone = one, .roles = &one, .role_count = 1};

    set_up(4, 4096);
    CHECK(add(&roster, 1) != NULL);
    check_round_trip(&most);
    check_round_trip(&nothing);
    check_round_trip(&zone_only);
    check_round_trip(&most);
}

TEST(the_state_others_may_hand_on_is_alive_or_left)
{
    struct mcpz_bytes roles[MCPZ_ROLES_MAX];

    set_up(4, 1024);
    CHECK(add(&roster, 1) != NULL);
    CHECK(describe(1, 3) == MCPZ_OK);
    find(1)->state = MCPZ_MEMBER_SUSPECT;
    CHECK_UINT(mcpz_roster_read(&roster, find(1), roles).state, MCPZ_MEMBER_ALIVE);
    find(1)->state = MCPZ_MEMBER_LEFT;
    CHECK_UINT(mcpz_roster_read(&roster, find(1), roles).state, MCPZ_MEMBER_LEFT);
    CHECK_UINT(mcpz_roster_read(&roster, find(1), roles).incarnation, 1);
}

TEST(a_row_that_was_not_described_has_no_texts)
{
    struct mcpz_bytes roles[MCPZ_ROLES_MAX];

    set_up(4, 1024);
    CHECK(add(&roster, 1) != NULL);
    CHECK_UINT(mcpz_roster_address(&roster, find(1)).length, 0);
    CHECK_UINT(mcpz_roster_name(&roster, find(1)).length, 0);
    CHECK_UINT(mcpz_roster_read(&roster, find(1), roles).role_count, 0);
}

TEST(texts_that_change_often_do_not_fill_the_heap)
{
    size_t lengths[6] = {0};

    set_up(8, 1024);
    for (uint8_t i = 1; i <= 5; i++) {
        CHECK(add(&roster, i) != NULL);
    }
    for (size_t i = 0; i < 2000; i++) {
        uint8_t number = (uint8_t)(1 + i % 5);
        lengths[number] = (i * 37 + i / 7) % 100;
        CHECK(describe(number, lengths[number]) == MCPZ_OK);
        for (uint8_t j = 1; j <= 5 && i >= 5; j++) {
            check_address(j, lengths[j]);
        }
    }
}

TEST(the_texts_of_removed_rows_make_room)
{
    set_up(4, 400);
    CHECK(add(&roster, 1) != NULL);
    CHECK(describe(1, 50) == MCPZ_OK);
    for (size_t i = 0; i < 50; i++) {
        CHECK(add(&roster, 2) != NULL);
        CHECK(describe(2, 250) == MCPZ_OK);
        check_address(1, 50);
        mcpz_roster_remove(&roster, find(2));
    }
}

TEST(a_full_heap_keeps_what_it_had)
{
    set_up(4, 256);
    CHECK(add(&roster, 1) != NULL);
    CHECK(add(&roster, 2) != NULL);
    CHECK(describe(1, 100) == MCPZ_OK);
    CHECK(describe(2, 100) == MCPZ_OK);
    CHECK(describe(2, 200) == MCPZ_EFULL);
    check_address(1, 100);
    check_address(2, 100);
    CHECK(describe(2, 90) == MCPZ_OK);
    check_address(2, 90);
}

/* ---- Digest ------------------------------------------------------------------------------- */

TEST(the_same_members_have_the_same_digest_in_any_order)
{
    set_up(8, 1024);
    for (uint8_t i = 1; i <= 5; i++) {
        CHECK(add(&roster, i) != NULL);
        CHECK(add(&other, (uint8_t)(6 - i)) != NULL);
    }
    CHECK_UINT(mcpz_roster_digest(&roster), mcpz_roster_digest(&other));
    mcpz_roster_remove(&roster, find(4));
    CHECK(mcpz_roster_digest(&roster) != mcpz_roster_digest(&other));
    CHECK(add(&roster, 4) != NULL);
    CHECK_UINT(mcpz_roster_digest(&roster), mcpz_roster_digest(&other));
}

TEST(the_digest_says_how_far_along_each_is)
{
    set_up(8, 1024);
    CHECK(add(&roster, 1) != NULL);
    CHECK(add(&roster, 2) != NULL);
    uint32_t before = mcpz_roster_digest(&roster);
    find(2)->incarnation++;
    mcpz_roster_changed(&roster);
    uint32_t later = mcpz_roster_digest(&roster);
    CHECK(later != before);
    find(2)->adjacency_version++;
    mcpz_roster_changed(&roster);
    CHECK(mcpz_roster_digest(&roster) != later);
    find(2)->state = MCPZ_MEMBER_SUSPECT; /* a doubt is no difference */
    find(2)->adjacency_version--;
    find(2)->incarnation--;
    mcpz_roster_changed(&roster);
    CHECK_UINT(mcpz_roster_digest(&roster), before);
}

TEST(whether_the_gone_are_still_held_is_no_difference)
{
    set_up(8, 1024);
    for (uint8_t i = 1; i <= 4; i++) {
        CHECK(add(&roster, i) != NULL);
    }
    find(2)->state = MCPZ_MEMBER_DEAD;
    find(3)->state = MCPZ_MEMBER_LEFT;
    mcpz_roster_changed(&roster);
    uint32_t with = mcpz_roster_digest(&roster);
    mcpz_roster_remove(&roster, find(2));
    mcpz_roster_remove(&roster, find(3));
    CHECK_UINT(mcpz_roster_digest(&roster), with);
}

TEST(a_version_that_is_set_gives_the_digest_that_looking_anew_gives)
{
    set_up(8, 1024);
    for (uint8_t i = 1; i <= 3; i++) {
        CHECK(add(&roster, i) != NULL);
    }
    find(3)->state = MCPZ_MEMBER_DEAD;
    mcpz_roster_set_version(&roster, find(1), 1); /* nobody has looked yet */
    uint32_t before = mcpz_roster_digest(&roster);
    mcpz_roster_set_version(&roster, find(2), 7);
    uint32_t after = mcpz_roster_digest(&roster);
    CHECK(after != before);
    mcpz_roster_set_version(&roster, find(3), 7); /* the dead are no part of it */
    CHECK_UINT(mcpz_roster_digest(&roster), after);
    mcpz_roster_changed(&roster);
    CHECK_UINT(mcpz_roster_digest(&roster), after);
    mcpz_roster_set_version(&roster, find(2), 0);
    CHECK_UINT(mcpz_roster_digest(&roster), before);
}

TEST(whether_anybody_is_dead_is_known)
{
    set_up(8, 1024);
    CHECK(add(&roster, 1) != NULL);
    CHECK(add(&roster, 2) != NULL);
    CHECK(!mcpz_roster_has_dead(&roster));
    find(2)->state = MCPZ_MEMBER_LEFT;
    mcpz_roster_changed(&roster);
    CHECK(!mcpz_roster_has_dead(&roster));
    find(2)->state = MCPZ_MEMBER_DEAD;
    mcpz_roster_changed(&roster);
    CHECK(mcpz_roster_has_dead(&roster));
    mcpz_roster_remove(&roster, find(2));
    CHECK(!mcpz_roster_has_dead(&roster));
}

TEST(the_key_is_the_first_eight_bytes)
{
    const struct mcpz_id id = {.bytes = {1, 2, 3, 4, 5, 6, 7, 8, 9}};
    CHECK_UINT(mcpz_roster_key(&id), UINT64_C(0x0102030405060708));
}

TEST_MAIN(RUN(rows_are_found_by_id_and_by_its_first_bytes),
          RUN(ids_that_begin_alike_are_told_apart), RUN(a_table_takes_as_many_as_it_has_rows),
          RUN(the_last_row_takes_the_place_of_one_removed), RUN(the_gone_are_not_counted),
          RUN(what_a_member_says_is_read_as_it_was_said),
          RUN(the_state_others_may_hand_on_is_alive_or_left),
          RUN(a_row_that_was_not_described_has_no_texts),
          RUN(texts_that_change_often_do_not_fill_the_heap),
          RUN(the_texts_of_removed_rows_make_room), RUN(a_full_heap_keeps_what_it_had),
          RUN(the_same_members_have_the_same_digest_in_any_order),
          RUN(the_digest_says_how_far_along_each_is),
          RUN(whether_the_gone_are_still_held_is_no_difference),
          RUN(a_version_that_is_set_gives_the_digest_that_looking_anew_gives),
          RUN(whether_anybody_is_dead_is_known), RUN(the_key_is_the_first_eight_bytes))
