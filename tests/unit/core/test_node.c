#include "core.h"
#include "fake_store.h"
#include "proto/code.h"

static struct mcpz_node node;
static struct fake_store store;
static _Alignas(16) uint8_t memory[8388608];

static void step(mcpz_time now, struct mcpz_event event)
{
    mcpz_outbox_clear(&out);
    mcpz_node_step(&node, now, &event, &out);
}

static void start(mcpz_time now, uint64_t request)
{
    step(now, (struct mcpz_event){.kind = MCPZ_EVENT_TASK_START,
                                  .task = {.request = request,
                                           .capability = mcpz_text("x"),
                                           .params = mcpz_text("{}"),
                                           .timeout_ms = 1000}});
}

static size_t pack_nothing(const struct mcpz_msg *msg, uint8_t *buffer, size_t capacity)
{
    (void)msg, (void)buffer, (void)capacity;
    return 0;
}

static bool unpack_nothing(struct mcpz_bytes packed, struct mcpz_arena *arena,
                           struct mcpz_msg *msg)
{
    (void)packed, (void)arena, (void)msg;
    return false;
}

/* A node that can dial one other at a time. */
static void set_up(void)
{
    const struct mcpz_packer packer = {.pack = pack_nothing, .unpack = unpack_nothing};
    struct mcpz_node_config config = {
        .fabric = small_fabric(&self, &packer),
        .calls = {.out_max = 8, .in_max = 8},
        .generation = 1,
    };

    config.fabric.dials_max = 1;
    CHECK(mcpz_node_bytes(&config) <= sizeof(memory));
    mcpz_outbox_init(&out);
    fake_store_init(&store);
    memset(memory, 0, sizeof(memory));
    mcpz_node_init(&node, &config, &store.port, memory, 0);
}

/* A member that is not linked and offers "x". */
static void know(const struct mcpz_id *id, const char *address)
{
    struct mcpz_bytes names[] = {mcpz_text("x")};
    const struct mcpz_msg_member said = {.id = *id, .address = mcpz_text(address)};
    struct mcpz_msg list = {
        .kind = MCPZ_MSG_CAPABILITIES,
        .capabilities = {.id = *id, .version = 1, .names = names, .name_count = 1},
    };
    struct mcpz_event heard = {.kind = MCPZ_EVENT_RECV, .recv = {.from = *id, .msg = &list}};
    struct mcpz_roster *roster = &node.fabric.members.roster;
    struct mcpz_member *member = mcpz_roster_add(roster, id);

    CHECK(member != NULL);
    CHECK_UINT(mcpz_roster_describe(roster, member, &said), MCPZ_OK);
    member->state = MCPZ_MEMBER_ALIVE;
    mcpz_registry_step(&node.registry, 0, &heard, &out);
}

TEST(a_task_reaches_its_provider_by_a_dial)
{
    set_up();
    know(&alice, "a:1");
    start(0, 1);
    const struct mcpz_action *dial = only_action(MCPZ_ACTION_DIAL);
    CHECK_BYTES(dial->dial.address, "a:1", 3);
    CHECK(mcpz_id_equal(&dial->dial.expected, &alice));
    CHECK_UINT(count_actions(MCPZ_ACTION_REACH), 0); /* it has sunk */

    step(1, (struct mcpz_event){
                .kind = MCPZ_EVENT_LINK_UP,
                .link = {.peer = alice, .address = mcpz_text("a:1"), .dialled = true}});
    CHECK_UINT(only_action(MCPZ_ACTION_TASK_RETRY)->task.request, 1);
    start(2, 1);
    CHECK_UINT(sent(MCPZ_MSG_OPEN)->open.attempt, 1);
    fake_store_finish(&store);
}

TEST(a_dial_that_fails_ends_a_task_nobody_else_can_do)
{
    set_up();
    know(&alice, "a:1");
    start(0, 1);
    step(1, (struct mcpz_event){.kind = MCPZ_EVENT_DIAL_FAILED,
                                .seed = {.address = mcpz_text("a:1"), .refused = true}});
    CHECK_UINT(only_action(MCPZ_ACTION_TASK_DONE)->task.code, MCPZ_CODE_PROVIDER_LOST);
    fake_store_finish(&store);
}

/* The word that it cannot be tried comes in the step that asks for it. */
TEST(a_task_whose_provider_cannot_be_dialled_now_does_not_wait)
{
    set_up();
    know(&alice, "a:1");
    start(0, 1);
    CHECK_UINT(count_actions(MCPZ_ACTION_DIAL), 1);
    know(&bob, "b:1");
    node.registry.offerers[1].up = false; /* alice offers it no more: only bob is left */
    start(0, 2);
    CHECK_UINT(count_actions(MCPZ_ACTION_DIAL), 0);
    CHECK(has_fact(MCPZ_FACT_UNREACHABLE, &bob));
    const struct mcpz_action *done = only_action(MCPZ_ACTION_TASK_DONE);
    CHECK_UINT(done->task.request, 2);
    CHECK_UINT(done->task.code, MCPZ_CODE_PROVIDER_LOST);
    fake_store_finish(&store);
}

static void link_up(mcpz_time now, const struct mcpz_id *id)
{
    step(now, (struct mcpz_event){.kind = MCPZ_EVENT_LINK_UP, .link = {.peer = *id}});
}

static size_t count_sent(enum mcpz_msg_kind kind)
{
    const struct mcpz_action *action;
    size_t at = 0;
    size_t count = 0;

    while ((action = next_action(MCPZ_ACTION_SEND, &at)) != NULL) {
        count += action->send.msg.kind == kind;
    }
    return count;
}

/* The two may be all that connects two parts of the mesh. A walk for each of those who meet again
 * would be many. */
TEST(who_was_held_for_dead_and_is_linked_is_courted)
{
    const struct mcpz_msg wish = {.kind = MCPZ_MSG_OVERLAY_NEIGHBOUR,
                                  .overlay_neighbour = {.seq = 1, .high = true}};

    set_up();
    know(&alice, "a:1");
    know(&bob, "b:1");
    link_up(1, &bob);
    step(2, (struct mcpz_event){.kind = MCPZ_EVENT_RECV, .recv = {.from = bob, .msg = &wish}});
    CHECK(mcpz_overlay_is_neighbour(&node.fabric.overlay, &bob));
    node.fabric.overlay.ask_count = 0;
    mcpz_roster_find(&node.fabric.members.roster, &alice)->state = MCPZ_MEMBER_DEAD;
    link_up(3, &alice);
    CHECK_UINT(count_sent(MCPZ_MSG_OVERLAY_JOIN), 0);
    CHECK_UINT(count_sent(MCPZ_MSG_OVERLAY_NEIGHBOUR), 1);
    CHECK(sent(MCPZ_MSG_OVERLAY_NEIGHBOUR)->overlay_neighbour.high);
    fake_store_finish(&store);
}

TEST(who_is_alive_and_linked_is_not_courted)
{
    const struct mcpz_msg wish = {.kind = MCPZ_MSG_OVERLAY_NEIGHBOUR,
                                  .overlay_neighbour = {.seq = 1, .high = true}};

    set_up();
    know(&alice, "a:1");
    know(&bob, "b:1");
    link_up(1, &bob);
    step(2, (struct mcpz_event){.kind = MCPZ_EVENT_RECV, .recv = {.from = bob, .msg = &wish}});
    node.fabric.overlay.ask_count = 0;
    link_up(3, &alice);
    CHECK_UINT(count_sent(MCPZ_MSG_OVERLAY_JOIN), 0);
    CHECK_UINT(count_sent(MCPZ_MSG_OVERLAY_NEIGHBOUR), 0);
    fake_store_finish(&store);
}

TEST(announcements_wait_for_each_other_for_a_tenth_of_a_second)
{
    set_up();
    CHECK_UINT(node.fabric.plumtree.config.announce_us, MCPZ_MS(100));
    fake_store_finish(&store);
}

static size_t compared(void)
{
    return node.agents.entropy.peer_count;
}

static void link_down(mcpz_time now, const struct mcpz_id *id)
{
    step(now, (struct mcpz_event){.kind = MCPZ_EVENT_LINK_DOWN, .link = {.peer = *id}});
}

/* Documents are compared with whom there is a link, or a session through others. */
TEST(who_has_a_session_is_compared_with_when_its_link_ends)
{
    set_up();
    struct mcpz_relay_session *session = &node.relay.sessions[0];

    know(&alice, "a:1");
    know(&bob, "b:1");
    link_up(1, &bob);
    link_up(1, &alice);
    CHECK_UINT(compared(), 2);
    link_down(2, &alice);
    CHECK_UINT(compared(), 1);

    link_up(3, &alice);
    node.relay.count = 1;
    *session = (struct mcpz_relay_session){
        .state = MCPZ_RELAY_UP, .peer = alice, .was_up = true, .needed = true, .heard_us = 4};
    session->way.path_count = 3;
    session->way.path[1] = mcpz_short_of(&bob);
    session->way.path[2] = mcpz_short_of(&alice);
    link_down(4, &alice);
    CHECK(mcpz_relay_reaches(&node.relay, &alice));
    CHECK_UINT(compared(), 2);
    CHECK(mcpz_id_equal(&node.agents.entropy.peers[1].id, &alice));
    CHECK_UINT(node.agents.entropy.peers[1].root_at_us, 4); /* anew: what was said is lost */
    fake_store_finish(&store);
}

TEST_MAIN(RUN(a_task_reaches_its_provider_by_a_dial),
          RUN(a_dial_that_fails_ends_a_task_nobody_else_can_do),
          RUN(a_task_whose_provider_cannot_be_dialled_now_does_not_wait),
          RUN(who_was_held_for_dead_and_is_linked_is_courted),
          RUN(who_is_alive_and_linked_is_not_courted),
          RUN(who_has_a_session_is_compared_with_when_its_link_ends),
          RUN(announcements_wait_for_each_other_for_a_tenth_of_a_second))
