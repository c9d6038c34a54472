#include "http/api_gate.h"

#include "http/exchange.h"

static void set(json_t *json, const char *name, uint64_t number)
{
    (void)json_object_set_new(json, name, json_integer((json_int_t)number));
}

static json_t *show_lane(const struct mcpz_gate *gate, const struct mcpz_gate_lane *lane,
                         mcpz_time now)
{
    json_t *json = json_object();
    mcpz_time median_us = mcpz_recent_median(&lane->recent, now);

    (void)json_object_set_new(json, "capability", mcpz_exchange_show_text(mcpz_text(lane->name)));
    set(json, "running", lane->running);
    set(json, "waiting", lane->waiting);
    set(json, "limit", mcpz_gate_limit(gate, lane));
    (void)json_object_set_new(json, "median_ms",
                              median_us > 0 ? json_real((double)median_us / 1000.0) : json_null());
    return json;
}

static json_t *list_lanes(const struct mcpz_gate *gate, mcpz_time now)
{
    json_t *json = json_array();

    for (size_t i = 0; i < MCPZ_LANES_MAX; i++) {
        if (gate->lanes[i].name[0] != '\0') {
            (void)json_array_append_new(json, show_lane(gate, &gate->lanes[i], now));
        }
    }
    return json;
}

json_t *mcpz_api_show_router(const struct mcpz_caller *caller, mcpz_time now)
{
    const struct mcpz_router *router = &caller->router;
    const struct mcpz_router_bars bars = mcpz_router_bars(router, now);
    json_t *json = json_object();

    set(json, "rules", router->rules.count);
    set(json, "probes", router->probes);
    set(json, "retries", router->retries);
    set(json, "budget_exhausted", router->no_budget);
    set(json, "hedges", router->hedges);
    set(json, "moved", caller->moved);
    set(json, "stalls", router->stalls);
    set(json, "stalled", bars.stalled);
    set(json, "breakers_opened", router->opened + router->stalls);
    set(json, "breakers_open", bars.open);
    set(json, "breakers_half_open", bars.half_open);
    set(json, "trials", router->trials);
    set(json, "ejections", router->ejected);
    set(json, "ejected", bars.ejected);
    set(json, "spilled", router->spilled);
    return json;
}

static json_t *show_counts(const struct mcpz_gate_counts *counts)
{
    json_t *json = json_object();

#define X(name, help) set(json, #name, counts->name);
    MCPZ_GATE_COUNTS(X)
#undef X
    return json;
}

/* By class of priority: the most important is the first. */
static json_t *list_turned_away(const struct mcpz_gate *gate)
{
    json_t *json = json_array();

    for (size_t i = 0; i < MCPZ_SHED_CLASSES; i++) {
        (void)json_array_append_new(json, json_integer((json_int_t)gate->turned_away[i]));
    }
    return json;
}

json_t *mcpz_api_show_gate(const struct mcpz_provider *provider, mcpz_time now)
{
    const struct mcpz_gate *gate = &provider->gate;
    json_t *json = json_object();

    (void)json_object_set_new(json, "draining", json_boolean(gate->drained_us != 0));
    set(json, "running", mcpz_gate_running(gate));
    set(json, "waiting", gate->waiting.count);
    set(json, "hands", gate->hands);
    set(json, "hands_taken", gate->hands_taken);
    set(json, "levels_shed", MCPZ_SHED_LEVELS - gate->shedder.cut);
    set(json, "keys_repeated", provider->answers.repeated);
    (void)json_object_set_new(json, "turned_away", list_turned_away(gate));
    (void)json_object_set_new(json, "counts", show_counts(&gate->counts));
    (void)json_object_set_new(json, "lanes", list_lanes(gate, now));
    return json;
}
