/* One element of Fp12 in lanes: lane k holds the coefficient of w^k, lanes 6 and 7 copies that nothing reads.
 *
 * A product is a sum over Fp for each coordinate, with one reduction: sixteen columns of eight coefficients side by side
 * take the time of a scalar product and a half. Invariant: elements are carried and of bound 2 (lane_field_template.h). Outputs
 * may alias inputs. Constant time in the values. */
#ifndef ZKN_TOWER_LANES_H
#define ZKN_TOWER_LANES_H

#include "path.h"

#if ZKN_PATH_IFMA

#include "lane_tower.h"
#include "tower.h"

typedef fp28 fp12_lanes;

/* Eight elements of Fp2 to multiply all lanes by, one at a time: real and imaginary parts and the latter's negatives. */
typedef struct {
    uint64_t parts[3][FP_LANE_LIMBS][LANES];
} lane_factors;

/* What eight lines multiply by: the shape of fp12_mul_line. */
typedef struct {
    lane_factors y, x, c;
} lane_lines;

void fp12_lanes_enter(fp12_lanes *out, const zkn_fp12 *in);
void fp12_lanes_leave(zkn_fp12 *out, const fp12_lanes *in);
void fp12_lanes_mul(fp12_lanes *out, const fp12_lanes *a, const fp12_lanes *b);
void fp12_lanes_sqr(fp12_lanes *out, const fp12_lanes *a);
void fp12_lanes_conj(fp12_lanes *out, const fp12_lanes *a);
void fp12_lanes_frobenius(fp12_lanes *out, const fp12_lanes *a, int power);
void fp12_lanes_cyclotomic_sqr(fp12_lanes *out, const fp12_lanes *a);
/* a is carried and of bound 2 */
void lane_factors_of(lane_factors *out, const fp28 *a);
/* out <- a times line i; times the same with y = 1 */
void fp12_lanes_mul_line(fp12_lanes *out, const fp12_lanes *a, const lane_lines *lines, size_t i);
void fp12_lanes_mul_unit_line(fp12_lanes *out, const fp12_lanes *a, const lane_lines *lines, size_t i);

#endif

#endif
