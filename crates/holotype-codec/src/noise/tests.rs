use super::*;
use crate::CodecError;
use crate::tensor::ElementType;

/// FNV-1a of 64 bits over the elements.
fn digest(recipe: &NoiseRecipe, element: ElementType, n: usize) -> u64 {
    let mut out = Vec::new();
    generate(recipe, element, n, &mut out).unwrap();
    out.iter().fold(0xCBF2_9CE4_8422_2325, |hash: u64, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01B3)
    })
}

/// Recorded from PyTorch 1.13 (x86-64, AVX2) and NumPy 1.24; generators of normal numbers beside `TorchCpuNormal` from
/// PyTorch 2.15 and NumPy 2.4: generator, seed, element, number, digest.
const RECORDED: &[(NoiseGenerator, u64, ElementType, usize, u64)] = &[
    (NoiseGenerator::TorchCpuNormal, 0, ElementType::F32, 16, 0x28D4_9F8F_92BF_21D6),
    (NoiseGenerator::TorchCpuUniform, 0, ElementType::F32, 16, 0x355F_338C_445C_75F8),
    (NoiseGenerator::TorchCpuNormal, 0, ElementType::F32, 40, 0x550F_5B1A_0DE8_C136),
    (NoiseGenerator::TorchCpuUniform, 0, ElementType::F32, 40, 0x6147_9703_0671_05C9),
    (NoiseGenerator::TorchCpuNormal, 0, ElementType::F32, 1000, 0x31AE_6782_1CA5_077E),
    (NoiseGenerator::TorchCpuUniform, 0, ElementType::F32, 1000, 0xFD45_D9E8_345F_8403),
    (NoiseGenerator::TorchCpuNormal, 7, ElementType::F32, 16, 0x5D31_0A33_B33C_13D8),
    (NoiseGenerator::TorchCpuUniform, 7, ElementType::F32, 16, 0x905C_5E2C_7E1F_CAD4),
    (NoiseGenerator::TorchCpuNormal, 7, ElementType::F32, 40, 0x8FF8_B0CC_39F2_DB54),
    (NoiseGenerator::TorchCpuUniform, 7, ElementType::F32, 40, 0xC843_D8F3_E7E4_2C81),
    (NoiseGenerator::TorchCpuNormal, 7, ElementType::F32, 1000, 0xDEE1_7A05_7DE5_5FC7),
    (NoiseGenerator::TorchCpuUniform, 7, ElementType::F32, 1000, 0x437A_6FFD_182F_EE51),
    (NoiseGenerator::TorchCpuNormal, 42, ElementType::F32, 16, 0x080F_FA5F_BEB1_5154),
    (NoiseGenerator::TorchCpuUniform, 42, ElementType::F32, 16, 0x5543_AC55_66E6_F7BF),
    (NoiseGenerator::TorchCpuNormal, 42, ElementType::F32, 40, 0x7BED_02C1_DEF4_8F2C),
    (NoiseGenerator::TorchCpuUniform, 42, ElementType::F32, 40, 0xB319_1026_B72A_22B6),
    (NoiseGenerator::TorchCpuNormal, 42, ElementType::F32, 1000, 0x790C_9EBF_D525_92DA),
    (NoiseGenerator::TorchCpuUniform, 42, ElementType::F32, 1000, 0x9A09_202F_CEF2_A2B8),
    (NoiseGenerator::TorchCpuNormal, 4_294_967_295, ElementType::F32, 16, 0x1808_B97A_E710_776A),
    (NoiseGenerator::TorchCpuUniform, 4_294_967_295, ElementType::F32, 16, 0x179A_D29C_4C6A_CA4B),
    (NoiseGenerator::TorchCpuNormal, 4_294_967_295, ElementType::F32, 40, 0x036D_903C_5758_A9AB),
    (NoiseGenerator::TorchCpuUniform, 4_294_967_295, ElementType::F32, 40, 0x3C82_4B25_F6EC_ACD0),
    (NoiseGenerator::TorchCpuNormal, 4_294_967_295, ElementType::F32, 1000, 0x09D8_DEF0_90CE_0CB8),
    (NoiseGenerator::TorchCpuUniform, 4_294_967_295, ElementType::F32, 1000, 0xED5E_A2F4_C70C_3825),
    (NoiseGenerator::TorchCpuNormal, 1_099_511_627_781, ElementType::F32, 16, 0x3C61_A7C2_81FB_0730),
    (NoiseGenerator::TorchCpuUniform, 1_099_511_627_781, ElementType::F32, 16, 0x9EE7_C989_BB19_8B83),
    (NoiseGenerator::TorchCpuNormal, 1_099_511_627_781, ElementType::F32, 40, 0xEFCB_5891_E58E_A861),
    (NoiseGenerator::TorchCpuUniform, 1_099_511_627_781, ElementType::F32, 40, 0x56A6_38C4_C6CA_C74A),
    (NoiseGenerator::TorchCpuNormal, 1_099_511_627_781, ElementType::F32, 1000, 0xCF44_413A_37CD_1AB4),
    (NoiseGenerator::TorchCpuUniform, 1_099_511_627_781, ElementType::F32, 1000, 0xDF2D_A9B4_F5EE_5701),
    (NoiseGenerator::TorchCpuNormal, 7, ElementType::F32, 16384, 0xAC03_23B2_83B0_C3D2),
    (NoiseGenerator::TorchCpuNormal, 1, ElementType::F16, 1000, 0xF00D_77B4_5DB1_2436),
    (NoiseGenerator::TorchCpuUniform, 1, ElementType::F16, 1000, 0x67CD_CCBC_9639_6120),
    (NoiseGenerator::TorchCpuNormal, 99, ElementType::F16, 1000, 0x9900_1449_B6AC_2CFF),
    (NoiseGenerator::TorchCpuUniform, 99, ElementType::F16, 1000, 0x7FB6_2A35_6D2A_05DA),
    (NoiseGenerator::TorchCpuNormal, 1, ElementType::Bf16, 1000, 0x0EE7_E928_B8DD_DF32),
    (NoiseGenerator::TorchCpuUniform, 1, ElementType::Bf16, 1000, 0x646F_13D1_4C9D_F57B),
    (NoiseGenerator::TorchCpuNormal, 99, ElementType::Bf16, 1000, 0x37FC_DB6A_CAC0_A00E),
    (NoiseGenerator::TorchCpuUniform, 99, ElementType::Bf16, 1000, 0xD884_E102_8773_3715),
    (NoiseGenerator::TorchCpuUniform, 3, ElementType::F64, 333, 0x3513_6F1E_C11E_D21B),
    (NoiseGenerator::TorchCpuUniform, 12_345, ElementType::F64, 333, 0x824F_4CB5_8342_6570),
    (NoiseGenerator::NumpyPcg64Uniform, 0, ElementType::F64, 333, 0x3A62_DC32_4DE0_3E06),
    (NoiseGenerator::NumpyPcg64Uniform, 0, ElementType::F32, 333, 0x85A0_D05B_D16C_DAC3),
    (NoiseGenerator::NumpyPcg64Uniform, 7, ElementType::F64, 333, 0x0BE7_1CCC_B4BC_FEE4),
    (NoiseGenerator::NumpyPcg64Uniform, 7, ElementType::F32, 333, 0xF2AB_D1A2_7DEB_A39E),
    (NoiseGenerator::NumpyPcg64Uniform, 8_589_934_601, ElementType::F64, 333, 0x9CE2_9D23_179C_C934),
    (NoiseGenerator::NumpyPcg64Uniform, 8_589_934_601, ElementType::F32, 333, 0xE3A5_A22E_8597_D8C7),
    (
        NoiseGenerator::NumpyPcg64Uniform,
        18_446_744_073_709_551_615,
        ElementType::F64,
        333,
        0x30D0_4437_83A1_F273,
    ),
    (
        NoiseGenerator::NumpyPcg64Uniform,
        18_446_744_073_709_551_615,
        ElementType::F32,
        333,
        0x4FA6_204C_3B7B_E7F4,
    ),
    (NoiseGenerator::NumpyMt19937Uniform, 0, ElementType::F64, 333, 0x0AC3_B19C_83D0_2887),
    (NoiseGenerator::NumpyMt19937Uniform, 7, ElementType::F64, 333, 0x79A1_D08E_9C3A_574C),
    (NoiseGenerator::NumpyMt19937Uniform, 4_294_967_295, ElementType::F64, 333, 0xB870_573E_EFB1_B952),
    (NoiseGenerator::NumpyPcg64Normal, 0, ElementType::F64, 20_000, 0x5DB1_0E0E_E5F3_C825),
    (NoiseGenerator::NumpyPcg64Normal, 0, ElementType::F32, 333, 0xC576_D8AF_FD03_25B5),
    (NoiseGenerator::NumpyPcg64NormalF32, 0, ElementType::F32, 20_000, 0x9923_3AED_7A0C_846C),
    (NoiseGenerator::NumpyPcg64NormalF32, 0, ElementType::F16, 333, 0xE99C_ED04_6297_E92F),
    (NoiseGenerator::NumpyPcg64NormalF32, 0, ElementType::Bf16, 333, 0x71D8_9AD0_8DEA_9D21),
    (NoiseGenerator::NumpyPcg64Normal, 7, ElementType::F64, 20_000, 0x1466_E9C7_9CAE_B946),
    (NoiseGenerator::NumpyPcg64Normal, 7, ElementType::F32, 333, 0x440C_A9E3_9F48_7493),
    (NoiseGenerator::NumpyPcg64NormalF32, 7, ElementType::F32, 20_000, 0x3F00_B2B1_2535_C4DA),
    (NoiseGenerator::NumpyPcg64NormalF32, 7, ElementType::F16, 333, 0x9E75_4BB6_010F_9940),
    (NoiseGenerator::NumpyPcg64NormalF32, 7, ElementType::Bf16, 333, 0x5542_FE74_674B_76F2),
    (NoiseGenerator::NumpyPcg64Normal, 8_589_934_601, ElementType::F64, 20_000, 0x8ECE_83C6_5DE8_B314),
    (NoiseGenerator::NumpyPcg64Normal, 8_589_934_601, ElementType::F32, 333, 0x8BFA_947B_632E_0650),
    (NoiseGenerator::NumpyPcg64NormalF32, 8_589_934_601, ElementType::F32, 20_000, 0xE92F_ECB1_08CC_CA5D),
    (NoiseGenerator::NumpyPcg64NormalF32, 8_589_934_601, ElementType::F16, 333, 0x8425_31BF_B950_0F1B),
    (NoiseGenerator::NumpyPcg64NormalF32, 8_589_934_601, ElementType::Bf16, 333, 0x74EA_A29E_89DE_A076),
    (
        NoiseGenerator::NumpyPcg64Normal,
        18_446_744_073_709_551_615,
        ElementType::F64,
        20_000,
        0x4A08_C239_CA38_6C69,
    ),
    (
        NoiseGenerator::NumpyPcg64Normal,
        18_446_744_073_709_551_615,
        ElementType::F32,
        333,
        0x20BE_A6BF_C3B2_3149,
    ),
    (
        NoiseGenerator::NumpyPcg64NormalF32,
        18_446_744_073_709_551_615,
        ElementType::F32,
        20_000,
        0x9566_4A40_0AC9_70EB,
    ),
    (
        NoiseGenerator::NumpyPcg64NormalF32,
        18_446_744_073_709_551_615,
        ElementType::F16,
        333,
        0x224A_EE24_847B_C6C4,
    ),
    (
        NoiseGenerator::NumpyPcg64NormalF32,
        18_446_744_073_709_551_615,
        ElementType::Bf16,
        333,
        0x29DF_375E_71AE_481F,
    ),
    (NoiseGenerator::NumpyMt19937Normal, 0, ElementType::F64, 333, 0xB0CC_0026_4A19_D66F),
    (NoiseGenerator::NumpyMt19937Normal, 0, ElementType::F32, 3333, 0xF8A8_EB5B_96B4_CD0E),
    (NoiseGenerator::NumpyMt19937Normal, 0, ElementType::F16, 333, 0x5B62_64B8_F3F8_D805),
    (NoiseGenerator::NumpyMt19937Uniform, 0, ElementType::F32, 333, 0x7A95_4C4E_9BBF_B903),
    (NoiseGenerator::NumpyMt19937Normal, 7, ElementType::F64, 333, 0x1680_8C75_B1A4_097A),
    (NoiseGenerator::NumpyMt19937Normal, 7, ElementType::F32, 3333, 0xEF08_31E4_C253_C111),
    (NoiseGenerator::NumpyMt19937Normal, 7, ElementType::F16, 333, 0x87BD_3E23_D3A8_2CC8),
    (NoiseGenerator::NumpyMt19937Uniform, 7, ElementType::F32, 333, 0xCAAE_889A_8D22_6A83),
    (NoiseGenerator::NumpyMt19937Normal, 4_294_967_295, ElementType::F64, 333, 0xFABB_9957_5D47_DAC6),
    (NoiseGenerator::NumpyMt19937Normal, 4_294_967_295, ElementType::F32, 3333, 0xBD28_0AD0_CA60_BBCF),
    (NoiseGenerator::NumpyMt19937Normal, 4_294_967_295, ElementType::F16, 333, 0xE58F_A71D_2D3A_B71B),
    (NoiseGenerator::NumpyMt19937Uniform, 4_294_967_295, ElementType::F32, 333, 0x84D7_DA02_44CC_E941),
    (NoiseGenerator::TorchCpuNormalHalf, 1, ElementType::F16, 16, 0xCFCA_024E_C03F_4521),
    (NoiseGenerator::TorchCpuNormalHalf, 1, ElementType::Bf16, 16, 0xD58B_893B_6C93_A6FF),
    (NoiseGenerator::TorchCpuNormalF64, 1, ElementType::F32, 16, 0xF078_A9CA_5752_4678),
    (NoiseGenerator::TorchCpuNormalHalf, 1, ElementType::F16, 40, 0x5FF3_FC4F_5CF5_5FE5),
    (NoiseGenerator::TorchCpuNormalHalf, 1, ElementType::Bf16, 40, 0x6294_01EF_908E_C06D),
    (NoiseGenerator::TorchCpuNormalF64, 1, ElementType::F32, 40, 0x77E3_4707_6BE9_9221),
    (NoiseGenerator::TorchCpuNormalHalf, 1, ElementType::F16, 1000, 0xD8E1_591E_DBA3_8DB7),
    (NoiseGenerator::TorchCpuNormalHalf, 1, ElementType::Bf16, 1000, 0x30F2_A936_F109_39C3),
    (NoiseGenerator::TorchCpuNormalF64, 1, ElementType::F32, 1000, 0x3405_A6F8_9912_B115),
    (NoiseGenerator::TorchCpuNormalHalf, 99, ElementType::F16, 16, 0xC0DB_3A5F_FA12_C4FA),
    (NoiseGenerator::TorchCpuNormalHalf, 99, ElementType::Bf16, 16, 0x78C5_7D18_190F_E6B7),
    (NoiseGenerator::TorchCpuNormalF64, 99, ElementType::F32, 16, 0x86EC_CC12_844C_D40E),
    (NoiseGenerator::TorchCpuNormalHalf, 99, ElementType::F16, 40, 0x8D91_F6F0_1CC9_AF93),
    (NoiseGenerator::TorchCpuNormalHalf, 99, ElementType::Bf16, 40, 0x8353_5D6C_8054_50D3),
    (NoiseGenerator::TorchCpuNormalF64, 99, ElementType::F32, 40, 0xCD41_584F_8EC7_EAAD),
    (NoiseGenerator::TorchCpuNormalHalf, 99, ElementType::F16, 1000, 0x9945_8187_5F35_7A00),
    (NoiseGenerator::TorchCpuNormalHalf, 99, ElementType::Bf16, 1000, 0x3052_9D28_42AA_9C8E),
    (NoiseGenerator::TorchCpuNormalF64, 99, ElementType::F32, 1000, 0xC72F_F434_8B1E_43EA),
];

#[test]
fn noise_is_that_of_the_libraries() {
    for (generator, seed, element, n, expected) in RECORDED {
        let recipe = NoiseRecipe::new(*generator, *seed, 0);
        let found = digest(&recipe, *element, *n);
        assert_eq!(found, *expected, "{} {seed} {} {n}", generator.name(), element.name());
    }
}

#[test]
fn an_offset_skips_draws() {
    for (generator, element, n_bytes) in [
        (NoiseGenerator::TorchCpuUniform, ElementType::F32, 4),
        (NoiseGenerator::NumpyPcg64Uniform, ElementType::F64, 8),
        (NoiseGenerator::TorchCpuNormal, ElementType::F32, 4),
        (NoiseGenerator::NumpyPcg64Normal, ElementType::F64, 8),
        (NoiseGenerator::NumpyPcg64NormalF32, ElementType::F32, 4),
        (NoiseGenerator::NumpyMt19937Normal, ElementType::F64, 8),
    ] {
        let (mut all, mut rest) = (Vec::new(), Vec::new());
        let recipe = |offset| NoiseRecipe::new(generator, 3, offset);
        generate(&recipe(0), element, 64, &mut all).unwrap();
        generate(&recipe(16), element, 48, &mut rest).unwrap();
        assert_eq!(all[16 * n_bytes..], rest);
    }
}

/// Elements of `torch.manual_seed(7); torch.rand(100_000, dtype=…)` of PyTorch 2.15: the first, and where those are that binary32
/// rounded would be 1.
#[test]
fn uniform_half_floats_are_those_of_the_library() {
    let recipe = NoiseRecipe::new(NoiseGenerator::TorchCpuUniformHalf, 7, 0);
    for (element, first, zeros, n_ones) in [
        (
            ElementType::F16,
            [0x3848_u16, 0x325D, 0x3946, 0x3941],
            [16_704, 17_208, 21_849, 22_286, 32_921],
            26,
        ),
        (ElementType::Bf16, [0x3F09, 0x3E4C, 0x3F29, 0x3F28], [191, 405, 612, 923, 1018], 226),
    ] {
        let (mut made, mut singles) = (Vec::new(), Vec::new());
        generate(&recipe, element, 100_000, &mut made).unwrap();
        let made: Vec<u16> = made.as_chunks().0.iter().map(|word| u16::from_le_bytes(*word)).collect();
        assert_eq!(made[..4], first);
        assert_eq!(zeros.map(|at| made[at]), [0; 5]);
        let single = NoiseRecipe::new(NoiseGenerator::TorchCpuUniform, 7, 0);
        generate(&single, ElementType::F32, 100_000, &mut singles).unwrap();
        let singles = singles.as_chunks().0.iter().map(|word| f32::from_le_bytes(*word));
        let one = if element == ElementType::F16 { 0x3C00 } else { 0x3F80 };
        let mut n = 0;
        for (made, single) in made.into_iter().zip(singles) {
            let rounded = match element {
                ElementType::F16 => half::f16::from_f32(single).to_bits(),
                _ => half::bf16::from_f32(single).to_bits(),
            };
            assert_eq!(made, if rounded == one { 0 } else { rounded });
            n += usize::from(rounded == one);
        }
        assert_eq!(n, n_ones);
    }
}

#[test]
fn noise_of_cuda_is_what_is_published() {
    // `torch.manual_seed(0); torch.randn(3, 4, device="cuda")` as printed in what documents it.
    let printed = [
        [-0.9247_f32, -0.4253, -2.6438, 0.1452],
        [-0.1209, -0.5797, -0.6229, -0.3284],
        [-1.0745, -0.3631, -1.6711, 2.2655],
    ];
    let recipe = NoiseRecipe::new(NoiseGenerator::TorchCudaNormal, 0, 0);
    let mut made = Vec::new();
    generate(&recipe, ElementType::F32, 12, &mut made).unwrap();
    for (word, printed) in made.chunks_exact(4).zip(printed.as_flattened()) {
        let value = f32::from_le_bytes([word[0], word[1], word[2], word[3]]);
        assert!((value - printed).abs() < 6e-5, "{value} {printed}");
    }
    // As many threads as elements or more, and the counter is that of a thread.
    let mut limited = Vec::new();
    generate(&recipe.with_n_threads(1 << 20), ElementType::F32, 12, &mut limited).unwrap();
    assert_eq!(made, limited);
}

#[test]
fn what_is_not_made_is_refused() {
    let recipe = |generator, offset| NoiseRecipe::new(generator, 0, offset);
    for (recipe, element, n) in [
        (recipe(NoiseGenerator::TorchCpuNormal, 0), ElementType::F32, 15),
        (recipe(NoiseGenerator::TorchCpuNormal, 0), ElementType::F64, 100),
        (recipe(NoiseGenerator::NumpyMt19937Uniform, 0), ElementType::I64, 5),
        (recipe(NoiseGenerator::NumpyPcg64Uniform, 0), ElementType::F16, 5),
        (recipe(NoiseGenerator::NumpyPcg64NormalF32, 0), ElementType::F64, 5),
        (recipe(NoiseGenerator::NumpyPcg64Normal, 1 << 27), ElementType::F64, 5),
        (recipe(NoiseGenerator::TorchCpuNormalHalf, 0), ElementType::F32, 100),
        (recipe(NoiseGenerator::TorchCpuUniformHalf, 0), ElementType::F32, 100),
        (recipe(NoiseGenerator::TorchCpuNormalF64, 0), ElementType::F64, 15),
        (recipe(NoiseGenerator::TorchCudaNormal, 2), ElementType::F32, 5),
        (recipe(NoiseGenerator::TorchCudaNormal, 0), ElementType::F64, 5),
        (recipe(NoiseGenerator::TorchCudaNormal, 0).with_n_threads(100), ElementType::F32, 5),
        (recipe(NoiseGenerator::TorchCpuUniform, 0).with_n_threads(256), ElementType::F32, 5),
        (recipe(NoiseGenerator::TorchCpuUniform, 1 << 33), ElementType::F32, 5),
        (recipe(NoiseGenerator::TorchCpuUniform, 0), ElementType::I32, 5),
    ] {
        assert!(matches!(
            generate(&recipe, element, n, &mut Vec::new()),
            Err(CodecError::Unsupported { .. })
        ));
    }
}
