/* How the sums of multiples sort their items by digit, against the digits one by one. */
#include "check.h"
#include "digit_sort.h"

#include <string.h>

static const uint32_t opposite = (uint32_t)1 << 31;
static uint64_t state = 5;

/* Every item is in the bucket of its digit, those of a bucket in order, and none elsewhere: one pass and two. */
static void sorted_by_digit(void)
{
    enum {
        N = 2500,
        FIRST = 7,
        STRIDE = FIRST + N + 2,
        FREE = 3,
        BUCKETS = 1 + (1 << (ZKN_DIGIT_BITS_MAX - 1))
    };
    static uint64_t word[4 * STRIDE];
    static uint32_t index[N], code[N], item[N + FREE], start[BUCKETS + 1];
    for (size_t i = 0; i < 4 * STRIDE; i++) word[i] = i % 5 ? next_random(&state) : 0;
    for (size_t i = 3 * STRIDE; i < 4 * STRIDE; i++) word[i] >>= 2; /* sizes are below 2^254 */
    for (size_t i = 0; i < N; i++)
        index[i] = (uint32_t)(2 * i + 1) | ((uint32_t)next_random(&state) & opposite);
    index[N - 1] = (index[N - 1] & opposite) | ((1U << ZKN_INDEX_BITS) - 1);
    for (unsigned c = 2; c <= ZKN_DIGIT_BITS_MAX; c += c < 12 ? 5 : 1) {
        for (unsigned words = 1; words <= 4; words += words) {
            const zkn_sizes sizes = {word, STRIDE, words};
            for (unsigned window = 0; window < zkn_digit_windows(64 * words - 2, c);
                 window += 1 + window / 2) {
                const size_t buckets = ((size_t)1 << (c - 1)) + 1;
                size_t expected = 0, at = FREE;
                memset(start, 0, sizeof start);
                const uint32_t end =
                    zkn_sort_by_digit(item, start, FREE, code, index, &sizes, FIRST, N, window, c);
                CHECK(start[0] == FREE && start[1] == FREE && start[buckets] == end);
                for (uint32_t k = 1; k < buckets; k++) {
                    uint32_t before = 0;
                    for (; at < start[k + 1]; at++) {
                        const uint32_t of = item[at] & ~opposite, i = of > 2 * N ? N - 1 : of / 2;
                        uint64_t size[4];
                        for (unsigned w = 0; w < words; w++) size[w] = word[w * STRIDE + FIRST + i];
                        const uint32_t digit = zkn_digit(size, words, window, c);
                        CHECK(digit >> 1 == k && item[at] == (index[i] ^ digit << 31) && before <= of);
                        before = of;
                        expected++;
                    }
                }
                for (size_t i = 0; i < N; i++) {
                    uint64_t size[4];
                    for (unsigned w = 0; w < words; w++) size[w] = word[w * STRIDE + FIRST + i];
                    expected -= zkn_digit(size, words, window, c) >> 1 != 0;
                }
                CHECK(expected == 0 && at == end);
            }
        }
    }
}

int main(void)
{
    sorted_by_digit();
    return failures != 0;
}
