#include "http/task_search.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/durable.h"
#include "http/fellows.h"

#define ASK_MS 5000                  /* a node's time to say what it knows */
#define PATIENCE_US MCPZ_SECONDS(15) /* until somebody owns it */
#define SILENCE_US MCPZ_SECONDS(3)   /* until who does not answer is not asked again */
#define PAUSE_US MCPZ_MS(500)        /* between two looks at everybody */
#define HOPS_MAX 4                   /* from one owner to the next */
#define PATH_BYTES 64

enum phase {
    PHASE_FOLLOWING, /* who seems to be its owner was asked */
    PHASE_EVERYBODY,
    PHASE_PAUSING,
    PHASE_DOING, /* its owner was told */
};

struct search {
    struct mcpz_task_request request;
    enum phase phase;
    mcpz_time begun_us;
    mcpz_time until_us;
    size_t silent; /* of those who were asked last, so many have not answered */
    size_t hops;
    size_t next_member;  /* EVERYBODY: row of the roster */
    json_t *best;        /* what is known of it; NULL: nothing */
    struct mcpz_id from; /* who said that */
    bool is_owners;      /* it is its owner's word */
};

static const struct mcpz_members *members_of(struct mcpz_exchange *exchange)
{
    return &mcpz_engine_node(mcpz_exchange_engine(exchange))->fabric.members;
}

static const struct mcpz_id *self_of(struct mcpz_exchange *exchange)
{
    return mcpz_engine_id(mcpz_exchange_engine(exchange));
}

static void path_of(const struct search *search, const char *rest, char path[PATH_BYTES])
{
    char id[MCPZ_TASK_ID_TEXT_BYTES];

    mcpz_task_id_to_text(&search->request.id, id);
    (void)snprintf(path, PATH_BYTES, "/v1/tasks/%s%s", id, rest);
}

/* Can it be asked? */
static bool is_there(struct mcpz_exchange *exchange, const struct mcpz_id *node)
{
    return mcpz_roster_is_there(&members_of(exchange)->roster, node) &&
           !mcpz_id_equal(node, self_of(exchange));
}

static bool ask(struct mcpz_exchange *exchange, const struct mcpz_id *node)
{
    char path[PATH_BYTES];

    path_of(exchange->state, "", path);
    return is_there(exchange, node) && mcpz_fellows_ask(exchange, node, "GET", path, NULL, ASK_MS);
}

/* ---- What is known of it ------------------------------------------------------------------ */

static bool owner_of(const json_t *json, struct mcpz_id *owner)
{
    const char *text = json_string_value(json_object_get(json, "owner"));

    return text != NULL && mcpz_id_from_text(mcpz_text(text), 'n', owner) == MCPZ_OK;
}

/* An owner's word goes before that of who keeps a copy, and that before "it has moved". */
static int weight_of(const json_t *json, const struct mcpz_id *from)
{
    const char *state = json_string_value(json_object_get(json, "state"));
    struct mcpz_id owner;

    if (json == NULL || state == NULL || !owner_of(json, &owner)) {
        return 0;
    }
    if (strcmp(state, "moved") == 0) {
        return 1;
    }
    return mcpz_id_equal(&owner, from) ? 3 : 2;
}

/* Another tenant's is none that who asks may know of. */
static bool is_theirs(const struct mcpz_exchange *exchange, const json_t *json)
{
    const char *tenant = json_string_value(json_object_get(json, "tenant"));

    return exchange->tenant[0] == '\0' ||
           (tenant != NULL && strcmp(tenant, exchange->tenant) == 0);
}

/* Take it if it is better than what is known. `json` is taken. */
static void consider(struct mcpz_exchange *exchange, const struct mcpz_id *from, json_t *json)
{
    struct search *search = exchange->state;
    int weight = is_theirs(exchange, json) ? weight_of(json, from) : 0;

    if (weight == 0 ||
        (search->best != NULL && weight <= weight_of(search->best, &search->from))) {
        json_decref(json);
        return;
    }
    json_decref(search->best);
    search->best = json;
    search->from = *from;
    search->is_owners = weight == 3;
}

static void forget_best(struct search *search)
{
    json_decref(search->best);
    search->best = NULL;
    search->is_owners = false;
}

/* ---- Doing it ----------------------------------------------------------------------------- */

static void finish(struct mcpz_exchange *exchange)
{
    struct search *search = exchange->state;

    mcpz_fellows_forget(exchange);
    json_decref(search->best);
    free(search);
}

/* This node does it, with what it knows. */
static void do_here(struct mcpz_exchange *exchange)
{
    struct search *search = exchange->state;
    struct mcpz_task_request request = search->request;
    mcpz_time now = mcpz_api_now(exchange->api);

    request.timeout_ms =
        search->until_us > now ? (json_int_t)((search->until_us - now) / 1000 + 1) : 1;
    finish(exchange);
    exchange->state = NULL;
    exchange->kind = NULL;
    mcpz_task_do_here(exchange, &request);
}

static void answer_best(struct mcpz_exchange *exchange)
{
    struct search *search = exchange->state;
    json_t *best = search->best;

    search->best = NULL;
    mcpz_exchange_answer(exchange, 200, best);
}

/* Have `node` do it. */
static bool tell(struct mcpz_exchange *exchange, const struct mcpz_id *node)
{
    static const char *const rests[] = {"", "/wait", "", "/replay", "/purge"};
    struct search *search = exchange->state;
    const enum mcpz_task_verb verb = search->request.verb;
    const mcpz_time now = mcpz_api_now(exchange->api);
    uint64_t left_ms = search->until_us > now ? (search->until_us - now) / 1000 + 1 : 1;
    json_t *json =
        verb == MCPZ_TASK_WAIT ? json_pack("{s:I}", "timeout_ms", (json_int_t)left_ms) : NULL;
    char path[PATH_BYTES];

    path_of(search, rests[verb], path);
    if (verb != MCPZ_TASK_WAIT) {
        left_ms = ASK_MS;
    } else if (left_ms > MCPZ_CALL_TIMEOUT_MS_MAX - ASK_MS) {
        left_ms = MCPZ_CALL_TIMEOUT_MS_MAX - ASK_MS;
    }
    search->phase = PHASE_DOING;
    bool told = mcpz_fellows_ask(exchange, node, verb == MCPZ_TASK_CANCEL ? "DELETE" : "POST",
                                 path, json, (uint32_t)left_ms + ASK_MS);
    json_decref(json);
    return told;
}

static void pause(struct mcpz_exchange *exchange)
{
    struct search *search = exchange->state;

    search->phase = PHASE_PAUSING;
    exchange->deadline_us = mcpz_api_now(exchange->api) + PAUSE_US;
}

/* Its owner is not there, and nobody has taken over yet. */
static void wait_for_owner(struct mcpz_exchange *exchange)
{
    const struct search *search = exchange->state;

    if (mcpz_api_now(exchange->api) < search->until_us) {
        pause(exchange);
    } else if (search->request.verb == MCPZ_TASK_WAIT) {
        mcpz_exchange_fail(exchange, MCPZ_CODE_TIMEOUT, "it is not over yet");
    } else {
        mcpz_exchange_fail(exchange, MCPZ_CODE_CONFLICT,
                           "its owner cannot be reached, and no other node has taken over yet");
    }
}

/* Who has just started does not know yet what others offer. */
static void fail_unknown(struct mcpz_exchange *exchange)
{
    const struct search *search = exchange->state;

    if (search->silent > 0 && mcpz_api_now(exchange->api) - search->begun_us < SILENCE_US) {
        pause(exchange);
        return;
    }
    mcpz_exchange_fail(
        exchange, MCPZ_CODE_NOT_FOUND,
        "no node of the mesh knows such a task; %zu did not answer. What is over is "
        "kept for an hour, unless \"tasks.retention_seconds\" says otherwise",
        search->silent);
}

/* What is best is all there is to know now. */
static void act(struct mcpz_exchange *exchange)
{
    const struct search *search = exchange->state;
    const enum mcpz_task_verb verb = search->request.verb;
    const bool ours = mcpz_id_equal(&search->from, self_of(exchange));
    const bool has_copy = weight_of(search->best, &search->from) >= 2;
    const bool may_act = has_copy && (search->is_owners || verb <= MCPZ_TASK_WAIT);

    if (search->best == NULL) {
        fail_unknown(exchange);
    } else if (ours && may_act) {
        do_here(exchange);
    } else if (verb == MCPZ_TASK_STATUS && may_act) {
        answer_best(exchange);
    } else if (!may_act || !tell(exchange, &search->from)) {
        wait_for_owner(exchange);
    }
}

/* ---- Looking for it ----------------------------------------------------------------------- */

static void ask_more(struct mcpz_exchange *exchange)
{
    struct search *search = exchange->state;
    const struct mcpz_roster *roster = &members_of(exchange)->roster;

    for (; search->next_member < roster->count; search->next_member++) {
        const struct mcpz_id node = roster->rows[search->next_member].id;
        if (is_there(exchange, &node) && !ask(exchange, &node)) {
            return; /* too much is asked at one time: the rest when something has come */
        }
    }
}

/* False: nobody can be asked. */
static bool ask_everybody(struct mcpz_exchange *exchange)
{
    struct search *search = exchange->state;

    search->phase = PHASE_EVERYBODY;
    search->silent = 0;
    search->next_member = 1;
    ask_more(exchange);
    return search->next_member < members_of(exchange)->roster.count;
}

/* Ask who seems to be its owner: as is known, or as its id says. */
static bool follow(struct mcpz_exchange *exchange)
{
    struct search *search = exchange->state;
    const struct mcpz_member *member;
    struct mcpz_id node;

    if (search->hops++ == HOPS_MAX) {
        return false;
    }
    if (!owner_of(search->best, &node)) {
        const struct mcpz_short origin = {mcpz_task_id_origin(&search->request.id)};
        member = mcpz_roster_find_short(&members_of(exchange)->roster, origin);
        if (member == NULL) {
            return false;
        }
        node = member->id;
    }
    search->phase = PHASE_FOLLOWING;
    return (search->best == NULL || !mcpz_id_equal(&node, &search->from)) && ask(exchange, &node);
}

/* From the start: what is known here, then who may know better. */
static void begin(struct mcpz_exchange *exchange)
{
    struct search *search = exchange->state;
    const struct mcpz_id self = *self_of(exchange);

    forget_best(search);
    exchange->deadline_us = MCPZ_TIME_NEVER; /* those who are asked have their time */
    search->hops = 0;
    search->silent = 0;
    consider(exchange, &self,
             mcpz_durable_show(mcpz_exchange_engine(exchange), &search->request.id, true));
    if (search->is_owners) {
        act(exchange);
    } else if (!follow(exchange)) {
        (void)ask_everybody(exchange);
        mcpz_exchange_again(exchange);
    }
}

/* All who were asked have answered. */
static void decide(struct mcpz_exchange *exchange)
{
    const struct search *search = exchange->state;

    if (search->is_owners || search->phase == PHASE_EVERYBODY) {
        act(exchange);
    } else if (!follow(exchange)) {
        (void)ask_everybody(exchange);
        mcpz_exchange_again(exchange);
    }
}

/* What came of having it done. `json` is taken. */
static void end(struct mcpz_exchange *exchange, unsigned status, json_t *json)
{
    if (status > 0) {
        mcpz_exchange_answer(exchange, status, json);
        return;
    }
    json_decref(json);
    wait_for_owner(exchange); /* who did it is lost: another one will own it */
}

static void work(struct mcpz_exchange *exchange)
{
    struct search *search = exchange->state;
    struct mcpz_id node;
    unsigned status;
    json_t *json;
    size_t waiting;

    if (search->phase == PHASE_PAUSING) {
        return;
    }
    while (mcpz_fellows_take(exchange, &node, &status, &json, &waiting)) {
        if (search->phase == PHASE_DOING) {
            end(exchange, status, json);
            return;
        }
        search->silent += status == 0;
        consider(exchange, &node, status == 200 ? json : NULL);
        if (status != 200) {
            json_decref(json);
        }
    }
    if (search->phase == PHASE_EVERYBODY) {
        ask_more(exchange);
        (void)mcpz_fellows_take(exchange, &node, &status, &json, &waiting);
    }
    if (waiting == 0) {
        decide(exchange);
    }
}

static void expire(struct mcpz_exchange *exchange)
{
    begin(exchange);
}

static const struct mcpz_exchange_kind search_kind = {
    .work = work,
    .expire = expire,
    .finish = finish,
};

/* Of what this node knows itself. */
static void do_alone(struct mcpz_exchange *exchange, const struct mcpz_task_request *request)
{
    json_t *json = exchange->tenant[0] != '\0'
                       ? mcpz_durable_show(mcpz_exchange_engine(exchange), &request->id, false)
                       : NULL;

    if (json == NULL || is_theirs(exchange, json)) {
        mcpz_task_do_here(exchange, request);
    } else {
        mcpz_exchange_fail(exchange, MCPZ_CODE_NOT_FOUND, "this node knows no such task");
    }
    json_decref(json);
}

void mcpz_task_do(struct mcpz_exchange *exchange, const struct mcpz_task_request *request)
{
    struct search *search;

    mcpz_fellows_tick(exchange->api);
    if (exchange->answered_elsewhere != NULL || exchange->api->fellows.program == NULL) {
        do_alone(exchange, request);
        return;
    }
    search = calloc(1, sizeof(*search));
    if (search == NULL) {
        mcpz_exchange_fail_error(exchange, MCPZ_ENOMEM, "looking for the task");
        return;
    }
    search->request = *request;
    search->begun_us = mcpz_api_now(exchange->api);
    search->until_us =
        search->begun_us +
        (request->verb == MCPZ_TASK_WAIT ? MCPZ_MS((uint64_t)request->timeout_ms) : PATIENCE_US);
    mcpz_exchange_wait(exchange, &search_kind, search);
    begin(exchange);
}
