/*
 * What is due when in a fleet, and what travels.
 *
 *   now |window| near: 1024 slots of 0.26 ms | far: 1024 slots of 0.27 s | beyond: one list
 *
 * A calendar: what is put in goes to the slot of its time, and is looked at again only when that
 * time is near. A far slot is dealt out over the near ones when its time has come; a near slot is
 * sorted into the window, from which all is taken. So an event costs as much among a million as
 * among ten, and what comes next is known ahead: its memory can be fetched meanwhile. Two at the
 * same time come in the order in which they were put in.
 *
 * Source: Brown, "Calendar Queues", CACM 31(10), 1988; Varghese, Lauck, "Hashed and Hierarchical
 * Timing Wheels", SOSP 1987, scheme 7.
 */

#ifndef SIM_FLEET_QUEUE_H
#define SIM_FLEET_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/time.h"
#include "sim/slabs.h"

#define MCPZ_FLEET_SLOTS 1024 /* near, and far; far ones are as long as all near ones together */

enum mcpz_parcel_kind {
    MCPZ_PARCEL_DATA = 1, /* an encoded message */
    MCPZ_PARCEL_UP,       /* the connection stands, for this end */
    MCPZ_PARCEL_CLOSED,   /* the other end has closed it */
    MCPZ_PARCEL_DIAL,     /* asks for a connection */
    MCPZ_PARCEL_CONNECT,  /* its handshakes are done */
    MCPZ_PARCEL_FAILED,   /* word of a dial that came to nothing */
};

struct mcpz_parcel {
    struct mcpz_parcel *next; /* of those that wait in the same place */
    uint32_t at;              /* DATA, UP, CLOSED: the wire; else the node that dials */
    uint32_t life;            /* of the node that dials */
    uint32_t to;              /* DIAL .. FAILED: the identity dialled */
    uint32_t length;
    uint8_t kind;    /* enum mcpz_parcel_kind */
    uint8_t size;    /* of its piece of memory */
    uint8_t end;     /* DATA, UP, CLOSED: of the wire, that it travels to */
    uint8_t attempt; /* DIAL: times nobody answered */
    uint8_t reason;  /* CLOSED: enum mcpz_link_down_reason; FAILED: 1: refused */
    uint8_t bytes[]; /* DATA: `length` */
};

struct mcpz_fleet_due {
    mcpz_time at_us;
    uint64_t order; /* filled in by the queue */
    struct mcpz_parcel *parcel;
    uint32_t index; /* node or wire */
    uint32_t kind;  /* enum mcpz_fleet_due_kind */
};

enum mcpz_fleet_due_kind {
    MCPZ_DUE_TICK = 1, /* a node's deadline, unless it has another by now */
    MCPZ_DUE_PARCEL,
    MCPZ_DUE_RESUME,  /* a pause ends */
    MCPZ_DUE_RELEASE, /* what is held on a wire goes on: index is wire * 2 + end */
};

/* Some of what is due in one slot, in no order. */
struct mcpz_fleet_sheaf;

struct mcpz_fleet_slots {
    struct mcpz_fleet_sheaf *sheaves[MCPZ_FLEET_SLOTS];
    uint64_t used[MCPZ_FLEET_SLOTS / 64]; /* a bit a slot */
};

struct mcpz_fleet_queue {
    struct mcpz_fleet_due *window; /* in order: `window_count` from `window_first` on */
    size_t window_first;
    size_t window_count;
    size_t window_capacity;
    mcpz_time window_end_us; /* all that is due before is in the window, unless it is empty */
    struct mcpz_fleet_slots near;
    struct mcpz_fleet_slots far;
    struct mcpz_fleet_sheaf *beyond;
    uint64_t near_turn; /* which far slot's time the near ones are, counted from time 0 */
    uint64_t far_turn;  /* the same of all far ones together */
    uint64_t next_order;
    struct mcpz_slabs slabs; /* of sheaves and parcels */
};

void mcpz_fleet_queue_init(struct mcpz_fleet_queue *queue);
void mcpz_fleet_queue_finish(struct mcpz_fleet_queue *queue);

/** Bytes taken from the system: for what is due, and for parcels. */
size_t mcpz_fleet_queue_bytes(const struct mcpz_fleet_queue *queue);

/** Put in, not before the last that was taken. Aborts when memory is out. */
void mcpz_fleet_queue_add(struct mcpz_fleet_queue *queue, const struct mcpz_fleet_due *due);

/** Take out the earliest, if it is not after `until_us`. Its parcel is the caller's. */
bool mcpz_fleet_queue_take(struct mcpz_fleet_queue *queue, mcpz_time until_us,
                           struct mcpz_fleet_due *due);

/** What will be taken after `ahead` others, unless more is put in. NULL: not known yet. */
static inline const struct mcpz_fleet_due *
mcpz_fleet_queue_peek(const struct mcpz_fleet_queue *queue, size_t ahead)
{
    return ahead < queue->window_count ? &queue->window[queue->window_first + ahead] : NULL;
}

/** A parcel with room for `length` bytes, zeroed but for those. Aborts when memory is out. */
struct mcpz_parcel *mcpz_parcel_take(struct mcpz_fleet_queue *queue, enum mcpz_parcel_kind kind,
                                     size_t length);
void mcpz_parcel_give(struct mcpz_fleet_queue *queue, struct mcpz_parcel *parcel);

#endif
