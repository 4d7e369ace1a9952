/* The map to a curve: written once, included by bls_hash.c once per group. Parameters as group_template.h, SSWU and
 * ISOGENY: constants of the group, ELEMENT_BYTES, READ_ELEMENT. */

#define G(name) ZKN_CAT(GROUP, name)
#define C(name) ZKN_CAT(COORD, name)

/* out <- sum a[i] x^i d^(n - 1 - i) of n coefficients */
static void G(_evaluate)(COORD_TYPE *out, const COORD_TYPE *a, size_t n, const COORD_TYPE *x,
                         const COORD_TYPE *d)
{
    COORD_TYPE power = *d, t;
    *out = a[n - 1];
    for (size_t i = n - 1; i-- > 0;) {
        C(_mul)(out, out, x);
        C(_mul)(&t, &a[i], &power);
        C(_add)(out, out, &t);
        C(_mul)(&power, &power, d);
    }
}

/* The first half of the simplified SWU map (section 6.6.2, in the form of appendix F.2): x as n/d, and numerator and
 * denominator of gx1. */
static void G(_sswu_x)(COORD_TYPE *n, COORD_TYPE *d, COORD_TYPE *gx1, COORD_TYPE *cube, const COORD_TYPE *u)
{
    COORD_TYPE tv1, tv2, one, square, t;
    C(_one)(&one);
    C(_sqr)(&tv1, u);
    C(_mul)(&tv1, &tv1, &SSWU(Z)); /* Z u^2 */
    C(_sqr)(&tv2, &tv1);
    C(_add)(&tv2, &tv2, &tv1);
    C(_add)(n, &tv2, &one);
    C(_mul)(n, n, &SSWU(B));
    C(_neg)(&t, &tv2);
    C(_mul)(d, C(_is_zero)(&tv2) ? &SSWU(Z) : &t, &SSWU(A));
    /* gx1 = (n^3 + A n d^2 + B d^3) / d^3 */
    C(_sqr)(&square, d);
    C(_mul)(&t, &square, &SSWU(A));
    C(_sqr)(cube, n);
    C(_add)(&t, &t, cube);
    C(_mul)(&t, &t, n);
    C(_mul)(cube, &square, d);
    C(_mul)(&square, cube, &SSWU(B));
    C(_add)(gx1, &t, &square);
}

/* The other half: y a root of gx1, or of Z^3 gx1 where gx1 has none. */
static void G(_sswu_y)(COORD_TYPE *n, COORD_TYPE *y, const COORD_TYPE *u, int found)
{
    COORD_TYPE t;
    if (!found) {
        C(_sqr)(&t, u);
        C(_mul)(&t, &t, &SSWU(Z));
        C(_mul)(n, n, &t);
        C(_mul)(&t, u, u); /* gx2 = Z^3 u^6 gx1 */
        C(_mul)(&t, &t, u);
        C(_mul)(y, y, &t);
    }
    if (C(_sign)(u) != C(_sign)(y)) C(_neg)(y, y);
}

/* The isogeny, of numerators and denominators in n/d; infinity where a denominator vanishes. */
static void G(_isogeny)(GROUP_JAC *out, const COORD_TYPE *n, const COORD_TYPE *d, const COORD_TYPE *y)
{
    enum {
        XN = sizeof ISOGENY(X_NUM) / sizeof *ISOGENY(X_NUM),
        XD = sizeof ISOGENY(X_DEN) / sizeof *ISOGENY(X_DEN),
        YN = sizeof ISOGENY(Y_NUM) / sizeof *ISOGENY(Y_NUM),
        YD = sizeof ISOGENY(Y_DEN) / sizeof *ISOGENY(Y_DEN)
    };
    _Static_assert(XN == XD + 1 && YN == YD, "degrees of an isogeny between short Weierstrass curves");
    COORD_TYPE xn, xd, yn, yd, t;
    G(_evaluate)(&xn, ISOGENY(X_NUM), XN, n, d);
    G(_evaluate)(&xd, ISOGENY(X_DEN), XD, n, d);
    C(_mul)(&xd, &xd, d);
    G(_evaluate)(&yn, ISOGENY(Y_NUM), YN, n, d);
    G(_evaluate)(&yd, ISOGENY(Y_DEN), YD, n, d);
    C(_mul)(&yn, &yn, y);
    C(_mul)(&out->Z, &xd, &yd);
    C(_sqr)(&t, &yd);
    C(_mul)(&t, &t, &xd); /* xd yd^2 */
    C(_mul)(&out->X, &xn, &t);
    C(_sqr)(&xd, &xd);
    C(_mul)(&t, &t, &xd);
    C(_mul)(&out->Y, &yn, &t);
}

static void G(_clear_cofactor)(GROUP_JAC *a);

/* The sum of `elements` maps, 1 or 2, for each of n. Maps take their roots together. */
static void G(_hash)(GROUP_AFF *out, const uint8_t *in, size_t n, size_t elements)
{
    COORD_TYPE u[ZKN_ROOTS], numerator[ZKN_ROOTS], denominator[ZKN_ROOTS], gx1[ZKN_ROOTS], cube[ZKN_ROOTS],
        y[ZKN_ROOTS];
    GROUP_JAC sum, point;
    int found[ZKN_ROOTS];
    for (size_t first = 0; first < n * elements; first += ZKN_ROOTS) {
        const size_t left = n * elements - first, maps = left < ZKN_ROOTS ? left : (size_t)ZKN_ROOTS;
        for (size_t i = 0; i < maps; i++, in += ELEMENT_BYTES) {
            READ_ELEMENT(&u[i]);
            G(_sswu_x)(&numerator[i], &denominator[i], &gx1[i], &cube[i], &u[i]);
        }
        C(_sqrt_ratios)(y, found, gx1, cube, maps);
        G(_jac_zero)(&sum);
        for (size_t i = 0; i < maps; i++) {
            G(_sswu_y)(&numerator[i], &y[i], &u[i], found[i]);
            G(_isogeny)(&point, &numerator[i], &denominator[i], &y[i]);
            G(_jac_add)(&sum, &sum, &point);
            if ((i + 1) % elements != 0) continue; /* the number of roots together is even */
            G(_clear_cofactor)(&sum);
            G(_jac_to_aff)(out++, &sum);
            G(_jac_zero)(&sum);
        }
    }
}

#undef G
#undef C
#undef GROUP
#undef COORD
#undef COORD_TYPE
#undef GROUP_AFF
#undef GROUP_JAC
#undef SSWU
#undef ISOGENY
#undef ELEMENT_BYTES
#undef READ_ELEMENT
