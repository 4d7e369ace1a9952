/* The groups of order r: g1_* in E(Fp): y^2 = x^3 + b, b = 3 for BN254 and 4 for BLS12-381; g2_* in E'(Fp2): y^2 =
 * x^3 + b/xi for BN254, x^3 + b xi for BLS12-381. */
#ifndef ZKN_GROUP_H
#define ZKN_GROUP_H

#include "tower.h"

#define GROUP      g1
#define COORD      fp
#define COORD_TYPE zkn_fp
#define GROUP_AFF  zkn_g1_aff
#define GROUP_JAC  zkn_g1_jac
#define GROUP_B    FP_CURVE_B
#include "group_template.h"

#define GROUP      g2
#define COORD      fp2
#define COORD_TYPE zkn_fp2
#define GROUP_AFF  zkn_g2_aff
#define GROUP_JAC  zkn_g2_jac
#define GROUP_B    FP2_TWIST_B
#include "group_template.h"

/* out <- psi(a): untwist, Frobenius, twist. On the subgroup it multiplies by p. */
void g2_psi(zkn_g2_aff *out, const zkn_g2_aff *a);
/* out <- psi(a) */
void g2_jac_psi(zkn_g2_jac *out, const zkn_g2_jac *a);
#if ZKN_CURVE_BLS12_381
/* out <- |x| a, by 63 doublings and five sums */
void g1_times_parameter(zkn_g1_jac *out, const zkn_g1_jac *a);
void g2_times_parameter(zkn_g2_jac *out, const zkn_g2_jac *a);
/* out <- 2^times a, in lanes where there are any */
void g2_jac_dbl_times(zkn_g2_jac *out, const zkn_g2_jac *a, unsigned times);
#endif
/* 1 or 0: is a point of the curve in the subgroup of order r? Variable time. */
int g1_is_in_subgroup_vartime(const zkn_g1_aff *a);
/* 1 or 0: is a point of the twist in the subgroup of order r? Variable time. */
int g2_is_in_subgroup_vartime(const zkn_g2_aff *a);

#endif
