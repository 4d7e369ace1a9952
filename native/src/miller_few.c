/* The Miller function of a product of few pairs: one value f, squared once a step, times the line of every pair. */
#include "pairing.h"
#include "tower_lanes.h"

#if ZKN_PATH_IFMA

/* f is in lanes, and so are the lines where they are taken at their points: those of eight steps of one pair, or, where
 * many pairs take each step together, those of eight pairs. */

enum { GROUPS = AFFINE_TOGETHER / LANES };

/* Eight elements of Fp2, `stride` bytes apart, times those of Fp [2] */
static void enter(fp28 *out, const zkn_fp2 *in, size_t stride, const fp8 *by)
{
    fp28 raised; /* [16] */
    fp8_load(&raised.c0, &in->c0, stride / sizeof(zkn_fp));
    fp8_load(&raised.c1, &in->c1, stride / sizeof(zkn_fp));
    fp8_mul(&out->c0, &raised.c0, by);
    fp8_mul(&out->c1, &raised.c1, by);
}

static void enter_factors(lane_factors *out, const zkn_fp2 *in, size_t stride, const fp8 *by)
{
    fp28 element;
    enter(&element, in, stride, by);
    lane_factors_of(out, &element);
}

/* The same element of Fp in all lanes */
static void enter_one(fp8 *out, const zkn_fp *in)
{
    uint64_t limbs[FP_LANE_LIMBS];
    fp_lane_limbs(limbs, in);
    fp8_all(out, limbs);
}

/* The point of a pair whose lines go in eights of steps */
typedef struct {
    fp8 x, y;
} lane_place;

static void enter_place(lane_place *out, const zkn_g1_aff *in)
{
    enter_one(&out->x, &in->x);
    enter_one(&out->y, &in->y);
}

/* The lines of steps `first` to `first` + 7 as far as there are, at the pair's point. */
static void projective_lines(lane_lines *out, miller_projective *t, const zkn_g2_aff *q, size_t first,
                             const lane_place *place)
{
    miller_line lines[LANES] = {0};
    fp8 one;
    for (size_t s = 0; s < LANES && first + s < ZKN_PAIRING_LINES; s++)
        miller_projective_step(&lines[s], t, q, miller_step_at(first + s));
    fp8_one(&one);
    enter_factors(&out->y, &lines[0].y, sizeof *lines, &place->y);
    enter_factors(&out->x, &lines[0].x, sizeof *lines, &place->x);
    enter_factors(&out->c, &lines[0].c, sizeof *lines, &one);
}

static void fixed_lines_of(lane_lines *out, const zkn_line *all, size_t first, const lane_place *place)
{
    zkn_line lines[LANES] = {0};
    const size_t left = ZKN_PAIRING_LINES - first;
    memcpy(lines, &all[first], (left < LANES ? left : (size_t)LANES) * sizeof *lines);
    enter_factors(&out->x, &lines[0].slope, sizeof *lines, &place->x);
    enter_factors(&out->c, &lines[0].constant, sizeof *lines, &place->y);
}

/* f <- f times the unit lines of one step at n points */
static void times_step(fp12_lanes *f, const zkn_line *lines, const fp8 places[GROUPS][2], size_t n)
{
    lane_lines at;
    for (size_t k = 0; k < n; k++) {
        if (k % LANES == 0) {
            enter_factors(&at.x, &lines[k].slope, sizeof *lines, &places[k / LANES][0]);
            enter_factors(&at.c, &lines[k].constant, sizeof *lines, &places[k / LANES][1]);
        }
        fp12_lanes_mul_unit_line(f, f, &at, k % LANES);
    }
}

/* [2] */
static void enter_places(fp8 places[GROUPS][2], const zkn_g1_aff *const *p, size_t n)
{
    zkn_g1_aff at[AFFINE_TOGETHER];
    fp8 one;
    memset(at, 0, sizeof at);
    miller_places(at, p, n);
    fp8_one(&one);
    for (size_t g = 0; g * LANES < n; g++) {
        fp28 both;
        fp8_load(&both.c0, &at[g * LANES].x, 2), fp8_load(&both.c1, &at[g * LANES].y, 2);
        fp8_mul(&places[g][0], &both.c0, &one), fp8_mul(&places[g][1], &both.c1, &one);
    }
}

void miller_few(zkn_fp12 *product, const zkn_g1_aff *const *p, const zkn_g2_aff *const *q, size_t n,
                const zkn_g1_aff *fixed_p, const zkn_line *fixed_lines, size_t n_fixed)
{
    const int affine = n >= AFFINE_FROM;
    miller_projective t[AFFINE_FROM];
    miller_points points;
    zkn_line lines[AFFINE_TOGETHER] = {0};
    lane_lines at[AFFINE_FROM], fixed_at[ZKN_PAIRING_MAX_FIXED];
    lane_place place[AFFINE_FROM], fixed_place[ZKN_PAIRING_MAX_FIXED];
    fp8 places[GROUPS][2];
    const zkn_g1_aff *fixed[ZKN_PAIRING_MAX_FIXED] = {NULL};
    zkn_g1_aff taken[ZKN_PAIRING_MAX_FIXED];
    fp12_lanes f;
    zkn_fp12 value;
    for (size_t k = 0; k < n_fixed; k++) fixed[k] = &fixed_p[k];
    miller_places(taken, fixed, n_fixed);
    for (size_t k = 0; k < n_fixed; k++) enter_place(&fixed_place[k], &taken[k]);
    if (affine) {
        enter_places(places, p, n);
        miller_start(&points, q, n);
    }
    for (size_t k = 0; !affine && k < n; k++) {
        miller_projective_start(&t[k], q[k]);
        enter_place(&place[k], p[k]);
    }
    fp12_one(&value);
    fp12_lanes_enter(&f, &value);
    for (size_t i = 0; i < ZKN_PAIRING_LINES; i++) {
        const miller_step step = miller_step_at(i);
        const size_t lane = i % LANES;
        if (step == STEP_DOUBLE && i > 0) fp12_lanes_sqr(&f, &f);
        if (affine) {
            miller_affine_step(lines, &points, step);
            times_step(&f, lines, places, n);
        }
        for (size_t k = 0; !affine && k < n; k++) {
            if (lane == 0) projective_lines(&at[k], &t[k], q[k], i, &place[k]);
            fp12_lanes_mul_line(&f, &f, &at[k], lane);
        }
        for (size_t k = 0; k < n_fixed; k++) {
            if (lane == 0)
                fixed_lines_of(&fixed_at[k], &fixed_lines[k * ZKN_PAIRING_LINES], i, &fixed_place[k]);
            fp12_lanes_mul_unit_line(&f, &f, &fixed_at[k], lane);
        }
    }
    fp12_lanes_leave(&value, &f);
    fp12_mul(product, product, &value);
}

#else

static void times_line(zkn_fp12 *f, const miller_line *line, const zkn_g1_aff *p)
{
    zkn_fp2 y, x;
    fp2_mul_fp(&y, &line->y, &p->y);
    fp2_mul_fp(&x, &line->x, &p->x);
    fp12_mul_line(f, f, &y, &x, &line->c);
}

static void times_unit_line(zkn_fp12 *f, const zkn_line *line, const zkn_g1_aff *place)
{
    zkn_fp2 x, c;
    fp2_mul_fp(&x, &line->slope, &place->x);
    fp2_mul_fp(&c, &line->constant, &place->y);
    fp12_mul_unit_line(f, f, &x, &c);
}

void miller_few(zkn_fp12 *product, const zkn_g1_aff *const *p, const zkn_g2_aff *const *q, size_t n,
                const zkn_g1_aff *fixed_p, const zkn_line *fixed_lines, size_t n_fixed)
{
    const int affine = n >= AFFINE_FROM;
    miller_projective t[AFFINE_FROM];
    miller_points points;
    miller_line line;
    zkn_line lines[AFFINE_TOGETHER];
    const zkn_g1_aff *fixed[ZKN_PAIRING_MAX_FIXED] = {NULL};
    zkn_g1_aff place[AFFINE_TOGETHER], fixed_place[ZKN_PAIRING_MAX_FIXED];
    zkn_fp12 f;
    for (size_t k = 0; k < n_fixed; k++) fixed[k] = &fixed_p[k];
    miller_places(fixed_place, fixed, n_fixed);
    if (affine) {
        miller_places(place, p, n);
        miller_start(&points, q, n);
    }
    for (size_t k = 0; !affine && k < n; k++) miller_projective_start(&t[k], q[k]);
    fp12_one(&f);
    for (size_t i = 0; i < ZKN_PAIRING_LINES; i++) {
        const miller_step step = miller_step_at(i);
        if (step == STEP_DOUBLE) fp12_sqr(&f, &f);
        if (affine) {
            miller_affine_step(lines, &points, step);
            for (size_t k = 0; k < n; k++) times_unit_line(&f, &lines[k], &place[k]);
        }
        for (size_t k = 0; !affine && k < n; k++) {
            miller_projective_step(&line, &t[k], q[k], step);
            times_line(&f, &line, p[k]);
        }
        for (size_t k = 0; k < n_fixed; k++) {
            times_unit_line(&f, &fixed_lines[k * ZKN_PAIRING_LINES + i], &fixed_place[k]);
        }
    }
    fp12_mul(product, product, &f);
}

#endif
