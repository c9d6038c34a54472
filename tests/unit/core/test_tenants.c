#include "core/gate/tenants.h"
#include "test.h"

static struct mcpz_tenants tenants;

static const mcpz_time start = MCPZ_SECONDS(100);

static struct mcpz_tenant *find(const char *name, mcpz_time now)
{
    return mcpz_tenants_find(&tenants, mcpz_text(name), now);
}

static struct mcpz_tenant *find_number(unsigned number, mcpz_time now)
{
    char name[16];
    (void)snprintf(name, sizeof(name), "t%u", number);
    return find(name, now);
}

/* Use up what may come at once. Returns how much that was. */
static unsigned spend(struct mcpz_tenant *tenant, mcpz_time now)
{
    const struct mcpz_rate rate = mcpz_tenant_rate(tenant);
    unsigned count = 0;

    while (mcpz_gcra_wait(tenant->tat, &rate, now) == 0) {
        mcpz_gcra_take(&tenant->tat, &rate, now);
        count++;
    }
    return count;
}

TEST(each_has_the_rate_of_its_level)
{
    mcpz_tenants_init(&tenants, MCPZ_LEVEL_ONYX, 7);
    CHECK(mcpz_tenants_pin(&tenants, mcpz_text("acme"), MCPZ_LEVEL_DIAMOND, start));

    CHECK_UINT(mcpz_tenant_rate(find("acme", start)).interval_us, 6000);
    CHECK_UINT(mcpz_tenant_rate(find("other", start)).interval_us, 120000);
    CHECK_UINT(spend(find("acme", start), start), 1001);
    CHECK_UINT(spend(find("other", start), start), 51);
}

TEST(a_tenant_is_found_again)
{
    mcpz_tenants_init(&tenants, MCPZ_LEVEL_ONYX, 7);
    struct mcpz_tenant *row = find("acme", start);

    (void)spend(row, start);
    CHECK(find("acme", start) == row);
    CHECK(find("acme", start + 1)->tat > start);
    CHECK(find("acme2", start) != row);
    CHECK(find("", start) != row);
}

TEST(nodes_stand_for_themselves_and_are_no_texts)
{
    const struct mcpz_id node = {.bytes = "acme"};
    const struct mcpz_id other = {.bytes = "acmf"};

    mcpz_tenants_init(&tenants, MCPZ_LEVEL_ONYX, 7);
    struct mcpz_tenant *row = mcpz_tenants_find_node(&tenants, &node, start);
    (void)spend(row, start);
    CHECK(mcpz_tenants_find_node(&tenants, &node, start) == row);
    CHECK(mcpz_tenants_find_node(&tenants, &other, start) != row);
    CHECK(mcpz_tenants_find(&tenants, mcpz_bytes(node.bytes, MCPZ_ID_BYTES), start) != row);
    CHECK(find("acme", start) != row);
}

/* Names made up to push others out of the table do not push out a limit that was used. */
TEST(nobody_gets_a_fresh_limit_by_making_us_forget)
{
    mcpz_tenants_init(&tenants, MCPZ_LEVEL_ONYX, 7);
    (void)spend(find("greedy", start), start);

    for (unsigned i = 0; i < 10000; i++) {
        (void)spend(find_number(i, start + 1), start + 1);
    }
    const struct mcpz_tenant *greedy = find("greedy", start + 2);
    const struct mcpz_rate rate = mcpz_tenant_rate(greedy);
    CHECK(mcpz_gcra_wait(greedy->tat, &rate, start + 2) > 0);
    CHECK(tenants.shared > 0);
}

TEST(newcomers_to_a_full_table_share_one_limit)
{
    unsigned passed = 0;

    mcpz_tenants_init(&tenants, MCPZ_LEVEL_ONYX, 7);
    for (unsigned i = 0; i < 10000; i++) {
        passed += spend(find_number(i, start), start);
    }
    /* As many bursts as there are rows, whatever the number of names. */
    CHECK(passed <= 51 * MCPZ_TENANT_SETS * (MCPZ_TENANT_WAYS + 1));
}

TEST(rows_at_rest_give_way_and_those_with_calls_under_way_do_not)
{
    mcpz_tenants_init(&tenants, MCPZ_LEVEL_NONE, 7);
    struct mcpz_tenant *busy = find("busy", start);
    busy->under_way = 1;

    for (unsigned i = 0; i < 10000; i++) {
        CHECK(find_number(i, start) != busy);
    }
    CHECK(find("busy", start) == busy);
    CHECK_UINT(tenants.shared, 0);
}

TEST(those_configured_are_bounded_and_never_give_way)
{
    mcpz_tenants_init(&tenants, MCPZ_LEVEL_NONE, 7);
    char name[16];
    for (unsigned i = 0; i < MCPZ_TENANTS_MAX; i++) {
        (void)snprintf(name, sizeof(name), "t%u", i);
        CHECK(mcpz_tenants_pin(&tenants, mcpz_text(name), MCPZ_LEVEL_OPAL, start));
    }
    CHECK(!mcpz_tenants_pin(&tenants, mcpz_text("one more"), MCPZ_LEVEL_OPAL, start));
    CHECK(mcpz_tenants_pin(&tenants, mcpz_text("t3"), MCPZ_LEVEL_ONYX, start));
    for (unsigned i = 0; i < 10000; i++) {
        CHECK_UINT(find_number(i, start)->level, i == 3                 ? MCPZ_LEVEL_ONYX
                                                 : i < MCPZ_TENANTS_MAX ? MCPZ_LEVEL_OPAL
                                                                        : MCPZ_LEVEL_NONE);
    }
}

TEST(a_new_configuration_keeps_what_was_used)
{
    mcpz_tenants_init(&tenants, MCPZ_LEVEL_NONE, 7);
    CHECK(mcpz_tenants_pin(&tenants, mcpz_text("acme"), MCPZ_LEVEL_OPAL, start));
    CHECK(mcpz_tenants_pin(&tenants, mcpz_text("gone"), MCPZ_LEVEL_OPAL, start));
    (void)spend(find("acme", start), start);
    mcpz_time tat = find("acme", start)->tat;

    mcpz_tenants_unpin(&tenants, MCPZ_LEVEL_ONYX);
    CHECK(mcpz_tenants_pin(&tenants, mcpz_text("acme"), MCPZ_LEVEL_EMERALD, start));
    CHECK_UINT(find("acme", start)->level, MCPZ_LEVEL_EMERALD);
    CHECK_UINT(find("acme", start)->tat, tat);
    CHECK_UINT(find("gone", start)->level, MCPZ_LEVEL_ONYX);
    CHECK_UINT(find("new", start)->level, MCPZ_LEVEL_ONYX);
}

TEST_MAIN(RUN(each_has_the_rate_of_its_level), RUN(a_tenant_is_found_again),
          RUN(nodes_stand_for_themselves_and_are_no_texts),
          RUN(nobody_gets_a_fresh_limit_by_making_us_forget),
          RUN(newcomers_to_a_full_table_share_one_limit),
          RUN(rows_at_rest_give_way_and_those_with_calls_under_way_do_not),
          RUN(those_configured_are_bounded_and_never_give_way),
          RUN(a_new_configuration_keeps_what_was_used))
