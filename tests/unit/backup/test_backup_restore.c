/* A directory is made of a backup, or left alone. */

#include <dirent.h>
#include <errno.h>

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

/* ---- Keys --------------------------------------------------------------------------------- */

static struct world *world_with_keys(bool with_node_key)
{
    world_has_keys = true;
    world_with_node_key = with_node_key;
    struct world *world = world_make();
    world_has_keys = false;
    world_with_node_key = false;
    return world;
}

static bool backup_holds(const struct world *world, const char *text)
{
    return memmem(world->backup, world->length, text, strlen(text)) != NULL;
}

/* What is in DATA/keys/NAME, as text. */
static void read_key(const char *data, const char *name, char text[128])
{
    char path[SCRATCH_FILE_PATH_BYTES + 64];

    snprintf(path, sizeof(path), "%s/keys/%s", data, name);
    FILE *file = fopen(path, "r");
    CHECK(file != NULL);
    CHECK(fgets(text, 128, file) != NULL);
    CHECK(fclose(file) == 0);
    text[strcspn(text, "\n")] = '\0';
}

static void put_key(const char *data, const char *text)
{
    char path[SCRATCH_FILE_PATH_BYTES + 64];

    CHECK(mkdir(data, 0700) == 0 || errno == EEXIST);
    snprintf(path, sizeof(path), "%s/keys", data);
    CHECK(mkdir(path, 0700) == 0 || errno == EEXIST);
    world_put_file(data, "keys/node.key", text);
    snprintf(path, sizeof(path), "%s/keys/node.key", data);
    CHECK(chmod(path, 0600) == 0);
}

TEST(the_node_key_is_in_a_backup_only_if_that_is_asked_for)
{
    struct world *world = world_with_keys(false);
    char key[128];

    read_key(world->data, "node.key", key);
    CHECK(!backup_holds(world, key));
    CHECK(!backup_holds(world, "keys/node.key"));
    CHECK(backup_holds(world, "keys/ring"));
    world_destroy(world);
    world = world_with_keys(true);
    read_key(world->data, "node.key", key);
    CHECK(backup_holds(world, key));
    world_destroy(world);
}

TEST(without_a_node_key_that_fits_nothing_is_restored)
{
    struct world *world = world_with_keys(false);
    char to[SCRATCH_FILE_PATH_BYTES + 8];
    char key[128];

    snprintf(to, sizeof(to), "%s/to", world->scratch.path);
    read_key(world->data, "node.key", key);
    CHECK_UINT(restore(world, world->length, to, false), MCPZ_ENOTFOUND);
    CHECK_UINT(count_entries(to), 0);
    put_key(to, "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff");
    CHECK_UINT(restore(world, world->length, to, false), MCPZ_EAUTH);
    CHECK_UINT(count_entries(to), 1);
    put_key(to, key);
    CHECK_UINT(restore(world, world->length, to, false), MCPZ_OK);
    look(to, 10, true);
    world_destroy(world);
    world = world_with_keys(true); /* it brings its own */
    snprintf(to, sizeof(to), "%s/to", world->scratch.path);
    CHECK_UINT(restore(world, world->length, to, false), MCPZ_OK);
    world_destroy(world);
}

TEST(a_node_key_is_taken_from_the_environment)
{
    struct world *world = world_with_keys(false);
    char to[SCRATCH_FILE_PATH_BYTES + 8];
    char key[128];
    char found[SCRATCH_FILE_PATH_BYTES + 64];

    snprintf(to, sizeof(to), "%s/to", world->scratch.path);
    read_key(world->data, "node.key", key);
    struct mcpz_restore order = {.file = world_open(world, world->length),
                                 .directory = to,
                                 .key = &(const struct mcpz_key_source){.text = key}};
    CHECK_UINT(mcpz_restore_run(&order), MCPZ_OK);
    close(order.file);
    snprintf(found, sizeof(found), "%s/keys/node.key", to);
    CHECK(access(found, F_OK) != 0); /* nor is it written down */
    world_destroy(world);
}

/* The node key that is written as `text`, as a token would have wrapped it. */
static void put_envelope(const char *data, const char *text)
{
    char path[SCRATCH_FILE_PATH_BYTES + 64];
    uint8_t bytes[MCPZ_TOKEN_FILE_BYTES_MAX];
    struct mcpz_token_file envelope = {.scheme = MCPZ_TOKEN_AES_GCM, .wrapped_length = 60};
    struct mcpz_node_key *key = NULL;

    CHECK_UINT(mcpz_key_text_read(mcpz_text(text), &key), MCPZ_OK);
    mcpz_token_file_seal(&envelope, key, key); /* no token is asked what its secret is */
    mcpz_node_key_destroy(key);
    CHECK(mkdir(data, 0700) == 0 || errno == EEXIST);
    snprintf(path, sizeof(path), "%s/keys", data);
    CHECK(mkdir(path, 0700) == 0 || errno == EEXIST);
    snprintf(path, sizeof(path), "%s/keys/node.key.token", data);
    FILE *file = fopen(path, "wbe");
    CHECK(file != NULL);
    const size_t length = mcpz_token_file_write(&envelope, bytes);
    CHECK(fwrite(bytes, 1, length, file) == length && fclose(file) == 0);
    CHECK(chmod(path, 0600) == 0);
}

/* Nothing is opened then, as the token is not asked; but that it is the one is seen. */
TEST(a_node_key_that_a_token_wraps_must_be_the_rings)
{
    struct world *world = world_with_keys(false);
    char to[SCRATCH_FILE_PATH_BYTES + 8];
    char key[128];
    char found[SCRATCH_FILE_PATH_BYTES + 64];

    snprintf(to, sizeof(to), "%s/to", world->scratch.path);
    put_envelope(to, "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff");
    CHECK_UINT(restore(world, world->length, to, false), MCPZ_ENOTFOUND);
    CHECK_UINT(count_entries(to), 1);
    read_key(world->data, "node.key", key);
    put_envelope(to, key);
    CHECK_UINT(restore(world, world->length, to, false), MCPZ_OK);
    snprintf(found, sizeof(found), "%s/keys/node.key.token", to);
    CHECK(access(found, F_OK) == 0);
    world_destroy(world);
}

/* What was shredded after the backup was made stays shredded. */
TEST(the_ring_that_is_here_is_used)
{
    struct world *world = world_with_keys(false);
    char path[SCRATCH_FILE_PATH_BYTES + 64];
    char key[128];
    const struct mcpz_keyring_config config = {.directory = path};
    const struct mcpz_tenant_key *made;
    struct mcpz_key_trouble trouble;
    struct mcpz_keyring *ring;

    snprintf(path, sizeof(path), "%s/keys", world->data);
    CHECK_UINT(mcpz_keyring_open(&config, &ring, &trouble), MCPZ_OK);
    CHECK_UINT(mcpz_keyring_obtain(ring, mcpz_text("acme"), &made), MCPZ_OK);
    CHECK_UINT(mcpz_keyring_shred(ring, mcpz_text("acme"), 0, 0), MCPZ_OK); /* another node key */
    const uint64_t end_ms = mcpz_keyring_end_of(ring, mcpz_text("acme"));
    mcpz_keyring_close(ring);
    CHECK_UINT(restore(world, world->length, world->data, true), MCPZ_OK);
    CHECK_UINT(mcpz_keyring_open(&config, &ring, &trouble), MCPZ_OK);
    CHECK_UINT(mcpz_keyring_end_of(ring, mcpz_text("acme")), end_ms);
    mcpz_keyring_close(ring);
    read_key(world->data, "node.key", key);
    CHECK(!backup_holds(world, key));
    look(world->data, 10, true);
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
          RUN(the_node_key_is_in_a_backup_only_if_that_is_asked_for),
          RUN(without_a_node_key_that_fits_nothing_is_restored),
          RUN(a_node_key_is_taken_from_the_environment),
          RUN(a_node_key_that_a_token_wraps_must_be_the_rings), RUN(the_ring_that_is_here_is_used),
          RUN(a_damaged_backup_changes_nothing),
          RUN(a_store_that_somebody_holds_is_refused_even_then))
