/* Groups, sums of lists, multi-scalar and fixed-base products, by repeated addition; and points off the groups. */
#include "check.h"
#include "digits.h"
#include "group.h"
#include "lists.h"

#include <stdlib.h>
#include <string.h>

static uint64_t state = 3;

static void random_fr(zkn_fr *out)
{
    uint64_t words[4];
    for (int k = 0; k < 4; k++) words[k] = next_random(&state);
    words[3] >>= 3;
    fr_from_canonical(out, words);
}

/* out <- sum_i digit_i 2^(ci) of a size */
static void from_digits(zkn_fr *out, const uint64_t *size, unsigned words, unsigned bits, unsigned c)
{
    zkn_fr digit, radix;
    fr_zero(out);
    fr_from_u64(&radix, (uint64_t)1 << c);
    for (unsigned i = zkn_digit_windows(bits, c); i-- > 0;) {
        const uint32_t code = zkn_digit(size, words, i, c);
        CHECK(code >> 1 <= (uint32_t)1 << (c - 1));
        fr_from_u64(&digit, code >> 1);
        if (code & 1) fr_neg(&digit, &digit);
        fr_mul(out, out, &radix);
        fr_add(out, out, &digit);
    }
}

/* Digits, and digits of both halves, sum to the scalar: for windows of every width and scalars at their ends. */
static void digits(void)
{
    for (unsigned c = 2; c <= ZKN_DIGIT_BITS_MAX; c++) {
        for (int round = 0; round < 60; round++) {
            zkn_fr s, sum, half;
            uint64_t size[4], low[2], high[2], words[4] = {0};
            if (round < 6) {
                fr_from_u64(&s, (uint64_t)round / 2);
            } else if (round < 40) {
                for (unsigned i = (unsigned)round % c; i < 252; i += c)
                    words[i / 64] |= (uint64_t)1 << i % 64;
                fr_from_canonical(&s, words);
            } else if (round < 50) { /* around r/2, where sizes are largest */
                for (int k = 0; k < 4; k++)
                    words[k] = FR_MODULUS[k] >> 1 | (k < 3 ? FR_MODULUS[k + 1] << 63 : 0);
                words[0] += (uint64_t)round - 45;
                fr_from_canonical(&s, words);
            } else {
                random_fr(&s);
            }
            if (round & 1) fr_neg(&s, &s);
            const unsigned opposite = zkn_size_of(size, &s);
            from_digits(&sum, size, 4, ZKN_SIZE_BITS, c);
            if (opposite) fr_neg(&sum, &sum);
            CHECK(fr_equal(&sum, &s));
            const unsigned negative = zkn_split_size(low, high, size);
            from_digits(&half, high, 2, ZKN_HALF_BITS, c);
            fr_mul(&half, &half, &FR_CUBE_ROOT);
            if (negative) fr_neg(&half, &half);
            from_digits(&sum, low, 2, ZKN_HALF_BITS, c);
            fr_add(&sum, &sum, &half);
            if (opposite) fr_neg(&sum, &sum);
            CHECK(fr_equal(&sum, &s));
        }
    }
}

#define TEST_GROUP(G, AFF, JAC, GENERATOR)                                                                   \
    static void G##_product_by_doubling(AFF *out, const AFF *a, const zkn_fr *s)                             \
    {                                                                                                        \
        uint64_t k[4];                                                                                       \
        JAC sum;                                                                                             \
        fr_to_canonical(k, s);                                                                               \
        G##_jac_zero(&sum);                                                                                  \
        for (int bit = 255; bit >= 0; bit--) {                                                               \
            G##_jac_dbl(&sum, &sum);                                                                         \
            if (k[bit / 64] >> bit % 64 & 1) G##_jac_add_aff(&sum, &sum, a);                                 \
        }                                                                                                    \
        G##_jac_to_aff(out, &sum);                                                                           \
    }                                                                                                        \
                                                                                                             \
    static int G##_same(const AFF *a, const AFF *b)                                                          \
    {                                                                                                        \
        return memcmp(a, b, sizeof *a) == 0;                                                                 \
    }                                                                                                        \
                                                                                                             \
    /* multiples[k] <- k G */                                                                                \
    static void G##_multiples(AFF *multiples, size_t n)                                                      \
    {                                                                                                        \
        JAC sum;                                                                                             \
        G##_jac_zero(&sum);                                                                                  \
        for (size_t k = 0; k < n; k++) {                                                                     \
            G##_jac_to_aff(&multiples[k], &sum);                                                             \
            CHECK(G##_aff_is_on_curve(&multiples[k]));                                                       \
            G##_jac_add_aff(&sum, &sum, &GENERATOR);                                                         \
        }                                                                                                    \
    }                                                                                                        \
                                                                                                             \
    static void G##_additions(void)                                                                          \
    {                                                                                                        \
        enum { N = 9 };                                                                                      \
        AFF p[2 * N], sum, neg, again;                                                                       \
        JAC a, b, c, scaled;                                                                                 \
        G##_multiples(p, 2 * N);                                                                             \
        for (size_t i = 0; i < N; i++) {                                                                     \
            for (size_t j = 0; j < N; j++) {                                                                 \
                G##_jac_from_aff(&a, &p[i]), G##_jac_from_aff(&b, &p[j]);                                    \
                /* the same point with another Z */                                                          \
                G##_jac_add_aff(&scaled, &b, &p[1]), G##_aff_neg(&neg, &p[1]);                               \
                G##_jac_add_aff(&scaled, &scaled, &neg);                                                     \
                CHECK(G##_jac_equal(&scaled, &b));                                                           \
                G##_jac_add(&c, &a, &b), G##_jac_to_aff(&sum, &c);                                           \
                CHECK(G##_same(&sum, &p[i + j]));                                                            \
                G##_jac_add(&c, &a, &scaled), G##_jac_to_aff(&sum, &c);                                      \
                CHECK(G##_same(&sum, &p[i + j]));                                                            \
                G##_jac_add(&c, &scaled, &a), G##_jac_to_aff(&sum, &c);                                      \
                CHECK(G##_same(&sum, &p[i + j]));                                                            \
                G##_jac_add_aff(&c, &scaled, &p[i]), G##_jac_to_aff(&sum, &c);                               \
                CHECK(G##_same(&sum, &p[i + j]));                                                            \
                G##_jac_neg(&c, &scaled), G##_jac_add(&c, &c, &b);                                           \
                CHECK(G##_jac_is_zero(&c));                                                                  \
                G##_jac_dbl(&c, &scaled), G##_jac_to_aff(&sum, &c);                                          \
                CHECK(G##_same(&sum, &p[2 * j]));                                                            \
                CHECK(G##_jac_equal(&a, &scaled) == (i == j));                                               \
                const uint64_t k = i;                                                                        \
                G##_mul_vartime(&c, &p[1], &k, 1), G##_jac_to_aff(&sum, &c);                                 \
                CHECK(G##_same(&sum, &p[i]));                                                                \
                zkn_##G##_vec_add(&again, &p[i], &p[j], 1);                                                  \
                CHECK(G##_same(&again, &p[i + j]));                                                          \
                G##_aff_neg(&neg, &p[j]), zkn_##G##_vec_add(&again, &p[i + j], &neg, 1);                     \
                CHECK(G##_same(&again, &p[i]));                                                              \
            }                                                                                                \
        }                                                                                                    \
        G##_mul_vartime(&c, &p[1], FR_MODULUS, 4);                                                           \
        CHECK(G##_jac_is_zero(&c));                                                                          \
        const uint64_t ones[4] = {~(uint64_t)0, ~(uint64_t)0, ~(uint64_t)0, ~(uint64_t)0};                   \
        G##_mul_vartime(&c, &p[1], ones, 4), G##_jac_add_aff(&c, &c, &p[1]); /* 2^256 */                     \
        G##_jac_from_aff(&a, &p[1]);                                                                         \
        for (int i = 0; i < 256; i++) G##_jac_dbl(&a, &a);                                                   \
        CHECK(G##_jac_equal(&a, &c));                                                                        \
    }                                                                                                        \
                                                                                                             \
    /* Lists of every length around a tile, of points that double, cancel and vanish. */                     \
    static void G##_lists(void)                                                                              \
    {                                                                                                        \
        enum { N = 12, LISTS = 7 };                                                                          \
        static const uint32_t length[LISTS] = {0, 1, 2, 5, ZKN_LIST_TILE - 3, 0, 2 * ZKN_LIST_TILE + 1};     \
        AFF p[N], out[LISTS], expected;                                                                      \
        G##_list_room room;                                                                                  \
        zkn_scratch measure = {NULL, 0};                                                                     \
        G##_multiples(p, N);                                                                                 \
        G##_list_room_take(&room, &measure);                                                                 \
        zkn_scratch s = {malloc(measure.used), 0};                                                           \
        G##_list_room_take(&room, &s);                                                                       \
        uint32_t *item = malloc(4 * ZKN_LIST_TILE * sizeof *item), offset[LISTS + 1] = {0};                  \
        int64_t total[LISTS] = {0};                                                                          \
        for (size_t k = 0; k < LISTS; k++) {                                                                 \
            offset[k + 1] = offset[k] + length[k];                                                           \
            for (uint32_t i = offset[k]; i < offset[k + 1]; i++) {                                           \
                const uint32_t value = (uint32_t)(next_random(&state) % N),                                  \
                               negate = next_random(&state) & 1;                                             \
                item[i] = value | (negate ? ZKN_LIST_NEGATE : 0);                                            \
                total[k] += negate ? -(int64_t)value : (int64_t)value;                                       \
            }                                                                                                \
        }                                                                                                    \
        G##_sum_lists_vartime(out, p, item, offset, LISTS, &room);                                           \
        for (size_t k = 0; k < LISTS; k++) {                                                                 \
            const uint64_t size = (uint64_t)(total[k] < 0 ? -total[k] : total[k]);                           \
            JAC sum;                                                                                         \
            G##_mul_vartime(&sum, &GENERATOR, &size, 1);                                                     \
            if (total[k] < 0) G##_jac_neg(&sum, &sum);                                                       \
            G##_jac_to_aff(&expected, &sum);                                                                 \
            CHECK(G##_same(&out[k], &expected));                                                             \
        }                                                                                                    \
        free(item);                                                                                          \
        free(s.base);                                                                                        \
    }                                                                                                        \
                                                                                                             \
    /* More lists than are sorted at once, and one more of more parts than wait. */                          \
    static void G##_many_lists(void)                                                                         \
    {                                                                                                        \
        enum { N = 12, LISTS = 4200, MOST = 3 * N, LONG = 1032 * 64 + 3 };                                   \
        AFF p[MOST], *out = malloc((LISTS + 1) * sizeof *out), expected;                                     \
        uint32_t *item = malloc((3 * LISTS + LONG) * sizeof *item),                                          \
                 *offset = calloc(LISTS + 2, sizeof *offset);                                                \
        int *total = calloc(LISTS + 1, sizeof *total);                                                       \
        G##_list_room room;                                                                                  \
        zkn_scratch measure = {NULL, 0};                                                                     \
        G##_multiples(p, MOST);                                                                              \
        G##_list_room_take(&room, &measure);                                                                 \
        zkn_scratch s = {malloc(measure.used), 0};                                                           \
        G##_list_room_take(&room, &s);                                                                       \
        for (uint32_t k = 0; k <= LISTS; k++) {                                                              \
            offset[k + 1] = offset[k] + (k == LISTS / 2 ? LONG : k % 4);                                     \
            for (uint32_t i = offset[k]; i < offset[k + 1]; i++) {                                           \
                /* of the long list, what follows cancels what went before */                                \
                const int again = k == LISTS / 2 && (i - offset[k]) % 64 >= 32;                              \
                const uint32_t value = (uint32_t)(next_random(&state) % N),                                  \
                               negate = (uint32_t)(next_random(&state) & 1) << 31;                           \
                item[i] = again ? item[i - 32] ^ ZKN_LIST_NEGATE : value | negate;                           \
                total[k] += item[i] & ZKN_LIST_NEGATE ? -(int)(item[i] & ~ZKN_LIST_NEGATE) : (int)item[i];   \
            }                                                                                                \
        }                                                                                                    \
        G##_sum_lists_vartime(out, p, item, offset, LISTS + 1, &room);                                       \
        for (size_t k = 0; k <= LISTS; k++) {                                                                \
            const int size = abs(total[k]);                                                                  \
            CHECK(size < MOST);                                                                              \
            expected = p[size];                                                                              \
            if (total[k] < 0) G##_aff_neg(&expected, &expected);                                             \
            CHECK(G##_same(&out[k], &expected));                                                             \
        }                                                                                                    \
        free(out), free(item), free(offset), free(total), free(s.base);                                      \
    }                                                                                                        \
                                                                                                             \
    static void G##_transforms(void)                                                                         \
    {                                                                                                        \
        enum { MOST = 256 };                                                                                 \
        static AFF p[MOST];                                                                                  \
        static zkn_fr s[MOST], twiddles[MOST / 2];                                                           \
        AFF base = GENERATOR, expected;                                                                      \
        unsigned threads = 0;                                                                                \
        for (size_t n = 1; n <= MOST; n *= 2, threads = (threads + 1) % 4) {                                 \
            for (size_t i = 0; i < n; i++) {                                                                 \
                random_fr(&s[i]);                                                                            \
                if (i % 7 == 3) s[i] = s[i / 2];                                                             \
                if (i % 11 == 5) fr_zero(&s[i]);                                                             \
                G##_product_by_doubling(&p[i], &base, &s[i]);                                                \
            }                                                                                                \
            CHECK(zkn_fr_ntt_twiddles(twiddles, n > 1 ? n / 2 : 1) == ZKN_OK);                               \
            void *scratch = malloc(zkn_##G##_intt_scratch_size(threads));                                    \
            CHECK(zkn_##G##_intt_vartime(p, n, twiddles, threads, scratch) == ZKN_OK);                       \
            CHECK(zkn_##G##_intt_vartime(p, 3, twiddles, threads, scratch) == ZKN_BAD_LENGTH);               \
            free(scratch);                                                                                   \
            CHECK(zkn_fr_intt(s, n, twiddles, 1) == ZKN_OK);                                                 \
            for (size_t i = 0; i < n; i++) {                                                                 \
                G##_product_by_doubling(&expected, &base, &s[i]);                                            \
                CHECK(G##_same(&p[i], &expected));                                                           \
            }                                                                                                \
        }                                                                                                    \
    }                                                                                                        \
                                                                                                             \
    static void G##_products(void)                                                                           \
    {                                                                                                        \
        enum { N = 150 };                                                                                    \
        static const size_t sizes[] = {0, 1, 2, 3, 8, 9, 31, N};                                             \
        AFF p[N], product[N], sum, base = GENERATOR;                                                         \
        zkn_fr s[N];                                                                                         \
        G##_multiples(p, N);                                                                                 \
        for (size_t i = 0; i < N; i++) {                                                                     \
            if (i % 4 == 0) {                                                                                \
                fr_from_u64(&s[i], i % 3);                                                                   \
            } else {                                                                                         \
                random_fr(&s[i]);                                                                            \
            }                                                                                                \
            if (i % 5 == 0) fr_neg(&s[i], &s[i]);                                                            \
        }                                                                                                    \
        for (size_t i = 0; i < N; i++) G##_product_by_doubling(&product[i], &p[i], &s[i]);                   \
        for (unsigned threads = 0; threads <= 3; threads++) {                                                \
            AFF each[N];                                                                                     \
            void *scratch = malloc(zkn_##G##_vec_mul_scratch_size(N, threads));                              \
            CHECK(zkn_##G##_vec_mul_vartime(each, p, s, N, N, threads, scratch) == ZKN_OK);                  \
            CHECK(memcmp(each, product, sizeof each) == 0);                                                  \
            CHECK(zkn_##G##_vec_mul_vartime(each, p, s, 8, 8, threads, NULL) == ZKN_OK);                     \
            CHECK(memcmp(each, product, sizeof each) == 0);                                                  \
            CHECK(zkn_##G##_vec_mul_vartime(each, each, s + 1, 1, N, threads, scratch) == ZKN_OK);           \
            AFF twice;                                                                                       \
            G##_product_by_doubling(&twice, &product[N - 1], &s[1]);                                         \
            CHECK(G##_same(&each[N - 1], &twice));                                                           \
            CHECK(zkn_##G##_vec_mul_vartime(each, p, s, 2, N, threads, scratch) == ZKN_BAD_LENGTH);          \
            free(scratch);                                                                                   \
        }                                                                                                    \
        for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {                                          \
            const size_t n = sizes[k];                                                                       \
            JAC expected;                                                                                    \
            AFF expected_aff;                                                                                \
            G##_jac_zero(&expected);                                                                         \
            for (size_t i = 0; i < n; i++) G##_jac_add_aff(&expected, &expected, &product[i]);               \
            G##_jac_to_aff(&expected_aff, &expected);                                                        \
            for (unsigned threads = 0; threads <= 3; threads++) {                                            \
                const size_t bytes = zkn_##G##_msm_scratch_size(n, threads);                                 \
                uint8_t *scratch = calloc(1, bytes), left = 0;                                               \
                CHECK(zkn_##G##_msm_vartime(&sum, p, s, n, threads, scratch) == ZKN_OK);                     \
                CHECK(G##_same(&sum, &expected_aff));                                                        \
                for (size_t i = 0; i < bytes; i++) left |= scratch[i];                                       \
                CHECK(left == 0); /* erased */                                                               \
                free(scratch);                                                                               \
            }                                                                                                \
        }                                                                                                    \
        for (unsigned c = 2; c <= 7; c++) {                                                                  \
            AFF *table = malloc(zkn_fixed_table_length(c) * sizeof *table);                                  \
            void *scratch = malloc(zkn_##G##_fixed_scratch_size(2));                                         \
            CHECK(zkn_##G##_fixed_table(table, &base, c, 2, scratch) == ZKN_OK);                             \
            CHECK(zkn_##G##_fixed_mul_vartime(product, table, c, s, N, 2, scratch) == ZKN_OK);               \
            for (size_t i = 0; i < N; i++) {                                                                 \
                G##_product_by_doubling(&sum, &base, &s[i]);                                                 \
                CHECK(G##_same(&sum, &product[i]));                                                          \
            }                                                                                                \
            CHECK(zkn_##G##_fixed_table(table, &base, 1, 1, scratch) == ZKN_BAD_LENGTH);                     \
            CHECK(zkn_##G##_fixed_mul_vartime(product, table, 17, s, N, 1, scratch) == ZKN_BAD_LENGTH);      \
            free(scratch);                                                                                   \
            free(table);                                                                                     \
        }                                                                                                    \
    }                                                                                                        \
                                                                                                             \
    static void G##_checks(void)                                                                             \
    {                                                                                                        \
        AFF p[5];                                                                                            \
        uint8_t bytes[5 * sizeof *p];                                                                        \
        size_t bad = 99;                                                                                     \
        G##_multiples(p, 5);                                                                                 \
        CHECK(zkn_##G##_vec_check(&bad, p, 5, 2) == ZKN_OK);                                                 \
        zkn_##G##_vec_encode_be(bytes, p, 5);                                                                \
        AFF back[5];                                                                                         \
        CHECK(zkn_##G##_vec_decode_be(back, &bad, bytes, 5) == ZKN_OK);                                      \
        CHECK(memcmp(back, p, sizeof p) == 0);                                                               \
        memset(bytes + 3 * sizeof *p, 0xff, 8 * FP_LIMBS);                                                   \
        CHECK(zkn_##G##_vec_decode_be(back, &bad, bytes, 5) == ZKN_BAD_ENCODING && bad == 3);                \
        p[2].x = p[3].x;                                                                                     \
        CHECK(zkn_##G##_vec_check(&bad, p, 5, 2) == ZKN_NOT_ON_CURVE && bad == 2);                           \
        memset(&p[1], 0xff, sizeof p[1]);                                                                    \
        CHECK(zkn_##G##_vec_check(&bad, p, 5, 2) == ZKN_BAD_ENCODING && bad == 1);                           \
    }                                                                                                        \
                                                                                                             \
    /* as many as are checked together, and some infinite */                                                 \
    static void G##_checks_together(void)                                                                    \
    {                                                                                                        \
        enum { N = 163 };                                                                                    \
        AFF p[N];                                                                                            \
        size_t bad = 99;                                                                                     \
        G##_multiples(p, N);                                                                                 \
        for (size_t i = 3; i < N; i += 4) G##_aff_zero(&p[i]);                                               \
        for (size_t n = 0; n <= N; n += n < 40 ? 1 : 41)                                                     \
            CHECK(zkn_##G##_vec_check(&bad, p, n, 1) == ZKN_OK);                                             \
        p[141].x = p[140].x;                                                                                 \
        CHECK(zkn_##G##_vec_check(&bad, p, N, 2) == ZKN_NOT_ON_CURVE && bad == 141);                         \
    }                                                                                                        \
                                                                                                             \
    static void G##_all(void)                                                                                \
    {                                                                                                        \
        G##_additions();                                                                                     \
        G##_lists();                                                                                         \
        G##_many_lists();                                                                                    \
        G##_products();                                                                                      \
        G##_transforms();                                                                                    \
        G##_checks();                                                                                        \
        G##_checks_together();                                                                               \
    }

TEST_GROUP(g1, zkn_g1_aff, zkn_g1_jac, G1_GENERATOR)
TEST_GROUP(g2, zkn_g2_aff, zkn_g2_jac, G2_GENERATOR)

/* psi is p on the subgroup */
static void psi(void)
{
    zkn_g2_aff a, image;
    zkn_g2_jac product;
    uint64_t k = 12345;
    g2_mul_vartime(&product, &G2_GENERATOR, &k, 1);
    g2_jac_to_aff(&a, &product);
    g2_psi(&image, &a);
    g2_mul_vartime(&product, &a, FP_MODULUS, FP_LIMBS);
    g2_jac_to_aff(&a, &product);
    CHECK(g2_same(&a, &image));
    CHECK(g2_is_in_subgroup_vartime(&a));
}

/* Sums over prepared points are sums: random scalars, zeros, r - 1, and infinity among equal and opposite points. */
static void prepared_sums(void)
{
    enum { COUNT = 5, SUMS = 9, N = COUNT * SUMS };
    zkn_g1_aff p[N], out[SUMS], expected;
    zkn_fr s[N];
    for (size_t i = 0; i < N; i++) {
        random_fr(&s[i]);
        if (i % 7 == 3) fr_zero(&s[i]);
        if (i % 7 == 5) fr_from_u64(&s[i], 1), fr_neg(&s[i], &s[i]);
    }
    g1_multiples(p, N);
    g1_aff_zero(&p[6]);
    g1_aff_neg(&p[11], &p[10]);
    p[12] = p[10];
    for (unsigned c = 2; c <= 16; c += 3) {
        for (unsigned threads = 1; threads <= 3; threads++) {
            zkn_g1_aff *table = malloc(zkn_prepared_length(N, c) * sizeof *table);
            void *scratch = malloc(zkn_g1_prepared_scratch_size(COUNT, SUMS, c, threads));
            CHECK(zkn_g1_prepare(table, p, N, c, threads) == ZKN_OK);
            CHECK(zkn_g1_prepared_sums_vartime(out, table, s, COUNT, SUMS, c, threads, scratch) == ZKN_OK);
            for (size_t j = 0; j < SUMS; j++) {
                CHECK(zkn_g1_msm_vartime(&expected, p + j * COUNT, s + j * COUNT, COUNT, 1, NULL) == ZKN_OK);
                CHECK(g1_same(&out[j], &expected));
            }
            free(scratch);
            free(table);
        }
    }
    CHECK(zkn_g1_prepare(NULL, p, N, 1, 1) == ZKN_BAD_LENGTH);
    CHECK(zkn_g1_prepared_sums_vartime(out, NULL, s, COUNT, SUMS, 17, 1, NULL) == ZKN_BAD_LENGTH);
    CHECK(zkn_g1_prepared_sums_vartime(out, NULL, s, (size_t)1 << 30, 4, 8, 1, NULL) == ZKN_BAD_LENGTH);
}

#if ZKN_CURVE_BLS12_381
/* Runs of doublings, which may go in lanes, of a point, of what they leave and of infinity. */
static void doublings(void)
{
    zkn_g2_jac a, left, right;
    g2_jac_from_aff(&a, &G2_GENERATOR);
    g2_jac_dbl(&right, &a), g2_jac_add(&a, &a, &right);
    for (unsigned times = 0; times < 40; times += 13) {
        g2_jac_dbl_times(&left, &a, times);
        right = a;
        for (unsigned i = 0; i < times; i++) g2_jac_dbl(&right, &right);
        CHECK(g2_jac_equal(&left, &right) && fp2_is_reduced(&left.X) && fp2_is_reduced(&left.Y));
        a = left;
    }
    g2_jac_zero(&a);
    g2_jac_dbl_times(&a, &a, 3);
    CHECK(g2_jac_is_zero(&a));
}
#endif

int main(void)
{
    digits();
    g1_all();
    g2_all();
    prepared_sums();
    psi();
#if ZKN_CURVE_BLS12_381
    doublings();
#endif
    return failures != 0;
}
