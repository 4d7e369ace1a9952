/* The Miller loop of optimal ate pairings (Vercauteren 2010) over both curves, by 6u + 2
 * and by x.
 *
 * Few pairs take projective steps, which need no inversion. Many take affine steps in step, with one inversion for all
 * (Montgomery's trick): fewer products, and lines with constant term 1 (Lauter, Montgomery, Naehrig 2010, eprint
 * 2010/363). Fixed second points come as such lines, precomputed (Costello, Stebila 2010, eprint 2010/342). */
#include "pairing.h"

/* From this many pairs on the shared inversion costs less than it saves, by the count of products. */
enum {
    AFFINE_FROM = 8,
    LANES_FROM =
        24 /* an estimate, not measured: fewer leave a product of lanes at every step to too few pairs */
};

/* A point of the twist in homogeneous coordinates, (X/Z, Y/Z). */
typedef struct {
    zkn_fp2 X, Y, Z;
} homogeneous;

/* The line through points of E'(Fp2), untwisted to E(Fp12) by (x, y) -> (w^2 x, w^3 y) and taken at P, is
 * at_y yP + at_x xP w + c w^3 up to a factor in Fp2, which the final exponentiation removes. From a twist of type M,
 * untwisted by (x, y) -> (x / w^2, y / w^3), it is at_y yP w^3 + at_x xP w^2 + c, up to a factor in Fp2 w^3. */
static void times_line(zkn_fp12 *f, const zkn_fp2 *at_y, const zkn_fp2 *at_x, const zkn_fp2 *constant,
                       const zkn_g1_aff *p)
{
    zkn_fp2 y, x;
    fp2_mul_fp(&y, at_y, &p->y);
    fp2_mul_fp(&x, at_x, &p->x);
    fp12_mul_line(f, f, &y, &x, constant);
}

/* out <- 3 b' a */
static void times_3b(zkn_fp2 *out, const zkn_fp2 *a)
{
    zkn_fp2 t;
    fp2_dbl(&t, a);
    fp2_add(&t, &t, a);
#if TWIST_IS_M /* b' = 4 xi */
    fp2_mul_xi(&t, &t);
    fp2_dbl(&t, &t);
    fp2_dbl(out, &t);
#else
    fp2_mul(out, &t, &FP2_TWIST_B);
#endif
}

/* t <- 2 t, f <- f times its tangent at p (Costello, Lange, Naehrig 2010, section 5; letters as there
 * where they exist) */
static void double_step(zkn_fp12 *f, homogeneous *t, const zkn_g1_aff *p)
{
    zkn_fp2 A, B, C, E, F, G, H, I, J, S;
    fp2_mul(&A, &t->X, &t->Y);
    fp2_halve(&A, &A);
    fp2_sqr(&B, &t->Y);
    fp2_sqr(&C, &t->Z);
    times_3b(&E, &C); /* 3 b' Z^2 */
    fp2_dbl(&F, &E);
    fp2_add(&F, &F, &E);
    fp2_add(&G, &B, &F);
    fp2_halve(&G, &G);
    fp2_add(&H, &t->Y, &t->Z);
    fp2_sqr(&H, &H);
    fp2_sub(&H, &H, &B);
    fp2_sub(&H, &H, &C); /* 2 Y Z */
    fp2_sub(&I, &E, &B);
    fp2_sqr(&J, &t->X);
    fp2_sub(&S, &B, &F);
    fp2_mul(&t->X, &A, &S);
    fp2_sqr(&G, &G);
    fp2_sqr(&E, &E);
    fp2_sub(&G, &G, &E);
    fp2_dbl(&E, &E);
    fp2_sub(&t->Y, &G, &E);
    fp2_mul(&t->Z, &B, &H);
    fp2_neg(&H, &H);
    fp2_dbl(&S, &J);
    fp2_add(&J, &S, &J);
    times_line(f, &H, &J, &I, p);
}

/* t <- t + q, f <- f times the line through both at p. t is neither q nor -q: the loop meets only other
 * multiples of q. */
static void add_step(zkn_fp12 *f, homogeneous *t, const zkn_g2_aff *q, const zkn_g1_aff *p)
{
    zkn_fp2 theta, lambda, D, E, F, G, H, J, S;
    fp2_mul(&S, &q->y, &t->Z);
    fp2_sub(&theta, &t->Y, &S);
    fp2_mul(&S, &q->x, &t->Z);
    fp2_sub(&lambda, &t->X, &S);
    fp2_sqr(&D, &lambda);
    fp2_mul(&E, &lambda, &D);
    fp2_sqr(&F, &theta);
    fp2_mul(&F, &F, &t->Z);
    fp2_mul(&G, &t->X, &D);
    fp2_add(&H, &E, &F);
    fp2_sub(&H, &H, &G);
    fp2_sub(&H, &H, &G);
    fp2_mul(&t->X, &lambda, &H);
    fp2_sub(&G, &G, &H);
    fp2_mul(&G, &G, &theta);
    fp2_mul(&S, &E, &t->Y);
    fp2_sub(&t->Y, &G, &S);
    fp2_mul(&t->Z, &t->Z, &E);
    fp2_mul(&J, &theta, &q->x);
    fp2_mul(&S, &lambda, &q->y);
    fp2_sub(&J, &J, &S);
    fp2_neg(&theta, &theta);
    times_line(f, &lambda, &theta, &J, p);
}

miller_step miller_step_at(size_t i)
{
    size_t digit = sizeof ATE_LOOP - 1;
    while (digit-- > 0) {
        if (i-- == 0) return STEP_DOUBLE;
        if (ATE_LOOP[digit] != 0 && i-- == 0) return ATE_LOOP[digit] > 0 ? STEP_ADD : STEP_SUBTRACT;
    }
    return i == 0 ? STEP_PSI : STEP_MINUS_PSI_2;
}

void miller_addend(zkn_g2_aff *out, const zkn_g2_aff *q, miller_step step)
{
    *out = *q;
    if (step == STEP_PSI || step == STEP_MINUS_PSI_2) g2_psi(out, out);
    if (step == STEP_MINUS_PSI_2) g2_psi(out, out);
    if (step == STEP_SUBTRACT || step == STEP_MINUS_PSI_2) g2_aff_neg(out, out);
}

void miller_start(miller_points *points, const zkn_g2_aff *const *q, size_t n)
{
    ZKN_ASSERT(n <= AFFINE_TOGETHER);
    points->q = q;
    points->n = n;
    for (size_t k = 0; k < n; k++) points->t[k] = *q[k];
}

/* Numerator and denominator of the slope of a step. The denominator is not zero: no point of order r has y = 0, and T
 * is another multiple of Q than plus or minus what is added. */
static void slope(zkn_fp2 *numerator, zkn_fp2 *denominator, const zkn_g2_aff *t, const zkn_g2_aff *q,
                  miller_step step)
{
    zkn_g2_aff r;
    if (step == STEP_DOUBLE) {
        fp2_sqr(numerator, &t->x);
        fp2_dbl(denominator, numerator);
        fp2_add(numerator, numerator, denominator);
        fp2_dbl(denominator, &t->y);
    } else {
        miller_addend(&r, q, step);
        fp2_sub(numerator, &t->y, &r.y);
        fp2_sub(denominator, &t->x, &r.x);
    }
}

void miller_affine_step(zkn_line *lines, miller_points *points, miller_step step)
{
    zkn_fp2 numerator[AFFINE_TOGETHER], denominator[AFFINE_TOGETHER], before[AFFINE_TOGETHER], inverse,
        lambda, x, y;
    fp2_one(&inverse);
    for (size_t k = 0; k < points->n; k++) {
        slope(&numerator[k], &denominator[k], &points->t[k], points->q[k], step);
        before[k] = inverse; /* the product of the denominators before k */
        fp2_mul(&inverse, &inverse, &denominator[k]);
    }
    fp2_inv(&inverse, &inverse);
    for (size_t k = points->n; k-- > 0;) {
        zkn_g2_aff *t = &points->t[k], other = *t;
        if (step != STEP_DOUBLE) miller_addend(&other, points->q[k], step);
        fp2_mul(&lambda, &inverse, &before[k]);
        fp2_mul(&lambda, &lambda, &numerator[k]);
        fp2_mul(&inverse, &inverse, &denominator[k]);
        fp2_mul(&y, &lambda, &t->x);
        fp2_sub(&lines[k].constant, &y, &t->y);
        fp2_neg(&lines[k].slope, &lambda);
        fp2_sqr(&x, &lambda);
        fp2_sub(&x, &x, &t->x);
        fp2_sub(&t->x, &x, &other.x);
        fp2_mul(&y, &lambda, &t->x); /* y = lambda (x_T - x) - y_T = constant - lambda x */
        fp2_sub(&t->y, &lines[k].constant, &y);
    }
}

/* Where unit lines are taken, (x, 1 / y) with x = x_P / y_P; zeros for infinity, where every line is 1. No y_P is 0,
 * as r is odd. */
static void places(zkn_g1_aff *out, const zkn_g1_aff *const *p, size_t n)
{
    zkn_fp inverse, y;
    fp_one(&inverse);
    for (size_t k = 0; k < n; k++) {
        out[k].y = inverse;
        if (!g1_aff_is_zero(p[k])) fp_mul(&inverse, &inverse, &p[k]->y);
    }
    fp_inv(&inverse, &inverse);
    for (size_t k = n; k-- > 0;) {
        if (g1_aff_is_zero(p[k])) {
            g1_aff_zero(&out[k]);
            continue;
        }
        fp_mul(&y, &out[k].y, &inverse);
        fp_mul(&inverse, &inverse, &p[k]->y);
        fp_mul(&out[k].x, &p[k]->x, &y);
        out[k].y = y;
    }
}

static void times_unit_line(zkn_fp12 *f, const zkn_line *line, const zkn_g1_aff *place)
{
    zkn_fp2 x, c;
    fp2_mul_fp(&x, &line->slope, &place->x);
    fp2_mul_fp(&c, &line->constant, &place->y);
    fp12_mul_unit_line(f, f, &x, &c);
}

void miller_loop(zkn_fp12 *product, const zkn_g1_aff *const *p, const zkn_g2_aff *const *q, size_t n,
                 const zkn_g1_aff *fixed_p, const zkn_line *fixed_lines, size_t n_fixed)
{
    ZKN_ASSERT(n <= MILLER_TOGETHER && n_fixed <= ZKN_PAIRING_MAX_FIXED);
#if ZKN_LANES_OF_G2
    if (n >= LANES_FROM) {
        zkn_g1_aff at[MILLER_TOGETHER];
        places(at, p, n);
        if (miller_loop_in_lanes(product, at, q, n)) n = 0;
    }
    for (; n > AFFINE_TOGETHER; n -= AFFINE_TOGETHER, p += AFFINE_TOGETHER, q += AFFINE_TOGETHER)
        miller_loop(product, p, q, AFFINE_TOGETHER, NULL, NULL, 0);
#endif
    const int affine = n >= AFFINE_FROM;
    homogeneous t[AFFINE_FROM];
    miller_points points;
    zkn_line lines[AFFINE_TOGETHER];
    const zkn_g1_aff *fixed[ZKN_PAIRING_MAX_FIXED] = {NULL};
    zkn_g1_aff place[AFFINE_TOGETHER], fixed_place[ZKN_PAIRING_MAX_FIXED];
    zkn_fp12 f;
    zkn_g2_aff r;
    if (n + n_fixed == 0) return;
    for (size_t k = 0; k < n_fixed; k++) fixed[k] = &fixed_p[k];
    places(fixed_place, fixed, n_fixed);
    if (affine) {
        places(place, p, n);
        miller_start(&points, q, n);
    } else {
        for (size_t k = 0; k < n; k++) {
            t[k].X = q[k]->x;
            t[k].Y = q[k]->y;
            fp2_one(&t[k].Z);
        }
    }
    fp12_one(&f);
    for (size_t i = 0; i < ZKN_PAIRING_LINES; i++) {
        const miller_step step = miller_step_at(i);
        if (step == STEP_DOUBLE) fp12_sqr(&f, &f);
        if (affine) {
            miller_affine_step(lines, &points, step);
            for (size_t k = 0; k < n; k++) times_unit_line(&f, &lines[k], &place[k]);
        } else {
            for (size_t k = 0; k < n; k++) {
                if (step == STEP_DOUBLE) {
                    double_step(&f, &t[k], p[k]);
                } else {
                    miller_addend(&r, q[k], step);
                    add_step(&f, &t[k], &r, p[k]);
                }
            }
        }
        for (size_t k = 0; k < n_fixed; k++) {
            times_unit_line(&f, &fixed_lines[k * ZKN_PAIRING_LINES + i], &fixed_place[k]);
        }
    }
    fp12_mul(product, product, &f);
}
