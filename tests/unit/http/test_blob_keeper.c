/* That each blob is where it is to be: what is fetched, whom others are asked to keep it, and what
 * is let go of. */

#include "fake_blobs.h"
#include "fake_layout.h"
#include "http/exchange.h"

static const char *const nobody[] = {NULL};
static const char *const put[] = {"put", NULL};

static struct mcpz_blob_keeper *keeper(void)
{
    return &world.api->blobs;
}

/* One of `node`'s: "s" is this one. Without a layout, one that is to be kept here or not. */
static struct mcpz_blob_about about_kept(bool is_here)
{
    for (uint8_t number = 1;; number++) {
        const struct mcpz_blob_about about = fake_blob_about(number);
        if (mcpz_blob_keeper_is_ours(world.api, &about.root) == is_here) {
            return about;
        }
    }
}

static size_t count_questions(const char *end)
{
    size_t count = 0;

    for (size_t i = 0; i < fake_ask_count; i++) {
        const char *path = fake_asks[i].path;
        count += strlen(path) >= strlen(end) && strcmp(path + strlen(path) - strlen(end), end) == 0
                     ? 1
                     : 0;
    }
    return count;
}

/* Somebody is asked to keep the blob, and says so. */
static void say(size_t from, char node, unsigned status, const char *json)
{
    fake_fellow_says(fake_question(from, node, "/keep"), status, json);
    fake_blobs_turn();
}

/* It is to be here, and at two others, who are asked. */
static struct mcpz_blob_place *begin_placing(struct fake_blob **blob)
{
    fake_blobs_begin();
    const struct mcpz_blob_about about = about_kept(true);
    *blob = fake_blob_add(&about.root, (struct mcpz_blob_state){.is_whole = true, .is_put = true});
    struct mcpz_blob_place *place = mcpz_blob_keeper_place(world.api, &about, MCPZ_BLOB_REF_PUT);

    CHECK(place != NULL);
    place->wait.level = MCPZ_ACK_ALL;
    fake_blobs_turn();
    CHECK_UINT(count_questions("/keep"), 2);
    return place;
}

TEST(what_is_put_is_held_and_that_is_written_down)
{
    struct fake_blob *blob = NULL;
    const struct mcpz_blob_place *place = begin_placing(&blob);

    CHECK(fake_writes(MCPZ_AGENT_ADD, "put") >= 1);
    CHECK(blob->state.is_copy); /* it is to be here, too */
    CHECK_UINT(mcpz_ack_wait_wanted(&place->wait), 3);
    CHECK_UINT(mcpz_ack_wait_reached(&place->wait), 1);
    CHECK(strstr(fake_asks[0].body, "\"ref\":\"put\",\"write\":false") != NULL);
    fake_fellow_fails(0, MCPZ_CODE_TIMEOUT);
    fake_fellow_fails(1, MCPZ_CODE_TIMEOUT);
    fake_blobs_end();
}

TEST(what_is_put_is_placed_until_all_have_it)
{
    struct fake_blob *blob = NULL;
    const struct mcpz_blob_place *place = begin_placing(&blob);
    const char first = (char)fake_asks[0].node.bytes[0];
    const char second = (char)fake_asks[1].node.bytes[0];
    say(0, first, 200, "{\"whole\":true}");
    CHECK_UINT(mcpz_ack_wait_reached(&place->wait), 2);
    CHECK(!place->is_over && blob->state.is_put);
    say(0, second, 202, "{\"whole\":false,\"offset\":350}");
    CHECK_UINT(place->progress, 350);
    fake_blobs_tick(MCPZ_BLOB_POLL_US);
    CHECK_UINT(count_questions("/keep"), 3); /* only who has not said so */
    say(2, second, 200, "{\"whole\":true}");
    fake_blobs_tick(MCPZ_BLOB_POLL_US_MAX);
    CHECK(!blob->state.is_put && blob->state.is_copy);
    CHECK_UINT(keeper()->counts.handed_over, 0); /* it stays here */
    fake_blobs_end();
}

TEST(who_is_silent_is_asked_again_and_counts_for_nothing)
{
    fake_blobs_begin();
    const struct mcpz_blob_about about = about_kept(false);
    struct fake_blob *blob =
        fake_blob_add(&about.root, (struct mcpz_blob_state){.is_whole = true, .is_put = true});
    uint64_t here = 0;
    uint64_t elsewhere = 0;

    (void)mcpz_blob_keeper_place(world.api, &about, MCPZ_BLOB_REF_PUT);
    fake_blobs_turn();
    CHECK_UINT(count_questions("/keep"), 3);
    for (size_t i = 0; i < 3; i++) {
        fake_fellow_fails(i, MCPZ_CODE_TIMEOUT);
    }
    fake_blobs_turn();
    CHECK_UINT(count_questions("/keep"), 3);
    mcpz_blob_keeper_missing(keeper(), &here, &elsewhere);
    CHECK_UINT(elsewhere, 3);
    fake_blobs_tick(MCPZ_BLOB_POLL_US);
    CHECK_UINT(count_questions("/keep"), 6);
    CHECK(blob->state.is_put);
    for (size_t i = 3; i < 6; i++) {
        fake_fellow_says(i, 200, "{\"whole\":true}");
    }
    fake_blobs_tick(MCPZ_BLOB_POLL_US_MAX);
    CHECK(!blob->state.is_put && !blob->state.is_copy);
    mcpz_blob_keeper_missing(keeper(), &here, &elsewhere);
    CHECK_UINT(here + elsewhere, 0);
    fake_blobs_end();
}

TEST(one_that_is_taken_back_is_placed_no_more)
{
    fake_blobs_begin();
    const struct mcpz_blob_about about = about_kept(false);
    struct fake_blob *blob =
        fake_blob_add(&about.root, (struct mcpz_blob_state){.is_whole = true, .is_put = true});

    (void)mcpz_blob_keeper_place(world.api, &about, MCPZ_BLOB_REF_BRIEF);
    CHECK(!mcpz_blob_keeper_unplace(world.api, &about.root, "acme", MCPZ_BLOB_REF_PUT));
    CHECK(!mcpz_blob_keeper_unplace(world.api, &about.root, "other", MCPZ_BLOB_REF_BRIEF));
    /* The same for good: what is brief alone is taken back. */
    struct mcpz_blob_place *kept = mcpz_blob_keeper_place(world.api, &about, MCPZ_BLOB_REF_PUT);
    CHECK(mcpz_blob_keeper_unplace(world.api, &about.root, "acme", MCPZ_BLOB_REF_BRIEF));
    fake_blobs_turn();
    CHECK(blob->state.is_put && !kept->is_over);
    CHECK(mcpz_blob_keeper_unplace(world.api, &about.root, "acme", MCPZ_BLOB_REF_PUT));
    fake_blobs_turn();
    CHECK(!blob->state.is_put);
    fake_blobs_end();
}

/* It is written down that it was put, and one of two others has it. */
static struct mcpz_blob_place *begin_written(struct fake_blob **blob, size_t *asked)
{
    struct mcpz_blob_place *place = begin_placing(blob);

    fake_blob_book(&place->about, put);
    say(0, (char)fake_asks[0].node.bytes[0], 200, "{\"whole\":true}");
    say(0, (char)fake_asks[1].node.bytes[0], 202, "{\"whole\":false,\"offset\":350}");
    fake_blobs_tick(MCPZ_BLOB_POLL_US);
    CHECK_UINT(count_questions("/keep"), 3);
    say(2, (char)fake_asks[2].node.bytes[0], 202, "{\"whole\":false,\"offset\":350}");
    *asked = count_questions("/keep");
    return place;
}

TEST(what_is_removed_elsewhere_is_not_put_anew_by_a_list_of_before)
{
    struct fake_blob *blob = NULL;
    size_t asked = 0;
    const struct mcpz_blob_place *place = begin_written(&blob, &asked);
    const size_t written = fake_writes(MCPZ_AGENT_ADD, "put");

    /* Blobs are listed, and in the same turn it is seen to be taken back: the list is made before
     * it is let go of. */
    fake_blob_unbook(&place->about);
    keeper()->scan_us = 0;
    world.now_us += MCPZ_BLOB_POLL_US_MAX;
    world.deferred = true;
    fake_turn();
    CHECK(keeper()->is_listing && keeper()->check != NULL);
    CHECK(place->is_over && blob->state.is_put);
    fake_blobs_turn();
    CHECK(!blob->state.is_put);
    fake_blobs_tick(MCPZ_BLOB_POLL_US_MAX);
    CHECK_UINT(fake_writes(MCPZ_AGENT_ADD, "put"), written);
    CHECK_UINT(count_questions("/keep"), asked);
    CHECK(!place->used);
    fake_blobs_end();
}

TEST(what_cannot_be_let_go_of_is_tried_again_and_placed_no_more)
{
    struct fake_blob *blob = NULL;
    size_t asked = 0;
    const struct mcpz_blob_place *place = begin_written(&blob, &asked);

    fake_blob_unbook(&place->about);
    fake_blobs_are_full = true;
    fake_blobs_tick(MCPZ_BLOB_POLL_US_MAX);
    CHECK(place->is_over && blob->state.is_put);
    keeper()->scan_us = 0;
    fake_blobs_tick(MCPZ_BLOB_POLL_US_MAX);
    CHECK(blob->state.is_put);
    CHECK_UINT(count_questions("/keep"), asked);
    fake_blobs_are_full = false;
    fake_blobs_tick(MCPZ_BLOB_RETRY_US);
    CHECK(!blob->state.is_put && !place->used);
    CHECK_UINT(count_questions("/keep"), asked);
    fake_blobs_end();
}

TEST(what_was_written_and_removed_before_the_next_look_is_not_put_anew)
{
    struct fake_blob *blob = NULL;
    const struct mcpz_blob_place *place = begin_placing(&blob);
    struct mcpz_action written = {.kind = MCPZ_ACTION_REPLY,
                                  .reply = {.request = place->writing, .code = MCPZ_CODE_OK}};

    CHECK(place->writing != 0 && !place->is_said);
    mcpz_api_act(world.api, &written);
    CHECK(place->is_said);
    say(0, (char)fake_asks[0].node.bytes[0], 200, "{\"whole\":true}");
    say(0, (char)fake_asks[1].node.bytes[0], 202, "{\"whole\":false,\"offset\":350}");
    fake_blobs_tick(MCPZ_BLOB_POLL_US); /* nothing says any more that it is needed */
    CHECK(!blob->state.is_put);
    CHECK_UINT(count_questions("/keep"), 2);
    fake_blobs_end();
}

/* Its document is here, and says that it is needed; nothing of it is. */
static struct mcpz_blob_about begin_lacking(void)
{
    fake_blobs_begin();
    const struct mcpz_blob_about about = about_kept(true);
    fake_blob_book(&about, put);
    fake_blobs_turn();
    return about;
}

TEST(what_is_lacking_is_fetched_chunk_by_chunk)
{
    const struct mcpz_blob_about about = begin_lacking();
    uint64_t here = 0;
    uint64_t elsewhere = 0;

    CHECK_UINT(count_questions("/chunks"), 1);
    mcpz_blob_keeper_missing(keeper(), &here, &elsewhere);
    CHECK_UINT(here, 1);
    const char source = (char)fake_asks[0].node.bytes[0];
    fake_fellow_sends(0, 200, fake_chunk);
    fake_blobs_turn();
    CHECK_UINT(fake_ask_count, 2);
    CHECK_UINT(fake_asks[1].node.bytes[0], (uint8_t)source); /* who had one is asked on */
    fake_fellow_sends(1, 200, fake_chunk);
    fake_blobs_turn();
    const struct fake_blob *blob = fake_blob_find(&about.root);
    CHECK(blob != NULL && blob->state.is_whole && blob->state.is_copy);
    CHECK_UINT(keeper()->counts.fetched, 1);
    CHECK_UINT(keeper()->counts.fetches_failed, 0);
    mcpz_blob_keeper_missing(keeper(), &here, &elsewhere);
    CHECK_UINT(here, 0);
    fake_blobs_end();
}

/* `count` that are lacking here, the last of them (`is_large`) too large to go with others. */
static void want_some(size_t count, bool is_large)
{
    size_t wanted = 0;

    for (uint8_t number = 1; wanted < count; number++) {
        struct mcpz_blob_about about = fake_blob_about(number);
        if (mcpz_blob_keeper_is_ours(world.api, &about.root)) {
            wanted++;
            about.size =
                is_large && wanted == count ? MCPZ_BLOB_SMALL_BYTES + 1 : MCPZ_BLOB_SMALL_BYTES;
            mcpz_blob_keeper_want(keeper(), &about, NULL, NULL);
        }
    }
    fake_blobs_turn();
}

TEST(small_ones_are_fetched_together)
{
    fake_blobs_begin();
    want_some(4, true);
    CHECK_UINT(count_questions("/chunks"), 2); /* of three, and of the large one */
    fake_fellow_sends(0, 200, fake_chunk);
    fake_blobs_turn();
    CHECK_UINT(count_questions("/chunks"), 3);
    fake_fellow_sends(2, 200, fake_chunk);
    fake_blobs_turn();
    CHECK_UINT(count_questions("/chunks"), 3);
    CHECK_UINT(keeper()->counts.fetched, 3);
    fake_blobs_end();
}

TEST(one_that_cannot_be_fetched_holds_up_none_of_the_others)
{
    fake_blobs_begin();
    want_some(3, false);
    fake_blob_rows[1].is_odd = true;
    for (size_t i = 0; i < 2; i++) {
        fake_fellow_sends(i, 200, fake_chunk);
        fake_blobs_turn();
    }
    CHECK_UINT(keeper()->counts.fetched, 2);
    CHECK_UINT(keeper()->counts.fetches_failed, 1);
    fake_blob_rows[1].is_odd = false;
    fake_blobs_tick(MCPZ_BLOB_RETRY_US);
    CHECK_UINT(count_questions("/chunks"), 3);
    fake_blobs_end();
}

TEST(one_that_has_nothing_or_rubbish_or_is_silent_is_followed_by_the_next)
{
    const struct mcpz_blob_about about = begin_lacking();

    fake_fellow_sends(0, 200, mcpz_bytes(NULL, 0));
    fake_blobs_turn();
    CHECK_UINT(fake_ask_count, 2);
    fake_fellow_sends(1, 200, fake_rubbish);
    fake_blobs_turn();
    CHECK_UINT(fake_ask_count, 3);
    fake_fellow_fails(2, MCPZ_CODE_TIMEOUT);
    fake_blobs_turn();
    CHECK_UINT(fake_ask_count, 3); /* those were all */
    CHECK_UINT(keeper()->counts.fetches_failed, 1);

    /* All of them again, later and later; what came in the meantime stays. */
    fake_blobs_tick(MCPZ_BLOB_RETRY_US - 1);
    CHECK_UINT(fake_ask_count, 3);
    fake_blobs_tick(1);
    CHECK_UINT(fake_ask_count, 4);
    fake_fellow_sends(3, 200, fake_chunk);
    fake_blobs_turn();
    fake_fellow_fails(4, MCPZ_CODE_TIMEOUT);
    fake_blobs_turn();
    fake_fellow_sends(5, 200, fake_chunk);
    fake_blobs_turn();
    CHECK(fake_blob_find(&about.root)->state.is_whole);
    CHECK_UINT(keeper()->counts.fetched, 1);
    fake_blobs_end();
}

TEST(a_full_disk_is_tried_again)
{
    fake_blobs_begin();
    const struct mcpz_blob_about about = about_kept(true);

    fake_blobs_are_full = true;
    fake_blob_book(&about, put);
    fake_blobs_turn();
    CHECK_UINT(fake_ask_count, 0);
    CHECK_UINT(keeper()->counts.fetches_failed, 1);
    fake_blobs_tick(MCPZ_BLOB_RETRY_US);
    CHECK_UINT(keeper()->counts.fetches_failed, 2);
    fake_blobs_tick(MCPZ_BLOB_RETRY_US);
    CHECK_UINT(keeper()->counts.fetches_failed, 2); /* twice as late */
    fake_blobs_are_full = false;
    fake_blobs_tick(MCPZ_BLOB_RETRY_US);
    CHECK_UINT(count_questions("/chunks"), 1);
    fake_blobs_end();
}

TEST(no_more_is_copied_than_a_second_may_have)
{
    (void)begin_lacking();

    mcpz_blob_keeper_copied(keeper(), MCPZ_BLOB_COPY_BYTES_PER_SECOND);
    CHECK(!mcpz_blob_keeper_may_copy(keeper()));
    fake_fellow_sends(0, 200, fake_chunk);
    fake_blobs_turn();
    CHECK_UINT(fake_ask_count, 1); /* held */
    fake_blobs_tick(MCPZ_SECONDS(1));
    CHECK_UINT(fake_ask_count, 2);
    fake_blobs_end();
}

TEST(what_agents_may_name_that_have_to_be_set_aside_is_kept_so_long)
{
    fake_blobs_begin();
    const struct mcpz_blob_about about = about_kept(true);
    struct fake_blob *blob =
        fake_blob_add(&about.root, (struct mcpz_blob_state){.is_whole = true, .is_copy = true});

    world.engine.node.agents.horizon.row.horizon_ms = 1; /* we were away */
    fake_blob_book(&about, nobody);
    fake_blobs_turn();
    CHECK(blob->state.is_copy);
    world.engine.node.agents.horizon.row.fresh_ms = 1;
    fake_blobs_tick(2 * MCPZ_BLOB_SCAN_US);
    CHECK(!blob->state.is_copy);
    fake_blobs_end();
}

TEST(what_nobody_needs_is_let_go_of)
{
    fake_blobs_begin();
    const struct mcpz_blob_about about = about_kept(true);
    const struct mcpz_blob_about unknown = {.root = {{200, 1}}};
    struct fake_blob *blob =
        fake_blob_add(&about.root, (struct mcpz_blob_state){.is_whole = true, .is_copy = true});
    struct fake_blob *other =
        fake_blob_add(&unknown.root, (struct mcpz_blob_state){.is_whole = true, .is_copy = true});

    fake_blob_book(&about, nobody);
    fake_blobs_turn();
    CHECK(!blob->state.is_copy);
    CHECK(other->state.is_copy); /* nothing is known of it here, which says nothing */
    CHECK_UINT(keeper()->counts.unneeded, 1);
    fake_blobs_end();
}

TEST(what_is_needed_and_here_is_held)
{
    fake_blobs_begin();
    const struct mcpz_blob_about about = about_kept(true);
    struct fake_blob *blob =
        fake_blob_add(&about.root, (struct mcpz_blob_state){.is_whole = true});

    fake_blob_book(&about, put);
    fake_blobs_turn();
    CHECK(blob->state.is_copy);
    CHECK_UINT(fake_ask_count, 0);
    fake_blobs_end();
}

/* A layout says that B, C or this node is to have it, alone. */
static struct mcpz_blob_about begin_laid_out(char owner)
{
    fake_blobs_begin();
    fake_layout_begin();
    for (uint8_t number = 1;; number++) {
        const struct mcpz_blob_about about = fake_blob_about(number);
        struct mcpz_ack_wait wait = {0};
        mcpz_blob_keeper_targets(world.api, &about.root, &wait);
        CHECK_UINT(wait.owner_count, 1);
        if (wait.owners[0].node.bytes[0] == (uint8_t)owner) {
            return about;
        }
    }
}

TEST(a_new_owner_has_it_before_the_old_one_lets_go)
{
    const struct mcpz_blob_about about = begin_laid_out('b');
    struct fake_blob *blob =
        fake_blob_add(&about.root, (struct mcpz_blob_state){.is_whole = true, .is_copy = true});

    fake_blob_book(&about, put); /* as before the layout */
    fake_blobs_turn();
    CHECK_UINT(count_questions("/keep"), 1);
    CHECK(strstr(fake_asks[0].body, "\"ref\"") == NULL); /* that is written down */
    say(0, 'b', 202, "{\"whole\":false,\"offset\":0}");
    fake_blobs_tick(MCPZ_BLOB_POLL_US_MAX);
    CHECK(blob->state.is_copy);
    say(1, 'b', 200, "{\"whole\":true}");
    fake_blobs_tick(MCPZ_BLOB_POLL_US_MAX);
    CHECK(!blob->state.is_copy);
    CHECK_UINT(keeper()->counts.handed_over, 1);
    fake_blobs_end();
    fake_layout_end();
}

TEST(one_that_its_owner_knows_not_to_be_needed_goes)
{
    const struct mcpz_blob_about about = begin_laid_out('b');
    struct fake_blob *blob =
        fake_blob_add(&about.root, (struct mcpz_blob_state){.is_whole = true, .is_copy = true});

    fake_blobs_turn();
    say(0, 'b', 404, "{}");
    CHECK(!blob->state.is_copy);
    fake_blobs_end();
    fake_layout_end();
}

/* It was on its way here when another was to keep it from then on. */
TEST(one_of_which_something_is_lacking_goes_when_its_owner_has_it)
{
    static const unsigned codes[] = {200, 404};

    for (size_t i = 0; i < MCPZ_ARRAY_LEN(codes); i++) {
        const struct mcpz_blob_about about = begin_laid_out('b');
        struct fake_blob *blob =
            fake_blob_add(&about.root, (struct mcpz_blob_state){.is_copy = true});
        fake_blobs_turn();
        say(0, 'b', codes[i], "{\"whole\":true}");
        fake_blobs_tick(MCPZ_BLOB_POLL_US_MAX);
        CHECK(!blob->state.is_copy);
        fake_blobs_end();
        fake_layout_end();
    }
}

TEST(with_a_layout_an_owner_writes_down_that_it_was_put)
{
    const struct mcpz_blob_about about = begin_laid_out('c');

    (void)fake_blob_add(&about.root, (struct mcpz_blob_state){.is_whole = true, .is_put = true});
    (void)mcpz_blob_keeper_place(world.api, &about, MCPZ_BLOB_REF_PUT);
    fake_blobs_turn();
    CHECK_UINT(fake_writes(MCPZ_AGENT_ADD, "put"), 0);
    CHECK_UINT(count_questions("/keep"), 1);
    CHECK(strstr(fake_asks[0].body, "\"ref\":\"put\",\"write\":true") != NULL);
    fake_fellow_fails(0, MCPZ_CODE_TIMEOUT);
    fake_blobs_end();
    fake_layout_end();
}

TEST(after_a_restart_it_is_placed_for_what_it_was_put_for)
{
    fake_blobs_begin();
    const struct mcpz_blob_about about = about_kept(false);
    (void)fake_blob_add(&about.root, (struct mcpz_blob_state){.is_whole = true, .is_brief = true});
    fake_blobs_turn();
    CHECK_UINT(count_questions("/keep"), 3);
    CHECK(strstr(fake_asks[0].body, "\"ref\":\"brief\"") != NULL);
    CHECK_UINT(fake_writes(MCPZ_AGENT_ADD, "put"), 0);
    CHECK(fake_writes(MCPZ_AGENT_ADD, "brief") >= 1);
    for (size_t i = 0; i < 3; i++) {
        fake_fellow_fails(i, MCPZ_CODE_TIMEOUT);
    }
    fake_blobs_end();
}

/* As if this node had been started again. */
static void restart(void)
{
    mcpz_blob_keeper_finish(world.api);
    fake_blobs_turn();
    mcpz_blob_keeper_init(keeper());
    fake_blobs_turn();
}

TEST(what_is_removed_while_a_node_is_away_is_not_put_anew)
{
    struct fake_blob *blob = NULL;
    const struct mcpz_blob_place *place = begin_placing(&blob);
    const struct mcpz_blob_about about = place->about;
    const struct mcpz_action written = {
        .kind = MCPZ_ACTION_REPLY, .reply = {.request = place->writing, .code = MCPZ_CODE_OK}};

    fake_blob_book(&about, put);
    mcpz_api_act(world.api, &written);
    fake_blobs_turn();
    CHECK(!blob->state.is_put && blob->state.is_copy);
    const size_t adds = fake_writes(MCPZ_AGENT_ADD, "put");
    for (size_t i = 0; i < 2; i++) {
        fake_fellow_fails(i, MCPZ_CODE_UNAVAILABLE);
    }
    fake_blob_unbook(&about);
    restart();
    CHECK_UINT(fake_writes(MCPZ_AGENT_ADD, "put"), adds);
    CHECK_UINT(count_questions("/keep"), 2);
    CHECK(!blob->state.is_put && !blob->state.is_copy);
    fake_blobs_end();
}

/* It is put here, for B and C to keep: B has written that down. */
static struct fake_blob *begin_put_for_two(struct mcpz_blob_about *about)
{
    fake_blobs_begin();
    layout_copies = 2;
    fake_layout_begin();
    for (uint8_t number = 1;; number++) {
        *about = fake_blob_about(number);
        if (!mcpz_blob_keeper_is_ours(world.api, &about->root)) {
            break;
        }
    }
    struct fake_blob *blob =
        fake_blob_add(&about->root, (struct mcpz_blob_state){.is_whole = true, .is_put = true});
    (void)mcpz_blob_keeper_place(world.api, about, MCPZ_BLOB_REF_PUT);
    fake_blobs_turn();
    CHECK_UINT(count_questions("/keep"), 2);
    fake_fellow_says(fake_question(0, 'c', "/keep"), 202, "{\"whole\":false}");
    say(0, 'b', 200, "{\"whole\":true}");
    return blob;
}

static void end_put_for_two(void)
{
    fake_blobs_end();
    fake_layout_end();
    layout_copies = 1;
}

TEST(a_slow_owner_is_asked_no_more_for_what_another_knows_to_be_taken_back)
{
    struct mcpz_blob_about about;
    struct fake_blob *blob = begin_put_for_two(&about);

    CHECK(!blob->state.is_put && blob->state.is_copy); /* as B has written it down */
    fake_blobs_tick(MCPZ_BLOB_POLL_US);
    const size_t again = fake_question(2, 'b', "/keep"); /* whether that still holds */
    CHECK(strstr(fake_asks[again].body, "\"write\":false,\"said\":true") != NULL);
    fake_fellow_says(fake_question(2, 'c', "/keep"), 202, "{\"whole\":true}");
    say(2, 'b', 404, "{}");
    CHECK(blob->state.is_copy); /* others may name it */
    const size_t last = fake_question(4, 'b', "/keep");
    CHECK(strstr(fake_asks[last].body, "\"ref\"") == NULL);
    fake_fellow_says(last, 404, "{}");
    say(4, 'c', 404, "{}");
    CHECK(!blob->state.is_put && !blob->state.is_copy);
    fake_blobs_tick(MCPZ_SECONDS(700));
    CHECK_UINT(count_questions("/keep"), 6);
    end_put_for_two();
}

TEST(one_that_has_not_heard_of_it_takes_nothing_back)
{
    struct mcpz_blob_about about;
    struct fake_blob *blob = begin_put_for_two(&about);

    fake_blobs_tick(MCPZ_BLOB_POLL_US);
    fake_fellow_says(fake_question(2, 'b', "/keep"), 200, "{\"whole\":true}");
    say(2, 'c', 404, "{}");
    CHECK(blob->state.is_copy);
    fake_blobs_tick(MCPZ_BLOB_POLL_US_MAX);
    fake_fellow_says(fake_question(4, 'b', "/keep"), 200, "{\"whole\":true}");
    say(4, 'c', 200, "{\"whole\":true}");
    fake_blobs_tick(MCPZ_BLOB_POLL_US_MAX);
    CHECK(!blob->state.is_copy); /* both have it, and it is theirs */
    CHECK_UINT(keeper()->counts.handed_over, 1);
    end_put_for_two();
}

TEST(a_copy_of_others_goes_when_all_of_them_know_that_nobody_needs_it)
{
    struct mcpz_blob_about about;
    struct fake_blob *blob = begin_put_for_two(&about);

    restart(); /* by now somebody has removed it, and C has heard of that first */
    const size_t from = 2;
    CHECK(strstr(fake_asks[fake_question(from, 'b', "/keep")].body, "\"ref\"") == NULL);
    fake_fellow_says(fake_question(from, 'b', "/keep"), 200, "{\"whole\":true}");
    say(from, 'c', 404, "{}");
    CHECK(blob->state.is_copy);
    const size_t again = fake_ask_count;
    fake_blobs_tick(MCPZ_BLOB_POLL_US_MAX);
    say(again, 'c', 404, "{}");
    CHECK(blob->state.is_copy); /* B has not said so */
    end_put_for_two();
}

TEST(what_is_put_again_is_held_for_that)
{
    struct mcpz_blob_about about;
    struct fake_blob *blob = begin_put_for_two(&about);

    CHECK(!blob->state.is_put);
    fake_blobs_tick(MCPZ_BLOB_POLL_US);
    blob->state.is_put = true;
    struct mcpz_blob_place *place = mcpz_blob_keeper_place(world.api, &about, MCPZ_BLOB_REF_PUT);
    CHECK_UINT(mcpz_ack_wait_reached(&place->wait), 0);
    /* What B says of the time before does not take it back, nor is it word that this is written.
     */
    fake_fellow_says(fake_question(2, 'c', "/keep"), 200, "{\"whole\":true}");
    say(2, 'b', 404, "{}");
    CHECK(!place->is_over && !place->is_said && blob->state.is_put);
    fake_blobs_tick(MCPZ_BLOB_POLL_US_MAX);
    const size_t anew = fake_question(4, 0, "/keep");
    CHECK(strstr(fake_asks[anew].body, "\"write\":true,\"said\":false") != NULL);
    say(4, 'b', 200, "{\"whole\":true}");
    CHECK_UINT(mcpz_ack_wait_reached(&place->wait), 1);
    CHECK(!blob->state.is_put && blob->state.is_copy);
    say(4, 'c', 202, "{}");
    end_put_for_two();
}

TEST(owners_that_do_not_come_on_are_asked_seldom_and_give_way)
{
    struct mcpz_blob_about about;
    (void)begin_put_for_two(&about);
    size_t over = 2;

    fake_blobs_tick(MCPZ_BLOB_EAGER_US);
    for (size_t second = 0; second < 1000; second++) {
        for (; over < fake_ask_count; over++) {
            fake_fellow_fails(over, MCPZ_CODE_TIMEOUT);
        }
        keeper()->scan_us = MCPZ_TIME_NEVER;
        fake_blobs_tick(MCPZ_SECONDS(1));
    }
    CHECK(count_questions("/keep") < 60);
    for (; over < fake_ask_count; over++) {
        fake_fellow_fails(over, MCPZ_CODE_TIMEOUT);
    }
    for (uint8_t number = 1; number <= MCPZ_BLOB_PLACES_MAX; number++) {
        const struct mcpz_blob_about other = fake_blob_about((uint8_t)(100 + number));
        CHECK(mcpz_blob_keeper_has_place(world.api));
        CHECK(mcpz_blob_keeper_place(world.api, &other, MCPZ_BLOB_REF_BRIEF) != NULL);
    }
    CHECK_UINT(keeper()->counts.placings_put_off, 1); /* it is found again */
    CHECK(!mcpz_blob_keeper_has_place(world.api));
    CHECK(!mcpz_blob_keeper_unplace(world.api, &about.root, "acme", MCPZ_BLOB_REF_PUT));
    end_put_for_two();
}

TEST(what_nobody_has_and_nothing_says_is_needed_is_not_asked_for_for_ever)
{
    fake_blobs_begin();
    const struct mcpz_blob_about about = about_kept(true);
    static const struct mcpz_id from = {{'b'}};
    size_t over = 0;

    mcpz_blob_keeper_want(keeper(), &about, &from, NULL);
    for (size_t minute = 0; minute < 60; minute++) {
        fake_blobs_turn();
        for (; over < fake_ask_count; over++) {
            fake_fellow_sends(over, 200, mcpz_bytes(NULL, 0));
            fake_blobs_turn();
        }
        keeper()->scan_us = MCPZ_TIME_NEVER;
        fake_blobs_tick(MCPZ_SECONDS(60));
    }
    CHECK_UINT(keeper()->counts.fetches_failed, MCPZ_BLOB_WANT_TRIES);
    CHECK_UINT(keeper()->counts.wants_given_up, 1);
    uint64_t here = 0;
    uint64_t elsewhere = 0;
    mcpz_blob_keeper_missing(keeper(), &here, &elsewhere);
    CHECK_UINT(here, 0);
    fake_blobs_end();
}

TEST(what_is_taken_back_while_it_is_fetched_is_not_asked_for_on)
{
    const struct mcpz_blob_about about = begin_lacking();

    fake_blob_unbook(&about);
    for (size_t i = 0; i < fake_ask_count; i++) {
        fake_fellow_fails(i, MCPZ_CODE_TIMEOUT);
        fake_blobs_turn();
    }
    const size_t asked = fake_ask_count;
    fake_blobs_tick(MCPZ_BLOB_RETRY_US);
    CHECK_UINT(fake_ask_count, asked);
    CHECK_UINT(keeper()->counts.wants_given_up, 1);
    fake_blobs_end();
}

static struct mcpz_blob_keeper_left left_now(void)
{
    struct mcpz_blob_keeper_left left;

    mcpz_blob_keeper_left(keeper(), &left);
    return left;
}

/* What failed before: what there was no room for waited ten minutes. */
TEST(what_there_is_no_room_for_is_gone_on_with_when_there_is)
{
    fake_blobs_begin();
    const struct mcpz_blob_about about = about_kept(true);
    for (size_t i = 0; i < MCPZ_BLOB_WANTS_MAX; i++) {
        keeper()->wants[i] =
            (struct mcpz_blob_want){.used = true, .try_us = MCPZ_TIME_NEVER, .about.root = {{1}}};
    }

    fake_blob_book(&about, put);
    fake_blobs_turn();
    fake_blobs_tick(MCPZ_SECONDS(1));
    CHECK_UINT(count_questions("/chunks"), 0);
    CHECK(keeper()->is_walking);
    keeper()->wants[5].used = false;
    fake_blobs_tick(MCPZ_SECONDS(1));
    CHECK_UINT(count_questions("/chunks"), 1);
    /* One that nobody has had for a while gives way. */
    fake_fellow_fails(0, MCPZ_CODE_TIMEOUT);
    keeper()->wants[7].failed = MCPZ_BLOB_WANT_PATIENCE;
    const struct mcpz_blob_about other = fake_blob_about(200);
    mcpz_blob_keeper_want(keeper(), &other, NULL, NULL);
    CHECK_UINT(keeper()->wants[7].about.root.bytes[0], 200);
    CHECK_UINT(keeper()->counts.fetches_put_off, 1);
    fake_blobs_end();
}

TEST(blobs_are_listed_on_when_more_can_be_placed)
{
    fake_blobs_begin();
    const struct mcpz_blob_about about = about_kept(false);
    (void)fake_blob_add(&about.root, (struct mcpz_blob_state){.is_whole = true, .is_copy = true});
    for (size_t i = 0; i < MCPZ_BLOB_PLACES_MAX; i++) {
        keeper()->places[i] = (struct mcpz_blob_place){.used = true,
                                                       .ref = MCPZ_BLOB_REF_PUT,
                                                       .ask_us = MCPZ_TIME_NEVER,
                                                       .came_us = MCPZ_SECONDS(3600)};
    }

    fake_blobs_turn();
    fake_blobs_tick(MCPZ_SECONDS(1));
    CHECK(keeper()->is_listing);
    CHECK_UINT(left_now().to_hand_over, 0);
    keeper()->places[3].used = false;
    fake_blobs_tick(MCPZ_SECONDS(1));
    CHECK_UINT(left_now().to_hand_over, 1);
    CHECK(!keeper()->is_listing);
    for (size_t i = 0; i < fake_ask_count; i++) {
        fake_fellow_fails(i, MCPZ_CODE_TIMEOUT);
    }
    fake_blobs_end();
}

TEST(after_a_change_it_is_known_when_all_was_gone_through)
{
    static const struct mcpz_fact changed = {.kind = MCPZ_FACT_LAYOUT_SETTLED};

    fake_blobs_begin();
    const struct mcpz_blob_about about = about_kept(true);
    fake_blobs_turn();
    CHECK(!left_now().is_looking);
    CHECK(!mcpz_blob_keeper_hear(keeper(), &changed, world.now_us, 0));
    CHECK(left_now().is_looking);
    fake_blob_book(&about, put);
    fake_blobs_tick(MCPZ_BLOB_SCAN_SOON_US);
    CHECK(!left_now().is_looking);
    CHECK_UINT(left_now().to_fetch, 1);
    struct mcpz_exchange *exchange = fake_ask(MCPZ_GET, "/v1/layout", NULL);
    fake_turn();
    CHECK(strstr(fake_text(exchange), "\"to_fetch\":1,\"to_hand_over\":0,\"looking\":false") !=
          NULL);
    mcpz_api_close(exchange);
    fake_blobs_end();
}

/* One that came from another mesh has no data under its old name: none is wanted. */
TEST(one_that_stands_for_another_is_not_fetched)
{
    static const struct mcpz_id ours = {{99, 1}};

    fake_blobs_begin();
    const struct mcpz_blob_about about = about_kept(true);
    fake_blob_alias(&about, &ours, put);
    keeper()->scan_us = 0;
    fake_blobs_turn();
    fake_blobs_tick(MCPZ_SECONDS(1));
    CHECK_UINT(count_questions("/chunks"), 0);
    CHECK_UINT(keeper()->counts.fetches_failed, 0);
    CHECK_UINT(world.engine.event_count, 0); /* as long as somebody needs it */
    fake_blobs_end();
}

TEST(one_that_nobody_needs_stands_for_nothing_any_more)
{
    static const struct mcpz_id ours = {{99, 1}};
    struct mcpz_id document;

    fake_blobs_begin();
    const struct mcpz_blob_about about = about_kept(true);
    fake_blob_alias(&about, &ours, nobody);
    keeper()->scan_us = 0;
    fake_blobs_turn();
    CHECK(world.engine.event_count >= 1);
    const struct mcpz_event_agent *agent = &world.engine.events[0].agent;
    mcpz_blob_book_id(&about.root, &document);
    CHECK_UINT(agent->op, MCPZ_AGENT_REMOVE);
    CHECK(mcpz_id_equal(&agent->document, &document));
    fake_blobs_end();
}

TEST_MAIN(RUN(what_is_put_is_held_and_that_is_written_down),
          RUN(what_is_put_is_placed_until_all_have_it),
          RUN(who_is_silent_is_asked_again_and_counts_for_nothing),
          RUN(one_that_is_taken_back_is_placed_no_more),
          RUN(what_is_removed_elsewhere_is_not_put_anew_by_a_list_of_before),
          RUN(what_cannot_be_let_go_of_is_tried_again_and_placed_no_more),
          RUN(what_was_written_and_removed_before_the_next_look_is_not_put_anew),
          RUN(what_is_lacking_is_fetched_chunk_by_chunk), RUN(small_ones_are_fetched_together),
          RUN(one_that_cannot_be_fetched_holds_up_none_of_the_others),
          RUN(one_that_has_nothing_or_rubbish_or_is_silent_is_followed_by_the_next),
          RUN(a_full_disk_is_tried_again), RUN(no_more_is_copied_than_a_second_may_have),
          RUN(what_nobody_needs_is_let_go_of),
          RUN(what_agents_may_name_that_have_to_be_set_aside_is_kept_so_long),
          RUN(what_is_needed_and_here_is_held), RUN(a_new_owner_has_it_before_the_old_one_lets_go),
          RUN(one_that_its_owner_knows_not_to_be_needed_goes),
          RUN(one_of_which_something_is_lacking_goes_when_its_owner_has_it),
          RUN(with_a_layout_an_owner_writes_down_that_it_was_put),
          RUN(after_a_restart_it_is_placed_for_what_it_was_put_for),
          RUN(what_is_removed_while_a_node_is_away_is_not_put_anew),
          RUN(a_slow_owner_is_asked_no_more_for_what_another_knows_to_be_taken_back),
          RUN(one_that_has_not_heard_of_it_takes_nothing_back),
          RUN(a_copy_of_others_goes_when_all_of_them_know_that_nobody_needs_it),
          RUN(what_is_put_again_is_held_for_that),
          RUN(owners_that_do_not_come_on_are_asked_seldom_and_give_way),
          RUN(what_nobody_has_and_nothing_says_is_needed_is_not_asked_for_for_ever),
          RUN(what_is_taken_back_while_it_is_fetched_is_not_asked_for_on),
          RUN(what_there_is_no_room_for_is_gone_on_with_when_there_is),
          RUN(blobs_are_listed_on_when_more_can_be_placed),
          RUN(after_a_change_it_is_known_when_all_was_gone_through),
          RUN(one_that_stands_for_another_is_not_fetched),
          RUN(one_that_nobody_needs_stands_for_nothing_any_more))
