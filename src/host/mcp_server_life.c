#include <stdlib.h>
#include <string.h>

#include "host/mcp_server.h"
#include "host/rows.h"

void mcpz_mcp_server_finish(struct mcpz_mcp_server *server)
{
    mcpz_service_finish(&server->service);
    free(server->command);
    for (size_t i = 0; i < server->argument_count; i++) {
        free(server->arguments[i]);
    }
    for (size_t i = 0; i < server->variable_count; i++) {
        free(server->variables[i]);
    }
    for (size_t i = 0; i < server->header_count; i++) {
        free(server->headers[i]);
    }
    free(server->cwd);
    free(server->url);
    free(server->ca);
    *server = (struct mcpz_mcp_server){.command = NULL};
}

void mcpz_mcp_servers_finish(struct mcpz_mcp_servers *servers)
{
    for (size_t i = 0; i < servers->count; i++) {
        mcpz_mcp_server_finish(&servers->rows[i]);
    }
    free(servers->rows);
    free(servers->said_names);
    *servers = (struct mcpz_mcp_servers){.count = 0};
}

const struct mcpz_mcp_names *mcpz_mcp_servers_names(const struct mcpz_mcp_servers *servers)
{
    static struct mcpz_mcp_names nothing_said; /* not const: those are in the file, zeros or not */

    return servers->said_names != NULL ? servers->said_names : &nothing_said;
}

mcpz_error mcpz_mcp_servers_grow(struct mcpz_mcp_servers *servers)
{
    struct mcpz_mcp_server *grown = mcpz_rows_grow(servers->rows, servers->count, sizeof(*grown));

    if (grown == NULL) {
        return MCPZ_ENOMEM;
    }
    servers->rows = grown;
    return MCPZ_OK;
}

static bool copy_texts(char *const *texts, size_t count, char **copies, size_t *copied)
{
    for (*copied = 0; *copied < count; (*copied)++) {
        copies[*copied] = strdup(texts[*copied]);
        if (copies[*copied] == NULL) {
            return false;
        }
    }
    return true;
}

/* A text that may be missing. */
static bool copy_text(const char *text, char **copy)
{
    *copy = text != NULL ? strdup(text) : NULL;
    return text == NULL || *copy != NULL;
}

mcpz_error mcpz_mcp_server_copy(const struct mcpz_mcp_server *server, struct mcpz_mcp_server *copy)
{
    mcpz_error error = MCPZ_ENOMEM;

    *copy = (struct mcpz_mcp_server){.stateless = server->stateless,
                                     .shared = server->shared,
                                     .replicas = server->replicas,
                                     .idle_seconds = server->idle_seconds};
    error = mcpz_service_copy(&server->service, &copy->service);
    if (error != MCPZ_OK || !copy_text(server->command, &copy->command) ||
        !copy_text(server->cwd, &copy->cwd) || !copy_text(server->url, &copy->url) ||
        !copy_text(server->ca, &copy->ca) ||
        !copy_texts(server->headers, server->header_count, copy->headers, &copy->header_count) ||
        !copy_texts(server->arguments, server->argument_count, copy->arguments,
                    &copy->argument_count) ||
        !copy_texts(server->variables, server->variable_count, copy->variables,
                    &copy->variable_count)) {
        mcpz_mcp_server_finish(copy);
        return MCPZ_ENOMEM;
    }
    return MCPZ_OK;
}

static bool is_same(char *const *a, size_t a_count, char *const *b, size_t b_count)
{
    for (size_t i = 0; i < a_count && a_count == b_count; i++) {
        if (strcmp(a[i], b[i]) != 0) {
            return false;
        }
    }
    return a_count == b_count;
}

bool mcpz_mcp_server_equal(const struct mcpz_mcp_server *a, const struct mcpz_mcp_server *b)
{
    return is_same(a->variables, a->variable_count, b->variables, b->variable_count) &&
           is_same(a->headers, a->header_count, b->headers, b->header_count) &&
           (a->url != NULL) == (b->url != NULL) && (a->ca != NULL) == (b->ca != NULL) &&
           (a->ca == NULL || strcmp(a->ca, b->ca) == 0) &&
           mcpz_service_equal(&a->service, &b->service) && a->stateless == b->stateless &&
           a->shared == b->shared && a->replicas == b->replicas &&
           a->idle_seconds == b->idle_seconds;
}

const struct mcpz_mcp_server *mcpz_mcp_servers_find(const struct mcpz_mcp_servers *servers,
                                                    struct mcpz_bytes name)
{
    for (size_t i = 0; i < servers->count; i++) {
        if (mcpz_bytes_equal(mcpz_text(servers->rows[i].service.name), name)) {
            return &servers->rows[i];
        }
    }
    return NULL;
}
