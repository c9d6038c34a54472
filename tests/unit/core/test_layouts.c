#include "core/layouts.h"
#include "fake_store.h"
#include "placement_world.h"
#include "proto/code.h"

#define NODES 6
#define LETTERS_MAX 512
#define MEMORY_BYTES 262144

/*
 * Nodes that know layouts, a table of links between them, and letters on their way. A layout's
 * bytes are {version, tag, who leaves}: whoever opens it makes the rest of it up.
 */
struct letter {
    size_t from;
    size_t to;
    struct mcpz_msg msg;
    uint8_t bytes[3];
    struct mcpz_layout_stamp live[MCPZ_LAYOUTS_LIVE_MAX];
    struct mcpz_layout_tracker trackers[NODES];
};

struct node {
    struct mcpz_layouts layouts;
    struct mcpz_overlay overlay;
    struct fake_store store;
    struct mcpz_layout_stamp synced;
    uint32_t replied; /* MCPZ_CODE_OK + 1 and up; 0: nothing */
    size_t facts;
    size_t settled_facts;
};

static struct world world;
static struct node nodes[NODES];
static _Alignas(16) uint8_t memory[NODES][MEMORY_BYTES];
static struct letter letters[LETTERS_MAX];
static size_t letter_count;
static size_t states_sent;
static struct mcpz_outbox out;
static struct mcpz_node_timing timing = {.anti_entropy_us = MCPZ_SECONDS(10)};
static mcpz_time now;

static bool open_layout(void *context, struct mcpz_bytes bytes, struct mcpz_arena *arena,
                        struct mcpz_placement *placement, struct mcpz_layout_stamp *stamp)
{
    (void)context;
    if (bytes.length != 3 || bytes.data[0] == 0) {
        return false;
    }
    struct mcpz_storage_node *copy = mcpz_arena_take(arena, NODES, sizeof(*copy));
    CHECK(copy != NULL);
    for (size_t i = 0; i < NODES; i++) {
        copy[i] = world.nodes[i];
        copy[i].state = i == bytes.data[2] ? MCPZ_STORAGE_LEAVING : MCPZ_STORAGE_ACTIVE;
    }
    *placement = world.placement;
    placement->version = bytes.data[0];
    placement->nodes = copy;
    *stamp = (struct mcpz_layout_stamp){.version = bytes.data[0], .tag = bytes.data[1]};
    return true;
}

static void start(size_t i)
{
    const struct mcpz_layouts_config config = {.self = world.nodes[i].id,
                                               .opener = {.open = open_layout},
                                               .nodes_max = NODES,
                                               .zones_max = 3,
                                               .seed = i + 1};
    struct mcpz_arena arena;

    CHECK(mcpz_layouts_bytes(&config) <= MEMORY_BYTES);
    memset(memory[i], 0, MEMORY_BYTES);
    mcpz_arena_init(&arena, memory[i], mcpz_layouts_bytes(&config));
    mcpz_layouts_init(&nodes[i].layouts, &config, &nodes[i].store.port, &timing, &arena, now);
    CHECK_UINT(arena.used, arena.size);
}

static void set_up(void)
{
    world_make(&world, NODES, 3);
    now = MCPZ_SECONDS(100);
    letter_count = 0;
    states_sent = 0;
    mcpz_outbox_init(&out);
    for (size_t i = 0; i < NODES; i++) {
        nodes[i] = (struct node){.facts = 0};
        fake_store_init(&nodes[i].store);
        start(i);
    }
}

static void tear_down(void)
{
    for (size_t i = 0; i < NODES; i++) {
        fake_store_finish(&nodes[i].store);
    }
}

static size_t node_of(const struct mcpz_id *id)
{
    for (size_t i = 0; i < NODES; i++) {
        if (mcpz_id_equal(&world.nodes[i].id, id)) {
            return i;
        }
    }
    CHECK(false);
    return NODES;
}

static bool is_linked(size_t a, size_t b)
{
    for (size_t i = 0; i < nodes[a].overlay.active_count; i++) {
        if (node_of(&nodes[a].overlay.active[i].id) == b) {
            return true;
        }
    }
    return false;
}

static void post(size_t from, size_t to, const struct mcpz_msg *msg)
{
    if (!is_linked(from, to)) {
        return;
    }
    CHECK(letter_count < LETTERS_MAX);
    struct letter *letter = &letters[letter_count++];
    *letter = (struct letter){.from = from, .to = to, .msg = *msg};
    if (msg->kind == MCPZ_MSG_LAYOUT) {
        CHECK_UINT(msg->layout.bytes.length, 3);
        memcpy(letter->bytes, msg->layout.bytes.data, 3);
        return;
    }
    CHECK_UINT(msg->kind, MCPZ_MSG_LAYOUT_STATE);
    CHECK(msg->layout_state.tracker_count <= NODES);
    states_sent++;
    for (size_t i = 0; i < msg->layout_state.live_count; i++) {
        letter->live[i] = msg->layout_state.live[i];
    }
    for (size_t i = 0; i < msg->layout_state.tracker_count; i++) {
        letter->trackers[i] = msg->layout_state.trackers[i];
    }
}

static void carry_out_one(size_t at, const struct mcpz_action *action)
{
    if (action->kind == MCPZ_ACTION_REPLY) {
        nodes[at].replied = action->reply.code + 1;
    } else if (action->kind == MCPZ_ACTION_FACT) {
        nodes[at].facts++;
        nodes[at].settled_facts += action->fact.kind == MCPZ_FACT_LAYOUT_SETTLED ? 1 : 0;
    } else {
        CHECK_UINT(action->kind, MCPZ_ACTION_SEND);
        CHECK(action->durable);
        for (size_t p = 0; p < action->send.peer_count; p++) {
            post(at, node_of(&action->send.peers[p]), &action->send.msg);
        }
    }
}

static void carry_out(size_t at)
{
    for (size_t i = 0; i < out.count; i++) {
        carry_out_one(at, &out.actions[i]);
    }
    fake_store_end_turn(&nodes[at].store);
}

static void step(size_t at, const struct mcpz_event *event)
{
    mcpz_outbox_clear(&out);
    mcpz_layouts_step(&nodes[at].layouts, &nodes[at].overlay, now, event, &out);
    carry_out(at);
}

static void deliver_first(void)
{
    struct letter letter = letters[0];

    memmove(&letters[0], &letters[1], --letter_count * sizeof(letters[0]));
    if (letter.msg.kind == MCPZ_MSG_LAYOUT) {
        letter.msg.layout.bytes = mcpz_bytes(letter.bytes, 3);
    } else {
        letter.msg.layout_state.live = letter.live;
        letter.msg.layout_state.trackers = letter.trackers;
    }
    step(letter.to,
         &(struct mcpz_event){.kind = MCPZ_EVENT_RECV,
                              .recv = {.from = world.nodes[letter.from].id, .msg = &letter.msg}});
}

static void pump(void)
{
    size_t budget = 10000;

    while (letter_count > 0) {
        CHECK(budget-- > 0);
        deliver_first();
    }
}

static void link_nodes(size_t a, size_t b)
{
    nodes[a].overlay.active[nodes[a].overlay.active_count++].id = world.nodes[b].id;
    nodes[b].overlay.active[nodes[b].overlay.active_count++].id = world.nodes[a].id;
    step(a, &(struct mcpz_event){.kind = MCPZ_EVENT_FACT,
                                 .fact = {.kind = MCPZ_FACT_LINKED, .about = world.nodes[b].id}});
    step(b, &(struct mcpz_event){.kind = MCPZ_EVENT_FACT,
                                 .fact = {.kind = MCPZ_FACT_LINKED, .about = world.nodes[a].id}});
}

static void unlink_node(size_t a)
{
    for (size_t i = 0; i < NODES; i++) {
        for (size_t at = 0; at < nodes[i].overlay.active_count; at++) {
            if (i == a || node_of(&nodes[i].overlay.active[at].id) == a) {
                nodes[i].overlay.active[at--] =
                    nodes[i].overlay.active[--nodes[i].overlay.active_count];
            }
        }
    }
    letter_count = 0;
}

/* A ring, so that what is told goes from one to the next. */
static void link_ring(size_t count)
{
    for (size_t i = 0; i < count; i++) {
        link_nodes(i, (i + 1) % count);
    }
    pump();
}

static void tick_all(mcpz_time us)
{
    now += us;
    for (size_t i = 0; i < NODES; i++) {
        step(i, &(struct mcpz_event){.kind = MCPZ_EVENT_TICK});
        mcpz_outbox_clear(&out);
        mcpz_layouts_hear(&nodes[i].layouts, now, (struct mcpz_layout_stamp){0}, nodes[i].synced,
                          &out);
        carry_out(i);
    }
    pump();
}

static void apply(size_t at, uint8_t version, uint8_t tag, uint8_t leaver)
{
    const uint8_t bytes[] = {version, tag, leaver};

    nodes[at].replied = 0;
    step(at, &(struct mcpz_event){.kind = MCPZ_EVENT_LAYOUT,
                                  .layout = {.request = 7, .bytes = mcpz_bytes(bytes, 3)}});
    CHECK(nodes[at].replied != 0);
}

/* The same from a neighbour. */
static void hear(size_t at, size_t from, uint8_t version, uint8_t tag)
{
    const uint8_t bytes[] = {version, tag, NODES};
    const struct mcpz_msg msg = {.kind = MCPZ_MSG_LAYOUT,
                                 .layout = {.bytes = mcpz_bytes(bytes, 3)}};

    step(at, &(struct mcpz_event){.kind = MCPZ_EVENT_RECV,
                                  .recv = {.from = world.nodes[from].id, .msg = &msg}});
}

/* Everybody who may has synced what is to be synced. */
static void sync_all(void)
{
    for (size_t i = 0; i < NODES; i++) {
        const struct mcpz_live_layout *live =
            mcpz_layout_history_to_sync(&nodes[i].layouts.history);
        if (live != NULL) {
            nodes[i].synced = live->stamp;
        }
    }
}

static void settle(void)
{
    for (int i = 0; i < 40; i++) {
        sync_all();
        tick_all(MCPZ_MS(150));
    }
}

static uint64_t newest(size_t at)
{
    const struct mcpz_live_layout *live = mcpz_layout_history_newest(&nodes[at].layouts.history);
    return live != NULL ? live->stamp.version : 0;
}

/* ---- Tests -------------------------------------------------------------------------------- */

TEST(who_knows_no_layout_says_so_once_a_link)
{
    set_up();
    CHECK(mcpz_layouts_may_come(&nodes[0].layouts));
    link_ring(NODES);
    CHECK_UINT(states_sent, 2 * NODES);
    pump();
    CHECK(!mcpz_layouts_may_come(&nodes[0].layouts));
    for (int i = 0; i < 20; i++) {
        tick_all(MCPZ_SECONDS(5));
    }
    CHECK_UINT(states_sent, 2 * NODES);
    CHECK(!mcpz_layouts_any(&nodes[0].layouts));
    CHECK(mcpz_layouts_keeps(&nodes[0].layouts, &world.nodes[0].id, &(struct mcpz_id){{7}}));
    tear_down();
}

TEST(a_layout_may_come_until_somebody_has_said_what_there_is)
{
    set_up();
    link_ring(NODES - 1);
    pump();
    apply(0, 1, 1, NODES);
    pump();
    CHECK(mcpz_layouts_may_come(&nodes[NODES - 1].layouts)); /* it has just come */
    link_nodes(0, NODES - 1);
    pump();
    CHECK_UINT(newest(NODES - 1), 1);
    CHECK(!mcpz_layouts_may_come(&nodes[NODES - 1].layouts));
    tear_down();
}

TEST(a_layout_that_nobody_tells_of_is_waited_for_a_while_only)
{
    set_up();
    tick_all(MCPZ_LAYOUTS_HEAR_US - 1);
    CHECK(mcpz_layouts_may_come(&nodes[0].layouts));
    tick_all(1);
    CHECK(!mcpz_layouts_may_come(&nodes[0].layouts));
    mcpz_layouts_start_over(&nodes[0].layouts, now);
    CHECK(mcpz_layouts_may_come(&nodes[0].layouts)); /* another mesh may have one */
    tear_down();
}

TEST(a_layout_that_is_applied_reaches_everybody_and_settles)
{
    set_up();
    link_ring(NODES);
    apply(0, 1, 1, NODES);
    CHECK_UINT(nodes[0].replied, MCPZ_CODE_OK + 1);
    pump();
    for (size_t i = 0; i < NODES; i++) {
        CHECK_UINT(newest(i), 1);
        CHECK_UINT(fake_store_count(&nodes[i].store, MCPZ_RECORD_LAYOUT), 1);
        CHECK(!mcpz_layouts_are_settled(&nodes[i].layouts));
        CHECK_UINT(nodes[i].facts, 1);
    }
    settle();
    for (size_t i = 0; i < NODES; i++) {
        CHECK(mcpz_layouts_are_settled(&nodes[i].layouts));
        CHECK_UINT(nodes[i].settled_facts, 1);
        CHECK_UINT(fake_store_count(&nodes[i].store, MCPZ_RECORD_TRACKER), NODES);
    }
    tear_down();
}

TEST(an_older_one_is_let_go_when_all_have_come_over)
{
    set_up();
    link_ring(NODES);
    apply(0, 1, 1, NODES);
    settle();
    apply(0, 2, 9, 3);
    pump();
    CHECK_UINT(nodes[5].layouts.history.live_count, 2);
    CHECK_UINT(fake_store_count(&nodes[5].store, MCPZ_RECORD_LAYOUT), 2);
    settle();
    for (size_t i = 0; i < NODES; i++) {
        CHECK_UINT(nodes[i].layouts.history.live_count, 1);
        CHECK_UINT(newest(i), 2);
        CHECK_UINT(fake_store_count(&nodes[i].store, MCPZ_RECORD_LAYOUT), 1);
        CHECK_UINT(nodes[i].settled_facts, 2);
    }
    tear_down();
}

TEST(a_node_that_was_away_holds_everything_up_and_is_told_when_it_is_back)
{
    set_up();
    link_ring(NODES);
    apply(0, 1, 1, NODES);
    settle();
    unlink_node(4);
    apply(0, 2, 1, NODES);
    settle();
    CHECK_UINT(newest(4), 1);
    CHECK_UINT(newest(2), 2);
    CHECK_UINT(nodes[2].layouts.history.live_count, 2);

    link_nodes(4, 1);
    pump();
    CHECK_UINT(newest(4), 2);
    link_nodes(3, 5); /* the ring was cut there */
    settle();
    for (size_t i = 0; i < NODES; i++) {
        CHECK(mcpz_layouts_are_settled(&nodes[i].layouts));
        CHECK_UINT(newest(i), 2);
    }
    tear_down();
}

TEST(a_node_that_will_not_come_back_can_be_skipped)
{
    set_up();
    link_ring(NODES);
    apply(0, 1, 1, NODES);
    settle();
    unlink_node(4);
    link_nodes(3, 5);
    apply(0, 2, 1, 4);
    settle();
    CHECK(!mcpz_layouts_are_settled(&nodes[0].layouts));

    nodes[2].replied = 0;
    step(2, &(struct mcpz_event){.kind = MCPZ_EVENT_LAYOUT_SKIP,
                                 .layout = {.request = 8, .node = world.nodes[4].id}});
    CHECK_UINT(nodes[2].replied, MCPZ_CODE_OK + 1);
    settle();
    settle();
    CHECK(mcpz_layouts_are_settled(&nodes[0].layouts));

    step(2, &(struct mcpz_event){.kind = MCPZ_EVENT_LAYOUT_SKIP,
                                 .layout = {.request = 9, .node = {{1, 2, 3}}}});
    CHECK_UINT(nodes[2].replied, MCPZ_CODE_NOT_FOUND + 1);
    tear_down();
}

/* The new ones found no place, and the old ones were not let go: what was said of them came with
 * the new ones. */
TEST(who_holds_as_many_as_can_be_lets_go_of_what_others_have_let_go)
{
    set_up();
    link_ring(NODES);
    for (uint8_t version = 1; version <= MCPZ_LAYOUTS_LIVE_MAX; version++) {
        hear(0, 1, version, 1);
    }
    pump();
    unlink_node(4);
    link_nodes(3, 5);
    step(2, &(struct mcpz_event){.kind = MCPZ_EVENT_LAYOUT_SKIP,
                                 .layout = {.request = 8, .node = world.nodes[4].id}});
    settle();
    settle();
    apply(0, MCPZ_LAYOUTS_LIVE_MAX + 1, 1, NODES);
    pump();
    CHECK_UINT(nodes[1].layouts.history.live_count, 2);
    CHECK_UINT(nodes[4].layouts.history.live_count, MCPZ_LAYOUTS_LIVE_MAX);
    CHECK_UINT(newest(4), MCPZ_LAYOUTS_LIVE_MAX);

    link_nodes(4, 1);
    pump();
    for (int i = 0; i < 10; i++) { /* comparisons, too */
        settle();
    }
    CHECK_UINT(newest(4), MCPZ_LAYOUTS_LIVE_MAX + 1);
    CHECK(mcpz_layouts_are_settled(&nodes[4].layouts));
    tear_down();
}

/* Who makes layouts was put back, alone, and has made its last one again, another: each side holds
 * as many as are made. */
TEST(two_of_one_version_are_taken_beyond_those_that_are_made)
{
    set_up();
    link_ring(NODES);
    for (uint8_t version = 1; version < MCPZ_LAYOUTS_MADE_MAX; version++) {
        apply(0, version, 1, NODES);
    }
    pump();
    unlink_node(4);
    link_nodes(3, 5);
    apply(0, MCPZ_LAYOUTS_MADE_MAX, 1, NODES);
    apply(4, MCPZ_LAYOUTS_MADE_MAX, 2, NODES);
    pump();
    apply(0, MCPZ_LAYOUTS_MADE_MAX + 1, 1, NODES);
    CHECK_UINT(nodes[0].replied, MCPZ_CODE_LIMIT + 1);

    link_nodes(4, 1);
    pump();
    settle();
    settle();
    for (size_t i = 0; i < NODES; i++) {
        CHECK(mcpz_layouts_are_settled(&nodes[i].layouts));
        CHECK_UINT(nodes[i].layouts.history.live[0].stamp.version, MCPZ_LAYOUTS_MADE_MAX);
    }
    tear_down();
}

/* The mesh has gone on to one that found no place, and had let go of all the others: of none of
 * them anybody spoke any more. So it is with who was skipped, or set back to an older disk. */
TEST(who_holds_as_many_as_can_be_makes_room_for_what_others_have_come_to)
{
    set_up();
    link_ring(NODES);
    for (uint8_t version = 1; version <= MCPZ_LAYOUTS_LIVE_MAX; version++) {
        hear(0, 1, version, 1);
    }
    pump();
    unlink_node(4);
    link_nodes(3, 5);
    apply(0, MCPZ_LAYOUTS_LIVE_MAX + 1, 1, NODES);
    CHECK_UINT(nodes[0].replied, MCPZ_CODE_LIMIT + 1);
    for (int i = 0; i < 2; i++) {
        step(2, &(struct mcpz_event){.kind = MCPZ_EVENT_LAYOUT_SKIP,
                                     .layout = {.request = 8, .node = world.nodes[4].id}});
        settle();
        apply(0, (uint8_t)(MCPZ_LAYOUTS_LIVE_MAX + 1 + i), 1, NODES);
        settle();
    }
    step(2, &(struct mcpz_event){.kind = MCPZ_EVENT_LAYOUT_SKIP,
                                 .layout = {.request = 8, .node = world.nodes[4].id}});
    settle();
    CHECK(mcpz_layouts_are_settled(&nodes[1].layouts));
    CHECK_UINT(nodes[4].layouts.history.live_count, MCPZ_LAYOUTS_LIVE_MAX);

    link_nodes(4, 1);
    deliver_first();
    CHECK_UINT(nodes[4].layouts.history.live_count, MCPZ_LAYOUTS_LIVE_MAX);
    pump();
    CHECK_UINT(newest(4), MCPZ_LAYOUTS_LIVE_MAX + 2);
    CHECK_UINT(fake_store_count(&nodes[4].store, MCPZ_RECORD_LAYOUT),
               nodes[4].layouts.history.live_count);
    settle();
    CHECK_UINT(nodes[4].layouts.history.live_count, 1);
    CHECK(mcpz_layouts_are_settled(&nodes[4].layouts));
    tear_down();
}

TEST(what_is_known_is_there_after_a_restart)
{
    set_up();
    link_ring(NODES);
    apply(0, 1, 1, NODES);
    settle();
    apply(0, 2, 1, NODES);
    pump();
    unlink_node(3);
    start(3);
    CHECK_UINT(newest(3), 2);
    CHECK_UINT(nodes[3].layouts.history.live_count, 2);
    const struct mcpz_layout_tracker *own =
        mcpz_layout_history_tracker(&nodes[3].layouts.history, &world.nodes[3].id);
    CHECK_UINT(own->acked.version, 2);
    CHECK_UINT(own->synced.version, 1);
    tear_down();
}

TEST(two_of_one_version_are_one_after_the_other_everywhere)
{
    set_up();
    link_ring(NODES);
    unlink_node(3);
    unlink_node(4);
    unlink_node(5);
    link_nodes(3, 4);
    link_nodes(4, 5);
    apply(0, 1, 8, NODES);
    apply(4, 1, 5, NODES);
    pump();
    CHECK_UINT(nodes[1].layouts.history.live_count, 1);
    link_nodes(2, 3);
    pump();
    settle();
    for (size_t i = 0; i < NODES; i++) {
        CHECK(mcpz_layouts_are_settled(&nodes[i].layouts));
        CHECK_UINT(nodes[i].layouts.history.live[0].stamp.tag, 8);
    }
    tear_down();
}

TEST(what_is_refused_says_why)
{
    set_up();
    const uint8_t forged[] = {0, 0, 0};

    apply(0, 5, 1, NODES);
    apply(0, 4, 1, NODES);
    CHECK_UINT(nodes[0].replied, MCPZ_CODE_CONFLICT + 1);
    apply(0, 6, 1, NODES);
    apply(0, 7, 1, NODES);
    apply(0, 8, 1, NODES);
    CHECK_UINT(nodes[0].replied, MCPZ_CODE_OK + 1);
    apply(0, 9, 1, NODES);
    CHECK_UINT(nodes[0].replied, MCPZ_CODE_LIMIT + 1);
    CHECK_UINT(nodes[0].layouts.layouts_too_many, 1);

    const struct mcpz_msg msg = {.kind = MCPZ_MSG_LAYOUT,
                                 .layout = {.bytes = mcpz_bytes(forged, 3)}};
    step(0, &(struct mcpz_event){.kind = MCPZ_EVENT_RECV,
                                 .recv = {.from = world.nodes[1].id, .msg = &msg}});
    CHECK_UINT(nodes[0].layouts.layouts_refused, 1);
    CHECK_UINT(fake_store_count(&nodes[0].store, MCPZ_RECORD_LAYOUT), 4);
    tear_down();
}

TEST(a_write_under_way_holds_the_acknowledgement_back)
{
    set_up();
    link_ring(NODES);
    apply(0, 1, 1, NODES);
    settle();
    const struct mcpz_layout_stamp first = nodes[2].layouts.history.live[0].stamp;
    mcpz_outbox_clear(&out);
    mcpz_layouts_hear(&nodes[2].layouts, now, first, (struct mcpz_layout_stamp){0}, &out);
    apply(2, 2, 1, NODES);
    const struct mcpz_layout_tracker *own =
        mcpz_layout_history_tracker(&nodes[2].layouts.history, &world.nodes[2].id);
    CHECK_UINT(own->acked.version, 1);
    mcpz_outbox_clear(&out);
    mcpz_layouts_hear(&nodes[2].layouts, now, (struct mcpz_layout_stamp){0},
                      (struct mcpz_layout_stamp){0}, &out);
    own = mcpz_layout_history_tracker(&nodes[2].layouts.history, &world.nodes[2].id);
    CHECK_UINT(own->acked.version, 2);
    tear_down();
}

TEST(owners_are_those_of_all_live_layouts)
{
    const struct mcpz_id document = {{0x42, 0x17, 1}};
    struct mcpz_id owners[MCPZ_OWNERS_MAX];

    set_up();
    link_ring(NODES);
    CHECK_UINT(mcpz_layouts_owners(&nodes[0].layouts, &document, owners), 0);
    apply(0, 1, 1, NODES);
    pump();
    CHECK(!mcpz_layouts_are_in_force(&nodes[0].layouts)); /* nobody has what is theirs yet */
    CHECK_UINT(mcpz_layouts_owners(&nodes[0].layouts, &document, owners), 0);
    CHECK_UINT(mcpz_layouts_readers(&nodes[0].layouts, &document, owners), 0);
    settle();
    CHECK(mcpz_layouts_are_in_force(&nodes[0].layouts));
    CHECK_UINT(mcpz_layouts_owners(&nodes[0].layouts, &document, owners), 3);
    const size_t best = node_of(&owners[0]);
    apply(0, 2, 1, (uint8_t)best);
    pump();
    CHECK_UINT(mcpz_layouts_owners(&nodes[0].layouts, &document, owners), 4);
    CHECK(mcpz_layouts_keeps(&nodes[0].layouts, &world.nodes[best].id, &document));
    CHECK_UINT(mcpz_layouts_readers(&nodes[0].layouts, &document, owners), 3);
    CHECK_UINT(node_of(&owners[0]), best);
    tear_down();
}

TEST(some_documents_are_everybodys)
{
    const struct mcpz_id everywhere = {{0, 0, 0, 0, 0, 0, 0, 0, 9}};
    struct mcpz_id owners[MCPZ_OWNERS_MAX];

    set_up();
    link_ring(NODES);
    apply(0, 1, 1, NODES);
    settle();
    CHECK_UINT(mcpz_layouts_owners(&nodes[0].layouts, &everywhere, owners), 0);
    for (size_t i = 0; i < NODES; i++) {
        CHECK(mcpz_layouts_keeps(&nodes[0].layouts, &world.nodes[i].id, &everywhere));
    }
    tear_down();
}

TEST(another_mesh_has_other_layouts)
{
    set_up();
    apply(0, 1, 1, NODES);
    mcpz_layouts_start_over(&nodes[0].layouts, now);
    CHECK(!mcpz_layouts_any(&nodes[0].layouts));
    CHECK_UINT(fake_store_count(&nodes[0].store, MCPZ_RECORD_LAYOUT), 0);
    CHECK_UINT(fake_store_count(&nodes[0].store, MCPZ_RECORD_TRACKER), 0);
    tear_down();
}

TEST_MAIN(RUN(who_knows_no_layout_says_so_once_a_link),
          RUN(a_layout_may_come_until_somebody_has_said_what_there_is),
          RUN(a_layout_that_nobody_tells_of_is_waited_for_a_while_only),
          RUN(a_layout_that_is_applied_reaches_everybody_and_settles),
          RUN(an_older_one_is_let_go_when_all_have_come_over),
          RUN(a_node_that_was_away_holds_everything_up_and_is_told_when_it_is_back),
          RUN(a_node_that_will_not_come_back_can_be_skipped),
          RUN(who_holds_as_many_as_can_be_lets_go_of_what_others_have_let_go),
          RUN(two_of_one_version_are_taken_beyond_those_that_are_made),
          RUN(who_holds_as_many_as_can_be_makes_room_for_what_others_have_come_to),
          RUN(what_is_known_is_there_after_a_restart),
          RUN(two_of_one_version_are_one_after_the_other_everywhere),
          RUN(what_is_refused_says_why), RUN(a_write_under_way_holds_the_acknowledgement_back),
          RUN(owners_are_those_of_all_live_layouts), RUN(some_documents_are_everybodys),
          RUN(another_mesh_has_other_layouts))
