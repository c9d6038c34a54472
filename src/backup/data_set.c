#include "backup/data_set.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/attr.h"

#define PATH_BYTES_MAX 4096
#define CAPACITY_FIRST 16

struct listing {
    struct mcpz_data_set *set;
    const char *directory;
    const struct mcpz_data_pins *pins;
};

static bool ends_with(const char *name, const char *end)
{
    const size_t length = strlen(name);
    const size_t end_length = strlen(end);

    return length >= end_length && strcmp(name + length - end_length, end) == 0;
}

/* What is made anew at each start, or stands for this place only. */
static bool is_left_out(const char *name)
{
    static const char *const ends[] = {"lock.mdb", "mcpz.lock", "mcpz.stamp",  ".sock",
                                       ".path",    ".tmp",      "mcpz.reserve"};

    for (size_t i = 0; i < MCPZ_ARRAY_LEN(ends); i++) {
        if (ends_with(name, ends[i])) {
            return true;
        }
    }
    return name[0] == '.' || strncmp(name, "body-", 5) == 0;
}

bool mcpz_data_name_is_sound(const char *name)
{
    if (strlen(name) > MCPZ_DATA_NAME_BYTES_MAX) {
        return false;
    }
    for (const char *part = name;;) {
        const size_t length = strcspn(part, "/");
        if (length == 0 || part[0] == '.') {
            return false;
        }
        for (size_t i = 0; i < length; i++) {
            if ((unsigned char)part[i] < 0x20 || part[i] == 0x7f) {
                return false;
            }
        }
        if (part[length] == '\0') {
            return true;
        }
        part += length + 1;
    }
}

struct mcpz_data_file *mcpz_data_set_add(struct mcpz_data_set *set, const char *name)
{
    /* Powers of two are when it is full. */
    if (set->count == 0 ||
        (set->count >= CAPACITY_FIRST && (set->count & (set->count - 1)) == 0)) {
        const size_t capacity = set->count == 0 ? CAPACITY_FIRST : 2 * set->count;
        struct mcpz_data_file *files = set->count < MCPZ_DATA_FILES_MAX
                                           ? realloc(set->files, capacity * sizeof(*set->files))
                                           : NULL;
        if (files == NULL) {
            return NULL;
        }
        set->files = files;
    }
    struct mcpz_data_file *file = &set->files[set->count++];
    *file = (struct mcpz_data_file){.part = {.file = -1}};
    (void)snprintf(file->name, sizeof(file->name), "%s", name);
    return file;
}

/* Where files lie moves as they are added: only then are their pages bound to them. */
static void bind(struct mcpz_data_set *set)
{
    for (size_t i = 0; i < set->count; i++) {
        struct mcpz_data_file *file = &set->files[i];
        if (file->owned) {
            file->pages = mcpz_pages_of_file(&file->part);
        }
    }
}

void mcpz_data_set_leave_out(struct mcpz_data_set *set, const char *name)
{
    for (size_t i = 0; i < set->count; i++) {
        struct mcpz_data_file *file = &set->files[i];
        if (strcmp(file->name, name) != 0) {
            continue;
        }
        if (file->owned && file->part.file >= 0) {
            (void)close(file->part.file);
        }
        set->count--;
        memmove(file, file + 1, (set->count - i) * sizeof(*file));
        bind(set);
        return;
    }
}

static mcpz_error fail(struct mcpz_data_set *set, mcpz_error error, const char *what,
                       const char *name)
{
    (void)snprintf(set->trouble, sizeof(set->trouble), "cannot %s %.300s: %s", what, name,
                   error == MCPZ_EIO ? strerror(errno) : mcpz_strerror(error));
    return error;
}

static mcpz_error add_opened(struct listing *listing, const char *name, const char *path)
{
    struct stat status;
    struct mcpz_data_file *file = mcpz_data_set_add(listing->set, name);

    if (file == NULL) {
        return fail(listing->set, MCPZ_EFULL, "list", path);
    }
    file->owned = true;
    file->part.file = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (file->part.file < 0 || fstat(file->part.file, &status) != 0) {
        return fail(listing->set, MCPZ_EIO, "read", path);
    }
    file->part.bytes = (uint64_t)status.st_size;
    file->mode = status.st_mode & 0777;
    return MCPZ_OK;
}

static mcpz_error add_pinned(struct listing *listing, const char *name,
                             const struct mcpz_pages *pages)
{
    struct mcpz_data_file *file = mcpz_data_set_add(listing->set, name);

    if (file == NULL) {
        return fail(listing->set, MCPZ_EFULL, "list", name);
    }
    file->pages = *pages;
    file->mode = 0600;
    return MCPZ_OK;
}

static const struct mcpz_pages *pinned(const struct listing *listing, const char *name)
{
    if (listing->pins == NULL) {
        return NULL;
    }
    if (strcmp(name, MCPZ_DATA_STORE) == 0) {
        return listing->pins->store;
    }
    return strcmp(name, MCPZ_DATA_BLOBS) == 0 ? listing->pins->blobs : NULL;
}

static mcpz_error add_file(struct listing *listing, const char *name, const char *path)
{
    const struct mcpz_pages *pages = pinned(listing, name);

    return pages != NULL ? add_pinned(listing, name, pages) : add_opened(listing, name, path);
}

/* The plain files of DIRECTORY/below, `below` being "" or ending in "/". None if it is absent. */
static mcpz_error list(struct listing *listing, const char *below)
{
    char path[PATH_BYTES_MAX];
    char name[MCPZ_DATA_NAME_BYTES_MAX + 1];
    struct stat status;
    const struct dirent *entry;
    mcpz_error error = MCPZ_OK;

    (void)snprintf(path, sizeof(path), "%s/%s", listing->directory, below);
    DIR *opened = opendir(path);
    if (opened == NULL) {
        return errno == ENOENT && below[0] != '\0' ? MCPZ_OK
                                                   : fail(listing->set, MCPZ_EIO, "read", path);
    }
    while (error == MCPZ_OK && (entry = readdir(opened)) != NULL) {
        const int name_length = snprintf(name, sizeof(name), "%s%s", below, entry->d_name);
        const int length = snprintf(path, sizeof(path), "%s/%s", listing->directory, name);
        if (is_left_out(entry->d_name) || name_length < 0 || (size_t)name_length >= sizeof(name) ||
            length < 0 || (size_t)length >= sizeof(path) || lstat(path, &status) != 0 ||
            !S_ISREG(status.st_mode)) {
            continue;
        }
        error = add_file(listing, name, path);
    }
    (void)closedir(opened);
    return error;
}

static int by_name(const void *a, const void *b)
{
    const struct mcpz_data_file *left = a;
    const struct mcpz_data_file *right = b;

    return strcmp(left->name, right->name);
}

mcpz_error mcpz_data_set_open(struct mcpz_data_set *set, const char *directory,
                              const struct mcpz_data_pins *pins)
{
    static const char *const places[] = {"", "store/", "keys/", "blobs/index/", "blobs/"};
    struct listing listing = {.set = set, .directory = directory, .pins = pins};
    mcpz_error error = MCPZ_OK;

    *set = (struct mcpz_data_set){.is_still = pins == NULL};
    for (size_t i = 0; i < MCPZ_ARRAY_LEN(places) && error == MCPZ_OK; i++) {
        error = list(&listing, places[i]);
    }
    if (error == MCPZ_OK && mcpz_data_set_find(set, MCPZ_DATA_STORE) == NULL) {
        (void)snprintf(set->trouble, sizeof(set->trouble), "there is no store in %.400s",
                       directory);
        return MCPZ_ENOTFOUND;
    }
    if (error == MCPZ_OK) {
        qsort(set->files, set->count, sizeof(*set->files), by_name);
    }
    bind(set);
    return error;
}

void mcpz_data_set_finish(struct mcpz_data_set *set)
{
    for (size_t i = 0; i < set->count; i++) {
        if (set->files[i].owned && set->files[i].part.file >= 0) {
            (void)close(set->files[i].part.file);
        }
    }
    free(set->files);
    set->files = NULL;
    set->count = 0;
}

const struct mcpz_data_file *mcpz_data_set_find(const struct mcpz_data_set *set, const char *name)
{
    for (size_t i = 0; i < set->count; i++) {
        if (strcmp(set->files[i].name, name) == 0) {
            return &set->files[i];
        }
    }
    return NULL;
}

uint64_t mcpz_data_set_bytes(const struct mcpz_data_set *set)
{
    uint64_t bytes = 0;

    for (size_t i = 0; i < set->count; i++) {
        bytes += set->files[i].pages.bytes;
    }
    return bytes;
}
