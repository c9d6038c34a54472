/* What must hold of durable tasks. */

#include <inttypes.h>
#include <stdio.h>

#include "proto/code.h"
#include "sim/check.h"

#define RESULT_BYTES 64

static bool is_accepted(const struct mcpz_asked *asked)
{
    return asked->is_ours && asked->line.verb == MCPZ_VERB_SUBMIT && asked->answers > 0 &&
           asked->code == MCPZ_CODE_OK;
}

/* Somebody who is left offers, or did before it was killed, what tasks ask for. */
static bool has_provider(const struct mcpz_check *check)
{
    for (size_t i = 0; i < check->node_count; i++) {
        if (check->provides[i] && !mcpz_check_is_gone(check, i)) {
            return true;
        }
    }
    return false;
}

/* It was on two disks, and those may be the ones that are gone. */
static bool may_be_lost(const struct mcpz_check *check, uint64_t request)
{
    return mcpz_check_count_gone(check) > 1 || !mcpz_check_outlives(check, request);
}

/* How an accepted task stands, all nodes together. */
struct standing {
    size_t known;
    size_t open; /* not over, at somebody who owns it */
    size_t over;
    size_t held_by_gone; /* open, and known to be kept by somebody who is gone */
    size_t done_at;      /* a node that has it as done; SIZE_MAX: none */
};

static bool is_gone(const struct mcpz_check *check, const struct mcpz_id *id)
{
    const size_t node = mcpz_sim_node_of(check->sim, id);

    return node != SIZE_MAX && mcpz_check_is_gone(check, node);
}

static struct standing look_up(struct mcpz_check *check, const struct mcpz_asked *asked)
{
    struct standing standing = {.done_at = SIZE_MAX};
    struct mcpz_task_state state;

    for (size_t i = 0; i < check->node_count; i++) {
        if (mcpz_check_is_gone(check, i) ||
            !mcpz_sim_task_state(check->sim, i, &asked->task, &state)) {
            continue;
        }
        if (state.phase == MCPZ_TASK_YIELDED) {
            continue;
        }
        standing.known++;
        standing.over += mcpz_task_is_over(&state);
        standing.open += !mcpz_task_is_over(&state);
        standing.held_by_gone += !mcpz_task_is_over(&state) &&
                                 (is_gone(check, &state.owner) || is_gone(check, &state.backup));
        standing.done_at = state.phase == MCPZ_TASK_DONE ? i : standing.done_at;
    }
    return standing;
}

bool mcpz_check_is_tree(const struct mcpz_schedule_line *line)
{
    return line->at_ms % 5 == 2;
}

/* A provider gives its parameters back: which are the task's key, or "0". */
static bool has_its_result(struct mcpz_check *check, const struct mcpz_asked *asked, size_t node,
                           char result[RESULT_BYTES])
{
    char expected[RESULT_BYTES];

    (void)snprintf(expected, sizeof(expected),
                   mcpz_check_is_tree(&asked->line) ? "[[%" PRIu64 "],2]" : "[%" PRIu64 "]",
                   asked->line.arguments[1]);
    mcpz_sim_task_result(check->sim, node, &asked->task, result, RESULT_BYTES);
    return strcmp(expected, result) == 0;
}

/* How the first node that holds it open sees it. */
static void describe(struct mcpz_check *check, const struct mcpz_asked *asked, char *words)
{
    struct mcpz_task_state state;
    size_t node = 0;

    while (node < check->node_count &&
           (mcpz_check_is_gone(check, node) ||
            !mcpz_sim_task_state(check->sim, node, &asked->task, &state) ||
            mcpz_task_is_over(&state))) {
        node++;
    }
    if (node == check->node_count) {
        (void)snprintf(words, MCPZ_CHECK_WORDS_BYTES,
                       "the task node %" PRIu64 " took at %" PRIu64 " ms is lost",
                       asked->line.arguments[0], asked->line.at_ms);
        return;
    }
    (void)snprintf(words, MCPZ_CHECK_WORDS_BYTES,
                   "the task node %" PRIu64 " took at %" PRIu64 " ms is open: node %zu says owner "
                   "%zu backup %zu epoch %" PRIu64 " provider %zu, %u attempts, due %" PRIu64,
                   asked->line.arguments[0], asked->line.at_ms, node,
                   mcpz_sim_node_of(check->sim, &state.owner),
                   mcpz_sim_node_of(check->sim, &state.backup), state.epoch,
                   mcpz_sim_node_of(check->sim, &state.provider), state.attempts, state.due_ms);
}

/*
 * Who was started again since, and finds who keeps a task with it gone, does not know what that
 * one has done with it last: with a key, or split, it waits as long as anything lasts, for that
 * (core/ task_copies.c).
 */
bool mcpz_check_tasks_are_over(struct mcpz_check *check, char *words)
{
    for (uint64_t i = 0; i < check->request_count; i++) {
        const struct mcpz_asked *asked = &check->asked[i];
        if (!is_accepted(asked)) {
            continue;
        }
        struct standing standing = look_up(check, asked);
        if (standing.open > 0 && !has_provider(check)) {
            continue; /* also who has taken over what is done elsewhere waits for one */
        }
        if (standing.known == 0 && may_be_lost(check, i)) {
            continue;
        }
        if (standing.held_by_gone > 0 &&
            (asked->line.arguments[1] != 0 || mcpz_check_is_tree(&asked->line))) {
            continue;
        }
        if (standing.over == 0 || standing.open > 0) {
            describe(check, asked, words);
            return false;
        }
        char result[RESULT_BYTES];
        if (standing.done_at != SIZE_MAX &&
            !has_its_result(check, asked, standing.done_at, result)) {
            (void)snprintf(words, MCPZ_CHECK_WORDS_BYTES,
                           "the task node %" PRIu64 " took at %" PRIu64
                           " ms has not its result: at %zu it has \"%s\"",
                           asked->line.arguments[0], asked->line.at_ms, standing.done_at, result);
            return false;
        }
    }
    return true;
}

/* How many nodes that are left have completed what stands under this key. */
static size_t count_done(struct mcpz_check *check, const char *capability, const char *key)
{
    size_t count = 0;

    for (size_t i = 0; i < check->node_count; i++) {
        struct mcpz_record record = {
            .kind = MCPZ_RECORD_RUN,
            .run = {.capability = mcpz_text(capability), .key = mcpz_text(key)},
        };
        count += mcpz_sim_engine(check->sim, i) != NULL && !mcpz_check_is_gone(check, i) &&
                 mcpz_sim_reads(check->sim, i, &record) && record.run.done;
    }
    return count;
}

bool mcpz_check_keys_are_done_once(struct mcpz_check *check, char *words)
{
    for (uint64_t i = 0; i < check->request_count; i++) {
        const struct mcpz_asked *asked = &check->asked[i];
        if (!asked->is_ours || asked->line.verb != MCPZ_VERB_SUBMIT ||
            asked->line.arguments[1] == 0) {
            continue;
        }
        struct mcpz_check_name key = mcpz_check_name('k', asked->line.arguments[1]);
        size_t count =
            count_done(check, mcpz_check_is_tree(&asked->line) ? "split" : "echo", key.text);
        if (count > 1) {
            (void)snprintf(words, MCPZ_CHECK_WORDS_BYTES,
                           "%s was done more than once: by %zu nodes", key.text, count);
            return false;
        }
    }
    return true;
}
