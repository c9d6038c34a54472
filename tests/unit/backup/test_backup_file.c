/* A backup is read back whole, or refused. */

#include "backup/backup_file.h"
#include "backup/data_check.h"
#include "test.h"
#include "world.h"

static mcpz_error list(const struct world *world, size_t length, struct mcpz_data_set *set)
{
    struct mcpz_backup_head head;
    int file = world_open(world, length);

    mcpz_error error = mcpz_backup_list(file, &head, set);
    close(file);
    return error;
}

TEST(lists_what_was_put_in_and_leaves_out_what_is_of_this_place_only)
{
    struct world *world = world_make();
    struct mcpz_backup_head head;
    struct mcpz_data_set set;
    struct mcpz_data_report report;

    int file = world_open(world, world->length);
    CHECK_UINT(mcpz_backup_list(file, &head, &set), MCPZ_OK);
    CHECK_UINT(head.made_ms, 1234567);
    CHECK_UINT(head.commits, 3);
    CHECK_TEXT(head.program, "0.1.0");
    CHECK_UINT(set.count, 2);
    CHECK_TEXT(set.files[0].name, "identity.key");
    CHECK_TEXT(set.files[1].name, "store/data.mdb");
    CHECK_UINT(head.bytes, mcpz_data_set_bytes(&set));
    CHECK_UINT(mcpz_data_check(&set, NULL, &report), MCPZ_OK);
    CHECK_UINT(report.store.records, 10);
    mcpz_data_set_finish(&set);
    close(file);
    world_destroy(world);
}

TEST(refuses_every_truncation)
{
    struct world *world = world_make();
    struct mcpz_data_set set;

    for (size_t length = 0; length < world->length;
         length += length < 256 || length + 256 > world->length ? 1 : 61) {
        mcpz_error error = list(world, length, &set);
        CHECK(error == (length < 11 ? MCPZ_EPROTO : MCPZ_ESHORT));
        CHECK(set.trouble[0] != '\0');
        mcpz_data_set_finish(&set);
    }
    world_destroy(world);
}

TEST(refuses_every_flipped_byte_and_what_follows_the_end)
{
    struct world *world = world_make();
    struct mcpz_data_set set;

    for (size_t at = 0; at < world->length; at += at < 256 ? 1 : 41) {
        world->backup[at] ^= 0x40;
        mcpz_error error = list(world, world->length, &set);
        CHECK(error == MCPZ_ECORRUPT || error == MCPZ_ESHORT || error == MCPZ_EPROTO ||
              error == MCPZ_EVERSION);
        mcpz_data_set_finish(&set);
        world->backup[at] ^= 0x40;
    }
    world->backup[world->length] = 0;
    CHECK_UINT(list(world, world->length + 1, &set), MCPZ_ECORRUPT);
    mcpz_data_set_finish(&set);
    world_destroy(world);
}

static mcpz_error tap(const struct world *world, size_t length, size_t piece)
{
    struct mcpz_backup_tap taped;

    mcpz_backup_tap_begin(&taped);
    for (size_t at = 0; at < length; at += piece) {
        mcpz_backup_tap_add(
            &taped, mcpz_bytes(world->backup + at, at + piece < length ? piece : length - at));
    }
    return mcpz_backup_tap_end(&taped);
}

TEST(what_goes_by_is_known_to_be_whole_in_pieces_of_any_size)
{
    static const size_t pieces[] = {1, 5, 31, 32, 33, 64, 1000, 1 << 20};
    struct world *world = world_make();

    for (size_t i = 0; i < MCPZ_ARRAY_LEN(pieces); i++) {
        CHECK_UINT(tap(world, world->length, pieces[i]), MCPZ_OK);
        CHECK_UINT(tap(world, world->length - 1, pieces[i]), MCPZ_ESHORT);
        CHECK_UINT(tap(world, 40, pieces[i]), MCPZ_EPROTO);
        CHECK_UINT(tap(world, 0, pieces[i]), MCPZ_EPROTO);
    }
    world->backup[300] ^= 1;
    CHECK_UINT(tap(world, world->length, 1000), MCPZ_ESHORT);
    world_destroy(world);
}

TEST(names_stay_below_the_directory)
{
    static const char *const sound[] = {"a", "store/data.mdb", "a.b/c-d_e"};
    static const char *const unsound[] = {"",       "/a",   "a//b", "a/",   "..",
                                          "a/../b", ".hid", "a/.b", "a\nb", "./a"};

    for (size_t i = 0; i < MCPZ_ARRAY_LEN(sound); i++) {
        CHECK(mcpz_data_name_is_sound(sound[i]));
    }
    for (size_t i = 0; i < MCPZ_ARRAY_LEN(unsound); i++) {
        CHECK(!mcpz_data_name_is_sound(unsound[i]));
    }
}

TEST_MAIN(RUN(lists_what_was_put_in_and_leaves_out_what_is_of_this_place_only),
          RUN(refuses_every_truncation), RUN(refuses_every_flipped_byte_and_what_follows_the_end),
          RUN(what_goes_by_is_known_to_be_whole_in_pieces_of_any_size),
          RUN(names_stay_below_the_directory))
