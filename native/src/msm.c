/* Multi-scalar multiplication in G1 and G2. Timing and memory access depend on the scalars. */
#include "digits.h"
#include "lists.h"
#include "multiples.h"
#include "threads.h"

enum {
    ZKN_MSM_MAX = 0x7fffffff,    /* an item of a list keeps its sign in bit 31 */
    ZKN_MSM_SEGMENT = 1 << 21,   /* points taken at once: bounds scratch, and what is read of a mapped key */
    ZKN_MSM_SPLIT_MAX = 1 << 18, /* images of more points than this are not worth their memory */
    ZKN_MSM_CHUNK_MIN = 1024,    /* fewer items than this in a cell leave buckets empty */
    ZKN_MSM_CELL = 4 * ZKN_LIST_TILE, /* items and buckets of a cell, if it may take several windows */
    ZKN_MSM_SHORT_BITS = 64,
    ZKN_MSM_BUCKET = ZKN_HAS_LANES ? 3 : 1, /* additions a bucket costs: short lists leave lanes */
};

enum { ZKN_PREPARED_BITS_MAX = 16 }; /* of a window of prepared points */

/* How one sum is cut: a grid of groups of windows times chunks of its items. */
typedef struct {
    unsigned c, windows, group, groups, chunks;
    size_t chunk; /* items in a chunk */
} zkn_msm_plan;

static size_t zkn_msm_buckets(unsigned c)
{
    return ((size_t)1 << (c - 1)) + 1;
}

/* The window with the fewest affine additions: in each, one for every item and one for every bucket (which is
 * filled by its first item, then added to a row and to a column), then the sums of rows and columns by the bits
 * of their index. Grows with n. */
static unsigned zkn_msm_window(size_t n, unsigned bits)
{
    unsigned best = 2;
    uint64_t least = UINT64_MAX;
    for (unsigned c = 2; c <= ZKN_DIGIT_BITS_MAX; c++) {
        const uint64_t lines = (uint64_t)2 << (c / 2);
        const uint64_t cost =
            zkn_digit_windows(bits, c) * (n + ZKN_MSM_BUCKET * zkn_msm_buckets(c) + lines * (c / 2) / 4 + 16);
        if (cost < least) least = cost, best = c;
    }
    return best;
}

/* The most items in a chunk of n: there are as many windows as keep four workers busy. */
static size_t zkn_msm_chunk(size_t n, unsigned workers)
{
    const size_t wanted = (workers + 3) / 4, most = n / ZKN_MSM_CHUNK_MIN + 1,
                 chunks = wanted < most ? wanted : most, chunk = (n + chunks - 1) / chunks;
    return chunk ? chunk : 1;
}

/* For n items of so many bits, in a class of sizes of at most class_bits. */
static zkn_msm_plan zkn_plan_msm(size_t n, unsigned bits, unsigned class_bits, unsigned workers)
{
    zkn_msm_plan plan = {.c = zkn_msm_window(n, class_bits), .chunk = zkn_msm_chunk(n, workers)};
    if (plan.c > bits + 1 && bits) plan.c = bits + 1;
    plan.windows = zkn_digit_windows(bits, plan.c);
    plan.chunks = (unsigned)((n + plan.chunk - 1) / plan.chunk);
    const size_t filling = (ZKN_MSM_CELL + plan.chunk - 1) / plan.chunk,
                 most = ZKN_MSM_CELL / zkn_msm_buckets(plan.c),
                 share = (plan.windows + workers - 1) / workers;
    plan.group = (unsigned)(filling < share ? filling : share);
    if (plan.group > most) plan.group = (unsigned)most;
    if (plan.group == 0) plan.group = 1;
    plan.groups = (plan.windows + plan.group - 1) / plan.group;
    return plan;
}

/* Sorts n items by |digit| (counting sort); code[i] is that of item index[i], as zkn_digit gives it. On entry
 * start[k + 1] counts the items of bucket k and item `filled` is the next free one; on return bucket k holds items
 * start[k] to start[k+1] - 1, and bucket 0 none. Returns the next free item. */
static uint32_t zkn_sort_by_code(uint32_t *item, uint32_t *start, uint32_t filled, const uint32_t *code,
                                 const uint32_t *index, size_t n, size_t buckets)
{
    start[0] = start[1] = filled;
    for (size_t k = 1; k < buckets; k++) { /* start[k+1] is where bucket k starts, until it is filled */
        const uint32_t count = start[k + 1];
        start[k + 1] = filled;
        filled += count;
    }
    for (size_t i = 0; i < n; i++) {
        if (code[i] >> 1) item[start[(code[i] >> 1) + 1]++] = index[i] ^ code[i] << 31;
    }
    return filled;
}

/* The same for one window of n sizes, with no counts on entry. `code` is room for n. */
static uint32_t zkn_sort_by_digit(uint32_t *item, uint32_t *start, uint32_t filled, uint32_t *code,
                                  const uint32_t *index, const uint64_t *size, unsigned words, size_t n,
                                  unsigned window, unsigned c)
{
    for (size_t i = 0; i < n; i++) {
        code[i] = zkn_digit(size + i * words, words, window, c);
        start[(code[i] >> 1) + 1]++;
    }
    return zkn_sort_by_code(item, start, filled, code, index, n, zkn_msm_buckets(c));
}

#define GROUP          g1
#define COORD          fp
#define COORD_TYPE     zkn_fp
#define GROUP_AFF      zkn_g1_aff
#define GROUP_JAC      zkn_g1_jac
#define MSM_SCALE_X(x) fp_mul(x, x, &FP_CUBE_ROOTS[0])
#include "msm_template.h"

#define GROUP      g1
#define COORD      fp
#define COORD_TYPE zkn_fp
#define GROUP_AFF  zkn_g1_aff
#define GROUP_JAC  zkn_g1_jac
#include "msm_prepared_template.h"

#define GROUP          g2
#define COORD          fp2
#define COORD_TYPE     zkn_fp2
#define GROUP_AFF      zkn_g2_aff
#define GROUP_JAC      zkn_g2_jac
#define MSM_SCALE_X(x) fp2_mul_fp(x, x, &FP_CUBE_ROOTS[1])
#include "msm_template.h"

size_t zkn_prepared_length(size_t n, unsigned c)
{
    return n * zkn_digit_windows(ZKN_SIZE_BITS, c);
}
