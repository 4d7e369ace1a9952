/* The Miller loop of optimal ate pairings (Vercauteren 2010) over both curves, by 6u + 2
 * and by x.
 *
 * Few pairs take projective steps, which need no inversion. Many take affine steps in step, with one inversion for all
 * (Montgomery's trick): fewer products, and lines with constant term 1 (Lauter, Montgomery, Naehrig 2010, eprint
 * 2010/363). Fixed second points come as such lines, precomputed (Costello, Stebila 2010, eprint 2010/342). */
#include "pairing.h"

enum {
    LANES_FROM =
        24 /* an estimate, not measured: fewer leave a product of lanes at every step to too few pairs */
};

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

/* t <- 2 t, line <- its tangent (Costello, Lange, Naehrig 2010, section 5; letters as there where they exist) */
static void double_step(miller_line *line, miller_projective *t)
{
    zkn_fp2 A, B, C, E, F, G, H, J, S;
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
    fp2_sub(&line->c, &E, &B);
    fp2_sqr(&J, &t->X);
    fp2_sub(&S, &B, &F);
    fp2_mul(&t->X, &A, &S);
    fp2_sqr(&G, &G);
    fp2_sqr(&E, &E);
    fp2_sub(&G, &G, &E);
    fp2_dbl(&E, &E);
    fp2_sub(&t->Y, &G, &E);
    fp2_mul(&t->Z, &B, &H);
    fp2_neg(&line->y, &H);
    fp2_dbl(&S, &J);
    fp2_add(&line->x, &S, &J);
}

/* t <- t + q, line <- that through both. t is neither q nor -q: the loop meets only other multiples of q. */
static void add_step(miller_line *line, miller_projective *t, const zkn_g2_aff *q)
{
    zkn_fp2 theta, lambda, D, E, F, G, H, S;
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
    fp2_mul(&line->c, &theta, &q->x);
    fp2_mul(&S, &lambda, &q->y);
    fp2_sub(&line->c, &line->c, &S);
    fp2_neg(&line->x, &theta);
    line->y = lambda;
}

void miller_projective_start(miller_projective *t, const zkn_g2_aff *q)
{
    t->X = q->x;
    t->Y = q->y;
    fp2_one(&t->Z);
}

void miller_projective_step(miller_line *line, miller_projective *t, const zkn_g2_aff *q, miller_step step)
{
    zkn_g2_aff r;
    if (step == STEP_DOUBLE) {
        double_step(line, t);
    } else {
        miller_addend(&r, q, step);
        add_step(line, t, &r);
    }
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

void miller_places(zkn_g1_aff *out, const zkn_g1_aff *const *p, size_t n)
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

void miller_loop(zkn_fp12 *product, const zkn_g1_aff *const *p, const zkn_g2_aff *const *q, size_t n,
                 const zkn_g1_aff *fixed_p, const zkn_line *fixed_lines, size_t n_fixed)
{
    ZKN_ASSERT(n <= MILLER_TOGETHER && n_fixed <= ZKN_PAIRING_MAX_FIXED);
#if ZKN_LANES_OF_G2
    if (n >= LANES_FROM) {
        zkn_g1_aff at[MILLER_TOGETHER];
        miller_places(at, p, n);
        if (miller_loop_in_lanes(product, at, q, n)) n = 0;
    }
    for (; n > AFFINE_TOGETHER; n -= AFFINE_TOGETHER, p += AFFINE_TOGETHER, q += AFFINE_TOGETHER)
        miller_loop(product, p, q, AFFINE_TOGETHER, NULL, NULL, 0);
#endif
    if (n + n_fixed > 0) miller_few(product, p, q, n, fixed_p, fixed_lines, n_fixed);
}
