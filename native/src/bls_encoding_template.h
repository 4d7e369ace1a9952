/* The compressed encoding: written once, included by bls_encoding.c once per group. Parameters as group_template.h,
 * and READ_X, WRITE_X: an x to and from its bytes. */

#define C(name)     ZKN_CAT(COORD, name)
#define ZKN_G(name) ZKN_CAT(ZKN_CAT(zkn_bls_, GROUP), name)

/* out->x, and *right <- x^3 + b, of which y is a root; for infinity out and 0 */
static zkn_status ZKN_CAT(GROUP, _read)(GROUP_AFF *out, COORD_TYPE *right, const uint8_t *in)
{
    uint8_t rest = in[0] & (uint8_t)~FLAGS;
    C(_zero)(right);
    if (!(in[0] & FLAG_COMPRESSED)) return ZKN_BAD_ENCODING;
    if (in[0] & FLAG_INFINITY) {
        for (size_t k = 1; k < sizeof out->x; k++) rest |= in[k];
        if (rest | (in[0] & FLAG_LARGER)) return ZKN_BAD_ENCODING;
        ZKN_CAT(GROUP, _aff_zero)(out);
        return ZKN_OK;
    }
    if (!READ_X(&out->x, in)) return ZKN_BAD_ENCODING;
    C(_sqr)(right, &out->x);
    C(_mul)(right, right, &out->x);
    C(_add)(right, right, &GROUP_B);
    return ZKN_OK;
}

zkn_status ZKN_G(_vec_decompress)(GROUP_AFF *out, size_t *bad, const uint8_t *in, size_t n)
{
    COORD_TYPE right[ZKN_ROOTS], y[ZKN_ROOTS];
    zkn_status status[ZKN_ROOTS];
    int found[ZKN_ROOTS];
    for (size_t begin = 0, some; begin < n; begin += some) {
        const uint8_t *at = in + begin * sizeof out->x;
        some = n - begin < ZKN_ROOTS ? n - begin : ZKN_ROOTS;
        for (size_t i = 0; i < some; i++)
            status[i] = ZKN_CAT(GROUP, _read)(&out[begin + i], &right[i], at + i * sizeof out->x);
        C(_sqrt_many)(y, found, right, some);
        for (size_t i = 0; i < some; i++) {
            const uint8_t flags = at[i * sizeof out->x];
            if (status[i] == ZKN_OK && !found[i]) status[i] = ZKN_NOT_ON_CURVE;
            if (status[i] != ZKN_OK) return *bad = begin + i, status[i];
            if (!(flags & FLAG_INFINITY) && C(_is_larger)(&y[i]) != !!(flags & FLAG_LARGER))
                C(_neg)(&y[i], &y[i]);
            out[begin + i].y = y[i];
        }
    }
    return ZKN_OK;
}

void ZKN_G(_vec_compress)(uint8_t *out, const GROUP_AFF *in, size_t n)
{
    for (size_t i = 0; i < n; i++, out += sizeof in->x) {
        WRITE_X(out, &in[i].x);
        out[0] |= FLAG_COMPRESSED;
        if (ZKN_CAT(GROUP, _aff_is_zero)(&in[i])) {
            out[0] |= FLAG_INFINITY;
        } else if (C(_is_larger)(&in[i].y)) {
            out[0] |= FLAG_LARGER;
        }
    }
}

#undef C
#undef ZKN_G
#undef GROUP
#undef COORD
#undef COORD_TYPE
#undef GROUP_AFF
#undef GROUP_B
#undef READ_X
#undef WRITE_X
