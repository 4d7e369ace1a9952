/* Kernels that start threads give the same bytes with one thread and with several. Under the thread sanitizer (make
 * portability) this is also where a race between workers would show. */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "field.h"
#include "zkn.h"

enum { N = 1 << 9, THREADS = 4, C = 4 };

static zkn_fr a[N], b[N], one[N], many[N], twiddles[N / 2];
static zkn_g1_aff g1[N], g1_many[N];
static zkn_g2_aff g2[N];

static void *room(size_t size)
{
    void *block = malloc(size);
    if (!block) abort();
    return block;
}

static void vectors(void)
{
    zkn_fr_vec_mul(one, a, b, N, 1), zkn_fr_vec_mul(many, a, b, N, THREADS);
    CHECK(memcmp(one, many, sizeof one) == 0);
    zkn_fr_vec_scale_powers(one, a, &b[0], &b[1], N, 1);
    zkn_fr_vec_scale_powers(many, a, &b[0], &b[1], N, THREADS);
    CHECK(memcmp(one, many, sizeof one) == 0);
    memcpy(one, a, sizeof a), memcpy(many, a, sizeof a);
    CHECK(zkn_fr_ntt(one, N, twiddles, 1) == ZKN_OK && zkn_fr_ntt(many, N, twiddles, THREADS) == ZKN_OK);
    CHECK(memcmp(one, many, sizeof one) == 0);
    CHECK(zkn_poseidon_many(one, a, 1, b, 2, N / 2, 1) == ZKN_OK);
    CHECK(zkn_poseidon_many(many, a, 1, b, 2, N / 2, THREADS) == ZKN_OK);
    CHECK(memcmp(one, many, sizeof *one * N / 2) == 0);
}

static void points(void)
{
    for (unsigned threads = 1; threads <= THREADS; threads += THREADS - 1) {
        zkn_g1_aff base, *table = room(zkn_fixed_table_length(C) * sizeof *table);
        zkn_g2_aff base2, *table2 = room(zkn_fixed_table_length(C) * sizeof *table2);
        void *scratch = room(zkn_g1_fixed_scratch_size(threads));
        void *scratch2 = room(zkn_g2_fixed_scratch_size(threads));
        zkn_g1_generator(&base), zkn_g2_generator(&base2);
        CHECK(zkn_g1_fixed_table(table, &base, C, threads, scratch) == ZKN_OK);
        CHECK(zkn_g2_fixed_table(table2, &base2, C, threads, scratch2) == ZKN_OK);
        zkn_g1_aff *out = threads == 1 ? g1 : g1_many;
        CHECK(zkn_g1_fixed_mul_vartime(out, table, C, a, N, threads, scratch) == ZKN_OK);
        CHECK(zkn_g2_fixed_mul_vartime(g2, table2, C, b, 8, threads, scratch2) == ZKN_OK);
        free(scratch), free(scratch2), free(table), free(table2);
    }
    CHECK(memcmp(g1, g1_many, sizeof g1) == 0);
    zkn_g1_aff sums[2];
    int found[2];
    for (unsigned k = 0, threads = 1; k < 2; k++, threads = THREADS) {
        void *scratch = room(zkn_g1_msm_scratch_size(N, threads));
        CHECK(zkn_g1_msm_vartime(&sums[k], g1, b, N, threads, scratch) == ZKN_OK);
        zkn_pairing_check(&found[k], g1, g2, 8, threads);
        size_t bad;
        CHECK(zkn_g1_vec_check(&bad, g1, N, threads) == ZKN_OK &&
              zkn_g2_vec_check(&bad, g2, 8, threads) == ZKN_OK);
        free(scratch);
    }
    CHECK(memcmp(&sums[0], &sums[1], sizeof *sums) == 0 && found[0] == found[1]);
}

int main(void)
{
    uint64_t state = 7;
    for (size_t i = 0; i < N; i++) {
        fr_from_u64(&a[i], next_random(&state)), fr_from_u64(&b[i], next_random(&state));
        fr_mul(&a[i], &a[i], &b[i]), fr_mul(&b[i], &a[i], &b[i]);
    }
    CHECK(zkn_fr_ntt_twiddles(twiddles, N / 2) == ZKN_OK);
    vectors();
    points();
    return failures != 0;
}
