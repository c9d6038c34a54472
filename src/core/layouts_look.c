#include "base/hash.h"
#include "core/layouts.h"

/* What others ask of layouts: nothing of it changes anything. */

bool mcpz_layouts_any(const struct mcpz_layouts *layouts)
{
    return layouts->history.live_count > 0;
}

bool mcpz_layouts_may_come(const struct mcpz_layouts *layouts)
{
    return layouts->opener.open != NULL && layouts->history.live_count == 0 &&
           layouts->hear_until_us > 0;
}

bool mcpz_layouts_are_settled(const struct mcpz_layouts *layouts)
{
    const struct mcpz_layout_history *history = &layouts->history;

    return history->live_count == 1 &&
           mcpz_layout_stamp_compare(history->live[0].stamp, history->all_sync_acked) <= 0;
}

bool mcpz_layouts_are_in_force(const struct mcpz_layouts *layouts)
{
    return layouts->in_force;
}

static bool is_among(const struct mcpz_id *ids, size_t count, const struct mcpz_id *id)
{
    for (size_t i = 0; i < count; i++) {
        if (mcpz_id_equal(&ids[i], id)) {
            return true;
        }
    }
    return false;
}

size_t mcpz_layouts_owners(const struct mcpz_layouts *layouts, const struct mcpz_id *document,
                           struct mcpz_id *owners)
{
    struct mcpz_owner_set sets[MCPZ_LAYOUTS_LIVE_MAX];
    size_t count = 0;

    if (mcpz_document_is_everywhere(document) || !mcpz_layouts_are_in_force(layouts)) {
        return 0;
    }
    const size_t set_count = mcpz_layout_history_sets(&layouts->history, document, sets);
    for (size_t i = 0; i < set_count; i++) {
        for (size_t n = 0; n < sets[i].count; n++) {
            if (!is_among(owners, count, &sets[i].nodes[n]->id)) {
                owners[count++] = sets[i].nodes[n]->id;
            }
        }
    }
    return count;
}

bool mcpz_layouts_keeps(const struct mcpz_layouts *layouts, const struct mcpz_id *node,
                        const struct mcpz_id *document)
{
    struct mcpz_id owners[MCPZ_OWNERS_MAX];
    const size_t count = mcpz_layouts_owners(layouts, document, owners);

    return count == 0 || is_among(owners, count, node);
}

uint64_t mcpz_layouts_stamp(const struct mcpz_layouts *layouts)
{
    const struct mcpz_layout_history *history = &layouts->history;
    uint64_t stamp = 1;

    if (!mcpz_layouts_are_in_force(layouts)) {
        return 0;
    }
    for (size_t i = 0; i < history->live_count; i++) {
        stamp = mcpz_hash_mix(stamp ^ history->live[i].stamp.version);
        stamp = mcpz_hash_mix(stamp ^ history->live[i].stamp.tag);
    }
    return stamp != 0 ? stamp : 1;
}

bool mcpz_layouts_are_moving(const struct mcpz_layouts *layouts)
{
    const struct mcpz_layout_history *history = &layouts->history;

    return history->live_count > 1 ||
           (history->live_count == 1 &&
            mcpz_layout_stamp_compare(history->all_synced, history->live[0].stamp) < 0);
}

uint32_t mcpz_layouts_partition_bits(const struct mcpz_layouts *layouts)
{
    const struct mcpz_layout_history *history = &layouts->history;
    uint32_t bits = 0;

    for (size_t i = 0; i < history->live_count; i++) {
        const uint32_t those = history->live[i].placement.partition_bits;
        bits = those > bits ? those : bits;
    }
    return bits;
}

size_t mcpz_layouts_readers(const struct mcpz_layouts *layouts, const struct mcpz_id *document,
                            struct mcpz_id *readers)
{
    struct mcpz_owner_set set;

    if (mcpz_document_is_everywhere(document) || !mcpz_layouts_are_in_force(layouts) ||
        !mcpz_layout_history_read_set(&layouts->history, document, &set)) {
        return 0;
    }
    for (size_t i = 0; i < set.count; i++) {
        readers[i] = set.nodes[i]->id;
    }
    return set.count;
}
