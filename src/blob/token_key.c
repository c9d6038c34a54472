#include "blob/token_key.h"

#include <stdio.h>
#include <string.h>

#include "blob/token_module.h"
#include "crypto/identity.h"

#define SECRET_BYTES MCPZ_NODE_KEY_BYTES
#define GCM_NONCE_BYTES 12
#define GCM_TAG_BYTES 16
#define CBC_NONCE_BYTES 16
#define FOUND_MAX 2 /* one more than may be */
#define FRESH_ID_BYTES 16

/* What wraps (a public key with RSA), and what unwraps. */
struct pair {
    ck_object_handle_t wraps;
    ck_object_handle_t unwraps;
    bool is_rsa;
};

/* A mechanism and what it is told. */
struct telling {
    struct ck_mechanism mechanism;
    struct ck_gcm_params gcm;
    struct ck_rsa_pkcs_oaep_params oaep;
};

/* ---- Finding it ----------------------------------------------------------------------------- */

/* Keys of a class that are called so. `*count` is FOUND_MAX at most. */
static mcpz_error search(struct mcpz_token_session *session, ck_object_class_t class,
                         const struct mcpz_pkcs11_uri *key, ck_object_handle_t *handles,
                         unsigned long *count)
{
    struct mcpz_pkcs11_uri name = *key; /* a template is not const */
    struct ck_attribute template[3] = {{CKA_CLASS, &class, sizeof(class)}};
    unsigned long attributes = 1;

    *count = 0;
    if (name.object[0] != '\0') {
        template[attributes++] =
            (struct ck_attribute){CKA_LABEL, name.object, strlen(name.object)};
    }
    if (name.id_length > 0) {
        template[attributes++] = (struct ck_attribute){CKA_ID, name.id, name.id_length};
    }
    ck_rv_t result = session->module->C_FindObjectsInit(session->session, template, attributes);
    if (result == CKR_OK) {
        result = session->module->C_FindObjects(session->session, handles, FOUND_MAX, count);
        (void)session->module->C_FindObjectsFinal(session->session);
    }
    if (result != CKR_OK) {
        return mcpz_token_fail(session, "the token's keys cannot be listed", result);
    }
    if (*count > 1) {
        return mcpz_token_say(
            session, MCPZ_ECONFLICT,
            "the token \"%s\" has several keys called \"%s\": name one by its id "
            "as well, keys.token: \"pkcs11:token=...;object=...;id=%%..\"",
            session->found.token, name.object);
    }
    return MCPZ_OK;
}

static bool is_of_kind(struct mcpz_token_session *session, ck_object_handle_t handle,
                       ck_key_type_t wanted)
{
    ck_key_type_t type = 0;
    struct ck_attribute attribute = {CKA_KEY_TYPE, &type, sizeof(type)};

    return session->module->C_GetAttributeValue(session->session, handle, &attribute, 1) ==
               CKR_OK &&
           type == wanted;
}

/* Read label and id of what was found; what is too long for us is left out. */
static void describe(struct mcpz_token_session *session, ck_object_handle_t handle,
                     struct mcpz_pkcs11_uri *key)
{
    char label[MCPZ_PKCS11_OBJECT_BYTES_MAX + 1] = "";
    struct ck_attribute id = {CKA_ID, key->id, sizeof(key->id)};
    struct ck_attribute name = {CKA_LABEL, label, sizeof(label) - 1};

    *key = session->found;
    if (session->module->C_GetAttributeValue(session->session, handle, &id, 1) == CKR_OK &&
        id.value_len <= sizeof(key->id)) {
        key->id_length = id.value_len;
    }
    if (session->module->C_GetAttributeValue(session->session, handle, &name, 1) == CKR_OK &&
        name.value_len < sizeof(label) &&
        mcpz_bytes_is_utf8(mcpz_bytes((const uint8_t *)label, name.value_len))) {
        label[name.value_len] = '\0';
        (void)snprintf(key->object, sizeof(key->object), "%s", label);
    }
}

/* The pair that unwraps what is called `key`. None: `unwraps` is CK_INVALID_HANDLE. */
static mcpz_error find_pair(struct mcpz_token_session *session, const struct mcpz_pkcs11_uri *key,
                            struct pair *pair)
{
    ck_object_handle_t handles[FOUND_MAX];
    unsigned long count = 0;

    *pair = (struct pair){.wraps = CK_INVALID_HANDLE, .unwraps = CK_INVALID_HANDLE};
    mcpz_error error = search(session, CKO_SECRET_KEY, key, handles, &count);
    if (error == MCPZ_OK && count > 0 && is_of_kind(session, handles[0], CKK_AES)) {
        pair->wraps = pair->unwraps = handles[0];
        return MCPZ_OK;
    }
    if (error == MCPZ_OK) {
        error = search(session, CKO_PRIVATE_KEY, key, handles, &count);
    }
    if (error == MCPZ_OK && count > 0 && is_of_kind(session, handles[0], CKK_RSA)) {
        struct mcpz_pkcs11_uri public = *key;
        pair->is_rsa = true;
        pair->unwraps = handles[0];
        describe(session, handles[0], &public);
        if (public.id_length > 0) {
            public.object[0] = '\0'; /* the halves of a pair have one id, and two labels */
        }
        error = search(session, CKO_PUBLIC_KEY, &public, handles, &count);
        pair->wraps = error == MCPZ_OK && count > 0 ? handles[0] : CK_INVALID_HANDLE;
    }
    return error;
}

/* A key that stays in the token. */
static mcpz_error make_key(struct mcpz_token_session *session, struct pair *pair)
{
    struct ck_mechanism mechanism = {.mechanism = CKM_AES_KEY_GEN};
    ck_object_class_t class = CKO_SECRET_KEY;
    ck_key_type_t type = CKK_AES;
    unsigned long bytes = 32;
    unsigned char yes = 1;
    unsigned char no = 0;
    uint8_t id[FRESH_ID_BYTES];
    char *label = session->wanted.object;
    struct ck_attribute template[] = {
        {CKA_CLASS, &class, sizeof(class)},     {CKA_KEY_TYPE, &type, sizeof(type)},
        {CKA_TOKEN, &yes, sizeof(yes)},         {CKA_PRIVATE, &yes, sizeof(yes)},
        {CKA_SENSITIVE, &yes, sizeof(yes)},     {CKA_EXTRACTABLE, &no, sizeof(no)},
        {CKA_ENCRYPT, &yes, sizeof(yes)},       {CKA_DECRYPT, &yes, sizeof(yes)},
        {CKA_LABEL, label, strlen(label)},      {CKA_ID, id, sizeof(id)},
        {CKA_VALUE_LEN, &bytes, sizeof(bytes)},
    };

    mcpz_random(id, sizeof(id));
    *pair = (struct pair){.wraps = CK_INVALID_HANDLE};
    const ck_rv_t result =
        session->module->C_GenerateKey(session->session, &mechanism, template,
                                       sizeof(template) / sizeof(template[0]), &pair->unwraps);
    pair->wraps = pair->unwraps;
    return result == CKR_OK
               ? MCPZ_OK
               : mcpz_token_fail(session,
                                 "the token makes no AES key: make one, or an RSA key, with its "
                                 "own tool, and name it with keys.object",
                                 result);
}

/* ---- Wrapping ------------------------------------------------------------------------------- */

static size_t nonce_bytes(enum mcpz_token_scheme scheme)
{
    return scheme == MCPZ_TOKEN_AES_GCM   ? GCM_NONCE_BYTES
           : scheme == MCPZ_TOKEN_AES_CBC ? CBC_NONCE_BYTES
                                          : 0;
}

/* `nonce` is borrowed. */
static void tell(struct telling *telling, enum mcpz_token_scheme scheme, uint8_t *nonce)
{
    const bool is_sha1 = scheme == MCPZ_TOKEN_RSA_OAEP_SHA1;

    *telling = (struct telling){.mechanism = {.mechanism = CKM_RSA_PKCS_OAEP}};
    if (scheme == MCPZ_TOKEN_AES_GCM) {
        telling->gcm = (struct ck_gcm_params){.iv_ptr = nonce,
                                              .iv_len = GCM_NONCE_BYTES,
                                              .iv_bits = 8UL * GCM_NONCE_BYTES,
                                              .tag_bits = 8UL * GCM_TAG_BYTES};
        telling->mechanism =
            (struct ck_mechanism){CKM_AES_GCM, &telling->gcm, sizeof(telling->gcm)};
    } else if (scheme == MCPZ_TOKEN_AES_CBC) {
        telling->mechanism = (struct ck_mechanism){CKM_AES_CBC, nonce, CBC_NONCE_BYTES};
    } else {
        telling->oaep =
            (struct ck_rsa_pkcs_oaep_params){.hash_alg = is_sha1 ? CKM_SHA_1 : CKM_SHA256,
                                             .mgf = is_sha1 ? CKG_MGF1_SHA1 : CKG_MGF1_SHA256,
                                             .source = CKZ_DATA_SPECIFIED};
        telling->mechanism =
            (struct ck_mechanism){CKM_RSA_PKCS_OAEP, &telling->oaep, sizeof(telling->oaep)};
    }
}

/* Its result is `length` bytes, or it has failed. */
static ck_rv_t decrypt(struct mcpz_token_session *session, const struct pair *pair,
                       const struct mcpz_token_file *file, uint8_t *secret)
{
    const size_t nonce_length = nonce_bytes(file->scheme);
    uint8_t wrapped[MCPZ_TOKEN_WRAPPED_BYTES_MAX];
    uint8_t plain[MCPZ_TOKEN_WRAPPED_BYTES_MAX];
    unsigned long length = sizeof(plain);
    struct telling telling;

    if (file->wrapped_length < nonce_length) {
        return CKR_ENCRYPTED_DATA_LEN_RANGE;
    }
    memcpy(wrapped, file->wrapped, file->wrapped_length);
    tell(&telling, file->scheme, wrapped);
    ck_rv_t result =
        session->module->C_DecryptInit(session->session, &telling.mechanism, pair->unwraps);
    if (result == CKR_OK) {
        result = session->module->C_Decrypt(session->session, wrapped + nonce_length,
                                            file->wrapped_length - nonce_length, plain, &length);
    }
    if (result == CKR_OK && length != SECRET_BYTES) {
        result = CKR_ENCRYPTED_DATA_INVALID;
    }
    if (result == CKR_OK) {
        memcpy(secret, plain, SECRET_BYTES);
    }
    mcpz_wipe(plain, sizeof(plain));
    return result;
}

static ck_rv_t encrypt(struct mcpz_token_session *session, const struct pair *pair,
                       uint8_t *secret, struct mcpz_token_file *file)
{
    const size_t nonce_length = nonce_bytes(file->scheme);
    unsigned long length = sizeof(file->wrapped) - nonce_length;
    struct telling telling;

    mcpz_random(file->wrapped, nonce_length);
    tell(&telling, file->scheme, file->wrapped);
    ck_rv_t result =
        session->module->C_EncryptInit(session->session, &telling.mechanism, pair->wraps);
    if (result == CKR_OK) {
        result = session->module->C_Encrypt(session->session, secret, SECRET_BYTES,
                                            file->wrapped + nonce_length, &length);
    }
    file->wrapped_length = result == CKR_OK ? nonce_length + length : 0;
    return result;
}

/* Wrapped with the first scheme that unwraps it again. */
static mcpz_error wrap(struct mcpz_token_session *session, const struct pair *pair,
                       uint8_t *secret, struct mcpz_token_file *file)
{
    enum mcpz_token_scheme scheme = pair->is_rsa ? MCPZ_TOKEN_RSA_OAEP_SHA256 : MCPZ_TOKEN_AES_GCM;
    const enum mcpz_token_scheme end =
        pair->is_rsa ? MCPZ_TOKEN_SCHEME_END : MCPZ_TOKEN_RSA_OAEP_SHA256;
    uint8_t again[SECRET_BYTES] = {0};
    ck_rv_t result = CKR_OK;

    if (pair->wraps == CK_INVALID_HANDLE) {
        return mcpz_token_say(session, MCPZ_EUNSUPPORTED,
                              "the token \"%s\" holds no public key for its RSA key",
                              session->found.token);
    }
    for (; scheme < end; scheme++) {
        file->scheme = scheme;
        result = encrypt(session, pair, secret, file);
        if (result == CKR_OK) {
            result = decrypt(session, pair, file, again);
        }
        const bool is_same = memcmp(again, secret, sizeof(again)) == 0;
        mcpz_wipe(again, sizeof(again));
        if (result == CKR_OK && is_same) {
            return MCPZ_OK;
        }
    }
    mcpz_error error =
        mcpz_token_fail(session,
                        pair->is_rsa ? "the token's RSA key cannot wrap with OAEP"
                                     : "the token's AES key cannot wrap with GCM or CBC",
                        result);
    return error == MCPZ_EIO ? MCPZ_EUNSUPPORTED : error;
}

static mcpz_error wrap_fresh(struct mcpz_token_session *session, bool fresh,
                             struct mcpz_token_file *file, struct mcpz_node_key **secret)
{
    uint8_t bytes[SECRET_BYTES];
    struct pair pair = {.unwraps = CK_INVALID_HANDLE};
    mcpz_error error = fresh ? MCPZ_OK : find_pair(session, &session->wanted, &pair);

    if (error == MCPZ_OK && pair.unwraps == CK_INVALID_HANDLE) {
        error = make_key(session, &pair);
    }
    if (error != MCPZ_OK) {
        return error;
    }
    mcpz_random(bytes, sizeof(bytes));
    describe(session, pair.unwraps, &file->key);
    error = wrap(session, &pair, bytes, file);
    if (error == MCPZ_OK) {
        error = mcpz_node_key_create(bytes, secret);
    }
    mcpz_wipe(bytes, sizeof(bytes));
    return error;
}

mcpz_error mcpz_token_key_wrap(const struct mcpz_token_config *config, bool fresh,
                               struct mcpz_token_file *file, struct mcpz_node_key **secret,
                               struct mcpz_token_trouble *trouble)
{
    struct mcpz_token_session session;

    *secret = NULL;
    *file = (struct mcpz_token_file){.scheme = MCPZ_TOKEN_AES_GCM};
    mcpz_error error = mcpz_token_open(config, MCPZ_TOKEN_WRITE, &session, trouble);
    if (error == MCPZ_OK) {
        error = wrap_fresh(&session, fresh, file, secret);
    }
    mcpz_token_close(&session);
    return error;
}

/* ---- Unwrapping ----------------------------------------------------------------------------- */

/* The key that `file` names, in the token that is configured: it may be a copy of the first. */
static mcpz_error find_named(struct mcpz_token_session *session,
                             const struct mcpz_token_file *file, struct pair *pair)
{
    mcpz_error error = find_pair(session, &file->key, pair);

    if (error == MCPZ_OK && pair->unwraps == CK_INVALID_HANDLE) {
        error = mcpz_token_say(session, MCPZ_ENOTFOUND,
                               "the token \"%s\" (serial %s) has no key \"%s\": the node key was "
                               "wrapped by \"%s\" (serial %s)",
                               session->found.token, session->found.serial, file->key.object,
                               file->key.token, file->key.serial);
    }
    return error;
}

static mcpz_error unwrap(struct mcpz_token_session *session, const struct mcpz_token_file *file,
                         struct mcpz_node_key **secret)
{
    uint8_t bytes[SECRET_BYTES] = {0};
    struct pair pair;

    mcpz_error error = find_named(session, file, &pair);
    if (error != MCPZ_OK) {
        return error;
    }
    const ck_rv_t result = decrypt(session, &pair, file, bytes);
    if (result != CKR_OK) {
        error = mcpz_token_fail(session, "the token does not unwrap the node key", result);
        if (error == MCPZ_EIO) {
            error = mcpz_token_say(session, MCPZ_EAUTH,
                                   "the key \"%s\" in the token \"%s\" is not the one that the "
                                   "node key was wrapped with, or the file was changed (CKR "
                                   "0x%lx)",
                                   file->key.object, session->found.token, result);
        }
    } else {
        error = mcpz_node_key_create(bytes, secret);
    }
    mcpz_wipe(bytes, sizeof(bytes));
    return error;
}

mcpz_error mcpz_token_key_unwrap(const struct mcpz_token_config *config,
                                 const struct mcpz_token_file *file, struct mcpz_node_key **secret,
                                 struct mcpz_token_trouble *trouble)
{
    struct mcpz_token_session session;

    *secret = NULL;
    mcpz_error error = mcpz_token_open(config, MCPZ_TOKEN_READ, &session, trouble);
    if (error == MCPZ_OK) {
        error = unwrap(&session, file, secret);
    }
    mcpz_token_close(&session);
    return error;
}

/* ---- The rest ------------------------------------------------------------------------------- */

mcpz_error mcpz_token_key_remove(const struct mcpz_token_config *config,
                                 const struct mcpz_token_file *file,
                                 struct mcpz_token_trouble *trouble)
{
    struct mcpz_token_session session;
    struct pair pair;

    mcpz_error error = mcpz_token_open(config, MCPZ_TOKEN_WRITE, &session, trouble);
    if (error == MCPZ_OK) {
        error = find_named(&session, file, &pair);
    }
    if (error == MCPZ_OK) {
        const ck_rv_t result = session.module->C_DestroyObject(session.session, pair.unwraps);
        error = result == CKR_OK
                    ? MCPZ_OK
                    : mcpz_token_fail(&session, "the token keeps the old key", result);
    }
    mcpz_token_close(&session);
    return error;
}

mcpz_error mcpz_token_key_look(const struct mcpz_token_config *config,
                               struct mcpz_pkcs11_uri *found, struct mcpz_token_trouble *trouble)
{
    struct mcpz_token_session session;

    mcpz_error error = mcpz_token_open(config, MCPZ_TOKEN_LOOK, &session, trouble);
    *found = session.found;
    mcpz_token_close(&session);
    return error;
}
