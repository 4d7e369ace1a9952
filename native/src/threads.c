/* Threads started and joined inside one call: either a share of the range each, or one item after another. */
#include "threads.h"

#include <pthread.h>
#include <stdatomic.h>

enum { STACK = 4 << 20 }; /* a share takes up to 350 KB, and musl gives a thread 128 */

typedef struct {
    zkn_task task;
    void *ctx;
    size_t n;
    unsigned workers;
    atomic_size_t next; /* only zkn_parallel_each */
} job;

typedef struct {
    job *job;
    unsigned worker;
} seat;

unsigned zkn_workers(size_t n, unsigned threads)
{
    unsigned workers = threads < ZKN_MAX_THREADS ? threads : ZKN_MAX_THREADS;
    if (workers > n) workers = (unsigned)n;
    return workers ? workers : 1;
}

unsigned zkn_worth(size_t n, size_t least, unsigned threads)
{
    return zkn_workers(n / least, threads);
}

static void *run_share(void *arg)
{
    const seat *s = arg;
    const size_t share = s->job->n / s->job->workers, rest = s->job->n % s->job->workers, k = s->worker;
    const size_t begin = k * share + (k < rest ? k : rest);
    s->job->task(s->job->ctx, begin, begin + share + (k < rest), s->worker);
    return NULL;
}

static void *run_each(void *arg)
{
    const seat *s = arg;
    for (;;) {
        const size_t i = atomic_fetch_add_explicit(&s->job->next, 1, memory_order_relaxed);
        if (i >= s->job->n) return NULL;
        s->job->task(s->job->ctx, i, i + 1, s->worker);
    }
}

static void run(job *j, void *(*body)(void *))
{
    seat seats[ZKN_MAX_THREADS];
    pthread_t threads[ZKN_MAX_THREADS];
    unsigned char started[ZKN_MAX_THREADS];
    for (unsigned k = 0; k < j->workers; k++) seats[k] = (seat){j, k};
    pthread_attr_t attributes;
    const int stated = pthread_attr_init(&attributes) == 0;
    if (stated) pthread_attr_setstacksize(&attributes, STACK);
    for (unsigned k = 1; k < j->workers; k++)
        started[k] = pthread_create(&threads[k], stated ? &attributes : NULL, body, &seats[k]) == 0;
    if (stated) pthread_attr_destroy(&attributes);
    body(&seats[0]);
    for (unsigned k = 1; k < j->workers; k++) {
        if (started[k]) {
            pthread_join(threads[k], NULL);
        } else {
            body(&seats[k]);
        }
    }
}

void zkn_parallel(size_t n, unsigned threads, zkn_task task, void *ctx)
{
    if (n == 0) return;
    job j = {.task = task, .ctx = ctx, .n = n, .workers = zkn_workers(n, threads)};
    run(&j, run_share);
}

void zkn_parallel_each(size_t n, unsigned threads, zkn_task task, void *ctx)
{
    if (n == 0) return;
    job j = {.task = task, .ctx = ctx, .n = n, .workers = zkn_workers(n, threads)};
    atomic_init(&j.next, 0);
    run(&j, run_each);
}
