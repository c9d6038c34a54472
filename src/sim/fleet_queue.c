#include "sim/fleet_queue.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define SLOT_BITS 8  /* of a time, within a near slot */
#define TURN_BITS 10 /* of the number of a slot within its turn */
#define SHEAF_SIZE 2 /* 256 bytes */
#define SHEAF_DUES 7
#define WINDOW_LEAST 8 /* the next near slot is sorted in when fewer are left */
#define WINDOW_AHEAD_US 2048
#define CAPACITY_AT_START 64

static_assert(1U << TURN_BITS == MCPZ_FLEET_SLOTS, "a turn is all slots");

struct mcpz_fleet_sheaf {
    struct mcpz_fleet_sheaf *next;
    uint64_t count;
    struct mcpz_fleet_due dues[SHEAF_DUES];
};

static_assert(sizeof(struct mcpz_fleet_sheaf) <= MCPZ_SLABS_LEAST_BYTES << SHEAF_SIZE,
              "a sheaf fits its piece");

static uint64_t near_slot_of(mcpz_time at_us)
{
    return at_us >> SLOT_BITS;
}

static uint64_t near_turn_of(mcpz_time at_us)
{
    return at_us >> (SLOT_BITS + TURN_BITS);
}

static uint64_t far_turn_of(mcpz_time at_us)
{
    return at_us >> (SLOT_BITS + 2 * TURN_BITS);
}

void mcpz_fleet_queue_init(struct mcpz_fleet_queue *queue)
{
    *queue = (struct mcpz_fleet_queue){0};
    mcpz_slabs_init(&queue->slabs);
}

void mcpz_fleet_queue_finish(struct mcpz_fleet_queue *queue)
{
    mcpz_slabs_finish(&queue->slabs);
    free(queue->window);
}

size_t mcpz_fleet_queue_bytes(const struct mcpz_fleet_queue *queue)
{
    return queue->window_capacity * sizeof(*queue->window) + queue->slabs.bytes;
}

/* ---- Slots -------------------------------------------------------------------------------- */

static void put(struct mcpz_fleet_queue *queue, struct mcpz_fleet_sheaf **sheaves,
                const struct mcpz_fleet_due *due)
{
    struct mcpz_fleet_sheaf *sheaf = *sheaves;

    if (sheaf == NULL || sheaf->count == SHEAF_DUES) {
        sheaf = mcpz_slabs_take(&queue->slabs, SHEAF_SIZE);
        sheaf->next = *sheaves;
        sheaf->count = 0;
        *sheaves = sheaf;
    }
    sheaf->dues[sheaf->count++] = *due;
}

static void put_in_slot(struct mcpz_fleet_queue *queue, struct mcpz_fleet_slots *slots,
                        uint64_t slot, const struct mcpz_fleet_due *due)
{
    const size_t at = slot % MCPZ_FLEET_SLOTS;

    slots->used[at / 64] |= UINT64_C(1) << at % 64;
    put(queue, &slots->sheaves[at], due);
}

/* What was put in first comes first: equals are then in order already. */
static struct mcpz_fleet_sheaf *turn_round(struct mcpz_fleet_sheaf *sheaves)
{
    struct mcpz_fleet_sheaf *turned = NULL;

    while (sheaves != NULL) {
        struct mcpz_fleet_sheaf *next = sheaves->next;
        sheaves->next = turned;
        turned = sheaves;
        sheaves = next;
    }
    return turned;
}

static struct mcpz_fleet_sheaf *take_slot(struct mcpz_fleet_slots *slots, size_t at)
{
    struct mcpz_fleet_sheaf *sheaves = slots->sheaves[at];

    slots->used[at / 64] &= ~(UINT64_C(1) << at % 64);
    slots->sheaves[at] = NULL;
    return turn_round(sheaves);
}

/* The first that is used from `at` on; MCPZ_FLEET_SLOTS: none is. */
static size_t next_used(const struct mcpz_fleet_slots *slots, size_t at)
{
    while (at < MCPZ_FLEET_SLOTS) {
        const uint64_t used = slots->used[at / 64] >> at % 64;
        if (used != 0) {
            return at + (size_t)__builtin_ctzll(used);
        }
        at = (at / 64 + 1) * 64;
    }
    return MCPZ_FLEET_SLOTS;
}

/* To where its time says, which the window does not reach. */
static void file(struct mcpz_fleet_queue *queue, const struct mcpz_fleet_due *due)
{
    if (near_turn_of(due->at_us) == queue->near_turn) {
        put_in_slot(queue, &queue->near, near_slot_of(due->at_us), due);
    } else if (far_turn_of(due->at_us) == queue->far_turn) {
        put_in_slot(queue, &queue->far, near_turn_of(due->at_us), due);
    } else {
        put(queue, &queue->beyond, due);
    }
}

/* ---- The window --------------------------------------------------------------------------- */

static bool is_earlier(const struct mcpz_fleet_due *a, const struct mcpz_fleet_due *b)
{
    return a->at_us != b->at_us ? a->at_us < b->at_us : a->order < b->order;
}

static void insert(struct mcpz_fleet_queue *queue, const struct mcpz_fleet_due *due)
{
    if (queue->window_first + queue->window_count == queue->window_capacity) {
        if (queue->window_first < queue->window_capacity / 2 || queue->window_first == 0) {
            queue->window_capacity =
                queue->window_capacity == 0 ? CAPACITY_AT_START : 2 * queue->window_capacity;
            queue->window =
                realloc(queue->window, queue->window_capacity * sizeof(*queue->window));
            if (queue->window == NULL) {
                abort();
            }
        }
        memmove(queue->window, queue->window + queue->window_first,
                queue->window_count * sizeof(*queue->window));
        queue->window_first = 0;
    }
    struct mcpz_fleet_due *window = queue->window + queue->window_first;
    size_t at = queue->window_count++;
    while (at > 0 && is_earlier(due, &window[at - 1])) {
        window[at] = window[at - 1];
        at--;
    }
    window[at] = *due;
}

/* Hand each on to `to`, and give back the sheaves. */
static void empty(struct mcpz_fleet_queue *queue, struct mcpz_fleet_sheaf *sheaves,
                  void (*to)(struct mcpz_fleet_queue *queue, const struct mcpz_fleet_due *due))
{
    while (sheaves != NULL) {
        struct mcpz_fleet_sheaf *next = sheaves->next;
        for (size_t i = 0; i < sheaves->count; i++) {
            to(queue, &sheaves->dues[i]);
        }
        mcpz_slabs_give(&queue->slabs, SHEAF_SIZE, sheaves);
        sheaves = next;
    }
}

/* ---- Time goes on ------------------------------------------------------------------------- */

static mcpz_time near_start_us(const struct mcpz_fleet_queue *queue, size_t slot)
{
    return (queue->near_turn * MCPZ_FLEET_SLOTS + slot) << SLOT_BITS;
}

/* The first near slot that is used and that the window has not reached; MCPZ_FLEET_SLOTS: none. */
static size_t next_near(const struct mcpz_fleet_queue *queue)
{
    const uint64_t end = near_slot_of(queue->window_end_us);
    const uint64_t first = queue->near_turn * MCPZ_FLEET_SLOTS;

    return next_used(&queue->near, end > first ? (size_t)(end - first) : 0);
}

static void reach(struct mcpz_fleet_queue *queue, size_t slot)
{
    queue->window_end_us = near_start_us(queue, slot + 1);
    empty(queue, take_slot(&queue->near, slot), insert);
}

/* The first far slot that is used, of those that have not been dealt out; _SLOTS: none. */
static size_t next_far(const struct mcpz_fleet_queue *queue)
{
    const uint64_t next = queue->near_turn + 1;

    return next >> TURN_BITS == queue->far_turn
               ? next_used(&queue->far, (size_t)(next % MCPZ_FLEET_SLOTS))
               : MCPZ_FLEET_SLOTS;
}

static mcpz_time earliest_beyond(const struct mcpz_fleet_queue *queue)
{
    mcpz_time earliest_us = MCPZ_TIME_NEVER;

    for (const struct mcpz_fleet_sheaf *sheaf = queue->beyond; sheaf != NULL;
         sheaf = sheaf->next) {
        for (size_t i = 0; i < sheaf->count; i++) {
            earliest_us = mcpz_time_min(earliest_us, sheaf->dues[i].at_us);
        }
    }
    return earliest_us;
}

/* Nothing near is left: deal out what comes then. False: that is after `until_us`. */
static bool turn(struct mcpz_fleet_queue *queue, mcpz_time until_us)
{
    const size_t slot = next_far(queue);

    if (slot < MCPZ_FLEET_SLOTS) {
        const uint64_t near_turn = queue->far_turn * MCPZ_FLEET_SLOTS + slot;
        if (near_turn > near_turn_of(until_us)) {
            return false;
        }
        queue->near_turn = near_turn;
        empty(queue, take_slot(&queue->far, slot), file);
        return true;
    }
    const mcpz_time earliest_us = earliest_beyond(queue);
    if (queue->beyond == NULL || earliest_us > until_us) {
        return false;
    }
    struct mcpz_fleet_sheaf *sheaves = turn_round(queue->beyond);
    queue->beyond = NULL;
    queue->near_turn = near_turn_of(earliest_us);
    queue->far_turn = far_turn_of(earliest_us);
    empty(queue, sheaves, file);
    return true;
}

/* The window is empty. False: nothing is due until then. */
static bool fill(struct mcpz_fleet_queue *queue, mcpz_time until_us)
{
    while (queue->window_count == 0) {
        const size_t slot = next_near(queue);
        if (slot == MCPZ_FLEET_SLOTS) {
            if (!turn(queue, until_us)) {
                return false;
            }
        } else if (near_start_us(queue, slot) > until_us) {
            return false;
        } else {
            reach(queue, slot);
        }
    }
    return true;
}

/* So that what comes next is known ahead. Not too far: what is put in there must be sorted in. */
static void reach_ahead(struct mcpz_fleet_queue *queue, mcpz_time now)
{
    while (queue->window_count < WINDOW_LEAST) {
        const size_t slot = next_near(queue);
        if (slot == MCPZ_FLEET_SLOTS || near_start_us(queue, slot) > now + WINDOW_AHEAD_US) {
            break;
        }
        reach(queue, slot);
    }
}

void mcpz_fleet_queue_add(struct mcpz_fleet_queue *queue, const struct mcpz_fleet_due *due)
{
    struct mcpz_fleet_due added = *due;

    added.order = queue->next_order++;
    if (added.at_us < queue->window_end_us) {
        insert(queue, &added);
    } else {
        file(queue, &added);
    }
}

bool mcpz_fleet_queue_take(struct mcpz_fleet_queue *queue, mcpz_time until_us,
                           struct mcpz_fleet_due *due)
{
    if (!fill(queue, until_us) || queue->window[queue->window_first].at_us > until_us) {
        return false;
    }
    *due = queue->window[queue->window_first++];
    queue->window_count--;
    reach_ahead(queue, due->at_us);
    return true;
}

/* ---- Parcels ------------------------------------------------------------------------------ */

struct mcpz_parcel *mcpz_parcel_take(struct mcpz_fleet_queue *queue, enum mcpz_parcel_kind kind,
                                     size_t length)
{
    const uint8_t size = mcpz_slabs_size_for(sizeof(struct mcpz_parcel) + length);
    struct mcpz_parcel *parcel = mcpz_slabs_take(&queue->slabs, size);

    *parcel = (struct mcpz_parcel){
        .kind = (uint8_t)kind,
        .size = size,
        .length = (uint32_t)length,
    };
    return parcel;
}

void mcpz_parcel_give(struct mcpz_fleet_queue *queue, struct mcpz_parcel *parcel)
{
    mcpz_slabs_give(&queue->slabs, parcel->size, parcel);
}
