#include "visitor.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <ev.h>

#include "test.h"

/* The close status comes in the exit status as its distance from this: 1000 to 1015. */
#define CLOSE_STATUS_BASE 1000
#define CLOSED_EXIT_BASE 100

/* ---- In the child ------------------------------------------------------------------------- */

static void require(bool condition)
{
    if (!condition) {
        _exit(VISITOR_TROUBLE);
    }
}

static EVP_PKEY *make_key(const struct visit *visit)
{
    uint8_t seed[MCPZ_SEED_BYTES];

    if (visit->key == VISITOR_RSA) {
        return EVP_RSA_gen(2048);
    }
    memset(seed, visit->seed, sizeof(seed));
    return EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, sizeof(seed));
}

static X509 *make_certificate(EVP_PKEY *key, bool is_rsa)
{
    X509 *made = X509_new();

    require(made != NULL && X509_set_version(made, X509_VERSION_3) == 1);
    ASN1_INTEGER_set(X509_get_serialNumber(made), 1);
    X509_gmtime_adj(X509_getm_notBefore(made), 0);
    X509_gmtime_adj(X509_getm_notAfter(made), 3600);
    require(X509_set_pubkey(made, key) == 1);
    require(X509_sign(made, key, is_rsa ? EVP_sha256() : NULL) > 0);
    return made;
}

static SSL *greet(const struct visit *visit, int fd)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());

    require(context != NULL);
    if (visit->tls_version_max != 0) {
        require(SSL_CTX_set_max_proto_version(context, visit->tls_version_max) == 1);
    }
    if (visit->key != VISITOR_NO_KEY) {
        EVP_PKEY *key = make_key(visit);
        X509 *certificate = make_certificate(key, visit->key == VISITOR_RSA);
        require(SSL_CTX_use_certificate(context, certificate) == 1);
        require(SSL_CTX_use_PrivateKey(context, key) == 1);
        if (visit->has_chain) {
            require(SSL_CTX_add_extra_chain_cert(context, X509_dup(certificate)) == 1);
        }
    }
    SSL *connection = SSL_new(context);
    require(connection != NULL && SSL_set_fd(connection, fd) == 1);
    if (SSL_connect(connection) != 1) {
        _exit(VISITOR_TURNED_AWAY);
    }
    return connection;
}

static ssize_t hear(SSL *connection, int fd, uint8_t *bytes, size_t length)
{
    if (connection != NULL) {
        return SSL_read(connection, bytes, (int)length);
    }
    return read(fd, bytes, length);
}

static void say(SSL *connection, int fd, const void *bytes, size_t length)
{
    /* The node may hang up at any byte: then the answer tells. */
    if (connection == NULL) {
        ssize_t written = write(fd, bytes, length);
        (void)written;
    } else if (length > 0) {
        (void)SSL_write(connection, bytes, (int)length);
    }
}

/* The headers of the answer, to the empty line. */
static bool is_upgraded(SSL *connection, int fd)
{
    char answer[4096] = "";
    size_t length = 0;

    while (length + 1 < sizeof(answer) && strstr(answer, "\r\n\r\n") == NULL) {
        if (hear(connection, fd, (uint8_t *)answer + length, 1) != 1) {
            return false;
        }
        answer[++length] = '\0';
    }
    return strncmp(answer, "HTTP/1.1 101 ", 13) == 0;
}

/* Read a frame. Those of a server are short here, and not masked. Returns its payload's length. */
static size_t read_frame(SSL *connection, int fd, uint8_t *frame)
{
    if (hear(connection, fd, frame, 1) != 1 || hear(connection, fd, frame + 1, 1) != 1) {
        _exit(VISITOR_UPGRADED);
    }
    size_t length = frame[1] & 0x7fU;
    require(length <= 125);
    for (size_t i = 0; i < length; i++) {
        require(hear(connection, fd, frame + 2 + i, 1) == 1);
    }
    return length;
}

/* Read frames until the node closes. */
static void wait_for_end(SSL *connection, int fd)
{
    uint8_t frame[2 + 125];

    for (;;) {
        size_t length = read_frame(connection, fd, frame);
        if ((frame[0] & 0x0fU) == 8) {
            require(length >= 2);
            _exit(CLOSED_EXIT_BASE + (frame[2] << 8 | frame[3]) - CLOSE_STATUS_BASE);
        }
    }
}

/* A message, and then pings, each with its own number. Whoever answers the second has heard all
 * that was before the first. */
static void greet_with_pings(SSL *connection, int fd)
{
    uint8_t frame[2 + 125];
    size_t length = visitor_frame(frame, 0x82, 'x', 5);

    say(connection, fd, frame, length);
    for (uint8_t number = 1; number <= 2; number++) {
        length = visitor_frame(frame, 0x89, number, number);
        say(connection, fd, frame, length);
        do {
            length = read_frame(connection, fd, frame);
        } while ((frame[0] & 0x0fU) != 10);
        require(length == number && frame[2] == number);
    }
}

static void come(const struct visit *visit, uint16_t port)
{
    const struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    SSL *connection = NULL;

    require(connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0);
    if (!visit->is_plain) {
        connection = greet(visit, fd);
    }
    say(connection, fd, visit->request, strlen(visit->request));
    if (!is_upgraded(connection, fd)) {
        _exit(VISITOR_TURNED_AWAY);
    }
    if (visit->greets) {
        greet_with_pings(connection, fd);
    }
    say(connection, fd, visit->frames, visit->frames_bytes);
    while (visit->stays) {
        pause();
    }
    if (!visit->hangs_up) {
        wait_for_end(connection, fd);
    }
    _exit(VISITOR_UPGRADED);
}

/* ---- In the test -------------------------------------------------------------------------- */

static bool has_ended(const void *context)
{
    const ev_child *child = context;

    return child->active == 0;
}

static void on_child(struct ev_loop *ev, ev_child *watcher, int events)
{
    (void)events;
    ev_child_stop(ev, watcher);
}

pid_t visit_begin(struct node *node, const struct visit *visit)
{
    pid_t pid = fork();

    CHECK(pid >= 0);
    if (pid == 0) {
        come(visit, node->port);
    }
    return pid;
}

void visit_end(pid_t visitor)
{
    CHECK(kill(visitor, SIGKILL) == 0);
    CHECK(waitpid(visitor, NULL, 0) == visitor);
}

void visit(struct node *node, struct visit *visit)
{
    struct ev_loop *ev = ev_default_loop(0);
    ev_child child;

    /* libev's loop reaps all children: of those that it watches it says how they ended. */
    ev_child_init(&child, on_child, visit_begin(node, visit), 0);
    ev_child_start(ev, &child);
    const bool ended = fake_turn_until(has_ended, &child);
    ev_child_stop(ev, &child);
    CHECK(ended);
    const int status = child.rstatus;
    CHECK(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) != VISITOR_TROUBLE);
    visit->status = WEXITSTATUS(status);
    if (visit->status >= CLOSED_EXIT_BASE) {
        visit->close_status = (unsigned)(visit->status - CLOSED_EXIT_BASE + CLOSE_STATUS_BASE);
        visit->status = VISITOR_CLOSED;
    }
}

/* RFC 6455 section 5.2, with a key of zeros: masking then changes nothing. */
size_t visitor_frame(uint8_t *frame, uint8_t first, uint8_t byte, size_t payload_length)
{
    size_t at = 0;

    frame[at++] = first;
    if (payload_length < 126) {
        frame[at++] = (uint8_t)(0x80U | payload_length);
    } else if (payload_length <= UINT16_MAX) {
        frame[at++] = 0x80U | 126U;
        frame[at++] = (uint8_t)(payload_length >> 8);
        frame[at++] = (uint8_t)payload_length;
    } else {
        frame[at++] = 0x80U | 127U;
        for (int shift = 56; shift >= 0; shift -= 8) {
            frame[at++] = (uint8_t)((uint64_t)payload_length >> shift);
        }
    }
    memset(frame + at, 0, 4);
    at += 4;
    memset(frame + at, byte, payload_length);
    return at + payload_length;
}
