#include "core/crdt/loaded.h"
#include "fake_store.h"
#include "test.h"

static const struct mcpz_id id = {{'a'}};
static const struct mcpz_id other = {{'b'}};

static struct fake_store below;
static struct mcpz_holdings holdings;
static struct mcpz_loaded loaded;
static struct mcpz_document document;
static void *memory;

/* Write it as far as `seq`, through the holdings. */
static void write(const struct mcpz_id *which, uint64_t seq, const char *name)
{
    const struct mcpz_version version = {{{{'w'}}, 1}, seq, {{(uint8_t)seq}}};

    document =
        (struct mcpz_document){.id = *which, .exists = true, .hlc = seq, .name = mcpz_text(name)};
    document.tenant = mcpz_text("tenant");
    mcpz_clock_set(&document.clock, &version, 1);
    mcpz_document_store(&holdings.store, &document);
}

static void set_up(void)
{
    struct mcpz_arena arena;

    fake_store_finish(&below);
    fake_store_init(&below);
    free(memory);
    memory = calloc(1, mcpz_holdings_bytes());
    CHECK(memory != NULL);
    mcpz_arena_init_zeroed(&arena, memory, mcpz_holdings_bytes());
    mcpz_holdings_init(&holdings, &below.port, 77, &arena);
    CHECK_UINT(mcpz_holdings_begin(&holdings), MCPZ_OK);
    mcpz_holdings_end(&holdings);
    loaded = (struct mcpz_loaded){.writes = 0};
    write(&other, 1, "other");
    write(&id, 1, "first");
}

static void note(void)
{
    mcpz_loaded_note(&loaded, &holdings, &document);
}

static mcpz_error load(const struct mcpz_id *which)
{
    memset(&document, 0xee, sizeof(document));
    return mcpz_loaded_load(&loaded, &holdings, which, &document);
}

/* It is there as far as `seq` (0: it is not there); with `is_read`, the store was asked for it. */
static void check(const struct mcpz_id *which, uint64_t seq, const char *name, bool is_read)
{
    fake_store_fail_after(&below, 0, MCPZ_EIO);
    CHECK_UINT(load(which), is_read ? MCPZ_EIO : MCPZ_OK);
    fake_store_fail_after(&below, 0, MCPZ_OK);
    CHECK_UINT(load(which), MCPZ_OK);
    CHECK(document.exists == (seq > 0));
    CHECK_UINT(document.hlc, seq);
    CHECK_UINT(document.clock.count, seq > 0 ? 1 : 0);
    CHECK_UINT(document.cuts.count, 0);
    CHECK(mcpz_bytes_equal(document.name, mcpz_text(name)));
    CHECK(mcpz_bytes_equal(document.tenant, mcpz_text(seq > 0 ? "tenant" : "")));
    CHECK(seq == 0 || document.clock.versions[0].seq == seq);
}

TEST(what_was_noted_is_not_read_again)
{
    set_up();
    check(&id, 1, "first", true);
    note();
    check(&id, 1, "first", false);
    check(&other, 1, "other", true);
    check(&id, 1, "first", false); /* reading another changes nothing */
    note();                        /* nor does noting what was loaded from here */
    check(&id, 1, "first", false);
}

TEST(its_texts_are_its_own)
{
    char name[] = "second";

    set_up();
    write(&id, 2, name);
    note();
    memset(name, 'x', sizeof(name) - 1);
    fake_store_end_turn(&below);
    check(&id, 2, "second", false);
}

TEST(whoever_writes_a_document_voids_it)
{
    set_up();
    note();
    write(&id, 2, "second");
    check(&id, 2, "second", true);
    note();
    check(&id, 2, "second", false);
    write(&other, 2, "other");
    check(&id, 2, "second", true);
}

TEST(one_that_is_removed_and_made_anew_is_read)
{
    const struct mcpz_record record = {.kind = MCPZ_RECORD_DOCUMENT, .document = {.id = id}};

    set_up();
    note();
    holdings.store.remove(holdings.store.context, &record);
    check(&id, 0, "", true);
    note(); /* that it is not there holds as well */
    check(&id, 0, "", false);
    write(&id, 1, "anew");
    check(&id, 1, "anew", true);
}

/* What was written failed, or was purged: the store is not what it was, and is counted anew. */
TEST(a_store_that_goes_back_is_read)
{
    const struct mcpz_record record = {.kind = MCPZ_RECORD_DOCUMENT, .document = {.id = id}};

    set_up();
    note();
    below.port.remove(&below, &record);
    CHECK_UINT(mcpz_holdings_begin(&holdings), MCPZ_OK);
    mcpz_holdings_end(&holdings);
    check(&id, 0, "", true);
}

TEST(nothing_was_noted_at_first)
{
    static const struct mcpz_id none;

    set_up();
    loaded = (struct mcpz_loaded){.writes = 0};
    check(&none, 0, "", true);
    fake_store_finish(&below);
    free(memory);
    memory = NULL;
}

TEST_MAIN(RUN(what_was_noted_is_not_read_again), RUN(its_texts_are_its_own),
          RUN(whoever_writes_a_document_voids_it), RUN(one_that_is_removed_and_made_anew_is_read),
          RUN(a_store_that_goes_back_is_read), RUN(nothing_was_noted_at_first))
