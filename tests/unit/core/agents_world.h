/*
 * A few agents machines that write to each other: no engine, no wire, time by hand. Messages are
 * copied deeply and lie in one queue until the test delivers, doubles or loses them.
 */

#ifndef AGENTS_WORLD_H
#define AGENTS_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/agents.h"
#include "core/node.h"
#include "fake_store.h"

#define WORLD_NODES_MAX 4
#define WORLD_LETTERS_MAX 8192

struct world_letter {
    size_t from;
    size_t to;
    struct mcpz_msg msg;
    void *memory;
};

struct world_node {
    struct mcpz_actor actor;
    struct mcpz_agents agents;
    void *memory;                /* of agents */
    struct mcpz_overlay overlay; /* only its active view */
    struct fake_store store;
    struct mcpz_action_reply reply; /* the last one */
    char reply_text[128];
    bool reply_durable;
    size_t replies;
    size_t merged_facts;
    size_t forked_facts;
};

struct world {
    struct mcpz_node_timing timing;
    mcpz_time now;
    uint64_t wall_ms;
    size_t node_count;
    struct world_node nodes[WORLD_NODES_MAX];
    struct world_letter letters[WORLD_LETTERS_MAX];
    size_t letter_count;
    bool has_horizons;      /* or else nothing that is said of them gets anywhere */
    struct mcpz_outbox out; /* of the last step */
    size_t sent_by_kind[MCPZ_MSG_KIND_END];
    uint64_t starts; /* of nodes: each with another seed */
};

void world_init(struct world *world, size_t node_count);
void world_finish(struct world *world);

/* Lose all that is in memory, keep the store. Links of the node are down after it. */
void world_restart(struct world *world, size_t node);

void world_link(struct world *world, size_t a, size_t b);
void world_unlink(struct world *world, size_t a, size_t b); /* letters between them are lost */
void world_link_all(struct world *world);
bool world_is_linked(const struct world *world, size_t a, size_t b);

/* Step the node at `at`; what it sends is put in the queue. */
void world_step(struct world *world, size_t at, const struct mcpz_event *event);

/* Hand over letter `index` and drop it. */
void world_deliver(struct world *world, size_t index);
void world_lose(struct world *world, size_t index);
void world_lose_all(struct world *world);

/** How many letters of that kind are on their way. */
size_t world_waiting(const struct world *world, enum mcpz_msg_kind kind);

/** `node` goes by a layout in which the first two keep what begins with an even byte, and others
 * the rest. `stamp`: which one; 0: none. */
void world_lay_out(struct world *world, size_t node, uint64_t stamp);

void world_double(struct world *world, size_t index);

/* Deliver all letters, in order, and those they cause. */
void world_pump(struct world *world);

/* Let time pass, ticking whoever is due, delivering everything. */
void world_run(struct world *world, mcpz_time us);

/* Hand `msg` to a node as if from another. */
void world_receive(struct world *world, size_t node, size_t from, const struct mcpz_msg *msg);

/* Writes. Each returns the reply's code. Paths and values are C strings of MessagePack. */
uint32_t world_create(struct world *world, size_t node, uint8_t document);
uint32_t world_delete(struct world *world, size_t node, uint8_t document);
uint32_t world_write(struct world *world, size_t node, enum mcpz_agent_op op, uint8_t document,
                     struct mcpz_bytes path, struct mcpz_bytes value);
uint32_t world_increment(struct world *world, size_t node, uint8_t document,
                         struct mcpz_bytes path, int64_t amount);

struct mcpz_id world_document(uint8_t document);

/* The record of a document at a node; fails the test if there is none. */
struct mcpz_record_document world_look(const struct world *world, size_t node, uint8_t document);

/* Entries of one type at a path; `*last` (may be NULL) gets the last of them. */
size_t world_entries(const struct world *world, size_t node, uint8_t document,
                     struct mcpz_bytes path, uint32_t type, struct mcpz_record_entry *last);

bool world_has_converged(const struct world *world);

#endif
