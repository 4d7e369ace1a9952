/* Columns and parents hashed with BLAKE2b-256 under a person, whole blocks and parts, against hashlib of Python. */
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "field.h"

enum {
    COLUMNS = 3,
    MOST_ROWS = 8,
    PARENTS = 5,
    WIDE = 3 * COLUMNS + 2
}; /* WIDE: some side by side, and others */

static const uint8_t person[16] = "zkstate-ctests\0\1";

static const struct {
    size_t rows;
    const char *digest[COLUMNS];
} of_columns[] = {
    {0,
     {"226000025004e81a504d7321b22011b8d97106d0002ce4e86da9d9b97b4a37f2",
      "4679092232cdeb7a673950b33b8efd7a8cd2bbf5fa5268c8d7e1b0d4c90c2055",
      "a94144b43c5b417cac62fdc8b61fffa50c9552ce0c96a86c4fcf7826b5ece4d2"}},
    {1,
     {"a61902ebef029bad1eaeec66470295c0218a478ae62537343db9a21a1ed95991",
      "7328353035223ec4ab2b2a905d7c25aa70d840f4898229fb8c5930cd6b8b4685",
      "4643b2a7a68ed2d403c78c105b08ace7e9663fb365386914c9cc1661e3bd9cf9"}},
    {2,
     {"fa59e620ba6d31f8f6cc458144dcd1d9804ba026f96f2514cad9b6e70bf80b4b",
      "c32380f929d024a5468dd0b0fc5fe9046033e59dbce5bb0e6974f7c7425ddb8c",
      "3a7077aa3e2515419c9929ba1e92f240dda66384f09b24519a75eec4e3b37aa4"}},
    {3,
     {"3f27c260d6f77cdf491e966bfcfbf20d10b2b949b67d4e9f9f2c0e5b29cabf77",
      "1e3d034e16a8b6b17ec5ca251cd15b8effa4d9fc7b8beecd86a961a63885ac0e",
      "46aef59f4b94281600725ad10cbbbc290d92b62992ba60a1cee2b87907cd6e0d"}},
    {4,
     {"8564e17330b3c3ffee9ad69bd8473cb91994fda4178a0ee465059c359a2580ca",
      "df8147ebc37c4a6167c68568f6f8297ca7e9878414da1e14ed1ca351c384da60",
      "a37cecbc89deb18ba4ad6fb600df59ef76195de6e47b0beb17138956b4c2ef87"}},
    {7,
     {"e123063fe4471f3162f27d16130296b5bcf8b363a710187aca72d7a6cbc14248",
      "5dedafa485ce903bc86a2e82b34262faa1fbbaf70af02c2e91afc43f40ef1a8c",
      "c8d30674dd1c95f8676c6e5e4a57e38f233b91f261490574840ec9bc4a6fce5e"}},
    {8,
     {"98adc8dac2ac8ffb84cfb8959231b92bafb8289836e3a654a4f1d7248cfb0709",
      "25a2a5cfd7e3e63ebd6f859306ab1f03bbcc83eb0de44e63432ead002de5ca74",
      "1d30c9aad21fca873034d4395f4304077cad4866c11963a606d600242160fa47"}},
};

static const char *const of_parents[PARENTS] = {
    "55ec4f76d15ee330e90e791431bfa64182df2f962cc9124be462b81d0b1e5055",
    "00efe61d339a5a1bb54e1fd69ae09a941511a6108bfdb86d91cc066e166254eb",
    "feecdad29987076745d1556fc8109de5fadac6a1be86a0d7efca1f1bf3587e7b",
    "7bfd718fb15b69d0d7f43b93923077b65e2920dd7a94b2992cb22df15a95a7ac",
    "adef2657d7d07b7639efae63a6958d82cf38ba5013cf8f3ebf3a65c3774735c5",
};

static int is(const uint8_t digest[32], const char *hex)
{
    char text[65];
    for (int k = 0; k < 32; k++) (void)snprintf(&text[2 * k], 3, "%02x", digest[k]);
    return strcmp(text, hex) == 0;
}

/* Row i, column j: 3^(5 i + j + 1), negated where i + j is odd; the columns COLUMNS apart are equal. */
static void columns(void)
{
    zkn_fr matrix[MOST_ROWS * WIDE], three;
    uint8_t salts[32 * WIDE], out[32 * WIDE];
    uint64_t states[8 * WIDE];
    fr_from_u64(&three, 3);
    for (size_t i = 0; i < MOST_ROWS; i++) {
        for (size_t j = 0; j < WIDE; j++) {
            const uint64_t exponent = 5 * i + j % COLUMNS + 1;
            fr_pow_public(&matrix[i * WIDE + j], &three, &exponent, 1);
            if ((i + j % COLUMNS) % 2) fr_neg(&matrix[i * WIDE + j], &matrix[i * WIDE + j]);
        }
    }
    for (size_t j = 0; j < WIDE; j++) {
        for (size_t k = 0; k < 32; k++) salts[32 * j + k] = (uint8_t)(17 * (j % COLUMNS) + k);
    }
    for (size_t c = 0; c < sizeof of_columns / sizeof *of_columns; c++) {
        for (unsigned threads = 0; threads <= 3; threads++) {
            memset(out, 0, sizeof out);
            zkn_blake2b_columns(out, NULL, person, salts, matrix, 0, of_columns[c].rows, WIDE, threads);
            for (int j = 0; j < WIDE; j++) CHECK(is(&out[32 * j], of_columns[c].digest[j % COLUMNS]));
        }
        /* in two calls, of which the first ends at a block */
        for (size_t first = 3; first < of_columns[c].rows; first += 4) {
            memset(out, 0, sizeof out);
            zkn_blake2b_columns(NULL, states, person, salts, matrix, 0, first, WIDE, 2);
            zkn_blake2b_columns(out, states, person, salts, &matrix[first * WIDE], first,
                                of_columns[c].rows - first, WIDE, 2);
            for (int j = 0; j < WIDE; j++) CHECK(is(&out[32 * j], of_columns[c].digest[j % COLUMNS]));
        }
    }
}

static void parents(void)
{
    uint8_t in[64 * PARENTS], out[32 * PARENTS];
    for (int i = 0; i < 64 * PARENTS; i++) in[i] = (uint8_t)(i % 251);
    for (unsigned threads = 0; threads <= 3; threads++) {
        memset(out, 0, sizeof out);
        zkn_blake2b_parents(out, person, in, PARENTS, threads);
        for (int i = 0; i < PARENTS; i++) CHECK(is(&out[32 * i], of_parents[i]));
    }
    uint8_t many[64 * WIDE], digests[32 * WIDE];
    for (int i = 0; i < WIDE; i++) memcpy(&many[64 * i], &in[64 * (i % PARENTS)], 64);
    zkn_blake2b_parents(digests, person, many, WIDE, 1);
    for (int i = 0; i < WIDE; i++) CHECK(is(&digests[32 * i], of_parents[i % PARENTS]));
    zkn_blake2b_parents(out, person, in, 0, 2);
    zkn_blake2b_columns(out, NULL, person, in, NULL, 0, 0, 0, 2);
    for (int i = 0; i < PARENTS; i++) CHECK(is(&out[32 * i], of_parents[i]));
}

int main(void)
{
    columns();
    parents();
    return failures != 0;
}
