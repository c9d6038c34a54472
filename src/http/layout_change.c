#include "http/layout_change.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/signed_layout.h"
#include "http/forward.h"
#include "http/layout_view.h"
#include "wire/placement_codec.h"

#define GONE_MAX 64 /* dead nodes that leave with one layout; more are skipped by hand */

/* ---- Where the key is --------------------------------------------------------------------- */

/* Those that say they make layouts. */
static size_t find_makers(struct mcpz_exchange *exchange, const struct mcpz_id *document,
                          struct mcpz_id *nodes)
{
    const struct mcpz_registry *registry =
        &mcpz_engine_node(mcpz_exchange_engine(exchange))->registry;
    const struct mcpz_bytes name = mcpz_text(MCPZ_FELLOW_LAYOUTS);
    const struct mcpz_offer *offer = mcpz_registry_find(registry, name, 0);
    size_t count = 0;

    (void)document;
    while (offer != NULL && count < MCPZ_OWNERS_MAX) {
        nodes[count++] = registry->offerers[offer->offerer].id;
        offer = mcpz_registry_find(registry, name, (size_t)(offer - registry->offers) + 1);
    }
    return count;
}

bool mcpz_layout_hand_on(struct mcpz_exchange *exchange, const struct mcpz_request *request,
                         const json_t *body)
{
    struct mcpz_forwarded forwarded = {
        .method = request->method == MCPZ_GET ? "GET" : "POST",
        .timeout_ms = MCPZ_FORWARD_MS,
        .find = find_makers,
        .what = "the node that holds the mesh's key, where layouts are made,"};

    if (mcpz_engine_holds_mesh_key(mcpz_exchange_engine(exchange))) {
        return false;
    }
    if (exchange->answered_elsewhere != NULL) { /* it has come from another node already */
        mcpz_exchange_fail(exchange, MCPZ_CODE_DENIED, "the mesh's key is not here");
        return true;
    }
    (void)snprintf(forwarded.path, sizeof(forwarded.path), "%.*s", (int)request->path.length,
                   (const char *)request->path.data);
    forwarded.body = body != NULL ? json_deep_copy(body) : NULL;
    mcpz_forward(exchange, &forwarded);
    return true;
}

void mcpz_layout_fail_staged(struct mcpz_exchange *exchange, mcpz_error error)
{
    if (error == MCPZ_ENOTFOUND) {
        mcpz_exchange_fail(exchange, MCPZ_CODE_CONFLICT,
                           "no change of the layout is staged: `mcpz layout stage` makes one");
        return;
    }
    mcpz_exchange_fail_error(exchange, error, "reading the staged layout");
}

/* ---- Staging ------------------------------------------------------------------------------ */

/* What is staged, or else what holds, to go on from. */
static mcpz_error load(struct mcpz_exchange *exchange, struct mcpz_layout_draft *draft)
{
    const struct mcpz_live_layout *newest = mcpz_layout_newest(exchange);
    struct mcpz_staged_layout staged;
    mcpz_error error = mcpz_layout_read_staged(exchange, &staged);

    if (error == MCPZ_OK) {
        mcpz_layout_draft_take(draft, &staged.placement);
        free(staged.memory);
        return MCPZ_OK;
    }
    if (error == MCPZ_ENOTFOUND && newest != NULL) {
        mcpz_layout_draft_take(draft, &newest->placement);
    }
    return error == MCPZ_ENOTFOUND ? MCPZ_OK : error;
}

/* The zone a member says it is in. */
static struct mcpz_bytes zone_of(struct mcpz_exchange *exchange, const struct mcpz_id *node)
{
    const struct mcpz_members *members =
        &mcpz_engine_node(mcpz_exchange_engine(exchange))->fabric.members;
    const struct mcpz_member *member = mcpz_members_find(members, node);
    struct mcpz_bytes roles[MCPZ_ROLES_MAX];

    return member != NULL ? mcpz_roster_read(&members->roster, member, roles).zone : mcpz_text("");
}

/* The row of a node that is to be in it: as it is, or a new one. NULL: answered. */
static struct mcpz_layout_draft_row *take_row(struct mcpz_exchange *exchange,
                                              struct mcpz_layout_draft *draft,
                                              const struct mcpz_id *node)
{
    struct mcpz_layout_draft_row *row = mcpz_layout_draft_find(draft, node);

    if (row == NULL &&
        mcpz_layout_draft_add(draft, node, zone_of(exchange, node), &row) != MCPZ_OK) {
        mcpz_exchange_fail(exchange, MCPZ_CODE_LIMIT, "a layout names at most %d nodes",
                           MCPZ_LAYOUT_NODES_MAX);
        return NULL;
    }
    return row;
}

/* The weight of the first role that offers storage; 0: none does. */
static uint32_t offered_weight(const struct mcpz_msg_member *said)
{
    for (size_t i = 0; i < said->role_count; i++) {
        const uint32_t weight = mcpz_layout_role_weight(said->roles[i]);
        if (weight > 0) {
            return weight;
        }
    }
    return 0;
}

/* Every member that offers storage is in it, as it offers. False: answered. */
static bool stage_offers(struct mcpz_exchange *exchange, struct mcpz_layout_draft *draft)
{
    const struct mcpz_roster *roster =
        &mcpz_engine_node(mcpz_exchange_engine(exchange))->fabric.members.roster;
    size_t found = 0;

    for (size_t i = 0; i < roster->count; i++) {
        const struct mcpz_member *member = &roster->rows[i];
        struct mcpz_bytes roles[MCPZ_ROLES_MAX];
        const struct mcpz_msg_member said = mcpz_roster_read(roster, member, roles);
        const uint32_t weight = offered_weight(&said);
        if (weight == 0 || mcpz_member_is_gone(member)) {
            continue;
        }
        struct mcpz_layout_draft_row *row = take_row(exchange, draft, &member->id);
        if (row == NULL) {
            return false;
        }
        row->weight = weight;
        found++;
    }
    if (found == 0) {
        mcpz_exchange_fail(exchange, MCPZ_CODE_NOT_FOUND,
                           "no node has the role \"storage\" or \"storage:WEIGHT\" in its "
                           "configuration: name nodes instead");
    }
    return found > 0;
}

/* False: answered. */
static bool find_node(struct mcpz_exchange *exchange, const struct mcpz_layout_draft *draft,
                      const json_t *text, struct mcpz_id *node)
{
    if (!json_is_string(text)) {
        mcpz_exchange_fail(exchange, MCPZ_CODE_BAD_REQUEST,
                           "\"node\" must be given: a name or an id, as `mcpz peers` shows it");
        return false;
    }
    const struct mcpz_bytes called = mcpz_exchange_text_of(text);
    const mcpz_error error = mcpz_layout_find_node(exchange, draft, called, node);
    if (error != MCPZ_OK) {
        mcpz_exchange_fail(
            exchange, error == MCPZ_ECONFLICT ? MCPZ_CODE_CONFLICT : MCPZ_CODE_NOT_FOUND,
            error == MCPZ_ECONFLICT
                ? "several nodes are called \"%.*s\": say its id"
                : "there is no node \"%.*s\" in this mesh or its layout: `mcpz peers`, "
                  "`mcpz layout show`",
            (int)(called.length < 128 ? called.length : 128), (const char *)called.data);
        return false;
    }
    return true;
}

/* {"node", "zone", "weight", "remove"}. False: answered. */
static bool stage_one(struct mcpz_exchange *exchange, struct mcpz_layout_draft *draft,
                      const json_t *change)
{
    static const struct mcpz_integer_rule weight_rule = {"weight", 1, MCPZ_PLACEMENT_WEIGHT_MAX,
                                                         0};
    const json_t *zone = json_object_get(change, "zone");
    json_int_t weight = 0;
    struct mcpz_id node;

    if (!json_is_object(change)) {
        mcpz_exchange_fail(exchange, MCPZ_CODE_BAD_REQUEST, "\"nodes\" is a list of objects");
        return false;
    }
    if (!find_node(exchange, draft, json_object_get(change, "node"), &node) ||
        !mcpz_exchange_integer(exchange, change, &weight_rule, &weight)) {
        return false;
    }
    if (json_is_true(json_object_get(change, "remove"))) {
        if (mcpz_layout_draft_find(draft, &node) == NULL) {
            mcpz_exchange_fail(exchange, MCPZ_CODE_NOT_FOUND,
                               "this node is not in the layout: there is nothing to remove");
            return false;
        }
        mcpz_layout_draft_remove(draft, &node);
        return true;
    }
    if (zone != NULL &&
        (!json_is_string(zone) || mcpz_exchange_text_of(zone).length > MCPZ_NAME_BYTES_MAX)) {
        mcpz_exchange_fail(exchange, MCPZ_CODE_BAD_REQUEST,
                           "\"zone\" is a string of at most %d bytes", MCPZ_NAME_BYTES_MAX);
        return false;
    }
    struct mcpz_layout_draft_row *row = take_row(exchange, draft, &node);
    if (row == NULL) {
        return false;
    }
    row->weight = weight > 0 ? (uint32_t)weight : row->weight;
    if (zone != NULL) {
        mcpz_bytes_to_text(mcpz_exchange_text_of(zone), row->zone, sizeof(row->zone));
    }
    return true;
}

/* False: answered. */
static bool stage_numbers(struct mcpz_exchange *exchange, struct mcpz_layout_draft *draft,
                          const json_t *object)
{
    static const struct mcpz_integer_rule copies_rule = {"copies", 1, MCPZ_COPIES_MAX, 0};
    static const struct mcpz_integer_rule apart_rule = {"zones_apart", 1, MCPZ_COPIES_MAX, 0};
    json_int_t copies = 0;
    json_int_t apart = 0;

    if (!mcpz_exchange_integer(exchange, object, &copies_rule, &copies) ||
        !mcpz_exchange_integer(exchange, object, &apart_rule, &apart)) {
        return false;
    }
    draft->copies = copies > 0 ? (uint32_t)copies : draft->copies;
    draft->zones_apart = apart > 0 ? (uint32_t)apart : draft->zones_apart;
    return true;
}

/* All that the request says. False: answered. */
static bool stage_all(struct mcpz_exchange *exchange, struct mcpz_layout_draft *draft,
                      const json_t *object)
{
    const json_t *nodes = json_object_get(object, "nodes");

    if (nodes != NULL && !json_is_array(nodes)) {
        mcpz_exchange_fail(exchange, MCPZ_CODE_BAD_REQUEST, "\"nodes\" is a list of objects");
        return false;
    }
    if (json_object_size(object) == 0) {
        mcpz_exchange_fail(exchange, MCPZ_CODE_BAD_REQUEST,
                           "nothing was said that would change the layout");
        return false;
    }
    if (!stage_numbers(exchange, draft, object) ||
        (json_is_true(json_object_get(object, "auto")) && !stage_offers(exchange, draft))) {
        return false;
    }
    for (size_t i = 0; i < json_array_size(nodes); i++) {
        if (!stage_one(exchange, draft, json_array_get(nodes, i))) {
            return false;
        }
    }
    return true;
}

static void fail_engine(struct mcpz_exchange *exchange, mcpz_error error)
{
    if (error == MCPZ_EFULL) {
        mcpz_exchange_fail(exchange, MCPZ_CODE_TOO_LARGE,
                           "a layout has at most %d bytes: fewer nodes, or shorter names of zones",
                           MCPZ_LAYOUT_BYTES_MAX);
        return;
    }
    mcpz_exchange_fail_error(exchange, error, "the layout");
}

/* Keep the draft, and answer with it. */
static void keep(struct mcpz_exchange *exchange, struct mcpz_layout_draft *draft)
{
    const struct mcpz_live_layout *newest = mcpz_layout_newest(exchange);
    struct mcpz_placement placement;
    char trouble[MCPZ_LAYOUT_TROUBLE_BYTES];

    if (mcpz_layout_draft_seal(draft, &placement, trouble) != MCPZ_OK) {
        mcpz_exchange_fail(exchange, MCPZ_CODE_BAD_REQUEST, "%s", trouble);
        return;
    }
    placement.version = newest != NULL ? newest->stamp.version + 1 : 1;
    json_t *json = json_pack("{s:o}", "staged", mcpz_layout_show(exchange, &placement, NULL));
    const uint64_t request = mcpz_exchange_await_reply(exchange, 200, json);
    if (request == 0) {
        return;
    }
    const mcpz_error error =
        mcpz_engine_layout_stage(mcpz_exchange_engine(exchange), request, &placement);
    if (error != MCPZ_OK) {
        fail_engine(exchange, error);
    }
}

void mcpz_api_stage_layout(struct mcpz_exchange *exchange, const struct mcpz_request *request)
{
    static const char *const allowed[] = {"nodes", "copies", "zones_apart", "auto", NULL};
    json_t *object = mcpz_exchange_object(exchange, allowed);
    struct mcpz_layout_draft draft;

    if (object == NULL) {
        return;
    }
    if (mcpz_layout_hand_on(exchange, request, object)) {
        json_decref(object);
        return;
    }
    mcpz_error error = mcpz_layout_draft_init(&draft);
    if (error == MCPZ_OK) {
        error = load(exchange, &draft);
    }
    if (error != MCPZ_OK) {
        mcpz_exchange_fail_error(exchange, error, "reading the layout");
    } else if (stage_all(exchange, &draft, object)) {
        keep(exchange, &draft);
    }
    mcpz_layout_draft_finish(&draft);
    json_decref(object);
}

void mcpz_api_revert_layout(struct mcpz_exchange *exchange, const struct mcpz_request *request)
{
    if (mcpz_layout_hand_on(exchange, request, NULL)) {
        return;
    }
    const uint64_t name = mcpz_exchange_await_reply(exchange, 200, json_pack("{s:n}", "staged"));
    if (name == 0) {
        return;
    }
    const mcpz_error error = mcpz_engine_layout_stage(mcpz_exchange_engine(exchange), name, NULL);
    if (error != MCPZ_OK) {
        fail_engine(exchange, error);
    }
}

/* ---- Applying ----------------------------------------------------------------------------- */

/* The digest of a live layout, which the next one names. */
static void digest_of(struct mcpz_exchange *exchange, const struct mcpz_live_layout *live,
                      struct mcpz_id *digest)
{
    const struct mcpz_layouts *layouts =
        &mcpz_engine_node(mcpz_exchange_engine(exchange))->layouts;
    struct mcpz_signed_placement apart;

    for (size_t i = 0; i < MCPZ_LAYOUTS_LIVE_MAX; i++) {
        const struct mcpz_layout_kept *kept = &layouts->kept[i];
        if (mcpz_layout_stamp_compare(kept->stamp, live->stamp) == 0 &&
            mcpz_signed_placement_decode(mcpz_bytes(kept->bytes, kept->length), &apart) ==
                MCPZ_OK) {
            mcpz_layout_digest(apart.body, digest);
        }
    }
}

static bool is_alive(struct mcpz_exchange *exchange, const struct mcpz_id *node)
{
    const struct mcpz_node *self = mcpz_engine_node(mcpz_exchange_engine(exchange));

    return mcpz_roster_is_there(&self->fabric.members.roster, node);
}

static bool names(const struct mcpz_placement *placement, const struct mcpz_id *node)
{
    for (size_t i = 0; i < placement->node_count; i++) {
        if (mcpz_id_equal(&placement->nodes[i].id, node)) {
            return true;
        }
    }
    return false;
}

/* Nodes that leave the layout and are gone: nobody is to wait for them. Returns how many. */
static size_t find_gone(struct mcpz_exchange *exchange, const struct mcpz_placement *placement,
                        struct mcpz_id gone[GONE_MAX])
{
    const struct mcpz_live_layout *newest = mcpz_layout_newest(exchange);
    size_t count = 0;

    for (size_t i = 0; newest != NULL && i < newest->placement.node_count; i++) {
        const struct mcpz_id *node = &newest->placement.nodes[i].id;
        if (!names(placement, node) && !is_alive(exchange, node) && count < GONE_MAX) {
            gone[count++] = *node;
        }
    }
    return count;
}

/* Whoever takes a dead node out says that it will not come back. What it has is handed over if it
 * does all the same. */
static void skip_gone(struct mcpz_exchange *exchange, const struct mcpz_id *gone, size_t count)
{
    struct mcpz_engine *engine = mcpz_exchange_engine(exchange);

    for (size_t i = 0; i < count; i++) {
        struct mcpz_event event = {.kind = MCPZ_EVENT_LAYOUT_SKIP};
        event.layout.request = mcpz_engine_next_request(engine);
        event.layout.node = gone[i];
        mcpz_engine_event(engine, &event);
    }
}

static void apply(struct mcpz_exchange *exchange, struct mcpz_placement *placement)
{
    const struct mcpz_live_layout *newest = mcpz_layout_newest(exchange);
    char trouble[MCPZ_LAYOUT_TROUBLE_BYTES];
    struct mcpz_id gone[GONE_MAX];

    if (mcpz_layout_is_impossible(placement, trouble)) {
        mcpz_exchange_fail(exchange, MCPZ_CODE_CONFLICT, "%s", trouble);
        return;
    }
    const size_t gone_count = find_gone(exchange, placement, gone);
    placement->version = newest != NULL ? newest->stamp.version + 1 : 1;
    placement->previous = (struct mcpz_id){0};
    if (newest != NULL) {
        digest_of(exchange, newest, &placement->previous);
    }
    const uint64_t name = mcpz_exchange_await_reply(
        exchange, 200, json_pack("{s:o}", "applied", mcpz_layout_show(exchange, placement, NULL)));
    if (name == 0) {
        return;
    }
    const mcpz_error error =
        mcpz_engine_layout_apply(mcpz_exchange_engine(exchange), name, placement);
    newest = mcpz_layout_newest(exchange);
    if (error != MCPZ_OK) {
        fail_engine(exchange, error);
    } else if (newest != NULL && newest->stamp.version == placement->version) {
        skip_gone(exchange, gone, gone_count);
    }
}

void mcpz_api_apply_layout(struct mcpz_exchange *exchange, const struct mcpz_request *request)
{
    struct mcpz_staged_layout staged;

    if (mcpz_layout_hand_on(exchange, request, NULL)) {
        return;
    }
    const mcpz_error error = mcpz_layout_read_staged(exchange, &staged);
    if (error != MCPZ_OK) {
        mcpz_layout_fail_staged(exchange, error);
        return;
    }
    apply(exchange, &staged.placement);
    free(staged.memory);
}

/* ---- Who will not come back --------------------------------------------------------------- */

/* A node of some live layout, also one that is no member any more. */
static mcpz_error find_tracked(struct mcpz_exchange *exchange, struct mcpz_bytes text,
                               struct mcpz_id *node)
{
    const struct mcpz_layout_history *history =
        &mcpz_engine_node(mcpz_exchange_engine(exchange))->layouts.history;
    struct mcpz_layout_draft_row rows[1];

    for (size_t i = 0; i < history->tracker_count; i++) {
        const struct mcpz_layout_draft one = {.rows = rows, .count = 1};
        rows[0].id = history->trackers[i].node;
        if (mcpz_layout_find_node(exchange, &one, text, node) == MCPZ_OK &&
            mcpz_id_equal(node, &rows[0].id)) {
            return MCPZ_OK;
        }
    }
    return MCPZ_ENOTFOUND;
}

static void skip(struct mcpz_exchange *exchange, const json_t *text)
{
    struct mcpz_event event = {.kind = MCPZ_EVENT_LAYOUT_SKIP};
    const struct mcpz_bytes name =
        json_is_string(text) ? mcpz_exchange_text_of(text) : mcpz_text("");

    if (!json_is_string(text) || find_tracked(exchange, name, &event.layout.node) != MCPZ_OK) {
        mcpz_exchange_fail(exchange, MCPZ_CODE_NOT_FOUND,
                           "\"%.*s\" is no node of a layout that is live: `mcpz layout show`",
                           (int)(name.length < 64 ? name.length : 64), (const char *)name.data);
        return;
    }
    if (is_alive(exchange, &event.layout.node)) {
        mcpz_exchange_fail(exchange, MCPZ_CODE_CONFLICT,
                           "this node is there: it is waited for, or what only it has is lost");
        return;
    }
    event.layout.request = mcpz_exchange_await_reply(
        exchange, 200,
        json_pack("{s:o}", "skipped", mcpz_exchange_show_id(&event.layout.node, 'n')));
    if (event.layout.request != 0) {
        mcpz_engine_event(mcpz_exchange_engine(exchange), &event);
    }
}

void mcpz_api_skip_layout(struct mcpz_exchange *exchange, const struct mcpz_request *request)
{
    static const char *const allowed[] = {"node", NULL};
    json_t *object = mcpz_exchange_object(exchange, allowed);

    (void)request;
    if (object != NULL) {
        skip(exchange, json_object_get(object, "node"));
        json_decref(object);
    }
}
