/* BLAKE2b-256 of several messages side by side, neighbouring columns of a matrix or pairs of digests: written once, included by
 * blake2b_quads.c and blake2b_lanes.c, which have `compress` of words of all messages.
 *
 * Parameters: LANES messages; bytes_reversed (of each word); read_words and write_words (four words from place `at` on, and
 * back, of strings of `size` bytes one after another); element_words (an element of each column as 32 bytes big-endian). */

enum { AHEAD = 4 }; /* rows */

static void start(lane_word h[8], const uint8_t person[16])
{
    uint64_t state[8];
    blake2b_start(state, person);
    for (int i = 0; i < 8; i++) h[i] = lane_all(state[i]);
}

void blake2b_many_columns(const blake2b_job *job, size_t begin, size_t end)
{
    lane_word h[8], m[BLAKE2B_WORDS];
    element_constants constants;
    element_prepare(&constants);
    const size_t columns = job->columns;
    for (size_t j = begin; j < end; j += LANES) {
        for (int i = 0; i < BLAKE2B_WORDS; i++) m[i] = lane_all(0);
        if (job->first == 0) {
            start(h, job->person);
            read_words(m, job->in + BLAKE2B_DIGEST * j, BLAKE2B_DIGEST, 0);
        } else {
            for (size_t at = 0; at < 8; at += 4) read_words(&h[at], job->states + 8 * j, 64, at);
        }
        for (size_t i = 0; i < job->rows; i++) { /* as column_share of blake2b.c */
            const size_t before = job->first + i + 1, at = 4 * (before % 4);
            if (at == 0 && i > 0) {
                compress(h, m, BLAKE2B_DIGEST * before, 0);
                for (int k = 0; k < BLAKE2B_WORDS; k++) m[k] = lane_all(0);
            }
            /* Rows lie a power of two apart: too many streams for a prefetcher, in few sets of a cache. */
            for (size_t k = 0; i + AHEAD < job->rows && k < LANES; k += 2)
                __builtin_prefetch(&job->matrix[(i + AHEAD) * columns + j + k]);
            element_words(&m[at], &job->matrix[i * columns + j], &constants);
        }
        compress(h, m, BLAKE2B_DIGEST * (job->first + job->rows + 1), job->out != NULL);
        if (job->out) {
            write_words(job->out + BLAKE2B_DIGEST * j, BLAKE2B_DIGEST, 0, h);
        } else {
            for (size_t at = 0; at < 8; at += 4) write_words(job->states + 8 * j, 64, at, &h[at]);
        }
    }
    zkn_wipe(m, sizeof m);
}

void blake2b_many_parents(const blake2b_job *job, size_t begin, size_t end)
{
    lane_word h[8], m[BLAKE2B_WORDS];
    for (size_t i = 8; i < BLAKE2B_WORDS; i++) m[i] = lane_all(0);
    for (size_t j = begin; j < end; j += LANES) {
        start(h, job->person);
        for (size_t at = 0; at < 8; at += 4)
            read_words(&m[at], job->in + 2 * BLAKE2B_DIGEST * j, 2 * BLAKE2B_DIGEST, at);
        compress(h, m, 2 * BLAKE2B_DIGEST, 1);
        write_words(job->out + BLAKE2B_DIGEST * j, BLAKE2B_DIGEST, 0, h);
    }
}
