/* /v1/rules: to whom calls go, and why. See http/rule_book.h for where they are kept. */

#include <stdio.h>
#include <string.h>

#include "host/rule_text.h"
#include "http/document.h"
#include "http/exchange.h"
#include "http/system_document.h"

#define RULES_PREFIX "/v1/rules/"

/* ---- Showing ------------------------------------------------------------------------------ */

static json_t *show_rule(const struct mcpz_rule *rule, const char *source)
{
    char text[MCPZ_RULE_TEXT_BYTES];
    json_t *targets = json_array();

    for (size_t i = 0; i < rule->target_count; i++) {
        char target[MCPZ_RULE_TARGET_BYTES];
        mcpz_rule_show_target(&rule->targets[i], target);
        (void)json_array_append_new(
            targets, json_pack("{s:o, s:I}", "target", mcpz_exchange_show_text(mcpz_text(target)),
                               "weight", (json_int_t)rule->targets[i].weight));
    }
    mcpz_rule_show(rule, text);
    return json_pack("{s:o, s:o, s:s, s:I, s:I, s:o, s:s}", "pattern",
                     mcpz_exchange_show_text(mcpz_text(rule->pattern)), "rule",
                     mcpz_exchange_show_text(mcpz_text(text)), "strategy",
                     mcpz_strategy_word(rule->strategy), "priority", (json_int_t)rule->priority,
                     "max", (json_int_t)rule->concurrent_max, "targets", targets, "source",
                     source);
}

static const char *source_of(const struct mcpz_rule_book *book, size_t row)
{
    return book->is_meshs[row] ? "mesh" : "config";
}

void mcpz_api_get_rules(struct mcpz_exchange *exchange, const struct mcpz_request *request)
{
    const struct mcpz_rule_book *book = &exchange->api->rules;
    json_t *json = json_array();

    (void)request;
    mcpz_api_look_at_rules(exchange->api);
    for (size_t i = 0; i < book->count; i++) {
        (void)json_array_append_new(json, show_rule(&book->rows[i], source_of(book, i)));
    }
    mcpz_exchange_answer(exchange, 200, json);
}

/* ---- Writing ------------------------------------------------------------------------------ */

static void write_rule(struct mcpz_exchange *exchange, struct mcpz_event_agent *agent,
                       const struct mcpz_rule *rule)
{
    struct mcpz_event event = {.kind = MCPZ_EVENT_AGENT_WRITE};

    mcpz_system_document_id(MCPZ_RULE_BOOK, &agent->document);
    agent->request = mcpz_exchange_await_reply(exchange, 200, show_rule(rule, "mesh"));
    if (agent->request == 0) {
        return;
    }
    event.agent = *agent;
    mcpz_engine_event(mcpz_exchange_engine(exchange), &event);
    mcpz_rule_book_changed(&exchange->api->rules);
    mcpz_api_stir(exchange->api);
}

static void set_rule(struct mcpz_exchange *exchange, const struct mcpz_rule *rule)
{
    const struct mcpz_rule_book *book = &exchange->api->rules;
    char text[MCPZ_RULE_TEXT_BYTES];
    struct mcpz_path path;
    struct mcpz_value value;
    struct mcpz_event_agent agent = {.op = MCPZ_AGENT_SET};

    if (book->count == MCPZ_RULES_MAX &&
        mcpz_rule_book_find(book, mcpz_text(rule->pattern)) == SIZE_MAX) {
        mcpz_exchange_fail(exchange, MCPZ_CODE_LIMIT, "there are %d rules: remove one first",
                           MCPZ_RULES_MAX);
        return;
    }
    mcpz_rule_show(rule, text);
    json_t *json = json_string(text);
    mcpz_error error = mcpz_value_from_json(json, &value);
    json_decref(json);
    if (error != MCPZ_OK || !mcpz_system_document_path(rule->pattern, &path)) {
        mcpz_exchange_fail(exchange, MCPZ_CODE_BAD_REQUEST, "a pattern may not begin with \"$\"");
        return;
    }
    mcpz_system_document_make(mcpz_exchange_engine(exchange), MCPZ_RULE_BOOK);
    agent.path = mcpz_bytes(path.bytes, path.length);
    agent.value = mcpz_bytes(value.bytes, value.length);
    write_rule(exchange, &agent, rule);
}

void mcpz_api_post_rules(struct mcpz_exchange *exchange, const struct mcpz_request *request)
{
    static const char *const allowed[] = {"pattern", "rule", NULL};
    json_t *object = mcpz_exchange_object(exchange, allowed);
    struct mcpz_rule rule;

    (void)request;
    if (object == NULL) {
        return;
    }
    const json_t *pattern = json_object_get(object, "pattern");
    const json_t *text = json_object_get(object, "rule");
    const char *fault =
        json_is_string(pattern) && json_is_string(text)
            ? mcpz_rule_read(mcpz_exchange_text_of(pattern), mcpz_exchange_text_of(text), &rule)
            : "\"pattern\" and \"rule\" must be given, as strings";
    if (fault != NULL) {
        mcpz_exchange_fail(exchange, MCPZ_CODE_BAD_REQUEST, "%s", fault);
    } else {
        set_rule(exchange, &rule);
    }
    json_decref(object);
}

void mcpz_api_delete_rule(struct mcpz_exchange *exchange, const struct mcpz_request *request)
{
    const struct mcpz_bytes pattern = mcpz_exchange_path_rest(request->path, RULES_PREFIX);
    const struct mcpz_rule_book *book = &exchange->api->rules;
    struct mcpz_event_agent agent = {.op = MCPZ_AGENT_UNSET};
    struct mcpz_path path;

    mcpz_api_look_at_rules(exchange->api);
    const size_t row = mcpz_rule_book_find(book, pattern);
    if (row == SIZE_MAX) {
        mcpz_exchange_fail(
            exchange, MCPZ_CODE_NOT_FOUND, "there is no rule for \"%.*s\": look at the list",
            (int)(pattern.length < 256 ? pattern.length : 256), (const char *)pattern.data);
        return;
    }
    if (!book->is_meshs[row]) {
        mcpz_exchange_fail(exchange, MCPZ_CODE_CONFLICT,
                           "this rule is in the node's configuration: remove it there, or set "
                           "another one for the same pattern");
        return;
    }
    const struct mcpz_rule rule = book->rows[row];
    if (mcpz_system_document_path(rule.pattern, &path)) {
        agent.path = mcpz_bytes(path.bytes, path.length);
        write_rule(exchange, &agent, &rule);
    } else {
        mcpz_exchange_fail(exchange, MCPZ_CODE_BAD_REQUEST, "this is no pattern of a rule");
    }
}

/* ---- Explaining --------------------------------------------------------------------------- */

/* Why it is not chosen, or only if there is nobody else, and until when, in words. */
static json_t *show_why(const struct mcpz_backend_view *view, mcpz_time now)
{
    static const char *const words[] = {
        [MCPZ_BAR_NONE] = "",
        [MCPZ_BAR_RULE] = "a rule does not let it",
        [MCPZ_BAR_LAX] = "it is not as isolated as it is wanted",
        [MCPZ_BAR_BREAKER] = "it failed too often lately",
        [MCPZ_BAR_BUSY] = "it said to come back later",
        [MCPZ_BAR_SHED] = "it has too much to do for calls that are not more important",
        [MCPZ_BAR_SUSPECT] = "only if nobody else can: it may be gone",
        [MCPZ_BAR_EJECTED] = "only if nobody else can: it errs far more, or was not reached",
        [MCPZ_BAR_STALLED] = "only if nobody else can: it ends nothing",
    };
    char text[256];
    const char *word = words[view->bar];

    if (view->bar == MCPZ_BAR_NONE) {
        word = view->averse ? "last: it errs more than the others"
               : view->hot  ? "after those with less to do"
                            : "";
    }
    if (view->bar_until_us > now) {
        (void)snprintf(text, sizeof(text), "%s, for %.1f s more", word,
                       (double)(view->bar_until_us - now) / 1e6);
        word = text;
    }
    return mcpz_exchange_show_text(mcpz_text(word));
}

static json_t *show_load(const struct mcpz_backend_view *view, mcpz_time now)
{
    if (!view->known) {
        return json_null();
    }
    return json_pack("{s:I, s:o, s:f}", "in_flight", (json_int_t)view->rif, "latency_ms",
                     view->latency_us > 0 ? json_real((double)view->latency_us / 1000.0)
                                          : json_null(),
                     "age_s", (double)(now - view->reported_us) / 1e6);
}

static json_t *show_backend(const struct mcpz_members *members,
                            const struct mcpz_backend_view *view, mcpz_time now)
{
    const struct mcpz_member *member = mcpz_members_find(members, &view->id);
    const struct mcpz_bytes name =
        member != NULL ? mcpz_roster_name(&members->roster, member) : mcpz_bytes(NULL, 0);
    const bool can = view->bar == MCPZ_BAR_NONE || view->bar >= MCPZ_BAR_SUSPECT;

    return json_pack(
        "{s:o, s:o, s:b, s:o, s:s, s:s, s:s, s:b, s:I, s:o, s:o, s:f, s:I}", "node",
        mcpz_exchange_show_id(&view->id, 'n'), "name", mcpz_exchange_show_text(name), "can",
        can ? 1 : 0, "why", show_why(view, now), "bar", mcpz_backend_bar_word(view->bar),
        "breaker", mcpz_breaker_word(view->breaker), "where", mcpz_ring_word(view->ring), "linked",
        view->linked ? 1 : 0, "calls", (json_int_t)view->outstanding, "load", show_load(view, now),
        "rtt_ms", view->rtt_us > 0 ? json_real((double)view->rtt_us / 1000.0) : json_null(),
        "errors", (double)view->errors / MCPZ_ERRORS_ALL, "weight", (json_int_t)view->weight);
}

/* The type asked for: "type=NAME". False: answered with what is wrong. */
static bool read_type(struct mcpz_exchange *exchange, const struct mcpz_request *request,
                      struct mcpz_bytes *type)
{
    struct mcpz_bytes query = request->query;
    struct mcpz_bytes name;
    struct mcpz_bytes value;

    *type = mcpz_bytes(NULL, 0);
    while (mcpz_exchange_parameter(&query, &name, &value)) {
        if (mcpz_bytes_equal(name, mcpz_text("type"))) {
            *type = value;
        }
    }
    if (type->length == 0 || type->length > MCPZ_CAPABILITY_BYTES_MAX ||
        !mcpz_bytes_is_utf8(*type)) {
        mcpz_exchange_fail(exchange, MCPZ_CODE_BAD_REQUEST,
                           "say of which type of task: ?type=NAME, of at most %d bytes",
                           MCPZ_CAPABILITY_BYTES_MAX);
        return false;
    }
    return true;
}

void mcpz_api_explain_rules(struct mcpz_exchange *exchange, const struct mcpz_request *request)
{
    static struct mcpz_explanation explanation; /* only in use here */
    const struct mcpz_rule_book *book = &exchange->api->rules;
    const mcpz_time now = mcpz_api_now(exchange->api);
    struct mcpz_bytes type;
    json_t *backends = json_array();

    if (!read_type(exchange, request, &type)) {
        json_decref(backends);
        return;
    }
    mcpz_api_look_at_rules(exchange->api);
    struct mcpz_engine *engine = mcpz_exchange_engine(exchange);
    mcpz_engine_explain(engine, type, &explanation);
    for (size_t i = 0; i < explanation.count; i++) {
        (void)json_array_append_new(
            backends,
            show_backend(&mcpz_engine_node(engine)->fabric.members, &explanation.views[i], now));
    }
    const size_t row = mcpz_rule_book_find(book, mcpz_text(explanation.rule.pattern));
    mcpz_exchange_answer(
        exchange, 200,
        json_pack("{s:o, s:o, s:s, s:I, s:o}", "type", mcpz_exchange_show_text(type), "rule",
                  row != SIZE_MAX ? show_rule(&explanation.rule, source_of(book, row))
                                  : json_null(),
                  "strategy", mcpz_strategy_word(explanation.rule.strategy), "priority",
                  (json_int_t)explanation.rule.priority, "providers", backends));
}
