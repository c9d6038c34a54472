/*
 * Which token and which object in it: "pkcs11:token=attic;object=mcpz".
 *
 * Of RFC 7512 those attributes of the path that say what an object is and where: token, serial,
 * manufacturer, model, object, id, type. Others are refused, as are all of the query: a PIN and
 * the path of a module are not to be hidden in what names an object.
 */

#ifndef BASE_PKCS11_URI_H
#define BASE_PKCS11_URI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MCPZ_PKCS11_SCHEME "pkcs11:"
#define MCPZ_PKCS11_TOKEN_BYTES_MAX 32 /* CK_TOKEN_INFO */
#define MCPZ_PKCS11_MODEL_BYTES_MAX 16
#define MCPZ_PKCS11_OBJECT_BYTES_MAX 64 /* ours */
#define MCPZ_PKCS11_ID_BYTES_MAX 64     /* ours */

/* Texts are "" where nothing is said. */
struct mcpz_pkcs11_uri {
    char token[MCPZ_PKCS11_TOKEN_BYTES_MAX + 1];
    char manufacturer[MCPZ_PKCS11_TOKEN_BYTES_MAX + 1];
    char model[MCPZ_PKCS11_MODEL_BYTES_MAX + 1];
    char serial[MCPZ_PKCS11_MODEL_BYTES_MAX + 1];
    char object[MCPZ_PKCS11_OBJECT_BYTES_MAX + 1];
    uint8_t id[MCPZ_PKCS11_ID_BYTES_MAX];
    size_t id_length; /* 0: any */
};

/**
 * Read a URI, or the bare label of a token. NULL: it was read; else what is wrong with it, to be
 * put behind its text.
 */
const char *mcpz_pkcs11_uri_read(const char *text, struct mcpz_pkcs11_uri *uri);

#endif
