/* The ring of events, and the route that lets it be followed. */

#include "core/event.h"
#include "core/fact.h"
#include "fake_engine.h"
#include "http/events.h"

#define FIRST 1000
#define WALL_MS UINT64_C(1800000000123)

static struct mcpz_events ring;
static struct mcpz_events_reader reader;
static struct mcpz_events_item item;

static const struct mcpz_fact dead = {.kind = MCPZ_FACT_DEAD, .about = {{'p'}}, .incarnation = 7};

static void note(enum mcpz_fact_kind kind)
{
    const struct mcpz_fact fact = {.kind = kind, .about = {{'p'}}, .incarnation = 7};
    CHECK(mcpz_events_note(&ring, WALL_MS, &fact));
}

static void note_many(size_t count)
{
    for (size_t i = 0; i < count; i++) {
        note(MCPZ_FACT_LINKED);
    }
}

static void begin(uint64_t since, uint32_t kinds)
{
    mcpz_events_reader_init(&reader, &ring, since, kinds);
}

static void reads_event(uint64_t seq)
{
    CHECK_UINT(mcpz_events_read(&reader, &ring, &item), MCPZ_EVENTS_EVENT);
    CHECK_UINT(item.seq, seq);
    CHECK_UINT(item.event->seq, seq);
}

static void reads_lost(uint64_t count, uint64_t seq, const char *reason)
{
    CHECK_UINT(mcpz_events_read(&reader, &ring, &item), MCPZ_EVENTS_LOST);
    CHECK_UINT(item.lost, count);
    CHECK_UINT(item.seq, seq);
    CHECK_TEXT(item.reason, reason);
}

static void reads_nothing(void)
{
    CHECK_UINT(mcpz_events_read(&reader, &ring, &item), MCPZ_EVENTS_NOTHING);
}

/* ---- The ring ----------------------------------------------------------------------------- */

TEST(keeps_what_people_care_about_and_nothing_else)
{
    mcpz_events_init(&ring, FIRST);
    for (uint32_t kind = MCPZ_FACT_LINKED; kind < MCPZ_FACT_KIND_END; kind++) {
        const struct mcpz_fact fact = {.kind = (enum mcpz_fact_kind)kind};
        bool is_not = kind == MCPZ_FACT_CALL_FAILED || kind == MCPZ_FACT_AGENT_MERGED ||
                      (kind >= MCPZ_FACT_GOSSIP_DELIVERED && /* what machines tell each other */
                       kind != MCPZ_FACT_LAYOUT && kind != MCPZ_FACT_LAYOUT_SETTLED &&
                       kind != MCPZ_FACT_AGENT_FORKED && kind != MCPZ_FACT_AGENT_FOLDED &&
                       kind != MCPZ_FACT_STORE_REPAIRED && kind != MCPZ_FACT_SNAPSHOT_FAILED &&
                       kind != MCPZ_FACT_REVOKED);
        CHECK(mcpz_events_note(&ring, WALL_MS, &fact) == !is_not);
    }
    CHECK_UINT(ring.next, FIRST + 17);
}

TEST(says_what_it_was_told)
{
    const struct mcpz_fact alive = {.kind = MCPZ_FACT_ALIVE,
                                    .about = {{'p'}},
                                    .incarnation = 3,
                                    .detail = mcpz_text("attic:8765")};
    const struct mcpz_fact unlinked = {.kind = MCPZ_FACT_UNLINKED,
                                       .about = {{'q'}},
                                       .incarnation = 9,
                                       .reason = MCPZ_DOWN_SILENT,
                                       .detail = mcpz_text("not an address")};

    mcpz_events_init(&ring, FIRST);
    CHECK(mcpz_events_note(&ring, WALL_MS, &alive));
    CHECK(mcpz_events_note(&ring, WALL_MS + 1, &unlinked));
    begin(0, mcpz_events_all_kinds());
    reads_event(FIRST);
    CHECK_UINT(item.event->kind, MCPZ_FACT_ALIVE);
    CHECK_UINT(item.event->incarnation, 3);
    CHECK_UINT(item.event->wall_ms, WALL_MS);
    CHECK_UINT(item.event->node.bytes[0], 'p');
    CHECK_TEXT(item.event->address, "attic:8765");
    CHECK(mcpz_events_reason(item.event) == NULL);
    reads_event(FIRST + 1);
    CHECK_UINT(item.event->incarnation, 0);
    CHECK_TEXT(item.event->address, "");
    CHECK_TEXT(mcpz_events_reason(item.event), "silent");
    reads_nothing();
}

TEST(every_reason_has_a_word_of_its_own_and_no_other_has)
{
    struct mcpz_kept_event event = {.kind = MCPZ_FACT_UNLINKED};

    for (uint32_t reason = MCPZ_DOWN_CLOSED; reason <= MCPZ_DOWN_FULL; reason++) {
        event.reason = reason;
        CHECK(mcpz_events_reason(&event) != NULL);
    }
    event.reason = 0;
    CHECK(mcpz_events_reason(&event) == NULL);
    event.reason = 4000;
    CHECK(mcpz_events_reason(&event) == NULL);
    event.kind = MCPZ_FACT_NEIGHBOUR_DOWN;
    CHECK(mcpz_events_reason(&event) == NULL);
    event.reason = MCPZ_NEIGHBOUR_EVICTED;
    CHECK_TEXT(mcpz_events_reason(&event), "evicted");
}

TEST(keeps_exactly_as_many_as_it_says)
{
    mcpz_events_init(&ring, FIRST);
    note_many(MCPZ_EVENTS_KEPT);
    begin(0, mcpz_events_all_kinds());
    reads_event(FIRST);
    note_many(1);
    begin(0, mcpz_events_all_kinds());
    reads_event(FIRST + 1);
    for (uint64_t seq = FIRST + 2; seq <= FIRST + MCPZ_EVENTS_KEPT; seq++) {
        reads_event(seq);
    }
    reads_nothing();
}

TEST(goes_on_after_the_event_it_is_told)
{
    mcpz_events_init(&ring, FIRST);
    note_many(3);
    begin(FIRST, mcpz_events_all_kinds());
    reads_event(FIRST + 1);
    begin(FIRST + 2, mcpz_events_all_kinds());
    reads_nothing();
    note_many(1);
    reads_event(FIRST + 3);
    begin(FIRST - 1, mcpz_events_all_kinds());
    reads_event(FIRST);
}

TEST(who_reads_too_slowly_is_told_how_many_it_has_missed)
{
    mcpz_events_init(&ring, FIRST);
    note_many(1);
    begin(0, mcpz_events_all_kinds());
    note_many(MCPZ_EVENTS_KEPT - 1);
    note_many(5);
    reads_lost(5, FIRST + 4, "not_kept");
    reads_event(FIRST + 5);

    /* To go on after what the loss was numbered with is to miss nothing more. */
    begin(FIRST + 4, mcpz_events_all_kinds());
    reads_event(FIRST + 5);
    begin(FIRST + 1, mcpz_events_all_kinds());
    reads_lost(3, FIRST + 4, "not_kept");
    begin(0, mcpz_events_all_kinds());
    reads_event(FIRST + 5);
}

TEST(a_place_of_another_life_is_known_for_one)
{
    static const uint64_t places[] = {1, FIRST - 2, FIRST + 3, UINT64_MAX};

    mcpz_events_init(&ring, FIRST);
    note_many(3);
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        begin(places[i], mcpz_events_all_kinds());
        reads_lost(0, FIRST - 1, "restarted");
        reads_event(FIRST);
    }
    note_many(MCPZ_EVENTS_KEPT);
    begin(1, mcpz_events_all_kinds());
    reads_lost(3, FIRST + 2, "restarted");
    reads_event(FIRST + 3);
}

TEST(what_is_not_asked_for_is_passed_over)
{
    mcpz_events_init(&ring, FIRST);
    note(MCPZ_FACT_ALIVE);
    note(MCPZ_FACT_SUSPECT);
    note(MCPZ_FACT_LINKED);
    note(MCPZ_FACT_DEAD);
    begin(0, 1U << MCPZ_FACT_SUSPECT | 1U << MCPZ_FACT_DEAD);
    reads_event(FIRST + 1);
    reads_event(FIRST + 3);
    reads_nothing();
}

TEST(kinds_are_read_as_words_with_commas)
{
    static const char *const wrong[] = {"",         ",",   "dead,",  ",dead",       "dead,,left",
                                        "Dead",     "dea", "deadly", "call_failed", "lost",
                                        "dead left"};
    uint32_t kinds = 99;

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        CHECK(!mcpz_events_read_kinds(mcpz_text(wrong[i]), &kinds));
    }
    CHECK_UINT(kinds, 99);
    CHECK(mcpz_events_read_kinds(mcpz_text("dead"), &kinds));
    CHECK_UINT(kinds, 1U << MCPZ_FACT_DEAD);
    CHECK(mcpz_events_read_kinds(mcpz_text("left,dead,left"), &kinds));
    CHECK_UINT(kinds, 1U << MCPZ_FACT_DEAD | 1U << MCPZ_FACT_LEFT);
}

/* ---- The route ---------------------------------------------------------------------------- */

static char pulled[65536 + 1];

static void tell(const struct mcpz_fact *fact)
{
    const struct mcpz_action action = {.kind = MCPZ_ACTION_FACT, .fact = *fact};

    mcpz_api_act(world.api, &action);
    fake_turn();
}

static const char *pull(struct mcpz_exchange *exchange, size_t capacity)
{
    size_t length = mcpz_api_pull(exchange, (uint8_t *)pulled, capacity);

    CHECK(length <= capacity);
    pulled[length] = '\0';
    return pulled;
}

static size_t count_in(const char *text, const char *part)
{
    size_t count = 0;

    for (; (text = strstr(text, part)) != NULL; text++) {
        count++;
    }
    return count;
}

TEST(what_is_kept_is_answered_and_ends)
{
    fake_begin();
    (void)fake_member('p', "attic");
    tell(&dead);
    struct mcpz_exchange *exchange = fake_ask(MCPZ_GET, "/v1/events?follow=0", NULL);
    CHECK_UINT(fake_status(exchange), 200);
    CHECK(!mcpz_api_response(exchange)->streams);
    CHECK_TEXT(mcpz_api_response(exchange)->content_type, "text/event-stream");
    CHECK_TEXT(fake_text(exchange),
               "id: 1800000000000\n"
               "event: dead\n"
               "data: {\"seq\":1800000000000,\"time\":\"2027-01-15T08:00:00.000Z\","
               "\"event\":\"dead\","
               "\"node\":\"n-oaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\","
               "\"name\":\"attic\",\"incarnation\":7}\n\n");
    mcpz_api_close(exchange);
    fake_end();
}

TEST(a_gap_is_an_event)
{
    fake_begin();
    tell(&dead);
    struct mcpz_exchange *exchange =
        fake_ask(MCPZ_GET, "/v1/events?follow=0&since=5&event=left", NULL);
    CHECK_TEXT(fake_text(exchange),
               "id: 1799999999999\n"
               "event: lost\n"
               "data: {\"seq\":1799999999999,\"time\":\"2027-01-15T08:00:00.000Z\","
               "\"event\":\"lost\",\"count\":0,\"reason\":\"restarted\"}\n\n");
    mcpz_api_close(exchange);
    fake_end();
}

TEST(questions_that_make_no_sense_are_bad_requests)
{
    static const char *const paths[] = {
        "/v1/events?follow=2",  "/v1/events?follow=",
        "/v1/events?since=",    "/v1/events?since=-1",
        "/v1/events?since=1x",  "/v1/events?since=9999999999999999999",
        "/v1/events?event=",    "/v1/events?event=dead,lost",
        "/v1/events?nothing=1", "/v1/events?follow=0&since=a",
    };

    fake_begin();
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        struct mcpz_exchange *exchange = fake_ask(MCPZ_GET, paths[i], NULL);
        CHECK_UINT(fake_status(exchange), 400);
        mcpz_api_close(exchange);
    }
    fake_end();
}

TEST(the_header_goes_before_the_url)
{
    struct mcpz_exchange *exchange = NULL;
    struct mcpz_request request = {.method = MCPZ_GET,
                                   .path = mcpz_text("/v1/events"),
                                   .query = mcpz_text("since=5"),
                                   .last_event = mcpz_text("1800000000000"),
                                   .access = MCPZ_ACCESS_ALL};

    fake_begin();
    tell(&dead);
    CHECK_UINT(mcpz_api_open(world.api, NULL, &exchange), MCPZ_OK);
    mcpz_api_ask(exchange, &request);
    CHECK_TEXT(pull(exchange, 65536), ": \n\n");
    mcpz_api_close(exchange);

    request.last_event = mcpz_text("seven");
    CHECK_UINT(mcpz_api_open(world.api, NULL, &exchange), MCPZ_OK);
    mcpz_api_ask(exchange, &request);
    CHECK_UINT(fake_status(exchange), 400);
    mcpz_api_close(exchange);
    fake_end();
}

TEST(a_stream_says_what_comes)
{
    fake_begin();
    struct mcpz_exchange *exchange = fake_ask(MCPZ_GET, "/v1/events?event=dead", NULL);
    CHECK_UINT(fake_status(exchange), 200);
    CHECK(mcpz_api_response(exchange)->streams);
    CHECK_TEXT(pull(exchange, 65536), ": \n\n");
    CHECK_TEXT(pull(exchange, 65536), "");

    size_t told = world.answer_count;
    tell(&dead);
    CHECK_UINT(world.answer_count, told + 1);
    CHECK(strncmp(pull(exchange, 65536), "id: 1800000000000\nevent: dead\ndata: {", 36) == 0);
    CHECK_TEXT(pull(exchange, 65536), "");

    tell(&(struct mcpz_fact){.kind = MCPZ_FACT_LINKED});
    CHECK_TEXT(pull(exchange, 65536), "");
    told = world.answer_count;
    tell(&(struct mcpz_fact){.kind = MCPZ_FACT_CALL_FAILED});
    CHECK_UINT(world.answer_count, told);
    mcpz_api_close(exchange);
    fake_end();
}

TEST(a_stream_with_nothing_to_say_says_so)
{
    fake_begin();
    struct mcpz_exchange *exchange = fake_ask(MCPZ_GET, "/v1/events", NULL);
    CHECK_TEXT(pull(exchange, 65536), ": \n\n");
    world.now_us = MCPZ_EVENTS_COMMENT_US - 1;
    size_t told = world.answer_count;
    mcpz_api_tick(world.api);
    CHECK_UINT(world.answer_count, told);
    world.now_us++;
    mcpz_api_tick(world.api);
    CHECK_UINT(world.answer_count, told + 1);

    /* Once, however long it is not read. */
    world.now_us += 10 * MCPZ_EVENTS_COMMENT_US;
    mcpz_api_tick(world.api);
    CHECK_UINT(world.answer_count, told + 1);
    CHECK_TEXT(pull(exchange, 65536), ": \n\n");
    CHECK_TEXT(pull(exchange, 65536), "");
    mcpz_api_close(exchange);
    fake_end();
}

TEST(a_stream_that_is_not_pulled_loses_what_it_has_not_read)
{
    size_t events = 0;

    fake_begin();
    struct mcpz_exchange *exchange = fake_ask(MCPZ_GET, "/v1/events", NULL);
    CHECK_TEXT(pull(exchange, 65536), ": \n\n");
    for (size_t i = 0; i < MCPZ_EVENTS_KEPT + 10; i++) {
        tell(&dead);
    }
    CHECK(strstr(pull(exchange, MCPZ_PULL_BYTES_MIN), "\"count\":10,\"reason\":\"not_kept\"") !=
          NULL);
    while (*pull(exchange, MCPZ_PULL_BYTES_MIN) != '\0') {
        events += count_in(pulled, "event: dead\n");
    }
    CHECK_UINT(events, MCPZ_EVENTS_KEPT);
    mcpz_api_close(exchange);
    fake_end();
}

TEST(streams_end_at_their_limit)
{
    struct mcpz_exchange *open[MCPZ_EVENT_STREAMS_MAX];

    fake_begin();
    for (size_t i = 0; i < MCPZ_EVENT_STREAMS_MAX; i++) {
        open[i] = fake_ask(MCPZ_GET, "/v1/events", NULL);
        CHECK_UINT(fake_status(open[i]), 200);
    }
    struct mcpz_exchange *further = fake_ask(MCPZ_GET, "/v1/events", NULL);
    CHECK_UINT(fake_status(further), 429);
    mcpz_api_close(further);
    further = fake_ask(MCPZ_GET, "/v1/events?follow=0", NULL);
    CHECK_UINT(fake_status(further), 200);
    mcpz_api_close(further);
    mcpz_api_close(open[3]);
    open[3] = fake_ask(MCPZ_GET, "/v1/events", NULL);
    CHECK_UINT(fake_status(open[3]), 200);
    for (size_t i = 0; i < MCPZ_EVENT_STREAMS_MAX; i++) {
        mcpz_api_close(open[i]);
    }
    fake_end();
}

TEST(the_longest_texts_fit)
{
    static char address[MCPZ_ADDRESS_BYTES_MAX + 1];
    static char name[MCPZ_NAME_BYTES_MAX + 1];

    fake_begin();
    memset(address, 1, MCPZ_ADDRESS_BYTES_MAX);
    memset(name, 1, MCPZ_NAME_BYTES_MAX);
    (void)fake_member('p', name);
    tell(&(struct mcpz_fact){.kind = MCPZ_FACT_ALIVE,
                             .about = {{'p'}},
                             .incarnation = INT64_MAX,
                             .detail = mcpz_text(address)});
    struct mcpz_exchange *exchange = fake_ask(MCPZ_GET, "/v1/events", NULL);
    CHECK_UINT(count_in(pull(exchange, MCPZ_PULL_BYTES_MIN), "\\u0001"),
               MCPZ_ADDRESS_BYTES_MAX + MCPZ_NAME_BYTES_MAX);
    mcpz_api_close(exchange);
    fake_end();
}

TEST_MAIN(RUN(keeps_what_people_care_about_and_nothing_else), RUN(says_what_it_was_told),
          RUN(every_reason_has_a_word_of_its_own_and_no_other_has),
          RUN(keeps_exactly_as_many_as_it_says), RUN(goes_on_after_the_event_it_is_told),
          RUN(who_reads_too_slowly_is_told_how_many_it_has_missed),
          RUN(a_place_of_another_life_is_known_for_one), RUN(what_is_not_asked_for_is_passed_over),
          RUN(kinds_are_read_as_words_with_commas), RUN(what_is_kept_is_answered_and_ends),
          RUN(a_gap_is_an_event), RUN(questions_that_make_no_sense_are_bad_requests),
          RUN(the_header_goes_before_the_url), RUN(a_stream_says_what_comes),
          RUN(a_stream_with_nothing_to_say_says_so),
          RUN(a_stream_that_is_not_pulled_loses_what_it_has_not_read),
          RUN(streams_end_at_their_limit), RUN(the_longest_texts_fit))
