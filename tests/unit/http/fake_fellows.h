/* Other nodes, for tests of who asks them: what is asked is written down, and they say what the
 * test makes them say. It takes the place of http/fellows.c. */

#ifndef FAKE_FELLOWS_H
#define FAKE_FELLOWS_H

#include "fake_engine.h"
#include "http/exchange.h"

#define FAKE_ASKS_MAX 256

struct fake_ask {
    struct mcpz_exchange *exchange; /* NULL: taken, or forgotten */
    struct mcpz_id node;
    char method[8];
    char path[1024];
    char *body; /* JSON; NULL: none */
    bool over;
    uint32_t code;
    unsigned status;
    json_t *said;
    struct mcpz_bytes sent; /* no JSON; borrowed */
};

extern struct fake_ask fake_asks[FAKE_ASKS_MAX];
extern size_t fake_ask_count;    /* all that were asked */
extern size_t fake_asks_at_once; /* so many may be under way */

/** For each test, before and after fake_begin() and fake_end(). */
void fake_fellows_begin(void);
void fake_fellows_end(void);

/** The fellow that was asked in `index` answers, or its call fails. Followed by a turn. */
void fake_fellow_says(size_t index, unsigned status, const char *json);
void fake_fellow_sends(size_t index, unsigned status, struct mcpz_bytes sent);
void fake_fellow_fails(size_t index, uint32_t code);

/** Time goes by, and the API has its tick. Followed by a turn. */
void fake_tick(mcpz_time us);

#endif
