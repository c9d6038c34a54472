/* GET /health, /livez, /readyz, and the problems that status shows. */

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "http/exchange.h"
#include "http/fellows.h"

#define CERTIFICATE_SOON_MS (UINT64_C(10) * 24 * 3600 * 1000)
#define NAMES_BYTES 256                    /* of nodes: the first that fit */
#define DISK_LOW_BYTES UINT64_C(104857600) /* 100 MiB */

static void say(json_t *problems, const char *format, ...) MCPZ_PRINTF(2, 3);

static void say(json_t *problems, const char *format, ...)
{
    char text[512];
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    (void)json_array_append_new(problems, mcpz_exchange_show_text(mcpz_text(text)));
}

/* Its texts are bounded: all of it fits what is said. */
static void say_revoked(json_t *problems, const struct mcpz_revocation *gone)
{
    char when[MCPZ_ISO_TIME_CHARS];
    char by[MCPZ_NAME_BYTES_MAX + 1];
    char reason[MCPZ_REVOCATION_REASON_BYTES_MAX + 1];

    mcpz_exchange_write_time(gone->at_ms, when);
    mcpz_bytes_to_text(gone->by_name, by, sizeof(by));
    mcpz_bytes_to_text(gone->reason, reason, sizeof(reason));
    say(problems,
        "this node was revoked by %s at %s%s%s: no member links to it, and it needs a new "
        "identity",
        by, when, reason[0] != '\0' ? ": " : "", reason);
}

/* Why we cannot do what members do. */
static void check_mesh(json_t *problems, struct mcpz_engine *engine, uint64_t wall_ms)
{
    uint64_t end_ms = mcpz_engine_certificate_end_ms(engine);

    const struct mcpz_revocation *gone = mcpz_engine_revoked(engine, mcpz_engine_id(engine));
    if (gone != NULL) {
        say_revoked(problems, gone);
    } else if (mcpz_engine_is_joining(engine)) {
        say(problems, "joining: no member has admitted us yet");
    } else if (mcpz_id_is_zero(mcpz_engine_mesh(engine))) {
        say(problems, "in no mesh: join one with `mcpz join TOKEN`");
    }
    if (end_ms != 0 && end_ms <= wall_ms) {
        say(problems, "the membership certificate has expired: nobody will link to us; "
                      "join again with a new token");
    }
}

static void check_certificate(json_t *problems, struct mcpz_engine *engine, uint64_t wall_ms)
{
    uint64_t end_ms = mcpz_engine_certificate_end_ms(engine);

    if (end_ms > wall_ms && end_ms - wall_ms < CERTIFICATE_SOON_MS) {
        say(problems,
            "the membership certificate ends in %" PRIu64 " days: no coordinator has renewed it",
            (end_ms - wall_ms) / (24 * 3600 * 1000));
    }
}

static void check_members(json_t *problems, const struct mcpz_fabric *fabric)
{
    size_t known = 0;
    size_t suspects = 0;

    for (size_t i = 1; i < fabric->members.roster.count; i++) {
        const struct mcpz_member *member = &fabric->members.roster.rows[i];
        known += member->state != MCPZ_MEMBER_LEFT ? 1 : 0;
        if (member->state == MCPZ_MEMBER_SUSPECT) {
            suspects++;
        }
    }
    if (known > 0 && fabric->overlay.active_count == 0) {
        say(problems, "cut off: 0 of %zu members are linked", known);
    }
    if (suspects > 0) {
        say(problems, "%zu member%s silent and suspected", suspects,
            suspects == 1 ? " is" : "s are");
    }
}

/* Is it away for longer than anybody waits for? When it was last heard of its cursor says. */
static bool is_long_away(struct mcpz_engine *engine, const struct mcpz_id *node, uint64_t wall_ms)
{
    const struct mcpz_node *self = mcpz_engine_node(engine);
    const struct mcpz_store *store = mcpz_engine_store(engine);
    struct mcpz_record seen = {.kind = MCPZ_RECORD_CURSOR, .cursor = {.peer = *node}};

    return !mcpz_roster_is_there(&self->fabric.members.roster, node) &&
           store->get(store->context, &seen) == MCPZ_OK &&
           seen.cursor.wall_ms + self->agents.horizon.grace_ms < wall_ms;
}

/* Whoever has not said goodbye counts as one that comes back, however long that takes. */
static void check_away(json_t *problems, struct mcpz_engine *engine, uint64_t wall_ms)
{
    const struct mcpz_store *store = mcpz_engine_store(engine);
    struct mcpz_record met = {.kind = MCPZ_RECORD_PEER};
    char first[MCPZ_ID_TEXT_BYTES] = "";
    size_t count = 0;

    for (size_t i = 0; i < MCPZ_MEMBERS_MAX; i++) {
        if (store->next(store->context, MCPZ_SCAN_KIND, i == 0, &met) != MCPZ_OK) {
            break;
        }
        if (is_long_away(engine, &met.peer.id, wall_ms) && ++count == 1) {
            mcpz_id_to_text(&met.peer.id, 'n', first);
        }
    }
    if (count > 0) {
        say(problems,
            "%zu node%s away beyond the grace without goodbye, %s%s, and still counted: if gone "
            "for good, `mcpz revoke` says so",
            count, count == 1 ? " is" : "s are", count == 1 ? "" : "first ", first);
    }
}

static bool is_crowded(const struct mcpz_call_table *table)
{
    return table->count > table->max * 9 / 10;
}

/* Somebody signs two things: a machine that was set back, or somebody has its key. */
static void check_forks(json_t *problems, struct mcpz_engine *engine)
{
    const struct mcpz_store *store = mcpz_engine_store(engine);
    const struct mcpz_agents *agents = &mcpz_engine_node(engine)->agents;
    struct mcpz_record record = {.kind = MCPZ_RECORD_FORK};

    if (store->next(store->context, MCPZ_SCAN_KIND, true, &record) == MCPZ_OK) {
        say(problems,
            "a node has contradicted itself, and what it wrote since does not count: see "
            "`mcpz agent forks`");
    }
    if (agents->rolled_back) {
        say(problems,
            "others knew of writes of ours that our store had lost: it was set back, and we write "
            "under generation %" PRIu32 " since",
            agents->actor.generation);
    }
}

static void check_calls(json_t *problems, const struct mcpz_calls *calls)
{
    const struct mcpz_call_table *made = &calls->caller.table;
    const struct mcpz_call_table *served = &calls->provider.table;

    if (is_crowded(made)) {
        say(problems, "busy: %zu of %zu calls are under way", made->count, made->max);
    }
    if (is_crowded(served)) {
        say(problems, "busy: %zu of %zu calls are being served", served->count, served->max);
    }
}

/* Nodes that are gone hold a change of the layout up. */
static void check_layouts(json_t *problems, const struct mcpz_node *node)
{
    const struct mcpz_layout_history *history = &node->layouts.history;
    const struct mcpz_live_layout *newest = mcpz_layout_history_newest(history);
    size_t gone = 0;

    for (size_t i = 0; newest != NULL && i < history->tracker_count; i++) {
        const struct mcpz_layout_tracker *tracker = &history->trackers[i];
        const bool is_gone = !mcpz_roster_is_there(&node->fabric.members.roster, &tracker->node);
        const bool is_waited_for =
            mcpz_layout_stamp_compare(tracker->sync_acked, newest->stamp) < 0;
        gone += is_gone && is_waited_for ? 1 : 0;
    }
    if (gone > 0) {
        say(problems, "the layout waits for %zu node%s that cannot be reached: `mcpz layout show`",
            gone, gone == 1 ? "" : "s");
    }
}

/* Nodes that are gone, and keep agents: there are fewer copies than there should be. */
static void check_copies(json_t *problems, const struct mcpz_node *node)
{
    const struct mcpz_live_layout *newest = mcpz_layout_history_newest(&node->layouts.history);
    size_t active = 0;
    size_t gone = 0;

    for (size_t i = 0; newest != NULL && i < newest->placement.node_count; i++) {
        const struct mcpz_storage_node *owner = &newest->placement.nodes[i];
        const bool is_gone = !mcpz_roster_is_there(&node->fabric.members.roster, &owner->id);
        active += owner->state == MCPZ_STORAGE_ACTIVE ? 1 : 0;
        gone += owner->state == MCPZ_STORAGE_ACTIVE && is_gone ? 1 : 0;
    }
    if (gone > 0) {
        say(problems,
            "%zu of the %zu nodes that keep agents cannot be reached: there are fewer copies than "
            "there should be, see `mcpz layout show`",
            gone, active);
    }
}

/* Others that have said so: what they are to keep does not come to them. */
static void check_full(json_t *problems, const struct mcpz_node *node)
{
    const struct mcpz_registry *registry = &node->registry;
    const struct mcpz_bytes full = mcpz_text(MCPZ_FELLOW_FULL);
    char names[NAMES_BYTES] = "";
    size_t length = 0;

    for (const struct mcpz_offer *offer = mcpz_registry_find(registry, full, 0); offer != NULL;
         offer = mcpz_registry_find(registry, full, (size_t)(offer - registry->offers) + 1)) {
        const struct mcpz_member *member =
            mcpz_members_find(&node->fabric.members, &registry->offerers[offer->offerer].id);
        if (member == NULL || member == mcpz_members_self(&node->fabric.members)) {
            continue;
        }
        const struct mcpz_bytes name = mcpz_roster_name(&node->fabric.members.roster, member);
        if (length + name.length + sizeof(", ") <= sizeof(names)) {
            length += (size_t)snprintf(names + length, sizeof(names) - length, "%s%.*s",
                                       length > 0 ? ", " : "", (int)name.length,
                                       (const char *)name.data);
        }
    }
    if (length > 0) {
        say(problems,
            "no room on the disk of %s: what is to be kept there waits until some is made", names);
    }
}

/* Who keep a document must be few enough to sign all that is dropped of it. */
static void check_history(json_t *problems, const struct mcpz_node *node)
{
    const size_t alive = mcpz_members_alive_count(&node->fabric.members);

    if (alive > MCPZ_COSIGNATURES_MAX && node->agents.entropy.holdings.root.count > 0 &&
        !mcpz_layouts_are_in_force(&node->layouts)) {
        say(problems,
            "each of %zu nodes keeps all agents, and of more than %d none drops what is older "
            "than "
            "their history: make a layout, see `mcpz layout --help`",
            alive, MCPZ_COSIGNATURES_MAX);
    }
}

/* We were away for so long that others may have forgotten what we have. */
static void check_horizon(json_t *problems, const struct mcpz_api *api,
                          const struct mcpz_agents *agents)
{
    if (!mcpz_horizon_is_stale(&agents->horizon)) {
        return;
    }
    if (api->aside.trouble != NULL) {
        say(problems,
            "this node was away beyond the grace, and agents that others have forgotten cannot be "
            "set aside: %s",
            api->aside.trouble);
    } else {
        say(problems,
            "this node was away beyond the grace: catching up, and others take no agents from it "
            "that they do not have%s",
            agents->recheck.is_waiting ? "; nobody who could say what was forgotten is linked"
                                       : "");
    }
}

static void check_machine(json_t *problems, const struct mcpz_api_measures *measures)
{
    if (measures->store.failed_commits > 0) {
        say(problems, "the store failed to write %" PRIu64 " times: see the log",
            measures->store.failed_commits);
    }
    if (measures->snapshot_trouble != NULL) {
        say(problems, "the last automatic snapshot failed: %s", measures->snapshot_trouble);
    }
    if (measures->disk_bytes > 0 && measures->disk_free_bytes < DISK_LOW_BYTES) {
        say(problems, "the disk of the data directory is nearly full: %" PRIu64 " MiB are left",
            measures->disk_free_bytes / 1048576);
    }
}

json_t *mcpz_api_problems(struct mcpz_api *api)
{
    struct mcpz_engine *engine = mcpz_api_engine(api);
    const struct mcpz_node *node = mcpz_engine_node(engine);
    struct mcpz_api_measures measures = {0};
    json_t *problems = json_array();

    api->ports.measure(api->ports.context, &measures);
    uint64_t wall_ms = mcpz_api_wall_ms(api);
    check_mesh(problems, engine, wall_ms);
    check_certificate(problems, engine, wall_ms);
    check_members(problems, &node->fabric);
    check_away(problems, engine, wall_ms);
    check_forks(problems, engine);
    check_horizon(problems, api, &node->agents);
    check_calls(problems, &node->calls);
    check_copies(problems, node);
    check_layouts(problems, node);
    check_history(problems, node);
    check_full(problems, node);
    if (mcpz_engine_is_full(engine)) {
        say(problems, "the disk of the data directory is full: what is to be kept here waits "
                      "until there is room");
    }
    check_machine(problems, &measures);
    return problems;
}

void mcpz_api_get_health(struct mcpz_exchange *exchange, const struct mcpz_request *request)
{
    json_t *problems = mcpz_api_problems(exchange->api);
    const char *word = json_array_size(problems) == 0 ? "ok" : "degraded";

    (void)request;
    mcpz_exchange_answer(exchange, 200,
                         json_pack("{s:s, s:o}", "status", word, "problems", problems));
}

/* That we can say so is all there is to it: the loop turns. */
void mcpz_api_get_livez(struct mcpz_exchange *exchange, const struct mcpz_request *request)
{
    (void)request;
    mcpz_body_text(&exchange->response.body, "ok\n");
    mcpz_exchange_send(exchange, 200, "text/plain");
}

/* Ready: we are in a mesh. A lone node is one. */
void mcpz_api_get_readyz(struct mcpz_exchange *exchange, const struct mcpz_request *request)
{
    const struct mcpz_api_ports *ports = &exchange->api->ports;
    json_t *reasons = json_array();

    (void)request;
    check_mesh(reasons, mcpz_exchange_engine(exchange), ports->wall_ms(ports->context));
    bool ready = json_array_size(reasons) == 0;
    mcpz_exchange_answer(exchange, ready ? 200 : 503,
                         json_pack("{s:b, s:o}", "ready", ready, "reasons", reasons));
}
