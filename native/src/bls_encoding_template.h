/* The compressed encoding: written once, included by bls_encoding.c once per group. Parameters as group_template.h,
 * and READ_X, WRITE_X: an x to and from its bytes. */

#define C(name)     ZKN_CAT(COORD, name)
#define ZKN_G(name) ZKN_CAT(ZKN_CAT(zkn_bls_, GROUP), name)

static zkn_status ZKN_CAT(GROUP, _decompress)(GROUP_AFF *out, const uint8_t *in)
{
    COORD_TYPE right;
    uint8_t rest = in[0] & (uint8_t)~FLAGS;
    if (!(in[0] & FLAG_COMPRESSED)) return ZKN_BAD_ENCODING;
    if (in[0] & FLAG_INFINITY) {
        for (size_t k = 1; k < sizeof out->x; k++) rest |= in[k];
        if (rest | (in[0] & FLAG_LARGER)) return ZKN_BAD_ENCODING;
        ZKN_CAT(GROUP, _aff_zero)(out);
        return ZKN_OK;
    }
    if (!READ_X(&out->x, in)) return ZKN_BAD_ENCODING;
    C(_sqr)(&right, &out->x);
    C(_mul)(&right, &right, &out->x);
    C(_add)(&right, &right, &GROUP_B);
    if (!C(_sqrt)(&out->y, &right)) return ZKN_NOT_ON_CURVE;
    if (C(_is_larger)(&out->y) != !!(in[0] & FLAG_LARGER)) C(_neg)(&out->y, &out->y);
    return ZKN_OK;
}

zkn_status ZKN_G(_vec_decompress)(GROUP_AFF *out, size_t *bad, const uint8_t *in, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const zkn_status status = ZKN_CAT(GROUP, _decompress)(&out[i], in + i * sizeof out->x);
        if (status != ZKN_OK) return *bad = i, status;
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
