/* GET /v1/status, /v1/peers, /v1/capabilities, /v1/config. */

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "http/api_gate.h"
#include "http/exchange.h"
#include "wire/codec.h"

/* ---- Status ------------------------------------------------------------------------------- */

static json_t *text_or_null(struct mcpz_bytes text)
{
    return text.length > 0 ? mcpz_exchange_show_text(text) : json_null();
}

static json_t *list_roles(const struct mcpz_msg_member *said)
{
    json_t *roles = json_array();

    for (size_t i = 0; i < said->role_count; i++) {
        (void)json_array_append_new(roles, mcpz_exchange_show_text(said->roles[i]));
    }
    return roles;
}

/* A row of the sorted list. */
struct listed {
    const struct mcpz_offer *offer;
};

static int compare_names(const void *a, const void *b)
{
    const struct listed *left = a;
    const struct listed *right = b;
    return strcmp(left->offer->name, right->offer->name);
}

/* Offers of nodes that are up and for people, sorted by name. `sorted` holds
 * MCPZ_CAPABILITIES_MAX. */
static size_t sort_offers(const struct mcpz_registry *registry, struct listed *sorted)
{
    size_t count = 0;

    for (size_t i = 0; i < registry->offer_count; i++) {
        const struct mcpz_offer *offer = &registry->offers[i];
        assert(offer->offerer < registry->offerer_count);
        if (registry->offerers[offer->offerer].up && !mcpz_fellows_is_name(offer->name)) {
            sorted[count++].offer = offer;
        }
    }
    qsort(sorted, count, sizeof(*sorted), compare_names);
    return count;
}

uint64_t mcpz_api_count_agents(const struct mcpz_node *node)
{
    const uint64_t blobs = node->agents.entropy.holdings.blob_count;

    return node->agents.document_count -
           (blobs < node->agents.document_count ? blobs : node->agents.document_count);
}

size_t mcpz_api_count_capabilities(const struct mcpz_registry *registry)
{
    struct listed sorted[MCPZ_CAPABILITIES_MAX];
    size_t count = sort_offers(registry, sorted);
    size_t distinct = 0;

    for (size_t i = 0; i < count; i++) {
        distinct +=
            i == 0 || strcmp(sorted[i - 1].offer->name, sorted[i].offer->name) != 0 ? 1 : 0;
    }
    return distinct;
}

static void visit_counter(void *context, const char *name, uint64_t number)
{
    (void)json_object_set_new(context, name, json_integer((json_int_t)number));
}

static void visit_count(void *context, const struct mcpz_api_count *count)
{
    visit_counter(context, count->name, count->number);
}

static json_t *list_counters(struct mcpz_api *api, const struct mcpz_engine *engine)
{
    const struct mcpz_counters *counters = mcpz_engine_counters(engine);
    json_t *json = json_object();

#define X(name, help) visit_counter(json, #name, counters->name);
    MCPZ_COUNTERS(X)
#undef X
    api->ports.count(api->ports.context, visit_count, json);
    return json;
}

static json_t *show_mesh(const struct mcpz_id *mesh)
{
    return mcpz_id_is_zero(mesh) ? json_null() : mcpz_exchange_show_id(mesh, 'm');
}

static void show_self(json_t *json, struct mcpz_engine *engine)
{
    const struct mcpz_node *node = mcpz_engine_node(engine);
    const struct mcpz_members *members = &node->fabric.members;
    struct mcpz_bytes roles[MCPZ_ROLES_MAX];
    const struct mcpz_msg_member self =
        mcpz_roster_read(&members->roster, mcpz_members_self(members), roles);

    (void)json_object_set_new(json, "node", mcpz_exchange_show_id(mcpz_engine_id(engine), 'n'));
    (void)json_object_set_new(json, "name", mcpz_exchange_show_text(self.name));
    (void)json_object_set_new(json, "mesh", show_mesh(mcpz_engine_mesh(engine)));
    (void)json_object_set_new(json, "version", json_string(MCPZ_VERSION));
    (void)json_object_set_new(json, "region", mcpz_exchange_show_text(self.region));
    (void)json_object_set_new(json, "zone", mcpz_exchange_show_text(self.zone));
    (void)json_object_set_new(json, "roles", list_roles(&self));
    (void)json_object_set_new(json, "address", text_or_null(self.address));
    (void)json_object_set_new(json, "joining", json_boolean(mcpz_engine_is_joining(engine)));
    (void)json_object_set_new(json, "may_admit", json_boolean(mcpz_engine_may_admit(engine)));
    (void)json_object_set_new(json, "certificate_expires",
                              mcpz_exchange_show_time(mcpz_engine_certificate_end_ms(engine)));
}

static void visit_all(json_t *json, const char *const *names, const uint64_t *numbers,
                      size_t count)
{
    for (size_t i = 0; i < count; i++) {
        visit_counter(json, names[i], numbers[i]);
    }
}

static json_t *show_tasks(const struct mcpz_calls *calls)
{
    static const char *const names[] = {"running", "done", "failed", "retried"};
    const uint64_t numbers[] = {calls->caller.table.count, calls->caller.done,
                                calls->caller.failed, calls->caller.retried};
    json_t *json = json_object();

    visit_all(json, names, numbers, MCPZ_ARRAY_LEN(names));
    return json;
}

/* Durable tasks: what lies at this node now, and what became of them since it started. */
static json_t *show_durable(const struct mcpz_tasks *tasks)
{
    static const char *const names[] = {
        "ready",     "later",      "lone",    "ended",       "dead",     "running", "copies",
        "watched",   "accepted",   "refused", "attempts",    "retried",  "done",    "died",
        "cancelled", "taken_over", "yielded", "lost_leases", "put_back", "unkept",
    };
    const struct mcpz_tasks_counts *counts = &tasks->counts;
    const uint32_t *lists = tasks->book.counts;
    const uint64_t numbers[] = {
        lists[MCPZ_TASK_LIST_READY],
        lists[MCPZ_TASK_LIST_LATER],
        lists[MCPZ_TASK_LIST_LONE],
        lists[MCPZ_TASK_LIST_ENDED],
        lists[MCPZ_TASK_LIST_DEAD],
        tasks->running,
        tasks->copies,
        tasks->watch_count,
        counts->accepted,
        counts->refused,
        counts->attempts,
        counts->retried,
        counts->done,
        counts->died,
        counts->cancelled,
        counts->taken_over,
        counts->yielded,
        counts->lost_leases,
        counts->put_back,
        counts->unkept,
    };
    static_assert(MCPZ_ARRAY_LEN(names) == MCPZ_ARRAY_LEN(numbers), "a name each");
    json_t *json = json_object();

    visit_all(json, names, numbers, MCPZ_ARRAY_LEN(names));
    return json;
}

static json_t *show_runs(const struct mcpz_calls *calls, const struct mcpz_api_measures *measures)
{
    static const char *const names[] = {"running", "waiting", "done", "failed"};
    const uint64_t numbers[] = {measures->runs_running, measures->runs_waiting,
                                calls->provider.done, calls->provider.failed};
    json_t *json = json_object();

    visit_all(json, names, numbers, MCPZ_ARRAY_LEN(names));
    return json;
}

/* What goes through others: of ours, and of others through us. */
static json_t *show_relay(const struct mcpz_relay *relay)
{
    static const char *const names[] = {"sessions", "begun",        "accepted",     "broken",
                                        "carried",  "turned_back",  "forged",       "stalls",
                                        "doubted",  "letters_said", "letters_heard"};
    const uint64_t numbers[] = {
        relay->count,        relay->begun,           relay->accepted,
        relay->broken,       relay->carrier.carried, relay->carrier.turned_back,
        relay->forged,       relay->carrier.stalls,  relay->doubted,
        relay->letters_said, relay->letters_heard};
    json_t *json = json_object();

    visit_all(json, names, numbers, MCPZ_ARRAY_LEN(names));
    return json;
}

/* What was forgotten in the mesh, and what came of it here. */
static json_t *show_forgotten(const struct mcpz_agents *agents)
{
    static const char *const names[] = {"rises", "held", "checked", "kept", "set_aside"};
    const uint64_t numbers[] = {agents->horizon.rises, agents->deltas_held,
                                agents->recheck.checked, agents->recheck.kept,
                                agents->recheck.set_aside};
    const uint64_t horizon_ms = agents->horizon.row.horizon_ms;
    json_t *json = json_object();

    (void)json_object_set_new(json, "stale",
                              json_boolean(mcpz_horizon_is_stale(&agents->horizon)));
    (void)json_object_set_new(json, "horizon",
                              horizon_ms > 0 ? mcpz_exchange_show_time(horizon_ms) : json_null());
    visit_all(json, names, numbers, MCPZ_ARRAY_LEN(names));
    return json;
}

/* Where clients of HTTP find it, if they do. */
static json_t *show_api(const struct mcpz_api_measures *measures)
{
    return measures->api_url != NULL ? json_pack("{s:s, s:b}", "url", measures->api_url, "guarded",
                                                 measures->api_guarded ? 1 : 0)
                                     : json_null();
}

static json_t *show_store(const struct mcpz_api_measures *measures)
{
    static const char *const names[] = {
        "entries",        "used_bytes",     "map_bytes",     "commits",
        "failed_commits", "commit_us_last", "commit_us_max",
    };
    const uint64_t numbers[] = {
        measures->store.entries,        measures->store.used_bytes,
        measures->store.map_bytes,      measures->store.commits,
        measures->store.failed_commits, measures->store.commit_us_last,
        measures->store.commit_us_max,
    };
    json_t *json = json_object();

    visit_all(json, names, numbers, MCPZ_ARRAY_LEN(names));
    return json;
}

/* What the node says to others: {"ping": {"messages", "bytes"}, ...}, kinds it has said. */
static json_t *show_sent(const struct mcpz_engine *engine)
{
    json_t *json = json_object();

    for (uint32_t kind = 1; kind < MCPZ_MSG_KIND_END; kind++) {
        const struct mcpz_engine_sent *sent = mcpz_engine_sent(engine, (enum mcpz_msg_kind)kind);
        if (sent->messages > 0) {
            json_t *row = json_object();
            visit_counter(row, "messages", sent->messages);
            visit_counter(row, "bytes", sent->bytes);
            (void)json_object_set_new(json, mcpz_msg_name(kind), row);
        }
    }
    return json;
}

void mcpz_api_get_status(struct mcpz_exchange *exchange, const struct mcpz_request *request)
{
    struct mcpz_api *api = exchange->api;
    struct mcpz_engine *engine = mcpz_exchange_engine(exchange);
    const struct mcpz_node *node = mcpz_engine_node(engine);
    struct mcpz_api_measures measures = {0};
    json_t *json = json_object();

    (void)request;
    api->ports.measure(api->ports.context, &measures);
    const mcpz_time now = mcpz_api_now(api);
    mcpz_time up_us = now - measures.started;
    show_self(json, engine);
    visit_counter(json, "uptime_s", up_us / MCPZ_SECONDS(1));
    visit_counter(json, "members", mcpz_members_alive_count(&node->fabric.members));
    visit_counter(json, "links", node->fabric.links.count);
    visit_counter(json, "neighbours", node->fabric.overlay.active_count);
    visit_counter(json, "capabilities", mcpz_api_count_capabilities(&node->registry));
    visit_counter(json, "agents", mcpz_api_count_agents(node));
    visit_counter(json, "rss_bytes", measures.rss_bytes);
    visit_counter(json, "private_bytes", measures.private_bytes);
    (void)json_object_set_new(json, "api", show_api(&measures));
    (void)json_object_set_new(json, "health", mcpz_api_problems(api));
    (void)json_object_set_new(json, "tasks", show_tasks(&node->calls));
    (void)json_object_set_new(json, "durable", show_durable(&node->tasks));
    (void)json_object_set_new(json, "runs", show_runs(&node->calls, &measures));
    (void)json_object_set_new(json, "router", mcpz_api_show_router(&node->calls.caller, now));
    (void)json_object_set_new(json, "relay", show_relay(&node->relay));
    (void)json_object_set_new(json, "forgotten", show_forgotten(&node->agents));
    (void)json_object_set_new(json, "drain", mcpz_api_show_drain(node));
    (void)json_object_set_new(json, "gate", mcpz_api_show_gate(&node->calls.provider, now));
    (void)json_object_set_new(json, "store", show_store(&measures));
    (void)json_object_set_new(json, "counters", list_counters(api, engine));
    (void)json_object_set_new(json, "sent", show_sent(engine));
    mcpz_exchange_answer(exchange, 200, json);
}

/* ---- Peers -------------------------------------------------------------------------------- */

static const char *state_word(enum mcpz_member_state state)
{
    switch (state) {
    case MCPZ_MEMBER_ALIVE:
        return "alive";
    case MCPZ_MEMBER_SUSPECT:
        return "suspect";
    case MCPZ_MEMBER_DEAD:
        return "dead";
    case MCPZ_MEMBER_LEFT:
        return "left";
    case MCPZ_MEMBER_STATE_END:
        break;
    }
    assert(false);
    return "?";
}

/* When a moment on our clock was, by the wall's. */
static uint64_t wall_of(const struct mcpz_api *api, mcpz_time then)
{
    mcpz_time now = mcpz_api_now(api);
    uint64_t wall_ms = mcpz_api_wall_ms(api);
    uint64_t age_ms = now > then ? (now - then) / MCPZ_MS(1) : 0;

    return wall_ms > age_ms ? wall_ms - age_ms : 0;
}

static json_t *show_rtt(const struct mcpz_linked *link)
{
    return link != NULL && link->rtt_us > 0 ? json_real((double)link->rtt_us / 1000.0)
                                            : json_null();
}

/* Which of the overlay's views it is in: a neighbour, a candidate, or neither. */
static const char *view_word(const struct mcpz_overlay *overlay, const struct mcpz_id *id)
{
    if (mcpz_overlay_is_neighbour(overlay, id)) {
        return "active";
    }
    return mcpz_passive_has(&overlay->passive, id) ? "passive" : "none";
}

/* Who has called it suspect, and why. Observers that are no members any more have no name. */
static json_t *list_reasons(const struct mcpz_members *members, const struct mcpz_member *member)
{
    const struct mcpz_suspicion_case *suspicion = mcpz_members_suspicion(members, member);
    json_t *json = json_array();

    for (size_t i = 0; suspicion != NULL && i < suspicion->observer_count; i++) {
        const struct mcpz_member *observer =
            mcpz_roster_find_short(&members->roster, suspicion->observers[i]);
        json_t *row = json_object();
        (void)json_object_set_new(row, "observer",
                                  observer != NULL ? mcpz_exchange_show_id(&observer->id, 'n')
                                                   : json_null());
        (void)json_object_set_new(row, "reason",
                                  json_string(mcpz_suspicion_word(suspicion->reasons[i])));
        (void)json_array_append_new(json, row);
    }
    if (suspicion == NULL && member->reason != 0) { /* what it was convicted for */
        json_t *row = json_object();
        (void)json_object_set_new(row, "observer", json_null());
        (void)json_object_set_new(row, "reason", json_string(mcpz_suspicion_word(member->reason)));
        (void)json_array_append_new(json, row);
    }
    return json;
}

static json_t *show_peer(const struct mcpz_api *api, const struct mcpz_fabric *fabric,
                         const struct mcpz_member *member)
{
    const struct mcpz_linked *link = mcpz_links_find(&fabric->links, &member->id);
    struct mcpz_bytes roles[MCPZ_ROLES_MAX];
    const struct mcpz_msg_member said = mcpz_roster_read(&fabric->members.roster, member, roles);
    json_t *json = json_object();

    (void)json_object_set_new(json, "node", mcpz_exchange_show_id(&member->id, 'n'));
    (void)json_object_set_new(json, "name", mcpz_exchange_show_text(said.name));
    (void)json_object_set_new(
        json, "state",
        json_string(mcpz_members_is_revoked(&fabric->members, &member->id)
                        ? "revoked"
                        : state_word((enum mcpz_member_state)member->state)));
    (void)json_object_set_new(json, "address", text_or_null(said.address));
    (void)json_object_set_new(json, "rtt_ms", show_rtt(link));
    (void)json_object_set_new(json, "zone", mcpz_exchange_show_text(said.zone));
    (void)json_object_set_new(json, "region", mcpz_exchange_show_text(said.region));
    (void)json_object_set_new(json, "roles", list_roles(&said));
    (void)json_object_set_new(json, "since",
                              mcpz_exchange_show_time(wall_of(api, member->since_us)));
    (void)json_object_set_new(json, "view", json_string(view_word(&fabric->overlay, &member->id)));
    (void)json_object_set_new(json, "reasons", list_reasons(&fabric->members, member));
    (void)json_object_set_new(json, "linked", json_boolean(link != NULL));
    (void)json_object_set_new(json, "dialled", json_boolean(link != NULL && link->dialled));
    return json;
}

void mcpz_api_get_peers(struct mcpz_exchange *exchange, const struct mcpz_request *request)
{
    const struct mcpz_fabric *fabric = &mcpz_engine_node(mcpz_exchange_engine(exchange))->fabric;
    const struct mcpz_roster *roster = &fabric->members.roster;
    json_t *json = json_array();

    (void)request;
    for (size_t i = 1; i < roster->count; i++) {
        (void)json_array_append_new(json, show_peer(exchange->api, fabric, &roster->rows[i]));
    }
    mcpz_exchange_answer(exchange, 200, json);
}

/* ---- Capabilities ------------------------------------------------------------------------- */

static json_t *show_provider(const struct mcpz_node *node, const struct mcpz_offer *offer)
{
    const struct mcpz_id *id = &node->registry.offerers[offer->offerer].id;
    const struct mcpz_members *members = &node->fabric.members;
    const struct mcpz_member *member = mcpz_members_find(members, id);
    bool is_self = mcpz_id_equal(id, &mcpz_members_self(members)->id);
    struct mcpz_bytes name =
        member != NULL ? mcpz_roster_name(&members->roster, member) : mcpz_text("");
    json_t *json = json_object();

    (void)json_object_set_new(json, "node", mcpz_exchange_show_id(id, 'n'));
    (void)json_object_set_new(json, "name", mcpz_exchange_show_text(name));
    (void)json_object_set_new(json, "self", json_boolean(is_self));
    (void)json_object_set_new(
        json, "isolation",
        text_or_null(mcpz_text(mcpz_isolation_word((enum mcpz_isolation)offer->isolation))));
    (void)json_object_set_new(json, "linked",
                              json_boolean(mcpz_links_find(&node->fabric.links, id) != NULL));
    return json;
}

void mcpz_api_get_capabilities(struct mcpz_exchange *exchange, const struct mcpz_request *request)
{
    const struct mcpz_node *node = mcpz_engine_node(mcpz_exchange_engine(exchange));
    struct listed sorted[MCPZ_CAPABILITIES_MAX];
    size_t count = sort_offers(&node->registry, sorted);
    json_t *json = json_array();
    json_t *providers = NULL;

    (void)request;
    for (size_t i = 0; i < count; i++) {
        if (i == 0 || strcmp(sorted[i - 1].offer->name, sorted[i].offer->name) != 0) {
            providers = json_array();
            json_t *row = json_object();
            (void)json_object_set_new(row, "name",
                                      mcpz_exchange_show_text(mcpz_text(sorted[i].offer->name)));
            (void)json_object_set_new(row, "providers", providers);
            (void)json_array_append_new(json, row);
        }
        (void)json_array_append_new(providers, show_provider(node, sorted[i].offer));
    }
    mcpz_exchange_answer(exchange, 200, json);
}

/* ---- Configuration ------------------------------------------------------------------------ */

static void visit_key(void *context, const char *key, const char *value, const char *origin)
{
    json_t *row = json_object();

    (void)json_object_set_new(row, "key", mcpz_exchange_show_text(mcpz_text(key)));
    (void)json_object_set_new(row, "value", mcpz_exchange_show_text(mcpz_text(value)));
    (void)json_object_set_new(row, "origin", mcpz_exchange_show_text(mcpz_text(origin)));
    (void)json_array_append_new(context, row);
}

void mcpz_api_get_config(struct mcpz_exchange *exchange, const struct mcpz_request *request)
{
    json_t *json = json_array();

    (void)request;
    exchange->api->ports.walk_config(exchange->api->ports.context, visit_key, json);
    mcpz_exchange_answer(exchange, 200, json);
}
