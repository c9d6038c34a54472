#include "sim/ps_server.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define CORE 1000 /* in thousandths: what a job gets of a microsecond, in ns */

void mcpz_ps_server_init(struct mcpz_ps_server *server, uint32_t millicores)
{
    *server = (struct mcpz_ps_server){.millicores = millicores};
}

void mcpz_ps_server_finish(struct mcpz_ps_server *server)
{
    free(server->jobs);
}

/* What each job gets in a microsecond, in ns. */
static uint64_t rate_of(const struct mcpz_ps_server *server)
{
    const uint64_t share = server->millicores / (server->count > 0 ? server->count : 1);

    return share >= CORE ? CORE : share > 0 ? share : 1;
}

static void serve_until(struct mcpz_ps_server *server, mcpz_time now)
{
    assert(now >= server->at_us);
    server->served_ns += (now - server->at_us) * rate_of(server);
    server->at_us = now;
}

void mcpz_ps_server_set(struct mcpz_ps_server *server, mcpz_time now, uint32_t millicores)
{
    serve_until(server, now);
    server->millicores = millicores;
}

void mcpz_ps_server_add(struct mcpz_ps_server *server, mcpz_time now, uint32_t item,
                        mcpz_time work_us)
{
    serve_until(server, now);
    if (server->count == server->room) {
        server->room = server->room > 0 ? 2 * server->room : 64;
        server->jobs = realloc(server->jobs, server->room * sizeof(*server->jobs));
        if (server->jobs == NULL) {
            abort();
        }
    }
    const struct mcpz_ps_job job = {.finish_ns = server->served_ns + work_us * CORE, .item = item};
    size_t at = server->count++;
    for (; at > 0 && server->jobs[at - 1].finish_ns > job.finish_ns; at--) {
        server->jobs[at] = server->jobs[at - 1];
    }
    server->jobs[at] = job;
}

void mcpz_ps_server_remove(struct mcpz_ps_server *server, mcpz_time now, uint32_t item)
{
    size_t at = 0;

    serve_until(server, now);
    while (server->jobs[at].item != item) {
        at++;
        assert(at < server->count);
    }
    server->count--;
    memmove(&server->jobs[at], &server->jobs[at + 1],
            (server->count - at) * sizeof(*server->jobs));
}

mcpz_time mcpz_ps_server_next(const struct mcpz_ps_server *server, mcpz_time now, uint32_t *item)
{
    const uint64_t rate = rate_of(server);

    if (server->count == 0) {
        return MCPZ_TIME_NEVER;
    }
    const uint64_t served_ns = server->served_ns + (now - server->at_us) * rate;
    const uint64_t finish_ns = server->jobs[0].finish_ns;
    *item = server->jobs[0].item;
    return finish_ns > served_ns ? now + (finish_ns - served_ns + rate - 1) / rate : now;
}
