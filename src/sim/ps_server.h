/*
 * A server that shares its processor equally among all it has in flight, one core at most for
 * each: the model of Prequal's experiments. In virtual time, in whole numbers.
 */

#ifndef SIM_PS_SERVER_H
#define SIM_PS_SERVER_H

#include <stddef.h>
#include <stdint.h>

#include "base/time.h"

struct mcpz_ps_job {
    uint64_t finish_ns; /* on the clock of what each has been served */
    uint32_t item;
};

struct mcpz_ps_server {
    uint64_t served_ns; /* to a job that has been here all the time */
    mcpz_time at_us;    /* when that was so */
    uint32_t millicores;
    struct mcpz_ps_job *jobs; /* by when they finish */
    size_t count;
    size_t room;
};

void mcpz_ps_server_init(struct mcpz_ps_server *server, uint32_t millicores);
void mcpz_ps_server_finish(struct mcpz_ps_server *server);

/** From now on it has so much. */
void mcpz_ps_server_set(struct mcpz_ps_server *server, mcpz_time now, uint32_t millicores);

/** Take in work that needs so much of one core. Out of memory: aborts. */
void mcpz_ps_server_add(struct mcpz_ps_server *server, mcpz_time now, uint32_t item,
                        mcpz_time work_us);

/** Take out what is in it. */
void mcpz_ps_server_remove(struct mcpz_ps_server *server, mcpz_time now, uint32_t item);

/** When the first is done if nothing changes, and which that is; MCPZ_TIME_NEVER: it is idle. */
mcpz_time mcpz_ps_server_next(const struct mcpz_ps_server *server, mcpz_time now, uint32_t *item);

#endif
