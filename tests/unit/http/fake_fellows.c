#include "fake_fellows.h"

struct fake_ask fake_asks[FAKE_ASKS_MAX];
size_t fake_ask_count;
size_t fake_asks_at_once;

bool mcpz_fellows_is_name(const char *capability)
{
    (void)capability;
    return false;
}

void mcpz_fellows_tick(struct mcpz_api *api)
{
    (void)api;
}

void mcpz_fellows_work(struct mcpz_api *api)
{
    (void)api;
}

void mcpz_fellows_finish(struct mcpz_api *api)
{
    (void)api;
}

static size_t count_under_way(void)
{
    size_t count = 0;

    for (size_t i = 0; i < fake_ask_count; i++) {
        count += fake_asks[i].exchange != NULL ? 1 : 0;
    }
    return count;
}

bool mcpz_fellows_ask(struct mcpz_exchange *exchange, const struct mcpz_id *node,
                      const char *method, const char *path, const json_t *json,
                      uint32_t timeout_ms)
{
    CHECK(timeout_ms > 0);
    if (count_under_way() == fake_asks_at_once) {
        return false;
    }
    CHECK(fake_ask_count < FAKE_ASKS_MAX);
    struct fake_ask *ask = &fake_asks[fake_ask_count++];
    *ask = (struct fake_ask){.exchange = exchange, .node = *node};
    (void)snprintf(ask->method, sizeof(ask->method), "%s", method);
    (void)snprintf(ask->path, sizeof(ask->path), "%s", path);
    ask->body = json != NULL ? json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
    return true;
}

void mcpz_fellows_ask_members(struct mcpz_exchange *exchange, size_t *next, const char *path,
                              uint32_t timeout_ms)
{
    const struct mcpz_roster *roster = &world.engine.node.fabric.members.roster;

    for (; *next < roster->count; (*next)++) {
        const struct mcpz_id node = roster->rows[*next].id;
        if (!mcpz_fellows_ask(exchange, &node, "GET", path, NULL, timeout_ms)) {
            return;
        }
    }
}

/* The next that is over; NULL: none. */
static struct fake_ask *take(struct mcpz_exchange *exchange, size_t *waiting)
{
    struct fake_ask *over = NULL;

    *waiting = 0;
    for (size_t i = 0; i < fake_ask_count; i++) {
        struct fake_ask *ask = &fake_asks[i];
        if (ask->exchange == exchange && ask->over && over == NULL) {
            over = ask;
        } else if (ask->exchange == exchange) {
            (*waiting)++;
        }
    }
    if (over != NULL) {
        exchange->fellow_code = over->code;
        over->exchange = NULL;
    }
    return over;
}

bool mcpz_fellows_take(struct mcpz_exchange *exchange, struct mcpz_id *node, unsigned *status,
                       json_t **json, size_t *waiting)
{
    struct fake_ask *over = take(exchange, waiting);

    if (over == NULL) {
        return false;
    }
    *node = over->node;
    *status = over->status;
    *json = over->said;
    over->said = NULL;
    return true;
}

bool mcpz_fellows_take_bytes(struct mcpz_exchange *exchange, struct mcpz_id *node,
                             unsigned *status, uint8_t **bytes, size_t *length, size_t *waiting)
{
    const struct fake_ask *over = take(exchange, waiting);

    if (over == NULL) {
        return false;
    }
    *node = over->node;
    *status = over->status;
    *length = over->sent.length;
    *bytes = NULL;
    if (over->sent.data != NULL) {
        *bytes = malloc(over->sent.length + 1);
        CHECK(*bytes != NULL);
        memcpy(*bytes, over->sent.data, over->sent.length);
    }
    return true;
}

void mcpz_fellows_forget(struct mcpz_exchange *exchange)
{
    for (size_t i = 0; i < fake_ask_count; i++) {
        if (fake_asks[i].exchange == exchange) {
            fake_asks[i].exchange = NULL;
        }
    }
}

/* ---- For tests ---------------------------------------------------------------------------- */

void fake_fellows_begin(void)
{
    fake_ask_count = 0;
    fake_asks_at_once = FAKE_ASKS_MAX;
}

void fake_fellows_end(void)
{
    for (size_t i = 0; i < fake_ask_count; i++) {
        CHECK(fake_asks[i].exchange == NULL);
        json_decref(fake_asks[i].said);
        free(fake_asks[i].body);
    }
}

static void end(size_t index, unsigned status, json_t *json, uint32_t code)
{
    CHECK(index < fake_ask_count);
    struct fake_ask *ask = &fake_asks[index];

    CHECK(ask->exchange != NULL && !ask->over);
    ask->over = true;
    ask->status = status;
    ask->said = json;
    ask->code = code;
    mcpz_exchange_again(ask->exchange);
    fake_turn();
}

void fake_fellow_says(size_t index, unsigned status, const char *json)
{
    json_t *said = json_loads(json, 0, NULL);

    CHECK(said != NULL);
    end(index, status, said, MCPZ_CODE_OK);
}

void fake_fellow_sends(size_t index, unsigned status, struct mcpz_bytes sent)
{
    CHECK(index < fake_ask_count);
    fake_asks[index].sent = sent;
    end(index, status, NULL, MCPZ_CODE_OK);
}

void fake_fellow_fails(size_t index, uint32_t code)
{
    end(index, 0, NULL, code);
}

void fake_tick(mcpz_time us)
{
    world.now_us += us;
    mcpz_api_tick(world.api);
    fake_turn();
}
