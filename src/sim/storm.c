#include "sim/storm.h"

#include <assert.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/rng.h"
#include "crypto/digest.h"
#include "sim/shrink.h"

#define STEP_US MCPZ_SECONDS(1)

/* Side by side, and one after another, two levels deep; sim/check_tasks.c knows its result. */
#define TREE                                                                                      \
    "{\"subtasks\":[{\"type\":\"echo\",\"params\":[%u]},"                                         \
    "{\"type\":\"split\",\"params\":{\"aggregate\":\"sequential\",\"subtasks\":["                 \
    "{\"type\":\"echo\",\"params\":2},{\"type\":\"join\"}]}}],\"reduce\":{\"type\":\"join\"}}"

#define HOLD_S (10 * 86400) /* nothing lasts longer: a task with a key is never done twice */
#define COPIES 3            /* of an agent, where there is a layout */

/* Of every agent; zeros: it is not there. */
struct roots {
    uint8_t of[MCPZ_SCHEDULE_AGENTS][MCPZ_DIGEST_BYTES];
};

struct storm {
    const struct mcpz_schedule *schedule;
    const struct mcpz_storm_options *options;
    struct mcpz_sim *sim;
    struct mcpz_check check;
    mcpz_time start_us; /* of the schedule's clock */
    bool provides[MCPZ_SIM_NODES_MAX];
    mcpz_time disk_us;    /* of a healthy disk */
    int64_t ahead_max_ms; /* that a wall clock ever was */
    mcpz_time backed_up_us[MCPZ_SIM_NODES_MAX];
    bool waits[MCPZ_SIM_NODES_MAX];    /* for a quorum, whoever writes there */
    bool is_to_go[MCPZ_SIM_NODES_MAX]; /* for good, by some line */
};

/* ---- The verbs ---------------------------------------------------------------------------- */

static bool can_act(const struct storm *storm, size_t node)
{
    return mcpz_sim_engine(storm->sim, node) != NULL && !mcpz_sim_is_paused(storm->sim, node);
}

static void provide_all(struct storm *storm, size_t node)
{
    mcpz_sim_provide(storm->sim, node, "echo");
    mcpz_sim_provide(storm->sim, node, "split");
    mcpz_sim_provide(storm->sim, node, "join");
    storm->check.provides[node] = true;
}

static void start(struct storm *storm, size_t node)
{
    if (mcpz_sim_engine(storm->sim, node) != NULL) {
        return;
    }
    mcpz_sim_start(storm->sim, node);
    mcpz_check_started(&storm->check, node);
    if (storm->provides[node]) {
        provide_all(storm, node);
    }
}

static void kill_node(struct storm *storm, size_t node, uint32_t keep)
{
    if (mcpz_sim_engine(storm->sim, node) != NULL) {
        mcpz_check_killed(&storm->check, node);
        bool is_torn = mcpz_sim_tear(storm->sim, node, keep);
        storm->check.sometimes[MCPZ_SOMETIMES_TORN] += is_torn;
    }
}

static void heal(struct storm *storm, size_t a, size_t b)
{
    mcpz_sim_cut(storm->sim, a, b, false);
    storm->check.healed_us = mcpz_sim_now(storm->sim);
}

static void split(struct storm *storm, uint64_t side)
{
    for (size_t a = 0; a < storm->schedule->node_count; a++) {
        for (size_t b = 0; b < a; b++) {
            if (((side >> a) & 1) != ((side >> b) & 1)) {
                mcpz_sim_cut(storm->sim, a, b, true);
            }
        }
    }
}

static void mend(struct storm *storm)
{
    for (size_t a = 0; a < storm->schedule->node_count; a++) {
        for (size_t b = 0; b < a; b++) {
            heal(storm, a, b);
        }
    }
}

static void pause_node(struct storm *storm, size_t node, uint64_t for_ms)
{
    if (can_act(storm, node)) {
        mcpz_sim_pause(storm->sim, node, MCPZ_MS(for_ms));
        storm->check.sometimes[MCPZ_SOMETIMES_PAUSED]++;
    }
}

static void provide(struct storm *storm, size_t node)
{
    storm->provides[node] = true;
    if (can_act(storm, node)) {
        provide_all(storm, node);
    }
}

static void task(struct storm *storm, const struct mcpz_schedule_line *line)
{
    size_t node = (size_t)line->arguments[0];
    uint32_t timeout_ms = line->arguments[1] > 0 ? (uint32_t)line->arguments[1] : 1;

    if (can_act(storm, node)) {
        mcpz_check_asked(&storm->check, mcpz_sim_task(storm->sim, node, "echo", "[1]", timeout_ms),
                         line);
    }
}

static void submit(struct storm *storm, const struct mcpz_schedule_line *line)
{
    size_t node = (size_t)line->arguments[0];
    struct mcpz_check_name key = mcpz_check_name('k', line->arguments[1]);
    const bool is_tree = mcpz_check_is_tree(line);
    char params[256];

    (void)snprintf(params, sizeof(params), is_tree ? TREE : "[%u]", (unsigned)line->arguments[1]);
    if (can_act(storm, node)) {
        const struct mcpz_sim_submission submission = {
            .capability = is_tree ? "split" : "echo",
            .params = params,
            .key = line->arguments[1] != 0 ? key.text : NULL,
            .priority = (uint32_t)line->at_ms % 3 * 25,
            .attempts_max = 20,
        };
        /* With a key they are all the same task. */
        size_t count = line->at_ms % 4 == 0 ? 3 : 1;
        uint64_t first = mcpz_sim_submit_alike(storm->sim, node, &submission, count);
        for (size_t i = 0; i < count; i++) {
            mcpz_check_asked(&storm->check, first + i, line);
        }
    }
}

/* ---- Disks that are set back -------------------------------------------------------------- */

/* What a node holds of every agent. */
static struct roots roots_of(struct storm *storm, size_t node)
{
    struct roots roots = {0};

    for (uint64_t agent = 0; agent < MCPZ_SCHEDULE_AGENTS; agent++) {
        const struct mcpz_check_name name = mcpz_check_name('a', agent);
        (void)mcpz_sim_root(storm->sim, node, name.text, roots.of[agent]);
    }
    return roots;
}

/* How many that run and stay, but for `node`, hold an agent as `roots` say; SIZE_MAX: one holds
 * another. */
static size_t count_others(struct storm *storm, size_t node, size_t agent,
                           const struct roots *roots)
{
    static const uint8_t none[MCPZ_DIGEST_BYTES] = {0};
    size_t others = 0;

    for (size_t i = 0; i < storm->schedule->node_count; i++) {
        if (i == node || storm->is_to_go[i] || mcpz_sim_engine(storm->sim, i) == NULL) {
            continue;
        }
        const struct roots theirs = roots_of(storm, i);
        const bool has_it = memcmp(theirs.of[agent], none, sizeof(none)) != 0;
        if (has_it && memcmp(theirs.of[agent], roots->of[agent], sizeof(none)) != 0) {
            return SIZE_MAX;
        }
        others += has_it;
    }
    return others;
}

/* Have two others heard of each that is gone, as `node` knows? */
static bool is_told(struct storm *storm, size_t node)
{
    for (size_t gone = 0; gone < storm->schedule->node_count; gone++) {
        size_t others = 0;
        if (!storm->is_to_go[gone] || !mcpz_sim_is_revoked(storm->sim, node, gone)) {
            continue;
        }
        for (size_t i = 0; i < storm->schedule->node_count; i++) {
            others += i != node && !storm->is_to_go[i] && mcpz_sim_engine(storm->sim, i) != NULL &&
                      mcpz_sim_is_revoked(storm->sim, i, gone);
        }
        if (others < 2) {
            return false;
        }
    }
    return true;
}

/* What is acknowledged is on one disk: with that disk it is lost, unless others have it too. */
static bool is_spare(struct storm *storm, size_t node, const struct roots *roots)
{
    static const uint8_t none[MCPZ_DIGEST_BYTES] = {0};

    for (size_t agent = 0; agent < MCPZ_SCHEDULE_AGENTS; agent++) {
        const size_t others = count_others(storm, node, agent, roots);
        const bool has_it = memcmp(roots->of[agent], none, sizeof(none)) != 0;
        if (has_it && (others < 2 || others == SIZE_MAX)) {
            return false;
        }
    }
    return is_told(storm, node);
}

static void back_up(struct storm *storm, size_t node)
{
    mcpz_sim_back_up(storm->sim, node);
    storm->backed_up_us[node] = mcpz_sim_now(storm->sim);
}

static void restore(struct storm *storm, size_t node, bool is_noticed)
{
    if (!can_act(storm, node)) {
        return;
    }
    const struct roots roots = roots_of(storm, node);
    if (is_spare(storm, node, &roots)) {
        mcpz_check_killed(&storm->check, node);
        if (is_noticed ? mcpz_sim_restore(storm->sim, node)
                       : mcpz_sim_restore_unnoticed(storm->sim, node)) {
            mcpz_check_restored(&storm->check, node);
            if (!is_noticed) {
                mcpz_check_doubts(&storm->check, node, storm->backed_up_us[node]);
            }
        }
    }
}

/* What a writing verb does to an agent, and what the names of its keys begin with. */
static const struct writing {
    enum mcpz_agent_op op;
    char key;
} writings[MCPZ_VERB_END] = {
    [MCPZ_VERB_CREATE] = {MCPZ_AGENT_CREATE, '-'},   [MCPZ_VERB_DELETE] = {MCPZ_AGENT_DELETE, '-'},
    [MCPZ_VERB_SET] = {MCPZ_AGENT_SET, 'r'},         [MCPZ_VERB_UNSET] = {MCPZ_AGENT_UNSET, 'r'},
    [MCPZ_VERB_ADD] = {MCPZ_AGENT_ADD, 's'},         [MCPZ_VERB_REMOVE] = {MCPZ_AGENT_REMOVE, 's'},
    [MCPZ_VERB_COUNT] = {MCPZ_AGENT_INCREMENT, 'c'},
};

/* Whom the API would have do it: `node` itself, if it keeps the agent, or the next that does. */
static bool find_writer(struct storm *storm, const char *agent, size_t *node)
{
    const size_t count = storm->schedule->node_count;

    for (size_t i = 0; i < count; i++) {
        const size_t at = (*node + i) % count;
        if (can_act(storm, at) && mcpz_sim_owns(storm->sim, at, agent) &&
            !mcpz_sim_is_revoked(storm->sim, *node, at)) {
            *node = at;
            return true;
        }
        if (i == 0 && !can_act(storm, at)) {
            return false; /* nobody is there to be asked */
        }
    }
    return false;
}

static void write_agent(struct storm *storm, const struct mcpz_schedule_line *line)
{
    size_t node = (size_t)line->arguments[0];
    const struct writing *writing = &writings[line->verb];
    struct mcpz_check_name agent = mcpz_check_name('a', line->arguments[1]);
    struct mcpz_check_name key = mcpz_check_name(writing->key, line->arguments[2]);
    struct mcpz_check_name value = mcpz_check_name('v', line->arguments[3]);
    struct mcpz_schedule_line asked = *line;
    struct mcpz_sim_op op = {
        .op = writing->op,
        .path = key.text,
        .value = value.text,
        .amount = writing->op == MCPZ_AGENT_INCREMENT ? (int64_t)line->arguments[3] : 0,
    };

    assert(writing->op != 0);
    if (find_writer(storm, agent.text, &node)) {
        const enum mcpz_ack_level ack = storm->waits[node] ? MCPZ_ACK_QUORUM : MCPZ_ACK_ASYNC;
        const uint64_t request =
            mcpz_sim_write_waiting(storm->sim, node, agent.text, &op, ack, MCPZ_ACK_TIMEOUT_MS);
        asked.arguments[0] = node;
        mcpz_check_asked(&storm->check, request, &asked);
    }
}

static void set_clock(struct storm *storm, const struct mcpz_schedule_line *line)
{
    const int64_t by_ms = 1000 * (int64_t)line->arguments[1];
    const int64_t ahead_ms = line->verb == MCPZ_VERB_AHEAD ? by_ms : -by_ms;

    mcpz_sim_set_clock(storm->sim, (size_t)line->arguments[0], ahead_ms);
    if (ahead_ms > storm->ahead_max_ms) {
        storm->ahead_max_ms = ahead_ms;
    }
}

/* People leave out whom they know to be gone. */
static void lay_out(struct storm *storm, uint64_t nodes)
{
    size_t indexes[MCPZ_SIM_NODES_MAX];
    size_t count = 0;

    for (size_t i = 0; i < storm->schedule->node_count && can_act(storm, 0); i++) {
        if (((nodes >> i) & 1) != 0 && !mcpz_sim_is_revoked(storm->sim, 0, i)) {
            indexes[count++] = i;
        }
    }
    if (count >= COPIES) {
        (void)mcpz_sim_layout(storm->sim, indexes, count, COPIES);
        storm->check.sometimes[MCPZ_SOMETIMES_LAID_OUT]++;
    }
}

static void revoke(struct storm *storm, size_t node)
{
    if (node != 0 && can_act(storm, 0) && !mcpz_sim_is_revoked(storm->sim, 0, node)) {
        mcpz_check_revoked(&storm->check, node,
                           mcpz_sim_revoke(storm->sim, node, "gone for good"));
    }
}

static void slow_disk(struct storm *storm, const struct mcpz_schedule_line *line)
{
    mcpz_time disk_us = MCPZ_MS(line->arguments[1]);

    mcpz_sim_slow_disk(storm->sim, (size_t)line->arguments[0],
                       disk_us > storm->disk_us ? disk_us : storm->disk_us);
}

static void crowd(struct storm *storm, const struct mcpz_schedule_line *line)
{
    const size_t node = (size_t)line->arguments[0];
    const uint64_t count = mcpz_time_min(line->arguments[1], MCPZ_SIM_CROWD_MAX);

    if (can_act(storm, node)) {
        mcpz_sim_crowd(storm->sim, node, (uint32_t)count);
    }
}

/* Disks, links, clocks, layouts: what makes it hard for nodes that run. */
static void burden(struct storm *storm, const struct mcpz_schedule_line *line)
{
    const size_t node = (size_t)line->arguments[0];
    const size_t other = (size_t)line->arguments[1];

    switch ((enum mcpz_verb)line->verb) {
    case MCPZ_VERB_DISK:
        slow_disk(storm, line);
        break;
    case MCPZ_VERB_FILL:
    case MCPZ_VERB_FREE:
        mcpz_sim_fill_disk(storm->sim, node, line->verb == MCPZ_VERB_FILL);
        break;
    case MCPZ_VERB_SLOW:
        mcpz_sim_slow_link(storm->sim, node, other, MCPZ_MS(line->arguments[2]));
        break;
    case MCPZ_VERB_BACK_UP:
        back_up(storm, node);
        break;
    case MCPZ_VERB_RESTORE:
    case MCPZ_VERB_SETBACK:
        restore(storm, node, line->verb == MCPZ_VERB_RESTORE);
        break;
    case MCPZ_VERB_CROWD:
        crowd(storm, line);
        break;
    case MCPZ_VERB_AHEAD:
    case MCPZ_VERB_BEHIND:
        set_clock(storm, line);
        break;
    case MCPZ_VERB_LAYOUT:
        lay_out(storm, line->arguments[0]);
        break;
    case MCPZ_VERB_QUORUM:
        storm->waits[node] = true;
        break;
    case MCPZ_VERB_REVOKE:
        revoke(storm, node);
        break;
    default:
        assert(false);
    }
}

static void act(struct storm *storm, const struct mcpz_schedule_line *line)
{
    size_t node = (size_t)line->arguments[0];
    size_t other = (size_t)line->arguments[1];

    switch ((enum mcpz_verb)line->verb) {
    case MCPZ_VERB_KILL:
        kill_node(storm, node, 0);
        break;
    case MCPZ_VERB_TEAR:
        kill_node(storm, node, (uint32_t)line->arguments[1]);
        break;
    case MCPZ_VERB_START:
        start(storm, node);
        break;
    case MCPZ_VERB_CUT:
        mcpz_sim_cut(storm->sim, node, other, true);
        break;
    case MCPZ_VERB_HEAL:
        heal(storm, node, other);
        break;
    case MCPZ_VERB_SPLIT:
        split(storm, line->arguments[0]);
        break;
    case MCPZ_VERB_MEND:
        mend(storm);
        break;
    case MCPZ_VERB_PAUSE:
        pause_node(storm, node, line->arguments[1]);
        break;
    case MCPZ_VERB_DISK:
    case MCPZ_VERB_FILL:
    case MCPZ_VERB_FREE:
    case MCPZ_VERB_SLOW:
    case MCPZ_VERB_BACK_UP:
    case MCPZ_VERB_RESTORE:
    case MCPZ_VERB_CROWD:
    case MCPZ_VERB_AHEAD:
    case MCPZ_VERB_BEHIND:
    case MCPZ_VERB_LAYOUT:
    case MCPZ_VERB_SETBACK:
    case MCPZ_VERB_QUORUM:
    case MCPZ_VERB_REVOKE:
        burden(storm, line);
        break;
    case MCPZ_VERB_PROVIDE:
        provide(storm, node);
        break;
    case MCPZ_VERB_TASK:
        task(storm, line);
        break;
    case MCPZ_VERB_SUBMIT:
        submit(storm, line);
        break;
    case MCPZ_VERB_CREATE:
    case MCPZ_VERB_DELETE:
    case MCPZ_VERB_SET:
    case MCPZ_VERB_UNSET:
    case MCPZ_VERB_ADD:
    case MCPZ_VERB_REMOVE:
    case MCPZ_VERB_COUNT:
        write_agent(storm, line);
        break;
    case MCPZ_VERB_END:
        assert(false);
        break;
    }
}

/* ---- The phases --------------------------------------------------------------------------- */

static uint64_t clock_ms(const struct storm *storm)
{
    return (mcpz_sim_now(storm->sim) - storm->start_us) / 1000;
}

static bool has_failed(const struct storm *storm)
{
    return storm->check.violated != MCPZ_INVARIANT_NONE;
}

/* Run on, looking every second. */
static void run_until(struct storm *storm, mcpz_time until_us)
{
    const struct mcpz_storm_options *options = storm->options;

    while (!has_failed(storm) && mcpz_sim_now(storm->sim) < until_us) {
        mcpz_time second_us = (mcpz_sim_now(storm->sim) / STEP_US + 1) * STEP_US;
        mcpz_sim_run(storm->sim, mcpz_time_min(second_us, until_us));
        mcpz_check_safety(&storm->check);
        if (options != NULL && options->progress != NULL && second_us <= until_us) {
            options->progress(options->context, clock_ms(storm), storm->schedule->end_ms);
        }
    }
}

static void run_lines(struct storm *storm)
{
    const struct mcpz_schedule *schedule = storm->schedule;

    for (size_t i = 0; i < schedule->line_count && !has_failed(storm); i++) {
        const struct mcpz_schedule_line *line = &schedule->lines[i];
        if (line->at_ms >= schedule->end_ms) {
            break;
        }
        run_until(storm, storm->start_us + MCPZ_MS(line->at_ms));
        if (storm->options != NULL && storm->options->forbids != NULL &&
            storm->options->forbids(line)) {
            mcpz_check_violate(&storm->check, MCPZ_INVARIANT_FORBIDDEN, "forbidden: %s",
                               mcpz_verb_word(line->verb));
        }
        act(storm, line);
    }
    run_until(storm, storm->start_us + MCPZ_MS(schedule->end_ms));
}

/* People who were not told that a node is gone for good say it again: it may have heard of it all
 * the same, and nobody else. */
static void revoke_again(struct storm *storm, size_t node)
{
    const struct mcpz_check *check = &storm->check;

    if (mcpz_check_may_be_gone(check, node) &&
        mcpz_sim_reply(storm->sim, check->revoked_by[node]) != MCPZ_CODE_OK) {
        revoke(storm, node);
    }
}

/* What was stamped by a clock that is ahead is taken in when that time has come: it has. Who was
 * away when it was revoked stays so; node 0, which starts first, knows. */
static void heal_all(struct storm *storm)
{
    mend(storm);
    for (size_t i = 0; i < storm->schedule->node_count; i++) {
        mcpz_sim_set_clock(storm->sim, i, storm->ahead_max_ms);
        mcpz_sim_slow_disk(storm->sim, i, storm->disk_us);
        mcpz_sim_fill_disk(storm->sim, i, false);
        for (size_t j = 0; j < i; j++) {
            mcpz_sim_slow_link(storm->sim, i, j, 0);
        }
        if (mcpz_sim_engine(storm->sim, i) != NULL) {
            mcpz_sim_pause(storm->sim, i, 0);
        }
        revoke_again(storm, i);
        if (i == 0 || !mcpz_check_is_gone(&storm->check, i)) {
            start(storm, i);
        }
    }
}

/* What people do of who is gone: layouts wait for it no longer, and name it no more. */
static void clear_layouts(struct storm *storm)
{
    bool is_named = false;

    for (size_t i = 1; i < storm->schedule->node_count; i++) {
        const bool is_gone = mcpz_check_is_gone(&storm->check, i);
        if (is_gone && mcpz_sim_layout_waits_for(storm->sim, 0, i)) {
            (void)mcpz_sim_layout_skip(storm->sim, 0, i);
        }
        is_named = is_named || (is_gone && mcpz_sim_layout_names(storm->sim, 0, i));
    }
    if (is_named) {
        lay_out(storm, UINT64_MAX);
    }
}

static void run_liveness(struct storm *storm, struct mcpz_storm_report *report)
{
    mcpz_time healed_us = mcpz_sim_now(storm->sim);
    mcpz_time until_us = healed_us + MCPZ_MS(MCPZ_STORM_LIVENESS_MS);
    enum mcpz_invariant invariant = MCPZ_INVARIANT_NONE;
    char words[MCPZ_CHECK_WORDS_BYTES];
    bool all_hold = false;

    heal_all(storm);
    while (!has_failed(storm) && !all_hold && mcpz_sim_now(storm->sim) < until_us) {
        clear_layouts(storm);
        run_until(storm, mcpz_sim_now(storm->sim) + STEP_US);
        all_hold = !has_failed(storm) && mcpz_check_liveness(&storm->check, &invariant, words);
    }
    if (!all_hold && invariant != MCPZ_INVARIANT_NONE) {
        mcpz_check_violate(&storm->check, invariant, "%s", words);
    }
    report->healed_ms = (mcpz_sim_now(storm->sim) - healed_us) / 1000;
}

/* What the mesh is like is drawn too: how far apart, how fast its disks and providers. */
static struct mcpz_sim_config draw_config(const struct mcpz_schedule *schedule)
{
    struct mcpz_rng rng;

    mcpz_rng_init(&rng, mcpz_hash_bytes(mcpz_text("mesh"), schedule->seed));
    mcpz_time delay_min_us = MCPZ_MS(1 + mcpz_rng_below(&rng, 30));
    return (struct mcpz_sim_config){
        .node_count = schedule->node_count,
        .seed = schedule->seed,
        .delay_min_us = delay_min_us,
        .delay_max_us = delay_min_us + MCPZ_MS(mcpz_rng_below(&rng, 100)),
        .disk_us = MCPZ_MS(1 + mcpz_rng_below(&rng, 20)),
        .run_us = MCPZ_MS(10 + mcpz_rng_below(&rng, 3000)),
        .forgets = true,
        .timing = {.task_hold_us = MCPZ_SECONDS(HOLD_S),
                   .task_retention_us = MCPZ_SECONDS(HOLD_S)},
    };
}

/* In every third mesh of some size, a few are behind NAT: of them no two can have a link, and what
 * one wants of another goes through others. The first one is whom all join through. */
static void hide_some(struct storm *storm)
{
    const uint32_t count = (uint32_t)storm->schedule->node_count;
    struct mcpz_rng rng;

    mcpz_rng_init(&rng, mcpz_hash_bytes(mcpz_text("hidden"), storm->schedule->seed));
    if (count < 4 || mcpz_rng_below(&rng, 3) != 0) {
        return;
    }
    const uint32_t hidden = 2 + mcpz_rng_below(&rng, count / 2 - 1);
    for (uint32_t i = 0; i < hidden; i++) { /* the same one twice is one less */
        mcpz_sim_hide(storm->sim, 1 + mcpz_rng_below(&rng, count - 1));
    }
}

void mcpz_storm_run(const struct mcpz_schedule *schedule, const struct mcpz_storm_options *options,
                    struct mcpz_storm_report *report)
{
    struct mcpz_sim_config config = draw_config(schedule);
    config.sealed = options != NULL && options->sealed;
    struct storm storm = {
        .schedule = schedule,
        .options = options,
        .sim = mcpz_sim_create(&config),
        .disk_us = config.disk_us,
    };

    *report = (struct mcpz_storm_report){0};
    mcpz_check_init(&storm.check, storm.sim, schedule->node_count);
    hide_some(&storm);
    mcpz_sim_start_all(storm.sim);
    for (size_t i = 0; i < schedule->node_count; i++) {
        mcpz_check_started(&storm.check, i);
    }
    for (size_t i = 0; i < schedule->line_count; i++) {
        const struct mcpz_schedule_line *line = &schedule->lines[i];
        if (line->verb == MCPZ_VERB_REVOKE) {
            storm.is_to_go[line->arguments[0]] = true;
        }
    }
    storm.start_us = mcpz_sim_now(storm.sim);
    run_lines(&storm);
    if (!has_failed(&storm)) {
        run_liveness(&storm, report);
    }
    mcpz_check_count(&storm.check);
    report->violated = storm.check.violated;
    if (has_failed(&storm)) {
        report->violated_ms = (storm.check.violated_us - storm.start_us) / 1000;
        memcpy(report->words, storm.check.words, sizeof(report->words));
    }
    report->trace_hash = mcpz_hash_bytes(mcpz_text(mcpz_sim_trace(storm.sim)), 0);
    if (options != NULL && options->trace != NULL) {
        (void)fputs(mcpz_sim_trace(storm.sim), options->trace);
    }
    report->virtual_ms = mcpz_sim_now(storm.sim) / 1000;
    report->steps = mcpz_sim_steps(storm.sim);
    memcpy(report->sometimes, storm.check.sometimes, sizeof(report->sometimes));
    mcpz_check_finish(&storm.check);
    mcpz_sim_destroy(storm.sim);
}

/* ---- Shrinking ---------------------------------------------------------------------------- */

struct failure {
    const struct mcpz_storm_options *options;
    enum mcpz_invariant violated;
    char words[MCPZ_CHECK_WORDS_BYTES];
};

static bool still_fails(void *context, const struct mcpz_schedule *schedule)
{
    const struct failure *failure = context;
    struct mcpz_storm_report report;

    mcpz_storm_run(schedule, failure->options, &report);
    return report.violated == failure->violated &&
           mcpz_check_says_the_same(report.words, failure->words);
}

size_t mcpz_storm_shrink(struct mcpz_schedule *schedule, const struct mcpz_storm_options *options)
{
    struct mcpz_storm_report report;

    mcpz_storm_run(schedule, options, &report);
    if (report.violated == MCPZ_INVARIANT_NONE) {
        return 0;
    }
    struct failure failure = {.options = options, .violated = report.violated};
    memcpy(failure.words, report.words, sizeof(failure.words));
    return 1 + mcpz_shrink(schedule, report.violated_ms, still_fails, &failure);
}
