#include "sim/overlays.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define CYCLE_US MCPZ_SECONDS(30)
#define PERIOD_US MCPZ_SECONDS(24) /* a fifth more is still within a cycle */

/* Under way at once, per node: a shuffle, a repair, and what one of them sets off. */
#define QUEUED_PER_NODE 8
#define QUEUED_MIN 1024

/* An event on its way. What a message points to travels with it. */
struct item {
    uint32_t to;
    enum mcpz_event_kind kind; /* RECV, LINK_UP, UNREACHABLE */
    struct mcpz_id from;
    struct mcpz_msg msg;
    struct mcpz_overlay_entry entries[MCPZ_OVERLAY_SHUFFLE_MAX];
    struct mcpz_short path[MCPZ_OVERLAY_WALK_MAX];
};

struct place {
    double x_us;
    double y_us;
};

struct mcpz_overlays {
    size_t count;
    struct mcpz_overlay *machines;
    uint8_t *memory; /* of their views: `memory_bytes` in all */
    size_t memory_bytes;
    struct mcpz_xbot *xbots; /* NULL: the nodes are nowhere, and exchange nothing */
    struct place *places;
    bool *alive;
    struct item *queue; /* a ring */
    size_t queue_size;
    size_t queue_first;
    size_t queue_count;
    struct mcpz_outbox *out;
    struct mcpz_rng rng;
    mcpz_time now;
};

/* HyParView, section 5.1. */
static const struct mcpz_overlay_config papers = {
    .active_max = 5,
    .passive_max = 30,
    .arwl = 6,
    .prwl = 3,
    .shuffle_active = 3,
    .shuffle_passive = 4,
    .shuffle_period_us = PERIOD_US,
    .promote_period_us = PERIOD_US,
    .promote_max_us = PERIOD_US, /* the paper's nodes ask all they know, every time */
    .refusals_max = SIZE_MAX,
    .neighbour_timeout_us = MCPZ_SECONDS(5),
    .passive_age_us = MCPZ_TIME_NEVER, /* the paper's entries do not age */
};

static void *must(void *memory)
{
    if (memory == NULL) {
        abort();
    }
    return memory;
}

static struct mcpz_id id_of(size_t node)
{
    uint32_t index = (uint32_t)node;
    struct mcpz_id id = {.bytes = {0}};

    memcpy(id.bytes, &index, sizeof(index));
    id.bytes[MCPZ_ID_BYTES - 1] = 1; /* never zeros */
    return id;
}

static struct item *push(struct mcpz_overlays *world, size_t to, enum mcpz_event_kind kind,
                         const struct mcpz_id *from)
{
    assert(world->queue_count < world->queue_size);

    size_t at = (world->queue_first + world->queue_count++) % world->queue_size;
    struct item *item = &world->queue[at];
    item->to = (uint32_t)to;
    item->kind = kind;
    item->from = *from;
    return item;
}

/* Let a message's lists be those that travel with it, after copying them if `from` is given. */
static void attach(struct item *item, const struct mcpz_msg *from)
{
    struct mcpz_msg *msg = &item->msg;

    if (msg->kind == MCPZ_MSG_OVERLAY_SHUFFLE) {
        struct mcpz_msg_overlay_shuffle *shuffle = &msg->overlay_shuffle;
        if (from != NULL) {
            memcpy(item->entries, from->overlay_shuffle.entries,
                   shuffle->entry_count * sizeof(item->entries[0]));
            memcpy(item->path, from->overlay_shuffle.path,
                   shuffle->path_count * sizeof(item->path[0]));
        }
        shuffle->entries = item->entries;
        shuffle->path = item->path;
    } else if (msg->kind == MCPZ_MSG_OVERLAY_SHUFFLED) {
        struct mcpz_msg_overlay_shuffled *answer = &msg->overlay_shuffled;
        if (from != NULL) {
            memcpy(item->entries, from->overlay_shuffled.entries,
                   answer->entry_count * sizeof(item->entries[0]));
            memcpy(item->path, from->overlay_shuffled.path,
                   answer->path_count * sizeof(item->path[0]));
        }
        answer->entries = item->entries;
        answer->path = item->path;
    }
}

static void push_msg(struct mcpz_overlays *world, size_t to, const struct mcpz_id *from,
                     const struct mcpz_msg *msg)
{
    struct item *item = push(world, to, MCPZ_EVENT_RECV, from);

    item->msg = *msg;
    attach(item, msg);
}

/* Where a node looks at the others from. */
struct view {
    const struct mcpz_overlays *world;
    size_t node;
};

static uint32_t rtt_from(const void *context, const struct mcpz_id *peer)
{
    const struct view *view = context;
    return mcpz_overlays_rtt_us(view->world, view->node, mcpz_overlays_index(peer));
}

static void step(struct mcpz_overlays *world, size_t node, const struct mcpz_event *event)
{
    const struct mcpz_id *self = &world->machines[node].self;

    mcpz_outbox_clear(world->out);
    mcpz_overlay_step(&world->machines[node], world->now, event, world->out);
    if (world->xbots != NULL) {
        const struct view view = {world, node};
        const struct mcpz_xbot_rtts rtts = {.context = &view, .of = rtt_from};
        mcpz_xbot_step(&world->xbots[node], &world->machines[node], &rtts, world->now, event,
                       world->out);
    }
    for (size_t i = 0; i < world->out->count; i++) {
        const struct mcpz_action *action = &world->out->actions[i];
        if (action->kind == MCPZ_ACTION_SEND) {
            push_msg(world, mcpz_overlays_index(action->send.peers), self, &action->send.msg);
        } else if (action->kind == MCPZ_ACTION_REACH) {
            bool there = world->alive[mcpz_overlays_index(&action->reach.peer)];
            push(world, node, there ? MCPZ_EVENT_LINK_UP : MCPZ_EVENT_UNREACHABLE,
                 &action->reach.peer);
        }
    }
}

/* Deliver until nothing is under way. */
static void drain(struct mcpz_overlays *world)
{
    while (world->queue_count > 0) {
        /* A copy: the ring may take its place while it is handled. */
        struct item item = world->queue[world->queue_first];
        world->queue_first = (world->queue_first + 1) % world->queue_size;
        world->queue_count--;
        if (!world->alive[item.to]) {
            continue;
        }
        struct mcpz_event event = {.kind = item.kind};
        if (item.kind == MCPZ_EVENT_RECV) {
            attach(&item, NULL);
            event.recv.from = item.from;
            event.recv.msg = &item.msg;
        } else {
            event.link.peer = item.from;
        }
        step(world, item.to, &event);
    }
}

struct mcpz_overlays *mcpz_overlays_create(size_t count, uint64_t seed)
{
    return mcpz_overlays_create_as(count, seed, &papers);
}

struct mcpz_overlays *mcpz_overlays_create_as(size_t count, uint64_t seed,
                                              const struct mcpz_overlay_config *config)
{
    struct mcpz_overlays *world = must(calloc(1, sizeof(*world)));
    struct mcpz_arena arena;

    assert(count > 0);
    world->count = count;
    world->queue_size = count * QUEUED_PER_NODE + QUEUED_MIN;
    world->machines = must(calloc(count, sizeof(*world->machines)));
    world->memory_bytes = count * mcpz_overlay_bytes(config);
    world->memory = must(malloc(world->memory_bytes));
    world->alive = must(calloc(count, sizeof(*world->alive)));
    world->queue = must(calloc(world->queue_size, sizeof(*world->queue)));
    world->out = must(malloc(sizeof(*world->out)));
    mcpz_outbox_init(world->out);
    mcpz_rng_init(&world->rng, seed);
    mcpz_arena_init(&arena, world->memory, world->memory_bytes);
    for (size_t i = 0; i < count; i++) {
        struct mcpz_id self = id_of(i);
        mcpz_overlay_init(&world->machines[i], &self, config, &arena, mcpz_rng_next(&world->rng),
                          0);
        world->alive[i] = true;
    }
    return world;
}

void mcpz_overlays_optimise(struct mcpz_overlays *world, uint32_t side_us,
                            const struct mcpz_xbot_config *config)
{
    assert(world->xbots == NULL);

    world->xbots = must(calloc(world->count, sizeof(*world->xbots)));
    world->places = must(calloc(world->count, sizeof(*world->places)));
    for (size_t i = 0; i < world->count; i++) {
        world->places[i].x_us = mcpz_rng_below(&world->rng, side_us);
        world->places[i].y_us = mcpz_rng_below(&world->rng, side_us);
        mcpz_xbot_init(&world->xbots[i], config, NULL, mcpz_rng_next(&world->rng), world->now);
    }
}

/* Both were made with the same configuration, without addresses. */
static void copy_machine(struct mcpz_overlay *to, const struct mcpz_overlay *from)
{
    const struct mcpz_passive *known = &from->passive;
    const struct mcpz_passive own = to->passive;

    assert(own.config.capacity == known->config.capacity && known->config.address_bytes == 0);
    *to = *from;
    to->passive.entries = own.entries;
    to->passive.names = own.names;
    memcpy(own.entries, known->entries, known->count * sizeof(*own.entries));
    memcpy(own.names, known->names, known->count * sizeof(*own.names));
}

void mcpz_overlays_copy(struct mcpz_overlays *to, const struct mcpz_overlays *from)
{
    assert(to->count == from->count);
    assert(from->queue_count == 0);
    assert(from->xbots == NULL && to->xbots == NULL);

    for (size_t i = 0; i < from->count; i++) {
        copy_machine(&to->machines[i], &from->machines[i]);
    }
    memcpy(to->alive, from->alive, from->count * sizeof(*from->alive));
    to->rng = from->rng;
    to->now = from->now;
}

void mcpz_overlays_destroy(struct mcpz_overlays *world)
{
    if (world == NULL) {
        return;
    }
    free(world->machines);
    free(world->memory);
    free(world->xbots);
    free(world->places);
    free(world->alive);
    free(world->queue);
    free(world->out);
    free(world);
}

void mcpz_overlays_join(struct mcpz_overlays *world, size_t node, size_t contact)
{
    struct mcpz_event event = {.kind = MCPZ_EVENT_CONTACT, .link = {.peer = id_of(contact)}};

    step(world, node, &event);
    drain(world);
}

void mcpz_overlays_cycle(struct mcpz_overlays *world)
{
    const struct mcpz_event tick = {.kind = MCPZ_EVENT_TICK};

    world->now += CYCLE_US;
    for (size_t i = 0; i < world->count; i++) {
        if (world->alive[i]) {
            step(world, i, &tick);
        }
    }
    drain(world);
}

static bool is_due(const struct mcpz_overlays *world, size_t node)
{
    mcpz_time due = mcpz_overlay_deadline(&world->machines[node]);

    if (world->xbots != NULL) {
        due = mcpz_time_min(due, mcpz_xbot_deadline(&world->xbots[node], &world->machines[node]));
    }
    return world->alive[node] && due <= world->now;
}

void mcpz_overlays_run(struct mcpz_overlays *world, mcpz_time for_us)
{
    const struct mcpz_event tick = {.kind = MCPZ_EVENT_TICK};
    const mcpz_time end = world->now + for_us;

    while (world->now < end) {
        world->now = mcpz_time_min(world->now + MCPZ_SECONDS(1), end);
        for (size_t i = 0; i < world->count; i++) {
            if (is_due(world, i)) {
                step(world, i, &tick);
            }
        }
        drain(world);
    }
}

void mcpz_overlays_crash(struct mcpz_overlays *world, size_t percent)
{
    size_t left = world->count;
    size_t doomed = world->count * percent / 100;

    /* As many as said, all choices as likely (Knuth, volume 2, algorithm 3.4.2 S). */
    for (size_t i = 0; i < world->count; i++, left--) {
        if (mcpz_rng_below(&world->rng, (uint32_t)left) < doomed) {
            world->alive[i] = false;
            doomed--;
        }
    }
}

static void detect_at(struct mcpz_overlays *world, size_t node)
{
    const struct mcpz_overlay *machine = &world->machines[node];
    struct mcpz_id lost[MCPZ_OVERLAY_ACTIVE_MAX];
    size_t lost_count = 0;

    for (size_t i = 0; i < machine->active_count; i++) {
        if (!world->alive[mcpz_overlays_index(&machine->active[i].id)]) {
            lost[lost_count++] = machine->active[i].id;
        }
    }
    for (size_t i = 0; i < lost_count; i++) {
        struct mcpz_event down = {
            .kind = MCPZ_EVENT_LINK_DOWN,
            .link = {.peer = lost[i], .reason = MCPZ_DOWN_CLOSED},
        };
        step(world, node, &down);
    }
}

void mcpz_overlays_detect(struct mcpz_overlays *world)
{
    for (size_t i = 0; i < world->count; i++) {
        if (world->alive[i]) {
            detect_at(world, i);
        }
    }
    drain(world);
}

size_t mcpz_overlays_count(const struct mcpz_overlays *world)
{
    return world->count;
}

bool mcpz_overlays_is_alive(const struct mcpz_overlays *world, size_t node)
{
    return world->alive[node];
}

const struct mcpz_overlay *mcpz_overlays_machine(const struct mcpz_overlays *world, size_t node)
{
    return &world->machines[node];
}

const struct mcpz_xbot *mcpz_overlays_xbot(const struct mcpz_overlays *world, size_t node)
{
    return world->xbots != NULL ? &world->xbots[node] : NULL;
}

uint32_t mcpz_overlays_rtt_us(const struct mcpz_overlays *world, size_t a, size_t b)
{
    assert(world->places != NULL);

    const double x_us = world->places[a].x_us - world->places[b].x_us;
    const double y_us = world->places[a].y_us - world->places[b].y_us;
    return 1 + (uint32_t)hypot(x_us, y_us);
}

size_t mcpz_overlays_index(const struct mcpz_id *id)
{
    uint32_t index;

    memcpy(&index, id->bytes, sizeof(index));
    return index;
}
