#include "core.h"

static struct mcpz_registry registry;

static void step(struct mcpz_event event)
{
    mcpz_outbox_clear(&out);
    mcpz_registry_step(&registry, 0, &event, &out);
}

static void provide(const char *name)
{
    step((struct mcpz_event){.kind = MCPZ_EVENT_PROVIDE, .provide = {.name = mcpz_text(name)}});
}

static void provide_isolated(const char *name, enum mcpz_isolation isolation)
{
    step((struct mcpz_event){
        .kind = MCPZ_EVENT_PROVIDE,
        .provide = {.name = mcpz_text(name), .isolation = (uint8_t)isolation}});
}

static void withdraw(const char *name)
{
    step((struct mcpz_event){.kind = MCPZ_EVENT_WITHDRAW, .provide = {.name = mcpz_text(name)}});
}

static void fact(enum mcpz_fact_kind kind, const struct mcpz_id *about)
{
    step((struct mcpz_event){.kind = MCPZ_EVENT_FACT, .fact = {.kind = kind, .about = *about}});
}

static void hear_from_bob(const struct mcpz_id *about, uint64_t incarnation, uint32_t version,
                          const char *name, bool gossip)
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
    step((struct mcpz_event){.kind = MCPZ_EVENT_RECV,
                             .recv = {.from = bob, .msg = &msg, .gossip = gossip}});
}

/* As a broadcast: everybody else hears it as well. */
static void hear(const struct mcpz_id *about, uint64_t incarnation, uint32_t version,
                 const char *name)
{
    hear_from_bob(about, incarnation, version, name, true);
}

/* A summary by bob of `count` rows. */
static void compare(bool reply, const struct mcpz_summary_row *rows, size_t count)
{
    struct mcpz_msg msg = {
        .kind = MCPZ_MSG_SUMMARY,
        .summary = {.what = MCPZ_SUMMARY_CAPABILITIES,
                    .reply = reply,
                    .rows = rows,
                    .row_count = count},
    };
    step((struct mcpz_event){.kind = MCPZ_EVENT_RECV, .recv = {.from = bob, .msg = &msg}});
}

/* The row of a node whose id is one letter, as it is in a summary. */
static struct mcpz_summary_row row(char letter, uint64_t incarnation, uint32_t version)
{
    return (struct mcpz_summary_row){
        .key = (uint64_t)letter << 56, .incarnation = incarnation, .version = version};
}

/* Messages of `kind` sent to bob. */
static size_t count_sent(enum mcpz_msg_kind kind)
{
    const struct mcpz_action *action;
    size_t at = 0;
    size_t count = 0;

    while ((action = next_action(MCPZ_ACTION_SEND, &at)) != NULL) {
        CHECK_UINT(action->send.peer_count, 1);
        CHECK(mcpz_id_equal(&action->send.peers[0], &bob));
        count += action->send.msg.kind == kind;
    }
    return count;
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

TEST(a_list_that_was_broadcast_is_taken_once_and_not_handed_on)
{
    set_up();
    hear(&alice, 1, 1, "x");
    CHECK(offers(&alice, "x"));
    CHECK_UINT(count_actions(MCPZ_ACTION_BROADCAST), 0);
    CHECK(has_fact(MCPZ_FACT_CAPABILITIES, &alice));
    hear(&alice, 1, 1, "x");
    CHECK_UINT(out.count, 0);
}

/* One neighbour knew more than we did: so may the others not know it. */
TEST(a_list_from_a_comparison_is_broadcast_once)
{
    set_up();
    hear_from_bob(&alice, 1, 1, "x", false);
    CHECK(offers(&alice, "x"));
    const struct mcpz_msg *msg = &only_action(MCPZ_ACTION_BROADCAST)->send.msg;
    CHECK_UINT(msg->kind, MCPZ_MSG_CAPABILITIES);
    CHECK(mcpz_id_equal(&msg->capabilities.id, &alice));
    hear_from_bob(&alice, 1, 1, "x", false);
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

TEST(who_differs_is_told_how_far_the_lists_of_the_living_are)
{
    set_up();
    fact(MCPZ_FACT_DIFFERS, &bob);
    CHECK_UINT(sent(MCPZ_MSG_SUMMARY)->summary.row_count, 0); /* we offer nothing, nor ever have */

    provide("mine");
    hear(&alice, 4, 2, "x");
    fact(MCPZ_FACT_DIFFERS, &bob);
    CHECK_UINT(out.count, 1);
    CHECK_UINT(count_sent(MCPZ_MSG_SUMMARY), 1);
    const struct mcpz_msg_summary *summary = &sent(MCPZ_MSG_SUMMARY)->summary;
    CHECK_UINT(summary->what, MCPZ_SUMMARY_CAPABILITIES);
    CHECK(!summary->reply);
    CHECK_UINT(summary->row_count, 2);
    CHECK_UINT(summary->rows[0].key, (uint64_t)'s' << 56);
    CHECK_UINT(summary->rows[0].incarnation, 3);
    CHECK_UINT(summary->rows[0].version, 1);
    CHECK_UINT(summary->rows[1].key, (uint64_t)'a' << 56);
    CHECK_UINT(summary->rows[1].incarnation, 4);
    CHECK_UINT(summary->rows[1].version, 2);

    fact(MCPZ_FACT_DEAD, &alice);
    fact(MCPZ_FACT_DIFFERS, &bob);
    CHECK_UINT(sent(MCPZ_MSG_SUMMARY)->summary.row_count, 1);
}

TEST(a_summary_brings_what_it_lacks_and_is_answered_once)
{
    set_up();
    provide("mine");
    hear(&alice, 4, 2, "x");
    compare(false, (const struct mcpz_summary_row[]){row('s', 3, 1), row('a', 4, 1)}, 2);
    CHECK_UINT(count_sent(MCPZ_MSG_CAPABILITIES), 1);
    CHECK(mcpz_id_equal(&sent(MCPZ_MSG_CAPABILITIES)->capabilities.id, &alice));
    CHECK_UINT(count_sent(MCPZ_MSG_SUMMARY), 1);
    CHECK(sent(MCPZ_MSG_SUMMARY)->summary.reply);

    compare(true, NULL, 0);
    CHECK_UINT(count_sent(MCPZ_MSG_CAPABILITIES), 2);
    CHECK_UINT(count_sent(MCPZ_MSG_SUMMARY), 0);
}

TEST(a_summary_brings_nothing_that_is_as_new_or_newer)
{
    set_up();
    hear(&alice, 4, 2, "x");
    compare(true, (const struct mcpz_summary_row[]){row('a', 4, 2)}, 1);
    CHECK_UINT(out.count, 0);
    compare(true, (const struct mcpz_summary_row[]){row('a', 4, 3)}, 1);
    CHECK_UINT(out.count, 0);
    compare(true, (const struct mcpz_summary_row[]){row('a', 5, 1)}, 1);
    CHECK_UINT(out.count, 0);
    compare(true, (const struct mcpz_summary_row[]){row('a', 3, 9)}, 1);
    CHECK_UINT(count_sent(MCPZ_MSG_CAPABILITIES), 1);
}

TEST(a_summary_does_not_bring_lists_of_the_dead)
{
    set_up();
    hear(&alice, 4, 2, "x");
    fact(MCPZ_FACT_DEAD, &alice);
    compare(true, NULL, 0);
    CHECK_UINT(out.count, 0);
}

TEST(a_summary_of_members_is_for_others)
{
    struct mcpz_msg msg = {.kind = MCPZ_MSG_SUMMARY, .summary = {.what = MCPZ_SUMMARY_MEMBERS}};

    set_up();
    provide("mine");
    step((struct mcpz_event){.kind = MCPZ_EVENT_RECV, .recv = {.from = bob, .msg = &msg}});
    CHECK_UINT(out.count, 0);
}

TEST(who_holds_the_same_lists_has_the_same_digest)
{
    set_up();
    CHECK_UINT(mcpz_registry_digest(&registry), 0);
    hear(&alice, 1, 1, "x");
    uint32_t alone = mcpz_registry_digest(&registry);
    hear(&bob, 1, 1, "y");
    uint32_t both = mcpz_registry_digest(&registry);
    CHECK(alone != 0 && both != alone);

    set_up();
    hear(&bob, 1, 1, "y"); /* in another order */
    hear(&alice, 1, 1, "x");
    CHECK_UINT(mcpz_registry_digest(&registry), both);
    hear(&alice, 1, 2, "x");
    CHECK(mcpz_registry_digest(&registry) != both);
    hear(&alice, 2, 1, "x");
    CHECK(mcpz_registry_digest(&registry) != both);

    set_up();
    hear(&alice, 1, 1, "x");
    hear(&bob, 1, 1, "y");
    fact(MCPZ_FACT_DEAD, &bob); /* whom others may never have heard of */
    CHECK_UINT(mcpz_registry_digest(&registry), alone);
}

TEST(nobody_else_speaks_for_us)
{
    set_up();
    provide("mine");
    hear(&self, 99, 99, "theirs");
    CHECK(offers(&self, "mine") && !offers(&self, "theirs"));
    CHECK_UINT(out.count, 0);
}

/* Who still holds the list of our last life would offer it for ever: we have said nothing since.
 */
TEST(a_list_of_an_earlier_life_is_taken_back)
{
    set_up();
    hear_from_bob(&self, 2, 5, "gone", false);
    CHECK(!offers(&self, "gone"));
    const struct mcpz_msg *msg = &only_action(MCPZ_ACTION_BROADCAST)->send.msg;
    CHECK_UINT(msg->capabilities.incarnation, 3);
    CHECK_UINT(msg->capabilities.version, 1);
    CHECK_UINT(msg->capabilities.name_count, 0);
    hear_from_bob(&self, 2, 5, "gone", false);
    CHECK_UINT(out.count, 0); /* it has been said */
}

/* What we offer has nothing to do with who doubts us: a cascade of doubts stays one of rows. */
TEST(a_refutation_says_nothing_of_our_list)
{
    set_up();
    provide("mine");
    uint32_t before = mcpz_registry_digest(&registry);
    step(
        (struct mcpz_event){.kind = MCPZ_EVENT_FACT,
                            .fact = {.kind = MCPZ_FACT_REFUTED, .about = self, .incarnation = 8}});
    CHECK_UINT(out.count, 0);
    CHECK_UINT(mcpz_registry_digest(&registry), before);
    provide("more"); /* newer than the first for whoever has that */
    CHECK_UINT(sent(MCPZ_MSG_CAPABILITIES)->capabilities.incarnation, 3);
    CHECK_UINT(sent(MCPZ_MSG_CAPABILITIES)->capabilities.version, 2);
}

TEST(who_was_doubted_offers_what_it_did)
{
    set_up();
    hear(&alice, 1, 1, "theirs");
    fact(MCPZ_FACT_DEAD, &alice);
    step((struct mcpz_event){.kind = MCPZ_EVENT_FACT,
                             .fact = {.kind = MCPZ_FACT_ALIVE, .about = alice, .incarnation = 2}});
    CHECK(offers(&alice, "theirs"));
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

    /* A node that never heard of alice tells of the same. */
    uint32_t told = mcpz_registry_digest(&registry);
    set_up();
    provide("mine");
    mcpz_registry_start_over(&registry, 4);
    CHECK_UINT(told, mcpz_registry_digest(&registry));
}

/* To be drained is to offer nothing as far as anybody can tell, and to know what it was. */
TEST(what_is_hidden_is_offered_to_nobody_and_comes_back)
{
    mcpz_outbox_init(&out);
    mcpz_registry_init(&registry, &self, 1);
    provide("a");
    hear(&alice, 1, 1, "a");
    uint32_t digest = mcpz_registry_digest(&registry);

    step((struct mcpz_event){.kind = MCPZ_EVENT_DRAIN});
    CHECK_UINT(sent(MCPZ_MSG_CAPABILITIES)->capabilities.name_count, 0);
    CHECK_UINT(sent(MCPZ_MSG_CAPABILITIES)->capabilities.version, 2);
    CHECK(mcpz_registry_digest(&registry) != digest);
    CHECK(!mcpz_registry_offers(&registry, &self, mcpz_text("a")));
    CHECK(mcpz_registry_offers(&registry, &alice, mcpz_text("a")));
    CHECK(mcpz_registry_offers_any(&registry));
    step((struct mcpz_event){.kind = MCPZ_EVENT_DRAIN});
    CHECK_UINT(out.count, 0);

    provide("a"); /* a reload says so again */
    CHECK_UINT(out.count, 0);
    provide("b");
    CHECK_UINT(sent(MCPZ_MSG_CAPABILITIES)->capabilities.name_count, 0);
    step((struct mcpz_event){.kind = MCPZ_EVENT_RESUME});
    CHECK_UINT(sent(MCPZ_MSG_CAPABILITIES)->capabilities.name_count, 2);
    CHECK(mcpz_registry_offers(&registry, &self, mcpz_text("b")));
}

TEST(how_isolated_it_is_travels_with_what_is_offered)
{
    set_up();
    provide_isolated("x", MCPZ_ISOLATION_DEGRADED);
    provide("y");
    const struct mcpz_msg_capabilities *list =
        &only_action(MCPZ_ACTION_BROADCAST)->send.msg.capabilities;
    CHECK_BYTES(list->isolations, "\x02\x00", 2);
    CHECK_UINT(mcpz_registry_isolation(&registry, mcpz_text("x")), MCPZ_ISOLATION_DEGRADED);
    CHECK_UINT(mcpz_registry_isolation(&registry, mcpz_text("z")), MCPZ_ISOLATION_UNSAID);
    /* The same again is no news; another is. */
    provide_isolated("x", MCPZ_ISOLATION_DEGRADED);
    CHECK_UINT(out.count, 0);
    provide_isolated("x", MCPZ_ISOLATION_STRICT);
    CHECK_BYTES(only_action(MCPZ_ACTION_BROADCAST)->send.msg.capabilities.isolations, "\x03\x00",
                2);
}

TEST(what_others_say_of_isolation_is_kept_as_far_as_it_is_known)
{
    struct mcpz_bytes names[] = {mcpz_text("a"), mcpz_text("b"), mcpz_text("c")};
    static const uint8_t isolations[] = {MCPZ_ISOLATION_STRICT, MCPZ_ISOLATION_END};
    struct mcpz_msg msg = {
        .kind = MCPZ_MSG_CAPABILITIES,
        .capabilities = {.id = bob,
                         .incarnation = 1,
                         .version = 1,
                         .names = names,
                         .name_count = 3,
                         .isolations = mcpz_bytes(isolations, sizeof(isolations))},
    };

    set_up();
    step((struct mcpz_event){.kind = MCPZ_EVENT_RECV,
                             .recv = {.from = bob, .msg = &msg, .gossip = true}});
    CHECK_UINT(mcpz_registry_find(&registry, names[0], 0)->isolation, MCPZ_ISOLATION_STRICT);
    CHECK_UINT(mcpz_registry_find(&registry, names[1], 0)->isolation, MCPZ_ISOLATION_UNSAID);
    CHECK_UINT(mcpz_registry_find(&registry, names[2], 0)->isolation, MCPZ_ISOLATION_UNSAID);
}

TEST_MAIN(RUN(how_isolated_it_is_travels_with_what_is_offered),
          RUN(what_others_say_of_isolation_is_kept_as_far_as_it_is_known),
          RUN(what_is_hidden_is_offered_to_nobody_and_comes_back),
          RUN(what_we_provide_is_published_with_a_rising_version),
          RUN(providing_twice_says_nothing_new), RUN(withdrawing_what_was_not_there_says_nothing),
          RUN(a_list_that_was_broadcast_is_taken_once_and_not_handed_on),
          RUN(a_list_from_a_comparison_is_broadcast_once),
          RUN(a_newer_list_replaces_an_older_one_does_not),
          RUN(the_dead_offer_nothing_until_they_are_back),
          RUN(who_differs_is_told_how_far_the_lists_of_the_living_are),
          RUN(a_summary_brings_what_it_lacks_and_is_answered_once),
          RUN(a_summary_brings_nothing_that_is_as_new_or_newer),
          RUN(a_summary_does_not_bring_lists_of_the_dead), RUN(a_summary_of_members_is_for_others),
          RUN(who_holds_the_same_lists_has_the_same_digest), RUN(nobody_else_speaks_for_us),
          RUN(a_list_of_an_earlier_life_is_taken_back), RUN(a_refutation_says_nothing_of_our_list),
          RUN(who_was_doubted_offers_what_it_did), RUN(one_node_offers_so_many_and_no_more),
          RUN(starting_over_keeps_only_what_is_ours))
