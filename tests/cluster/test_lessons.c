/*
 * What users of comparable systems suffered must not happen here: a story for each row of the
 * list of lessons that membership and broadcast have to answer for. Whole engines, virtual time.
 *
 *   row  what happened                        what shows that it does not
 *     1  nodes flap for another's trouble     one_node_that_stands_still_makes_nobody_else_flap
 *     2  few sick nodes suspect hundreds      who_doubts_everybody_convicts_nobody
 *     3  one that sends and does not hear     unit: test_links,
 * the_gossip_of_who_does_not_hear_us_ weighs_nothing, a_link_that_stays_one_way_is_given_up,
 *                                             a_peer_may_send_so_much_gossip_and_no_more (the
 *                                             simulator's connections break both ways or none)
 *     4  full sync resurrects the removed     a_comparison_resurrects_nobody
 *     5  halves forget each other             halves_that_forgot_each_other_meet_again
 *     6  metadata outgrows its packet         what_a_node_offers_is_no_part_of_what_it_is
 *     7  leave, rejoin, disagree              unit: test_members, what_overrides_what,
 * who_left_is_ not_doubted, what_we_said_in_an_earlier_life_is_ overridden; test_admission,
 * leaving_forgets_the_mesh_ and_joining_again_works 8  one slow peer blocks the loop
 * a_peer_that_takes_nothing_holds_up_nobody 9  a ping waits behind a large frame    unit:
 * test_admission, a_heartbeat_overtakes_what_ people_send; test_links, anything_from_who_is_late_
 *                                             makes_it_prompt
 *    14  gossip that is never pruned          ids_that_come_and_go_fill_nothing_up
 *    15  duplicates, or no data at all        what_is_told_reaches_everybody_once; and test_mesh,
 *                                             tasks_of_two_that_dial_each_other_are_done
 *    19  a mesh splits when its maker goes    the_mesh_outlives_its_founder
 *    27  more than ten never fill; bursts     test_mesh, a_mesh_larger_than_its_links_is_calm; and
 *                                             a_calm_mesh_says_little
 *    28  large messages are sent many times   a_large_list_is_sent_to_each_about_once
 *    29  who is called dead kills itself      who_hears_of_its_own_death_works_on
 */

#include "meshes.h"
#include "proto/cert.h"
#include "wire/codec.h"

#define ANY SIZE_MAX

static struct mcpz_sim *sim_of(size_t node_count)
{
    const struct mcpz_sim_config config = {
        .node_count = node_count,
        .seed = 1,
        .delay_min_us = MCPZ_MS(10),
        .delay_max_us = MCPZ_MS(40),
        .disk_us = MCPZ_MS(5),
        .run_us = MCPZ_MS(50),
    };
    struct mcpz_sim *sim = start_mesh(&config);

    mcpz_sim_run(sim, MCPZ_SECONDS(60));
    return sim;
}

static const struct mcpz_fabric *fabric_of(struct mcpz_sim *sim, size_t index)
{
    return &node_of(sim, index)->fabric;
}

static uint64_t incarnation_of(struct mcpz_sim *sim, size_t index)
{
    return mcpz_members_self(&fabric_of(sim, index)->members)->incarnation;
}

/* How often, from character `from` of the trace on, `who` told `word` of `about`. */
static size_t count_told(const struct mcpz_sim *sim, size_t from, size_t who, size_t about,
                         const char *word)
{
    size_t count = 0;

    for (const char *line = mcpz_sim_trace(sim) + from; *line != '\0';) {
        size_t node;
        size_t other;
        char what[32];
        if (sscanf(line, "[%*d] %zu: %zu %31s", &node, &other, what) == 3) {
            count += (who == ANY || who == node) && (about == ANY || about == other) &&
                     strcmp(what, word) == 0;
        }
        line += strcspn(line, "\n");
        line += *line == '\n';
    }
    return count;
}

static void check_all_know_all(struct mcpz_sim *sim, size_t node_count)
{
    for (size_t i = 0; i < node_count; i++) {
        for (size_t j = 0; j < node_count; j++) {
            CHECK(mcpz_sim_holds_alive(sim, i, j));
        }
    }
}

static void check_task(struct mcpz_sim *sim, size_t caller, const char *capability)
{
    uint64_t task = mcpz_sim_task(sim, caller, capability, "1", 5000);

    mcpz_sim_run_for(sim, MCPZ_SECONDS(5));
    CHECK_UINT(mcpz_sim_reply(sim, task), MCPZ_CODE_OK);
}

/* Messages of a kind that all nodes have sent, and their bytes. */
static struct mcpz_engine_sent sent_by_all(struct mcpz_sim *sim, size_t node_count,
                                           enum mcpz_msg_kind kind)
{
    struct mcpz_engine_sent sum = {0};

    for (size_t i = 0; i < node_count; i++) {
        const struct mcpz_engine_sent *sent = mcpz_engine_sent(mcpz_sim_engine(sim, i), kind);
        sum.messages += sent->messages;
        sum.bytes += sent->bytes;
    }
    return sum;
}

/* ---- Saying things ------------------------------------------------------------------------ */

/* Messages on their way into one frame. */
struct said {
    uint8_t bytes[MCPZ_FRAME_BYTES_MAX];
    size_t length;
};

static void add(struct said *said, const struct mcpz_msg *msg)
{
    size_t length = 0;

    said->length = said->length == 0 ? 1 : said->length; /* a plain frame: no flags */
    CHECK_UINT(mcpz_msg_encode(msg, said->bytes + said->length, sizeof(said->bytes) - said->length,
                               &length),
               MCPZ_OK);
    said->length += length;
}

/* As a broadcast that nobody has heard yet. */
static void add_broadcast(struct said *said, const struct mcpz_msg *msg)
{
    static uint32_t number;
    uint8_t payload[MCPZ_PLUMTREE_PAYLOAD_BYTES_MAX];
    size_t length = 0;
    struct mcpz_msg gossip = {.kind = MCPZ_MSG_GOSSIP, .gossip = {.round = 1}};

    CHECK_UINT(mcpz_msg_encode(msg, payload, sizeof(payload), &length), MCPZ_OK);
    number++;
    memcpy(gossip.gossip.id.bytes, &number, sizeof(number));
    gossip.gossip.payload = mcpz_bytes(payload, length);
    add(said, &gossip);
}

/* `from` says it to the first it is linked to. */
static void say(struct mcpz_sim *sim, size_t from, struct said *said)
{
    size_t to = 0;

    while (mcpz_sim_inject(sim, from, to, mcpz_bytes(said->bytes, said->length)) != MCPZ_OK) {
        CHECK(++to < MCPZ_SIM_NODES_MAX && mcpz_sim_engine(sim, to) != NULL);
    }
    said->length = 0;
}

/* ---- Doubts ------------------------------------------------------------------------------- */

TEST(one_node_that_stands_still_makes_nobody_else_flap)
{
    enum { NODES = 16, SICK = 5, ROUNDS = 20 };
    struct mcpz_sim *sim = sim_of(NODES);
    size_t before = strlen(mcpz_sim_trace(sim));

    for (size_t i = 0; i < ROUNDS; i++) {
        mcpz_sim_pause(sim, SICK, MCPZ_MS(2500));
        mcpz_sim_run_for(sim, MCPZ_SECONDS(6));
    }
    for (size_t about = 0; about < NODES; about++) {
        if (about != SICK) {
            CHECK_UINT(count_told(sim, before, ANY, about, "suspect"), 0);
            CHECK_UINT(count_told(sim, before, ANY, about, "refuted"), 0);
        }
    }
    CHECK_UINT(count_told(sim, before, ANY, SICK, "dead"), 0);
    /* It is slow, and that is all there is to say: once a minute, and not once a round. */
    CHECK(count_told(sim, before, SICK, SICK, "refuted") <= 2);
    mcpz_sim_run_for(sim, MCPZ_SECONDS(30));
    check_all_know_all(sim, NODES);
    mcpz_sim_destroy(sim);
}

TEST(who_doubts_everybody_convicts_nobody)
{
    enum { NODES = 24, SICK = 5 };
    struct mcpz_sim *sim = sim_of(NODES);
    size_t before = strlen(mcpz_sim_trace(sim));
    static struct said said;

    for (size_t i = 0; i < NODES; i++) {
        const struct mcpz_msg doubt = {
            .kind = MCPZ_MSG_SUSPECT,
            .suspect = {.about = *mcpz_engine_id(mcpz_sim_engine(sim, i)),
                        .incarnation = incarnation_of(sim, i),
                        .observer = *mcpz_engine_id(mcpz_sim_engine(sim, SICK)),
                        .reason = MCPZ_SUSPICION_SILENT}};
        if (i != SICK) {
            add_broadcast(&said, &doubt);
        }
    }
    say(sim, SICK, &said);
    mcpz_sim_run_for(sim, MCPZ_SECONDS(60));
    CHECK(count_told(sim, before, ANY, ANY, "suspect") >= NODES); /* it was heard */
    CHECK_UINT(count_told(sim, before, ANY, ANY, "dead"), 0);
    for (size_t i = 0; i < NODES; i++) {
        CHECK_UINT(count_told(sim, before, i, i, "refuted"), i != SICK); /* it ended there */
    }
    check_all_know_all(sim, NODES);
    mcpz_sim_destroy(sim);
}

TEST(who_hears_of_its_own_death_works_on)
{
    enum { NODES = 12, DECLARED = 7 };
    struct mcpz_sim *sim = sim_of(NODES);
    static struct said said;

    mcpz_sim_provide(sim, DECLARED, "echo");
    mcpz_sim_run_for(sim, MCPZ_SECONDS(5));
    size_t before = strlen(mcpz_sim_trace(sim));
    const uint64_t incarnation = incarnation_of(sim, DECLARED);
    uint64_t task = mcpz_sim_task(sim, 2, "echo", "1", 5000); /* under way meanwhile */
    const struct mcpz_msg death = {
        .kind = MCPZ_MSG_DEAD,
        .dead = {.about = *mcpz_engine_id(mcpz_sim_engine(sim, DECLARED)),
                 .incarnation = incarnation,
                 .observer = *mcpz_engine_id(mcpz_sim_engine(sim, 3))}};
    add_broadcast(&said, &death);
    say(sim, 3, &said);
    mcpz_sim_run_for(sim, MCPZ_SECONDS(30));
    CHECK(count_told(sim, before, ANY, DECLARED, "dead") > 0);
    CHECK(incarnation_of(sim, DECLARED) > incarnation);
    check_all_know_all(sim, NODES);
    CHECK_UINT(mcpz_sim_reply(sim, task), MCPZ_CODE_OK);
    check_task(sim, 9, "echo");
    mcpz_sim_destroy(sim);
}

/* ---- Partitions --------------------------------------------------------------------------- */

/* What a node holds of another, as that one has signed it. */
static void add_row(struct said *said, struct mcpz_sim *sim, size_t index, size_t about)
{
    const struct mcpz_members *members = &fabric_of(sim, index)->members;
    const struct mcpz_id *id = mcpz_engine_id(mcpz_sim_engine(sim, about));
    struct mcpz_bytes roles[MCPZ_ROLES_MAX];
    const struct mcpz_msg row = {
        .kind = MCPZ_MSG_MEMBER,
        .member = mcpz_roster_read(&members->roster, mcpz_members_find(members, id), roles)};

    add(said, &row);
    add_broadcast(said, &row);
}

/* One was away while another died, and comes back believing in it, and says so. */
TEST(a_comparison_resurrects_nobody)
{
    enum { NODES = 10, GONE = 4, AWAY = 9 };
    struct mcpz_sim *sim = sim_of(NODES);
    static struct said said;

    add_row(&said, sim, AWAY, GONE);
    for (size_t i = 0; i < NODES; i++) {
        mcpz_sim_cut(sim, AWAY, i, true);
    }
    mcpz_sim_kill(sim, GONE);
    mcpz_sim_run_for(sim, MCPZ_SECONDS(120));
    CHECK(mcpz_sim_knows(sim, AWAY, GONE)); /* it judges nobody while it is alone */
    size_t before = strlen(mcpz_sim_trace(sim));
    for (size_t i = 0; i < NODES; i++) {
        mcpz_sim_cut(sim, AWAY, i, false);
    }
    mcpz_sim_run_for(sim, MCPZ_SECONDS(180));
    say(sim, AWAY, &said);
    mcpz_sim_run_for(sim, MCPZ_SECONDS(1));
    for (size_t i = 0; i < NODES; i++) {
        CHECK(i == GONE || mcpz_sim_knows(sim, i, AWAY));
        CHECK(i == GONE || !mcpz_sim_knows(sim, i, GONE));
    }
    CHECK_UINT(count_told(sim, before, ANY, GONE, "alive"), 0);
    mcpz_sim_destroy(sim);
}

static void cut_halves(struct mcpz_sim *sim, size_t node_count, bool cut)
{
    for (size_t i = 0; i < node_count / 2; i++) {
        for (size_t j = node_count / 2; j < node_count; j++) {
            mcpz_sim_cut(sim, i, j, cut);
        }
    }
}

TEST(halves_that_forgot_each_other_meet_again)
{
    enum { NODES = 12 };
    struct mcpz_sim *sim = sim_of(NODES);

    cut_halves(sim, NODES, true);
    mcpz_sim_run_for(sim, MCPZ_SECONDS(180));
    for (size_t i = 0; i < NODES / 2; i++) {
        for (size_t j = NODES / 2; j < NODES; j++) {
            CHECK(!mcpz_sim_knows(sim, i, j));
            CHECK(!mcpz_sim_knows(sim, j, i));
        }
    }
    cut_halves(sim, NODES, false);
    mcpz_sim_run_for(sim, MCPZ_SECONDS(60));
    check_all_know_all(sim, NODES);
    mcpz_sim_destroy(sim);
}

TEST(the_mesh_outlives_its_founder)
{
    enum { NODES = 16, FOUNDER = 0 };
    struct mcpz_sim *sim = sim_of(NODES);

    mcpz_sim_kill(sim, FOUNDER);
    mcpz_sim_run_for(sim, MCPZ_SECONDS(60));
    mcpz_sim_provide(sim, 3, "echo"); /* what is told after that is heard by all */
    mcpz_sim_run_for(sim, MCPZ_SECONDS(10));
    for (size_t i = 1; i < NODES; i++) {
        CHECK(!mcpz_sim_knows(sim, i, FOUNDER));
        check_task(sim, i, "echo");
    }
    size_t before = strlen(mcpz_sim_trace(sim));
    mcpz_sim_run_for(sim, MCPZ_SECONDS(120));
    CHECK_UINT(count_told(sim, before, ANY, ANY, "suspect"), 0);
    CHECK(count_told(sim, before, ANY, ANY, "neighbour_down") < NODES); /* it is at rest */
    mcpz_sim_destroy(sim);
}

/* ---- Load --------------------------------------------------------------------------------- */

TEST(a_peer_that_takes_nothing_holds_up_nobody)
{
    enum { NODES = 6, STUCK = 2, TASKS = 60 };
    struct mcpz_sim *sim = sim_of(NODES);
    uint64_t tasks[TASKS];

    mcpz_sim_provide(sim, 4, "echo");
    mcpz_sim_write(sim, 0, "a", &(struct mcpz_sim_op){.op = MCPZ_AGENT_CREATE});
    mcpz_sim_run_for(sim, MCPZ_SECONDS(5));
    size_t before = strlen(mcpz_sim_trace(sim));
    mcpz_sim_pause(sim, STUCK, MCPZ_SECONDS(TASKS));
    for (size_t i = 0; i < TASKS; i++) {
        const struct mcpz_sim_op increment = {MCPZ_AGENT_INCREMENT, "hits", NULL, 1};
        tasks[i] = mcpz_sim_task(sim, i % 2, "echo", "1", 900); /* each in its own second */
        mcpz_sim_write(sim, i % 2, "a", &increment);
        mcpz_sim_run_for(sim, MCPZ_SECONDS(1));
        CHECK_UINT(mcpz_sim_reply(sim, tasks[i]), MCPZ_CODE_OK);
        CHECK_UINT(mcpz_sim_counter(sim, 5, "a", "hits"), i + 1);
    }
    for (size_t i = 0; i < NODES * NODES; i++) {
        bool is_stuck = i / NODES == STUCK || i % NODES == STUCK;
        CHECK(is_stuck || count_told(sim, before, i / NODES, i % NODES, "suspect") == 0);
    }
    mcpz_sim_run_for(sim, MCPZ_SECONDS(120));
    check_all_know_all(sim, NODES);
    CHECK_UINT(mcpz_sim_counter(sim, STUCK, "a", "hits"), TASKS);
    mcpz_sim_destroy(sim);
}

TEST(a_calm_mesh_says_little)
{
    enum { NODES = 24, SECONDS = 60, BYTES_A_SECOND = 400 };
    struct mcpz_sim *sim = sim_of(NODES);
    struct mcpz_counters before;
    struct mcpz_counters after;

    mcpz_sim_run_for(sim, MCPZ_SECONDS(60));
    mcpz_sim_counters(sim, &before);
    mcpz_sim_run_for(sim, MCPZ_SECONDS(SECONDS));
    mcpz_sim_counters(sim, &after);
    uint64_t rate = (after.bytes_out - before.bytes_out) / NODES / SECONDS;
    print_message("%" PRIu64 " bytes a second and node\n", rate);
    CHECK(rate < BYTES_A_SECOND);
    mcpz_sim_destroy(sim);
}

/* ---- What is told ------------------------------------------------------------------------- */

/* Names of 128 bytes: all that a node can offer is 8 KiB. */
static void provide_many(struct mcpz_sim *sim, size_t index, size_t first, size_t count)
{
    char name[MCPZ_CAPABILITY_BYTES_MAX + 1];

    for (size_t i = first; i < first + count; i++) {
        (void)snprintf(name, sizeof(name), "%zu.%0*zu", index, MCPZ_CAPABILITY_BYTES_MAX - 3, i);
        mcpz_sim_provide(sim, index, name);
    }
}

TEST(what_a_node_offers_is_no_part_of_what_it_is)
{
    enum { NODES = 4, MEMBER_BYTES = 512 };
    struct mcpz_sim *sim = sim_of(NODES);
    char last[MCPZ_CAPABILITY_BYTES_MAX + 1];

    for (size_t i = 0; i < NODES; i++) {
        provide_many(sim, i, 0, MCPZ_CAPABILITIES_PER_NODE_MAX);
    }
    mcpz_sim_kill(sim, 3); /* who starts anew is told all there is */
    mcpz_sim_run_for(sim, MCPZ_SECONDS(60));
    mcpz_sim_start(sim, 3);
    mcpz_sim_run_for(sim, MCPZ_SECONDS(60));
    check_all_know_all(sim, NODES);
    struct mcpz_engine_sent members = sent_by_all(sim, NODES, MCPZ_MSG_MEMBER);
    CHECK(members.messages > 0);
    CHECK(members.bytes < members.messages * MEMBER_BYTES);
    (void)snprintf(last, sizeof(last), "1.%0*d", MCPZ_CAPABILITY_BYTES_MAX - 3,
                   MCPZ_CAPABILITIES_PER_NODE_MAX - 1);
    check_task(sim, 3, last);
    mcpz_sim_destroy(sim);
}

TEST(a_large_list_is_sent_to_each_about_once)
{
    enum { NODES = 24, NAMES = 60, TELLER = 7 };
    const uint64_t list_bytes = (NAMES + 1) * MCPZ_CAPABILITY_BYTES_MAX;
    struct mcpz_sim *sim = sim_of(NODES);

    CHECK(list_bytes > MCPZ_PLUMTREE_PAYLOAD_BYTES_MAX);
    provide_many(sim, TELLER, 0, NAMES);
    mcpz_sim_run_for(sim, MCPZ_SECONDS(30));
    struct mcpz_engine_sent before = sent_by_all(sim, NODES, MCPZ_MSG_GOSSIP);
    size_t told = strlen(mcpz_sim_trace(sim));
    provide_many(sim, TELLER, NAMES, 1);
    mcpz_sim_run_for(sim, MCPZ_SECONDS(10));
    struct mcpz_engine_sent after = sent_by_all(sim, NODES, MCPZ_MSG_GOSSIP);
    CHECK_UINT(count_told(sim, told, ANY, TELLER, "capabilities"), NODES);
    CHECK(after.bytes - before.bytes >= (NODES - 1) * list_bytes);
    CHECK(after.bytes - before.bytes < (NODES - 1) * list_bytes * 5 / 4);
    mcpz_sim_destroy(sim);
}

TEST(what_is_told_reaches_everybody_once)
{
    enum { NODES = 24, TELLER = 11 };
    struct mcpz_sim *sim = sim_of(NODES);

    size_t before = strlen(mcpz_sim_trace(sim));
    mcpz_sim_provide(sim, TELLER, "echo");
    mcpz_sim_run_for(sim, MCPZ_SECONDS(10));
    for (size_t i = 0; i < NODES; i++) {
        CHECK_UINT(count_told(sim, before, i, TELLER, "capabilities"), 1);
    }
    mcpz_sim_destroy(sim);
}

/* ---- Ids that come and go ----------------------------------------------------------------- */

/* Somebody new says that it is there, and is dead at once. Its id. */
static struct mcpz_id add_short_life(struct said *said, uint32_t number)
{
    uint8_t seed[MCPZ_SEED_BYTES] = {1};
    uint8_t encoded[MCPZ_MSG_BYTES_MAX];
    uint8_t signature[MCPZ_SIGNATURE_BYTES];
    size_t length = 0;
    struct mcpz_identity *identity = NULL;

    memcpy(seed + 1, &number, sizeof(number));
    CHECK_UINT(mcpz_identity_create(seed, &identity), MCPZ_OK);
    struct mcpz_msg news = {.kind = MCPZ_MSG_MEMBER,
                            .member = {.id = *mcpz_identity_id(identity),
                                       .incarnation = 1,
                                       .state = MCPZ_MEMBER_ALIVE,
                                       .name = mcpz_text("short-lived"),
                                       .address = mcpz_text("nowhere.example:8765")}};
    const struct mcpz_msg death = {
        .kind = MCPZ_MSG_DEAD,
        .dead = {.about = news.member.id, .incarnation = 1, .observer = news.member.id}};
    CHECK_UINT(mcpz_msg_encode(&news, encoded, sizeof(encoded), &length), MCPZ_OK);
    mcpz_identity_sign(identity, mcpz_bytes(encoded, length), signature);
    news.member.signature = mcpz_bytes(signature, sizeof(signature));
    add_broadcast(said, &news);
    add_broadcast(said, &death);
    mcpz_identity_destroy(identity);
    return death.dead.about;
}

TEST(ids_that_come_and_go_fill_nothing_up)
{
    enum { NODES = 3, IDS = SEEDS_OF(10000), IDS_A_FRAME = 40, LATE = 2 };
    struct mcpz_sim *sim = sim_of(NODES);
    static struct said said;
    struct mcpz_id last;

    mcpz_sim_provide(sim, 0, "echo");
    mcpz_sim_kill(sim, LATE);
    mcpz_sim_run_for(sim, MCPZ_SECONDS(30));
    size_t before = strlen(mcpz_sim_trace(sim));
    for (uint32_t i = 0; i < IDS; i += IDS_A_FRAME) {
        for (uint32_t j = 0; j < IDS_A_FRAME; j++) {
            last = add_short_life(&said, i + j);
        }
        say(sim, 1, &said);
        mcpz_sim_run_for(sim, MCPZ_MS(500));
    }
    CHECK_UINT(fabric_of(sim, 0)->members.forged, 0);
    CHECK(mcpz_members_find(&fabric_of(sim, 0)->members, &last) != NULL); /* there was room */
    CHECK(fabric_of(sim, 0)->members.roster.count <= MCPZ_MEMBERS_MAX);
    CHECK(mcpz_members_alive_count(&fabric_of(sim, 0)->members) <= NODES);
    mcpz_sim_start(sim, LATE); /* it is told of the living, not of all there ever were */
    mcpz_sim_run_for(sim, MCPZ_SECONDS(60));
    CHECK(fabric_of(sim, LATE)->members.roster.count <= 2 * NODES);
    check_all_know_all(sim, NODES);
    for (size_t i = 0; i < NODES; i++) {
        CHECK(i == LATE || count_told(sim, before, ANY, i, "suspect") == 0);
    }
    check_task(sim, LATE, "echo");
    mcpz_sim_destroy(sim);
}

MESH_MAIN(RUN(one_node_that_stands_still_makes_nobody_else_flap),
          RUN(who_doubts_everybody_convicts_nobody), RUN(who_hears_of_its_own_death_works_on),
          RUN(a_comparison_resurrects_nobody), RUN(halves_that_forgot_each_other_meet_again),
          RUN(the_mesh_outlives_its_founder), RUN(a_peer_that_takes_nothing_holds_up_nobody),
          RUN(a_calm_mesh_says_little), RUN(what_a_node_offers_is_no_part_of_what_it_is),
          RUN(a_large_list_is_sent_to_each_about_once), RUN(what_is_told_reaches_everybody_once),
          RUN(ids_that_come_and_go_fill_nothing_up))
