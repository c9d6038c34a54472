/* Why something did not work, for people: what, where, what to do. */

#ifndef EMBED_TROUBLE_H
#define EMBED_TROUBLE_H

#include "base/attr.h"

#define MCPZ_TROUBLE_BYTES 1280

struct mcpz_trouble {
    char text[MCPZ_TROUBLE_BYTES];
};

/** Write `trouble`, cut to its room. Arguments may not point into it. */
void mcpz_trouble_say(struct mcpz_trouble *trouble, const char *format, ...) MCPZ_PRINTF(2, 3);

#endif
