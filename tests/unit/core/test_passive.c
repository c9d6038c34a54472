#include "core/passive.h"
#include "test.h"

static struct mcpz_passive passive;
static struct mcpz_rng rng;

static struct mcpz_id node(uint8_t number)
{
    return (struct mcpz_id){.bytes = {number, 1}};
}

static void add(uint8_t number, mcpz_time heard_us)
{
    const struct mcpz_overlay_entry entry = {.id = node(number)};
    mcpz_passive_add(&passive, &entry, heard_us, &rng);
}

static bool has(uint8_t number)
{
    struct mcpz_id id = node(number);
    return mcpz_passive_has(&passive, &id);
}

static void set_up_as(struct mcpz_passive_config config)
{
    static _Alignas(16) uint8_t memory[4096];
    struct mcpz_arena arena;

    mcpz_arena_init(&arena, memory, sizeof(memory));
    mcpz_rng_init(&rng, 1);
    mcpz_passive_init(&passive, &config, &arena);
}

static void set_up(size_t capacity)
{
    set_up_as((struct mcpz_passive_config){.capacity = capacity});
}

TEST(a_full_view_lets_go_of_one)
{
    set_up(MCPZ_OVERLAY_PASSIVE_MAX);
    for (uint8_t i = 0; i < MCPZ_OVERLAY_PASSIVE_MAX; i++) {
        add(i, 0);
        CHECK_UINT(passive.count, i + 1U);
    }
    add(200, 0);
    CHECK_UINT(passive.count, MCPZ_OVERLAY_PASSIVE_MAX);
    CHECK(has(200));
}

TEST(a_node_is_held_once_with_its_latest_sign_of_life)
{
    set_up(3);
    add(1, MCPZ_SECONDS(5));
    add(1, MCPZ_SECONDS(9));
    add(1, MCPZ_SECONDS(7));
    CHECK_UINT(passive.count, 1);
    CHECK_UINT(passive.entries[0].heard_us, MCPZ_SECONDS(9));
}

TEST(what_was_not_heard_of_for_long_expires)
{
    set_up(3);
    add(1, 9);
    add(2, 10);
    add(3, 11);
    mcpz_passive_expire(&passive, 10);
    CHECK_UINT(passive.count, 2);
    CHECK(!has(1));
}

static uint8_t try_one(enum mcpz_passive_which which)
{
    const struct mcpz_passive_entry *entry = mcpz_passive_try(&passive, which, &rng);
    return entry != NULL ? entry->id.bytes[0] : 0;
}

TEST(each_is_tried_once_a_round)
{
    bool seen[4] = {false};

    set_up(3);
    CHECK_UINT(try_one(MCPZ_PASSIVE_ANY), 0);
    for (uint8_t i = 1; i <= 3; i++) {
        add(i, 0);
    }
    for (size_t i = 0; i < 3; i++) {
        uint8_t tried = try_one(MCPZ_PASSIVE_ANY);
        CHECK(tried >= 1 && tried <= 3);
        CHECK(!seen[tried]);
        seen[tried] = true;
    }
    CHECK_UINT(try_one(MCPZ_PASSIVE_ANY), 0);
    mcpz_passive_begin_round(&passive);
    CHECK(try_one(MCPZ_PASSIVE_ANY) != 0);
}

/* ---- Scopes ------------------------------------------------------------------------------- */

#define HERE 5
#define ELSEWHERE 6

static void add_of(uint8_t number, uint32_t scope)
{
    const struct mcpz_overlay_entry entry = {.id = node(number), .scope = scope};
    mcpz_passive_add(&passive, &entry, MCPZ_SECONDS(1), &rng);
}

static size_t count_of(uint32_t scope)
{
    size_t count = 0;
    for (size_t i = 0; i < passive.count; i++) {
        count += passive.entries[i].where.scope == scope;
    }
    return count;
}

TEST(near_and_far_do_not_crowd_each_other_out)
{
    set_up_as((struct mcpz_passive_config){.capacity = 5, .far_max = 2, .scope = HERE});
    for (uint8_t i = 0; i < 20; i++) {
        add_of((uint8_t)(100 + i), ELSEWHERE);
    }
    CHECK_UINT(passive.count, 2);
    CHECK(mcpz_passive_is_full(&passive, ELSEWHERE));
    CHECK(!mcpz_passive_is_full(&passive, HERE));
    for (uint8_t i = 0; i < 20; i++) {
        add_of((uint8_t)(1 + i), HERE);
    }
    CHECK(mcpz_passive_is_full(&passive, HERE));
    CHECK_UINT(count_of(HERE), 3);
    CHECK_UINT(count_of(ELSEWHERE), 2);
    CHECK(has(20)); /* the last one is in */
}

TEST(one_kind_can_be_asked_for)
{
    set_up_as((struct mcpz_passive_config){.capacity = 5, .far_max = 2, .scope = HERE});
    add_of(1, HERE);
    add_of(101, ELSEWHERE);
    CHECK_UINT(try_one(MCPZ_PASSIVE_FAR), 101);
    CHECK_UINT(try_one(MCPZ_PASSIVE_FAR), 0);
    CHECK_UINT(try_one(MCPZ_PASSIVE_NEAR), 1);
    CHECK_UINT(try_one(MCPZ_PASSIVE_ANY), 0);
}

TEST(where_scopes_do_not_matter_all_are_near)
{
    set_up_as((struct mcpz_passive_config){.capacity = 2, .scope = HERE});
    add_of(101, ELSEWHERE);
    add_of(102, ELSEWHERE);
    CHECK(mcpz_passive_is_full(&passive, HERE));
    CHECK(try_one(MCPZ_PASSIVE_NEAR) != 0);
    CHECK_UINT(try_one(MCPZ_PASSIVE_FAR), 0);
}

/* ---- Addresses ---------------------------------------------------------------------------- */

static void add_at(uint8_t number, const char *address)
{
    const struct mcpz_overlay_entry entry = {.id = node(number), .address = mcpz_text(address)};
    mcpz_passive_add(&passive, &entry, MCPZ_SECONDS(1), &rng);
}

TEST(addresses_stay_with_their_nodes)
{
    static const char *const texts[] = {"", "one", "two", "three", "four"};
    struct mcpz_overlay_entry entries[4];

    set_up_as((struct mcpz_passive_config){.capacity = 4, .address_bytes = 16});
    for (uint8_t i = 1; i <= 4; i++) {
        add_at(i, texts[i]);
    }
    const struct mcpz_id second = node(2);
    mcpz_passive_remove(&passive, &second);
    add_at(2, texts[2]);
    CHECK_UINT(mcpz_passive_sample(&passive, 0, &rng, entries, 4), 4);
    for (size_t i = 0; i < 4; i++) {
        const char *text = texts[entries[i].id.bytes[0]];
        CHECK_BYTES(entries[i].address, text, strlen(text));
    }
}

TEST(an_address_that_is_too_long_makes_a_node_no_candidate)
{
    set_up_as((struct mcpz_passive_config){.capacity = 2, .address_bytes = 8});
    add_at(1, "1234567");
    add_at(2, "12345678");
    CHECK(has(1));
    CHECK(!has(2));
    add_at(3, "");
    add_at(4, "12345678"); /* nor does it cost anybody a place */
    CHECK(has(1) && has(3));
}

TEST(a_sample_holds_nobody_twice_and_says_their_age)
{
    struct mcpz_overlay_entry entries[8];

    set_up(6);
    CHECK_UINT(mcpz_passive_sample(&passive, 0, &rng, entries, 8), 0);
    for (uint8_t i = 0; i < 6; i++) {
        add(i, MCPZ_SECONDS(i));
    }
    CHECK_UINT(mcpz_passive_sample(&passive, MCPZ_SECONDS(10), &rng, entries, 8), 6);
    CHECK_UINT(mcpz_passive_sample(&passive, MCPZ_SECONDS(10), &rng, entries, 4), 4);
    for (size_t i = 0; i < 4; i++) {
        CHECK_UINT(entries[i].age_s, 10U - entries[i].id.bytes[0]);
        for (size_t j = 0; j < i; j++) {
            CHECK(!mcpz_id_equal(&entries[i].id, &entries[j].id));
        }
    }
}

TEST(ages_end_at_what_fits)
{
    CHECK_UINT(mcpz_passive_age_s(5, 9), 0);
    CHECK_UINT(mcpz_passive_age_s(MCPZ_TIME_NEVER, 0), UINT32_MAX);
}

TEST_MAIN(RUN(near_and_far_do_not_crowd_each_other_out), RUN(one_kind_can_be_asked_for),
          RUN(where_scopes_do_not_matter_all_are_near), RUN(addresses_stay_with_their_nodes),
          RUN(an_address_that_is_too_long_makes_a_node_no_candidate),
          RUN(a_full_view_lets_go_of_one), RUN(a_node_is_held_once_with_its_latest_sign_of_life),
          RUN(what_was_not_heard_of_for_long_expires), RUN(each_is_tried_once_a_round),
          RUN(a_sample_holds_nobody_twice_and_says_their_age), RUN(ages_end_at_what_fits))
