/* Who may keep a task: who is there, who is surely gone, and who of them is chosen. */

#include "base/hash.h"
#include "core/task_step.h"

#define MET_BEFORE_US MCPZ_SECONDS(5) /* after its start a node waits so long for whom it knew */

bool mcpz_task_has_company(const struct mcpz_task_step *step)
{
    return mcpz_members_alive_count(&step->fabric->members) > 1;
}

static const struct mcpz_member *find_member(const struct mcpz_task_step *step,
                                             const struct mcpz_id *id)
{
    return mcpz_members_find(&step->fabric->members, id);
}

bool mcpz_task_is_full(const struct mcpz_task_step *step, const struct mcpz_id *node)
{
    return mcpz_noted_holds(step->tasks->full, MCPZ_TASKS_FULL_MAX, step->now, node);
}

/*
 * Highest random weight, so that a node that goes or comes moves few tasks.
 * Source: Thaler, Ravishankar, "Using Name-Based Mappings", IEEE/ACM ToN 6(1), 1998, section 4.
 */
bool mcpz_task_choose_backup(const struct mcpz_task_step *step, const struct mcpz_task_id *id,
                             const struct mcpz_id *except, struct mcpz_id *backup)
{
    const struct mcpz_links *links = &step->fabric->links;
    uint64_t seed = mcpz_hash_bytes(mcpz_bytes(id->bytes, MCPZ_TASK_ID_BYTES), 0);
    uint64_t best = 0;
    bool found = false;

    for (size_t i = 0; i < links->count; i++) {
        const struct mcpz_id *peer = &links->links[i].id;
        const struct mcpz_member *member = find_member(step, peer);
        uint64_t weight = mcpz_hash_bytes(mcpz_bytes(peer->bytes, MCPZ_ID_BYTES), seed);
        if (member == NULL || member->state != MCPZ_MEMBER_ALIVE || links->links[i].deaf ||
            mcpz_task_is_full(step, peer) || (except != NULL && mcpz_id_equal(peer, except))) {
            continue;
        }
        if (!found || weight > best) {
            found = true;
            best = weight;
            *backup = *peer;
        }
    }
    return found;
}

bool mcpz_task_has_left(const struct mcpz_task_step *step, const struct mcpz_id *node)
{
    const struct mcpz_member *member = find_member(step, node);

    return (member != NULL && member->state == MCPZ_MEMBER_LEFT) ||
           mcpz_members_is_revoked(&step->fabric->members, node);
}

bool mcpz_task_is_out(const struct mcpz_task_step *step, const struct mcpz_id *id, bool keyed,
                      mcpz_time grace_us)
{
    const struct mcpz_node_timing *timing = step->tasks->timing;
    const struct mcpz_member *member = find_member(step, id);

    if (mcpz_links_find(&step->fabric->links, id) != NULL) {
        return false;
    }
    const bool has_left = mcpz_task_has_left(step, id);
    if (member == NULL) { /* we have not met it since we began */
        return step->now - step->tasks->started_us >= (has_left ? grace_us : timing->task_hold_us);
    }
    mcpz_time for_us = step->now > member->since_us ? step->now - member->since_us : 0;
    if (has_left) {
        return for_us >= grace_us;
    }
    if (member->state != MCPZ_MEMBER_DEAD) {
        return false;
    }
    bool surely = !keyed || member->reason == MCPZ_SUSPICION_REFUSED;
    return for_us >= (surely ? grace_us : timing->task_hold_us);
}

/* A restarted owner is not sure that it still is the owner: its backup, now dead as well, may have
 * taken over meanwhile. */
bool mcpz_task_may_replace(const struct mcpz_task_step *step, const struct mcpz_task_now *task)
{
    bool keyed = mcpz_task_is_once(task);
    bool is_sure = !keyed || task->is.life == step->tasks->life;
    mcpz_time hold_us = step->tasks->timing->task_hold_us;

    if (mcpz_id_is_zero(&task->is.backup)) {
        return true;
    }
    if (!is_sure && step->now - step->tasks->started_us < hold_us) {
        return false;
    }
    return mcpz_task_is_out(step, &task->is.backup, keyed, is_sure ? 0 : hold_us);
}

/* May a member that is not known to be gone keep something yet? */
static bool may_be_there(const struct mcpz_task_step *step, const struct mcpz_member *member)
{
    return !mcpz_member_is_gone(member) || !mcpz_task_is_out(step, &member->id, true, 0);
}

enum mcpz_task_company mcpz_task_company(const struct mcpz_task_step *step)
{
    const struct mcpz_links *links = &step->fabric->links;
    const struct mcpz_roster *roster = &step->fabric->members.roster;
    bool has_just_begun = step->now - step->tasks->started_us < MET_BEFORE_US;

    if (mcpz_task_has_company(step)) {
        return MCPZ_TASK_COMPANY;
    }
    if (links->count > 0 || (has_just_begun && links->dials.stranger_count > 0)) {
        return MCPZ_TASK_DOUBTED;
    }
    for (size_t i = 0; i < roster->count; i++) {
        if (i != MCPZ_ROSTER_SELF && may_be_there(step, &roster->rows[i])) {
            return MCPZ_TASK_DOUBTED;
        }
    }
    return MCPZ_TASK_ALONE;
}

void mcpz_task_reach_company(struct mcpz_task_step *step)
{
    const struct mcpz_roster *roster = &step->fabric->members.roster;
    const struct mcpz_member *chosen = NULL;
    uint32_t fit = 0;

    for (size_t i = 0; i < roster->count; i++) {
        const struct mcpz_member *row = &roster->rows[i];
        if (i != MCPZ_ROSTER_SELF && may_be_there(step, row) &&
            mcpz_links_find(&step->fabric->links, &row->id) == NULL &&
            mcpz_rng_below(&step->tasks->rng, ++fit) == 0) {
            chosen = row;
        }
    }
    if (chosen != NULL) {
        mcpz_task_reach(step, &chosen->id);
    }
}

void mcpz_task_rehouse(struct mcpz_task_step *step, struct mcpz_task_now *task)
{
    struct mcpz_id old = task->is.backup;
    struct mcpz_id backup = {.bytes = {0}};

    (void)mcpz_task_choose_backup(step, &task->id, &old, &backup);
    task->is.epoch++;
    task->is.backup = backup;
}
