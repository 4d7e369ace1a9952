/* The compression of BLAKE2b (RFC 7693, section 3.2), of one message or of several side by side: written once, included by
 * blake2b.c, blake2b_quads.c and blake2b_lanes.c.
 *
 * Parameters, undefined again at the end: B_WORD (a word of each message), B_ALL (one value for all), B_ADD, B_XOR, and
 * B_ROTATE (to the right). */

static inline ZKN_INLINE void mix(B_WORD v[BLAKE2B_WORDS], int a, int b, int c, int d, B_WORD x, B_WORD y)
{
    v[a] = B_ADD(B_ADD(v[a], v[b]), x);
    v[d] = B_ROTATE(B_XOR(v[d], v[a]), 32);
    v[c] = B_ADD(v[c], v[d]);
    v[b] = B_ROTATE(B_XOR(v[b], v[c]), 24);
    v[a] = B_ADD(B_ADD(v[a], v[b]), y);
    v[d] = B_ROTATE(B_XOR(v[d], v[a]), 16);
    v[c] = B_ADD(v[c], v[d]);
    v[b] = B_ROTATE(B_XOR(v[b], v[c]), 63);
}

static void compress(B_WORD h[8], const B_WORD m[BLAKE2B_WORDS], uint64_t hashed, int last)
{
    B_WORD v[BLAKE2B_WORDS];
    ZKN_UNROLL
    for (int i = 0; i < 8; i++) {
        v[i] = h[i];
        v[i + 8] = B_ALL(BLAKE2B_IV[i] ^ (i == 4 ? hashed : i == 6 && last ? ~(uint64_t)0 : 0));
    }
    for (int round = 0; round < 12; round++) {
        const uint8_t *s = BLAKE2B_SIGMA[round % 10];
        mix(v, 0, 4, 8, 12, m[s[0]], m[s[1]]);
        mix(v, 1, 5, 9, 13, m[s[2]], m[s[3]]);
        mix(v, 2, 6, 10, 14, m[s[4]], m[s[5]]);
        mix(v, 3, 7, 11, 15, m[s[6]], m[s[7]]);
        mix(v, 0, 5, 10, 15, m[s[8]], m[s[9]]);
        mix(v, 1, 6, 11, 12, m[s[10]], m[s[11]]);
        mix(v, 2, 7, 8, 13, m[s[12]], m[s[13]]);
        mix(v, 3, 4, 9, 14, m[s[14]], m[s[15]]);
    }
    ZKN_UNROLL
    for (int i = 0; i < 8; i++) h[i] = B_XOR(h[i], B_XOR(v[i], v[i + 8]));
}

#undef B_WORD
#undef B_ALL
#undef B_ADD
#undef B_XOR
#undef B_ROTATE
