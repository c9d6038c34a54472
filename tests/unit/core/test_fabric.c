/* Decisions that need more than one machine: here, of whom the overlay has lost sight. */

#include "core.h"
#include "core/fabric.h"

#define STEP_US MCPZ_MS(500)

static struct mcpz_fabric fabric;
static _Alignas(16) uint8_t memory[262144];
static mcpz_time now;
static size_t dials_of[UINT8_MAX + 1]; /* by the first byte of the id */
static const struct mcpz_id carol = {.bytes = {'c'}};

static size_t pack_nothing(const struct mcpz_msg *msg, uint8_t *buffer, size_t capacity)
{
    (void)msg, (void)buffer, (void)capacity;
    return 0;
}

static void step(struct mcpz_event event)
{
    mcpz_outbox_clear(&out);
    (void)mcpz_fabric_step(&fabric, now, &event, &out);
    mcpz_fabric_sink(&fabric, now, &out, 0);
}

static void know(const struct mcpz_id *id, const char *address, enum mcpz_member_state state)
{
    const struct mcpz_msg_member said = {.id = *id, .address = mcpz_text(address)};
    struct mcpz_roster *roster = &fabric.members.roster;
    struct mcpz_member *member = mcpz_roster_add(roster, id);

    CHECK(member != NULL);
    CHECK_UINT(mcpz_roster_describe(roster, member, &said), MCPZ_OK);
    member->state = (uint8_t)state;
}

static void receive(const struct mcpz_id *from, struct mcpz_msg msg)
{
    step((struct mcpz_event){.kind = MCPZ_EVENT_RECV, .recv = {.from = *from, .msg = &msg}});
}

static void accept_as(const struct mcpz_id *from, uint32_t seq)
{
    receive(from, (struct mcpz_msg){.kind = MCPZ_MSG_OVERLAY_ANSWER,
                                    .overlay_answer = {.seq = seq, .accepted = true}});
    CHECK(mcpz_overlay_is_neighbour(&fabric.overlay, from));
}

/* A node whose only neighbour is alice, who answers its heartbeats. */
static void set_up_with(size_t neighbours_max)
{
    const struct mcpz_packer packer = {.pack = pack_nothing};
    struct mcpz_fabric_config config = small_fabric(&self, &packer);

    config.neighbours_max = neighbours_max;
    config.timing.probe_us = MCPZ_SECONDS(86400); /* nobody is found to be away */
    CHECK(mcpz_fabric_bytes(&config) <= sizeof(memory));
    mcpz_outbox_init(&out);
    memset(memory, 0, sizeof(memory));
    memset(dials_of, 0, sizeof(dials_of));
    now = 0;
    mcpz_fabric_init(&fabric, &config, memory, now);
    know(&alice, "a:1", MCPZ_MEMBER_ALIVE);
    step((struct mcpz_event){.kind = MCPZ_EVENT_LINK_UP, .link = {.peer = alice}});
    accept_as(&alice, sent(MCPZ_MSG_OVERLAY_JOIN)->overlay_join.seq);
}

static void set_up(void)
{
    set_up_with(6);
}

static void hear(const struct mcpz_id *id)
{
    const struct mcpz_linked *link = mcpz_links_find(&fabric.links, id);

    CHECK(link != NULL);
    receive(id, (struct mcpz_msg){.kind = MCPZ_MSG_PING,
                                  .ping = {.seq = link->heard_seq + 1,
                                           .echo = link->seq,
                                           .next_ms = 1000,
                                           .neighbour = true}});
}

/* Nobody answers what was dialled in the last step. Returns whether anything was. */
static bool go_unanswered(void)
{
    char address[8];

    if (count_actions(MCPZ_ACTION_DIAL) == 0) {
        return false;
    }
    const struct mcpz_action *action = only_action(MCPZ_ACTION_DIAL);
    mcpz_bytes_to_text(action->dial.address, address, sizeof(address));
    dials_of[action->dial.expected.bytes[0]]++;
    step((struct mcpz_event){.kind = MCPZ_EVENT_DIAL_FAILED,
                             .seed = {.address = mcpz_text(address)}});
    return true;
}

/* Let time pass in which alice is heard and nobody else answers. Returns how many dials. */
static size_t pass(mcpz_time for_us)
{
    const mcpz_time until_us = now + for_us;
    size_t dials = 0;

    while (now < until_us) {
        now += STEP_US;
        step((struct mcpz_event){.kind = MCPZ_EVENT_TICK});
        dials += go_unanswered();
        hear(&alice);
    }
    return dials;
}

/* An ask did not reach it, and all others were neighbours. */
TEST(a_member_in_neither_view_is_asked_to_be_a_neighbour)
{
    set_up();
    know(&bob, "b:1", MCPZ_MEMBER_ALIVE);
    now += MCPZ_SECONDS(5);
    step((struct mcpz_event){.kind = MCPZ_EVENT_TICK});
    const struct mcpz_action *dial = only_action(MCPZ_ACTION_DIAL);
    CHECK_BYTES(dial->dial.address, "b:1", 3);
    CHECK(mcpz_id_equal(&dial->dial.expected, &bob));

    step((struct mcpz_event){.kind = MCPZ_EVENT_LINK_UP,
                             .link = {.peer = bob, .address = mcpz_text("b:1"), .dialled = true}});
    CHECK(!sent(MCPZ_MSG_OVERLAY_NEIGHBOUR)->overlay_neighbour.high); /* alice is left to us */
    accept_as(&bob, sent(MCPZ_MSG_OVERLAY_NEIGHBOUR)->overlay_neighbour.seq);
}

TEST(who_is_not_well_or_not_to_be_dialled_is_not_asked)
{
    static const struct {
        const char *address;
        enum mcpz_member_state state;
    } table[] = {
        {"b:1", MCPZ_MEMBER_LEFT},    /* as is who was revoked */
        {"b:1", MCPZ_MEMBER_SUSPECT}, /* it is asked to answer first */
        {"", MCPZ_MEMBER_ALIVE},      /* behind NAT: it dials us */
    };

    for (size_t i = 0; i < MCPZ_ARRAY_LEN(table); i++) {
        set_up();
        know(&bob, table[i].address, table[i].state);
        CHECK_UINT(pass(MCPZ_SECONDS(60)), 0);
    }
}

TEST(nobody_is_asked_where_all_places_are_taken)
{
    set_up_with(1);
    know(&bob, "b:1", MCPZ_MEMBER_ALIVE);
    CHECK_UINT(pass(MCPZ_SECONDS(60)), 0);
}

TEST(nobody_is_asked_by_who_leaves)
{
    set_up();
    know(&bob, "b:1", MCPZ_MEMBER_ALIVE);
    step((struct mcpz_event){.kind = MCPZ_EVENT_LEAVE});
    now += MCPZ_SECONDS(1);
    step((struct mcpz_event){.kind = MCPZ_EVENT_TICK});
    CHECK_UINT(count_actions(MCPZ_ACTION_DIAL), 0);
}

/* Behind a wall that lets nobody through: for ever, but seldom. */
TEST(who_cannot_be_reached_is_asked_ever_less_often)
{
    set_up();
    know(&bob, "b:1", MCPZ_MEMBER_ALIVE);
    const size_t in_first_minute = pass(MCPZ_SECONDS(60));
    CHECK(in_first_minute >= 3 && in_first_minute <= 5);
    const size_t later = pass(MCPZ_SECONDS(600)); /* every half minute, a fifth more or less */
    CHECK(later >= 600 / 36 && later <= 600 / 24);

    /* Who can be reached has changed. */
    step((struct mcpz_event){.kind = MCPZ_EVENT_LINK_UP, .link = {.peer = carol}});
    receive(&carol, (struct mcpz_msg){.kind = MCPZ_MSG_OVERLAY_NEIGHBOUR});
    CHECK(mcpz_overlay_is_neighbour(&fabric.overlay, &carol));
    CHECK(pass(MCPZ_SECONDS(6)) > 0);
}

/* Who cannot be reached does not stand before who can. */
TEST(one_of_several_is_asked_by_lot)
{
    set_up();
    know(&bob, "b:1", MCPZ_MEMBER_ALIVE);
    know(&carol, "c:1", MCPZ_MEMBER_ALIVE);
    CHECK(pass(MCPZ_SECONDS(600)) > 0);
    CHECK(dials_of[bob.bytes[0]] > 0);
    CHECK(dials_of[carol.bytes[0]] > 0);
}

TEST_MAIN(RUN(a_member_in_neither_view_is_asked_to_be_a_neighbour),
          RUN(who_is_not_well_or_not_to_be_dialled_is_not_asked),
          RUN(nobody_is_asked_where_all_places_are_taken), RUN(nobody_is_asked_by_who_leaves),
          RUN(who_cannot_be_reached_is_asked_ever_less_often), RUN(one_of_several_is_asked_by_lot))
