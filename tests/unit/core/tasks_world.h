/* What tests of durable tasks start from: the machine with a store, and what it looks at below it.
 */

#ifndef TASKS_WORLD_H
#define TASKS_WORLD_H

#include "core.h"
#include "core/tasks.h"
#include "fake_store.h"
#include "proto/code.h"

#define WALL_MS UINT64_C(1000000)

static struct mcpz_fabric fabric;
static struct mcpz_registry registry;
static struct mcpz_calls calls;
static struct mcpz_relay relay; /* of nobody */
static struct mcpz_tasks tasks;
static struct fake_store store;
static struct mcpz_node_timing timing;
static _Alignas(16) uint8_t memory[262144]; /* of the fabric */
static _Alignas(16) uint8_t calls_memory[1048576];
static struct mcpz_task_order order;
static struct mcpz_task_body *const body = &order.body;

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

/* Whatever the plan, its subtasks ask for "x". */
static inline bool read_plan(uint8_t *text, size_t length, struct mcpz_plan *plan,
                             const char **why, size_t *at)
{
    (void)text, (void)length, (void)why, (void)at;
    for (size_t i = 0; i < MCPZ_ARRAY_LEN(plan->items); i++) {
        plan->items[i] = (struct mcpz_plan_item){.type = mcpz_text("x")};
    }
    return true;
}

static const struct mcpz_planner planner = {.read = read_plan};

static inline void step(mcpz_time now, struct mcpz_event event)
{
    mcpz_outbox_clear(&out);
    fake_store_end_turn(&store);
    event.wall_ms = WALL_MS + now / 1000;
    const struct mcpz_tasks_below below = {.fabric = &fabric,
                                           .relay = &relay,
                                           .registry = &registry,
                                           .calls = &calls,
                                           .planner = &planner};

    mcpz_tasks_step(&tasks, &below, now, &event, &out);
}

static inline void tick(mcpz_time now)
{
    step(now, (struct mcpz_event){.kind = MCPZ_EVENT_TICK});
}

static inline void tell(mcpz_time now, enum mcpz_fact_kind kind, const struct mcpz_id *about)
{
    step(now,
         (struct mcpz_event){.kind = MCPZ_EVENT_FACT, .fact = {.kind = kind, .about = *about}});
}

static inline void receive(mcpz_time now, const struct mcpz_id *from, struct mcpz_msg msg)
{
    step(now, (struct mcpz_event){.kind = MCPZ_EVENT_RECV, .recv = {.from = *from, .msg = &msg}});
}

static inline void link_up(const struct mcpz_id *id)
{
    struct mcpz_event up = {.kind = MCPZ_EVENT_LINK_UP, .link = {.peer = *id}};
    (void)mcpz_links_step(&fabric.links, 0, &up, &out);
}

static inline struct mcpz_member *member(const struct mcpz_id *id)
{
    struct mcpz_member *row = mcpz_roster_find(&fabric.members.roster, id);

    if (row == NULL) {
        const struct mcpz_msg_member said = {.id = *id, .address = mcpz_text("x:1")};
        row = mcpz_roster_add(&fabric.members.roster, id);
        CHECK(row != NULL);
        CHECK_UINT(mcpz_roster_describe(&fabric.members.roster, row, &said), MCPZ_OK);
    }
    row->state = MCPZ_MEMBER_ALIVE;
    return row;
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

static inline void start(uint64_t life)
{
    mcpz_tasks_init(&tasks, &store.port, &timing, &self, life, 1);
}

static inline void step_calls(mcpz_time now, const struct mcpz_event *event)
{
    const struct mcpz_call_sight sight = {
        .fabric = &fabric, .relay = &relay, .registry = &registry, .now = now};

    mcpz_calls_step(&calls, &sight, event, &out);
}

static inline void begin_calls(void)
{
    const struct mcpz_calls_config config = {.out_max = 8, .in_max = 8};
    struct mcpz_arena arena;

    CHECK(mcpz_calls_bytes(&config) <= sizeof(calls_memory));
    mcpz_arena_init(&arena, calls_memory, sizeof(calls_memory));
    mcpz_calls_init(&calls, &config, &self, 1, &arena);
}

static inline void set_up(void)
{
    const struct mcpz_fabric_config config = {
        .members = {.id = self,
                    .incarnation = 1,
                    .name = "",
                    .address = "",
                    .region = "",
                    .zone = "",
                    .rows_max = 8,
                    .text_bytes = 2048,
                    .suspicions_max = 4},
        .packer = {.pack = pack_nothing, .unpack = unpack_nothing},
        .links_max = 4,
        .dials_max = 2,
        .seeds_max = 1,
        .gossip_seen_max = 16,
        .gossip_cache_max = 4,
        .gossip_cache_bytes = 1024,
        .gossip_missing_max = 4,
        .gossip_notices_max = 4,
    };

    CHECK(mcpz_fabric_bytes(&config) <= sizeof(memory));
    mcpz_outbox_init(&out);
    fake_store_init(&store);
    timing = mcpz_timing_or_default(&(struct mcpz_node_timing){0});
    memset(memory, 0, sizeof(memory));
    mcpz_fabric_init(&fabric, &config, memory, 0);
    mcpz_registry_init(&registry, &self, 1);
    begin_calls();
    start(1);
    order = (struct mcpz_task_order){.body = {
                                         .capability = mcpz_text("x"),
                                         .params = mcpz_text("{}"),
                                         .priority = 50,
                                         .attempts_max = 2,
                                         .backoff_ms = 1000,
                                         .timeout_ms = 1000,
                                     }};
}

static inline void with_alice(void)
{
    set_up();
    (void)member(&alice);
    link_up(&alice);
}

static inline void submit(mcpz_time now, uint64_t request)
{
    step(now,
         (struct mcpz_event){.kind = MCPZ_EVENT_DURABLE_SUBMIT,
                             .durable = {.request = request, .orders = &order, .order_count = 1}});
}

static inline void ask(mcpz_time now, enum mcpz_event_kind kind, const struct mcpz_task_id *id)
{
    step(now, (struct mcpz_event){.kind = kind, .durable = {.request = 77, .id = *id}});
}

/* The `index`-th task in the store, oldest first. */
static inline const struct mcpz_record_task_state *row(size_t index)
{
    return &fake_store_at(&store, MCPZ_RECORD_TASK_STATE, index)->task_state;
}

static inline size_t listed(enum mcpz_task_list list)
{
    size_t count = 0;

    for (size_t i = 0; i < fake_store_count(&store, MCPZ_RECORD_TASK_LISTED); i++) {
        count += fake_store_at(&store, MCPZ_RECORD_TASK_LISTED, i)->task_listed.list == list;
    }
    return count;
}

static inline void mark(mcpz_time now, const struct mcpz_id *from, enum mcpz_msg_kind kind,
                        size_t index)
{
    const struct mcpz_record_task_state *state = row(index);

    receive(
        now, from,
        (struct mcpz_msg){.kind = kind,
                          .task_mark = {state->id, state->state.epoch, state->state.revision}});
}

/* The only CALL of that kind. */
static inline const struct mcpz_action *called(enum mcpz_event_kind kind)
{
    const struct mcpz_action *found = NULL;
    const struct mcpz_action *action;
    size_t at = 0;

    while ((action = next_action(MCPZ_ACTION_CALL, &at)) != NULL) {
        found = action->call.kind == kind ? action : found;
    }
    if (found == NULL) {
        print_error("no call of kind %d\n", (int)kind);
        _fail(__FILE__, __LINE__);
        abort();
    }
    return found;
}

/* What the calls say about the call just made. */
static inline void answer(mcpz_time now, struct mcpz_action action)
{
    action.task.request = MCPZ_TASKS_REQUESTS | tasks.next_request;
    step(now, (struct mcpz_event){.kind = MCPZ_EVENT_ANSWERED, .answered = &action});
}

static inline void end(mcpz_time now, uint32_t code)
{
    answer(now, (struct mcpz_action){
                    .kind = MCPZ_ACTION_TASK_DONE,
                    .task = {.code = code, .text = mcpz_text("why"), .provider = alice}});
}

/* Let its turn come. */
static inline void begin(mcpz_time now)
{
    tick(now);
    (void)called(MCPZ_EVENT_TASK_START);
}

static inline uint32_t reply_code(void)
{
    return only_action(MCPZ_ACTION_REPLY)->reply.code;
}

#endif
