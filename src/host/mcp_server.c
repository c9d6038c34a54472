#include "host/mcp_server.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <yaml.h>

#include "host/config.h"
#include "host/config_keys.h"
#include "host/nearest.h"

/* ---- Reading ------------------------------------------------------------------------------ */

struct reading {
    yaml_document_t document;
    const char *path;   /* NULL: it came from a program, not from a file */
    const char *server; /* its name; "": not within one */
    const char *fenced; /* a key that was given and needs isolation; NULL: none */
    const char *local;  /* one that only says how a command is run; NULL: none */
    const char *remote; /* one that only says how to reach a URL; NULL: none */
    struct mcpz_config_trouble *trouble;
};

static mcpz_error refuse(const struct reading *reading, const yaml_node_t *node, const char *key,
                         const char *format, ...) MCPZ_PRINTF(4, 5);

static mcpz_error refuse(const struct reading *reading, const yaml_node_t *node, const char *key,
                         const char *format, ...)
{
    const bool inside = reading->server[0] != '\0';
    char message[512];
    char place[768];
    char name[MCPZ_SHOWN_BYTES];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    (void)mcpz_config_shown(reading->server, name);
    if (reading->path == NULL) {
        (void)snprintf(place, sizeof(place), "%s%s%s", name, key[0] != '\0' ? "." : "", key);
    } else {
        (void)snprintf(place, sizeof(place), "%.512s:%zu: mcp%s%s%s%s", reading->path,
                       node->start_mark.line + 1, inside ? ".servers." : "", name,
                       key[0] != '\0' ? "." : "", key);
    }
    return mcpz_config_refuse(reading->trouble, place, "%s", message);
}

static yaml_node_t *node_at(struct reading *reading, int index)
{
    return yaml_document_get_node(&reading->document, index);
}

/* The text of a scalar; NULL: it is none, or holds a NUL. */
static const char *text_of(const yaml_node_t *node)
{
    if (node->type != YAML_SCALAR_NODE) {
        return NULL;
    }
    const char *text = (const char *)node->data.scalar.value;
    return strlen(text) == node->data.scalar.length ? text : NULL;
}

static mcpz_error expect_text(const struct reading *reading, const yaml_node_t *node,
                              const char *key, const char **text)
{
    *text = text_of(node);
    if (*text == NULL) {
        return refuse(reading, node, key, "must be a text");
    }
    if (strlen(*text) > MCPZ_MCP_TEXT_BYTES_MAX || !mcpz_bytes_is_utf8(mcpz_text(*text))) {
        return refuse(reading, node, key, "must be UTF-8 of at most %d bytes",
                      MCPZ_MCP_TEXT_BYTES_MAX);
    }
    return MCPZ_OK;
}

static mcpz_error keep(const char *text, char **kept)
{
    free(*kept);
    *kept = strdup(text);
    return *kept != NULL ? MCPZ_OK : MCPZ_ENOMEM;
}

static mcpz_error put_text(struct reading *reading, const yaml_node_t *node, const char *key,
                           char **kept)
{
    const char *text;
    mcpz_error error = expect_text(reading, node, key, &text);

    return error == MCPZ_OK ? keep(text, kept) : error;
}

static mcpz_error put_arguments(struct reading *reading, const yaml_node_t *node,
                                struct mcpz_mcp_server *server)
{
    mcpz_error error = MCPZ_OK;

    if (node->type != YAML_SEQUENCE_NODE) {
        return refuse(reading, node, "args", "must be a list, e.g. [-y, name]");
    }
    for (const yaml_node_item_t *item = node->data.sequence.items.start;
         item < node->data.sequence.items.top && error == MCPZ_OK; item++) {
        if (server->argument_count == MCPZ_MCP_ARGUMENTS_MAX) {
            return refuse(reading, node, "args", "more than %d", MCPZ_MCP_ARGUMENTS_MAX);
        }
        error = put_text(reading, node_at(reading, *item), "args",
                         &server->arguments[server->argument_count]);
        server->argument_count += error == MCPZ_OK;
    }
    return error;
}

static bool is_variable_name(const char *text)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_";

    return *text != '\0' && strchr(letters, *text) != NULL &&
           text[strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_"
                             "0123456789")] == '\0';
}

static mcpz_error put_variable(struct reading *reading, const yaml_node_pair_t *pair,
                               struct mcpz_mcp_server *server)
{
    const yaml_node_t *key = node_at(reading, pair->key);
    const char *name = text_of(key);
    const char *value;
    mcpz_error error = expect_text(reading, node_at(reading, pair->value), "env", &value);

    if (error != MCPZ_OK) {
        return error;
    }
    if (name == NULL || !is_variable_name(name) || strlen(name) > MCPZ_MCP_TEXT_BYTES_MAX) {
        return refuse(reading, key, "env", "a variable's name has letters, digits and _ only");
    }
    for (size_t i = 0; i < server->variable_count; i++) {
        if (strncmp(server->variables[i], name, strlen(name)) == 0 &&
            server->variables[i][strlen(name)] == '=') {
            return refuse(reading, key, "env", "%.64s is given twice", name);
        }
    }
    if (server->variable_count == MCPZ_MCP_VARIABLES_MAX) {
        return refuse(reading, key, "env", "more than %d", MCPZ_MCP_VARIABLES_MAX);
    }
    if (asprintf(&server->variables[server->variable_count], "%s=%s", name, value) < 0) {
        return MCPZ_ENOMEM;
    }
    server->variable_count++;
    return MCPZ_OK;
}

static mcpz_error put_variables(struct reading *reading, const yaml_node_t *node,
                                struct mcpz_mcp_server *server)
{
    mcpz_error error = MCPZ_OK;

    if (node->type != YAML_MAPPING_NODE) {
        return refuse(reading, node, "env", "must be a mapping, e.g. {NAME: value}");
    }
    for (const yaml_node_pair_t *pair = node->data.mapping.pairs.start;
         pair < node->data.mapping.pairs.top && error == MCPZ_OK; pair++) {
        error = put_variable(reading, pair, server);
    }
    return error;
}

static mcpz_error put_header(struct reading *reading, const yaml_node_pair_t *pair,
                             struct mcpz_mcp_server *server)
{
    const yaml_node_t *key = node_at(reading, pair->key);
    const char *name = text_of(key);
    const char *value;
    char shown[MCPZ_SHOWN_BYTES];
    mcpz_error error = expect_text(reading, node_at(reading, pair->value), "headers", &value);

    if (error != MCPZ_OK) {
        return error;
    }
    const char *fault = mcpz_mcp_header_fault(name != NULL ? name : "", value);
    (void)mcpz_config_shown(name != NULL ? name : "", shown);
    if (fault != NULL) {
        return refuse(reading, key, "headers", "\"%s\" %s", shown, fault);
    }
    for (size_t i = 0; i < server->header_count; i++) {
        if (strncasecmp(server->headers[i], name, strlen(name)) == 0 &&
            server->headers[i][strlen(name)] == ':') {
            return refuse(reading, key, "headers", "%s is given twice", shown);
        }
    }
    if (server->header_count == MCPZ_MCP_HEADERS_MAX) {
        return refuse(reading, key, "headers", "more than %d", MCPZ_MCP_HEADERS_MAX);
    }
    if (asprintf(&server->headers[server->header_count], "%s: %s", name, value) < 0) {
        return MCPZ_ENOMEM;
    }
    server->header_count++;
    return MCPZ_OK;
}

static mcpz_error put_headers(struct reading *reading, const yaml_node_t *node,
                              struct mcpz_mcp_server *server)
{
    mcpz_error error = MCPZ_OK;

    if (node->type != YAML_MAPPING_NODE) {
        return refuse(reading, node, "headers", "must be a mapping, e.g. {Name: value}");
    }
    for (const yaml_node_pair_t *pair = node->data.mapping.pairs.start;
         pair < node->data.mapping.pairs.top && error == MCPZ_OK; pair++) {
        error = put_header(reading, pair, server);
    }
    return error;
}

static mcpz_error put_url(struct reading *reading, const yaml_node_t *node,
                          struct mcpz_mcp_server *server)
{
    mcpz_error error = put_text(reading, node, "url", &server->url);
    const char *fault = error == MCPZ_OK ? mcpz_mcp_url_fault(server->url) : NULL;

    return fault != NULL ? refuse(reading, node, "url", "%s", fault) : error;
}

/* An absolute path. */
static mcpz_error put_path(struct reading *reading, const yaml_node_t *node, const char *key,
                           char **path)
{
    mcpz_error error = put_text(reading, node, key, path);

    return error == MCPZ_OK && (*path)[0] != '/'
               ? refuse(reading, node, key, "must be an absolute path")
               : error;
}

static mcpz_error put_truth(struct reading *reading, const yaml_node_t *node, const char *key,
                            bool *truth)
{
    const char *text = text_of(node);

    if (text == NULL || (strcmp(text, "true") != 0 && strcmp(text, "false") != 0)) {
        return refuse(reading, node, key, "must be true or false");
    }
    *truth = strcmp(text, "true") == 0;
    return MCPZ_OK;
}

/* A number, with a unit perhaps: "s", "m" or "h". */
static mcpz_error put_number(struct reading *reading, const yaml_node_t *node, const char *key,
                             uint32_t most, uint32_t *number)
{
    const bool is_time = strcmp(key, "idle") == 0;
    const char *text = text_of(node);
    char *rest = NULL;
    unsigned long value = text != NULL && *text >= '0' && *text <= '9' && strlen(text) < 9
                              ? strtoul(text, &rest, 10)
                              : 0;

    if (rest != NULL && is_time && (strcmp(rest, "m") == 0 || strcmp(rest, "h") == 0)) {
        value *= *rest == 'm' ? 60 : 3600;
        rest++;
    } else if (rest != NULL && is_time && strcmp(rest, "s") == 0) {
        rest++;
    }
    if (rest == NULL || *rest != '\0' || value == 0 || value > most) {
        return refuse(reading, node, key, "must be %s from 1 to %" PRIu32 "%s",
                      is_time ? "a time" : "a number", most,
                      is_time ? " seconds, e.g. 90s, 5m or 1h" : "");
    }
    *number = (uint32_t)value;
    return MCPZ_OK;
}

static mcpz_error put_said(struct reading *reading, const yaml_node_t *node, const char *shown,
                           enum mcpz_service_key key, struct mcpz_mcp_server *server)
{
    char why[512];
    const char *text;
    mcpz_error error = expect_text(reading, node, shown, &text);

    if (error == MCPZ_OK) {
        error = mcpz_service_put(&server->service, key, text, why, sizeof(why));
    }
    return error == MCPZ_ECONFIG && reading->trouble->text[0] == '\0'
               ? refuse(reading, node, shown, "%s", why)
               : error;
}

static mcpz_error put_paths(struct reading *reading, const yaml_node_t *node, const char *shown,
                            enum mcpz_service_key key, struct mcpz_mcp_server *server)
{
    mcpz_error error = MCPZ_OK;

    if (node->type != YAML_SEQUENCE_NODE) {
        return refuse(reading, node, shown, "must be a list of paths");
    }
    for (const yaml_node_item_t *item = node->data.sequence.items.start;
         item < node->data.sequence.items.top && error == MCPZ_OK; item++) {
        error = put_said(reading, node_at(reading, *item), shown, key, server);
    }
    return error;
}

struct key_row {
    const char *name;
    int key; /* enum mcpz_service_key; -1: ours */
};

static const struct key_row limit_rows[] = {
    {"cpu", MCPZ_SERVICE_CPU},
    {"memory", MCPZ_SERVICE_MEMORY},
    {"disk", MCPZ_SERVICE_DISK},
    {"files", MCPZ_SERVICE_FILES},
    {"processes", MCPZ_SERVICE_PROCESSES},
};

static const struct key_row server_rows[] = {
    {"command", -1},
    {"args", -1},
    {"env", -1},
    {"cwd", -1},
    {"url", -1},
    {"headers", -1},
    {"ca", -1},
    {"isolation", MCPZ_SERVICE_ISOLATION},
    {"network", MCPZ_SERVICE_NETWORK},
    {"sockets", MCPZ_SERVICE_SOCKETS},
    {"read", MCPZ_SERVICE_READ},
    {"write", MCPZ_SERVICE_WRITE},
    {"stateless", -1},
    {"shared", -1},
    {"replicas", -1},
    {"idle", -1},
    {"limits", -1},
};

static const struct key_row *row_called(const struct key_row *rows, size_t count, const char *key)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(rows[i].name, key) == 0) {
            return &rows[i];
        }
    }
    return NULL;
}

static mcpz_error refuse_key(struct reading *reading, const yaml_node_t *node, const char *within,
                             const struct key_row *rows, size_t count)
{
    const char *key = text_of(node);
    char shown[MCPZ_SHOWN_BYTES];
    struct mcpz_nearest nearest;

    if (key == NULL) {
        return refuse(reading, node, within, "a key must be a word");
    }
    mcpz_nearest_init(&nearest, key);
    for (size_t i = 0; i < count; i++) {
        mcpz_nearest_offer(&nearest, rows[i].name);
    }
    (void)mcpz_config_shown(key, shown);
    return nearest.word != NULL
               ? refuse(reading, node, within, "unknown key \"%s\": did you mean \"%s\"?", shown,
                        nearest.word)
               : refuse(reading, node, within, "unknown key \"%s\"", shown);
}

/* Takes one value in. */
typedef mcpz_error (*put_row)(struct reading *reading, const struct key_row *row,
                              const yaml_node_t *node, struct mcpz_mcp_server *server);

/* All pairs of a mapping whose keys stand in `rows`, each once. */
static mcpz_error put_mapping(struct reading *reading, const yaml_node_t *node,
                              const struct key_row *rows, size_t count, put_row put,
                              struct mcpz_mcp_server *server)
{
    mcpz_error error = MCPZ_OK;
    uint32_t seen = 0;

    assert(count <= 32);
    if (node->type != YAML_MAPPING_NODE) {
        return refuse(reading, node, "", "must be a mapping (key: value)");
    }
    for (const yaml_node_pair_t *pair = node->data.mapping.pairs.start;
         pair < node->data.mapping.pairs.top && error == MCPZ_OK; pair++) {
        const yaml_node_t *key = node_at(reading, pair->key);
        const char *name = text_of(key);
        const struct key_row *row = name != NULL ? row_called(rows, count, name) : NULL;
        if (row == NULL) {
            return refuse_key(reading, key, "", rows, count);
        }
        const uint32_t bit = UINT32_C(1) << (row - rows);
        if ((seen & bit) != 0) {
            return refuse(reading, key, row->name, "is given twice");
        }
        seen |= bit;
        error = put(reading, row, node_at(reading, pair->value), server);
    }
    return error;
}

static mcpz_error put_limit(struct reading *reading, const struct key_row *row,
                            const yaml_node_t *node, struct mcpz_mcp_server *server)
{
    return put_said(reading, node, row->name, (enum mcpz_service_key)row->key, server);
}

static mcpz_error put_ours(struct reading *reading, const char *key, const yaml_node_t *node,
                           struct mcpz_mcp_server *server)
{
    if (strcmp(key, "command") == 0) {
        return put_text(reading, node, key, &server->command);
    }
    if (strcmp(key, "args") == 0) {
        return put_arguments(reading, node, server);
    }
    if (strcmp(key, "env") == 0) {
        return put_variables(reading, node, server);
    }
    if (strcmp(key, "cwd") == 0) {
        return put_path(reading, node, key, &server->cwd);
    }
    if (strcmp(key, "url") == 0) {
        return put_url(reading, node, server);
    }
    if (strcmp(key, "headers") == 0) {
        return put_headers(reading, node, server);
    }
    if (strcmp(key, "ca") == 0) {
        return put_path(reading, node, key, &server->ca);
    }
    if (strcmp(key, "stateless") == 0) {
        return put_truth(reading, node, key, &server->stateless);
    }
    if (strcmp(key, "shared") == 0) {
        return put_truth(reading, node, key, &server->shared);
    }
    if (strcmp(key, "replicas") == 0) {
        return put_number(reading, node, key, MCPZ_MCP_REPLICAS_MAX, &server->replicas);
    }
    if (strcmp(key, "idle") == 0) {
        return put_number(reading, node, key, MCPZ_MCP_IDLE_SECONDS_MAX, &server->idle_seconds);
    }
    reading->fenced = key;
    return put_mapping(reading, node, limit_rows, MCPZ_ARRAY_LEN(limit_rows), put_limit, server);
}

/* Does the key say how a command is run, or how a URL is reached? Else it is said of both. */
static void note_kind(struct reading *reading, const struct key_row *row)
{
    static const char *const local[] = {"command", "args", "env", "cwd", "limits"};

    for (size_t i = 0; i < MCPZ_ARRAY_LEN(local); i++) {
        if (row->key >= 0 || strcmp(row->name, local[i]) == 0) {
            reading->local = row->name;
        }
    }
    if (strcmp(row->name, "headers") == 0 || strcmp(row->name, "ca") == 0) {
        reading->remote = row->name;
    }
}

static mcpz_error put_value(struct reading *reading, const struct key_row *row,
                            const yaml_node_t *node, struct mcpz_mcp_server *server)
{
    note_kind(reading, row);
    if (row->key >= 0 && row->key != MCPZ_SERVICE_ISOLATION) {
        reading->fenced = row->name;
    }
    if (row->key < 0) {
        return put_ours(reading, row->name, node, server);
    }
    if (row->key == MCPZ_SERVICE_READ || row->key == MCPZ_SERVICE_WRITE) {
        return put_paths(reading, node, row->name, (enum mcpz_service_key)row->key, server);
    }
    return put_said(reading, node, row->name, (enum mcpz_service_key)row->key, server);
}

/* 'It''s' as one word for the shell. */
static void quote(FILE *out, const char *text)
{
    (void)fputc('\'', out);
    for (; *text != '\0'; text++) {
        (void)fputs(*text == '\'' ? "'\\''" : (char[2]){*text, '\0'}, out);
    }
    (void)fputc('\'', out);
}

/* The command as the shell takes it. */
static char *write_command(const struct mcpz_mcp_server *server)
{
    char *text = NULL;
    size_t length;
    FILE *out = open_memstream(&text, &length);

    if (out == NULL) {
        return NULL;
    }
    if (server->cwd != NULL) {
        (void)fputs("cd ", out);
        quote(out, server->cwd);
        (void)fputs(" && ", out);
    }
    (void)fputs("exec ", out);
    quote(out, server->command);
    for (size_t i = 0; i < server->argument_count; i++) {
        (void)fputc(' ', out);
        quote(out, server->arguments[i]);
    }
    if (fclose(out) != 0) {
        free(text);
        return NULL;
    }
    return text;
}

static mcpz_error settle(struct reading *reading, const yaml_node_t *node, const char *name,
                         struct mcpz_mcp_server *server)
{
    if (server->url != NULL && reading->local != NULL) {
        return refuse(reading, node, reading->local, "has no effect on a server with a url");
    }
    if (server->url == NULL && reading->remote != NULL) {
        return refuse(reading, node, reading->remote,
                      "has no effect on a command: it needs a url");
    }
    if (server->url == NULL && (server->command == NULL || server->command[0] == '\0')) {
        return refuse(reading, node, "",
                      "has no command, and no url: say which program it is, or where");
    }
    if (reading->fenced != NULL && server->service.isolation == MCPZ_ISOLATION_NONE) {
        return refuse(reading, node, reading->fenced,
                      "has no effect without isolation: degraded, or strict");
    }
    if (server->stateless && server->shared) {
        return refuse(reading, node, "shared", "goes without saying of a stateless server");
    }
    mcpz_error error = keep(name, &server->service.name);
    free(server->service.command);
    server->service.command = NULL;
    if (error == MCPZ_OK) {
        server->service.command =
            server->url != NULL ? strdup(server->url) : write_command(server);
    }
    if (error == MCPZ_OK && server->service.command == NULL) {
        error = MCPZ_ENOMEM;
    }
    if (error == MCPZ_OK && strlen(server->service.command) > MCPZ_MCP_TEXT_BYTES_MAX * 4) {
        return refuse(reading, node, "args", "are longer than %d bytes together",
                      MCPZ_MCP_TEXT_BYTES_MAX * 4);
    }
    return error;
}

/* `server` is zeroed; on error it is finished. */
static mcpz_error read_server(struct reading *reading, const yaml_node_t *node, const char *name,
                              struct mcpz_mcp_server *server)
{
    reading->server = name;
    reading->fenced = NULL;
    reading->local = NULL;
    reading->remote = NULL;
    mcpz_service_init(&server->service);
    server->service.isolation = MCPZ_ISOLATION_NONE;
    server->replicas = MCPZ_MCP_REPLICAS_DEFAULT;
    server->idle_seconds = MCPZ_MCP_IDLE_SECONDS_DEFAULT;
    mcpz_error error = mcpz_mcp_name_is_good(mcpz_text(name))
                           ? put_mapping(reading, node, server_rows, MCPZ_ARRAY_LEN(server_rows),
                                         put_value, server)
                           : refuse(reading, node, "",
                                    "a server's name has 1 to %d letters, digits, or _ . - only",
                                    MCPZ_MCP_NAME_BYTES_MAX);
    if (error == MCPZ_OK) {
        error = settle(reading, node, name, server);
    }
    if (error != MCPZ_OK) {
        mcpz_mcp_server_finish(server);
    }
    reading->server = "";
    return error;
}

static mcpz_error read_servers(struct reading *reading, const yaml_node_t *node,
                               struct mcpz_mcp_servers *servers)
{
    if (node->type != YAML_MAPPING_NODE) {
        return refuse(reading, node, "servers", "must be a mapping (NAME: {command: ...})");
    }
    for (const yaml_node_pair_t *pair = node->data.mapping.pairs.start;
         pair < node->data.mapping.pairs.top; pair++) {
        const char *name = text_of(node_at(reading, pair->key));
        if (name == NULL) {
            return refuse(reading, node_at(reading, pair->key), "servers", "a name is a word");
        }
        if (mcpz_mcp_servers_find(servers, mcpz_text(name)) != NULL) {
            return refuse(reading, node_at(reading, pair->key), "servers",
                          "\"%.64s\" is given twice", name);
        }
        if (servers->count == MCPZ_MCP_SERVERS_MAX) {
            return refuse(reading, node_at(reading, pair->key), "servers", "more than %d",
                          MCPZ_MCP_SERVERS_MAX);
        }
        mcpz_error error = mcpz_mcp_servers_grow(servers);
        if (error == MCPZ_OK) {
            error = read_server(reading, node_at(reading, pair->value), name,
                                &servers->rows[servers->count]);
        }
        if (error != MCPZ_OK) {
            return error;
        }
        servers->count++;
    }
    return MCPZ_OK;
}

static mcpz_error read_alias(struct reading *reading, const yaml_node_pair_t *pair,
                             struct mcpz_mcp_names *names)
{
    const yaml_node_t *key = node_at(reading, pair->key);
    const char *item = text_of(key);
    const char *shown = text_of(node_at(reading, pair->value));
    char why[256];

    if (item == NULL || shown == NULL) {
        return refuse(reading, key, "names.aliases", "must be a mapping of words");
    }
    mcpz_error error = mcpz_mcp_names_put_alias(names, item, shown, why, sizeof(why));
    return error == MCPZ_OK ? error : refuse(reading, key, "names.aliases", "%s", why);
}

static mcpz_error read_aliases(struct reading *reading, const yaml_node_t *node,
                               struct mcpz_mcp_servers *servers)
{
    mcpz_error error = MCPZ_OK;

    if (node->type != YAML_MAPPING_NODE) {
        return refuse(reading, node, "names.aliases", "must be a mapping (SERVER/TOOL: NAME)");
    }
    for (const yaml_node_pair_t *pair = node->data.mapping.pairs.start;
         pair < node->data.mapping.pairs.top && error == MCPZ_OK; pair++) {
        error = read_alias(reading, pair, servers->said_names);
    }
    return error;
}

static mcpz_error read_prefix(struct reading *reading, const yaml_node_t *node,
                              struct mcpz_mcp_servers *servers)
{
    const char *text = text_of(node);

    return text != NULL && mcpz_mcp_names_put_prefix(servers->said_names, text) == MCPZ_OK
               ? MCPZ_OK
               : refuse(reading, node, "names.prefix", "must be conflict, always or never");
}

typedef mcpz_error (*read_part)(struct reading *reading, const yaml_node_t *node,
                                struct mcpz_mcp_servers *servers);

/* A mapping with keys of our own: which are there, and who reads each. */
struct section {
    const char *key; /* as an error says it */
    const char *shape;
    const struct key_row *rows;
    const read_part *reads;
    size_t count;
};

static mcpz_error read_section(struct reading *reading, const yaml_node_t *node,
                               const struct section *section, struct mcpz_mcp_servers *servers)
{
    mcpz_error error = MCPZ_OK;

    if (node->type != YAML_MAPPING_NODE) {
        return refuse(reading, node, section->key, "must be a mapping (%s)", section->shape);
    }
    for (const yaml_node_pair_t *pair = node->data.mapping.pairs.start;
         pair < node->data.mapping.pairs.top && error == MCPZ_OK; pair++) {
        const yaml_node_t *key = node_at(reading, pair->key);
        const char *name = text_of(key);
        const struct key_row *row =
            name != NULL ? row_called(section->rows, section->count, name) : NULL;
        if (row == NULL) {
            return refuse_key(reading, key, section->key, section->rows, section->count);
        }
        error =
            section->reads[row - section->rows](reading, node_at(reading, pair->value), servers);
    }
    return error;
}

static mcpz_error read_names(struct reading *reading, const yaml_node_t *node,
                             struct mcpz_mcp_servers *servers)
{
    static const struct key_row rows[] = {{"prefix", -1}, {"aliases", -1}};
    static const read_part reads[] = {read_prefix, read_aliases};
    const struct section section = {"names", "prefix: ..., aliases: ...", rows, reads, 2};

    if (servers->said_names == NULL) {
        servers->said_names = calloc(1, sizeof(*servers->said_names));
    }
    if (servers->said_names == NULL) {
        return MCPZ_ENOMEM;
    }
    return read_section(reading, node, &section, servers);
}

static mcpz_error read_mcp(struct reading *reading, const yaml_node_t *node,
                           struct mcpz_mcp_servers *servers)
{
    static const struct key_row rows[] = {{"servers", -1}, {"names", -1}};
    static const read_part reads[] = {read_servers, read_names};
    const struct section section = {"", "servers: ...", rows, reads, 2};

    return read_section(reading, node, &section, servers);
}

static mcpz_error load(struct mcpz_bytes document, struct reading *reading)
{
    yaml_parser_t parser;

    if (!yaml_parser_initialize(&parser)) {
        return MCPZ_ENOMEM;
    }
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, document.data, document.length);
    mcpz_error error = MCPZ_OK;
    if (!yaml_parser_load(&parser, &reading->document)) {
        error = parser.error == YAML_MEMORY_ERROR
                    ? MCPZ_ENOMEM
                    : mcpz_config_refuse(
                          reading->trouble, reading->path != NULL ? reading->path : "the server",
                          "not YAML: %s", parser.problem != NULL ? parser.problem : "unreadable");
    }
    yaml_parser_delete(&parser);
    return error;
}

mcpz_error mcpz_mcp_servers_read(struct mcpz_bytes document, const char *path,
                                 struct mcpz_mcp_servers *servers,
                                 struct mcpz_config_trouble *trouble)
{
    struct reading reading = {.path = path, .server = "", .trouble = trouble};
    mcpz_error error = load(document, &reading);

    if (error != MCPZ_OK) {
        return error;
    }
    const yaml_node_t *root = yaml_document_get_root_node(&reading.document);
    if (root != NULL && root->type == YAML_MAPPING_NODE) {
        for (const yaml_node_pair_t *pair = root->data.mapping.pairs.start;
             pair < root->data.mapping.pairs.top && error == MCPZ_OK; pair++) {
            const char *key = text_of(node_at(&reading, pair->key));
            if (key != NULL && strcmp(key, "mcp") == 0) {
                error = read_mcp(&reading, node_at(&reading, pair->value), servers);
            }
        }
    }
    yaml_document_delete(&reading.document);
    if (error != MCPZ_OK) {
        mcpz_mcp_servers_finish(servers);
    }
    return error;
}

mcpz_error mcpz_mcp_server_read(struct mcpz_bytes document, const char *name,
                                struct mcpz_mcp_server *server,
                                struct mcpz_config_trouble *trouble)
{
    struct reading reading = {.server = name, .trouble = trouble};

    trouble->text[0] = '\0';
    mcpz_error error = load(document, &reading);
    if (error != MCPZ_OK) {
        return error;
    }
    const yaml_node_t *root = yaml_document_get_root_node(&reading.document);
    error = root != NULL ? read_server(&reading, root, name, server)
                         : mcpz_config_refuse(trouble, name, "nothing is said of the server");
    yaml_document_delete(&reading.document);
    return error;
}
