#include "embed/reach.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "host/config.h"
#include "proto/limits.h"

static bool is_everywhere(const char *host)
{
    return *host == '\0' || strcmp(host, "0.0.0.0") == 0 || strcmp(host, "::") == 0 ||
           strcmp(host, "*") == 0;
}

static bool is_loopback(const char *host)
{
    return strcmp(host, "localhost") == 0 || strcmp(host, "::1") == 0 ||
           strncmp(host, "127.", 4) == 0;
}

static bool is_usable(const struct ifaddrs *interface)
{
    return interface->ifa_addr != NULL && interface->ifa_addr->sa_family == AF_INET &&
           (interface->ifa_flags & IFF_UP) != 0 && (interface->ifa_flags & IFF_LOOPBACK) == 0;
}

/* The first IPv4 address others may know us by; false if there is none. */
static bool guess_host(char *host)
{
    struct ifaddrs *all = NULL;
    bool is_found = false;

    if (getifaddrs(&all) != 0) {
        return false;
    }
    for (const struct ifaddrs *one = all; one != NULL && !is_found; one = one->ifa_next) {
        if (is_usable(one)) {
            struct sockaddr_in address;
            memcpy(&address, one->ifa_addr, sizeof(address));
            is_found = inet_ntop(AF_INET, &address.sin_addr, host, INET_ADDRSTRLEN) != NULL;
        }
    }
    freeifaddrs(all);
    return is_found;
}

static void write_address(const char *host, uint16_t port, char *address)
{
    bool is_v6 = strchr(host, ':') != NULL;
    int length = snprintf(address, MCPZ_ADDRESS_BYTES_MAX + 1, "%s%s%s:%u", is_v6 ? "[" : "", host,
                          is_v6 ? "]" : "", (unsigned)port);

    if (length < 0 || length > MCPZ_ADDRESS_BYTES_MAX) {
        address[0] = '\0';
    }
}

struct mcpz_reach mcpz_reach_find(const char *listen, const char *advertise, uint16_t port,
                                  char *address)
{
    char host[MCPZ_ADDRESS_BYTES_MAX + 1];
    struct mcpz_reach reach = {0};
    uint16_t said = 0;

    address[0] = '\0';
    if (advertise != NULL && *advertise != '\0' &&
        mcpz_address_split(advertise, port, host, &said) == MCPZ_OK && !is_everywhere(host)) {
        write_address(host, said != 0 ? said : port, address);
        reach.is_local = is_loopback(host);
        return reach;
    }
    if (mcpz_address_split(listen, port, host, &said) != MCPZ_OK) {
        return reach;
    }
    if (!is_everywhere(host)) {
        write_address(host, port, address);
        reach.is_local = is_loopback(host);
    } else if (guess_host(host)) {
        write_address(host, port, address);
        reach.is_guessed = true;
    }
    return reach;
}
