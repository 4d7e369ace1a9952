/* The steps that Montgomery products of one field are made of; included by field_template.h.
 *
 * The accumulator t has F_N + 2 words. A row adds a times one word of b; a fold adds the multiple of the
 * modulus that clears the lowest word, and drops that word. F_N rounds of k rows and one fold leave the sum
 * of k products over R = 2^(64 F_N): coarsely integrated operand scanning (Koc, Acar, Kaliski 1996), for k > 1
 * with one reduction for all (Longa 2022, eprint 2022/367, algorithm 2).
 *
 * Bounds, with c = m / R < 0.1891 for both fields and a, b < m: by induction t < (k + 1) m after each fold, as
 * t + k m 2^64 + m 2^64 over 2^64 is below that again. So for k <= F_SHORT = 4 t stays below 5 c R 2^64 <
 * R 2^64 within a round and below R after it: F_N + 1 words hold it, and those steps leave the last word alone.
 * The long steps carry into it. The sum at the end is below k m^2 / R + m = (c k + 1) m. */

#define F_SHORT 4

#if ZKN_HAS_ADX && FIELD_LIMBS == 4

#ifndef ZKN_ROW_ADX
/* t0 .. t4 <- t + a rdx. mulx leaves the flags alone, so that low halves carry through CF (adcx) and high halves
 * through OF (adox), side by side (Ozturk, Guilford, Gopal, Feghali 2012). The last high half takes CF, which it
 * can, being at most 2^64 - 2. The carry out of t4 is left in OF, and lo is 0. */
#define ZKN_ROW_ADX                                                                                          \
    "xor %k[lo], %k[lo]\n\t"                                                                                 \
    "mulx 0(%[a]), %[lo], %[hi]\n\t"                                                                         \
    "adcx %[lo], %[t0]\n\t"                                                                                  \
    "adox %[hi], %[t1]\n\t"                                                                                  \
    "mulx 8(%[a]), %[lo], %[hi]\n\t"                                                                         \
    "adcx %[lo], %[t1]\n\t"                                                                                  \
    "adox %[hi], %[t2]\n\t"                                                                                  \
    "mulx 16(%[a]), %[lo], %[hi]\n\t"                                                                        \
    "adcx %[lo], %[t2]\n\t"                                                                                  \
    "adox %[hi], %[t3]\n\t"                                                                                  \
    "mulx 24(%[a]), %[lo], %[hi]\n\t"                                                                        \
    "adcx %[lo], %[t3]\n\t"                                                                                  \
    "mov $0, %k[lo]\n\t"                                                                                     \
    "adcx %[lo], %[hi]\n\t"                                                                                  \
    "adox %[hi], %[t4]\n\t"

/* t0 .. t3 <- (t + rdx m) / 2^64 modulo R; the carries are left in CF and OF, and lo is 0 */
#define ZKN_FOLD_ADX                                                                                         \
    "xor %k[lo], %k[lo]\n\t"                                                                                 \
    "mulx 0(%[m]), %[lo], %[hi]\n\t"                                                                         \
    "adcx %[t0], %[lo]\n\t" /* the word that cancels */                                                      \
    "mov %[hi], %[t0]\n\t"                                                                                   \
    "adcx %[t1], %[t0]\n\t"                                                                                  \
    "mulx 8(%[m]), %[lo], %[t1]\n\t"                                                                         \
    "adox %[lo], %[t0]\n\t"                                                                                  \
    "adcx %[t2], %[t1]\n\t"                                                                                  \
    "mulx 16(%[m]), %[lo], %[t2]\n\t"                                                                        \
    "adox %[lo], %[t1]\n\t"                                                                                  \
    "adcx %[t3], %[t2]\n\t"                                                                                  \
    "mulx 24(%[m]), %[lo], %[t3]\n\t"                                                                        \
    "adox %[lo], %[t2]\n\t"                                                                                  \
    "mov $0, %k[lo]\n\t"                                                                                     \
    "adcx %[t4], %[t3]\n\t"                                                                                  \
    "adox %[lo], %[t3]\n\t"
#endif

/* t <- a b */
static inline ZKN_INLINE void F(_row_first)(uint64_t t[F_N + 2], const F_T *a, uint64_t b)
{
    uint64_t lo;
    __asm__("mulx 0(%[a]), %[t0], %[t1]\n\t"
            "mulx 8(%[a]), %[lo], %[t2]\n\t"
            "add %[lo], %[t1]\n\t"
            "mulx 16(%[a]), %[lo], %[t3]\n\t"
            "adc %[lo], %[t2]\n\t"
            "mulx 24(%[a]), %[lo], %[t4]\n\t"
            "adc %[lo], %[t3]\n\t"
            "adc $0, %[t4]\n\t"
            : [t0] "=&r"(t[0]), [t1] "=&r"(t[1]), [t2] "=&r"(t[2]), [t3] "=&r"(t[3]), [t4] "=&r"(t[4]),
              [lo] "=&r"(lo)
            : [a] "r"(a->l), "d"(b), "m"(*a)
            : "cc");
    t[5] = 0;
}

/* t <- t + a b */
static inline ZKN_INLINE void F(_row)(uint64_t t[F_N + 2], const F_T *a, uint64_t b)
{
    uint64_t lo, hi;
    __asm__(ZKN_ROW_ADX
            : [t0] "+&r"(t[0]), [t1] "+&r"(t[1]), [t2] "+&r"(t[2]), [t3] "+&r"(t[3]), [t4] "+&r"(t[4]),
              [lo] "=&r"(lo), [hi] "=&r"(hi)
            : [a] "r"(a->l), "d"(b), "m"(*a)
            : "cc");
}

static inline ZKN_INLINE void F(_row_long)(uint64_t t[F_N + 2], const F_T *a, uint64_t b)
{
    uint64_t lo, hi;
    __asm__(ZKN_ROW_ADX "adox %[lo], %[t5]\n\t"
            : [t0] "+&r"(t[0]), [t1] "+&r"(t[1]), [t2] "+&r"(t[2]), [t3] "+&r"(t[3]), [t4] "+&r"(t[4]),
              [t5] "+&r"(t[5]), [lo] "=&r"(lo), [hi] "=&r"(hi)
            : [a] "r"(a->l), "d"(b), "m"(*a)
            : "cc");
}

/* t <- (t + q m) / 2^64 for the q that makes it whole; t[4] <- 0 */
static inline ZKN_INLINE void F(_fold)(uint64_t t[F_N + 2])
{
    uint64_t lo, hi;
    __asm__(ZKN_FOLD_ADX
            : [t0] "+&r"(t[0]), [t1] "+&r"(t[1]), [t2] "+&r"(t[2]), [t3] "+&r"(t[3]), [lo] "=&r"(lo),
              [hi] "=&r"(hi)
            : [t4] "r"(t[4]), [m] "r"(F_M), "d"(t[0] * F_N0), "m"(F_M)
            : "cc");
    t[4] = 0;
}

static inline ZKN_INLINE void F(_fold_long)(uint64_t t[F_N + 2])
{
    uint64_t lo, hi;
    __asm__(ZKN_FOLD_ADX "adcx %[lo], %[t5]\n\t"
                         "adox %[lo], %[t5]\n\t"
            : [t0] "+&r"(t[0]), [t1] "+&r"(t[1]), [t2] "+&r"(t[2]), [t3] "+&r"(t[3]), [t5] "+&r"(t[5]),
              [lo] "=&r"(lo), [hi] "=&r"(hi)
            : [t4] "r"(t[4]), [m] "r"(F_M), "d"(t[0] * F_N0), "m"(F_M)
            : "cc");
    t[4] = t[5];
    t[5] = 0;
}

/* t <- a^2, all 2 F_N words: six products above the diagonal, doubled on one chain while the four squares come
 * in on the other. */
static inline ZKN_INLINE void F(_square_wide)(uint64_t t[2 * F_N], const F_T *a)
{
    uint64_t lo;
    __asm__("mov 0(%[a]), %%rdx\n\t"
            "mulx 8(%[a]), %[t1], %[t2]\n\t"
            "mulx 16(%[a]), %[lo], %[t3]\n\t"
            "add %[lo], %[t2]\n\t"
            "mulx 24(%[a]), %[lo], %[t4]\n\t"
            "adc %[lo], %[t3]\n\t"
            "adc $0, %[t4]\n\t"
            "mov 8(%[a]), %%rdx\n\t"
            "xor %k[t5], %k[t5]\n\t"
            "mulx 16(%[a]), %[lo], %[t0]\n\t"
            "adcx %[lo], %[t3]\n\t"
            "adox %[t0], %[t4]\n\t"
            "mulx 24(%[a]), %[lo], %[t0]\n\t"
            "adcx %[lo], %[t4]\n\t"
            "adox %[t0], %[t5]\n\t"
            "adc $0, %[t5]\n\t"
            "mov 16(%[a]), %%rdx\n\t"
            "mulx 24(%[a]), %[lo], %[t6]\n\t"
            "add %[lo], %[t5]\n\t"
            "adc $0, %[t6]\n\t"
            "mov 0(%[a]), %%rdx\n\t"
            "xor %k[lo], %k[lo]\n\t"
            "mulx %%rdx, %[t0], %[t7]\n\t"
            "adcx %[t1], %[t1]\n\t"
            "adox %[t7], %[t1]\n\t"
            "mov 8(%[a]), %%rdx\n\t"
            "mulx %%rdx, %[lo], %[t7]\n\t"
            "adcx %[t2], %[t2]\n\t"
            "adox %[lo], %[t2]\n\t"
            "adcx %[t3], %[t3]\n\t"
            "adox %[t7], %[t3]\n\t"
            "mov 16(%[a]), %%rdx\n\t"
            "mulx %%rdx, %[lo], %[t7]\n\t"
            "adcx %[t4], %[t4]\n\t"
            "adox %[lo], %[t4]\n\t"
            "adcx %[t5], %[t5]\n\t"
            "adox %[t7], %[t5]\n\t"
            "mov 24(%[a]), %%rdx\n\t"
            "mulx %%rdx, %[lo], %[t7]\n\t"
            "adcx %[t6], %[t6]\n\t"
            "adox %[lo], %[t6]\n\t"
            "mov $0, %k[lo]\n\t"
            "adcx %[lo], %[t7]\n\t"
            "adox %[lo], %[t7]\n\t"
            : [t0] "=&r"(t[0]), [t1] "=&r"(t[1]), [t2] "=&r"(t[2]), [t3] "=&r"(t[3]), [t4] "=&r"(t[4]),
              [t5] "=&r"(t[5]), [t6] "=&r"(t[6]), [t7] "=&r"(t[7]), [lo] "=&r"(lo)
            : [a] "r"(a->l), "m"(*a)
            : "rdx", "cc");
}

#else

/* t <- t + a b; the row first, then one carry chain: the form that compilers keep in registers */
static inline ZKN_INLINE void F(_row)(uint64_t t[F_N + 2], const F_T *a, uint64_t b)
{
    uint64_t row[F_N], high = 0;
    zkn_carry carry = 0;
    ZKN_UNROLL
    for (int j = 0; j < F_N; j++) row[j] = zkn_mul_add(a->l[j], b, &high);
    ZKN_UNROLL
    for (int j = 0; j < F_N; j++) t[j] = zkn_adc(t[j], row[j], &carry);
    t[F_N] = zkn_adc(t[F_N], high, &carry);
    ZKN_ASSERT(carry == 0);
}

static inline ZKN_INLINE void F(_row_first)(uint64_t t[F_N + 2], const F_T *a, uint64_t b)
{
    t[F_N] = t[F_N + 1] = 0;
    ZKN_UNROLL
    for (int j = 0; j < F_N; j++) t[j] = zkn_mul_add(a->l[j], b, &t[F_N]);
}

static inline ZKN_INLINE void F(_row_long)(uint64_t t[F_N + 2], const F_T *a, uint64_t b)
{
    uint64_t row[F_N], high = 0;
    zkn_carry carry = 0;
    ZKN_UNROLL
    for (int j = 0; j < F_N; j++) row[j] = zkn_mul_add(a->l[j], b, &high);
    ZKN_UNROLL
    for (int j = 0; j < F_N; j++) t[j] = zkn_adc(t[j], row[j], &carry);
    t[F_N] = zkn_adc(t[F_N], high, &carry);
    t[F_N + 1] += carry;
}

/* t <- (t + q m) / 2^64 for the q that makes it whole; t[F_N] <- 0 */
static inline ZKN_INLINE void F(_fold_long)(uint64_t t[F_N + 2])
{
    const uint64_t q = t[0] * F_N0;
    uint64_t row[F_N], high = 0;
    zkn_carry carry = 0;
    ZKN_UNROLL
    for (int j = 0; j < F_N; j++) row[j] = zkn_mul_add(F_M[j], q, &high);
    (void)zkn_adc(t[0], row[0], &carry); /* the word that cancels */
    ZKN_UNROLL
    for (int j = 1; j < F_N; j++) t[j - 1] = zkn_adc(t[j], row[j], &carry);
    t[F_N - 1] = zkn_adc(t[F_N], high, &carry);
    t[F_N] = t[F_N + 1] + carry;
    t[F_N + 1] = 0;
}

static inline ZKN_INLINE void F(_fold)(uint64_t t[F_N + 2])
{
    t[F_N + 1] = 0; /* as it is; said so that the compiler drops it */
    F(_fold_long)(t);
    ZKN_ASSERT(t[F_N] == 0);
    t[F_N] = 0;
}

/* t <- a^2, all 2 F_N words: the products above the diagonal, doubled, and the squares. */
static inline ZKN_INLINE void F(_square_wide)(uint64_t t[2 * F_N], const F_T *a)
{
    zkn_carry carry = 0;
    ZKN_UNROLL
    for (int i = 0; i < 2 * F_N; i++) t[i] = 0;
    ZKN_UNROLL
    for (int i = 0; i < F_N - 1; i++) {
        uint64_t high = 0;
        ZKN_UNROLL
        for (int j = i + 1; j < F_N; j++) {
            const zkn_u128 sum = (zkn_u128)a->l[i] * a->l[j] + t[i + j] + high; /* below 2^128 */
            t[i + j] = (uint64_t)sum;
            high = (uint64_t)(sum >> 64);
        }
        t[i + F_N] = high;
    }
    ZKN_UNROLL
    for (int i = 2 * F_N - 1; i > 0; i--) t[i] = t[i] << 1 | t[i - 1] >> 63;
    ZKN_UNROLL
    for (int i = 0; i < F_N; i++) {
        uint64_t high = 0;
        const uint64_t low = zkn_mul_add(a->l[i], a->l[i], &high);
        t[2 * i] = zkn_adc(t[2 * i], low, &carry);
        t[2 * i + 1] = zkn_adc(t[2 * i + 1], high, &carry);
    }
}

#endif

/* out <- sum over the terms of a[pick[j]] b[j] / R mod m, with one reduction. Inlined: terms, k and pick are
 * constants. k counts the terms, those with a factor left unreduced as the number of m^2 they may reach. It is at
 * most 17, and then one conditional subtraction for every five leaves it below 2 m (field_rows.h). */
static inline ZKN_INLINE void F(_sum_products)(F_T *out, const F_T *a, const uint8_t *pick, const F_T *b,
                                               int terms, int k)
{
    uint64_t t[F_N + 2];
    ZKN_UNROLL
    for (int i = 0; i < F_N; i++) {
        ZKN_UNROLL
        for (int j = 0; j < terms; j++) {
            if (i == 0 && j == 0) {
                F(_row_first)(t, &a[pick[j]], b[j].l[0]);
            } else if (k <= F_SHORT) {
                F(_row)(t, &a[pick[j]], b[j].l[i]);
            } else {
                F(_row_long)(t, &a[pick[j]], b[j].l[i]);
            }
        }
        if (k <= F_SHORT) {
            F(_fold)(t);
        } else {
            F(_fold_long)(t);
        }
    }
    for (int reduced = 5; reduced < k; reduced += 5) F(_subtract_once)(t);
    F(_reduce_once)(out, t);
}

static const uint8_t F(_in_order)[] = {0, 1, 2, 3, 4, 5};
