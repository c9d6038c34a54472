#include "core/task_queues.h"
#include "test.h"

static struct mcpz_task_queues queues;

static struct mcpz_task_cursor at(uint64_t order, uint8_t id)
{
    return (struct mcpz_task_cursor){.order = order, .id = {{id}}};
}

static void enter(struct mcpz_task_queue *queue, uint64_t order, uint8_t id)
{
    struct mcpz_task_cursor place = at(order, id);
    mcpz_task_queue_entered(queue, &place);
}

TEST(a_capability_has_one_queue)
{
    mcpz_task_queues_init(&queues);
    struct mcpz_task_queue *queue = mcpz_task_queues_take(&queues, mcpz_text("a.b"));
    CHECK(queue != NULL);
    CHECK(mcpz_task_queues_take(&queues, mcpz_text("a.b")) == queue);
    CHECK(mcpz_task_queues_take(&queues, mcpz_text("a.c")) != queue);
    CHECK(mcpz_task_queues_find(&queues, queue->group) == queue);
    CHECK_TEXT(queue->capability, "a.b");
}

TEST(there_are_as_many_queues_as_there_may_be)
{
    char name[] = "q000";

    mcpz_task_queues_init(&queues);
    for (size_t i = 0; i < MCPZ_QUEUES_MAX; i++) {
        name[1] = (char)('0' + i / 100);
        name[2] = (char)('0' + i / 10 % 10);
        name[3] = (char)('0' + i % 10);
        CHECK(mcpz_task_queues_take(&queues, mcpz_text(name)) != NULL);
    }
    CHECK(mcpz_task_queues_take(&queues, mcpz_text("one more")) == NULL);
    CHECK(mcpz_task_queues_take(&queues, mcpz_text("q000")) != NULL);
}

TEST(runs_when_something_is_ready_and_nothing_keeps_it)
{
    mcpz_task_queues_init(&queues);
    struct mcpz_task_queue *queue = mcpz_task_queues_take(&queues, mcpz_text("a"));
    CHECK(!mcpz_task_queue_may_run(queue, 0));
    CHECK(mcpz_task_queues_deadline(&queues) == MCPZ_TIME_NEVER);
    enter(queue, 50, 1);
    CHECK(mcpz_task_queue_may_run(queue, 0));
    CHECK_UINT(mcpz_task_queues_deadline(&queues), 0);

    queue->paused = true;
    CHECK(!mcpz_task_queue_may_run(queue, 0));
    CHECK(mcpz_task_queues_deadline(&queues) == MCPZ_TIME_NEVER);
    queue->paused = false;

    queue->blocked_until_us = 7;
    CHECK(!mcpz_task_queue_may_run(queue, 6));
    CHECK(mcpz_task_queue_may_run(queue, 7));
    CHECK_UINT(mcpz_task_queues_deadline(&queues), 7);
    mcpz_task_queues_unblock(&queues);
    CHECK(mcpz_task_queue_may_run(queue, 0));

    queue->running = 1; /* that one */
    CHECK(!mcpz_task_queue_may_run(queue, 0));
}

TEST(a_slow_queue_leaves_room_for_others)
{
    mcpz_task_queues_init(&queues);
    struct mcpz_task_queue *queue = mcpz_task_queues_take(&queues, mcpz_text("a"));
    queue->ready = 1000;
    queue->running = MCPZ_QUEUE_RUNNING_MAX - 1;
    CHECK(mcpz_task_queue_may_run(queue, 0));
    queue->running = MCPZ_QUEUE_RUNNING_MAX;
    CHECK(!mcpz_task_queue_may_run(queue, 0));
}

TEST(what_comes_before_the_cursor_brings_it_back)
{
    mcpz_task_queues_init(&queues);
    struct mcpz_task_queue *queue = mcpz_task_queues_take(&queues, mcpz_text("a"));
    struct mcpz_task_cursor passed = at(50, 9);

    enter(queue, 50, 9);
    mcpz_task_queue_pass(queue, &passed);
    queue->spent = true;
    enter(queue, 50, 10); /* behind it: the cursor stays */
    CHECK_UINT(queue->cursor.id.bytes[0], 9);
    CHECK(!queue->inclusive && !queue->spent);
    enter(queue, 25, 11); /* more urgent */
    CHECK_UINT(queue->cursor.order, 25);
    CHECK(queue->inclusive);
    mcpz_task_queue_pass(queue, &passed);
    mcpz_task_queue_put_back(queue, &passed);
    CHECK(queue->inclusive);
    CHECK_UINT(queue->cursor.id.bytes[0], 9);
}

TEST(a_head_is_the_first_or_none)
{
    mcpz_task_queues_init(&queues);
    struct mcpz_task_queue *queue = mcpz_task_queues_take(&queues, mcpz_text("a"));
    struct mcpz_task_cursor head = at(50, 9);

    enter(queue, 50, 9);
    queue->head = head;
    queue->has_head = true;
    enter(queue, 75, 1); /* less urgent */
    CHECK(queue->has_head);
    mcpz_task_queue_left(queue, &(struct mcpz_task_cursor){.order = 75, .id = {{1}}});
    CHECK(queue->has_head);
    CHECK_UINT(queue->ready, 1);
    mcpz_task_queue_left(queue, &head);
    CHECK(!queue->has_head);
}

TEST_MAIN(RUN(a_capability_has_one_queue), RUN(there_are_as_many_queues_as_there_may_be),
          RUN(runs_when_something_is_ready_and_nothing_keeps_it),
          RUN(a_slow_queue_leaves_room_for_others),
          RUN(what_comes_before_the_cursor_brings_it_back), RUN(a_head_is_the_first_or_none))
