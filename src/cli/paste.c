#include "cli/paste.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/ask.h"

#define BLANK " \t\r\n"

static enum mcpz_exit trimmed(const struct mcpz_invocation *invocation, const char *from,
                              char *text)
{
    from += strspn(from, BLANK);
    size_t length = strlen(from);

    while (length > 0 && strchr(BLANK, from[length - 1]) != NULL) {
        length--;
    }
    if (length == 0) {
        return mcpz_fail_usage(invocation, "the token is empty");
    }
    if (length >= MCPZ_PASTE_BYTES) {
        return mcpz_fail_usage(invocation, "that is too long for a token");
    }
    memmove(text, from, length);
    text[length] = '\0';
    return MCPZ_EXIT_OK;
}

static enum mcpz_exit from_stream(const struct mcpz_invocation *invocation, FILE *stream,
                                  char *text)
{
    char read[MCPZ_PASTE_BYTES + 64]; /* room for white space around it */
    size_t length = fread(read, 1, sizeof(read) - 1, stream);

    if (ferror(stream) != 0) {
        struct mcpz_trouble trouble;
        mcpz_trouble_say(&trouble, "cannot read the token: %s", strerror(errno));
        return mcpz_fail_error(invocation, MCPZ_EIO, &trouble);
    }
    read[length] = '\0';
    enum mcpz_exit status = trimmed(invocation, read, text);
    explicit_bzero(read, sizeof(read));
    return status;
}

static enum mcpz_exit from_file(const struct mcpz_invocation *invocation, const char *path,
                                char *text)
{
    FILE *file = fopen(path, "re");

    if (file == NULL) {
        return mcpz_fail_usage(invocation, "MCPZ_JOIN_TOKEN_FILE: cannot open %s: %s", path,
                               strerror(errno));
    }
    enum mcpz_exit status = from_stream(invocation, file, text);
    (void)fclose(file);
    return status;
}

enum mcpz_exit mcpz_paste_token(const struct mcpz_invocation *invocation, char *text)
{
    const char *argument = mcpz_argument(invocation, 0);
    const char *file = getenv("MCPZ_JOIN_TOKEN_FILE");

    if (argument == NULL) {
        argument = getenv("MCPZ_JOIN_TOKEN");
    }
    if (argument != NULL && strcmp(argument, "-") == 0) {
        return from_stream(invocation, stdin, text);
    }
    if (argument != NULL) {
        return trimmed(invocation, argument, text);
    }
    if (file != NULL && *file != '\0') {
        return from_file(invocation, file, text);
    }
    return mcpz_fail_usage(invocation, "no token: give it as argument, on standard input (-), in"
                                       " MCPZ_JOIN_TOKEN or in the file MCPZ_JOIN_TOKEN_FILE"
                                       " names");
}
