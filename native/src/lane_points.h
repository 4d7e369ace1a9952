/* What multiples_lanes_template.h computes with, over either kind of lanes: fp4 and fp24 of AVX2 on the adx path, and under
 * the same contract l8 and l28, made of fp8 and fp28, on the ifma path. */
#ifndef ZKN_LANE_POINTS_H
#define ZKN_LANE_POINTS_H

#include "path.h"

#if ZKN_PATH_ADX

#include "quad_field.h"

#define LANE_FP fp4

#if ZKN_LANES_OF_G2
#include "quad_tower.h"
#define LANE_FP2 fp24
#endif

#else

#include "lane_tower.h"

typedef fp8 l8;
typedef fp28 l28;

#define LANE_FP  l8
#define LANE_FP2 l28

/* The words of eight elements of Fp, the i-th at in[i] + at: word j of all to out[j]. */
static inline void lane_gather_fp(lane_word out[FP_LIMBS], const uint64_t *const in[LANES], size_t at)
{
    lane_gather4(out, in, at);
#if FP_LIMBS == 6
    lane_gather2(out + 4, in, at + 4);
#endif
}

/* The inverse of lane_gather_fp. */
static inline void lane_scatter_fp(uint64_t *const out[LANES], size_t at, const lane_word in[FP_LIMBS])
{
    lane_scatter4(out, at, in);
#if FP_LIMBS == 6
    lane_scatter2(out, at + 4, in + 4);
#endif
}

/* b may be a sum or difference of carried elements */
static inline void l8_mul(l8 *out, const l8 *a, const l8 *b)
{
    l8 factor = *b;
    fp8_carry(&factor);
    fp8_mul(out, a, &factor);
}

static inline void l28_mul(l28 *out, const l28 *a, const l28 *b)
{
    l28 factor = *b;
    fp28_carry(&factor);
    fp28_mul_by(out, &factor, a, 3);
}

static inline void l28_sqr(l28 *out, const l28 *a)
{
    fp28_sqr_by(out, a, 3);
}

static inline void l8_sub(l8 *out, const l8 *a, const l8 *b)
{
    fp8_sub(out, a, b, 4);
}

static inline void l28_sub(l28 *out, const l28 *a, const l28 *b)
{
    fp28_sub(out, a, b, 4);
}

static inline void l8_settle(l8 *a)
{
    fp8_carry(a);
    fp8_fold(a);
}

static inline void l28_settle(l28 *a)
{
    l8_settle(&a->c0);
    l8_settle(&a->c1);
}

static inline void l8_zero(l8 *out)
{
    for (int i = 0; i < FP_LANE_LIMBS; i++) out->l[i] = lane_all(0);
}

static inline void l28_select(l28 *out, const l28 *b, lane_mask mask)
{
    fp8_select(&out->c0, &b->c0, mask);
    fp8_select(&out->c1, &b->c1, mask);
}

static inline void l8_enter(l8 *out, const lane_word w[FP_LIMBS])
{
    fp8_split_raised(out, w);
    for (int folds = 0; folds < (FP_LANE_LIMBS == 5 ? 1 : 2); folds++) fp8_fold(out);
}

static inline void l8_add_four(l8 *out, const l8 *add, const l8 *a, const l8 *b, const l8 *c, const l8 *d,
                               const l8 *e, const l8 *f, const l8 *g, const l8 *h)
{
    const l8 sum = *add;
    fp8_wide products;
    fp8_wide_zero(&products);
    fp8_wide_madd(&products, a, b);
    fp8_wide_madd(&products, c, d);
    fp8_wide_madd(&products, e, f);
    fp8_wide_madd(&products, g, h);
    fp8_reduce(out, &products);
    fp8_add(out, out, &sum);
    fp8_carry(out);
}

#define l8_sqr       fp8_sqr
#define l8_add       fp8_add
#define l8_select    fp8_select
#define l8_one       fp8_one
#define l8_split     fp8_split
#define l8_join      fp8_join
#define l8_canonical fp8_canonical
#define l8_leave     fp8_leave
#define l8_raise     fp8_raise
#define l28_add      fp28_add
#define l28_one      fp28_one

#endif

/* Words of memory and lanes: the form x R, changed into that of lanes and back; whatever form, kept; kept, and below m when
 * written. */
typedef enum { LANE_CHANGED, LANE_KEPT, LANE_REDUCED } lane_form;

#endif
