/* A directory is made of a backup, or left alone. */

#include <dirent.h>

#include "backup/backup_restore.h"
#include "test.h"
#include "world.h"

static size_t count_entries(const char *path)
{
    size_t count = 0;
    DIR *opened = opendir(path);

    CHECK(opened != NULL);
    for (const struct dirent *entry = readdir(opened); entry != NULL; entry = readdir(opened)) {
        count += entry->d_name[0] != '.' || strcmp(entry->d_name, ".restore") == 0 ? 1 : 0;
    }
    closedir(opened);
    return count;
}

static mcpz_error restore(const struct world *world, size_t length, const char *directory,
                          bool force)
{
    struct mcpz_restore order = {
        .file = world_open(world, length), .directory = directory, .force = force};

    mcpz_error error = mcpz_restore_run(&order);
    CHECK((error != MCPZ_OK) == (order.trouble[0] != '\0'));
    close(order.file);
    return error;
}

/* Open the store in it: how many records, and was it set back? */
static void look(const char *directory, size_t records, bool set_back)
{
    char path[SCRATCH_FILE_PATH_BYTES + 64];
    struct mcpz_lmdb *lmdb;
    struct mcpz_kv kv;
    struct mcpz_lmdb_trouble trouble;
    struct mcpz_bytes key = {0};
    struct mcpz_bytes value;
    size_t count = 0;
    const struct mcpz_lmdb_config config = {
        .directory = path, .map_bytes = 65536, .map_bytes_max = 1048576, .notify = world_ignore};

    snprintf(path, sizeof(path), "%s/store", directory);
    CHECK_UINT(mcpz_lmdb_open(&config, &lmdb, &kv, &trouble), MCPZ_OK);
    CHECK_UINT(mcpz_lmdb_is_set_back(lmdb), set_back);
    while (kv.next(kv.context, key, false, &key, &value) == MCPZ_OK) {
        count++;
    }
    CHECK_UINT(count, records);
    (void)kv.commit(kv.context);
    mcpz_lmdb_close(lmdb);
}

TEST(a_restored_store_has_all_records_and_knows_that_it_was_set_back)
{
    struct world *world = world_make();
    char to[SCRATCH_FILE_PATH_BYTES + 8];

    snprintf(to, sizeof(to), "%s/to", world->scratch.path);
    CHECK_UINT(restore(world, world->length, to, false), MCPZ_OK);
    look(to, 10, true);
    CHECK_UINT(count_entries(to), 2);
    world_destroy(world);
}

TEST(a_directory_that_is_used_is_refused_and_left_as_it_is)
{
    struct world *world = world_make();
    const size_t before = count_entries(world->data);

    CHECK_UINT(restore(world, world->length, world->data, false), MCPZ_ECONFLICT);
    CHECK_UINT(count_entries(world->data), before);
    look(world->data, 10, false);
    world_destroy(world);
}

TEST(what_was_there_is_put_away_if_that_is_asked_for)
{
    struct world *world = world_make();
    char kept[SCRATCH_FILE_PATH_BYTES + 32];

    CHECK_UINT(restore(world, world->length, world->data, true), MCPZ_OK);
    look(world->data, 10, true);
    snprintf(kept, sizeof(kept), "%s/before-restore-1", world->data);
    look(kept, 10, false);
    world_destroy(world);
}

TEST(a_damaged_backup_changes_nothing)
{
    struct world *world = world_make();
    char to[SCRATCH_FILE_PATH_BYTES + 8];

    snprintf(to, sizeof(to), "%s/to", world->scratch.path);
    CHECK_UINT(restore(world, world->length - 1, to, false), MCPZ_ESHORT);
    CHECK_UINT(count_entries(to), 0);
    world->backup[world->length / 2] ^= 1;
    CHECK_UINT(restore(world, world->length, to, false), MCPZ_ECORRUPT);
    CHECK_UINT(count_entries(to), 0);
    CHECK_UINT(restore(world, world->length, world->data, true), MCPZ_ECORRUPT);
    look(world->data, 10, false);
    world_destroy(world);
}

TEST(a_store_that_somebody_holds_is_refused_even_then)
{
    struct world *world = world_make();
    char path[SCRATCH_FILE_PATH_BYTES + 64];
    struct mcpz_lmdb *lmdb;
    struct mcpz_kv kv;
    struct mcpz_lmdb_trouble trouble;
    const struct mcpz_lmdb_config config = {
        .directory = path, .map_bytes = 65536, .map_bytes_max = 1048576, .notify = world_ignore};

    snprintf(path, sizeof(path), "%s/store", world->data);
    CHECK_UINT(mcpz_lmdb_open(&config, &lmdb, &kv, &trouble), MCPZ_OK);
    CHECK_UINT(restore(world, world->length, world->data, true), MCPZ_ECONFLICT);
    mcpz_lmdb_close(lmdb);
    look(world->data, 10, false);
    world_destroy(world);
}

TEST_MAIN(RUN(a_restored_store_has_all_records_and_knows_that_it_was_set_back),
          RUN(a_directory_that_is_used_is_refused_and_left_as_it_is),
          RUN(what_was_there_is_put_away_if_that_is_asked_for),
          RUN(a_damaged_backup_changes_nothing),
          RUN(a_store_that_somebody_holds_is_refused_even_then))
