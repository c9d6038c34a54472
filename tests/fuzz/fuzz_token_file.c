/* Feed any bytes to the reader of a node key that a token wraps, and to that of pkcs11: URIs. What
 * is accepted is what would be written, and holds nothing that people must not see. */

#include <stdlib.h>
#include <string.h>

#include "blob/token_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static void check_text(const char *text, size_t bytes_max)
{
    if (strlen(text) > bytes_max || !mcpz_bytes_is_utf8(mcpz_text(text))) {
        abort();
    }
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text < 0x20 || *text == 0x7f) {
            abort();
        }
    }
}

static void check_key(const struct mcpz_pkcs11_uri *key)
{
    check_text(key->token, MCPZ_PKCS11_TOKEN_BYTES_MAX);
    check_text(key->manufacturer, MCPZ_PKCS11_TOKEN_BYTES_MAX);
    check_text(key->model, MCPZ_PKCS11_MODEL_BYTES_MAX);
    check_text(key->serial, MCPZ_PKCS11_MODEL_BYTES_MAX);
    check_text(key->object, MCPZ_PKCS11_OBJECT_BYTES_MAX);
    if (key->id_length > MCPZ_PKCS11_ID_BYTES_MAX) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    uint8_t again[MCPZ_TOKEN_FILE_BYTES_MAX];
    struct mcpz_token_file file;
    struct mcpz_pkcs11_uri uri;

    if (mcpz_token_file_read(mcpz_bytes(bytes, length), &file) == MCPZ_OK) {
        check_key(&file.key);
        if (mcpz_token_file_write(&file, again) != length || memcmp(again, bytes, length) != 0) {
            abort();
        }
    }
    char *text = malloc(length + 1);
    if (text == NULL) {
        return 0;
    }
    if (length > 0) {
        memcpy(text, bytes, length);
    }
    text[length] = '\0';
    if (mcpz_pkcs11_uri_read(text, &uri) == NULL) {
        check_key(&uri);
    }
    free(text);
    return 0;
}
