/*
 * Random histories of a few overlays: whatever happened, when all is quiet and a few heartbeats
 * have passed, both ends of every neighbour relation agree, and over a link that stands.
 *
 * Links deliver in order. A link that breaks loses what was under way on it, and its ends hear of
 * it one after the other, at times of their own.
 */

#include "core.h"
#include "core/overlay.h"

#define NODES 5
#define QUEUE_MAX 512
#define SEEDS 300

struct piece {
    struct mcpz_msg msg;
    struct mcpz_overlay_entry entries[MCPZ_OVERLAY_SHUFFLE_MAX];
    struct mcpz_short path[MCPZ_OVERLAY_WALK_MAX];
};

/* What is under way from one node to another. */
struct way {
    struct piece queue[QUEUE_MAX];
    size_t head;
    size_t count;
    bool up; /* the sender holds the link for standing */
    bool dialling;
};

static struct mcpz_overlay nodes[NODES];
static struct way ways[NODES][NODES];
static bool left[NODES];
static struct mcpz_rng rng;
static mcpz_time now;
static bool quiet;
static size_t one_sided; /* relations that only heartbeats could mend */
static size_t lost;      /* pieces that went down with their links */

static struct mcpz_id id_of(size_t number)
{
    return (struct mcpz_id){.bytes = {(uint8_t)(number + 1), 1}};
}

static size_t number_of(const struct mcpz_id *id)
{
    return (size_t)id->bytes[0] - 1;
}

static uint32_t lot(uint32_t below)
{
    return mcpz_rng_below(&rng, below);
}

/* ---- Links -------------------------------------------------------------------------------- */

static void push(size_t from, size_t to, const struct mcpz_msg *msg)
{
    struct way *way = &ways[from][to];

    if (!way->up) {
        return; /* as an engine does: there is no link to send it over */
    }
    CHECK(way->count < QUEUE_MAX);
    struct piece *piece = &way->queue[(way->head + way->count++) % QUEUE_MAX];
    piece->msg = *msg;
    if (msg->kind == MCPZ_MSG_OVERLAY_SHUFFLE) {
        const struct mcpz_msg_overlay_shuffle *said = &msg->overlay_shuffle;
        CHECK(said->entry_count <= MCPZ_OVERLAY_SHUFFLE_MAX);
        CHECK(said->path_count <= MCPZ_OVERLAY_WALK_MAX);
        memcpy(piece->entries, said->entries, said->entry_count * sizeof(*said->entries));
        memcpy(piece->path, said->path, said->path_count * sizeof(*said->path));
        piece->msg.overlay_shuffle.entries = piece->entries;
        piece->msg.overlay_shuffle.path = piece->path;
    } else if (msg->kind == MCPZ_MSG_OVERLAY_SHUFFLED) {
        const struct mcpz_msg_overlay_shuffled *said = &msg->overlay_shuffled;
        CHECK(said->entry_count <= MCPZ_OVERLAY_SHUFFLE_MAX);
        memcpy(piece->entries, said->entries, said->entry_count * sizeof(*said->entries));
        if (said->path_count > 0) {
            memcpy(piece->path, said->path, said->path_count * sizeof(*said->path));
        }
        piece->msg.overlay_shuffled.entries = piece->entries;
        piece->msg.overlay_shuffled.path = piece->path;
    }
}

static void run(size_t at, const struct mcpz_event *event);

static void tell_link(size_t at, size_t peer, enum mcpz_event_kind kind)
{
    const struct mcpz_event event = {.kind = kind,
                                     .link = {.peer = id_of(peer), .reason = MCPZ_DOWN_CLOSED}};
    run(at, &event);
}

/* One end finds its link gone; what it had sent is lost. */
static void hang_up(size_t at, size_t peer)
{
    struct way *way = &ways[at][peer];

    if (way->up) {
        lost += way->count;
        way->up = false;
        way->count = 0;
        tell_link(at, peer, MCPZ_EVENT_LINK_DOWN);
    }
}

static bool is_half(size_t a, size_t b)
{
    return ways[a][b].up != ways[b][a].up;
}

/* A new connection takes the place of the old one: what was under way is lost, and neither end
 * had been without a link. */
static void replace(size_t a, size_t b)
{
    if (ways[a][b].up && ways[b][a].up) {
        lost += ways[a][b].count + ways[b][a].count;
        ways[a][b].count = ways[b][a].count = 0;
        tell_link(a, b, MCPZ_EVENT_LINK_UP);
        tell_link(b, a, MCPZ_EVENT_LINK_UP);
    }
}

/* A dial ends: well, or not. */
static void end_dial(size_t from, size_t to)
{
    struct way *way = &ways[from][to];

    if (!way->dialling || is_half(from, to)) {
        return; /* an old link must be found gone at both ends before there is a new one */
    }
    way->dialling = false;
    bool fails = left[to] || (!quiet && lot(4) == 0);
    if (way->up) {
        tell_link(from, to, MCPZ_EVENT_LINK_UP);
    } else if (fails) {
        tell_link(from, to, MCPZ_EVENT_UNREACHABLE);
    } else {
        way->up = true;
        ways[to][from].up = true;
        tell_link(from, to, MCPZ_EVENT_LINK_UP);
        tell_link(to, from, MCPZ_EVENT_LINK_UP);
    }
}

static void deliver(size_t from, size_t to)
{
    struct way *way = &ways[from][to];

    if (way->count == 0) {
        return;
    }
    struct piece piece = way->queue[way->head];
    way->head = (way->head + 1) % QUEUE_MAX;
    way->count--;
    if (piece.msg.kind == MCPZ_MSG_OVERLAY_SHUFFLE) {
        piece.msg.overlay_shuffle.entries = piece.entries;
        piece.msg.overlay_shuffle.path = piece.path;
    } else if (piece.msg.kind == MCPZ_MSG_OVERLAY_SHUFFLED) {
        piece.msg.overlay_shuffled.entries = piece.entries;
        piece.msg.overlay_shuffled.path = piece.path;
    }
    if (ways[to][from].up) {
        const struct mcpz_event event = {.kind = MCPZ_EVENT_RECV,
                                         .recv = {.from = id_of(from), .msg = &piece.msg}};
        run(to, &event);
    }
}

/* ---- Nodes -------------------------------------------------------------------------------- */

static void carry_out(size_t at)
{
    static struct mcpz_id reached[MCPZ_OUTBOX_MAX];
    size_t count = 0;

    for (size_t i = 0; i < out.count; i++) {
        const struct mcpz_action *action = &out.actions[i];
        if (action->kind == MCPZ_ACTION_SEND) {
            push(at, number_of(action->send.peers), &action->send.msg);
        } else if (action->kind == MCPZ_ACTION_REACH) {
            reached[count++] = action->reach.peer;
        }
    }
    for (size_t i = 0; i < count; i++) {
        ways[at][number_of(&reached[i])].dialling = true;
    }
}

static void run(size_t at, const struct mcpz_event *event)
{
    mcpz_outbox_clear(&out);
    mcpz_overlay_step(&nodes[at], now, event, &out);
    carry_out(at);
}

static void contact(size_t at, size_t peer)
{
    if (at != peer && !left[at] && !left[peer]) {
        tell_link(at, peer, MCPZ_EVENT_CONTACT);
    }
}

static void beat(size_t from, size_t to)
{
    const struct mcpz_id peer = id_of(to);
    const struct mcpz_msg ping = {
        .kind = MCPZ_MSG_PING,
        .ping = {.neighbour = mcpz_overlay_is_neighbour(&nodes[from], &peer)}};

    push(from, to, &ping);
}

static void tick(size_t at)
{
    const struct mcpz_event event = {.kind = MCPZ_EVENT_TICK};

    if (mcpz_overlay_deadline(&nodes[at]) <= now) {
        run(at, &event);
        CHECK(mcpz_overlay_deadline(&nodes[at]) > now);
    }
}

static void set_up(uint64_t seed)
{
    static _Alignas(16) uint8_t memory[NODES][1024];
    struct mcpz_arena arena;

    mcpz_rng_init(&rng, seed);
    mcpz_outbox_init(&out);
    now = MCPZ_SECONDS(1000);
    quiet = false;
    for (size_t i = 0; i < NODES; i++) {
        const struct mcpz_id id = id_of(i);
        const struct mcpz_overlay_config config = {
            .active_max = 1 + lot(4), .passive_max = 4, .far_max = 0};
        CHECK(mcpz_overlay_bytes(&config) <= sizeof(memory[i]));
        mcpz_arena_init(&arena, memory[i], sizeof(memory[i]));
        mcpz_overlay_init(&nodes[i], &id, &config, &arena, seed * NODES + i, now);
        left[i] = false;
        for (size_t j = 0; j < NODES; j++) {
            ways[i][j].head = ways[i][j].count = 0;
            ways[i][j].up = ways[i][j].dialling = false;
        }
    }
    for (size_t i = 1; i < NODES; i++) {
        contact(i, lot((uint32_t)i));
    }
}

/* ---- Histories ---------------------------------------------------------------------------- */

static void disturb(size_t a, size_t b)
{
    uint32_t what = lot(10);

    if (what == 0) {
        hang_up(a, b); /* the other end finds out in its own time */
    } else if (what == 1) {
        contact(a, b);
    } else if (what == 2) {
        now += lot(2000) * 1000;
    } else if (what == 3) {
        replace(a, b);
    } else if (what == 4 && lot(60) == 0 && !left[a]) {
        const struct mcpz_event event = {.kind = MCPZ_EVENT_LEAVE};
        left[a] = true;
        run(a, &event);
    }
}

static void move(void)
{
    size_t a = lot(NODES);
    size_t b = lot(NODES);
    uint32_t what = lot(8);

    if (a == b) {
        tick(a);
    } else if (what < 4) {
        deliver(a, b);
    } else if (what == 4) {
        end_dial(a, b);
    } else if (what == 5) {
        beat(a, b);
    } else if (what == 6) {
        if (is_half(a, b)) {
            hang_up(a, b);
        }
    } else if (!quiet) {
        disturb(a, b);
    }
}

static bool is_busy(void)
{
    for (size_t i = 0; i < NODES; i++) {
        for (size_t j = 0; j < NODES; j++) {
            if (is_half(i, j) || ways[i][j].dialling || ways[i][j].count > 0) {
                return true;
            }
        }
    }
    return false;
}

/* Let everything that is under way arrive. */
static void settle(void)
{
    for (size_t rounds = 0; is_busy(); rounds++) {
        CHECK(rounds < 20000);
        for (size_t i = 0; i < NODES; i++) {
            for (size_t j = 0; j < NODES; j++) {
                if (i != j && is_half(i, j)) {
                    hang_up(i, j);
                }
                end_dial(i, j);
                deliver(i, j);
            }
        }
    }
}

static void beat_all(void)
{
    for (size_t i = 0; i < NODES; i++) {
        for (size_t j = 0; j < NODES; j++) {
            if (i != j) {
                beat(i, j);
            }
        }
    }
    settle();
}

/* How many hold somebody who does not hold them. */
static size_t count_one_sided(void)
{
    size_t count = 0;

    for (size_t i = 0; i < NODES; i++) {
        for (size_t j = 0; j < NODES; j++) {
            const struct mcpz_id a = id_of(i);
            const struct mcpz_id b = id_of(j);
            count += mcpz_overlay_is_neighbour(&nodes[i], &b) &&
                     !mcpz_overlay_is_neighbour(&nodes[j], &a);
        }
    }
    return count;
}

static size_t check_all_agree(uint64_t seed)
{
    size_t relations = 0;

    for (size_t i = 0; i < NODES; i++) {
        CHECK(nodes[i].active_count <= nodes[i].config.active_max);
        for (size_t j = 0; j < NODES; j++) {
            const struct mcpz_id a = id_of(i);
            const struct mcpz_id b = id_of(j);
            bool one = mcpz_overlay_is_neighbour(&nodes[i], &b);
            bool other = mcpz_overlay_is_neighbour(&nodes[j], &a);
            if (one != other || (one && !ways[i][j].up)) {
                print_error("seed %" PRIu64 ": %zu and %zu\n", seed, i, j);
            }
            CHECK(one == other);
            CHECK(!one || ways[i][j].up);
            relations += one;
        }
    }
    return relations;
}

/* Nothing goes wrong any more: what waits in vain gives up, then heartbeats mend the rest. */
static void calm_down(void)
{
    quiet = true;
    settle();
    one_sided += count_one_sided();
    for (size_t i = 0; i < 6; i++) {
        now += nodes[0].config.neighbour_timeout_us / 2;
        for (size_t j = 0; j < NODES; j++) {
            tick(j);
        }
        settle();
        beat_all();
    }
    for (size_t i = 0; i < 3; i++) {
        beat_all();
    }
}

TEST(in_the_end_both_ends_agree)
{
    size_t relations = 0;
    uint64_t mended = 0;

    lost = one_sided = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        set_up(seed);
        for (size_t i = 0; i < 5000; i++) {
            move();
            now += lot(20) * 1000;
        }
        for (size_t i = 0; i < NODES * NODES; i++) {
            replace(i / NODES, i % NODES); /* of all moments the worst to be left alone */
        }
        calm_down();
        relations += check_all_agree(seed);
        for (size_t i = 0; i < NODES; i++) {
            mended += nodes[i].contradicted;
        }
    }
    /* The histories were worth having. */
    CHECK(relations > SEEDS);
    CHECK(lost > SEEDS);
    CHECK(mended > 0);
    CHECK(one_sided > 0);
}

TEST_MAIN(RUN(in_the_end_both_ends_agree))
