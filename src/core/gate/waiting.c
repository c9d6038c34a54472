#include "core/gate/waiting.h"

#include <assert.h>

static bool goes_before(const struct mcpz_waiting_entry *a, const struct mcpz_waiting_entry *b)
{
    return a->class != b->class ? a->class < b->class : a->tag < b->tag;
}

static uint64_t later(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

void mcpz_waiting_add(struct mcpz_waiting *waiting, const struct mcpz_waiting_entry *entry)
{
    assert(waiting->count < MCPZ_GATE_WAITING_MAX);
    assert(entry->cost > 0);

    struct mcpz_waiting_entry added = *entry;
    added.tag = later(waiting->now_tag, added.tenant->tag);
    added.tenant->tag = added.tag + added.cost;

    /* Behind its equals: of the same tag, who came first starts first. */
    size_t at = waiting->count;
    while (at > 0 && goes_before(&added, &waiting->entries[at - 1])) {
        waiting->entries[at] = waiting->entries[at - 1];
        at--;
    }
    waiting->entries[at] = added;
    waiting->count++;
}

static void take_at(struct mcpz_waiting *waiting, size_t at, struct mcpz_waiting_entry *entry)
{
    assert(at < waiting->count);

    *entry = waiting->entries[at];
    waiting->count--;
    for (size_t i = at; i < waiting->count; i++) {
        waiting->entries[i] = waiting->entries[i + 1];
    }
}

/* It leaves without having started: the tenant gets back what it paid. */
static void drop_at(struct mcpz_waiting *waiting, size_t at, struct mcpz_waiting_entry *entry)
{
    take_at(waiting, at, entry);
    assert(entry->tenant->tag >= entry->cost);
    entry->tenant->tag -= entry->cost;
}

bool mcpz_waiting_take(struct mcpz_waiting *waiting, const struct mcpz_lane_set *lanes,
                       struct mcpz_waiting_entry *entry)
{
    for (size_t i = 0; i < waiting->count; i++) {
        if (mcpz_lane_set_has(lanes, waiting->entries[i].lane)) {
            take_at(waiting, i, entry);
            waiting->now_tag = later(waiting->now_tag, entry->tag);
            return true;
        }
    }
    return false;
}

bool mcpz_waiting_expire(struct mcpz_waiting *waiting, mcpz_time now,
                         struct mcpz_waiting_entry *entry)
{
    for (size_t i = 0; i < waiting->count; i++) {
        if (waiting->entries[i].start_by_us <= now) {
            drop_at(waiting, i, entry);
            return true;
        }
    }
    return false;
}

bool mcpz_waiting_remove(struct mcpz_waiting *waiting, uint32_t handle)
{
    struct mcpz_waiting_entry entry;

    for (size_t i = 0; i < waiting->count; i++) {
        if (waiting->entries[i].handle == handle) {
            drop_at(waiting, i, &entry);
            return true;
        }
    }
    return false;
}

bool mcpz_waiting_give_way(struct mcpz_waiting *waiting, uint8_t lane, uint8_t class,
                           const struct mcpz_tenant *tenant, struct mcpz_waiting_entry *entry)
{
    uint32_t most = (uint32_t)tenant->under_way + 1;
    size_t found = SIZE_MAX;

    for (size_t i = waiting->count; i > 0; i--) {
        const struct mcpz_waiting_entry *here = &waiting->entries[i - 1];
        if (here->lane != lane || here->class < class) {
            continue;
        }
        if (here->class > class) {
            drop_at(waiting, i - 1, entry); /* the last of all */
            return true;
        }
        if (here->tenant->under_way > most) {
            most = here->tenant->under_way;
            found = i - 1; /* from the back: the last one of this tenant */
        }
    }
    if (found == SIZE_MAX) {
        return false;
    }
    drop_at(waiting, found, entry);
    return true;
}

uint8_t mcpz_waiting_last_claim(const struct mcpz_waiting *waiting, uint8_t lane,
                                const struct mcpz_tenant *tenant)
{
    const uint32_t most = (uint32_t)tenant->under_way + 1;
    uint8_t claim = 0;

    for (size_t i = waiting->count; i > 0; i--) {
        const struct mcpz_waiting_entry *here = &waiting->entries[i - 1];
        if (here->lane != lane || here->class <= claim) {
            continue;
        }
        claim = here->tenant->under_way > most ? here->class : (uint8_t)(here->class - 1);
    }
    return claim;
}

uint32_t mcpz_waiting_ahead(const struct mcpz_waiting *waiting, uint8_t lane, uint8_t class,
                            const struct mcpz_tenant *tenant)
{
    const struct mcpz_waiting_entry newcomer = {
        .class = class, .tag = tenant != NULL ? later(waiting->now_tag, tenant->tag) : 0};
    uint32_t ahead = 0;

    for (size_t i = 0; i < waiting->count; i++) {
        const struct mcpz_waiting_entry *entry = &waiting->entries[i];
        ahead += entry->lane == lane && (tenant == NULL || !goes_before(&newcomer, entry));
    }
    return ahead;
}

mcpz_time mcpz_waiting_deadline(const struct mcpz_waiting *waiting)
{
    mcpz_time deadline = MCPZ_TIME_NEVER;

    for (size_t i = 0; i < waiting->count; i++) {
        deadline = mcpz_time_min(deadline, waiting->entries[i].start_by_us);
    }
    return deadline;
}
