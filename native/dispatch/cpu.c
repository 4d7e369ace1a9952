/* Which CPU path this machine runs, by feature bits alone: models lie (one server part reports the number of
 * a desktop part that lacks half of its instructions). Bits as in Intel's manual, volume 2A, CPUID. */
#include "dispatch.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

enum {
    LEAF1_ECX_OSXSAVE = 27,
    LEAF7_EBX_AVX2 = 5,
    LEAF7_EBX_BMI2 = 8,
    LEAF7_EBX_AVX512F = 16,
    LEAF7_EBX_AVX512DQ = 17,
    LEAF7_EBX_ADX = 19,
    LEAF7_EBX_AVX512IFMA = 21,
    LEAF7_EBX_AVX512BW = 30,
    LEAF7_EBX_AVX512VL = 31,
    XCR0_YMM = 0x06, /* the system saves XMM and YMM */
    XCR0_ZMM = 0xe6  /* the system saves XMM, YMM, opmask and both halves of ZMM */
};

#define BIT(n) ((uint32_t)1 << (n))

void zkn_cpu_read(zkn_cpu_words *out)
{
    *out = (zkn_cpu_words){0, 0, 0};
#if defined(__x86_64__)
    uint32_t eax, ebx, ecx, edx;
    if (__get_cpuid(1, &eax, &ebx, &ecx, &edx)) out->leaf1_ecx = ecx;
    if (__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx)) out->leaf7_ebx = ebx;
    if (out->leaf1_ecx & BIT(LEAF1_ECX_OSXSAVE)) {
        __asm__ volatile("xgetbv" : "=a"(eax), "=d"(edx) : "c"(0));
        out->xcr0 = (uint64_t)edx << 32 | eax;
    }
#endif
}

zkn_cpu zkn_cpu_best(const zkn_cpu_words *words)
{
    const uint32_t adx = BIT(LEAF7_EBX_BMI2) | BIT(LEAF7_EBX_ADX) | BIT(LEAF7_EBX_AVX2);
    const uint32_t ifma = adx | BIT(LEAF7_EBX_AVX512F) | BIT(LEAF7_EBX_AVX512DQ) | BIT(LEAF7_EBX_AVX512IFMA) |
                          BIT(LEAF7_EBX_AVX512BW) | BIT(LEAF7_EBX_AVX512VL);
    const uint64_t saved = words->leaf1_ecx & BIT(LEAF1_ECX_OSXSAVE) ? words->xcr0 : 0;
    const int runs_adx = (words->leaf7_ebx & adx) == adx && (saved & XCR0_YMM) == XCR0_YMM;
#ifdef ZKN_LANES_EMULATED /* a build for tests: lanes in plain C, on any x86-64 that runs the adx path */
    if (runs_adx) return ZKN_CPU_IFMA;
#endif
    if (zkn_tables[ZKN_CPU_IFMA] && (saved & XCR0_ZMM) == XCR0_ZMM && (words->leaf7_ebx & ifma) == ifma)
        return ZKN_CPU_IFMA;
    if (zkn_tables[ZKN_CPU_ADX] && runs_adx) return ZKN_CPU_ADX;
    return ZKN_CPU_PORTABLE;
}

static zkn_cpu used = ZKN_CPU_PORTABLE;

zkn_status zkn_cpu_use(zkn_cpu path)
{
    zkn_cpu_words words;
    zkn_cpu_read(&words);
    if ((unsigned)path >= ZKN_CPU_PATHS || path > zkn_cpu_best(&words)) return ZKN_UNSUPPORTED;
    used = path;
    zkn_table_used = zkn_tables[path];
    return ZKN_OK;
}

zkn_cpu zkn_cpu_used(void)
{
    return used;
}
