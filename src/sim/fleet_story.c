#include "sim/fleet_story.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "sim/fleet_telling.h"

#define LOOK_US MCPZ_MS(250) /* how closely we look for views that agree */
#define SETTLE_S 120
#define DETECT_S 480 /* the longest grace of a suspect: with who is not well itself */
#define STEADY_US MCPZ_SECONDS(30)
#define CHURN_US MCPZ_SECONDS(1) /* an id comes and another goes */
#define CUT_US MCPZ_SECONDS(90)
#define GOODBYE_US MCPZ_MS(100)
#define DARK_US MCPZ_SECONDS(15)
#define STOP_US MCPZ_SECONDS(60)
#define SLEEP_US MCPZ_SECONDS(40)
#define WAKE_AGREED_S 60 /* the least grace, for as long as who has slept is not well itself */
#define STOP_AGREED_S 8  /* issue of membership: who stops is agreed to have failed */
#define BUSY_US MCPZ_SECONDS(60)
#define BROADCASTS 16
#define MANY 10000
#define NODE_BYTES_MAX 20480 /* protocols.md 6 */
#define TELL_LOOK_US MCPZ_MS(50)
#define TELL_US MCPZ_SECONDS(10) /* then a broadcast will not come any more */

static const char *const story_words[] = {
#define X(name, word, minutes, help) word,
    MCPZ_FLEET_STORIES(X)
#undef X
};

static const char *const story_helps[] = {
#define X(name, word, minutes, help) help,
    MCPZ_FLEET_STORIES(X)
#undef X
};

static const uint8_t story_minutes[] = {
#define X(name, word, minutes, help) minutes,
    MCPZ_FLEET_STORIES(X)
#undef X
};

const char *mcpz_fleet_story_word(enum mcpz_fleet_story story)
{
    assert(story < MCPZ_FLEET_STORIES_END);
    return story_words[story];
}

const char *mcpz_fleet_story_help(enum mcpz_fleet_story story)
{
    assert(story < MCPZ_FLEET_STORIES_END);
    return story_helps[story];
}

bool mcpz_fleet_measure_is_ok(const struct mcpz_fleet_measure *measure)
{
    return measure->value >= 0 && (measure->bound < 0 || measure->value <= measure->bound);
}

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

    while (mcpz_fleet_wrong_views(telling->fleet, 1) > 0) {
        if (mcpz_fleet_now(telling->fleet) >= end_us) {
            mcpz_fleet_describe_wrong(telling->fleet, telling->report->wrong);
            return -1;
        }
        if (!mcpz_fleet_pass(telling, LOOK_US)) {
            return -1;
        }
    }
    return (double)(mcpz_fleet_now(telling->fleet) - began_us) / 1e6;
}

static void note_until_correct(struct mcpz_fleet_telling *telling, const char *what, double bound)
{
    mcpz_fleet_note(telling, what, seconds_until_correct(telling, SETTLE_S), bound);
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
    note_until_correct(telling, "s from the last join until every view is correct", 10);
    telling->phase = "settling";
    (void)mcpz_fleet_pass(telling, STEADY_US);
}

/* ---- Rates -------------------------------------------------------------------------------- */

struct rate {
    uint64_t counters[MCPZ_FLEET_COUNTERS_END];
    mcpz_time since_us;
};

static void begin_rate(const struct mcpz_fleet_telling *telling, struct rate *rate)
{
    for (size_t i = 0; i < MCPZ_FLEET_COUNTERS_END; i++) {
        rate->counters[i] = mcpz_fleet_counted(telling->fleet, (enum mcpz_fleet_counter)i);
    }
    rate->since_us = mcpz_fleet_now(telling->fleet);
}

/* Since then, by node and second. */
static double read_rate(const struct mcpz_fleet_telling *telling, const struct rate *rate,
                        enum mcpz_fleet_counter counter)
{
    const mcpz_time took_us = mcpz_fleet_now(telling->fleet) - rate->since_us;
    const uint64_t counted = mcpz_fleet_counted(telling->fleet, counter) - rate->counters[counter];

    return took_us == 0 ? 0
                        : (double)counted * 1e6 / (double)took_us /
                              (double)mcpz_fleet_count(telling->fleet);
}

static double since(const struct mcpz_fleet_telling *telling, const struct rate *rate,
                    enum mcpz_fleet_counter counter)
{
    return (double)(mcpz_fleet_counted(telling->fleet, counter) - rate->counters[counter]);
}

/* ---- The stories -------------------------------------------------------------------------- */

static void tell_idle(struct mcpz_fleet_telling *telling)
{
    struct rate rate;

    begin_rate(telling, &rate);
    (void)mcpz_fleet_pass(telling, telling->minutes_us);
    mcpz_fleet_note(telling, "bytes a node and second, idle",
                    read_rate(telling, &rate, MCPZ_FLEET_BYTES), 3000);
    mcpz_fleet_note(telling, "of them heartbeats",
                    read_rate(telling, &rate, MCPZ_FLEET_PING_BYTES), -1);
    mcpz_fleet_note(telling, "of them gossip", read_rate(telling, &rate, MCPZ_FLEET_GOSSIP_BYTES),
                    -1);
    mcpz_fleet_note(telling, "of them overlay",
                    read_rate(telling, &rate, MCPZ_FLEET_OVERLAY_BYTES), -1);
    mcpz_fleet_note(telling, "core events a node and second",
                    read_rate(telling, &rate, MCPZ_FLEET_EVENTS), -1);
    mcpz_fleet_note(telling, "suspicions", since(telling, &rate, MCPZ_FLEET_SUSPECTED), 0);
    /* What all nodes share tells only where they are few. */
    mcpz_fleet_note(telling, "bytes of memory a node",
                    (double)mcpz_fleet_bytes_per_node(telling->fleet),
                    mcpz_fleet_count(telling->fleet) >= MANY ? NODE_BYTES_MAX : -1);
}

typedef void (*stopper)(struct mcpz_fleet *fleet, size_t node);

static void stop_share(struct mcpz_fleet_telling *telling, stopper stop)
{
    const size_t share = (mcpz_fleet_count(telling->fleet) + 99) / 100;

    for (size_t i = 0; i < share; i++) {
        const size_t node = mcpz_fleet_any_running(telling);
        if (node < mcpz_fleet_count(telling->fleet)) {
            stop(telling->fleet, node);
        }
    }
}

static void restart_all(struct mcpz_fleet_telling *telling)
{
    for (size_t i = 0; i < mcpz_fleet_count(telling->fleet); i++) {
        if (mcpz_fleet_fabric(telling->fleet, i) == NULL) {
            mcpz_fleet_start(telling->fleet, i);
        }
    }
}

/* Who does not run hears of nobody's death. By the time it wakes the others have done with it. */
static void kill_in_sleep(struct mcpz_fleet_telling *telling)
{
    mcpz_fleet_pause(telling->fleet, mcpz_fleet_any_running(telling), SLEEP_US);
    (void)mcpz_fleet_pass(telling, SLEEP_US / 2);
    stop_share(telling, mcpz_fleet_kill);
    (void)mcpz_fleet_pass(telling, SLEEP_US / 2);
    note_until_correct(telling, "s from waking after 1 % were killed until every view is correct",
                       WAKE_AGREED_S);
}

static void tell_crash(struct mcpz_fleet_telling *telling)
{
    struct rate rate;

    begin_rate(telling, &rate);
    telling->phase = "1 % killed";
    stop_share(telling, mcpz_fleet_kill);
    note_until_correct(telling, "s from killing 1 % until every view is correct", 20);
    (void)mcpz_fleet_pass(telling, STEADY_US);
    telling->phase = "1 % vanished";
    stop_share(telling, mcpz_fleet_vanish);
    note_until_correct(telling, "s from 1 % vanishing until every view is correct", 20);
    (void)mcpz_fleet_pass(telling, STEADY_US);
    telling->phase = "back";
    restart_all(telling);
    note_until_correct(telling, "s from their return until every view is correct", 20);
    mcpz_fleet_note(telling, "live nodes convicted",
                    since(telling, &rate, MCPZ_FLEET_CONVICTED_LIVE), 0);
    (void)mcpz_fleet_pass(telling, STEADY_US);
    telling->phase = "1 % killed while one sleeps";
    kill_in_sleep(telling);
}

/* Cut all nodes in two, by the bit that `side` gives, for a while. */
static void cut_in_two(struct mcpz_fleet_telling *telling, size_t divisor)
{
    struct mcpz_fleet *fleet = telling->fleet;

    for (size_t i = 0; i < mcpz_fleet_count(fleet); i++) {
        mcpz_fleet_set_side(fleet, 0, i,
                            i / divisor % 2 == 0 ? MCPZ_FLEET_SIDE_A : MCPZ_FLEET_SIDE_B);
    }
    mcpz_fleet_cut(fleet, 0, true, true);
    (void)mcpz_fleet_pass(telling, CUT_US);
    mcpz_fleet_cut(fleet, 0, false, true);
}

/* Somebody does not run for a moment: everybody about every five seconds. */
static bool be_busy(struct mcpz_fleet_telling *telling, mcpz_time for_us)
{
    const size_t count = mcpz_fleet_count(telling->fleet);
    const mcpz_time end_us = mcpz_fleet_now(telling->fleet) + for_us;

    while (mcpz_fleet_now(telling->fleet) < end_us) {
        for (size_t i = 0; i < count; i++) {
            if (mcpz_rng_below(&telling->rng, MCPZ_SECONDS(5) / MCPZ_MS(50)) == 0) {
                mcpz_fleet_pause(telling->fleet, i,
                                 1 + mcpz_rng_below(&telling->rng, (uint32_t)MCPZ_MS(300)));
            }
        }
        if (!mcpz_fleet_pass(telling, MCPZ_MS(50))) {
            return false;
        }
    }
    return true;
}

/* Seconds until nobody believes in a node that stops now; below 0: somebody still does. */
static double seconds_until_failed(struct mcpz_fleet_telling *telling, size_t node)
{
    const mcpz_time began_us = mcpz_fleet_now(telling->fleet);

    mcpz_fleet_pause(telling->fleet, node, STOP_US);
    while (mcpz_fleet_believers(telling->fleet, node) > 0) {
        if (mcpz_fleet_now(telling->fleet) >= began_us + STOP_US ||
            !mcpz_fleet_pass(telling, MCPZ_MS(50))) {
            return -1;
        }
    }
    return (double)(mcpz_fleet_now(telling->fleet) - began_us) / 1e6;
}

static void stop_one(struct mcpz_fleet_telling *telling, const char *what)
{
    const mcpz_time began_us = mcpz_fleet_now(telling->fleet);

    mcpz_fleet_note(telling, what, seconds_until_failed(telling, mcpz_fleet_any_running(telling)),
                    STOP_AGREED_S);
    (void)mcpz_fleet_pass(telling, began_us + STOP_US - mcpz_fleet_now(telling->fleet));
    note_until_correct(telling, "s from when it goes on until every view is correct", 20);
}

static void tell_stop(struct mcpz_fleet_telling *telling)
{
    struct rate rate;

    begin_rate(telling, &rate);
    telling->phase = "one stopped";
    stop_one(telling, "s from stopping one until all agree that it failed");
    telling->phase = "all busy";
    if (!be_busy(telling, BUSY_US)) {
        return;
    }
    telling->phase = "one stopped";
    stop_one(telling, "s from stopping one, all having been busy, until all agree");
    mcpz_fleet_note(telling, "live nodes convicted, the stopped ones included",
                    since(telling, &rate, MCPZ_FLEET_CONVICTED_LIVE), 2);
}

static double seconds_until_one(struct mcpz_fleet_telling *telling)
{
    const mcpz_time began_us = mcpz_fleet_now(telling->fleet);

    while (mcpz_fleet_parts(telling->fleet) > 1) {
        if (mcpz_fleet_now(telling->fleet) >= began_us + MCPZ_SECONDS(SETTLE_S) ||
            !mcpz_fleet_pass(telling, LOOK_US)) {
            return -1;
        }
    }
    return (double)(mcpz_fleet_now(telling->fleet) - began_us) / 1e6;
}

static void tell_cut(struct mcpz_fleet_telling *telling)
{
    if (telling->options->zone_size > 0 &&
        telling->options->zone_size < mcpz_fleet_count(telling->fleet)) {
        telling->phase = "zones cut";
        cut_in_two(telling, telling->options->zone_size);
        mcpz_fleet_note(telling, "s from the end of a cut between zones until all hangs together",
                        seconds_until_one(telling), 60);
        note_until_correct(telling, "s from then until every view is correct", 20);
        (void)mcpz_fleet_pass(telling, STEADY_US);
    }
    telling->phase = "every zone cut";
    cut_in_two(telling, 1);
    note_until_correct(telling,
                       "s from the end of a cut through all zones until views are correct", 20);
}

/* A power cut. Nobody remembers anybody: they find each other by their contacts alone. */
static void tell_blackout(struct mcpz_fleet_telling *telling)
{
    struct mcpz_fleet *fleet = telling->fleet;
    const size_t count = mcpz_fleet_count(fleet);
    const size_t zone = telling->options->zone_size > 0 ? telling->options->zone_size : count;

    for (size_t i = 0; i < count; i++) {
        mcpz_fleet_kill(fleet, i);
    }
    (void)mcpz_fleet_pass(telling, DARK_US);
    for (size_t i = 0; i < count; i++) {
        if (i % zone > 0) {
            mcpz_fleet_start(fleet, i);
        }
    }
    (void)mcpz_fleet_pass(telling, DARK_US);
    restart_all(telling);
    note_until_correct(telling, "s from the contacts' return until every view is correct", 20);
}

/* How often somebody other than `node` has had to say that it lives. */
static uint64_t refutations(const struct mcpz_fleet_telling *telling, size_t node)
{
    const struct mcpz_fabric *fabric = mcpz_fleet_fabric(telling->fleet, node);

    return mcpz_fleet_counted(telling->fleet, MCPZ_FLEET_REFUTED) -
           mcpz_members_self(&fabric->members)->incarnation;
}

/* Who cannot reach somebody must not persuade those who can; who can reach nobody, nobody. */
static void tell_apart(struct mcpz_fleet_telling *telling)
{
    struct mcpz_fleet *fleet = telling->fleet;
    const size_t count = mcpz_fleet_count(fleet);
    const size_t scopes = (count + 63) / 64;
    const size_t lonely = mcpz_fleet_any_running(telling);
    struct rate rate;

    telling->phase = "two parts apart";
    for (size_t i = 0; i < count; i++) {
        const uint32_t lot = mcpz_rng_below(&telling->rng, 5) / 2;
        mcpz_fleet_set_side(fleet, 0, i,
                            lot == 0   ? MCPZ_FLEET_SIDE_A
                            : lot == 1 ? MCPZ_FLEET_SIDE_B
                                       : MCPZ_FLEET_SIDE_NONE);
    }
    begin_rate(telling, &rate);
    mcpz_fleet_cut(fleet, 0, true, true);
    (void)mcpz_fleet_pass(telling, CUT_US);
    mcpz_fleet_cut(fleet, 0, false, true);
    (void)mcpz_fleet_pass(telling, STEADY_US);
    mcpz_fleet_note(telling, "nodes convicted that a fifth could reach",
                    since(telling, &rate, MCPZ_FLEET_CONVICTED_LIVE),
                    2 * (double)scopes); /* whose neighbours are all across */

    telling->phase = "one cut off";
    for (size_t i = 0; i < count; i++) {
        mcpz_fleet_set_side(fleet, 0, i, i == lonely ? MCPZ_FLEET_SIDE_A : MCPZ_FLEET_SIDE_B);
    }
    const uint64_t before = refutations(telling, lonely);
    mcpz_fleet_cut(fleet, 0, true, true);
    (void)mcpz_fleet_pass(telling, CUT_US);
    mcpz_fleet_cut(fleet, 0, false, true);
    note_until_correct(telling, "s from the return of one until every view is correct", 20);
    (void)mcpz_fleet_pass(telling, STEADY_US);
    mcpz_fleet_note(telling, "others that had to say that they live",
                    (double)(refutations(telling, lonely) - before), 8);
}

static void tell_pause(struct mcpz_fleet_telling *telling)
{
    struct mcpz_fleet *fleet = telling->fleet;
    const size_t count = mcpz_fleet_count(fleet);
    const mcpz_time end_us = mcpz_fleet_now(fleet) + telling->minutes_us;
    struct rate rate;

    begin_rate(telling, &rate);
    for (size_t i = 0; i < count; i++) {
        mcpz_fleet_set_loss(fleet, i, 20000);
    }
    while (mcpz_fleet_now(fleet) < end_us && mcpz_fleet_pass(telling, MCPZ_MS(50))) {
        for (size_t i = 0; i < count; i++) { /* once a minute each */
            if (mcpz_rng_below(&telling->rng, 1200) == 0) {
                mcpz_fleet_pause(fleet, i,
                                 1 + mcpz_rng_below(&telling->rng, (uint32_t)MCPZ_SECONDS(2)));
            }
        }
    }
    mcpz_fleet_note(telling, "live nodes convicted",
                    since(telling, &rate, MCPZ_FLEET_CONVICTED_LIVE), 0);
    mcpz_fleet_note(telling, "suspicions a node and minute",
                    60 * read_rate(telling, &rate, MCPZ_FLEET_SUSPECTED), -1);
    mcpz_fleet_note(telling, "bytes a node and second",
                    read_rate(telling, &rate, MCPZ_FLEET_BYTES), -1);
}

static void tell_starve(struct mcpz_fleet_telling *telling)
{
    struct mcpz_fleet *fleet = telling->fleet;
    const size_t count = mcpz_fleet_count(fleet);
    struct rate rate;

    begin_rate(telling, &rate);
    (void)mcpz_fleet_pass(telling, MCPZ_SECONDS(60));
    const double idle = read_rate(telling, &rate, MCPZ_FLEET_BYTES);
    const mcpz_time end_us = mcpz_fleet_now(fleet) + telling->minutes_us;

    begin_rate(telling, &rate);
    while (mcpz_fleet_now(fleet) < end_us) {
        for (size_t i = 0; i < count; i += 5) {
            mcpz_fleet_pause(fleet, i, MCPZ_SECONDS(8));
        }
        if (!mcpz_fleet_pass(telling, MCPZ_SECONDS(8) + MCPZ_MS(50))) {
            return;
        }
    }
    mcpz_fleet_note(telling, "healthy nodes convicted by healthy ones",
                    since(telling, &rate, MCPZ_FLEET_BURIED_STEADY), 0);
    mcpz_fleet_note(telling, "live nodes convicted, starved ones included",
                    since(telling, &rate, MCPZ_FLEET_CONVICTED_LIVE), -1);
    mcpz_fleet_note(telling, "traffic, times idle",
                    read_rate(telling, &rate, MCPZ_FLEET_BYTES) / (idle > 0 ? idle : 1), 2);
}

static void tell_churn(struct mcpz_fleet_telling *telling)
{
    struct mcpz_fleet *fleet = telling->fleet;
    const size_t count = mcpz_fleet_count(fleet);
    const size_t zone = telling->options->zone_size > 0 ? telling->options->zone_size : count;
    const size_t turns = telling->minutes_us / CHURN_US;
    size_t rows = 0;

    assert(zone > 2 && count > 2);
    for (size_t i = 0; i < turns && telling->report->violated[0] == '\0'; i++) {
        /* The contacts stay: who is given an address that is gone for good never joins. */
        size_t node = 0;
        while (node % zone < 2) {
            node = mcpz_rng_below(&telling->rng, (uint32_t)count);
        }
        const uint32_t lot = mcpz_rng_below(&telling->rng, 4);
        if (lot == 0) {
            mcpz_fleet_leave(fleet, node);
            (void)mcpz_fleet_pass(telling, GOODBYE_US);
        }
        if (lot == 1) {
            mcpz_fleet_vanish(fleet, node);
        } else {
            mcpz_fleet_kill(fleet, node);
        }
        (void)mcpz_fleet_pass(telling, CHURN_US);
        mcpz_fleet_replace(fleet, node);
        mcpz_fleet_start(fleet, node);
        const size_t held = mcpz_fleet_fabric(fleet, (node + 1) % count)->members.roster.count;
        rows = held > rows ? held : rows;
    }
    mcpz_fleet_note(telling, "rows in the largest table", (double)rows, -1);
    note_until_correct(telling, "s from the last change until every view is correct", 30);
    mcpz_fleet_note(telling, "live nodes convicted",
                    (double)mcpz_fleet_counted(fleet, MCPZ_FLEET_CONVICTED_LIVE), 0);
}

static void tell(struct mcpz_fleet_telling *telling)
{
    switch (telling->options->story) {
    case MCPZ_FLEET_STORY_SWARM:
        mcpz_fleet_swarm(telling, telling->minutes_us);
        break;
    case MCPZ_FLEET_STORY_IDLE:
        tell_idle(telling);
        break;
    case MCPZ_FLEET_STORY_JOIN:
        break;
    case MCPZ_FLEET_STORY_CRASH:
        tell_crash(telling);
        break;
    case MCPZ_FLEET_STORY_STOP:
        tell_stop(telling);
        break;
    case MCPZ_FLEET_STORY_CUT:
        tell_cut(telling);
        break;
    case MCPZ_FLEET_STORY_BLACKOUT:
        tell_blackout(telling);
        break;
    case MCPZ_FLEET_STORY_APART:
        tell_apart(telling);
        break;
    case MCPZ_FLEET_STORY_PAUSE:
        tell_pause(telling);
        break;
    case MCPZ_FLEET_STORY_STARVE:
        tell_starve(telling);
        break;
    case MCPZ_FLEET_STORY_CHURN:
        tell_churn(telling);
        break;
    case MCPZ_FLEET_STORIES_END:
        break;
    }
}

/* ---- The end ------------------------------------------------------------------------------ */

static bool all_is_well(struct mcpz_fleet_telling *telling)
{
    return mcpz_fleet_wrong_views(telling->fleet, 1) == 0 &&
           mcpz_fleet_parts(telling->fleet) == 1 && mcpz_fleet_one_sided(telling->fleet) == 0;
}

static void describe(struct mcpz_fleet_telling *telling)
{
    char *words = telling->report->violated;

    telling->report->violated_ms = mcpz_fleet_now(telling->fleet) / 1000;
    mcpz_fleet_describe_wrong(telling->fleet, words);
    if (words[0] == '\0') {
        const bool is_whole = mcpz_fleet_parts(telling->fleet) == 1;
        (void)snprintf(words, MCPZ_FLEET_WORDS_BYTES, "%s",
                       is_whole ? "liveness: a link is one from one end only"
                                : "liveness: the overlay does not hang together");
    }
}

/* Until all that run are well. False: not in time, or something was violated. */
static bool become_well(struct mcpz_fleet_telling *telling, const char *what, uint32_t most_s)
{
    const mcpz_time began_us = mcpz_fleet_now(telling->fleet);

    while (!all_is_well(telling)) {
        if (mcpz_fleet_now(telling->fleet) >= began_us + MCPZ_SECONDS(most_s)) {
            describe(telling);
            return false;
        }
        if (!mcpz_fleet_pass(telling, LOOK_US)) {
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
    struct rate rate;

    telling->phase = "broadcasts";
    (void)mcpz_fleet_pass(telling, STEADY_US); /* what a link lost before is made good meanwhile */
    for (size_t i = 0; i < BROADCASTS; i++) {
        if (i == BROADCASTS / 2) {
            begin_rate(telling, &rate);
        }
        const double took = broadcast(telling);
        if (took < 0) {
            return;
        }
        slowest = took > slowest ? took : slowest;
    }
    const double delivered = since(telling, &rate, MCPZ_FLEET_DELIVERED);
    mcpz_fleet_note(telling, "s until the slowest broadcast has reached its zone", slowest, 3);
    mcpz_fleet_note(telling, "payloads sent for one that is new",
                    since(telling, &rate, MCPZ_FLEET_PAYLOADS) / delivered, 1.5);
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
    mcpz_fleet_heal(telling->fleet);
    restart_contacts(telling);
    if (!become_well(telling, "s from healing until all agree on who is there", DETECT_S)) {
        return;
    }
    telling->phase = "all back";
    restart_all(telling);
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

void mcpz_fleet_tell(const struct mcpz_fleet_options *options, struct mcpz_fleet_report *report)
{
    const uint64_t minutes =
        options->minutes > 0 ? options->minutes : story_minutes[options->story];
    const bool churns = options->story == MCPZ_FLEET_STORY_CHURN;
    const struct mcpz_fleet_config config = {
        .node_count = options->node_count,
        .zone_size = options->zone_size,
        .seed = options->seed,
        .identity_count = churns ? options->node_count + MCPZ_SECONDS(60) * minutes / CHURN_US : 0,
    };
    struct mcpz_fleet_telling telling = {
        .options = options,
        .report = report,
        .fleet = mcpz_fleet_create(&config),
        .minutes_us = MCPZ_SECONDS(60) * minutes,
    };

    *report = (struct mcpz_fleet_report){0};
    mcpz_rng_init(&telling.rng, mcpz_hash_mix(options->seed ^ UINT64_C(0x73746f7279)));
    telling.check_at_us = mcpz_fleet_now(telling.fleet) + MCPZ_SECONDS(1);
    join(&telling);
    if (report->violated[0] == '\0') {
        telling.phase = mcpz_fleet_story_word(options->story);
        tell(&telling);
    }
    if (report->violated[0] == '\0') {
        liveness(&telling);
    }
    sum_up(&telling);
    mcpz_fleet_destroy(telling.fleet);
}
