/*
 * Request and reply over a NATS server, in its text protocol over TCP, with as little of its own
 * as the other driver has: see driver.h. WHERE is HOST:PORT. Written for comparison only.
 *
 * Source: docs.nats.io, "NATS Protocol": INFO, CONNECT, PUB, SUB, MSG, PING, PONG.
 */

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "driver.h"

#define BUFFER_BYTES 1048576
#define LINE_BYTES 4096

static struct driver driver;
static int server;
static char in[BUFFER_BYTES];
static size_t in_length;
static char out[BUFFER_BYTES];
static size_t out_length;
static char inbox[64];

#define SLOTS_MAX 2048
#define LOOK_US 5000 /* between two looks at what is overdue */

static unsigned attempts[SLOTS_MAX]; /* by slot: an answer to an earlier one comes too late */
static uint64_t looked_us;

static void flush(void)
{
    size_t at = 0;

    while (at < out_length) {
        ssize_t sent = send(server, out + at, out_length - at, MSG_NOSIGNAL);
        if (sent <= 0) {
            driver_die("send", strerror(errno));
        }
        at += (size_t)sent;
    }
    out_length = 0;
}

static void put(const char *line, const void *payload, size_t length)
{
    size_t line_length = strlen(line);

    if (out_length + line_length + length + 2 > sizeof(out)) {
        flush();
    }
    memcpy(out + out_length, line, line_length);
    out_length += line_length;
    if (payload != NULL) {
        memcpy(out + out_length, payload, length);
        memcpy(out + out_length + length, "\r\n", 2);
        out_length += length + 2;
    }
}

static void connect_to(const char *where)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    const int yes = 1;
    const struct timeval patience = {.tv_usec = LOOK_US};
    char host[256];
    struct addrinfo *found = NULL;
    const char *colon = strrchr(where, ':');

    (void)snprintf(host, sizeof(host), "%.*s",
                   (int)(colon != NULL ? colon - where : (ptrdiff_t)strlen(where)), where);
    if (colon == NULL || getaddrinfo(host, colon + 1, &hints, &found) != 0) {
        driver_die(where, "not an address");
    }
    server = socket(found->ai_family, SOCK_STREAM, 0);
    if (server < 0 || connect(server, found->ai_addr, found->ai_addrlen) != 0) {
        driver_die(where, strerror(errno));
    }
    (void)setsockopt(server, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
    if (!driver.serves) {
        (void)setsockopt(server, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    }
    freeaddrinfo(found);
    put("CONNECT {\"verbose\":false,\"pedantic\":false,\"lang\":\"c\",\"version\":\"1\"}\r\n",
        NULL, 0);
}

/* ---- Messages ----------------------------------------------------------------------------- */

static void ask(size_t slot)
{
    char line[LINE_BYTES];

    (void)snprintf(line, sizeof(line), "PUB %s %s.%zu.%u %zu\r\n", driver.name, inbox, slot,
                   attempts[slot], driver.payload_bytes);
    driver_asked(&driver, slot);
    put(line, driver.payload, driver.payload_bytes);
}

static void answer(size_t slot, bool well)
{
    attempts[slot]++;
    driver_answered(&driver, slot, well);
    driver.started_us[slot] = 0;
    if (driver.asked < driver.count) {
        ask(slot);
    }
}

static void take(const char *subject, const char *reply, const char *payload, size_t length)
{
    char line[LINE_BYTES];

    if (driver.serves) {
        driver_work(&driver);
        (void)snprintf(line, sizeof(line), "PUB %s %zu\r\n", reply, length);
        put(line, payload, length);
        return;
    }
    char *end = NULL;
    size_t slot = strtoul(subject + strlen(inbox) + 1, &end, 10);
    if (strtoul(end + 1, NULL, 10) == attempts[slot]) {
        answer(slot, length == driver.payload_bytes);
    }
}

/* What took too long has failed, as a client of theirs would have it. */
static void give_up_overdue(void)
{
    const uint64_t now_us = driver_now_us();

    if (now_us - looked_us < LOOK_US) {
        return;
    }
    looked_us = now_us;
    for (size_t slot = 0; slot < driver.in_flight; slot++) {
        if (driver.started_us[slot] != 0 &&
            now_us - driver.started_us[slot] >= (uint64_t)driver.timeout_ms * 1000) {
            answer(slot, false);
        }
    }
}

/* One protocol message at `at`: how many bytes it takes, 0 if it is not all there. */
static size_t parse(const char *at, size_t length)
{
    const char *end = memchr(at, '\n', length);
    char line[LINE_BYTES];
    char subject[1024];
    char second[1024];
    char third[1024] = "";
    char fourth[32] = "";

    if (end == NULL) {
        return 0;
    }
    size_t line_length = (size_t)(end - at) + 1;
    (void)snprintf(line, sizeof(line), "%.*s", (int)line_length, at);
    if (strncmp(line, "PING", 4) == 0) {
        put("PONG\r\n", NULL, 0);
        return line_length;
    }
    if (strncmp(line, "MSG ", 4) != 0) {
        if (strncmp(line, "-ERR", 4) == 0) {
            driver_die("server", line);
        }
        return line_length;
    }
    int fields = sscanf(line, "MSG %1023s %1023s %1023s %31s", subject, second, third, fourth);
    size_t payload = strtoul(fields == 4 ? fourth : third, NULL, 10);
    if (length < line_length + payload + 2) {
        return 0;
    }
    take(subject, fields == 4 ? third : "", at + line_length, payload);
    return line_length + payload + 2;
}

static void work(void)
{
    size_t at = 0;
    size_t used;

    flush();
    if (!driver.serves) {
        give_up_overdue();
        flush();
    }
    ssize_t got = recv(server, in + in_length, sizeof(in) - in_length, 0);
    if (got < 0 && errno == EAGAIN) {
        return; /* time to look again */
    }
    if (got <= 0) {
        driver_die("receive", got == 0 ? "the server hung up" : strerror(errno));
    }
    in_length += (size_t)got;
    while ((used = parse(in + at, in_length - at)) > 0) {
        at += used;
    }
    memmove(in, in + at, in_length - at);
    in_length -= at;
}

int main(int argc, char **argv)
{
    char line[LINE_BYTES];

    driver_read(&driver, argc, argv);
    connect_to(driver.where);
    (void)snprintf(inbox, sizeof(inbox), "_INBOX.%d", (int)getpid());
    (void)snprintf(line, sizeof(line), "SUB %s%s 1\r\n", driver.serves ? driver.name : inbox,
                   driver.serves ? " servers" : ".>"); /* servers share a queue group */
    put(line, NULL, 0);
    driver_begin(&driver);
    for (size_t slot = 0; !driver.serves && slot < driver.in_flight; slot++) {
        ask(slot);
    }
    while (driver.serves || driver.answered < driver.count) {
        work();
    }
    return driver_end(&driver);
}
