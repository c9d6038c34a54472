#include "blob/token_file.h"

#include <assert.h>
#include <string.h>

#define MARK "mcpztokn"
#define MARK_BYTES (sizeof(MARK) - 1)
#define VERSION 1
#define HEAD_BYTES (MARK_BYTES + 2 + MCPZ_NODE_KEY_ID_BYTES)

/* ---- Writing -------------------------------------------------------------------------------- */

static size_t put(uint8_t *bytes, size_t at, const void *text, size_t length)
{
    assert(length <= UINT8_MAX);
    bytes[at++] = (uint8_t)length;
    memcpy(bytes + at, text, length);
    return at + length;
}

/* All but the sealed key: what that is bound to. */
static size_t write_head(const struct mcpz_token_file *file, uint8_t *bytes)
{
    const struct mcpz_pkcs11_uri *key = &file->key;
    size_t at = HEAD_BYTES;

    assert(file->wrapped_length <= sizeof(file->wrapped));
    memcpy(bytes, MARK, MARK_BYTES);
    bytes[MARK_BYTES] = VERSION;
    bytes[MARK_BYTES + 1] = (uint8_t)file->scheme;
    memcpy(bytes + MARK_BYTES + 2, file->key_id, sizeof(file->key_id));
    at = put(bytes, at, key->token, strlen(key->token));
    at = put(bytes, at, key->serial, strlen(key->serial));
    at = put(bytes, at, key->object, strlen(key->object));
    at = put(bytes, at, key->id, key->id_length);
    bytes[at++] = (uint8_t)(file->wrapped_length >> 8);
    bytes[at++] = (uint8_t)file->wrapped_length;
    memcpy(bytes + at, file->wrapped, file->wrapped_length);
    return at + file->wrapped_length;
}

size_t mcpz_token_file_write(const struct mcpz_token_file *file, uint8_t *bytes)
{
    const size_t at = write_head(file, bytes);

    memcpy(bytes + at, file->sealed, sizeof(file->sealed));
    return at + sizeof(file->sealed);
}

/* ---- Reading -------------------------------------------------------------------------------- */

/* Take a length of one byte, and what it says. False: there is less, or it is over `most`. */
static bool take(struct mcpz_bytes *left, size_t most, struct mcpz_bytes *taken)
{
    if (left->length < 1 || left->data[0] > most || left->length - 1 < left->data[0]) {
        return false;
    }
    *taken = mcpz_bytes(left->data + 1, left->data[0]);
    *left = mcpz_bytes(taken->data + taken->length, left->length - 1 - taken->length);
    return true;
}

/* Text that may be shown to people. `text` has room for `most` + 1. */
static bool take_text(struct mcpz_bytes *left, size_t most, char *text)
{
    struct mcpz_bytes taken;

    if (!take(left, most, &taken) || !mcpz_bytes_is_utf8(taken)) {
        return false;
    }
    for (size_t i = 0; i < taken.length; i++) {
        if (taken.data[i] < 0x20 || taken.data[i] == 0x7f) {
            return false;
        }
    }
    mcpz_bytes_to_text(taken, text, most + 1);
    return true;
}

static bool take_key(struct mcpz_bytes *left, struct mcpz_pkcs11_uri *key)
{
    struct mcpz_bytes id;

    if (!take_text(left, MCPZ_PKCS11_TOKEN_BYTES_MAX, key->token) ||
        !take_text(left, MCPZ_PKCS11_MODEL_BYTES_MAX, key->serial) ||
        !take_text(left, MCPZ_PKCS11_OBJECT_BYTES_MAX, key->object) ||
        !take(left, MCPZ_PKCS11_ID_BYTES_MAX, &id)) {
        return false;
    }
    memcpy(key->id, id.data, id.length);
    key->id_length = id.length;
    return true;
}

mcpz_error mcpz_token_file_read(struct mcpz_bytes bytes, struct mcpz_token_file *file)
{
    *file = (struct mcpz_token_file){.scheme = MCPZ_TOKEN_AES_GCM};
    if (bytes.length < HEAD_BYTES || memcmp(bytes.data, MARK, MARK_BYTES) != 0) {
        return MCPZ_ECORRUPT;
    }
    if (bytes.data[MARK_BYTES] != VERSION) {
        return MCPZ_EVERSION;
    }
    const uint8_t scheme = bytes.data[MARK_BYTES + 1];
    struct mcpz_bytes left = mcpz_bytes(bytes.data + HEAD_BYTES, bytes.length - HEAD_BYTES);
    if (scheme < MCPZ_TOKEN_AES_GCM || scheme >= MCPZ_TOKEN_SCHEME_END ||
        !take_key(&left, &file->key) || left.length < 2) {
        return MCPZ_ECORRUPT;
    }
    const size_t wrapped = (size_t)left.data[0] << 8 | left.data[1];
    if (wrapped > MCPZ_TOKEN_WRAPPED_BYTES_MAX ||
        left.length != 2 + wrapped + MCPZ_WRAPPED_KEY_BYTES) {
        return MCPZ_ECORRUPT;
    }
    file->scheme = (enum mcpz_token_scheme)scheme;
    memcpy(file->key_id, bytes.data + MARK_BYTES + 2, sizeof(file->key_id));
    file->wrapped_length = wrapped;
    memcpy(file->wrapped, left.data + 2, wrapped);
    memcpy(file->sealed, left.data + 2 + wrapped, sizeof(file->sealed));
    return MCPZ_OK;
}

/* ---- Sealing -------------------------------------------------------------------------------- */

void mcpz_token_file_seal(struct mcpz_token_file *file, const struct mcpz_node_key *secret,
                          const struct mcpz_node_key *key)
{
    uint8_t head[MCPZ_TOKEN_FILE_BYTES_MAX];

    mcpz_node_key_id(key, file->key_id);
    const size_t length = write_head(file, head);
    mcpz_node_key_wrap(key, secret, mcpz_bytes(head, length), file->sealed);
}

mcpz_error mcpz_token_file_open(const struct mcpz_token_file *file,
                                const struct mcpz_node_key *secret, struct mcpz_node_key **key)
{
    uint8_t head[MCPZ_TOKEN_FILE_BYTES_MAX];
    const size_t length = write_head(file, head);

    return mcpz_node_key_unwrap(secret, mcpz_bytes(head, length), file->sealed, key);
}
