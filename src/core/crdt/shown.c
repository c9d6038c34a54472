#include "core/crdt/shown.h"

int mcpz_shown_compare_dots(const struct mcpz_dot *a, const struct mcpz_dot *b)
{
    int order = mcpz_actor_compare(&a->actor, &b->actor);
    if (order != 0) {
        return order;
    }
    if (a->seq != b->seq) {
        return a->seq < b->seq ? -1 : 1;
    }
    if (a->index != b->index) {
        return a->index < b->index ? -1 : 1;
    }
    return 0;
}

bool mcpz_shown_read_fence(struct mcpz_bytes bytes, int64_t *epoch, int64_t *rank,
                           struct mcpz_bytes *value)
{
    size_t count;

    if (!mcpz_parts_take_array(&bytes, &count) || count != 3 ||
        !mcpz_parts_take_number(&bytes, epoch) || !mcpz_parts_take_number(&bytes, rank) ||
        *epoch < 0 || *rank < 0 || *rank > MCPZ_FENCE_RANK_MAX || bytes.length == 0) {
        return false;
    }
    *value = bytes;
    return true;
}

struct mcpz_parts mcpz_shown_fence(int64_t epoch, int64_t rank, struct mcpz_bytes value)
{
    struct mcpz_parts parts = {.length = 0};

    mcpz_parts_put_array(&parts, 3);
    mcpz_parts_put_number(&parts, epoch);
    mcpz_parts_put_number(&parts, rank);
    mcpz_parts_put_value(&parts, value);
    return parts;
}

static bool beats(const struct mcpz_shown *best, const struct mcpz_shown *other)
{
    if (!best->is_there) {
        return true;
    }
    if (other->epoch != best->epoch) {
        return other->epoch > best->epoch;
    }
    if (other->rank != best->rank) {
        return other->rank > best->rank;
    }
    if (other->hlc != best->hlc) {
        return other->hlc > best->hlc;
    }
    return mcpz_shown_compare_dots(&other->dot, &best->dot) > 0;
}

void mcpz_shown_consider(struct mcpz_shown *best, uint32_t type, uint64_t hlc,
                         const struct mcpz_dot *dot, struct mcpz_bytes value)
{
    struct mcpz_shown other = {.is_there = true, .hlc = hlc, .dot = *dot, .value = value};

    if (type == MCPZ_ENTRY_FENCED &&
        !mcpz_shown_read_fence(value, &other.epoch, &other.rank, &other.value)) {
        return;
    }
    if (beats(best, &other)) {
        *best = other;
    }
}

mcpz_error mcpz_shown_find(const struct mcpz_store *store, const struct mcpz_id *document,
                           struct mcpz_bytes path, uint32_t type, struct mcpz_shown *best)
{
    struct mcpz_record record = {
        .kind = MCPZ_RECORD_ENTRY,
        .entry = {.document = *document, .path = path, .type = type},
    };
    *best = (struct mcpz_shown){.is_there = false};

    mcpz_error error = store->next(store->context, MCPZ_SCAN_PATH, true, &record);
    while (error == MCPZ_OK && record.entry.type == type) {
        mcpz_shown_consider(best, type, record.entry.hlc, &record.entry.dot, record.entry.value);
        error = store->next(store->context, MCPZ_SCAN_PATH, false, &record);
    }
    return error == MCPZ_ENOTFOUND ? MCPZ_OK : error;
}
