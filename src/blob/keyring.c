#include "blob/keyring.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hex.h"
#include "blob/secret_file.h"
#include "crypto/digest.h"
#include "crypto/identity.h"
#include "store/directory.h"

/*
 *   ring:   "mcpzring", version u8, node key id 16, count u16,
 *           count x { length u8, tenant, wrapped 72 }, digest 32
 */
#define MARK "mcpzring"
#define MARK_BYTES (sizeof(MARK) - 1)
#define VERSION 1
#define HEAD_BYTES (MARK_BYTES + 1 + MCPZ_NODE_KEY_ID_BYTES + 2)
#define ROW_BYTES_MAX (1 + MCPZ_TENANT_BYTES_MAX + MCPZ_WRAPPED_KEY_BYTES)
#define RING_BYTES_MAX                                                                            \
    (HEAD_BYTES + (size_t)MCPZ_KEYRING_TENANTS_MAX * ROW_BYTES_MAX + MCPZ_DIGEST_BYTES)
#define PATH_BYTES_MAX 4096

struct row {
    struct mcpz_tenant_key *key;
    uint8_t tenant[MCPZ_TENANT_BYTES_MAX];
    uint8_t tenant_length;
};

struct mcpz_keyring {
    struct mcpz_node_key *node_key;
    bool is_given; /* by the environment */
    size_t count;
    struct row rows[MCPZ_KEYRING_TENANTS_MAX];
    char directory[PATH_BYTES_MAX];
    char key_path[PATH_BYTES_MAX + 16];
    char new_key_path[PATH_BYTES_MAX + 16]; /* until the ring is wrapped with it */
    char ring_path[PATH_BYTES_MAX + 16];
};

/* ---- Node keys as text ---------------------------------------------------------------------- */

static mcpz_error key_from_text(const char *text, struct mcpz_node_key **key)
{
    uint8_t bytes[MCPZ_NODE_KEY_BYTES];

    if (!mcpz_hex_read(mcpz_bytes(text, strnlen(text, MCPZ_NODE_KEY_TEXT_CHARS + 1)), bytes,
                       sizeof(bytes))) {
        mcpz_wipe(bytes, sizeof(bytes));
        return MCPZ_EPROTO;
    }
    mcpz_error error = mcpz_node_key_create(bytes, key);
    mcpz_wipe(bytes, sizeof(bytes));
    return error;
}

static mcpz_error key_from_file(const char *path, struct mcpz_node_key **key)
{
    char text[MCPZ_NODE_KEY_TEXT_CHARS + 2] = {0};
    size_t length = 0;

    mcpz_error error =
        mcpz_secret_file_read(path, (uint8_t *)text, MCPZ_NODE_KEY_TEXT_CHARS + 1, &length);
    if (error == MCPZ_OK) {
        if (length > 0 && text[length - 1] == '\n') {
            text[length - 1] = '\0';
        }
        error = key_from_text(text, key);
    }
    mcpz_wipe(text, sizeof(text));
    return error == MCPZ_EFULL ? MCPZ_EPROTO : error;
}

/* A new key, also in a file. */
static mcpz_error make_key(const struct mcpz_keyring *keyring, const char *path,
                           struct mcpz_node_key **key)
{
    uint8_t bytes[MCPZ_NODE_KEY_BYTES];
    char text[MCPZ_NODE_KEY_TEXT_CHARS + 2];

    mcpz_random(bytes, sizeof(bytes));
    for (size_t i = 0; i < sizeof(bytes); i++) {
        (void)snprintf(text + 2 * i, 3, "%02x", (unsigned)bytes[i]);
    }
    text[MCPZ_NODE_KEY_TEXT_CHARS] = '\n';
    mcpz_error error = mcpz_secret_file_write(keyring->directory, path,
                                              mcpz_bytes(text, MCPZ_NODE_KEY_TEXT_CHARS + 1));
    if (error == MCPZ_OK) {
        error = mcpz_node_key_create(bytes, key);
    }
    mcpz_wipe(bytes, sizeof(bytes));
    mcpz_wipe(text, sizeof(text));
    return error;
}

/* ---- The ring as bytes ---------------------------------------------------------------------- */

static void digest_of(struct mcpz_bytes bytes, uint8_t *digest)
{
    mcpz_digest(MCPZ_DIGEST_SEALED, bytes, digest);
}

/* Write all rows but `without`, wrapped with `node_key`. */
static mcpz_error write_ring(const struct mcpz_keyring *keyring,
                             const struct mcpz_node_key *node_key, const struct row *without)
{
    uint8_t *bytes = malloc(RING_BYTES_MAX);
    const size_t count = keyring->count - (without != NULL ? 1 : 0);
    size_t at = HEAD_BYTES;

    if (bytes == NULL) {
        return MCPZ_ENOMEM;
    }
    memcpy(bytes, MARK, MARK_BYTES);
    bytes[MARK_BYTES] = VERSION;
    mcpz_node_key_id(node_key, bytes + MARK_BYTES + 1);
    bytes[HEAD_BYTES - 2] = (uint8_t)(count >> 8);
    bytes[HEAD_BYTES - 1] = (uint8_t)count;
    for (size_t i = 0; i < keyring->count; i++) {
        const struct row *row = &keyring->rows[i];
        if (row != without) {
            bytes[at++] = row->tenant_length;
            memcpy(bytes + at, row->tenant, row->tenant_length);
            at += row->tenant_length;
            mcpz_tenant_key_wrap(row->key, node_key, bytes + at);
            at += MCPZ_WRAPPED_KEY_BYTES;
        }
    }
    digest_of(mcpz_bytes(bytes, at), bytes + at);
    mcpz_error error = mcpz_secret_file_write(keyring->directory, keyring->ring_path,
                                              mcpz_bytes(bytes, at + MCPZ_DIGEST_BYTES));
    free(bytes);
    return error;
}

static mcpz_error read_rows(struct mcpz_keyring *keyring, const uint8_t *at, const uint8_t *end,
                            size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct row *row = &keyring->rows[i];
        if (at == end || *at == 0 || *at > MCPZ_TENANT_BYTES_MAX ||
            (size_t)(end - at) < 1 + (size_t)*at + MCPZ_WRAPPED_KEY_BYTES) {
            return MCPZ_ECORRUPT;
        }
        row->tenant_length = *at++;
        memcpy(row->tenant, at, row->tenant_length);
        at += row->tenant_length;
        mcpz_error error = mcpz_tenant_key_unwrap(
            keyring->node_key, mcpz_bytes(row->tenant, row->tenant_length), at, &row->key);
        if (error != MCPZ_OK) {
            return error == MCPZ_EAUTH ? MCPZ_ECORRUPT : error;
        }
        keyring->count++;
        at += MCPZ_WRAPPED_KEY_BYTES;
    }
    return at == end ? MCPZ_OK : MCPZ_ECORRUPT;
}

/* Is this a whole ring, and of which node key? */
static mcpz_error check_ring(struct mcpz_bytes ring, const uint8_t **key_id, size_t *count)
{
    uint8_t digest[MCPZ_DIGEST_BYTES];

    if (ring.length < HEAD_BYTES + MCPZ_DIGEST_BYTES || memcmp(ring.data, MARK, MARK_BYTES) != 0) {
        return MCPZ_ECORRUPT;
    }
    if (ring.data[MARK_BYTES] != VERSION) {
        return MCPZ_EVERSION;
    }
    digest_of(mcpz_bytes(ring.data, ring.length - sizeof(digest)), digest);
    *key_id = ring.data + MARK_BYTES + 1;
    *count = (size_t)ring.data[HEAD_BYTES - 2] << 8 | ring.data[HEAD_BYTES - 1];
    return memcmp(digest, ring.data + ring.length - sizeof(digest), sizeof(digest)) == 0 &&
                   *count <= MCPZ_KEYRING_TENANTS_MAX
               ? MCPZ_OK
               : MCPZ_ECORRUPT;
}

/* ---- Opening -------------------------------------------------------------------------------- */

static bool is_key(const struct mcpz_node_key *key, const uint8_t *id)
{
    uint8_t own[MCPZ_NODE_KEY_ID_BYTES];

    if (key == NULL) {
        return false;
    }
    mcpz_node_key_id(key, own);
    return memcmp(own, id, sizeof(own)) == 0;
}

/* The node key, from the environment or the file; one is made if there is none and no ring. */
static mcpz_error find_node_key(struct mcpz_keyring *keyring,
                                const struct mcpz_keyring_config *config, bool has_ring)
{
    keyring->is_given = config->key_text != NULL;
    if (keyring->is_given) {
        return key_from_text(config->key_text, &keyring->node_key);
    }
    mcpz_error error = key_from_file(keyring->key_path, &keyring->node_key);
    return error == MCPZ_ENOTFOUND && !has_ring
               ? make_key(keyring, keyring->key_path, &keyring->node_key)
               : error;
}

static void take_key(struct mcpz_keyring *keyring, struct mcpz_node_key *key)
{
    mcpz_node_key_destroy(keyring->node_key);
    keyring->node_key = key;
}

/* Read the ring with `key`, then have it wrapped with the node key that we were given. */
static mcpz_error read_with_old(struct mcpz_keyring *keyring, struct mcpz_node_key *old,
                                struct mcpz_bytes ring, size_t count)
{
    struct mcpz_node_key *given = keyring->node_key;

    keyring->node_key = old;
    mcpz_error error = read_rows(keyring, ring.data + HEAD_BYTES,
                                 ring.data + ring.length - MCPZ_DIGEST_BYTES, count);
    take_key(keyring, given);
    if (error == MCPZ_OK) {
        error = write_ring(keyring, given, NULL);
    }
    if (error == MCPZ_OK) {
        mcpz_secret_file_wipe(keyring->key_path); /* nothing is wrapped with it any more */
    }
    return error;
}

static mcpz_error read_ring(struct mcpz_keyring *keyring, const struct mcpz_keyring_config *config,
                            struct mcpz_bytes ring)
{
    struct mcpz_node_key *other = NULL;
    const uint8_t *id;
    size_t count;

    mcpz_error error = check_ring(ring, &id, &count);
    if (error != MCPZ_OK) {
        return error;
    }
    if (!is_key(keyring->node_key, id) && !keyring->is_given &&
        key_from_file(keyring->new_key_path, &other) == MCPZ_OK && is_key(other, id)) {
        /* A rotation was cut short after the ring was wrapped anew: its key takes its place. */
        error =
            mcpz_secret_file_move(keyring->directory, keyring->new_key_path, keyring->key_path);
        take_key(keyring, other);
        other = NULL;
    }
    mcpz_node_key_destroy(other);
    other = NULL;
    if (error != MCPZ_OK) {
        return error;
    }
    if (is_key(keyring->node_key, id)) {
        return read_rows(keyring, ring.data + HEAD_BYTES,
                         ring.data + ring.length - MCPZ_DIGEST_BYTES, count);
    }
    if (config->key_text_old != NULL) {
        error = key_from_text(config->key_text_old, &other);
        if (error != MCPZ_OK || is_key(other, id)) {
            return error != MCPZ_OK ? error : read_with_old(keyring, other, ring, count);
        }
        mcpz_node_key_destroy(other);
    }
    return MCPZ_EAUTH;
}

static bool name_files(struct mcpz_keyring *keyring, const char *directory)
{
    const size_t length = strlen(directory);

    if (length + 1 >= PATH_BYTES_MAX) {
        return false;
    }
    memcpy(keyring->directory, directory, length + 1);
    (void)snprintf(keyring->key_path, sizeof(keyring->key_path), "%s/node.key", directory);
    (void)snprintf(keyring->new_key_path, sizeof(keyring->new_key_path), "%s/node.key.new",
                   directory);
    (void)snprintf(keyring->ring_path, sizeof(keyring->ring_path), "%s/ring", directory);
    return true;
}

static mcpz_error open_all(struct mcpz_keyring *keyring, const struct mcpz_keyring_config *config)
{
    size_t length = 0;

    uint8_t *bytes = malloc(RING_BYTES_MAX);
    if (bytes == NULL) {
        return MCPZ_ENOMEM;
    }
    mcpz_error error = mcpz_secret_file_read(keyring->ring_path, bytes, RING_BYTES_MAX, &length);
    const bool has_ring = error != MCPZ_ENOTFOUND;
    if (error == MCPZ_OK || !has_ring) {
        error = find_node_key(keyring, config, has_ring);
    }
    if (error == MCPZ_OK && has_ring) {
        error = read_ring(keyring, config, mcpz_bytes(bytes, length));
    }
    if (error == MCPZ_OK) {
        mcpz_secret_file_wipe(keyring->new_key_path);
    }
    free(bytes);
    return error == MCPZ_EFULL ? MCPZ_ECORRUPT : error;
}

static void explain(const struct mcpz_keyring *keyring, mcpz_error error,
                    struct mcpz_keyring_trouble *trouble)
{
    const char *hint = "";

    if (error == MCPZ_EAUTH) {
        hint = ": its files must be of mode 0600 and yours, and MCPZ_NODE_KEY, or node.key, the "
               "key that its ring was wrapped with (MCPZ_NODE_KEY_OLD names the one before)";
    } else if (error == MCPZ_EPROTO) {
        hint = ": a node key is 64 hexadecimal digits";
    } else if (error == MCPZ_ENOTFOUND) {
        hint = ": there is a ring, but node.key, which its keys were wrapped with, is missing";
    }
    (void)snprintf(trouble->text, sizeof(trouble->text), "keys in %s: %s%s", keyring->directory,
                   mcpz_strerror(error), hint);
}

mcpz_error mcpz_keyring_open(const struct mcpz_keyring_config *config,
                             struct mcpz_keyring **keyring, struct mcpz_keyring_trouble *trouble)
{
    struct mcpz_keyring *made = calloc(1, sizeof(*made));

    *keyring = NULL;
    trouble->text[0] = '\0';
    if (made == NULL || !name_files(made, config->directory)) {
        free(made);
        return MCPZ_ENOMEM;
    }
    mcpz_error error = mcpz_directory_make(config->directory);
    if (error == MCPZ_OK) {
        error = open_all(made, config);
    }
    if (error != MCPZ_OK) {
        explain(made, error, trouble);
        mcpz_keyring_close(made);
        return error;
    }
    *keyring = made;
    return MCPZ_OK;
}

void mcpz_keyring_close(struct mcpz_keyring *keyring)
{
    if (keyring == NULL) {
        return;
    }
    for (size_t i = 0; i < keyring->count; i++) {
        mcpz_tenant_key_destroy(keyring->rows[i].key);
    }
    mcpz_node_key_destroy(keyring->node_key);
    free(keyring);
}

/* ---- Keys ----------------------------------------------------------------------------------- */

/* Which row is the tenant's; the number of rows if it has none. */
static size_t find_row(const struct mcpz_keyring *keyring, struct mcpz_bytes tenant)
{
    size_t at = 0;

    while (at < keyring->count && !mcpz_bytes_equal(mcpz_keyring_tenant(keyring, at), tenant)) {
        at++;
    }
    return at;
}

const struct mcpz_tenant_key *mcpz_keyring_find(const struct mcpz_keyring *keyring,
                                                struct mcpz_bytes tenant)
{
    const size_t at = find_row(keyring, tenant);
    return at < keyring->count ? keyring->rows[at].key : NULL;
}

mcpz_error mcpz_keyring_obtain(struct mcpz_keyring *keyring, struct mcpz_bytes tenant,
                               const struct mcpz_tenant_key **key)
{
    *key = mcpz_keyring_find(keyring, tenant);
    if (*key != NULL) {
        return MCPZ_OK;
    }
    if (tenant.length == 0 || tenant.length > MCPZ_TENANT_BYTES_MAX) {
        return MCPZ_EPROTO;
    }
    if (keyring->count == MCPZ_KEYRING_TENANTS_MAX) {
        return MCPZ_EFULL;
    }
    struct row *row = &keyring->rows[keyring->count];
    mcpz_error error = mcpz_tenant_key_create(tenant, &row->key);
    if (error != MCPZ_OK) {
        return error;
    }
    memcpy(row->tenant, tenant.data, tenant.length);
    row->tenant_length = (uint8_t)tenant.length;
    keyring->count++;
    error = write_ring(keyring, keyring->node_key, NULL);
    if (error != MCPZ_OK) {
        keyring->count--;
        mcpz_tenant_key_destroy(row->key);
        return error;
    }
    *key = row->key;
    return MCPZ_OK;
}

/* A new node key beside the old one, the ring wrapped with it, then in the old one's place. */
static mcpz_error rewrap(struct mcpz_keyring *keyring, const struct row *without)
{
    struct mcpz_node_key *fresh = NULL;

    mcpz_error error = make_key(keyring, keyring->new_key_path, &fresh);
    if (error == MCPZ_OK) {
        error = write_ring(keyring, fresh, without);
    }
    if (error != MCPZ_OK) {
        mcpz_node_key_destroy(fresh); /* its file stays, in case that the ring was replaced */
        return error;
    }
    take_key(keyring, fresh);
    if (mcpz_secret_file_move(keyring->directory, keyring->new_key_path, keyring->key_path) !=
        MCPZ_OK) {
        /* Nothing is lost: the next start finds the key that fits where it is now. */
    }
    return MCPZ_OK;
}

mcpz_error mcpz_keyring_rotate(struct mcpz_keyring *keyring)
{
    return keyring->is_given ? MCPZ_EUNSUPPORTED : rewrap(keyring, NULL);
}

mcpz_error mcpz_keyring_shred(struct mcpz_keyring *keyring, struct mcpz_bytes tenant)
{
    const size_t at = find_row(keyring, tenant);

    if (at == keyring->count) {
        return MCPZ_ENOTFOUND;
    }
    struct row *row = &keyring->rows[at];
    mcpz_error error =
        keyring->is_given ? write_ring(keyring, keyring->node_key, row) : rewrap(keyring, row);
    if (error != MCPZ_OK) {
        return error;
    }
    mcpz_tenant_key_destroy(row->key);
    *row = keyring->rows[--keyring->count];
    return MCPZ_OK;
}

size_t mcpz_keyring_count(const struct mcpz_keyring *keyring)
{
    return keyring->count;
}

struct mcpz_bytes mcpz_keyring_tenant(const struct mcpz_keyring *keyring, size_t index)
{
    assert(index < keyring->count);
    return mcpz_bytes(keyring->rows[index].tenant, keyring->rows[index].tenant_length);
}

void mcpz_keyring_node_key_id(const struct mcpz_keyring *keyring, uint8_t *id)
{
    mcpz_node_key_id(keyring->node_key, id);
}
