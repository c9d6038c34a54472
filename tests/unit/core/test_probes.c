/* A few nodes that know the same graph, and probes that go from one to the other. */

#include "core.h"
#include "core/probes.h"

#define NODES_MAX 20
#define QUEUE_MAX 64

struct peer {
    struct mcpz_roster roster;
    struct mcpz_links links;
    struct mcpz_probes probes;
};

struct piece {
    size_t to;
    struct mcpz_msg_probe probe;
    struct mcpz_short path[MCPZ_OVERLAY_WALK_MAX];
};

static struct peer peers[NODES_MAX];
static size_t peer_count;
static struct mcpz_node_timing timing;
static mcpz_time now;
static struct piece queue[QUEUE_MAX];
static size_t queued;
static enum mcpz_probe_result result; /* the last one that was not NONE */

static struct mcpz_id id_of(size_t number)
{
    return (struct mcpz_id){.bytes = {(uint8_t)(number + 1), 1}};
}

static struct mcpz_short name_of(size_t number)
{
    const struct mcpz_id id = id_of(number);
    return mcpz_short_of(&id);
}

/* ---- The world ---------------------------------------------------------------------------- */

static struct mcpz_member *row_of(size_t at, size_t about)
{
    const struct mcpz_id id = id_of(about);
    return mcpz_roster_find(&peers[at].roster, &id);
}

static void set_up(size_t count)
{
    static _Alignas(16) uint8_t memory[NODES_MAX][16384];
    static const struct mcpz_node_timing defaults;
    const struct mcpz_roster_config roster = {.rows_max = NODES_MAX, .text_bytes = 16};

    CHECK(count <= NODES_MAX);
    timing = mcpz_timing_or_default(&defaults);
    now = MCPZ_SECONDS(1000);
    peer_count = count;
    queued = 0;
    result = MCPZ_PROBE_RESULT_NONE;
    mcpz_outbox_init(&out);
    for (size_t i = 0; i < count; i++) {
        const struct mcpz_links_config links = {.self = id_of(i),
                                                .links_max = 8,
                                                .dials_max = 1,
                                                .seeds_max = 1,
                                                .address_bytes = 16,
                                                .seed = i};
        struct mcpz_arena arena;
        mcpz_arena_init(&arena, memory[i], sizeof(memory[i]));
        mcpz_roster_init(&peers[i].roster, &roster, &arena);
        mcpz_links_init(&peers[i].links, &links, &timing, &arena, now);
        mcpz_probes_init(&peers[i].probes, i);
        for (size_t j = 0; j < count; j++) { /* itself first */
            const struct mcpz_id id = id_of((i + j) % count);
            struct mcpz_member *row = mcpz_roster_add(&peers[i].roster, &id);
            CHECK(row != NULL);
            row->state = MCPZ_MEMBER_ALIVE;
            row->adjacency_version = 1;
        }
    }
}

static void link_to(size_t at, size_t peer, enum mcpz_event_kind kind)
{
    const struct mcpz_event event = {.kind = kind, .link = {.peer = id_of(peer)}};

    mcpz_outbox_clear(&out);
    (void)mcpz_links_step(&peers[at].links, now, &event, &out);
    mcpz_outbox_clear(&out);
}

/* All know that two are neighbours, and they are linked. */
static void join(size_t a, size_t b)
{
    for (size_t i = 0; i < peer_count; i++) {
        struct mcpz_member *one = row_of(i, a);
        struct mcpz_member *other = row_of(i, b);
        mcpz_roster_adjacency(&peers[i].roster, one)[one->adjacency_count++] = name_of(b);
        mcpz_roster_adjacency(&peers[i].roster, other)[other->adjacency_count++] = name_of(a);
    }
    link_to(a, b, MCPZ_EVENT_LINK_UP);
    link_to(b, a, MCPZ_EVENT_LINK_UP);
}

/* The link is gone; the map is as it was. */
static void cut(size_t a, size_t b)
{
    link_to(a, b, MCPZ_EVENT_LINK_DOWN);
    link_to(b, a, MCPZ_EVENT_LINK_DOWN);
}

static void set_up_line(size_t count)
{
    set_up(count);
    for (size_t i = 1; i < count; i++) {
        join(i - 1, i);
    }
}

static size_t carry_out(void)
{
    size_t count = 0;

    for (size_t i = 0; i < out.count; i++) {
        const struct mcpz_action *action = &out.actions[i];
        CHECK(action->kind == MCPZ_ACTION_SEND && action->send.msg.kind == MCPZ_MSG_PROBE);
        CHECK(queued < QUEUE_MAX);
        struct piece *piece = &queue[queued++];
        piece->to = (size_t)action->send.peers->bytes[0] - 1;
        piece->probe = action->send.msg.probe;
        CHECK(piece->probe.path_count <= MCPZ_OVERLAY_WALK_MAX);
        memcpy(piece->path, piece->probe.path, piece->probe.path_count * sizeof(*piece->path));
        count++;
    }
    mcpz_outbox_clear(&out);
    return count;
}

static enum mcpz_probe_result take_in(size_t at, const struct mcpz_msg_probe *probe)
{
    enum mcpz_probe_result found = mcpz_probes_message(&peers[at].probes, &peers[at].roster,
                                                       &peers[at].links, now, probe, &out);
    result = found != MCPZ_PROBE_RESULT_NONE ? found : result;
    return found;
}

/* Deliver all there is; returns over how many links. */
static size_t deliver(void)
{
    size_t hops = 0;

    while (queued > 0) {
        struct piece piece = queue[--queued];
        piece.probe.path = piece.path;
        (void)take_in(piece.to, &piece.probe);
        (void)carry_out();
        CHECK(hops++ < 1000);
    }
    return hops;
}

static size_t start(size_t at)
{
    mcpz_probes_start(&peers[at].probes, &peers[at].roster, &peers[at].links, now, &out);
    return carry_out();
}

static enum mcpz_probe_result tick(size_t at)
{
    enum mcpz_probe_result found =
        mcpz_probes_tick(&peers[at].probes, &peers[at].roster, &peers[at].links, now, &out);
    result = found != MCPZ_PROBE_RESULT_NONE ? found : result;
    (void)carry_out();
    return found;
}

/* ---- There and back ----------------------------------------------------------------------- */

TEST(a_probe_goes_along_a_line_and_back)
{
    set_up_line(3);
    CHECK_UINT(start(0), 1);
    CHECK_UINT(queue[0].to, 1);
    CHECK(mcpz_id_equal(&peers[0].probes.target, &row_of(0, 2)->id)); /* the only one not linked */
    CHECK(mcpz_probes_deadline(&peers[0].probes) > now);
    CHECK_UINT(deliver(), 4);
    CHECK_UINT(result, MCPZ_PROBE_RESULT_THERE);
    CHECK_UINT(mcpz_probes_deadline(&peers[0].probes), MCPZ_TIME_NEVER);
    CHECK_UINT(peers[0].probes.sent, 1);
}

TEST(a_probe_takes_a_shortest_path)
{
    set_up(6);
    for (size_t i = 0; i < 6; i++) {
        join(i, (i + 1) % 6); /* a ring */
    }
    for (size_t i = 0; i < 50; i++) {
        CHECK_UINT(start(0), 1);
        size_t target = (size_t)peers[0].probes.target.bytes[0] - 1;
        CHECK(target >= 2 && target <= 4); /* no neighbour */
        CHECK_UINT(queue[0].probe.path_count, target == 3 ? 4 : 3);
        CHECK_UINT(deliver(), target == 3 ? 6 : 4);
        CHECK_UINT(result, MCPZ_PROBE_RESULT_THERE);
        result = MCPZ_PROBE_RESULT_NONE;
    }
}

TEST(all_that_are_not_linked_are_probed_in_time)
{
    bool seen[8] = {false};

    set_up_line(8);
    for (size_t i = 0; i < 200; i++) {
        CHECK_UINT(start(0), 1);
        seen[peers[0].probes.target.bytes[0] - 1] = true;
        (void)deliver();
    }
    for (size_t i = 0; i < 8; i++) {
        CHECK(seen[i] == (i >= 2));
    }
}

TEST(who_has_only_neighbours_probes_nobody)
{
    set_up_line(2);
    CHECK_UINT(start(0), 0);
    CHECK_UINT(mcpz_probes_deadline(&peers[0].probes), MCPZ_TIME_NEVER);
}

TEST(one_probe_at_a_time)
{
    set_up_line(4);
    CHECK_UINT(start(0), 1);
    CHECK_UINT(start(0), 0);
}

/* ---- Broken paths ------------------------------------------------------------------------- */

TEST(a_hop_that_cannot_go_on_says_so)
{
    set_up_line(3);
    cut(1, 2);
    CHECK_UINT(start(0), 1);
    CHECK_UINT(deliver(), 2);
    CHECK_UINT(result, MCPZ_PROBE_RESULT_NONE); /* our map was old: no sign of anything */
    CHECK_UINT(peers[0].probes.nacks, 1);
    CHECK_UINT(mcpz_probes_deadline(&peers[0].probes), MCPZ_TIME_NEVER);
    now += MCPZ_SECONDS(100);
    CHECK_UINT(tick(0), MCPZ_PROBE_RESULT_NONE);
}

TEST(a_hop_that_does_not_hear_the_next_says_so)
{
    set_up_line(3);
    CHECK_UINT(start(0), 1);
    now += timing.heartbeat_us + MCPZ_MS(250); /* as long as it may be */
    CHECK_UINT(deliver(), 4);
    CHECK_UINT(result, MCPZ_PROBE_RESULT_THERE);
    CHECK_UINT(start(0), 1);
    now += 1;
    CHECK_UINT(deliver(), 2);
    CHECK_UINT(peers[0].probes.nacks, 1);
}

TEST(silence_on_two_paths_is_silence)
{
    set_up_line(3);
    CHECK_UINT(start(0), 1);
    queued = 0; /* it is lost */
    now = mcpz_probes_deadline(&peers[0].probes) - 1;
    CHECK_UINT(tick(0), MCPZ_PROBE_RESULT_NONE);
    CHECK_UINT(queued, 0);
    now++;
    CHECK_UINT(tick(0), MCPZ_PROBE_RESULT_NONE);
    CHECK_UINT(queued, 1); /* the second attempt */
    queued = 0;
    now = mcpz_probes_deadline(&peers[0].probes);
    CHECK_UINT(tick(0), MCPZ_PROBE_RESULT_SILENT);
    CHECK(mcpz_id_equal(&peers[0].probes.target, &row_of(0, 2)->id));
    CHECK_UINT(queued, 0);
    CHECK_UINT(mcpz_probes_deadline(&peers[0].probes), MCPZ_TIME_NEVER);
    CHECK_UINT(tick(0), MCPZ_PROBE_RESULT_NONE); /* once */
}

TEST(the_second_attempt_may_succeed_and_the_first_comes_too_late)
{
    set_up_line(3);
    CHECK_UINT(start(0), 1);
    struct piece first = queue[0];
    queued = 0;
    now = mcpz_probes_deadline(&peers[0].probes);
    (void)tick(0);
    struct piece second = queue[0];
    queue[0] = first;
    (void)deliver();
    CHECK_UINT(result, MCPZ_PROBE_RESULT_NONE);
    queue[queued++] = second;
    (void)deliver();
    CHECK_UINT(result, MCPZ_PROBE_RESULT_THERE);
}

TEST(the_second_attempt_can_take_another_path)
{
    bool first[4] = {false};

    /* Over 1 or over 2 to 3. */
    set_up(4);
    join(0, 1);
    join(0, 2);
    join(1, 3);
    join(2, 3);
    for (size_t i = 0; i < 50; i++) {
        CHECK_UINT(start(0), 1);
        CHECK(queue[0].to == 1 || queue[0].to == 2);
        first[queue[0].to] = true;
        (void)deliver();
    }
    CHECK(first[1] && first[2]);
}

TEST(a_target_that_is_suspect_meanwhile_is_not_asked_again)
{
    set_up_line(3);
    CHECK_UINT(start(0), 1);
    queued = 0;
    row_of(0, 2)->state = MCPZ_MEMBER_SUSPECT;
    now = mcpz_probes_deadline(&peers[0].probes);
    CHECK_UINT(tick(0), MCPZ_PROBE_RESULT_NONE);
    CHECK_UINT(queued, 0);
    CHECK_UINT(mcpz_probes_deadline(&peers[0].probes), MCPZ_TIME_NEVER);
}

TEST(who_is_unwell_waits_longer)
{
    set_up_line(3);
    CHECK_UINT(start(0), 1);
    mcpz_time patience_us = mcpz_probes_deadline(&peers[0].probes) - now;
    (void)deliver();
    mcpz_links_feel(&peers[0].links, 1);
    CHECK_UINT(start(0), 1);
    CHECK_UINT(mcpz_probes_deadline(&peers[0].probes) - now, 2 * patience_us);
}

/* ---- The map ------------------------------------------------------------------------------ */

TEST(whom_no_path_leads_to_is_counted)
{
    set_up(5);
    join(0, 1);
    join(1, 2);
    row_of(0, 4)->adjacency_version = 0; /* it has not told yet: it may be new */
    row_of(0, 4)->since_us = now;
    for (uint8_t i = 1; i <= 3; i++) {
        (void)start(0);
        (void)deliver();
        CHECK_UINT(row_of(0, 3)->unreached, i);
        CHECK_UINT(row_of(0, 2)->unreached, 0);
        CHECK_UINT(row_of(0, 4)->unreached, 0);
    }
    join(2, 3);
    (void)start(0);
    CHECK_UINT(row_of(0, 3)->unreached, 0);
}

TEST(no_path_leads_over_who_is_not_alive)
{
    set_up(5);
    join(0, 1);
    join(1, 2);
    join(2, 3);
    join(0, 4);
    row_of(0, 1)->state = MCPZ_MEMBER_DEAD;
    CHECK_UINT(start(0), 0);
    CHECK_UINT(row_of(0, 2)->unreached, 1);
    CHECK_UINT(row_of(0, 3)->unreached, 1);
    CHECK_UINT(row_of(0, 1)->unreached, 0); /* it is not alive itself */
}

/* Over 1, who is slow, or over 2 and 3 to 4; to 5 over 1 only. */
TEST(who_reaches_nobody_counts_nobody)
{
    set_up_line(4);
    row_of(0, 1)->state = MCPZ_MEMBER_SUSPECT;
    CHECK_UINT(start(0), 0);
    for (size_t i = 1; i < 4; i++) {
        CHECK_UINT(row_of(0, i)->unreached, 0);
    }
}

TEST(a_path_leads_over_who_is_slow_if_there_is_no_other)
{
    bool probed[6] = {false};

    set_up(6);
    join(0, 1);
    join(1, 4);
    join(0, 2);
    join(2, 3);
    join(3, 4);
    join(1, 5);
    row_of(0, 1)->flaps = 1;
    row_of(0, 1)->since_us = now;
    for (size_t i = 0; i < 100; i++) {
        CHECK_UINT(start(0), 1);
        size_t target =
            queue[0].probe.path[queue[0].probe.path_count - 1].value == name_of(4).value ? 4 : 5;
        if (queue[0].probe.path_count == 2 + 1 && queue[0].to == 2) {
            target = 3;
        }
        CHECK(target != 4 || queue[0].to == 2);
        CHECK(target != 5 || queue[0].to == 1);
        probed[target] = true;
        CHECK_UINT(row_of(0, 5)->unreached, 0);
        (void)deliver();
    }
    CHECK(probed[3] && probed[4] && probed[5]);
}

TEST(a_path_is_no_longer_than_a_probe_may_go)
{
    bool asked = false;

    set_up_line(MCPZ_OVERLAY_WALK_MAX + 2);
    for (size_t i = 0; i < 300; i++) {
        size_t count = start(0);
        size_t target = (size_t)peers[0].probes.target.bytes[0] - 1;
        CHECK(count == 0 || target <= MCPZ_OVERLAY_WALK_MAX - 1);
        CHECK(count > 0 || mcpz_probes_deadline(&peers[0].probes) == MCPZ_TIME_NEVER);
        asked = asked || (count > 0 && target == MCPZ_OVERLAY_WALK_MAX - 1);
        (void)deliver();
    }
    CHECK(asked); /* and as long as it may */
}

/* ---- What others make up ------------------------------------------------------------------ */

TEST(a_probe_that_is_not_for_us_is_ignored)
{
    const struct mcpz_short path[] = {name_of(0), name_of(1), name_of(2)};
    struct mcpz_msg_probe probe = {.kind = MCPZ_PROBE_ASK, .seq = 1, .path = path};

    set_up_line(3);
    for (uint32_t at = 0; at < 5; at++) {
        probe.at = at;
        for (size_t count = 0; count <= 3; count++) { /* cut short, or past its end */
            probe.path_count = count;
            bool is_ours = at == 1 && count > 1;
            CHECK_UINT(take_in(1, &probe), MCPZ_PROBE_RESULT_NONE);
            CHECK_UINT(carry_out(), is_ours ? 1 : 0);
            queued = 0;
        }
    }
    probe = (struct mcpz_msg_probe){
        .kind = MCPZ_PROBE_ASK, .at = UINT32_MAX, .path = path, .path_count = 3};
    CHECK_UINT(take_in(1, &probe), MCPZ_PROBE_RESULT_NONE);
    CHECK_UINT(carry_out(), 0);
}

TEST(a_question_that_comes_from_nobody_is_ignored)
{
    const struct mcpz_short path[] = {name_of(1), name_of(2)};
    const struct mcpz_msg_probe probe = {
        .kind = MCPZ_PROBE_ASK, .at = 0, .path = path, .path_count = 2};

    set_up_line(3);
    CHECK_UINT(take_in(1, &probe), MCPZ_PROBE_RESULT_NONE);
    CHECK_UINT(carry_out(), 0);
}

TEST(an_answer_to_nothing_or_to_another_probe_is_ignored)
{
    const struct mcpz_short path[] = {name_of(0), name_of(1), name_of(2)};
    struct mcpz_msg_probe probe = {.kind = MCPZ_PROBE_ACK, .path = path, .path_count = 3};

    set_up_line(3);
    CHECK_UINT(take_in(0, &probe), MCPZ_PROBE_RESULT_NONE);
    CHECK_UINT(start(0), 1);
    queued = 0;
    probe.seq = peers[0].probes.seq + 1;
    CHECK_UINT(take_in(0, &probe), MCPZ_PROBE_RESULT_NONE);
    probe.seq = peers[0].probes.seq;
    CHECK_UINT(take_in(0, &probe), MCPZ_PROBE_RESULT_THERE);
    CHECK_UINT(take_in(0, &probe), MCPZ_PROBE_RESULT_NONE); /* once */
}

TEST_MAIN(RUN(a_probe_goes_along_a_line_and_back), RUN(a_probe_takes_a_shortest_path),
          RUN(all_that_are_not_linked_are_probed_in_time),
          RUN(who_has_only_neighbours_probes_nobody), RUN(one_probe_at_a_time),
          RUN(a_hop_that_cannot_go_on_says_so), RUN(a_hop_that_does_not_hear_the_next_says_so),
          RUN(silence_on_two_paths_is_silence),
          RUN(the_second_attempt_may_succeed_and_the_first_comes_too_late),
          RUN(the_second_attempt_can_take_another_path),
          RUN(a_target_that_is_suspect_meanwhile_is_not_asked_again),
          RUN(who_is_unwell_waits_longer), RUN(whom_no_path_leads_to_is_counted),
          RUN(no_path_leads_over_who_is_not_alive), RUN(who_reaches_nobody_counts_nobody),
          RUN(a_path_leads_over_who_is_slow_if_there_is_no_other),
          RUN(a_path_is_no_longer_than_a_probe_may_go), RUN(a_probe_that_is_not_for_us_is_ignored),
          RUN(a_question_that_comes_from_nobody_is_ignored),
          RUN(an_answer_to_nothing_or_to_another_probe_is_ignored))
