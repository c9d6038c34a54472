#include "exec/landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ABI_REFER 2
#define ABI_TRUNCATE 3
#define ABI_NETWORK 4
#define ABI_SCOPES 6

#define ACCESS_TRUNCATE (UINT64_C(1) << 14)   /* LANDLOCK_ACCESS_FS_TRUNCATE */
#define ACCESS_BIND_TCP (UINT64_C(1) << 0)    /* LANDLOCK_ACCESS_NET_BIND_TCP */
#define ACCESS_CONNECT_TCP (UINT64_C(1) << 1) /* LANDLOCK_ACCESS_NET_CONNECT_TCP */
#define SCOPE_ABSTRACT_SOCKETS (UINT64_C(1) << 0)
#define SCOPE_SIGNALS (UINT64_C(1) << 1)

/* struct landlock_ruleset_attr as of ABI 6; older kernels take the start of it. */
struct ruleset {
    uint64_t files;
    uint64_t network;
    uint64_t scopes;
};

static const uint64_t read_rights =
    LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;

/* What makes sense of something that is no directory. */
static const uint64_t file_rights = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE |
                                    LANDLOCK_ACCESS_FS_WRITE_FILE | ACCESS_TRUNCATE;

/* All rights this ABI knows that are not left alone: device ioctls (ABI 5) are. */
static uint64_t handled_rights(int abi)
{
    uint64_t rights = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1;

    if (abi >= ABI_REFER) {
        rights |= LANDLOCK_ACCESS_FS_REFER;
    }
    if (abi >= ABI_TRUNCATE) {
        rights |= ACCESS_TRUNCATE;
    }
    return rights;
}

int mcpz_landlock_abi(void)
{
    long abi =
        syscall(SYS_landlock_create_ruleset, NULL, (size_t)0, LANDLOCK_CREATE_RULESET_VERSION);
    return abi > 0 ? (int)abi : 0;
}

int mcpz_landlock_begin(int abi, bool network)
{
    const struct ruleset ruleset = {
        .files = handled_rights(abi),
        .network = abi >= ABI_NETWORK && !network ? ACCESS_BIND_TCP | ACCESS_CONNECT_TCP : 0,
        .scopes = abi >= ABI_SCOPES ? SCOPE_ABSTRACT_SOCKETS | SCOPE_SIGNALS : 0,
    };
    size_t size = abi >= ABI_SCOPES    ? sizeof(ruleset)
                  : abi >= ABI_NETWORK ? 2 * sizeof(uint64_t)
                                       : sizeof(uint64_t);

    return (int)syscall(SYS_landlock_create_ruleset, &ruleset, size, 0);
}

static uint64_t rights_of(enum mcpz_landlock_access access, int abi)
{
    switch (access) {
    case MCPZ_LANDLOCK_READ:
        return read_rights;
    case MCPZ_LANDLOCK_WRITE:
        return handled_rights(abi);
    case MCPZ_LANDLOCK_DEVICE:
        return LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE;
    }
    return 0;
}

bool mcpz_landlock_allow(int ruleset, int abi, const char *path, enum mcpz_landlock_access access)
{
    struct stat facts;

    int fd = open(path, O_PATH | O_CLOEXEC);
    if (fd < 0) {
        return errno == ENOENT || errno == ENOTDIR || errno == EACCES;
    }
    uint64_t rights = rights_of(access, abi) & handled_rights(abi);
    if (fstat(fd, &facts) == 0 && !S_ISDIR(facts.st_mode)) {
        rights &= file_rights;
    }
    const struct landlock_path_beneath_attr below = {.allowed_access = rights, .parent_fd = fd};
    bool good =
        syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &below, 0) == 0;
    int cause = errno;
    (void)close(fd);
    errno = cause;
    return good;
}

bool mcpz_landlock_enter(int ruleset)
{
    bool good = syscall(SYS_landlock_restrict_self, ruleset, 0) == 0;
    int cause = errno;

    (void)close(ruleset);
    errno = cause;
    return good;
}
