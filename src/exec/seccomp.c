#include "exec/seccomp.h"

#include <assert.h>
#include <errno.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/attr.h"

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define LOW_HALF 0
#else
#define LOW_HALF 4
#endif
#define ARGUMENT(n) (offsetof(struct seccomp_data, args) + 8 * (n) + LOW_HALF)
#define NEW_NAMESPACES                                                                            \
    (CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS |    \
     CLONE_NEWCGROUP)
#define FAIL(error) (SECCOMP_RET_ERRNO | ((error)&SECCOMP_RET_DATA))

/* Numbers of calls that are younger than some headers; the same on all architectures. */
enum { CALL_PIDFD_GETFD = 438, CALL_MOUNT_SETATTR = 442, CALL_MEMFD_SECRET = 447 };

static const int refused[] = {
    /* the file system as a whole */
    SYS_mount,
    SYS_umount2,
    SYS_pivot_root,
    SYS_chroot,
    SYS_move_mount,
    SYS_open_tree,
    SYS_fsopen,
    SYS_fsconfig,
    SYS_fsmount,
    SYS_fspick,
    CALL_MOUNT_SETATTR,
    SYS_swapon,
    SYS_swapoff,
    SYS_quotactl,
    SYS_acct,
    SYS_open_by_handle_at,
    SYS_fanotify_init,
    /* namespaces, other processes */
    SYS_unshare,
    SYS_setns,
    SYS_ptrace,
    SYS_process_vm_readv,
    SYS_process_vm_writev,
    SYS_kcmp,
    SYS_process_madvise,
    CALL_PIDFD_GETFD,
    SYS_userfaultfd,
    /* the kernel */
    SYS_kexec_load,
    SYS_kexec_file_load,
    SYS_init_module,
    SYS_finit_module,
    SYS_delete_module,
    SYS_bpf,
    SYS_perf_event_open,
    SYS_reboot,
    SYS_syslog,
    SYS_lookup_dcookie,
    SYS_nfsservctl,
    SYS_vhangup,
    SYS_add_key,
    SYS_request_key,
    SYS_keyctl,
    /* clocks and names, which are everybody's */
    SYS_settimeofday,
    SYS_clock_settime,
    SYS_clock_adjtime,
    SYS_adjtimex,
    SYS_sethostname,
    SYS_setdomainname,
};

/* Programs that know them also know how to do without. */
static const int absent[] = {
    SYS_io_uring_setup, SYS_io_uring_enter, SYS_io_uring_register,
    SYS_clone3, /* its flags are in memory, where a filter cannot look; clone() is checked below */
};

static const int ipc_calls[] = {
    SYS_shmget, SYS_shmat, SYS_semget, SYS_semtimedop, SYS_msgget, SYS_mq_open,
#ifdef SYS_semop /* it is the one above without a timeout, and not everywhere */
    SYS_semop,
#endif
};

static void add(struct mcpz_seccomp *filter, struct sock_filter instruction)
{
    assert(filter->length < MCPZ_SECCOMP_INSTRUCTIONS_MAX);
    filter->code[filter->length++] = instruction;
}

static void load(struct mcpz_seccomp *filter, size_t offset)
{
    add(filter, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (unsigned)offset));
}

static void give(struct mcpz_seccomp *filter, unsigned answer)
{
    add(filter, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, answer));
}

/* If what was loaded compares so with `value`, go on; else skip `count` instructions. */
static void unless_skip(struct mcpz_seccomp *filter, unsigned short compare, unsigned value,
                        unsigned char count)
{
    add(filter, (struct sock_filter)BPF_JUMP((unsigned short)(BPF_JMP | compare | BPF_K), value, 0,
                                             count));
}

static void answer_calls(struct mcpz_seccomp *filter, const int *calls, size_t count,
                         unsigned answer)
{
    for (size_t i = 0; i < count; i++) {
        unless_skip(filter, BPF_JEQ, (unsigned)calls[i], 1);
        give(filter, answer);
    }
}

/* Whatever is not of this architecture was not looked at. */
static void check_architecture(struct mcpz_seccomp *filter)
{
    load(filter, offsetof(struct seccomp_data, arch));
    add(filter, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
                                             mcpz_seccomp_architecture.audit, 1, 0));
    give(filter, SECCOMP_RET_KILL_PROCESS);
    load(filter, offsetof(struct seccomp_data, nr));
    unless_skip(filter, BPF_JGE, mcpz_seccomp_architecture.foreign_first, 1);
    give(filter, SECCOMP_RET_KILL_PROCESS);
}

/* The answer for one family, if socket() is asked for it. */
static void answer_family(struct mcpz_seccomp *filter, unsigned family, unsigned answer)
{
    unless_skip(filter, BPF_JEQ, family, 1);
    give(filter, answer);
}

/*
 * socket(): nothing but what is granted. A Unix socket by its path would reach the node's own
 * API, and every other service that trusts this user.
 */
static void check_socket(struct mcpz_seccomp *filter, const struct mcpz_seccomp_open *open)
{
    const unsigned ip = open->network ? SECCOMP_RET_ALLOW : FAIL(EACCES);

    unless_skip(filter, BPF_JEQ, SYS_socket, 10);
    load(filter, ARGUMENT(0));
    answer_family(filter, AF_INET, ip);
    answer_family(filter, AF_INET6, ip);
    answer_family(filter, AF_NETLINK, ip);
    answer_family(filter, AF_UNIX, open->sockets ? SECCOMP_RET_ALLOW : FAIL(EACCES));
    give(filter, FAIL(EACCES));
}

/* clone() with any of the namespaces. */
static void check_clone(struct mcpz_seccomp *filter)
{
    unless_skip(filter, BPF_JEQ, SYS_clone, 4);
    load(filter, ARGUMENT(mcpz_seccomp_architecture.clone_flags));
    unless_skip(filter, BPF_JSET, NEW_NAMESPACES, 1);
    give(filter, FAIL(EPERM));
    load(filter, offsetof(struct seccomp_data, nr));
}

/* Typing into a terminal that is not one's own. */
static void check_ioctl(struct mcpz_seccomp *filter)
{
    unless_skip(filter, BPF_JEQ, SYS_ioctl, 4);
    load(filter, ARGUMENT(1));
    unless_skip(filter, BPF_JEQ, TIOCSTI, 1);
    give(filter, FAIL(EPERM));
    load(filter, offsetof(struct seccomp_data, nr));
}

bool mcpz_seccomp_is_there(void)
{
    const unsigned action = SECCOMP_RET_KILL_PROCESS;
    return syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
}

void mcpz_seccomp_build(const struct mcpz_seccomp_open *open, struct mcpz_seccomp *filter)
{
    static const int affinity[] = {SYS_sched_setaffinity};
    static const int memfd[] = {SYS_memfd_create, CALL_MEMFD_SECRET};

    filter->length = 0;
    check_architecture(filter);
    answer_calls(filter, refused, MCPZ_ARRAY_LEN(refused), FAIL(EPERM));
    answer_calls(filter, mcpz_seccomp_architecture.refused,
                 mcpz_seccomp_architecture.refused_count, FAIL(EPERM));
    answer_calls(filter, absent, MCPZ_ARRAY_LEN(absent), FAIL(ENOSYS));
    if (!open->ipc) {
        answer_calls(filter, ipc_calls, MCPZ_ARRAY_LEN(ipc_calls), FAIL(EACCES));
    }
    if (!open->affinity) {
        answer_calls(filter, affinity, 1, FAIL(EPERM));
    }
    if (!open->memfd) {
        answer_calls(filter, memfd, MCPZ_ARRAY_LEN(memfd), FAIL(ENOSYS));
    }
    check_socket(filter, open);
    check_clone(filter);
    check_ioctl(filter);
    give(filter, SECCOMP_RET_ALLOW);
}

bool mcpz_seccomp_enter(const struct mcpz_seccomp *filter)
{
    struct sock_fprog program = {.len = (unsigned short)filter->length};

    /* The kernel only reads it; its declaration is older than const. */
    __builtin_memcpy(&program.filter, &(const void *){filter->code}, sizeof(void *));
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}
