/* A fleet from the inside: for the files of sim/fleet*.c, and the test of the instrument. */

#ifndef SIM_FLEET_INTERNAL_H
#define SIM_FLEET_INTERNAL_H

#include <stdalign.h>

#include "base/rng.h"
#include "sim/fleet.h"
#include "sim/fleet_queue.h"

#define MCPZ_FLEET_NODE_WIRES_MAX 20 /* also those that close: a dial that is one more fails */
#define MCPZ_FLEET_FRAMING_BYTES 29  /* of a message alone in its frame: WebSocket, TLS record */
#define MCPZ_FLEET_NOBODY UINT32_MAX
#define MCPZ_FLEET_LOSS_OF_THE_WELL_PPM 100000
/* Of a core, before its block. */
#define MCPZ_FLEET_CORE_BYTES ((sizeof(struct mcpz_fabric) + 15) / 16 * 16)

/* One connection: `ends[0]` dialled. Free again when both ends let go and nothing is under way. */
struct mcpz_fleet_wire {
    uint32_t ends[2];       /* nodes, */
    uint32_t identities[2]; /* and who they were when it was made */
    uint32_t latency_us;
    uint32_t under_way;          /* parcels that name it */
    mcpz_time last_us[2];        /* arrival of the last towards each end: order is kept */
    struct mcpz_parcel *held[2]; /* the last of what waits for a cut to end: a ring */
    bool open[2];                /* that machine has a socket for it */
    bool up[2];                  /* that core has been told of it */
    bool mute[2];                /* nothing gets to that end */
};

/* Aligned to a cache line, and what each event looks at lies in the first ones. */
struct mcpz_fleet_node {
    alignas(64) struct mcpz_fabric *fabric; /* NULL: not running */
    struct mcpz_rng rng;                    /* of what it sends */
    mcpz_time due_us;                       /* its core's deadline */
    mcpz_time tick_at_us; /* when its TICK in the queue is due; others are void */
    mcpz_time paused_until_us;
    uint32_t identity;
    uint32_t zone;
    uint32_t life;
    uint32_t loss_ppm;
    uint8_t sides[2]; /* a bit a cut: it is on side A; on side B */
    bool vanished;
    bool buries;  /* its core has held somebody for dead since it started */
    bool is_told; /* the broadcast that was asked for last has come */
    uint8_t wire_count;
    uint32_t peers[MCPZ_FLEET_NODE_WIRES_MAX]; /* identities at the other ends */
    uint32_t wires[MCPZ_FLEET_NODE_WIRES_MAX];
    struct mcpz_parcel *inbox; /* the last of what came while it was paused: a ring */
    struct mcpz_id id;
    uint64_t incarnation;    /* the greatest it ever had */
    uint64_t convicted;      /* the greatest that somebody held for dead while it ran */
    mcpz_time well_since_us; /* started, let go on, reconnected or rid of a mute link last */
    uint64_t *held;          /* in which it held others when it was looked at last, by identity: */
    uint32_t held_life;      /* in this life; NULL: not noted */
};

/* A broadcast that was asked for, to see how far it gets. */
struct mcpz_fleet_probe {
    uint8_t bytes[64];
    size_t length;
    uint32_t number;
    uint32_t zone;
};

struct mcpz_fleet {
    struct mcpz_fleet_config config;
    struct mcpz_fabric_config core; /* of each, but for what names it */
    struct mcpz_fleet_queue queue;
    mcpz_time now;
    struct mcpz_fleet_node *nodes;
    uint8_t *memory; /* of the cores, what events look at often: `core_bytes` each, */
    uint8_t *seldom; /* and the rest of it: `seldom_bytes` */
    size_t core_bytes;
    size_t seldom_bytes;
    struct {
        size_t names; /* of its members */
        size_t buckets;
    } at;              /* where things lie in each core, known since the first was started */
    uint32_t *node_of; /* by identity; MCPZ_FLEET_NOBODY: gone or not yet there */
    uint32_t next_identity;
    struct mcpz_fleet_wire *wires;
    size_t wire_count; /* places, free ones included */
    size_t wire_capacity;
    uint32_t *free_wires;
    size_t free_wire_count;
    uint8_t cuts; /* a bit each that is on */
    uint8_t both_ways;
    size_t wrong_last;   /* mcpz_fleet_agrees(): the node whose view was */
    struct mcpz_rng rng; /* of the network beside what nodes send */
    struct mcpz_outbox *out;
    struct mcpz_arena arena; /* of what is decoded */
    uint8_t *scratch;
    struct mcpz_fleet_probe probe;
    uint64_t hash;
    uint64_t counters[MCPZ_FLEET_COUNTERS_END];
    uint64_t sometimes[MCPZ_FLEET_SOMETIMES_END]; /* of facts, and of lives that have ended */
    void (*watch)(void *context, size_t viewer, size_t about, const struct mcpz_fact *fact);
    void *watch_context;
    void (*note)(void *context, const struct mcpz_schedule_line *line);
    void *note_context;
};

/* fleet.c */

struct mcpz_id mcpz_fleet_id(uint32_t identity);
/** How it begins: nobody else's does so. */
struct mcpz_short mcpz_fleet_short(uint32_t identity);
/** The address of an identity, in `text` of at least 16 bytes. */
struct mcpz_bytes mcpz_fleet_address(uint32_t identity, char *text);
/** The node named in an address, or in an id, by its identity. */
uint32_t mcpz_fleet_identity_at(struct mcpz_bytes address);
uint32_t mcpz_fleet_identity_of(const struct mcpz_id *id);

/* fleet_turn.c */

/** Let a core take in an event, and carry out what it asks for. */
void mcpz_fleet_step(struct mcpz_fleet *fleet, uint32_t index, const struct mcpz_event *event);

/** A core's deadline may have come nearer: see that a TICK comes then. */
void mcpz_fleet_plan_tick(struct mcpz_fleet *fleet, uint32_t index);

/** A node's pause is over: unless another has begun. */
void mcpz_fleet_resume(struct mcpz_fleet *fleet, uint32_t index);

/** Has it been running, awake and connected, with no link mute, for 30 s? */
bool mcpz_fleet_is_steady(const struct mcpz_fleet *fleet, const struct mcpz_fleet_node *node);

/* fleet_network.c */

/** What a frame between two nodes takes at least, one way: us. */
uint32_t mcpz_fleet_network_latency(const struct mcpz_fleet *fleet, uint32_t a, uint32_t b);
/** `peer` is an identity, here and below. */
void mcpz_fleet_network_send(struct mcpz_fleet *fleet, uint32_t node, uint32_t peer,
                             struct mcpz_bytes bytes);
void mcpz_fleet_network_dial(struct mcpz_fleet *fleet, uint32_t node, uint32_t identity);
void mcpz_fleet_network_unlink(struct mcpz_fleet *fleet, uint32_t node, uint32_t peer,
                               enum mcpz_link_down_reason reason);
/** The network resets a connection: both ends hear of it. */
void mcpz_fleet_network_reset(struct mcpz_fleet *fleet, uint32_t index);
/** The node is gone; `silently`: without a word to the other ends. */
void mcpz_fleet_network_drop(struct mcpz_fleet *fleet, uint32_t index, bool silently);
void mcpz_fleet_network_arrive(struct mcpz_fleet *fleet, struct mcpz_parcel *parcel);
void mcpz_fleet_network_release(struct mcpz_fleet *fleet, uint32_t index, uint8_t end);
/** Is one of the node's connections mute, in either direction? */
bool mcpz_fleet_network_has_mute(const struct mcpz_fleet *fleet,
                                 const struct mcpz_fleet_node *node);
/** A connection carries in both directions again, what waits once it is resumed. */
void mcpz_fleet_network_unmute(struct mcpz_fleet *fleet, uint32_t index);
/** Take in what came while the node was paused. */
void mcpz_fleet_network_catch_up(struct mcpz_fleet *fleet, uint32_t index);
/** Cuts have changed: what may go on does, a while later. */
void mcpz_fleet_network_resume(struct mcpz_fleet *fleet);
bool mcpz_fleet_network_is_blocked(const struct mcpz_fleet *fleet, uint32_t from, uint32_t to);

#endif
