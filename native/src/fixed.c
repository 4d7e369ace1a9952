/* Multiples of one base in G1 and G2, by a table of its multiples. Timing and memory access depend on the scalars. */
#include "digits.h"
#include "lists.h"
#include "threads.h"

enum {
    ZKN_FIXED_ITEMS = 1 << 14, /* table entries gathered at once */
    ZKN_FIXED_BITS_MAX = 16,
};

#define GROUP     g1
#define GROUP_AFF zkn_g1_aff
#define GROUP_JAC zkn_g1_jac
#include "fixed_template.h"

#define GROUP     g2
#define GROUP_AFF zkn_g2_aff
#define GROUP_JAC zkn_g2_jac
#include "fixed_template.h"

size_t zkn_fixed_table_length(unsigned c)
{
    return (size_t)zkn_digit_windows(ZKN_SIZE_BITS, c) << (c - 1);
}
