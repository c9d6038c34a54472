/* Who keeps agents where there is a layout, and what a write that waits for its owners promises.
 */

#include "base/rng.h"
#include "crypto/digest.h"
#include "meshes.h"

#define NODES 5

static const size_t everybody[] = {0, 1, 2, 3, 4};

static struct mcpz_sim *sim_of(uint64_t seed)
{
    const struct mcpz_sim_config config = apart_config(seed, NODES);
    struct mcpz_sim *sim = start_mesh(&config);

    mcpz_sim_run(sim, MCPZ_SECONDS(30));
    return sim;
}

static uint64_t write(struct mcpz_sim *sim, size_t node, const char *agent, const char *value,
                      enum mcpz_ack_level ack)
{
    const struct mcpz_sim_op op = {
        .op = value == NULL ? MCPZ_AGENT_CREATE : MCPZ_AGENT_ADD, .path = "set", .value = value};

    return mcpz_sim_write_waiting(sim, node, agent, &op, ack, 2000);
}

static size_t count_with(struct mcpz_sim *sim, const char *agent, const char *value)
{
    size_t count = 0;

    for (size_t i = 0; i < NODES; i++) {
        count += mcpz_sim_engine(sim, i) != NULL && mcpz_sim_owns(sim, i, agent) &&
                         mcpz_sim_has(sim, i, agent, "set", value)
                     ? 1
                     : 0;
    }
    return count;
}

TEST(without_a_layout_any_members_count)
{
    struct mcpz_sim *sim = sim_of(1);
    const uint64_t made = write(sim, 2, "a", NULL, MCPZ_ACK_ALL);

    mcpz_sim_run_for(sim, MCPZ_SECONDS(1));
    CHECK_UINT(mcpz_sim_reply(sim, made), MCPZ_CODE_OK);
    CHECK_UINT(mcpz_sim_task_copies(sim, made), 3);
    mcpz_sim_destroy(sim);
}

TEST(a_write_that_was_answered_is_on_a_quorum_of_its_owners)
{
    struct mcpz_sim *sim = sim_of(2);
    uint64_t applied = mcpz_sim_layout(sim, everybody, NODES, 3);

    mcpz_sim_run_for(sim, MCPZ_SECONDS(2));
    CHECK_UINT(mcpz_sim_reply(sim, applied), MCPZ_CODE_OK);
    const size_t owner = find_owner(sim, NODES, "a", true);
    const uint64_t made = write(sim, owner, "a", NULL, MCPZ_ACK_QUORUM);
    mcpz_sim_run_for(sim, MCPZ_SECONDS(1));
    CHECK_UINT(mcpz_sim_reply(sim, made), MCPZ_CODE_OK);
    const uint64_t added = write(sim, owner, "a", "x", MCPZ_ACK_ALL);
    mcpz_sim_run_for(sim, MCPZ_SECONDS(1));
    CHECK_UINT(mcpz_sim_reply(sim, added), MCPZ_CODE_OK);
    CHECK_UINT(mcpz_sim_task_copies(sim, added), 3);
    CHECK_UINT(count_with(sim, "a", "x"), 3);
    mcpz_sim_destroy(sim);
}

TEST(what_was_not_reached_in_time_is_said_and_the_write_stays)
{
    struct mcpz_sim *sim = sim_of(3);

    (void)mcpz_sim_layout(sim, everybody, NODES, 3);
    mcpz_sim_run_for(sim, MCPZ_SECONDS(2));
    const size_t owner = find_owner(sim, NODES, "a", true);
    (void)write(sim, owner, "a", NULL, MCPZ_ACK_ALL);
    mcpz_sim_run_for(sim, MCPZ_SECONDS(1));
    size_t other = owner + 1;
    while (!mcpz_sim_owns(sim, other, "a")) {
        other++;
    }
    mcpz_sim_kill(sim, other);

    const uint64_t quorum = write(sim, owner, "a", "q", MCPZ_ACK_QUORUM);
    const uint64_t all = write(sim, owner, "a", "y", MCPZ_ACK_ALL);
    mcpz_sim_run_for(sim, MCPZ_SECONDS(1));
    CHECK_UINT(mcpz_sim_reply(sim, quorum), MCPZ_CODE_OK);
    CHECK(mcpz_sim_reply(sim, all) == -1);
    mcpz_sim_run_for(sim, MCPZ_SECONDS(2));
    CHECK_UINT(mcpz_sim_reply(sim, all), MCPZ_CODE_TIMEOUT);
    CHECK_UINT(mcpz_sim_task_copies(sim, all), 2);
    CHECK_UINT(count_with(sim, "a", "y"), 2);

    mcpz_sim_start(sim, other);
    mcpz_sim_run_for(sim, MCPZ_SECONDS(60));
    CHECK_UINT(count_with(sim, "a", "y"), 3);
    mcpz_sim_destroy(sim);
}

TEST(an_owner_that_was_cut_off_says_so_when_it_is_back_in_time)
{
    struct mcpz_sim *sim = sim_of(4);

    (void)mcpz_sim_layout(sim, everybody, NODES, 3);
    mcpz_sim_run_for(sim, MCPZ_SECONDS(2));
    const size_t owner = find_owner(sim, NODES, "a", true);
    (void)write(sim, owner, "a", NULL, MCPZ_ACK_ALL);
    mcpz_sim_run_for(sim, MCPZ_SECONDS(1));
    cut_off(sim, owner, NODES, true);
    const uint64_t added = write(sim, owner, "a", "x", MCPZ_ACK_ALL);
    mcpz_sim_run_for(sim, MCPZ_SECONDS(1));
    CHECK(mcpz_sim_reply(sim, added) == -1);
    cut_off(sim, owner, NODES, false);
    mcpz_sim_run_for(sim, MCPZ_MS(900));
    CHECK_UINT(mcpz_sim_reply(sim, added), MCPZ_CODE_OK);
    CHECK_UINT(count_with(sim, "a", "x"), 3);
    mcpz_sim_destroy(sim);
}

TEST(who_is_no_owner_hands_what_it_writes_to_them)
{
    struct mcpz_sim *sim = sim_of(5);

    (void)mcpz_sim_layout(sim, everybody, NODES, 2);
    mcpz_sim_run_for(sim, MCPZ_SECONDS(2));
    const size_t stranger = find_owner(sim, NODES, "a", false);
    const uint64_t made = write(sim, stranger, "a", NULL, MCPZ_ACK_ALL);
    const uint64_t added = write(sim, stranger, "a", "x", MCPZ_ACK_ALL);
    mcpz_sim_run_for(sim, MCPZ_SECONDS(1));
    CHECK_UINT(mcpz_sim_reply(sim, made), MCPZ_CODE_OK);
    CHECK_UINT(mcpz_sim_reply(sim, added), MCPZ_CODE_OK);
    CHECK_UINT(mcpz_sim_task_copies(sim, added), 2);
    CHECK_UINT(count_with(sim, "a", "x"), 2);
    mcpz_sim_destroy(sim);
}

/* ---- At rest ---- */

#define IDLE_SECONDS 300

/* As many agents as a test has time for; MCPZ_KEEPING_AGENTS=60000 for the figure of issue 6. */
static size_t agents_wanted(void)
{
    const char *given = getenv("MCPZ_KEEPING_AGENTS");

    return given != NULL ? strtoull(given, NULL, 10) : 200;
}

static const struct mcpz_entropy *entropy_of(struct mcpz_engine *engine)
{
    return &mcpz_engine_node(engine)->agents.entropy;
}

static uint64_t differences(struct mcpz_engine *engine)
{
    return entropy_of(engine)->roots_unequal + entropy_of(engine)->pulls +
           entropy_of(engine)->sketches;
}

static uint64_t documents(struct mcpz_engine *engine)
{
    return entropy_of(engine)->holdings.root.count;
}

/* All five hold something else, and each two agree on what they share by one number. */
TEST(owners_at_rest_have_little_to_say)
{
    struct mcpz_sim *sim = sim_of(6);
    const size_t count = agents_wanted();
    char name[32];

    (void)mcpz_sim_layout(sim, everybody, NODES, 3);
    mcpz_sim_run_for(sim, MCPZ_SECONDS(2));
    for (size_t i = 0; i < count; i++) {
        (void)snprintf(name, sizeof(name), "agent-%zu", i);
        const struct mcpz_sim_op op = {.op = MCPZ_AGENT_CREATE};
        (void)mcpz_sim_write(sim, i % NODES, name, &op);
        mcpz_sim_run_for(sim, i % 16 == 0 ? MCPZ_MS(5) : 0);
    }
    mcpz_sim_run_for(sim, MCPZ_SECONDS(60)); /* who is no owner lets go */
    const uint64_t held = sum_of(sim, NODES, documents);
    const uint64_t sent = sum_of(sim, NODES, bytes_out);
    const uint64_t equal = sum_of(sim, NODES, comparisons);
    const uint64_t unequal = sum_of(sim, NODES, differences);
    mcpz_sim_run_for(sim, MCPZ_SECONDS(IDLE_SECONDS));
    const uint64_t each = (sum_of(sim, NODES, bytes_out) - sent) / (NODES * IDLE_SECONDS);

    CHECK(held >= 3 * count && held <= 3 * count + 10 * NODES); /* and the mesh's own */
    CHECK_UINT(sum_of(sim, NODES, differences), unequal);
    CHECK(sum_of(sim, NODES, comparisons) - equal > (uint64_t)NODES * IDLE_SECONDS / 10);
    if (getenv("MCPZ_KEEPING_AGENTS") != NULL) {
        printf("%zu agents at rest: %d B/s a node\n", count, (int)each);
    }
    CHECK(each <= 2000); /* all that a node says */
    mcpz_sim_destroy(sim);
}

/* ---- What was missed, and what a quorum has ------------------------------------------------ */

/* A layout of three copies and an agent; its owners. */
static struct mcpz_sim *sim_with_agent(uint64_t seed, size_t owners[3])
{
    struct mcpz_sim *sim = sim_of(seed);
    size_t count = 0;

    (void)mcpz_sim_layout(sim, everybody, NODES, 3);
    mcpz_sim_run_for(sim, MCPZ_SECONDS(2));
    for (size_t i = 0; i < NODES; i++) {
        if (mcpz_sim_owns(sim, i, "a")) {
            CHECK(count < 3);
            owners[count++] = i;
        }
    }
    const uint64_t made = write(sim, owners[0], "a", NULL, MCPZ_ACK_ALL);
    mcpz_sim_run_for(sim, MCPZ_SECONDS(1));
    CHECK_UINT(mcpz_sim_reply(sim, made), MCPZ_CODE_OK);
    return sim;
}

static const struct mcpz_keeping *keeping_of(struct mcpz_sim *sim, size_t node)
{
    return &node_of(sim, node)->keeping;
}

/* Who is to get documents and has no room waits for it; the others go on, and nothing is lost. */
TEST(a_layout_waits_for_who_has_no_room_and_goes_on_when_there_is)
{
    static const size_t before[] = {0, 1, 2};
    struct mcpz_sim *sim = sim_of(10);
    uint64_t made = 0;

    (void)mcpz_sim_layout(sim, before, MCPZ_ARRAY_LEN(before), 3);
    mcpz_sim_run_for(sim, MCPZ_SECONDS(20));
    (void)write(sim, 0, "a", NULL, MCPZ_ACK_ALL);
    mcpz_sim_run_for(sim, MCPZ_SECONDS(2));
    (void)write(sim, 0, "a", "old", MCPZ_ACK_ALL);
    mcpz_sim_run_for(sim, MCPZ_SECONDS(2));
    mcpz_sim_fill_disk(sim, 3, true);
    (void)mcpz_sim_layout(sim, everybody, NODES, 3);
    mcpz_sim_run_for(sim, MCPZ_SECONDS(60));
    CHECK(!mcpz_sim_layout_is_settled(sim, 0)); /* it does not say that it has what it has not */
    made = write(sim, 0, "a", "new", MCPZ_ACK_QUORUM);
    mcpz_sim_run_for(sim, MCPZ_SECONDS(3));
    CHECK_UINT(mcpz_sim_reply(sim, made), MCPZ_CODE_OK);
    mcpz_sim_fill_disk(sim, 3, false);
    mcpz_sim_run_for(sim, MCPZ_SECONDS(60));
    CHECK(mcpz_sim_layout_is_settled(sim, 0));
    CHECK_UINT(count_with(sim, "a", "old"), 3);
    CHECK_UINT(count_with(sim, "a", "new"), 3);
    mcpz_sim_destroy(sim);
}

static uint64_t letters(struct mcpz_sim *sim, size_t node)
{
    return node_of(sim, node)->relay.letters_heard;
}

/* Only node 0 can be dialled. */
static struct mcpz_sim *sim_behind_nat(uint64_t seed)
{
    const struct mcpz_sim_config config = apart_config(seed, NODES);

    return start_star(&config);
}

/* Node 0 keeps nothing: all that owners say goes through it. */
TEST(owners_behind_nat_keep_agents_together)
{
    static const size_t hidden[] = {1, 2, 3, 4};
    struct mcpz_sim *sim = sim_behind_nat(11);

    (void)write(sim, 0, "a", NULL, MCPZ_ACK_ASYNC);
    mcpz_sim_run_for(sim, MCPZ_SECONDS(1));
    (void)mcpz_sim_layout(sim, hidden, MCPZ_ARRAY_LEN(hidden), 3);
    mcpz_sim_run_for(sim, MCPZ_SECONDS(40));
    CHECK(mcpz_sim_layout_is_settled(sim, 1));
    CHECK(!mcpz_sim_owns(sim, 0, "a"));
    const size_t owner = find_owner(sim, NODES, "a", true);
    const uint64_t made = write(sim, owner, "a", "x", MCPZ_ACK_ALL);
    mcpz_sim_run_for(sim, MCPZ_SECONDS(2));
    CHECK_UINT(mcpz_sim_reply(sim, made), MCPZ_CODE_OK);
    CHECK_UINT(mcpz_sim_task_copies(sim, made), 3);
    CHECK_UINT(count_with(sim, "a", "x"), 3);
    CHECK(!are_linked(sim, 1, 2) && !are_linked(sim, 2, 3) && !are_linked(sim, 3, 4));
    CHECK(letters(sim, owner) > 0);
    mcpz_sim_destroy(sim);
}

static const char *much_of(size_t agent, size_t part)
{
    static char text[1000];

    memset(text, 'x', sizeof(text) - 1);
    (void)snprintf(text, 16, "%07zu%07zu", agent, part);
    text[14] = 'x';
    return text;
}

/* More than a megabyte: as much as may wait for a peer. */
TEST(much_moves_to_an_owner_behind_nat)
{
    enum { AGENTS = 120, PARTS = 12 };
    static const size_t before[] = {1, 2, 3};
    static const size_t after[] = {2, 3, 4};
    struct mcpz_sim *sim = sim_behind_nat(12);
    char names[AGENTS][8];

    (void)mcpz_sim_layout(sim, before, MCPZ_ARRAY_LEN(before), 3);
    mcpz_sim_run_for(sim, MCPZ_SECONDS(30));
    CHECK(mcpz_sim_layout_is_settled(sim, 1));
    for (size_t i = 0; i < AGENTS; i++) {
        (void)snprintf(names[i], sizeof(names[i]), "a%zu", i);
        (void)write(sim, 1, names[i], NULL, MCPZ_ACK_ASYNC);
        for (size_t part = 0; part < PARTS; part++) {
            (void)write(sim, 1, names[i], much_of(i, part), MCPZ_ACK_ASYNC);
        }
        mcpz_sim_run_for(sim, MCPZ_MS(50));
    }
    mcpz_sim_run_for(sim, MCPZ_SECONDS(10));
    for (size_t i = 0; i < AGENTS; i++) {
        CHECK_UINT(count_with(sim, names[i], much_of(i, PARTS - 1)), 3);
        CHECK(!mcpz_sim_has(sim, 4, names[i], "set", much_of(i, 0)));
    }
    (void)mcpz_sim_layout(sim, after, MCPZ_ARRAY_LEN(after), 3);
    mcpz_sim_run_for(sim, MCPZ_SECONDS(60));
    CHECK(mcpz_sim_layout_is_settled(sim, 2));
    for (size_t i = 0; i < AGENTS; i++) {
        CHECK(mcpz_sim_has(sim, 4, names[i], "set", much_of(i, 0)));
        CHECK(mcpz_sim_has(sim, 4, names[i], "set", much_of(i, PARTS - 1)));
    }
    mcpz_sim_destroy(sim);
}

/* What it wrote since has names, and so has what it writes before it meets who knows them. */
TEST(a_disk_that_was_put_back_whole_gives_no_name_twice)
{
    struct mcpz_sim *sim = sim_of(9);
    const size_t node = 2;

    (void)write(sim, node, "a", NULL, MCPZ_ACK_ALL);
    mcpz_sim_run_for(sim, MCPZ_SECONDS(1));
    mcpz_sim_back_up(sim, node);
    const uint64_t lost = write(sim, node, "a", "lost", MCPZ_ACK_QUORUM);
    mcpz_sim_run_for(sim, MCPZ_SECONDS(1));
    CHECK_UINT(mcpz_sim_reply(sim, lost), MCPZ_CODE_OK);
    cut_off(sim, node, NODES, true);
    for (size_t twice = 0; twice < 2; twice++) { /* and the second time its new life, too */
        CHECK(mcpz_sim_restore(sim, node));
        mcpz_sim_start(sim, node);
        const uint64_t made = write(sim, node, "a", twice == 0 ? "one" : "other", MCPZ_ACK_ASYNC);
        mcpz_sim_run_for(sim, MCPZ_SECONDS(1));
        CHECK_UINT(mcpz_sim_reply(sim, made), MCPZ_CODE_OK);
        cut_off(sim, node, NODES, false);
        mcpz_sim_run_for(sim, MCPZ_SECONDS(40));
        CHECK_UINT(count_with(sim, "a", twice == 0 ? "one" : "other"), NODES);
        cut_off(sim, node, NODES, true);
        mcpz_sim_run_for(sim, MCPZ_SECONDS(40));
    }
    CHECK_UINT(count_with(sim, "a", "lost"), NODES);
    CHECK_UINT(count_with(sim, "a", "one"), NODES);
    for (size_t i = 0; i < NODES; i++) {
        CHECK_UINT(node_of(sim, i)->agents.forks_found, 0);
    }
    mcpz_sim_destroy(sim);
}

TEST(what_an_owner_has_missed_is_told_when_it_is_back)
{
    size_t owners[3];
    struct mcpz_sim *sim = sim_with_agent(21, owners);

    mcpz_sim_kill(sim, owners[1]);
    mcpz_sim_run_for(sim, MCPZ_SECONDS(20));
    (void)write(sim, owners[0], "a", "y", MCPZ_ACK_ASYNC);
    mcpz_sim_run_for(sim, MCPZ_MS(100));
    CHECK_UINT(keeping_of(sim, owners[0])->hints.count, 1);
    const uint64_t first = write(sim, owners[0], "a", "x", MCPZ_ACK_ALL);
    mcpz_sim_run_for(sim, MCPZ_SECONDS(3));
    CHECK_UINT(mcpz_sim_reply(sim, first), MCPZ_CODE_TIMEOUT);
    CHECK_UINT(mcpz_sim_task_copies(sim, first), 2); /* a hint is no copy */
    CHECK_UINT(keeping_of(sim, owners[0])->hints.count, 1);

    mcpz_sim_kill(sim, owners[0]); /* it is on its disk */
    mcpz_sim_start(sim, owners[0]);
    mcpz_sim_run_for(sim, MCPZ_SECONDS(5));
    CHECK_UINT(keeping_of(sim, owners[0])->hints.count, 1);
    mcpz_sim_start(sim, owners[1]);
    mcpz_sim_run_for(sim, MCPZ_SECONDS(3));
    CHECK(mcpz_sim_has(sim, owners[1], "a", "set", "x"));
    CHECK(mcpz_sim_has(sim, owners[1], "a", "set", "y"));
    CHECK_UINT(keeping_of(sim, owners[0])->hints.count, 0);
    CHECK_UINT(keeping_of(sim, owners[0])->hints.delivered, 1);
    mcpz_sim_destroy(sim);
}

TEST(a_quorum_read_sees_what_a_quorum_has_acknowledged)
{
    size_t owners[3];
    struct mcpz_sim *sim = sim_with_agent(22, owners);

    cut_off(sim, owners[2], NODES, true);
    const uint64_t added = write(sim, owners[0], "a", "x", MCPZ_ACK_QUORUM);
    mcpz_sim_run_for(sim, MCPZ_SECONDS(1));
    CHECK_UINT(mcpz_sim_reply(sim, added), MCPZ_CODE_OK);
    CHECK(!mcpz_sim_has(sim, owners[2], "a", "set", "x"));

    /* The writer goes; who missed it and who has it read together. */
    mcpz_sim_kill(sim, owners[0]);
    cut_off(sim, owners[2], NODES, false);
    const uint64_t read = mcpz_sim_read_quorum(sim, owners[2], "a", 20000);
    while (mcpz_sim_reply(sim, read) == -1) {
        CHECK(!mcpz_sim_has(sim, owners[2], "a", "set", "z"));
        mcpz_sim_run_for(sim, MCPZ_MS(10));
    }
    CHECK_UINT(mcpz_sim_reply(sim, read), MCPZ_CODE_OK);
    CHECK_UINT(mcpz_sim_task_copies(sim, read), 2);
    CHECK(mcpz_sim_has(sim, owners[2], "a", "set", "x"));
    mcpz_sim_destroy(sim);
}

TEST(a_quorum_read_that_reaches_too_few_says_so)
{
    size_t owners[3];
    struct mcpz_sim *sim = sim_with_agent(23, owners);

    cut_off(sim, owners[2], NODES, true);
    const uint64_t read = mcpz_sim_read_quorum(sim, owners[2], "a", 2000);
    mcpz_sim_run_for(sim, MCPZ_MS(1900));
    CHECK(mcpz_sim_reply(sim, read) == -1);
    mcpz_sim_run_for(sim, MCPZ_MS(200));
    CHECK_UINT(mcpz_sim_reply(sim, read), MCPZ_CODE_TIMEOUT);
    CHECK_UINT(mcpz_sim_task_copies(sim, read), 1);
    mcpz_sim_destroy(sim);
}

TEST(without_a_layout_any_members_make_a_quorum_of_readers)
{
    struct mcpz_sim *sim = sim_of(25);

    (void)write(sim, 2, "a", NULL, MCPZ_ACK_QUORUM);
    const uint64_t read = mcpz_sim_read_quorum(sim, 3, "a", 2000);
    mcpz_sim_run_for(sim, MCPZ_SECONDS(1));
    CHECK_UINT(mcpz_sim_reply(sim, read), MCPZ_CODE_OK);
    CHECK_UINT(mcpz_sim_task_copies(sim, read), 2);
    mcpz_sim_destroy(sim);
}

/* ---- A storm ------------------------------------------------------------------------------ */

#define AGENTS 8
#define ROUNDS 40
#define WRITES_MAX (ROUNDS * 4)

struct storm_write {
    uint64_t request;
    char agent[8];
    char value[8];
};

static const char *agent_name(char *name, uint32_t number)
{
    name[0] = 'g';
    name[1] = (char)('0' + number % 10);
    name[2] = '\0';
    return name;
}

/* Somebody who runs; who is no owner hands it to them. */
static size_t anybody(struct mcpz_sim *sim, struct mcpz_rng *rng)
{
    size_t node;

    do {
        node = mcpz_rng_below(rng, NODES);
    } while (mcpz_sim_engine(sim, node) == NULL);
    return node;
}

/* Somebody whom the API would ask to write: one to read from, if it runs. */
static size_t writer_of(struct mcpz_sim *sim, struct mcpz_rng *rng, const char *agent)
{
    for (int tries = 0; tries < 20; tries++) {
        const size_t node = anybody(sim, rng);
        if (mcpz_sim_owns(sim, node, agent)) {
            return node;
        }
    }
    return anybody(sim, rng);
}

/* Three or four nodes, the first always: it makes the layouts. */
static void change_layout(struct mcpz_sim *sim, struct mcpz_rng *rng)
{
    size_t nodes[NODES] = {0};
    size_t count = 1;

    if (mcpz_sim_engine(sim, 0) == NULL) {
        return;
    }
    for (size_t i = 1; i < NODES; i++) {
        const size_t left = NODES - i;
        if (mcpz_rng_below(rng, 3) > 0 || count + left <= 3) {
            nodes[count++] = i;
        }
    }
    (void)mcpz_sim_layout(sim, nodes, count, 3);
}

static void disturb(struct mcpz_sim *sim, struct mcpz_rng *rng)
{
    const size_t a = mcpz_rng_below(rng, NODES);
    const size_t b = mcpz_rng_below(rng, NODES);

    switch (mcpz_rng_below(rng, 8)) {
    case 0:
        if (mcpz_sim_engine(sim, a) != NULL) {
            mcpz_sim_kill(sim, a);
        }
        return;
    case 1:
    case 2:
        for (size_t i = 0; i < NODES; i++) {
            if (mcpz_sim_engine(sim, i) == NULL) {
                mcpz_sim_start(sim, i);
            }
        }
        return;
    case 3:
        if (a != b) {
            mcpz_sim_cut(sim, a, b, true);
        }
        return;
    case 4:
        if (a != b) {
            mcpz_sim_cut(sim, a, b, false);
        }
        return;
    case 5:
        change_layout(sim, rng);
        return;
    default:
        return;
    }
}

static void heal(struct mcpz_sim *sim)
{
    for (size_t a = 0; a < NODES; a++) {
        if (mcpz_sim_engine(sim, a) == NULL) {
            mcpz_sim_start(sim, a);
        }
        for (size_t b = a + 1; b < NODES; b++) {
            mcpz_sim_cut(sim, a, b, false);
        }
    }
}

static bool has_settled(struct mcpz_sim *sim)
{
    for (size_t i = 0; i < NODES; i++) {
        if (!mcpz_sim_layout_is_settled(sim, i)) {
            return false;
        }
    }
    return true;
}

/* Owners have equal roots, and nobody else has anything. */
static bool is_in_place(struct mcpz_sim *sim, const char *agent)
{
    uint8_t first[MCPZ_DIGEST_BYTES];
    uint8_t root[MCPZ_DIGEST_BYTES];
    size_t owners = 0;

    for (size_t i = 0; i < NODES; i++) {
        const bool has = mcpz_sim_root(sim, i, agent, root);
        if (has != mcpz_sim_owns(sim, i, agent)) {
            return false;
        }
        if (has && owners++ == 0) {
            memcpy(first, root, sizeof(first));
        } else if (has && memcmp(first, root, sizeof(first)) != 0) {
            return false;
        }
    }
    return owners == 3;
}

static bool all_in_place(struct mcpz_sim *sim)
{
    char name[8];

    for (uint32_t i = 0; i < AGENTS; i++) {
        if (!is_in_place(sim, agent_name(name, i))) {
            return false;
        }
    }
    return true;
}

static void wait_for(struct mcpz_sim *sim, bool (*holds)(struct mcpz_sim *sim), const char *what,
                     uint64_t seed)
{
    for (int i = 0; i < 120; i++) {
        if (holds(sim)) {
            return;
        }
        mcpz_sim_run_for(sim, MCPZ_SECONDS(5));
    }
    print_error("seed %llu: %s\n", (unsigned long long)seed, what);
    CHECK(false);
}

static void make_agents(struct mcpz_sim *sim, struct mcpz_rng *rng)
{
    char name[8];

    for (uint32_t i = 0; i < AGENTS; i++) {
        (void)write(sim, writer_of(sim, rng, agent_name(name, i)), name, NULL, MCPZ_ACK_ALL);
    }
    mcpz_sim_run_for(sim, MCPZ_SECONDS(3));
}

TEST(a_layout_settles_and_who_comes_gets_what_is_its)
{
    static const size_t four[] = {0, 1, 2, 3};
    static const size_t others[] = {1, 2, 3, 4};
    struct mcpz_sim *sim = sim_of(6);
    struct mcpz_rng rng;

    mcpz_rng_init(&rng, 6);
    (void)mcpz_sim_layout(sim, four, 4, 3);
    wait_for(sim, has_settled, "the first layout does not settle", 6);
    make_agents(sim, &rng);
    (void)mcpz_sim_layout(sim, others, 4, 3);
    mcpz_sim_run_for(sim, MCPZ_SECONDS(1));
    wait_for(sim, has_settled, "the second layout does not settle", 6);
    wait_for(sim, all_in_place, "agents are not in place", 6);
    CHECK(node_of(sim, 4)->keeping.puller.documents_lacked > 0);
    mcpz_sim_destroy(sim);
}

/* Some writes at once, by whoever the API would have do them. */
static void write_some(struct mcpz_sim *sim, struct mcpz_rng *rng, struct storm_write *writes,
                       size_t first)
{
    for (size_t i = first; i < first + 4; i++) {
        struct storm_write *one = &writes[i];
        (void)agent_name(one->agent, mcpz_rng_below(rng, AGENTS));
        (void)snprintf(one->value, sizeof(one->value), "v%zu", i);
        one->request =
            write(sim, writer_of(sim, rng, one->agent), one->agent, one->value, MCPZ_ACK_QUORUM);
    }
}

/* Those that were acknowledged are with all owners. Returns how many. */
static size_t check_writes(struct mcpz_sim *sim, const struct storm_write *writes, size_t count,
                           uint64_t seed)
{
    size_t acknowledged = 0;

    for (size_t i = 0; i < count; i++) {
        if (mcpz_sim_reply(sim, writes[i].request) != MCPZ_CODE_OK) {
            continue;
        }
        const size_t owners = count_with(sim, writes[i].agent, writes[i].value);
        acknowledged++;
        if (owners != 3) {
            print_error("seed %llu: %s of %s was acknowledged, and is at %zu owners\n",
                        (unsigned long long)seed, writes[i].value, writes[i].agent, owners);
        }
        CHECK_UINT(owners, 3);
    }
    return acknowledged;
}

static size_t storm(uint64_t seed)
{
    static struct storm_write writes[WRITES_MAX];
    struct mcpz_sim *sim = sim_of(seed);
    struct mcpz_rng rng;

    mcpz_rng_init(&rng, seed);
    change_layout(sim, &rng);
    wait_for(sim, has_settled, "the first layout does not settle", seed);
    make_agents(sim, &rng);
    for (size_t round = 0; round < ROUNDS; round++) {
        disturb(sim, &rng);
        write_some(sim, &rng, writes, 4 * round);
        mcpz_sim_run_for(sim, MCPZ_MS(100 + mcpz_rng_below(&rng, 3000)));
    }
    heal(sim);
    wait_for(sim, has_settled, "layouts do not settle", seed);
    wait_for(sim, all_in_place, "agents are not in place", seed);
    const size_t acknowledged = check_writes(sim, writes, WRITES_MAX, seed);
    mcpz_sim_destroy(sim);
    return acknowledged;
}

TEST(no_acknowledged_write_is_lost_while_layouts_change)
{
    const char *given = getenv("MCPZ_KEEPING_SEEDS");
    const uint64_t seeds = given != NULL ? strtoull(given, NULL, 10) : SEEDS_OF(10);
    size_t acknowledged = 0;

    for (uint64_t seed = 1; seed <= seeds; seed++) {
        acknowledged += storm(100 + seed);
    }
    CHECK(acknowledged > 40 * seeds); /* of 160 each */
}

MESH_MAIN(RUN(no_acknowledged_write_is_lost_while_layouts_change),
          RUN(a_layout_settles_and_who_comes_gets_what_is_its),
          RUN(owners_at_rest_have_little_to_say), RUN(without_a_layout_any_members_count),
          RUN(a_disk_that_was_put_back_whole_gives_no_name_twice),
          RUN(a_layout_waits_for_who_has_no_room_and_goes_on_when_there_is),
          RUN(owners_behind_nat_keep_agents_together), RUN(much_moves_to_an_owner_behind_nat),
          RUN(a_write_that_was_answered_is_on_a_quorum_of_its_owners),
          RUN(what_was_not_reached_in_time_is_said_and_the_write_stays),
          RUN(an_owner_that_was_cut_off_says_so_when_it_is_back_in_time),
          RUN(who_is_no_owner_hands_what_it_writes_to_them),
          RUN(what_an_owner_has_missed_is_told_when_it_is_back),
          RUN(a_quorum_read_sees_what_a_quorum_has_acknowledged),
          RUN(a_quorum_read_that_reaches_too_few_says_so),
          RUN(without_a_layout_any_members_make_a_quorum_of_readers))
