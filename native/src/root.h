/* Square roots in Fp and Fp2 for p = 3 mod 4. Variable time. */
#ifndef ZKN_ROOT_H
#define ZKN_ROOT_H

#include "group.h"

/* Elements side by side, and the fewest for which that takes less time than one by one. */
#if ZKN_PATH_IFMA
enum { ZKN_ROOTS = 8, ZKN_ROOTS_WORTH = 2 };
#else
enum { ZKN_ROOTS = 4, ZKN_ROOTS_WORTH = 3 };
#endif

/* out <- a^((p - 3)/4): if a is a square its product with a is a root of it, else of -a. */
void fp_root_power(zkn_fp *out, const zkn_fp *a);
/* out[i] <- the same power of a[i]; out may be a. */
void fp_root_power_many(zkn_fp out[ZKN_ROOTS], const zkn_fp a[ZKN_ROOTS]);
/* The same of n <= ZKN_ROOTS elements. */
void fp_root_powers(zkn_fp *out, const zkn_fp *a, size_t n);
/* 1, with a root of a in *out, or 0 if there is none; out may be a. */
int fp_sqrt(zkn_fp *out, const zkn_fp *a);
int fp2_sqrt(zkn_fp2 *out, const zkn_fp2 *a);
/* The same for n <= ZKN_ROOTS elements, in lanes where there are any; found[i] is what each would return. */
void fp_sqrt_many(zkn_fp *out, int *found, const zkn_fp *a, size_t n);
void fp2_sqrt_many(zkn_fp2 *out, int *found, const zkn_fp2 *a, size_t n);
/* Roots of n <= ZKN_ROOTS elements, which have some; roots_of_norms are of c0^2 + c1^2 of each. out may be a. */
void fp2_sqrt_with_norms(zkn_fp2 *out, const zkn_fp2 *a, const zkn_fp *roots_of_norms, size_t n);
/* out <- c0^2 + c1^2 */
void fp2_norm(zkn_fp *out, const zkn_fp2 *a);

#endif
