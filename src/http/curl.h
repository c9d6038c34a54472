/*
 * libcurl, loaded when it is wanted first: it and all that it needs take 4 MiB and some
 * milliseconds of a node that speaks to no remote server, and of each process that it starts.
 */

#ifndef HTTP_CURL_H
#define HTTP_CURL_H

#include <curl/curl.h>

/* What is used of it: curl_NAME(), as declared there. */
#define MCPZ_CURL_FUNCTIONS(X)                                                                    \
    X(easy_cleanup)                                                                               \
    X(easy_getinfo)                                                                               \
    X(easy_init)                                                                                  \
    X(easy_pause)                                                                                 \
    X(easy_setopt)                                                                                \
    X(easy_strerror)                                                                              \
    X(free)                                                                                       \
    X(global_cleanup)                                                                             \
    X(global_init)                                                                                \
    X(multi_add_handle)                                                                           \
    X(multi_assign)                                                                               \
    X(multi_cleanup)                                                                              \
    X(multi_info_read)                                                                            \
    X(multi_init)                                                                                 \
    X(multi_perform)                                                                              \
    X(multi_poll)                                                                                 \
    X(multi_remove_handle)                                                                        \
    X(multi_setopt)                                                                               \
    X(multi_socket_action)                                                                        \
    X(slist_append)                                                                               \
    X(slist_free_all)                                                                             \
    X(url)                                                                                        \
    X(url_cleanup)                                                                                \
    X(url_get)                                                                                    \
    X(url_set)

#define MCPZ_CURL_MEMBER(name) __typeof__(curl_##name) *(name);

struct mcpz_curl {
    MCPZ_CURL_FUNCTIONS(MCPZ_CURL_MEMBER)
};

/** It; NULL: it is not to be had on this machine. */
const struct mcpz_curl *mcpz_curl(void);

#endif
