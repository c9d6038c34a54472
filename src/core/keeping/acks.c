#include "core/keeping/acks.h"

#include <assert.h>

static_assert(MCPZ_LAYOUTS_LIVE_MAX <= 8, "a bit for each");

struct mcpz_ack_wait *mcpz_acks_begin(struct mcpz_acks *acks, uint64_t request)
{
    assert(request != 0);
    for (size_t i = 0; i < MCPZ_ACK_WAITS_MAX && acks->count < MCPZ_ACK_WAITS_MAX; i++) {
        if (acks->waits[i].request == 0) {
            acks->waits[i] = (struct mcpz_ack_wait){.request = request};
            acks->count++;
            acks->begun++;
            return &acks->waits[i];
        }
    }
    acks->too_many++;
    return NULL;
}

void mcpz_acks_end(struct mcpz_acks *acks, struct mcpz_ack_wait *wait)
{
    assert(wait->request != 0);
    assert(acks->count > 0);
    wait->request = 0;
    acks->count--;
}

void mcpz_ack_wait_replan(struct mcpz_ack_wait *wait, struct mcpz_layout_stamp stamp)
{
    size_t kept = 0;

    for (size_t i = 0; i < wait->owner_count; i++) {
        if (wait->owners[i].has) {
            wait->owners[kept] = wait->owners[i];
            wait->owners[kept++].sets = 0;
        }
    }
    wait->owner_count = kept;
    wait->set_count = 0;
    for (size_t i = 0; i < MCPZ_LAYOUTS_LIVE_MAX; i++) {
        wait->set_sizes[i] = 0;
    }
    wait->stamp = stamp;
}

static struct mcpz_ack_owner *find(struct mcpz_ack_wait *wait, const struct mcpz_id *node)
{
    for (size_t i = 0; i < wait->owner_count; i++) {
        if (mcpz_id_equal(&wait->owners[i].node, node)) {
            return &wait->owners[i];
        }
    }
    return NULL;
}

/* Somebody who has it and is no owner any more makes room. */
static struct mcpz_ack_owner *take_place(struct mcpz_ack_wait *wait)
{
    if (wait->owner_count < MCPZ_OWNERS_MAX) {
        return &wait->owners[wait->owner_count++];
    }
    for (size_t i = 0; i < wait->owner_count; i++) {
        if (wait->owners[i].sets == 0) {
            return &wait->owners[i];
        }
    }
    assert(false); /* as many owners as there can be in all live layouts */
    return &wait->owners[0];
}

void mcpz_ack_wait_add(struct mcpz_ack_wait *wait, size_t set, const struct mcpz_id *node)
{
    struct mcpz_ack_owner *owner = find(wait, node);

    assert(set < MCPZ_LAYOUTS_LIVE_MAX);
    if (owner == NULL) {
        owner = take_place(wait);
        *owner = (struct mcpz_ack_owner){.node = *node};
    }
    owner->sets = (uint8_t)(owner->sets | 1U << set);
    wait->set_sizes[set]++;
    wait->set_count = set + 1 > wait->set_count ? set + 1 : wait->set_count;
}

void mcpz_ack_wait_note(struct mcpz_ack_wait *wait, const struct mcpz_id *node)
{
    struct mcpz_ack_owner *owner = find(wait, node);

    if (owner != NULL) {
        owner->has = true;
    }
}

static uint32_t count_in(const struct mcpz_ack_wait *wait, size_t set)
{
    uint32_t count = 0;

    for (size_t i = 0; i < wait->owner_count; i++) {
        count += wait->owners[i].has && (wait->owners[i].sets >> set & 1) != 0 ? 1 : 0;
    }
    return count;
}

static uint32_t wanted_in(const struct mcpz_ack_wait *wait, size_t set)
{
    const uint32_t copies = wait->set_sizes[set];

    switch (wait->level) {
    case MCPZ_ACK_ASYNC:
        return 0;
    case MCPZ_ACK_ONE:
        return 1;
    case MCPZ_ACK_QUORUM:
        return copies / 2 + 1;
    case MCPZ_ACK_ALL:
        return copies;
    }
    return copies;
}

/* The layout that lacks most. */
static size_t worst(const struct mcpz_ack_wait *wait)
{
    size_t worst_set = 0;
    uint32_t most = 0;

    for (size_t i = 0; i < wait->set_count; i++) {
        const uint32_t wanted = wanted_in(wait, i);
        const uint32_t has = count_in(wait, i);
        const uint32_t lacks = wanted > has ? wanted - has : 0;
        if (lacks > most) {
            most = lacks;
            worst_set = i;
        }
    }
    return worst_set;
}

uint32_t mcpz_ack_wait_reached(const struct mcpz_ack_wait *wait)
{
    return count_in(wait, worst(wait));
}

uint32_t mcpz_ack_wait_wanted(const struct mcpz_ack_wait *wait)
{
    return wanted_in(wait, worst(wait));
}

bool mcpz_ack_wait_is_over(const struct mcpz_ack_wait *wait)
{
    return mcpz_ack_wait_reached(wait) >= mcpz_ack_wait_wanted(wait);
}

struct mcpz_layout_stamp mcpz_acks_oldest(const struct mcpz_acks *acks)
{
    struct mcpz_layout_stamp oldest = {0};
    bool found = false;

    for (size_t i = 0; i < MCPZ_ACK_WAITS_MAX && acks->count > 0; i++) {
        const struct mcpz_ack_wait *wait = &acks->waits[i];
        if (wait->request != 0 && (!found || mcpz_layout_stamp_compare(wait->stamp, oldest) < 0)) {
            oldest = wait->stamp;
            found = true;
        }
    }
    return oldest;
}

mcpz_time mcpz_acks_deadline(const struct mcpz_acks *acks)
{
    mcpz_time deadline = MCPZ_TIME_NEVER;

    for (size_t i = 0; i < MCPZ_ACK_WAITS_MAX && acks->count > 0; i++) {
        const struct mcpz_ack_wait *wait = &acks->waits[i];
        if (wait->request != 0) {
            deadline = mcpz_time_min(deadline, mcpz_time_min(wait->ask_at_us, wait->until_us));
        }
    }
    return deadline;
}
