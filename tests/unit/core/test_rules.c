#include "core/router/rules.h"
#include "test.h"

static struct mcpz_rules rules;

static void set_up(size_t max)
{
    static _Alignas(16) uint8_t memory[MCPZ_RULES_MAX * (sizeof(struct mcpz_rule) + 16)];
    struct mcpz_arena arena;

    CHECK(mcpz_rules_bytes(max) <= sizeof(memory));
    mcpz_arena_init(&arena, memory, mcpz_rules_bytes(max));
    mcpz_rules_init(&rules, max, &arena);
}

static struct mcpz_rule rule_for(const char *pattern)
{
    struct mcpz_rule rule = {.priority = MCPZ_RULE_PRIORITY_NORMAL};
    mcpz_bytes_to_text(mcpz_text(pattern), rule.pattern, sizeof(rule.pattern));
    return rule;
}

static struct mcpz_rule with(struct mcpz_rule rule, enum mcpz_target_kind kind, const char *text)
{
    struct mcpz_rule_target *target = &rule.targets[rule.target_count++];
    *target = (struct mcpz_rule_target){.kind = kind, .weight = 1};
    mcpz_bytes_to_text(mcpz_text(text), target->text, sizeof(target->text));
    return rule;
}

static struct mcpz_rule_subject node_called(const char *name)
{
    return (struct mcpz_rule_subject){
        .id = {{(uint8_t)name[0]}}, .name = mcpz_text(name), .zone = mcpz_text("east")};
}

static void check_found(const char *capability, const char *pattern)
{
    const struct mcpz_rule *found = mcpz_rules_find(&rules, mcpz_text(capability));
    CHECK_TEXT(found != NULL ? found->pattern : "(none)", pattern);
}

TEST(the_most_specific_pattern_holds)
{
    const struct mcpz_rule rows[] = {rule_for("*"), rule_for("memory.*"), rule_for("memory.read"),
                                     rule_for("memory.read*"), rule_for("m*")};

    set_up(8);
    check_found("memory.read", "(none)");
    mcpz_rules_set(&rules, rows, 5);
    check_found("memory.read", "memory.read");
    check_found("memory.readable", "memory.read*");
    check_found("memory.", "memory.*");
    check_found("memory", "m*");
    check_found("x", "*");
}

TEST(of_two_with_one_pattern_the_first_holds)
{
    struct mcpz_rule rows[] = {rule_for("x"), rule_for("x")};

    rows[1].priority = 100;
    set_up(8);
    mcpz_rules_set(&rules, rows, 2);
    CHECK_UINT(mcpz_rules_find(&rules, mcpz_text("x"))->priority, MCPZ_RULE_PRIORITY_NORMAL);
}

TEST(a_table_is_bounded_and_holds_only_what_is_well)
{
    struct mcpz_rule rows[] = {rule_for("a"), rule_for(""), rule_for("b"), rule_for("c")};

    set_up(2);
    mcpz_rules_set(&rules, rows, 4);
    CHECK_UINT(rules.count, 2);
    check_found("a", "a");
    check_found("b", "b");
    check_found("c", "(none)");
    mcpz_rules_set(&rules, rows, 0);
    check_found("a", "(none)");
}

TEST(what_is_wrong_with_a_rule_is_said)
{
    struct mcpz_rule rule = rule_for("x");
    CHECK(mcpz_rule_fault(&rule) == NULL);
    rule.priority = 60;
    CHECK(strstr(mcpz_rule_fault(&rule), "priority") != NULL);
    rule = rule_for("a*b");
    CHECK(strstr(mcpz_rule_fault(&rule), "one *") != NULL);
    rule = rule_for("a**");
    CHECK(strstr(mcpz_rule_fault(&rule), "one *") != NULL);
    rule = rule_for("");
    CHECK(strstr(mcpz_rule_fault(&rule), "pattern") != NULL);
    rule = rule_for("x");
    rule.strategy = MCPZ_STRATEGY_END;
    CHECK(strstr(mcpz_rule_fault(&rule), "strategy") != NULL);
    static const enum mcpz_strategy named[] = {MCPZ_STRATEGY_FAILOVER, MCPZ_STRATEGY_DEDICATED,
                                               MCPZ_STRATEGY_ISOLATED};
    for (size_t i = 0; i < 3; i++) {
        rule = rule_for("x");
        rule.strategy = named[i];
        CHECK(strstr(mcpz_rule_fault(&rule), "want targets") != NULL);
        rule = with(rule, MCPZ_TARGET_NAME, "a");
        CHECK(mcpz_rule_fault(&rule) == NULL);
    }
    rule.targets[0].weight = 0;
    CHECK(strstr(mcpz_rule_fault(&rule), "weight") != NULL);
    rule.targets[0].weight = MCPZ_RULE_WEIGHT_MAX;
    CHECK(mcpz_rule_fault(&rule) == NULL);
    rule.targets[0].weight = MCPZ_RULE_WEIGHT_MAX + 1;
    CHECK(strstr(mcpz_rule_fault(&rule), "weight") != NULL);
    rule = with(rule_for("x"), MCPZ_TARGET_ROLE, "");
    CHECK(strstr(mcpz_rule_fault(&rule), "target") != NULL);
    rule.target_count = MCPZ_RULE_TARGETS_MAX + 1;
    CHECK(strstr(mcpz_rule_fault(&rule), "at most") != NULL);
}

TEST(targets_are_nodes_roles_and_zones_and_the_first_that_fits_counts)
{
    const struct mcpz_bytes roles[] = {mcpz_text("edge"), mcpz_text("gpu")};
    struct mcpz_rule_subject node = node_called("anna");
    struct mcpz_rule rule = rule_for("x");

    rule = with(rule, MCPZ_TARGET_NAME, "bert");
    rule = with(rule, MCPZ_TARGET_ROLE, "gpu");
    rule = with(rule, MCPZ_TARGET_ZONE, "east");
    rule = with(rule, MCPZ_TARGET_ID, "");
    rule.targets[3].id = node.id;
    CHECK_UINT(mcpz_rule_target(&rule, &node), 3);
    node.roles = roles;
    node.role_count = 2;
    CHECK_UINT(mcpz_rule_target(&rule, &node), 2);
    node.name = mcpz_text("bert");
    CHECK_UINT(mcpz_rule_target(&rule, &node), 1);
    node = node_called("anna");
    node.zone = mcpz_text("west");
    CHECK_UINT(mcpz_rule_target(&rule, &node), 4);
    node.id = (struct mcpz_id){{9}};
    CHECK_UINT(mcpz_rule_target(&rule, &node), 0);
}

TEST(only_targets_serve_and_those_of_an_isolated_rule_nothing_else)
{
    const struct mcpz_rule_subject anna = node_called("anna");
    const struct mcpz_rule_subject bert = node_called("bert");
    struct mcpz_rule rows[] = {with(rule_for("secret.*"), MCPZ_TARGET_NAME, "anna"),
                               with(rule_for("b"), MCPZ_TARGET_NAME, "bert"), rule_for("c")};

    rows[0].strategy = MCPZ_STRATEGY_ISOLATED;
    set_up(8);
    mcpz_rules_set(&rules, rows, 3);
    const struct mcpz_rule *secret = mcpz_rules_find(&rules, mcpz_text("secret.x"));
    const struct mcpz_rule *b = mcpz_rules_find(&rules, mcpz_text("b"));
    const struct mcpz_rule *c = mcpz_rules_find(&rules, mcpz_text("c"));
    CHECK(mcpz_rules_allow(&rules, secret, &anna));
    CHECK(!mcpz_rules_allow(&rules, secret, &bert));
    CHECK(!mcpz_rules_allow(&rules, b, &anna));
    CHECK(mcpz_rules_allow(&rules, b, &bert));
    CHECK(!mcpz_rules_allow(&rules, c, &anna));
    CHECK(mcpz_rules_allow(&rules, c, &bert));
    CHECK(!mcpz_rules_allow(&rules, NULL, &anna));
    CHECK(mcpz_rules_allow(&rules, NULL, &bert));
}

TEST(every_strategy_has_a_word_that_is_read_back)
{
    for (size_t i = 0; i < MCPZ_STRATEGY_END; i++) {
        enum mcpz_strategy read = MCPZ_STRATEGY_END;
        CHECK(mcpz_strategy_read(mcpz_text(mcpz_strategy_word((enum mcpz_strategy)i)), &read));
        CHECK_UINT(read, i);
    }
    enum mcpz_strategy untouched = MCPZ_STRATEGY_FAILOVER;
    CHECK(!mcpz_strategy_read(mcpz_text("fastest"), &untouched));
    CHECK_UINT(untouched, MCPZ_STRATEGY_FAILOVER);
    CHECK_TEXT(mcpz_strategy_word(MCPZ_STRATEGY_END), "");
}

TEST_MAIN(RUN(the_most_specific_pattern_holds), RUN(of_two_with_one_pattern_the_first_holds),
          RUN(a_table_is_bounded_and_holds_only_what_is_well),
          RUN(what_is_wrong_with_a_rule_is_said),
          RUN(targets_are_nodes_roles_and_zones_and_the_first_that_fits_counts),
          RUN(only_targets_serve_and_those_of_an_isolated_rule_nothing_else),
          RUN(every_strategy_has_a_word_that_is_read_back))
