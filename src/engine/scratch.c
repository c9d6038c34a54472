#include "engine/scratch.h"

#include <stdlib.h>
#include <string.h>

#include "engine/engine.h"

mcpz_error mcpz_scratch_create(struct mcpz_scratch **scratch)
{
    /* Zeroed pages cost nothing until they are touched. */
    struct mcpz_scratch *made = aligned_alloc(64, (sizeof(*made) + 63) & ~(size_t)63);

    *scratch = NULL;
    if (made == NULL) {
        return MCPZ_ENOMEM;
    }
    mcpz_error error = mcpz_framer_create(&made->framer);
    if (error != MCPZ_OK) {
        free(made);
        return error;
    }
    mcpz_outbox_init(&made->outbox);
    memset(&made->verified, 0, sizeof(made->verified));
    made->outgoing.engine = NULL;
    made->outgoing.own_count = 0;
    made->outgoing.delta_count = 0;
    made->outgoing.route_count = 0;
    made->outgoing.byte_count = 0;
    made->incoming.batch = (struct mcpz_batch_name){{0}};
    mcpz_arena_init(&made->decode_arena, made->decode_memory, sizeof(made->decode_memory));
    mcpz_arena_init(&made->read_arena, made->read_memory, sizeof(made->read_memory));
    *scratch = made;
    return MCPZ_OK;
}

void mcpz_scratch_destroy(struct mcpz_scratch *scratch)
{
    if (scratch != NULL) {
        mcpz_framer_destroy(scratch->framer);
        free(scratch);
    }
}
