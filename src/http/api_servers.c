/*
 * The MCP servers that this node hosts (mcp/host.h).
 *
 *   GET    /v1/mcp/servers         all of them
 *   POST   /v1/mcp/servers         host one: {"name": "files", "command": "npx", "args": [...],
 * ...} GET    /v1/mcp/servers/NAME    one, with its description: tools and so on DELETE
 * /v1/mcp/servers/NAME    no longer
 *
 * Changes take effect at once and last; what the configuration file says stays its own.
 */

#include <stdlib.h>
#include <string.h>

#include "host/config.h"
#include "http/exchange.h"
#include "mcp/host.h"

#define SERVERS_PREFIX "/v1/mcp/servers/"

/* NULL: answered, there are none here. */
static const struct mcpz_mcp_hosting_port *port_of(struct mcpz_exchange *exchange)
{
    const struct mcpz_mcp_hosting_port *port = exchange->api->ports.hosting;

    if (port == NULL) {
        mcpz_exchange_fail(exchange, MCPZ_CODE_NOT_FOUND, "this node hosts no MCP servers");
    }
    return port;
}

/* How a server is run; secrets are not shown. */
static json_t *show_config(const struct mcpz_mcp_server *server)
{
    char *text = mcpz_mcp_server_show(server, false);
    json_t *json = text != NULL ? json_loads(text, 0, NULL) : NULL;

    free(text);
    return json;
}

static json_t *show(const struct mcpz_mcp_host_view *view)
{
    json_t *json =
        json_pack("{s:s, s:s, s:s, s:I, s:I, s:I}", "name", view->server->service.name, "state",
                  view->state, "era", view->era, "processes", (json_int_t)view->processes, "calls",
                  (json_int_t)view->calls, "failures", (json_int_t)view->failures);

    (void)json_object_set_new(json, "hash", mcpz_exchange_show_text_or_null(view->hash));
    (void)json_object_set_new(json, "trouble",
                              view->trouble[0] != '\0'
                                  ? mcpz_exchange_show_text(mcpz_text(view->trouble))
                                  : json_null());
    (void)json_object_set_new(json, "config", show_config(view->server));
    return json;
}

static void visit_row(void *context, const struct mcpz_mcp_host_view *view)
{
    (void)json_array_append_new(context, show(view));
}

void mcpz_api_get_servers(struct mcpz_exchange *exchange, const struct mcpz_request *request)
{
    const struct mcpz_mcp_hosting_port *port = port_of(exchange);
    json_t *json = NULL;

    (void)request;
    if (port != NULL) {
        json = json_array();
        port->walk(port->context, visit_row, json);
        mcpz_exchange_answer(exchange, 200, json);
    }
}

/* The one that is looked for. */
struct search {
    struct mcpz_bytes name;
    json_t *json; /* NULL: not found */
    bool whole;   /* with its description */
};

static void look_at(void *context, const struct mcpz_mcp_host_view *view)
{
    struct search *search = context;

    if (!mcpz_bytes_equal(mcpz_text(view->server->service.name), search->name)) {
        return;
    }
    search->json = show(view);
    if (search->whole) {
        json_t *description = view->description.length > 0
                                  ? json_loadb((const char *)view->description.data,
                                               view->description.length, 0, NULL)
                                  : NULL;
        (void)json_object_set_new(search->json, "description",
                                  description != NULL ? description : json_null());
    }
}

void mcpz_api_get_server(struct mcpz_exchange *exchange, const struct mcpz_request *request)
{
    const struct mcpz_mcp_hosting_port *port = port_of(exchange);
    struct search search = {.name = mcpz_exchange_path_rest(request->path, SERVERS_PREFIX),
                            .whole = true};

    if (port == NULL) {
        return;
    }
    port->walk(port->context, look_at, &search);
    if (search.json != NULL) {
        mcpz_exchange_answer(exchange, 200, search.json);
    } else {
        mcpz_exchange_fail(exchange, MCPZ_CODE_NOT_FOUND, "no server of that name is hosted here");
    }
}

static void fail(struct mcpz_exchange *exchange, mcpz_error error, const char *name,
                 const struct mcpz_config_trouble *trouble)
{
    if (error == MCPZ_ECONFIG) {
        mcpz_exchange_fail(exchange, MCPZ_CODE_BAD_REQUEST, "%s", trouble->text);
    } else if (error == MCPZ_ECONFLICT) {
        mcpz_exchange_fail(exchange, MCPZ_CODE_CONFLICT,
                           "%s is a server of the configuration file: change it there", name);
    } else if (error == MCPZ_ENOTFOUND) {
        mcpz_exchange_fail(exchange, MCPZ_CODE_NOT_FOUND, "no server %s was added here", name);
    } else if (error == MCPZ_EFULL) {
        mcpz_exchange_fail(exchange, MCPZ_CODE_LIMIT, "one node hosts at most %d servers",
                           MCPZ_MCP_SERVERS_MAX);
    } else {
        mcpz_exchange_fail_error(exchange, error, "the change could not be kept");
    }
}

void mcpz_api_post_servers(struct mcpz_exchange *exchange, const struct mcpz_request *request)
{
    const struct mcpz_mcp_hosting_port *port = port_of(exchange);
    struct mcpz_config_trouble trouble = {.text = ""};
    struct search search = {.json = NULL};

    (void)request;
    /* The reader knows which keys there are, and tells the nearest of them. */
    json_t *object = port != NULL ? mcpz_exchange_object(exchange, NULL) : NULL;
    if (object == NULL) {
        return;
    }
    json_t *name = json_incref(json_object_get(object, "name"));
    (void)json_object_del(object, "name");
    char *document = json_dumps(object, JSON_COMPACT);
    json_decref(object);
    const char *text = json_string_value(name);
    if (text == NULL) {
        mcpz_exchange_fail(exchange, MCPZ_CODE_BAD_REQUEST, "\"name\" must be a text");
    } else {
        mcpz_error error = document != NULL
                               ? port->add(port->context, text, mcpz_text(document), &trouble)
                               : MCPZ_ENOMEM;
        if (error == MCPZ_OK) {
            search.name = mcpz_text(text);
            port->walk(port->context, look_at, &search);
            mcpz_exchange_answer(exchange, 201, search.json);
        } else {
            fail(exchange, error, text, &trouble);
        }
    }
    free(document);
    json_decref(name);
}

void mcpz_api_delete_server(struct mcpz_exchange *exchange, const struct mcpz_request *request)
{
    const struct mcpz_mcp_hosting_port *port = port_of(exchange);
    const struct mcpz_bytes name = mcpz_exchange_path_rest(request->path, SERVERS_PREFIX);
    const struct mcpz_config_trouble none = {.text = ""};
    char text[MCPZ_MCP_NAME_BYTES_MAX + 1];

    if (port == NULL) {
        return;
    }
    mcpz_bytes_to_text(name, text, sizeof(text));
    mcpz_error error = port->remove(port->context, name);
    if (error == MCPZ_OK) {
        mcpz_name_book_release(mcpz_exchange_engine(exchange), name);
        mcpz_exchange_answer(exchange, 200, json_pack("{s:s}", "removed", text));
    } else {
        fail(exchange, error, text, &none);
    }
}
