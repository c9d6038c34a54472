#include "core/crdt/holdings.h"
#include "fake_store.h"
#include "test.h"

static struct fake_store below;
static struct mcpz_holdings holdings;
static struct mcpz_version version;
static void *memory[2]; /* of holdings, and of those that count again */

static void init(struct mcpz_holdings *which, size_t slot, uint64_t epoch)
{
    struct mcpz_arena arena;

    free(memory[slot]);
    memory[slot] = calloc(1, mcpz_holdings_bytes());
    CHECK(memory[slot] != NULL);
    mcpz_arena_init_zeroed(&arena, memory[slot], mcpz_holdings_bytes());
    mcpz_holdings_init(which, &below.port, epoch, &arena);
    CHECK_UINT(arena.used, arena.size);
}

static void set_up(void)
{
    fake_store_finish(&below);
    fake_store_init(&below);
    init(&holdings, 0, 77);
    CHECK_UINT(mcpz_holdings_begin(&holdings), MCPZ_OK);
    mcpz_holdings_end(&holdings);
}

static struct mcpz_record document(uint8_t letter, uint64_t seq)
{
    version = (struct mcpz_version){{{{'w'}}, 1}, seq, {{(uint8_t)seq}}};
    return (struct mcpz_record){
        .kind = MCPZ_RECORD_DOCUMENT,
        .document = {.id = {{letter}}, .versions = &version, .version_count = 1},
    };
}

static void put(uint8_t letter, uint64_t seq)
{
    const struct mcpz_record record = document(letter, seq);
    holdings.store.put(holdings.store.context, &record);
}

/* The numbers of changes, and of which documents: "1a 3b". */
static void check_changes(const char *expected)
{
    char found[64] = "";
    size_t length = 0;

    for (size_t i = 0; i < fake_store_count(&below, MCPZ_RECORD_CHANGE); i++) {
        const struct mcpz_record *record = fake_store_at(&below, MCPZ_RECORD_CHANGE, i);
        length +=
            (size_t)snprintf(found + length, sizeof(found) - length, "%s%d%c", i > 0 ? " " : "",
                             (int)record->change.seq, record->change.document.bytes[0]);
    }
    CHECK_TEXT(found, expected);
}

/* Count anew, as after a restart, and see that it comes to the same. */
static void check_recount(void)
{
    struct mcpz_holdings again;
    struct mcpz_record record = {.kind = MCPZ_RECORD_DOCUMENT};

    init(&again, 1, 88);
    CHECK_UINT(mcpz_holdings_begin(&again), MCPZ_OK);
    for (bool first = true; below.port.next(&below, MCPZ_SCAN_KIND, first, &record) == MCPZ_OK;
         first = false) {
        mcpz_holdings_count(&again, &record.document);
    }
    mcpz_holdings_end(&again);
    CHECK(mcpz_partition_root_equal(&again.root, &holdings.root));
    CHECK_UINT(again.seq, holdings.seq);
    CHECK_UINT(again.blob_count, holdings.blob_count);
    CHECK(holdings.seq == 0 || again.epoch == holdings.epoch);
}

TEST(a_document_has_one_change_its_last)
{
    set_up();
    check_changes("");
    put('a', 1);
    put('b', 1);
    put('c', 1);
    check_changes("1a 2b 3c");
    put('a', 2);
    check_changes("2b 3c 4a");
    CHECK_UINT(holdings.root.count, 3);
    check_recount();
}

TEST(who_changed_last_moves_on_once_that_was_told)
{
    set_up();
    put('a', 1);
    put('b', 1);
    put('b', 2);
    check_changes("1a 2b");
    check_recount();
    CHECK_UINT(mcpz_holdings_tell(&holdings), 2);
    put('b', 3); /* whoever knows of 2 would not hear of it otherwise */
    put('b', 4);
    check_changes("1a 3b");
    mcpz_holdings_end(&holdings); /* nor do we know who was told of what before */
    put('b', 5);
    check_changes("1a 4b");
    check_recount();
}

TEST(a_number_is_given_out_once)
{
    struct mcpz_record record = document('b', 1);

    set_up();
    put('a', 1);
    put('b', 1);
    holdings.store.remove(holdings.store.context, &record);
    check_changes("1a");
    CHECK_UINT(holdings.root.count, 1);
    CHECK_UINT(holdings.seq, 2);
    check_recount(); /* also after a restart */
    put('b', 2);
    check_changes("1a 3b");
    holdings.store.remove(holdings.store.context, &record);
    holdings.store.remove(holdings.store.context, &record);
    CHECK_UINT(holdings.root.count, 1);
}

TEST(the_root_is_of_what_is_there_however_it_came_about)
{
    struct mcpz_partition_root root;

    set_up();
    put('a', 1);
    put('b', 5);
    root = holdings.root;
    set_up();
    put('b', 4);
    put('a', 1);
    CHECK(!mcpz_partition_root_equal(&holdings.root, &root));
    put('b', 5);
    CHECK(mcpz_partition_root_equal(&holdings.root, &root));
}

TEST(what_is_read_in_between_does_not_mislead_it)
{
    struct mcpz_record other = document('b', 1);
    struct mcpz_record unknown = document('x', 1);

    set_up();
    put('a', 1);
    put('b', 1);
    CHECK_UINT(holdings.store.get(holdings.store.context, &other), MCPZ_OK);
    put('a', 2);
    CHECK_UINT(holdings.store.get(holdings.store.context, &unknown), MCPZ_ENOTFOUND);
    put('x', 1);
    put('b', 2);
    check_recount();
    check_changes("3a 4x 5b");
}

TEST(other_records_pass_through)
{
    const struct mcpz_record queue = {.kind = MCPZ_RECORD_QUEUE,
                                      .queue = {.capability = mcpz_text("c"), .paused = true}};
    struct mcpz_record record = {.kind = MCPZ_RECORD_QUEUE,
                                 .queue = {.capability = mcpz_text("c")}};

    set_up();
    holdings.store.put(holdings.store.context, &queue);
    CHECK_UINT(holdings.store.get(holdings.store.context, &record), MCPZ_OK);
    CHECK(record.queue.paused);
    holdings.store.remove(holdings.store.context, &record);
    CHECK_UINT(below.count, 0);
    CHECK_UINT(holdings.seq, 0);
}

TEST(a_store_that_cannot_be_read_is_counted_again)
{
    set_up();
    put('a', 1);
    put('b', 1);
    fake_store_fail_after(&below, 0, MCPZ_EIO);
    put('a', 2);
    CHECK(holdings.is_off);
    CHECK_UINT(mcpz_holdings_begin(&holdings), MCPZ_EIO);
    CHECK(holdings.is_off);
    fake_store_fail_after(&below, 0, MCPZ_OK);
    CHECK_UINT(mcpz_holdings_begin(&holdings), MCPZ_OK);
    CHECK(!holdings.is_off);
}

static struct mcpz_record blob_document(uint8_t letter)
{
    struct mcpz_record record = document(letter, 1);

    memcpy(record.document.id.bytes + MCPZ_ID_BYTES - MCPZ_BLOB_MARK_BYTES, MCPZ_BLOB_MARK,
           MCPZ_BLOB_MARK_BYTES);
    return record;
}

TEST(documents_of_blobs_have_a_list_of_their_own)
{
    struct mcpz_record blobs[] = {blob_document('c'), blob_document('b')};

    set_up();
    put('a', 1);
    put('d', 1);
    for (size_t i = 0; i < 6; i++) {
        holdings.store.put(holdings.store.context, &blobs[i % 2]);
    }
    CHECK_UINT(holdings.blob_count, 2);
    CHECK_UINT(fake_store_count(&below, MCPZ_RECORD_BLOB_DOCUMENT), 2);
    const struct mcpz_record *first = fake_store_at(&below, MCPZ_RECORD_BLOB_DOCUMENT, 0);
    CHECK(mcpz_id_equal(&first->blob_document.document, &blobs[1].document.id));
    check_recount();

    holdings.store.remove(holdings.store.context, &blobs[1]);
    holdings.store.remove(holdings.store.context, &blobs[1]);
    CHECK_UINT(holdings.blob_count, 1);
    CHECK_UINT(fake_store_count(&below, MCPZ_RECORD_BLOB_DOCUMENT), 1);
    first = fake_store_at(&below, MCPZ_RECORD_BLOB_DOCUMENT, 0);
    CHECK(mcpz_id_equal(&first->blob_document.document, &blobs[0].document.id));
    check_recount();
}

TEST(another_generation_is_another_epoch)
{
    set_up();
    const uint64_t first = mcpz_holdings_epoch(&holdings, 1);
    CHECK(first != 0 && first != mcpz_holdings_epoch(&holdings, 2));
    CHECK_UINT(mcpz_holdings_epoch(&holdings, 1), first);
    holdings.epoch = 78;
    CHECK(mcpz_holdings_epoch(&holdings, 1) != first);
    fake_store_finish(&below);
    free(memory[0]);
    free(memory[1]);
}

TEST_MAIN(RUN(a_document_has_one_change_its_last),
          RUN(who_changed_last_moves_on_once_that_was_told),
          RUN(documents_of_blobs_have_a_list_of_their_own), RUN(a_number_is_given_out_once),
          RUN(the_root_is_of_what_is_there_however_it_came_about),
          RUN(what_is_read_in_between_does_not_mislead_it), RUN(other_records_pass_through),
          RUN(a_store_that_cannot_be_read_is_counted_again),
          RUN(another_generation_is_another_epoch))
