/* Every index is visited once, by a worker within bounds, however many threads are asked for. */
#include "check.h"
#include "threads.h"
#include "zkn.h"

#include <stdatomic.h>
#include <string.h>

enum { N = 1000 };

typedef struct {
    atomic_int visits[N];
    atomic_uint highest;
    atomic_int calls;
} record;

static void visit(void *ctx, size_t begin, size_t end, unsigned worker)
{
    record *r = ctx;
    atomic_fetch_add(&r->calls, 1);
    unsigned seen = atomic_load(&r->highest);
    while (worker > seen && !atomic_compare_exchange_weak(&r->highest, &seen, worker)) {}
    for (size_t i = begin; i < end; i++) atomic_fetch_add(&r->visits[i], 1);
}

static void wipes_what_it_is_given(void)
{
    enum { SIZE = (5 << 20) + 3 };
    static uint8_t bytes[SIZE + 2];
    for (unsigned threads = 0; threads < 5; threads++) {
        for (size_t n = SIZE; n > 1000; n /= 7) {
            size_t left = 0;
            memset(bytes, 0xa5, sizeof bytes);
            zkn_wipe_shared(bytes + 1, n, threads);
            for (size_t i = 0; i < sizeof bytes; i++) left += bytes[i] != 0;
            CHECK(left == sizeof bytes - n && bytes[0] && bytes[n + 1]);
        }
    }
}

int main(void)
{
    static record r;
    wipes_what_it_is_given();
    static const size_t sizes[] = {0, 1, 2, 7, N};
    static const unsigned threads[] = {0, 1, 2, 3, 16, 300, 100000};
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
        for (size_t t = 0; t < sizeof threads / sizeof *threads; t++) {
            for (int each = 0; each < 2; each++) {
                memset(&r, 0, sizeof r);
                const unsigned workers = zkn_workers(sizes[k], threads[t]);
                CHECK(workers >= 1 && workers <= ZKN_MAX_THREADS && (workers <= sizes[k] || workers == 1));
                (each ? zkn_parallel_each : zkn_parallel)(sizes[k], threads[t], visit, &r);
                for (size_t i = 0; i < N; i++) CHECK(atomic_load(&r.visits[i]) == (i < sizes[k]));
                CHECK(atomic_load(&r.highest) < workers);
                CHECK((size_t)atomic_load(&r.calls) == (each ? sizes[k] : sizes[k] ? workers : 0));
            }
        }
    }
    return failures != 0;
}
