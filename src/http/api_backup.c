/*
 * GET /v1/backup: all that this node keeps, as one file, while it runs. GET /v1/store/check: is
 * its store well?
 *
 *   ?rate=BYTES      so many a second at most
 *   ?node_key=true   also what tenants' keys are wrapped with
 *
 * Both are another thread's work (backup/backup_job.h). A backup comes through a pipe, from which
 * it is pulled as its client reads: a slow client slows the thread, and nothing is kept. One that
 * fails half way ends without its trailer, which whoever reads it sees.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "http/backup_port.h"
#include "http/exchange.h"

#define PIPE_BYTES 1048576
#define RATE_DIGITS_MAX 15

struct backup {
    struct mcpz_backup_ticket ticket;
    struct mcpz_exchange *exchange;
    bool begun;
    bool changed;
    int pipe; /* what we read; -1: none */
    struct mcpz_backup_state state;
};

/* In the loop, outside of the exchange's turn. */
static void on_changed(struct mcpz_backup_ticket *ticket, const struct mcpz_backup_state *state)
{
    struct backup *backup = ticket->owner;

    backup->state = *state;
    backup->changed = true;
    mcpz_exchange_again(backup->exchange);
}

static void finish(struct mcpz_exchange *exchange)
{
    struct backup *backup = exchange->state;
    const struct mcpz_backup_port *port = exchange->api->ports.backup;

    if (backup->pipe >= 0) {
        (void)close(backup->pipe); /* what the thread writes from now on fails */
    }
    if (backup->begun) {
        port->end(port->context, &backup->ticket);
    }
    free(backup);
}

static void fail_state(struct mcpz_exchange *exchange, const struct mcpz_backup_state *state,
                       const char *what)
{
    if (state->trouble[0] != '\0') {
        mcpz_exchange_fail(
            exchange, state->error == MCPZ_ENOSPACE ? MCPZ_CODE_STORE_FAILED : MCPZ_CODE_INTERNAL,
            "%s: %s", what, state->trouble);
    } else {
        mcpz_exchange_fail_error(exchange, state->error, what);
    }
}

/* ---- A backup ----------------------------------------------------------------------------- */

static size_t pull(struct mcpz_exchange *exchange, uint8_t *out, size_t capacity)
{
    struct backup *backup = exchange->state;
    ssize_t length = read(backup->pipe, out, capacity);

    if (length > 0) {
        return (size_t)length;
    }
    if (length == 0 || (errno != EAGAIN && errno != EINTR)) {
        exchange->response.ended = true;
    }
    return 0;
}

static void work_backup(struct mcpz_exchange *exchange)
{
    struct backup *backup = exchange->state;

    if (exchange->answered) {
        exchange->api->ports.answered(exchange->api->ports.context, exchange->owner);
    } else if (backup->changed && backup->state.ended && backup->state.error != MCPZ_OK) {
        fail_state(exchange, &backup->state, "the backup failed");
    } else if (backup->changed) {
        exchange->response.streams = true;
        mcpz_exchange_send(exchange, 200, MCPZ_BACKUP_TYPE);
    }
}

static const struct mcpz_exchange_kind backup_kind = {
    .work = work_backup, .finish = finish, .pull = pull};

/* ---- A check ------------------------------------------------------------------------------ */

static void work_check(struct mcpz_exchange *exchange)
{
    struct backup *backup = exchange->state;
    const struct mcpz_data_report *report = &backup->state.report;

    if (!backup->changed || !backup->state.ended) {
        return;
    }
    if (backup->state.error != MCPZ_OK && report->trouble[0] == '\0') {
        fail_state(exchange, &backup->state, "the check could not be done");
        return;
    }
    mcpz_exchange_answer(
        exchange, 200,
        json_pack("{s:b, s:s?, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o}", "well",
                  backup->state.error == MCPZ_OK, "trouble",
                  report->trouble[0] != '\0' ? report->trouble : NULL, "pages",
                  (json_int_t)report->store.pages, "records", (json_int_t)report->store.records,
                  "documents", (json_int_t)report->documents, "deltas", (json_int_t)report->deltas,
                  "bases", (json_int_t)report->bases, "blob_pages",
                  (json_int_t)report->blobs.pages, "chunks", (json_int_t)report->chunks,
                  "partial_blobs", (json_int_t)report->lacking, "partial_blob",
                  report->lacking > 0 ? mcpz_exchange_show_id(&report->first_lacking, 'b')
                                      : json_null()));
}

static const struct mcpz_exchange_kind check_kind = {.work = work_check, .finish = finish};

/* ---- Beginning ---------------------------------------------------------------------------- */

struct asked {
    uint64_t rate; /* bytes a second; 0: as fast as it goes */
    bool with_node_key;
};

static bool read_number(struct mcpz_bytes value, uint64_t *number)
{
    bool is_read = value.length > 0 && value.length <= RATE_DIGITS_MAX;

    *number = 0;
    for (size_t i = 0; i < value.length && is_read; i++) {
        is_read = value.data[i] >= '0' && value.data[i] <= '9';
        *number = *number * 10 + (uint64_t)(value.data[i] - '0');
    }
    return is_read && *number > 0;
}

/* False: answered with what is wrong. */
static bool read_query(struct mcpz_exchange *exchange, struct mcpz_bytes query,
                       struct asked *asked)
{
    struct mcpz_bytes name;
    struct mcpz_bytes value;

    while (mcpz_exchange_parameter(&query, &name, &value)) {
        bool is_read =
            mcpz_bytes_equal(name, mcpz_text("rate")) && read_number(value, &asked->rate);
        if (mcpz_bytes_equal(name, mcpz_text("node_key"))) {
            asked->with_node_key = mcpz_bytes_equal(value, mcpz_text("true"));
            is_read = asked->with_node_key || mcpz_bytes_equal(value, mcpz_text("false"));
        }
        if (!is_read) {
            mcpz_exchange_fail(exchange, MCPZ_CODE_BAD_REQUEST,
                               "a backup can be asked for \"rate=BYTES\" a second, and for "
                               "\"node_key=true\"");
            return false;
        }
    }
    return true;
}

static bool open_pipe(struct backup *backup)
{
    int ends[2];

    if (pipe2(ends, O_CLOEXEC) != 0) {
        return false;
    }
    (void)fcntl(ends[0], F_SETPIPE_SZ, PIPE_BYTES); /* a smaller one does, too */
    (void)fcntl(ends[0], F_SETFL, O_NONBLOCK);
    backup->pipe = ends[0];
    backup->ticket.file = ends[1];
    return true;
}

static void begin(struct mcpz_exchange *exchange, enum mcpz_backup_kind kind,
                  const struct asked *asked)
{
    const struct mcpz_backup_port *port = exchange->api->ports.backup;
    struct backup *backup = port != NULL ? calloc(1, sizeof(*backup)) : NULL;

    if (backup == NULL) {
        mcpz_exchange_fail_error(exchange, port == NULL ? MCPZ_EUNSUPPORTED : MCPZ_ENOMEM,
                                 "a copy of the data");
        return;
    }
    *backup = (struct backup){.ticket = {.kind = kind,
                                         .rate = asked->rate,
                                         .with_node_key = asked->with_node_key,
                                         .changed = on_changed,
                                         .owner = backup},
                              .exchange = exchange,
                              .pipe = -1};
    if (kind == MCPZ_BACKUP_TO_PIPE && !open_pipe(backup)) {
        free(backup);
        mcpz_exchange_fail_error(exchange, MCPZ_EIO, "making a pipe for the backup");
        return;
    }
    mcpz_exchange_wait(exchange, kind == MCPZ_BACKUP_CHECK ? &check_kind : &backup_kind, backup);
    exchange->deadline_us = MCPZ_TIME_NEVER; /* it goes on by itself, to an end */
    mcpz_error error = port->begin(port->context, &backup->ticket);
    backup->begun = error == MCPZ_OK;
    if (error == MCPZ_ECONFLICT) {
        mcpz_exchange_fail(exchange, MCPZ_CODE_BUSY,
                           "another backup, snapshot or check is under way: try again when it "
                           "has ended");
    } else if (error != MCPZ_OK) {
        mcpz_exchange_fail_error(exchange, error, "beginning to read the store");
    }
}

void mcpz_api_get_backup(struct mcpz_exchange *exchange, const struct mcpz_request *request)
{
    struct asked asked = {.rate = 0};

    if (read_query(exchange, request->query, &asked)) {
        begin(exchange, MCPZ_BACKUP_TO_PIPE, &asked);
    }
}

void mcpz_api_check_store(struct mcpz_exchange *exchange, const struct mcpz_request *request)
{
    const struct asked nothing = {.rate = 0};

    (void)request;
    begin(exchange, MCPZ_BACKUP_CHECK, &nothing);
}
