#include "cli/task_stream.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <mcpz/client.h>

#include "cli/ask.h"
#include "cli/interrupt.h"
#include "cli/show.h"
#include "cli/spool.h"
#include "host/loop.h"
#include "proto/code.h"

#define POLL_MS 1000 /* how long one look takes when nothing happens */

struct stream {
    struct mcpz_client *client;
    uint64_t call;
    int input;   /* MCPZ_CLIENT_NO_FILE: none, or it has ended */
    size_t room; /* bytes of input that are wanted */
    bool is_over;
    bool cannot_write; /* standard output takes no more: errno was `why` */
    int why;
    bool is_line_open; /* the last byte written was no line feed */
    uint32_t code;     /* once it is over */
    uint32_t retry_after_ms;
    char text[MCPZ_MESSAGE_BYTES_MAX + 1];
};

/* ---- What the node says ------------------------------------------------------------------- */

static void on_output(void *context, uint64_t call, const void *bytes, size_t length)
{
    struct stream *stream = context;

    (void)call;
    if (stream->cannot_write || length == 0) {
        return;
    }
    if (mcpz_write_all(STDOUT_FILENO, bytes, length) != MCPZ_OK) {
        stream->cannot_write = true;
        stream->why = errno;
        return;
    }
    stream->is_line_open = ((const char *)bytes)[length - 1] != '\n';
}

static void on_room(void *context, uint64_t call, size_t room)
{
    struct stream *stream = context;

    (void)call;
    stream->room = room;
}

static void on_end(void *context, uint64_t call, uint32_t code, const char *text)
{
    struct stream *stream = context;

    (void)call;
    stream->is_over = true;
    stream->code = code;
    stream->retry_after_ms = mcpz_client_retry_after_ms(stream->client);
    (void)snprintf(stream->text, sizeof(stream->text), "%s", text);
}

/* ---- What goes in ------------------------------------------------------------------------- */

/* Hand on what there is to read, as far as it is wanted. */
static mcpz_error send_input(struct stream *stream)
{
    uint8_t bytes[MCPZ_CHUNK_BYTES_MAX];
    size_t wanted = stream->room < sizeof(bytes) ? stream->room : sizeof(bytes);

    ssize_t got = read(stream->input, bytes, wanted);
    if (got < 0) {
        return errno == EINTR || errno == EAGAIN ? MCPZ_OK : MCPZ_EIO;
    }
    if (got == 0) {
        stream->input = MCPZ_CLIENT_NO_FILE;
        return mcpz_client_input_end(stream->client, stream->call);
    }
    stream->room -= (size_t)got;
    return mcpz_client_input(stream->client, stream->call, bytes, (size_t)got);
}

static mcpz_error wait_for_something(struct stream *stream)
{
    const bool reads = stream->input != MCPZ_CLIENT_NO_FILE && stream->room > 0;
    struct pollfd ready[] = {
        {.fd = mcpz_client_fd(stream->client), .events = POLLIN},
        {.fd = reads ? stream->input : -1, .events = POLLIN},
    };

    if (mcpz_client_wants_to_write(stream->client)) {
        ready[0].events |= POLLOUT;
    }
    if (poll(ready, 2, POLL_MS) < 0) {
        return errno == EINTR ? MCPZ_OK : MCPZ_EIO;
    }
    if (ready[0].revents != 0) {
        mcpz_error error = mcpz_client_work(stream->client, 0);
        if (error != MCPZ_OK && error != MCPZ_ETIMEOUT) {
            return error;
        }
    }
    if (ready[1].revents != 0 && !stream->is_over) {
        mcpz_error error = send_input(stream);
        return error == MCPZ_OK ? mcpz_client_work(stream->client, 0) : error;
    }
    return MCPZ_OK;
}

/* ---- How it ends -------------------------------------------------------------------------- */

static enum mcpz_exit tell_failure(const struct stream *stream)
{
    enum mcpz_exit status = mcpz_exit_from_word(mcpz_code_word(stream->code));

    (void)fprintf(stderr, "mcpz: task failed: %s: ", mcpz_code_word(stream->code));
    mcpz_print_clean(stderr, stream->text);
    if (stream->retry_after_ms > 0) {
        (void)fprintf(stderr, "; try again in %" PRIu32 " ms", stream->retry_after_ms);
    }
    (void)fputc('\n', stderr);
    return status == MCPZ_EXIT_OK ? MCPZ_EXIT_FAILED : status;
}

static enum mcpz_exit conclude(const struct mcpz_invocation *invocation,
                               const struct stream *stream, mcpz_error error)
{
    struct mcpz_trouble trouble;

    if (stream->cannot_write) {
        mcpz_trouble_say(&trouble, "cannot write the result: %s", strerror(stream->why));
        return mcpz_fail_error(invocation, MCPZ_EIO, &trouble);
    }
    if (stream->is_line_open && isatty(STDOUT_FILENO) == 1) {
        (void)fputc('\n', stdout); /* a prompt does not belong on the last line of a result */
    }
    if (stream->is_over) {
        return stream->code == MCPZ_CODE_OK ? MCPZ_EXIT_OK : tell_failure(stream);
    }
    mcpz_trouble_say(&trouble, "%s",
                     error == MCPZ_ETIMEOUT ? "the node did not end the task in time"
                                            : "the node closed the connection, or the input "
                                              "cannot be read");
    return mcpz_fail_error(invocation, error, &trouble);
}

static const char *text_of(const json_t *header, const char *key)
{
    return json_string_value(json_object_get(header, key));
}

static uint32_t number_of(const json_t *header, const char *key)
{
    return (uint32_t)json_integer_value(json_object_get(header, key));
}

static mcpz_error ask(struct stream *stream, const json_t *header)
{
    const json_t *params = json_object_get(header, "params");
    char *text = params != NULL ? json_dumps(params, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
    uint32_t priority = number_of(header, "priority");
    const struct mcpz_client_call call = {
        .capability = text_of(header, "type"),
        .params = text,
        .params_length = text != NULL ? strlen(text) : 0,
        .has_input = stream->input != MCPZ_CLIENT_NO_FILE,
        .timeout_ms = number_of(header, "timeout_ms"),
        .priority = priority > 0 ? priority : 1, /* 0 would be the default */
        .tenant = text_of(header, "tenant"),
        .traceparent = text_of(header, "traceparent"),
        .idempotency_key = text_of(header, "idempotency_key"),
        .idempotent = json_is_true(json_object_get(header, "idempotent")) ||
                      text_of(header, "idempotency_key") != NULL,
        .isolation = text_of(header, "isolation"),
        .on_output = on_output,
        .on_room = on_room,
        .on_end = on_end,
        .context = stream,
    };

    stream->room = MCPZ_CALL_WINDOW_BYTES;
    mcpz_error error = mcpz_client_call(stream->client, &call, &stream->call);
    free(text);
    return error == MCPZ_OK ? mcpz_client_work(stream->client, 0) : error;
}

enum mcpz_exit mcpz_task_stream(const struct mcpz_invocation *invocation, const json_t *header,
                                int input)
{
    struct stream stream = {.input = input};
    const mcpz_time give_up_us = mcpz_clock_now() + MCPZ_MS(number_of(header, "timeout_ms")) +
                                 MCPZ_MS(MCPZ_PATIENCE_SLACK_MS);

    mcpz_interrupt_catch();
    mcpz_error error = mcpz_client_open(invocation->data, &stream.client);
    if (error == MCPZ_ENOTFOUND) {
        return mcpz_fail_unreachable(invocation);
    }
    if (error == MCPZ_OK) {
        error = ask(&stream, header);
    }
    error = error == MCPZ_ETIMEOUT ? MCPZ_OK : error;
    while (error == MCPZ_OK && !stream.is_over && !stream.cannot_write) {
        error = wait_for_something(&stream);
        error = error == MCPZ_ETIMEOUT ? MCPZ_OK : error;
        if (mcpz_interrupt_came()) {
            error = MCPZ_EIO;
        } else if (mcpz_clock_now() > give_up_us) {
            error = MCPZ_ETIMEOUT;
        }
    }
    enum mcpz_exit status = conclude(invocation, &stream, error);
    mcpz_client_close(stream.client); /* what is still under way is cancelled */
    return status;
}
