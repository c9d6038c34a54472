#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "host/config.h"

#define HOST_BYTES_MAX 253 /* RFC 1035, 2.3.4, as text */
#define LABEL_BYTES_MAX 63
#define PORT_DIGITS_MAX 5

static bool is_ipv6(const char *text, size_t length)
{
    char address[INET6_ADDRSTRLEN];
    uint8_t bytes[16];

    if (length >= sizeof(address)) {
        return false;
    }
    memcpy(address, text, length);
    address[length] = '\0';
    return inet_pton(AF_INET6, address, bytes) == 1;
}

static bool is_label_char(char c)
{
    return isalnum((unsigned char)c) || c == '-' || c == '_';
}

/* A name of labels, or an IPv4 address. What ends in a number is an address (RFC 1123, 2.1). */
static bool is_host(const char *text)
{
    size_t length = strlen(text);
    size_t label = 0; /* characters of the present one */
    uint8_t bytes[4];

    if (length == 0 || length > HOST_BYTES_MAX) {
        return false;
    }
    for (size_t i = 0; i < length; i++) {
        if (text[i] == '.') {
            if (label == 0) {
                return false;
            }
            label = 0;
            continue;
        }
        label++;
        if (!is_label_char(text[i]) || label > LABEL_BYTES_MAX) {
            return false;
        }
    }
    const char *dot = strrchr(text, '.');
    const char *last = dot == NULL ? text : dot + 1;
    bool numeric = last[0] != '\0' && strspn(last, "0123456789") == strlen(last);
    return !numeric || inet_pton(AF_INET, text, bytes) == 1;
}

static bool read_port(const char *text, uint16_t *port)
{
    size_t digits = strspn(text, "0123456789");
    uint32_t number = 0;

    if (digits == 0 || digits > PORT_DIGITS_MAX || text[digits] != '\0') {
        return false;
    }
    for (const char *digit = text; *digit != '\0'; digit++) {
        number = number * 10 + (uint32_t)(*digit - '0');
    }
    if (number > UINT16_MAX) {
        return false;
    }
    *port = (uint16_t)number;
    return true;
}

/* "[HOST]" or "[HOST]:PORT". */
static mcpz_error split_brackets(const char *text, char *host, uint16_t *port)
{
    const char *end = strchr(text, ']');

    if (end == NULL || !is_ipv6(text + 1, (size_t)(end - text - 1))) {
        return MCPZ_EPROTO;
    }
    if (end[1] != '\0' && (end[1] != ':' || !read_port(end + 2, port))) {
        return MCPZ_EPROTO;
    }
    memcpy(host, text + 1, (size_t)(end - text - 1));
    host[end - text - 1] = '\0';
    return MCPZ_OK;
}

mcpz_error mcpz_address_split(const char *text, uint16_t port_default, char *host, uint16_t *port)
{
    char name[MCPZ_ADDRESS_BYTES_MAX + 1] = "";
    uint16_t number = port_default;
    size_t length = strlen(text);

    if (length == 0 || length > MCPZ_ADDRESS_BYTES_MAX) {
        return MCPZ_EPROTO;
    }
    const char *colon = strchr(text, ':');
    if (text[0] == '[') {
        mcpz_error error = split_brackets(text, name, &number);
        if (error != MCPZ_OK) {
            return error;
        }
    } else if (is_ipv6(text, length)) {
        memcpy(name, text, length + 1);
    } else if (colon != NULL) {
        if (!read_port(colon + 1, &number)) {
            return MCPZ_EPROTO;
        }
        memcpy(name, text, (size_t)(colon - text));
        name[colon - text] = '\0';
    } else if (!read_port(text, &number)) {
        if (strspn(text, "0123456789") == length) {
            return MCPZ_EPROTO; /* a port that is too large, not a host */
        }
        memcpy(name, text, length + 1);
    }

    if (name[0] != '\0' && strchr(name, ':') == NULL && !is_host(name)) {
        return MCPZ_EPROTO;
    }
    memcpy(host, name, strlen(name) + 1);
    *port = number;
    return MCPZ_OK;
}

mcpz_error mcpz_address_join(const char *host, uint16_t port, char *address)
{
    bool brackets = strchr(host, ':') != NULL;
    int length = snprintf(address, MCPZ_ADDRESS_BYTES_MAX + 1, brackets ? "[%s]:%u" : "%s:%u",
                          host, (unsigned)port);

    return length > 0 && length <= MCPZ_ADDRESS_BYTES_MAX ? MCPZ_OK : MCPZ_EPROTO;
}

mcpz_error mcpz_address_from_url(const char *url, char *address, bool *upgraded)
{
    char rest[MCPZ_ADDRESS_BYTES_MAX + 1];
    char host[MCPZ_ADDRESS_BYTES_MAX + 1];
    uint16_t port;
    bool plain = strncasecmp(url, "ws://", 5) == 0;

    if (plain) {
        url += 5;
    } else if (strncasecmp(url, "wss://", 6) == 0) {
        url += 6;
    }
    size_t length = strlen(url);
    if (length > 0 && url[length - 1] == '/') {
        length--;
    }
    if (length > MCPZ_ADDRESS_BYTES_MAX) {
        return MCPZ_EPROTO;
    }
    memcpy(rest, url, length);
    rest[length] = '\0';
    mcpz_error error = mcpz_address_split(rest, MCPZ_PORT_DEFAULT, host, &port);
    if (error != MCPZ_OK) {
        return error;
    }
    if (host[0] == '\0' || port == 0) {
        return MCPZ_EPROTO;
    }
    error = mcpz_address_join(host, port, address);
    if (error == MCPZ_OK) {
        *upgraded = plain;
    }
    return error;
}
