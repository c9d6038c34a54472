/* What the tests of members share: a node, its links, and what others tell it. */

#ifndef TEST_MEMBERS_WORLD_H
#define TEST_MEMBERS_WORLD_H

#include "core.h"
#include "core/links.h"
#include "core/members.h"
#include "proto/cert.h"

#define OUR_INCARNATION 7

static struct mcpz_members members;
static struct mcpz_links links;
static struct mcpz_node_timing timing;
static mcpz_time now;

/* Ids of 1 to 99 are smaller than ours. */
static inline struct mcpz_id node(uint8_t number)
{
    return (struct mcpz_id){.bytes = {number, 1}};
}

static inline struct mcpz_short name_of(uint8_t number)
{
    const struct mcpz_id id = node(number);
    return mcpz_short_of(&id);
}

static inline void set_up_as(struct mcpz_members_config config)
{
    static _Alignas(16) uint8_t memory[262144];
    static _Alignas(16) uint8_t more[32768];
    static const struct mcpz_node_timing defaults;
    struct mcpz_arena arena;
    const struct mcpz_links_config linked = {.self = self,
                                             .links_max = 32,
                                             .dials_max = 1,
                                             .seeds_max = 1,
                                             .address_bytes = 16,
                                             .seed = 1};

    config.id = self;
    config.incarnation = OUR_INCARNATION;
    config.name = "me";
    config.address = "me:1";
    config.rows_max = config.rows_max > 0 ? config.rows_max : 16;
    config.text_bytes = config.text_bytes > 0 ? config.text_bytes : 65536;
    config.suspicions_max = config.suspicions_max > 0 ? config.suspicions_max : 8;
    CHECK(mcpz_members_bytes(&config) <= sizeof(memory));
    CHECK(mcpz_links_bytes(&linked) <= sizeof(more));
    timing = mcpz_timing_or_default(&defaults);
    now = MCPZ_SECONDS(1000);
    mcpz_outbox_init(&out);
    mcpz_arena_init(&arena, more, sizeof(more));
    mcpz_links_init(&links, &linked, &timing, &arena, now);
    mcpz_arena_init(&arena, memory, mcpz_members_bytes(&config));
    mcpz_members_init(&members, &config, &timing, &arena, 1, now);
}

/* ---- Events ------------------------------------------------------------------------------- */

static inline void step(struct mcpz_event event)
{
    mcpz_outbox_clear(&out);
    mcpz_members_step(&members, &links, now, &event, &out);
}

static inline void tick_at(mcpz_time at)
{
    now = at;
    step((struct mcpz_event){.kind = MCPZ_EVENT_TICK});
}

/* Over a link, from whose end it comes. */
static inline void hear(uint8_t from, struct mcpz_msg msg)
{
    step((struct mcpz_event){.kind = MCPZ_EVENT_RECV, .recv = {.from = node(from), .msg = &msg}});
}

/* As a broadcast, over whomever. */
static inline void hear_all(struct mcpz_msg msg)
{
    step((struct mcpz_event){.kind = MCPZ_EVENT_RECV,
                             .recv = {.from = node(1), .msg = &msg, .gossip = true}});
}

static inline void fact(enum mcpz_fact_kind kind, uint8_t about, uint32_t reason)
{
    step((struct mcpz_event){.kind = MCPZ_EVENT_FACT,
                             .fact = {.kind = kind, .about = node(about), .reason = reason}});
}

static inline void link_up(uint8_t peer)
{
    const struct mcpz_event up = {.kind = MCPZ_EVENT_LINK_UP, .link = {.peer = node(peer)}};

    mcpz_outbox_clear(&out);
    links.expected_us = MCPZ_TIME_NEVER; /* that tests skip time is no standing still */
    (void)mcpz_links_step(&links, now, &up, &out);
    fact(MCPZ_FACT_LINKED, peer, 0);
}

static inline void link_down(uint8_t peer, enum mcpz_link_down_reason reason)
{
    const struct mcpz_event down = {.kind = MCPZ_EVENT_LINK_DOWN,
                                    .link = {.peer = node(peer), .reason = reason}};

    mcpz_outbox_clear(&out);
    links.expected_us = MCPZ_TIME_NEVER; /* that tests skip time is no standing still */
    (void)mcpz_links_step(&links, now, &down, &out);
    fact(MCPZ_FACT_UNLINKED, peer, (uint32_t)reason);
}

/* A deadline of our links came much too late: we stood still, and have just woken. */
static inline void stand_still(void)
{
    const struct mcpz_event tick = {.kind = MCPZ_EVENT_TICK};

    links.expected_us = now;
    now += MCPZ_SECONDS(1);
    mcpz_outbox_clear(&out);
    (void)mcpz_links_step(&links, now, &tick, &out);
    CHECK(mcpz_links_have_just_woken(&links, now));
}

static inline void be_awake_for_long(void)
{
    now += MCPZ_SECONDS(1);
    CHECK(!mcpz_links_have_just_woken(&links, now));
}

/* ---- Messages ----------------------------------------------------------------------------- */

static inline struct mcpz_msg news(uint8_t about, uint64_t incarnation,
                                   enum mcpz_member_state state)
{
    static const uint8_t good[MCPZ_SIGNATURE_BYTES] = {1};

    return (struct mcpz_msg){.kind = MCPZ_MSG_MEMBER,
                             .member = {.id = node(about),
                                        .incarnation = incarnation,
                                        .state = (uint32_t)state,
                                        .name = mcpz_text("somebody"),
                                        .address = mcpz_text("host:1"),
                                        .signature = mcpz_bytes(good, sizeof(good))}};
}

static inline struct mcpz_msg doubt(uint8_t observer, uint8_t about, uint64_t incarnation,
                                    enum mcpz_suspicion reason)
{
    return (struct mcpz_msg){.kind = MCPZ_MSG_SUSPECT,
                             .suspect = {.about = node(about),
                                         .incarnation = incarnation,
                                         .observer = node(observer),
                                         .reason = (uint32_t)reason}};
}

static inline struct mcpz_msg death(uint8_t about, uint64_t incarnation)
{
    return (struct mcpz_msg){
        .kind = MCPZ_MSG_DEAD,
        .dead = {.about = node(about), .incarnation = incarnation, .observer = node(2)}};
}

/* `about` tells whom it has for neighbours: up to three, 0 is nobody. */
static inline void tell_adjacency_of(uint8_t about, uint32_t version, uint8_t a, uint8_t b,
                                     uint8_t c)
{
    const uint8_t numbers[] = {a, b, c};
    struct mcpz_short peers[3];
    size_t count = 0;

    for (size_t i = 0; i < 3; i++) {
        if (numbers[i] != 0) {
            peers[count++] = name_of(numbers[i]);
        }
    }
    hear_all((struct mcpz_msg){.kind = MCPZ_MSG_ADJACENCY,
                               .adjacency = {.id = node(about),
                                             .incarnation = 1,
                                             .version = version,
                                             .peers = peers,
                                             .peer_count = count}});
}

static inline void know(uint8_t about)
{
    hear_all(news(about, 1, MCPZ_MEMBER_ALIVE));
}

/* ---- Looking ------------------------------------------------------------------------------ */

static inline const struct mcpz_member *row_of(uint8_t about)
{
    const struct mcpz_id id = node(about);
    return mcpz_members_find(&members, &id);
}

static inline enum mcpz_member_state state_of(uint8_t about)
{
    CHECK(row_of(about) != NULL);
    return (enum mcpz_member_state)row_of(about)->state;
}

static inline bool tells(enum mcpz_fact_kind kind, uint8_t about)
{
    const struct mcpz_id id = node(about);
    return has_fact(kind, &id);
}

static inline size_t count_said(enum mcpz_action_kind how, enum mcpz_msg_kind kind)
{
    size_t at = 0;
    size_t count = 0;
    const struct mcpz_action *action;
    while ((action = next_action(how, &at)) != NULL) {
        count += action->send.msg.kind == kind;
    }
    return count;
}

/* Neighbours 1, 2 and 3, linked; members 4, 5 and 6 beyond them. Long enough ago. */
static inline void set_up_mesh(void)
{
    for (uint8_t i = 1; i <= 6; i++) {
        know(i);
    }
    for (uint8_t i = 1; i <= 3; i++) {
        link_up(i);
        fact(MCPZ_FACT_NEIGHBOUR_UP, i, 0);
    }
    now += MCPZ_SECONDS(10);
    step((struct mcpz_event){.kind = MCPZ_EVENT_TICK});
    members.probe_at_us = MCPZ_TIME_NEVER; /* who wants probes says so */
}

static inline void set_up(void)
{
    set_up_as((struct mcpz_members_config){0});
    set_up_mesh();
}

/* Tick at every deadline up to `until`, or to the first step that buries somebody. */
static inline bool run_to_death(mcpz_time until)
{
    while (mcpz_members_deadline(&members) <= until) {
        tick_at(mcpz_members_deadline(&members));
        CHECK(mcpz_members_deadline(&members) > now);
        if (count_said(MCPZ_ACTION_BROADCAST, MCPZ_MSG_DEAD) > 0) {
            return true;
        }
    }
    now = until;
    return false;
}

#endif
