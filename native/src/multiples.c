/* What multiples.h declares, for both groups, and the way from the curve of G2 into its subgroup. */
#define MULTIPLES_DEFINE
#include "multiples.h"

#if !ZKN_CURVE_BLS12_381
void zkn_g2_clear_cofactor(zkn_g2_aff *out, const zkn_g2_aff *a)
{
    zkn_g2_jac product;
    g2_mul_vartime(&product, a, G2_COFACTOR, 4);
    g2_jac_to_aff(out, &product);
}
#endif
