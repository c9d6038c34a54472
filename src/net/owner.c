#include "net/owner.h"

#include <dirent.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TCP_STATE_LISTEN 0x0a /* the kernel's TCP_LISTEN */

/* One user listens on a port on several addresses at times: each is a socket. */
#define LISTENERS_MAX 16

struct listeners {
    char links[LISTENERS_MAX][32]; /* "socket:[inode]", as the descriptor shows */
    size_t count;
};

/* Columns of the kernel's table: "0: 0100007F:1F90 00000000:0000 0A ... 4711 1 ...". */
enum { COLUMN_LOCAL = 1, COLUMN_STATE = 3, COLUMN_INODE = 9, COLUMN_COUNT };

static void take_line(char *line, uint16_t port, struct listeners *listeners)
{
    char *columns[COLUMN_COUNT];
    char *rest = NULL;

    for (size_t i = 0; i < COLUMN_COUNT; i++) {
        columns[i] = strtok_r(i == 0 ? line : NULL, " ", &rest);
        if (columns[i] == NULL) {
            return;
        }
    }
    const char *colon = strchr(columns[COLUMN_LOCAL], ':');
    if (colon != NULL && strtoul(colon + 1, NULL, 16) == port &&
        strtoul(columns[COLUMN_STATE], NULL, 16) == TCP_STATE_LISTEN) {
        snprintf(listeners->links[listeners->count++], sizeof(listeners->links[0]),
                 "socket:[%.20s]", columns[COLUMN_INODE]);
    }
}

static void read_table(const char *path, uint16_t port, struct listeners *listeners)
{
    FILE *table = fopen(path, "re");
    char line[512];

    if (table == NULL) {
        return;
    }
    while (listeners->count < LISTENERS_MAX && fgets(line, sizeof(line), table) != NULL) {
        take_line(line, port, listeners);
    }
    fclose(table);
}

static bool is_listener(const struct listeners *listeners, const char *link)
{
    for (size_t i = 0; i < listeners->count; i++) {
        if (strcmp(listeners->links[i], link) == 0) {
            return true;
        }
    }
    return false;
}

static bool holds_one(const char *pid, const struct listeners *listeners)
{
    char path[300];
    bool found = false;

    snprintf(path, sizeof(path), "/proc/%.20s/fd", pid);
    DIR *descriptors = opendir(path);
    if (descriptors == NULL) {
        return false;
    }
    const struct dirent *entry;
    while (!found && (entry = readdir(descriptors)) != NULL) {
        char link[64];
        ssize_t length = readlinkat(dirfd(descriptors), entry->d_name, link, sizeof(link) - 1);
        if (length > 0) {
            link[length] = '\0';
            found = is_listener(listeners, link);
        }
    }
    closedir(descriptors);
    return found;
}

static void read_name(const char *pid, char *name, size_t capacity)
{
    char path[64];

    snprintf(name, capacity, "?");
    snprintf(path, sizeof(path), "/proc/%.20s/comm", pid);
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return;
    }
    if (fgets(name, (int)capacity, file) != NULL) {
        name[strcspn(name, "\n")] = '\0';
    }
    fclose(file);
}

bool mcpz_owner_of_port(uint16_t port, struct mcpz_owner *owner)
{
    struct listeners listeners = {.count = 0};
    bool found = false;

    read_table("/proc/net/tcp", port, &listeners);
    read_table("/proc/net/tcp6", port, &listeners);
    DIR *processes = listeners.count > 0 ? opendir("/proc") : NULL;
    if (processes == NULL) {
        return false;
    }
    const struct dirent *entry;
    while (!found && (entry = readdir(processes)) != NULL) {
        if (entry->d_name[0] < '1' || entry->d_name[0] > '9' ||
            !holds_one(entry->d_name, &listeners)) {
            continue;
        }
        found = true;
        owner->pid = (pid_t)strtol(entry->d_name, NULL, 10);
        read_name(entry->d_name, owner->name, sizeof(owner->name));
    }
    closedir(processes);
    return found;
}
