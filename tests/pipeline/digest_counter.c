/* Preloaded into a run, it writes the number of digests that were made to the file DIGEST_COUNT.
 * Processes that MPI and the run start beside it make none and write nothing. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

static atomic_long digests = 0;

int EVP_Digest(const void* data, size_t count, unsigned char* digest, unsigned int* size,
               const void* type, void* engine) {
  static int (*real)(const void*, size_t, unsigned char*, unsigned int*, const void*, void*) = NULL;
  if (real == NULL) *(void**)&real = dlsym(RTLD_NEXT, "EVP_Digest");
  atomic_fetch_add(&digests, 1);
  return real(data, count, digest, size, type, engine);
}

__attribute__((destructor)) static void tell(void) {
  const char* path = getenv("DIGEST_COUNT");
  FILE* file = path == NULL || digests == 0 ? NULL : fopen(path, "w");
  if (file == NULL) return;
  fprintf(file, "%ld\n", (long)digests);
  fclose(file);
}
