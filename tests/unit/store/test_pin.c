/* A moment of the store, read while it is written on; and the store written anew. */

#include <fcntl.h>

#include "disk.h"
#include "scratch.h"
#include "store/check.h"
#include "store/compact.h"
#include "store/pin.h"
#include "test.h"

#define MAP_FIRST 65536
#define MAP_MAX ((size_t)64 << 20)
#define KEYS 200

struct world {
    struct scratch scratch;
    struct disk disk;
};

static void set_up(struct world *world)
{
    memset(world, 0, sizeof(*world));
    scratch_make(&world->scratch);
    disk_init(&world->disk, world->scratch.path, MAP_FIRST, MAP_MAX);
    CHECK_UINT(disk_open(&world->disk), MCPZ_OK);
}

static void tear_down(struct world *world)
{
    disk_close(&world->disk);
    scratch_remove(&world->scratch);
}

/* One commit: every key says which round it is of. Large values make the map grow. */
static void write_round(struct world *world, unsigned round, size_t value_bytes)
{
    static uint8_t value[8192];
    char key[32];

    memset(value, (int)('a' + round % 26), sizeof(value));
    for (unsigned i = 0; i < KEYS; i++) {
        snprintf(key, sizeof(key), "key %04u", i);
        disk_put(&world->disk, key, mcpz_bytes(value, value_bytes));
    }
    CHECK_UINT(disk_wait(&world->disk, disk_commit(&world->disk)).error, MCPZ_OK);
}

static void copy_pages(const struct mcpz_pages *pages, const char *path)
{
    uint8_t bytes[5000]; /* no multiple of a page */
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    CHECK(file >= 0);
    for (uint64_t at = 0; at < pages->bytes;) {
        const uint64_t left = pages->bytes - at;
        const size_t length = left < sizeof(bytes) ? (size_t)left : sizeof(bytes);
        CHECK_UINT(pages->read(pages->context, at, bytes, length), MCPZ_OK);
        CHECK_UINT(write(file, bytes, length), length);
        at += length;
    }
    close(file);
}

static mcpz_error check_value(void *context, struct mcpz_bytes key, struct mcpz_bytes value)
{
    const char *expected = context;

    (void)key;
    return value.length > 0 && value.data[0] == (uint8_t)*expected ? MCPZ_OK : MCPZ_EPROTO;
}

TEST(a_pin_is_the_moment_it_was_made_at_whatever_is_written_since)
{
    struct world world;
    struct mcpz_pin *pin;
    struct mcpz_check_report report;
    const char *fault = "";
    char round[] = "b";
    const struct mcpz_check_visitor visitor = {.context = round, .record = check_value};

    set_up(&world);
    write_round(&world, 0, 100);
    write_round(&world, 1, 100);
    CHECK_UINT(mcpz_pin_create(world.disk.lmdb, &pin), MCPZ_OK);
    for (unsigned i = 2; i < 12; i++) {
        write_round(&world, i, 4000); /* the map grows below the pin */
    }
    const struct mcpz_pages pages = mcpz_pin_pages(pin);
    CHECK_UINT(mcpz_check_pages(&pages, &visitor, &report, &fault), MCPZ_OK);
    CHECK_UINT(report.records, KEYS);
    CHECK_UINT(report.commits, mcpz_pin_commits(pin));
    mcpz_pin_destroy(pin);
    tear_down(&world);
}

TEST(what_a_pin_gives_is_a_store_that_knows_it_was_copied)
{
    struct world world;
    struct scratch elsewhere;
    struct mcpz_pin *pin;
    struct disk copy;
    char path[SCRATCH_FILE_PATH_BYTES];

    set_up(&world);
    scratch_make(&elsewhere);
    write_round(&world, 0, 3000);
    CHECK_UINT(mcpz_pin_create(world.disk.lmdb, &pin), MCPZ_OK);
    write_round(&world, 1, 10);
    const struct mcpz_pages pages = mcpz_pin_pages(pin);
    snprintf(path, sizeof(path), "%s/data.mdb", elsewhere.path);
    copy_pages(&pages, path);
    mcpz_pin_destroy(pin);

    disk_init(&copy, elsewhere.path, MAP_FIRST, MAP_MAX);
    CHECK_UINT(disk_open(&copy), MCPZ_OK);
    CHECK(mcpz_lmdb_is_set_back(copy.lmdb));
    CHECK_UINT(disk_count(&copy), KEYS);
    /* And can be written to: its lists of free pages are right. */
    disk_put(&copy, "another", mcpz_text("x"));
    CHECK_UINT(disk_wait(&copy, disk_commit(&copy)).error, MCPZ_OK);
    CHECK_UINT(disk_count(&copy), KEYS + 1);
    disk_close(&copy);
    scratch_remove(&elsewhere);
    tear_down(&world);
}

static void make_room(struct world *world)
{
    write_round(world, 0, 4000);
    for (unsigned i = 0; i < KEYS; i++) {
        char key[32];
        snprintf(key, sizeof(key), "key %04u", i);
        if (i % 10 != 0) {
            world->disk.kv.remove(world->disk.kv.context, mcpz_text(key));
        }
    }
    CHECK_UINT(disk_wait(&world->disk, disk_commit(&world->disk)).error, MCPZ_OK);
}

TEST(compacting_keeps_the_records_and_that_it_is_the_same_store)
{
    struct world world;
    struct mcpz_compacted compacted;
    struct mcpz_lmdb_trouble trouble;

    set_up(&world);
    make_room(&world);
    CHECK_UINT(mcpz_store_compact(world.scratch.path, &compacted, &trouble), MCPZ_ECONFLICT);
    disk_close(&world.disk);
    CHECK_UINT(mcpz_store_compact(world.scratch.path, &compacted, &trouble), MCPZ_OK);
    CHECK(compacted.after < compacted.before / 2);

    CHECK_UINT(disk_open(&world.disk), MCPZ_OK);
    CHECK(!mcpz_lmdb_is_set_back(world.disk.lmdb));
    CHECK_UINT(disk_count(&world.disk), KEYS / 10);
    write_round(&world, 1, 100);
    disk_close(&world.disk);
    CHECK_UINT(disk_open(&world.disk), MCPZ_OK);
    CHECK(!mcpz_lmdb_is_set_back(world.disk.lmdb));
    tear_down(&world);
}

TEST(compacting_does_not_hide_that_a_store_was_put_back)
{
    struct world world;
    struct mcpz_compacted compacted;
    struct mcpz_lmdb_trouble trouble;
    char path[SCRATCH_FILE_PATH_BYTES];

    set_up(&world);
    make_room(&world);
    disk_close(&world.disk);
    snprintf(path, sizeof(path), "%s/mcpz.stamp", world.scratch.path);
    CHECK_UINT(unlink(path), 0);
    CHECK_UINT(mcpz_store_compact(world.scratch.path, &compacted, &trouble), MCPZ_OK);
    CHECK_UINT(disk_open(&world.disk), MCPZ_OK);
    CHECK(mcpz_lmdb_is_set_back(world.disk.lmdb));
    tear_down(&world);
}

TEST(compacting_nothing_is_said_to_be_that)
{
    struct scratch scratch;
    struct mcpz_compacted compacted;
    struct mcpz_lmdb_trouble trouble;

    scratch_make(&scratch);
    CHECK_UINT(mcpz_store_compact(scratch.path, &compacted, &trouble), MCPZ_ENOTFOUND);
    CHECK(strstr(trouble.text, scratch.path) != NULL);
    scratch_remove(&scratch);
}

TEST_MAIN(RUN(a_pin_is_the_moment_it_was_made_at_whatever_is_written_since),
          RUN(what_a_pin_gives_is_a_store_that_knows_it_was_copied),
          RUN(compacting_keeps_the_records_and_that_it_is_the_same_store),
          RUN(compacting_does_not_hide_that_a_store_was_put_back),
          RUN(compacting_nothing_is_said_to_be_that))
