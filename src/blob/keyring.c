#include "blob/keyring.h"

#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "blob/ring.h"
#include "blob/secret_file.h"
#include "crypto/identity.h"
#include "store/directory.h"

struct mcpz_keyring {
    pthread_mutex_t mutex; /* over all that follows */
    struct mcpz_key_home home;
    struct mcpz_node_key *node_key;
    struct mcpz_ring ring;
    char ring_path[MCPZ_KEY_HOME_PATH_BYTES_MAX + 16];
};

/* Write the ring, without the keys that `ending` ends. */
static mcpz_error write_ring(const struct mcpz_keyring *keyring,
                             const struct mcpz_node_key *node_key,
                             const struct mcpz_keyring_end *ending)
{
    uint8_t *bytes = malloc(MCPZ_RING_BYTES_MAX);

    if (bytes == NULL) {
        return MCPZ_ENOMEM;
    }
    const size_t length = mcpz_ring_write(&keyring->ring, node_key, ending, bytes);
    mcpz_error error = mcpz_secret_file_write(keyring->home.directory, keyring->ring_path,
                                              mcpz_bytes(bytes, length));
    free(bytes);
    return error;
}

/* ---- Opening -------------------------------------------------------------------------------- */

static void take_key(struct mcpz_keyring *keyring, struct mcpz_node_key *key)
{
    mcpz_node_key_destroy(keyring->node_key);
    keyring->node_key = key;
}

/* Read the ring with `old`, then have it wrapped with the node key that we were given. */
static mcpz_error read_with_old(struct mcpz_keyring *keyring, const struct mcpz_node_key *old,
                                struct mcpz_bytes ring)
{
    mcpz_error error = mcpz_ring_read(&keyring->ring, old, ring);

    if (error == MCPZ_OK) {
        error = write_ring(keyring, keyring->node_key, NULL);
    }
    if (error == MCPZ_OK) {
        mcpz_key_home_forget_file(&keyring->home);
    }
    return error;
}

/* Find the node key of `ring`, if there is one, and read that. */
static mcpz_error open_ring(struct mcpz_keyring *keyring, const struct mcpz_key_source *source,
                            const struct mcpz_bytes *ring, struct mcpz_key_trouble *trouble)
{
    struct mcpz_key_found found;
    const uint8_t *id = NULL;
    mcpz_error error = ring != NULL ? mcpz_ring_check(*ring, &id) : MCPZ_OK;

    if (error == MCPZ_OK) {
        error = mcpz_key_home_open(&keyring->home, source, id, &found, trouble);
    }
    if (error != MCPZ_OK) {
        return error;
    }
    take_key(keyring, found.key);
    if (ring != NULL) {
        error = found.old != NULL ? read_with_old(keyring, found.old, *ring)
                                  : mcpz_ring_read(&keyring->ring, keyring->node_key, *ring);
    }
    mcpz_node_key_destroy(found.old);
    if (error == MCPZ_OK) {
        mcpz_key_home_settle(&keyring->home, keyring->node_key);
    }
    return error;
}

static mcpz_error open_all(struct mcpz_keyring *keyring, const struct mcpz_key_source *source,
                           struct mcpz_key_trouble *trouble)
{
    size_t length = 0;
    uint8_t *bytes = malloc(MCPZ_RING_BYTES_MAX);

    if (bytes == NULL) {
        return MCPZ_ENOMEM;
    }
    mcpz_error error =
        mcpz_secret_file_read(keyring->ring_path, bytes, MCPZ_RING_BYTES_MAX, &length);
    if (error == MCPZ_OK) {
        const struct mcpz_bytes ring = mcpz_bytes(bytes, length);
        error = open_ring(keyring, source, &ring, trouble);
    } else if (error == MCPZ_ENOTFOUND) {
        error = open_ring(keyring, source, NULL, trouble);
    }
    free(bytes);
    return error == MCPZ_EFULL ? MCPZ_ECORRUPT : error;
}

/* Whoever knows better has said so already. */
static void explain(const struct mcpz_keyring *keyring, mcpz_error error,
                    struct mcpz_key_trouble *trouble)
{
    if (trouble->text[0] == '\0') {
        (void)snprintf(trouble->text, sizeof(trouble->text), "keys in %.160s: %s%s",
                       keyring->home.directory, mcpz_strerror(error),
                       error == MCPZ_EAUTH ? ": its files must be of mode 0600 and yours" : "");
    }
}

static struct mcpz_keyring *make(void)
{
    struct mcpz_keyring *made = calloc(1, sizeof(*made));

    if (made != NULL) {
        int failed = pthread_mutex_init(&made->mutex, NULL);
        assert(failed == 0);
    }
    return made;
}

mcpz_error mcpz_keyring_open(const struct mcpz_keyring_config *config,
                             struct mcpz_keyring **keyring, struct mcpz_key_trouble *trouble)
{
    struct mcpz_keyring *made = make();

    *keyring = NULL;
    trouble->text[0] = '\0';
    if (made == NULL || mcpz_key_home_init(&made->home, config->directory) != MCPZ_OK) {
        mcpz_keyring_close(made);
        return MCPZ_ENOMEM;
    }
    (void)snprintf(made->ring_path, sizeof(made->ring_path), "%s/" MCPZ_RING_FILE,
                   config->directory);
    mcpz_error error = mcpz_directory_make(config->directory);
    if (error == MCPZ_OK) {
        error = open_all(made, &config->key, trouble);
    }
    if (error != MCPZ_OK) {
        explain(made, error, trouble);
        mcpz_keyring_close(made);
        return error;
    }
    *keyring = made;
    return MCPZ_OK;
}

mcpz_error mcpz_keyring_read(struct mcpz_bytes ring, struct mcpz_node_key *key,
                             struct mcpz_keyring **keyring)
{
    struct mcpz_keyring *made = make();
    uint8_t own[MCPZ_NODE_KEY_ID_BYTES];
    const uint8_t *id = NULL;

    *keyring = NULL;
    if (made == NULL) {
        mcpz_node_key_destroy(key);
        return MCPZ_ENOMEM;
    }
    made->node_key = key;
    mcpz_node_key_id(key, own);
    mcpz_error error = mcpz_ring_check(ring, &id);
    if (error == MCPZ_OK) {
        error = memcmp(own, id, sizeof(own)) == 0 ? mcpz_ring_read(&made->ring, key, ring)
                                                  : MCPZ_EAUTH;
    }
    if (error != MCPZ_OK) {
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
    mcpz_ring_clear(&keyring->ring);
    mcpz_node_key_destroy(keyring->node_key);
    mcpz_key_home_finish(&keyring->home);
    (void)pthread_mutex_destroy(&keyring->mutex);
    free(keyring);
}

/* ---- Keys ----------------------------------------------------------------------------------- */

static bool is_of(const struct mcpz_tenant_key *key, struct mcpz_bytes tenant)
{
    return mcpz_bytes_equal(mcpz_tenant_key_tenant(key), tenant);
}

/* Does `a` go before `b`? Every node says the same of two that were made apart. */
static bool goes_before(const struct mcpz_tenant_key *a, const struct mcpz_tenant_key *b)
{
    uint8_t first[MCPZ_TENANT_KEY_ID_BYTES];
    uint8_t second[MCPZ_TENANT_KEY_ID_BYTES];

    mcpz_tenant_key_id(a, first);
    mcpz_tenant_key_id(b, second);
    return memcmp(first, second, sizeof(first)) < 0;
}

/* The key of a tenant for a use that follows `after`, NULL: the first. NULL: there is none. */
static struct mcpz_tenant_key *find_next(const struct mcpz_keyring *keyring,
                                         enum mcpz_tenant_key_use use, struct mcpz_bytes tenant,
                                         const struct mcpz_tenant_key *after)
{
    struct mcpz_tenant_key *found = NULL;

    for (size_t i = 0; i < keyring->ring.count; i++) {
        struct mcpz_tenant_key *key = keyring->ring.keys[i];
        if (mcpz_tenant_key_use(key) == use && is_of(key, tenant) &&
            (after == NULL || goes_before(after, key)) &&
            (found == NULL || goes_before(key, found))) {
            found = key;
        }
    }
    return found;
}

static struct mcpz_tenant_key *find_key(const struct mcpz_keyring *keyring,
                                        enum mcpz_tenant_key_use use, struct mcpz_bytes tenant)
{
    return find_next(keyring, use, tenant, NULL);
}

/* Is it the first key of its tenant? Tenants are counted by those. */
static bool is_first(const struct mcpz_keyring *keyring, size_t index)
{
    const struct mcpz_bytes tenant = mcpz_tenant_key_tenant(keyring->ring.keys[index]);

    for (size_t i = 0; i < index; i++) {
        if (is_of(keyring->ring.keys[i], tenant)) {
            return false;
        }
    }
    return true;
}

static size_t count_tenants(const struct mcpz_keyring *keyring)
{
    size_t count = 0;

    for (size_t i = 0; i < keyring->ring.count; i++) {
        count += is_first(keyring, i) ? 1 : 0;
    }
    return count;
}

static struct mcpz_keyring_end *find_end(struct mcpz_keyring *keyring, struct mcpz_bytes tenant)
{
    for (size_t i = 0; i < keyring->ring.end_count; i++) {
        struct mcpz_keyring_end *end = &keyring->ring.ends[i];
        if (mcpz_bytes_equal(mcpz_bytes(end->tenant, end->tenant_length), tenant)) {
            return end;
        }
    }
    return NULL;
}

/* Now; but after `end`, if there is one. */
static uint64_t time_after(const struct mcpz_keyring_end *end)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    const uint64_t now_ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
    return end != NULL && end->at_ms >= now_ms ? end->at_ms + 1 : now_ms;
}

/* Find or make one, on the disk when it returns. */
static mcpz_error obtain(struct mcpz_keyring *keyring, enum mcpz_tenant_key_use use,
                         struct mcpz_bytes tenant, struct mcpz_tenant_key **key)
{
    *key = find_key(keyring, use, tenant);
    if (*key != NULL) {
        return MCPZ_OK;
    }
    if (tenant.length == 0 || tenant.length > MCPZ_TENANT_BYTES_MAX) {
        return MCPZ_EPROTO;
    }
    if (keyring->ring.count == MCPZ_RING_KEYS_MAX ||
        (keyring->ring.count >= MCPZ_KEYRING_TENANTS_MAX &&
         count_tenants(keyring) >= MCPZ_KEYRING_TENANTS_MAX)) {
        return MCPZ_EFULL;
    }
    struct mcpz_tenant_key *made;
    mcpz_error error = mcpz_tenant_key_create(use, tenant, &made);
    if (error != MCPZ_OK) {
        return error;
    }
    mcpz_tenant_key_set_made_ms(made, time_after(find_end(keyring, tenant)));
    keyring->ring.keys[keyring->ring.count++] = made;
    error = write_ring(keyring, keyring->node_key, NULL);
    if (error != MCPZ_OK) {
        keyring->ring.count--;
        mcpz_tenant_key_destroy(made);
        return error;
    }
    *key = made;
    return MCPZ_OK;
}

static void lock(struct mcpz_keyring *keyring)
{
    int failed = pthread_mutex_lock(&keyring->mutex);
    assert(failed == 0);
}

static void unlock(struct mcpz_keyring *keyring)
{
    int failed = pthread_mutex_unlock(&keyring->mutex);
    assert(failed == 0);
}

const struct mcpz_tenant_key *mcpz_keyring_find(struct mcpz_keyring *keyring,
                                                struct mcpz_bytes tenant)
{
    lock(keyring);
    const struct mcpz_tenant_key *key = find_key(keyring, MCPZ_KEY_OF_BLOBS, tenant);
    unlock(keyring);
    return key;
}

const struct mcpz_tenant_key *mcpz_keyring_next(struct mcpz_keyring *keyring,
                                                struct mcpz_bytes tenant,
                                                const struct mcpz_tenant_key *after)
{
    lock(keyring);
    const struct mcpz_tenant_key *key = find_next(keyring, MCPZ_KEY_OF_BLOBS, tenant, after);
    unlock(keyring);
    return key;
}

mcpz_error mcpz_keyring_obtain(struct mcpz_keyring *keyring, struct mcpz_bytes tenant,
                               const struct mcpz_tenant_key **key)
{
    struct mcpz_tenant_key *found = NULL;

    lock(keyring);
    mcpz_error error = obtain(keyring, MCPZ_KEY_OF_BLOBS, tenant, &found);
    unlock(keyring);
    *key = found;
    return error;
}

mcpz_error mcpz_keyring_lend(struct mcpz_keyring *keyring, struct mcpz_bytes tenant,
                             struct mcpz_tenant_key **key)
{
    struct mcpz_tenant_key *found = NULL;

    *key = NULL;
    lock(keyring);
    mcpz_error error = obtain(keyring, MCPZ_KEY_OF_RECORDS, tenant, &found);
    if (error == MCPZ_OK) {
        error = mcpz_tenant_key_copy(found, key);
    }
    unlock(keyring);
    return error;
}

static bool has_id(const struct mcpz_tenant_key *key, const uint8_t *id)
{
    uint8_t own[MCPZ_TENANT_KEY_ID_BYTES];

    mcpz_tenant_key_id(key, own);
    return memcmp(own, id, sizeof(own)) == 0;
}

static bool is_shredded(const struct mcpz_keyring *keyring, const uint8_t *id)
{
    for (size_t i = 0; i < keyring->ring.shredded_count; i++) {
        if (memcmp(keyring->ring.shredded[i], id, MCPZ_TENANT_KEY_ID_BYTES) == 0) {
            return true;
        }
    }
    return false;
}

static mcpz_error find_by_id(const struct mcpz_keyring *keyring, const uint8_t *id,
                             const struct mcpz_tenant_key **key)
{
    for (size_t i = 0; i < keyring->ring.count; i++) {
        if (has_id(keyring->ring.keys[i], id)) {
            *key = keyring->ring.keys[i];
            return MCPZ_OK;
        }
    }
    return is_shredded(keyring, id) ? MCPZ_EEXPIRED : MCPZ_ENOTFOUND;
}

mcpz_error mcpz_keyring_find_by_id(struct mcpz_keyring *keyring, const uint8_t *id,
                                   const struct mcpz_tenant_key **key)
{
    lock(keyring);
    mcpz_error error = find_by_id(keyring, id, key);
    unlock(keyring);
    return error;
}

mcpz_error mcpz_keyring_lend_by_id(struct mcpz_keyring *keyring, const uint8_t *id,
                                   struct mcpz_tenant_key **key)
{
    const struct mcpz_tenant_key *found = NULL;

    *key = NULL;
    lock(keyring);
    mcpz_error error = find_by_id(keyring, id, &found);
    if (error == MCPZ_OK) {
        error = mcpz_tenant_key_copy(found, key);
    }
    unlock(keyring);
    return error;
}

/* ---- Shared with other nodes ---------------------------------------------------------------- */

size_t mcpz_keyring_show(struct mcpz_keyring *keyring, uint8_t *bytes, size_t capacity)
{
    size_t at = 0;

    lock(keyring);
    for (size_t i = 0; i < keyring->ring.count; i++) {
        const struct mcpz_tenant_key *key = keyring->ring.keys[i];
        const struct mcpz_bytes tenant = mcpz_tenant_key_tenant(key);
        if (mcpz_tenant_key_use(key) == MCPZ_KEY_OF_BLOBS &&
            capacity - at >= 8 + MCPZ_NODE_KEY_BYTES + 1 + tenant.length) {
            mcpz_ring_write_time(bytes + at, mcpz_tenant_key_made_ms(key));
            mcpz_tenant_key_show(key, bytes + at + 8);
            at += 8 + MCPZ_NODE_KEY_BYTES;
            bytes[at++] = (uint8_t)tenant.length;
            memcpy(bytes + at, tenant.data, tenant.length);
            at += tenant.length;
        }
    }
    unlock(keyring);
    return at;
}

/* Take one key in, unless it is here, has ended, or there is no room. False: it is none. */
static bool adopt(struct mcpz_keyring *keyring, struct mcpz_bytes *left, size_t *adopted)
{
    const uint8_t *at = left->data;
    struct mcpz_tenant_key *key;
    struct mcpz_bytes tenant;
    uint8_t id[MCPZ_TENANT_KEY_ID_BYTES];
    const struct mcpz_tenant_key *known = NULL;

    if (left->length < 8 + MCPZ_NODE_KEY_BYTES) {
        return false;
    }
    *left = mcpz_bytes(at + 8 + MCPZ_NODE_KEY_BYTES, left->length - 8 - MCPZ_NODE_KEY_BYTES);
    if (!mcpz_ring_take_tenant(left, &tenant) ||
        mcpz_tenant_key_restore(MCPZ_KEY_OF_BLOBS, tenant, at + 8, &key) != MCPZ_OK) {
        return false;
    }
    mcpz_tenant_key_set_made_ms(key, mcpz_ring_read_time(at));
    mcpz_tenant_key_id(key, id);
    if (keyring->ring.count == MCPZ_RING_KEYS_MAX ||
        mcpz_ring_ends(key, find_end(keyring, tenant)) ||
        find_by_id(keyring, id, &known) != MCPZ_ENOTFOUND) {
        mcpz_tenant_key_destroy(key);
        return true;
    }
    keyring->ring.keys[keyring->ring.count++] = key;
    (*adopted)++;
    return true;
}

mcpz_error mcpz_keyring_adopt(struct mcpz_keyring *keyring, struct mcpz_bytes shown)
{
    size_t adopted = 0;
    mcpz_error error = MCPZ_OK;

    lock(keyring);
    while (error == MCPZ_OK && shown.length > 0) {
        error = adopt(keyring, &shown, &adopted) ? MCPZ_OK : MCPZ_EPROTO;
    }
    if (adopted > 0) {
        const mcpz_error kept = write_ring(keyring, keyring->node_key, NULL);
        for (; kept != MCPZ_OK && adopted > 0; adopted--) {
            mcpz_tenant_key_destroy(keyring->ring.keys[--keyring->ring.count]);
        }
        error = kept != MCPZ_OK ? kept : error;
    }
    unlock(keyring);
    return error;
}

/* ---- Another node key, and none ------------------------------------------------------------- */

/* A new node key beside the old one, the ring wrapped with it, then in the old one's place. */
static mcpz_error rewrap(struct mcpz_keyring *keyring, const struct mcpz_keyring_end *ending)
{
    struct mcpz_node_key *fresh = NULL;

    mcpz_error error = mcpz_key_home_renew(&keyring->home, &fresh);
    if (error == MCPZ_OK) {
        error = write_ring(keyring, fresh, ending);
    }
    if (error != MCPZ_OK) {
        mcpz_node_key_destroy(fresh); /* its file stays, in case that the ring was replaced */
        return error;
    }
    take_key(keyring, fresh);
    mcpz_key_home_replace(&keyring->home);
    return MCPZ_OK;
}

mcpz_error mcpz_keyring_rotate(struct mcpz_keyring *keyring)
{
    lock(keyring);
    mcpz_error error = rewrap(keyring, NULL);
    unlock(keyring);
    return error;
}

static void note_shredded(struct mcpz_keyring *keyring, const struct mcpz_tenant_key *key)
{
    if (keyring->ring.shredded_count == MCPZ_KEYRING_SHREDDED_MAX) {
        memmove(keyring->ring.shredded[0], keyring->ring.shredded[1],
                (MCPZ_KEYRING_SHREDDED_MAX - 1) * MCPZ_TENANT_KEY_ID_BYTES);
        keyring->ring.shredded_count--;
    }
    mcpz_tenant_key_id(key, keyring->ring.shredded[keyring->ring.shredded_count++]);
}

/* When an end that is said now is: no key of the tenant's is younger. 0: it has none. */
static uint64_t end_now(struct mcpz_keyring *keyring, struct mcpz_bytes tenant)
{
    uint64_t at_ms = 0;

    for (size_t i = 0; i < keyring->ring.count; i++) {
        if (is_of(keyring->ring.keys[i], tenant)) {
            const uint64_t made_ms = mcpz_tenant_key_made_ms(keyring->ring.keys[i]);
            at_ms = at_ms < made_ms ? made_ms : at_ms;
            at_ms = at_ms == 0 ? 1 : at_ms;
        }
    }
    const uint64_t now_ms = time_after(find_end(keyring, tenant));
    return at_ms != 0 && at_ms < now_ms ? now_ms : at_ms;
}

/* Drop the keys that are not in the ring any more. */
static void drop(struct mcpz_keyring *keyring, const struct mcpz_keyring_end *end)
{
    size_t kept = 0;

    for (size_t i = 0; i < keyring->ring.count; i++) {
        struct mcpz_tenant_key *key = keyring->ring.keys[i];
        if (mcpz_ring_ends(key, end)) {
            mcpz_tenant_key_destroy(key);
        } else {
            keyring->ring.keys[kept++] = key;
        }
    }
    keyring->ring.count = kept;
}

static mcpz_error shred(struct mcpz_keyring *keyring, const struct mcpz_keyring_end *end)
{
    struct mcpz_keyring_end *known =
        find_end(keyring, mcpz_bytes(end->tenant, end->tenant_length));
    const struct mcpz_keyring_end before = known != NULL ? *known : *end;
    bool has_one = false;

    if (known != NULL && known->at_ms >= end->at_ms) {
        return MCPZ_OK;
    }
    if (known == NULL && keyring->ring.end_count == MCPZ_KEYRING_ENDS_MAX) {
        return MCPZ_EFULL;
    }
    for (size_t i = 0; i < keyring->ring.count; i++) {
        if (mcpz_ring_ends(keyring->ring.keys[i], end)) {
            has_one = true;
            note_shredded(keyring, keyring->ring.keys[i]);
        }
    }
    if (known == NULL) {
        known = &keyring->ring.ends[keyring->ring.end_count++];
    }
    *known = *end;
    /* If this fails, some that are still there are noted: they are found before the note is. */
    const bool renews = has_one && keyring->home.place != MCPZ_KEY_IN_ENVIRONMENT;
    mcpz_error error = renews ? rewrap(keyring, end) : write_ring(keyring, keyring->node_key, end);
    if (error != MCPZ_OK) {
        *known = before;
        known->at_ms = before.at_ms == end->at_ms ? 0 : before.at_ms;
        return error;
    }
    drop(keyring, end);
    return MCPZ_OK;
}

mcpz_error mcpz_keyring_shred(struct mcpz_keyring *keyring, struct mcpz_bytes tenant,
                              uint64_t at_ms, uint64_t floor_ms)
{
    struct mcpz_keyring_end end = {.at_ms = at_ms};

    if (tenant.length == 0 || tenant.length > MCPZ_TENANT_BYTES_MAX) {
        return MCPZ_ENOTFOUND;
    }
    memcpy(end.tenant, tenant.data, tenant.length);
    end.tenant_length = (uint8_t)tenant.length;
    lock(keyring);
    if (at_ms == 0) {
        end.at_ms = end_now(keyring, tenant);
        end.at_ms = end.at_ms != 0 && end.at_ms < floor_ms ? floor_ms : end.at_ms;
    }
    mcpz_error error = end.at_ms == 0 ? MCPZ_ENOTFOUND : shred(keyring, &end);
    unlock(keyring);
    return error;
}

bool mcpz_keyring_end(struct mcpz_keyring *keyring, size_t index, struct mcpz_keyring_end *end)
{
    lock(keyring);
    const bool is_there = index < keyring->ring.end_count;
    if (is_there) {
        *end = keyring->ring.ends[index];
    }
    unlock(keyring);
    return is_there;
}

uint64_t mcpz_keyring_end_of(struct mcpz_keyring *keyring, struct mcpz_bytes tenant)
{
    lock(keyring);
    const struct mcpz_keyring_end *end = find_end(keyring, tenant);
    const uint64_t at_ms = end != NULL ? end->at_ms : 0;
    unlock(keyring);
    return at_ms;
}

size_t mcpz_keyring_count(struct mcpz_keyring *keyring)
{
    lock(keyring);
    const size_t count = count_tenants(keyring);
    unlock(keyring);
    return count;
}

struct mcpz_bytes mcpz_keyring_tenant(struct mcpz_keyring *keyring, size_t index)
{
    struct mcpz_bytes tenant = mcpz_bytes(NULL, 0);

    lock(keyring);
    for (size_t i = 0; i < keyring->ring.count; i++) {
        if (is_first(keyring, i) && index-- == 0) {
            tenant = mcpz_tenant_key_tenant(keyring->ring.keys[i]);
            break;
        }
    }
    unlock(keyring);
    return tenant;
}

void mcpz_keyring_node_key_id(struct mcpz_keyring *keyring, uint8_t *id)
{
    lock(keyring);
    mcpz_node_key_id(keyring->node_key, id);
    unlock(keyring);
}

void mcpz_keyring_whereabouts(struct mcpz_keyring *keyring,
                              struct mcpz_key_whereabouts *whereabouts)
{
    lock(keyring);
    mcpz_key_home_tell(&keyring->home, whereabouts);
    unlock(keyring);
}

void mcpz_keyring_show_node_key(struct mcpz_keyring *keyring, uint8_t *bytes)
{
    lock(keyring);
    mcpz_node_key_show(keyring->node_key, bytes);
    unlock(keyring);
}
