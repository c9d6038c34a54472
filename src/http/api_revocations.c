/* /v1/revocations: nodes that are gone for good (engine/revocations.h). */

#include <stdio.h>

#include "http/exchange.h"
#include "http/fellows.h"
#include "http/layout_view.h"
#include "http/node_search.h"

/* ---- Showing ------------------------------------------------------------------------------ */

static json_t *show(const struct mcpz_revocation *revocation)
{
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "node",
                     mcpz_exchange_show_id(&revocation->node, 'n'), "name",
                     mcpz_exchange_show_text(revocation->name), "by",
                     mcpz_exchange_show_id(&revocation->by, 'n'), "by_name",
                     mcpz_exchange_show_text(revocation->by_name), "at",
                     mcpz_exchange_show_time(revocation->at_ms), "reason",
                     mcpz_exchange_show_text(revocation->reason));
}

void mcpz_api_get_revocations(struct mcpz_exchange *exchange, const struct mcpz_request *request)
{
    const struct mcpz_engine *engine = mcpz_exchange_engine(exchange);
    json_t *json = json_array();

    (void)request;
    for (size_t i = 0; i < mcpz_engine_revoked_count(engine); i++) {
        (void)json_array_append_new(json, show(mcpz_engine_revoked_at(engine, i)));
    }
    mcpz_exchange_answer(exchange, 200, json);
}

/* ---- Which node --------------------------------------------------------------------------- */

/* Members, those that were met and are away, and those that keep something by a layout. */
static void offer_all(struct mcpz_exchange *exchange, struct mcpz_node_search *search)
{
    struct mcpz_engine *engine = mcpz_exchange_engine(exchange);
    const struct mcpz_node *node = mcpz_engine_node(engine);
    const struct mcpz_store *store = mcpz_engine_store(engine);
    const struct mcpz_roster *roster = &node->fabric.members.roster;
    const struct mcpz_layout_history *history = &node->layouts.history;
    struct mcpz_record met = {.kind = MCPZ_RECORD_PEER};

    for (size_t i = 0; i < roster->count; i++) {
        mcpz_node_search_offer(search, &roster->rows[i].id,
                               mcpz_roster_name(roster, &roster->rows[i]));
    }
    for (size_t i = 0; i < MCPZ_MEMBERS_MAX; i++) {
        if (store->next(store->context, MCPZ_SCAN_KIND, i == 0, &met) != MCPZ_OK) {
            break;
        }
        mcpz_node_search_offer(search, &met.peer.id, met.peer.name);
    }
    for (size_t i = 0; i < history->tracker_count; i++) {
        mcpz_node_search_offer(search, &history->trackers[i].node, mcpz_bytes(NULL, 0));
    }
    for (size_t i = 0; i < mcpz_engine_revoked_count(engine); i++) {
        const struct mcpz_revocation *one = mcpz_engine_revoked_at(engine, i);
        mcpz_node_search_offer(search, &one->node, one->name);
    }
}

/* False: the exchange has been answered with what is wrong. */
static bool find(struct mcpz_exchange *exchange, struct mcpz_bytes text, struct mcpz_id *node)
{
    struct mcpz_node_search search;

    mcpz_node_search_init(&search, text);
    offer_all(exchange, &search);
    const mcpz_error error = mcpz_node_search_end(&search, node);
    if (error == MCPZ_ECONFLICT) {
        mcpz_exchange_fail(
            exchange, MCPZ_CODE_CONFLICT,
            "several nodes are called %s, or have an id that begins so: say more of "
            "the id, see `mcpz peers`",
            search.typed);
    } else if (error != MCPZ_OK) {
        mcpz_exchange_fail(
            exchange, MCPZ_CODE_NOT_FOUND,
            "no node that was met here is called %s, or has an id that begins so%s%s",
            search.typed, search.near[0] != '\0' ? ": did you mean " : "", search.near);
    }
    return error == MCPZ_OK;
}

/* ---- Revoking ----------------------------------------------------------------------------- */

/* Who could. */
static void fail_elsewhere(struct mcpz_exchange *exchange)
{
    const struct mcpz_node *node = mcpz_engine_node(mcpz_exchange_engine(exchange));
    const struct mcpz_registry *registry = &node->registry;
    const struct mcpz_offer *offer =
        mcpz_registry_find(registry, mcpz_text(MCPZ_FELLOW_LAYOUTS), 0);
    char holder[MCPZ_ID_TEXT_BYTES] = "";

    if (offer != NULL) {
        mcpz_id_to_text(&registry->offerers[offer->offerer].id, 'n', holder);
    }
    mcpz_exchange_fail(exchange, MCPZ_CODE_DENIED,
                       "the mesh's key is not here: only the node that holds it may revoke%s%s",
                       holder[0] != '\0' ? ", which is " : "", holder);
}

static void fail(struct mcpz_exchange *exchange, const struct mcpz_id *node, mcpz_error error)
{
    const struct mcpz_revocation *known =
        mcpz_engine_revoked(mcpz_exchange_engine(exchange), node);
    char when[MCPZ_ISO_TIME_CHARS];

    if (error == MCPZ_EUSED && known != NULL) {
        mcpz_exchange_write_time(known->at_ms, when);
        mcpz_exchange_fail(exchange, MCPZ_CODE_CONFLICT, "it was revoked already, at %s", when);
    } else if (error == MCPZ_EAUTH) {
        fail_elsewhere(exchange);
    } else if (error == MCPZ_ECONFLICT) {
        mcpz_exchange_fail(exchange, MCPZ_CODE_CONFLICT,
                           "this is that node: nobody revokes itself, `mcpz leave` says goodbye");
    } else if (error == MCPZ_EFULL) {
        mcpz_exchange_fail(exchange, MCPZ_CODE_LIMIT,
                           "%d nodes are revoked, and no mesh remembers more",
                           MCPZ_REVOCATIONS_MAX);
    } else {
        mcpz_exchange_fail_error(exchange, error, "revoking the node");
    }
}

/* Does the newest layout count on it? It goes on to: layouts are changed by people. */
static bool is_in_layout(struct mcpz_exchange *exchange, const struct mcpz_id *node)
{
    const struct mcpz_live_layout *newest = mcpz_layout_newest(exchange);

    for (size_t i = 0; newest != NULL && i < newest->placement.node_count; i++) {
        if (mcpz_id_equal(&newest->placement.nodes[i].id, node)) {
            return true;
        }
    }
    return false;
}

static void revoke(struct mcpz_exchange *exchange, const struct mcpz_id *node,
                   struct mcpz_bytes reason)
{
    struct mcpz_engine *engine = mcpz_exchange_engine(exchange);
    json_t *json = json_object();
    const uint64_t request = mcpz_exchange_await_reply(exchange, 201, json);

    if (request == 0) {
        return;
    }
    const mcpz_error error = mcpz_engine_revoke(engine, request, node, reason);
    if (error != MCPZ_OK) {
        fail(exchange, node, error);
        return;
    }
    json_t *shown = show(mcpz_engine_revoked(engine, node));
    (void)json_object_set_new(shown, "in_layout", json_boolean(is_in_layout(exchange, node)));
    if (json_object_update(json, shown) != 0) {
        mcpz_exchange_fail_error(exchange, MCPZ_ENOMEM, "showing the revocation");
    }
    json_decref(shown);
}

/* A text that is shown to people at other nodes: no line, and nothing a terminal obeys. */
static bool is_reason(const json_t *reason)
{
    const struct mcpz_bytes text = mcpz_exchange_text_of(reason);

    for (size_t i = 0; i < text.length; i++) {
        if (text.data[i] < ' ' || text.data[i] == 0x7f) {
            return false;
        }
    }
    return text.length <= MCPZ_REVOCATION_REASON_BYTES_MAX;
}

void mcpz_api_post_revocations(struct mcpz_exchange *exchange, const struct mcpz_request *request)
{
    static const char *const allowed[] = {"node", "reason", NULL};
    json_t *object = mcpz_exchange_object(exchange, allowed);
    struct mcpz_id node;

    (void)request;
    if (object == NULL) {
        return;
    }
    const json_t *named = json_object_get(object, "node");
    const json_t *reason = json_object_get(object, "reason");
    if (!json_is_string(named)) {
        mcpz_exchange_fail(exchange, MCPZ_CODE_BAD_REQUEST,
                           "\"node\" must be given: a name, an id, or how that begins");
    } else if (reason != NULL && (!json_is_string(reason) || !is_reason(reason))) {
        mcpz_exchange_fail(exchange, MCPZ_CODE_BAD_REQUEST,
                           "\"reason\" must be a string of one line, of at most %d bytes",
                           MCPZ_REVOCATION_REASON_BYTES_MAX);
    } else if (find(exchange, mcpz_exchange_text_of(named), &node)) {
        revoke(exchange, &node,
               reason != NULL ? mcpz_exchange_text_of(reason) : mcpz_bytes(NULL, 0));
    }
    json_decref(object);
}
