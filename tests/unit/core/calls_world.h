/* What tests of calls start from: a node with members and offers, and nobody else's machines. */

#ifndef CALLS_WORLD_H
#define CALLS_WORLD_H

#include "core.h"

#define CALLS 256 /* each way */

static struct mcpz_fabric fabric;
static struct mcpz_registry registry;
static struct mcpz_relay relay; /* that can do nothing, unless a test says so */
static struct mcpz_calls calls;
static _Alignas(16) uint8_t memory[262144]; /* of the fabric */
static _Alignas(16) uint8_t calls_memory[8388608];

static inline void step(mcpz_time now, struct mcpz_event event)
{
    const struct mcpz_call_sight sight = {
        .fabric = &fabric, .relay = &relay, .registry = &registry, .now = now};

    mcpz_outbox_clear(&out);
    mcpz_calls_step(&calls, &sight, &event, &out);
}

static inline void receive(mcpz_time now, const struct mcpz_id *from, struct mcpz_msg msg)
{
    step(now, (struct mcpz_event){.kind = MCPZ_EVENT_RECV, .recv = {.from = *from, .msg = &msg}});
}

static inline void start(mcpz_time now, uint64_t request, bool has_input)
{
    step(now, (struct mcpz_event){.kind = MCPZ_EVENT_TASK_START,
                                  .task = {.request = request,
                                           .capability = mcpz_text("x"),
                                           .params = mcpz_text("{}"),
                                           .has_input = has_input,
                                           .timeout_ms = 1000}});
}

static inline void tell(mcpz_time now, enum mcpz_fact_kind kind, const struct mcpz_id *about)
{
    step(now,
         (struct mcpz_event){.kind = MCPZ_EVENT_FACT, .fact = {.kind = kind, .about = *about}});
}

static inline void offer(const struct mcpz_id *id)
{
    struct mcpz_bytes names[] = {mcpz_text("x")};
    struct mcpz_msg list = {
        .kind = MCPZ_MSG_CAPABILITIES,
        .capabilities = {.id = *id, .version = 1, .names = names, .name_count = 1},
    };
    struct mcpz_event heard = {.kind = MCPZ_EVENT_RECV, .recv = {.from = *id, .msg = &list}};

    mcpz_registry_step(&registry, 0, &heard, &out);
}

static inline void link_up(const struct mcpz_id *id)
{
    struct mcpz_event up = {.kind = MCPZ_EVENT_LINK_UP, .link = {.peer = *id}};
    (void)mcpz_links_step(&fabric.links, 0, &up, &out);
    CHECK(mcpz_links_find(&fabric.links, id) != NULL);
}

/* A provider that is linked. */
static inline void link_with(const struct mcpz_id *id)
{
    link_up(id);
    offer(id);
}

/* A provider that is a member, and not linked. */
static inline struct mcpz_member *know(const struct mcpz_id *id, const char *address)
{
    const struct mcpz_msg_member said = {.id = *id, .address = mcpz_text(address)};
    struct mcpz_member *member = mcpz_roster_add(&fabric.members.roster, id);

    CHECK(member != NULL);
    CHECK_UINT(mcpz_roster_describe(&fabric.members.roster, member, &said), MCPZ_OK);
    member->state = MCPZ_MEMBER_ALIVE;
    offer(id);
    return member;
}

static inline size_t pack_nothing(const struct mcpz_msg *msg, uint8_t *buffer, size_t capacity)
{
    (void)msg, (void)buffer, (void)capacity;
    return 0;
}

static inline bool unpack_nothing(struct mcpz_bytes packed, struct mcpz_arena *arena,
                                  struct mcpz_msg *msg)
{
    (void)packed, (void)arena, (void)msg;
    return false;
}

static uint64_t life; /* of the node, when it begins next */

static inline void begin_with(uint64_t seed, size_t max)
{
    /* One capability may have four fifths of what is there: core/router/router.h. */
    const struct mcpz_calls_config config = {.out_max = max * 5 / 4, .in_max = max, .life = life};
    struct mcpz_arena arena;

    CHECK(mcpz_calls_bytes(&config) <= sizeof(calls_memory));
    mcpz_arena_init(&arena, calls_memory, mcpz_calls_bytes(&config));
    mcpz_calls_init(&calls, &config, &self, seed, &arena);
}

static inline void begin(uint64_t seed)
{
    begin_with(seed, CALLS);
}

static inline void set_up(void)
{
    const struct mcpz_packer packer = {.pack = pack_nothing, .unpack = unpack_nothing};
    const struct mcpz_fabric_config config = small_fabric(&self, &packer);

    CHECK(mcpz_fabric_bytes(&config) <= sizeof(memory));
    mcpz_outbox_init(&out);
    memset(memory, 0, sizeof(memory));
    mcpz_fabric_init(&fabric, &config, memory, 0);
    mcpz_registry_init(&registry, &self, 1);
    begin(1);
}

/* To whom the only OPEN goes. */
static inline struct mcpz_id opened_at(void)
{
    const struct mcpz_action *action;
    struct mcpz_id found = {{0}};
    size_t at = 0;

    while ((action = next_action(MCPZ_ACTION_SEND, &at)) != NULL) {
        if (action->send.msg.kind == MCPZ_MSG_OPEN) {
            CHECK(mcpz_id_equal(&found, &(struct mcpz_id){{0}}));
            found = action->send.peers[0];
        }
    }
    CHECK(!mcpz_id_equal(&found, &(struct mcpz_id){{0}}));
    return found;
}

static inline void provide(void)
{
    struct mcpz_event event = {.kind = MCPZ_EVENT_PROVIDE, .provide = {.name = mcpz_text("x")}};
    mcpz_registry_step(&registry, 0, &event, &out);
    step(0, event);
}

/* As many may run at once as there is room for: the gate is not what is tested. */
static inline void open_wide(void)
{
    calls.provider.gate.lanes[0].gradient.limit_q8 = MCPZ_CALLS_MAX * 256;
}

/* A task of ours under way at alice, of which this is the call. */
static inline uint64_t open_at_alice(bool has_input)
{
    set_up();
    link_with(&alice);
    start(0, 1, has_input);
    return sent(MCPZ_MSG_OPEN)->open.call;
}

/* A task of alice's under way here, of which this is the run. */
static inline uint32_t serve_alice(uint64_t call, bool has_input)
{
    set_up();
    provide();
    receive(0, &alice,
            (struct mcpz_msg){.kind = MCPZ_MSG_OPEN,
                              .open = {.call = call,
                                       .capability = mcpz_text("x"),
                                       .timeout_ms = 1000,
                                       .has_input = has_input}});
    return only_action(MCPZ_ACTION_RUN_START)->run.run;
}

static inline void check_done(enum mcpz_code code)
{
    CHECK_UINT(only_action(MCPZ_ACTION_TASK_DONE)->task.code, code);
    CHECK_UINT(calls.caller.table.count, 0);
}

static inline struct mcpz_msg fail_with(uint64_t call, enum mcpz_code code)
{
    return (struct mcpz_msg){.kind = MCPZ_MSG_FAIL,
                             .fail = {.call = call, .code = (uint32_t)code}};
}

#endif
