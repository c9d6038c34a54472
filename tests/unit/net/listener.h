/* A port of loopback that speaks nothing but TCP, and what may be wrong with one. */

#ifndef LISTENER_H
#define LISTENER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LISTENER_FILLERS 8 /* more than a queue of length 0 takes */

struct listener {
    int fd;
    int fillers[LISTENER_FILLERS];
    size_t filler_count;
    uint16_t port;
    char address[32];
};

/** A port nobody listens on: one that was just given back. */
uint16_t closed_port(void);

/** Listen with a queue of length `backlog`; nothing is taken from it by itself. */
void listener_open(struct listener *listener, int backlog);
void listener_close(struct listener *listener);

/** Does somebody wait in the queue? */
bool listener_has_guest(const struct listener *listener);

/** Take the first of the queue; -1 if it is empty. */
int listener_accept(const struct listener *listener);

/** End all connections in the queue. */
void listener_hang_up(const struct listener *listener);

/** Fill the queue of one with `backlog` 0: the kernel no longer answers who comes now. */
void listener_fill(struct listener *listener);

/** Is there something to be read? */
bool has_bytes(int fd);

/** How many descriptors this process has. */
size_t open_descriptors(void);

#endif
