#include "mcp/lines.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/index.h"
#include "proto/call_msg.h"
#include "proto/code.h"

#define BUFFER_BYTES_FIRST 1024
#define BUFFER_BYTES_KEPT 65536 /* of an empty one; larger ones are given back */
#define CREDIT_BYTES_MIN 32768  /* smaller ones are gathered */
#define REFUSED_MAX 64          /* runs that there was no memory for */

struct buffer {
    uint8_t *data;
    size_t length;
    size_t capacity;
};

struct mcpz_line_stream {
    struct mcpz_lines *lines;
    struct mcpz_line_stream *next_dirty;
    uint32_t slot;
    bool is_call;
    bool dirty;
    uint64_t number;                     /* ours of a call, the desk's of a run */
    const struct mcpz_line_ports *ports; /* NULL: nobody listens yet */
    void *context;
    struct mcpz_msg_open *open; /* of a run, until it was told */

    struct buffer in;
    size_t scanned; /* of `in`: no line ends before */
    uint32_t owed;  /* bytes that came and were not given credit for */
    bool paused;
    bool in_ended; /* the other side will say no more */
    bool in_end_told;
    bool starved; /* some of it was lost for want of memory: it is to be broken off */

    struct buffer out;
    size_t out_at; /* so much of it has gone */
    uint32_t room; /* so many bytes the desk will take */
    bool was_full; /* on_room is due when there is room */
    bool finishing;
    bool end_said;

    bool over; /* at the desk; on_end is due */
    bool gone; /* for its owner: nothing is told any more */
    uint32_t code;
    uint32_t retry_after_ms;
    char text[MCPZ_MESSAGE_BYTES_MAX + 1];
};

struct mcpz_lines {
    struct mcpz_lines_config config;
    struct mcpz_program *program;
    uint64_t next_call;
    uint32_t version; /* of what we offer */
    size_t bytes;     /* of all buffers */
    size_t count;
    struct mcpz_line_stream *dirty;
    struct mcpz_line_stream *streams[MCPZ_LINES_STREAMS_MAX];
    uint32_t free_slots[MCPZ_LINES_STREAMS_MAX];
    size_t free_count;
    struct mcpz_index by_key;
    void *index_memory;
    uint64_t refused[REFUSED_MAX];
    size_t refused_count;
};

/* ---- Buffers ------------------------------------------------------------------------------ */

static void release(struct mcpz_lines *lines, struct buffer *buffer)
{
    lines->bytes -= buffer->capacity;
    free(buffer->data);
    *buffer = (struct buffer){.data = NULL};
}

/* Room for `more` bytes behind what is there. False: no memory, or too much is taken. */
static bool reserve(struct mcpz_lines *lines, struct buffer *buffer, size_t more)
{
    size_t capacity = buffer->capacity > 0 ? buffer->capacity : BUFFER_BYTES_FIRST;

    while (capacity < buffer->length + more) {
        capacity *= 2;
    }
    if (capacity == buffer->capacity) {
        return true;
    }
    if (lines->bytes - buffer->capacity + capacity > MCPZ_LINES_BYTES_MAX) {
        return false;
    }
    uint8_t *data = realloc(buffer->data, capacity);
    if (data == NULL) {
        return false;
    }
    lines->bytes += capacity - buffer->capacity;
    buffer->data = data;
    buffer->capacity = capacity;
    return true;
}

static void append(struct buffer *buffer, struct mcpz_bytes bytes)
{
    assert(buffer->length + bytes.length <= buffer->capacity);

    if (bytes.length > 0) {
        memcpy(buffer->data + buffer->length, bytes.data, bytes.length);
        buffer->length += bytes.length;
    }
}

/* Let go of the first `count` bytes. */
static void drop(struct mcpz_lines *lines, struct buffer *buffer, size_t count)
{
    buffer->length -= count;
    if (buffer->length == 0 && buffer->capacity > BUFFER_BYTES_KEPT) {
        release(lines, buffer);
    } else if (count > 0 && buffer->length > 0) {
        memmove(buffer->data, buffer->data + count, buffer->length);
    }
}

/* ---- Streams ------------------------------------------------------------------------------ */

static uint64_t key_of(uint64_t number, bool is_call)
{
    return number << 1 | is_call;
}

static struct mcpz_line_stream *find(const struct mcpz_lines *lines, uint64_t number, bool is_call)
{
    uint32_t slot;

    return mcpz_index_get(&lines->by_key, key_of(number, is_call), &slot) ? lines->streams[slot]
                                                                          : NULL;
}

static void touch(struct mcpz_line_stream *stream)
{
    struct mcpz_lines *lines = stream->lines;

    if (!stream->dirty) {
        stream->dirty = true;
        stream->next_dirty = lines->dirty;
        lines->dirty = stream;
        lines->config.later(lines->config.context);
    }
}

static struct mcpz_line_stream *make(struct mcpz_lines *lines, uint64_t number, bool is_call)
{
    struct mcpz_line_stream *stream = lines->free_count > 0 ? calloc(1, sizeof(*stream)) : NULL;

    if (stream == NULL) {
        return NULL;
    }
    stream->lines = lines;
    stream->slot = lines->free_slots[--lines->free_count];
    stream->is_call = is_call;
    stream->number = number;
    stream->room = MCPZ_CALL_WINDOW_BYTES;
    lines->streams[stream->slot] = stream;
    mcpz_index_put(&lines->by_key, key_of(number, is_call), stream->slot);
    lines->count++;
    return stream;
}

static void destroy_stream(struct mcpz_line_stream *stream)
{
    struct mcpz_lines *lines = stream->lines;

    (void)mcpz_index_remove(&lines->by_key, key_of(stream->number, stream->is_call));
    lines->streams[stream->slot] = NULL;
    lines->free_slots[lines->free_count++] = stream->slot;
    lines->count--;
    release(lines, &stream->in);
    release(lines, &stream->out);
    free(stream->open);
    free(stream);
}

static mcpz_error say(struct mcpz_lines *lines, const struct mcpz_msg *msg)
{
    return mcpz_desk_take(lines->config.desk, lines->program, msg);
}

static void note_end(struct mcpz_line_stream *stream, uint32_t code, struct mcpz_bytes text,
                     uint32_t retry_after_ms)
{
    if (!stream->over) {
        stream->over = true;
        stream->code = code;
        stream->retry_after_ms = retry_after_ms;
        mcpz_bytes_to_text(text, stream->text, sizeof(stream->text));
        touch(stream);
    }
}

/* We end it, both ways, and its owner hears why. */
static void break_off(struct mcpz_line_stream *stream, uint32_t code, const char *text)
{
    if (stream->over) {
        return;
    }
    note_end(stream, code, mcpz_text(text), 0);
    const struct mcpz_msg cancel = {.kind = MCPZ_MSG_CANCEL, .cancel = {.call = stream->number}};
    const struct mcpz_msg fail = {
        .kind = MCPZ_MSG_FAIL,
        .fail = {.call = stream->number, .code = code, .text = mcpz_text(text)}};
    (void)say(stream->lines, stream->is_call ? &cancel : &fail);
}

/* ---- What the desk says: perhaps within the engine's turn --------------------------------- */

static struct mcpz_bytes keep(uint8_t **at, struct mcpz_bytes bytes)
{
    struct mcpz_bytes kept = mcpz_bytes(*at, bytes.length);

    if (bytes.length > 0) {
        memcpy(*at, bytes.data, bytes.length);
        *at += bytes.length;
    }
    return kept;
}

/* In one block. NULL: no memory. */
static struct mcpz_msg_open *copy_open(const struct mcpz_msg_open *open)
{
    struct mcpz_msg_open *copy =
        malloc(sizeof(*copy) + open->capability.length + open->tenant.length +
               open->traceparent.length + open->params.length + open->idempotency_key.length);

    if (copy == NULL) {
        return NULL;
    }
    uint8_t *at = (uint8_t *)(copy + 1);
    *copy = *open;
    copy->capability = keep(&at, open->capability);
    copy->tenant = keep(&at, open->tenant);
    copy->traceparent = keep(&at, open->traceparent);
    copy->params = keep(&at, open->params);
    copy->idempotency_key = keep(&at, open->idempotency_key);
    copy->target = mcpz_bytes(NULL, 0);
    return copy;
}

static void hear_open(struct mcpz_lines *lines, const struct mcpz_msg_open *open)
{
    struct mcpz_msg_open *copy = copy_open(open);
    struct mcpz_line_stream *stream = copy != NULL ? make(lines, open->call, false) : NULL;

    if (stream == NULL) {
        free(copy);
        if (lines->refused_count < REFUSED_MAX) {
            lines->refused[lines->refused_count++] = open->call;
            lines->config.later(lines->config.context);
        }
        return;
    }
    stream->open = copy;
    stream->in_ended = !open->has_input;
    touch(stream);
}

static void hear_bytes(struct mcpz_line_stream *stream, struct mcpz_bytes chunk)
{
    stream->owed += (uint32_t)chunk.length;
    if (stream->gone) {
        return;
    }
    if (!reserve(stream->lines, &stream->in, chunk.length)) {
        stream->starved = true;
        return;
    }
    append(&stream->in, chunk);
}

static void hear(void *context, const struct mcpz_msg *msg)
{
    struct mcpz_lines *lines = context;
    uint64_t number = 0;

    if (msg->kind == MCPZ_MSG_OPEN) {
        hear_open(lines, &msg->open);
        return;
    }
    struct mcpz_line_stream *stream =
        mcpz_msg_call(msg, &number) ? find(lines, number, !mcpz_msg_is_from_caller(msg)) : NULL;
    if (stream == NULL) {
        return;
    }
    if (msg->kind == MCPZ_MSG_DATA) {
        hear_bytes(stream, msg->data.chunk);
    } else if (msg->kind == MCPZ_MSG_CREDIT) {
        stream->room += msg->credit.bytes;
    } else if (msg->kind == MCPZ_MSG_END) {
        hear_bytes(stream, msg->end.chunk);
        stream->in_ended = true;
        if (stream->is_call && !stream->starved) {
            note_end(stream, MCPZ_CODE_OK, mcpz_text(""), 0);
        }
    } else if (msg->kind == MCPZ_MSG_FAIL) {
        note_end(stream, msg->fail.code, msg->fail.text, msg->fail.retry_after_ms);
    } else {
        note_end(stream, MCPZ_CODE_CANCELLED, mcpz_text("nobody waits for it any more"), 0);
    }
    touch(stream);
}

/* ---- Output ------------------------------------------------------------------------------- */

static bool is_sending(const struct mcpz_line_stream *stream)
{
    return !stream->over && !stream->end_said;
}

/* Tell that this was all; the last bytes go with it. */
static void say_end(struct mcpz_line_stream *stream, struct mcpz_bytes last)
{
    stream->end_said = true;
    stream->out_at += last.length;
    const struct mcpz_msg msg = {
        .kind = MCPZ_MSG_END,
        .end = {.call = stream->number, .from_caller = stream->is_call, .chunk = last}};

    (void)say(stream->lines, &msg);
}

static mcpz_error say_data(struct mcpz_line_stream *stream, struct mcpz_bytes chunk)
{
    stream->out_at += chunk.length;
    stream->room -= (uint32_t)chunk.length;
    const struct mcpz_msg msg = {
        .kind = MCPZ_MSG_DATA,
        .data = {.call = stream->number, .from_caller = stream->is_call, .chunk = chunk}};

    return say(stream->lines, &msg);
}

/* As much as may go. What the desk says meanwhile is only noted: hear(). */
static void push(struct mcpz_line_stream *stream)
{
    while (is_sending(stream)) {
        size_t left = stream->out.length - stream->out_at;
        size_t size = left < stream->room ? left : stream->room;
        size = size < MCPZ_CHUNK_BYTES_MAX ? size : MCPZ_CHUNK_BYTES_MAX;
        struct mcpz_bytes chunk =
            size > 0 ? mcpz_bytes(stream->out.data + stream->out_at, size) : mcpz_bytes(NULL, 0);
        if (stream->finishing && size == left) {
            say_end(stream, left > 0 ? chunk : mcpz_bytes(NULL, 0));
        } else if (size == 0) {
            break;
        } else if (say_data(stream, chunk) != MCPZ_OK) {
            break_off(stream, MCPZ_CODE_BUSY, "no memory for what is to be sent");
        }
    }
    if (stream->out_at >= stream->out.length / 2) { /* else it would be moved too often */
        drop(stream->lines, &stream->out, stream->out_at);
        stream->out_at = 0;
    }
}

static void tell_room(struct mcpz_line_stream *stream)
{
    if (stream->was_full && mcpz_line_queued(stream) < MCPZ_LINES_QUEUE_BYTES_LOW &&
        !stream->gone && !stream->over) {
        stream->was_full = false;
        if (stream->ports->on_room != NULL) {
            stream->ports->on_room(stream->context, stream);
        }
    }
}

/* ---- Input -------------------------------------------------------------------------------- */

static void give_credit(struct mcpz_line_stream *stream)
{
    uint32_t owed = stream->owed;

    if (stream->over || stream->in_ended || (owed < CREDIT_BYTES_MIN && stream->in.length == 0) ||
        owed == 0) {
        return;
    }
    stream->owed = 0;
    const struct mcpz_msg msg = {
        .kind = MCPZ_MSG_CREDIT,
        .credit = {.call = stream->number, .from_caller = stream->is_call, .bytes = owed}};
    (void)say(stream->lines, &msg);
}

/* What came while lines were told goes behind what is left of them. */
static void put_back(struct mcpz_line_stream *stream, struct buffer *taken, size_t told,
                     size_t scanned)
{
    struct buffer since = stream->in;

    drop(stream->lines, taken, told);
    stream->in = *taken;
    stream->scanned = stream->in.length > 0 ? scanned - told : 0;
    if (since.length > 0 && reserve(stream->lines, &stream->in, since.length)) {
        append(&stream->in, mcpz_bytes(since.data, since.length));
        since.length = 0;
    }
    stream->starved = stream->starved || since.length > 0;
    release(stream->lines, &since);
}

/* Tell the lines that are complete. They are taken out meanwhile: more may come. */
static void tell_lines(struct mcpz_line_stream *stream)
{
    struct buffer taken = stream->in;
    size_t scanned = stream->scanned;
    size_t told = 0;

    stream->in = (struct buffer){.data = NULL};
    while (!stream->gone && !stream->paused && scanned < taken.length) {
        const uint8_t *end = memchr(taken.data + scanned, '\n', taken.length - scanned);
        if (end == NULL) {
            scanned = taken.length;
            break;
        }
        const struct mcpz_bytes line =
            mcpz_bytes(taken.data + told, (size_t)(end - taken.data) - told);
        scanned = told = (size_t)(end - taken.data) + 1;
        if (line.length > 0) {
            stream->ports->on_line(stream->context, stream, line);
        }
    }
    put_back(stream, &taken, told, scanned);
}

/* A last line may come without its end. */
static void tell_rest(struct mcpz_line_stream *stream)
{
    struct buffer taken = stream->in;

    stream->in = (struct buffer){.data = NULL};
    stream->scanned = 0;
    if (taken.length > 0) {
        stream->ports->on_line(stream->context, stream, mcpz_bytes(taken.data, taken.length));
    }
    release(stream->lines, &taken);
}

static void tell_input_end(struct mcpz_line_stream *stream)
{
    stream->in_end_told = true;
    if (!stream->is_call && !stream->over && stream->ports->on_input_end != NULL) {
        stream->ports->on_input_end(stream->context, stream);
    }
}

/* What has come is not to be made sense of any more. */
static void give_up_input(struct mcpz_line_stream *stream)
{
    const bool starved = stream->starved;

    release(stream->lines, &stream->in);
    stream->scanned = 0;
    stream->in_ended = false;
    stream->starved = false;
    stream->over = stream->over && stream->code != MCPZ_CODE_OK; /* it has not ended well */
    break_off(stream, starved ? MCPZ_CODE_BUSY : MCPZ_CODE_TOO_LARGE,
              starved ? "too much is under way at this node" : "a message is larger than 8 MiB");
}

static void take_input(struct mcpz_line_stream *stream)
{
    if (stream->in.length > stream->scanned) {
        tell_lines(stream);
    }
    if (stream->gone || stream->paused) {
        return;
    }
    if (stream->starved || stream->in.length > MCPZ_MCP_MESSAGE_BYTES_MAX) {
        give_up_input(stream);
        return;
    }
    if (stream->in_ended && !stream->in_end_told) {
        tell_rest(stream);
        if (!stream->gone) {
            tell_input_end(stream);
        }
    }
    if (!stream->gone) {
        give_credit(stream);
    }
}

/* ---- Outside the turn --------------------------------------------------------------------- */

static void tell_open(struct mcpz_line_stream *stream)
{
    struct mcpz_msg_open *open = stream->open;

    stream->open = NULL;
    stream->lines->config.on_open(stream->lines->config.context, stream, open);
    free(open);
    assert(stream->gone || stream->ports != NULL);
}

static bool has_told_all(const struct mcpz_line_stream *stream)
{
    return stream->in.length == 0 || (stream->code != MCPZ_CODE_OK && !stream->paused);
}

/* True: it is to be destroyed. */
static bool attend(struct mcpz_line_stream *stream)
{
    if (stream->open != NULL && stream->over) {
        return true; /* nobody has heard of it */
    }
    if (stream->open != NULL) {
        tell_open(stream);
    }
    if (!stream->gone) {
        take_input(stream);
    }
    push(stream);
    tell_room(stream);
    if (stream->over && !stream->gone && !stream->paused && has_told_all(stream)) {
        const struct mcpz_line_end end = {.code = stream->code,
                                          .text = mcpz_text(stream->text),
                                          .retry_after_ms = stream->retry_after_ms};
        stream->ports->on_end(stream->context, stream, &end);
        return true;
    }
    return stream->gone && !is_sending(stream);
}

static void tell_refused(struct mcpz_lines *lines)
{
    while (lines->refused_count > 0) {
        const struct mcpz_msg msg = {
            .kind = MCPZ_MSG_FAIL,
            .fail = {.call = lines->refused[--lines->refused_count],
                     .code = MCPZ_CODE_BUSY,
                     .text = mcpz_text("too much is under way at this node"),
                     .retry_after_ms = MCPZ_RETRY_AFTER_MS}};
        (void)say(lines, &msg);
    }
}

void mcpz_lines_work(struct mcpz_lines *lines)
{
    struct mcpz_line_stream *stream = lines->dirty;

    /* What is touched from here on is for the next time. */
    lines->dirty = NULL;
    tell_refused(lines);
    while (stream != NULL) {
        struct mcpz_line_stream *next = stream->next_dirty;
        stream->dirty = false;
        if (attend(stream)) {
            if (stream->dirty) { /* it is in the list again: let that find it gone */
                stream->gone = true;
                stream->over = true;
            } else {
                destroy_stream(stream);
            }
        }
        stream = next;
    }
}

/* ---- What its owner says ------------------------------------------------------------------ */

static bool is_within_bounds(const struct mcpz_line_call *call)
{
    return call->capability.length > 0 && call->capability.length <= MCPZ_CAPABILITY_BYTES_MAX &&
           call->params.length <= MCPZ_PARAMS_BYTES_MAX &&
           call->timeout_ms <= MCPZ_CALL_TIMEOUT_MS_MAX && call->priority <= MCPZ_PRIORITY_MAX &&
           call->tenant.length <= MCPZ_TENANT_BYTES_MAX &&
           call->traceparent.length <= MCPZ_TRACEPARENT_BYTES_MAX &&
           call->idempotency_key.length <= MCPZ_IDEMPOTENCY_KEY_BYTES_MAX &&
           mcpz_bytes_is_utf8(call->capability) && mcpz_bytes_is_utf8(call->tenant) &&
           mcpz_bytes_is_utf8(call->traceparent) && mcpz_bytes_is_utf8(call->idempotency_key);
}

mcpz_error mcpz_lines_open(struct mcpz_lines *lines, const struct mcpz_line_call *call,
                           struct mcpz_line_stream **stream)
{
    struct mcpz_msg msg = {.kind = MCPZ_MSG_OPEN,
                           .open = {.call = ++lines->next_call,
                                    .capability = call->capability,
                                    .timeout_ms = call->timeout_ms,
                                    .attempt = 1,
                                    .priority = call->priority,
                                    .tenant = call->tenant,
                                    .traceparent = call->traceparent,
                                    .params = call->params,
                                    .has_input = true,
                                    .idempotency_key = call->idempotency_key,
                                    .idempotent = call->idempotent}};

    *stream = NULL;
    if (!is_within_bounds(call)) {
        return MCPZ_EPROTO;
    }
    if (call->target != NULL) {
        msg.open.target = mcpz_bytes(call->target->bytes, MCPZ_ID_BYTES);
    }
    struct mcpz_line_stream *made = make(lines, msg.open.call, true);
    if (made == NULL) {
        return MCPZ_ENOMEM;
    }
    made->ports = call->ports;
    made->context = call->context;
    mcpz_error error = say(lines, &msg);
    assert(error == MCPZ_OK); /* what the desk cannot do, it answers with FAIL */
    (void)error;
    *stream = made;
    return MCPZ_OK;
}

void mcpz_line_listen(struct mcpz_line_stream *stream, const struct mcpz_line_ports *ports,
                      void *context)
{
    assert(!stream->is_call && !stream->gone);

    stream->ports = ports;
    stream->context = context;
}

/* Line ends between tokens would end the line. */
static void append_spaced(struct buffer *buffer, struct mcpz_bytes part)
{
    uint8_t *at = buffer->data + buffer->length;

    append(buffer, part);
    for (size_t i = 0; i < part.length; i++) {
        if (at[i] == '\n' || at[i] == '\r') {
            at[i] = ' ';
        }
    }
}

mcpz_error mcpz_line_send(struct mcpz_line_stream *stream, const struct mcpz_bytes *parts,
                          size_t count)
{
    size_t length = 0;

    assert(!stream->gone && !stream->finishing);
    for (size_t i = 0; i < count; i++) {
        length += parts[i].length;
    }
    if (length > MCPZ_MCP_MESSAGE_BYTES_MAX) {
        return MCPZ_EPROTO;
    }
    if (mcpz_line_queued(stream) + length + 1 > MCPZ_LINES_QUEUE_BYTES_MAX) {
        return MCPZ_EFULL;
    }
    if (!reserve(stream->lines, &stream->out, length + 1)) {
        return MCPZ_ENOMEM;
    }
    for (size_t i = 0; i < count; i++) {
        append_spaced(&stream->out, parts[i]);
    }
    append(&stream->out, mcpz_text("\n"));
    stream->was_full = stream->was_full || mcpz_line_queued(stream) >= MCPZ_LINES_QUEUE_BYTES_LOW;
    touch(stream);
    return MCPZ_OK;
}

size_t mcpz_line_queued(const struct mcpz_line_stream *stream)
{
    return stream->out.length - stream->out_at;
}

void mcpz_line_pause(struct mcpz_line_stream *stream, bool paused)
{
    stream->paused = paused;
    touch(stream);
}

/* Nothing is told of it any more. */
static void leave(struct mcpz_line_stream *stream)
{
    stream->gone = true;
    touch(stream);
}

void mcpz_line_finish(struct mcpz_line_stream *stream)
{
    assert(!stream->gone);

    stream->finishing = true;
    if (stream->is_call) {
        touch(stream);
    } else {
        leave(stream);
    }
}

void mcpz_line_fail(struct mcpz_line_stream *stream, uint32_t code, const char *text,
                    uint32_t retry_after_ms)
{
    assert(!stream->is_call && !stream->gone);

    if (!stream->over) {
        const struct mcpz_msg msg = {.kind = MCPZ_MSG_FAIL,
                                     .fail = {.call = stream->number,
                                              .code = code,
                                              .text = mcpz_text(text),
                                              .retry_after_ms = retry_after_ms}};
        stream->over = true;
        (void)say(stream->lines, &msg);
    }
    leave(stream);
}

void mcpz_line_cancel(struct mcpz_line_stream *stream)
{
    assert(stream->is_call && !stream->gone);

    if (!stream->over) {
        const struct mcpz_msg msg = {.kind = MCPZ_MSG_CANCEL, .cancel = {.call = stream->number}};
        stream->over = true;
        (void)say(stream->lines, &msg);
    }
    leave(stream);
}

/* ---- Life --------------------------------------------------------------------------------- */

mcpz_error mcpz_lines_offer(struct mcpz_lines *lines, const struct mcpz_bytes *names, size_t count)
{
    const struct mcpz_msg msg = {
        .kind = MCPZ_MSG_CAPABILITIES,
        .capabilities = {.version = ++lines->version, .names = names, .name_count = count}};

    return count <= MCPZ_CAPABILITIES_PER_NODE_MAX ? say(lines, &msg) : MCPZ_EFULL;
}

mcpz_error mcpz_lines_create(const struct mcpz_lines_config *config, struct mcpz_lines **lines)
{
    const struct mcpz_desk_visitor visitor = {.send = hear, .is_node = true};
    size_t index_bytes = mcpz_index_bytes(MCPZ_LINES_STREAMS_MAX);
    struct mcpz_lines *made = calloc(1, sizeof(*made));
    mcpz_error error = MCPZ_ENOMEM;
    struct mcpz_arena arena;

    *lines = NULL;
    if (made == NULL) {
        return MCPZ_ENOMEM;
    }
    made->config = *config;
    made->index_memory = calloc(1, index_bytes);
    if (made->index_memory != NULL) {
        mcpz_arena_init_zeroed(&arena, made->index_memory, index_bytes);
        mcpz_index_init(&made->by_key, MCPZ_LINES_STREAMS_MAX, 0, &arena);
        struct mcpz_desk_visitor ours = visitor;
        ours.context = made;
        error = mcpz_desk_enter(config->desk, &ours, &made->program);
    }
    if (error != MCPZ_OK) {
        free(made->index_memory);
        free(made);
        return error;
    }
    for (uint32_t i = 0; i < MCPZ_LINES_STREAMS_MAX; i++) {
        made->free_slots[made->free_count++] = MCPZ_LINES_STREAMS_MAX - 1 - i;
    }
    const struct mcpz_msg hello = {
        .kind = MCPZ_MSG_HELLO,
        .hello = {.version_min = MCPZ_PROTOCOL_MIN, .version_max = MCPZ_PROTOCOL_MAX}};
    error = say(made, &hello);
    assert(error == MCPZ_OK); /* the desk and we are of one version */
    (void)error;
    *lines = made;
    return MCPZ_OK;
}

void mcpz_lines_destroy(struct mcpz_lines *lines)
{
    if (lines == NULL) {
        return;
    }
    mcpz_desk_leave(lines->config.desk, lines->program);
    for (size_t i = 0; i < MCPZ_LINES_STREAMS_MAX; i++) {
        if (lines->streams[i] != NULL) {
            destroy_stream(lines->streams[i]);
        }
    }
    assert(lines->bytes == 0);
    free(lines->index_memory);
    free(lines);
}

size_t mcpz_lines_count(const struct mcpz_lines *lines)
{
    return lines->count;
}
