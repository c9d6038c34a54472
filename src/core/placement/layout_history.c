#include "core/placement/layout_history.h"

#include <assert.h>
#include <string.h>

static size_t tracker_max(size_t node_max)
{
    return node_max * MCPZ_LAYOUTS_LIVE_MAX;
}

size_t mcpz_layout_history_bytes(size_t node_max, size_t zone_max)
{
    const size_t layout = mcpz_arena_cost(node_max, sizeof(struct mcpz_storage_node)) +
                          mcpz_arena_cost(zone_max, sizeof(struct mcpz_bytes)) +
                          mcpz_arena_cost(zone_max, MCPZ_NAME_BYTES_MAX) +
                          mcpz_rendezvous_bytes(node_max, zone_max);

    return MCPZ_LAYOUTS_LIVE_MAX * layout +
           mcpz_arena_cost(tracker_max(node_max), sizeof(struct mcpz_layout_tracker));
}

void mcpz_layout_history_init(struct mcpz_layout_history *history, const struct mcpz_id *self,
                              size_t node_max, size_t zone_max, struct mcpz_arena *arena)
{
    *history =
        (struct mcpz_layout_history){.self = *self, .node_max = node_max, .zone_max = zone_max};
    for (size_t i = 0; i < MCPZ_LAYOUTS_LIVE_MAX; i++) {
        struct mcpz_live_layout *live = &history->live[i];
        live->placement.nodes =
            mcpz_arena_take_sure(arena, node_max, sizeof(*live->placement.nodes));
        live->placement.zones =
            mcpz_arena_take_sure(arena, zone_max, sizeof(*live->placement.zones));
        live->names = mcpz_arena_take_sure(arena, zone_max, MCPZ_NAME_BYTES_MAX);
        mcpz_rendezvous_init(&live->rendezvous, node_max, zone_max, arena);
    }
    history->trackers =
        mcpz_arena_take_sure(arena, tracker_max(node_max), sizeof(*history->trackers));
}

/* ---- Trackers ----------------------------------------------------------------------------- */

/* Where the tracker of `node` is, or would be. */
static size_t tracker_place(const struct mcpz_layout_history *history, const struct mcpz_id *node)
{
    size_t low = 0;
    size_t high = history->tracker_count;

    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (mcpz_id_compare(&history->trackers[middle].node, node) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static struct mcpz_layout_tracker *find_tracker(const struct mcpz_layout_history *history,
                                                const struct mcpz_id *node)
{
    const size_t at = tracker_place(history, node);

    return at < history->tracker_count && mcpz_id_equal(&history->trackers[at].node, node)
               ? &history->trackers[at]
               : NULL;
}

/* There is room: as many as all live layouts can name. */
static void add_tracker(struct mcpz_layout_history *history, const struct mcpz_id *node)
{
    const size_t at = tracker_place(history, node);

    if (at < history->tracker_count && mcpz_id_equal(&history->trackers[at].node, node)) {
        return;
    }
    assert(history->tracker_count < tracker_max(history->node_max));
    memmove(&history->trackers[at + 1], &history->trackers[at],
            (history->tracker_count - at) * sizeof(history->trackers[0]));
    history->trackers[at] = (struct mcpz_layout_tracker){.node = *node};
    history->tracker_count++;
}

static bool is_named(const struct mcpz_layout_history *history, const struct mcpz_id *node)
{
    for (size_t i = 0; i < history->live_count; i++) {
        const struct mcpz_placement *placement = &history->live[i].placement;
        size_t low = 0;
        size_t high = placement->node_count;
        while (low < high) {
            const size_t middle = low + (high - low) / 2;
            const int order = mcpz_id_compare(&placement->nodes[middle].id, node);
            if (order == 0) {
                return true;
            }
            if (order < 0) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
    }
    return false;
}

static void forget_strangers(struct mcpz_layout_history *history)
{
    size_t kept = 0;

    for (size_t i = 0; i < history->tracker_count; i++) {
        if (is_named(history, &history->trackers[i].node)) {
            history->trackers[kept++] = history->trackers[i];
        }
    }
    history->tracker_count = kept;
}

static struct mcpz_layout_stamp earlier(struct mcpz_layout_stamp a, struct mcpz_layout_stamp b)
{
    return mcpz_layout_stamp_compare(a, b) < 0 ? a : b;
}

static void find_minima(struct mcpz_layout_history *history)
{
    const struct mcpz_layout_stamp never = {.version = UINT64_MAX, .tag = UINT64_MAX};
    struct mcpz_layout_tracker least = {.acked = never, .synced = never, .sync_acked = never};

    for (size_t i = 0; i < history->tracker_count; i++) {
        const struct mcpz_layout_tracker *tracker = &history->trackers[i];
        least.acked = earlier(least.acked, tracker->acked);
        least.synced = earlier(least.synced, tracker->synced);
        least.sync_acked = earlier(least.sync_acked, tracker->sync_acked);
    }
    history->all_acked = least.acked;
    history->all_synced = least.synced;
    history->all_sync_acked = least.sync_acked;
}

/* Raise what `into` says to what `from` says. Was any of it lower? */
static bool raise(struct mcpz_layout_stamp *into, struct mcpz_layout_stamp from)
{
    const bool is_lower = mcpz_layout_stamp_compare(*into, from) < 0;

    *into = mcpz_layout_stamp_max(*into, from);
    return is_lower;
}

/* ---- What follows from them --------------------------------------------------------------- */

/*
 * What we may acknowledge: the newest layout, or the oldest that was the newest when a write began
 * that has not ended.
 */
static struct mcpz_layout_stamp free_to_ack(const struct mcpz_layout_history *history)
{
    for (size_t i = 0; i < history->live_count; i++) {
        if (history->live[i].writes > 0) {
            return history->live[i].stamp;
        }
    }
    return history->live[history->live_count - 1].stamp;
}

static void drop_oldest(struct mcpz_layout_history *history)
{
    const struct mcpz_live_layout room = history->live[0];

    history->live_count--;
    memmove(&history->live[0], &history->live[1], history->live_count * sizeof(history->live[0]));
    history->live[history->live_count] = room; /* its memory is for the next one */
}

/* Let go of the layouts that nobody reads from or writes to any more. */
static void let_go(struct mcpz_layout_history *history)
{
    size_t gone = 0;

    while (gone + 1 < history->live_count &&
           mcpz_layout_stamp_compare(history->live[gone + 1].stamp, history->all_sync_acked) <=
               0 &&
           history->live[gone].writes == 0) {
        gone++;
    }
    for (; gone > 0; gone--) {
        drop_oldest(history);
    }
}

/*
 * Bring our own tracker up to what holds now, and let go of what is done. Who was in none but
 * those is not waited for any more, and so more may be done.
 */
static void settle(struct mcpz_layout_history *history)
{
    size_t live_before;

    do {
        struct mcpz_layout_tracker *own = find_tracker(history, &history->self);
        if (own != NULL) {
            (void)raise(&own->acked, free_to_ack(history));
        }
        find_minima(history);
        if (own != NULL && raise(&own->sync_acked, history->all_synced)) {
            find_minima(history);
        }
        live_before = history->live_count;
        let_go(history);
        if (history->live_count != live_before) {
            forget_strangers(history);
        }
    } while (history->live_count != live_before);
}

/* ---- Layouts ------------------------------------------------------------------------------ */

static void copy_placement(struct mcpz_live_layout *live, const struct mcpz_placement *placement)
{
    struct mcpz_storage_node *nodes = live->placement.nodes;
    struct mcpz_bytes *zones = live->placement.zones;

    memcpy(nodes, placement->nodes, placement->node_count * sizeof(*nodes));
    for (size_t i = 0; i < placement->zone_count; i++) {
        char *name = live->names + i * MCPZ_NAME_BYTES_MAX;
        const struct mcpz_bytes text = placement->zones[i];
        if (text.length > 0) {
            memcpy(name, text.data, text.length);
        }
        zones[i] = mcpz_bytes(name, text.length);
    }
    live->placement = *placement;
    live->placement.nodes = nodes;
    live->placement.zones = zones;
}

mcpz_error mcpz_layout_history_add(struct mcpz_layout_history *history,
                                   const struct mcpz_placement *placement,
                                   struct mcpz_layout_stamp stamp)
{
    size_t at = history->live_count;

    assert(mcpz_placement_is_valid(placement));
    assert(stamp.version == placement->version);
    while (at > 0 && mcpz_layout_stamp_compare(history->live[at - 1].stamp, stamp) > 0) {
        at--;
    }
    if (at > 0 && mcpz_layout_stamp_compare(history->live[at - 1].stamp, stamp) == 0) {
        return MCPZ_OK;
    }
    if (at == 0 && history->live_count > 0) {
        return MCPZ_EUSED;
    }
    if (history->live_count == MCPZ_LAYOUTS_LIVE_MAX ||
        placement->node_count > history->node_max || placement->zone_count > history->zone_max) {
        return MCPZ_EFULL;
    }

    struct mcpz_live_layout live = history->live[history->live_count];
    live.stamp = stamp;
    live.writes = 0;
    copy_placement(&live, placement);
    mcpz_rendezvous_set(&live.rendezvous, &live.placement);
    memmove(&history->live[at + 1], &history->live[at],
            (history->live_count - at) * sizeof(history->live[0]));
    history->live[at] = live;
    history->live_count++;
    for (size_t i = 0; i < placement->node_count; i++) {
        add_tracker(history, &placement->nodes[i].id);
    }
    settle(history);
    return MCPZ_OK;
}

bool mcpz_layout_history_make_room(struct mcpz_layout_history *history,
                                   struct mcpz_layout_stamp stamp)
{
    if (history->live_count < MCPZ_LAYOUTS_LIVE_MAX || history->live[0].writes > 0 ||
        mcpz_layout_stamp_compare(history->live[0].stamp, stamp) >= 0) {
        return false;
    }
    drop_oldest(history);
    forget_strangers(history);
    settle(history);
    return true;
}

bool mcpz_layout_history_merge(struct mcpz_layout_history *history,
                               const struct mcpz_layout_tracker *tracker)
{
    struct mcpz_layout_tracker *known = find_tracker(history, &tracker->node);

    if (known == NULL) {
        return false;
    }
    const bool acked = raise(&known->acked, tracker->acked);
    const bool synced = raise(&known->synced, tracker->synced);
    const bool sync_acked = raise(&known->sync_acked, tracker->sync_acked);
    if (acked || synced || sync_acked) {
        settle(history);
    }
    return acked || synced || sync_acked;
}

const struct mcpz_layout_tracker *
mcpz_layout_history_tracker(const struct mcpz_layout_history *history, const struct mcpz_id *node)
{
    return find_tracker(history, node);
}

const struct mcpz_live_layout *
mcpz_layout_history_newest(const struct mcpz_layout_history *history)
{
    return history->live_count == 0 ? NULL : &history->live[history->live_count - 1];
}

/* ---- Reading, writing --------------------------------------------------------------------- */

static void owners_in(const struct mcpz_live_layout *live, const struct mcpz_id *document,
                      struct mcpz_owner_set *set)
{
    const uint32_t partition = mcpz_partition_of(document, live->placement.partition_bits);
    uint16_t owners[MCPZ_COPIES_MAX];

    *set = (struct mcpz_owner_set){.stamp = live->stamp};
    set->count = mcpz_rendezvous_owners(&live->rendezvous, partition, owners);
    for (size_t i = 0; i < set->count; i++) {
        set->nodes[i] = &live->placement.nodes[owners[i]];
    }
}

size_t mcpz_layout_history_sets(const struct mcpz_layout_history *history,
                                const struct mcpz_id *document, struct mcpz_owner_set *sets)
{
    for (size_t i = 0; i < history->live_count; i++) {
        owners_in(&history->live[i], document, &sets[i]);
    }
    return history->live_count;
}

void mcpz_layout_history_hold(struct mcpz_layout_history *history, struct mcpz_layout_stamp stamp)
{
    bool changes = false;

    for (size_t i = 0; i < history->live_count; i++) {
        struct mcpz_live_layout *live = &history->live[i];
        const uint64_t writes = mcpz_layout_stamp_compare(live->stamp, stamp) == 0 ? 1 : 0;
        changes |= live->writes != writes;
        live->writes = writes;
    }
    if (changes) {
        settle(history);
    }
}

size_t mcpz_layout_history_begin_write(struct mcpz_layout_history *history,
                                       const struct mcpz_id *document, struct mcpz_owner_set *sets,
                                       struct mcpz_layout_stamp *stamp)
{
    if (mcpz_layout_history_sets(history, document, sets) == 0) {
        return 0;
    }
    history->live[history->live_count - 1].writes++;
    *stamp = history->live[history->live_count - 1].stamp;
    return history->live_count;
}

void mcpz_layout_history_end_write(struct mcpz_layout_history *history,
                                   struct mcpz_layout_stamp stamp)
{
    for (size_t i = 0; i < history->live_count; i++) {
        if (mcpz_layout_stamp_compare(history->live[i].stamp, stamp) == 0) {
            assert(history->live[i].writes > 0);
            history->live[i].writes--;
            settle(history);
            return;
        }
    }
    assert(false); /* a layout with a write under way is not let go */
}

bool mcpz_layout_history_takes(const struct mcpz_layout_history *history,
                               struct mcpz_layout_stamp stamp)
{
    const struct mcpz_layout_tracker *own = find_tracker(history, &history->self);

    return own != NULL && mcpz_layout_stamp_compare(own->acked, stamp) <= 0;
}

bool mcpz_layout_history_read_set(const struct mcpz_layout_history *history,
                                  const struct mcpz_id *document, struct mcpz_owner_set *set)
{
    size_t newest = 0;

    if (history->live_count == 0) {
        return false;
    }
    for (size_t i = 1; i < history->live_count; i++) {
        if (mcpz_layout_stamp_compare(history->live[i].stamp, history->all_synced) <= 0) {
            newest = i;
        }
    }
    owners_in(&history->live[newest], document, set);
    return true;
}

const struct mcpz_live_layout *
mcpz_layout_history_to_sync(const struct mcpz_layout_history *history)
{
    const struct mcpz_layout_tracker *own = find_tracker(history, &history->self);

    for (size_t i = history->live_count; own != NULL && i > 0; i--) {
        const struct mcpz_live_layout *live = &history->live[i - 1];
        if (mcpz_layout_stamp_compare(live->stamp, history->all_acked) <= 0) {
            return mcpz_layout_stamp_compare(own->synced, live->stamp) < 0 ? live : NULL;
        }
    }
    return NULL;
}

void mcpz_layout_history_synced(struct mcpz_layout_history *history,
                                struct mcpz_layout_stamp stamp)
{
    struct mcpz_layout_tracker *own = find_tracker(history, &history->self);

    if (own != NULL && mcpz_layout_stamp_compare(stamp, history->all_acked) <= 0 &&
        raise(&own->synced, stamp)) {
        settle(history);
    }
}
