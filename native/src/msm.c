/* Multi-scalar multiplication in G1 and G2. Timing and memory access depend on the scalars. */
#include "digit_sort.h"
#include "lists.h"
#include "multiples.h"
#include "threads.h"

enum {
    ZKN_MSM_MAX = 0x7fffffff, /* an item of a list keeps its sign in bit 31 */
    ZKN_MSM_SEGMENT = 1
        << ZKN_INDEX_BITS,       /* points taken at once: bounds scratch, and what is read of a mapped key */
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

/* Moves n bytes down to `to`, and erases where they stood. */
static void zkn_move_down(void *to, void *from, size_t n)
{
    uint8_t *moved = (uint8_t *)to + n, *end = (uint8_t *)from + n;
    if (to == from) return;
    memmove(to, from, n);
    if (moved < (uint8_t *)from) moved = from;
    zkn_wipe(moved, (size_t)(end - moved));
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
