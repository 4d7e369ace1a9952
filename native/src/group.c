/* Both groups, from group_template.h, and what G2 has beside: the endomorphism psi and the subgroup check. */
#define GROUP_DEFINE
#include "group.h"

void g2_psi(zkn_g2_aff *out, const zkn_g2_aff *a)
{
    zkn_fp2 t;
    fp2_conj(&t, &a->x);
    fp2_mul(&out->x, &t, &PSI[0]);
    fp2_conj(&t, &a->y);
    fp2_mul(&out->y, &t, &PSI[1]);
}

void g2_jac_psi(zkn_g2_jac *out, const zkn_g2_jac *a)
{
    zkn_fp2 t;
    fp2_conj(&t, &a->X);
    fp2_mul(&out->X, &t, &PSI[0]);
    fp2_conj(&t, &a->Y);
    fp2_mul(&out->Y, &t, &PSI[1]);
    fp2_conj(&out->Z, &a->Z);
}

#if ZKN_CURVE_BLS12_381

void g1_times_parameter(zkn_g1_jac *out, const zkn_g1_jac *a)
{
    const zkn_g1_jac base = *a;
    *out = base;
    for (size_t i = sizeof PARAMETER_DIGITS - 1; i-- > 0;) {
        g1_jac_dbl(out, out);
        if (PARAMETER_DIGITS[i]) g1_jac_add(out, out, &base);
    }
}

void g2_times_parameter(zkn_g2_jac *out, const zkn_g2_jac *a)
{
    const zkn_g2_jac base = *a;
    unsigned doublings = 0;
    *out = base;
    for (size_t i = sizeof PARAMETER_DIGITS - 1; i-- > 0;) {
        doublings++;
        if (PARAMETER_DIGITS[i] == 0 && i > 0) continue;
        g2_jac_dbl_times(out, out, doublings);
        doublings = 0;
        if (PARAMETER_DIGITS[i]) g2_jac_add(out, out, &base);
    }
}

/* lambda = -x^2 acts as (beta x, y) on the subgroup alone, and psi as x (Scott 2021, eprint 2021/1130; that both are
 * exact: El Housni, Guillevic, Piellard 2022, eprint 2022/352; tests/algebra/test_constants.py). */
int g1_is_in_subgroup_vartime(const zkn_g1_aff *a)
{
    zkn_g1_jac left, right;
    zkn_g1_aff image;
    fp_mul(&image.x, &a->x, &FP_CUBE_ROOTS[0]);
    fp_neg(&image.y, &a->y);
    g1_jac_from_aff(&left, &image);
    g1_jac_from_aff(&right, a);
    g1_times_parameter(&right, &right);
    g1_times_parameter(&right, &right);
    return g1_jac_equal(&left, &right);
}

int g2_is_in_subgroup_vartime(const zkn_g2_aff *a)
{
    zkn_g2_jac left, right;
    zkn_g2_aff image;
    g2_psi(&image, a);
    g2_aff_neg(&image, &image);
    g2_jac_from_aff(&left, &image);
    g2_jac_from_aff(&right, a);
    g2_times_parameter(&right, &right);
    return g2_jac_equal(&left, &right);
}

#else

/* The whole curve has order r. */
int g1_is_in_subgroup_vartime(const zkn_g1_aff *a)
{
    (void)a;
    return 1;
}

/* out <- u a */
static void g2_times_parameter(zkn_g2_jac *out, const zkn_g2_aff *a)
{
    g2_jac_zero(out);
    for (size_t i = sizeof PARAMETER_DIGITS; i-- > 0;) {
        g2_jac_dbl(out, out);
        if (PARAMETER_DIGITS[i] == 0) continue;
        zkn_g2_aff signed_a = *a;
        if (PARAMETER_DIGITS[i] < 0) g2_aff_neg(&signed_a, a);
        g2_jac_add_aff(out, out, &signed_a);
    }
}

/* (u+1) Q + psi(u Q) + psi^2(u Q) = psi^3(2 u Q) exactly on the subgroup (Dai, Lin, Zhao, Zhou 2022,
 * eprint 2022/348, section 4.3). tests/algebra/test_constants.py proves it for this curve: the norm of
 * that endomorphism is prime to the cofactor. */
int g2_is_in_subgroup_vartime(const zkn_g2_aff *a)
{
    zkn_g2_jac uq, left, right, t;
    g2_times_parameter(&uq, a);
    g2_jac_add_aff(&left, &uq, a);
    g2_jac_psi(&t, &uq);
    g2_jac_add(&left, &left, &t);
    g2_jac_psi(&t, &t);
    g2_jac_add(&left, &left, &t);
    g2_jac_dbl(&right, &t);
    g2_jac_psi(&right, &right);
    return g2_jac_equal(&left, &right);
}

#endif
