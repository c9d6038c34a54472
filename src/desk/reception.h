/* The desk in a node's loop: hears the engine's actions, says what programs say. */

#ifndef DESK_RECEPTION_H
#define DESK_RECEPTION_H

#include <mcpz/error.h>

#include "base/attr.h"
#include "desk/desk.h"
#include "host/loop.h"

struct mcpz_reception;

/** Register with `loop`, before it turns. `offers` is borrowed. Errors: MCPZ_ENOMEM */
MCPZ_MUST_USE mcpz_error mcpz_reception_create(struct mcpz_loop *loop, struct mcpz_offers *offers,
                                               struct mcpz_reception **reception);

/** After the loop has stopped turning, before mcpz_loop_destroy(). NULL is fine. */
void mcpz_reception_destroy(struct mcpz_reception *reception);

/** Lasts until the loop is destroyed. */
struct mcpz_desk *mcpz_reception_desk(struct mcpz_reception *reception);

#endif
