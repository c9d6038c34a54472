/* What the tests of the Plumtree machine share: one machine, its neighbours, and what they say. */

#ifndef TEST_PLUMTREE_WORLD_H
#define TEST_PLUMTREE_WORLD_H

#include "core.h"
#include "core/plumtree.h"

#define SEEN_MAX 32
#define CACHE_MAX 4
#define MISSING_MAX 6
#define FIRST_TIMEOUT MCPZ_MS(200)
#define NEXT_TIMEOUT MCPZ_MS(50)
#define ANNOUNCE MCPZ_MS(20)

static const struct mcpz_id carol = {.bytes = {'c'}};

static struct mcpz_plumtree tree;
static _Alignas(16) uint8_t memory[65536];

static inline struct mcpz_gossip_id id_of(uint32_t number)
{
    return (struct mcpz_gossip_id){{(uint8_t)number, (uint8_t)(number >> 8)}};
}

static inline struct mcpz_plumtree_config small(void)
{
    return (struct mcpz_plumtree_config){
        .seen_max = SEEN_MAX,
        .cache_max = CACHE_MAX,
        .cache_bytes = MCPZ_PLUMTREE_LARGE_BYTES_MAX,
        .payload_bytes_max = MCPZ_PLUMTREE_PAYLOAD_BYTES_MAX,
        .missing_max = MISSING_MAX,
        .notices_max = MCPZ_PLUMTREE_IHAVE_MAX,
        .first_timeout_us = FIRST_TIMEOUT,
        .next_timeout_us = NEXT_TIMEOUT,
        .announce_us = ANNOUNCE,
        .optimise_ahead = 3,
        .seed = 1,
    };
}

static inline void set_up_with(struct mcpz_plumtree_config config)
{
    CHECK(mcpz_plumtree_bytes(&config) <= sizeof(memory));
    mcpz_outbox_init(&out);
    memset(memory, 0, sizeof(memory));
    mcpz_plumtree_init(&tree, &config, memory);
}

static inline void step(mcpz_time now, struct mcpz_event event)
{
    mcpz_outbox_clear(&out);
    mcpz_plumtree_step(&tree, now, &event, &out);
}

static inline void tick(mcpz_time now)
{
    step(now, (struct mcpz_event){.kind = MCPZ_EVENT_TICK});
}

static inline void neighbour(const struct mcpz_id *id, enum mcpz_fact_kind kind)
{
    step(0, (struct mcpz_event){.kind = MCPZ_EVENT_FACT, .fact = {.kind = kind, .about = *id}});
}

static inline void receive(mcpz_time now, const struct mcpz_id *from, struct mcpz_msg msg)
{
    step(now, (struct mcpz_event){.kind = MCPZ_EVENT_RECV, .recv = {.from = *from, .msg = &msg}});
}

static inline void receive_gossip(mcpz_time now, const struct mcpz_id *from, uint32_t number,
                                  uint32_t round)
{
    receive(now, from,
            (struct mcpz_msg){.kind = MCPZ_MSG_GOSSIP,
                              .gossip = {id_of(number), round, mcpz_text("news"), false, false}});
}

static inline void receive_ihave(mcpz_time now, const struct mcpz_id *from, uint32_t number,
                                 uint32_t round)
{
    struct mcpz_gossip_notice notice = {id_of(number), round, 0};
    receive(now, from, (struct mcpz_msg){.kind = MCPZ_MSG_IHAVE, .ihave = {&notice, 1}});
}

static inline void receive_graft(mcpz_time now, const struct mcpz_id *from, uint32_t number)
{
    receive(now, from,
            (struct mcpz_msg){.kind = MCPZ_MSG_GRAFT, .graft = {true, id_of(number), false}});
}

static inline void receive_prune(mcpz_time now, const struct mcpz_id *from)
{
    receive(now, from, (struct mcpz_msg){.kind = MCPZ_MSG_PRUNE});
}

static inline void broadcast(mcpz_time now, uint32_t number)
{
    struct mcpz_gossip_id id = id_of(number);
    mcpz_outbox_clear(&out);
    CHECK_UINT(mcpz_plumtree_broadcast(&tree, now, &id, mcpz_text("news"), &out), MCPZ_OK);
}

/* Messages of `kind` to `peer` in the outbox. */
static inline size_t sent_to(const struct mcpz_id *peer, enum mcpz_msg_kind kind)
{
    size_t at = 0;
    size_t count = 0;
    const struct mcpz_action *action;

    while ((action = next_action(MCPZ_ACTION_SEND, &at)) != NULL) {
        for (size_t i = 0; i < action->send.peer_count; i++) {
            count += action->send.msg.kind == kind && mcpz_id_equal(&action->send.peers[i], peer);
        }
    }
    return count;
}

static inline void check_round(enum mcpz_msg_kind kind, uint32_t round)
{
    const struct mcpz_msg *msg = sent(kind);
    CHECK_UINT(kind == MCPZ_MSG_GOSSIP ? msg->gossip.round : msg->ihave.notices[0].round, round);
}

/* Alice and Bob are eager. */
static inline void set_up(void)
{
    set_up_with(small());
    neighbour(&alice, MCPZ_FACT_NEIGHBOUR_UP);
    neighbour(&bob, MCPZ_FACT_NEIGHBOUR_UP);
}

/* Alice is eager, Bob and Carol are lazy. */
static inline void set_up_lazy(void)
{
    set_up();
    neighbour(&carol, MCPZ_FACT_NEIGHBOUR_UP);
    receive_prune(0, &bob);
    receive_prune(0, &carol);
}

#endif
