/* Powers of Fp side by side, for square roots of many elements. */
#include "path.h"

#if ZKN_LANES_OF_G1

/* before the function is declared: its declaration carries the instructions that are switched on */
#include "lane_points.h"

#include "root.h"

#define LF(name) ZKN_CAT(LANE_FP, name)

void fp_root_power_many(zkn_fp out[ZKN_ROOTS], const zkn_fp a[ZKN_ROOTS])
{
    _Static_assert((int)LANES == (int)ZKN_ROOTS, "a power in each lane");
    enum { WINDOW = 4 };
    const uint64_t *from[LANES];
    uint64_t *to[LANES];
    lane_word words[FP_LIMBS];
    LANE_FP powers[1 << WINDOW], result;
    for (int i = 0; i < LANES; i++) from[i] = a[i].l, to[i] = out[i].l;
    lane_gather_fp(words, from, 0);
    LF(_one)(&powers[0]);
    LF(_enter)(&powers[1], words);
    for (int i = 2; i < 1 << WINDOW; i++) LF(_mul)(&powers[i], &powers[i - 1], &powers[1]);
    LF(_one)(&result);
    for (int i = 64 * FP_LIMBS - WINDOW; i >= 0; i -= WINDOW) {
        for (int k = 0; k < WINDOW; k++) LF(_sqr)(&result, &result);
        const unsigned digit = (unsigned)(FP_ROOT_EXPONENT[i / 64] >> i % 64) & ((1U << WINDOW) - 1);
        if (digit) LF(_mul)(&result, &result, &powers[digit]);
    }
    LF(_leave)(words, &result);
    lane_scatter_fp(to, 0, words);
}

#else

#include "root.h"

void fp_root_power_many(zkn_fp out[ZKN_ROOTS], const zkn_fp a[ZKN_ROOTS])
{
    for (int i = 0; i < ZKN_ROOTS; i++) fp_root_power(&out[i], &a[i]);
}

#endif
