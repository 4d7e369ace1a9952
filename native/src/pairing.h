/* What the files of the pairing share. */
#ifndef ZKN_PAIRING_H
#define ZKN_PAIRING_H

#include "group.h"

/* The points that the Miller loop adds to T beside doubling it: Q, -Q, and for BN254 at the end psi(Q), -psi^2(Q). The
 * sign of x of BLS12-381 is left out: it inverts every pairing. */
typedef enum { STEP_DOUBLE, STEP_ADD, STEP_SUBTRACT, STEP_PSI, STEP_MINUS_PSI_2 } miller_step;

/* The steps in order, ZKN_PAIRING_LINES of them; squarings of f go before each STEP_DOUBLE. */
miller_step miller_step_at(size_t i);

enum {
    /* From this many pairs on the shared inversion costs less than it saves, by the count of products. */
    AFFINE_FROM = 8,
    AFFINE_TOGETHER = 64, /* points whose steps share one inversion */
#if ZKN_LANES_OF_G2
    MILLER_TOGETHER = 128 /* and in lanes, all of which stay in a core's cache */
#else
    MILLER_TOGETHER = AFFINE_TOGETHER
#endif
};

/* A point of the twist in homogeneous coordinates, (X/Z, Y/Z). */
typedef struct {
    zkn_fp2 X, Y, Z;
} miller_projective;

/* The line through points of E'(Fp2), untwisted to E(Fp12) by (x, y) -> (w^2 x, w^3 y) and taken at P, is
 * y yP + x xP w + c w^3 up to a factor in Fp2, which the final exponentiation removes. From a twist of type M,
 * untwisted by (x, y) -> (x / w^2, y / w^3), it is y yP w^3 + x xP w^2 + c, up to a factor in Fp2 w^3. */
typedef struct {
    zkn_fp2 y, x, c;
} miller_line;

void miller_projective_start(miller_projective *t, const zkn_g2_aff *q);
/* t takes the step, line <- that of the step. */
void miller_projective_step(miller_line *line, miller_projective *t, const zkn_g2_aff *q, miller_step step);

/* Multiples T of points Q, none infinity, on their way through the loop. */
typedef struct {
    const zkn_g2_aff *const *q;
    zkn_g2_aff t[AFFINE_TOGETHER];
    size_t n;
} miller_points;

/* What an adding step adds to T. */
void miller_addend(zkn_g2_aff *out, const zkn_g2_aff *q, miller_step step);
void miller_start(miller_points *points, const zkn_g2_aff *const *q, size_t n);
/* lines[k] <- the line of one step at point k; then T takes the step. */
void miller_affine_step(zkn_line *lines, miller_points *points, miller_step step);

/* Where unit lines are taken, (x, 1 / y) with x = x_P / y_P; zeros for infinity, where every line is 1. No y_P is 0,
 * as r is odd. */
void miller_places(zkn_g1_aff *out, const zkn_g1_aff *const *p, size_t n);
/* As miller_loop, of at most AFFINE_TOGETHER pairs and those with fixed lines. */
void miller_few(zkn_fp12 *product, const zkn_g1_aff *const *p, const zkn_g2_aff *const *q, size_t n,
                const zkn_g1_aff *fixed_p, const zkn_line *fixed_lines, size_t n_fixed);

#if ZKN_LANES_OF_G2
/* f <- f times the Miller functions of 1 to MILLER_TOGETHER pairs, the first points as (x / y, 1 / y). 0, and f untouched, if
 * a step met a denominator of 0, as no point of order r does. */
int miller_loop_in_lanes(zkn_fp12 *f, const zkn_g1_aff *place, const zkn_g2_aff *const *q, size_t n);
#endif
/* f <- f times the Miller functions of n <= MILLER_TOGETHER pairs, none with infinity, and of n_fixed pairs whose second points are given
 * by ZKN_PAIRING_LINES lines each. */
void miller_loop(zkn_fp12 *f, const zkn_g1_aff *const *p, const zkn_g2_aff *const *q, size_t n,
                 const zkn_g1_aff *fixed_p, const zkn_line *fixed_lines, size_t n_fixed);

void pairing_final_exponentiation(zkn_fp12 *out, const zkn_fp12 *f);

#endif
