/* The bit-reversal permutation. */
#include "ntt.h"

enum { AHEAD = 4 }; /* middles, of which half are done */

typedef struct {
    zkn_fr *a;
    size_t n;
} order;

static size_t reverse_bits(size_t i, unsigned bits)
{
    size_t reversed = 0;
    for (unsigned k = 0; k < bits; k++, i >>= 1) reversed = reversed << 1 | (i & 1);
    return reversed;
}

static void swap(zkn_fr *a, zkn_fr *b)
{
    const zkn_fr t = *a;
    *a = *b;
    *b = t;
}

/* The runs of a middle that is done soon: too many places for the hardware to see where the next ones are. */
static void fetch(const zkn_fr *a, size_t middle, unsigned log_n)
{
    for (size_t high = 0; high < 8; high++) {
        const char *at = (const char *)&a[high << (log_n - 3) | middle << 3];
        for (size_t line = 0; line < 8 * sizeof *a; line += 64) __builtin_prefetch(at + line, 1, 2);
    }
}

/* Index = high 3 bits, middle, low 3 bits. Middles that mirror each other exchange their 64 elements,
 * which lie in 8 runs each, so every line of cache that is fetched is used whole (Carter, Gatlin 1998). */
static void reverse_share(void *ctx, size_t begin, size_t end, unsigned worker)
{
    (void)worker;
    const order *t = ctx;
    const unsigned log_n = (unsigned)__builtin_ctzll(t->n), bits = log_n - 6;
    static const size_t mirror[8] = {0, 4, 2, 6, 1, 5, 3, 7};
    for (size_t middle = begin; middle < end; middle++) {
        const size_t other = reverse_bits(middle, bits), ahead = middle + AHEAD,
                     far = reverse_bits(ahead, bits);
        if (ahead < end && far >= ahead) {
            fetch(t->a, ahead, log_n);
            fetch(t->a, far, log_n);
        }
        if (other < middle) continue;
        for (size_t high = 0; high < 8; high++) {
            for (size_t low = 0; low < 8; low++) {
                const size_t i = high << (log_n - 3) | middle << 3 | low;
                const size_t j = mirror[low] << (log_n - 3) | other << 3 | mirror[high];
                if (other != middle || i < j) swap(&t->a[i], &t->a[j]);
            }
        }
    }
}

void ntt_order(zkn_fr *a, size_t n, unsigned threads)
{
    order t = {a, n};
    if (n >= 64) {
        zkn_parallel(n / 64, threads, reverse_share, &t);
        return;
    }
    const unsigned bits = (unsigned)__builtin_ctzll(n);
    for (size_t i = 0; i < n; i++) {
        const size_t j = reverse_bits(i, bits);
        if (i < j) swap(&a[i], &a[j]);
    }
}
