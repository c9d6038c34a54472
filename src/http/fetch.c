#include "http/fetch.h"

#include <assert.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include <ev.h>

#include "http/curl.h"

/* Servers close what nobody uses, many after 5 s. What may not be done twice is not sent on a
 * connection that is about to be closed. */
#define IDLE_SECONDS_MAX 4L
#define KEEPALIVE_IDLE_SECONDS 20L
#define KEEPALIVE_SECONDS 10L
#define DRIVE_MS 20
#define RETRY_AFTER_SECONDS_MAX 86400

static const struct mcpz_curl *curl; /* there since mcpz_fetches_create() */

/* A socket of libcurl's. */
struct watch {
    ev_io io;
    struct mcpz_fetches *fetches;
};

struct mcpz_fetch {
    struct mcpz_fetches *fetches;
    struct mcpz_fetch *next;       /* of all */
    struct mcpz_fetch *next_ready; /* of those that have something to tell */
    struct mcpz_fetch_ports ports;
    CURL *easy;
    struct curl_slist *headers;
    struct mcpz_bytes body;
    size_t sent; /* of it */
    bool repeatable;
    bool is_ready;
    bool paused;   /* by its owner */
    bool held;     /* by us: too much was heard meanwhile */
    bool has_head; /* all of it was heard */
    bool told_head;
    bool done;
    CURLcode result;
    unsigned redirects;
    size_t head_bytes;
    char content_type[256];
    char session[MCPZ_FETCH_VALUE_BYTES_MAX];
    char authenticate[MCPZ_FETCH_VALUE_BYTES_MAX];
    uint8_t *heard; /* and not told yet */
    size_t heard_length;
    size_t heard_capacity;
    char trouble[CURL_ERROR_SIZE];
};

struct mcpz_fetches {
    struct mcpz_loop *loop;
    CURLM *multi;
    struct mcpz_fetch *all;
    struct mcpz_fetch *ready;
    struct mcpz_fetch *telling; /* whose owner is being called; NULL: it was let go meanwhile */
    struct mcpz_deferred kick;
    ev_timer timer;
};

static struct ev_loop *loop_of(const struct mcpz_fetches *fetches)
{
    return mcpz_loop_ev(fetches->loop);
}

/* ---- What there is to tell ---------------------------------------------------------------- */

static void become_ready(struct mcpz_fetch *fetch)
{
    struct mcpz_fetch **link = &fetch->fetches->ready;

    if (fetch->is_ready) {
        return;
    }
    fetch->is_ready = true;
    fetch->next_ready = NULL;
    while (*link != NULL) {
        link = &(*link)->next_ready;
    }
    *link = fetch;
}

static void leave_ready(struct mcpz_fetch *fetch)
{
    struct mcpz_fetch **link = &fetch->fetches->ready;

    if (!fetch->is_ready) {
        return;
    }
    while (*link != fetch) {
        link = &(*link)->next_ready;
    }
    *link = fetch->next_ready;
    fetch->is_ready = false;
}

static long status_of(const struct mcpz_fetch *fetch)
{
    long status = 0;

    (void)curl->easy_getinfo(fetch->easy, CURLINFO_RESPONSE_CODE, &status);
    return status;
}

/* Where a redirection leads; NULL: nowhere. Lasts as long as the transfer. */
static const char *place_of(const struct mcpz_fetch *fetch)
{
    char *place = NULL;

    (void)curl->easy_getinfo(fetch->easy, CURLINFO_REDIRECT_URL, &place);
    return place;
}

static bool same_part(CURLU *a, CURLU *b, CURLUPart part)
{
    char *x = NULL;
    char *y = NULL;
    bool same = curl->url_get(a, part, &x, CURLU_DEFAULT_PORT) == CURLUE_OK &&
                curl->url_get(b, part, &y, CURLU_DEFAULT_PORT) == CURLUE_OK &&
                strcasecmp(x, y) == 0;

    curl->free(x);
    curl->free(y);
    return same;
}

/* Is it the same scheme, host and port? */
static bool is_same_origin(const char *from, const char *to)
{
    CURLU *a = curl->url();
    CURLU *b = curl->url();
    bool same = a != NULL && b != NULL && curl->url_set(a, CURLUPART_URL, from, 0) == CURLUE_OK &&
                curl->url_set(b, CURLUPART_URL, to, 0) == CURLUE_OK &&
                same_part(a, b, CURLUPART_SCHEME) && same_part(a, b, CURLUPART_HOST) &&
                same_part(a, b, CURLUPART_PORT);

    curl->url_cleanup(a);
    curl->url_cleanup(b);
    return same;
}

/* Another place of the same origin that wants the same request. 303 would want another one. */
static bool is_to_follow(const struct mcpz_fetch *fetch)
{
    const long status = status_of(fetch);
    const char *place = place_of(fetch);
    char *url = NULL;

    if ((status != 301 && status != 302 && status != 307 && status != 308) || place == NULL ||
        fetch->redirects == MCPZ_FETCH_REDIRECTS_MAX) {
        return false;
    }
    (void)curl->easy_getinfo(fetch->easy, CURLINFO_EFFECTIVE_URL, &url);
    return url != NULL && is_same_origin(url, place);
}

static uint32_t retry_after(const struct mcpz_fetch *fetch)
{
    curl_off_t seconds = 0;

    (void)curl->easy_getinfo(fetch->easy, CURLINFO_RETRY_AFTER, &seconds);
    return seconds > RETRY_AFTER_SECONDS_MAX ? RETRY_AFTER_SECONDS_MAX
           : seconds > 0                     ? (uint32_t)seconds
                                             : 0;
}

static void tell_head(struct mcpz_fetch *fetch)
{
    const char *place = place_of(fetch);

    fetch->told_head = true;
    fetch->ports.on_head(fetch->ports.context,
                         &(struct mcpz_fetch_head){.status = (unsigned)status_of(fetch),
                                                   .content_type = fetch->content_type,
                                                   .session = fetch->session,
                                                   .authenticate = fetch->authenticate,
                                                   .location = place != NULL ? place : "",
                                                   .retry_after_s = retry_after(fetch)});
}

static void tell_body(struct mcpz_fetch *fetch)
{
    uint8_t *heard = fetch->heard;
    const struct mcpz_bytes bytes = mcpz_bytes(heard, fetch->heard_length);

    /* Its owner may let go of it. */
    fetch->heard = NULL;
    fetch->heard_length = fetch->heard_capacity = 0;
    fetch->ports.on_body(fetch->ports.context, bytes);
    free(heard);
}

static void destroy(struct mcpz_fetch *fetch)
{
    struct mcpz_fetches *fetches = fetch->fetches;
    struct mcpz_fetch **link = &fetches->all;

    leave_ready(fetch);
    while (*link != fetch) {
        link = &(*link)->next;
    }
    *link = fetch->next;
    if (fetches->telling == fetch) {
        fetches->telling = NULL;
    }
    if (fetch->easy != NULL) {
        (void)curl->multi_remove_handle(fetches->multi, fetch->easy);
        curl->easy_cleanup(fetch->easy);
    }
    curl->slist_free_all(fetch->headers);
    free(fetch->heard);
    free(fetch);
}

static void tell_end(struct mcpz_fetch *fetch)
{
    const struct mcpz_fetch_ports ports = fetch->ports;
    const CURLcode result = fetch->result;
    curl_off_t reached_us = 0;
    char why[CURL_ERROR_SIZE];

    (void)curl->easy_getinfo(fetch->easy, CURLINFO_PRETRANSFER_TIME_T, &reached_us);
    (void)snprintf(why, sizeof(why), "%s",
                   result == CURLE_SEND_FAIL_REWIND ? "the server closed it"
                   : fetch->trouble[0] != '\0'      ? fetch->trouble
                                                    : curl->easy_strerror(result));
    destroy(fetch);
    ports.on_end(ports.context, result != CURLE_OK ? why : NULL, reached_us > 0);
}

/* The same again at the other place. */
static void follow(struct mcpz_fetch *fetch)
{
    char *place = strdup(place_of(fetch));

    (void)curl->multi_remove_handle(fetch->fetches->multi, fetch->easy);
    fetch->redirects++;
    fetch->sent = 0;
    fetch->head_bytes = 0;
    fetch->has_head = fetch->done = false;
    fetch->heard_length = 0;
    fetch->trouble[0] = '\0';
    if (place == NULL || curl->easy_setopt(fetch->easy, CURLOPT_URL, place) != CURLE_OK ||
        curl->multi_add_handle(fetch->fetches->multi, fetch->easy) != CURLM_OK) {
        fetch->done = true;
        fetch->result = CURLE_OUT_OF_MEMORY;
        become_ready(fetch);
    }
    free(place);
}

static void go_on_hearing(struct mcpz_fetch *fetch)
{
    if (fetch->held && fetch->heard_length < MCPZ_FETCH_HELD_BYTES_MAX) {
        fetch->held = false;
        (void)curl->easy_pause(fetch->easy, CURLPAUSE_CONT);
    }
}

static void tell(struct mcpz_fetch *fetch)
{
    struct mcpz_fetches *fetches = fetch->fetches;

    if (fetch->paused) {
        return; /* it becomes ready again when it goes on */
    }
    if (fetch->has_head && !fetch->told_head && is_to_follow(fetch)) {
        fetch->heard_length = 0;
        go_on_hearing(fetch);
        if (fetch->done) {
            follow(fetch);
        }
        return;
    }
    fetches->telling = fetch;
    if (fetch->has_head && !fetch->told_head) {
        tell_head(fetch);
    }
    if (fetches->telling != NULL && fetch->heard_length > 0) {
        tell_body(fetch);
    }
    if (fetches->telling != NULL) {
        fetches->telling = NULL;
        go_on_hearing(fetch); /* which may make it ready with more */
        if (fetch->done && fetch->heard_length == 0) {
            tell_end(fetch);
        }
    }
}

static void tell_all(struct mcpz_fetches *fetches)
{
    CURLMsg *message;
    int left;

    while ((message = curl->multi_info_read(fetches->multi, &left)) != NULL) {
        struct mcpz_fetch *fetch = NULL;
        (void)curl->easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&fetch);
        if (message->msg == CURLMSG_DONE && fetch != NULL) {
            fetch->done = true;
            fetch->result = message->data.result;
            become_ready(fetch);
        }
    }
    while (fetches->ready != NULL) {
        struct mcpz_fetch *fetch = fetches->ready;
        leave_ready(fetch);
        tell(fetch);
    }
}

/* ---- libcurl's callbacks: they only note what there is ------------------------------------- */

static size_t on_write(char *data, size_t size, size_t count, void *context)
{
    struct mcpz_fetch *fetch = (struct mcpz_fetch *)context;
    const size_t length = size * count;

    if (length > 0 && fetch->heard_length >= MCPZ_FETCH_HELD_BYTES_MAX) {
        fetch->held = true;
        return CURL_WRITEFUNC_PAUSE;
    }
    if (fetch->heard_length + length > fetch->heard_capacity) {
        const size_t capacity = 2 * (fetch->heard_length + length);
        uint8_t *heard = realloc(fetch->heard, capacity);
        if (heard == NULL) {
            return 0;
        }
        fetch->heard = heard;
        fetch->heard_capacity = capacity;
    }
    if (length > 0) {
        memcpy(fetch->heard + fetch->heard_length, data, length);
        fetch->heard_length += length;
        become_ready(fetch);
    }
    return length;
}

/* The value of the field `name` in a line of a head, cut to fit. False: it is another one. */
static bool take_field(struct mcpz_bytes line, const char *name, char *value, size_t capacity)
{
    const size_t length = strlen(name);

    if (line.length <= length || line.data[length] != ':' ||
        strncasecmp((const char *)line.data, name, length) != 0) {
        return false;
    }
    struct mcpz_bytes rest = mcpz_bytes(line.data + length + 1, line.length - length - 1);
    while (rest.length > 0 && (rest.data[0] == ' ' || rest.data[0] == '\t')) {
        rest = mcpz_bytes(rest.data + 1, rest.length - 1);
    }
    while (rest.length > 0 && rest.data[rest.length - 1] <= ' ') {
        rest.length--;
    }
    mcpz_bytes_to_text(rest, value, capacity);
    return true;
}

static size_t on_header(char *data, size_t size, size_t count, void *context)
{
    struct mcpz_fetch *fetch = (struct mcpz_fetch *)context;
    const struct mcpz_bytes line = mcpz_bytes(data, size * count);

    fetch->head_bytes += line.length;
    if (fetch->head_bytes > MCPZ_FETCH_HEADER_BYTES_MAX) {
        (void)snprintf(fetch->trouble, sizeof(fetch->trouble),
                       "the head of its answer is "
                       "longer than 64 KiB");
        return 0;
    }
    if (line.length >= 5 && memcmp(line.data, "HTTP/", 5) == 0) { /* of another answer */
        fetch->content_type[0] = fetch->session[0] = fetch->authenticate[0] = '\0';
    } else if (line.length <= 2) {
        fetch->has_head = status_of(fetch) >= 200;
        if (fetch->has_head) {
            become_ready(fetch);
        }
    } else if (!take_field(line, "content-type", fetch->content_type,
                           sizeof(fetch->content_type)) &&
               !take_field(line, "mcp-session-id", fetch->session, sizeof(fetch->session))) {
        (void)take_field(line, "www-authenticate", fetch->authenticate,
                         sizeof(fetch->authenticate));
    }
    return line.length;
}

static size_t on_read(char *data, size_t size, size_t count, void *context)
{
    struct mcpz_fetch *fetch = (struct mcpz_fetch *)context;
    const size_t left = fetch->body.length - fetch->sent;
    const size_t length = size * count < left ? size * count : left;

    if (length > 0) {
        memcpy(data, fetch->body.data + fetch->sent, length);
        fetch->sent += length;
    }
    return length;
}

/* libcurl wants to send it again, since a connection it had kept was gone. Perhaps it was not. */
static int on_seek(void *context, curl_off_t offset, int origin)
{
    struct mcpz_fetch *fetch = (struct mcpz_fetch *)context;

    if (origin != SEEK_SET || offset < 0 || (size_t)offset > fetch->body.length ||
        (fetch->sent > 0 && !fetch->repeatable)) {
        return CURL_SEEKFUNC_FAIL;
    }
    fetch->sent = (size_t)offset;
    return CURL_SEEKFUNC_OK;
}

static int on_socket_made(void *context, curl_socket_t fd, curlsocktype purpose)
{
    const int silence_ms = MCPZ_FETCH_SILENCE_MS;

    (void)context;
    (void)purpose;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &silence_ms, sizeof(silence_ms));
    return CURL_SOCKOPT_OK;
}

/* ---- libcurl in the loop ------------------------------------------------------------------ */

static void on_io(struct ev_loop *loop, ev_io *io, int events)
{
    const struct watch *watch = (const struct watch *)io->data;
    struct mcpz_fetches *fetches = watch->fetches;
    const int mask = ((events & EV_READ) != 0 ? CURL_CSELECT_IN : 0) |
                     ((events & EV_WRITE) != 0 ? CURL_CSELECT_OUT : 0);
    int running;

    (void)loop;
    (void)curl->multi_socket_action(fetches->multi, io->fd, mask, &running);
    tell_all(fetches);
}

static void on_timer(struct ev_loop *loop, ev_timer *timer, int events)
{
    struct mcpz_fetches *fetches = (struct mcpz_fetches *)timer->data;
    int running;

    (void)loop;
    (void)events;
    (void)curl->multi_socket_action(fetches->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    tell_all(fetches);
}

static int on_timeout(CURLM *multi, long timeout_ms, void *context)
{
    struct mcpz_fetches *fetches = (struct mcpz_fetches *)context;

    (void)multi;
    ev_timer_stop(loop_of(fetches), &fetches->timer);
    if (timeout_ms >= 0) {
        ev_timer_set(&fetches->timer, (double)timeout_ms / 1000.0, 0.0);
        ev_timer_start(loop_of(fetches), &fetches->timer);
    }
    return 0;
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *context, void *socket_context)
{
    struct mcpz_fetches *fetches = (struct mcpz_fetches *)context;
    struct watch *watch = (struct watch *)socket_context;
    const int events =
        ((what & CURL_POLL_IN) != 0 ? EV_READ : 0) | ((what & CURL_POLL_OUT) != 0 ? EV_WRITE : 0);

    (void)easy;
    if (watch != NULL) {
        ev_io_stop(loop_of(fetches), &watch->io);
    }
    if (what == CURL_POLL_REMOVE) {
        free(watch);
        return 0;
    }
    if (watch == NULL) {
        watch = (struct watch *)calloc(1, sizeof(*watch));
        if (watch == NULL) {
            return -1;
        }
        watch->fetches = fetches;
        (void)curl->multi_assign(fetches->multi, fd, watch);
    }
    ev_io_init(&watch->io, on_io, fd, events);
    watch->io.data = watch;
    ev_io_start(loop_of(fetches), &watch->io);
    return 0;
}

static void on_kick(void *context)
{
    tell_all((struct mcpz_fetches *)context);
}

mcpz_error mcpz_fetches_create(struct mcpz_loop *loop, struct mcpz_fetches **fetches)
{
    struct mcpz_fetches *made = (struct mcpz_fetches *)calloc(1, sizeof(*made));

    *fetches = NULL;
    if (made == NULL) {
        return MCPZ_ENOMEM;
    }
    curl = mcpz_curl();
    if (curl == NULL) {
        free(made);
        return MCPZ_EUNSUPPORTED;
    }
    if (curl->global_init(CURL_GLOBAL_ALL) != CURLE_OK) {
        free(made);
        return MCPZ_EIO;
    }
    made->loop = loop;
    made->kick = (struct mcpz_deferred){.run = on_kick, .context = made};
    ev_timer_init(&made->timer, on_timer, 0.0, 0.0);
    made->timer.data = made;
    made->multi = curl->multi_init();
    if (made->multi == NULL ||
        curl->multi_setopt(made->multi, CURLMOPT_SOCKETFUNCTION, on_socket) != CURLM_OK ||
        curl->multi_setopt(made->multi, CURLMOPT_SOCKETDATA, made) != CURLM_OK ||
        curl->multi_setopt(made->multi, CURLMOPT_TIMERFUNCTION, on_timeout) != CURLM_OK ||
        curl->multi_setopt(made->multi, CURLMOPT_TIMERDATA, made) != CURLM_OK) {
        mcpz_fetches_destroy(made);
        return MCPZ_EIO;
    }
    *fetches = made;
    return MCPZ_OK;
}

void mcpz_fetches_destroy(struct mcpz_fetches *fetches)
{
    if (fetches == NULL) {
        return;
    }
    while (fetches->all != NULL) {
        destroy(fetches->all);
    }
    if (fetches->multi != NULL) {
        (void)curl->multi_cleanup(fetches->multi);
    }
    ev_timer_stop(loop_of(fetches), &fetches->timer);
    mcpz_loop_undefer(fetches->loop, &fetches->kick);
    curl->global_cleanup();
    free(fetches);
}

void mcpz_fetches_drive(struct mcpz_fetches *fetches, int patience_ms)
{
    int running;

    for (; fetches->all != NULL && patience_ms > 0; patience_ms -= DRIVE_MS) {
        (void)curl->multi_perform(fetches->multi, &running);
        tell_all(fetches);
        if (fetches->all != NULL) {
            (void)curl->multi_poll(fetches->multi, NULL, 0, DRIVE_MS, NULL);
        }
    }
}

/* ---- Transfers ---------------------------------------------------------------------------- */

static bool add_header(struct mcpz_fetch *fetch, const char *line)
{
    struct curl_slist *headers = curl->slist_append(fetch->headers, line);

    fetch->headers = headers != NULL ? headers : fetch->headers;
    return headers != NULL;
}

static bool set_body(struct mcpz_fetch *fetch, const struct mcpz_fetch_ask *ask)
{
    CURL *easy = fetch->easy;

    if (strcmp(ask->method, "POST") != 0) {
        return curl->easy_setopt(easy, CURLOPT_CUSTOMREQUEST, ask->method) == CURLE_OK;
    }
    return curl->easy_setopt(easy, CURLOPT_POST, 1L) == CURLE_OK &&
           curl->easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)ask->body.length) ==
               CURLE_OK &&
           curl->easy_setopt(easy, CURLOPT_READFUNCTION, on_read) == CURLE_OK &&
           curl->easy_setopt(easy, CURLOPT_READDATA, fetch) == CURLE_OK &&
           curl->easy_setopt(easy, CURLOPT_SEEKFUNCTION, on_seek) == CURLE_OK &&
           curl->easy_setopt(easy, CURLOPT_SEEKDATA, fetch) == CURLE_OK &&
           (ask->repeatable ||
            curl->easy_setopt(easy, CURLOPT_MAXAGE_CONN, IDLE_SECONDS_MAX) == CURLE_OK);
}

static bool set_security(struct mcpz_fetch *fetch, const struct mcpz_fetch_ask *ask)
{
    CURL *easy = fetch->easy;

    return curl->easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
           curl->easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L) == CURLE_OK &&
           curl->easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L) == CURLE_OK &&
           curl->easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) ==
               CURLE_OK &&
           (ask->ca == NULL || (curl->easy_setopt(easy, CURLOPT_CAINFO, ask->ca) == CURLE_OK &&
                                curl->easy_setopt(easy, CURLOPT_CAPATH, NULL) == CURLE_OK));
}

static bool set_hearing(struct mcpz_fetch *fetch)
{
    CURL *easy = fetch->easy;

    return curl->easy_setopt(easy, CURLOPT_PRIVATE, fetch) == CURLE_OK &&
           curl->easy_setopt(easy, CURLOPT_ERRORBUFFER, fetch->trouble) == CURLE_OK &&
           curl->easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_write) == CURLE_OK &&
           curl->easy_setopt(easy, CURLOPT_WRITEDATA, fetch) == CURLE_OK &&
           curl->easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header) == CURLE_OK &&
           curl->easy_setopt(easy, CURLOPT_HEADERDATA, fetch) == CURLE_OK;
}

static bool set_line(struct mcpz_fetch *fetch)
{
    CURL *easy = fetch->easy;

    return curl->easy_setopt(easy, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
           curl->easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS) ==
               CURLE_OK &&
           curl->easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)MCPZ_FETCH_CONNECT_MS) ==
               CURLE_OK &&
           curl->easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L) == CURLE_OK &&
           curl->easy_setopt(easy, CURLOPT_TCP_KEEPIDLE, KEEPALIVE_IDLE_SECONDS) == CURLE_OK &&
           curl->easy_setopt(easy, CURLOPT_TCP_KEEPINTVL, KEEPALIVE_SECONDS) == CURLE_OK &&
           curl->easy_setopt(easy, CURLOPT_SOCKOPTFUNCTION, on_socket_made) == CURLE_OK &&
           curl->easy_setopt(easy, CURLOPT_USERAGENT, "mcp-zero/" MCPZ_VERSION) == CURLE_OK;
}

static bool set_up(struct mcpz_fetch *fetch, const struct mcpz_fetch_ask *ask)
{
    bool good = curl->easy_setopt(fetch->easy, CURLOPT_URL, ask->url) == CURLE_OK &&
                set_hearing(fetch) && set_line(fetch) && set_security(fetch, ask) &&
                set_body(fetch, ask) && add_header(fetch, "Expect:");

    for (size_t i = 0; i < ask->header_count && good; i++) {
        good = add_header(fetch, ask->headers[i]);
    }
    return good && curl->easy_setopt(fetch->easy, CURLOPT_HTTPHEADER, fetch->headers) == CURLE_OK;
}

mcpz_error mcpz_fetch_begin(struct mcpz_fetches *fetches, const struct mcpz_fetch_ask *ask,
                            const struct mcpz_fetch_ports *ports, struct mcpz_fetch **fetch)
{
    struct mcpz_fetch *made = (struct mcpz_fetch *)calloc(1, sizeof(*made));

    assert(ask->header_count <= MCPZ_FETCH_HEADERS_MAX);
    *fetch = NULL;
    if (made == NULL) {
        return MCPZ_ENOMEM;
    }
    made->fetches = fetches;
    made->ports = *ports;
    made->body = ask->body;
    made->repeatable = ask->repeatable;
    made->next = fetches->all;
    fetches->all = made;
    made->easy = curl->easy_init();
    if (made->easy == NULL || !set_up(made, ask) ||
        curl->multi_add_handle(fetches->multi, made->easy) != CURLM_OK) {
        destroy(made);
        return MCPZ_ENOMEM;
    }
    *fetch = made;
    return MCPZ_OK;
}

void mcpz_fetch_abort(struct mcpz_fetch *fetch)
{
    destroy(fetch);
}

void mcpz_fetch_pause(struct mcpz_fetch *fetch, bool paused)
{
    fetch->paused = paused;
    if (!paused) {
        become_ready(fetch);
        mcpz_loop_defer(fetch->fetches->loop, &fetch->fetches->kick);
    }
}
