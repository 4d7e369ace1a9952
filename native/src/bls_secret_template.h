/* k a for secret k: written once, included by bls_secret.c once per group (parameters as group_template.h).
 *
 * Homogeneous coordinates (X : Y : Z) = (X/Z, Y/Z), infinity (0 : 1 : 0), and formulas without exceptions on a curve of
 * odd order (Renes, Costello, Batina 2016, eprint 2015/1060, algorithms 7 and 9). */

#define G(name) ZKN_CAT(GROUP, name)
#define C(name) ZKN_CAT(COORD, name)

typedef struct {
    COORD_TYPE X, Y, Z;
} G(_complete);

static void G(_complete_add)(G(_complete) * out, const G(_complete) * a, const G(_complete) * b,
                             const COORD_TYPE *b3)
{
    COORD_TYPE t0, t1, t2, t3, t4, s, u;
    C(_mul)(&t0, &a->X, &b->X);
    C(_mul)(&t1, &a->Y, &b->Y);
    C(_mul)(&t2, &a->Z, &b->Z);
    C(_add)(&t3, &a->X, &a->Y);
    C(_add)(&s, &b->X, &b->Y);
    C(_mul)(&t3, &t3, &s);
    C(_sub)(&t3, &t3, &t0);
    C(_sub)(&t3, &t3, &t1); /* X1 Y2 + X2 Y1 */
    C(_add)(&t4, &a->Y, &a->Z);
    C(_add)(&s, &b->Y, &b->Z);
    C(_mul)(&t4, &t4, &s);
    C(_sub)(&t4, &t4, &t1);
    C(_sub)(&t4, &t4, &t2); /* Y1 Z2 + Y2 Z1 */
    C(_add)(&u, &a->X, &a->Z);
    C(_add)(&s, &b->X, &b->Z);
    C(_mul)(&u, &u, &s);
    C(_sub)(&u, &u, &t0);
    C(_sub)(&u, &u, &t2); /* X1 Z2 + X2 Z1 */
    C(_dbl)(&s, &t0);
    C(_add)(&t0, &s, &t0); /* 3 X1 X2 */
    C(_mul)(&t2, &t2, b3);
    C(_mul)(&u, &u, b3);
    C(_add)(&s, &t1, &t2);
    C(_sub)(&t1, &t1, &t2);
    C(_mul)(&t2, &t3, &t1);
    C(_mul)(&out->X, &t4, &u);
    C(_sub)(&out->X, &t2, &out->X);
    C(_mul)(&u, &u, &t0);
    C(_mul)(&t1, &t1, &s);
    C(_add)(&out->Y, &t1, &u);
    C(_mul)(&t0, &t0, &t3);
    C(_mul)(&s, &s, &t4);
    C(_add)(&out->Z, &s, &t0);
}

static void G(_complete_dbl)(G(_complete) * a, const COORD_TYPE *b3)
{
    COORD_TYPE t0, t1, t2, s, xy;
    C(_mul)(&xy, &a->X, &a->Y);
    C(_sqr)(&t0, &a->Y);
    C(_mul)(&t1, &a->Y, &a->Z);
    C(_sqr)(&t2, &a->Z);
    C(_mul)(&t2, &t2, b3);
    C(_dbl)(&s, &t0);
    C(_dbl)(&s, &s);
    C(_dbl)(&s, &s); /* 8 Y^2 */
    C(_mul)(&a->Z, &t1, &s);
    C(_mul)(&s, &s, &t2);
    C(_add)(&t1, &t0, &t2);
    C(_sub)(&t0, &t0, &t2);
    C(_dbl)(&t2, &t2);
    C(_sub)(&t0, &t0, &t2); /* Y^2 - 9 b Z^2 */
    C(_mul)(&t1, &t1, &t0);
    C(_add)(&a->Y, &s, &t1);
    C(_mul)(&t0, &t0, &xy);
    C(_dbl)(&a->X, &t0);
}

void ZKN_CAT(ZKN_CAT(zkn_bls_, GROUP), _mul_secret)(GROUP_AFF *out, const GROUP_AFF *a, const uint8_t k[32])
{
    enum { WINDOW = 4, TABLE = 1 << WINDOW };
    G(_complete) table[TABLE], sum, chosen;
    COORD_TYPE b3, inverse;
    C(_dbl)(&b3, &GROUP_B);
    C(_add)(&b3, &b3, &GROUP_B);
    C(_zero)(&table[0].X), C(_one)(&table[0].Y), C(_zero)(&table[0].Z);
    table[1] = table[0];
    if (!G(_aff_is_zero)(a)) table[1].X = a->x, table[1].Y = a->y, C(_one)(&table[1].Z);
    for (int i = 2; i < TABLE; i++) G(_complete_add)(&table[i], &table[i - 1], &table[1], &b3);
    sum = table[0];
    for (int digit = 0; digit < 64; digit++) {
        const uint64_t value = (uint64_t)k[digit / 2] >> (digit & 1 ? 0 : 4) & (TABLE - 1);
        for (int i = 0; i < WINDOW; i++) G(_complete_dbl)(&sum, &b3);
        chosen = table[0];
        for (uint64_t i = 1; i < TABLE; i++) {
            const uint64_t is_it = ((i ^ value) - 1) >> 63;
            C(_cmov)(&chosen.X, &table[i].X, is_it);
            C(_cmov)(&chosen.Y, &table[i].Y, is_it);
            C(_cmov)(&chosen.Z, &table[i].Z, is_it);
        }
        G(_complete_add)(&sum, &sum, &chosen, &b3);
    }
    C(_inv)(&inverse, &sum.Z); /* 0 for infinity, and then so are both coordinates */
    C(_mul)(&out->x, &sum.X, &inverse);
    C(_mul)(&out->y, &sum.Y, &inverse);
    zkn_wipe(&sum, sizeof sum);
    zkn_wipe(&chosen, sizeof chosen);
    zkn_wipe(&inverse, sizeof inverse);
}

#undef G
#undef C
#undef GROUP
#undef COORD
#undef COORD_TYPE
#undef GROUP_AFF
#undef GROUP_B
