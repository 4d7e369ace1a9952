/* Points of BLS12-381 in the 48 and 96 bytes of ZCash's encoding. */
#include "bytes.h"
#include "root.h"

#include <string.h>

enum {
    FLAG_COMPRESSED = 0x80,
    FLAG_INFINITY = 0x40,
    FLAG_LARGER = 0x20,
    FLAGS = 0xe0,
    FP_BYTES = 8 * FP_LIMBS
};

/* 48 bytes big-endian, `flags` of the first cleared; 0 if they are not below p */
static int read_fp(zkn_fp *out, const uint8_t *in, uint8_t flags)
{
    zkn_fp x;
    for (int k = 0; k < FP_LIMBS; k++) x.l[FP_LIMBS - 1 - k] = zkn_load_be(in + 8 * k);
    x.l[FP_LIMBS - 1] &= ~((uint64_t)flags << 56);
    if (!fp_is_reduced(&x)) return 0;
    fp_from_canonical(out, x.l);
    return 1;
}

static void write_fp(uint8_t *out, const zkn_fp *a)
{
    uint64_t x[FP_LIMBS];
    fp_to_canonical(x, a);
    for (int k = 0; k < FP_LIMBS; k++) zkn_store_be(out + 8 * k, x[FP_LIMBS - 1 - k]);
}

/* -1, 0 or 1: is a above (p - 1)/2, zero, or neither? */
static int half_of(const zkn_fp *a)
{
    uint64_t x[FP_LIMBS];
    zkn_carry borrow = 0;
    fp_to_canonical(x, a);
    for (int k = 0; k < FP_LIMBS; k++) (void)zkn_sbb(FP_HALF[k], x[k], &borrow);
    return borrow ? -1 : !fp_is_zero(a);
}

static int fp_is_larger(const zkn_fp *y)
{
    return half_of(y) < 0;
}

/* By the imaginary part, and by the real one where that is zero. */
static int fp2_is_larger(const zkn_fp2 *y)
{
    const int half = half_of(&y->c1);
    return half ? half < 0 : half_of(&y->c0) < 0;
}

static int read_x_fp(zkn_fp *out, const uint8_t *in)
{
    return read_fp(out, in, FLAGS);
}

static int read_x_fp2(zkn_fp2 *out, const uint8_t *in)
{
    return read_fp(&out->c1, in, FLAGS) && read_fp(&out->c0, in + FP_BYTES, 0);
}

static void write_x_fp2(uint8_t *out, const zkn_fp2 *x)
{
    write_fp(out, &x->c1);
    write_fp(out + FP_BYTES, &x->c0);
}

#define GROUP      g1
#define COORD      fp
#define COORD_TYPE zkn_fp
#define GROUP_AFF  zkn_g1_aff
#define GROUP_B    FP_CURVE_B
#define READ_X     read_x_fp
#define WRITE_X    write_fp
#include "bls_encoding_template.h"

#define GROUP      g2
#define COORD      fp2
#define COORD_TYPE zkn_fp2
#define GROUP_AFF  zkn_g2_aff
#define GROUP_B    FP2_TWIST_B
#define READ_X     read_x_fp2
#define WRITE_X    write_x_fp2
#include "bls_encoding_template.h"
