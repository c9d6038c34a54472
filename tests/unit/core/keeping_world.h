/*
 * What the tests of keeping share: one node with a store, members and links as the test says, and
 * a layout in force of four nodes and three copies. Documents are records with versions: their
 * deltas count as folded.
 */

#ifndef KEEPING_WORLD_H
#define KEEPING_WORLD_H

#include "core.h"
#include "core/keeping.h"
#include "core/keeping/along.h"
#include "core/keeping/step.h"
#include "fake_store.h"
#include "placement_world.h"
#include "proto/code.h"

#define KEEPERS 4 /* in the layout; one of them is us, another is no owner of a document */
#define FABRIC_BYTES 262144

static struct world world;
static struct fake_store store;
static struct mcpz_fabric fabric;
static struct mcpz_layouts layouts;
static struct mcpz_agents agents;
static struct mcpz_keeping keeping;
static _Alignas(16) uint8_t fabric_memory[FABRIC_BYTES];
static void *history_memory;
static mcpz_time now;
static uint64_t wall_ms;

static const struct mcpz_keeping_below below = {
    .fabric = &fabric, .layouts = &layouts, .agents = &agents};

static inline const struct mcpz_id *keeper(size_t index)
{
    return &world.nodes[index].id;
}

/* Ours is the first. */
static inline void add_member(const struct mcpz_id *id)
{
    struct mcpz_roster *roster = &fabric.members.roster;
    const struct mcpz_msg_member said = {.id = *id};
    struct mcpz_member *member = mcpz_roster_add(roster, id);

    CHECK(member != NULL);
    CHECK_UINT(mcpz_roster_describe(roster, member, &said), MCPZ_OK);
    member->state = MCPZ_MEMBER_ALIVE;
}

static inline struct mcpz_member *member_of(size_t index)
{
    struct mcpz_roster *roster = &fabric.members.roster;

    for (size_t i = 0; i < roster->count; i++) {
        if (mcpz_id_equal(&roster->rows[i].id, keeper(index))) {
            return &roster->rows[i];
        }
    }
    abort();
}

static inline void apply_layout(uint64_t version)
{
    const struct mcpz_layout_stamp stamp = {.version = version, .tag = 1};
    struct mcpz_placement placement = world.placement;

    placement.version = version;
    CHECK_UINT(mcpz_layout_history_add(&layouts.history, &placement, stamp), MCPZ_OK);
}

static inline void sync_all_of(uint64_t version)
{
    const struct mcpz_layout_stamp stamp = {.version = version, .tag = 1};

    for (size_t i = 0; i < KEEPERS; i++) {
        const struct mcpz_layout_tracker tracker = {
            .node = *keeper(i), .acked = stamp, .synced = stamp, .sync_acked = stamp};
        (void)mcpz_layout_history_merge(&layouts.history, &tracker);
    }
}

static inline void keeping_set_up(void)
{
    struct mcpz_arena arena;
    const size_t history_bytes = mcpz_layout_history_bytes(8, 4);

    world_make(&world, KEEPERS, 1);
    world.placement.zones_apart = 1;
    fake_store_init(&store);
    const struct mcpz_packer packer = {.pack = NULL};
    const struct mcpz_fabric_config config = small_fabric(keeper(0), &packer);
    CHECK(mcpz_fabric_bytes(&config) <= FABRIC_BYTES);
    memset(fabric_memory, 0, sizeof(fabric_memory));
    now = MCPZ_SECONDS(1000);
    wall_ms = UINT64_C(1800000000000);
    mcpz_fabric_init(&fabric, &config, fabric_memory, now);
    for (size_t i = 1; i < KEEPERS; i++) {
        add_member(keeper(i));
    }
    layouts = (struct mcpz_layouts){.store = &store.port, .in_force = true};
    history_memory = calloc(1, history_bytes);
    CHECK(history_memory != NULL);
    mcpz_arena_init(&arena, history_memory, history_bytes);
    mcpz_layout_history_init(&layouts.history, keeper(0), 8, 4, &arena);
    apply_layout(1);
    sync_all_of(1);
    mcpz_keeping_init(&keeping, keeper(0), &store.port, 1);
    mcpz_outbox_init(&out);
}

static inline void keeping_tear_down(void)
{
    fake_store_finish(&store);
    free(history_memory);
}

/* ---- Documents ---------------------------------------------------------------------------- */

/* A document of which we are an owner and `other` is one, too. */
static inline struct mcpz_id document_with(size_t other, uint8_t salt)
{
    for (unsigned n = 0;; n++) {
        const struct mcpz_id id = {{(uint8_t)n, (uint8_t)(n >> 8), salt, 7, 7, 7, 7, 7, 1}};
        if (!mcpz_id_is_zero(&id) && mcpz_layouts_keeps(&layouts, keeper(0), &id) &&
            mcpz_layouts_keeps(&layouts, keeper(other), &id)) {
            return id;
        }
    }
}

/* A document that is not ours. */
static inline struct mcpz_id document_of_others(uint8_t salt)
{
    for (unsigned n = 0;; n++) {
        const struct mcpz_id id = {{(uint8_t)n, (uint8_t)(n >> 8), salt, 8, 8, 8, 8, 8, 1}};
        if (!mcpz_layouts_keeps(&layouts, keeper(0), &id)) {
            return id;
        }
    }
}

static inline struct mcpz_version version_of(uint8_t actor, uint64_t seq)
{
    return (struct mcpz_version){.actor = {.node = {{actor}}, .generation = 1}, .seq = seq};
}

/* It is here, as far as so many writes of one actor. */
static inline void keep_document(const struct mcpz_id *id, uint64_t seq)
{
    const struct mcpz_version version = version_of('w', seq);
    const struct mcpz_record record = {
        .kind = MCPZ_RECORD_DOCUMENT,
        .document = {.id = *id, .name = mcpz_text("a"), .versions = &version, .version_count = 1}};

    store.port.put(store.port.context, &record);
}

static inline uint64_t digest_of(const struct mcpz_id *id)
{
    struct mcpz_document document;

    CHECK_UINT(mcpz_document_load(&store.port, id, &document), MCPZ_OK);
    return mcpz_document_digest_of(&document);
}

/* ---- Events ------------------------------------------------------------------------------- */

static inline void step(struct mcpz_event event)
{
    event.wall_ms = wall_ms;
    mcpz_outbox_clear(&out);
    mcpz_keeping_step(&keeping, &below, now, &event, &out);
    fake_store_end_turn(&store);
}

static inline void tick(mcpz_time us)
{
    now += us;
    wall_ms += (uint64_t)us / 1000;
    step((struct mcpz_event){.kind = MCPZ_EVENT_TICK});
}

static inline void hear(size_t from, const struct mcpz_msg *msg)
{
    step(
        (struct mcpz_event){.kind = MCPZ_EVENT_RECV, .recv = {.from = *keeper(from), .msg = msg}});
}

static inline void link_with(size_t other)
{
    mcpz_outbox_clear(&out);
    (void)mcpz_links_step(
        &fabric.links, now,
        &(struct mcpz_event){.kind = MCPZ_EVENT_LINK_UP, .link = {.peer = *keeper(other)}}, &out);
    step((struct mcpz_event){.kind = MCPZ_EVENT_FACT,
                             .fact = {.kind = MCPZ_FACT_LINKED, .about = *keeper(other)}});
}

static inline void unlink_from(size_t other)
{
    mcpz_outbox_clear(&out);
    (void)mcpz_links_step(
        &fabric.links, now,
        &(struct mcpz_event){.kind = MCPZ_EVENT_LINK_DOWN,
                             .link = {.peer = *keeper(other), .reason = MCPZ_DOWN_CLOSED}},
        &out);
}

/* How many messages of `kind` went to `other` in the last step; the last of them. */
static inline size_t count_sent(size_t other, enum mcpz_msg_kind kind, const struct mcpz_msg **msg)
{
    size_t count = 0;

    for (size_t i = 0; i < out.count; i++) {
        const struct mcpz_action *action = &out.actions[i];
        if (action->kind == MCPZ_ACTION_SEND && action->send.msg.kind == kind &&
            mcpz_id_equal(&action->send.peers[0], keeper(other))) {
            count++;
            if (msg != NULL) {
                *msg = &action->send.msg;
            }
        }
    }
    return count;
}

/* A step for what is called by itself. */
static inline struct mcpz_keeping_step begin_step(void)
{
    struct mcpz_keeping_step made = {
        .keeping = &keeping, .below = &below, .now = now, .wall_ms = wall_ms, .out = &out};

    mcpz_outbox_clear(&out);
    mcpz_mail_init(&made.mail, &out);
    return made;
}

#endif
