/* Calls between nodes that cannot have a link: over others, who cannot read them. */

#include <stdlib.h>

#include "base/rng.h"
#include "meshes.h"
#include "wire/codec.h"
#include "wire/frame.h"

#define SECRET "a secret of the two at the ends, and of nobody between"

static const struct mcpz_sim_config calm = {
    .node_count = 3,
    .seed = 1,
    .delay_min_us = MCPZ_MS(5),
    .delay_max_us = MCPZ_MS(15),
    .disk_us = MCPZ_MS(1),
    .run_us = MCPZ_MS(50),
};

/* Nodes around node 0, which alone can be dialled. */
static struct mcpz_sim *star_of(size_t node_count, uint64_t seed)
{
    struct mcpz_sim_config config = calm;

    config.node_count = node_count;
    config.seed = seed;
    return start_star(&config);
}

static const struct mcpz_relay *relay_of(struct mcpz_sim *sim, size_t index)
{
    return &node_of(sim, index)->relay;
}

TEST(nodes_behind_nat_call_each_other_through_their_neighbour)
{
    struct mcpz_sim *sim = star_of(3, 1);
    CHECK(!are_linked(sim, 1, 2));
    mcpz_sim_provide(sim, 2, "echo");
    mcpz_sim_run_for(sim, MCPZ_SECONDS(2));

    uint64_t task = mcpz_sim_task(sim, 1, "echo", SECRET, 5000);
    mcpz_sim_run_for(sim, MCPZ_SECONDS(1));
    CHECK_UINT((unsigned)mcpz_sim_reply(sim, task), MCPZ_CODE_OK);
    CHECK_TEXT(mcpz_sim_result(sim, task), SECRET);
    CHECK(!are_linked(sim, 1, 2));
    CHECK(relay_of(sim, 0)->carrier.carried > 0);
    CHECK_UINT(relay_of(sim, 0)->count, 0); /* who carries keeps nothing */
    CHECK_UINT(relay_of(sim, 1)->begun, 1);

    /* The session is used again, and the other way too. */
    mcpz_sim_provide(sim, 1, "other");
    mcpz_sim_run_for(sim, MCPZ_SECONDS(2));
    task = mcpz_sim_task(sim, 2, "other", SECRET, 5000);
    uint64_t again = mcpz_sim_task(sim, 1, "echo", SECRET, 5000);
    mcpz_sim_run_for(sim, MCPZ_SECONDS(1));
    CHECK_UINT((unsigned)mcpz_sim_reply(sim, task), MCPZ_CODE_OK);
    CHECK_UINT((unsigned)mcpz_sim_reply(sim, again), MCPZ_CODE_OK);
    CHECK_UINT(relay_of(sim, 1)->begun + relay_of(sim, 2)->begun, 1);

    /* And forgotten when nobody has needed it for long. */
    mcpz_sim_run_for(sim, MCPZ_SECONDS(40));
    CHECK_UINT(relay_of(sim, 1)->count, 0);
    CHECK_UINT(relay_of(sim, 2)->count, 0);
    mcpz_sim_destroy(sim);
}

/* Its provider says every few seconds that it is at it, which crosses as the call does. */
TEST(a_durable_task_done_through_others_keeps_its_lease)
{
    struct mcpz_sim_config config = calm;
    const struct mcpz_sim_submission submission = {
        .capability = "echo", .params = "[7]", .timeout_ms = 600000};

    config.run_us = MCPZ_SECONDS(90);
    struct mcpz_sim *sim = start_star(&config);
    mcpz_sim_provide(sim, 2, "echo");
    mcpz_sim_run_for(sim, MCPZ_SECONDS(2));
    uint64_t request = mcpz_sim_submit(sim, 1, &submission);
    mcpz_sim_run_for(sim, MCPZ_SECONDS(95));
    struct mcpz_task_state became;
    CHECK(mcpz_sim_task_state(sim, 1, mcpz_sim_task_id(sim, request), &became));
    CHECK_UINT(became.phase, MCPZ_TASK_DONE);
    CHECK_UINT(became.attempts, 0);
    CHECK(!are_linked(sim, 1, 2));
    const struct mcpz_tasks *tasks = &node_of(sim, 1)->tasks;
    CHECK_UINT(tasks->counts.attempts, 1);
    CHECK_UINT(tasks->counts.lost_leases, 0);
    mcpz_sim_destroy(sim);
}

/* Nobody has told of his neighbours yet: our own are asked. */
TEST(who_has_just_joined_can_call)
{
    struct mcpz_sim_config config = calm;

    struct mcpz_sim *sim = mcpz_sim_create(&config);
    mcpz_sim_hide(sim, 1);
    mcpz_sim_hide(sim, 2);
    for (size_t i = 0; i < 3; i++) {
        mcpz_sim_start(sim, i);
        mcpz_sim_run_for(sim, MCPZ_MS(200));
    }
    mcpz_sim_provide(sim, 2, "echo");
    mcpz_sim_run_for(sim, MCPZ_MS(200));
    uint64_t task = mcpz_sim_task(sim, 1, "echo", SECRET, 5000);
    mcpz_sim_run_for(sim, MCPZ_SECONDS(1));
    CHECK_UINT((unsigned)mcpz_sim_reply(sim, task), MCPZ_CODE_OK);
    mcpz_sim_destroy(sim);
}

/* What each of two has begun for the other. */
static void count_runs(void *context, size_t index, const struct mcpz_action *action)
{
    ((size_t *)context)[index] += action->kind == MCPZ_ACTION_RUN_START;
}

/* Their greetings cross: one session comes of it, and nothing is done twice. */
TEST(two_that_call_each_other_at_once_have_one_session)
{
    for (uint64_t seed = 1; seed <= SEEDS_OF(20); seed++) {
        size_t runs[3] = {0};
        struct mcpz_sim *sim = star_of(3, seed);

        mcpz_sim_provide(sim, 1, "one");
        mcpz_sim_provide(sim, 2, "two");
        mcpz_sim_run_for(sim, MCPZ_SECONDS(2));
        mcpz_sim_watch(sim, &(struct mcpz_sim_watch){.context = runs, .saw = count_runs});
        uint64_t there = mcpz_sim_task(sim, 1, "two", SECRET, 5000);
        uint64_t back = mcpz_sim_task(sim, 2, "one", SECRET, 5000);
        mcpz_sim_run_for(sim, MCPZ_SECONDS(4));
        CHECK_UINT((unsigned)mcpz_sim_reply(sim, there), MCPZ_CODE_OK);
        CHECK_UINT((unsigned)mcpz_sim_reply(sim, back), MCPZ_CODE_OK);
        CHECK_UINT(runs[1], 1);
        CHECK_UINT(runs[2], 1);
        CHECK_UINT(relay_of(sim, 1)->begun + relay_of(sim, 2)->begun, 2);
        CHECK_UINT(relay_of(sim, 1)->accepted + relay_of(sim, 2)->accepted, 1);
        mcpz_sim_destroy(sim);
    }
}

/* ---- Secrecy ------------------------------------------------------------------------------ */

/* Who reads all that crosses the network, decompressed. */
struct reader {
    struct mcpz_framer *framer;
    size_t frames;
    size_t found; /* frames in which the secret stood */
};

static void read_frame(void *context, size_t from, size_t to, struct mcpz_bytes frame)
{
    struct reader *reader = context;
    struct mcpz_bytes body;

    (void)from, (void)to;
    CHECK_UINT(mcpz_framer_open(reader->framer, frame, &body), MCPZ_OK);
    reader->frames++;
    reader->found += memmem(body.data, body.length, SECRET, sizeof(SECRET) - 1) != NULL;
}

static void call_and_read(struct mcpz_sim *sim, struct reader *reader, size_t from,
                          const char *capability)
{
    reader->frames = 0;
    reader->found = 0;
    uint64_t task = mcpz_sim_task(sim, from, capability, SECRET, 5000);
    mcpz_sim_run_for(sim, MCPZ_SECONDS(2));
    CHECK_UINT((unsigned)mcpz_sim_reply(sim, task), MCPZ_CODE_OK);
    CHECK_TEXT(mcpz_sim_result(sim, task), SECRET);
}

TEST(no_frame_of_a_relayed_call_shows_what_it_says)
{
    struct reader reader = {.frames = 0};

    CHECK_UINT(mcpz_framer_create(&reader.framer), MCPZ_OK);
    struct mcpz_sim *sim = star_of(3, 2);
    mcpz_sim_provide(sim, 2, "far");
    mcpz_sim_provide(sim, 0, "near");
    mcpz_sim_run_for(sim, MCPZ_SECONDS(2));
    mcpz_sim_watch(sim, &(struct mcpz_sim_watch){.context = &reader, .read = read_frame});

    /* Over one link, frames show it, there and back: links are TLS's to keep. */
    call_and_read(sim, &reader, 1, "near");
    CHECK_UINT(reader.found, 2);

    call_and_read(sim, &reader, 1, "far");
    CHECK(reader.frames > 8); /* two hops, a handshake and a call, both ways */
    CHECK_UINT(reader.found, 0);
    mcpz_sim_destroy(sim);
    mcpz_framer_destroy(reader.framer);
}

/* ---- Faults ------------------------------------------------------------------------------- */

static size_t open_calls(struct mcpz_sim *sim, size_t index)
{
    const struct mcpz_calls *calls = &node_of(sim, index)->calls;

    return calls->caller.table.count + calls->provider.table.count;
}

/* Two that can be dialled, 0 and 1; 2 and 3 behind NAT, linked with both. Tasks take long. */
static struct mcpz_sim *start_square(uint64_t seed)
{
    struct mcpz_sim_config config = calm;

    config.node_count = 4;
    config.seed = seed;
    config.run_us = MCPZ_SECONDS(20);
    struct mcpz_sim *sim = mcpz_sim_create(&config);
    mcpz_sim_hide(sim, 2);
    mcpz_sim_hide(sim, 3);
    mcpz_sim_start_all(sim);
    mcpz_sim_provide(sim, 3, "echo");
    mcpz_sim_run_for(sim, MCPZ_SECONDS(5));
    for (size_t hidden = 2; hidden < 4; hidden++) {
        CHECK(are_linked(sim, hidden, 0) && are_linked(sim, hidden, 1));
    }
    CHECK(!are_linked(sim, 2, 3));
    return sim;
}

/* Which of the two that can be dialled carries. */
static size_t carrier_of(struct mcpz_sim *sim)
{
    return relay_of(sim, 0)->carrier.carried > 0 ? 0 : 1;
}

TEST(a_dead_provider_fails_its_relayed_calls_soon)
{
    struct mcpz_sim *sim = start_square(3);
    uint64_t task = mcpz_sim_task(sim, 2, "echo", SECRET, 60000);
    mcpz_sim_run_for(sim, MCPZ_SECONDS(1));
    CHECK_UINT(open_calls(sim, 3), 1);

    mcpz_sim_kill(sim, 3);
    mcpz_sim_run_for(sim, MCPZ_SECONDS(8));
    CHECK_UINT((unsigned)mcpz_sim_reply(sim, task), MCPZ_CODE_PROVIDER_LOST);
    mcpz_sim_destroy(sim);
}

TEST(a_dead_caller_stops_its_relayed_runs)
{
    struct mcpz_sim *sim = start_square(4);
    (void)mcpz_sim_task(sim, 2, "echo", SECRET, 60000);
    mcpz_sim_run_for(sim, MCPZ_SECONDS(1));
    CHECK_UINT(open_calls(sim, 3), 1);

    mcpz_sim_kill(sim, 2);
    mcpz_sim_run_for(sim, MCPZ_SECONDS(8));
    CHECK_UINT(open_calls(sim, 3), 0);
    mcpz_sim_destroy(sim);
}

TEST(when_a_relay_dies_its_calls_take_another_way)
{
    struct mcpz_sim *sim = start_square(5);
    uint64_t task = mcpz_sim_task(sim, 2, "echo", SECRET, 60000);
    mcpz_sim_run_for(sim, MCPZ_SECONDS(1));
    CHECK_UINT(open_calls(sim, 3), 1);

    const size_t relay = carrier_of(sim);
    mcpz_sim_kill(sim, relay);
    mcpz_sim_run_for(sim, MCPZ_SECONDS(40));
    CHECK_UINT((unsigned)mcpz_sim_reply(sim, task), MCPZ_CODE_OK);
    CHECK(relay_of(sim, 1 - relay)->carrier.carried > 0);
    CHECK_UINT(open_calls(sim, 3), 0);
    mcpz_sim_destroy(sim);
}

/* The relay goes on, but the link it would hand things on over is cut: it can only be silent. */
TEST(when_a_way_is_cut_its_calls_take_another_one)
{
    struct mcpz_sim *sim = start_square(6);
    uint64_t task = mcpz_sim_task(sim, 2, "echo", SECRET, 60000);
    mcpz_sim_run_for(sim, MCPZ_SECONDS(1));
    const size_t relay = carrier_of(sim);
    mcpz_sim_cut(sim, relay, 3, true);
    mcpz_sim_run_for(sim, MCPZ_SECONDS(45));
    CHECK_UINT((unsigned)mcpz_sim_reply(sim, task), MCPZ_CODE_OK);
    CHECK(relay_of(sim, 1 - relay)->carrier.carried > 0);
    mcpz_sim_destroy(sim);
}

/* Half of a way stands half open: its hop notices by what is not taken, long before heartbeats do,
 * and says so. What may be done once is. */
TEST(who_takes_nothing_is_gone_round_within_three_seconds)
{
    for (uint64_t seed = 11; seed <= SEEDS_OF(20); seed++) {
        struct mcpz_sim *sim = start_square(seed);
        mcpz_sim_slow_runs(sim, 3, MCPZ_MS(20));
        uint64_t task = mcpz_sim_task(sim, 2, "echo", SECRET, 60000);
        mcpz_sim_run_for(sim, MCPZ_SECONDS(3));
        CHECK_UINT((unsigned)mcpz_sim_reply(sim, task), MCPZ_CODE_OK);

        const size_t relay = carrier_of(sim);
        size_t runs[4] = {0};
        mcpz_sim_watch(sim, &(struct mcpz_sim_watch){.context = runs, .saw = count_runs});
        mcpz_sim_cut(sim, relay, 3, true);
        task = mcpz_sim_task(sim, 2, "echo", SECRET, 60000);
        mcpz_sim_run_for(sim, MCPZ_SECONDS(3));
        CHECK(are_linked(sim, relay, 3)); /* or it would be easy */
        CHECK_UINT((unsigned)mcpz_sim_reply(sim, task), MCPZ_CODE_OK);
        CHECK_UINT(runs[3], 1);
        CHECK(relay_of(sim, relay)->carrier.stalls > 0);
        CHECK(relay_of(sim, 1 - relay)->carrier.carried > 0);

        /* Where it is our own link, nobody has to tell us. */
        mcpz_sim_cut(sim, relay, 3, false);
        mcpz_sim_cut(sim, 1 - relay, 2, true);
        task = mcpz_sim_task(sim, 2, "echo", SECRET, 60000);
        mcpz_sim_run_for(sim, MCPZ_SECONDS(3));
        CHECK(are_linked(sim, 1 - relay, 2));
        CHECK_UINT((unsigned)mcpz_sim_reply(sim, task), MCPZ_CODE_OK);
        CHECK_UINT(runs[3], 2);
        mcpz_sim_destroy(sim);
    }
}

/* There is no way round, and whoever stands still goes on: so do its calls, in their session. */
TEST(where_nothing_goes_round_it_who_stands_still_is_waited_for)
{
    for (size_t still = 0; still < 3; still++) {
        struct mcpz_sim *sim = star_of(3, 31 + still);
        size_t runs[3] = {0};
        mcpz_sim_watch(sim, &(struct mcpz_sim_watch){.context = runs, .saw = count_runs});
        mcpz_sim_provide(sim, 2, "echo");
        mcpz_sim_slow_runs(sim, 2, MCPZ_SECONDS(10));
        mcpz_sim_run_for(sim, MCPZ_SECONDS(2));
        uint64_t task = mcpz_sim_task(sim, 1, "echo", SECRET, 60000);
        mcpz_sim_run_for(sim, MCPZ_SECONDS(2));
        mcpz_sim_pause(sim, still, MCPZ_SECONDS(4));
        mcpz_sim_run_for(sim, MCPZ_SECONDS(20));
        CHECK_UINT((unsigned)mcpz_sim_reply(sim, task), MCPZ_CODE_OK);
        CHECK_UINT(runs[2], 1);
        CHECK_UINT(relay_of(sim, 1)->begun, 1);
        CHECK_UINT(relay_of(sim, 1)->broken + relay_of(sim, 2)->broken, 0);
        mcpz_sim_destroy(sim);
    }
}

/* The hop between, which knows all numbers, says whatever it likes of the step behind it. */
static void make_up(struct mcpz_sim *sim, uint32_t broken_at, struct mcpz_bytes signature)
{
    const struct mcpz_relay_session *session = &relay_of(sim, 1)->sessions[0];
    const struct mcpz_msg msg = {.kind = MCPZ_MSG_RELAY,
                                 .relay = {.kind = MCPZ_RELAY_BROKEN,
                                           .session = session->way.session,
                                           .path = session->way.path,
                                           .path_count = session->way.path_count,
                                           .broken_at = broken_at,
                                           .bytes = signature}};
    uint8_t frame[1024] = {0}; /* plain */
    size_t length;

    CHECK_UINT(mcpz_msg_encode(&msg, frame + 1, sizeof(frame) - 1, &length), MCPZ_OK);
    CHECK_UINT(mcpz_sim_inject(sim, 0, 1, mcpz_bytes(frame, 1 + length)), MCPZ_OK);
    mcpz_sim_run_for(sim, MCPZ_MS(100));
}

TEST(what_a_hop_makes_up_of_others_breaks_nothing)
{
    static const uint8_t junk[MCPZ_VOUCH_BYTES] = {1};

    struct mcpz_sim *sim = star_of(3, 9);
    mcpz_sim_provide(sim, 2, "echo");
    mcpz_sim_run_for(sim, MCPZ_SECONDS(2));
    uint64_t task = mcpz_sim_task(sim, 1, "echo", SECRET, 5000);
    mcpz_sim_run_for(sim, MCPZ_SECONDS(1));
    CHECK_UINT((unsigned)mcpz_sim_reply(sim, task), MCPZ_CODE_OK);
    const uint64_t session = relay_of(sim, 1)->sessions[0].way.session;

    mcpz_sim_slow_runs(sim, 2, MCPZ_SECONDS(2));
    task = mcpz_sim_task(sim, 1, "echo", SECRET, 5000);
    mcpz_sim_run_for(sim, MCPZ_MS(500));
    make_up(sim, 1, mcpz_bytes(NULL, 0));
    make_up(sim, 1, mcpz_bytes(junk, sizeof(junk)));
    make_up(sim, 2, mcpz_bytes(junk, sizeof(junk))); /* that the peer said no */
    CHECK_UINT(relay_of(sim, 1)->forged, 3);
    CHECK(relay_of(sim, 1)->sessions[0].way.session == session);
    mcpz_sim_run_for(sim, MCPZ_SECONDS(3));
    CHECK_UINT((unsigned)mcpz_sim_reply(sim, task), MCPZ_CODE_OK);
    CHECK_UINT(relay_of(sim, 1)->begun, 1);
    mcpz_sim_destroy(sim);
}

TEST(without_any_way_a_call_fails_long_before_its_deadline)
{
    struct mcpz_sim *sim = start_square(7);
    uint64_t task = mcpz_sim_task(sim, 2, "echo", SECRET, 600000);
    mcpz_sim_run_for(sim, MCPZ_SECONDS(1));
    mcpz_sim_cut(sim, 0, 3, true);
    mcpz_sim_cut(sim, 1, 3, true);
    mcpz_sim_run_for(sim, MCPZ_SECONDS(30));
    CHECK_UINT((unsigned)mcpz_sim_reply(sim, task), MCPZ_CODE_PROVIDER_LOST);
    CHECK_UINT(open_calls(sim, 2), 0);
    mcpz_sim_destroy(sim);
}

/* ---- Any connected graph ------------------------------------------------------------------ */

#define GRAPHS 24
#define GRAPH_NODES 10
#define GRAPH_TASKS 30
#define NEIGHBOURS 6 /* of a node, at most */

/* How often each task was started, anywhere. Its parameters are its number. */
struct census {
    unsigned starts[GRAPH_TASKS];
    size_t provider[GRAPH_TASKS];
};

static void count_starts(void *context, size_t index, const struct mcpz_action *action)
{
    struct census *census = context;
    char text[16];

    if (action->kind != MCPZ_ACTION_RUN_START) {
        return;
    }
    mcpz_bytes_to_text(action->run.params, text, sizeof(text));
    unsigned long number = strtoul(text, NULL, 10);
    CHECK(number < GRAPH_TASKS);
    census->starts[number]++;
    census->provider[number] = index;
}

/* A tree by lot and some more edges; whoever has none between them cannot have a link. Nobody has
 * more of them than a node has neighbours, or the overlay could not be as connected. */
static void cut_to_a_graph(struct mcpz_sim *sim, struct mcpz_rng *rng)
{
    bool edges[GRAPH_NODES][GRAPH_NODES] = {{false}};
    size_t degrees[GRAPH_NODES] = {0};

    for (size_t i = 1; i < GRAPH_NODES + GRAPH_NODES / 3; i++) {
        size_t a = i < GRAPH_NODES ? i : mcpz_rng_below(rng, GRAPH_NODES);
        size_t b = mcpz_rng_below(rng, (uint32_t)(i < GRAPH_NODES ? i : GRAPH_NODES));
        while (i < GRAPH_NODES && degrees[b] == NEIGHBOURS) {
            b = mcpz_rng_below(rng, (uint32_t)i);
        }
        if (a != b && !edges[a][b] && degrees[a] < NEIGHBOURS && degrees[b] < NEIGHBOURS) {
            edges[a][b] = edges[b][a] = true;
            degrees[a]++;
            degrees[b]++;
        }
    }
    for (size_t i = 0; i < GRAPH_NODES; i++) {
        for (size_t j = 0; j < i; j++) {
            if (!edges[i][j]) {
                mcpz_sim_cut(sim, i, j, true);
            }
        }
    }
}

/* Links that are cut would stand half open for long: whoever starts again has only those he can
 * have. */
static void start_all_again(struct mcpz_sim *sim)
{
    for (size_t i = 0; i < GRAPH_NODES; i++) {
        mcpz_sim_kill(sim, i);
        mcpz_sim_run_for(sim, MCPZ_SECONDS(1));
        mcpz_sim_start(sim, i);
        mcpz_sim_run_for(sim, MCPZ_SECONDS(5));
    }
    mcpz_sim_run_for(sim, MCPZ_SECONDS(60));
}

/* How many sessions through others it took. */
static size_t check_graph(uint64_t seed)
{
    struct mcpz_sim_config config = calm;
    struct census census = {.starts = {0}};
    uint64_t tasks[GRAPH_TASKS];
    struct mcpz_rng rng;
    size_t relayed = 0;

    config.node_count = GRAPH_NODES;
    config.seed = seed;
    mcpz_rng_init(&rng, seed);
    struct mcpz_sim *sim = start_mesh(&config);
    cut_to_a_graph(sim, &rng);
    start_all_again(sim);
    for (size_t i = 0; i < 2; i++) {
        mcpz_sim_provide(sim, mcpz_rng_below(&rng, GRAPH_NODES), "work");
    }
    mcpz_sim_run_for(sim, MCPZ_SECONDS(5));
    mcpz_sim_watch(sim, &(struct mcpz_sim_watch){.context = &census, .saw = count_starts});
    for (size_t i = 0; i < GRAPH_TASKS; i++) {
        char number[16];
        (void)snprintf(number, sizeof(number), "%zu", i);
        tasks[i] = mcpz_sim_task(sim, mcpz_rng_below(&rng, GRAPH_NODES), "work", number, 60000);
        mcpz_sim_run_for(sim, MCPZ_MS(200));
    }
    mcpz_sim_run_for(sim, MCPZ_SECONDS(60));
    for (size_t i = 0; i < GRAPH_TASKS; i++) {
        if (mcpz_sim_reply(sim, tasks[i]) != MCPZ_CODE_OK || census.starts[i] != 1) {
            fail_msg("seed %lu: task %zu: code %d, started %u times", (unsigned long)seed, i,
                     mcpz_sim_reply(sim, tasks[i]), census.starts[i]);
        }
    }
    for (size_t i = 0; i < GRAPH_NODES; i++) {
        relayed += (size_t)relay_of(sim, i)->begun;
    }
    mcpz_sim_destroy(sim);
    return relayed;
}

TEST(in_any_connected_graph_a_call_reaches_one_provider_once)
{
    size_t relayed = 0;

    for (uint64_t seed = 1; seed <= GRAPHS; seed++) {
        relayed += check_graph(seed);
    }
    CHECK(relayed >= GRAPHS); /* or the graphs would show nothing */
}

MESH_MAIN(RUN(nodes_behind_nat_call_each_other_through_their_neighbour),
          RUN(a_durable_task_done_through_others_keeps_its_lease),
          RUN(who_has_just_joined_can_call),
          RUN(two_that_call_each_other_at_once_have_one_session),
          RUN(no_frame_of_a_relayed_call_shows_what_it_says),
          RUN(a_dead_provider_fails_its_relayed_calls_soon),
          RUN(a_dead_caller_stops_its_relayed_runs),
          RUN(when_a_relay_dies_its_calls_take_another_way),
          RUN(when_a_way_is_cut_its_calls_take_another_one),
          RUN(who_takes_nothing_is_gone_round_within_three_seconds),
          RUN(where_nothing_goes_round_it_who_stands_still_is_waited_for),
          RUN(what_a_hop_makes_up_of_others_breaks_nothing),
          RUN(without_any_way_a_call_fails_long_before_its_deadline),
          RUN(in_any_connected_graph_a_call_reaches_one_provider_once))
