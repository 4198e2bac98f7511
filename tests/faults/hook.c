/* Preloaded into the ranks of a real job, it does something terrible at a chosen call.
 *
 * FAULT_RANK    the rank it acts in (OMPI_COMM_WORLD_RANK), or any; other ranks run undisturbed
 * FAULT_CLAIM   with any: a file that the first rank hit makes, so that it is the only one
 * FAULT_CALL    rename, fsync, write, pread, posix_memalign, or flock: every one of the rank fails
 *               with the error number FAULT_COUNT
 * FAULT_MATCH   only calls on files whose path holds this text count
 * FAULT_COUNT   the call that is hit, from 1
 * FAULT_ACTION  exit (without MPI_Finalize), kill, segv, abort, hang or fail
 * FAULT_LATE    1: after the call; a write is cut in the middle either way
 *
 * Memory is asked for everywhere, so posix_memalign counts only in the main thread and only after
 * the first part was renamed: from then on the main thread asks for much memory only in units.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <unistd.h>

static atomic_int calls = 0;
static atomic_int parts = 0;

static const char* setting(const char* name) {
  const char* value = getenv(name);
  return value ? value : "";
}

static int is_any(void) {
  return strcmp(setting("FAULT_RANK"), "any") == 0;
}

static int is_here(const char* call) {
  return strcmp(setting("FAULT_CALL"), call) == 0 &&
         (is_any() || strcmp(setting("FAULT_RANK"), setting("OMPI_COMM_WORLD_RANK")) == 0);
}

static int is_hit(void) {
  if (atomic_fetch_add(&calls, 1) + 1 != atoi(setting("FAULT_COUNT"))) return 0;
  return !is_any() || open(setting("FAULT_CLAIM"), O_CREAT | O_EXCL | O_WRONLY, 0600) >= 0;
}

static int matches(const char* path) {
  return strstr(path, setting("FAULT_MATCH")) != NULL;
}

static int matches_file(int file) {
  char link[64], path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", file);
  const ssize_t size = readlink(link, path, sizeof path - 1);
  if (size < 0) return 0;
  path[size] = '\0';
  return matches(path);
}

static void act(void) {
  const char* action = setting("FAULT_ACTION");
  if (strcmp(action, "exit") == 0) _exit(0);
  if (strcmp(action, "kill") == 0) raise(SIGKILL);
  if (strcmp(action, "segv") == 0) raise(SIGSEGV);
  if (strcmp(action, "abort") == 0) abort();
  if (strcmp(action, "hang") == 0)
    for (;;) pause();
}

int rename(const char* from, const char* to) {
  int (*next)(const char*, const char*) = dlsym(RTLD_NEXT, "rename");
  if (strstr(from, "/parts/")) atomic_fetch_add(&parts, 1);
  const int hit = is_here("rename") && matches(from) && is_hit();
  const int late = strcmp(setting("FAULT_LATE"), "1") == 0;
  if (hit && !late) act();
  const int result = next(from, to);
  if (hit) act();
  return result;
}

int fsync(int file) {
  int (*next)(int) = dlsym(RTLD_NEXT, "fsync");
  if (is_here("fsync") && matches_file(file) && is_hit()) act();
  return next(file);
}

ssize_t write(int file, const void* bytes, size_t size) {
  ssize_t (*next)(int, const void*, size_t) = dlsym(RTLD_NEXT, "write");
  if (is_here("write") && matches_file(file) && is_hit()) {
    next(file, bytes, size / 2);
    act();
  }
  return next(file, bytes, size);
}

ssize_t pread(int file, void* bytes, size_t size, off_t offset) {
  ssize_t (*next)(int, void*, size_t, off_t) = dlsym(RTLD_NEXT, "pread");
  if (is_here("pread") && matches_file(file) && is_hit()) act();
  return next(file, bytes, size, offset);
}

int flock(int file, int operation) {
  int (*next)(int, int) = dlsym(RTLD_NEXT, "flock");
  if (is_here("flock") && matches_file(file)) {
    errno = atoi(setting("FAULT_COUNT"));
    return -1;
  }
  return next(file, operation);
}

int posix_memalign(void** memory, size_t alignment, size_t size) {
  static int (*next)(void**, size_t, size_t);
  if (!next) next = dlsym(RTLD_NEXT, "posix_memalign");
  if (atomic_load(&parts) > 0 && syscall(SYS_gettid) == getpid() && is_here("posix_memalign") &&
      is_hit()) {
    act();
    return ENOMEM;
  }
  return next(memory, alignment, size);
}
