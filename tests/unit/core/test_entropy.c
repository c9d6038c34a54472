/* Comparing with a peer, message by message: what is out of turn, of another life, or rubbish. */

#include "agents_world.h"
#include "core/crdt/changes.h"
#include "core/crdt/document.h"
#include "test.h"

static struct world world;

static struct mcpz_entropy *entropy(size_t node)
{
    return &world.nodes[node].agents.entropy;
}

static struct mcpz_entropy_peer *peer(size_t node)
{
    CHECK_UINT(entropy(node)->peer_count, 1);
    return &entropy(node)->peers[0];
}

static void create(size_t node, uint32_t first, uint32_t count)
{
    for (uint32_t i = first; i < first + count; i++) {
        struct mcpz_event event = {
            .kind = MCPZ_EVENT_AGENT_WRITE,
            .agent = {.op = MCPZ_AGENT_CREATE, .name = mcpz_text("ada")},
        };
        const uint32_t bits = i * 2654435761U + 1;
        event.agent.document = (struct mcpz_id){{(uint8_t)(bits >> 24), (uint8_t)(bits >> 16),
                                                 (uint8_t)(bits >> 8), (uint8_t)bits, [7] = 1}};
        world_step(&world, node, &event);
        CHECK_UINT(world.nodes[node].reply.code, MCPZ_CODE_OK);
    }
}

/* Two nodes, not linked, that compare when they are, and not again by themselves. */
static void set_up(void)
{
    world_init(&world, 2);
    world.timing.anti_entropy_us = MCPZ_SECONDS(100000);
    for (size_t i = 0; i < 2; i++) {
        world_restart(&world, i);
    }
}

/* Both have so many documents, are linked, and have found that they are equal. */
static void set_up_equal(uint32_t count)
{
    set_up();
    create(0, 0, count);
    fake_store_copy(&world.nodes[1].store, &world.nodes[0].store);
    world_restart(&world, 1);
    world_link(&world, 0, 1);
    world_run(&world, MCPZ_SECONDS(1));
    CHECK(peer(0)->has_cursor && peer(1)->has_cursor);
}

static void receive(size_t node, struct mcpz_msg msg)
{
    world_receive(&world, node, 1 - node, &msg);
}

/* What a node says next: of that kind, taken out of the queue. */
static struct mcpz_msg said(enum mcpz_msg_kind kind)
{
    for (size_t i = 0; i < world.letter_count; i++) {
        if (world.letters[i].msg.kind == kind) {
            const struct mcpz_msg msg = world.letters[i].msg; /* without its lists */
            world_lose(&world, i);
            return msg;
        }
    }
    fail_msg("nothing of kind %d is said", (int)kind);
    return (struct mcpz_msg){.kind = kind};
}

static void check_refused(size_t node, struct mcpz_msg msg)
{
    const uint64_t refused = world.nodes[node].agents.messages_refused;
    const size_t letters = world.letter_count;

    receive(node, msg);
    CHECK_UINT(world.nodes[node].agents.messages_refused, refused + 1);
    CHECK_UINT(world.letter_count, letters);
}

static void tick(size_t node)
{
    world_step(&world, node, &(struct mcpz_event){.kind = MCPZ_EVENT_TICK});
}

/* ---- Roots -------------------------------------------------------------------------------- */

TEST(an_answer_that_nobody_asked_for_is_refused)
{
    set_up_equal(3);
    check_refused(0, (struct mcpz_msg){.kind = MCPZ_MSG_ROOT, .root = {.answer = true}});
    mcpz_entropy_compare(entropy(0), &world.nodes[1].actor.node, world.now);
    tick(0);
    const struct mcpz_msg asked = said(MCPZ_MSG_ROOT);
    check_refused(0, (struct mcpz_msg){.kind = MCPZ_MSG_ROOT,
                                       .root = {.nonce = asked.root.nonce + 1, .answer = true}});
    world_finish(&world);
}

TEST(equal_sums_of_other_counts_are_not_equal)
{
    set_up_equal(3);
    const uint64_t unequal = entropy(0)->roots_unequal;
    mcpz_entropy_compare(entropy(1), &world.nodes[0].actor.node, world.now);
    tick(1);
    struct mcpz_msg asked = said(MCPZ_MSG_ROOT);
    receive(0, asked);
    CHECK_UINT(entropy(0)->roots_unequal, unequal);
    asked.root.count++;
    receive(0, asked);
    CHECK_UINT(entropy(0)->roots_unequal, unequal + 1);
    world_lose_all(&world);
    world_finish(&world);
}

TEST(who_goes_by_another_layout_is_answered_and_not_judged)
{
    set_up_equal(3);
    const uint64_t unequal = entropy(0)->roots_unequal;
    receive(0, (struct mcpz_msg){.kind = MCPZ_MSG_ROOT, .root = {.scope = 9, .nonce = 5}});
    CHECK_UINT(entropy(0)->roots_unequal, unequal);
    const struct mcpz_msg answer = said(MCPZ_MSG_ROOT);
    CHECK(answer.root.answer && answer.root.nonce == 5 && answer.root.scope == 0);
    world_finish(&world);
}

/* ---- Cursors ------------------------------------------------------------------------------ */

/* What another life of it says: other numbers, and a tag that is not ours. */
static struct mcpz_msg root_of_another_life(uint64_t count)
{
    return (struct mcpz_msg){
        .kind = MCPZ_MSG_ROOT,
        .root = {.nonce = 5, .tag = 1, .count = count, .epoch = 4711, .seq = 1000}};
}

TEST(a_cursor_of_an_earlier_life_is_not_gone_by)
{
    set_up_equal(3);
    receive(0, root_of_another_life(3));
    const struct mcpz_msg ask = said(MCPZ_MSG_CHANGES_ASK); /* few: all are named */
    CHECK_UINT(ask.changes_ask.epoch, 4711);
    CHECK_UINT(ask.changes_ask.since, 0);
    world_lose_all(&world);
    world_finish(&world);
}

TEST(a_cursor_beyond_what_a_peer_has_is_of_another_past)
{
    set_up_equal(3);
    struct mcpz_msg root = root_of_another_life(3);
    root.root.epoch = peer(0)->epoch;
    root.root.seq = peer(0)->seq - 1; /* it was put back to a backup, and does not know */
    receive(0, root);
    CHECK_UINT(said(MCPZ_MSG_CHANGES_ASK).changes_ask.since, 0);
    world_lose_all(&world);
    world_finish(&world);
}

TEST(numbers_that_a_peer_no_longer_knows_void_the_cursor)
{
    set_up_equal(3);
    struct mcpz_msg root = root_of_another_life(3);
    root.root.epoch = peer(0)->epoch;
    receive(0, root);
    const struct mcpz_msg ask = said(MCPZ_MSG_CHANGES_ASK);
    CHECK_UINT(ask.changes_ask.since, peer(0)->seq);
    world_lose_all(&world);
    receive(0, (struct mcpz_msg){.kind = MCPZ_MSG_CHANGES,
                                 .changes = {.since = ask.changes_ask.since,
                                             .upto = ask.changes_ask.since,
                                             .last = true}});
    CHECK(!peer(0)->has_cursor);
    CHECK_UINT(peer(0)->pull, MCPZ_PULL_NONE);
    CHECK_UINT(peer(0)->root_at_us, world.now + MCPZ_ENTROPY_AGAIN_US);
    world_finish(&world);
}

TEST(who_asks_by_numbers_of_another_life_is_told_so)
{
    set_up_equal(3);
    const uint64_t ours = mcpz_holdings_epoch(&entropy(0)->holdings, 1);
    const struct {
        uint64_t epoch, since, told;
        bool any;
    } cases[] = {
        {ours, 0, ours, true},
        {ours, 3, ours, false}, /* all that there is */
        {ours, 4, 0, false},    /* more than there is */
        {ours + 1, 0, 0, false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        receive(0, (struct mcpz_msg){
                       .kind = MCPZ_MSG_CHANGES_ASK,
                       .changes_ask = {.epoch = cases[i].epoch, .since = cases[i].since}});
        const struct mcpz_msg page = said(MCPZ_MSG_CHANGES);
        CHECK_UINT(page.changes.epoch, cases[i].told);
        CHECK_UINT(page.changes.digest_count, cases[i].any ? 3 : 0);
        CHECK_UINT(page.changes.upto, cases[i].any ? 3 : cases[i].since);
        CHECK(page.changes.last);
    }
    world_finish(&world);
}

/* A page that does not go on from where we are, or goes nowhere, is not gone by. */
TEST(pages_out_of_turn_are_refused)
{
    set_up_equal(3);
    const struct mcpz_msg none = {.kind = MCPZ_MSG_CHANGES, .changes = {.last = true}};
    check_refused(0, none);
    receive(0, root_of_another_life(3));
    world_lose_all(&world);
    const struct {
        uint64_t since, upto;
        bool last;
    } wrong[] = {{1, 5, true}, {0, 0, false}, {2, 1, true}};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        check_refused(0, (struct mcpz_msg){.kind = MCPZ_MSG_CHANGES,
                                           .changes = {.epoch = 4711,
                                                       .since = wrong[i].since,
                                                       .upto = wrong[i].upto,
                                                       .last = wrong[i].last}});
    }
    CHECK_UINT(peer(0)->pull, MCPZ_PULL_ASKED);
    receive(0, (struct mcpz_msg){.kind = MCPZ_MSG_CHANGES,
                                 .changes = {.epoch = 4711, .upto = 9, .last = false}});
    CHECK_UINT(said(MCPZ_MSG_CHANGES_ASK).changes_ask.since, 9);
    receive(0,
            (struct mcpz_msg){.kind = MCPZ_MSG_CHANGES,
                              .changes = {.epoch = 4711, .since = 9, .upto = 1000, .last = true}});
    CHECK_UINT(peer(0)->pull, MCPZ_PULL_NONE);
    CHECK(peer(0)->has_cursor && peer(0)->epoch == 4711 && peer(0)->seq == 1000);
    world_finish(&world);
}

TEST(what_a_page_names_otherwise_is_asked_for)
{
    set_up_equal(3);
    receive(0, root_of_another_life(3));
    world_lose_all(&world);
    const struct mcpz_record *first =
        fake_store_at(&world.nodes[0].store, MCPZ_RECORD_DOCUMENT, 0);
    const struct mcpz_digest rows[] = {
        {.document = first->document.id, .digest = mcpz_document_digest(&first->document)},
        {.document = fake_store_at(&world.nodes[0].store, MCPZ_RECORD_DOCUMENT, 1)->document.id,
         .digest = 5},
    };
    receive(0,
            (struct mcpz_msg){
                .kind = MCPZ_MSG_CHANGES,
                .changes = {
                    .epoch = 4711, .upto = 9, .last = true, .digests = rows, .digest_count = 2}});
    CHECK_UINT(world_waiting(&world, MCPZ_MSG_WANT), 1);
    const struct mcpz_msg want = said(MCPZ_MSG_WANT);
    CHECK(mcpz_id_equal(&want.want.document, &rows[1].document));
    CHECK_UINT(want.want.version_count, 1);
    world_finish(&world);
}

TEST(a_page_that_does_not_come_is_not_waited_for)
{
    set_up_equal(3);
    receive(0, root_of_another_life(3));
    world_lose_all(&world);
    world.now += MCPZ_PULL_PATIENCE_US - 1;
    tick(0);
    CHECK_UINT(peer(0)->pull, MCPZ_PULL_ASKED);
    CHECK_UINT(mcpz_agents_deadline(&world.nodes[0].agents), world.now + 1);
    world.now += 1;
    tick(0);
    CHECK_UINT(peer(0)->pull, MCPZ_PULL_NONE);
    check_refused(
        0, (struct mcpz_msg){.kind = MCPZ_MSG_CHANGES, .changes = {.epoch = 4711, .last = true}});
    world_finish(&world);
}

/* What finds no room to be asked for is named again: the page is not passed over. */
TEST(a_page_that_finds_no_room_is_asked_for_again)
{
    struct mcpz_digest rows[MCPZ_DIGESTS_PER_MESSAGE_MAX];

    set_up_equal(3);
    receive(0, root_of_another_life(3));
    world_lose_all(&world);
    for (uint32_t i = 0; i < MCPZ_DIGESTS_PER_MESSAGE_MAX; i++) {
        rows[i] = (struct mcpz_digest){.document = {{1, (uint8_t)i, [7] = 1}}, .digest = 5};
    }
    struct mcpz_wanted *wanted = &world.nodes[0].agents.wanted;
    while (mcpz_wanted_room(wanted, world.now) > 1) {
        const struct mcpz_id id = {{2, (uint8_t)wanted->count, [7] = 1}};
        CHECK_UINT(mcpz_wanted_ask(wanted, world.now, &id, &id, MCPZ_WANT_MORE, 1), MCPZ_WANT_ASK);
    }
    const struct mcpz_msg page = {.kind = MCPZ_MSG_CHANGES,
                                  .changes = {.epoch = 4711,
                                              .upto = 700,
                                              .digests = rows,
                                              .digest_count = MCPZ_DIGESTS_PER_MESSAGE_MAX}};
    receive(0, page);
    CHECK_UINT(world_waiting(&world, MCPZ_MSG_WANT), 1);
    CHECK_UINT(world_waiting(&world, MCPZ_MSG_CHANGES_ASK), 0);
    CHECK_UINT(peer(0)->pull_seq, 0);
    world.now += MCPZ_WANT_PATIENCE_US;
    tick(0);
    CHECK_UINT(said(MCPZ_MSG_CHANGES_ASK).changes_ask.since, 0);
    receive(0, page);
    CHECK_UINT(peer(0)->pull_seq, 700);
    world_lose_all(&world);
    world_finish(&world);
}

/* A page is asked for at once, and now and then behind what is on its way to the disk. */
TEST(pages_are_read_ahead_of_the_disk_but_not_far)
{
    set_up_equal(3);
    receive(0, root_of_another_life(3));
    uint64_t since = 0;
    for (uint32_t i = 0; i < 2 * MCPZ_PULL_AHEAD; i++) {
        const struct mcpz_action *last = &world.out.actions[world.out.count - 1];
        CHECK_UINT(last->send.msg.kind, MCPZ_MSG_CHANGES_ASK);
        CHECK(last->durable == (i % MCPZ_PULL_AHEAD == MCPZ_PULL_AHEAD - 1));
        world_lose_all(&world);
        receive(0,
                (struct mcpz_msg){.kind = MCPZ_MSG_CHANGES,
                                  .changes = {.epoch = 4711, .since = since, .upto = since + 1}});
        since++;
    }
    world_lose_all(&world);
    world_finish(&world);
}

/* Who reads all that we have will be as we are: no sketch with it until it has. */
TEST(who_is_reading_is_left_to_it)
{
    set_up();
    create(0, 0, 400);
    world_link(&world, 0, 1);
    tick(0);
    world_lose_all(&world);
    const uint64_t ours = mcpz_holdings_epoch(&entropy(0)->holdings, 1);
    struct mcpz_msg ask = {.kind = MCPZ_MSG_CHANGES_ASK, .changes_ask = {.epoch = ours}};
    receive(0, ask);
    world_lose_all(&world);
    receive(0, root_of_another_life(300)); /* many, and unknown to us */
    CHECK_UINT(world_waiting(&world, MCPZ_MSG_SKETCH_ASK), 0);
    world_lose_all(&world);
    ask.changes_ask.since = 390;
    receive(0, ask);
    CHECK(said(MCPZ_MSG_CHANGES).changes.last);
    receive(0, root_of_another_life(300));
    CHECK_UINT(world_waiting(&world, MCPZ_MSG_SKETCH_ASK), 1);
    world_lose_all(&world);
    world_finish(&world);
}

TEST(two_peers_of_very_much_are_read_one_after_the_other)
{
    world_init(&world, 3);
    world.timing.anti_entropy_us = MCPZ_SECONDS(100000);
    world_link(&world, 0, 1);
    world_link(&world, 0, 2);
    tick(0);
    world_lose_all(&world);
    const struct mcpz_msg root = root_of_another_life(MCPZ_PULL_BULK + 1);
    world_receive(&world, 0, 1, &root);
    world_receive(&world, 0, 2, &root);
    CHECK_UINT(world_waiting(&world, MCPZ_MSG_CHANGES_ASK), 1);
    CHECK(entropy(0)->peers[1].is_late);
    world_lose_all(&world);
    const struct mcpz_msg page = {.kind = MCPZ_MSG_CHANGES,
                                  .changes = {.epoch = 4711, .upto = 1000, .last = true}};
    world_receive(&world, 0, 1, &page);
    CHECK(!entropy(0)->peers[1].is_late);
    tick(0); /* its turn: it is compared with again */
    CHECK_UINT(world_waiting(&world, MCPZ_MSG_ROOT), 1);
    world_lose_all(&world);
    world_finish(&world);
}

TEST(a_cursor_survives_a_restart_and_not_another_layout)
{
    set_up_equal(100); /* so many that it is written */
    world_restart(&world, 0);
    world_link(&world, 0, 1);
    CHECK(peer(0)->has_cursor);
    CHECK_UINT(peer(0)->seq, 100);
    world_lose_all(&world);
    entropy(0)->holdings.shared.scope.stamp = 5;
    world_unlink(&world, 0, 1);
    world_link(&world, 0, 1);
    CHECK(!peer(0)->has_cursor);
    world_finish(&world);
}

/* Who is away is waited for by when we last had all that it has, be it that nothing was written.
 */
TEST(a_cursor_that_stands_still_says_how_lately_all_was_the_same)
{
    const struct fake_store *store = &world.nodes[0].store;

    set_up_equal(100);
    const uint64_t before = fake_store_at(store, MCPZ_RECORD_CURSOR, 0)->cursor.wall_ms;
    const size_t writes = store->writes;
    peer(0)->root_at_us = world.now;
    world_run(&world, MCPZ_SECONDS(1));
    CHECK_UINT(store->writes, writes); /* idle is idle */
    world.wall_ms += MCPZ_ENTROPY_CURSOR_AGAIN_MS;
    peer(0)->root_at_us = world.now;
    world_run(&world, MCPZ_SECONDS(1));
    const struct mcpz_record_cursor *cursor = &fake_store_at(store, MCPZ_RECORD_CURSOR, 0)->cursor;
    CHECK(cursor->wall_ms >= before + MCPZ_ENTROPY_CURSOR_AGAIN_MS);
    CHECK_UINT(cursor->seq, 100);
    CHECK_UINT(store->writes, writes + 1);
    world_finish(&world);
}

/*
 * Either of two may stand still while a message is on its way: what it says is of when it was
 * sent. Who lets go of what was deleted goes by that (core/crdt/horizon.h).
 */
TEST(who_has_all_of_a_peer_had_it_when_it_asked)
{
    set_up_equal(3);
    world.wall_ms += 2 * MCPZ_HORIZON_HAD_AGAIN_MS;
    const uint64_t asked_ms = world.wall_ms;
    mcpz_entropy_compare(entropy(0), &world.nodes[1].actor.node, world.now);
    tick(0);
    receive(1, said(MCPZ_MSG_ROOT));
    CHECK_UINT(world.nodes[1].agents.horizon.peers[0].had_ms, 0); /* it may have asked long ago */
    const struct mcpz_msg answer = said(MCPZ_MSG_ROOT);
    world.wall_ms += MCPZ_HORIZON_HAD_AGAIN_MS;
    receive(0, answer);
    CHECK_UINT(world.nodes[0].agents.horizon.peers[0].had_ms, asked_ms);
    world_lose_all(&world);
    world_finish(&world);
}

/* ---- Another layout in the midst of it ---------------------------------------------------- */

static size_t owned(size_t node)
{
    const struct fake_store *store = &world.nodes[node].store;
    size_t count = 0;

    for (size_t i = 0; i < fake_store_count(store, MCPZ_RECORD_DOCUMENT); i++) {
        count += fake_store_at(store, MCPZ_RECORD_DOCUMENT, i)->document.id.bytes[0] % 2 == 0;
    }
    return count;
}

TEST(owners_come_to_agree_on_what_they_share)
{
    set_up();
    create(0, 0, 300);
    create(1, 200, 300);
    world_lay_out(&world, 0, 5);
    world_lay_out(&world, 1, 5);
    world_link(&world, 0, 1);
    world_run(&world, MCPZ_SECONDS(20));
    CHECK_UINT(owned(0), owned(1));
    CHECK(owned(0) > 200);
    CHECK(fake_store_count(&world.nodes[0].store, MCPZ_RECORD_DOCUMENT) < 400);
    CHECK_UINT(peer(0)->unequal, 0);
    const uint64_t unequal = entropy(0)->roots_unequal;
    mcpz_entropy_compare(entropy(0), &world.nodes[1].actor.node, world.now);
    world_run(&world, MCPZ_SECONDS(2));
    CHECK_UINT(entropy(0)->roots_unequal, unequal);
    world_finish(&world);
}

TEST(roots_wait_until_they_are_summed_up)
{
    set_up();
    create(0, 0, 10);
    world_lay_out(&world, 0, 5);
    world_link(&world, 0, 1);
    world_lose_all(&world);
    tick(0);
    CHECK_UINT(world_waiting(&world, MCPZ_MSG_ROOT), 0);
    CHECK_UINT(mcpz_agents_deadline(&world.nodes[0].agents),
               world.now + MCPZ_ENTROPY_SUM_PAUSE_US);
    /* Who asks meanwhile is asked as soon as we know. */
    receive(0, (struct mcpz_msg){.kind = MCPZ_MSG_ROOT, .root = {.scope = 5, .nonce = 1}});
    CHECK_UINT(world_waiting(&world, MCPZ_MSG_ROOT), 0);
    while (mcpz_shared_is_behind(&entropy(0)->holdings.shared)) {
        world.now += MCPZ_ENTROPY_SUM_PAUSE_US;
        tick(0);
    }
    const struct mcpz_msg root = said(MCPZ_MSG_ROOT);
    CHECK_UINT(root.root.count, owned(0));
    CHECK(root.root.count < 10 && !root.root.answer);
    world_finish(&world);
}

TEST(cursors_and_pages_of_another_layout_are_void)
{
    set_up_equal(3);
    world_lay_out(&world, 0, 5);
    CHECK(!peer(0)->has_cursor);
    world_lay_out(&world, 0, 0);
    CHECK(peer(0)->has_cursor); /* that was of this one */

    receive(0, root_of_another_life(3));
    CHECK_UINT(world_waiting(&world, MCPZ_MSG_CHANGES_ASK), 1);
    world_lose_all(&world);
    world_lay_out(&world, 0, 5);
    receive(0, (struct mcpz_msg){.kind = MCPZ_MSG_CHANGES,
                                 .changes = {.epoch = 4711, .upto = 1000, .last = true}});
    CHECK_UINT(world.nodes[0].agents.messages_refused, 0);
    CHECK(!peer(0)->has_cursor);
    CHECK_UINT(peer(0)->pull, MCPZ_PULL_NONE);
    world_finish(&world);
}

/* ---- Changes ------------------------------------------------------------------------------ */

static struct mcpz_sync sync_of(size_t node, struct mcpz_mail *mail)
{
    mcpz_outbox_clear(&world.out);
    mcpz_mail_init(mail, &world.out);
    return (struct mcpz_sync){
        .holdings = &entropy(node)->holdings,
        .scope = &entropy(node)->holdings.shared.scope,
        .mail = mail,
        .wanted = &world.nodes[node].agents.wanted,
        .horizon = &world.nodes[node].agents.horizon,
        .now = world.now,
        .epoch = mcpz_holdings_epoch(&entropy(node)->holdings, 1),
    };
}

static struct mcpz_changes_page page;

static void read_page(uint64_t since)
{
    struct mcpz_mail mail;
    const struct mcpz_sync sync = sync_of(0, &mail);

    CHECK_UINT(mcpz_changes_read(&sync, &world.nodes[1].actor.node, since, &page), MCPZ_OK);
}

TEST(a_page_is_as_long_as_a_message)
{
    set_up();
    create(0, 0, MCPZ_DIGESTS_PER_MESSAGE_MAX);
    read_page(0);
    CHECK_UINT(page.count, MCPZ_DIGESTS_PER_MESSAGE_MAX);
    CHECK(page.last);
    CHECK_UINT(page.upto, MCPZ_DIGESTS_PER_MESSAGE_MAX);
    create(0, MCPZ_DIGESTS_PER_MESSAGE_MAX, 1);
    read_page(0);
    CHECK_UINT(page.count, MCPZ_DIGESTS_PER_MESSAGE_MAX);
    CHECK(!page.last);
    CHECK_UINT(page.upto, MCPZ_DIGESTS_PER_MESSAGE_MAX);
    read_page(page.upto);
    CHECK_UINT(page.count, 1);
    CHECK(page.last);
    read_page(page.upto);
    CHECK_UINT(page.count, 0);
    CHECK(page.last);
    CHECK_UINT(page.upto, MCPZ_DIGESTS_PER_MESSAGE_MAX + 1);
    read_page(UINT64_MAX);
    CHECK_UINT(page.upto, UINT64_MAX);
    world_finish(&world);
}

static size_t nobody(void *context, const struct mcpz_id *document, struct mcpz_id *ids)
{
    (void)context, (void)document;
    ids[0] = (struct mcpz_id){{'z'}};
    return 1;
}

/* What is not shared costs no more than so many rows a page, and the page says how far it got. */
TEST(a_page_looks_at_so_many_changes)
{
    set_up();
    create(0, 0, MCPZ_CHANGES_SCAN_MAX + 1);
    entropy(0)->holdings.shared.scope.owners = nobody;
    read_page(0);
    CHECK_UINT(page.count, 0);
    CHECK(!page.last);
    CHECK_UINT(page.upto, MCPZ_CHANGES_SCAN_MAX);
    read_page(page.upto);
    CHECK(page.last);
    CHECK_UINT(page.upto, MCPZ_CHANGES_SCAN_MAX + 1);
    world_finish(&world);
}

TEST(a_change_of_a_document_that_was_erased_is_passed_over)
{
    set_up();
    create(0, 0, 3);
    struct mcpz_record gone = *fake_store_at(&world.nodes[0].store, MCPZ_RECORD_DOCUMENT, 1);
    world.nodes[0].store.port.remove(&world.nodes[0].store, &gone);
    read_page(0);
    CHECK_UINT(page.count, 2);
    CHECK(page.last);
    CHECK_UINT(page.upto, 3);

    struct mcpz_mail mail;
    const struct mcpz_sync sync = sync_of(0, &mail);
    for (size_t reads = 0; reads < 6; reads++) { /* three changes, two documents, the end */
        fake_store_fail_after(&world.nodes[0].store, reads, MCPZ_EIO);
        CHECK_UINT(mcpz_changes_read(&sync, &world.nodes[1].actor.node, 0, &page), MCPZ_EIO);
    }
    fake_store_fail_after(&world.nodes[0].store, 0, MCPZ_OK);
    world_finish(&world);
}

TEST_MAIN(RUN(an_answer_that_nobody_asked_for_is_refused),
          RUN(equal_sums_of_other_counts_are_not_equal),
          RUN(who_goes_by_another_layout_is_answered_and_not_judged),
          RUN(a_cursor_of_an_earlier_life_is_not_gone_by),
          RUN(a_cursor_beyond_what_a_peer_has_is_of_another_past),
          RUN(numbers_that_a_peer_no_longer_knows_void_the_cursor),
          RUN(who_asks_by_numbers_of_another_life_is_told_so), RUN(pages_out_of_turn_are_refused),
          RUN(what_a_page_names_otherwise_is_asked_for),
          RUN(a_page_that_does_not_come_is_not_waited_for),
          RUN(a_page_that_finds_no_room_is_asked_for_again),
          RUN(pages_are_read_ahead_of_the_disk_but_not_far), RUN(who_is_reading_is_left_to_it),
          RUN(two_peers_of_very_much_are_read_one_after_the_other),
          RUN(a_cursor_survives_a_restart_and_not_another_layout),
          RUN(a_cursor_that_stands_still_says_how_lately_all_was_the_same),
          RUN(who_has_all_of_a_peer_had_it_when_it_asked),
          RUN(owners_come_to_agree_on_what_they_share), RUN(roots_wait_until_they_are_summed_up),
          RUN(cursors_and_pages_of_another_layout_are_void), RUN(a_page_is_as_long_as_a_message),
          RUN(a_page_looks_at_so_many_changes),
          RUN(a_change_of_a_document_that_was_erased_is_passed_over))
