/* Splitting work over a bounded number of threads.
 *
 * Threads are started and joined inside the call (about 20 us each): no state outlives it, so it is safe
 * after fork and under any number of callers. If the system refuses a thread, the caller's thread does its
 * share. */
#ifndef ZKN_THREADS_H
#define ZKN_THREADS_H

#include <stddef.h>

enum {
    ZKN_MAX_THREADS = 256,
    ZKN_PRODUCTS_MIN = 1 << 12, /* products in a field that are worth a thread: 70 us or so */
    ZKN_HASHES_MIN = 16,        /* and hashes of Poseidon */
};

/* Called with a share [begin, end) and with the number of the worker, below the bounded thread count. */
typedef void (*zkn_task)(void *ctx, size_t begin, size_t end, unsigned worker);

/* The number of workers that `zkn_parallel(n, threads, ..)` uses: between 1 and ZKN_MAX_THREADS, and no
 * more than n. */
unsigned zkn_workers(size_t n, unsigned threads);

/* As many of `threads` as have `least` items each: for items that are soon done, where starting a thread costs more. */
unsigned zkn_worth(size_t n, size_t least, unsigned threads);

/* Runs task over [0, n) in equal contiguous shares, one per worker. */
void zkn_parallel(size_t n, unsigned threads, zkn_task task, void *ctx);

/* Runs task on each i of [0, n) as [i, i+1), workers taking the next i when free: for items of uneven cost. */
void zkn_parallel_each(size_t n, unsigned threads, zkn_task task, void *ctx);

#endif
