/* Erasing secrets: the empty statement claims to read the memory, so the writes before it have to stay. */
#include "threads.h"
#include "zkn.h"

#include <string.h>

enum { WIPE_MIN = 1 << 20 }; /* bytes that are worth a thread: 100 us or so */

void zkn_wipe(void *out, size_t n)
{
    memset(out, 0, n);
    __asm__ volatile("" : : "r"(out) : "memory");
}

static void wipe_share(void *ctx, size_t begin, size_t end, unsigned worker)
{
    (void)worker;
    zkn_wipe((uint8_t *)ctx + begin, end - begin);
}

void zkn_wipe_shared(void *out, size_t n, unsigned threads)
{
    zkn_parallel(n, zkn_worth(n, WIPE_MIN, threads), wipe_share, out);
}
