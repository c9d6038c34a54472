#include "http/body.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void mcpz_body_init(struct mcpz_body *body, const char *directory)
{
    *body =
        (struct mcpz_body){.directory = directory, .memory_max = MCPZ_BODY_MEMORY_MAX, .file = -1};
}

void mcpz_body_finish(struct mcpz_body *body)
{
    free(body->memory);
    if (body->file >= 0) {
        (void)close(body->file);
    }
    uint64_t memory_max = body->memory_max;
    mcpz_body_init(body, body->directory);
    body->memory_max = memory_max;
}

static mcpz_error error_of_errno(void)
{
    return errno == ENOSPC || errno == EDQUOT ? MCPZ_ENOSPACE : MCPZ_EIO;
}

/* A file without a name; where the file system cannot make one, its name is removed at once. */
static int open_nameless(const char *directory)
{
    char path[4096];

    int file = open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (file >= 0) {
        return file;
    }
    int length = snprintf(path, sizeof(path), "%s/body-XXXXXX", directory);
    if (length < 0 || (size_t)length >= sizeof(path)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    file = mkostemp(path, O_CLOEXEC);
    if (file >= 0) {
        (void)unlink(path);
    }
    return file;
}

static mcpz_error write_all(int file, struct mcpz_bytes bytes)
{
    while (bytes.length > 0) {
        ssize_t written = write(file, bytes.data, bytes.length);
        if (written < 0 && errno != EINTR) {
            return error_of_errno();
        }
        if (written > 0) {
            bytes = mcpz_bytes(bytes.data + written, bytes.length - (size_t)written);
        }
    }
    return MCPZ_OK;
}

/* Write what is in memory to the file. */
static mcpz_error flush(struct mcpz_body *body)
{
    size_t waiting = (size_t)(body->length - body->written);
    mcpz_error error = write_all(body->file, mcpz_bytes(body->memory, waiting));

    if (error == MCPZ_OK) {
        body->written = body->length;
    }
    return error;
}

/* Move what is in memory to a file. The memory stays, to gather what is added in small pieces. */
static mcpz_error spill(struct mcpz_body *body)
{
    assert(body->file < 0);

    body->file = open_nameless(body->directory);
    if (body->file < 0) {
        return error_of_errno();
    }
    mcpz_error error = flush(body);
    free(body->memory);
    body->capacity = MCPZ_BODY_TAIL_BYTES;
    body->memory = malloc(body->capacity);
    return error == MCPZ_OK && body->memory == NULL ? MCPZ_ENOMEM : error;
}

static mcpz_error append_to_file(struct mcpz_body *body, struct mcpz_bytes bytes)
{
    size_t waiting = (size_t)(body->length - body->written);

    assert(waiting <= MCPZ_BODY_TAIL_BYTES);
    if (bytes.length <= MCPZ_BODY_TAIL_BYTES - waiting) {
        memcpy(body->memory + waiting, bytes.data, bytes.length);
        return MCPZ_OK;
    }
    mcpz_error error = flush(body);
    if (error != MCPZ_OK) {
        return error;
    }
    if (bytes.length <= MCPZ_BODY_TAIL_BYTES) {
        memcpy(body->memory, bytes.data, bytes.length);
        return MCPZ_OK;
    }
    error = write_all(body->file, bytes);
    body->written += error == MCPZ_OK ? bytes.length : 0;
    return error;
}

static mcpz_error make_room(struct mcpz_body *body, size_t needed)
{
    size_t capacity = body->capacity > 0 ? body->capacity : MCPZ_BODY_MEMORY_FIRST;

    assert(needed <= body->memory_max);
    while (capacity < needed) {
        capacity *= 2;
    }
    if (capacity == body->capacity) {
        return MCPZ_OK;
    }
    uint8_t *memory = realloc(body->memory, capacity);
    if (memory == NULL) {
        return MCPZ_ENOMEM;
    }
    body->memory = memory;
    body->capacity = capacity;
    return MCPZ_OK;
}

static mcpz_error append(struct mcpz_body *body, struct mcpz_bytes bytes)
{
    mcpz_error error = MCPZ_OK;

    if (body->file < 0 && bytes.length > body->memory_max - body->length) {
        error = spill(body);
    }
    if (error == MCPZ_OK && body->file >= 0) {
        return append_to_file(body, bytes);
    }
    if (error == MCPZ_OK) {
        error = make_room(body, (size_t)body->length + bytes.length);
    }
    if (error == MCPZ_OK) {
        memcpy(body->memory + body->length, bytes.data, bytes.length);
    }
    return error;
}

void mcpz_body_append(struct mcpz_body *body, struct mcpz_bytes bytes)
{
    if (body->error != MCPZ_OK || bytes.length == 0) {
        return;
    }
    body->error = append(body, bytes);
    if (body->error == MCPZ_OK) {
        body->length += bytes.length;
    }
}

void mcpz_body_text(struct mcpz_body *body, const char *text)
{
    mcpz_body_append(body, mcpz_text(text));
}

mcpz_error mcpz_body_read(const struct mcpz_body *body, uint64_t offset, uint8_t *buffer,
                          size_t capacity, size_t *length)
{
    uint64_t left = offset < body->length ? body->length - offset : 0;
    size_t wanted = left < capacity ? (size_t)left : capacity;

    if (wanted == 0) {
        *length = 0;
        return MCPZ_OK;
    }
    uint64_t written = body->file >= 0 ? body->written : 0;
    if (offset >= written) {
        memcpy(buffer, body->memory + (offset - written), wanted);
        *length = wanted;
        return MCPZ_OK;
    }
    if (wanted > written - offset) {
        wanted = (size_t)(written - offset);
    }
    ssize_t count;
    do {
        count = pread(body->file, buffer, wanted, (off_t)offset);
    } while (count < 0 && errno == EINTR);
    if (count <= 0) {
        return MCPZ_EIO;
    }
    *length = (size_t)count;
    return MCPZ_OK;
}

mcpz_error mcpz_body_read_all(const struct mcpz_body *body, uint64_t offset, uint8_t *buffer,
                              size_t length)
{
    if (offset > body->length || length > body->length - offset) {
        return MCPZ_ESHORT;
    }
    for (size_t done = 0; done < length;) {
        size_t count = 0;
        mcpz_error error =
            mcpz_body_read(body, offset + done, buffer + done, length - done, &count);
        if (error != MCPZ_OK) {
            return error;
        }
        done += count;
    }
    return MCPZ_OK;
}

struct mcpz_bytes mcpz_body_in_memory(const struct mcpz_body *body)
{
    return body->file < 0 ? mcpz_bytes(body->memory, (size_t)body->length) : mcpz_bytes(NULL, 0);
}
