#include "sim/anchors_xbot.h"

#include <assert.h>
#include <math.h>

#include "sim/fleet.h"
#include "sim/fleet_check.h"

#define ZONE 64
#define MINUTES 10
#define JOIN_US MCPZ_SECONDS(60) /* all of them */
#define SETTLE_US MCPZ_SECONDS(30)
#define LOOK_US MCPZ_SECONDS(1)
#define NOT_AT_ALL_US MCPZ_SECONDS(10000000)

struct outcome {
    double rtt_us;     /* of all neighbours, */
    double far_rtt_us; /* of those in other zones: means */
    double degree;
    size_t parts_most; /* at any time after all have joined */
    size_t wrong_views;
};

static void pass(const struct mcpz_anchors *anchors, struct mcpz_fleet *fleet, const char *phase,
                 mcpz_time for_us, size_t *parts_most)
{
    const mcpz_time end_us = mcpz_fleet_now(fleet) + for_us;

    while (mcpz_fleet_now(fleet) < end_us) {
        mcpz_fleet_run_until(fleet, mcpz_time_min(end_us, mcpz_fleet_now(fleet) + LOOK_US));
        if (anchors->progress != NULL) {
            anchors->progress(phase, mcpz_fleet_now(fleet) / MCPZ_SECONDS(1));
        }
        if (parts_most != NULL) {
            const size_t parts = mcpz_fleet_parts(fleet);
            *parts_most = parts > *parts_most ? parts : *parts_most;
        }
    }
}

static struct outcome run(const struct mcpz_anchors *anchors,
                          const struct mcpz_fleet_config *config, const char *phase,
                          uint64_t minutes)
{
    struct mcpz_fleet *fleet = mcpz_fleet_create(config);
    struct outcome outcome = {0};

    for (size_t i = 0; i < config->node_count; i++) {
        mcpz_fleet_start(fleet, i);
        pass(anchors, fleet, phase, JOIN_US / config->node_count, NULL);
    }
    pass(anchors, fleet, phase, SETTLE_US, NULL);
    pass(anchors, fleet, phase, MCPZ_SECONDS(60) * minutes, &outcome.parts_most);
    outcome.rtt_us = mcpz_fleet_mean_rtt_us(fleet);
    outcome.far_rtt_us = mcpz_fleet_mean_far_rtt_us(fleet);
    outcome.degree = mcpz_fleet_mean_degree(fleet);
    outcome.wrong_views = mcpz_fleet_wrong_views(fleet, config->node_count);
    mcpz_fleet_destroy(fleet);
    return outcome;
}

static void add(struct mcpz_anchors *anchors, const char *metric, struct mcpz_anchor_bound bound,
                double ours)
{
    mcpz_anchors_add(anchors,
                     (struct mcpz_anchor){.table = "X",
                                          .better = MCPZ_ANCHOR_LOWER,
                                          .is_worst = isfinite(bound.high) || isfinite(bound.low),
                                          .paper = (double)NAN,
                                          .bound = bound,
                                          .ours = ours},
                     "%s", metric);
}

void mcpz_anchors_xbot(struct mcpz_anchors *anchors, size_t nodes, size_t zone_size,
                       uint64_t minutes, uint64_t seed)
{
    const struct mcpz_anchor_bound any = {-(double)INFINITY, (double)INFINITY};
    struct mcpz_fleet_config config = {.node_count = nodes, .zone_size = zone_size, .seed = seed};

    assert(nodes >= 2 * zone_size);
    const struct outcome with = run(anchors, &config, "with X-BOT", minutes);
    config.optimise_us = NOT_AT_ALL_US;
    const struct outcome without = run(anchors, &config, "without X-BOT", minutes);

    add(anchors, "without: mean round trip of far neighbours, ms", any, without.far_rtt_us / 1e3);
    add(anchors, "with: mean round trip of far neighbours, ms", any, with.far_rtt_us / 1e3);
    add(anchors, "with: that of far neighbours, times without",
        (struct mcpz_anchor_bound){0, 0.75}, with.far_rtt_us / without.far_rtt_us);
    add(anchors, "with: that of all neighbours, times without", (struct mcpz_anchor_bound){0, 0.8},
        with.rtt_us / without.rtt_us);
    add(anchors, "with: parts the graph fell into, at most", (struct mcpz_anchor_bound){1, 1},
        (double)with.parts_most);
    add(anchors, "with: neighbours a node lacks of those without, mean",
        (struct mcpz_anchor_bound){-(double)INFINITY, 0.1}, without.degree - with.degree);
    add(anchors, "with: wrong views in the end", (struct mcpz_anchor_bound){0, 0},
        (double)with.wrong_views);
}

void mcpz_anchors_x(struct mcpz_anchors *anchors, size_t nodes, uint64_t seed)
{
    mcpz_anchors_xbot(anchors, nodes, ZONE, MINUTES, seed);
}
