/* What was forgotten elsewhere goes into a file before it goes. */

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/crdt/document.h"
#include "fake_agents.h"
#include "fake_blobs.h"
#include "http/exchange.h"
#include "http/set_aside.h"

static const struct mcpz_actor alice = {.node = {.bytes = {'a'}}, .generation = 1};
static char directory[64];

static void begin(void)
{
    (void)snprintf(directory, sizeof(directory), "/tmp/mcpz-aside-XXXXXX");
    CHECK(mkdtemp(directory) != NULL);
    fake_blobs_begin();
    free(world.api->directory);
    world.api->directory = strdup(directory);
    CHECK(world.api->directory != NULL);
}

/* The name of the `index`-th file there; "": there is none. */
static const char *find_file(size_t index)
{
    static char path[512];
    char inside[128];
    const struct dirent *entry;

    path[0] = '\0';
    (void)snprintf(inside, sizeof(inside), "%s/set-aside", directory);
    DIR *opened = opendir(inside);
    while (opened != NULL && (entry = readdir(opened)) != NULL) {
        if (entry->d_name[0] != '.' && index-- == 0) {
            (void)snprintf(path, sizeof(path), "%s/%s", inside, entry->d_name);
            break;
        }
    }
    if (opened != NULL) {
        (void)closedir(opened);
    }
    return path;
}

static void end(void)
{
    char inside[128];

    while (find_file(0)[0] != '\0') {
        CHECK(unlink(find_file(0)) == 0);
    }
    (void)snprintf(inside, sizeof(inside), "%s/set-aside", directory);
    (void)rmdir(inside);
    (void)unlink(inside);
    CHECK(rmdir(directory) == 0);
    mcpz_set_aside_end(&world.api->aside);
    fake_blobs_end();
}

static void put_agent(const char *name, struct mcpz_id *document, uint64_t count)
{
    const struct mcpz_version version = {.actor = alice, .seq = count};

    fake_put_document(name, document, &version, 1);
    for (uint64_t i = 1; i <= count; i++) {
        fake_put_delta(document, &alice, i, i);
    }
}

static uint64_t digest_of(const struct mcpz_id *document)
{
    struct mcpz_record record = {.kind = MCPZ_RECORD_DOCUMENT, .document = {.id = *document}};

    CHECK_UINT(world.engine.store.get(world.engine.store.context, &record), MCPZ_OK);
    return mcpz_document_digest(&record.document);
}

/* Put together and handed over; what is handed over is not done. */
static void tick_alone(void)
{
    world.now_us += MCPZ_SET_ASIDE_LOOK_US;
    mcpz_api_tick(world.api);
    fake_turn();
}

static void tick(void)
{
    tick_alone();
    fake_blobs_turn();
}

static struct mcpz_snapshot_total read_file(const char *path)
{
    static struct mcpz_snapshot_tap tap;
    uint8_t buffer[4096];
    ssize_t length;

    const int file = open(path, O_RDONLY | O_CLOEXEC);
    CHECK(file >= 0);
    mcpz_snapshot_tap_begin(&tap);
    while ((length = read(file, buffer, sizeof(buffer))) > 0) {
        mcpz_snapshot_tap_add(&tap, mcpz_bytes(buffer, (size_t)length));
    }
    (void)close(file);
    CHECK(mcpz_snapshot_tap_is_whole(&tap));
    return tap.total;
}

TEST(without_anything_to_set_aside_nothing_is_made)
{
    begin();
    tick();
    CHECK_TEXT(find_file(0), "");
    CHECK_UINT(world.engine.asides, 0);
    end();
}

TEST(agents_are_in_a_whole_file_before_they_are_said_to_be)
{
    begin();
    put_agent("x", &world.engine.aside[0], 3);
    put_agent("y", &world.engine.aside[1], 200); /* for several turns */
    const struct mcpz_blob_about about = {.root = {{1}}, .tenant = "acme", .size = 5};
    mcpz_blob_book_id(&about.root, &world.engine.aside[2]);
    const struct mcpz_record blob = {.kind = MCPZ_RECORD_DOCUMENT,
                                     .document = {.id = world.engine.aside[2]}};
    world.engine.store.put(world.engine.store.context, &blob);
    world.engine.aside[3] = (struct mcpz_id){{9}}; /* which has gone by now */
    world.engine.aside_count = 4;
    tick();

    const struct mcpz_snapshot_total total = read_file(find_file(0));
    CHECK_UINT(total.agents, 2);
    CHECK_TEXT(find_file(1), "");
    CHECK_UINT(world.engine.asides, 1);
    CHECK(!world.engine.aside_failed);
    CHECK_UINT(world.engine.aside_row_count, 3);
    for (size_t i = 0; i < 3; i++) {
        CHECK(mcpz_id_equal(&world.engine.aside_rows[i].document, &world.engine.aside[i]));
        CHECK_UINT(world.engine.aside_rows[i].digest, digest_of(&world.engine.aside[i]));
    }
    CHECK(world.api->aside.trouble == NULL);

    world.engine.aside_count = 1;
    tick();
    CHECK(find_file(1)[0] != '\0'); /* the next page has a file of its own */
    end();
}

TEST(nothing_goes_before_the_thread_has_written_it)
{
    begin();
    put_agent("x", &world.engine.aside[0], 3);
    world.engine.aside_count = 1;
    tick_alone();
    tick_alone(); /* it waits, and is not handed over twice */
    CHECK_TEXT(find_file(0), "");
    CHECK_UINT(world.engine.asides, 0);
    fake_blobs_turn();
    CHECK(find_file(0)[0] != '\0');
    CHECK_TEXT(find_file(1), "");
    CHECK_UINT(world.engine.asides, 1);
    CHECK_UINT(world.engine.aside_row_count, 1);
    end();
}

TEST(a_thread_that_has_too_much_to_do_is_asked_again)
{
    begin();
    put_agent("x", &world.engine.aside[0], 3);
    world.engine.aside_count = 1;
    fake_blobs_are_busy = true;
    tick();
    tick();
    CHECK_UINT(world.engine.asides, 0);
    fake_blobs_are_busy = false;
    tick();
    CHECK_UINT(read_file(find_file(0)).agents, 1);
    CHECK_UINT(world.engine.asides, 1);
    CHECK(!world.engine.aside_failed);
    end();
}

TEST(what_was_written_for_a_walk_that_began_anew_is_withdrawn)
{
    begin();
    put_agent("x", &world.engine.aside[0], 3);
    put_agent("y", &world.engine.aside[1], 3);
    world.engine.aside_count = 1;
    tick_alone();
    world.engine.aside[0] = world.engine.aside[1]; /* another page: its own file is asked for */
    tick();
    CHECK_UINT(read_file(find_file(0)).agents, 1);
    CHECK_TEXT(find_file(1), "");
    CHECK_UINT(world.engine.asides, 1);
    CHECK(mcpz_id_equal(&world.engine.aside_rows[0].document, &world.engine.aside[1]));

    tick_alone();
    world.engine.aside_count = 0; /* nothing is asked for any more */
    tick();
    CHECK_TEXT(find_file(1), "");
    CHECK_UINT(world.engine.asides, 1);
    CHECK(!world.api->aside.is_open);
    end();
}

TEST(what_there_is_no_place_for_is_held_back)
{
    char inside[128];

    begin();
    (void)snprintf(inside, sizeof(inside), "%s/set-aside", directory);
    const int file = open(inside, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    CHECK(file >= 0 && close(file) == 0);
    put_agent("x", &world.engine.aside[0], 3);
    world.engine.aside_count = 1;
    tick();
    CHECK(world.engine.aside_failed);
    CHECK_UINT(world.engine.aside_row_count, 0);
    CHECK(world.api->aside.trouble != NULL);
    CHECK(unlink(inside) == 0);
    world.engine.aside_count = 1;
    tick();
    CHECK(!world.engine.aside_failed);
    CHECK_UINT(world.engine.aside_row_count, 1);
    CHECK(world.api->aside.trouble == NULL);
    end();
}

/* Another file lies there. */
static void put_large(uint64_t bytes)
{
    char inside[128];

    (void)snprintf(inside, sizeof(inside), "%s/set-aside", directory);
    CHECK(mkdir(inside, 0700) == 0);
    (void)snprintf(inside, sizeof(inside), "%s/set-aside/large", directory);
    const int file = open(inside, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    CHECK(file >= 0 && ftruncate(file, (off_t)bytes) == 0);
    (void)close(file);
}

TEST(no_more_than_a_gibibyte_lies_there)
{
    begin();
    put_large(MCPZ_SET_ASIDE_BYTES_MAX - 10);
    put_agent("x", &world.engine.aside[0], 3);
    world.engine.aside_count = 1;
    tick();
    CHECK(world.engine.aside_failed);
    CHECK_TEXT(find_file(1), "");
    end();
}

TEST(a_walk_that_began_anew_is_not_gone_on_with)
{
    begin();
    put_agent("x", &world.engine.aside[0], 300);
    world.engine.aside_count = 1;
    world.now_us += MCPZ_SET_ASIDE_LOOK_US;
    mcpz_api_tick(world.api);
    CHECK(world.api->aside.is_open);
    world.engine.aside_count = 0;
    fake_turn();
    CHECK(!world.api->aside.is_open);
    CHECK_UINT(world.engine.asides, 0);
    CHECK_TEXT(find_file(0), "");
    world.engine.aside_count = 1;
    world.now_us += MCPZ_SET_ASIDE_LOOK_US;
    mcpz_api_tick(world.api); /* and one that is under way in the end is released */
    end();
}

/* An agent that is to be set aside, and names a blob of so many bytes. */
static struct mcpz_blob_about put_naming(const char *name, size_t index, uint8_t number,
                                         uint64_t size)
{
    struct mcpz_blob_about about = fake_blob_about(number);

    about.size = size;
    put_agent(name, &world.engine.aside[index], 3);
    fake_blob_named(&world.engine.aside[index], &about);
    world.engine.aside_count = index + 1;
    return about;
}

/* As a thread does jobs, and other nodes have nothing of what they are asked for. */
static void tick_with_blobs(void)
{
    tick();
    for (size_t i = 0; i < 20; i++) {
        fake_blobs_turn();
        for (size_t j = 0; j < fake_ask_count; j++) {
            if (fake_asks[j].exchange != NULL && !fake_asks[j].over) {
                fake_fellow_sends(j, 200, mcpz_bytes((const uint8_t *)"", 0));
            }
        }
        mcpz_api_tick(world.api);
        fake_turn();
    }
}

TEST(blobs_that_they_name_are_in_the_file_or_said_to_be_lost)
{
    begin();
    const struct mcpz_blob_about about = put_naming("x", 0, 1, strlen(fake_content));
    (void)put_naming("y", 1, 2, 12); /* nobody has it */
    (void)put_naming("z", 2, 1, strlen(fake_content));
    fake_blob_add(&about.root, (struct mcpz_blob_state){.is_whole = true, .is_put = true});
    tick_with_blobs();

    const struct mcpz_snapshot_total total = read_file(find_file(0));
    CHECK_UINT(total.agents, 3);
    CHECK(total.has_blobs);
    CHECK_UINT(total.blobs, 1);
    CHECK_UINT(total.blob_bytes, strlen(fake_content));
    CHECK_UINT(total.blobs_lost, 1);
    CHECK(!world.engine.aside_failed);
    CHECK_UINT(world.engine.aside_row_count, 3);
    CHECK_UINT(world.api->open_count, 0);
    end();
}

TEST(a_blob_that_there_is_no_room_for_is_held_back_with_its_agent)
{
    begin();
    put_large(MCPZ_SET_ASIDE_BYTES_MAX);
    const struct mcpz_blob_about about = put_naming("x", 0, 1, strlen(fake_content));
    fake_blob_add(&about.root, (struct mcpz_blob_state){.is_whole = true, .is_put = true});
    tick_with_blobs();
    CHECK(world.engine.aside_failed);
    CHECK(world.api->aside.trouble != NULL);
    CHECK_TEXT(find_file(1), "");
    CHECK_UINT(world.api->open_count, 0);

    /* It is not read again at once; then there is room. */
    CHECK(unlink(find_file(0)) == 0);
    world.engine.aside_count = 1;
    tick_with_blobs();
    CHECK_TEXT(find_file(0), "");
    world.now_us += MCPZ_SET_ASIDE_AGAIN_US;
    tick_with_blobs();
    CHECK_UINT(read_file(find_file(0)).blobs, 1);
    CHECK(!world.engine.aside_failed);
    end();
}

TEST(a_walk_that_began_anew_while_a_blob_is_read_leaves_nothing)
{
    begin();
    (void)put_naming("x", 0, 1, 12);
    tick();
    fake_blobs_turn();
    CHECK(world.api->aside.is_waiting);
    world.engine.aside_count = 0;
    tick_with_blobs();
    CHECK(!world.api->aside.is_open);
    CHECK_UINT(world.api->open_count, 0);
    CHECK_TEXT(find_file(0), "");
    end();
}

TEST(a_node_may_end_while_a_blob_is_read)
{
    begin();
    (void)put_naming("x", 0, 1, 12);
    tick();
    fake_blobs_turn();
    CHECK(world.api->aside.is_waiting);
    mcpz_set_aside_end(&world.api->aside);
    tick_with_blobs();
    CHECK(!world.api->aside.is_open);
    CHECK_UINT(world.api->open_count, 0);
    end();
}

TEST_MAIN(RUN(without_anything_to_set_aside_nothing_is_made),
          RUN(agents_are_in_a_whole_file_before_they_are_said_to_be),
          RUN(nothing_goes_before_the_thread_has_written_it),
          RUN(a_thread_that_has_too_much_to_do_is_asked_again),
          RUN(what_was_written_for_a_walk_that_began_anew_is_withdrawn),
          RUN(what_there_is_no_place_for_is_held_back), RUN(no_more_than_a_gibibyte_lies_there),
          RUN(a_walk_that_began_anew_is_not_gone_on_with),
          RUN(blobs_that_they_name_are_in_the_file_or_said_to_be_lost),
          RUN(a_blob_that_there_is_no_room_for_is_held_back_with_its_agent),
          RUN(a_walk_that_began_anew_while_a_blob_is_read_leaves_nothing),
          RUN(a_node_may_end_while_a_blob_is_read))
