/* Preloaded between the store (SQLite included) and libc: the n-th call that changes a file below one directory fails,
 * kills the process, or is only written down. Counts only calls below the directory given to shim_arm. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

enum { OFF, COUNT, FAIL_ONCE, FAIL_ON, KILL_AFTER, KILL_TORN };
static int mode = OFF, code = EIO, log_fd = -1;
static long at = 0, seen = 0;
static char root[512];

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

void shim_arm(const char *folder, int new_mode, long new_at, int new_code, int new_log) {
    snprintf(root, sizeof root, "%s", folder);
    mode = new_mode, at = new_at, code = new_code, log_fd = new_log, seen = 0;
}
long shim_seen(void) { return seen; }

static int below(const char *path) { return mode != OFF && strncmp(path, root, strlen(root)) == 0; }

static int below_fd(int fd, char *path, size_t size) {
    char link[64];
    if (mode == OFF || fd < 0) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, size - 1);
    if (n < 0) return 0;
    path[n] = 0;
    return below(path);
}

/* One log record: op, inode, number, text length, text, payload length, payload. */
static void note(char op, uint64_t inode, int64_t number, const char *text, const void *data, uint32_t size) {
    if (log_fd < 0) return;
    uint32_t length = (uint32_t)strlen(text);
    struct __attribute__((packed)) { char op; uint64_t inode; int64_t number; uint32_t length; } head = {op, inode, number, length};
    __typeof__(&write) put = REAL(write);
    put(log_fd, &head, sizeof head);
    put(log_fd, text, length);
    put(log_fd, &size, sizeof size);
    if (size) put(log_fd, data, size);
}
void shim_note(int64_t number) { note('a', 0, number, "", NULL, 0); }

static uint64_t inode_of(int fd) {
    struct stat s;
    return fstat(fd, &s) == 0 ? (uint64_t)s.st_ino : 0;
}

/* 1: the call has to fail. */
static int strike(void) {
    if (mode == OFF) return 0;
    seen++;
    return (mode == FAIL_ONCE && seen == at) || (mode == FAIL_ON && seen >= at);
}
static void after(void) {
    if ((mode == KILL_AFTER || mode == KILL_TORN) && seen == at) kill(getpid(), SIGKILL);
}

ssize_t pwrite64(int fd, const void *data, size_t size, off64_t offset) {
    char path[600];
    if (!below_fd(fd, path, sizeof path)) return REAL(pwrite64)(fd, data, size, offset);
    if (strike()) { errno = code; return -1; }
    if (mode == KILL_TORN && seen == at) size = size / 2;
    ssize_t n = REAL(pwrite64)(fd, data, size, offset);
    if (n > 0) note('w', inode_of(fd), offset, path, data, (uint32_t)n);
    after();
    return n;
}
ssize_t pwrite(int fd, const void *data, size_t size, off_t offset) { return pwrite64(fd, data, size, offset); }
ssize_t write(int fd, const void *data, size_t size) {
    char path[600];
    if (!below_fd(fd, path, sizeof path)) return REAL(write)(fd, data, size);
    if (strike()) { errno = code; return -1; }
    if (mode == KILL_TORN && seen == at) size = size / 2;
    off_t offset = (fcntl(fd, F_GETFL) & O_APPEND) ? lseek(fd, 0, SEEK_END) : lseek(fd, 0, SEEK_CUR);
    ssize_t n = REAL(write)(fd, data, size);
    if (n > 0) note('w', inode_of(fd), offset, path, data, (uint32_t)n);
    after();
    return n;
}

static int settle(int fd, int (*real)(int)) {
    char path[600];
    if (!below_fd(fd, path, sizeof path)) return real(fd);
    if (strike()) { errno = code; return -1; }
    int done = real(fd);
    if (done == 0) note('s', inode_of(fd), 0, path, NULL, 0);
    after();
    return done;
}
int fsync(int fd) { return settle(fd, REAL(fsync)); }
int fdatasync(int fd) { return settle(fd, REAL(fdatasync)); }

int ftruncate64(int fd, off64_t size) {
    char path[600];
    if (!below_fd(fd, path, sizeof path)) return REAL(ftruncate64)(fd, size);
    if (strike()) { errno = code; return -1; }
    int done = REAL(ftruncate64)(fd, size);
    if (done == 0) note('t', inode_of(fd), size, path, NULL, 0);
    after();
    return done;
}
int ftruncate(int fd, off_t size) { return ftruncate64(fd, size); }

static int moved(const char *from, const char *to, int (*real)(const char *, const char *)) {
    if (!below(from)) return real(from, to);
    if (strike()) { errno = code; return -1; }
    int done = real(from, to);
    if (done == 0) note('r', 0, 0, from, to, (uint32_t)strlen(to));
    after();
    return done;
}
int rename(const char *from, const char *to) { return moved(from, to, REAL(rename)); }

static int gone(const char *path, int (*real)(const char *)) {
    if (!below(path)) return real(path);
    if (strike()) { errno = code; return -1; }
    int done = real(path);
    if (done == 0) note('u', 0, 0, path, NULL, 0);
    after();
    return done;
}
int unlink(const char *path) { return gone(path, REAL(unlink)); }

int mkdir(const char *path, mode_t bits) {
    if (!below(path)) return REAL(mkdir)(path, bits);
    if (strike()) { errno = code; return -1; }
    int done = REAL(mkdir)(path, bits);
    if (done == 0) note('m', 0, 0, path, NULL, 0);
    after();
    return done;
}

static int opened(const char *path, int flags, mode_t bits, int (*real)(const char *, int, ...)) {
    int makes = (flags & O_CREAT) && below(path) && access(path, F_OK) != 0;
    int empties = (flags & O_TRUNC) && below(path);
    if ((makes || empties) && strike()) { errno = code; return -1; }
    int fd = real(path, flags, bits);
    if (fd >= 0 && makes) note('c', inode_of(fd), 0, path, NULL, 0);
    if (fd >= 0 && empties) note('t', inode_of(fd), 0, path, NULL, 0);
    if (makes || empties) after();
    return fd;
}
int open64(const char *path, int flags, ...) {
    va_list rest;
    va_start(rest, flags);
    mode_t bits = (flags & O_CREAT) ? va_arg(rest, mode_t) : 0;
    va_end(rest);
    return opened(path, flags, bits, REAL(open64));
}
int open(const char *path, int flags, ...) {
    va_list rest;
    va_start(rest, flags);
    mode_t bits = (flags & O_CREAT) ? va_arg(rest, mode_t) : 0;
    va_end(rest);
    return opened(path, flags, bits, REAL(open));
}
