#include "exec/fence.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/attr.h"
#include "exec/digits.h"
#include "exec/landlock.h"
#include "exec/procfile.h"
#include "exec/seccomp.h"

#define CALL_MOUNT_SETATTR 442 /* the same on all architectures */
#define MOUNT_RDONLY 1         /* MOUNT_ATTR_RDONLY */
#define CAPABILITIES 64        /* more than there are; unknown ones are refused */

/* ---- Limits ------------------------------------------------------------------------------- */

static bool set_limit(__rlimit_resource_t resource, rlim_t soft, rlim_t hard)
{
    struct rlimit limit;

    if (getrlimit(resource, &limit) < 0) {
        return false;
    }
    if (limit.rlim_max > hard) {
        limit.rlim_max = hard;
    }
    limit.rlim_cur = soft < limit.rlim_max ? soft : limit.rlim_max;
    return setrlimit(resource, &limit) == 0;
}

static bool set_limits(const struct mcpz_fence *fence)
{
    const struct mcpz_service_limits *limits = &fence->provision->provider.limits;
    const rlim_t disk = 2 * limits->disk_bytes;

    /* Not RLIMIT_AS: runtimes reserve a multiple of what they will ever use. */
    if (!fence->machine->cgroups.memory &&
        !set_limit(RLIMIT_DATA, 2 * limits->memory_bytes, 2 * limits->memory_bytes)) {
        return false;
    }
    return set_limit(RLIMIT_CORE, 0, 0) &&
           set_limit(RLIMIT_NOFILE, limits->files, limits->files) &&
           set_limit(RLIMIT_FSIZE, disk, disk) && set_limit(RLIMIT_MEMLOCK, 0, 0) &&
           set_limit(RLIMIT_MSGQUEUE, 0, 0) &&
           /* SIGXCPU first, which says what happened */
           (fence->cpu_seconds_max == 0 ||
            set_limit(RLIMIT_CPU, fence->cpu_seconds_max, fence->cpu_seconds_max + 1));
}

/* `wanted` of the processors `there`, in a row from the `first` on, around the end. */
static void pick_processors(const cpu_set_t *there, size_t wanted, size_t first, cpu_set_t *chosen)
{
    const size_t total = (size_t)CPU_COUNT(there);
    size_t seen = 0;

    CPU_ZERO(chosen);
    for (size_t i = 0; i < CPU_SETSIZE; i++) {
        const bool is_there = CPU_ISSET(i, there);
        const bool is_turn = (seen + total - first) % total < wanted;
        if (is_there && is_turn) {
            CPU_SET(i, chosen);
        }
        seen += is_there;
    }
}

/* As many processors as it may use, rounded up; which ones, takes turns. */
static bool choose_processors(const struct mcpz_fence *fence)
{
    const size_t wanted = (fence->provision->provider.limits.cpu_milli + 999) / 1000;
    cpu_set_t there;
    cpu_set_t chosen;

    if (sched_getaffinity(0, sizeof(there), &there) < 0) {
        return false;
    }
    const size_t total = (size_t)CPU_COUNT(&there);
    if (wanted >= total) {
        return true;
    }
    pick_processors(&there, wanted, (size_t)fence->turn * wanted % total, &chosen);
    return sched_setaffinity(0, sizeof(chosen), &chosen) == 0;
}

/* ---- Namespaces --------------------------------------------------------------------------- */

/* "ID ID 1": the same inside as outside, and nobody else. */
static bool write_map(const char *path, unsigned id)
{
    char text[3 * MCPZ_DIGITS_BYTES];

    char *end = mcpz_digits_put(text, id);
    *end++ = ' ';
    (void)stpcpy(mcpz_digits_put(end, id), " 1");
    return mcpz_procfile_write(path, text);
}

bool mcpz_fence_namespaces(bool network, bool mounts)
{
    const unsigned user = geteuid();
    const unsigned group = getegid();

    if (unshare(CLONE_NEWUSER | CLONE_NEWIPC | (network ? 0 : CLONE_NEWNET) |
                (mounts ? CLONE_NEWNS : 0)) < 0) {
        return false;
    }
    /* Files in /proc of who is not dumpable belong to root. For so long, and exec resets it. */
    (void)prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
    bool good = mcpz_procfile_write("/proc/self/setgroups", "deny") &&
                write_map("/proc/self/uid_map", user) && write_map("/proc/self/gid_map", group);
    int cause = errno;
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    errno = cause;
    return good;
}

/* ---- Mounts ------------------------------------------------------------------------------- */

/* struct mount_attr of Linux 5.12, younger than some headers. */
struct mount_change {
    uint64_t set;
    uint64_t clear;
    uint64_t propagation;
    uint64_t userns_fd;
};

static bool change_mount(const char *path, unsigned flags, const struct mount_change *change)
{
    return syscall(CALL_MOUNT_SETATTR, AT_FDCWD, path, flags, change, sizeof(*change)) == 0;
}

bool mcpz_fence_mounts(const char *const *writable, size_t count)
{
    const struct mount_change close = {.set = MOUNT_RDONLY};
    const struct mount_change open = {.clear = MOUNT_RDONLY};

    /* What happens here is nobody else's, and the other way round. */
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) {
        return false;
    }
    /* Each becomes a mount of its own, so that it can differ. */
    for (size_t i = 0; i < count; i++) {
        if (mount(writable[i], writable[i], NULL, MS_BIND, NULL) < 0 && errno != ENOENT) {
            return false;
        }
    }
    if (!change_mount("/", AT_RECURSIVE, &close)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (!change_mount(writable[i], 0, &open) && errno != ENOENT) {
            return false;
        }
    }
    return true;
}

/* The workspace, which we stand in, is another mount after this. */
static bool close_mounts(const struct mcpz_fence *fence)
{
    const struct mcpz_service *service = &fence->provision->provider;
    const char *writable[MCPZ_SERVICE_PATHS_MAX + 1] = {fence->workspace};
    size_t count = 1;

    for (size_t i = 0; i < service->write_count; i++) {
        writable[count++] = service->writes[i];
    }
    return mcpz_fence_mounts(writable, count) && chdir(fence->workspace) == 0;
}

/* ---- Privileges --------------------------------------------------------------------------- */

/*
 * Nothing left, and nothing to come back with exec, for root neither. Where we may not say so we
 * have nothing to lose, unless we are root.
 */
static bool drop_privileges(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    const struct __user_cap_data_struct nothing[_LINUX_CAPABILITY_U32S_3] = {{0}};
    const unsigned long bits = SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP |
                               SECBIT_NO_SETUID_FIXUP_LOCKED | SECBIT_KEEP_CAPS_LOCKED |
                               SECBIT_NO_CAP_AMBIENT_RAISE | SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED;

    for (int capability = 0; capability < CAPABILITIES; capability++) {
        (void)prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);
    }
    bool said = prctl(PR_SET_SECUREBITS, bits, 0, 0, 0) == 0;
    (void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    return syscall(SYS_capset, &header, nothing) == 0 && (said || geteuid() != 0) &&
           prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
}

/* ---- Landlock ----------------------------------------------------------------------------- */

/* Where programs, libraries and what they need to start are; and what the kernel tells of itself.
 */
static const char *const system_directories[] = {
    "/usr",   "/bin",    "/sbin", "/lib", "/lib32",
    "/lib64", "/libx32", "/etc",  "/opt", "/nix",
    "/gnu",   "/snap",   "/proc", "/sys", "/var/lib/dpkg/alternatives",
};

static const char *const devices[] = {
    "/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom",
};

/* What name resolution reads, where /etc has links into /run. */
static const char *const network_files[] = {"/run/systemd/resolve", "/run/resolvconf",
                                            "/run/NetworkManager"};

static bool allow_all(int ruleset, int abi, const char *const *paths, size_t count,
                      enum mcpz_landlock_access access)
{
    for (size_t i = 0; i < count; i++) {
        if (!mcpz_landlock_allow(ruleset, abi, paths[i], access)) {
            return false;
        }
    }
    return true;
}

static bool close_files(const struct mcpz_fence *fence)
{
    const struct mcpz_service *provider = &fence->provision->provider;
    const int abi = fence->machine->landlock_abi;

    int rules = mcpz_landlock_begin(abi, provider->network);
    if (rules < 0) {
        return false;
    }
    return allow_all(rules, abi, system_directories, MCPZ_ARRAY_LEN(system_directories),
                     MCPZ_LANDLOCK_READ) &&
           allow_all(rules, abi, devices, MCPZ_ARRAY_LEN(devices), MCPZ_LANDLOCK_DEVICE) &&
           (!provider->network || allow_all(rules, abi, network_files,
                                            MCPZ_ARRAY_LEN(network_files), MCPZ_LANDLOCK_READ)) &&
           allow_all(rules, abi, (const char *const *)fence->provision->named,
                     fence->provision->named_count, MCPZ_LANDLOCK_READ) &&
           allow_all(rules, abi, (const char *const *)provider->reads, provider->read_count,
                     MCPZ_LANDLOCK_READ) &&
           allow_all(rules, abi, (const char *const *)provider->writes, provider->write_count,
                     MCPZ_LANDLOCK_WRITE) &&
           mcpz_landlock_allow(rules, abi, fence->workspace, MCPZ_LANDLOCK_WRITE) &&
           mcpz_landlock_enter(rules);
}

/* ---- All of it ---------------------------------------------------------------------------- */

static bool close_calls(const struct mcpz_fence *fence, bool own_ipc)
{
    const struct mcpz_cgroups *cgroups = &fence->machine->cgroups;
    const struct mcpz_seccomp_open open = {
        .network = fence->provision->provider.network,
        .sockets = fence->provision->provider.sockets,
        .ipc = own_ipc,
        .affinity = cgroups->cpu,
        .memfd = cgroups->memory,
    };
    struct mcpz_seccomp filter;

    mcpz_seccomp_build(&open, &filter);
    return mcpz_seccomp_enter(&filter);
}

/* Processes of one user are counted in each namespace of users on its own; root's are not. */
static bool limit_processes(const struct mcpz_fence *fence)
{
    const rlim_t most = 2 * (rlim_t)fence->provision->provider.limits.processes;
    return !fence->machine->namespaces || fence->machine->cgroups.pids ||
           set_limit(RLIMIT_NPROC, most, most);
}

enum mcpz_fence_stage mcpz_fence_enter(const struct mcpz_fence *fence)
{
    const struct mcpz_machine *machine = fence->machine;

    if (machine->cgroups.path[0] != '\0' && !mcpz_cgroup_join(&machine->cgroups, fence->name)) {
        return MCPZ_FENCE_GROUP;
    }
    if (!set_limits(fence) || (!machine->cgroups.cpu && !choose_processors(fence))) {
        return MCPZ_FENCE_LIMITS;
    }
    if (machine->namespaces &&
        !mcpz_fence_namespaces(fence->provision->provider.network, machine->mounts)) {
        return MCPZ_FENCE_NAMESPACES;
    }
    if (machine->mounts && !close_mounts(fence)) {
        return MCPZ_FENCE_MOUNTS;
    }
    if (!limit_processes(fence)) {
        return MCPZ_FENCE_LIMITS;
    }
    if (!drop_privileges()) {
        return MCPZ_FENCE_PRIVILEGES;
    }
    if (machine->landlock_abi > 0 && !close_files(fence)) {
        return MCPZ_FENCE_LANDLOCK;
    }
    if (machine->seccomp && !close_calls(fence, machine->namespaces)) {
        return MCPZ_FENCE_SECCOMP;
    }
    return MCPZ_FENCE_PASSED;
}

const char *mcpz_fence_word(enum mcpz_fence_stage stage)
{
    switch (stage) {
    case MCPZ_FENCE_PASSED:
        break;
    case MCPZ_FENCE_GROUP:
        return "cgroup";
    case MCPZ_FENCE_LIMITS:
        return "limits";
    case MCPZ_FENCE_NAMESPACES:
        return "namespaces";
    case MCPZ_FENCE_MOUNTS:
        return "mounts";
    case MCPZ_FENCE_PRIVILEGES:
        return "privileges";
    case MCPZ_FENCE_LANDLOCK:
        return "Landlock";
    case MCPZ_FENCE_SECCOMP:
        return "seccomp";
    }
    return "?";
}
