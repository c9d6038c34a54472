#include <stdlib.h>

#include "sim/fleet_telling.h"

#define STEP_US MCPZ_MS(200)
#define LASTS_MIN_US MCPZ_SECONDS(1)
#define LASTS_MAX_US MCPZ_SECONDS(90)
#define FLIP_US MCPZ_SECONDS(20)
#define FLIP_CUT (MCPZ_FLEET_CUTS_MAX - 1) /* its own: it goes on and off */

/* Which kinds of faults this run has, how many of each there are in a minute. */
enum fault {
    KILL,
    VANISH,
    PAUSE,
    BREAK_LINK,
    MUTE_LINK,
    CUT_ZONE,
    CUT_HALVES,
    LOSS,
    FLIP_FLOP,
    ROLLING_RESTART,
    MASS_CRASH,
    CONTACTS_OUT,
    FAULTS_END
};

struct swarm {
    uint32_t per_minute[FAULTS_END]; /* 0: none of this kind */
    mcpz_time *back_us;              /* by node: when it is started again; 0: it is not down */
    mcpz_time cut_end_us[MCPZ_FLEET_CUTS_MAX]; /* 0: not in use */
    bool flips;
    mcpz_time flip_at_us;
    bool flip_is_on;
    size_t restarting; /* the node that comes next; node_count: none */
    mcpz_time restart_at_us;
};

static mcpz_time lot(struct mcpz_fleet_telling *telling, mcpz_time least_us, mcpz_time most_us)
{
    return least_us + mcpz_rng_below(&telling->rng, (uint32_t)(most_us - least_us + 1));
}

/* Short ones are as likely as long ones. */
static mcpz_time draw_length(struct mcpz_fleet_telling *telling)
{
    mcpz_time most_us = LASTS_MIN_US << mcpz_rng_below(&telling->rng, 7);

    return lot(telling, LASTS_MIN_US, mcpz_time_min(2 * most_us, LASTS_MAX_US));
}

static void draw(struct mcpz_fleet_telling *telling, struct swarm *swarm)
{
    const size_t count = mcpz_fleet_count(telling->fleet);
    const uint32_t many = (uint32_t)(count / 64 + 1);
    /* The most there are of each in a minute. */
    const uint32_t most[FAULTS_END] = {
        [KILL] = 4 * many,      [VANISH] = 2 * many,
        [PAUSE] = 32 * many,    [BREAK_LINK] = 16 * many,
        [MUTE_LINK] = 4 * many, [CUT_ZONE] = 3,
        [CUT_HALVES] = 1,       [LOSS] = 4,
        [FLIP_FLOP] = 1,        [ROLLING_RESTART] = 1,
        [MASS_CRASH] = 1,       [CONTACTS_OUT] = 1,
    };

    for (size_t i = 0; i < FAULTS_END; i++) {
        const bool is_on = mcpz_rng_below(&telling->rng, 2) == 0;
        swarm->per_minute[i] = is_on ? 1 + mcpz_rng_below(&telling->rng, most[i]) : 0;
    }
    swarm->back_us = calloc(count, sizeof(*swarm->back_us));
    if (swarm->back_us == NULL) {
        abort();
    }
    swarm->restarting = count;
}

/* ---- Machines ----------------------------------------------------------------------------- */

static void take_down(struct mcpz_fleet_telling *telling, struct swarm *swarm, size_t node,
                      bool silently)
{
    if (node >= mcpz_fleet_count(telling->fleet) ||
        mcpz_fleet_fabric(telling->fleet, node) == NULL) {
        return;
    }
    if (silently) {
        mcpz_fleet_vanish(telling->fleet, node);
    } else {
        mcpz_fleet_kill(telling->fleet, node);
    }
    swarm->back_us[node] = mcpz_fleet_now(telling->fleet) + draw_length(telling);
}

static void bring_back(struct mcpz_fleet_telling *telling, struct swarm *swarm)
{
    for (size_t i = 0; i < mcpz_fleet_count(telling->fleet); i++) {
        if (swarm->back_us[i] != 0 && swarm->back_us[i] <= mcpz_fleet_now(telling->fleet)) {
            swarm->back_us[i] = 0;
            mcpz_fleet_start(telling->fleet, i);
        }
    }
}

static void crash_many(struct mcpz_fleet_telling *telling, struct swarm *swarm)
{
    const uint32_t percent = 5 + mcpz_rng_below(&telling->rng, 50);
    const bool silently = mcpz_rng_below(&telling->rng, 2) == 0;

    for (size_t i = 0; i < mcpz_fleet_count(telling->fleet); i++) {
        if (mcpz_rng_below(&telling->rng, 100) < percent) {
            take_down(telling, swarm, i, silently);
        }
    }
}

static void take_contacts_down(struct mcpz_fleet_telling *telling, struct swarm *swarm)
{
    const size_t zone = telling->options->zone_size;
    const size_t step = zone > 0 ? zone : mcpz_fleet_count(telling->fleet);

    for (size_t i = 0; i < mcpz_fleet_count(telling->fleet); i += step) {
        take_down(telling, swarm, i, false);
    }
}

/* One after the other, 50 ms apart. */
static void restart_next(struct mcpz_fleet_telling *telling, struct swarm *swarm)
{
    while (swarm->restarting < mcpz_fleet_count(telling->fleet) &&
           swarm->restart_at_us <= mcpz_fleet_now(telling->fleet)) {
        const size_t node = swarm->restarting++;
        take_down(telling, swarm, node, false);
        swarm->back_us[node] = mcpz_fleet_now(telling->fleet) + MCPZ_MS(500);
        swarm->restart_at_us += MCPZ_MS(50);
    }
}

/* ---- The network -------------------------------------------------------------------------- */

static void set_flippers(struct mcpz_fleet_telling *telling)
{
    for (size_t i = 0; i < mcpz_fleet_count(telling->fleet); i++) {
        mcpz_fleet_set_side(telling->fleet, FLIP_CUT, i,
                            mcpz_rng_below(&telling->rng, 100) == 0 ? MCPZ_FLEET_SIDE_BOTH
                                                                    : MCPZ_FLEET_SIDE_B);
    }
}

static void flip(struct mcpz_fleet_telling *telling, struct swarm *swarm)
{
    if (swarm->flips && swarm->flip_at_us <= mcpz_fleet_now(telling->fleet)) {
        swarm->flip_is_on = !swarm->flip_is_on;
        swarm->flip_at_us = mcpz_fleet_now(telling->fleet) + FLIP_US;
        mcpz_fleet_cut(telling->fleet, FLIP_CUT, swarm->flip_is_on, true);
    }
}

static size_t free_cut(const struct swarm *swarm)
{
    size_t cut = 0;

    while (cut < FLIP_CUT && swarm->cut_end_us[cut] != 0) {
        cut++;
    }
    return cut;
}

/* One zone from all others, or all in two by lot; now and then in one direction only. */
static void cut(struct mcpz_fleet_telling *telling, struct swarm *swarm, bool is_zone)
{
    const size_t count = mcpz_fleet_count(telling->fleet);
    const size_t zone = telling->options->zone_size > 0 ? telling->options->zone_size : count;
    const size_t cut = free_cut(swarm);
    const size_t chosen = mcpz_rng_below(&telling->rng, (uint32_t)count) / zone;
    const uint32_t percent = 1 + mcpz_rng_below(&telling->rng, 50);

    if (cut == FLIP_CUT) {
        return;
    }
    for (size_t i = 0; i < count; i++) {
        const bool is_in =
            is_zone ? i / zone == chosen : mcpz_rng_below(&telling->rng, 100) < percent;
        mcpz_fleet_set_side(telling->fleet, cut, i, is_in ? MCPZ_FLEET_SIDE_A : MCPZ_FLEET_SIDE_B);
    }
    mcpz_fleet_cut(telling->fleet, cut, true, mcpz_rng_below(&telling->rng, 4) > 0);
    swarm->cut_end_us[cut] = mcpz_fleet_now(telling->fleet) + draw_length(telling);
}

static void end_cuts(struct mcpz_fleet_telling *telling, struct swarm *swarm)
{
    for (size_t i = 0; i < FLIP_CUT; i++) {
        if (swarm->cut_end_us[i] != 0 && swarm->cut_end_us[i] <= mcpz_fleet_now(telling->fleet)) {
            swarm->cut_end_us[i] = 0;
            mcpz_fleet_cut(telling->fleet, i, false, true);
        }
    }
}

/* A hundredth of the nodes sends badly; the rest a little. */
static void lose(struct mcpz_fleet_telling *telling)
{
    const uint32_t all_ppm = mcpz_rng_below(&telling->rng, 50000);

    for (size_t i = 0; i < mcpz_fleet_count(telling->fleet); i++) {
        mcpz_fleet_set_loss(telling->fleet, i,
                            mcpz_rng_below(&telling->rng, 100) == 0 ? 800000 : all_ppm);
    }
}

/* ---- All of it ---------------------------------------------------------------------------- */

static void happen(struct mcpz_fleet_telling *telling, struct swarm *swarm, enum fault fault)
{
    const size_t node = mcpz_fleet_any_running(telling);

    if (node == mcpz_fleet_count(telling->fleet)) {
        return;
    }
    switch (fault) {
    case KILL:
    case VANISH:
        take_down(telling, swarm, node, fault == VANISH);
        break;
    case PAUSE:
        mcpz_fleet_pause(telling->fleet, node, MCPZ_MS(lot(telling, 100, 20000)));
        break;
    case BREAK_LINK:
        mcpz_fleet_break_link(telling->fleet, node);
        break;
    case MUTE_LINK:
        mcpz_fleet_mute_link(telling->fleet, node);
        break;
    case CUT_ZONE:
    case CUT_HALVES:
        cut(telling, swarm, fault == CUT_ZONE);
        break;
    case LOSS:
        lose(telling);
        break;
    case FLIP_FLOP:
        swarm->flips = true;
        set_flippers(telling);
        break;
    case ROLLING_RESTART:
        if (swarm->restarting == mcpz_fleet_count(telling->fleet)) {
            swarm->restarting = 0;
            swarm->restart_at_us = mcpz_fleet_now(telling->fleet);
        }
        break;
    case MASS_CRASH:
        crash_many(telling, swarm);
        break;
    case CONTACTS_OUT:
        take_contacts_down(telling, swarm);
        break;
    case FAULTS_END:
        break;
    }
}

void mcpz_fleet_swarm(struct mcpz_fleet_telling *telling, mcpz_time for_us)
{
    const mcpz_time end_us = mcpz_fleet_now(telling->fleet) + for_us;
    const uint32_t steps = (uint32_t)(MCPZ_SECONDS(60) / STEP_US);
    struct swarm swarm = {0};

    draw(telling, &swarm);
    while (mcpz_fleet_now(telling->fleet) < end_us && mcpz_fleet_pass(telling, STEP_US)) {
        bring_back(telling, &swarm);
        end_cuts(telling, &swarm);
        flip(telling, &swarm);
        restart_next(telling, &swarm);
        for (enum fault fault = 0; fault < FAULTS_END; fault++) {
            uint32_t times = swarm.per_minute[fault] / steps;
            times += mcpz_rng_below(&telling->rng, steps) < swarm.per_minute[fault] % steps;
            for (uint32_t i = 0; i < times; i++) {
                happen(telling, &swarm, fault);
            }
        }
    }
    free(swarm.back_us);
}
