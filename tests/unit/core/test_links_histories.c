/*
 * Random histories of links. What must always hold: a tick at the deadline gets on (the next
 * deadline lies ahead of it), a heartbeat comes within what the last one promised, facts come in
 * an order that makes sense, and nobody is blamed in a step that came too late.
 */

#include "links_world.h"

#define PEERS 6
#define SEEDS 200
#define STEPS 600

static struct mcpz_rng rng;
static bool up[PEERS + 1];               /* what facts have said */
static bool late[PEERS + 1];             /* the same */
static mcpz_time promised_us[PEERS + 1]; /* when our next heartbeat is due at the latest */
static uint64_t lates;
static uint64_t silences;
static uint64_t lags;

static uint32_t lot(uint32_t below)
{
    return mcpz_rng_below(&rng, below);
}

static void check_fact(const struct mcpz_fact *fact, bool lagged)
{
    uint8_t peer = fact->about.bytes[0];

    CHECK(peer >= 1 && peer <= PEERS);
    if (fact->kind == MCPZ_FACT_LINKED) {
        up[peer] = true;
        late[peer] = false;
        promised_us[peer] = MCPZ_TIME_NEVER;
    } else if (fact->kind == MCPZ_FACT_UNLINKED) {
        CHECK(up[peer]);
        CHECK(!lagged || fact->reason != MCPZ_DOWN_SILENT);
        CHECK(!lagged || fact->reason != MCPZ_DOWN_ONE_WAY);
        up[peer] = false;
        silences += fact->reason == MCPZ_DOWN_SILENT;
    } else if (fact->kind == MCPZ_FACT_LATE) {
        CHECK(up[peer] && !late[peer] && !lagged);
        late[peer] = true;
        lates++;
    } else if (fact->kind == MCPZ_FACT_PROMPT) {
        CHECK(up[peer] && late[peer]);
        late[peer] = false;
    } else {
        CHECK_UINT(fact->kind, MCPZ_FACT_UNREACHABLE);
    }
}

/* Look at what the last step did. */
static void check_step(bool on_time)
{
    bool lagged = links.lags > lags;

    lags = links.lags;
    CHECK(!on_time || !lagged);
    for (size_t i = 0; i < out.count; i++) {
        const struct mcpz_action *action = &out.actions[i];
        if (action->kind == MCPZ_ACTION_FACT) {
            check_fact(&action->fact, lagged);
        } else if (action->kind == MCPZ_ACTION_SEND) {
            uint8_t peer = action->send.peers[0].bytes[0];
            CHECK_UINT(action->send.msg.kind, MCPZ_MSG_PING);
            CHECK(!on_time || now <= promised_us[peer]);
            promised_us[peer] = now + MCPZ_MS(action->send.msg.ping.next_ms);
        }
    }
    for (uint8_t i = 1; i <= PEERS; i++) {
        CHECK(up[i] == (link_of(i) != NULL));
        CHECK(!up[i] || late[i] == link_of(i)->late);
    }
    CHECK(links.count <= links.config.links_max);
    CHECK(links.health <= MCPZ_HEALTH_MAX);
}

static void disturb(uint8_t peer)
{
    static const char *const addresses[] = {"a:1", "b:1", "c:1", "d:1", "e:1"};
    const struct mcpz_id id = node(peer);
    const char *address = addresses[lot(MCPZ_ARRAY_LEN(addresses))];
    uint32_t what = lot(8);

    mcpz_outbox_clear(&out);
    if (what == 0) {
        link_down(peer);
    } else if (what == 1) {
        want(peer, lot(2) == 0);
        promised_us[peer] = MCPZ_TIME_NEVER; /* it beats now, unless it did just before */
    } else if (what == 2 && link_of(peer) == NULL) {
        mcpz_links_reach(&links, now, &id, mcpz_text(address), &out);
    } else if (what == 3) {
        (void)step(
            (struct mcpz_event){.kind = MCPZ_EVENT_DIAL_FAILED,
                                .seed = {.address = mcpz_text(address), .refused = lot(2) == 0}});
    } else if (what == 4) {
        (void)step(
            (struct mcpz_event){.kind = MCPZ_EVENT_SEED, .seed = {.address = mcpz_text(address)}});
    } else if (what == 5) {
        mcpz_links_feel(&links, lot(2) == 0 ? -1 : 1);
    } else {
        link_up(peer);
    }
}

static void speak(uint8_t peer)
{
    const struct mcpz_linked *link = link_of(peer);

    mcpz_outbox_clear(&out);
    if (link != NULL && lot(2) == 0) {
        hear_ping(peer, lot(4) == 0 ? lot(5) : link->seq, lot(2000), lot(6000));
    } else if (link != NULL) {
        static const enum mcpz_msg_kind kinds[] = {MCPZ_MSG_OPEN, MCPZ_MSG_MEMBER, MCPZ_MSG_IHAVE};
        (void)hear(peer, (struct mcpz_msg){.kind = kinds[lot(MCPZ_ARRAY_LEN(kinds))]});
    }
}

/* To the deadline, or part of the way, or too late. */
static void let_time_pass(void)
{
    mcpz_time deadline = mcpz_links_deadline(&links);
    uint32_t how = lot(20);

    if (deadline == MCPZ_TIME_NEVER) {
        now += lot(2000000);
        tick();
        check_step(true);
        return;
    }
    deadline = deadline > now ? deadline : now;
    if (how < 6) {
        now += lot((uint32_t)(deadline - now) + 1);
        return;
    }
    bool on_time = how < 19;
    tick_at(deadline + (on_time ? 0 : lot(20000000)));
    check_step(on_time);
    CHECK(mcpz_links_deadline(&links) > now);
}

TEST(whatever_happens_time_gets_on)
{
    lates = silences = 0;
    uint64_t stood_still = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        mcpz_rng_init(&rng, seed);
        set_up_as(4, 2, 3);
        memset(up, 0, sizeof(up));
        memset(late, 0, sizeof(late));
        lags = 0;
        for (size_t i = 0; i < STEPS; i++) {
            uint8_t peer = (uint8_t)(1 + lot(PEERS));
            uint32_t what = lot(10);
            if (what < 6) {
                let_time_pass();
            } else if (what < 9) {
                speak(peer);
                check_step(false);
            } else {
                disturb(peer);
                check_step(false);
            }
        }
        stood_still += links.lags;
    }
    /* The histories were worth having. */
    CHECK(lates > SEEDS);
    CHECK(silences > SEEDS / 4);
    CHECK(stood_still > SEEDS);
}

TEST_MAIN(RUN(whatever_happens_time_gets_on))
