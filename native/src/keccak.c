/* Keccak-256 as Ethereum uses it: Keccak[512] of the submission (Bertoni, Daemen, Peeters, Van Assche 2011),
 * padded with 0x01 rather than the 0x06 that FIPS 202 settled on later. */
#include "zkn.h"

#include <string.h>

#define RATE   136
#define LANES  25
#define ROUNDS 24

static uint64_t rotate_left(uint64_t x, unsigned n)
{
    return n == 0 ? x : (x << n) | (x >> (64 - n));
}

/* Round constants: bit 2^j - 1 of constant i is output 7 i + j of the LFSR x^8 + x^6 + x^5 + x^4 + 1 (section 1.2). */
static const uint64_t round_constants[ROUNDS] = {
    0x0000000000000001, 0x0000000000008082, 0x800000000000808a, 0x8000000080008000, 0x000000000000808b,
    0x0000000080000001, 0x8000000080008081, 0x8000000000008009, 0x000000000000008a, 0x0000000000000088,
    0x0000000080008009, 0x000000008000000a, 0x000000008000808b, 0x800000000000008b, 0x8000000000008089,
    0x8000000000008003, 0x8000000000008002, 0x8000000000000080, 0x000000000000800a, 0x800000008000000a,
    0x8000000080008081, 0x8000000000008080, 0x0000000080000001, 0x8000000080008008,
};

/* rho and pi along one cycle of the 24 lanes other than (0, 0): step t writes lane pi_lane[t], rotated by (t + 1)(t + 2) / 2. */
static const uint8_t pi_lane[ROUNDS] = {10, 7,  11, 17, 18, 3, 5,  16, 8,  21, 24, 4,
                                        15, 23, 19, 13, 12, 2, 20, 14, 22, 9,  6,  1};

static void permute(uint64_t a[LANES])
{
    for (unsigned round = 0; round < ROUNDS; round++) {
        uint64_t column[5];
        for (unsigned x = 0; x < 5; x++) column[x] = a[x] ^ a[x + 5] ^ a[x + 10] ^ a[x + 15] ^ a[x + 20];
        for (unsigned x = 0; x < 5; x++) {
            const uint64_t d = column[(x + 4) % 5] ^ rotate_left(column[(x + 1) % 5], 1);
            for (unsigned y = 0; y < LANES; y += 5) a[x + y] ^= d;
        }
        uint64_t carried = a[1];
        for (unsigned t = 0; t < ROUNDS; t++) {
            const uint64_t next = a[pi_lane[t]];
            a[pi_lane[t]] = rotate_left(carried, (t + 1) * (t + 2) / 2 % 64);
            carried = next;
        }
        for (unsigned y = 0; y < LANES; y += 5) {
            uint64_t row[5];
            memcpy(row, &a[y], sizeof row);
            for (unsigned x = 0; x < 5; x++) a[x + y] = row[x] ^ (~row[(x + 1) % 5] & row[(x + 2) % 5]);
        }
        a[0] ^= round_constants[round];
    }
}

static void absorb(uint64_t a[LANES], const uint8_t block[RATE])
{
    for (size_t i = 0; i < RATE; i++) a[i / 8] ^= (uint64_t)block[i] << (8 * (i % 8));
    permute(a);
}

void zkn_keccak256(uint8_t out[32], const uint8_t *in, size_t n)
{
    uint64_t a[LANES] = {0};
    for (; n >= RATE; n -= RATE, in += RATE) absorb(a, in);
    uint8_t last[RATE] = {0};
    if (n > 0) memcpy(last, in, n);
    last[n] = 0x01;
    last[RATE - 1] |= 0x80;
    absorb(a, last);
    for (size_t i = 0; i < 32; i++) out[i] = (uint8_t)(a[i / 8] >> (8 * (i % 8)));
}
