/* Part of test_lanes.c, once per field. Parameters: FIELD, FIELD_TYPE, MODULUS (in limbs of lanes), WORDS, and SPARE, a
 * bound that elements may have. */
#define F(name)    ZKN_CAT(FIELD, name)
#define F8         ZKN_CAT(FIELD, 8)
#define LIMBS      (sizeof MODULUS / sizeof *MODULUS)
#define TEST(name) ZKN_CAT(ZKN_CAT(test_, FIELD), name)

/* a + k m, as integers: a value of bound k + 1 */
static void TEST(_raise)(F8 *a, uint64_t k)
{
    F8 multiple;
    for (size_t i = 0; i < LIMBS; i++) multiple.l[i] = lane_all(k * MODULUS[i]);
    F(8_add)(a, a, &multiple);
    F(8_carry)(a);
}

static void TEST(_sample)(FIELD_TYPE out[LANES], int round, uint64_t *seed)
{
    const size_t top = sizeof *out / sizeof *out->l - 1;
    for (int i = 0; i < LANES; i++) {
        const int kind = (round + i) % 9;
        F(_from_u64)(&out[i], next_random(seed));
        for (int k = 0; k < 5; k++) F(_sqr)(&out[i], &out[i]);
        if (kind == 0) F(_zero)(&out[i]);
        if (kind == 1) F(_one)(&out[i]);
        if (kind == 2) F(_one)(&out[i]), F(_neg)(&out[i], &out[i]);
        if (kind == 3) memcpy(out[i].l, WORDS, sizeof out[i].l), out[i].l[0]--; /* the largest form */
        if (kind == 4) out[i] = (FIELD_TYPE){{1}};
        if (kind == 5) { /* every limb full */
            memset(&out[i], 0xff, sizeof out[i]);
            out[i].l[top] = WORDS[top] - 1;
        }
    }
}

typedef void (*TEST(_scalar))(FIELD_TYPE *out, const FIELD_TYPE *a, const FIELD_TYPE *b);

static void TEST(_square)(FIELD_TYPE *out, const FIELD_TYPE *a, const FIELD_TYPE *b)
{
    (void)b;
    F(_sqr)(out, a);
}

/* Every lane of `got` is scalar(a, b). */
static void TEST(_expect)(const F8 *got, TEST(_scalar) scalar, const FIELD_TYPE a[LANES],
                          const FIELD_TYPE b[LANES])
{
    FIELD_TYPE out[LANES], expected;
    F(8_store)(out, 1, got);
    for (int i = 0; i < LANES; i++) {
        scalar(&expected, &a[i], &b[i]);
        CHECK(F(_equal)(&out[i], &expected));
    }
}

static void TEST(_lanes)(void)
{
    uint64_t seed = 3;
    for (int round = 0; round < ROUNDS; round++) {
        FIELD_TYPE a[LANES], b[LANES];
        F8 x, y, out;
        TEST(_sample)(a, round, &seed);
        TEST(_sample)(b, 2 * round + round / 9, &seed);
        F(8_load)(&x, a, 1);
        F(8_load)(&y, b, 1);
        /* forms of bound 16 into products of bounds up to 84: reduce one, then raise both to 9 */
        uint64_t one[LIMBS];
        FIELD_TYPE unit;
        F(_one)(&unit);
        F(_lane_limbs)(one, &unit);
        F(8_mul_all)(&x, &x, one);
        F(8_mul_all)(&y, &y, one);
        const uint64_t more = (uint64_t)round % 8;
        TEST(_raise)(&x, more);
        TEST(_raise)(&y, 7 - more);

        F(8_mul)(&out, &x, &y);
        TEST(_expect)(&out, F(_mul), a, b);
        TEST(_raise)(&out, SPARE - 4);
        TEST(_expect)(&out, F(_mul), a, b);
        F(8_sqr)(&out, &x);
        TEST(_expect)(&out, TEST(_square), a, b);
        F(8_add)(&out, &x, &y);
        F(8_carry)(&out);
        TEST(_expect)(&out, F(_add), a, b);
        F(8_sub)(&out, &x, &y, 9);
        F(8_carry)(&out);
        TEST(_expect)(&out, F(_sub), a, b);

        uint64_t limbs[LIMBS];
        F(_lane_limbs)(limbs, &b[0]);
        F(8_mul_all)(&out, &x, limbs);
        FIELD_TYPE first[LANES];
        for (int i = 0; i < LANES; i++) first[i] = b[0];
        TEST(_expect)(&out, F(_mul), a, first);

        ZKN_CAT(F8, _wide) sum;
        F(8_wide_zero)(&sum);
        for (int k = 0; k < 17; k++) F(8_wide_madd_all)(&sum, &x, limbs);
        F(8_wide_madd)(&sum, &x, &y);
        F(8_reduce)(&out, &sum);
        FIELD_TYPE sums[LANES], scalars[LANES];
        F(8_store)(sums, 1, &out);
        for (int i = 0; i < LANES; i++) {
            FIELD_TYPE product;
            F(_mul)(&scalars[i], &a[i], &b[i]);
            F(_mul)(&product, &a[i], &b[0]);
            for (int k = 0; k < 17; k++) F(_add)(&scalars[i], &scalars[i], &product);
            CHECK(F(_equal)(&sums[i], &scalars[i]));
        }
    }
    /* every limb of both factors at 2^52 - 1 but for the bound, which is the top limb's */
    F8 full, out;
    for (size_t i = 0; i < LIMBS; i++)
        full.l[i] = lane_all(i + 1 < LIMBS ? LANE_MASK : 9 * MODULUS[LIMBS - 1]);
    F(8_mul)(&out, &full, &full);
    CHECK(F(8_is_carried)(&out));
    F8 square;
    F(8_sqr)(&square, &full);
    for (size_t i = 0; i < LIMBS; i++) CHECK(lane_equal(square.l[i], out.l[i]) == 0xff);
}

#undef F
#undef F8
#undef TEST
#undef LIMBS
#undef SPARE
#undef FIELD
#undef FIELD_TYPE
#undef MODULUS
#undef WORDS
