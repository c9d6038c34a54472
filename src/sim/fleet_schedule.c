#include "sim/fleet_schedule.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "sim/fleet_telling.h"
#include "sim/shrink.h"

/* ---- Taking down -------------------------------------------------------------------------- */

/* Of many nodes in a row, one after the other at one time, one line is made. */
static bool is_continued(struct mcpz_schedule_line *last, const struct mcpz_schedule_line *line)
{
    const uint64_t *more = line->arguments;
    uint64_t *all = last->arguments;

    if (last->verb != line->verb || last->at_ms != line->at_ms) {
        return false;
    }
    if (line->verb == MCPZ_FLEET_VERB_LOSS && all[1] + 1 == more[0] && all[2] == more[2]) {
        all[1] = more[1];
        return true;
    }
    if (line->verb == MCPZ_FLEET_VERB_SIDE && all[0] == more[0] && all[2] + 1 == more[1] &&
        all[3] == more[3]) {
        all[2] = more[2];
        return true;
    }
    return false;
}

static void take_down(void *context, const struct mcpz_schedule_line *done)
{
    struct mcpz_fleet_telling *telling = context;
    struct mcpz_schedule *schedule = telling->options->schedule;
    const mcpz_time since_us = mcpz_fleet_now(telling->fleet) - telling->stands_us;
    const uint64_t *said = done->arguments;
    struct mcpz_schedule_line line = *done;

    assert(since_us % 1000 == 0); /* stories and their steps last whole milliseconds */
    line.at_ms = since_us / 1000;
    if (done->verb == MCPZ_FLEET_VERB_LOSS) {
        memcpy(line.arguments, (uint64_t[]){said[0], said[0], said[1]}, 3 * sizeof(*said));
    } else if (done->verb == MCPZ_FLEET_VERB_SIDE) {
        memcpy(line.arguments, (uint64_t[]){said[0], said[1], said[1], said[2]},
               4 * sizeof(*said));
    }
    if (schedule->line_count == 0 ||
        !is_continued(&schedule->lines[schedule->line_count - 1], &line)) {
        (void)!mcpz_schedule_add(schedule, &line); /* who writes it sees that it is full */
    }
}

void mcpz_fleet_begin_schedule(struct mcpz_fleet_telling *telling,
                               const struct mcpz_fleet_config *config)
{
    struct mcpz_schedule *schedule = telling->options->schedule;

    if (schedule == NULL) {
        return;
    }
    assert(schedule->line_count == 0);
    schedule->is_fleet = true;
    schedule->node_count = config->node_count;
    schedule->zone_size = config->zone_size;
    schedule->identity_count =
        config->identity_count > 0 ? config->identity_count : config->node_count;
    schedule->seed = config->seed;
    mcpz_fleet_take_down(telling->fleet, take_down, telling);
}

void mcpz_fleet_end_schedule(struct mcpz_fleet_telling *telling)
{
    const mcpz_time since_us = mcpz_fleet_now(telling->fleet) - telling->stands_us;

    if (telling->options->schedule != NULL) {
        mcpz_fleet_take_down(telling->fleet, NULL, NULL);
        telling->options->schedule->end_ms = (since_us + 999) / 1000;
    }
}

void mcpz_fleet_must(struct mcpz_fleet_telling *telling, enum mcpz_fleet_verb verb, double first,
                     uint64_t second)
{
    /* While all join nothing is taken down yet, in the liveness phase nothing any more. */
    const bool is_taken_down = telling->options->schedule != NULL && telling->stands_us != 0 &&
                               telling->options->schedule->end_ms == 0;

    if (is_taken_down && first >= 0) {
        take_down(telling, &(struct mcpz_schedule_line){.verb = verb,
                                                        .arguments = {(uint64_t)first, second}});
    }
}

/* ---- What must be ------------------------------------------------------------------------- */

/* Something that must come about in time. */
struct deadline {
    mcpz_time until_us; /* 0: nothing must */
    uint64_t within_ms;
};

struct player {
    struct mcpz_fleet_telling telling;
    struct deadline agree;
    struct deadline whole;
    struct deadline failed;
    size_t failing;     /* the node */
    uint64_t convicted; /* how many were when the last bound was set */
    uint64_t spare;
};

static void violate(struct player *player, const char *what, uint64_t figure)
{
    struct mcpz_fleet_report *report = player->telling.report;

    report->violated_ms = mcpz_fleet_now(player->telling.fleet) / 1000;
    (void)snprintf(report->violated, sizeof(report->violated), "bound: %s %llu", what,
                   (unsigned long long)figure);
}

/* Has it come about, or is it too late for it? */
static void look_at(struct player *player, struct deadline *deadline, bool has_come_about,
                    const char *what)
{
    if (deadline->until_us == 0) {
        return;
    }
    if (has_come_about) {
        deadline->until_us = 0;
    } else if (mcpz_fleet_now(player->telling.fleet) >= deadline->until_us) {
        violate(player, what, deadline->within_ms);
        mcpz_fleet_describe_wrong(player->telling.fleet, player->telling.report->wrong);
    }
}

static bool awaits_something(const struct player *player)
{
    return player->agree.until_us != 0 || player->whole.until_us != 0 ||
           player->failed.until_us != 0;
}

static void look(struct player *player)
{
    struct mcpz_fleet *fleet = player->telling.fleet;
    const uint64_t convicted =
        mcpz_fleet_counted(fleet, MCPZ_FLEET_CONVICTED_LIVE) - player->convicted;

    if (convicted > player->spare) {
        violate(player, "live nodes convicted, more than", player->spare);
    }
    if (awaits_something(player)) {
        look_at(player, &player->agree, mcpz_fleet_agrees(fleet),
                "a view is not correct, ms after it had to become so:");
        look_at(player, &player->whole, mcpz_fleet_parts(fleet) == 1,
                "it does not hang together, ms after it had to begin to:");
        look_at(player, &player->failed, mcpz_fleet_believers(fleet, player->failing) == 0,
                "somebody believes in who has failed, ms after it did:");
    }
}

static struct deadline within(const struct player *player, uint64_t ms)
{
    return (struct deadline){mcpz_fleet_now(player->telling.fleet) + MCPZ_MS(ms), ms};
}

/* ---- Playing ------------------------------------------------------------------------------ */

static bool has_failed(const struct player *player)
{
    return player->telling.report->violated[0] != '\0';
}

static void run_until(struct player *player, mcpz_time until_us)
{
    struct mcpz_fleet *fleet = player->telling.fleet;

    while (!has_failed(player) && mcpz_fleet_now(fleet) < until_us) {
        const mcpz_time left_us = until_us - mcpz_fleet_now(fleet);
        const mcpz_time step_us = mcpz_time_min(
            left_us, awaits_something(player) ? MCPZ_FLEET_LOOK_US : MCPZ_SECONDS(1));
        if (mcpz_fleet_pass(&player->telling, step_us)) {
            look(player);
        }
    }
}

static void change_side(struct mcpz_fleet *fleet, const uint64_t *said)
{
    for (uint64_t node = said[1]; node <= said[2]; node++) {
        mcpz_fleet_set_side(fleet, (size_t)said[0], (size_t)node, (enum mcpz_fleet_side)said[3]);
    }
}

static void change_loss(struct mcpz_fleet *fleet, const uint64_t *said)
{
    for (uint64_t node = said[0]; node <= said[1]; node++) {
        mcpz_fleet_set_loss(fleet, (size_t)node, (uint32_t)said[2]);
    }
}

/* What a machine can be done to, if it is in the state for it. */
static void act_on_node(struct mcpz_fleet *fleet, const struct mcpz_schedule_line *line)
{
    const size_t node = (size_t)line->arguments[0];
    const bool runs = mcpz_fleet_fabric(fleet, node) != NULL;

    if (line->verb == MCPZ_FLEET_VERB_START && !runs) {
        mcpz_fleet_start(fleet, node);
    } else if (line->verb == MCPZ_FLEET_VERB_REPLACE && !runs && mcpz_fleet_can_replace(fleet)) {
        mcpz_fleet_replace(fleet, node);
    } else if (!runs) {
        return;
    } else if (line->verb == MCPZ_FLEET_VERB_KILL) {
        mcpz_fleet_kill(fleet, node);
    } else if (line->verb == MCPZ_FLEET_VERB_VANISH) {
        mcpz_fleet_vanish(fleet, node);
    } else if (line->verb == MCPZ_FLEET_VERB_LEAVE) {
        mcpz_fleet_leave(fleet, node);
    } else if (line->verb == MCPZ_FLEET_VERB_PAUSE) {
        mcpz_fleet_pause(fleet, node, MCPZ_MS(line->arguments[1]));
    } else if (line->verb == MCPZ_FLEET_VERB_BREAK) {
        mcpz_fleet_break_link(fleet, node);
    } else if (line->verb == MCPZ_FLEET_VERB_MUTE) {
        mcpz_fleet_mute_link(fleet, node);
    }
}

static void act(struct player *player, const struct mcpz_schedule_line *line)
{
    struct mcpz_fleet *fleet = player->telling.fleet;
    const uint64_t *said = line->arguments;

    switch ((enum mcpz_fleet_verb)line->verb) {
    case MCPZ_FLEET_VERB_START:
    case MCPZ_FLEET_VERB_REPLACE:
    case MCPZ_FLEET_VERB_KILL:
    case MCPZ_FLEET_VERB_VANISH:
    case MCPZ_FLEET_VERB_LEAVE:
    case MCPZ_FLEET_VERB_PAUSE:
    case MCPZ_FLEET_VERB_BREAK:
    case MCPZ_FLEET_VERB_MUTE:
        act_on_node(fleet, line);
        break;
    case MCPZ_FLEET_VERB_LOSS:
        change_loss(fleet, said);
        break;
    case MCPZ_FLEET_VERB_SIDE:
        change_side(fleet, said);
        break;
    case MCPZ_FLEET_VERB_CUT:
    case MCPZ_FLEET_VERB_HEAL:
        mcpz_fleet_cut(fleet, (size_t)said[0], line->verb == MCPZ_FLEET_VERB_CUT, said[1] != 0);
        break;
    case MCPZ_FLEET_VERB_AGREE:
        player->agree = within(player, said[0]);
        break;
    case MCPZ_FLEET_VERB_WHOLE:
        player->whole = within(player, said[0]);
        break;
    case MCPZ_FLEET_VERB_FAILED:
        player->failing = (size_t)said[0];
        player->failed = within(player, said[1]);
        break;
    case MCPZ_FLEET_VERB_SPARE:
        player->convicted = mcpz_fleet_counted(fleet, MCPZ_FLEET_CONVICTED_LIVE);
        player->spare = said[0];
        break;
    case MCPZ_FLEET_VERB_END:
        assert(false);
        break;
    }
}

static void play_lines(struct player *player, const struct mcpz_schedule *schedule)
{
    const mcpz_time stands_us = player->telling.stands_us;

    player->telling.phase = "schedule";
    for (size_t i = 0; i < schedule->line_count && !has_failed(player); i++) {
        const struct mcpz_schedule_line *line = &schedule->lines[i];
        if (line->at_ms >= schedule->end_ms) {
            break;
        }
        run_until(player, stands_us + MCPZ_MS(line->at_ms));
        if (!has_failed(player)) {
            act(player, line);
        }
    }
    run_until(player, stands_us + MCPZ_MS(schedule->end_ms));
    while (awaits_something(player) && !has_failed(player)) { /* though the end is lowered */
        run_until(player, mcpz_fleet_now(player->telling.fleet) + MCPZ_FLEET_LOOK_US);
    }
}

void mcpz_fleet_play(const struct mcpz_schedule *schedule, const struct mcpz_fleet_options *looks,
                     struct mcpz_fleet_report *report)
{
    const struct mcpz_fleet_config config = {
        .node_count = schedule->node_count,
        .zone_size = schedule->zone_size,
        .seed = schedule->seed,
        .identity_count = schedule->identity_count,
    };
    const struct mcpz_fleet_options options = {
        .zone_size = schedule->zone_size,
        .context = looks != NULL ? looks->context : NULL,
        .progress = looks != NULL ? looks->progress : NULL,
    };
    struct player player = {
        .telling = {.options = &options, .report = report, .seed = schedule->seed},
        .spare = UINT64_MAX,
    };

    assert(schedule->is_fleet);
    mcpz_fleet_open(&player.telling, &config);
    if (!has_failed(&player)) {
        play_lines(&player, schedule);
    }
    mcpz_fleet_close(&player.telling);
    const uint64_t stands_ms = player.telling.stands_us / 1000;
    if (report->violated_ms > stands_ms) {
        report->violated_ms -= stands_ms; /* on the schedule's clock */
    }
}

/* ---- Shrinking ---------------------------------------------------------------------------- */

/* What is violated, as its words name it. */
static bool is_alike(const char *words, const char *others)
{
    const size_t length = strcspn(words, ":");

    return words[0] != '\0' && length == strcspn(others, ":") &&
           memcmp(words, others, length) == 0;
}

static bool still_fails(void *context, const struct mcpz_schedule *schedule)
{
    struct mcpz_fleet_report report;

    mcpz_fleet_play(schedule, NULL, &report);
    return is_alike(report.violated, context);
}

size_t mcpz_fleet_shrink(struct mcpz_schedule *schedule)
{
    struct mcpz_fleet_report report;

    mcpz_fleet_play(schedule, NULL, &report);
    return report.violated[0] == '\0'
               ? 0
               : 1 + mcpz_shrink(schedule, report.violated_ms, still_fails, report.violated);
}
