/* Agents that other nodes keep, on their way into a file: whom is asked, what is taken, and what
 * is told of what could not be had. */

#include <endian.h>

#include "fake_fellows.h"
#include "fake_layout.h"
#include "http/agent_owners.h"
#include "http/exchange.h"
#include "http/export_elsewhere.h"
#include "http/export_serve.h"

#define PAGE_BYTES_MAX 4096

static struct mcpz_exchange *exchange;
static struct mcpz_elsewhere *elsewhere;
static enum mcpz_elsewhere_step step;
static struct mcpz_snapshot_writer writer;
static struct mcpz_snapshot_reader reader;
static struct mcpz_body file;
static uint8_t named[4]; /* first bytes of the blobs that were named */
static size_t named_count;

/* Work until there is something to wait for, or it is over. */
static void work(struct mcpz_exchange *self)
{
    struct mcpz_blob_ref ref;

    (void)self;
    do {
        step = mcpz_elsewhere_work(elsewhere, &writer);
        if (step == MCPZ_ELSEWHERE_NAMES) {
            mcpz_elsewhere_named(elsewhere, &ref);
            CHECK(named_count < sizeof(named));
            named[named_count++] = ref.root.bytes[0];
        }
    } while (step == MCPZ_ELSEWHERE_GOES_ON || step == MCPZ_ELSEWHERE_NAMES);
}

static const struct mcpz_exchange_kind kind = {.work = work};

static void begin(const struct mcpz_id *document)
{
    fake_fellows_begin();
    fake_begin();
    fake_layout_begin();
    (void)fake_member('b', "B");
    (void)fake_member('c', "C");
    named_count = 0;
    mcpz_body_init(&file, "/tmp");
    mcpz_snapshot_begin(&writer, &file);
    CHECK_UINT(mcpz_api_open(world.api, NULL, &exchange), MCPZ_OK);
    exchange->agents.is_all = true;
    mcpz_exchange_wait(exchange, &kind, NULL);
    elsewhere = mcpz_elsewhere_create(exchange, document);
    CHECK(elsewhere != NULL);
    mcpz_exchange_again(exchange);
    fake_turn();
}

static void end(void)
{
    mcpz_elsewhere_destroy(elsewhere);
    mcpz_api_close(exchange);
    mcpz_snapshot_drop(&writer);
    mcpz_body_finish(&file);
    fake_layout_end();
    fake_end();
    fake_fellows_end();
}

/* The `index`-th document, in their order, that `node` keeps. */
static struct mcpz_id document_of(char node, uint8_t index)
{
    for (uint16_t number = 1;; number++) {
        struct mcpz_id id = {{(uint8_t)(number >> 8), (uint8_t)number, 0, [7] = 1}};
        struct mcpz_id readers[MCPZ_OWNERS_MAX];
        const size_t count = mcpz_layouts_readers(&world.engine.node.layouts, &id, readers);
        if (count == 1 && readers[0].bytes[0] == (uint8_t)node && index-- == 0) {
            return id;
        }
    }
}

/* ---- What nodes say ----------------------------------------------------------------------- */

static void say_ids(size_t index, bool ended, const struct mcpz_id *ids, size_t count)
{
    static uint8_t page[PAGE_BYTES_MAX];

    page[0] = ended;
    if (count > 0) {
        memcpy(page + 1, ids, count * MCPZ_ID_BYTES);
    }
    fake_fellow_sends(index, 200, mcpz_bytes(page, 1 + count * MCPZ_ID_BYTES));
}

static uint8_t pages[FAKE_ASKS_MAX / 16][PAGE_BYTES_MAX];
static size_t page_length;

static void put_number(uint8_t *at, uint32_t number)
{
    number = htobe32(number);
    memcpy(at, &number, sizeof(number));
}

/* A page of documents: `done` are whole, of the next one `said` messages were said by now. */
static uint8_t *begin_page(uint32_t done, uint32_t said, bool is_absent)
{
    static size_t next;
    uint8_t *page = pages[next++ % MCPZ_ARRAY_LEN(pages)];

    memset(page, 0, MCPZ_EXPORT_PAGE_HEAD_BYTES);
    put_number(page, done);
    put_number(page + 4, said);
    page[15] = said > 0; /* its state */
    page[16] = is_absent;
    page_length = MCPZ_EXPORT_PAGE_HEAD_BYTES;
    return page;
}

static void add_item(uint8_t *page, uint32_t flag, struct mcpz_bytes bytes)
{
    put_number(page + page_length, flag | (uint32_t)bytes.length);
    memcpy(page + page_length + 4, bytes.data, bytes.length);
    page_length += 4 + bytes.length;
}

static void send(size_t index, const uint8_t *page)
{
    fake_fellow_sends(index, 200, mcpz_bytes(page, page_length));
}

/* One whole document of one message. */
static void say_whole(size_t index, const char *message)
{
    uint8_t *page = begin_page(1, 0, false);

    add_item(page, 0, mcpz_text(message));
    send(index, page);
}

/* The messages that are in the file by now, which is ended. */
static void check_file(const char *const *messages)
{
    struct mcpz_bytes message;

    mcpz_snapshot_end(&writer);
    CHECK_UINT(mcpz_snapshot_open(&reader, &file, false), MCPZ_OK);
    for (; *messages != NULL; messages++) {
        CHECK_UINT(mcpz_snapshot_next(&reader, &message), MCPZ_OK);
        CHECK(mcpz_bytes_equal(message, mcpz_text(*messages)));
    }
    CHECK_UINT(mcpz_snapshot_next(&reader, &message), MCPZ_ENOTFOUND);
}

static bool is_missing(const struct mcpz_id *document)
{
    const uint32_t partition = (uint32_t)document->bytes[0] << 8 | document->bytes[1];

    for (size_t i = 0; i < writer.total.missing_count; i++) {
        if (partition >= writer.total.missing[i].first &&
            partition <= writer.total.missing[i].last) {
            return true;
        }
    }
    return false;
}

static void check_asked_for(size_t index, char node, const struct mcpz_id *document)
{
    char text[MCPZ_ID_TEXT_BYTES];

    CHECK(index < fake_ask_count);
    mcpz_id_to_text(document, 'd', text);
    CHECK_TEXT(fake_asks[index].path, MCPZ_EXPORT_SERVE_PATH);
    CHECK_UINT(fake_asks[index].node.bytes[0], (uint8_t)node);
    CHECK(strstr(fake_asks[index].body, text) != NULL);
}

/* ---- Tests -------------------------------------------------------------------------------- */

TEST(each_document_is_asked_of_one_that_has_it)
{
    static const char *const messages[] = {"of b", "of c", NULL};

    begin(NULL);
    const struct mcpz_id of_b = document_of('b', 0);
    const struct mcpz_id of_c = document_of('c', 0);
    const bool is_b_first = mcpz_id_compare(&of_b, &of_c) < 0;
    CHECK_UINT(fake_ask_count, 2); /* for ids, both at once */
    say_ids(0, true, &of_b, 1);
    CHECK_UINT(fake_ask_count, 2);
    say_ids(1, true, &of_c, 1);
    check_asked_for(2, is_b_first ? 'b' : 'c', is_b_first ? &of_b : &of_c);
    say_whole(2, is_b_first ? "of b" : "of c");
    check_asked_for(3, is_b_first ? 'c' : 'b', is_b_first ? &of_c : &of_b);
    say_whole(3, is_b_first ? "of c" : "of b");
    CHECK_UINT(step, MCPZ_ELSEWHERE_OVER);
    CHECK_UINT(writer.total.agents, 2);
    CHECK_UINT(writer.total.missing_count, 0);
    const char *const other_way[] = {"of c", "of b", NULL};
    check_file(is_b_first ? messages : other_way);
    end();
}

TEST(ids_come_page_by_page)
{
    begin(NULL);
    const struct mcpz_id first = document_of('b', 0);
    const struct mcpz_id second = document_of('b', 1);
    char text[MCPZ_ID_TEXT_BYTES];

    say_ids(1, true, NULL, 0); /* C has none */
    say_ids(0, false, &first, 1);
    check_asked_for(2, 'b', &first);
    say_whole(2, "one");
    mcpz_id_to_text(&first, 'd', text); /* what is behind that */
    CHECK(strstr(fake_asks[3].body, "after") != NULL && strstr(fake_asks[3].body, text) != NULL);
    say_ids(3, true, &second, 1);
    check_asked_for(4, 'b', &second);
    say_whole(4, "two");
    CHECK_UINT(step, MCPZ_ELSEWHERE_OVER);
    CHECK_UINT(writer.total.agents, 2);
    end();
}

TEST(a_long_document_goes_on_where_it_was)
{
    static const char *const messages[] = {"1", "2", "3", NULL};

    begin(NULL);
    const struct mcpz_id document = document_of('b', 0);
    say_ids(1, true, NULL, 0);
    say_ids(0, true, &document, 1);
    uint8_t *page = begin_page(0, 2, false);
    add_item(page, 0, mcpz_text("1"));
    add_item(page, 0, mcpz_text("2"));
    send(2, page);
    CHECK(strstr(fake_asks[3].body, "\"skip\":2") != NULL);
    CHECK(strstr(fake_asks[3].body, "\"state\":\"0000000000000001\"") != NULL);
    say_whole(3, "3");
    CHECK_UINT(step, MCPZ_ELSEWHERE_OVER);
    CHECK_UINT(writer.total.agents, 1);
    check_file(messages);
    end();
}

TEST(blobs_are_told_before_the_messages_behind_them)
{
    uint8_t value[128];
    const struct mcpz_blob_ref ref = {.root = {{9}}, .size = 5, .tenant = mcpz_text("acme")};
    struct mcpz_value_writer value_writer = mcpz_value_writer(value, sizeof(value));

    begin(NULL);
    const struct mcpz_id document = document_of('b', 0);
    mcpz_value_blob(&value_writer, &ref);
    say_ids(1, true, NULL, 0);
    say_ids(0, true, &document, 1);
    uint8_t *page = begin_page(1, 0, false);
    add_item(page, MCPZ_EXPORT_NAME, mcpz_bytes(value, value_writer.length));
    add_item(page, 0, mcpz_text("names it"));
    send(2, page);
    CHECK_UINT(step, MCPZ_ELSEWHERE_OVER);
    CHECK(named_count == 1 && named[0] == 9);
    CHECK_UINT(writer.total.messages, 1);
    end();
}

TEST(a_page_that_is_none_is_as_no_answer)
{
    const struct mcpz_id document = {{0, 1, [7] = 1}};
    uint8_t *page;

    for (int i = 0; i < 5; i++) {
        begin(NULL);
        say_ids(1, true, NULL, 0);
        say_ids(0, true, &document, 1);
        page = begin_page(i == 0 ? 2 : 1, 0, false); /* 0: more documents than were asked for */
        add_item(page, 0, mcpz_text("message"));
        if (i == 1) {
            put_number(page + MCPZ_EXPORT_PAGE_HEAD_BYTES, 8); /* longer than there is */
        } else if (i == 2) {
            add_item(page, MCPZ_EXPORT_NAME, mcpz_text("no name"));
        } else if (i == 3) {
            page_length = 3;
        } else if (i == 4) {
            page = begin_page(0, 0, false); /* and nothing in it */
        }
        send(2, page);
        CHECK_UINT(step, MCPZ_ELSEWHERE_OVER);
        CHECK_UINT(writer.total.messages, 0);
        CHECK(is_missing(&document));
        end();
    }
}

TEST(where_one_fails_another_that_has_it_is_asked)
{
    layout_copies = 2;
    begin(NULL);
    /* Kept by both of the others, as they say. */
    struct mcpz_id document = {{0}};
    for (uint16_t number = 1; document.bytes[7] == 0; number++) {
        const struct mcpz_id id = {{(uint8_t)(number >> 8), (uint8_t)number, 0, [7] = 1}};
        document = mcpz_agent_is_here(exchange, &id) ? document : id;
    }
    say_ids(0, true, &document, 1);
    say_ids(1, true, &document, 1);
    CHECK_UINT(fake_ask_count, 3);
    const char first = (char)fake_asks[2].node.bytes[0];
    fake_fellow_fails(2, MCPZ_CODE_TIMEOUT);
    check_asked_for(3, first == 'b' ? 'c' : 'b', &document);
    say_whole(3, "whole");
    CHECK_UINT(step, MCPZ_ELSEWHERE_OVER);
    CHECK_UINT(writer.total.agents, 1);
    CHECK(!is_missing(&document));
    layout_copies = 1;
    end();
}

TEST(who_says_that_it_is_gone_is_believed)
{
    begin(NULL);
    const struct mcpz_id document = document_of('b', 0);
    say_ids(1, true, NULL, 0);
    say_ids(0, true, &document, 1);
    send(2, begin_page(0, 0, true));
    CHECK_UINT(step, MCPZ_ELSEWHERE_OVER);
    CHECK_UINT(writer.total.agents, 0);
    CHECK(!is_missing(&document)); /* it was deleted meanwhile */
    end();
}

TEST(what_those_keep_who_do_not_answer_is_missing)
{
    begin(NULL);
    const struct mcpz_id of_b = document_of('b', 0);
    const struct mcpz_id of_c = document_of('c', 0);
    say_ids(0, true, NULL, 0);
    fake_fellow_fails(1, MCPZ_CODE_TIMEOUT);
    CHECK_UINT(step, MCPZ_ELSEWHERE_OVER);
    CHECK(is_missing(&of_c));
    CHECK(!is_missing(&of_b));
    end();
}

TEST(who_cannot_be_asked_at_all_is_passed_over)
{
    fake_fellows_begin();
    fake_begin();
    fake_end();
    begin(NULL);
    const struct mcpz_id of_b = document_of('b', 0);
    say_ids(0, false, &of_b, 1);
    fake_asks_at_once = 0;
    say_ids(1, true, NULL, 0);
    CHECK_UINT(step, MCPZ_ELSEWHERE_OVER);
    CHECK(is_missing(&of_b));
    end();
}

TEST(one_agent_is_asked_of_those_that_keep_it)
{
    struct mcpz_id document;

    begin(NULL);
    document = document_of('b', 0);
    say_ids(0, true, NULL, 0);
    say_ids(1, true, NULL, 0);
    end();
    begin(&document);
    CHECK_UINT(fake_ask_count, 1); /* for no ids */
    check_asked_for(0, 'b', &document);
    say_whole(0, "whole");
    CHECK_UINT(step, MCPZ_ELSEWHERE_OVER);
    CHECK_UINT(writer.total.agents, 1);
    end();
    begin(&document);
    send(0, begin_page(0, 0, true));
    CHECK_UINT(step, MCPZ_ELSEWHERE_ABSENT);
    CHECK_UINT(writer.total.missing_count, 0); /* there is none */
    end();
    begin(&document);
    fake_fellow_fails(0, MCPZ_CODE_TIMEOUT);
    CHECK_UINT(step, MCPZ_ELSEWHERE_ABSENT);
    CHECK(is_missing(&document)); /* it is not known */
    end();
}

TEST_MAIN(
    RUN(each_document_is_asked_of_one_that_has_it), RUN(ids_come_page_by_page),
    RUN(a_long_document_goes_on_where_it_was), RUN(blobs_are_told_before_the_messages_behind_them),
    RUN(a_page_that_is_none_is_as_no_answer), RUN(where_one_fails_another_that_has_it_is_asked),
    RUN(who_says_that_it_is_gone_is_believed), RUN(what_those_keep_who_do_not_answer_is_missing),
    RUN(who_cannot_be_asked_at_all_is_passed_over), RUN(one_agent_is_asked_of_those_that_keep_it))
