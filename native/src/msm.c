/* Multi-scalar and fixed-base multiplication in G1 and G2. Timing and memory access depend on the scalars. */
#include "digits.h"
#include "lists.h"
#include "threads.h"

enum {
    ZKN_MSM_MAX = 0x7fffffff,  /* an item of a list keeps its sign in bit 31 */
    ZKN_MSM_CHUNK_MIN = 1024,  /* fewer points than this in a cell leave buckets empty */
    ZKN_FIXED_ITEMS = 1 << 14, /* table entries gathered at once */
};

typedef struct {
    unsigned c, windows, chunks, workers;
    size_t chunk; /* points in a chunk */
} zkn_msm_plan;

/* The window that costs the fewest additions, and enough cells to keep all workers busy to the end.
 * Depends on n and threads alone. */
static zkn_msm_plan zkn_plan_msm(size_t n, unsigned threads)
{
    zkn_msm_plan plan = {.c = 2};
    uint64_t least = UINT64_MAX;
    for (unsigned c = 2; c <= ZKN_DIGIT_BITS_MAX; c++) {
        /* in each window: an affine addition per point, two per bucket less the one that fills it, and
         * Jacobian sums of rows and columns, worth five each */
        const uint64_t cost =
            zkn_digit_windows(c) * (n + ((uint64_t)1 << (c - 1)) + 5 * ((uint64_t)2 << (c / 2)) + 8);
        if (cost < least) least = cost, plan.c = c;
    }
    plan.windows = zkn_digit_windows(plan.c);
    const unsigned workers = zkn_workers(ZKN_MAX_THREADS, threads),
                   wanted = (4 * workers + plan.windows - 1) / plan.windows;
    const size_t most = n / ZKN_MSM_CHUNK_MIN + 1;
    plan.chunks = workers == 1 ? 1 : wanted < most ? wanted : (unsigned)most;
    plan.chunk = (n + plan.chunks - 1) / plan.chunks;
    plan.workers = zkn_workers((size_t)plan.windows * plan.chunks, threads);
    return plan;
}

#define GROUP     g1
#define GROUP_AFF zkn_g1_aff
#define GROUP_JAC zkn_g1_jac
#include "msm_template.h"

#define GROUP     g2
#define GROUP_AFF zkn_g2_aff
#define GROUP_JAC zkn_g2_jac
#include "msm_template.h"

size_t zkn_fixed_table_length(unsigned c)
{
    return (size_t)zkn_digit_windows(c) << (c - 1);
}
