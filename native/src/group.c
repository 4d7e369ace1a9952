/* Both groups, from group_template.h, and what G2 has beside: the endomorphism psi and the subgroup check. */
#define GROUP_DEFINE
#include "group.h"

void g2_psi(zkn_g2_aff *out, const zkn_g2_aff *a)
{
    zkn_fp2 t;
    fp2_conj(&t, &a->x);
    fp2_mul(&out->x, &t, &FROBENIUS_1[2]);
    fp2_conj(&t, &a->y);
    fp2_mul(&out->y, &t, &FROBENIUS_1[3]);
}

static void psi_jac(zkn_g2_jac *out, const zkn_g2_jac *a)
{
    zkn_fp2 t;
    fp2_conj(&t, &a->X);
    fp2_mul(&out->X, &t, &FROBENIUS_1[2]);
    fp2_conj(&t, &a->Y);
    fp2_mul(&out->Y, &t, &FROBENIUS_1[3]);
    fp2_conj(&out->Z, &a->Z);
}

/* (u+1) Q + psi(u Q) + psi^2(u Q) = psi^3(2 u Q) exactly on the subgroup (Dai, Lin, Zhao, Zhou 2022,
 * eprint 2022/348, section 4.3). tests/algebra/test_constants.py proves it for this curve: the norm of
 * that endomorphism is prime to the cofactor. */
int g2_is_in_subgroup_vartime(const zkn_g2_aff *a)
{
    zkn_g2_jac uq, left, right, t;
    if (g2_aff_is_zero(a)) return 1;
    g2_jac_zero(&uq);
    for (size_t i = sizeof BN_U_NAF; i-- > 0;) {
        g2_jac_dbl(&uq, &uq);
        if (BN_U_NAF[i] == 0) continue;
        zkn_g2_aff signed_a = *a;
        if (BN_U_NAF[i] < 0) g2_aff_neg(&signed_a, a);
        g2_jac_add_aff(&uq, &uq, &signed_a);
    }
    g2_jac_add_aff(&left, &uq, a);
    psi_jac(&t, &uq);
    g2_jac_add(&left, &left, &t);
    psi_jac(&t, &t);
    g2_jac_add(&left, &left, &t);
    g2_jac_dbl(&right, &t);
    psi_jac(&right, &right);
    return g2_jac_equal(&left, &right);
}
