#include "host/rule_text.h"
#include "test.h"

static struct mcpz_rule rule;

static const char *read_as(const char *pattern, const char *text)
{
    return mcpz_rule_read(mcpz_text(pattern), mcpz_text(text), &rule);
}

static void check_same(const char *text, const char *shown)
{
    char again[MCPZ_RULE_TEXT_BYTES];

    CHECK(read_as("x.*", text) == NULL);
    mcpz_rule_show(&rule, again);
    CHECK_TEXT(again, shown);
    CHECK(read_as("x.*", again) == NULL);
    mcpz_rule_show(&rule, again);
    CHECK_TEXT(again, shown);
}

TEST(what_is_written_is_read_and_shown_again)
{
    check_same("balanced", "balanced");
    check_same("  failover  attic\tcellar ", "failover attic cellar");
    check_same("weighted big=3 small=1 priority=75", "weighted big=3 small priority=75");
}

TEST(the_strategy_comes_first)
{
    CHECK(strstr(read_as("x", "max=10 dedicated role:gpu"), "begins with a strategy") != NULL);
    CHECK(strstr(read_as("x", ""), "begins with a strategy") != NULL);
    CHECK(strstr(read_as("x", "   "), "begins with a strategy") != NULL);
    CHECK(strstr(read_as("x", "fastest"), "begins with a strategy") != NULL);
}

TEST(targets_are_names_ids_roles_and_zones)
{
    struct mcpz_id id = {{7, 9}};
    char text[MCPZ_ID_TEXT_BYTES + 64];

    memcpy(text, "dedicated ", 10);
    mcpz_id_to_text(&id, 'n', text + 10);
    memcpy(text + strlen(text), " role:gpu zone:up attic=7 max=10", 33);
    CHECK(read_as("x", text) == NULL);
    CHECK_UINT(rule.strategy, MCPZ_STRATEGY_DEDICATED);
    CHECK_UINT(rule.target_count, 4);
    CHECK_UINT(rule.targets[0].kind, MCPZ_TARGET_ID);
    CHECK(mcpz_id_equal(&rule.targets[0].id, &id));
    CHECK_UINT(rule.targets[1].kind, MCPZ_TARGET_ROLE);
    CHECK_TEXT(rule.targets[1].text, "gpu");
    CHECK_UINT(rule.targets[2].kind, MCPZ_TARGET_ZONE);
    CHECK_TEXT(rule.targets[2].text, "up");
    CHECK_UINT(rule.targets[3].kind, MCPZ_TARGET_NAME);
    CHECK_TEXT(rule.targets[3].text, "attic");
    CHECK_UINT(rule.targets[3].weight, 7);
    CHECK_UINT(rule.concurrent_max, 10);
    check_same(text, text);
}

TEST(what_is_wrong_is_said_and_nothing_is_changed)
{
    static const struct {
        const char *pattern;
        const char *text;
        const char *said;
    } cases[] = {
        {"", "balanced", "pattern"},
        {"a*b", "balanced", "one *"},
        {"x", "failover", "want targets"},
        {"x", "weighted a=0", "weight"},
        {"x", "weighted a=1001", "weight"},
        {"x", "weighted a=x", "weight"},
        {"x", "weighted a=", "weight"},
        {"x", "weighted a=99999999999999999999", "weight"},
        {"x", "balanced priority=60", "priority"},
        {"x", "balanced priority=", "priority"},
        {"x", "balanced max=-1", "max is"},
        {"x", "balanced max=100001", "max is"},
        {"x", "balanced role:", "target"},
        {"x", "balanced a b c d e f g h i", "at most 8"},
        {"x", "balanced \xff", "UTF-8"},
        {"\xff", "balanced", "UTF-8"},
    };

    CHECK(read_as("kept", "failover attic") == NULL);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *said = read_as(cases[i].pattern, cases[i].text);
        CHECK(said != NULL);
        CHECK(strstr(said, cases[i].said) != NULL);
        CHECK_TEXT(rule.pattern, "kept");
    }
}

TEST(the_bounds_of_names_and_patterns)
{
    char text[256] = "balanced ";
    char pattern[MCPZ_CAPABILITY_BYTES_MAX + 2];

    memset(text + 9, 'n', MCPZ_NAME_BYTES_MAX);
    CHECK(read_as("x", text) == NULL);
    text[9 + MCPZ_NAME_BYTES_MAX] = 'n';
    CHECK(strstr(read_as("x", text), "64 bytes") != NULL);
    memset(pattern, 'p', sizeof(pattern));
    pattern[MCPZ_CAPABILITY_BYTES_MAX] = '\0';
    CHECK(read_as(pattern, "balanced") == NULL);
    pattern[MCPZ_CAPABILITY_BYTES_MAX] = 'p';
    pattern[MCPZ_CAPABILITY_BYTES_MAX + 1] = '\0';
    CHECK(strstr(read_as(pattern, "balanced"), "128") != NULL);
}

TEST(the_largest_rule_is_shown)
{
    char text[MCPZ_RULE_TEXT_BYTES];

    rule = (struct mcpz_rule){.pattern = "x",
                              .strategy = MCPZ_STRATEGY_LEAST_LOADED,
                              .priority = 100,
                              .concurrent_max = MCPZ_RULE_CALLS_MAX,
                              .target_count = MCPZ_RULE_TARGETS_MAX};
    for (size_t i = 0; i < MCPZ_RULE_TARGETS_MAX; i++) {
        rule.targets[i].kind = MCPZ_TARGET_ZONE;
        rule.targets[i].weight = MCPZ_RULE_WEIGHT_MAX;
        memset(rule.targets[i].text, 'z', MCPZ_NAME_BYTES_MAX);
    }
    mcpz_rule_show(&rule, text);
    CHECK(read_as("x", text) == NULL);
    CHECK_UINT(rule.target_count, MCPZ_RULE_TARGETS_MAX);
}

TEST_MAIN(RUN(what_is_written_is_read_and_shown_again), RUN(the_strategy_comes_first),
          RUN(targets_are_names_ids_roles_and_zones),
          RUN(what_is_wrong_is_said_and_nothing_is_changed), RUN(the_bounds_of_names_and_patterns),
          RUN(the_largest_rule_is_shown))
