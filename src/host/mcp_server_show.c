/* A server as JSON, to be kept or shown: what mcpz_mcp_server_read() takes. */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/mcp_server.h"
#include "wire/json.h"

static void put_list(struct mcpz_json_writer *writer, const char *key, char *const *texts,
                     size_t count)
{
    if (count == 0) {
        return;
    }
    mcpz_json_put_text(writer, key);
    for (size_t i = 0; i < count; i++) {
        mcpz_json_put_text(writer, i == 0 ? "[" : ",");
        mcpz_json_put_string(writer, mcpz_text(texts[i]));
    }
    mcpz_json_put_text(writer, "]");
}

static void put_env(struct mcpz_json_writer *writer, const struct mcpz_mcp_server *server,
                    bool secrets)
{
    for (size_t i = 0; i < server->variable_count; i++) {
        const char *value = strchr(server->variables[i], '=');
        mcpz_json_put_text(writer, i == 0 ? ",\"env\":{" : ",");
        mcpz_json_put_string(
            writer, mcpz_bytes(server->variables[i], (size_t)(value - server->variables[i])));
        mcpz_json_put_text(writer, ":");
        mcpz_json_put_string(writer, mcpz_text(secrets ? value + 1 : "(set)"));
    }
    mcpz_json_put_text(writer, server->variable_count > 0 ? "}" : "");
}

/* What a fence needs; without one it must not be said. */
static void put_fence(struct mcpz_json_writer *writer, const struct mcpz_service *service)
{
    const struct mcpz_service_limits *limits = &service->limits;
    char text[384];

    put_list(writer, ",\"read\":", service->reads, service->read_count);
    put_list(writer, ",\"write\":", service->writes, service->write_count);
    (void)snprintf(text, sizeof(text),
                   ",\"network\":%s,\"sockets\":%s,\"limits\":{\"cpu\":\"%" PRIu32 ".%03" PRIu32
                   "\",\"memory\":\"%" PRIu64 "\",\"disk\":\"%" PRIu64 "\",\"files\":\"%" PRIu32
                   "\",\"processes\":\"%" PRIu32 "\"}",
                   service->network ? "true" : "false", service->sockets ? "true" : "false",
                   limits->cpu_milli / 1000, limits->cpu_milli % 1000, limits->memory_bytes,
                   limits->disk_bytes, limits->files, limits->processes);
    mcpz_json_put_text(writer, text);
}

static void put_remote(struct mcpz_json_writer *writer, const struct mcpz_mcp_server *server,
                       bool secrets)
{
    char url[MCPZ_MCP_URL_BYTES_MAX + 16];

    mcpz_mcp_url_show(server->url, url, sizeof(url));
    mcpz_json_put_text(writer, "{\"url\":");
    mcpz_json_put_string(writer, mcpz_text(secrets ? server->url : url));
    for (size_t i = 0; i < server->header_count; i++) {
        const char *header = server->headers[i];
        const char *value = strstr(header, ": ") + 2;
        mcpz_json_put_text(writer, i == 0 ? ",\"headers\":{" : ",");
        mcpz_json_put_string(writer, mcpz_bytes(header, (size_t)(value - 2 - header)));
        mcpz_json_put_text(writer, ":");
        mcpz_json_put_string(writer, mcpz_text(secrets ? value : mcpz_mcp_header_show(value)));
    }
    mcpz_json_put_text(writer, server->header_count > 0 ? "}" : "");
    if (server->ca != NULL) {
        mcpz_json_put_text(writer, ",\"ca\":");
        mcpz_json_put_string(writer, mcpz_text(server->ca));
    }
}

static void put_command(struct mcpz_json_writer *writer, const struct mcpz_mcp_server *server,
                        bool secrets)
{
    mcpz_json_put_text(writer, "{\"command\":");
    mcpz_json_put_string(writer, mcpz_text(server->command));
    put_list(writer, ",\"args\":", server->arguments, server->argument_count);
    put_env(writer, server, secrets);
    if (server->cwd != NULL) {
        mcpz_json_put_text(writer, ",\"cwd\":");
        mcpz_json_put_string(writer, mcpz_text(server->cwd));
    }
    mcpz_json_put_text(writer, ",\"isolation\":\"");
    mcpz_json_put_text(writer,
                       mcpz_isolation_word((enum mcpz_isolation)server->service.isolation));
    mcpz_json_put_text(writer, "\"");
}

static void put_server(struct mcpz_json_writer *writer, const struct mcpz_mcp_server *server,
                       bool secrets)
{
    char text[256];

    if (server->url != NULL) {
        put_remote(writer, server, secrets);
    } else {
        put_command(writer, server, secrets);
    }
    (void)snprintf(text, sizeof(text),
                   ",\"stateless\":%s,\"shared\":%s,\"replicas\":%" PRIu32 ",\"idle\":\"%" PRIu32
                   "s\"",
                   server->stateless ? "true" : "false", server->shared ? "true" : "false",
                   server->replicas, server->idle_seconds);
    mcpz_json_put_text(writer, text);
    if (server->service.isolation != MCPZ_ISOLATION_NONE) {
        put_fence(writer, &server->service);
    }
    mcpz_json_put_text(writer, "}");
}

char *mcpz_mcp_server_show(const struct mcpz_mcp_server *server, bool secrets)
{
    struct mcpz_json_writer measure = mcpz_json_writer(NULL, 0);

    put_server(&measure, server, secrets);
    char *text = malloc(measure.length + 1);
    if (text != NULL) {
        struct mcpz_json_writer writer = mcpz_json_writer(text, measure.length);
        put_server(&writer, server, secrets);
        text[measure.length] = '\0';
    }
    return text;
}
