/* A small data directory with a store in it, and the backup of it. */

#ifndef WORLD_H
#define WORLD_H

#include <fcntl.h>

#include "backup/backup_job.h"
#include "blob/keyring.h"
#include "crypto/identity.h"
#include "crypto/tenant_key.h"
#include "scratch.h"
#include "store/lmdb.h"
#include "store/schema.h"
#include "test.h"
#include "wire/records.h"

#define WORLD_BACKUP_BYTES_MAX 1048576

struct world {
    struct scratch scratch;
    char data[SCRATCH_FILE_PATH_BYTES];
    uint8_t backup[WORLD_BACKUP_BYTES_MAX];
    size_t length;
};

/* What the next world is made with. */
static bool world_has_keys;
static bool world_with_node_key; /* in the backup */

static inline void world_ignore(void *context)
{
    (void)context;
}

static inline void world_put_file(const char *directory, const char *name, const char *text)
{
    char path[SCRATCH_FILE_PATH_BYTES + 64];
    FILE *file;

    snprintf(path, sizeof(path), "%s/%s", directory, name);
    file = fopen(path, "w");
    CHECK(file != NULL);
    CHECK(fputs(text, file) >= 0);
    CHECK(fclose(file) == 0);
}

/* A queue that people have paused, as the node would have written it. */
static inline void world_put_queue(const struct mcpz_kv *kv, uint8_t number,
                                   const struct mcpz_tenant_key *key)
{
    const struct mcpz_record record = {.kind = MCPZ_RECORD_QUEUE, .queue = {.paused = true}};
    const uint8_t place[1 + MCPZ_SCHEMA_TOKEN_BYTES] = {MCPZ_RECORD_QUEUE, number};
    uint8_t value[64] = {0, 1, (uint8_t)('a' + number)}; /* its name, and how long that is */
    uint8_t sealed[sizeof(value) + MCPZ_RECORD_SEAL_BYTES];
    size_t length;

    CHECK_UINT(mcpz_record_encode(&record, value + 3, sizeof(value) - 3, &length), MCPZ_OK);
    length += 3;
    mcpz_tenant_key_seal_record(key, mcpz_bytes(place, sizeof(place)), mcpz_bytes(value, length),
                                sealed);
    kv->put(kv->context, mcpz_bytes(place, sizeof(place)),
            mcpz_bytes(sealed, MCPZ_RECORD_SEAL_BYTES + length));
}

/* The node's own key: of a ring in the directory, or one that is nowhere else. */
static inline struct mcpz_tenant_key *world_make_key(const char *data)
{
    char path[SCRATCH_FILE_PATH_BYTES + 64];
    const struct mcpz_keyring_config config = {.directory = path};
    struct mcpz_key_trouble trouble;
    struct mcpz_keyring *ring;
    struct mcpz_tenant_key *key;

    snprintf(path, sizeof(path), "%s/keys", data);
    if (!world_has_keys) {
        CHECK_UINT(mcpz_tenant_key_create(MCPZ_KEY_OF_RECORDS, mcpz_text("mcpz.system"), &key),
                   MCPZ_OK);
        return key;
    }
    CHECK_UINT(mcpz_keyring_open(&config, &ring, &trouble), MCPZ_OK);
    CHECK_UINT(mcpz_keyring_lend(ring, mcpz_text("mcpz.system"), &key), MCPZ_OK);
    mcpz_keyring_close(ring);
    return key;
}

static inline void world_make_store(const char *data)
{
    char path[SCRATCH_FILE_PATH_BYTES + 64];
    struct mcpz_lmdb *lmdb;
    struct mcpz_kv kv;
    struct mcpz_lmdb_trouble trouble;
    struct mcpz_tenant_key *key = world_make_key(data);
    const struct mcpz_lmdb_config config = {
        .directory = path, .map_bytes = 65536, .map_bytes_max = 1048576, .notify = world_ignore};

    snprintf(path, sizeof(path), "%s/store", data);
    CHECK_UINT(mcpz_lmdb_open(&config, &lmdb, &kv, &trouble), MCPZ_OK);
    for (uint8_t number = 1; number <= 10; number++) {
        world_put_queue(&kv, number, key);
    }
    (void)kv.commit(kv.context);
    mcpz_lmdb_close(lmdb);
    mcpz_tenant_key_destroy(key);
}

static inline mcpz_error world_take(void *context, struct mcpz_bytes bytes)
{
    struct world *world = context;

    CHECK(bytes.length <= sizeof(world->backup) - world->length);
    memcpy(world->backup + world->length, bytes.data, bytes.length);
    world->length += bytes.length;
    return MCPZ_OK;
}

static inline struct world *world_make(void)
{
    struct world *world = calloc(1, sizeof(*world));
    struct mcpz_backup_head head = {.made_ms = 1234567, .program = "0.1.0", .commits = 3};
    const struct mcpz_backup_sink sink = {.context = world, .write = world_take};
    char trouble[512];

    CHECK(world != NULL);
    CHECK_UINT(mcpz_crypto_init(), MCPZ_OK);
    scratch_make(&world->scratch);
    snprintf(world->data, sizeof(world->data), "%s/data", world->scratch.path);
    CHECK(mkdir(world->data, 0700) == 0);
    world_put_file(world->data, "identity.key", "secret\n");
    world_put_file(world->data, "body-leftover", "no business of a backup");
    world_make_store(world->data);
    CHECK_UINT(
        mcpz_backup_directory(world->data, NULL, world_with_node_key, &head, &sink, trouble),
        MCPZ_OK);
    return world;
}

static inline void world_destroy(struct world *world)
{
    scratch_remove(&world->scratch);
    free(world);
}

/* The first `length` bytes of the backup, to be read; the caller closes it. */
static inline int world_open(const struct world *world, size_t length)
{
    char path[SCRATCH_FILE_PATH_BYTES];

    snprintf(path, sizeof(path), "%s/backup", world->scratch.path);
    int file = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    CHECK(file >= 0);
    CHECK_UINT(write(file, world->backup, length), length);
    CHECK_UINT(lseek(file, 0, SEEK_SET), 0);
    return file;
}

#endif
