/*
 * Broadcasts over a graph that loses links all the time but stays in one piece. Messages take any
 * time and overtake each other; what is on a lost link is lost, and its two ends hear of that one
 * after the other. A fourth of what is broadcast is large; replies often come later than anybody
 * waits for them. Whatever happens, everybody gets everything once, and nothing large unasked.
 */

#include "core/outbox.h"
#include "core/plumtree.h"
#include "sim/random_graph.h"
#include "test.h"

#define NODES 24
#define LINKS (NODES * MCPZ_RANDOM_GRAPH_DEGREE / 2)
#define BROADCASTS 40
#define SEEDS 200
#define SMALL_BYTES 8
#define LARGE_BYTES 64
#define LETTERS_MAX 16384
#define CHAOS_US MCPZ_SECONDS(8)

enum what { MESSAGE, NEIGHBOUR_LOST, BROADCAST, CUT };

struct letter {
    mcpz_time at_us;
    enum what what;
    uint32_t from; /* NEIGHBOUR_LOST: whom `to` loses */
    uint32_t to;   /* BROADCAST: who sends; CUT: a link */
    struct mcpz_msg msg;
    struct mcpz_gossip_notice notice; /* IHAVE: its only one */
};

static struct {
    struct mcpz_rng rng;
    struct mcpz_graph graph;
    bool is_cut[LINKS];
    struct mcpz_plumtree trees[NODES];
    _Alignas(16) uint8_t memory[NODES][16384];
    struct letter letters[LETTERS_MAX];
    size_t letter_count;
    uint8_t receipts[NODES][BROADCASTS];
    uint32_t senders[BROADCASTS];
    uint64_t large_sent;
    mcpz_time now;
    size_t cut_count;
} world;

static struct mcpz_outbox out;

static struct mcpz_id id_of(uint32_t node)
{
    return (struct mcpz_id){{(uint8_t)(node + 1)}};
}

static uint32_t node_of(const struct mcpz_id *id)
{
    return id->bytes[0] - 1U;
}

/* What is broadcast under that number: all of it says so. */
static struct mcpz_bytes payload_of(uint8_t number)
{
    static uint8_t payloads[BROADCASTS][LARGE_BYTES];

    memset(payloads[number], number, LARGE_BYTES);
    return mcpz_bytes(payloads[number], number % 4 == 3 ? LARGE_BYTES : SMALL_BYTES);
}

static mcpz_time within(mcpz_time most)
{
    return 1 + mcpz_rng_below(&world.rng, (uint32_t)most);
}

static void post(const struct letter *letter)
{
    CHECK(world.letter_count < LETTERS_MAX);
    world.letters[world.letter_count++] = *letter;
}

static void post_message(uint32_t from, uint32_t to, const struct mcpz_msg *msg)
{
    struct letter letter = {
        .at_us = world.now + within(MCPZ_MS(120)), .from = from, .to = to, .msg = *msg};

    if (msg->kind == MCPZ_MSG_GOSSIP) { /* theirs goes with the outbox */
        const struct mcpz_bytes lasting = payload_of(msg->gossip.id.bytes[0]);
        CHECK_BYTES(msg->gossip.payload, lasting.data, lasting.length);
        letter.msg.gossip.payload = lasting;
        world.large_sent += lasting.length == LARGE_BYTES;
    }
    if (msg->kind != MCPZ_MSG_IHAVE) {
        post(&letter);
        return;
    }
    for (size_t i = 0; i < msg->ihave.notice_count; i++) {
        letter.notice = msg->ihave.notices[i];
        post(&letter);
    }
}

/* Is there still a link between the two? */
static bool are_linked(uint32_t a, uint32_t b)
{
    for (size_t i = 0; i < LINKS; i++) {
        const uint32_t *ends = world.graph.links[i].ends;
        if (!world.is_cut[i] &&
            ((ends[0] == a && ends[1] == b) || (ends[0] == b && ends[1] == a))) {
            return true;
        }
    }
    return false;
}

static void carry_out(uint32_t node)
{
    for (size_t i = 0; i < out.count; i++) {
        const struct mcpz_action *action = &out.actions[i];
        CHECK(action->kind == MCPZ_ACTION_FACT || action->kind == MCPZ_ACTION_SEND);
        for (size_t k = 0; action->kind == MCPZ_ACTION_SEND && k < action->send.peer_count; k++) {
            uint32_t to = node_of(&action->send.peers[k]);
            if (are_linked(node, to)) {
                post_message(node, to, &action->send.msg);
            }
        }
    }
    mcpz_outbox_clear(&out);
}

static void step(uint32_t node, const struct mcpz_event *event)
{
    mcpz_plumtree_step(&world.trees[node], world.now, event, &out);
    for (size_t i = 0; i < out.count; i++) {
        if (out.actions[i].kind == MCPZ_ACTION_FACT) {
            CHECK_UINT(out.actions[i].fact.kind, MCPZ_FACT_GOSSIP_DELIVERED);
            world.receipts[node][event->recv.msg->gossip.id.bytes[0]]++;
        }
    }
    carry_out(node);
}

static void tell(uint32_t node, uint32_t about, enum mcpz_fact_kind kind)
{
    step(node, &(struct mcpz_event){.kind = MCPZ_EVENT_FACT,
                                    .fact = {.kind = kind, .about = id_of(about)}});
}

/* Nodes that can be reached from the first one. */
static size_t reached(void)
{
    bool is_reached[NODES] = {true};
    size_t count = 1;

    for (size_t pass = 0; pass < NODES; pass++) {
        for (size_t i = 0; i < LINKS; i++) {
            const uint32_t *ends = world.graph.links[i].ends;
            if (!world.is_cut[i] && is_reached[ends[0]] != is_reached[ends[1]]) {
                is_reached[ends[0]] = true;
                is_reached[ends[1]] = true;
                count++;
            }
        }
    }
    return count;
}

/* Unless that would leave somebody alone. */
static void cut(size_t link)
{
    const uint32_t *ends = world.graph.links[link].ends;

    if (world.is_cut[link]) {
        return;
    }
    world.is_cut[link] = true;
    if (reached() < NODES) {
        world.is_cut[link] = false;
        return;
    }
    world.cut_count++;
    for (size_t end = 0; end < 2; end++) {
        post(&(struct letter){.at_us = world.now + within(MCPZ_MS(300)),
                              .what = NEIGHBOUR_LOST,
                              .from = ends[!end],
                              .to = ends[end]});
    }
}

static void broadcast(uint32_t sender, uint8_t number)
{
    struct mcpz_gossip_id id = {{number}};

    CHECK_UINT(
        mcpz_plumtree_broadcast(&world.trees[sender], world.now, &id, payload_of(number), &out),
        MCPZ_OK);
    carry_out(sender);
}

static void happen(struct letter *letter)
{
    switch (letter->what) {
    case MESSAGE:
        if (!are_linked(letter->from, letter->to)) {
            return;
        }
        if (letter->msg.kind == MCPZ_MSG_IHAVE) {
            letter->msg.ihave = (struct mcpz_msg_ihave){&letter->notice, 1};
        }
        step(letter->to,
             &(struct mcpz_event){.kind = MCPZ_EVENT_RECV,
                                  .recv = {.from = id_of(letter->from), .msg = &letter->msg}});
        return;
    case NEIGHBOUR_LOST:
        tell(letter->to, letter->from, MCPZ_FACT_NEIGHBOUR_DOWN);
        return;
    case BROADCAST:
        broadcast(letter->to, (uint8_t)letter->from);
        return;
    case CUT:
        cut(letter->to);
        return;
    }
}

/* The earliest letter or timer. False: all is quiet. */
static bool run_once(void)
{
    size_t first = 0;
    uint32_t node = 0;

    for (size_t i = 1; i < world.letter_count; i++) {
        first = world.letters[i].at_us < world.letters[first].at_us ? i : first;
    }
    for (uint32_t i = 1; i < NODES; i++) {
        if (mcpz_plumtree_deadline(&world.trees[i]) < mcpz_plumtree_deadline(&world.trees[node])) {
            node = i;
        }
    }
    mcpz_time timer = mcpz_plumtree_deadline(&world.trees[node]);
    if (world.letter_count > 0 && world.letters[first].at_us <= timer) {
        struct letter letter = world.letters[first];
        world.letters[first] = world.letters[--world.letter_count];
        world.now = letter.at_us;
        happen(&letter);
        return true;
    }
    if (timer == MCPZ_TIME_NEVER) {
        return false;
    }
    world.now = timer;
    step(node, &(struct mcpz_event){.kind = MCPZ_EVENT_TICK});
    return true;
}

static void set_up(uint64_t seed)
{
    struct mcpz_plumtree_config config = {
        .seen_max = BROADCASTS,
        .cache_max = BROADCASTS,
        .cache_bytes = BROADCASTS * LARGE_BYTES,
        .payload_bytes_max = LARGE_BYTES - 1,
        .missing_max = BROADCASTS,
        .notices_max = MCPZ_PLUMTREE_IHAVE_MAX,
        .first_timeout_us = MCPZ_MS(200),
        .next_timeout_us = MCPZ_MS(100),
        .announce_us = MCPZ_MS(20),
        .optimise_ahead = (uint32_t)(seed % 4), /* 0: off */
        .seed = seed,
    };

    memset(&world, 0, sizeof(world));
    mcpz_rng_init(&world.rng, seed);
    mcpz_random_graph_init(&world.graph, NODES, &world.rng);
    mcpz_outbox_init(&out);
    CHECK(mcpz_plumtree_bytes(&config) <= sizeof(world.memory[0]));
    for (uint32_t i = 0; i < NODES; i++) {
        memset(world.memory[i], 0, sizeof(world.memory[i]));
        mcpz_plumtree_init(&world.trees[i], &config, world.memory[i]);
    }
    for (size_t i = 0; i < LINKS; i++) {
        const uint32_t *ends = world.graph.links[i].ends;
        tell(ends[0], ends[1], MCPZ_FACT_NEIGHBOUR_UP);
        tell(ends[1], ends[0], MCPZ_FACT_NEIGHBOUR_UP);
    }
}

static void plan(void)
{
    for (uint32_t i = 0; i < BROADCASTS; i++) {
        world.senders[i] = mcpz_rng_below(&world.rng, NODES);
        post(&(struct letter){
            .at_us = within(CHAOS_US), .what = BROADCAST, .from = i, .to = world.senders[i]});
    }
    for (uint32_t i = 0; i < LINKS; i++) {
        post(&(struct letter){.at_us = within(CHAOS_US), .what = CUT, .to = i});
    }
}

static void check_everybody_has_everything_once(uint64_t seed)
{
    for (uint32_t node = 0; node < NODES; node++) {
        for (size_t i = 0; i < BROADCASTS; i++) {
            uint8_t expected = world.senders[i] == node ? 0 : 1;
            if (world.receipts[node][i] != expected) {
                print_error("seed %" PRIu64 ": node %u got message %zu %u times\n", seed, node, i,
                            world.receipts[node][i]);
            }
            CHECK_UINT(world.receipts[node][i], expected);
        }
    }
}

TEST(while_links_are_lost_everybody_gets_everything_once)
{
    uint64_t grafts = 0;
    uint64_t swaps = 0;
    uint64_t pulls = 0;
    uint64_t large_sent = 0;

    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        set_up(seed);
        plan();
        while (run_once()) {
        }
        check_everybody_has_everything_once(seed);
        CHECK_UINT(reached(), NODES);
        CHECK_UINT(world.cut_count, LINKS - (NODES - 1)); /* a bare tree is left */
        for (size_t i = 0; i < NODES; i++) {
            grafts += world.trees[i].grafts;
            swaps += world.trees[i].swaps;
            pulls += world.trees[i].pulls;
        }
        large_sent += world.large_sent;
        mcpz_graph_finish(&world.graph);
    }
    CHECK(grafts > SEEDS); /* the storm does reach what it is about */
    CHECK(swaps > SEEDS);
    CHECK(pulls > large_sent); /* some are lost, and nothing goes without */
    CHECK(large_sent > (uint64_t)SEEDS * (BROADCASTS / 4) * (NODES - 1)); /* some go in vain */
}

TEST_MAIN(RUN(while_links_are_lost_everybody_gets_everything_once))
