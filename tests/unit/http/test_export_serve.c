/* What a node tells one that exports: ids and documents, a page at a time. */

#include <endian.h>

#include "core/crdt/naming.h"
#include "fake_agents.h"
#include "fake_blobs.h"
#include "http/exchange.h"
#include "http/export_serve.h"
#include "wire/value.h"

static const struct mcpz_actor alice = {.node = {.bytes = {'a'}}, .generation = 1};

static void begin(void)
{
    fake_begin();
}

/* The page that is answered to a question. Close it with mcpz_api_close(). */
static struct mcpz_exchange *ask(const char *question)
{
    struct mcpz_exchange *exchange = NULL;
    struct mcpz_body body;

    mcpz_body_init(&body, "/tmp");
    mcpz_body_text(&body, question);
    const struct mcpz_request request = {
        .method = MCPZ_POST, .path = mcpz_text(MCPZ_EXPORT_SERVE_PATH), .body = &body};
    CHECK_UINT(mcpz_api_open(world.api, NULL, &exchange), MCPZ_OK);
    mcpz_export_serve(exchange, &request);
    mcpz_body_finish(&body);
    fake_turn();
    return exchange;
}

static struct mcpz_bytes page_of(const struct mcpz_exchange *exchange)
{
    CHECK_UINT(fake_status(exchange), 200);
    return mcpz_body_in_memory(&mcpz_api_response(exchange)->body);
}

static uint32_t number_at(struct mcpz_bytes page, size_t at)
{
    uint32_t number;

    CHECK(at + sizeof(number) <= page.length);
    memcpy(&number, page.data + at, sizeof(number));
    return be32toh(number);
}

static uint64_t state_of(struct mcpz_bytes page)
{
    return (uint64_t)number_at(page, 8) << 32 | number_at(page, 12);
}

/* How many messages, and how many names, are on a page of documents. */
static void count_items(struct mcpz_bytes page, size_t *messages, size_t *names)
{
    *messages = 0;
    *names = 0;
    for (size_t at = MCPZ_EXPORT_PAGE_HEAD_BYTES; at < page.length;) {
        const uint32_t said = number_at(page, at);
        *messages += (said & MCPZ_EXPORT_NAME) == 0 ? 1 : 0;
        *names += (said & MCPZ_EXPORT_NAME) != 0 ? 1 : 0;
        CHECK((said & MCPZ_EXPORT_NAME) == 0 || *messages == 0); /* ahead of them */
        at += 4 + (said & ~MCPZ_EXPORT_NAME);
        CHECK(at <= page.length);
    }
}

static const char *question_for(const struct mcpz_id *documents, size_t count, uint32_t skip,
                                uint64_t state)
{
    static char text[1024];
    size_t used = (size_t)snprintf(text, sizeof(text), "{\"documents\":[");

    for (size_t i = 0; i < count; i++) {
        char id[MCPZ_ID_TEXT_BYTES];
        mcpz_id_to_text(&documents[i], 'd', id);
        used +=
            (size_t)snprintf(text + used, sizeof(text) - used, "%s\"%s\"", i > 0 ? "," : "", id);
    }
    (void)snprintf(text + used, sizeof(text) - used, "],\"skip\":%u,\"state\":\"%016llx\"}", skip,
                   (unsigned long long)state);
    return text;
}

static void put_agent(const char *name, struct mcpz_id *document, uint64_t count)
{
    const struct mcpz_version version = {.actor = alice, .seq = count};

    fake_put_document(name, document, &version, 1);
    for (uint64_t i = 1; i <= count; i++) {
        fake_put_delta(document, &alice, i, i);
    }
}

TEST(ids_are_told_in_their_order_and_none_of_what_is_no_agent)
{
    struct mcpz_id documents[3];
    struct mcpz_id others;
    struct mcpz_id after;
    char question[128];
    char text[MCPZ_ID_TEXT_BYTES];

    begin();
    put_agent("x", &documents[0], 1);
    put_agent("y", &documents[1], 1);
    fake_put_document_of("acme", "z", &documents[2], NULL, 0);
    fake_put_document_of(MCPZ_TENANT_SYSTEM, "rules", &others, NULL, 0);
    const struct mcpz_blob_about about = {.root = {{1}}, .tenant = "acme", .size = 5};
    mcpz_blob_book_id(&about.root, &others);
    const struct mcpz_record record = {.kind = MCPZ_RECORD_DOCUMENT, .document = {.id = others}};
    world.engine.store.put(world.engine.store.context, &record);

    struct mcpz_exchange *exchange = ask("{}");
    struct mcpz_bytes page = page_of(exchange);
    CHECK_UINT(page.length, 1 + 3 * MCPZ_ID_BYTES);
    CHECK_UINT(page.data[0], 1); /* those are all */
    for (size_t i = 0; i + 1 < 3; i++) {
        CHECK(memcmp(page.data + 1 + i * MCPZ_ID_BYTES, page.data + 1 + (i + 1) * MCPZ_ID_BYTES,
                     MCPZ_ID_BYTES) < 0);
    }
    memcpy(after.bytes, page.data + 1 + MCPZ_ID_BYTES, MCPZ_ID_BYTES);
    mcpz_api_close(exchange);

    mcpz_id_to_text(&after, 'd', text); /* behind the second there is one */
    (void)snprintf(question, sizeof(question), "{\"after\":\"%s\"}", text);
    exchange = ask(question);
    CHECK_UINT(page_of(exchange).length, 1 + MCPZ_ID_BYTES);
    mcpz_api_close(exchange);
    exchange = ask("{\"tenant\":\"acme\"}");
    page = page_of(exchange);
    CHECK_UINT(page.length, 1 + MCPZ_ID_BYTES);
    CHECK(memcmp(page.data + 1, documents[2].bytes, MCPZ_ID_BYTES) == 0);
    mcpz_api_close(exchange);
    exchange = ask("{\"tenant\":\"default\"}");
    CHECK_UINT(page_of(exchange).length, 1 + 2 * MCPZ_ID_BYTES);
    mcpz_api_close(exchange);
    fake_end();
}

TEST(more_ids_than_a_page_holds_go_on_behind_it)
{
    char question[128];
    struct mcpz_id id;
    struct mcpz_id last;
    char text[MCPZ_ID_TEXT_BYTES];

    begin();
    for (int i = 0; i < MCPZ_EXPORT_IDS_MAX + 1; i++) {
        (void)snprintf(text, sizeof(text), "agent-%d", i);
        fake_put_document(text, &id, NULL, 0);
    }
    struct mcpz_exchange *exchange = ask("{}");
    struct mcpz_bytes page = page_of(exchange);
    CHECK_UINT(page.length, 1 + MCPZ_EXPORT_IDS_MAX * MCPZ_ID_BYTES);
    CHECK_UINT(page.data[0], 0);
    memcpy(last.bytes, page.data + page.length - MCPZ_ID_BYTES, MCPZ_ID_BYTES);
    mcpz_api_close(exchange);
    mcpz_id_to_text(&last, 'd', text);
    (void)snprintf(question, sizeof(question), "{\"after\":\"%s\"}", text);
    exchange = ask(question);
    page = page_of(exchange);
    CHECK_UINT(page.length, 1 + MCPZ_ID_BYTES);
    CHECK_UINT(page.data[0], 1);
    mcpz_api_close(exchange);
    fake_end();
}

TEST(documents_are_told_whole_and_in_the_order_asked_for)
{
    struct mcpz_id documents[2];
    size_t messages;
    size_t names;

    begin();
    put_agent("x", &documents[0], 3);
    put_agent("y", &documents[1], 2);
    struct mcpz_exchange *exchange = ask(question_for(documents, 2, 0, 0));
    const struct mcpz_bytes page = page_of(exchange);
    CHECK_UINT(number_at(page, 0), 2); /* both are whole */
    CHECK_UINT(number_at(page, 4), 0);
    CHECK_UINT(page.data[16], 0);
    count_items(page, &messages, &names);
    CHECK(messages >= 5 + 1 && names == 0); /* and who wrote them */
    mcpz_api_close(exchange);
    fake_end();
}

TEST(one_that_is_gone_is_said_to_be_behind_those_before_it)
{
    struct mcpz_id documents[2] = {{{0}}, {{7, 7}}};

    begin();
    put_agent("x", &documents[0], 1);
    struct mcpz_exchange *exchange = ask(question_for(documents, 2, 0, 0));
    const struct mcpz_bytes page = page_of(exchange);
    CHECK_UINT(number_at(page, 0), 1);
    CHECK_UINT(page.data[16], 1);
    mcpz_api_close(exchange);
    fake_end();
}

TEST(what_was_said_is_left_out_unless_the_document_has_changed)
{
    struct mcpz_id document;
    size_t all;
    size_t rest;
    size_t names;

    begin();
    put_agent("x", &document, 5);
    struct mcpz_exchange *exchange = ask(question_for(&document, 1, 0, 0));
    count_items(page_of(exchange), &all, &names);
    const uint64_t as_it_was = state_of(page_of(exchange));
    mcpz_api_close(exchange);
    exchange = ask(question_for(&document, 1, 2, as_it_was));
    count_items(page_of(exchange), &rest, &names);
    CHECK_UINT(rest, all - 2);
    mcpz_api_close(exchange);
    exchange = ask(question_for(&document, 1, 2, as_it_was ^ 1));
    count_items(page_of(exchange), &rest, &names);
    CHECK_UINT(rest, all);
    mcpz_api_close(exchange);
    fake_end();
}

TEST(blobs_are_named_ahead_of_the_document_and_once)
{
    static const struct mcpz_id document = {{7, 7}};
    const struct mcpz_blob_about about = fake_blob_about(1);
    struct mcpz_blob_ref named;
    size_t messages;
    size_t names;

    begin();
    fake_blob_named(&document, &about);
    struct mcpz_exchange *exchange = ask(question_for(&document, 1, 0, 0));
    const struct mcpz_bytes page = page_of(exchange);
    count_items(page, &messages, &names);
    CHECK_UINT(names, 1);
    CHECK(mcpz_value_read_blob(
        mcpz_bytes(page.data + MCPZ_EXPORT_PAGE_HEAD_BYTES + 4,
                   number_at(page, MCPZ_EXPORT_PAGE_HEAD_BYTES) & ~MCPZ_EXPORT_NAME),
        &named));
    CHECK(mcpz_id_equal(&named.root, &about.root));
    const uint64_t as_it_was = state_of(page);
    mcpz_api_close(exchange);
    exchange = ask(question_for(&document, 1, 1, as_it_was)); /* it was begun on the page before */
    count_items(page_of(exchange), &messages, &names);
    CHECK_UINT(names, 0);
    mcpz_api_close(exchange);
    fake_end();
}

TEST(what_is_no_question_is_refused)
{
    static const char *const questions[] = {
        "",
        "[",
        "{\"documents\":[\"d-none\"]}",
        "{\"after\":\"x\"}",
        "{\"after\":7}",
        "{\"documents\":[7]}",
        "{\"skip\":-1,\"documents\":[]}",
    };

    begin();
    for (size_t i = 0; i < MCPZ_ARRAY_LEN(questions); i++) {
        struct mcpz_exchange *exchange = ask(questions[i]);
        CHECK_UINT(fake_status(exchange), 400);
        mcpz_api_close(exchange);
    }
    json_t *asked = json_pack("{s:[]}", "documents");
    for (int i = 0; i <= MCPZ_EXPORT_DOCUMENTS_MAX; i++) {
        const struct mcpz_id id = {{(uint8_t)i}};
        (void)json_array_append_new(json_object_get(asked, "documents"),
                                    mcpz_exchange_show_id(&id, 'd'));
    }
    char *text = json_dumps(asked, JSON_COMPACT);
    struct mcpz_exchange *exchange = ask(text); /* one too many */
    CHECK_UINT(fake_status(exchange), 400);
    mcpz_api_close(exchange);
    free(text);
    json_decref(asked);
    fake_end();
}

TEST_MAIN(RUN(ids_are_told_in_their_order_and_none_of_what_is_no_agent),
          RUN(more_ids_than_a_page_holds_go_on_behind_it),
          RUN(documents_are_told_whole_and_in_the_order_asked_for),
          RUN(one_that_is_gone_is_said_to_be_behind_those_before_it),
          RUN(what_was_said_is_left_out_unless_the_document_has_changed),
          RUN(blobs_are_named_ahead_of_the_document_and_once), RUN(what_is_no_question_is_refused))
