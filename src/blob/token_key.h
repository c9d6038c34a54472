/*
 * A key in a PKCS#11 token (a smart card, an HSM, a TPM): it wraps the secret that the node key is
 * sealed with (token_file.h), and never leaves the token.
 *
 * The module is a shared library, loaded for one of these calls and let go of at its end: a node
 * that has no token configured neither loads nor links anything, and one that has asks it once,
 * before it runs. Calls may take seconds, or as long as a person needs at a PIN pad.
 *
 *   AES     CKM_AES_GCM, else CKM_AES_CBC (which YubiHSM 2 and TPMs have)
 *   RSA     CKM_RSA_PKCS_OAEP, the public half in the token as well (YubiKey PIV)
 *
 * What is wrapped is unwrapped once before anything relies on it. Authenticity is not asked of the
 * token: token_file.h has its own. Left out: C_WrapKey (what it unwraps is an object of the
 * token's, which has to be read back), ECDH, PINs that are wanted for each use
 * (CKA_ALWAYS_AUTHENTICATE).
 *
 * A PIN is tried once, and never when the token says that it has one try left: so a node that is
 * started over and over does not lock it.
 *
 * Source: PKCS #11 v2.40 base specification, 5; current mechanisms, 2.1, 2.11, 2.12.
 */

#ifndef BLOB_TOKEN_KEY_H
#define BLOB_TOKEN_KEY_H

#include <stdbool.h>

#include <mcpz/error.h>

#include "base/attr.h"
#include "blob/token_file.h"
#include "crypto/tenant_key.h"

#define MCPZ_TOKEN_OBJECT_DEFAULT "mcpz"
#define MCPZ_TOKEN_PIN_BYTES_MAX 255

struct mcpz_token_config {
    const char *module; /* absolute path of the shared library */
    const char *token;  /* its label, or a pkcs11: URI */
    const char *object; /* label of the key, where the URI says none; NULL: the default */
    const char *pin;    /* "env:NAME" or "file:PATH"; NULL: there is none, or a PIN pad */
};

/* Why it cannot be used, for people: what, where, what to do. */
struct mcpz_token_trouble {
    char text[448];
};

/**
 * Make a secret and have it wrapped: all of `file` but the sealed node key is set. Without a key
 * of that name in the token an AES key is made there; `fresh`: in any case.
 *
 * Errors: MCPZ_ECONFIG    the module or the configuration is no good
 *         MCPZ_ENOTFOUND  no such token
 *         MCPZ_EAUTH      the PIN is missing or wrong, or the token is locked
 *         MCPZ_ECONFLICT  several tokens or keys are called so
 *         MCPZ_EUNSUPPORTED  it can do nothing that is needed; MCPZ_EIO, MCPZ_ENOMEM
 */
MCPZ_MUST_USE mcpz_error mcpz_token_key_wrap(const struct mcpz_token_config *config, bool fresh,
                                             struct mcpz_token_file *file,
                                             struct mcpz_node_key **secret,
                                             struct mcpz_token_trouble *trouble);

/**
 * Have the token unwrap the secret of a file.
 *
 * Errors: as above; MCPZ_ENOTFOUND  also: the key is not in it; MCPZ_EAUTH  also: it is another
 */
MCPZ_MUST_USE mcpz_error mcpz_token_key_unwrap(const struct mcpz_token_config *config,
                                               const struct mcpz_token_file *file,
                                               struct mcpz_node_key **secret,
                                               struct mcpz_token_trouble *trouble);

/** Destroy the key in the token that `file` names. Errors: as above */
MCPZ_MUST_USE mcpz_error mcpz_token_key_remove(const struct mcpz_token_config *config,
                                               const struct mcpz_token_file *file,
                                               struct mcpz_token_trouble *trouble);

/**
 * Is the token there, and a PIN for it? Without trying that. `found`: which token it is. Errors:
 * as above
 */
MCPZ_MUST_USE mcpz_error mcpz_token_key_look(const struct mcpz_token_config *config,
                                             struct mcpz_pkcs11_uri *found,
                                             struct mcpz_token_trouble *trouble);

#endif
