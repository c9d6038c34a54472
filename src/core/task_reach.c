/*
 * Having links to those who are to hear of tasks.
 *
 * Who has no address can be dialled by nobody, and may itself have nothing to say any more: its
 * task is over, and its backup alone knows that it has not heard so. Calls reach it nevertheless,
 * through others (core/relay.h). So does a CHECK: whoever gets one from a node that it has no link
 * with dials that one.
 */

#include "core/task_step.h"

#define ASK_US MCPZ_SECONDS(15) /* between two times that a node is asked to dial us */

/* It says nothing of any task. */
static void ask_to_dial(struct mcpz_task_step *step, const struct mcpz_id *peer)
{
    mcpz_outbox_send(step->out, peer, &(struct mcpz_msg){.kind = MCPZ_MSG_TASK_CHECK});
}

static bool is_asked(const struct mcpz_task_step *step, const struct mcpz_id *peer)
{
    return mcpz_noted_holds(step->tasks->asked, MCPZ_TASKS_ASKED_MAX, step->now, peer);
}

void mcpz_task_reach(struct mcpz_task_step *step, const struct mcpz_id *peer)
{
    struct mcpz_action *reach = mcpz_outbox_append(step->out, MCPZ_ACTION_REACH);

    reach->reach.peer = *peer;
    reach->reach.or_relay = true; /* a session with it will do to ask it */
    if (is_asked(step, peer)) {
        return;
    }
    mcpz_noted_add(step->tasks->asked, MCPZ_TASKS_ASKED_MAX, peer, step->now + ASK_US);
    if (step->relay != NULL && mcpz_relay_reaches(step->relay, peer)) {
        ask_to_dial(step, peer);
    }
}

void mcpz_task_relayed(struct mcpz_task_step *step, const struct mcpz_id *peer)
{
    if (is_asked(step, peer) && mcpz_links_find(&step->fabric->links, peer) == NULL) {
        ask_to_dial(step, peer);
    }
}

bool mcpz_task_is_to_dial(struct mcpz_task_step *step, const struct mcpz_id *from)
{
    if (mcpz_links_find(&step->fabric->links, from) != NULL) {
        return false;
    }
    if (mcpz_roster_is_there(&step->fabric->members.roster, from)) {
        mcpz_outbox_append(step->out, MCPZ_ACTION_REACH)->reach.peer = *from;
    }
    return true;
}
