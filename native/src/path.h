/* The CPU path that a source is compiled for. Every source of native/src is compiled once per path, with
 * exactly one of ZKN_PATH_PORTABLE, ZKN_PATH_ADX, ZKN_PATH_IFMA defined to 1 (none: portable), and this header in front
 * of it; native/dispatch chooses among the results at load. Nothing is compiled with -march: the
 * instructions of a path are switched on here, for its own objects alone.
 *
 *   portable   C11 and unsigned __int128, on any little-endian machine
 *   adx        x86-64 with BMI2, ADX and AVX2: scalar products by mulx, adcx, adox; four lanes in radix 2^29 or, for
 *              BLS12-381, 2^28 (quad.h)
 *   ifma       AVX-512 F, DQ, BW, VL, IFMA: eight lanes in radix 2^52, and adx for what is not in lanes
 *
 * A source that knows a curve by the names of its constants alone is compiled for BN254, and once more for
 * BLS12-381 with ZKN_CURVE_BLS12_381 defined to 1 (native/paths.py lists them). */
#ifndef ZKN_PATH_H
#define ZKN_PATH_H

#if !defined(ZKN_PATH_ADX) && !defined(ZKN_PATH_IFMA) && !defined(ZKN_PATH_PORTABLE)
#define ZKN_PATH_PORTABLE 1
#endif

#define ZKN_CAT_(a, b) a##b
#define ZKN_CAT(a, b)  ZKN_CAT_(a, b)

/* System headers come before the instructions of a path are switched on. */
#include <assert.h>
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

/* What exists once per path; and once per curve too, where a source is compiled for both. */
#if ZKN_PATH_IFMA
#define ZKN_PATH_NAME(name) name##_ifma
#if ZKN_CURVE_BLS12_381
#define ZKN_CURVE_NAME(name) name##_bls_ifma
#else
#define ZKN_CURVE_NAME(name) name##_ifma
#endif
#ifdef ZKN_LANES_EMULATED
#define ZKN_PATH_TARGET "bmi2,adx"
#else
#define ZKN_PATH_TARGET "bmi2,adx,avx2,avx512f,avx512dq,avx512bw,avx512vl,avx512ifma"
#endif
#elif ZKN_PATH_ADX
#define ZKN_PATH_NAME(name) name##_adx
#if ZKN_CURVE_BLS12_381
#define ZKN_CURVE_NAME(name) name##_bls_adx
#else
#define ZKN_CURVE_NAME(name) name##_adx
#endif
#define ZKN_PATH_TARGET "bmi2,adx"
#else
#define ZKN_PATH_NAME(name) name##_portable
#if ZKN_CURVE_BLS12_381
#define ZKN_CURVE_NAME(name) name##_bls_portable
#else
#define ZKN_CURVE_NAME(name) name##_portable
#endif
#endif

/* 1 where scalar products may use mulx, adcx and adox */
#if ZKN_PATH_ADX || ZKN_PATH_IFMA
#define ZKN_HAS_ADX 1
#else
#define ZKN_HAS_ADX 0
#endif

/* 1 where eight elements of a field go side by side */
#if ZKN_PATH_IFMA && !ZKN_CURVE_BLS12_381
#define ZKN_HAS_LANES 1
#else
#define ZKN_HAS_LANES 0
#endif

/* 1 where points of a group do, in lanes of AVX-512 or AVX2 */
#if ZKN_PATH_ADX || ZKN_PATH_IFMA
#define ZKN_LANES_OF_G1 1
#else
#define ZKN_LANES_OF_G1 0
#endif
#if (ZKN_PATH_IFMA || ZKN_PATH_ADX) && !ZKN_CURVE_BLS12_381
#define ZKN_LANES_OF_G2 1
#else
#define ZKN_LANES_OF_G2 0
#endif

/* A C test gets the instructions from its command line instead. */
#if defined(ZKN_PATH_TARGET) && !defined(ZKN_TEST)
#define ZKN_PRAGMA(text) _Pragma(#text)
#if defined(__clang__)
#pragma clang diagnostic ignored "-Wpragma-clang-attribute" /* a source that has nothing on this path */
#define ZKN_TARGET_ON(set) ZKN_PRAGMA(clang attribute push(__attribute__((target(set))), apply_to = function))
#else
#define ZKN_TARGET_ON(set) ZKN_PRAGMA(GCC target(set))
#endif
ZKN_TARGET_ON(ZKN_PATH_TARGET)
#endif

/* Exported names, written by native/build.py from zkn.h. */
#include "exports.h"
#if ZKN_CURVE_BLS12_381
#include "zkn.h"
#include "zkn_bls.h"
/* From here on zkn_fp, zkn_g1_aff, zkn_g1_vec_check, .. are those of BLS12-381. */
#include "exports_bls.h"
#endif

/* Names shared between sources. One that is missing here is defined twice, and the linker says which. */
#define blake2b_many_columns         ZKN_PATH_NAME(blake2b_many_columns)
#define blake2b_many_parents         ZKN_PATH_NAME(blake2b_many_parents)
#define fp12_conj                    ZKN_CURVE_NAME(fp12_conj)
#define fp12_cyclotomic_sqr          ZKN_CURVE_NAME(fp12_cyclotomic_sqr)
#define fp12_equal                   ZKN_CURVE_NAME(fp12_equal)
#define fp12_frobenius               ZKN_CURVE_NAME(fp12_frobenius)
#define fp12_inv                     ZKN_CURVE_NAME(fp12_inv)
#define fp12_is_one                  ZKN_CURVE_NAME(fp12_is_one)
#define fp12_lanes_conj              ZKN_CURVE_NAME(fp12_lanes_conj)
#define fp12_lanes_cyclotomic_sqr    ZKN_CURVE_NAME(fp12_lanes_cyclotomic_sqr)
#define fp12_lanes_enter             ZKN_CURVE_NAME(fp12_lanes_enter)
#define fp12_lanes_frobenius         ZKN_CURVE_NAME(fp12_lanes_frobenius)
#define fp12_lanes_leave             ZKN_CURVE_NAME(fp12_lanes_leave)
#define fp12_lanes_mul               ZKN_CURVE_NAME(fp12_lanes_mul)
#define fp12_lanes_mul_line          ZKN_CURVE_NAME(fp12_lanes_mul_line)
#define fp12_lanes_mul_unit_line     ZKN_CURVE_NAME(fp12_lanes_mul_unit_line)
#define fp12_lanes_sqr               ZKN_CURVE_NAME(fp12_lanes_sqr)
#define fp12_mul                     ZKN_CURVE_NAME(fp12_mul)
#define fp12_mul_line                ZKN_CURVE_NAME(fp12_mul_line)
#define fp12_mul_unit_line           ZKN_CURVE_NAME(fp12_mul_unit_line)
#define fp12_one                     ZKN_CURVE_NAME(fp12_one)
#define fp12_sqr                     ZKN_CURVE_NAME(fp12_sqr)
#define fp2_inv                      ZKN_CURVE_NAME(fp2_inv)
#define fp2_mul                      ZKN_CURVE_NAME(fp2_mul)
#define fp2_mul_xi                   ZKN_CURVE_NAME(fp2_mul_xi)
#define fp2_sqr                      ZKN_CURVE_NAME(fp2_sqr)
#define fp4_add_four                 ZKN_CURVE_NAME(fp4_add_four)
#define fp4_mul                      ZKN_CURVE_NAME(fp4_mul)
#define fp4_mul_two                  ZKN_CURVE_NAME(fp4_mul_two)
#define fp4_sqr                      ZKN_CURVE_NAME(fp4_sqr)
#define fp_inv                       ZKN_CURVE_NAME(fp_inv)
#define fp_mul                       ZKN_CURVE_NAME(fp_mul)
#define fp_sqr                       ZKN_CURVE_NAME(fp_sqr)
#define fr_inv                       ZKN_CURVE_NAME(fr_inv)
#define fr_lanes_add_scaled          ZKN_CURVE_NAME(fr_lanes_add_scaled)
#define fr_lanes_dot                 ZKN_CURVE_NAME(fr_lanes_dot)
#define fr_lanes_evaluate            ZKN_CURVE_NAME(fr_lanes_evaluate)
#define fr_lanes_inverse             ZKN_CURVE_NAME(fr_lanes_inverse)
#define fr_lanes_mul                 ZKN_CURVE_NAME(fr_lanes_mul)
#define fr_lanes_scale               ZKN_CURVE_NAME(fr_lanes_scale)
#define fr_lanes_scale_powers        ZKN_CURVE_NAME(fr_lanes_scale_powers)
#define fr_lanes_split               ZKN_CURVE_NAME(fr_lanes_split)
#define fr_lanes_unequal_products    ZKN_CURVE_NAME(fr_lanes_unequal_products)
#define fr_mul                       ZKN_CURVE_NAME(fr_mul)
#define fr_sqr                       ZKN_CURVE_NAME(fr_sqr)
#define fp_root_power                ZKN_CURVE_NAME(fp_root_power)
#define fp_root_power_many           ZKN_CURVE_NAME(fp_root_power_many)
#define fp_root_powers               ZKN_CURVE_NAME(fp_root_powers)
#define fp_sqrt                      ZKN_CURVE_NAME(fp_sqrt)
#define fp_sqrt_many                 ZKN_CURVE_NAME(fp_sqrt_many)
#define fp2_norm                     ZKN_CURVE_NAME(fp2_norm)
#define fp2_sqrt_with_norms          ZKN_CURVE_NAME(fp2_sqrt_with_norms)
#define fp2_sqrt                     ZKN_CURVE_NAME(fp2_sqrt)
#define fp2_sqrt_many                ZKN_CURVE_NAME(fp2_sqrt_many)
#define g1_are_members_vartime       ZKN_CURVE_NAME(g1_are_members_vartime)
#define g2_are_members_vartime       ZKN_CURVE_NAME(g2_are_members_vartime)
#define g1_add_in_step               ZKN_CURVE_NAME(g1_add_in_step)
#define g1_add_pairs_in_lanes        ZKN_CURVE_NAME(g1_add_pairs_in_lanes)
#define g1_add_pairs_vartime         ZKN_CURVE_NAME(g1_add_pairs_vartime)
#define g1_aff_is_on_curve           ZKN_CURVE_NAME(g1_aff_is_on_curve)
#define g1_is_in_subgroup_vartime    ZKN_CURVE_NAME(g1_is_in_subgroup_vartime)
#define g1_jac_add                   ZKN_CURVE_NAME(g1_jac_add)
#define g1_jac_add_aff               ZKN_CURVE_NAME(g1_jac_add_aff)
#define g1_jac_dbl                   ZKN_CURVE_NAME(g1_jac_dbl)
#define g1_jac_equal                 ZKN_CURVE_NAME(g1_jac_equal)
#define g1_jac_to_aff                ZKN_CURVE_NAME(g1_jac_to_aff)
#define g1_list_room_take            ZKN_CURVE_NAME(g1_list_room_take)
#define g1_mul_vartime               ZKN_CURVE_NAME(g1_mul_vartime)
#define g1_multiples_in_lanes        ZKN_CURVE_NAME(g1_multiples_in_lanes)
#define g1_multiples_room_take       ZKN_CURVE_NAME(g1_multiples_room_take)
#define g1_multiples_vartime         ZKN_CURVE_NAME(g1_multiples_vartime)
#define g1_sum_few_vartime           ZKN_CURVE_NAME(g1_sum_few_vartime)
#define g1_sum_lists_vartime         ZKN_CURVE_NAME(g1_sum_lists_vartime)
#define g1_times_parameter           ZKN_CURVE_NAME(g1_times_parameter)
#define g2_add_in_step               ZKN_CURVE_NAME(g2_add_in_step)
#define g2_add_pairs_in_lanes        ZKN_CURVE_NAME(g2_add_pairs_in_lanes)
#define g2_add_pairs_vartime         ZKN_CURVE_NAME(g2_add_pairs_vartime)
#define g2_aff_is_on_curve           ZKN_CURVE_NAME(g2_aff_is_on_curve)
#define g2_is_in_subgroup_vartime    ZKN_CURVE_NAME(g2_is_in_subgroup_vartime)
#define g2_jac_add                   ZKN_CURVE_NAME(g2_jac_add)
#define g2_jac_add_aff               ZKN_CURVE_NAME(g2_jac_add_aff)
#define g2_jac_dbl                   ZKN_CURVE_NAME(g2_jac_dbl)
#define g2_jac_dbl_times             ZKN_CURVE_NAME(g2_jac_dbl_times)
#define g2_jac_equal                 ZKN_CURVE_NAME(g2_jac_equal)
#define g2_jac_psi                   ZKN_CURVE_NAME(g2_jac_psi)
#define g2_jac_to_aff                ZKN_CURVE_NAME(g2_jac_to_aff)
#define g2_list_room_take            ZKN_CURVE_NAME(g2_list_room_take)
#define g2_mul_vartime               ZKN_CURVE_NAME(g2_mul_vartime)
#define g2_multiples_in_lanes        ZKN_CURVE_NAME(g2_multiples_in_lanes)
#define g2_multiples_room_take       ZKN_CURVE_NAME(g2_multiples_room_take)
#define g2_multiples_vartime         ZKN_CURVE_NAME(g2_multiples_vartime)
#define g2_times_parameter           ZKN_CURVE_NAME(g2_times_parameter)
#define g2_psi                       ZKN_CURVE_NAME(g2_psi)
#define g2_sum_few_vartime           ZKN_CURVE_NAME(g2_sum_few_vartime)
#define g2_sum_lists_vartime         ZKN_CURVE_NAME(g2_sum_lists_vartime)
#define lane_factors_of              ZKN_CURVE_NAME(lane_factors_of)
#define miller_addend                ZKN_CURVE_NAME(miller_addend)
#define miller_affine_step           ZKN_CURVE_NAME(miller_affine_step)
#define miller_few                   ZKN_CURVE_NAME(miller_few)
#define miller_loop_in_lanes         ZKN_CURVE_NAME(miller_loop_in_lanes)
#define miller_loop                  ZKN_CURVE_NAME(miller_loop)
#define miller_places                ZKN_CURVE_NAME(miller_places)
#define miller_projective_start      ZKN_CURVE_NAME(miller_projective_start)
#define miller_projective_step       ZKN_CURVE_NAME(miller_projective_step)
#define miller_start                 ZKN_CURVE_NAME(miller_start)
#define miller_step_at               ZKN_CURVE_NAME(miller_step_at)
#define ntt_lanes                    ZKN_CURVE_NAME(ntt_lanes)
#define ntt_order                    ZKN_CURVE_NAME(ntt_order)
#define ntt_passes                   ZKN_CURVE_NAME(ntt_passes)
#define ntt_reversed                 ZKN_CURVE_NAME(ntt_reversed)
#define pairing_final_exponentiation ZKN_CURVE_NAME(pairing_final_exponentiation)
#define poseidon_eight               ZKN_PATH_NAME(poseidon_eight)
#define poseidon_sixteen             ZKN_PATH_NAME(poseidon_sixteen)
#define poseidon_table_of            ZKN_PATH_NAME(poseidon_table_of)
#define rows_lanes_sum               ZKN_PATH_NAME(rows_lanes_sum)
#define rows_quads_block             ZKN_PATH_NAME(rows_quads_block)
#define sparse_row_dot               ZKN_PATH_NAME(sparse_row_dot)
#define sparse_units_of              ZKN_PATH_NAME(sparse_units_of)
#define sumcheck_lanes_fold          ZKN_PATH_NAME(sumcheck_lanes_fold)
#define sumcheck_lanes_product       ZKN_PATH_NAME(sumcheck_lanes_product)
#define sumcheck_lanes_rows          ZKN_PATH_NAME(sumcheck_lanes_rows)
#define zkn_parallel                 ZKN_PATH_NAME(zkn_parallel)
#define zkn_parallel_each            ZKN_PATH_NAME(zkn_parallel_each)
#define zkn_workers                  ZKN_PATH_NAME(zkn_workers)
#define zkn_worth                    ZKN_PATH_NAME(zkn_worth)

#endif
