/* Sixteen elements of Fp: two vectors of eight whose products go side by side, since the carries of one alone leave half of
 * the multiplications waiting. Bounds and carries as in lane_field_template.h. */
#ifndef ZKN_LANE_SIXTEEN_H
#define ZKN_LANE_SIXTEEN_H

#include "lane_tower.h"

#if ZKN_PATH_IFMA

enum { LANE_TWO = 2 };

typedef struct {
    fp8 v[LANE_TWO];
} fp16;

#define FP16_EACH                                                                                            \
    ZKN_UNROLL                                                                                               \
    for (int k = 0; k < LANE_TWO; k++)

static inline void fp16_one(fp16 *out)
{
    FP16_EACH fp8_one(&out->v[k]);
}

static inline void fp16_add(fp16 *out, const fp16 *a, const fp16 *b)
{
    FP16_EACH fp8_add(&out->v[k], &a->v[k], &b->v[k]);
}

static inline void fp16_sub(fp16 *out, const fp16 *a, const fp16 *b, uint64_t bound)
{
    FP16_EACH fp8_sub(&out->v[k], &a->v[k], &b->v[k], bound);
}

static inline void fp16_carry(fp16 *a)
{
    FP16_EACH fp8_carry(&a->v[k]);
}

/* One row of both reductions, as in fp8_reduce_columns: the lowest column is gone, the others shift. */
static inline void fp16_reduce_row(fp8_wide sum[LANE_TWO], int row)
{
    const int folds = row < 3;
    const uint64_t *factor = folds ? FP_LANE_CARRY : FP_LANE_MODULUS;
    lane_word q[LANE_TWO];
    FP16_EACH q[k] = folds ? sum[k].c[row] : lane_madd_low(lane_all(0), sum[k].c[row], lane_all(FP_LANE_N0));
    ZKN_UNROLL
    for (int j = 0; j < LANE_LIMBS; j++) {
        const int to = row + folds + j;
        FP16_EACH sum[k].c[to] = lane_madd_low(sum[k].c[to], q[k], lane_all(factor[j]));
    }
    FP16_EACH sum[k].c[row + 1] = lane_add(sum[k].c[row + 1], lane_shr(sum[k].c[row], LANE_BITS));
    ZKN_UNROLL
    for (int j = 0; j < LANE_LIMBS; j++) {
        const int to = row + folds + j + 1;
        FP16_EACH sum[k].c[to] = lane_madd_high(sum[k].c[to], q[k], lane_all(factor[j]));
    }
}

static inline void fp16_high_columns(fp16 *out, const fp8_wide sum[LANE_TWO])
{
    ZKN_UNROLL
    for (int i = 0; i < LANE_LIMBS; i++) {
        FP16_EACH out->v[k].l[i] = sum[k].c[LANE_LIMBS + i];
    }
    fp16_carry(out);
}

/* The rows of products and of reductions in turn: six columns of each vector are live at a time. */
static inline void fp16_mul(fp16 *out, const fp16 *a, const fp16 *b)
{
    fp8_wide sum[LANE_TWO];
    FP16_EACH
    {
        ZKN_ASSERT(fp8_is_carried(&a->v[k]) && fp8_is_carried(&b->v[k]));
        fp8_wide_zero(&sum[k]);
    }
    ZKN_UNROLL
    for (int i = 0; i < LANE_LIMBS; i++) {
        ZKN_UNROLL
        for (int j = 0; j < LANE_LIMBS; j++) {
            FP16_EACH sum[k].c[i + j] = lane_madd_low(sum[k].c[i + j], a->v[k].l[i], b->v[k].l[j]);
        }
        ZKN_UNROLL
        for (int j = 0; j < LANE_LIMBS; j++) {
            FP16_EACH sum[k].c[i + j + 1] = lane_madd_high(sum[k].c[i + j + 1], a->v[k].l[i], b->v[k].l[j]);
        }
        fp16_reduce_row(sum, i);
    }
    fp16_high_columns(out, sum);
}

static inline void fp16_sqr(fp16 *out, const fp16 *a)
{
    fp8_wide sum[LANE_TWO];
    FP16_EACH
    {
        ZKN_ASSERT(fp8_is_carried(&a->v[k]));
        fp8_wide_zero(&sum[k]);
    }
    ZKN_UNROLL
    for (int i = 0; i < LANE_LIMBS; i++) {
        ZKN_UNROLL
        for (int j = i + 1; j < LANE_LIMBS; j++) {
            FP16_EACH sum[k].c[i + j] = lane_madd_low(sum[k].c[i + j], a->v[k].l[i], a->v[k].l[j]);
        }
        ZKN_UNROLL
        for (int j = i + 1; j < LANE_LIMBS; j++) {
            FP16_EACH sum[k].c[i + j + 1] = lane_madd_high(sum[k].c[i + j + 1], a->v[k].l[i], a->v[k].l[j]);
        }
    }
    ZKN_UNROLL
    for (int i = 1; i < 2 * LANE_LIMBS - 1; i++) {
        FP16_EACH sum[k].c[i] = lane_add(sum[k].c[i], sum[k].c[i]);
    }
    ZKN_UNROLL
    for (int i = 0; i < LANE_LIMBS; i++) {
        FP16_EACH sum[k].c[2 * i] = lane_madd_low(sum[k].c[2 * i], a->v[k].l[i], a->v[k].l[i]);
        FP16_EACH sum[k].c[2 * i + 1] = lane_madd_high(sum[k].c[2 * i + 1], a->v[k].l[i], a->v[k].l[i]);
    }
    ZKN_UNROLL
    for (int i = 0; i < LANE_LIMBS; i++) fp16_reduce_row(sum, i);
    fp16_high_columns(out, sum);
}

#endif

#endif
