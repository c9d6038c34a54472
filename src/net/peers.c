#include "net/peers.h"

#include <stdio.h>
#include <stdlib.h>

#include "net/dialler.h"
#include "net/door.h"
#include "net/incoming.h"
#include "net/mesh.h"

struct mcpz_peers {
    struct mcpz_mesh mesh;
    struct mcpz_door *door; /* NULL: dials out only */
    struct mcpz_dialler *dialler;
    bool is_over;
};

static void on_guest(void *context, int fd)
{
    struct mcpz_peers *peers = context;

    mcpz_mesh_adopt(&peers->mesh, fd);
}

static void on_action(void *context, const struct mcpz_action *action)
{
    struct mcpz_peers *peers = context;

    if (action->kind == MCPZ_ACTION_DIAL && !peers->is_over) {
        mcpz_dialler_dial(peers->dialler, action->dial.address, &action->dial.expected);
    }
}

static void release(void *context)
{
    struct mcpz_peers *peers = context;

    mcpz_dialler_destroy(peers->dialler);
    mcpz_mesh_finish(&peers->mesh);
    free(peers);
}

mcpz_error mcpz_peers_create(struct mcpz_loop *loop, const struct mcpz_peers_config *config,
                             struct mcpz_peers **peers, uint16_t *port,
                             struct mcpz_peers_trouble *trouble)
{
    mcpz_error error = MCPZ_ENOMEM;
    uint16_t listening = 0;

    *peers = NULL;
    snprintf(trouble->text, sizeof(trouble->text), "out of memory");
    struct mcpz_peers *made = calloc(1, sizeof(*made));
    if (made == NULL) {
        return MCPZ_ENOMEM;
    }
    if (config->listen != NULL) {
        error = mcpz_door_open(mcpz_loop_ev(loop), config->listen, &made->door, &listening,
                               trouble->text, sizeof(trouble->text));
        if (error != MCPZ_OK) {
            free(made);
            return error;
        }
    }
    made->mesh.loop = loop;
    error = mcpz_dialler_create(&made->mesh, &made->dialler);
    if (error == MCPZ_OK) {
        error = mcpz_mesh_begin(&made->mesh, loop, config->identity);
    }
    if (error != MCPZ_OK) {
        mcpz_door_close(made->door);
        release(made);
        return error;
    }

    mcpz_loop_at_end(loop, release, made);
    mcpz_loop_listen(loop, on_action, made);
    mcpz_loop_set_links(loop, &(struct mcpz_link_ports){
                                  .context = &made->mesh,
                                  .wake = mcpz_mesh_wake,
                                  .close = mcpz_mesh_close,
                              });
    mcpz_loop_on_flush(loop, mcpz_mesh_flush, &made->mesh);
    mcpz_loop_on_drain(loop, mcpz_incoming_drain, &made->mesh);
    if (made->door != NULL) {
        mcpz_door_unlock(made->door, on_guest, made);
        *port = listening;
    }
    *peers = made;
    return MCPZ_OK;
}

void mcpz_peers_destroy(struct mcpz_peers *peers)
{
    if (peers == NULL) {
        return;
    }
    peers->is_over = true;
    mcpz_door_close(peers->door);
    peers->door = NULL;
    mcpz_dialler_end(peers->dialler);
    mcpz_mesh_end(&peers->mesh);
}

const struct mcpz_peers_stats *mcpz_peers_stats(const struct mcpz_peers *peers)
{
    return &peers->mesh.stats;
}
