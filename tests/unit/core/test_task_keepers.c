/* Tasks and who keeps them: owners, their backups, and who takes over. */

#include "core/task_plan.h"
#include "tasks_world.h"

/* ---- Owners and backups ------------------------------------------------------------------- */

static const struct mcpz_task_id copied = {{9}};

static void keep(mcpz_time now, const struct mcpz_id *from, uint64_t epoch, uint64_t revision,
                 struct mcpz_bytes key)
{
    body->key = key;
    receive(now, from,
            (struct mcpz_msg){.kind = MCPZ_MSG_TASK_KEEP,
                              .task_keep = {.id = copied,
                                            .body = *body,
                                            .state = {.epoch = epoch,
                                                      .revision = revision,
                                                      .owner = *from,
                                                      .backup = self,
                                                      .phase = MCPZ_TASK_QUEUED}}});
}

static void die(mcpz_time now, const struct mcpz_id *id, enum mcpz_suspicion reason)
{
    struct mcpz_member *row = member(id);

    row->state = MCPZ_MEMBER_DEAD;
    row->reason = (uint8_t)reason;
    row->since_us = now;
    tell(now, MCPZ_FACT_DEAD, id);
}

TEST(a_backup_says_that_it_keeps_a_task_when_it_is_on_disk)
{
    set_up();
    link_up(&bob);
    keep(1, &bob, 1, 1, mcpz_text(""));
    CHECK_UINT(row(0)->state.epoch, 1);
    CHECK_UINT(listed(MCPZ_TASK_LIST_READY), 0);
    CHECK_UINT(sent(MCPZ_MSG_TASK_KEPT)->task_mark.revision, 1);
    CHECK(only_action(MCPZ_ACTION_SEND)->durable);
    fake_store_finish(&store);
}

TEST(a_backup_keeps_many_at_one_time_and_says_so_once)
{
    struct mcpz_task_new new[] = {{.id = {{1}}, .body = *body}, {.id = {{2}}, .body = *body}};
    const struct mcpz_msg msg = {.kind = MCPZ_MSG_TASK_KEEP_NEW,
                                 .task_keep_new = {.tasks = new, .task_count = 2}};

    set_up();
    new[0].body = new[1].body = *body;
    link_up(&bob);
    receive(1, &bob, msg);
    CHECK_UINT(fake_store_count(&store, MCPZ_RECORD_TASK), 2);
    CHECK(mcpz_id_equal(&row(1)->state.owner, &bob));
    CHECK(mcpz_id_equal(&row(1)->state.backup, &self));
    CHECK_UINT(row(1)->state.epoch, 1);
    CHECK_UINT(row(1)->state.life, 1);
    CHECK(only_action(MCPZ_ACTION_SEND)->durable);
    const struct mcpz_msg_task_kept_all *kept = &sent(MCPZ_MSG_TASK_KEPT_ALL)->task_kept_all;
    CHECK_UINT(kept->mark_count, 2);
    CHECK(mcpz_task_id_equal(&kept->marks[1].id, &new[1].id));
    CHECK_UINT(kept->marks[1].epoch, 1);
    CHECK_UINT(kept->marks[1].revision, 1);

    receive(2, &bob, msg); /* once more: it keeps them still */
    CHECK_UINT(sent(MCPZ_MSG_TASK_KEPT_ALL)->task_kept_all.mark_count, 2);
    receive(3, &alice, msg); /* whose they are not */
    CHECK_UINT(count_actions(MCPZ_ACTION_SEND), 0);
    fake_store_finish(&store);
}

TEST(what_is_not_for_us_is_not_kept)
{
    set_up();
    link_up(&bob);
    receive(1, &bob,
            (struct mcpz_msg){.kind = MCPZ_MSG_TASK_KEEP,
                              .task_keep = {.id = copied,
                                            .body = *body,
                                            .state = {.epoch = 1,
                                                      .revision = 1,
                                                      .owner = bob,
                                                      .backup = alice,
                                                      .phase = MCPZ_TASK_QUEUED}}});
    keep(2, &bob, UINT64_MAX, 1, mcpz_text("")); /* it would be counted on from there */
    CHECK_UINT(out.count, 0);
    CHECK_UINT(store.count, 0);
    fake_store_finish(&store);
}

TEST(a_backup_takes_over_when_its_owner_is_dead_for_a_while)
{
    set_up();
    link_up(&bob);
    keep(1, &bob, 1, 1, mcpz_text(""));
    fabric.links.count = 0; /* the link is gone with bob */
    die(MCPZ_SECONDS(1), &bob, MCPZ_SUSPICION_SILENT);
    tick(MCPZ_SECONDS(2));
    CHECK(mcpz_id_equal(&row(0)->state.owner, &bob));
    tick(MCPZ_SECONDS(4));
    CHECK(mcpz_id_equal(&row(0)->state.owner, &self));
    CHECK_UINT(row(0)->state.epoch, 2);
    CHECK_UINT(listed(MCPZ_TASK_LIST_READY), 1);
    CHECK_UINT(listed(MCPZ_TASK_LIST_LONE), 1);
    fake_store_finish(&store);
}

TEST(with_a_key_a_backup_takes_over_at_once_only_from_a_process_that_has_ended)
{
    set_up();
    link_up(&bob);
    keep(1, &bob, 1, 1, mcpz_text("k"));
    fabric.links.count = 0;
    die(MCPZ_SECONDS(1), &bob, MCPZ_SUSPICION_SILENT);
    tick(MCPZ_SECONDS(30));
    CHECK(mcpz_id_equal(&row(0)->state.owner, &bob));
    die(MCPZ_SECONDS(31), &bob, MCPZ_SUSPICION_REFUSED);
    tick(MCPZ_SECONDS(34));
    CHECK(mcpz_id_equal(&row(0)->state.owner, &self));
    fake_store_finish(&store);
}

/* It may have been replaced while it was down. */
TEST(with_a_key_a_backup_that_was_down_itself_is_not_sure)
{
    set_up();
    link_up(&bob);
    keep(1, &bob, 1, 1, mcpz_text("k"));
    start(2);
    fabric.links.count = 0;
    die(MCPZ_SECONDS(1), &bob, MCPZ_SUSPICION_REFUSED);
    tick(MCPZ_SECONDS(30));
    CHECK(mcpz_id_equal(&row(0)->state.owner, &bob));
    tick(MCPZ_SECONDS(62));
    CHECK(mcpz_id_equal(&row(0)->state.owner, &self));
    fake_store_finish(&store);
}

TEST(with_a_key_a_backup_that_was_told_that_all_stands_is_sure_again)
{
    set_up();
    link_up(&bob);
    keep(1, &bob, 1, 1, mcpz_text("k"));
    start(2);
    tick(2);
    CHECK_UINT(sent(MCPZ_MSG_TASK_CHECK)->task_mark.epoch, 1);
    mark(3, &bob, MCPZ_MSG_TASK_STANDS, 0);
    CHECK_UINT(row(0)->state.life, 2);
    fabric.links.count = 0;
    die(MCPZ_SECONDS(1), &bob, MCPZ_SUSPICION_REFUSED);
    tick(MCPZ_SECONDS(4));
    CHECK(mcpz_id_equal(&row(0)->state.owner, &self));
    fake_store_finish(&store);
}

TEST(an_owner_that_has_lost_a_task_is_as_good_as_dead)
{
    set_up();
    link_up(&bob);
    keep(1, &bob, 1, 1, mcpz_text(""));
    mark(2, &bob, MCPZ_MSG_TASK_LACK, 0);
    CHECK(mcpz_id_equal(&row(0)->state.owner, &self));
    fake_store_finish(&store);
}

TEST(whoever_has_the_higher_epoch_is_the_owner)
{
    with_alice();
    link_up(&bob);
    keep(1, &bob, 1, 1, mcpz_text(""));
    mark(2, &bob, MCPZ_MSG_TASK_LACK, 0); /* ours, in epoch 2 */
    mark(2, &alice, MCPZ_MSG_TASK_KEPT, 0);
    keep(3, &bob, 1, 9, mcpz_text(""));
    CHECK_UINT(sent(MCPZ_MSG_TASK_YIELD)->task_yield.epoch, 2);
    CHECK(mcpz_id_equal(&row(0)->state.owner, &self));
    begin(4);
    keep(5, &bob, 3, 1, mcpz_text(""));
    (void)called(MCPZ_EVENT_TASK_CANCEL);
    (void)sent(MCPZ_MSG_TASK_KEPT);
    CHECK(mcpz_id_equal(&row(0)->state.owner, &bob));
    CHECK_UINT(listed(MCPZ_TASK_LIST_READY), 0);
    CHECK_UINT(tasks.running, 0);
    fake_store_finish(&store);
}

/* Who took it over may go before its backup, whose disk is slow, has it: found by a storm. */
TEST(an_owner_of_before_does_not_hear_whose_it_is_before_another_keeps_it)
{
    with_alice();
    link_up(&bob);
    keep(1, &bob, 1, 1, mcpz_text("k"));
    mark(2, &bob, MCPZ_MSG_TASK_LACK, 0); /* ours, in epoch 2, for alice to keep */
    keep(3, &bob, 1, 1, mcpz_text("k"));
    CHECK_UINT(count_actions(MCPZ_ACTION_SEND), 0);
    CHECK(mcpz_id_equal(&row(0)->state.owner, &self));
    mark(4, &alice, MCPZ_MSG_TASK_KEPT, 0);
    keep(5, &bob, 1, 1, mcpz_text("k"));
    CHECK_UINT(sent(MCPZ_MSG_TASK_YIELD)->task_yield.epoch, 2);
    fake_store_finish(&store);
}

/* There is nobody else: it is asked itself, without waiting for a turn. */
TEST(an_owner_of_before_keeps_it_if_there_is_nobody_else)
{
    set_up();
    link_up(&bob);
    keep(1, &bob, 1, 1, mcpz_text(""));
    fabric.links.count = 0;
    die(MCPZ_SECONDS(1), &bob, MCPZ_SUSPICION_SILENT);
    tick(MCPZ_SECONDS(4));
    CHECK(mcpz_id_equal(&row(0)->state.owner, &self));
    tick(MCPZ_SECONDS(4) + 1);
    (void)member(&bob);
    link_up(&bob);
    keep(MCPZ_SECONDS(5), &bob, 1, 1, mcpz_text(""));
    CHECK_UINT(count_actions(MCPZ_ACTION_SEND), 0);
    tick(MCPZ_SECONDS(5) + 1);
    CHECK(mcpz_id_equal(&sent(MCPZ_MSG_TASK_KEEP)->task_keep.state.backup, &bob));
    CHECK_UINT(row(0)->state.epoch, 3);
    fake_store_finish(&store);
}

TEST(an_owner_that_hears_whose_it_is_lets_it_go)
{
    set_up();
    submit(1, 5);
    begin(2);
    receive(3, &bob,
            (struct mcpz_msg){.kind = MCPZ_MSG_TASK_YIELD, .task_yield = {row(0)->id, 1, alice}});
    CHECK_UINT(fake_store_count(&store, MCPZ_RECORD_TASK), 1); /* a smaller id, the same epoch */
    receive(4, &bob,
            (struct mcpz_msg){.kind = MCPZ_MSG_TASK_YIELD, .task_yield = {row(0)->id, 2, alice}});
    (void)called(MCPZ_EVENT_TASK_CANCEL);
    CHECK_UINT(row(0)->state.phase, MCPZ_TASK_YIELDED);
    CHECK(mcpz_id_equal(&row(0)->state.owner, &alice));
    CHECK_UINT(listed(MCPZ_TASK_LIST_READY), 0);
    CHECK_UINT(listed(MCPZ_TASK_LIST_LONE), 0);
    fake_store_finish(&store);
}

/* Its first owner comes back and asks its backup, which has taken over and yielded meanwhile:
 * found by a storm. */
TEST(who_has_yielded_tells_so_to_an_owner_of_before)
{
    set_up();
    link_up(&bob);
    keep(1, &bob, 1, 1, mcpz_text("k"));
    mark(2, &bob, MCPZ_MSG_TASK_LACK, 0); /* ours, in epoch 2 */
    receive(3, &bob,
            (struct mcpz_msg){.kind = MCPZ_MSG_TASK_YIELD, .task_yield = {copied, 4, alice}});
    keep(4, &bob, 1, 1, mcpz_text("k"));
    CHECK_UINT(sent(MCPZ_MSG_TASK_YIELD)->task_yield.epoch, 4);
    CHECK(mcpz_id_equal(&sent(MCPZ_MSG_TASK_YIELD)->task_yield.owner, &alice));
    CHECK_UINT(count_actions(MCPZ_ACTION_SEND), 1);
    link_up(&alice);
    keep(5, &alice, 4, 1, mcpz_text("k")); /* but its owner may have us keep it again */
    (void)sent(MCPZ_MSG_TASK_KEPT);
    CHECK_UINT(row(0)->state.phase, MCPZ_TASK_QUEUED);
    fake_store_finish(&store);
}

/*
 * Two have counted to the same epoch, and meet at one that keeps it for neither or for one of
 * them: it believes the one that the other gives way to, or they hold on for ever. Found by a
 * storm.
 */
TEST(of_two_owners_with_one_epoch_the_greater_is_kept_for)
{
    set_up();
    link_up(&alice);
    link_up(&bob);
    keep(1, &alice, 3, 1, mcpz_text("k"));
    keep(2, &bob, 3, 1, mcpz_text("k"));
    (void)sent(MCPZ_MSG_TASK_KEPT);
    CHECK(mcpz_id_equal(&row(0)->state.owner, &bob));
    keep(3, &alice, 3, 2, mcpz_text("k"));
    CHECK(mcpz_id_equal(&sent(MCPZ_MSG_TASK_YIELD)->task_yield.owner, &bob)); /* and it does */
    CHECK_UINT(sent(MCPZ_MSG_TASK_YIELD)->task_yield.epoch, 3);
    CHECK(mcpz_id_equal(&row(0)->state.owner, &bob));
    fake_store_finish(&store);
}

TEST(what_has_ended_is_believed_before_an_owner_with_the_same_epoch)
{
    set_up();
    link_up(&alice);
    link_up(&bob);
    keep(1, &alice, 3, 1, mcpz_text("k"));
    receive(2, &alice,
            (struct mcpz_msg){.kind = MCPZ_MSG_TASK_MOVED,
                              .task_moved = {.id = copied,
                                             .state = {.epoch = 3,
                                                       .revision = 2,
                                                       .owner = alice,
                                                       .backup = self,
                                                       .phase = MCPZ_TASK_CANCELLED}}});
    keep(3, &bob, 3, 1, mcpz_text("k"));
    CHECK_UINT(sent(MCPZ_MSG_TASK_YIELD)->task_yield.epoch, 4); /* which bob gives way to */
    CHECK(mcpz_id_equal(&row(0)->state.owner, &alice));
    fake_store_finish(&store);
}

TEST(a_restarted_owner_asks_its_backup_before_it_begins)
{
    with_alice();
    submit(1, 5);
    mark(2, &alice, MCPZ_MSG_TASK_KEPT, 0);
    start(2);
    tick(3);
    CHECK_UINT(count_actions(MCPZ_ACTION_CALL), 0);
    (void)sent(MCPZ_MSG_TASK_MOVED);
    mark(4, &alice, MCPZ_MSG_TASK_KEPT, 0);
    (void)called(MCPZ_EVENT_TASK_START);
    CHECK_UINT(row(0)->state.life, 2);
    fake_store_finish(&store);
}

TEST(a_restarted_owner_that_hears_nothing_begins_nevertheless)
{
    with_alice();
    submit(1, 5);
    mark(2, &alice, MCPZ_MSG_TASK_KEPT, 0);
    start(2);
    tick(3);
    CHECK_UINT(count_actions(MCPZ_ACTION_CALL), 0);
    tick(MCPZ_SECONDS(2) + 4);
    (void)called(MCPZ_EVENT_TASK_START);
    fake_store_finish(&store);
}

/* It may have taken over before it died: found by a storm. */
TEST(with_a_key_a_restarted_owner_does_not_replace_a_dead_backup_at_once)
{
    with_alice();
    struct mcpz_event provide = {.kind = MCPZ_EVENT_PROVIDE, .provide = {.name = mcpz_text("x")}};
    mcpz_registry_step(&registry, 0, &provide, &out);
    body->key = mcpz_text("k");
    submit(1, 5);
    mark(2, &alice, MCPZ_MSG_TASK_KEPT, 0);
    start(2);
    fabric.links.count = 0;
    (void)member(&bob);
    link_up(&bob);
    die(3, &alice, MCPZ_SUSPICION_REFUSED);
    tick(MCPZ_SECONDS(6));
    tick(MCPZ_SECONDS(12));
    CHECK(mcpz_id_equal(&row(0)->state.backup, &alice));
    CHECK(mcpz_id_is_zero(&row(0)->state.provider));
    tick(MCPZ_SECONDS(62));
    CHECK(mcpz_id_equal(&row(0)->state.backup, &bob));
    fake_store_finish(&store);
}

TEST(what_nobody_else_keeps_is_kept_as_soon_as_somebody_comes)
{
    set_up();
    submit(1, 5);
    tick(2);
    (void)member(&alice);
    link_up(&alice);
    tick(MCPZ_SECONDS(3));
    CHECK(mcpz_id_equal(&sent(MCPZ_MSG_TASK_KEEP)->task_keep.state.backup, &alice));
    mark(MCPZ_SECONDS(4), &alice, MCPZ_MSG_TASK_KEPT, 0);
    CHECK_UINT(listed(MCPZ_TASK_LIST_LONE), 0);
    fake_store_finish(&store);
}

/* Alice keeps a task and dies, and bob is asked to keep it. */
static void have_bob_replace_alice(void)
{
    with_alice();
    submit(1, 5);
    mark(2, &alice, MCPZ_MSG_TASK_KEPT, 0);
    fabric.links.count = 0;
    (void)member(&bob);
    link_up(&bob);
    tasks.queues.rows[0].paused = true;
    die(MCPZ_SECONDS(1), &alice, MCPZ_SUSPICION_SILENT);
    tick(MCPZ_SECONDS(4));
}

TEST(a_dead_backup_is_replaced)
{
    have_bob_replace_alice();
    CHECK(mcpz_id_equal(&sent(MCPZ_MSG_TASK_KEEP)->task_keep.state.backup, &bob));
    CHECK_UINT(row(0)->state.epoch, 2);
    fake_store_finish(&store);
}

/* It may be the only copy beside the owner's: the other's disk may be full. */
TEST(who_was_replaced_drops_it_when_another_keeps_it)
{
    have_bob_replace_alice();
    CHECK(mcpz_id_equal(&row(0)->state.backup, &bob));
    link_up(&alice);
    mark(MCPZ_SECONDS(5), &alice, MCPZ_MSG_TASK_CHECK, 0);
    CHECK_UINT(count_actions(MCPZ_ACTION_SEND), 0);
    mark(MCPZ_SECONDS(6), &bob, MCPZ_MSG_TASK_KEPT, 0);
    mark(MCPZ_SECONDS(7), &alice, MCPZ_MSG_TASK_CHECK, 0);
    CHECK_UINT(sent(MCPZ_MSG_TASK_DROP)->task_mark.epoch, 2);
    fake_store_finish(&store);
}

TEST(who_is_full_is_not_asked_for_a_while)
{
    with_alice();
    (void)member(&bob);
    link_up(&bob);
    submit(1, 5);
    const struct mcpz_id first = row(0)->state.backup;
    mark(2, &first, MCPZ_MSG_TASK_UNABLE, 0);
    CHECK(!mcpz_id_equal(&row(0)->state.backup, &first));
    CHECK_UINT(sent(MCPZ_MSG_TASK_KEEP)->task_keep.state.epoch, 2);
    mark(3, &row(0)->state.backup, MCPZ_MSG_TASK_KEPT, 0);
    for (size_t i = 1; i <= 8; i++) { /* half of them would be that one's, by lot */
        submit(3 + i, 5 + i);
        CHECK(!mcpz_id_equal(&row(i)->state.backup, &first));
    }
    mark(20, &row(8)->state.backup, MCPZ_MSG_TASK_UNABLE, 8); /* the other one is full, too */
    CHECK(mcpz_id_is_zero(&row(8)->state.backup));
    CHECK_UINT(count_actions(MCPZ_ACTION_SEND), 0); /* back and forth would be for ever */
    CHECK_UINT(tasks.counts.unkept, 2);
    fake_store_finish(&store);
}

/* A task that was split, and one of its parts, which nobody else keeps yet. */
static void add_part(void)
{
    const struct mcpz_task_id parent = {.bytes = {1}};
    const struct mcpz_task_id part = {.bytes = {2}};
    struct mcpz_task_state state = {.epoch = 1,
                                    .revision = 1,
                                    .owner = self,
                                    .backup = alice,
                                    .life = 1,
                                    .phase = MCPZ_TASK_SPLIT};
    struct mcpz_task_body of_part = *body;

    mcpz_task_book_add(&tasks.book, &parent, body, &state);
    state.phase = MCPZ_TASK_QUEUED;
    of_part.kin_count = 1;
    of_part.kin[0] = (struct mcpz_task_kin){.parent = parent, .root = parent, .level = 1};
    mcpz_task_book_add(&tasks.book, &part, &of_part, &state);
    mcpz_task_book_set_lone(&tasks.book, &part, true);
}

/* Ticks until then, one a second; how often the part was to be kept. */
static size_t kept_until(mcpz_time *now, mcpz_time until_us)
{
    size_t count = 0;

    while (*now < until_us) {
        *now += MCPZ_SECONDS(1);
        tick(*now);
        size_t at = 0;
        const struct mcpz_action *action;
        while ((action = next_action(MCPZ_ACTION_SEND, &at)) != NULL) {
            count += action->send.msg.kind == MCPZ_MSG_TASK_KEEP;
        }
    }
    return count;
}

TEST(a_part_of_a_tree_waits_for_who_is_full)
{
    mcpz_time now = 0;

    with_alice();
    add_part();
    CHECK(kept_until(&now, MCPZ_SECONDS(10)) >= 2); /* said again as long as nothing is heard */
    mark(now, &alice, MCPZ_MSG_TASK_UNABLE, 1);
    CHECK_UINT(kept_until(&now, MCPZ_SECONDS(10) + MCPZ_TASKS_FULL_US), 0);
    CHECK(mcpz_id_equal(&row(1)->state.backup, &alice)); /* a tree stays together */
    CHECK(kept_until(&now, MCPZ_SECONDS(20) + MCPZ_TASKS_FULL_US) >= 2);
    fake_store_finish(&store);
}

/* What was added by add_part() is over, and well. */
static void end_part(void)
{
    const struct mcpz_task_id id = row(1)->id;
    const struct mcpz_task_state was = row(1)->state;
    struct mcpz_task_state is = was;
    struct mcpz_task_body of_part;

    CHECK_UINT(mcpz_task_book_body(&tasks.book, &id, &of_part), MCPZ_OK);
    is.phase = MCPZ_TASK_DONE;
    mcpz_task_book_move(&tasks.book, &id, &of_part, &was, &is);
}

static void claim_part(mcpz_time now, const struct mcpz_id *from, uint64_t epoch,
                       const struct mcpz_id *owner)
{
    receive(
        now, from,
        (struct mcpz_msg){.kind = MCPZ_MSG_TASK_YIELD, .task_yield = {row(1)->id, epoch, *owner}});
}

/* Two that were cut off have both taken it, and one of them has let it go with its root since. Who
 * is to keep it has not heard of that, and refused it for ever: found by a storm. */
TEST(a_part_that_is_over_is_claimed_beyond_what_its_backup_holds_another_for)
{
    with_alice();
    add_part();
    end_part();
    claim_part(1, &bob, 1, &bob); /* that one is not to keep it */
    CHECK_UINT(row(1)->state.epoch, 1);
    claim_part(2, &alice, 1, &bob);
    CHECK_UINT(row(1)->state.epoch, 2);
    CHECK(mcpz_id_equal(&row(1)->state.owner, &self));
    CHECK_UINT(row(1)->state.phase, MCPZ_TASK_DONE);
    CHECK_UINT(sent(MCPZ_MSG_TASK_KEEP)->task_keep.state.epoch, 2);
    CHECK_UINT(sent(MCPZ_MSG_TASK_MOVED)->task_moved.state.epoch, 2);
    claim_part(3, &alice, 1, &bob); /* of before it had heard that */
    CHECK_UINT(count_actions(MCPZ_ACTION_SEND), 0);
    CHECK_UINT(row(1)->state.epoch, 2);
    claim_part(4, &alice, 7, &bob);
    CHECK_UINT(row(1)->state.epoch, 8);
    mark(5, &alice, MCPZ_MSG_TASK_KEPT, 1);
    CHECK_UINT(listed(MCPZ_TASK_LIST_LONE), 0);
    fake_store_finish(&store);
}

/* Of two claims to what is open the higher id's holds, but who is to keep it does not weigh that.
 */
TEST(an_open_part_is_claimed_anew_where_another_of_a_lower_id_is_held_for_its_owner)
{
    with_alice();
    add_part();
    claim_part(1, &alice, 1, &alice);
    CHECK_UINT(row(1)->state.epoch, 2);
    CHECK_UINT(row(1)->state.phase, MCPZ_TASK_QUEUED);
    claim_part(2, &alice, 3, &bob); /* surely another's; with its parent it comes back */
    CHECK_UINT(row(1)->state.phase, MCPZ_TASK_YIELDED);
    fake_store_finish(&store);
}

TEST(a_part_is_not_claimed_by_who_has_lost_its_root)
{
    with_alice();
    add_part();
    end_part();
    receive(1, &alice,
            (struct mcpz_msg){.kind = MCPZ_MSG_TASK_YIELD, .task_yield = {row(0)->id, 5, bob}});
    CHECK_UINT(row(0)->state.phase, MCPZ_TASK_YIELDED);
    claim_part(2, &alice, 5, &bob);
    CHECK_UINT(row(1)->state.epoch, 1);
    CHECK_UINT(count_actions(MCPZ_ACTION_SEND), 0);
    fake_store_finish(&store);
}

TEST(a_backup_that_was_replaced_is_told_to_drop_it)
{
    with_alice();
    link_up(&bob);
    submit(1, 5);
    mark(2, &bob, MCPZ_MSG_TASK_CHECK, 0);
    (void)sent(MCPZ_MSG_TASK_DROP);
    mark(3, &alice, MCPZ_MSG_TASK_CHECK, 0);
    (void)sent(MCPZ_MSG_TASK_STANDS);
    receive(4, &alice, (struct mcpz_msg){.kind = MCPZ_MSG_TASK_CHECK, .task_mark = {{{1}}, 1, 1}});
    (void)sent(MCPZ_MSG_TASK_LACK); /* we know of no such task */
    fake_store_finish(&store);
}

/* Else it lets go of an epoch that is lost in a crash, and never again hears its owner. */
TEST(what_is_said_of_a_task_is_on_disk_before)
{
    with_alice();
    link_up(&bob);
    submit(1, 5);
    CHECK(only_action(MCPZ_ACTION_SEND)->durable); /* KEEP */
    mark(2, &bob, MCPZ_MSG_TASK_CHECK, 0);
    CHECK_UINT(sent(MCPZ_MSG_TASK_DROP)->task_mark.epoch, 1);
    CHECK(only_action(MCPZ_ACTION_SEND)->durable);
    mark(3, &alice, MCPZ_MSG_TASK_CHECK, 0);
    (void)sent(MCPZ_MSG_TASK_STANDS);
    CHECK(only_action(MCPZ_ACTION_SEND)->durable);
    receive(4, &alice, (struct mcpz_msg){.kind = MCPZ_MSG_TASK_CHECK, .task_mark = {{{1}}, 1, 1}});
    (void)sent(MCPZ_MSG_TASK_LACK);
    CHECK(only_action(MCPZ_ACTION_SEND)->durable);
    receive(5, &alice,
            (struct mcpz_msg){.kind = MCPZ_MSG_TASK_YIELD, .task_yield = {row(0)->id, 2, alice}});
    mark(6, &bob, MCPZ_MSG_TASK_CHECK, 0);
    (void)sent(MCPZ_MSG_TASK_YIELD);
    CHECK(only_action(MCPZ_ACTION_SEND)->durable);
    fake_store_finish(&store);
}

/* ---- Trees that were taken over ----------------------------------------------------------- */

static const struct mcpz_task_id split = {{1}};

static struct mcpz_task_id part_id(uint32_t part)
{
    return mcpz_task_part_id(&split, 0, part);
}

static struct mcpz_task_state part_state(uint32_t part)
{
    const struct mcpz_task_id id = part_id(part);
    struct mcpz_task_state state = {.phase = 0};

    CHECK_UINT(mcpz_task_book_state(&tasks.book, &id, &state), MCPZ_OK);
    return state;
}

/* A task of ours that alice keeps, with these of its parts: not over, but for those before `done`,
 * and fed like this. */
static void add_tree(const struct mcpz_task_plan *plan, const uint32_t *parts, size_t part_count,
                     uint32_t done, enum mcpz_task_feed feed)
{
    struct mcpz_task_state state = {.epoch = 1,
                                    .revision = 1,
                                    .owner = self,
                                    .backup = alice,
                                    .life = 1,
                                    .phase = MCPZ_TASK_SPLIT,
                                    .family = (uint32_t)part_count};
    struct mcpz_task_body of_part = *body;

    mcpz_task_book_add(&tasks.book, &split, body, &state);
    mcpz_task_book_set_plan(&tasks.book, &split, plan);
    of_part.kin_count = 1;
    state.family = 0;
    for (size_t i = 0; i < part_count; i++) {
        const struct mcpz_task_id id = part_id(parts[i]);
        bool is_fed = parts[i] >= plan->count || (feed == MCPZ_TASK_FEED_BEFORE && parts[i] > 0);
        of_part.kin[0] = (struct mcpz_task_kin){.parent = split,
                                                .root = split,
                                                .level = 1,
                                                .part = parts[i],
                                                .feed = is_fed ? feed : MCPZ_TASK_FEED_NONE};
        state.phase = parts[i] < done ? MCPZ_TASK_DONE : MCPZ_TASK_QUEUED;
        mcpz_task_book_add(&tasks.book, &id, &of_part, &state);
    }
    start(1);
}

/* The only one that is under way. */
static bool is_only_running(uint32_t part)
{
    const struct mcpz_task_id id = part_id(part);

    return tasks.running == 1 && mcpz_tasks_running(&tasks, &id) != NULL;
}

/* It is over, well, and alice knows. */
static void finish_part(mcpz_time now, uint32_t part)
{
    end(now, MCPZ_CODE_OK);
    const struct mcpz_task_state state = part_state(part);
    CHECK_UINT(state.phase, MCPZ_TASK_DONE);
    receive(now + 1, &alice,
            (struct mcpz_msg){.kind = MCPZ_MSG_TASK_KEPT,
                              .task_mark = {part_id(part), state.epoch, state.revision}});
}

/* An owner of before had all the parts done, and has made the one that reduces. Another has split
 * the task anew since, and so had them to be done again: found by a storm. */
TEST(what_reduces_is_begun_when_all_that_it_is_fed_with_is_over)
{
    const struct mcpz_task_plan plan = {
        .count = 2, .aggregate = MCPZ_TASK_PARALLEL, .reduces = true};

    with_alice();
    offer(&alice);
    add_tree(&plan, (const uint32_t[]){0, 1, 2}, 3, 1, MCPZ_TASK_FEED_ALL);
    tick(MCPZ_SECONDS(1));
    CHECK(is_only_running(1));
    tick(MCPZ_SECONDS(2));
    CHECK(is_only_running(1));
    finish_part(MCPZ_SECONDS(3), 1);
    tick(MCPZ_SECONDS(4));
    CHECK(is_only_running(2));
    end(MCPZ_SECONDS(5), MCPZ_CODE_OK);
    CHECK_UINT(part_state(2).phase, MCPZ_TASK_DONE);
    fake_store_finish(&store);
}

TEST(of_a_sequence_what_is_there_too_early_waits_for_those_before_it)
{
    const struct mcpz_task_plan plan = {.count = 3, .aggregate = MCPZ_TASK_SEQUENTIAL};
    const struct mcpz_task_id between = part_id(1);
    struct mcpz_task_state found;

    with_alice();
    offer(&alice);
    add_tree(&plan, (const uint32_t[]){0, 2}, 2, 0, MCPZ_TASK_FEED_BEFORE);
    tick(MCPZ_SECONDS(1));
    CHECK(is_only_running(0));
    CHECK_UINT(mcpz_task_book_state(&tasks.book, &between, &found), MCPZ_ENOTFOUND);
    finish_part(MCPZ_SECONDS(2), 0);
    tick(MCPZ_SECONDS(3));
    CHECK(is_only_running(1));
    fake_store_finish(&store);
}

TEST_MAIN(RUN(a_backup_keeps_many_at_one_time_and_says_so_once),
          RUN(a_backup_says_that_it_keeps_a_task_when_it_is_on_disk),
          RUN(what_is_not_for_us_is_not_kept),
          RUN(a_backup_takes_over_when_its_owner_is_dead_for_a_while),
          RUN(with_a_key_a_backup_takes_over_at_once_only_from_a_process_that_has_ended),
          RUN(with_a_key_a_backup_that_was_down_itself_is_not_sure),
          RUN(with_a_key_a_backup_that_was_told_that_all_stands_is_sure_again),
          RUN(an_owner_that_has_lost_a_task_is_as_good_as_dead),
          RUN(whoever_has_the_higher_epoch_is_the_owner),
          RUN(an_owner_of_before_does_not_hear_whose_it_is_before_another_keeps_it),
          RUN(an_owner_of_before_keeps_it_if_there_is_nobody_else),
          RUN(an_owner_that_hears_whose_it_is_lets_it_go),
          RUN(who_has_yielded_tells_so_to_an_owner_of_before),
          RUN(of_two_owners_with_one_epoch_the_greater_is_kept_for),
          RUN(what_has_ended_is_believed_before_an_owner_with_the_same_epoch),
          RUN(a_restarted_owner_asks_its_backup_before_it_begins),
          RUN(a_restarted_owner_that_hears_nothing_begins_nevertheless),
          RUN(with_a_key_a_restarted_owner_does_not_replace_a_dead_backup_at_once),
          RUN(what_nobody_else_keeps_is_kept_as_soon_as_somebody_comes),
          RUN(a_dead_backup_is_replaced), RUN(who_was_replaced_drops_it_when_another_keeps_it),
          RUN(who_is_full_is_not_asked_for_a_while), RUN(a_part_of_a_tree_waits_for_who_is_full),
          RUN(a_part_that_is_over_is_claimed_beyond_what_its_backup_holds_another_for),
          RUN(an_open_part_is_claimed_anew_where_another_of_a_lower_id_is_held_for_its_owner),
          RUN(a_part_is_not_claimed_by_who_has_lost_its_root),
          RUN(a_backup_that_was_replaced_is_told_to_drop_it),
          RUN(what_is_said_of_a_task_is_on_disk_before),
          RUN(what_reduces_is_begun_when_all_that_it_is_fed_with_is_over),
          RUN(of_a_sequence_what_is_there_too_early_waits_for_those_before_it))
