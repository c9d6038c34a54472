#include "host/mcp_url.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define ENV "env:"
#define FILE_AT "file:"

/* ---- URLs --------------------------------------------------------------------------------- */

static bool begins(const char *text, const char *with)
{
    return strncasecmp(text, with, strlen(with)) == 0;
}

const char *mcpz_mcp_url_fault(const char *url)
{
    const size_t scheme = begins(url, "https://")  ? strlen("https://")
                          : begins(url, "http://") ? strlen("http://")
                                                   : 0;
    const char *host = url + scheme;
    const size_t length = strcspn(host, "/?#");

    if (scheme == 0) {
        return "must begin with https:// or http://";
    }
    if (strlen(url) > MCPZ_MCP_URL_BYTES_MAX) {
        return "is longer than 2048 bytes";
    }
    for (const char *at = url; *at != '\0'; at++) {
        if (*at <= ' ' || *at > '~' || strchr("\"<>\\^`{|}", *at) != NULL) {
            return "has a character in it that must be written as %XX";
        }
    }
    if (length == 0 || *host == ':') {
        return "names no host";
    }
    if (memchr(host, '@', length) != NULL) {
        return "has a user's name in it: put what authorizes into headers";
    }
    if (strchr(url, '#') != NULL) {
        return "has a fragment (#), which no server is told";
    }
    return NULL;
}

void mcpz_mcp_url_show(const char *url, char *text, size_t capacity)
{
    const size_t length = strcspn(url, "?");

    (void)snprintf(text, capacity, "%.*s%s", (int)length, url, url[length] == '?' ? "?(set)" : "");
}

bool mcpz_mcp_url_is_open(const char *url)
{
    static const char *const here[] = {"localhost", "127.0.0.1", "[::1]"};
    const char *host = url + strlen("http://");

    if (!begins(url, "http://")) {
        return false;
    }
    for (size_t i = 0; i < sizeof(here) / sizeof(here[0]); i++) {
        const size_t length = strlen(here[i]);
        if (begins(host, here[i]) && strchr(":/?", host[length]) != NULL) {
            return false;
        }
    }
    return true;
}

/* ---- Headers ------------------------------------------------------------------------------ */

/* Source: RFC 9110, section 5.6.2. */
static bool is_token(const char *text)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                  "!#$%&'*+-.^_`|~";

    return text[0] != '\0' && text[strspn(text, allowed)] == '\0';
}

/* Source: RFC 9110, section 5.5; no bytes above ASCII. */
static bool is_value(const char *text)
{
    const size_t length = strlen(text);

    for (size_t i = 0; i < length; i++) {
        if ((text[i] < ' ' && text[i] != '\t') || text[i] > '~') {
            return false;
        }
    }
    return length > 0 && text[0] != ' ' && text[0] != '\t' && text[length - 1] != ' ' &&
           text[length - 1] != '\t';
}

const char *mcpz_mcp_header_fault(const char *name, const char *value)
{
    static const char *const ours[] = {
        "accept",
        "accept-encoding",
        "connection",
        "content-length",
        "content-type",
        "expect",
        "host",
        "last-event-id",
        "mcp-method",
        "mcp-name",
        "mcpz-via",
        "mcp-protocol-version",
        "mcp-session-id",
        "proxy-authorization",
        "te",
        "trailer",
        "upgrade",
        "transfer-encoding",
    };

    if (!is_token(name) || strlen(name) > MCPZ_MCP_HEADER_NAME_BYTES_MAX) {
        return "is no header's name";
    }
    for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++) {
        if (strcasecmp(name, ours[i]) == 0) {
            return "is a header that the protocol sets";
        }
    }
    if (begins(name, "mcp-param-")) {
        return "is a header that the protocol sets";
    }
    return is_value(value) ? NULL : "has a value that no header can have: printable ASCII";
}

/* The reference in a value: its last word; NULL: it has none. */
static const char *reference_in(const char *value)
{
    const char *space = strrchr(value, ' ');
    const char *word = space != NULL ? space + 1 : value;

    /* A path may have spaces in it. */
    const char *file = strstr(value, FILE_AT);
    if (file != NULL && (file == value || file[-1] == ' ')) {
        word = file;
    }
    return strncmp(word, ENV, strlen(ENV)) == 0 || strncmp(word, FILE_AT, strlen(FILE_AT)) == 0
               ? word
               : NULL;
}

const char *mcpz_mcp_header_show(const char *value)
{
    return reference_in(value) != NULL ? value : "(set)";
}

/* What stands in a file, up to its last line's end. */
static char *read_file(const char *path, char *why, size_t capacity)
{
    FILE *file = fopen(path, "re");
    char *text = calloc(1, MCPZ_MCP_SECRET_BYTES_MAX + 1);

    if (file == NULL || text == NULL) {
        (void)snprintf(why, capacity, "cannot read %.256s: %s", path, strerror(errno));
    } else {
        size_t length = fread(text, 1, MCPZ_MCP_SECRET_BYTES_MAX, file);
        while (length > 0 && strchr("\r\n \t", text[length - 1]) != NULL) {
            text[--length] = '\0';
        }
    }
    if (file == NULL) {
        free(text);
        return NULL;
    }
    (void)fclose(file);
    return text;
}

static char *look_up(const char *reference, char *why, size_t capacity)
{
    if (strncmp(reference, FILE_AT, strlen(FILE_AT)) == 0) {
        return read_file(reference + strlen(FILE_AT), why, capacity);
    }
    const char *name = reference + strlen(ENV);
    const char *value = getenv(name);
    if (value == NULL) {
        (void)snprintf(why, capacity, "the variable %.128s is not set for this node", name);
    }
    return value != NULL ? strdup(value) : NULL;
}

mcpz_error mcpz_mcp_header_resolve(const char *value, char **text, char *why, size_t capacity)
{
    const char *reference = reference_in(value);
    mcpz_error error = MCPZ_OK;

    assert(capacity > 0);
    *text = NULL;
    why[0] = '\0';
    if (reference == NULL) {
        *text = strdup(value);
        return *text != NULL ? MCPZ_OK : MCPZ_ENOMEM;
    }
    char *found = look_up(reference, why, capacity);
    if (found == NULL) {
        return why[0] != '\0' ? MCPZ_ENOTFOUND : MCPZ_ENOMEM;
    }
    if (!is_value(found)) {
        (void)snprintf(why, capacity, "what %.256s says is empty, or no header's value",
                       reference);
        error = MCPZ_ENOTFOUND;
    } else if (asprintf(text, "%.*s%s", (int)(reference - value), value, found) < 0) {
        *text = NULL;
        error = MCPZ_ENOMEM;
    }
    free(found);
    return error;
}
