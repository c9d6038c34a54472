/*
 * TLS for the mesh: both ends show one self-signed certificate made from their node key.
 *
 * TLS 1.3 proves that the other end has the secret half of the key in its certificate; that key
 * is the peer's name. Nothing else in a certificate is looked at: not its signature, dates or
 * subject. There is no resumption, which would skip the check, and there are no other key types.
 * Source: RFC 8446 (TLS 1.3), RFC 8410 (Ed25519 in X.509), RFC 9266 (exporter as binding).
 */

#ifndef NET_TLS_H
#define NET_TLS_H

#include <stdbool.h>
#include <stdint.h>

#include <mcpz/error.h>

#include "base/attr.h"
#include "crypto/identity.h"
#include "proto/id.h"

struct ssl_st; /* OpenSSL's SSL and SSL_CTX */
struct ssl_ctx_st;

struct mcpz_tls;

enum mcpz_tls_event {
    MCPZ_TLS_BEGUN = 1, /* the handshake has begun: somebody is there */
    MCPZ_TLS_DONE,      /* this end is content; a client may still be refused */
    MCPZ_TLS_REFUSED,   /* by this end, for the other's certificate */
};

/* Who wants to know. Called from within OpenSSL: note it down, do nothing else. */
struct mcpz_tls_watch {
    void *context;

    /* Is it `peer` we wanted to reach on socket `fd`? Asked of connections we made. */
    bool (*is_wanted)(void *context, int fd, const struct mcpz_id *peer);
    void (*on_event)(void *context, int fd, enum mcpz_tls_event event);
};

/**
 * Keep the words of OpenSSL's errors out of memory: it puts some three thousand of them in a table
 * at its start, and nobody shows them here. For a process that is ours alone, before anything else
 * in it uses OpenSSL.
 */
void mcpz_tls_spare_words(void);

/**
 * Make the certificate of `identity` and the context for connections we make.
 *
 * Errors: MCPZ_ENOMEM  OpenSSL could not; `*tls` is then NULL.
 */
MCPZ_MUST_USE mcpz_error mcpz_tls_create(const struct mcpz_identity *identity,
                                         const struct mcpz_tls_watch *watch,
                                         struct mcpz_tls **tls);

/** After everything that was made with its contexts. NULL is fine. */
void mcpz_tls_destroy(struct mcpz_tls *tls);

/** For connections we make. Lives as long as `tls`. */
struct ssl_ctx_st *mcpz_tls_client(struct mcpz_tls *tls);

/** Set up a context somebody else made for connections we accept. Errors: MCPZ_ENOMEM */
MCPZ_MUST_USE mcpz_error mcpz_tls_set_up(struct mcpz_tls *tls, struct ssl_ctx_st *context);

/** Who is at the other end. Errors: MCPZ_EAUTH  no handshake yet, or no lone Ed25519 key */
MCPZ_MUST_USE mcpz_error mcpz_tls_peer(const struct ssl_st *connection, struct mcpz_id *peer);

/** The channel binding, MCPZ_BINDING_BYTES. Errors: MCPZ_EAUTH  no handshake yet */
MCPZ_MUST_USE mcpz_error mcpz_tls_binding(struct ssl_st *connection, uint8_t *binding);

/**
 * Read what has come, up to `capacity` bytes, at least one.
 *
 * Errors: MCPZ_ENOTFOUND  nothing for now; MCPZ_EIO  it has ended, or nothing can be made of it
 */
MCPZ_MUST_USE mcpz_error mcpz_tls_read(struct ssl_st *connection, uint8_t *bytes, size_t capacity,
                                       size_t *length);

/** Take from the socket more than one record at a time, from now on, or no longer. */
void mcpz_tls_read_ahead(struct ssl_st *connection, bool ahead);

/** Was something read ahead that mcpz_tls_read() has not given yet? */
bool mcpz_tls_holds_more(const struct ssl_st *connection);

#endif
