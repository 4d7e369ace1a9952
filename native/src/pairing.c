/* Product of optimal ate pairings (Vercauteren 2010) over BN254, compared with one. */
#include "group.h"
#include "threads.h"

/* Pairs whose Miller loops share their squarings. */
enum { TOGETHER = 16 };

/* A point of the twist in homogeneous coordinates, (X/Z, Y/Z). */
typedef struct {
    zkn_fp2 X, Y, Z;
} homogeneous;

/* The line through points of E'(Fp2), untwisted to E(Fp12) by (x, y) -> (w^2 x, w^3 y) and taken at P, is
 * y_P yP + x_P xP w + c w^3 up to a factor in Fp2, which the final exponentiation removes. */
static void times_line(zkn_fp12 *f, const zkn_fp2 *at_y, const zkn_fp2 *at_x, const zkn_fp2 *constant,
                       const zkn_g1_aff *p)
{
    zkn_fp2 b0, b1;
    fp2_mul_fp(&b0, at_y, &p->y);
    fp2_mul_fp(&b1, at_x, &p->x);
    fp12_mul_line(f, f, &b0, &b1, constant);
}

/* t <- 2 t, f <- f times its tangent at p (Costello, Lange, Naehrig 2010, section 5; letters as there
 * where they exist) */
static void double_step(zkn_fp12 *f, homogeneous *t, const zkn_g1_aff *p)
{
    zkn_fp2 A, B, C, E, F, G, H, I, J, S;
    fp2_mul(&A, &t->X, &t->Y);
    fp2_mul_fp(&A, &A, &FP_HALF);
    fp2_sqr(&B, &t->Y);
    fp2_sqr(&C, &t->Z);
    fp2_dbl(&E, &C);
    fp2_add(&E, &E, &C);
    fp2_mul(&E, &E, &FP2_TWIST_B); /* 3 b' Z^2 */
    fp2_dbl(&F, &E);
    fp2_add(&F, &F, &E);
    fp2_add(&G, &B, &F);
    fp2_mul_fp(&G, &G, &FP_HALF);
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

/* f <- f times the Miller functions of n pairs, n <= TOGETHER, none with infinity */
static void miller_loop(zkn_fp12 *product, const zkn_g1_aff *const *p, const zkn_g2_aff *const *q, size_t n)
{
    homogeneous t[TOGETHER];
    zkn_fp12 f;
    zkn_g2_aff r;
    if (n == 0) return;
    fp12_one(&f);
    for (size_t k = 0; k < n; k++) {
        t[k].X = q[k]->x;
        t[k].Y = q[k]->y;
        fp2_one(&t[k].Z);
    }
    for (size_t i = sizeof ATE_LOOP - 1; i-- > 0;) {
        fp12_sqr(&f, &f);
        for (size_t k = 0; k < n; k++) {
            double_step(&f, &t[k], p[k]);
            if (ATE_LOOP[i] == 0) continue;
            r = *q[k];
            if (ATE_LOOP[i] < 0) g2_aff_neg(&r, &r);
            add_step(&f, &t[k], &r, p[k]);
        }
    }
    for (size_t k = 0; k < n; k++) {
        g2_psi(&r, q[k]);
        add_step(&f, &t[k], &r, p[k]);
        g2_psi(&r, &r);
        g2_aff_neg(&r, &r);
        add_step(&f, &t[k], &r, p[k]);
    }
    fp12_mul(product, product, &f);
}

/* out <- a^u for a in the cyclotomic subgroup */
static void power_u(zkn_fp12 *out, const zkn_fp12 *a)
{
    zkn_fp12 inverse, result = *a;
    fp12_conj(&inverse, a);
    for (size_t i = sizeof BN_U_NAF - 1; i-- > 0;) {
        fp12_cyclotomic_sqr(&result, &result);
        if (BN_U_NAF[i] > 0) fp12_mul(&result, &result, a);
        if (BN_U_NAF[i] < 0) fp12_mul(&result, &result, &inverse);
    }
    *out = result;
}

/* out <- f^(2u (6u^2 + 3u + 1) (p^12 - 1)/r), which is 1 exactly if f^((p^12 - 1)/r) is, as r is prime to
 * the factor. Hard part: Fuentes-Castaneda, Knapp, Rodriguez-Henriquez 2011, section 5. f is not zero. */
static void final_exponentiation(zkn_fp12 *out, const zkn_fp12 *f)
{
    zkn_fp12 m, t, x2, x6, xx6, a, b;
    fp12_conj(&m, f);
    fp12_inv(&t, f);
    fp12_mul(&m, &m, &t); /* f^(p^6 - 1) */
    fp12_frobenius(&t, &m, 2);
    fp12_mul(&m, &m, &t); /* and ^(p^2 + 1) */

    power_u(&t, &m);
    fp12_cyclotomic_sqr(&x2, &t); /* 2u */
    fp12_cyclotomic_sqr(&x6, &x2);
    fp12_mul(&x6, &x6, &x2); /* 6u */
    power_u(&xx6, &x6);      /* 6u^2 */
    fp12_cyclotomic_sqr(&t, &xx6);
    power_u(&t, &t); /* 12u^3 */
    fp12_mul(&a, &t, &xx6);
    fp12_mul(&a, &a, &x6); /* 6u + 6u^2 + 12u^3 */
    fp12_conj(&b, &x2);
    fp12_mul(&b, &b, &a); /* 4u + 6u^2 + 12u^3 */

    /* m^(1 + 6u + 12u^2 + 12u^3) (m^(4u + ..))^p (m^(6u + ..))^(p^2) (m^(4u + .. - 1))^(p^3) */
    fp12_mul(&t, &a, &xx6);
    fp12_mul(out, &t, &m);
    fp12_frobenius(&t, &b, 1);
    fp12_mul(out, out, &t);
    fp12_frobenius(&t, &a, 2);
    fp12_mul(out, out, &t);
    fp12_conj(&m, &m);
    fp12_mul(&t, &b, &m);
    fp12_frobenius(&t, &t, 3);
    fp12_mul(out, out, &t);
}

typedef struct {
    const zkn_g1_aff *p;
    const zkn_g2_aff *q;
    zkn_fp12 product[ZKN_MAX_THREADS];
} pairs;

static void miller_share(void *ctx, size_t begin, size_t end, unsigned worker)
{
    pairs *c = ctx;
    const zkn_g1_aff *p[TOGETHER];
    const zkn_g2_aff *q[TOGETHER];
    size_t n = 0;
    for (size_t i = begin; i < end; i++) {
        ZKN_ASSERT(g1_aff_is_on_curve(&c->p[i]) && g2_aff_is_on_curve(&c->q[i]) &&
                   g2_is_in_subgroup_vartime(&c->q[i]));
        if (g1_aff_is_zero(&c->p[i]) || g2_aff_is_zero(&c->q[i])) continue;
        p[n] = &c->p[i];
        q[n++] = &c->q[i];
        if (n < TOGETHER) continue;
        miller_loop(&c->product[worker], p, q, n);
        n = 0;
    }
    miller_loop(&c->product[worker], p, q, n);
}

void zkn_pairing_check(int *ok, const zkn_g1_aff *p, const zkn_g2_aff *q, size_t n, unsigned threads)
{
    pairs c;
    zkn_fp12 f;
    c.p = p, c.q = q;
    const unsigned workers = zkn_workers(n, threads);
    for (unsigned k = 0; k < workers; k++) fp12_one(&c.product[k]);
    zkn_parallel(n, threads, miller_share, &c);
    f = c.product[0];
    for (unsigned k = 1; k < workers; k++) fp12_mul(&f, &f, &c.product[k]);
    final_exponentiation(&f, &f);
    *ok = fp12_is_one(&f);
}
