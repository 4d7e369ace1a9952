/* The rows and folds of field_rows.h by mulx, adcx and adox, for four and six words. */

#ifndef ZKN_ROW_ADX
/* t <- t + a rdx, word by word. mulx leaves the flags alone, so that low halves carry through CF (adcx) and high
 * halves through OF (adox), side by side (Ozturk, Guilford, Gopal, Feghali 2012). */
#define ZKN_ROW_ADX(at, low, high)                                                                           \
    "mulx " at "(%[a]), %[lo], %[hi]\n\t"                                                                    \
    "adcx %[lo], %[" low "]\n\t"                                                                             \
    "adox %[hi], %[" high "]\n\t"
/* The last high half takes CF, which it can, being at most 2^64 - 2. The carry out of the top is left in OF, and lo
 * is 0. */
#define ZKN_ROW_LAST_ADX(at, low, high)                                                                      \
    "mulx " at "(%[a]), %[lo], %[hi]\n\t"                                                                    \
    "adcx %[lo], %[" low "]\n\t"                                                                             \
    "mov $0, %k[lo]\n\t"                                                                                     \
    "adcx %[lo], %[hi]\n\t"                                                                                  \
    "adox %[hi], %[" high "]\n\t"

/* t <- (t + rdx m) / 2^64, from the word that cancels on; the carries are left in CF and OF, and lo is 0 */
#define ZKN_FOLD_FIRST_ADX                                                                                   \
    "xor %k[lo], %k[lo]\n\t"                                                                                 \
    "mulx 0(%[m]), %[lo], %[hi]\n\t"                                                                         \
    "adcx %[t0], %[lo]\n\t"                                                                                  \
    "mov %[hi], %[t0]\n\t"                                                                                   \
    "adcx %[t1], %[t0]\n\t"
#define ZKN_FOLD_ADX(at, below, here, above)                                                                 \
    "mulx " at "(%[m]), %[lo], %[" here "]\n\t"                                                              \
    "adox %[lo], %[" below "]\n\t"                                                                           \
    "adcx %[" above "], %[" here "]\n\t"
#define ZKN_FOLD_LAST_ADX(at, below, here, above)                                                            \
    "mulx " at "(%[m]), %[lo], %[" here "]\n\t"                                                              \
    "adox %[lo], %[" below "]\n\t"                                                                           \
    "mov $0, %k[lo]\n\t"                                                                                     \
    "adcx %[" above "], %[" here "]\n\t"                                                                     \
    "adox %[lo], %[" here "]\n\t"

#define ZKN_ROW_4_ADX                                                                                        \
    "xor %k[lo], %k[lo]\n\t" ZKN_ROW_ADX("0", "t0", "t1") ZKN_ROW_ADX("8", "t1", "t2")                       \
        ZKN_ROW_ADX("16", "t2", "t3") ZKN_ROW_LAST_ADX("24", "t3", "t4")
#define ZKN_FOLD_4_ADX                                                                                       \
    ZKN_FOLD_FIRST_ADX ZKN_FOLD_ADX("8", "t0", "t1", "t2") ZKN_FOLD_ADX("16", "t1", "t2", "t3")              \
        ZKN_FOLD_LAST_ADX("24", "t2", "t3", "t4")
#define ZKN_ROW_6_ADX                                                                                        \
    "xor %k[lo], %k[lo]\n\t" ZKN_ROW_ADX("0", "t0", "t1") ZKN_ROW_ADX("8", "t1", "t2")                       \
        ZKN_ROW_ADX("16", "t2", "t3") ZKN_ROW_ADX("24", "t3", "t4") ZKN_ROW_ADX("32", "t4", "t5")            \
            ZKN_ROW_LAST_ADX("40", "t5", "t6")
#define ZKN_FOLD_6_ADX                                                                                       \
    ZKN_FOLD_FIRST_ADX ZKN_FOLD_ADX("8", "t0", "t1", "t2") ZKN_FOLD_ADX("16", "t1", "t2", "t3")              \
        ZKN_FOLD_ADX("24", "t2", "t3", "t4") ZKN_FOLD_ADX("32", "t3", "t4", "t5")                            \
            ZKN_FOLD_LAST_ADX("40", "t4", "t5", "t6")
#endif

#define F_HAS_ROWS

#if FIELD_LIMBS == 4

#define F_HAS_LONG

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
    __asm__(ZKN_ROW_4_ADX
            : [t0] "+&r"(t[0]), [t1] "+&r"(t[1]), [t2] "+&r"(t[2]), [t3] "+&r"(t[3]), [t4] "+&r"(t[4]),
              [lo] "=&r"(lo), [hi] "=&r"(hi)
            : [a] "r"(a->l), "d"(b), "m"(*a)
            : "cc");
}

static inline ZKN_INLINE void F(_row_long)(uint64_t t[F_N + 2], const F_T *a, uint64_t b)
{
    uint64_t lo, hi;
    __asm__(ZKN_ROW_4_ADX "adox %[lo], %[t5]\n\t"
            : [t0] "+&r"(t[0]), [t1] "+&r"(t[1]), [t2] "+&r"(t[2]), [t3] "+&r"(t[3]), [t4] "+&r"(t[4]),
              [t5] "+&r"(t[5]), [lo] "=&r"(lo), [hi] "=&r"(hi)
            : [a] "r"(a->l), "d"(b), "m"(*a)
            : "cc");
}

/* t <- (t + q m) / 2^64 for the q that makes it whole; t[4] <- 0 */
static inline ZKN_INLINE void F(_fold)(uint64_t t[F_N + 2])
{
    uint64_t lo, hi;
    __asm__(ZKN_FOLD_4_ADX
            : [t0] "+&r"(t[0]), [t1] "+&r"(t[1]), [t2] "+&r"(t[2]), [t3] "+&r"(t[3]), [lo] "=&r"(lo),
              [hi] "=&r"(hi)
            : [t4] "r"(t[4]), [m] "r"(F_M), "d"(t[0] * F_N0), "m"(F_M)
            : "cc");
    t[4] = 0;
}

static inline ZKN_INLINE void F(_fold_long)(uint64_t t[F_N + 2])
{
    uint64_t lo, hi;
    __asm__(ZKN_FOLD_4_ADX "adcx %[lo], %[t5]\n\t"
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
_Static_assert(FIELD_LIMBS == 6, "rows of four and six words");

/* The same for six words. Their squares would need more registers than there are. */
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
            "mulx 32(%[a]), %[lo], %[t5]\n\t"
            "adc %[lo], %[t4]\n\t"
            "mulx 40(%[a]), %[lo], %[t6]\n\t"
            "adc %[lo], %[t5]\n\t"
            "adc $0, %[t6]\n\t"
            : [t0] "=&r"(t[0]), [t1] "=&r"(t[1]), [t2] "=&r"(t[2]), [t3] "=&r"(t[3]), [t4] "=&r"(t[4]),
              [t5] "=&r"(t[5]), [t6] "=&r"(t[6]), [lo] "=&r"(lo)
            : [a] "r"(a->l), "d"(b), "m"(*a)
            : "cc");
    t[7] = 0;
}

static inline ZKN_INLINE void F(_row)(uint64_t t[F_N + 2], const F_T *a, uint64_t b)
{
    uint64_t lo, hi;
    __asm__(ZKN_ROW_6_ADX
            : [t0] "+&r"(t[0]), [t1] "+&r"(t[1]), [t2] "+&r"(t[2]), [t3] "+&r"(t[3]), [t4] "+&r"(t[4]),
              [t5] "+&r"(t[5]), [t6] "+&r"(t[6]), [lo] "=&r"(lo), [hi] "=&r"(hi)
            : [a] "r"(a->l), "d"(b), "m"(*a)
            : "cc");
}

static inline ZKN_INLINE void F(_fold)(uint64_t t[F_N + 2])
{
    uint64_t lo, hi;
    __asm__(ZKN_FOLD_6_ADX
            : [t0] "+&r"(t[0]), [t1] "+&r"(t[1]), [t2] "+&r"(t[2]), [t3] "+&r"(t[3]), [t4] "+&r"(t[4]),
              [t5] "+&r"(t[5]), [lo] "=&r"(lo), [hi] "=&r"(hi)
            : [t6] "r"(t[6]), [m] "r"(F_M), "d"(t[0] * F_N0), "m"(F_M)
            : "cc");
    t[6] = 0;
}

#endif
