#include "fake_engine.h"

#include "base/arena.h"
#include "crypto/digest.h"
#include "crypto/identity.h"
#include "wire/codec.h"
#include "wire/placement_codec.h"
#include "wire/records.h"

struct fake_world world;
const struct mcpz_blob_port *fake_blobs;
const struct mcpz_agent_pools_port *fake_pools;
const struct mcpz_mcp_hosting_port *fake_hosting;

static uint8_t answer_text[1048576 + 1];

/* ---- The engine --------------------------------------------------------------------------- */

static struct mcpz_bytes keep(struct mcpz_engine *engine, struct mcpz_bytes bytes)
{
    struct mcpz_bytes copy = {0};

    if (!mcpz_arena_copy(&engine->arena, bytes, &copy)) {
        abort();
    }
    return copy;
}

static void keep_orders(struct mcpz_engine *engine, const struct mcpz_event *event,
                        struct mcpz_event *kept)
{
    const size_t count = event->durable.order_count;
    struct mcpz_task_order *orders = mcpz_arena_take(&engine->arena, count, sizeof(orders[0]));

    CHECK(orders != NULL);
    for (size_t i = 0; i < count; i++) {
        struct mcpz_task_body *body = &orders[i].body;
        orders[i] = event->durable.orders[i];
        body->capability = keep(engine, body->capability);
        body->params = keep(engine, body->params);
        body->input = keep(engine, body->input);
        body->tenant = keep(engine, body->tenant);
        body->key = keep(engine, body->key);
        body->traceparent = keep(engine, body->traceparent);
    }
    kept->durable.orders = orders;
}

void mcpz_engine_event(struct mcpz_engine *engine, struct mcpz_event *event)
{
    struct mcpz_event *kept = &engine->events[engine->event_count];

    if (engine->event_count == FAKE_EVENTS_MAX) {
        return;
    }
    engine->event_count++;
    *kept = *event;
    switch (event->kind) {
    case MCPZ_EVENT_AGENT_WRITE:
        kept->agent.name = keep(engine, event->agent.name);
        kept->agent.path = keep(engine, event->agent.path);
        kept->agent.value = keep(engine, event->agent.value);
        break;
    case MCPZ_EVENT_TASK_START:
    case MCPZ_EVENT_TASK_INPUT:
        kept->task.capability = keep(engine, event->task.capability);
        kept->task.params = keep(engine, event->task.params);
        kept->task.tenant = keep(engine, event->task.tenant);
        kept->task.traceparent = keep(engine, event->task.traceparent);
        kept->task.idempotency_key = keep(engine, event->task.idempotency_key);
        kept->task.chunk = keep(engine, event->task.chunk);
        break;
    case MCPZ_EVENT_DURABLE_SUBMIT:
        keep_orders(engine, event, kept);
        break;
    case MCPZ_EVENT_QUEUE_PAUSE:
    case MCPZ_EVENT_QUEUE_RESUME:
        kept->durable.capability = keep(engine, event->durable.capability);
        break;
    default:
        break;
    }
}

/* ---- Files: who signed what is tested where it is done, in tests/unit/engine -----------------
 */

#define NO_SIGNATURE "no signature, for whoever reads this: but of the length of one, sixty-four"

mcpz_error mcpz_engine_prove(struct mcpz_engine *engine, const struct mcpz_delta *delta,
                             uint8_t *buffer, size_t capacity, size_t *length)
{
    uint8_t bytes[MCPZ_STORED_BYTES_MAX];
    const struct mcpz_bytes shown =
        mcpz_bytes(bytes, mcpz_delta_encode(delta, bytes, sizeof(bytes)));
    const struct mcpz_msg msg = {
        .kind = MCPZ_MSG_BATCH,
        .batch = {.part = {.seal = {.author = delta->actor,
                                    .count = 1,
                                    .signature = mcpz_bytes(NO_SIGNATURE, MCPZ_SIGNATURE_BYTES)}},
                  .deltas = &shown,
                  .delta_count = 1},
    };

    (void)engine;
    return mcpz_msg_encode(&msg, buffer, capacity, length);
}

mcpz_error mcpz_engine_show_author(struct mcpz_engine *engine, const struct mcpz_id *author,
                                   uint8_t *buffer, size_t capacity, size_t *length)
{
    const struct mcpz_msg msg = {
        .kind = MCPZ_MSG_AUTHOR,
        .author = {.author = *author, .certificate = mcpz_text("its certificate")},
    };

    (void)engine;
    return mcpz_msg_encode(&msg, buffer, capacity, length);
}

void mcpz_import_finish(struct mcpz_import *import)
{
    import->base = NULL;
}

/* Of a base nothing but its BASE messages is looked at: the last one is of number 1. */
static mcpz_error import_base(struct mcpz_engine *engine, struct mcpz_import *import,
                              const struct mcpz_msg *msg, struct mcpz_event *event)
{
    if (msg->kind == MCPZ_MSG_AGREED) {
        import->base = (void *)engine;
    } else if (import->base == NULL) {
        return MCPZ_EPROTO;
    } else if (msg->base.index == 1) {
        import->base = NULL;
        import->bases++;
        if (event->import.request != 0) {
            mcpz_engine_event(engine, event);
        }
        return engine->base_error;
    }
    return MCPZ_EUSED;
}

void mcpz_engine_refill(struct mcpz_engine *engine, const struct mcpz_id *document)
{
    (void)document;
    engine->refills++;
}

mcpz_error mcpz_engine_show_base(struct mcpz_engine *engine, const struct mcpz_base_part *part,
                                 uint8_t *buffer, size_t capacity, size_t *length)
{
    const struct mcpz_id document = part->document;
    struct mcpz_record record = {.kind = MCPZ_RECORD_FLOOR, .floor = {.document = document}};
    struct mcpz_msg msg = {.kind = MCPZ_MSG_AGREED, .agreed = {.document = document}};

    CHECK_UINT(engine->store.get(engine->store.context, &record), MCPZ_OK);
    CHECK(mcpz_id_equal(&record.floor.agreed.root, &part->root));
    if (part->index > 2) {
        return MCPZ_ENOTFOUND;
    }
    msg.agreed.agreed = record.floor.agreed;
    msg.agreed.byte_count = record.floor.byte_count;
    if (part->index > 0) {
        msg = (struct mcpz_msg){
            .kind = MCPZ_MSG_BASE,
            .base = {.document = document,
                     .root = part->root,
                     .index = part->index - 1,
                     .is_answer = true},
        };
    }
    return mcpz_msg_encode(&msg, buffer, capacity, length);
}

mcpz_error mcpz_engine_import(struct mcpz_engine *engine, struct mcpz_import *import,
                              uint64_t request, struct mcpz_bytes message)
{
    struct mcpz_msg msg;
    struct mcpz_event event = {.kind = MCPZ_EVENT_AGENT_IMPORT, .import = {.request = request}};

    const size_t arena_used = engine->arena.used;
    struct mcpz_delta delta = {.seq = 0};
    mcpz_error error = mcpz_msg_decode(message, &engine->arena, &msg);
    if (error == MCPZ_OK && msg.kind == MCPZ_MSG_BATCH) {
        error = mcpz_delta_decode(msg.batch.deltas[0], &engine->arena, &delta);
    }
    mcpz_arena_rewind(&engine->arena, arena_used);
    if (error != MCPZ_OK) {
        return error;
    }
    import->document = delta.document;
    if (msg.kind == MCPZ_MSG_AUTHOR) {
        return engine->import_error != MCPZ_OK ? engine->import_error : MCPZ_EUSED;
    }
    if (msg.kind == MCPZ_MSG_AGREED || msg.kind == MCPZ_MSG_BASE) {
        return import_base(engine, import, &msg, &event);
    }
    if (request == 0) {
        return MCPZ_OK;
    }
    if (engine->imports_here > 0) {
        engine->imports_here--;
        return MCPZ_EUSED;
    }
    mcpz_engine_event(engine, &event);
    return MCPZ_OK;
}

uint64_t mcpz_engine_next_request(struct mcpz_engine *engine)
{
    return ++engine->requests;
}

uint64_t mcpz_engine_next_requests(struct mcpz_engine *engine, size_t count)
{
    uint64_t first = engine->requests + 1;

    engine->requests += count;
    return first;
}

const struct mcpz_store *mcpz_engine_store(struct mcpz_engine *engine)
{
    return &engine->store;
}

mcpz_error mcpz_engine_root(struct mcpz_engine *engine, const struct mcpz_id *document,
                            uint8_t *root)
{
    (void)engine;
    memcpy(root, document->bytes, MCPZ_DIGEST_BYTES);
    return MCPZ_OK;
}

void mcpz_engine_document_id(struct mcpz_bytes tenant, struct mcpz_bytes name,
                             struct mcpz_id *document)
{
    mcpz_digest(MCPZ_DIGEST_DOCUMENT, name, document->bytes);
    for (size_t i = 0; i < tenant.length; i++) {
        document->bytes[i % MCPZ_ID_BYTES] ^= tenant.data[i];
    }
}

void mcpz_engine_blob_document_id(struct mcpz_bytes name, struct mcpz_id *document)
{
    mcpz_engine_document_id(mcpz_text(MCPZ_TENANT_BLOBS), name, document);
    memcpy(document->bytes + MCPZ_ID_BYTES - MCPZ_BLOB_MARK_BYTES, MCPZ_BLOB_MARK,
           MCPZ_BLOB_MARK_BYTES);
}

void mcpz_engine_system_document_id(struct mcpz_bytes name, struct mcpz_id *document)
{
    mcpz_engine_document_id(mcpz_text(MCPZ_TENANT_SYSTEM), name, document);
}

void mcpz_engine_explain(struct mcpz_engine *engine, struct mcpz_bytes capability,
                         struct mcpz_explanation *explanation)
{
    (void)capability;
    *explanation = engine->explanation;
}

const struct mcpz_node *mcpz_engine_node(const struct mcpz_engine *engine)
{
    return &engine->node;
}

const struct mcpz_counters *mcpz_engine_counters(const struct mcpz_engine *engine)
{
    return &engine->counters;
}

const struct mcpz_id *mcpz_engine_id(const struct mcpz_engine *engine)
{
    return &engine->id;
}

const struct mcpz_id *mcpz_engine_mesh(const struct mcpz_engine *engine)
{
    return &engine->mesh;
}

const struct mcpz_engine_sent *mcpz_engine_sent(const struct mcpz_engine *engine,
                                                enum mcpz_msg_kind kind)
{
    static const struct mcpz_engine_sent pings = {.messages = 3, .bytes = 48};
    static const struct mcpz_engine_sent nothing;

    (void)engine;
    return kind == MCPZ_MSG_PING ? &pings : &nothing;
}

uint64_t mcpz_engine_certificate_end_ms(const struct mcpz_engine *engine)
{
    return engine->certificate_end_ms;
}

bool mcpz_engine_may_admit(const struct mcpz_engine *engine)
{
    return engine->may_admit;
}

bool mcpz_engine_is_joining(const struct mcpz_engine *engine)
{
    return engine->joining;
}

mcpz_error mcpz_engine_join(struct mcpz_engine *engine, uint64_t request,
                            const struct mcpz_join_token *token)
{
    (void)request;
    (void)token;
    return engine->refuse;
}

void mcpz_engine_leave(struct mcpz_engine *engine, uint64_t request)
{
    (void)engine;
    (void)request;
}

mcpz_error mcpz_engine_seal_letter(struct mcpz_engine *engine, const struct mcpz_id *peer,
                                   struct mcpz_bytes plain, struct mcpz_seal_room *letter)
{
    (void)peer;
    (void)plain;
    (void)letter;
    return engine->refuse;
}

mcpz_error mcpz_engine_open_letter(struct mcpz_engine *engine, const struct mcpz_id *peer,
                                   struct mcpz_bytes letter, struct mcpz_seal_room *plain)
{
    (void)peer;
    (void)letter;
    (void)plain;
    return engine->refuse;
}

void mcpz_engine_shred(struct mcpz_engine *engine, struct mcpz_bytes tenant, uint64_t at_ms)
{
    (void)engine;
    (void)tenant;
    (void)at_ms;
}

mcpz_error mcpz_engine_token_create(struct mcpz_engine *engine, uint64_t request, uint64_t ttl_ms,
                                    uint32_t uses, struct mcpz_bytes role,
                                    struct mcpz_join_token *token)
{
    static const uint8_t zeros[MCPZ_SECRET_BYTES];

    (void)request;
    if (engine->refuse != MCPZ_OK) {
        return engine->refuse;
    }
    *token = (struct mcpz_join_token){
        .mesh = engine->mesh,
        .id = mcpz_bytes(zeros, MCPZ_TOKEN_ID_BYTES),
        .secret = mcpz_bytes(zeros, MCPZ_SECRET_BYTES),
        .expires_ms = ttl_ms,
        .uses = uses,
        .role = role,
        .addresses = {mcpz_text("attic:8765")},
        .address_count = 1,
    };
    return MCPZ_OK;
}

mcpz_error mcpz_engine_token_revoke(struct mcpz_engine *engine, uint64_t request,
                                    struct mcpz_bytes id)
{
    (void)request;
    (void)id;
    return engine->refuse;
}

/* The reason lies in the request: it is as static in the tests. */
mcpz_error mcpz_engine_revoke(struct mcpz_engine *engine, uint64_t request,
                              const struct mcpz_id *node, struct mcpz_bytes reason)
{
    (void)request;
    if (engine->refuse == MCPZ_OK) {
        engine->revoked[engine->revoked_count++] = (struct mcpz_revocation){
            .node = *node, .name = mcpz_text("gone"), .at_ms = 1000, .reason = reason};
    }
    return engine->refuse;
}

size_t mcpz_engine_revoked_count(const struct mcpz_engine *engine)
{
    return engine->revoked_count;
}

const struct mcpz_revocation *mcpz_engine_revoked_at(const struct mcpz_engine *engine, size_t at)
{
    return &engine->revoked[at];
}

const struct mcpz_revocation *mcpz_engine_revoked(const struct mcpz_engine *engine,
                                                  const struct mcpz_id *node)
{
    for (size_t i = 0; i < engine->revoked_count; i++) {
        if (mcpz_id_equal(&engine->revoked[i].node, node)) {
            return &engine->revoked[i];
        }
    }
    return NULL;
}

size_t mcpz_aside_wanted(const struct mcpz_engine *engine, const struct mcpz_id **documents)
{
    *documents = engine->aside;
    return engine->aside_count;
}

void mcpz_aside_done(struct mcpz_engine *engine, const struct mcpz_aside_row *rows, size_t count,
                     bool failed)
{
    for (size_t i = 0; i < count; i++) {
        engine->aside_rows[i] = rows[i];
    }
    engine->aside_row_count = count;
    engine->aside_failed = failed;
    engine->aside_count = 0;
    engine->asides++;
}

bool mcpz_engine_is_full(const struct mcpz_engine *engine)
{
    return engine->is_full;
}

bool mcpz_engine_holds_mesh_key(const struct mcpz_engine *engine)
{
    return engine->holds_mesh_key;
}

mcpz_error mcpz_engine_layout_apply(struct mcpz_engine *engine, uint64_t request,
                                    const struct mcpz_placement *placement)
{
    (void)request;
    engine->applied = *placement; /* its lists do not last */
    if (engine->node.layouts.history.node_max > 0) {
        const struct mcpz_layout_stamp stamp = {.version = placement->version, .tag = 1};
        CHECK_UINT(mcpz_layout_history_add(&engine->node.layouts.history, placement, stamp),
                   MCPZ_OK);
    }
    return engine->refuse;
}

mcpz_error mcpz_engine_layout_stage(struct mcpz_engine *engine, uint64_t request,
                                    const struct mcpz_placement *placement)
{
    static uint8_t body[MCPZ_LAYOUT_BYTES_MAX];
    struct mcpz_record record = {.kind = MCPZ_RECORD_STAGED};
    size_t length = 0;

    (void)request;
    if (placement == NULL) {
        engine->store.remove(engine->store.context, &record);
        return engine->refuse;
    }
    CHECK_UINT(mcpz_placement_encode(placement, body, sizeof(body), &length), MCPZ_OK);
    record.staged.body = mcpz_bytes(body, length);
    engine->store.put(engine->store.context, &record);
    return engine->refuse;
}

/* ---- The world ---------------------------------------------------------------------------- */

static struct mcpz_engine *enter(void *context)
{
    return &((struct fake_world *)context)->engine;
}

static void defer(void *context)
{
    ((struct fake_world *)context)->deferred = true;
}

static void answered(void *context, void *owner)
{
    (void)owner;
    ((struct fake_world *)context)->answer_count++;
}

static mcpz_time now(void *context)
{
    return ((struct fake_world *)context)->now_us;
}

static uint64_t wall_ms(void *context)
{
    return FAKE_WALL_MS + ((struct fake_world *)context)->now_us / 1000;
}

static void measure(void *context, struct mcpz_api_measures *measures)
{
    *measures = ((struct fake_world *)context)->measures;
}

static void count(void *context, void (*visit)(void *, const struct mcpz_api_count *),
                  void *visit_context)
{
    (void)context;
    visit(visit_context,
          &(struct mcpz_api_count){"net_accepted", "connections accepted", 3, false});
}

static void walk_config(void *context,
                        void (*visit)(void *, const char *, const char *, const char *),
                        void *visit_context)
{
    (void)context;
    visit(visit_context, "name", "attic", "default");
}

static void begin_fabric(struct mcpz_engine *engine)
{
    const struct mcpz_fabric_config config = {
        .members = {.id = engine->id,
                    .incarnation = 1,
                    .name = "",
                    .address = "",
                    .region = "",
                    .zone = "",
                    .rows_max = 8,
                    .text_bytes = 4096,
                    .suspicions_max = 4},
        .links_max = 4,
        .dials_max = 2,
        .seeds_max = 1,
        .gossip_seen_max = 16,
        .gossip_cache_max = 4,
        .gossip_cache_bytes = 1024,
        .gossip_missing_max = 4,
        .gossip_notices_max = 4,
    };

    engine->fabric_memory = calloc(1, mcpz_fabric_bytes(&config));
    if (engine->fabric_memory == NULL) {
        abort();
    }
    mcpz_fabric_init(&engine->node.fabric, &config, engine->fabric_memory, 0);
}

void fake_begin(void)
{
    const struct mcpz_api_ports ports = {
        .context = &world,
        .enter = enter,
        .defer = defer,
        .answered = answered,
        .now = now,
        .wall_ms = wall_ms,
        .measure = measure,
        .count = count,
        .blobs = fake_blobs,
        .pools = fake_pools,
        .hosting = fake_hosting,
        .walk_config = walk_config,
    };
    struct mcpz_engine *engine = &world.engine;

    memset(&world, 0, sizeof(world));
    engine->id.bytes[0] = 's';
    engine->mesh.bytes[0] = 'm';
    begin_fabric(engine);
    engine->copies = malloc(FAKE_COPIES_BYTES);
    mcpz_arena_init(&engine->arena, engine->copies, FAKE_COPIES_BYTES);
    if (mcpz_crypto_init() != MCPZ_OK || mcpz_mem_create(&engine->mem, &engine->kv) != MCPZ_OK ||
        mcpz_scratch_create(&engine->scratch) != MCPZ_OK ||
        mcpz_api_create(&ports, "/tmp", &world.api) != MCPZ_OK) {
        abort();
    }
    mcpz_persist_init(&engine->persist, &engine->kv, engine->scratch, &engine->store);
}

void fake_end(void)
{
    mcpz_api_destroy(world.api);
    mcpz_mem_destroy(world.engine.mem);
    mcpz_scratch_destroy(world.engine.scratch);
    free(world.engine.copies);
    free(world.engine.fabric_memory);
}

struct mcpz_member *fake_member(char first_byte, const char *name)
{
    struct mcpz_roster *roster = &world.engine.node.fabric.members.roster;
    const struct mcpz_id id = {{(uint8_t)first_byte}};
    const struct mcpz_msg_member said = {.id = id, .name = mcpz_text(name)};
    struct mcpz_member *member = mcpz_roster_add(roster, &id);

    if (member == NULL || mcpz_roster_describe(roster, member, &said) != MCPZ_OK) {
        abort();
    }
    member->state = MCPZ_MEMBER_ALIVE;
    return member;
}

struct mcpz_exchange *fake_ask_bytes(enum mcpz_method method, const char *path,
                                     struct mcpz_bytes body)
{
    const char *mark = strchr(path, '?');
    size_t length = mark != NULL ? (size_t)(mark - path) : strlen(path);
    char query[1024] = "";
    struct mcpz_body kept;
    struct mcpz_exchange *exchange = NULL;

    mcpz_api_body_init(world.api, &kept);
    mcpz_body_append(&kept, body);
    (void)snprintf(query, sizeof(query), "%s", mark != NULL ? mark + 1 : "");
    size_t query_length = strlen(query);
    for (char *next = strchr(query, '&'); next != NULL; next = strchr(next + 1, '&')) {
        *next = '\0'; /* as a connection hands it over */
    }
    const struct mcpz_request request = {
        .method = method,
        .path = mcpz_bytes(path, length),
        .query = mcpz_bytes(query, query_length),
        .access = MCPZ_ACCESS_ALL,
        .tenant = mcpz_text(world.tenant != NULL ? world.tenant : ""),
        .body = &kept,
    };
    if (mcpz_api_open(world.api, NULL, &exchange) != MCPZ_OK) {
        abort();
    }
    mcpz_api_ask(exchange, &request);
    return exchange;
}

struct mcpz_exchange *fake_ask(enum mcpz_method method, const char *path, const char *body)
{
    return fake_ask_bytes(method, path, mcpz_text(body != NULL ? body : ""));
}

void fake_turn(void)
{
    while (world.deferred) {
        world.deferred = false;
        mcpz_api_progress(world.api);
        (void)world.engine.kv.commit(world.engine.kv.context);
    }
}

unsigned fake_status(const struct mcpz_exchange *exchange)
{
    const struct mcpz_response *response = mcpz_api_response(exchange);
    return response != NULL ? response->status : 0;
}

const char *fake_text(const struct mcpz_exchange *exchange)
{
    const struct mcpz_response *response = mcpz_api_response(exchange);

    answer_text[0] = 0;
    if (response != NULL && response->body.length < sizeof(answer_text) &&
        mcpz_body_read_all(&response->body, 0, answer_text, (size_t)response->body.length) ==
            MCPZ_OK) {
        answer_text[response->body.length] = 0;
    }
    return (const char *)answer_text;
}

void fake_reply(uint64_t request, uint32_t code, const char *text)
{
    const struct mcpz_action action = {
        .kind = MCPZ_ACTION_REPLY,
        .reply = {.request = request, .code = code, .text = mcpz_text(text)},
    };

    mcpz_api_act(world.api, &action);
    fake_turn();
}

void fake_task(enum mcpz_action_kind kind, const struct mcpz_action_task *task)
{
    const struct mcpz_action action = {.kind = kind, .task = *task};

    mcpz_api_act(world.api, &action);
    fake_turn();
}

const struct mcpz_event *fake_newest(enum mcpz_event_kind kind)
{
    CHECK(world.engine.event_count > 0);
    const struct mcpz_event *event = &world.engine.events[world.engine.event_count - 1];
    CHECK_UINT(event->kind, kind);
    return event;
}

void fake_taken_all(const struct mcpz_task_taken *rows, size_t count)
{
    struct mcpz_action action = {.kind = MCPZ_ACTION_TAKEN};

    action.taken.rows = rows;
    action.taken.count = count;
    mcpz_api_act(world.api, &action);
    fake_turn();
}

void fake_taken(uint64_t request, uint8_t id, uint32_t copies)
{
    const struct mcpz_action action = {
        .kind = MCPZ_ACTION_REPLY,
        .reply = {.request = request, .task = {{id}}, .copies = copies},
    };

    mcpz_api_act(world.api, &action);
    fake_turn();
}

void fake_keep(const struct mcpz_id *document, const char *key, const char *text)
{
    struct mcpz_record record = {.kind = MCPZ_RECORD_DOCUMENT,
                                 .document = {.id = *document,
                                              .tenant = mcpz_text(MCPZ_TENANT_SYSTEM),
                                              .name = mcpz_text("r")}};
    uint8_t path[200];
    uint8_t value[1000];
    size_t length = strlen(text);

    world.engine.store.put(world.engine.store.context, &record);
    path[0] = 0x91;
    CHECK(strlen(key) < 32 && length < 256);
    path[1] = (uint8_t)(0xa0 + strlen(key));
    memcpy(path + 2, key, strlen(key));
    size_t head = length < 32 ? 1 : 2;
    value[0] = length < 32 ? (uint8_t)(0xa0 + length) : 0xd9;
    value[1] = (uint8_t)length;
    memcpy(value + head, text, length);
    record = (struct mcpz_record){
        .kind = MCPZ_RECORD_ENTRY,
        .entry = {.document = *document,
                  .path = mcpz_bytes(path, 2 + strlen(key)),
                  .type = MCPZ_ENTRY_REGISTER,
                  .dot = {.actor = {.node = {{1}}, .generation = 1}, .seq = 1},
                  .hlc = 5,
                  .value = mcpz_bytes(value, head + length)}};
    world.engine.store.put(world.engine.store.context, &record);
}
