/* The sums of lists in lanes, for both groups. */
#include "lane_sixteen.h"
#include "lists.h"

#if ZKN_HAS_LANES

static void fp8_modulus(fp8 *out, uint64_t times)
{
    for (int i = 0; i < LANE_LIMBS; i++) out->l[i] = lane_all(times * FP_LANE_MODULUS[i]);
}

/* The lanes that are 0 mod m, of a carried element of bound 84. */
static unsigned fp8_zeros(const fp8 *a)
{
    fp8 t = *a;
    lane_word any = lane_all(0);
    fp8_fold(&t);
    fp8_canonical(&t);
    for (int i = 0; i < LANE_LIMBS; i++) any = lane_or(any, t.l[i]);
    return lane_equal(any, lane_all(0));
}

static void fp16_modulus(fp16 *out, uint64_t times)
{
    for (int k = 0; k < LANE_TWO; k++) fp8_modulus(&out->v[k], times);
}

static unsigned fp16_zeros(const fp16 *a)
{
    return fp8_zeros(&a->v[0]) | fp8_zeros(&a->v[1]) << LANES;
}

static inline void fp16_choose(fp16 *out, const fp16 *b, unsigned mask)
{
    for (int k = 0; k < LANE_TWO; k++) fp8_select(&out->v[k], &b->v[k], (lane_mask)(mask >> LANES * k));
}

static inline void fp16_fold(fp16 *a)
{
    fp8_fold(&a->v[0]), fp8_fold(&a->v[1]);
}

/* As fp28_mul_by and fp28_sqr_by: whole elements need no bounds. */
static inline void fp16_mul_by(fp16 *out, const fp16 *a, const fp16 *b, uint64_t k)
{
    (void)k;
    fp16_mul(out, a, b);
}

static inline void fp16_sqr_by(fp16 *out, const fp16 *a, uint64_t k)
{
    (void)k;
    fp16_sqr(out, a);
}

static void fp28_modulus(fp28 *out, uint64_t times)
{
    fp8_modulus(&out->c0, times), fp8_modulus(&out->c1, times);
}

static unsigned fp28_zeros(const fp28 *a)
{
    return fp8_zeros(&a->c0) & fp8_zeros(&a->c1);
}

static inline void fp28_choose(fp28 *out, const fp28 *b, unsigned mask)
{
    fp8_select(&out->c0, &b->c0, (lane_mask)mask);
    fp8_select(&out->c1, &b->c1, (lane_mask)mask);
}

static inline void fp28_fold(fp28 *a)
{
    fp8_fold(&a->c0), fp8_fold(&a->c1);
}

/* Lane i <- lane i + by, around. */
static void fp8_rotate(fp8 *out, const fp8 *a, unsigned by)
{
    uint64_t twice[2 * LANES];
    for (int i = 0; i < LANE_LIMBS; i++) {
        lane_store(twice, a->l[i]);
        lane_store(twice + LANES, a->l[i]);
        out->l[i] = lane_load(twice + by);
    }
}

static void fp28_rotate(fp28 *out, const fp28 *a, unsigned by)
{
    fp8_rotate(&out->c0, &a->c0, by), fp8_rotate(&out->c1, &a->c1, by);
}

/* The inverse of lane 0 in every lane, with a bound of 16; 0 if there is none. */
static int fp8_invert_first(fp8 *a)
{
    zkn_fp x[LANES];
    fp8_store(x, 1, a);
    if (fp_is_zero(&x[0])) return 0;
    fp_inv(&x[0], &x[0]);
    fp8_load(a, x, 0);
    return 1;
}

static int fp28_invert_first(fp28 *a)
{
    zkn_fp2 x[LANES];
    fp8_store(&x[0].c0, 2, &a->c0), fp8_store(&x[0].c1, 2, &a->c1);
    if (fp2_is_zero(&x[0])) return 0;
    fp2_inv(&x[0], &x[0]);
    fp8_load(&a->c0, &x[0].c0, 0), fp8_load(&a->c1, &x[0].c1, 0);
    fp28_fold(a);
    return 1;
}

/* All lanes of bound 2 to their inverses, of bound 2, by the inverse of their product; 0 if one is zero. */
#define INVERT_LANES(LANE)                                                                                   \
    static int LANE##_invert_lanes(LANE *a)                                                                  \
    {                                                                                                        \
        enum { LEVELS = 3 };                                                                                 \
        LANE product[LEVELS + 1], turned[LEVELS];                                                            \
        product[0] = *a;                                                                                     \
        for (unsigned i = 0; i < LEVELS; i++) {                                                              \
            LANE##_rotate(&turned[i], &product[i], LANES / 2 >> i);                                          \
            LANE##_mul_by(&product[i + 1], &product[i], &turned[i], 2);                                      \
        }                                                                                                    \
        *a = product[LEVELS];                                                                                \
        if (!LANE##_invert_first(a)) return 0;                                                               \
        for (unsigned i = LEVELS; i-- > 0;) LANE##_mul_by(a, a, &turned[i], 2);                              \
        return 1;                                                                                            \
    }

INVERT_LANES(fp8)
INVERT_LANES(fp28)

static int fp16_invert(fp16 *a)
{
    fp8 all;
    fp8_mul(&all, &a->v[0], &a->v[1]);
    if (!fp8_invert_lanes(&all)) return 0;
    const fp8 first = a->v[0];
    fp8_mul(&a->v[0], &all, &a->v[1]);
    fp8_mul(&a->v[1], &all, &first);
    return 1;
}

static int fp28_invert(fp28 *a)
{
    return fp28_invert_lanes(a);
}

/* The jobs by length, longest first. */
static const zkn_list_job *zkn_longest_first(const zkn_list_job *job, zkn_list_job *sorted, size_t n)
{
    uint32_t start[ZKN_LIST_LONGEST + 2] = {0};
    for (size_t i = 0; i < n; i++) start[ZKN_LIST_LONGEST - job[i].length + 1]++;
    for (size_t i = 1; i < ZKN_LIST_LONGEST + 2; i++) start[i] += start[i - 1];
    for (size_t i = 0; i < n; i++) sorted[start[ZKN_LIST_LONGEST - job[i].length]++] = job[i];
    return sorted;
}

#define GROUP     g1
#define COORD     fp
#define GROUP_AFF zkn_g1_aff
#define LANE      fp16
#define WIDTH     16
#define FPS       1
#include "lists_lanes_template.h"

#define GROUP     g2
#define COORD     fp2
#define GROUP_AFF zkn_g2_aff
#define LANE      fp28
#define WIDTH     8
#define FPS       2
#include "lists_lanes_template.h"

#endif
