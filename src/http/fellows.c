#include "http/fellows.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "desk/desk.h"
#include "http/blob_serve.h"
#include "http/exchange.h"
#include "http/export_serve.h"
#include "proto/call_msg.h"

#define STATUS_BYTES 4 /* "200\n", before the body */
#define ANSWER_BYTES_MAX MCPZ_RESULT_BYTES_MAX
#define NAME_BYTES (sizeof(MCPZ_FELLOW_PREFIX) + MCPZ_ID_TEXT_BYTES)

static struct mcpz_fellows *fellows_of(struct mcpz_api *api)
{
    return &api->fellows;
}

static const char *name_of(const struct mcpz_id *node, char name[NAME_BYTES])
{
    memcpy(name, MCPZ_FELLOW_PREFIX, sizeof(MCPZ_FELLOW_PREFIX));
    mcpz_id_to_text(node, 'n', name + sizeof(MCPZ_FELLOW_PREFIX) - 1);
    return name;
}

bool mcpz_fellows_is_name(const char *capability)
{
    return strncmp(capability, MCPZ_FELLOW_PREFIX, sizeof(MCPZ_FELLOW_PREFIX) - 1) == 0;
}

/* Something is to be said, when that may be. */
static void stir(struct mcpz_api *api)
{
    api->fellows.is_busy = true;
    mcpz_api_stir(api);
}

static void say(struct mcpz_api *api, const struct mcpz_msg *msg)
{
    mcpz_error error = mcpz_desk_take(api->ports.desk, api->fellows.program, msg);

    assert(error == MCPZ_OK); /* we keep to the windows, and say only what programs may */
    (void)error;
}

/* ---- Asking ------------------------------------------------------------------------------- */

static struct mcpz_fellow_ask *find_ask(struct mcpz_fellows *fellows, uint64_t call)
{
    for (size_t i = 0; i < MCPZ_FELLOW_ASKS_MAX; i++) {
        struct mcpz_fellow_ask *ask = &fellows->asks[i];
        if (ask->exchange != NULL && ask->call == call) {
            return ask;
        }
    }
    return NULL;
}

static void free_ask(struct mcpz_fellow_ask *ask)
{
    mcpz_body_finish(&ask->said);
    *ask = (struct mcpz_fellow_ask){.exchange = NULL};
}

static struct mcpz_fellow_ask *find_free_ask(struct mcpz_fellows *fellows)
{
    for (size_t i = 0; i < MCPZ_FELLOW_ASKS_MAX; i++) {
        if (fellows->asks[i].exchange == NULL) {
            return &fellows->asks[i];
        }
    }
    return NULL;
}

bool mcpz_fellows_ask(struct mcpz_exchange *exchange, const struct mcpz_id *node,
                      const char *method, const char *path, const json_t *json,
                      uint32_t timeout_ms)
{
    struct mcpz_fellows *fellows = fellows_of(exchange->api);
    struct mcpz_fellow_ask *ask = find_free_ask(fellows);
    char name[NAME_BYTES];

    if (fellows->program == NULL || ask == NULL) {
        return false;
    }
    json_t *said = json_pack("{s:s, s:s}", "method", method, "path", path);
    if (json != NULL) {
        (void)json_object_set_new(said, "body", json_deep_copy(json));
    }
    char *params = json_dumps(said, JSON_COMPACT);
    json_decref(said);
    if (params == NULL || strlen(params) > MCPZ_PARAMS_BYTES_MAX) {
        free(params);
        return false;
    }
    *ask = (struct mcpz_fellow_ask){
        .exchange = exchange, .node = *node, .call = ++fellows->next_call};
    mcpz_body_init(&ask->said, exchange->api->directory);
    say(exchange->api, &(struct mcpz_msg){.kind = MCPZ_MSG_OPEN,
                                          .open = {.call = ask->call,
                                                   .capability = mcpz_text(name_of(node, name)),
                                                   .timeout_ms = timeout_ms,
                                                   .attempt = 1,
                                                   .priority = MCPZ_PRIORITY_DEFAULT,
                                                   .params = mcpz_text(params)}});
    free(params);
    return true;
}

void mcpz_fellows_ask_members(struct mcpz_exchange *exchange, size_t *next, const char *path,
                              uint32_t timeout_ms)
{
    const struct mcpz_roster *roster =
        &mcpz_engine_node(mcpz_exchange_engine(exchange))->fabric.members.roster;

    for (; *next < roster->count; (*next)++) {
        const struct mcpz_member *member = &roster->rows[*next];
        const struct mcpz_id node = member->id;
        if (!mcpz_member_is_gone(member) &&
            !mcpz_fellows_ask(exchange, &node, "GET", path, NULL, timeout_ms)) {
            return;
        }
    }
}

/* What was said behind the status, a copy; NULL: it cannot be read. */
static uint8_t *read_said(const struct mcpz_body *said, unsigned *status, size_t *length)
{
    uint8_t head[STATUS_BYTES];

    if (said->error != MCPZ_OK || said->length < STATUS_BYTES ||
        mcpz_body_read_all(said, 0, head, STATUS_BYTES) != MCPZ_OK) {
        return NULL;
    }
    const char number[STATUS_BYTES] = {(char)head[0], (char)head[1], (char)head[2], '\0'};
    *length = (size_t)said->length - STATUS_BYTES;
    uint8_t *bytes = malloc(*length + 1);
    if (bytes == NULL || mcpz_body_read_all(said, STATUS_BYTES, bytes, *length) != MCPZ_OK) {
        free(bytes);
        return NULL;
    }
    *status = (unsigned)strtoul(number, NULL, 10);
    return bytes;
}

bool mcpz_fellows_take_bytes(struct mcpz_exchange *exchange, struct mcpz_id *node,
                             unsigned *status, uint8_t **bytes, size_t *length, size_t *waiting)
{
    struct mcpz_fellows *fellows = fellows_of(exchange->api);
    struct mcpz_fellow_ask *over = NULL;

    *waiting = 0;
    for (size_t i = 0; i < MCPZ_FELLOW_ASKS_MAX; i++) {
        struct mcpz_fellow_ask *ask = &fellows->asks[i];
        if (ask->exchange == exchange && ask->over && over == NULL) {
            over = ask;
        } else if (ask->exchange == exchange) {
            (*waiting)++;
        }
    }
    if (over == NULL) {
        return false;
    }
    *node = over->node;
    *status = 0;
    *bytes = over->code == MCPZ_CODE_OK ? read_said(&over->said, status, length) : NULL;
    exchange->fellow_code = over->code;
    free_ask(over);
    return true;
}

bool mcpz_fellows_take(struct mcpz_exchange *exchange, struct mcpz_id *node, unsigned *status,
                       json_t **json, size_t *waiting)
{
    uint8_t *bytes = NULL;
    size_t length = 0;

    *json = NULL;
    if (!mcpz_fellows_take_bytes(exchange, node, status, &bytes, &length, waiting)) {
        return false;
    }
    if (bytes != NULL) {
        *json = json_loadb((const char *)bytes, length, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES,
                           NULL);
    }
    free(bytes);
    *status = *json != NULL ? *status : 0;
    return true;
}

void mcpz_fellows_forget(struct mcpz_exchange *exchange)
{
    struct mcpz_fellows *fellows = fellows_of(exchange->api);

    for (size_t i = 0; i < MCPZ_FELLOW_ASKS_MAX; i++) {
        struct mcpz_fellow_ask *ask = &fellows->asks[i];
        if (ask->exchange != exchange) {
            continue;
        }
        if (!ask->over && fellows->program != NULL) {
            say(exchange->api,
                &(struct mcpz_msg){.kind = MCPZ_MSG_CANCEL, .cancel = {.call = ask->call}});
        }
        free_ask(ask);
    }
}

static void end_ask(struct mcpz_fellow_ask *ask, uint32_t code)
{
    ask->over = true;
    ask->code = code;
    mcpz_exchange_again(ask->exchange);
}

static void hear_answer(struct mcpz_fellow_ask *ask, const struct mcpz_msg *msg)
{
    if (msg->kind == MCPZ_MSG_FAIL) {
        end_ask(ask, msg->fail.code);
        return;
    }
    const struct mcpz_bytes chunk = msg->kind == MCPZ_MSG_DATA ? msg->data.chunk : msg->end.chunk;
    if (ask->said.length + chunk.length <= ANSWER_BYTES_MAX) {
        mcpz_body_append(&ask->said, chunk);
    } else {
        ask->said.error = MCPZ_EFULL;
    }
    if (msg->kind == MCPZ_MSG_END) {
        end_ask(ask, MCPZ_CODE_OK);
    } else {
        ask->owed += (uint32_t)chunk.length;
    }
}

/* ---- Serving ------------------------------------------------------------------------------ */

static struct mcpz_fellow_served *find_served(struct mcpz_fellows *fellows, uint64_t run)
{
    for (size_t i = 0; i < MCPZ_FELLOW_SERVED_MAX; i++) {
        if (fellows->served[i].used && fellows->served[i].run == run) {
            return &fellows->served[i];
        }
    }
    return NULL;
}

static void free_served(struct mcpz_fellow_served *served)
{
    if (served->exchange != NULL) {
        mcpz_api_close(served->exchange);
    }
    mcpz_body_finish(&served->params);
    *served = (struct mcpz_fellow_served){.used = false};
}

static void hear_open(struct mcpz_api *api, const struct mcpz_msg_open *open)
{
    struct mcpz_fellows *fellows = fellows_of(api);

    for (size_t i = 0; i < MCPZ_FELLOW_SERVED_MAX; i++) {
        struct mcpz_fellow_served *served = &fellows->served[i];
        if (!served->used) {
            *served = (struct mcpz_fellow_served){
                .used = true, .run = open->call, .room = MCPZ_CALL_WINDOW_BYTES};
            mcpz_body_init(&served->params, api->directory);
            mcpz_body_append(&served->params, open->params);
            return;
        }
    }
    if (fellows->refused_count < MCPZ_FELLOW_SERVED_MAX) {
        fellows->refused[fellows->refused_count++] = open->call;
    } /* else its own time ends it */
}

static void hear_demand(struct mcpz_fellow_served *served, const struct mcpz_msg *msg)
{
    if (msg->kind == MCPZ_MSG_CANCEL) {
        served->cancelled = true;
    } else if (msg->kind == MCPZ_MSG_CREDIT) {
        served->room += msg->credit.bytes;
    }
}

/* Perhaps within the engine's turn: nothing is said here. */
static void hear(void *context, const struct mcpz_msg *msg)
{
    struct mcpz_api *api = context;
    uint64_t number = 0;

    if (msg->kind == MCPZ_MSG_OPEN) {
        hear_open(api, &msg->open);
    } else if (mcpz_msg_call(msg, &number) && mcpz_msg_is_from_caller(msg)) {
        struct mcpz_fellow_served *served = find_served(fellows_of(api), number);
        if (served != NULL) {
            hear_demand(served, msg);
        }
    } else if (mcpz_msg_call(msg, &number)) {
        struct mcpz_fellow_ask *ask = find_ask(fellows_of(api), number);
        if (ask != NULL && !ask->over && msg->kind != MCPZ_MSG_CREDIT) {
            hear_answer(ask, msg);
        }
    }
    stir(api);
}

static enum mcpz_method method_of(const char *word)
{
    static const char *const words[] = {"GET", "POST", "DELETE"};
    static const enum mcpz_method methods[] = {MCPZ_GET, MCPZ_POST, MCPZ_DELETE};

    for (size_t i = 0; i < MCPZ_ARRAY_LEN(words) && word != NULL; i++) {
        if (strcmp(words[i], word) == 0) {
            return methods[i];
        }
    }
    return MCPZ_METHOD_OTHER;
}

/* What may be asked of a node by another. */
static bool is_below(struct mcpz_bytes path, const char *prefix)
{
    const size_t length = strlen(prefix);

    return path.length >= length && memcmp(path.data, prefix, length) == 0 &&
           (path.length == length || path.data[length] == '/');
}

static bool is_open(enum mcpz_method method, struct mcpz_bytes path)
{
    static const char tasks[] = "/v1/tasks";
    const size_t length = sizeof(tasks) - 1;
    bool is_tasks = path.length >= length && memcmp(path.data, tasks, length) == 0;
    bool is_one = is_tasks && path.length > length + 1 && path.data[length] == '/' &&
                  !mcpz_bytes_equal(path, mcpz_text("/v1/tasks/submit"));

    return method != MCPZ_METHOD_OTHER &&
           (is_one || mcpz_bytes_equal(path, mcpz_text(MCPZ_KEY_SHARE_PATH)) ||
            mcpz_bytes_equal(path, mcpz_text(MCPZ_EXPORT_SERVE_PATH)) ||
            is_below(path, MCPZ_BLOB_SERVE_PATH) || is_below(path, MCPZ_LAYOUT_PATH) ||
            is_below(path, "/v1/agents") || is_below(path, "/v1/history") ||
            (method == MCPZ_POST && mcpz_bytes_equal(path, mcpz_text("/v1/apply"))) ||
            (method == MCPZ_GET && mcpz_bytes_equal(path, mcpz_text("/v1/blobs"))) ||
            (method == MCPZ_GET && mcpz_bytes_equal(path, mcpz_text("/v1/queues"))) ||
            (is_tasks && path.length == length && method == MCPZ_GET));
}

static void answered(struct mcpz_exchange *exchange)
{
    stir(exchange->api);
}

/* Cut "PATH?NAME=VALUE\nNAME=VALUE" in two; parameters end in NUL, as those of HTTP do. */
static void cut_target(char *target, struct mcpz_bytes *path, struct mcpz_bytes *query)
{
    const size_t length = strcspn(target, "?");
    char *rest = target[length] == '?' ? target + length + 1 : target + length;

    *path = mcpz_bytes(target, length);
    *query = mcpz_text(rest);
    for (char *end = strchr(rest, '\n'); end != NULL; end = strchr(end + 1, '\n')) {
        *end = '\0';
    }
}

/* The request's body: an object, or several, a line each. */
static void append_body(struct mcpz_body *body, json_t *said)
{
    if (json_is_object(said)) {
        mcpz_body_append_json(body, json_incref(said), true);
    }
    for (size_t i = 0; i < json_array_size(said); i++) {
        mcpz_body_append_json(body, json_incref(json_array_get(said, i)), true);
        mcpz_body_text(body, "\n");
    }
}

static bool open_exchange(struct mcpz_api *api, struct mcpz_fellow_served *served,
                          struct mcpz_request *request, json_t *said)
{
    struct mcpz_body body;

    if (!is_open(request->method, request->path) ||
        mcpz_api_open(api, NULL, &served->exchange) != MCPZ_OK) {
        return false;
    }
    mcpz_body_init(&body, api->directory);
    append_body(&body, said);
    request->body = &body;
    served->exchange->answered_elsewhere = answered;
    if (mcpz_bytes_equal(request->path, mcpz_text(MCPZ_KEY_SHARE_PATH))) {
        mcpz_key_share_serve(served->exchange, request); /* no route: not for others */
    } else if (mcpz_bytes_equal(request->path, mcpz_text(MCPZ_EXPORT_SERVE_PATH))) {
        mcpz_export_serve(served->exchange, request);
    } else if (is_below(request->path, MCPZ_BLOB_SERVE_PATH)) {
        mcpz_blob_serve(served->exchange, request);
    } else {
        mcpz_api_ask(served->exchange, request);
    }
    mcpz_body_finish(&body);
    return true;
}

/* Begin what is asked. False: it is nothing that can be. */
static bool begin(struct mcpz_api *api, struct mcpz_fellow_served *served)
{
    const struct mcpz_bytes params = mcpz_body_in_memory(&served->params);
    json_t *json =
        params.data != NULL ? json_loadb((const char *)params.data, params.length, 0, NULL) : NULL;
    const char *said = json_string_value(json_object_get(json, "path"));
    char *target = said != NULL ? strdup(said) : NULL;
    bool begins = false;

    if (target != NULL) {
        struct mcpz_request request = {
            .method = method_of(json_string_value(json_object_get(json, "method"))),
            .access = MCPZ_ACCESS_USE,
        };
        cut_target(target, &request.path, &request.query);
        if (is_below(request.path, MCPZ_LAYOUT_PATH)) {
            request.access = MCPZ_ACCESS_ALL; /* the node that hands it on has asked for that */
        }
        begins = open_exchange(api, served, &request, json_object_get(json, "body"));
    }
    free(target);
    json_decref(json);
    return begins;
}

static void fail(struct mcpz_api *api, uint64_t run, uint32_t code, const char *text)
{
    say(api, &(struct mcpz_msg){.kind = MCPZ_MSG_FAIL,
                                .fail = {.call = run, .code = code, .text = mcpz_text(text)}});
}

/* The next bytes of status and body. */
static size_t read_answer(const struct mcpz_response *response, uint64_t at, uint8_t *chunk,
                          size_t size)
{
    char status[STATUS_BYTES + 8];
    size_t used = 0;

    (void)snprintf(status, sizeof(status), "%03u\n", response->status % 1000);
    while (at + used < STATUS_BYTES && used < size) {
        chunk[used] = (uint8_t)status[at + used];
        used++;
    }
    if (used < size && mcpz_body_read_all(&response->body, at + used - STATUS_BYTES, chunk + used,
                                          size - used) != MCPZ_OK) {
        return 0;
    }
    return size;
}

/* Say as much of the answer as there is room for; more goes with credit. */
static void answer(struct mcpz_api *api, struct mcpz_fellow_served *served)
{
    static uint8_t chunk[MCPZ_CHUNK_BYTES_MAX]; /* one thread: never two at a time */
    const struct mcpz_response *response = mcpz_api_response(served->exchange);

    while (response != NULL) {
        const uint64_t left = STATUS_BYTES + response->body.length - served->at;
        const size_t size = left < sizeof(chunk) ? (size_t)left : sizeof(chunk);
        if (size > served->room) {
            return;
        }
        if (read_answer(response, served->at, chunk, size) != size) {
            fail(api, served->run, MCPZ_CODE_INTERNAL, "the answer could not be read back");
            free_served(served);
            return;
        }
        served->room -= size;
        served->at += size;
        if (size == left) {
            say(api, &(struct mcpz_msg){
                         .kind = MCPZ_MSG_END,
                         .end = {.call = served->run, .chunk = mcpz_bytes(chunk, size)}});
            free_served(served);
            return;
        }
        say(api,
            &(struct mcpz_msg){.kind = MCPZ_MSG_DATA,
                               .data = {.call = served->run, .chunk = mcpz_bytes(chunk, size)}});
    }
}

static void serve(struct mcpz_api *api, struct mcpz_fellow_served *served)
{
    if (served->cancelled) {
        free_served(served);
        return;
    }
    if (served->exchange == NULL && !begin(api, served)) {
        fail(api, served->run, MCPZ_CODE_BUSY, "this node cannot be asked for that now");
        free_served(served);
        return;
    }
    answer(api, served);
}

/* ---- At the desk -------------------------------------------------------------------------- */

void mcpz_fellows_work(struct mcpz_api *api)
{
    struct mcpz_fellows *fellows = fellows_of(api);

    if (fellows->program == NULL || !fellows->is_busy) {
        return;
    }
    fellows->is_busy = false;
    while (fellows->refused_count > 0) {
        fail(api, fellows->refused[--fellows->refused_count], MCPZ_CODE_BUSY,
             "too much is asked of this node");
    }
    for (size_t i = 0; i < MCPZ_FELLOW_ASKS_MAX; i++) {
        struct mcpz_fellow_ask *ask = &fellows->asks[i];
        if (ask->exchange != NULL && !ask->over && ask->owed > 0) {
            const uint32_t owed = ask->owed;
            ask->owed = 0;
            say(api, &(struct mcpz_msg){
                         .kind = MCPZ_MSG_CREDIT,
                         .credit = {.call = ask->call, .from_caller = true, .bytes = owed}});
        }
    }
    for (size_t i = 0; i < MCPZ_FELLOW_SERVED_MAX; i++) {
        if (fellows->served[i].used) {
            serve(api, &fellows->served[i]);
        }
    }
}

/* What we offer: to be asked, and if it is so, that layouts are made here, and that we are full.
 */
static mcpz_error offer(struct mcpz_api *api, const struct mcpz_engine *engine)
{
    struct mcpz_fellows *fellows = fellows_of(api);
    char name[NAME_BYTES];
    struct mcpz_bytes names[3] = {mcpz_text(name_of(mcpz_engine_id(engine), name))};
    size_t count = 1;

    fellows->makes_layouts = mcpz_engine_holds_mesh_key(engine);
    fellows->is_full = mcpz_engine_is_full(engine);
    if (fellows->makes_layouts) {
        names[count++] = mcpz_text(MCPZ_FELLOW_LAYOUTS);
    }
    if (fellows->is_full) {
        names[count++] = mcpz_text(MCPZ_FELLOW_FULL);
    }
    return mcpz_desk_take(
        api->ports.desk, fellows->program,
        &(struct mcpz_msg){.kind = MCPZ_MSG_CAPABILITIES,
                           .capabilities = {.names = names, .name_count = count}});
}

static mcpz_error enter(struct mcpz_api *api)
{
    const struct mcpz_desk_visitor visitor = {.context = api, .send = hear, .is_node = true};
    const struct mcpz_engine *engine = mcpz_api_engine(api);
    struct mcpz_program *program = NULL;

    mcpz_error error = mcpz_desk_enter(api->ports.desk, &visitor, &program);
    if (error != MCPZ_OK) {
        return error;
    }
    api->fellows.program = program;
    error = mcpz_desk_take(api->ports.desk, program,
                           &(struct mcpz_msg){.kind = MCPZ_MSG_HELLO,
                                              .hello = {.version_min = MCPZ_PROTOCOL_MIN,
                                                        .version_max = MCPZ_PROTOCOL_MAX}});
    return error != MCPZ_OK ? error : offer(api, engine);
}

void mcpz_fellows_tick(struct mcpz_api *api)
{
    struct mcpz_fellows *fellows = fellows_of(api);
    mcpz_error error = MCPZ_OK;

    if (api->ports.desk == NULL) {
        return;
    }
    if (fellows->program == NULL) {
        error = enter(api);
    } else {
        const struct mcpz_engine *engine = mcpz_api_engine(api);
        if (mcpz_engine_holds_mesh_key(engine) != fellows->makes_layouts || /* in another mesh */
            mcpz_engine_is_full(engine) != fellows->is_full) {
            error = offer(api, engine);
        }
    }
    if (error != MCPZ_OK && fellows->program != NULL) {
        mcpz_desk_leave(api->ports.desk, fellows->program);
        fellows->program = NULL;
    }
}

void mcpz_fellows_finish(struct mcpz_api *api)
{
    struct mcpz_fellows *fellows = fellows_of(api);

    mcpz_key_share_finish(&api->key_share);
    mcpz_blob_keeper_finish(api);
    mcpz_set_aside_end(&api->aside);
    for (size_t i = 0; i < MCPZ_FELLOW_SERVED_MAX; i++) {
        if (fellows->served[i].used) {
            free_served(&fellows->served[i]);
        }
    }
    for (size_t i = 0; i < MCPZ_FELLOW_ASKS_MAX; i++) {
        if (fellows->asks[i].exchange != NULL) {
            free_ask(&fellows->asks[i]);
        }
    }
    if (fellows->program != NULL) {
        mcpz_desk_leave(api->ports.desk, fellows->program);
        fellows->program = NULL;
    }
}
