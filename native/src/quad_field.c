/* The products that quad_field.h declares, in assembly: compilers keep all 81 products of a row before they add, and spill.
 *
 * Step i adds a b_i to nine columns, of which ymm((i + j) % 9) holds column i + j, and then the multiple of m that makes
 * column i divisible by 2^29; its quotient goes to column i + 1, and its register to column i + 9. */
#include "path.h"

#if ZKN_PATH_ADX && !ZKN_CURVE_BLS12_381

#include "quad_field.h"

/* clang-format off */
#define QUAD_LOAD(from, i)         "vmovdqu 32*" #i "(%[" #from "]), %%ymm9\n\t"
#define QUAD_ADD(from, j, r)       "vpmuludq 32*" #j "(%[" #from "]), %%ymm9, %%ymm11\n\t" \
                                   "vpaddq %%ymm11, %%ymm" #r ", %%ymm" #r "\n\t"
#define QUAD_SET(from, j, r)       "vpmuludq 32*" #j "(%[" #from "]), %%ymm9, %%ymm" #r "\n\t"
#define QUAD_ADD_MODULUS(j, r)     "vpmuludq 32*" #j "(%[m]), %%ymm10, %%ymm11\n\t" \
                                   "vpaddq %%ymm11, %%ymm" #r ", %%ymm" #r "\n\t"
#define QUAD_DOUBLE                "vpaddq %%ymm9, %%ymm9, %%ymm9\n\t"
/* ymm10 <- the quotient, ymm12 <- what column i is worth in column i + 1 */
#define QUAD_QUOTIENT(r0) \
    "vpmuludq %%ymm14, %%ymm" #r0 ", %%ymm10\n\t" \
    "vpand %%ymm13, %%ymm10, %%ymm10\n\t" \
    "vpmuludq %%ymm15, %%ymm10, %%ymm12\n\t" \
    "vpaddq %%ymm12, %%ymm" #r0 ", %%ymm12\n\t" \
    "vpsrlq $29, %%ymm12, %%ymm12\n\t"
#define QUAD_FOLD(r1, r2, r3, r4, r5, r6, r7, r8) \
    QUAD_ADD_MODULUS(1, r1) \
    "vpaddq %%ymm12, %%ymm" #r1 ", %%ymm" #r1 "\n\t" \
    QUAD_ADD_MODULUS(2, r2) QUAD_ADD_MODULUS(3, r3) QUAD_ADD_MODULUS(4, r4) QUAD_ADD_MODULUS(5, r5) \
    QUAD_ADD_MODULUS(6, r6) QUAD_ADD_MODULUS(7, r7) QUAD_ADD_MODULUS(8, r8)
#define QUAD_MORE(r)               "vpaddq 32*" #r "(%[add]), %%ymm" #r ", %%ymm" #r "\n\t"
#define QUAD_FIRST(a, b) \
    QUAD_LOAD(b, 0) QUAD_SET(a, 0, 0) QUAD_SET(a, 1, 1) QUAD_SET(a, 2, 2) QUAD_SET(a, 3, 3) QUAD_SET(a, 4, 4) \
    QUAD_SET(a, 5, 5) QUAD_SET(a, 6, 6) QUAD_SET(a, 7, 7) QUAD_SET(a, 8, 8)
#define QUAD_ROW(a, r1, r2, r3, r4, r5, r6, r7) \
    QUAD_ADD(a, 1, r1) QUAD_ADD(a, 2, r2) QUAD_ADD(a, 3, r3) QUAD_ADD(a, 4, r4) QUAD_ADD(a, 5, r5) \
    QUAD_ADD(a, 6, r6) QUAD_ADD(a, 7, r7)
#define QUAD_CARRY(r0, r1) \
    "vpsrlq $29, %%ymm" #r0 ", %%ymm11\n\t" \
    "vpand %%ymm13, %%ymm" #r0 ", %%ymm" #r0 "\n\t" \
    "vpaddq %%ymm11, %%ymm" #r1 ", %%ymm" #r1 "\n\t" \
    "vmovdqu %%ymm" #r0 ", 32*" #r0 "(%[out])\n\t"
#define QUAD_START \
    "vmovdqu 32*9(%[m]), %%ymm13\n\t" \
    "vmovdqu 32*10(%[m]), %%ymm14\n\t" \
    "vmovdqu (%[m]), %%ymm15\n\t"
#define QUAD_END \
    QUAD_CARRY(0, 1) QUAD_CARRY(1, 2) QUAD_CARRY(2, 3) QUAD_CARRY(3, 4) QUAD_CARRY(4, 5) QUAD_CARRY(5, 6) \
    QUAD_CARRY(6, 7) \
    "vpsrlq $29, %%ymm7, %%ymm8\n\t" \
    "vpand %%ymm13, %%ymm7, %%ymm7\n\t" \
    "vmovdqu %%ymm7, 32*7(%[out])\n\t" \
    "vmovdqu %%ymm8, 32*8(%[out])\n\t"
#define QUAD_CLOBBERS \
    "memory", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", \
        "xmm12", "xmm13", "xmm14", "xmm15"
/* clang-format on */
#define QUAD_CONSTANTS [m] "r"(FP_QUAD_TABLE)

void fp4_mul(fp4 *out, const fp4 *a, const fp4 *b)
{
    ZKN_ASSERT(fp4_is_below(a, QUAD_BITS) && fp4_is_below(b, 31));
    /* clang-format off */
    __asm__ volatile(
        QUAD_START
        QUAD_FIRST(a, b)
        QUAD_QUOTIENT(0) QUAD_LOAD(b, 1) QUAD_ADD(a, 0, 1)
        QUAD_FOLD(1, 2, 3, 4, 5, 6, 7, 8)
        QUAD_QUOTIENT(1) QUAD_ROW(a, 2, 3, 4, 5, 6, 7, 8) QUAD_SET(a, 8, 0) QUAD_LOAD(b, 2) QUAD_ADD(a, 0, 2)
        QUAD_FOLD(2, 3, 4, 5, 6, 7, 8, 0)
        QUAD_QUOTIENT(2) QUAD_ROW(a, 3, 4, 5, 6, 7, 8, 0) QUAD_SET(a, 8, 1) QUAD_LOAD(b, 3) QUAD_ADD(a, 0, 3)
        QUAD_FOLD(3, 4, 5, 6, 7, 8, 0, 1)
        QUAD_QUOTIENT(3) QUAD_ROW(a, 4, 5, 6, 7, 8, 0, 1) QUAD_SET(a, 8, 2) QUAD_LOAD(b, 4) QUAD_ADD(a, 0, 4)
        QUAD_FOLD(4, 5, 6, 7, 8, 0, 1, 2)
        QUAD_QUOTIENT(4) QUAD_ROW(a, 5, 6, 7, 8, 0, 1, 2) QUAD_SET(a, 8, 3) QUAD_LOAD(b, 5) QUAD_ADD(a, 0, 5)
        QUAD_FOLD(5, 6, 7, 8, 0, 1, 2, 3)
        QUAD_QUOTIENT(5) QUAD_ROW(a, 6, 7, 8, 0, 1, 2, 3) QUAD_SET(a, 8, 4) QUAD_LOAD(b, 6) QUAD_ADD(a, 0, 6)
        QUAD_FOLD(6, 7, 8, 0, 1, 2, 3, 4)
        QUAD_QUOTIENT(6) QUAD_ROW(a, 7, 8, 0, 1, 2, 3, 4) QUAD_SET(a, 8, 5) QUAD_LOAD(b, 7) QUAD_ADD(a, 0, 7)
        QUAD_FOLD(7, 8, 0, 1, 2, 3, 4, 5)
        QUAD_QUOTIENT(7) QUAD_ROW(a, 8, 0, 1, 2, 3, 4, 5) QUAD_SET(a, 8, 6) QUAD_LOAD(b, 8) QUAD_ADD(a, 0, 8)
        QUAD_FOLD(8, 0, 1, 2, 3, 4, 5, 6)
        QUAD_QUOTIENT(8) QUAD_ROW(a, 0, 1, 2, 3, 4, 5, 6) QUAD_SET(a, 8, 7)
        QUAD_FOLD(0, 1, 2, 3, 4, 5, 6, 7)
        QUAD_END
        :
        : [out] "r"(out), [a] "r"(a), [b] "r"(b), QUAD_CONSTANTS
        : QUAD_CLOBBERS);
    /* clang-format on */
}

/* Products of unequal limbs once, by twice the limb. */
void fp4_sqr(fp4 *out, const fp4 *a)
{
    ZKN_ASSERT(fp4_is_below(a, QUAD_BITS));
    /* clang-format off */
    __asm__ volatile(
        QUAD_START
        QUAD_LOAD(a, 0) QUAD_SET(a, 0, 0) QUAD_DOUBLE QUAD_SET(a, 1, 1) QUAD_SET(a, 2, 2) QUAD_SET(a, 3, 3) QUAD_SET(a, 4, 4) QUAD_SET(a, 5, 5) QUAD_SET(a, 6, 6) QUAD_SET(a, 7, 7) QUAD_SET(a, 8, 8) QUAD_QUOTIENT(0)
        QUAD_FOLD(1, 2, 3, 4, 5, 6, 7, 8)
        QUAD_QUOTIENT(1) QUAD_LOAD(a, 1) QUAD_ADD(a, 1, 2) QUAD_DOUBLE QUAD_ADD(a, 2, 3) QUAD_ADD(a, 3, 4) QUAD_ADD(a, 4, 5) QUAD_ADD(a, 5, 6) QUAD_ADD(a, 6, 7) QUAD_ADD(a, 7, 8) QUAD_SET(a, 8, 0)
        QUAD_FOLD(2, 3, 4, 5, 6, 7, 8, 0)
        QUAD_QUOTIENT(2) QUAD_LOAD(a, 2) QUAD_ADD(a, 2, 4) QUAD_DOUBLE QUAD_ADD(a, 3, 5) QUAD_ADD(a, 4, 6) QUAD_ADD(a, 5, 7) QUAD_ADD(a, 6, 8) QUAD_ADD(a, 7, 0) QUAD_SET(a, 8, 1)
        QUAD_FOLD(3, 4, 5, 6, 7, 8, 0, 1)
        QUAD_QUOTIENT(3) QUAD_LOAD(a, 3) QUAD_ADD(a, 3, 6) QUAD_DOUBLE QUAD_ADD(a, 4, 7) QUAD_ADD(a, 5, 8) QUAD_ADD(a, 6, 0) QUAD_ADD(a, 7, 1) QUAD_SET(a, 8, 2)
        QUAD_FOLD(4, 5, 6, 7, 8, 0, 1, 2)
        QUAD_QUOTIENT(4) QUAD_LOAD(a, 4) QUAD_ADD(a, 4, 8) QUAD_DOUBLE QUAD_ADD(a, 5, 0) QUAD_ADD(a, 6, 1) QUAD_ADD(a, 7, 2) QUAD_SET(a, 8, 3)
        QUAD_FOLD(5, 6, 7, 8, 0, 1, 2, 3)
        QUAD_QUOTIENT(5) QUAD_LOAD(a, 5) QUAD_ADD(a, 5, 1) QUAD_DOUBLE QUAD_ADD(a, 6, 2) QUAD_ADD(a, 7, 3) QUAD_SET(a, 8, 4)
        QUAD_FOLD(6, 7, 8, 0, 1, 2, 3, 4)
        QUAD_QUOTIENT(6) QUAD_LOAD(a, 6) QUAD_ADD(a, 6, 3) QUAD_DOUBLE QUAD_ADD(a, 7, 4) QUAD_SET(a, 8, 5)
        QUAD_FOLD(7, 8, 0, 1, 2, 3, 4, 5)
        QUAD_QUOTIENT(7) QUAD_LOAD(a, 7) QUAD_ADD(a, 7, 5) QUAD_DOUBLE QUAD_SET(a, 8, 6)
        QUAD_FOLD(8, 0, 1, 2, 3, 4, 5, 6)
        QUAD_QUOTIENT(8) QUAD_LOAD(a, 8) QUAD_SET(a, 8, 7)
        QUAD_FOLD(0, 1, 2, 3, 4, 5, 6, 7)
        QUAD_END
        :
        : [out] "r"(out), [a] "r"(a), QUAD_CONSTANTS
        : QUAD_CLOBBERS);
    /* clang-format on */
}

void fp4_mul_two(fp4 *out, const fp4 *a, const fp4 *b, const fp4 *c, const fp4 *d)
{
    ZKN_ASSERT(fp4_is_below(a, QUAD_BITS) && fp4_is_below(b, QUAD_BITS));
    ZKN_ASSERT(fp4_is_below(c, QUAD_BITS) && fp4_is_below(d, 30));
    /* clang-format off */
    __asm__ volatile(
        QUAD_START
        QUAD_FIRST(a, b) QUAD_LOAD(d, 0) QUAD_ADD(c, 0, 0) QUAD_ROW(c, 1, 2, 3, 4, 5, 6, 7) QUAD_ADD(c, 8, 8)
        QUAD_QUOTIENT(0) QUAD_LOAD(b, 1) QUAD_ADD(a, 0, 1) QUAD_LOAD(d, 1) QUAD_ADD(c, 0, 1)
        QUAD_FOLD(1, 2, 3, 4, 5, 6, 7, 8)
        QUAD_QUOTIENT(1) QUAD_ROW(c, 2, 3, 4, 5, 6, 7, 8) QUAD_SET(c, 8, 0)
        QUAD_LOAD(b, 1) QUAD_ROW(a, 2, 3, 4, 5, 6, 7, 8) QUAD_ADD(a, 8, 0)
        QUAD_LOAD(b, 2) QUAD_ADD(a, 0, 2) QUAD_LOAD(d, 2) QUAD_ADD(c, 0, 2)
        QUAD_FOLD(2, 3, 4, 5, 6, 7, 8, 0)
        QUAD_QUOTIENT(2) QUAD_ROW(c, 3, 4, 5, 6, 7, 8, 0) QUAD_SET(c, 8, 1)
        QUAD_LOAD(b, 2) QUAD_ROW(a, 3, 4, 5, 6, 7, 8, 0) QUAD_ADD(a, 8, 1)
        QUAD_LOAD(b, 3) QUAD_ADD(a, 0, 3) QUAD_LOAD(d, 3) QUAD_ADD(c, 0, 3)
        QUAD_FOLD(3, 4, 5, 6, 7, 8, 0, 1)
        QUAD_QUOTIENT(3) QUAD_ROW(c, 4, 5, 6, 7, 8, 0, 1) QUAD_SET(c, 8, 2)
        QUAD_LOAD(b, 3) QUAD_ROW(a, 4, 5, 6, 7, 8, 0, 1) QUAD_ADD(a, 8, 2)
        QUAD_LOAD(b, 4) QUAD_ADD(a, 0, 4) QUAD_LOAD(d, 4) QUAD_ADD(c, 0, 4)
        QUAD_FOLD(4, 5, 6, 7, 8, 0, 1, 2)
        QUAD_QUOTIENT(4) QUAD_ROW(c, 5, 6, 7, 8, 0, 1, 2) QUAD_SET(c, 8, 3)
        QUAD_LOAD(b, 4) QUAD_ROW(a, 5, 6, 7, 8, 0, 1, 2) QUAD_ADD(a, 8, 3)
        QUAD_LOAD(b, 5) QUAD_ADD(a, 0, 5) QUAD_LOAD(d, 5) QUAD_ADD(c, 0, 5)
        QUAD_FOLD(5, 6, 7, 8, 0, 1, 2, 3)
        QUAD_QUOTIENT(5) QUAD_ROW(c, 6, 7, 8, 0, 1, 2, 3) QUAD_SET(c, 8, 4)
        QUAD_LOAD(b, 5) QUAD_ROW(a, 6, 7, 8, 0, 1, 2, 3) QUAD_ADD(a, 8, 4)
        QUAD_LOAD(b, 6) QUAD_ADD(a, 0, 6) QUAD_LOAD(d, 6) QUAD_ADD(c, 0, 6)
        QUAD_FOLD(6, 7, 8, 0, 1, 2, 3, 4)
        QUAD_QUOTIENT(6) QUAD_ROW(c, 7, 8, 0, 1, 2, 3, 4) QUAD_SET(c, 8, 5)
        QUAD_LOAD(b, 6) QUAD_ROW(a, 7, 8, 0, 1, 2, 3, 4) QUAD_ADD(a, 8, 5)
        QUAD_LOAD(b, 7) QUAD_ADD(a, 0, 7) QUAD_LOAD(d, 7) QUAD_ADD(c, 0, 7)
        QUAD_FOLD(7, 8, 0, 1, 2, 3, 4, 5)
        QUAD_QUOTIENT(7) QUAD_ROW(c, 8, 0, 1, 2, 3, 4, 5) QUAD_SET(c, 8, 6)
        QUAD_LOAD(b, 7) QUAD_ROW(a, 8, 0, 1, 2, 3, 4, 5) QUAD_ADD(a, 8, 6)
        QUAD_LOAD(b, 8) QUAD_ADD(a, 0, 8) QUAD_LOAD(d, 8) QUAD_ADD(c, 0, 8)
        QUAD_FOLD(8, 0, 1, 2, 3, 4, 5, 6)
        QUAD_QUOTIENT(8) QUAD_ROW(c, 0, 1, 2, 3, 4, 5, 6) QUAD_SET(c, 8, 7)
        QUAD_LOAD(b, 8) QUAD_ROW(a, 0, 1, 2, 3, 4, 5, 6) QUAD_ADD(a, 8, 7)

        QUAD_FOLD(0, 1, 2, 3, 4, 5, 6, 7)
        QUAD_END
        :
        : [out] "r"(out), [a] "r"(a), [b] "r"(b), [c] "r"(c), [d] "r"(d), QUAD_CONSTANTS
        : QUAD_CLOBBERS);
    /* clang-format on */
}

void fp4_add_four(fp4 *out, const fp4 *add, const fp4 *a, const fp4 *b, const fp4 *c, const fp4 *d,
                  const fp4 *e, const fp4 *f, const fp4 *g, const fp4 *h)
{
    ZKN_ASSERT(fp4_is_below(a, QUAD_BITS) && fp4_is_below(b, QUAD_BITS) && fp4_is_below(c, QUAD_BITS));
    ZKN_ASSERT(fp4_is_below(d, QUAD_BITS) && fp4_is_below(e, QUAD_BITS) && fp4_is_below(f, QUAD_BITS));
    ZKN_ASSERT(fp4_is_below(g, QUAD_BITS) && fp4_is_below(h, QUAD_BITS) && fp4_is_below(add, QUAD_BITS));
    /* clang-format off */
    __asm__ volatile(
        QUAD_START
        QUAD_FIRST(a, b) QUAD_LOAD(d, 0) QUAD_ADD(c, 0, 0) QUAD_ROW(c, 1, 2, 3, 4, 5, 6, 7) QUAD_ADD(c, 8, 8)
        QUAD_LOAD(f, 0) QUAD_ADD(e, 0, 0) QUAD_ROW(e, 1, 2, 3, 4, 5, 6, 7) QUAD_ADD(e, 8, 8)
        QUAD_LOAD(h, 0) QUAD_ADD(g, 0, 0) QUAD_ROW(g, 1, 2, 3, 4, 5, 6, 7) QUAD_ADD(g, 8, 8)
        QUAD_QUOTIENT(0) QUAD_LOAD(b, 1) QUAD_ADD(a, 0, 1) QUAD_LOAD(d, 1) QUAD_ADD(c, 0, 1) QUAD_LOAD(f, 1) QUAD_ADD(e, 0, 1) QUAD_LOAD(h, 1) QUAD_ADD(g, 0, 1)
        QUAD_FOLD(1, 2, 3, 4, 5, 6, 7, 8)
        QUAD_QUOTIENT(1) QUAD_ROW(g, 2, 3, 4, 5, 6, 7, 8) QUAD_SET(g, 8, 0)
        QUAD_LOAD(f, 1) QUAD_ROW(e, 2, 3, 4, 5, 6, 7, 8) QUAD_ADD(e, 8, 0)
        QUAD_LOAD(d, 1) QUAD_ROW(c, 2, 3, 4, 5, 6, 7, 8) QUAD_ADD(c, 8, 0)
        QUAD_LOAD(b, 1) QUAD_ROW(a, 2, 3, 4, 5, 6, 7, 8) QUAD_ADD(a, 8, 0)
        QUAD_LOAD(b, 2) QUAD_ADD(a, 0, 2) QUAD_LOAD(d, 2) QUAD_ADD(c, 0, 2) QUAD_LOAD(f, 2) QUAD_ADD(e, 0, 2) QUAD_LOAD(h, 2) QUAD_ADD(g, 0, 2)
        QUAD_FOLD(2, 3, 4, 5, 6, 7, 8, 0)
        QUAD_QUOTIENT(2) QUAD_ROW(g, 3, 4, 5, 6, 7, 8, 0) QUAD_SET(g, 8, 1)
        QUAD_LOAD(f, 2) QUAD_ROW(e, 3, 4, 5, 6, 7, 8, 0) QUAD_ADD(e, 8, 1)
        QUAD_LOAD(d, 2) QUAD_ROW(c, 3, 4, 5, 6, 7, 8, 0) QUAD_ADD(c, 8, 1)
        QUAD_LOAD(b, 2) QUAD_ROW(a, 3, 4, 5, 6, 7, 8, 0) QUAD_ADD(a, 8, 1)
        QUAD_LOAD(b, 3) QUAD_ADD(a, 0, 3) QUAD_LOAD(d, 3) QUAD_ADD(c, 0, 3) QUAD_LOAD(f, 3) QUAD_ADD(e, 0, 3) QUAD_LOAD(h, 3) QUAD_ADD(g, 0, 3)
        QUAD_FOLD(3, 4, 5, 6, 7, 8, 0, 1)
        QUAD_QUOTIENT(3) QUAD_ROW(g, 4, 5, 6, 7, 8, 0, 1) QUAD_SET(g, 8, 2)
        QUAD_LOAD(f, 3) QUAD_ROW(e, 4, 5, 6, 7, 8, 0, 1) QUAD_ADD(e, 8, 2)
        QUAD_LOAD(d, 3) QUAD_ROW(c, 4, 5, 6, 7, 8, 0, 1) QUAD_ADD(c, 8, 2)
        QUAD_LOAD(b, 3) QUAD_ROW(a, 4, 5, 6, 7, 8, 0, 1) QUAD_ADD(a, 8, 2)
        QUAD_LOAD(b, 4) QUAD_ADD(a, 0, 4) QUAD_LOAD(d, 4) QUAD_ADD(c, 0, 4) QUAD_LOAD(f, 4) QUAD_ADD(e, 0, 4) QUAD_LOAD(h, 4) QUAD_ADD(g, 0, 4)
        QUAD_FOLD(4, 5, 6, 7, 8, 0, 1, 2)
        QUAD_QUOTIENT(4) QUAD_ROW(g, 5, 6, 7, 8, 0, 1, 2) QUAD_SET(g, 8, 3)
        QUAD_LOAD(f, 4) QUAD_ROW(e, 5, 6, 7, 8, 0, 1, 2) QUAD_ADD(e, 8, 3)
        QUAD_LOAD(d, 4) QUAD_ROW(c, 5, 6, 7, 8, 0, 1, 2) QUAD_ADD(c, 8, 3)
        QUAD_LOAD(b, 4) QUAD_ROW(a, 5, 6, 7, 8, 0, 1, 2) QUAD_ADD(a, 8, 3)
        QUAD_LOAD(b, 5) QUAD_ADD(a, 0, 5) QUAD_LOAD(d, 5) QUAD_ADD(c, 0, 5) QUAD_LOAD(f, 5) QUAD_ADD(e, 0, 5) QUAD_LOAD(h, 5) QUAD_ADD(g, 0, 5)
        QUAD_FOLD(5, 6, 7, 8, 0, 1, 2, 3)
        QUAD_QUOTIENT(5) QUAD_ROW(g, 6, 7, 8, 0, 1, 2, 3) QUAD_SET(g, 8, 4)
        QUAD_LOAD(f, 5) QUAD_ROW(e, 6, 7, 8, 0, 1, 2, 3) QUAD_ADD(e, 8, 4)
        QUAD_LOAD(d, 5) QUAD_ROW(c, 6, 7, 8, 0, 1, 2, 3) QUAD_ADD(c, 8, 4)
        QUAD_LOAD(b, 5) QUAD_ROW(a, 6, 7, 8, 0, 1, 2, 3) QUAD_ADD(a, 8, 4)
        QUAD_LOAD(b, 6) QUAD_ADD(a, 0, 6) QUAD_LOAD(d, 6) QUAD_ADD(c, 0, 6) QUAD_LOAD(f, 6) QUAD_ADD(e, 0, 6) QUAD_LOAD(h, 6) QUAD_ADD(g, 0, 6)
        QUAD_FOLD(6, 7, 8, 0, 1, 2, 3, 4)
        QUAD_QUOTIENT(6) QUAD_ROW(g, 7, 8, 0, 1, 2, 3, 4) QUAD_SET(g, 8, 5)
        QUAD_LOAD(f, 6) QUAD_ROW(e, 7, 8, 0, 1, 2, 3, 4) QUAD_ADD(e, 8, 5)
        QUAD_LOAD(d, 6) QUAD_ROW(c, 7, 8, 0, 1, 2, 3, 4) QUAD_ADD(c, 8, 5)
        QUAD_LOAD(b, 6) QUAD_ROW(a, 7, 8, 0, 1, 2, 3, 4) QUAD_ADD(a, 8, 5)
        QUAD_LOAD(b, 7) QUAD_ADD(a, 0, 7) QUAD_LOAD(d, 7) QUAD_ADD(c, 0, 7) QUAD_LOAD(f, 7) QUAD_ADD(e, 0, 7) QUAD_LOAD(h, 7) QUAD_ADD(g, 0, 7)
        QUAD_FOLD(7, 8, 0, 1, 2, 3, 4, 5)
        QUAD_QUOTIENT(7) QUAD_ROW(g, 8, 0, 1, 2, 3, 4, 5) QUAD_SET(g, 8, 6)
        QUAD_LOAD(f, 7) QUAD_ROW(e, 8, 0, 1, 2, 3, 4, 5) QUAD_ADD(e, 8, 6)
        QUAD_LOAD(d, 7) QUAD_ROW(c, 8, 0, 1, 2, 3, 4, 5) QUAD_ADD(c, 8, 6)
        QUAD_LOAD(b, 7) QUAD_ROW(a, 8, 0, 1, 2, 3, 4, 5) QUAD_ADD(a, 8, 6)
        QUAD_LOAD(b, 8) QUAD_ADD(a, 0, 8) QUAD_LOAD(d, 8) QUAD_ADD(c, 0, 8) QUAD_LOAD(f, 8) QUAD_ADD(e, 0, 8) QUAD_LOAD(h, 8) QUAD_ADD(g, 0, 8)
        QUAD_FOLD(8, 0, 1, 2, 3, 4, 5, 6)
        QUAD_QUOTIENT(8) QUAD_ROW(g, 0, 1, 2, 3, 4, 5, 6) QUAD_SET(g, 8, 7)
        QUAD_LOAD(f, 8) QUAD_ROW(e, 0, 1, 2, 3, 4, 5, 6) QUAD_ADD(e, 8, 7)
        QUAD_LOAD(d, 8) QUAD_ROW(c, 0, 1, 2, 3, 4, 5, 6) QUAD_ADD(c, 8, 7)
        QUAD_LOAD(b, 8) QUAD_ROW(a, 0, 1, 2, 3, 4, 5, 6) QUAD_ADD(a, 8, 7)

        QUAD_FOLD(0, 1, 2, 3, 4, 5, 6, 7)
        QUAD_MORE(0) QUAD_MORE(1) QUAD_MORE(2) QUAD_MORE(3) QUAD_MORE(4) QUAD_MORE(5) QUAD_MORE(6) QUAD_MORE(7)
        QUAD_END
        QUAD_MORE(8)
        "vmovdqu %%ymm8, 32*8(%[out])\n\t"
        :
        : [out] "r"(out), [add] "r"(add), [a] "r"(a), [b] "r"(b), [c] "r"(c), [d] "r"(d), [e] "r"(e), [f] "r"(f),
          [g] "r"(g), [h] "r"(h), QUAD_CONSTANTS
        : QUAD_CLOBBERS);
    /* clang-format on */
}

#endif
