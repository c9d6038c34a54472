#include "base/pkcs11_uri.h"

#include <string.h>

#include "base/bytes.h"
#include "base/hex.h"

#define ATTRIBUTE_BYTES_MAX 64 /* of any value, decoded */

struct attribute {
    const char *name;
    char *text; /* where it goes; NULL: nowhere */
    size_t bytes_max;
};

/* Undo the percents of `text` up to its end or a semicolon. Returns where it ended; NULL: it is
 * not what the RFC allows, or too long. */
static const char *decode(const char *text, uint8_t *bytes, size_t *length)
{
    *length = 0;
    while (*text != '\0' && *text != ';') {
        if (*length == ATTRIBUTE_BYTES_MAX || (unsigned char)*text <= ' ' || *text == '?' ||
            *text == 0x7f) {
            return NULL;
        }
        if (*text != '%') {
            bytes[(*length)++] = (uint8_t)*text++;
            continue;
        }
        if (text[1] == '\0' || text[2] == '\0' ||
            !mcpz_hex_read(mcpz_bytes(text + 1, 2), bytes + *length, 1)) {
            return NULL;
        }
        (*length)++;
        text += 3;
    }
    return text;
}

static bool is_text(const uint8_t *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (bytes[i] < 0x20 || bytes[i] == 0x7f) {
            return false;
        }
    }
    return length > 0 && mcpz_bytes_is_utf8(mcpz_bytes(bytes, length));
}

/* One attribute: its value has been decoded. */
static const char *take(struct mcpz_pkcs11_uri *uri, const char *name, size_t name_length,
                        const uint8_t *value, size_t length)
{
    const struct attribute attributes[] = {
        {"token", uri->token, MCPZ_PKCS11_TOKEN_BYTES_MAX},
        {"manufacturer", uri->manufacturer, MCPZ_PKCS11_TOKEN_BYTES_MAX},
        {"model", uri->model, MCPZ_PKCS11_MODEL_BYTES_MAX},
        {"serial", uri->serial, MCPZ_PKCS11_MODEL_BYTES_MAX},
        {"object", uri->object, MCPZ_PKCS11_OBJECT_BYTES_MAX},
        {"type", NULL, ATTRIBUTE_BYTES_MAX}, /* what fits is looked for */
    };

    if (name_length == 2 && memcmp(name, "id", 2) == 0) {
        memcpy(uri->id, value, length);
        uri->id_length = length;
        return length > 0 ? NULL : "has an empty id";
    }
    for (size_t i = 0; i < sizeof(attributes) / sizeof(attributes[0]); i++) {
        const struct attribute *attribute = &attributes[i];
        if (strlen(attribute->name) != name_length ||
            memcmp(attribute->name, name, name_length) != 0) {
            continue;
        }
        if (!is_text(value, length) || length > attribute->bytes_max) {
            return "has an attribute that is empty, too long or no text";
        }
        if (attribute->text != NULL) {
            memcpy(attribute->text, value, length);
            attribute->text[length] = '\0';
        }
        return NULL;
    }
    return "has an attribute that is none of token, serial, manufacturer, model, object, id, type";
}

static const char *read_label(const char *text, struct mcpz_pkcs11_uri *uri)
{
    const size_t length = strlen(text);

    if (length > MCPZ_PKCS11_TOKEN_BYTES_MAX) {
        return "is longer than a token's label";
    }
    if (!is_text((const uint8_t *)text, length)) {
        return "is no label: it is empty, or no text";
    }
    memcpy(uri->token, text, length);
    return NULL;
}

const char *mcpz_pkcs11_uri_read(const char *text, struct mcpz_pkcs11_uri *uri)
{
    const size_t scheme = sizeof(MCPZ_PKCS11_SCHEME) - 1;
    uint8_t value[ATTRIBUTE_BYTES_MAX];
    size_t length;

    *uri = (struct mcpz_pkcs11_uri){.token = ""};
    if (strncmp(text, MCPZ_PKCS11_SCHEME, scheme) != 0) {
        return read_label(text, uri);
    }
    for (text += scheme; *text != '\0';) {
        const size_t name_length = strcspn(text, "=;?");
        if (text[name_length] == '?') {
            return "has a query: say the PIN with keys.pin, the module with keys.module";
        }
        if (text[name_length] != '=' || name_length == 0) {
            return "is no pkcs11: URI: attributes are NAME=VALUE, with a semicolon between two";
        }
        const char *end = decode(text + name_length + 1, value, &length);
        if (end == NULL) {
            return strchr(text, '?') != NULL
                       ? "has a query: say the PIN with keys.pin, the module with keys.module"
                       : "has a value that is too long, or not written as RFC 7512 has it";
        }
        const char *fault = take(uri, text, name_length, value, length);
        if (fault != NULL) {
            return fault;
        }
        text = *end == ';' ? end + 1 : end;
    }
    return uri->token[0] != '\0' || uri->serial[0] != '\0' ? NULL
                                                           : "names no token: token= or serial=";
}
