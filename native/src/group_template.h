/* A curve y^2 = x^3 + b over a field C, of odd order: written once, included by group.h once per group.
 *
 * Parameters, undefined again at the end: GROUP (prefix), COORD (prefix of the field), COORD_TYPE,
 * GROUP_AFF (affine type), GROUP_JAC (Jacobian type, declared here), GROUP_B (the constant b). With
 * GROUP_DEFINE (group.c alone) the functions are defined too. Infinity is all zero in affine form and Z =
 * 0 in Jacobian form, (X : Y : Z) = (X/Z^2, Y/Z^3). Every function is complete: infinity, equal and
 * opposite inputs give the right answer. Outputs may alias inputs. All are variable time in which of those
 * cases occurs, and not otherwise, but for *_vartime. */

#define G(name) ZKN_CAT(GROUP, name)
#define C(name) ZKN_CAT(COORD, name)
#define AFF     GROUP_AFF
#define JAC     GROUP_JAC

typedef struct {
    COORD_TYPE X, Y, Z;
} JAC;

static inline void G(_aff_zero)(AFF *out)
{
    C(_zero)(&out->x);
    C(_zero)(&out->y);
}

static inline int G(_aff_is_zero)(const AFF *a)
{
    return C(_is_zero)(&a->x) & C(_is_zero)(&a->y);
}

static inline void G(_aff_neg)(AFF *out, const AFF *a)
{
    out->x = a->x;
    C(_neg)(&out->y, &a->y);
}

static inline void G(_jac_zero)(JAC *out)
{
    C(_one)(&out->X);
    C(_one)(&out->Y);
    C(_zero)(&out->Z);
}

static inline int G(_jac_is_zero)(const JAC *a)
{
    return C(_is_zero)(&a->Z);
}

static inline void G(_jac_neg)(JAC *out, const JAC *a)
{
    out->X = a->X;
    C(_neg)(&out->Y, &a->Y);
    out->Z = a->Z;
}

static inline void G(_jac_from_aff)(JAC *out, const AFF *a)
{
    if (G(_aff_is_zero)(a)) {
        G(_jac_zero)(out);
        return;
    }
    out->X = a->x;
    out->Y = a->y;
    C(_one)(&out->Z);
}

/* 1 or 0: reduced coordinates, and on the curve or infinity */
int G(_aff_is_on_curve)(const AFF *a);
void G(_jac_to_aff)(AFF *out, const JAC *a);
void G(_jac_dbl)(JAC *out, const JAC *a);
void G(_jac_add)(JAC *out, const JAC *a, const JAC *b);
void G(_jac_add_aff)(JAC *out, const JAC *a, const AFF *b);
/* 1 or 0: the same point? */
int G(_jac_equal)(const JAC *a, const JAC *b);
/* out <- k a, for an integer of n limbs; signed window of 4 bits */
void G(_mul_vartime)(JAC *out, const AFF *a, const uint64_t *k, int n);

#ifdef GROUP_DEFINE

int G(_aff_is_on_curve)(const AFF *a)
{
    COORD_TYPE left, right;
    if (!(C(_is_reduced)(&a->x) & C(_is_reduced)(&a->y))) return 0;
    C(_sqr)(&left, &a->y);
    C(_sqr)(&right, &a->x);
    C(_mul)(&right, &right, &a->x);
    C(_add)(&right, &right, &GROUP_B);
    return C(_equal)(&left, &right) | G(_aff_is_zero)(a);
}

void G(_jac_to_aff)(AFF *out, const JAC *a)
{
    COORD_TYPE z, z2;
    C(_inv)(&z, &a->Z); /* 0 for infinity, and then so are both coordinates */
    C(_sqr)(&z2, &z);
    C(_mul)(&out->x, &a->X, &z2);
    C(_mul)(&z, &z, &z2);
    C(_mul)(&out->y, &a->Y, &z);
}

/* dbl-2009-l of the Explicit-Formulas Database (Bernstein, Lange), 2M + 5S */
void G(_jac_dbl)(JAC *out, const JAC *a)
{
    COORD_TYPE A, B, CC, D, E, F;
    C(_sqr)(&A, &a->X);
    C(_sqr)(&B, &a->Y);
    C(_sqr)(&CC, &B);
    C(_add)(&D, &a->X, &B);
    C(_sqr)(&D, &D);
    C(_sub)(&D, &D, &A);
    C(_sub)(&D, &D, &CC);
    C(_dbl)(&D, &D);
    C(_dbl)(&E, &A);
    C(_add)(&E, &E, &A);
    C(_sqr)(&F, &E);
    C(_mul)(&out->Z, &a->Y, &a->Z);
    C(_dbl)(&out->Z, &out->Z);
    C(_sub)(&F, &F, &D);
    C(_sub)(&out->X, &F, &D);
    C(_sub)(&D, &D, &out->X);
    C(_mul)(&D, &D, &E);
    C(_dbl)(&CC, &CC);
    C(_dbl)(&CC, &CC);
    C(_dbl)(&CC, &CC);
    C(_sub)(&out->Y, &D, &CC);
}

/* add-1998-cmo-2: with U = X of each over a common Z^2, S = Y over a common Z^3 and z the common Z */
static void G(_add_over_common_z)(JAC *out, const COORD_TYPE *U1, const COORD_TYPE *U2, const COORD_TYPE *S1,
                                  const COORD_TYPE *S2, const COORD_TYPE *z)
{
    COORD_TYPE H, R, H2, H3, V;
    C(_sub)(&H, U2, U1);
    C(_sub)(&R, S2, S1);
    C(_sqr)(&H2, &H);
    C(_mul)(&H3, &H2, &H);
    C(_mul)(&V, U1, &H2);
    C(_mul)(&out->Z, z, &H);
    C(_sqr)(&H2, &R);
    C(_sub)(&H2, &H2, &H3);
    C(_sub)(&H2, &H2, &V);
    C(_mul)(&H3, S1, &H3);
    C(_sub)(&out->X, &H2, &V);
    C(_sub)(&V, &V, &out->X);
    C(_mul)(&V, &V, &R);
    C(_sub)(&out->Y, &V, &H3);
}

void G(_jac_add)(JAC *out, const JAC *a, const JAC *b)
{
    COORD_TYPE za2, zb2, U1, U2, S1, S2, z;
    if (G(_jac_is_zero)(a)) {
        *out = *b;
        return;
    }
    if (G(_jac_is_zero)(b)) {
        *out = *a;
        return;
    }
    C(_sqr)(&za2, &a->Z);
    C(_sqr)(&zb2, &b->Z);
    C(_mul)(&U1, &a->X, &zb2);
    C(_mul)(&U2, &b->X, &za2);
    C(_mul)(&S1, &a->Y, &zb2);
    C(_mul)(&S1, &S1, &b->Z);
    C(_mul)(&S2, &b->Y, &za2);
    C(_mul)(&S2, &S2, &a->Z);
    if (C(_equal)(&U1, &U2)) {
        if (C(_equal)(&S1, &S2)) {
            G(_jac_dbl)(out, a);
        } else {
            G(_jac_zero)(out);
        }
        return;
    }
    C(_mul)(&z, &a->Z, &b->Z);
    G(_add_over_common_z)(out, &U1, &U2, &S1, &S2, &z);
}

void G(_jac_add_aff)(JAC *out, const JAC *a, const AFF *b)
{
    COORD_TYPE z2, U2, S2;
    if (G(_aff_is_zero)(b)) {
        *out = *a;
        return;
    }
    if (G(_jac_is_zero)(a)) {
        G(_jac_from_aff)(out, b);
        return;
    }
    C(_sqr)(&z2, &a->Z);
    C(_mul)(&U2, &b->x, &z2);
    C(_mul)(&S2, &b->y, &z2);
    C(_mul)(&S2, &S2, &a->Z);
    if (C(_equal)(&a->X, &U2)) {
        if (C(_equal)(&a->Y, &S2)) {
            G(_jac_dbl)(out, a);
        } else {
            G(_jac_zero)(out);
        }
        return;
    }
    const JAC p = *a;
    G(_add_over_common_z)(out, &p.X, &U2, &p.Y, &S2, &p.Z);
}

int G(_jac_equal)(const JAC *a, const JAC *b)
{
    COORD_TYPE za2, zb2, left, right;
    if (G(_jac_is_zero)(a) || G(_jac_is_zero)(b)) return G(_jac_is_zero)(a) && G(_jac_is_zero)(b);
    C(_sqr)(&za2, &a->Z);
    C(_sqr)(&zb2, &b->Z);
    C(_mul)(&left, &a->X, &zb2);
    C(_mul)(&right, &b->X, &za2);
    if (!C(_equal)(&left, &right)) return 0;
    C(_mul)(&zb2, &zb2, &b->Z);
    C(_mul)(&za2, &za2, &a->Z);
    C(_mul)(&left, &a->Y, &zb2);
    C(_mul)(&right, &b->Y, &za2);
    return C(_equal)(&left, &right);
}

void G(_mul_vartime)(JAC *out, const AFF *a, const uint64_t *k, int n)
{
    JAC multiples[8], sum, negated; /* 1, 2, .., 8 */
    G(_jac_from_aff)(&multiples[0], a);
    G(_jac_dbl)(&multiples[1], &multiples[0]);
    for (int i = 2; i < 8; i++) G(_jac_add_aff)(&multiples[i], &multiples[i - 1], a);
    /* k + 88..8 in base 16: a digit d stands for d - 8, which leaves no carries. The last carry is a 1
     * above all digits. */
    G(_jac_zero)(&sum);
    zkn_carry carry = 0;
    for (int i = 0; i < n; i++) (void)zkn_adc(k[i], 0x8888888888888888ULL, &carry);
    if (carry) sum = multiples[0];
    for (int i = n - 1; i >= 0; i--) {
        zkn_carry below = 0;
        uint64_t word = 0;
        for (int j = 0; j <= i; j++) word = zkn_adc(k[j], 0x8888888888888888ULL, &below);
        for (int shift = 60; shift >= 0; shift -= 4) {
            for (int doubling = 0; doubling < 4; doubling++) G(_jac_dbl)(&sum, &sum);
            const int digit = (int)(word >> shift & 15) - 8;
            if (digit > 0) G(_jac_add)(&sum, &sum, &multiples[digit - 1]);
            if (digit < 0) {
                G(_jac_neg)(&negated, &multiples[-digit - 1]);
                G(_jac_add)(&sum, &sum, &negated);
            }
        }
    }
    *out = sum;
}

#endif

#undef G
#undef C
#undef AFF
#undef JAC
#undef GROUP
#undef COORD
#undef COORD_TYPE
#undef GROUP_AFF
#undef GROUP_JAC
#undef GROUP_B
