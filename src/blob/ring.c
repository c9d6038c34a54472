#include "blob/ring.h"

#include <assert.h>
#include <string.h>

#define MARK "mcpzring"
#define MARK_BYTES (sizeof(MARK) - 1)
#define VERSION 3
#define COUNT_AT (MCPZ_RING_HEAD_BYTES - 6)
#define SHREDDED_AT (MCPZ_RING_HEAD_BYTES - 4)
#define ENDS_AT (MCPZ_RING_HEAD_BYTES - 2)

static_assert(MCPZ_RING_HEAD_BYTES == MARK_BYTES + 1 + MCPZ_NODE_KEY_ID_BYTES + 6, "the head");

static void write_count(uint8_t *at, size_t count)
{
    at[0] = (uint8_t)(count >> 8);
    at[1] = (uint8_t)count;
}

static size_t read_count(const uint8_t *at)
{
    return (size_t)at[0] << 8 | at[1];
}

static void digest_of(struct mcpz_bytes bytes, uint8_t *digest)
{
    mcpz_digest(MCPZ_DIGEST_SEALED, bytes, digest);
}

void mcpz_ring_write_time(uint8_t *at, uint64_t ms)
{
    for (size_t i = 0; i < MCPZ_RING_TIME_BYTES; i++) {
        at[i] = (uint8_t)(ms >> (56 - 8 * i));
    }
}

uint64_t mcpz_ring_read_time(const uint8_t *at)
{
    uint64_t ms = 0;

    for (size_t i = 0; i < MCPZ_RING_TIME_BYTES; i++) {
        ms = ms << 8 | at[i];
    }
    return ms;
}

bool mcpz_ring_ends(const struct mcpz_tenant_key *key, const struct mcpz_keyring_end *end)
{
    return end != NULL && mcpz_tenant_key_made_ms(key) <= end->at_ms &&
           mcpz_bytes_equal(mcpz_tenant_key_tenant(key),
                            mcpz_bytes(end->tenant, end->tenant_length));
}

bool mcpz_ring_take_tenant(struct mcpz_bytes *left, struct mcpz_bytes *tenant)
{
    if (left->length < 1 || left->data[0] == 0 || left->data[0] > MCPZ_TENANT_BYTES_MAX ||
        left->length < 1 + (size_t)left->data[0]) {
        return false;
    }
    *tenant = mcpz_bytes(left->data + 1, left->data[0]);
    *left = mcpz_bytes(tenant->data + tenant->length, left->length - 1 - tenant->length);
    return true;
}

/* All keys but those that `ending` ends, wrapped with `node_key`. Returns how many bytes. */
static size_t write_keys(const struct mcpz_ring *ring, const struct mcpz_node_key *node_key,
                         const struct mcpz_keyring_end *ending, uint8_t *bytes, size_t *count)
{
    size_t at = 0;

    *count = 0;
    for (size_t i = 0; i < ring->count; i++) {
        const struct mcpz_tenant_key *key = ring->keys[i];
        const struct mcpz_bytes tenant = mcpz_tenant_key_tenant(key);
        if (!mcpz_ring_ends(key, ending)) {
            bytes[at++] = (uint8_t)mcpz_tenant_key_use(key);
            mcpz_ring_write_time(bytes + at, mcpz_tenant_key_made_ms(key));
            at += 8;
            bytes[at++] = (uint8_t)tenant.length;
            memcpy(bytes + at, tenant.data, tenant.length);
            at += tenant.length;
            mcpz_tenant_key_wrap(key, node_key, bytes + at);
            at += MCPZ_WRAPPED_KEY_BYTES;
            (*count)++;
        }
    }
    return at;
}

static size_t write_ends(const struct mcpz_ring *ring, uint8_t *bytes)
{
    size_t at = 0;

    for (size_t i = 0; i < ring->end_count; i++) {
        const struct mcpz_keyring_end *end = &ring->ends[i];
        mcpz_ring_write_time(bytes + at, end->at_ms);
        at += 8;
        bytes[at++] = end->tenant_length;
        memcpy(bytes + at, end->tenant, end->tenant_length);
        at += end->tenant_length;
    }
    return at;
}

static mcpz_error read_row(struct mcpz_ring *ring, const struct mcpz_node_key *node_key,
                           struct mcpz_bytes *left)
{
    struct mcpz_bytes tenant;

    if (left->length < 9 || left->data[0] < MCPZ_KEY_OF_BLOBS ||
        left->data[0] >= MCPZ_KEY_USE_END) {
        return MCPZ_ECORRUPT;
    }
    const enum mcpz_tenant_key_use use = (enum mcpz_tenant_key_use)left->data[0];
    const uint64_t made_ms = mcpz_ring_read_time(left->data + 1);
    *left = mcpz_bytes(left->data + 9, left->length - 9);
    if (!mcpz_ring_take_tenant(left, &tenant) || left->length < MCPZ_WRAPPED_KEY_BYTES) {
        return MCPZ_ECORRUPT;
    }
    mcpz_error error =
        mcpz_tenant_key_unwrap(node_key, use, tenant, left->data, &ring->keys[ring->count]);
    if (error != MCPZ_OK) {
        return error == MCPZ_EAUTH ? MCPZ_ECORRUPT : error;
    }
    mcpz_tenant_key_set_made_ms(ring->keys[ring->count++], made_ms);
    *left = mcpz_bytes(left->data + MCPZ_WRAPPED_KEY_BYTES, left->length - MCPZ_WRAPPED_KEY_BYTES);
    return MCPZ_OK;
}

static mcpz_error read_end(struct mcpz_ring *ring, struct mcpz_bytes *left)
{
    struct mcpz_keyring_end *end = &ring->ends[ring->end_count];
    struct mcpz_bytes tenant;

    if (left->length < 8) {
        return MCPZ_ECORRUPT;
    }
    end->at_ms = mcpz_ring_read_time(left->data);
    *left = mcpz_bytes(left->data + 8, left->length - 8);
    if (!mcpz_ring_take_tenant(left, &tenant)) {
        return MCPZ_ECORRUPT;
    }
    memcpy(end->tenant, tenant.data, tenant.length);
    end->tenant_length = (uint8_t)tenant.length;
    ring->end_count++;
    return MCPZ_OK;
}

void mcpz_ring_clear(struct mcpz_ring *ring)
{
    for (size_t i = 0; i < ring->count; i++) {
        mcpz_tenant_key_destroy(ring->keys[i]);
    }
    ring->count = 0;
}

size_t mcpz_ring_write(const struct mcpz_ring *ring, const struct mcpz_node_key *node_key,
                       const struct mcpz_keyring_end *ending, uint8_t *bytes)
{
    size_t at = MCPZ_RING_HEAD_BYTES;
    size_t count;

    at += write_keys(ring, node_key, ending, bytes + at, &count);
    at += write_ends(ring, bytes + at);
    memcpy(bytes + at, ring->shredded, ring->shredded_count * MCPZ_TENANT_KEY_ID_BYTES);
    at += ring->shredded_count * MCPZ_TENANT_KEY_ID_BYTES;
    memcpy(bytes, MARK, MARK_BYTES);
    bytes[MARK_BYTES] = VERSION;
    mcpz_node_key_id(node_key, bytes + MARK_BYTES + 1);
    write_count(bytes + COUNT_AT, count);
    write_count(bytes + SHREDDED_AT, ring->shredded_count);
    write_count(bytes + ENDS_AT, ring->end_count);
    digest_of(mcpz_bytes(bytes, at), bytes + at);
    return at + MCPZ_DIGEST_BYTES;
}

mcpz_error mcpz_ring_check(struct mcpz_bytes bytes, const uint8_t **key_id)
{
    uint8_t digest[MCPZ_DIGEST_BYTES];

    if (bytes.length < MCPZ_RING_HEAD_BYTES + MCPZ_DIGEST_BYTES ||
        memcmp(bytes.data, MARK, MARK_BYTES) != 0) {
        return MCPZ_ECORRUPT;
    }
    if (bytes.data[MARK_BYTES] != VERSION) {
        return MCPZ_EVERSION;
    }
    digest_of(mcpz_bytes(bytes.data, bytes.length - sizeof(digest)), digest);
    *key_id = bytes.data + MARK_BYTES + 1;
    return memcmp(digest, bytes.data + bytes.length - sizeof(digest), sizeof(digest)) == 0 &&
                   read_count(bytes.data + COUNT_AT) <= MCPZ_RING_KEYS_MAX &&
                   read_count(bytes.data + SHREDDED_AT) <= MCPZ_KEYRING_SHREDDED_MAX &&
                   read_count(bytes.data + ENDS_AT) <= MCPZ_KEYRING_ENDS_MAX
               ? MCPZ_OK
               : MCPZ_ECORRUPT;
}

mcpz_error mcpz_ring_read(struct mcpz_ring *ring, const struct mcpz_node_key *node_key,
                          struct mcpz_bytes bytes)
{
    struct mcpz_bytes left = mcpz_bytes(bytes.data + MCPZ_RING_HEAD_BYTES,
                                        bytes.length - MCPZ_RING_HEAD_BYTES - MCPZ_DIGEST_BYTES);
    const size_t count = read_count(bytes.data + COUNT_AT);
    const size_t shredded = read_count(bytes.data + SHREDDED_AT);
    const size_t ends = read_count(bytes.data + ENDS_AT);
    mcpz_error error = MCPZ_OK;

    for (size_t i = 0; error == MCPZ_OK && i < count; i++) {
        error = read_row(ring, node_key, &left);
    }
    for (size_t i = 0; error == MCPZ_OK && i < ends; i++) {
        error = read_end(ring, &left);
    }
    if (error != MCPZ_OK) {
        return error;
    }
    if (left.length != shredded * MCPZ_TENANT_KEY_ID_BYTES) {
        return MCPZ_ECORRUPT;
    }
    memcpy(ring->shredded, left.data, left.length);
    ring->shredded_count = shredded;
    return MCPZ_OK;
}
