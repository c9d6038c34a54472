#include "http/apply_lots.h"

#include <assert.h>
#include <string.h>

#include "http/agent_owners.h"

/* ---- Lots --------------------------------------------------------------------------------- */

static struct mcpz_lot *find_free(struct mcpz_lots *lots)
{
    for (size_t i = 0; i < MCPZ_LOTS_MAX; i++) {
        if (lots->lots[i].count == 0) {
            return &lots->lots[i];
        }
    }
    return NULL;
}

static struct mcpz_lot *find_of_node(struct mcpz_lots *lots, const struct mcpz_id *node)
{
    for (size_t i = 0; i < MCPZ_LOTS_MAX; i++) {
        if (lots->lots[i].count > 0 && mcpz_id_equal(&lots->lots[i].node, node)) {
            return &lots->lots[i];
        }
    }
    return NULL;
}

static bool has_line(const struct mcpz_lot *lot, const struct mcpz_id *document)
{
    for (size_t i = 0; i < lot->count; i++) {
        if (mcpz_id_equal(&lot->lines[i].document, document)) {
            return true;
        }
    }
    return false;
}

/* The lot in which a line about `document` is, other than `except`. */
static struct mcpz_lot *find_of_document(struct mcpz_lots *lots, const struct mcpz_id *document,
                                         const struct mcpz_lot *except)
{
    for (size_t i = 0; i < MCPZ_LOTS_MAX && lots->count > 0; i++) {
        struct mcpz_lot *lot = &lots->lots[i];
        if (lot != except && has_line(lot, document)) {
            return lot;
        }
    }
    return NULL;
}

bool mcpz_lots_hold(const struct mcpz_lots *lots, const struct mcpz_id *document)
{
    for (size_t i = 0; i < MCPZ_LOTS_MAX && lots->count > 0; i++) {
        if (has_line(&lots->lots[i], document)) {
            return true;
        }
    }
    return false;
}

bool mcpz_lots_have_room(const struct mcpz_lots *lots)
{
    bool has_free = false;

    for (size_t i = 0; i < MCPZ_LOTS_MAX; i++) {
        has_free = has_free || lots->lots[i].count == 0;
        if (lots->lots[i].count == MCPZ_LOT_LINES_MAX) {
            return false;
        }
    }
    return has_free;
}

static void append(struct mcpz_lot *lot, const struct mcpz_lot_line *line)
{
    assert(lot->count < MCPZ_LOT_LINES_MAX);
    lot->lines[lot->count++] = *line;
}

/* Take the line at `at` out; its object is whoever's who asks. */
static void take_out(struct mcpz_lot *lot, size_t at)
{
    lot->count--;
    memmove(&lot->lines[at], &lot->lines[at + 1], (lot->count - at) * sizeof(lot->lines[0]));
}

/* It is over with a line, one way or the other. */
static void end_line(struct mcpz_lots *lots, struct mcpz_lot *lot, size_t at, const char *code,
                     const char *text)
{
    const struct mcpz_lot_line line = lot->lines[at];

    take_out(lot, at);
    lots->count--;
    json_decref(line.object);
    lots->teller.tell(lots->teller.context, line.number, code, text);
}

/* ---- Whom to ask -------------------------------------------------------------------------- */

static bool is_avoided(const struct mcpz_lots *lots, const struct mcpz_id *node)
{
    for (size_t i = 0; i < lots->avoided_count; i++) {
        if (mcpz_id_equal(&lots->avoided[i], node)) {
            return true;
        }
    }
    return false;
}

static void avoid(struct mcpz_exchange *exchange, struct mcpz_lots *lots,
                  const struct mcpz_id *node)
{
    lots->avoid_until_us = mcpz_api_now(exchange->api) + MCPZ_LOTS_AVOID_US;
    if (!is_avoided(lots, node) && lots->avoided_count < MCPZ_LOTS_AVOIDED_MAX) {
        lots->avoided[lots->avoided_count++] = *node;
    }
}

/* Who is asked for `document`. False: nobody is there now. */
static bool choose(struct mcpz_exchange *exchange, const struct mcpz_lots *lots,
                   const struct mcpz_id *document, struct mcpz_id *node)
{
    struct mcpz_id nodes[MCPZ_OWNERS_MAX];
    const size_t count = mcpz_agent_keepers(exchange, document, nodes);

    for (size_t i = 0; i < count; i++) {
        if (!is_avoided(lots, &nodes[i]) && mcpz_forward_is_there(exchange, &nodes[i])) {
            *node = nodes[i];
            return true;
        }
    }
    return false;
}

void mcpz_lots_take(struct mcpz_exchange *exchange, struct mcpz_lots *lots,
                    const struct mcpz_lot_line *line)
{
    struct mcpz_lot *lot = find_of_document(lots, &line->document, NULL);
    struct mcpz_id node = {{0}};

    if (lot == NULL) {
        (void)choose(exchange, lots, &line->document, &node);
        lot = find_of_node(lots, &node);
    }
    if (lot == NULL) {
        lot = find_free(lots);
        assert(lot != NULL);
        lot->node = node;
        lot->sent = 0;
        lot->patient_until_us = mcpz_api_now(exchange->api) + MCPZ_FORWARD_PATIENCE_US;
    }
    append(lot, line);
    json_incref(line->object);
    lots->taken++;
    lots->count++;
}

/* Nobody is asked for these lines any more: somebody is found for each. */
static void set_free(struct mcpz_exchange *exchange, struct mcpz_lot *lot)
{
    lot->node = (struct mcpz_id){{0}};
    lot->sent = 0;
    lot->patient_until_us = mcpz_api_now(exchange->api) + MCPZ_FORWARD_PATIENCE_US;
}

/*
 * Find somebody for the lines of a lot that has nobody, first line first. The first that nobody is
 * there for holds up those behind it, which may be about the same agent.
 */
static void place(struct mcpz_exchange *exchange, struct mcpz_lots *lots, struct mcpz_lot *lot)
{
    while (lot->count > 0) {
        struct mcpz_lot *next = find_of_document(lots, &lot->lines[0].document, lot);
        struct mcpz_id node;
        if (next == NULL && !choose(exchange, lots, &lot->lines[0].document, &node)) {
            if (mcpz_api_now(exchange->api) < lot->patient_until_us) {
                return;
            }
            end_line(lots, lot, 0, mcpz_code_word(MCPZ_CODE_UNAVAILABLE),
                     "those that keep this agent cannot be reached: nothing was done");
            continue;
        }
        next = next == NULL ? find_of_node(lots, &node) : next;
        if (next == NULL && (next = find_free(lots)) != NULL) {
            next->node = node;
            next->sent = 0;
        }
        if (next == NULL || next->count == MCPZ_LOT_LINES_MAX) {
            return; /* when there is room */
        }
        append(next, &lot->lines[0]);
        take_out(lot, 0);
    }
}

/* ---- Handing on --------------------------------------------------------------------------- */

/* Send the first lines of a lot. False: nothing more can be asked of anybody now. */
static bool send(struct mcpz_exchange *exchange, struct mcpz_lots *lots, struct mcpz_lot *lot)
{
    json_t *body = json_array();
    size_t bytes = 0;
    size_t count = 0;

    while (count < lot->count && count < MCPZ_LOT_BATCH_MAX &&
           (count == 0 || bytes + lot->lines[count].bytes <= MCPZ_LOT_BYTES_MAX)) {
        bytes += lot->lines[count].bytes;
        (void)json_array_append(body, lot->lines[count++].object);
    }
    const bool asked =
        mcpz_fellows_ask(exchange, &lot->node, "POST", lots->path, body, lots->timeout_ms);
    lot->sent = asked ? count : 0;
    json_decref(body);
    return asked;
}

/* Those that were refused, by the place of each in the batch: NULL where one was done. */
static void read_errors(const json_t *json, const json_t *errors[MCPZ_LOT_BATCH_MAX])
{
    const json_t *list = json_object_get(json, "errors");

    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *error = json_array_get(list, i);
        const json_int_t line = json_integer_value(json_object_get(error, "line"));
        if (line >= 1 && line <= MCPZ_LOT_BATCH_MAX) {
            errors[line - 1] = error;
        }
    }
}

static const char *word_of(const json_t *object, const char *name, const char *otherwise)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text != NULL ? text : otherwise;
}

/* A node has gone through a batch. */
static void take_answer(struct mcpz_exchange *exchange, struct mcpz_lots *lots,
                        struct mcpz_lot *lot, const json_t *json)
{
    const json_t *errors[MCPZ_LOT_BATCH_MAX] = {NULL};
    const size_t sent = lot->sent;
    size_t at = 0; /* of those that are left */

    read_errors(json, errors);
    for (size_t i = 0; i < sent; i++) {
        const char *code = word_of(errors[i], "code", "ok");
        const bool is_elsewhere = strcmp(code, mcpz_code_word(MCPZ_CODE_UNAVAILABLE)) == 0;
        if (is_elsewhere && ++lot->lines[at].tries < MCPZ_LOT_TRIES_MAX) {
            at++; /* not its own any more: others are asked, which know another layout */
        } else {
            end_line(lots, lot, at, code, word_of(errors[i], "message", ""));
        }
    }
    lot->sent = 0;
    if (at > 0) {
        avoid(exchange, lots, &lot->node);
        set_free(exchange, lot);
    }
}

/* A node has not answered: what it cannot have done, or may do twice, is for others. */
static void take_failure(struct mcpz_exchange *exchange, struct mcpz_lots *lots,
                         struct mcpz_lot *lot, uint32_t code)
{
    const bool cannot_have = mcpz_forward_cannot_have_begun(code);
    size_t left = lot->sent;

    for (size_t at = 0; at < left;) {
        if (cannot_have ||
            (lot->lines[at].repeatable && ++lot->lines[at].tries < MCPZ_LOT_TRIES_MAX)) {
            at++;
            continue;
        }
        end_line(lots, lot, at, mcpz_code_word(MCPZ_CODE_TIMEOUT),
                 "who keeps this agent did not answer, and it is not known whether this was done: "
                 "look before you repeat it");
        left--;
    }
    avoid(exchange, lots, &lot->node);
    set_free(exchange, lot);
}

static void take_answers(struct mcpz_exchange *exchange, struct mcpz_lots *lots)
{
    struct mcpz_id node;
    unsigned status = 0;
    json_t *json = NULL;
    size_t waiting = 0;

    while (mcpz_fellows_take(exchange, &node, &status, &json, &waiting)) {
        struct mcpz_lot *lot = find_of_node(lots, &node);
        assert(lot != NULL && lot->sent > 0);
        if (status == 200) {
            take_answer(exchange, lots, lot, json);
        } else {
            take_failure(exchange, lots, lot,
                         status == mcpz_api_status_of(MCPZ_CODE_UNAVAILABLE)
                             ? (uint32_t)MCPZ_CODE_UNAVAILABLE
                         : status != 0 ? (uint32_t)MCPZ_CODE_TIMEOUT
                                       : exchange->fellow_code);
        }
        json_decref(json);
    }
}

void mcpz_lots_work(struct mcpz_exchange *exchange, struct mcpz_lots *lots)
{
    bool has_room = true;

    take_answers(exchange, lots);
    if (lots->avoid_until_us <= mcpz_api_now(exchange->api)) {
        lots->avoided_count = 0;
    }
    for (size_t i = 0; i < MCPZ_LOTS_MAX; i++) {
        if (mcpz_id_is_zero(&lots->lots[i].node)) {
            place(exchange, lots, &lots->lots[i]);
        }
    }
    for (size_t i = 0; i < MCPZ_LOTS_MAX && has_room; i++) {
        struct mcpz_lot *lot = &lots->lots[i];
        if (lot->count > 0 && lot->sent == 0 && !mcpz_id_is_zero(&lot->node)) {
            has_room = send(exchange, lots, lot);
        }
    }
}

mcpz_time mcpz_lots_deadline(const struct mcpz_exchange *exchange, const struct mcpz_lots *lots)
{
    for (size_t i = 0; i < MCPZ_LOTS_MAX; i++) {
        if (lots->lots[i].count > 0 && lots->lots[i].sent == 0) {
            return mcpz_api_now(exchange->api) + MCPZ_FORWARD_LOOK_US;
        }
    }
    return MCPZ_TIME_NEVER;
}

void mcpz_lots_finish(struct mcpz_exchange *exchange, struct mcpz_lots *lots)
{
    mcpz_fellows_forget(exchange);
    for (size_t i = 0; i < MCPZ_LOTS_MAX; i++) {
        for (size_t n = 0; n < lots->lots[i].count; n++) {
            json_decref(lots->lots[i].lines[n].object);
        }
        lots->lots[i].count = 0;
    }
}
