#include "sim/fleet_telling.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"

#define DETECT_S 480 /* the longest grace of a suspect: with who is not well itself */
#define BROADCASTS 16
#define TELL_LOOK_US MCPZ_MS(50)
#define TELL_US MCPZ_SECONDS(10) /* then a broadcast will not come any more */

/* ---- Time --------------------------------------------------------------------------------- */

bool mcpz_fleet_pass(struct mcpz_fleet_telling *telling, mcpz_time for_us)
{
    struct mcpz_fleet *fleet = telling->fleet;
    const mcpz_time end_us = mcpz_fleet_now(fleet) + for_us;

    while (telling->report->violated[0] == '\0') {
        mcpz_fleet_run_until(fleet, mcpz_time_min(telling->check_at_us, end_us));
        if (mcpz_fleet_now(fleet) < telling->check_at_us) {
            return true;
        }
        telling->check_at_us += MCPZ_SECONDS(1);
        if (!mcpz_fleet_is_safe(fleet, telling->report->violated)) {
            telling->report->violated_ms = mcpz_fleet_now(fleet) / 1000;
            return false;
        }
        if (telling->options->progress != NULL) {
            telling->options->progress(telling->options->context, telling->phase,
                                       mcpz_fleet_now(fleet) / MCPZ_SECONDS(1), fleet);
        }
        if (mcpz_fleet_now(fleet) == end_us) {
            return true;
        }
    }
    return false;
}

void mcpz_fleet_note(struct mcpz_fleet_telling *telling, const char *what, double value,
                     double bound)
{
    struct mcpz_fleet_report *report = telling->report;

    assert(report->measure_count < MCPZ_FLEET_MEASURES_MAX);
    report->measures[report->measure_count++] = (struct mcpz_fleet_measure){what, value, bound};
}

/* Seconds until every view is correct; below 0: not in time. */
static double seconds_until_correct(struct mcpz_fleet_telling *telling, uint32_t most_s)
{
    const mcpz_time began_us = mcpz_fleet_now(telling->fleet);
    const mcpz_time end_us = began_us + MCPZ_SECONDS(most_s);

    while (!mcpz_fleet_agrees(telling->fleet)) {
        if (mcpz_fleet_now(telling->fleet) >= end_us) {
            mcpz_fleet_describe_wrong(telling->fleet, telling->report->wrong);
            return -1;
        }
        if (!mcpz_fleet_pass(telling, MCPZ_FLEET_LOOK_US)) {
            return -1;
        }
    }
    return (double)(mcpz_fleet_now(telling->fleet) - began_us) / 1e6;
}

void mcpz_fleet_note_until_correct(struct mcpz_fleet_telling *telling, const char *what,
                                   double bound)
{
    mcpz_fleet_must(telling, MCPZ_FLEET_VERB_AGREE, 1000 * bound, 0);
    mcpz_fleet_note(telling, what, seconds_until_correct(telling, MCPZ_FLEET_SETTLE_S), bound);
}

size_t mcpz_fleet_any_running(struct mcpz_fleet_telling *telling)
{
    const size_t count = mcpz_fleet_count(telling->fleet);

    for (size_t i = 0; i < 32; i++) {
        const size_t node = mcpz_rng_below(&telling->rng, (uint32_t)count);
        if (mcpz_fleet_fabric(telling->fleet, node) != NULL) {
            return node;
        }
    }
    return count;
}

/* ---- Joining ------------------------------------------------------------------------------ */

/* First the zones' contacts, then the others in an order by lot; evenly in time. */
static void start_all(struct mcpz_fleet_telling *telling, mcpz_time over_us)
{
    const size_t count = mcpz_fleet_count(telling->fleet);
    const size_t zone = telling->options->zone_size > 0 ? telling->options->zone_size : count;
    size_t *order = calloc(count, sizeof(*order));
    size_t used = 0;

    if (order == NULL) {
        abort();
    }
    for (size_t i = 0; i < count; i += zone) {
        order[used++] = i;
    }
    const size_t contacts = used;
    for (size_t i = 0; i < count; i++) {
        if (i % zone != 0) {
            const size_t at =
                contacts + mcpz_rng_below(&telling->rng, (uint32_t)(used - contacts + 1));
            order[used++] = order[at];
            order[at] = i;
        }
    }
    const mcpz_time began_us = mcpz_fleet_now(telling->fleet);
    for (size_t i = 0; i < count; i++) {
        const mcpz_time at_us = began_us + over_us * i / count;
        if (at_us > mcpz_fleet_now(telling->fleet) &&
            !mcpz_fleet_pass(telling, at_us - mcpz_fleet_now(telling->fleet))) {
            break;
        }
        mcpz_fleet_start(telling->fleet, order[i]);
    }
    free(order);
}

static void join(struct mcpz_fleet_telling *telling)
{
    telling->phase = "joining";
    start_all(telling, MCPZ_SECONDS(60));
    mcpz_fleet_note_until_correct(telling, "s from the last join until every view is correct", 10);
    telling->phase = "settling";
    (void)mcpz_fleet_pass(telling, MCPZ_FLEET_STEADY_US);
}

void mcpz_fleet_restart_all(struct mcpz_fleet_telling *telling)
{
    for (size_t i = 0; i < mcpz_fleet_count(telling->fleet); i++) {
        if (mcpz_fleet_fabric(telling->fleet, i) == NULL) {
            mcpz_fleet_start(telling->fleet, i);
        }
    }
}

/* ---- Rates -------------------------------------------------------------------------------- */

void mcpz_fleet_begin_rate(const struct mcpz_fleet_telling *telling, struct mcpz_fleet_rate *rate)
{
    for (size_t i = 0; i < MCPZ_FLEET_COUNTERS_END; i++) {
        rate->counters[i] = mcpz_fleet_counted(telling->fleet, (enum mcpz_fleet_counter)i);
    }
    rate->since_us = mcpz_fleet_now(telling->fleet);
}

/* Since then, by node and second. */
double mcpz_fleet_read_rate(const struct mcpz_fleet_telling *telling,
                            const struct mcpz_fleet_rate *rate, enum mcpz_fleet_counter counter)
{
    const mcpz_time took_us = mcpz_fleet_now(telling->fleet) - rate->since_us;
    const uint64_t counted = mcpz_fleet_counted(telling->fleet, counter) - rate->counters[counter];

    return took_us == 0 ? 0
                        : (double)counted * 1e6 / (double)took_us /
                              (double)mcpz_fleet_count(telling->fleet);
}

double mcpz_fleet_since(const struct mcpz_fleet_telling *telling,
                        const struct mcpz_fleet_rate *rate, enum mcpz_fleet_counter counter)
{
    return (double)(mcpz_fleet_counted(telling->fleet, counter) - rate->counters[counter]);
}

/* ---- The end ------------------------------------------------------------------------------ */

/* What must be so in the end. */
enum wish { VIEWS, ONE_PART, TWO_SIDED, WISHES_END };

static bool is_so(struct mcpz_fleet_telling *telling, enum wish wish)
{
    return wish == VIEWS      ? mcpz_fleet_agrees(telling->fleet)
           : wish == ONE_PART ? mcpz_fleet_parts(telling->fleet) == 1
                              : mcpz_fleet_one_sided(telling->fleet) == 0;
}

/* `lacking` is what was not so the last time: most likely it still is not, so it comes first. */
static bool all_is_well(struct mcpz_fleet_telling *telling, enum wish *lacking)
{
    const enum wish first = *lacking;

    for (size_t i = 0; i < WISHES_END; i++) {
        *lacking = (enum wish)((first + i) % WISHES_END);
        if (!is_so(telling, *lacking)) {
            return false;
        }
    }
    return true;
}

static void describe(struct mcpz_fleet_telling *telling)
{
    char *words = telling->report->violated;

    telling->report->violated_ms = mcpz_fleet_now(telling->fleet) / 1000;
    char wrong[MCPZ_FLEET_WORDS_BYTES - sizeof("liveness: ")];
    mcpz_fleet_describe_wrong(telling->fleet, wrong);
    const char *otherwise = mcpz_fleet_parts(telling->fleet) == 1
                                ? "a link is one from one end only"
                                : "the overlay does not hang together";
    (void)snprintf(words, MCPZ_FLEET_WORDS_BYTES, "liveness: %s",
                   wrong[0] != '\0' ? wrong : otherwise);
}

/* Until all that run are well. False: not in time, or something was violated. */
static bool become_well(struct mcpz_fleet_telling *telling, const char *what, uint32_t most_s)
{
    const mcpz_time began_us = mcpz_fleet_now(telling->fleet);
    enum wish lacking = VIEWS;

    while (!all_is_well(telling, &lacking)) {
        if (mcpz_fleet_now(telling->fleet) >= began_us + MCPZ_SECONDS(most_s)) {
            describe(telling);
            return false;
        }
        if (!mcpz_fleet_pass(telling, MCPZ_FLEET_LOOK_US)) {
            return false;
        }
    }
    mcpz_fleet_note(telling, what, (double)(mcpz_fleet_now(telling->fleet) - began_us) / 1e6,
                    most_s);
    return true;
}

/* One broadcast, from anywhere. Seconds until it has reached all of its zone; below 0: never. */
static double broadcast(struct mcpz_fleet_telling *telling)
{
    const mcpz_time began_us = mcpz_fleet_now(telling->fleet);
    const size_t node = mcpz_fleet_any_running(telling);

    mcpz_fleet_broadcast(telling->fleet, node);
    while (mcpz_fleet_untold(telling->fleet) > 0) {
        if (!mcpz_fleet_pass(telling, TELL_LOOK_US)) {
            return -1;
        }
        if (mcpz_fleet_now(telling->fleet) >= began_us + TELL_US) {
            telling->report->violated_ms = mcpz_fleet_now(telling->fleet) / 1000;
            (void)snprintf(telling->report->violated, sizeof(telling->report->violated),
                           "liveness: a broadcast of node %zu did not reach %zu nodes", node,
                           mcpz_fleet_untold(telling->fleet));
            return -1;
        }
    }
    return (double)(mcpz_fleet_now(telling->fleet) - began_us) / 1e6;
}

/* Broadcasts reach everybody; the first of them shape the tree, the others cost no more than it.
 */
static void broadcasts(struct mcpz_fleet_telling *telling)
{
    double slowest = 0;
    struct mcpz_fleet_rate rate;

    telling->phase = "broadcasts";
    (void)mcpz_fleet_pass(
        telling, MCPZ_FLEET_STEADY_US); /* what a link lost before is made good meanwhile */
    for (size_t i = 0; i < BROADCASTS; i++) {
        if (i == BROADCASTS / 2) {
            mcpz_fleet_begin_rate(telling, &rate);
        }
        const double took = broadcast(telling);
        if (took < 0) {
            return;
        }
        slowest = took > slowest ? took : slowest;
    }
    const double delivered = mcpz_fleet_since(telling, &rate, MCPZ_FLEET_DELIVERED);
    mcpz_fleet_note(telling, "s until the slowest broadcast has reached its zone", slowest, 3);
    mcpz_fleet_note(telling, "payloads sent for one that is new",
                    mcpz_fleet_since(telling, &rate, MCPZ_FLEET_PAYLOADS) / delivered, 1.5);
}

/* The contacts of zones, without whom nobody who starts finds anybody. */
static void restart_contacts(struct mcpz_fleet_telling *telling)
{
    const size_t count = mcpz_fleet_count(telling->fleet);
    const size_t zone = telling->options->zone_size > 0 ? telling->options->zone_size : count;

    for (size_t i = 0; i < count; i++) {
        if (i % zone < 2 && mcpz_fleet_fabric(telling->fleet, i) == NULL) {
            mcpz_fleet_start(telling->fleet, i);
        }
    }
}

static void liveness(struct mcpz_fleet_telling *telling)
{
    telling->phase = "healed";
    /* As it ends all do who were the same before, whatever was drawn meanwhile. */
    mcpz_rng_init(&telling->rng, mcpz_hash_mix(telling->seed ^ UINT64_C(0x656e64)));
    mcpz_fleet_heal(telling->fleet);
    restart_contacts(telling);
    if (!become_well(telling, "s from healing until all agree on who is there", DETECT_S)) {
        return;
    }
    telling->phase = "all back";
    mcpz_fleet_restart_all(telling);
    if (become_well(telling, "s from then until all that came back are", MCPZ_FLEET_LIVENESS_S)) {
        broadcasts(telling);
    }
}

static void sum_up(struct mcpz_fleet_telling *telling)
{
    struct mcpz_fleet_report *report = telling->report;

    for (size_t i = 0; i < MCPZ_FLEET_COUNTERS_END; i++) {
        report->counters[i] = mcpz_fleet_counted(telling->fleet, (enum mcpz_fleet_counter)i);
    }
    mcpz_fleet_count_sometimes(telling->fleet, report->sometimes);
    report->hash = mcpz_fleet_hash(telling->fleet);
    report->virtual_ms = mcpz_fleet_now(telling->fleet) / 1000;
    report->bytes_per_node = mcpz_fleet_bytes_per_node(telling->fleet);
}

void mcpz_fleet_open(struct mcpz_fleet_telling *telling, const struct mcpz_fleet_config *config)
{
    *telling->report = (struct mcpz_fleet_report){0};
    telling->fleet = mcpz_fleet_create(config);
    mcpz_rng_init(&telling->rng, mcpz_hash_mix(config->seed ^ UINT64_C(0x73746f7279)));
    telling->check_at_us = mcpz_fleet_now(telling->fleet) + MCPZ_SECONDS(1);
    join(telling);
    telling->stands_us = mcpz_fleet_now(telling->fleet);
}

void mcpz_fleet_close(struct mcpz_fleet_telling *telling)
{
    if (telling->report->violated[0] == '\0') {
        liveness(telling);
    }
    sum_up(telling);
    mcpz_fleet_destroy(telling->fleet);
}
