#include "sim/check.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/crdt/lives.h"
#include "crypto/digest.h"
#include "proto/code.h"

#define AFTER_CUT_US MCPZ_SECONDS(60)

static const char *const invariant_words[] = {
#define X(name, word) word,
    MCPZ_INVARIANTS(X)
#undef X
};

const char *mcpz_invariant_word(enum mcpz_invariant invariant)
{
    return invariant_words[invariant];
}

struct mcpz_check_name mcpz_check_name(char kind, uint64_t number)
{
    struct mcpz_check_name name;
    (void)snprintf(name.text, sizeof(name.text), "%c%" PRIu32, kind, (uint32_t)number);
    return name;
}

void mcpz_check_violate(struct mcpz_check *check, enum mcpz_invariant invariant,
                        const char *format, ...)
{
    va_list arguments;

    if (check->violated != MCPZ_INVARIANT_NONE) {
        return;
    }
    check->violated = invariant;
    check->violated_us = mcpz_sim_now(check->sim);
    va_start(arguments, format);
    (void)vsnprintf(check->words, sizeof(check->words), format, arguments);
    va_end(arguments);
}

bool mcpz_check_says_the_same(const char *words, const char *others)
{
    const size_t length = strcspn(words, ":");

    return length == strcspn(others, ":") && strncmp(words, others, length) == 0;
}

static void bump(struct mcpz_check *check, enum mcpz_sometimes what)
{
    check->sometimes[what]++;
}

/* ---- Looking on --------------------------------------------------------------------------- */

static void saw_unlinked(struct mcpz_check *check, uint32_t reason)
{
    if (reason == MCPZ_DOWN_SILENT) {
        bump(check, MCPZ_SOMETIMES_WENT_SILENT);
    } else if (reason == MCPZ_DOWN_FULL) {
        bump(check, MCPZ_SOMETIMES_LINK_EVICTED);
    }
}

static void saw_merged(struct mcpz_check *check)
{
    bump(check, MCPZ_SOMETIMES_MERGED);
    if (check->healed_us != 0 && mcpz_sim_now(check->sim) - check->healed_us < AFTER_CUT_US) {
        bump(check, MCPZ_SOMETIMES_MERGED_AFTER_CUT);
    }
}

static void saw_alive(struct mcpz_check *check, size_t node, size_t about)
{
    if (check->buried[node][about]) {
        check->buried[node][about] = false;
        bump(check, MCPZ_SOMETIMES_CAME_BACK);
    }
}

static void saw_dead(struct mcpz_check *check, size_t node, size_t about)
{
    bump(check, MCPZ_SOMETIMES_BURIED);
    check->buried[node][about] = true;
    if (node == about) {
        mcpz_check_violate(check, MCPZ_INVARIANT_LIVES, "node %zu declared itself dead", node);
    }
}

static bool is_doubted(const struct mcpz_check *check, size_t node)
{
    return check->doubted_since_us[node] != MCPZ_TIME_NEVER;
}

static void saw_fact(struct mcpz_check *check, size_t node, const struct mcpz_fact *fact)
{
    size_t about = mcpz_sim_node_of(check->sim, &fact->about);
    bool is_node = about != SIZE_MAX;

    if (fact->kind == MCPZ_FACT_SUSPECT) {
        bump(check, MCPZ_SOMETIMES_SUSPECTED);
    } else if (fact->kind == MCPZ_FACT_REFUTED) {
        bump(check, MCPZ_SOMETIMES_REFUTED);
    } else if (fact->kind == MCPZ_FACT_DEAD && is_node) {
        saw_dead(check, node, about);
    } else if (fact->kind == MCPZ_FACT_ALIVE && is_node) {
        saw_alive(check, node, about);
    } else if (fact->kind == MCPZ_FACT_UNLINKED) {
        saw_unlinked(check, fact->reason);
    } else if (fact->kind == MCPZ_FACT_RELAYED) {
        bump(check, MCPZ_SOMETIMES_RELAYED);
    } else if (fact->kind == MCPZ_FACT_UNRELAYED) {
        bump(check, MCPZ_SOMETIMES_RELAY_BROKEN);
    } else if (fact->kind == MCPZ_FACT_AGENT_MERGED) {
        saw_merged(check);
    } else if (fact->kind == MCPZ_FACT_AGENT_DIVERGED) {
        mcpz_check_violate(check, MCPZ_INVARIANT_SAME_ROOT,
                           "two have seen the same and hold other things: node %zu", node);
    }
}

static struct mcpz_asked *asked_of(struct mcpz_check *check, uint64_t request)
{
    assert(request < MCPZ_CHECK_REQUESTS_MAX);
    if (request >= check->request_count) {
        check->request_count = request + 1;
    }
    return &check->asked[request];
}

static void saw_reply(struct mcpz_check *check, size_t node, const struct mcpz_action_reply *reply)
{
    struct mcpz_asked *asked = asked_of(check, reply->request);

    asked->answers++;
    asked->code = reply->code;
    asked->task = reply->task;
    if (asked->answers > 1) {
        mcpz_check_violate(check, MCPZ_INVARIANT_ONE_REPLY,
                           "node %zu replied more than once: %u times to request %" PRIu64, node,
                           asked->answers, reply->request);
    }
    if (reply->code == MCPZ_CODE_OK) {
        bump(check, MCPZ_SOMETIMES_WRITE_OK);
    } else if (reply->code == MCPZ_CODE_STORE_FAILED) {
        bump(check, MCPZ_SOMETIMES_WRITE_STORE_FAILED);
    } else if (reply->code == MCPZ_CODE_NOT_FOUND) {
        bump(check, MCPZ_SOMETIMES_WRITE_NOT_FOUND);
    } else if (reply->code == MCPZ_CODE_CONFLICT) {
        bump(check, MCPZ_SOMETIMES_WRITE_CONFLICT);
    }
}

static void saw_done(struct mcpz_check *check, size_t node, const struct mcpz_action_task *task)
{
    struct mcpz_asked *asked = asked_of(check, task->request);

    asked->answers++;
    asked->code = task->code;
    if (asked->answers > 1) {
        mcpz_check_violate(check, MCPZ_INVARIANT_ONE_ANSWER,
                           "node %zu ended a task more than once: %" PRIu64 ", %u times", node,
                           task->request, asked->answers);
    }
    if (task->code == MCPZ_CODE_OK) {
        bump(check, MCPZ_SOMETIMES_TASK_OK);
    } else if (task->code == MCPZ_CODE_TIMEOUT) {
        bump(check, MCPZ_SOMETIMES_TASK_TIMEOUT);
    } else if (task->code == MCPZ_CODE_NO_PROVIDER) {
        bump(check, MCPZ_SOMETIMES_TASK_NO_PROVIDER);
    } else if (task->code == MCPZ_CODE_PROVIDER_LOST) {
        bump(check, MCPZ_SOMETIMES_TASK_LOST);
    }
}

static void saw(void *context, size_t node, const struct mcpz_action *action)
{
    struct mcpz_check *check = context;

    if (action->kind == MCPZ_ACTION_FACT) {
        saw_fact(check, node, &action->fact);
    } else if (action->kind == MCPZ_ACTION_REPLY) {
        saw_reply(check, node, &action->reply);
    } else if (action->kind == MCPZ_ACTION_TASK_DONE) {
        saw_done(check, node, &action->task);
    } else if (action->kind == MCPZ_ACTION_TASK_RETRY) {
        bump(check, MCPZ_SOMETIMES_TASK_RETRIED);
    }
}

void mcpz_check_init(struct mcpz_check *check, struct mcpz_sim *sim, size_t node_count)
{
    *check = (struct mcpz_check){.sim = sim, .node_count = node_count};
    for (size_t i = 0; i < MCPZ_SIM_NODES_MAX; i++) {
        check->doubted_since_us[i] = MCPZ_TIME_NEVER;
    }
    check->asked = calloc(MCPZ_CHECK_REQUESTS_MAX, sizeof(*check->asked));
    if (check->asked == NULL) {
        abort();
    }
    mcpz_sim_watch(sim, &(struct mcpz_sim_watch){.context = check, .saw = saw});
}

void mcpz_check_finish(struct mcpz_check *check)
{
    free(check->asked);
}

/* ---- The book ----------------------------------------------------------------------------- */

void mcpz_check_asked(struct mcpz_check *check, uint64_t request,
                      const struct mcpz_schedule_line *line)
{
    struct mcpz_asked *asked = asked_of(check, request);

    asked->is_ours = true;
    asked->line = *line;
    asked->at_us = mcpz_sim_now(check->sim);
    asked->life = check->life[line->arguments[0]];
}

static bool is_open(const struct mcpz_check *check, const struct mcpz_asked *asked)
{
    return asked->is_ours && asked->answers == 0 &&
           asked->life == check->life[asked->line.arguments[0]];
}

void mcpz_check_started(struct mcpz_check *check, size_t node)
{
    if (check->life[node]++ > 0) {
        bump(check, MCPZ_SOMETIMES_RESTARTED);
    }
    for (size_t i = 0; i < check->node_count; i++) {
        check->buried[node][i] = false;
    }
}

void mcpz_check_restored(struct mcpz_check *check, size_t node)
{
    check->incarnation[node] = 0;
}

void mcpz_check_doubts(struct mcpz_check *check, size_t node, mcpz_time since_us)
{
    check->doubted_since_us[node] = mcpz_time_min(check->doubted_since_us[node], since_us);
}

/* Was it acknowledged by somebody who does not contradict itself, and is not gone with it? */
static bool is_acknowledged(const struct mcpz_check *check, const struct mcpz_asked *asked)
{
    return asked->answers > 0 && asked->code == MCPZ_CODE_OK &&
           asked->at_us < check->doubted_since_us[asked->line.arguments[0]] &&
           mcpz_check_outlives(check, (uint64_t)(asked - check->asked));
}

void mcpz_check_killed(struct mcpz_check *check, size_t node)
{
    for (uint64_t i = 0; i < check->request_count; i++) {
        if (is_open(check, &check->asked[i]) && check->asked[i].line.arguments[0] == node) {
            bump(check, MCPZ_SOMETIMES_KILLED_IN_WRITE);
        }
    }
}

/* ---- Safety ------------------------------------------------------------------------------- */

/* One that nobody was told does not count. */
static void check_incarnation(struct mcpz_check *check, size_t node,
                              const struct mcpz_engine *engine)
{
    const struct mcpz_members *members = &mcpz_engine_node(engine)->fabric.members;
    const uint64_t incarnation = mcpz_members_self(members)->incarnation;

    if (!mcpz_engine_may_speak(engine)) {
        return;
    }
    if (incarnation < check->incarnation[node]) {
        mcpz_check_violate(check, MCPZ_INVARIANT_INCARNATION,
                           "node %zu went back: from incarnation %" PRIu64 " to %" PRIu64, node,
                           check->incarnation[node], incarnation);
    }
    check->incarnation[node] = incarnation;
}

void mcpz_check_safety(struct mcpz_check *check)
{
    for (size_t i = 0; i < check->node_count; i++) {
        const struct mcpz_engine *engine = mcpz_sim_engine(check->sim, i);
        if (engine == NULL) {
            continue;
        }
        const struct mcpz_fabric *fabric = &mcpz_engine_node(engine)->fabric;
        check_incarnation(check, i, engine);
        if (fabric->links.count > MCPZ_LINKS_MAX) {
            mcpz_check_violate(check, MCPZ_INVARIANT_LINKS, "node %zu has too many links: %zu", i,
                               fabric->links.count);
        }
    }
    if (mcpz_sim_is_stuck(check->sim)) {
        mcpz_check_violate(check, MCPZ_INVARIANT_STANDS_STILL, "time does not go on");
    }
}

/* ---- Liveness ----------------------------------------------------------------------------- */

static bool has_whole_view(struct mcpz_check *check, char *words)
{
    for (size_t i = 0; i < check->node_count; i++) {
        for (size_t j = 0; j < check->node_count && !mcpz_check_is_gone(check, i); j++) {
            if (!mcpz_check_is_gone(check, j) && !mcpz_sim_holds_alive(check->sim, i, j)) {
                (void)snprintf(words, MCPZ_CHECK_WORDS_BYTES,
                               "node %zu does not know all: it does not hold %zu for alive", i, j);
                return false;
            }
        }
    }
    return true;
}

static bool has_settled(struct mcpz_check *check, char *words)
{
    const bool has_layout = mcpz_sim_has_layout(check->sim, 0);

    for (size_t i = 0; i < check->node_count; i++) {
        if (!mcpz_check_is_gone(check, i) &&
            (mcpz_sim_has_layout(check->sim, i) != has_layout ||
             (has_layout && !mcpz_sim_layout_is_settled(check->sim, i)))) {
            (void)snprintf(words, MCPZ_CHECK_WORDS_BYTES,
                           "node %zu does not know that all have come over to its layout", i);
            return false;
        }
    }
    return true;
}

bool mcpz_check_keeps(struct mcpz_check *check, size_t node, const struct mcpz_check_name *agent)
{
    return !is_doubted(check, node) && !mcpz_check_is_gone(check, node) &&
           mcpz_sim_owns(check->sim, node, agent->text);
}

size_t mcpz_check_keeper_of(struct mcpz_check *check, uint64_t agent)
{
    const struct mcpz_check_name name = mcpz_check_name('a', agent);
    size_t keeper = 0;

    for (size_t i = check->node_count; i > 0; i--) {
        keeper = mcpz_check_keeps(check, i - 1, &name) ? i - 1 : keeper;
    }
    return keeper;
}

static bool has_same_roots(struct mcpz_check *check, char *words)
{
    for (uint64_t agent = 0; agent < MCPZ_SCHEDULE_AGENTS; agent++) {
        struct mcpz_check_name name = mcpz_check_name('a', agent);
        uint8_t first[MCPZ_DIGEST_BYTES] = {0};
        const size_t keeper = mcpz_check_keeper_of(check, agent);
        bool is_there = mcpz_sim_root(check->sim, keeper, name.text, first);
        for (size_t i = keeper + 1; i < check->node_count; i++) {
            uint8_t root[MCPZ_DIGEST_BYTES] = {0};
            if (mcpz_check_keeps(check, i, &name) &&
                (mcpz_sim_root(check->sim, i, name.text, root) != is_there ||
                 memcmp(first, root, sizeof(root)) != 0)) {
                (void)snprintf(words, MCPZ_CHECK_WORDS_BYTES,
                               "%s is not the same everywhere: at node %zu it is not as at %zu",
                               name.text, i, keeper);
                return false;
            }
        }
    }
    return true;
}

static bool is_in_place(struct mcpz_check *check, char *words)
{
    for (uint64_t agent = 0; agent < MCPZ_SCHEDULE_AGENTS; agent++) {
        struct mcpz_check_name name = mcpz_check_name('a', agent);
        for (size_t i = 0; i < check->node_count; i++) {
            uint8_t root[MCPZ_DIGEST_BYTES];
            if (!mcpz_check_is_gone(check, i) && !mcpz_sim_owns(check->sim, i, name.text) &&
                mcpz_sim_root(check->sim, i, name.text, root)) {
                (void)snprintf(words, MCPZ_CHECK_WORDS_BYTES,
                               "%s is out of place: node %zu has it still", name.text, i);
                return false;
            }
        }
    }
    return true;
}

/* What was counted at one key: acknowledged in all, and asked for in all. */
struct sums {
    int64_t acknowledged;
    int64_t asked;
};

/* Did its node count there again when that counts for nothing? What a writer has counted is one
 * entry, which that replaced. */
static bool is_counted_away(const struct mcpz_check *check, const struct mcpz_asked *asked)
{
    const uint64_t *at = asked->line.arguments;

    if (!is_doubted(check, at[0])) {
        return false;
    }
    for (uint64_t i = 0; i < check->request_count; i++) {
        const struct mcpz_asked *other = &check->asked[i];
        if (other->is_ours && other->line.verb == MCPZ_VERB_COUNT &&
            other->at_us >= check->doubted_since_us[at[0]] &&
            memcmp(other->line.arguments, at, 3 * sizeof(*at)) == 0) {
            return true;
        }
    }
    return false;
}

static bool has_counts(struct mcpz_check *check, char *words)
{
    struct sums sums[MCPZ_SCHEDULE_AGENTS][MCPZ_SCHEDULE_KEYS] = {0};

    for (uint64_t i = 0; i < check->request_count; i++) {
        const struct mcpz_asked *asked = &check->asked[i];
        if (asked->is_ours && asked->line.verb == MCPZ_VERB_COUNT) {
            const uint64_t *arguments = asked->line.arguments;
            struct sums *sum = &sums[arguments[1]][arguments[2]];
            bool is_kept = is_acknowledged(check, asked) && !is_counted_away(check, asked);
            sum->asked += (int64_t)arguments[3];
            sum->acknowledged += is_kept ? (int64_t)arguments[3] : 0;
        }
    }
    for (uint64_t agent = 0; agent < MCPZ_SCHEDULE_GONE_AGENT; agent++) {
        for (uint64_t key = 0; key < MCPZ_SCHEDULE_KEYS; key++) {
            const struct sums *sum = &sums[agent][key];
            int64_t found =
                mcpz_sim_counter(check->sim, mcpz_check_keeper_of(check, agent),
                                 mcpz_check_name('a', agent).text, mcpz_check_name('c', key).text);
            if (found < sum->acknowledged || found > sum->asked) {
                (void)snprintf(words, MCPZ_CHECK_WORDS_BYTES,
                               "a%" PRIu64 " c%" PRIu64 " %s: it is %" PRId64 ", %" PRId64
                               " acknowledged of %" PRId64,
                               agent, key,
                               found < sum->acknowledged ? "lost some" : "has too much", found,
                               sum->acknowledged, sum->asked);
                return false;
            }
        }
    }
    return true;
}

/* How often `verb` was asked for, whoever by, for the element that `named` names. */
static size_t count_asked(const struct mcpz_check *check, enum mcpz_verb verb,
                          const uint64_t *named)
{
    size_t count = 0;

    for (uint64_t i = 0; i < check->request_count; i++) {
        const struct mcpz_asked *asked = &check->asked[i];
        const uint64_t *arguments = asked->line.arguments;
        count += asked->is_ours && asked->line.verb == verb && arguments[1] == named[1] &&
                 arguments[2] == named[2] && arguments[3] == named[3];
    }
    return count;
}

/* Who removes finds what is to be removed: of what was added once nothing is left. */
static bool is_element_as_asked(struct mcpz_check *check, const struct mcpz_asked *asked)
{
    const uint64_t *arguments = asked->line.arguments;
    bool is_add = asked->line.verb == MCPZ_VERB_ADD;
    size_t against = count_asked(check, is_add ? MCPZ_VERB_REMOVE : MCPZ_VERB_ADD, arguments);

    if (against > (is_add ? 0 : 1)) {
        return true; /* which of them came last is not known */
    }
    return mcpz_sim_has(check->sim, mcpz_check_keeper_of(check, arguments[1]),
                        mcpz_check_name('a', arguments[1]).text,
                        mcpz_check_name('s', arguments[2]).text,
                        mcpz_check_name('v', arguments[3]).text) == is_add;
}

static bool has_elements(struct mcpz_check *check, char *words)
{
    for (uint64_t i = 0; i < check->request_count; i++) {
        const struct mcpz_asked *asked = &check->asked[i];
        const uint64_t *arguments = asked->line.arguments;
        bool is_add = asked->line.verb == MCPZ_VERB_ADD;
        if (!asked->is_ours || (!is_add && asked->line.verb != MCPZ_VERB_REMOVE) ||
            !is_acknowledged(check, asked) || arguments[1] == MCPZ_SCHEDULE_GONE_AGENT ||
            is_element_as_asked(check, asked)) {
            continue;
        }
        (void)snprintf(words, MCPZ_CHECK_WORDS_BYTES,
                       "a%" PRIu64 " s%" PRIu64 " %s v%" PRIu64 ": acknowledged by node %" PRIu64,
                       arguments[1], arguments[2], is_add ? "lost" : "still has", arguments[3],
                       arguments[0]);
        return false;
    }
    return true;
}

static bool has_answers(struct mcpz_check *check, char *words)
{
    for (uint64_t i = 0; i < check->request_count; i++) {
        const struct mcpz_asked *asked = &check->asked[i];
        const size_t node = (size_t)asked->line.arguments[0];
        if (is_open(check, asked) && mcpz_sim_engine(check->sim, node) != NULL) {
            (void)snprintf(words, MCPZ_CHECK_WORDS_BYTES,
                           "node %" PRIu64 " never answered: %s at %" PRIu64 " ms",
                           asked->line.arguments[0], mcpz_verb_word(asked->line.verb),
                           asked->line.at_ms);
            return false;
        }
    }
    for (size_t i = 0; i < check->node_count; i++) {
        const struct mcpz_engine *engine = mcpz_sim_engine(check->sim, i);
        if (engine == NULL) {
            continue;
        }
        const struct mcpz_calls *calls = &mcpz_engine_node(engine)->calls;
        if (calls->caller.table.count > 0 || calls->provider.table.count > 0) {
            (void)snprintf(words, MCPZ_CHECK_WORDS_BYTES,
                           "node %zu has calls open: %zu out, %zu in", i,
                           calls->caller.table.count, calls->provider.table.count);
            return false;
        }
    }
    return true;
}

static bool has_deadlines_ahead(struct mcpz_check *check, char *words)
{
    for (size_t i = 0; i < check->node_count; i++) {
        const struct mcpz_engine *engine = mcpz_sim_engine(check->sim, i);
        if (engine != NULL && mcpz_engine_deadline(engine) < mcpz_sim_now(check->sim)) {
            (void)snprintf(words, MCPZ_CHECK_WORDS_BYTES, "node %zu has a deadline in the past",
                           i);
            return false;
        }
    }
    return true;
}

bool mcpz_check_liveness(struct mcpz_check *check, enum mcpz_invariant *invariant, char *words)
{
    static const struct {
        enum mcpz_invariant invariant;
        bool (*holds)(struct mcpz_check *check, char *words);
    } rows[] = {
        {MCPZ_INVARIANT_VIEW, has_whole_view},
        {MCPZ_INVARIANT_SHUT_OUT, mcpz_check_are_shut_out},
        {MCPZ_INVARIANT_LAYOUT, has_settled},
        {MCPZ_INVARIANT_SAME_ROOT, has_same_roots},
        {MCPZ_INVARIANT_PLACE, is_in_place},
        {MCPZ_INVARIANT_KEPT, has_counts},
        {MCPZ_INVARIANT_KEPT, has_elements},
        {MCPZ_INVARIANT_ANSWERED, has_answers},
        {MCPZ_INVARIANT_TASKS, mcpz_check_tasks_are_over},
        {MCPZ_INVARIANT_ONCE, mcpz_check_keys_are_done_once},
        {MCPZ_INVARIANT_DEADLINE, has_deadlines_ahead},
        {MCPZ_INVARIANT_GOES_ON, mcpz_check_goes_on},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (!rows[i].holds(check, words)) {
            *invariant = rows[i].invariant;
            return false;
        }
    }
    return true;
}

static void count_tasks(struct mcpz_check *check, const struct mcpz_node *node)
{
    const struct mcpz_tasks_counts *counts = &node->tasks.counts;
    uint64_t *sometimes = check->sometimes;

    sometimes[MCPZ_SOMETIMES_DURABLE_TAKEN] += counts->accepted;
    sometimes[MCPZ_SOMETIMES_DURABLE_REFUSED] += counts->refused;
    sometimes[MCPZ_SOMETIMES_DURABLE_DONE] += counts->done;
    sometimes[MCPZ_SOMETIMES_DURABLE_RETRIED] += counts->retried;
    sometimes[MCPZ_SOMETIMES_DURABLE_DEAD] += counts->died;
    sometimes[MCPZ_SOMETIMES_DURABLE_TAKEN_OVER] += counts->taken_over;
    sometimes[MCPZ_SOMETIMES_DURABLE_YIELDED] += counts->yielded;
    sometimes[MCPZ_SOMETIMES_DURABLE_SPLIT] += node->tasks.tree.split;
    sometimes[MCPZ_SOMETIMES_DURABLE_REPEATED] += node->ledger.repeated;
    sometimes[MCPZ_SOMETIMES_DURABLE_ADOPTED] += node->ledger.adopted;
}

void mcpz_check_count(struct mcpz_check *check)
{
    struct mcpz_counters counters;
    uint64_t *sometimes = check->sometimes;

    mcpz_sim_counters(check->sim, &counters);
    sometimes[MCPZ_SOMETIMES_LINK_REFUSED] += counters.links_refused_full;
    sometimes[MCPZ_SOMETIMES_LINK_DUPLICATE] += counters.links_duplicate;
    sometimes[MCPZ_SOMETIMES_LINK_SLOW] += counters.links_slow;
    sometimes[MCPZ_SOMETIMES_LINK_UNADMITTED] += counters.links_unadmitted;
    sometimes[MCPZ_SOMETIMES_DIAL_FAILED] += counters.dials_failed;
    sometimes[MCPZ_SOMETIMES_DROPPED] += counters.messages_dropped;
    sometimes[MCPZ_SOMETIMES_BATCH_FAILED] += counters.batches_failed;
    sometimes[MCPZ_SOMETIMES_CHECKPOINT] += counters.checkpoints_agreed;
    sometimes[MCPZ_SOMETIMES_FOLDED] += counters.floors_raised;
    sometimes[MCPZ_SOMETIMES_BASE] += counters.bases_installed;
    sometimes[MCPZ_SOMETIMES_SHUT_OUT] += counters.refused_revoked;
    sometimes[MCPZ_SOMETIMES_FORGOTTEN] += counters.documents_forgotten;
    for (size_t i = 0; i < check->node_count; i++) {
        const struct mcpz_engine *engine = mcpz_sim_engine(check->sim, i);
        if (engine != NULL) {
            const struct mcpz_agents *agents = &mcpz_engine_node(engine)->agents;
            sometimes[MCPZ_SOMETIMES_SET_ASIDE] += agents->recheck.set_aside;
            sometimes[MCPZ_SOMETIMES_DELTA_EARLY] += agents->deltas_early;
            sometimes[MCPZ_SOMETIMES_DELTA_DUPLICATE] += agents->deltas_duplicate;
            sometimes[MCPZ_SOMETIMES_ANOTHER_LIFE] +=
                agents->deltas_written > 0 && agents->actor.generation > MCPZ_LIVES_STRIDE;
            sometimes[MCPZ_SOMETIMES_LIVES_CLOSED] += agents->lives_closed;
            sometimes[MCPZ_SOMETIMES_FORKED] += agents->forks_found;
            count_tasks(check, mcpz_engine_node(engine));
        }
    }
}
