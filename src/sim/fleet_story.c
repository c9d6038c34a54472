#include "sim/fleet_story.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/fleet_telling.h"

#define CHURN_US MCPZ_SECONDS(1) /* an id comes and another goes */
#define CUT_US MCPZ_SECONDS(90)
#define GOODBYE_US MCPZ_MS(100)
#define DARK_US MCPZ_SECONDS(15)
#define STOP_US MCPZ_SECONDS(60)
#define SLEEP_US MCPZ_SECONDS(40)
#define WAKE_AGREED_S 60 /* the least grace, for as long as who has slept is not well itself */
#define STOP_AGREED_S 8  /* issue of membership: who stops is agreed to have failed */
#define LOST_AGREED_S 15 /* of several who vanish at once: one cause is likelier, and may pass */
#define BUSY_US MCPZ_SECONDS(60)
#define MANY 10000
#define NODE_BYTES_MAX 20480 /* protocols.md 6 */

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

/* ---- The stories -------------------------------------------------------------------------- */

static void tell_idle(struct mcpz_fleet_telling *telling)
{
    struct mcpz_fleet_rate rate;

    mcpz_fleet_begin_rate(telling, &rate);
    (void)mcpz_fleet_pass(telling, telling->minutes_us);
    mcpz_fleet_note(telling, "bytes a node and second, idle",
                    mcpz_fleet_read_rate(telling, &rate, MCPZ_FLEET_BYTES), 3000);
    mcpz_fleet_note(telling, "of them heartbeats",
                    mcpz_fleet_read_rate(telling, &rate, MCPZ_FLEET_PING_BYTES), -1);
    mcpz_fleet_note(telling, "of them gossip",
                    mcpz_fleet_read_rate(telling, &rate, MCPZ_FLEET_GOSSIP_BYTES), -1);
    mcpz_fleet_note(telling, "of them overlay",
                    mcpz_fleet_read_rate(telling, &rate, MCPZ_FLEET_OVERLAY_BYTES), -1);
    mcpz_fleet_note(telling, "core events a node and second",
                    mcpz_fleet_read_rate(telling, &rate, MCPZ_FLEET_EVENTS), -1);
    mcpz_fleet_note(telling, "suspicions", mcpz_fleet_since(telling, &rate, MCPZ_FLEET_SUSPECTED),
                    0);
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

/* Who does not run hears of nobody's death. By the time it wakes the others have done with it. */
static void kill_in_sleep(struct mcpz_fleet_telling *telling)
{
    mcpz_fleet_pause(telling->fleet, mcpz_fleet_any_running(telling), SLEEP_US);
    (void)mcpz_fleet_pass(telling, SLEEP_US / 2);
    stop_share(telling, mcpz_fleet_kill);
    (void)mcpz_fleet_pass(telling, SLEEP_US / 2);
    mcpz_fleet_note_until_correct(
        telling, "s from waking after 1 % were killed until every view is correct", WAKE_AGREED_S);
}

static void tell_crash(struct mcpz_fleet_telling *telling)
{
    struct mcpz_fleet_rate rate;

    mcpz_fleet_begin_rate(telling, &rate);
    mcpz_fleet_must(telling, MCPZ_FLEET_VERB_SPARE, 0, 0);
    telling->phase = "1 % killed";
    stop_share(telling, mcpz_fleet_kill);
    mcpz_fleet_note_until_correct(telling, "s from killing 1 % until every view is correct", 20);
    (void)mcpz_fleet_pass(telling, MCPZ_FLEET_STEADY_US);
    telling->phase = "1 % vanished";
    stop_share(telling, mcpz_fleet_vanish);
    mcpz_fleet_note_until_correct(telling, "s from 1 % vanishing until every view is correct", 20);
    (void)mcpz_fleet_pass(telling, MCPZ_FLEET_STEADY_US);
    telling->phase = "back";
    mcpz_fleet_restart_all(telling);
    mcpz_fleet_note_until_correct(telling, "s from their return until every view is correct", 20);
    mcpz_fleet_note(telling, "live nodes convicted",
                    mcpz_fleet_since(telling, &rate, MCPZ_FLEET_CONVICTED_LIVE), 0);
    mcpz_fleet_must(telling, MCPZ_FLEET_VERB_SPARE, UINT32_MAX, 0);
    (void)mcpz_fleet_pass(telling, MCPZ_FLEET_STEADY_US);
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
                                 MCPZ_MS(1 + mcpz_rng_below(&telling->rng, 300)));
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

    const size_t node = mcpz_fleet_any_running(telling);

    mcpz_fleet_must(telling, MCPZ_FLEET_VERB_FAILED, (double)node, 1000 * STOP_AGREED_S);
    mcpz_fleet_note(telling, what, seconds_until_failed(telling, node), STOP_AGREED_S);
    (void)mcpz_fleet_pass(telling, began_us + STOP_US - mcpz_fleet_now(telling->fleet));
    mcpz_fleet_note_until_correct(telling, "s from when it goes on until every view is correct",
                                  20);
}

static void tell_stop(struct mcpz_fleet_telling *telling)
{
    struct mcpz_fleet_rate rate;

    mcpz_fleet_begin_rate(telling, &rate);
    mcpz_fleet_must(telling, MCPZ_FLEET_VERB_SPARE, 2, 0);
    telling->phase = "one stopped";
    stop_one(telling, "s from stopping one until all agree that it failed");
    telling->phase = "all busy";
    if (!be_busy(telling, BUSY_US)) {
        return;
    }
    telling->phase = "one stopped";
    stop_one(telling, "s from stopping one, all having been busy, until all agree");
    mcpz_fleet_note(telling, "live nodes convicted, the stopped ones included",
                    mcpz_fleet_since(telling, &rate, MCPZ_FLEET_CONVICTED_LIVE), 2);
}

/* Of the first zone, but not its contact: so many vanish at once. */
static void lose(struct mcpz_fleet_telling *telling, size_t count, const char *what)
{
    struct mcpz_fleet *fleet = telling->fleet;
    const size_t all = mcpz_fleet_count(fleet);
    const size_t zone = telling->options->zone_size > 0 ? telling->options->zone_size : all;
    const mcpz_time began_us = mcpz_fleet_now(fleet);

    for (size_t lost = 0; lost < count && lost + 2 < zone;) {
        const size_t node = 1 + mcpz_rng_below(&telling->rng, (uint32_t)zone - 1);
        if (mcpz_fleet_fabric(fleet, node) != NULL) {
            mcpz_fleet_vanish(fleet, node);
            lost++;
        }
    }
    mcpz_fleet_note_until_correct(telling, what, LOST_AGREED_S);
    (void)mcpz_fleet_pass(telling, began_us + STOP_US - mcpz_fleet_now(fleet));
    mcpz_fleet_restart_all(telling);
    mcpz_fleet_note_until_correct(telling, "s from their return until every view is correct", 20);
    (void)mcpz_fleet_pass(telling, MCPZ_FLEET_STEADY_US);
}

static void tell_lost(struct mcpz_fleet_telling *telling)
{
    const size_t all = mcpz_fleet_count(telling->fleet);
    const size_t zone = telling->options->zone_size > 0 ? telling->options->zone_size : all;
    struct mcpz_fleet_rate rate;

    mcpz_fleet_begin_rate(telling, &rate);
    telling->phase = "three lost";
    lose(telling, 3, "s from three vanishing at once until all agree that they failed");
    telling->phase = "a tenth lost";
    lose(telling, (zone + 9) / 10, "s from a tenth vanishing at once until all agree");
    mcpz_fleet_note(telling, "live nodes convicted",
                    mcpz_fleet_since(telling, &rate, MCPZ_FLEET_CONVICTED_LIVE), 0);
}

static double seconds_until_one(struct mcpz_fleet_telling *telling)
{
    const mcpz_time began_us = mcpz_fleet_now(telling->fleet);

    while (mcpz_fleet_parts(telling->fleet) > 1) {
        if (mcpz_fleet_now(telling->fleet) >= began_us + MCPZ_SECONDS(MCPZ_FLEET_SETTLE_S) ||
            !mcpz_fleet_pass(telling, MCPZ_FLEET_LOOK_US)) {
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
        mcpz_fleet_must(telling, MCPZ_FLEET_VERB_WHOLE, 60000, 0);
        mcpz_fleet_note(telling, "s from the end of a cut between zones until all hangs together",
                        seconds_until_one(telling), 60);
        mcpz_fleet_note_until_correct(telling, "s from then until every view is correct", 20);
        (void)mcpz_fleet_pass(telling, MCPZ_FLEET_STEADY_US);
    }
    telling->phase = "every zone cut";
    cut_in_two(telling, 1);
    mcpz_fleet_note_until_correct(
        telling, "s from the end of a cut through all zones until views are correct", 20);
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
    mcpz_fleet_restart_all(telling);
    mcpz_fleet_note_until_correct(telling,
                                  "s from the contacts' return until every view is correct", 20);
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
    struct mcpz_fleet_rate rate;

    telling->phase = "two parts apart";
    for (size_t i = 0; i < count; i++) {
        const uint32_t lot = mcpz_rng_below(&telling->rng, 5) / 2;
        mcpz_fleet_set_side(fleet, 0, i,
                            lot == 0   ? MCPZ_FLEET_SIDE_A
                            : lot == 1 ? MCPZ_FLEET_SIDE_B
                                       : MCPZ_FLEET_SIDE_NONE);
    }
    mcpz_fleet_begin_rate(telling, &rate);
    mcpz_fleet_must(telling, MCPZ_FLEET_VERB_SPARE, 2 * (double)scopes, 0);
    mcpz_fleet_cut(fleet, 0, true, true);
    (void)mcpz_fleet_pass(telling, CUT_US);
    mcpz_fleet_cut(fleet, 0, false, true);
    (void)mcpz_fleet_pass(telling, MCPZ_FLEET_STEADY_US);
    mcpz_fleet_note(telling, "nodes convicted that a fifth could reach",
                    mcpz_fleet_since(telling, &rate, MCPZ_FLEET_CONVICTED_LIVE),
                    2 * (double)scopes); /* whose neighbours are all across */

    mcpz_fleet_must(telling, MCPZ_FLEET_VERB_SPARE, UINT32_MAX, 0);
    telling->phase = "one cut off";
    for (size_t i = 0; i < count; i++) {
        mcpz_fleet_set_side(fleet, 0, i, i == lonely ? MCPZ_FLEET_SIDE_A : MCPZ_FLEET_SIDE_B);
    }
    const uint64_t before = refutations(telling, lonely);
    mcpz_fleet_cut(fleet, 0, true, true);
    (void)mcpz_fleet_pass(telling, CUT_US);
    mcpz_fleet_cut(fleet, 0, false, true);
    mcpz_fleet_note_until_correct(telling, "s from the return of one until every view is correct",
                                  20);
    (void)mcpz_fleet_pass(telling, MCPZ_FLEET_STEADY_US);
    mcpz_fleet_note(telling, "others that had to say that they live",
                    (double)(refutations(telling, lonely) - before), 8);
}

static void tell_pause(struct mcpz_fleet_telling *telling)
{
    struct mcpz_fleet *fleet = telling->fleet;
    const size_t count = mcpz_fleet_count(fleet);
    const mcpz_time end_us = mcpz_fleet_now(fleet) + telling->minutes_us;
    struct mcpz_fleet_rate rate;

    mcpz_fleet_begin_rate(telling, &rate);
    mcpz_fleet_must(telling, MCPZ_FLEET_VERB_SPARE, 0, 0);
    for (size_t i = 0; i < count; i++) {
        mcpz_fleet_set_loss(fleet, i, 20000);
    }
    while (mcpz_fleet_now(fleet) < end_us && mcpz_fleet_pass(telling, MCPZ_MS(50))) {
        for (size_t i = 0; i < count; i++) { /* once a minute each, and no two in a row */
            if (mcpz_rng_below(&telling->rng, 1200) == 0 && !mcpz_fleet_is_paused(fleet, i)) {
                mcpz_fleet_pause(fleet, i, MCPZ_MS(1 + mcpz_rng_below(&telling->rng, 2000)));
            }
        }
    }
    mcpz_fleet_note(telling, "live nodes convicted",
                    mcpz_fleet_since(telling, &rate, MCPZ_FLEET_CONVICTED_LIVE), 0);
    mcpz_fleet_note(telling, "suspicions a node and minute",
                    60 * mcpz_fleet_read_rate(telling, &rate, MCPZ_FLEET_SUSPECTED), -1);
    mcpz_fleet_note(telling, "bytes a node and second",
                    mcpz_fleet_read_rate(telling, &rate, MCPZ_FLEET_BYTES), -1);
}

static void tell_starve(struct mcpz_fleet_telling *telling)
{
    struct mcpz_fleet *fleet = telling->fleet;
    const size_t count = mcpz_fleet_count(fleet);
    struct mcpz_fleet_rate rate;

    mcpz_fleet_begin_rate(telling, &rate);
    (void)mcpz_fleet_pass(telling, MCPZ_SECONDS(60));
    const double idle = mcpz_fleet_read_rate(telling, &rate, MCPZ_FLEET_BYTES);
    const mcpz_time end_us = mcpz_fleet_now(fleet) + telling->minutes_us;

    mcpz_fleet_begin_rate(telling, &rate);
    while (mcpz_fleet_now(fleet) < end_us) {
        for (size_t i = 0; i < count; i += 5) {
            mcpz_fleet_pause(fleet, i, MCPZ_SECONDS(8));
        }
        if (!mcpz_fleet_pass(telling, MCPZ_SECONDS(8) + MCPZ_MS(50))) {
            return;
        }
    }
    mcpz_fleet_note(telling, "healthy nodes convicted by healthy ones",
                    mcpz_fleet_since(telling, &rate, MCPZ_FLEET_BURIED_STEADY), 0);
    mcpz_fleet_note(telling, "live nodes convicted, starved ones included",
                    mcpz_fleet_since(telling, &rate, MCPZ_FLEET_CONVICTED_LIVE), -1);
    mcpz_fleet_note(telling, "traffic, times idle",
                    mcpz_fleet_read_rate(telling, &rate, MCPZ_FLEET_BYTES) / (idle > 0 ? idle : 1),
                    2);
}

static void tell_churn(struct mcpz_fleet_telling *telling)
{
    struct mcpz_fleet *fleet = telling->fleet;
    const size_t count = mcpz_fleet_count(fleet);
    const size_t zone = telling->options->zone_size > 0 ? telling->options->zone_size : count;
    const size_t turns = telling->minutes_us / CHURN_US;
    size_t rows = 0;

    assert(zone > 2 && count > 2);
    mcpz_fleet_must(telling, MCPZ_FLEET_VERB_SPARE, 0, 0);
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
    mcpz_fleet_note_until_correct(telling, "s from the last change until every view is correct",
                                  30);
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
    case MCPZ_FLEET_STORY_LOST:
        tell_lost(telling);
        break;
    case MCPZ_FLEET_STORIES_END:
        break;
    }
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
        .seed = options->seed,
        .minutes_us = MCPZ_SECONDS(60) * minutes,
    };

    mcpz_fleet_open(&telling, &config);
    if (report->violated[0] == '\0') {
        telling.phase = mcpz_fleet_story_word(options->story);
        mcpz_fleet_begin_schedule(&telling, &config);
        tell(&telling);
        mcpz_fleet_end_schedule(&telling);
    }
    mcpz_fleet_close(&telling);
}
