// SPDX-License-Identifier: Apache-2.0
/*
 * A disk that fails, and a death that comes, at a chosen moment: loaded before a program by
 * LD_PRELOAD, this stands between it and what it asks of the file system below some folders, and
 * counts. Each of these calls is a point, from 1, in the order in which all threads come by.
 *
 *     FAILPOINT_UNDER   paths that begin so count, separated by colons
 *     FAILPOINT_LOG     each point is told to this file, "NUMBER CALL PATH", before it is done
 *     FAILPOINT_AT      number of the point at which
 *     FAILPOINT_HOW     the process is killed: "before", "after", or for what is written in "half";
 *                       or the number of an error that calls give from there on
 *     FAILPOINT_COUNT   as many times; 0: to the end
 *     FAILPOINT_SHADOW  folder that gets what a power cut would leave: of a file its bytes when it
 *                       was synced last as file-ID, of a folder its path and names likewise, as
 *                       folder-ID. ID: its inode and birth, as inodes are used again
 *     FAILPOINT_CLOCK   file with seconds that the wall clock is wrong by
 *
 * One at a time: what is done at a point is over before the next one comes.
 */
#undef _FILE_OFFSET_BITS // else pwrite is another name for pwrite64, and both are wanted here
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { COPY_BYTES = 1 << 16 };

static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;
static long points;

/* The calls as the kernel has them: nothing else is to stand between. */
static int plain_open(const char *path, int flags)
{
    return (int)syscall(SYS_openat, AT_FDCWD, path, flags | O_CLOEXEC, 0600);
}

static bool is_watched(const char *path)
{
    const char *under = getenv("FAILPOINT_UNDER");

    while (under != NULL && *under != '\0') {
        size_t length = strcspn(under, ":");

        if (length > 0 && strncmp(path, under, length) == 0)
            return true;
        under += length + (under[length] == ':');
    }
    return false;
}

static bool is_there(const char *path)
{
    return syscall(SYS_access, path, F_OK) == 0;
}

/* False: it is none of ours. Sockets and pipes have no path. */
static bool path_of(int fd, char path[PATH_MAX])
{
    char link[64];

    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, PATH_MAX - 1);

    path[length < 0 ? 0 : length] = '\0';
    return length > 0 && is_watched(path);
}

static void tell(const char *call, const char *path)
{
    const char *log = getenv("FAILPOINT_LOG");
    char line[PATH_MAX + 64];

    if (log == NULL)
        return;
    int length = snprintf(line, sizeof line, "%ld %s %s\n", points, call, path);
    int fd = plain_open(log, O_WRONLY | O_CREAT | O_APPEND);

    syscall(SYS_write, fd, line, (size_t)length);
    syscall(SYS_close, fd);
}

static long number_of(const char *name)
{
    const char *text = getenv(name);

    return text != NULL ? atol(text) : 0;
}

static bool dies(const char *when)
{
    const char *how = getenv("FAILPOINT_HOW");

    return number_of("FAILPOINT_AT") == points && how != NULL && strcmp(how, when) == 0;
}

static void die_if(const char *when)
{
    if (dies(when))
        kill(getpid(), SIGKILL);
}

/* Those that a full disk refuses. */
static bool takes_room(const char *call)
{
    return strcmp(call, "unlink") != 0 && strcmp(call, "rename") != 0 &&
           strcmp(call, "truncate") != 0;
}

/* Not 0: what the call is to fail with. */
static int error_here(const char *call)
{
    long at = number_of("FAILPOINT_AT"), count = number_of("FAILPOINT_COUNT");

    if (at == 0 || points < at || (count > 0 && points >= at + count))
        return 0;
    int error = (int)number_of("FAILPOINT_HOW");

    return error == ENOSPC && !takes_room(call) ? 0 : error;
}

/* A point begins: true when the call is to be done. After it `leave`, in both cases. */
static bool enter(const char *call, const char *path)
{
    pthread_mutex_lock(&turn);
    points++;
    tell(call, path);
    die_if("before");
    errno = error_here(call);
    return errno == 0;
}

static long leave(long result)
{
    int kept = errno;

    die_if("after");
    pthread_mutex_unlock(&turn);
    errno = kept;
    return result;
}

/* INODE-BIRTH of a file or folder, which no other has. */
static bool identify(int folder, const char *name, char identity[64])
{
    struct statx facts;

    if (statx(folder, name, AT_SYMLINK_NOFOLLOW, STATX_INO | STATX_BTIME, &facts) != 0)
        return false;
    snprintf(identity, 64, "%llu-%lld.%09u", (unsigned long long)facts.stx_ino,
        (long long)facts.stx_btime.tv_sec, facts.stx_btime.tv_nsec);
    return true;
}

static const char *shadow_path(
    const char *kind, const char *of, const char *suffix, char path[PATH_MAX])
{
    char identity[64] = "";

    identify(AT_FDCWD, of, identity);
    snprintf(path, PATH_MAX, "%s/%s-%s%s", getenv("FAILPOINT_SHADOW"), kind, identity, suffix);
    return path;
}

static int open_shadow(const char *kind, const char *of)
{
    char path[PATH_MAX];

    return plain_open(shadow_path(kind, of, ".new", path), O_WRONLY | O_CREAT | O_TRUNC);
}

/* Whoever is killed meanwhile leaves the one before. */
static void close_shadow(int fd, const char *kind, const char *of)
{
    char made[PATH_MAX], path[PATH_MAX];

    syscall(SYS_close, fd);
    syscall(SYS_rename, shadow_path(kind, of, ".new", made), shadow_path(kind, of, "", path));
}

static void keep_folder(const char *path)
{
    int fd = open_shadow("folder", path);
    DIR *folder = opendir(path);

    syscall(SYS_write, fd, path, strlen(path));
    syscall(SYS_write, fd, "\n", (size_t)1);
    for (const struct dirent *entry; folder != NULL && (entry = readdir(folder)) != NULL;) {
        char line[NAME_MAX + 70], identity[64];

        if (entry->d_name[0] == '.' || !identify(dirfd(folder), entry->d_name, identity))
            continue;
        int length = snprintf(line, sizeof line, "%s %s\n", identity, entry->d_name);

        syscall(SYS_write, fd, line, (size_t)length);
    }
    if (folder != NULL)
        closedir(folder);
    close_shadow(fd, "folder", path);
}

static void keep_file(const char *path)
{
    char *bytes = malloc(COPY_BYTES);
    int to = open_shadow("file", path), from = plain_open(path, O_RDONLY);
    long length;

    while (bytes != NULL && (length = syscall(SYS_read, from, bytes, COPY_BYTES)) > 0)
        syscall(SYS_write, to, bytes, (size_t)length);
    syscall(SYS_close, from);
    close_shadow(to, "file", path);
    free(bytes);
}

/* What was synced is there after a power cut. */
static void keep(int fd, const char *path)
{
    struct stat facts;

    if (getenv("FAILPOINT_SHADOW") == NULL || fstat(fd, &facts) != 0)
        return;
    if (S_ISDIR(facts.st_mode))
        keep_folder(path);
    else
        keep_file(path);
}

/* Of a wall clock, in seconds; whatever is amiss is none. */
static long clock_error(void)
{
    const char *path = getenv("FAILPOINT_CLOCK");
    char text[32] = "";
    int fd = path != NULL ? plain_open(path, O_RDONLY) : -1;

    if (fd < 0)
        return 0;
    syscall(SYS_read, fd, text, sizeof text - 1);
    syscall(SYS_close, fd);
    return atol(text);
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
    int result = (int)syscall(SYS_clock_gettime, clock, now);

    if (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)
        now->tv_sec += clock_error();
    return result;
}

static int sync_point(const char *call, long number, int fd)
{
    char path[PATH_MAX];

    if (!path_of(fd, path))
        return (int)syscall(number, fd);
    long result = enter(call, path) ? syscall(number, fd) : -1;

    if (result == 0)
        keep(fd, path);
    return (int)leave(result);
}

int fsync(int fd)
{
    return sync_point("fsync", SYS_fsync, fd);
}

int fdatasync(int fd)
{
    return sync_point("fdatasync", SYS_fdatasync, fd);
}

ssize_t write(int fd, const void *bytes, size_t size)
{
    char path[PATH_MAX];

    if (!path_of(fd, path))
        return syscall(SYS_write, fd, bytes, size);
    if (!enter("write", path))
        return leave(-1);
    if (dies("half")) {
        syscall(SYS_write, fd, bytes, size / 2);
        die_if("half");
    }
    return leave(syscall(SYS_write, fd, bytes, size));
}

ssize_t pwrite(int fd, const void *bytes, size_t size, off_t at)
{
    char path[PATH_MAX];

    if (!path_of(fd, path))
        return syscall(SYS_pwrite64, fd, bytes, size, at);
    if (!enter("pwrite", path))
        return leave(-1);
    if (dies("half")) {
        syscall(SYS_pwrite64, fd, bytes, size / 2, at);
        die_if("half");
    }
    return leave(syscall(SYS_pwrite64, fd, bytes, size, at));
}

ssize_t pwrite64(int fd, const void *bytes, size_t size, off_t at)
{
    return pwrite(fd, bytes, size, at);
}

int ftruncate(int fd, off_t size)
{
    char path[PATH_MAX];

    if (!path_of(fd, path))
        return (int)syscall(SYS_ftruncate, fd, size);
    return (int)leave(enter("ftruncate", path) ? syscall(SYS_ftruncate, fd, size) : -1);
}

int ftruncate64(int fd, off_t size)
{
    return ftruncate(fd, size);
}

int posix_fallocate(int fd, off_t at, off_t size)
{
    char path[PATH_MAX];
    bool is_ours = path_of(fd, path);

    if (is_ours && !enter("fallocate", path)) {
        int error = errno;

        leave(-1);
        return error;
    }
    long result = syscall(SYS_fallocate, fd, 0, at, size);
    int error = result == 0 ? 0 : errno;

    if (is_ours)
        leave(result);
    return error;
}

int truncate(const char *path, off_t size)
{
    if (!is_watched(path))
        return (int)syscall(SYS_truncate, path, size);
    return (int)leave(enter("truncate", path) ? syscall(SYS_truncate, path, size) : -1);
}

int rename(const char *from, const char *to)
{
    if (!is_watched(to))
        return (int)syscall(SYS_rename, from, to);
    return (int)leave(enter("rename", to) ? syscall(SYS_rename, from, to) : -1);
}

int link(const char *from, const char *to)
{
    if (!is_watched(to))
        return (int)syscall(SYS_link, from, to);
    return (int)leave(enter("link", to) ? syscall(SYS_link, from, to) : -1);
}

int unlink(const char *path)
{
    if (!is_watched(path))
        return (int)syscall(SYS_unlink, path);
    return (int)leave(enter("unlink", path) ? syscall(SYS_unlink, path) : -1);
}

int mkdir(const char *path, mode_t mode)
{
    if (!is_watched(path) || is_there(path))
        return (int)syscall(SYS_mkdir, path, mode);
    return (int)leave(enter("mkdir", path) ? syscall(SYS_mkdir, path, mode) : -1);
}

/* A point only where a file is made by it. */
int open(const char *path, int flags, ...)
{
    mode_t mode = 0;

    if ((flags & O_CREAT) != 0) {
        va_list more;

        va_start(more, flags);
        mode = va_arg(more, mode_t);
        va_end(more);
    }
    if ((flags & O_CREAT) == 0 || !is_watched(path) || is_there(path))
        return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
    return (int)leave(
        enter("create", path) ? syscall(SYS_openat, AT_FDCWD, path, flags, mode) : -1);
}

int open64(const char *path, int flags, ...)
{
    mode_t mode = 0;

    if ((flags & O_CREAT) != 0) {
        va_list more;

        va_start(more, flags);
        mode = va_arg(more, mode_t);
        va_end(more);
    }
    return open(path, flags, mode);
}
