/* The products of fourteen limbs that quad_field.h declares, in assembly as those of nine in quad_field.c.
 *
 * Step i adds a b_i to fourteen columns, of which ymm((i + j) % 14) holds column i + j, and then the multiple of m that makes
 * column i divisible by 2^28; its quotient goes to column i + 1, and its register to column i + 14. Columns leave registers
 * for one factor and one product alone, so a step waits for its quotient while the next one's products, which do not, are
 * already taken: the processor renames registers. */
#include "path.h"

#if ZKN_PATH_ADX

#include "quad_field.h"

/* clang-format off */
#define QUAD_LOAD(from, i)         "vmovdqu 32*" #i "(%[" #from "]), %%ymm14\n\t"
#define QUAD_ADD(from, j, r)       "vpmuludq 32*" #j "(%[" #from "]), %%ymm14, %%ymm15\n\t" \
                                   "vpaddq %%ymm15, %%ymm" #r ", %%ymm" #r "\n\t"
#define QUAD_SET(from, j, r)       "vpmuludq 32*" #j "(%[" #from "]), %%ymm14, %%ymm" #r "\n\t"
#define QUAD_DOUBLE                "vpaddq %%ymm14, %%ymm14, %%ymm14\n\t"
/* ymm14 <- the quotient of column i, which then holds what it is worth in column i + 1 */
#define QUAD_FOLD(r0, r1, r2, r3, r4, r5, r6, r7, r8, r9, r10, r11, r12, r13) \
    "vpmuludq 32*15(%[m]), %%ymm" #r0 ", %%ymm14\n\t" \
    "vpand 32*14(%[m]), %%ymm14, %%ymm14\n\t" \
    QUAD_ADD(m, 0, r0) \
    "vpsrlq $28, %%ymm" #r0 ", %%ymm" #r0 "\n\t" \
    QUAD_ADD(m, 1, r1) \
    "vpaddq %%ymm" #r0 ", %%ymm" #r1 ", %%ymm" #r1 "\n\t" \
    QUAD_ADD(m, 2, r2) QUAD_ADD(m, 3, r3) QUAD_ADD(m, 4, r4) QUAD_ADD(m, 5, r5) QUAD_ADD(m, 6, r6) \
    QUAD_ADD(m, 7, r7) QUAD_ADD(m, 8, r8) QUAD_ADD(m, 9, r9) QUAD_ADD(m, 10, r10) QUAD_ADD(m, 11, r11) \
    QUAD_ADD(m, 12, r12) QUAD_ADD(m, 13, r13)
#define QUAD_ROW(i, r0, r1, r2, r3, r4, r5, r6, r7, r8, r9, r10, r11, r12, r13) \
    QUAD_LOAD(b, i) QUAD_ADD(a, 0, r0) QUAD_ADD(a, 1, r1) QUAD_ADD(a, 2, r2) QUAD_ADD(a, 3, r3) QUAD_ADD(a, 4, r4) \
    QUAD_ADD(a, 5, r5) QUAD_ADD(a, 6, r6) QUAD_ADD(a, 7, r7) QUAD_ADD(a, 8, r8) QUAD_ADD(a, 9, r9) \
    QUAD_ADD(a, 10, r10) QUAD_ADD(a, 11, r11) QUAD_ADD(a, 12, r12) QUAD_SET(a, 13, r13)
#define QUAD_CARRY(r0, r1) \
    "vpsrlq $28, %%ymm" #r0 ", %%ymm15\n\t" \
    "vpand %%ymm14, %%ymm" #r0 ", %%ymm" #r0 "\n\t" \
    "vpaddq %%ymm15, %%ymm" #r1 ", %%ymm" #r1 "\n\t" \
    "vmovdqu %%ymm" #r0 ", 32*" #r0 "(%[out])\n\t"
#define QUAD_END \
    QUAD_LOAD(m, 14) \
    QUAD_CARRY(0, 1) QUAD_CARRY(1, 2) QUAD_CARRY(2, 3) QUAD_CARRY(3, 4) QUAD_CARRY(4, 5) QUAD_CARRY(5, 6) \
    QUAD_CARRY(6, 7) QUAD_CARRY(7, 8) QUAD_CARRY(8, 9) QUAD_CARRY(9, 10) QUAD_CARRY(10, 11) QUAD_CARRY(11, 12) \
    "vpsrlq $28, %%ymm12, %%ymm15\n\t" \
    "vpand %%ymm14, %%ymm12, %%ymm12\n\t" \
    "vmovdqu %%ymm12, 32*12(%[out])\n\t" \
    "vmovdqu %%ymm15, 32*13(%[out])\n\t"
#define QUAD_CLOBBERS \
    "memory", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", \
        "xmm12", "xmm13", "xmm14", "xmm15"
/* clang-format on */

void fp4_mul(fp4 *out, const fp4 *a, const fp4 *b)
{
    ZKN_ASSERT(fp4_is_below(a, QUAD_BITS) && fp4_is_below(b, 31));
    /* clang-format off */
    __asm__ volatile(
        QUAD_LOAD(b, 0) QUAD_SET(a, 0, 0) QUAD_SET(a, 1, 1) QUAD_SET(a, 2, 2) QUAD_SET(a, 3, 3) QUAD_SET(a, 4, 4) QUAD_SET(a, 5, 5) QUAD_SET(a, 6, 6)
        QUAD_SET(a, 7, 7) QUAD_SET(a, 8, 8) QUAD_SET(a, 9, 9) QUAD_SET(a, 10, 10) QUAD_SET(a, 11, 11) QUAD_SET(a, 12, 12) QUAD_SET(a, 13, 13)
        QUAD_FOLD(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13)
        QUAD_ROW(1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 0)
        QUAD_FOLD(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 0)
        QUAD_ROW(2, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 0, 1)
        QUAD_FOLD(2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 0, 1)
        QUAD_ROW(3, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 0, 1, 2)
        QUAD_FOLD(3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 0, 1, 2)
        QUAD_ROW(4, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 0, 1, 2, 3)
        QUAD_FOLD(4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 0, 1, 2, 3)
        QUAD_ROW(5, 5, 6, 7, 8, 9, 10, 11, 12, 13, 0, 1, 2, 3, 4)
        QUAD_FOLD(5, 6, 7, 8, 9, 10, 11, 12, 13, 0, 1, 2, 3, 4)
        QUAD_ROW(6, 6, 7, 8, 9, 10, 11, 12, 13, 0, 1, 2, 3, 4, 5)
        QUAD_FOLD(6, 7, 8, 9, 10, 11, 12, 13, 0, 1, 2, 3, 4, 5)
        QUAD_ROW(7, 7, 8, 9, 10, 11, 12, 13, 0, 1, 2, 3, 4, 5, 6)
        QUAD_FOLD(7, 8, 9, 10, 11, 12, 13, 0, 1, 2, 3, 4, 5, 6)
        QUAD_ROW(8, 8, 9, 10, 11, 12, 13, 0, 1, 2, 3, 4, 5, 6, 7)
        QUAD_FOLD(8, 9, 10, 11, 12, 13, 0, 1, 2, 3, 4, 5, 6, 7)
        QUAD_ROW(9, 9, 10, 11, 12, 13, 0, 1, 2, 3, 4, 5, 6, 7, 8)
        QUAD_FOLD(9, 10, 11, 12, 13, 0, 1, 2, 3, 4, 5, 6, 7, 8)
        QUAD_ROW(10, 10, 11, 12, 13, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9)
        QUAD_FOLD(10, 11, 12, 13, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9)
        QUAD_ROW(11, 11, 12, 13, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10)
        QUAD_FOLD(11, 12, 13, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10)
        QUAD_ROW(12, 12, 13, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11)
        QUAD_FOLD(12, 13, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11)
        QUAD_ROW(13, 13, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12)
        QUAD_FOLD(13, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12)
        QUAD_END
        :
        : [out] "r"(out), [a] "r"(a), [b] "r"(b), [m] "r"(FP_QUAD_TABLE)
        : QUAD_CLOBBERS);
    /* clang-format on */
}

/* Products of unequal limbs once, by twice the limb. */
void fp4_sqr(fp4 *out, const fp4 *a)
{
    ZKN_ASSERT(fp4_is_below(a, QUAD_BITS));
    /* clang-format off */
    __asm__ volatile(
        QUAD_LOAD(a, 0) QUAD_SET(a, 0, 0) QUAD_DOUBLE QUAD_SET(a, 1, 1) QUAD_SET(a, 2, 2) QUAD_SET(a, 3, 3)
        QUAD_SET(a, 4, 4) QUAD_SET(a, 5, 5) QUAD_SET(a, 6, 6) QUAD_SET(a, 7, 7) QUAD_SET(a, 8, 8) QUAD_SET(a, 9, 9)
        QUAD_SET(a, 10, 10) QUAD_SET(a, 11, 11) QUAD_SET(a, 12, 12) QUAD_SET(a, 13, 13)
        QUAD_FOLD(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13)
        QUAD_LOAD(a, 1) QUAD_ADD(a, 1, 2) QUAD_DOUBLE QUAD_ADD(a, 2, 3) QUAD_ADD(a, 3, 4) QUAD_ADD(a, 4, 5)
        QUAD_ADD(a, 5, 6) QUAD_ADD(a, 6, 7) QUAD_ADD(a, 7, 8) QUAD_ADD(a, 8, 9) QUAD_ADD(a, 9, 10)
        QUAD_ADD(a, 10, 11) QUAD_ADD(a, 11, 12) QUAD_ADD(a, 12, 13) QUAD_SET(a, 13, 0)
        QUAD_FOLD(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 0)
        QUAD_LOAD(a, 2) QUAD_ADD(a, 2, 4) QUAD_DOUBLE QUAD_ADD(a, 3, 5) QUAD_ADD(a, 4, 6) QUAD_ADD(a, 5, 7)
        QUAD_ADD(a, 6, 8) QUAD_ADD(a, 7, 9) QUAD_ADD(a, 8, 10) QUAD_ADD(a, 9, 11) QUAD_ADD(a, 10, 12)
        QUAD_ADD(a, 11, 13) QUAD_ADD(a, 12, 0) QUAD_SET(a, 13, 1)
        QUAD_FOLD(2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 0, 1)
        QUAD_LOAD(a, 3) QUAD_ADD(a, 3, 6) QUAD_DOUBLE QUAD_ADD(a, 4, 7) QUAD_ADD(a, 5, 8) QUAD_ADD(a, 6, 9)
        QUAD_ADD(a, 7, 10) QUAD_ADD(a, 8, 11) QUAD_ADD(a, 9, 12) QUAD_ADD(a, 10, 13) QUAD_ADD(a, 11, 0)
        QUAD_ADD(a, 12, 1) QUAD_SET(a, 13, 2)
        QUAD_FOLD(3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 0, 1, 2)
        QUAD_LOAD(a, 4) QUAD_ADD(a, 4, 8) QUAD_DOUBLE QUAD_ADD(a, 5, 9) QUAD_ADD(a, 6, 10) QUAD_ADD(a, 7, 11)
        QUAD_ADD(a, 8, 12) QUAD_ADD(a, 9, 13) QUAD_ADD(a, 10, 0) QUAD_ADD(a, 11, 1) QUAD_ADD(a, 12, 2)
        QUAD_SET(a, 13, 3)
        QUAD_FOLD(4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 0, 1, 2, 3)
        QUAD_LOAD(a, 5) QUAD_ADD(a, 5, 10) QUAD_DOUBLE QUAD_ADD(a, 6, 11) QUAD_ADD(a, 7, 12) QUAD_ADD(a, 8, 13)
        QUAD_ADD(a, 9, 0) QUAD_ADD(a, 10, 1) QUAD_ADD(a, 11, 2) QUAD_ADD(a, 12, 3) QUAD_SET(a, 13, 4)
        QUAD_FOLD(5, 6, 7, 8, 9, 10, 11, 12, 13, 0, 1, 2, 3, 4)
        QUAD_LOAD(a, 6) QUAD_ADD(a, 6, 12) QUAD_DOUBLE QUAD_ADD(a, 7, 13) QUAD_ADD(a, 8, 0) QUAD_ADD(a, 9, 1)
        QUAD_ADD(a, 10, 2) QUAD_ADD(a, 11, 3) QUAD_ADD(a, 12, 4) QUAD_SET(a, 13, 5)
        QUAD_FOLD(6, 7, 8, 9, 10, 11, 12, 13, 0, 1, 2, 3, 4, 5)
        QUAD_LOAD(a, 7) QUAD_ADD(a, 7, 0) QUAD_DOUBLE QUAD_ADD(a, 8, 1) QUAD_ADD(a, 9, 2) QUAD_ADD(a, 10, 3)
        QUAD_ADD(a, 11, 4) QUAD_ADD(a, 12, 5) QUAD_SET(a, 13, 6)
        QUAD_FOLD(7, 8, 9, 10, 11, 12, 13, 0, 1, 2, 3, 4, 5, 6)
        QUAD_LOAD(a, 8) QUAD_ADD(a, 8, 2) QUAD_DOUBLE QUAD_ADD(a, 9, 3) QUAD_ADD(a, 10, 4) QUAD_ADD(a, 11, 5)
        QUAD_ADD(a, 12, 6) QUAD_SET(a, 13, 7)
        QUAD_FOLD(8, 9, 10, 11, 12, 13, 0, 1, 2, 3, 4, 5, 6, 7)
        QUAD_LOAD(a, 9) QUAD_ADD(a, 9, 4) QUAD_DOUBLE QUAD_ADD(a, 10, 5) QUAD_ADD(a, 11, 6) QUAD_ADD(a, 12, 7)
        QUAD_SET(a, 13, 8)
        QUAD_FOLD(9, 10, 11, 12, 13, 0, 1, 2, 3, 4, 5, 6, 7, 8)
        QUAD_LOAD(a, 10) QUAD_ADD(a, 10, 6) QUAD_DOUBLE QUAD_ADD(a, 11, 7) QUAD_ADD(a, 12, 8) QUAD_SET(a, 13, 9)
        QUAD_FOLD(10, 11, 12, 13, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9)
        QUAD_LOAD(a, 11) QUAD_ADD(a, 11, 8) QUAD_DOUBLE QUAD_ADD(a, 12, 9) QUAD_SET(a, 13, 10)
        QUAD_FOLD(11, 12, 13, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10)
        QUAD_LOAD(a, 12) QUAD_ADD(a, 12, 10) QUAD_DOUBLE QUAD_SET(a, 13, 11)
        QUAD_FOLD(12, 13, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11)
        QUAD_LOAD(a, 13) QUAD_SET(a, 13, 12)
        QUAD_FOLD(13, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12)
        QUAD_END
        :
        : [out] "r"(out), [a] "r"(a), [m] "r"(FP_QUAD_TABLE)
        : QUAD_CLOBBERS);
    /* clang-format on */
}

#endif
