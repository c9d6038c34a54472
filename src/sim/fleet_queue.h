/*
 * What is due when in a fleet, and what travels: a heap of small records, earliest first, and a
 * pool of parcels in sizes that double.
 *
 * Two at the same time come in the order in which they were put in. The heap has four children a
 * node: half as deep as a binary one, and its children lie in two cache lines.
 */

#ifndef SIM_FLEET_QUEUE_H
#define SIM_FLEET_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/time.h"

#define MCPZ_PARCEL_SIZES 11 /* 64 bytes to 64 KiB, header included */

enum mcpz_parcel_kind {
    MCPZ_PARCEL_DATA = 1, /* an encoded message */
    MCPZ_PARCEL_UP,       /* the connection stands, for this end */
    MCPZ_PARCEL_CLOSED,   /* the other end has closed it */
    MCPZ_PARCEL_DIAL,     /* asks for a connection */
    MCPZ_PARCEL_CONNECT,  /* its handshakes are done */
    MCPZ_PARCEL_FAILED,   /* word of a dial that came to nothing */
};

struct mcpz_parcel {
    struct mcpz_parcel *next; /* of those that wait in the same place, or are free */
    uint32_t at;              /* DATA, UP, CLOSED: the wire; else the node that dials */
    uint32_t life;            /* of the node that dials */
    uint32_t to;              /* DIAL .. FAILED: the identity dialled */
    uint32_t length;
    uint8_t kind;    /* enum mcpz_parcel_kind */
    uint8_t size;    /* class of the pool */
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

struct mcpz_fleet_queue {
    struct mcpz_fleet_due *heap;
    size_t count;
    size_t capacity;
    uint64_t next_order;
    struct mcpz_parcel *free[MCPZ_PARCEL_SIZES];
    void **slabs; /* what the pool is made of */
    size_t slab_count;
    size_t slab_bytes;
};

void mcpz_fleet_queue_init(struct mcpz_fleet_queue *queue);
void mcpz_fleet_queue_finish(struct mcpz_fleet_queue *queue);

/** Bytes taken from the system: heap and pool. */
size_t mcpz_fleet_queue_bytes(const struct mcpz_fleet_queue *queue);

/** Put in. Aborts when memory is out. */
void mcpz_fleet_queue_add(struct mcpz_fleet_queue *queue, const struct mcpz_fleet_due *due);

/** Take out the earliest, if it is not after `until_us`. Its parcel is the caller's. */
bool mcpz_fleet_queue_take(struct mcpz_fleet_queue *queue, mcpz_time until_us,
                           struct mcpz_fleet_due *due);

/** A parcel with room for `length` bytes, zeroed but for those. Aborts when memory is out. */
struct mcpz_parcel *mcpz_parcel_take(struct mcpz_fleet_queue *queue, enum mcpz_parcel_kind kind,
                                     size_t length);
void mcpz_parcel_give(struct mcpz_fleet_queue *queue, struct mcpz_parcel *parcel);

#endif
