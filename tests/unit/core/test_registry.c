#include "core.h"

static struct mcpz_registry registry;

static void step(struct mcpz_event event)
{
    mcpz_outbox_clear(&out);
    mcpz_registry_step(&registry, 0, &event, &out);
}

static void provide(const char *name)
{
    step((struct mcpz_event){.kind = MCPZ_EVENT_PROVIDE, .provide = {mcpz_text(name)}});
}

static void withdraw(const char *name)
{
    step((struct mcpz_event){.kind = MCPZ_EVENT_WITHDRAW, .provide = {mcpz_text(name)}});
}

static void fact(enum mcpz_fact_kind kind, const struct mcpz_id *about)
{
    step((struct mcpz_event){.kind = MCPZ_EVENT_FACT, .fact = {.kind = kind, .about = *about}});
}

static void hear(const struct mcpz_id *about, uint64_t incarnation, uint32_t version,
                 const char *name)
{
    struct mcpz_bytes names[] = {mcpz_text(name)};
    struct mcpz_msg msg = {
        .kind = MCPZ_MSG_CAPABILITIES,
        .capabilities = {.id = *about,
                         .incarnation = incarnation,
                         .version = version,
                         .names = names,
                         .name_count = 1},
    };
    step((struct mcpz_event){.kind = MCPZ_EVENT_RECV, .recv = {.from = bob, .msg = &msg}});
}

static bool offers(const struct mcpz_id *id, const char *name)
{
    return mcpz_registry_offers(&registry, id, mcpz_text(name));
}

static void set_up(void)
{
    mcpz_outbox_init(&out);
    mcpz_registry_init(&registry, &self, 3);
}

TEST(what_we_provide_is_published_with_a_rising_version)
{
    set_up();
    provide("a");
    CHECK_UINT(sent(MCPZ_MSG_CAPABILITIES)->capabilities.version, 1);
    provide("b");
    CHECK_UINT(sent(MCPZ_MSG_CAPABILITIES)->capabilities.version, 2);
    CHECK_UINT(sent(MCPZ_MSG_CAPABILITIES)->capabilities.name_count, 2);
    withdraw("a");
    CHECK_UINT(sent(MCPZ_MSG_CAPABILITIES)->capabilities.name_count, 1);
    CHECK(!offers(&self, "a"));
    CHECK(offers(&self, "b"));
}

TEST(providing_twice_says_nothing_new)
{
    set_up();
    provide("a");
    provide("a");
    CHECK_UINT(out.count, 0);
}

TEST(withdrawing_what_was_not_there_says_nothing)
{
    set_up();
    withdraw("a");
    CHECK_UINT(out.count, 0);
}

TEST(a_list_is_taken_once_and_passed_on)
{
    set_up();
    hear(&alice, 1, 1, "x");
    CHECK(offers(&alice, "x"));
    CHECK(mcpz_id_equal(&only_action(MCPZ_ACTION_BROADCAST)->send.except, &bob));
    hear(&alice, 1, 1, "x");
    CHECK_UINT(out.count, 0);
}

TEST(a_newer_list_replaces_an_older_one_does_not)
{
    set_up();
    hear(&alice, 1, 2, "new");
    hear(&alice, 1, 1, "old");
    CHECK(offers(&alice, "new") && !offers(&alice, "old"));
    hear(&alice, 2, 1, "reborn");
    CHECK(offers(&alice, "reborn") && !offers(&alice, "new"));
}

TEST(the_dead_offer_nothing_until_they_are_back)
{
    set_up();
    hear(&alice, 1, 1, "x");
    fact(MCPZ_FACT_DEAD, &alice);
    CHECK(!offers(&alice, "x"));
    fact(MCPZ_FACT_ALIVE, &alice);
    CHECK(offers(&alice, "x"));
    fact(MCPZ_FACT_SUSPECT, &alice);
    CHECK(offers(&alice, "x"));
    fact(MCPZ_FACT_LEFT, &alice);
    CHECK(!offers(&alice, "x"));
}

TEST(a_new_link_hears_every_list_of_the_living)
{
    set_up();
    provide("mine");
    hear(&alice, 1, 1, "x");
    fact(MCPZ_FACT_LINKED, &bob);
    CHECK_UINT(count_actions(MCPZ_ACTION_SEND), 2);
    fact(MCPZ_FACT_DEAD, &alice);
    fact(MCPZ_FACT_LINKED, &bob);
    CHECK_UINT(count_actions(MCPZ_ACTION_SEND), 1);
}

TEST(nobody_else_speaks_for_us)
{
    set_up();
    provide("mine");
    hear(&self, 99, 99, "theirs");
    CHECK(offers(&self, "mine") && !offers(&self, "theirs"));
    CHECK_UINT(out.count, 0);
}

TEST(after_a_refutation_our_list_counts_again)
{
    set_up();
    provide("mine");
    step(
        (struct mcpz_event){.kind = MCPZ_EVENT_FACT,
                            .fact = {.kind = MCPZ_FACT_REFUTED, .about = self, .incarnation = 8}});
    CHECK_UINT(sent(MCPZ_MSG_CAPABILITIES)->capabilities.incarnation, 8);
}

TEST(one_node_offers_so_many_and_no_more)
{
    set_up();
    char name[16];
    for (int i = 0; i < MCPZ_CAPABILITIES_PER_NODE_MAX; i++) {
        (void)snprintf(name, sizeof(name), "c%d", i);
        provide(name);
        CHECK(offers(&self, name));
    }
    provide("one more");
    CHECK(!offers(&self, "one more"));
    CHECK_UINT(registry.dropped, 1);
}

TEST(starting_over_keeps_only_what_is_ours)
{
    set_up();
    provide("mine");
    hear(&alice, 1, 1, "x");
    mcpz_registry_start_over(&registry, 4);
    CHECK(offers(&self, "mine"));
    CHECK(!offers(&alice, "x"));
}

TEST_MAIN(RUN(what_we_provide_is_published_with_a_rising_version),
          RUN(providing_twice_says_nothing_new), RUN(withdrawing_what_was_not_there_says_nothing),
          RUN(a_list_is_taken_once_and_passed_on),
          RUN(a_newer_list_replaces_an_older_one_does_not),
          RUN(the_dead_offer_nothing_until_they_are_back),
          RUN(a_new_link_hears_every_list_of_the_living), RUN(nobody_else_speaks_for_us),
          RUN(after_a_refutation_our_list_counts_again), RUN(one_node_offers_so_many_and_no_more),
          RUN(starting_over_keeps_only_what_is_ours))
