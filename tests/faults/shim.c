/* Preloaded before libc: counts the calls that change a disk below one folder, and fails, tears or kills at the n-th.
 *
 * Traced: write, pwrite, fsync, fdatasync, ftruncate, rename, link, mkdir, unlink, rmdir, chmod and open where it may
 * create, in all their spellings. Memory maps are not. zkfault_arm starts to count; at most one fault a process, but
 * a full disk stays full. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

enum { OFF = 0, COUNT = 1, KILL = 2, TEAR = 3, FULL = 4, FAIL = 5 };
enum { MAKES, REMOVES }; /* what needs room on a disk, and what gives it back */

static char root[PATH_MAX];
static size_t root_length;
static long at, seen;
static int kind = OFF;
static char hit[32]; /* the call that was hit */

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

void zkfault_arm(const char *folder, long n, int what)
{
    snprintf(root, sizeof root, "%s", folder);
    root_length = strlen(root);
    at = n;
    seen = 0;
    hit[0] = 0;
    kind = what;
}

long zkfault_seen(void)
{
    return seen;
}

static int below(const char *path)
{
    return strncmp(path, root, root_length) == 0 && (path[root_length] == '/' || path[root_length] == 0);
}

static int below_fd(int fd)
{
    char link[64], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, sizeof path - 1);
    if (n < 0) return 0;
    path[n] = 0;
    return below(path);
}

static int below_at(int folder, const char *path)
{
    if (path[0] == '/') return below(path);
    if (folder != AT_FDCWD) return below_fd(folder);
    char here[PATH_MAX];
    return getcwd(here, sizeof here) != NULL && below(here);
}

/* Whether this call fails; errno is set. Does not return from a kill. */
static int fault(int ours, const char *name, int use)
{
    if (kind == OFF || !ours) return 0;
    const long n = __atomic_add_fetch(&seen, 1, __ATOMIC_SEQ_CST);
    if (kind == COUNT || n < at) return 0;
    if (kind == FULL) {
        if (use == REMOVES) return 0;
        errno = ENOSPC;
        return 1;
    }
    if (n > at) return 0;
    if (kind == KILL || kind == TEAR) {
        kill(getpid(), SIGKILL);
        for (;;) pause();
    }
    snprintf(hit, sizeof hit, "%s", name);
    errno = EIO;
    return 1;
}

const char *zkfault_hit(void)
{
    return hit;
}

/* Half of what was to be written, at the call that is to be torn. */
static size_t torn(int ours, size_t n)
{
    return kind == TEAR && ours && __atomic_load_n(&seen, __ATOMIC_SEQ_CST) + 1 == at ? n / 2 : 0;
}

ssize_t write(int fd, const void *data, size_t n)
{
    const int ours = kind != OFF && below_fd(fd);
    const size_t half = torn(ours, n);
    if (half) REAL(write)(fd, data, half);
    return fault(ours, "write", MAKES) ? -1 : REAL(write)(fd, data, n);
}

ssize_t pwrite64(int fd, const void *data, size_t n, off64_t offset)
{
    const int ours = kind != OFF && below_fd(fd);
    const size_t half = torn(ours, n);
    if (half) REAL(pwrite64)(fd, data, half, offset);
    return fault(ours, "pwrite", MAKES) ? -1 : REAL(pwrite64)(fd, data, n, offset);
}

ssize_t pwrite(int fd, const void *data, size_t n, off_t offset)
{
    return pwrite64(fd, data, n, offset);
}

#define ON_FD(result, name, use, parameters, arguments)                                                                \
    result name parameters                                                                                             \
    {                                                                                                                  \
        return fault(kind != OFF && below_fd(fd), #name, use) ? -1 : REAL(name) arguments;                             \
    }

#define ON_PATH(name, use, folder, path, parameters, arguments)                                                        \
    int name parameters                                                                                                \
    {                                                                                                                  \
        return fault(kind != OFF && below_at(folder, path), #name, use) ? -1 : REAL(name) arguments;                   \
    }

ON_FD(int, fsync, MAKES, (int fd), (fd))
ON_FD(int, fdatasync, MAKES, (int fd), (fd))
ON_FD(int, ftruncate, MAKES, (int fd, off_t n), (fd, n))
ON_FD(int, ftruncate64, MAKES, (int fd, off64_t n), (fd, n))
ON_FD(int, fchmod, REMOVES, (int fd, mode_t mode), (fd, mode))
ON_PATH(rename, MAKES, AT_FDCWD, to, (const char *from, const char *to), (from, to))
ON_PATH(renameat, MAKES, b, to, (int a, const char *from, int b, const char *to), (a, from, b, to))
ON_PATH(link, MAKES, AT_FDCWD, to, (const char *from, const char *to), (from, to))
ON_PATH(linkat, MAKES, b, to, (int a, const char *from, int b, const char *to, int flags), (a, from, b, to, flags))
ON_PATH(mkdir, MAKES, AT_FDCWD, path, (const char *path, mode_t mode), (path, mode))
ON_PATH(mkdirat, MAKES, at_, path, (int at_, const char *path, mode_t mode), (at_, path, mode))
ON_PATH(unlink, REMOVES, AT_FDCWD, path, (const char *path), (path))
ON_PATH(unlinkat, REMOVES, at_, path, (int at_, const char *path, int flags), (at_, path, flags))
ON_PATH(rmdir, REMOVES, AT_FDCWD, path, (const char *path), (path))
ON_PATH(chmod, REMOVES, AT_FDCWD, path, (const char *path, mode_t mode), (path, mode))

#define CREATING(flags) (((flags) & O_CREAT) != 0)
#define MODE(flags, last)                                                                                              \
    mode_t mode = 0;                                                                                                   \
    if (CREATING(flags)) {                                                                                             \
        va_list more;                                                                                                  \
        va_start(more, last);                                                                                          \
        mode = va_arg(more, mode_t);                                                                                   \
        va_end(more);                                                                                                  \
    }

#define OPENS(name)                                                                                                    \
    int name(const char *path, int flags, ...)                                                                         \
    {                                                                                                                  \
        MODE(flags, flags)                                                                                             \
        if (CREATING(flags) && fault(kind != OFF && below_at(AT_FDCWD, path), #name, MAKES)) return -1;                \
        return REAL(name)(path, flags, mode);                                                                          \
    }

#define OPENS_AT(name)                                                                                                 \
    int name(int folder, const char *path, int flags, ...)                                                             \
    {                                                                                                                  \
        MODE(flags, flags)                                                                                             \
        if (CREATING(flags) && fault(kind != OFF && below_at(folder, path), #name, MAKES)) return -1;                  \
        return REAL(name)(folder, path, flags, mode);                                                                  \
    }

OPENS(open)
OPENS(open64)
OPENS_AT(openat)
OPENS_AT(openat64)
