#include "blob/manifest.h"

#include <assert.h>
#include <endian.h>
#include <string.h>

#include "blob/fastcdc.h"

#define MARK 'M'

uint64_t mcpz_manifest_bytes(const struct mcpz_manifest *manifest)
{
    uint64_t bytes = 0;

    for (size_t i = 0; i < manifest->count; i++) {
        bytes += manifest->entries[i].bytes;
    }
    return bytes;
}

size_t mcpz_manifest_encode(const struct mcpz_manifest *manifest, uint8_t *bytes)
{
    uint8_t *at = bytes + MCPZ_MANIFEST_HEAD_BYTES;

    assert(manifest->level < MCPZ_MANIFEST_LEVELS_MAX);
    assert(manifest->count <= MCPZ_MANIFEST_ENTRIES_MAX);
    bytes[0] = MARK;
    bytes[1] = manifest->level;
    bytes[2] = (uint8_t)(manifest->count >> 8);
    bytes[3] = (uint8_t)manifest->count;
    for (size_t i = 0; i < manifest->count; i++) {
        const struct mcpz_manifest_entry *entry = &manifest->entries[i];
        const uint64_t size = htobe64(entry->bytes);
        memcpy(at, entry->id.bytes, MCPZ_ID_BYTES);
        memcpy(at + MCPZ_ID_BYTES, entry->sealed.bytes, MCPZ_ID_BYTES);
        memcpy(at + 2 * (size_t)MCPZ_ID_BYTES, &size, sizeof(size));
        at += MCPZ_MANIFEST_ENTRY_BYTES;
    }
    return (size_t)(at - bytes);
}

static bool is_valid_size(uint64_t bytes, uint8_t level)
{
    const uint64_t most = level == 0 ? MCPZ_CHUNK_PLAIN_BYTES_MAX : MCPZ_BLOB_BYTES_MAX;
    return bytes > 0 && bytes <= most;
}

mcpz_error mcpz_manifest_decode(struct mcpz_bytes bytes, struct mcpz_manifest *manifest)
{
    const uint8_t *at = bytes.data + MCPZ_MANIFEST_HEAD_BYTES;

    if (bytes.length < MCPZ_MANIFEST_HEAD_BYTES || bytes.data[0] != MARK ||
        bytes.data[1] >= MCPZ_MANIFEST_LEVELS_MAX) {
        return MCPZ_EPROTO;
    }
    manifest->level = bytes.data[1];
    manifest->count = (size_t)bytes.data[2] << 8 | bytes.data[3];
    if (manifest->count > MCPZ_MANIFEST_ENTRIES_MAX ||
        bytes.length != MCPZ_MANIFEST_HEAD_BYTES + manifest->count * MCPZ_MANIFEST_ENTRY_BYTES ||
        (manifest->count == 0 && manifest->level > 0)) {
        return MCPZ_EPROTO;
    }
    for (size_t i = 0; i < manifest->count; i++) {
        struct mcpz_manifest_entry *entry = &manifest->entries[i];
        memcpy(entry->id.bytes, at, MCPZ_ID_BYTES);
        memcpy(entry->sealed.bytes, at + MCPZ_ID_BYTES, MCPZ_ID_BYTES);
        memcpy(&entry->bytes, at + 2 * (size_t)MCPZ_ID_BYTES, sizeof(entry->bytes));
        entry->bytes = be64toh(entry->bytes);
        if (!is_valid_size(entry->bytes, manifest->level)) {
            return MCPZ_EPROTO;
        }
        at += MCPZ_MANIFEST_ENTRY_BYTES;
    }
    return mcpz_manifest_bytes(manifest) <= MCPZ_BLOB_BYTES_MAX ? MCPZ_OK : MCPZ_EPROTO;
}

size_t mcpz_manifest_find(const struct mcpz_manifest *manifest, uint64_t offset, uint64_t *begins)
{
    size_t at = 0;

    *begins = 0;
    while (at + 1 < manifest->count && offset - *begins >= manifest->entries[at].bytes) {
        *begins += manifest->entries[at++].bytes;
    }
    return at;
}
