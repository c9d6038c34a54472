#include "store/stamp.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MACHINE_ID "/etc/machine-id"
#define VERSION 1
#define LINE_CHARS 96 /* with its end; any number fits */

/* "-" where the system does not say: then only the file's place counts. */
static void read_machine(char *machine)
{
    char text[MCPZ_STAMP_MACHINE_CHARS + 1] = "-";
    int file = open(MACHINE_ID, O_RDONLY | O_CLOEXEC);

    if (file >= 0) {
        ssize_t length = pread(file, text, sizeof(text) - 1, 0);
        text[length > 0 ? length : 0] = '\0';
        text[strcspn(text, " \n")] = '\0';
        close(file);
    }
    memcpy(machine, text[0] != '\0' ? text : "-", text[0] != '\0' ? sizeof(text) : 2);
}

/* Of one length, so that one overwrites another whole. */
static void make_line(const struct mcpz_stamp *stamp, uint64_t commits, char *line)
{
    snprintf(line, LINE_CHARS, "%d %-32s %20" PRIu64 " %20" PRIu64 "\n", VERSION, stamp->machine,
             stamp->inode, commits);
}

/* Take a number off the front of `*text`. */
static bool take_number(const char **text, uint64_t *number)
{
    char *end;

    errno = 0;
    *number = strtoull(*text, &end, 10);
    bool is_taken = end != *text && errno == 0;
    *text = end;
    return is_taken;
}

/* Take `word` off the front of `*text`, and the blank before it. */
static bool take_word(const char **text, const char *word)
{
    size_t length = strlen(word);
    bool is_taken =
        **text == ' ' && strncmp(*text + 1, word, length) == 0 && (*text)[1 + length] == ' ';

    *text += is_taken ? 1 + length : 0;
    return is_taken;
}

/* Does the line in the file speak of this store, and of no more commits than there are? */
static bool is_of_this(const struct mcpz_stamp *stamp, uint64_t commits)
{
    char line[LINE_CHARS];
    const char *rest = line;
    uint64_t version;
    uint64_t inode;
    uint64_t seen;

    ssize_t length = pread(stamp->file, line, sizeof(line) - 1, 0);
    line[length > 0 ? length : 0] = '\0';
    return take_number(&rest, &version) && version == VERSION &&
           take_word(&rest, stamp->machine) && take_number(&rest, &inode) &&
           inode == stamp->inode && take_number(&rest, &seen) && *rest == '\n' && seen <= commits;
}

mcpz_error mcpz_stamp_open(struct mcpz_stamp *stamp, const char *directory, int data,
                           uint64_t commits, bool fresh, bool *set_back)
{
    char path[PATH_MAX];
    struct stat status;

    *stamp = (struct mcpz_stamp){.file = -1};
    *set_back = false;
    int length = snprintf(path, sizeof(path), "%s/" MCPZ_STAMP_FILE, directory);
    if (length < 0 || (size_t)length >= sizeof(path) || fstat(data, &status) != 0) {
        return MCPZ_EIO;
    }
    stamp->file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (stamp->file < 0) {
        return MCPZ_EIO;
    }
    stamp->inode = status.st_ino;
    read_machine(stamp->machine);
    if (fresh) {
        mcpz_stamp_note(stamp, commits);
    } else {
        *set_back = !is_of_this(stamp, commits);
    }
    return MCPZ_OK;
}

void mcpz_stamp_note(const struct mcpz_stamp *stamp, uint64_t commits)
{
    char line[LINE_CHARS];

    if (stamp->file >= 0) {
        make_line(stamp, commits, line);
        /* One that is not written makes the next start more careful than it had to be. */
        ssize_t written = pwrite(stamp->file, line, strlen(line), 0);
        (void)written;
    }
}

void mcpz_stamp_close(struct mcpz_stamp *stamp)
{
    if (stamp->file >= 0) {
        close(stamp->file);
        stamp->file = -1;
    }
}
