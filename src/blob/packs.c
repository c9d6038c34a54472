#include "blob/packs.h"

#include <assert.h>
#include <dirent.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "store/directory.h"

#define MARK_BYTES 4
#define PATH_BYTES_MAX 4096

static const uint8_t mark[MARK_BYTES] = {'m', 'c', 'p', 'k'};

/* A pack that is open for reading. */
struct reader {
    uint32_t pack; /* 0: none */
    int file;
};

struct mcpz_packs {
    char directory[PATH_BYTES_MAX];
    uint32_t current; /* number of the pack that is written to */
    int file;         /* of it; -1: none yet */
    uint64_t end;     /* of it */
    bool is_dirty;
    struct reader readers[MCPZ_PACKS_OPEN_MAX];
    size_t next_reader; /* gives way next */
};

static void path_of(const struct mcpz_packs *packs, uint32_t pack, char *path)
{
    (void)snprintf(path, PATH_BYTES_MAX + 32, "%s/pack-%08u", packs->directory, (unsigned)pack);
}

/* The highest number of a pack that is there; 0: none. */
static mcpz_error find_last(const char *directory, uint32_t *last)
{
    const struct dirent *entry;
    DIR *opened = opendir(directory);

    if (opened == NULL) {
        return MCPZ_EIO;
    }
    *last = 0;
    while ((entry = readdir(opened)) != NULL) {
        char *end = NULL;
        if (strncmp(entry->d_name, "pack-", 5) == 0) {
            const unsigned long number = strtoul(entry->d_name + 5, &end, 10);
            if (*end == '\0' && number > *last && number < UINT32_MAX) {
                *last = (uint32_t)number;
            }
        }
    }
    (void)closedir(opened);
    return MCPZ_OK;
}

mcpz_error mcpz_packs_open(const char *directory, struct mcpz_packs **packs)
{
    struct mcpz_packs *made = calloc(1, sizeof(*made));

    *packs = NULL;
    if (made == NULL || strlen(directory) >= PATH_BYTES_MAX) {
        free(made);
        return MCPZ_ENOMEM;
    }
    memcpy(made->directory, directory, strlen(directory) + 1);
    made->file = -1;
    mcpz_error error = find_last(directory, &made->current);
    if (error != MCPZ_OK) {
        free(made);
        return error;
    }
    *packs = made;
    return MCPZ_OK;
}

static void close_file(int *file)
{
    if (*file >= 0) {
        (void)close(*file);
    }
    *file = -1;
}

void mcpz_packs_close(struct mcpz_packs *packs)
{
    if (packs == NULL) {
        return;
    }
    close_file(&packs->file);
    for (size_t i = 0; i < MCPZ_PACKS_OPEN_MAX; i++) {
        if (packs->readers[i].pack != 0) {
            close_file(&packs->readers[i].file);
        }
    }
    free(packs);
}

/* Open pack `number` to write behind what is in it. */
static mcpz_error open_current(struct mcpz_packs *packs, uint32_t number)
{
    char path[PATH_BYTES_MAX + 32];
    struct stat status;

    path_of(packs, number, path);
    const int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (file < 0) {
        return mcpz_directory_error(errno);
    }
    if (fstat(file, &status) != 0 || mcpz_directory_sync(packs->directory) != MCPZ_OK) {
        (void)close(file);
        return MCPZ_EIO;
    }
    close_file(&packs->file);
    packs->file = file;
    packs->current = number;
    packs->end = (uint64_t)status.st_size;
    return MCPZ_OK;
}

/* Have a pack with room for `bytes` more. */
static mcpz_error make_room(struct mcpz_packs *packs, size_t bytes)
{
    mcpz_error error = MCPZ_OK;

    if (packs->file < 0) {
        error = open_current(packs, packs->current == 0 ? 1 : packs->current);
    }
    if (error == MCPZ_OK && packs->end + bytes > MCPZ_PACK_BYTES_MAX) {
        error = mcpz_packs_sync(packs);
        if (error == MCPZ_OK) {
            error = open_current(packs, packs->current + 1);
        }
    }
    return error;
}

static mcpz_error write_all(int file, struct mcpz_bytes head, struct mcpz_bytes chunk, off_t at)
{
    const size_t whole = head.length + chunk.length;
    size_t done = 0;

    while (done < whole) {
        const struct mcpz_bytes part =
            done < head.length ? mcpz_bytes(head.data + done, head.length - done)
                               : mcpz_bytes(chunk.data + (done - head.length), whole - done);
        const ssize_t written = pwrite(file, part.data, part.length, at + (off_t)done);
        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written <= 0) {
            return mcpz_directory_error(errno);
        }
        done += (size_t)written;
    }
    return MCPZ_OK;
}

static void make_head(const struct mcpz_id *id, uint32_t length, uint8_t *head)
{
    const uint32_t swapped = htole32(length);

    memcpy(head, mark, MARK_BYTES);
    memcpy(head + MARK_BYTES, &swapped, sizeof(swapped));
    memcpy(head + MARK_BYTES + sizeof(swapped), id->bytes, MCPZ_ID_BYTES);
}

static_assert(MCPZ_PACK_HEAD_BYTES == MARK_BYTES + sizeof(uint32_t) + MCPZ_ID_BYTES, "a head");

bool mcpz_pack_head_is_of(const uint8_t *head, const struct mcpz_id *id, uint32_t length)
{
    uint8_t expected[MCPZ_PACK_HEAD_BYTES];

    make_head(id, length, expected);
    return memcmp(head, expected, sizeof(expected)) == 0;
}

mcpz_error mcpz_packs_append(struct mcpz_packs *packs, const struct mcpz_id *id,
                             struct mcpz_bytes chunk, struct mcpz_pack_place *place)
{
    uint8_t head[MCPZ_PACK_HEAD_BYTES];

    assert(chunk.length <= MCPZ_PACK_BYTES_MAX - sizeof(head));
    mcpz_error error = make_room(packs, sizeof(head) + chunk.length);
    if (error != MCPZ_OK) {
        return error;
    }
    make_head(id, (uint32_t)chunk.length, head);
    error = write_all(packs->file, mcpz_bytes(head, sizeof(head)), chunk, (off_t)packs->end);
    if (error != MCPZ_OK) {
        return error; /* the next record goes over what was written of it */
    }
    *place = (struct mcpz_pack_place){
        .pack = packs->current, .length = (uint32_t)chunk.length, .offset = packs->end};
    packs->end += sizeof(head) + chunk.length;
    packs->is_dirty = true;
    return MCPZ_OK;
}

mcpz_error mcpz_packs_sync(struct mcpz_packs *packs)
{
    if (packs->is_dirty && fdatasync(packs->file) != 0) {
        return mcpz_directory_error(errno);
    }
    packs->is_dirty = false;
    return MCPZ_OK;
}

/* A file to read `pack` from; -1: it cannot be opened. */
static int reader_of(struct mcpz_packs *packs, uint32_t pack)
{
    char path[PATH_BYTES_MAX + 32];

    if (pack == packs->current && packs->file >= 0) {
        return packs->file;
    }
    for (size_t i = 0; i < MCPZ_PACKS_OPEN_MAX; i++) {
        if (packs->readers[i].pack == pack) {
            return packs->readers[i].file;
        }
    }
    path_of(packs, pack, path);
    const int file = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (file >= 0) {
        struct reader *reader = &packs->readers[packs->next_reader++ % MCPZ_PACKS_OPEN_MAX];
        if (reader->pack != 0) {
            close_file(&reader->file);
        }
        *reader = (struct reader){.pack = pack, .file = file};
    }
    return file;
}

/* Read exactly so much. */
static mcpz_error read_all(int file, uint8_t *bytes, size_t length, off_t at)
{
    size_t done = 0;

    while (done < length) {
        const ssize_t got = pread(file, bytes + done, length - done, at + (off_t)done);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            return got == 0 ? MCPZ_ECORRUPT : MCPZ_EIO;
        }
        done += (size_t)got;
    }
    return MCPZ_OK;
}

mcpz_error mcpz_packs_read(struct mcpz_packs *packs, const struct mcpz_id *id,
                           const struct mcpz_pack_place *place, uint8_t *chunk)
{
    uint8_t head[MCPZ_PACK_HEAD_BYTES];
    uint8_t expected[MCPZ_PACK_HEAD_BYTES];

    const int file = place->pack == 0 ? -1 : reader_of(packs, place->pack);
    if (file < 0) {
        return MCPZ_ECORRUPT;
    }
    mcpz_error error = read_all(file, head, sizeof(head), (off_t)place->offset);
    if (error != MCPZ_OK) {
        return error;
    }
    make_head(id, place->length, expected);
    if (memcmp(head, expected, sizeof(head)) != 0) {
        return MCPZ_ECORRUPT;
    }
    return read_all(file, chunk, place->length, (off_t)(place->offset + sizeof(head)));
}

static void punch(int file, off_t from, off_t length)
{
    if (file >= 0 &&
        fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, from, length) != 0) {
        /* Some file systems cannot: its room is lost until the pack is. */
    }
}

void mcpz_packs_drop(struct mcpz_packs *packs, const struct mcpz_pack_place *place)
{
    const int file = place->pack == 0 ? -1 : reader_of(packs, place->pack);

    punch(file, (off_t)place->offset, (off_t)(MCPZ_PACK_HEAD_BYTES + place->length));
}

bool mcpz_packs_end(struct mcpz_packs *packs, uint32_t *pack, uint64_t *end)
{
    struct stat status;
    const int file = packs->current == 0 ? -1 : reader_of(packs, packs->current);

    if (file < 0 || fstat(file, &status) != 0) {
        return false;
    }
    *pack = packs->current;
    /* What could not be appended as a whole lies behind the end: the next goes over it. */
    *end = packs->file >= 0 ? packs->end : (uint64_t)status.st_size;
    return true;
}

void mcpz_packs_give_back(struct mcpz_packs *packs, uint32_t pack, uint32_t first, uint32_t count)
{
    punch(reader_of(packs, pack), (off_t)first * MCPZ_PACK_BLOCK_BYTES,
          (off_t)count * MCPZ_PACK_BLOCK_BYTES);
}
