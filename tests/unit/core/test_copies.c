/* How many must have a write where there is no layout, and who they may be. */

#include "keeping_world.h"

static struct mcpz_id document;

/* Alone, without a layout; what was written last is our third write to it. */
static void set_up(void)
{
    struct mcpz_arena arena;
    const size_t bytes = mcpz_layout_history_bytes(8, 4);
    const struct mcpz_version version = {.actor = {.node = *keeper(0), .generation = 1}, .seq = 3};
    const struct mcpz_record record = {
        .kind = MCPZ_RECORD_DOCUMENT,
        .document = {
            .id = {{5, 1}}, .name = mcpz_text("a"), .versions = &version, .version_count = 1}};

    keeping_set_up();
    memset(history_memory, 0, bytes);
    mcpz_arena_init(&arena, history_memory, bytes);
    mcpz_layout_history_init(&layouts.history, keeper(0), 8, 4, &arena);
    layouts.in_force = false;
    for (size_t i = 1; i < KEEPERS; i++) {
        member_of(i)->state = MCPZ_MEMBER_LEFT;
    }
    agents.writer = version.actor;
    document = record.document.id;
    store.port.put(store.port.context, &record);
}

/* Met before the last start. */
static void remember(size_t other)
{
    const struct mcpz_record met = {
        .kind = MCPZ_RECORD_PEER,
        .peer = {.id = *keeper(other), .address = mcpz_text("there"), .name = mcpz_text("n")}};

    store.port.put(store.port.context, &met);
}

/* The agents have answered it with OK. */
static void write_with(enum mcpz_ack_level level)
{
    const struct mcpz_event event = {
        .kind = MCPZ_EVENT_AGENT_WRITE,
        .wall_ms = wall_ms,
        .agent = {.request = 7, .document = document, .ack = level, .ack_timeout_ms = 5000}};

    mcpz_outbox_clear(&out);
    struct mcpz_action *answer = mcpz_outbox_append(&out, MCPZ_ACTION_REPLY);
    answer->reply.request = 7;
    answer->reply.code = MCPZ_CODE_OK;
    mcpz_keeping_pass(&keeping, &below, now, &event, &out, 0);
}

static void come(size_t other)
{
    struct mcpz_overlay *overlay = &fabric.overlay;

    member_of(other)->state = MCPZ_MEMBER_ALIVE;
    link_with(other);
    overlay->active[overlay->active_count++].id = *keeper(other);
    step((struct mcpz_event){.kind = MCPZ_EVENT_FACT,
                             .fact = {.kind = MCPZ_FACT_NEIGHBOUR_UP, .about = *keeper(other)}});
}

static void acknowledge(size_t from)
{
    const struct mcpz_msg ack = {.kind = MCPZ_MSG_ACK,
                                 .ack = {.document = document, .actor = agents.writer, .seq = 3}};

    hear(from, &ack);
}

TEST(who_has_met_nobody_is_a_quorum)
{
    set_up();
    write_with(MCPZ_ACK_QUORUM);
    const struct mcpz_action *reply = only_action(MCPZ_ACTION_REPLY);
    CHECK_UINT(reply->reply.code, MCPZ_CODE_OK);
    CHECK_UINT(reply->reply.copies_wanted, 1);
    CHECK_UINT(keeping.acks.count, 0);
    keeping_tear_down();
}

TEST(who_has_just_started_again_is_none)
{
    set_up();
    remember(1);
    remember(2);
    write_with(MCPZ_ACK_QUORUM);
    CHECK_UINT(count_actions(MCPZ_ACTION_REPLY), 0);
    CHECK_UINT(keeping.acks.count, 1);
    come(1);
    CHECK_UINT(count_sent(1, MCPZ_MSG_ACK_ASK, NULL), 1); /* at once */
    acknowledge(1);
    const struct mcpz_action *reply = only_action(MCPZ_ACTION_REPLY);
    CHECK_UINT(reply->reply.code, MCPZ_CODE_OK);
    CHECK_UINT(reply->reply.copies, 2);
    CHECK_UINT(reply->reply.copies_wanted, 2);
    keeping_tear_down();
}

TEST(nor_is_one_whose_members_have_all_died)
{
    set_up();
    remember(1);
    write_with(MCPZ_ACK_QUORUM);
    tick(MCPZ_SECONDS(5));
    const struct mcpz_action *reply = only_action(MCPZ_ACTION_REPLY);
    CHECK_UINT(reply->reply.code, MCPZ_CODE_TIMEOUT);
    CHECK_UINT(reply->reply.copies, 1);
    CHECK_UINT(reply->reply.copies_wanted, 2);
    keeping_tear_down();
}

TEST(who_has_it_counts_although_it_is_a_neighbour_no_more)
{
    set_up();
    remember(1);
    remember(2);
    remember(3);
    write_with(MCPZ_ACK_ALL);
    come(1);
    acknowledge(1);
    CHECK_UINT(keeping.acks.count, 1);
    fabric.overlay.active_count = 0;
    unlink_from(1);
    come(2);
    CHECK_UINT(count_sent(2, MCPZ_MSG_ACK_ASK, NULL), 1);
    acknowledge(2);
    const struct mcpz_action *reply = only_action(MCPZ_ACTION_REPLY);
    CHECK_UINT(reply->reply.code, MCPZ_CODE_OK);
    CHECK_UINT(reply->reply.copies, 3);
    keeping_tear_down();
}

TEST(a_neighbour_that_was_not_told_of_is_found_when_it_is_time_to_ask_again)
{
    set_up();
    remember(1);
    write_with(MCPZ_ACK_QUORUM);
    fabric.overlay.active[fabric.overlay.active_count++].id = *keeper(1);
    member_of(1)->state = MCPZ_MEMBER_ALIVE;
    link_with(1);
    tick(MCPZ_ACK_AGAIN_US);
    CHECK_UINT(count_sent(1, MCPZ_MSG_ACK_ASK, NULL), 1);
    keeping_tear_down();
}

TEST(a_read_wants_as_many)
{
    set_up();
    remember(1);
    step((struct mcpz_event){
        .kind = MCPZ_EVENT_AGENT_READ,
        .agent = {.request = 9, .document = document, .ack_timeout_ms = 2000}});
    CHECK_UINT(count_actions(MCPZ_ACTION_REPLY), 0);
    come(1);
    CHECK_UINT(count_sent(1, MCPZ_MSG_READ, NULL), 1);
    keeping_tear_down();
}

TEST_MAIN(RUN(who_has_met_nobody_is_a_quorum), RUN(who_has_just_started_again_is_none),
          RUN(nor_is_one_whose_members_have_all_died),
          RUN(who_has_it_counts_although_it_is_a_neighbour_no_more),
          RUN(a_neighbour_that_was_not_told_of_is_found_when_it_is_time_to_ask_again),
          RUN(a_read_wants_as_many))
