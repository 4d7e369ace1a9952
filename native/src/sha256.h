/* The compression function of SHA-256 (FIPS 180-4, section 6.2.2), by the SHA instructions of x86-64 where it has them.
 * Here for chains of short messages alone, of which each holds the hash of the one before; whoever hashes anything
 * long has a library for it. */
#ifndef ZKN_SHA256_H
#define ZKN_SHA256_H

#include "word.h"

#if defined(__x86_64__)
#include <cpuid.h>
#define SHA256_HAS_INSTRUCTIONS 1
#else
#define SHA256_HAS_INSTRUCTIONS 0
#endif

enum { SHA256_BLOCK = 64, SHA256_WORDS = 8 };

typedef void (*sha256_compress)(uint32_t state[SHA256_WORDS], const uint8_t *blocks, size_t n);

/* The first 32 bits of the fractional parts of the square roots of the first 8 primes. */
static const uint32_t sha256_start[SHA256_WORDS] = {
    0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
};

/* Those of the cube roots of the first 64 primes. */
static const uint32_t sha256_constants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static inline uint32_t sha256_rotated(uint32_t x, unsigned n)
{
    return x >> n | x << (32 - n);
}

static inline void sha256_in_words(uint32_t state[SHA256_WORDS], const uint8_t *blocks, size_t n)
{
    for (; n > 0; n--, blocks += SHA256_BLOCK) {
        uint32_t w[64], s[SHA256_WORDS];
        for (unsigned t = 0; t < 16; t++) {
            const uint8_t *in = blocks + 4 * t;
            w[t] = (uint32_t)in[0] << 24 | (uint32_t)in[1] << 16 | (uint32_t)in[2] << 8 | in[3];
        }
        for (unsigned t = 16; t < 64; t++) {
            const uint32_t x = w[t - 15], y = w[t - 2];
            w[t] = w[t - 16] + w[t - 7] + (sha256_rotated(x, 7) ^ sha256_rotated(x, 18) ^ x >> 3) +
                   (sha256_rotated(y, 17) ^ sha256_rotated(y, 19) ^ y >> 10);
        }
        memcpy(s, state, sizeof s);
        for (unsigned t = 0; t < 64; t++) {
            const uint32_t a = s[0], e = s[4];
            const uint32_t first = s[7] +
                                   (sha256_rotated(e, 6) ^ sha256_rotated(e, 11) ^ sha256_rotated(e, 25)) +
                                   ((e & s[5]) ^ (~e & s[6])) + sha256_constants[t] + w[t];
            const uint32_t second = (sha256_rotated(a, 2) ^ sha256_rotated(a, 13) ^ sha256_rotated(a, 22)) +
                                    ((a & s[1]) ^ (a & s[2]) ^ (s[1] & s[2]));
            memmove(s + 1, s, 7 * sizeof s[0]);
            s[4] += first;
            s[0] = first + second;
        }
        for (unsigned i = 0; i < SHA256_WORDS; i++) state[i] += s[i];
    }
}

#if SHA256_HAS_INSTRUCTIONS
/* A function has these instructions beside those of its path; clang gives it one set of them alone. */
#if defined(__clang__) && defined(ZKN_PATH_TARGET) && !defined(ZKN_TEST)
#pragma clang attribute pop
#endif

/* Intel, "Intel SHA Extensions" (2013): two words of state hold a, b, e, f and c, d, g, h. */
__attribute__((target("sha,sse4.1,ssse3"))) static void
sha256_by_instructions(uint32_t state[SHA256_WORDS], const uint8_t *blocks, size_t n)
{
    const __m128i swap = _mm_set_epi64x(0x0c0d0e0f08090a0bLL, 0x0405060700010203LL);
    const __m128i dcba = _mm_loadu_si128((const __m128i *)(const void *)state);
    const __m128i hgfe = _mm_loadu_si128((const __m128i *)(const void *)(state + 4));
    __m128i cdab = _mm_shuffle_epi32(dcba, 0xb1), efgh = _mm_shuffle_epi32(hgfe, 0x1b);
    __m128i abef = _mm_alignr_epi8(cdab, efgh, 8), cdgh = _mm_blend_epi16(efgh, cdab, 0xf0);
    for (; n > 0; n--, blocks += SHA256_BLOCK) {
        const __m128i abef_before = abef, cdgh_before = cdgh;
        __m128i w[4];
        for (unsigned i = 0; i < 4; i++)
            w[i] = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)(const void *)(blocks + 16 * i)), swap);
        ZKN_UNROLL
        for (unsigned i = 0; i < 16; i++) { /* four rounds, and the words of the four that are twelve on */
            const __m128i constants =
                _mm_loadu_si128((const __m128i *)(const void *)(sha256_constants + 4 * (size_t)i));
            const __m128i last = w[(i + 3) & 3];
            const __m128i k = _mm_add_epi32(w[i & 3], constants);
            cdgh = _mm_sha256rnds2_epu32(cdgh, abef, k);
            abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(k, 0x0e));
            const __m128i sum = _mm_add_epi32(_mm_sha256msg1_epu32(w[i & 3], w[(i + 1) & 3]),
                                              _mm_alignr_epi8(last, w[(i + 2) & 3], 4));
            w[i & 3] = _mm_sha256msg2_epu32(sum, last);
        }
        abef = _mm_add_epi32(abef, abef_before);
        cdgh = _mm_add_epi32(cdgh, cdgh_before);
    }
    const __m128i feba = _mm_shuffle_epi32(abef, 0x1b), dchg = _mm_shuffle_epi32(cdgh, 0xb1);
    _mm_storeu_si128((__m128i *)(void *)state, _mm_blend_epi16(feba, dchg, 0xf0));
    _mm_storeu_si128((__m128i *)(void *)(state + 4), _mm_alignr_epi8(dchg, feba, 8));
}

#if defined(__clang__) && defined(ZKN_PATH_TARGET) && !defined(ZKN_TEST)
ZKN_TARGET_ON(ZKN_PATH_TARGET)
#endif
#endif

/* The faster of the two that this machine runs. */
static inline sha256_compress sha256_best(void)
{
#if SHA256_HAS_INSTRUCTIONS
    enum { LEAF1_ECX_SSSE3 = 9, LEAF1_ECX_SSE41 = 19, LEAF7_EBX_SHA = 29 };
    uint32_t eax, ebx, ecx, edx;
    if (__get_cpuid(1, &eax, &ebx, &ecx, &edx) && (ecx >> LEAF1_ECX_SSSE3 & ecx >> LEAF1_ECX_SSE41 & 1) &&
        __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) && (ebx >> LEAF7_EBX_SHA & 1))
        return sha256_by_instructions;
#endif
    return sha256_in_words;
}

#endif
