/*
 * Random histories: whatever is written where, lost, doubled, reordered, cut off or restarted,
 * in the end all nodes hold the same bytes, and these are what the history says.
 */

#include "agents_world.h"
#include "base/rng.h"
#include "core/crdt/clock.h"
#include "core/crdt/document.h"
#include "core/crdt/number.h"
#include "core/crdt/paths.h"
#include "test.h"

#define NAMES 6
#define OPS_MAX 400
#define SEEDS 300

/* ["k"], ["m"], ["m","x"], ["m","x",0], ["s"], ["c"] */
static const struct mcpz_bytes paths[NAMES] = {
    {(const uint8_t *)"\x91\xa1k", 3},
    {(const uint8_t *)"\x91\xa1m", 3},
    {(const uint8_t *)"\x92\xa1m\xa1x", 5},
    {(const uint8_t *)"\x93\xa1m\xa1x\x00", 6},
    {(const uint8_t *)"\x91\xa1s", 3},
    {(const uint8_t *)"\x91\xa1"
                      "c",
     3},
};
static const char *const texts[NAMES] = {"k", "m", "mx", "mx0", "s", "c"};
static const struct mcpz_bytes values[4] = {
    {(const uint8_t *)"\x00", 1},
    {(const uint8_t *)"\x01", 1},
    {(const uint8_t *)"\xa1z", 2},
    {(const uint8_t *)"\x90", 1},
};

/* One write that was accepted, and what its author had seen. */
struct op {
    enum mcpz_agent_op op;
    uint8_t document;
    size_t path;
    size_t value;
    int64_t amount;
    struct mcpz_actor actor;
    uint64_t seq; /* of its delta */
    struct mcpz_version seen[MCPZ_ACTORS_MAX];
    size_t seen_count;
};

static struct world world;
static struct op ops[OPS_MAX];
static size_t op_count;
static uint64_t seed;
static struct mcpz_rng rng;

#define CHECK_SEED(condition)                                                                     \
    do {                                                                                          \
        if (!(condition)) {                                                                       \
            print_error("seed %" PRIu64 "\n", seed);                                              \
            CHECK(condition);                                                                     \
        }                                                                                         \
    } while (0)

static uint32_t roll(uint32_t bound)
{
    return mcpz_rng_below(&rng, bound);
}

/* ---- The history -------------------------------------------------------------------------- */

static bool happened_before(const struct op *a, const struct op *b)
{
    return a != b && a->document == b->document &&
           mcpz_clock_get(b->seen, b->seen_count, &a->actor) >= a->seq;
}

/* Does `later`, which has seen `op`, take out what `op` added? Said without looking at dots. */
static bool takes_out(const struct op *later, const struct op *op)
{
    bool is_same_path = later->path == op->path;

    switch (later->op) {
    case MCPZ_AGENT_CREATE:
        return false;
    case MCPZ_AGENT_DELETE:
        return true;
    case MCPZ_AGENT_SET:
        return op->op == MCPZ_AGENT_SET && is_same_path;
    case MCPZ_AGENT_UNSET:
        return strncmp(texts[op->path], texts[later->path], strlen(texts[later->path])) == 0;
    case MCPZ_AGENT_ADD:
    case MCPZ_AGENT_REMOVE:
        return op->op == MCPZ_AGENT_ADD && is_same_path && op->value == later->value;
    case MCPZ_AGENT_INCREMENT:
        return op->op == MCPZ_AGENT_INCREMENT && is_same_path &&
               mcpz_actor_compare(&op->actor, &later->actor) == 0;
    default: /* not made here: tests/property has them all */
        break;
    }
    return false;
}

static bool adds_something(const struct op *op)
{
    return op->op == MCPZ_AGENT_SET || op->op == MCPZ_AGENT_ADD || op->op == MCPZ_AGENT_INCREMENT;
}

/* Is what `op` added still there, for somebody who has seen what `as_of` had (NULL: all)? */
static bool is_live(const struct op *op, const struct op *as_of)
{
    for (size_t i = 0; i < op_count; i++) {
        const struct op *later = &ops[i];
        if (happened_before(op, later) && takes_out(later, op) &&
            (as_of == NULL || happened_before(later, as_of))) {
            return false;
        }
    }
    return true;
}

/* What the counter entry of `op` must hold. Ops are listed in the order they were made. */
static int64_t sum_at(const struct op *op)
{
    int64_t sum = op->amount;
    for (const struct op *before = ops; before < op; before++) {
        if (before->op == MCPZ_AGENT_INCREMENT && before->path == op->path &&
            mcpz_actor_compare(&before->actor, &op->actor) == 0 && happened_before(before, op) &&
            is_live(before, op)) {
            sum += sum_at(before);
        }
    }
    return sum;
}

static uint32_t type_of(const struct op *op)
{
    if (op->op == MCPZ_AGENT_SET) {
        return MCPZ_ENTRY_REGISTER;
    }
    return op->op == MCPZ_AGENT_ADD ? MCPZ_ENTRY_SET : MCPZ_ENTRY_COUNTER;
}

/* Is exactly what the history says in the store, but for the reserved paths? */
static void check_against_history(size_t node)
{
    const struct mcpz_store *store = &world.nodes[node].store.port;
    size_t expected = 0;

    for (size_t i = 0; i < op_count; i++) {
        const struct op *op = &ops[i];
        if (!adds_something(op)) {
            continue;
        }
        struct mcpz_record record = {
            .kind = MCPZ_RECORD_ENTRY,
            .entry = {.document = world_document(op->document),
                      .path = paths[op->path],
                      .type = type_of(op),
                      .dot = {.actor = op->actor, .seq = op->seq}},
        };
        mcpz_error error = store->get(store->context, &record);
        CHECK_SEED((error == MCPZ_OK) == is_live(op, NULL));
        if (error != MCPZ_OK) {
            continue;
        }
        expected++;
        if (op->op == MCPZ_AGENT_INCREMENT) {
            int64_t sum;
            CHECK_SEED(mcpz_number_decode(record.entry.value, &sum) && sum == sum_at(op));
        } else {
            CHECK_SEED(mcpz_bytes_equal(record.entry.value, values[op->value]));
        }
    }

    size_t found = 0;
    size_t counted = 0;
    for (size_t i = 0; i < fake_store_count(&world.nodes[node].store, MCPZ_RECORD_ENTRY); i++) {
        const struct mcpz_record *record =
            fake_store_at(&world.nodes[node].store, MCPZ_RECORD_ENTRY, i);
        found += mcpz_paths_is_reserved(record->entry.path) ? 0 : 1;
        counted++;
    }
    CHECK_SEED(found == expected);
    for (size_t i = 0; i < fake_store_count(&world.nodes[node].store, MCPZ_RECORD_DOCUMENT); i++) {
        counted -=
            fake_store_at(&world.nodes[node].store, MCPZ_RECORD_DOCUMENT, i)->document.entry_count;
    }
    CHECK_SEED(counted == 0);
}

/* ---- Life: which CREATE or DELETE has the last word ------------------------------------------
 */

static bool is_of_life(const struct op *op)
{
    return op->op == MCPZ_AGENT_CREATE || op->op == MCPZ_AGENT_DELETE;
}

static uint64_t stamp_of(const struct op *op)
{
    const struct mcpz_store *store = &world.nodes[0].store.port;
    const struct mcpz_id document = world_document(op->document);
    struct mcpz_record record;
    CHECK_SEED(mcpz_document_find_delta(store, &document, &op->actor, op->seq, &record) ==
               MCPZ_OK);
    return record.delta.delta.hlc;
}

static const struct op *last_word(uint8_t document, const struct op *as_of);

/* A CREATE begins an epoch; a DELETE ends the one it has seen. */
static uint64_t epoch_of(const struct op *op)
{
    const struct op *before = last_word(op->document, op);
    uint64_t epoch = before != NULL ? epoch_of(before) : 0;
    return op->op == MCPZ_AGENT_CREATE ? epoch + 1 : epoch;
}

static bool outlasts(const struct op *op, const struct op *other)
{
    uint64_t epoch = epoch_of(op);
    uint64_t other_epoch = epoch_of(other);

    if (epoch != other_epoch) {
        return epoch > other_epoch;
    }
    if (op->op != other->op) {
        return op->op ==
               MCPZ_AGENT_DELETE; /* the end has the last word, whatever the clocks say */
    }
    if (stamp_of(op) != stamp_of(other)) {
        return stamp_of(op) > stamp_of(other);
    }
    return mcpz_actor_compare(&op->actor, &other->actor) > 0;
}

static bool is_overruled(const struct op *op, const struct op *as_of)
{
    for (size_t i = 0; i < op_count; i++) {
        if (is_of_life(&ops[i]) && happened_before(op, &ops[i]) &&
            (as_of == NULL || happened_before(&ops[i], as_of))) {
            return true;
        }
    }
    return false;
}

/* Of what `as_of` had seen (NULL: of all), and nobody overruled. */
static const struct op *last_word(uint8_t document, const struct op *as_of)
{
    const struct op *last = NULL;

    for (size_t i = 0; i < op_count; i++) {
        const struct op *op = &ops[i];
        if (op->document == document && is_of_life(op) &&
            (as_of == NULL || happened_before(op, as_of)) && !is_overruled(op, as_of) &&
            (last == NULL || outlasts(op, last))) {
            last = op;
        }
    }
    return last;
}

static void check_life(size_t node, uint8_t document)
{
    const struct op *last = last_word(document, NULL);

    if (last != NULL) {
        CHECK_SEED(world_look(&world, node, document).deleted == (last->op == MCPZ_AGENT_DELETE));
        CHECK_SEED(mcpz_bytes_equal(world_look(&world, node, document).name, mcpz_text("ada")));
    }
}

/* ---- Making one --------------------------------------------------------------------------- */

static void note_seen(struct op *op, size_t node)
{
    const struct mcpz_store *store = &world.nodes[node].store.port;
    struct mcpz_record record = {.kind = MCPZ_RECORD_DOCUMENT,
                                 .document = {.id = world_document(op->document)}};
    op->seen_count = 0;
    if (store->get(store->context, &record) == MCPZ_OK) {
        op->seen_count = record.document.version_count;
        memcpy(op->seen, record.document.versions, op->seen_count * sizeof(op->seen[0]));
    }
    op->actor = world.nodes[node].agents.actor;
    op->seq = mcpz_clock_get(op->seen, op->seen_count, &op->actor) + 1;
}

static enum mcpz_agent_op roll_op(void)
{
    static const enum mcpz_agent_op kinds[] = {
        MCPZ_AGENT_SET,       MCPZ_AGENT_SET,    MCPZ_AGENT_SET,    MCPZ_AGENT_ADD,
        MCPZ_AGENT_ADD,       MCPZ_AGENT_REMOVE, MCPZ_AGENT_UNSET,  MCPZ_AGENT_INCREMENT,
        MCPZ_AGENT_INCREMENT, MCPZ_AGENT_DELETE, MCPZ_AGENT_CREATE, MCPZ_AGENT_CREATE,
    };
    return kinds[roll(MCPZ_ARRAY_LEN(kinds))];
}

static void write_something(size_t node)
{
    struct op op = {
        .op = roll_op(),
        .document = (uint8_t)(1 + roll(2)),
        .path = roll(NAMES),
        .value = roll(4),
        .amount = (int64_t)roll(200) - 100,
    };
    uint32_t code;

    note_seen(&op, node);
    if (op.op == MCPZ_AGENT_CREATE) {
        code = world_create(&world, node, op.document);
    } else if (op.op == MCPZ_AGENT_DELETE) {
        code = world_delete(&world, node, op.document);
    } else if (op.op == MCPZ_AGENT_INCREMENT) {
        code = world_increment(&world, node, op.document, paths[op.path], op.amount);
    } else {
        code = world_write(&world, node, op.op, op.document, paths[op.path], values[op.value]);
    }
    if (code == MCPZ_CODE_OK) {
        ops[op_count++] = op;
    } else {
        CHECK_SEED(code == MCPZ_CODE_NOT_FOUND || code == MCPZ_CODE_CONFLICT);
    }
}

static void trouble_the_network(void)
{
    size_t a = roll((uint32_t)world.node_count);
    size_t b = roll((uint32_t)world.node_count);
    uint32_t what = roll(20);

    if (what < 2) {
        world_unlink(&world, a, b);
    } else if (what < 5) {
        world_link(&world, a, b);
    } else if (what == 5) {
        world_restart(&world, a);
    } else if (what < 8) {
        world.now += MCPZ_MS(roll(3000));
        world.wall_ms += roll(3000);
        world_step(&world, a, &(struct mcpz_event){.kind = MCPZ_EVENT_TICK});
    } else if (world.letter_count > 0) {
        uint32_t index = roll((uint32_t)world.letter_count); /* any: reordered */
        if (what == 8) {
            world_lose(&world, index);
        } else if (what < 11) {
            world_double(&world, index);
        } else {
            world_deliver(&world, index);
        }
    }
}

static void check_counts_of_documents(void)
{
    for (size_t i = 0; i < world.node_count; i++) {
        const struct mcpz_holdings *holdings = &world.nodes[i].agents.entropy.holdings;
        const struct mcpz_partition_root root = holdings->root;
        const uint64_t seq = holdings->seq;
        uint32_t counted = world.nodes[i].agents.document_count;
        mcpz_agents_recount(&world.nodes[i].agents, world.now);
        CHECK_SEED(world.nodes[i].agents.document_count == counted);
        CHECK_SEED(mcpz_partition_root_equal(&holdings->root, &root));
        CHECK_SEED(holdings->seq == seq);
        CHECK_SEED(fake_store_count(&world.nodes[i].store, MCPZ_RECORD_CHANGE) == root.count);
    }
}

static void run_history(void)
{
    mcpz_rng_init(&rng, seed);
    op_count = 0;
    world_init(&world, 2 + roll(3));
    world_link_all(&world);

    size_t steps = 50 + roll(350);
    for (size_t i = 0; i < steps; i++) {
        if (roll(4) == 0) {
            write_something(roll((uint32_t)world.node_count));
        } else {
            trouble_the_network();
        }
    }
    world_link_all(&world);
    world_run(&world, MCPZ_SECONDS(120));

    CHECK_SEED(world_has_converged(&world));
    check_counts_of_documents();
    check_against_history(0);
    check_life(0, 1);
    check_life(0, 2);
    world_finish(&world);
}

TEST(any_history_converges_to_what_it_says)
{
    for (seed = 1; seed <= SEEDS_OF(SEEDS); seed++) {
        run_history();
    }
    CHECK(op_count > 0);
}

/* ---- The same deltas in any order --------------------------------------------------------- */

/* Hand the deltas that node 0 holds to an empty node, in random order, again and again: those
 * that come too early are needed later. */
static void replay_into(size_t node)
{
    const struct fake_store *from = &world.nodes[0].store;
    size_t count = fake_store_count(from, MCPZ_RECORD_DELTA);
    size_t tries_max = 10 * count * count; /* a chain of n takes n * n on average */

    for (size_t i = 0; i < tries_max && world.nodes[node].agents.deltas_merged < count; i++) {
        size_t index = roll((uint32_t)count);
        struct mcpz_msg msg = {
            .kind = MCPZ_MSG_DELTA,
            .delta = {.delta = fake_store_at(from, MCPZ_RECORD_DELTA, index)->delta.delta},
        };
        world_receive(&world, node, 0, &msg);
    }
}

TEST(the_same_deltas_in_any_order_leave_the_same_bytes)
{
    for (seed = 1001; seed <= 1000 + SEEDS_OF(SEEDS) / 2; seed++) {
        mcpz_rng_init(&rng, seed);
        op_count = 0;
        world_init(&world, 3);
        world_link(&world, 0, 1); /* node 2 is alone, and empty */
        for (size_t i = 0; i < 60; i++) {
            write_something(roll(2));
            if (roll(3) == 0) {
                world_pump(&world);
            }
        }
        world_run(&world, MCPZ_SECONDS(60));
        CHECK_SEED(fake_store_equal(&world.nodes[0].store, &world.nodes[1].store));

        replay_into(2);
        CHECK_SEED(fake_store_equal(&world.nodes[0].store, &world.nodes[2].store));
        check_against_history(2);
        world_finish(&world);
    }
}

TEST_MAIN(RUN(any_history_converges_to_what_it_says),
          RUN(the_same_deltas_in_any_order_leave_the_same_bytes))
