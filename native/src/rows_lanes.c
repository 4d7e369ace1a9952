/* Sums of rows, eight columns at a time. Bounds are those of lane_field_template.h. */
#include "rows_lanes.h"

#if ZKN_HAS_LANES

#include "fr_lanes.h"

enum {
    TOGETHER = 64, /* rows, so that products are below (64/84 + 1) m */
    AHEAD = 4      /* rows that are fetched early: they lie far apart, too many streams for a prefetcher */
};

void rows_lanes_sum(zkn_fr *out, const zkn_fr *in, size_t rows, size_t apart, const zkn_fr *weights, size_t n)
{
    uint64_t factors[TOGETHER][LANE_LIMBS];
    for (size_t j = 0; j < n; j++) fr_zero(&out[j]);
    for (size_t i = 0, some; i < rows; i += some, in += some * apart) {
        some = rows - i < TOGETHER ? rows - i : TOGETHER;
        for (size_t k = 0; k < some; k++) fr_lane_limbs(factors[k], &weights[i + k]);
        for (size_t j = 0; j < n; j += LANES) {
            fr8_wide sum;
            fr8 x, part;
            fr8_wide_zero(&sum);
            for (size_t k = 0; k < some; k++) {
                for (size_t l = 0; k + AHEAD < some && l < LANES; l += 2)
                    __builtin_prefetch(&in[(k + AHEAD) * apart + j + l]);
                fr_lanes_load(&x, &in[k * apart + j]);
                fr8_wide_madd_all(&sum, &x, factors[k]);
            }
            fr8_reduce(&part, &sum);
            fr_lanes_load(&x, &out[j]);
            fr8_add(&part, &part, &x); /* of bound 3 */
            fr8_carry(&part);
            fr8_fold(&part);
            fr_lanes_store(&out[j], &part);
        }
    }
}

#endif
