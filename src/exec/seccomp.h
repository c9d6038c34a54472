/*
 * A filter of system calls: what no task needs, and what would let it out.
 *
 * A deny list, since a list of what is allowed breaks with every new libc. What is on it is
 * answered with EPERM (ENOSYS where a libc then takes another way), and never reaches the kernel:
 * mounting, namespaces, tracing, BPF, keyrings, modules, clocks, io_uring (which would go round
 * this filter), and sockets as `open` says. Calls of another architecture end the process.
 *
 * Source: seccomp(2), Documentation/userspace-api/seccomp_filter.rst.
 */

#ifndef EXEC_SECCOMP_H
#define EXEC_SECCOMP_H

#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>

#define MCPZ_SECCOMP_INSTRUCTIONS_MAX 320

struct mcpz_seccomp {
    struct sock_filter code[MCPZ_SECCOMP_INSTRUCTIONS_MAX];
    size_t length;
};

/* What is open to this process. */
struct mcpz_seccomp_open {
    bool network;  /* sockets of IP and netlink */
    bool sockets;  /* Unix sockets by name; pairs always are */
    bool ipc;      /* System V and POSIX message queues: it has a namespace for them */
    bool affinity; /* it may choose its processors */
    bool memfd;    /* memory files, which only cgroups count */
};

/** Is there seccomp on this machine? */
bool mcpz_seccomp_is_there(void);

/** Write the filter. Never more than there is room. */
void mcpz_seccomp_build(const struct mcpz_seccomp_open *open, struct mcpz_seccomp *filter);

/** From here on. Wants PR_SET_NO_NEW_PRIVS before it. Async-signal-safe. False: errno. */
bool mcpz_seccomp_enter(const struct mcpz_seccomp *filter);

/* What differs between architectures: in seccomp_ARCHITECTURE.c. */
struct mcpz_seccomp_architecture {
    unsigned audit;         /* AUDIT_ARCH_... */
    unsigned foreign_first; /* calls from here up are of another ABI */
    unsigned clone_flags;   /* which argument of clone() they are */
    const int *refused;     /* calls that only it has */
    size_t refused_count;
};
extern const struct mcpz_seccomp_architecture mcpz_seccomp_architecture;

#endif
