/* Preloaded before libc: counts the calls that change a disk below one folder, and fails, tears or kills at the n-th.
 *
 * Traced: write, pwrite, fsync, fdatasync, ftruncate, rename, link, mkdir, unlink, rmdir, chmod and open where it may
 * create, in all their spellings. Memory maps are not. zkfault_arm starts to count; at most one fault a process, but
 * a full disk stays full. While it counts it also writes down each call that succeeds, in order, for zkfault_trace. */
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
enum { WRITES = 'w', MAKES = 'm', REMOVES = 'r' }; /* what needs room on a disk, and what gives it back */

static char root[PATH_MAX];
static size_t root_length;
static long at, seen;
static int kind = OFF;
static char hit[32]; /* the call that was hit */

/* Lines of: call, tab, path, tab, the path it came from if any. A call that does not fit is lost, and told. */
static char trace[1 << 22];
static size_t traced;
static char uses[1 << 16]; /* of each call, by number: of the enumeration above */

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

void zkfault_arm(const char *folder, long n, int what)
{
    snprintf(root, sizeof root, "%s", folder);
    root_length = strlen(root);
    at = n;
    seen = 0;
    hit[0] = 0;
    traced = 0;
    trace[0] = 0;
    memset(uses, 0, sizeof uses);
    kind = what;
}

const char *zkfault_uses(void)
{
    return uses;
}

/* What was counted, or NULL if it was too much to write down. */
const char *zkfault_trace(void)
{
    return traced < sizeof trace ? trace : NULL;
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

/* The absolute path of a path that a call was given; not resolved. */
static void absolute(char out[2 * PATH_MAX], int folder, const char *path)
{
    char base[PATH_MAX] = "";
    if (path[0] != '/') {
        char link[64];
        snprintf(link, sizeof link, folder == AT_FDCWD ? "/proc/self/cwd" : "/proc/self/fd/%d", folder);
        const ssize_t n = readlink(link, base, sizeof base - 2);
        base[n < 0 ? 0 : n] = 0;
        strcat(base, "/");
    }
    snprintf(out, 2 * PATH_MAX, "%s%s", base, path);
}

static int below_at(int folder, const char *path)
{
    char full[2 * PATH_MAX];
    absolute(full, folder, path);
    return below(full);
}

static void note(const char *name, const char *path, const char *from)
{
    const int saved = errno;
    const size_t n = strlen(name) + strlen(path) + strlen(from) + 3;
    const size_t start = __atomic_fetch_add(&traced, n, __ATOMIC_SEQ_CST);
    if (start + n < sizeof trace) {
        char line[5 * PATH_MAX];
        snprintf(line, sizeof line, "%s\t%s\t%s\n", name, path, from);
        memcpy(trace + start, line, n);
        trace[start + n] = 0;
    }
    errno = saved;
}

static void note_fd(const char *name, int fd)
{
    char link[64], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    const ssize_t n = readlink(link, path, sizeof path - 1);
    path[n < 0 ? 0 : n] = 0;
    note(name, path, "");
}

static void note_at(const char *name, int folder, const char *path, int from_folder, const char *from)
{
    char to[2 * PATH_MAX], source[2 * PATH_MAX] = "";
    absolute(to, folder, path);
    if (from) absolute(source, from_folder, from);
    note(name, to, source);
}

/* Whether this call fails; errno is set. Does not return from a kill. */
static int fault(int ours, const char *name, int use)
{
    if (kind == OFF || !ours) return 0;
    const long n = __atomic_add_fetch(&seen, 1, __ATOMIC_SEQ_CST);
    if ((size_t)n < sizeof uses) uses[n - 1] = (char)use;
    if (kind == COUNT || n < at) return 0;
    if (kind == FULL) {
        if (use == REMOVES) return 0;
        if (!hit[0]) snprintf(hit, sizeof hit, "%s", name);
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

#define NOTED(result, noting)                                                                                \
    if (kind == COUNT && ours && (result) >= 0) noting;                                                      \
    return result

ssize_t write(int fd, const void *data, size_t n)
{
    const int ours = kind != OFF && below_fd(fd);
    const size_t half = torn(ours, n);
    if (half) REAL(write)(fd, data, half);
    if (fault(ours, "write", WRITES)) return -1;
    const ssize_t done = REAL(write)(fd, data, n);
    NOTED(done, note_fd("write", fd));
}

ssize_t pwrite64(int fd, const void *data, size_t n, off64_t offset)
{
    const int ours = kind != OFF && below_fd(fd);
    const size_t half = torn(ours, n);
    if (half) REAL(pwrite64)(fd, data, half, offset);
    if (fault(ours, "pwrite", WRITES)) return -1;
    const ssize_t done = REAL(pwrite64)(fd, data, n, offset);
    NOTED(done, note_fd("write", fd));
}

ssize_t pwrite(int fd, const void *data, size_t n, off_t offset)
{
    return pwrite64(fd, data, n, offset);
}

#define ON_FD(name, use, parameters, arguments)                                                              \
    int name parameters                                                                                      \
    {                                                                                                        \
        const int ours = kind != OFF && below_fd(fd);                                                        \
        if (fault(ours, #name, use)) return -1;                                                              \
        const int done = REAL(name) arguments;                                                               \
        NOTED(done, note_fd(#name, fd));                                                                     \
    }

/* The source of a move or a link is named by `from_at` and `from`; NULL where there is none. */
#define ON_PATH(name, use, folder, path, from_at, from, parameters, arguments)                               \
    int name parameters                                                                                      \
    {                                                                                                        \
        const int ours = kind != OFF && below_at(folder, path);                                              \
        if (fault(ours, #name, use)) return -1;                                                              \
        const int done = REAL(name) arguments;                                                               \
        NOTED(done, note_at(#name, folder, path, from_at, from));                                            \
    }

#define HERE AT_FDCWD

ON_FD(fsync, MAKES, (int fd), (fd))
ON_FD(fdatasync, MAKES, (int fd), (fd))
ON_FD(ftruncate, MAKES, (int fd, off_t n), (fd, n))
ON_FD(ftruncate64, MAKES, (int fd, off64_t n), (fd, n))
ON_FD(fchmod, REMOVES, (int fd, mode_t mode), (fd, mode))
ON_PATH(rename, MAKES, HERE, to, HERE, from, (const char *from, const char *to), (from, to))
ON_PATH(renameat, MAKES, b, to, a, from, (int a, const char *from, int b, const char *to), (a, from, b, to))
ON_PATH(link, MAKES, HERE, to, HERE, from, (const char *from, const char *to), (from, to))
ON_PATH(linkat, MAKES, b, to, a, from, (int a, const char *from, int b, const char *to, int flags),
        (a, from, b, to, flags))
ON_PATH(mkdir, MAKES, HERE, path, HERE, NULL, (const char *path, mode_t mode), (path, mode))
ON_PATH(mkdirat, MAKES, at_, path, HERE, NULL, (int at_, const char *path, mode_t mode), (at_, path, mode))
ON_PATH(unlink, REMOVES, HERE, path, HERE, NULL, (const char *path), (path))
ON_PATH(unlinkat, REMOVES, at_, path, HERE, NULL, (int at_, const char *path, int flags), (at_, path, flags))
ON_PATH(rmdir, REMOVES, HERE, path, HERE, NULL, (const char *path), (path))
ON_PATH(chmod, REMOVES, HERE, path, HERE, NULL, (const char *path, mode_t mode), (path, mode))

#define CREATING(flags) (((flags) & O_CREAT) != 0)
#define MODE(flags, last)                                                                                    \
    mode_t mode = 0;                                                                                         \
    if (CREATING(flags)) {                                                                                   \
        va_list more;                                                                                        \
        va_start(more, last);                                                                                \
        mode = va_arg(more, mode_t);                                                                         \
        va_end(more);                                                                                        \
    }

#define OPENS(name)                                                                                          \
    int name(const char *path, int flags, ...)                                                               \
    {                                                                                                        \
        MODE(flags, flags)                                                                                   \
        const int ours = CREATING(flags) && kind != OFF && below_at(AT_FDCWD, path);                         \
        if (fault(ours, #name, MAKES)) return -1;                                                            \
        const int done = REAL(name)(path, flags, mode);                                                      \
        NOTED(done, note_at("open", AT_FDCWD, path, HERE, NULL));                                            \
    }

#define OPENS_AT(name)                                                                                       \
    int name(int folder, const char *path, int flags, ...)                                                   \
    {                                                                                                        \
        MODE(flags, flags)                                                                                   \
        const int ours = CREATING(flags) && kind != OFF && below_at(folder, path);                           \
        if (fault(ours, #name, MAKES)) return -1;                                                            \
        const int done = REAL(name)(folder, path, flags, mode);                                              \
        NOTED(done, note_at("open", folder, path, HERE, NULL));                                              \
    }

OPENS(open)
OPENS(open64)
OPENS_AT(openat)
OPENS_AT(openat64)
