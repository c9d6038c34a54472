#include "agents_world.h"

#include "base/arena.h"
#include "test.h"

#define LETTER_BYTES 65536

static struct mcpz_actor actor_of(size_t node)
{
    struct mcpz_actor actor = {.generation = 1};
    memset(actor.node.bytes, (int)('A' + node), MCPZ_ID_BYTES);
    return actor;
}

static size_t node_of(const struct mcpz_id *id)
{
    return (size_t)(id->bytes[0] - 'A');
}

struct mcpz_id world_document(uint8_t document)
{
    struct mcpz_id id = {{document}};
    id.bytes[MCPZ_ID_BYTES - 1] = document;
    return id;
}

static void start(struct world *world, size_t at)
{
    struct world_node *node = &world->nodes[at];

    struct mcpz_arena arena;

    node->overlay.active_count = 0;
    free(node->memory);
    node->memory = calloc(1, mcpz_agents_bytes());
    CHECK(node->memory != NULL);
    mcpz_arena_init_zeroed(&arena, node->memory, mcpz_agents_bytes());
    const struct mcpz_agents_config config = {.store = &node->store.port,
                                              .timing = &world->timing,
                                              .actor = &node->actor,
                                              .seed = ++world->starts};
    mcpz_agents_init(&node->agents, &config, world->now, &arena);
}

void world_init(struct world *world, size_t node_count)
{
    *world = (struct world){
        .timing = {.anti_entropy_us = MCPZ_SECONDS(10)},
        .now = MCPZ_SECONDS(100),
        .wall_ms = 1700000000000,
        .node_count = node_count,
    };
    mcpz_outbox_init(&world->out);
    for (size_t i = 0; i < node_count; i++) {
        world->nodes[i].actor = actor_of(i);
        fake_store_init(&world->nodes[i].store);
        start(world, i);
    }
}

void world_finish(struct world *world)
{
    while (world->letter_count > 0) {
        world_lose(world, world->letter_count - 1);
    }
    for (size_t i = 0; i < world->node_count; i++) {
        fake_store_finish(&world->nodes[i].store);
        free(world->nodes[i].memory);
        world->nodes[i].memory = NULL;
    }
}

/* ---- Letters ------------------------------------------------------------------------------ */

static void *copy_list(struct mcpz_arena *arena, const void *list, size_t count, size_t size)
{
    void *copy = mcpz_arena_take(arena, count, size);
    CHECK(copy != NULL);
    if (count > 0) {
        memcpy(copy, list, count * size);
    }
    return copy;
}

static struct mcpz_bytes copy_bytes(struct mcpz_arena *arena, struct mcpz_bytes bytes)
{
    struct mcpz_bytes copy;
    CHECK(mcpz_arena_copy(arena, bytes, &copy));
    return copy;
}

static void copy_delta(struct mcpz_arena *arena, struct mcpz_delta *delta)
{
    struct mcpz_add *adds = copy_list(arena, delta->adds, delta->add_count, sizeof(*delta->adds));
    struct mcpz_remove *removes =
        copy_list(arena, delta->removes, delta->remove_count, sizeof(*delta->removes));

    for (size_t i = 0; i < delta->add_count; i++) {
        adds[i].path = copy_bytes(arena, adds[i].path);
        adds[i].value = copy_bytes(arena, adds[i].value);
    }
    for (size_t i = 0; i < delta->remove_count; i++) {
        removes[i].path = copy_bytes(arena, removes[i].path);
    }
    delta->versions =
        copy_list(arena, delta->versions, delta->version_count, sizeof(*delta->versions));
    delta->adds = adds;
    delta->removes = removes;
}

static void copy_check(struct mcpz_arena *arena, struct mcpz_msg_check *check)
{
    struct mcpz_check_row *rows =
        copy_list(arena, check->rows, check->row_count, sizeof(*check->rows));

    for (size_t i = 0; i < check->row_count; i++) {
        rows[i].actors = copy_bytes(arena, rows[i].actors);
    }
    check->rows = rows;
}

static void post(struct world *world, size_t from, size_t to, const struct mcpz_msg *msg)
{
    const bool is_of_horizon = msg->kind >= MCPZ_MSG_HORIZON && msg->kind <= MCPZ_MSG_UNKNOWN;

    if (!world_is_linked(world, from, to) || (is_of_horizon && !world->has_horizons)) {
        return;
    }
    CHECK(world->letter_count < WORLD_LETTERS_MAX);
    struct world_letter *letter = &world->letters[world->letter_count++];
    struct mcpz_arena arena;

    *letter =
        (struct world_letter){.from = from, .to = to, .msg = *msg, .memory = malloc(LETTER_BYTES)};
    mcpz_arena_init(&arena, letter->memory, LETTER_BYTES);
    if (msg->kind == MCPZ_MSG_DELTA) {
        copy_delta(&arena, &letter->msg.delta.delta);
    } else if (msg->kind == MCPZ_MSG_BRANCHES) {
        letter->msg.branches.ids = copy_list(&arena, msg->branches.ids, msg->branches.id_count,
                                             sizeof(*msg->branches.ids));
    } else if (msg->kind == MCPZ_MSG_FETCH) {
        letter->msg.fetch.ids =
            copy_list(&arena, msg->fetch.ids, msg->fetch.id_count, sizeof(*msg->fetch.ids));
    } else if (msg->kind == MCPZ_MSG_CHANGES) {
        letter->msg.changes.digests =
            copy_list(&arena, msg->changes.digests, msg->changes.digest_count,
                      sizeof(*msg->changes.digests));
    } else if (msg->kind == MCPZ_MSG_OFFER) {
        letter->msg.offer.digests = copy_list(&arena, msg->offer.digests, msg->offer.digest_count,
                                              sizeof(*msg->offer.digests));
    } else if (msg->kind == MCPZ_MSG_SKETCH_ASK) {
        letter->msg.sketch_ask.ids = copy_bytes(&arena, msg->sketch_ask.ids);
    } else if (msg->kind == MCPZ_MSG_SKETCH) {
        letter->msg.sketch.symbols = copy_bytes(&arena, msg->sketch.symbols);
    } else if (msg->kind == MCPZ_MSG_AGREED) {
        CHECK_UINT(msg->agreed.agreed.version_count, 0); /* the engine says the rest */
    } else if (msg->kind == MCPZ_MSG_CHECK) {
        copy_check(&arena, &letter->msg.check);
    } else if (!is_of_horizon && msg->kind != MCPZ_MSG_ROOT && msg->kind != MCPZ_MSG_CHANGES_ASK) {
        CHECK_UINT(msg->kind, MCPZ_MSG_WANT);
        letter->msg.want.versions = copy_list(&arena, msg->want.versions, msg->want.version_count,
                                              sizeof(*msg->want.versions));
        letter->msg.want.cuts =
            copy_list(&arena, msg->want.cuts, msg->want.cut_count, sizeof(*msg->want.cuts));
    }
    world->sent_by_kind[msg->kind]++;
}

static struct world_letter take(struct world *world, size_t index)
{
    CHECK(index < world->letter_count);
    struct world_letter letter = world->letters[index];

    world->letter_count--;
    memmove(&world->letters[index], &world->letters[index + 1],
            (world->letter_count - index) * sizeof(letter));
    return letter;
}

void world_lose(struct world *world, size_t index)
{
    free(take(world, index).memory);
}

void world_lose_all(struct world *world)
{
    while (world->letter_count > 0) {
        world_lose(world, 0);
    }
}

size_t world_waiting(const struct world *world, enum mcpz_msg_kind kind)
{
    size_t count = 0;

    for (size_t i = 0; i < world->letter_count; i++) {
        count += world->letters[i].msg.kind == kind ? 1 : 0;
    }
    return count;
}

static size_t owners(void *context, const struct mcpz_id *document, struct mcpz_id *ids)
{
    const struct world *world = context;

    ids[0] = (struct mcpz_id){{'z'}};
    if (document->bytes[0] % 2 == 1) {
        return 1;
    }
    ids[0] = world->nodes[0].actor.node;
    ids[1] = world->nodes[1].actor.node;
    return 2;
}

void world_lay_out(struct world *world, size_t node, uint64_t stamp)
{
    const struct mcpz_scope scope = {.context = world,
                                     .self = world->nodes[node].actor.node,
                                     .stamp = stamp,
                                     .bits = 16,
                                     .owners = stamp != 0 ? owners : NULL};

    mcpz_entropy_follow(&world->nodes[node].agents.entropy, &scope, world->now);
}

void world_double(struct world *world, size_t index)
{
    struct world_letter letter = world->letters[index];
    post(world, letter.from, letter.to, &letter.msg);
}

/* ---- Steps -------------------------------------------------------------------------------- */

static void take_reply(struct world_node *node, const struct mcpz_action *action)
{
    node->replies++;
    node->reply = action->reply;
    node->reply_durable = action->durable;
    mcpz_bytes_to_text(action->reply.text, node->reply_text, sizeof(node->reply_text));
}

static void broadcast(struct world *world, size_t from, const struct mcpz_action_send *send)
{
    for (size_t to = 0; to < world->node_count; to++) {
        if (!mcpz_id_equal(&world->nodes[to].actor.node, &send->except)) {
            post(world, from, to, &send->msg);
        }
    }
}

static void carry_out(struct world *world, size_t at, const struct mcpz_action *action)
{
    struct world_node *node = &world->nodes[at];

    if (action->kind == MCPZ_ACTION_SEND) {
        CHECK(action->durable || action->send.msg.kind != MCPZ_MSG_DELTA);
        for (size_t i = 0; i < action->send.peer_count; i++) {
            post(world, at, node_of(&action->send.peers[i]), &action->send.msg);
        }
    } else if (action->kind == MCPZ_ACTION_BROADCAST) {
        CHECK(action->durable);
        broadcast(world, at, &action->send);
    } else if (action->kind == MCPZ_ACTION_REPLY) {
        take_reply(node, action);
    } else {
        CHECK_UINT(action->kind, MCPZ_ACTION_FACT);
        bool is_fork = action->fact.kind == MCPZ_FACT_AGENT_FORKED;
        CHECK(is_fork || action->fact.kind == MCPZ_FACT_AGENT_MERGED);
        node->merged_facts += is_fork ? 0 : 1;
        node->forked_facts += is_fork ? 1 : 0;
    }
}

void world_step(struct world *world, size_t at, const struct mcpz_event *event)
{
    struct world_node *node = &world->nodes[at];
    struct mcpz_event timed = *event;

    timed.wall_ms = world->wall_ms;
    mcpz_outbox_clear(&world->out);
    mcpz_agents_step(&node->agents, &node->overlay, world->now, &timed, &world->out);
    CHECK(world->out.count <= MCPZ_MAIL_ACTIONS_MAX);
    CHECK(world->out.arena.used <= MCPZ_MAIL_BYTES_MAX);
    node->actor.generation = node->agents.actor.generation; /* as the engine keeps it */
    for (size_t i = 0; i < world->out.count; i++) {
        carry_out(world, at, &world->out.actions[i]);
    }
    fake_store_end_turn(&node->store);
}

void world_receive(struct world *world, size_t node, size_t from, const struct mcpz_msg *msg)
{
    struct mcpz_event event = {
        .kind = MCPZ_EVENT_RECV,
        .recv = {.from = actor_of(from).node, .msg = msg},
    };
    world_step(world, node, &event);
}

void world_deliver(struct world *world, size_t index)
{
    struct world_letter letter = take(world, index);

    world_receive(world, letter.to, letter.from, &letter.msg);
    free(letter.memory);
}

void world_pump(struct world *world)
{
    size_t budget = 200000;
    while (world->letter_count > 0) {
        CHECK(budget-- > 0);
        world_deliver(world, 0);
    }
}

void world_run(struct world *world, mcpz_time us)
{
    mcpz_time end = world->now + us;

    for (size_t budget = 100000;; budget--) {
        CHECK(budget > 0);
        world_pump(world);
        mcpz_time due = end;
        size_t first = 0;
        for (size_t i = 0; i < world->node_count; i++) {
            mcpz_time deadline = mcpz_agents_deadline(&world->nodes[i].agents);
            if (deadline < due) {
                due = deadline;
                first = i;
            }
        }
        if (due > world->now) {
            world->wall_ms += (due - world->now) / 1000;
            world->now = due;
        }
        if (due == end) {
            return;
        }
        world_step(world, first, &(struct mcpz_event){.kind = MCPZ_EVENT_TICK});
    }
}

/* ---- Links -------------------------------------------------------------------------------- */

bool world_is_linked(const struct world *world, size_t a, size_t b)
{
    const struct mcpz_overlay *overlay = &world->nodes[a].overlay;

    for (size_t i = 0; i < overlay->active_count; i++) {
        if (node_of(&overlay->active[i].id) == b) {
            return true;
        }
    }
    return false;
}

static void tell(struct world *world, size_t node, enum mcpz_fact_kind kind, size_t about)
{
    struct mcpz_event event = {
        .kind = MCPZ_EVENT_FACT,
        .fact = {.kind = kind, .about = actor_of(about).node},
    };
    world_step(world, node, &event);
}

void world_link(struct world *world, size_t a, size_t b)
{
    if (a == b || world_is_linked(world, a, b)) {
        return;
    }
    for (int side = 0; side < 2; side++) {
        struct mcpz_overlay *overlay = &world->nodes[side == 0 ? a : b].overlay;
        overlay->active[overlay->active_count++].id = actor_of(side == 0 ? b : a).node;
    }
    tell(world, a, MCPZ_FACT_LINKED, b);
    tell(world, b, MCPZ_FACT_LINKED, a);
}

static void forget_neighbour(struct world *world, size_t node, size_t other)
{
    struct mcpz_overlay *overlay = &world->nodes[node].overlay;

    for (size_t i = 0; i < overlay->active_count; i++) {
        if (node_of(&overlay->active[i].id) == other) {
            overlay->active[i] = overlay->active[--overlay->active_count];
        }
    }
}

void world_unlink(struct world *world, size_t a, size_t b)
{
    if (a == b || !world_is_linked(world, a, b)) {
        return;
    }
    forget_neighbour(world, a, b);
    forget_neighbour(world, b, a);
    tell(world, a, MCPZ_FACT_UNLINKED, b);
    tell(world, b, MCPZ_FACT_UNLINKED, a);
    for (size_t i = world->letter_count; i > 0; i--) {
        const struct world_letter *letter = &world->letters[i - 1];
        if ((letter->from == a && letter->to == b) || (letter->from == b && letter->to == a)) {
            world_lose(world, i - 1);
        }
    }
}

void world_link_all(struct world *world)
{
    for (size_t a = 0; a < world->node_count; a++) {
        for (size_t b = a + 1; b < world->node_count; b++) {
            world_link(world, a, b);
        }
    }
}

void world_restart(struct world *world, size_t node)
{
    for (size_t other = 0; other < world->node_count; other++) {
        world_unlink(world, node, other);
    }
    start(world, node);
}

/* ---- Writes ------------------------------------------------------------------------------- */

static uint32_t request(struct world *world, size_t node, struct mcpz_event_agent agent)
{
    static uint64_t next_request = 1;
    struct mcpz_event event = {.kind = MCPZ_EVENT_AGENT_WRITE, .agent = agent};
    size_t replies = world->nodes[node].replies;

    event.agent.request = next_request++;
    world_step(world, node, &event);

    const struct mcpz_action_reply *reply = &world->nodes[node].reply;
    CHECK_UINT(world->nodes[node].replies, replies + 1);
    CHECK_UINT(reply->request, event.agent.request);
    CHECK(mcpz_id_equal(&reply->document, &agent.document));
    CHECK(world->nodes[node].reply_durable == (reply->code == MCPZ_CODE_OK));
    CHECK((world->nodes[node].reply_text[0] == '\0') == (reply->code == MCPZ_CODE_OK));
    return reply->code;
}

uint32_t world_create(struct world *world, size_t node, uint8_t document)
{
    return request(world, node,
                   (struct mcpz_event_agent){.op = MCPZ_AGENT_CREATE,
                                             .document = world_document(document),
                                             .name = mcpz_text("ada")});
}

uint32_t world_delete(struct world *world, size_t node, uint8_t document)
{
    return request(
        world, node,
        (struct mcpz_event_agent){.op = MCPZ_AGENT_DELETE, .document = world_document(document)});
}

uint32_t world_write(struct world *world, size_t node, enum mcpz_agent_op op, uint8_t document,
                     struct mcpz_bytes path, struct mcpz_bytes value)
{
    return request(world, node,
                   (struct mcpz_event_agent){.op = op,
                                             .document = world_document(document),
                                             .path = path,
                                             .value = value,
                                             .name = value});
}

uint32_t world_increment(struct world *world, size_t node, uint8_t document,
                         struct mcpz_bytes path, int64_t amount)
{
    return request(world, node,
                   (struct mcpz_event_agent){.op = MCPZ_AGENT_INCREMENT,
                                             .document = world_document(document),
                                             .path = path,
                                             .amount = amount});
}

/* ---- Looking ------------------------------------------------------------------------------ */

struct mcpz_record_document world_look(const struct world *world, size_t node, uint8_t document)
{
    const struct mcpz_store *store = &world->nodes[node].store.port;
    struct mcpz_record record = {.kind = MCPZ_RECORD_DOCUMENT,
                                 .document = {.id = world_document(document)}};
    CHECK_UINT(store->get(store->context, &record), MCPZ_OK);
    return record.document;
}

size_t world_entries(const struct world *world, size_t node, uint8_t document,
                     struct mcpz_bytes path, uint32_t type, struct mcpz_record_entry *last)
{
    const struct mcpz_store *store = &world->nodes[node].store.port;
    struct mcpz_record record = {
        .kind = MCPZ_RECORD_ENTRY,
        .entry = {.document = world_document(document), .path = path},
    };
    size_t count = 0;

    while (store->next(store->context, MCPZ_SCAN_PATH, false, &record) == MCPZ_OK) {
        if (record.entry.type == type) {
            count++;
            if (last != NULL) {
                *last = record.entry;
            }
        }
    }
    return count;
}

bool world_has_converged(const struct world *world)
{
    for (size_t i = 1; i < world->node_count; i++) {
        if (!fake_store_equal(&world->nodes[0].store, &world->nodes[i].store)) {
            return false;
        }
    }
    return true;
}
