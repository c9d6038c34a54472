#include "http/api.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "blob/blob_job.h"
#include "http/agent_scope.h"
#include "http/blob_places.h"
#include "http/exchange.h"

/* ---- Routes ------------------------------------------------------------------------------- */

enum route_flags {
    ROUTE_PREFIX = 1,   /* what follows names a thing */
    ROUTE_OWNER = 2,    /* only for who is trusted: MCPZ_ACCESS_ALL; of some, reading is not */
    ROUTE_SECRET = 8,   /* nor may others read it */
    ROUTE_LOOK = 16,    /* for anybody */
    ROUTE_LONG = 64,    /* its GET goes on and on */
    ROUTE_TENANT = 32,  /* for who asks for one tenant, too: no other's things come into it */
    ROUTE_AGENTS = 128, /* of agents: http/agent_scope.h says whose */
    ROUTE_OWN = 256,    /* for who runs this node, and for who asks for one tenant */
    ROUTE_PART = 64,    /* the body may be as long as MCPZ_BLOB_PART_BYTES_MAX */
    ROUTE_UPLOAD = 4,   /* the body may be as long as MCPZ_UPLOAD_BYTES_MAX */
};

struct route {
    const char *path;
    unsigned flags;
    mcpz_handler get;
    mcpz_handler post;
    mcpz_handler delete;
};

/* The first that fits counts. What each takes and gives is said in http/openapi/. */
static const struct route routes[] = {
    {"/v1/openapi.json", ROUTE_TENANT, .get = mcpz_api_get_openapi},
    {"/v1/status", 0, .get = mcpz_api_get_status},
    {"/v1/peers", 0, .get = mcpz_api_get_peers},
    {"/v1/capabilities", ROUTE_TENANT, .get = mcpz_api_get_capabilities},
    {"/v1/config", ROUTE_SECRET, .get = mcpz_api_get_config},
    {"/v1/events", ROUTE_LONG, .get = mcpz_api_get_events},
    {"/v1/tasks", ROUTE_UPLOAD | ROUTE_TENANT, .get = mcpz_api_get_tasks,
     .post = mcpz_api_post_task},
    {"/v1/tasks/submit", ROUTE_UPLOAD | ROUTE_TENANT, .post = mcpz_api_submit_tasks},
    {"/v1/tasks/", ROUTE_PREFIX | ROUTE_TENANT, .get = mcpz_api_get_task,
     .post = mcpz_api_post_task_verb, .delete = mcpz_api_delete_task},
    {"/v1/runs", 0, .get = mcpz_api_get_runs},
    {"/v1/queues", 0, .get = mcpz_api_get_queues},
    {"/v1/queues/", ROUTE_PREFIX | ROUTE_OWNER, .post = mcpz_api_post_queue},
    {"/v1/work", ROUTE_LONG, .get = mcpz_api_get_work},
    {"/v1/work/", ROUTE_PREFIX | ROUTE_UPLOAD, .post = mcpz_api_post_work},
    {"/v1/agents", ROUTE_AGENTS | ROUTE_TENANT, .get = mcpz_api_get_agents,
     .post = mcpz_api_post_agents},
    {"/v1/agents/", ROUTE_PREFIX | ROUTE_AGENTS | ROUTE_TENANT, .get = mcpz_api_get_agent,
     .post = mcpz_api_post_agent, .delete = mcpz_api_delete_agent},
    {"/v1/apply", ROUTE_UPLOAD | ROUTE_AGENTS | ROUTE_TENANT, .post = mcpz_api_apply},
    {"/v1/forks", ROUTE_AGENTS | ROUTE_TENANT, .get = mcpz_api_get_forks},
    {"/v1/history/", ROUTE_PREFIX | ROUTE_AGENTS | ROUTE_TENANT, .get = mcpz_api_get_history},
    {"/v1/watch/", ROUTE_PREFIX | ROUTE_AGENTS | ROUTE_TENANT, .get = mcpz_api_watch_agent},
    {"/v1/layout", 0, .get = mcpz_api_get_layout},
    {"/v1/layout/plan", 0, .get = mcpz_api_plan_layout},
    {"/v1/layout/stage", ROUTE_OWNER, .post = mcpz_api_stage_layout},
    {"/v1/layout/apply", ROUTE_OWNER, .post = mcpz_api_apply_layout},
    {"/v1/layout/revert", ROUTE_OWNER, .post = mcpz_api_revert_layout},
    {"/v1/layout/skip", ROUTE_OWNER, .post = mcpz_api_skip_layout},
    {"/v1/snapshots", ROUTE_AGENTS | ROUTE_TENANT, .get = mcpz_api_get_snapshots},
    {"/v1/snapshots/export", ROUTE_SECRET | ROUTE_AGENTS | ROUTE_OWN, .get = mcpz_api_export},
    {"/v1/snapshots/import", ROUTE_UPLOAD | ROUTE_OWNER, .post = mcpz_api_import},
    {"/v1/backup", ROUTE_SECRET | ROUTE_LONG, .get = mcpz_api_get_backup},
    {"/v1/store/check", ROUTE_SECRET | ROUTE_LONG, .get = mcpz_api_check_store},
    {"/v1/blobs", ROUTE_TENANT, .get = mcpz_api_get_blobs, .post = mcpz_api_post_blobs},
    {"/v1/blobs/uploads/", ROUTE_PREFIX | ROUTE_TENANT | ROUTE_PART, .post = mcpz_api_post_upload,
     .delete = mcpz_api_delete_upload},
    {"/v1/blobs/", ROUTE_PREFIX | ROUTE_TENANT, .get = mcpz_api_get_blob,
     .delete = mcpz_api_delete_blob},
    {"/v1/keys", ROUTE_SECRET, .get = mcpz_api_get_keys},
    {"/v1/keys/rotate", ROUTE_OWNER, .post = mcpz_api_rotate_keys},
    {"/v1/keys/", ROUTE_PREFIX | ROUTE_OWNER, .delete = mcpz_api_delete_key},
    {"/v1/rules", ROUTE_OWNER, .get = mcpz_api_get_rules, .post = mcpz_api_post_rules},
    {"/v1/rules/explain", 0, .get = mcpz_api_explain_rules},
    {"/v1/rules/", ROUTE_PREFIX | ROUTE_OWNER, .delete = mcpz_api_delete_rule},
    {"/v1/revocations", ROUTE_OWNER, .get = mcpz_api_get_revocations,
     .post = mcpz_api_post_revocations},
    {"/v1/tokens", ROUTE_SECRET, .get = mcpz_api_get_tokens, .post = mcpz_api_post_tokens},
    {"/v1/tokens/", ROUTE_PREFIX | ROUTE_OWNER, .delete = mcpz_api_delete_token},
    {"/v1/pools", ROUTE_OWNER, .get = mcpz_api_get_pools, .post = mcpz_api_post_pools},
    {"/v1/pools/", ROUTE_PREFIX | ROUTE_OWNER, .post = mcpz_api_post_pool,
     .delete = mcpz_api_delete_pool},
    {"/v1/leases/", ROUTE_PREFIX, .post = mcpz_api_post_lease, .delete = mcpz_api_delete_lease},
    {"/v1/mcp/servers", ROUTE_OWNER, .get = mcpz_api_get_servers, .post = mcpz_api_post_servers},
    {"/v1/mcp/servers/", ROUTE_PREFIX | ROUTE_OWNER, .get = mcpz_api_get_server,
     .delete = mcpz_api_delete_server},
    {"/v1/join", ROUTE_OWNER, .post = mcpz_api_join},
    {"/v1/leave", ROUTE_OWNER, .post = mcpz_api_leave},
    {"/v1/drain", ROUTE_OWNER, .get = mcpz_api_get_drain, .post = mcpz_api_drain,
     .delete = mcpz_api_resume},
    {"/health", ROUTE_LOOK, .get = mcpz_api_get_health},
    {"/livez", ROUTE_LOOK, .get = mcpz_api_get_livez},
    {"/metrics", 0, .get = mcpz_api_get_metrics},
    {"/readyz", ROUTE_LOOK, .get = mcpz_api_get_readyz},
};

static const struct route *find_route(struct mcpz_bytes path)
{
    for (size_t i = 0; i < MCPZ_ARRAY_LEN(routes); i++) {
        struct mcpz_bytes known = mcpz_text(routes[i].path);
        bool is_prefix = (routes[i].flags & ROUTE_PREFIX) != 0;
        if (is_prefix ? path.length > known.length : path.length == known.length) {
            if (memcmp(path.data, known.data, known.length) == 0) {
                return &routes[i];
            }
        }
    }
    return NULL;
}

static mcpz_handler handler_of(const struct route *route, enum mcpz_method method)
{
    switch (method) {
    case MCPZ_GET:
        return route->get;
    case MCPZ_POST:
        return route->post;
    case MCPZ_DELETE:
        return route->delete;
    case MCPZ_METHOD_OTHER:
        break;
    }
    return NULL;
}

/* What may be asked so by whom, at least. */
static enum mcpz_access access_of(const struct route *route, enum mcpz_method method)
{
    if ((route->flags & ROUTE_LOOK) != 0 && method == MCPZ_GET) {
        return MCPZ_ACCESS_LOOK;
    }
    if ((route->flags & ROUTE_SECRET) != 0 ||
        ((route->flags & ROUTE_OWNER) != 0 && method != MCPZ_GET)) {
        return MCPZ_ACCESS_ALL;
    }
    return (route->flags & ROUTE_TENANT) != 0 ? MCPZ_ACCESS_TENANT : MCPZ_ACCESS_USE;
}

static bool may_ask(const struct route *route, const struct mcpz_request *request)
{
    return request->access >= access_of(route, request->method) ||
           ((route->flags & ROUTE_OWN) != 0 && request->access == MCPZ_ACCESS_TENANT &&
            request->tenant.length > 0);
}

static const char *allowed_methods(const struct route *route)
{
    static const char *const words[] = {
        "",       "GET, HEAD",         "POST",         "GET, HEAD, POST",
        "DELETE", "GET, HEAD, DELETE", "POST, DELETE", "GET, HEAD, POST, DELETE",
    };
    return words[(route->get != NULL ? 1 : 0) + (route->post != NULL ? 2 : 0) +
                 (route->delete != NULL ? 4 : 0)];
}

uint64_t mcpz_api_body_max(enum mcpz_method method, struct mcpz_bytes path)
{
    if (mcpz_api_is_mcp(path)) {
        return method == MCPZ_POST ? MCPZ_MCP_MESSAGE_BYTES_MAX : 0;
    }
    const struct route *route = find_route(path);

    if (method != MCPZ_POST || route == NULL || route->post == NULL) {
        return 0;
    }
    if ((route->flags & ROUTE_PART) != 0) {
        return MCPZ_BLOB_PART_BYTES_MAX;
    }
    return (route->flags & ROUTE_UPLOAD) != 0 ? MCPZ_UPLOAD_BYTES_MAX : MCPZ_JSON_BODY_BYTES_MAX;
}

static void fail_method(struct mcpz_exchange *exchange, const struct route *route)
{
    exchange->response.allow = allowed_methods(route);
    mcpz_body_finish(&exchange->response.body);
    mcpz_exchange_fail(exchange, MCPZ_CODE_BAD_REQUEST, "%s can only be asked with %s",
                       route->path, exchange->response.allow);
    exchange->response.status = 405;
}

static void fail_access(struct mcpz_exchange *exchange, const struct mcpz_request *request,
                        const struct route *route)
{
    if (request->access == MCPZ_ACCESS_TENANT) {
        mcpz_exchange_fail(
            exchange, MCPZ_CODE_DENIED,
            "%s is not for one tenant alone: show a key or a token without a tenant", route->path);
        return;
    }
    mcpz_exchange_fail(exchange, MCPZ_CODE_DENIED,
                       "%s is for who runs this node: use the Unix socket mcpz.sock in its data "
                       "directory, or an API key (MCP_API_KEYS)",
                       route->path);
}

/* Some places are kept for those who only look: at whether we are well, above all. */
static bool may_take_long(const struct route *route, const struct mcpz_request *request)
{
    return request->method != MCPZ_GET || (route->flags & ROUTE_LONG) != 0;
}

static void hand_over(struct mcpz_exchange *exchange, const struct mcpz_request *request,
                      const struct route *route, mcpz_handler handler)
{
    struct mcpz_request asked = *request;
    uint8_t query[MCPZ_QUERY_BYTES_MAX];

    if ((route->flags & ROUTE_AGENTS) != 0 && request->query.length > sizeof(query)) {
        mcpz_exchange_fail(exchange, MCPZ_CODE_TOO_LARGE, "a query has at most %d bytes",
                           MCPZ_QUERY_BYTES_MAX);
        return;
    }
    if ((route->flags & ROUTE_AGENTS) == 0 || mcpz_agent_scope_take(exchange, &asked, query)) {
        handler(exchange, &asked);
    }
}

static void dispatch(struct mcpz_exchange *exchange, const struct mcpz_request *request)
{
    const struct route *route = find_route(request->path);

    if (exchange->is_apart) {
        mcpz_api_mcp(exchange, request);
        return;
    }

    if (route == NULL) {
        mcpz_exchange_fail(exchange, MCPZ_CODE_NOT_FOUND, "there is no %.*s in this API",
                           (int)(request->path.length < 256 ? request->path.length : 256),
                           (const char *)request->path.data);
        return;
    }
    mcpz_handler handler = handler_of(route, request->method);
    if (handler == NULL) {
        fail_method(exchange, route);
        return;
    }
    if (!may_ask(route, request)) {
        fail_access(exchange, request, route);
        return;
    }
    if (exchange->api->open_count > MCPZ_EXCHANGES_WAITING_MAX && may_take_long(route, request)) {
        mcpz_exchange_fail(exchange, MCPZ_CODE_BUSY, "too many requests are under way");
        return;
    }
    if (exchange->input.length > mcpz_api_body_max(request->method, request->path)) {
        mcpz_exchange_fail(exchange, MCPZ_CODE_TOO_LARGE,
                           "the body has more than the %llu bytes such a request may have",
                           (unsigned long long)mcpz_api_body_max(request->method, request->path));
        return;
    }
    if (exchange->input.error != MCPZ_OK) {
        mcpz_exchange_fail_error(exchange, exchange->input.error,
                                 "the request's body could not be kept");
        return;
    }
    hand_over(exchange, request, route, handler);
}

unsigned mcpz_api_status_of(uint32_t code)
{
    switch (code) {
    case MCPZ_CODE_OK:
        return 200;
    case MCPZ_CODE_BAD_REQUEST:
        return 400;
    case MCPZ_CODE_DENIED:
    case MCPZ_CODE_REVOKED:
        return 403;
    case MCPZ_CODE_NOT_FOUND:
        return 404;
    case MCPZ_CODE_SHREDDED:
    case MCPZ_CODE_HISTORY_FOLDED:
        return 410;
    case MCPZ_CODE_CONFLICT:
        return 409;
    case MCPZ_CODE_TOO_LARGE:
        return 413;
    case MCPZ_CODE_BUSY:
    case MCPZ_CODE_LIMIT:
    case MCPZ_CODE_RATE_LIMITED:
        return 429;
    case MCPZ_CODE_INTERNAL:
        return 500;
    case MCPZ_CODE_OVERLOADED:
    case MCPZ_CODE_DRAINING:
    case MCPZ_CODE_UNAVAILABLE:
        return 503;
    case MCPZ_CODE_TIMEOUT:
    case MCPZ_CODE_NO_TIME:
        return 504;
    case MCPZ_CODE_STORE_FAILED:
        return 507;
    default:
        return 502;
    }
}

/* ---- The API's life ----------------------------------------------------------------------- */

mcpz_error mcpz_api_create(const struct mcpz_api_ports *ports, const char *directory,
                           struct mcpz_api **api)
{
    *api = NULL;
    struct mcpz_api *made = calloc(1, sizeof(*made));
    if (made == NULL) {
        return MCPZ_ENOMEM;
    }
    made->ports = *ports;
    made->directory = strdup(directory);
    if (made->directory == NULL) {
        free(made);
        return MCPZ_ENOMEM;
    }
    uint64_t wall_ms = ports->wall_ms(ports->context);
    mcpz_rule_book_init(&made->rules);
    mcpz_name_book_init(&made->names);
    mcpz_queue_book_init(&made->queues);
    mcpz_shred_book_init(&made->shreds);
    mcpz_blob_keeper_init(&made->blobs);
    mcpz_events_init(&made->events, wall_ms > 0 ? wall_ms : 1);
    *api = made;
    return MCPZ_OK;
}

void mcpz_api_destroy(struct mcpz_api *api)
{
    if (api == NULL) {
        return;
    }
    for (size_t i = 0; i < MCPZ_EXCHANGES_MAX; i++) {
        assert(!api->exchanges[i].open);
    }
    assert(api->apart_count == 0);
    mcpz_set_aside_finish(&api->aside);
    mcpz_face_destroy(api->face);
    free(api->directory);
    free(api);
}

const struct mcpz_api_ports *mcpz_api_ports(const struct mcpz_api *api)
{
    return &api->ports;
}

void mcpz_api_body_init(const struct mcpz_api *api, struct mcpz_body *body)
{
    mcpz_body_init(body, api->directory);
}

/* ---- An exchange's life ------------------------------------------------------------------- */

mcpz_error mcpz_api_open(struct mcpz_api *api, void *owner, struct mcpz_exchange **exchange)
{
    for (size_t i = 0; i < MCPZ_EXCHANGES_MAX; i++) {
        struct mcpz_exchange *free_one = &api->exchanges[i];
        if (free_one->open) {
            continue;
        }
        *free_one = (struct mcpz_exchange){
            .api = api, .owner = owner, .open = true, .deadline_us = MCPZ_TIME_NEVER};
        mcpz_body_init(&free_one->input, api->directory);
        mcpz_body_init(&free_one->response.body, api->directory);
        *exchange = free_one;
        api->open_count++;
        return MCPZ_OK;
    }
    return MCPZ_EFULL;
}

void mcpz_api_ask(struct mcpz_exchange *exchange, const struct mcpz_request *request)
{
    assert(exchange->open);
    assert(!exchange->answered);
    assert(request->path.length > 0);
    assert(request->tenant.length <= MCPZ_TENANT_BYTES_MAX);

    mcpz_bytes_to_text(request->tenant, exchange->tenant, sizeof(exchange->tenant));
    if (request->body != NULL) {
        exchange->input = *request->body;
        mcpz_body_init(request->body, request->body->directory);
    }
    dispatch(exchange, request);
}

const struct mcpz_response *mcpz_api_response(const struct mcpz_exchange *exchange)
{
    return exchange->answered ? &exchange->response : NULL;
}

size_t mcpz_api_pull(struct mcpz_exchange *exchange, uint8_t *out, size_t capacity)
{
    assert(exchange->answered);
    assert(exchange->response.streams);
    assert(capacity >= MCPZ_PULL_BYTES_MIN);

    return exchange->kind->pull(exchange, out, capacity);
}

static void answer_owner(struct mcpz_exchange *exchange)
{
    exchange->own_answer(exchange->owner);
}

void mcpz_api_answer_to(struct mcpz_exchange *exchange, void (*answered)(void *context),
                        void *context)
{
    exchange->own_answer = answered;
    exchange->owner = context;
    exchange->answered_elsewhere = answer_owner;
}

void mcpz_api_refuse(struct mcpz_exchange *exchange, uint32_t code, const char *text)
{
    mcpz_exchange_fail(exchange, code, "%s", text);
}

void mcpz_api_close(struct mcpz_exchange *exchange)
{
    assert(exchange->open);

    if (exchange->kind != NULL && exchange->kind->finish != NULL) {
        exchange->kind->finish(exchange);
    }
    mcpz_body_finish(&exchange->input);
    mcpz_body_finish(&exchange->response.body);
    if (exchange->is_apart) {
        exchange->api->apart_count--;
        free(exchange);
        return;
    }
    exchange->api->open_count--;
    *exchange = (struct mcpz_exchange){0};
}

/* ---- Turning ------------------------------------------------------------------------------ */

static bool is_waiting(const struct mcpz_exchange *exchange)
{
    return exchange->open && exchange->kind != NULL &&
           (!exchange->answered || exchange->response.streams);
}

static void hear_fact(struct mcpz_api *api, const struct mcpz_fact *fact)
{
    mcpz_key_share_hear(&api->key_share, fact, mcpz_api_now(api));
    (void)mcpz_name_book_hear(&api->names, fact); /* read when the face looks at its clock */
    if (mcpz_rule_book_hear(&api->rules, fact) || mcpz_queue_book_hear(&api->queues, fact) ||
        mcpz_shred_book_hear(&api->shreds, fact) ||
        mcpz_blob_keeper_hear(&api->blobs, fact, mcpz_api_now(api), api->ports.blobs_mourned_us)) {
        mcpz_api_stir(api);
    }
    if (!mcpz_events_note(&api->events, mcpz_api_wall_ms(api), fact)) {
        return;
    }
    for (size_t i = 0; i < MCPZ_EXCHANGES_MAX; i++) {
        if (api->exchanges[i].open && api->exchanges[i].response.streams) {
            mcpz_exchange_again(&api->exchanges[i]);
        }
    }
}

void mcpz_api_tell(struct mcpz_api *api, enum mcpz_fact_kind kind)
{
    const struct mcpz_fact fact = {.kind = kind, .about = *mcpz_engine_id(mcpz_api_engine(api))};

    hear_fact(api, &fact);
}

void mcpz_api_act(struct mcpz_api *api, const struct mcpz_action *action)
{
    if (action->kind == MCPZ_ACTION_FACT) {
        hear_fact(api, &action->fact);
        if (action->fact.kind != MCPZ_FACT_AGENT_MERGED) {
            return; /* the others wait for no fact */
        }
    }
    if (action->kind == MCPZ_ACTION_REPLY) {
        mcpz_blob_places_hear(&api->blobs, action->reply.request, action->reply.code);
    }
    for (size_t i = 0; i < MCPZ_EXCHANGES_MAX && api->open_count > 0; i++) {
        struct mcpz_exchange *exchange = &api->exchanges[i];
        if (is_waiting(exchange) && exchange->kind->note != NULL &&
            exchange->kind->note(exchange, action)) {
            mcpz_exchange_again(exchange);
            if (action->kind != MCPZ_ACTION_TAKEN) { /* which may be for several */
                return;
            }
        }
    }
}

void mcpz_api_look_at_rules(struct mcpz_api *api)
{
    if (mcpz_rule_book_is_due(&api->rules, mcpz_api_now(api))) {
        size_t count = 0;
        const struct mcpz_rule *rows =
            api->ports.rules != NULL ? api->ports.rules(api->ports.context, &count) : NULL;
        mcpz_rule_book_read(&api->rules, mcpz_api_now(api), rows, count, mcpz_api_engine(api));
    }
    if (mcpz_queue_book_is_due(&api->queues, mcpz_api_now(api))) {
        mcpz_queue_book_read(&api->queues, mcpz_api_now(api), mcpz_api_engine(api));
    }
    mcpz_shred_book_look(&api->shreds, api);
    mcpz_key_share_look(&api->key_share, api);
    mcpz_blob_keeper_look(&api->blobs, api);
    mcpz_set_aside_work(&api->aside, api);
}

void mcpz_api_progress(struct mcpz_api *api)
{
    mcpz_api_look_at_rules(api);
    mcpz_fellows_work(api);
    mcpz_api_mcp_work(api);
    for (size_t i = 0; i < MCPZ_EXCHANGES_MAX; i++) {
        struct mcpz_exchange *exchange = &api->exchanges[i];
        if (is_waiting(exchange) && exchange->has_work) {
            exchange->has_work = false;
            exchange->kind->work(exchange);
        }
    }
}

void mcpz_api_tick(struct mcpz_api *api)
{
    mcpz_time now = mcpz_api_now(api);

    mcpz_api_look_at_rules(api);
    mcpz_fellows_tick(api);
    mcpz_api_mcp_tick(api);
    for (size_t i = 0; i < MCPZ_EXCHANGES_MAX; i++) {
        struct mcpz_exchange *exchange = &api->exchanges[i];
        if (!is_waiting(exchange) || now < exchange->deadline_us) {
            continue;
        }
        if (exchange->kind->expire != NULL) {
            exchange->kind->expire(exchange);
        } else {
            mcpz_exchange_fail(exchange, MCPZ_CODE_TIMEOUT,
                               "the node did not get this done in time: look again whether it "
                               "happened before you repeat it");
        }
    }
}

/* ---- Hosts -------------------------------------------------------------------------------- */

static bool equals_ignoring_case(struct mcpz_bytes a, const char *b)
{
    return a.length == strlen(b) && strncasecmp((const char *)a.data, b, a.length) == 0;
}

/* "[::1]:8000" -> "::1", "localhost:8000" -> "localhost". */
static struct mcpz_bytes without_port(struct mcpz_bytes host)
{
    if (host.length > 0 && host.data[0] == '[') {
        const uint8_t *end = memchr(host.data, ']', host.length);
        return end != NULL ? mcpz_bytes(host.data + 1, (size_t)(end - host.data) - 1)
                           : mcpz_bytes(NULL, 0);
    }
    const uint8_t *colon = host.length > 0 ? memchr(host.data, ':', host.length) : NULL;
    return colon != NULL ? mcpz_bytes(host.data, (size_t)(colon - host.data)) : host;
}

bool mcpz_api_host_is_ours(struct mcpz_bytes host, struct mcpz_bytes listen_host)
{
    static const char *const loopback[] = {"localhost", "127.0.0.1", "::1"};
    struct mcpz_bytes name = without_port(host);

    if (name.length == 0) {
        return false;
    }
    for (size_t i = 0; i < MCPZ_ARRAY_LEN(loopback); i++) {
        if (equals_ignoring_case(name, loopback[i])) {
            return true;
        }
    }
    return name.length == listen_host.length &&
           strncasecmp((const char *)name.data, (const char *)listen_host.data, name.length) == 0;
}

/* "http://localhost:3000" -> "localhost:3000". */
bool mcpz_api_origin_is_ours(struct mcpz_bytes origin, struct mcpz_bytes listen_host)
{
    static const char *const schemes[] = {"http://", "https://"};

    if (origin.data == NULL) {
        return true;
    }
    for (size_t i = 0; i < MCPZ_ARRAY_LEN(schemes); i++) {
        size_t length = strlen(schemes[i]);
        if (origin.length > length &&
            strncasecmp((const char *)origin.data, schemes[i], length) == 0) {
            return mcpz_api_host_is_ours(mcpz_bytes(origin.data + length, origin.length - length),
                                         listen_host);
        }
    }
    return false;
}

struct mcpz_bytes mcpz_request_header(const struct mcpz_request *request, const char *name)
{
    return mcpz_bytes_find_pair(request->headers, name);
}
