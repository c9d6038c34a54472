/* What members know of each other, and how they come to doubt: core/members.h. */

#include "members_world.h"

#define LONG_US MCPZ_SECONDS(600)

/* ---- News --------------------------------------------------------------------------------- */

TEST(who_is_told_of_becomes_a_member)
{
    set_up_as((struct mcpz_members_config){0});
    know(4);
    CHECK(tells(MCPZ_FACT_ALIVE, 4));
    CHECK_BYTES(only_action(MCPZ_ACTION_FACT)->fact.detail, "host:1", 6);
    CHECK_UINT(count_actions(MCPZ_ACTION_BROADCAST), 0); /* others have heard it as we did */
    CHECK_UINT(mcpz_members_alive_count(&members), 2);
    know(4);
    CHECK_UINT(out.count, 0);
}

TEST(what_one_neighbour_tells_is_told_to_all)
{
    set_up();
    hear(1, news(9, 1, MCPZ_MEMBER_ALIVE));
    CHECK(tells(MCPZ_FACT_ALIVE, 9));
    CHECK_UINT(count_said(MCPZ_ACTION_BROADCAST, MCPZ_MSG_MEMBER), 1);
    hear(1, news(4, 2, MCPZ_MEMBER_ALIVE));
    CHECK_UINT(count_said(MCPZ_ACTION_BROADCAST, MCPZ_MSG_MEMBER), 1);
    CHECK_UINT(count_actions(MCPZ_ACTION_FACT), 0); /* it was alive before */
}

TEST(a_newcomer_hands_on_none_of_what_it_is_sent)
{
    set_up_as((struct mcpz_members_config){0});
    link_up(1);
    fact(MCPZ_FACT_NEIGHBOUR_UP, 1, 0);
    CHECK_UINT(count_said(MCPZ_ACTION_BROADCAST, MCPZ_MSG_MEMBER), 1); /* that it is there */
    hear(1, news(9, 1, MCPZ_MEMBER_ALIVE));
    CHECK(tells(MCPZ_FACT_ALIVE, 9));
    CHECK_UINT(count_actions(MCPZ_ACTION_BROADCAST), 0);
}

/* What is known of somebody, what comes, and what is known then. Incarnations are 4 to 6. */
struct precedence {
    enum mcpz_member_state before; /* at 5 */
    enum mcpz_member_state said;
    enum mcpz_member_state at4, at5, at6; /* after it was said of this incarnation */
};

#define A MCPZ_MEMBER_ALIVE
#define S MCPZ_MEMBER_SUSPECT
#define D MCPZ_MEMBER_DEAD
#define L MCPZ_MEMBER_LEFT

static struct mcpz_msg say(enum mcpz_member_state state, uint64_t incarnation)
{
    return state == S   ? doubt(1, 4, incarnation, MCPZ_SUSPICION_LATE)
           : state == D ? death(4, incarnation)
                        : news(4, incarnation, state);
}

TEST(what_overrides_what)
{
    /* SWIM, section 4.2. A doubt about an incarnation we have not heard of can wait for it. */
    static const struct precedence table[] = {
        {A, A, A, A, A}, {A, S, A, S, A}, {A, D, A, D, D}, {A, L, A, L, L},
        {S, A, S, S, A}, {S, S, S, S, S}, {S, D, S, D, D}, {S, L, S, L, L},
        {D, A, D, D, A}, {D, S, D, D, D}, {D, D, D, D, D}, {D, L, D, L, L},
        {L, A, L, L, A}, {L, S, L, L, L}, {L, D, L, L, L}, {L, L, L, L, L},
    };

    for (size_t i = 0; i < MCPZ_ARRAY_LEN(table); i++) {
        const enum mcpz_member_state after[] = {table[i].at4, table[i].at5, table[i].at6};
        for (uint64_t incarnation = 4; incarnation <= 6; incarnation++) {
            set_up();
            hear_all(news(4, 5, A));
            if (table[i].before != A) {
                hear_all(say(table[i].before, 5));
            }
            CHECK_UINT(state_of(4), table[i].before);
            hear_all(say(table[i].said, incarnation));
            if (state_of(4) != after[incarnation - 4]) {
                print_error("row %zu at %" PRIu64 "\n", i, incarnation);
            }
            CHECK_UINT(state_of(4), after[incarnation - 4]);
        }
    }
}

TEST(who_is_unknown_and_gone_stays_unknown)
{
    set_up();
    hear_all(news(9, 1, MCPZ_MEMBER_LEFT));
    hear_all(death(9, 1));
    hear_all(doubt(1, 9, 1, MCPZ_SUSPICION_SILENT));
    hear_all(news(9, 1, MCPZ_MEMBER_DEAD)); /* nobody says that of itself */
    hear_all(news(9, 1, MCPZ_MEMBER_SUSPECT));
    CHECK(row_of(9) == NULL);
}

TEST(where_zones_matter_only_ours_is_taken_in)
{
    struct mcpz_msg msg = news(9, 1, MCPZ_MEMBER_ALIVE);

    set_up_as((struct mcpz_members_config){.zone_only = true, .region = "eu", .zone = "a"});
    msg.member.region = mcpz_text("eu");
    msg.member.zone = mcpz_text("b");
    hear_all(msg);
    CHECK(row_of(9) == NULL);
    msg.member.zone = mcpz_text("a");
    hear_all(msg);
    CHECK(row_of(9) != NULL);
}

/* ---- Signatures --------------------------------------------------------------------------- */

static size_t signatures;

static void sign(void *context, const struct mcpz_msg_member *member, uint8_t *signature)
{
    CHECK(context == &signatures);
    CHECK_UINT(member->signature.length, 0);
    CHECK(mcpz_id_equal(&member->id, &self));
    signatures++;
    memset(signature, 0, MCPZ_SIGNATURE_BYTES);
    signature[0] = (uint8_t)(member->incarnation + (member->state == MCPZ_MEMBER_LEFT ? 100 : 0));
}

static bool verify(void *context, const struct mcpz_msg_member *member)
{
    CHECK(context == &signatures);
    return member->signature.length == MCPZ_SIGNATURE_BYTES && member->signature.data[0] == 1;
}

static void set_up_signed(void)
{
    signatures = 0;
    set_up_as((struct mcpz_members_config){
        .notary = {.context = &signatures, .sign = sign, .verify = verify}});
    set_up_mesh();
}

TEST(what_is_not_signed_by_whom_it_is_about_is_refused)
{
    static const uint8_t bad[MCPZ_SIGNATURE_BYTES] = {2};
    struct mcpz_msg forged = news(9, 1, MCPZ_MEMBER_ALIVE);

    set_up_signed();
    forged.member.signature = mcpz_bytes(bad, sizeof(bad));
    hear_all(forged);
    CHECK(row_of(9) == NULL);
    forged.member.signature = mcpz_bytes(NULL, 0);
    hear_all(forged);
    CHECK(row_of(9) == NULL);
    CHECK_UINT(members.forged, 2);
    forged = news(4, 2, MCPZ_MEMBER_LEFT);
    forged.member.signature = mcpz_bytes(bad, sizeof(bad));
    hear(1, forged);
    CHECK_UINT(out.count, 0);
    CHECK_UINT(state_of(4), MCPZ_MEMBER_ALIVE);
    CHECK_UINT(row_of(4)->incarnation, 1);
    CHECK_UINT(members.forged, 3);
}

TEST(old_news_is_not_worth_verifying)
{
    struct mcpz_msg old = news(4, 1, MCPZ_MEMBER_ALIVE);

    set_up_signed();
    old.member.signature = mcpz_bytes(NULL, 0);
    hear_all(old);
    CHECK_UINT(members.forged, 0);
}

TEST(what_we_say_of_ourselves_is_signed_as_it_is)
{
    set_up_signed();
    CHECK(signatures > 0);
    hear_all((struct mcpz_msg){
        .kind = MCPZ_MSG_SUSPECT,
        .suspect = {.about = self, .incarnation = OUR_INCARNATION, .observer = node(1)}});
    const struct mcpz_msg_member *said = &sent(MCPZ_MSG_MEMBER)->member;
    CHECK_UINT(said->signature.length, MCPZ_SIGNATURE_BYTES);
    CHECK_UINT(said->signature.data[0], OUR_INCARNATION + 1);
    CHECK_BYTES(said->name, "me", 2);
    CHECK_BYTES(said->address, "me:1", 4);
    step((struct mcpz_event){.kind = MCPZ_EVENT_LEAVE});
    CHECK_UINT(sent(MCPZ_MSG_MEMBER)->member.signature.data[0], OUR_INCARNATION + 1 + 100);
}

/* ---- Refuting ----------------------------------------------------------------------------- */

static void hear_doubt_of_us(uint64_t incarnation)
{
    hear_all((struct mcpz_msg){
        .kind = MCPZ_MSG_SUSPECT,
        .suspect = {.about = self, .incarnation = incarnation, .observer = node(1)}});
}

TEST(we_say_otherwise_with_a_higher_incarnation)
{
    set_up();
    hear_doubt_of_us(OUR_INCARNATION);
    CHECK(has_fact(MCPZ_FACT_REFUTED, &self));
    CHECK_UINT(only_action(MCPZ_ACTION_BROADCAST)->send.msg.member.incarnation,
               OUR_INCARNATION + 1);
    CHECK_UINT(mcpz_members_self(&members)->incarnation, OUR_INCARNATION + 1);
    hear_doubt_of_us(OUR_INCARNATION); /* the others have not heard yet */
    CHECK_UINT(out.count, 0);
    hear_all((struct mcpz_msg){.kind = MCPZ_MSG_DEAD,
                               .dead = {.about = self, .incarnation = 100, .observer = node(1)}});
    CHECK_UINT(mcpz_members_self(&members)->incarnation, 101);
    hear_doubt_of_us(UINT64_MAX); /* nothing is higher */
    CHECK_UINT(mcpz_members_self(&members)->incarnation, 101);
}

TEST(what_we_said_in_an_earlier_life_is_overridden)
{
    struct mcpz_msg earlier = news(1, OUR_INCARNATION, MCPZ_MEMBER_ALIVE);

    set_up();
    earlier.member.id = self;
    hear_all(earlier);
    CHECK_UINT(out.count, 0); /* our own words */
    earlier.member.incarnation = 20;
    hear_all(earlier);
    CHECK_UINT(mcpz_members_self(&members)->incarnation, 21);
    earlier.member.incarnation = 21;
    earlier.member.state = MCPZ_MEMBER_LEFT;
    hear_all(earlier);
    CHECK_UINT(mcpz_members_self(&members)->incarnation, 22);
    CHECK_UINT(mcpz_members_self(&members)->state, MCPZ_MEMBER_ALIVE);
}

/* ---- Rumours ------------------------------------------------------------------------------ */

TEST(what_one_neighbour_holds_for_dead_is_a_rumour)
{
    set_up();
    hear(1, death(4, 1));
    CHECK_UINT(state_of(4), MCPZ_MEMBER_SUSPECT);
    CHECK_UINT(sent(MCPZ_MSG_SUSPECT)->suspect.reason, MCPZ_SUSPICION_RUMOUR);
    hear_all(death(5, 1)); /* a conclusion, told to all, is believed */
    CHECK_UINT(state_of(5), MCPZ_MEMBER_DEAD);
    CHECK(tells(MCPZ_FACT_DEAD, 5));
    CHECK_UINT(count_actions(MCPZ_ACTION_BROADCAST), 0);
}

TEST(whom_we_hear_ourselves_is_asked_instead_of_buried)
{
    set_up();
    hear_all(death(1, 1));
    CHECK_UINT(state_of(1), MCPZ_MEMBER_ALIVE);
    CHECK_UINT(only_action(MCPZ_ACTION_SEND)->send.peers->bytes[0], 1);
    CHECK_UINT(only_action(MCPZ_ACTION_SEND)->send.msg.suspect.reason, MCPZ_SUSPICION_RUMOUR);
    links.links[0].late = true;
    CHECK(mcpz_id_equal(&links.links[0].id, &row_of(1)->id));
    hear_all(death(1, 1)); /* we do not, any more */
    CHECK_UINT(state_of(1), MCPZ_MEMBER_DEAD);
}

TEST(nobodys_word_weighs_nothing)
{
    set_up();
    hear_all(death(5, 1));
    hear_all(doubt(5, 4, 1, MCPZ_SUSPICION_SILENT)); /* it is gone */
    CHECK_UINT(out.count, 0);
    hear_all(doubt(9, 4, 1, MCPZ_SUSPICION_SILENT)); /* unknown */
    CHECK_UINT(out.count, 0);
    hear_all(news(6, 1, MCPZ_MEMBER_LEFT));
    hear_all(doubt(6, 4, 1, MCPZ_SUSPICION_SILENT));
    CHECK_UINT(out.count, 0);
    struct mcpz_msg ours = doubt(1, 4, 1, MCPZ_SUSPICION_SILENT);
    ours.suspect.observer = self; /* we would know */
    hear_all(ours);
    CHECK_UINT(out.count, 0);
    CHECK_UINT(state_of(4), MCPZ_MEMBER_ALIVE);
}

/* ---- Room --------------------------------------------------------------------------------- */

TEST(a_full_table_takes_who_is_gone_longest_out)
{
    set_up_as((struct mcpz_members_config){.rows_max = 7});
    set_up_mesh();
    know(9);
    CHECK(row_of(9) == NULL);
    CHECK_UINT(members.dropped, 1);
    hear_all(death(5, 1));
    now += 1;
    hear_all(death(4, 1));
    know(9);
    CHECK(row_of(9) != NULL);
    CHECK(row_of(5) == NULL);
    CHECK(row_of(4) != NULL);
}

TEST(texts_that_find_no_room_leave_no_row)
{
    char address[MCPZ_ADDRESS_BYTES_MAX];
    struct mcpz_msg msg = news(9, 1, MCPZ_MEMBER_ALIVE);

    set_up_as((struct mcpz_members_config){.text_bytes = 256});
    memset(address, 'a', sizeof(address));
    msg.member.address = mcpz_bytes(address, sizeof(address));
    hear_all(msg);
    CHECK(row_of(9) == NULL);
    CHECK_UINT(members.dropped, 1);
    know(9);
    CHECK(row_of(9) != NULL);
}

TEST(the_gone_are_forgotten_in_time)
{
    set_up();
    hear_all(death(4, 1));
    hear_all(news(5, 1, MCPZ_MEMBER_LEFT));
    hear_all(death(6, 1));
    link_up(6); /* a link stands: it may still speak */
    mcpz_time since_us = now;
    while (now < since_us + timing.forget_us - MCPZ_SECONDS(3600)) {
        tick_at(now + MCPZ_SECONDS(1800));
    }
    CHECK(row_of(4) != NULL && row_of(5) != NULL);
    while (now < since_us + timing.forget_us + MCPZ_SECONDS(3600)) {
        tick_at(now + MCPZ_SECONDS(1800));
    }
    CHECK(row_of(4) == NULL && row_of(5) == NULL);
    CHECK(row_of(6) != NULL);
    CHECK(row_of(1) != NULL);
}

/* ---- Reconnecting ------------------------------------------------------------------------- */

static size_t count_reaches(mcpz_time for_us)
{
    mcpz_time until_us = now + for_us;
    size_t count = 0;

    while (mcpz_members_deadline(&members) <= until_us) {
        tick_at(mcpz_members_deadline(&members));
        count += count_actions(MCPZ_ACTION_REACH);
    }
    now = until_us;
    return count;
}

TEST(the_dead_are_tried_again_ever_less_often)
{
    set_up();
    CHECK_UINT(count_reaches(LONG_US), 0); /* nobody is dead */
    hear_all(death(4, 1));
    size_t first = count_reaches(LONG_US);
    CHECK(first > 1);
    (void)count_reaches(MCPZ_SECONDS(7200));
    size_t later = count_reaches(LONG_US);
    CHECK(later < first / 2);
    CHECK(count_reaches(MCPZ_SECONDS(7200)) > 0); /* but for ever */
}

/* Else all would try at once when somebody is buried, and nobody for long when it comes back. */
TEST(who_has_died_just_now_is_tried_by_a_few_of_many)
{
    size_t tried = 0;

    set_up_as((struct mcpz_members_config){.rows_max = 64});
    set_up_mesh();
    for (uint8_t i = 10; i < 60; i++) {
        know(i);
    }
    for (uint64_t life = 1; life <= 200; life++) {
        hear_all(death(4, life));
        tried += count_reaches(MCPZ_SECONDS(5)) > 0;
        hear_all(news(4, life + 1, MCPZ_MEMBER_ALIVE));
        CHECK_UINT(count_reaches(LONG_US), 0); /* all are well for long */
    }
    CHECK(tried > 0);
    CHECK(tried < 50);
}

TEST(who_left_or_has_no_address_or_a_link_is_not_tried)
{
    struct mcpz_msg hidden = news(9, 1, MCPZ_MEMBER_ALIVE);

    set_up();
    hidden.member.address = mcpz_bytes(NULL, 0);
    hear_all(hidden);
    hear_all(death(9, 1));
    hear_all(news(5, 1, MCPZ_MEMBER_LEFT));
    link_up(6);
    links.links[3].late = true;
    hear_all(death(6, 1));
    CHECK_UINT(state_of(6), MCPZ_MEMBER_DEAD);
    CHECK_UINT(count_reaches(LONG_US), 0);
}

/* ---- Our neighbours ----------------------------------------------------------------------- */

TEST(changes_of_our_neighbours_are_told_once)
{
    set_up_as((struct mcpz_members_config){0});
    for (uint8_t i = 1; i <= 3; i++) {
        fact(MCPZ_FACT_NEIGHBOUR_UP, i, 0);
        CHECK_UINT(count_said(MCPZ_ACTION_BROADCAST, MCPZ_MSG_ADJACENCY), 0);
    }
    fact(MCPZ_FACT_NEIGHBOUR_UP, 120, 1); /* of another scope: no member */
    fact(MCPZ_FACT_NEIGHBOUR_DOWN, 2, MCPZ_NEIGHBOUR_LOST);
    CHECK(mcpz_members_deadline(&members) <= now + MCPZ_SECONDS(3));
    tick_at(now + MCPZ_SECONDS(3) - 1);
    CHECK_UINT(count_said(MCPZ_ACTION_BROADCAST, MCPZ_MSG_ADJACENCY), 0);
    tick_at(now + 1);
    const struct mcpz_msg_adjacency *said = &sent(MCPZ_MSG_ADJACENCY)->adjacency;
    CHECK(mcpz_id_equal(&said->id, &self));
    CHECK_UINT(said->version, 1);
    CHECK_UINT(said->peer_count, 2);
    CHECK_UINT(said->peers[0].value, name_of(1).value);
    CHECK_UINT(said->peers[1].value, name_of(3).value);
    tick_at(now + 1);
    CHECK_UINT(count_said(MCPZ_ACTION_BROADCAST, MCPZ_MSG_ADJACENCY), 0);
    fact(MCPZ_FACT_NEIGHBOUR_UP, 2, 0);
    tick_at(now + timing.adjacency_us);
    CHECK_UINT(sent(MCPZ_MSG_ADJACENCY)->adjacency.version, 2);
}

TEST(of_what_others_tell_the_newest_counts)
{
    set_up();
    tell_adjacency_of(4, 2, 5, 6, 0);
    CHECK_UINT(row_of(4)->adjacency_count, 2);
    tell_adjacency_of(4, 1, 5, 0, 0);
    tell_adjacency_of(4, 2, 5, 0, 0);
    CHECK_UINT(row_of(4)->adjacency_count, 2);
    hear_all(news(4, 2, MCPZ_MEMBER_ALIVE)); /* that it lives says nothing of its neighbours */
    CHECK_UINT(row_of(4)->adjacency_version, 2);
    CHECK_UINT(row_of(4)->adjacency_count, 2);
    tell_adjacency_of(4, 3, 5, 0, 0);
    CHECK_UINT(row_of(4)->adjacency_count, 1);
}

TEST(versions_of_what_is_told_wrap)
{
    set_up();
    tell_adjacency_of(4, UINT32_MAX - 1, 5, 6, 0);
    tell_adjacency_of(4, 1, 5, 0, 0);
    CHECK_UINT(row_of(4)->adjacency_version, 1);
    tell_adjacency_of(4, UINT32_MAX, 5, 6, 0);
    tell_adjacency_of(4, 0, 5, 6, 0);
    CHECK_UINT(row_of(4)->adjacency_version, 1);
}

TEST(what_we_told_in_an_earlier_life_is_told_anew)
{
    const struct mcpz_short old = name_of(9);
    struct mcpz_msg msg = {
        .kind = MCPZ_MSG_ADJACENCY,
        .adjacency = {.id = self, .incarnation = 1, .peers = &old, .peer_count = 1}};

    set_up();
    fact(MCPZ_FACT_NEIGHBOUR_DOWN, 1, MCPZ_NEIGHBOUR_LOST);
    fact(MCPZ_FACT_NEIGHBOUR_UP, 1, 0);
    tick_at(now + timing.adjacency_us);
    const uint32_t version = sent(MCPZ_MSG_ADJACENCY)->adjacency.version;
    const size_t count = sent(MCPZ_MSG_ADJACENCY)->adjacency.peer_count;
    msg.adjacency.version = version; /* our own comes back */
    hear(1, msg);
    tick_at(now + timing.adjacency_us);
    CHECK_UINT(count_said(MCPZ_ACTION_BROADCAST, MCPZ_MSG_ADJACENCY), 0);
    msg.adjacency.version = version + 1;
    hear(1, msg);
    tick_at(now + timing.adjacency_us);
    CHECK_UINT(count_said(MCPZ_ACTION_BROADCAST, MCPZ_MSG_ADJACENCY), 1);
    const struct mcpz_msg_adjacency *said = &sent(MCPZ_MSG_ADJACENCY)->adjacency;
    CHECK_UINT(said->version, version + 2);
    CHECK_UINT(said->peer_count, count);
    CHECK(said->peers[0].value != old.value);
}

/* ---- Leaving ------------------------------------------------------------------------------ */

TEST(who_leaves_says_so_and_nothing_more)
{
    size_t at = 0;
    bool told[5] = {false};
    const struct mcpz_action *action;

    set_up();
    link_up(4); /* no neighbour, but linked */
    step((struct mcpz_event){.kind = MCPZ_EVENT_LEAVE});
    CHECK_UINT(count_actions(MCPZ_ACTION_BROADCAST), 0); /* that may go no further than us */
    while ((action = next_action(MCPZ_ACTION_SEND, &at)) != NULL) {
        CHECK_UINT(action->send.msg.member.state, MCPZ_MEMBER_LEFT);
        CHECK_UINT(action->send.peer_count, 1);
        CHECK(action->send.peers[0].bytes[0] < MCPZ_ARRAY_LEN(told));
        told[action->send.peers[0].bytes[0]] = true;
    }
    CHECK(told[1] && told[2] && told[3] && told[4]);
    hear_doubt_of_us(OUR_INCARNATION);
    CHECK_UINT(out.count, 0);
    link_down(1, MCPZ_DOWN_CLOSED);
    CHECK_UINT(out.count, 0);
    fact(MCPZ_FACT_LATE, 2, 0);
    CHECK_UINT(out.count, 0);
}

TEST(who_left_is_not_doubted)
{
    set_up();
    hear(1, news(1, 1, MCPZ_MEMBER_LEFT));
    CHECK(tells(MCPZ_FACT_LEFT, 1));
    CHECK_UINT(count_said(MCPZ_ACTION_BROADCAST, MCPZ_MSG_MEMBER), 1);
    link_down(1, MCPZ_DOWN_CLOSED);
    CHECK_UINT(out.count, 0);
    hear_all(doubt(4, 1, 1, MCPZ_SUSPICION_SILENT));
    CHECK_UINT(out.count, 0);
    CHECK_UINT(state_of(1), MCPZ_MEMBER_LEFT);
}

/* Its observer has missed the goodbye, and would hold it for dead for days. */
TEST(who_doubts_somebody_that_left_is_handed_its_goodbye)
{
    set_up();
    hear(1, news(1, 1, MCPZ_MEMBER_LEFT));
    link_down(1, MCPZ_DOWN_LEFT);
    hear_all(doubt(2, 1, 1, MCPZ_SUSPICION_CLOSED));
    CHECK_UINT(only_action(MCPZ_ACTION_SEND)->send.msg.member.state, MCPZ_MEMBER_LEFT);
    CHECK(mcpz_id_equal(&only_action(MCPZ_ACTION_SEND)->send.peers[0], &(struct mcpz_id){{2, 1}}));
    hear_all(death(1, 1)); /* also says node 2 */
    CHECK_UINT(only_action(MCPZ_ACTION_SEND)->send.msg.member.state, MCPZ_MEMBER_LEFT);
    hear_all(doubt(4, 1, 1, MCPZ_SUSPICION_CLOSED)); /* others have a link to node 4 */
    CHECK_UINT(out.count, 0);
    hear_all(doubt(2, 1, 2, MCPZ_SUSPICION_CLOSED)); /* it knows of a later life */
    CHECK_UINT(out.count, 0);
}

TEST(a_goodbye_mends_what_was_held_for_dead)
{
    set_up();
    hear_all(death(4, 1));
    hear(2, news(4, 1, MCPZ_MEMBER_LEFT));
    CHECK_UINT(state_of(4), MCPZ_MEMBER_LEFT);
    CHECK(tells(MCPZ_FACT_LEFT, 4));
}

/* ---- Revoked ------------------------------------------------------------------------------ */

static bool is_first_revoked(void *context, const struct mcpz_id *node)
{
    (void)context;
    return mcpz_id_equal(node, &(struct mcpz_id){{1, 1}});
}

static void revoke(const struct mcpz_id *node)
{
    members.notary.is_revoked = is_first_revoked;
    step((struct mcpz_event){.kind = MCPZ_EVENT_REVOKED, .revoked = {.node = *node}});
}

TEST(who_is_revoked_has_left_and_is_not_heard_again)
{
    const struct mcpz_id gone = node(1);

    set_up();
    revoke(&gone);
    CHECK(tells(MCPZ_FACT_REVOKED, 1));
    CHECK(tells(MCPZ_FACT_LEFT, 1));
    CHECK_UINT(state_of(1), MCPZ_MEMBER_LEFT);
    CHECK_UINT(count_said(MCPZ_ACTION_BROADCAST, MCPZ_MSG_MEMBER), 0); /* it has not said so */
    hear_all(news(1, 9, MCPZ_MEMBER_ALIVE));
    CHECK_UINT(state_of(1), MCPZ_MEMBER_LEFT);
    CHECK_UINT(out.count, 0);
    hear_all(doubt(2, 1, 1, MCPZ_SUSPICION_CLOSED)); /* nor is that handed on as its goodbye */
    CHECK_UINT(out.count, 0);
}

TEST(who_is_revoked_and_was_forgotten_is_told_as_one_that_left)
{
    const struct mcpz_id gone = node(1);

    set_up();
    mcpz_roster_remove(&members.roster, mcpz_roster_find(&members.roster, &gone));
    revoke(&gone);
    CHECK(tells(MCPZ_FACT_LEFT, 1));
    hear_all(news(1, 9, MCPZ_MEMBER_ALIVE));
    CHECK(row_of(1) == NULL);
}

TEST(that_we_are_revoked_is_told_and_nothing_else)
{
    set_up();
    revoke(&self);
    CHECK_UINT(only_action(MCPZ_ACTION_FACT)->fact.kind, MCPZ_FACT_REVOKED);
    CHECK_UINT(mcpz_members_self(&members)->state, MCPZ_MEMBER_ALIVE);
}

TEST_MAIN(RUN(who_is_told_of_becomes_a_member), RUN(what_one_neighbour_tells_is_told_to_all),
          RUN(a_newcomer_hands_on_none_of_what_it_is_sent), RUN(what_overrides_what),
          RUN(who_is_unknown_and_gone_stays_unknown),
          RUN(where_zones_matter_only_ours_is_taken_in),
          RUN(what_is_not_signed_by_whom_it_is_about_is_refused),
          RUN(old_news_is_not_worth_verifying), RUN(what_we_say_of_ourselves_is_signed_as_it_is),
          RUN(we_say_otherwise_with_a_higher_incarnation),
          RUN(what_we_said_in_an_earlier_life_is_overridden),
          RUN(what_one_neighbour_holds_for_dead_is_a_rumour),
          RUN(whom_we_hear_ourselves_is_asked_instead_of_buried), RUN(nobodys_word_weighs_nothing),
          RUN(a_full_table_takes_who_is_gone_longest_out),
          RUN(texts_that_find_no_room_leave_no_row), RUN(the_gone_are_forgotten_in_time),
          RUN(the_dead_are_tried_again_ever_less_often),
          RUN(who_has_died_just_now_is_tried_by_a_few_of_many),
          RUN(who_left_or_has_no_address_or_a_link_is_not_tried),
          RUN(changes_of_our_neighbours_are_told_once), RUN(of_what_others_tell_the_newest_counts),
          RUN(versions_of_what_is_told_wrap), RUN(what_we_told_in_an_earlier_life_is_told_anew),
          RUN(who_leaves_says_so_and_nothing_more), RUN(who_left_is_not_doubted),
          RUN(who_doubts_somebody_that_left_is_handed_its_goodbye),
          RUN(a_goodbye_mends_what_was_held_for_dead),
          RUN(who_is_revoked_has_left_and_is_not_heard_again),
          RUN(who_is_revoked_and_was_forgotten_is_told_as_one_that_left),
          RUN(that_we_are_revoked_is_told_and_nothing_else))
