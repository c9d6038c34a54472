/* What must hold of nodes that are gone for good, and of those that are left. */

#include <stdio.h>

#include "core/crdt/lives.h"
#include "proto/checkpoint.h"
#include "proto/code.h"
#include "sim/check.h"

#define TAIL_MAX 4 /* deltas that may stay above a floor: where more do, nodes fold (sim.c) */
#define AGAIN_US MCPZ_SECONDS(20) /* what is at rest is folded later: more is written */
#define WRITE_MS 15000

void mcpz_check_revoked(struct mcpz_check *check, size_t node, uint64_t request)
{
    check->revoked_by[node] = request;
    check->sometimes[MCPZ_SOMETIMES_REVOKED]++;
}

bool mcpz_check_is_gone(const struct mcpz_check *check, size_t node)
{
    return mcpz_check_may_be_gone(check, node) && mcpz_sim_is_revoked(check->sim, 0, node);
}

size_t mcpz_check_count_gone(const struct mcpz_check *check)
{
    size_t count = 0;

    for (size_t i = 0; i < check->node_count; i++) {
        count += mcpz_check_is_gone(check, i) ? 1 : 0;
    }
    return count;
}

bool mcpz_check_outlives(const struct mcpz_check *check, uint64_t request)
{
    return !mcpz_check_is_gone(check, (size_t)check->asked[request].line.arguments[0]) ||
           mcpz_sim_task_copies(check->sim, request) > mcpz_check_count_gone(check);
}

static bool is_shut_out_at(struct mcpz_check *check, size_t node, size_t gone, char *words)
{
    if (!mcpz_sim_is_revoked(check->sim, node, gone)) {
        (void)snprintf(words, MCPZ_CHECK_WORDS_BYTES,
                       "node %zu is gone, and not all know: node %zu does not", gone, node);
        return false;
    }
    if (node != gone && mcpz_sim_knows(check->sim, node, gone)) {
        (void)snprintf(words, MCPZ_CHECK_WORDS_BYTES,
                       "node %zu is gone, and a member still: for node %zu", gone, node);
        return false;
    }
    return true;
}

/* Who runs nevertheless knows it by now, and has given up. */
static bool is_alone(struct mcpz_check *check, size_t gone, char *words)
{
    const struct mcpz_engine *engine = mcpz_sim_engine(check->sim, gone);

    if (engine == NULL) {
        return true;
    }
    if (mcpz_engine_node(engine)->fabric.links.count > 0) {
        (void)snprintf(words, MCPZ_CHECK_WORDS_BYTES, "node %zu is gone, and has links still",
                       gone);
        return false;
    }
    return is_shut_out_at(check, gone, gone, words);
}

bool mcpz_check_are_shut_out(struct mcpz_check *check, char *words)
{
    for (size_t gone = 0; gone < check->node_count; gone++) {
        if (!mcpz_check_may_be_gone(check, gone)) {
            continue;
        }
        const bool is_gone = mcpz_check_is_gone(check, gone);
        if (!is_gone && mcpz_sim_reply(check->sim, check->revoked_by[gone]) == MCPZ_CODE_OK) {
            (void)snprintf(words, MCPZ_CHECK_WORDS_BYTES,
                           "node %zu was gone, and node 0 has forgotten it", gone);
            return false;
        }
        for (size_t i = 0; is_gone && i < check->node_count; i++) {
            if (!mcpz_check_is_gone(check, i) && !is_shut_out_at(check, i, gone, words)) {
                return false;
            }
        }
        if (is_gone && !is_alone(check, gone, words)) {
            return false;
        }
    }
    return true;
}

/* The first that keeps it and has a place among those that write to it. */
static bool find_writer(struct mcpz_check *check, uint64_t agent, size_t *writer)
{
    const struct mcpz_check_name name = mcpz_check_name('a', agent);

    for (size_t i = 0; i < check->node_count; i++) {
        if (mcpz_check_keeps(check, i, &name) && mcpz_sim_may_write(check->sim, i, name.text)) {
            *writer = i;
            return true;
        }
    }
    return false;
}

/* Once all else holds, and now and then: as much as makes them fold, the last of it with all that
 * are to have it. */
static void write_last_words(struct mcpz_check *check, uint64_t agent, size_t writer)
{
    const struct mcpz_check_name name = mcpz_check_name('a', agent);
    const struct mcpz_sim_op op = {.op = MCPZ_AGENT_SET, .path = "last", .value = "words"};

    for (size_t i = 0; i < TAIL_MAX; i++) {
        (void)mcpz_sim_write(check->sim, writer, name.text, &op);
    }
    check->last_words_us[agent] = mcpz_sim_now(check->sim);
    check->last_words[agent] =
        mcpz_sim_write_waiting(check->sim, writer, name.text, &op, MCPZ_ACK_QUORUM, WRITE_MS);
}

/* What more nodes keep than sign is not folded. */
static bool is_to_be_folded(struct mcpz_check *check, const struct mcpz_check_name *name)
{
    size_t keepers = 0;

    for (size_t i = 0; i < check->node_count; i++) {
        const bool is_left = !mcpz_check_is_gone(check, i);
        keepers += is_left && mcpz_sim_owns(check->sim, i, name->text) ? 1 : 0;
    }
    return keepers <= MCPZ_COSIGNATURES_MAX;
}

static bool is_folded(struct mcpz_check *check, const struct mcpz_check_name *name, char *words)
{
    for (size_t i = 0; i < check->node_count; i++) {
        const uint64_t tail =
            mcpz_check_keeps(check, i, name) ? mcpz_sim_tail(check->sim, i, name->text) : 0;
        if (tail > TAIL_MAX) {
            (void)snprintf(words, MCPZ_CHECK_WORDS_BYTES,
                           "%s is not folded though those that were missed are gone: node %zu has "
                           "%llu deltas above its floor",
                           name->text, i, (unsigned long long)tail);
            return false;
        }
    }
    return true;
}

/* Has one agent been written to, by what was said last, and folded? */
static bool has_gone_on(struct mcpz_check *check, uint64_t agent, char *words)
{
    const struct mcpz_check_name name = mcpz_check_name('a', agent);
    size_t writer;

    if (!find_writer(check, agent, &writer)) {
        return true; /* all places are those of nodes that keep it no more */
    }
    if (mcpz_sim_now(check->sim) >= check->last_words_us[agent] + AGAIN_US) {
        write_last_words(check, agent, writer);
    }
    const int code = mcpz_sim_reply(check->sim, check->last_words[agent]);
    if (code == MCPZ_CODE_NOT_FOUND) {
        return true;
    }
    if (code != MCPZ_CODE_OK) {
        (void)snprintf(words, MCPZ_CHECK_WORDS_BYTES,
                       "%s finds no quorum of those that are left: code %d", name.text, code);
        return false;
    }
    return !is_to_be_folded(check, &name) || is_folded(check, &name, words);
}

bool mcpz_check_goes_on(struct mcpz_check *check, char *words)
{
    const bool is_any_gone = mcpz_check_count_gone(check) > 0;

    for (uint64_t agent = 0; is_any_gone && agent < MCPZ_SCHEDULE_AGENTS; agent++) {
        check->goes_on[agent] = check->goes_on[agent] || has_gone_on(check, agent, words);
        if (!check->goes_on[agent]) {
            return false;
        }
    }
    return true;
}
