#include "net/tls.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/proof.h"
#include "net/peers.h"

struct mcpz_tls {
    struct mcpz_id self;
    struct mcpz_tls_watch watch;
    EVP_PKEY *key;
    X509 *certificate;
    SSL_CTX *client;
};

static bool key_to_id(const EVP_PKEY *key, struct mcpz_id *id)
{
    size_t length = sizeof(id->bytes);

    return key != NULL && EVP_PKEY_get_id(key) == EVP_PKEY_ED25519 &&
           EVP_PKEY_get_raw_public_key(key, id->bytes, &length) == 1 &&
           length == sizeof(id->bytes);
}

/* ---- Judging the other end ---------------------------------------------------------------- */

static bool is_acceptable(struct mcpz_tls *tls, X509_STORE_CTX *shown, const SSL *connection)
{
    const X509 *leaf = X509_STORE_CTX_get0_cert(shown);
    struct mcpz_id peer;

    /* One certificate and no chain: what is not looked at need not be sent. */
    if (leaf == NULL || sk_X509_num(X509_STORE_CTX_get0_untrusted(shown)) != 1 ||
        !key_to_id(X509_get0_pubkey(leaf), &peer) || mcpz_id_equal(&peer, &tls->self)) {
        return false;
    }
    return SSL_is_server(connection) == 1 ||
           tls->watch.is_wanted(tls->watch.context, SSL_get_fd(connection), &peer);
}

/* Instead of OpenSSL's own verification, and of what libwebsockets hooks into it. */
static int verify(X509_STORE_CTX *shown, void *context)
{
    struct mcpz_tls *tls = context;
    const SSL *connection =
        X509_STORE_CTX_get_ex_data(shown, SSL_get_ex_data_X509_STORE_CTX_idx());
    bool accepted = is_acceptable(tls, shown, connection);

    if (!accepted) {
        tls->watch.on_event(tls->watch.context, SSL_get_fd(connection), MCPZ_TLS_REFUSED);
    }
    /* libwebsockets asks SSL_get_verify_result() as well. */
    X509_STORE_CTX_set_error(shown, accepted ? X509_V_OK : X509_V_ERR_CERT_REJECTED);
    return accepted ? 1 : 0;
}

static void on_progress(const SSL *connection, int where, int value)
{
    struct mcpz_tls *tls = SSL_CTX_get_app_data(SSL_get_SSL_CTX(connection));
    enum mcpz_tls_event event;

    if ((where & SSL_CB_HANDSHAKE_START) != 0) {
        event = MCPZ_TLS_BEGUN;
    } else if ((where & SSL_CB_HANDSHAKE_DONE) != 0) {
        event = MCPZ_TLS_DONE;
    } else if ((where & SSL_CB_WRITE_ALERT) == SSL_CB_WRITE_ALERT &&
               (value & 0xff) == SSL_AD_CERTIFICATE_REQUIRED) {
        /* It showed none: then there is nothing to verify. */
        event = MCPZ_TLS_REFUSED;
    } else {
        return;
    }
    tls->watch.on_event(tls->watch.context, SSL_get_fd(connection), event);
}

/* ---- Showing ourselves -------------------------------------------------------------------- */

static bool set_name(X509 *certificate)
{
    X509_NAME *name = X509_get_subject_name(certificate);
    const unsigned char text[] = "mcpz";

    return X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, text, -1, -1, 0) == 1 &&
           X509_set_issuer_name(certificate, name) == 1;
}

/* Valid always: a clock that is wrong must not part nodes, and membership has its own dates. */
static bool set_dates(X509 *certificate)
{
    return ASN1_TIME_set_string(X509_getm_notBefore(certificate), "19700101000000Z") == 1 &&
           ASN1_TIME_set_string(X509_getm_notAfter(certificate), "99991231235959Z") == 1;
}

static X509 *make_certificate(EVP_PKEY *key)
{
    X509 *certificate = X509_new();

    if (certificate == NULL || X509_set_version(certificate, X509_VERSION_3) != 1 ||
        ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1) != 1 || !set_name(certificate) ||
        !set_dates(certificate) || X509_set_pubkey(certificate, key) != 1 ||
        X509_sign(certificate, key, NULL) == 0) {
        X509_free(certificate);
        return NULL;
    }
    return certificate;
}

mcpz_error mcpz_tls_set_up(struct mcpz_tls *tls, struct ssl_ctx_st *context)
{
    char groups[] = "X25519"; /* OpenSSL's macros want them writable */
    char signatures[] = "ed25519";

    if (SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) != 1 ||
        SSL_CTX_set_max_proto_version(context, TLS1_3_VERSION) != 1 ||
        SSL_CTX_set1_groups_list(context, groups) != 1 ||
        SSL_CTX_set1_sigalgs_list(context, signatures) != 1 ||
        SSL_CTX_use_certificate(context, tls->certificate) != 1 ||
        SSL_CTX_use_PrivateKey(context, tls->key) != 1 ||
        SSL_CTX_set_num_tickets(context, 0) != 1) {
        ERR_clear_error();
        return MCPZ_ENOMEM;
    }
    (void)SSL_CTX_set_options(context, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION);
    (void)SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    (void)SSL_CTX_set_mode(context,
                           SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_cert_verify_callback(context, verify, tls);
    SSL_CTX_set_app_data(context, tls);
    SSL_CTX_set_info_callback(context, on_progress);
    return MCPZ_OK;
}

void mcpz_tls_spare_words(void)
{
    /* If it cannot begin, who wants something of it finds out. */
    (void)OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_SSL_STRINGS | OPENSSL_INIT_NO_LOAD_CRYPTO_STRINGS,
                           NULL);
}

mcpz_error mcpz_tls_create(const struct mcpz_identity *identity,
                           const struct mcpz_tls_watch *watch, struct mcpz_tls **tls)
{
    *tls = NULL;
    struct mcpz_tls *made = calloc(1, sizeof(*made));
    if (made == NULL) {
        return MCPZ_ENOMEM;
    }
    made->self = *mcpz_identity_id(identity);
    made->watch = *watch;
    made->key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, mcpz_identity_seed(identity),
                                             MCPZ_SEED_BYTES);
    if (made->key == NULL) {
        goto fail;
    }
    made->certificate = make_certificate(made->key);
    made->client = SSL_CTX_new(TLS_client_method());
    if (made->certificate == NULL || made->client == NULL ||
        mcpz_tls_set_up(made, made->client) != MCPZ_OK) {
        goto fail;
    }
    SSL_CTX_set_verify(made->client, SSL_VERIFY_PEER, NULL);
    *tls = made;
    return MCPZ_OK;

fail:
    ERR_clear_error();
    mcpz_tls_destroy(made);
    return MCPZ_ENOMEM;
}

void mcpz_tls_destroy(struct mcpz_tls *tls)
{
    if (tls == NULL) {
        return;
    }
    SSL_CTX_free(tls->client);
    X509_free(tls->certificate);
    EVP_PKEY_free(tls->key);
    free(tls);
}

struct ssl_ctx_st *mcpz_tls_client(struct mcpz_tls *tls)
{
    return tls->client;
}

mcpz_error mcpz_tls_peer(const struct ssl_st *connection, struct mcpz_id *peer)
{
    const X509 *certificate = SSL_get0_peer_certificate(connection);

    if (certificate == NULL || !key_to_id(X509_get0_pubkey(certificate), peer)) {
        return MCPZ_EAUTH;
    }
    return MCPZ_OK;
}

mcpz_error mcpz_tls_binding(struct ssl_st *connection, uint8_t *binding)
{
    if (SSL_export_keying_material(connection, binding, MCPZ_BINDING_BYTES, MCPZ_EXPORTER_LABEL,
                                   strlen(MCPZ_EXPORTER_LABEL), NULL, 0, 0) != 1) {
        ERR_clear_error();
        return MCPZ_EAUTH;
    }
    return MCPZ_OK;
}

mcpz_error mcpz_tls_read(struct ssl_st *connection, uint8_t *bytes, size_t capacity,
                         size_t *length)
{
    ERR_clear_error(); /* or SSL_get_error() speaks of what was before */
    if (SSL_read_ex(connection, bytes, capacity, length) == 1) {
        return MCPZ_OK;
    }
    switch (SSL_get_error(connection, 0)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        return MCPZ_ENOTFOUND;
    default:
        ERR_clear_error();
        return MCPZ_EIO;
    }
}

void mcpz_tls_read_ahead(struct ssl_st *connection, bool ahead)
{
    SSL_set_read_ahead(connection, ahead ? 1 : 0);
}

bool mcpz_tls_holds_more(const struct ssl_st *connection)
{
    return SSL_has_pending(connection) == 1;
}
